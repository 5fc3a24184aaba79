"""The network of convolutions and poolings beyond what holds for every ansatz."""

import cirq
import numpy as np
import pytest
from numpy.testing import assert_allclose

from skquantum.circuits import AngleEncoding, PoolingNetwork, RealAmplitudes, TreeTensor
from skquantum.circuits._pooling import BLOCKS, POOLINGS
from skquantum.layers import QuantumLayer

LINE = cirq.LineQubit.range(8)


def bound(network, n_qubits, seed=0, form="build"):
    symbols = network.symbols(n_qubits)
    weights = np.random.default_rng(seed).uniform(-3, 3, len(symbols))
    circuit = getattr(network, form)(n_qubits)
    return cirq.resolve_parameters(circuit, dict(zip(symbols, weights, strict=True)))


def tangent_rank(network, real=False):
    """Return how many independent directions the weights of one block have."""
    rng = np.random.default_rng(0)
    symbols = network.symbols(2)
    weights = rng.uniform(-3, 3, len(symbols))

    def unitary(weights):
        values = dict(zip(symbols, weights, strict=True))
        return cirq.resolve_parameters(network.build(2), values).unitary(qubit_order=LINE[:2])

    at = unitary(weights).conj().T
    steps = 1e-5 * np.eye(len(symbols))
    slopes = [at @ (unitary(weights + s) - unitary(weights - s)) / 2e-5 for s in steps]
    flat = np.array([np.concatenate([s.real.ravel(), s.imag.ravel()]) for s in slopes])
    assert not real or np.abs(flat[:, 16:]).max() < 1e-9
    return np.linalg.matrix_rank(flat, tol=1e-4)


def test_blocks_reach_all_of_their_group():
    assert tangent_rank(PoolingNetwork("su4", "select")) == 15
    assert tangent_rank(PoolingNetwork("so4", "select"), real=True) == 6


def test_stages_are_those_of_hur_kim_and_park():
    # The order of blocks and poolings in the authors' own code for eight qubits.
    stages = PoolingNetwork("u2").layers(8)
    pairs = [
        [tuple(q.x for q in op.qubits) for op in stage.all_operations() if len(op.qubits) == 2]
        for stage in stages
    ]
    blocks = [(0, 7), (0, 1), (2, 3), (4, 5), (6, 7), (1, 2), (3, 4), (5, 6)]
    pools = [(1, 0), (3, 2), (5, 4), (7, 6)]
    assert sorted(pairs[0]) == sorted(blocks + 2 * pools)
    assert sorted(pairs[1]) == sorted([(0, 6), (0, 2), (4, 6), (2, 4)] + 2 * [(2, 0), (6, 4)])
    assert pairs[2] == [(0, 4), (4, 0), (4, 0)]
    # Blocks that meet act in this order.
    last = {q: [p for p in pairs[0] if q in p and p in blocks] for q in range(8)}
    assert last[0] == [(0, 7), (0, 1)] and last[1] == [(0, 1), (1, 2)]
    assert len(PoolingNetwork("su4").symbols(8)) == 3 * (15 + 2)


def test_pooling_gate_is_crz_x_crx():
    network = PoolingNetwork("u2", n_stages=1)
    circuit, (a, b) = bound(network, 2), LINE[:2]
    w = np.random.default_rng(0).uniform(-3, 3, 4)
    expected = cirq.Circuit(
        cirq.ry(w[0])(a), cirq.ry(w[1])(b), cirq.CX(a, b),
        cirq.rz(w[2])(a).controlled_by(b), cirq.X(b), cirq.rx(w[3])(a).controlled_by(b),
    )  # fmt: skip
    assert_allclose(circuit.unitary(), expected.unitary(), atol=1e-12)


def test_modular_pooling_is_that_of_the_tutorial():
    # two_qubit_pool of TensorFlow Quantum's QCNN tutorial, of powers of Paulis: angles over pi.
    def selector(qubit, w):
        return cirq.Circuit(cirq.X(qubit) ** w[0], cirq.Y(qubit) ** w[1], cirq.Z(qubit) ** w[2])

    circuit, (sink, source) = bound(PoolingNetwork("u2", "modular", n_stages=1), 2), LINE[:2]
    w = np.random.default_rng(0).uniform(-3, 3, 8)
    block = cirq.Circuit(cirq.ry(w[0])(sink), cirq.ry(w[1])(source), cirq.CX(sink, source))
    pool = selector(sink, w[2:5] / np.pi) + selector(source, w[5:8] / np.pi)
    pool += cirq.Circuit(cirq.CX(source, sink)) + selector(sink, w[2:5] / np.pi) ** -1
    cirq.testing.assert_allclose_up_to_global_phase(
        circuit.unitary(), (block + pool).unitary(), atol=1e-12
    )


@pytest.mark.parametrize("n_qubits", range(1, 13))
def test_the_register_halves_from_stage_to_stage(n_qubits):
    network = PoolingNetwork("u2")
    n_stages = max(1, (n_qubits - 1).bit_length())
    assert len(network.layers(n_qubits)) == n_stages
    assert network.kept(n_qubits) == (LINE[0],)
    n_weights = n_stages * (2 + 2) if n_qubits > 1 else 1
    assert len(network.symbols(n_qubits)) == n_weights
    depths = [len(stage) for stage in network.layers(n_qubits)]
    assert max(depths) <= 4 * 2 + 3  # whatever the width of the stage


def test_the_smallest_block_on_four_qubits_is_a_small_circuit():
    operations = list(PoolingNetwork("u2").build(4).all_operations())
    assert len(operations) == 24
    assert sum(len(op.qubits) == 2 for op in operations) == 11


@pytest.mark.parametrize("n_qubits", [4, 5, 8])
@pytest.mark.parametrize("n_outputs", [1, 2, 3, 4])
def test_as_many_qubits_are_kept_as_outputs_are_wanted(n_qubits, n_outputs):
    network = PoolingNetwork("u2", n_outputs=n_outputs)
    kept = network.kept(n_qubits)
    assert len(set(kept)) == n_outputs
    discarded = set(LINE[:n_qubits]) - set(kept)
    pools = [op for op in network.build(n_qubits).all_operations() if op.gate == cirq.X]
    assert {op.qubits[0] for op in pools} == discarded


def test_with_fewer_stages_the_first_active_qubits_are_read_out():
    network = PoolingNetwork("u2", n_outputs=2, n_stages=1)
    assert network.kept(8) == (LINE[0], LINE[2])
    assert len(network.layers(8)) == 1


@pytest.mark.parametrize("convolution", [*BLOCKS, RealAmplitudes(n_layers=2)])
def test_a_stage_repeats_one_block_where_weights_are_shared(convolution):
    network = PoolingNetwork(convolution, "select", n_stages=1)
    block = bound(network, 2).unitary(qubit_order=LINE[:2])
    expected = cirq.Circuit(
        cirq.MatrixGate(block)(LINE[i], LINE[j]) for i, j in [(0, 3), (0, 1), (2, 3), (1, 2)]
    )
    assert_allclose(bound(network, 4).unitary(), expected.unitary(), atol=1e-8)


@pytest.mark.parametrize("pooling", POOLINGS)
@pytest.mark.parametrize("convolution", [*BLOCKS, TreeTensor()])
def test_without_sharing_each_block_has_weights_of_its_own(convolution, pooling):
    n_block = len(PoolingNetwork(convolution, "select").symbols(2))
    n_pool = POOLINGS[pooling][1]
    network = PoolingNetwork(convolution, pooling, share_weights=False)
    assert len(network.symbols(4)) == 5 * n_block + 3 * n_pool
    shared = PoolingNetwork(convolution, pooling)
    assert len(shared.symbols(4)) == 2 * (n_block + n_pool)


# Measurement and feed-forward.


@pytest.mark.parametrize("n_qubits", [2, 3, 4, 6])
@pytest.mark.parametrize("convolution", ["u2", "so4"])
def test_measured_pooling_is_controlled_pooling_on_average(convolution, n_qubits):
    network = PoolingNetwork(convolution, "measured")
    kept = network.kept(n_qubits)
    rho = cirq.final_density_matrix(bound(network, n_qubits), qubit_order=LINE[:n_qubits])
    # Cirq puts each measurement off to the end, onto a qubit of its own.
    deferred = cirq.defer_measurements(bound(network, n_qubits, form="measured_form"))
    deferred = cirq.drop_terminal_measurements(deferred)
    order = sorted(deferred.all_qubits())
    state = deferred.final_state_vector(qubit_order=order)
    found = cirq.density_matrix_from_state_vector(state, [order.index(q) for q in kept])
    exact = cirq.partial_trace(rho.reshape((2,) * 2 * n_qubits), [q.x for q in kept])
    assert_allclose(found, exact.reshape(2, 2), atol=1e-6)


def test_a_simulated_device_that_measures_agrees_within_its_noise():
    network = PoolingNetwork("u2", "measured")
    (kept,) = network.kept(4)
    exact = bound(network, 4, seed=3).final_state_vector(qubit_order=LINE[:4])
    probability = cirq.density_matrix_from_state_vector(exact, [kept.x])[1, 1].real
    assert 0.1 < probability < 0.9
    circuit = bound(network, 4, seed=3, form="measured_form") + cirq.measure(kept, key="out")
    found = cirq.Simulator(seed=0).run(circuit, repetitions=1000).measurements["out"].mean()
    assert abs(found - probability) < 4 * (probability * (1 - probability) / 1000) ** 0.5


def test_discarded_qubits_are_measured_once_and_rest():
    circuit = PoolingNetwork("u2", "measured").measured_form(8)
    measured = [op.qubits[0] for op in circuit.all_operations() if cirq.is_measurement(op)]
    assert sorted(measured) == LINE[1:]
    for qubit in measured:
        *_, last = (op for op in circuit.all_operations() if qubit in op.qubits)
        assert cirq.is_measurement(last)


@pytest.mark.parametrize("pooling", ["modular", "select"])
def test_only_controlled_pooling_has_a_measured_form(pooling):
    with pytest.raises(ValueError, match=f"pooling='{pooling}' has no form with measurements"):
        PoolingNetwork("u2", pooling).measured_form(4)


# As part of a layer.


@pytest.mark.parametrize("pooling", POOLINGS)
@pytest.mark.parametrize("convolution", BLOCKS)
def test_gradient_of_shared_weights(convolution, pooling):
    network = PoolingNetwork(convolution, pooling)
    (kept,) = network.kept(5)
    layer = QuantumLayer(AngleEncoding(), network, [cirq.Z(kept)], n_features=5)
    rng = np.random.default_rng(0)
    X, weights = rng.uniform(0, 3, (4, 5)), rng.uniform(-3, 3, layer.n_weights)
    cotangent = rng.normal(size=(4, 1))
    _, grad = layer.vjp(X, weights, cotangent)
    for direction in rng.normal(size=(3, layer.n_weights)):
        direction /= np.linalg.norm(direction)
        values = [
            (layer.forward(X, weights + h * direction) * cotangent).sum()
            for h in (0.02, -0.02, 0.04, -0.04)
        ]
        slope = (8 * (values[0] - values[1]) - (values[2] - values[3])) / 0.24
        assert grad @ direction == pytest.approx(slope, abs=5e-4)


# Bad input.


def test_unknown_names_are_refused_when_a_circuit_is_asked_for():
    with pytest.raises(ValueError, match="Unknown convolution 'su5'. Did you mean 'su4'"):
        PoolingNetwork("su5").layers(4)
    with pytest.raises(ValueError, match="'pooling' parameter .* Got 'max'"):
        PoolingNetwork("u2", "max").symbols(4)
    with pytest.raises(ValueError, match="'pooling' parameter .* Got 'max'"):
        PoolingNetwork("u2", "max").measured_form(4)


def test_more_outputs_than_qubits():
    with pytest.raises(ValueError, match="n_outputs=5 qubits can't be read out of 4"):
        PoolingNetwork("u2", n_outputs=5).build(4)


def test_more_stages_than_it_takes():
    with pytest.raises(ValueError, match="n_stages=3 is too many: 4 qubits .* in 2"):
        PoolingNetwork("u2", n_stages=3).build(4)
