"""Weights to start from."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence

import numpy as np
from numpy.typing import ArrayLike

from skquantum._symbols import symbols_of
from skquantum._validation import unknown
from skquantum.circuits import Ansatz
from skquantum.execution import LARGEST
from skquantum.layers._layer import QuantumLayer

INITS = ("small_normal", "identity_blocks", "uniform")


def initial_weights(
    init: str | ArrayLike,
    layer: QuantumLayer,
    ansatz: Ansatz,
    rng: np.random.RandomState,
    name: str = "init",
) -> np.ndarray:
    """Return weights of the circuit to start from.

    Raises
    ------
    ValueError
        If an array is not of the length of the weights, or not finite; it calls the parameter by
        its name.
    """
    if not isinstance(init, str):
        weights = np.asarray(init, dtype=float)
        if weights.shape != (layer.n_weights,):
            raise ValueError(
                f"{name} has shape {weights.shape}, but the circuit has {layer.n_weights} "
                f"weights: give an array of shape ({layer.n_weights},)."
            )
        check_angles(weights, name)
        return weights.copy()
    return initializer(init, layer, ansatz)(rng)


def initializer(
    init: str, layer: QuantumLayer, ansatz: Ansatz
) -> Callable[[np.random.RandomState], np.ndarray]:
    """Return what draws weights to start from; the circuit is looked at once for all draws.

    Factors on the data start at one: the circuit begins as it is without them.
    """
    draw = _angles_of(init, layer, ansatz)
    ones = np.ones(layer.n_factors)
    return (lambda rng: np.concatenate([draw(rng), ones])) if len(ones) else draw


def _angles_of(
    init: str, layer: QuantumLayer, ansatz: Ansatz
) -> Callable[[np.random.RandomState], np.ndarray]:
    n_angles = layer.n_weights - layer.n_factors
    if init == "uniform":
        return lambda rng: rng.uniform(0, 2 * np.pi, n_angles)
    blocks = [len(symbols_of(block)) for block in ansatz.layers(layer.n_qubits)]
    local = max((len(string) for sums in layer.observables for string in sums), default=1)
    return block_initializer(init, blocks, local)


def block_initializer(
    init: str, blocks: Sequence[int], locality: int
) -> Callable[[np.random.RandomState], np.ndarray]:
    """Return what draws weights to start from, of a circuit in blocks of so many weights.

    With "identity_blocks", each block is followed by its inverse.
    """
    if init == "uniform":
        return lambda rng: rng.uniform(0, 2 * np.pi, sum(blocks))
    if init == "identity_blocks":
        # With equal angles a block and its inverse are the identity.
        return lambda rng: np.concatenate(
            [np.tile(rng.uniform(0, 2 * np.pi, n_weights), 2) for n_weights in blocks]
        )
    # Theorem 4.1 of Zhang et al.: 1 / (4 S (L + 2)) for L layers and observables on S qubits.
    variance = 1 / (4 * max(locality, 1) * (len(blocks) + 2))
    return lambda rng: rng.normal(0, variance**0.5, sum(blocks))


def check_angles(weights: np.ndarray, name: str) -> None:
    """Raise an error that names a parameter if what it holds are no angles."""
    wrong = weights[~(np.abs(weights) <= LARGEST)]
    if len(wrong):
        raise ValueError(
            f"{name} must be finite and hold angles in radians, of at most {LARGEST:g}; got "
            f"{wrong[0]:g}. Larger ones are, modulo a turn, rounding alone."
        )


def check_init(init: str | ArrayLike, known: Collection[str] = INITS) -> None:
    """Raise an error for an unknown name."""
    if isinstance(init, str) and init not in known:
        raise ValueError(unknown("init", init, known, "an array of weights works too"))
