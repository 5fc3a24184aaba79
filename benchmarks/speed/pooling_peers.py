"""The pooling benchmark's task, its oracle, and one adapter per library.

The task is a training step without the optimiser: windows go through a network of convolutions
and poolings (Hur, Kim and Park 2022), the loss is the mean over windows of ``(<Z> - target)^2`` on
the one qubit that is left, and its gradient for all weights is wanted.

An adapter is a function ``case -> step`` where ``step(X, targets, weights)`` takes float64 NumPy
arrays and gives the loss and its gradient. What can be prepared without seeing them is prepared in
the outer function and is not timed. Only NumPy is imported at the top, because each adapter runs
in the environment of its own library. Run as a program, with an adapter's name, this module
answers the requests of `pooling.py`.
"""

import json
import os
import sys
import time
import traceback
from dataclasses import dataclass
from importlib import metadata

import numpy as np


@dataclass(frozen=True)
class Case:
    """Sizes of the task."""

    title: str
    n_rows: int
    n_qubits: int
    block: str
    encoding: str = "angle"

    @property
    def n_features(self):
        return self.n_qubits if self.encoding == "angle" else 2**self.n_qubits

    @property
    def n_weights(self):
        return (self.n_qubits - 1).bit_length() * (BLOCKS[self.block] + 2)


BLOCKS = {"u2": 2, "su4": 15}
CASES = {
    "2x2": Case("1797 digits, 16 windows of 2x2", 1797 * 16, 4, "u2"),
    "2x2-su4": Case("the same with SU(4) blocks", 1797 * 16, 4, "su4"),
    "4x4": Case("1797 digits, 4 windows of 4x4 as amplitudes", 1797 * 4, 4, "u2", "amplitude"),
    "qcnn": Case("1000 images, 8 qubits, SU(4) blocks", 1000, 8, "su4"),
}


def gates(case):
    """Yield the gates of the network: name, wires, number of the weight or None."""

    def block(a, b, w):
        if case.block == "u2":
            return [("ry", (a,), w), ("ry", (b,), w + 1), ("cx", (a, b), None)]
        turns = [(q, w + i, ["rz", "ry", "rz"]) for q, i in ((a, 0), (b, 3))]
        ends = [(q, w + i, ["rz", "ry", "rz"]) for q, i in ((a, 9), (b, 12))]
        start, end = (
            [(g, (q,), k + j) for q, k, names in part for j, g in enumerate(names)]
            for part in (turns, ends)
        )
        middle = [
            ("cx", (a, b), None),
            ("ry", (a,), w + 6),
            ("rz", (b,), w + 7),
            ("cx", (b, a), None),
            ("ry", (a,), w + 8),
            ("cx", (a, b), None),
        ]
        return start + middle + end

    active, w = list(range(case.n_qubits)), 0
    while len(active) > 1:
        chain = list(zip(active[:-1], active[1:], strict=True))
        ring = [(active[0], active[-1])] if len(active) > 2 else []
        for a, b in [*ring, *chain[0::2], *chain[1::2]]:
            yield from block(a, b, w)
        w += BLOCKS[case.block]
        for kept, gone in zip(active[0::2], active[1::2], strict=True):
            yield "crz", (gone, kept), w
            yield "x", (gone,), None
            yield "crx", (gone, kept), w + 1
        active, w = active[0::2], w + 2


def make_data(case, seed):
    """Return rows (as amplitudes: normalised), targets and weights."""
    rng = np.random.default_rng(seed)
    X = rng.uniform(0, np.pi / 2, (case.n_rows, case.n_features))
    if case.encoding == "amplitude":
        X /= np.linalg.norm(X, axis=1, keepdims=True)
    return X, rng.uniform(-1, 1, case.n_rows), rng.uniform(0, 2 * np.pi, case.n_weights)


def oracle(case, X, targets, weights):
    """Loss and gradient in complex128, by the definition and by differences of fourth order."""
    if case.encoding == "amplitude":
        states = X
    else:
        states = np.ones((len(X), 1))
        for column in X.T:
            qubit = np.stack([np.cos(column / 2), np.sin(column / 2)], axis=1)
            states = (states[:, :, None] * qubit[:, None]).reshape(len(X), -1)
    signs = np.repeat([1, -1], states.shape[1] // 2)

    def loss(weights):
        matrix = np.eye(states.shape[1], dtype=complex)
        for name, wires, k in gates(case):
            gate = _matrix(name, None if k is None else weights[k])
            matrix = _apply(gate, wires, matrix, case.n_qubits)
        values = (np.abs(states @ matrix.T) ** 2) @ signs
        return np.mean((values - targets) ** 2)

    steps = 1e-3 * np.eye(len(weights))
    grad = [
        (
            8 * (loss(weights + s) - loss(weights - s))
            - loss(weights + 2 * s)
            + loss(weights - 2 * s)
        )
        / 12e-3
        for s in steps
    ]
    return loss(weights), np.array(grad)


def _matrix(name, angle):
    x, z = np.array([[0, 1], [1, 0]]), np.diag([1, -1])
    y = np.array([[0, -1j], [1j, 0]])
    if name in ("x", "cx"):
        gate = x
    else:
        pauli = {"x": x, "y": y, "z": z}[name[-1]]
        gate = np.cos(angle / 2) * np.eye(2) - 1j * np.sin(angle / 2) * pauli
    if name[0] != "c":
        return gate
    controlled = np.eye(4, dtype=complex)
    controlled[2:, 2:] = gate
    return controlled


def _apply(gate, wires, matrix, n_qubits):
    k, dim = len(wires), 2**n_qubits
    tensor = matrix.reshape((2,) * n_qubits + (dim,))
    tensor = np.tensordot(gate.reshape((2,) * 2 * k), tensor, (range(k, 2 * k), wires))
    return np.moveaxis(tensor, range(k), wires).reshape(dim, dim)


# Adapters.


def skquantum(case):
    import cirq

    from skquantum.circuits import AmplitudeEncoding, AngleEncoding, PoolingNetwork
    from skquantum.layers import QuantumLayer

    encoding = AngleEncoding() if case.encoding == "angle" else AmplitudeEncoding()
    layer = QuantumLayer(
        encoding,
        PoolingNetwork(case.block),
        [cirq.Z(cirq.LineQubit(0))],
        n_features=case.n_features,
    )

    def step(X, targets, weights):
        outputs, pullback = layer.forward_vjp(X, weights, data_gradient=False)
        error = outputs - targets[:, None]
        return np.mean(error**2), pullback(2 * error / len(error))[1]

    return step


def _pennylane_circuit(case, qml, row, weights):
    """Queue the circuit of a row; weights may be traced."""
    wires = list(range(case.n_qubits))
    if case.encoding == "angle":
        for q in wires:
            qml.RY(row[q], wires=q)
    else:
        qml.StatePrep(row, wires=wires, validate_norm=False)
    kinds = {
        "ry": qml.RY,
        "rz": qml.RZ,
        "crz": qml.CRZ,
        "crx": qml.CRX,
        "cx": qml.CNOT,
        "x": qml.PauliX,
    }
    for name, targets, k in gates(case):
        if k is None:
            kinds[name](wires=targets)
        else:
            kinds[name](weights[k], wires=targets)


def pennylane_jax(case):
    import jax
    import jax.numpy as jnp
    import pennylane as qml

    @qml.qnode(
        qml.device("default.qubit", wires=case.n_qubits), interface="jax", diff_method="backprop"
    )
    def circuit(row, weights):
        _pennylane_circuit(case, qml, row, weights)
        return qml.expval(qml.PauliZ(0))

    def loss(weights, X, targets):
        values = jax.vmap(circuit, (0, None))(X, weights)
        return jnp.mean((values - targets) ** 2)

    return _jitted(loss)


def tensorcircuit_jax(case):
    import jax
    import jax.numpy as jnp
    import tensorcircuit as tc

    tc.set_backend("jax")
    tc.set_dtype("complex64")

    def circuit(row, weights):
        if case.encoding == "angle":
            c = tc.Circuit(case.n_qubits)
            for q in range(case.n_qubits):
                c.ry(q, theta=row[q])
        else:
            c = tc.Circuit(case.n_qubits, inputs=row)
        for name, wires, k in gates(case):
            gate = getattr(c, "cnot" if name == "cx" else name)
            gate(*wires) if k is None else gate(*wires, theta=weights[k])
        return jnp.real(c.expectation_ps(z=[0]))

    def loss(weights, X, targets):
        values = jax.vmap(circuit, (0, None))(X, weights)
        return jnp.mean((values - targets) ** 2)

    return _jitted(loss)


def _jitted(loss):
    import jax

    compiled = jax.jit(jax.value_and_grad(loss))

    def step(X, targets, weights):
        value, grad = compiled(*(np.asarray(a, np.float32) for a in (weights, X, targets)))
        return float(value), np.asarray(grad)

    return step


def pennylane_lightning(case):
    """One script per row, all in one call of the device, with its adjoint derivatives."""
    import pennylane as qml

    device = qml.device("lightning.qubit", wires=case.n_qubits, c_dtype=np.complex64)
    config = qml.devices.ExecutionConfig(
        gradient_method="adjoint", use_device_gradient=True, gradient_keyword_arguments={}
    )
    config = device.setup_execution_config(config)

    def tape(row, weights):
        with qml.queuing.AnnotatedQueue() as queue:
            _pennylane_circuit(case, qml, row, weights)
            qml.expval(qml.PauliZ(0))
        script = qml.tape.QuantumScript.from_queue(queue)
        n_data = case.n_qubits if case.encoding == "angle" else 1
        script.trainable_params = list(range(n_data, len(script.get_parameters(False))))
        return script

    numbers = [k for _, _, k in gates(case) if k is not None]

    def step(X, targets, weights):
        tapes = [tape(row, weights) for row in X]
        values, jacobians = device.execute_and_compute_derivatives(tapes, config)
        error = np.array(values, dtype=float).ravel() - targets
        slopes = 2 * error / len(error) @ np.array(jacobians, dtype=float).reshape(len(X), -1)
        return np.mean(error**2), np.bincount(numbers, weights=slopes, minlength=len(weights))

    return step


#: Adapters by name: function, environment, the package whose version counts, and the most rows
#: of a call. A library that goes row by row gets a part of them, and its time is scaled.
PEERS = {
    "skquantum": (skquantum, "skquantum", "skquantum", None),
    "PennyLane default.qubit + JAX": (pennylane_jax, "peers", "pennylane", None),
    "tensorcircuit-ng + JAX": (tensorcircuit_jax, "peers", "tensorcircuit-ng", None),
    "PennyLane lightning.qubit": (pennylane_lightning, "peers", "pennylane-lightning", 50),
}


def answer(name):
    """Answer requests, one JSON line each; libraries print to standard error."""
    replies = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)
    make, _, package, most = PEERS[name]
    step = rows = None
    for line in sys.stdin:
        request = json.loads(line)
        try:
            if "case" in request:
                case = CASES[request["case"]]
                step, rows = make(case), slice(most)
                reply = {"version": _version(package)}
            else:
                X, targets, weights = make_data(case, request["seed"])
                begin = time.perf_counter()
                value, grad = step(X[rows], targets[rows], weights)
                seconds = time.perf_counter() - begin
                used = len(X[rows])
                reply = {
                    "seconds": seconds * len(X) / used,
                    "rows": used,
                    "loss": float(value),
                    "grad": np.asarray(grad, dtype=float).tolist(),
                }
        except Exception as error:  # whatever a library throws is told to the driver
            traceback.print_exc()
            reply = {"error": f"{type(error).__name__}: {error}"[:300]}
        replies.write(json.dumps(reply) + "\n")


def _version(package):
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return "from its sources"


if __name__ == "__main__":
    answer(sys.argv[1])
