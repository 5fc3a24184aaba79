"""Two workers of dask, processes of their own: the same numbers, whoever dies."""

import os
import signal
import time
from threading import Thread

import dask
import dask.array as da
import joblib
import numpy as np
import pytest
from distributed import Client, LocalCluster
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.model_selection import GridSearchCV

from skquantum import (
    QuantumFeatureTransformer,
    QuantumKernelRegressor,
    QuantumKernelSVC,
    QuantumNystroem,
)
from skquantum.circuits import AngleEncoding
from skquantum.execution import DenseBackend
from skquantum.kernels import FidelityKernel, Kernel

EXACT = {"rtol": 0, "atol": 1e-12}
RNG = np.random.default_rng(0)
X = RNG.normal(size=(120, 3))
LAZY = da.from_array(X, chunks=(30, 3))
ENCODING = AngleEncoding(entanglement="linear", bandwidth=1.0)
KERNEL = FidelityKernel(ENCODING, DenseBackend(), n_jobs=2)


@pytest.fixture(scope="module")
def cluster():
    with (
        # One death of a worker too many is one more than this.
        dask.config.set({"distributed.scheduler.allowed-failures": 1}),
        LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=":0") as cluster,
    ):
        yield cluster


@pytest.fixture
def client(cluster):
    with Client(cluster) as client:
        yield client


def die(folder, times):
    """Kill this process, if that has not happened so many times."""
    for number in range(times):
        try:
            os.close(os.open(f"{folder}/{number}", os.O_CREAT | os.O_EXCL))
        except FileExistsError:
            continue
        os.kill(os.getpid(), signal.SIGKILL)


def wait_for(path):
    while not os.path.exists(path):
        time.sleep(0.01)


class Mortal(Kernel):
    """Inner products, in workers that die so many times."""

    def __init__(self, folder, times, n_jobs=2):
        self.folder, self.times, self.n_jobs = folder, times, n_jobs

    def _matrix(self, A, B):
        die(self.folder, self.times)
        return A @ (A if B is None else B).T


class Slow(Mortal):
    """Inner products that wait until a file is there."""

    def _matrix(self, A, B):
        open(f"{self.folder}/begun", "w").close()
        wait_for(f"{self.folder}/go")
        return A @ (A if B is None else B).T


class Broken(Kernel):
    """A kernel that raises an error."""

    def __init__(self, n_jobs=2):
        self.n_jobs = n_jobs

    def _matrix(self, A, B):
        raise ValueError("rows of no use")


def mortal_rows(block, folder):
    die(folder, 1)
    return block


def test_the_matrix_is_the_same(client):
    alone = FidelityKernel(ENCODING, DenseBackend())
    with joblib.parallel_config(backend="dask"):
        matrix, values = KERNEL(X), KERNEL(X, X[:50])
    assert_allclose(matrix, alone(X), **EXACT)
    assert_array_equal(matrix, matrix.T)
    assert_allclose(values, alone(X, X[:50]), **EXACT)


def test_features_are_the_same(client):
    model = QuantumFeatureTransformer(ENCODING, backend=DenseBackend()).fit(X)
    assert_allclose(model.transform(LAZY).compute(), model.transform(X), **EXACT)


def test_landmarks_and_predictions_are_the_same(client):
    landmarks = QuantumNystroem(kernel=KERNEL, n_components=10, n_candidates=50, random_state=0)
    expected = landmarks.fit(X).components_
    assert_array_equal(landmarks.fit(LAZY).components_, expected)
    model = QuantumKernelRegressor(kernel=KERNEL, n_components=10, random_state=0)
    alone = model.fit(X, X[:, 0]).predict(X)
    assert_allclose(model.predict(LAZY).compute(), alone, **EXACT)
    with joblib.parallel_config(backend="dask"):
        assert_allclose(model.set_params(n_jobs=2).fit(X, X[:, 0]).predict(X), alone, **EXACT)


def test_a_search_on_the_workers(client):
    y = (X[:, 0] * X[:, 1] > 0).astype(int)
    model = QuantumKernelSVC("angle", backend=DenseBackend())
    search = GridSearchCV(model, {"C": [1, 10], "encoding__bandwidth": ["scale", 0.3]}, cv=2)
    alone = search.fit(X, y).cv_results_["mean_test_score"]
    with joblib.parallel_config(backend="dask"):
        assert_array_equal(search.fit(X, y).cv_results_["mean_test_score"], alone)


def test_an_error_of_a_tile_is_its_own(client):
    with (
        joblib.parallel_config(backend="dask"),
        pytest.raises(ValueError, match="rows of no use"),
    ):
        Broken()(X)


def test_a_client_that_is_closed(cluster):
    model = QuantumFeatureTransformer(ENCODING, backend=DenseBackend()).fit(X)
    other = Client(cluster)
    with joblib.parallel_config(backend="dask"):
        lazy = model.transform(LAZY)
        other.close()
        with pytest.raises(RuntimeError, match=r"is gone.*Start another, Client\(\).*Nothing was"):
            KERNEL(X)
    assert_allclose(lazy.compute(), model.transform(X), **EXACT)  # here: nothing of it is lost


def test_a_client_that_is_closed_on_the_way(cluster, tmp_path):
    other = Client(cluster)

    def close():
        wait_for(tmp_path / "begun")
        other.close()

    with joblib.parallel_config(backend="dask"):
        closing = Thread(target=close)
        closing.start()
        try:
            with pytest.raises(RuntimeError, match="is gone.*10 of 10 tiles of the kernel matrix"):
                Slow(str(tmp_path), 0)(X)
        finally:
            (tmp_path / "go").touch()
            closing.join()


# The last: workers that died are not back at once.
def test_a_worker_that_dies_costs_its_tile(client, tmp_path):
    with joblib.parallel_config(backend="dask"):
        matrix = Mortal(str(tmp_path), 1)(X)
    assert len(os.listdir(tmp_path)) == 1
    assert_allclose(matrix, X @ X.T, **EXACT)


def test_a_worker_that_dies_costs_its_block(client, tmp_path):
    model = QuantumFeatureTransformer(ENCODING, backend=DenseBackend()).fit(X)
    rows = LAZY.map_blocks(mortal_rows, str(tmp_path), meta=X[:0])
    assert_allclose(model.transform(rows).compute(), model.transform(X), **EXACT)
    assert len(os.listdir(tmp_path)) == 1


def test_a_tile_that_kills_every_worker(client, tmp_path):
    with (
        joblib.parallel_config(backend="dask"),
        pytest.raises(RuntimeError, match="Workers died 2 times while 10 tiles of the kernel"),
    ):
        Mortal(str(tmp_path), 99)(X)
