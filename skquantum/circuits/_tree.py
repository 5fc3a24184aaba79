"""The tree tensor network."""

from collections.abc import Iterator

import cirq
import sympy

from skquantum.circuits._angle import rotations
from skquantum.circuits._ansatz import Ansatz, weight_symbols


class TreeTensor(Ansatz):
    """Tree tensor network: pairs of qubits merge until one is left.

    On each level the active qubits, taken in pairs, are rotated about Y and joined by a CX
    gate, whose target stays active; an odd one out waits for the next level. At the end the
    qubit that remains is rotated once more. That is always the **last qubit**,
    ``cirq.LineQubit(n_qubits - 1)``: it is the one to read out. The levels are the layers,
    and except for the first they act on the active qubits only. There are
    ``2 * n_qubits - 1`` weights and, for more than one qubit, ``ceil(log2(n_qubits))`` layers.

    As the number of qubits grows, the variance of a tree tensor network's gradients falls
    polynomially, not exponentially [2]_.

    References
    ----------
    .. [1] E. Grant et al. (2018). Hierarchical quantum classifiers. npj Quantum Information 4,
       65. :arxiv:`1804.03680`
    .. [2] E. Cervero Martín, K. Plekhanov and M. Lubasch (2023). Barren plateaus in quantum
       tensor network optimization. Quantum 7, 974. :arxiv:`2209.00292`

    Examples
    --------
    >>> from skquantum.circuits import TreeTensor
    >>> print(TreeTensor().build(3))
    0: ───Y^(w_0/pi)───@─────────────────────────────────
                       │
    1: ───Y^(w_1/pi)───X───Y^(w_2/pi)───@────────────────
                                        │
    2: ────────────────────Y^(w_3/pi)───X───Y^(w_4/pi)───
    """

    def layers(self, n_qubits: int) -> list[cirq.Circuit]:
        active = cirq.LineQubit.range(self._check_size(n_qubits, "n_qubits"))
        weights = weight_symbols()
        levels = []
        while len(active) > 1:
            levels.append(cirq.Circuit(_merge(active, weights)))
            waiting = active[-1:] if len(active) % 2 else []
            active = active[1::2] + waiting
        last = cirq.Circuit(rotations("Y", active, weights))
        return [*levels[:-1], levels[-1] + last] if levels else [last]


def _merge(
    active: list[cirq.LineQubit], weights: Iterator[sympy.Symbol]
) -> Iterator[cirq.OP_TREE]:
    for pair in zip(active[0::2], active[1::2], strict=False):
        yield rotations("Y", pair, weights)
        yield cirq.CX(*pair)
