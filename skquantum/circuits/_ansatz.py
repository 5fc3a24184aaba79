"""The ansatz: a template in layers, whose symbols are weights."""

import itertools
from abc import abstractmethod
from collections.abc import Iterator
from typing import Any, ClassVar

import cirq
import sympy

from skquantum.circuits._base import Template
from skquantum.circuits._folding import POSITIVE_INTEGER


class Ansatz(Template):
    """Template whose symbols receive weights, in layers that act one after another.

    A subclass has to write :meth:`layers` only, with weights in radians. Where the layers
    are known one by one, data can be loaded again before each of them, or each can be
    followed by its inverse.
    """

    @abstractmethod
    def layers(self, n_qubits: int) -> list[cirq.Circuit]:
        """Build the layers, one circuit each.

        Parameters
        ----------
        n_qubits : int
            Number of qubits to act on.

        Returns
        -------
        layers : list of cirq.Circuit
            Circuits on qubits of ``cirq.LineQubit.range(n_qubits)``, or on `n_qubits` others, in
            the order in which they act. No two layers share a symbol; those of a layer come
            before those of the next one in natural order, as ``w_0``, ``w_1``, ... do.

        Raises
        ------
        ValueError
            If a parameter is not valid or `n_qubits` is less than 1.
        """

    def build(self, n_qubits: int) -> cirq.Circuit:
        """Build the whole circuit: the layers, one after another.

        Parameters
        ----------
        n_qubits : int
            Number of qubits to act on.

        Returns
        -------
        circuit : cirq.Circuit
            Circuit with weights as symbols, on the qubits of the layers.

        Raises
        ------
        ValueError
            If a parameter is not valid or `n_qubits` is less than 1.
        """
        return sum(self.layers(n_qubits), cirq.Circuit())

    def symbols(self, n_qubits: int) -> tuple[sympy.Symbol, ...]:
        """Return the weights, in the order of the layers.

        Parameters
        ----------
        n_qubits : int
            Number of qubits to act on.

        Returns
        -------
        symbols : tuple of sympy.Symbol
            By default all symbols of the circuit in natural order, ``w_2`` before ``w_10``.
        """
        return super().symbols(n_qubits)


class RepeatedAnsatz(Ansatz):
    """Ansatz of `n_layers` layers of one kind; a subclass writes ``_layer``."""

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {"n_layers": [POSITIVE_INTEGER]}

    n_layers: int

    def layers(self, n_qubits: int) -> list[cirq.Circuit]:
        qubits = cirq.LineQubit.range(self._check_size(n_qubits, "n_qubits"))
        weights = weight_symbols()
        return [cirq.Circuit(self._layer(i, qubits, weights)) for i in range(self.n_layers)]

    @abstractmethod
    def _layer(
        self, layer: int, qubits: list[cirq.LineQubit], weights: Iterator[sympy.Symbol]
    ) -> Iterator[cirq.OP_TREE]:
        """Yield the operations of a layer, taking from the weights those that it needs."""


def weight_symbols() -> Iterator[sympy.Symbol]:
    """Yield the symbols ``w_0``, ``w_1``, ... without end."""
    return (sympy.Symbol(f"w_{i}") for i in itertools.count())
