"""Sequences as rows: the order of their axes, and whole time steps."""

from __future__ import annotations

from numbers import Integral
from typing import Any

import numpy as np
from sklearn.utils import check_array
from sklearn.utils._param_validation import Interval, StrOptions

POSITIVE = Interval(Integral, 1, None, closed="left")

#: Constraints of the parameters that say what the axes of a sequence are.
AXES: dict[str, list[Any]] = {
    "n_channels": [POSITIVE],
    "data_format": [StrOptions({"channels_last", "channels_first"})],
}


def as_matrix(X: Any, n_channels: int, data_format: str) -> Any:
    """Return arrays of three axes as rows of a matrix, and anything else as it is.

    Raises
    ------
    ValueError
        If an array of several axes is not of the shape that the parameters say.
    """
    n_axes = np.ndim(X) if isinstance(X, list | tuple) else getattr(X, "ndim", 2)
    if n_axes <= 2:
        return X
    X = check_array(X, allow_nd=True, dtype=(np.float64, np.float32), input_name="X")
    last = data_format == "channels_last"
    if X.ndim != 3 or X.shape[2 if last else 1] != n_channels:
        shape = "n_timesteps, n_channels" if last else "n_channels, n_timesteps"
        other = "channels_first" if last else "channels_last"
        swapped = X.ndim == 3 and X.shape[1 if last else 2] == n_channels
        raise ValueError(
            f"X of several axes must have shape (n_samples, {shape}) with "
            f"n_channels={n_channels}, got {X.shape}; set n_channels to the number of values of "
            "a time step" + (f", or data_format={other!r}." if swapped else ".")
        )
    return X.reshape(len(X), -1)


def check_whole_steps(n_features: int, n_channels: int) -> None:
    """Raise a ValueError if rows are no whole number of time steps."""
    if n_features % n_channels:
        raise ValueError(
            f"X has {n_features} features, which is no whole number of time steps of "
            f"n_channels={n_channels} values each. Cut or pad the rows, or set n_channels to the "
            "number of values of a time step."
        )


def by_step(rows: np.ndarray, n_channels: int, data_format: str) -> np.ndarray:
    """Return rows with all channels of a time step side by side."""
    if data_format == "channels_last":
        return rows
    return rows.reshape(len(rows), n_channels, -1).swapaxes(1, 2).reshape(rows.shape)
