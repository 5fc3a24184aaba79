"""Every fit says what it ran, on any backend, in one form."""

import pickle
import time
import warnings

import cirq
import numpy as np
import pytest
import skops.io
import sympy
from sklearn.base import clone

from skquantum import (
    QLSTMRegressor,
    QuantumFeatureTransformer,
    QuantumKernelClassifier,
    QuantumKernelRegressor,
    QuantumKernelSVC,
    QuantumKernelSVR,
    QuantumKernelTransformer,
    QuantumNystroem,
    QuantumPoolingTransformer,
    VariationalClassifier,
    VariationalRegressor,
)
from skquantum._records import Facts, RunLog, compiling, note, recording, running
from skquantum.circuits import AngleEncoding
from skquantum.execution import (
    BudgetedBackend,
    DenseBackend,
    MitigatedBackend,
    QsimBackend,
    ReferenceBackend,
    SamplerBackend,
)
from skquantum.kernels import AlignedKernel, FidelityKernel
from skquantum.saving import trusted_types

RNG = np.random.default_rng(0)
X = RNG.normal(size=(12, 2))
Y = np.arange(12) % 2
FIELDS = {
    "attempts": int,
    "backend": str,
    "circuits": int,
    "compile_seconds": float,
    "complete": bool,
    "device": (str, type(None)),
    "errors": list,
    "from_cache": int,
    "jobs": int,
    "repetitions": (int, type(None)),
    "run": int,
    "sampler": (str, type(None)),
    "seconds": float,
    "started": str,
    "versions": dict,
    "work": str,
}
SMALL = {"n_layers": 1, "max_iter": 2, "random_state": 0}
BACKENDS = {
    "qsim": QsimBackend(),
    "dense": DenseBackend(),
    "reference": ReferenceBackend(),
    "noise": QsimBackend(noise=0.01),
    "shots": QsimBackend(shots=50, seed=0),
    "mitigated": MitigatedBackend(QsimBackend(noise=0.01)),
    "sampler": SamplerBackend(cirq.Simulator(seed=0), repetitions=20),
    "budget": BudgetedBackend(QsimBackend(noise=0.01), max_circuits=10**6),
    "mitigated sampler": MitigatedBackend(SamplerBackend(cirq.Simulator(seed=0), repetitions=20)),
}
MODELS = [
    QuantumKernelSVC("angle"),
    QuantumKernelSVC("angle", kernel="fidelity"),
    QuantumKernelSVC(kernel=AlignedKernel("angle", max_iter=2)),
    QuantumKernelSVR("angle"),
    QuantumKernelClassifier("angle", n_components=4),
    QuantumKernelRegressor("angle", n_components=4),
    QuantumKernelTransformer("angle"),
    QuantumNystroem("angle", n_components=4),
    VariationalClassifier(**SMALL),
    VariationalClassifier(init="identity_blocks", embedding="linear", **SMALL),
    VariationalRegressor(solver="lbfgs", **SMALL),
    QuantumPoolingTransformer(max_iter=2),
    QLSTMRegressor("chen", 2, max_iter=2),
]


def fitted(model, rows=X, y=Y):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return model.fit(rows, y)


def total(model, name="run"):
    return sum(record[name] for record in model.run_records_)


def in_form(records):
    for record in records:
        assert record.keys() == FIELDS.keys()
        for name, kind in FIELDS.items():
            assert isinstance(record[name], kind), name
        assert record["complete"]
        assert record["run"] + record["from_cache"] == record["circuits"] > 0
        assert record["seconds"] >= 0
        assert record["compile_seconds"] >= 0
        assert record["versions"].keys() >= {"python", "skquantum", "cirq-core", "numpy"}
    return bool(records)


@pytest.mark.parametrize("model", MODELS, ids=repr)
def test_every_estimator_says_what_its_fit_ran(model):
    model = fitted(model)
    assert in_form(model.run_records_)
    # Derivatives of aligned kernels are in double precision.
    backends = {"QsimBackend"} if "Aligned" not in repr(model) else {"DenseBackend"}
    assert {record["backend"] for record in model.run_records_} == backends


@pytest.mark.parametrize("kind", BACKENDS)
@pytest.mark.parametrize(
    "model",
    [
        QuantumKernelSVC("angle", kernel="fidelity"),
        QuantumKernelSVC("angle", kernel="projected"),
        VariationalClassifier(n_layers=1, max_iter=1, random_state=0, reupload=False),
    ],
    ids=["fidelity", "projected", "variational"],
)
def test_every_backend_leaves_records(kind, model):
    backend = BACKENDS[kind]
    model = fitted(clone(model).set_params(backend=backend), X[:6], Y[:6])
    records = model.run_records_
    assert in_form(records)
    inner = getattr(backend, "backend", backend)
    assert {r["backend"] for r in records} == {type(inner).__name__}
    assert {r["repetitions"] for r in records} == {
        getattr(inner, "repetitions", getattr(inner, "shots", None))
    }
    if "sampler" in kind:
        assert {r["sampler"] for r in records} == {"cirq.sim.sparse_simulator.Simulator"}


def test_fits_that_run_nothing_have_no_records():
    assert fitted(QuantumFeatureTransformer()).run_records_ == []
    assert fitted(QLSTMRegressor("lstm", 2, max_iter=2)).run_records_ == []


def test_circuits_are_counted():
    """One state for each row; rows forward, and rows with a gradient; pairs on a sampler."""
    (record,) = fitted(QuantumKernelSVC("angle", kernel="fidelity")).run_records_
    assert (record["work"], record["circuits"], record["jobs"]) == ("overlaps", 12, 1)
    model = fitted(VariationalClassifier(max_iter=3, n_layers=1, random_state=0, batch_size=6))
    by_work = {record["work"]: record for record in model.run_records_}
    assert by_work["gradients"]["circuits"] == 3 * 12
    assert by_work["gradients"]["jobs"] == 3 * 2
    shots = SamplerBackend(cirq.Simulator(seed=0), repetitions=20)
    (record,) = fitted(QuantumKernelSVC("angle", kernel="fidelity", backend=shots)).run_records_
    assert record["circuits"] == 12 * 13 / 2
    (job,) = shots.run_records_
    assert {**job, "jobs": 1} == record


def test_recurrent_circuits_are_counted_for_each_time_step():
    """By the fast banks here, and by layers on another backend: the same number."""
    rows, y = RNG.normal(size=(5, 3)), np.zeros(5)
    counts = [
        total(fitted(QLSTMRegressor("chen", 2, max_iter=2, backend=backend), rows, y))
        for backend in (None, DenseBackend())
    ]
    assert counts[0] == counts[1] > 0


def test_a_record_is_of_the_last_fit_and_a_refused_one_leaves_it():
    model = fitted(QuantumKernelSVC("angle", kernel="fidelity"))
    fitted(model, X[:6], Y[:6])
    before = model.run_records_
    assert total(model) == 6
    with pytest.raises(ValueError, match="NaN"):
        model.fit(np.full((6, 2), np.nan), Y[:6])
    assert model.run_records_ is before
    model.predict(X)
    assert total(model) == 6
    batches = VariationalClassifier(solver="adam", **SMALL)
    batches.partial_fit(X[:4], Y[:4], classes=[0, 1])
    batches.partial_fit(X[:3], Y[:3])
    assert total(batches) == 3


def test_workers_are_counted_in():
    rows, labels = RNG.normal(size=(40, 2)), np.arange(40) % 2
    alone = fitted(QuantumKernelSVC("angle", kernel="fidelity"), rows, labels)
    assert total(alone) == 40
    shared = fitted(QuantumKernelSVC(kernel=FidelityKernel("angle", n_jobs=2)), rows, labels)
    # Two blocks of rows: a tile of each with itself, and one of both.
    assert total(shared) == 20 + 20 + 40
    assert total(shared, "jobs") == 3


def test_records_are_saved_with_the_model():
    model = fitted(QuantumKernelSVC("angle"))
    assert pickle.loads(pickle.dumps(model)).run_records_ == model.run_records_
    again = skops.io.loads(skops.io.dumps(model), trusted=trusted_types())
    assert again.run_records_ == model.run_records_


def test_a_new_circuit_takes_time_to_compile_and_a_known_one_none():
    name = f"x_{time.time_ns()}"  # no circuit of this name was compiled before
    circuit = cirq.Circuit(cirq.rx(sympy.Symbol(name))(cirq.LineQubit(0)))
    seconds = []
    for _ in range(2):
        with recording() as log:
            QsimBackend().states(circuit, [sympy.Symbol(name)], [[0.1]])
        (record,) = log.records()
        assert record["compile_seconds"] == round(log.compiled, 3)
        seconds.append(log.compiled)
    assert seconds[0] > 10 * seconds[1]  # which are fractions of a millisecond


FACTS = Facts("One")


def test_the_innermost_job_is_the_one_that_counts():
    two = Facts("Two")
    with (
        recording() as outer,
        running(FACTS, "expectations", 5),
        recording() as inner,
        running(two, "states", 3),
    ):
        pass
    for log in (outer, inner):
        assert [(r["backend"], r["circuits"]) for r in log.records()] == [("Two", 3)]
    with recording() as log, running(None, "states", 3):
        pass
    assert log.records() == []


def test_jobs_of_one_kind_become_one_record():
    with recording() as log:
        for n in (2, 3):
            with running(FACTS, "gradients", n):
                pass
            with running(FACTS, "gradients", 0, jobs=0):
                time.sleep(0.01)
        with running(FACTS, "states", 0):
            pass
    (record,) = log.records()
    assert (record["circuits"], record["jobs"], record["attempts"]) == (5, 2, 2)
    assert record["seconds"] >= 0.02


def test_compiling_is_not_running():
    with recording() as log, running(FACTS, "states", 1), compiling(), compiling():
        time.sleep(0.02)
    (record,) = log.records()
    assert record["compile_seconds"] >= 0.02 > 0.01 > record["seconds"]


def test_failures_of_some_jobs_are_seen_in_the_sum():
    log = RunLog()
    job = FACTS._asdict() | {
        "work": "measurements",
        "seconds": 1.0,
        "circuits": 4,
        "from_cache": 1,
    }
    job |= {"run": 3, "attempts": 3, "started": "", "versions": {}}
    log.add(job | {"errors": [], "complete": True})
    log.add(job | {"errors": ["late"], "complete": False})
    (record,) = log.records()
    assert (record["errors"], record["complete"], record["run"]) == (["late"], False, 6)


def test_threads_keep_their_records_apart():
    from joblib import Parallel, delayed

    models = Parallel(n_jobs=2, backend="threading")(
        delayed(fitted)(QuantumKernelSVC("angle", kernel="fidelity"), X[:n], Y[:n])
        for n in (4, 6, 8, 10)
    )
    assert [total(model) for model in models] == [4, 6, 8, 10]
    note({})  # nobody listens


def test_what_needs_no_run_leaves_no_record():
    circuit, symbols = AngleEncoding().compiled(2)
    with recording() as log:
        assert (QsimBackend().self_overlaps(circuit, symbols, X) == 1).all()
    assert log.records() == []
    with recording() as log:
        QsimBackend(noise=0.01).self_overlaps(circuit, symbols, X)
    assert [record["circuits"] for record in log.records()] == [12]
