"""How `QsimBackend` runs circuits with noise or a finite number of shots."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache

import cirq
import numpy as np
import sympy

from skquantum.execution._compiler.compile import compile_program
from skquantum.execution._engine.overlaps import row_blocks
from skquantum.execution._engine.qsim import fewest_columns, run
from skquantum.execution._engine.threads import one_blas_thread
from skquantum.execution._measurement import MeasurementSetting, measurement_settings, offsets
from skquantum.execution._noise.density import (
    DensityEvaluator,
    LinearObservables,
    density_columns,
    density_expectations,
    linear_observables,
    zeros_probabilities,
)
from skquantum.execution._noise.models import Noise
from skquantum.execution._noise.shots import (
    binomial,
    circuit_label,
    multinomial,
    pair_keys,
    row_keys,
    uniform,
)
from skquantum.execution._noise.superoperators import compile_density, compile_halves
from skquantum.execution._noise.trajectories import (
    noisy_circuit,
    sampled_bits,
    sampled_overlaps,
    trajectory_expectations,
)

DENSITY_QUBITS = 10  # up to here method="auto" takes density matrices, if they fit into memory
DRAW_ARRAYS = 8  # as large as the numbers drawn from a matrix at a time: what drawing them takes

Symbols = tuple[sympy.Symbol, ...]


@dataclass(frozen=True)
class NoisyRunner:
    """A noise model and a number of shots, with what it takes to run circuits.

    Attributes
    ----------
    noise : Noise or None
    shots : int or None
    method : {"auto", "density", "trajectories"}
    n_trajectories : int
    seed : int or None
    memory : int
        Bytes.
    n_threads : int
    fidelities : callable
        The backend's overlaps without noise and shots.
    """

    noise: Noise | None
    shots: int | None
    method: str
    n_trajectories: int
    seed: int | None
    memory: int
    n_threads: int
    fidelities: Callable[..., np.ndarray]

    # --- the way of simulation

    def uses_trajectories(self, n_qubits: int) -> bool:
        """Whether circuits of so many qubits are run by trajectories."""
        if self.noise is None or self.method == "density":
            return False
        if self.method == "trajectories":
            return True
        return n_qubits > DENSITY_QUBITS or self._needed(n_qubits) > self.memory

    def is_random(self, n_qubits: int) -> bool:
        """Whether results for so many qubits depend on chance."""
        return self.shots is not None or self.uses_trajectories(n_qubits)

    def _needed(self, n_qubits: int) -> int:
        # A chunk and its temporaries, and the start, in double precision.
        return 4**n_qubits * (4 * 8 * fewest_columns(2 * n_qubits) + 16)

    def _check_memory(self, n_qubits: int, extra: int = 0) -> None:
        needed = self._needed(n_qubits) + extra
        if self.noise is not None and needed > self.memory:
            raise ValueError(
                f"Density matrices of {n_qubits} qubits need {needed:.3g} bytes, more than "
                f"max_memory={self.memory} bytes. Use method='trajectories', fewer qubits or "
                "fewer rows at a time, or raise max_memory of the backend."
            )

    # --- expectation values

    def estimate(
        self,
        circuit: cirq.FrozenCircuit,
        symbols: Symbols,
        values: np.ndarray,
        observables: list[cirq.PauliSum],
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return expectation values and their standard errors.

        Both have shape (n_samples, n_observables).
        """
        n_qubits = cirq.num_qubits(circuit)
        if self.noise is not None and self.shots is None and not self.uses_trajectories(n_qubits):
            self._check_memory(n_qubits, LinearObservables.n_bytes(len(observables), n_qubits))
            program = compile_density(circuit, self.noise, symbols)
            matrix = linear_observables(circuit, self.noise, observables)
            means = density_expectations(program, matrix, values, self.n_threads)
            return means, np.zeros_like(means)
        settings = measurement_settings(observables, sorted(circuit.all_qubits()))
        means = np.tile(offsets(observables), (len(values), 1))
        if not settings:
            return means, np.zeros_like(means)
        if self.shots is None:
            seeds = self._seeds(circuit, "trajectories", values)
            parts = trajectory_expectations(
                circuit,
                self._noise(),
                symbols,
                values,
                settings,
                self.n_trajectories,
                seeds,
                self.n_threads,
            )
            return means + parts[0], np.sqrt(parts[1])
        variances = np.zeros_like(means)
        for setting in settings:
            mean, variance = self._measured(circuit, symbols, values, setting)
            means += mean
            variances += variance
        return means, np.sqrt(variances)

    def _measured(
        self,
        circuit: cirq.FrozenCircuit,
        symbols: Symbols,
        values: np.ndarray,
        setting: MeasurementSetting,
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return the means of a setting's shots, and the variances of these means."""
        assert self.shots is not None
        shape = len(values), setting.n_observables
        means, variances = np.empty(shape), np.empty(shape)
        for rows, counts in self._counts(circuit, symbols, values, setting):
            shares = counts / self.shots
            means[rows] = shares @ setting.table
            spread = shares @ setting.table**2 - means[rows] ** 2
            variances[rows] = np.maximum(spread, 0) / max(self.shots - 1, 1)
        return means, variances

    def _counts(
        self,
        circuit: cirq.FrozenCircuit,
        symbols: Symbols,
        values: np.ndarray,
        setting: MeasurementSetting,
    ) -> Iterator[tuple[slice, np.ndarray]]:
        """Yield how often each outcome of a setting is seen, chunk by chunk."""
        assert self.shots is not None
        rotations = tuple(setting.rotations())
        basis = "".join(setting.basis.get(q, "Z") for q in setting.qubits)
        if self.uses_trajectories(len(setting.qubits)):
            noisy, qubits = noisy_circuit(circuit, self._noise(), rotations)
            seeds = self._seeds(circuit, basis, values)
            runs = sampled_bits(noisy, qubits, symbols, values, self.shots, seeds)
            place = 2 ** np.arange(len(qubits))[::-1]
            for i, bits in enumerate(runs):
                counts = np.bincount(bits @ place, minlength=2 ** len(qubits))
                yield slice(i, i + 1), counts[None]
            return
        keys = row_keys(self.seed, f"{circuit_label(circuit)}|{basis}", values)
        for rows, probabilities in self._distributions(circuit, symbols, values, rotations):
            yield rows, multinomial(keys[rows], self.shots, probabilities)

    def _distributions(
        self,
        circuit: cirq.FrozenCircuit,
        symbols: Symbols,
        values: np.ndarray,
        rotations: tuple[cirq.Operation, ...],
    ) -> Iterator[tuple[slice, np.ndarray]]:
        """Yield the distributions of outcomes after the rotations, chunk by chunk."""
        if self.noise is None:
            program = compile_program(_rotated(circuit, rotations), symbols)
            for rows, psi in run(program, values, self.n_threads):
                yield rows, np.square(np.abs(psi), dtype=float).T
            return
        self._check_memory(cirq.num_qubits(circuit))
        program = compile_density(circuit, self.noise, symbols, (), rotations)
        dim = 2 ** (program.n_qubits // 2)
        for rows, rho in run(program, values, self.n_threads):
            yield rows, rho[:: dim + 1].real.T.astype(float)

    # --- gradients, matrices, overlaps

    def adjoint(
        self,
        circuit: cirq.FrozenCircuit,
        data: Symbols,
        weights: Symbols,
        observables: list[cirq.PauliSum],
    ) -> DensityEvaluator:
        """Return the evaluator of exact noise."""
        n_qubits = cirq.num_qubits(circuit)
        self._check_memory(n_qubits, LinearObservables.n_bytes(len(observables), n_qubits))
        fused = compile_density(circuit, self._noise(), data, weights)
        program = compile_density(circuit, self._noise(), data, weights, fused=False)
        matrix = linear_observables(circuit, self._noise(), observables)
        return DensityEvaluator(program, fused, matrix, self.n_threads)

    def density_matrices(
        self, circuit: cirq.FrozenCircuit, symbols: Symbols, values: np.ndarray
    ) -> np.ndarray:
        """Return density matrices, complex64 of shape (n_samples, dim, dim)."""
        n_qubits = cirq.num_qubits(circuit)
        self._check_memory(n_qubits, 8 * len(values) * 4**n_qubits)
        program = compile_density(circuit, self._noise(), symbols)
        columns = density_columns(program, values, self.n_threads)
        return columns.T.reshape(len(values), 2**n_qubits, 2**n_qubits)

    def overlaps(
        self,
        circuit: cirq.FrozenCircuit,
        symbols: Symbols,
        X: np.ndarray,
        Y: np.ndarray | None,
    ) -> np.ndarray:
        """Return the (shares of) all-zeros results of compute-uncompute circuits."""
        n_qubits = cirq.num_qubits(circuit)
        label = f"{circuit_label(circuit)}|overlap"
        left = row_keys(self.seed, label, X)
        right = left if Y is None else row_keys(self.seed, label, Y)
        if self.uses_trajectories(n_qubits):
            keys = pair_keys(left, right)
            seeds = (keys >> np.uint64(33)).astype(np.int64)
            repetitions = self.shots or self.n_trajectories
            return sampled_overlaps(circuit, self._noise(), symbols, X, Y, repetitions, seeds)
        if self.noise is None:
            zeros = self.fidelities(circuit, symbols, X, Y)
            np.clip(zeros, 0, 1, out=zeros)
        else:
            zeros = self._zeros(circuit, symbols, X, Y)
        if self.shots is None:
            return zeros
        for rows in row_blocks(len(zeros), DRAW_ARRAYS * zeros.shape[1]):
            draws = uniform(pair_keys(left[rows], right))
            zeros[rows] = binomial(self.shots, zeros[rows], draws) / self.shots
        return zeros

    def _zeros(
        self,
        circuit: cirq.FrozenCircuit,
        symbols: Symbols,
        X: np.ndarray,
        Y: np.ndarray | None,
    ) -> np.ndarray:
        per_row = 4 * 8 * 4 ** cirq.num_qubits(circuit)  # both halves, in double precision
        self._check_memory(cirq.num_qubits(circuit), 2 * per_row)
        halves = compile_halves(circuit, self._noise(), symbols)
        matrix = 8 * len(X) * len(X if Y is None else Y)
        tile = max(1, (self.memory - matrix) // (2 * per_row))
        with one_blas_thread(len(X) * len(halves[0].start)):
            return zeros_probabilities(halves, X, Y, tile, self.n_threads)

    def _noise(self) -> Noise:
        assert self.noise is not None  # without it there are states
        return self.noise

    def _seeds(self, circuit: cirq.FrozenCircuit, what: str, values: np.ndarray) -> np.ndarray:
        keys = row_keys(self.seed, f"{circuit_label(circuit)}|{what}", values)
        return (keys >> np.uint64(33)).astype(np.int64)


@lru_cache(maxsize=32)
def _rotated(
    circuit: cirq.FrozenCircuit, rotations: tuple[cirq.Operation, ...]
) -> cirq.FrozenCircuit:
    return cirq.FrozenCircuit(*circuit.moments, cirq.Moment(rotations)) if rotations else circuit
