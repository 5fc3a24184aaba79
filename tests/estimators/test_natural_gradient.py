"""Natural gradients: the metric of the states, and steps that are divided by it."""

import cirq
import numpy as np
import pytest
import sympy
from numpy.testing import assert_allclose
from sklearn.datasets import make_moons

from skquantum import QLSTMRegressor, VariationalClassifier, VariationalRegressor
from skquantum.circuits import AngleEncoding, RealAmplitudes
from skquantum.estimators import FidelityLoss, label_observables
from skquantum.estimators._solvers import DAMPING, natural
from skquantum.execution import DenseBackend, QsimBackend, ReferenceBackend
from skquantum.layers import QuantumLayer

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

X, Y = make_moons(60, noise=0.1, random_state=0)
A, B, C = cirq.LineQubit.range(3)
W = sympy.symbols("w_0:4")
SHORT = {"n_layers": 1, "max_iter": 4, "random_state": 0}


def layer_of(circuit, data=(), weights=W):
    used = [w for w in weights if w in {sympy.Symbol(n) for n in cirq.parameter_names(circuit)}]
    return QuantumLayer.from_circuit(circuit, data, used, backend=DenseBackend())


def test_one_qubit_has_the_metric_of_the_sphere():
    # Colatitude a and longitude b: (da^2 + sin(a)^2 db^2) / 4.
    layer = layer_of(cirq.Circuit(cirq.ry(W[0])(A), cirq.rz(W[1])(A)))
    for a, b in ((0.3, 2.0), (1.2, -1.0), (np.pi / 2, 0.0)):
        found = layer.metric(np.empty((1, 0)), np.array([a, b]))
        assert_allclose(found, np.diag([1, np.sin(a) ** 2]) / 4, atol=1e-12)


def test_blocks_of_a_layer_are_covariances_of_its_generators():
    # As in Stokes et al.: rotations of one layer commute, and K_i = P_i / 2 in the state
    # before them; g_ij = <K_i K_j> - <K_i> <K_j>. The circuit is of the kind that they draw.
    before = cirq.Circuit(
        cirq.ry(np.pi / 4)(A), cirq.ry(np.pi / 3)(B), cirq.ry(np.pi / 7)(C), cirq.CX(A, B)
    )
    first = cirq.Circuit(cirq.rz(W[0])(A), cirq.rz(W[1])(B))
    between = cirq.Circuit(cirq.CX(A, B), cirq.CX(B, C))
    second = cirq.Circuit(cirq.ry(W[2])(B), cirq.rx(W[3])(C))
    circuit = before + first + between + second + cirq.Circuit(cirq.CX(A, B), cirq.CX(B, C))
    weights = np.array([0.432, -0.123, 0.543, 0.233])
    values = dict(zip(map(str, W), weights, strict=True))
    found = layer_of(circuit).metric(np.empty((1, 0)), weights)
    layers = [
        (before, (cirq.Z(A), cirq.Z(B)), slice(0, 2)),
        (before + first + between, (cirq.Y(B), cirq.X(C)), slice(2, 4)),
    ]
    for prefix, paulis, block in layers:
        circuit = cirq.resolve_parameters(prefix, values)
        qubits = {A: 0, B: 1, C: 2}
        state = circuit.final_state_vector(qubit_order=[A, B, C], dtype=complex)

        def mean(string, state=state, qubits=qubits):
            return string.expectation_from_state_vector(state, qubits).real

        want = [
            [(mean(cirq.PauliString(p) * q) - mean(1.0 * p) * mean(1.0 * q)) / 4 for p in paulis]
            for q in paulis
        ]
        # In double precision but for the state of the check itself.
        assert_allclose(found[block, block], want, atol=1e-6)


@pytest.mark.parametrize("reupload", [False, True, "trainable"])
def test_the_metric_is_how_fast_fidelity_falls(reupload):
    layer = QuantumLayer(
        AngleEncoding(), RealAmplitudes(2), n_features=2, reupload=reupload, backend=DenseBackend()
    )
    rng = np.random.default_rng(0)
    weights, weight = rng.normal(size=layer.n_weights), rng.uniform(0.5, 2, 5)
    rows, symbols = X[:5], (*layer.data_symbols, *layer.weight_symbols)

    def states(weights):
        at = np.hstack([rows, np.tile(weights, (len(rows), 1))])
        return DenseBackend().states(layer.circuit, symbols, at)

    found = layer.metric(rows, weights, weight)
    assert_allclose(found, found.T, atol=1e-14)
    assert np.linalg.eigvalsh(found).min() > -1e-12
    step = 1e-4
    for direction in rng.normal(size=(3, len(weights))):
        ahead, behind = (states(weights + s * direction) for s in (step / 2, -step / 2))
        fidelity = abs(np.einsum("ri,ri->r", ahead.conj(), behind)) ** 2
        distance = np.average(1 - fidelity, weights=weight) / step**2
        assert_allclose(distance, direction @ found @ direction, rtol=1e-5)
    fast = QuantumLayer(AngleEncoding(), RealAmplitudes(2), n_features=2, reupload=reupload)
    assert_allclose(fast.metric(rows, weights, weight), found, atol=1e-12)


def test_rows_in_pieces(monkeypatch):
    layer = QuantumLayer("angle", "strongly_entangling", n_features=2)
    weights = np.random.default_rng(0).normal(size=layer.n_weights)
    whole = layer.metric(X, weights)
    monkeypatch.setattr("skquantum.layers._layer.METRIC_NUMBERS", 4 * (1 + layer.n_weights) * 7)
    assert_allclose(layer.metric(X, weights), whole, atol=1e-12)
    each = [layer.metric(row[None], weights) for row in X]
    assert_allclose(np.mean(each, axis=0), whole, atol=1e-12)


def test_a_step_is_the_gradient_divided_by_the_metric():
    rng = np.random.default_rng(0)
    root = rng.normal(size=(3, 3))
    metric, theta, grad = root @ root.T, rng.normal(size=5), rng.normal(size=5)
    want = theta[:3] - 0.1 * np.linalg.solve(metric + DAMPING * np.eye(3), grad[:3])
    slots = {}
    natural(theta, grad, slots, 1, 0.1, part=slice(0, 3), metric=metric)
    assert_allclose(theta[:3], want)
    assert set(slots) == {"mean", "square"}


def test_a_flat_direction_does_not_run_away():
    # The state does not depend on a rotation about Z at its pole.
    layer = layer_of(cirq.Circuit(cirq.rz(W[0])(A), cirq.ry(W[1])(A)))
    metric = layer.metric(np.empty((1, 0)), np.array([0.3, 0.2]))
    theta = np.array([0.3, 0.2])
    natural(theta, np.array([0.0, 0.25]), {}, 1, 1.0, part=slice(0, 2), metric=metric)
    assert_allclose(theta, [0.3, 0.2 - 0.25 / (0.25 + DAMPING)])


def steps_to(solver, target, seed):
    model = VariationalClassifier(
        "angle",
        n_qubits=1,
        n_layers=3,
        observables=label_observables(2),
        readout=None,
        loss=FidelityLoss(),
        solver=solver,
        learning_rate=0.05,
        max_iter=300,
        tol=0,
        random_state=seed,
    ).fit(X, Y)
    curve = np.array(model.loss_curve_)
    return int(np.argmax(curve < target)) if (curve < target).any() else len(curve)


@pytest.mark.parametrize("seed", range(6))
def test_it_needs_fewer_steps_than_gradient_descent(seed, monkeypatch):
    steps = steps_to("natural", 0.22, seed)
    # With the same metric in all directions it is gradient descent: of the same rate, and of steps
    # as long as those of a rotation that moves the state as far as it can.
    for size in (1, 1 / 4):
        same = size * np.eye(9)
        monkeypatch.setattr(QuantumLayer, "metric", lambda *_, same=same: same)
        assert 1.4 * steps < steps_to("natural", 0.22, seed)


def test_estimators_train_by_it():
    y = np.sin(2 * X[:, 0])
    model = VariationalRegressor(solver="natural", max_iter=100, random_state=0).fit(X, y)
    assert model.score(X, y) > 0.9
    assert model.n_iter_ == len(model.loss_curve_)
    labels = VariationalClassifier(solver="natural", batch_size=20, random_state=0, max_iter=50)
    assert labels.fit(X, Y, sample_weight=np.linspace(0.5, 2, 60)).score(X, Y) > 0.85
    batch = VariationalClassifier(solver="natural").partial_fit(X, Y, classes=[0, 1])
    assert batch.partial_fit(X, Y).n_iter_ == 2
    tuned = VariationalClassifier(solver="natural", reupload="trainable", embedding="linear")
    tuned.set_params(**SHORT).fit(X, Y)


def test_blocks_of_wide_rows_add_up():
    wide = np.random.default_rng(0).normal(size=(20, 10))
    model = VariationalClassifier(solver="natural", **SHORT).fit(wide, wide[:, 0] > 0)
    theta = model._theta
    part, found = model._head.metric(theta, wide, np.ones(20))
    index = model.encoding_.blocks(10)
    each = [model.layer_.metric(wide[:, block], theta[part]) for block in index]
    assert_allclose(found, np.sum(each, axis=0), atol=1e-12)


WITHOUT = QsimBackend(noise=0.01), QsimBackend(shots=10, seed=0), ReferenceBackend()


@pytest.mark.parametrize("backend", WITHOUT, ids=repr)
def test_backends_without_derivatives_are_refused_at_once(backend):
    model = VariationalClassifier(solver="natural", backend=backend, **SHORT)
    with pytest.raises(ValueError, match="solver='natural' needs derivatives of states"):
        model.fit(X, Y)
    assert not hasattr(model, "weights_")


def test_a_wide_register_is_refused_at_once():
    model = VariationalClassifier(solver="natural", n_qubits=9, embedding=None, **SHORT)
    with pytest.raises(ValueError, match="solver='natural' needs.*at most 8 qubits"):
        model.fit(np.ones((6, 9)) * np.arange(6)[:, None], [0, 1] * 3)


def test_models_without_a_metric_do_not_know_it():
    with pytest.raises(ValueError, match="Unknown solver 'natural'"):
        QLSTMRegressor(solver="natural").fit(np.zeros((9, 4)), np.arange(9.0))
