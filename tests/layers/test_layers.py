"""Laws of the trainable circuit: every gradient is that of the reference."""

import pickle

import cirq
import numpy as np
import pytest
import sympy
from hypothesis import given, settings
from hypothesis import strategies as st

from skquantum.circuits import (
    ENCODINGS,
    AmplitudeEncoding,
    AngleEncoding,
    CircuitAnsatz,
    CircuitEncoding,
    HardwareEfficient,
    PoolingNetwork,
    RealAmplitudes,
    SimplifiedTwoDesign,
    StronglyEntangling,
    TreeTensor,
    ZZEncoding,
)
from skquantum.execution import (
    DenseBackend,
    QsimBackend,
    ReferenceBackend,
)
from skquantum.execution._compiler.compile import compile_program
from skquantum.execution._engine import evaluator
from skquantum.execution._engine.observables import PauliMatrix
from skquantum.execution._gradients import (
    ParameterShiftEvaluator,
    frequencies,
    shift_rule,
)
from skquantum.layers import QuantumLayer
from tests.execution.strategies import SYMBOLS, circuits, observables

FAST, SLOW = QsimBackend(n_threads=1), ReferenceBackend()
DATA, WEIGHTS = SYMBOLS[:1], SYMBOLS[1:]


def trainable(qubits):
    """A sum whose value is not the same in every state."""
    return observables(qubits).filter(lambda total: any(len(s) and s.coefficient for s in total))


def finite_differences(f, x, step=1e-5):
    """Return df/dx of a scalar function, by central differences in double precision."""
    out = np.empty(x.size)
    for i in range(x.size):
        up, down = x.copy().ravel(), x.copy().ravel()
        up[i] += step
        down[i] -= step
        out[i] = (f(up.reshape(x.shape)) - f(down.reshape(x.shape))) / (2 * step)
    return out.reshape(x.shape)


def expected(circuit, data, weights, sums, X, w, cotangent):
    def value(X, w):
        rows = np.hstack([X, np.tile(w, (len(X), 1))])
        return (SLOW.expectations(circuit, (*data, *weights), rows, sums) * cotangent).sum()

    grad_X = finite_differences(lambda A: value(A, w), X)
    return grad_X, finite_differences(lambda v: value(X, v), w)


@given(st.data(), st.sampled_from([(0, False), (6, False), (0, True)]))
@settings(max_examples=60, deadline=None)
def test_adjoint_is_the_derivative_of_the_reference(data, routes):
    dense_qubits, fused = routes
    # Random gates of every family; symbols shared between gates, data and weights mixed.
    circuit = data.draw(circuits(max_qubits=4, max_gates=8))
    qubits = sorted(circuit.all_qubits())
    sums = [data.draw(trainable(qubits)) for _ in range(2)]
    n_rows = data.draw(st.sampled_from([1, 3, 2 ** len(qubits)]))
    rng = np.random.default_rng(data.draw(st.integers(0, 99)))
    X, w = rng.uniform(-1, 1, (n_rows, 1)), rng.uniform(-1, 1, 2)
    cotangent = rng.normal(size=(n_rows, 2))
    old, evaluator.DENSE_QUBITS = evaluator.DENSE_QUBITS, dense_qubits
    try:
        program = compile_program(circuit.freeze(), DATA, WEIGHTS, fused)
        run = evaluator.AdjointEvaluator(program, PauliMatrix(sums, qubits), 1)
        outputs, pullback = run.forward_vjp(X, w)
        grad_X, grad_w = pullback(cotangent)
    finally:
        evaluator.DENSE_QUBITS = old
    rows = np.hstack([X, np.tile(w, (n_rows, 1))])
    np.testing.assert_allclose(outputs, SLOW.expectations(circuit, SYMBOLS, rows, sums), atol=3e-5)
    want_X, want_w = expected(circuit, DATA, WEIGHTS, sums, X, w, cotangent)
    scale = max(1.0, abs(want_w).max(), abs(want_X).max())
    np.testing.assert_allclose(grad_X / scale, want_X / scale, rtol=0, atol=1e-4)
    np.testing.assert_allclose(grad_w / scale, want_w / scale, rtol=0, atol=1e-4)


@given(st.data())
@settings(max_examples=20, deadline=None)
def test_parameter_shift_is_the_derivative_of_the_reference(data):
    circuit = data.draw(circuits(max_qubits=3, max_gates=5))
    sums = [data.draw(trainable(sorted(circuit.all_qubits())))]
    rng = np.random.default_rng(data.draw(st.integers(0, 99)))
    X, w, cotangent = rng.uniform(-1, 1, (2, 1)), rng.uniform(-1, 1, 2), rng.normal(size=(2, 1))
    run = SLOW.evaluator(circuit, DATA, WEIGHTS, sums, gradient="parameter-shift")
    grad_X, grad_w = run.forward_vjp(X, w)[1](cotangent)
    want_X, want_w = expected(circuit, DATA, WEIGHTS, sums, X, w, cotangent)
    scale = max(1.0, abs(want_w).max(), abs(want_X).max())
    np.testing.assert_allclose(grad_X / scale, want_X / scale, rtol=0, atol=1e-6)
    np.testing.assert_allclose(grad_w / scale, want_w / scale, rtol=0, atol=1e-6)


LAYERS = [
    dict(encoding="angle", ansatz="strongly_entangling", n_features=3),
    dict(encoding="angle", ansatz=HardwareEfficient(n_layers=2), n_features=3, reupload=True),
    dict(
        encoding=ZZEncoding(reps=1, bandwidth=1.0), ansatz=RealAmplitudes(n_layers=1), n_features=3
    ),
    dict(encoding="angle", ansatz=StronglyEntangling(n_layers=1), n_features=2, observables="XYZ"),
    dict(encoding=AmplitudeEncoding(), ansatz=TreeTensor(), n_features=6),
    dict(encoding=AngleEncoding(n_qubits=2), ansatz=SimplifiedTwoDesign(), n_features=5),
    dict(encoding="angle", ansatz="real_amplitudes", n_features=2, identity_blocks=True),
    dict(encoding="reuploading", ansatz=StronglyEntangling(2), n_features=3, reupload="trainable"),
    dict(encoding=AngleEncoding(), ansatz=StronglyEntangling(n_layers=1), n_features=7),
    dict(encoding=AngleEncoding(), ansatz=PoolingNetwork("su4"), n_features=7),
]


@pytest.mark.parametrize("n_features", [2, 7])
def test_a_row_does_not_depend_on_the_rows_beside_it(n_features):
    layer = QuantumLayer("angle", "strongly_entangling", n_features=n_features, backend=FAST)
    rng = np.random.default_rng(0)
    X, w = rng.normal(size=(60, n_features)), rng.normal(size=layer.n_weights)
    whole = layer.forward(X, w)
    for rows in (slice(0, 1), slice(3, 20), slice(20, 60)):
        np.testing.assert_allclose(layer.forward(X[rows], w), whole[rows], rtol=0, atol=1e-12)


@pytest.mark.parametrize("options", LAYERS, ids=range(len(LAYERS)))
def test_layers(options):
    layer = QuantumLayer(**options, backend=FAST)
    slow = QuantumLayer(**options, backend=SLOW, gradient="parameter-shift")
    rng = np.random.default_rng(0)
    X = rng.normal(size=(40, layer.n_features))
    w, cotangent = rng.normal(size=layer.n_weights), rng.normal(size=(40, layer.n_outputs))
    few = slice(1)
    want = slow.forward(X[few], w)
    want_X = finite_differences(
        lambda A: (slow.forward(A, w) * cotangent[few]).sum(), X[few], step=1e-5
    )
    _, want_w = slow.vjp(X[few], w, cotangent[few])
    whole = None
    for n_rows in (1, 40):
        outputs, pullback = layer.forward_vjp(X[:n_rows], w)
        np.testing.assert_allclose(outputs, layer.forward(X[:n_rows], w), rtol=0, atol=1e-6)
        np.testing.assert_allclose(outputs[few], want, rtol=0, atol=2e-6)
        grad_X, grad_w = pullback(cotangent[:n_rows])
        # May go another way, from states in closed form: equal to single precision.
        other = layer.forward_vjp(X[:n_rows], w, data_gradient=False)[1](cotangent[:n_rows])
        assert not other[0].any()
        np.testing.assert_allclose(other[1], grad_w, rtol=0, atol=1e-6 * max(1, abs(grad_w).max()))
        np.testing.assert_allclose(grad_X[few], want_X, rtol=0, atol=1e-4)
        if whole is None:
            np.testing.assert_allclose(grad_w, want_w, rtol=0, atol=1e-5)
        whole = grad_w
    # The gradient of many rows is the sum of those of each.
    each = sum(layer.vjp(X[i : i + 1], w, cotangent[i : i + 1])[1] for i in range(40))
    np.testing.assert_allclose(whole, each, rtol=0, atol=1e-4)


@pytest.mark.parametrize("name", ENCODINGS)
def test_factors_on_the_data(name):
    encoding = ENCODINGS[name]()
    rows = np.array([[1.0, 0.0], [1.0, 1.0], [0.0, 1.0]])
    if encoding.accepts != "bits":
        rows += np.random.default_rng(1).uniform(-0.4, 0.4, rows.shape)
    parts = encoding, RealAmplitudes(n_layers=2), "XYZ"
    layer = QuantumLayer(*parts, n_features=2, reupload="trainable", backend=DenseBackend())
    plain = QuantumLayer(*parts, n_features=2, reupload=True, backend=DenseBackend())
    n_symbols = len(layer.data_symbols)
    assert layer.n_factors == 2 * n_symbols == layer.n_weights - plain.n_weights
    rng = np.random.default_rng(0)
    angles, cotangent = rng.normal(size=plain.n_weights), rng.normal(size=(3, layer.n_outputs))
    # With factors of one it is the circuit without them.
    ones = np.concatenate([angles, np.ones(layer.n_factors)])
    np.testing.assert_allclose(layer.forward(rows, ones), plain.forward(rows, angles), atol=1e-12)
    weights = np.concatenate([angles, rng.uniform(0.5, 1.5, layer.n_factors)])
    is_smooth = encoding.accepts != "bits"
    _, pullback = layer.forward_vjp(rows, weights, data_gradient=is_smooth)
    found_X, found_w = pullback(cotangent)
    want_w = finite_differences(
        lambda w: (layer.forward(rows, w) * cotangent).sum(), weights, step=1e-5
    )
    scale = max(1, abs(want_w).max())
    np.testing.assert_allclose(found_w / scale, want_w / scale, rtol=0, atol=1e-8)
    if is_smooth:
        want_X = finite_differences(
            lambda A: (layer.forward(A, weights) * cotangent).sum(), rows, step=1e-5
        )
        scale = max(1, abs(want_X).max())
        np.testing.assert_allclose(found_X / scale, want_X / scale, rtol=0, atol=1e-7)
    fast = QuantumLayer(*parts, n_features=2, reupload="trainable", backend=FAST)
    again = fast.forward_vjp(rows, weights, data_gradient=False)[1](cotangent)[1]
    np.testing.assert_allclose(again / scale, want_w / scale, rtol=0, atol=1e-5)


def test_each_layer_has_factors_of_its_own():
    parts = AngleEncoding(), StronglyEntangling(n_layers=2)
    layer = QuantumLayer(*parts, n_features=1, reupload="trainable", backend=DenseBackend())
    x, *weights = 0.7, *np.linspace(0.1, 0.6, 6)
    circuit = cirq.Circuit()
    for factor, block in zip((0.5, -2.0), StronglyEntangling(n_layers=2).layers(1), strict=True):
        circuit += cirq.ry(factor * x)(cirq.LineQubit(0))
        circuit += block
    names = dict(zip(("w_0", "w_1", "w_2", "w_3", "w_4", "w_5"), weights, strict=True))
    state = cirq.resolve_parameters(circuit, names).final_state_vector()
    expected = abs(state[0]) ** 2 - abs(state[1]) ** 2
    found = layer.forward(np.array([[x]]), np.array([*weights, 0.5, -2.0]))
    np.testing.assert_allclose(found, [[expected]], atol=1e-6)


def test_factors_need_names_that_are_free():
    circuit = cirq.Circuit(cirq.ry(sympy.Symbol("f_0"))(cirq.LineQubit(0)))
    encoding = CircuitEncoding(circuit)
    QuantumLayer(encoding, "real_amplitudes", n_features=1, reupload=True)
    with pytest.raises(ValueError, match=r"calls the factors on the data \['f_0'\]"):
        QuantumLayer(encoding, "real_amplitudes", n_features=1, reupload="trainable")


@pytest.mark.parametrize("reupload", ["trainabel", 2, None])
def test_an_unknown_way_to_load_again(reupload):
    with pytest.raises(ValueError, match="Unknown reupload.*'trainable'; True and False work too"):
        QuantumLayer("angle", "real_amplitudes", n_features=1, reupload=reupload)


def test_dense_and_direct_strategies_agree(monkeypatch):
    layer = QuantumLayer("angle", "strongly_entangling", n_features=4, reupload=True, backend=FAST)
    rng = np.random.default_rng(0)
    X, w = rng.normal(size=(300, 4)), rng.normal(size=layer.n_weights)
    cotangent = rng.normal(size=(300, 4))
    results = []
    for dense, chunk, kept in [(6, 2**16, 2**24), (0, 2**16, 2**24), (6, 64, 0), (0, 1024, 0)]:
        monkeypatch.setattr(evaluator, "DENSE_QUBITS", dense)
        monkeypatch.setattr(evaluator, "CHUNK_AMPLITUDES", chunk)
        monkeypatch.setattr(evaluator, "KEPT_AMPLITUDES", kept)
        outputs, pullback = layer.forward_vjp(X, w)
        results.append((outputs, *pullback(cotangent)))
    for other in results[1:]:
        for a, b in zip(results[0], other, strict=True):
            np.testing.assert_allclose(a, b, rtol=0, atol=1e-4 * max(1, abs(a).max()))


def test_a_users_circuit_mixes_data_and_weights_in_one_expression():
    x, w, b = sympy.symbols("x w b")
    circuit = cirq.Circuit(cirq.ry(w * x + b)(cirq.NamedQubit("mine")))
    layer = QuantumLayer.from_circuit(circuit, ["x"], [w, b], backend=FAST)
    assert (layer.n_features, layer.n_weights, layer.n_outputs) == (1, 2, 1)
    X, weights = np.array([[0.3], [0.7]]), np.array([1.5, 0.2])
    outputs, pullback = layer.forward_vjp(X, weights)
    angle = weights[0] * X[:, 0] + weights[1]
    np.testing.assert_allclose(outputs[:, 0], np.cos(angle), atol=1e-6)
    grad_X, grad_w = pullback(np.ones((2, 1)))
    np.testing.assert_allclose(grad_X[:, 0], -np.sin(angle) * 1.5, atol=1e-6)
    np.testing.assert_allclose(grad_w, -np.sin(angle) @ np.c_[X[:, 0], np.ones(2)], atol=1e-6)


def test_spsa_estimates_the_gradient():
    layer = QuantumLayer(
        "angle", "real_amplitudes", n_features=2, gradient="spsa", random_state=0, backend=FAST
    )
    exact = QuantumLayer("angle", "real_amplitudes", n_features=2, backend=FAST)
    rng = np.random.default_rng(0)
    X, w = rng.normal(size=(3, 2)), rng.normal(size=layer.n_weights)
    cotangent = np.ones((3, 2))
    draws = [layer.vjp(X, w, cotangent)[1] for _ in range(1500)]
    error = np.std(draws, axis=0) / np.sqrt(len(draws))
    want = exact.vjp(X, w, cotangent)[1]
    assert (abs(np.mean(draws, axis=0) - want) < 5 * error + 0.01).all()


@given(st.lists(st.sampled_from([0.25, 0.5, 1.0, 1.5, 2.0, 2.5]), min_size=2, max_size=4))
def test_shift_rules_hold_for_any_spectrum(spectrum):
    omegas = frequencies(np.array(spectrum))
    shifts, factors = shift_rule(omegas)
    rng = np.random.default_rng(0)
    a, b = rng.normal(size=(2, len(omegas)))

    def f(t):
        return (a * np.cos(omegas * t) + b * np.sin(omegas * t)).sum()

    slope = sum(c * (f(s) - f(-s)) for s, c in zip(shifts, factors, strict=True))
    assert slope == pytest.approx((b * omegas).sum(), abs=1e-8)


def test_parameter_shift_counts_its_circuits():
    layer = QuantumLayer(
        "angle", "real_amplitudes", n_features=2, backend=SLOW, gradient="parameter-shift"
    )
    run = layer._evaluator
    assert isinstance(run, ParameterShiftEvaluator)
    assert run.n_circuits() == 2 * (layer.n_weights + 2)
    assert run.n_circuits(data_gradient=False) == 2 * layer.n_weights


@pytest.mark.parametrize("reupload", [False, True])
def test_identity_blocks_are_the_identity(reupload):
    options = dict(encoding="angle", ansatz="strongly_entangling", n_features=3, backend=FAST)
    layer = QuantumLayer(**options, identity_blocks=True, reupload=reupload)
    rng = np.random.default_rng(0)
    half = rng.normal(size=(3, 1, layer.n_weights // 6))
    w = np.repeat(half, 2, axis=1).ravel()
    X = rng.normal(size=(4, 3))
    times = 3 if reupload else 1
    np.testing.assert_allclose(layer.forward(X, w), np.cos(times * X), rtol=0, atol=1e-5)


def test_layers_pickle():
    layer = QuantumLayer("angle", "real_amplitudes", n_features=2)
    w = np.linspace(0, 1, layer.n_weights)
    X = np.ones((2, 2))
    copy = pickle.loads(pickle.dumps(layer))
    np.testing.assert_array_equal(copy.forward(X, w), layer.forward(X, w))


def test_bad_input():
    layer = QuantumLayer("angle", "real_amplitudes", n_features=2, backend=FAST)
    X = np.ones((3, 2))
    with pytest.raises(ValueError, match=r"weights must have shape \(8,\)"):
        layer.forward(X, np.zeros(7))
    with pytest.raises(ValueError, match="X must have 2 features"):
        layer.forward(np.ones((3, 4)), np.zeros(8))
    with pytest.raises(ValueError, match=r"the outputs' shape \(3, 2\)"):
        layer.vjp(X, np.zeros(8), np.ones((3, 1)))
    with pytest.raises(ValueError, match="which the circuit lacks"):
        QuantumLayer("angle", "real_amplitudes", [cirq.Z(cirq.LineQubit(9))], n_features=2)
    with pytest.raises(TypeError, match=r"observables\[0\] must be a cirq.PauliSum"):
        QuantumLayer("angle", "real_amplitudes", ["Z0"], n_features=2)
    with pytest.raises(ValueError, match="distinct letters of 'XYZ'"):
        QuantumLayer("angle", "real_amplitudes", "ZQ", n_features=2)
    with pytest.raises(ValueError, match="Did you mean 'adjoint'"):
        QuantumLayer("angle", "real_amplitudes", n_features=2, gradient="adjoin")
    with pytest.raises(ValueError, match="has no gradient='adjoint'"):
        QuantumLayer("angle", "real_amplitudes", n_features=2, backend=SLOW, gradient="adjoint")
    x = sympy.Symbol("x_0")
    own = cirq.Circuit(cirq.ry(x)(cirq.LineQubit(0)))
    with pytest.raises(ValueError, match="unbound symbols"):
        QuantumLayer.from_circuit(own, [], ["w"])
    with pytest.raises(ValueError, match="both use the symbols"):
        QuantumLayer(CircuitEncoding(own), CircuitAnsatz(own), n_features=1)


class Twist(cirq.Gate):
    """X**t, known to the engine by its rotation form alone."""

    def __init__(self, t):
        self.t = t

    def _num_qubits_(self):
        return 1

    def _is_parameterized_(self):
        return cirq.is_parameterized(self.t)

    def _parameter_names_(self):
        return cirq.parameter_names(self.t)

    def _rotation_form_(self):
        return [(cirq.unitary(cirq.H), (0,))], [(self.t, [0.0, 1.0])]


def test_a_gate_with_only_a_rotation_form_can_be_shifted():
    w = sympy.Symbol("w")
    q = cirq.LineQubit(0)
    options = ((), [w], [cirq.Z(q)])
    twist = FAST.evaluator(cirq.Circuit(Twist(w)(q)), *options, gradient="parameter-shift")
    plain = FAST.evaluator(cirq.Circuit(cirq.X(q) ** w), *options)
    X, weights = np.empty((1, 0)), np.array([0.3])
    grads = [run.forward_vjp(X, weights)[1](np.ones((1, 1)))[1] for run in (twist, plain)]
    np.testing.assert_allclose(grads[0], grads[1], atol=1e-5)


@pytest.mark.parametrize("gradient", ["adjoint", "parameter-shift"])
def test_expressions_without_a_derivative_are_refused_at_once(gradient):
    w = sympy.Symbol("w")
    q = cirq.LineQubit(0)
    circuit = cirq.Circuit(cirq.rx(sympy.zeta(w + 2) + w**2)(q))
    with pytest.raises(ValueError, match="no derivative of zeta"):
        FAST.evaluator(circuit, (), [w], [cirq.Z(q)], gradient=gradient)


@pytest.mark.parametrize("gradient", ["adjoint", "parameter-shift"])
@pytest.mark.parametrize("step", [sympy.floor, sympy.sign, sympy.Heaviside, sympy.Abs])
def test_expressions_with_steps_have_the_derivative_beside_them(step, gradient):
    w = sympy.Symbol("w")
    q = cirq.LineQubit(0)
    circuit = cirq.Circuit(cirq.rx(step(w) + w**2)(q))
    evaluator = FAST.evaluator(circuit, (), [w], [cirq.Z(q)], gradient=gradient)
    _, grad = evaluator.forward_vjp(np.empty((1, 0)), np.array([-0.4]))[1](np.ones((1, 1)))
    angle = float(step(-0.4)) + 0.16
    slope = -1.8 if step is sympy.Abs else -0.8
    np.testing.assert_allclose(grad, -np.sin(angle) * slope, atol=1e-6)


@pytest.mark.parametrize(
    ("observables", "message"),
    [
        ([], "observables is empty"),
        ("ZZ", "distinct letters"),
        ([np.nan * cirq.Z(cirq.LineQubit(0))], "not finite"),
    ],
)
def test_observables_that_measure_nothing_are_refused(observables, message):
    with pytest.raises(ValueError, match=message):
        QuantumLayer("angle", "real_amplitudes", observables, n_features=2)


@pytest.mark.parametrize("encoding", ["angle", "amplitude"])
@pytest.mark.parametrize("ansatz", ["rings", "strongly_entangling", "simplified_two_design"])
def test_states_prepared_without_a_circuit_meet_all_of_the_ansatz(encoding, ansatz):
    # Of these, the first begins with constant gates.
    layer = QuantumLayer(encoding, ansatz, n_features=4)
    rng = np.random.default_rng(0)
    X, weights = rng.normal(size=(3, 4)), rng.normal(size=layer.n_weights)
    whole, _ = layer.forward_vjp(X, weights)
    np.testing.assert_allclose(layer.forward(X, weights), whole, atol=1e-6)


@pytest.mark.parametrize("encoding", ["angle", "amplitude"])
def test_a_layer_that_moved_runs_on_its_new_backend(encoding):
    # Both encodings have states in closed form, which only an exact backend starts from.
    X, w = np.array([[0.3, 0.5], [0.9, 0.2]]), np.linspace(0.1, 0.9, 18)
    layer = QuantumLayer(encoding, "strongly_entangling", n_features=2, backend=FAST)
    if encoding == "amplitude":
        X = np.hstack([X, X + 0.1])
        layer = QuantumLayer(encoding, "strongly_entangling", n_features=4, backend=FAST)
    exact = layer.forward(X, w)
    noisy = QsimBackend(noise=0.05)
    layer.move_to(noisy)
    fresh = QuantumLayer(
        encoding, "strongly_entangling", n_features=X.shape[1], backend=noisy
    ).forward(X, w)
    np.testing.assert_allclose(layer.forward(X, w), fresh, rtol=0, atol=1e-6)
    assert abs(fresh - exact).max() > 0.01
    layer.move_to(FAST)
    np.testing.assert_allclose(layer.forward(X, w), exact, rtol=0, atol=1e-6)


def test_a_row_of_zeros_is_named_by_its_place_among_all_rows():
    layer = QuantumLayer("amplitude", "real_amplitudes", n_features=4, backend=FAST)
    X = np.ones((50_000, 4))  # several chunks
    X[45_678] = 0
    with pytest.raises(ValueError, match="among 50000 rows .index 45678."):
        layer.forward(X, np.zeros(layer.n_weights))
