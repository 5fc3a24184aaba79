"""The compiler: a Cirq circuit becomes a short list of segments that run on a whole batch.

A *shared* segment holds gates that are the same for every row of the batch. A *phase* segment
holds gates whose angle differs from row to row: between fixed basis changes, which join the
neighbouring shared segments, each of them is a diagonal ``exp(i pi t(x) s)``, and all the
commuting diagonals of a layer are applied as one elementwise product.

Nothing here simulates, and nothing here knows of qsim.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import cirq
import numpy as np
import sympy

from skquantum.execution.rotations import RotationForm, rotation_form

MAX_GATE_QUBITS = 6  # the widest matrix gate that qsim applies


@dataclass(frozen=True, eq=False)
class Shared:
    """Fixed matrices in time order, each with the qubits it acts on (big-endian)."""

    gates: tuple[tuple[np.ndarray, tuple[int, ...]], ...]


@dataclass(frozen=True, eq=False)
class PhaseTable:
    """A product of commuting phases that depends on some of the qubits only.

    Attributes
    ----------
    shape : tuple of int
        2 for each qubit that the table depends on and 1 for the others.
    terms : ndarray of int, shape (n_terms,)
        Which of the program's angles it needs.
    spectra : ndarray of float, shape (size, n_terms)
        ``spectra @ angles[terms]`` is the exponent for each basis state of those qubits.
    """

    shape: tuple[int, ...]
    terms: np.ndarray
    spectra: np.ndarray


@dataclass(frozen=True, eq=False)
class Phases:
    """One layer of commuting diagonal gates, as a product of tables."""

    tables: tuple[PhaseTable, ...]


@dataclass(frozen=True, eq=False)
class Program:
    """A compiled circuit.

    Attributes
    ----------
    n_qubits : int
    start : ndarray of complex128, shape (2 ** n_qubits,)
        The state after the first shared segment, which needs no batch.
    segments : tuple of Shared or Phases
        What is left to run.
    angles : callable
        Maps symbol values of shape (n_samples, n_symbols) to the angles of the phase segments
        in radians, shape (n_angles, n_samples).
    """

    n_qubits: int
    start: np.ndarray
    segments: tuple[Shared | Phases, ...]
    angles: Callable[[np.ndarray], np.ndarray]


@lru_cache(maxsize=256)
def compile_program(circuit: cirq.FrozenCircuit, symbols: tuple[sympy.Symbol, ...]) -> Program:
    """Compile a circuit for the batched engine.

    Parameters
    ----------
    circuit : cirq.FrozenCircuit
        A circuit of unitary gates on qubits. Its order of qubits is the sorted one.
    symbols : tuple of sympy.Symbol
        The symbols that receive one value per row, in the order of the columns.

    Returns
    -------
    Program

    Raises
    ------
    ValueError
        If the circuit has no qubit, an unbound symbol, a measurement or a gate that is neither
        unitary nor a rotation by a symbolic angle.
    """
    qubits = sorted(circuit.all_qubits())
    if not qubits:
        raise ValueError("The circuit has no qubits; add at least one gate to it.")
    check_symbols(circuit, symbols)
    schedule = _Schedule(len(qubits))
    index = {q: i for i, q in enumerate(qubits)}
    for op in _flatten(circuit.all_operations()):
        where = tuple(index[q] for q in op.qubits)
        if cirq.is_parameterized(op):
            form = rotation_form(op.gate)
            assert form is not None  # _flatten lets nothing else through
            schedule.add_rotation(form, where)
        else:
            schedule.add_matrix(cirq.unitary(op), where)
    return schedule.program(symbols)


def check_symbols(circuit: cirq.AbstractCircuit, symbols: Sequence[sympy.Symbol]) -> None:
    """Raise a ValueError if the circuit has symbols that will receive no value."""
    unbound = sorted(cirq.parameter_names(circuit) - {str(s) for s in symbols})
    if unbound:
        raise ValueError(
            f"The circuit has unbound symbols {unbound}: only {[str(s) for s in symbols]} "
            "receive values. Bind the others with cirq.resolve_parameters, or list them too."
        )


def _flatten(operations: Iterator[cirq.Operation]) -> Iterator[cirq.Operation]:
    """Yield operations that are fixed unitaries or have a rotation form, decomposing others."""
    for tagged in operations:
        op = tagged.untagged
        if cirq.is_measurement(op):
            raise ValueError(
                f"The circuit contains the measurement {op!r}. States and expectation values "
                "are those of the circuit without it: remove it (for a measurement at the end "
                "use cirq.drop_terminal_measurements or observables)."
            )
        if any(d != 2 for d in cirq.qid_shape(op)):
            raise ValueError(f"{op!r} acts on qudits; only qubits (dimension 2) are supported.")
        if isinstance(op, cirq.CircuitOperation):
            yield from _flatten(op.mapped_circuit(deep=True).all_operations())
        elif _runs_directly(op):
            yield op
        else:
            parts = cirq.decompose_once(op, None)
            if parts is None:
                raise ValueError(_refusal(op))
            yield from _flatten(iter(parts))


def _runs_directly(op: cirq.Operation) -> bool:
    if cirq.is_parameterized(op):
        return op.gate is not None and rotation_form(op.gate) is not None
    return len(op.qubits) <= MAX_GATE_QUBITS and cirq.has_unitary(op)


def _refusal(op: cirq.Operation) -> str:
    name = op.gate if op.gate is not None else op
    if cirq.is_parameterized(op):
        return (
            f"The gate {name!r} has a symbolic parameter, is no cirq.EigenGate and does not "
            "decompose into such gates. Write it with rotations (for instance cirq.rx, cirq.rz, "
            "cirq.CZ**t), or give its class a `_rotation_form_` or `_decompose_` method."
        )
    if cirq.has_unitary(op):
        return (
            f"The gate {name!r} acts on {len(op.qubits)} qubits; matrix gates may act on up to "
            f"{MAX_GATE_QUBITS}. Give its class a `_decompose_` method."
        )
    return (
        f"The operation {name!r} is not unitary. Noise belongs to the backend or to a "
        "cirq.Sampler, not into the circuit."
    )


class _Schedule:
    """Sorts operations into levels: even levels are shared segments, odd ones phases.

    Every qubit has a level, the last segment that touches it. An operation goes to the lowest
    level of its kind that comes after all its qubits, so rotations on different qubits meet in
    one phase segment whatever their order in the circuit was.
    """

    def __init__(self, n_qubits: int) -> None:
        self.n_qubits = n_qubits
        self.level = [0] * n_qubits
        self.scalar = 1.0 + 0.0j
        self.gates: dict[int, list[tuple[np.ndarray, tuple[int, ...]]]] = {}
        self.phases: dict[int, list[tuple[int, np.ndarray, tuple[int, ...]]]] = {}
        self.expressions: dict[Any, int] = {}

    def add_matrix(self, matrix: np.ndarray, qubits: tuple[int, ...]) -> None:
        if not qubits:
            self.scalar *= matrix.item()
            return
        level = max(self.level[q] for q in qubits)
        diagonal = np.diag(matrix)
        if level % 2 and np.array_equal(matrix, np.diag(diagonal)):
            # A fixed diagonal gate after rotations commutes with them: one more phase.
            self._add_phases(level, ((1.0, np.angle(diagonal) / np.pi),), qubits)
            return
        level += level % 2
        self.gates.setdefault(level, []).append((matrix, qubits))
        self._raise(qubits, level)

    def add_rotation(self, form: RotationForm, qubits: tuple[int, ...]) -> None:
        bases = [(v, tuple(qubits[i] for i in idx)) for v, idx in form.basis]
        for matrix, where in bases:
            if not self._cancel(matrix, where):
                self._add_basis_change(matrix.conj().T, where)
        level = max(self.level[q] for q in qubits)
        level += 1 - level % 2
        self._add_phases(level, form.terms, qubits)
        for matrix, where in bases:
            self.gates.setdefault(level + 1, []).append((matrix, where))
            self._raise(where, level + 1)

    def _add_basis_change(self, matrix: np.ndarray, qubits: tuple[int, ...]) -> None:
        level = max(self.level[q] for q in qubits)
        level += level % 2
        self.gates.setdefault(level, []).append((matrix, qubits))
        self._raise(qubits, level)

    def _cancel(self, matrix: np.ndarray, qubits: tuple[int, ...]) -> bool:
        """Drop a basis change V that the same V^-1 would follow, and stay in the phase level."""
        level = self.level[qubits[0]]
        gates = self.gates.get(level, [])
        last = next((g for g in reversed(gates) if set(g[1]) & set(qubits)), None)
        if (
            last is None
            or level < 2
            or last[1] != qubits
            or any(self.level[q] != level for q in qubits)
            or last[0].shape != matrix.shape
            or not np.allclose(last[0], matrix, rtol=0, atol=1e-12)
        ):
            return False
        if sum(bool(set(g[1]) & set(qubits)) for g in gates) > 1:
            return False
        gates[:] = [g for g in gates if g is not last]
        for q in qubits:
            self.level[q] = level - 1
        return True

    def _add_phases(self, level: int, terms: Any, qubits: tuple[int, ...]) -> None:
        for expression, spectrum in terms:
            term = self.expressions.setdefault(expression, len(self.expressions))
            self.phases.setdefault(level, []).append((term, spectrum, qubits))
        self._raise(qubits, level)

    def _raise(self, qubits: tuple[int, ...], level: int) -> None:
        for q in qubits:
            self.level[q] = level

    def program(self, symbols: tuple[sympy.Symbol, ...]) -> Program:
        segments: list[Shared | Phases] = []
        for level in range(max(self.level) + 1):
            if self.gates.get(level):
                segments.append(Shared(tuple(self.gates[level])))
            if self.phases.get(level):
                segments.append(Phases(_tables(self.phases[level], self.n_qubits)))
        start = np.zeros(2**self.n_qubits, dtype=complex)
        start[0] = self.scalar
        first = segments[0] if segments else None
        if isinstance(first, Shared):
            start = _apply(first, start, self.n_qubits)
            del segments[0]
        angles = _angles(list(self.expressions), symbols)
        return Program(self.n_qubits, start, tuple(segments), angles)


def _apply(shared: Shared, state: np.ndarray, n_qubits: int) -> np.ndarray:
    """Apply fixed matrices to one complex128 state (at compile time only)."""
    state = state.reshape((2,) * n_qubits)
    for matrix, qubits in shared.gates:
        state = cirq.targeted_left_multiply(
            matrix.astype(complex).reshape((2,) * (2 * len(qubits))), state, qubits
        )
    return state.ravel()


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

    groups = min((cut(m) for m in range(n_qubits)), key=cost)
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
    return PhaseTable(shape, np.array(distinct), spectra.reshape(-1, len(distinct)))


def _angles(
    expressions: list[Any], symbols: tuple[sympy.Symbol, ...]
) -> Callable[[np.ndarray], np.ndarray]:
    """Compile the expressions once; the result works on all rows at a time."""
    columns = [sympy.Dummy() for _ in symbols]
    rename = dict(zip(symbols, columns, strict=True))
    renamed = [sympy.sympify(e).xreplace(rename) for e in expressions]
    evaluate = sympy.lambdify(columns, renamed, modules="numpy", cse=True)

    def angles(values: np.ndarray) -> np.ndarray:
        out = np.empty((len(expressions), len(values)))
        with np.errstate(all="ignore"):  # what goes wrong is said below
            exponents = evaluate(*np.ascontiguousarray(values.T))
            for row, exponent in zip(out, exponents, strict=True):
                row[:] = np.nan if np.iscomplexobj(exponent) else exponent
        out *= np.pi
        if not np.isfinite(out).all():
            term, sample = np.argwhere(~np.isfinite(out))[0]
            raise ValueError(
                f"The gate exponent {expressions[term]} is not a finite real number for row "
                f"{sample} of the batch, with values {values[sample]}."
            )
        return out

    return angles
