"""Estimators that follow scikit-learn's interface."""

from skquantum.estimators._features import QuantumFeatureTransformer
from skquantum.estimators._kernel.linear import QuantumKernelClassifier, QuantumKernelRegressor
from skquantum.estimators._kernel.nystroem import QuantumNystroem
from skquantum.estimators._kernel.svm import (
    QuantumKernelSVC,
    QuantumKernelSVR,
)
from skquantum.estimators._kernel.transformer import QuantumKernelTransformer
from skquantum.estimators._pooling.classical import ClassicalPoolingTransformer
from skquantum.estimators._pooling.transformer import QuantumPoolingTransformer
from skquantum.estimators._qlstm.regressor import QLSTMRegressor
from skquantum.estimators._variational.models import VariationalClassifier, VariationalRegressor

__all__ = [
    "ClassicalPoolingTransformer",
    "QLSTMRegressor",
    "QuantumFeatureTransformer",
    "QuantumKernelClassifier",
    "QuantumKernelRegressor",
    "QuantumKernelSVC",
    "QuantumKernelSVR",
    "QuantumKernelTransformer",
    "QuantumNystroem",
    "QuantumPoolingTransformer",
    "VariationalClassifier",
    "VariationalRegressor",
]
