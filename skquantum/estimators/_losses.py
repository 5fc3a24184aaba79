"""Losses of the trainable estimators, each with its gradient, over a whole batch of rows."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from skquantum._validation import unknown

# outputs and targets, of shape (n_rows, n_outputs), to the loss of each row and its gradient
Loss = Callable[[np.ndarray, np.ndarray], tuple[np.ndarray, np.ndarray]]


def softmax(logits: np.ndarray) -> np.ndarray:
    """Return probabilities, one row for each row of logits."""
    # scipy.special's takes longer than the rest of a training step on a small batch.
    proba = np.exp(logits - logits.max(axis=1, keepdims=True))
    proba /= proba.sum(axis=1, keepdims=True)
    return proba


def log_loss(logits: np.ndarray, targets: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Cross-entropy of the softmax of logits; targets hold a one in the column of the class."""
    shifted = logits - logits.max(axis=1, keepdims=True)
    proba = np.exp(shifted)
    total = proba.sum(axis=1)
    loss = np.log(total) - np.einsum("ij,ij->i", targets, shifted)
    return loss, proba / total[:, None] - targets


def brier(logits: np.ndarray, targets: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Brier score: the squared distance of the softmax of logits from the targets."""
    proba = softmax(logits)
    error = proba - targets
    slope = 2 * proba * (error - np.einsum("ij,ij->i", error, proba)[:, None])
    return np.einsum("ij,ij->i", error, error), slope


def squared_error(values: np.ndarray, targets: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Half the squared distance, as in MLPRegressor; summed over outputs."""
    error = values - targets
    return np.einsum("ij,ij->i", error, error) / 2, error


def absolute_error(values: np.ndarray, targets: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Sum of absolute errors over outputs; outliers count less."""
    error = values - targets
    return np.abs(error).sum(axis=1), np.sign(error)


def in_units(loss: Loss, unit: float) -> Loss:
    """Return a loss of values and targets that are divided by a unit."""

    def scaled(values: np.ndarray, targets: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        row_loss, slope = loss(values / unit, targets / unit)
        return row_loss, slope / unit

    return scaled


CLASSIFICATION_LOSSES: dict[str, Loss] = {"log_loss": log_loss, "brier": brier}
REGRESSION_LOSSES: dict[str, Loss] = {
    "squared_error": squared_error,
    "absolute_error": absolute_error,
}


def resolve_loss(loss: str, losses: dict[str, Loss]) -> Loss:
    """Return the loss of a name, or raise an error with a suggestion."""
    if loss not in losses:
        raise ValueError(unknown("loss", loss, losses))
    return losses[loss]
