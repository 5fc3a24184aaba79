"""What is shown of each model, in every table: columns, means and spreads."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np

from skquantum.comparison._measure import FoldResult


@dataclass(frozen=True)
class Column:
    """A measured quantity: its key, its title, and which end is the better one."""

    key: str
    title: str
    higher_is_better: bool
    help: str = ""

    def parts(self, mean: float, std: float) -> tuple[str, str, str]:
        """Return mean, spread and unit as text; empty where there is none."""
        if not np.isfinite(mean):
            return "–", "", ""
        if self.key in ERRORS and 0 < abs(mean) < 0.01:  # three places would leave no digits
            return f"{mean:.2e}", f"± {std:.1e}" if np.isfinite(std) else "", ""
        unit, digits = "", 3 if abs(mean) < 100 else 1
        if self.key in TIMES:
            unit, size = next((u, s) for u, s in UNITS if mean >= s or u == UNITS[-1][0])
            mean, std = mean / size, std / size
            digits = 2 if mean < 10 else 1 if mean < 100 else 0
        spread = f"± {std:.{digits}f}" if np.isfinite(std) else ""
        return f"{mean:.{digits}f}", spread, unit

    def shown(self, mean: float, std: float) -> str:
        """Return mean and spread on one line."""
        return " ".join(filter(None, self.parts(mean, std)))


SCORE = "score"
UNITS = (("s", 1.0), ("ms", 1e-3), ("µs", 1e-6))
ERRORS = ("mse", "rmse", "mae")
TIMES = ("fit_time", "predict_time")
_COSTS = (
    Column("fit_time", "fit", False, "One fit with the chosen settings; the search comes on top."),
    Column(
        "predict_time", "predict / row", False, "Time of predict on the test fold, by its rows."
    ),
)
COLUMNS: dict[str, tuple[Column, ...]] = {
    "classification": (
        Column("accuracy", "accuracy", True),
        Column("balanced_accuracy", "balanced acc.", True, "Mean recall of the classes."),
        Column("f1_macro", "macro F1", True),
        Column("roc_auc", "ROC AUC", True, "One class against the rest, if more than two."),
        Column("brier", "Brier score", False, "Mean squared error of the probabilities."),
        Column("ece", "calib. error", False, "Expected calibration error, 15 bins."),
        Column("log_loss", "log loss", False),
        *_COSTS,
    ),
    "regression": (
        Column("r2", "R²", True),
        Column("rmse", "RMSE", False),
        Column("mae", "MAE", False),
        *_COSTS,
    ),
    "series": (
        Column(
            "neg_log_rmse",
            "−ln RMSE",
            True,
            "Minus the logarithm of the root mean squared error: 0.02 is about 2 % of error.",
        ),
        Column("mse", "MSE", False),
        Column("mae", "MAE", False),
        Column("r2", "R²", True),
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


def time_against(mine: float, theirs: float) -> str:
    """Return two times next to one another, the unit once if it is the same."""
    column = _COSTS[1]
    (size, _, unit), (other, _, its_unit) = (column.parts(s, np.nan) for s in (mine, theirs))
    return f"{size}{'' if unit == its_unit else ' ' + unit} against {other} {its_unit}"


def columns(task: str, metric: str) -> tuple[Column, ...]:
    """Return the columns of a task, the deciding score first, and once."""
    rest = COLUMNS[task]
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
        numbers = sorted({one[key] for one in found if key in one})
        low, high = _number(numbers[0]), _number(numbers[-1])
        shown[RESOURCES.get(key, key)] = low if low == high else f"{low} to {high}"
    return shown


def _number(value: Any) -> str:
    return f"{value:,}" if isinstance(value, int | float | np.number) else str(value)
