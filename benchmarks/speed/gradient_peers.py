"""The gradient benchmark's task, its oracle, and one adapter per library.

The task is a training step without its optimiser: the loss and the gradient for all weights. Rows
are encoded by RY rotations; strongly entangling layers (Schuld et al. 2020) follow: on each qubit
RZ, RY, RZ by three weights, then a ring of CNOTs whose range grows from layer to layer. With
`reupload` the rows are encoded before every layer. The loss is the mean over rows and qubits of
``(<Z> - target)^2``.

An adapter is a function ``(case, threads) -> step`` where ``step(X, targets, weights)`` takes
float64 NumPy arrays, ``weights`` of shape (n_layers, n_qubits, 3), and gives the loss and the
gradient. What can be prepared without seeing them (circuits, devices, jitted functions) is
prepared in the outer function and is not timed. Only NumPy is imported at the top, because each
adapter runs in the environment of its own library.

Rules that hold for every peer: single precision where the library has it, one general rotation
per qubit where the library runs that faster than three, all Z from one state rather than a
simulation for each, and no derivatives for the rows.
"""

import functools
from dataclasses import dataclass

import numpy as np
from harness import Peer


@dataclass(frozen=True)
class Case:
    """Sizes of the task."""

    n_qubits: int
    n_layers: int
    reupload: bool = False
    n_rows: int = 100

    @property
    def title(self):
        data = ", data before each" if self.reupload else ""
        return f"{self.n_qubits} qubits, {self.n_layers} layers{data}"

    def encodes(self, layer):
        """Whether the rows are encoded before a layer."""
        return self.reupload or layer == 0

    def ring(self, layer):
        """Return the pairs of qubits that get a CNOT in a layer."""
        n = self.n_qubits
        return [(i, (i + layer % (n - 1) + 1) % n) for i in range(n)]


# In the order of their cost.
CASES = {"a": Case(4, 3), "b": Case(8, 4), "d": Case(8, 4, reupload=True), "c": Case(12, 4)}


def prepare(peer, case, threads):
    return peer.prepare(CASES[case], threads)


def inputs(peer, case, seed):
    """Draw rows, targets and weights."""
    size, rng = CASES[case], np.random.default_rng(seed)
    X = rng.uniform(-np.pi / 2, np.pi / 2, (size.n_rows, size.n_qubits))
    targets = rng.uniform(-1, 1, X.shape)
    return X, targets, rng.uniform(0, 2 * np.pi, (size.n_layers, size.n_qubits, 3))


def z_signs(n_qubits):
    """Return the eigenvalues of every Z, shape (2 ** n_qubits, n_qubits)."""
    bits = (np.arange(2**n_qubits)[:, None] >> np.arange(n_qubits - 1, -1, -1)) & 1
    return 1.0 - 2.0 * bits


# --- the oracle ---------------------------------------------------------------------------------


PAULIS = {"Y": np.array([[0, -1j], [1j, 0]]), "Z": np.diag([1.0 + 0j, -1.0])}


def _gates(case, X, weights):
    """Yield axis or "CNOT", qubit or pair, angles of shape (n_rows or 1,), index of the weight."""
    for layer in range(case.n_layers):
        if case.encodes(layer):
            for i in range(case.n_qubits):
                yield "Y", i, X[:, i], None
        for i in range(case.n_qubits):
            for k, axis in enumerate("ZYZ"):
                yield axis, i, weights[layer, i, k, None], (layer, i, k)
        for pair in case.ring(layer):
            yield "CNOT", pair, None, None


def _on_qubit(matrix, states, qubit):
    split = states.reshape(len(states), 2**qubit, 2, -1)
    return np.einsum("...ij,...ajb->...aib", matrix, split).reshape(states.shape)


def _apply(gate, where, angles, states, inverse=False):
    if gate == "CNOT":
        control, target = where
        index = np.arange(states.shape[1])
        shift = states.shape[1].bit_length() - 2
        flip = ((index >> (shift - control)) & 1) << (shift - target)
        return states[:, index ^ flip]
    half = (-angles if inverse else angles)[:, None, None] / 2
    matrix = np.cos(half) * np.eye(2) - 1j * np.sin(half) * PAULIS[gate]
    return _on_qubit(matrix if len(matrix) > 1 else matrix[0], states, where)


def oracle_forward(case, X, weights):
    """Return every Z of every row from its definition, in complex128, and the states."""
    states = np.zeros((len(X), 2**case.n_qubits), dtype=complex)
    states[:, 0] = 1
    for gate, where, angles, _ in _gates(case, X, weights):
        states = _apply(gate, where, angles, states)
    return np.abs(states) ** 2 @ z_signs(case.n_qubits), states


def oracle_gradient(case, X, weights, states, cotangent):
    """Return the gradient for the weights, gate by gate backwards, from that for every Z."""
    adjoints = cotangent @ z_signs(case.n_qubits).T * states
    gradient = np.empty(weights.shape)
    for gate, where, angles, index in reversed(list(_gates(case, X, weights))):
        if index is not None:
            gradient[index] = np.vdot(adjoints, _on_qubit(PAULIS[gate], states, where)).imag
        states = _apply(gate, where, angles, states, inverse=True)
        adjoints = _apply(gate, where, angles, adjoints, inverse=True)
    return gradient


# --- this package -------------------------------------------------------------------------------


def skquantum(case, threads):
    from skquantum.circuits import AngleEncoding, StronglyEntangling
    from skquantum.layers import QuantumLayer

    layer = QuantumLayer(
        AngleEncoding(n_qubits=case.n_qubits),
        StronglyEntangling(n_layers=case.n_layers),
        n_features=case.n_qubits,
        reupload=case.reupload,
    )

    def step(X, targets, weights):
        outputs, pullback = layer.forward_vjp(X, weights.ravel(), data_gradient=False)
        residuals = outputs - targets
        return np.mean(residuals**2), pullback(2 / residuals.size * residuals)[1]

    return step


# --- JAX: tensorcircuit-ng and PennyLane --------------------------------------------------------


def jax_rotations(weights):
    """Return RZ RY RZ as matrices, shape (..., 2, 2).

    One gate from a matrix compiles two to four times as fast as the libraries' general rotations,
    and runs as fast or faster.
    """
    import jax.numpy as jnp

    a, b, c = weights[..., 0], weights[..., 1], weights[..., 2]
    cos, sin = jnp.cos(b / 2), jnp.sin(b / 2)
    plus, minus = jnp.exp(-0.5j * (a + c)), jnp.exp(0.5j * (a - c))
    rows = [[plus * cos, -minus * sin], [minus.conj() * sin, plus.conj() * cos]]
    return jnp.stack([jnp.stack(row, axis=-1) for row in rows], axis=-2)


def jax_expectations(states, n_qubits):
    """Return every Z from states: one product, which is faster than one sum for each."""
    signs = z_signs(n_qubits).astype(np.float32)
    return (states.real**2 + states.imag**2) @ signs


def cotengra_expectations(case):
    """Return a function of rows and weights whose order of contraction cotengra has looked for."""
    import cotengra

    optimizer = cotengra.ReusableHyperOptimizer(
        methods=["greedy"], minimize="combo", max_repeats=64, max_time=20, parallel=False
    )
    return tensorcircuit_expectations(case, {"method": "custom", "optimizer": optimizer})


def tensorcircuit_expectations(case, contractor=None):
    """Return a function of rows and weights."""
    import jax
    import tensorcircuit as tc

    tc.set_backend("jax")
    tc.set_dtype("complex64")
    if contractor is None:
        contractor = {"method": "greedy", "preprocessing": True}  # tensorcircuit's default
        if case.n_qubits > 8:  # where that is thirty times as slow
            contractor = {"method": "plain-experimental"}
    tc.set_contractor(**contractor)

    def state(x, weights):
        circuit, matrices = tc.Circuit(case.n_qubits), jax_rotations(weights)
        for layer in range(case.n_layers):
            if case.encodes(layer):
                for i in range(case.n_qubits):
                    circuit.ry(i, theta=x[i])
            for i in range(case.n_qubits):
                circuit.any(i, unitary=matrices[layer, i])
            for pair in case.ring(layer):
                circuit.cnot(*pair)
        return jax_expectations(circuit.state(), case.n_qubits)

    return jax.vmap(state, in_axes=(0, None))


def _pennylane_node(case, rotation):
    import pennylane as qml

    device = qml.device("default.qubit", wires=case.n_qubits)

    @qml.qnode(device, interface="jax", diff_method="backprop")
    def node(x, weights):
        for layer in range(case.n_layers):
            if case.encodes(layer):
                for i in range(case.n_qubits):
                    qml.RY(x[..., i], i)
            for i in range(case.n_qubits):
                rotation(weights[layer, i], i)
            for pair in case.ring(layer):
                qml.CNOT(pair)
        return qml.state()

    return node


def pennylane_expectations(case):
    """Return a function of rows and weights: rows by vmap, rotations as matrices."""
    import jax
    import pennylane as qml

    node = _pennylane_node(case, qml.QubitUnitary)

    def one(x, weights):
        return jax_expectations(node(x, jax_rotations(weights)), case.n_qubits)

    return jax.vmap(one, in_axes=(0, None))


def pennylane_broadcast_expectations(case):
    """Return a function of rows and weights: rows broadcast, PennyLane's general rotation."""
    import pennylane as qml

    node = _pennylane_node(case, lambda weights, wire: qml.Rot(*weights, wire))
    return lambda X, weights: jax_expectations(node(X, weights), case.n_qubits)


def _jax_step(expectations, case, threads):
    import jax
    import jax.numpy as jnp

    outputs = expectations(case)

    def loss(weights, X, targets):
        return jnp.mean((outputs(X, weights) - targets) ** 2)

    compiled = jax.jit(jax.value_and_grad(loss))

    def step(X, targets, weights):
        value, gradient = compiled(weights, X, targets)
        return float(value), np.asarray(gradient)

    return step


# --- PennyLane lightning and qulacs -------------------------------------------------------------


def lightning(case, threads):
    import os

    # Its threads share the observables of a script. At these sizes that gains nothing, and it
    # costs a hundredfold when anything else wants a processor: they wait for one another.
    os.environ["OMP_NUM_THREADS"] = "1"
    import pennylane as qml

    n = case.n_qubits
    device = qml.device("lightning.qubit", wires=n, c_dtype=np.complex64)
    measured = [qml.expval(qml.Z(i)) for i in range(n)]
    rings = [[qml.CNOT(pair) for pair in case.ring(layer)] for layer in range(case.n_layers)]
    trainable, position = [], 0
    for layer in range(case.n_layers):
        position += n * case.encodes(layer)
        trainable += range(position, position + 3 * n)
        position += 3 * n

    def tapes(X, weights):
        layers = []
        for ring, angles in zip(rings, weights.tolist(), strict=True):
            gates = []
            for i, (a, b, c) in enumerate(angles):
                gates += [qml.RZ(a, i), qml.RY(b, i), qml.RZ(c, i)]  # Rot is split into these
            layers.append(gates + ring)
        for x in X.tolist():
            encoding = [qml.RY(value, i) for i, value in enumerate(x)]
            gates = []
            for layer, block in enumerate(layers):
                gates += encoding + block if case.encodes(layer) else block
            yield qml.tape.QuantumScript(gates, measured, trainable_params=trainable)

    def step(X, targets, weights):
        # Scripts straight to the device: no broadcasting on this one, and QNodes cost more.
        scripts = list(tapes(X, weights))
        if n <= 8:  # one pass for states and Jacobians: fewer gates to set up
            outputs, jacobians = device.execute_and_compute_derivatives(scripts)
            residuals = np.array(outputs) - targets
            gradient = np.einsum("ro,rok->k", residuals, np.array(jacobians))
            gradient *= 2 / residuals.size
        else:  # an adjoint state for each Z would cost more than a second pass
            residuals = np.array(device.execute(scripts)) - targets
            cotangents = list(map(tuple, 2 / residuals.size * residuals))
            gradient = np.sum(device.compute_vjp(scripts, cotangents), axis=0)
        return np.mean(residuals**2), gradient

    return step


def qulacs(case, threads):
    from qulacs import ParametricQuantumCircuit, QuantumState

    n = case.n_qubits
    circuit = ParametricQuantumCircuit(n)
    features, trainable = [], []  # numbers of the parameters; qulacs counts qubits from the right
    for layer in range(case.n_layers):
        if case.encodes(layer):
            for i in range(n):
                features.append((circuit.get_parameter_count(), i))
                circuit.add_parametric_RY_gate(n - 1 - i, 0.0)
        for i in range(n):
            trainable += range(circuit.get_parameter_count(), circuit.get_parameter_count() + 3)
            circuit.add_parametric_RZ_gate(n - 1 - i, 0.0)
            circuit.add_parametric_RY_gate(n - 1 - i, 0.0)
            circuit.add_parametric_RZ_gate(n - 1 - i, 0.0)
        for control, target in case.ring(layer):
            circuit.add_CNOT_gate(n - 1 - control, n - 1 - target)
    state, adjoint, signs = QuantumState(n), QuantumState(n), z_signs(n)

    def step(X, targets, weights):
        gradient = np.zeros(circuit.get_parameter_count())
        residuals = np.empty(X.shape)
        # qulacs turns the other way round: its RZ(t) is exp(+i t Z / 2).
        for number, value in zip(trainable, (-weights).ravel().tolist(), strict=True):
            circuit.set_parameter(number, value)
        for row, x in enumerate((-X).tolist()):
            for number, i in features:
                circuit.set_parameter(number, x[i])
            state.set_zero_state()
            circuit.update_quantum_state(state)
            psi = state.get_vector()
            residuals[row] = (psi.real**2 + psi.imag**2) @ signs - targets[row]
            adjoint.load((signs @ residuals[row]) * psi)
            gradient += circuit.backprop_inner_product(adjoint)
        return np.mean(residuals**2), -4 / residuals.size * gradient[trainable]

    return step


# --- TensorFlow Quantum, torchquantum, Qiskit ---------------------------------------------------


def tensorflow_quantum(case, threads):
    import os

    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    os.environ.setdefault("TF_USE_LEGACY_KERAS", "1")
    import cirq
    import sympy
    import tensorflow as tf
    import tensorflow_quantum as tfq

    n = case.n_qubits
    qubits = cirq.GridQubit.rect(1, n)
    x, w = sympy.symbols(f"x:{n}"), sympy.symbols(f"w:{3 * n * case.n_layers}")
    angles = iter(w)
    circuit = cirq.Circuit()
    for layer in range(case.n_layers):
        if case.encodes(layer):
            circuit += [cirq.Y(q) ** t for q, t in zip(qubits, x, strict=True)]
        circuit += [pauli(q) ** next(angles) for q in qubits for pauli in (cirq.Z, cirq.Y, cirq.Z)]
        circuit += [cirq.CX(qubits[i], qubits[j]) for i, j in case.ring(layer)]
    names = tf.constant([symbol.name for symbol in x + w])
    programs = tf.repeat(tfq.convert_to_tensor([circuit]), case.n_rows)
    measured = tf.repeat(tfq.convert_to_tensor([[cirq.Z(q) for q in qubits]]), case.n_rows, axis=0)
    expectation = tfq.differentiators.Adjoint().generate_differentiable_op(
        analytic_op=tfq.get_expectation_op()
    )

    @tf.function
    def compiled(X, targets, weights):
        with tf.GradientTape() as tape:
            tape.watch(weights)
            values = tf.concat([X, tf.repeat(weights[None], case.n_rows, axis=0)], axis=1) / np.pi
            outputs = expectation(programs, names, values, measured)
            loss = tf.reduce_mean((outputs - targets) ** 2)
        return loss, tape.gradient(loss, weights)

    def step(X, targets, weights):
        arrays = (X, targets, weights.ravel())
        loss, gradient = compiled(*(tf.constant(array, tf.float32) for array in arrays))
        return float(loss), gradient.numpy()

    return step


def import_torchquantum():
    """Import torchquantum with stand-ins for what it imports but a simulation does not use.

    Release 0.1.8 imports Qiskit's plugins, data sets and more when it is imported, in versions
    that no longer install together. Without them its import is faster, too.
    """
    import importlib.abc
    import importlib.machinery
    import sys
    from unittest.mock import MagicMock

    unused = {
        "dill",
        "matplotlib",
        "pathos",
        "pylatexenc",
        "pyscf",
        "qiskit",
        "qiskit_aer",
        "qiskit_ibm_runtime",
        "scipy",
        "tensorflow",
        "torchdiffeq",
        "torchpack",
        "torchvision",
        "tqdm",
    }

    class StandIns(importlib.abc.MetaPathFinder, importlib.abc.Loader):
        def find_spec(self, fullname, path=None, target=None):
            if fullname.partition(".")[0] in unused:
                return importlib.machinery.ModuleSpec(fullname, self, is_package=True)
            return None

        def create_module(self, spec):
            module = MagicMock(name=spec.name)
            module.__name__, module.__file__, module.__all__ = spec.name, spec.name, []
            return module

        def exec_module(self, module):
            pass

    import torch

    finder = StandIns()
    sys.meta_path.insert(0, finder)
    try:
        import torchquantum
    finally:
        sys.meta_path.remove(finder)
    return torch, torchquantum


def torchquantum_expectations(case):
    """Return a function of tensors of rows and weights."""
    torch, tq = import_torchquantum()
    import torchquantum.functional as gates

    n = case.n_qubits
    device = tq.QuantumDevice(n_wires=n, bsz=case.n_rows)
    signs = torch.tensor(z_signs(n), dtype=torch.float32)

    def expectations(X, weights):
        device.reset_states(len(X))
        # Its own functions for matrices, called once for all gates.
        turns = gates.rot_matrix(weights.reshape(-1, 3)).reshape(case.n_layers, n, 2, 2)
        data = gates.ry_matrix(X.reshape(-1, 1)).reshape(len(X), n, 2, 2)
        for layer in range(case.n_layers):
            if case.encodes(layer):
                for i in range(n):
                    gates.qubitunitaryfast(device, i, params=data[:, i])
            for i in range(n):
                gates.qubitunitaryfast(device, i, params=turns[layer, i])
            for pair in case.ring(layer):
                gates.cnot(device, list(pair))
        states = device.get_states_1d()
        return (states.real**2 + states.imag**2) @ signs

    return expectations


def torchquantum(case, threads):
    outputs = torchquantum_expectations(case)
    import torch

    # On few qubits a second thread gains a tenth at best and loses much on a busy machine.
    torch.set_num_threads(threads if case.n_qubits > 8 else 1)

    def step(X, targets, weights):
        X, targets = (torch.tensor(array, dtype=torch.float32) for array in (X, targets))
        weights = torch.tensor(weights, dtype=torch.float32, requires_grad=True)
        loss = ((outputs(X, weights) - targets) ** 2).mean()
        loss.backward()
        return loss.item(), weights.grad.numpy()

    return step


def qiskit_ml(case, threads):
    from qiskit.circuit import ParameterVector, QuantumCircuit
    from qiskit.primitives import StatevectorEstimator
    from qiskit.quantum_info import SparsePauliOp
    from qiskit_machine_learning.gradients import ParamShiftEstimatorGradient
    from qiskit_machine_learning.neural_networks import EstimatorQNN

    n = case.n_qubits
    x, w = ParameterVector("x", n), ParameterVector("w", 3 * n * case.n_layers)
    angles = iter(w)
    circuit = QuantumCircuit(n)
    for layer in range(case.n_layers):
        if case.encodes(layer):
            for i in range(n):
                circuit.ry(x[i], i)
        for i in range(n):
            circuit.rz(next(angles), i)
            circuit.ry(next(angles), i)
            circuit.rz(next(angles), i)
        for pair in case.ring(layer):
            circuit.cx(*pair)
    estimator = StatevectorEstimator()
    network = EstimatorQNN(
        circuit=circuit,
        estimator=estimator,
        observables=[SparsePauliOp.from_sparse_list([("Z", [i], 1)], n) for i in range(n)],
        input_params=list(x),
        weight_params=list(w),
        gradient=ParamShiftEstimatorGradient(estimator),
        default_precision=0.0,
    )

    def step(X, targets, weights):
        residuals = network.forward(X, weights.ravel()) - targets
        _, jacobians = network.backward(X, weights.ravel())
        gradient = np.einsum("ro,rok->k", residuals, np.asarray(jacobians))
        return np.mean(residuals**2), 2 / residuals.size * gradient

    return step


PEERS = {
    "skquantum": Peer("skquantum", "skquantum", skquantum, ("skquantum", "qsimcirq")),
    "pennylane_jax": Peer(
        "PennyLane default.qubit + JAX, vmap",
        "peers",
        functools.partial(_jax_step, pennylane_expectations),
        ("pennylane", "jax"),
    ),
    "pennylane_broadcast": Peer(
        "PennyLane default.qubit + JAX, broadcast",
        "peers",
        functools.partial(_jax_step, pennylane_broadcast_expectations),
        ("pennylane", "jax"),
    ),
    "tensorcircuit": Peer(
        "tensorcircuit-ng + JAX",
        "peers",
        functools.partial(_jax_step, tensorcircuit_expectations),
        ("tensorcircuit-ng", "jax"),
    ),
    "tensorcircuit_cotengra": Peer(
        "tensorcircuit-ng + JAX, cotengra",
        "peers",
        functools.partial(_jax_step, cotengra_expectations),
        ("tensorcircuit-ng", "jax", "cotengra"),
    ),
    "torchquantum": Peer("torchquantum", "torchquantum", torchquantum, ("torchquantum", "torch")),
    "qulacs": Peer("qulacs", "peers", qulacs, ("qulacs",)),
    "tfq": Peer(
        "TensorFlow Quantum",
        "tfq",
        tensorflow_quantum,
        ("tensorflow-quantum", "tensorflow", "cirq-core"),
    ),
    "lightning": Peer(
        "PennyLane lightning.qubit", "peers", lightning, ("pennylane", "pennylane-lightning")
    ),
    "qiskit_ml": Peer(
        "qiskit-machine-learning", "qiskit", qiskit_ml, ("qiskit-machine-learning", "qiskit")
    ),
}
