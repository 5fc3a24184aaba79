"""The gates of a long short-term memory: circuits, with linear maps around them, or such maps."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

import numpy as np

from skquantum.layers import CircuitBank

Part = Mapping[str, np.ndarray]
Shapes = dict[str, tuple[int, ...]]


class BoundGates(Protocol):
    """The gates of a cell with their parameters, for the time steps of a batch.

    As with `BoundBank`, one calls `forward` step by step, `backward` the other way, `gradient`.
    """

    def begin(self, inputs: np.ndarray, *, input_gradient: bool = False) -> None:
        """Prepare for inputs of shape (n_steps, n_channels, n_rows)."""

    def forward(self, step: int, hidden: np.ndarray, *, keep: bool) -> np.ndarray:
        """Return what goes into the four activations, shape (4 * cell_size, n_rows)."""

    def backward(self, step: int, cotangent: np.ndarray) -> np.ndarray:
        """Return the gradient for the hidden state; at the first step it is of no use."""

    def gradient(self, into: Part) -> None:
        """Add the gradient of the parameters."""

    def input_gradient(self) -> np.ndarray:
        """Return the gradient for the inputs, if `begin` was told that it is wanted."""


class Gates(Protocol):
    """What computes the gates of a cell from hidden state and input."""

    shapes: Shapes
    hidden_size: int

    @property
    def bank(self) -> CircuitBank | None:
        """The circuits, if there are any."""

    def start(self, rng: np.random.RandomState) -> dict[str, np.ndarray]:
        """Return linear maps to start from."""

    def bind(self, part: Part) -> BoundGates: ...

    def n_rows(self, n_steps: int) -> int:
        """Return how many rows to run at a time."""


def forgetful(shape: tuple[int, ...]) -> np.ndarray:
    """Return intercepts to start from: the forget gate starts open (Jozefowicz et al. 2015)."""
    out = np.zeros(shape)
    out[0] = 1
    return out


def glorot(rng: np.random.RandomState, shape: tuple[int, ...]) -> np.ndarray:
    """Return a random linear map, its last two axes being outputs and inputs."""
    bound = (6 / (shape[-1] + shape[-2])) ** 0.5
    return rng.uniform(-bound, bound, shape)


class LinearGates:
    """Gates of the classical cell: linear maps of hidden state and input."""

    bank: CircuitBank | None = None

    def __init__(self, hidden_size: int, n_channels: int) -> None:
        self.hidden_size, self.n_channels = hidden_size, n_channels
        self.shapes: Shapes = {
            "gate_coef": (4, hidden_size, hidden_size + n_channels),
            "gate_intercept": (4, hidden_size),
        }

    def start(self, rng: np.random.RandomState) -> dict[str, np.ndarray]:
        """Return linear maps to start from."""
        shapes = self.shapes
        return {
            "gate_coef": glorot(rng, shapes["gate_coef"]),
            "gate_intercept": forgetful(shapes["gate_intercept"]),
        }

    def bind(self, part: Part) -> BoundGates:
        """Return the gates with their parameters."""
        return _BoundLinear(self, part)

    def n_rows(self, n_steps: int) -> int:
        """Return how many rows to run at a time."""
        return max(1, 2**22 // (8 * self.hidden_size * n_steps))


class _LinearMap:
    """A linear map of hidden state and input at each time step."""

    def __init__(self, coef: np.ndarray, intercept: np.ndarray, hidden_size: int) -> None:
        self.of_hidden = np.ascontiguousarray(coef[:, :hidden_size])
        self.of_input, self.intercept = coef[:, hidden_size:], intercept

    def begin(self, inputs: np.ndarray, *, input_gradient: bool = False) -> None:
        self.inputs = inputs
        shape = len(inputs), self.of_hidden.shape[1], inputs.shape[2]
        self.hidden = np.empty(shape)
        self.values = self.of_input @ inputs + self.intercept[:, None]
        self.cotangents = np.empty_like(self.values)

    def forward(self, step: int, hidden: np.ndarray) -> np.ndarray:
        self.hidden[step] = hidden
        values = self.values[step]
        values += self.of_hidden @ hidden
        return values

    def backward(self, step: int, cotangent: np.ndarray) -> np.ndarray:
        self.cotangents[step] = cotangent
        return self.of_hidden.T @ cotangent

    def input_gradient(self) -> np.ndarray:
        return self.of_input.T @ self.cotangents

    def gradient(self, coef: np.ndarray, intercept: np.ndarray) -> None:
        read = np.concatenate([self.hidden, self.inputs], axis=1)
        coef += np.matmul(self.cotangents, read.swapaxes(1, 2)).sum(axis=0)
        intercept += self.cotangents.sum(axis=(0, 2))


class _BoundLinear:
    def __init__(self, gates: LinearGates, part: Part) -> None:
        size = gates.hidden_size
        coef = part["gate_coef"].reshape(4 * size, -1)
        self.map = _LinearMap(coef, part["gate_intercept"].ravel(), size)
        self.begin = self.map.begin
        self.backward = self.map.backward
        self.input_gradient = self.map.input_gradient

    def forward(self, step: int, hidden: np.ndarray, *, keep: bool) -> np.ndarray:
        return self.map.forward(step, hidden)

    def gradient(self, into: Part) -> None:
        coef, intercept = into["gate_coef"], into["gate_intercept"]
        self.map.gradient(coef.reshape(coef.shape[0] * coef.shape[1], -1), intercept.reshape(-1))


class CircuitGates:
    """Gates that are circuits on hidden state and input side by side."""

    def __init__(self, bank: CircuitBank, hidden_size: int, n_channels: int) -> None:
        self.bank = bank
        self.hidden_size, self.n_channels = hidden_size, n_channels
        self.shapes: Shapes = {"weights": bank.shape}

    def start(self, rng: np.random.RandomState) -> dict[str, np.ndarray]:
        """Return linear maps to start from: there are none."""
        return {}

    def bind(self, part: Part) -> BoundGates:
        """Return the gates with their parameters."""
        return _BoundCircuits(self, part)

    def n_rows(self, n_steps: int) -> int:
        """Return how many rows to run at a time."""
        return self.bank.n_rows(n_steps)


class _BoundCircuits:
    def __init__(self, gates: CircuitGates, part: Part) -> None:
        self.size = gates.hidden_size
        self.bank = gates.bank.bind(part["weights"])

    def begin(self, inputs: np.ndarray, *, input_gradient: bool = False) -> None:
        n_steps, n_channels, n_rows = inputs.shape
        self.cotangents = np.empty(inputs.shape) if input_gradient else None
        self.values = np.empty((n_steps, self.size + n_channels, n_rows))
        self.values[:, self.size :] = inputs
        self.bank.begin(n_steps, n_rows)

    def forward(self, step: int, hidden: np.ndarray, *, keep: bool) -> np.ndarray:
        self.values[step, : self.size] = hidden
        return self.bank.forward(step, self.values[step], keep=keep)

    def backward(self, step: int, cotangent: np.ndarray) -> np.ndarray:
        if self.cotangents is None and step == 0:
            self.bank.skip(step, cotangent)
            return cotangent
        read = self.bank.backward(step, cotangent)
        if self.cotangents is not None:
            self.cotangents[step] = read[self.size :]
        return read[: self.size]

    def input_gradient(self) -> np.ndarray:
        assert self.cotangents is not None
        return self.cotangents

    def gradient(self, into: Part) -> None:
        into["weights"][:] += self.bank.gradient()["weights"]


class EnhancedGates:
    """Gates that are circuits between linear maps: a shared one in, one out for each gate."""

    def __init__(self, bank: CircuitBank, hidden_size: int, n_channels: int) -> None:
        self.bank = bank
        self.hidden_size, self.n_channels = hidden_size, n_channels
        self.shapes: Shapes = {
            "weights": bank.shape,
            "input_coef": (bank.n_features, hidden_size + n_channels),
            "input_intercept": (bank.n_features,),
            "gate_coef": (4, hidden_size, bank.n_outputs),
            "gate_intercept": (4, hidden_size),
        }

    def start(self, rng: np.random.RandomState) -> dict[str, np.ndarray]:
        """Return linear maps to start from."""
        shapes = self.shapes
        return {
            "input_coef": glorot(rng, shapes["input_coef"]),
            "input_intercept": np.zeros(shapes["input_intercept"]),
            "gate_coef": glorot(rng, shapes["gate_coef"]),
            "gate_intercept": forgetful(shapes["gate_intercept"]),
        }

    def bind(self, part: Part) -> BoundGates:
        """Return the gates with their parameters."""
        return _BoundEnhanced(self, part)

    def n_rows(self, n_steps: int) -> int:
        """Return how many rows to run at a time."""
        return self.bank.n_rows(n_steps)


class _BoundEnhanced:
    def __init__(self, gates: EnhancedGates, part: Part) -> None:
        self.bank = gates.bank.bind(part["weights"], part["gate_coef"], part["gate_intercept"])
        self.map = _LinearMap(part["input_coef"], part["input_intercept"], gates.hidden_size)

    def begin(self, inputs: np.ndarray, *, input_gradient: bool = False) -> None:
        self.map.begin(inputs)
        self.bank.begin(len(inputs), inputs.shape[2])

    def forward(self, step: int, hidden: np.ndarray, *, keep: bool) -> np.ndarray:
        return self.bank.forward(step, self.map.forward(step, hidden), keep=keep)

    def backward(self, step: int, cotangent: np.ndarray) -> np.ndarray:
        return self.map.backward(step, self.bank.backward(step, cotangent))

    def input_gradient(self) -> np.ndarray:
        return self.map.input_gradient()

    def gradient(self, into: Part) -> None:
        grad = self.bank.gradient()
        into["weights"][:] += grad["weights"]
        into["gate_coef"][:] += grad["coef"]
        into["gate_intercept"][:] += grad["intercept"]
        self.map.gradient(into["input_coef"], into["input_intercept"])
