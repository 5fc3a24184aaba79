"""Estimators that follow scikit-learn's interface."""

from skquantum.estimators._classical_pooling import ClassicalPoolingTransformer
from skquantum.estimators._features import QuantumFeatureTransformer
from skquantum.estimators._kernel_svm import QuantumKernelSVC, QuantumKernelSVR
from skquantum.estimators._pooling import QuantumPoolingTransformer
from skquantum.estimators._qlstm import QLSTMRegressor
from skquantum.estimators._variational import VariationalClassifier, VariationalRegressor

__all__ = [
    "ClassicalPoolingTransformer",
    "QLSTMRegressor",
    "QuantumFeatureTransformer",
    "QuantumKernelSVC",
    "QuantumKernelSVR",
    "QuantumPoolingTransformer",
    "VariationalClassifier",
    "VariationalRegressor",
]
