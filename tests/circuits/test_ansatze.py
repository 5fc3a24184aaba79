"""Each ansatz against matrices written independently of Cirq, and its own properties."""

import functools
import itertools

import cirq
import numpy as np
import pytest
import sympy
from numpy.testing import assert_allclose

from skquantum.circuits import (
    Ansatz,
    HardwareEfficient,
    RealAmplitudes,
    SimplifiedTwoDesign,
    StronglyEntangling,
    TreeTensor,
)

PAULIS = {
    "X": np.array([[0, 1], [1, 0]]),
    "Y": np.array([[0, -1j], [1j, 0]]),
    "Z": np.array([[1, 0], [0, -1]]),
}
ZERO, ONE = np.diag([1, 0]), np.diag([0, 1])


def embed(n, **factors):
    """Return a Kronecker product, with the identity where no factor ``q<i>`` is given."""
    matrices = [factors.get(f"q{i}", np.eye(2)) for i in range(n)]
    return functools.reduce(np.kron, matrices)


def rotation(n, axis, qubit, angle):
    matrix = np.cos(angle / 2) * np.eye(2) - 1j * np.sin(angle / 2) * PAULIS[axis]
    return embed(n, **{f"q{qubit}": matrix})


def controlled(n, pauli, control, target):
    idle = embed(n, **{f"q{control}": ZERO})
    return idle + embed(n, **{f"q{control}": ONE, f"q{target}": PAULIS[pauli]})


def product(n, factors):
    """Return the product of matrices that act in the order given."""
    return functools.reduce(lambda done, new: new @ done, factors, np.eye(2**n))


def matrix_of(ansatz, n):
    circuit, symbols = ansatz.compiled(n)
    values = dict(zip(symbols, random_weights(len(symbols)), strict=True))
    return cirq.unitary(cirq.resolve_parameters(circuit, values))


def random_weights(size):
    return np.random.default_rng(0).uniform(-4, 4, size=size)


every_size = pytest.mark.parametrize("n", range(1, 6))


@every_size
@pytest.mark.parametrize("n_layers", [1, 5])
def test_strongly_entangling_layers(n, n_layers):
    weights = random_weights(3 * n_layers * n).reshape(n_layers, n, 3)
    distances = itertools.cycle(range(1, n))
    factors = []
    for angles in weights:
        for q, (phi, theta, omega) in enumerate(angles):
            factors += [
                rotation(n, "Z", q, phi),
                rotation(n, "Y", q, theta),
                rotation(n, "Z", q, omega),
            ]
        if n > 1:
            distance = next(distances)
            factors += [controlled(n, "X", q, (q + distance) % n) for q in range(n)]
    actual = matrix_of(StronglyEntangling(n_layers), n)
    assert_allclose(actual, product(n, factors), atol=1e-12)


# As Qiskit's documentation lists them.
PAIRS = {
    ("linear", 4): [(0, 1), (1, 2), (2, 3)],
    ("circular", 4): [(3, 0), (0, 1), (1, 2), (2, 3)],
    ("full", 4): [(0, 1), (0, 2), (0, 3), (1, 2), (1, 3), (2, 3)],
    ("linear", 2): [(0, 1)],
    ("circular", 2): [(0, 1)],
    ("full", 2): [(0, 1)],
    ("linear", 1): [],
    ("circular", 1): [],
    ("full", 1): [],
}
every_entanglement = pytest.mark.parametrize(("entanglement", "n"), PAIRS)


@every_entanglement
def test_real_amplitudes(entanglement, n):
    *layers, last = random_weights(4 * n).reshape(4, n)
    factors = []
    for angles in layers:
        factors += [rotation(n, "Y", q, angle) for q, angle in enumerate(angles)]
        factors += [controlled(n, "X", *pair) for pair in PAIRS[entanglement, n]]
    factors += [rotation(n, "Y", q, angle) for q, angle in enumerate(last)]
    actual = matrix_of(RealAmplitudes(entanglement=entanglement), n)
    assert_allclose(actual, product(n, factors), atol=1e-12)
    assert_allclose(actual.imag, 0, atol=1e-12)


@every_entanglement
@pytest.mark.parametrize("entangler", ["cz", "cx"])
@pytest.mark.parametrize("axes", ["YZ", "X", "ZXY"])
def test_hardware_efficient_layers(entanglement, n, entangler, axes):
    *layers, last = random_weights(3 * len(axes) * n).reshape(3, len(axes), n)

    def rotations(angles):
        return [
            rotation(n, axis, q, angle)
            for axis, row in zip(axes, angles, strict=True)
            for q, angle in enumerate(row)
        ]

    factors = []
    for angles in layers:
        factors += rotations(angles)
        factors += [controlled(n, entangler[1].upper(), *p) for p in PAIRS[entanglement, n]]
    factors += rotations(last)
    ansatz = HardwareEfficient(tuple(axes), entangler, entanglement, n_layers=2)
    assert_allclose(matrix_of(ansatz, n), product(n, factors), atol=1e-12)


def test_hardware_efficient_gates_that_commute_share_moments():
    layer = HardwareEfficient(["Y"], n_layers=2).layers(8)[0]
    assert len(layer) == 3  # rotations, then the chain in two moments


@pytest.mark.parametrize(
    ("bad", "message"),
    [
        ({"rotations": "YZ"}, "'rotations' parameter of HardwareEfficient .* Got 'YZ'"),
        ({"rotations": ()}, r"'rotations' .* must be one or more of 'X', 'Y', 'Z'.* Got \(\)"),
        ({"rotations": ["Y", "y"]}, r"'rotations' .* for instance .* Got \['Y', 'y'\]"),
        ({"rotations": None}, "'rotations' .* Got None"),
        ({"entangler": "CZ"}, "'entangler' parameter .* Got 'CZ'"),
        ({"entanglement": "ring"}, "'entanglement' parameter .* Got 'ring'"),
    ],
    ids=str,
)
def test_bad_hardware_efficient_parameters_are_refused(bad, message):
    ansatz = HardwareEfficient(**bad)
    for method in (ansatz.build, ansatz.layers, ansatz.symbols, ansatz.width, ansatz.compiled):
        with pytest.raises(ValueError, match=message):
            method(2)


def test_real_amplitudes_refuses_an_unknown_entanglement():
    with pytest.raises(ValueError, match="'entanglement' parameter of RealAmpl.* Got 'star'"):
        RealAmplitudes(entanglement="star").build(2)


@pytest.mark.parametrize("n", range(2, 6))
def test_simplified_two_design(n):
    initial, rest = np.split(random_weights(n + 4 * (n - 1)), [n])
    factors = [rotation(n, "Y", q, angle) for q, angle in enumerate(initial)]
    even = [(q, q + 1) for q in range(0, n - 1, 2)]
    odd = [(q, q + 1) for q in range(1, n - 1, 2)]
    blocks = [*even, *odd] * 2
    for (a, b), (first, second) in zip(blocks, rest.reshape(-1, 2), strict=True):
        factors.append(controlled(n, "Z", a, b))
        factors += [rotation(n, "Y", a, first), rotation(n, "Y", b, second)]
    actual = matrix_of(SimplifiedTwoDesign(n_layers=2), n)
    assert_allclose(actual, product(n, factors), atol=1e-12)


TREES = {
    1: [[]],
    2: [[(0, 1)]],
    3: [[(0, 1)], [(1, 2)]],
    4: [[(0, 1), (2, 3)], [(1, 3)]],
    5: [[(0, 1), (2, 3)], [(1, 3)], [(3, 4)]],
    6: [[(0, 1), (2, 3), (4, 5)], [(1, 3)], [(3, 5)]],
    7: [[(0, 1), (2, 3), (4, 5)], [(1, 3), (5, 6)], [(3, 6)]],
}


@pytest.mark.parametrize("n", TREES)
def test_the_tree_halves_the_active_qubits(n):
    assert [
        [tuple(q.x for q in op.qubits) for op in level.all_operations() if op.gate == cirq.CX]
        for level in TreeTensor().layers(n)
    ] == TREES[n]
    weights = iter(random_weights(2 * n - 1))
    factors = []
    for a, b in itertools.chain(*TREES[n]):
        factors += [rotation(n, "Y", a, next(weights)), rotation(n, "Y", b, next(weights))]
        factors.append(controlled(n, "X", a, b))
    factors.append(rotation(n, "Y", n - 1, next(weights)))
    actual = matrix_of(TreeTensor(), n)
    assert_allclose(actual, product(n, factors), atol=1e-12)


@pytest.mark.parametrize("n", [*range(1, 7), 9])
def test_the_last_qubit_of_the_tree_knows_every_weight(n):
    assert len(TreeTensor().layers(n)) == max(1, int(np.ceil(np.log2(n))))
    circuit, symbols = TreeTensor().compiled(n)
    weights = random_weights(len(symbols))
    last = embed(n, **{f"q{n - 1}": PAULIS["Z"]}).diagonal()

    def readout(values):
        resolver = dict(zip(symbols, values, strict=True))
        psi = cirq.Simulator(dtype=np.complex128).simulate(circuit, resolver).final_state_vector
        return last @ abs(psi) ** 2

    shifts = np.pi / 2 * np.eye(len(symbols))
    gradient = [(readout(weights + s) - readout(weights - s)) / 2 for s in shifts]
    assert np.abs(gradient).min() > 1e-6


def test_layers_are_all_that_an_ansatz_has_to_write():
    class Brick(Ansatz):
        def layers(self, n_qubits):
            qubits = cirq.LineQubit.range(n_qubits)
            return [
                cirq.Circuit(cirq.X(q) ** sympy.Symbol(f"w_{6 * k + q.x}") for q in qubits)
                for k in range(2)
            ]

    circuit, symbols = Brick().compiled(6)
    assert [s.name for s in symbols] == [f"w_{i}" for i in range(12)]
    assert len(circuit) == 2
    assert Brick().width(6) == 6
