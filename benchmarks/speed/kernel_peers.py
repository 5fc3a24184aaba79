"""The kernel benchmark's task, its oracle, and one adapter per library.

The task is the training Gram matrix ``|<phi(x)|phi(y)>|^2`` of the ZZ feature map of Havlicek et
al. (2019) with two repetitions and linear entanglement: on every repetition a layer of Hadamards,
phases ``2 x_i``, and phases ``2 (pi - x_i)(pi - x_j)`` on the parity of neighbouring qubits.

An adapter is a function ``(n_qubits, threads) -> gram`` where ``gram(X)`` gives the Gram matrix as
a NumPy array. What can be prepared without seeing the data (circuits, devices, jitted functions)
is prepared in the outer function and is not timed. Only NumPy is imported at the top, because each
adapter runs in the environment of its own library.

Rules that hold for every peer: the angles of all rows are computed in one vectorised step, gates
are the library's own diagonal gates where that is faster (a global phase does not change a
fidelity), states are simulated once per row, and, where the library hands out states, all overlaps
are one matrix product in complex64, the same `gram_of_states` for everybody.
"""

import functools
from collections.abc import Callable
from dataclasses import dataclass

import harness
import numpy as np

REPS = 2
CASES = {"200x8": (200, 8), "1000x8": (1000, 8), "200x12": (200, 12), "500x16": (500, 16)}


def prepare(peer, case, threads):
    return peer.prepare(CASES[case][1], threads)


def inputs(peer, case, seed):
    return (peer.ready(make_data(seed, *CASES[case])),)


def make_data(seed, n_samples, n_qubits):
    """Draw rows near one another, so that the Gram matrix is far from the identity."""
    rng = np.random.default_rng(seed)
    return rng.uniform(0, 1, n_qubits) + 0.03 * rng.normal(size=(n_samples, n_qubits))


def angles(X):
    """Return the single-qubit and the pair phases of one repetition."""
    return 2 * X, 2 * (np.pi - X[:, :-1]) * (np.pi - X[:, 1:])


def all_angles(X):
    """Return all phases of one repetition side by side, in the order of the gates."""
    return np.concatenate(angles(X), axis=1)


def gram_of_states(states):
    """Return the fidelities of the rows of ``states``.

    In real arithmetic, because ``A @ A.T`` of one array is a symmetric product (half the work) in
    NumPy, and real products are better tuned than complex ones: on the machines tried this is
    twice as fast as ``abs(S @ S.conj().T) ** 2`` and as fast as BLAS's ``cherk`` alone.
    """
    states = np.ascontiguousarray(states, dtype=np.complex64)
    pairs = states.view(np.float32)
    real = pairs @ pairs.T
    half = np.ascontiguousarray(states.imag) @ np.ascontiguousarray(states.real).T
    imag = half - half.T
    real *= real
    imag *= imag
    real += imag
    return real


def oracle_states(X):
    """Return the feature map's states from its definition, in complex128."""
    n_samples, n_qubits = X.shape
    bits = (np.arange(2**n_qubits)[:, None] >> np.arange(n_qubits - 1, -1, -1)) & 1
    single, pair = angles(X)
    phases = single @ bits.T + pair @ (bits[:, :-1] ^ bits[:, 1:]).T
    diagonal = np.exp(1j * phases)
    states = np.zeros((n_samples, 2**n_qubits), dtype=complex)
    states[:, 0] = 1
    for _ in range(REPS):
        for qubit in range(n_qubits):
            split = states.reshape(n_samples, 2**qubit, 2, -1)
            zero, one = split[:, :, 0], split[:, :, 1]
            states = np.stack([zero + one, zero - one], axis=2) / np.sqrt(2)
        states = states.reshape(n_samples, -1) * diagonal
    return states


def oracle_gram(X):
    """Return the exact Gram matrix."""
    states = oracle_states(X)
    return np.abs(states @ states.conj().T) ** 2


# --- this package, and the bound it is measured against -----------------------------------------


def skquantum(n_qubits, threads):
    from skquantum.circuits import ZZEncoding
    from skquantum.kernels import FidelityKernel

    encoding = ZZEncoding(n_qubits=n_qubits, reps=REPS, entanglement="linear", bandwidth=1.0)
    return FidelityKernel(encoding)


def cherk(n_qubits, threads):
    from scipy.linalg import blas

    # The transposed view is Fortran-ordered, so nothing is copied; only one triangle is filled.
    return lambda states: blas.cherk(1.0, states.T, trans=2)


@functools.lru_cache(maxsize=1)
def _states_of_case(n_samples, n_qubits):
    return oracle_states(make_data(0, n_samples, n_qubits)).astype(np.complex64)


def states_beforehand(X):
    """Return states for `cherk`, which is timed without simulating (the rows' values are moot)."""
    return _states_of_case(*X.shape)


# --- cirq and qsim ------------------------------------------------------------------------------


def _cirq_circuit(qubits, single, pair, native=True):
    import cirq

    circuit = cirq.Circuit()
    for _ in range(REPS):
        circuit += cirq.H.on_each(*qubits)
        circuit += [cirq.Z(q) ** t for q, t in zip(qubits, single, strict=True)]
        for a, b, t in zip(qubits, qubits[1:], pair, strict=False):
            circuit += (
                cirq.ZZ(a, b) ** t if native else [cirq.CX(a, b), cirq.Z(b) ** t, cirq.CX(a, b)]
            )
    return circuit


def _qsim_sweep(circuit, names, values, threads):
    import cirq
    import qsimcirq

    simulator = qsimcirq.QSimSimulator(qsimcirq.QSimOptions(cpu_threads=threads))

    def gram(X):
        rows = [cirq.ParamResolver(dict(zip(names, row, strict=True))) for row in values(X)]
        results = simulator.simulate_sweep(circuit, rows)
        return gram_of_states(np.stack([result.final_state_vector for result in results]))

    return gram


def qsim_sweep(n_qubits, threads):
    import cirq
    import sympy

    symbols = sympy.symbols(f"t:{2 * n_qubits - 1}")
    qubits = cirq.LineQubit.range(n_qubits)
    circuit = _cirq_circuit(qubits, symbols[:n_qubits], symbols[n_qubits:])
    names = [symbol.name for symbol in symbols]
    return _qsim_sweep(circuit, names, lambda X: (all_angles(X) / np.pi).tolist(), threads)


def qsim_sweep_expressions(n_qubits, threads):
    import cirq
    import sympy

    x = sympy.symbols(f"x:{n_qubits}")
    single = [2 * a / sympy.pi for a in x]
    pair = [2 * (sympy.pi - a) * (sympy.pi - b) / sympy.pi for a, b in zip(x, x[1:], strict=False)]
    circuit = _cirq_circuit(cirq.LineQubit.range(n_qubits), single, pair, native=False)
    return _qsim_sweep(circuit, [a.name for a in x], lambda X: X.tolist(), threads)


def tensorflow_quantum(n_qubits, threads):
    import os

    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    os.environ.setdefault("TF_USE_LEGACY_KERAS", "1")
    import cirq
    import sympy
    import tensorflow as tf
    import tensorflow_quantum as tfq
    from tensorflow_quantum.core.ops import tfq_simulate_ops

    symbols = sympy.symbols(f"t:{2 * n_qubits - 1}")
    qubits = cirq.GridQubit.rect(1, n_qubits)
    circuit = _cirq_circuit(qubits, symbols[:n_qubits], symbols[n_qubits:])
    program = tfq.convert_to_tensor([circuit])
    names = tf.constant([symbol.name for symbol in symbols])

    def gram(X):
        values = tf.constant(all_angles(X) / np.pi, dtype=tf.float32)
        programs = tf.repeat(program, len(X))
        # What tfq.get_state_op() calls, without its copy into a ragged tensor (a third of the
        # time at 16 qubits).
        return gram_of_states(tfq_simulate_ops.tfq_simulate_state(programs, names, values).numpy())

    return gram


# --- JAX: tensorcircuit-ng and PennyLane --------------------------------------------------------


def _jax_angles(x):
    return 2 * x, 2 * (np.pi - x[:-1]) * (np.pi - x[1:])


def _tensorcircuit_states(n_qubits):
    import jax
    import tensorcircuit as tc

    tc.set_backend("jax")
    tc.set_dtype("complex64")

    def state(x):
        single, pair = _jax_angles(x)
        circuit = tc.Circuit(n_qubits)
        for _ in range(REPS):
            for i in range(n_qubits):
                circuit.h(i)
            for i in range(n_qubits):
                circuit.rz(i, theta=single[i])
            for i in range(n_qubits - 1):
                circuit.rzz(i, i + 1, theta=pair[i])
        return circuit.state()

    return jax.vmap(state)


def tensorcircuit_jit(n_qubits, threads):
    import jax

    states = _tensorcircuit_states(n_qubits)

    @jax.jit
    def gram(X):
        # Real products: XLA's complex product on a CPU takes two to three times as long.
        S = states(X)
        a, b = S.real, S.imag
        half = b @ a.T
        return (a @ a.T + b @ b.T) ** 2 + (half - half.T) ** 2

    return lambda X: np.asarray(gram(X.astype(np.float32)))


def tensorcircuit_blas(n_qubits, threads):
    import jax

    states = jax.jit(_tensorcircuit_states(n_qubits))
    return lambda X: gram_of_states(np.asarray(states(X.astype(np.float32))))


def _pennylane_rotations(single, pair):
    """Queue the circuit; the last axis of the angles runs over the gates."""
    import pennylane as qml

    n_qubits = single.shape[-1]
    for _ in range(REPS):
        for i in range(n_qubits):
            qml.Hadamard(i)
        for i in range(n_qubits):
            qml.RZ(single[..., i], i)
        for i in range(n_qubits - 1):
            qml.IsingZZ(pair[..., i], [i, i + 1])


def pennylane_jax(n_qubits, threads):
    import jax
    import pennylane as qml

    @qml.qnode(qml.device("default.qubit", wires=n_qubits), interface="jax", diff_method=None)
    def node(single, pair):
        _pennylane_rotations(single, pair)
        return qml.state()

    states = jax.jit(jax.vmap(lambda x: node(*_jax_angles(x))))
    return lambda X: gram_of_states(np.asarray(states(X.astype(np.float32))))


def pennylane_broadcast(n_qubits, threads):
    import pennylane as qml

    device = qml.device("default.qubit", wires=n_qubits)

    def gram(X):
        single, pair = angles(X)
        # default.qubit has fast paths for these gates but not for IsingZZ.
        layer = [qml.Hadamard(i) for i in range(n_qubits)]
        layer += [qml.PhaseShift(single[:, i], i) for i in range(n_qubits)]
        for i in range(n_qubits - 1):
            wires = [i, i + 1]
            layer += [qml.CNOT(wires), qml.PhaseShift(pair[:, i], i + 1), qml.CNOT(wires)]
        tape = qml.tape.QuantumScript(layer * REPS, [qml.state()])
        return gram_of_states(device.execute(tape))

    return gram


def pennylane_lightning(n_qubits, threads):
    import pennylane as qml

    device = qml.device("lightning.qubit", wires=n_qubits, c_dtype=np.complex64)
    hadamards = [qml.Hadamard(i) for i in range(n_qubits)]

    def tape(single, pair):
        layer = hadamards + [qml.RZ(a, i) for i, a in enumerate(single)]
        layer += [qml.IsingZZ(a, [i, i + 1]) for i, a in enumerate(pair)]
        return qml.tape.QuantumScript(layer * REPS, [qml.state()])

    def gram(X):
        single, pair = angles(X)
        # No broadcasting on this device. Scripts straight to the device cost a quarter of the
        # time of calling a QNode per row.
        tapes = [tape(*row) for row in zip(single.tolist(), pair.tolist(), strict=True)]
        return gram_of_states(np.stack(device.execute(tapes)))

    return gram


# --- qulacs, Qiskit, sQUlearn -------------------------------------------------------------------


def qulacs(n_qubits, threads):
    import os

    # Its threads start at fewer qubits by default, where two of them gain nothing and lose much
    # as soon as one has to wait for a core.
    os.environ.setdefault("QULACS_PARALLEL_NQUBIT_THRESHOLD", "14")
    from qulacs import ParametricQuantumCircuit, QuantumState

    circuit = ParametricQuantumCircuit(n_qubits)
    for _ in range(REPS):
        for i in range(n_qubits):
            circuit.add_H_gate(i)
        for i in range(n_qubits):
            circuit.add_parametric_RZ_gate(i, 0.0)
        for i in range(n_qubits - 1):
            circuit.add_parametric_multi_Pauli_rotation_gate([i, i + 1], [3, 3], 0.0)
    state = QuantumState(n_qubits)

    def gram(X):
        states = np.empty((len(X), 2**n_qubits), dtype=np.complex64)
        # qulacs turns the other way round: its RZ(t) is exp(+i t Z / 2).
        for row, values in enumerate(np.tile(-all_angles(X), REPS).tolist()):
            for index, value in enumerate(values):
                circuit.set_parameter(index, value)
            state.set_zero_state()
            circuit.update_quantum_state(state)
            states[row] = state.get_vector()
        return gram_of_states(states)

    return gram


def _qiskit_circuit(n_qubits):
    """Return the map with one parameter per angle: cheaper to bind than expressions of data."""
    from qiskit.circuit import ParameterVector, QuantumCircuit

    x = ParameterVector("x", 2 * n_qubits - 1)
    circuit = QuantumCircuit(n_qubits)
    for _ in range(REPS):
        circuit.h(range(n_qubits))
        for i in range(n_qubits):
            circuit.rz(x[i], i)
        for i in range(n_qubits - 1):
            circuit.rzz(x[n_qubits + i], i, i + 1)
    return circuit


def qiskit_ml(n_qubits, threads):
    from qiskit_machine_learning.kernels import FidelityStatevectorKernel

    kernel = FidelityStatevectorKernel(feature_map=_qiskit_circuit(n_qubits))
    return lambda X: kernel.evaluate(all_angles(X))


def qiskit_states(n_qubits, threads):
    from qiskit.quantum_info import Statevector

    circuit = _qiskit_circuit(n_qubits)

    def gram(X):
        states = np.empty((len(X), 2**n_qubits), dtype=np.complex64)
        for row, values in enumerate(all_angles(X)):
            states[row] = Statevector(circuit.assign_parameters(values)).data
        return gram_of_states(states)

    return gram


def squlearn(n_qubits, threads):
    from squlearn import Executor
    from squlearn.encoding_circuit import QiskitEncodingCircuit
    from squlearn.kernel import FidelityKernel

    encoding = QiskitEncodingCircuit(_qiskit_circuit(n_qubits))
    kernel = FidelityKernel(encoding, Executor("qulacs"))
    return lambda X: kernel.evaluate(all_angles(X))


def squlearn_states(n_qubits, threads):
    from qc_executor import Parameters
    from squlearn import Executor
    from squlearn.encoding_circuit import QiskitEncodingCircuit

    executor = Executor("qulacs")
    encoding = QiskitEncodingCircuit(_qiskit_circuit(n_qubits))
    circuit = encoding.get_circuit(Parameters("x", 2 * n_qubits - 1), None)
    return lambda X: gram_of_states(executor.statevector(circuit, x=all_angles(X)))


@dataclass(frozen=True)
class Peer(harness.Peer):
    """One row of the table.

    Attributes
    ----------
    use : str
        How the library is used, for the reader of the table.
    ready : callable
        Untimed step from the data to what ``gram`` receives.
    bound : bool
        Whether this is the bare product, a bound and not a peer.
    """

    use: str
    ready: Callable = staticmethod(lambda X: X)
    bound: bool = False


PEERS = {
    "skquantum": Peer(
        "skquantum",
        "skquantum",
        skquantum,
        ("skquantum", "qsimcirq", "scipy"),
        "`FidelityKernel(ZZEncoding(...))(X)`",
    ),
    "cherk": Peer(
        "bare product (cherk)",
        "skquantum",
        cherk,
        ("scipy",),
        "`scipy.linalg.blas.cherk` on complex64 states made beforehand",
        ready=states_beforehand,
        bound=True,
    ),
    "qsim": Peer(
        "qsim sweep",
        "peers",
        qsim_sweep,
        ("qsimcirq", "cirq-core"),
        "`QSimSimulator.simulate_sweep`, native `ZZ**t`, one symbol per angle",
    ),
    "qsim_expressions": Peer(
        "qsim sweep, expressions",
        "peers",
        qsim_sweep_expressions,
        ("qsimcirq", "cirq-core"),
        "the same with `CX`, `Z**t`, `CX` and sympy expressions of the data, as one writes it "
        "at first",
    ),
    "tensorcircuit": Peer(
        "tensorcircuit-ng + JAX",
        "peers",
        tensorcircuit_jit,
        ("tensorcircuit-ng", "jax"),
        "states by `vmap`, the product in real arithmetic, all in one `jit`",
    ),
    "tensorcircuit_blas": Peer(
        "tensorcircuit-ng + JAX + BLAS",
        "peers",
        tensorcircuit_blas,
        ("tensorcircuit-ng", "jax"),
        "states by `jit(vmap)`, the product by NumPy's BLAS",
    ),
    "pennylane_jax": Peer(
        "PennyLane default.qubit + JAX",
        "peers",
        pennylane_jax,
        ("pennylane", "jax"),
        "states by `jit(vmap(qnode))`, `IsingZZ`",
    ),
    "pennylane": Peer(
        "PennyLane default.qubit",
        "peers",
        pennylane_broadcast,
        ("pennylane",),
        "one broadcast script to the device, `PhaseShift` and `CNOT` (its fast paths)",
    ),
    "lightning": Peer(
        "PennyLane lightning.qubit",
        "peers",
        pennylane_lightning,
        ("pennylane", "pennylane-lightning"),
        "complex64, all scripts in one `device.execute`, `IsingZZ`",
    ),
    "qulacs": Peer(
        "qulacs",
        "peers",
        qulacs,
        ("qulacs",),
        "one `ParametricQuantumCircuit`, parameters set per row, Pauli rotations",
    ),
    "qiskit_ml": Peer(
        "qiskit-machine-learning",
        "qiskit",
        qiskit_ml,
        ("qiskit-machine-learning", "qiskit"),
        "`FidelityStatevectorKernel` (states once per row, overlaps one by one), `rzz`",
    ),
    "qiskit": Peer(
        "Qiskit Statevector",
        "qiskit",
        qiskit_states,
        ("qiskit",),
        "the same circuit, `Statevector` per row, one product",
    ),
    "squlearn": Peer(
        "sQUlearn",
        "squlearn",
        squlearn,
        ("squlearn", "qulacs"),
        "`FidelityKernel` on its qulacs executor (overlaps one by one)",
    ),
    "squlearn_states": Peer(
        "sQUlearn states",
        "squlearn",
        squlearn_states,
        ("squlearn", "qulacs"),
        "`Executor.statevector` of all rows on qulacs, one product",
    ),
    "tfq": Peer(
        "TensorFlow Quantum",
        "tfq",
        tensorflow_quantum,
        ("tensorflow-quantum", "tensorflow", "cirq-core"),
        "`tfq_simulate_state` on all rows at once, native `ZZ**t`",
    ),
}
