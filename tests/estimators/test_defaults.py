"""Estimators as they are constructed, on what newcomers try first, and laws of their units."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose
from sklearn.datasets import load_diabetes, load_iris, load_wine, make_moons
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.model_selection import StratifiedKFold, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

from skquantum import (
    QLSTMRegressor,
    QuantumFeatureTransformer,
    QuantumKernelSVC,
    QuantumKernelSVR,
    QuantumPoolingTransformer,
    VariationalClassifier,
    VariationalRegressor,
)
from skquantum.circuits import AngleEncoding, ScaleWarning, ZZEncoding
from skquantum.kernels import ProjectedKernel

SETS = {
    "moons": make_moons(200, noise=0.25, random_state=0),
    "iris": load_iris(return_X_y=True),
    "wine": load_wine(return_X_y=True),
}
CLASSIFIERS = {
    "kernel": QuantumKernelSVC,
    "features": lambda: make_pipeline(
        QuantumFeatureTransformer(random_state=0), LogisticRegression(max_iter=1000)
    ),
    "variational": lambda: VariationalClassifier(random_state=0),
    "pooling": lambda: make_pipeline(
        QuantumPoolingTransformer(random_state=0), LogisticRegression(max_iter=1000)
    ),
}
REGRESSORS = [
    QuantumKernelSVR(),
    VariationalRegressor(max_iter=3, random_state=0),
    VariationalRegressor(max_iter=3, loss="absolute_error", random_state=0),
    QLSTMRegressor(max_iter=3, random_state=0),
    make_pipeline(QuantumPoolingTransformer(max_iter=3, random_state=0), Ridge()),
]


# A small form of benchmarks/defaults.py, with more room for the folds.
@pytest.mark.parametrize("name", SETS)
@pytest.mark.parametrize("model", CLASSIFIERS)
def test_defaults_are_about_as_good_as_classical_models(model, name):
    X, y = SETS[name]
    folds = StratifiedKFold(3, shuffle=True, random_state=0)

    def score(estimator):
        return cross_val_score(make_pipeline(StandardScaler(), estimator), X, y, cv=folds).mean()

    best = max(score(SVC()), score(LogisticRegression()))
    assert score(CLASSIFIERS[model]()) > best - 0.05


def test_regressors_are_about_as_good_as_a_linear_one_on_diabetes():
    X, y = load_diabetes(return_X_y=True)
    models = [QuantumKernelSVR(), make_pipeline(QuantumFeatureTransformer(), Ridge())]
    for model in models:
        score = cross_val_score(make_pipeline(StandardScaler(), model), X, y).mean()
        assert score > cross_val_score(Ridge(), X, y).mean() - 0.05


# Training goes on from rounding errors: a few epochs show the law, a whole fit would not.
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("model", REGRESSORS, ids=lambda m: str(m)[:40])
@given(factor=st.sampled_from([1e-6, 0.5, 4.0, 1e6]), shift=st.sampled_from([0.0, -3.0, 1e4]))
@settings(max_examples=3, deadline=None)
def test_regressors_are_equivariant_in_the_unit_of_y(model, factor, shift):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(30, 4))
    y = np.sin(X[:, 0]) + X[:, 1]
    shift *= factor
    plain = model.fit(X, y).predict(X)
    found = model.fit(X, factor * y + shift).predict(X)
    assert_allclose((found - shift) / factor, plain, rtol=0, atol=2e-3)


def test_targets_may_stay_in_their_unit():
    X, y = np.linspace(0, 3, 20)[:, None], 100 * np.cos(np.linspace(0, 3, 20))
    near = QuantumKernelSVR().fit(X, y).score(X, y)
    far = QuantumKernelSVR(normalize_y=False).fit(X, y).score(X, y)
    assert near > 0.9 > 0.5 > far


@pytest.mark.parametrize(
    "model",
    [
        QuantumKernelSVC(),
        QuantumKernelSVC("zz", kernel="fidelity"),
        QuantumKernelSVC(AngleEncoding(), kernel="fidelity"),
    ],
    ids=str,
)
@pytest.mark.parametrize("factor", [1e-3, 0.5, 1e4])
@pytest.mark.parametrize("n_features", [3, 11])
def test_kernel_machines_have_the_unit_of_the_rows(model, factor, n_features):
    rng = np.random.default_rng(1)
    X = rng.normal(size=(40, n_features))
    y = (X[:, 0] > 0).astype(int)
    plain = model.fit(X, y).decision_function(X)
    scaled = model.fit(factor * X, y).decision_function(factor * X)
    assert_allclose(scaled, plain, rtol=0, atol=1e-3)


def test_what_scale_stands_for_is_a_fitted_attribute():
    X = np.random.default_rng(0).normal(scale=3, size=(50, 9))
    y = (X[:, 0] > 0).astype(int)
    kernel = QuantumKernelSVC(kernel="fidelity").fit(X, y).kernel_
    assert_allclose(kernel.encoding.block.bandwidth, 1 / np.sqrt(9 * X.var()))
    kernel = QuantumKernelSVC().fit(X, y).kernel_
    assert_allclose(kernel.encoding.block.bandwidth, 1 / (2 * X.std()))
    assert kernel.gamma > 0
    narrow = QuantumKernelSVC("zz", kernel="fidelity").fit(X[:, :3], y).kernel_.encoding
    assert_allclose(narrow.bandwidth, 1 / (2 * np.pi * np.sqrt(3 * X[:, :3].var())))
    fitted = QuantumFeatureTransformer().fit(X[:, :2]).encoding_
    assert_allclose(fitted.bandwidth, 1 / np.sqrt(2 * X[:, :2].var()))
    published = QuantumKernelSVC(ZZEncoding(bandwidth=1.0)).fit(X[:, :2] / 9, y).kernel_
    assert published.encoding.bandwidth == 1.0


def test_a_row_of_a_weight_counts_as_often_in_the_scale():
    rng = np.random.default_rng(0)
    X, weight = rng.normal(size=(20, 2)), rng.integers(1, 4, 20)
    y = (X[:, 0] > 0).astype(int)
    repeated = np.repeat(np.arange(20), weight)
    one = QuantumKernelSVC().fit(X, y, sample_weight=weight).kernel_
    other = QuantumKernelSVC().fit(X[repeated], y[repeated]).kernel_
    assert one.encoding.bandwidth == other.encoding.bandwidth
    assert one.gamma == other.gamma


def test_angles_that_go_round_and_round_are_told():
    X = np.random.default_rng(0).uniform(0, 16, size=(40, 3))
    y = (X[:, 0] > 8).astype(int)
    with pytest.warns(ScaleWarning, match="make_pipeline\\(StandardScaler"):
        QuantumKernelSVC(AngleEncoding(bandwidth=1.0)).fit(X, y)
    with pytest.warns(ScaleWarning, match="make_pipeline\\(StandardScaler"):
        QLSTMRegressor(max_iter=300, tol=0.1).fit(10 * X, y)


def test_a_projected_kernel_that_sees_nothing_says_so():
    X = np.random.default_rng(0).normal(size=(20, 3))
    ring = AngleEncoding(rotation="Z", entanglement="circular")
    with pytest.warns(UserWarning, match="kernel='fidelity'"):
        ProjectedKernel(ring).fitted(X)
