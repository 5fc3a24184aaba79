"""What the estimators share."""

from __future__ import annotations

from copy import copy
from typing import TypeVar

import numpy as np
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils import Tags

from skquantum.execution import Backend

Part = TypeVar("Part", bound=BaseEstimator)


# What transformers take as it is, the first for everything else.
FLOATS = (np.float64, np.float32)


class FloatTransformerMixin(TransformerMixin):
    """Transformer that returns single precision for single precision, as scikit-learn's do.

    Only what it returns is rounded: all computations are in double precision, as far as the
    backend's are.
    """

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        assert tags.transformer_tags is not None
        tags.transformer_tags.preserves_dtype = [np.dtype(kind).name for kind in FLOATS]
        return tags


def settled(part: Part) -> Part:
    """Return a copy of a part that a fitted model can rely on.

    Whoever sets nested parameters (``encoding__bandwidth``) changes the part that was given, not
    the copy. Backends inside are shared: they say where circuits run, and count what they ran.
    """
    own = copy(part)
    for name, value in part.get_params(deep=False).items():
        if isinstance(value, BaseEstimator) and not isinstance(value, Backend):
            setattr(own, name, settled(value))
    return own


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


def mean_and_unit(y: np.ndarray, weight: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the mean of targets and their standard deviation, or one where they do not vary.

    Parameters
    ----------
    y : ndarray of shape (n_samples,) or (n_samples, n_outputs)
        Targets.
    weight : ndarray of shape (n_samples,)
        Positive weight of each row.

    Returns
    -------
    mean, unit : ndarray of shape () or (n_outputs,)
        For each output.
    """
    mean = np.average(y, axis=0, weights=weight)
    distance = y - mean
    unit = np.asarray(np.abs(distance).max(axis=0))  # squares of what is huge, or tiny: no numbers
    # What is left of equal numbers is rounding.
    varies = unit > 1e-13 * np.abs(y).max(axis=0)
    unit = np.where(varies, unit, 1.0)
    variance = np.average((distance / unit) ** 2, axis=0, weights=weight)
    return mean, np.where(varies, unit * np.sqrt(variance), 1.0)
