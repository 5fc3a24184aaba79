"""Other machines than the defaults: Gaussian processes, and the fidelity kernel with C=3.

    python benchmarks/evidence/machines.py   # prints two tables, in some minutes on one core

Mean and standard deviation over five folds, behind a StandardScaler; of 250 rows for
processes. Series have forward folds for C=3, as in `defaults.py`.
"""

import warnings

import numpy as np
from defaults import CLASSES, NUMBERS, SERIES
from sklearn.base import BaseEstimator
from sklearn.gaussian_process import GaussianProcessClassifier, GaussianProcessRegressor
from sklearn.gaussian_process.kernels import RBF, ConstantKernel, WhiteKernel
from sklearn.model_selection import KFold, StratifiedKFold, TimeSeriesSplit, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skquantum import (
    QuantumGaussianProcessClassifier,
    QuantumGaussianProcessRegressor,
    QuantumKernelSVR,
)

N_ROWS = 250
Rows = tuple[np.ndarray, np.ndarray]


def cell(model: BaseEstimator, data: Rows, cv: object) -> str:
    """Return the score of a model, as text."""
    scores = cross_val_score(make_pipeline(StandardScaler(), model), *data, cv=cv)
    return f"{scores.mean():.3f} ± {scores.std():.3f}"


def show(name: str, cells: list[str]) -> None:
    """Print a row."""
    print(f"{name:18}" + "".join(f"{text:>18}" for text in cells), flush=True)


def sampled(data: Rows) -> Rows:
    """Return some rows, or all if there are no more."""
    X, y = data
    kept = np.random.RandomState(0).permutation(len(y))[:N_ROWS]
    return X[kept], y[kept]


def processes() -> None:
    """Gaussian processes, with scikit-learn's beside them."""
    show("R2", ["default", "fidelity", "RBF"])
    kernel = ConstantKernel() * RBF() + WhiteKernel()
    for name in ("diabetes", "friedman1", "cars", "sunspots", "elnino"):
        data = sampled((NUMBERS | SERIES)[name]())
        models = [
            QuantumGaussianProcessRegressor(random_state=0),
            QuantumGaussianProcessRegressor(kernel="fidelity", random_state=0),
            GaussianProcessRegressor(kernel, normalize_y=True, random_state=0),
        ]
        folds = KFold(5, shuffle=True, random_state=0)
        show(name, [cell(model, data, folds) for model in models])
    show("accuracy", ["default", "fidelity", "RBF"])
    for name in ("moons", "spirals", "xor"):
        models = [
            QuantumGaussianProcessClassifier(random_state=0),
            QuantumGaussianProcessClassifier(kernel="fidelity", random_state=0),
            GaussianProcessClassifier(ConstantKernel() * RBF(), random_state=0),
        ]
        folds = StratifiedKFold(5, shuffle=True, random_state=0)
        show(name, [cell(model, sampled(CLASSES[name]()), folds) for model in models])


def square() -> Rows:
    """Return a normal feature and its square."""
    X = np.random.RandomState(0).normal(size=(200, 1))
    return X, X[:, 0] ** 2


def sine_and_product() -> Rows:
    """Return three normal features: the sine of one, and the product of the others."""
    X = np.random.RandomState(0).normal(size=(200, 3))
    return X, np.sin(2 * X[:, 0]) + X[:, 1] * X[:, 2]


def fidelity() -> None:
    """Kernel machines with another kernel and C."""
    show("R2", ["default", "fidelity, C=3"])
    sets = NUMBERS | SERIES | {"square": square, "sine and product": sine_and_product}
    for name, rows in sets.items():
        folds = TimeSeriesSplit(5) if name in SERIES else KFold(5, shuffle=True, random_state=0)
        models = (QuantumKernelSVR(), QuantumKernelSVR(kernel="fidelity", C=3))
        show(name, [cell(model, rows(), folds) for model in models])


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    processes()
    fidelity()
