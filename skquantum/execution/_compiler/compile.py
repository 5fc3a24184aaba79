"""The compiler: a Cirq circuit becomes a program that runs on a whole batch.

Nothing here simulates, and nothing here knows of qsim.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import lru_cache

import cirq
import numpy as np
import sympy

from skquantum._records import compiling
from skquantum._symbols import is_symbolic
from skquantum.execution._compiler.fusion import Gate, GateGroup, fuse
from skquantum.execution._compiler.gates import check_symbols, depends_on, flatten
from skquantum.execution._compiler.program import DENSE_QUBITS, Program
from skquantum.execution._compiler.rotations import RotationForm, matrix_of, rotation_form
from skquantum.execution._compiler.schedule import Schedule


@lru_cache(maxsize=32)
def compile_program(
    circuit: cirq.FrozenCircuit,
    data: tuple[sympy.Symbol, ...],
    weights: tuple[sympy.Symbol, ...] = (),
    fused: bool | None = None,
    from_zero: bool = True,
) -> Program:
    """Compile a circuit for the batched engine.

    Parameters
    ----------
    circuit : cirq.FrozenCircuit
        A circuit of unitary gates on qubits. Its order of qubits is the sorted one.
    data : tuple of sympy.Symbol
        The symbols that receive one value per row, in the order of the columns.
    weights : tuple of sympy.Symbol, default=()
        The symbols that receive one value for all rows.
    fused : bool, default=None
        Whether gates that follow one another on the same pair of qubits become one. None means:
        in larger registers, where it costs less.
    from_zero : bool, default=True
        Whether it runs on the all-zeros state, so that constant gates at its beginning become
        part of the start; otherwise they are segments like others.

    Returns
    -------
    Program

    Raises
    ------
    ValueError
        If the circuit has no qubit, an unbound symbol, a measurement or a gate that is neither
        unitary nor a rotation by a symbolic angle.
    """
    with compiling():
        return _compiled(circuit, data, weights, fused, from_zero)


def _compiled(
    circuit: cirq.FrozenCircuit,
    data: tuple[sympy.Symbol, ...],
    weights: tuple[sympy.Symbol, ...],
    fused: bool | None,
    from_zero: bool,
) -> Program:
    qubits = sorted(circuit.all_qubits())
    if not qubits:
        raise ValueError("The circuit has no qubits; add at least one gate to it.")
    check_symbols(circuit, (*data, *weights))
    gates = list(_gates(circuit, {q: i for i, q in enumerate(qubits)}, set(data)))
    schedule = _scheduled(gates, len(qubits), data)
    if fused or (fused is None and weights and len(qubits) > DENSE_QUBITS):
        groups = list(fuse(gates))
        if any(isinstance(gate, GateGroup) for gate in groups):
            other = _scheduled(groups, len(qubits), data)
            schedule = other if fused else min(schedule, other, key=Schedule.cost)
    return schedule.program(data, weights, from_zero)


def _scheduled(
    gates: Sequence[Gate | GateGroup], n_qubits: int, data: tuple[sympy.Symbol, ...]
) -> Schedule:
    schedule = Schedule(n_qubits, set(data))
    for gate in gates:
        schedule.add(gate)
    return schedule


def _gates(
    circuit: cirq.FrozenCircuit, index: dict[cirq.Qid, int], data: set[sympy.Symbol]
) -> Iterator[Gate]:
    """Yield the circuit's gates as matrices and rotations."""
    for op in flatten(circuit.all_operations()):
        where = tuple(index[q] for q in op.qubits)
        form = rotation_form(op.gate) if is_symbolic(op) else None
        if form is None or not form.symbols:
            yield Gate(where, matrix_of(op), True)
            continue
        if not where:  # a global phase turns both states of any qubit
            form = RotationForm((), tuple((t, np.repeat(s, 2)) for t, s in form.terms))
        yield Gate(where or (0,), form, not depends_on(form, data))
