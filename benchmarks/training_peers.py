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
from gradient_peers import Case
from harness import Peer

CASE = Case(n_qubits=4, n_layers=3, reupload=True, n_rows=200)
EPOCHS, RATE = 50, 0.05
BETA_1, BETA_2, EPSILON = 0.9, 0.999, 1e-8  # every library's defaults for Adam


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
    weights, coef, intercept = (array.copy() for array in problem.start)
    parameters = [weights, coef, intercept]
    means = [np.zeros_like(array) for array in parameters]
    squares = [np.zeros_like(array) for array in parameters]
    losses = []
    for step in range(1, EPOCHS + 1):
        outputs, states = gradient_peers.oracle_forward(CASE, problem.angles, weights)
        logits = outputs @ coef.T + intercept
        logits -= np.log(np.exp(logits).sum(axis=1, keepdims=True))
        losses.append(-np.mean((problem.targets * logits).sum(axis=1)))
        slope = (np.exp(logits) - problem.targets) / len(logits)
        gradients = [
            gradient_peers.oracle_gradient(CASE, problem.angles, weights, states, slope @ coef),
            slope.T @ outputs,
            slope.sum(axis=0),
        ]
        for array, gradient, mean, square in zip(
            parameters, gradients, means, squares, strict=True
        ):
            mean += (1 - BETA_1) * (gradient - mean)
            square += (1 - BETA_2) * (gradient**2 - square)
            corrected = mean / (1 - BETA_1**step)
            array -= RATE * corrected / (np.sqrt(square / (1 - BETA_2**step)) + EPSILON)
    return losses


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
    """Compile the whole fit as one loop: quicker than a compiled step called 50 times."""
    import jax
    import jax.numpy as jnp

    expectations = make_expectations(CASE)

    def loss(parameters, X, targets):
        weights, coef, intercept = parameters
        logits = expectations(X, weights) @ coef.T + intercept
        return -jnp.mean((targets * jax.nn.log_softmax(logits)).sum(axis=1))

    @jax.jit
    def train(parameters, X, targets):
        def epoch(carry, step):
            parameters, means, squares = carry
            value, gradients = jax.value_and_grad(loss)(parameters, X, targets)
            means = [m + (1 - BETA_1) * (g - m) for m, g in zip(means, gradients, strict=True)]
            squares = [
                s + (1 - BETA_2) * (g * g - s) for s, g in zip(squares, gradients, strict=True)
            ]
            rate = RATE * jnp.sqrt(1 - BETA_2**step) / (1 - BETA_1**step)
            parameters = [
                p - rate * m / (jnp.sqrt(s) + EPSILON)
                for p, m, s in zip(parameters, means, squares, strict=True)
            ]
            return (parameters, means, squares), value

        zeros = [jnp.zeros_like(p) for p in parameters]
        steps = jnp.arange(1.0, EPOCHS + 1)
        (parameters, _, _), losses = jax.lax.scan(epoch, (parameters, zeros, zeros), steps)
        return parameters, losses

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
