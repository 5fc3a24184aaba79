"""Kernel values of many rows with few that stay: by blocks, by jobs, kept for the next call."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from copy import copy
from typing import Any, NamedTuple
from weakref import WeakKeyDictionary

import numpy as np
from sklearn.base import BaseEstimator

from skquantum.kernels import Kernel, count_jobs, in_jobs

# Kernel values at a time: with 500 rows that stay some 8,000 rows, 32 MiB.
BLOCK = 2**22

Values = Callable[[np.ndarray], np.ndarray]


class _Kept(NamedTuple):
    kernel: Kernel
    rows: np.ndarray
    values: Values


# Beside the models, not on them: what is kept is no part of their state and is not saved.
_kept: WeakKeyDictionary[Any, _Kept] = WeakKeyDictionary()


def kept_values(model: BaseEstimator, kernel: Kernel, rows: np.ndarray) -> Values:
    """Return what computes kernel values with a model's rows, prepared at the first call.

    Parameters
    ----------
    model : estimator
        A fitted model; what was prepared lives as long as it.
    kernel : Kernel
        The model's kernel.
    rows : ndarray of shape (n_rows, n_features)
        The model's rows, the same object at each call.
    """
    held = _kept.get(model)
    if held is None or held.rows is not rows or not _is_as_before(kernel, held.kernel):
        held = _kept[model] = _Kept(_snapshot(kernel), rows, kernel.against(rows))
    return held.values


def _snapshot(part: Any) -> Any:
    """Return a part as it is now, so that a parameter set later is noticed."""
    own = copy(part)
    for name, value in part.get_params(deep=False).items():
        if isinstance(value, BaseEstimator):
            setattr(own, name, _snapshot(value))
    return own


def _is_as_before(part: Any, before: Any) -> bool:
    """Whether a part has the values that a snapshot of it has."""
    now, then = vars(part), vars(before)
    return type(part) is type(before) and all(
        value is then.get(name)
        or (isinstance(value, BaseEstimator) and _is_as_before(value, then.get(name)))
        for name, value in now.items()
    )


def row_blocks(n_rows: int, n_columns: int) -> list[slice]:
    """Return slices of rows that have at most `BLOCK` kernel values with so many columns.

    Where that would be fewer rows than columns, it is as many: a backend that keeps no states
    simulates the columns again for each block, and the matrix of a fit was no smaller.
    """
    step = max(1, BLOCK // max(n_columns, 1), n_columns)
    return [slice(begin, min(begin + step, n_rows)) for begin in range(0, n_rows, step)]


def values_by_blocks(
    model: BaseEstimator, kernel: Kernel, rows: np.ndarray, X: np.ndarray, n_jobs: int | None
) -> Iterator[tuple[slice, np.ndarray]]:
    """Yield kernel values of all rows of X with those that stay, a block at a time.

    Parameters
    ----------
    model, kernel, rows
        As in `kept_values`.
    X : ndarray of shape (n_samples, n_features)
        Checked rows.
    n_jobs : int or None
        Jobs of joblib that blocks are shared among.

    Yields
    ------
    block : slice
        Rows of `X`.
    values : ndarray of shape (n_rows, len(rows))
    """
    n_jobs = count_jobs(n_jobs)
    blocks = row_blocks(len(X), len(rows) * (1 if n_jobs == 1 else 2))
    if n_jobs == 1 or len(blocks) == 1:
        values = kept_values(model, kernel, rows)
        for block in blocks:
            yield block, values(X[block])
        return
    for begin in range(0, len(blocks), n_jobs):  # so many blocks are in memory at a time
        group = blocks[begin : begin + n_jobs]
        found = dict(in_jobs(kernel, [(X[block], rows) for block in group], n_jobs))
        for place, block in enumerate(group):
            yield block, found[place]
