"""An equal of each built-in part, written as a third party would, does in estimators as it does.

An equal is a subclass of the abstract class alone: it has the parameters of the built-in part,
writes what the abstract class asks for, and where that is not all, what the abstract class says
of it. Nothing in the package may know a part by its class.
"""

import inspect

import cirq
import numpy as np
import pytest
import sympy
from numpy.testing import assert_allclose

from skquantum import (
    QLSTMClassifier,
    QLSTMRegressor,
    QuantumFeatureTransformer,
    QuantumKernelSVC,
    QuantumKernelSVR,
    QuantumPoolingTransformer,
    QuantumReservoirTransformer,
    VariationalClassifier,
    VariationalRegressor,
    circuits,
    estimators,
    execution,
    kernels,
)
from skquantum.circuits import (
    ANSATZE,
    ENCODINGS,
    Ansatz,
    BlockEncoding,
    CircuitAnsatz,
    CircuitEncoding,
    ConvolutionBlock,
    Encoding,
    PoolingNetwork,
    TrainableEncoding,
    UnentangledAnsatz,
)
from skquantum.estimators import (
    FidelityLoss,
    Loss,
    WeightedFidelityLoss,
    label_observables,
)
from skquantum.estimators._losses import CLASSIFICATION_LOSSES, REGRESSION_LOSSES
from skquantum.execution import (
    Backend,
    BudgetedBackend,
    CachedBackend,
    DenseBackend,
    MitigatedBackend,
    QsimBackend,
    ReferenceBackend,
    SamplerBackend,
)
from skquantum.kernels import (
    AlignedKernel,
    FidelityKernel,
    Kernel,
    ProductKernel,
    ProjectedKernel,
    SumKernel,
)

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


def equal_of(part):
    """Return an equal of an encoding, an ansatz or a kernel, with nothing that is only quicker."""
    kind = type(part)
    base = next(b for b in (Encoding, Ansatz, Kernel) if isinstance(part, b))
    own = {
        Encoding: ("build", "symbols", "encode", "encode_vjp", "n_inputs"),
        Ansatz: ("layers", "symbols"),
        Kernel: ("_matrix", "n_circuits"),
    }[base]

    def built_in(self):
        return kind(**self.get_params(deep=False))

    def delegating(name):
        return lambda self, *args: getattr(built_in(self), name)(*args)

    members = {name: delegating(name) for name in own}
    if base is Encoding:
        members["accepts"] = property(lambda self: built_in(self).accepts)
    if base is not Ansatz:
        members["fitted"] = lambda self, *args: type(self)(
            **built_in(self).fitted(*args).get_params(deep=False)
        )
    if kind is BlockEncoding:
        members["block"] = property(lambda self: built_in(self).block)
        members["blocks"] = delegating("blocks")
    if base is Kernel:
        members["mitigations"] = kind.mitigations
    if kind.__init__ is not object.__init__:
        members["__init__"] = storing(inspect.signature(kind.__init__))
    equal = type(f"{kind.__name__}Equal", (base,), members)
    return equal(**part.get_params(deep=False))


def storing(signature):
    """Return a constructor that stores its arguments."""

    def __init__(self, *args, **kwargs):
        bound = signature.bind(self, *args, **kwargs)
        bound.apply_defaults()
        for name, value in list(bound.arguments.items())[1:]:
            setattr(self, name, value)

    __init__.__signature__ = signature
    return __init__


class ExactEqual(Backend):
    """An equal of a backend with states: these are all that it writes."""

    def __init__(self, inner):
        self.inner = inner

    def _states(self, *args):
        return self.inner._states(*args)


class DeviceEqual(ExactEqual):
    """An equal of a backend that measures."""

    def _expectations(self, *args):
        return self.inner._expectations(*args)

    def _overlaps(self, *args):
        return self.inner._overlaps(*args)


RNG = np.random.default_rng(0)
X = RNG.uniform(0.2, 1.2, (8, 2))
BITS = np.array([[0, 1], [1, 0], [1, 1], [0, 1], [1, 1], [1, 0], [0, 0], [1, 1]], dtype=float)
Y = np.array([0, 1, 1, 0, 1, 0, 1, 0])
SHORT = {"max_iter": 2, "random_state": 0}
A, B = cirq.LineQubit.range(2)
S, T = sympy.symbols("s t")
OWN = cirq.Circuit(cirq.ry(S)(A), cirq.rx(T)(B), cirq.CX(A, B) ** (S / 2))
ENCODING_KINDS = {*ENCODINGS.values(), CircuitEncoding, BlockEncoding, TrainableEncoding}

WITH_ENCODING = {
    "classifier of a kernel": lambda **parts: QuantumKernelSVC(kernel="fidelity", **parts),
    "regressor of a kernel": lambda **parts: QuantumKernelSVR(kernel="projected", **parts),
    "variational classifier": lambda **parts: VariationalClassifier(n_layers=1, **SHORT, **parts),
    "reupload": lambda **parts: VariationalRegressor(n_layers=2, reupload=True, **SHORT, **parts),
    "trained factors": lambda **parts: VariationalClassifier(
        n_layers=2, reupload="trainable", **SHORT, **parts
    ),
    "embedding": lambda **parts: VariationalRegressor(
        n_layers=1, embedding="linear", **SHORT, **parts
    ),
    "embedding of three qubits": lambda **parts: VariationalClassifier(
        n_layers=1, n_qubits=3, embedding="linear", **SHORT, **parts
    ),
    "features": lambda **parts: QuantumFeatureTransformer(
        ansatz="tree_tensor", random_state=0, **parts
    ),
    "pooling": lambda **parts: QuantumPoolingTransformer(**SHORT, **parts),
    "linear_enhanced": lambda **parts: QLSTMRegressor(hidden_size=1, n_layers=1, **SHORT, **parts),
    "chen": lambda **parts: QLSTMRegressor("chen", 1, n_layers=1, **SHORT, **parts),
    "labels of sequences": lambda **parts: QLSTMClassifier(
        hidden_size=1, n_layers=1, **SHORT, **parts
    ),
}
WITH_ANSATZ = {
    "classifier": lambda part: VariationalClassifier(ansatz=part, **SHORT),
    "identity blocks": lambda part: VariationalRegressor(
        ansatz=part, init="identity_blocks", reupload=True, **SHORT
    ),
    "features": lambda part: QuantumFeatureTransformer(ansatz=part, random_state=0),
    "chen": lambda part: QLSTMRegressor("chen", 1, ansatz=part, **SHORT),
    "reservoir": lambda part: QuantumReservoirTransformer(2, ansatz=part, random_state=0),
}


def outcome(model, rows, targets):
    """Return what a fitted model says of the rows, and what it cost, or why it can't be."""
    try:
        model.fit(rows, targets)
    except ValueError as error:
        # A repr of several lines is indented by the length of the name.
        return " ".join(str(error).replace("Equal", "").split()), None
    methods = ("decision_function", "predict", "transform")
    method = next(method for method in methods if hasattr(model, method))
    said = np.asarray(getattr(model, method)(rows), dtype=float)
    return said, getattr(model, "resources_", None)


def assert_same_outcome(found, expected, *, resources=True):
    if isinstance(expected[0], str) or isinstance(found[0], str):
        assert found[0] == expected[0]
        return
    assert_allclose(found[0], expected[0], rtol=1e-4, atol=1e-4)
    assert found[1] == expected[1] or not resources


def built_ins(room, base):
    named = [getattr(room, name) for name in room.__all__]
    return {
        kind
        for kind in named
        if isinstance(kind, type) and issubclass(kind, base) and kind is not base
    }


@pytest.mark.parametrize("model", WITH_ENCODING)
@pytest.mark.parametrize("kind", sorted(ENCODING_KINDS, key=repr))
def test_encodings(kind, model):
    params = {CircuitEncoding: (OWN, ["t", "s"]), BlockEncoding: ("angle", 1)}
    encoding = kind(*params.get(kind, ()))
    rows = BITS if encoding.accepts == "bits" else X
    make = WITH_ENCODING[model]
    expected = outcome(make(encoding=encoding), rows, Y)
    assert_same_outcome(outcome(make(encoding=equal_of(encoding)), rows, Y), expected)


@pytest.mark.parametrize("model", WITH_ANSATZ)
@pytest.mark.parametrize(
    "kind", sorted({*ANSATZE.values(), CircuitAnsatz, PoolingNetwork}, key=repr)
)
def test_ansatze(kind, model):
    ansatz = CircuitAnsatz(OWN, ["t", "s"]) if kind is CircuitAnsatz else kind()
    make = WITH_ANSATZ[model]
    expected = outcome(make(ansatz), X, Y)
    assert_same_outcome(outcome(make(equal_of(ansatz)), X, Y), expected)


def test_a_convolution():
    block = ConvolutionBlock("so4")
    expected = outcome(QuantumPoolingTransformer(convolution=block, **SHORT), X, Y)
    model = QuantumPoolingTransformer(convolution=equal_of(block), **SHORT)
    assert_same_outcome(outcome(model, X, Y), expected)


@pytest.mark.parametrize("options", [{}, {"psd": "clip"}, {"mitigation": "depolarizing"}], ids=str)
@pytest.mark.parametrize("model", [QuantumKernelSVC, QuantumKernelSVR])
@pytest.mark.parametrize("kind", [FidelityKernel, ProjectedKernel])
def test_kernels(kind, model, options):
    kernel = kind("angle", backend=QsimBackend(noise=0.01))
    expected = outcome(model(kernel=kernel, **options), X, Y)
    assert_same_outcome(outcome(model(kernel=equal_of(kernel), **options), X, Y), expected)


@pytest.mark.parametrize("model", WITH_ENCODING)
@pytest.mark.parametrize("backend", [QsimBackend(), DenseBackend(), ReferenceBackend()], ids=repr)
def test_backends_with_states(backend, model):
    if model == "linear_enhanced" and backend.default_gradient != "adjoint":
        pytest.skip("parameter shifts of its circuits take long; the cell chen goes the same way")
    make = WITH_ENCODING[model]
    rows, targets = X[:3], Y[:3]
    expected = outcome(make(encoding="arctan", backend=backend), rows, targets)
    found = outcome(make(encoding="arctan", backend=ExactEqual(backend)), rows, targets)
    # Parameter shifts, which an equal without adjoint gradients takes, run more circuits.
    assert_same_outcome(found, expected, resources=False)


@pytest.mark.parametrize("model", ["classifier of a kernel", "variational classifier", "features"])
@pytest.mark.parametrize(
    "make_backend",
    [
        lambda: SamplerBackend(cirq.Simulator(seed=0), repetitions=50),
        lambda: MitigatedBackend(QsimBackend(noise=0.01), zne=[1, 3]),
    ],
    ids=["sampler", "mitigated"],
)
def test_backends_that_measure(make_backend, model):
    make = WITH_ENCODING[model]
    rows, targets = X[:5], Y[:5]
    expected = outcome(make(encoding="angle", backend=make_backend()), rows, targets)
    model = make(encoding="angle", backend=DeviceEqual(make_backend()))
    assert_same_outcome(outcome(model, rows, targets), expected, resources=False)


class LossEqual(Loss):
    """An equal of a loss, or of one that has a name: a value and a slope."""

    def __init__(self, inner):
        self.inner = inner

    def value(self, y, raw):
        if isinstance(self.inner, Loss):
            return self.inner.value(y, raw)
        return self.inner(raw, y)[0]

    def slope(self, y, raw):
        if isinstance(self.inner, Loss):
            return self.inner.slope(y, raw)
        return self.inner(raw, y)[1]


FIDELITIES = {"n_qubits": 1, "embedding": None, "observables": label_observables(2)}


@pytest.mark.parametrize("loss", [FidelityLoss(), WeightedFidelityLoss()], ids=repr)
def test_losses(loss):
    def model(loss):
        return VariationalClassifier(loss=loss, readout=None, **FIDELITIES, **SHORT)

    assert_same_outcome(outcome(model(LossEqual(loss)), X, Y), outcome(model(loss), X, Y))


@pytest.mark.parametrize("solver", ["adam", "lbfgs", "spsa"])
@pytest.mark.parametrize(
    ("kind", "name", "function"),
    [
        *((VariationalClassifier, *item) for item in CLASSIFICATION_LOSSES.items()),
        *((VariationalRegressor, *item) for item in REGRESSION_LOSSES.items()),
    ],
)
def test_losses_with_a_name(kind, name, function, solver):
    expected = outcome(kind(loss=name, solver=solver, **SHORT), X, Y)
    found = outcome(kind(loss=LossEqual(function), solver=solver, **SHORT), X, Y)
    assert_same_outcome(found, expected)


def test_no_built_in_part_is_left_out():
    assert built_ins(estimators, Loss) == {FidelityLoss, WeightedFidelityLoss}
    assert built_ins(circuits, Encoding) == ENCODING_KINDS
    ansatze = {*ANSATZE.values(), CircuitAnsatz, PoolingNetwork, ConvolutionBlock}
    ansatze |= {UnentangledAnsatz}
    assert built_ins(circuits, Ansatz) == ansatze
    # Of any kernels: tests/kernels/test_composed.py, test_aligned.py.
    composed = {SumKernel, ProductKernel, AlignedKernel}
    assert built_ins(kernels, Kernel) == {FidelityKernel, ProjectedKernel} | composed
    backends = {QsimBackend, DenseBackend, ReferenceBackend, SamplerBackend, MitigatedBackend}
    # Around any backend: tests/execution/test_budget.py, test_value_cache.py.
    backends |= {BudgetedBackend, CachedBackend}
    assert built_ins(execution, Backend) == backends
