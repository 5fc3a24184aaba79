"""Fitted models are saved and loaded without pickle, and with it, and predict the same."""

import copy
import importlib
import io
import pickle
import pickletools

import cirq
import joblib
import numpy as np
import pandas as pd
import pytest
import sympy
from sklearn.compose import make_column_selector, make_column_transformer
from sklearn.datasets import load_iris
from sklearn.impute import SimpleImputer
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import KBinsDiscretizer, OneHotEncoder, StandardScaler
from skops import io as skops

from skquantum import estimators
from skquantum.circuits import AngleEncoding, CircuitAnsatz, CircuitEncoding
from skquantum.estimators import (
    ClassicalPoolingTransformer,
    QLSTMClassifier,
    QLSTMRegressor,
    QuantumFeatureTransformer,
    QuantumGaussianProcessClassifier,
    QuantumGaussianProcessRegressor,
    QuantumKernelClassifier,
    QuantumKernelRegressor,
    QuantumKernelSVC,
    QuantumKernelSVR,
    QuantumKernelTransformer,
    QuantumNystroem,
    QuantumPoolingTransformer,
    QuantumReservoirTransformer,
    VariationalClassifier,
    VariationalRegressor,
)
from skquantum.execution import MitigatedBackend, QsimBackend
from skquantum.layers import QuantumLayer
from skquantum.saving import trusted_types

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

X, y = load_iris(return_X_y=True)
X, y = StandardScaler().fit_transform(X)[::6], y[::6]
LABELS = np.array(["setosa", "versicolor", "virginica"])[y]

A, B = cirq.LineQubit.range(2)
S = sympy.symbols("a b c d")
# Functions that Cirq's own JSON does not know, exponents, a constant, and a matrix gate.
OWN = cirq.Circuit(
    cirq.ry(sympy.sin(S[0]) + sympy.Piecewise((S[1], S[1] > 0.1), (sympy.pi, True)))(A),
    cirq.X(B) ** (sympy.Max(S[2], 0.1) / sympy.pi),
    cirq.CX(A, B),
    cirq.MatrixGate(cirq.testing.random_unitary(2, random_state=0))(B),
    cirq.rx(S[2] * S[3] / 3 + sympy.exp(-(S[0] ** 2)))(A),
)
SHORT = {"max_iter": 2, "random_state": 0}
NOISY = QsimBackend(noise=0.01, shots=50, seed=0)

MODELS = {
    "kernel": QuantumKernelSVC("angle"),
    "projected": QuantumKernelSVC("angle", kernel="projected", psd="clip", backend=NOISY),
    "probability": QuantumKernelSVC(
        "angle",
        kernel="fidelity",
        probability=True,
        mitigation="depolarizing",
        psd="nearest",
        backend=NOISY,
    ),
    "mitigated": QuantumKernelSVR(
        "angle",
        kernel="projected",
        backend=MitigatedBackend(
            NOISY, readout=dict.fromkeys(cirq.LineQubit.range(4), (0.1, 0.1))
        ),
    ),
    "own": QuantumKernelSVC(CircuitEncoding(OWN, data_symbols=["b", S[0], S[2], S[3]])),
    "classifier": VariationalClassifier(n_layers=1, class_weight="balanced", **SHORT),
    "observables": VariationalClassifier(
        observables=[cirq.Z(A) * cirq.X(B) + 0.5 * cirq.Y(B)], early_stopping=True, **SHORT
    ),
    "ansatz": VariationalRegressor(
        ansatz=CircuitAnsatz(cirq.Circuit(cirq.rx(S[0]).on_each(*cirq.LineQubit.range(4)))),
        embedding="linear",
        **SHORT,
    ),
    "amplitude": VariationalRegressor("amplitude", n_layers=1, solver="spsa", **SHORT),
    "features": QuantumFeatureTransformer("zz", ansatz="hardware_efficient", random_state=0),
    "landmarks": QuantumNystroem(n_components=5, random_state=0),
    "kernel values": QuantumKernelTransformer("zz", "fidelity"),
    "many rows": QuantumKernelClassifier(n_components=5, random_state=0),
    "ridge": QuantumKernelRegressor(n_components=5, random_state=0),
    "process": QuantumGaussianProcessRegressor(bandwidth_per_feature=True, random_state=0),
    "processes": QuantumGaussianProcessClassifier(),
    "pooling": QuantumPoolingTransformer((2, 2), **SHORT),
    "reservoir": QuantumReservoirTransformer(3, observables="pauli2", random_state=0),
    "reconstruction": QuantumPoolingTransformer(
        (2, 2), encoding="amplitude", pooling="measured", objective="reconstruction", **SHORT
    ),
    "classical": ClassicalPoolingTransformer((2, 2)),
    **{
        f"{cell} {head}": QLSTMRegressor(cell=cell, head=head, hidden_size=2, **SHORT)
        for cell, head in [
            ("linear_enhanced", "linear"),
            ("chen", "quantum"),
            ("chen6", "linear"),
            ("lstm", "linear"),
        ]
    },
    "stacked cells": QLSTMRegressor(cell="chen6", n_cells=2, hidden_size=2, **SHORT),
    "labels of sequences": QLSTMClassifier(
        n_channels=2, data_format="channels_first", hidden_size=2, **SHORT
    ),
    "pipeline": make_pipeline(StandardScaler(), QuantumKernelSVC("zz")),
    "search": GridSearchCV(QuantumKernelSVC("angle"), {"encoding__bandwidth": [0.3, 1.0]}, cv=2),
}


def fitted(name):
    target = (
        y
        if name in ("mitigated", "ansatz", "amplitude", "ridge", "process") or "search" in name
        else LABELS
    )
    if isinstance(MODELS[name], QLSTMRegressor):
        target = y.astype(float)
    return MODELS[name].fit(X, target)


def outputs(model):
    found = [
        getattr(model, m)(X)
        for m in ("predict", "transform", "predict_proba")
        if hasattr(model, m)
    ]
    return found


def is_equal(one, other):
    return all(np.array_equal(a, b) for a, b in zip(outputs(one), outputs(other), strict=True))


def test_every_estimator_is_here():
    there = {type(model).__name__ for model in MODELS.values()}
    classes = [kind for kind in vars(estimators).values() if hasattr(kind, "fit")]
    assert there >= {kind.__name__ for kind in classes} & set(estimators.__all__)


@pytest.mark.parametrize("name", MODELS)
def test_without_pickle(name):
    model = fitted(name)
    saved = skops.dumps(model)
    assert set(skops.get_untrusted_types(data=saved)) <= set(trusted_types())
    loaded = skops.loads(saved, trusted=trusted_types())
    assert is_equal(model, loaded)
    assert repr(loaded) == repr(model)
    # Once more: what was loaded is as good as what was fitted.
    assert is_equal(model, skops.loads(skops.dumps(loaded), trusted=trusted_types()))
    if hasattr(model, "circuit_"):
        assert loaded.circuit_ == model.circuit_
        assert loaded.resources_ == model.resources_


@pytest.mark.parametrize("name", MODELS)
def test_with_pickle_and_as_a_copy(name):
    model = fitted(name)
    file = io.BytesIO()
    joblib.dump(model, file)
    assert is_equal(model, joblib.load(file))
    assert is_equal(model, pickle.loads(pickle.dumps(model)))
    assert is_equal(model, copy.deepcopy(model))


def test_what_tables_need_in_front():
    frame = pd.DataFrame(X[:, :2], columns=["length", "width"])
    frame.loc[::7, "length"] = np.nan
    frame["place"] = np.where(X[:, 2] > 0, "sun", "shade")
    before = make_column_transformer(
        (make_pipeline(SimpleImputer(strategy="median"), StandardScaler()), ["length"]),
        (KBinsDiscretizer(3, quantile_method="averaged_inverted_cdf"), ["width"]),
        (OneHotEncoder(handle_unknown="ignore"), make_column_selector("pl")),
        sparse_threshold=0,
    )
    model = make_pipeline(before, QuantumKernelSVC("angle")).fit(frame, LABELS)
    loaded = skops.loads(skops.dumps(model), trusted=trusted_types())
    np.testing.assert_array_equal(loaded.predict(frame), model.predict(frame))


def test_training_goes_on_from_a_loaded_model():
    model = VariationalClassifier(n_layers=1, **SHORT).fit(X, LABELS)
    loaded = skops.loads(skops.dumps(model), trusted=trusted_types())
    for _ in range(2):
        model.partial_fit(X, LABELS)
        loaded.partial_fit(X, LABELS)
    assert is_equal(model, loaded)
    assert np.array_equal(model.weights_, loaded.weights_)


def test_a_layer():
    layer = QuantumLayer.from_circuit(OWN, S[:2], S[2:], gradient="parameter-shift")
    loaded = skops.loads(skops.dumps(layer), trusted=trusted_types())
    rows, weights = X[:5, :2], np.array([0.3, 0.7])
    assert np.array_equal(layer.forward(rows, weights), loaded.forward(rows, weights))
    assert loaded.circuit == layer.circuit
    assert loaded.observables == layer.observables


class Unknown(cirq.Gate):
    """A gate that has no JSON."""

    def _num_qubits_(self):
        return 1

    def _unitary_(self):
        return np.diag([1, 1j])

    def __eq__(self, other):
        return isinstance(other, Unknown)

    def __hash__(self):
        return 1


def test_gates_without_json_are_refused_and_pickled():
    circuit = AngleEncoding().build(4)
    circuit.append(Unknown()(A))
    model = QuantumKernelSVC(CircuitEncoding(circuit)).fit(X, y)
    with pytest.raises(TypeError, match="circuit can't be saved without pickle"):
        skops.dumps(model)
    assert is_equal(model, pickle.loads(pickle.dumps(model)))


@pytest.mark.parametrize(
    "value",
    [
        {"cirq": "not JSON"},
        {"complex": 1, "dict": 2},
        {"items": [1]},
        {"dict": {"dict": {}}},
        {A: [1j, {B: S[0]}], "b": (complex(0, -0.0),)},
        {1: "a", 2.5: None},
        [sympy.oo, sympy.I, sympy.true, sympy.Rational(1, 3), sympy.Float(0.1)],
        sympy.LambertW(S[0]) + sympy.besselj(0, S[1]) + sympy.zeta(S[2]) + sympy.Abs(S[0] % 2),
    ],
    ids=repr,
)
def test_every_state_comes_back(value):
    encoding = AngleEncoding()
    encoding.held_ = value
    loaded = skops.loads(skops.dumps(encoding), trusted=trusted_types())
    assert loaded.held_ == value
    assert repr(loaded.held_) == repr(value)


def test_a_file_can_not_have_a_string_evaluated():
    encoding = AngleEncoding()
    for text in (
        '{"cirq_type": "skquantum.expression", "function": "sin", "args": ["print(1)"]}',
        '{"cirq_type": "skquantum.expression", "function": "sympify", "args": ["print(1)"]}',
        '{"cirq_type": "skquantum.constant", "name": "__init__"}',
    ):
        with pytest.raises(ValueError, match="is no "):
            encoding.__setstate__({"as_plain": {"held_": {"cirq": text}}})


def test_files_name_no_module_inside_a_room():
    own = [name for name in trusted_types() if name.startswith("skquantum.")]
    assert not [name for name in own if "._" in name]
    assert {name.count(".") for name in own} == {2}


def test_a_pickle_names_no_module_inside_a_room():
    model = QLSTMRegressor(hidden_size=2, **SHORT).fit(X, y.astype(float))
    names = [text for _, text, _ in pickletools.genops(pickle.dumps(model)) if type(text) is str]
    assert "skquantum.estimators" in names
    assert not [name for name in names if name.startswith("skquantum.") and "._" in name]


def test_the_trusted_types_exist():
    for name in trusted_types():
        module, _, rest = name.partition(".")
        found = importlib.import_module(module)
        for piece in rest.split("."):
            if not hasattr(found, piece):
                importlib.import_module(f"{found.__name__}.{piece}")
            found = getattr(found, piece)
