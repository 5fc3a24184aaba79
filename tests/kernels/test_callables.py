"""Kernels wherever scikit-learn takes a callable, in Gaussian processes, and made of kernels."""

import dataclasses
import subprocess
import sys
import warnings

import cirq
import numpy as np
import pytest
import sympy
from numpy.testing import assert_allclose
from sklearn.base import clone
from sklearn.cluster import SpectralClustering
from sklearn.datasets import load_iris
from sklearn.decomposition import KernelPCA
from sklearn.exceptions import EfficiencyWarning
from sklearn.gaussian_process import GaussianProcessClassifier, GaussianProcessRegressor
from sklearn.gaussian_process.kernels import ConstantKernel, PairwiseKernel, WhiteKernel
from sklearn.kernel_approximation import Nystroem
from sklearn.kernel_ridge import KernelRidge
from sklearn.metrics.pairwise import pairwise_kernels
from sklearn.preprocessing import StandardScaler

from skquantum import QuantumKernelSVC, QuantumKernelSVR
from skquantum.circuits import AngleEncoding, CircuitEncoding, ZZEncoding
from skquantum.execution import QsimBackend
from skquantum.inspection import with_backend
from skquantum.kernels import FidelityKernel, Kernel, ProjectedKernel

X, y = load_iris(return_X_y=True)
X, y = StandardScaler().fit_transform(X)[::6], y[::6]
KERNELS = [FidelityKernel("angle"), ProjectedKernel("angle", gamma=0.7)]
pairs = pytest.mark.filterwarnings("ignore::sklearn.exceptions.EfficiencyWarning")


@pairs
@pytest.mark.parametrize("kernel", KERNELS, ids=repr)
def test_a_pair_of_rows_gives_the_entry_of_the_matrix(kernel):
    matrix = kernel(X[:4], X[4:7])
    for i in range(4):
        for j in range(3):
            value = kernel(X[i], X[4 + j].tolist())
            assert type(value) is float
            assert value == pytest.approx(matrix[i, j], abs=1e-6)
    assert kernel(X[0], X[0]) == pytest.approx(1)
    for one, other in ((X[0], None), (X[0], X), (X, X[0])):
        with pytest.raises(ValueError, match="Expected 2D array, got 1D array"):
            kernel(one, other)
    with pytest.raises(ValueError, match="same number of features"):
        kernel(X[0], X[0, :2])


@pairs
@pytest.mark.parametrize("kernel", KERNELS, ids=repr)
@pytest.mark.parametrize(
    ("by_pairs", "by_matrix", "output"),
    [
        (lambda k: KernelRidge(kernel=k), KernelRidge(kernel="precomputed"), "predict"),
        (
            lambda k: KernelPCA(2, kernel=k, random_state=0),
            KernelPCA(2, kernel="precomputed", random_state=0),
            "transform",
        ),
    ],
    ids=["ridge", "pca"],
)
def test_models_that_ask_for_pairs(kernel, by_pairs, by_matrix, output):
    asked = getattr(by_pairs(kernel).fit(X, y), output)(X)
    given = getattr(by_matrix.fit(kernel(X), y), output)(kernel(X))
    assert_allclose(asked, given, rtol=0, atol=1e-3)


@pairs
@pytest.mark.parametrize("kernel", KERNELS, ids=repr)
def test_other_users_of_pairs(kernel):
    assert_allclose(pairwise_kernels(X, X[:3], metric=kernel), kernel(X, X[:3]), rtol=0, atol=1e-6)
    features = Nystroem(kernel=kernel, n_components=len(X), random_state=0).fit_transform(X)
    assert_allclose(features @ features.T, kernel(X), rtol=0, atol=1e-2)
    assert len(SpectralClustering(3, affinity=kernel, random_state=0).fit_predict(X)) == len(X)


def test_the_faster_way_is_named_once_in_a_process():
    code = (
        "import warnings\n"
        "from skquantum.kernels import FidelityKernel, ProjectedKernel\n"
        "with warnings.catch_warnings(record=True) as caught:\n"
        "    warnings.simplefilter('always')\n"
        "    for kernel in (FidelityKernel('angle'), ProjectedKernel('angle')):\n"
        "        for _ in range(3):\n"
        "            kernel([0.1], [0.2])\n"
        "    kernel([[0.1]], [[0.2]])\n"
        "print([w.category.__name__ for w in caught], 'precomputed' in str(caught[0].message))\n"
        "print(caught[0].filename)\n"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout == "['EfficiencyWarning'] True\n<string>\n"


def test_matrices_come_without_a_warning(monkeypatch):
    from skquantum.kernels import _base

    monkeypatch.setattr(_base, "_said_that_pairs_are_slow", False)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        FidelityKernel("angle")(X, X[:2])
    with pytest.warns(EfficiencyWarning):
        FidelityKernel("angle")(X[0], X[1])


@pytest.mark.parametrize("kernel", KERNELS, ids=repr)
def test_gaussian_processes(kernel):
    regressor = GaussianProcessRegressor(kernel=kernel, alpha=0.1).fit(X, y)
    matrix = kernel(X)
    weights = np.linalg.solve(matrix + 0.1 * np.eye(len(X)), y)
    mean, std = regressor.predict(X, return_std=True)
    assert_allclose(mean, matrix @ weights, rtol=0, atol=1e-4)
    inner = matrix @ np.linalg.solve(matrix + 0.1 * np.eye(len(X)), matrix)
    assert_allclose(std**2, np.diag(matrix - inner), rtol=0, atol=1e-4)
    assert regressor.log_marginal_likelihood() == regressor.log_marginal_likelihood([])
    assert GaussianProcessClassifier(kernel=kernel).fit(X, y).score(X, y) > 0.9
    assert repr(clone(regressor).kernel) == repr(kernel)


def test_hyperparameters_of_kernels_around_it_are_tuned():
    for kernel in (ConstantKernel() * KERNELS[0], KERNELS[0] * ConstantKernel()):
        model = GaussianProcessRegressor(kernel=kernel + WhiteKernel(), random_state=0)
        start = model.set_params(optimizer=None).fit(X, y).log_marginal_likelihood_value_
        best = model.set_params(optimizer="fmin_l_bfgs_b").fit(X, y)
        assert best.log_marginal_likelihood_value_ > start
        assert len(best.kernel_.theta) == 2


def test_what_gaussian_processes_ask_that_it_has_not():
    kernel = KERNELS[0]
    value, gradient = kernel(X, eval_gradient=True)
    assert value.shape == (len(X), len(X))
    assert gradient.shape == (len(X), len(X), 0)
    assert_allclose(kernel.diag(X), np.ones(len(X)), atol=1e-6)
    with pytest.raises(ValueError, match="matrix of X alone"):
        kernel(X, X[:2], eval_gradient=True)
    with pytest.raises(ValueError, match="no hyperparameters to be set"):
        kernel.clone_with_theta([1.0])
    with pytest.raises(ValueError, match="gamma=2.0 would not be used"):
        PairwiseKernel(gamma=2.0, metric=kernel)(X)


class Mixture(Kernel):
    """A mean of kernels: a kernel made of kernels."""

    def __init__(self, kernels=(), offset=0.0):
        self.kernels = kernels
        self.offset = offset

    def _matrix(self, X, Y):
        return sum(kernel(X, Y) for kernel in self.kernels) / len(self.kernels) + self.offset


class Silent(Kernel):
    """A kernel that does not say what it costs."""

    def _matrix(self, X, Y):
        encoding, backend = self._parts()
        circuit, symbols = encoding.compiled(X.shape[1])
        right = None if Y is None else encoding.encode(Y)
        return np.sqrt(backend.overlaps(circuit, symbols, encoding.encode(X), right))


def test_a_kernel_made_of_kernels_in_an_estimator():
    n = len(np.unique(X, axis=0))
    kernel = Mixture([FidelityKernel("angle"), ProjectedKernel(ZZEncoding(reps=1))])
    model = QuantumKernelSVC(kernel=kernel, psd="clip", C=10).fit(X, y)
    assert model.score(X, y) > 0.9
    assert model.resources_["n_circuits"] == n * (n + 1) // 2 + 3 * n
    assert model.resources_["n_simulations"] == 2 * n
    assert model.resources_["n_qubits"] == 4
    assert len(kernel.circuits(4)) == 2
    with pytest.raises(AttributeError, match="runs 2 circuits, not one"):
        model.circuit_  # noqa: B018
    angle = AngleEncoding(bandwidth=1.0)
    alike = QuantumKernelSVC(kernel=Mixture([FidelityKernel(angle), ProjectedKernel(angle)]))
    circuit = alike.fit(X, y).circuit_
    assert circuit == angle.build(4)


def test_circuits_with_gates_that_have_no_hash_are_told_apart():
    @dataclasses.dataclass
    class Turn(cirq.Gate):
        angle: float

        def _num_qubits_(self):
            return 1

        def _unitary_(self):
            return cirq.unitary(cirq.ry(self.angle))

    def kernel(angle):
        qubit, x = cirq.q(0), sympy.Symbol("x")
        circuit = cirq.Circuit(Turn(angle)(qubit), cirq.rx(x)(qubit))
        return FidelityKernel(CircuitEncoding(circuit, [x]))

    mixture = Mixture([kernel(0.3), kernel(0.4), kernel(0.3)])
    assert len(mixture.circuits(1)) == 2


def test_what_a_third_partys_kernel_costs():
    model = QuantumKernelSVR(kernel=Silent("angle")).fit(X, y)
    assert model.resources_["n_circuits"] is None
    assert Mixture([Silent(), FidelityKernel()]).n_circuits(3) is None
    assert Mixture().n_circuits(3) is None
    assert Mixture().circuits(3) == ()

    class Spoken(Silent):
        def n_circuits(self, n_rows):
            return 7 * n_rows

    n = len(np.unique(X, axis=0))
    assert QuantumKernelSVR(kernel=Spoken("angle")).fit(X, y).resources_["n_circuits"] == 7 * n


def test_a_kernel_says_which_mitigation_suits_it():
    noisy = QsimBackend(noise=0.01)

    class Suited(Silent):
        mitigations = ("depolarizing",)

    QuantumKernelSVC(kernel=Suited("angle", noisy), mitigation="depolarizing").fit(X, y)
    for kernel in (Silent("angle", noisy), ProjectedKernel("angle"), Mixture([FidelityKernel()])):
        with pytest.raises(ValueError, match="mitigations are"):
            QuantumKernelSVC(kernel=kernel, mitigation="depolarizing").fit(X, y)


def test_an_estimators_encoding_is_not_ignored_by_a_kernel_without_one():
    kernel = Mixture([FidelityKernel("angle")])
    for given in ({"encoding": "angle"}, {"backend": QsimBackend()}):
        with pytest.raises(ValueError, match="would not be used"):
            QuantumKernelSVC(kernel=kernel, **given).fit(X, y)


def test_a_kernel_made_of_kernels_moves_to_another_backend():
    model = QuantumKernelSVC(kernel=Mixture([FidelityKernel("angle"), ProjectedKernel("angle")]))
    model.fit(X, y)
    moved = with_backend(model, QsimBackend(noise=0.2))
    backends = [kernel.backend for kernel in moved.kernel_.kernels]
    assert all(backend.noise == 0.2 for backend in backends)
    assert all(kernel.backend is None for kernel in model.kernel_.kernels)
