"""Encodings into phases: Hadamards, then gates that are diagonal in the data."""

import math
from abc import abstractmethod
from collections.abc import Iterator
from typing import ClassVar

import cirq
import sympy

from skquantum.circuits._bandwidth import Bandwidth
from skquantum.circuits._folding import FoldedEncoding, entangling_pairs


class _PhaseEncoding(FoldedEncoding):
    """Hadamards and diagonal phases, repeated; a subclass says which phases."""

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
        phases = [list(self._phases(qubits, block)) for block in blocks]
        for _ in range(self.reps):
            for block, operations in zip(blocks, phases, strict=True):
                # Only where phases follow: on the other qubits these Hadamards would cancel
                # with those of the next layer, and the phases around them would add up.
                yield cirq.H.on_each(qubits[: len(block)])
                yield operations

    def _phases(
        self, qubits: list[cirq.LineQubit], block: list[sympy.Expr]
    ) -> Iterator[cirq.Operation]:
        for qubit, x in zip(qubits, block, strict=False):
            yield cirq.ZPowGate(exponent=self._single(x) / sympy.pi)(qubit)
        for i, j in entangling_pairs(len(block), self.entanglement):
            # ZZ**t = diag(1, e^(i pi t), e^(i pi t), 1), which is CX, P(pi t) on the target, CX.
            phase = self._pair(block[i], block[j])
            yield cirq.ZZPowGate(exponent=phase / sympy.pi)(qubits[i], qubits[j])

    @staticmethod
    @abstractmethod
    def _single(x: sympy.Expr) -> sympy.Expr:
        """Return the phase, in radians, of a qubit in state 1."""

    @staticmethod
    @abstractmethod
    def _pair(x: sympy.Expr, y: sympy.Expr) -> sympy.Expr:
        """Return the phase, in radians, of a pair of qubits in different states."""


class ZZEncoding(_PhaseEncoding):
    r"""The ZZ feature map of Havlíček et al.

    `reps` times: a Hadamard on each qubit, a phase :math:`2 x_i` on state 1 of qubit `i`, and a
    phase :math:`2 (\pi - x_i) (\pi - x_j)` where the qubits of an entangled pair differ. Pairs
    meet within a sub-layer only.

    The phases are periodic, so the encoding expects features in about :math:`[0, 2\pi)` or
    less; it does not scale them. The smaller `bandwidth` is, the smoother is the kernel: with
    1.0 and more than a few qubits nearly every pair of rows is nearly orthogonal [2]_.

    Parameters
    ----------
    n_qubits : int or None, default=None
        Size of the register. Feature ``i`` goes to qubit ``i % n_qubits``; features beyond the
        register get sub-layers of their own. None means ``min(n_features, 8)``. With more
        qubits than features the features repeat along the register.
    reps : int, default=2
        How often the whole sequence of sub-layers is repeated.
    entanglement : {"linear", "circular", "full", "none"}, default="linear"
        Which pairs of qubits share a phase: neighbours, neighbours and the last with the
        first, all, or none.
    bandwidth : "scale", float or array-like of shape (n_features,), default="scale"
        Positive factor on the data [2]_, or one for each feature. 1.0 is the map as published.
        With "scale" an estimator sets it in `fit` to ``1 / (2 pi sqrt(n_features * X.var()))``,
        since the phases of a pair grow by about :math:`2\pi` for each unit of a feature; a
        circuit that is built without training rows has 1, as published.

    References
    ----------
    .. [1] V. Havlíček et al. (2019). Supervised learning with quantum-enhanced feature spaces.
       Nature 567, 209-212. :arxiv:`1804.11326`
    .. [2] R. Shaydulin and S. M. Wild (2022). Importance of kernel bandwidth in quantum machine
       learning. Physical Review A 106, 042407. :arxiv:`2111.05451`

    Examples
    --------
    >>> from skquantum.circuits import ZZEncoding
    >>> print(ZZEncoding(reps=1, bandwidth=1.0).build(2))
    0: ───H───Z^(2*x_0/pi)───ZZ────────────────────────────────
                             │
    1: ───H───Z^(2*x_1/pi)───ZZ^(2*(pi - x_0)*(pi - x_1)/pi)───
    """

    _slope: ClassVar = 2 * math.pi

    @staticmethod
    def _single(x: sympy.Expr) -> sympy.Expr:
        return 2 * x

    @staticmethod
    def _pair(x: sympy.Expr, y: sympy.Expr) -> sympy.Expr:
        # The inner product first: sympy would distribute the 2 over a single bracket.
        return 2 * ((sympy.pi - x) * (sympy.pi - y))


class IQPEncoding(_PhaseEncoding):
    r"""Instantaneous quantum polynomial (IQP) encoding.

    `reps` times: a Hadamard on each qubit, a phase :math:`x_i` on state 1 of qubit `i`, and a
    phase :math:`x_i x_j` where the qubits of an entangled pair differ (which is
    :math:`R_Z(x_i)` and :math:`R_{ZZ}(x_i x_j)` up to a global phase). Pairs meet within a
    sub-layer only.

    It expects features around zero, a few units wide at most; it does not scale them.

    Parameters
    ----------
    n_qubits : int or None, default=None
        Size of the register. Feature ``i`` goes to qubit ``i % n_qubits``; features beyond the
        register get sub-layers of their own. None means ``min(n_features, 8)``. With more
        qubits than features the features repeat along the register.
    reps : int, default=2
        How often the whole sequence of sub-layers is repeated.
    entanglement : {"linear", "circular", "full", "none"}, default="linear"
        Which pairs of qubits share a phase: neighbours, neighbours and the last with the
        first, all, or none.
    bandwidth : "scale", float or array-like of shape (n_features,), default="scale"
        Positive factor on the data, or one for each feature. With "scale" an estimator sets it
        in `fit` to ``1 / sqrt(n_features * X.var())``, the root of
        scikit-learn's ``gamma="scale"``; a circuit that is built without training rows has 1.
        Pair phases get its square.

    References
    ----------
    .. [1] V. Havlíček et al. (2019). Supervised learning with quantum-enhanced feature spaces.
       Nature 567, 209-212. :arxiv:`1804.11326`

    Examples
    --------
    >>> from skquantum.circuits import IQPEncoding
    >>> print(IQPEncoding(reps=1).build(2))
    0: ───H───Z^(x_0/pi)───ZZ────────────────
                           │
    1: ───H───Z^(x_1/pi)───ZZ^(x_0*x_1/pi)───
    """

    @staticmethod
    def _single(x: sympy.Expr) -> sympy.Expr:
        return x

    @staticmethod
    def _pair(x: sympy.Expr, y: sympy.Expr) -> sympy.Expr:
        return x * y
