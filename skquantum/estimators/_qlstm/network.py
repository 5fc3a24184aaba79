"""Long short-term memory with gates of any kind, its gradient through time, and its loss."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from skquantum._records import Facts, running
from skquantum.estimators._head import HeadObjective
from skquantum.estimators._losses import RowLoss
from skquantum.estimators._qlstm.gates import Gates, Part, Shapes, glorot
from skquantum.estimators._rows import TrainingRows
from skquantum.estimators._training import Layout, Rows
from skquantum.layers import CircuitBank

# Rows of a cell's values: forget gate, input gate, candidate, output gate. The sigmoid is
# (1 + tanh(v / 2)) / 2, so that one tanh serves all four.
SLOPE = np.array([0.5, 0.5, 1.0, 0.5])[:, None, None]
OFFSET = np.array([0.5, 0.5, 0.0, 0.5])[:, None, None]


@dataclass(frozen=True)
class Cell:
    """A cell of long short-term memory; several are stacked.

    Attributes
    ----------
    gates : Gates
    state : CircuitBank or None
        A circuit that makes the hidden state of what an ordinary cell has as its hidden state.
    size : int
        Length of the cell state; that of the hidden state, which the gates read, may differ if
        `state` makes it.
    prefix : str
        What the names of its parameters begin with.
    """

    gates: Gates
    state: CircuitBank | None
    size: int
    prefix: str = ""

    @property
    def shapes(self) -> Shapes:
        """Shapes of the parameters, by their names."""
        own = {} if self.state is None else {"state_weights": self.state.shape}
        return {f"{self.prefix}{name}": s for name, s in (self.gates.shapes | own).items()}

    @property
    def banks(self) -> dict[str, CircuitBank]:
        """All circuits, by the names of their weights."""
        found = {"weights": self.gates.bank, "state_weights": self.state}
        return {f"{self.prefix}{name}": bank for name, bank in found.items() if bank is not None}

    def start(self, rng: np.random.RandomState) -> dict[str, np.ndarray]:
        """Return linear maps to start from, by their names."""
        return {f"{self.prefix}{name}": array for name, array in self.gates.start(rng).items()}

    def part(self, part: Part) -> Part:
        """Return its parameters among those of all, by its own names."""
        return {
            name.removeprefix(self.prefix): array
            for name, array in part.items()
            if name.startswith(self.prefix)
        }


class RecurrentNetwork:
    """Cells, run along a sequence, and the read-out of the states of the last one.

    Parameters
    ----------
    cells : list of Cell
        The first reads the inputs, each other one what the one before it has as its states.
    outputs : dict of str to CircuitBank
        Circuits between the states and the read-out, by the names of their weights; the first
        reads the states of the last cell.
    n_steps, n_channels, n_outputs : int
        Outputs are those of one time step.
    sequence : bool
        Whether every time step is read out, or the last one.
    scale : ndarray of shape (n_outputs,)
        Parameters of the read-out are in these units: the targets' standard deviations, so that
        a step of given size means the same for targets of any unit.
    """

    def __init__(
        self,
        cells: list[Cell],
        outputs: dict[str, CircuitBank],
        *,
        n_steps: int,
        n_channels: int,
        n_outputs: int,
        sequence: bool,
        scale: np.ndarray,
    ) -> None:
        self.cells, self.outputs_ = cells, outputs
        self.n_steps, self.n_channels = n_steps, n_channels
        self.n_outputs, self.sequence, self.scale = n_outputs, sequence, scale
        shapes: Shapes = {}
        for cell in cells:
            shapes |= cell.shapes
        width = cells[-1].size
        for name, bank in outputs.items():
            shapes[name] = bank.shape
            width = bank.n_outputs
        shapes["readout_coef"] = n_outputs, width
        shapes["readout_intercept"] = (n_outputs,)
        self.layout = Layout(**shapes)

    @property
    def banks(self) -> dict[str, CircuitBank]:
        """All circuits, by the names of their weights."""
        found: dict[str, CircuitBank] = {}
        for cell in self.cells:
            found |= cell.banks
        return found | self.outputs_

    @property
    def _facts(self) -> Facts | None:
        """What records say of the backend, None if there are no circuits."""
        return next((bank.layer.backend.run_facts for bank in self.banks.values()), None)

    @property
    def _n_circuits(self) -> int:
        """How many circuits a row takes."""
        return sum(bank.n_circuits * self.runs(name) for name, bank in self.banks.items())

    def runs(self, name: str) -> int:
        """Return how often circuits of a name are run for a row."""
        if name in self.outputs_:
            return self.n_steps if self.sequence else 1
        return self.n_steps - name.endswith("state_weights")

    def start(
        self, rng: np.random.RandomState, weights: dict[str, np.ndarray], intercept: np.ndarray
    ) -> np.ndarray:
        """Return parameters to start from: given weights of circuits, random linear maps."""
        arrays = dict(weights)
        for cell in self.cells:
            arrays |= cell.start(rng)
        shape = self.layout.shapes["readout_coef"]
        intercept = intercept / self.scale
        arrays |= {"readout_coef": glorot(rng, shape), "readout_intercept": intercept}
        return self.layout.pack(**arrays)

    def arrays(self, theta: np.ndarray) -> dict[str, np.ndarray]:
        """Return the parameters by name, the read-out in the units of the targets."""
        part = self.layout.unpack(theta)
        part["readout_coef"] = part["readout_coef"] * self.scale[:, None]
        part["readout_intercept"] = part["readout_intercept"] * self.scale
        return part

    def penalised(self) -> list[slice]:
        """Return where the coefficients of linear maps are: an L2 penalty is on these only."""
        return [s for name, s in self.layout.slices.items() if name.endswith("coef")]

    def outputs(self, theta: np.ndarray, X: np.ndarray) -> np.ndarray:
        """Return the outputs, shape (n_rows, n_outputs) or (n_rows, n_steps * n_outputs)."""
        part = self.layout.unpack(theta)
        with running(self._facts, "expectations", self._n_circuits * len(X)):
            return np.concatenate(
                [_Pass(self, part, X[rows], keep=False).out for rows in self._blocks(len(X))]
            )

    def outputs_and_pullback(
        self, theta: np.ndarray, X: np.ndarray
    ) -> tuple[np.ndarray, Callable[[np.ndarray], np.ndarray]]:
        """Return the outputs, and what turns their cotangent into the gradient of `theta`."""
        part = self.layout.unpack(theta)
        blocks = self._blocks(len(X))
        with running(self._facts, "gradients", self._n_circuits * len(X)):
            runs = [_Pass(self, part, X[rows], keep=len(blocks) == 1) for rows in blocks]

        def pullback(cotangent: np.ndarray) -> np.ndarray:
            grad = np.zeros_like(theta)
            into = self.layout.unpack(grad)
            with running(self._facts, "gradients", 0, jobs=0):
                for rows, run in zip(blocks, runs, strict=True):
                    # What does not fit into memory at a time is run again.
                    kept = run if len(blocks) == 1 else _Pass(self, part, X[rows], keep=True)
                    kept.pullback(cotangent[rows], into)
            return grad

        return np.concatenate([run.out for run in runs]), pullback

    def _blocks(self, n_rows: int) -> list[slice]:
        size = min(cell.gates.n_rows(self.n_steps) for cell in self.cells)
        size = max(1, size // len(self.cells))
        return [slice(i, min(i + size, n_rows)) for i in range(0, n_rows, size)]


class _Pass:
    """One block of rows on its way through the network."""

    def __init__(self, net: RecurrentNetwork, part: Part, X: np.ndarray, *, keep: bool) -> None:
        self.net, self.part, self.n_rows = net, part, len(X)
        # Inputs as (n_steps, n_channels, n_rows): rows side by side in memory.
        inputs = X.reshape(len(X), net.n_steps, net.n_channels).transpose(1, 2, 0)
        read = np.ascontiguousarray(inputs)
        self.cells: list[_CellPass] = []
        for cell in net.cells:
            self.cells.append(_CellPass(cell, part, read, below=bool(self.cells), keep=keep))
            read = self.cells[-1].states
        self._read(read, keep)

    def _read(self, states: np.ndarray, keep: bool) -> None:
        net, part = self.net, self.part
        read = states[-1]
        if net.sequence:
            read = states.swapaxes(0, 1).reshape(states.shape[1], -1)
        self.heads = []
        for name, bank in net.outputs_.items():
            head = bank.bind(part[name])
            head.begin(1, read.shape[1])
            read = head.forward(0, read, keep=keep)
            self.heads.append(head)
        self.read = read
        out = part["readout_coef"] @ read + part["readout_intercept"][:, None]
        out *= net.scale[:, None]
        steps = net.n_steps if net.sequence else 1
        out = out.reshape(-1, steps, self.n_rows).transpose(2, 1, 0)
        self.out = out.reshape(self.n_rows, -1)

    def pullback(self, cotangent: np.ndarray, into: Part) -> None:
        """Add the gradients of the parameters."""
        net, part = self.net, self.part
        steps = net.n_steps if net.sequence else 1
        cotangent = cotangent.reshape(self.n_rows, steps, -1).transpose(2, 1, 0)
        cotangent = cotangent.reshape(net.n_outputs, -1) * net.scale[:, None]
        into["readout_coef"][:] += cotangent @ self.read.T
        into["readout_intercept"][:] += cotangent.sum(axis=1)
        read = part["readout_coef"].T @ cotangent
        for name, head in zip(reversed(net.outputs_), reversed(self.heads), strict=True):
            read = head.backward(0, read)
            into[name][:] += head.gradient()["weights"]
        by_step = read[None]
        if net.sequence:
            by_step = read.reshape(len(read), steps, -1).swapaxes(0, 1)
        for cell in reversed(self.cells):
            cell.backward(by_step, into)
            if cell.below:
                by_step = cell.gates.input_gradient()


class _CellPass:
    """One cell on its way along the sequences of a block of rows.

    Parameters
    ----------
    cell : Cell
    part : dict of str to ndarray
        Parameters of the network.
    inputs : ndarray of shape (n_steps, n_channels, n_rows)
        What it reads.
    below : bool
        Whether there is a cell below it, which needs the gradient for the inputs.
    keep : bool
        Whether there will be a way back.
    """

    def __init__(
        self, cell: Cell, part: Part, inputs: np.ndarray, *, below: bool, keep: bool
    ) -> None:
        self.cell, self.below = cell, below
        n_steps, _, n_rows = inputs.shape
        shape = n_steps, cell.size, n_rows
        self.acts = np.empty((n_steps, 4, *shape[1:]))
        self.cells = np.zeros((n_steps + 1, *shape[1:]))
        self.tanh = np.empty(shape)
        self.states = np.empty(shape)
        own = cell.part(part)
        self.gates = cell.gates.bind(own)
        self.gates.begin(inputs, input_gradient=below)
        self.state = None
        if cell.state is not None:
            self.state = cell.state.bind(own["state_weights"])
            self.state.begin(n_steps - 1, n_rows)  # nothing follows the last step
        self._forward(keep)

    def _forward(self, keep: bool) -> None:
        hidden = np.zeros((self.cell.gates.hidden_size, self.states.shape[2]))
        for step in range(len(self.states)):
            acts, cell = self.acts[step], self.cells[step + 1]
            values = self.gates.forward(step, hidden, keep=keep)
            np.multiply(values.reshape(acts.shape), SLOPE, out=acts)
            np.tanh(acts, out=acts)
            acts *= SLOPE
            acts += OFFSET
            np.multiply(acts[0], self.cells[step], out=cell)
            cell += acts[1] * acts[2]
            np.tanh(cell, out=self.tanh[step])
            hidden = np.multiply(acts[3], self.tanh[step], out=self.states[step])
            if self.state is not None and step + 1 < len(self.states):
                hidden = self.state.forward(step, hidden, keep=keep)

    def backward(self, read: np.ndarray, into: Part) -> None:
        """Go back through time; `read` is the gradient for the last states, of those read."""
        forget, enter, new, leave = self.acts.swapaxes(0, 1)
        # What the cotangents of cell and state are multiplied by, for all steps in one go.
        slopes = np.empty_like(self.acts)
        slopes[:, 0] = self.cells[:-1] * forget * (1 - forget)
        slopes[:, 1] = new * enter * (1 - enter)
        slopes[:, 2] = enter * (1 - new * new)
        slopes[:, 3] = self.tanh * leave * (1 - leave)
        to_cell = leave * (1 - self.tanh * self.tanh)
        values = np.empty_like(self.acts[0])
        cell, hidden = np.zeros_like(self.cells[0]), None
        last = len(self.states) - 1
        for step in range(last, -1, -1):
            if hidden is not None and self.state is not None:
                hidden = self.state.backward(step, hidden)
            index = step - last + len(read) - 1
            if index >= 0:
                hidden = read[index] if hidden is None else hidden + read[index]
            assert hidden is not None
            cell += hidden * to_cell[step]
            np.multiply(slopes[step, :3], cell, out=values[:3])
            np.multiply(slopes[step, 3], hidden, out=values[3])
            hidden = self.gates.backward(step, values.reshape(-1, values.shape[-1]))
            cell *= forget[step]
        own = self.cell.part(into)
        self.gates.gradient(own)
        if self.state is not None:
            own["state_weights"][:] += self.state.gradient()["weights"]


class RecurrentObjective(HeadObjective):
    """The loss of a recurrent network, with a limit on the norm of its gradient.

    Attributes
    ----------
    norms : list of float
        For each epoch the mean norm of the gradient, before it was limited.
    """

    def __init__(
        self,
        network: RecurrentNetwork,
        loss: RowLoss,
        alpha: float,
        rows: TrainingRows,
        aside: TrainingRows | None,
        score: Callable[[np.ndarray, TrainingRows], float],
        gradient_clip: float | None,
    ) -> None:
        super().__init__(network, loss, alpha, rows, aside, score)
        self.gradient_clip = gradient_clip
        self.norms: list[float] = []
        self._in_epoch: list[float] = []

    def loss_and_grad(self, theta: np.ndarray, rows: Rows) -> tuple[float, np.ndarray]:
        """Return the loss and its gradient, limited."""
        loss, grad = super().loss_and_grad(theta, rows)
        norm = float(np.linalg.norm(grad))
        self._in_epoch.append(norm)
        if self.gradient_clip is not None and norm > self.gradient_clip:
            grad *= self.gradient_clip / norm
        return loss, grad

    def end_epoch(self) -> None:
        """Note the mean norm of the epoch."""
        if self._in_epoch:
            self.norms.append(float(np.mean(self._in_epoch)))
        self._in_epoch = []
