"""The benchmark of quantum LSTM cells: its task, its oracle, and one adapter per library.

The cell is that of Chen, Yoo and Fang (2020) with four circuits. Each meets ``v = [h, x]``, the
hidden state and the new value: a Hadamard gate, RY(arctan v) and RZ(arctan v^2) on each qubit,
values beyond the register in a second round of the same after CZ gates on neighbours; then two
layers, each two rings of CNOTs, of stride 1 and 2, and RZ, RY, RZ by three weights on each qubit.
Z of each qubit is measured. With sigmoids for the circuits f, i, o and tanh for g,
``c = f c + i g`` and ``h = o tanh(c)``. A linear read-out of the last h gives the forecast, the
loss is the mean squared error.

The task is the loss and its gradient for all parameters; `qlstm_training_peers.py` holds the
other one, a whole fit.

An adapter is a function ``(case, threads) -> step`` where ``step(X, targets, weights, head)``
takes float64 NumPy arrays and gives the loss and the gradients for weights and head. What can be
prepared without seeing them is prepared in the outer function and is not timed. Only NumPy is
imported at the top, because each adapter runs in the environment of its own library.

Rules that hold for every peer: single precision where the library has it, a general rotation is
one gate where the library runs that faster than three, and what can be done for all circuits of a
cell in one call is done so.
"""

import functools
from dataclasses import dataclass

import numpy as np
from gradient_peers import PAULIS, _on_qubit, import_torchquantum, z_signs
from harness import Peer

GATES = 4  # circuits of a cell: f, i, g, o


@dataclass(frozen=True)
class Case:
    """Sizes of the task."""

    n_rows: int
    n_steps: int
    n_hidden: int = 3
    n_qubits: int = 4
    n_layers: int = 2

    @property
    def title(self):
        return (
            f"{self.n_rows} sequences, {self.n_steps} steps, hidden size {self.n_hidden}, "
            f"{GATES} circuits of {self.n_qubits} qubits"
        )

    @property
    def rounds(self):
        """Return for each round of the encoding which entries of v go to qubits 0, 1, ..."""
        entries = range(self.n_hidden + 1)
        return [entries[k : k + self.n_qubits] for k in entries[:: self.n_qubits]]

    @property
    def neighbours(self):
        """Return the pairs of qubits that get a CZ gate between two rounds."""
        return [(i, i + 1) for i in range(self.n_qubits - 1)]

    @property
    def rings(self):
        """Return the pairs of qubits that get a CNOT in each layer."""
        n = self.n_qubits
        return [(i, (i + stride) % n) for stride in (1, 2) for i in range(n)]


CASES = {
    "chen": Case(n_rows=32, n_steps=10),
    "wide": Case(n_rows=32, n_steps=10, n_hidden=4, n_qubits=5),
    "folded": Case(n_rows=32, n_steps=10, n_hidden=4),
}


def prepare(peer, case, threads):
    return peer.prepare(CASES[case], threads)


def start(case, rng):
    """Draw parameters: weights of the circuits, read-out with the intercept last."""
    weights = rng.uniform(0, 2 * np.pi, (GATES, case.n_layers, case.n_qubits, 3))
    return weights, rng.uniform(-1, 1, case.n_hidden + 1)


def inputs(peer, case, seed):
    """Draw sequences, targets and parameters."""
    size, rng = CASES[case], np.random.default_rng(seed)
    X = rng.uniform(-1, 1, (size.n_rows, size.n_steps))
    return X, rng.uniform(-1, 1, size.n_rows), *start(size, rng)


# --- the oracle ---------------------------------------------------------------------------------


def _gates(case, v, weights):
    """Yield gate, qubit or pair, angles of shape (n_rows or 1,), and whose derivative it takes."""
    for number, entries in enumerate(case.rounds):
        if number:
            yield from (("CZ", pair, None, None) for pair in case.neighbours)
        for qubit, entry in enumerate(entries):
            x = v[:, entry]
            yield "H", qubit, None, None
            yield "Y", qubit, np.arctan(x), (entry, 1 / (1 + x**2))
            yield "Z", qubit, np.arctan(x**2), (entry, 2 * x / (1 + x**4))
    for layer in range(case.n_layers):
        yield from (("CNOT", pair, None, None) for pair in case.rings)
        for qubit in range(case.n_qubits):
            for k, axis in enumerate("ZYZ"):
                yield axis, qubit, weights[layer, qubit, k, None], (layer, qubit, k)


def _apply(gate, where, angles, states, inverse=False):
    if gate == "H":
        return _on_qubit(np.array([[1, 1], [1, -1]]) / np.sqrt(2), states, where)
    if gate in ("CNOT", "CZ"):
        index = np.arange(states.shape[1])
        shift = states.shape[1].bit_length() - 2
        control = (index >> (shift - where[0])) & 1
        if gate == "CZ":
            return states * (1 - 2 * (control & (index >> (shift - where[1]))))
        return states[:, index ^ (control << (shift - where[1]))]
    half = (-angles if inverse else angles)[:, None, None] / 2
    matrix = np.cos(half) * np.eye(2) - 1j * np.sin(half) * PAULIS[gate]
    return _on_qubit(matrix if len(matrix) > 1 else matrix[0], states, where)


def _circuit(case, v, weights):
    """Return every Z from its definition, in complex128, and the pullback to v and weights."""
    signs = z_signs(case.n_qubits)
    states = np.zeros((len(v), 2**case.n_qubits), dtype=complex)
    states[:, 0] = 1
    for gate, where, angles, _ in _gates(case, v, weights):
        states = _apply(gate, where, angles, states)

    def pullback(cotangent):
        ket, bra = states, cotangent @ signs.T * states
        to_v, to_weights = np.zeros_like(v), np.zeros_like(weights)
        for gate, where, angles, owner in reversed(list(_gates(case, v, weights))):
            if owner is not None:
                slope = np.sum(bra.conj() * _on_qubit(PAULIS[gate], ket, where), axis=1).imag
                if len(owner) == 2:  # an entry of v
                    to_v[:, owner[0]] += slope * owner[1]
                else:
                    to_weights[owner] = slope.sum()
            ket = _apply(gate, where, angles, ket, inverse=True)
            bra = _apply(gate, where, angles, bra, inverse=True)
        return to_v, to_weights

    return np.abs(states) ** 2 @ signs, pullback


def oracle(case, X, targets, weights, head):
    """Return the loss and the gradients, step by step forwards and backwards, in complex128."""
    n = case.n_hidden
    h, c = np.zeros((len(X), n)), np.zeros((len(X), n))
    tape = []
    for x in X.T:
        v = np.column_stack([h, x])
        outputs, pullbacks = zip(*(_circuit(case, v, w) for w in weights), strict=True)
        f, i, o = (1 / (1 + np.exp(-outputs[k][:, :n])) for k in (0, 1, 3))
        g = np.tanh(outputs[2][:, :n])
        tape.append((f, i, g, o, c, pullbacks))
        c = f * c + i * g
        h = o * np.tanh(c)
    residuals = h @ head[:-1] + head[-1] - targets
    slope = 2 / len(X) * residuals
    to_head = np.append(slope @ h, slope.sum())
    to_weights = np.zeros_like(weights)
    to_h, to_c = slope[:, None] * head[:-1], np.zeros_like(c)
    for f, i, g, o, before, pullbacks in reversed(tape):
        bent = np.tanh(f * before + i * g)
        to_c = to_c + to_h * o * (1 - bent**2)
        slopes = (
            to_c * before * f * (1 - f),
            to_c * g * i * (1 - i),
            to_c * i * (1 - g**2),
            to_h * bent * o * (1 - o),
        )
        to_v = 0.0
        for k, (pullback, to_gate) in enumerate(zip(pullbacks, slopes, strict=True)):
            padded = np.pad(to_gate, ((0, 0), (0, case.n_qubits - n)))
            part, to_weight = pullback(padded)
            to_v = to_v + part
            to_weights[k] += to_weight
        to_h, to_c = to_v[:, :n], to_c * f
    return np.mean(residuals**2), to_weights, to_head


# --- this package -------------------------------------------------------------------------------


def skquantum(case, threads):
    from skquantum.estimators import QLSTMRegressor
    from skquantum.estimators._qlstm.build import build_network

    model = QLSTMRegressor(
        cell="chen", hidden_size=case.n_hidden, n_qubits=case.n_qubits, entangler="both"
    )
    # What its fit trains, without the optimiser.
    net = build_network(model, case.n_steps, np.ones(1), np.random.RandomState(0))

    def step(X, targets, weights, head):
        theta = np.concatenate([weights.ravel(), head])
        outputs, pullback = net.outputs_and_pullback(theta, X)
        residuals = outputs[:, 0] - targets
        gradient = pullback(2 / len(X) * residuals[:, None])
        to_weights, to_head = np.split(gradient, [weights.size])
        return np.mean(residuals**2), to_weights.reshape(weights.shape), to_head

    return step


# --- PennyLane + JAX ----------------------------------------------------------------------------


def jax_loss(case):
    """Return the loss: rows and circuits by vmap, steps by scan."""
    import jax
    import jax.numpy as jnp
    import pennylane as qml
    from gradient_peers import jax_expectations, jax_rotations

    n = case.n_hidden
    device = qml.device("default.qubit", wires=case.n_qubits)

    @qml.qnode(device, interface="jax", diff_method="backprop")
    def node(data, turns):
        for number, entries in enumerate(case.rounds):
            if number:
                for pair in case.neighbours:
                    qml.CZ(pair)
            for qubit, entry in enumerate(entries):
                qml.QubitUnitary(data[entry], qubit)
        for layer in range(case.n_layers):
            for pair in case.rings:
                qml.CNOT(pair)
            for qubit in range(case.n_qubits):
                qml.QubitUnitary(turns[layer, qubit], qubit)
        return qml.state()

    # RZ RY RZ with a first angle of zero, behind the Hadamard gate.
    hadamard = np.array([[1, 1], [1, -1]], dtype=np.complex64) / np.sqrt(2).astype(np.float32)

    def one(data, turns):
        return jax_expectations(node(data, turns), case.n_qubits)[:n]

    circuits = jax.vmap(jax.vmap(one, in_axes=(0, None)), in_axes=(None, 0))

    def loss(parameters, X, targets):
        weights, head = parameters
        turns = jax_rotations(weights)

        def cell(carry, x):
            h, c = carry
            v = jnp.concatenate([h, x[:, None]], axis=1)
            angles = jnp.stack([jnp.zeros_like(v), jnp.arctan(v), jnp.arctan(v**2)], axis=-1)
            f, i, g, o = circuits(jax_rotations(angles) @ hadamard, turns)
            c = jax.nn.sigmoid(f) * c + jax.nn.sigmoid(i) * jnp.tanh(g)
            return (jax.nn.sigmoid(o) * jnp.tanh(c), c), None

        zeros = jnp.zeros((len(X), n), dtype=X.dtype)
        (h, _), _ = jax.lax.scan(cell, (zeros, zeros), X.T)
        return jnp.mean((h @ head[:-1] + head[-1] - targets) ** 2)

    return loss


def pennylane_jax(case, threads):
    import jax

    compiled = jax.jit(jax.value_and_grad(jax_loss(case)))

    def step(X, targets, weights, head):
        X, targets, weights, head = (np.float32(a) for a in (X, targets, weights, head))
        value, (to_weights, to_head) = compiled((weights, head), X, targets)
        return float(value), np.asarray(to_weights), np.asarray(to_head)

    return step


# --- PyTorch: PennyLane's TorchLayer, torchquantum ----------------------------------------------


def torch_loss(circuits, case):
    """Return the loss of tensors; `circuits` gives Z of all four circuits from v and weights."""
    import torch

    n = case.n_hidden

    def loss(X, targets, weights, head):
        h = c = torch.zeros(len(X), n)
        for x in X.T:
            f, i, g, o = circuits(torch.cat([h, x[:, None]], dim=1), weights)
            c = torch.sigmoid(f) * c + torch.sigmoid(i) * torch.tanh(g)
            h = torch.sigmoid(o) * torch.tanh(c)
        return torch.mean((h @ head[:-1] + head[-1] - targets) ** 2)

    return loss


def _pennylane_torch_node(case):
    import pennylane as qml

    device = qml.device("default.qubit", wires=case.n_qubits)

    @qml.qnode(device, interface="torch", diff_method="backprop")
    def node(inputs, weights):
        import torch

        for number, entries in enumerate(case.rounds):
            if number:
                for pair in case.neighbours:
                    qml.CZ(pair)
            for qubit, entry in enumerate(entries):
                qml.Hadamard(qubit)
                qml.RY(torch.arctan(inputs[..., entry]), qubit)
                qml.RZ(torch.arctan(inputs[..., entry] ** 2), qubit)
        for layer in range(case.n_layers):
            for pair in case.rings:
                qml.CNOT(pair)
            for qubit in range(case.n_qubits):
                qml.Rot(*(weights[..., layer, qubit, k] for k in range(3)), qubit)
        return [qml.expval(qml.Z(i)) for i in range(case.n_hidden)]

    return node


def torch_layer_circuits(case):
    import pennylane as qml

    node = _pennylane_torch_node(case)
    shapes = {"weights": (case.n_layers, case.n_qubits, 3)}
    layers = [qml.qnn.TorchLayer(node, shapes) for _ in range(GATES)]

    def circuits(v, weights):
        outputs = []
        for layer, own in zip(layers, weights, strict=True):
            layer.qnode_weights["weights"] = own  # so that the gradient is that of `weights`
            outputs.append(layer(v))
        return outputs

    return circuits


def pennylane_torch_circuits(case):
    """Run all four circuits of a cell as one broadcast call, which no TorchLayer can."""
    import torch

    node = _pennylane_torch_node(case)

    def circuits(v, weights):
        rows = len(v)
        outputs = node(v.repeat(GATES, 1), weights.repeat_interleave(rows, dim=0))
        return torch.stack(outputs, dim=-1).float().reshape(GATES, rows, case.n_hidden)

    return circuits


def torchquantum_one_by_one(case):
    """Run the circuits one after the other, gate by gate: as published programs do."""
    torch, tq = import_torchquantum()
    import torchquantum.functional as gates

    n = case.n_qubits
    device = tq.QuantumDevice(n_wires=n, bsz=case.n_rows)
    signs = torch.tensor(z_signs(n), dtype=torch.float32)

    def one(v, weights):
        device.reset_states(len(v))
        for number, entries in enumerate(case.rounds):
            if number:
                for pair in case.neighbours:
                    gates.cz(device, list(pair))
            for qubit, entry in enumerate(entries):
                gates.hadamard(device, qubit)
                gates.ry(device, qubit, params=torch.arctan(v[:, entry, None]))
                gates.rz(device, qubit, params=torch.arctan(v[:, entry, None] ** 2))
        for layer in range(case.n_layers):
            for pair in case.rings:
                gates.cnot(device, list(pair))
            for qubit in range(n):
                gates.rot(device, qubit, params=weights[layer, qubit, None])
        states = device.get_states_1d()
        return ((states.real**2 + states.imag**2) @ signs)[:, : case.n_hidden]

    return lambda v, weights: [one(v, own) for own in weights]


def torchquantum_circuits(case):
    """Run all four circuits of a cell as one batch: a quarter of the calls."""
    torch, tq = import_torchquantum()
    import torchquantum.functional as gates

    n = case.n_qubits
    device = tq.QuantumDevice(n_wires=n, bsz=GATES * case.n_rows)
    signs = torch.tensor(z_signs(n), dtype=torch.float32)
    hadamard = torch.tensor([[1, 1], [1, -1]], dtype=torch.complex64) / 2**0.5

    def circuits(v, weights):
        rows = len(v)
        device.reset_states(GATES * rows)
        turns = gates.rot_matrix(weights.reshape(-1, 3))
        turns = turns.reshape(GATES, case.n_layers, n, 2, 2).repeat_interleave(rows, dim=0)
        flat = v.reshape(-1, 1)
        data = gates.rz_matrix(torch.arctan(flat**2)) @ gates.ry_matrix(torch.arctan(flat))
        data = (data @ hadamard).reshape(rows, -1, 2, 2).repeat(GATES, 1, 1, 1)
        for number, entries in enumerate(case.rounds):
            if number:
                for pair in case.neighbours:
                    gates.cz(device, list(pair))
            for qubit, entry in enumerate(entries):
                gates.qubitunitaryfast(device, qubit, params=data[:, entry])
        for layer in range(case.n_layers):
            for pair in case.rings:
                gates.cnot(device, list(pair))
            for qubit in range(n):
                gates.qubitunitaryfast(device, qubit, params=turns[:, layer, qubit])
        states = device.get_states_1d()
        outputs = (states.real**2 + states.imag**2) @ signs
        return outputs.reshape(GATES, rows, n)[..., : case.n_hidden]

    return circuits


def _torch_step(make_circuits, case, threads):
    loss = torch_loss(make_circuits(case), case)
    import torch

    torch.set_num_threads(1)  # at these sizes a second thread gains nothing

    def step(*arrays):
        X, targets = (torch.tensor(array, dtype=torch.float32) for array in arrays[:2])
        parameters = [
            torch.tensor(array, dtype=torch.float32, requires_grad=True) for array in arrays[2:]
        ]
        value = loss(X, targets, *parameters)
        value.backward()
        return value.item(), *(array.grad.numpy() for array in parameters)

    return step


# --- rows of the tables -------------------------------------------------------------------------


def _torch_peer(label, environment, circuits, *packages):
    return Peer(label, environment, functools.partial(_torch_step, circuits), (*packages, "torch"))


PEERS = {
    "skquantum": Peer("skquantum", "skquantum", skquantum, ("skquantum", "qsimcirq")),
    "pennylane_jax": Peer(
        "PennyLane default.qubit + JAX, vmap and scan",
        "peers",
        pennylane_jax,
        ("pennylane", "jax"),
    ),
    "torch_layer": _torch_peer(
        "PennyLane TorchLayer", "pltorch", torch_layer_circuits, "pennylane"
    ),
    "pennylane_torch": _torch_peer(
        "PennyLane + PyTorch, circuits in one call",
        "pltorch",
        pennylane_torch_circuits,
        "pennylane",
    ),
    "torchquantum": _torch_peer(
        "torchquantum, circuits in one batch",
        "torchquantum",
        torchquantum_circuits,
        "torchquantum",
    ),
    "torchquantum_each": _torch_peer(
        "torchquantum, circuit by circuit",
        "torchquantum",
        torchquantum_one_by_one,
        "torchquantum",
    ),
}
