"""Amplitude encoding and the multiplexed rotation it is made of."""

import cirq
import numpy as np
import pytest
import sympy
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.testing import assert_allclose
from scipy.linalg import block_diag

import skquantum.circuits
from skquantum.circuits import AmplitudeEncoding, MultiplexedRy

X = sympy.Symbol("x")

# Magnitudes whose squares neither overflow nor vanish in the oracle's norm.
values = st.one_of(
    st.just(0.0), st.floats(1e-100, 1e100), st.floats(1e-100, 1e100).map(lambda v: -v)
)
rows = st.integers(1, 9).flatmap(lambda n: arrays(np.float64, n, elements=values)).filter(np.any)
angle = st.floats(-10, 10)
angles = st.integers(0, 3).flatmap(lambda k: st.lists(angle, min_size=2**k, max_size=2**k))


def multiplexed(angles):
    return block_diag(*(cirq.unitary(cirq.ry(a)) for a in angles))


def symbolic(angles):
    """Return the gate with an expression in place of each angle, and what gives the angle."""
    symbols = sympy.symbols(f"a0:{len(angles)}")
    gate = MultiplexedRy([2 * s + 1 for s in symbols])
    return gate, {s.name: (a - 1) / 2 for s, a in zip(symbols, angles, strict=True)}


@given(rows)
def test_the_state_is_the_normalised_row(states, row):
    psi = states(AmplitudeEncoding(), row)[0]
    expected = np.pad(row, (0, len(psi) - len(row)))
    expected = expected / abs(expected).max()
    assert_allclose(psi, expected / np.linalg.norm(expected), rtol=0, atol=1e-12)


@given(angles)
def test_multiplexed_is_block_diagonal(angles):
    gate = MultiplexedRy(angles)
    assert_allclose(cirq.unitary(gate), multiplexed(angles), atol=1e-12)
    assert_allclose(
        cirq.unitary(gate**-1) @ cirq.unitary(gate), np.eye(2 * len(angles)), atol=1e-12
    )


@given(angles)
def test_multiplexed_decomposes_into_rotations_and_cx(angles):
    gate, binding = symbolic(angles)
    qubits = cirq.LineQubit.range(cirq.num_qubits(gate))
    operations = cirq.decompose_once(gate(*qubits))
    assert {type(op.gate) for op in operations} <= {cirq.Ry, cirq.CXPowGate}
    assert len(operations) == (2 * len(angles) if len(angles) > 1 else 1)
    bound = cirq.resolve_parameters(cirq.Circuit(operations), binding)
    assert_allclose(bound.unitary(qubit_order=qubits), multiplexed(angles), atol=1e-12)
    numeric = cirq.Circuit(cirq.decompose_once(MultiplexedRy(angles)(*qubits)))
    assert_allclose(numeric.unitary(qubit_order=qubits), multiplexed(angles), atol=1e-12)


@given(angles)
def test_multiplexed_rotation_form_is_the_gate(angles):
    gate, binding = symbolic(angles)
    [(basis, target)], terms = gate._rotation_form_()
    assert target == (gate.num_qubits() - 1,)
    phases = sum(
        cirq.ParamResolver(binding).value_of(expression) * spectrum
        for expression, spectrum in terms
    )
    V = np.kron(np.eye(len(angles)), basis)
    unitary = V @ np.diag(np.exp(1j * np.pi * phases)) @ V.conj().T
    assert_allclose(unitary, multiplexed(angles), atol=1e-12)
    [(other, _)], _ = MultiplexedRy(angles)._rotation_form_()
    assert other is basis


@given(angles)
def test_multiplexed_resolves_its_symbols(angles):
    gate, binding = symbolic(angles)
    assert cirq.is_parameterized(gate)
    assert not cirq.has_unitary(gate)
    assert cirq.parameter_names(gate) == set(binding)
    bound = cirq.resolve_parameters(gate, binding)
    assert not cirq.is_parameterized(bound)
    assert_allclose(cirq.unitary(bound), multiplexed(angles), atol=1e-12)


@pytest.mark.parametrize("gate", [MultiplexedRy([0.3, -1.2, 2.5, 0.1]), MultiplexedRy([X, 0.5])])
def test_multiplexed_keeps_cirqs_protocols(gate):
    cirq.testing.assert_decompose_is_consistent_with_unitary(gate)
    cirq.testing.assert_has_consistent_apply_unitary(gate)
    cirq.testing.assert_consistent_resolve_parameters(gate)
    names = {"skquantum": skquantum, "x": X}
    assert eval(repr(gate), names) == gate


@pytest.mark.parametrize("count", [0, 3, 6])
def test_multiplexed_needs_a_power_of_two(count):
    with pytest.raises(ValueError, match=f"1, 2, 4, 8, ... values; got {count} of them"):
        MultiplexedRy([0.1] * count)


def test_it_draws_itself():
    circuit = AmplitudeEncoding().build(5)
    assert "Ry(theta_1, theta_2)" in str(circuit)
    assert "Ry(theta_3, ..., theta_6)" in str(circuit)
    assert circuit.to_text_diagram(use_unicode_characters=False).count("<>") == 3


def test_many_amplitudes_stay_affordable():
    circuit, symbols = AmplitudeEncoding().compiled(784)
    assert (cirq.num_qubits(circuit), len(symbols)) == (10, 1023)
    X = np.random.default_rng(0).normal(size=(5, 784))
    assert AmplitudeEncoding().encode(X).shape == (5, 1023)


def test_zero_rows_are_named():
    X = np.ones((30, 3))
    X[[3, 8]] = 0
    message = r"has 2 of them among 30 rows \(index 3, 8\)\. Drop them, or add a column of ones"
    with pytest.raises(ValueError, match=message):
        AmplitudeEncoding().encode(X)
    with pytest.raises(ValueError, match=r"has 30 .*index 0, .*, 9, \.\.\.\)"):
        AmplitudeEncoding().encode(0 * X)
