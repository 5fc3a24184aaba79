"""Circuits that are run several times over, moment by moment, after they were compiled.

Folding a circuit before it is compiled would be undone, or would leave out the swaps that routing
adds. So a circuit carries marks that say what is to be done, past compilers, and what it becomes
on its way to be run, which is the last step before noise is added or a sampler gets it.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Self

import cirq

_TAG = "skquantum: repeat moments"
_KEEP = f"{_TAG} not"
#: For Cirq's transformers, which then leave marks alone and merge nothing across them.
KEEP_MARKS = cirq.TransformerContext(tags_to_ignore=(_TAG,))


class Mark(cirq.TaggedOperation):
    """An identity that says how often moments are to be run.

    Parameters
    ----------
    qubit : cirq.Qid
    times : int
        An odd number, for the whole circuit; or 0, which leaves it out.
    """

    def __init__(self, qubit: cirq.Qid, times: int) -> None:
        super().__init__(cirq.I(qubit), _TAG, f"{_TAG}: {times}", cirq.VirtualTag())

    def __pow__(self, exponent: Any) -> Self:
        return self  # other operations lose their tags

    @classmethod
    def _json_namespace_(cls) -> str:
        return "skquantum"


def is_mark(op: cirq.Operation) -> bool:
    """Whether an operation is a mark, on whatever qubit it is now."""
    return _TAG in op.tags


def marked(circuit: cirq.AbstractCircuit, times: int) -> cirq.FrozenCircuit:
    """Return a circuit that says how often its moments are to be run.

    Parameters
    ----------
    circuit : cirq.AbstractCircuit
    times : int
        An odd number: as M M^-1 M, so that it does the same.
    """
    marks = cirq.Moment(Mark(q, times) for q in sorted(circuit.all_qubits()))
    return cirq.FrozenCircuit(marks, *circuit)


def instead(
    circuit: cirq.AbstractCircuit, operations: Iterable[cirq.Operation]
) -> cirq.FrozenCircuit:
    """Return a circuit that stands for other operations, where on a device it takes its qubits.

    Parameters
    ----------
    circuit : cirq.AbstractCircuit
        Is left out; only where it would end counts.
    operations : iterable of cirq.Operation
        What is run.
    """
    kept = cirq.Moment(op.with_tags(_TAG, _KEEP) for op in operations)
    return cirq.FrozenCircuit(*marked(circuit, 0), kept)


def original_and_instead(
    circuit: cirq.AbstractCircuit,
) -> tuple[cirq.FrozenCircuit, list[cirq.Operation]]:
    """Return what is to be left out, and what stands in its place: nothing for most circuits.

    Who compiles circuits for a device finds by the first where each qubit is in the end, and runs
    the second there.
    """
    kept = [op.untagged for op in circuit.all_operations() if _KEEP in op.tags]
    if not kept:
        return circuit.freeze(), kept
    moments = (cirq.Moment(op for op in moment if not is_mark(op)) for moment in circuit)
    return cirq.FrozenCircuit(moment for moment in moments if moment), kept


def run_marks(circuit: cirq.AbstractCircuit) -> cirq.FrozenCircuit:
    """Return the circuit that one with marks stands for; without marks it stays what it is.

    Measurements are not repeated.

    Raises
    ------
    ValueError
        If a gate that is to be repeated has no inverse.
    """
    times = {_times(op) for op in circuit.all_operations() if is_mark(op)} - {None}
    if not times:
        return circuit.freeze()
    if times == {0}:
        return cirq.FrozenCircuit(original_and_instead(circuit)[1])
    plain = [cirq.Moment(op for op in moment if not is_mark(op)) for moment in circuit]
    return cirq.FrozenCircuit(
        again
        for moment, old in zip(plain, circuit, strict=True)
        if moment or not old
        for again in _folded(moment, max(filter(None, times)))
    )


def _times(op: cirq.Operation) -> int | None:
    prefix = f"{_TAG}: "
    return next((int(t[len(prefix) :]) for t in map(str, op.tags) if t.startswith(prefix)), None)


def _folded(moment: cirq.Moment, times: int) -> list[cirq.Moment]:
    if any(cirq.is_measurement(op) for op in moment):
        return [moment]
    try:
        return [moment, *[moment**-1, moment] * (times // 2)]
    except TypeError as error:
        raise ValueError(
            f"Zero-noise extrapolation runs gates backwards, and one has no inverse: {error}"
        ) from error
