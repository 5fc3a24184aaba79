"""Barren plateaus show, and initialisations against them help."""

import cirq
import matplotlib.pyplot as plt
import numpy as np
import pytest

from skquantum.circuits import RealAmplitudes
from skquantum.execution import DenseBackend
from skquantum.inspection import _gradient_variance as gv
from skquantum.inspection import gradient_variance
from skquantum.layers import QuantumLayer


def test_plateaus_show_and_starts_against_them_help():
    result = gradient_variance(n_qubits=(2, 4, 6), n_samples=150, random_state=0)
    assert result.variances.shape == (3, 3)
    slopes = result.slopes()
    assert slopes["uniform"] < np.log(0.75)
    assert slopes["small_normal"] > slopes["uniform"]
    assert slopes["identity_blocks"] > slopes["uniform"]
    by_name = dict(zip(result.inits, result.variances, strict=True))
    assert by_name["identity_blocks"][-1] > by_name["uniform"][-1]


def test_one_qubit_one_angle_has_a_known_variance():
    # <Z> = cos(a + b) for two rotations about Y; with uniform angles sin has variance 1/2.
    ansatz = RealAmplitudes(n_layers=1)
    result = gradient_variance(
        ansatz, (1,), init=("uniform",), n_samples=4000, n_layers=1, random_state=0
    )
    assert result.variances[0, 0] == pytest.approx(0.5, abs=0.03)


@pytest.mark.parametrize("spread", [0.1, 1.0])
def test_starts_of_a_given_spread(spread):
    """-sin(pi/4 + b + c) with b and c normal: E[sin^2] and E[sin] are known."""
    found = gradient_variance(
        RealAmplitudes(n_layers=1), (1,), init=spread, n_samples=4000, n_layers=1, random_state=0
    )
    assert found.inits == (f"normal, {spread:g}",)
    second = (1 - np.cos(np.pi / 2) * np.exp(-4 * spread**2)) / 2
    first = np.sin(np.pi / 4) * np.exp(-(spread**2))
    assert found.variances[0, 0] == pytest.approx(second - first**2, rel=0.1)


def test_one_weight_or_the_mean_of_all():
    options = {"init": 0.5, "n_samples": 20, "n_layers": 2, "random_state": 0}
    ansatz = RealAmplitudes(n_layers=2)
    every = gradient_variance(ansatz, 2, **options).variances[0, 0]
    n_weights = len(ansatz.symbols(2))
    each = [
        gradient_variance(ansatz, 2, weight=k, **options).variances[0, 0] for k in range(n_weights)
    ]
    assert np.mean(each) == pytest.approx(every, rel=1e-6)
    last = gradient_variance(ansatz, 2, weight=-1, **options).variances[0, 0]
    assert last == pytest.approx(each[-1], rel=1e-6)


def test_deep_random_circuits_are_two_designs():
    """McClean et al. 2018: what comes after the first gate is even; d / (3 (d^2 - 1))."""
    for n in (2, 4):
        options = {"init": "uniform", "n_layers": 10 * n, "n_samples": 3000, "random_state": 0}
        found = gradient_variance("random", n, weight=0, **options).variances[0, 0]
        d = 2**n
        assert found == pytest.approx(d / (3 * (d * d - 1)), rel=0.1)


def test_random_circuits_near_the_identity_have_no_plateau():
    """Only Y as the first axis has a slope, 1/2; a third of the circuits have it."""
    found = gradient_variance(
        "random", (2, 3, 5), init=1e-3, weight=0, n_samples=2000, random_state=0
    )
    np.testing.assert_allclose(found.variances, 1 / 18, rtol=0.06)


@pytest.mark.parametrize("mirrored", [False, True])
def test_random_circuits_are_those_of_their_axes(mirrored):
    """The one circuit for all axes equals the circuit with RX, RY and RZ in their places."""
    n, layers = 3, 2
    register = gv._random_register(n, layers, mirrored)
    rng = np.random.RandomState(0)
    axes = gv._random_axes(1, n * layers, rng)
    letters = [
        {(1, 0): cirq.rx, (1, 1): cirq.ry, (0, 0): cirq.rz}[tuple(pair)]
        for pair in (axes.reshape(-1, 2) / (np.pi / 2)).astype(int)
    ]
    angles = rng.uniform(0, 2 * np.pi, (1, len(register.weights)))
    q = cirq.LineQubit.range(n)
    ladder = [cirq.CZ(a, b) for a, b in zip(q, q[1:], strict=False)]
    wanted, rest = cirq.Circuit(cirq.ry(np.pi / 4).on_each(*q)), list(angles[0])
    for k in range(layers):
        gates, there = letters[k * n : (k + 1) * n], [rest.pop(0) for _ in q]
        wanted += [gate(t)(x) for gate, t, x in zip(gates, there, q, strict=True)] + ladder
        if mirrored:
            back = [-rest.pop(0) for _ in q]
            wanted += ladder + [gate(t)(x) for gate, t, x in zip(gates, back, q, strict=True)]
    symbols = (*register.weights, *register.axes)
    state = DenseBackend().states(register.circuit, symbols, np.hstack([angles, axes]))[0]
    overlap = np.vdot(state, wanted.final_state_vector(dtype=np.complex128))
    assert abs(overlap) == pytest.approx(1.0, abs=1e-10)


def test_identity_blocks_of_random_circuits_are_the_identity():
    register = gv._random_register(3, 2, True)
    rng = np.random.RandomState(0)
    rows = np.hstack([register.starts("identity_blocks", 5, rng), gv._random_axes(5, 6, rng)])
    states = DenseBackend().states(register.circuit, (*register.weights, *register.axes), rows)
    np.testing.assert_allclose(np.abs(states @ states[0].conj()), 1.0, atol=1e-10)


def test_starts_of_ones_own():
    ansatz = RealAmplitudes(n_layers=1)
    starts = np.random.default_rng(0).normal(size=(50, len(ansatz.symbols(2))))
    found = gradient_variance(ansatz, 2, init=starts, n_layers=1, weight=0)
    assert found.inits == ("given",)
    both = gradient_variance(ansatz, 2, init=[{2: starts}, 2 * starts], n_layers=1, weight=0)
    assert both.inits == ("given 1", "given 2")
    assert both.variances[0, 0] == found.variances[0, 0] != both.variances[1, 0]
    layer = QuantumLayer("angle", ansatz, [cirq.Z(cirq.q(0)) * cirq.Z(cirq.q(1))], n_features=2)
    X = np.full((50, 2), np.pi / 4)
    wanted = layer.jacobian(X, starts)[1][:, 0, 0].var(ddof=1)
    assert found.variances[0, 0] == pytest.approx(wanted, rel=1e-5)
    by_size = {n: np.zeros((2, len(ansatz.symbols(n)))) + [[0.1], [0.3]] for n in (2, 3)}
    assert gradient_variance(ansatz, (2, 3), init=by_size, n_layers=1).variances.shape == (1, 2)


def test_several_circuits():
    circuits = ("random", RealAmplitudes(n_layers=1), "strongly_entangling")
    options = {"init": ("uniform", 0.1), "n_samples": 10, "random_state": 0}
    found = gradient_variance(circuits, (2, 3), **options)
    assert found.variances.shape == (6, 2)
    assert found.circuits[:2] == ("random", "random")
    assert found.names[0] == "random, uniform"
    assert found.names[-1] == "strongly_entangling, normal, 0.1"
    assert list(found.slopes()) == list(found.names)
    assert found.plot().get_legend().get_title().get_text() == "circuit, init"
    alone = gradient_variance("random", (2, 3), **options)
    np.testing.assert_array_equal(alone.variances, found.variances[:2])
    assert alone.names == ("uniform", "normal, 0.1")
    plt.close("all")


def test_it_is_reproducible_and_draws_itself():
    one, two = (
        gradient_variance("real_amplitudes", (2, 3), n_samples=10, random_state=1)
        for _ in range(2)
    )
    np.testing.assert_array_equal(one.variances, two.variances)
    ax = one.plot()
    assert len(ax.get_lines()) == 3
    plt.close("all")


def test_bad_input():
    with pytest.raises(ValueError, match="n_samples must be at least 2"):
        gradient_variance(n_samples=1)
    with pytest.raises(ValueError, match="Unknown ansatz"):
        gradient_variance("strong")
    with pytest.raises(ValueError, match="Unknown init"):
        gradient_variance(n_qubits=(2,), init=("zeros",))
    with pytest.raises(ValueError, match="init=0: give a standard deviation above 0"):
        gradient_variance(n_qubits=2, init=0)
    with pytest.raises(ValueError, match="weight=99: .* on 2 qubits has"):
        gradient_variance(n_qubits=2, weight=99)
    with pytest.raises(ValueError, match="n_layers must be at least 1, got 0"):
        gradient_variance(n_layers=0)
    with pytest.raises(ValueError, match="n_qubits must be at least 1, got 0"):
        gradient_variance("random", 0)
    for circuits in ((), ("random", "random")):
        with pytest.raises(ValueError, match="ansatz (is an empty|has random twice)"):
            gradient_variance(circuits)
    for init in ((), ("uniform", "uniform"), (0.1, 0.1)):
        with pytest.raises(ValueError, match="init (is an empty|has .* twice)"):
            gradient_variance(init=init)
    ansatz = RealAmplitudes(n_layers=1)
    with pytest.raises(ValueError, match=r"shape \(5, 3\), but .* on 2 qubits has 4 weights"):
        gradient_variance(ansatz, 2, init=np.zeros((5, 3)), n_layers=1)
    with pytest.raises(ValueError, match=r"starts for \[2\] qubits, and none for 3"):
        gradient_variance(ansatz, (2, 3), init={2: np.zeros((5, 4))}, n_layers=1)
    with pytest.raises(ValueError, match="at least 2 starts"):
        gradient_variance(ansatz, 2, init=np.zeros((1, 4)), n_layers=1)
    with pytest.raises(ValueError, match="init must be finite"):
        gradient_variance(ansatz, 2, init=np.full((2, 4), np.nan), n_layers=1)
