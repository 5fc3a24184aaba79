"""Forecasts that learn nothing, or next to nothing: what every model of a series must beat."""

from __future__ import annotations

from abc import abstractmethod
from numbers import Integral
from typing import Any, ClassVar, Self

import numpy as np
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.utils import Tags
from sklearn.utils._param_validation import Interval
from sklearn.utils.validation import check_is_fitted, validate_data

from skquantum._documentation import DocumentedMixin
from skquantum._lazy import Output, by_blocks, in_memory

# Of the highest peak of the autocorrelation: where a season's own peak is at least.
HIGH = 0.9
ROUNDING = 1e-9


class _Copying(RegressorMixin, DocumentedMixin, BaseEstimator):
    """Forecast every step by a value out of the window."""

    _parameter_constraints: ClassVar[dict[str, Any]] = {}

    @in_memory
    def fit(self, X: Any, y: Any) -> Self:
        """Learn how many steps there are to forecast.

        Parameters
        ----------
        X : array-like of shape (n_samples, window)
            Windows of one series, the oldest value first.
        y : array-like of shape (n_samples,) or (n_samples, horizon)
            The values right after each window, in the same unit.

        Returns
        -------
        self : object
            The fitted forecast.
        """
        self._validate_params()
        X, y = validate_data(self, X, y, multi_output=True, y_numeric=True, dtype=np.float64)
        self.horizon_ = y.shape[1] if y.ndim > 1 else None
        self._learn(X, y[:, 0] if y.ndim > 1 else y)
        return self

    @by_blocks(lambda model, dtype: Output(model.horizon_))
    def predict(self, X: Any) -> np.ndarray:
        """Forecast the steps after each window.

        Parameters
        ----------
        X : array-like of shape (n_samples, window)
            Windows, the oldest value first.

        Returns
        -------
        y : ndarray of shape (n_samples,) or (n_samples, horizon)
            As `y` was in `fit`.
        """
        check_is_fitted(self)
        X = validate_data(self, X, reset=False, dtype=np.float64)
        if self.horizon_ is None:
            return X[:, self._places(1)[0]]
        return X[:, self._places(self.horizon_)]

    @abstractmethod
    def _learn(self, X: np.ndarray, first: np.ndarray) -> None:
        """Learn from windows and the value after each."""

    @abstractmethod
    def _places(self, horizon: int) -> np.ndarray:
        """Return which column of the windows forecasts each step."""

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = True
        tags.regressor_tags.poor_score = True
        return tags


class Persistence(_Copying):
    """Forecast that the series stays at its last value.

    It has no parameters. Features must be windows of one series in the target's own unit: scaling
    columns and target apart would shift one against the other.

    Attributes
    ----------
    horizon_ : int or None
        Number of steps, None if `y` was one-dimensional.
    n_features_in_ : int
        Length of the windows.

    See Also
    --------
    SeasonalNaive : Repeats the last season.

    Examples
    --------
    >>> from skquantum.comparison import Persistence
    >>> from skquantum.datasets import make_windows
    >>> X, y = make_windows([1, 2, 3, 1, 2, 3, 1, 2], window=3)
    >>> Persistence().fit(X, y).predict([[2, 3, 1]])
    array([1.])
    """

    def _learn(self, X: np.ndarray, first: np.ndarray) -> None:
        pass

    def _places(self, horizon: int) -> np.ndarray:
        return np.full(horizon, self.n_features_in_ - 1)


class SeasonalNaive(_Copying):
    """Forecast the value of one season ago.

    Features must be windows of one series in the target's own unit, see `Persistence`.

    Parameters
    ----------
    season : int or None, default=None
        Time steps of a season, at most the length of the windows. None finds it in the training
        windows: the shortest lag at which the autocorrelation has a peak within a tenth of the
        highest one. A series without a peak is forecast by its last value.

    Attributes
    ----------
    season_ : int
        Time steps of a season; 1 if none was found.
    horizon_ : int or None
        Number of steps, None if `y` was one-dimensional.
    n_features_in_ : int
        Length of the windows.

    Raises
    ------
    ValueError
        If the windows are shorter than `season`.

    See Also
    --------
    Persistence : Repeats the last value.

    Examples
    --------
    >>> from skquantum.comparison import SeasonalNaive
    >>> from skquantum.datasets import make_windows
    >>> X, y = make_windows([1, 2, 3, 1, 2, 3, 1, 2, 3, 1], window=4, horizon=2)
    >>> model = SeasonalNaive().fit(X, y)
    >>> model.season_
    3
    >>> model.predict([[3, 1, 2, 3]])
    array([[1., 2.]])
    """

    _parameter_constraints: ClassVar[dict[str, Any]] = {
        "season": [Interval(Integral, 1, None, closed="left"), None]
    }

    def __init__(self, season: int | None = None) -> None:
        self.season = season

    def _learn(self, X: np.ndarray, first: np.ndarray) -> None:
        window = X.shape[1]
        if self.season is not None and self.season > window:
            raise ValueError(
                f"season={self.season}, but the windows hold {window} values: use windows of at "
                f"least {self.season}, or season=None."
            )
        self.season_ = _find_season(X, first) if self.season is None else int(self.season)

    def _places(self, horizon: int) -> np.ndarray:
        return self.n_features_in_ - self.season_ + np.arange(horizon) % self.season_


def _find_season(X: np.ndarray, first: np.ndarray) -> int:
    """Return the shortest lag of a high peak of the autocorrelation, 1 if there is none."""
    lagged = X[:, ::-1] - X.mean(axis=0)[::-1]  # column s - 1 lies s steps before the target
    target = first - first.mean()
    size = np.sqrt(np.sum(lagged**2, axis=0) * np.sum(target**2))
    products = target @ lagged
    correlation = np.divide(products, size, out=np.zeros_like(size), where=size > 0)
    # Of the longest lag one side only is known.
    rises = correlation[1:] > correlation[:-1] + ROUNDING
    stays = np.append(correlation[1:-1] >= correlation[2:], True)[: len(rises)]
    peaks = 1 + np.flatnonzero(rises & stays)
    highest = correlation[peaks].max(initial=0.0)
    if not highest > 0:
        return 1
    # Twice the season has about as high a peak, in noise sometimes a higher one.
    return int(peaks[correlation[peaks] >= HIGH * highest][0]) + 1
