"""An encoding with weights of its own, which a kernel may learn."""

from collections.abc import Sequence
from copy import copy
from typing import Any, ClassVar

import cirq
import numpy as np
import sympy

from skquantum._validation import shown
from skquantum.circuits._ansatz import Ansatz
from skquantum.circuits._base import Encoding
from skquantum.circuits._qubits import ansatz_qubits, placed, register
from skquantum.circuits._resolve import resolve_ansatz, resolve_encoding


class TrainableEncoding(Encoding):
    """An encoding that is run before each layer of an ansatz, whose weights are numbers.

    The weights belong to the encoding: a kernel of it is a kernel like others. What learns them is
    :class:`skquantum.kernels.AlignedKernel`, by the alignment of kernel and labels [1]_.

    Parameters
    ----------
    encoding : str or Encoding, default="angle"
        Circuit that loads a row, or the name of one with its defaults.
    ansatz : str or Ansatz, default="strongly_entangling"
        Layers, each of which follows the data, or the name of an ansatz with its defaults.
    weights : array-like of shape (n_weights,), default=None
        Weights of the ansatz in radians, in the order of its symbols. None means zeros until they
        are learned.

    References
    ----------
    .. [1] T. Hubregtsen et al., "Training quantum embedding kernels on near-term quantum
       computers", Physical Review A 106, 042431 (2022), https://arxiv.org/abs/2105.02276

    Examples
    --------
    >>> from skquantum.circuits import AngleEncoding, RealAmplitudes, TrainableEncoding
    >>> ansatz = RealAmplitudes(n_layers=1)
    >>> encoding = TrainableEncoding("angle", ansatz, [0.25, 0.5, 0.75, 1.0])
    >>> print(encoding.build(2))
    0: ───Y^(0.318309886183791*x_0)───Y^0.08────@───Y^0.239───
                                                │
    1: ───Y^(0.318309886183791*x_1)───Y^0.159───X───Y^0.318───
    """

    _named_parts: ClassVar = {"encoding": resolve_encoding, "ansatz": resolve_ansatz}
    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        "encoding": [str, Encoding],
        "ansatz": [str, Ansatz],
        "weights": ["array-like", None],
    }

    def __init__(
        self,
        encoding: str | Encoding = "angle",
        ansatz: str | Ansatz = "strongly_entangling",
        weights: Any = None,
    ) -> None:
        self.encoding = encoding
        self.ansatz = ansatz
        self.weights = weights

    @property
    def has_own_qubits(self) -> bool:  # type: ignore[override]
        """Whether its qubits mean something to the user: as the encoding inside says."""
        return resolve_encoding(self.encoding).has_own_qubits

    @property
    def accepts(self) -> str:
        """Which rows the encoding takes: those of the encoding inside."""
        return resolve_encoding(self.encoding).accepts

    def build(self, n_features: int) -> cirq.Circuit:
        """Build the circuit that encodes one row, the weights put in.

        Parameters
        ----------
        n_features : int
            Number of features of a row.

        Returns
        -------
        circuit : cirq.Circuit
            Circuit with the data symbols of the encoding inside.

        Raises
        ------
        ValueError
            If a parameter is not valid, or there are more or fewer weights than the ansatz has.
        """
        circuit, symbols = self.with_symbols(n_features)
        values = dict(zip(symbols, self.start(n_features), strict=True))
        return cirq.resolve_parameters(circuit, values)

    def with_symbols(self, n_features: int) -> tuple[cirq.Circuit, tuple[sympy.Symbol, ...]]:
        """Return the circuit with symbols for the weights, and these in their order.

        Parameters
        ----------
        n_features : int
            Number of features of a row.

        Returns
        -------
        circuit : cirq.Circuit
        symbols : tuple of sympy.Symbol
        """
        self._validate_params()
        encoding, ansatz = resolve_encoding(self.encoding), resolve_ansatz(self.ansatz)
        qubits = register(encoding, ansatz, n_features)
        loaded, data = encoding.compiled(n_features)
        loaded = placed(loaded, sorted(loaded.all_qubits()), qubits).freeze()
        own = ansatz_qubits(ansatz, len(qubits))
        _, symbols = ansatz.compiled(len(qubits))
        if clash := sorted({str(s) for s in symbols} & {str(s) for s in data}):
            raise ValueError(f"Encoding and ansatz both use the symbols {clash}; rename some.")
        pieces = [
            moment
            for layer in ansatz.layers(len(qubits))
            for piece in (loaded, placed(layer, own, qubits))
            for moment in piece
        ]
        return cirq.Circuit(pieces), tuple(symbols)

    def start(self, n_features: int) -> np.ndarray:
        """Return the weights, zeros if none are given.

        Parameters
        ----------
        n_features : int
            Number of features of a row.

        Returns
        -------
        ndarray of shape (n_weights,)

        Raises
        ------
        ValueError
            If there are more or fewer than the ansatz has.
        """
        _, symbols = self.with_symbols(n_features)
        if self.weights is None:
            return np.zeros(len(symbols))
        weights = np.asarray(self.weights, dtype=float)
        if weights.shape != (len(symbols),) or not np.isfinite(weights).all():
            raise ValueError(
                f"weights must be {len(symbols)} finite numbers, one for each weight of the "
                f"ansatz, got {shown(self.weights)}."
            )
        return weights

    def symbols(self, n_features: int) -> tuple[sympy.Symbol, ...]:
        return tuple(resolve_encoding(self.encoding).symbols(n_features))

    def n_inputs(self, n_qubits: int) -> int:
        return resolve_encoding(self.encoding).n_inputs(n_qubits)

    def check(self, X: Any) -> np.ndarray:
        return resolve_encoding(self.encoding).check(X)

    def encode(self, X: Any) -> np.ndarray:
        return resolve_encoding(self.encoding).encode(X)

    def encode_vjp(self, X: np.ndarray, gradient: np.ndarray) -> np.ndarray:
        return resolve_encoding(self.encoding).encode_vjp(X, gradient)

    def fitted(
        self, X: np.ndarray, weight: np.ndarray | None = None, n_together: int | None = None
    ) -> Encoding:
        own = copy(self)
        own.encoding = resolve_encoding(self.encoding).fitted(X, weight, n_together)
        return own

    def opened(self, n_features: int) -> Encoding:
        """Return an encoding of rows that the weights stand behind, as further features.

        Parameters
        ----------
        n_features : int
            Number of features of a row, without the weights.

        Returns
        -------
        Encoding
            Of ``n_features + n_weights`` features.
        """
        return _Opened(self, n_features)


class _Opened(Encoding):
    """A trainable encoding whose weights come with the rows."""

    def __init__(self, encoding: TrainableEncoding, n_data: int) -> None:
        self.encoding = encoding
        self.n_data = n_data

    def build(self, n_features: int) -> cirq.Circuit:
        return self.encoding.with_symbols(self.n_data)[0]

    def symbols(self, n_features: int) -> tuple[sympy.Symbol, ...]:
        weights: Sequence[sympy.Symbol] = self.encoding.with_symbols(self.n_data)[1]
        return (*self.encoding.symbols(self.n_data), *weights)

    def encode(self, X: Any) -> np.ndarray:
        rows = self.check(X)
        return np.hstack([self.encoding.encode(rows[:, : self.n_data]), rows[:, self.n_data :]])

    def encode_vjp(self, X: np.ndarray, gradient: np.ndarray) -> np.ndarray:
        n_symbols = gradient.shape[1] - (X.shape[1] - self.n_data)
        data = self.encoding.encode_vjp(X[:, : self.n_data], gradient[:, :n_symbols])
        return np.hstack([data, gradient[:, n_symbols:]])
