"""The laws that are public hold for the parts of this package, and find what breaks them.

For encodings and ansätze: tests/circuits/test_laws.py and test_ansatz_laws.py.
"""

import cirq
import numpy as np
import pytest
import sympy

from skquantum import testing
from skquantum.circuits import (
    AmplitudeEncoding,
    AngleEncoding,
    Ansatz,
    BasisEncoding,
    Encoding,
    RealAmplitudes,
)
from skquantum.estimators import FidelityLoss, Loss, WeightedFidelityLoss
from skquantum.execution import (
    Backend,
    BudgetedBackend,
    CachedBackend,
    Evaluator,
    MitigatedBackend,
    QsimBackend,
    ReferenceBackend,
    SamplerBackend,
)
from skquantum.kernels import FidelityKernel, Kernel, ProjectedKernel
from skquantum.layers import QuantumLayer
from skquantum.testing import (
    check_ansatz,
    check_backend,
    check_encoding,
    check_evaluator,
    check_kernel,
    check_layer,
    check_loss,
)

A, B = cirq.LineQubit.range(2)


@pytest.mark.parametrize(
    ("backend", "options"),
    [
        (QsimBackend(), {}),
        (ReferenceBackend(), {"tolerance": 1e-12}),
        (QsimBackend(shots=40_000, seed=0), {"states": False, "tolerance": 0.03}),
        (
            QsimBackend(noise=0.02),
            {"states": False, "oracle": QsimBackend(noise=0.02, method="density")},
        ),
        (
            SamplerBackend(cirq.Simulator(seed=0), repetitions=40_000),
            {"states": False, "tolerance": 0.03},
        ),
        (MitigatedBackend(QsimBackend(), zne=(1, 3)), {"states": False, "tolerance": 1e-4}),
        (BudgetedBackend(QsimBackend(), max_seconds=100.0), {}),
    ],
    ids=["qsim", "reference", "shots", "noise", "sampler", "mitigated", "budget"],
)
def test_backends_of_this_package(backend, options):
    check_backend(backend, **options)


def test_a_cache_is_a_backend(tmp_path):
    check_backend(CachedBackend(QsimBackend(), tmp_path))


@pytest.mark.parametrize("kernel", [FidelityKernel("zz"), ProjectedKernel("angle")], ids=repr)
def test_kernels_of_this_package(kernel):
    check_kernel(kernel)


@pytest.mark.parametrize("gradient", ["adjoint", "parameter-shift"])
@pytest.mark.parametrize("noise", [None, 0.05])
def test_layers_and_evaluators_of_this_package(gradient, noise):
    backend = QsimBackend(noise=noise)
    layer = QuantumLayer(
        "angle", "real_amplitudes", backend=backend, n_features=2, gradient=gradient
    )
    check_layer(layer)
    evaluator = backend.evaluator(
        layer.circuit, layer.data_symbols, layer.weight_symbols, layer.observables, gradient
    )
    rng = np.random.default_rng(0)
    check_evaluator(evaluator, rng.normal(size=(2, 2)), rng.normal(size=layer.n_weights))


class Unlisted(Encoding):
    def build(self, n_features):
        return cirq.Circuit(cirq.ry(x)(A) for x in sympy.symbols(f"x_0:{n_features + 1}"))


class Stateful(Encoding):
    def build(self, n_features):
        self.built_ = cirq.Circuit(cirq.ry(x)(A) for x in self.symbols(n_features))
        return self.built_


class Measured(Encoding):
    def build(self, n_features):
        moves = [cirq.ry(x)(A) for x in self.symbols(n_features)]
        return cirq.Circuit(moves, cirq.measure(A))


class Copying(AngleEncoding):
    def __init__(self, bandwidth=1.0):
        self.bandwidth = np.float64(bandwidth)

    def build(self, n_features):
        return cirq.Circuit(cirq.ry(x)(A) for x in self.symbols(n_features))


class WrongSlope(AngleEncoding):
    def encode_vjp(self, X, cotangent):
        return 2 * super().encode_vjp(X, cotangent)


class Elsewhere(Ansatz):
    def build(self, n_qubits):
        q = cirq.LineQubit(n_qubits)
        return cirq.Circuit(cirq.ry(sympy.Symbol("w"))(q))

    def symbols(self, n_qubits):
        return (sympy.Symbol("w"),)

    def layers(self, n_qubits):
        return [self.build(n_qubits)]


class Reversed(Backend):
    """Takes the first qubit for the least significant bit."""

    def _states(self, circuit, symbols, values):
        psi = ReferenceBackend().states(circuit, symbols, values)
        n = cirq.num_qubits(circuit)
        return psi.reshape(-1, *[2] * n).transpose(0, *range(n, 0, -1)).reshape(psi.shape)

    def _expectations(self, circuit, symbols, values, observables):
        return ReferenceBackend().expectations(circuit, symbols, values, observables)


class Lopsided(Kernel):
    def _matrix(self, X, Y):
        other = X if Y is None else Y
        return (X[:, None, 0] - other[None, :, 0]) + 0.0


class WrongGradient(Evaluator):
    def __init__(self, inner):
        self.inner = inner

    def forward_vjp(self, X, weights, *, data_gradient=True):
        values, pullback = self.inner.forward_vjp(X, weights, data_gradient=data_gradient)
        return values, lambda cotangent: (pullback(cotangent)[0], 2 * pullback(cotangent)[1])


class HalvedGradients(Backend):
    def _states(self, circuit, symbols, values):
        return ReferenceBackend().states(circuit, symbols, values)

    def _expectations(self, circuit, symbols, values, observables):
        return ReferenceBackend().expectations(circuit, symbols, values, observables)

    def _adjoint(self, circuit, data, weights, observables):
        inner = QsimBackend().evaluator(circuit, data, weights, observables)
        return WrongGradient(inner)


@pytest.mark.parametrize(
    ("part", "message"),
    [
        (Unlisted(), r"Unlisted.*symbols\(\) lists each symbol.*x_3"),
        (Stateful(), "Stateful.*building stores nothing"),
        (Measured(), "Measured.*no measurement"),
        (Copying(1), "Copying.*constructor stores bandwidth as it came"),
        (WrongSlope(), "WrongSlope.*encode_vjp is the derivative of encode.*differ by"),
    ],
    ids=lambda value: type(value).__name__,
)
def test_what_breaks_a_law_of_encodings_is_named(part, message):
    with pytest.raises(AssertionError, match=message):
        check_encoding(part)


def test_what_breaks_a_law_of_other_parts_is_named():
    with pytest.raises(AssertionError, match="Elsewhere.*qubits are among"):
        check_ansatz(Elsewhere())
    with pytest.raises(AssertionError, match="Reversed.*states are the oracle's"):
        check_backend(Reversed())
    with pytest.raises(AssertionError, match="Lopsided.*exactly symmetric"):
        check_kernel(Lopsided())
    layer = QuantumLayer("angle", "real_amplitudes", backend=HalvedGradients(), n_features=2)
    with pytest.raises(AssertionError, match="QuantumLayer.*dL/dweights is the derivative"):
        check_layer(layer)
    with pytest.raises(AssertionError, match="WrongGradient.*dL/dweights is the derivative"):
        check_evaluator(layer._evaluator, np.full((1, 2), 0.4), np.full(layer.n_weights, 0.3))


def test_every_check_is_tested():
    assert set(testing.__all__) == {name for name in globals() if name.startswith("check_")}


def test_other_data_for_encodings_that_take_directions_or_bits():
    check_encoding(AmplitudeEncoding(), 5, X=np.random.default_rng(0).normal(size=(4, 5)))
    check_encoding(BasisEncoding(), 2, X=[[1, 0], [0, 1]])
    check_ansatz(RealAmplitudes(), 1)


@pytest.mark.parametrize("loss", [FidelityLoss(), WeightedFidelityLoss()], ids=repr)
def test_losses_of_this_package(loss):
    check_loss(loss)


class Squared(Loss):
    def value(self, y, raw):
        return ((raw - y) ** 2).sum(axis=1) / 2

    def slope(self, y, raw):
        return raw - y


class SteepSlope(Squared):
    def slope(self, y, raw):
        return 2 * (raw - y)


class Centred(Squared):
    def value(self, y, raw):
        return super().value(y, raw) - super().value(y, raw).mean()


class OneNumber(Squared):
    def value(self, y, raw):
        return super().value(y, raw).sum()


class NarrowSlope(Squared):
    def slope(self, y, raw):
        return (raw - y)[:, :1]


class Greedy(Squared):
    def value(self, y, raw):
        raw -= y
        return (raw**2).sum(axis=1) / 2


class Logarithm(Squared):
    def value(self, y, raw):
        return np.log(0 * y).sum(axis=1)


@pytest.mark.filterwarnings("ignore:divide by zero")
@pytest.mark.parametrize(
    ("kind", "law"),
    [
        (SteepSlope, "derivative of value"),
        (Centred, "does not depend on the rows beside it"),
        (OneNumber, "one number for each row"),
        (NarrowSlope, "shape of the outputs"),
        (Greedy, "changes no array"),
        (Logarithm, "finite"),
    ],
)
def test_losses_that_break_a_law(kind, law):
    check_loss(Squared())
    with pytest.raises(AssertionError, match=law):
        check_loss(kind())
