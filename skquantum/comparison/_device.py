"""Would a model survive a device? Its scores with noise and shots, and what they would cost."""

from dataclasses import dataclass
from typing import Any

import cirq
import numpy as np
import sympy
from sklearn.base import clone
from sklearn.metrics import check_scoring

from skquantum.execution import (
    Backend,
    QsimBackend,
    measurement_settings,
    two_qubit_error,
)
from skquantum.inspection import fitted_attribute, on_other_backend, with_backend

# What public price lists ask for a circuit, all its shots included, in USD.
PUBLIC_PRICES = (0.035, 0.15)
SHOTS, SECONDS_PER_SHOT, POWER = 1000, 1e-4, 25_000.0
AMOUNTS = {
    "price_per_shot": "a price",
    "price_per_circuit": "a price",
    "seconds_per_shot": "a time",
    "power": "a power in watts",
}


@dataclass(frozen=True)
class DeviceTest:
    """What quantum models are tried on, besides the exact simulator: noise, shots, and prices.

    Parameters
    ----------
    noise : None, float, str or cirq.NoiseModel, default="willow_pink"
        As for :class:`skquantum.execution.QsimBackend`: the name of a Google device stands for
        its calibrated noise, connections and gates.
    shots : int or None, default=1000
        How often each circuit is run; None means infinitely often.
    price_per_shot, price_per_circuit : float, default=0
        What is asked for each shot, and for each circuit whatever its shots, in any currency.
        Without either, the report reckons with what public price lists ask.
    seconds_per_shot : float, default=1e-4
        How long the device is busy with a shot: running the circuit, reading it out and starting
        afresh. Queues come on top.
    power : float, default=25000
        What it draws meanwhile, in watts, with refrigerator and control electronics: an
        assumption, of the size of published figures for superconducting machines.

    Examples
    --------
    >>> from skquantum.comparison import DeviceTest
    >>> DeviceTest(noise=0.01, shots=100, price_per_shot=0.001).cost(20)
    2.0
    """

    noise: Any = "willow_pink"
    shots: int | None = SHOTS
    price_per_shot: float = 0.0
    price_per_circuit: float = 0.0
    seconds_per_shot: float = SECONDS_PER_SHOT
    power: float = POWER

    def __post_init__(self) -> None:
        for name, what in AMOUNTS.items():
            value = getattr(self, name)
            if not (isinstance(value, int | float | np.number) and 0 <= value < np.inf):
                raise ValueError(f"{name}={value!r}: give {what} of at least 0.")
        if self.price_per_shot and self.shots is None:
            raise ValueError("price_per_shot needs a finite number of shots.")

    def backend(self, seed: int) -> QsimBackend:
        """Return the simulator that stands for the device."""
        return QsimBackend(noise=self.noise, shots=self.shots, seed=seed)

    def check(self) -> None:
        """Raise an error now if there is no such device, or it can't be simulated."""
        q = cirq.LineQubit(0)
        self.backend(0).expectations(cirq.Circuit(cirq.X(q)), [], np.empty((1, 0)), [cirq.Z(q)])

    def cost(self, n_circuits: float) -> float:
        """Return what so many circuits cost."""
        return n_circuits * (self.price_per_circuit + (self.shots or 0) * self.price_per_shot)

    def busy(self, n_circuits: float) -> float:
        """Return for how many seconds so many circuits keep it busy, 1000 shots each if exact."""
        return n_circuits * (self.shots or SHOTS) * self.seconds_per_shot

    def energy(self, n_circuits: float) -> float:
        """Return how many joules so many circuits take there."""
        return self.busy(n_circuits) * self.power

    @property
    def two_qubit_error(self) -> float | None:
        """Median error of a named device's two-qubit gates, None for any other noise."""
        return two_qubit_error(self.noise) if isinstance(self.noise, str) else None

    @property
    def has_prices(self) -> bool:
        """Whether somebody has said what the device asks for."""
        return bool(self.price_per_shot or self.price_per_circuit)

    @property
    def label(self) -> str:
        """Say what the device is."""
        noise = self.noise
        if isinstance(noise, cirq.NoiseModel):
            name = type(noise).__name__
        elif isinstance(noise, str):
            name = noise
        else:
            name = f"depolarizing noise of {noise or 0:g}"
        return f"{name}, " + ("exact" if self.shots is None else f"{self.shots:,} shots")


@dataclass(frozen=True)
class DeviceResult:
    """What one model did on the device, on one fold.

    Attributes
    ----------
    score : float
        Of the model as it was trained, exactly, when it predicts on the device.
    trained_score : float
        Of a model with a kernel that is trained on the device, too; NaN for others, whose
        training takes too many circuits for it.
    kernel_deviation : float
        Relative difference, in the Frobenius norm, of the training rows' kernel matrix from the
        exact one; NaN without a kernel.
    fit_circuits : float
        Circuits that a fit would run on the device; NaN if the model does not tell.
    row_circuits : float
        Circuits for one predicted row.
    error : str or None
        Why there is nothing of this, if so.
    """

    score: float = np.nan
    trained_score: float = np.nan
    kernel_deviation: float = np.nan
    fit_circuits: float = np.nan
    row_circuits: float = np.nan
    error: str | None = None


class CountingBackend(Backend):
    """Run circuits on another backend, and count how many a device would get."""

    def __init__(self, backend: Backend) -> None:
        self.backend = backend
        self.n_circuits = 0

    def _states(self, circuit: Any, symbols: Any, values: np.ndarray) -> np.ndarray:
        return self.backend.states(circuit, symbols, values)

    def _expectations(
        self,
        circuit: cirq.FrozenCircuit,
        symbols: tuple[sympy.Symbol, ...],
        values: np.ndarray,
        observables: list[cirq.PauliSum],
    ) -> np.ndarray:
        settings = measurement_settings(observables, sorted(circuit.all_qubits()))
        self.n_circuits += len(values) * len(settings)
        return self.backend.expectations(circuit, symbols, values, observables)

    def _overlaps(
        self,
        circuit: cirq.FrozenCircuit,
        symbols: tuple[sympy.Symbol, ...],
        X: np.ndarray,
        Y: np.ndarray | None,
    ) -> np.ndarray:
        self.n_circuits += len(X) * (len(X) + 1) // 2 if Y is None else len(X) * len(Y)
        return self.backend.overlaps(circuit, symbols, X, Y)


def try_on_device(
    test: DeviceTest,
    fitted: Any,
    scoring: Any,
    seed: int,
    train: tuple[Any, np.ndarray],
    held_out: tuple[Any, np.ndarray],
) -> DeviceResult:
    """Measure a fitted model on a device.

    Parameters
    ----------
    test : DeviceTest
    fitted : estimator
        Trained exactly.
    scoring : str or callable
    seed : int
        Where shots come from.
    train, held_out : (X, y)
        The rows that it was fitted on, and those that it is measured on.
    """
    try:
        device = CountingBackend(test.backend(seed))
        moved = with_backend(fitted, device)
        score = check_scoring(moved, scoring)(moved, *held_out)
        n_circuits = (fitted_attribute(fitted, "resources_") or {}).get("n_circuits")
        found: dict[str, Any] = {
            "score": float(score),
            "row_circuits": device.n_circuits / len(held_out[1]),
            "fit_circuits": np.nan if n_circuits is None else n_circuits,
        }
        exact = fitted_attribute(fitted, "kernel_matrix_")
        if exact is not None:
            there = on_other_backend(clone(fitted), lambda _: test.backend(seed)).fit(*train)
            change = fitted_attribute(there, "kernel_matrix_") - exact
            found["kernel_deviation"] = float(np.linalg.norm(change) / np.linalg.norm(exact))
            found["trained_score"] = float(check_scoring(there, scoring)(there, *held_out))
    except Exception as error:  # what the exact run showed is not to be lost
        return DeviceResult(error=f"{type(error).__name__}: {error}")
    return DeviceResult(**found)
