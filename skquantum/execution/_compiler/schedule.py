"""Gates into levels: which of them run at a time."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import sympy

from skquantum.execution._compiler.angles import Angles
from skquantum.execution._compiler.fusion import Gate, GateGroup, matrix_on, spectrum_on
from skquantum.execution._compiler.gates import depends_on
from skquantum.execution._compiler.program import (
    Fixed,
    Local,
    Pairs,
    Phases,
    PhaseTable,
    Program,
    Segment,
    apply_constant,
)
from skquantum.execution._compiler.rotations import RotationForm

SPLIT_QUBITS = 6  # below, one table of phases costs less than the calls for two
LOCAL, PAIRS, FIXED, PHASES = range(4)  # a qubit's level counts segments; its kind is level % 4


class Schedule:
    """Sorts gates into levels, whose kinds follow one another: local, pairs, fixed, phases, ...

    Every qubit has a level, the last segment that touches it. A gate goes to the lowest level of
    its kind that is not before any of its qubits, so rotations on different qubits meet in one
    segment whatever their order in the circuit was.
    """

    def __init__(self, n_qubits: int, data: set[sympy.Symbol]) -> None:
        self.n_qubits = n_qubits
        self.data = data
        self.scalar = 1.0 + 0.0j
        self.level = [0] * n_qubits
        self.local: dict[int, dict[int, list[Any]]] = {}
        self.pairs: dict[int, list[tuple[tuple[int, int], tuple[Any, ...]]]] = {}
        self.fixed: dict[int, list[tuple[np.ndarray, tuple[int, ...]]]] = {}
        self.phases: dict[int, list[tuple[bool, int, np.ndarray, tuple[int, ...]]]] = {}
        self.terms: dict[bool, dict[Any, int]] = {False: {}, True: {}}  # by row?

    def add(self, gate: Gate | GateGroup) -> None:
        """Add a gate, or gates to be one."""
        if isinstance(gate, GateGroup):
            self._add_pair(gate)
        elif isinstance(gate.what, RotationForm):
            self.add_rotation(gate.what, gate.qubits)
        else:
            self.add_matrix(gate.what, gate.qubits)

    def add_matrix(self, matrix: np.ndarray, qubits: tuple[int, ...]) -> None:
        """Add a constant gate."""
        if not qubits:
            self.scalar *= matrix.item()
            return
        diagonal = np.diag(matrix)
        level = max(self.level[q] for q in qubits)
        is_phases = np.array_equal(matrix, np.diag(diagonal)) and np.allclose(abs(diagonal), 1)
        if level % 4 == PHASES and is_phases:
            # A diagonal gate after rotations commutes with them: one more phase.
            self._add_phases(level, ((1.0, np.angle(diagonal) / np.pi),), qubits)
        elif len(qubits) == 1:
            self._add_local(qubits[0], matrix)
        else:
            level = self._raise(qubits, FIXED)
            self.fixed.setdefault(level, []).append((matrix, qubits))

    def add_rotation(self, form: RotationForm, qubits: tuple[int, ...]) -> None:
        """Add a rotation by a symbolic angle."""
        if len(qubits) == 1 and not depends_on(form, self.data):
            basis = form.basis[0][0] if form.basis else np.eye(2)
            for expression, spectrum in form.terms:
                self._add_local(qubits[0], (basis, spectrum, self._term(expression, False)))
            return
        bases = [(v, tuple(qubits[i] for i in idx)) for v, idx in form.basis]
        for matrix, where in bases:
            if not self._cancel(matrix, where):
                self._add_basis_change(matrix.conj().T, where)
        self._add_phases(self._raise(qubits, PHASES), form.terms, qubits)
        for matrix, where in bases:
            self._add_basis_change(matrix, where)

    def _by_row(self, expression: Any) -> bool:
        return bool(getattr(expression, "free_symbols", set()) & self.data)

    def _term(self, expression: Any, by_row: bool) -> int:
        return self.terms[by_row].setdefault(expression, len(self.terms[by_row]))

    def _raise(self, qubits: tuple[int, ...], kind: int) -> int:
        """Move qubits to the next level of a kind, and return it."""
        level = max(self.level[q] for q in qubits)
        level += (kind - level) % 4
        for q in qubits:
            self.level[q] = level
        return level

    def _add_local(self, qubit: int, element: Any) -> None:
        level = self._raise((qubit,), LOCAL)
        self.local.setdefault(level, {}).setdefault(qubit, []).append(element)

    def _add_pair(self, group: GateGroup) -> None:
        first, second = sorted(group.qubits)
        pair = first, second
        elements: list[Any] = []
        for gate in group.gates:
            if not isinstance(gate.what, RotationForm):
                elements.append(matrix_on(gate.what, gate.qubits, pair))
                continue
            basis = np.eye(4, dtype=complex)
            for matrix, where in gate.what.basis:
                basis = matrix_on(matrix, tuple(gate.qubits[i] for i in where), pair) @ basis
            for expression, spectrum in gate.what.terms:
                term = self._term(expression, False)
                elements.append((basis, spectrum_on(spectrum, gate.qubits, pair), term))
        level = self._raise(pair, PAIRS)
        if any(set(pair) & set(other) for other, _ in self.pairs.get(level, [])):
            level += 4
            self.level[first] = self.level[second] = level
        self.pairs.setdefault(level, []).append((pair, tuple(elements)))

    def _add_basis_change(self, matrix: np.ndarray, qubits: tuple[int, ...]) -> None:
        if len(qubits) == 1:
            self._add_local(qubits[0], matrix)
        else:
            level = self._raise(qubits, FIXED)
            self.fixed.setdefault(level, []).append((matrix, qubits))

    def _cancel(self, matrix: np.ndarray, qubits: tuple[int, ...]) -> bool:
        """Drop a basis change V that V^-1 would follow, and go back to the phases before it."""
        level = self.level[qubits[0]]
        if level < 4 or any(self.level[q] != level for q in qubits):
            return False
        if len(qubits) == 1:
            chain = self.local.get(level, {}).get(qubits[0], [])
            if len(chain) != 1 or not _equal(chain[0], matrix):
                return False
            del self.local[level][qubits[0]]
        else:
            touching = [g for g in self.fixed.get(level, []) if set(g[1]) & set(qubits)]
            if len(touching) != 1 or touching[0][1] != qubits:
                return False
            before = self.local.get(level - FIXED + LOCAL, {}).keys() | {
                q for pair, _ in self.pairs.get(level - FIXED + PAIRS, []) for q in pair
            }
            if not _equal(touching[0][0], matrix) or before & set(qubits):
                return False
            self.fixed[level] = [g for g in self.fixed[level] if g is not touching[0]]
        for q in qubits:
            self.level[q] = level - 1 - level % 4
        return True

    def _add_phases(self, level: int, terms: Any, qubits: tuple[int, ...]) -> None:
        by_row = any(self._by_row(t) for t, _ in terms)
        # A constant joins the phases that are there; alone among weights it is shared.
        if not by_row and not any(getattr(t, "free_symbols", None) for t, _ in terms):
            by_row = any(row for row, *_ in self.phases.get(level, []))
        for expression, spectrum in terms:
            term = self._term(expression, by_row)
            self.phases.setdefault(level, []).append((by_row, term, spectrum, qubits))
        for q in qubits:
            self.level[q] = level

    def program(
        self,
        data: tuple[sympy.Symbol, ...],
        weights: tuple[sympy.Symbol, ...],
        from_zero: bool = True,
    ) -> Program:
        """Return what was scheduled."""
        segments: list[Segment] = []
        for level in range(max(self.level) + 1):
            for segment in self._segments(level):
                last = segments[-1] if segments else None
                if isinstance(segment, Fixed) and isinstance(last, Fixed):
                    segments[-1] = Fixed(last.gates + segment.gates)
                else:
                    segments.append(segment)
        start = np.zeros(2**self.n_qubits, dtype=complex)
        start[0] = self.scalar
        first = segments[0] if segments else None
        if from_zero and isinstance(first, Fixed):
            start = apply_constant(first, start[:, None], self.n_qubits)[:, 0]
            del segments[0]
        return Program(
            self.n_qubits,
            start,
            tuple(segments),
            Angles(list(self.terms[True]), data, weights),
            Angles(list(self.terms[False]), (), weights),
        )

    def cost(self) -> int:
        """Return about how long it takes there and back, in units of one pass over the states.

        Measured on registers of 8 and 12 qubits.
        """
        rotations = sum(
            any(isinstance(element, tuple) for chain in chains.values() for element in chain)
            for chains in self.local.values()
        )
        constant = len(self.local) - rotations + len(self.fixed)
        pairs = sum(2 + 4 * len(level) for level in self.pairs.values())
        return 18 * rotations + 3 * constant + 6 * len(self.phases) + pairs

    def _segments(self, level: int) -> Iterator[Segment]:
        chains = tuple((q, tuple(chain)) for q, chain in sorted(self.local.get(level, {}).items()))
        if any(isinstance(element, tuple) for _, chain in chains for element in chain):
            yield Local(chains)
        elif chains:
            yield Fixed(tuple((matrix, (q,)) for q, chain in chains for matrix in chain))
        if self.pairs.get(level):
            yield Pairs(tuple(self.pairs[level]))
        if self.fixed.get(level):
            yield Fixed(tuple(self.fixed[level]))
        for by_row in (False, True):
            terms = [t[1:] for t in self.phases.get(level, []) if t[0] == by_row]
            if terms:
                yield Phases(_tables(terms, self.n_qubits), by_row)


def _equal(element: Any, matrix: np.ndarray) -> bool:
    return (
        isinstance(element, np.ndarray)
        and element.shape == matrix.shape
        and np.allclose(element, matrix, rtol=0, atol=1e-12)
    )


def _tables(
    terms: list[tuple[int, np.ndarray, tuple[int, ...]]], n_qubits: int
) -> tuple[PhaseTable, ...]:
    """Split a layer of phases into tables that are small to compute and cheap to multiply.

    A table of all 2^n exponents needs a sine and a cosine per amplitude. Where few terms cross
    a cut of the register, two tables of about 2^(n/2) do the same by one more multiplication.
    """

    def cut(m: int) -> tuple[list, list]:
        left = [t for t in terms if max(t[2], default=0) < m]
        return left, [t for t in terms if max(t[2], default=0) >= m]

    def size(group: list) -> int:
        return 2 ** len({q for t in group for q in t[2]})

    def cost(groups: Sequence[list]) -> int:
        # Relative cost, measured: an exponential is some four times a multiplication.
        return sum(4 * size(g) + 2**n_qubits for g in groups if g)

    cuts = range(n_qubits) if n_qubits >= SPLIT_QUBITS else range(1)
    groups = min(map(cut, cuts), key=cost)
    return tuple(_table(group, n_qubits) for group in groups if group)


def _table(terms: list[tuple[int, np.ndarray, tuple[int, ...]]], n_qubits: int) -> PhaseTable:
    support = sorted({q for t in terms for q in t[2]})
    shape = tuple(2 if q in support else 1 for q in range(n_qubits))
    distinct = sorted({t[0] for t in terms})
    spectra = np.zeros((2,) * len(support) + (len(distinct),))
    for term, spectrum, qubits in terms:
        order = np.argsort(qubits)  # the gate may list its qubits in any order
        axes = spectrum.reshape((2,) * len(qubits)).transpose(order)
        axes = axes.reshape([2 if q in qubits else 1 for q in support])
        spectra[..., distinct.index(term)] += axes
    return PhaseTable(
        tuple(support), shape, np.array(distinct), spectra.reshape(-1, len(distinct))
    )
