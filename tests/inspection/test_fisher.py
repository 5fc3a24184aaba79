"""Fisher information against closed forms, finite differences, its quantum bound, and a number."""

import cirq
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
import sympy
from scipy.special import softmax

from skquantum import QuantumKernelSVC, VariationalClassifier, VariationalRegressor
from skquantum.estimators import label_observables
from skquantum.execution import DenseBackend, QsimBackend, ReferenceBackend
from skquantum.inspection import FisherInformation, fisher_information
from skquantum.layers import QuantumLayer, fubini_study_metric

A, B, X0 = sympy.symbols("a b x_0")
Q = cirq.LineQubit(0)
NO_ROWS = np.empty((1, 0))


def layer_of(*gates, weights=(A,), data=()):
    return QuantumLayer.from_circuit(cirq.Circuit(*gates), data, weights)


def test_one_rotation_tells_as_much_at_every_angle():
    """cos^2(a/2) and sin^2(a/2): (dp)^2/p adds up to 1, whatever a is and comes before."""
    angles = np.linspace(0.01, 6.2, 40)[:, None]
    for outcomes in ("basis", "parity"):
        found = fisher_information(layer_of(cirq.ry(A)(Q)), weights=angles, outcomes=outcomes)
        np.testing.assert_allclose(found.matrices, 1.0, rtol=1e-10)
        np.testing.assert_array_equal(found.weights, angles)
    loaded = layer_of(cirq.ry(X0)(Q), cirq.ry(A)(Q), data=(X0,))
    found = fisher_information(loaded, np.linspace(-2, 2, 7)[:, None], random_state=0)
    np.testing.assert_allclose(found.matrices, 1.0, rtol=1e-10)


def test_a_product_of_rotations_and_its_parity():
    """Basis states: the unit matrix. Parity: z is a product of cosines."""
    symbols = sympy.symbols("w_:3")
    layer = layer_of(
        *(cirq.ry(w)(q) for w, q in zip(symbols, cirq.LineQubit.range(3), strict=True)),
        weights=symbols,
    )
    w = np.array([[0.4, 1.1, 2.3], [1.0, 5.0, 0.2]])
    found = fisher_information(layer, weights=w)
    np.testing.assert_allclose(found.matrices, [np.eye(3)] * 2, atol=1e-10)
    z = np.cos(w).prod(axis=1)
    slopes = -np.tan(w) * z[:, None]
    wanted = slopes[:, :, None] * slopes[:, None] / (1 - z**2)[:, None, None]
    found = fisher_information(layer, weights=w, outcomes="parity")
    np.testing.assert_allclose(found.matrices, wanted, rtol=1e-8)
    assert found.ranks().tolist() == [1, 1]


def test_redundant_weights_have_rank_one():
    found = fisher_information(
        layer_of(cirq.ry(A)(Q), cirq.ry(B)(Q), weights=(A, B)), weights=20, random_state=0
    )
    np.testing.assert_allclose(found.matrices, np.ones((20, 2, 2)), rtol=1e-9)
    np.testing.assert_allclose(found.eigenvalues(), [[0, 2]] * 20, atol=1e-9)
    assert found.ranks().tolist() == [1] * 20


def test_effective_dimensions_in_closed_form():
    sizes = np.array([100, 10**4, 10**9])
    k = sizes / (2 * np.pi * np.log(sizes))
    full = FisherInformation(np.array([3 * np.eye(4)] * 5), np.zeros((5, 4)))
    wanted = np.log(1 + k) / np.log(k)
    np.testing.assert_allclose(full.effective_dimension(sizes), wanted, rtol=1e-12)
    np.testing.assert_allclose(full.effective_dimension(sizes, normalize=False), 4 * wanted)
    one = FisherInformation(np.ones((5, 2, 2)), np.zeros((5, 2)))
    np.testing.assert_allclose(
        one.effective_dimension(sizes, normalize=False), np.log(1 + 2 * k) / np.log(k)
    )
    half = full.effective_dimension(10**4, gamma=0.5)
    assert isinstance(half, float)
    assert half == pytest.approx(np.log(1 + k[1] / 2) / np.log(k[1] / 2), rel=1e-12)
    # One draw of two has no information: the mean of roots of determinants.
    mixed = FisherInformation(np.array([np.eye(1), 0 * np.eye(1)]), np.zeros((2, 1)))
    wanted = 2 * np.log((np.sqrt(1 + 2 * k) + 1) / 2) / np.log(k)
    np.testing.assert_allclose(mixed.effective_dimension(sizes), wanted)


def test_a_published_effective_dimension():
    """Qiskit Machine Learning 0.5, tutorial 10: parity of three qubits, its draws from seed 42."""
    rng = np.random.default_rng(42)
    rng.uniform(0, 1, (10, 6)), rng.normal(0, 1, (10, 3))  # drawn, and not used, there
    X, w = rng.normal(0, 1, (10, 3)), rng.uniform(0, 1, (10, 6))
    found = fisher_information(three_qubits(), X, weights=w, outcomes="parity")
    published = [4.66565096, 4.7133723, 4.73782922, 4.89963559, 4.94632272]
    published += [5.00280009, 5.04530433, 5.07408394, 5.15786005, 5.21349874]
    n = [5000, 8000, 10000, 40000, 60000, 100000, 150000, 200000, 500000, 1000000]
    ours = found.effective_dimension(n, normalize=False)
    np.testing.assert_allclose(ours, published, atol=2e-8)


def three_qubits():
    """Qiskit's ZFeatureMap and RealAmplitudes of one repetition each."""
    q, x, w = cirq.LineQubit.range(3), sympy.symbols("x_:3"), sympy.symbols("w_:6")
    circuit = cirq.Circuit(
        cirq.H.on_each(*q),
        (cirq.ZPowGate(exponent=2 * x[i] / sympy.pi)(q[i]) for i in range(3)),
        (cirq.ry(w[i])(q[i]) for i in range(3)),
        (cirq.CNOT(q[a], q[b]) for a, b in ((1, 2), (0, 1))),
        (cirq.ry(w[3 + i])(q[i]) for i in range(3)),
    )
    return QuantumLayer.from_circuit(circuit, x, w)


@pytest.mark.parametrize("ansatz", ["strongly_entangling", "hardware_efficient"])
def test_no_measurement_tells_more_than_the_quantum_fisher_information(ansatz):
    layer = QuantumLayer("zz", ansatz, n_features=3)
    rng = np.random.default_rng(0)
    X, w = rng.normal(size=(4, 3)), rng.uniform(0, 2 * np.pi, (3, layer.n_weights))
    limit = np.array([4 * fubini_study_metric(layer, X, row).mean(axis=0) for row in w])
    for outcomes in ("basis", "parity"):
        found = fisher_information(layer, X, weights=w, outcomes=outcomes).matrices
        assert np.linalg.eigvalsh(found).min() > -1e-10
        assert np.linalg.eigvalsh(limit - found).min() > -1e-8
    # To tell parities apart is to know less than the basis state.
    gap = fisher_information(layer, X, weights=w).matrices - found
    assert np.linalg.eigvalsh(gap).min() > -1e-8


def test_batches_make_no_difference(monkeypatch):
    layer = QuantumLayer("angle", "real_amplitudes", n_features=2)
    X = np.random.default_rng(0).normal(size=(7, 2))
    whole = fisher_information(layer, X, weights=5, random_state=0).matrices
    for numbers in (1, 200, 1000):
        monkeypatch.setattr("skquantum.inspection._fisher.NUMBERS", numbers)
        found = fisher_information(layer, X, weights=5, random_state=0).matrices
        np.testing.assert_allclose(found, whole, rtol=1e-12, atol=1e-14)


def table(n_features=2, n_classes=3):
    rng = np.random.default_rng(0)
    return rng.normal(size=(24, n_features)), rng.integers(0, n_classes, 24)


@pytest.mark.parametrize(
    ("n_features", "options"),
    [
        (2, {}),
        (2, {"embedding": "linear", "activation": "tanh"}),
        (10, {"reupload": False}),  # in blocks
        (2, {"backend": DenseBackend()}),
    ],
)
def test_a_classifiers_information_is_that_of_its_probabilities(n_features, options):
    X, y = table(n_features)
    model = VariationalClassifier(n_layers=1, max_iter=3, random_state=0, **options)
    with pytest.warns(Warning, match="iter"):
        model.fit(X, y)
    rows, w = X[:5], model.weights_
    found = fisher_information(model, rows, weights=[w]).matrices[0]
    outputs, _ = model.output_jacobian(rows)
    np.testing.assert_allclose(softmax(outputs, axis=1), model.predict_proba(rows), atol=2e-6)

    def proba(at):
        return softmax(model.output_jacobian(rows, at)[0], axis=1)

    step, slopes = 1e-3, []
    for k in range(len(w)):
        move = step * np.eye(len(w))[k]
        slopes.append((proba(w + move) - proba(w - move)) / (2 * step))
    slopes = np.array(slopes)
    wanted = np.einsum("anc,bnc,nc->ab", slopes, slopes, 1 / proba(w)) / len(rows)
    np.testing.assert_allclose(found, wanted, atol=2e-3 * np.abs(wanted).max())


def test_a_regressors_information_is_that_of_its_values():
    X, _ = table()
    model = VariationalRegressor(n_layers=1, max_iter=300, random_state=0).fit(X, X[:, 0])
    _, derivatives = model.output_jacobian(X)
    wanted = np.einsum("noa,nob->ab", derivatives, derivatives) / len(X)
    found = fisher_information(model, X, weights=[model.weights_])
    np.testing.assert_allclose(found.matrices[0], wanted, rtol=1e-9)
    assert 0 < found.effective_dimension(1000) < 1.5


def test_names_of_columns_are_kept():
    X, y = table()
    frame = pd.DataFrame(X, columns=["u", "v"])
    model = VariationalClassifier(n_layers=1, max_iter=300, random_state=0).fit(frame, y)
    found = fisher_information(model, frame, weights=2, random_state=0).matrices
    assert found.shape == (2, len(model.weights_), len(model.weights_))


def test_impossible_outcomes_add_nothing():
    """At 0, cos^2(a/2) is flat and the other outcome impossible: no information, and no NaN."""
    for outcomes in ("basis", "parity"):
        found = fisher_information(layer_of(cirq.ry(A)(Q)), weights=[[0.0]], outcomes=outcomes)
        np.testing.assert_allclose(found.matrices, 0.0, atol=1e-12)


def test_it_draws_itself_and_says_what_it_is():
    layer = QuantumLayer("angle", "real_amplitudes", n_features=2)
    one, two = (
        fisher_information(layer, np.zeros((3, 2)), weights=4, random_state=1) for _ in range(2)
    )
    np.testing.assert_array_equal(one.matrices, two.matrices)
    assert repr(one) == f"FisherInformation(n_weights={layer.n_weights}, n_draws=4)"
    assert one.eigenvalues().mean() == pytest.approx(1.0)
    assert np.einsum("kii->k", one.normalized).mean() == pytest.approx(layer.n_weights)
    assert "eigenvalue" in one.plot().get_xlabel()
    _, ax = plt.subplots()
    assert one.plot(ax) is ax
    plt.close("all")


def test_bad_input():
    layer = QuantumLayer("angle", "real_amplitudes", n_features=2)
    X, y = table()
    with pytest.raises(ValueError, match=r"Unknown outcomes 'party'. Did you mean 'parity'\?"):
        fisher_information(layer, X, outcomes="party")
    with pytest.raises(ValueError, match="weights=0: give the number of draws"):
        fisher_information(layer, X, weights=0)
    with pytest.raises(ValueError, match=r"weights has shape \(3,\)"):
        fisher_information(layer, X, weights=[0.1, 0.2, 0.3])
    with pytest.raises(ValueError, match="weights must be finite, got nan"):
        fisher_information(layer, X, weights=np.full((2, layer.n_weights), np.nan))
    with pytest.raises(ValueError, match="X=None is for layers without features"):
        fisher_information(layer)
    with pytest.raises(ValueError, match="X has no rows"):
        fisher_information(layer, X[:0])
    with pytest.raises(ValueError, match="X must have 2 features"):
        fisher_information(layer, X[:, :1])
    with pytest.raises(ValueError, match="has no weights"):
        fisher_information(QuantumLayer.from_circuit(cirq.Circuit(cirq.ry(X0)(Q)), [X0], []), X)
    for backend in (ReferenceBackend(), QsimBackend(noise=0.01)):
        noisy = QuantumLayer("angle", "real_amplitudes", backend=backend, n_features=2)
        with pytest.raises(ValueError, match="no derivatives of states"):
            fisher_information(noisy, X)
    with pytest.raises(TypeError, match=r"got SVC|got QuantumKernelSVC"):
        fisher_information(QuantumKernelSVC(), X)
    model = VariationalClassifier(n_layers=1, max_iter=300, random_state=0)
    with pytest.raises(ValueError, match="not fitted"):
        fisher_information(model, X)
    model.fit(X, y)
    with pytest.raises(ValueError, match="X=None is for layers"):
        fisher_information(model)
    with pytest.raises(ValueError, match="outcomes='basis' is for layers"):
        fisher_information(model, X, outcomes="basis")


def test_what_has_no_effective_dimension():
    found = fisher_information(layer_of(cirq.ry(A)(Q)), weights=3)
    for n_samples in (np.inf, [1000, np.nan]):
        with pytest.raises(ValueError, match="must be finite"):
            found.effective_dimension(n_samples)
    for n_samples in (-5, 1, 10, [1000, 10]):
        with pytest.raises(ValueError, match="Give more samples"):
            found.effective_dimension(n_samples)
    with pytest.raises(ValueError, match="gamma=0 must be above 0"):
        found.effective_dimension(1000, gamma=0)
    blind = fisher_information(layer_of(cirq.rz(A)(Q)), weights=3)
    with pytest.raises(ValueError, match="do not depend on the weights"):
        blind.effective_dimension(1000)


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("readout", ["linear", "scaled", None])
@pytest.mark.parametrize("reupload", [True, "trainable"])
def test_information_of_every_readout_is_that_of_its_probabilities(readout, reupload):
    X = np.random.default_rng(0).normal(size=(12, 2))
    y = (X[:, 0] > 0).astype(int)
    observables = "XYZ" if readout == "linear" else label_observables(2)
    model = VariationalClassifier(
        n_layers=1, n_qubits=1, embedding="linear", reupload=reupload, readout=readout,
        observables=observables, max_iter=2, tol=1.0, random_state=0, backend=DenseBackend(),
    ).fit(X, y)  # fmt: skip
    at, step = model.weights_, 1e-5
    found = fisher_information(model, X, weights=at[None]).matrices[0]

    def chances(weights):
        return softmax(model.output_jacobian(X, weights)[0], axis=1)

    ahead, behind = (
        np.stack([chances(at + sign * step * along) for along in np.eye(len(at))], axis=-1)
        for sign in (1, -1)
    )
    slopes = (ahead - behind) / (2 * step)
    expected = np.einsum("rck,rcl->kl", slopes / chances(at)[..., None], slopes) / len(X)
    np.testing.assert_allclose(found, expected, atol=1e-8)
