"""How circuits are run: backends, the compiler behind them, and a reference oracle."""

from skquantum._rooms import hand_out
from skquantum.execution._backend import GRADIENTS, Backend
from skquantum.execution._backend import as_symbols as as_symbols
from skquantum.execution._budgeted_backend import BudgetedBackend
from skquantum.execution._cached_backend import CachedBackend
from skquantum.execution._compiler.angles import LARGEST as LARGEST
from skquantum.execution._compiler.angles import AngleError as AngleError
from skquantum.execution._compiler.rotations import RotationForm, rotation_form
from skquantum.execution._dense_backend import DenseBackend
from skquantum.execution._device.jobs import JobSampler, JobsPending
from skquantum.execution._engine.copies import CircuitCopies as CircuitCopies
from skquantum.execution._engine.evaluator import AdjointEvaluator as AdjointEvaluator
from skquantum.execution._engine.observables import check_observables as check_observables
from skquantum.execution._engine.observables import pauli_strings as pauli_strings
from skquantum.execution._engine.observables import resolve_observables as resolve_observables
from skquantum.execution._engine.small import SmallCircuit as SmallCircuit
from skquantum.execution._evaluation import Evaluator
from skquantum.execution._evaluation import Pullback as Pullback
from skquantum.execution._gradients import ParameterShiftEvaluator as ParameterShiftEvaluator
from skquantum.execution._measurement import (
    MeasurementSetting,
    compute_uncompute,
    measurement_settings,
)
from skquantum.execution._mitigated import MitigatedBackend
from skquantum.execution._noise.calibrated import two_qubit_error as two_qubit_error
from skquantum.execution._qsim_backend import QsimBackend, resolve_backend
from skquantum.execution._reference import ReferenceBackend
from skquantum.execution._resources import circuit_resources
from skquantum.execution._sampler_backend import SamplerBackend

__all__ = [
    "GRADIENTS",
    "Backend",
    "BudgetedBackend",
    "CachedBackend",
    "DenseBackend",
    "Evaluator",
    "JobSampler",
    "JobsPending",
    "MeasurementSetting",
    "MitigatedBackend",
    "QsimBackend",
    "ReferenceBackend",
    "RotationForm",
    "SamplerBackend",
    "circuit_resources",
    "compute_uncompute",
    "measurement_settings",
    "resolve_backend",
    "rotation_form",
]

hand_out(globals())
