"""The factor on the data: a number, one for each feature, or one that follows from the data."""

from __future__ import annotations

import warnings
from numbers import Real
from typing import Any

import numpy as np

from skquantum._validation import shown

# Four standard deviations of a feature, nearly its whole range, at this many turns of a rotation:
# from here on rows that differ a little are as far apart as any.
MANY_TURNS = 1.5

# Where the number of features is answered to elsewhere, the bandwidth is that of so many: half of
# one over the spread, so that rows keep within a turn and reach where sines bend.
FEW = 4

Bandwidth = float | str | Any


class ScaleWarning(UserWarning):
    """Angles go round and round: the rows should be scaled before they are encoded."""


def check_bandwidth(bandwidth: Bandwidth, n_features: int) -> None:
    """Raise an error for what is neither "scale", a positive number nor one for each feature."""
    if isinstance(bandwidth, str | Real):
        return  # checked among the parameters
    factors = np.asarray(bandwidth, dtype=float)
    if factors.shape != (n_features,) or not (np.isfinite(factors) & (factors > 0)).all():
        raise ValueError(
            "bandwidth must be 'scale', a positive number, or an array of one positive number for "
            f"each of the {n_features} features, got {shown(bandwidth)}."
        )


def factors_of(bandwidth: Bandwidth, n_features: int) -> list[float]:
    """Return the factor on each feature; "scale" is 1 where there are no rows to learn from."""
    check_bandwidth(bandwidth, n_features)
    if isinstance(bandwidth, str):
        return [1.0] * n_features
    return np.broadcast_to(np.asarray(bandwidth, dtype=float), n_features).tolist()


def learned_bandwidth(X: np.ndarray, weight: np.ndarray | None, n_together: int) -> float:
    """Return the root of scikit-learn's ``gamma="scale"``, ``1 / sqrt(n_together * X.var())``.

    Rows of a weight count as often as it says. For data without spread the variance is one.
    """
    weight = np.ones(len(X)) if weight is None else weight
    mean = np.average(X.mean(axis=1), weights=weight)
    with np.errstate(over="ignore"):
        variance = np.average(((X - mean) ** 2).mean(axis=1), weights=weight)
        found = 1 / np.sqrt(n_together * variance) if variance > 0 else 1.0
    if not (np.isfinite(found) and found > 0):
        return 1.0
    return float(found)


def warn_of_turns(X: np.ndarray, factors: list[float]) -> None:
    """Warn if the rows' angles, factors times features, go round and round."""
    with np.errstate(over="ignore", invalid="ignore"):
        turns = 4 * X.std(axis=0) * np.asarray(factors) / (2 * np.pi)
    worst = int(turns.argmax())
    if not MANY_TURNS < turns[worst] < np.inf:  # what is not finite is refused later
        return
    warnings.warn(
        f"Feature {worst} of X spans {turns[worst]:.3g} turns of its rotation, so that rows far "
        "from one another look alike. Put a scaler in front, make_pipeline(StandardScaler(), ...),"
        " or set bandwidth='scale' or a smaller one.",
        ScaleWarning,
        stacklevel=3,
    )
