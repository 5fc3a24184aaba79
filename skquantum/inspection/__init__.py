"""Looking into quantum models: diagnostics, displays, and the fitted models inside models."""

from skquantum._rooms import hand_out
from skquantum.inspection._ablation import Ablation, ablation
from skquantum.inspection._backends import on_other_backend, with_backend
from skquantum.inspection._fitted import fitted_attribute, fitted_parts
from skquantum.inspection._gradient_variance import GradientVariance, gradient_variance
from skquantum.inspection._noise_sweep import NoiseSweep, noise_sweep

__all__ = [
    "Ablation",
    "GradientVariance",
    "NoiseSweep",
    "ablation",
    "fitted_attribute",
    "fitted_parts",
    "gradient_variance",
    "noise_sweep",
    "on_other_backend",
    "with_backend",
]

hand_out(globals())
