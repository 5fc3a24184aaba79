"""Gates with symbolic angles, written as diagonal phases in a fixed basis.

A gate whose angle is symbolic is brought into the form
``V . exp(i pi sum_k t_k diag(s_k)) . V^-1`` in which ``V`` and the spectra ``s_k`` are numbers
and only the ``t_k`` are symbolic. Cirq's `EigenGate` gives the spectrum of almost every gate.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import cirq
import numpy as np
import sympy


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

    def matrix(self, n_qubits: int) -> np.ndarray:
        """Return the gate's unitary when its exponents are numbers."""
        turns = sum(float(t) * s for t, s in self.terms)
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
    if isinstance(
        gate, cirq.DiagonalGate | cirq.TwoQubitDiagonalGate | cirq.ThreeQubitDiagonalGate
    ):
        return _diagonal(gate)
    # An eigenbasis that is itself symbolic (PhasedISwapPowGate) is left to decomposition.
    if isinstance(gate, cirq.EigenGate) and not cirq.is_parameterized(gate._with_exponent(1.0)):
        return _eigen(gate)
    return None


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
        int("".join(map(str, values)), 2) for values in gate.control_values.expand()
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
