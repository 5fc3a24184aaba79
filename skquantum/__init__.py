"""Quantum models that behave like scikit-learn models.

Rooms and names are imported when they are first used: what depends on Cirq takes more than a
second to import, and ``skquantum --help`` should not wait for it.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from skquantum._version import __version__

if TYPE_CHECKING:
    from skquantum import (
        circuits,
        comparison,
        datasets,
        estimators,
        execution,
        inspection,
        kernels,
        layers,
        metrics,
        saving,
        testing,
    )
    from skquantum.comparison import Advice, Comparison, DecisionRule, advise, compare
    from skquantum.estimators import (
        ClassicalPoolingTransformer,
        QLSTMClassifier,
        QLSTMRegressor,
        QuantumFeatureTransformer,
        QuantumGaussianProcessClassifier,
        QuantumGaussianProcessRegressor,
        QuantumKernelClassifier,
        QuantumKernelRegressor,
        QuantumKernelSVC,
        QuantumKernelSVR,
        QuantumKernelTransformer,
        QuantumNystroem,
        QuantumPoolingTransformer,
        QuantumReservoirTransformer,
        VariationalClassifier,
        VariationalRegressor,
    )

# Where each public name comes from; None stands for a room, which is imported as it is.
_ORIGINS = {
    "Advice": "comparison",
    "ClassicalPoolingTransformer": "estimators",
    "Comparison": "comparison",
    "DecisionRule": "comparison",
    "QLSTMClassifier": "estimators",
    "QLSTMRegressor": "estimators",
    "QuantumFeatureTransformer": "estimators",
    "QuantumGaussianProcessClassifier": "estimators",
    "QuantumGaussianProcessRegressor": "estimators",
    "QuantumKernelClassifier": "estimators",
    "QuantumKernelRegressor": "estimators",
    "QuantumKernelSVC": "estimators",
    "QuantumKernelSVR": "estimators",
    "QuantumKernelTransformer": "estimators",
    "QuantumNystroem": "estimators",
    "QuantumPoolingTransformer": "estimators",
    "QuantumReservoirTransformer": "estimators",
    "VariationalClassifier": "estimators",
    "VariationalRegressor": "estimators",
    "advise": "comparison",
    "circuits": None,
    "compare": "comparison",
    "comparison": None,
    "datasets": None,
    "estimators": None,
    "execution": None,
    "inspection": None,
    "kernels": None,
    "layers": None,
    "metrics": None,
    "saving": None,
    "testing": None,
}

__all__ = [
    "Advice",
    "ClassicalPoolingTransformer",
    "Comparison",
    "DecisionRule",
    "QLSTMClassifier",
    "QLSTMRegressor",
    "QuantumFeatureTransformer",
    "QuantumGaussianProcessClassifier",
    "QuantumGaussianProcessRegressor",
    "QuantumKernelClassifier",
    "QuantumKernelRegressor",
    "QuantumKernelSVC",
    "QuantumKernelSVR",
    "QuantumKernelTransformer",
    "QuantumNystroem",
    "QuantumPoolingTransformer",
    "QuantumReservoirTransformer",
    "VariationalClassifier",
    "VariationalRegressor",
    "__version__",
    "advise",
    "circuits",
    "compare",
    "comparison",
    "datasets",
    "estimators",
    "execution",
    "inspection",
    "kernels",
    "layers",
    "metrics",
    "saving",
    "testing",
]


def __getattr__(name: str) -> Any:
    if name not in _ORIGINS:
        raise AttributeError(f"module 'skquantum' has no attribute {name!r}")
    origin = _ORIGINS[name]
    if origin is None:
        return import_module(f"skquantum.{name}")
    value = getattr(import_module(f"skquantum.{origin}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
