"""Kernel matrices by tiles: the same numbers, whatever the jobs, and whoever dies."""

import subprocess
import sys

import joblib
import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone
from sklearn.svm import SVC

from skquantum import QuantumKernelSVC
from skquantum.circuits import AngleEncoding
from skquantum.kernels import FidelityKernel, Kernel, ProjectedKernel, SumKernel

RNG = np.random.default_rng(0)
X, Y = RNG.normal(size=(75, 2)), RNG.normal(size=(40, 2))
ENCODING = AngleEncoding(n_qubits=2, entanglement="linear", bandwidth=1.0)


@pytest.mark.parametrize("backend", ["loky", "threading"])
@pytest.mark.parametrize("kind", [FidelityKernel, ProjectedKernel])
def test_the_matrix_is_the_same(kind, backend):
    one, two = kind(ENCODING), kind(ENCODING, n_jobs=2)
    with joblib.parallel_config(backend=backend):
        matrix = two(X)
        block = two(X, Y)
    assert_allclose(matrix, one(X), rtol=0, atol=1e-6)
    assert_array_equal(matrix, matrix.T)
    assert_array_equal(np.diag(matrix), np.ones(len(X)))
    assert_allclose(block, one(X, Y), rtol=0, atol=1e-6)


def test_each_tile_of_the_upper_triangle_once(monkeypatch):
    seen = []

    class Seen(Kernel):
        def _matrix(self, A, B):
            seen.append((len(A), B is None))
            return A @ (A if B is None else B).T

    with joblib.parallel_config(backend="threading"):
        assert_allclose(Seen(n_jobs=2)(X), X @ X.T)
    assert len(seen) == 4 * 5 // 2  # of four blocks
    assert sum(itself for _, itself in seen) == 4
    assert max(rows for rows, _ in seen) == 19


# In a process of its own: what a script defines is sent to workers as it is.
MORTAL = """
import os, signal, sys
import numpy as np
from skquantum.kernels import Kernel

FOLDER, DEATHS = sys.argv[1], int(sys.argv[2])

class Mortal(Kernel):
    def __init__(self, folder, deaths, n_jobs=None):
        self.folder, self.deaths, self.n_jobs = folder, deaths, n_jobs

    def _matrix(self, A, B):
        for i in range(self.deaths):
            try:
                os.close(os.open(f"{self.folder}/{i}", os.O_CREAT | os.O_EXCL))
            except FileExistsError:
                continue
            os.kill(os.getpid(), signal.SIGKILL)
        return A @ (A if B is None else B).T

X = np.random.default_rng(0).normal(size=(75, 2))
try:
    matrix = Mortal(FOLDER, DEATHS, n_jobs=2)(X)
    print("largest error", np.abs(matrix - X @ X.T).max() < 1e-12, len(os.listdir(FOLDER)))
except RuntimeError as error:
    print(error)
"""


@pytest.mark.parametrize(
    ("deaths", "told"),
    [(1, "largest error True 1"), (99, "Workers died 3 times while 10 tiles of the kernel")],
)
def test_a_worker_that_dies_costs_its_tiles(tmp_path, deaths, told):
    script, folder = tmp_path / "script.py", tmp_path / "deaths"
    script.write_text(MORTAL)
    folder.mkdir()
    command = [sys.executable, str(script), str(folder), str(deaths)]
    out = subprocess.run(command, capture_output=True, text=True, check=True, timeout=100).stdout
    assert told in out


def test_jobs_are_a_parameter():
    y = (X[:, 0] > 0).astype(int)
    kernel = 0.5 * FidelityKernel(ENCODING, n_jobs=2) + SumKernel(ProjectedKernel(ENCODING), 0.1)
    model = QuantumKernelSVC(kernel=kernel).fit(X, y)
    other = clone(model).set_params(kernel__k1__k2__n_jobs=1).fit(X, y)
    assert_allclose(model.decision_function(X), other.decision_function(X), rtol=0, atol=1e-4)
    assert SVC(kernel=FidelityKernel(ENCODING, n_jobs=2)).fit(X, y).score(X, y) > 0.8
    with pytest.raises(ValueError, match="'n_jobs' parameter of FidelityKernel"):
        FidelityKernel(ENCODING, n_jobs=1.5)(X)
    with pytest.raises(ValueError, match="n_jobs == 0"):
        FidelityKernel(ENCODING, n_jobs=0)(X)
