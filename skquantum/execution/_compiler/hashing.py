"""Circuits as keys of caches: gates without a hash are written as gates that have one."""

from __future__ import annotations

import cirq
import sympy

from skquantum._symbols import is_symbolic
from skquantum.execution._compiler.angles import check_exponent
from skquantum.execution._compiler.gates import MAX_GATE_QUBITS, refusal
from skquantum.execution._compiler.rotations import as_operations, matrix_of, rotation_form


def hashable(circuit: cirq.AbstractCircuit) -> cirq.FrozenCircuit:
    """Return a circuit, frozen, that does the same and can be hashed.

    Cirq runs gates that have no hash, for instance plain data classes; compiled circuits and
    cached results are found by the circuit.

    Parameters
    ----------
    circuit : cirq.AbstractCircuit

    Returns
    -------
    cirq.FrozenCircuit
        The circuit itself where everything in it has a hash; otherwise with the same moments.

    Raises
    ------
    ValueError
        If an operation without a hash is not unitary, or can't be written in other gates.
    """
    frozen = circuit.freeze()
    if _has_hash(frozen):
        return frozen
    return cirq.FrozenCircuit(
        cirq.Moment(_hashable(op) for op in moment) for moment in frozen.moments
    )


def _has_hash(value: object) -> bool:
    try:
        hash(value)
    except TypeError:
        return False
    return True


def _hashable(op: cirq.Operation) -> cirq.Operation:
    if _has_hash(op):
        return op
    tags = [tag for tag in op.tags if _has_hash(tag)]
    inner = op.untagged
    if not _has_hash(inner):
        inner = _rewritten(inner)
    return inner.with_tags(*tags) if tags else inner


def _rewritten(op: cirq.Operation) -> cirq.Operation:
    if isinstance(op, cirq.CircuitOperation):
        return op.replace(circuit=hashable(op.circuit))
    symbolic = is_symbolic(op)
    if not symbolic and len(op.qubits) <= MAX_GATE_QUBITS and cirq.has_unitary(op):
        return cirq.MatrixGate(matrix_of(op), qid_shape=cirq.qid_shape(op)).on(*op.qubits)
    form = rotation_form(op.gate) if symbolic else None
    if form is None:
        parts = cirq.decompose_once(op, None)
    else:
        for exponent, _ in form.terms:
            check_exponent(sympy.sympify(exponent), exponent)  # Cirq can't hash infinity
        parts = as_operations(form, op.qubits)
    if parts is None:
        raise ValueError(refusal(op))
    held = [_hashable(part) for part in parts]
    return cirq.CircuitOperation(cirq.FrozenCircuit(cirq.I.on_each(*op.qubits), held))
