"""A minimal third-party kernel. docs/extending.rst shows its source."""

import cirq
import numpy as np
from numpy.testing import assert_allclose
from sklearn.base import clone
from sklearn.datasets import load_iris
from sklearn.model_selection import GridSearchCV
from sklearn.svm import SVC

from skquantum import QuantumKernelSVC
from skquantum.circuits import AngleEncoding
from skquantum.kernels import Kernel


# [kernel]
class ReadoutKernel(Kernel):
    """Inner product of what Z measurements of the qubits give on average."""

    def _matrix(self, X, Y):
        left = self._readout(X)
        return left @ (left if Y is None else self._readout(Y)).T

    def n_circuits(self, n_rows):
        return n_rows  # on hardware: one for each row, measured in Z

    def _readout(self, X):
        encoding, backend = self._parts()
        circuit, symbols = encoding.compiled(X.shape[1])
        observables = [cirq.Z(q) for q in sorted(circuit.all_qubits())]
        return backend.expectations(circuit, symbols, encoding.encode(X), observables)


# [end]


def test_its_matrix():
    X = np.random.default_rng(0).normal(size=(7, 3))
    kernel = ReadoutKernel(AngleEncoding())
    # A rotation about Y by x leaves <Z> = cos(x).
    assert_allclose(kernel(X), np.cos(X) @ np.cos(X).T, rtol=0, atol=1e-5)
    assert_allclose(kernel(X[:2], X), kernel(X)[:2], rtol=0, atol=1e-5)
    assert repr(clone(kernel)) == repr(kernel) == "ReadoutKernel(encoding=AngleEncoding())"


def test_svc_takes_it():
    X, y = load_iris(return_X_y=True)
    assert SVC(kernel=ReadoutKernel("angle")).fit(X, y).score(X, y) > 0.9


def test_an_estimator_takes_it_and_a_search_tunes_it():
    X, y = load_iris(return_X_y=True)
    model = QuantumKernelSVC(kernel=ReadoutKernel(AngleEncoding()))
    search = GridSearchCV(model, {"kernel__encoding__bandwidth": [0.3, 1.0]}, cv=3).fit(X, y)
    assert search.best_score_ > 0.9
    n_rows = len({tuple(row) for row in X})
    assert search.best_estimator_.resources_["n_circuits"] == n_rows
