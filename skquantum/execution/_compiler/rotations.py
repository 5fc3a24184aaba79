"""Gates with symbolic angles, written as diagonal phases in a fixed basis.

A gate whose angle is symbolic is brought into the form
``V . exp(i pi sum_k t_k diag(s_k)) . V^-1`` in which ``V`` and the spectra ``s_k`` are numbers
and only the ``t_k`` are symbolic. Cirq's `EigenGate` gives the spectrum of almost every gate.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import cirq
import numpy as np
import sympy

from skquantum._symbols import is_symbolic, number
from skquantum.execution._compiler.angles import check_exponent

CHECKED_QUBITS = 3  # wider matrices are checked where they are compiled


@dataclass(frozen=True)
class RotationForm:
    """A gate as diagonal phases between a basis change and its inverse.

    Attributes
    ----------
    basis : tuple of (matrix, indices)
        Unitary ``V`` as a product of matrices on disjoint subsets of the gate's qubits,
        given by their indices. Empty for a diagonal gate.
    terms : tuple of (expression, spectrum)
        Exponents in half turns, and for each the real diagonal of length ``2 ** n_qubits``
        that it multiplies. The first qubit is the most significant bit.
    """

    basis: tuple[tuple[np.ndarray, tuple[int, ...]], ...]
    terms: tuple[tuple[Any, np.ndarray], ...]

    @property
    def symbols(self) -> set[Any]:
        """The symbols in the exponents."""
        return {s for t, _ in self.terms for s in getattr(t, "free_symbols", ())}

    def matrix(self, n_qubits: int) -> np.ndarray:
        """Return the gate's unitary when its exponents are numbers."""
        for t, _ in self.terms:
            check_exponent(sympy.sympify(t), t)
        turns = sum((number(t).real * s for t, s in self.terms), np.zeros(2**n_qubits))
        basis = np.eye(2**n_qubits).reshape((2,) * n_qubits + (-1,)).astype(complex)
        for v, qubits in self.basis:
            tensor = v.astype(complex).reshape((2,) * (2 * len(qubits)))
            basis = cirq.targeted_left_multiply(tensor, basis, qubits)
        basis = basis.reshape(2**n_qubits, -1)
        return (basis * np.exp(1j * np.pi * turns)) @ basis.conj().T


def rotation_form(gate: Any) -> RotationForm | None:
    """Return the rotation form of a gate, or None if it has to be decomposed first.

    Parameters
    ----------
    gate : cirq.Gate
        A gate, parametrised or not. A gate class can bring its own form by a method
        ``_rotation_form_()`` that returns ``(basis, terms)``.

    Returns
    -------
    RotationForm or None
    """
    own = getattr(gate, "_rotation_form_", None)
    if own is not None:
        basis, terms = own()
        return RotationForm(
            tuple((np.asarray(v), tuple(i)) for v, i in basis),
            tuple((t, np.asarray(s, dtype=float)) for t, s in terms),
        )
    if isinstance(gate, cirq.ControlledGate):
        return _controlled(gate)
    if isinstance(gate, cirq.GlobalPhaseGate):
        return RotationForm((), ((_half_turns(gate.coefficient), np.ones(1)),))
    if isinstance(
        gate, cirq.DiagonalGate | cirq.TwoQubitDiagonalGate | cirq.ThreeQubitDiagonalGate
    ):
        return _diagonal(gate)
    # An eigenbasis that is itself symbolic (PhasedISwapPowGate) is left to decomposition.
    if isinstance(gate, cirq.EigenGate) and not cirq.is_parameterized(gate._with_exponent(1.0)):
        return _eigen(gate)
    return None


def matrix_of(op: cirq.Operation) -> np.ndarray:
    """Return the unitary of an operation without free symbols.

    Raises
    ------
    ValueError
        If it is not finite: an exponent is not a finite real number.
    """
    form = rotation_form(op.gate) if is_symbolic(op) else None
    if form is not None:  # numbers of sympy's
        return form.matrix(len(op.qubits))
    matrix = cirq.unitary(op, None)
    if matrix is None:  # it holds a number of sympy's, and says that it has no parameter
        matrix = _product(cirq.decompose_once(op), op.qubits)
    if not np.isfinite(matrix).all():
        raise ValueError(
            f"The gate {op.gate!r} has a matrix that is not finite. Its exponents and angles "
            "have to be finite real numbers."
        )
    return matrix


def _product(parts: Sequence[cirq.Operation], qubits: Sequence[cirq.Qid]) -> np.ndarray:
    circuit = cirq.Circuit(
        cirq.MatrixGate(matrix_of(part), qid_shape=cirq.qid_shape(part)).on(*part.qubits)
        for part in parts
    )
    return circuit.unitary(qubit_order=qubits, qubits_that_should_be_present=qubits)


def check_finite(circuit: cirq.FrozenCircuit) -> None:
    """Raise a ValueError for a gate whose exponent or matrix can never be finite."""
    for op in circuit.all_operations():
        inner = op.untagged
        if isinstance(inner, cirq.CircuitOperation):
            check_finite(inner.circuit)
            continue
        gate: Any = inner.gate
        while isinstance(gate, cirq.ControlledGate):
            gate = gate.sub_gate
        if isinstance(gate, cirq.EigenGate):
            check_exponent(sympy.sympify(gate.exponent), gate.exponent)
        elif (
            len(op.qubits) <= CHECKED_QUBITS and not is_symbolic(inner) and cirq.has_unitary(inner)
        ):
            matrix_of(inner)


def as_operations(form: RotationForm, qubits: Sequence[cirq.Qid]) -> list[cirq.Operation]:
    """Write a gate in rotation form as basis changes around a diagonal."""
    angles = sum(t * sympy.pi * s for t, s in form.terms)
    bases = [(v, [qubits[i] for i in where]) for v, where in form.basis]
    return [
        *(cirq.MatrixGate(v.conj().T).on(*where) for v, where in bases),
        cirq.DiagonalGate(list(angles)).on(*qubits),
        *(cirq.MatrixGate(v).on(*where) for v, where in bases),
    ]


def _half_turns(coefficient: Any) -> Any:
    """Return the phase of a coefficient of absolute value one, in half turns.

    Of another absolute value it is not real, and so refused where it is evaluated.
    """
    if not isinstance(coefficient, sympy.Basic):
        return float(np.angle(coefficient)) / np.pi
    if isinstance(coefficient, sympy.Mul):
        return sympy.Add(*map(_half_turns, coefficient.args))
    if isinstance(coefficient, sympy.exp):
        exponent = coefficient.args[0]
    elif isinstance(coefficient, sympy.Pow) and not coefficient.base.free_symbols:
        exponent = sympy.log(coefficient.base) * coefficient.exp
    else:
        exponent = sympy.log(coefficient)
    return sympy.expand(-sympy.I * exponent / sympy.pi)


def _eigen(gate: cirq.EigenGate) -> RotationForm:
    components = gate._eigen_components()
    projectors = [np.asarray(p, dtype=complex) for _, p in components]
    shifts = np.array([float(shift) + gate.global_shift for shift, _ in components])
    n_qubits = cirq.num_qubits(gate)
    if all(np.allclose(p, np.diag(np.diag(p))) for p in projectors):
        spectrum = sum(s * np.diag(p).real for s, p in zip(shifts, projectors, strict=True))
        return RotationForm((), ((gate.exponent, np.asarray(spectrum)),))
    # Label the eigenspaces 0, 1, ...: eigh then returns an orthonormal basis sorted by label,
    # the same one for every gate of the class, so that V and V^-1 of neighbours cancel.
    label = sum(k * p for k, p in enumerate(projectors))
    values, vectors = np.linalg.eigh(label)
    spectrum = shifts[np.rint(values).astype(int)]
    return RotationForm(((vectors, tuple(range(n_qubits))),), ((gate.exponent, spectrum),))


def _controlled(gate: cirq.ControlledGate) -> RotationForm | None:
    form = rotation_form(gate.sub_gate)
    if form is None or any(d != 2 for d in gate.control_qid_shape):
        return None
    n_controls = gate.num_controls()
    dim = 2 ** cirq.num_qubits(gate.sub_gate)
    active = [
        int("".join(str(int(value)) for value in values), 2)
        for values in gate.control_values.expand()
    ]  # one block of the diagonal for each set of control values that lets the gate act

    def widen(spectrum: np.ndarray) -> np.ndarray:
        wide = np.zeros((2**n_controls, dim))
        wide[active] = spectrum
        return wide.ravel()

    basis = tuple((v, tuple(i + n_controls for i in idx)) for v, idx in form.basis)
    return RotationForm(basis, tuple((t, widen(s)) for t, s in form.terms))


def _diagonal(gate: Any) -> RotationForm:
    angles = gate._diag_angles_radians
    terms: list[tuple[Any, np.ndarray]] = []
    fixed = np.zeros(len(angles))
    for row, angle in enumerate(angles):
        if cirq.is_parameterized(angle):
            terms.append((angle / sympy.pi, np.eye(len(angles))[row]))
        else:
            fixed[row] = float(angle) / np.pi
    if fixed.any():
        terms.append((1.0, fixed))
    return RotationForm((), tuple(terms))
