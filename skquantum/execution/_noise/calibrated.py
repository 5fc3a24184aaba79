"""The calibrated noise of a named device, for circuits with symbols.

A device's noise model knows the device's own gates on its own qubits. So a circuit is rewritten
with these gates before noise is added, and its symbols stay: rotations by symbols become
rotations about an axis in the xy-plane, which are one physical gate, or about z, which a device
makes by software and without noise.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from functools import lru_cache, partial
from typing import Any

import cirq
import networkx as nx  # type: ignore[import-untyped]
import numpy as np

from skquantum._symbols import is_symbolic
from skquantum.execution._compiler.gates import flatten
from skquantum.execution._compiler.rotations import (
    RotationForm,
    matrix_of,
    rotation_form,
)
from skquantum.execution._device.marks import (
    KEEP_MARKS,
    is_mark,
    original_and_instead,
    run_marks,
)
from skquantum.execution._device.target import (
    Target,
    device_target,
    google_engine,
    interactions,
)
from skquantum.execution._noise.models import Noise

NEGLIGIBLE = 1e-9  # angles below it are no gate
CNOT = cirq.unitary(cirq.CX)

Entangler = Callable[..., Any]


@lru_cache(maxsize=8)
def device_noise(name: str) -> Noise:
    """Return the noise of one of Google's devices, from the calibration in cirq-google.

    Parameters
    ----------
    name : str
        For instance "willow_pink".

    Raises
    ------
    ImportError
        Without cirq-google.
    ValueError
        If there is no device of this name.
    """
    engine = google_engine(name)
    import cirq_google

    properties = engine.load_device_noise_properties(name)
    calibrated = {identifier.gate_type for identifier in properties.gate_pauli_errors}
    entangler: Entangler = cirq.two_qubit_matrix_to_sqrt_iswap_operations
    if cirq.CZPowGate in calibrated:
        entangler = partial(cirq.two_qubit_matrix_to_cz_operations, allow_partial_czs=False)
    model = cirq_google.NoiseModelFromGoogleNoiseProperties(properties)
    return Noise(model, _Placement(device_target(name, None), entangler))


@lru_cache(maxsize=8)
def two_qubit_error(name: str) -> float:
    """Return the median Pauli error of a named device's two-qubit gates, from its calibration.

    Parameters
    ----------
    name : str
        As for `device_noise`, which raises the same errors.
    """
    errors = google_engine(name).load_device_noise_properties(name).gate_pauli_errors
    found = [error for gate, error in errors.items() if len(gate.qubits) == 2]
    return float(np.median(found))


class _Placement:
    """Rewrites circuits for a device, and remembers them."""

    def __init__(self, target: Target, entangler: Entangler) -> None:
        self.target, self.entangler = target, entangler
        self._placed = lru_cache(maxsize=32)(self._place)

    def __call__(
        self, circuit: cirq.FrozenCircuit
    ) -> tuple[cirq.FrozenCircuit, tuple[cirq.Qid, ...]]:
        return self._placed(circuit)

    def _place(
        self, circuit: cirq.FrozenCircuit
    ) -> tuple[cirq.FrozenCircuit, tuple[cirq.Qid, ...]]:
        qubits = tuple(sorted(circuit.all_qubits()))
        self.target.check(len(qubits))
        body, instead = original_and_instead(circuit)
        native = _tidy(cirq.Circuit(native_operations(body, self.entangler)))
        place, fits = self.target.place(qubits, interactions(native))
        if fits:
            used: dict[Any, Any] = {q: place[q] for q in qubits}
            placed, last = native.transform_qubits(used), place
        else:
            routed, last = _routed(native, place, self.target.graph.subgraph(place.values()))
            placed = _tidy(cirq.Circuit(native_operations(routed, self.entangler)))
        if instead:
            there = cirq.Circuit(op.transform_qubits(dict(last)) for op in instead)
            placed = _tidy(cirq.Circuit(native_operations(there, self.entangler)))
        return run_marks(placed), tuple(last[q] for q in qubits)


def _routed(
    circuit: cirq.Circuit, place: dict[cirq.Qid, cirq.Qid], graph: Any
) -> tuple[cirq.Circuit, dict[cirq.Qid, cirq.Qid]]:
    """Swap qubits along shortest paths until they are neighbours.

    `cirq.RouteCQC` saves some swaps, but fails where no two of them are disjoint, as on a line
    of three.

    Returns
    -------
    circuit : cirq.Circuit
        On the device's qubits.
    place : dict
        Where each qubit is at the end.
    """
    place = dict(place)
    owner = {where: q for q, where in place.items()}
    operations: list[cirq.Operation] = []
    for op in circuit.all_operations():
        if len(op.qubits) == 2:
            path = nx.shortest_path(graph, *(place[q] for q in op.qubits))
            for a, b in itertools.pairwise(path[:-1]):
                operations.append(cirq.SWAP(a, b))
                owner[a], owner[b] = owner[b], owner[a]
                place[owner[a]], place[owner[b]] = a, b
        moved: dict[Any, Any] = {q: place[q] for q in op.qubits}
        operations.append(op.transform_qubits(moved))
    return cirq.Circuit(operations), place


def native_operations(
    circuit: cirq.AbstractCircuit, entangler: Entangler
) -> Iterator[cirq.Operation]:
    """Yield a circuit as gates on one qubit and entangling gates of a device.

    Parameters
    ----------
    circuit : cirq.AbstractCircuit
        With symbols.
    entangler : callable
        Takes two qubits and a 4x4 matrix, and returns operations.
    """
    for op in _flat(circuit):
        if is_mark(op):
            yield op
            continue
        form = rotation_form(op.gate) if is_symbolic(op) else None
        if form is None or not form.symbols:
            yield from _constant(matrix_of(op), op.qubits, entangler)
        elif len(op.qubits) == 1 and (rotation := _about_an_axis(op)) is not None:
            yield rotation
        else:
            yield from _rotation(form, op.qubits, entangler)


def _flat(circuit: cirq.AbstractCircuit) -> Iterator[cirq.Operation]:
    for op in circuit.all_operations():
        yield from [op] if is_mark(op) else flatten(iter([op]), _is_rewritten)


def _is_rewritten(op: cirq.Operation) -> bool:
    if is_symbolic(op):
        return op.gate is not None and rotation_form(op.gate) is not None
    return len(op.qubits) <= 3 and cirq.has_unitary(op)


def _about_an_axis(op: cirq.Operation) -> cirq.Operation | None:
    """Return a rotation about z or about an axis in the xy-plane as one native gate."""
    gate: Any = op.gate
    if isinstance(gate, cirq.ZPowGate):
        return cirq.ZPowGate(exponent=gate.exponent).on(*op.qubits)
    axes = {cirq.XPowGate: 0.0, cirq.YPowGate: 0.5}
    axis = next((value for kind, value in axes.items() if isinstance(gate, kind)), None)
    if isinstance(gate, cirq.PhasedXPowGate):
        axis = float(gate.phase_exponent)
    if axis is None:
        return None
    turned = cirq.PhasedXZGate(x_exponent=gate.exponent, z_exponent=0.0, axis_phase_exponent=axis)
    return turned.on(*op.qubits)


def _rotation(
    form: RotationForm, qubits: tuple[cirq.Qid, ...], entangler: Entangler
) -> Iterator[cirq.Operation]:
    """Yield a rotation as basis changes around virtual rotations about z.

    A diagonal ``exp(i pi t s)`` is a product of rotations of parities of qubits: the
    coefficients of s in the characters of the group of bit strings.
    """
    bases = [(v, [qubits[i] for i in where]) for v, where in form.basis]
    for matrix, where in bases:
        yield from _constant(matrix.conj().T, where, entangler)
    bits = np.indices((2,) * len(qubits)).reshape(len(qubits), -1)
    for size in range(1, len(qubits) + 1):
        for subset in itertools.combinations(range(len(qubits)), size):
            signs = (-1.0) ** bits[list(subset)].sum(axis=0)
            parts = [(t, float(np.mean(s * signs))) for t, s in form.terms]
            angle = sum(-2 * part * t for t, part in parts if abs(part) > NEGLIGIBLE)
            if not angle:
                continue
            *controls, last = (qubits[i] for i in subset)
            ladder = [list(_two_qubit_gate(CNOT, (q, last), entangler)) for q in controls]
            for operations in ladder:
                yield from operations
            yield cirq.ZPowGate(exponent=angle).on(last)
            for operations in reversed(ladder):
                yield from operations
    for matrix, where in bases:
        yield from _constant(matrix, where, entangler)


def _constant(matrix: np.ndarray, qubits: Any, entangler: Entangler) -> Iterator[cirq.Operation]:
    if len(qubits) == 1:
        yield from _one_qubit_gate(matrix, qubits[0])
    elif len(qubits) == 2:
        yield from _two_qubit_gate(matrix, qubits, entangler)
    elif len(qubits) == 3:
        a, b, c = qubits
        for op in cirq.three_qubit_matrix_to_operations(a, b, c, matrix):
            yield from _constant(cirq.unitary(op), op.qubits, entangler)
    elif qubits:
        for op in cirq.quantum_shannon_decomposition(list(qubits), matrix):
            if op.qubits:
                yield from _constant(cirq.unitary(op), op.qubits, entangler)


def _two_qubit_gate(
    matrix: np.ndarray, qubits: Any, entangler: Entangler
) -> Iterator[cirq.Operation]:
    for op in entangler(*qubits, matrix):
        if len(op.qubits) == 1:
            yield from _one_qubit_gate(cirq.unitary(op), op.qubits[0])
        else:
            yield op


def _one_qubit_gate(matrix: np.ndarray, qubit: cirq.Qid) -> Iterator[cirq.Operation]:
    gate = cirq.single_qubit_matrix_to_phxz(matrix, atol=NEGLIGIBLE)
    if gate is None:
        return
    if abs(gate.x_exponent) < NEGLIGIBLE:
        yield cirq.ZPowGate(exponent=gate.z_exponent).on(qubit)
    else:
        yield gate.on(qubit)


def _tidy(circuit: cirq.Circuit) -> cirq.Circuit:
    """Merge constant gates on one qubit, and give gates of one kind moments of their own."""

    def merged(op: cirq.CircuitOperation) -> list[cirq.Operation]:
        return list(_one_qubit_gate(cirq.unitary(op), op.qubits[0]))

    simple = cirq.merge_k_qubit_unitaries(circuit, k=1, rewriter=merged, context=KEEP_MARKS)
    return cirq.stratified_circuit(
        cirq.drop_empty_moments(simple), categories=[_is_virtual, _is_turn, _is_entangling]
    )


def _is_virtual(op: cirq.Operation) -> bool:
    return isinstance(op.gate, cirq.ZPowGate)


def _is_turn(op: cirq.Operation) -> bool:
    return isinstance(op.gate, cirq.PhasedXZGate)


def _is_entangling(op: cirq.Operation) -> bool:
    return len(op.qubits) == 2
