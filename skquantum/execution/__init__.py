"""How circuits are run: backends, the compiler behind them, and a reference oracle."""

from skquantum.execution._base import GRADIENTS, Backend
from skquantum.execution._evaluation import Evaluator, Pullback
from skquantum.execution._qsim_backend import QsimBackend, resolve_backend
from skquantum.execution.mitigation import MitigatedBackend
from skquantum.execution.reference import ReferenceBackend
from skquantum.execution.resources import circuit_resources
from skquantum.execution.rotations import RotationForm, rotation_form
from skquantum.execution.sampler import SamplerBackend

__all__ = [
    "GRADIENTS",
    "Backend",
    "Evaluator",
    "MitigatedBackend",
    "Pullback",
    "QsimBackend",
    "ReferenceBackend",
    "RotationForm",
    "SamplerBackend",
    "circuit_resources",
    "resolve_backend",
    "rotation_form",
]
