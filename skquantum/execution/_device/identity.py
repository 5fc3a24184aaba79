"""Names for samplers, devices and calibrations under which a cache tells their results apart.

A name is made of all that an object holds, attribute by attribute: neither its repr nor its JSON
form need to say everything (`cirq.ConstantQubitNoiseModel` leaves out `prepend`). It is given to
objects of classes that are known: what others do may depend on more than what they hold.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from functools import cached_property
from numbers import Number
from types import CodeType, FunctionType, MethodType, ModuleType
from typing import Any

import cirq
import networkx as nx  # type: ignore[import-untyped]
import numpy as np
import sympy

# Simulators whose results depend on the circuit and their noise, and on nothing else. Classes by
# their full names, as packages need not be there. A subclass may do anything.
SIMULATORS = {
    f"cirq.{module}"
    for module in (
        "sim.sparse_simulator.Simulator",
        "sim.density_matrix_simulator.DensityMatrixSimulator",
        "sim.clifford.clifford_simulator.CliffordSimulator",
    )
} | {"qsimcirq.qsim_simulator.QSimSimulator"}
RANDOM = {"_prng", "qsim_seed"}
# What a user's class may import: what else it does is its own code.
MODULES = {"cirq", "cirq_google", "qsimcirq", "numpy", "scipy", "sympy", "math", "itertools"} | {
    "functools",
    "collections",
    "random",
    "time",
}
KNOWN = ("cirq", "cirq_google", "qsimcirq", "enum")
NAMED = (*KNOWN, "numpy")  # rooms whose classes and functions are known by their names
# What Cirq's objects remember of themselves once it was asked for.
COMPUTED = {
    "_hash",
    "_str",
    "_frozen",
    "_measurement_key_objs",
    "_control_keys",
    "_sorted_operations",
    "_tensor_edges",
}


def sampler_identity(sampler: cirq.Sampler) -> str:
    """Return a text that tells samplers with different results apart, in every process.

    Known are simulators of Cirq and qsim, by their class and noise, and Google's processors, by
    project and name. A subclass of such a simulator is known by its code and by what it holds
    besides, if all of that is numbers, texts and parts of Cirq.

    Raises
    ------
    ValueError
        If the sampler is another one, or its noise model can't be told from others.
    """
    title = _title(sampler)
    changed = {name for name in vars(sampler) if callable(getattr(type(sampler), name, None))}
    if not changed and any(_name(kind) in SIMULATORS for kind in type(sampler).__mro__):
        text = _simulator(sampler)
        if text is not None:
            return f"{title} with {text}"
    processor: Any = getattr(sampler, "processor", None)
    if (
        type(sampler).__module__.startswith("cirq_google.")
        and type(processor).__module__ == "cirq_google.engine.engine_processor"
        and not changed
    ):
        return f"{title} of {processor.project_id}/{processor.processor_id}"
    raise ValueError(
        f"The cache needs to know which results come from {title}, and can't tell. Say "
        "name='...': results are kept under this name, so give samplers of different noise "
        "different names."
    )


def _simulator(sampler: Any) -> str | None:
    """Return a hash of a simulator's noise, and of what a subclass adds; None if unknown."""
    mro = type(sampler).__mro__
    known = next(i for i, kind in enumerate(mro) if _name(kind) in SIMULATORS)
    try:
        parts = [_held(getattr(sampler, "noise", None))]
        if known:
            usual = vars(mro[known]()).keys()
            parts.append(_held({k: v for k, v in vars(sampler).items() if k not in usual}))
            parts.extend(class_code(kind) for kind in mro[:known])
            # The usual ones but for the random numbers, which may be set to something else.
            parts.append(_held({k: vars(sampler).get(k) for k in usual if k not in RANDOM}))
    except (UnknownError, RecursionError):
        return None
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()


def _name(kind: type) -> str:
    return f"{kind.__module__}.{kind.__qualname__}"


def _title(value: Any) -> str:
    return _name(type(value))


def device_identity(device: cirq.Device | str | None) -> str | None:
    """Return a text that tells devices apart, in every process: name, or qubits and gates.

    Raises
    ------
    ValueError
        If that can't be told.
    """
    if device is None or isinstance(device, str):
        return device
    text = _json_of_sets(device.metadata)
    if text is None and type(device.metadata) is cirq.DeviceMetadata:  # qubits and connections
        text = _fingerprint(
            [device.metadata.qubit_set, set(nx.Graph(device.metadata.nx_graph).edges)]
        )
    if text is None:
        raise ValueError(
            f"The cache can't tell device {type(device).__name__} from others, as its metadata "
            "hold more than objects of Cirq. Set cache=None."
        )
    return f"{_title(device)} {text}"


def backend_identity(backend: Any) -> str:
    """Return a text that tells backends of this package apart, in every process: parameters.

    Raises
    ------
    ValueError
        If the backend, or one of its parameters, is of a class that may do anything.
    """
    try:
        return json.dumps(_backend(backend))
    except (UnknownError, RecursionError) as error:
        raise ValueError(
            f"The cache can't tell {type(backend).__name__} from others ({error} may hold and do "
            "anything). Say CachedBackend(name='...'): results are kept under this name. A "
            "SamplerBackend has a cache of its own."
        ) from error


def _backend(backend: Any) -> Any:
    if type(backend).__module__.split(".")[0] != "skquantum":
        raise UnknownError(_title(backend))
    params = backend.get_params(deep=False).items()
    held = [[k, _backend(v) if hasattr(v, "overlaps") else _held(v)] for k, v in sorted(params)]
    return [_title(backend), held]


def calibration_identity(calibration: Mapping[str, Any] | None) -> str | None:
    """Return a text that tells calibrations apart, in every process: all metrics of all qubits.

    Raises
    ------
    ValueError
        If a metric is no mapping from qubits to numbers.
    """
    if calibration is None:
        return None
    try:
        entries = [
            [
                name,
                sorted(
                    [cirq.to_json(list(where), indent=None), [float(v) for v in values]]
                    for where, values in metric.items()
                ),
            ]
            for name, metric in sorted(calibration.items())
        ]
    except (AttributeError, TypeError, ValueError) as error:
        raise ValueError(
            "The cache can't tell this calibration from others: it has to map names of metrics to "
            f"mappings from tuples of qubits to lists of numbers ({error}). Or set cache=None."
        ) from error
    return hashlib.sha256(json.dumps(entries).encode()).hexdigest()


def _fingerprint(value: Any) -> str | None:
    """Return a hash of all that an object holds, None if that can't be told."""
    try:
        return hashlib.sha256(json.dumps(_held(value)).encode()).hexdigest()
    except (UnknownError, RecursionError):
        return None


def _json_of_sets(value: Any) -> str | None:
    """Return a hash of an object's JSON form, None if it has none that says all.

    For sets of gates, which hold texts about themselves that differ from process to process.
    """
    if not has_known_parts(value):
        return None
    try:
        loaded = json.loads(cirq.to_json(value))
    except (TypeError, ValueError, AttributeError):
        return None
    return hashlib.sha256(json.dumps(_sorted_sets(loaded)).encode()).hexdigest()


def has_known_parts(value: Any) -> bool:
    """Whether an object is made of nothing but classes of Cirq and the like."""
    try:
        _held(value)
    except (UnknownError, RecursionError):
        return False
    return True


class UnknownError(Exception):
    """An object of a class that may hold anything, and do anything."""


def _sorted_sets(value: Any) -> Any:
    """Return JSON in which what may have been a set has one order; arrays of numbers keep theirs.

    Cirq writes sets as lists, in an order that differs from process to process.
    """
    if isinstance(value, dict):
        return {key: _sorted_sets(value[key]) for key in sorted(value)}
    if not isinstance(value, list):
        return value
    items = [_sorted_sets(item) for item in value]
    return sorted(items, key=json.dumps) if all(map(_has_names, items)) else items


def _has_names(value: Any) -> bool:
    if isinstance(value, list):
        return any(map(_has_names, value))
    return isinstance(value, str) or (
        isinstance(value, dict) and value.get("cirq_type") != "complex"
    )


def _held(value: Any) -> Any:
    """Return what an object holds, in lists and texts, the same in every process."""
    if value is None or isinstance(value, str | bool | int | float | complex | np.generic):
        # One kind of numbers: 1 and 1.0 are the same exponent.
        return repr(complex(value)) if isinstance(value, Number) else ["text", value]
    if isinstance(value, bytes):
        return ["bytes", value.hex()]
    if isinstance(value, list | tuple):
        return ["list", *map(_held, value)]
    if isinstance(value, set | frozenset):
        return ["set", *sorted(map(_held, value), key=json.dumps)]
    if isinstance(value, np.ndarray) and value.dtype != object:
        return ["array", value.shape, value.dtype.str, value.tobytes().hex()]
    if isinstance(value, Mapping) and type(value).__module__ in ("builtins", "types"):
        items = [[_held(key), _held(item)] for key, item in value.items()]
        return ["mapping", *sorted(items, key=json.dumps)]
    room = type(value).__module__.split(".")[0]
    if room == "sympy":
        return ["sympy", sympy.srepr(value)]
    if isinstance(value, nx.Graph) and room == "networkx":
        edges = [sorted(map(_held, pair), key=json.dumps) for pair in value.edges]
        return ["graph", _held(set(value.nodes)), sorted(edges, key=json.dumps)]
    # Methods are of an object that holds them itself, as gate families do.
    if (
        isinstance(value, type | FunctionType | MethodType)
        and value.__module__.split(".")[0] in NAMED
    ):
        if "<" not in value.__qualname__:  # no function made by another one
            return ["name", value.__module__, value.__qualname__]
    elif room in KNOWN:
        attributes = sorted(_attributes(value).items())
        return [_title(value), *([name, _held(item)] for name, item in attributes)]
    raise UnknownError(_title(value))


def _attributes(value: Any) -> dict[str, Any]:
    """Return what an object has as attributes, but for what it has computed from others."""
    slots = [
        name
        for kind in type(value).__mro__
        for name in np.atleast_1d(getattr(kind, "__slots__", ())).tolist()
        if hasattr(value, name)
    ]
    found = {name: getattr(value, name) for name in slots} | getattr(value, "__dict__", {})
    return {name: item for name, item in found.items() if not _is_computed(type(value), name)}


def _is_computed(kind: type, name: str) -> bool:
    cached = isinstance(getattr(kind, name, None), cached_property)
    return cached or name in COMPUTED or name.startswith(("_method_cache_", "_cached", "__"))


# --- the code of a user's class


def class_code(kind: type) -> Any:
    """Return what a class defines, in lists and texts.

    Raises
    ------
    UnknownError
        If what its methods do depends on something whose value can't be told.
    """
    return [
        _name(kind),
        *([k, _defined(v, kind)] for k, v in sorted(vars(kind).items()) if k not in ABOUT_CLASSES),
    ]


ABOUT_CLASSES = {
    "__module__",
    "__qualname__",
    "__doc__",
    "__dict__",
    "__weakref__",
    "__annotations__",
    "__abstractmethods__",
    "_abc_impl",
    "__parameters__",
    "__orig_bases__",
    "__static_attributes__",
    "__firstlineno__",
}


def _defined(value: Any, kind: type) -> Any:
    if isinstance(value, staticmethod | classmethod):
        return [type(value).__name__, _defined(value.__func__, kind)]
    if isinstance(value, property):
        return [
            "property",
            *(f and _defined(f, kind) for f in (value.fget, value.fset, value.fdel)),
        ]
    return _function(value, kind) if isinstance(value, FunctionType) else _held(value)


def _function(function: FunctionType, kind: type) -> Any:
    """Return a function's code, with the values of what it refers to outside of it."""
    code = function.__code__
    cells = zip(code.co_freevars, function.__closure__ or (), strict=True)
    outside = {name: cell.cell_contents for name, cell in cells}
    names = set(_names(code))
    outside |= {n: v for n, v in function.__globals__.items() if n in names}
    return [
        _code(code),
        _held([function.__defaults__, function.__kwdefaults__]),
        *([name, _outside(value, kind)] for name, value in sorted(outside.items())),
    ]


def _outside(value: Any, kind: type) -> Any:
    if value is kind:
        return ["the class itself"]
    if isinstance(value, ModuleType) and value.__name__.split(".")[0] in MODULES:
        return ["module", value.__name__]
    return _held(value)


def _names(code: CodeType) -> Iterator[str]:
    yield from code.co_names
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _names(constant)


def _code(code: CodeType) -> Any:
    constants = [
        _code(c) if isinstance(c, CodeType) else repr(c) if c is ... else _held(c)
        for c in code.co_consts
    ]
    return [code.co_code.hex(), list(code.co_names), list(code.co_varnames), constants]
