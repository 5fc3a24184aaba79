"""Circuits with their weights, along the time steps of a batch: as cells use them."""

from __future__ import annotations

from abc import ABC, abstractmethod

import numpy as np

from skquantum.execution import Pullback
from skquantum.layers._layer import QuantumLayer


class BoundBank(ABC):
    """A bank with its weights, for the time steps of a batch.

    It is used in one order: `begin`, `forward` for each time step, then `backward` for each from
    the last to the first, and `gradient`, which ends it. Values are arrays of shape
    (n_features, n_rows); those of all circuits together have shape (n_circuits * n_values,
    n_rows).
    """

    @abstractmethod
    def begin(self, n_steps: int, n_rows: int) -> None:
        """Prepare for a batch."""

    @abstractmethod
    def forward(self, step: int, values: np.ndarray, *, keep: bool = True) -> np.ndarray:
        """Return the circuits' values; those of the last call may be overwritten.

        With `keep`, what `backward` needs is kept, and `values` must stay as they are.
        """

    @abstractmethod
    def backward(self, step: int, cotangent: np.ndarray) -> np.ndarray:
        """Return the gradient for the values that went in, shape (n_features, n_rows).

        The cotangent may be overwritten afterwards.
        """

    @abstractmethod
    def skip(self, step: int, cotangent: np.ndarray) -> None:
        """Do as `backward` where the gradient for the values is of no use."""

    @abstractmethod
    def gradient(self) -> dict[str, np.ndarray]:
        """Return the gradients of "weights" and, with a read-out, "coef" and "intercept"."""


class LayerBank(BoundBank):
    """The general way: each circuit at each time step through its layer."""

    def __init__(
        self,
        layer: QuantumLayer,
        weights: np.ndarray,
        coef: np.ndarray | None,
        intercept: np.ndarray | None,
    ) -> None:
        self.layer, self.weights = layer, weights
        self.coef, self.intercept = coef, intercept
        self._gradient = {"weights": np.zeros_like(weights)}
        if coef is not None and intercept is not None:
            self._gradient |= {"coef": np.zeros_like(coef), "intercept": np.zeros_like(intercept)}

    def begin(self, n_steps: int, n_rows: int) -> None:
        self._kept: list[tuple[np.ndarray, list[Pullback]]] = []

    def forward(self, step: int, values: np.ndarray, *, keep: bool = True) -> np.ndarray:
        """Return the circuits' values."""
        rows = np.ascontiguousarray(values.T)
        if keep:
            pairs = [self.layer.forward_vjp(rows, weights) for weights in self.weights]
            observed = np.array([out.T for out, _ in pairs])
            self._kept.append((observed, [pullback for _, pullback in pairs]))
        else:
            observed = np.array([self.layer.forward(rows, weights).T for weights in self.weights])
        if self.coef is not None and self.intercept is not None:
            observed = self.coef @ observed + self.intercept[:, :, None]
        return observed.reshape(-1, len(rows))

    def backward(self, step: int, cotangent: np.ndarray) -> np.ndarray:
        """Return the gradient for the values that went in."""
        observed, pullbacks = self._kept[step]
        cotangent = cotangent.reshape(len(self.weights), -1, cotangent.shape[-1])
        if self.coef is not None:
            self._gradient["coef"] += cotangent @ observed.swapaxes(1, 2)
            self._gradient["intercept"] += cotangent.sum(axis=2)
            cotangent = self.coef.swapaxes(1, 2) @ cotangent
        total = np.zeros((self.layer.n_features, cotangent.shape[-1]))
        for into, pullback, part in zip(
            self._gradient["weights"], pullbacks, cotangent, strict=True
        ):
            by_row, by_weight = pullback(np.ascontiguousarray(part.T))
            into += by_weight
            total += by_row.T
        return total

    def skip(self, step: int, cotangent: np.ndarray) -> None:
        self.backward(step, cotangent)

    def gradient(self) -> dict[str, np.ndarray]:
        """Return the gradients."""
        return self._gradient
