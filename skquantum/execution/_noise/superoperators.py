"""The compiler of circuits with noise: density matrices as states of twice as many qubits.

A density matrix of n qubits, read row by row, is a vector of 2n qubits: first those of the ket,
then those of the bra. A unitary U becomes U on the ket and its conjugate on the bra; a channel
becomes one matrix on both, in general not unitary. So a circuit with noise is an ordinary
`Program`, which the engine runs and differentiates like any other.

References
----------
C. J. Wood, J. D. Biamonte and D. G. Cory, "Tensor networks and graphical calculus for open
quantum systems", Quantum Information and Computation 15, 759 (2015),
https://arxiv.org/abs/1111.6950
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from itertools import groupby

import cirq
import numpy as np
import sympy

from skquantum._symbols import is_symbolic, symbols_of
from skquantum.execution._compiler.fusion import (
    Gate,
    GateGroup,
    matrix_on,
)
from skquantum.execution._compiler.gates import (
    check_symbols,
    depends_on,
    flatten,
    runs_directly,
)
from skquantum.execution._compiler.program import DENSE_QUBITS, Program
from skquantum.execution._compiler.rotations import RotationForm, matrix_of, rotation_form
from skquantum.execution._compiler.schedule import Schedule
from skquantum.execution._measurement import compute_uncompute
from skquantum.execution._noise.models import (
    Noise,
    is_constant_channel,
    noisy_operations,
    readout,
    superoperator,
)


@lru_cache(maxsize=32)
def compile_density(
    circuit: cirq.FrozenCircuit,
    noise: Noise,
    data: tuple[sympy.Symbol, ...],
    weights: tuple[sympy.Symbol, ...] = (),
    rotations: tuple[cirq.Operation, ...] | None = None,
    fused: bool = True,
) -> Program:
    """Compile a circuit with noise to a program on twice its qubits.

    Parameters
    ----------
    circuit : cirq.FrozenCircuit
    noise : Noise
    data, weights : tuple of sympy.Symbol
        As for `compile_program`.
    rotations : tuple of cirq.Operation, default=None
        If given, the circuit ends with a measurement in Z after these operations, which are free
        of noise: the read-out error is added.
    fused : bool, default=True
        Put noise and rotations by weights into common matrices. That takes fewer calls; but the
        engine differentiates only matrices that are unitary.

    Returns
    -------
    Program
        The first half of its qubits are the circuit's in sorted order.

    Raises
    ------
    ValueError
        As from `compile_program`, or if noise and circuit do not suit each other.
    """
    if not circuit.all_qubits():
        raise ValueError("The circuit has no qubits; add at least one gate to it.")
    check_symbols(circuit, (*data, *weights))
    physical, qubits = noise.on_device(circuit)
    doubled = _Doubled(qubits, noise, data, fused)
    doubled.add(noisy_operations(physical, noise, qubits))
    if rotations is not None:
        names: dict[cirq.Qid, cirq.Qid] = dict(
            zip(sorted(circuit.all_qubits()), qubits, strict=True)
        )
        doubled.add(op.transform_qubits(names) for op in rotations)
        for matrix, where in readout(noise, qubits).gates:
            doubled.add_gate(Gate(where, matrix, True))
    return doubled.program(data, weights)


class _Doubled:
    """Schedules operations on ket and bra qubits.

    What happens to one qubit between gates on several, the same for all rows, becomes one matrix
    on its ket and its bra, with rotations and noise in it.
    """

    def __init__(
        self,
        qubits: Sequence[cirq.Qid],
        noise: Noise,
        data: tuple[sympy.Symbol, ...],
        fused: bool = True,
    ) -> None:
        self.index = {q: i for i, q in enumerate(qubits)}
        self.noise = noise
        self.data = set(data)
        self.fused = fused and 2 * len(qubits) > DENSE_QUBITS
        self.schedule = Schedule(2 * len(qubits), self.data)
        self.waiting: dict[int, list[Gate]] = {q: [] for q in range(len(qubits))}

    def add(self, operations: Iterable[cirq.Operation], *, backwards: bool = False) -> None:
        """Add operations, or their adjoints in reversed order."""
        flat = list(flatten(iter(operations), _runs_doubled))
        for op in reversed(flat) if backwards else flat:
            if op.qubits:  # a global phase has none, and no effect
                for gate in self._gates(op, backwards):
                    self.add_gate(gate)

    def _gates(self, op: cirq.Operation, backwards: bool) -> Iterator[Gate]:
        ket = tuple(self.index[q] for q in op.qubits)
        bra = tuple(len(self.index) + q for q in ket)
        form = rotation_form(op.gate) if is_symbolic(op) else None
        if form is not None and form.symbols:
            shared = not depends_on(form, self.data)
            yield Gate(ket, _inverse(form) if backwards else form, shared)
            yield Gate(bra, _conjugate(_inverse(form) if backwards else form), shared)
        elif form is not None or cirq.has_unitary(op):
            matrix = matrix_of(op)
            matrix = matrix.conj().T if backwards else matrix
            yield Gate(ket, matrix, True)
            yield Gate(bra, matrix.conj(), True)
        else:
            matrix = superoperator(op, self.noise)
            yield Gate(ket + bra, matrix.conj().T if backwards else matrix, True)

    def add_gate(self, gate: Gate) -> None:
        """Add a gate on ket and bra qubits."""
        touched = {q % len(self.index) for q in gate.qubits}
        if gate.shared and len(touched) == 1:
            self.waiting[min(touched)].append(gate)
            return
        for qubit in touched:
            self._flush(qubit)
        self.schedule.add(gate)

    def _flush(self, qubit: int) -> None:
        gates, self.waiting[qubit] = self.waiting[qubit], []
        pair = qubit, len(self.index) + qubit
        rotates = any(isinstance(gate.what, RotationForm) for gate in gates)
        if rotates and self.fused:
            self.schedule.add(GateGroup(set(pair), gates))
            return
        for is_noisy, part in groupby(gates, lambda gate: len(gate.qubits) == 2):
            if not is_noisy:
                for gate in part:
                    self.schedule.add(gate)
                continue
            product = np.eye(4, dtype=complex)
            for gate in part:
                product = matrix_on(np.asarray(gate.what), gate.qubits, pair) @ product
            self.schedule.add_matrix(product, pair)

    def program(
        self, data: tuple[sympy.Symbol, ...], weights: tuple[sympy.Symbol, ...]
    ) -> Program:
        """Return what was scheduled."""
        for qubit in self.waiting:
            self._flush(qubit)
        return self.schedule.program(data, weights)


def _runs_doubled(op: cirq.Operation) -> bool:
    return runs_directly(op) or is_constant_channel(op)


def _conjugate(form: RotationForm) -> RotationForm:
    """Return the form of the gate's complex conjugate."""
    return RotationForm(
        tuple((v.conj(), where) for v, where in form.basis),
        tuple((t, -s) for t, s in form.terms),
    )


def _inverse(form: RotationForm) -> RotationForm:
    return RotationForm(form.basis, tuple((t, -s) for t, s in form.terms))


@lru_cache(maxsize=32)
def compile_halves(
    circuit: cirq.FrozenCircuit, noise: Noise, symbols: tuple[sympy.Symbol, ...]
) -> tuple[Program, Program]:
    """Compile the compute-uncompute circuit with noise as two halves that meet in the middle.

    The model sees the whole circuit. The first half runs forward to a density matrix, and the
    second one backwards, from "all zeros are read" to an observable: the probability of all
    zeros is the product of the two.

    Returns
    -------
    forward, backward : Program
        Both take values of the circuit's symbols.
    """
    physical, qubits = noise.on_device(circuit)
    if not qubits:
        raise ValueError("The circuit has no qubits; add at least one gate to it.")
    check_symbols(circuit, symbols)
    both, left, right = compute_uncompute(physical, symbols)
    operations = noisy_operations(both, noise, qubits)
    own = set(right)
    split = next(
        (i for i, op in enumerate(operations) if symbols_of(op) & own),
        len(operations),
    )
    first = _Doubled(qubits, noise, left)
    first.add(operations[:split])
    second = _Doubled(qubits, noise, right)
    for matrix, where in reversed(readout(noise, qubits).gates):
        second.add_gate(Gate(where, matrix.conj().T, True))
    second.add(operations[split:], backwards=True)
    return first.program(left, ()), second.program(right, ())
