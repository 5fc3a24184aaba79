"""Looking into quantum models: diagnostics, displays, and the fitted models inside models."""

from skquantum._rooms import hand_out
from skquantum.inspection._ablation import Ablation, ablation
from skquantum.inspection._backends import on_other_backend, with_backend
from skquantum.inspection._circuit_diagnostics import (
    EntanglingCapability,
    Expressibility,
    FourierSpectrum,
    entangling_capability,
    expressibility,
    fourier_spectrum,
)
from skquantum.inspection._fisher import FisherInformation, fisher_information
from skquantum.inspection._fitted import fitted_attribute, fitted_parts
from skquantum.inspection._gradient_variance import GradientVariance, gradient_variance
from skquantum.inspection._kernel_diagnostics import (
    KernelConcentration,
    geometric_difference,
    kernel_alignment,
    kernel_concentration,
    model_complexity,
)
from skquantum.inspection._noise_sweep import NoiseSweep, noise_sweep

__all__ = [
    "Ablation",
    "EntanglingCapability",
    "Expressibility",
    "FisherInformation",
    "FourierSpectrum",
    "GradientVariance",
    "KernelConcentration",
    "NoiseSweep",
    "ablation",
    "entangling_capability",
    "expressibility",
    "fisher_information",
    "fitted_attribute",
    "fitted_parts",
    "fourier_spectrum",
    "geometric_difference",
    "gradient_variance",
    "kernel_alignment",
    "kernel_concentration",
    "model_complexity",
    "noise_sweep",
    "on_other_backend",
    "with_backend",
]

hand_out(globals())
