"""Laws of kernels, over all kernels, encodings and backends."""

import pickle

import cirq
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from sklearn.base import clone
from sklearn.datasets import load_iris
from sklearn.decomposition import KernelPCA
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

from skquantum.circuits import (
    AmplitudeEncoding,
    AngleEncoding,
    CircuitEncoding,
    IQPEncoding,
    ReuploadingEncoding,
    ZZEncoding,
)
from skquantum.execution import QsimBackend, ReferenceBackend
from skquantum.kernels import FidelityKernel, ProjectedKernel

ENCODINGS = [
    AngleEncoding(),
    AngleEncoding(n_qubits=2, entanglement="linear", reps=2),
    ZZEncoding(),
    ZZEncoding(bandwidth=1.0),
    ZZEncoding(n_qubits=2, reps=1, bandwidth=0.3),
    IQPEncoding(entanglement="full"),
    ReuploadingEncoding(),
    AmplitudeEncoding(),
]
KERNELS = [FidelityKernel(e) for e in ENCODINGS] + [ProjectedKernel(e) for e in ENCODINGS[:3]]
IDS = [f"{type(k).__name__}-{i}" for i, k in enumerate(KERNELS)]
ROWS = arrays(float, st.tuples(st.integers(1, 12), st.just(3)), elements=st.floats(0.05, 3))


@pytest.mark.parametrize("kernel", KERNELS, ids=IDS)
@given(X=ROWS)
@settings(max_examples=15, deadline=None)
def test_gram_matrices(kernel, X):
    gram = kernel(X)
    np.testing.assert_array_equal(gram, gram.T)
    np.testing.assert_array_equal(np.diag(gram), 1.0)
    assert np.linalg.eigvalsh(gram).min() > -1e-5
    np.testing.assert_allclose(kernel(X, X.copy()), gram, rtol=0, atol=1e-5)
    np.testing.assert_array_equal(kernel(X, X), gram)


@pytest.mark.parametrize("kernel", KERNELS, ids=IDS)
def test_the_backends_agree(kernel):
    rng = np.random.default_rng(0)
    X, Y = rng.uniform(0.1, 2, (6, 3)), rng.uniform(0.1, 2, (4, 3))
    slow = clone(kernel).set_params(backend=ReferenceBackend())
    np.testing.assert_allclose(kernel(X), slow(X), rtol=0, atol=2e-6)
    np.testing.assert_allclose(kernel(X, Y), slow(X, Y), rtol=0, atol=2e-6)


@pytest.mark.parametrize("kernel", KERNELS, ids=IDS)
def test_a_block_does_not_depend_on_the_rest(kernel):
    X = np.random.default_rng(0).uniform(0.1, 2, (20, 3))
    whole = kernel(X)
    np.testing.assert_allclose(kernel(X[:5], X[5:]), whole[:5, 5:], rtol=0, atol=1e-7)
    X.setflags(write=False)
    np.testing.assert_array_equal(kernel(X), whole)


@pytest.mark.parametrize("kernel", KERNELS, ids=IDS)
def test_kernels_are_descriptions(kernel):
    X = np.random.default_rng(0).uniform(0.1, 2, (5, 3))
    gram = kernel(X)  # whatever the call computed must not live on the kernel
    for copy in (clone(kernel), pickle.loads(pickle.dumps(kernel))):
        assert repr(copy) == repr(kernel)
        np.testing.assert_array_equal(copy(X), gram)
    assert vars(kernel).keys() == kernel.get_params(deep=False).keys()


def test_fidelity_of_angles_is_a_product_of_cosines():
    rng = np.random.default_rng(1)
    X, Y = rng.normal(size=(7, 4)), rng.normal(size=(5, 4))
    expected = np.prod(np.cos((X[:, None] - Y[None]) / 2) ** 2, axis=2)
    np.testing.assert_allclose(FidelityKernel("angle")(X, Y), expected, rtol=0, atol=1e-6)


def test_projected_kernel_of_angles_follows_from_bloch_vectors():
    rng = np.random.default_rng(1)
    X, Y = rng.normal(size=(7, 2)), rng.normal(size=(5, 2))

    def bloch(A):
        return np.hstack([np.sin(A), np.cos(A)])

    distance = ((bloch(X)[:, None] - bloch(Y)[None]) ** 2).sum(axis=2)
    expected = np.exp(-0.7 * distance / 2)
    kernel = ProjectedKernel("angle", gamma=0.7)
    np.testing.assert_allclose(kernel(X, Y), expected, rtol=0, atol=1e-6)


def test_kernels_work_in_scikit_learn():
    X, y = load_iris(return_X_y=True)
    X = StandardScaler().fit_transform(X)
    kernel = FidelityKernel(ZZEncoding(bandwidth=0.2))
    assert SVC(kernel=kernel).fit(X, y).score(X, y) > 0.9
    assert KernelPCA(2, kernel="precomputed").fit_transform(kernel(X)).shape == (150, 2)


def test_a_users_circuit_becomes_a_kernel():
    import sympy

    a, b = cirq.LineQubit.range(2)
    u, v = sympy.symbols("u v")
    circuit = cirq.Circuit(cirq.ry(u)(a), cirq.rx(u * v)(b), cirq.CZ(a, b))
    X = np.random.default_rng(2).normal(size=(6, 2))
    kernel = FidelityKernel(CircuitEncoding(circuit, [u, v]))
    slow = FidelityKernel(CircuitEncoding(circuit, [u, v]), backend=ReferenceBackend())
    np.testing.assert_allclose(kernel(X), slow(X), rtol=0, atol=1e-6)


@pytest.mark.parametrize(
    ("kernel", "X", "Y", "error", "message"),
    [
        (FidelityKernel(), [[np.nan, 1]], None, ValueError, "NaN"),
        (FidelityKernel(), [[1.0, 2]], [[1.0]], ValueError, "same number of features"),
        (FidelityKernel("zzz"), [[1.0]], None, ValueError, "Did you mean 'zz'"),
        (FidelityKernel(3), [[1.0]], None, TypeError, "encoding must be"),
        (FidelityKernel(backend="qsim"), [[1.0]], None, TypeError, "backend must be"),
        (FidelityKernel("amplitude"), [[1.0, 0], [0, 0]], None, ValueError, "zero"),
        (FidelityKernel("basis"), [[0.5, 1]], None, ValueError, "0 or 1"),
        *(
            (ProjectedKernel(gamma=gamma), [[1.0]], None, ValueError, f"'gamma' .*{gamma!r}")
            for gamma in (0, -1.0, np.nan, np.inf, "auto", None, 1j, True)
        ),
        (
            FidelityKernel(backend=QsimBackend(max_memory="1kB")),
            np.ones((30, 2)),
            None,
            ValueError,
            "30 by 30 rows needs 7.03 KiB",
        ),
        (
            ProjectedKernel(backend=QsimBackend(max_memory="1kB")),
            np.ones((30, 2)),
            np.ones((5, 2)),
            ValueError,
            "30 by 5 rows needs 1.17 KiB, more than max_memory='1kB'",
        ),
    ],
)
def test_bad_input(kernel, X, Y, error, message):
    with pytest.raises(error, match=message):
        kernel(X, Y)
