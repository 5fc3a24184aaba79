"""What noise is added to a circuit, as operations in time order and as superoperators.

Noise comes from Cirq's own models, which add operations to a circuit moment by moment. The noise
that a model puts before a measurement is kept apart: it is the error of the read-out.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol

import cirq
import numpy as np

from skquantum._symbols import is_symbolic, names_of, symbols_of
from skquantum._validation import shown
from skquantum.execution._compiler.gates import MAX_GATE_QUBITS
from skquantum.execution._compiler.program import Fixed

CHANNEL_QUBITS = MAX_GATE_QUBITS // 2  # a channel on k qubits is a matrix on 2k of the program's
TRACE_TOLERANCE = 1e-6


class Placement(Protocol):
    """How a circuit is brought onto a device before noise is added to it."""

    def __call__(
        self, circuit: cirq.FrozenCircuit
    ) -> tuple[cirq.FrozenCircuit, tuple[cirq.Qid, ...]]:
        """Return the device's circuit, and where each of the sorted qubits is at its end."""


@dataclass(frozen=True, eq=False)
class Noise:
    """A noise model, and where the circuits go that it is meant for.

    Attributes
    ----------
    model : cirq.NoiseModel
    place : callable, default=None
        Brings circuits onto the device that the model belongs to; None leaves them as they are.
    """

    model: cirq.NoiseModel
    place: Placement | None = None

    def on_device(
        self, circuit: cirq.FrozenCircuit
    ) -> tuple[cirq.FrozenCircuit, tuple[cirq.Qid, ...]]:
        """Return the circuit to which noise is added, and its qubits in the caller's order."""
        if self.place is None:
            return circuit, tuple(sorted(circuit.all_qubits()))
        return self.place(circuit)


def noisy_operations(
    circuit: cirq.FrozenCircuit, noise: Noise, qubits: tuple[cirq.Qid, ...]
) -> list[cirq.Operation]:
    """Return the operations of a circuit with its noise, in time order.

    Parameters
    ----------
    circuit : cirq.FrozenCircuit
        On the device, see `Noise.on_device`.
    noise : Noise
    qubits : tuple of cirq.Qid
        Those of the circuit.

    Raises
    ------
    ValueError
        If the model does not suit the circuit.
    """
    system = sorted(qubits)
    operations = list(cirq.flatten_to_ops(noise.model.noisy_moments(list(circuit), system)))
    _check_qubits(operations, noise, qubits)
    known = symbols_of(circuit)
    for op in operations:
        own = names_of(symbols_of(op) - known)
        if own:
            raise ValueError(
                f"The noise model {shown(noise.model)} adds {op!r}, whose symbols {own} "
                "receive no values. Give the model numbers."
            )
        if len(op.qubits) > CHANNEL_QUBITS and not is_symbolic(op):
            _check_width(op, noise)
    return operations


def _check_width(op: cirq.Operation, noise: Noise) -> None:
    if cirq.has_kraus(op) and not cirq.has_unitary(op):
        raise ValueError(
            f"The noise model {shown(noise.model)} adds {op!r}, a channel on {len(op.qubits)} "
            f"qubits; channels may act on up to {CHANNEL_QUBITS}."
        )


def _check_qubits(
    operations: Iterable[cirq.Operation], noise: Noise, qubits: tuple[cirq.Qid, ...]
) -> None:
    for op in operations:
        if not set(op.qubits) <= set(qubits):
            raise ValueError(
                f"The noise model {shown(noise.model)} adds {op!r}, on qubits that the circuit "
                f"lacks; its qubits are {sorted(qubits)}."
            )


def readout(noise: Noise, qubits: tuple[cirq.Qid, ...]) -> Fixed:
    """Return what a noise model does to all qubits before they are measured together.

    Parameters
    ----------
    noise : Noise
    qubits : tuple of cirq.Qid

    Returns
    -------
    Fixed
        Superoperators on ket and bra qubits, none if measurements are without error.
    """
    gates = []
    for op in readout_operations(noise, qubits):
        where = tuple(qubits.index(q) for q in op.qubits)
        gates.append((superoperator(op, noise), where + tuple(len(qubits) + q for q in where)))
    return Fixed(tuple(gates))


def readout_operations(noise: Noise, qubits: tuple[cirq.Qid, ...]) -> list[cirq.Operation]:
    """Return the operations that a noise model puts before a measurement of all qubits."""
    moment = cirq.Moment(cirq.measure(q, key=f"q{i}") for i, q in enumerate(qubits))
    operations: list[cirq.Operation] = []
    measured: set[cirq.Qid] = set()
    for tagged in cirq.flatten_to_ops(noise.model.noisy_moments([moment], sorted(qubits))):
        op = tagged.untagged
        _check_qubits([op], noise, qubits)
        if isinstance(op.gate, cirq.MeasurementGate):
            measured.update(op.qubits)
            operations.extend(_confusion(op))
        elif not set(op.qubits) & measured and not cirq.is_measurement(op):
            operations.append(op)
    return operations


def _confusion(measurement: cirq.Operation) -> Iterable[cirq.Operation]:
    """Yield the channels of a measurement's confusion matrices."""
    gate = measurement.gate
    assert isinstance(gate, cirq.MeasurementGate)
    for where, matrix in gate.confusion_map.items():
        dim = len(matrix)
        kraus = []
        for true, seen in np.argwhere(np.asarray(matrix) > 0):
            jump = np.zeros((dim, dim))
            jump[seen, true] = np.sqrt(matrix[true, seen])
            kraus.append(jump)
        yield cirq.KrausChannel(kraus).on(*(measurement.qubits[i] for i in where))


def is_constant_channel(op: cirq.Operation) -> bool:
    """Whether an operation is a channel that becomes one superoperator."""
    return (
        not is_symbolic(op)
        and not cirq.is_measurement(op)
        and len(op.qubits) <= CHANNEL_QUBITS
        and cirq.has_kraus(op)
    )


def superoperator(op: cirq.Operation, noise: Noise) -> np.ndarray:
    """Return a channel as a matrix on its ket qubits followed by its bra qubits.

    Raises
    ------
    ValueError
        If the operation is no channel, acts on too many qubits, or does not preserve the trace.
    """
    if not is_constant_channel(op):
        raise ValueError(
            f"The noise model {shown(noise.model)} adds {op!r}, which is no channel with numbers "
            f"for parameters on at most {CHANNEL_QUBITS} qubits."
        )
    kraus = [np.asarray(k, dtype=complex) for k in cirq.kraus(op)]
    total = sum(k.conj().T @ k for k in kraus)
    error = np.abs(total - np.eye(len(kraus[0]))).max()
    if not error <= TRACE_TOLERANCE:
        raise ValueError(
            f"The noise model {shown(noise.model)} does not preserve the trace: the Kraus "
            f"operators of {op!r} have a sum of K^dagger K that differs from the identity by "
            f"{error:.2g}. Probabilities would not add up to one; mend the channel."
        )
    return np.asarray(sum(np.kron(k, k.conj()) for k in kraus))
