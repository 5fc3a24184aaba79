"""The backend in double precision."""

import cirq
import numpy as np
import pytest
from numpy.testing import assert_allclose

from skquantum import VariationalClassifier
from skquantum.circuits import AngleEncoding, StronglyEntangling, ZZEncoding
from skquantum.execution import DenseBackend, QsimBackend, ReferenceBackend
from skquantum.kernels import FidelityKernel
from skquantum.layers import QuantumLayer
from skquantum.testing import check_backend, check_layer

RNG = np.random.default_rng(0)


def test_the_laws_of_backends_hold_in_double_precision():
    check_backend(DenseBackend(), tolerance=1e-12)


@pytest.mark.parametrize("encoding", [AngleEncoding(), ZZEncoding(reps=1), "reuploading"])
@pytest.mark.parametrize("n_features", [1, 3, 8])
def test_gradients_are_good_to_rounding(encoding, n_features):
    ansatz = StronglyEntangling(n_layers=1)
    layer = QuantumLayer(encoding, ansatz, "XZ", DenseBackend(), n_features=n_features)
    assert layer.gradient == "adjoint"
    X, w = RNG.normal(size=(4, n_features)), RNG.normal(size=layer.n_weights)
    cotangent = RNG.normal(size=(4, layer.n_outputs))
    grad_X, grad_w = layer.vjp(X, w, cotangent)
    along_X, along_w, step = RNG.normal(size=X.shape), RNG.normal(size=w.shape), 1e-5
    ahead, behind = (
        (layer.forward(X + sign * along_X, w + sign * along_w) * cotangent).sum()
        for sign in (step, -step)
    )
    want = (ahead - behind) / (2 * step)
    assert want == pytest.approx((grad_X * along_X).sum() + grad_w @ along_w, rel=1e-7, abs=1e-8)
    slow = QuantumLayer(encoding, ansatz, "XZ", ReferenceBackend(), n_features=n_features)
    assert_allclose(layer.forward(X, w), slow.forward(X, w), rtol=0, atol=1e-12)


def test_it_keeps_the_laws_of_layers():
    check_layer(QuantumLayer("angle", "real_amplitudes", "XYZ", DenseBackend(), n_features=2))


def test_rows_come_in_chunks(monkeypatch):
    layer = QuantumLayer("angle", "strongly_entangling", backend=DenseBackend(), n_features=2)
    X, w = RNG.normal(size=(50, 2)), RNG.normal(size=layer.n_weights)
    outputs, pullback = layer.forward_vjp(X, w)
    grads = pullback(np.ones_like(outputs))
    monkeypatch.setattr("skquantum.execution._dense_backend.AMPLITUDES", 1)
    again, pullback = layer.forward_vjp(X, w)
    assert_allclose(again, outputs, rtol=0, atol=1e-13)
    for one, other in zip(pullback(np.ones_like(outputs)), grads, strict=True):
        assert_allclose(one, other, rtol=0, atol=1e-11)


def test_estimators_run_on_it():
    X = RNG.normal(size=(30, 2))
    y = (X.prod(axis=1) > 0).astype(int)
    exact = FidelityKernel("angle", DenseBackend())(X)
    assert_allclose(exact, FidelityKernel("angle", ReferenceBackend())(X), rtol=0, atol=1e-12)
    model = VariationalClassifier(backend=DenseBackend(), random_state=0).fit(X, y)
    other = VariationalClassifier(backend=QsimBackend(), random_state=0).fit(X, y)
    assert_allclose(model.decision_function(X), other.decision_function(X), rtol=0, atol=0.05)


def test_wide_registers_are_refused():
    circuit = cirq.Circuit(cirq.H.on_each(cirq.LineQubit.range(9)))
    with pytest.raises(ValueError, match="at most 8 qubits, got 9. Use QsimBackend"):
        DenseBackend().states(circuit, [], np.empty((1, 0)))
    with pytest.raises(ValueError, match="at most 8 qubits, got 9"):
        QuantumLayer(
            AngleEncoding(n_qubits=9), "tree_tensor", backend=DenseBackend(), n_features=9
        )
