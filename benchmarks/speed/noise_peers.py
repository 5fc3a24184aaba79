"""The noise benchmark's task, its oracle, and one adapter per library.

The task: every Z of 100 rows, exactly, under depolarizing noise. Rows are encoded by RY rotations;
strongly entangling layers (Schuld et al. 2020) follow: on each qubit RZ, RY, RZ by three weights,
then a ring of CNOTs whose range grows from layer to layer. With `reupload` the rows are encoded
before every layer. Gates are packed into moments as early as they can be within a layer's ring;
after every moment each qubit is depolarized with probability 0.01 (X, Y and Z a third each).

An adapter is a function ``(case, threads) -> call`` where ``call(X, weights)`` takes float64 NumPy
arrays, ``weights`` of shape (n_layers, 3, n_qubits), and gives every Z, shape (n_rows, n_qubits).
What can be prepared without seeing them is prepared in the outer function and is not timed. Only
NumPy is imported at the top, because each adapter runs in the environment of its own library.
"""

import functools
from dataclasses import dataclass

import numpy as np
from harness import Peer

STRENGTH = 0.01
STANDARD_ERROR = 0.01  # of the peer that is not exact


@dataclass(frozen=True)
class Case:
    """Sizes of the task."""

    n_qubits: int
    n_layers: int = 3
    reupload: bool = False
    n_rows: int = 100

    @property
    def title(self):
        data = ", data before each" if self.reupload else ""
        return f"{self.n_qubits} qubits, {self.n_layers} layers{data}"

    @functools.cached_property
    def moments(self):
        """The circuit: "X", or "Z" or "Y" with a layer and an index, or pairs for CNOTs."""
        out = []
        for layer in range(self.n_layers):
            if self.reupload or layer == 0:
                out.append(("X",))
            out += [(axis, layer, k) for k, axis in enumerate("ZYZ")]
            out += [("CNOT", pairs) for pairs in self._ring(layer)]
        return out

    def _ring(self, layer):
        n = self.n_qubits
        moments, last = [], [0] * n
        for i in range(n):
            pair = i, (i + layer % (n - 1) + 1) % n
            time = max(last[q] for q in pair)
            if time == len(moments):
                moments.append([])
            moments[time].append(pair)
            for q in pair:
                last[q] = time + 1
        return moments


# In the order of their cost.
CASES = {"a": Case(4), "c": Case(4, reupload=True), "b": Case(6), "d": Case(6, reupload=True)}


def prepare(peer, case, threads):
    return peer.prepare(CASES[case], threads)


def inputs(peer, case, seed):
    """Draw rows and weights."""
    size, rng = CASES[case], np.random.default_rng(seed)
    X = rng.uniform(-np.pi / 2, np.pi / 2, (size.n_rows, size.n_qubits))
    return X, rng.uniform(0, 2 * np.pi, (size.n_layers, 3, size.n_qubits))


def z_signs(n_qubits):
    """Return the eigenvalues of every Z, shape (2 ** n_qubits, n_qubits)."""
    bits = (np.arange(2**n_qubits)[:, None] >> np.arange(n_qubits - 1, -1, -1)) & 1
    return 1.0 - 2.0 * bits


# --- the oracle ---------------------------------------------------------------------------------


PAULIS = [
    np.array([[0, 1], [1, 0]], dtype=complex),
    np.array([[0, -1j], [1j, 0]]),
    np.diag([1.0 + 0j, -1.0]),
]


def oracle(case, X, weights):
    """Return every Z from the definition: density matrices row by row, in complex128."""
    return np.array([_oracle_row(case, x, weights) for x in X])


def _oracle_row(case, x, weights):
    n = case.n_qubits
    rho = np.zeros((2**n, 2**n), dtype=complex)
    rho[0, 0] = 1
    for kind, *rest in case.moments:
        if kind == "CNOT":
            gates = [_cnot(n, *pair) for pair in rest[0]]
        else:
            angles = x if kind == "X" else weights[tuple(rest)]
            axis = PAULIS[2] if kind == "Z" else PAULIS[1]
            gates = [_on_qubit(_turn(axis, angle), q, n) for q, angle in enumerate(angles)]
        for gate in gates:
            rho = gate @ rho @ gate.conj().T
        for q in range(n):
            errors = sum(p @ rho @ p for p in _paulis(q, n))
            rho = (1 - STRENGTH) * rho + STRENGTH / 3 * errors
    return np.diag(rho).real @ z_signs(n)


@functools.cache
def _paulis(qubit, n_qubits):
    return [_on_qubit(pauli, qubit, n_qubits) for pauli in PAULIS]


def _turn(axis, angle):
    return np.cos(angle / 2) * np.eye(2) - 1j * np.sin(angle / 2) * axis


def _on_qubit(matrix, qubit, n_qubits):
    return np.kron(np.kron(np.eye(2**qubit), matrix), np.eye(2 ** (n_qubits - qubit - 1)))


def _cnot(n_qubits, control, target):
    index = np.arange(2**n_qubits)
    flip = ((index >> (n_qubits - 1 - control)) & 1) << (n_qubits - 1 - target)
    return np.eye(2**n_qubits)[index ^ flip]


# --- Cirq's circuit, for this package, Cirq and qsim --------------------------------------------


def cirq_circuit(case):
    """Return the circuit without noise, the names of the data and those of the weights."""
    import cirq
    import sympy

    qubits = cirq.LineQubit.range(case.n_qubits)
    data = [f"x_{i}" for i in range(case.n_qubits)]
    names = np.array([f"w_{i}" for i in range(case.n_layers * 3 * case.n_qubits)])
    names = names.reshape(case.n_layers, 3, case.n_qubits)
    circuit = cirq.Circuit()
    for kind, *rest in case.moments:
        if kind == "CNOT":
            operations = [cirq.CX(qubits[a], qubits[b]) for a, b in rest[0]]
        else:
            turn = cirq.rz if kind == "Z" else cirq.ry
            angles = data if kind == "X" else names[tuple(rest)]
            operations = [
                turn(sympy.Symbol(str(a)))(q) for a, q in zip(angles, qubits, strict=True)
            ]
        circuit += cirq.Moment(operations)
    return circuit, data, [str(name) for name in names.ravel()]


def skquantum(case, threads):
    from skquantum.execution import QsimBackend
    from skquantum.layers import QuantumLayer

    circuit, data, weights = cirq_circuit(case)
    backend = QsimBackend(noise=STRENGTH)
    layer = QuantumLayer.from_circuit(circuit, data, weights, backend=backend)
    return lambda X, weights: layer.forward(X, weights.ravel())


def noisy_rows(case):
    """Return a function from rows and weights to Cirq circuits with noise and numbers.

    Gates with numbers are made anew for each row, which takes less time than to resolve symbols.
    """
    import cirq

    qubits = cirq.LineQubit.range(case.n_qubits)
    noise = cirq.Moment(cirq.depolarize(STRENGTH).on_each(*qubits))
    fixed = {
        i: cirq.Moment(cirq.CX(qubits[a], qubits[b]) for a, b in rest[0])
        for i, (kind, *rest) in enumerate(case.moments)
        if kind == "CNOT"
    }

    def turns(kind, angles):
        turn = cirq.rz if kind == "Z" else cirq.ry
        return cirq.Moment(turn(a)(q) for a, q in zip(angles.tolist(), qubits, strict=True))

    def circuits(X, weights):
        shared = {
            i: turns(kind, weights[tuple(rest)])
            for i, (kind, *rest) in enumerate(case.moments)
            if kind in "ZY"
        }
        for x in X:
            own = turns("X", x)
            moments = [shared.get(i) or fixed.get(i) or own for i in range(len(case.moments))]
            yield cirq.Circuit(m for moment in moments for m in (moment, noise))

    return circuits, qubits


def cirq_density(case, threads):
    import cirq

    circuits, qubits = noisy_rows(case)
    simulator = cirq.DensityMatrixSimulator(dtype=np.complex64, split_untangled_states=False)
    signs = z_signs(case.n_qubits)

    def call(X, weights):
        matrices = (
            simulator.simulate(circuit, qubit_order=qubits).final_density_matrix
            for circuit in circuits(X, weights)
        )
        return np.array([np.diag(rho).real @ signs for rho in matrices])

    return call


def qsim_trajectories(case, threads):
    import cirq
    import qsimcirq

    circuits, qubits = noisy_rows(case)
    observables = [cirq.PauliSum.wrap(cirq.Z(q)) for q in qubits]
    # As many trajectories as give the standard error, from the spread of single ones.
    pilot, *_ = circuits(*inputs(None, next(k for k, c in CASES.items() if c == case), 0))
    once = qsimcirq.QSimSimulator(seed=0).simulate_expectation_values_sweep(
        pilot, observables, [cirq.ParamResolver()] * 300
    )
    spread = np.array(once).real.std(axis=0).max()
    options = qsimcirq.QSimOptions(
        cpu_threads=1,  # more gain nothing on states of this size
        ev_noisy_repetitions=int(np.ceil((spread / STANDARD_ERROR) ** 2)),
    )
    simulator = qsimcirq.QSimSimulator(options, seed=1)

    def call(X, weights):
        return np.array(
            [
                simulator.simulate_expectation_values(circuit, observables)
                for circuit in circuits(X, weights)
            ]
        ).real

    return call


# --- PennyLane ----------------------------------------------------------------------------------


def _pennylane_node(case, interface):
    import pennylane as qml

    n = case.n_qubits
    device = qml.device("default.mixed", wires=n)

    # Without backpropagation the device leaves JAX for NumPy, at eight times the cost.
    @qml.qnode(device, interface=interface, diff_method="backprop")
    def node(x, weights):
        for kind, *rest in case.moments:
            for i in range(n):
                if kind == "X":
                    qml.RY(x[..., i], i)
                elif kind == "Z":
                    qml.RZ(weights[rest[0], rest[1], i], i)
                elif kind == "Y":
                    qml.RY(weights[rest[0], rest[1], i], i)
            if kind == "CNOT":
                for pair in rest[0]:
                    qml.CNOT(pair)
            for i in range(n):
                qml.DepolarizingChannel(STRENGTH, i)
        return qml.probs(wires=range(n))

    return node


def pennylane(case, threads):
    node, signs = _pennylane_node(case, "numpy"), z_signs(case.n_qubits)
    return lambda X, weights: np.asarray(node(X, weights)) @ signs


def pennylane_jax(case, threads, broadcast):
    import jax

    node, signs = _pennylane_node(case, "jax"), z_signs(case.n_qubits).astype(np.float32)
    batched = node if broadcast else jax.vmap(node, in_axes=(0, None))
    compiled = jax.jit(lambda X, weights: batched(X, weights) @ signs)
    return lambda X, weights: np.asarray(compiled(X, weights))


PEERS = {
    "skquantum": Peer("skquantum", "skquantum", skquantum, ("skquantum", "qsimcirq")),
    "pennylane_jax": Peer(
        "PennyLane default.mixed + JAX, vmap",
        "peers",
        functools.partial(pennylane_jax, broadcast=False),
        ("pennylane", "jax"),
    ),
    "pennylane_broadcast": Peer(
        "PennyLane default.mixed + JAX, broadcast",
        "peers",
        functools.partial(pennylane_jax, broadcast=True),
        ("pennylane", "jax"),
    ),
    "pennylane": Peer("PennyLane default.mixed", "peers", pennylane, ("pennylane",)),
    "cirq": Peer("Cirq DensityMatrixSimulator", "peers", cirq_density, ("cirq-core",)),
    "trajectories": Peer(
        "qsim trajectories, standard error 0.01",
        "peers",
        qsim_trajectories,
        ("qsimcirq", "cirq-core"),
    ),
}
