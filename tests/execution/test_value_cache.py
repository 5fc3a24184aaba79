"""What a backend computed, kept on disk."""

import os
import signal
import sqlite3
import subprocess
import sys
import textwrap
import time

import cirq
import numpy as np
import pytest
import sympy
from hypothesis import given, settings
from hypothesis import strategies as st
from joblib import Parallel, delayed
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.model_selection import GridSearchCV

from skquantum import QuantumKernelSVC, VariationalClassifier
from skquantum.circuits import AngleEncoding
from skquantum.execution import (
    CachedBackend,
    DenseBackend,
    MitigatedBackend,
    QsimBackend,
    ReferenceBackend,
    SamplerBackend,
)
from skquantum.kernels import FidelityKernel, ProjectedKernel

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
X = np.random.default_rng(0).normal(size=(12, 2))
Y = np.arange(12) % 2
Q, S = cirq.LineQubit.range(2), sympy.symbols("a b")
CIRCUIT = cirq.Circuit(cirq.ry(S[0])(Q[0]), cirq.rx(S[1])(Q[1]), cirq.CZ(*Q))
ALL = [cirq.X(Q[0]), cirq.Z(Q[0]) * cirq.Z(Q[1])]
NOISY = QsimBackend(noise=0.02)


class Counting(DenseBackend):
    """Counts the rows and pairs that it computes."""

    n_rows = 0
    n_calls = 0

    def _expectations(self, circuit, symbols, values, observables):
        Counting.n_rows += len(values)
        return super()._expectations(circuit, symbols, values, observables)

    def _overlaps(self, circuit, symbols, X, Y):
        Counting.n_calls += 1
        Counting.n_rows += len(X) + (0 if Y is None else len(Y))
        return super()._overlaps(circuit, symbols, X, Y)


@pytest.fixture
def counting(tmp_path):
    Counting.n_rows = Counting.n_calls = 0
    return CachedBackend(Counting(), tmp_path, name="counting")


BACKENDS = [QsimBackend(), NOISY, DenseBackend(), ReferenceBackend()]
BACKENDS += [
    QsimBackend(shots=40, seed=0),
    MitigatedBackend(NOISY),
    QsimBackend(noise=NOISY.noise),
]


@pytest.mark.parametrize("inner", BACKENDS, ids=repr)
def test_results_are_those_of_the_backend(inner, tmp_path):
    backend = CachedBackend(inner, tmp_path)
    for _ in range(2):
        assert_array_equal(
            backend.expectations(CIRCUIT, S, X, ALL), inner.expectations(CIRCUIT, S, X, ALL)
        )
        for rows in (None, X[:5], X[::-1] + 1):
            assert_allclose(
                backend.overlaps(CIRCUIT, S, X, rows),
                inner.overlaps(CIRCUIT, S, X, rows),
                atol=1e-6,
            )
        assert_allclose(
            backend.self_overlaps(CIRCUIT, S, X), inner.self_overlaps(CIRCUIT, S, X), atol=1e-6
        )


@pytest.mark.parametrize("inner", [QsimBackend(), DenseBackend()], ids=repr)
def test_states_keep_their_type(inner, tmp_path):
    backend = CachedBackend(inner, tmp_path)
    for _ in range(2):
        found, expected = backend.states(CIRCUIT, S, X), inner.states(CIRCUIT, S, X)
        assert found.dtype == expected.dtype
        assert_array_equal(found, expected)


def test_nothing_is_computed_twice(counting):
    counting.expectations(CIRCUIT, S, X[:8], ALL)
    assert Counting.n_rows == 8
    counting.expectations(CIRCUIT, S, np.vstack([X, X[:2]]), ALL)
    assert Counting.n_rows == 12
    counting.expectations(CIRCUIT, S, X, ALL[:1])  # another question
    assert Counting.n_rows == 24


def test_a_matrix_is_made_of_what_is_there(counting):
    whole = counting.overlaps(CIRCUIT, S, X)
    n_calls = Counting.n_calls
    assert_array_equal(counting.overlaps(CIRCUIT, S, X[3:], X[:6]), whole[3:, :6])
    assert_array_equal(counting.overlaps(CIRCUIT, S, X[::-1]), whole[::-1, ::-1])
    assert_array_equal(counting.self_overlaps(CIRCUIT, S, X), np.diag(whole))
    assert Counting.n_calls == n_calls


rows = st.lists(st.integers(0, 11), min_size=1, max_size=8)


@settings(max_examples=25)
@given(calls=st.lists(st.tuples(rows, st.none() | rows), min_size=1, max_size=4))
def test_any_calls_have_the_values_of_one(calls, tmp_path_factory):
    backend = CachedBackend(NOISY, tmp_path_factory.mktemp("cache"))
    whole = NOISY.overlaps(CIRCUIT, S, X)
    for left, right in calls:
        found = backend.overlaps(CIRCUIT, S, X[left], None if right is None else X[right])
        assert_allclose(found, whole[np.ix_(left, left if right is None else right)], atol=1e-6)


def test_with_a_cache_chance_is_a_function(tmp_path):
    backend = CachedBackend(QsimBackend(shots=20), tmp_path)
    first = backend.expectations(CIRCUIT, S, X, ALL)
    assert_array_equal(backend.expectations(CIRCUIT, S, X, ALL), first)
    other = CachedBackend(QsimBackend(shots=20), tmp_path / "other")
    assert (other.expectations(CIRCUIT, S, X, ALL) != first).any()


@pytest.mark.parametrize(
    "other", [QsimBackend(noise=0.03), QsimBackend(noise=0.02, shots=10), DenseBackend()], ids=repr
)
def test_backends_are_told_apart(other, tmp_path):
    CachedBackend(NOISY, tmp_path).expectations(CIRCUIT, S, X, ALL)
    found = CachedBackend(other, tmp_path).expectations(CIRCUIT, S, X, ALL)
    if other.get_params().get("shots") is None:
        assert_array_equal(found, other.expectations(CIRCUIT, S, X, ALL))
    assert (found != NOISY.expectations(CIRCUIT, S, X, ALL)).any()


def test_another_version_computes_again(counting, monkeypatch):
    counting.expectations(CIRCUIT, S, X, ALL)
    import skquantum.execution._cached_backend as module

    monkeypatch.setattr(module, "versions", lambda: {"skquantum": "0"})
    counting.expectations(CIRCUIT, S, X, ALL)
    assert Counting.n_rows == 24


@pytest.mark.parametrize("inner", [Counting(), SamplerBackend(cirq.Simulator())])
def test_backends_that_may_do_anything_need_a_name(inner, tmp_path):
    with pytest.raises(ValueError, match=r"CachedBackend\(name='...'\)"):
        CachedBackend(inner, tmp_path).expectations(CIRCUIT, S, X, ALL)
    CachedBackend(inner, tmp_path, name="it").expectations(CIRCUIT, S, X, ALL)


def test_models_and_searches(tmp_path):
    angle = AngleEncoding(bandwidth=1.0)  # the same in all folds
    kernel = FidelityKernel(angle, backend=CachedBackend(NOISY, tmp_path))
    search = GridSearchCV(QuantumKernelSVC(kernel=kernel), {"C": [0.1, 1, 10]}, cv=2).fit(X, Y)
    plain = FidelityKernel(angle, backend=NOISY)
    expected = GridSearchCV(QuantumKernelSVC(kernel=plain), {"C": [0.1, 1, 10]}, cv=2).fit(X, Y)
    assert_array_equal(search.predict(X), expected.predict(X))
    records = search.best_estimator_.run_records_
    assert sum(r["from_cache"] for r in records) == 12 * 13 // 2  # every pair was in some fold
    assert sum(r["run"] for r in records) == 0
    assert sum(r["from_cache"] + r["run"] for r in records) == sum(r["circuits"] for r in records)


def test_trainings_by_parameter_shifts_go_on(tmp_path):
    backend = CachedBackend(QsimBackend(shots=20), tmp_path)
    options = {"n_layers": 1, "max_iter": 3, "tol": 1.0, "random_state": 0, "backend": backend}
    first = VariationalClassifier(**options).fit(X, Y)
    again = VariationalClassifier(**options).fit(X, Y)
    assert_array_equal(again.predict_proba(X), first.predict_proba(X))
    assert sum(r["run"] for r in again.run_records_) == 0


def test_processes_agree(tmp_path):
    kernel = ProjectedKernel("angle", backend=CachedBackend(QsimBackend(shots=20), tmp_path))
    found = Parallel(2)(delayed(kernel)(X) for _ in range(4))
    for other in found[1:]:
        assert_array_equal(other, found[0])


def test_damaged_values_are_computed_again(counting, tmp_path):
    expected = counting.expectations(CIRCUIT, S, X, ALL)
    with sqlite3.connect(tmp_path / "values.sqlite") as database:
        (key, value), *_ = database.execute("SELECT key, value FROM kept")
        database.execute(
            "UPDATE kept SET value = ? WHERE key = ?", (value[:-1] + bytes([value[-1] ^ 1]), key)
        )
    database.close()
    with pytest.warns(RuntimeWarning, match="1 damaged values"):
        found = counting.expectations(CIRCUIT, S, X, ALL)
    assert_allclose(found, expected, atol=1e-15)  # a row by itself is rounded in another way
    assert Counting.n_rows == 13
    counting.expectations(CIRCUIT, S, X, ALL)
    assert Counting.n_rows == 13


def test_a_file_that_is_no_database_is_set_aside(counting, tmp_path):
    (tmp_path / "values.sqlite").write_text(
        "no database, but longer than its header of 100 bytes" * 9
    )
    with pytest.warns(RuntimeWarning, match="renamed to damaged-"):
        counting.expectations(CIRCUIT, S, X, ALL)
    counting.expectations(CIRCUIT, S, X, ALL)
    assert Counting.n_rows == 12
    assert len(list(tmp_path.glob("damaged-*.sqlite"))) == 1


def test_what_cannot_be_kept_is_returned(counting, tmp_path, monkeypatch):
    import skquantum.execution._value_cache as module

    connect = sqlite3.connect

    def full(*arguments, **options):
        database = connect(*arguments, **options)
        database.execute("PRAGMA max_page_count = 2")
        return database

    monkeypatch.setattr(module.sqlite3, "connect", full)
    rows = np.random.default_rng(0).normal(size=(2000, 2))
    with pytest.warns(RuntimeWarning, match=r"can't keep values \(database or disk is full\)"):
        found = counting.expectations(CIRCUIT, S, rows, ALL)
    assert_allclose(found, DenseBackend().expectations(CIRCUIT, S, rows, ALL))


def test_a_folder_that_cannot_be_written_is_told_before(tmp_path):
    (tmp_path / "file").write_text("")
    backend = CachedBackend(QsimBackend(), tmp_path / "file")
    with pytest.raises(ValueError, match=r"Nothing was run. Choose another folder"):
        backend.expectations(CIRCUIT, S, X, ALL)


CHILD = """
    import sys, time
    import numpy as np
    from skquantum.execution import CachedBackend, DenseBackend
    from skquantum.kernels import FidelityKernel

    class Slow(DenseBackend):
        def _overlaps(self, *arguments):
            time.sleep(0.5)
            print("strip", flush=True)
            return super()._overlaps(*arguments)

    X = np.random.default_rng(0).normal(size=(200, 2))
    backend = CachedBackend(Slow(), sys.argv[1], name="slow")
    FidelityKernel("angle", backend=backend)(X)
"""


@pytest.mark.skipif(os.name == "nt", reason="no such signal")
def test_a_killed_process_loses_one_strip_of_a_matrix(tmp_path):
    arguments = [sys.executable, "-c", textwrap.dedent(CHILD), str(tmp_path)]
    with subprocess.Popen(arguments, stdout=subprocess.PIPE, text=True) as child:
        for _ in range(2):  # two calls for the first strip
            child.stdout.readline()
        time.sleep(0.2)
        child.send_signal(signal.SIGKILL)
    rows = np.random.default_rng(0).normal(size=(200, 2))
    with sqlite3.connect(tmp_path / "values.sqlite") as database:
        ((n_kept,),) = database.execute("SELECT count(*) FROM kept")
    database.close()
    assert n_kept == 32 * 33 // 2 + 32 * 168  # of the first 32 rows with all
    again = CachedBackend(DenseBackend(), tmp_path, name="slow")
    found = FidelityKernel("angle", backend=again)(rows)
    assert_allclose(found, FidelityKernel("angle", backend=DenseBackend())(rows), atol=1e-9)
