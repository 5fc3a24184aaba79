"""A gate that tells the engine its own rotation form. docs/extending.rst shows its source."""

import cirq
import numpy as np
import sympy
from numpy.testing import assert_allclose

from skquantum.execution import QsimBackend, ReferenceBackend

# [gate]
# X (x) X and Y (x) Y commute; the Bell states are their common eigenvectors.
BELL = np.array([[1, 0, 0, 1], [1, 0, 0, -1], [0, 1, 1, 0], [0, 1, -1, 0]]).T / np.sqrt(2)


class XXPlusYY(cirq.Gate):
    """exp(i pi (s XX + t YY)), which is no EigenGate, as it has two exponents."""

    def __init__(self, s, t):
        self.s = s
        self.t = t

    def _num_qubits_(self):
        return 2

    def _rotation_form_(self):
        basis = [(BELL, (0, 1))]  # matrices, and the gate's qubits that each of them acts on
        terms = [(self.s, [1, -1, 1, -1]), (self.t, [-1, 1, 1, -1])]  # exponents, diagonals
        return basis, terms

    # [cirq]
    # What Cirq itself needs to simulate the gate.
    def _is_parameterized_(self):
        return cirq.is_parameterized((self.s, self.t))

    def _parameter_names_(self):
        return cirq.parameter_names((self.s, self.t))

    def _resolve_parameters_(self, resolver, recursive):
        return XXPlusYY(*(resolver.value_of(e, recursive) for e in (self.s, self.t)))

    def _unitary_(self):
        if self._is_parameterized_():
            return NotImplemented
        phases = sum(e * np.array(diagonal) for e, diagonal in self._rotation_form_()[1])
        return BELL @ np.diag(np.exp(1j * np.pi * phases)) @ BELL.T


# [end]


def test_the_engine_uses_it():
    x, y = symbols = sympy.symbols("x y")
    a, b, c = cirq.LineQubit.range(3)
    circuit = cirq.Circuit(
        cirq.H(a), XXPlusYY(x, y / 2)(a, b), cirq.ry(x * y)(c), XXPlusYY(-y, x)(c, a)
    )
    values = np.random.default_rng(0).normal(size=(5, 2))
    states = QsimBackend().states(circuit, symbols, values)
    expected = ReferenceBackend().states(circuit, symbols, values)
    assert_allclose(states, expected, rtol=0, atol=1e-6)
