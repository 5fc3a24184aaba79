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
