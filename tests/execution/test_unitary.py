"""Noise belongs to the backend: all refuse circuits that are not unitary, in the same words."""

import gc
import re

import cirq
import numpy as np
import pytest
import sympy
from numpy.testing import assert_allclose

from skquantum import _symbols
from skquantum.circuits import AmplitudeEncoding
from skquantum.execution import (
    Backend,
    MitigatedBackend,
    QsimBackend,
    ReferenceBackend,
    SamplerBackend,
)
from skquantum.execution._compiler import unitary as _unitary

A, B = cirq.LineQubit.range(2)
X, P = sympy.symbols("x p")


class ThirdParty(Backend):
    """What somebody else may write: the abstract method alone."""

    def _states(self, circuit, symbols, values):
        return ReferenceBackend()._states(circuit, symbols, values)


BACKENDS = [
    ReferenceBackend(),
    ThirdParty(),
    QsimBackend(),
    QsimBackend(noise=0.01),
    QsimBackend(shots=10, seed=0),
    QsimBackend(noise=0.01, method="trajectories", n_trajectories=20, seed=0),
    SamplerBackend(cirq.Simulator(seed=0), repetitions=10),
    MitigatedBackend(QsimBackend(noise=0.01)),
]
HALF = np.diag([1.0, 0.5])


class Damped(cirq.Gate):
    """A channel made of a decomposition."""

    def _num_qubits_(self):
        return 1

    def _decompose_(self, qubits):
        return [cirq.X(*qubits), cirq.reset(*qubits)]


class HalfUnitary(cirq.Gate):
    """A gate whose matrix is not unitary."""

    def _num_qubits_(self):
        return 1

    def _unitary_(self):
        return HALF


REFUSED = [
    cirq.bit_flip(0.3)(A),
    cirq.amplitude_damp(0.4)(A),
    cirq.depolarize(0.1, n_qubits=2)(A, B),
    cirq.reset(A),
    cirq.X(A).with_probability(0.3),
    cirq.X(A).with_probability(P),
    cirq.bit_flip(0.3)(A).with_tags("a tag"),
    cirq.KrausChannel([np.diag([1, 0]), np.diag([0, 1])])(A),
    cirq.MixedUnitaryChannel([(0.5, np.eye(2)), (0.5, cirq.unitary(cirq.X))])(A),
    cirq.CircuitOperation(cirq.FrozenCircuit(cirq.H(A), cirq.phase_damp(0.2)(A))),
    cirq.MatrixGate(HALF, unitary_check=False)(A),
    HalfUnitary()(A),
    Damped()(A),
]
MEASURING = [
    cirq.measure(A, key="m"),
    cirq.measure_single_paulistring(cirq.X(A) * cirq.Z(B), key="m"),
    cirq.CircuitOperation(cirq.FrozenCircuit(cirq.measure(A, key="m"))),
]


def name_of(op):
    """Return an operation as text, without addresses: each process of a run has its own."""
    return re.sub(" object at 0x[0-9a-f]+", "", str(op))


def calls(backend, circuit, symbols):
    values = np.full((2, len(symbols)), 0.4)
    yield lambda: backend.states(circuit, symbols, values)
    yield lambda: backend.expectations(circuit, symbols, values, [cirq.Z(A)])
    yield lambda: backend.overlaps(circuit, symbols, values)
    yield lambda: backend.evaluator(circuit, symbols, [], [cirq.Z(A)])
    if not backend.get_params().get("shots"):
        yield lambda: backend.state_evaluator(circuit, symbols, [cirq.Z(A)], lambda rows: rows)


@pytest.mark.parametrize("op", [*REFUSED, *MEASURING], ids=name_of)
def test_every_backend_refuses_in_the_same_words(op):
    circuit = cirq.Circuit(cirq.rx(X)(A), cirq.CNOT(A, B), op, cirq.rx(X)(A))
    symbols = [X, *([P] if P in cirq.parameter_symbols(op) else [])]
    said = set()
    for backend in BACKENDS:
        for call in calls(backend, circuit, symbols):
            with pytest.raises(ValueError) as caught:
                call()
            said.add(str(caught.value))
    (message,) = said
    assert ("not unitary. Noise belongs" in message) or ("contains the measurement" in message)


def test_classical_control_is_refused():
    controlled = cirq.Circuit(cirq.X(A).with_classical_controls("m"), cirq.rx(X)(A))
    for backend in BACKENDS:
        with pytest.raises(ValueError, match="not unitary"):
            backend.expectations(controlled, [X], [[0.1]], [cirq.Z(A)])


def test_qudits_are_refused():
    circuit = cirq.Circuit(cirq.XPowGate(dimension=3)(cirq.LineQid(0, 3)))
    for backend in BACKENDS:
        with pytest.raises(ValueError, match="qudits"):
            backend.states(circuit, [], np.empty((1, 0)))


class OnItsDomain(cirq.Gate):
    """A rotation whose parameter is a probability; elsewhere it has no matrix."""

    def __init__(self, p):
        self.p = p

    def _num_qubits_(self):
        return 1

    def _is_parameterized_(self):
        return cirq.is_parameterized(self.p)

    def _parameter_names_(self):
        return cirq.parameter_names(self.p)

    def _resolve_parameters_(self, resolver, recursive):
        return OnItsDomain(resolver.value_of(self.p, recursive))

    def _unitary_(self):
        if cirq.is_parameterized(self.p):
            return NotImplemented
        c, s = np.sqrt(1 - self.p), np.sqrt(self.p)
        return np.array([[c, -s], [s, c]])


ACCEPTED = [
    cirq.PhasedXPowGate(phase_exponent=X, exponent=0.3)(A),
    cirq.PhasedXZGate(x_exponent=X, z_exponent=0.1, axis_phase_exponent=0.2)(A),
    cirq.FSimGate(X, 0.2)(A, B),
    cirq.ControlledGate(cirq.PhasedXPowGate(phase_exponent=X))(A, B),
    cirq.CircuitOperation(cirq.FrozenCircuit(cirq.rx(X)(A)), repetitions=3),
    cirq.QubitPermutationGate([1, 0])(A, B),
    cirq.rx(sympy.pi)(A),
    cirq.global_phase_operation(1j),
    cirq.CSWAP(A, B, cirq.LineQubit(2)),
    cirq.MatrixGate(cirq.unitary(cirq.ISWAP))(A, B),
    OnItsDomain(X)(A),
]


@pytest.mark.parametrize("op", ACCEPTED, ids=name_of)
def test_unitary_operations_run(op):
    circuit = cirq.Circuit(cirq.H(A), cirq.CNOT(A, B), op, cirq.ry(X)(B))
    values = np.array([[0.3], [0.7]])
    out = ReferenceBackend().expectations(circuit, [X], values, [cirq.Z(A), cirq.X(B)])
    for row, x in zip(out, values[:, 0], strict=True):
        state = cirq.Simulator(dtype=np.complex128).simulate(
            cirq.resolve_parameters(circuit, {X: x})
        )
        want = [
            p.expectation_from_state_vector(state.final_state_vector, state.qubit_map).real
            for p in (cirq.Z(A) * 1.0, cirq.X(B) * 1.0)
        ]
        assert_allclose(row, want, atol=1e-6)


@pytest.mark.parametrize("theta", [sympy.Integer(0), sympy.pi / 3])
def test_a_gate_that_takes_a_number_of_sympys_for_no_parameter(theta):
    def circuit(angle):
        gate = cirq.BooleanHamiltonianGate(["a", "b"], ["a ^ b", "a & b"], angle)
        parts = [cirq.H.on_each(A, B), cirq.ry(X)(B), gate(A, B), cirq.H.on_each(A, B)]
        return cirq.Circuit(parts, cirq.CircuitOperation(cirq.FrozenCircuit(gate(B, A))))

    for backend in (ReferenceBackend(), QsimBackend()):
        one, other = (backend.states(circuit(t), [X], [[0.3]]) for t in (theta, float(theta)))
        assert_allclose(one, other, atol=1e-6)


@pytest.mark.parametrize(("m_value", "n_qubits"), [(3, 2), (4, 3), (5, 3), (6, 3), (5, 4)])
def test_a_uniform_superposition_is_its_unitary_on_every_basis_state(m_value, n_qubits):
    gate, qubits = cirq.UniformSuperpositionGate(m_value, n_qubits), cirq.LineQubit.range(n_qubits)
    unitary = cirq.unitary(gate)
    for backend in (ReferenceBackend(), QsimBackend()):
        for index, column in enumerate(unitary.T):
            bits = [index >> (n_qubits - 1 - q) & 1 for q in range(n_qubits)]
            start = [cirq.X(q) ** bit for q, bit in zip(qubits, bits, strict=True)]
            state = backend.states(cirq.Circuit(start, gate(*qubits)), [], np.empty((1, 0)))[0]
            assert_allclose(state, column, atol=1e-6)


@pytest.mark.parametrize("controls", [[0], [1], [0, 1]])
def test_controls_may_be_booleans(controls):
    target, *others = cirq.LineQubit.range(len(controls) + 1)

    def circuit(values):
        gate = cirq.ry(X)(target).controlled_by(*others, control_values=values)
        return cirq.Circuit(cirq.H.on_each(target, *others), gate, cirq.rx(0.4)(target))

    wanted = ReferenceBackend().states(circuit(controls), [X], [[0.7]])
    for backend in (ReferenceBackend(), QsimBackend()):
        found = backend.states(circuit([bool(value) for value in controls]), [X], [[0.7]])
        assert_allclose(found, wanted, atol=1e-6)


def test_circuits_of_our_own_run_everywhere():
    encoding = AmplitudeEncoding()
    circuit, symbols = encoding.compiled(4)
    rows = encoding.encode(np.array([[0.1, 0.2, 0.3, 0.4]]))
    observables = [cirq.Z(q) for q in sorted(circuit.all_qubits())]
    for backend in BACKENDS:
        assert np.isfinite(backend.expectations(circuit, symbols, rows, observables)).all()


def test_a_circuit_is_looked_at_once(monkeypatch):
    circuit = cirq.FrozenCircuit(cirq.rx(X)(A), cirq.Z(A))
    seen = []
    check = _unitary._check_operation
    monkeypatch.setattr(_unitary, "_check_operation", lambda op: (seen.append(op), check(op)))
    for _ in range(3):
        ReferenceBackend().states(circuit, [X], [[0.1]])
    assert len(seen) == 2


def test_what_is_known_of_a_circuit_goes_with_it(monkeypatch):
    monkeypatch.setattr(_unitary, "check_finite", lambda circuit: None)  # it remembers a few
    circuit = cirq.FrozenCircuit(cirq.rx(X)(A), cirq.Z(A))
    _unitary.check_circuit(circuit)
    key = id(circuit)
    assert key in _unitary._unitary
    del circuit
    _symbols._of_frozen.cache_clear()  # it holds the latest circuits
    gc.collect()
    assert key not in _unitary._unitary


# --- one abstract method


def test_states_are_enough_for_a_backend():
    circuit = cirq.Circuit(cirq.rx(X)(A), cirq.CNOT(A, B), cirq.ry(X * P)(B))
    rows = np.random.default_rng(0).normal(size=(4, 2))
    sums = [cirq.Z(A) * cirq.Z(B), 0.5 * cirq.X(B) + 0.25, cirq.Y(A) * cirq.X(B)]
    ours, theirs = ReferenceBackend(), ThirdParty()
    arguments = circuit, [X, P], rows
    assert_allclose(
        theirs.expectations(*arguments, sums), ours.expectations(*arguments, sums), atol=1e-12
    )
    assert_allclose(theirs.overlaps(*arguments), ours.overlaps(*arguments), atol=1e-12)
    results = []
    for backend in (QsimBackend(), theirs):
        evaluator = backend.evaluator(circuit, [X], [P], sums)
        values, pullback = evaluator.forward_vjp(rows[:, :1], np.array([0.3]))
        results.append([values, *pullback(np.ones_like(values))])
        assert_allclose(evaluator.forward(rows[:, :1], np.array([0.3])), values, atol=1e-6)
    for a, b in zip(*results, strict=True):
        assert_allclose(a, b, atol=1e-5)


def test_an_evaluator_says_what_a_step_costs():
    circuit = cirq.Circuit(cirq.rx(X)(A), cirq.CNOT(A, B), cirq.ry(P)(B))
    arguments = circuit, [X], [P], [cirq.Z(B)]
    assert QsimBackend().evaluator(*arguments).n_circuits() is None
    assert QsimBackend(noise=0.1).evaluator(*arguments).n_circuits() is None
    shifts = ThirdParty().evaluator(*arguments)
    assert (shifts.n_circuits(), shifts.n_circuits(data_gradient=False)) == (4, 2)
    assert ThirdParty().evaluator(*arguments, gradient="spsa").n_circuits() == 2
    noisy = QsimBackend(noise=0.1)
    assert MitigatedBackend(noisy, readout=False).evaluator(*arguments).n_circuits() is None
    folded = MitigatedBackend(noisy, readout=False, zne=(1, 3))
    # 4 circuits at the first factor, 12 at the second.
    assert folded.evaluator(*arguments, gradient="parameter-shift").n_circuits() == 8


def test_a_backend_says_whether_it_has_a_budget():
    class Frugal(ThirdParty):
        def check_budget(self, n_circuits):
            if n_circuits > 3:
                raise ValueError("too many")

    limited = SamplerBackend(cirq.Simulator(), max_circuits=5)
    for backend, has in (
        *((b, False) for b in BACKENDS),
        (Frugal(), True),
        (limited, True),
        (MitigatedBackend(limited), True),
    ):
        assert backend.has_budget is has


# --- observables


@pytest.mark.parametrize("number", [3, 1.5, 2j, np.float64(1), np.array(2), sympy.pi, True])
def test_numbers_are_no_observables(number):
    circuit = cirq.Circuit(cirq.rx(X)(A))
    for backend in BACKENDS:
        with pytest.raises(TypeError, match=r"observables\[1\] = .* is a number"):
            backend.expectations(circuit, [X], [[0.1]], [cirq.Z(A), number])


@pytest.mark.parametrize(
    "constant", [cirq.PauliString(), cirq.PauliSum(), cirq.Z(A) - cirq.Z(A) + 2.0], ids=str
)
def test_nothing_is_learned_from_the_identity(constant):
    circuit = cirq.Circuit(cirq.rx(X)(A))
    for backend in BACKENDS:
        with pytest.raises(ValueError, match=r"observables\[1\] = .*multiple of the identity"):
            backend.evaluator(circuit, [], [X], [cirq.Z(A), constant])


@pytest.mark.parametrize("gradient", [None, 3, ["adjoint"], "adjiont", np.array(["spsa", "spsa"])])
def test_gradients_that_do_not_exist(gradient):
    for backend in BACKENDS:
        with pytest.raises(ValueError, match="Unknown gradient .*Choose from 'auto'"):
            backend.evaluator(cirq.Circuit(cirq.rx(X)(A)), [], [X], [cirq.Z(A)], gradient)


@pytest.mark.parametrize(
    ("description", "name"),
    [
        (QsimBackend(n_threads=1.5), "n_threads"),
        (QsimBackend(n_threads=True), "n_threads"),
        (QsimBackend(max_memory=-1), "max_memory"),
        (QsimBackend(max_memory=None), "max_memory"),
        (QsimBackend(noise=[0.1]), "noise"),
        (QsimBackend(shots=0), "shots"),
        (QsimBackend(shots="10"), "shots"),
        (QsimBackend(method=3), "method"),
        (QsimBackend(method="densty"), "method"),
        (QsimBackend(n_trajectories=1), "n_trajectories"),
        (QsimBackend(seed=-1), "seed"),
        (SamplerBackend(cirq.Simulator(), repetitions=0), "repetitions"),
        (SamplerBackend(3), "sampler"),
        (MitigatedBackend(QsimBackend(), readout=None), "readout"),
        (MitigatedBackend(QsimBackend(), zne=3), "zne"),
        (MitigatedBackend(QsimBackend(), extrapolation="lineal"), "extrapolation"),
    ],
)
def test_parameters_of_backends_are_validated_before_anything_runs(description, name):
    circuit = cirq.Circuit(cirq.rx(X)(A))
    for call in calls(description, circuit, [X]):
        with pytest.raises((ValueError, TypeError), match=f"{name}") as caught:
            call()
        assert type(description).__name__ in str(caught.value) or "noise" in str(caught.value)
    if name in ("method", "extrapolation") and description.get_params()[name] != 3:
        assert "Did you mean" in str(caught.value)


def test_a_valid_parameter_that_becomes_invalid_is_seen():
    circuit, backend = cirq.Circuit(cirq.rx(X)(A)), QsimBackend(shots=1, seed=0)
    backend.expectations(circuit, [X], [[0.1]], [cirq.Z(A)])
    for equal in (True, 1.0):  # that compare equal to 1
        backend.set_params(shots=equal)
        with pytest.raises(ValueError, match="shots"):
            backend.expectations(circuit, [X], [[0.1]], [cirq.Z(A)])
