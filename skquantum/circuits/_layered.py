"""Ansätze that repeat a layer of rotations and entangling gates."""

import itertools
from collections.abc import Iterator, Sequence
from typing import Any, ClassVar

import cirq
import sympy
from sklearn.utils._param_validation import StrOptions

from skquantum.circuits._angle import controlled_phases, rotations
from skquantum.circuits._ansatz import RepeatedAnsatz
from skquantum.circuits._folding import ENTANGLEMENTS


class StronglyEntangling(RepeatedAnsatz):
    """Strongly entangling layers of Schuld et al.

    A layer has a general rotation of each qubit, by three weights about Z, Y and Z, and a
    ring of CX gates: each qubit controls the one that is ``r`` places further, with
    ``r = layer % (n_qubits - 1) + 1``, so that the range grows from layer to layer. A single
    qubit has rotations only. There are ``3 * n_layers * n_qubits`` weights, in the order of a
    flattened array of shape (n_layers, n_qubits, 3).

    Parameters
    ----------
    n_layers : int, default=3
        Number of layers.

    References
    ----------
    .. [1] M. Schuld, A. Bocharov, K. Svore and N. Wiebe (2020). Circuit-centric quantum
       classifiers. Physical Review A 101, 032308. :arxiv:`1804.00633`

    Examples
    --------
    >>> from skquantum.circuits import StronglyEntangling
    >>> print(StronglyEntangling(n_layers=1).build(2))
    0: ───Z^(w_0/pi)───Y^(w_1/pi)───Z^(w_2/pi)───@───X───
                                                 │   │
    1: ───Z^(w_3/pi)───Y^(w_4/pi)───Z^(w_5/pi)───X───@───
    """

    def __init__(self, n_layers: int = 3) -> None:
        self.n_layers = n_layers

    def _layer(
        self, layer: int, qubits: list[cirq.LineQubit], weights: Iterator[sympy.Symbol]
    ) -> Iterator[cirq.OP_TREE]:
        for qubit in qubits:
            for axis in "ZYZ":
                yield rotations(axis, [qubit], weights)
        n = len(qubits)
        if n > 1:
            distance = layer % (n - 1) + 1
            yield (cirq.CX(qubits[i], qubits[(i + distance) % n]) for i in range(n))


class HardwareEfficient(RepeatedAnsatz):
    """Hardware-efficient layers: rotations of each qubit, then entangling gates.

    As with Kandala et al., the last layer ends with rotations once more: gates that are
    diagonal, at the end, would change nothing in a measurement of Z. There are
    ``(n_layers + 1) * len(rotations) * n_qubits`` weights, in the order of a flattened array
    of shape (n_layers + 1, len(rotations), n_qubits).

    Parameters
    ----------
    rotations : sequence of {"X", "Y", "Z"}, default=("Y", "Z")
        Axes about which each qubit is rotated, in this order, by a weight each.
    entangler : {"cz", "cx"}, default="cz"
        The entangling gate. CX gates act one after another along the register, the first
        qubit of a pair being the control.
    entanglement : {"linear", "circular", "full", "none"}, default="linear"
        Which pairs of qubits get an entangling gate: neighbours, neighbours and the last
        with the first, all, or none.
    n_layers : int, default=3
        Number of layers.

    References
    ----------
    .. [1] A. Kandala et al. (2017). Hardware-efficient variational quantum eigensolver for
       small molecules and quantum magnets. Nature 549, 242-246. :arxiv:`1704.05018`

    Examples
    --------
    >>> from skquantum.circuits import HardwareEfficient
    >>> print(HardwareEfficient(rotations=["Y"], n_layers=1).build(2))
    0: ───Y^(w_0/pi)───@───Y^(w_2/pi)───
                       │
    1: ───Y^(w_1/pi)───@───Y^(w_3/pi)───
    """

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        **RepeatedAnsatz._parameter_constraints,
        "rotations": ["array-like"],
        "entangler": [StrOptions({"cz", "cx"})],
        "entanglement": [ENTANGLEMENTS],
    }

    def __init__(
        self,
        rotations: Sequence[str] = ("Y", "Z"),
        entangler: str = "cz",
        entanglement: str = "linear",
        n_layers: int = 3,
    ) -> None:
        self.rotations = rotations
        self.entangler = entangler
        self.entanglement = entanglement
        self.n_layers = n_layers

    def _check_size(self, size: int, name: str) -> int:
        size = super()._check_size(size, name)
        axes = list(self.rotations)
        if not axes or any(axis not in ("X", "Y", "Z") for axis in axes):
            raise ValueError(
                f"The 'rotations' parameter of {type(self).__name__} must be one or more of "
                f"'X', 'Y', 'Z', for instance ('Y', 'Z'). Got {self.rotations!r} instead."
            )
        return size

    def _layer(
        self, layer: int, qubits: list[cirq.LineQubit], weights: Iterator[sympy.Symbol]
    ) -> Iterator[cirq.OP_TREE]:
        entangle = controlled_phases if self.entangler == "cz" else controlled_flips
        yield (rotations(axis, qubits, weights) for axis in self.rotations)
        yield entangle(qubits, self.entanglement)
        if layer == self.n_layers - 1:
            yield (rotations(axis, qubits, weights) for axis in self.rotations)


class RealAmplitudes(RepeatedAnsatz):
    """Layers of rotations about Y and CX gates: the amplitudes stay real.

    The last layer ends with rotations once more. There are ``(n_layers + 1) * n_qubits``
    weights, in the order of a flattened array of shape (n_layers + 1, n_qubits). It is the
    circuit of the same name in Qiskit, where `n_layers` is `reps`, given the same entanglement.

    Parameters
    ----------
    n_layers : int, default=3
        Number of layers.
    entanglement : {"linear", "circular", "full", "none"}, default="linear"
        Which pairs of qubits get a CX gate, one after another along the register:
        neighbours, neighbours and the last with the first, all, or none.

    Examples
    --------
    >>> from skquantum.circuits import RealAmplitudes
    >>> print(RealAmplitudes(n_layers=1).build(2))
    0: ───Y^(w_0/pi)───@───Y^(w_2/pi)───
                       │
    1: ───Y^(w_1/pi)───X───Y^(w_3/pi)───
    """

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        **RepeatedAnsatz._parameter_constraints,
        "entanglement": [ENTANGLEMENTS],
    }

    def __init__(self, n_layers: int = 3, entanglement: str = "linear") -> None:
        self.n_layers = n_layers
        self.entanglement = entanglement

    def _layer(
        self, layer: int, qubits: list[cirq.LineQubit], weights: Iterator[sympy.Symbol]
    ) -> Iterator[cirq.OP_TREE]:
        yield rotations("Y", qubits, weights)
        yield controlled_flips(qubits, self.entanglement)
        if layer == self.n_layers - 1:
            yield rotations("Y", qubits, weights)


class SimplifiedTwoDesign(RepeatedAnsatz):
    """The simplified two-design: rotations about Y and CZ gates on neighbours.

    The first layer begins with a rotation of each qubit. A layer has blocks on the pairs
    (0, 1), (2, 3), ..., then on the pairs (1, 2), (3, 4), ...: a CZ gate, and a rotation of both
    qubits. There are ``n_qubits + 2 * n_layers * (n_qubits - 1)`` weights. A single qubit, which
    has no neighbour, has one rotation a layer.

    With random weights it shows how the variance of gradients depends on the observable and
    on the depth, as circuits that are random in every respect do [1]_.

    Parameters
    ----------
    n_layers : int, default=3
        Number of layers.

    References
    ----------
    .. [1] M. Cerezo, A. Sone, T. Volkoff, L. Cincio and P. J. Coles (2021). Cost function
       dependent barren plateaus in shallow parametrized quantum circuits. Nature
       Communications 12, 1791. :arxiv:`2001.00550`

    Examples
    --------
    >>> from skquantum.circuits import SimplifiedTwoDesign
    >>> print(SimplifiedTwoDesign(n_layers=1).build(3))
    0: ───Y^(w_0/pi)───@───Y^(w_3/pi)────────────────────
                       │
    1: ───Y^(w_1/pi)───@───Y^(w_4/pi)───@───Y^(w_5/pi)───
                                        │
    2: ───Y^(w_2/pi)────────────────────@───Y^(w_6/pi)───
    """

    def __init__(self, n_layers: int = 3) -> None:
        self.n_layers = n_layers

    def _layer(
        self, layer: int, qubits: list[cirq.LineQubit], weights: Iterator[sympy.Symbol]
    ) -> Iterator[cirq.OP_TREE]:
        if layer == 0 or len(qubits) == 1:
            yield rotations("Y", qubits, weights)
        pairs = list(itertools.pairwise(qubits))
        for pair in pairs[0::2] + pairs[1::2]:
            yield cirq.CZ(*pair)
            yield rotations("Y", pair, weights)


def controlled_flips(qubits: list[cirq.LineQubit], entanglement: str) -> Iterator[cirq.OP_TREE]:
    """Yield a CX gate for each pair of qubits that meet, in Qiskit's order.

    CX gates do not commute, so the order of `entangling_pairs` would be another circuit: one
    by one along the chain, the first qubit reaches the last within a layer.
    """
    if entanglement == "none":
        return
    if entanglement == "full":
        pairs = list(itertools.combinations(qubits, 2))
    else:
        pairs = list(itertools.pairwise(qubits))
        # On two qubits the way round would be a second gate on the same pair.
        if entanglement == "circular" and len(qubits) > 2:
            pairs.insert(0, (qubits[-1], qubits[0]))
    yield (cirq.CX(control, target) for control, target in pairs)
