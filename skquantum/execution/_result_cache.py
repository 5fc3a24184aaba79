"""Counts of finished circuits, kept in a folder under what they are the counts of."""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import cirq
import numpy as np


@dataclass(frozen=True, eq=False)
class Counts:
    """How often each outcome of a measurement was seen.

    Attributes
    ----------
    bits : ndarray of uint8, shape (n_outcomes, n_qubits)
        Distinct outcomes.
    counts : ndarray of int, shape (n_outcomes,)
        Their numbers.
    """

    bits: np.ndarray
    counts: np.ndarray


class ResultCache:
    """A folder with one small file for each circuit that was measured.

    A file's name is a hash of the circuit, the values of its symbols, the number of repetitions
    and the device, so equal requests find one another, in this process or a later one. Files
    appear whole or not at all, and carry a checksum.

    Parameters
    ----------
    folder : str or path-like
        Made if it does not exist.

    Raises
    ------
    ValueError
        If the folder can't be made or written to.
    """

    def __init__(self, folder: str | os.PathLike[str]) -> None:
        self.folder = Path(folder).expanduser()
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryFile(dir=self.folder):
                pass
        except OSError as error:
            raise ValueError(
                f"cache={str(folder)!r} is not a folder that can be written to "
                f"({error.strerror or error}). Nothing was run. Choose another folder, or "
                "cache=None to keep nothing."
            ) from error

    def load(self, key: str, repetitions: int, n_qubits: int) -> Counts | None:
        """Return the counts of a circuit, or None if there are none that can be trusted."""
        path = self._path(key)
        try:
            text = path.read_bytes()
        except FileNotFoundError:
            return None
        try:
            entry = json.loads(text)
            outcomes: dict[str, int] = entry["counts"]
            if entry["key"] != key or entry["checksum"] != _checksum(key, outcomes):
                raise ValueError("checksum")
            bits = np.array([list(map(int, word)) for word in outcomes], np.uint8)
            counts = np.array(list(outcomes.values()), int)
            if bits.shape != (len(counts), n_qubits) or counts.sum() != repetitions:
                raise ValueError("shape")
        except (ValueError, TypeError, KeyError, AttributeError):
            warnings.warn(
                f"The cache entry {path} is corrupted. Its circuit is measured again.",
                RuntimeWarning,
                stacklevel=2,
            )
            return None
        return Counts(bits, counts)

    def save(self, key: str, counts: Counts) -> None:
        """Keep the counts of a circuit."""
        outcomes = {
            "".join(map(str, word)): int(count)
            for word, count in zip(counts.bits.tolist(), counts.counts, strict=True)
        }
        entry = {"key": key, "counts": outcomes, "checksum": _checksum(key, outcomes)}
        path = self._path(key)
        path.parent.mkdir(exist_ok=True)
        handle, partial = tempfile.mkstemp(dir=path.parent, suffix=".partial")
        with os.fdopen(handle, "w", encoding="ascii") as file:
            json.dump(entry, file)
        os.replace(partial, path)

    def note(self, record: Mapping[str, Any]) -> None:
        """Add a line to ``runs.jsonl``, the folder's log."""
        with (self.folder / "runs.jsonl").open("a", encoding="utf-8") as file:
            file.write(json.dumps(record) + "\n")

    def _path(self, key: str) -> Path:
        return self.folder / key[:2] / f"{key[2:]}.json"


def _checksum(key: str, outcomes: Mapping[str, int]) -> str:
    return hashlib.sha256(json.dumps([key, sorted(outcomes.items())]).encode()).hexdigest()


def request_key(circuit: str, values: np.ndarray, *rest: Any) -> str:
    """Return the name under which a request's counts are kept.

    Parameters
    ----------
    circuit : str
        What `circuit_digest` says.
    values : ndarray of shape (n_symbols,)
        What the symbols receive.
    *rest : str or int
        What else the counts depend on.

    Returns
    -------
    str
        64 hexadecimal digits.
    """
    numbers = (np.asarray(values, dtype="<f8") + 0.0).tobytes()  # -0.0 is 0.0
    return hashlib.sha256(json.dumps([circuit, numbers.hex(), *rest]).encode()).hexdigest()


@lru_cache(maxsize=64)
def circuit_digest(circuit: cirq.FrozenCircuit, names: tuple[str, ...]) -> str:
    """Return a hash of a circuit and its symbols' order that is the same in every process.

    Gates that have no JSON form are decomposed.

    Raises
    ------
    ValueError
        If a gate has neither a JSON form nor a decomposition.
    """
    operations = []
    for moment in circuit:
        operations.append([_json(op) or _json_of_parts(op) for op in moment])
    qubits = cirq.to_json(sorted(circuit.all_qubits()))
    text = json.dumps([operations, qubits, names])
    return hashlib.sha256(text.encode()).hexdigest()


def _json(value: Any) -> str | None:
    try:
        return cirq.to_json(value, indent=None)
    except (TypeError, ValueError, AttributeError):
        return None


def _json_of_parts(op: cirq.Operation) -> str:
    def complain(op: cirq.Operation) -> Exception:
        return ValueError(
            f"{op!r} has neither a JSON form (_json_dict_) nor a decomposition (_decompose_), "
            "and so no name to keep its results under. Give its gate one of them, or set "
            "cache=None."
        )

    parts = cirq.decompose(op, keep=lambda op: _json(op) is not None, on_stuck_raise=complain)
    return json.dumps([cirq.to_json(parts, indent=None), *map(str, op.tags)])


def sampler_identity(sampler: cirq.Sampler) -> str:
    """Return a text that tells samplers with different results apart, in every process.

    Known are simulators of Cirq and qsim, by their class and noise, and Google's processors, by
    project and name.

    Raises
    ------
    ValueError
        If the sampler is another one, or its noise model can't be told from others.
    """
    kind = type(sampler)
    title = f"{kind.__module__}.{kind.__qualname__}"
    if isinstance(sampler, cirq.SimulatorBase) or kind.__module__.startswith("qsimcirq"):
        noise = _fingerprint(getattr(sampler, "noise", None))
        if noise is not None:
            return f"{title} with noise {noise}"
    processor: Any = getattr(sampler, "processor", None)
    if type(processor).__module__ == "cirq_google.engine.engine_processor":
        return f"{title} of {processor.project_id}/{processor.processor_id}"
    raise ValueError(
        f"The cache needs to know which results come from {title}, and can't tell. Say "
        "name='...': results are kept under this name, so give samplers of different noise "
        "different names."
    )


def device_identity(device: cirq.Device | str | None) -> str | None:
    """Return a text that tells devices apart, in every process: name, or qubits and gates.

    Raises
    ------
    ValueError
        If that can't be told.
    """
    if device is None or isinstance(device, str):
        return device
    text = _fingerprint(device.metadata)
    if text is None:
        raise ValueError(
            f"The cache can't tell device {type(device).__name__} from others, as its metadata "
            "have no JSON form (_json_dict_). Give them one, or set cache=None."
        )
    return text


def _fingerprint(value: Any) -> str | None:
    """Return a hash of an object's JSON form, None if it has none."""
    text = _json(value)
    if text is None:
        return None
    return hashlib.sha256(json.dumps(_sorted_sets(json.loads(text))).encode()).hexdigest()


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
