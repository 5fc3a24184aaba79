"""Counts of finished circuits, kept in a folder under what they are the counts of."""

from __future__ import annotations

import errno
import hashlib
import json
import os
import shutil
import stat
import tempfile
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import cirq
import numpy as np

from skquantum.execution._device.identity import has_known_parts

_PROBE = 4096  # bytes
_LONGEST = 2**28  # bytes of an entry: of ten million repetitions that all differ
_NONBLOCK = getattr(os, "O_NONBLOCK", 0)  # not on Windows
_SAFELY = _NONBLOCK | getattr(os, "O_NOFOLLOW", 0)
_NO_LINKS = {
    errno.EPERM,
    errno.EACCES,
    errno.ENOTSUP,
    errno.EOPNOTSUPP,
    errno.ENOSYS,
    errno.EMLINK,
}
# What reading an entry may end in that is none: no JSON or JSON nested without end, JSON of
# something else, a folder or another file in its place.
_CORRUPT = (
    ValueError,
    TypeError,
    KeyError,
    AttributeError,
    RecursionError,
    OverflowError,
    OSError,
)


class CacheWriteError(OSError):
    """A cache can't keep what was measured."""


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
    appear whole or not at all, and carry a checksum. Of several processes with one request the
    first that has finished writes, and all return what it wrote.

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
        with self._refusing():
            self.folder.mkdir(parents=True, exist_ok=True)

    def check_writable(self) -> None:
        """Raise a ValueError if nothing can be kept, before anything is measured."""
        with self._refusing(), tempfile.TemporaryFile(dir=self.folder) as file:
            file.write(bytes(_PROBE))  # a full disk has room for a name

    @contextmanager
    def _refusing(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise ValueError(
                f"cache={str(self.folder)!r} is not a folder that can be written to "
                f"({error.strerror or error}). Nothing was run. Choose another folder, or "
                "cache=None to keep nothing."
            ) from error

    def load(self, key: str, repetitions: int, n_qubits: int) -> Counts | None:
        """Return the counts of a circuit, or None if there are none that can be trusted."""
        path = self._path(key)
        try:
            return _counts(_read(path), key, repetitions, n_qubits)
        except FileNotFoundError:
            return None
        except _CORRUPT:
            warnings.warn(
                f"The cache entry {path} is corrupted. Its circuit is measured again.",
                RuntimeWarning,
                stacklevel=2,
            )
            return None

    def save(self, key: str, counts: Counts, repetitions: int, n_qubits: int) -> Counts:
        """Keep the counts of a circuit, unless another process was first.

        Returns
        -------
        Counts
            What is in the cache now: those of the process that came first.

        Raises
        ------
        CacheWriteError
            If they can't be written, for instance on a full disk. Nothing is left then.
        """
        outcomes = {
            "".join(map(str, word)): int(count)
            for word, count in zip(counts.bits.tolist(), counts.counts, strict=True)
        }
        entry = {"key": key, "counts": outcomes, "checksum": _checksum(key, outcomes)}
        path = self._path(key)
        partial = None
        try:
            path.parent.mkdir(exist_ok=True)
            handle, partial = tempfile.mkstemp(dir=path.parent, suffix=".partial")
            with os.fdopen(handle, "w", encoding="ascii") as file:
                json.dump(entry, file)
            while not _placed(partial, path):
                try:
                    return _counts(_read(path), key, repetitions, n_qubits)
                except FileNotFoundError:
                    if path.is_symlink():  # that leads nowhere
                        path.unlink(missing_ok=True)
                except _CORRUPT:
                    _remove(path)
        except OSError as error:
            if partial is not None:
                Path(partial).unlink(missing_ok=True)
            with suppress(OSError):
                path.parent.rmdir()  # if there is nothing else in it
            raise CacheWriteError(self._cannot_keep(error)) from error
        finally:
            if partial is not None:
                Path(partial).unlink(missing_ok=True)
        return counts

    def note(self, record: Mapping[str, Any]) -> None:
        """Add a line to ``runs.jsonl``, the folder's log, unless it is no file of the folder.

        Raises
        ------
        CacheWriteError
            If the log is a symbolic link or no file, or can't be written.
        """
        path = self.folder / "runs.jsonl"
        # Neither a link, which may lead anywhere, nor a pipe, which may wait for ever.
        flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | _SAFELY
        try:
            if path.is_symlink():
                raise OSError("it is a symbolic link, which is not followed")
            with os.fdopen(os.open(path, flags, 0o666), "a", encoding="utf-8") as file:
                if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                    raise OSError("it is no regular file")
                file.write(json.dumps(record) + "\n")
        except OSError as error:
            raise CacheWriteError(
                f"The log {path} can't be written to ({error.strerror or error}), and the record "
                "of this job is not in it; results are not affected. Move what is in its place."
            ) from error

    def _cannot_keep(self, error: OSError) -> str:
        return (
            f"cache={str(self.folder)!r} can't keep results ({error.strerror or error}). What was "
            "measured is returned, but would have to be measured again. Free some space or choose "
            "another folder for cache."
        )

    def _path(self, key: str) -> Path:
        return self.folder / key[:2] / f"{key[2:]}.json"


def _read(path: Path) -> bytes:
    """Return the bytes of a regular file; of one too long for an entry, its beginning."""
    with os.fdopen(os.open(path, os.O_RDONLY | _NONBLOCK), "rb") as file:
        if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
            raise IsADirectoryError(errno.EISDIR, "no file", str(path))
        return file.read(_LONGEST)


def _counts(text: bytes, key: str, repetitions: int, n_qubits: int) -> Counts:
    """Return the counts of an entry, or raise one of the errors of `_CORRUPT`."""
    entry = json.loads(text)
    outcomes: dict[str, int] = entry["counts"]
    if entry["key"] != key or entry["checksum"] != _checksum(key, outcomes):
        raise ValueError("checksum")
    if not all(type(count) is int and count > 0 for count in outcomes.values()):
        raise ValueError("counts")
    if not all(len(word) == n_qubits and set(word) <= {"0", "1"} for word in outcomes):
        raise ValueError("outcomes")
    if sum(outcomes.values()) != repetitions:
        raise ValueError("repetitions")
    bits = np.array([list(map(int, word)) for word in outcomes], np.uint8)
    return Counts(bits, np.array(list(outcomes.values()), int))


def _placed(partial: str, path: Path) -> bool:
    """Give a finished file its name, and return whether it was free."""
    try:
        os.link(partial, path)
    except FileExistsError:
        return False
    except OSError as error:
        if error.errno not in _NO_LINKS:
            raise
        # A file system without hard links: two processes may both find the name free.
        if os.path.lexists(path):
            return False
        os.replace(partial, path)
    return True


def _remove(path: Path) -> None:
    """Remove a corrupted entry, whatever it is."""
    if path.is_dir() and not path.is_symlink():
        aside = tempfile.mkdtemp(dir=path.parent, suffix=".corrupted")
        os.replace(path, aside)
        shutil.rmtree(aside)
    else:
        path.unlink(missing_ok=True)


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

    Gates that are not Cirq's are decomposed, as their JSON form may leave something out.

    Raises
    ------
    ValueError
        If a gate is not Cirq's and has no decomposition.
    """
    operations = []
    for moment in circuit:
        operations.append([_json(op) or _json_of_parts(op) for op in moment])
    qubits = cirq.to_json(sorted(circuit.all_qubits()))
    text = json.dumps([operations, qubits, names])
    return hashlib.sha256(text.encode()).hexdigest()


def _json(op: cirq.Operation) -> str | None:
    """Return the JSON form of an operation of Cirq's; that of others may leave something out."""
    if not has_known_parts(op):
        return None
    try:
        return cirq.to_json(op, indent=None)
    except (TypeError, ValueError, AttributeError):
        return None


def _json_of_parts(op: cirq.Operation) -> str:
    def complain(op: cirq.Operation) -> Exception:
        return ValueError(
            f"{op!r} is neither one of Cirq's gates nor does it decompose into them, and so "
            "has no name to keep its results under. Give its gate a decomposition "
            "(_decompose_), or set cache=None."
        )

    parts = cirq.decompose(op, keep=lambda op: _json(op) is not None, on_stuck_raise=complain)
    return json.dumps([cirq.to_json(parts, indent=None), *map(str, op.tags)])
