"""Symbols are found in what gates hold, on every backend; gates need no hash."""

import dataclasses

import cirq
import numpy as np
import pytest
import sympy

from skquantum._symbols import _Values, resolve, symbols_of
from skquantum.circuits import CircuitAnsatz, CircuitEncoding
from skquantum.execution import QsimBackend, ReferenceBackend, SamplerBackend
from skquantum.execution._compiler.hashing import hashable
from skquantum.layers import QuantumLayer

A, B, C = cirq.LineQubit.range(3)
x, y, w = sympy.symbols("x y w")
X = np.array([[0.3, -0.8], [1.1, 0.4]])
BACKENDS = {
    "qsim": (QsimBackend(), 1e-5),
    "reference": (ReferenceBackend(), 1e-9),
    "noise": (QsimBackend(noise=1e-12), 1e-5),
    "trajectories": (
        QsimBackend(noise=1e-12, method="trajectories", n_trajectories=20, seed=0),
        1e-4,
    ),
    "sampler": (SamplerBackend(cirq.Simulator(seed=0), repetitions=20000), 0.05),
}


@dataclasses.dataclass
class Turn(cirq.Gate):
    """A plain data class with a decomposition, which holds its angle and says nothing of it."""

    angle: object

    def _num_qubits_(self):
        return 1

    def _decompose_(self, qubits):
        return [cirq.rx(self.angle)(qubits[0]), cirq.T(qubits[0])]


@dataclasses.dataclass
class Matrix(cirq.Gate):
    """A plain data class with a matrix."""

    angle: float

    def _num_qubits_(self):
        return 1

    def _unitary_(self):
        return cirq.unitary(cirq.ry(self.angle))


@dataclasses.dataclass
class Form(cirq.Gate):
    """A plain data class with a rotation form."""

    angle: object

    def _num_qubits_(self):
        return 1

    def _unitary_(self):
        return None if isinstance(self.angle, sympy.Basic) else cirq.unitary(cirq.rz(self.angle))

    def _rotation_form_(self):
        return (), [(self.angle / sympy.pi, np.array([-0.5, 0.5]))]


def _phased(s, t):
    return cirq.PhasedFSimGate(theta=s, zeta=0.3 * t, chi=0.2, gamma=0.1, phi=s)


MAKERS = {  # operations with the angles s and t
    "PhasedFSim": lambda s, t: _phased(s, t)(A, B),
    "controlled": lambda s, t: cirq.ControlledGate(_phased(s, t))(C, A, B),
    "tagged": lambda s, t: _phased(s, t)(A, B).with_tags("tag"),
    "circuit": lambda s, t: cirq.CircuitOperation(cirq.FrozenCircuit(_phased(s, t)(A, B))),
    "boolean": lambda s, t: cirq.BooleanHamiltonianGate(["a", "b"], ["a ^ b"], s + t)(A, B),
    "phase": lambda s, t: cirq.ControlledGate(
        cirq.GlobalPhaseGate(sympy.exp(sympy.I * (s + t)) if isinstance(s, sympy.Basic)
                             else np.exp(1j * (s + t))))(A),
    "decomposes": lambda s, t: Turn(s + t)(A),
    "decomposes in a circuit": lambda s, t: cirq.CircuitOperation(
        cirq.FrozenCircuit(Turn(s + t)(A)), repetitions=2),
    "matrix": lambda s, t: cirq.CircuitOperation(
        cirq.FrozenCircuit(Matrix(0.4)(A), cirq.rx(s + t)(A))),
    "controlled matrix": lambda s, t: [
        cirq.ControlledGate(Matrix(0.4))(A, B), cirq.rx(s + t)(A)],
    "unhashable tag": lambda s, t: cirq.rx(s + t)(A).with_tags(["a list"]),
}  # fmt: skip


def circuit_of(maker, s, t):
    return cirq.Circuit(
        cirq.H.on_each(A, B, C), MAKERS[maker](s, t), cirq.ry(0.3)(A), cirq.CX(A, B), cirq.CX(B, C)
    )


def wanted(maker, row):
    return cirq.Simulator(dtype=np.complex128).simulate(circuit_of(maker, *row)).final_state_vector


@pytest.mark.parametrize("maker", MAKERS)
def test_symbols_are_found(maker):
    circuit = circuit_of(maker, x, y)
    assert symbols_of(circuit) == {x, y}
    assert CircuitEncoding(circuit).symbols(2) == (x, y)
    assert CircuitAnsatz(circuit).symbols(3) == (x, y)
    with pytest.raises(ValueError, match="unbound symbols \\['y'\\]"):
        QsimBackend().states(circuit, [x], X[:, :1])
    assert symbols_of(circuit_of(maker, 0.1, 0.2)) == set()
    assert symbols_of(resolve(circuit, {x: 0.3})) == {y}


@pytest.mark.parametrize("name", BACKENDS)
@pytest.mark.parametrize("maker", MAKERS)
def test_every_backend_runs_them(maker, name):
    backend, tolerance = BACKENDS[name]
    circuit = circuit_of(maker, x, y)
    observables = [1.0 * cirq.Z(C), cirq.X(A) * cirq.Y(B)]
    qubits = {q: i for i, q in enumerate((A, B, C))}
    want = [
        [cirq.PauliSum.wrap(o).expectation_from_state_vector(wanted(maker, row), qubits).real
         for o in observables]
        for row in X
    ]  # fmt: skip
    out = backend.expectations(circuit, [x, y], X, observables)
    np.testing.assert_allclose(out, want, atol=tolerance)


@pytest.mark.parametrize("maker", MAKERS)
def test_gradients_reach_them(maker):
    layers = [
        QuantumLayer.from_circuit(circuit_of(maker, x, w), ["x"], ["w"], gradient=gradient)
        for gradient in ("adjoint", "parameter-shift")
    ]
    rows, weights, step = X[:, :1], np.array([0.7]), 1e-6
    first, second = (layer.vjp(rows, weights, np.array([[0.0, 1.0, 0.5]] * 2)) for layer in layers)
    np.testing.assert_allclose(first[0], second[0], atol=1e-5)
    np.testing.assert_allclose(first[1], second[1], atol=1e-5)
    slow = QuantumLayer.from_circuit(
        circuit_of(maker, x, w), ["x"], ["w"], backend=ReferenceBackend()
    )
    up, down = (slow.forward(rows, weights + sign * step) for sign in (1, -1))
    slope = ((up - down) @ [0.0, 1.0, 0.5]).sum() / (2 * step)
    np.testing.assert_allclose(first[1], slope, atol=1e-4)


def test_a_rotation_form_without_a_hash():
    circuit = cirq.Circuit(cirq.H(A), Form(x)(A), cirq.H(A))
    out = QsimBackend().expectations(circuit, [x], X[:, :1], [cirq.Z(A)])
    np.testing.assert_allclose(out[:, 0], np.cos(X[:, 0]), atol=1e-6)


def test_circuits_with_hashes_stay_as_they_are():
    frozen = cirq.FrozenCircuit(cirq.rx(x)(A))
    assert hashable(frozen) is frozen
    moments = cirq.Circuit(cirq.Moment(Turn(x)(A), cirq.X(B)), cirq.Moment(cirq.CZ(A, B)))
    assert [set(m.qubits) for m in hashable(moments)] == [{A, B}, {A, B}]


@pytest.mark.parametrize(
    "channel",
    [cirq.StatePreparationChannel(np.array([1, 0])), cirq.KrausChannel([cirq.unitary(cirq.X)]),
     cirq.MixedUnitaryChannel([(0.5, np.eye(2)), (0.5, cirq.unitary(cirq.X))])],
)  # fmt: skip
def test_channels_without_a_hash_are_refused_like_others(channel):
    circuit = cirq.Circuit(cirq.rx(x)(A), channel(A))
    with pytest.raises(ValueError, match="not unitary"):
        QsimBackend().states(circuit, [x], X[:, :1])


def test_a_symbol_receives_one_value():
    circuit = cirq.Circuit(cirq.rx(x)(A), cirq.ry(w)(A))
    for data, weights in (["x", "w"], ["x"]), (["x", "x"], ["w"]), (["x"], ["w", "w"]):
        with pytest.raises(ValueError, match="distinct, got \\['[xw]'\\] more than once"):
            QuantumLayer.from_circuit(circuit, data, weights)
        with pytest.raises(ValueError, match="distinct"):
            QsimBackend().evaluator(circuit, data, weights, [cirq.Z(A)])
    with pytest.raises(ValueError, match="distinct"):
        QsimBackend().states(circuit, ["x", "w", sympy.Symbol("x", real=True)], np.ones((1, 3)))


@pytest.mark.parametrize("backend", [backend for backend, _ in BACKENDS.values()])
def test_symbols_with_assumptions(backend):
    real = sympy.Symbol("x", real=True)
    circuit = cirq.Circuit(cirq.rx(2 * real)(A))
    out = backend.expectations(circuit, [real], [[0.3]], [cirq.Z(A)])
    np.testing.assert_allclose(out, np.cos(0.6), atol=0.05)
    for one in (circuit, cirq.Circuit(cirq.rx(x)(A), cirq.rx(real)(A))):
        with pytest.raises(ValueError, match="assumptions"):
            backend.expectations(one, ["x"], [[0.3]], [cirq.Z(A)])


def test_a_global_phase_of_another_size_is_refused():
    backend = QsimBackend()
    for coefficient in (2 * sympy.exp(sympy.I * x), x, sympy.exp(x)):
        circuit = cirq.Circuit(cirq.rx(0.3)(A), cirq.GlobalPhaseGate(coefficient)())
        with pytest.raises(ValueError, match="not a finite real number"):
            backend.states(circuit, [x], [[0.5]])
    circuit = cirq.Circuit(cirq.I(A), cirq.GlobalPhaseGate((-1) ** x)())
    np.testing.assert_allclose(backend.states(circuit, [x], [[0.5]]), [[1j, 0]], atol=1e-6)


def test_a_layer_without_data():
    layer = QuantumLayer.from_circuit(cirq.Circuit(cirq.rx(w)(A)), [], ["w"])
    outputs, pullback = layer.forward_vjp(np.empty((2, 0)), np.array([0.5]))
    np.testing.assert_allclose(outputs, np.full((2, 1), np.cos(0.5)), atol=1e-6)
    grad_X, grad_weights = pullback(np.ones((2, 1)))
    assert grad_X.shape == (2, 0)
    np.testing.assert_allclose(grad_weights, -2 * np.sin(0.5), atol=1e-6)
    with pytest.raises(ValueError, match="shape \\(n_samples, 0\\)"):
        layer.forward(np.empty(0), np.array([0.5]))


def test_weights_that_are_not_finite_are_named():
    layer = QuantumLayer("angle", "real_amplitudes", n_features=2)
    weights = np.zeros(layer.n_weights)
    weights[1] = np.nan
    with pytest.raises(ValueError, match=f"weights must be finite, got nan for {layer.weight_symbols[1]}"):  # fmt: skip  # noqa: E501
        layer.forward(X, weights)


def test_a_resolver_is_wrapped_as_cirq_wraps_resolvers():
    resolver = _Values({x: 0.5})
    assert cirq.ParamResolver(resolver) is resolver
    assert resolver.value_of(2 * x) == 1
