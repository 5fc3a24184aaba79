"""Expectation values of sums of Pauli strings on a batch of states."""

from __future__ import annotations

import copyreg
from collections.abc import Sequence
from itertools import combinations, product
from numbers import Number

import cirq
import numpy as np
import sympy

from skquantum._validation import shown

PAULIS = {"X": cirq.X, "Y": cirq.Y, "Z": cirq.Z}

# Cirq's sums do not pickle, and estimators have them among their parameters.
copyreg.pickle(cirq.PauliSum, lambda total: (cirq.PauliSum.from_pauli_strings, (list(total),)))


def check_observables(
    observables: Sequence[cirq.PauliSum | cirq.PauliString], qubits: Sequence[cirq.Qid]
) -> list[cirq.PauliSum]:
    """Return observables as Hermitian Pauli sums on the given qubits, or raise an error."""
    if isinstance(observables, cirq.PauliSum | cirq.PauliString):
        raise TypeError("observables must be a list of cirq.PauliSum, got a single one.")
    if len(observables) == 0:
        raise ValueError("observables is empty; measure at least one, for instance cirq.Z(qubit).")
    sums = []
    for i, observable in enumerate(observables):
        if isinstance(observable, Number | sympy.Basic | np.ndarray):
            raise TypeError(
                f"observables[{i}] = {shown(observable)} is a number, which needs no circuit; "
                "measure a Pauli operator, for instance cirq.Z(qubit)."
            )
        try:
            total = cirq.PauliSum.wrap(observable)
            missing = sorted(set(total.qubits) - set(qubits))
        except (AttributeError, TypeError, ValueError) as error:
            raise TypeError(
                f"observables[{i}] must be a cirq.PauliSum or cirq.PauliString, got "
                f"{shown(observable)}."
            ) from error
        if missing:
            raise ValueError(
                f"observables[{i}] = {total} acts on {missing}, which the circuit lacks; its "
                f"qubits are {list(qubits)}."
            )
        if not all(np.isfinite(string.coefficient) for string in total):
            raise ValueError(f"observables[{i}] = {total} has coefficients that are not finite.")
        if any(abs(string.coefficient.imag) > 1e-12 for string in total):
            raise ValueError(f"observables[{i}] = {total} is not Hermitian.")
        sums.append(total)
    return sums


def resolve_observables(
    observables: str | Sequence[cirq.PauliSum | cirq.PauliString] | None,
    qubits: Sequence[cirq.Qid],
) -> list[cirq.PauliSum]:
    """Return what is to be measured on these qubits, given as for `QuantumLayer`."""
    letters = "Z" if observables is None else observables
    if not isinstance(letters, str):
        return check_observables(letters, qubits)
    if not letters or set(letters) - set(PAULIS) or len(set(letters)) < len(letters):
        raise ValueError(
            f"observables must be None, distinct letters of 'XYZ', or a list of cirq.PauliSum, "
            f"got {letters!r}."
        )
    return [cirq.PauliSum.wrap(PAULIS[letter](q)) for q in qubits for letter in letters]


def pauli_strings(qubits: Sequence[cirq.Qid], weight: int) -> dict[str, cirq.PauliString]:
    """Return the Pauli strings on at most so many qubits, by names such as "X0Z2"."""
    strings: dict[str, cirq.PauliString] = {}
    for size in range(1, weight + 1):
        for places in combinations(range(len(qubits)), size):
            for letters in product(PAULIS, repeat=size):
                pairs = list(zip(letters, places, strict=True))
                name = "".join(f"{letter}{place}" for letter, place in pairs)
                strings[name] = cirq.PauliString(PAULIS[c](qubits[i]) for c, i in pairs)
    return strings


def check_trainable(observables: Sequence[cirq.PauliSum]) -> None:
    """Raise a ValueError if an observable has the same value in all states."""
    for i, total in enumerate(observables):
        if not any(len(string) and string.coefficient for string in total):
            raise ValueError(
                f"observables[{i}] = {total} is a multiple of the identity: it has the same value "
                "in every state, so there is nothing to learn from it. Measure a Pauli operator, "
                "for instance cirq.Z(qubit)."
            )


def state_expectations(
    states: np.ndarray, observables: Sequence[cirq.PauliSum], qubits: Sequence[cirq.Qid]
) -> np.ndarray:
    """Return the expectation values of states that are rows.

    Parameters
    ----------
    states : ndarray of complex, shape (n_samples, 2 ** n_qubits)
    observables : sequence of cirq.PauliSum
    qubits : sequence of cirq.Qid
        The circuit's, sorted.

    Returns
    -------
    ndarray of float64, shape (n_samples, n_observables)
    """
    return PauliMatrix(observables, qubits).expectations(np.asarray(states, dtype=complex).T)


class PauliMatrix:
    """Observables prepared for batches of states of shape (2 ** n_qubits, n_samples).

    A Pauli string flips the bits of a mask and multiplies by a phase. All strings with the
    same mask share the products ``conj(psi[z ^ mask]) * psi[z]``; their phases are the rows of
    one matrix, for the observables that have the mask. The mask 0 holds the strings of Z: its
    phases are real, and it needs only the probabilities.
    """

    def __init__(self, observables: Sequence[cirq.PauliSum], qubits: Sequence[cirq.Qid]) -> None:
        self.n_observables = len(observables)
        self._basis = np.arange(2 ** len(qubits))
        place = {q: len(qubits) - 1 - i for i, q in enumerate(qubits)}
        sums: dict[int, dict[int, np.ndarray]] = {}
        for row, total in enumerate(observables):
            for string in total:
                rows = sums.setdefault(_flips(string, place), {})
                phases = self._phases(string, place)
                rows[row] = rows[row] + phases if row in rows else phases
        self.groups: dict[int, tuple[np.ndarray, np.ndarray]] = {}
        for mask, rows in sums.items():
            matrix = np.array(list(rows.values()))
            self.groups[mask] = np.array(list(rows)), matrix if mask else matrix.real.copy()

    def _phases(self, string: cirq.PauliString, place: dict[cirq.Qid, int]) -> np.ndarray:
        phases = np.full(len(self._basis), complex(string.coefficient))
        for qubit, pauli in string.items():
            if pauli != cirq.X:
                sign = 1 - 2 * (self._basis >> place[qubit] & 1)
                phases *= sign if pauli == cirq.Z else 1j * sign
        return phases

    @staticmethod
    def n_bytes(observables: Sequence[cirq.PauliSum], qubits: Sequence[cirq.Qid]) -> int:
        """Return the memory that the matrix of these observables would take."""
        place = {q: len(qubits) - 1 - i for i, q in enumerate(qubits)}
        rows = {(_flips(s, place), row) for row, total in enumerate(observables) for s in total}
        return sum((16 if mask else 8) << len(qubits) for mask, _ in rows)

    def expectations(self, psi: np.ndarray) -> np.ndarray:
        """Return expectation values, shape (n_samples, n_observables), in double precision."""
        out = np.zeros((self.n_observables, psi.shape[1]))
        for mask, (rows, phases) in self.groups.items():
            if mask == 0:
                parts = _parts(psi)
                squares = phases.astype(parts.dtype, copy=False) @ np.square(parts)
                out[rows] += squares.reshape(len(rows), -1, 2).sum(axis=2, dtype=float)
            else:
                flipped = psi[self._basis ^ mask].astype(complex)
                out[rows] += (phases @ (flipped.conj() * psi)).real
        return out.T

    def apply(self, psi: np.ndarray, cotangent: np.ndarray) -> np.ndarray:
        """Return ``sum_k cotangent[:, k] O_k psi``: dL/dpsi* for dL/d(expectations).

        Parameters
        ----------
        psi : ndarray of complex, shape (2 ** n_qubits, n_samples)
        cotangent : ndarray of float, shape (n_samples, n_observables)

        Returns
        -------
        ndarray of the shape and type of `psi`
        """
        out = None
        for mask, (rows, phases) in self.groups.items():
            factor = phases.T @ cotangent[:, rows].T
            if mask == 0:
                parts = _parts(psi)
                twice = np.repeat(factor.astype(parts.dtype, copy=False), 2, axis=1)
                part = np.multiply(twice, parts, out=twice).view(psi.dtype)
            else:
                part = (factor.astype(psi.dtype, copy=False) * psi)[self._basis ^ mask]
            out = part if out is None else out + part
        return np.zeros_like(psi) if out is None else out


def _parts(psi: np.ndarray) -> np.ndarray:
    """Return real and imaginary parts side by side, shape (dim, 2 * n_samples)."""
    return np.ascontiguousarray(psi).view(psi.real.dtype)


def _flips(string: cirq.PauliString, place: dict[cirq.Qid, int]) -> int:
    """Return the mask of the bits that a Pauli string flips."""
    return sum(1 << place[qubit] for qubit, pauli in string.items() if pauli != cirq.Z)
