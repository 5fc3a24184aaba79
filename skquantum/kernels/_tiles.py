"""A kernel matrix by tiles, shared among workers."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence, Sized
from itertools import islice
from typing import Any

import numpy as np
from joblib import effective_n_jobs
from joblib.externals.loky.process_executor import TerminatedWorkerError
from joblib.parallel import get_active_backend
from sklearn.utils.parallel import Parallel, delayed

from skquantum._records import note, recording

ATTEMPTS = 3  # after a worker has died
FEWEST_ROWS = 16  # of a tile: less is not worth sending to another process

Compute = Callable[[np.ndarray, np.ndarray | None], np.ndarray]
Part = tuple[np.ndarray, np.ndarray | None]
Job = tuple[int, Part]
Result = tuple[int, np.ndarray, list[dict[str, Any]]]  # with records of what was run


def matrix_by_tiles(
    compute: Compute, X: np.ndarray, Y: np.ndarray | None, n_jobs: int | None
) -> np.ndarray:
    """Return a kernel matrix, by tiles if there are several jobs.

    Tiles of the upper triangle are computed where `Y` is None, and the others are their
    transposes. Where a worker dies, the tiles that had not come back are computed again.

    Parameters
    ----------
    compute : callable
        Gives the kernel values of two blocks of rows, or of one with itself (None).
    X, Y : ndarray of shape (n_samples, n_features)
        Checked rows; `Y` may be None.
    n_jobs : int or None
        Jobs of joblib; ``joblib.parallel_config`` names where they run.

    Returns
    -------
    ndarray of float64, shape (len(X), len(Y))

    Raises
    ------
    RuntimeError
        If workers die again and again, or a cluster of dask is gone.
    """
    n_jobs = count_jobs(n_jobs)
    if n_jobs == 1 or len(X) < 2 * FEWEST_ROWS:
        return np.asarray(compute(X, Y))
    out = np.empty((len(X), len(X if Y is None else Y)))
    rows = _blocks(len(X), n_jobs)
    if Y is None:
        tiles = [(i, j) for k, i in enumerate(rows) for j in rows[k:]]
        parts = [(X[i], None if i == j else X[j]) for i, j in tiles]
    else:
        tiles = [(i, slice(0, len(Y))) for i in rows]
        parts = [(X[i], Y) for i, _ in tiles]
    for place, tile in in_jobs(compute, parts, n_jobs):
        i, j = tiles[place]
        out[i, j] = tile
        if Y is None:
            out[j, i] = tile.T
    return out


def count_jobs(n_jobs: int | None) -> int:
    """Return how many jobs run at a time: 1 where rows stay in this process.

    On a cluster of dask they are as many as it has threads, and at least 2: it may be one worker
    that is larger than this process, or others may be on their way.

    Raises
    ------
    RuntimeError
        If the client of ``joblib.parallel_config(backend="dask")`` has been closed.
    """
    client = _client()
    if client is not None and client.status != "running":
        raise RuntimeError(f"{GONE} Nothing was computed.")
    number = int(effective_n_jobs(n_jobs))
    return number if client is None else max(2, number)


def in_jobs(
    compute: Compute, parts: Sequence[Part], n_jobs: int
) -> Iterator[tuple[int, np.ndarray]]:
    """Yield the kernel values of pairs of blocks, in the order in which jobs finish.

    Where a worker dies, what had not come back is computed again.

    Parameters
    ----------
    compute : callable
        Gives the kernel values of two blocks of rows, or of one with itself (None).
    parts : sequence of tuple
        Pairs of blocks.
    n_jobs : int
        Jobs, as `count_jobs` says.

    Yields
    ------
    place : int
        Which of the pairs.
    values : ndarray

    Raises
    ------
    RuntimeError
        If workers die again and again, or the cluster is gone.
    """
    client = _client()
    left = dict(enumerate(parts))
    for attempt in range(ATTEMPTS):
        todo = tuple(left.items())
        try:
            jobs = _by_joblib if client is None else _by_dask
            for place, values, records in jobs(compute, todo, n_jobs):
                del left[place]
                for record in records:
                    note(record)
                yield place, values
            return
        except TerminatedWorkerError as error:  # out of memory, or killed
            if attempt + 1 == ATTEMPTS:
                raise RuntimeError(_died(ATTEMPTS, left, n_jobs)) from error
        except Exception as error:
            kind = type(error).__name__
            if client is None or kind not in _OF_DASK:
                raise
            if kind == "KilledWorker":  # dask has run the tile again as often as it may
                times = getattr(error, "allowed_failures", 0) + 1
                raise RuntimeError(_died(times, left, n_jobs)) from error
            raise RuntimeError(
                f"{GONE} {len(left)} of {len(parts)} tiles of the kernel matrix had not come back."
            ) from error


GONE = (
    "The cluster that joblib.parallel_config(backend='dask') names is gone: its client is closed. "
    "Start another, Client(), or use backend='loky'."
)
_OF_DASK = ("KilledWorker", "CancelledError", "FutureCancelledError", "ClosedClientError")


def _died(times: int, left: Sized, n_jobs: int) -> str:
    return (
        f"Workers died {times} times while {len(left)} tiles of the kernel matrix were left: use "
        f"fewer jobs than n_jobs={n_jobs}, or fewer rows at a time."
    )


def _client() -> Any:
    """Return the client of dask if jobs run on its workers, else None."""
    return getattr(get_active_backend()[0], "client", None)


def _by_joblib(compute: Compute, jobs: Sequence[Job], n_jobs: int) -> Iterator[Result]:
    as_they_come = get_active_backend()[0].supports_return_generator  # ray's does not
    run = Parallel(n_jobs=n_jobs, return_as="generator_unordered" if as_they_come else "list")
    yield from run(delayed(_numbered)(compute, *job) for job in jobs)


def _by_dask(compute: Compute, jobs: Sequence[Job], n_jobs: int) -> Iterator[Result]:
    """Go past joblib to its client: joblib waits for ever for what killed several workers.

    Each job brings its rows. What joblib scatters among workers, large arguments, would be lost
    with the worker that holds it.
    """
    from distributed import as_completed

    backend = get_active_backend()[0]
    waiting = iter(jobs)

    def submitted(number: int) -> list[Any]:
        chosen = islice(waiting, number)
        return [backend.client.submit(_numbered, compute, *job, pure=False) for job in chosen]

    with backend.retrieval_context():  # a worker that waits for others leaves them its place
        running = as_completed(submitted(2 * n_jobs))
        for future in running:
            yield future.result()
            running.update(submitted(1))


def _numbered(compute: Compute, place: int, part: Part) -> Result:
    with recording(alone=True) as log:  # what a worker runs is told by who has asked for it
        values = np.asarray(compute(*part))
    return place, values, log.records()


def _blocks(n_rows: int, n_jobs: int) -> list[slice]:
    n_blocks = min(2 * n_jobs, n_rows // FEWEST_ROWS)
    edges = np.linspace(0, n_rows, n_blocks + 1).astype(int)
    return [slice(int(a), int(b)) for a, b in zip(edges, edges[1:], strict=False)]
