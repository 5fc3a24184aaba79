"""Circuits that read the same values with weights of their own, as the gates of a cell do."""

from __future__ import annotations

from functools import cached_property
from typing import Any

import cirq
import numpy as np

from skquantum.circuits import Ansatz, Encoding, register
from skquantum.execution import Backend
from skquantum.layers._banks.bound import BoundBank, LayerBank
from skquantum.layers._banks.products import ProductBank, ProductCircuits
from skquantum.layers._banks.states import EncodedBank, EncodedCircuits
from skquantum.layers._layer import QuantumLayer

# Up to here matrices for all rows, of 4 ** n_qubits elements, beat the states of each row.
FAST_QUBITS = 5


class CircuitBank:
    """Circuits of one kind, each with weights of its own, that read the same values.

    Parameters
    ----------
    encoding : Encoding
    ansatz : Ansatz
    n_features : int
        Number of values that the circuits read.
    n_circuits : int
    n_observed : int or None
        Z of the first so many qubits is observed; None means all.
    gradient, backend, random_state
        As for `QuantumLayer`.
    """

    def __init__(
        self,
        encoding: Encoding,
        ansatz: Ansatz,
        *,
        n_features: int,
        n_circuits: int,
        n_observed: int | None,
        gradient: str,
        backend: Backend | None,
        random_state: Any,
    ) -> None:
        qubits = register(encoding, ansatz, n_features)[:n_observed]
        self.layer = QuantumLayer(
            encoding,
            ansatz,
            [cirq.PauliSum.wrap(cirq.Z(q)) for q in qubits],
            backend,
            n_features=n_features,
            gradient=gradient,
            random_state=random_state,
        )
        self.encoding, self.ansatz = encoding, ansatz
        self.n_features, self.n_circuits = n_features, n_circuits
        self.shape = n_circuits, self.layer.n_weights

    @property
    def n_outputs(self) -> int:
        """Number of expectation values of each circuit."""
        return self.layer.n_outputs

    def __getstate__(self) -> dict[str, Any]:
        # Compiled programs do not pickle; they are compiled again when needed.
        return {name: value for name, value in vars(self).items() if name != "_prepared"}

    @property
    def prepared(self) -> ProductCircuits | EncodedCircuits | None:
        """What a fast way needs, or None if none applies."""
        evaluator = self.layer._evaluator  # another one after `QuantumLayer.move_to`
        n_qubits = self.layer.n_qubits
        applies = (
            n_qubits <= FAST_QUBITS
            and evaluator.n_state_qubits == n_qubits  # exact states, without noise
        )
        return self._prepared if applies else None

    @cached_property
    def _prepared(self) -> ProductCircuits | EncodedCircuits:
        encoding = self.encoding
        sizes = {
            "n_features": self.n_features,
            "n_circuits": self.n_circuits,
            "n_outputs": self.n_outputs,
        }
        qubits = encoding.bloch_vectors(self.n_features)
        if qubits is not None:
            return ProductCircuits(qubits, self.ansatz, **sizes)
        return EncodedCircuits(encoding, self.ansatz, **sizes)

    def n_rows(self, n_steps: int) -> int:
        """Return how many rows to run at a time."""
        if self.prepared is None:
            return 2**30
        return max(1, 2**21 // (4**self.layer.n_qubits * n_steps))

    def bind(
        self,
        weights: np.ndarray,
        coef: np.ndarray | None = None,
        intercept: np.ndarray | None = None,
    ) -> BoundBank:
        """Prepare the circuits for some weights.

        Parameters
        ----------
        weights : ndarray of shape (n_circuits, n_weights)
        coef, intercept : ndarray of shape (n_circuits, n_values, n_outputs) and \
(n_circuits, n_values), default=None
            A linear map of each circuit's expectation values; without it they are the values.
        """
        prepared = self.prepared
        if isinstance(prepared, ProductCircuits):
            return ProductBank(prepared, weights, coef, intercept)
        if isinstance(prepared, EncodedCircuits):
            return EncodedBank(prepared, weights, coef, intercept)
        return LayerBank(self.layer, weights, coef, intercept)
