"""Values that a backend computed, kept in a folder under what they are the values of."""

from __future__ import annotations

import hashlib
import math
import os
import sqlite3
import tempfile
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np

WAIT = 60.0  # seconds for other processes that write
MANY = 500  # keys in a question
CHECK, KIND = 8, 4  # bytes of a checksum, and of the name of a type such as "<c16"
TABLE = "CREATE TABLE IF NOT EXISTS kept (key BLOB PRIMARY KEY, value BLOB) WITHOUT ROWID"


class ValueCache:
    """A folder with a database of arrays.

    What is written is there as a whole or not at all, whatever becomes of the process, and
    carries a checksum. Of several processes with one question the first that has finished writes,
    and all return what it wrote.

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
                f"cache={str(self.folder)!r} is not a folder that can be written to "
                f"({error.strerror or error}). Nothing was run. Choose another folder."
            ) from error

    @property
    def path(self) -> Path:
        """The database."""
        return self.folder / "values.sqlite"

    def load(self, keys: Sequence[bytes], shape: tuple[int, ...]) -> list[np.ndarray | None]:
        """Return the values that are kept under keys.

        Parameters
        ----------
        keys : sequence of bytes
            What `key_of` returned.
        shape : tuple of int
            Of each value.

        Returns
        -------
        list of ndarray or None
            None where nothing is kept, or what is kept is damaged, with a warning.
        """
        try:
            with self._opened() as database:
                kept = _select(database, keys)
        except sqlite3.OperationalError as error:  # locked for long, no file
            self._warn(f"can't be read ({error})")
            return [None] * len(keys)
        except sqlite3.DatabaseError as error:
            self._set_aside(error)
            return [None] * len(keys)
        found = [_whole(key, kept.get(key), shape) for key in keys]
        if damaged := len(kept) - sum(value is not None for value in found):
            self._warn(f"has {damaged} damaged values, which are computed again")
        return found

    def save(self, keys: Sequence[bytes], values: np.ndarray) -> list[np.ndarray]:
        """Keep values under keys, unless another process was first.

        Parameters
        ----------
        keys : sequence of bytes
            What `key_of` returned, all different.
        values : ndarray of shape (n_keys, ...)
            One for each.

        Returns
        -------
        list of ndarray
            What is kept now. If nothing can be kept, on a full disk for instance, the values, with
            a warning.
        """
        kind = values.dtype.str.ljust(KIND).encode()
        try:
            with self._opened() as database:
                database.execute("BEGIN IMMEDIATE")
                kept = _select(database, keys)
                old = [_whole(key, kept.get(key), values.shape[1:]) for key in keys]
                data = [
                    (key, kind + np.ascontiguousarray(value).tobytes())
                    for key, value, before in zip(keys, values, old, strict=True)
                    if before is None
                ]
                rows = [(key, _checksum(key, text) + text) for key, text in data]
                database.executemany("INSERT OR REPLACE INTO kept VALUES (?, ?)", rows)
                database.execute("COMMIT")
        except sqlite3.Error as error:
            self._warn(f"can't keep values ({error}), which would have to be computed again")
            return list(values)
        return [
            value if before is None else before for value, before in zip(values, old, strict=True)
        ]

    @contextmanager
    def _opened(self) -> Iterator[sqlite3.Connection]:
        database = sqlite3.connect(self.path, timeout=WAIT, isolation_level=None)
        try:
            database.execute(TABLE)
            yield database
        finally:
            database.close()  # what was begun and not finished is undone

    def _set_aside(self, error: sqlite3.DatabaseError) -> None:
        """Give a file that is no database another name, so that a new one can be made."""
        aside = tempfile.mktemp(prefix="damaged-", suffix=".sqlite", dir=self.folder)  # noqa: S306
        os.replace(self.path, aside)
        self._warn(
            f"is damaged ({error}) and was renamed to {Path(aside).name}; a new one is made"
        )

    def _warn(self, what: str) -> None:
        warnings.warn(f"The cache {self.path} {what}.", RuntimeWarning, stacklevel=4)


def _select(database: sqlite3.Connection, keys: Sequence[bytes]) -> dict[bytes, bytes]:
    found: dict[bytes, bytes] = {}
    for i in range(0, len(keys), MANY):
        part = keys[i : i + MANY]
        marks = ",".join("?" * len(part))
        found.update(
            database.execute(f"SELECT key, value FROM kept WHERE key IN ({marks})", part)  # noqa: S608
        )
    return found


def _whole(key: bytes, entry: bytes | None, shape: tuple[int, ...]) -> np.ndarray | None:
    """Return the value of an entry, None if it is not what was written."""
    if not isinstance(entry, bytes) or entry[:CHECK] != _checksum(key, entry[CHECK:]):
        return None
    dtype = entry[CHECK : CHECK + KIND].decode().strip()
    found = np.frombuffer(entry[CHECK + KIND :], dtype)
    return found.reshape(shape) if found.size == math.prod(shape) else None


def _checksum(key: bytes, data: bytes) -> bytes:
    return hashlib.sha256(key + data).digest()[:CHECK]


def key_of(question: str, *values: np.ndarray) -> bytes:
    """Return the key of a question about rows.

    Parameters
    ----------
    question : str
        All that the answer depends on besides the rows.
    *values : ndarray of shape (n_symbols,)
        The rows.

    Returns
    -------
    bytes
    """
    text = hashlib.sha256(question.encode())
    for row in values:
        text.update((np.asarray(row, dtype="<f8") + 0.0).tobytes())  # -0.0 is 0.0
    return text.digest()
