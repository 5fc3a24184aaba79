"""Every estimator with its defaults, on the data that newcomers try first.

Mean score over five times five stratified folds (twice five where fits take long, `REPEATS`; for
series one forward split into five) of each estimator as it is constructed, behind a StandardScaler
and, in brackets, without; beside it SVC() and LogisticRegression(), or SVR() and Ridge().
Transformers have the linear model behind them. Nothing is tuned. The defaults were chosen on the
other sets; penguins and cars, which come last, had no part in the choice. A star marks scores more
than 0.03 below the better of the classical ones; "!" raw scores more than 0.05 below the support
vector machine's without a warning, and "w" raw fits that warned.

    python benchmarks/evidence/defaults.py   # prints the table, in some five minutes on one core
    python benchmarks/evidence/defaults.py --repeats 1 --sets moons iris
    python benchmarks/evidence/defaults.py --rst docs/guide/defaults.rst.inc

Needs the test extra: statsmodels, palmerpenguins, mlxtend.
"""

import argparse
import time
import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.datasets import (
    load_breast_cancer,
    load_diabetes,
    load_digits,
    load_iris,
    load_wine,
    make_blobs,
    make_circles,
    make_friedman1,
    make_moons,
)
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.model_selection import (
    RepeatedKFold,
    RepeatedStratifiedKFold,
    TimeSeriesSplit,
    cross_val_score,
)
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC, SVR

from skquantum import (
    QLSTMRegressor,
    QuantumFeatureTransformer,
    QuantumKernelSVC,
    QuantumKernelSVR,
    QuantumPoolingTransformer,
    VariationalClassifier,
    VariationalRegressor,
)
from skquantum.comparison._series import load_series
from skquantum.datasets import make_windows

Rows = tuple[np.ndarray, np.ndarray]
ALLOWED = 0.03
WINDOW = 12


def make_xor() -> Rows:
    """Return points of four squares, labelled crosswise."""
    rng = np.random.RandomState(0)
    X = rng.uniform(-1, 1, (200, 2))
    return X + rng.normal(0, 0.05, X.shape), (X.prod(axis=1) > 0).astype(int)


def make_spirals() -> Rows:
    """Return points on two spirals of one and a half turns, with noise."""
    rng = np.random.RandomState(0)
    angle = np.sqrt(rng.uniform(0.03, 1, 100)) * 3 * np.pi
    arm = angle[:, None] * np.column_stack([np.cos(angle), np.sin(angle)])
    X = np.vstack([arm, -arm]) + rng.normal(0, 0.3, (200, 2))
    return X, np.repeat([0, 1], 100)


def some_digits() -> Rows:
    """Return 600 digits."""
    X, y = load_digits(return_X_y=True)
    rows = np.random.RandomState(0).permutation(len(y))[:600]
    return X[rows], y[rows]


def penguins() -> Rows:
    """Return the four measures of each penguin, and its species."""
    from palmerpenguins import load_penguins

    table = load_penguins().dropna()
    columns = ["bill_length_mm", "bill_depth_mm", "flipper_length_mm", "body_mass_g"]
    return table[columns].to_numpy(float), table["species"].to_numpy(str)


def cars() -> Rows:
    """Return the measures of each car, and its miles per gallon."""
    from mlxtend.data import autompg_data

    X, y = autompg_data()
    return np.asarray(X[:, :7], float), y


def windows(name: str) -> Callable[[], Rows]:
    """Return what makes rows of a series."""
    return lambda: make_windows(load_series(name).X, window=WINDOW)


CLASSES: dict[str, Callable[[], Rows]] = {
    "iris": lambda: load_iris(return_X_y=True),
    "moons": lambda: make_moons(200, noise=0.25, random_state=0),
    "circles": lambda: make_circles(200, noise=0.1, factor=0.4, random_state=0),
    "blobs": lambda: make_blobs(200, centers=3, cluster_std=2.0, random_state=0),
    "xor": make_xor,
    "spirals": make_spirals,
    "wine": lambda: load_wine(return_X_y=True),
    "cancer": lambda: load_breast_cancer(return_X_y=True),
    "digits": some_digits,
    "penguins": penguins,
}
NUMBERS: dict[str, Callable[[], Rows]] = {
    "diabetes": lambda: load_diabetes(return_X_y=True),
    "friedman1": lambda: make_friedman1(300, noise=1.0, random_state=0),
    "cars": cars,
}
SERIES = {name: windows(name) for name in ("sunspots", "elnino", "damped_pendulum")}
UNSEEN = ("penguins", "cars")
REPEATS = {name: 2 for name in ("wine", "cancer", "digits", *NUMBERS)}


def linear(classes: bool) -> BaseEstimator:
    """Return the linear model."""
    return LogisticRegression(max_iter=1000) if classes else Ridge()


def models(name: str) -> dict[str, Callable[[], BaseEstimator]]:
    """Return the estimators for a set, each with its defaults, the classical ones first."""
    classes, seed = name in CLASSES, {"random_state": 0}
    found: dict[str, Callable[[], BaseEstimator]] = {
        "SVM": SVC if classes else SVR,
        "linear": lambda: linear(classes),
        "QuantumKernelSVM": QuantumKernelSVC if classes else QuantumKernelSVR,
        "QuantumFeature": lambda: make_pipeline(
            QuantumFeatureTransformer(**seed), linear(classes)
        ),
        "Variational": lambda: (VariationalClassifier if classes else VariationalRegressor)(
            **seed
        ),
        "QuantumPooling": lambda: make_pipeline(
            QuantumPoolingTransformer(**seed), linear(classes)
        ),
    }
    if name in SERIES:
        found["QLSTM"] = lambda: QLSTMRegressor(**seed)
    return found


def scores(model: BaseEstimator, name: str, repeats: int) -> tuple[float, bool]:
    """Return the mean score over the folds, and whether a fit warned of anything."""
    X, y = (CLASSES | NUMBERS | SERIES)[name]()
    if name in SERIES:
        folds = TimeSeriesSplit(5)
    else:
        kind = RepeatedStratifiedKFold if name in CLASSES else RepeatedKFold
        folds = kind(n_splits=5, n_repeats=repeats, random_state=0)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        found = cross_val_score(model, X, y, cv=folds)
    if any(issubclass(w.category, ConvergenceWarning) for w in caught):
        print(f"{name}: {model} has not converged", flush=True)
    return float(found.mean()), bool(caught)


def line(name: str, repeats: int) -> list[str]:
    """Return a row of the table."""
    cells, scaled, raws = [name], {}, {}
    for model, make in models(name).items():
        start = time.perf_counter()
        scaled[model], _ = scores(make_pipeline(StandardScaler(), make()), name, repeats)
        raws[model], warned = scores(make(), name, repeats)
        seconds = time.perf_counter() - start
        best = max(scaled["SVM"], scaled.get("linear", -np.inf))
        classical = model in ("SVM", "linear")
        worse = not classical and scaled[model] < best - ALLOWED
        silent = not classical and not warned and raws[model] < raws["SVM"] - 0.05
        mark = "*" * worse, "!" * silent + "w" * (warned and not classical)
        cells.append(f"{scaled[model]:.3f}{mark[0]} ({raws[model]:.3f}{mark[1]})")
        print(f"{name:16} {model:18} {cells[-1]:18} {seconds:.1f} s", flush=True)
    return cells


def main() -> None:
    """Score everything, and print or write the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rst", type=Path, help="write the table to this file as well")
    parser.add_argument("--repeats", type=int, help="times five folds, for all sets")
    every = [*CLASSES, *NUMBERS, *SERIES]
    parser.add_argument("--sets", nargs="*", choices=every, default=every)
    args = parser.parse_args()
    seen = [name for name in args.sets if name not in UNSEEN]
    rows = [["data", *models("sunspots")]]
    for name in [*seen, *(n for n in args.sets if n in UNSEEN)]:
        rows.append(line(name, args.repeats or REPEATS.get(name, 5)))
        if args.rst:
            body = "\n".join("   " + "|".join([*r, ""][: len(rows[0])]) for r in rows)
            args.rst.write_text(f".. csv-table::\n   :header-rows: 1\n   :delim: |\n\n{body}\n")


if __name__ == "__main__":
    main()
