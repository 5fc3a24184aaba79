"""What the estimators share."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar, Self

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.utils._param_validation import InvalidParameterError


class NamedPartsMixin(BaseEstimator):
    """Parameters that are parts, or the names of parts.

    Nested parameters reach a part that is given by its name.
    ``QuantumKernelSVC(encoding="zz").set_params(encoding__reps=3)`` would fail, since a string
    has no parameters: the named part is first replaced by the part with its defaults. So a grid
    search over ``encoding__reps`` needs no template spelled out.
    """

    _named_parts: ClassVar[dict[str, Callable[[Any], BaseEstimator]]] = {}

    def set_params(self, **params: Any) -> Self:
        """Set parameters, those of parts given by their names included.

        Parameters
        ----------
        **params : dict
            Parameters; ``<part>__<parameter>`` for those of a part.

        Returns
        -------
        self : estimator instance
        """
        for part in self._named_parts:
            current = params.get(part, getattr(self, part))
            if any(name.startswith(f"{part}__") for name in params) and not isinstance(
                current, BaseEstimator
            ):
                params[part] = self._resolve_part(part, current, params)
        return super().set_params(**params)

    def _validate_params(self) -> None:
        """Validate the parameters: the parts first, whose resolvers know what would work."""
        for part, resolve in self._named_parts.items():
            try:
                resolve(getattr(self, part))
            except TypeError as error:
                raise InvalidParameterError(f"{type(self).__name__}: {error}") from None
        super()._validate_params()

    def _resolve_part(self, part: str, value: Any, params: dict[str, Any]) -> BaseEstimator:
        """Return what the name of a part stands for; `params` are those about to be set."""
        return self._named_parts[part](value)


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
