"""Gates that follow one another on the same two qubits, as one.

The two-qubit unitaries of convolutions and poolings are sequences of a dozen gates. As one 4x4
matrix for each pair, computed once for all rows, they take one pass over the states.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

import cirq
import numpy as np

from skquantum.execution._compiler.rotations import RotationForm


@dataclass(frozen=True, eq=False)
class Gate:
    """A gate of a circuit on numbered qubits: a matrix, or a rotation by a symbolic angle.

    Attributes
    ----------
    qubits : tuple of int
    what : ndarray or RotationForm
    shared : bool
        Whether it is the same for all rows.
    """

    qubits: tuple[int, ...]
    what: np.ndarray | RotationForm
    shared: bool


@dataclass(eq=False)
class GateGroup:
    """Shared gates that follow one another on at most two qubits."""

    qubits: set[int] = field(default_factory=set)
    gates: list[Gate] = field(default_factory=list)

    @property
    def is_worth_a_matrix(self) -> bool:
        """Whether one matrix for the pair costs less than the gates one by one.

        A single CX or CZ between rotations only moves amplitudes or their signs, and phases of
        many pairs are one product: both are cheaper than a matrix for each pair.
        """
        on_both = sum(len(gate.qubits) == 2 for gate in self.gates)
        return on_both > 1 and any(isinstance(gate.what, RotationForm) for gate in self.gates)


def fuse(gates: Iterable[Gate]) -> Iterator[Gate | GateGroup]:
    """Yield gates, with those that are worth it gathered into groups.

    Gates on different qubits may change their order; on every qubit it stays.
    """
    open_groups: dict[int, GateGroup] = {}

    def close(qubits: Iterable[int]) -> Iterator[Gate | GateGroup]:
        for group in {id(group): group for q in qubits if (group := open_groups.get(q))}.values():
            for q in group.qubits:
                del open_groups[q]
            if group.is_worth_a_matrix:
                yield group
            else:
                yield from group.gates

    for gate in gates:
        if not gate.shared or not 1 <= len(gate.qubits) <= 2:
            yield from close(gate.qubits)
            yield gate
            continue
        groups = {id(group): group for q in gate.qubits if (group := open_groups.get(q))}.values()
        if len(set(gate.qubits).union(*(group.qubits for group in groups))) > 2:
            yield from close(q for group in groups if len(group.qubits) == 2 for q in group.qubits)
            groups = {
                id(group): group for q in gate.qubits if (group := open_groups.get(q))
            }.values()
        joined = GateGroup(set(gate.qubits), [])
        for group in groups:
            joined.qubits |= group.qubits
            joined.gates += group.gates
        joined.gates.append(gate)
        for q in joined.qubits:
            open_groups[q] = joined
    yield from close(list(open_groups))


def matrix_on(matrix: np.ndarray, qubits: tuple[int, ...], pair: tuple[int, int]) -> np.ndarray:
    """Return the 4x4 matrix on a pair of a matrix on one or both of its qubits."""
    axes = [pair.index(q) for q in qubits]
    tensor = matrix.astype(complex).reshape((2,) * (2 * len(qubits)))
    eye = np.eye(4, dtype=complex).reshape(2, 2, 4)
    return cirq.targeted_left_multiply(tensor, eye, axes).reshape(4, 4)


def spectrum_on(
    spectrum: np.ndarray, qubits: tuple[int, ...], pair: tuple[int, int]
) -> np.ndarray:
    """Return the diagonal on a pair, of length 4, of a diagonal on one or both of its qubits."""
    ones = np.ones(2)
    if len(qubits) == 1:
        return np.kron(spectrum, ones) if qubits[0] == pair[0] else np.kron(ones, spectrum)
    both = spectrum.reshape(2, 2)
    return np.ravel(both if qubits == pair else both.T)
