"""The circuits of quantum LSTM cells against their definition in the paper."""

import cirq
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose

from skquantum.circuits import ArctanEncoding, EntanglingRings


def bloch_vectors(encoding, row):
    circuit, symbols = encoding.compiled(len(row))
    state = cirq.resolve_parameters(
        circuit, dict(zip(symbols, row, strict=True))
    ).final_state_vector(dtype=np.complex128)
    return [cirq.bloch_vector_from_state_vector(state, q) for q in range(len(row))]


@given(st.lists(st.floats(-1e3, 1e3), min_size=1, max_size=3))
def test_each_qubit_has_the_angles_of_its_number(row):
    for x, found in zip(row, bloch_vectors(ArctanEncoding(), row), strict=True):
        theta, phi = np.arctan(x), np.arctan(x**2)
        wanted = [np.cos(theta) * np.cos(phi), np.cos(theta) * np.sin(phi), -np.sin(theta)]
        assert_allclose(found, wanted, atol=1e-7)


def test_folded_numbers_all_matter():
    encoding = ArctanEncoding(n_qubits=2)
    circuit, symbols = encoding.compiled(3)
    states = []
    for row in ([0.1, 0.2, 0.3], [0.1, 0.2, 0.4]):
        bound = cirq.resolve_parameters(circuit, dict(zip(symbols, row, strict=True)))
        states.append(bound.final_state_vector())
    assert abs(np.vdot(*states)) < 1 - 1e-4


def rings(circuit):
    return [op.qubits for op in circuit.all_operations() if len(op.qubits) == 2]


def pairs(n, stride):
    line = cirq.LineQubit.range(n)
    return [(line[i], line[(i + stride) % n]) for i in range(n)]


def test_rings_of_the_paper_on_four_qubits():
    both = EntanglingRings(1, entangler="both").build(4)
    assert sorted(rings(both)) == sorted(pairs(4, 1) + pairs(4, 2))
    first, second = EntanglingRings(2).layers(4)
    assert sorted(rings(first)) == sorted(pairs(4, 2))
    assert sorted(rings(second)) == sorted(pairs(4, 1))


@pytest.mark.parametrize("entangler", ["alternate", "both"])
@pytest.mark.parametrize("gate", ["cx", "cz"])
def test_no_qubit_acts_on_itself_and_no_gate_undoes_another(entangler, gate):
    for n in range(1, 6):
        for layer in EntanglingRings(3, entangler, gate).layers(n):
            used = rings(layer)
            assert all(a != b for a, b in used)
            assert len(set(map(frozenset, used)) if gate == "cz" else set(used)) == len(used)


@given(st.tuples(*[st.floats(-7, 7)] * 3))
def test_the_rotation_is_about_z_y_and_z(weights):
    gate = next(
        op.gate for op in EntanglingRings(1).build(1).all_operations() if op.gate is not None
    )
    bound = cirq.resolve_parameters(gate, dict(zip(["w_0", "w_1", "w_2"], weights, strict=True)))
    first, second, third = weights
    q = cirq.LineQubit(0)
    wanted = cirq.Circuit(cirq.rz(first)(q), cirq.ry(second)(q), cirq.rz(third)(q))
    cirq.testing.assert_allclose_up_to_global_phase(
        cirq.unitary(bound), cirq.unitary(wanted), atol=1e-7
    )
