"""Barren plateaus show, and initialisations against them help."""

import matplotlib.pyplot as plt
import numpy as np
import pytest

from skquantum.circuits import RealAmplitudes
from skquantum.inspection import gradient_variance


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
