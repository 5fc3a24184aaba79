import copy
import json
import os
import pickle
import re
import subprocess
import sys
import time
from functools import partial
from pathlib import Path

import cirq
import numpy as np
import pytest
import qsimcirq
import sympy
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone
from sklearn.datasets import load_iris, make_moons
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler

from skquantum import (
    QLSTMRegressor,
    QuantumFeatureTransformer,
    QuantumKernelSVC,
    QuantumKernelSVR,
    QuantumPoolingTransformer,
    VariationalClassifier,
    VariationalRegressor,
)
from skquantum.circuits import AngleEncoding, ZZEncoding
from skquantum.execution import MitigatedBackend, QsimBackend, ReferenceBackend, SamplerBackend
from skquantum.execution._device.marks import (
    instead,
    marked,
)
from skquantum.execution._device.target import Target
from skquantum.execution._gradients import ParameterShiftEvaluator
from skquantum.kernels import FidelityKernel, ProjectedKernel
from skquantum.layers import QuantumLayer
from tests.estimator_checks import parametrize_with_checks_that_see

from .samplers import (
    FaultySampler,
    RepeatableSampler,
    fewer_repetitions,
    hoeffding,
    shorter,
    stalls,
    too_narrow,
    wrong_key,
)

A, B = cirq.LineQubit.range(2)
X, Y = sympy.symbols("x y")
CIRCUIT = cirq.Circuit(cirq.ry(X)(A), cirq.CX(A, B), cirq.rz(X * Y)(B), cirq.H(A), cirq.rx(Y)(B))
ROWS = np.random.default_rng(0).uniform(-2, 2, (4, 2))
OBSERVABLES = [
    cirq.Z(A) * cirq.Z(B) - 0.5,
    cirq.PauliSum.wrap(cirq.Y(A)),
    2 * cirq.X(A) + cirq.Z(B),
]


@pytest.fixture
def quick():
    """Return what makes a backend that does not wait after failures."""
    return partial(SamplerBackend, repetitions=50, backoff=0.0)


def measure(backend, rows=ROWS):
    return backend.expectations(CIRCUIT, [X, Y], rows, OBSERVABLES[:1])


# Results


@pytest.mark.parametrize(
    "sampler",
    [cirq.Simulator(seed=1), cirq.DensityMatrixSimulator(seed=1), qsimcirq.QSimSimulator(seed=1)],
    ids=lambda sampler: type(sampler).__name__,
)
def test_expectations_are_those_of_the_oracle_up_to_shot_noise(sampler):
    backend = SamplerBackend(sampler, repetitions=4000)
    expected = ReferenceBackend().expectations(CIRCUIT, [X, Y], ROWS, OBSERVABLES)
    out = backend.expectations(CIRCUIT, [X, Y], ROWS, OBSERVABLES)
    assert_allclose(out, expected, rtol=0, atol=hoeffding(4000, out.size, width=6))


def test_constants_cost_nothing():
    backend = SamplerBackend(FaultySampler())
    constant = cirq.PauliSum.wrap(cirq.PauliString(coefficient=0.25))
    assert_array_equal(
        backend.expectations(CIRCUIT, [X, Y], ROWS, [constant]), np.full((4, 1), 0.25)
    )
    assert backend.sampler.n_calls == 0


def test_observables_that_agree_share_a_circuit():
    backend = SamplerBackend(FaultySampler())
    paulis = [p(q) for q in (A, B) for p in (cirq.X, cirq.Y, cirq.Z)]
    backend.expectations(CIRCUIT, [X, Y], ROWS, paulis)
    assert backend.sampler.n_circuits == 3 * len(ROWS)


def test_overlaps_are_those_of_the_oracle_up_to_shot_noise():
    backend = SamplerBackend(RepeatableSampler(), repetitions=4000)
    others = ROWS[:2] + 0.3
    for right in (None, others):
        expected = ReferenceBackend().overlaps(CIRCUIT, [X, Y], ROWS, right)
        out = backend.overlaps(CIRCUIT, [X, Y], ROWS, right)
        assert_allclose(out, expected, rtol=0, atol=hoeffding(4000, out.size, width=1))


def test_a_gram_matrix_is_symmetric_and_its_diagonal_is_measured():
    noise = cirq.ConstantQubitNoiseModel(cirq.depolarize(0.05))
    backend = SamplerBackend(cirq.DensityMatrixSimulator(noise=noise, seed=0), repetitions=200)
    out = backend.overlaps(CIRCUIT, [X, Y], ROWS)
    assert_array_equal(out, out.T)
    assert backend.run_records_[0]["circuits"] == 4 * 5 / 2
    assert (np.diag(out) < 0.9).all()


def test_there_are_no_states():
    with pytest.raises(ValueError, match="no state vectors"):
        SamplerBackend(RepeatableSampler()).states(CIRCUIT, [X, Y], ROWS)


def test_no_rows_need_no_circuits():
    backend = SamplerBackend(FaultySampler())
    assert measure(backend, np.empty((0, 2))).shape == (0, 1)
    assert backend.overlaps(CIRCUIT, [X, Y], ROWS, np.empty((0, 2))).shape == (4, 0)
    assert backend.sampler.n_calls == 0


# Gradients


def test_automatic_gradients_are_what_the_backend_has():
    assert QsimBackend().default_gradient == "adjoint"
    assert ReferenceBackend().default_gradient == "parameter-shift"
    assert SamplerBackend().default_gradient == "parameter-shift"
    assert QuantumLayer("angle", "hardware_efficient", n_features=2).gradient == "adjoint"


def test_automatic_gradients_are_derivatives_up_to_shot_noise():
    rows, weights = ROWS[:2], np.linspace(0, 1, 4)
    make = partial(QuantumLayer, "angle", "real_amplitudes", n_features=2)
    exact = make(backend=QsimBackend())
    layer = make(backend=SamplerBackend(RepeatableSampler(), repetitions=4000))
    weights = np.linspace(0, 1, exact.n_weights)
    cotangent = np.ones((2, 2))
    expected, got = (run.vjp(rows, weights, cotangent) for run in (exact, layer))
    # A derivative for a rotation's angle is half the difference of two means; two outputs and
    # up to two rows add up.
    bound = hoeffding(4000, 100, width=2) * 2 * 2
    for one, other in zip(got, expected, strict=True):
        assert_allclose(one, other, rtol=0, atol=bound)


# Estimators: nothing changes but the backend


@pytest.fixture(scope="module")
def moons():
    rows, labels = make_moons(12, noise=0.05, random_state=0)
    return MinMaxScaler((0, np.pi / 2)).fit_transform(rows), labels


def test_a_kernel_machine_moves_to_a_sampler(moons):
    rows, labels = moons
    exact = QuantumKernelSVC("angle", kernel="fidelity").fit(rows, labels)
    model = clone(exact).set_params(backend=SamplerBackend(RepeatableSampler(), 4000))
    model.fit(rows, labels)
    bound = hoeffding(4000, 78, width=1)
    assert_allclose(model.kernel_matrix_, exact.kernel_matrix_, rtol=0, atol=bound)
    # Where the exact model is sure, the other one agrees.
    sure = np.abs(exact.decision_function(rows)) > 0.3
    assert sure.sum() >= 6
    assert_array_equal(model.predict(rows)[sure], exact.predict(rows)[sure])
    assert model.backend.run_records_[0]["circuits"] == 78


def test_a_variational_model_moves_to_a_sampler(moons):
    rows, labels = moons
    settings = {"n_layers": 1, "ansatz": "real_amplitudes", "max_iter": 5, "random_state": 0}
    exact = VariationalClassifier(**settings)
    model = clone(exact).set_params(backend=SamplerBackend(RepeatableSampler(), 2000))
    with pytest.warns(match="max_iter"):
        exact.fit(rows, labels)
    with pytest.warns(match="max_iter"):
        model.fit(rows, labels)
    assert exact.layer_.gradient == "adjoint"
    assert model.layer_.gradient == "parameter-shift"
    # With the same weights, outputs differ by no more than shot noise.
    assert_allclose(
        model.layer_.forward(rows, exact.weights_),
        exact.layer_.forward(rows, exact.weights_),
        rtol=0,
        atol=hoeffding(2000, 32),
    )
    assert_allclose(model.weights_, exact.weights_, rtol=0, atol=0.15)
    run = sum(record["run"] for record in model.backend.run_records_)
    assert run >= model.resources_["n_circuits"]


def test_a_projected_kernel_costs_three_circuits_a_row():
    backend = SamplerBackend(RepeatableSampler(), repetitions=4000)
    exact = ProjectedKernel("angle")(ROWS)
    out = ProjectedKernel("angle", backend=backend)(ROWS)
    assert backend.run_records_[0]["circuits"] == 3 * len(ROWS)
    # Distances of Bloch vectors of two qubits: six coordinates, each wrong by less than b twice.
    b = hoeffding(4000, 24)
    assert_allclose(out, exact, rtol=0, atol=6 * (2 * 2 * 2 * b + (2 * b) ** 2) / 2)


EVERY_ESTIMATOR = [
    QuantumKernelSVR("angle"),
    VariationalRegressor(ansatz="real_amplitudes", n_layers=1, max_iter=1),
    VariationalRegressor(ansatz="real_amplitudes", embedding="linear", n_qubits=2, max_iter=1),
    QuantumFeatureTransformer("angle"),
    QuantumPoolingTransformer(max_iter=1),
    QLSTMRegressor(hidden_size=1, n_qubits=2, n_layers=1, max_iter=1),
]


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("model", EVERY_ESTIMATOR, ids=lambda model: type(model).__name__)
def test_every_estimator_runs_on_a_sampler(moons, model):
    rows, labels = moons
    model = clone(model).set_params(backend=SamplerBackend(RepeatableSampler(), 20))
    if "random_state" in model.get_params():
        model.set_params(random_state=0)
    model.fit(rows[:4], labels[:4].astype(float))
    outputs = (model.transform if hasattr(model, "transform") else model.predict)(rows[4:6])
    assert len(outputs) == 2 and np.isfinite(outputs).all()
    assert all(record["complete"] for record in model.backend.run_records_)


# check_estimator: a sampler without state makes the backend a function


@parametrize_with_checks_that_see(
    [
        QuantumKernelSVC(
            AngleEncoding(n_qubits=1),
            kernel="projected",  # three circuits a row, not one a pair
            backend=SamplerBackend(RepeatableSampler(), repetitions=20),
        )
    ]
)
def test_check_estimator(estimator, check):
    check(estimator)


# A description


@pytest.mark.parametrize(
    "sampler", [cirq.Simulator(), qsimcirq.QSimSimulator()], ids=lambda s: type(s).__name__
)
def test_clones_share_the_sampler(sampler):
    backend = SamplerBackend(sampler, repetitions=10, retry_on=(KeyError,), cache=Path("x"))
    other = clone(backend)
    assert other is not backend
    assert other.get_params() == backend.get_params()
    assert other.sampler is sampler
    assert clone(QuantumKernelSVC(backend=backend)).backend.sampler is sampler


def test_records_are_neither_cloned_nor_pickled():
    backend = SamplerBackend(RepeatableSampler(), repetitions=10)
    measure(backend)
    for other in (clone(backend), pickle.loads(pickle.dumps(backend)), copy.deepcopy(backend)):
        assert not hasattr(other, "run_records_")
    assert len(backend.run_records_) == 1


def test_a_class_stands_for_a_sampler_that_does_not_pickle():
    backend = SamplerBackend(qsimcirq.QSimSimulator, repetitions=10)
    assert_array_equal(
        pickle.loads(pickle.dumps(backend)).expectations(CIRCUIT, [X, Y], [[0, 0]], [cirq.Z(B)]),
        [[1.0]],
    )
    with pytest.raises(TypeError, match="returned int"):
        measure(SamplerBackend(int))


def test_a_grid_search_tunes_it(moons, tmp_path):
    rows, labels = moons
    model = QuantumKernelSVC("angle", backend=SamplerBackend(cirq.Simulator(), cache=tmp_path))
    grid = {"backend__repetitions": [10, 20], "C": [0.1, 1, 10]}
    search = GridSearchCV(model, grid, cv=2).fit(rows, labels)
    records = [json.loads(line) for line in (tmp_path / "runs.jsonl").read_text().splitlines()]
    # Each repetitions needs the kernels of two halves, and of one with the other; C is free.
    # The refit, on all rows, finds the halves.
    run = sum(record["run"] for record in records)
    assert run <= 2 * (2 * 21 + 2 * 36) + 78
    assert search.best_estimator_.backend.run_records_


# Records


def test_a_record_says_what_was_run():
    backend = SamplerBackend(FaultySampler([TimeoutError("late")]), repetitions=20, backoff=0.0)
    measure(backend)
    (record,) = backend.run_records_
    assert record["backend"] == "SamplerBackend"
    assert record["sampler"].endswith("samplers.FaultySampler")
    assert record["repetitions"] == 20
    assert (record["circuits"], record["from_cache"], record["run"]) == (4, 0, 4)
    assert record["attempts"] == 2
    assert record["errors"] == ["TimeoutError: late"]
    assert record["complete"] is True
    assert {"python", "skquantum", "cirq-core", "numpy"} <= record["versions"].keys()
    json.dumps(record)


# Faults


PASSING = [
    TimeoutError("no answer"),
    ConnectionResetError("reset"),
    OSError("network is down"),
    shorter,
    fewer_repetitions,
]


@pytest.mark.parametrize("fault", PASSING, ids=lambda f: getattr(f, "__name__", repr(f)))
def test_faults_that_pass_are_retried(quick, fault):
    backend = quick(FaultySampler([fault, fault]))
    assert_array_equal(measure(backend), measure(quick(RepeatableSampler())))
    assert backend.run_records_[0]["attempts"] == 3


@pytest.mark.parametrize("fault", PASSING, ids=lambda f: getattr(f, "__name__", repr(f)))
def test_retries_end(quick, fault):
    backend = quick(FaultySampler([fault] * 10), retries=2, batch_size=1)
    with pytest.raises(RuntimeError, match="failed 3 times in a row"):
        measure(backend)
    assert backend.sampler.n_calls == 3
    assert backend.run_records_[0]["complete"] is False


def test_errors_of_google_s_client_are_known_by_name(quick):
    unavailable = type("ServiceUnavailable", (Exception,), {"__module__": "google.api_core.x"})
    denied = type("PermissionDenied", (Exception,), {"__module__": "google.api_core.x"})
    measure(quick(FaultySampler([unavailable()])))
    with pytest.raises(denied):
        measure(quick(FaultySampler([denied()])))


@pytest.mark.parametrize("error", [ValueError("bad circuit"), FileNotFoundError("credentials")])
def test_other_errors_end_the_job_at_once(quick, error):
    backend = quick(FaultySampler([error]))
    with pytest.raises(type(error), match=str(error)):
        measure(backend)
    assert backend.sampler.n_calls == 1


def test_the_user_can_add_errors(quick):
    measure(quick(FaultySampler([KeyError("queue")]), retry_on=(KeyError,)))


def test_complete_results_of_an_incomplete_batch_are_kept(quick, tmp_path):
    backend = quick(FaultySampler([shorter]), cache=tmp_path, name="faulty")
    measure(backend)
    # Three of four at the first call, the last one at the second.
    assert backend.sampler.n_calls == 2
    assert backend.run_records_[0]["run"] == 3 + 1


def test_good_results_next_to_wrong_ones_are_kept(quick, tmp_path):
    def first_is_wrong(results):
        return [*wrong_key(results[:1]), *results[1:]]

    backend = quick(FaultySampler([first_is_wrong]), cache=tmp_path, name="faulty", batch_size=4)
    with pytest.raises(ValueError, match="other"):
        measure(backend)
    measure(backend)
    assert [record["run"] for record in backend.run_records_] == [4, 1]


@pytest.mark.parametrize(
    ("fault", "message"), [(wrong_key, r"keys \['other'\]"), (too_narrow, r"shape \(50, 1\)")]
)
def test_wrong_results_are_refused(quick, fault, message):
    with pytest.raises(ValueError, match=message):
        measure(quick(FaultySampler([fault])))


def test_too_many_results_are_refused(quick):
    with pytest.raises(ValueError, match="which is whose"):
        measure(quick(FaultySampler([lambda results: results * 2])))


def test_an_answer_that_is_none_is_refused(quick):
    with pytest.raises(ValueError, match="run_batch returned None; a list with"):
        measure(quick(FaultySampler([lambda results: None])))


def bits(values):
    """Return a fault: one result with these as the bits of each repetition, for each circuit."""
    return lambda results: [
        [cirq.ResultDict(measurements={"measured": np.array(values)})] for _ in results
    ]


class Odd:
    """A result whose measurements are no mapping."""

    measurements = 3


@pytest.mark.parametrize(
    ("fault", "message"),
    {
        "a number": (lambda results: 0.5, "returned 0.5; a list with a list"),
        "numbers": (lambda results: [0.5] * len(results), "returned 0.5 for a circuit"),
        "texts": (lambda results: ["00"] * len(results), "returned '00' for a circuit"),
        "an array": (lambda results: np.zeros(len(results)), "a list with a list"),
        "a dict": (lambda results: {"measured": 0}, "a list with a list"),
        "a generator": (lambda results: (r for r in results), "a list with a list"),
        "results alone": (lambda results: [r[0] for r in results], "for a circuit; a list"),
        "numbers in lists": (lambda results: [[1]] * len(results), "1 as the result of a circuit"),
        "None in lists": (lambda results: [[None]] * len(results), "as the result of a circuit"),
        "odd results": (lambda results: [[Odd()]] * len(results), "as the result of a circuit"),
        "probabilities": (bits([[0.25, 0.75]] * 50), "50 repetitions of 2 bits, 0 or 1"),
        "NaN": (bits([[np.nan, 0.0]] * 50), "50 repetitions of 2 bits, 0 or 1"),
        "twos": (bits([[0, 2]] * 50), "50 repetitions of 2 bits, 0 or 1"),
        "texts as bits": (bits([["0", "1"]] * 50), "50 repetitions of 2 bits, 0 or 1"),
        "no axis of qubits": (bits([0] * 50), r"shape \(50,\)"),
        "too many repetitions": (bits([[0, 1]] * 51), "51 repetitions of 50"),
    }.values(),
)
def test_what_is_no_list_of_results_is_refused(quick, fault, message):
    with pytest.raises(ValueError, match=message):
        measure(quick(FaultySampler([fault])))


def test_waits_double(monkeypatch):
    waits = []
    monkeypatch.setattr("skquantum.execution._device.runner.time.sleep", waits.append)
    measure(SamplerBackend(FaultySampler([TimeoutError()] * 3), repetitions=10, backoff=0.5))
    assert waits == [0.5, 1.0, 2.0]


def test_a_sampler_that_stalls_is_asked_again(quick):
    backend = quick(FaultySampler([stalls(0.6)]), timeout=0.3, batch_size=10)
    begin = time.perf_counter()
    assert_array_equal(measure(backend), measure(quick(RepeatableSampler())))
    assert time.perf_counter() - begin < 0.6
    assert_array_equal(
        measure(SamplerBackend(RepeatableSampler(), 50, timeout=60)), measure(backend)
    )
    # The late answer of the first call is not counted.
    assert backend.run_records_[0]["run"] == 4
    assert backend.run_records_[0]["attempts"] == 2


# The cache


def test_a_request_is_run_once(tmp_path):
    make = partial(SamplerBackend, cirq.Simulator(), repetitions=100, cache=tmp_path)
    first, second = make(), make()
    expected = measure(first)
    assert_array_equal(measure(first), expected)
    assert_array_equal(measure(second, ROWS[::-1]), expected[::-1])
    assert [r["run"] for r in (*first.run_records_, *second.run_records_)] == [4, 0, 0]


def test_equal_rows_are_one_request(tmp_path):
    backend = SamplerBackend(cirq.Simulator(), repetitions=100, cache=tmp_path)
    out = measure(backend, ROWS[[0, 0, 1]])
    assert out[0] == out[1]
    assert backend.run_records_[0]["run"] == 2


@pytest.mark.parametrize(
    "change",
    [
        {"repetitions": 101},
        {"draw": 1},
        {"name": "another"},
        {"sampler": cirq.DensityMatrixSimulator()},
        {"sampler": cirq.Simulator(noise=cirq.depolarize(0.1))},
        {"device": "rainbow"},
    ],
    ids=["repetitions", "draw", "name", "sampler", "noise", "device"],
)
def test_what_results_depend_on_keeps_them_apart(tmp_path, change):
    if "device" in change:
        pytest.importorskip("cirq_google")
    backend = SamplerBackend(cirq.Simulator(), repetitions=100, cache=tmp_path)
    measure(backend)
    other = clone(backend).set_params(**change)
    measure(other)
    assert other.run_records_[0]["run"] == 4


def test_without_a_cache_each_request_is_a_new_draw():
    backend = SamplerBackend(cirq.Simulator(seed=0), repetitions=100)
    assert (measure(backend) != measure(backend)).any()


def test_an_unknown_sampler_needs_a_name(tmp_path):
    with pytest.raises(ValueError, match="Say name="):
        measure(SamplerBackend(FaultySampler(), cache=tmp_path))


def test_a_corrupted_entry_is_measured_again(tmp_path):
    backend = SamplerBackend(cirq.Simulator(), repetitions=100, cache=tmp_path)
    measure(backend)
    entry = sorted(tmp_path.glob("??/*.json"))[0]
    entry.write_text(entry.read_text()[:-20])
    with pytest.warns(RuntimeWarning, match="is corrupted"):
        measure(backend)
    assert backend.run_records_[1]["run"] == 1
    measure(backend)
    assert backend.run_records_[2]["run"] == 0


def test_a_folder_that_cannot_be_written_to_is_refused_before_anything_runs(tmp_path):
    (tmp_path / "file").write_text("")
    backend = SamplerBackend(FaultySampler(), cache=tmp_path / "file" / "runs", name="x")
    with pytest.raises(ValueError, match="can be written to"):
        measure(backend)
    assert backend.sampler.n_calls == 0


# Budget


def test_a_job_above_the_budget_is_refused_before_anything_runs():
    backend = SamplerBackend(FaultySampler(), repetitions=10, max_circuits=9)
    kernel = FidelityKernel(AngleEncoding(), backend=backend)
    with pytest.raises(ValueError, match="needs 10 circuits.*leaves 9.*fewer rows"):
        kernel(ROWS)
    assert backend.sampler.n_calls == 0
    kernel(ROWS[:3])
    with pytest.raises(ValueError, match="needs 6 circuits.*leaves 3"):
        kernel(ROWS[:3])


def test_the_budget_counts_what_is_in_the_cache(tmp_path):
    make = partial(SamplerBackend, cirq.Simulator(), repetitions=10, cache=tmp_path)
    measure(make(), ROWS[:3])
    measure(make(max_circuits=1))
    with pytest.raises(ValueError, match="needs 1 circuits, besides 4 in the cache"):
        measure(make(max_circuits=0), np.vstack([ROWS, [[9, 9]]]))


@pytest.mark.parametrize(
    "params",
    [{}, {"gradient": "spsa"}, {"solver": "spsa"}, {"early_stopping": True, "batch_size": 3}],
    ids=str,
)
def test_a_training_above_the_budget_is_refused_before_anything_runs(moons, params):
    rows, labels = moons
    settings = {"ansatz": "real_amplitudes", "n_layers": 1, "max_iter": 2, "random_state": 0}
    backend = SamplerBackend(FaultySampler(), repetitions=5, max_circuits=20)
    model = VariationalClassifier(**settings, **params, backend=backend)
    if "early_stopping" in params:
        model.set_params(validation_fraction=0.25)
    with pytest.raises(ValueError, match="the training needs") as refusal:
        model.fit(rows, labels)
    assert backend.sampler.n_calls == 0
    # What it says that the training needs is what it takes.
    needed = int(re.search(r"needs (\d+) circuits", str(refusal.value))[1])
    backend.set_params(max_circuits=needed)
    with pytest.warns(match="max_iter"):
        model.fit(rows, labels)
    assert backend.sampler.n_circuits == needed


@pytest.mark.parametrize("mitigated", [False, True])
def test_recurrent_and_mitigated_trainings_keep_to_the_budget(mitigated):
    sampler = SamplerBackend(FaultySampler(), repetitions=5, max_circuits=50)
    # (A readout that is to be measured is measured when the circuit is made: two circuits.)
    backend = MitigatedBackend(sampler, readout=False, zne=(1, 3)) if mitigated else sampler
    model = QLSTMRegressor(hidden_size=1, n_qubits=1, n_layers=1, max_iter=2, backend=backend)
    with pytest.raises(ValueError, match="the training needs"):
        model.fit([[0.1, 0.2], [0.3, 0.4]], [0.5, 0.6])
    assert sampler.sampler.n_calls == 0


@pytest.mark.parametrize("gradient", ["parameter-shift", "spsa"])
def test_mitigated_trainings_count_the_gates_repeated(moons, gradient):
    sampler = SamplerBackend(FaultySampler(), repetitions=5, max_circuits=20)
    backend = MitigatedBackend(sampler, readout=False, zne=(1, 3))
    model = VariationalClassifier(
        ansatz="real_amplitudes", n_layers=1, max_iter=1, gradient=gradient, backend=backend
    )
    with pytest.raises(ValueError, match="the training needs") as refusal:
        model.fit(*moons)
    assert sampler.sampler.n_calls == 0
    needed = int(re.search(r"needs (\d+) circuits", str(refusal.value))[1])
    sampler.set_params(max_circuits=needed)
    with pytest.warns(match="max_iter"):
        model.fit(*moons)
    assert sampler.sampler.n_circuits == needed


def test_only_a_budget_has_circuits_counted(moons, monkeypatch):
    def counts(self, *args, **options):
        raise AssertionError("nobody asks")

    monkeypatch.setattr(QuantumLayer, "count_circuits", counts)
    monkeypatch.setattr(ParameterShiftEvaluator, "n_circuits", counts)
    for model in (VariationalClassifier(n_layers=1, max_iter=1), QLSTMRegressor(max_iter=1)):
        with pytest.warns(match="max_iter"):
            model.fit(*moons)
    free = SamplerBackend(FaultySampler(), repetitions=5)
    assert not free.has_budget
    assert not MitigatedBackend(free).has_budget
    assert SamplerBackend(FaultySampler(), max_circuits=0).has_budget
    assert not QsimBackend().has_budget


def test_retries_stay_within_the_budget():
    sampler = FaultySampler([fewer_repetitions] * 3)
    backend = SamplerBackend(sampler, repetitions=10, max_circuits=5, backoff=0.0)
    with pytest.raises(RuntimeError, match="exceed max_circuits"):
        measure(backend)
    assert sampler.n_circuits == 5


# A process that dies


FIT = """
import sys, warnings
from sklearn.datasets import make_moons
from skquantum import QuantumKernelSVC, VariationalClassifier
from skquantum.execution import SamplerBackend
from tests.execution.samplers import CountingSampler
log, cache, dies_at, kind = sys.argv[1:]
warnings.simplefilter("ignore")
X, y = make_moons(6, noise=0.05, random_state=0)
sampler = CountingSampler(log, int(dies_at) if dies_at else None)
backend = SamplerBackend(sampler, repetitions=20, cache=cache, name="counting")
if kind == "kernel":
    model = QuantumKernelSVC("angle", kernel="fidelity", backend=backend)
else:
    model = VariationalClassifier("angle", ansatz="real_amplitudes", n_layers=1, max_iter=2,
                                  batch_size=3, random_state=0, backend=backend)
print(model.fit(X, y).decision_function(X).tolist())
"""


def fit(tmp_path, label, dies_at, kind):
    root = Path(__file__).parents[2]
    paths = [str(root), *filter(None, [os.environ.get("PYTHONPATH")])]
    done = subprocess.run(
        [sys.executable, "-c", FIT, tmp_path / f"{label}.log", tmp_path / label, dies_at, kind],
        capture_output=True,
        text=True,
        cwd=root,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(paths)},
    )
    return done.returncode, done.stdout


def n_run(tmp_path, label):
    return len((tmp_path / f"{label}.log").read_text().splitlines())


@pytest.mark.parametrize("kind", ["kernel", "variational"])
def test_a_killed_fit_resumes_and_pays_for_nothing_twice(tmp_path, kind):
    code, expected = fit(tmp_path, "undisturbed", "", kind)
    assert code == 0
    code, out = fit(tmp_path, "killed", "13", kind)
    assert (code, out) == (-9, "")
    assert n_run(tmp_path, "killed") == 13
    code, out = fit(tmp_path, "killed", "", kind)
    assert (code, out) == (0, expected)
    assert n_run(tmp_path, "killed") == n_run(tmp_path, "undisturbed") > 20


# Devices


class Grid(cirq.Device):
    """A square grid with the gates of the transmon: CZ and rotations of one qubit."""

    def __init__(self, rows, columns):
        qubits = cirq.GridQubit.rect(rows, columns)
        pairs = [(p, q) for p in qubits for q in qubits if p < q and p.is_adjacent(q)]
        gateset = cirq.CZTargetGateset()
        self._metadata = cirq.GridDeviceMetadata(
            pairs, gateset, compilation_target_gatesets=[gateset], all_qubits=qubits
        )

    @property
    def metadata(self):
        return self._metadata

    def validate_operation(self, operation):
        if operation not in self.metadata.gateset:
            raise ValueError(f"{operation} is no gate of the device")
        pair = frozenset(operation.qubits)
        measures = cirq.is_measurement(operation)
        if len(pair) > 1 and not measures and pair not in self.metadata.qubit_pairs:
            raise ValueError(f"{operation} is on qubits that are not connected")


COUPLINGS = {
    "chain": [(0, 1), (1, 2), (2, 3)],
    "ring": [(0, 1), (1, 2), (2, 3), (3, 0)],
    "star": [(0, 1), (0, 2), (0, 3)],
    "all": [(0, 1), (0, 2), (0, 3), (1, 2), (1, 3), (2, 3)],
    "none": [],
}


def coupled(name):
    q = cirq.LineQubit.range(4)
    circuit = cirq.Circuit(cirq.ry(0.3 * i + 0.4)(q[i]) for i in range(4))
    circuit += [cirq.ZZ(q[i], q[j]) ** 0.3 for i, j in COUPLINGS[name]]
    return circuit + cirq.Circuit(cirq.rx(0.2 * i + 0.1)(q[i]) for i in range(4))


def distribution(circuit, qubits):
    """Return the probabilities of the bits in the order of the measurement."""
    state = circuit.final_state_vector(qubit_order=qubits, ignore_terminal_measurements=True)
    return np.abs(state) ** 2


@pytest.mark.parametrize("name", COUPLINGS)
def test_a_compiled_circuit_measures_the_same(name):
    circuit, qubits = coupled(name), cirq.LineQubit.range(4)
    device = Grid(3, 3)
    compiled = Target(device, None, "grid").compile(circuit, qubits)
    device.validate_circuit(compiled)
    (measurement,) = [op for op in compiled.all_operations() if cirq.is_measurement(op)]
    order = [*measurement.qubits, *sorted(compiled.all_qubits() - set(measurement.qubits))]
    assert len(order) == 4
    assert_allclose(
        distribution(compiled.unfreeze(), order), distribution(circuit, qubits), rtol=0, atol=1e-5
    )
    n_gates = sum(len(op.qubits) == 2 for op in compiled.all_operations())
    if name in ("chain", "ring", "none"):  # they fit without a swap: two CZ for a ZZ
        assert n_gates == 2 * len(COUPLINGS[name])


def test_good_qubits_are_preferred():
    device = Grid(3, 3)
    best = cirq.GridQubit.rect(2, 2, 1, 1)
    calibration = {
        "pauli_error_per_gate": {
            (q,): [0.001 if q in best else 0.01] for q in device.metadata.qubit_set
        },
        "pauli_error_per_cycle": {
            tuple(sorted(p)): [0.002 if set(p) <= set(best) else 0.02]
            for p in device.metadata.qubit_pairs
        },
    }
    for name in COUPLINGS.keys() - {"star"}:  # which fits without swaps elsewhere only
        target = Target(device, calibration, "grid")
        compiled = target.compile(coupled(name), cirq.LineQubit.range(4))
        assert compiled.all_qubits() == set(best)


# Cirq 1.7 decomposes gates controlled on the boolean False, which the second has, wrongly.
@pytest.mark.parametrize("gate", [cirq.CCZ**0.5, cirq.UniformSuperpositionGate(5, 3)])
def test_three_qubit_gates_are_decomposed(gate):
    q = cirq.LineQubit.range(3)
    circuit = cirq.Circuit(cirq.ry(0.7).on_each(*q), gate(*q), cirq.X(q[0]) ** 0.3)
    compiled = Target(Grid(2, 2), None, "grid").compile(circuit, q)
    (measurement,) = [op for op in compiled.all_operations() if cirq.is_measurement(op)]
    assert_allclose(
        distribution(compiled.unfreeze(), measurement.qubits),
        distribution(circuit, q),
        rtol=0,
        atol=1e-5,
    )


def test_marked_circuits_run_several_times_over():
    circuit, qubits = coupled("ring"), cirq.LineQubit.range(4)
    for device in (Grid(2, 3), Grid(1, 4)):  # where the ring fits, and where it does not
        target = Target(device, None, "grid")
        once = target.compile(circuit, qubits)
        thrice = target.compile(marked(circuit, 3), qubits)
        assert count_pairs(thrice) == 3 * count_pairs(once) > 0
        assert not any(op.tags for op in thrice.all_operations())
        (measured,) = (op for op in once.all_operations() if cirq.is_measurement(op))
        left_out = target.compile(instead(circuit, cirq.X.on_each(*qubits)), qubits)
        assert left_out.has_measurements()
        assert measured in left_out.all_operations()
        assert len(list(left_out.all_operations())) == 5


def count_pairs(circuit):
    return sum(len(op.qubits) == 2 for op in circuit.all_operations())


def test_mitigation_goes_around_it(tmp_path):
    noise = cirq.ConstantQubitNoiseModel(cirq.depolarize(0.02))
    sampler = cirq.DensityMatrixSimulator(noise=noise, seed=0)
    inner = SamplerBackend(sampler, 20_000, device=Grid(2, 2), cache=tmp_path)
    exact = ReferenceBackend().expectations(CIRCUIT, [X, Y], ROWS, OBSERVABLES[:1])
    mitigated = measure(MitigatedBackend(inner, readout=False, extrapolation="exponential"))
    assert np.abs(mitigated - exact).max() < np.abs(measure(inner) - exact).max() / 2


def test_a_device_without_enough_connected_qubits_is_refused():
    backend = SamplerBackend(FaultySampler(), device=Grid(1, 3))
    with pytest.raises(ValueError, match="has 4 qubits.*no more than 3 that are connected"):
        FidelityKernel(ZZEncoding(), backend=backend)(np.ones((2, 4)))
    assert backend.sampler.n_calls == 0


def test_a_device_has_to_say_what_it_is():
    with pytest.raises(ValueError, match="does not say which qubits"):
        measure(SamplerBackend(RepeatableSampler(), device=cirq.UNCONSTRAINED_DEVICE))


def test_results_on_a_device_are_those_of_the_oracle_up_to_shot_noise(tmp_path):
    backend = SamplerBackend(
        cirq.Simulator(seed=0), repetitions=4000, device=Grid(2, 3), cache=tmp_path
    )
    expected = ReferenceBackend().expectations(CIRCUIT, [X, Y], ROWS, OBSERVABLES)
    out = backend.expectations(CIRCUIT, [X, Y], ROWS, OBSERVABLES)
    assert_allclose(out, expected, rtol=0, atol=hoeffding(4000, out.size, width=6))


# Bad input


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"repetitions": 0}, "repetitions"),
        ({"retries": -1}, "retries"),
        ({"timeout": 0.0}, "timeout"),
        ({"batch_size": 0}, "batch_size"),
        ({"max_circuits": -1}, "max_circuits"),
        ({"sampler": 3}, "sampler"),
        ({"retry_on": ("TimeoutError",)}, "retry_on"),
        ({"sampler": None}, "sampler=None"),
    ],
    ids=str,
)
def test_bad_parameters_are_named(params, message):
    backend = SamplerBackend(**{"sampler": FaultySampler(), **params})
    with pytest.raises(ValueError, match=message):
        measure(backend)


# Google's quantum virtual machine


@pytest.fixture
def google():
    return pytest.importorskip("cirq_google", reason="cirq-google is not installed")


def test_unknown_devices_are_named(google):
    with pytest.raises(ValueError, match="Did you mean 'willow_pink'"):
        measure(SamplerBackend(device="willow"))


def test_a_kernel_machine_runs_on_the_virtual_willow(google):
    X, y = load_iris(return_X_y=True)
    X, y = X[::20], (y == 0)[::20]
    exact = make_pipeline(MinMaxScaler((0, 1)), QuantumKernelSVC("zz", kernel="fidelity"))
    noisy = clone(exact).set_params(
        quantumkernelsvc__backend=SamplerBackend(device="willow_pink", repetitions=500, seed=0)
    )
    exact.fit(X, y)
    noisy.fit(X, y)
    off = np.abs(noisy[-1].kernel_matrix_ - exact[-1].kernel_matrix_)
    assert 0.02 < off.max() < 0.3  # noise shows, and does not drown the kernel
    assert (np.diag(noisy[-1].kernel_matrix_) < 1).any()
    assert_array_equal(noisy.predict(X), exact.predict(X))
    (record,) = noisy[-1].backend.run_records_[:1]
    assert record["device"] == "willow_pink"
    assert record["circuits"] == 8 * 9 / 2


def test_the_virtual_machine_repeats_itself_with_a_seed(google):
    one, other = (SamplerBackend(device="willow_pink", repetitions=50, seed=3) for _ in range(2))
    expected = measure(one)
    assert_array_equal(measure(other, ROWS[::-1]), expected[::-1])


def test_a_sampler_of_google_s_engine_takes_compiled_circuits(google):
    machine = google.engine.create_default_noisy_quantum_virtual_machine("willow_pink")
    processor = machine.get_processor("willow_pink")
    backend = SamplerBackend(
        processor.get_sampler(),
        repetitions=200,
        device=processor.get_device(),
        calibration=processor.get_current_calibration(),
    )
    exact = ReferenceBackend().expectations(CIRCUIT, [X, Y], ROWS[:2], OBSERVABLES[1:])
    out = backend.expectations(CIRCUIT, [X, Y], ROWS[:2], OBSERVABLES[1:])
    assert_allclose(out, exact, rtol=0, atol=hoeffding(200, out.size, width=6) + 0.2)


def test_a_variational_model_trains_on_the_virtual_willow(google):
    X, y = load_iris(return_X_y=True)
    X, y = MinMaxScaler((0, np.pi)).fit_transform(X)[::25], (y == 0)[::25]
    backend = SamplerBackend(device="willow_pink", repetitions=100, seed=0)
    model = VariationalClassifier(
        ansatz="real_amplitudes",
        n_layers=1,
        observables=[cirq.Z(cirq.LineQubit(0))],
        solver="spsa",
        max_iter=2,
        random_state=0,
        backend=backend,
    )
    with pytest.warns(match="max_iter"):
        model.fit(X, y)
    assert model.layer_.n_qubits == 4
    assert model.layer_.gradient == "parameter-shift"
    assert all(record["complete"] for record in backend.run_records_)
    assert model.predict(X).shape == y.shape
