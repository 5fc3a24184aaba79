"""Which models there are to compare, by name: quantum models and classical baselines."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from sklearn.base import BaseEstimator
from sklearn.ensemble import (
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
    RandomForestClassifier,
    RandomForestRegressor,
)
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.pipeline import Pipeline
from sklearn.svm import SVC, SVR

from skquantum._validation import unknown
from skquantum.comparison._naive import Persistence, SeasonalNaive
from skquantum.estimators import (
    QLSTMRegressor,
    QuantumGaussianProcessClassifier,
    QuantumGaussianProcessRegressor,
    QuantumKernelClassifier,
    QuantumKernelRegressor,
    QuantumKernelSVC,
    QuantumKernelSVR,
    QuantumPoolingTransformer,
    VariationalClassifier,
    VariationalRegressor,
)

TASKS = ("classification", "regression", "series")

Grid = Mapping[str, Sequence[Any]]


@dataclass(frozen=True)
class ModelEntry:
    """A model that `compare` knows by name.

    Parameters
    ----------
    make : callable
        ``make()`` returns a new estimator. It is fitted behind the preprocessing that all
        models share; it may be a pipeline.
    grid : dict of str to list
        Values to tune over, by the estimator's parameter names. Keep it at six combinations,
        the default budget of `compare`.
    description : str
        One line for ``skquantum models``.
    tasks : tuple of str
        Any of "classification", "regression" and "series".
    is_kernel_machine : bool
        Whether a fit keeps a matrix of all pairs of rows.
    """

    make: Callable[[], BaseEstimator]
    grid: Grid
    description: str
    tasks: tuple[str, ...] = ("classification",)
    is_kernel_machine: bool = False


_KERNEL_GRID: Grid = {"C": [1.0, 10.0, 100.0], "encoding__bandwidth": ["scale", 0.25]}
_PROCESS_GRID: Grid = {
    "kernel": ["projected", "fidelity"],
    "encoding": ["reuploading", "angle", "iqp"],
}
# The embedding learns the angles' scale, and keeps wide data on few qubits.
_VARIATIONAL_GRID: Grid = {
    "embedding": ["linear"],
    "alpha": [0.1, 1.0, 10.0],
    "n_layers": [2, 4],
}

#: Quantum models by name; the first that does the task is the command line's default.
MODELS: dict[str, ModelEntry] = {
    "QuantumKernelSVC": ModelEntry(
        QuantumKernelSVC,
        _KERNEL_GRID,
        "support vector classifier with a quantum kernel",
        is_kernel_machine=True,
    ),
    "QLSTMRegressor": ModelEntry(
        QLSTMRegressor,
        {"hidden_size": [4, 8], "learning_rate": [0.01, 0.03, 0.1]},
        "recurrent network whose gates are circuits, for series",
        ("series",),
    ),
    "QuantumKernelSVR": ModelEntry(
        QuantumKernelSVR,
        _KERNEL_GRID,
        "support vector regressor with a quantum kernel",
        ("regression", "series"),
        is_kernel_machine=True,
    ),
    "QuantumKernelClassifier": ModelEntry(
        QuantumKernelClassifier,
        {"alpha": [1e-6, 1e-5, 1e-4], "encoding__bandwidth": ["scale", 0.25]},
        "logistic regression on landmarks of a quantum kernel, for many rows",
    ),
    "QuantumKernelRegressor": ModelEntry(
        QuantumKernelRegressor,
        {"alpha": [0.01, 0.1, 1.0], "encoding__bandwidth": ["scale", 0.25]},
        "ridge regression on landmarks of a quantum kernel, for many rows",
        ("regression", "series"),
    ),
    "QuantumGaussianProcessClassifier": ModelEntry(
        QuantumGaussianProcessClassifier,
        _PROCESS_GRID,
        "Gaussian process with a quantum kernel, tuned by its likelihood",
        is_kernel_machine=True,
    ),
    "QuantumGaussianProcessRegressor": ModelEntry(
        QuantumGaussianProcessRegressor,
        _PROCESS_GRID,
        "Gaussian process with a quantum kernel, tuned by its likelihood",
        ("regression", "series"),
        is_kernel_machine=True,
    ),
    "AlignedKernelSVC": ModelEntry(
        partial(QuantumKernelSVC, kernel="aligned"),
        {"C": [0.1, 0.3, 1.0, 10.0, 30.0, 100.0]},
        "support vector classifier whose kernel learns to fit the labels",
        is_kernel_machine=True,
    ),
    "AlignedKernelSVR": ModelEntry(
        partial(QuantumKernelSVR, kernel="aligned"),
        {"C": [0.1, 0.3, 1.0, 10.0, 30.0, 100.0]},
        "support vector regressor whose kernel learns to fit the targets",
        ("regression",),
        is_kernel_machine=True,
    ),
    "VariationalClassifier": ModelEntry(
        VariationalClassifier,
        _VARIATIONAL_GRID,
        "trained circuit between linear maps, for classes",
    ),
    "VariationalRegressor": ModelEntry(
        VariationalRegressor,
        _VARIATIONAL_GRID,
        "trained circuit between linear maps, for numbers",
        ("regression", "series"),
    ),
    "QuantumPoolingTransformer": ModelEntry(
        lambda: Pipeline(
            [
                ("pooling", QuantumPoolingTransformer("auto", n_outputs=2, observables="XZ")),
                ("linear", LogisticRegression(max_iter=1000)),
            ]
        ),
        # Expectation values vary less than standardised features: less regularisation.
        {"pooling__encoding__bandwidth": [0.3, 1.0], "linear__C": [1.0, 10.0, 100.0]},
        "trained pooling of windows of two (images: 2x2) values, before a linear classifier",
    ),
}

_TREE_GRID: Grid = {"max_features": ["sqrt", 0.5], "min_samples_leaf": [1, 3, 10]}
# Small trees, as the data are small: each costs half as much as with scikit-learn's 31 leaves.
_BOOSTING: dict[str, Any] = {"max_iter": 50, "max_leaf_nodes": 8}
_BOOSTING_GRID: Grid = {"learning_rate": [0.1, 0.3], "min_samples_leaf": [5, 10, 20]}
_SVM_GRID: Grid = {"C": [1.0, 10.0, 100.0], "gamma": ["scale", 0.01]}
# On data of this size L-BFGS is as good as Adam, and several times as fast.
_MLP: dict[str, Any] = {"hidden_layer_sizes": (32,), "solver": "lbfgs", "max_iter": 500}
_MLP_GRID: Grid = {"alpha": [1e-3, 1e-2, 0.1, 1.0, 10.0, 100.0]}
# A forest of 50 scores as one of 100, within the noise of the folds.
_TREES = 50

#: Classical baselines of each task, by name.
BASELINES: dict[str, dict[str, ModelEntry]] = {
    "classification": {
        "logistic regression": ModelEntry(
            lambda: LogisticRegression(max_iter=1000),
            {"C": [0.001, 0.01, 0.1, 1.0, 10.0, 100.0]},
            "linear model",
        ),
        "random forest": ModelEntry(
            lambda: RandomForestClassifier(_TREES), _TREE_GRID, "tree ensemble"
        ),
        "gradient boosting": ModelEntry(
            lambda: HistGradientBoostingClassifier(**_BOOSTING), _BOOSTING_GRID, "tree ensemble"
        ),
        "RBF SVM": ModelEntry(SVC, _SVM_GRID, "support vector classifier, Gaussian kernel"),
        "small MLP": ModelEntry(
            lambda: MLPClassifier(**_MLP),
            _MLP_GRID,
            "neural network, one hidden layer of 32",
        ),
    },
    "regression": {
        "ridge regression": ModelEntry(
            Ridge,
            {"alpha": [0.01, 0.1, 1.0, 10.0, 100.0, 1000.0]},
            "linear model",
            ("regression",),
        ),
        "random forest": ModelEntry(
            lambda: RandomForestRegressor(_TREES), _TREE_GRID, "tree ensemble", ("regression",)
        ),
        "gradient boosting": ModelEntry(
            lambda: HistGradientBoostingRegressor(**_BOOSTING),
            _BOOSTING_GRID,
            "tree ensemble",
            ("regression",),
        ),
        "RBF SVM": ModelEntry(
            SVR, _SVM_GRID, "support vector regression, Gaussian kernel", ("regression",)
        ),
        "small MLP": ModelEntry(
            lambda: MLPRegressor(**_MLP),
            _MLP_GRID,
            "neural network, one hidden layer of 32",
            ("regression",),
        ),
    },
    "series": {
        "persistence": ModelEntry(Persistence, {}, "the last value", ("series",)),
        "seasonal naive": ModelEntry(
            SeasonalNaive, {}, "the value of one season ago", ("series",)
        ),
        "ridge autoregression": ModelEntry(
            Ridge,
            {"alpha": [1e-6, 1e-4, 0.01, 0.1, 1.0, 10.0]},
            "linear model of the window",
            ("series",),
        ),
        "gradient boosting": ModelEntry(
            HistGradientBoostingRegressor,
            {"learning_rate": [0.05, 0.1], "min_samples_leaf": [5, 10, 20]},
            "tree ensemble",
            ("series",),
        ),
        "small MLP": ModelEntry(
            lambda: MLPRegressor(**_MLP),
            _MLP_GRID,
            "neural network, one hidden layer of 32",
            ("series",),
        ),
    },
}


def models_for(task: str) -> list[str]:
    """Return the names of the registered quantum models that do a task."""
    return [name for name, entry in MODELS.items() if task in entry.tasks]


def find_model(name: str, task: str) -> ModelEntry:
    """Look a registered model up; where there is none, suggest one that does the task."""
    if name in BASELINES[task]:
        raise ValueError(
            f"{name!r} is a baseline: it is compared with in any case, and takes no place among "
            f"the models. These do {task}: {', '.join(models_for(task))}."
        )
    if name not in MODELS:
        raise ValueError(unknown("model", name, models_for(task), f"these do {task}"))
    return MODELS[name]


def entry_of(estimator: BaseEstimator) -> ModelEntry | None:
    """Return the registered entry of an estimator's class, if there is one."""
    return next((entry for entry in MODELS.values() if entry.make is type(estimator)), None)
