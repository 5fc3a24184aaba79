"""Estimators that follow scikit-learn's interface."""

from skquantum.estimators._kernel_svm import QuantumKernelSVC, QuantumKernelSVR
from skquantum.estimators._variational import VariationalClassifier, VariationalRegressor

__all__ = [
    "QuantumKernelSVC",
    "QuantumKernelSVR",
    "VariationalClassifier",
    "VariationalRegressor",
]
