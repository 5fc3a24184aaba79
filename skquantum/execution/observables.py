"""Expectation values of sums of Pauli strings on a batch of states."""

from __future__ import annotations

import copyreg
from collections.abc import Sequence

import cirq
import numpy as np

# Cirq's sums do not pickle, and estimators have them among their parameters.
copyreg.pickle(cirq.PauliSum, lambda total: (cirq.PauliSum.from_pauli_strings, (list(total),)))


def check_observables(
    observables: Sequence[cirq.PauliSum | cirq.PauliString], qubits: Sequence[cirq.Qid]
) -> list[cirq.PauliSum]:
    """Return observables as Hermitian Pauli sums on the given qubits, or raise an error."""
    if isinstance(observables, cirq.PauliSum | cirq.PauliString):
        raise TypeError("observables must be a list of cirq.PauliSum, got a single one.")
    sums = []
    for i, observable in enumerate(observables):
        try:
            total = cirq.PauliSum.wrap(observable)
            missing = sorted(set(total.qubits) - set(qubits))
        except (AttributeError, TypeError, ValueError) as error:
            raise TypeError(
                f"observables[{i}] must be a cirq.PauliSum or cirq.PauliString, got "
                f"{observable!r}."
            ) from error
        if missing:
            raise ValueError(
                f"observables[{i}] = {total} acts on {missing}, which the circuit lacks; its "
                f"qubits are {list(qubits)}."
            )
        if any(abs(string.coefficient.imag) > 1e-12 for string in total):
            raise ValueError(f"observables[{i}] = {total} is not Hermitian.")
        sums.append(total)
    return sums


class PauliMatrix:
    """Observables prepared for batches of states of shape (2 ** n_qubits, n_samples).

    A Pauli string flips the bits of a mask and multiplies by a phase. All strings with the
    same mask share the products ``conj(psi[z ^ mask]) * psi[z]``; their phases are the rows of
    one matrix. The mask 0 holds the strings of Z and needs only the probabilities.
    """

    def __init__(self, observables: Sequence[cirq.PauliSum], qubits: Sequence[cirq.Qid]) -> None:
        n_qubits = len(qubits)
        place = {q: n_qubits - 1 - i for i, q in enumerate(qubits)}
        basis = self._basis = np.arange(2**n_qubits)
        self.n_observables = len(observables)
        self.groups: dict[int, np.ndarray] = {}
        for row, total in enumerate(observables):
            for string in total:
                mask, phases = 0, np.full(2**n_qubits, complex(string.coefficient))
                for qubit, pauli in string.items():
                    sign = 1 - 2 * (basis >> place[qubit] & 1)
                    if pauli != cirq.Z:
                        mask |= 1 << place[qubit]
                    if pauli == cirq.Z:
                        phases *= sign
                    elif pauli == cirq.Y:
                        phases *= 1j * sign
                group = self.groups.setdefault(
                    mask, np.zeros((len(observables), 2**n_qubits), dtype=complex)
                )
                group[row] += phases

    def expectations(self, psi: np.ndarray) -> np.ndarray:
        """Return expectation values, shape (n_samples, n_observables), in double precision."""
        out = np.zeros((self.n_observables, psi.shape[1]))
        for mask, phases in self.groups.items():
            if mask == 0:
                probabilities = np.square(psi.real, dtype=float)
                probabilities += np.square(psi.imag, dtype=float)
                out += phases.real @ probabilities
            else:
                flipped = psi[self._basis ^ mask].astype(complex)
                out += (phases @ (flipped.conj() * psi)).real
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
        for mask, phases in self.groups.items():
            factor = (phases.real if mask == 0 else phases).T @ cotangent.T
            dtype = psi.real.dtype if mask == 0 else psi.dtype
            part = factor.astype(dtype, copy=False) * psi
            part = part if mask == 0 else part[self._basis ^ mask]
            out = part if out is None else out + part
        return np.zeros_like(psi) if out is None else out
