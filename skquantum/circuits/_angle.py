"""Encodings into rotation angles."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, ClassVar

import cirq
import numpy as np
import sympy
from sklearn.utils._param_validation import StrOptions

from skquantum.circuits._bandwidth import Bandwidth, factors_of
from skquantum.circuits._folding import (
    DEFAULT_REGISTER,
    ENTANGLEMENTS,
    FoldedEncoding,
    entangling_pairs,
)

_POWER_GATES = {"X": cirq.XPowGate, "Y": cirq.YPowGate, "Z": cirq.ZPowGate}


class AngleEncoding(FoldedEncoding):
    """Rotation of each qubit by its feature, in radians.

    With one repetition, features that fit the register and no entanglement, the state is a
    product state. Every further layer (a repetition, or the sub-layer of features beyond the
    register) turns the axis of rotation first, with an S gate (a Hadamard for rotations about
    Z) on each qubit, and comes after a layer of CZ gates: rotations that follow one another
    on a qubit never just add up their angles.

    The encoding expects features in about ``[-pi, pi]``, or ``[0, pi]`` if the two ends must
    stay apart; it does not scale them.

    Parameters
    ----------
    rotation : {"X", "Y", "Z"}, default="Y"
        Axis of the rotations. Those about Z get Hadamards first.
    n_qubits : int or None, default=None
        Size of the register. Feature ``i`` goes to qubit ``i % n_qubits``; features beyond the
        register get sub-layers of their own. None means ``min(n_features, 8)``. With more
        qubits than features the features repeat along the register.
    reps : int, default=1
        How often the whole sequence of sub-layers is repeated.
    entanglement : {"linear", "circular", "full", "none"} or None, default=None
        Which pairs of qubits get a CZ gate after each layer, the last one included: neighbours,
        neighbours and the last with the first, all, or none at all. None means no CZ gates after
        the last layer and linear ones between layers.
    bandwidth : "scale", float or array-like of shape (n_features,), default="scale"
        Positive factor on the data, or one for each feature. With "scale" an estimator sets it
        in `fit` to ``1 / sqrt(n_features * X.var())``, the root of
        scikit-learn's ``gamma="scale"``; a circuit that is built without training rows has 1.

    References
    ----------
    .. [1] E. Stoudenmire and D. J. Schwab (2016). Supervised learning with tensor networks.
       NeurIPS 29. :arxiv:`1605.05775`
    .. [2] M. Schuld, R. Sweke and J. J. Meyer (2021). Effect of data encoding on the expressive
       power of variational quantum machine learning models. Physical Review A 103, 032430.
       :arxiv:`2008.08605`

    Examples
    --------
    >>> from skquantum.circuits import AngleEncoding
    >>> print(AngleEncoding(n_qubits=2).build(3))
    0: ───Y^(x_0/pi)───@───S───Y^(x_2/pi)───
                       │
    1: ───Y^(x_1/pi)───@────────────────────
    """

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        **FoldedEncoding._parameter_constraints,
        "rotation": [StrOptions({"X", "Y", "Z"})],
        "entanglement": [ENTANGLEMENTS, None],
    }

    def __init__(
        self,
        rotation: str = "Y",
        n_qubits: int | None = None,
        reps: int = 1,
        entanglement: str | None = None,
        bandwidth: Bandwidth = "scale",
    ) -> None:
        self.rotation = rotation
        self.n_qubits = n_qubits
        self.reps = reps
        self.entanglement = entanglement
        self.bandwidth = bandwidth

    def _layers(
        self, qubits: list[cirq.LineQubit], blocks: list[list[sympy.Expr]]
    ) -> Iterator[cirq.OP_TREE]:
        turn = cirq.H if self.rotation == "Z" else cirq.S
        sublayers = blocks * self.reps
        for layer, block in enumerate(sublayers):
            if layer > 0 or self.rotation == "Z":
                yield turn.on_each(qubits[: len(block)])
            yield rotations(self.rotation, qubits, block)
            if self.entanglement is not None or layer < len(sublayers) - 1:
                yield controlled_phases(qubits, self.entanglement or "linear")

    def states(self, X: Any) -> np.ndarray | None:
        """Return the products of the qubits' states, for one layer of rotations about Y or X.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            The data.

        Returns
        -------
        ndarray of shape (n_samples, 2**n_qubits), or None
            One state for each row. None with rotations about Z, more than one layer, or
            entanglement.

        Raises
        ------
        ValueError
            As :meth:`encode`.
        """
        X = self.encode(X)
        n_features = X.shape[1]
        n_qubits = self.n_qubits or min(n_features, DEFAULT_REGISTER)
        one_layer = n_features == n_qubits and self.reps == 1 and self.entanglement is None
        if not one_layer or self.rotation not in ("X", "Y"):
            return None
        # Columns are states for the simulator, in its precision: single, once the angles are
        # reduced to a turn.
        half = X.T * (np.array(factors_of(self.bandwidth, n_features))[:, None] / 2)
        half -= 2 * np.pi * np.rint(half * (0.5 / np.pi))
        single = half.astype(np.float32, order="C")
        qubits = np.empty((n_qubits, 2, len(X)), np.float32 if self.rotation == "Y" else complex)
        qubits[:, 0], qubits[:, 1] = np.cos(single), np.sin(single)
        if self.rotation == "X":
            qubits[:, 1] *= -1j
        states = qubits[0]
        for qubit in qubits[1:]:
            states = (states[:, None] * qubit).reshape(-1, len(X))
        return states.T


class ReuploadingEncoding(FoldedEncoding):
    """Data again in each layer, about alternating axes.

    `reps` times the features are rotation angles, in radians. The axes alternate from one
    sub-layer to the next, Y, X, Y, ..., with CZ gates between sub-layers. The more
    repetitions, the higher are the frequencies that an expectation value has in each feature:
    up to the number of times that the feature is loaded, in steps of `bandwidth`. That is
    `reps`, or several times as often with more qubits than features.

    The encoding expects features in about ``[-pi, pi]``; it does not scale them.

    Parameters
    ----------
    n_qubits : int or None, default=None
        Size of the register. Feature ``i`` goes to qubit ``i % n_qubits``; features beyond the
        register get sub-layers of their own. None means ``min(n_features, 8)``. With more
        qubits than features the features repeat along the register.
    reps : int, default=2
        How often the data is loaded.
    entanglement : {"linear", "circular", "full", "none"}, default="linear"
        Which pairs of qubits get a CZ gate between sub-layers: neighbours, neighbours and the
        last with the first, all, or none.
    bandwidth : "scale", float or array-like of shape (n_features,), default="scale"
        Positive factor on the data, or one for each feature. With "scale" an estimator sets it
        in `fit` to ``1 / sqrt(n_features * X.var())``, the root of
        scikit-learn's ``gamma="scale"``; a circuit that is built without training rows has 1.

    References
    ----------
    .. [1] A. Pérez-Salinas et al. (2020). Data re-uploading for a universal quantum classifier.
       Quantum 4, 226. :arxiv:`1907.02085`

    Examples
    --------
    >>> from skquantum.circuits import ReuploadingEncoding
    >>> print(ReuploadingEncoding(reps=2).build(2))
    0: ───Y^(x_0/pi)───@───X^(x_0/pi)───
                       │
    1: ───Y^(x_1/pi)───@───X^(x_1/pi)───
    """

    def __init__(
        self,
        n_qubits: int | None = None,
        reps: int = 2,
        entanglement: str = "linear",
        bandwidth: Bandwidth = "scale",
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
            # X, not Z: a rotation about Z commutes with the CZ gates on either side of it,
            # and these would cancel.
            yield rotations("YX"[layer % 2], qubits, block)


def rotations(
    axis: str, qubits: Sequence[cirq.LineQubit], angles: Iterable[sympy.Expr]
) -> Iterator[cirq.Operation]:
    """Yield one rotation for each angle, exactly ``cirq.rx``, ``ry`` or ``rz``.

    From angles without end it takes as many as there are qubits.
    """
    # Qubits first: the end of the first ends `zip` before it takes an angle too many.
    # As power gates because these draw the angle readably: Y^(x_0/pi), not Ry(x_0/piπ).
    gate = _POWER_GATES[axis]
    for qubit, angle in zip(qubits, angles, strict=False):
        yield gate(exponent=angle / sympy.pi, global_shift=-0.5)(qubit)


def controlled_phases(qubits: list[cirq.LineQubit], entanglement: str) -> Iterator[cirq.Operation]:
    """Yield a CZ gate for each pair of qubits that meet."""
    for i, j in entangling_pairs(len(qubits), entanglement):
        yield cirq.CZ(qubits[i], qubits[j])
