"""Quantum models that behave like scikit-learn models.

The names are imported in the order in which the rooms depend on one another: circuits and
execution know nothing of each other, kernels join them, estimators use kernels, and
comparison and the command line use estimators.
"""

from skquantum._version import __version__
from skquantum import circuits, execution, kernels, metrics
from skquantum.estimators import QuantumKernelSVC, QuantumKernelSVR

__all__ = [
    "QuantumKernelSVC",
    "QuantumKernelSVR",
    "__version__",
    "circuits",
    "execution",
    "kernels",
    "metrics",
]
