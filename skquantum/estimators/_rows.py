"""Rows to learn from: distinct ones, with their targets and weights."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from sklearn.utils.validation import _check_sample_weight

from skquantum.estimators._training import ALL_ROWS, Rows


@dataclass(frozen=True)
class TrainingRows:
    """Rows, their targets of shape (n_rows, n_outputs), and their positive weights."""

    X: np.ndarray
    targets: np.ndarray
    weight: np.ndarray

    def __getitem__(self, rows: Rows) -> TrainingRows:
        if isinstance(rows, slice) and rows == ALL_ROWS:
            return self
        return TrainingRows(self.X[rows], self.targets[rows], self.weight[rows])


def merge_equal_rows(
    X: np.ndarray, y: np.ndarray, weight: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Find the rows with equal features and target: they are one row with their total weight.

    It saves simulations, and repeating a row is then the same as weighting it, to the last bit
    and in any order of the rows.

    Parameters
    ----------
    X : ndarray of shape (n_samples, n_features)
        Features.
    y : ndarray of shape (n_samples,) or (n_samples, n_outputs)
        Targets, as numbers.
    weight : ndarray of shape (n_samples,)
        Weight of each row.

    Returns
    -------
    first : ndarray of shape (n_distinct,)
        Index of the first row of each kind, in an order that depends on their values alone.
    place : ndarray of shape (n_samples,)
        Which of the distinct rows each row is.
    total : ndarray of shape (n_distinct,)
        Total weights.
    """
    # As np.unique(axis=0) has it, without its copies of the whole table.
    columns = [*X.T, *y.reshape(len(X), -1).T]
    order = np.lexsort(columns[::-1])  # stable: of equal rows, the first comes first
    is_new = np.zeros(len(X), dtype=bool)
    is_new[:1] = True
    for column in columns:
        ordered = column[order]
        is_new[1:] |= ordered[1:] != ordered[:-1]
    place = np.empty(len(X), dtype=np.intp)
    place[order] = np.cumsum(is_new) - 1
    return order[is_new], place, np.bincount(place, weights=weight)


def distinct_rows(
    X: np.ndarray,
    y: np.ndarray,
    sample_weight: Any,
    *,
    allow_none: bool = False,
    in_order: bool = False,
) -> TrainingRows:
    """Merge equal rows into one of their total weight; rows of weight zero are no rows.

    Unless it is allowed, an error says that none is left. The order depends on the rows' values
    alone or, with `in_order`, is that in which they come first.
    """
    weight = _check_sample_weight(
        sample_weight,
        X,
        dtype=np.float64,
        ensure_non_negative=True,
        allow_all_zero_weights=allow_none,
    )
    if in_order:  # a row comes first where it first has a weight
        used = weight > 0
        X, y, weight = X[used], y[used], weight[used]
    first, _, weight = merge_equal_rows(X, y, weight)
    used = weight > 0
    first, weight = first[used], weight[used]
    if in_order:
        order = np.argsort(first)
        first, weight = first[order], weight[order]
    return TrainingRows(X[first], y[first], weight)


def callback_data(X: Any, y: Any, sample_weight: Any) -> dict[str, Any]:
    """Return what scikit-learn's callbacks get: the data as the user gave it."""
    metadata = None if sample_weight is None else {"sample_weight": sample_weight}
    return {"X": X, "y": y, "metadata": metadata}
