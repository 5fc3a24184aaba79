"""The second benchmark of quantum LSTM cells, a whole fit: task, oracle, one adapter per library.

The series is the damped pendulum of Chen, Yoo and Fang (2020), as windows of 4 values and the next
one, the first 67 % of them, scaled so that the targets have unit deviation (as `QLSTMRegressor`
scales them inside, so that all peers train the same parameters). All parameters of the cell of
`qlstm_peers` are trained on the mean squared error by 100 epochs of Adam, each on all 158 windows.

An adapter is a function ``threads -> fit``, which imports its library; ``fit(problem)`` trains
from the start that the problem says and gives the loss before each epoch.
"""

import functools
import warnings
from dataclasses import dataclass

import numpy as np
import qlstm_peers
from adam import jax_adam, oracle_adam
from harness import Peer
from qlstm_peers import GATES, Case

CASE = Case(n_rows=158, n_steps=4)
EPOCHS, RATE = 100, 0.01


@dataclass(frozen=True)
class Problem:
    """Training windows, and the parameters to start from."""

    seed: int
    X: np.ndarray
    targets: np.ndarray
    weights: np.ndarray
    head: np.ndarray


def make_problem(seed):
    """Return the damped pendulum's windows.

    It is `skquantum.datasets.make_damped_pendulum`, integrated here by Runge and Kutta's method
    so that no peer needs another library; the seed draws its first velocity and the parameters.
    """
    rng = np.random.default_rng(seed)
    times = np.linspace(0, 20, 240)
    state, series = np.array([0.0, 3.0 + rng.uniform(-0.1, 0.1)]), []
    step = (times[1] - times[0]) / 10

    def slope(s):
        return np.array([s[1], -0.15 * s[1] - 9.81 * np.sin(s[0])])

    for _ in times:
        series.append(state[1])
        for _ in range(10):
            a = slope(state)
            b = slope(state + step / 2 * a)
            c = slope(state + step / 2 * b)
            d = slope(state + step * c)
            state = state + step / 6 * (a + 2 * b + 2 * c + d)
    windows = np.lib.stride_tricks.sliding_window_view(series, CASE.n_steps + 1)[: CASE.n_rows]
    windows = windows / windows[:, -1].std()
    X, targets = windows[:, :-1].copy(), windows[:, -1].copy()
    weights = rng.uniform(0, 2 * np.pi, (GATES, CASE.n_layers, CASE.n_qubits, 3))
    # The read-out as `QLSTMRegressor` starts it: Glorot's distribution, and the targets' mean.
    bound = (6 / (CASE.n_hidden + 1)) ** 0.5
    coef = np.random.RandomState(seed).uniform(-bound, bound, CASE.n_hidden)
    return Problem(seed, X, targets, weights, np.append(coef, targets.mean()))


def oracle(problem):
    """Return the loss before each epoch, in complex128."""
    return oracle_adam(
        functools.partial(qlstm_peers.oracle, CASE, problem.X, problem.targets),
        (problem.weights, problem.head),
        RATE,
        EPOCHS,
    )


def skquantum(threads):
    from skquantum import QLSTMRegressor

    def fit(problem):
        model = QLSTMRegressor(
            cell="chen",
            hidden_size=CASE.n_hidden,
            n_qubits=CASE.n_qubits,
            n_layers=CASE.n_layers,
            entangler="both",
            init=problem.weights.reshape(GATES, -1),
            solver="adam",
            learning_rate=RATE,
            batch_size=CASE.n_rows,
            max_iter=EPOCHS,
            gradient_clip=None,
            tol=0,
            n_iter_no_change=EPOCHS,  # no early end
            random_state=problem.seed,
        )
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # that it has not converged
            model.fit(problem.X, problem.targets)
        return [2 * loss for loss in model.loss_curve_]  # its loss is half the mean square

    return fit


def pennylane_jax(threads):
    """Compile the whole fit as one loop."""
    train = jax_adam(qlstm_peers.jax_loss(CASE), RATE, EPOCHS)

    def fit(problem):
        arrays = (problem.weights, problem.head, problem.X, problem.targets)
        weights, head, X, targets = (np.float32(array) for array in arrays)
        _, losses = train([weights, head], X, targets)
        return np.asarray(losses).tolist()

    return fit


def _torch_fit(make_circuits, threads):
    loss = qlstm_peers.torch_loss(make_circuits(CASE), CASE)
    import torch

    torch.set_num_threads(1)

    def fit(problem):
        X, targets = (torch.tensor(a, dtype=torch.float32) for a in (problem.X, problem.targets))
        parameters = [
            torch.tensor(array, dtype=torch.float32, requires_grad=True)
            for array in (problem.weights, problem.head)
        ]
        optimizer = torch.optim.Adam(parameters, lr=RATE)
        losses = []
        for _ in range(EPOCHS):
            optimizer.zero_grad()
            value = loss(X, targets, *parameters)
            value.backward()
            optimizer.step()
            losses.append(value.item())
        return losses

    return fit


PEERS = {
    "skquantum": Peer(
        "skquantum", "skquantum", skquantum, ("skquantum", "qsimcirq", "scikit-learn")
    ),
    "pennylane_jax": Peer(
        "PennyLane default.qubit + JAX, vmap and scan",
        "peers",
        pennylane_jax,
        ("pennylane", "jax"),
    ),
    "torch_layer": Peer(
        "PennyLane TorchLayer",
        "pltorch",
        functools.partial(_torch_fit, qlstm_peers.torch_layer_circuits),
        ("pennylane", "torch"),
    ),
    "torchquantum": Peer(
        "torchquantum, circuits in one batch",
        "torchquantum",
        functools.partial(_torch_fit, qlstm_peers.torchquantum_circuits),
        ("torchquantum", "torch"),
    ),
}
