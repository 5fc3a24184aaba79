"""Kernels that learn by alignment, and the encoding whose weights they learn."""

import pickle

import cirq
import numpy as np
import pytest
from numpy.testing import assert_allclose
from sklearn.base import clone
from sklearn.datasets import load_iris, make_friedman1, make_moons
from sklearn.model_selection import GridSearchCV
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC
from skops import io as skops

from skquantum import QuantumKernelSVC, QuantumKernelSVR, QuantumNystroem
from skquantum.circuits import AngleEncoding, HardwareEfficient, RealAmplitudes, TrainableEncoding
from skquantum.execution import DenseBackend, QsimBackend
from skquantum.inspection import kernel_alignment, with_backend
from skquantum.kernels import AlignedKernel, FidelityKernel, ProjectedKernel
from skquantum.kernels._aligned import _Problem
from skquantum.saving import trusted_types
from skquantum.testing import check_kernel

DENSE = DenseBackend()
X, y = make_moons(40, noise=0.1, random_state=0)
WEIGHTS = [0.1, 0.2, 0.3, 0.4]
SMALL = TrainableEncoding("angle", RealAmplitudes(n_layers=2))


def double_cake():
    """Return twelve rows on two rings whose six sectors have alternating labels."""
    angles = (np.arange(6) + 0.5) * np.pi / 3
    ring = 0.7 * np.column_stack([np.cos(angles), np.sin(angles)])
    labels = 2 * (np.arange(6) % 2) - 1
    return np.vstack([ring, ring / 2]), np.hstack([labels, -labels])


def test_the_double_cake():
    """Published: alignment from .081 to above .25, accuracy from .83 to 1.0."""
    X, y = double_cake()
    encoding = TrainableEncoding(
        AngleEncoding("Z", n_qubits=5, bandwidth=1.0), HardwareEfficient(n_layers=6)
    )
    kernel = AlignedKernel(encoding, learn_bandwidth=False, n_restarts=1, random_state=0)
    before, after = FidelityKernel(encoding, DENSE)(X), kernel.fitted_to(X, y)(X)
    assert SVC(kernel="precomputed").fit(before, y).score(before, y) < 0.9
    assert SVC(kernel="precomputed").fit(after, y).score(after, y) == 1.0
    assert kernel_alignment(before, y) < 0.1
    assert kernel_alignment(after, np.outer(y, y), centered=False) > 0.25


@pytest.mark.parametrize("learn_bandwidth", [True, False])
@pytest.mark.parametrize("make", [FidelityKernel, ProjectedKernel])
def test_the_gradient_is_that_of_differences(make, learn_bandwidth):
    rows = np.random.default_rng(0).normal(size=(8, 3))
    labels = np.arange(8) % 3
    problem = _Problem(make(SMALL, backend=DENSE), rows, labels, learn_bandwidth)
    theta = problem.start(np.array([0.5, 1.0, 1.5]), np.random.RandomState(0))
    value, gradient = problem(theta)
    differences = [
        (problem(theta + 1e-5 * one)[0] - problem(theta - 1e-5 * one)[0]) / 2e-5
        for one in np.eye(len(theta))
    ]
    assert_allclose(gradient, differences, rtol=0, atol=1e-8)
    weights, factors = problem.parts(theta)
    bound = TrainableEncoding("angle", RealAmplitudes(n_layers=2), weights)
    matrix = make(bound, backend=DENSE)(rows * factors)
    assert value == pytest.approx(kernel_alignment(matrix, np.arange(8) % 3))


def test_what_is_learned_is_a_kernel():
    kernel = AlignedKernel(SMALL, max_iter=10, random_state=0)
    learned = kernel.fitted_to(X, y)
    assert repr(kernel) == repr(AlignedKernel(SMALL, max_iter=10, random_state=0))
    curve = learned.alignment_curve_
    assert curve[-1] == pytest.approx(kernel_alignment(learned(X), y))
    assert curve[-1] > curve[0]
    check_kernel(learned, X[:6])
    assert_allclose(clone(learned)(X), learned(X))
    assert_allclose(clone(learned).fitted_to(X, 1 - y)(X), learned(X))  # nothing left to learn
    features = QuantumNystroem(kernel=clone(learned), n_components=20, random_state=0)
    assert_allclose(features.fit_transform(X) @ features.transform(X).T, learned(X), atol=0.05)
    assert_allclose(pickle.loads(pickle.dumps(learned))(X), learned(X))
    assert_allclose(learned.against(X[:3])(X), learned(X, X[:3]), atol=1e-12)
    assert learned.circuits(2)[0] == learned.kernel.circuits(2)[0]
    assert cirq.parameter_names(learned.circuits(2)[0]) == {"x_0", "x_1"}


def test_regression_and_several_classes():
    rows, values = make_friedman1(60, n_features=6, random_state=0)
    kernel = AlignedKernel("angle", max_iter=20).fitted_to(rows, values)
    assert kernel.bandwidth[5] < kernel.bandwidth[3]  # the sixth feature is noise
    rows, labels = load_iris(return_X_y=True)
    rows = StandardScaler().fit_transform(rows)
    learned = AlignedKernel("angle", max_rows=40, max_iter=20, random_state=0)
    learned = learned.fitted_to(rows, labels)
    plain = FidelityKernel("angle", DENSE)
    assert kernel_alignment(learned(rows), labels) > kernel_alignment(plain(rows), labels)


def test_in_kernel_machines():
    model = QuantumKernelSVC(kernel=AlignedKernel(SMALL, max_iter=5, random_state=0)).fit(X, y)
    assert model.kernel_.kernel.encoding.weights is not None
    assert model.kernel.kernel.weights is None
    moved = with_backend(model, QsimBackend(seed=0))
    assert_allclose(moved.decision_function(X), model.decision_function(X), atol=1e-4)
    loaded = skops.loads(skops.dumps(model), trusted=trusted_types())
    assert_allclose(loaded.decision_function(X), model.decision_function(X))
    named = QuantumKernelSVC(kernel="aligned", C=10).fit(X, y)
    curve = named.kernel_.alignment_curve_
    assert curve[-1] > curve[0] + 0.05
    assert (
        QuantumKernelSVR(kernel=AlignedKernel("angle", max_iter=5))
        .fit(X, X[:, 0])
        .score(X, X[:, 0])
        > 0.9
    )
    grid = {"kernel__max_iter": [1, 3], "kernel__kernel__encoding__n_qubits": [2, 3]}
    search = GridSearchCV(
        QuantumKernelSVC(kernel=AlignedKernel(FidelityKernel("angle"))), grid, cv=2
    )
    assert set(search.fit(X, y).best_params_) == set(grid)


def test_trainable_encoding():
    encoding = TrainableEncoding("angle", RealAmplitudes(n_layers=1), WEIGHTS)
    circuit = encoding.build(2)
    assert sorted(map(str, cirq.parameter_symbols(circuit))) == ["x_0", "x_1"]
    opened = encoding.opened(2)
    rows = np.hstack([X[:5], np.broadcast_to(WEIGHTS, (5, len(WEIGHTS)))])
    assert_allclose(
        FidelityKernel(opened, DENSE)(rows), FidelityKernel(encoding, DENSE)(X[:5]), atol=1e-12
    )
    assert_allclose(SMALL.start(2), np.zeros(6))


def test_bad_input():
    with pytest.raises(ValueError, match="labels to align with are all the same"):
        AlignedKernel("angle").fitted_to(X, np.ones(len(X)))
    with pytest.raises(ValueError, match="nothing to learn: set learn_bandwidth=True"):
        AlignedKernel("angle", learn_bandwidth=False).fitted_to(X, y)
    with pytest.raises(ValueError, match="learns from labels, and this model gives none"):
        QuantumNystroem(kernel=AlignedKernel("angle"), n_components=3).fit(X)
    with pytest.raises(ValueError, match="no derivatives of states"):
        AlignedKernel(FidelityKernel("angle", QsimBackend(shots=10))).fitted_to(X, y)
    with pytest.raises(ValueError, match="not learned inside of SumKernel"):
        AlignedKernel(FidelityKernel(SMALL) + 0.5).fitted_to(X, y)
    with pytest.raises(ValueError, match="weights must be 6 finite numbers"):
        TrainableEncoding("angle", RealAmplitudes(n_layers=2), [0.1]).build(2)
    with pytest.raises(ValueError, match="one for each of the 2 features"):
        AlignedKernel("angle", bandwidth=[1.0, 2.0, 3.0])(X)
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        AlignedKernel("angle").fitted_to(X, y[:3])


MANY, SIDES = make_moons(150, noise=0.1, random_state=1)
MANY = np.hstack([MANY, np.random.default_rng(0).normal(size=(150, 1))])  # the last is noise


def test_mini_batches_find_what_all_rows_find():
    whole = AlignedKernel("angle", max_rows=150).fitted_to(MANY, SIDES)
    batches = AlignedKernel("angle", batch_size=30, max_iter=60, random_state=0)
    learned = batches.fitted_to(MANY, SIDES)
    found = kernel_alignment(learned(MANY), SIDES)
    assert found > kernel_alignment(FidelityKernel("angle").fitted(MANY)(MANY), SIDES) + 0.02
    assert found > kernel_alignment(whole(MANY), SIDES) - 0.02
    assert learned.bandwidth[2] < 0.3 * learned.bandwidth[:2].min()
    assert len(learned.alignment_curve_) == 60
    assert learned.alignment_curve_[-1] > learned.alignment_curve_[0]
    assert learned.validation_curve_ is None
    assert learned.max_iter == 0
    again = batches.fitted_to(MANY, SIDES)
    assert_allclose(again.bandwidth, learned.bandwidth)


@pytest.mark.parametrize("batch_size", [None, 20])
def test_early_stopping_keeps_what_is_best_on_rows_set_aside(batch_size):
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(40, 2)), rng.integers(0, 2, 40)  # nothing to be learned
    encoding = TrainableEncoding("angle", HardwareEfficient(n_layers=3))
    parameters = {"batch_size": batch_size, "random_state": 0, "n_restarts": 1, "max_iter": 40}
    free = AlignedKernel(encoding, **parameters).fitted_to(X, y)
    kept = AlignedKernel(
        encoding, early_stopping=True, n_iter_no_change=4, **parameters
    ).fitted_to(X, y)
    best = int(np.argmax(kept.validation_curve_))
    assert len(kept.validation_curve_) - 1 - best <= 4
    assert len(kept.validation_curve_) < 41
    assert free.alignment_curve_[-1] > kept.alignment_curve_[max(best - 1, 0)]  # it overfits
    new, labels = rng.normal(size=(60, 2)), rng.integers(0, 2, 60)
    assert abs(kernel_alignment(kept(new), labels)) < 0.2


def test_rows_set_aside_are_those_of_the_curve():
    kernel = AlignedKernel("angle", early_stopping=True, max_iter=8, random_state=0)
    learned = kernel.fitted_to(MANY, SIDES)
    rows, aside = kernel._set_aside(SIDES, np.random.RandomState(0))
    assert len(aside) == 30
    assert len(np.intersect1d(rows, aside)) == 0
    assert abs(SIDES[aside].mean() - SIDES.mean()) < 0.05
    found = kernel_alignment(learned(MANY[aside]), SIDES[aside])
    assert_allclose(found, max(learned.validation_curve_), rtol=1e-6)


def test_early_stopping_inside_a_machine_and_of_values():
    kernel = AlignedKernel("angle", early_stopping=True, random_state=0)
    model = QuantumKernelSVC(kernel=kernel)
    assert model.fit(MANY, SIDES).score(MANY, SIDES) > 0.8
    X, y = make_friedman1(80, noise=0.1, random_state=0)
    kernel = AlignedKernel(
        "angle", early_stopping=True, batch_size=20, max_iter=20, random_state=0
    )
    learned = kernel.fitted_to(StandardScaler().fit_transform(X), y)
    assert learned.bandwidth[:5].max() > learned.bandwidth[5:].max()


@pytest.mark.parametrize(
    ("parameters", "said"),
    [
        ({"batch_size": 1}, "batch_size"),
        ({"learning_rate": 0.0}, "learning_rate"),
        ({"validation_fraction": 1.0}, "validation_fraction"),
        ({"early_stopping": True, "validation_fraction": 0.01}, "can't set validation_fraction"),
    ],
)
def test_bad_settings_of_training(parameters, said):
    with pytest.raises(ValueError, match=said):
        AlignedKernel("angle", **parameters).fitted_to(X, y)


@pytest.mark.parametrize("batch_size", [None, 10])
def test_a_callback_watches_and_may_stop(batch_size):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(30, 2))
    y = (X[:, 0] > 0).astype(int)
    seen = []

    def watch(kernel, alignment):
        seen.append((kernel.bandwidth, alignment, kernel(X).shape))
        return len(seen) == 3

    options = {"batch_size": batch_size, "max_iter": 8, "random_state": 0}
    found = AlignedKernel("angle", callback=watch, **options).fitted_to(X, y)
    assert len(seen) == 3
    assert [alignment for _, alignment, _ in seen] == found.alignment_curve_[-3:]
    np.testing.assert_array_equal(seen[-1][0], found.bandwidth)
    assert all(shape == (30, 30) for _, _, shape in seen)
    silent = AlignedKernel("angle", callback=lambda *_: None, **options).fitted_to(X, y)
    alone = AlignedKernel("angle", **options).fitted_to(X, y)
    np.testing.assert_array_equal(silent.bandwidth, alone.bandwidth)
