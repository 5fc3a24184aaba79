"""The benchmark of modules for PyTorch: its task, its oracle, and one adapter per library.

The task is a training step of a circuit inside a network, without the optimiser and the rest of
the network: the loss, and its gradient for the weights and for the rows, which the layers in front
need.
The circuit and the loss are those of `gradient_peers`.

An adapter is a function ``(case, threads) -> step`` where ``step(X, targets, weights)`` takes
float64 NumPy arrays and gives the loss and both gradients. Each library's own module is used, as
its documentation says, with the fastest of its ways to differentiate.
"""

import functools

import numpy as np
from gradient_peers import (
    CASES,
    PAULIS,
    _apply,
    _gates,
    _on_qubit,
    import_torchquantum,  # noqa: F401  (used by torchquantum_expectations)
    inputs,
    prepare,
    torchquantum_expectations,
    z_signs,
)
from harness import Peer

__all__ = ["CASES", "PEERS", "inputs", "oracle_row_gradient", "prepare"]


def oracle_row_gradient(case, X, weights, states, cotangent):
    """Return the gradient for the rows, gate by gate backwards, from that for every Z."""
    adjoints = cotangent @ z_signs(case.n_qubits).T * states
    gradient = np.zeros(X.shape)
    for gate, where, angles, index in reversed(list(_gates(case, X, weights))):
        if gate == "Y" and index is None:
            slopes = adjoints.conj() * _on_qubit(PAULIS["Y"], states, where)
            gradient[:, where] += slopes.sum(axis=1).imag
        states = _apply(gate, where, angles, states, inverse=True)
        adjoints = _apply(gate, where, angles, adjoints, inverse=True)
    return gradient


def _step(module, parameters):
    """Return a training step of a module whose weights are one parameter."""
    import torch

    def step(X, targets, weights):
        rows = torch.tensor(X, dtype=torch.float32, requires_grad=True)
        with torch.no_grad():
            parameters.copy_(torch.tensor(weights.reshape(parameters.shape)))
        parameters.grad = None
        loss = ((module(rows) - torch.tensor(targets, dtype=torch.float32)) ** 2).mean()
        loss.backward()
        return loss.item(), parameters.grad.numpy().copy(), rows.grad.numpy()

    return step


def skquantum(case, threads):
    import torch

    from skquantum.circuits import AngleEncoding, StronglyEntangling
    from skquantum.torch import QuantumModule

    torch.set_num_threads(threads)
    module = QuantumModule(
        AngleEncoding(n_qubits=case.n_qubits, bandwidth=1.0),
        StronglyEntangling(n_layers=case.n_layers),
        n_features=case.n_qubits,
        reupload=case.reupload,
    )
    return _step(module, module.weights)


def pennylane(case, threads, device="default.qubit", method="backprop"):
    import pennylane as qml
    import torch

    torch.set_num_threads(threads)
    wires = range(case.n_qubits)

    @qml.qnode(qml.device(device, wires=case.n_qubits), interface="torch", diff_method=method)
    def node(inputs, weights):
        for layer in range(case.n_layers):
            if case.encodes(layer):
                qml.AngleEmbedding(inputs, wires, rotation="Y")
            for i in wires:
                # Its Rot is RZ RY RZ, in the order of the weights.
                qml.Rot(*(weights[layer, i, k] for k in range(3)), wires=i)
            for pair in case.ring(layer):
                qml.CNOT(pair)
        return [qml.expval(qml.PauliZ(i)) for i in wires]

    shape = (case.n_layers, case.n_qubits, 3)
    module = qml.qnn.TorchLayer(node, {"weights": shape})
    return _step(module, module.weights)


def torchquantum(case, threads):
    outputs = torchquantum_expectations(case)
    import torch

    torch.set_num_threads(threads if case.n_qubits > 8 else 1)
    weights = torch.nn.Parameter(torch.zeros(case.n_layers, case.n_qubits, 3))
    return _step(lambda rows: outputs(rows, weights), weights)


def qiskit_ml(case, threads):
    import torch
    from qiskit.circuit import ParameterVector, QuantumCircuit
    from qiskit.primitives import StatevectorEstimator
    from qiskit.quantum_info import SparsePauliOp
    from qiskit_machine_learning.connectors import TorchConnector
    from qiskit_machine_learning.gradients import ParamShiftEstimatorGradient
    from qiskit_machine_learning.neural_networks import EstimatorQNN

    torch.set_num_threads(threads)
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
        input_gradients=True,
        gradient=ParamShiftEstimatorGradient(estimator),
        default_precision=0.0,
    )
    module = TorchConnector(network)
    return _step(module, module.weight)


PEERS = {
    "skquantum": Peer(
        "skquantum, QuantumModule",
        "skquantum_torch",
        skquantum,
        ("skquantum", "qsimcirq", "torch"),
    ),
    "torchlayer": Peer(
        "PennyLane TorchLayer, default.qubit", "pltorch", pennylane, ("pennylane", "torch")
    ),
    "torchlayer_lightning": Peer(
        "PennyLane TorchLayer, lightning.qubit",
        "pltorch",
        functools.partial(pennylane, device="lightning.qubit", method="adjoint"),
        ("pennylane", "pennylane-lightning", "torch"),
    ),
    "torchquantum": Peer("torchquantum", "torchquantum", torchquantum, ("torchquantum", "torch")),
    "torchconnector": Peer(
        "qiskit-machine-learning TorchConnector",
        "qiskit",
        qiskit_ml,
        ("qiskit-machine-learning", "qiskit", "torch"),
    ),
}
