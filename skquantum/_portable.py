"""The state of a model as plain values, so that it can be saved without pickle.

`skops` stores arrays, numbers, strings, containers and objects of named classes. What Cirq and
sympy hold is none of these, so it is written as Cirq's JSON here, and read back. Pickling and
copying keep objects as they are.
"""

from __future__ import annotations

import copyreg
from typing import Any, SupportsIndex

import cirq
import sympy
from cirq.protocols.json_serialization import CirqEncoder
from sympy.functions.elementary.piecewise import ExprCondPair

_PLAIN_KEYS = (str, int, float, bool)


class PortableMixin:
    """An object whose state for `skops` has no circuits, symbols, qubits or complex numbers."""

    def _kept_state(self) -> dict[str, Any]:
        """Return the attributes that are saved, whatever the format."""
        return dict(vars(self))

    def __getstate__(self) -> dict[str, Any]:
        state = {name: as_plain(value, name) for name, value in self._kept_state().items()}
        return {"as_plain": state}

    def __setstate__(self, state: dict[str, Any]) -> None:
        plain = state.get("as_plain")
        self.__dict__.update(state if plain is None else from_plain(plain))

    def __reduce_ex__(self, protocol: SupportsIndex) -> Any:
        # Pickle, joblib and copy: objects as they are, of gates that have no JSON as well.
        if type(self).__getstate__ is not PortableMixin.__getstate__:
            return super().__reduce_ex__(protocol)
        return copyreg.__newobj__, (type(self),), self._kept_state()  # type: ignore[attr-defined]


def as_plain(value: Any, name: str) -> Any:
    """Return a value with plain stand-ins for what is not plain in it.

    Raises
    ------
    TypeError
        If Cirq has no JSON for a gate or another object; it calls the attribute by its name.
    """
    if type(value) is complex:
        return {"complex": [value.real, value.imag]}
    is_cirqs = hasattr(value, "_json_dict_") and not isinstance(value, type)
    if is_cirqs or isinstance(value, sympy.Basic):
        return {"cirq": _to_json(value, name)}
    if type(value) is dict:
        if all(isinstance(key, _PLAIN_KEYS) for key in value):
            inner = {key: as_plain(item, name) for key, item in value.items()}
            return {"dict": inner} if _is_stand_in(value) else inner
        return {"items": [[as_plain(k, name), as_plain(v, name)] for k, v in value.items()]}
    if type(value) in (list, tuple):
        return type(value)(as_plain(item, name) for item in value)
    return value


def from_plain(value: Any) -> Any:
    """Return what `as_plain` was given."""
    if type(value) in (list, tuple):
        return type(value)(map(from_plain, value))
    if type(value) is not dict:
        return value
    if not _is_stand_in(value):
        return {key: from_plain(item) for key, item in value.items()}
    ((kind, held),) = value.items()
    if kind == "cirq":
        return _from_json(held)
    if kind == "complex":
        return complex(*held)
    if kind == "items":
        return {from_plain(k): from_plain(v) for k, v in held}
    return {key: from_plain(item) for key, item in held.items()}


def _is_stand_in(value: dict[Any, Any]) -> bool:
    return len(value) == 1 and next(iter(value)) in ("cirq", "complex", "dict", "items")


#: What Cirq's JSON calls the gates of this package, and what makes them; their rooms add to it.
JSON_TYPES: dict[str, Any] = {}


class _Encoder(CirqEncoder):
    """Cirq's encoder, for the functions of sympy that it does not know as well."""

    def default(self, o: Any) -> Any:
        try:
            return super().default(o)
        except TypeError:
            if not isinstance(o, sympy.Basic):
                raise
        if not o.args:
            return {"cirq_type": "skquantum.constant", "name": type(o).__name__}
        # Piecewise takes its pairs as tuples, too.
        name = "Tuple" if isinstance(o, ExprCondPair) else type(o).__name__
        return {"cirq_type": "skquantum.expression", "function": name, "args": list(o.args)}


def _constant(name: str) -> sympy.Basic:
    return _basic(getattr(sympy.S, name, None))


def _read_expression(function: str, args: list[Any]) -> sympy.Basic:
    kind = getattr(sympy, function, None)
    if not (isinstance(kind, type) and issubclass(kind, sympy.Basic)):
        raise ValueError(f"{function} is no function of sympy's own")
    # A string would be evaluated by sympy; a file has numbers and expressions only.
    return kind(*(arg if isinstance(arg, int | float) else _basic(arg) for arg in args))


def _basic(value: Any) -> sympy.Basic:
    if not isinstance(value, sympy.Basic):
        raise ValueError(f"{value!r} is no expression")
    return value


JSON_TYPES |= {"skquantum.constant": _constant, "skquantum.expression": _read_expression}


def _to_json(value: Any, name: str) -> str:
    try:
        text = cirq.to_json(value, indent=None, cls=_Encoder)
        again = _from_json(text)
        same = again == value
        if not same and "__eq__" not in _defined(value):  # compared by identity
            same = cirq.to_json(again, indent=None, cls=_Encoder) == text
    except (TypeError, ValueError, AttributeError) as error:
        raise TypeError(
            f"{name} can't be saved without pickle: {error}. joblib.dump saves it; so does this "
            "with gates that cirq.to_json knows."
        ) from error
    if not same:
        raise TypeError(
            f"{name} can't be saved without pickle: it is not the same when it is read again from "
            "Cirq's JSON. joblib.dump saves it."
        )
    return text


def _from_json(text: str) -> Any:
    return cirq.read_json(json_text=text, resolvers=[_own_type, *cirq.DEFAULT_RESOLVERS])


def _own_type(cirq_type: str) -> Any:
    return JSON_TYPES.get(cirq_type)


def _defined(value: Any) -> set[str]:
    """Return the names that the classes of a value define, those of every object left out."""
    return {name for kind in type(value).__mro__[:-1] for name in vars(kind)}
