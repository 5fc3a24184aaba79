"""Accuracy of VariationalClassifier next to tuned classical models, on five small data sets.

make_moons and make_circles (200 rows), and iris, wine and breast cancer, which ship inside
scikit-learn; the last two are reduced to four principal components, for all models alike. Each
model is tuned by three inner folds, over six settings, and scored on five outer folds that the
tuning has not seen. All models see the same folds and the same standardised features.

    python benchmarks/evidence/accuracy.py            # prints the table, about two minutes
    python benchmarks/evidence/accuracy.py --rst docs/guide/accuracy.rst.inc

With --wide, the other table of the guide: what all features of wide data do to models that are not
tuned, as angles and through a linear embedding (600 rows of digits).

    python benchmarks/evidence/accuracy.py --wide --rst docs/guide/wide.rst.inc
"""

import argparse
import warnings
from pathlib import Path

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.datasets import (
    load_breast_cancer,
    load_digits,
    load_iris,
    load_wine,
    make_circles,
    make_moons,
)
from sklearn.decomposition import PCA
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import (
    GridSearchCV,
    StratifiedKFold,
    cross_val_score,
    cross_validate,
)
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler

from skquantum import VariationalClassifier
from skquantum.circuits import AngleEncoding
from skquantum.comparison import BASELINES

SETS = {
    "moons": make_moons(200, noise=0.2, random_state=0),
    "circles": make_circles(200, noise=0.15, factor=0.5, random_state=0),
    "iris": load_iris(return_X_y=True),
    "wine": load_wine(return_X_y=True),
    "cancer": load_breast_cancer(return_X_y=True),
}
REDUCED = ("wine", "cancer")
# Training to the end, almost without a penalty, on Z alone: what the tables were made with.
PLAIN = {"observables": "Z", "alpha": 1e-4, "tol": 1e-4, "random_state": 0}
ANGLES = {"embedding": None, **PLAIN}
BASELINE_NAMES = ("logistic regression", "RBF SVM", "small MLP")


def models() -> dict[str, tuple[BaseEstimator, dict]]:
    """Return the models, each with a grid of six settings."""
    seed = {"random_state": 0}
    found: dict[str, tuple[BaseEstimator, dict]] = {
        "angles": (
            VariationalClassifier(AngleEncoding(bandwidth=1.0), **ANGLES),
            {"encoding__bandwidth": [0.25, 0.5, 1.0], "alpha": [1e-4, 1.0]},
        ),
        "linear embedding": (
            VariationalClassifier(embedding="linear", **PLAIN),
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


def wide_table() -> list[list[str]]:
    """Return the accuracy of untuned models on all features, over five folds."""
    digits, labels = load_digits(return_X_y=True)
    some = np.random.RandomState(0).permutation(len(labels))[:600]
    sets = {name: SETS[name] for name in ("iris", "wine", "cancer")}
    sets["digits"] = digits[some], labels[some]
    lines = [["model", *(f"{name}, {X.shape[1]} features" for name, (X, _) in sets.items())]]
    makers = {
        "angles": lambda n: VariationalClassifier(AngleEncoding(bandwidth=1.0), **ANGLES),
        "angles over the root of their number": lambda n: VariationalClassifier(
            AngleEncoding(bandwidth=n**-0.5), **ANGLES
        ),
        "linear embedding": lambda n: VariationalClassifier(embedding="linear", **PLAIN),
        "linear embedding, alpha=1": lambda n: VariationalClassifier(
            embedding="linear", **PLAIN | {"alpha": 1.0}
        ),
        "linear embedding, alpha=1, n_qubits=8": lambda n: VariationalClassifier(
            embedding="linear", n_qubits=8, **PLAIN | {"alpha": 1.0}
        ),
        "logistic regression": lambda n: LogisticRegression(max_iter=1000),
    }
    for name, make in makers.items():
        cells = []
        for X, y in sets.values():
            model = make_pipeline(StandardScaler(), make(X.shape[1]))
            scores = cross_val_score(
                model, X, y, cv=StratifiedKFold(5, shuffle=True, random_state=0)
            )
            cells.append(f"{scores.mean():.2f} ± {scores.std():.2f}")
        lines.append([name, *cells])
        print(" | ".join(lines[-1]), flush=True)
    return lines


def tuned_table() -> list[list[str]]:
    """Return the accuracy of tuned models, and the seconds of a fit."""
    lines = [["model", *SETS, "seconds a fit"]]
    for name, (model, grid) in models().items():
        found = [evaluate(model, grid, data) for data in SETS]
        cells = [f"{scores.mean():.3f} ± {scores.std():.3f}" for scores, _ in found]
        lines.append([name, *cells, f"{np.mean([seconds for _, seconds in found]):.3f}"])
        print(" | ".join(lines[-1]), flush=True)
    return lines


def main() -> None:
    """Run everything, and print or write the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rst", type=Path, help="write the table to this file as well")
    parser.add_argument("--wide", action="store_true", help="untuned models on all features")
    args = parser.parse_args()
    # A limit on epochs is one of the settings; it need not be enough for all.
    warnings.simplefilter("ignore", ConvergenceWarning)
    lines = wide_table() if args.wide else tuned_table()
    if args.rst:
        rows = ["   * - " + "\n     - ".join(line) for line in lines]
        table = ".. list-table::\n   :header-rows: 1\n\n" + "\n".join(rows) + "\n"
        args.rst.write_text(table, encoding="utf-8")


if __name__ == "__main__":
    main()
