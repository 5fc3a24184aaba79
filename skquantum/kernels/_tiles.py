"""A kernel matrix by tiles, shared among workers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from joblib import effective_n_jobs
from joblib.externals.loky.process_executor import TerminatedWorkerError
from sklearn.utils.parallel import Parallel, delayed

from skquantum._records import note, recording

ATTEMPTS = 3  # after a worker has died
FEWEST_ROWS = 16  # of a tile: less is not worth sending to another process

Compute = Callable[[np.ndarray, np.ndarray | None], np.ndarray]


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
        If workers die again and again.
    """
    n_jobs = effective_n_jobs(n_jobs)
    if n_jobs == 1 or len(X) < 2 * FEWEST_ROWS:
        return np.asarray(compute(X, Y))
    out = np.empty((len(X), len(X if Y is None else Y)))
    rows = _blocks(len(X), n_jobs)
    if Y is None:
        left = [(i, j) for k, i in enumerate(rows) for j in rows[k:]]
    else:
        left = [(i, slice(0, len(Y))) for i in rows]
    for attempt in range(ATTEMPTS):
        jobs = (delayed(_tile)(compute, X, Y, i, j) for i, j in tuple(left))
        try:
            tiles = Parallel(n_jobs=n_jobs, return_as="generator_unordered")(jobs)
            for i, j, tile, records in tiles:
                out[i, j] = tile
                for record in records:
                    note(record)
                if Y is None:
                    out[j, i] = tile.T
                left.remove((i, j))
            return out
        except TerminatedWorkerError as error:  # out of memory, or killed
            if attempt + 1 == ATTEMPTS:
                raise RuntimeError(
                    f"Workers died {ATTEMPTS} times while {len(left)} tiles of the kernel matrix "
                    f"were left: use fewer jobs than n_jobs={n_jobs}, or fewer rows at a time."
                ) from error
    raise AssertionError  # not reached


def _blocks(n_rows: int, n_jobs: int) -> list[slice]:
    n_blocks = min(2 * n_jobs, n_rows // FEWEST_ROWS)
    edges = np.linspace(0, n_rows, n_blocks + 1).astype(int)
    return [slice(int(a), int(b)) for a, b in zip(edges, edges[1:], strict=False)]


def _tile(
    compute: Compute, X: np.ndarray, Y: np.ndarray | None, rows: slice, columns: slice
) -> tuple[slice, slice, Any, list[dict[str, Any]]]:
    others = X if Y is None else Y
    itself = Y is None and rows == columns
    with recording(alone=True) as log:  # what a worker runs is told by who has asked for it
        tile = compute(X[rows], None if itself else others[columns])
    return rows, columns, tile, log.records()
