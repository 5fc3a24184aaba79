"""Circuits on product states, whose weights become one real matrix.

The weights of a cell meet all time steps and rows. Where the encoding makes a product state, the
expectation values are linear in the products of the qubits' Bloch vectors: the weights then
become one real matrix, once for each training step, and a time step is one product with it.
"""

from __future__ import annotations

import cirq
import numpy as np
import sympy

from skquantum._symbols import resolve
from skquantum.circuits import Ansatz, ArctanEncoding, ansatz_qubits, placed
from skquantum.execution import (
    Program,
    SharedGradient,
    bind,
    compile_program,
)
from skquantum.layers._banks.bound import BoundBank


class ProductCircuits:
    """Circuits on product states, prepared: what does not depend on weights.

    All ansätze are compiled into one program, so that their weights are bound in one go; each is
    one shared block of it. Qubits are in the basis after a Hadamard gate, see `separated`.

    Parameters
    ----------
    encoding : ArctanEncoding
        With one sub-layer.
    ansatz : Ansatz
    n_features, n_circuits : int
    n_outputs : int
        Z of the first so many qubits is observed.
    """

    def __init__(
        self,
        encoding: ArctanEncoding,
        ansatz: Ansatz,
        *,
        n_features: int,
        n_circuits: int,
        n_outputs: int,
    ) -> None:
        self.n_features, self.n_circuits, self.n_outputs = n_features, n_circuits, n_outputs
        self.n_qubits = n = encoding.width(n_features)
        self.bandwidth = float(encoding.bandwidth)
        # More qubits than features: these repeat along the register.
        self.source = np.arange(n) % n_features
        self.program = separated(ansatz, n, n_circuits)
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
        self.circuits, self.weights = circuits, weights
        self.coef, self.intercept = coef, intercept
        self.bound = bind(circuits.program, weights.ravel())
        self.unitaries = np.array(self.bound.dense_blocks().unitaries[1:])
        self.observables = circuits.coefficients(self.unitaries)
        if coef is None or intercept is None:
            matrix = self.observables
        else:
            matrix = coef @ self.observables
            matrix[:, :, 0] += intercept  # the first product is one
        self.matrix = matrix.reshape(-1, matrix.shape[-1])

    def begin(self, n_steps: int, n_rows: int) -> None:
        """Prepare for a batch."""
        circuits = self.circuits
        self.memory = circuits.borrow(n_steps, n_rows)
        self.vectors, *partial, self.products = self.memory
        # Products of the first one, two, ... qubits.
        self.partial = [self.vectors[:, 0], *partial]
        self.values: list[np.ndarray] = [np.empty(0)] * n_steps
        self.cotangents = np.empty((len(self.matrix), n_steps, n_rows))
        self._squares = np.empty((2, circuits.n_qubits, n_rows))
        self._roots = np.empty_like(self._squares)
        self._slopes: np.ndarray | None = None

    def forward(self, step: int, values: np.ndarray, *, keep: bool = True) -> np.ndarray:
        """Return the circuits' values."""
        circuits, vectors = self.circuits, self.vectors[step]
        if circuits.n_features < circuits.n_qubits:
            values = values[circuits.source]
        if circuits.bandwidth != 1:
            values = circuits.bandwidth * values
        self.values[step] = values
        _bloch_vectors(values, self._squares, self._roots, vectors)
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
        """Do as `backward` where the gradient for the values is of no use."""
        self.cotangents[:, step] = cotangent

    def backward(self, step: int, cotangent: np.ndarray) -> np.ndarray:
        """Return the gradient for the values that went in."""
        circuits, vectors = self.circuits, self.vectors[step]
        self.cotangents[:, step] = cotangent
        if self._slopes is None:
            self._slopes = _bloch_slopes(np.array(self.values), self.vectors)
        grad = self.matrix.T @ cotangent
        by_vector = np.empty_like(vectors)
        for q in range(circuits.n_qubits - 1, 0, -1):
            grad = grad.reshape(-1, 4, cotangent.shape[-1])
            np.einsum("ijb,ib->jb", grad, self.partial[q - 1][step], out=by_vector[q])
            grad = np.einsum("ijb,jb->ib", grad, vectors[q])
        by_vector[0] = grad
        by_value = np.einsum("qkb,qkb->qb", by_vector[:, 1:], self._slopes[step])
        if circuits.bandwidth != 1:
            by_value *= circuits.bandwidth
        if circuits.n_features == circuits.n_qubits:
            return by_value
        total = np.zeros((circuits.n_features, by_value.shape[1]))
        np.add.at(total, circuits.source, by_value)
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
        shared = SharedGradient(self.bound)
        for k in range(circuits.n_circuits):
            shared.add_outer(k + 1, outer[k])
        _, by_weight = circuits.program.shared_angles.pullback(
            np.empty((1, 0)), self.weights.ravel(), shared.total()[:, None]
        )
        out["weights"] = by_weight.reshape(self.weights.shape)
        return out


def _bloch_vectors(
    values: np.ndarray, squares: np.ndarray, roots: np.ndarray, out: np.ndarray
) -> None:
    """Write the Bloch vectors of `ArctanEncoding` into `out`, shape (n_qubits, 4, n_rows).

    With the angles arctan v and arctan v^2 no trigonometric function is left. The last component
    is -z; `_paulis` has its sign.
    """
    np.multiply(values, values, out=squares[0])
    np.multiply(squares[0], squares[0], out=squares[1])
    np.add(squares, 1, out=roots)
    np.sqrt(roots, out=roots)
    np.reciprocal(roots, out=roots)  # cosines of both angles
    np.multiply(roots[0], roots[1], out=out[:, 1])
    np.multiply(out[:, 1], squares[0], out=out[:, 2])
    np.multiply(values, roots[0], out=out[:, 3])


def _bloch_slopes(values: np.ndarray, vectors: np.ndarray) -> np.ndarray:
    """Return derivatives of the Bloch vectors, shape (n_steps, n_qubits, 3, n_rows)."""
    out = np.empty_like(vectors[:, :, 1:])
    square = values * values
    first, second = 1 / (1 + square), 1 / (1 + square * square)  # squared cosines
    x = vectors[:, :, 1]
    np.multiply(x, -values * (first + 2 * square * second), out=out[:, :, 0])
    np.add(out[:, :, 0] * square, 2 * values * x, out=out[:, :, 1])
    np.multiply(first, np.sqrt(first), out=out[:, :, 2])
    return out


def _paulis(n_qubits: int) -> np.ndarray:
    """Return ``Tr(O P)`` as a matrix, from the elements of O to the strings P of Paulis.

    The Paulis belong to the components of `_bloch_vectors`, (1, x, y, -z), after the Hadamard
    gate of `separated`, which takes X to Z, Y to -Y and Z to X.
    """
    paulis = [np.eye(2), cirq.unitary(cirq.Z), -cirq.unitary(cirq.Y), -cirq.unitary(cirq.X)]
    one = np.array([pauli.T.ravel() for pauli in paulis])
    out = np.ones((1, 1), dtype=complex)
    for _ in range(n_qubits):
        out = np.kron(out, one)
    return out


def separated(ansatz: Ansatz, n_qubits: int, n_circuits: int) -> Program:
    """Compile copies of an ansatz into one program, each as one of its shared blocks.

    Before each copy comes a gate that differs from row to row on all qubits, at which blocks end,
    and a Hadamard gate on each qubit, which keeps diagonal gates from joining it.
    """
    qubits = cirq.LineQubit.range(n_qubits)
    data = sympy.Symbol("data")
    circuit, symbols = ansatz.compiled(n_qubits)
    circuit = placed(circuit, ansatz_qubits(ansatz, n_qubits), qubits).freeze()
    whole = cirq.Circuit()
    weights: list[sympy.Symbol] = []
    for k in range(n_circuits):
        fresh = {s: sympy.Symbol(f"weight_{k}_{i}") for i, s in enumerate(symbols)}
        whole += cirq.DiagonalGate([data] * 2**n_qubits)(*qubits)
        whole += cirq.H.on_each(qubits)
        whole += resolve(circuit, fresh)
        weights += fresh.values()
    return compile_program(whole.freeze(), (data,), tuple(weights))
