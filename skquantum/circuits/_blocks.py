"""Wide rows in blocks of features, each on a register of its own; what is settled in a fit."""

from __future__ import annotations

from typing import Any, ClassVar

import cirq
import numpy as np
import sympy

from skquantum._symbols import resolve
from skquantum.circuits._bandwidth import FEW
from skquantum.circuits._base import Encoding
from skquantum.circuits._folding import DEFAULT_REGISTER, POSITIVE_INTEGER
from skquantum.circuits._resolve import resolve_encoding

# Features of a block of a wide row.
BLOCK = 2


class BlockEncoding(Encoding):
    """Features in blocks of equal size, each on a register of its own.

    No gate joins two blocks, so the state of a row is the product of its blocks' states, and
    whatever the number of features, only circuits of the size of a block are simulated: a
    fidelity is the product of the blocks' fidelities, and the expectation values of a block do
    not depend on the others. Nothing is folded and lost.

    ``bandwidth="scale"`` of a block's encoding stands for ``1 / (2 X.std())``, however many blocks
    there are; in a fidelity kernel, where all features add up, it is that of all features.

    Estimators put rows of more than 8 features into blocks of two by themselves, unless the
    encoding says how many qubits it has (``n_qubits=8`` folds onto eight).

    Parameters
    ----------
    encoding : str or Encoding, default="reuploading"
        Circuit of a block; the same for all blocks.
    size : int, default=2
        Features of a block at most. Blocks are of equal size: where they are not full, the first
        features come once more.

    Examples
    --------
    >>> from skquantum.circuits import AngleEncoding, BlockEncoding
    >>> encoding = BlockEncoding(AngleEncoding(entanglement="linear"))
    >>> encoding.blocks(3)
    array([[0, 1],
           [2, 0]])
    >>> encoding.width(3)
    4
    """

    _named_parts: ClassVar = {"encoding": resolve_encoding}
    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        "encoding": [str, Encoding],
        "size": [POSITIVE_INTEGER],
    }

    def __init__(self, encoding: str | Encoding = "reuploading", size: int = BLOCK) -> None:
        self.encoding = encoding
        self.size = size

    def build(self, n_features: int) -> cirq.Circuit:
        """Build the circuits of all blocks, side by side.

        Parameters
        ----------
        n_features : int
            Number of features of a row.

        Returns
        -------
        circuit : cirq.Circuit
            Circuit on ``cirq.LineQubit.range(width(n_features))``, with the symbols of all
            blocks.

        Raises
        ------
        ValueError
            If a parameter is not valid or `n_features` is less than 1.
        """
        index = self.blocks(n_features)
        circuit, symbols = self.block.compiled(index.shape[1])
        width = cirq.num_qubits(circuit)
        parts = []
        for i in range(len(index)):
            qubits: dict[cirq.Qid, cirq.Qid] = {
                qubit: cirq.LineQubit(i * width + q)
                for q, qubit in enumerate(sorted(circuit.all_qubits()))
            }
            names = dict(zip(symbols, self._names(index, i, len(symbols)), strict=True))
            part = resolve(circuit, names)
            parts.append(part.transform_qubits(qubits))
        return cirq.Circuit.zip(*parts)

    def symbols(self, n_features: int) -> tuple[sympy.Symbol, ...]:
        """Return the data symbols, block by block.

        Parameters
        ----------
        n_features : int
            Number of features of a row.

        Returns
        -------
        symbols : tuple of sympy.Symbol
            One for each feature, if a block's symbols receive the features as they are; else
            those of each block.
        """
        index = self.blocks(n_features)
        _, inner = self.block.compiled(index.shape[1])
        named = (s for i in range(len(index)) for s in self._names(index, i, len(inner)))
        return tuple(dict.fromkeys(named))

    def encode(self, X: Any) -> np.ndarray:
        """Return the values that the symbols receive, for each row.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            The data.

        Returns
        -------
        values : ndarray of shape (n_samples, n_symbols), dtype float64
            Block by block.

        Raises
        ------
        ValueError
            As those of the encoding of a block.
        """
        X = self.check(X)
        index = self.blocks(X.shape[1])
        if self._takes_features(index.shape[1]):
            self.block.check(X)
            return X
        return np.hstack([self.block.encode(np.ascontiguousarray(X[:, block])) for block in index])

    def encode_vjp(self, X: np.ndarray, gradient: np.ndarray) -> np.ndarray:
        """Return the gradient for the rows, block by block; see :meth:`Encoding.encode_vjp`."""
        index = self.blocks(X.shape[1])
        if self._takes_features(index.shape[1]):
            return gradient
        out = np.zeros_like(X)
        parts = np.split(gradient, len(index), axis=1)
        for block, part in zip(index, parts, strict=True):
            # A feature may be in two blocks, but not twice in one.
            out[:, block] += self.block.encode_vjp(np.ascontiguousarray(X[:, block]), part)
        return out

    @property
    def accepts(self) -> str:
        """What the encoding of a block does."""
        return self.block.accepts

    def n_inputs(self, n_qubits: int) -> int:
        """Return the features of as many blocks as fit; see :meth:`Encoding.n_inputs`."""
        return max(1, n_qubits // self.block.width(self.size)) * self.size

    @property
    def block(self) -> Encoding:
        """The encoding of one block."""
        return resolve_encoding(self.encoding)

    def blocks(self, n_features: int) -> np.ndarray:
        """Return the features of each block, shape (n_blocks, size of a block).

        Parameters
        ----------
        n_features : int
            Number of features of a row.

        Returns
        -------
        index : ndarray of int
            Columns of the data.
        """
        n_features = self._check_size(n_features, "n_features")
        n_blocks = -(-n_features // self.size)
        size = -(-n_features // n_blocks)
        return (np.arange(n_blocks * size) % n_features).reshape(n_blocks, size)

    def _takes_features(self, size: int) -> bool:
        return type(self.block).encode is Encoding.encode and len(self.block.symbols(size)) == size

    def _names(self, index: np.ndarray, i: int, n_symbols: int) -> list[sympy.Symbol]:
        if self._takes_features(index.shape[1]):
            return [sympy.Symbol(f"x_{column}") for column in index[i]]
        return [sympy.Symbol(f"x_{i * n_symbols + k}") for k in range(n_symbols)]

    def fitted(
        self, X: np.ndarray, weight: np.ndarray | None = None, n_together: int | None = None
    ) -> Encoding:
        """Return the encoding with the bandwidth of a block settled; see `Encoding.fitted`."""
        return BlockEncoding(self.block.fitted(X, weight, n_together or FEW), self.size)


def in_blocks(encoding: Encoding, n_features: int) -> Encoding:
    """Return the encoding, in blocks if the rows are wide and it leaves its register open."""
    is_open = encoding.get_params(deep=False).get("n_qubits", 0) is None
    return BlockEncoding(encoding) if is_open and n_features > DEFAULT_REGISTER else encoding
