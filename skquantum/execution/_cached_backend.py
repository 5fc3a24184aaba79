"""Results of another backend, kept on disk."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from typing import Any, ClassVar

import cirq
import numpy as np
import sympy

from skquantum._records import Facts, note, versions
from skquantum.execution._around import TransparentBackend
from skquantum.execution._backend import Backend
from skquantum.execution._device.identity import backend_identity
from skquantum.execution._device.result_cache import circuit_digest
from skquantum.execution._value_cache import ValueCache, key_of

ROWS = 32  # that are computed, and kept, at first
SECONDS, FASTER = 10.0, 8.0  # between two times of keeping; how much more rows are taken next


class CachedBackend(TransparentBackend):
    """Keep what another backend computes in a folder, and compute nothing twice.

    States, expectation values and fidelities are kept row by row and pair by pair, under all that
    they depend on: the circuit, the values, the observables, the backend with its parameters, and
    the versions of this package, Cirq and qsim. A fit that was interrupted goes on where it
    stopped; folds and settings of a grid search share what they have in common. It is worth its
    while where a row takes more than a millisecond: with noise, shots or many qubits.

    Parameters
    ----------
    backend : Backend, default=None
        What computes; None stands for `QsimBackend()`.
    cache : str or path-like, default="skquantum_cache"
        The folder, made if it does not exist. Several processes may share it.
    name : str, default=None
        Under which results of a backend of your own are kept, whose code can't be told from
        others: another name for each of its versions.

    Notes
    -----
    *Chance.* A question that is asked twice has the same answer: with a cache the backend is a
    function, also where shots are drawn anew in each call (``seed=None``). For independent draws
    give the inner backend another seed, or take another folder.

    *What is kept* is there as a whole or not at all and carries a checksum; what is damaged is
    told and computed again. Of several processes with one question the first writes, and all
    return what it wrote. States of 20 qubits take 8 MiB each: look at the folder's size now and
    then, and delete it when it is not needed any more.

    *Gradients* by parameter shifts are made from expectation values, and kept; adjoint ones are
    not.

    See Also
    --------
    SamplerBackend : Has a cache of counts of its own.
    BudgetedBackend : Limits what is spent.

    Examples
    --------
    >>> import tempfile
    >>> import numpy as np
    >>> from skquantum.execution import CachedBackend, QsimBackend
    >>> from skquantum.kernels import FidelityKernel
    >>> X = np.random.default_rng(0).normal(size=(50, 4))
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     noisy = CachedBackend(QsimBackend(noise=0.01), folder)
    ...     first = FidelityKernel("zz", backend=noisy)(X)
    ...     again = FidelityKernel("zz", backend=noisy)(X[:40])  # computes nothing
    >>> bool((again == first[:40, :40]).all())
    True
    """

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        "cache": [str, os.PathLike],
        "name": [str, None],
    }

    def __init__(
        self,
        backend: Backend | None = None,
        cache: str | os.PathLike[str] = "skquantum_cache",
        name: str | None = None,
    ) -> None:
        self.backend = backend
        self.cache = cache
        self.name = name

    def _states(
        self, circuit: cirq.FrozenCircuit, symbols: tuple[sympy.Symbol, ...], values: np.ndarray
    ) -> np.ndarray:
        def compute(rows: np.ndarray) -> np.ndarray:
            return self._inner().states(circuit, symbols, rows)

        question = self._question(["states"], circuit, symbols)
        return self._rows(question, values, compute, (2 ** cirq.num_qubits(circuit),))

    def _expectations(
        self,
        circuit: cirq.FrozenCircuit,
        symbols: tuple[sympy.Symbol, ...],
        values: np.ndarray,
        observables: list[cirq.PauliSum],
    ) -> np.ndarray:
        def compute(rows: np.ndarray) -> np.ndarray:
            return self._inner().expectations(circuit, symbols, rows, observables)

        asked = ["expectations", *(cirq.to_json(total, indent=None) for total in observables)]
        question = self._question(asked, circuit, symbols)
        return self._rows(question, values, compute, (len(observables),))

    def _self_overlaps(
        self, circuit: cirq.FrozenCircuit, symbols: tuple[sympy.Symbol, ...], X: np.ndarray
    ) -> np.ndarray:
        def compute(rows: np.ndarray) -> np.ndarray:
            return self._inner().self_overlaps(circuit, symbols, rows)

        question = self._question(["overlaps"], circuit, symbols)
        return self._rows(question, X, compute, (), pairs=True)

    def _rows(
        self,
        question: str,
        values: np.ndarray,
        compute: Callable[[np.ndarray], np.ndarray],
        shape: tuple[int, ...],
        pairs: bool = False,
    ) -> np.ndarray:
        """Return an answer for each row, from the cache or computed."""
        store = ValueCache(self.cache)
        keys = [key_of(question, *[row] * (1 + pairs)) for row in values]
        known = _known(store, keys, shape)
        first = {key: i for i, key in enumerate(keys) if key not in known}
        _note_cached(len(keys) - len(first))
        places = list(first.values())
        for chunk in _paced(len(places)):
            rows = places[chunk]
            found = store.save([keys[i] for i in rows], compute(values[rows]))
            known |= {keys[i]: value for i, value in zip(rows, found, strict=True)}
        return np.array([known[key] for key in keys]) if keys else compute(values)

    def _overlaps(
        self,
        circuit: cirq.FrozenCircuit,
        symbols: tuple[sympy.Symbol, ...],
        X: np.ndarray,
        Y: np.ndarray | None,
    ) -> np.ndarray:
        inner, store = self._inner(), ValueCache(self.cache)
        right = X if Y is None else Y
        inner.check_matrix(len(X), len(right))
        question = self._question(["overlaps"], circuit, symbols)
        out = np.empty((len(X), len(right)))
        places = np.triu_indices(len(X)) if Y is None else np.indices(out.shape).reshape(2, -1)
        # A fidelity is the same in both orders.
        ranks = [row.tobytes() for row in np.vstack([X, right]) + 0.0]
        left_ranks, right_ranks = ranks[: len(X)], ranks[len(X) :]
        keys = [
            key_of(question, X[i], right[j])
            if left_ranks[i] <= right_ranks[j]
            else key_of(question, right[j], X[i])
            for i, j in zip(*places, strict=True)
        ]
        known = _known(store, keys, ())
        missing = np.array([key not in known for key in keys], dtype=bool)
        _note_cached(len(keys) - int(missing.sum()))
        lacking = np.unique(places[0][missing])
        for chunk in _paced(len(lacking)):
            rows = lacking[chunk]
            wanted = missing & np.isin(places[0], rows)
            values = self._pairs(circuit, symbols, X, Y, places[0][wanted], places[1][wanted])
            new = dict(zip((keys[k] for k in np.flatnonzero(wanted)), values, strict=True))
            found = store.save(list(new), np.array(list(new.values())))
            known |= dict(zip(new, found, strict=True))
        out[places[0], places[1]] = [known[key] for key in keys]
        if Y is None:
            out[places[1], places[0]] = out[places[0], places[1]]
        return out

    def _pairs(
        self,
        circuit: cirq.FrozenCircuit,
        symbols: tuple[sympy.Symbol, ...],
        X: np.ndarray,
        Y: np.ndarray | None,
        i: np.ndarray,
        j: np.ndarray,
    ) -> np.ndarray:
        """Compute the fidelities of pairs, from matrices that hold all of them."""
        rows, inner = np.unique(i), self._inner()
        out = np.empty(len(i))
        among = np.isin(j, rows) if Y is None else np.zeros(len(i), dtype=bool)
        if among.any():
            block = inner.overlaps(circuit, symbols, X[rows])
            out[among] = block[np.searchsorted(rows, i[among]), np.searchsorted(rows, j[among])]
        if not among.all():
            columns, rest = np.unique(j[~among]), ~among
            block = inner.overlaps(circuit, symbols, X[rows], (X if Y is None else Y)[columns])
            out[rest] = block[np.searchsorted(rows, i[rest]), np.searchsorted(columns, j[rest])]
        return out

    def _question(
        self, asked: list[str], circuit: cirq.FrozenCircuit, symbols: tuple[sympy.Symbol, ...]
    ) -> str:
        """Return all that an answer depends on besides the rows."""
        backend = self.name or backend_identity(self._inner())
        used = [versions().get(name) for name in ("skquantum", "cirq-core", "qsimcirq")]
        digest = circuit_digest(circuit, tuple(s.name for s in symbols))
        return json.dumps([asked, digest, backend, used])


def _known(
    store: ValueCache, keys: Sequence[bytes], shape: tuple[int, ...]
) -> dict[bytes, np.ndarray]:
    distinct = list(dict.fromkeys(keys))
    found = zip(distinct, store.load(distinct, shape), strict=True)
    return {key: value for key, value in found if value is not None}


def _paced(n_rows: int) -> Iterator[slice]:
    """Yield parts of rows, so that what is computed for each of them takes some seconds."""
    begin, size = 0, ROWS
    while begin < n_rows:
        start = time.perf_counter()
        yield slice(begin, begin + size)
        begin += size
        pace = SECONDS / max(time.perf_counter() - start, 1e-6)
        size = max(1, int(size * min(pace, FASTER)))


def _note_cached(n_circuits: int) -> None:
    """Leave a record of what was not run."""
    if n_circuits:
        note(
            {
                **Facts(CachedBackend.__name__)._asdict(),
                "work": "cached",
                "started": datetime.now(UTC).isoformat(timespec="seconds"),
                "seconds": 0.0,
                "circuits": n_circuits,
                "from_cache": n_circuits,
                "run": 0,
                "attempts": 0,
                "errors": [],
                "complete": True,
                "versions": versions(),
            }
        )
