"""Random circuits, expressions and observables for property-based tests."""

import cirq
import numpy as np
import sympy
from hypothesis import strategies as st

SYMBOLS = tuple(sympy.symbols("x_0:3"))


@st.composite
def expressions(draw):
    """A sympy expression of the data symbols, or a number."""
    x, y, z = SYMBOLS
    a = draw(st.floats(-2, 2).map(lambda v: round(v, 2)))
    shapes = [
        x, y, -z, 2 * x + a, x * y, (sympy.pi - x) * (sympy.pi - y), a * x - y * z,
        sympy.sin(x) + y, sympy.exp(-(z**2)), x**2 + a, sympy.atan(y), sympy.cos(x * z) * a,
        sympy.sqrt(1 + y**2), a,
    ]  # fmt: skip
    shape = draw(st.sampled_from(shapes))
    # Cirq does not simulate a sympy number without symbols (0 * x).
    return shape if getattr(shape, "free_symbols", False) else float(shape)


ONE_QUBIT = [
    lambda t: cirq.rx(t), lambda t: cirq.ry(t), lambda t: cirq.rz(t),
    lambda t: cirq.X**t, lambda t: cirq.Y**t, lambda t: cirq.Z**t, lambda t: cirq.H**t,
    lambda t: cirq.XPowGate(exponent=t, global_shift=0.3),
    lambda t: cirq.PhasedXPowGate(phase_exponent=t, exponent=0.7),
    lambda t: cirq.PhasedXPowGate(phase_exponent=0.2, exponent=t),
    lambda t: cirq.PhasedXZGate(x_exponent=t, z_exponent=0.3, axis_phase_exponent=0.1),
]  # fmt: skip
TWO_QUBITS = [
    lambda t: cirq.CZ**t, lambda t: cirq.CX**t, lambda t: cirq.SWAP**t, lambda t: cirq.ISWAP**t,
    lambda t: cirq.XX**t, lambda t: cirq.YY**t, lambda t: cirq.ZZ**t,
    lambda t: cirq.cphase(t), lambda t: cirq.givens(t), lambda t: cirq.MSGate(rads=t),
    lambda t: cirq.FSimGate(theta=t, phi=0.4), lambda t: cirq.FSimGate(theta=0.3, phi=t),
    lambda t: cirq.PhasedISwapPowGate(phase_exponent=0.25, exponent=t),
    lambda t: cirq.PhasedISwapPowGate(phase_exponent=t, exponent=0.5),
    lambda t: cirq.ControlledGate(cirq.ry(t)),
    lambda t: cirq.ControlledGate(cirq.rz(t), control_values=[0]),
    lambda t: cirq.TwoQubitDiagonalGate([0.1, t, 0.2, 2 * t]),
    lambda t: cirq.PauliInteractionGate(cirq.X, True, cirq.Y, False, exponent=t),
]  # fmt: skip
THREE_QUBITS = [
    lambda t: cirq.CCZ**t, lambda t: cirq.CCX**t, lambda t: cirq.CSWAP,
    lambda t: cirq.ThreeQubitDiagonalGate([0, 0.1, t, 0.3, 0.4, 0.5, 0.6, -t]),
    lambda t: cirq.ControlledGate(cirq.ISWAP**t),
    lambda t: cirq.ControlledGate(cirq.rx(t), num_controls=2, control_values=[1, 0]),
]  # fmt: skip


def _fixed(seed: int, n: int) -> cirq.MatrixGate:
    return cirq.MatrixGate(cirq.testing.random_unitary(2**n, random_state=seed))


@st.composite
def circuits(draw, max_qubits=6, max_gates=14):
    """A random circuit on 1 to 6 qubits, with every family of gates."""
    n = draw(st.integers(1, max_qubits))
    qubits = cirq.LineQubit.range(n)
    circuit = cirq.Circuit(cirq.I(q) for q in qubits)
    for _ in range(draw(st.integers(0, max_gates))):
        k = draw(st.integers(1, min(n, 3)))
        where = draw(st.permutations(qubits))[:k]
        if draw(st.integers(0, 4)) == 0:
            gate = _fixed(draw(st.integers(0, 99)), k)
        else:
            gates = (ONE_QUBIT, TWO_QUBITS, THREE_QUBITS)[k - 1]
            gate = draw(st.sampled_from(gates))(draw(expressions()))
        circuit.append(gate(*where))
    if draw(st.booleans()):
        circuit = cirq.Circuit(cirq.CircuitOperation(circuit.freeze()))
    return circuit


@st.composite
def observables(draw, qubits):
    """A sum of Pauli strings that need not commute."""
    total = cirq.PauliSum()
    for _ in range(draw(st.integers(1, 4))):
        string = cirq.PauliString(draw(st.floats(-2, 2)))
        for q in qubits:
            string *= draw(st.sampled_from([cirq.I, cirq.X, cirq.Y, cirq.Z]))(q)
        total += string
    return total


def values(n_samples: int, seed: int = 0, scale: float = 3.0) -> np.ndarray:
    """Return rows of symbol values."""
    return np.random.default_rng(seed).uniform(-scale, scale, (n_samples, len(SYMBOLS)))
