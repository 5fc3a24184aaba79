import builtins
import pickle
import warnings

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.dummy import DummyRegressor
from sklearn.linear_model import LinearRegression
from sklearn.model_selection import KFold, TimeSeriesSplit
from sklearn.multioutput import MultiOutputRegressor
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVR

from skquantum.cli import main
from skquantum.comparison import DecisionRule, Persistence, SeasonalNaive, compare
from skquantum.comparison._candidates import for_series, make_candidates, named_baselines
from skquantum.comparison._data import INNER_SPLITS, inner_cv
from skquantum.comparison._series import (
    SERIES,
    Windowing,
    cautions_of_series,
    cut,
    forward_splits,
    load_series,
    make_windowing,
    neg_log_rmse,
    tail,
    times_of,
)
from skquantum.comparison._summary import Column
from skquantum.datasets import make_damped_pendulum, make_windows

TIMES = np.arange(150)
WAVE = np.sin(TIMES / 3) + 0.1 * np.random.default_rng(0).normal(size=len(TIMES))
NAIVE = ["persistence", "seasonal naive"]
AR = {"AR": LinearRegression()}


@pytest.fixture(scope="module")
def comparison():
    """Return a small comparison of two forecasts three steps ahead."""
    return compare(
        AR | {"mean": DummyRegressor()}, WAVE, baselines=NAIVE, window=8, horizon=3, cv=3
    )


# --- cutting and splitting ----------------------------------------------------------------------


@given(st.integers(1, 8), st.integers(1, 5), st.integers(2, 5), st.integers(0, 40))
def test_a_series_that_is_just_long_enough_can_be_tuned_on_every_fold(window, horizon, cv, more):
    windows = Windowing(window, horizon)
    with pytest.raises(ValueError, match="too few") as info:
        cut(TIMES[: window + horizon], windows, cv)
    needed = int(str(info.value).split("need at least ")[1].split(".")[0])
    with pytest.raises(ValueError, match="too few"):
        cut(np.arange(needed - 1), windows, cv)
    X, _ = cut(np.arange(needed + more), windows, cv)
    splits = forward_splits(cv, X, windows.gap)
    assert len(splits) == cv
    for train, _ in splits:
        inner = list(inner_cv("series", 0, windows.gap).split(train))
        assert len(inner) == INNER_SPLITS
        assert min(len(learned) for learned, _ in inner) >= 3


@given(st.integers(1, 6), st.integers(2, 5))
def test_no_fold_learns_what_it_is_tested_on(horizon, cv):
    windows = Windowing(4, horizon)
    X, y = cut(np.arange(400), windows, cv)  # every value names its time
    y = y.reshape(len(X), -1)
    for train, test in forward_splits(cv, X, windows.gap):
        assert y[train].max() < y[test].min()
        for learned, held_out in inner_cv("series", 0, windows.gap).split(train):
            assert y[train][learned].max() < y[train][held_out].min()


def test_splits_of_the_users_own():
    X, _ = make_windows(WAVE, 8)
    assert len(forward_splits(TimeSeriesSplit(4), X, 0)) == 4
    assert len(forward_splits([(range(20), range(20, 30))], X, 0)) == 1
    for cv in (KFold(3), TimeSeriesSplit(4)):
        with pytest.raises(ValueError, match=r"such as TimeSeriesSplit\(gap=2\)"):
            forward_splits(cv, X, 2)
    with pytest.raises(ValueError, match="Fold 1 has only 5 training windows"):
        forward_splits([(range(5), range(20, 30))], X, 0)
    with pytest.raises(ValueError, match="cv=1: give at least 2 folds"):
        forward_splits(1, X, 0)
    with pytest.raises(TypeError, match="cv='4'"):
        forward_splits("4", X, 0)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"window": 0}, "window=0: give a whole number"),
        ({"window": 2.5}, "window=2.5: give a whole number"),
        ({"horizon": True}, "horizon=True"),
        ({"season": 13}, "season=13 is longer than window=12.*give window=13 or more"),
        ({"window": 140}, "150 values, too few: window=140, horizon=1 and cv=5 need at least"),
        ({"horizon": 200}, "150 values, too few"),
        ({"cv": 30}, "cv=30 need at least"),
        ({"task": "regression"}, "y is missing: regression needs a target"),
        ({"task": "serie"}, "Did you mean 'series'?"),
        ({"y": WAVE, "task": "series"}, "without y"),
        ({"y": WAVE, "window": 4}, "window=4 is for a series, but the task is regression"),
        ({"baselines": ["random forest"]}, "Unknown baseline for series 'random forest'"),
    ],
)
def test_what_cannot_work_is_said_before_anything_is_fitted(options, message):
    X = WAVE[:, None] if "y" in options else WAVE
    with pytest.raises((ValueError, TypeError), match=message):
        compare(AR, X, options.pop("y", None), **options)


@pytest.mark.parametrize(
    ("series", "message"),
    [
        (np.ones((50, 2)), r"shape \(50, 2\). Give one column"),
        ([], "The series is empty"),
        (["a", "b"], "must be numeric, but it holds values such as 'a'"),
        (
            [*WAVE, np.nan, 1.0, np.inf],
            "infinite at 2 of 153 times, first at number 150",
        ),
        (np.full(100, 3.0), "The series is 3 at all times"),
    ],
)
def test_series_that_cannot_be_used(series, message):
    with pytest.raises(ValueError, match=message):
        compare(AR, series)


def test_a_pandas_series_and_one_column_are_series_too():
    for series in (pd.Series(WAVE), WAVE[:, None], pd.DataFrame({"a": WAVE}), list(WAVE)):
        np.testing.assert_array_equal(cut(series, Windowing(), 5)[0], make_windows(WAVE, 12)[0])


# --- what is compared ---------------------------------------------------------------------------


def test_persistence_sees_the_values_themselves(comparison):
    X, y = make_windows(WAVE, 8, 3)
    result = comparison.of("persistence")[-1]
    np.testing.assert_array_equal(result.y_pred, np.repeat(X[result.test, -1:], 3, axis=1))
    np.testing.assert_array_equal(result.y_true, y[result.test])
    error = np.mean((result.y_pred - result.y_true) ** 2)
    assert result.metrics["mse"] == pytest.approx(error)
    assert result.metrics["score"] == pytest.approx(-np.log(error) / 2)


def test_a_linear_model_beats_the_naive_ones_and_the_mean_does_not(comparison):
    verdicts = {verdict.model: verdict for verdict in comparison.verdicts}
    assert verdicts["AR"].difference > 0 > verdicts["mean"].difference
    ratio = np.exp(-verdicts["AR"].difference)
    assert f"The error (RMSE) of AR is {ratio:.3g} times that of" in verdicts["AR"].text
    assert "interval of the ratio" in verdicts["AR"].text
    assert "more than the 1.02 times allowed" in verdicts["mean"].text
    errors = [np.sqrt(r.metrics["mse"]) for r in comparison.of("AR")]
    theirs = [np.sqrt(r.metrics["mse"]) for r in comparison.of(verdicts["AR"].baseline)]
    assert ratio == pytest.approx(np.exp(np.mean(np.log(errors) - np.log(theirs))))


def test_the_same_forecasts_have_the_same_error():
    comparison = compare({"same": Persistence()}, WAVE, baselines=["persistence"], cv=2)
    assert "same and persistence have the same error (RMSE)" in comparison.verdict


def test_the_season_reaches_the_forecast(comparison):
    given = compare(AR, WAVE, baselines=["seasonal naive"], season=5, cv=2)
    assert {r.parameters["season_"] for r in given.of("seasonal naive")} == {"5"}
    assert all("season_" in r.parameters for r in comparison.of("seasonal naive"))
    assert all("season_" not in r.parameters for r in comparison.of("AR"))


def test_a_model_for_one_step_gets_one_for_each_step():
    named = for_series([("SVR", SVR(), {"C": [1.0, 2.0]})], Windowing(horizon=2))
    assert isinstance(named[0][1], MultiOutputRegressor)
    assert named[0][2] == {"estimator__C": [1.0, 2.0]}
    assert for_series([("SVR", SVR(), {})], Windowing())[0][1].kernel == "rbf"
    comparison = compare({"SVR": (SVR(), {"C": [1, 10]})}, WAVE, baselines=NAIVE, horizon=2, cv=2)
    assert comparison.of("SVR")[0].y_pred.shape[1] == 2
    assert set(comparison.of("SVR")[0].parameters) == {"estimator__C"}


@pytest.mark.parametrize("horizon", [1, 2])
def test_every_baseline_runs(horizon):
    comparison = compare(AR, WAVE, window=6, horizon=horizon, cv=2, budget=1)
    assert comparison.complete
    assert len(comparison.baselines) == 5


def test_the_default_baselines_fit_the_task():
    found = make_candidates(
        [], named_baselines("default", "series"),
        task="series", preprocessing=StandardScaler(), budget=6, seed=0,
    )  # fmt: skip
    assert [c.entrant.name for c in found] == [
        "persistence", "seasonal naive", "ridge autoregression", "gradient boosting", "small MLP",
    ]  # fmt: skip
    for candidate in found[:2]:  # no scaling of columns and target apart
        assert isinstance(candidate.estimator[-1], Persistence | SeasonalNaive)
        assert len(candidate.estimator) == 1


def test_a_score_of_the_users_own():
    comparison = compare(AR, WAVE, baselines=NAIVE, cv=2, scoring="neg_mean_absolute_error")
    assert "logarithm" not in str(comparison)
    assert comparison.mean("AR", "score")[0] == -comparison.mean("AR", "mae")[0]


def test_the_score_is_minus_the_logarithm_of_the_error():
    X, y = make_windows(WAVE, 4)
    model = LinearRegression().fit(X, y)
    error = np.sqrt(np.mean((model.predict(X) - y) ** 2))
    assert neg_log_rmse(model, X, y) == pytest.approx(-np.log(error))
    # Another unit moves all scores alike, so differences stay.
    assert neg_log_rmse(model, X, y) - neg_log_rmse(Persistence().fit(X, y), X, y) == (
        pytest.approx(
            neg_log_rmse(LinearRegression().fit(100 * X, 100 * y), 100 * X, 100 * y)
            - neg_log_rmse(Persistence().fit(X, y), 100 * X, 100 * y)
        )
    )


def test_a_perfect_forecast_has_a_finite_score():
    X, y = make_windows(np.tile([1.0, 2.0, 3.0], 20), 3)
    assert 30 < neg_log_rmse(SeasonalNaive(3).fit(X, y), X, y) < 50
    assert np.isfinite(neg_log_rmse(Persistence().fit(X, 0 * y), 0 * X, 0 * y))


def test_a_trend_gets_a_warning():
    warnings.filterwarnings("ignore", "The best baseline")
    with pytest.warns(UserWarning, match="values to forecast lie beyond all values learned from"):
        compare(AR, WAVE + TIMES, baselines=NAIVE, cv=3)
    X, y = make_windows(WAVE, 8)
    assert not cautions_of_series(y, forward_splits(3, X, 0))


def test_little_to_gain_gets_a_warning():
    series = make_damped_pendulum()
    with pytest.warns(UserWarning, match="ridge autoregression, already has a mean r2"):
        compare(AR, series, window=4, baselines=["ridge autoregression"], cv=3)


# --- what is shown ------------------------------------------------------------------------------


def test_tables_and_report(comparison):
    text = str(comparison)
    for title in ("RMSE", "MAE", "skill", "an error 2 % larger"):
        assert title in " ".join(text.split())
    assert "ln RMSE" not in text + comparison.to_html()
    kept = {"neg_log_rmse", "rmse", "mse", "mse_std", "mae", "r2", "skill", "skill_std"}
    assert set(comparison.to_frame()) >= kept
    page = comparison.to_html()
    assert "Forecasts of the last fold" in page
    assert "Spread and forecasts" in page
    assert "windows of 8, 3 steps ahead" in page
    assert "season_=" in page
    assert "}, series, baselines=" in comparison.run["call"]
    assert pickle.loads(pickle.dumps(comparison)).verdict == comparison.verdict


def test_the_deciding_column_shows_errors_in_the_unit_of_the_series(comparison):
    column = comparison.columns[0]
    errors = [r.metrics["rmse"] for r in comparison.of("AR")]
    shown = column.shown(*comparison.mean("AR", column.key))
    assert shown.split()[0] == f"{np.exp(np.mean(np.log(errors))):.3f}"
    assert column.arrow == "↓"
    assert comparison.best(column) == ["AR"]
    (dots, *_), *_ = [
        [line for line in axis.lines if line.get_color() == "#d55e00"]
        for axis in comparison.plot().axes
    ]
    np.testing.assert_allclose(sorted(dots.get_xdata()), sorted(errors))


def test_skill_is_measured_against_the_seasonal_naive_forecast(comparison):
    naive = {r.fold: r.metrics["rmse"] for r in comparison.of("seasonal naive")}
    for result in comparison.of("AR"):
        assert result.metrics["skill"] == pytest.approx(
            1 - result.metrics["rmse"] / naive[result.fold]
        )
    assert {r.metrics["skill"] for r in comparison.of("seasonal naive")} == {0.0}


def test_without_the_seasonal_naive_forecast_there_is_a_skill_too():
    found = compare(AR, WAVE, baselines=["persistence"], window=8, cv=2)
    naive = compare(AR, WAVE, baselines=["seasonal naive"], window=8, cv=2)
    assert found.mean("AR", "skill") == naive.mean("AR", "skill")


# --- dates --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "index",
    [
        pd.date_range("2001-01-01", periods=150, freq="MS"),
        pd.period_range("2001-01", periods=150, freq="M"),
        pd.date_range("2001-01-01", periods=150, freq="MS", tz="Europe/Berlin"),
    ],
)
def test_a_series_with_dates_keeps_them(index):
    found = compare(AR, pd.Series(WAVE, index), baselines=NAIVE, window=8, horizon=3, cv=2)
    dates = [str(date)[:10] for date in pd.date_range("2001-01-01", periods=150, freq="MS")]
    assert found.times == dates[8 + 3 - 1 :]
    last = found.of("AR")[-1]
    page = found.to_html()
    assert f"<td>{found.times[last.test[0]]}</td><td>{dates[-1]}</td>" in page
    assert found.run["forecast"] == f"2001-11-01 to {dates[-1]}"
    forecasts = found.plot().axes[1]
    drawn = {line.get_label(): line.get_xdata() for line in forecasts.lines}["AR"]
    np.testing.assert_array_equal(drawn[-1], np.datetime64(dates[-1]))


def test_hours_stay_where_there_are_any_and_numbers_are_no_dates():
    hours = pd.date_range("2001-01-01", periods=3, freq="h")
    assert times_of(pd.Series([1, 2, 3], hours))[1] == "2001-01-01T01:00:00"
    assert times_of(pd.Series([1, 2, 3])) is None
    assert times_of([1, 2, 3]) is None
    assert times_of(WAVE) is None


@pytest.mark.parametrize("order", [slice(None, None, -1), [0, 1, 1, *range(2, 149)]])
def test_dates_that_do_not_rise_are_an_error(order):
    dates = pd.date_range("2001-01-01", periods=150, freq="MS")[order]
    with pytest.raises(ValueError, match="dates of the series don't rise"):
        compare(AR, pd.Series(WAVE, dates), baselines=NAIVE)


def test_named_series_have_dates():
    for name, first in (("sunspots", "1700-01-01"), ("elnino", "1950-01-01")):
        assert times_of(load_series(name).X)[0] == first
    assert times_of(tail(load_series("co2").X, 3))[-1] == "2001-12-01"


def test_the_plot_of_forecasts(comparison):
    scores, forecasts = comparison.plot().axes
    lines = {line.get_label(): line for line in forecasts.lines}
    assert set(lines) == {"truth", comparison.best_baseline, "AR", "mean"}
    last = comparison.of("AR")[-1]
    np.testing.assert_array_equal(lines["truth"].get_ydata(), last.y_true[-120:, -1])
    np.testing.assert_array_equal(lines["AR"].get_ydata(), last.y_pred[-120:, -1])
    np.testing.assert_array_equal(lines["AR"].get_xdata(), last.test[-120:])
    assert forecasts.get_ylabel() == "3 steps ahead"


def test_small_errors_keep_their_digits():
    assert Column("mse", "MSE", False).shown(1.234e-5, 2e-6) == "1.23e-05 ± 2.0e-06"
    assert Column("mse", "MSE", False).shown(0.0, np.nan) == "0.000"
    assert Column("mse", "MSE", False).shown(12.3456, 1.0) == "12.346 ± 1.000"
    assert Column("r2", "R²", True).shown(0.001, 0.1) == "0.001 ± 0.100"


# --- named series, files and the command line ---------------------------------------------------


@pytest.mark.parametrize("name", SERIES)
def test_named_series_are_finite_and_long_enough(name):
    data = load_series(name)
    assert (data.name, data.task, data.y) == (name, "series", None)
    X, _ = cut(data.X, Windowing(), 5)
    assert X.shape[1] == 12


def test_co2_is_monthly_and_rises():
    series = load_series("co2").X
    assert len(series) == 526
    assert SeasonalNaive().fit(*make_windows(series, 14)).season_ == 12


def test_a_series_without_its_package(monkeypatch):
    real = builtins.__import__

    def without(name, *args, **kwargs):
        if name.startswith("statsmodels"):
            raise ImportError
        return real(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(ImportError, match=r"in a clone .* pip install '\.\[series\]'"):
        load_series("sunspots")
    assert len(load_series("damped_pendulum").X)  # which needs no other package


@pytest.fixture
def table(tmp_path):
    path = tmp_path / "table.csv"
    frame = {"when": [f"day {t}" for t in TIMES], "level": WAVE, "kind": ["x"] * len(TIMES)}
    pd.DataFrame(frame).to_csv(path, index=False)
    return str(path)


def test_a_column_of_a_file(table, tmp_path):
    np.testing.assert_allclose(load_series(table, "level").X, WAVE)
    assert load_series(table).name == "level of table.csv"  # the only one that is numeric
    both = tmp_path / "both.parquet"
    pd.DataFrame({"a": WAVE, "target": 2 * WAVE}).to_parquet(both)
    np.testing.assert_array_equal(load_series(str(both)).X, 2 * WAVE)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ("{table} --task series --target kind", "holds values such as 'x'"),
        ("{table} --task series --target levl", "Unknown column 'levl'. Did you mean 'level'?"),
        ("{two} --task series", "Which column is the series? Name it with --target, one of: a, b"),
        ("{table} --target level --no-encode", "not numeric: when, kind"),
        ("{two} --target a --window 12", "(--task series)"),
        ("{two} --target a --task series --window 200", "window=200, horizon=1 and cv=5 need"),
        ("{two} --target a --task series --subsample 40", "The series has 40 values, too few"),
        ("{two} --target a --task series --subsample 400", "the series has 150 values"),
        ("{two} --target a --task series --model QuantumKernelSVC", "does no series"),
        ("none.csv --task series", "There is no file"),
        ("sunspotz", "Did you mean 'sunspots'?"),
        ("sunspots --target a", "its column cannot be chosen"),
        ("sunspots --task regression", "sunspots is a series"),
        ("diabetes --task series", "diabetes holds rows, not a series"),
        ("diabetes --horizon 2", "horizon=2 is for a series"),
        ("bessel_j2 --season 20", "give window=20 or more"),
    ],
)
def test_bad_input_on_the_command_line(table, tmp_path, capsys, arguments, message):
    two = tmp_path / "two.csv"
    pd.DataFrame({"a": WAVE, "b": 2 * WAVE}).to_csv(two, index=False)
    assert main(["compare", *arguments.format(table=table, two=two).split()]) == 2
    err = capsys.readouterr().err
    assert err.startswith("skquantum: error: ")
    assert message in err


def test_the_command_line(table, tmp_path, capsys):
    report = tmp_path / "report.html"
    arguments = f"{table} --task series --window 6 --horizon 2 --season 3 --cv 2 --budget 1"
    arguments += f" --model VariationalRegressor --report {report} --subsample 100"
    assert main(["compare", *arguments.split()]) == 0
    out = capsys.readouterr().out
    assert out.startswith("level of table.csv: 100 values, windows of 6, 2 steps ahead, series")
    assert "Verdict: " in out
    assert "season_=3" in report.read_text(encoding="utf-8")


def test_models_lists_series(capsys):
    assert main(["models"]) == 0
    out = capsys.readouterr().out
    assert "Baselines for series:" in out
    for name in (*SERIES, "ridge autoregression"):
        assert name in out


def test_windowing_defaults():
    assert make_windowing(None, None, None) == Windowing(12, 1, None)
    assert make_windowing(np.int64(5), 2, 3) == Windowing(5, 2, 3)
    assert str(DecisionRule()) in str(compare(AR, WAVE, baselines=NAIVE, cv=2)).replace(
        "\n      ", " "
    )
