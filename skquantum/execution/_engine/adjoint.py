"""Expectation values and their gradients for a whole batch, by the adjoint method.

The circuit is run forward once, and keeps the states that gradients are made of: before each
segment with weights, and after each layer of phases that differ from row to row. ``dL/dpsi*`` at
its end, ``lam``, walks backwards through the segments, and every gate's gradient is a product of
it and a state that was kept. Where these would fill the memory, they are computed once more on
the way back, chunk by chunk. Two strategies give the same numbers:

- *dense*, for small registers: each run of segments that all rows share becomes one small
  unitary, computed once, and meets the rows in one product;
- *direct*, for larger ones: the segments run on the rows' states, through qsim.

References
----------
T. Jones and J. Gacon, "Efficient calculation of gradients in classical simulations of
variational quantum algorithms" (2020), https://arxiv.org/abs/2009.02823
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np

from skquantum.execution._compiler.program import (
    Fixed,
    Local,
    Pairs,
    Phases,
    PhaseTable,
    Program,
    apply_constant,
)
from skquantum.execution._engine.derived import derived

CHUNK_AMPLITUDES = 2**17  # two states of this size stay in cache
GROUP = 3  # qubits of a partial trace from which those on one qubit are taken
PIECE = 1024  # real numbers in a row of a product


class Chains:
    """Shared gates that follow one another on one or two qubits, as arrays, computed in one pass.

    A chain is a product of elements ``left . diag(exp(i angle spectrum)) . right`` with constant
    left and right, padded to the longest chain. Chain 0 is the identity.

    Parameters
    ----------
    chains : sequence of sequence of elements
        As in `Local`, without chain 0.
    dim : int
        2 or 4.
    n_angles : int
        Number of shared angles.
    """

    def __init__(self, chains: Sequence[Sequence[Any]], dim: int, n_angles: int) -> None:
        folded = [_elements(chain, dim) for chain in ((), *chains)]
        self.n_angles = n_angles
        length = max(map(len, folded))
        self.left = np.tile(np.eye(dim, dtype=complex), (length, len(folded), 1, 1))
        self.right = self.left.copy()
        self.spectra = np.zeros((length, len(folded), dim))
        self.terms = np.full((length, len(folded)), n_angles)
        for c, elements in enumerate(folded):
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

    def gradient(self, generators: np.ndarray, reduced: np.ndarray) -> np.ndarray:
        """Return dL/dangle from the reduced ``psi lam^dagger`` of every chain, (n, dim, dim)."""
        parts = -2 * np.einsum("pcij,cji->pc", generators, reduced).imag
        return np.bincount(self.terms.ravel(), parts.ravel(), self.n_angles + 1)[: self.n_angles]


def _elements(
    chain: Sequence[Any], dim: int
) -> list[tuple[np.ndarray, np.ndarray, np.ndarray, int]]:
    """Fold the constant gates of a chain into its rotations."""
    out: list[tuple[np.ndarray, np.ndarray, np.ndarray, int]] = []
    constant = np.eye(dim, dtype=complex)
    for element in chain:
        if isinstance(element, tuple):
            basis, spectrum, term = element
            out.append((basis, basis.conj().T @ constant, spectrum, term))
            constant = np.eye(dim, dtype=complex)
        else:
            constant = element @ constant
    if not out:
        return [(constant, np.eye(dim, dtype=complex), np.zeros(dim), -1)]
    left, *rest = out[-1]
    out[-1] = (constant @ left, *rest)
    return out


@dataclass(frozen=True, eq=False)
class Plan:
    """What a program needs for gradients beyond its segments, prepared once.

    Attributes
    ----------
    blocks : tuple of tuple of (segment, number)
        Runs of segments that all rows share, one before, between and after the phases by row.
        Local segments are counted, and so are pairs; others have -1.
    by_row : tuple of Phases
        Those phases, one fewer than the blocks.
    chains, pairs : Chains
        Of the local segments, and of the pairs.
    index : ndarray of int, shape (n_local, n_qubits)
        The chain of each qubit in each local segment.
    pair_index : tuple of slice
        The chains of each segment of pairs.
    """

    program: Program
    blocks: tuple[tuple[Any, ...], ...]
    by_row: tuple[Phases, ...]
    chains: Chains
    pairs: Chains
    index: np.ndarray
    pair_index: tuple[slice, ...]


@derived
def plan(program: Program) -> Plan:
    """Return the plan of a program."""
    blocks: list[list[Any]] = [[]]
    by_row = []
    rows: list[np.ndarray] = []
    pair_index: list[slice] = []
    chains: list[Any] = []
    pairs: list[Any] = []
    for segment in program.segments:
        number = -1
        if isinstance(segment, Phases) and segment.by_row:
            by_row.append(segment)
            blocks.append([])
            continue
        if isinstance(segment, Local):
            number = len(rows)
            row = np.zeros(program.n_qubits, dtype=int)
            for qubit, chain in segment.chains:
                chains.append(chain)
                row[qubit] = len(chains)
            rows.append(row)
        elif isinstance(segment, Pairs):
            number = len(pair_index)
            pair_index.append(slice(len(pairs) + 1, len(pairs) + 1 + len(segment.chains)))
            pairs += [chain for _, chain in segment.chains]
        blocks[-1].append((segment, number))
    n_angles = len(program.shared_angles.expressions)
    return Plan(
        program,
        tuple(map(tuple, blocks)),
        tuple(by_row),
        Chains(chains, 2, n_angles),
        Chains(pairs, 4, n_angles),
        np.array(rows, dtype=int).reshape(-1, program.n_qubits),
        tuple(pair_index),
    )


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
        if plan.pair_index:
            self.pair_matrices, self.pair_generators = plan.pairs.bind(angles)
        self._each_qubit: list[tuple[int, ...]] = [(q,) for q in range(plan.program.n_qubits)]
        self._dense: DenseBlocks | None = None

    def matrices(
        self, segment: Local | Pairs, number: int
    ) -> tuple[np.ndarray, Sequence[tuple[int, ...]]]:
        """Return a segment's matrices, and the qubits of each."""
        if isinstance(segment, Pairs):
            return self.pair_matrices[self.plan.pair_index[number]], segment.qubits
        return self.unitaries[self.plan.index[number]], self._each_qubit

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
        if bound.plan.pair_index:
            self.pairs_reduced = np.zeros_like(bound.pair_matrices)
        self.outer: dict[int, np.ndarray] = {}

    def add_phases(self, table: PhaseTable, overlap: np.ndarray) -> None:
        """Add a table's part, from ``Im(conj(lam) psi)`` summed over rows, shape (dim,)."""
        sums = _support_sums(table, overlap)
        np.add.at(self.angles, table.terms, -2 * (sums @ table.spectra))

    def add_chains(self, local: int, psi: np.ndarray, lam: np.ndarray) -> None:
        """Add the chains of a local segment, from the states before it."""
        index = self.bound.plan.index[local]
        self.reduced[index] += reduced_matrices(psi, lam, index > 0)

    def add_pairs(self, segment: Pairs, number: int, psi: np.ndarray, lam: np.ndarray) -> None:
        """Add the chains of a segment of pairs, from the states before it."""
        reduced = reduced_pairs(psi, lam, segment.qubits)
        self.pairs_reduced[self.bound.plan.pair_index[number]] += reduced

    def add_outer(self, block: int, outer: np.ndarray) -> None:
        """Add ``sum_rows lam_out psi_in^dagger`` of a dense block."""
        self.outer[block] = self.outer.get(block, 0) + outer

    def total(self) -> np.ndarray:
        """Return dL/dangle, shape (n_shared_angles,)."""
        if self.outer:
            self.bound.dense_blocks().backward(self.outer, self)
        prepared = self.bound.plan
        out = self.angles + prepared.chains.gradient(self.bound.generators, self.reduced)
        if prepared.pair_index:
            out += prepared.pairs.gradient(self.bound.pair_generators, self.pairs_reduced)
        return out


def imaginary_overlap(lam: np.ndarray, psi: np.ndarray) -> np.ndarray:
    """Return ``Im(conj(lam) psi)``."""
    return lam.real * psi.imag - lam.imag * psi.real


def row_gradient(phases: Phases, psi: np.ndarray, lam: np.ndarray, out: np.ndarray) -> None:
    """Add dL/dangle of phases by row, shape (n_angles, n_columns), from the states after them."""
    overlap = imaginary_overlap(lam, psi)
    for table in phases.tables:
        sums = _support_sums(table, overlap)
        np.add.at(out, table.terms, -2 * (table.spectra.T @ sums))


@lru_cache(maxsize=32)
def neighbours(n_qubits: int) -> tuple[tuple[int, int], ...]:
    """Return where groups of up to three neighbouring qubits begin and stop."""
    n_groups = -(-n_qubits // GROUP)
    borders = np.linspace(0, n_qubits, n_groups + 1).astype(int).tolist()
    return tuple(itertools.pairwise(borders))


def reduced_matrices(psi: np.ndarray, lam: np.ndarray, wanted: np.ndarray) -> np.ndarray:
    """Return the one-qubit partial traces of ``sum_rows psi lam^dagger``.

    They are taken from the partial traces on groups of up to three qubits, each two products of
    real matrices: smaller groups take less arithmetic, and larger ones suit BLAS better.

    Parameters
    ----------
    psi, lam : ndarray of complex, shape (2 ** n_qubits, n_columns)
    wanted : ndarray of bool, shape (n_qubits,)
        Groups without any of these qubits are left at zero.

    Returns
    -------
    ndarray of complex128, shape (n_qubits, 2, 2)
    """
    n_qubits = len(psi).bit_length() - 1
    conjugate = Conjugate(lam)
    out = np.zeros((n_qubits, 2, 2), dtype=complex)
    for begin, stop in neighbours(n_qubits):
        if wanted[begin:stop].any():
            matrix = conjugate.group_matrix(psi, begin, stop)
            out[begin:stop] = matrix.ravel()[trace_indices(stop - begin)].sum(axis=-1)
    return out


def reduced_pairs(
    psi: np.ndarray, lam: np.ndarray, pairs: Sequence[tuple[int, int]]
) -> np.ndarray:
    """Return partial traces of ``sum_rows psi lam^dagger`` on disjoint pairs of qubits.

    Parameters
    ----------
    psi, lam : ndarray of complex, shape (2 ** n_qubits, n_columns)
    pairs : sequence of (int, int)
        In increasing order within each pair.

    Returns
    -------
    ndarray of complex128, shape (n_pairs, 4, 4)
    """
    conjugate = Conjugate(lam)
    out = np.empty((len(pairs), 4, 4), dtype=complex)
    place = {pair: i for i, pair in enumerate(pairs)}
    rest = dict(place)
    for a, b in sorted(pairs):
        if (a, b) not in rest:
            continue
        i = rest.pop((a, b))
        if b > a + 1:
            out[i] = _distant_pair(psi, lam, a, b)
        elif (b + 1, b + 2) in rest:  # two pairs side by side share a product
            j = rest.pop((b + 1, b + 2))
            matrix = conjugate.group_matrix(psi, a, b + 3).reshape((4,) * 4)
            out[i] = np.einsum("ikjk->ij", matrix)
            out[j] = np.einsum("kikj->ij", matrix)
        else:
            out[i] = conjugate.group_matrix(psi, a, b + 1)
    return out


class Conjugate:
    """States on the right of ``psi lam^dagger``, as real and imaginary part need them.

    The real part of a sum of products is the product of the arrays read as real numbers, two for
    each amplitude; the imaginary part is that with ``i lam`` in place of ``lam``.

    Parameters
    ----------
    lam : ndarray of complex, shape (2 ** n_qubits, n_columns)
    """

    def __init__(self, lam: np.ndarray) -> None:
        self._parts = np.empty((2, *lam.shape), dtype=lam.dtype)
        self._parts[0] = lam
        np.multiply(lam, lam.dtype.type(1j), out=self._parts[1])

    def group_matrix(self, psi: np.ndarray, begin: int, stop: int) -> np.ndarray:
        """Return the partial trace of psi lam^dagger on neighbouring qubits."""
        shape = (2**begin, 2 ** (stop - begin), -1)
        left = _in_pieces(psi, shape)
        right = _in_pieces(self._parts, (2, *shape)).swapaxes(-1, -2)
        real, imaginary = np.matmul(left, right).sum((1, 2), dtype=float)
        return real + 1j * imaginary


def _in_pieces(states: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """Return states as real numbers, (..., n, m, k) as (..., n, n_pieces, m, piece).

    BLAS is slow on a few long rows.
    """
    numbers = np.ascontiguousarray(states)
    numbers = numbers.view(numbers.real.dtype).reshape(shape)
    k = numbers.shape[-1]
    return numbers.reshape(*numbers.shape[:-1], -1, min(PIECE, k)).swapaxes(-2, -3)


def _distant_pair(psi: np.ndarray, lam: np.ndarray, a: int, b: int) -> np.ndarray:
    """Return the partial trace of psi lam^dagger on two qubits apart."""
    shape = (2**a, 2, 2 ** (b - a - 1), 2, -1)
    left, right = (
        np.moveaxis(states.reshape(shape), (1, 3), (0, 1)).reshape(4, -1)
        for states in (psi, lam.conj())
    )
    return (left @ right.T).astype(complex)


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
        self.locals = _kron(bound.unitaries[bound.plan.index])
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
        n_local, n_qubits = self.bound.plan.index.shape
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
            gradient.reduced[self.bound.plan.index] += sums


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
