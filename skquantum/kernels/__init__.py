"""Quantum kernels: callables that say how alike two rows are."""

from skquantum._rooms import hand_out
from skquantum.kernels._aligned import AlignedKernel
from skquantum.kernels._aligned import are_values as are_values
from skquantum.kernels._aligned import centred as centred
from skquantum.kernels._aligned import ideal_matrix as ideal_matrix
from skquantum.kernels._base import Kernel, ProductKernel, SumKernel
from skquantum.kernels._fidelity import FidelityKernel
from skquantum.kernels._gaussian_process import GaussianProcessKernel
from skquantum.kernels._projected import ProjectedKernel
from skquantum.kernels._psd import MITIGATIONS as MITIGATIONS
from skquantum.kernels._psd import PSD as PSD
from skquantum.kernels._psd import GramRepair
from skquantum.kernels._tiles import count_jobs as count_jobs
from skquantum.kernels._tiles import in_jobs as in_jobs
from skquantum.kernels._tiles import matrix_by_tiles as matrix_by_tiles

__all__ = [
    "AlignedKernel",
    "FidelityKernel",
    "GaussianProcessKernel",
    "GramRepair",
    "Kernel",
    "ProductKernel",
    "ProjectedKernel",
    "SumKernel",
]

hand_out(globals())
