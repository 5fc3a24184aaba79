"""Laws of alignment, geometric difference, model complexity and concentration."""

import matplotlib.pyplot as plt
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics.pairwise import rbf_kernel
from sklearn.preprocessing import KernelCenterer

from skquantum.circuits import AngleEncoding, ZZEncoding
from skquantum.execution import QsimBackend
from skquantum.inspection import (
    geometric_difference,
    kernel_alignment,
    kernel_concentration,
    model_complexity,
)
from skquantum.kernels import FidelityKernel, ProjectedKernel

seeds = st.integers(0, 2**32 - 1)


def random_kernel(rng, n=12):
    factor = rng.normal(size=(n, n))
    return factor @ factor.T + 0.1 * np.eye(n)


@given(seeds)
def test_the_complexities_are_bounded_by_the_geometric_difference(seed):
    """Huang et al. 2021: s_C <= g^2 s_Q for all labels, and for some of them it is equal."""
    rng = np.random.default_rng(seed)
    one, two = random_kernel(rng), random_kernel(rng)
    g = geometric_difference(one, two)
    assert g >= 1 - 1e-9
    y = rng.normal(size=12)
    assert model_complexity(one, y) <= g**2 * model_complexity(two, y) * (1 + 1e-9)
    # The labels on which the quantum kernel is better by all of it.
    one_n, two_n = (12 * K / np.trace(K) for K in (one, two))
    values, vectors = np.linalg.eigh(two_n)
    root = vectors * np.sqrt(values) @ vectors.T
    best = root @ np.linalg.eigh(root @ np.linalg.inv(one_n) @ root)[1][:, -1]
    ratio = model_complexity(one, best) / model_complexity(two, best)
    assert ratio == pytest.approx(g**2, rel=1e-6)


@given(seeds, st.floats(0.01, 100.0))
def test_the_scale_of_a_kernel_does_not_matter(seed, scale):
    rng = np.random.default_rng(seed)
    one, two = random_kernel(rng), random_kernel(rng)
    y = rng.normal(size=12)
    assert geometric_difference(scale * one, two) == pytest.approx(geometric_difference(one, two))
    assert geometric_difference(one, scale * two) == pytest.approx(geometric_difference(one, two))
    assert model_complexity(scale * one, y) == pytest.approx(model_complexity(one, y))
    assert kernel_alignment(scale * one, two) == pytest.approx(kernel_alignment(one, two))
    assert kernel_alignment(one, two) == pytest.approx(kernel_alignment(two, one))
    assert abs(kernel_alignment(one, two)) <= 1 + 1e-12


def test_a_kernel_differs_from_itself_by_one():
    K = random_kernel(np.random.default_rng(0))
    assert geometric_difference(K, K) == pytest.approx(1.0)
    assert kernel_alignment(K, K) == pytest.approx(1.0)


@given(seeds)
def test_regularization_is_that_of_ridge_regression(seed):
    rng = np.random.default_rng(seed)
    K, y = random_kernel(rng), rng.normal(size=12)
    K *= 12 / np.trace(K)
    dual = np.linalg.solve(K + 0.3 * np.eye(12), y)
    residual = y - K @ dual
    wanted = (np.linalg.norm(residual) + np.sqrt(dual @ K @ dual)) ** 2
    assert model_complexity(K, y, regularization=0.3) == pytest.approx(wanted)


def test_alignment_is_centred_by_scikit_learns_rule():
    rng = np.random.default_rng(0)
    K, y = random_kernel(rng), np.array([0, 1] * 6)
    ideal = np.outer(2 * y - 1, 2 * y - 1)
    centered = KernelCenterer().fit_transform(K)
    wanted = (centered * ideal).sum() / np.linalg.norm(centered) / np.linalg.norm(ideal)
    # Balanced labels of -1 and 1 and the matrix of equal classes are one thing when centred.
    assert kernel_alignment(K, y) == pytest.approx(wanted)
    assert kernel_alignment(K, np.array(["no", "yes"])[y]) == pytest.approx(wanted)
    raw = (K * (y[:, None] == y)).sum() / np.linalg.norm(K) / np.linalg.norm(y[:, None] == y)
    assert kernel_alignment(K, y, centered=False) == pytest.approx(raw)
    values = rng.normal(size=12)
    assert kernel_alignment(np.outer(values, values), values) == pytest.approx(1.0)


def test_whole_numbers_are_values_only_as_floats():
    """Counts are values although they look like labels; which they are is never guessed."""
    rng = np.random.default_rng(0)
    K, counts = random_kernel(rng), rng.integers(0, 50, 12)
    outer = np.outer(counts, counts).astype(float)
    assert kernel_alignment(K, counts.astype(float)) == pytest.approx(kernel_alignment(K, outer))
    same = (counts[:, None] == counts).astype(float)
    assert kernel_alignment(K, counts) == pytest.approx(kernel_alignment(K, same))
    K *= 12 / np.trace(K)
    wanted = counts @ np.linalg.solve(K, counts)
    assert model_complexity(K, counts.astype(float)) == pytest.approx(wanted)
    with pytest.raises(ValueError, match=r"one class against the others.*y.astype\(float\)"):
        model_complexity(K, counts)


def test_labels_that_a_kernel_made_are_easy_for_it():
    rng = np.random.default_rng(0)
    X = rng.uniform(0, 2 * np.pi, (100, 3))
    quantum = FidelityKernel(ZZEncoding(bandwidth=1.0))(X)
    classical = rbf_kernel(X, gamma=1 / 3 / X.var())
    labels = np.sign(quantum @ rng.normal(size=100))
    ridge = {"regularization": 0.01}
    easy, hard = (model_complexity(K, labels, **ridge) for K in (quantum, classical))
    assert easy < 0.25 * hard
    assert kernel_alignment(quantum, labels) > 2 * kernel_alignment(classical, labels)
    # Labels that the classical kernel made are easy for it, and hard for the other.
    labels = np.sign(classical @ rng.normal(size=100))
    hard, easy = (model_complexity(K, labels, **ridge) for K in (quantum, classical))
    assert easy < 0.7 * hard


def test_a_matrix_without_inverse_is_regularised_and_said_so():
    K = np.ones((6, 6))
    y = [0, 1, 0, 1, 0, 1]
    with pytest.warns(RuntimeWarning, match="K can't be inverted"):
        assert np.isfinite(model_complexity(K, y))
    with pytest.warns(RuntimeWarning, match="K_classical can't be inverted"):
        assert geometric_difference(K, np.eye(6)) < np.sqrt(6)


@pytest.mark.parametrize("width", [1, 2, 4])
def test_concentration_of_angles_is_known(width):
    """Rows uniform in [0, 2 pi): each feature multiplies by cos^2, of mean 1/2 and square 3/8."""
    kernel = FidelityKernel(AngleEncoding(bandwidth=1.0))
    found = kernel_concentration(kernel, width, n_samples=700, random_state=0)
    assert found.means[0, 0] == pytest.approx(0.5**width, rel=0.03)
    assert found.variances[0, 0] == pytest.approx((3 / 8) ** width - 0.25**width, rel=0.1)


def test_fidelities_concentrate_and_noise_makes_it_worse():
    encoding = AngleEncoding(bandwidth=1.0)
    kernels = {
        "fidelity": FidelityKernel(encoding),
        "with noise": FidelityKernel(encoding, backend=QsimBackend(noise=0.05)),
        "projected": ProjectedKernel(encoding, gamma=1.0),
    }
    found = kernel_concentration(kernels, (1, 2, 3, 4), n_samples=60, random_state=0)
    slopes = found.slopes()
    assert list(slopes) == list(kernels)
    assert slopes["fidelity"] < -0.5
    assert (found.variances[1] < found.variances[0]).all()
    ax = found.plot()
    assert len(ax.get_lines()) == 3
    plt.close("all")


def test_bad_input():
    K = np.eye(4)
    with pytest.raises(ValueError, match="K must be a symmetric matrix"):
        kernel_alignment(np.ones((4, 3)), [0, 1, 0, 1])
    with pytest.raises(ValueError, match="K_quantum must be a symmetric matrix"):
        geometric_difference(K, np.triu(np.ones((4, 4))))
    with pytest.raises(ValueError, match="K has 4 rows, and target has 3"):
        kernel_alignment(K, [0, 1, 0])
    with pytest.raises(ValueError, match="K has 4 rows, and y has 2"):
        model_complexity(K, [0, 1])
    with pytest.raises(ValueError, match="K_classical has 4 rows, and K_quantum has 5"):
        geometric_difference(K, np.eye(5))
    with pytest.raises(ValueError, match="same label"):
        kernel_alignment(K, [1, 1, 1, 1])
    with pytest.raises(ValueError, match="two classes, got 3 labels"):
        model_complexity(K, ["a", "b", "c", "a"])
    with pytest.raises(ValueError, match="regularization must not be negative, got -1"):
        model_complexity(K, [0, 1, 0, 1], regularization=-1)
    with pytest.raises(ValueError, match="positive trace"):
        model_complexity(-K, [0, 1, 0, 1])
    with pytest.raises(ValueError, match="n_samples must be at least 3"):
        kernel_concentration(FidelityKernel(), n_samples=2)
    with pytest.raises(ValueError, match="n_features must be positive"):
        kernel_concentration(FidelityKernel(), 0)
    with pytest.raises(ValueError, match="one kernel at least"):
        kernel_concentration({})
