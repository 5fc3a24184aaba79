"""How features share a register: folding, and which qubits meet."""

from abc import abstractmethod
from collections.abc import Iterator
from copy import copy
from numbers import Integral, Real
from typing import Any, ClassVar

import cirq
import numpy as np
import sympy
from sklearn.utils._param_validation import Interval, StrOptions

from skquantum.circuits._bandwidth import Bandwidth, factors_of, learned_bandwidth, warn_of_turns
from skquantum.circuits._base import Encoding, data_symbols

# With n_qubits=None wide data folds onto this many qubits: enough for a rich state space, few
# enough that a batch of states stays in a processor's cache.
DEFAULT_REGISTER = 8

POSITIVE_INTEGER = Interval(Integral, 1, None, closed="left")
ENTANGLEMENTS = StrOptions({"linear", "circular", "full", "none"})


class FoldedEncoding(Encoding):
    """Encoding whose features fold onto a register of fixed size.

    Feature ``i`` goes to qubit ``i % n_qubits``, in sub-layer ``i // n_qubits``; the last
    sub-layer may be shorter than the register. With more qubits than features the features
    repeat cyclically along the register. A subclass writes ``_layers``.
    """

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        "n_qubits": [POSITIVE_INTEGER, None],
        "reps": [POSITIVE_INTEGER],
        "entanglement": [ENTANGLEMENTS],
        "bandwidth": [
            Interval(Real, 0, None, closed="neither"),
            StrOptions({"scale"}),
            "array-like",
        ],
    }

    n_qubits: int | None
    reps: int
    bandwidth: Bandwidth
    #: About how many radians of rotation a feature of one makes: None where it makes no turns.
    _slope: ClassVar[float | None] = 1.0

    def build(self, n_features: int) -> cirq.Circuit:
        """Build the circuit that encodes one row.

        Parameters
        ----------
        n_features : int
            Number of features of a row.

        Returns
        -------
        circuit : cirq.Circuit
            Circuit on ``cirq.LineQubit.range(width(n_features))``, with the symbols ``x_0``,
            ``x_1``, ...

        Raises
        ------
        ValueError
            If a parameter is not valid, `n_features` is less than 1, or `bandwidth` is an array of
            another length.
        """
        n_qubits = self.width(n_features)
        factors = factors_of(self.bandwidth, n_features)
        # A factor of one is left out: sympy would keep it as 1.0*x in every expression.
        features = [
            x if factor == 1 else factor * x
            for x, factor in zip(data_symbols(n_features), factors, strict=True)
        ]
        features += [features[q % n_features] for q in range(n_features, n_qubits)]
        blocks = [features[i : i + n_qubits] for i in range(0, len(features), n_qubits)]
        return cirq.Circuit(self._layers(cirq.LineQubit.range(n_qubits), blocks))

    def width(self, n_features: int) -> int:
        """Return the number of qubits of the circuit.

        Parameters
        ----------
        n_features : int
            Number of features of a row.

        Returns
        -------
        n_qubits : int
            `n_qubits`, or ``min(n_features, 8)`` when that is None.
        """
        n_features = self._check_size(n_features, "n_features")
        return min(n_features, DEFAULT_REGISTER) if self.n_qubits is None else self.n_qubits

    @abstractmethod
    def _layers(
        self, qubits: list[cirq.LineQubit], blocks: list[list[sympy.Expr]]
    ) -> Iterator[cirq.OP_TREE]:
        """Yield the operations, given the scaled features of each sub-layer."""

    def fitted(
        self, X: np.ndarray, weight: np.ndarray | None = None, n_together: int | None = None
    ) -> Encoding:
        """Return the encoding with a number for ``bandwidth="scale"``; see `Encoding.fitted`.

        Warns
        -----
        ScaleWarning
            If the angles of some feature go round and round.
        """
        encoding = copy(self)
        if isinstance(self.bandwidth, str):
            scale = learned_bandwidth(X, weight, n_together or X.shape[1])
            encoding.bandwidth = scale / (self._slope or 1.0)
        if self._slope is not None:
            warn_of_turns(X, factors_of(encoding.bandwidth, X.shape[1]))
        return encoding


def entangling_pairs(n: int, entanglement: str) -> list[tuple[int, int]]:
    """Return the pairs of a register's positions that meet in an entangling layer.

    The pairs are meant for gates that commute, and are ordered so that many of them fit into
    one moment (a chain takes two moments instead of ``n - 1``).

    Parameters
    ----------
    n : int
        Number of positions.
    entanglement : {"linear", "circular", "full", "none"}
        Neighbours; neighbours and the last with the first; every pair; or none.

    Returns
    -------
    pairs : list of (int, int)
        Each pair once, the smaller position first.

    Examples
    --------
    >>> from skquantum.circuits._folding import entangling_pairs
    >>> entangling_pairs(4, "linear")
    [(0, 1), (2, 3), (1, 2)]
    """
    if entanglement == "none":
        return []
    if entanglement == "full":
        pairs = [(i, j) for i in range(n) for j in range(i + 1, n)]
        return sorted(pairs, key=lambda pair: sum(pair) % n)
    chain = [(i, i + 1) for i in range(n - 1)]
    pairs = chain[0::2] + chain[1::2]
    # Two positions already meet once; a second gate on the same pair would count it twice.
    return [*pairs, (0, n - 1)] if entanglement == "circular" and n > 2 else pairs
