"""What a program is: a short list of segments that run on a whole batch.

Symbols are either *data*, with a value for each row of the batch, or *weights*, with one value
for all rows. Segments come in four kinds:

- *local*: one-qubit gates that depend on weights, with the constant ones between them;
- *pairs*: the same for gates that follow one another on two qubits, in larger registers;
- *fixed*: other constant gates;
- *phases*: gates that differ from row to row, and rotations of several qubits. Between fixed
  basis changes, which join the neighbouring segments, each of them is a diagonal
  ``exp(i pi t s)``, and all the commuting diagonals of a layer are one elementwise product.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import cirq
import numpy as np

from skquantum.execution._compiler.angles import Angles

# Up to here all that the rows share, between two layers of phases by row, is one matrix: it costs
# less than its calls. Above, gates that follow one another on two qubits are made one.
DENSE_QUBITS = 6


@dataclass(frozen=True, eq=False)
class Local:
    """One-qubit gates that are the same for all rows.

    Attributes
    ----------
    chains : tuple of (qubit, elements)
        For each qubit its gates in time order: a matrix, or a rotation by a shared angle as
        ``(V, spectrum, term)``, which is ``V . diag(exp(i angle[term] spectrum)) . V^-1``.
    """

    chains: tuple[tuple[int, tuple[Any, ...]], ...]


@dataclass(frozen=True, eq=False)
class Pairs:
    """Gates on disjoint pairs of qubits that are the same for all rows.

    Attributes
    ----------
    chains : tuple of (pair, elements)
        For each pair of qubits its gates in time order, as in `Local`, with matrices of 4x4.
    """

    chains: tuple[tuple[tuple[int, int], tuple[Any, ...]], ...]

    @property
    def qubits(self) -> list[tuple[int, int]]:
        """The pairs."""
        return [pair for pair, _ in self.chains]


@dataclass(frozen=True, eq=False)
class Fixed:
    """Constant matrices in time order, each with the qubits it acts on (big-endian)."""

    gates: tuple[tuple[np.ndarray, tuple[int, ...]], ...]


@dataclass(frozen=True, eq=False)
class PhaseTable:
    """A product of commuting phases that depends on some of the qubits only.

    Attributes
    ----------
    qubits : tuple of int
        The qubits that the table depends on.
    shape : tuple of int
        2 for each of them and 1 for the others.
    terms : ndarray of int, shape (n_terms,)
        Which of the program's angles it needs.
    spectra : ndarray of float, shape (size, n_terms)
        ``spectra @ angles[terms]`` is the exponent for each basis state of those qubits.
    """

    qubits: tuple[int, ...]
    shape: tuple[int, ...]
    terms: np.ndarray
    spectra: np.ndarray


@dataclass(frozen=True, eq=False)
class Phases:
    """One layer of commuting diagonal gates, as a product of tables.

    Attributes
    ----------
    tables : tuple of PhaseTable
    by_row : bool
        Whether the angles differ from row to row.
    """

    tables: tuple[PhaseTable, ...]
    by_row: bool


Segment = Local | Pairs | Fixed | Phases


@dataclass(frozen=True, eq=False)
class Program:
    """A compiled circuit.

    Attributes
    ----------
    n_qubits : int
    start : ndarray of complex128, shape (2 ** n_qubits,)
        The state after the first constant segments, which need no batch.
    segments : tuple of Local, Pairs, Fixed or Phases
        What is left to run.
    row_angles : Angles
        Those that differ from row to row.
    shared_angles : Angles
        Those that depend on weights only, and constants.
    """

    n_qubits: int
    start: np.ndarray
    segments: tuple[Segment, ...]
    row_angles: Angles
    shared_angles: Angles


def apply_constant(fixed: Fixed, states: np.ndarray, n_qubits: int) -> np.ndarray:
    """Apply constant gates to complex128 columns, shape (dim, n), when preparing a program."""
    tensor = states.reshape((2,) * n_qubits + (-1,))
    for matrix, qubits in fixed.gates:
        gate = matrix.astype(complex).reshape((2,) * (2 * len(qubits)))
        tensor = cirq.targeted_left_multiply(gate, tensor, qubits)
    return tensor.reshape(states.shape)
