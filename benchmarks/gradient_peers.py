"""The gradient benchmark's task, its oracle, and one adapter per library.

The task is one training step without the optimiser: the loss and its gradient for all weights.
Rows are encoded by RY rotations; strongly entangling layers (Schuld et al. 2020) follow: on every
qubit RZ, RY, RZ by three weights, then a ring of CNOTs whose range grows from layer to layer. With
`reupload` the rows are encoded before every layer. The loss is the mean over rows and qubits of
``(<Z> - target)^2``.

An adapter is a function ``(case, threads) -> step`` where ``step(X, targets, weights)`` takes
float64 NumPy arrays, ``weights`` of shape (n_layers, n_qubits, 3), and gives the loss and its
gradient. What can be prepared without seeing them (circuits, devices, jitted functions) is prepared
in the outer function and is not timed. Only NumPy is imported at the top, because each adapter runs
in the environment of its own library.

Rules that hold for every peer: single precision where the library has it, one general rotation
where the library has one and runs it faster than three, all Z from one state rather than one
simulation for each, and no derivatives for the rows.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from peers import Peer

@dataclass(frozen=True)
class Case:
    """Sizes of the task."""

    n_qubits: int
    n_layers: int
    reupload: bool = False
    n_rows: int = 100

    @property
    def title(self):
        data = ", data before each" if self.reupload else ""
        return f"{self.n_qubits} qubits, {self.n_layers} layers{data}"


CASES = {"a": Case(4, 3), "b": Case(8, 4), "c": Case(12, 4), "d": Case(8, 4, reupload=True)}
