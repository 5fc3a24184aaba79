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
