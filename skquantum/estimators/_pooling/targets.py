"""What a transformer is trained for: which targets, and the rows to learn them from."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.utils import check_consistent_length
from sklearn.utils.multiclass import type_of_target
from sklearn.utils.validation import _check_sample_weight, _check_y

from skquantum.estimators._base import mean_and_unit
from skquantum.estimators._rows import TrainingRows, distinct_rows

OBJECTIVES = ("auto", "supervised", "classification", "regression", "reconstruction", "random")
LABELS = ("binary", "multiclass")
NUMBERS = (
    "continuous",
    "continuous-multioutput",
    "multiclass-multioutput",
    "multilabel-indicator",
)

# Rows, the codes of their classes if they have any, and the read-out's intercept to start from.
Task = tuple[TrainingRows, np.ndarray | None, np.ndarray]


def resolve_objective(objective: str, y: Any) -> str:
    """Return what there is to be trained: one of the last four of `OBJECTIVES`.

    Raises
    ------
    ValueError
        If `y` is missing, or of the wrong kind.
    """
    if objective == "auto":
        objective = "reconstruction" if y is None else "supervised"
    if objective in ("reconstruction", "random"):
        return objective
    if y is None:
        raise ValueError(
            f"objective={objective!r} requires y to be passed, but the target y is None; "
            "objective='reconstruction' does without."
        )
    y = _check_y(y, multi_output=True)
    kind = type_of_target(y, input_name="y", raise_unknown=True)
    found = objective
    if objective == "supervised":
        found = "classification" if kind in LABELS else "regression"
    text = y.dtype.kind not in "biuf"
    if found == "regression" and (kind not in (*NUMBERS, *LABELS) or text):
        raise ValueError(f"objective={objective!r} needs numbers for y, got {kind} values.")
    if found == "classification" and kind not in LABELS:
        raise ValueError(
            f"objective='classification' needs labels for y, one for each row, got {kind} values."
        )
    return found


def supervised_rows(X: np.ndarray, y: Any, sample_weight: Any, objective: str) -> Task:
    """Return the distinct rows with their targets: a column for each class or value.

    Raises
    ------
    ValueError
        If there are not as many targets as rows, or there is one class only.
    """
    check_consistent_length(X, y)
    if objective == "regression":
        values = _check_y(y, multi_output=True, y_numeric=True).astype(np.float64)
        rows = distinct_rows(X, values.reshape(len(values), -1), sample_weight)
        mean, unit = mean_and_unit(rows.targets, rows.weight)
        targets = (rows.targets - mean) / unit
        return TrainingRows(rows.X, targets, rows.weight), None, np.zeros(len(mean))
    _, codes = np.unique(_check_y(y), return_inverse=True)
    rows = distinct_rows(X, codes, sample_weight)
    present, codes = np.unique(rows.targets, return_inverse=True)
    if len(present) < 2:
        raise ValueError(
            "Labels to tell apart are of at least two classes; y has one class (of positive "
            "weight). objective='reconstruction' does without labels."
        )
    targets = np.eye(len(present))[codes]
    return TrainingRows(rows.X, targets, rows.weight), codes, np.zeros(len(present))


def reconstruction_rows(windows: np.ndarray, sample_weight: Any) -> Task:
    """Return the distinct windows, of shape (n_samples, n_windows, size), as their own targets."""
    n_samples, n_windows, size = windows.shape
    weight = _check_sample_weight(
        sample_weight, windows[:, 0], dtype=np.float64, ensure_non_negative=True
    )
    windows = windows.reshape(-1, size)
    rows = distinct_rows(windows, np.zeros(len(windows)), np.repeat(weight, n_windows))
    mean = np.average(rows.X, axis=0, weights=rows.weight)
    return TrainingRows(rows.X, rows.X, rows.weight), None, mean
