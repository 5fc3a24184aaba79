"""What mitigation undoes exactly, what it makes better, and what it refuses."""

import pickle

import cirq
import numpy as np
import pytest
import sympy
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from sklearn.base import clone
from sklearn.datasets import load_iris
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skquantum import QuantumKernelSVC, VariationalClassifier
from skquantum.circuits import ZZEncoding
from skquantum.execution import Backend, MitigatedBackend, QsimBackend, ReferenceBackend
from skquantum.execution._device.marks import (
    KEEP_MARKS,
    Mark,
    instead,
    is_mark,
    marked,
    run_marks,
)
from skquantum.execution._mitigated import _Extrapolation
from skquantum.execution._noise.resolve import resolve_noise
from skquantum.kernels import FidelityKernel, ProjectedKernel

A, B, C = cirq.LineQubit.range(3)
U, V = sympy.symbols("u v")
CIRCUIT = cirq.FrozenCircuit(
    cirq.H.on_each(A, B, C),
    cirq.rx(U)(A),
    cirq.ry(V)(B),
    cirq.CX(A, B),
    cirq.CZ(B, C) ** 0.3,
    cirq.ry(U)(C),
)
OBSERVABLES = [
    cirq.PauliSum.wrap(cirq.Z(A)),
    cirq.X(A) * cirq.Y(B) - 0.5 * cirq.Z(B) * cirq.Z(C) + 0.3,
    2 * cirq.X(A) * cirq.X(B) * cirq.Z(C) + cirq.Y(C),
]
VALUES = np.random.default_rng(0).normal(size=(5, 2))


class Misread(ReferenceBackend):
    """Exact states, and a readout that gets each qubit wrong with probabilities of its own."""

    def __init__(self, p_0=0.02, p_1=0.1):
        self.p_0 = p_0
        self.p_1 = p_1

    def rates(self, qubits):
        return {q: (self.p_0 * (1 + i), self.p_1 / (1 + i)) for i, q in enumerate(sorted(qubits))}

    def _expectations(self, circuit, symbols, values, observables):
        rates = self.rates(circuit.all_qubits())
        out = np.zeros((len(values), len(observables)))
        for column, observable in enumerate(observables):
            for string in observable:
                read = cirq.PauliSum.wrap(cirq.PauliString(string.coefficient))
                for qubit, pauli in string.items():
                    p_0, p_1 = rates[qubit]
                    read = read * ((1 - p_0 - p_1) * pauli(qubit) + (p_1 - p_0))
                out[:, column] += super()._expectations(circuit, symbols, values, [read])[:, 0]
        return out


class ReadoutNoise(cirq.NoiseModel):
    """Depolarising noise after each moment, and readout errors."""

    def __init__(self, strength=0.004, p_0=0.01, p_1=0.04):
        self.strength, self.p_0, self.p_1 = strength, p_0, p_1

    def noisy_moment(self, moment, system_qubits):
        if any(cirq.is_measurement(op) for op in moment):
            jumps = [
                np.diag([(1 - self.p_0) ** 0.5, (1 - self.p_1) ** 0.5]),
                np.array([[0, 0], [self.p_0**0.5, 0]]),
                np.array([[0, self.p_1**0.5], [0, 0]]),
            ]
            return [cirq.Moment(cirq.KrausChannel(jumps)(q) for q in system_qubits), moment]
        if self.is_virtual_moment(moment):
            return moment
        noise = cirq.depolarize(self.strength)
        return [moment, cirq.Moment(noise(q).with_tags(cirq.VirtualTag()) for q in system_qubits)]


class Counted(QsimBackend):
    """Keep a list of the circuits that were asked for."""

    seen: list = []

    def _expectations(self, circuit, symbols, values, observables):
        self.seen.append((circuit, len(values)))
        return super()._expectations(circuit, symbols, values, observables)


@given(p_0=st.floats(0, 0.1), p_1=st.floats(0, 0.3))
@settings(max_examples=10)
def test_readout_errors_are_undone_exactly(p_0, p_1):
    misread = Misread(p_0, p_1)
    mitigated = MitigatedBackend(misread, zne=None)
    exact = ReferenceBackend().expectations(CIRCUIT, (U, V), VALUES, OBSERVABLES)
    found = mitigated.expectations(CIRCUIT, (U, V), VALUES, OBSERVABLES)
    np.testing.assert_allclose(found, exact, atol=1e-10)
    rates = mitigated.calibrate(CIRCUIT)
    for qubit, expected in misread.rates([A, B, C]).items():
        assert rates[qubit] == pytest.approx(expected, abs=1e-10)
    known = MitigatedBackend(misread, readout=rates, zne=None)
    np.testing.assert_allclose(
        known.expectations(CIRCUIT, (U, V), VALUES, OBSERVABLES), exact, atol=1e-10
    )


@pytest.mark.parametrize("kernel", [FidelityKernel, ProjectedKernel])
def test_kernels_are_read_rightly(kernel):
    X = np.random.default_rng(1).normal(size=(5, 3))
    mitigated = kernel(backend=MitigatedBackend(Misread(), zne=None))
    exact = kernel(backend=ReferenceBackend())
    np.testing.assert_allclose(mitigated(X), exact(X), atol=1e-9)
    np.testing.assert_array_equal(mitigated(X), mitigated(X).T)
    np.testing.assert_allclose(mitigated(X[:2], X), exact(X[:2], X), atol=1e-9)


@pytest.mark.parametrize("times", [1, 3, 5])
def test_folded_circuits_do_the_same(times):
    folded = run_marks(marked(CIRCUIT, times))
    assert len(folded) == times * len(CIRCUIT)
    one = QsimBackend().states(CIRCUIT, (U, V), VALUES)
    for circuit in (folded, marked(CIRCUIT, times)):
        other = QsimBackend().states(circuit, (U, V), VALUES)
        np.testing.assert_allclose(np.abs((one.conj() * other).sum(axis=1)), 1, atol=1e-5)


def test_marks_pass_compilers_and_inverses():
    numbers = cirq.ParamResolver({U: 0.3, V: 0.7})
    compiled = [
        run_marks(
            cirq.optimize_for_target_gateset(
                cirq.resolve_parameters(circuit, numbers),
                gateset=cirq.CZTargetGateset(),
                context=KEEP_MARKS,
            )
        )
        for circuit in (CIRCUIT, marked(CIRCUIT, 5))
    ]
    n_once, n_five = (sum(len(op.qubits) == 2 for op in c.all_operations()) for c in compiled)
    assert n_five == 5 * n_once > 0
    assert not any(is_mark(op) for op in compiled[1].all_operations())
    backwards = cirq.inverse(marked(CIRCUIT, 3))
    assert len(run_marks(backwards)) == 3 * len(CIRCUIT)
    assert cirq.to_json(Mark(A, 3)) != cirq.to_json(Mark(A, 5))  # caches tell them apart


def test_measurements_are_not_repeated():
    circuit = cirq.Circuit(cirq.H(A), cirq.measure(A))
    (measurement,) = [
        op for op in run_marks(marked(circuit, 3)).all_operations() if cirq.is_measurement(op)
    ]
    assert measurement.qubits == (A,)
    assert run_marks(circuit) == circuit.freeze()


@pytest.mark.parametrize("extrapolation", ["exponential", "linear", "richardson"])
def test_it_changes_nothing_without_noise(extrapolation):
    mitigated = MitigatedBackend(QsimBackend(), extrapolation=extrapolation)
    exact = QsimBackend().expectations(CIRCUIT, (U, V), VALUES, OBSERVABLES)
    np.testing.assert_allclose(
        mitigated.expectations(CIRCUIT, (U, V), VALUES, OBSERVABLES), exact, atol=2e-5
    )
    gram = QsimBackend().overlaps(CIRCUIT, (U, V), VALUES)
    for readout in (True, False):
        found = mitigated.set_params(readout=readout).overlaps(CIRCUIT, (U, V), VALUES)
        np.testing.assert_allclose(found, gram, atol=2e-5)


def test_each_step_brings_noisy_values_nearer():
    noisy = QsimBackend(noise=ReadoutNoise())
    backends = [
        noisy,
        MitigatedBackend(noisy, zne=None),
        MitigatedBackend(noisy, zne=(1, 3), extrapolation="linear"),
        MitigatedBackend(noisy, extrapolation="exponential"),
    ]
    exact = QsimBackend()
    for run in (
        lambda b: b.expectations(CIRCUIT, (U, V), VALUES, OBSERVABLES),
        lambda b: b.overlaps(CIRCUIT, (U, V), VALUES),
        lambda b: b.overlaps(CIRCUIT, (U, V), VALUES[:3], VALUES),
    ):
        raw, read, *extrapolated = (np.abs(run(b) - run(exact)).max() for b in backends)
        assert read < 0.8 * raw
        assert max(extrapolated) < 0.5 * read


def test_an_exponential_undoes_global_depolarising_noise():
    # On one qubit, depolarising commutes with all gates: values decay exactly exponentially.
    circuit = cirq.Circuit(cirq.ry(U)(A), cirq.rx(V)(A), cirq.H(A))
    noisy = MitigatedBackend(
        QsimBackend(noise=0.02), readout=False, zne=(1, 3), extrapolation="exponential"
    )
    for observables in ([cirq.X(A), 3 * cirq.Z(A) + 1.0], [cirq.Y(A) - 0.5]):
        exact = QsimBackend().expectations(circuit, (U, V), VALUES, observables)
        found = noisy.expectations(circuit, (U, V), VALUES, observables)
        np.testing.assert_allclose(found, exact, atol=1e-4)
    gram = noisy.overlaps(circuit, (U, V), VALUES)
    np.testing.assert_allclose(gram, QsimBackend().overlaps(circuit, (U, V), VALUES), atol=1e-4)


@pytest.mark.parametrize("extrapolation", ["exponential", "linear", "richardson"])
@pytest.mark.parametrize("gradient", ["auto", "parameter-shift"])
def test_gradients_are_those_of_the_mitigated_values(extrapolation, gradient):
    backend = MitigatedBackend(QsimBackend(noise=ReadoutNoise()), extrapolation=extrapolation)
    assert backend.default_gradient == "adjoint"
    # Away from zeros, where an exponential has kinks.
    clear = [cirq.X(A) * cirq.X(B) + 0.5, 2 * cirq.X(C) + cirq.X(A) * cirq.X(B) * cirq.X(C)]
    X, weights = np.array([[0.3], [0.9], [-0.8]]), np.array([0.4])
    run = backend.evaluator(CIRCUIT, (U,), (V,), clear, gradient)
    values, pullback = run.forward_vjp(X, weights)
    np.testing.assert_allclose(values, run.forward(X, weights), atol=1e-5)
    cotangent = np.random.default_rng(2).normal(size=values.shape)
    rows, shared = pullback(cotangent)
    step = 0.02

    def loss(rows_, weights_):
        return (cotangent * run.forward(rows_, weights_)).sum(axis=1)

    # The shift rule packs gates into moments of its own, which changes the noise a little.
    expected = (loss(X + step, weights) - loss(X - step, weights)) / (2 * step)
    np.testing.assert_allclose(rows[:, 0], expected, rtol=5e-3, atol=5e-3)
    slope = (loss(X, weights + step) - loss(X, weights - step)).sum() / (2 * step)
    assert shared[0] == pytest.approx(slope, abs=1e-2)


def test_spsa_is_offered_too():
    Counted.seen.clear()
    backend = MitigatedBackend(Counted(noise=0.001), zne=None)
    run = backend.evaluator(CIRCUIT, (U,), (V,), OBSERVABLES, "spsa", random_state=0)
    gradient = run.forward_vjp(VALUES[:, :1], np.array([0.4]))[1](np.ones((5, 3)))[1]
    assert np.isfinite(gradient).all()
    # Readout is measured once, then the rows, and with steps up and down.
    assert [rows for _, rows in Counted.seen] == [2, 5, 5, 5]
    with pytest.raises(ValueError, match="Unknown gradient 'shift'"):
        backend.evaluator(CIRCUIT, (U,), (V,), OBSERVABLES, "shift")


def test_readout_is_measured_once_for_a_fit():
    Counted.seen.clear()
    run = MitigatedBackend(Counted(), zne=None).evaluator(CIRCUIT, (U,), (V,), OBSERVABLES)
    for _ in range(3):
        run.forward(VALUES[:, :1], np.zeros(1))
    assert len(Counted.seen) == 1  # the simulator's evaluator does not pass by _expectations
    MitigatedBackend(Counted()).expectations(CIRCUIT, (U, V), VALUES, OBSERVABLES)
    # Calibration of two rows, then the three factors.
    assert [rows for _, rows in Counted.seen] == [2, 2, 5, 5, 5]


@pytest.mark.parametrize("noise", ["willow_pink", "rainbow"])
def test_on_a_device_all_gates_are_repeated_and_readout_is_measured_in_place(noise):
    pytest.importorskip("cirq_google")
    device = resolve_noise(noise)
    ring = cirq.FrozenCircuit(
        cirq.H.on_each(A, B, C), cirq.CX(A, B), cirq.CX(B, C) ** 0.5, cirq.CZ(C, A) ** U
    )  # a triangle does not fit on a square grid, so there are swaps
    once, where = device.on_device(ring)
    thrice, same = device.on_device(marked(ring, 3))
    assert same == where
    pairs = [sum(len(op.qubits) == 2 for op in c.all_operations()) for c in (once, thrice)]
    assert pairs[1] == 3 * pairs[0] > 0
    assert len(thrice) == 3 * len(once)
    flips = [(cirq.X**V)(q) for q in (A, B, C)]
    left_out, same = device.on_device(instead(ring, flips))
    assert same == where
    flip = cirq.PhasedXZGate(x_exponent=V, z_exponent=0.0, axis_phase_exponent=0.0)
    assert set(left_out.all_operations()) == {flip(q) for q in where}


def test_calibration_leaves_the_circuit_out():
    Counted.seen.clear()
    rates = MitigatedBackend(Counted()).calibrate(CIRCUIT)
    ((calibration, rows),) = Counted.seen
    assert (len(calibration), rows) == (1, 2)
    assert calibration.all_qubits() == CIRCUIT.all_qubits()
    np.testing.assert_allclose(list(rates.values()), 0, atol=1e-6)


def test_pipelines_do_not_change():
    X, y = load_iris(return_X_y=True)
    X, y = X[::5], y[::5]
    noisy = QsimBackend(noise=ReadoutNoise())
    model = make_pipeline(StandardScaler(), QuantumKernelSVC(ZZEncoding(bandwidth=0.2)))
    exact = model.fit(X, y)[-1].kernel_matrix_
    deviations = []
    for backend in (noisy, MitigatedBackend(noisy)):
        model.set_params(quantumkernelsvc__backend=backend).fit(X, y)
        deviations.append(np.linalg.norm(model[-1].kernel_matrix_ - exact))
        assert model.score(X, y) > 0.6
    assert deviations[1] < 0.5 * deviations[0]
    model.set_params(quantumkernelsvc__backend__backend__noise=0.001)
    assert model[-1].backend.backend.noise == 0.001


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_variational_models_train_on_it():
    X, y = load_iris(return_X_y=True)
    X, y = StandardScaler().fit_transform(X)[:100:5, 1:3], y[:100:5]
    backend = MitigatedBackend(QsimBackend(noise=0.002), zne=(1, 3))
    model = VariationalClassifier(n_layers=1, backend=backend, max_iter=60, random_state=0)
    assert model.fit(X, y).score(X, y) > 0.8


def test_it_is_a_description():
    backend = MitigatedBackend(QsimBackend(noise=0.01), readout={A: (0.01, 0.02)}, zne=(1, 3))
    for copy in (clone(backend), pickle.loads(pickle.dumps(backend))):
        assert repr(copy) == repr(backend)
    assert vars(backend).keys() == backend.get_params(deep=False).keys()
    assert isinstance(backend, Backend)


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"zne": (1,)}, r"zne=\(1,\): give at least two factors"),
        ({"zne": (1, 2)}, "odd numbers in ascending order"),
        ({"zne": (3, 1)}, "odd numbers in ascending order"),
        ({"zne": 3}, "'zne' parameter .* must be an array-like or None. Got 3"),
        ({"zne": (1, np.nan)}, "odd numbers"),
        (
            {"extrapolation": "exp"},
            "'extrapolation' .* Got 'exp' instead. Did you mean 'exponential'",
        ),
        ({"readout": {A: (0.0, 0.0)}}, r"readout lacks cirq.LineQubit\(1\)"),
        ({"readout": dict.fromkeys([A, B, C], (0.5, 0.5))}, "says next to nothing of its state"),
    ],
)
def test_bad_parameters(params, message):
    backend = MitigatedBackend(QsimBackend()).set_params(**params)
    with pytest.raises(ValueError, match=message):
        backend.expectations(CIRCUIT, (U, V), VALUES, OBSERVABLES)


def test_what_there_is_not():
    with pytest.raises(ValueError, match="MitigatedBackend has no states"):
        MitigatedBackend(QsimBackend()).states(CIRCUIT, (U, V), VALUES)
    with pytest.raises(TypeError, match="'readout' .* 'bool' or .*Mapping'. Got 'yes'"):
        MitigatedBackend(QsimBackend(), readout="yes").expectations(
            CIRCUIT, (U, V), VALUES, OBSERVABLES
        )
    long = cirq.Circuit(cirq.H.on_each(*cirq.LineQubit.range(14)))
    string = cirq.PauliString(cirq.Z(q) for q in cirq.LineQubit.range(14))
    backend = MitigatedBackend(QsimBackend())
    with pytest.raises(ValueError, match="Pauli string of 14 qubits would need 2 .. 14"):
        backend.expectations(long, [], np.empty((1, 0)), [string])
    with pytest.raises(ValueError, match="kernel entries of 14 qubits"):
        backend.overlaps(long, [], np.empty((1, 0)))


# Signals at factors 1, 3 and 5, above the mixed value of 0.5, where values reach from 0 to 1.
# (Where the first signal is none at all, nothing is known of a decay.)
SIGNALS = st.tuples(*[st.floats(-0.45, 0.45).filter(lambda s: abs(s) > 0.01)] * 3)


@given(signals=SIGNALS, kind=st.sampled_from(["exponential", "linear", "richardson"]))
@settings(max_examples=200)
def test_slopes_of_an_extrapolation_are_those_of_its_values(signals, kind):
    """Inside what values can be and outside of it, on both sides of every clip."""
    scales = np.array([1.0, 3.0, 5.0])
    run = _Extrapolation(kind, scales, np.array([0.5]), np.array([0.0]), np.array([1.0]))
    at = 0.5 + np.array(signals)[:, None, None]
    step = 1e-6

    def value(change):
        return run(list(at + change))[0][0, 0]

    _, slopes = run(list(at))
    for factor in range(3):
        change = np.zeros_like(at)
        change[factor] = step
        up, middle, down = value(change), value(0), value(-change)
        assume(abs(up - 2 * middle + down) < 1e-3 * step)  # kinks have two slopes
        expected = (up - down) / (2 * step)
        assert slopes[factor, 0, 0] == pytest.approx(expected, rel=1e-3, abs=1e-3)


@pytest.mark.parametrize(
    ("signals", "end"), [((0.45, 0.2, 0.09), 1.0), ((-0.45, -0.2, -0.09), 0.0)]
)
def test_a_value_beyond_reach_is_flat(signals, end):
    scales = np.array([1.0, 3.0, 5.0])
    run = _Extrapolation("exponential", scales, np.array([0.5]), np.array([0.0]), np.array([1.0]))
    values, slopes = run([np.array([[0.5 + s]]) for s in signals])
    assert values == end
    np.testing.assert_array_equal(slopes, 0)
