"""Maximum or mean of windows: the baseline of quantum pooling."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import ArrayLike
from sklearn.base import _fit_context
from sklearn.utils import gen_batches
from sklearn.utils._param_validation import StrOptions

from skquantum._lazy import by_blocks, in_memory, transformed
from skquantum._validation import all_or_nothing
from skquantum.estimators._blocks import WINDOWS_AT_ONCE
from skquantum.estimators._pooling.windows import WindowedTransformer

KINDS: dict[str, tuple[Callable[..., np.ndarray], Callable[..., np.ndarray]]] = {
    "max": (np.max, np.nanmax),
    "mean": (np.mean, np.nanmean),
}


class ClassicalPoolingTransformer(WindowedTransformer):
    """Maximum or mean of windows of images, sequences or feature vectors.

    The baseline of :class:`QuantumPoolingTransformer`, with the same windows. Each channel is
    pooled on its own, and where a window sticks out the values inside are pooled.

    Parameters
    ----------
    input_shape, pool_size, stride, padding
        Windows, as in :class:`QuantumPoolingTransformer`.
    kind : {"max", "mean"}, default="max"
        What is kept of a window.

    Attributes
    ----------
    input_shape_, output_shape_ : tuple of int
        Shape of a row, and of a transformed one.
    n_features_in_ : int
        Number of values of a row.
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Names of the features, if `X` had any.

    Examples
    --------
    >>> from skquantum import ClassicalPoolingTransformer
    >>> X = [[1.0, 2.0, 3.0, 6.0], [0.0, 1.0, 1.0, 0.0]]
    >>> ClassicalPoolingTransformer().fit_transform(X)
    array([[2., 6.],
           [1., 1.]])
    """

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        **WindowedTransformer._parameter_constraints,
        "kind": [StrOptions(set(KINDS))],
    }

    def __init__(
        self,
        input_shape: Sequence[int] | str | None = None,
        pool_size: int | Sequence[int] = 2,
        stride: int | Sequence[int] | None = None,
        padding: str = "same",
        kind: str = "max",
    ) -> None:
        self.input_shape = input_shape
        self.pool_size = pool_size
        self.stride = stride
        self.padding = padding
        self.kind = kind

    @in_memory
    @all_or_nothing
    @_fit_context(prefer_skip_nested_validation=True)
    def fit(self, X: ArrayLike, y: Any = None) -> Self:
        """Settle the windows; nothing is learned.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features) or (n_samples, ...)
            Rows, flat or with the axes of `input_shape`.
        y : object, default=None
            Not used.

        Returns
        -------
        self : ClassicalPoolingTransformer
            Fitted transformer.

        Raises
        ------
        ValueError
            If the windows do not fit the rows.
        """
        self._fit_windows(X)
        self._kind, n_channels = self.kind, self._windows.n_channels
        numbers = [""] if n_channels == 1 else range(n_channels)
        self._output_names = [f"{self.kind}{number}" for number in numbers]
        return self

    @by_blocks(transformed)
    def transform(self, X: ArrayLike) -> np.ndarray:
        """Pool all windows.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features) or (n_samples, ...)
            Rows, flat or with the axes of `input_shape_`.

        Returns
        -------
        ndarray of shape (n_samples, n_windows * n_channels)
            Pooled values.
        """
        rows = self._rows(X)
        n_windows, n_channels = len(self._windows.index), self._windows.n_channels
        sticks_out = bool((self._windows.index < 0).any())
        reduce = KINDS[self._kind][sticks_out]
        out = np.empty((len(rows), n_windows * n_channels), dtype=rows.dtype)
        for batch in gen_batches(len(rows), max(1, WINDOWS_AT_ONCE // n_windows)):
            windows = self._windows(rows[batch].astype(np.float64), fill=np.nan)
            windows = windows.reshape(len(windows), n_windows, -1, n_channels)
            out[batch] = reduce(windows, axis=2).reshape(len(windows), -1)
        return out
