import cirq
import numpy as np
import pytest
import sympy
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose

from skquantum.circuits import ENCODINGS, resolve_encoding
from skquantum.execution import ReferenceBackend
from skquantum.execution._measurement import (
    compute_uncompute,
    measurement_settings,
    offsets,
)

QUBITS = cirq.LineQubit.range(3)

strings = st.builds(
    lambda letters, coefficient: cirq.DensePauliString(letters, coefficient=coefficient).on(
        *QUBITS
    ),
    st.text("IXYZ", min_size=3, max_size=3),
    st.floats(-2, 2),
)
sums = st.lists(st.lists(strings, min_size=1, max_size=5), min_size=1, max_size=3).map(
    lambda lists: [cirq.PauliSum.from_pauli_strings(group) for group in lists]
)


def random_state(seed):
    return cirq.testing.random_superposition(8, random_state=seed)


def probabilities(setting, state):
    circuit = cirq.Circuit(cirq.I.on_each(*QUBITS), setting.rotations())
    final = circuit.final_state_vector(initial_state=state, qubit_order=QUBITS)
    return np.abs(final) ** 2


@given(sums, st.integers(0, 2**32 - 1))
def test_settings_and_offsets_give_the_expectation_values(observables, seed):
    state = random_state(seed)
    settings = measurement_settings(observables, QUBITS)
    total = offsets(observables) + sum(
        (probabilities(s, state) @ s.table for s in settings),
        np.zeros(len(observables)),
    )
    index = {q: i for i, q in enumerate(QUBITS)}
    expected = [o.expectation_from_state_vector(state, index).real for o in observables]
    assert_allclose(total, expected, rtol=0, atol=1e-6)


@given(sums)
def test_every_string_is_measured_once_in_a_basis_that_fits(observables):
    settings = measurement_settings(observables, QUBITS)
    measured = [
        (row, frozenset((QUBITS[i], s.basis[QUBITS[i]]) for i in where))
        for s in settings
        for row, _, where in s.terms
    ]
    wanted = [
        (row, frozenset((q, str(p)) for q, p in string.items()))
        for row, total in enumerate(observables)
        for string in total
        if len(string)
    ]
    assert sorted(map(repr, map(_sorted, measured))) == sorted(map(repr, map(_sorted, wanted)))


def _sorted(pair):
    return pair[0], sorted(pair[1])


def test_bases_keep_the_order_of_the_qubits():
    """Sums keep their strings as sets, whose order is another one in each process."""
    q = [cirq.NamedQubit(name) for name in "dbacfehg"]
    total = cirq.PauliSum.from_pauli_strings(
        [cirq.PauliString(cirq.X(p) for p in q[::-1]), cirq.PauliString(cirq.Z(p) for p in q[2:5])]
    )
    for setting in measurement_settings([total], q):
        assert list(setting.basis) == [p for p in q if p in setting.basis]
        for _, _, where in setting.terms:
            assert list(where) == sorted(where)


@given(st.integers(0, 2**32 - 1))
def test_bits_and_counts_of_basis_states_agree(seed):
    rng = np.random.default_rng(seed)
    a, b, c = QUBITS
    observables = [2.0 * cirq.X(a) * cirq.Z(c) + cirq.Z(b), cirq.PauliSum.wrap(cirq.Y(a))]
    outcomes = rng.integers(0, 2, (2, 20, 3))
    states = outcomes @ [4, 2, 1]
    histogram = np.array([np.bincount(row, minlength=8) for row in states])
    basis = np.broadcast_to(np.arange(8)[:, None] >> np.array([2, 1, 0]) & 1, (2, 8, 3))
    for setting in measurement_settings(observables, QUBITS):
        expected = setting.values(outcomes)
        assert expected.shape == (2, 2)
        assert_allclose(setting.values(outcomes.astype(np.uint8)), expected, rtol=0, atol=1e-12)
        assert_allclose(histogram @ setting.table / 20, expected, rtol=0, atol=1e-12)
        assert_allclose(setting.values(basis, histogram), expected, rtol=0, atol=1e-12)


def test_three_settings_measure_all_paulis_of_single_qubits():
    observables = [cirq.PauliSum.wrap(p(q)) for q in QUBITS for p in (cirq.X, cirq.Y, cirq.Z)]
    settings = measurement_settings(observables, QUBITS)
    assert [set(s.basis.values()) for s in settings] == [{"X"}, {"Y"}, {"Z"}]


def test_long_strings_come_first():
    a, b, _ = QUBITS
    observables = [cirq.PauliSum.wrap(o) for o in (cirq.X(a), cirq.Z(b), cirq.Z(a) * cirq.Z(b))]
    assert len(measurement_settings(observables, QUBITS)) == 2


def test_constants_need_no_setting():
    observables = [cirq.PauliSum.wrap(cirq.PauliString(coefficient=-1.5))]
    assert measurement_settings(observables, QUBITS) == []
    assert_allclose(offsets(observables), [-1.5])


@pytest.mark.parametrize("name", sorted(ENCODINGS))
def test_the_all_zeros_probability_is_the_fidelity(name):
    encoding = resolve_encoding(name)
    circuit, symbols = encoding.compiled(3)
    rows = np.array([[1.0, 0.0, 1.0], [0.0, 1.0, 1.0]])
    if name != "basis":
        rows = np.random.default_rng(0).uniform(0.1, 1, (2, 3))
    values = encoding.encode(rows)
    both, left, right = compute_uncompute(circuit.freeze(), tuple(symbols))
    assert both.all_qubits() == circuit.all_qubits()
    pairs = np.hstack([values[[0, 0]], values[[0, 1]]])
    states = ReferenceBackend().states(both, (*left, *right), pairs)
    expected = ReferenceBackend().overlaps(circuit, symbols, values)[0]
    assert_allclose(np.abs(states[:, 0]) ** 2, expected, rtol=0, atol=1e-6)


def test_right_symbols_are_fresh():
    x, y = sympy.symbols("x x_right")
    circuit = cirq.FrozenCircuit(cirq.rx(x)(QUBITS[0]), cirq.rx(y)(QUBITS[1]))
    _, left, right = compute_uncompute(circuit, (x, y))
    assert not set(left) & set(right)


def test_a_circuit_without_inverse_is_refused():
    circuit = cirq.FrozenCircuit(cirq.reset(QUBITS[0]))
    with pytest.raises(ValueError, match="no inverse"):
        compute_uncompute(circuit, ())
