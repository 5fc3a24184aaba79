"""The series against their equations, and windows against plain indexing."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.linalg import expm

from skquantum.datasets import (
    make_bessel,
    make_damped_pendulum,
    make_delayed_quantum_control,
    make_narma,
    make_population_inversion,
    make_windows,
)

SERIES = {
    "pendulum": (make_damped_pendulum, 240),
    "bessel": (make_bessel, 256),
    "control": (make_delayed_quantum_control, 2200),
    "inversion": (make_population_inversion, 1000),
    "narma": (make_narma, 300),
}


@st.composite
def cuts(draw):
    window, horizon = draw(st.integers(1, 6)), draw(st.integers(1, 4))
    stride, n_channels = draw(st.integers(1, 5)), draw(st.integers(1, 3))
    length = draw(st.integers(window + horizon, 25))
    return np.random.default_rng(0).normal(size=(length, n_channels)), window, horizon, stride


@given(cuts())
def test_windows_are_slices_of_the_series(cut):
    series, window, horizon, stride = cut
    X, y = make_windows(series, window, horizon, stride)
    starts = range(0, len(series) - window - horizon + 1, stride)
    assert len(X) == len(y) == len(starts)
    for row, target, start in zip(X, y, starts, strict=True):
        middle = start + window
        np.testing.assert_array_equal(row, series[start:middle].ravel())
        np.testing.assert_array_equal(np.ravel(target), series[middle : middle + horizon].ravel())
    assert y.ndim == (1 if horizon * series.shape[1] == 1 else 2)


def test_windows_are_the_callers_own():
    series = np.arange(10.0)
    X, y = make_windows(series, 3)
    X[:], y[:] = 0, 0
    np.testing.assert_array_equal(series, np.arange(10.0))


@pytest.mark.parametrize(
    ("series", "window", "horizon", "message"),
    [
        (np.arange(5), 4, 2, "window=4 and horizon=2 need at least 6"),
        (np.arange(5), 9, 1, "window of at most 4"),
        (np.arange(5), 2, 5, "horizon=5 is not shorter than the series, which has 5"),
        (np.arange(5), 2, 50, "horizon=50"),
        ([], 1, 1, "has 0 time steps"),
        ([1, 2, np.nan, 4], 2, 1, "finite, got nan at time step 2"),
        ([[1, 2], [3, np.inf], [5, 6]], 1, 1, "got inf at time step 1 of channel 1"),
        (["a", "b", "c"], 1, 1, "made of numbers"),
        (np.zeros((2, 3, 4)), 1, 1, "must have shape"),
        (np.zeros((5, 0)), 1, 1, "must have shape"),
        (np.arange(5), 0, 1, "window"),
        (np.arange(5), 2, 0, "horizon"),
        (np.arange(5), 2.5, 1, "window"),
    ],
)
def test_what_does_not_go_is_said(series, window, horizon, message):
    with pytest.raises(ValueError, match=message):
        make_windows(series, window, horizon)


@pytest.mark.parametrize(("make", "default"), SERIES.values(), ids=SERIES)
def test_every_series_has_the_length_asked_for(make, default):
    assert make().shape == (default,)
    assert make(7).shape == (7,)
    assert make().dtype == np.float64
    np.testing.assert_array_equal(make(), make())
    with pytest.raises(ValueError, match="n_samples"):
        make(0)


def test_a_small_swing_of_the_pendulum_is_a_damped_cosine():
    times = np.linspace(0, 20, 240)
    rate = 0.15 / 2
    omega = (9.81 - rate**2) ** 0.5
    wanted = np.exp(-rate * times) * (np.cos(omega * times) - rate / omega * np.sin(omega * times))
    found = make_damped_pendulum(velocity=1e-4) / 1e-4
    np.testing.assert_allclose(found, wanted, atol=1e-6)


def test_without_damping_the_pendulum_comes_back_to_its_speed():
    speed = make_damped_pendulum(20001, damping=0)
    assert abs(speed).max() == pytest.approx(3.0, abs=1e-5)
    assert speed[5000:].max() == pytest.approx(3.0, abs=1e-4)


def test_bessel_functions_obey_their_recurrence():
    x = np.linspace(2, 100, 256)
    left = make_bessel(order=1) + make_bessel(order=3)
    np.testing.assert_allclose(left, 4 / x * make_bessel(), atol=1e-13)


def test_pulses_come_at_multiples_of_the_delay():
    series = make_delayed_quantum_control()
    inner = series[1:-1]
    peaks = np.flatnonzero((inner > series[:-2]) & (inner > series[2:])) + 1
    np.testing.assert_allclose(peaks, 200 * np.arange(1, 11), atol=1)
    np.testing.assert_allclose(series[200::200], np.exp(-np.arange(0, 20, 2) / 16), rtol=1e-12)


def test_inversion_is_that_of_the_hamiltonian():
    # The Jaynes-Cummings Hamiltonian at resonance, in the interaction picture, up to 40 photons.
    mean, dim, time = 3.0, 41, 1.7
    lower = np.diag(np.sqrt(np.arange(1, dim)), 1)
    raises = np.array([[0, 1], [0, 0]])  # ground to excited; excited comes first
    hamiltonian = np.kron(raises, lower) + np.kron(raises.T, lower.T)
    n = np.arange(dim)
    logarithm = -mean / 2 + n * np.log(mean) / 2 - np.cumsum(np.log(np.maximum(n, 1))) / 2
    state = expm(-1j * time * hamiltonian) @ np.kron([1, 0], np.exp(logarithm))
    populations = (abs(state) ** 2).reshape(2, dim).sum(axis=1)
    found = make_population_inversion(2, mean_photons=mean, duration=time)[1]
    assert found == pytest.approx(populations[0] - populations[1], abs=1e-10)


def test_inversion_collapses_and_revives():
    series = make_population_inversion()
    times = np.linspace(0, 60, 1000)
    revival = 2 * np.pi * 40**0.5
    assert abs(series[(times > 5) & (times < 20)]).max() < 0.01
    assert abs(series[abs(times - revival) < 5]).max() > 0.3


@pytest.mark.parametrize("order", [1, 2, 5, 10])
@pytest.mark.parametrize("drive", ["sines", "uniform"])
def test_narma_obeys_its_recursion(order, drive):
    y, u = make_narma(60, order=order, drive=drive, return_drive=True, random_state=0)

    def at(series, t):
        return series[t] if t >= 0 else 0.0

    for t in range(59):
        total = sum(at(y, t - j) for j in range(order))
        wanted = 0.3 * y[t] + 0.05 * y[t] * total + 1.5 * at(u, t - order + 1) * u[t] + 0.1
        assert y[t + 1] == pytest.approx(wanted, rel=1e-12)
    bound = 0.2 if drive == "sines" else 0.5
    assert u.min() >= 0
    assert u.max() <= bound


def test_uniform_drives_follow_the_random_state():
    first = make_narma(drive="uniform", random_state=1)
    np.testing.assert_array_equal(first, make_narma(drive="uniform", random_state=1))
    assert (first != make_narma(drive="uniform", random_state=2)).any()


def test_a_series_without_bounds_is_refused():
    with pytest.raises(ValueError, match="order=40 grows without bounds"):
        make_narma(300, order=40, drive="uniform", random_state=0)


def test_narma_does_not_change_with_its_length():
    whole = make_narma(250)
    np.testing.assert_array_equal(make_narma(100), whole[:100])
    # Suzuki et al.: u_t from three sines whose frequencies are in turns of 100 steps
    _, u = make_narma(250, return_drive=True)
    t = np.arange(250)
    sines = [np.sin(2 * np.pi * a * t / 100) for a in (2.11, 3.73, 4.11)]
    np.testing.assert_allclose(u, 0.1 * (np.prod(sines, axis=0) + 1), atol=1e-15)
    assert not np.array_equal(make_narma(250, period=250), whole)
