"""Laws of the batched engine: it computes what the reference computes."""

import cirq
import numpy as np
import pytest
import sympy
from hypothesis import given, settings
from hypothesis import strategies as st

from skquantum.execution import QsimBackend, ReferenceBackend, circuit_resources
from skquantum.execution._compiler.compile import compile_program
from skquantum.execution._compiler.program import (
    Fixed,
    Phases,
)
from skquantum.execution._engine import overlaps
from skquantum.execution._engine import qsim as engine
from skquantum.execution._qsim_backend import parse_bytes
from tests.execution.strategies import SYMBOLS, circuits, observables, values

FAST, SLOW = QsimBackend(n_threads=1), ReferenceBackend()


@given(circuits(), st.integers(1, 5), st.integers(0, 9))
@settings(max_examples=150, deadline=None)
def test_states_equal_the_reference(circuit, n_samples, seed):
    X = values(n_samples, seed)
    states = FAST.states(circuit, SYMBOLS, X)
    np.testing.assert_allclose(states, SLOW.states(circuit, SYMBOLS, X), rtol=0, atol=1e-5)


@given(st.data())
@settings(max_examples=60, deadline=None)
def test_expectations_equal_the_reference(data):
    circuit = data.draw(circuits(max_gates=8))
    qubits = sorted(circuit.all_qubits())
    sums = [data.draw(observables(qubits)) for _ in range(data.draw(st.integers(1, 3)))]
    X = values(3)
    np.testing.assert_allclose(
        FAST.expectations(circuit, SYMBOLS, X, sums),
        SLOW.expectations(circuit, SYMBOLS, X, sums),
        rtol=0,
        atol=2e-5,  # coefficients up to 2, up to four strings
    )


def layered(n_qubits=3):
    """A circuit that has shared segments and phases, with tables that cross a cut."""
    q = cirq.LineQubit.range(n_qubits)
    x, y, z = SYMBOLS
    return cirq.Circuit(
        cirq.H.on_each(q),
        [cirq.rz(x + i * y)(q[i]) for i in range(n_qubits)],
        [cirq.ZZ(q[i], q[i + 1]) ** (y * z) for i in range(n_qubits - 1)],
        [cirq.ry(z * (i + 1))(q[i]) for i in range(n_qubits)],
        [cirq.CX(q[i], q[i + 1]) for i in range(n_qubits - 1)],
        [cirq.rx(x * y)(a) for a in q],
    )


@pytest.mark.parametrize("n_samples", [0, 1, 2, 15, 16, 17, 63, 64, 65, 200])
def test_batch_sizes_and_chunk_borders(n_samples, monkeypatch):
    circuit, X = layered(), values(n_samples)
    expected = SLOW.states(circuit, SYMBOLS, X)
    monkeypatch.setattr(engine, "CHUNK_AMPLITUDES", 64 * 8)
    states = FAST.states(circuit, SYMBOLS, X)
    assert states.shape == (n_samples, 8)
    assert states.dtype == np.complex64
    np.testing.assert_allclose(states, expected, rtol=0, atol=1e-5)
    z = FAST.expectations(circuit, SYMBOLS, X, [cirq.Z(cirq.LineQubit(0))])
    assert z.shape == (n_samples, 1)


def test_a_row_does_not_depend_on_its_neighbours():
    circuit, X = layered(4), values(100)
    whole = FAST.states(circuit, SYMBOLS, X)
    for rows in (slice(0, 1), slice(3, 20), slice(50, 100)):
        np.testing.assert_array_equal(FAST.states(circuit, SYMBOLS, X[rows]), whole[rows])


@pytest.mark.parametrize("n_qubits", [1, 2, 9, 13])
def test_registers(n_qubits):
    circuit, X = layered(n_qubits), values(2)
    np.testing.assert_allclose(
        FAST.states(circuit, SYMBOLS, X), SLOW.states(circuit, SYMBOLS, X), rtol=0, atol=1e-5
    )


def test_threads_do_not_change_the_result():
    circuit, X = layered(6), values(600)
    one = FAST.states(circuit, SYMBOLS, X)
    np.testing.assert_array_equal(QsimBackend(n_threads=2).states(circuit, SYMBOLS, X), one)


def test_large_angles_keep_their_precision():
    q = cirq.LineQubit(0)
    circuit, X = cirq.Circuit(cirq.ry(SYMBOLS[0])(q)), values(50, scale=1e5)
    np.testing.assert_allclose(
        FAST.states(circuit, SYMBOLS, X), SLOW.states(circuit, SYMBOLS, X), rtol=0, atol=1e-6
    )


def test_frozen_and_read_only_input_is_left_alone():
    circuit, X = layered().freeze(), values(7)
    X.setflags(write=False)
    FAST.states(circuit, SYMBOLS, X)
    FAST.overlaps(circuit, SYMBOLS, X)


# ---------------------------------------------------------------- the compiler


def kinds(circuit, symbols=SYMBOLS):
    program = compile_program(circuit.freeze(), symbols)
    return [type(segment) for segment in program.segments]


def test_rotations_of_a_layer_meet_in_one_segment():
    q = cirq.LineQubit.range(5)
    circuit = cirq.Circuit(cirq.ry(SYMBOLS[0] * (i + 1))(a) for i, a in enumerate(q))
    assert kinds(circuit) == [Phases, Fixed]


def test_rotations_about_one_axis_merge_and_fixed_diagonals_join_them():
    a, b = cirq.LineQubit.range(2)
    x, y, z = SYMBOLS
    assert kinds(cirq.Circuit(cirq.ry(x)(a), cirq.ry(y)(a), cirq.ry(z)(a))) == [Phases, Fixed]
    diagonal = cirq.Circuit(
        cirq.H.on_each(a, b), cirq.rz(x)(a), cirq.CZ(a, b), cirq.rz(y)(b), cirq.T(a)
    )
    assert kinds(diagonal) == [Phases]


def test_sympy_numbers_are_constants():
    q = cirq.LineQubit(0)
    zero, half = sympy.Integer(0), sympy.pi / 2
    circuit = cirq.Circuit(cirq.ry(half)(q), cirq.rz(zero)(q), cirq.XPowGate(exponent=zero)(q))
    expected = np.array([[1, 1]]) / np.sqrt(2)
    np.testing.assert_allclose(FAST.states(circuit, [], np.empty((1, 0))), expected, atol=1e-6)


def test_a_chain_of_pairs_is_split_into_small_tables():
    q = cirq.LineQubit.range(10)
    x, y, _ = SYMBOLS
    circuit = cirq.Circuit(
        cirq.H.on_each(q), [cirq.ZZ(a, b) ** (x * y) for a, b in zip(q, q[1:], strict=False)]
    )
    (phases,) = compile_program(circuit.freeze(), SYMBOLS).segments
    assert sum(np.prod(t.shape) for t in phases.tables) <= 2**6 + 2**6


def test_one_compilation_serves_all_calls():
    circuit = layered().freeze()
    assert compile_program(circuit, SYMBOLS) is compile_program(circuit, SYMBOLS)


def test_a_gate_class_can_bring_its_own_rotation_form():
    class Twist(cirq.Gate):
        def __init__(self, t):
            self.t = t

        def _num_qubits_(self):
            return 1

        def _is_parameterized_(self):
            return True

        def _parameter_names_(self):
            return cirq.parameter_names(self.t)

        def _rotation_form_(self):
            hadamard = cirq.unitary(cirq.H)
            return [(hadamard, (0,))], [(self.t, [0.0, 1.0])]  # X**t

    q = cirq.LineQubit(0)
    np.testing.assert_allclose(
        FAST.states(cirq.Circuit(Twist(SYMBOLS[0])(q)), SYMBOLS, values(4)),
        SLOW.states(cirq.Circuit(cirq.X(q) ** SYMBOLS[0]), SYMBOLS, values(4)),
        atol=1e-6,
    )


# ---------------------------------------------------------------- qsim's binding


def test_the_binding_of_this_release_works():
    # Fails loudly when a release of qsim changes it: `_engine/qsim.py` needs mending.
    assert engine.binding_works()


def test_the_way_through_the_simulator_gives_the_same(monkeypatch):
    circuit, X = layered(), values(9)
    expected = FAST.states(circuit, SYMBOLS, X)
    monkeypatch.setattr(engine, "binding_works", lambda: False)
    np.testing.assert_allclose(FAST.states(circuit, SYMBOLS, X), expected, rtol=0, atol=1e-6)


def test_a_changed_binding_is_said(monkeypatch):
    monkeypatch.delattr(engine.qsimcirq.qsim, "qsim_simulate_fullstate")
    engine.binding_works.cache_clear()
    try:
        with pytest.warns(RuntimeWarning, match="another binding"):
            assert not engine.binding_works()
    finally:
        engine.binding_works.cache_clear()


# ---------------------------------------------------------------- overlaps


@pytest.mark.parametrize("backend", [FAST, SLOW], ids=["qsim", "reference"])
@pytest.mark.parametrize("n_samples", [1, 2, 30, 300])
def test_overlaps_are_a_gram_matrix(backend, n_samples):
    if backend is SLOW and n_samples > 30:
        pytest.skip("the reference is slow")
    gram = backend.overlaps(layered(), SYMBOLS, values(n_samples))
    np.testing.assert_array_equal(gram, gram.T)
    np.testing.assert_array_equal(np.diag(gram), 1.0)
    assert np.linalg.eigvalsh(gram).min() > -1e-5
    assert gram.min() >= 0
    assert gram.max() <= 1 + 1e-5


def test_overlaps_equal_the_reference_in_single_and_double_precision(monkeypatch):
    circuit, X, Y = layered(), values(40, 1), values(23, 2)
    expected = SLOW.overlaps(circuit, SYMBOLS, X), SLOW.overlaps(circuit, SYMBOLS, X, Y)
    for work, once in ((2**23, True), (0, True), (0, False), (2**23, False)):
        monkeypatch.setattr(overlaps, "DOUBLE_PRECISION_WORK", work)
        monkeypatch.setattr(overlaps, "_in_one_piece", lambda n, dim, once=once: once)
        monkeypatch.setattr(overlaps, "TILE", 7)
        monkeypatch.setattr(overlaps, "STRIP", 7)
        gram = FAST.overlaps(circuit, SYMBOLS, X)
        np.testing.assert_allclose(gram, expected[0], rtol=0, atol=2e-6)
        cross = FAST.overlaps(circuit, SYMBOLS, X, Y)
        np.testing.assert_allclose(cross, expected[1], rtol=0, atol=2e-6)


def test_overlaps_by_tiles_equal_overlaps_at_once():
    circuit, X, Y = layered(), values(50, 1), values(31, 2)
    small = QsimBackend(max_memory=8 * 8 * 20 + 50 * 50 * 8)
    for other in (None, Y):
        np.testing.assert_allclose(
            small.overlaps(circuit, SYMBOLS, X, other),
            FAST.overlaps(circuit, SYMBOLS, X, other),
            rtol=0,
            atol=1e-6,
        )


@pytest.mark.parametrize("shape", [(0, 4), (4, 0)])
def test_overlaps_of_empty_batches(shape):
    n, m = shape
    assert FAST.overlaps(layered(), SYMBOLS, values(n), values(m)).shape == shape


# ---------------------------------------------------------------- bad input

Q = cirq.LineQubit(0)
ROW = values(1)


@pytest.mark.parametrize("backend", [FAST, SLOW], ids=["qsim", "reference"])
@pytest.mark.parametrize(
    ("circuit", "X", "message"),
    [
        (cirq.Circuit(cirq.rx(sympy.Symbol("w"))(Q)), ROW, r"unbound symbols \['w'\]"),
        (cirq.Circuit(cirq.H(Q), cirq.measure(Q), cirq.H(Q)), ROW, "measurement"),
        (cirq.Circuit(cirq.H(Q)), ROW[:, :2], r"shape \(n_samples, 3\)"),
        (cirq.Circuit(cirq.H(Q)), ROW[0], r"shape \(n_samples, 3\)"),
        (cirq.Circuit(cirq.H(Q)), [[0, np.nan, 0]], "finite, got nan for symbol x_1 in row 0"),
    ],
)
def test_bad_runs_are_refused(backend, circuit, X, message):
    with pytest.raises(ValueError, match=message):
        backend.states(circuit, SYMBOLS, X)


class Opaque(cirq.Gate):
    """A gate that is neither unitary nor decomposable."""

    def __init__(self, n_qubits, t=0.5):
        self.n_qubits, self.t = n_qubits, t

    def _num_qubits_(self):
        return self.n_qubits

    def _is_parameterized_(self):
        return cirq.is_parameterized(self.t)

    def _parameter_names_(self):
        return cirq.parameter_names(self.t)

    def __repr__(self):
        return "Opaque()"


@pytest.mark.parametrize(
    ("circuit", "message"),
    [
        (cirq.Circuit(), "no qubits"),
        (cirq.Circuit(Opaque(1, SYMBOLS[0])(Q)), r"Opaque\(\) has a symbolic parameter"),
        (cirq.Circuit(Opaque(1)(Q)), r"Opaque\(\) is not unitary"),
        (cirq.Circuit(cirq.depolarize(0.1)(Q)), "not unitary. Noise belongs"),
        (
            cirq.Circuit(cirq.MatrixGate(np.eye(128))(*cirq.LineQubit.range(7))),
            "acts on 7 qubits",
        ),
        (cirq.Circuit(cirq.IdentityGate(qid_shape=(3,))(cirq.LineQid(0, 3))), "qudits"),
        (cirq.Circuit(cirq.rx(sympy.sqrt(SYMBOLS[0]))(Q)), "not a finite real number for row 0"),
    ],
)
def test_circuits_that_cannot_run_are_named(circuit, message):
    with pytest.raises(ValueError, match=message):
        FAST.states(circuit, SYMBOLS, [[-1.0, 0.0, 0.0]])


@pytest.mark.parametrize("value", [1e13, -1e300])
def test_angles_that_are_rounding_alone_are_refused(value):
    circuit = cirq.Circuit(cirq.rx(SYMBOLS[0])(Q))
    FAST.states(circuit, SYMBOLS, [[1e11, 0.0, 0.0]])
    with pytest.raises(ValueError, match="too large to be an angle for row 1 .* Scale the data"):
        FAST.states(circuit, SYMBOLS, [[1.0, 0.0, 0.0], [value, 0.0, 0.0]])


def test_observables_are_checked():
    circuit = cirq.Circuit(cirq.H(Q))
    with pytest.raises(ValueError, match="which the circuit lacks"):
        FAST.expectations(circuit, SYMBOLS, ROW, [cirq.Z(cirq.LineQubit(5))])
    with pytest.raises(ValueError, match="not Hermitian"):
        FAST.expectations(circuit, SYMBOLS, ROW, [1j * cirq.Z(Q)])
    with pytest.raises(TypeError, match=r"observables\[0\] must be"):
        FAST.expectations(circuit, SYMBOLS, ROW, ["Z"])
    with pytest.raises(TypeError, match="a list of"):
        FAST.expectations(circuit, SYMBOLS, ROW, cirq.Z(Q))


@pytest.mark.parametrize(
    ("backend", "message"),
    [
        (QsimBackend(max_memory=1000), "max_memory=1000"),
        (QsimBackend(max_memory="2KiB"), "needs? .* KiB|need .* KiB"),
        (QsimBackend(max_memory="lots"), "max_memory must be"),
        (QsimBackend(max_memory=0), "'max_memory' parameter of QsimBackend must be"),
        (QsimBackend(n_threads=0), "'n_threads' parameter of QsimBackend must be"),
    ],
)
def test_memory_and_threads_are_checked(backend, message):
    with pytest.raises(ValueError, match=message):
        backend.states(layered(4), SYMBOLS, values(500))


@pytest.mark.parametrize(
    ("text", "size"), [("4GiB", 2**32), ("1.5 kB", 1500), ("512MB", 512e6), ("7", 7), (99, 99)]
)
def test_memory_units(text, size):
    assert parse_bytes(text) == size


def test_resources_count_a_decomposed_circuit():
    a, b, c = cirq.LineQubit.range(3)
    counts = circuit_resources(cirq.Circuit(cirq.I(a), cirq.H(a), cirq.CCZ(a, b, c)))
    assert counts["n_qubits"] == 3
    assert counts["n_two_qubit_gates"] >= 6
    assert counts["n_one_qubit_gates"] >= 1


def test_memory_counts_observables_and_the_way_back():
    q = cirq.LineQubit.range(12)
    circuit = cirq.Circuit(cirq.ry(SYMBOLS[0]).on_each(*q))
    paulis = [p(a) for a in q for p in (cirq.X, cirq.Y, cirq.Z)]
    small = QsimBackend(max_memory="3MiB")
    small.states(circuit, SYMBOLS, values(2))
    with pytest.raises(ValueError, match="max_memory='3MiB'"):
        small.expectations(circuit, SYMBOLS, values(2), paulis)
    with pytest.raises(ValueError, match="max_memory='3MiB'"):
        small.evaluator(circuit, SYMBOLS, (), [cirq.Z(q[0])])


def test_what_is_derived_from_a_program_goes_with_it():
    import gc
    import weakref

    circuit = layered(3).freeze()
    FAST.states(circuit, SYMBOLS, values(2))
    program = weakref.ref(compile_program(circuit, SYMBOLS))
    compile_program.cache_clear()
    gc.collect()
    assert program() is None


def test_symbols_may_be_given_by_name_and_assumptions_are_refused():
    q = cirq.LineQubit(0)
    X = [[0.3]]
    named = FAST.states(cirq.Circuit(cirq.ry(sympy.Symbol("x"))(q)), ["x"], X)
    np.testing.assert_allclose(named, [[np.cos(0.15), np.sin(0.15)]], atol=1e-6)
    real = sympy.Symbol("x", real=True)
    with pytest.raises(ValueError, match="assumptions"):
        FAST.states(cirq.Circuit(cirq.ry(real)(q)), ["x"], X)
    huge = cirq.Circuit(cirq.ry(1e10 * sympy.Symbol("x"))(q))
    with pytest.raises(ValueError, match="not a finite real number"):
        FAST.states(huge, ["x"], [[1e300]])
