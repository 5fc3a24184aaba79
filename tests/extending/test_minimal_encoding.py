"""A minimal third-party encoding. docs/extending.rst shows its source."""

import cirq
import numpy as np
from numpy.testing import assert_allclose
from sklearn.base import clone
from sklearn.datasets import load_iris
from sklearn.model_selection import GridSearchCV

from skquantum import QuantumKernelSVC
from skquantum.circuits import Encoding
from skquantum.execution import QsimBackend, ReferenceBackend


# [encoding]
class LadderEncoding(Encoding):
    """Rotations by the features, with a ladder of CZ gates after each full register."""

    def __init__(self, n_qubits=4, bandwidth=1.0):
        self.n_qubits = n_qubits
        self.bandwidth = bandwidth

    def build(self, n_features):
        qubits = cirq.LineQubit.range(min(n_features, self.n_qubits))
        circuit = cirq.Circuit()
        for i, x in enumerate(self.symbols(n_features)):
            circuit.append(cirq.ry(self.bandwidth * x)(qubits[i % len(qubits)]))
            if (i + 1) % len(qubits) == 0:
                circuit.append(cirq.CZ(a, b) for a, b in zip(qubits, qubits[1:], strict=False))
        return circuit


# [end]


def test_the_engine_runs_it():
    circuit, symbols = LadderEncoding().compiled(6)
    X = np.random.default_rng(0).normal(size=(9, 6))
    states = QsimBackend().states(circuit, symbols, X)
    assert states.shape == (9, 2**4)
    assert_allclose(states, ReferenceBackend().states(circuit, symbols, X), rtol=0, atol=1e-6)


def test_it_is_a_scikit_learn_citizen():
    encoding = LadderEncoding(bandwidth=0.5)
    assert repr(clone(encoding)) == repr(encoding) == "LadderEncoding(bandwidth=0.5)"


def test_an_estimator_takes_it_and_a_search_tunes_it():
    X, y = load_iris(return_X_y=True)
    model = QuantumKernelSVC(encoding=LadderEncoding())
    grid = {"encoding__bandwidth": [0.3, 0.6], "encoding__n_qubits": [2, 4]}
    search = GridSearchCV(model, grid, cv=3).fit(X, y)
    assert search.best_score_ > 0.9
