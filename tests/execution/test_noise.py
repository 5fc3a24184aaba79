"""Laws of noise: it is what Cirq's density matrix simulator computes, with exact gradients."""

import sys

import cirq
import numpy as np
import pytest
import sympy
from hypothesis import given, settings
from hypothesis import strategies as st

from skquantum.execution import QsimBackend
from skquantum.execution._measurement import compute_uncompute
from skquantum.execution._noise import run as noisy
from skquantum.execution._noise.models import (
    noisy_operations,
    readout_operations,
)
from skquantum.execution._noise.resolve import resolve_noise
from skquantum.layers import QuantumLayer
from tests.execution.strategies import SYMBOLS, circuits, observables, values
from tests.execution.test_qsim import layered

DENSITY = cirq.DensityMatrixSimulator(dtype=np.complex128)


class BeforeMeasurement(cirq.NoiseModel):
    """Flips bits before they are read, more often on some qubits, and damps idle qubits."""

    def noisy_moment(self, moment, system_qubits):
        if any(cirq.is_measurement(op) for op in moment):
            errors = [0.05 + 0.02 * i for i in range(len(system_qubits))]
            pairs = zip(errors, system_qubits, strict=True)
            return [*(cirq.asymmetric_depolarize(e, 0, e / 3)(q) for e, q in pairs), moment]
        idle = [q for q in system_qubits if not moment.operates_on([q])]
        return [moment, *cirq.amplitude_damp(0.1).on_each(*idle)]


class Confused(cirq.NoiseModel):
    """Reads ones as zeros by a confusion matrix, and couples neighbours."""

    def noisy_moment(self, moment, system_qubits):
        if not any(cirq.is_measurement(op) for op in moment):
            pairs = zip(system_qubits[::2], system_qubits[1::2], strict=False)
            return [moment, *(cirq.depolarize(0.03, n_qubits=2)(*pair) for pair in pairs)]
        matrix = np.array([[0.97, 0.03], [0.1, 0.9]])
        return [
            cirq.measure(*op.qubits, key=str(op.qubits), confusion_map={(0,): matrix})
            for op in moment
        ]


def thermal(qubits):
    durations = {cirq.XPowGate: 25.0, cirq.YPowGate: 25.0, cirq.CXPowGate: 40.0}
    return cirq.devices.ThermalNoiseModel(
        qubits=set(qubits),
        gate_durations_ns={
            **durations,
            cirq.Rx: 25.0,
            cirq.Ry: 25.0,
            cirq.HPowGate: 25.0,
            cirq.ZZPowGate: 40.0,
        },
        cool_rate_GHz=2e-3,
        heat_rate_GHz=1e-4,
        dephase_rate_GHz=1e-3,
        require_physical_tag=False,
    )


CHANNELS = {
    "depolarizing": cirq.depolarize(0.03),
    "amplitude damping": cirq.amplitude_damp(0.1),
    "generalised": cirq.generalized_amplitude_damp(0.7, 0.1),
    "phase damping": cirq.phase_damp(0.2),
    "asymmetric": cirq.asymmetric_depolarize(0.02, 0.05, 0.1),
    "reset": cirq.ResetChannel(),
}
MODELS = {name: cirq.ConstantQubitNoiseModel(channel) for name, channel in CHANNELS.items()}
MODELS["prepended"] = cirq.ConstantQubitNoiseModel(cirq.amplitude_damp(0.1), prepend=True)
MODELS["read-out"] = BeforeMeasurement()
MODELS["confusion"] = Confused()


def bound(circuit, row, symbols=SYMBOLS):
    # Bound first: Cirq's simulators split circuits with symbols, and moments with them.
    return cirq.resolve_parameters(circuit, dict(zip(symbols, row, strict=True)))


def oracle(circuit, model, row):
    """Return the density matrix of one row by Cirq's simulator."""
    simulator = cirq.DensityMatrixSimulator(dtype=np.complex128, noise=model)
    return simulator.simulate(bound(circuit, row)).final_density_matrix


def oracle_expectations(circuit, model, row, sums):
    """Return what sampling with the model's read-out error gives on average."""
    qubits = sorted(circuit.all_qubits())
    rho = oracle(circuit, model, row)
    to_z = {cirq.X: cirq.Y**-0.5, cirq.Y: cirq.X**0.5, cirq.Z: cirq.I}

    def mean(string):
        tail = cirq.Circuit(cirq.Moment(to_z[string.get(q, cirq.Z)](q) for q in qubits))
        tail += measured(model, qubits)
        total = 0.0
        for bits, p in outcomes(tail, rho, qubits):
            total += p * np.prod([1 - 2 * bits[qubits.index(q)] for q in string])
        return total

    return [
        sum(s.coefficient.real * (mean(s) if len(s) else 1.0) for s in total) for total in sums
    ]


def measured(model, qubits):
    """Return a measurement with its noise, each operation in a moment of its own."""
    moments = model.noisy_moments([cirq.Moment(cirq.measure(q) for q in qubits)], qubits)
    return cirq.Circuit(cirq.Moment(op) for op in cirq.flatten_to_ops(moments))


def outcomes(tail, rho, qubits):
    """Yield bits and probabilities of a measurement with noise, confusion matrices included."""
    before, confusion, read = cirq.Circuit(), {}, set()
    for op in tail.all_operations():
        if cirq.is_measurement(op):
            for matrix in op.gate.confusion_map.values():
                confusion[qubits.index(*op.qubits)] = matrix
        elif not any(qubits.index(q) in read for q in op.qubits):
            before.append(op)
        read.update(map(qubits.index, op.qubits) if cirq.is_measurement(op) else ())
    rho = DENSITY.simulate(before, initial_state=rho, qubit_order=qubits).final_density_matrix
    p = np.diag(rho).real.reshape((2,) * len(qubits))
    for axis, matrix in confusion.items():
        p = np.moveaxis(np.tensordot(matrix.T, p, (1, axis)), 0, axis)
    return [(bits, p[bits]) for bits in np.ndindex(*p.shape)]


# ---------------------------------------------------------------- values


@given(st.data(), st.sampled_from(sorted(MODELS)))
@settings(max_examples=40, deadline=None)
def test_expectations_equal_cirqs_density_matrices(data, name):
    circuit = data.draw(circuits(max_qubits=4, max_gates=6))
    qubits = sorted(circuit.all_qubits())
    sums = [data.draw(observables(qubits)) for _ in range(data.draw(st.integers(1, 3)))]
    X, model = values(2), MODELS[name]
    np.testing.assert_allclose(
        QsimBackend(noise=model, n_threads=1).expectations(circuit, SYMBOLS, X, sums),
        [oracle_expectations(circuit, model, row, sums) for row in X],
        rtol=0,
        atol=2e-5,  # as without noise: coefficients up to 2, up to four strings
    )


@given(circuits(max_qubits=4, max_gates=6), st.sampled_from(sorted(MODELS)))
@settings(max_examples=40, deadline=None)
def test_density_matrices_equal_cirqs(circuit, name):
    X = values(3)
    matrices = QsimBackend(noise=MODELS[name]).density_matrices(circuit, SYMBOLS, X)
    expected = [oracle(circuit, MODELS[name], row) for row in X]
    np.testing.assert_allclose(matrices, expected, rtol=0, atol=2e-6)


def test_thermal_noise():
    circuit, X = layered(3), values(2)
    model = thermal(sorted(circuit.all_qubits()))
    matrices = QsimBackend(noise=model).density_matrices(circuit, SYMBOLS, X)
    expected = [oracle(circuit, model, row) for row in X]
    assert np.abs(np.trace(expected @ np.array(expected), axis1=1, axis2=2)).max() < 0.95
    np.testing.assert_allclose(matrices, expected, rtol=0, atol=2e-6)


@given(circuits(max_qubits=3, max_gates=4), st.sampled_from(sorted(MODELS)))
@settings(max_examples=20, deadline=None)
def test_overlaps_are_the_mean_of_both_orders_of_compute_uncompute(circuit, name):
    model, X = MODELS[name], values(2)
    both, left, right = compute_uncompute(circuit.freeze(), SYMBOLS)
    qubits = sorted(circuit.all_qubits())

    def zeros(x, y):
        rho = oracle_state(both, model, np.hstack([x, y]), (*left, *right))
        tail = cirq.Circuit(cirq.I.on_each(*qubits)) + measured(model, qubits)
        return outcomes(tail, rho, qubits)[0][1]

    expected = [[(zeros(x, y) + zeros(y, x)) / 2 for y in X] for x in X]
    gram = QsimBackend(noise=model).overlaps(circuit, SYMBOLS, X)
    np.testing.assert_allclose(gram, expected, rtol=0, atol=5e-6)
    np.testing.assert_array_equal(gram, gram.T)
    cross = QsimBackend(noise=model).overlaps(circuit, SYMBOLS, X, X[:1])
    np.testing.assert_allclose(cross, gram[:, :1], rtol=0, atol=1e-6)


def oracle_state(circuit, model, row, symbols):
    simulator = cirq.DensityMatrixSimulator(dtype=np.complex128, noise=model)
    return simulator.simulate(bound(circuit, row, symbols)).final_density_matrix


def test_overlaps_by_tiles(monkeypatch):
    circuit, X, Y = layered(), values(23, 1), values(11, 2)
    backend = QsimBackend(noise=0.02)
    expected = backend.overlaps(circuit, SYMBOLS, X), backend.overlaps(circuit, SYMBOLS, X, Y)
    small = QsimBackend(noise=0.02, max_memory=2**16)
    np.testing.assert_allclose(small.overlaps(circuit, SYMBOLS, X), expected[0], atol=1e-6)
    np.testing.assert_allclose(small.overlaps(circuit, SYMBOLS, X, Y), expected[1], atol=1e-6)


def test_a_number_is_the_strength_of_a_depolarizing_channel():
    circuit, X, z = layered(), values(4), [cirq.Z(cirq.LineQubit(1))]
    number = QsimBackend(noise=0.03).expectations(circuit, SYMBOLS, X, z)
    model = QsimBackend(noise=MODELS["depolarizing"]).expectations(circuit, SYMBOLS, X, z)
    np.testing.assert_array_equal(number, model)
    without = QsimBackend(noise=0.0).expectations(circuit, SYMBOLS, X, z)
    np.testing.assert_array_equal(without, QsimBackend().expectations(circuit, SYMBOLS, X, z))


def test_models_that_cirq_calls_equal_are_not_mixed_up():
    # Cirq's equality overlooks `prepend`.
    circuit = cirq.Circuit(cirq.X(cirq.LineQubit(0)))
    channel, z = cirq.amplitude_damp(0.5), [cirq.Z(cirq.LineQubit(0))]
    means = [
        QsimBackend(noise=cirq.ConstantQubitNoiseModel(channel, prepend=first)).expectations(
            circuit, [], np.empty((1, 0)), z
        )
        for first in (False, True)
    ]
    # Before the gate there is nothing to damp, but before the measurement there is.
    np.testing.assert_allclose(means, [[[0.0]], [[0.0]]], atol=1e-6)
    matrices = [
        QsimBackend(noise=cirq.ConstantQubitNoiseModel(channel, prepend=first)).density_matrices(
            circuit, [], np.empty((1, 0))
        )[0, 1, 1]
        for first in (False, True)
    ]
    np.testing.assert_allclose(matrices, [0.5, 1.0], atol=1e-6)


def test_a_row_does_not_depend_on_its_neighbours():
    circuit, X = layered(4), values(100)
    backend = QsimBackend(noise=0.02)
    z = [cirq.Z(q) for q in cirq.LineQubit.range(4)]
    whole = backend.expectations(circuit, SYMBOLS, X, z)
    for rows in (slice(0, 1), slice(3, 20), slice(50, 100)):
        part = backend.expectations(circuit, SYMBOLS, X[rows], z)
        np.testing.assert_allclose(part, whole[rows], rtol=0, atol=1e-12)


def test_observables_that_are_constants():
    circuit, X = layered(), values(3)
    identity = cirq.PauliSum.from_pauli_strings([cirq.PauliString(coefficient=2.5)])
    for options in ({"noise": 0.1}, {"shots": 10}, {"noise": 0.1, "method": "trajectories"}):
        out = QsimBackend(**options).expectations(circuit, SYMBOLS, X, [identity])
        np.testing.assert_array_equal(out, np.full((3, 1), 2.5))


# ---------------------------------------------------------------- gradients


@pytest.mark.parametrize("n_qubits", [2, 4])
@pytest.mark.parametrize("name", ["depolarizing", "amplitude damping", "read-out", "confusion"])
@pytest.mark.parametrize("gradient", ["adjoint", "parameter-shift"])
def test_gradients_equal_finite_differences(n_qubits, name, gradient):
    x, y, z = SYMBOLS
    q = cirq.LineQubit.range(n_qubits)
    circuit = layered(n_qubits) + cirq.Circuit(
        cirq.ry(y + 0.3).on_each(*q), cirq.givens(z)(q[0], q[1]), cirq.ZZ(q[0], q[1]) ** z
    )
    sums = [cirq.Z(q[0]) * cirq.X(q[1]) + 0.5 * cirq.Y(q[1]), cirq.Z(q[1]) * 1.0]
    backend = QsimBackend(noise=MODELS[name], n_threads=1)
    evaluator = backend.evaluator(circuit, (x,), (y, z), sums, gradient=gradient)
    X, weights = values(3)[:, :1], np.array([0.4, 0.7])
    cotangent = np.random.default_rng(0).normal(size=(3, 2))
    outputs, pullback = evaluator.forward_vjp(X, weights)
    np.testing.assert_allclose(outputs, evaluator.forward(X, weights), rtol=0, atol=3e-6)
    grad_X, grad_weights = pullback(cotangent)

    def loss(X, weights):
        # By Cirq, in double precision.
        rows = np.hstack([X, np.tile(weights, (len(X), 1))])
        means = [oracle_expectations(circuit, MODELS[name], row, sums) for row in rows]
        return np.sum(cotangent * means)

    sums = [cirq.PauliSum.wrap(s) for s in sums]
    step = 1e-4
    for i, direction in enumerate(np.eye(2)):
        ahead, behind = (loss(X, weights + sign * step * direction) for sign in (1, -1))
        assert grad_weights[i] == pytest.approx((ahead - behind) / (2 * step), abs=2e-5)
    shift = np.array([[0.0], [step], [0.0]])
    ahead, behind = loss(X + shift, weights), loss(X - shift, weights)
    assert grad_X[1, 0] == pytest.approx((ahead - behind) / (2 * step), abs=2e-5)
    # A second call of the pullback, and one without gradients for the data.
    np.testing.assert_allclose(pullback(cotangent)[1], grad_weights, rtol=0, atol=1e-6)
    lean = evaluator.forward_vjp(X, weights, data_gradient=False)[1](cotangent)[1]
    np.testing.assert_allclose(lean, grad_weights, rtol=0, atol=5e-6)


@pytest.mark.parametrize("reupload", [False, True])
def test_layers_train_with_noise(reupload):
    def layer(backend):
        return QuantumLayer(
            "angle", "strongly_entangling", n_features=4, reupload=reupload, backend=backend
        )

    rng = np.random.default_rng(1)
    noisy_layer, cotangent = layer(QsimBackend(noise=0.01)), rng.normal(size=(5, 4))
    assert noisy_layer.gradient == "adjoint"
    X, weights = rng.normal(size=(5, 4)), rng.normal(size=noisy_layer.n_weights)
    out, pullback = noisy_layer.forward_vjp(X, weights)
    direction = rng.normal(size=weights.shape)
    step = 1e-3
    ahead, behind = (
        np.sum(cotangent * noisy_layer.forward(X, weights + sign * step * direction))
        for sign in (1, -1)
    )
    slope = pullback(cotangent)[1] @ direction
    assert slope == pytest.approx((ahead - behind) / (2 * step), abs=2e-3)
    pure = layer(QsimBackend()).forward(X, weights)
    assert np.abs(out).mean() < 0.9 * np.abs(pure).mean()


def test_expressions_without_a_derivative_still_have_values():
    x = SYMBOLS[0]
    circuit = cirq.Circuit(cirq.ry(sympy.zeta(x + 9))(cirq.LineQubit(0)))
    backend, z = QsimBackend(noise=0.1), [cirq.Z(cirq.LineQubit(0))]
    out = backend.expectations(circuit, SYMBOLS, values(2), z)
    assert np.isfinite(out).all()
    with pytest.raises(ValueError, match="not differentiable"):
        backend.evaluator(circuit, SYMBOLS, (), z)


# ---------------------------------------------------------------- trajectories


def test_trajectories_agree_with_density_matrices_within_their_error():
    circuit, X = layered(3), values(3)
    q = cirq.LineQubit.range(3)
    sums = [cirq.Z(q[0]) * cirq.Z(q[1]) + 0.5 * cirq.X(q[2]), cirq.Y(q[1]) * 1.0]
    exact = QsimBackend(noise=MODELS["read-out"]).expectations(circuit, SYMBOLS, X, sums)
    backend = QsimBackend(
        noise=MODELS["read-out"], method="trajectories", n_trajectories=2000, seed=1
    )
    means, errors = backend.expectations_with_error(circuit, SYMBOLS, X, sums)
    assert errors.min() > 0 and errors.max() < 1.3 / np.sqrt(2000)  # of values in [-1.5, 1.5]
    assert np.abs((means - exact) / errors).max() < 4
    np.testing.assert_array_equal(backend.expectations(circuit, SYMBOLS, X, sums), means)
    np.testing.assert_array_equal(backend.expectations(circuit, SYMBOLS, X[1:], sums), means[1:])
    assert backend.default_gradient == "parameter-shift"


def test_trajectories_with_shots_and_overlaps():
    circuit, X = layered(2), values(3)
    z = [cirq.Z(cirq.LineQubit(0))]
    exact = QsimBackend(noise=0.05)
    by_chance = QsimBackend(noise=0.05, method="trajectories", shots=2000, seed=3)
    means, errors = by_chance.expectations_with_error(circuit, SYMBOLS, X, z)
    expected = exact.expectations(circuit, SYMBOLS, X, z)
    assert np.abs((means - expected) / errors).max() < 4
    gram = by_chance.overlaps(circuit, SYMBOLS, X)
    np.testing.assert_array_equal(gram, gram.T)
    expected = exact.overlaps(circuit, SYMBOLS, X)
    # Each pair is run in one order, the exact values are means of both: 5e-3 at this noise.
    assert np.abs(gram - expected).max() < 4 * 0.5 / np.sqrt(2000) + 5e-3
    cross = by_chance.overlaps(circuit, SYMBOLS, X, X[:1])
    assert cross.shape == (3, 1)


def test_own_rotation_forms_run_by_trajectories():
    layer = QuantumLayer(
        "angle",
        "strongly_entangling",
        n_features=2,
        backend=QsimBackend(noise=0.1, method="trajectories", n_trajectories=40, seed=0),
    )
    assert layer.gradient == "parameter-shift"
    assert layer.forward(np.ones((2, 2)), np.zeros(layer.n_weights)).shape == (2, 2)


def test_auto_takes_trajectories_for_wide_circuits(monkeypatch):
    circuit, X = layered(3), values(2)
    z = [cirq.Z(cirq.LineQubit(0))]
    backend = QsimBackend(noise=0.1, n_trajectories=20, seed=0)
    assert not backend.expectations_with_error(circuit, SYMBOLS, X, z)[1].any()
    monkeypatch.setattr(noisy, "DENSITY_QUBITS", 2)
    assert backend.expectations_with_error(circuit, SYMBOLS, X, z)[1].all()
    with pytest.raises(ValueError, match="'parameter-shift'"):
        backend.evaluator(circuit, SYMBOLS, (), z, gradient="adjoint")
    with pytest.raises(ValueError, match="method='density'"):
        backend.density_matrices(circuit, SYMBOLS, X)
    wide = QsimBackend(noise=0.1, method="density", max_memory=1000)
    with pytest.raises(ValueError, match="method='trajectories'"):
        wide.expectations(circuit, SYMBOLS, X, z)


# ---------------------------------------------------------------- devices


@pytest.mark.parametrize("device", ["willow_pink", "rainbow"])
@pytest.mark.parametrize("n_qubits", [1, 3, 4])
def test_devices_equal_cirqs_simulation_of_the_compiled_circuit(device, n_qubits):
    pytest.importorskip("cirq_google")
    x, y, z = SYMBOLS
    q = cirq.LineQubit.range(n_qubits)
    circuit = layered(n_qubits) + cirq.Circuit(cirq.H(q[0]) ** x)
    if n_qubits > 2:  # neighbours that the device does not have
        circuit += cirq.Circuit(
            cirq.CX(q[0], q[2]) ** y, cirq.CCZ(*q[:3]) ** z, cirq.ISWAP(q[-1], q[0])
        )
    circuit = circuit.freeze()
    noise = resolve_noise(device)
    physical, places = noise.on_device(circuit)
    X = values(2)
    names = dict(zip(q, places, strict=True))
    sums = [cirq.Z(a) * 1.0 for a in q]
    ideal = QsimBackend().expectations(circuit, SYMBOLS, X, sums)
    moved = [s.transform_qubits(names) for s in sums]
    placed = [
        DENSITY.simulate_expectation_values(
            bound(physical, row), moved, qubit_order=sorted(places)
        )
        for row in X
    ]
    np.testing.assert_allclose(placed, ideal, atol=1e-5)  # compiled rightly

    expected = []
    for row in X:
        operations = noisy_operations(bound(physical, row).freeze(), noise, places)
        whole = cirq.Circuit(
            cirq.I.on_each(*places), operations, readout_operations(noise, places)
        )
        expected.append(
            DENSITY.simulate_expectation_values(whole, moved, qubit_order=sorted(places))
        )
    backend = QsimBackend(noise=device)
    np.testing.assert_allclose(
        backend.expectations(circuit, SYMBOLS, X, sums), np.real(expected), rtol=0, atol=5e-6
    )
    gram = backend.overlaps(circuit, SYMBOLS, X)
    assert 0 < gram[0, 1] < gram[0, 0] < 1


def test_device_circuits_use_its_gates_and_connections():
    cirq_google = pytest.importorskip("cirq_google")
    device = cirq_google.engine.create_device_from_processor_id("willow_pink")
    physical, places = resolve_noise("willow_pink").on_device(layered(4).freeze())
    device.validate_circuit(bound(physical, values(1)[0]))
    assert len(set(places)) == 4


def test_gradients_on_a_device():
    pytest.importorskip("cirq_google")
    layer = QuantumLayer(
        "angle",
        "real_amplitudes",
        n_features=2,
        backend=QsimBackend(noise="willow_pink"),
    )
    X, weights = np.array([[0.3, 0.8]]), np.linspace(0.1, 1, layer.n_weights)
    slope = layer.vjp(X, weights, np.ones((1, 2)))[1][0]
    step = 1e-3 * np.eye(layer.n_weights)[0]
    ahead, behind = layer.forward(X, weights + step), layer.forward(X, weights - step)
    assert slope == pytest.approx(np.sum(ahead - behind) / 2e-3, abs=1e-3)


# ---------------------------------------------------------------- bad input


class Leaky(cirq.Gate):
    """A channel that loses probability."""

    def _num_qubits_(self):
        return 1

    def _kraus_(self):
        return [np.eye(2) * 0.9]

    def __repr__(self):
        return "Leaky()"


class Elsewhere(cirq.NoiseModel):
    def noisy_moment(self, moment, system_qubits):
        return [moment, cirq.depolarize(0.1)(cirq.NamedQubit("far"))]


class Symbolic(cirq.NoiseModel):
    def noisy_moment(self, moment, system_qubits):
        return [moment, cirq.Y(system_qubits[0]) ** sympy.Symbol("drift")]


class Wide(cirq.NoiseModel):
    def noisy_moment(self, moment, system_qubits):
        return [moment, cirq.depolarize(0.1, n_qubits=4)(*system_qubits)]


@pytest.mark.parametrize(
    ("model", "message"),
    [(Symbolic(), r"symbols \['drift'\] receive no values"), (Wide(), "a channel on 4 qubits")],
)
def test_noise_that_can_not_be_compiled_is_refused(model, message):
    for method in ("density", "trajectories"):
        backend = QsimBackend(noise=model, method=method)
        with pytest.raises(ValueError, match=message):
            backend.expectations(layered(4), SYMBOLS, values(1), [cirq.Z(cirq.LineQubit(0))])


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"noise": 1.5}, ValueError, "noise=1.5 is no probability"),
        ({"noise": -0.1}, ValueError, "noise=-0.1 is no probability"),
        ({"noise": float("nan")}, ValueError, "noise=nan is no probability"),
        ({"noise": True}, TypeError, "'noise' parameter of QsimBackend must not be True"),
        (
            {"noise": [0.1]},
            TypeError,
            "'noise' .* 'float', .*NoiseModel' or None. Got .0.1. instead",
        ),
        ({"noise": cirq.depolarize(0.1)}, TypeError, "ConstantQubitNoiseModel"),
        (
            {"noise": cirq.ConstantQubitNoiseModel(Leaky())},
            ValueError,
            r"does not preserve the trace: the Kraus operators of .*Leaky\(\)",
        ),
        ({"noise": Elsewhere()}, ValueError, "on qubits that the circuit lacks"),
        ({"noise": 0.1, "method": "densities"}, ValueError, "Did you mean 'density'"),
        ({"method": "exact"}, ValueError, "'method' .* among .*'density'.*Got 'exact'"),
        (
            {"noise": 0.1, "n_trajectories": 1},
            ValueError,
            r"'n_trajectories' .* an int in the range \[2, inf",
        ),
        (
            {"noise": 0.1, "seed": -1},
            ValueError,
            r"'seed' .* an int in the range \[0, inf\) or None",
        ),
        ({"noise": 0.1, "seed": 0.5}, ValueError, r"'seed' .* an int in .* or None. Got 0.5"),
    ],
)
def test_bad_noise_is_refused(options, error, message):
    backend = QsimBackend(**options)
    circuit, z = layered(), [cirq.Z(cirq.LineQubit(0))]
    with pytest.raises(error, match=message):
        backend.expectations(circuit, SYMBOLS, values(2), z)
    with pytest.raises(error, match=message):
        backend.overlaps(circuit, SYMBOLS, values(2))


@pytest.mark.parametrize("method", ["density", "trajectories"])
def test_leaks_are_said_whatever_the_method(method):
    backend = QsimBackend(noise=cirq.ConstantQubitNoiseModel(Leaky()), method=method)
    with pytest.raises(ValueError, match="does not preserve the trace"):
        backend.expectations(layered(), SYMBOLS, values(1), [cirq.Z(cirq.LineQubit(0))])


def test_states_with_noise_are_refused():
    for backend in (QsimBackend(noise=0.1), QsimBackend(shots=5)):
        with pytest.raises(ValueError, match=r"no state vectors .* density_matrices\(\)"):
            backend.states(layered(), SYMBOLS, values(1))


def test_unknown_devices_and_missing_extra(monkeypatch):
    pytest.importorskip("cirq_google")
    z = [cirq.Z(cirq.LineQubit(0))]
    with pytest.raises(ValueError, match="Did you mean 'willow_pink'"):
        QsimBackend(noise="wilow_pink").expectations(layered(), SYMBOLS, values(1), z)
    line = cirq.LineQubit.range(24)
    wide = cirq.Circuit(cirq.ry(SYMBOLS[0]).on_each(*line))
    with pytest.raises(ValueError, match="24 qubits, and device 'rainbow' has no more than 23"):
        QsimBackend(noise="rainbow").expectations(wide, SYMBOLS, values(1), [cirq.Z(line[0])])
    monkeypatch.setitem(sys.modules, "cirq_google", None)
    monkeypatch.setitem(sys.modules, "cirq_google.engine", None)
    with pytest.raises(ImportError, match=r"pip install '\.\[google\]'"):
        QsimBackend(noise="weber").expectations(layered(), SYMBOLS, values(1), z)


def test_noise_clones_and_pickles():
    import pickle

    from sklearn.base import clone

    circuit, X, z = layered(), values(2), [cirq.Z(cirq.LineQubit(0))]
    for noise in (0.1, MODELS["prepended"], "willow_pink"):
        backend = QsimBackend(noise=noise, shots=50, seed=4)
        expected = backend.expectations(circuit, SYMBOLS, X, z)
        for copy in (clone(backend), pickle.loads(pickle.dumps(backend))):
            np.testing.assert_array_equal(copy.expectations(circuit, SYMBOLS, X, z), expected)
