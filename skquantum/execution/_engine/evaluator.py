"""Evaluators: a circuit with its observables, ready to be run for data and weights.

An evaluator is made once for a circuit and lives as long as the layer that uses it. The exact
one runs the adjoint method on the batch; `skquantum.execution._gradients` has those that need
nothing but expectation values, and so serve any backend.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from skquantum.execution._compiler.program import (
    DENSE_QUBITS,
    Fixed,
    Local,
    Pairs,
    Phases,
    Program,
)
from skquantum.execution._engine.adjoint import (
    CHUNK_AMPLITUDES,
    Bound,
    DenseBlocks,
    Plan,
    SharedGradient,
    bind,
    imaginary_overlap,
    row_gradient,
    shared_table,
)
from skquantum.execution._engine.observables import PauliMatrix
from skquantum.execution._engine.qsim import (
    apply_fixed,
    apply_matrices,
    chunks,
    inverse,
    monomial,
    multiply_tables,
    padded,
    phase_table,
)
from skquantum.execution._engine.threads import one_blas_thread
from skquantum.execution._evaluation import Evaluator, Pullback

KEPT_AMPLITUDES = 2**24  # states kept between forward and backward; beyond, they are run again


@dataclass
class _Chunk:
    """One chunk on its way through the program."""

    rows: slice
    angles: np.ndarray
    tables: list[list[np.ndarray]]
    states: list[np.ndarray]  # what the way back needs of the way there
    psi: np.ndarray


class AdjointEvaluator(Evaluator):
    """Expectation values and exact gradients of a compiled program.

    Parameters
    ----------
    program : Program
    observables : PauliMatrix
    n_threads : int
    prepare : callable, default=None
        Returns the states that rows start from, shape (n_samples, 2 ** n_qubits). Without it,
        rows are values of the data symbols. There is no gradient for rows that are prepared.
    """

    def __init__(
        self,
        program: Program,
        observables: PauliMatrix,
        n_threads: int,
        prepare: Callable[[np.ndarray], np.ndarray] | None = None,
    ) -> None:
        program.row_angles.check_differentiable()
        program.shared_angles.check_differentiable()
        self.program = program
        self.observables = observables
        self.n_threads = n_threads
        self.prepare = prepare

    @property
    def n_state_qubits(self) -> int | None:
        return self.program.n_qubits

    def forward(self, X: np.ndarray, weights: np.ndarray) -> np.ndarray:
        bound, out = self._start(X, weights)
        with one_blas_thread(len(X) * len(self.program.start)):
            for chunk in self._chunks(bound, X, weights):
                out[chunk.rows] = self.observables.expectations(chunk.psi)[: _length(chunk.rows)]
        return out

    def forward_vjp(
        self, X: np.ndarray, weights: np.ndarray, *, data_gradient: bool = True
    ) -> tuple[np.ndarray, Pullback]:
        by_row_needed = data_gradient or self.program.row_angles.has_weights
        by_row_needed = by_row_needed and self.prepare is None
        bound, out = self._start(X, weights)
        # What a chunk keeps: its state, and for every layer of phases a state and its tables.
        arrays = 1 + 2 * len(bound.plan.by_row)
        keep = len(X) * len(self.program.start) * arrays <= KEPT_AMPLITUDES
        kept = []
        with one_blas_thread(len(X) * len(self.program.start)):
            for chunk in self._chunks(bound, X, weights):
                out[chunk.rows] = self.observables.expectations(chunk.psi)[: _length(chunk.rows)]
                if keep:
                    kept.append(chunk)

        def pullback(cotangent: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
            with one_blas_thread(len(X) * len(self.program.start)):
                return backwards(cotangent)

        def backwards(cotangent: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
            gradient = SharedGradient(bound)
            grad_X, grad_weights = np.zeros(X.shape), np.zeros(len(weights))
            for chunk in kept if keep else self._chunks(bound, X, weights):
                part = padded(cotangent[chunk.rows].T, chunk.angles.shape[1]).T
                by_row = np.zeros(chunk.angles.shape) if by_row_needed else None
                self._backward(bound, chunk, part, by_row, gradient)
                if by_row is not None:
                    part_X, part_weights = self.program.row_angles.pullback(
                        X[chunk.rows], weights, by_row[:, : _length(chunk.rows)]
                    )
                    grad_X[chunk.rows] = part_X
                    grad_weights += part_weights
            _, shared = self.program.shared_angles.pullback(
                np.empty((1, 0)), weights, gradient.total()[:, None]
            )
            return grad_X, grad_weights + shared

        return out, pullback

    def _start(self, X: np.ndarray, weights: np.ndarray) -> tuple[Bound, np.ndarray]:
        return bind(self.program, weights), np.empty((len(X), self.observables.n_observables))

    def _chunks(self, bound: Bound, X: np.ndarray, weights: np.ndarray) -> Iterator[_Chunk]:
        dim = len(self.program.start)
        # Not a matter of how many rows there are: a row's result must not depend on the others.
        dense = self.program.n_qubits <= DENSE_QUBITS
        blocks = bound.dense_blocks() if dense else None
        # Small batches are widened: it costs nothing, and a row's result then does not depend
        # on the rows beside it.
        wide = dense and len(X) * dim <= 2**16
        for rows, n_columns in chunks(len(X), dim, CHUNK_AMPLITUDES):
            angles = self._row_angles(X[rows], weights)
            if blocks is not None:
                dtype = np.complex128 if wide else np.complex64
                start = self._start_states(X[rows], dtype, _length(rows))
                yield _forward_dense(bound, blocks, rows, start, angles)
            else:
                start = self._start_states(X[rows], np.complex64, n_columns)
                yield self._forward_direct(bound, rows, start, padded(angles, n_columns))

    def _start_states(self, X: np.ndarray, dtype: Any, n_columns: int) -> np.ndarray:
        """Return the states before the program, one column each or one for all."""
        if self.prepare is None:
            return self.program.start.astype(dtype)[:, None]
        if len(X) < n_columns:  # any rows do to fill up, but rows of zeros may not be allowed
            X = np.concatenate([X, np.broadcast_to(X[:1], (n_columns - len(X), X.shape[1]))])
        return np.ascontiguousarray(self.prepare(X).T, dtype=dtype)

    def _row_angles(self, X: np.ndarray, weights: np.ndarray) -> np.ndarray:
        if self.prepare is not None:
            return np.empty((0, len(X)))
        return self.program.row_angles(X, weights)

    def _forward_direct(
        self, bound: Bound, rows: slice, psi: np.ndarray, angles: np.ndarray
    ) -> _Chunk:
        n_columns = angles.shape[1]
        prepared = bound.plan
        tables: list[list[np.ndarray]] = []
        states: list[np.ndarray] = []
        for k, block in enumerate(prepared.blocks):
            if block and psi.shape[1] == 1:
                psi = np.repeat(psi, n_columns, axis=1)
            for segment, local in block:
                if not isinstance(segment, Fixed):
                    states.append(psi)
                psi = self._step(bound, segment, local, psi)
            if k < len(prepared.by_row):
                phases = [phase_table(t, angles) for t in prepared.by_row[k].tables]
                tables.append(phases)
                if states and states[-1] is psi:  # it is needed, and would be overwritten
                    psi = psi.copy()
                psi = multiply_tables(psi, phases, n_columns)
                states.append(psi)
        if psi.shape[1] == 1:
            psi = np.repeat(psi, n_columns, axis=1)
        return _Chunk(rows, angles, tables, states, psi)

    def _step(
        self, bound: Bound, segment: Any, local: int, psi: np.ndarray, back: bool = False
    ) -> np.ndarray:
        """Apply a shared segment to states, or its adjoint."""
        n_qubits = self.program.n_qubits
        if local >= 0:
            matrices, where = bound.matrices(segment, local)
            if back:
                matrices = matrices.conj().swapaxes(1, 2)
            return apply_matrices(matrices, where, psi, self.n_threads)
        if isinstance(segment, Fixed):
            fixed = inverse(segment) if back else segment
            moves = monomial(fixed, n_qubits)
            if moves is None:
                return apply_fixed(fixed, psi, self.n_threads)
            source, phases = moves
            psi = psi.take(source, axis=0)
            return psi if phases is None else np.multiply(psi, phases, out=psi)
        diagonal = shared_table(segment, bound.angles, n_qubits).astype(np.complex64)
        return psi * (diagonal.conj() if back else diagonal)[:, None]

    def _backward(
        self,
        bound: Bound,
        chunk: _Chunk,
        cotangent: np.ndarray,
        by_row: np.ndarray | None,
        gradient: SharedGradient,
    ) -> None:
        """Add the gradients of shared angles and, unless None, of the angles by row."""
        lam = self.observables.apply(chunk.psi, cotangent)
        if self.program.n_qubits <= DENSE_QUBITS:
            _backward_dense(bound, bound.dense_blocks(), chunk, lam, by_row, gradient)
        else:
            self._backward_direct(bound, chunk, lam, by_row, gradient)

    def _backward_direct(
        self,
        bound: Bound,
        chunk: _Chunk,
        lam: np.ndarray,
        by_row: np.ndarray | None,
        gradient: SharedGradient,
    ) -> None:
        prepared = bound.plan
        first = _first_block(prepared, by_row)
        states = list(chunk.states)
        view = (2,) * self.program.n_qubits + (-1,)
        for k in range(len(prepared.blocks) - 1, first - 1, -1):
            for segment, local in reversed(prepared.blocks[k]):
                lam = self._step(bound, segment, local, lam, back=True)
                if isinstance(segment, Local):
                    gradient.add_chains(local, states.pop(), lam)
                elif isinstance(segment, Pairs):
                    gradient.add_pairs(segment, local, states.pop(), lam)
                elif isinstance(segment, Phases):
                    overlap = imaginary_overlap(lam, states.pop()).sum(axis=1)
                    for table in segment.tables:
                        gradient.add_phases(table, overlap)
            if k == 0:
                break
            psi = states.pop()
            if by_row is not None:
                row_gradient(prepared.by_row[k - 1], psi, lam, by_row)
            if k > first:
                undone = lam.reshape(view)
                for phases in chunk.tables[k - 1]:
                    np.multiply(undone, phases.conj(), out=undone)
                lam = undone.reshape(lam.shape)


def _first_block(prepared: Plan, by_row: np.ndarray | None) -> int:
    """Return the block at which the way back ends: before it there is nothing to learn."""
    if by_row is not None:
        return 0
    trainable = (
        k
        for k, block in enumerate(prepared.blocks)
        if any(not isinstance(segment, Fixed) for segment, _ in block)
    )
    return next(trainable, len(prepared.blocks))


def _length(rows: slice) -> int:
    return rows.stop - rows.start


def _forward_dense(
    bound: Bound, blocks: DenseBlocks, rows: slice, psi: np.ndarray, angles: np.ndarray
) -> _Chunk:
    n_columns = angles.shape[1]
    dtype = psi.dtype
    inputs, tables = [], []
    for k, unitary in enumerate(blocks.unitaries):
        inputs.append(psi)
        if unitary is not None:
            psi = unitary.astype(dtype, copy=False) @ psi
        if k < len(bound.plan.by_row):
            phases = [phase_table(t, angles) for t in bound.plan.by_row[k].tables]
            tables.append(phases)
            psi = multiply_tables(psi, phases, n_columns)
    if psi.shape[1] == 1:
        psi = np.repeat(psi, n_columns, axis=1)
    return _Chunk(rows, angles, tables, inputs, psi)


def _backward_dense(
    bound: Bound,
    blocks: DenseBlocks,
    chunk: _Chunk,
    lam: np.ndarray,
    by_row: np.ndarray | None,
    gradient: SharedGradient,
) -> None:
    n_columns = lam.shape[1]
    first = _first_block(bound.plan, by_row)
    for k in range(len(blocks.unitaries) - 1, first - 1, -1):
        unitary, psi = blocks.unitaries[k], chunk.states[k]
        if unitary is not None:
            left = lam if psi.shape[1] == n_columns else lam.sum(axis=1, keepdims=True)
            gradient.add_outer(k, left @ psi.conj().T)
            if k > first or by_row is not None:
                lam = unitary.conj().T.astype(lam.dtype, copy=False) @ lam
        if k and by_row is not None:
            row_gradient(bound.plan.by_row[k - 1], psi, lam, by_row)
        if k > first:
            lam = multiply_tables(lam, [t.conj() for t in chunk.tables[k - 1]], n_columns)
