"""Copies of a small circuit, each with weights of its own, as unitaries with their gradients."""

from __future__ import annotations

from collections.abc import Sequence

import cirq
import numpy as np
import sympy

from skquantum._symbols import resolve
from skquantum.execution._compiler.compile import compile_program
from skquantum.execution._engine.adjoint import SharedGradient, bind


class CircuitCopies:
    """Copies of a circuit of weights alone, compiled into one program.

    So the weights of all copies are bound in one go.

    Parameters
    ----------
    circuit : cirq.FrozenCircuit
    symbols : sequence of sympy.Symbol
        Its weights, in order.
    n_qubits, n_copies : int
    """

    def __init__(
        self,
        circuit: cirq.FrozenCircuit,
        symbols: Sequence[sympy.Symbol],
        n_qubits: int,
        n_copies: int,
    ) -> None:
        self.n_copies = n_copies
        # Each copy becomes one shared block: before it comes a gate that differs from row to row
        # on all qubits, at which blocks end, and a Hadamard gate on each qubit, which keeps
        # diagonal gates from joining it.
        qubits = cirq.LineQubit.range(n_qubits)
        data = sympy.Symbol("data")
        whole = cirq.Circuit()
        weights: list[sympy.Symbol] = []
        for k in range(n_copies):
            fresh = {s: sympy.Symbol(f"weight_{k}_{i}") for i, s in enumerate(symbols)}
            whole += cirq.DiagonalGate([data] * 2**n_qubits)(*qubits)
            whole += cirq.H.on_each(qubits)
            whole += resolve(circuit, fresh)
            weights += fresh.values()
        self.program = compile_program(whole.freeze(), (data,), tuple(weights))
        hadamard: np.ndarray = np.ones((1, 1))
        for _ in range(n_qubits):
            hadamard = np.kron(hadamard, np.array([[1, 1], [1, -1]]) / 2**0.5)
        self.hadamard = hadamard

    def bind(self, weights: np.ndarray) -> BoundCopies:
        """Return the unitaries for some weights, an array of shape (n_copies, n_weights)."""
        return BoundCopies(self, weights)


class BoundCopies:
    """Copies of a circuit with their weights.

    Attributes
    ----------
    unitaries : ndarray of complex128, shape (n_copies, 2 ** n_qubits, 2 ** n_qubits)
    """

    def __init__(self, copies: CircuitCopies, weights: np.ndarray) -> None:
        self._copies, self._weights = copies, weights
        self._bound = bind(copies.program, weights.ravel())
        blocks = np.array(self._bound.dense_blocks().unitaries[1:])
        self.unitaries = blocks @ copies.hadamard

    def pullback(self, cotangent: np.ndarray) -> np.ndarray:
        """Return the gradient for the weights from ``dL/dU*`` of all copies."""
        shared = SharedGradient(self._bound)
        for k, outer in enumerate(cotangent @ self._copies.hadamard):
            shared.add_outer(k + 1, outer)
        _, by_weight = self._copies.program.shared_angles.pullback(
            np.empty((1, 0)), self._weights.ravel(), shared.total()[:, None]
        )
        return by_weight.reshape(self._weights.shape)
