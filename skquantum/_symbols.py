"""Symbols of circuits: which there are, and what becomes of a circuit when they get values.

Cirq reports symbols by name, and not those of every gate; it resolves expressions by text, in
which a symbol's name is parsed and run. Here symbols are collected from what gates hold, and
expressions are evaluated as trees.
"""

from __future__ import annotations

import dataclasses
import numbers
from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from typing import Any

import cirq
import numpy as np
import sympy
from sympy.core.function import AppliedUndef

DIGITS = 25  # of sympy's arithmetic: ten to spare
NEGLIGIBLE = 1e-13  # an imaginary part that rounding leaves


def symbols_of(value: Any) -> frozenset[sympy.Symbol]:
    """Return the free symbols of a circuit, an operation, a gate or an expression.

    They are collected from what a gate holds, besides what it reports: some gates of Cirq report
    too little. A gate that says it is not parametrised has none.
    """
    if isinstance(value, cirq.FrozenCircuit):
        try:
            return _of_frozen(value)
        except TypeError:  # a gate without a hash
            pass
    return frozenset(_found(value))


@lru_cache(maxsize=64)
def _of_frozen(circuit: cirq.FrozenCircuit) -> frozenset[sympy.Symbol]:
    return frozenset(_found(circuit))


def _found(value: Any) -> Iterator[sympy.Symbol]:
    if isinstance(value, str | bytes | numbers.Number | cirq.Qid):
        return
    if isinstance(value, sympy.Basic):
        yield from (s for s in value.free_symbols if isinstance(s, sympy.Symbol))
    elif isinstance(value, cirq.AbstractCircuit | cirq.Moment):
        operations = value.all_operations() if hasattr(value, "all_operations") else value
        for op in operations:
            yield from _found(op)
    elif isinstance(value, cirq.CircuitOperation):
        given = _assignments(value.param_resolver)
        for symbol in symbols_of(value.circuit):
            yield from _found(given.get(symbol, symbol))
    elif isinstance(value, cirq.TaggedOperation):
        yield from _found(value.sub_operation)
        yield from _found([t for t in value.tags if cirq.is_parameterized(t)])
    elif isinstance(value, Mapping):
        yield from _found([*value.keys(), *value.values()])
    elif isinstance(value, list | tuple | set | frozenset):
        for item in value:
            yield from _found(item)
    elif isinstance(value, np.ndarray):
        if value.dtype == object:
            yield from _found(value.ravel().tolist())
    elif isinstance(value, cirq.GateOperation):
        yield from _found(value.gate)
    elif isinstance(value, cirq.Gate | cirq.Operation) or _is_instance_of_dataclass(value):
        yield from _held(value)
    elif hasattr(value, "_parameter_names_"):
        yield from map(sympy.Symbol, cirq.parameter_names(value))


def is_symbolic(op: Any) -> bool:
    """Return whether an operation or gate has a parameter that is no plain number.

    A number of sympy's counts, as it does in Cirq: such a gate has no matrix yet.
    """
    if cirq.is_parameterized(op):
        return True
    gate = getattr(op, "gate", op)
    return not hasattr(gate, "_is_parameterized_") and bool(symbols_of(op))


def _is_instance_of_dataclass(value: Any) -> bool:
    return dataclasses.is_dataclass(value) and not isinstance(value, type)


def _held(value: Any) -> Iterator[sympy.Symbol]:
    says = getattr(value, "_is_parameterized_", None)
    answer = NotImplemented if says is None else says()
    if answer is False:
        return
    found = set(_found([v for k, v in _attributes(value) if not k.startswith("__")]))
    if found and answer is NotImplemented and _has_matrix(value):
        return  # what it holds is settled within
    names = {s.name for s in found}
    yield from found
    yield from (sympy.Symbol(n) for n in cirq.parameter_names(value) if n not in names)


def _has_matrix(value: Any) -> bool:
    """Whether there is a unitary indeed: some gates say so before their symbols have values."""
    try:
        return cirq.unitary(value, None) is not None
    except Exception:  # whatever a gate's author did not expect of symbols
        return False


def _attributes(value: Any) -> Iterator[tuple[str, Any]]:
    yield from getattr(value, "__dict__", {}).items()
    for kind in type(value).__mro__:
        slots = vars(kind).get("__slots__", ())
        for name in (slots,) if isinstance(slots, str) else slots:
            if hasattr(value, name):
                yield name, getattr(value, name)


class NotANumber(ValueError):
    """An expression without symbols that has no value."""


def number(expression: Any) -> float | complex:
    """Return the value of an expression without symbols, by sympy's own arithmetic.

    Returns
    -------
    float or complex
        Complex only if the imaginary part is more than rounding.

    Raises
    ------
    NotANumber
        If it has no finite value, or sympy can't compute it.
    """
    if isinstance(expression, sympy.Rational | sympy.Float) and expression.is_finite:
        return float(expression)
    if expression in (sympy.true, sympy.false):
        return float(bool(expression))
    try:
        result = complex(sympy.sympify(expression).evalf(DIGITS))
    except (TypeError, ValueError, ArithmeticError, AttributeError, NotImplementedError) as error:
        raise NotANumber(f"{expression} is not a number: {error}") from error
    if not (np.isfinite(result.real) and np.isfinite(result.imag)):
        raise NotANumber(f"{expression} is not a finite number.")
    if abs(result.imag) <= NEGLIGIBLE * max(1.0, abs(result.real)):
        return result.real
    return result


def undefined_functions(expression: sympy.Basic) -> list[str]:
    """Return the names of functions that have a name and nothing else."""
    return sorted({str(f.func) for f in expression.atoms(AppliedUndef)})


def with_values(expression: Any, values: Mapping[sympy.Symbol, Any]) -> Any:
    """Return an expression with symbols replaced at once, as a number where none is left."""
    if not isinstance(expression, sympy.Basic):
        return expression
    if isinstance(expression, sympy.Symbol):
        return values.get(expression, expression)
    if isinstance(expression, sympy.Add | sympy.Mul):
        parts = [with_values(part, values) for part in expression.args]
        if all(isinstance(part, float) for part in parts):
            total = sum(parts) if isinstance(expression, sympy.Add) else np.prod(parts)
            if np.isfinite(total):
                return float(total)
    given = {
        s: sympy.Float(v, DIGITS) if isinstance(v, float) else sympy.sympify(v)
        for s, v in values.items()
    }
    try:
        out = expression.xreplace(given)
    except TypeError as error:  # numbers that are compared, and not real
        raise NotANumber(f"{expression} is not a finite real number: {error}.") from error
    return out if out.free_symbols else number(out)


class _Values(cirq.ParamResolver):
    """Cirq's resolver with expressions evaluated as trees, never as text."""

    def __init__(self, values: Mapping[sympy.Symbol, Any] | cirq.ParamResolver) -> None:
        if isinstance(values, cirq.ParamResolver):
            return  # Cirq wraps a resolver in itself, which comes out as the same object
        super().__init__(dict(values))
        self.given = values

    def __bool__(self) -> bool:
        return True  # even without symbols it makes plain numbers of sympy's

    def value_of(self, value: Any, recursive: bool = True) -> Any:
        """Return a value with the symbols replaced."""
        return with_values(sympy.Symbol(value) if isinstance(value, str) else value, self.given)


def _assignments(resolver: cirq.ParamResolver) -> dict[sympy.Symbol, Any]:
    def symbol(value: Any) -> Any:
        return sympy.Symbol(value) if isinstance(value, str) else value

    return {symbol(k): symbol(v) for k, v in resolver.param_dict.items()}


def resolve(circuit: cirq.AbstractCircuit, values: Mapping[sympy.Symbol, Any]) -> cirq.Circuit:
    """Return a circuit whose symbols have received numbers, or other symbols, all at once.

    Parameters
    ----------
    circuit : cirq.AbstractCircuit
    values : mapping of sympy.Symbol to float or sympy.Expr

    Returns
    -------
    cirq.Circuit
        With the moments of the circuit.
    """
    resolver = _Values(_as_floats(values))
    return cirq.Circuit(
        cirq.Moment(_resolved(op, resolver) for op in moment) for moment in circuit
    )


def resolve_operation(op: cirq.Operation, values: Mapping[sympy.Symbol, Any]) -> cirq.Operation:
    """Return an operation whose symbols have received values, as `resolve` does."""
    return _resolved(op, _Values(_as_floats(values)))


def _as_floats(values: Mapping[sympy.Symbol, Any]) -> dict[sympy.Symbol, Any]:
    return {s: float(v) if isinstance(v, numbers.Real) else v for s, v in values.items()}


def _resolved(op: cirq.Operation, resolver: _Values) -> cirq.Operation:
    inner = op.untagged
    if isinstance(inner, cirq.CircuitOperation):
        if not symbols_of(inner) and not _keeps_an_expression(inner):
            return op
        given = _assignments(inner.param_resolver)
        body = inner.replace(param_resolver=cirq.ParamResolver()).mapped_circuit()
        body = resolve(resolve(body, given), resolver.given)
        return cirq.CircuitOperation(body.freeze()).with_tags(*op.tags)
    out = cirq.resolve_parameters(op, resolver, recursive=False)
    if symbols_of(out) & set(resolver.given) or _keeps_an_expression(out):
        # It holds symbols and does not say how they are resolved; perhaps its parts do.
        parts = cirq.decompose_once(op, None)
        if parts is not None:
            held = [_resolved(part, resolver) for part in parts]
            return cirq.CircuitOperation(cirq.FrozenCircuit(cirq.I.on_each(*op.qubits), held))
    return out


def _keeps_an_expression(op: cirq.Operation) -> bool:
    """Whether a gate holds a number of sympy's, and says that it has no parameter."""
    if isinstance(op, cirq.CircuitOperation):
        return any(_keeps_an_expression(inner) for inner in op.circuit.all_operations())
    return not cirq.is_parameterized(op) and any(
        isinstance(value, sympy.Basic) for _, value in _attributes(op.gate)
    )


def names_of(symbols: Iterable[sympy.Symbol]) -> list[str]:
    """Return the names of symbols, sorted."""
    return sorted(s.name for s in symbols)
