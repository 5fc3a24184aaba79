"""Saving models without pickle: the types that a file of `skops` may name."""

from __future__ import annotations

from skquantum import circuits, estimators, execution, kernels, layers
from skquantum._portable import PortableMixin

# What fitted models are made of inside. Their rooms have them, by the rooms' names: a file names
# no module inside a room, so that these can move.
_INNER = (
    estimators.CircuitGates,
    estimators.Columns,
    estimators.EnhancedGates,
    estimators.Layout,
    estimators.LinearGates,
    estimators.Progress,
    estimators.QuantumHead,
    estimators.Cell,
    estimators.RecurrentNetwork,
    estimators.WindowLayer,
    estimators.Windows,
    layers.CircuitBank,
)
# Of searches, imputers and selectors of columns of scikit-learn: what `skops` does not know.
_OF_SCIKIT_LEARN = (
    "numpy.dtype",
    "sklearn.calibration._CalibratedClassifier",
    "sklearn.calibration._SigmoidCalibration",
    "sklearn.gaussian_process._gpc._BinaryGaussianProcessClassifierLaplace",
    "sklearn.gaussian_process.kernels.ConstantKernel",
    "sklearn.gaussian_process.kernels.Product",
    "sklearn.gaussian_process.kernels.Sum",
    "sklearn.gaussian_process.kernels.WhiteKernel",
    "sklearn.compose._column_transformer.make_column_selector",
    "sklearn.metrics._scorer._PassthroughScorer",
    "sklearn.model_selection._split.KFold",
    "sklearn.model_selection._split.StratifiedKFold",
)
# Of models of tables, which `skquantum.comparison` has: named, so that it need not be imported.
_OF_TABLES = (
    *(
        f"skquantum.comparison.{name}"
        for name in (
            *("Categories", "Date", "GapOrNot", "ManyCategories", "Number", "Plan", "Text"),
            *("TableEncoder", "TableModel"),
        )
    ),
    "skrub._datetime_encoder.DatetimeEncoder",
    "skrub._string_encoder.StringEncoder",
    "skrub._to_str.ToStr",
)


def trusted_types() -> list[str]:
    """Return the types of this package that may occur in a saved model.

    They are the estimators, encodings, ansätze, kernels and backends, and a few that hold what was
    learned, and what scikit-learn's searches (folds and scorer), imputers and selectors of columns
    hold, and the models of tables that :func:`skquantum.comparison.fit_table` makes. Loading one
    of them sets its attributes and runs nothing else. `skops` knows most of scikit-learn's own;
    types of yours, such as an encoding that you wrote, are to be added.

    Returns
    -------
    list of str
        Qualified names, for the argument `trusted` of :func:`skops.io.load`.

    Examples
    --------
    >>> from skops.io import dumps, loads
    >>> from sklearn.datasets import load_iris
    >>> from skquantum import QuantumKernelSVC
    >>> from skquantum.saving import trusted_types
    >>> X, y = load_iris(return_X_y=True)
    >>> saved = dumps(QuantumKernelSVC("angle").fit(X, y))
    >>> loads(saved, trusted=trusted_types())
    QuantumKernelSVC(encoding='angle')
    """
    rooms = (circuits, estimators, execution, kernels)
    public = [getattr(room, name) for room in rooms for name in room.__all__]
    classes = {kind for kind in public if isinstance(kind, type)}
    named = [kind for kind in classes if issubclass(kind, PortableMixin)]
    named += [
        layers.QuantumLayer,
        kernels.GramRepair,
        kernels.GaussianProcessKernel,
        estimators.ClassicalPoolingTransformer,
    ]
    names = {f"{kind.__module__}.{kind.__qualname__}" for kind in (*named, *_INNER)}
    return sorted(names | {*_OF_SCIKIT_LEARN, *_OF_TABLES})


__all__ = ["trusted_types"]
