"""Laws that every ansatz keeps, over a list of instances; the first are those that are public."""

import cirq
import numpy as np
import pytest
import sympy
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose
from sklearn.base import BaseEstimator, clone
from sklearn.utils import estimator_html_repr

from skquantum import circuits
from skquantum.circuits import (
    ANSATZE,
    Ansatz,
    CircuitAnsatz,
    ConvolutionBlock,
    EntanglingRings,
    HardwareEfficient,
    PoolingNetwork,
    RealAmplitudes,
    SimplifiedTwoDesign,
    StronglyEntangling,
    TreeTensor,
    UnentangledAnsatz,
)
from skquantum.testing import check_ansatz

V, W = sympy.symbols("v w")
LINE = cirq.LineQubit.range(3)
OWN = cirq.Circuit(
    cirq.ry(V)(LINE[0]), cirq.CX(LINE[0], LINE[1]), cirq.ISWAP(LINE[1], LINE[2]) ** (V * W + 1)
)
N_QUBITS = 3  # that of the user's own circuit

REPEATED = [
    StronglyEntangling(),
    StronglyEntangling(n_layers=1),
    HardwareEfficient(),
    HardwareEfficient(["Y"], entangler="cx", entanglement="circular", n_layers=2),
    HardwareEfficient(("X", "Z", "Y"), entanglement="full", n_layers=1),
    RealAmplitudes(),
    RealAmplitudes(n_layers=2, entanglement="circular"),
    RealAmplitudes(n_layers=1, entanglement="full"),
    SimplifiedTwoDesign(),
    SimplifiedTwoDesign(n_layers=2),
    EntanglingRings(),
    EntanglingRings(n_layers=3, entangler="both"),
    EntanglingRings(gate="cz"),
    ConvolutionBlock("u2"),
    ConvolutionBlock("u2", n_layers=2),
]
# Where weights are not shared, each is the angle of one gate, and without controls a rotation's.
SCALABLE = [*REPEATED, TreeTensor(), PoolingNetwork("u2", "select", share_weights=False)]
INSTANCES = [
    *SCALABLE,
    UnentangledAnsatz(),
    ConvolutionBlock(),
    ConvolutionBlock("so4"),
    PoolingNetwork(),
    PoolingNetwork("so4", "measured", n_stages=1),
    PoolingNetwork("u2", "modular", n_outputs=2),
    CircuitAnsatz(OWN),
    CircuitAnsatz(OWN.freeze(), weight_symbols=["w", V]),
]
N_WEIGHTS = {
    StronglyEntangling: lambda a, n: 3 * a.n_layers * n,
    HardwareEfficient: lambda a, n: (a.n_layers + 1) * len(a.rotations) * n,
    RealAmplitudes: lambda a, n: (a.n_layers + 1) * n,
    SimplifiedTwoDesign: lambda a, n: n + 2 * a.n_layers * (n - 1) if n > 1 else a.n_layers,
    EntanglingRings: lambda a, n: 3 * a.n_layers * n,
    TreeTensor: lambda a, n: 2 * n - 1,
    ConvolutionBlock: lambda a, n: a.n_layers * max(2 * (n - 1), 1),  # of "u2"
    # A ring has as many pairs as qubits; the last two are one pair; a qubit alone, one rotation.
    PoolingNetwork: lambda a, n: (
        2 * n + N_WEIGHTS[PoolingNetwork](a, -(-n // 2)) if n > 2 else n if n > 1 else 1
    ),
}


def name_of(ansatz):
    params = ansatz.get_params(deep=False).values()
    simple = [str(p) for p in params if np.isscalar(p) or isinstance(p, tuple | list)]
    return "-".join([type(ansatz).__name__, *simple])


every_ansatz = pytest.mark.parametrize("ansatz", INSTANCES, ids=name_of)
every_scalable = pytest.mark.parametrize("ansatz", SCALABLE, ids=name_of)
every_repeated = pytest.mark.parametrize("ansatz", REPEATED, ids=name_of)
every_size = pytest.mark.parametrize("n_qubits", range(1, 7))


def unitary(circuit, symbols, weights, n_qubits=N_QUBITS):
    bound = cirq.resolve_parameters(circuit, dict(zip(symbols, weights, strict=True)))
    return bound.unitary(qubits_that_should_be_present=cirq.LineQubit.range(n_qubits))


class Holder(BaseEstimator):
    def __init__(self, ansatz=None):
        self.ansatz = ansatz


def test_every_public_ansatz_is_under_the_laws():
    names = [getattr(circuits, name) for name in circuits.__all__]
    public = {c for c in names if isinstance(c, type) and issubclass(c, Ansatz)} - {Ansatz}
    assert {type(ansatz) for ansatz in INSTANCES} == public
    assert set(ANSATZE.values()) == public - {CircuitAnsatz, ConvolutionBlock, UnentangledAnsatz}
    assert N_WEIGHTS.keys() == public - {CircuitAnsatz, UnentangledAnsatz}


@every_ansatz
def test_the_laws_that_are_public(ansatz):
    check_ansatz(ansatz)


@every_ansatz
def test_repr_round_trip(ansatz):
    copy = clone(ansatz)
    if not isinstance(ansatz, CircuitAnsatz):
        copy = eval(repr(ansatz), vars(circuits))
    assert type(copy) is type(ansatz)
    assert copy.get_params() == ansatz.get_params()
    assert type(ansatz).__name__ in estimator_html_repr(ansatz)


@every_ansatz
def test_parameters_nest(ansatz):
    holder = Holder(ansatz)
    nested = {f"ansatz__{name}": value for name, value in ansatz.get_params().items()}
    assert holder.get_params() == {"ansatz": ansatz, **nested}
    assert clone(holder).set_params(**nested).ansatz.get_params() == ansatz.get_params()


@every_ansatz
def test_equal_descriptions_compile_to_one_object(ansatz):
    circuit, symbols = ansatz.compiled(N_QUBITS)
    assert isinstance(circuit, cirq.FrozenCircuit)
    assert circuit == ansatz.build(N_QUBITS).freeze()
    assert symbols == ansatz.symbols(N_QUBITS)
    for same in (ansatz, clone(ansatz)):
        assert same.compiled(np.int64(N_QUBITS))[0] is circuit


@every_repeated
def test_other_parameters_compile_to_another_circuit(ansatz):
    ansatz = clone(ansatz)
    circuit, _ = ansatz.compiled(N_QUBITS)
    assert ansatz.set_params(n_layers=4).compiled(N_QUBITS)[0] != circuit


@every_ansatz
def test_the_circuit_is_its_layers_one_after_another(ansatz):
    circuit, layers = ansatz.build(N_QUBITS), ansatz.layers(N_QUBITS)
    assert isinstance(circuit, cirq.Circuit)
    assert all(isinstance(layer, cirq.Circuit) for layer in layers)
    assert [m for layer in layers for m in layer] == list(circuit)
    assert len(layers) == getattr(ansatz, "n_layers", len(layers))


@every_scalable
@every_size
def test_weights_are_numbered_on_from_layer_to_layer(ansatz, n_qubits):
    n_weights = N_WEIGHTS[type(ansatz)](ansatz, n_qubits)
    names = [f"w_{i}" for i in range(n_weights)]
    assert [symbol.name for symbol in ansatz.symbols(n_qubits)] == names
    layers = [cirq.parameter_names(layer) for layer in ansatz.layers(n_qubits)]
    assert sum(map(len, layers)) == len(names)  # no two layers share one
    ordered = [sorted(layer, key=names.index) for layer in layers]
    assert [name for layer in ordered for name in layer] == names
    # Each weight is the angle of one gate.
    gates = ansatz.build(n_qubits).all_operations()
    used = [name for gate in gates for name in cirq.parameter_names(gate)]
    assert sorted(used, key=names.index) == names


@every_scalable
@every_size
def test_any_number_of_qubits_is_a_line(ansatz, n_qubits):
    line = cirq.LineQubit.range(n_qubits)
    assert sorted(ansatz.build(n_qubits).all_qubits()) == line
    assert ansatz.width(n_qubits) == n_qubits


@every_repeated
@every_size
def test_every_layer_acts_on_every_qubit(ansatz, n_qubits):
    for layer in ansatz.layers(n_qubits):
        rotated = {op.qubits[0] for op in layer.all_operations() if cirq.is_parameterized(op)}
        assert rotated == set(cirq.LineQubit.range(n_qubits))


@every_scalable
def test_weights_are_radians(ansatz):
    circuit, symbols = ansatz.compiled(N_QUBITS)
    weights = np.random.default_rng(0).normal(size=len(symbols))
    expected = unitary(circuit, symbols, weights)
    for i in (0, len(symbols) - 1):
        turned = weights + 2 * np.pi * (np.arange(len(symbols)) == i)
        # A full turn of a rotation by half-angles, as cirq.ry has them, is a sign; PhasedXZGate
        # leaves signs out.
        sign = 1 if isinstance(ansatz, EntanglingRings) else -1
        assert_allclose(unitary(circuit, symbols, turned), sign * expected, atol=1e-12)


@every_ansatz
@settings(max_examples=10)
@given(seed=st.integers(0, 2**32 - 1))
def test_a_layer_and_its_inverse_are_the_identity(ansatz, seed):
    rng = np.random.default_rng(seed)
    for layer in ansatz.layers(N_QUBITS):
        weights = {name: rng.uniform(-7, 7) for name in sorted(cirq.parameter_names(layer))}
        both = cirq.resolve_parameters(layer + cirq.inverse(layer), weights)
        matrix = both.unitary(qubits_that_should_be_present=LINE)
        assert_allclose(matrix, np.eye(2**N_QUBITS), atol=1e-12)


@every_ansatz
def test_size_must_be_a_positive_integer(ansatz):
    for method in (ansatz.build, ansatz.layers, ansatz.symbols, ansatz.width, ansatz.compiled):
        with pytest.raises(ValueError, match="n_qubits must be at least 1 for .*got 0"):
            method(0)
        with pytest.raises(TypeError, match="integer"):
            method(2.5)


@every_repeated
@pytest.mark.parametrize("bad", [0, -1, 2.0, "3", None])
def test_the_number_of_layers_is_checked_when_a_circuit_is_asked_for(ansatz, bad):
    ansatz = clone(ansatz).set_params(n_layers=2)
    ansatz.compiled(N_QUBITS)  # 2.0 equals 2: what is in the cache must not let it through
    ansatz.set_params(n_layers=bad)
    for method in (ansatz.build, ansatz.layers, ansatz.symbols, ansatz.width, ansatz.compiled):
        with pytest.raises(ValueError, match=f"'n_layers' parameter of .* Got {bad!r}"):
            method(N_QUBITS)
