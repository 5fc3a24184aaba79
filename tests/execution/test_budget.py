"""Budgets around any backend: circuits, seconds, money."""

import json
import multiprocessing
import os

import cirq
import numpy as np
import pytest
import sympy
from joblib import Parallel, delayed
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV

from skquantum import QuantumKernelSVC, VariationalClassifier
from skquantum.execution import (
    BudgetedBackend,
    CachedBackend,
    DenseBackend,
    MitigatedBackend,
    QsimBackend,
    SamplerBackend,
)
from skquantum.kernels import FidelityKernel, ProjectedKernel

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
X = np.random.default_rng(0).normal(size=(10, 2))
Y = np.arange(10) % 2
Q, S = cirq.LineQubit.range(2), sympy.symbols("a b")
CIRCUIT = cirq.Circuit(cirq.ry(S[0])(Q[0]), cirq.rx(S[1])(Q[1]), cirq.CZ(*Q))
ALL = [cirq.X(Q[0]), cirq.Z(Q[0]) * cirq.Z(Q[1])]
RUN = CIRCUIT, S, X


def sampler():
    return SamplerBackend(cirq.Simulator(seed=0), repetitions=20)


INNER = [QsimBackend(), QsimBackend(noise=0.01), QsimBackend(shots=30, seed=0), DenseBackend()]
INNER += [MitigatedBackend(QsimBackend(noise=0.01), readout=True)]


@pytest.mark.parametrize("inner", INNER, ids=repr)
@pytest.mark.parametrize("limits", [{}, {"max_seconds": 100, "max_circuits": 10**6}], ids=str)
def test_within_its_budget_nothing_changes(inner, limits):
    backend = BudgetedBackend(inner, **limits)
    assert_array_equal(
        backend.expectations(CIRCUIT, S, X, ALL), inner.expectations(CIRCUIT, S, X, ALL)
    )
    for rows in (None, X[:3]):
        assert_allclose(
            backend.overlaps(CIRCUIT, S, X, rows), inner.overlaps(CIRCUIT, S, X, rows), atol=1e-6
        )
    options = {"n_layers": 1, "max_iter": 3, "random_state": 0, "tol": 1.0}
    ours, theirs = (
        VariationalClassifier(backend=b, **options).fit(X, Y).predict_proba(X)
        for b in (backend, inner)
    )
    assert_array_equal(ours, theirs)
    assert backend.spent["circuits"] > 0
    assert backend.spent["seconds"] > 0


@pytest.mark.parametrize("make", [QsimBackend, sampler])
@pytest.mark.parametrize("mitigated", [False, True])
def test_what_a_job_will_run_is_what_it_has_run(make, mitigated):
    backend = MitigatedBackend(make(), zne=(1, 3)) if mitigated else make()
    counted = BudgetedBackend(backend)
    before, jobs = 0, []
    for observables in (ALL, ALL[:1]):
        jobs.append(counted.circuits_of(CIRCUIT, len(X), observables))
        counted.expectations(CIRCUIT, S, X, observables)
        before, ran = counted.spent["circuits"], counted.spent["circuits"] - before
        assert jobs[-1] == ran
    # A matrix needs each pair where pairs are measured, and each state where there are states.
    needed = counted.circuits_of(CIRCUIT, len(X), n_pairs=len(X) * (len(X) + 1) // 2)
    counted.overlaps(CIRCUIT, S, X)
    assert needed == counted.spent["circuits"] - before


def test_money_is_refused_before_it_is_spent():
    prices = {"price_per_circuit": 0.5, "price_per_shot": 0.01}
    backend = BudgetedBackend(sampler(), max_cost=14.0, **prices)
    backend.expectations(CIRCUIT, S, X[:5], ALL)  # ten circuits of .7
    assert backend.spent["cost"] == pytest.approx(7.0)
    backend.expectations(CIRCUIT, S, X[:5], ALL)
    with pytest.raises(ValueError, match=r"2 circuits, which cost 1\.4; max_cost=14\.0 leaves 0"):
        backend.expectations(CIRCUIT, S, X[:1], ALL)
    assert backend.spent["circuits"] == 20


def test_a_training_is_refused_before_its_first_step():
    backend = BudgetedBackend(sampler(), max_circuits=100)
    model = VariationalClassifier(backend=backend, max_iter=50, random_state=0)
    with pytest.raises(ValueError, match=r"To its last iteration.*max_circuits=100 leaves 100"):
        model.fit(X, Y)
    assert backend.spent["circuits"] == 0


def test_no_job_begins_when_the_seconds_are_spent():
    backend = BudgetedBackend(QsimBackend(), max_seconds=0)
    for kernel in (FidelityKernel, ProjectedKernel):
        with pytest.raises(ValueError, match=r"max_seconds=0 are spent"):
            kernel("angle", backend=backend)(X)
    with pytest.raises(ValueError, match="max_seconds=0"):
        VariationalClassifier(backend=backend).fit(X, Y)


def test_a_matrix_stops_between_its_rows():
    class Slow(DenseBackend):
        def _overlaps(self, *arguments):
            import time

            time.sleep(0.05)
            return super()._overlaps(*arguments)

    rows = np.random.default_rng(0).normal(size=(100, 2))
    backend = BudgetedBackend(Slow(), max_seconds=0.06)
    with pytest.raises(ValueError, match="are spent"):
        backend.overlaps(CIRCUIT, S, rows)
    assert 0 < backend.spent["circuits"] <= 200
    assert backend.spent["seconds"] < 0.5


def test_steps_of_exact_gradients_count():
    backend = BudgetedBackend(QsimBackend())
    options = {"n_layers": 1, "max_iter": 3, "random_state": 0, "tol": 1.0}
    model = VariationalClassifier(backend=backend, **options).fit(X, Y)
    assert backend.spent["circuits"] == sum(r["run"] for r in model.run_records_) > 0


def test_a_grid_search_has_one_budget():
    backend = BudgetedBackend(sampler())
    model = QuantumKernelSVC("angle", kernel="fidelity", backend=backend)
    GridSearchCV(model, {"C": [0.1, 1.0]}, cv=2).fit(X, Y)
    # Two settings on two folds, and all rows at the end: each 15 pairs, and 25 predicted.
    assert backend.spent["circuits"] == 4 * (15 + 25) + 55
    assert clone(backend).spent == backend.spent
    assert BudgetedBackend(sampler()).spent["circuits"] == 0


def test_processes_need_a_ledger(tmp_path):
    with pytest.raises(ValueError, match=r"ledger='spent\.jsonl'"):
        Parallel(2)(delayed(BudgetedBackend(max_circuits=5).states)(*RUN) for _ in range(2))
    backend = BudgetedBackend(max_circuits=25, ledger=tmp_path / "spent.jsonl")
    Parallel(2)(delayed(backend.states)(*RUN) for _ in range(2))
    assert backend.spent["circuits"] == 20
    with pytest.raises(ValueError, match="max_circuits=25 leaves 5"):
        backend.expectations(CIRCUIT, S, X, ALL)
    again = BudgetedBackend(ledger=backend.ledger)
    assert again.spent == backend.spent
    assert multiprocessing.parent_process() is None


def test_a_damaged_ledger_is_told(tmp_path):
    path = tmp_path / "spent.jsonl"
    path.write_text(json.dumps({"circuits": 1, "seconds": 1.0, "cost": 0.0}) + "\n{}\n")
    with pytest.raises(ValueError, match=r"spent\.jsonl' is damaged in line 2"):
        BudgetedBackend(max_circuits=5, ledger=path).expectations(CIRCUIT, S, X, ALL)


@pytest.mark.skipif(os.name == "nt", reason="folders of another kind")
def test_a_ledger_that_cannot_be_written_is_told_before(tmp_path):
    backend = BudgetedBackend(max_circuits=5, ledger=tmp_path / "no" / "spent.jsonl")
    with pytest.raises(ValueError, match=r"Nothing was run"):
        backend.expectations(CIRCUIT, S, X[:1], ALL)


def test_what_a_cache_keeps_costs_nothing(tmp_path):
    budget = BudgetedBackend(QsimBackend(noise=0.01), max_circuits=10)
    backend = CachedBackend(budget, tmp_path, name="noisy")
    first = backend.expectations(CIRCUIT, S, X, ALL)
    assert_array_equal(backend.expectations(CIRCUIT, S, X, ALL), first)
    assert budget.spent["circuits"] == 10
    with pytest.raises(ValueError, match="max_circuits=10 leaves 0"):
        backend.expectations(CIRCUIT, S, X + 1, ALL)


@pytest.mark.parametrize(
    ("name", "value"),
    [("max_circuits", -1), ("max_seconds", -0.1), ("max_cost", "5"), ("price_per_shot", None)],
)
def test_limits_are_checked(name, value):
    with pytest.raises(ValueError, match=name):
        BudgetedBackend(**{name: value}).expectations(CIRCUIT, S, X, ALL)
