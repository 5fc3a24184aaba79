"""Derivatives of kernels along directions, and Gaussian processes that tune bandwidths."""

import pickle
import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose
from sklearn.base import clone
from sklearn.datasets import make_moons
from sklearn.exceptions import ConvergenceWarning
from sklearn.gaussian_process import GaussianProcessClassifier, GaussianProcessRegressor
from sklearn.gaussian_process.kernels import RBF, ConstantKernel, WhiteKernel
from sklearn.model_selection import GridSearchCV

from skquantum.circuits import (
    AmplitudeEncoding,
    AngleEncoding,
    BlockEncoding,
    IQPEncoding,
    ReuploadingEncoding,
    ZZEncoding,
)
from skquantum.execution import DenseBackend, QsimBackend, ReferenceBackend
from skquantum.kernels import (
    FidelityKernel,
    GaussianProcessKernel,
    ProductKernel,
    ProjectedKernel,
    SumKernel,
)

RNG = np.random.default_rng(0)
X = RNG.normal(size=(7, 4))
DENSE = DenseBackend()

KERNELS = {
    "angle": FidelityKernel("angle", DENSE),
    "zz": FidelityKernel(ZZEncoding(bandwidth=0.7), DENSE),
    "iqp": FidelityKernel(IQPEncoding(bandwidth=0.5), DENSE),
    "reuploading": FidelityKernel(ReuploadingEncoding(n_qubits=2, reps=3), DENSE),
    "factors": FidelityKernel(AngleEncoding(bandwidth=[0.3, 1.0, 2.0, 0.5]), DENSE),
    "blocks": FidelityKernel(BlockEncoding(ZZEncoding(bandwidth=0.7), 2), DENSE),
    "amplitude": FidelityKernel(AmplitudeEncoding(), DENSE),
    "projected": ProjectedKernel("reuploading", 0.7, DENSE),
    "matern": ProjectedKernel(ZZEncoding(bandwidth=0.4), 0.7, DENSE, outer="matern"),
    "rational": ProjectedKernel(ZZEncoding(bandwidth=0.4), 0.7, DENSE, outer="rational_quadratic"),
    "blocks, projected": ProjectedKernel(BlockEncoding(ZZEncoding(bandwidth=0.4), 2), 0.7, DENSE),
    "sum": SumKernel(FidelityKernel("angle", DENSE), 0.5),
    "product": ProductKernel(FidelityKernel("angle", DENSE), ProjectedKernel("zz", 0.7, DENSE)),
}


class Shifted(AngleEncoding):
    """An encoding that does not say how what it does differentiates."""

    def __init__(self, bandwidth=1.0):
        super().__init__(bandwidth=bandwidth)

    def encode(self, X):
        return super().encode(X) + 1


def along(kernel, rows, tangents, step=2e-4):
    """Return derivatives by central differences of the fourth order."""
    found = []
    for tangent in np.moveaxis(tangents, 2, 0):
        near, far = (
            kernel(rows + size * tangent) - kernel(rows - size * tangent)
            for size in (step, 2 * step)
        )
        found.append((8 * near - far) / (12 * step))
    return np.stack(found, axis=-1)


@pytest.mark.parametrize("name", KERNELS)
def test_derivatives_are_those_of_differences(name):
    kernel = KERNELS[name]
    tangents = RNG.normal(size=(*X.shape, 3))
    matrix, derivatives = kernel.jvp(X, tangents)
    assert_allclose(matrix, kernel(X), rtol=0, atol=1e-12)
    assert_allclose(derivatives, along(kernel, X, tangents), rtol=0, atol=1e-7)
    assert_allclose(derivatives, derivatives.swapaxes(0, 1), rtol=0, atol=1e-12)


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 2**32 - 1), st.sampled_from(sorted(KERNELS)))
def test_a_direction_is_linear(seed, name):
    rng = np.random.default_rng(seed)
    tangents = rng.normal(size=(*X.shape, 2))
    a, b = rng.normal(size=2)
    both = KERNELS[name].jvp(X, tangents)[1]
    mixed = KERNELS[name].jvp(X, (tangents @ [a, b])[..., None])[1]
    assert_allclose(mixed[..., 0], both @ [a, b], rtol=0, atol=1e-10)


def test_qsim_has_the_derivatives_of_the_dense_backend():
    tangents = X[:, :, None]
    for make in (FidelityKernel, ProjectedKernel):
        exact = make("zz", backend=DENSE).jvp(X, tangents)
        for got, want in zip(
            make("zz", backend=QsimBackend()).jvp(X, tangents), exact, strict=True
        ):
            assert_allclose(got, want, rtol=0, atol=1e-5)


@pytest.mark.parametrize("bandwidth", [0.8, [0.4, 0.8, 1.2, 0.6]])
@pytest.mark.parametrize("name", ["zz", "projected", "product"])
def test_the_gradient_is_that_of_the_logarithm(name, bandwidth):
    kernel = ConstantKernel(0.7) * GaussianProcessKernel(KERNELS[name], bandwidth) + WhiteKernel()
    model = GaussianProcessRegressor(kernel, optimizer=None).fit(X, X[:, 0])
    theta = model.kernel_.theta
    assert len(theta) == 2 + np.size(bandwidth)
    value, gradient = model.log_marginal_likelihood(theta, eval_gradient=True)
    differences = [
        (
            model.log_marginal_likelihood(theta + 1e-5 * one)
            - model.log_marginal_likelihood(theta - 1e-5 * one)
        )
        / 2e-5
        for one in np.eye(len(theta))
    ]
    assert_allclose(gradient, differences, rtol=1e-4, atol=1e-6)
    assert value == pytest.approx(model.log_marginal_likelihood(theta))


def test_a_regression_finds_the_frequency():
    rows = np.linspace(0, 6, 30)[:, None]
    target = np.sin(2 * rows[:, 0]) + 0.05 * RNG.normal(size=30)
    kernel = ConstantKernel() * GaussianProcessKernel("angle", 0.5) + WhiteKernel(0.01)
    model = GaussianProcessRegressor(kernel, n_restarts_optimizer=2, random_state=0)
    model.fit(rows, target)
    assert model.kernel_.k1.k2.bandwidth == pytest.approx(2.0, abs=0.1)
    new = np.linspace(0.1, 5.9, 50)[:, None]
    mean, spread = model.predict(new, return_std=True)
    assert np.abs(mean - np.sin(2 * new[:, 0])).max() < 0.1
    assert (spread > 0).all()
    again = pickle.loads(pickle.dumps(model))
    assert_allclose(again.predict(new), mean)


def test_a_bandwidth_for_each_feature_says_which_matter():
    rows = RNG.normal(size=(60, 2))
    target = np.sin(rows[:, 0])
    kernel = GaussianProcessKernel("angle", [0.5, 0.5], (0.01, 3.0)) + WhiteKernel(1e-3)
    model = GaussianProcessRegressor(kernel, n_restarts_optimizer=3, random_state=0)
    with warnings.catch_warnings():  # of restarts, and of the bound where it is to end
        warnings.simplefilter("ignore", ConvergenceWarning)
        model.fit(rows, target)
    one, other = model.kernel_.k1.bandwidth
    assert one > 10 * other


def test_a_classifier_and_a_grid_search():
    rows, labels = make_moons(60, noise=0.2, random_state=0)
    kernel = ConstantKernel(5.0) * GaussianProcessKernel(ReuploadingEncoding(reps=3))
    model = GaussianProcessClassifier(kernel, random_state=0).fit(rows, labels)
    assert model.score(rows, labels) > 0.9
    fixed = GaussianProcessKernel(FidelityKernel("angle"), bandwidth_bounds="fixed")
    search = GridSearchCV(
        GaussianProcessClassifier(fixed),
        {"kernel__bandwidth": [0.1, 1.0], "kernel__kernel__encoding": ["angle", "zz"]},
        cv=2,
    ).fit(rows, labels)
    assert set(search.best_params_) == {"kernel__bandwidth", "kernel__kernel__encoding"}
    assert fixed.theta.size == 0
    assert fixed(rows[:4], eval_gradient=True)[1].shape == (4, 4, 0)


def test_it_is_a_kernel_like_others():
    kernel = GaussianProcessKernel("zz", [0.5, 1.0, 1.5, 2.0])
    assert_allclose(kernel.diag(X), np.ones(len(X)), atol=1e-12)
    assert_allclose(kernel(X, X[:3]), kernel(X)[:, :3], atol=1e-12)
    assert repr(kernel) == "GaussianProcessKernel('zz', bandwidth=[0.5, 1. , 1.5, 2. ])"
    other = clone(kernel)
    assert other.theta.tolist() == kernel.theta.tolist()
    other.theta = np.zeros(4)
    assert other.bandwidth.tolist() == [1.0] * 4
    assert not kernel.is_stationary()
    both = RBF() * GaussianProcessKernel("zz")
    assert both(X, eval_gradient=True)[1].shape == (len(X), len(X), 2)


def test_wide_rows_are_put_into_blocks():
    wide = RNG.normal(size=(5, 12))
    kernel = FidelityKernel(BlockEncoding("zz"), DENSE)
    assert_allclose(GaussianProcessKernel("zz")(wide), kernel(wide), atol=1e-12)
    gradient = GaussianProcessKernel("zz", np.full(12, 0.5))(wide, eval_gradient=True)[1]
    assert gradient.shape == (5, 5, 12)


def test_bad_input():
    with pytest.raises(ValueError, match="one for each of the 4 features"):
        GaussianProcessKernel("zz", [1.0, 2.0])(X)
    with pytest.raises(ValueError, match="bandwidth must be a positive number"):
        GaussianProcessKernel("zz", -1.0)(X)
    with pytest.raises(ValueError, match="0 < low <= high"):
        _ = GaussianProcessKernel("zz", bandwidth_bounds=(2.0, 1.0)).bounds
    with pytest.raises(TypeError, match="kernel must be a Kernel such as"):
        GaussianProcessKernel(0.5)(X)
    with pytest.raises(ValueError, match="eval_gradient=True is for the matrix of X alone"):
        GaussianProcessKernel("zz")(X, X, eval_gradient=True)
    for kernel, message in (
        (FidelityKernel("zz", QsimBackend(shots=100)), "no derivatives of states"),
        (FidelityKernel("zz", ReferenceBackend()), "no derivatives of states"),
        (ProjectedKernel("zz", outer="laplacian"), "no derivatives with outer='laplacian'"),
        (SumKernel(FidelityKernel("zz"), RBF()), r"RBF.* has no derivatives"),
        (FidelityKernel(ZZEncoding(n_qubits=10)), "at most 8 qubits, got 10"),
    ):
        with pytest.raises(ValueError, match=f"can't be tuned.*{message}.*'fixed'"):
            GaussianProcessKernel(kernel)(X, eval_gradient=True)
    for make in (FidelityKernel, ProjectedKernel):
        with pytest.raises(ValueError, match="Shifted overrides encode; it needs an encode_vjp"):
            make(Shifted(), backend=DENSE).jvp(X, X[:, :, None])
    with pytest.raises(ValueError, match=r"tangents must have shape \(7, 4, 'n_directions'\)"):
        FidelityKernel("zz").jvp(X, X)
