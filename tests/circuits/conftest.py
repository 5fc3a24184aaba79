"""What the tests of the circuits share."""

import cirq
import numpy as np
import pytest


def _states(encoding, X):
    X = np.atleast_2d(X)
    circuit, symbols = encoding.compiled(X.shape[1])
    simulator = cirq.Simulator(dtype=np.complex128)
    resolvers = [
        cirq.ParamResolver(dict(zip(symbols, row, strict=True))) for row in encoding.encode(X)
    ]
    return np.array([simulator.simulate(circuit, r).final_state_vector for r in resolvers])


@pytest.fixture(scope="session")
def states():
    """Return the states of an encoding's rows, one row at a time through Cirq's simulator."""
    return _states
