"""Estimators that follow scikit-learn's interface."""

from skquantum._rooms import hand_out
from skquantum.estimators._ablations import ablations as ablations
from skquantum.estimators._blocks import Columns as Columns
from skquantum.estimators._blocks import WindowLayer as WindowLayer
from skquantum.estimators._features import QuantumFeatureTransformer
from skquantum.estimators._head import QuantumHead as QuantumHead
from skquantum.estimators._kernel.classifier import QuantumKernelSVC
from skquantum.estimators._kernel.gaussian_process import (
    QuantumGaussianProcessClassifier,
    QuantumGaussianProcessRegressor,
)
from skquantum.estimators._kernel.linear import QuantumKernelClassifier, QuantumKernelRegressor
from skquantum.estimators._kernel.nystroem import QuantumNystroem
from skquantum.estimators._kernel.regressor import QuantumKernelSVR
from skquantum.estimators._kernel.transformer import QuantumKernelTransformer
from skquantum.estimators._losses import (
    FidelityLoss,
    Loss,
    WeightedFidelityLoss,
    label_observables,
)
from skquantum.estimators._pooling.classical import ClassicalPoolingTransformer
from skquantum.estimators._pooling.transformer import QuantumPoolingTransformer
from skquantum.estimators._pooling.windows import Windows as Windows
from skquantum.estimators._qlstm.classifier import QLSTMClassifier
from skquantum.estimators._qlstm.gates import CircuitGates as CircuitGates
from skquantum.estimators._qlstm.gates import EnhancedGates as EnhancedGates
from skquantum.estimators._qlstm.gates import LinearGates as LinearGates
from skquantum.estimators._qlstm.network import Cell as Cell
from skquantum.estimators._qlstm.network import RecurrentNetwork as RecurrentNetwork
from skquantum.estimators._qlstm.regressor import QLSTMRegressor
from skquantum.estimators._reservoir import QuantumReservoirTransformer
from skquantum.estimators._training import Layout as Layout
from skquantum.estimators._training import Progress as Progress
from skquantum.estimators._variational.classifier import VariationalClassifier
from skquantum.estimators._variational.regressor import VariationalRegressor

__all__ = [
    "ClassicalPoolingTransformer",
    "FidelityLoss",
    "Loss",
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
    "WeightedFidelityLoss",
    "label_observables",
]

hand_out(
    globals(),
    Cell,
    CircuitGates,
    Columns,
    EnhancedGates,
    Layout,
    LinearGates,
    Progress,
    QuantumHead,
    RecurrentNetwork,
    WindowLayer,
    Windows,
)
