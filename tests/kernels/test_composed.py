"""Sums and products of kernels, and what a projected kernel may measure and make of it."""

import pickle

import cirq
import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone
from sklearn.datasets import load_iris
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.gaussian_process import kernels as classical
from sklearn.gaussian_process.kernels import RBF, ConstantKernel, Matern, WhiteKernel
from sklearn.metrics.pairwise import laplacian_kernel
from sklearn.model_selection import GridSearchCV
from sklearn.preprocessing import StandardScaler

from skquantum import QuantumKernelSVC
from skquantum.circuits import AngleEncoding, ZZEncoding
from skquantum.execution import QsimBackend
from skquantum.inspection import with_backend
from skquantum.kernels import FidelityKernel, ProductKernel, ProjectedKernel, SumKernel
from skquantum.testing import check_kernel

X, y = load_iris(return_X_y=True)
X, y = StandardScaler().fit_transform(X)[::6], y[::6]
ONE, OTHER = FidelityKernel("angle"), ProjectedKernel(ZZEncoding(reps=1), gamma=0.7)

COMPOSED = {
    "sum": (ONE + OTHER, lambda a, b, c: a + b),
    "product": (ONE * OTHER, lambda a, b, c: a * b),
    "weighted": (0.3 * ONE + OTHER * 0.7, lambda a, b, c: 0.3 * a + 0.7 * b),
    "a constant": (1 + ONE * 2, lambda a, b, c: 1 + 2 * a),
    "deep": (0.5 * (ONE + OTHER) * OTHER, lambda a, b, c: 0.5 * (a + b) * b),
    "classical": (SumKernel(ONE, ProductKernel(RBF(2.0), 0.1)), lambda a, b, c: a + 0.1 * c),
}


@pytest.mark.parametrize("name", COMPOSED)
def test_values_are_composed_of_those_of_the_members(name):
    kernel, composed = COMPOSED[name]
    want = composed(ONE(X), OTHER(X), RBF(2.0)(X))
    assert_allclose(kernel(X), want, rtol=0, atol=1e-12)
    want = composed(ONE(X[:5], X[5:]), OTHER(X[:5], X[5:]), RBF(2.0)(X[:5], X[5:]))
    assert_allclose(kernel(X[:5], X[5:]), want, rtol=0, atol=1e-12)


@pytest.mark.parametrize("name", COMPOSED)
def test_they_keep_the_laws_of_kernels(name):
    kernel, _ = COMPOSED[name]
    check_kernel(kernel, X[:6])
    assert_array_equal(pickle.loads(pickle.dumps(kernel))(X), kernel(X))
    assert repr(clone(kernel)) == repr(kernel)
    matrix = kernel(X)
    assert np.linalg.eigvalsh(matrix).min() > -1e-5 * len(X)


def test_a_composed_kernel_in_estimators():
    kernel = 0.4 * FidelityKernel("angle") + ProjectedKernel("angle")
    model = QuantumKernelSVC(kernel=kernel, C=10).fit(X, y)
    assert model.score(X, y) > 0.9
    assert model.kernel_.k2.gamma > 0  # "scale" is settled in the members
    assert model.kernel_.k1.k2.encoding.bandwidth > 0
    n = len(np.unique(X, axis=0))
    assert model.resources_["n_circuits"] == n * (n + 1) // 2 + 3 * n
    grid = {"kernel__k1__k1": [0.0, 1.0], "kernel__k2__encoding__bandwidth": [0.1, 0.5]}
    search = GridSearchCV(QuantumKernelSVC(kernel=kernel), grid, cv=2).fit(X, y)
    assert set(search.best_params_) == set(grid)
    assert kernel.get_params()["k1__k2__encoding__bandwidth"] == "scale"
    noisy = with_backend(model, QsimBackend(noise=0.05))
    assert np.abs(noisy.decision_function(X) - model.decision_function(X)).max() > 1e-3


def test_with_scikit_learns_kernels_an_operator_makes_one_of_theirs():
    for kernel in (ONE + WhiteKernel(0.1), WhiteKernel(0.1) + ONE, ConstantKernel(2.0) * ONE):
        assert isinstance(kernel, classical.Sum | classical.Product)
    target = X[:, 0] + np.random.default_rng(0).normal(scale=0.1, size=len(X))
    kernel = ConstantKernel(2.0) * (ONE + 0.5 * OTHER) + WhiteKernel(0.1, "fixed")
    fitted = GaussianProcessRegressor(kernel).fit(X, target)
    assert fitted.kernel_.theta.shape == (1,)
    assert fitted.score(X, X[:, 0]) > 0.9


def test_what_can_not_be_composed():
    with pytest.raises(TypeError, match="unsupported operand"):
        ONE + "projected"
    with pytest.raises(TypeError, match="unsupported operand"):
        ONE * None
    with pytest.raises(TypeError, match="unsupported operand"):
        True * ONE
    with pytest.raises(ValueError, match="'k1' parameter of ProductKernel"):
        (-0.5 * ONE)(X)
    with pytest.raises(ValueError, match="'k2' parameter of SumKernel"):
        (ONE + np.nan)(X)


# --- what is measured, and what is made of it ---------------------------------------------------

PAIR = AngleEncoding(n_qubits=2, entanglement="linear", bandwidth=0.7)


@pytest.mark.parametrize("gamma", [0.3, 2.0])
@pytest.mark.parametrize("n_rows", [3, 25])  # by few rows and by many
def test_outer_functions_are_scikit_learns(gamma, n_rows):
    circuit, symbols = PAIR.compiled(2)
    paulis = [p(q) for q in sorted(circuit.all_qubits()) for p in (cirq.X, cirq.Y, cirq.Z)]
    rows, others = X[:n_rows, :2], X[3:, :2]
    left, right = (
        np.sqrt(gamma) * QsimBackend().expectations(circuit, symbols, PAIR.encode(part), paulis)
        for part in (rows, others)
    )
    own = Matern(length_scale=0.4, nu=2.5), classical.DotProduct()
    functions = [
        ("gaussian", RBF()),
        ("laplacian", lambda a, b: laplacian_kernel(a, b, gamma=1.0)),
        ("matern", Matern(nu=1.5)),
        ("rational_quadratic", classical.RationalQuadratic()),
        *zip(own, own, strict=True),
    ]
    for outer, function in functions:
        kernel = ProjectedKernel(PAIR, gamma=gamma, outer=outer)
        assert_allclose(kernel(rows, others), function(left, right), rtol=0, atol=2e-6)
        check_kernel(kernel, rows)


def test_pairs_of_qubits_know_the_whole_state_of_two():
    # The squared distance of all Pauli strings is 4 ||rho - sigma||^2 = 8 (1 - fidelity).
    kernel = ProjectedKernel(PAIR, gamma=0.3, observables="pauli2")
    fidelities = FidelityKernel(PAIR)(X[:, :2])
    assert_allclose(kernel(X[:, :2]), np.exp(-4 * 0.3 * (1 - fidelities)), rtol=0, atol=1e-5)


def test_observables_of_ones_own():
    kernel = ProjectedKernel(PAIR, gamma=1.0, observables="Z")
    qubits = sorted(PAIR.compiled(2)[0].all_qubits())
    measures = [cirq.PauliSum.wrap(cirq.Z(q)) for q in qubits]
    own = ProjectedKernel(PAIR, gamma=1.0, observables=measures)
    assert_allclose(own(X[:, :2]), kernel(X[:, :2]), rtol=0, atol=1e-12)
    assert kernel.n_circuits(5) == 5
    assert ProjectedKernel("angle").n_circuits(5) == 15
    assert own.n_circuits(5) is ProjectedKernel(observables="pauli2").n_circuits(5) is None
    with pytest.raises(ValueError, match="distinct letters of 'XYZ'"):
        ProjectedKernel(PAIR, observables="XQ")(X[:, :2])
    with pytest.raises(ValueError, match="'outer' parameter of ProjectedKernel"):
        ProjectedKernel(PAIR, outer="cauchy")(X[:, :2])
