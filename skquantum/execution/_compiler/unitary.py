"""The one rule for circuits that a backend takes: every operation is unitary.

Noise belongs to the backend. A channel, a reset or a measurement inside a circuit would be
simulated as one random run by one backend, exactly by another and not at all by a third.
"""

from __future__ import annotations

import weakref
from collections.abc import Iterator
from typing import Any

import cirq
import numpy as np
import sympy

from skquantum._symbols import is_symbolic, resolve_operation, symbols_of
from skquantum.execution._compiler.rotations import check_finite, rotation_form

# Where symbols are tried, until a gate takes one: a probability and an angle, then other numbers.
PROBES = (0.37, -1.3, 2.0, 1.0)
UNITARY_TOLERANCE = 1e-5  # of matrices that users write by hand
UNITARY, NOT_UNITARY, NO_MATRIX, UNKNOWN = "unitary", "not unitary", "no matrix", "unknown"
CHECKED_QUBITS = 6  # wider matrices take longer than what is done with them

# Circuits that were found unitary. By identity: a hash of the circuit would take longer than the
# call that asks, and not every gate has one.
_unitary: dict[int, weakref.ref[cirq.FrozenCircuit]] = {}


def check_circuit(circuit: cirq.FrozenCircuit) -> None:
    """Raise a ValueError for what no backend runs.

    That is an operation that is not unitary, acts on qudits, or has an exponent that can never
    be finite.

    Parameters
    ----------
    circuit : cirq.FrozenCircuit
        Looked at once, and then known by its identity.
    """
    key = id(circuit)
    known = _unitary.get(key)
    if known is not None and known() is circuit:
        return
    for op in circuit.all_operations():
        _check_operation(op)
    check_finite(circuit)
    _unitary[key] = weakref.ref(circuit, lambda gone: _forget(key, gone))


def _forget(key: int, gone: weakref.ref[cirq.FrozenCircuit]) -> None:
    if _unitary.get(key) is gone:  # not that of a circuit that took its place
        del _unitary[key]


def _check_operation(tagged: cirq.Operation) -> None:
    op = tagged.untagged
    # By Cirq's construction; nearly all gates are of this kind.
    if isinstance(op.gate, cirq.EigenGate | cirq.IdentityGate) and _on_qubits(op):
        return
    if isinstance(op, cirq.CircuitOperation):
        if op.repeat_until is not None:
            raise ValueError(has_measurement(op))
        for inner in op.circuit.all_operations():
            _check_operation(inner)
        return
    if cirq.is_measurement(op):
        raise ValueError(has_measurement(op))
    if op.classical_controls:
        raise ValueError(not_unitary(op))
    if not _on_qubits(op):
        raise ValueError(on_qudits(op))
    verdict = _verdict(op)
    if verdict == UNITARY:
        return
    parts = None if verdict == NOT_UNITARY else cirq.decompose_once(op, None)
    if parts is not None:
        for part in parts:
            _check_operation(part)
    elif verdict != UNKNOWN:
        raise ValueError(not_unitary(op))


def _on_qubits(op: cirq.Operation) -> bool:
    return all(d == 2 for d in cirq.qid_shape(op))


def _verdict(op: cirq.Operation) -> str:
    """Return what an operation is, as far as it can be told without its parts."""
    if not is_symbolic(op):
        return _verdict_of_matrix(op)
    if op.gate is not None and rotation_form(op.gate) is not None:
        return UNITARY
    found = (_verdict_at(op, numbers) for numbers in _probes(op))
    return next((verdict for verdict in found if verdict != UNKNOWN), UNKNOWN)


def _probes(op: cirq.Operation) -> Iterator[dict[sympy.Symbol, float]]:
    """Yield numbers for the symbols of an operation."""
    symbols = sorted(symbols_of(op), key=str)
    for value in PROBES:
        # Different numbers: where symbols are equal, a gate may be another one.
        yield {symbol: value + 0.01 * i for i, symbol in enumerate(symbols)}


def _verdict_at(op: cirq.Operation, numbers: dict[sympy.Symbol, float]) -> str:
    """Return what an operation is with numbers for its symbols."""
    try:
        probe = resolve_operation(op, numbers)
        return UNKNOWN if is_symbolic(probe) else _verdict_of_matrix(probe)
    except (ValueError, TypeError, ArithmeticError):
        return UNKNOWN  # the gate's own limits, as of a probability


def _verdict_of_matrix(op: cirq.Operation) -> str:
    if not cirq.has_unitary(op):
        return NO_MATRIX
    if len(op.qubits) > CHECKED_QUBITS:
        return UNITARY
    with np.errstate(all="ignore"):
        matrix: Any = cirq.unitary(op, None)
        if matrix is None:
            return NO_MATRIX
        error = np.abs(matrix @ matrix.conj().T - np.eye(len(matrix))).max()
    if not np.isfinite(error):
        return UNKNOWN
    return UNITARY if error <= UNITARY_TOLERANCE else NOT_UNITARY


def not_unitary(op: cirq.Operation) -> str:
    """Return what is said of an operation that is not unitary."""
    name = op.gate if op.gate is not None else op
    return (
        f"The operation {name!r} is not unitary. Noise belongs to the backend or to a "
        "cirq.Sampler, not into the circuit."
    )


def has_measurement(op: cirq.Operation) -> str:
    """Return what is said of a measurement in a circuit."""
    return (
        f"The circuit contains the measurement {op!r}. States and expectation values "
        "are those of the circuit without it: remove it (for a measurement at the end "
        "use cirq.drop_terminal_measurements or observables)."
    )


def on_qudits(op: cirq.Operation) -> str:
    """Return what is said of an operation on qudits."""
    return f"{op!r} acts on qudits; only qubits (dimension 2) are supported."
