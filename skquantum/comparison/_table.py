"""From columns of any kind to numbers: what is done to each, and the transformer that does it."""

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from itertools import chain
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.model_selection import KFold, StratifiedKFold
from sklearn.preprocessing import OneHotEncoder, TargetEncoder
from sklearn.utils.validation import check_is_fitted

from skquantum._documentation import DocumentedMixin
from skquantum._validation import install_hint, plain, unknown
from skquantum.comparison._values import (
    Hints,
    Values,
    compact_dates,
    decimal_commas,
    parse_column,
)

FEW = 10  # categories that get a column each
TEXT_PARTS = 4  # numbers that stand for a text
EXAMPLES = 200  # texts of a column that are kept, to read others as they were read
GAP = "(gap)"
YES_IS_ONE = "yes is 1, no 0"
#: Names of columns that tell rows apart.
IDENTIFIER = re.compile(r"(^|[\W_])(id|uid|uuid|guid|index|rownames?|row|key)$", re.IGNORECASE)
CAMEL_ID = re.compile(r"[a-z](Id|ID)$")


@dataclass
class Table:
    """Features as columns of numbers, yes or no, dates and text, and what is said of them.

    Attributes
    ----------
    frame : pandas.DataFrame
        Columns of float64, bool, datetime64 or object (text, None in gaps).
    done : dict of str to tuple of str
        What was done to a column to read it.
    notes : list of str
        Whole sentences about the table.
    examples : dict of str to list of str
        Some of the texts that a column was read from, if it was text.
    hints : Hints
        What it was read with.
    """

    frame: Any
    done: dict[str, tuple[str, ...]] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    examples: dict[str, list[str]] = field(default_factory=dict)
    hints: Hints = Hints()


def tidy(frame: Any, hints: Hints | None = None) -> Table:
    """Bring each column of a data frame to one of the four kinds that `Table` holds."""
    import pandas as pd

    names = [plain(name) for name in frame.columns]
    columns = [frame.iloc[:, i] for i in range(frame.shape[1])]
    if hints is None:
        text = (c.to_numpy(dtype=object) for c in columns if c.dtype == object or _is_str(c))
        hints = Hints(commas=decimal_commas(text))
    done, found = {}, {}
    for name, column in zip(names, columns, strict=True):
        found[name], done[name] = _tidy_column(name, column, hints)
    kept = {name: column for name, column in found.items() if column is not None}
    examples = {name: _examples(c) for name, c in zip(names, columns, strict=True)}
    examples = {name: texts for name, texts in examples.items() if texts}
    return Table(pd.DataFrame(kept, index=frame.index), done, [], examples, hints)


def _examples(column: Any) -> list[str]:
    """Return some distinct texts of a column, from all over it."""
    if column.dtype != object and not _is_str(column):
        return []
    texts = list(dict.fromkeys(text for text in column if isinstance(text, str)))
    return texts[:: -(-len(texts) // EXAMPLES) or 1]


def _is_str(column: Any) -> bool:
    import pandas as pd

    return isinstance(column.dtype, pd.StringDtype)


def _tidy_column(name: str, column: Any, hints: Hints) -> tuple[Any, tuple[str, ...]]:
    import pandas as pd
    from pandas.api import types

    if isinstance(column.dtype, pd.CategoricalDtype):
        return column.astype(object).map(str, na_action="ignore").astype(object), ()
    if types.is_datetime64_any_dtype(column.dtype):
        return _naive(column), ()
    if isinstance(column.dtype, pd.PeriodDtype):
        return column.dt.to_timestamp(), ()
    if types.is_timedelta64_dtype(column.dtype):
        return column.dt.total_seconds(), ("durations, in seconds",)
    if types.is_bool_dtype(column.dtype) and column.dtype != object:
        # A nullable column with gaps holds numbers, not truth values.
        return (column.astype("float64") if column.isna().any() else column.astype(bool)), ()
    if types.is_complex_dtype(column.dtype):
        return None, ("left out: complex numbers",)
    if types.is_numeric_dtype(column.dtype):
        return _finite(name, column)
    return _tidy_objects(name, column, hints)


def _naive(column: Any) -> Any:
    """Return dates in universal time, without saying so in each."""
    return column if column.dt.tz is None else column.dt.tz_convert("UTC").dt.tz_localize(None)


def _finite(name: str, column: Any) -> tuple[Any, tuple[str, ...]]:
    import pandas as pd

    whole = column.dtype.kind in "iu"
    if whole and len(column) and float(column.abs().max()) > 2**53:
        return column.map(str, na_action="ignore").astype(object), (
            "numbers too long to be exact",
        )
    values = column.astype("float64").to_numpy(dtype=np.float64, na_value=np.nan).copy()
    if (dates := compact_dates(name, values.tolist())) is not None:
        return pd.Series(pd.to_datetime(dates), index=column.index), ("dates as whole numbers",)
    infinite = np.isinf(values)
    values[infinite] = np.nan
    said = (f"infinite in {infinite.sum()} rows, taken for gaps",) if infinite.any() else ()
    return pd.Series(values, index=column.index), said


def _tidy_objects(name: str, column: Any, hints: Hints) -> tuple[Any, tuple[str, ...]]:
    """Read a column of text, or of objects of any kind."""
    import pandas as pd

    cells = column.to_numpy(dtype=object)
    given = [v for v in cells if not _is_gap(v)]
    if any(isinstance(v, list | dict | set | tuple | np.ndarray | bytes) for v in given):
        return None, ("left out: its cells are no single values",)
    if column.dtype == object and not any(isinstance(v, str) for v in given):
        inferred = column.infer_objects()
        if inferred.dtype != object and not _is_str(inferred):
            return _tidy_column(name, inferred, hints)
    read = parse_column(name, [None if _is_gap(v) else str(v) for v in cells], hints)
    series, said = _as_series(name, read, column.index)
    if isinstance(series.dtype, np.dtype) and series.dtype.kind == "f":
        series, more = _finite(name, series)
        return series, (*said, *more)
    return pd.Series(series), said


def _is_gap(value: Any) -> bool:
    import pandas as pd

    return value is None or value is pd.NA or value is pd.NaT or value != value


def _as_series(name: str, read: Values, index: Any) -> tuple[Any, tuple[str, ...]]:
    import pandas as pd

    if read.kind == "numbers":
        numbers = [np.nan if v is None else float(v) for v in read.values]
        return pd.Series(numbers, index=index, dtype="float64"), read.done
    if read.kind == "dates":
        return pd.Series(pd.to_datetime(read.values), index=index), read.done
    if read.kind == "yes or no":
        if None in read.values:
            numbers = [np.nan if v is None else float(v) for v in read.values]
            return pd.Series(numbers, index=index), (YES_IS_ONE,)
        return pd.Series(read.values, index=index, dtype=bool), (YES_IS_ONE,)
    return pd.Series(read.values, index=index, dtype=object), read.done


def select(columns: Sequence[str], asked: Any, option: str) -> list[str]:
    """Return the columns that a user names, in the order of the table.

    One name may hold several, separated by commas.
    """
    asked = [asked] if isinstance(asked, str) else list(asked)
    given = [[str(a)] if str(a) in columns else str(a).split(",") for a in asked]
    names = [plain(name.strip()) for name in chain.from_iterable(given)]
    for name in names:
        if name not in columns:
            raise ValueError(f"{option}: {unknown('column', name, columns)}")
    return [column for column in columns if column in names]


# --- what is done to a column -------------------------------------------------------------------


@dataclass(frozen=True)
class Plan:
    """What a column is taken for, and what is said of it; nothing is done to a "left out" one."""

    kind: str  # "number", "categories", "many categories", "text", "date" or "left out"
    said: str


def plan(name: str, column: Any, keep: bool = False) -> Plan:
    """Decide what is to be done to a column of a tidy table, by its values."""
    given = column.dropna()
    n_gaps, n_distinct = len(column) - len(given), given.nunique()
    if not len(given):
        return Plan("left out", "left out: empty")
    if n_distinct == 1 and not n_gaps:
        return Plan("left out", "left out: the same in all rows")
    if not keep and (why := _tells_rows_apart(name, given, n_distinct)):
        return Plan("left out", f"left out: {why}")
    if n_distinct == 1 and column.dtype.kind != "O":
        return Plan("gap or not", f"1 where it is a gap ({n_gaps} rows), else 0")
    filled = f"; {_counted(n_gaps, 'gap')} filled with the median" if n_gaps else ""
    if column.dtype.kind == "M":
        return Plan("date", f"date, as {TEXT_OF_DATES}{filled}")
    if column.dtype.kind == "b":
        return Plan("number", YES_IS_ONE)
    if column.dtype.kind != "O":
        return Plan("number", f"number{filled}")
    return _plan_text(given, n_gaps, n_distinct)


TEXT_OF_DATES = "year, month, day, weekday and what else varies"


def _counted(n: int, noun: str) -> str:
    return f"{n:,} {noun}" + ("" if n == 1 else "s")


def _tells_rows_apart(name: str, given: Any, n_distinct: int) -> str:
    """Say why a column is an identifier, "" if it is none.

    What is said of a table is said of most of its rows alone, too: each fold decides anew.
    """
    share = n_distinct / len(given)
    kind = given.dtype.kind
    if kind == "O" and n_distinct > FEW and share > 0.5 and (_is_name(name) or _words(given) < 2):
        return "it tells rows apart, or nearly"
    if kind != "f" or not (given == given.round()).all():
        return ""
    if _is_name(name) and share >= 0.9 and n_distinct > FEW:
        return "it tells rows apart, by its name"
    n = len(given)
    counts = n_distinct == n > FEW and 0 <= given.min() <= max(1, n / 5) and given.max() <= 2.5 * n
    return "it counts the rows" if counts else ""


def _is_name(name: str) -> bool:
    return IDENTIFIER.search(name) is not None or CAMEL_ID.search(name) is not None


def _words(given: Any) -> float:
    return float(np.mean([len(str(value).split()) for value in given[:1000]]))


def _plan_text(given: Any, n_gaps: int, n_distinct: int) -> Plan:
    gaps = f"; {_counted(n_gaps, 'gap')}" if n_gaps else ""
    if n_distinct + bool(n_gaps) == 2:
        first, second = sorted(set(given) | ({GAP} if n_gaps else set()))
        return Plan("categories", f"2 categories: {plain(second)} is 1, {plain(first)} 0")
    if n_distinct <= FEW:
        own = f"{gaps}, a category of their own" if n_gaps else ""
        return Plan("categories", f"{n_distinct} categories, a column for each{own}")
    if n_distinct > 0.5 * len(given):
        empty = f"{gaps} taken for empty texts" if n_gaps else ""
        return Plan("text", f"text, as {TEXT_PARTS} numbers from its words{empty}")
    own = f"{gaps}, a category of their own" if n_gaps else ""
    return Plan("many categories", f"{n_distinct} categories, each as the mean of its target{own}")


# --- doing it -----------------------------------------------------------------------------------
# Models in files hold the classes of this part, by the room's name.


class TableEncoder(TransformerMixin, DocumentedMixin, BaseEstimator):
    """Turn a table of numbers, yes or no, dates, categories and text into numbers.

    What is learned, medians and categories and which columns say nothing, is learned in `fit`:
    inside a pipeline, from training rows alone.

    Parameters
    ----------
    keep : tuple of str, default=()
        Columns that are not left out for telling rows apart.
    classes : bool, default=True
        Whether the target is one of classes.
    random_state : int, default=0
        Of the encodings of text and of many categories.

    Attributes
    ----------
    plans_ : dict of str to Plan
        What is done to each column.
    """

    def __init__(
        self, keep: tuple[str, ...] = (), classes: bool = True, random_state: int = 0
    ) -> None:
        self.keep = keep
        self.classes = classes
        self.random_state = random_state

    def fit(self, X: Any, y: Any = None) -> "TableEncoder":
        """Learn from training rows."""
        self.fit_transform(X, y)
        return self

    def fit_transform(self, X: Any, y: Any = None) -> np.ndarray:
        """Learn from training rows, and encode them.

        Categories that are replaced by means of their targets get those of other training rows.
        """
        self.plans_ = {name: plan(name, X[name], name in self.keep) for name in X.columns}
        self.parts_: dict[str, _Part] = {}
        blocks = []
        for name, found in self.plans_.items():
            if found.kind == "left out":
                continue
            part = PARTS[found.kind](self.classes, self.random_state)
            blocks.append(part.fit_transform(X[name], y))
            self.parts_[name] = part
        return self._joined(blocks, len(X))

    def transform(self, X: Any) -> np.ndarray:
        """Encode rows."""
        check_is_fitted(self, "parts_")
        return self._joined(
            [part.transform(X[name]) for name, part in self.parts_.items()], len(X)
        )

    @staticmethod
    def _joined(blocks: list[np.ndarray], n_rows: int) -> np.ndarray:
        # Where nothing varies in the training rows of a fold, models see one constant.
        return np.hstack(blocks) if blocks else np.zeros((n_rows, 1))


class _Part:
    """What encodes one column."""

    def __init__(self, classes: bool, seed: int) -> None:
        self.classes = classes
        self.seed = seed

    def fit_transform(self, column: Any, y: Any) -> np.ndarray:
        """Learn from a column of training rows and their targets, and encode it."""
        return self.transform(column)

    def transform(self, column: Any) -> np.ndarray:
        """Return the numbers that stand for a column, of shape (n_samples, n_numbers)."""
        raise NotImplementedError


class GapOrNot(_Part):
    def transform(self, column: Any) -> np.ndarray:
        return column.isna().to_numpy(np.float64)[:, None]


class Number(_Part):
    def fit_transform(self, column: Any, y: Any) -> np.ndarray:
        values = column.to_numpy(np.float64)
        self.median = np.nanmedian(values)
        return self.transform(column)

    def transform(self, column: Any) -> np.ndarray:
        values = column.to_numpy(np.float64)
        return np.where(np.isnan(values), self.median, values)[:, None]


class Categories(_Part):
    def fit_transform(self, column: Any, y: Any) -> np.ndarray:
        self.encoder = OneHotEncoder(handle_unknown="ignore", sparse_output=False)
        self.encoder.fit(_cells(column))
        return self.transform(column)

    def transform(self, column: Any) -> np.ndarray:
        found = self.encoder.transform(_cells(column))
        return found[:, 1:] if found.shape[1] == 2 else found


class ManyCategories(_Part):
    def fit_transform(self, column: Any, y: Any) -> np.ndarray:
        smallest = np.unique(y, return_counts=True)[1].min() if self.classes else len(y)
        folds = StratifiedKFold if self.classes else KFold
        self.encoder = TargetEncoder(
            target_type="auto" if self.classes else "continuous",
            cv=folds(int(np.clip(smallest, 2, 5)), shuffle=True, random_state=self.seed),
        )
        return self.encoder.fit_transform(_cells(column), y)

    def transform(self, column: Any) -> np.ndarray:
        return self.encoder.transform(_cells(column))


class Text(_Part):
    def fit_transform(self, column: Any, y: Any) -> np.ndarray:
        self.encoder = _skrub("StringEncoder")(TEXT_PARTS, random_state=self.seed)
        return np.asarray(self.encoder.fit_transform(_words_of(column)), np.float64)

    def transform(self, column: Any) -> np.ndarray:
        return np.asarray(self.encoder.transform(_words_of(column)), np.float64)


class Date(_Part):
    def fit_transform(self, column: Any, y: Any) -> np.ndarray:
        self.encoder = _skrub("DatetimeEncoder")(resolution="second", add_weekday=True)
        found = np.asarray(self.encoder.fit_transform(column), np.float64)
        self.medians = np.nanmedian(found, axis=0)
        # Parts that are the same in all training rows say nothing.
        self.varying = np.flatnonzero(np.nanmin(found, axis=0) < np.nanmax(found, axis=0))
        return self._filled(found)

    def transform(self, column: Any) -> np.ndarray:
        return self._filled(np.asarray(self.encoder.transform(column), np.float64))

    def _filled(self, found: np.ndarray) -> np.ndarray:
        return np.where(np.isnan(found), self.medians, found)[:, self.varying]


PARTS: dict[str, Callable[[bool, int], _Part]] = {
    "number": Number,
    "gap or not": GapOrNot,
    "categories": Categories,
    "many categories": ManyCategories,
    "text": Text,
    "date": Date,
}


def _cells(column: Any) -> np.ndarray:
    return column.where(column.notna(), GAP).to_numpy(dtype=object)[:, None]


def _words_of(column: Any) -> Any:
    return column.where(column.notna(), "").astype(str)


def check_encoders(kinds: dict[str, str]) -> None:
    """Raise an error now if a column of dates or text can't be encoded."""
    for name, kind in kinds.items():
        if kind in ("date", "text"):
            _skrub(
                "StringEncoder", f"The column {name!r} is one: leave it out (--drop, drop=...), or"
            )


def _skrub(name: str, otherwise: str = "Leave such columns out (--drop, drop=...), or") -> Any:
    try:
        import skrub
    except ImportError:
        raise ImportError(
            f"Dates and free text are encoded by skrub. {otherwise} {install_hint('data')}."
        ) from None
    return getattr(skrub, name)


# --- what gives the target away -----------------------------------------------------------------


def tell_all(frame: Any, y: np.ndarray, task: str) -> list[str]:
    """Return the columns of which one alone tells the target in every row.

    By its values, of which at least half stand in several rows, or by its order.
    """
    found: Iterable[str] = frame.columns
    return [name for name in found if _tells(frame[name], y, task == "classification")]


def _tells(column: Any, y: np.ndarray, classes: bool) -> bool:
    import pandas as pd

    given = column.notna().to_numpy()
    if given.sum() < 10 or given.sum() < 0.9 * len(y):
        return False
    codes, values = pd.factorize(column[given], sort=False)
    target = pd.factorize(y[given])[0] if classes else y[given].astype(np.float64)
    repeated = len(codes) - len(values) >= len(codes) / 2
    if repeated and len(pd.DataFrame({"c": codes, "y": target}).drop_duplicates()) == len(values):
        return True
    if column.dtype.kind not in "fM" or len(values) < 3:
        return False
    numbers = column[given].to_numpy().astype(np.float64)
    order = np.argsort(numbers, kind="stable")
    if classes:
        return _in_blocks(numbers[order], target[order])
    steps = np.diff(target[order])
    moved = np.diff(numbers[order]) > 0
    strict = bool(moved.all()) and (bool((steps > 0).all()) or bool((steps < 0).all()))
    return strict or abs(np.corrcoef(numbers, target)[0, 1]) > 1 - 1e-9


def _in_blocks(numbers: np.ndarray, classes: np.ndarray) -> bool:
    """Whether each class has an interval of its own."""
    changes = np.flatnonzero(np.diff(classes))
    clear = bool((numbers[changes] < numbers[changes + 1]).all())
    return clear and len(changes) + 1 == len(np.unique(classes))
