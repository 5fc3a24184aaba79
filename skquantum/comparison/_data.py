"""Data sets by name or from a file, and the checks that come before any computing."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
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

from skquantum._validation import install_hint, plain, unknown
from skquantum.comparison._read import BINARY, EXCEL, FILES, TEXT, read_excel, read_text
from skquantum.comparison._table import YES_IS_ONE, Table, tidy
from skquantum.comparison._values import Hints, decimal_commas

#: Data sets that come with scikit-learn, by name, with their tasks.
BUILT_IN = {
    "iris": (datasets.load_iris, "classification"),
    "wine": (datasets.load_wine, "classification"),
    "breast_cancer": (datasets.load_breast_cancer, "classification"),
    "digits": (datasets.load_digits, "classification"),
    "diabetes": (datasets.load_diabetes, "regression"),
}

INNER_SPLITS = 3
# Above this a numeric target with few rows of each value is taken for a quantity.
MANY_CLASSES, ROWS_PER_CLASS = 20, 10
IF_QUANTITY = (
    "If it is a quantity, the task is regression: say so with task='regression' "
    "(--task regression)."
)


@dataclass(frozen=True)
class Data:
    """A data set to compare models on."""

    name: str
    X: Any
    y: np.ndarray | None  # None for a series, which is its own target
    task: str
    notes: tuple[str, ...] = ()
    read: Table | None = None  # the features as they were read from a file
    target: str = "target"

    def table_of(self, X: Any) -> Any:
        """Return rows of the features, from a file with what was done to read them."""
        return X if self.read is None else replace(self.read, frame=X)


def load_data(source: str, target: str | None = None, decimal: str | None = None) -> Data:
    """Load a built-in data set by name, or a table from a file.

    Parameters
    ----------
    source : str
        One of `BUILT_IN`, or a path.
    target : str or None, default=None
        The column to predict, in a file. May be left out if there is one called "target".
        Rows without a value in it are left out.
    decimal : {".", ","} or None, default=None
        The decimal mark of a file's numbers; None finds it out column by column.

    Returns
    -------
    data : Data
        With task "auto" where it is the target that has to tell, and notes on what was not
        taken as it is in the file.

    Raises
    ------
    ValueError
        If there is no such data set, file or column, or the file is no table.
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
    path = find_file(source, "built-in data set", BUILT_IN)
    frame, table, repeated = read_file(path, decimal)
    column = _target_column(list(table.frame), target)
    if column in repeated:
        raise ValueError(f"{path} has two columns called {column!r}: which is to be predicted?")
    table, y = split_target(frame, table, column)
    if not table.frame.shape[1]:
        raise ValueError(f"{path} has no column besides {column!r}: there is none to learn from.")
    return Data(path.name, table.frame, y, "auto", tuple(table.notes), table, column)


def find_file(source: str, what: str, known: Iterable[str]) -> Path:
    """Return the path of a file that can be read, or say what the source may be instead."""
    path = Path(source)
    if path.suffix.lower() not in FILES:
        files = f"a file that ends in {', '.join(FILES)} works too"
        if path.is_file():
            raise ValueError(
                f"{source} can't be read as a table: it has to end in {', '.join(FILES)}."
            )
        raise ValueError(unknown(what, source, known, files))
    if not path.is_file():
        raise ValueError(f"There is no file {source!r}.")
    return path


def read_file(path: Path, decimal: str | None = None) -> tuple[Any, Table, set[str]]:
    """Read a table.

    Returns
    -------
    frame : pandas.DataFrame
        As it stands in the file: text, where the file is one.
    table : Table
        Its columns as numbers, yes or no, dates and text, and what was done for that.
    repeated : set of str
        Names that stand twice in the file.
    """
    try:
        import pandas as pd
    except ImportError:
        raise ImportError(f"Reading a file needs pandas: {install_hint('data')}.") from None
    suffix = path.suffix.lower()
    hints, notes, repeated = Hints(decimal), [], set[str]()
    try:
        if suffix in BINARY:
            frame = getattr(pd, BINARY[suffix])(path)
        else:
            raw = read_excel(path) if suffix in EXCEL else read_text(path)
            columns = list(zip(*raw.rows, strict=True))
            frame = pd.DataFrame(dict(zip(raw.names, columns, strict=True)), dtype=object)
            hints = Hints(decimal, decimal_commas(columns), raw.separator == ",")
            notes, repeated = raw.notes, raw.repeated
    except ImportError:
        raise  # which says what to install
    except Exception as error:  # whatever the readers of binary formats raise
        raise ValueError(f"{path} could not be read: {error}") from error
    if not frame.size:
        raise ValueError(f"{path} could not be read: it has no rows.")
    frame.columns = [plain(name) for name in frame.columns]
    table = tidy(frame, hints)
    table.notes += notes
    _without_index(table, suffix in TEXT)
    return frame, table, repeated


def _without_index(table: Table, is_text: bool) -> None:
    """Leave out a first column that is an index which pandas wrote."""
    first = table.frame.columns[0]
    if not is_text or first not in ("column 1", "Unnamed: 0") or table.frame.shape[1] < 2:
        return
    values = np.asarray(table.frame[first])
    if any(np.array_equal(values, np.arange(len(values)) + start) for start in (0, 1)):
        table.frame = table.frame.drop(columns=first)
        table.notes.append("The first column has no name and counts the rows: it is left out.")


def _target_column(columns: list[str], target: str | None) -> str:
    if target is None:
        if "target" not in columns:
            raise ValueError(
                "Which column is to be predicted? Name it with --target, one of: "
                f"{', '.join(columns)}."
            )
        return "target"
    target = plain(" ".join(target.split()))
    if target not in columns:
        raise ValueError(unknown("column", target, columns))
    return target


def split_target(frame: Any, table: Table, column: str) -> tuple[Table, np.ndarray]:
    """Take the target out of a table, and leave out rows that have none.

    Text, yes and no stay as they are written in the `frame` that the table was made of.
    """
    y, kept = target_values(frame, table, column)
    notes = list(table.notes)
    if missing := int((~kept).sum()):
        notes.append(
            f"The target {column!r} is missing in {missing:,} of {len(kept):,} rows: they are "
            "left out."
        )
    read = [said for said in table.done.get(column, ()) if said != YES_IS_ONE]
    if read:
        notes.append(f"The target {column!r} is read as numbers: {'; '.join(read)}.")
    done = {name: said for name, said in table.done.items() if name != column}
    examples = {name: texts for name, texts in table.examples.items() if name != column}
    features = table.frame.drop(columns=column)[kept].reset_index(drop=True)
    return Table(features, done, notes, examples, table.hints), y


def target_values(frame: Any, table: Table, column: str) -> tuple[np.ndarray, np.ndarray]:
    """Return the target of the rows that have one, and which these are."""
    if column not in table.frame:
        raise ValueError(f"The target {column!r} can't be predicted: {table.done[column][0]}.")
    values = table.frame[column]
    if values.dtype.kind == "M":
        raise ValueError(f"The target {column!r} holds dates, which no model here predicts.")
    if YES_IS_ONE in table.done.get(column, ()):
        values = frame[column].astype(object).where(values.notna(), None)
    kept = values.notna().to_numpy()
    if not kept.any():
        raise ValueError(f"The target {column!r} is missing in all rows.")
    y = values[kept].to_numpy()
    if y.dtype.kind not in "biuf":
        return np.array([plain(str(value).strip()) for value in y]), kept
    whole = y.dtype.kind == "f" and np.array_equal(y, np.round(y))
    return (y.astype(np.int64) if whole else y), kept


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
            else IF_QUANTITY
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
                    "more rows of it." + ("" if _is_text(y) else f" {IF_QUANTITY}")
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
            "classes." + ("" if _is_text(y) else f" {IF_QUANTITY}")
        )


def inner_cv(task: str, seed: int, gap: int = 0) -> BaseCrossValidator:
    """Return the splits on which every model is tuned, inside an outer fold.

    For a series they go forward in time, with a gap of so many windows.
    """
    if task == "series":
        return TimeSeriesSplit(INNER_SPLITS, gap=gap)
    kind = StratifiedKFold if task == "classification" else KFold
    return kind(INNER_SPLITS, shuffle=True, random_state=seed)
