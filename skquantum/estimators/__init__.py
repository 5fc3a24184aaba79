"""Estimators that follow scikit-learn's interface."""

from skquantum.estimators._kernel_svm import QuantumKernelSVC, QuantumKernelSVR

__all__ = ["QuantumKernelSVC", "QuantumKernelSVR"]
