"""Expectation values and their gradients for a whole batch, by the adjoint method.

The circuit is run forward once. With ``lam = dL/dpsi*`` at its end, both states walk backwards
through the segments, and every gate's gradient is a product of the two: no tape of states is
kept. Two strategies give the same numbers:

- *dense*, for small registers: each run of segments that all rows share becomes one small
  unitary, computed once, and meets the rows in one product;
- *direct*, for larger ones: the segments run on the rows' states, through qsim.

References
----------
T. Jones and J. Gacon, "Efficient calculation of gradients in classical simulations of
variational quantum algorithms" (2020), https://arxiv.org/abs/2009.02823
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np

from skquantum.execution._derived import derived
from skquantum.execution.program import Fixed, Local, Phases, PhaseTable, Program, apply_constant

DENSE_QUBITS = 6  # up to here a shared block as one matrix costs less than its calls
CHUNK_AMPLITUDES = 2**16  # two states of this size and their temporaries stay in cache

# The pullback of a forward pass: from dL/d(outputs) to (dL/dX, dL/dweights).
Pullback = Callable[[np.ndarray], tuple[np.ndarray, np.ndarray]]


class Chains:
    """The one-qubit gates of all local segments, as arrays, so that one pass computes them all.

    A chain is the product of the gates on one qubit in one segment: elements
    ``left . diag(exp(i angle spectrum)) . right`` with constant left and right, padded to the
    longest chain. Chain 0 is the identity.
    """

    def __init__(self, program: Program) -> None:
        locals_ = [s for s in program.segments if isinstance(s, Local)]
        chains: list[list[tuple[np.ndarray, np.ndarray, np.ndarray, int]]] = [_elements(())]
        self.index = np.zeros((len(locals_), program.n_qubits), dtype=int)
        for row, segment in zip(self.index, locals_, strict=True):
            for qubit, chain in segment.chains:
                row[qubit] = len(chains)
                chains.append(_elements(chain))
        length = max(map(len, chains))
        self.left = np.tile(np.eye(2, dtype=complex), (length, len(chains), 1, 1))
        self.right = self.left.copy()
        self.spectra = np.zeros((length, len(chains), 2))
        self.terms = np.full((length, len(chains)), len(program.shared_angles.expressions))
        for c, elements in enumerate(chains):
            for p, (left, right, spectrum, term) in enumerate(elements):
                self.left[p, c], self.right[p, c] = left, right
                self.spectra[p, c] = spectrum
                if term >= 0:
                    self.terms[p, c] = term
        adjoint = self.right.conj().swapaxes(2, 3)
        self.generators = (adjoint * self.spectra[:, :, None, :]) @ self.right

    def bind(self, angles: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return the chains' unitaries, and the generators of their angles before the chain."""
        turns = np.append(angles, 0.0)[self.terms]
        phases = np.exp(1j * turns[..., None] * self.spectra)
        elements = (self.left * phases[:, :, None, :]) @ self.right
        generators = np.empty_like(self.generators)
        generators[0], product = self.generators[0], elements[0]
        for p in range(1, len(elements)):
            generators[p] = product.conj().swapaxes(1, 2) @ self.generators[p] @ product
            product = elements[p] @ product
        return product, generators

    def gradient(self, generators: np.ndarray, reduced: np.ndarray, n_angles: int) -> np.ndarray:
        """Return dL/dangle from the reduced ``psi lam^dagger`` of every chain, shape (n, 2, 2)."""
        parts = -2 * np.einsum("pcij,cji->pc", generators, reduced).imag
        return np.bincount(self.terms.ravel(), parts.ravel(), n_angles + 1)[:n_angles]


def _elements(
    chain: Sequence[Any],
) -> list[tuple[np.ndarray, np.ndarray, np.ndarray, int]]:
    """Fold the constant gates of a chain into its rotations."""
    out: list[tuple[np.ndarray, np.ndarray, np.ndarray, int]] = []
    constant = np.eye(2, dtype=complex)
    for element in chain:
        if isinstance(element, tuple):
            basis, spectrum, term = element
            out.append((basis, basis.conj().T @ constant, spectrum, term))
            constant = np.eye(2, dtype=complex)
        else:
            constant = element @ constant
    if not out:
        return [(constant, np.eye(2, dtype=complex), np.zeros(2), -1)]
    left, *rest = out[-1]
    out[-1] = (constant @ left, *rest)
    return out


@dataclass(frozen=True, eq=False)
class Plan:
    """What a program needs for gradients beyond its segments, prepared once.

    Attributes
    ----------
    blocks : tuple of tuple of segments
        Runs of segments that all rows share, one before, between and after the phases by row.
    by_row : tuple of Phases
        Those phases, one fewer than the blocks.
    chains : Chains
    """

    program: Program
    blocks: tuple[tuple[Any, ...], ...]
    by_row: tuple[Phases, ...]
    chains: Chains


@derived
def plan(program: Program) -> Plan:
    """Return the plan of a program."""
    blocks: list[list[Any]] = [[]]
    by_row = []
    local = 0
    for segment in program.segments:
        if isinstance(segment, Phases) and segment.by_row:
            by_row.append(segment)
            blocks.append([])
        elif isinstance(segment, Local):
            blocks[-1].append((segment, local))
            local += 1
        else:
            blocks[-1].append((segment, -1))
    return Plan(program, tuple(map(tuple, blocks)), tuple(by_row), Chains(program))


@lru_cache(maxsize=32)
def trace_indices(n_qubits: int) -> np.ndarray:
    """Return flat indices into a (2**n, 2**n) matrix whose sums are its one-qubit partial traces.

    Returns
    -------
    ndarray of int, shape (n_qubits, 2, 2, 2 ** (n_qubits - 1))
    """
    dim = 2**n_qubits
    flat = np.arange(dim * dim).reshape((2,) * (2 * n_qubits))
    out = np.empty((n_qubits, 2, 2, dim // 2), dtype=int)
    for q in range(n_qubits):
        rows = np.moveaxis(flat, (q, n_qubits + q), (0, 1)).reshape(2, 2, dim // 2, dim // 2)
        out[q] = np.diagonal(rows, axis1=2, axis2=3)
    return out


class Bound:
    """A plan with its weights: the numbers that all rows share.

    Parameters
    ----------
    plan : Plan
    angles : ndarray of shape (n_shared_angles,)
        In radians.
    """

    def __init__(self, plan: Plan, angles: np.ndarray) -> None:
        self.plan = plan
        self.angles = angles
        self.unitaries, self.generators = plan.chains.bind(angles)
        self._dense: DenseBlocks | None = None

    def dense_blocks(self) -> DenseBlocks:
        """Return the shared blocks as unitaries, computed on first use."""
        if self._dense is None:
            self._dense = DenseBlocks(self)
        return self._dense


def bind(program: Program, weights: np.ndarray) -> Bound:
    """Compute what depends on weights alone."""
    return Bound(plan(program), program.shared_angles(np.empty((1, 0)), weights)[:, 0])


class SharedGradient:
    """Collects dL/dangle of the shared angles over the chunks of a batch."""

    def __init__(self, bound: Bound) -> None:
        self.bound = bound
        self.angles = np.zeros(len(bound.angles))
        self.reduced = np.zeros((len(bound.unitaries), 2, 2), dtype=complex)
        self.outer: dict[int, np.ndarray] = {}

    def add_phases(self, table: PhaseTable, overlap: np.ndarray) -> None:
        """Add a table's part, from ``Im(conj(lam) psi)`` summed over rows, shape (dim,)."""
        sums = _support_sums(table, overlap)
        np.add.at(self.angles, table.terms, -2 * (sums @ table.spectra))

    def add_chains(self, local: int, psi: np.ndarray, lam: np.ndarray) -> None:
        """Add the chains of a local segment, from the states before it."""
        self.reduced[self.bound.plan.chains.index[local]] += reduced_matrices(psi, lam)

    def add_outer(self, block: int, outer: np.ndarray) -> None:
        """Add ``sum_rows lam_out psi_in^dagger`` of a dense block."""
        self.outer[block] = self.outer.get(block, 0) + outer

    def total(self) -> np.ndarray:
        """Return dL/dangle, shape (n_shared_angles,)."""
        if self.outer:
            self.bound.dense_blocks().backward(self.outer, self)
        chains = self.bound.plan.chains
        return self.angles + chains.gradient(self.bound.generators, self.reduced, len(self.angles))


def imaginary_overlap(lam: np.ndarray, psi: np.ndarray) -> np.ndarray:
    """Return ``Im(conj(lam) psi)``."""
    return lam.real * psi.imag - lam.imag * psi.real


def row_gradient(phases: Phases, psi: np.ndarray, lam: np.ndarray, out: np.ndarray) -> None:
    """Add dL/dangle of phases by row, shape (n_angles, n_columns), from the states after them."""
    overlap = imaginary_overlap(lam, psi)
    for table in phases.tables:
        sums = _support_sums(table, overlap)
        np.add.at(out, table.terms, -2 * (table.spectra.T @ sums))


def reduced_matrices(psi: np.ndarray, lam: np.ndarray) -> np.ndarray:
    """Return the one-qubit partial traces of ``sum_rows psi lam^dagger``.

    They are taken from the partial traces on groups of up to four qubits, each a product of
    matrices.

    Parameters
    ----------
    psi, lam : ndarray of complex, shape (2 ** n_qubits, n_columns)

    Returns
    -------
    ndarray of complex128, shape (n_qubits, 2, 2)
    """
    n_qubits = len(psi).bit_length() - 1
    n_groups = -(-n_qubits // 4)
    borders = np.linspace(0, n_qubits, n_groups + 1).astype(int)
    conjugate = lam.conj()
    out = np.empty((n_qubits, 2, 2), dtype=complex)
    for begin, stop in zip(borders, borders[1:], strict=False):
        shape = (2**begin, 2 ** (stop - begin), -1)
        groups = np.matmul(psi.reshape(shape), conjugate.reshape(shape).swapaxes(1, 2))
        matrix = groups.sum(axis=0, dtype=complex)
        out[begin:stop] = matrix.ravel()[trace_indices(int(stop - begin))].sum(axis=-1)
    return out


def _support_sums(table: PhaseTable, overlap: np.ndarray) -> np.ndarray:
    """Sum an array of shape (dim, ...) over the qubits that a table does not depend on."""
    n_qubits = len(table.shape)
    others = tuple(q for q in range(n_qubits) if table.shape[q] == 1)
    if not others:
        return overlap
    rest = overlap.shape[1:]
    return overlap.reshape((2,) * n_qubits + rest).sum(axis=others).reshape(-1, *rest)


def shared_table(phases: Phases, angles: np.ndarray, n_qubits: int) -> np.ndarray:
    """Return the diagonal of phases that all rows share, shape (dim,), in double precision."""
    exponents = np.zeros((2,) * n_qubits)
    for table in phases.tables:
        exponents = exponents + (table.spectra @ angles[table.terms]).reshape(table.shape)
    return np.exp(1j * exponents).ravel()


# ---------------------------------------------------------------------- dense strategy


@derived
def _dense_fixed(fixed: Fixed, n_qubits: int) -> np.ndarray:
    dim = 2**n_qubits
    return apply_constant(fixed, np.eye(dim, dtype=complex), n_qubits)


class DenseBlocks:
    """Every shared block of a bound program as one unitary, with its gradient."""

    def __init__(self, bound: Bound) -> None:
        self.bound = bound
        self.locals = _kron(bound.unitaries[bound.plan.chains.index])
        self.unitaries: list[np.ndarray | None] = []
        self._steps: list[list[tuple[Any, int, np.ndarray, np.ndarray | None]]] = []
        for block in bound.plan.blocks:
            product: np.ndarray | None = None  # the identity, until something comes
            steps = []
            for segment, local in block:
                matrix = self._matrix(segment, local)
                steps.append((segment, local, matrix, product))
                if product is None:
                    product = matrix if matrix.ndim == 2 else np.diag(matrix)
                else:
                    product = matrix @ product if matrix.ndim == 2 else matrix[:, None] * product
            self.unitaries.append(product)
            self._steps.append(steps)

    def _matrix(self, segment: Any, local: int) -> np.ndarray:
        if local >= 0:
            return self.locals[local]
        n_qubits = self.bound.plan.program.n_qubits
        if isinstance(segment, Fixed):
            return _dense_fixed(segment, n_qubits)
        return shared_table(segment, self.bound.angles, n_qubits)

    def backward(self, outer: dict[int, np.ndarray], gradient: SharedGradient) -> None:
        """Add the gradients of all blocks, given ``sum_rows lam_out psi_in^dagger`` of each."""
        n_local, n_qubits = self.bound.plan.chains.index.shape
        dim = 2**n_qubits
        products = np.empty((n_local, dim, dim), dtype=complex)
        for block, lam in outer.items():
            for segment, local, matrix, before in reversed(self._steps[block]):
                if matrix.ndim == 1:
                    overlap = _overlap(lam, matrix, before)
                    for table in segment.tables:
                        gradient.add_phases(table, overlap)
                    lam = matrix.conj()[:, None] * lam
                    continue
                lam = matrix.conj().T @ lam
                if local >= 0:
                    # psi lam^dagger with psi = before: only its partial traces matter.
                    adjoint = lam.conj().T
                    products[local] = adjoint if before is None else before @ adjoint
        if n_local:
            sums = products.reshape(n_local, -1)[:, trace_indices(n_qubits)].sum(axis=-1)
            gradient.reduced[self.bound.plan.chains.index] += sums


def _overlap(lam: np.ndarray, diagonal: np.ndarray, before: np.ndarray | None) -> np.ndarray:
    """Return ``Im(conj(lam) psi)`` summed over columns, psi being the block up to a diagonal."""
    if before is None:
        return (np.diag(lam).conj() * diagonal).imag
    return np.einsum("zk,zk->z", lam.conj(), before * diagonal[:, None]).imag


def _kron(factors: np.ndarray) -> np.ndarray:
    """Return Kronecker products over the second axis, (k, n, 2, 2) to (k, 2**n, 2**n)."""
    count, n_qubits = factors.shape[:2]
    out = factors[:, 0]
    for q in range(1, n_qubits):
        dim = 2 ** (q + 1)
        out = out[:, :, None, :, None] * factors[:, q, None, :, None, :]
        out = out.reshape(count, dim, dim)
    return out
