"""Rules of gradient descent: each takes one step, in place."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

# Adam's constants, as in the paper and as MLPClassifier's defaults.
BETA_1, BETA_2, EPSILON = 0.9, 0.999, 1e-8
# How much RMSprop forgets, as in PyTorch, whose defaults the literature on recurrent cells has.
RMSPROP_DECAY = 0.99
# As MLPClassifier's defaults.
MOMENTUM = 0.9


def adam(
    theta: np.ndarray, grad: np.ndarray, slots: dict[str, np.ndarray], step: int, rate: float
) -> None:
    """Take a step of Adam, in place (Kingma and Ba 2015, arXiv:1412.6980)."""
    if not slots:
        slots |= {"mean": np.zeros_like(theta), "square": np.zeros_like(theta)}
    mean, square = slots["mean"], slots["square"]
    mean += (1 - BETA_1) * (grad - mean)
    square += (1 - BETA_2) * (grad * grad - square)
    rate *= (1 - BETA_2**step) ** 0.5 / (1 - BETA_1**step)
    theta -= rate * mean / (np.sqrt(square) + EPSILON)


def rmsprop(
    theta: np.ndarray, grad: np.ndarray, slots: dict[str, np.ndarray], step: int, rate: float
) -> None:
    """Take a step of RMSprop, in place (Tieleman and Hinton 2012)."""
    if not slots:
        slots["square"] = np.zeros_like(theta)
    square = slots["square"]
    square += (1 - RMSPROP_DECAY) * (grad * grad - square)
    theta -= rate * grad / (np.sqrt(square) + EPSILON)


def sgd(
    theta: np.ndarray, grad: np.ndarray, slots: dict[str, np.ndarray], step: int, rate: float
) -> None:
    """Take a step of gradient descent with Nesterov's momentum, in place (Sutskever 2013).

    As scikit-learn's networks have it: theta is where the next gradient is taken.
    """
    if not slots:
        slots["velocity"] = np.zeros_like(theta)
    velocity = slots["velocity"]
    velocity *= MOMENTUM
    velocity -= rate * grad
    theta += MOMENTUM * velocity - rate * grad


#: Rules of gradient descent: each changes `theta` in place, and keeps its memory in `slots`.
STEP_RULES: dict[str, Callable[..., None]] = {"adam": adam, "rmsprop": rmsprop, "sgd": sgd}
