"""A call that is refused, interrupted or fails changes nothing of a fitted model."""

import pickle
import warnings
from functools import cache

import cirq
import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning

from skquantum import (
    ClassicalPoolingTransformer,
    QLSTMClassifier,
    QLSTMRegressor,
    QuantumFeatureTransformer,
    QuantumKernelSVC,
    QuantumKernelSVR,
    QuantumPoolingTransformer,
    QuantumReservoirTransformer,
    VariationalClassifier,
    VariationalRegressor,
)
from skquantum._named_parts import is_same
from skquantum.circuits import (
    AngleEncoding,
    ArctanEncoding,
    EntanglingRings,
    RealAmplitudes,
    ZZEncoding,
)
from skquantum.execution import Backend, MitigatedBackend, QsimBackend, SamplerBackend
from skquantum.kernels import FidelityKernel, GramRepair, ProjectedKernel
from skquantum.layers import QuantumLayer

RNG = np.random.default_rng(0)
X = RNG.normal(size=(12, 4))
FRAME = pd.DataFrame(X, columns=list("abcd"))
LABELS = np.array(["a", "b", "c"])[np.digitize(X[:, 0], [-0.5, 0.5])]
NUMBERS = X[:, 0]
PAIRS = np.c_[NUMBERS, X[:, 1]]
GRAM = FidelityKernel()(X)
METHODS = ("predict", "predict_proba", "decision_function", "transform")
ATTRIBUTES = (
    *("n_features_in_", "feature_names_in_", "classes_", "n_iter_", "best_loss_", "n_support_"),
    *("output_shape_", "report_", "_rows_run"),
)

CLASSIFIER = VariationalClassifier(
    AngleEncoding(), RealAmplitudes(n_layers=1), max_iter=1, random_state=0
)
REGRESSOR = VariationalRegressor(
    AngleEncoding(), RealAmplitudes(n_layers=1), max_iter=1, random_state=0
)
LSTM = QLSTMRegressor(
    encoding=ArctanEncoding(),
    ansatz=EntanglingRings(n_layers=1),
    hidden_size=1,
    max_iter=1,
    random_state=0,
)
LABELLED = QLSTMClassifier(
    encoding=ArctanEncoding(),
    ansatz=EntanglingRings(n_layers=1),
    hidden_size=1,
    max_iter=1,
    random_state=0,
)
POOLING = QuantumPoolingTransformer(encoding=AngleEncoding(), max_iter=1, random_state=0)
FITTED = {
    "classifier": (CLASSIFIER, FRAME, LABELS),
    "classifier, embedding": (clone(CLASSIFIER).set_params(embedding="linear"), FRAME, LABELS),
    "classifier, warm start": (clone(CLASSIFIER).set_params(warm_start=True), FRAME, LABELS),
    "regressor": (REGRESSOR, FRAME, NUMBERS),
    "regressor, two outputs": (REGRESSOR, FRAME, PAIRS),
    "regressor, warm start": (clone(REGRESSOR).set_params(warm_start=True), FRAME, NUMBERS),
    "regressor, spsa": (
        clone(REGRESSOR).set_params(gradient="spsa", batch_size=5), FRAME, NUMBERS
    ),
    "lstm": (LSTM, FRAME, NUMBERS),
    "lstm, warm start": (clone(LSTM).set_params(warm_start=True), FRAME, NUMBERS),
    "lstm, chen6": (clone(LSTM).set_params(cell="chen6", head="quantum"), FRAME, NUMBERS),
    "lstm, two channels": (clone(LSTM).set_params(n_channels=2), X.reshape(-1, 2, 2), NUMBERS),
    "lstm, labels": (LABELLED, FRAME, LABELS),
    "lstm, labels, warm start": (clone(LABELLED).set_params(warm_start=True), FRAME, LABELS),
    "pooling, labels": (POOLING, FRAME, LABELS),
    "pooling, windows": (clone(POOLING).set_params(pooling="measured"), FRAME, None),
    "pooling, random": (clone(POOLING).set_params(objective="random"), FRAME, None),
    "features": (QuantumFeatureTransformer(AngleEncoding(), "rings", random_state=0), FRAME, None),
    "reservoir": (
        QuantumReservoirTransformer(3, encoding=AngleEncoding(), random_state=0), FRAME, None
    ),
    "classical pooling": (ClassicalPoolingTransformer(), FRAME, None),
    "svc": (
        QuantumKernelSVC(kernel=FidelityKernel(ZZEncoding()), probability=True, random_state=0),
        FRAME, np.repeat(["a", "b"], 6),
    ),
    "svc, repaired": (
        QuantumKernelSVC(ZZEncoding(), kernel="fidelity", psd="clip", mitigation="depolarizing"),
        FRAME, LABELS,
    ),
    "svr": (QuantumKernelSVR(kernel=ProjectedKernel(ZZEncoding())), FRAME, NUMBERS),
    "repair": (GramRepair("nearest", "depolarizing", n_qubits=4), GRAM - 0.1 * np.eye(12), None),
}  # fmt: skip


@cache
def pickled(name):
    model, rows, y = FITTED[name]
    return pickle.dumps(quietly(clone(model).fit, rows, y))


def fitted(name):
    """Return a fitted model of its own for each test, with its rows and targets."""
    return pickle.loads(pickled(name)), *FITTED[name][1:]


def quietly(call, *args, **options):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of convergence, of names that arrays lack
        return call(*args, **options)


def seen(model, rows):
    """What a user sees of a fitted model."""
    found = {}
    for name in METHODS:
        if hasattr(model, name):
            found[name] = getattr(model, name)(rows)
    for name in ATTRIBUTES:
        if hasattr(model, name):
            found[name] = getattr(model, name)
    if hasattr(model, "get_feature_names_out"):
        found["names"] = model.get_feature_names_out()
    return found


def assert_same(after, before):
    assert after.keys() == before.keys()
    for name, value in before.items():
        if isinstance(value, dict):
            assert_same(after[name], value)
            continue
        assert np.shape(after[name]) == np.shape(value), name
        assert np.array_equal(after[name], value), name


class Refusing(Backend):
    """A backend that has no room for anything."""

    def _states(self, circuit, symbols, values):
        raise ValueError("no room")

    def _expectations(self, circuit, symbols, values, observables):
        raise ValueError("no room")


def spoilt(rows):
    rows = np.asarray(rows, dtype=float).copy()  # np.array shares the memory of older frames
    rows[1, ..., 1] = np.nan
    return rows


# What a fit is given in place of rows and targets.
DATA = {
    "NaN": lambda rows, y: (spoilt(rows), y),
    "huge": lambda rows, y: (1e300 * np.asarray(rows), y),
    "fewer features": lambda rows, y: (np.asarray(rows)[..., :1], y),
    "no rows": lambda rows, y: (np.asarray(rows)[:0], None if y is None else y[:0]),
    "one axis": lambda rows, y: (np.asarray(rows).ravel(), y),
    "text": lambda rows, y: ([["x"] * 4] * len(rows), y),
    "fewer targets": lambda rows, y: (rows, [1, 2, 1]),
    "targets of NaN": lambda rows, y: (rows, np.full(len(rows), np.nan)),
    "one class": lambda rows, y: (rows, ["a"] * len(rows)),
    "text for numbers": lambda rows, y: (rows, ["one"] * (len(rows) - 1) + ["two"]),
    "other outputs": lambda rows, y: (rows, np.c_[X[:, 1], X[:, 2], X[:, 3]]),
    "one output": lambda rows, y: (rows, X[:, 2]),
    "other classes": lambda rows, y: (rows, np.where(X[:, 1] > 0, "a", "q")),
}


@pytest.mark.parametrize("call", ["fit", "partial_fit"])
@pytest.mark.parametrize("name", FITTED)
def test_refused_data(name, call):
    model, rows, y = fitted(name)
    if not hasattr(model, call):
        return
    before, refused = seen(model, rows), []
    for change, changed in DATA.items():
        try:
            quietly(getattr(model, call), *changed(rows, y))
        except (ValueError, TypeError):
            refused.append(change)
            assert_same(seen(model, rows), before)
        else:  # it may be fine, as two outputs for one are without a warm start
            model, rows, y = fitted(name)
    assert {"NaN", "no rows", "text"} <= set(refused)
    if call == "partial_fit" or "warm start" in name:
        assert "fewer features" in refused


@pytest.mark.parametrize("call", ["fit", "partial_fit"])
@pytest.mark.parametrize(
    "name", ["classifier", "regressor", "lstm", "lstm, labels", "pooling, labels", "svc"]
)
def test_refused_weights(name, call):
    model, rows, y = fitted(name)
    before = seen(model, rows)
    if not hasattr(model, call):
        return
    for weight in ([1.0, 2.0], [-1.0] * 12, [np.nan] * 12, [0.0] * 12):
        try:
            quietly(getattr(model, call), rows, y, sample_weight=weight)
        except ValueError:
            pass
        else:
            assert call == "partial_fit"
            assert weight[0] == 0  # a batch without rows changes nothing, either
        assert_same(seen(model, rows), before)


def values_for(model):
    """Parameters that some of the estimators refuse in a fit."""
    known = model.get_params()
    wrong = {
        "encoding": "zzz", "ansatz": "nothing", "solver": "adma", "loss": "?", "max_iter": 0,
        "learning_rate": -1, "init": np.full(3, np.nan), "weights": [0.1], "observables": "Q",
        "n_layers": 0, "hidden_size": 0, "cell": "?", "n_channels": 3, "n_qubits": 0, "kind": "?",
        "pool_size": 99, "stride": 0, "padding": "?", "input_shape": (7,), "convolution": "?",
        "n_outputs": 0, "pooling": "?", "objective": "classification", "kernel": "?", "C": -1,
        "epsilon": -1, "psd": "?", "mitigation": "?", "class_weight": "?", "gradient": "?",
        "validation_fraction": 2, "backend": Refusing(), "batch_size": 0,
        "encoding__rotation": "Q", "encoding__n_qubits": -1,
        "ansatz__n_layers": 0, "kernel__encoding__reps": -3, "kernel__encoding": "?",
        "encoding__reps": 0, "encoding__bandwidth": -1, "kernel__gamma": -1,
        "data_format": "?", "washout": 3,
    }  # fmt: skip
    return {key: value for key, value in wrong.items() if key in known}


def leaves(model):
    """Return the parameters that hold no others: a name and the part it stands for are one."""
    params = model.get_params()
    return {k: v for k, v in params.items() if not any(o.startswith(f"{k}__") for o in params)}


@pytest.mark.parametrize("name", FITTED)
def test_refused_parameters(name):
    model, rows, y = fitted(name)
    before = seen(model, rows)
    given = leaves(model)
    refused = 0
    for key, value in values_for(model).items():
        old = model.get_params()[key]
        model.set_params(**{key: value})
        try:
            quietly(model.fit, rows, y)
        except (ValueError, TypeError):
            refused += 1
            assert_same(seen(model, rows), before)
            model.set_params(**{key: old})
        else:
            model, rows, y = fitted(name)
            given = leaves(model)
    assert refused >= 3
    now = leaves(model)
    assert all(is_same(now[key], value) for key, value in given.items())


OTHER_PARAMETERS = dict(
    [("encoding__bandwidth", 0.1), ("encoding__n_qubits", 2), ("encoding__rotation", "X"),
     ("ansatz__n_layers", 3), ("kernel__encoding__reps", 1),
     ("kernel__encoding__bandwidth", 0.1), ("kernel__gamma", 9.0), ("kind", "mean"),
     ("observables", "X"), ("n_outputs", 2), ("pooling", "modular"), ("mitigation", None),
     ("n_qubits", 2), ("n_channels", 4), ("psd", None)],
)  # fmt: skip


@pytest.mark.parametrize("name", FITTED)
def test_parameters_matter_in_a_fit_only(name):
    model, rows, _ = fitted(name)
    before = seen(model, rows)
    for key in OTHER_PARAMETERS.keys() & model.get_params():
        model.set_params(**{key: OTHER_PARAMETERS[key]})
        assert_same(seen(model, rows), before)
    assert_same(seen(pickle.loads(pickle.dumps(model)), rows), before)


@pytest.mark.parametrize("error", [KeyboardInterrupt, RuntimeError])
@pytest.mark.parametrize("call", ["fit", "partial_fit"])
@pytest.mark.parametrize("name", [n for n in FITTED if n not in ("classical pooling", "repair")])
def test_what_fails_in_the_first_run(name, call, error, monkeypatch):
    model, rows, y = fitted(name)
    if not hasattr(model, call) or model.get_params().get("objective") == "random":
        return
    before = seen(model, rows)

    def fails(*args, **options):
        raise error

    # Nothing is run in the fit of `features`, but its circuit is compiled.
    with monkeypatch.context() as patch:
        patch.setattr(FidelityKernel, "_matrix", fails)
        patch.setattr(ProjectedKernel, "_matrix", fails)
        if name == "features":
            patch.setattr(QsimBackend, "evaluator", fails)
        patch.setattr(QuantumLayer, "forward_vjp", fails)
        patch.setattr("skquantum.estimators._qlstm.network._Pass", fails)
        patch.setattr("skquantum.estimators._reservoir.evolution", fails)
        if error is KeyboardInterrupt and (call == "partial_fit"):
            with pytest.warns(UserWarning, match="interrupted"):
                getattr(model, call)(rows, y)
            before["_rows_run"] = model._rows_run  # the rows were to be run, and are counted
        else:
            with pytest.raises(error):
                getattr(model, call)(rows, y)
    assert_same(seen(model, rows), before)


@pytest.mark.parametrize("name", ["classifier", "regressor", "lstm", "pooling, windows"])
def test_a_refit_that_diverges_at_once(name, monkeypatch):
    model, rows, y = fitted(name)
    before = seen(model, rows)
    with monkeypatch.context() as patch:
        patch.setattr("skquantum.estimators._head.HeadObjective._penalty", lambda *args: np.nan)
        model.set_params(n_qubits=2) if name == "regressor" else None
        with pytest.raises(ValueError, match="no good weights"):
            model.fit(rows, y)
    assert_same(seen(model, rows), before)


@pytest.mark.parametrize("name", ["classifier", "lstm", "pooling, labels", "svc"])
def test_a_fit_beyond_the_memory_or_the_budget(name):
    model, rows, y = fitted(name)
    before = seen(model, rows)
    own = "kernel__backend" if name == "svc" else "backend"
    sampler = SamplerBackend(cirq.Simulator(), repetitions=5, max_circuits=3)
    for backend in (QsimBackend(max_memory=1), sampler, MitigatedBackend(sampler, readout=False)):
        model.set_params(**{own: backend})
        with pytest.raises(ValueError, match="max_memory|max_circuits"):
            model.fit(rows, y)
        assert_same(seen(model, rows), before)


@pytest.mark.parametrize("name", ["classifier", "regressor", "regressor, spsa"])
def test_a_refused_batch_leaves_no_trace_in_those_that_follow(name, monkeypatch):
    one, rows, y = fitted(name)
    other = pickle.loads(pickle.dumps(one))
    backward = QuantumLayer.forward_vjp

    def fails(self, *args, **options):
        backward(self, *args, **options)[1](np.ones((len(args[0]), self.n_outputs)))
        raise RuntimeError

    for bad in (X[:5, :3], spoilt(X[:5])):
        with pytest.raises(ValueError, match="features|NaN"):
            quietly(one.partial_fit, bad, y[:5])
    with monkeypatch.context() as patch, pytest.raises(RuntimeError):
        patch.setattr(QuantumLayer, "forward_vjp", fails)
        one.partial_fit(rows, y)
    for model in (one, other):
        model.partial_fit(rows, y)
    assert_same(seen(one, rows), seen(other, rows))


@pytest.mark.parametrize("name", FITTED)
def test_an_unfitted_model_stays_one(name):
    model, rows, y = FITTED[name]
    model = clone(model)
    for call in ("fit", "partial_fit"):
        if hasattr(model, call):
            options = {"classes": ["a", "b"]} if name.startswith("class") else {}
            before = dict(vars(model))
            with pytest.raises((ValueError, TypeError)):
                getattr(model, call)(spoilt(rows), y, **(options if call != "fit" else {}))
            assert vars(model) == before


def test_a_fit_from_the_beginning_forgets_what_it_does_not_learn():
    model, rows, y = fitted("classifier, embedding")
    assert hasattr(model, "embedding_coef_")
    quietly(model.set_params(embedding=None).fit, rows, y)
    assert not hasattr(model, "embedding_coef_")
    model, rows, y = fitted("svc")
    model.set_params(probability=False).fit(rows, y)
    with pytest.raises(ValueError, match="not fitted"):
        model.set_params(probability=True).predict_proba(rows)


def test_a_subclass_keeps_its_own_attributes():
    class Own(VariationalRegressor):
        def fit(self, X, y):
            self.shift_ = X.mean(axis=0)
            return super().fit(X - self.shift_, y)

    model = quietly(Own(max_iter=1, n_layers=1).fit, X, NUMBERS)
    assert model.shift_.shape == (4,)
    with pytest.raises(ValueError, match="NaN"):
        model.fit(X, np.full(12, np.nan))
    assert model.n_features_in_ == 4


@pytest.mark.parametrize("value", [np.nan, np.inf, -1e300, 1e13])
@pytest.mark.parametrize("name", ["classifier", "lstm", "pooling, labels", "features"])
def test_weights_to_start_from_that_are_no_angles(name, value):
    model, rows, y = fitted(name)
    before = seen(model, rows)
    key = "weights" if name == "features" else "init"
    weights = np.zeros_like(model.weights_)
    weights.flat[-1] = value
    model.set_params(**{key: weights})
    with pytest.raises(ValueError, match=f"^{key} must be finite and hold angles"):
        model.fit(rows, y)
    assert_same(seen(model, rows), before)


@pytest.mark.parametrize("name", ["classifier", "regressor", "lstm", "pooling, labels"])
def test_steps_of_any_size_warn(name):
    model, rows, y = fitted(name)
    model.set_params(learning_rate=1e300, max_iter=3)
    with pytest.warns(ConvergenceWarning, match="last good weights are kept"):
        model.fit(rows, y)
    assert np.isfinite(model.weights_).all()


@pytest.mark.parametrize("model", [QuantumKernelSVC(), QuantumFeatureTransformer()], ids=str)
def test_text_in_a_column_is_named(model):
    frame = pd.DataFrame({"age": [1.0, 2.0, 3.0], "code": ["1", "2", "3"], "town": list("abc")})
    with pytest.raises(ValueError, match="column 'town' of X holds text, such as 'a'. Encode it"):
        model.fit(frame, [0, 1, 0])
    assert not hasattr(model, "n_features_in_")
