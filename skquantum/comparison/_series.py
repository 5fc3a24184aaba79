"""Series: by name or from a file, cut into windows, and split forward in time."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.metrics import mean_squared_error
from sklearn.model_selection import TimeSeriesSplit

from skquantum import datasets
from skquantum._validation import install_hint, plain, unknown
from skquantum.comparison._data import (
    INNER_SPLITS,
    Data,
    Splits,
    find_file,
    list_splits,
    not_numeric,
    read_file,
)

WINDOW, HORIZON = 12, 1  # what is taken where nothing is said
# Windows with which the first of the inner folds, the shortest, is learned.
FEWEST_WINDOWS = 3
# Share of values beyond all training values from which on a series counts as one with a trend.
TREND = 0.4


@dataclass(frozen=True)
class Windowing:
    """How a series is cut.

    Attributes
    ----------
    window, horizon : int
        Values that a model sees, and values that it forecasts.
    season : int or None
        Steps of a season, for the seasonal naive forecast; None lets it find one.
    """

    window: int = WINDOW
    horizon: int = HORIZON
    season: int | None = None

    @property
    def gap(self) -> int:
        """Windows to leave out between training and test, whose targets are in both."""
        return self.horizon - 1

    def __str__(self) -> str:
        steps = "1 step" if self.horizon == 1 else f"{self.horizon} steps"
        return f"windows of {self.window}, {steps} ahead"


def make_windowing(window: Any, horizon: Any, season: Any) -> Windowing:
    """Check how a series is to be cut."""
    given = {"window": window, "horizon": horizon, "season": season}
    for name, value in given.items():
        if value is not None and not (
            isinstance(value, int | np.integer) and not isinstance(value, bool) and value >= 1
        ):
            raise ValueError(f"{name}={value!r}: give a whole number of at least 1.")
    found = Windowing(**{name: int(value) for name, value in given.items() if value is not None})
    if found.season is not None and found.season > found.window:
        raise ValueError(
            f"season={found.season} is longer than window={found.window}, so a window does not "
            f"hold the value of one season ago: give window={found.season} or more."
        )
    return found


def check_series(series: Any) -> np.ndarray:
    """Return a series as finite float64 that varies, or say what is wrong with it."""
    values = np.asarray(series)
    if values.ndim == 2 and values.shape[1] == 1:
        values = values[:, 0]
    if values.ndim != 1:
        raise ValueError(
            f"A series has one value for each time, shape (n_timesteps,); this has shape "
            f"{values.shape}. Give one column."
        )
    if not len(values):
        raise ValueError("The series is empty.")
    if not_numeric(values):
        raise ValueError(
            f"The series must be numeric, but it holds values such as {str(values[0])!r}."
        )
    values = values.astype(np.float64)
    gaps = np.flatnonzero(~np.isfinite(values))
    if len(gaps):
        raise ValueError(
            f"The series is missing or infinite at {len(gaps)} of {len(values)} times, first at "
            f"number {gaps[0]} (from 0): fill the gaps, by interpolation for instance."
        )
    if np.ptp(values) == 0:
        raise ValueError(
            f"The series is {values[0]:g} at all times: there is nothing to forecast."
        )
    return values


def times_of(series: Any) -> list[str] | None:
    """Return the dates of a series that has any, as a pandas Series with an index of dates has.

    Parameters
    ----------
    series : array-like

    Returns
    -------
    times : list of str or None
        As in ISO 8601, without the hours where all are midnight.

    Raises
    ------
    ValueError
        If the dates don't rise.
    """
    index: Any = getattr(series, "index", None)
    index = index.to_timestamp() if hasattr(index, "to_timestamp") else index
    if getattr(getattr(index, "dtype", None), "kind", "") != "M":
        return None
    index = index.tz_localize(None) if getattr(index, "tz", None) is not None else index
    dates = np.asarray(index, dtype="datetime64[s]")
    if not (dates[1:] > dates[:-1]).all():
        raise ValueError(
            "The dates of the series don't rise from one value to the next: sort the series by "
            "its index, and leave out what stands twice."
        )
    days = dates.astype("datetime64[D]")
    return [str(date) for date in (days if (days == dates).all() else dates)]


def cut(series: Any, windows: Windowing, cv: Any) -> tuple[np.ndarray, np.ndarray]:
    """Return windows and what follows them, after checking that the series is long enough."""
    values = check_series(series)
    folds = int(cv) if isinstance(cv, int | np.integer) else 1
    # The first of the outer folds learns from one part in folds + 1, the first of the inner ones
    # from one part in INNER_SPLITS + 1 of that, both without the gap.
    inner = (INNER_SPLITS + 1) * (windows.gap + FEWEST_WINDOWS)
    needed = (folds + 1) * (windows.gap + inner) + windows.window + windows.horizon - 1
    if len(values) < needed:
        raise ValueError(
            f"The series has {len(values)} values, too few: window={windows.window}, "
            f"horizon={windows.horizon} and cv={cv} need at least {needed}. Use a longer series, "
            "a shorter window or horizon, or fewer folds."
        )
    return datasets.make_windows(values, windows.window, windows.horizon)


def tail(series: Any, n: int) -> np.ndarray:
    """Return the last `n` values of a series."""
    if not 2 <= n <= len(series):
        raise ValueError(
            f"A subsample of {n} values was asked for: the series has {len(series)} values."
        )
    return series.iloc[-n:] if hasattr(series, "iloc") else np.asarray(series)[-n:]


def forward_splits(cv: Any, X: np.ndarray, gap: int) -> Splits:
    """Return outer folds of which each is learned from what lies before it."""
    if isinstance(cv, int | np.integer) and not isinstance(cv, bool):
        if cv < 2:
            raise ValueError(f"cv={cv}: give at least 2 folds.")
        return list(TimeSeriesSplit(int(cv), gap=gap).split(X))
    splits = list_splits(cv, X)
    for number, (train, test) in enumerate(splits, start=1):
        if np.max(train) + gap >= np.min(test):
            raise ValueError(
                f"Fold {number} learns from windows whose forecasts reach into its test windows: "
                f"a series needs folds in the order of time, such as TimeSeriesSplit(gap={gap})."
            )
        if len(train) < (INNER_SPLITS + 1) * (gap + FEWEST_WINDOWS):
            raise ValueError(
                f"Fold {number} has only {len(train)} training windows, too few to tune on."
            )
    return splits


def neg_log_rmse(estimator: BaseEstimator, X: Any, y: np.ndarray) -> float:
    """Score forecasts by minus the logarithm of their root mean squared error.

    Differences of it are logarithms of ratios of errors, whatever the unit of the series, and
    0.02 of it is about 2 % of error. Errors below rounding count as rounding.
    """
    error = np.sqrt(mean_squared_error(y, estimator.predict(X)))
    rounding = np.finfo(np.float64).eps * max(float(np.abs(y).max()), np.finfo(np.float64).tiny)
    return -float(np.log(max(error, rounding)))


def cautions_of_series(y: np.ndarray, splits: Splits) -> list[str]:
    """Warn of a trend, which most models cannot follow."""
    shares = []
    for train, test in splits:
        low, high = y[train].min(), y[train].max()
        shares.append(np.mean((y[test] < low) | (y[test] > high)))
    beyond = np.mean(shares)
    if not beyond > TREND:
        return []
    return [
        f"{beyond:.0%} of the values to forecast lie beyond all values learned from: the series "
        "has a trend. Trees, kernels, networks and circuits cannot follow it, linear models can. "
        "Compare on the differences of the series instead (numpy.diff)."
    ]


# --- series by name -----------------------------------------------------------------------------


def _shipped(name: str, read: Callable[[Any], Any]) -> Any:
    """Return a series that comes with statsmodels."""
    try:
        import statsmodels.api as sm  # type: ignore[import-untyped]
    except ImportError:
        raise ImportError(
            f"The series {name!r} comes with statsmodels: {install_hint('series')}."
        ) from None
    return read(getattr(sm.datasets, name).load_pandas().data)


def _sunspots(table: Any) -> Any:
    return _dated(table["SUNACTIVITY"].to_numpy(np.float64), table["YEAR"].iloc[0], "YS")


def _co2(table: Any) -> Any:
    return table["co2"].resample("MS").mean().interpolate()


def _elnino(table: Any) -> Any:
    values = table.drop(columns="YEAR").to_numpy(np.float64).ravel()
    return _dated(values, table["YEAR"].iloc[0], "MS")


def _dated(values: np.ndarray, first_year: float, step: str) -> Any:
    """Return a series with dates, from the first day of a year on."""
    import pandas as pd

    dates = pd.date_range(f"{int(first_year)}-01-01", periods=len(values), freq=step, unit="s")
    return pd.Series(values, dates)


@dataclass(frozen=True)
class NamedSeries:
    """A series that the command line knows by name."""

    load: Callable[[], Any]
    description: str


#: Series by name: those of `skquantum.datasets`, and real ones out of statsmodels.
SERIES: dict[str, NamedSeries] = {
    "damped_pendulum": NamedSeries(datasets.make_damped_pendulum, "generated"),
    "bessel_j2": NamedSeries(datasets.make_bessel, "generated"),
    "delayed_quantum_control": NamedSeries(datasets.make_delayed_quantum_control, "generated"),
    "population_inversion": NamedSeries(datasets.make_population_inversion, "generated"),
    "narma5": NamedSeries(lambda: datasets.make_narma(order=5), "generated"),
    "narma10": NamedSeries(lambda: datasets.make_narma(order=10), "generated"),
    "sunspots": NamedSeries(lambda: _shipped("sunspots", _sunspots), "yearly, 1700 to 2008"),
    "co2": NamedSeries(lambda: _shipped("co2", _co2), "monthly means, gaps interpolated"),
    "elnino": NamedSeries(
        lambda: _shipped("elnino", _elnino), "monthly sea temperatures, 1950 to 2010"
    ),
}


def load_series(source: str, column: str | None = None, decimal: str | None = None) -> Data:
    """Load a series by name, or a column of a file.

    The order is that of the rows, or of their dates where one column holds dates.

    Parameters
    ----------
    source : str
        One of `SERIES`, or a path.
    column : str or None, default=None
        The column, in a file. May be left out if one is called "target", or one only is numeric.
    decimal : {".", ","} or None, default=None
        The decimal mark of a file's numbers; None finds it out.

    Returns
    -------
    data : Data
        The series is its `X`; it has no `y`.

    Raises
    ------
    ValueError
        If there is no such series, file or column.
    ImportError
        If the package that ships the series, or pandas for a file, is not installed.
    """
    if source in SERIES:
        if column is not None:
            raise ValueError(f"{source} is a series by name: its column cannot be chosen.")
        return Data(source, SERIES[source].load(), None, "series", (SERIES[source].description,))
    path = find_file(source, "series", SERIES)
    frame, table, repeated = read_file(path, decimal)
    column = _column_of(table.frame, column)
    if column in repeated:
        raise ValueError(f"{path} has two columns called {column!r}: which is the series?")
    rows, notes = _in_order(table.frame, column), list(table.notes)
    if not rows.index.equals(table.frame.index):
        notes.append("The rows are sorted by their dates.")
    notes += [f"{column}: {said}." for said in table.done.get(column, ())]
    dates = _dates_of(table.frame, column)
    series = rows[column] if dates is None else rows.set_index(dates)[column]
    return Data(f"{column} of {path.name}", series, None, "series", tuple(notes))


def _column_of(frame: Any, column: str | None) -> str:
    columns = list(frame.columns)
    if column is None:
        numeric = [name for name in columns if not not_numeric(frame[name].to_numpy())]
        if "target" not in columns and len(numeric) != 1:
            raise ValueError(
                "Which column is the series? Name it with --target, one of: "
                f"{', '.join(numeric or columns)}."
            )
        return "target" if "target" in columns else numeric[0]
    column = plain(" ".join(column.split()))
    if column not in columns:
        raise ValueError(unknown("column", column, columns))
    return column


def _dates_of(frame: Any, column: str) -> str | None:
    """Return the name of the one column that holds dates, if there is one."""
    dates = [name for name in frame if frame[name].dtype.kind == "M" and name != column]
    return dates[0] if len(dates) == 1 else None


def _in_order(frame: Any, column: str) -> Any:
    """Return rows in the order of their dates, where one column holds dates."""
    dates = _dates_of(frame, column)
    if dates is None:
        return frame
    if frame[dates].isna().any():
        raise ValueError(f"Some dates in column {dates!r} are missing: the order is not known.")
    twice = frame.loc[frame[dates].duplicated(), dates]
    if len(twice):
        raise ValueError(
            f"{len(twice)} dates in column {dates!r} stand twice, such as {twice.iloc[0]}: a "
            "series has one value for each date. Keep one of the rows, or their mean."
        )
    return frame.sort_values(dates)
