"""The circuits of quantum LSTM cells: the arctangent encoding and rings of entangling gates."""

from collections.abc import Iterator
from typing import Any, ClassVar

import cirq
import numpy as np
import sympy
from sklearn.utils._param_validation import StrOptions

from skquantum.circuits._angle import controlled_phases, rotations
from skquantum.circuits._ansatz import RepeatedAnsatz
from skquantum.circuits._bandwidth import Bandwidth, factors_of
from skquantum.circuits._bloch import BlochVectors
from skquantum.circuits._folding import FoldedEncoding


class ArctanEncoding(FoldedEncoding):
    r"""Rotations by arctangents, which take any real number, after Chen et al.

    Each qubit gets a Hadamard gate, a rotation about Y by :math:`\arctan x` and one about Z by
    :math:`\arctan x^2`. The state is a product state, and no two numbers give the same one: it
    needs no scaling, although it tells numbers of about unit size apart best. Features beyond
    the register come in further sub-layers of the same kind, after CZ gates on neighbours.

    Parameters
    ----------
    n_qubits : int or None, default=None
        Size of the register. Feature ``i`` goes to qubit ``i % n_qubits``; features beyond the
        register get sub-layers of their own. None means ``min(n_features, 8)``. With more
        qubits than features the features repeat along the register.
    reps : int, default=1
        How often the data is loaded.
    entanglement : {"linear", "circular", "full", "none"}, default="linear"
        Which pairs of qubits get a CZ gate between sub-layers: neighbours, neighbours and the
        last with the first, all, or none.
    bandwidth : "scale", float or array-like of shape (n_features,), default=1.0
        Positive factor on the data, or one for each feature; "scale" as in `AngleEncoding`.

    References
    ----------
    .. [1] S. Y.-C. Chen, S. Yoo and Y.-L. L. Fang (2022). Quantum long short-term memory.
       ICASSP 2022. :arxiv:`2009.01783`

    Examples
    --------
    >>> from skquantum.circuits import ArctanEncoding
    >>> print(ArctanEncoding().build(1))
    0: ───H───Y^(atan(x_0)/pi)───Z^(atan(x_0**2)/pi)───
    """

    _slope: ClassVar = None  # an arctangent makes no turns

    def __init__(
        self,
        n_qubits: int | None = None,
        reps: int = 1,
        entanglement: str = "linear",
        bandwidth: Bandwidth = 1.0,
    ) -> None:
        self.n_qubits = n_qubits
        self.reps = reps
        self.entanglement = entanglement
        self.bandwidth = bandwidth

    def _layers(
        self, qubits: list[cirq.LineQubit], blocks: list[list[sympy.Expr]]
    ) -> Iterator[cirq.OP_TREE]:
        for layer, block in enumerate(blocks * self.reps):
            if layer > 0:
                yield controlled_phases(qubits, self.entanglement)
            yield cirq.H.on_each(qubits[: len(block)])
            yield rotations("Y", qubits, [sympy.atan(x) for x in block])
            yield rotations("Z", qubits, [sympy.atan(x**2) for x in block])

    def bloch_vectors(self, n_features: int) -> BlochVectors | None:
        """Return the Bloch vectors, for one sub-layer; see :meth:`Encoding.bloch_vectors`."""
        n_qubits = self.width(n_features)
        # A subclass may build another circuit.
        if type(self) is not ArctanEncoding or self.reps > 1 or n_features > n_qubits:
            return None
        # More qubits than features: these repeat along the register.
        source = np.arange(n_qubits) % n_features
        return _ArctanVectors(source, np.array(factors_of(self.bandwidth, n_features))[source])


class _ArctanVectors(BlochVectors):
    """With the angles arctan v and arctan v^2 no trigonometric function is left."""

    def __init__(self, source: np.ndarray, factors: np.ndarray) -> None:
        super().__init__(source)
        self.factors = factors[:, None]
        self.is_scaled = bool((factors != 1).any())

    def write(self, values: np.ndarray, out: np.ndarray) -> None:
        if self.is_scaled:
            values = self.factors * values
        squares = np.empty((2, *values.shape))
        np.multiply(values, values, out=squares[0])
        np.multiply(squares[0], squares[0], out=squares[1])
        roots = squares + 1
        np.sqrt(roots, out=roots)
        np.reciprocal(roots, out=roots)  # cosines of both angles
        np.multiply(roots[0], roots[1], out=out[:, 0])
        np.multiply(out[:, 0], squares[0], out=out[:, 1])
        np.negative(roots[0], out=roots[0])
        np.multiply(values, roots[0], out=out[:, 2])

    def slopes(self, values: np.ndarray, vectors: np.ndarray) -> np.ndarray:
        if self.is_scaled:
            values = self.factors * values
        out = np.empty_like(vectors)
        square = values * values
        first, second = 1 / (1 + square), 1 / (1 + square * square)  # squared cosines
        x = vectors[..., 0, :]
        np.multiply(x, -values * (first + 2 * square * second), out=out[..., 0, :])
        np.add(out[..., 0, :] * square, 2 * values * x, out=out[..., 1, :])
        np.multiply(-first, np.sqrt(first), out=out[..., 2, :])
        if self.is_scaled:
            out *= self.factors[:, None]
        return out


class EntanglingRings(RepeatedAnsatz):
    """Rings of entangling gates, and a general rotation of each qubit, after Chen et al.

    In a ring of stride ``s`` each qubit acts on the one ``s`` places further, around the register.
    A layer is a ring, or two, and then a general rotation of each qubit, by three weights about
    Z, Y and Z, which is one gate (:class:`cirq.PhasedXZGate`). There are
    ``3 * n_layers * n_qubits`` weights, in the order of a flattened array of shape
    (n_layers, n_qubits, 3).

    Parameters
    ----------
    n_layers : int, default=2
        Number of layers.
    entangler : {"alternate", "both"}, default="alternate"
        Whether rings of stride 2 and of stride 1 take turns from layer to layer, the last one
        being of stride 1, or each layer has both, as in the paper. Registers of less than three
        qubits have stride 1 only.
    gate : {"cx", "cz"}, default="cx"
        The entangling gate.

    References
    ----------
    .. [1] S. Y.-C. Chen, S. Yoo and Y.-L. L. Fang (2022). Quantum long short-term memory.
       ICASSP 2022. :arxiv:`2009.01783`

    Examples
    --------
    >>> from skquantum.circuits import EntanglingRings
    >>> circuit = EntanglingRings(n_layers=2).build(4)
    >>> len(list(circuit.all_operations()))
    16
    """

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        **RepeatedAnsatz._parameter_constraints,
        "entangler": [StrOptions({"alternate", "both"})],
        "gate": [StrOptions({"cx", "cz"})],
    }

    def __init__(self, n_layers: int = 2, entangler: str = "alternate", gate: str = "cx") -> None:
        self.n_layers = n_layers
        self.entangler = entangler
        self.gate = gate

    def _layer(
        self, layer: int, qubits: list[cirq.LineQubit], weights: Iterator[sympy.Symbol]
    ) -> Iterator[cirq.OP_TREE]:
        # The last ring is of stride 1: on four qubits, one of stride 2 leaves two halves apart.
        strides = (1, 2) if self.entangler == "both" else ((self.n_layers - 1 - layer) % 2 + 1,)
        largest = 2 if len(qubits) > 2 else 1
        pairs = [
            pair
            for stride in sorted({min(stride, largest) for stride in strides})
            for pair in _ring(len(qubits), stride)
        ]
        if self.gate == "cz":
            # It does not tell control from target, and a second one on a pair undoes the first.
            pairs = sorted({(min(pair), max(pair)) for pair in pairs})
        gate = cirq.CX if self.gate == "cx" else cirq.CZ
        yield (gate(qubits[i], qubits[j]) for i, j in pairs)
        for qubit in qubits:
            yield _general_rotation(next(weights), next(weights), next(weights))(qubit)


def _ring(n: int, stride: int) -> list[tuple[int, int]]:
    return [(i, (i + stride) % n) for i in range(n)] if n > 1 else []


def _general_rotation(
    first: sympy.Symbol, second: sympy.Symbol, third: sympy.Symbol
) -> cirq.PhasedXZGate:
    """Return rz(third) ry(second) rz(first), up to a phase, as one gate."""
    half = sympy.Rational(1, 2)
    return cirq.PhasedXZGate(
        x_exponent=second / sympy.pi,
        z_exponent=first / sympy.pi + third / sympy.pi,
        axis_phase_exponent=half - first / sympy.pi,
    )
