"""The training benchmark's task, its oracle, and one adapter per library.

The model is a classifier of the two moons: the rows' two features, twice, are the angles of RY
rotations on four qubits, repeated before each of three strongly entangling layers; a linear
read-out turns every Z into two logits. All of it is trained on the mean cross-entropy by 50 steps
of Adam, each on all 200 rows. Circuit and conventions are those of `gradient_peers`.

An adapter is a function ``threads -> fit``, which imports its library; ``fit(problem)`` trains
from the start that the problem says and gives the loss before each step.
"""

import functools
import warnings
from dataclasses import dataclass

import gradient_peers
import numpy as np
from adam import BETA_1, BETA_2, EPSILON, jax_adam, oracle_adam
from gradient_peers import Case
from harness import Peer

CASE = Case(n_qubits=4, n_layers=3, reupload=True, n_rows=200)
EPOCHS, RATE = 50, 0.05


@dataclass(frozen=True)
class Problem:
    """Data, and the parameters to start from."""

    seed: int
    X: np.ndarray
    labels: np.ndarray
    weights: np.ndarray
    coef: np.ndarray

    @property
    def angles(self):
        """The features, one for each qubit."""
        return self.X[:, np.arange(CASE.n_qubits) % self.X.shape[1]]

    @property
    def targets(self):
        """The labels, one column for each class."""
        return np.eye(2)[self.labels]

    @property
    def start(self):
        return self.weights, self.coef, np.zeros(2)


def make_problem(seed):
    """Return scikit-learn's ``make_moons(200, noise=0.1)``, made without scikit-learn."""
    rng = np.random.default_rng(seed)
    half = np.linspace(0, np.pi, CASE.n_rows // 2)
    outer, inner = [np.cos(half), np.sin(half)], [1 - np.cos(half), 0.5 - np.sin(half)]
    X = np.concatenate([np.transpose(outer), np.transpose(inner)])
    X += rng.normal(scale=0.1, size=X.shape)
    weights = rng.uniform(0, 2 * np.pi, (CASE.n_layers, CASE.n_qubits, 3))
    # Glorot's uniform distribution, drawn as scikit-learn's and this package's estimators do.
    coef = np.random.RandomState(seed).uniform(-1, 1, (2, CASE.n_qubits))
    return Problem(seed, X, np.repeat([0, 1], len(half)), weights, coef)


def oracle(problem):
    """Return the loss before each step, in complex128."""

    def loss_and_gradients(weights, coef, intercept):
        outputs, states = gradient_peers.oracle_forward(CASE, problem.angles, weights)
        logits = outputs @ coef.T + intercept
        logits -= np.log(np.exp(logits).sum(axis=1, keepdims=True))
        slope = (np.exp(logits) - problem.targets) / len(logits)
        return (
            -np.mean((problem.targets * logits).sum(axis=1)),
            gradient_peers.oracle_gradient(CASE, problem.angles, weights, states, slope @ coef),
            slope.T @ outputs,
            slope.sum(axis=0),
        )

    return oracle_adam(loss_and_gradients, problem.start, RATE, EPOCHS)


def skquantum(threads):
    from skquantum import VariationalClassifier

    def fit(problem):
        model = VariationalClassifier(
            encoding="angle",
            ansatz="strongly_entangling",
            n_layers=CASE.n_layers,
            n_qubits=CASE.n_qubits,
            reupload=True,
            init=problem.weights.ravel(),
            alpha=0,
            solver="adam",
            learning_rate=RATE,
            batch_size=CASE.n_rows,
            max_iter=EPOCHS,
            tol=0,
            n_iter_no_change=EPOCHS,  # no early end
            random_state=problem.seed,
        )
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # that it has not converged
            return model.fit(problem.X, problem.labels).loss_curve_

    return fit


def _jax_fit(make_expectations, threads):
    """Compile the whole fit as one loop."""
    import jax
    import jax.numpy as jnp

    expectations = make_expectations(CASE)

    def loss(parameters, X, targets):
        weights, coef, intercept = parameters
        logits = expectations(X, weights) @ coef.T + intercept
        return -jnp.mean((targets * jax.nn.log_softmax(logits)).sum(axis=1))

    train = jax_adam(loss, RATE, EPOCHS)

    def fit(problem):
        arrays = (problem.start, problem.angles, problem.targets)
        parameters, X, targets = jax.tree.map(np.float32, arrays)
        parameters, losses = train(list(parameters), X, targets)
        return np.asarray(losses).tolist()

    return fit


def torchquantum(threads):
    expectations = gradient_peers.torchquantum_expectations(CASE)
    import torch

    torch.set_num_threads(1)  # as in gradient_peers

    def fit(problem):
        X = torch.tensor(problem.angles, dtype=torch.float32)
        labels = torch.tensor(problem.labels)
        parameters = [
            torch.tensor(array, dtype=torch.float32, requires_grad=True) for array in problem.start
        ]
        weights, coef, intercept = parameters
        adam = torch.optim.Adam(parameters, lr=RATE)
        losses = []
        for _ in range(EPOCHS):
            adam.zero_grad()
            logits = expectations(X, weights) @ coef.T + intercept
            loss = torch.nn.functional.cross_entropy(logits, labels)
            loss.backward()
            adam.step()
            losses.append(loss.item())
        return losses

    return fit


def lightning(threads):
    import os

    os.environ["OMP_NUM_THREADS"] = "1"  # as in gradient_peers
    import pennylane as qml
    from pennylane import numpy as pnp

    device = qml.device("lightning.qubit", wires=CASE.n_qubits, c_dtype=np.complex64)

    @qml.qnode(device, diff_method="adjoint")
    def node(X, weights):
        for layer in range(CASE.n_layers):
            for i in range(CASE.n_qubits):
                qml.RY(X[:, i], i)
                qml.Rot(*weights[layer, i], i)
            for pair in CASE.ring(layer):
                qml.CNOT(pair)
        return [qml.expval(qml.Z(i)) for i in range(CASE.n_qubits)]

    def fit(problem):
        X = pnp.array(problem.angles, requires_grad=False)

        def cost(weights, coef, intercept):
            logits = coef @ pnp.stack(node(X, weights)) + intercept[:, None]
            logits = logits - pnp.log(pnp.sum(pnp.exp(logits), axis=0))
            return -pnp.mean(pnp.sum(problem.targets.T * logits, axis=0))

        parameters = [pnp.array(array, requires_grad=True) for array in problem.start]
        adam = qml.AdamOptimizer(RATE, BETA_1, BETA_2, EPSILON)
        losses = []
        for _ in range(EPOCHS):
            parameters, loss = adam.step_and_cost(cost, *parameters)
            losses.append(float(loss))
        return losses

    return fit


PEERS = {
    "skquantum": Peer(
        "skquantum", "skquantum", skquantum, ("skquantum", "qsimcirq", "scikit-learn")
    ),
    "pennylane_jax": Peer(
        "PennyLane default.qubit + JAX, vmap",
        "peers",
        functools.partial(_jax_fit, gradient_peers.pennylane_expectations),
        ("pennylane", "jax"),
    ),
    "pennylane_broadcast": Peer(
        "PennyLane default.qubit + JAX, broadcast",
        "peers",
        functools.partial(_jax_fit, gradient_peers.pennylane_broadcast_expectations),
        ("pennylane", "jax"),
    ),
    "tensorcircuit": Peer(
        "tensorcircuit-ng + JAX",
        "peers",
        functools.partial(_jax_fit, gradient_peers.tensorcircuit_expectations),
        ("tensorcircuit-ng", "jax"),
    ),
    "torchquantum": Peer("torchquantum", "torchquantum", torchquantum, ("torchquantum", "torch")),
    "lightning": Peer(
        "PennyLane lightning.qubit", "peers", lightning, ("pennylane", "pennylane-lightning")
    ),
}
