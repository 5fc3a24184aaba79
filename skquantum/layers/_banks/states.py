"""Circuits whose encoding is run once for all of them, and whose weights become small matrices.

For encodings that make no product state, and small registers. The circuits share the state of
the encoding; their observables, in the Heisenberg picture, are matrices that all rows share.
"""

from __future__ import annotations

import cirq
import numpy as np

from skquantum.circuits import Ansatz, Encoding, on_the_line
from skquantum.execution import CircuitCopies, SmallCircuit
from skquantum.layers._banks.bound import BoundBank


class EncodedCircuits:
    """Circuits after one encoding, prepared: what does not depend on weights.

    Parameters
    ----------
    encoding : Encoding
    ansatz : Ansatz
    n_features, n_circuits : int
    n_outputs : int
        Z of the first so many qubits is observed.
    """

    def __init__(
        self,
        encoding: Encoding,
        ansatz: Ansatz,
        *,
        n_features: int,
        n_circuits: int,
        n_outputs: int,
    ) -> None:
        self.encoding, self.n_features = encoding, n_features
        self.n_circuits, self.n_outputs = n_circuits, n_outputs
        circuit, symbols = encoding.compiled(n_features)
        self.n_qubits = n = cirq.num_qubits(circuit)
        self.encoder = SmallCircuit(circuit, symbols)
        circuit, symbols = on_the_line(ansatz, n)
        self.copies = CircuitCopies(circuit, symbols, n, n_circuits)
        bits = np.arange(2**n)[:, None] >> np.arange(n)[::-1] & 1
        self.signs = (1.0 - 2 * bits.T)[:n_outputs]


class EncodedBank(BoundBank):
    """The circuits with their weights, for the time steps of a batch."""

    def __init__(
        self,
        circuits: EncodedCircuits,
        weights: np.ndarray,
        coef: np.ndarray | None,
        intercept: np.ndarray | None,
    ) -> None:
        self.circuits = circuits
        self.coef, self.intercept = coef, intercept
        self.bound = circuits.copies.bind(weights)
        self.unitaries = self.bound.unitaries
        weighted = self.unitaries.conj().swapaxes(1, 2)[:, None] * circuits.signs[:, None, :]
        observables = weighted @ self.unitaries[:, None]
        self.observables = observables.reshape(-1, observables.shape[-1])

    def begin(self, n_steps: int, n_rows: int) -> None:
        circuits = self.circuits
        n_all = circuits.n_circuits * circuits.n_outputs
        self.states = np.empty((2**circuits.n_qubits, n_steps, n_rows), dtype=complex)
        self.observed = np.empty((n_all, n_steps, n_rows))
        self.cotangents = np.empty((n_all, n_steps, n_rows))
        self._grad_read: list[np.ndarray] = []
        self._kept: list[tuple] = [()] * n_steps

    def forward(self, step: int, values: np.ndarray, *, keep: bool = True) -> np.ndarray:
        """Return the circuits' values."""
        circuits = self.circuits
        rows = np.ascontiguousarray(values.T)
        psi, encoded = circuits.encoder.forward(circuits.encoding.encode(rows))
        turned = (self.observables @ psi).reshape(-1, *psi.shape)
        self.states[:, step] = psi
        # The real part of psi^dagger O psi.
        observed = self.observed[:, step]
        np.einsum("kdb,db->kb", turned.real, psi.real, out=observed)
        observed += np.einsum("kdb,db->kb", turned.imag, psi.imag)
        if keep:
            self._kept[step] = rows, encoded, turned
        if self.coef is None or self.intercept is None:
            return observed
        apart = observed.reshape(circuits.n_circuits, circuits.n_outputs, -1)
        out = self.coef @ apart + self.intercept[:, :, None]
        return out.reshape(-1, len(rows))

    def _before_read(self, step: int, cotangent: np.ndarray) -> np.ndarray:
        """Take the cotangent through the read-out, and note it."""
        if self.coef is not None:
            self._grad_read.append(cotangent.copy())
            apart = cotangent.reshape(len(self.coef), -1, cotangent.shape[-1])
            cotangent = (self.coef.swapaxes(1, 2) @ apart).reshape(-1, cotangent.shape[-1])
        self.cotangents[:, step] = cotangent
        return cotangent

    def skip(self, step: int, cotangent: np.ndarray) -> None:
        self._before_read(step, cotangent)

    def backward(self, step: int, cotangent: np.ndarray) -> np.ndarray:
        """Return the gradient for the values that went in."""
        circuits = self.circuits
        cotangent = self._before_read(step, cotangent)
        rows, encoded, turned = self._kept[step]
        lam = (cotangent[:, None] * turned).sum(axis=0)
        by_symbol = circuits.encoder.backward(encoded, lam)
        return circuits.encoding.encode_vjp(rows, by_symbol).T

    def gradient(self) -> dict[str, np.ndarray]:
        """Return the gradients."""
        circuits = self.circuits
        shape = circuits.n_circuits, circuits.n_outputs
        out = {}
        if self.coef is not None:
            # Noted from the last step to the first.
            read = np.concatenate(self._grad_read[::-1], axis=1)
            read = read.reshape(circuits.n_circuits, -1, read.shape[-1])
            observed = self.observed.reshape(*shape, -1)
            out["coef"] = read @ observed.swapaxes(1, 2)
            out["intercept"] = read.sum(axis=2)
        states = self.states.reshape(len(self.states), -1)
        cotangents = self.cotangents.reshape(len(self.cotangents), 1, -1)
        densities = ((cotangents * states) @ states.conj().T).reshape(
            *shape, *states.shape[:1] * 2
        )
        outer = (circuits.signs[:, :, None] * (self.unitaries[:, None] @ densities)).sum(axis=1)
        out["weights"] = self.bound.pullback(outer)
        return out
