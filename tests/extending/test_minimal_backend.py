"""A minimal third-party backend. docs/extending.rst shows its source."""

import cirq
import numpy as np
import pytest
import sympy
from numpy.testing import assert_allclose
from sklearn.datasets import load_iris

from skquantum import QuantumKernelSVC
from skquantum.execution import Backend, ReferenceBackend


# [backend]
class SweepBackend(Backend):
    """Any simulator that follows Cirq's interface, one simulation for each row."""

    def __init__(self, simulator_class=cirq.Simulator):
        self.simulator_class = simulator_class

    def _states(self, circuit, symbols, values):
        sweep = [dict(zip(symbols, row, strict=True)) for row in values]
        results = self.simulator_class().simulate_sweep(circuit, sweep)
        return np.array([result.final_state_vector for result in results])

    def _expectations(self, circuit, symbols, values, observables):
        sweep = [dict(zip(symbols, row, strict=True)) for row in values]
        simulator = self.simulator_class()
        return np.real(simulator.simulate_expectation_values_sweep(circuit, observables, sweep))


# [end]


def test_it_agrees_with_the_oracle():
    a, b = cirq.LineQubit.range(2)
    x, y = symbols = sympy.symbols("x y")
    circuit = cirq.Circuit(cirq.ry(x)(a), cirq.CX(a, b), cirq.ZZ(a, b) ** (x * y), cirq.H(b))
    values = np.random.default_rng(0).normal(size=(5, 2))
    observables = [cirq.Z(a) * cirq.Z(b), 0.5 * cirq.X(b) + cirq.Y(a)]
    backend, oracle = SweepBackend(), ReferenceBackend()
    assert_allclose(
        backend.states(circuit, symbols, values),
        oracle.states(circuit, symbols, values),
        rtol=0,
        atol=1e-6,
    )
    assert_allclose(
        backend.expectations(circuit, symbols, values, observables),
        oracle.expectations(circuit, symbols, values, observables),
        rtol=0,
        atol=1e-6,
    )


@pytest.mark.parametrize("kernel", ["fidelity", "projected"])  # of states, of expectations
def test_an_estimator_runs_on_it(kernel):
    X, y = load_iris(return_X_y=True)
    # So exact that where libsvm stops does not depend on the last digits of a kernel value.
    model = QuantumKernelSVC(kernel=kernel, backend=SweepBackend(), tol=1e-6).fit(X[::5], y[::5])
    expected = QuantumKernelSVC(kernel=kernel, tol=1e-6).fit(X[::5], y[::5])
    assert_allclose(model.decision_function(X), expected.decision_function(X), rtol=0, atol=1e-4)
