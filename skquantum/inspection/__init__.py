"""Looking into quantum models: diagnostics and displays."""

from skquantum.estimators._backends import with_backend
from skquantum.inspection._gradient_variance import GradientVariance, gradient_variance
from skquantum.inspection._noise_sweep import NoiseSweep, noise_sweep

__all__ = ["GradientVariance", "NoiseSweep", "gradient_variance", "noise_sweep", "with_backend"]
