"""A circuit's operations, down to those that the compiler takes."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import cirq
import sympy

from skquantum._symbols import is_symbolic, names_of, symbols_of
from skquantum.execution._compiler.rotations import RotationForm, rotation_form
from skquantum.execution._compiler.unitary import has_measurement, not_unitary, on_qudits

MAX_GATE_QUBITS = 6  # the widest matrix gate that qsim applies


def depends_on(form: RotationForm, data: set[sympy.Symbol]) -> bool:
    """Return whether a rotation's angles depend on any of the symbols."""
    return any(getattr(t, "free_symbols", set()) & data for t, _ in form.terms)


def check_symbols(circuit: cirq.AbstractCircuit, symbols: Sequence[sympy.Symbol]) -> None:
    """Raise a ValueError if the circuit has symbols that will receive no value."""
    given = [s.name for s in symbols]
    if len(set(given)) < len(given):
        twice = sorted({name for name in given if given.count(name) > 1})
        raise ValueError(
            f"symbols must be distinct, got {twice} more than once: a symbol receives one value, "
            "of data or of weights."
        )
    found = symbols_of(circuit)
    unbound = names_of(s for s in found if s.name not in given)
    if unbound:
        raise ValueError(
            f"The circuit has unbound symbols {unbound}: only {given} "
            "receive values. Bind the others with cirq.resolve_parameters, or list them too."
        )
    others = names_of(found - set(symbols))
    if others:
        raise ValueError(
            f"The circuit has symbols {others} that are not those to receive values, though "
            "their names are equal. Symbols made with assumptions (real=True) differ from plain "
            "ones of the same name; make them with a name alone."
        )


def runs_directly(op: cirq.Operation) -> bool:
    if is_symbolic(op):
        return op.gate is not None and rotation_form(op.gate) is not None
    return len(op.qubits) <= MAX_GATE_QUBITS and cirq.has_unitary(op)


def flatten(
    operations: Iterator[cirq.Operation],
    keep: Callable[[cirq.Operation], bool] = runs_directly,
) -> Iterator[cirq.Operation]:
    """Yield operations that are to be kept, decomposing others.

    Parameters
    ----------
    operations : iterator of cirq.Operation
    keep : callable, default: fixed unitaries and gates with a rotation form

    Raises
    ------
    ValueError
        For a measurement, a qudit, or an operation that is neither kept nor decomposes.
    """
    for tagged in operations:
        op = tagged.untagged
        if cirq.is_measurement(op):
            raise ValueError(has_measurement(op))
        if any(d != 2 for d in cirq.qid_shape(op)):
            raise ValueError(on_qudits(op))
        if isinstance(op, cirq.CircuitOperation):
            yield from flatten(op.mapped_circuit(deep=True).all_operations(), keep)
        elif keep(op):
            yield op
        else:
            parts = cirq.decompose_once(op, None)
            if parts is None:
                raise ValueError(refusal(op))
            yield from flatten(iter(parts), keep)


def refusal(op: cirq.Operation) -> str:
    """Return why an operation that does not decompose can't be run."""
    name = op.gate if op.gate is not None else op
    if is_symbolic(op):
        return (
            f"The gate {name!r} has a symbolic parameter, is no cirq.EigenGate and does not "
            "decompose into such gates. Write it with rotations (for instance cirq.rx, cirq.rz, "
            "cirq.CZ**t), or give its class a `_rotation_form_` or `_decompose_` method."
        )
    if cirq.has_unitary(op):
        return (
            f"The gate {name!r} acts on {len(op.qubits)} qubits; matrix gates may act on up to "
            f"{MAX_GATE_QUBITS}. Give its class a `_decompose_` method."
        )
    return not_unitary(op)
