"""ZZ and IQP encodings against formulas written out with NumPy."""

from itertools import combinations

import cirq
import numpy as np
import pytest
from numpy.testing import assert_allclose

from skquantum.circuits import IQPEncoding, ZZEncoding
from skquantum.circuits._folding import entangling_pairs

PAIRS = {
    "linear": lambda n: [(i, i + 1) for i in range(n - 1)],
    "circular": lambda n: [(i, (i + 1) % n) for i in range(n if n > 2 else n - 1)],
    "full": lambda n: list(combinations(range(n), 2)),
}


def bits_of(n):
    return (np.arange(2**n)[:, None] >> np.arange(n)[::-1]) & 1


def hadamards(n):
    return np.array([[(-1) ** (a @ b) for a in bits_of(n)] for b in bits_of(n)]) / 2 ** (n / 2)


def havlicek(x, reps, pairs):
    """Equation (5) of arXiv:1804.11326 and below: (U_phi H)^reps |0>, U_phi = exp(i sum ...)."""
    n = len(x)
    z = 1 - 2 * bits_of(n)
    phase = z @ x + sum((np.pi - x[i]) * (np.pi - x[j]) * z[:, i] * z[:, j] for i, j in pairs)
    psi = np.eye(2**n)[0]
    for _ in range(reps):
        psi = np.exp(1j * phase) * (hadamards(n) @ psi)
    return psi


def iqp(x, reps, pairs):
    n = len(x)
    b = bits_of(n)
    phase = b @ x + sum(x[i] * x[j] * (b[:, i] ^ b[:, j]) for i, j in pairs)
    psi = np.eye(2**n)[0]
    for _ in range(reps):
        psi = np.exp(1j * phase) * (hadamards(n) @ psi)
    return psi


@pytest.mark.parametrize("n", [1, 2, 3, 4])
@pytest.mark.parametrize("reps", [1, 2])
@pytest.mark.parametrize("entanglement", PAIRS)
def test_zz_is_the_map_of_havlicek(n, reps, entanglement, states):
    x = np.random.default_rng(n).uniform(0, 2 * np.pi, size=n)
    psi = states(ZZEncoding(reps=reps, entanglement=entanglement, bandwidth=1.0), x)[0]
    paper = havlicek(x, reps, PAIRS[entanglement](n))
    # Phase gates turn the other way round than the paper's exp(i phi Z), hence the conjugate
    # (which kernels don't see), up to a global phase.
    assert_allclose(abs(np.vdot(paper.conj(), psi)), 1, rtol=1e-12)


@pytest.mark.parametrize("n", [1, 2, 4])
@pytest.mark.parametrize("entanglement", PAIRS)
def test_iqp_has_phases_of_products(n, entanglement, states):
    x = np.random.default_rng(n).normal(size=n)
    psi = states(IQPEncoding(reps=2, entanglement=entanglement), x)[0]
    assert_allclose(psi, iqp(x, 2, PAIRS[entanglement](n)), atol=1e-12)


def test_zz_is_made_of_the_usual_gates(states):
    x, y = 0.4, 1.3
    a, b = cirq.LineQubit.range(2)
    pair = cirq.ZPowGate(exponent=2 * (np.pi - x) * (np.pi - y) / np.pi)
    circuit = cirq.Circuit(
        cirq.H.on_each(a, b),
        cirq.ZPowGate(exponent=2 * x / np.pi)(a),
        cirq.ZPowGate(exponent=2 * y / np.pi)(b),
        [cirq.CX(a, b), pair(b), cirq.CX(a, b)],
    )
    expected = circuit.final_state_vector(dtype=np.complex128)
    assert_allclose(states(ZZEncoding(reps=1, bandwidth=1.0), [x, y])[0], expected, atol=1e-12)


def test_pairs_meet_within_a_sublayer_only(states):
    x = np.random.default_rng(0).normal(size=3)
    encoding = IQPEncoding(n_qubits=2, reps=1)
    psi = iqp(x[:2], 1, [(0, 1)]).reshape(2, 2)
    psi = np.diag([1, np.exp(1j * x[2])]) @ hadamards(1) @ psi
    assert_allclose(states(encoding, x)[0], psi.ravel(), atol=1e-12)


def test_features_repeat_along_a_wider_register(states):
    x = np.array([0.3, -0.8])
    psi = states(IQPEncoding(n_qubits=5, reps=1), x)[0]
    assert_allclose(psi, iqp(x[[0, 1, 0, 1, 0]], 1, PAIRS["linear"](5)), atol=1e-12)


@pytest.mark.parametrize("n", range(1, 8))
@pytest.mark.parametrize("entanglement", PAIRS)
def test_entangling_pairs_are_complete_and_dense(n, entanglement):
    pairs = entangling_pairs(n, entanglement)
    expected = {tuple(sorted(pair)) for pair in PAIRS[entanglement](n)}
    assert len(pairs) == len(expected)
    assert set(pairs) == expected
    qubits = cirq.LineQubit.range(n)
    depth = len(cirq.Circuit(cirq.CZ(qubits[i], qubits[j]) for i, j in pairs))
    assert depth <= {"linear": 2, "circular": 3, "full": n}[entanglement]


def test_an_encoding_draws_itself():
    expected = (
        "0: ───H───Z^(2*x_0/pi)───ZZ────────────────────────────────\n"
        "                         │\n"
        "1: ───H───Z^(2*x_1/pi)───ZZ^(2*(pi - x_0)*(pi - x_1)/pi)───"
    )
    assert str(ZZEncoding(reps=1, bandwidth=1.0).build(2)) == expected
    assert "0.3" in str(ZZEncoding(bandwidth=0.3).build(2))
