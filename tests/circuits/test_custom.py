"""The user's own circuit."""

import cirq
import numpy as np
import pytest
import sympy
from numpy.testing import assert_allclose
from sklearn.base import clone

from skquantum.circuits import CircuitEncoding

A, B = cirq.LineQubit.range(2)
X, Y = sympy.symbols("x y")
CIRCUIT = cirq.Circuit(cirq.ry(X)(A), cirq.CX(A, B), cirq.rx(X * Y + 0.5)(B))


def test_the_circuit_runs_as_it_is(states):
    x, y = 0.4, -1.1
    expected = cirq.Circuit(cirq.ry(x)(A), cirq.CX(A, B), cirq.rx(x * y + 0.5)(B))
    expected = expected.final_state_vector(dtype=np.complex128)
    assert_allclose(states(CircuitEncoding(CIRCUIT), [x, y])[0], expected, atol=1e-12)
    swapped = CircuitEncoding(CIRCUIT.freeze(), data_symbols=[Y, "x"])
    assert_allclose(states(swapped, [y, x])[0], expected, atol=1e-12)
    assert CircuitEncoding(CIRCUIT).build(2) == CIRCUIT


def test_symbols_come_in_natural_order():
    names = ["x10", "x2", "x1", "a", "x1b2"]
    circuit = cirq.Circuit(cirq.X(A) ** sympy.Symbol(name) for name in names)
    ordered = [symbol.name for symbol in CircuitEncoding(circuit).symbols(5)]
    assert ordered == ["a", "x1", "x1b2", "x2", "x10"]


def test_qubits_become_a_line_in_their_order(states):
    a, b = cirq.NamedQubit("b"), cirq.GridQubit(0, 1)
    circuit = CIRCUIT.transform_qubits({A: a, B: b})
    first, second = sorted([a, b])
    renamed = circuit.transform_qubits({first: A, second: B})
    encoding = CircuitEncoding(circuit)
    assert encoding.build(2) == renamed
    assert encoding.width(2) == 2
    assert circuit.all_qubits() == {a, b}


def test_a_clone_and_an_equal_circuit_share_what_is_compiled():
    compiled, _ = CircuitEncoding(CIRCUIT).compiled(2)
    assert clone(CircuitEncoding(CIRCUIT)).compiled(2)[0] is compiled
    assert CircuitEncoding(CIRCUIT.copy()).compiled(2)[0] is compiled


@pytest.mark.parametrize(
    ("encoding", "message"),
    [
        (CircuitEncoding("zz"), r"'circuit' parameter of CircuitEncoding .* Got 'zz'"),
        (CircuitEncoding(CIRCUIT, data_symbols="x"), "'data_symbols' parameter .* Got 'x'"),
        (CircuitEncoding(CIRCUIT, ["x", "z", "y"]), "names z, which .* symbols are: x, y"),
        (CircuitEncoding(CIRCUIT, ["x", "x", "y"]), "names a symbol twice: x, x, y"),
        (CircuitEncoding(CIRCUIT, ["x"]), "unbound symbols: y. Name them in data_symbols"),
        (CircuitEncoding(cirq.Circuit(cirq.H(A))), "has no symbols to receive data"),
        (CircuitEncoding(cirq.Circuit()), "has no symbols to receive data"),
        (CircuitEncoding(CIRCUIT + cirq.measure(A, key="m")), r"at the end \(keys m\).*Remove"),
        (
            CircuitEncoding(cirq.Circuit(cirq.measure(A, key="m")) + CIRCUIT),
            r"measurements in the middle \(keys m\)",
        ),
        (
            CircuitEncoding(
                cirq.Circuit(cirq.rx(sympy.sin(sympy.Symbol("x", real=True)))(A), cirq.X(B) ** Y)
            ),
            "symbols x of .* assumptions such as real=True",
        ),
    ],
    ids=lambda value: value[:20] if isinstance(value, str) else "",
)
def test_circuits_that_can_not_serve_are_refused(encoding, message):
    for method in (encoding.build, encoding.compiled):
        with pytest.raises(ValueError, match=message):
            method(2)


@pytest.mark.parametrize("n_features", [1, 3])
def test_one_symbol_for_each_feature(n_features):
    message = rf"has 2 data symbols \(x, y\), but the data has {n_features} features"
    for method in ("build", "symbols", "compiled", "width"):
        with pytest.raises(ValueError, match=message):
            getattr(CircuitEncoding(CIRCUIT), method)(n_features)
