"""Accuracy of VariationalClassifier next to tuned classical models, on five small data sets.

make_moons and make_circles (200 rows), and iris, wine and breast cancer, which ship inside
scikit-learn; the last two are reduced to four principal components, for all models alike. Each
model is tuned by three inner folds, over six settings, and scored on five outer folds that the
tuning has not seen. All models see the same folds and the same standardised features.

    python benchmarks/accuracy.py            # prints the table, about two minutes
    python benchmarks/accuracy.py --rst docs/guide/accuracy.rst.inc
"""

import argparse
import warnings
from pathlib import Path

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.datasets import (
    load_breast_cancer,
    load_iris,
    load_wine,
    make_circles,
    make_moons,
)
from sklearn.decomposition import PCA
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import GridSearchCV, StratifiedKFold, cross_validate
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler

from skquantum import VariationalClassifier
from skquantum.comparison import BASELINES

SETS = {
    "moons": make_moons(200, noise=0.2, random_state=0),
    "circles": make_circles(200, noise=0.15, factor=0.5, random_state=0),
    "iris": load_iris(return_X_y=True),
    "wine": load_wine(return_X_y=True),
    "cancer": load_breast_cancer(return_X_y=True),
}
REDUCED = ("wine", "cancer")
BASELINE_NAMES = ("logistic regression", "RBF SVM", "small MLP")


def models() -> dict[str, tuple[BaseEstimator, dict]]:
    """Return the models, each with a grid of six settings."""
    seed = {"random_state": 0}
    found: dict[str, tuple[BaseEstimator, dict]] = {
        "angles": (
            VariationalClassifier(**seed),
            {"encoding__bandwidth": [0.25, 0.5, 1.0], "alpha": [1e-4, 1.0]},
        ),
        "linear embedding": (
            VariationalClassifier(embedding="linear", **seed),
            {"alpha": [1e-4, 0.1, 1.0], "n_layers": [2, 4]},
        ),
    }
    for name in BASELINE_NAMES:
        entry = BASELINES["classification"][name]
        model = entry.make()
        known = {key: value for key, value in seed.items() if key in model.get_params()}
        found[name] = model.set_params(**known), dict(entry.grid)
    return found


def preprocessing(data: str) -> Pipeline:
    """Return what all models see the data through."""
    reduced = [PCA(4, whiten=True)] if data in REDUCED else []
    return make_pipeline(StandardScaler(), *reduced)


def evaluate(model: BaseEstimator, grid: dict, data: str) -> tuple[np.ndarray, float]:
    """Return the accuracy on each outer fold, and the seconds of a fit with the chosen setting."""
    X, y = SETS[data]
    pipeline = Pipeline([("preprocessing", preprocessing(data)), ("model", model)])
    inner = StratifiedKFold(3, shuffle=True, random_state=1)
    outer = StratifiedKFold(5, shuffle=True, random_state=0)
    search = GridSearchCV(pipeline, {f"model__{k}": v for k, v in grid.items()}, cv=inner)
    found = cross_validate(search, X, y, cv=outer, return_estimator=True)
    return found["test_score"], float(np.mean([s.refit_time_ for s in found["estimator"]]))


def main() -> None:
    """Run everything, and print or write the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rst", type=Path, help="write the table to this file as well")
    args = parser.parse_args()
    # A limit on epochs is one of the settings; it need not be enough for all.
    warnings.simplefilter("ignore", ConvergenceWarning)
    lines = [["model", *SETS, "seconds a fit"]]
    for name, (model, grid) in models().items():
        found = [evaluate(model, grid, data) for data in SETS]
        cells = [f"{scores.mean():.3f} ± {scores.std():.3f}" for scores, _ in found]
        lines.append([name, *cells, f"{np.mean([seconds for _, seconds in found]):.3f}"])
        print(" | ".join(lines[-1]), flush=True)
    if args.rst:
        rows = ["   * - " + "\n     - ".join(line) for line in lines]
        table = ".. list-table::\n   :header-rows: 1\n\n" + "\n".join(rows) + "\n"
        args.rst.write_text(table, encoding="utf-8")


if __name__ == "__main__":
    main()
