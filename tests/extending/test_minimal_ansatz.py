"""A minimal third-party ansatz. docs/extending.rst shows its source."""

import cirq
import pytest
import sympy
from sklearn.datasets import load_iris
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skquantum import VariationalClassifier
from skquantum.circuits import Ansatz
from skquantum.testing import check_ansatz


# [ansatz]
class BrickWork(Ansatz):
    """Rotations about Y, and CZ gates between neighbours in turn, like bricks in a wall."""

    def __init__(self, n_layers=3):
        self.n_layers = n_layers

    def layers(self, n_qubits):
        qubits = cirq.LineQubit.range(n_qubits)
        symbols = iter(sympy.symbols(f"w_0:{self.n_layers * n_qubits}"))
        return [
            cirq.Circuit(
                [cirq.ry(next(symbols))(q) for q in qubits],
                [
                    cirq.CZ(a, b)
                    for a, b in zip(qubits[k % 2 :: 2], qubits[k % 2 + 1 :: 2], strict=False)
                ],
            )
            for k in range(self.n_layers)
        ]


# [end]


def test_it_keeps_the_laws():
    for n_qubits in (1, 2, 5):
        check_ansatz(BrickWork(), n_qubits)


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_an_estimator_trains_it():
    X, y = load_iris(return_X_y=True)
    model = VariationalClassifier(ansatz=BrickWork(), max_iter=30, random_state=0)
    assert make_pipeline(StandardScaler(), model).fit(X, y).score(X, y) > 0.85
