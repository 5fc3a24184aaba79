"""Gaussian processes in one line: scikit-learn's, with the kernel put together."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone
from sklearn.datasets import load_iris, make_friedman1, make_moons
from sklearn.gaussian_process import GaussianProcessClassifier, GaussianProcessRegressor
from sklearn.gaussian_process.kernels import ConstantKernel, WhiteKernel
from sklearn.model_selection import GridSearchCV, cross_val_predict
from sklearn.preprocessing import StandardScaler
from skops import io

from skquantum import QuantumGaussianProcessClassifier, QuantumGaussianProcessRegressor
from skquantum.execution import DenseBackend, QsimBackend
from skquantum.kernels import GaussianProcessKernel, ProjectedKernel
from skquantum.saving import trusted_types

X, y = make_friedman1(60, n_features=5, noise=0.5, random_state=0)
X = StandardScaler().fit_transform(X)
MOONS, SIDES = make_moons(60, noise=0.15, random_state=0)


def test_regressor_is_scikit_learns_with_the_kernel_put_together():
    model = QuantumGaussianProcessRegressor(random_state=0, n_restarts_optimizer=1).fit(X, y)
    own = ProjectedKernel("reuploading", backend=DenseBackend()).fitted(X)
    quantum = GaussianProcessKernel(own, bandwidth_bounds=(0.05, 20.0))
    kernel = ConstantKernel(1.0, (1e-4, 1e4)) * quantum + WhiteKernel(0.1, (1e-6, 10.0))
    theirs = GaussianProcessRegressor(
        kernel, normalize_y=True, n_restarts_optimizer=1, random_state=0
    ).fit(X, y)
    for ours, expected in zip(
        model.predict(X[:9], return_std=True), theirs.predict(X[:9], return_std=True), strict=True
    ):
        assert_allclose(ours, expected, rtol=1e-6)
    assert_allclose(model.log_marginal_likelihood_value_, theirs.log_marginal_likelihood_value_)
    assert_allclose(model.kernel_.theta, theirs.kernel_.theta, rtol=1e-5)
    mean, covariance = model.predict(X[:4], return_cov=True)
    assert_allclose(np.sqrt(np.diag(covariance)), model.predict(X[:4], return_std=True)[1])
    assert model.sample_y(X[:4], 3, random_state=0).shape == (4, 3)


def test_classifier_is_scikit_learns_with_the_kernel_put_together():
    model = QuantumGaussianProcessClassifier().fit(MOONS, np.array(["l", "r"])[SIDES])
    quantum = GaussianProcessKernel(model.quantum_kernel_, bandwidth_bounds=(0.05, 20.0))
    theirs = GaussianProcessClassifier(ConstantKernel(1.0, (1e-4, 1e4)) * quantum)
    theirs.fit(MOONS, SIDES)
    assert_allclose(model.predict_proba(MOONS), theirs.predict_proba(MOONS), rtol=1e-6)
    assert_array_equal(model.classes_, ["l", "r"])
    assert model.score(MOONS, np.array(["l", "r"])[SIDES]) > 0.9


def test_a_bandwidth_for_each_feature_finds_the_useless_ones():
    model = QuantumGaussianProcessRegressor(bandwidth_per_feature=True, random_state=0)
    rng = np.random.default_rng(0)
    rows = rng.normal(size=(60, 3))
    model.fit(rows, np.sin(rows[:, 0]) + 0.05 * rng.normal(size=60))
    factors = model.kernel_.k1.k2.bandwidth
    assert factors.shape == (3,)
    assert factors[0] > 3 * factors[1:].max()


def test_intervals_hold_what_they_say():
    mean, std = np.empty(len(y)), np.empty(len(y))
    for fold in range(5):
        test = np.arange(len(y)) % 5 == fold
        model = QuantumGaussianProcessRegressor(random_state=0).fit(X[~test], y[~test])
        mean[test], std[test] = model.predict(X[test], return_std=True)
    assert 0.75 <= (np.abs(y - mean) < 1.645 * std).mean() <= 0.98


def test_in_searches_and_by_nested_parameters():
    model = QuantumGaussianProcessRegressor(n_restarts_optimizer=0)
    search = GridSearchCV(model, {"encoding__reps": [1, 2], "kernel": ["fidelity", "projected"]})
    search.fit(X[:40], y[:40])
    assert search.best_estimator_.score(X, y) > 0.5
    assert isinstance(
        clone(search.best_estimator_).fit(X, y).quantum_kernel_.backend, DenseBackend
    )


def test_saved_models_predict_the_same():
    X3, y3 = load_iris(return_X_y=True)
    for model in (
        QuantumGaussianProcessClassifier().fit(X3[::5], y3[::5]),
        QuantumGaussianProcessRegressor(n_restarts_optimizer=0).fit(X3[::5], y3[::5]),
    ):
        loaded = io.loads(io.dumps(model), trusted=trusted_types())
        assert_array_equal(loaded.predict(X3), model.predict(X3))
        assert loaded.circuit_ == model.circuit_
        assert loaded.resources_ == model.resources_


def test_what_cannot_be_tuned_is_refused_and_may_be_fixed():
    backend = QsimBackend(shots=100, seed=0)
    for model in (
        QuantumGaussianProcessRegressor("angle", "fidelity", backend=backend),
        QuantumGaussianProcessClassifier("angle", "fidelity", backend=backend),
    ):
        with pytest.raises(ValueError, match="bandwidth_bounds='fixed'"):
            model.fit(X, y > 14)
        assert not hasattr(model, "gp_")
    fixed = QuantumGaussianProcessRegressor(
        "angle", backend=QsimBackend(), bandwidth_bounds="fixed", n_restarts_optimizer=0
    ).fit(X, y)
    assert fixed.score(X, y) > 0.5


@pytest.mark.parametrize(
    ("parameters", "said"),
    [
        ({"bandwidth_bounds": (2.0, 1.0)}, "0 < low <= high"),
        ({"n_restarts_optimizer": -1}, "n_restarts_optimizer"),
        ({"kernel": "fidelty"}, "Did you mean 'fidelity'"),
        ({"kernel": ProjectedKernel(), "encoding": "angle"}, "encoding"),
    ],
)
def test_bad_parameters(parameters, said):
    with pytest.raises(ValueError, match=said):
        QuantumGaussianProcessRegressor(**parameters).fit(X, y)


def test_one_class():
    with pytest.raises(ValueError, match="one class, 1"):
        QuantumGaussianProcessClassifier().fit(X, np.ones(len(X), int))


def test_probabilities_of_held_out_rows():
    found = cross_val_predict(
        QuantumGaussianProcessClassifier(), MOONS, SIDES, method="predict_proba"
    )
    assert_allclose(found.sum(axis=1), 1)
    assert ((found[:, 1] > 0.5) == SIDES).mean() > 0.85
