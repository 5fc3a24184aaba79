"""Circuits on product states, whose weights become one real matrix.

The weights of a cell meet all time steps and rows. Where the encoding makes a product state, the
expectation values are linear in the products of the qubits' Bloch vectors: the weights then
become one real matrix, once for each training step, and a time step is one product with it.
"""

from __future__ import annotations

import cirq
import numpy as np

from skquantum.circuits import Ansatz, BlochVectors, on_the_line
from skquantum.execution import CircuitCopies
from skquantum.layers._banks.bound import BoundBank


class ProductCircuits:
    """Circuits on product states, prepared: what does not depend on weights.

    Parameters
    ----------
    qubits : BlochVectors
        Those of the encoding.
    ansatz : Ansatz
    n_features, n_circuits : int
    n_outputs : int
        Z of the first so many qubits is observed.
    """

    def __init__(
        self,
        qubits: BlochVectors,
        ansatz: Ansatz,
        *,
        n_features: int,
        n_circuits: int,
        n_outputs: int,
    ) -> None:
        self.n_features, self.n_circuits, self.n_outputs = n_features, n_circuits, n_outputs
        self.qubits = qubits
        self.n_qubits = n = len(qubits.source)
        self.as_they_are = np.array_equal(qubits.source, np.arange(n_features))
        circuit, symbols = on_the_line(ansatz, n)
        self.copies = CircuitCopies(circuit, symbols, n, n_circuits)
        bits = np.arange(2**n)[:, None] >> np.arange(n)[::-1] & 1
        self.signs = (1.0 - 2 * bits.T)[: self.n_outputs]
        # Elements of a matrix with the bits of row and column side by side, qubit by qubit.
        order = [axis for q in range(n) for axis in (q, n + q)]
        places = np.arange(4**n).reshape((2,) * (2 * n)).transpose(order)
        self.interleaved = places.ravel()
        self.apart = np.argsort(self.interleaved)
        half = n // 2
        self.left, self.right = _paulis(half), _paulis(n - half)
        self._memory: dict[tuple[int, int], tuple[np.ndarray, ...]] = {}

    def coefficients(self, unitaries: np.ndarray) -> np.ndarray:
        """Return what expectation values are in products of Bloch vectors.

        Parameters
        ----------
        unitaries : ndarray of complex, shape (n_circuits, dim, dim)

        Returns
        -------
        ndarray of float64, shape (n_circuits, n_outputs, 4 ** n_qubits)
        """
        # Observables in the Heisenberg picture, U^dagger Z U.
        weighted = unitaries.conj().swapaxes(1, 2)[:, None] * self.signs[:, None, :]
        observables = (weighted @ unitaries[:, None]).reshape(-1, 4**self.n_qubits)
        observables = observables[:, self.interleaved]
        observables = observables.reshape(-1, len(self.left), len(self.right))
        matrix = (self.left @ observables @ self.right.T).real
        shape = self.n_circuits, self.n_outputs, 4**self.n_qubits
        return matrix.reshape(shape) / 2**self.n_qubits

    def pullback(self, unitaries: np.ndarray, cotangent: np.ndarray) -> np.ndarray:
        """Return dL/dU*, from the cotangent of the coefficients."""
        cotangent = cotangent.reshape(-1, len(self.left), len(self.right)) / 2**self.n_qubits
        states = self.left.conj().T @ cotangent @ self.right.conj()
        states = states.reshape(len(states), -1)[:, self.apart]
        states = states.reshape(self.n_circuits, self.n_outputs, *unitaries.shape[1:])
        return (self.signs[:, :, None] * (unitaries[:, None] @ states)).sum(axis=1)

    def borrow(self, n_steps: int, n_rows: int) -> tuple[np.ndarray, ...]:
        """Return working memory for a batch: what was given back, if its shape fits.

        Fresh memory costs more than the arithmetic on it. Whoever has borrowed it has it alone,
        so that several threads can predict at a time.
        """
        found = self._memory.pop((n_steps, n_rows), None)
        if found is not None:
            return found
        n = self.n_qubits
        vectors = np.empty((n_steps, n, 4, n_rows))
        vectors[:, :, 0] = 1
        partial = [np.empty((n_steps, 4**k, n_rows)) for k in range(2, n)]
        return vectors, *partial, np.empty((4**n, n_steps, n_rows))

    def give_back(self, memory: tuple[np.ndarray, ...]) -> None:
        """Keep working memory for the next batch of its shape, and no other."""
        n_steps, n_rows = memory[-1].shape[1:]
        self._memory = {(n_steps, n_rows): memory}


class ProductBank(BoundBank):
    """The fast way, for a product state of all qubits.

    A row's features are the products of (1, x, y, z) of all qubits, 4 ** n_qubits numbers.
    """

    def __init__(
        self,
        circuits: ProductCircuits,
        weights: np.ndarray,
        coef: np.ndarray | None,
        intercept: np.ndarray | None,
    ) -> None:
        self.circuits = circuits
        self.coef, self.intercept = coef, intercept
        self.bound = circuits.copies.bind(weights)
        self.unitaries = self.bound.unitaries
        self.observables = circuits.coefficients(self.unitaries)
        if coef is None or intercept is None:
            matrix = self.observables
        else:
            matrix = coef @ self.observables
            matrix[:, :, 0] += intercept  # the first product is one
        self.matrix = matrix.reshape(-1, matrix.shape[-1])

    def begin(self, n_steps: int, n_rows: int) -> None:
        circuits = self.circuits
        self.memory = circuits.borrow(n_steps, n_rows)
        self.vectors, *partial, self.products = self.memory
        # Products of the first one, two, ... qubits.
        self.partial = [self.vectors[:, 0], *partial]
        self.values: list[np.ndarray] = [np.empty(0)] * n_steps
        self.cotangents = np.empty((len(self.matrix), n_steps, n_rows))
        self._slopes: np.ndarray | None = None

    def forward(self, step: int, values: np.ndarray, *, keep: bool = True) -> np.ndarray:
        """Return the circuits' values."""
        circuits, vectors = self.circuits, self.vectors[step]
        if not circuits.as_they_are:
            values = values[circuits.qubits.source]
        self.values[step] = values
        circuits.qubits.write(values, vectors[:, 1:])
        product = vectors[0]
        if circuits.n_qubits == 1:
            self.products[:, step] = product
        for q in range(1, circuits.n_qubits):
            last = q == circuits.n_qubits - 1
            into = self.products[:, step] if last else self.partial[q][step]
            shape = len(product), 4, into.shape[-1]
            np.multiply(product[:, None], vectors[q], out=into.reshape(shape))
            product = into
        return self.matrix @ product

    def skip(self, step: int, cotangent: np.ndarray) -> None:
        self.cotangents[:, step] = cotangent

    def backward(self, step: int, cotangent: np.ndarray) -> np.ndarray:
        """Return the gradient for the values that went in."""
        circuits, vectors = self.circuits, self.vectors[step]
        self.cotangents[:, step] = cotangent
        if self._slopes is None:
            values = np.array(self.values)
            self._slopes = circuits.qubits.slopes(values, self.vectors[:, :, 1:])
        grad = self.matrix.T @ cotangent
        by_vector = np.empty_like(vectors)
        for q in range(circuits.n_qubits - 1, 0, -1):
            grad = grad.reshape(-1, 4, cotangent.shape[-1])
            np.einsum("ijb,ib->jb", grad, self.partial[q - 1][step], out=by_vector[q])
            grad = np.einsum("ijb,jb->ib", grad, vectors[q])
        by_vector[0] = grad
        by_value = np.einsum("qkb,qkb->qb", by_vector[:, 1:], self._slopes[step])
        if circuits.as_they_are:
            return by_value
        total = np.zeros((circuits.n_features, by_value.shape[1]))
        np.add.at(total, circuits.qubits.source, by_value)
        return total

    def gradient(self) -> dict[str, np.ndarray]:
        """Return the gradients."""
        circuits = self.circuits
        cotangents = self.cotangents.reshape(len(self.cotangents), -1)
        by_matrix = cotangents @ self.products.reshape(len(self.products), -1).T
        circuits.give_back(self.memory)
        by_matrix = by_matrix.reshape(circuits.n_circuits, -1, by_matrix.shape[-1])
        out = {}
        if self.coef is not None:
            out["coef"] = by_matrix @ self.observables.swapaxes(1, 2)
            out["intercept"] = by_matrix[:, :, 0]
            by_matrix = self.coef.swapaxes(1, 2) @ by_matrix
        outer = circuits.pullback(self.unitaries, by_matrix)
        out["weights"] = self.bound.pullback(outer)
        return out


def _paulis(n_qubits: int) -> np.ndarray:
    """Return ``Tr(O P)`` as a matrix, from the elements of O to the strings P of Paulis."""
    paulis = [np.eye(2), *map(cirq.unitary, (cirq.X, cirq.Y, cirq.Z))]
    one = np.array([pauli.T.ravel() for pauli in paulis])
    out = np.ones((1, 1), dtype=complex)
    for _ in range(n_qubits):
        out = np.kron(out, one)
    return out
