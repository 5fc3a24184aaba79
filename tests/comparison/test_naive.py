import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from skquantum.comparison import Persistence, SeasonalNaive
from skquantum.datasets import make_windows

TIMES = np.arange(300)
SEASON = 12


def noisy_season(trend=0.0):
    rng = np.random.default_rng(0)
    wave = np.sin(2 * np.pi * TIMES / SEASON)
    return wave + 0.3 * rng.normal(size=len(TIMES)) + trend * TIMES


@given(
    st.lists(st.floats(-1e3, 1e3), min_size=4, max_size=30),
    st.integers(1, 3),
    st.integers(1, 3),
)
def test_persistence_is_the_last_value_at_every_step(series, window, horizon):
    if len(series) < window + horizon:
        return
    X, y = make_windows(series, window, horizon)
    predicted = Persistence().fit(X, y).predict(X)
    assert predicted.shape == y.shape
    last = np.repeat(X[:, -1:], horizon, axis=1)
    np.testing.assert_array_equal(predicted, last.reshape(y.shape))


@given(st.integers(1, 6), st.integers(0, 4), st.integers(1, 15), st.randoms())
def test_a_series_that_repeats_is_forecast_without_error(season, extra, horizon, random):
    one = [random.uniform(-1, 1) for _ in range(season)]
    X, y = make_windows(np.tile(one, 50)[: 5 * season + horizon + extra], season + extra, horizon)
    np.testing.assert_array_equal(SeasonalNaive(season).fit(X, y).predict(X), y)


def test_a_season_of_one_step_is_persistence():
    X, y = make_windows(noisy_season(), 5, 3)
    np.testing.assert_array_equal(
        SeasonalNaive(1).fit(X, y).predict(X), Persistence().fit(X, y).predict(X)
    )


@pytest.mark.parametrize("trend", [0.0, 0.05])
@pytest.mark.parametrize("window", [12, 14, 30])
@pytest.mark.parametrize("horizon", [1, 4])
def test_the_season_is_found(trend, window, horizon):
    X, y = make_windows(noisy_season(trend), window, horizon)
    assert SeasonalNaive().fit(X, y).season_ == SEASON


def test_where_there_is_no_season_the_last_value_is_taken():
    for series, window in ((TIMES, 12), (np.exp(-TIMES / 50), 12), (noisy_season(), 1)):
        X, y = make_windows(series, window)
        model = SeasonalNaive().fit(X, y)
        assert model.season_ == 1
        np.testing.assert_array_equal(model.predict(X), X[:, -1])


def test_the_season_comes_from_the_training_windows():
    first, second = np.sin(2 * np.pi * TIMES / 5), np.sin(2 * np.pi * TIMES / 8)
    X, y = make_windows(np.concatenate([first, second]), 10)
    assert SeasonalNaive().fit(X[:280], y[:280]).season_ in (5, 10)
    assert SeasonalNaive().fit(X[310:], y[310:]).season_ == 8


def test_a_constant_series():
    X, y = np.ones((20, 4)), np.ones(20)
    assert SeasonalNaive().fit(X, y).season_ == 1


@pytest.mark.parametrize(
    ("season", "message"),
    [(13, "season=13, but the windows hold 12 values: use windows of at least 13"), (0, "season")],
)
def test_seasons_that_cannot_work(season, message):
    with pytest.raises(ValueError, match=message):
        SeasonalNaive(season).fit(*make_windows(TIMES, 12))
