"""Looking into quantum models: diagnostics and displays."""

from skquantum.inspection._gradient_variance import GradientVariance, gradient_variance

__all__ = ["GradientVariance", "gradient_variance"]
