"""Circuits without their entangling gates, to see what these are for."""

from __future__ import annotations

from typing import Any, ClassVar

import cirq
from sklearn.base import clone

from skquantum.circuits._ansatz import Ansatz
from skquantum.circuits._base import Template
from skquantum.circuits._resolve import resolve_ansatz


class UnentangledAnsatz(Ansatz):
    """An ansatz without the gates on two qubits and more, and their weights.

    What is left of the circuit is a product of one-qubit circuits, which a classical computer
    simulates at once. If a model does as well with it, entanglement is not why it works [1]_.

    Parameters
    ----------
    ansatz : str or Ansatz, default="strongly_entangling"
        The ansatz to take them from.

    References
    ----------
    .. [1] J. Bowles, S. Ahmed and M. Schuld, "Better than classical? The subtle art of
       benchmarking quantum machine learning models" (2024), https://arxiv.org/abs/2403.07059

    Examples
    --------
    >>> from skquantum.circuits import RealAmplitudes, UnentangledAnsatz
    >>> print(UnentangledAnsatz(RealAmplitudes(n_layers=1)).build(2))
    0: ───Y^(w_0/pi)───Y^(w_2/pi)───
    <BLANKLINE>
    1: ───Y^(w_1/pi)───Y^(w_3/pi)───
    """

    _named_parts: ClassVar = {"ansatz": resolve_ansatz}
    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {"ansatz": [str, Ansatz]}

    def __init__(self, ansatz: str | Ansatz = "strongly_entangling") -> None:
        self.ansatz = ansatz

    def layers(self, n_qubits: int) -> list[cirq.Circuit]:
        self._check_size(n_qubits, "n_qubits")
        return [_without(layer) for layer in resolve_ansatz(self.ansatz).layers(n_qubits)]


def _without(layer: cirq.AbstractCircuit) -> cirq.Circuit:
    """Return a circuit on the same qubits, without gates on several."""
    kept = [op for op in layer.all_operations() if len(op.qubits) < 2]
    bare = layer.all_qubits() - {q for op in kept for q in op.qubits}
    return cirq.Circuit(kept, cirq.I.on_each(*sorted(bare)))


def unentangled(template: Template) -> Template | None:
    """Return a template without entangling gates, or None if it is not known how.

    Parameters
    ----------
    template : Template
        An encoding with the parameter `entanglement`, alone or in blocks, or any ansatz.
    """
    params = template.get_params(deep=False)
    if "entanglement" in params:
        return clone(template).set_params(entanglement="none")
    if isinstance(template, Ansatz):
        return UnentangledAnsatz(clone(template))
    inner = template.get_params().get("encoding__entanglement")
    return None if inner is None else clone(template).set_params(encoding__entanglement="none")
