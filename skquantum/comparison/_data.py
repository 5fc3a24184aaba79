"""Data sets by name or from a file, and the checks that come before any computing."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from sklearn import datasets
from sklearn.model_selection import (
    BaseCrossValidator,
    KFold,
    StratifiedKFold,
    TimeSeriesSplit,
    train_test_split,
)
from sklearn.utils import check_array, column_or_1d

from skquantum._validation import did_you_mean

#: Data sets that come with scikit-learn, by name, with their tasks.
BUILT_IN = {
    "iris": (datasets.load_iris, "classification"),
    "wine": (datasets.load_wine, "classification"),
    "breast_cancer": (datasets.load_breast_cancer, "classification"),
    "digits": (datasets.load_digits, "classification"),
    "diabetes": (datasets.load_diabetes, "regression"),
}
FILES = {".csv": "read_csv", ".parquet": "read_parquet", ".pq": "read_parquet"}

INNER_SPLITS = 3
# Above this a numeric target with few rows of each value is taken for a quantity.
MANY_CLASSES, ROWS_PER_CLASS = 20, 10


@dataclass(frozen=True)
class Data:
    """A data set to compare models on."""

    name: str
    X: Any
    y: np.ndarray | None  # None for a series, which is its own target
    task: str
    notes: tuple[str, ...] = ()


def load_data(source: str, target: str | None = None) -> Data:
    """Load a built-in data set by name, or a CSV or Parquet file.

    Parameters
    ----------
    source : str
        One of `BUILT_IN`, or a path.
    target : str or None, default=None
        The column to predict, in a file. May be left out if there is one called "target".

    Returns
    -------
    data : Data
        With task "auto" where it is the target that has to tell, and notes on what was not
        taken as it is in the file.

    Raises
    ------
    ValueError
        If there is no such data set, file or column, or the target has missing values.
    ImportError
        If a file is asked for and pandas is not installed.
    """
    if source in BUILT_IN:
        if target is not None:
            raise ValueError(f"{source} is a built-in data set: its target cannot be chosen.")
        load, task = BUILT_IN[source]
        bunch = load()
        y = bunch.target
        if task == "classification" and "target_names" in bunch:
            y = np.asarray(bunch.target_names)[y]
        return Data(source, bunch.data, y, task)
    path = Path(source)
    if path.suffix.lower() not in FILES:
        raise ValueError(
            f"There is no built-in data set {source!r}.{did_you_mean(source, BUILT_IN)} Give one "
            f"of {', '.join(BUILT_IN)}, or a file that ends in {', '.join(FILES)}."
        )
    if not path.is_file():
        raise ValueError(f"There is no file {source!r}.")
    frame, notes = read_file(path)
    column = _target_column(frame, target)
    y = frame[column]
    if missing := int(y.isna().sum()):
        raise ValueError(
            f"The target {column!r} is missing in {missing} of {len(y)} rows: fill or drop them."
        )
    y = y.to_numpy()
    y = y.astype(str) if _is_text(y) else y
    return Data(path.name, frame.drop(columns=column), y, "auto", notes)


def read_file(path: Path) -> tuple[Any, tuple[str, ...]]:
    """Read a table, and say what was not taken as it is in the file."""
    try:
        import pandas as pd
    except ImportError:
        raise ImportError("Reading a file needs pandas: pip install 'skquantum[data]'.") from None
    notes = []
    try:
        frame = getattr(pd, FILES[path.suffix.lower()])(path)
        if frame.shape[1] == 1 and ";" in str(frame.columns[0]):
            # Where semicolons separate, numbers may have a comma for a point.
            frames = [pd.read_csv(path, sep=";", decimal=point) for point in ".,"]
            frame = max(frames, key=lambda f: f.select_dtypes("number").shape[1])
            notes.append("The columns are separated by semicolons.")
    except (ValueError, OSError, UnicodeDecodeError) as error:  # pandas' parser errors, too
        raise ValueError(f"{path} could not be read: {error}") from error
    if not len(frame):
        raise ValueError(f"{path} has no rows.")
    if path.suffix.lower() == ".csv" and _counts_rows(frame):
        frame = frame.iloc[:, 1:]
        notes.append("The first column has no name and counts the rows: it is left out.")
    return frame, tuple(notes)


def _counts_rows(frame: Any) -> bool:
    """Whether the first column is an index that pandas wrote."""
    if not str(frame.columns[0]).startswith("Unnamed: 0") or frame.shape[1] < 2:
        return False
    first = np.asarray(frame.iloc[:, 0])
    return any(np.array_equal(first, np.arange(len(first)) + start) for start in (0, 1))


def _target_column(frame: Any, target: str | None) -> str:
    columns = [str(column) for column in frame.columns]
    frame.columns = columns
    if target is None:
        if "target" not in columns:
            raise ValueError(
                "Which column is to be predicted? Name it with --target, one of: "
                f"{', '.join(columns)}."
            )
        return "target"
    if target not in columns:
        raise ValueError(
            f"There is no column {target!r}.{did_you_mean(target, columns)} "
            f"There are: {', '.join(columns)}."
        )
    return target


def _is_text(values: np.ndarray) -> bool:
    return values.dtype.kind in "OUST"


def check_features(X: Any) -> np.ndarray:
    """Return finite numeric features as float64, or say which columns are not."""
    names = [str(name) for name in getattr(X, "columns", [])]
    if names:
        columns = {name: np.asarray(X.iloc[:, i]) for i, name in enumerate(names)}
        text = [name for name, column in columns.items() if not_numeric(column)]
        if text:
            raise ValueError(
                f"Columns that are not numeric: {', '.join(text)}. Encode or drop them; in Python "
                "an encoder may be given as preprocessing=..., so that each fold fits its own."
            )
        gaps = {
            name: int(np.sum(~np.isfinite(np.asarray(column, dtype=np.float64))))
            for name, column in columns.items()
        }
        if any(gaps.values()):
            listed = ", ".join(f"{name} ({count})" for name, count in gaps.items() if count)
            raise ValueError(
                f"Columns with missing or infinite values (rows): {listed}. Fill or drop them; in "
                "Python an imputer may be given as preprocessing=..., so that each fold fits its "
                "own."
            )
    return check_array(X, dtype=np.float64, input_name="X", ensure_min_samples=2)


def not_numeric(column: np.ndarray) -> bool:
    """Whether a column holds something other than numbers."""
    if column.dtype.kind in "biuf":
        return False
    try:
        column.astype(np.float64)  # nullable numbers arrive as objects
    except (TypeError, ValueError):
        return True
    return column.dtype.kind not in "O" or any(isinstance(value, str) for value in column)


def check_target(y: Any, task: str) -> np.ndarray:
    """Return a target that fits the task, or say why it does not."""
    y = column_or_1d(y)
    if y.dtype.kind == "O" and all(isinstance(value, str) for value in y):
        y = y.astype(str)
    if task == "regression":
        if _is_text(y):
            raise ValueError(
                "The target of a regression must be numeric, but it holds text such as "
                f"{str(y[0])!r}."
            )
        y = check_array(y, ensure_2d=False, dtype=np.float64, input_name="y")
        if np.ptp(y) == 0:
            raise ValueError(f"The target is {y[0]:g} in all rows: there is nothing to predict.")
        return y
    if y.dtype.kind == "f":
        check_array(y, ensure_2d=False, input_name="y")
    classes, counts = np.unique(y, return_counts=True)
    if len(classes) < 2:
        raise ValueError(f"The target has one class, {classes[0]!s}: there is nothing to predict.")
    if len(classes) > MANY_CLASSES and len(y) < ROWS_PER_CLASS * len(classes):
        remedy = (
            "If it is text that tells rows apart, choose another target; if classes, merge the "
            "rare ones."
            if _is_text(y)
            else "If it is a quantity, the task is regression: say so with task='regression' "
            "(--task regression)."
        )
        raise ValueError(
            f"The target has {len(classes)} distinct values in {len(y)} rows: too many for "
            f"classes. {remedy}"
        )
    return y


def subsample(X: Any, y: np.ndarray, n: int, task: str, seed: int) -> tuple[Any, np.ndarray]:
    """Draw `n` rows, in the classes' proportions."""
    if not 2 <= n <= len(y):
        raise ValueError(f"A subsample of {n} rows was asked for: the data have {len(y)} rows.")
    if n == len(y):
        return X, y
    stratify = y if task == "classification" else None
    try:
        X, _, y, _ = train_test_split(X, y, train_size=n, stratify=stratify, random_state=seed)
    except ValueError as error:
        raise ValueError(f"A subsample of {n} rows cannot keep every class: {error}") from error
    return X, y


Splits = list[tuple[np.ndarray, np.ndarray]]


def make_splits(cv: Any, X: Any, y: np.ndarray, task: str, seed: int) -> Splits:
    """Return the outer folds, after checking that each can be learned from and tuned on."""
    if isinstance(cv, int | np.integer) and not isinstance(cv, bool):
        if cv < 2:
            raise ValueError(f"cv={cv}: give at least 2 folds.")
        _check_rows(int(cv), y, task)
        kind = StratifiedKFold if task == "classification" else KFold
        cv = kind(int(cv), shuffle=True, random_state=seed)
    splits = list_splits(cv, X, y)
    classes = np.unique(y)
    for number, (train, _) in enumerate(splits):
        if task == "classification":
            found, counts = np.unique(y[train], return_counts=True)
            if len(found) < len(classes) or counts.min() < INNER_SPLITS:
                rare = next((c for c in classes if c not in found), found[counts.argmin()])
                raise ValueError(
                    f"Fold {number + 1} has fewer than {INNER_SPLITS} training rows of class "
                    f"{str(rare)!r}, too few to tune on: use stratified folds, fewer of them, or "
                    "more rows of it."
                )
        elif len(train) < 2 * INNER_SPLITS:
            raise ValueError(f"Fold {number + 1} has only {len(train)} training rows.")
    return splits


def list_splits(cv: Any, X: Any, y: Any = None) -> Splits:
    """Return the folds of a splitter, or of a list of them."""
    if hasattr(cv, "split") and not isinstance(cv, str):  # strings split, too
        splits = list(cv.split(X, y))
    elif isinstance(cv, Iterable) and not isinstance(cv, str):
        splits = [(np.asarray(train), np.asarray(test)) for train, test in cv]
    else:
        raise TypeError(f"cv={cv!r}: give a number of folds, a splitter, or a list of splits.")
    if not splits:
        raise ValueError("cv gives no folds.")
    return splits


def _check_rows(cv: int, y: np.ndarray, task: str) -> None:
    if task == "regression":
        needed = max(cv, 3 * INNER_SPLITS)
        if len(y) < needed:
            raise ValueError(f"{len(y)} rows are too few: cv={cv} needs at least {needed}.")
        return
    classes, counts = np.unique(y, return_counts=True)
    # Each fold holds out at most ceil(count / cv) rows of a class and needs some to tune on.
    needed = max(cv, next(c for c in range(cv * 8) if c - -(-c // cv) >= INNER_SPLITS))
    if counts.min() < needed:
        rare = str(classes[counts.argmin()])
        raise ValueError(
            f"Class {rare!r} has {counts.min()} rows: cv={cv} with {INNER_SPLITS} inner folds "
            f"needs at least {needed} of each class. Use a smaller cv, more rows, or merge "
            "classes."
        )


def inner_cv(task: str, seed: int, gap: int = 0) -> BaseCrossValidator:
    """Return the splits on which every model is tuned, inside an outer fold.

    For a series they go forward in time, with a gap of so many windows.
    """
    if task == "series":
        return TimeSeriesSplit(INNER_SPLITS, gap=gap)
    kind = StratifiedKFold if task == "classification" else KFold
    return kind(INNER_SPLITS, shuffle=True, random_state=seed)
