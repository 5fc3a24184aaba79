"""What is shown of each model, in every table: columns, means and spreads."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from skquantum._validation import plain
from skquantum.comparison._measure import FoldResult


@dataclass(frozen=True)
class Column:
    """A measured quantity: its key, its title, and which end is the better one.

    With `is_log_error` it is minus the logarithm of an error, and shown as that error.
    """

    key: str
    title: str
    higher_is_better: bool
    help: str = ""
    is_log_error: bool = False

    @property
    def arrow(self) -> str:
        """Say which end is better of what is shown."""
        return "↑" if self.higher_is_better and not self.is_log_error else "↓"

    def seen(self, value: Any) -> Any:
        """Return what is shown for a value."""
        return np.exp(-value) if self.is_log_error else value

    def parts(self, mean: float, std: float) -> tuple[str, str, str]:
        """Return mean, spread and unit as text; empty where there is none."""
        if not np.isfinite(mean):
            return "–", "", ""
        if self.is_log_error:  # a spread of logarithms is a relative one
            mean = self.seen(mean)
            std = mean * std
        is_error = self.is_log_error or self.key in ERRORS
        if is_error and 0 < abs(mean) < 0.01:  # three places would leave no digits
            return f"{mean:.2e}", f"± {std:.1e}" if np.isfinite(std) else "", ""
        unit, digits = "", 3 if abs(mean) < 100 else 1
        if self.key in TIMES:
            unit, size = next((u, s) for u, s in UNITS if mean >= s or u == UNITS[-1][0])
            mean, std = mean / size, std / size
            digits = 2 if mean < 10 else 1 if mean < 100 else 0
        spread = f"± {std:.{digits}f}" if np.isfinite(std) else ""
        return f"{mean:.{digits}f}", spread, unit

    def shown(self, mean: float, std: float = np.nan) -> str:
        """Return mean and spread on one line."""
        return " ".join(filter(None, self.parts(mean, std)))


SCORE = "score"
SHORT = 12  # letters of a class in a title
UNITS = (("s", 1.0), ("ms", 1e-3), ("µs", 1e-6))
ERRORS = ("mse", "rmse", "mae")
TIMES = ("fit_time", "predict_time")
_COSTS = (
    Column(
        "fit_time",
        "fit",
        False,
        "Time of one fit with the chosen settings; the search for them comes on top.",
    ),
    Column(
        "predict_time",
        "predict / row",
        False,
        "Time of a prediction: of the test rows in one batch, divided by their number.",
    ),
)
_R2 = Column(
    "r2", "R²", True, "Share of the target's variance that is explained: 1 is perfect, 0 the mean."
)
_MAE = Column("mae", "MAE", False, "Mean absolute error, in the target's unit.")
COLUMNS: dict[str, tuple[Column, ...]] = {
    "classification": (
        Column("accuracy", "accuracy", True, "Share of rows whose class is predicted right."),
        Column(
            "balanced_accuracy",
            "balanced acc.",
            True,
            "Share predicted right within each class, mean over classes: rare classes count as "
            "much as frequent ones.",
        ),
        Column(
            "f1_macro",
            "macro F1",
            True,
            "Harmonic mean of precision (of the rows taken for a class, how many are of it) and "
            "recall (of the rows of a class, how many are found); mean over classes.",
        ),
        Column(
            "false_positive_rate",
            "false pos.",
            False,
            "Share of the rows that are not of a class, but taken for it: of two classes, of the "
            "second one in the matrix of confusions; of more, the mean over classes.",
        ),
        Column(
            "roc_auc",
            "ROC AUC",
            True,
            "Area under the ROC curve: how often a row of the class gets a higher probability "
            "than one of another class; of more than two classes, each against the rest.",
        ),
        Column(
            "brier",
            "Brier score",
            False,
            "Mean squared error of the predicted probabilities: 0 is perfect.",
        ),
        Column(
            "ece",
            "calib. error",
            False,
            "Expected calibration error: how far confidence and share of right predictions lie "
            "apart, in 15 bins.",
        ),
        Column(
            "log_loss",
            "log loss",
            False,
            "Minus the mean logarithm of the probability given to the true class: punishes being "
            "sure and wrong.",
        ),
        *_COSTS,
    ),
    "regression": (
        _R2,
        Column("rmse", "RMSE", False, "Root mean squared error, in the target's unit."),
        _MAE,
        *_COSTS,
    ),
    "series": (
        Column(
            "neg_log_rmse",
            "RMSE",
            True,
            "Root mean squared error in the series' own unit; over folds the geometric mean, as "
            "the rule compares ratios of errors.",
            is_log_error=True,
        ),
        _MAE,
        Column(
            "skill",
            "skill",
            True,
            "1 - RMSE / RMSE of the seasonal naive forecast: 0 is as good as repeating the last "
            "season, 1 is perfect, below 0 is worse.",
        ),
        _R2,
        *_COSTS,
    ),
}

RESOURCES = {
    "n_cell_circuits": "circuits of a cell",
    "n_parameters": "trained numbers",
    "n_qubits": "qubits",
    "depth": "depth",
    "n_one_qubit_gates": "one-qubit gates",
    "n_two_qubit_gates": "two-qubit gates",
    "n_circuits": "circuits a fit costs on hardware",
    "n_simulations": "simulations run in a fit",
}


def duration(seconds: float) -> str:
    """Return a time with its unit, in three digits."""
    unit, size = next((u, s) for u, s in UNITS if seconds >= s or u == UNITS[-1][0])
    return f"{seconds / size:.3g} {unit}"


def in_words(seconds: float) -> str:
    """Return a time as people say it: seconds up to two minutes, then minutes, hours, days."""
    for unit, size, most in (("s", 1, 120), ("min", 60, 7200), ("hours", 3600, 172800)):
        if seconds < most:
            number = seconds / size
            whole = f"{max(1, math.ceil(number))}"
            return f"{f'{number:.1f}' if unit == 'hours' else whole} {unit}"
    return f"{seconds / 86400:,.0f} days"


def time_against(mine: float, theirs: float) -> str:
    """Return two times next to one another, the unit once if it is the same."""
    column = _COSTS[1]
    (size, _, unit), (other, _, its_unit) = (column.parts(s, np.nan) for s in (mine, theirs))
    return f"{size}{'' if unit == its_unit else ' ' + unit} against {other} {its_unit}"


def columns(task: str, metric: str, classes: Sequence[Any] = ()) -> tuple[Column, ...]:
    """Return the columns of a task, the deciding score first, and once.

    Of two classes the second is the one that rows are taken for.
    """
    rest = COLUMNS[task]
    if len(classes) == 2:
        title, key = f"false {plain(classes[1])[:SHORT]!r}", "false_positive_rate"
        rest = tuple(replace(c, title=title) if c.key == key else c for c in rest)
    first = next((column for column in rest if column.key == metric), None)
    if first is None:
        return (Column(SCORE, metric, True), *rest)
    return (first, *(column for column in rest if column is not first))


def values(results: Iterable[FoldResult], key: str) -> np.ndarray:
    """Return a quantity over the folds that were finished without an error."""
    return np.array(
        [
            getattr(result, key) if key in TIMES else result.metrics.get(key, np.nan)
            for result in results
            if result.error is None
        ]
    )


def mean_and_spread(results: Iterable[FoldResult], key: str) -> tuple[float, float]:
    """Return mean and standard deviation (n - 1) over folds, NaN where they are too few."""
    found = values(results, key)
    found = found[np.isfinite(found)]
    mean = float(found.mean()) if len(found) else np.nan
    return mean, float(found.std(ddof=1)) if len(found) > 1 else np.nan


def resources(results: Iterable[FoldResult]) -> dict[str, str]:
    """Return what the circuits of a quantum model cost, as a range where folds differ."""
    found: list[dict[str, Any]] = [r.resources for r in results if r.resources]
    shown = {}
    for key in dict.fromkeys(key for one in found for key in one):
        numbers = sorted({one[key] for one in found if one.get(key) is not None})
        if not numbers:  # a kernel that does not say what it costs
            continue
        low, high = _number(numbers[0]), _number(numbers[-1])
        shown[RESOURCES.get(key, key)] = low if low == high else f"{low} to {high}"
    return shown


def _number(value: Any) -> str:
    return f"{value:,}" if isinstance(value, int | float | np.number) else str(value)
