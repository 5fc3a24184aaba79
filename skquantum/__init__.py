"""Quantum models that behave like scikit-learn models.

The names are imported in the order in which the rooms depend on one another: circuits and
execution know nothing of each other, kernels and layers join them, estimators use both, and
comparison and the command line use estimators.
"""

from skquantum._version import __version__
from skquantum import circuits, execution, metrics
from skquantum import kernels, layers
from skquantum.estimators import (
    ClassicalPoolingTransformer,
    QuantumFeatureTransformer,
    QuantumKernelSVC,
    QuantumKernelSVR,
    QuantumPoolingTransformer,
    VariationalClassifier,
    VariationalRegressor,
)
from skquantum import inspection
from skquantum.comparison import Comparison, DecisionRule, compare

__all__ = [
    "ClassicalPoolingTransformer",
    "Comparison",
    "DecisionRule",
    "QuantumFeatureTransformer",
    "QuantumKernelSVC",
    "QuantumKernelSVR",
    "QuantumPoolingTransformer",
    "VariationalClassifier",
    "VariationalRegressor",
    "__version__",
    "circuits",
    "compare",
    "execution",
    "inspection",
    "kernels",
    "layers",
    "metrics",
]
