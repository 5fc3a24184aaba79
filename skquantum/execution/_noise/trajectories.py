"""Noise by quantum trajectories, for circuits whose density matrix is too large.

qsim runs each row's circuit many times and chooses one operator of every channel at random each
time [1]_. Means over trajectories are those of the density matrix, up to a standard error that
falls with the square root of their number.

References
----------
.. [1] S. V. Isakov et al., "Simulations of quantum circuits with approximate noise using qsim
   and Cirq" (2021), https://arxiv.org/abs/2111.02396
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache

import cirq
import numpy as np
import sympy

from skquantum._symbols import is_symbolic, resolve_operation, with_values
from skquantum.execution._compiler.gates import check_symbols, flatten
from skquantum.execution._compiler.rotations import rotation_form
from skquantum.execution._engine.qsim import trajectory_bits, trajectory_means
from skquantum.execution._measurement import MeasurementSetting, compute_uncompute
from skquantum.execution._noise.models import (
    Noise,
    is_constant_channel,
    noisy_operations,
    readout_operations,
    superoperator,
)

BATCHES = 20  # means of batches give the standard error, itself good to 16 %


@lru_cache(maxsize=32)
def noisy_circuit(
    circuit: cirq.FrozenCircuit,
    noise: Noise,
    rotations: tuple[cirq.Operation, ...] = (),
) -> tuple[cirq.FrozenCircuit, tuple[cirq.Qid, ...]]:
    """Return a circuit with its noise, rotations without noise and the read-out error.

    Returns
    -------
    circuit : cirq.FrozenCircuit
        With symbols, without measurements.
    qubits : tuple of cirq.Qid
        Where each of the caller's sorted qubits is.
    """
    physical, qubits = noise.on_device(circuit)
    names: dict[cirq.Qid, cirq.Qid] = dict(zip(sorted(circuit.all_qubits()), qubits, strict=True))
    operations = [
        *noisy_operations(physical, noise, qubits),
        *(op.transform_qubits(names) for op in rotations),
        *readout_operations(noise, qubits),
    ]
    return _checked(operations, noise, qubits), qubits


@lru_cache(maxsize=32)
def noisy_uncompute(
    circuit: cirq.FrozenCircuit, noise: Noise, symbols: tuple[sympy.Symbol, ...]
) -> tuple[cirq.FrozenCircuit, tuple[cirq.Qid, ...], tuple[sympy.Symbol, ...]]:
    """Return the compute-uncompute circuit with noise, its qubits and its symbols."""
    physical, qubits = noise.on_device(circuit)
    both, left, right = compute_uncompute(physical, symbols)
    operations = [*noisy_operations(both, noise, qubits), *readout_operations(noise, qubits)]
    return _checked(operations, noise, qubits), qubits, (*left, *right)


def _checked(
    operations: list[cirq.Operation], noise: Noise, qubits: tuple[cirq.Qid, ...]
) -> cirq.FrozenCircuit:
    flat = list(flatten(iter(operations), lambda op: _runs_here(op) or is_constant_channel(op)))
    for op in flat:
        if not is_symbolic(op) and not cirq.has_unitary(op):
            superoperator(op, noise)  # refuses what is no channel
    # A global phase acts on no qubits, and has no effect.
    return cirq.FrozenCircuit(cirq.I.on_each(*qubits), [op for op in flat if op.qubits])


def _runs_here(op: cirq.Operation) -> bool:
    if is_symbolic(op):
        return op.gate is not None and rotation_form(op.gate) is not None
    return cirq.has_unitary(op)


def resolved(
    circuit: cirq.FrozenCircuit, symbols: tuple[sympy.Symbol, ...], row: np.ndarray
) -> cirq.Circuit:
    """Return the circuit of one row, in gates that qsim knows."""
    values = {s: float(v) for s, v in zip(symbols, row, strict=True)}

    def known(op: cirq.Operation) -> cirq.Operation:
        form = rotation_form(op.gate) if hasattr(op.gate, "_rotation_form_") else None
        if form is None:
            return resolve_operation(op, values)
        terms = tuple((with_values(t, values), s) for t, s in form.terms)
        matrix = type(form)(form.basis, terms).matrix(len(op.qubits))
        return cirq.MatrixGate(matrix).on(*op.qubits)

    return cirq.Circuit(map(known, circuit.all_operations()))


def trajectory_expectations(
    circuit: cirq.FrozenCircuit,
    noise: Noise,
    symbols: tuple[sympy.Symbol, ...],
    values: np.ndarray,
    settings: list[MeasurementSetting],
    n_trajectories: int,
    seeds: np.ndarray,
    n_threads: int,
) -> tuple[np.ndarray, np.ndarray]:
    """Return means over trajectories and their variances, without the observables' constants.

    Parameters
    ----------
    settings : list of MeasurementSetting
        Each is a simulation of its own, since the read-out error comes after its rotations.
    n_trajectories : int
        At least 2. Rounded up to a multiple of the number of batches.
    seeds : ndarray of int, shape (n_samples,)

    Returns
    -------
    means, variances : ndarray of shape (n_samples, n_observables)
    """
    n_observables = settings[0].n_observables if settings else 0
    means = np.zeros((len(values), n_observables))
    variances = np.zeros_like(means)
    batches = min(BATCHES, n_trajectories)
    for k, setting in enumerate(settings):
        noisy, qubits = noisy_circuit(circuit, noise, tuple(setting.rotations()))
        rows, sums = _sums_of_z(setting, qubits)
        for i, row in enumerate(values):
            parts = trajectory_means(
                resolved(noisy, symbols, row),
                sums,
                qubits,
                batches,
                -(-n_trajectories // batches),
                int(seeds[i]) + k,
                n_threads,
            )
            means[i, rows] += parts.mean(axis=0)
            variances[i, rows] += parts.var(axis=0, ddof=1) / batches
    return means, variances


def _sums_of_z(
    setting: MeasurementSetting, qubits: tuple[cirq.Qid, ...]
) -> tuple[list[int], list[cirq.PauliSum]]:
    """Return the observables that a setting measures, as sums of strings of Z."""
    sums: dict[int, cirq.PauliSum] = {}
    for row, coefficient, where in setting.terms:
        string: cirq.PauliString = cirq.PauliString(
            {qubits[i]: cirq.Z for i in where}, coefficient=coefficient
        )
        sums[row] = sums.get(row, cirq.PauliSum()) + string
    return list(sums), list(sums.values())


def sampled_bits(
    circuit: cirq.FrozenCircuit,
    qubits: tuple[cirq.Qid, ...],
    symbols: tuple[sympy.Symbol, ...],
    values: np.ndarray,
    repetitions: int,
    seeds: np.ndarray,
) -> Iterator[np.ndarray]:
    """Yield for each row the bits of so many runs, shape (repetitions, n_qubits)."""
    for row, seed in zip(values, seeds, strict=True):
        yield trajectory_bits(resolved(circuit, symbols, row), qubits, repetitions, int(seed))


def sampled_overlaps(
    circuit: cirq.FrozenCircuit,
    noise: Noise,
    symbols: tuple[sympy.Symbol, ...],
    X: np.ndarray,
    Y: np.ndarray | None,
    repetitions: int,
    seeds: np.ndarray,
) -> np.ndarray:
    """Return the shares of runs of compute-uncompute circuits that end in all zeros.

    Parameters
    ----------
    X, Y : ndarray of shape (n_samples, n_symbols)
        None for Y stands for X; each pair is then run once.
    seeds : ndarray of int, shape (n_samples_X, n_samples_Y)

    Returns
    -------
    ndarray of float64, shape (n_samples_X, n_samples_Y)
    """
    check_symbols(circuit, symbols)
    both, qubits, names = noisy_uncompute(circuit, noise, symbols)
    right = X if Y is None else Y
    out = np.empty((len(X), len(right)))
    for i, row in enumerate(X):
        others = right[i:] if Y is None else right
        begin = len(right) - len(others)
        pairs = np.hstack([np.broadcast_to(row, (len(others), len(row))), others])
        runs = sampled_bits(both, qubits, names, pairs, repetitions, seeds[i, begin:])
        for j, bits in enumerate(runs, begin):
            out[i, j] = 1 - bits.any(axis=1).mean()
            if Y is None:
                out[j, i] = out[i, j]
    return out
