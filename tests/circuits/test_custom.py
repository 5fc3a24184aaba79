"""The user's own circuit."""

import cirq
import numpy as np
import pytest
import sympy
from numpy.testing import assert_allclose
from sklearn.base import clone

from skquantum.circuits import CircuitAnsatz, CircuitEncoding

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


def test_qubits_stay(states):
    a, b = cirq.NamedQubit("b"), cirq.GridQubit(0, 1)
    circuit = CIRCUIT.transform_qubits({A: a, B: b})
    encoding = CircuitEncoding(circuit)
    assert encoding.build(2) == circuit
    first, second = sorted([a, b])
    line = CircuitEncoding(circuit.transform_qubits({first: A, second: B}))
    assert_allclose(states(encoding, [0.4, -1.1]), states(line, [0.4, -1.1]), atol=1e-12)
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
        (CircuitEncoding(cirq.Circuit(cirq.H(A))), "has no symbols to receive features"),
        (CircuitEncoding(cirq.Circuit()), "has no symbols to receive features"),
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


def test_an_ansatz_is_the_circuit_as_its_only_layer():
    ansatz = CircuitAnsatz(CIRCUIT)
    assert ansatz.layers(2) == [CIRCUIT]
    assert ansatz.build(2) == CIRCUIT
    assert ansatz.width(2) == 2
    assert ansatz.symbols(2) == (X, Y)
    assert CircuitAnsatz(CIRCUIT.freeze(), weight_symbols=[Y, "x"]).compiled(2)[1] == (Y, X)


def test_qubits_of_an_ansatz_stay():
    circuit = CIRCUIT.transform_qubits({A: cirq.GridQubit(2, 0), B: cirq.GridQubit(0, 1)})
    assert CircuitAnsatz(circuit).layers(2) == [circuit]


@pytest.mark.parametrize(
    ("ansatz", "message"),
    [
        (CircuitAnsatz("tree"), r"'circuit' parameter of CircuitAnsatz .* Got 'tree'"),
        (CircuitAnsatz(CIRCUIT, "x"), "'weight_symbols' parameter .* Got 'x'"),
        (CircuitAnsatz(CIRCUIT, ["x", "z", "y"]), "weight_symbols of .* names z, which"),
        (CircuitAnsatz(CIRCUIT, ["x", "x"]), "twice: x, x. Use one symbol for each weight"),
        (CircuitAnsatz(CIRCUIT, ["x"]), "unbound symbols: y. Name them in weight_symbols"),
        (CircuitAnsatz(cirq.Circuit(cirq.CZ(A, B))), "CircuitAnsatz has no symbols .* weights"),
        (
            CircuitAnsatz(CIRCUIT + cirq.measure(A, key="m")),
            r"CircuitAnsatz has measurements at the end \(keys m\).*ansatz only.*Remove",
        ),
        (
            CircuitAnsatz(
                cirq.Circuit(cirq.rx(sympy.sin(sympy.Symbol("x", real=True)))(A), cirq.X(B) ** Y)
            ),
            "symbols x of CircuitAnsatz's circuit .* assumptions such as real=True",
        ),
    ],
    ids=lambda value: value[:20] if isinstance(value, str) else "",
)
def test_circuits_that_can_not_be_an_ansatz_are_refused(ansatz, message):
    for method in (ansatz.build, ansatz.layers, ansatz.compiled):
        with pytest.raises(ValueError, match=message):
            method(2)


@pytest.mark.parametrize("n_qubits", [1, 3])
def test_an_ansatz_has_the_qubits_of_its_circuit(n_qubits):
    message = rf"acts on 2 qubits \(q\(0\), q\(1\)\), but n_qubits is {n_qubits}"
    for method in ("build", "layers", "symbols", "compiled", "width"):
        with pytest.raises(ValueError, match=message):
            getattr(CircuitAnsatz(CIRCUIT), method)(n_qubits)
