"""From an encoding and training rows to the circuit of a block, and a layer for all blocks."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from skquantum.circuits import Encoding, in_blocks, resolve_encoding
from skquantum.estimators._base import settled
from skquantum.estimators._pooling.windows import WindowLayer
from skquantum.layers import QuantumLayer


@dataclass(frozen=True)
class Columns:
    """Which columns of a row make its blocks, an array of shape (n_blocks, size)."""

    index: np.ndarray

    def extract(self, X: np.ndarray) -> np.ndarray:
        """Return the blocks of rows, shape (n_samples, n_blocks, size)."""
        return X[:, self.index]


def fitted_encoding(
    encoding: str | Encoding,
    X: np.ndarray,
    weight: np.ndarray | None = None,
    *,
    least: int = 1,
) -> tuple[Encoding, np.ndarray]:
    """Settle an encoding for training rows.

    Parameters
    ----------
    encoding : str or Encoding
        What was given.
    X : ndarray of shape (n_samples, n_features)
        Training rows.
    weight : ndarray of shape (n_samples,), default=None
        How often each row counts.
    least : int, default=1
        Qubits at least of an open register that holds all features.

    Returns
    -------
    encoding : Encoding
        In blocks, if the rows are wide; with a number for ``bandwidth="scale"``.
    index : ndarray of int, shape (n_blocks, size)
        The columns of each block.
    """
    n_features = X.shape[1]
    found = in_blocks(settled(resolve_encoding(encoding)), n_features).fitted(X, weight)
    index = found.blocks(n_features)
    is_open = found.get_params(deep=False).get("n_qubits", 0) is None
    if is_open and n_features < least:
        found.set_params(n_qubits=least)
    return found, index


def block_layer(layer: QuantumLayer, index: np.ndarray) -> WindowLayer:
    """Return a layer that all blocks of a row go through, with outputs side by side."""
    return WindowLayer(layer, Columns(index).extract, len(index), fill_blank=False)
