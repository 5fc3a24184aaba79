"""The circuit of a block of features, and one layer for all blocks, or windows, of a row."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from sklearn.utils import gen_batches

from skquantum.circuits import Encoding, in_blocks, resolve_encoding
from skquantum.estimators._base import settled
from skquantum.execution import Pullback
from skquantum.layers import QuantumLayer

WINDOWS_AT_ONCE = 2**16


class WindowLayer:
    """A layer that all windows of a row go through.

    Parameters
    ----------
    layer : QuantumLayer
        The circuit for one window.
    windows : callable or None
        From rows to their windows, shape (n_samples, n_windows, size); None: each row is one.
    n_windows : int
        Number of windows of a row.
    fill_blank : bool
        Whether windows of zeros become windows of ones, the limit of constant ones: for encodings
        that normalise.
    """

    def __init__(
        self,
        layer: QuantumLayer,
        windows: Callable[[np.ndarray], np.ndarray] | None,
        n_windows: int,
        fill_blank: bool,
    ) -> None:
        self.layer, self.windows, self.fill_blank = layer, windows, fill_blank
        self.n_windows = n_windows
        self.n_features = n_windows * layer.n_features
        self.n_weights = layer.n_weights
        self.n_outputs = n_windows * layer.n_outputs

    def forward(self, X: np.ndarray, weights: np.ndarray) -> np.ndarray:
        """Return the outputs of all windows, shape (n_samples, n_windows * n_outputs)."""
        out = np.empty((len(X), self.n_outputs))
        for batch in gen_batches(len(X), max(1, WINDOWS_AT_ONCE // self.n_windows)):
            observed = self.layer.forward(self._rows(X[batch]), weights)
            out[batch] = observed.reshape(-1, self.n_outputs)
        return out

    def forward_vjp(
        self, X: np.ndarray, weights: np.ndarray, *, data_gradient: bool = False
    ) -> tuple[np.ndarray, Pullback]:
        """Return the outputs, and what gives the gradient of the weights for them."""
        observed, inner = self.layer.forward_vjp(self._rows(X), weights, data_gradient=False)

        def pullback(cotangent: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
            _, grad_weights = inner(cotangent.reshape(observed.shape))
            return np.zeros_like(X), grad_weights

        return observed.reshape(len(X), self.n_outputs), pullback

    def jacobian(self, X: np.ndarray, weights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return the outputs of all windows, and each row's derivatives for the weights."""
        each = np.repeat(weights, self.n_windows, axis=0) if np.ndim(weights) == 2 else weights
        observed, derivatives = self.layer.jacobian(self._rows(X), each)
        shape = (len(X), self.n_outputs)
        return observed.reshape(shape), derivatives.reshape(*shape, self.n_weights)

    def metric(self, X: np.ndarray, weights: np.ndarray, row_weight: np.ndarray) -> np.ndarray:
        """Return the Fubini-Study metric of the weights: the sum over windows, mean over rows."""
        each = np.repeat(row_weight, self.n_windows)
        return self.n_windows * self.layer.metric(self._rows(X), weights, each)

    def _rows(self, X: np.ndarray) -> np.ndarray:
        rows = X if self.windows is None else self.windows(X).reshape(-1, self.layer.n_features)
        return np.where(rows.any(axis=1, keepdims=True), rows, 1.0) if self.fill_blank else rows


@dataclass(frozen=True)
class Columns:
    """Which columns of a row make its blocks, an array of shape (n_blocks, size)."""

    index: np.ndarray

    def __call__(self, X: np.ndarray) -> np.ndarray:
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
    return WindowLayer(layer, Columns(index), len(index), fill_blank=False)
