"""Windows of sequences and images: where they are, and which values they hold."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import product
from math import isqrt, prod
from numbers import Integral
from typing import Any, ClassVar

import numpy as np
from numpy.typing import ArrayLike
from sklearn.base import BaseEstimator
from sklearn.utils import check_array
from sklearn.utils._param_validation import Interval, StrOptions
from sklearn.utils.validation import (
    _check_feature_names_in,
    check_is_fitted,
    validate_data,
)

from skquantum._documentation import DocumentedMixin
from skquantum.estimators._base import FLOATS, FloatTransformerMixin

# "auto" takes a row of fewer values for a sequence, even if it could be a square.
SMALLEST_IMAGE = 16


@dataclass(frozen=True)
class Windows:
    """The windows of rows that all have one shape.

    Parameters
    ----------
    shape : tuple of int
        Sizes of the axes along which windows move, one or two.
    n_channels : int
        Values at each place.
    pool_size, stride : tuple of int
        Extent and distance of windows along these axes.
    padding : {"valid", "same"}
        Whether windows must cover the axes exactly, or may stick out.

    Examples
    --------
    >>> from skquantum.estimators._pooling.windows import Windows
    >>> Windows((2, 4), 1, (2, 2), (2, 2), "valid").index
    array([[0, 1, 4, 5],
           [2, 3, 6, 7]])
    """

    shape: tuple[int, ...]
    n_channels: int
    pool_size: tuple[int, ...]
    stride: tuple[int, ...]
    padding: str

    def __post_init__(self) -> None:
        for axis, (size, pool, step) in enumerate(
            zip(self.shape, self.pool_size, self.stride, strict=True)
        ):
            if pool > size:
                # For rows of one value scikit-learn expects their number in the message.
                raise ValueError(
                    f"pool_size={pool} is larger than the {size} places of axis {axis} of input "
                    f"shape {self.shape} (n_features={prod(self.shape) * self.n_channels}); make "
                    "windows smaller."
                )
            if self.padding == "valid" and (size - pool) % step:
                raise ValueError(
                    f"Windows of pool_size={pool} with stride={step} do not divide the {size} "
                    f"places of axis {axis} of input shape {self.shape}; change them, or set "
                    "padding='same'."
                )

    @property
    def size(self) -> int:
        """Number of values of a window."""
        return prod(self.pool_size) * self.n_channels

    @cached_property
    def places(self) -> tuple[int, ...]:
        """Number of windows along each axis."""
        return tuple(
            -(-(size if self.padding == "same" else size - pool + 1) // step)
            for size, pool, step in zip(self.shape, self.pool_size, self.stride, strict=True)
        )

    @cached_property
    def index(self) -> np.ndarray:
        """Column of each value, shape (n_windows, size); -1 is outside of the row."""
        n_places = prod(self.shape)
        columns = np.arange(n_places).reshape(self.shape)
        # As in other packages: where windows stick out, they do so on both sides alike, the far
        # one first.
        margins = []
        for size, pool, step, n in zip(
            self.shape, self.pool_size, self.stride, self.places, strict=True
        ):
            missing = max((n - 1) * step + pool - size, 0)
            margins.append((missing // 2, missing - missing // 2))
        columns = np.pad(columns, margins, constant_values=-1)
        view = np.lib.stride_tricks.sliding_window_view(columns, self.pool_size)
        view = view[tuple(slice(None, None, step) for step in self.stride)]
        places = view.reshape(prod(self.places), -1, 1)
        values = places * self.n_channels + np.arange(self.n_channels)
        return np.where(places < 0, -1, values).reshape(len(places), -1)

    def __call__(self, X: np.ndarray, fill: float = 0.0) -> np.ndarray:
        """Return the values of all windows, shape (n_samples, n_windows, size)."""
        if (self.index < 0).any():  # the last column is then what is outside
            X = np.column_stack([X, np.full(len(X), fill)])
        return X[:, self.index]

    def names(self) -> list[str]:
        """Return a name for each window, with its place along each axis."""
        return ["_".join(["window", *map(str, p)]) for p in product(*map(range, self.places))]


class WindowedTransformer(FloatTransformerMixin, DocumentedMixin, BaseEstimator):
    """Transformer that takes each row as a sequence or an image and works window by window."""

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        "input_shape": [tuple, list, StrOptions({"auto"}), None],
        "pool_size": [Interval(Integral, 1, None, closed="left"), tuple, list],
        "stride": [Interval(Integral, 1, None, closed="left"), tuple, list, None],
        "padding": [StrOptions({"valid", "same"})],
    }

    input_shape: Sequence[int] | str | None
    pool_size: int | Sequence[int]
    stride: int | Sequence[int] | None
    padding: str
    _windows: Windows
    _output_names: list[str]  # of one window

    def _fit_windows(self, X: ArrayLike) -> np.ndarray:
        """Settle the shape of rows and the windows, and return the rows, flat and checked."""
        rows, axes = _flat(X)
        rows = validate_data(self, rows, dtype=np.float64)
        shape = _input_shape(self.input_shape, axes, rows.shape[1])
        self._windows = make_windows(shape, self.pool_size, self.stride, self.padding)
        self.input_shape_ = shape
        return rows

    def _rows(self, X: ArrayLike) -> np.ndarray:
        """Return new rows, flat and checked, of the precision that they came in."""
        check_is_fitted(self)
        rows, axes = _flat(X)
        if axes is not None and axes != self.input_shape_:
            raise ValueError(
                f"X has rows of shape {axes}, but {type(self).__name__} was fitted on rows of "
                f"shape {self.input_shape_}."
            )
        return validate_data(self, rows, dtype=FLOATS, reset=False)

    @property
    def output_shape_(self) -> tuple[int, ...]:
        """Shape that a transformed row stands for: places along each axis, and outputs."""
        check_is_fitted(self)
        n_outputs = len(self._output_names)
        return (*self._windows.places, n_outputs) if n_outputs > 1 else self._windows.places

    def get_feature_names_out(self, input_features: ArrayLike | None = None) -> np.ndarray:
        """Return the names of the outputs: the window by its place, and what it holds.

        Parameters
        ----------
        input_features : array-like of str or None, default=None
            Names of the features, checked against those of `fit` and not used.

        Returns
        -------
        ndarray of str objects
            Names, in the order of the columns.
        """
        check_is_fitted(self)
        _check_feature_names_in(self, input_features, generate_names=False)
        outputs = self._output_names
        names = [f"{window}_{name}" for window in self._windows.names() for name in outputs]
        return np.asarray(names, dtype=object)

    @property
    def _n_features_out(self) -> int:
        return prod(self._windows.places) * len(self._output_names)


def make_windows(
    shape: tuple[int, ...],
    pool_size: int | Sequence[int],
    stride: int | Sequence[int] | None,
    padding: str,
) -> Windows:
    """Return the windows of rows of some shape.

    Raises
    ------
    ValueError
        If the shapes do not go together.
    """
    one_size = isinstance(pool_size, Integral)
    n_axes = min(len(shape), 2) if one_size else len(np.atleast_1d(pool_size))
    if n_axes not in (1, 2) or not n_axes <= len(shape) <= n_axes + 1:
        raise ValueError(
            f"pool_size={pool_size!r} and input shape {shape} do not go together: windows move "
            "along (T,) or (H, W), and one more axis may hold channels."
        )
    pools = _along_axes(pool_size, n_axes, "pool_size")
    steps = pools if stride is None else _along_axes(stride, n_axes, "stride")
    n_channels = shape[n_axes] if len(shape) > n_axes else 1
    return Windows(shape[:n_axes], n_channels, pools, steps, padding)


def _along_axes(value: Any, n_axes: int, name: str) -> tuple[int, ...]:
    values = (value,) * n_axes if isinstance(value, Integral) else tuple(value)
    if len(values) != n_axes or not all(isinstance(v, Integral) and int(v) > 0 for v in values):
        raise ValueError(
            f"{name} must be a positive integer or {n_axes} of them, one for each axis along "
            f"which windows move, got {value!r}."
        )
    return tuple(map(int, values))


def _flat(X: Any) -> tuple[Any, tuple[int, ...] | None]:
    """Return rows as a matrix, and the shape that they had if it was none."""
    # Anything else that claims to be an array is left to scikit-learn's validation.
    n_axes = np.ndim(X) if isinstance(X, list | tuple) else getattr(X, "ndim", 2)
    if n_axes <= 2:
        return X, None
    X = check_array(X, allow_nd=True, dtype=FLOATS, input_name="X")
    return X.reshape(len(X), -1), X.shape[1:]


def _input_shape(given: Any, axes: tuple[int, ...] | None, n_features: int) -> tuple[int, ...]:
    if given is None or isinstance(given, str):
        if axes is not None:
            return axes
        side = isqrt(n_features)
        is_square = given == "auto" and side * side == n_features >= SMALLEST_IMAGE
        return (side, side) if is_square else (n_features,)
    if not 1 <= len(given) <= 3 or not all(isinstance(n, Integral) and int(n) > 0 for n in given):
        raise ValueError(
            f"input_shape must be (T,), (T, C), (H, W) or (H, W, C) with positive integers, got "
            f"{given!r}."
        )
    shape = tuple(map(int, given))
    if axes is not None and axes != shape:
        raise ValueError(f"input_shape={shape}, but X has rows of shape {axes}.")
    if prod(shape) != n_features:
        raise ValueError(
            f"input_shape={shape} has {prod(shape)} values, but X has n_features={n_features}."
        )
    return shape
