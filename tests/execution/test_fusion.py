"""Laws of fusing gates on the same two qubits."""

import cirq
import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from skquantum.circuits import HardwareEfficient, PoolingNetwork, StronglyEntangling
from skquantum.execution._compiler.compile import compile_program
from skquantum.execution._compiler.fusion import (
    Gate,
    GateGroup,
    fuse,
)
from skquantum.execution._compiler.program import Pairs
from skquantum.execution._compiler.rotations import rotation_form


@st.composite
def gate_lists(draw):
    """Draw gates on five qubits, each marked by a number of its own."""
    gates = []
    for number in range(draw(st.integers(0, 20))):
        size = draw(st.integers(0, 3))
        qubits = tuple(draw(st.permutations(range(5)))[:size])
        form = rotation_form(cirq.rz(number))
        what = form if draw(st.booleans()) else np.array([[number]])
        gates.append(Gate(qubits, what, draw(st.booleans())))
    return gates


@given(gate_lists())
@settings(max_examples=300, deadline=None)
def test_every_gate_comes_once_and_in_order_on_its_qubits(gates):
    found = []
    for item in fuse(gates):
        if isinstance(item, GateGroup):
            assert len(item.qubits) == 2
            assert all(gate.shared and set(gate.qubits) <= item.qubits for gate in item.gates)
            assert sum(len(gate.qubits) == 2 for gate in item.gates) > 1
            found += item.gates
        else:
            found.append(item)
    assert sorted(map(id, found)) == sorted(map(id, gates))
    for qubit in range(5):
        on_it = [id(gate) for gate in gates if qubit in gate.qubits]
        assert [id(gate) for gate in found if qubit in gate.qubits] == on_it


def test_convolutions_and_poolings_become_one_matrix_for_each_pair():
    circuit, weights = PoolingNetwork("su4").compiled(8)
    program = compile_program(circuit, (), weights)
    assert all(isinstance(segment, Pairs) for segment in program.segments)
    pairs = [pair for segment in program.segments for pair in segment.qubits]
    # A ring of blocks and the poolings in each stage; in the last both are on the same pair.
    assert len(pairs) == (8 + 4) + (4 + 2) + 1
    for segment in program.segments:
        qubits = [q for pair in segment.qubits for q in pair]
        assert len(qubits) == len(set(qubits))


def test_layers_of_rotations_and_single_entanglers_stay_as_they_are():
    # There a matrix for each pair would cost more: CX and CZ only move amplitudes and signs, and
    # that two rings meet on some pairs spares no layer of rotations.
    for ansatz in (StronglyEntangling(n_layers=4), HardwareEfficient(n_layers=4)):
        circuit, weights = ansatz.compiled(8)
        program = compile_program(circuit, (), weights)
        assert not any(isinstance(segment, Pairs) for segment in program.segments)
