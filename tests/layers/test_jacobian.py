"""Derivatives row by row, and the geometry of states, against finite differences and formulas."""

import cirq
import numpy as np
import pytest
import sympy

from skquantum.execution import DenseBackend, QsimBackend, ReferenceBackend, SamplerBackend
from skquantum.layers import QuantumLayer, fubini_study_metric

OPTIONS = {
    "products": ("angle", "real_amplitudes", {}),
    "reupload": ("zz", "hardware_efficient", {"reupload": True}),
    "observables": ("angle", "strongly_entangling", {"observables": "XYZ"}),
    "amplitude": ("amplitude", "real_amplitudes", {}),
    "dense": ("angle", "strongly_entangling", {"backend": DenseBackend()}),
    "noise": ("angle", "real_amplitudes", {"backend": QsimBackend(noise=0.01)}),
    "shifts": ("angle", "real_amplitudes", {"backend": ReferenceBackend()}),
}


def made(name):
    encoding, ansatz, options = OPTIONS[name]
    layer = QuantumLayer(encoding, ansatz, n_features=3, **options)
    rng = np.random.default_rng(0)
    return layer, rng.normal(size=(4, 3)), rng.uniform(0, 2 * np.pi, layer.n_weights)


@pytest.mark.parametrize("name", OPTIONS)
def test_rows_of_the_jacobian_are_gradients_of_single_rows(name):
    layer, X, w = made(name)
    outputs, derivatives = layer.jacobian(X, w)
    np.testing.assert_allclose(outputs, layer.forward(X, w), atol=2e-6)
    for i, row in enumerate(X):
        for k in range(layer.n_outputs):
            one = np.zeros((1, layer.n_outputs))
            one[0, k] = 1.0
            wanted = layer.vjp(row[None], w, one)[1]
            np.testing.assert_allclose(derivatives[i, k], wanted, atol=5e-6)


@pytest.mark.parametrize("name", ["products", "reupload", "amplitude"])
def test_derivatives_of_states_are_finite_differences(name):
    layer, X, w = made(name)
    states, derivatives = layer.states_jacobian(X, w)
    np.testing.assert_allclose(np.linalg.norm(states, axis=1), 1.0, rtol=1e-10)
    step = 1e-5
    for k in range(layer.n_weights):
        move = step * np.eye(layer.n_weights)[k]
        after, before = (layer.states_jacobian(X, w + sign * move)[0] for sign in (1, -1))
        np.testing.assert_allclose(derivatives[..., k], (after - before) / (2 * step), atol=1e-8)


def test_rows_may_have_weights_of_their_own():
    layer, X, _ = made("reupload")
    each = np.random.default_rng(1).normal(size=(len(X), layer.n_weights))
    outputs, derivatives = layer.jacobian(X, each)
    states, moved = layer.states_jacobian(X, each)
    metric = fubini_study_metric(layer, X, each)
    for i, w in enumerate(each):
        one, own = layer.jacobian(X[i : i + 1], w)
        np.testing.assert_allclose(outputs[i], one[0], atol=1e-6)
        np.testing.assert_allclose(derivatives[i], own[0], atol=1e-6)
        one, own = layer.states_jacobian(X[i : i + 1], w)
        np.testing.assert_allclose(states[i], one[0], atol=1e-12)
        np.testing.assert_allclose(moved[i], own[0], atol=1e-12)
        np.testing.assert_allclose(metric[i], fubini_study_metric(layer, X[i : i + 1], w)[0])


def test_the_metric_of_two_rotations_is_known():
    """RY(a) moves all states by a/2; RZ(b) those at the angle a from its axis by sin(a)/2."""
    a, b, q = *sympy.symbols("a b"), cirq.LineQubit(0)
    layer = QuantumLayer.from_circuit(cirq.Circuit(cirq.ry(a)(q), cirq.rz(b)(q)), [], [a, b])
    for angle in (0.0, 0.7, 2.5):
        found = fubini_study_metric(layer, np.empty((1, 0)), np.array([angle, 1.3]))
        wanted = [[[0.25, 0], [0, np.sin(angle) ** 2 / 4]]]
        np.testing.assert_allclose(found, wanted, atol=1e-12)


def test_the_metric_is_the_loss_of_fidelity(monkeypatch):
    layer, X, w = made("observables")
    metric = fubini_study_metric(layer, X, w)
    monkeypatch.setattr("skquantum.layers._metric.AMPLITUDES", 1)
    np.testing.assert_allclose(fubini_study_metric(layer, X, w), metric, atol=1e-14)
    move = 1e-3 * np.random.default_rng(2).normal(size=layer.n_weights)
    here, there = (layer.states_jacobian(X, at)[0] for at in (w - move / 2, w + move / 2))
    lost = 1 - np.abs(np.einsum("ni,ni->n", here.conj(), there)) ** 2
    np.testing.assert_allclose(np.einsum("i,nij,j->n", move, metric, move), lost, rtol=1e-4)


def test_bad_input():
    layer, X, w = made("products")
    for call in (layer.jacobian, layer.states_jacobian):
        with pytest.raises(ValueError, match="weights must have shape"):
            call(X, w[:-1])
        with pytest.raises(ValueError, match="weights must have shape"):
            call(X, np.tile(w, (3, 1)))
        with pytest.raises(ValueError, match=r"weights must be finite, got inf for w_1, number 1"):
            each = np.tile(w, (4, 1))
            each[2, 1] = np.inf
            call(X, each)
        with pytest.raises(ValueError, match="X must have 3 features"):
            call(X[:, :2], w)
    for backend in (QsimBackend(noise=0.01), ReferenceBackend()):
        layer.move_to(backend)
        with pytest.raises(ValueError, match="no derivatives of states"):
            fubini_study_metric(layer, X, w)
    limited = SamplerBackend(cirq.Simulator(), max_circuits=10)
    layer = QuantumLayer("angle", "real_amplitudes", backend=limited, n_features=3)
    with pytest.raises(ValueError, match="max_circuits=10"):
        layer.jacobian(X, w)


def test_a_layer_pickles_and_moves_after_its_derivatives():
    import pickle

    layer, X, w = made("products")
    _, before = layer.jacobian(X, w)
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(layer)).jacobian(X, w)[1], before)
    layer.move_to(DenseBackend())
    np.testing.assert_allclose(layer.jacobian(X, w)[1], before, atol=1e-6)
