"""Density matrices of a whole batch: expectation values, gradients and overlaps.

`superoperators.py` compiles circuits with noise to programs of the engine. What differs from
states are the observables: ``Tr(O rho)`` is linear in the density matrix. So an
observable can go backwards through all that the rows share, and meet their density matrices
where they differ last.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import cirq
import numpy as np

from skquantum.execution._compiler.program import Fixed, Phases, Program, apply_constant
from skquantum.execution._engine.adjoint import bind
from skquantum.execution._engine.derived import derived
from skquantum.execution._engine.evaluator import AdjointEvaluator
from skquantum.execution._engine.overlaps import DOUBLE_PRECISION_WORK
from skquantum.execution._engine.qsim import (
    apply_fixed,
    inverse,
    padded,
    run,
)
from skquantum.execution._engine.threads import one_blas_thread
from skquantum.execution._evaluation import Evaluator, Pullback
from skquantum.execution._measurement import MeasurementSetting, measurement_settings, offsets
from skquantum.execution._noise.models import Noise, readout


class LinearObservables:
    """Observables of density matrices held as columns of shape (4 ** n_qubits, n_samples).

    Parameters
    ----------
    observables : list of cirq.PauliSum
    qubits : sequence of cirq.Qid
        The circuit's, sorted.
    errors : Fixed
        The read-out error, as superoperators. Each string is measured in Z after rotations free
        of noise, and the error comes in between.
    """

    def __init__(
        self, observables: list[cirq.PauliSum], qubits: Sequence[cirq.Qid], errors: Fixed
    ) -> None:
        self.n_observables = len(observables)
        self.offsets = offsets(observables)
        self.vectors = np.zeros((4 ** len(qubits), len(observables)), dtype=complex)
        for setting in measurement_settings(observables, qubits):
            self.vectors += _observable_vectors(setting, errors)
        self.support = np.flatnonzero(self.vectors.any(axis=1))
        self._parts = self.vectors[self.support]
        self._is_real = not self._parts.imag.any()

    @staticmethod
    def n_bytes(n_observables: int, n_qubits: int) -> int:
        """Return the memory that so many observables take, with their temporaries."""
        return 3 * 16 * n_observables * 4**n_qubits

    def expectations(self, rho: np.ndarray) -> np.ndarray:
        """Return expectation values, shape (n_samples, n_observables), in double precision."""
        whole = len(self.support) == len(rho)
        part = rho if whole else rho[self.support]
        out = part.real.astype(float).T @ self._parts.real
        if not self._is_real:
            out += part.imag.astype(float).T @ self._parts.imag
        return out + self.offsets

    def apply(self, rho: np.ndarray, cotangent: np.ndarray) -> np.ndarray:
        """Return dL/drho* for dL/d(expectations), up to the factor of linear functions.

        The engine is written for states, where ``dL = 2 Re <lam|dpsi>``.
        """
        out = np.zeros_like(rho)
        out[self.support] = 0.5 * (self._parts @ cotangent.T)
        return out


def _observable_vectors(setting: MeasurementSetting, errors: Fixed) -> np.ndarray:
    """Return the strings of a setting as vectors, with the read-out error before them.

    In the Heisenberg picture: the measurement in Z, then the error and the rotations backwards.
    """
    n_qubits = len(setting.qubits)
    dim = 2**n_qubits
    vectors = np.zeros((dim * dim, setting.n_observables), dtype=complex)
    vectors[:: dim + 1] = setting.table
    used = vectors.any(axis=0)
    place = {q: i for i, q in enumerate(setting.qubits)}
    gates = []
    for op in setting.rotations():
        (qubit,), matrix = op.qubits, cirq.unitary(op)
        gates.append((matrix, (place[qubit],)))
        gates.append((matrix.conj(), (n_qubits + place[qubit],)))
    measured = Fixed((*gates, *errors.gates))
    vectors[:, used] = apply_constant(inverse(measured), vectors[:, used], 2 * n_qubits)
    # Products of matrices leave dust where the exact value is zero.
    vectors[abs(vectors) < 1e-15] = 0
    return vectors


class _Junction:
    """Observables where the two pictures meet, in place of those at the circuit's end.

    Parameters
    ----------
    vectors : ndarray of complex, shape (4 ** n_qubits, n_observables)
        The observables, pulled back to where they are to meet the rows' density matrices.
    """

    def __init__(self, vectors: np.ndarray) -> None:
        self.n_observables = vectors.shape[1]
        self.vectors = vectors.astype(complex)
        self._real, self._imag = self.vectors.real.copy(), self.vectors.imag.copy()
        self.sums = np.zeros_like(self.vectors)

    def expectations(self, rho: np.ndarray) -> np.ndarray:
        """Return expectation values without their constants, shape (n_samples, n_observables)."""
        return rho.real.astype(float).T @ self._real + rho.imag.astype(float).T @ self._imag

    def apply(self, rho: np.ndarray, cotangent: np.ndarray) -> np.ndarray:
        """Return lam, as `LinearObservables.apply`, and note ``sum_rows rho cotangent``.

        What follows the junction is linear: its gradient needs these sums and not the rows.
        """
        self.sums += rho @ cotangent
        return (self.vectors @ (0.5 * cotangent.T)).astype(rho.dtype)


class DensityEvaluator(Evaluator):
    """Expectation values and exact gradients of a circuit with noise.

    Two pictures meet at the last gates that differ from row to row. What follows them is the
    same for all rows, and there the observables, which are few, go backwards instead of the
    rows' density matrices forwards. For the gradient, as many sums of density matrices go
    through it.

    Parameters
    ----------
    program : Program
    fused : Program
        The same for values alone, see `compile_density`.
    observables : LinearObservables
    n_threads : int
    """

    def __init__(
        self, program: Program, fused: Program, observables: LinearObservables, n_threads: int
    ) -> None:
        self.observables = observables
        self.n_threads = n_threads
        self.head, self.tail = at_junction(program)
        self.fused_head, self.fused_tail = at_junction(fused)
        self._evaluator(self.head, observables)  # refuses what has no derivative

    def forward(self, X: np.ndarray, weights: np.ndarray) -> np.ndarray:
        junction = self._junction(self.fused_tail, weights)
        values = self._evaluator(self.fused_head, junction).forward(X, weights)
        return values + self.observables.offsets

    def forward_vjp(
        self, X: np.ndarray, weights: np.ndarray, *, data_gradient: bool = True
    ) -> tuple[np.ndarray, Pullback]:
        junction = self._junction(self.tail, weights)
        values, head = self._evaluator(self.head, junction).forward_vjp(
            X, weights, data_gradient=data_gradient
        )

        def pullback(cotangent: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
            junction.sums[:] = 0
            grad_X, grad_weights = head(cotangent)
            count = junction.n_observables
            tail = self._evaluator(
                self.tail, self.observables, lambda numbers: junction.sums.T[numbers[:, 0]]
            )
            _, tail_pullback = tail.forward_vjp(np.arange(count)[:, None], weights)
            return grad_X, grad_weights + tail_pullback(np.eye(count))[1]

        return values + self.observables.offsets, pullback

    def _evaluator(
        self, program: Program, observables: Any, prepare: Any = None
    ) -> AdjointEvaluator:
        return AdjointEvaluator(program, observables, self.n_threads, prepare)

    def _junction(self, program: Program, weights: np.ndarray) -> _Junction:
        """Return the observables before a program that all rows share."""
        tail = self._evaluator(program, self.observables)
        bound = bind(program, weights)
        out = _wide(self.observables.vectors)
        for segment, number in reversed(bound.plan.blocks[0]):
            out = tail._step(bound, segment, number, out, back=True)
        return _Junction(out[:, : self.observables.n_observables])


def density_expectations(
    program: Program, observables: LinearObservables, values: np.ndarray, n_threads: int
) -> np.ndarray:
    """Return expectation values of a program without weights, (n_samples, n_observables).

    In two pictures, as `DensityEvaluator`.
    """
    head, tail = at_junction(program)
    vectors = _wide(observables.vectors)
    for segment in reversed(tail.segments):
        assert isinstance(segment, Fixed)  # there are no weights
        vectors = apply_fixed(inverse(segment), vectors, n_threads)
    junction = _Junction(vectors[:, : observables.n_observables])
    out = np.empty((len(values), observables.n_observables))
    with one_blas_thread(len(values) * len(program.start)):
        for rows, rho in run(head, values, n_threads):
            out[rows] = junction.expectations(rho)
    return out + observables.offsets


def _wide(vectors: np.ndarray) -> np.ndarray:
    """Return columns in single precision, padded to a power of two."""
    return padded(vectors.astype(np.complex64), 1 << (vectors.shape[1] - 1).bit_length())


@derived
def at_junction(program: Program) -> tuple[Program, Program]:
    """Split a program after the last phases that differ from row to row."""
    segments = program.segments
    by_row = [i for i, s in enumerate(segments) if isinstance(s, Phases) and s.by_row]
    border = by_row[-1] + 1 if by_row else 0
    angles = program.row_angles, program.shared_angles
    return (
        Program(program.n_qubits, program.start, segments[:border], *angles),
        Program(program.n_qubits, program.start, segments[border:], *angles),
    )


def linear_observables(
    circuit: cirq.FrozenCircuit, noise: Noise, observables: list[cirq.PauliSum]
) -> LinearObservables:
    """Return observables as they are measured with the read-out error of a noise model."""
    _, qubits = noise.on_device(circuit)
    errors = readout(noise, qubits)
    return LinearObservables(observables, sorted(circuit.all_qubits()), errors)


# ------------------------------------------------------------------------------- matrices


def density_columns(program: Program, values: np.ndarray, n_threads: int) -> np.ndarray:
    """Return density matrices as columns, complex64 of shape (4 ** n_qubits, n_samples)."""
    out = np.empty((len(program.start), len(values)), dtype=np.complex64)
    for rows, rho in run(program, values, n_threads):
        out[:, rows] = rho
    return out


def zeros_probabilities(
    halves: tuple[Program, Program],
    X: np.ndarray,
    Y: np.ndarray | None,
    tile: int,
    n_threads: int,
) -> np.ndarray:
    """Return the all-zeros probabilities of compute-uncompute circuits for all pairs of rows.

    Noise makes the order of a pair matter a little; the mean over both orders is returned, so
    that the matrix is symmetric and an entry depends on nothing but its pair.

    Parameters
    ----------
    halves : tuple of Program
        From `compile_halves`.
    X, Y : ndarray of shape (n_samples, n_symbols)
        None for Y stands for X.
    tile : int
        How many rows to hold at a time.
    n_threads : int

    Returns
    -------
    ndarray of float64, shape (n_samples_X, n_samples_Y)
    """
    right = X if Y is None else Y
    out = np.empty((len(X), len(right)))
    for i in range(0, len(X), tile):
        block = _real_halves(halves, X[i : i + tile], n_threads)
        for j in range(i if Y is None else 0, len(right), tile):
            same = Y is None and i == j
            other = block if same else _real_halves(halves, right[j : j + tile], n_threads)
            values = (block[0].T @ other[1] + block[1].T @ other[0]) / 2
            if same:
                values = (values + values.T) / 2  # to the last digit
            out[i : i + tile, j : j + tile] = values
            if Y is None:
                out[j : j + tile, i : i + tile] = values.T
    return np.clip(out, 0, 1, out=out)


def _real_halves(
    halves: tuple[Program, Program], values: np.ndarray, n_threads: int
) -> np.ndarray:
    """Return density matrices and observables as real columns, of shape (2, 2 * 4**n, n_rows)."""
    forward, backward = halves
    dim = len(forward.start)
    work = dim * len(values) ** 2
    dtype = np.float64 if work <= DOUBLE_PRECISION_WORK else np.float32
    out = np.empty((2, 2 * dim, len(values)), dtype=dtype)
    for half, columns in zip((forward, backward), out, strict=True):
        for rows, rho in run(half, values, n_threads):
            columns[:dim, rows], columns[dim:, rows] = rho.real, rho.imag
    return out
