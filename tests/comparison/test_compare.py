import io
import os
import pickle
import signal
import sys
import time
import warnings
from contextlib import suppress
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.compose import make_column_transformer
from sklearn.datasets import load_diabetes
from sklearn.dummy import DummyClassifier
from sklearn.exceptions import FitFailedWarning
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import cross_val_score
from sklearn.preprocessing import OneHotEncoder
from sklearn.svm import SVC

from skquantum import QuantumKernelSVC
from skquantum.comparison import DecisionRule, _runner, compare
from skquantum.comparison._measure import FoldResult, _seconds
from skquantum.comparison._progress import ProgressLine, time_left

LINEAR = ["logistic regression"]


class Interrupting(ClassifierMixin, BaseEstimator):
    """A classifier in whose fits somebody presses Ctrl-C.

    Like `MLPClassifier` it keeps what it has learned on a KeyboardInterrupt, and goes on.
    """

    fits = 0

    def __init__(self, after=0, signalled=True):
        self.after = after
        self.signalled = signalled

    def fit(self, X, y):
        type(self).fits += 1
        self.classes_ = np.unique(y)
        if type(self).fits > self.after:
            if not self.signalled:
                raise KeyboardInterrupt
            with suppress(KeyboardInterrupt):
                os.kill(os.getpid(), signal.SIGINT)
        return self

    def predict(self, X):
        return np.full(len(X), self.classes_[0])

    def predict_proba(self, X):
        return np.full((len(X), len(self.classes_)), 1 / len(self.classes_))


class Failing(DummyClassifier):
    """A classifier that cannot be fitted."""

    def fit(self, X, y, sample_weight=None):
        raise RuntimeError("out of <qubits>")


def test_what_is_measured(comparison, iris):
    assert comparison.complete
    assert comparison.models == ["logistic regression", "RBF SVM", "QuantumKernelSVC"]
    assert comparison.baselines == comparison.models[:2]
    assert len(comparison.results) == 9
    for result in comparison.results:
        assert (result.n_train, result.n_test) == (40, 20)
        assert 0 < result.fit_time < 60
        assert 0 < result.predict_time < 1
        assert result.metrics["score"] == result.metrics["accuracy"]
        bounded = {"accuracy", "balanced_accuracy", "f1_macro", "roc_auc", "ece"}
        assert all(0 <= result.metrics[key] <= 1 for key in bounded)
        assert 0 <= result.metrics["brier"] <= 2
        assert result.probabilities.shape == (20, 3)
        np.testing.assert_allclose(result.probabilities.sum(axis=1), 1)
    # Every row is a test row once.
    found = np.sort(np.concatenate([r.y_true for r in comparison.of("QuantumKernelSVC")]))
    assert np.array_equal(found, np.sort(iris[1]))


def test_fits_are_counted(comparison):
    """Two settings on three inner folds, one refit; four more where probabilities are lacking."""
    fits = {name: {r.n_fits for r in comparison.of(name)} for name in comparison.models}
    assert fits == {"logistic regression": {7}, "RBF SVM": {11}, "QuantumKernelSVC": {11}}


def test_quantum_models_tell_their_resources(comparison):
    found = comparison.resources("QuantumKernelSVC")
    assert found["qubits"] == "4"
    assert found["simulations run in a fit"] == "40"
    assert {"depth", "one-qubit gates", "two-qubit gates"} < set(found)
    assert "circuits a fit costs on hardware" in found
    assert "0:" in comparison.of("QuantumKernelSVC")[0].circuit
    assert comparison.resources("RBF SVM") == {}


def test_scores_are_those_of_scikit_learn(iris):
    """Without tuning, nested cross-validation is cross-validation."""
    found = compare({"mine": LogisticRegression()}, *iris, baselines={"other": SVC()}, cv=3)
    from sklearn.model_selection import StratifiedKFold
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    folds = StratifiedKFold(3, shuffle=True, random_state=0)
    expected = cross_val_score(
        make_pipeline(StandardScaler(), LogisticRegression()), *iris, cv=folds
    )
    np.testing.assert_allclose([r.metrics["score"] for r in found.of("mine")], expected)


def test_the_verdict_names_both_and_the_winner(comparison):
    (verdict,) = comparison.verdicts
    assert verdict.model == "QuantumKernelSVC"
    assert verdict.baseline == comparison.best_baseline
    assert comparison.verdict == verdict.text
    means = {name: comparison.mean(name, "score")[0] for name in comparison.models}
    assert verdict.difference == pytest.approx(means[verdict.model] - means[verdict.baseline])


def test_a_classical_model_wins_where_the_other_only_guesses(iris):
    found = compare({"guess": DummyClassifier()}, *iris, baselines=LINEAR, cv=3, budget=1)
    assert found.verdicts[0].decision == "reject"
    assert found.verdict.startswith("Use the classical model, logistic regression")


def test_a_model_that_is_better_and_cheap_wins(iris):
    rule = DecisionRule(max_cost_ratio=1e6)
    found = compare(
        {"mine": LogisticRegression()}, *iris, baselines={"guess": DummyClassifier()}, cv=3,
        rule=rule,
    )  # fmt: skip
    assert found.verdicts[0].decision == "use"
    assert found.verdict.startswith("Use mine")


def test_of_equal_baselines_the_cheapest_is_the_best(comparison):
    def results(name, predict_time):
        return [
            FoldResult(name, k, 80, 20, {"score": 0.9}, predict_time=predict_time)
            for k in range(3)
        ]

    tied = replace(
        comparison, results=results("logistic regression", 2e-6) + results("RBF SVM", 1e-6)
    )
    assert tied.best_baseline == "RBF SVM"


def test_who_leads_by_a_hair_decides_nothing(comparison):
    """The published rule asks for 1.5 times the cost; of which baseline, must not flip."""

    def verdict(linear, forest):
        def results(name, score, predict_time):
            return [
                FoldResult(name, k, 80, 20, {"score": score + k / 100}, predict_time=predict_time)
                for k in range(3)
            ]

        found = results("logistic regression", linear, 1e-5) + results("RBF SVM", forest, 1e-3)
        found += results("QuantumKernelSVC", 0.9, 1.2e-3)
        rule = DecisionRule(latency_floor=0)
        return replace(comparison, results=found, rule=rule).verdicts[0]

    one, other = verdict(0.901, 0.9), verdict(0.9, 0.901)
    assert {one.baseline, other.baseline} == {"logistic regression", "RBF SVM"}
    assert one.decision == other.decision == "reject"
    assert one.cost_ratio == other.cost_ratio == pytest.approx(120)


def test_ties_share_the_star(comparison):
    results = [
        FoldResult(name, k, 80, 20, {"score": score, "accuracy": score})
        for name, score in zip(comparison.models, (0.9, 0.90001, 0.8), strict=True)
        for k in range(3)
    ]
    tied = replace(comparison, results=results)
    assert tied.best(tied.columns[0]) == comparison.models[:2]


def test_frames(comparison):
    frame = comparison.to_frame()
    assert list(frame.index) == comparison.models
    scores = [r.metrics["accuracy"] for r in comparison.of("RBF SVM")]
    assert frame.loc["RBF SVM", "accuracy"] == pytest.approx(np.mean(scores))
    assert frame.loc["RBF SVM", "accuracy_std"] == pytest.approx(np.std(scores, ddof=1))
    assert frame.loc["QuantumKernelSVC", "qubits"] == "4"
    folds = comparison.to_frame(per_fold=True)
    assert folds["fold"].tolist() == [0, 1, 2] * 3
    assert folds["model"].unique().tolist() == comparison.models


def test_frames_need_pandas(comparison, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "pandas", None)
    with pytest.raises(ImportError, match=r"in a clone .* pip install '\.\[data\]'"):
        comparison.to_frame()


def test_pickling(comparison):
    again = pickle.loads(pickle.dumps(comparison))
    assert str(again) == str(comparison)
    assert again.verdicts == comparison.verdicts


def test_the_same_seed_gives_the_same_scores(iris):
    first, again, other = (
        compare("QuantumKernelSVC", *iris, baselines=LINEAR, cv=2, budget=1, random_state=seed)
        for seed in (5, 5, 6)
    )
    scores = [[r.metrics for r in found.of("QuantumKernelSVC")] for found in (first, again, other)]
    assert scores[0] == scores[1] != scores[2]


def test_a_drawn_seed_is_told(iris):
    found = compare(DummyClassifier(), *iris, baselines=LINEAR, cv=2, budget=1, random_state=None)
    assert int(found.run["seed"]) >= 0
    assert f"random_state={found.run['seed']}" in found.run["call"]


def test_processes_change_nothing_but_times(iris, monkeypatch):
    monkeypatch.setattr(_runner, "ALONE", 0.0)
    one, two = (
        compare(QuantumKernelSVC(), *iris, baselines=LINEAR, cv=2, budget=1, n_jobs=n_jobs)
        for n_jobs in (None, 2)
    )
    assert [r.metrics for name in one.models for r in one.of(name)] == [
        r.metrics for name in two.models for r in two.of(name)
    ]


def test_time_that_other_processes_took_is_not_counted():
    """A call that waits takes the clock's time, one that only computes the processor's."""
    assert _seconds(lambda: time.sleep(0.02)) >= 0.02

    def compute():
        start = time.process_time()
        while time.process_time() - start < 0.02:
            pass

    found = [_seconds(compute) for _ in range(5)]
    assert 0.02 <= min(found) < 0.03


def test_regression():
    X, y = load_diabetes(return_X_y=True)
    found = compare(
        "QuantumKernelSVR", X[:80], y[:80], baselines=["ridge regression"], cv=2, budget=2
    )
    assert (found.task, found.metric) == ("regression", "r2")
    result = found.of("QuantumKernelSVR")[0]
    assert set(result.metrics) == {"score", "r2", "rmse", "mae"}
    assert result.resources["n_qubits"] == 10  # five blocks of two
    assert set(result.parameters) == {"C", "encoding__bandwidth"}
    assert result.probabilities is None
    assert "R²" in str(found)


def test_another_score_decides(iris):
    found = compare(
        DummyClassifier(), *iris, baselines=LINEAR, cv=2, budget=1, scoring="balanced_accuracy"
    )
    assert found.columns[0].key == "balanced_accuracy"
    found = compare(
        DummyClassifier(), *iris, baselines=LINEAR, cv=2, budget=1, scoring="neg_log_loss"
    )
    assert found.columns[0].title == "neg_log_loss"
    assert found.mean("DummyClassifier", "score")[0] == pytest.approx(-np.log(3))


def test_data_frames_with_text_through_preprocessing_of_ones_own():
    rng = np.random.default_rng(0)
    kind = np.tile(["x", "y"], 30)
    frame = pd.DataFrame({"kind": kind, "a": rng.normal(size=60)})
    with pytest.raises(ValueError, match="not numeric: kind"):
        compare(LogisticRegression(), frame, kind == "x", encode=False)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # the baseline is perfect
        found = compare(
            LogisticRegression(),
            frame,
            kind == "x",
            cv=2,
            baselines=LINEAR,
            budget=1,
            preprocessing=make_column_transformer(
                (OneHotEncoder(), ["kind"]), remainder="passthrough"
            ),
        )
    assert found.mean("LogisticRegression", "score")[0] == 1


def test_a_hopeless_case_is_called_one_before_the_quantum_model_runs(iris):
    X, y = np.repeat([[0.0], [1.0]], 20, axis=0), np.repeat(["a", "b"], 20)
    with pytest.warns(UserWarning, match="already has a mean accuracy of 1.000"):
        found = compare(DummyClassifier(), X, y, baselines=LINEAR, cv=2, budget=1)
    assert len(found.cautions) == 1
    with pytest.warns(UserWarning, match="within 50 ms is asked for on hardware"):
        compare(
            DummyClassifier(), *iris, baselines=LINEAR, cv=2, budget=1,
            rule=DecisionRule(hardware_latency=0.05),
        )  # fmt: skip


def test_an_unfair_budget_is_said(iris):
    grid = {"C": [1.0, 2.0, 3.0]}
    with pytest.warns(UserWarning, match="mine is tuned over 3 settings, a baseline only over 1"):
        compare({"mine": (SVC(), grid)}, *iris, baselines={"b": DummyClassifier()}, cv=2)


@pytest.mark.parametrize("signalled", [True, False])
def test_ctrl_c_leaves_what_is_finished(iris, signalled):
    Interrupting.fits = 0
    model = Interrupting(after=1, signalled=signalled)
    before = signal.getsignal(signal.SIGINT)
    found = compare(model, *iris, baselines=LINEAR, cv=3, budget=1)
    assert signal.getsignal(signal.SIGINT) is before
    assert not found.complete
    assert len(found.of("logistic regression")) == 3
    assert len(found.of("Interrupting")) == 1
    assert "INCOMPLETE: 4 of 6" in str(found)
    assert "no test is possible" in found.verdict
    assert found.verdict.startswith("So far: ")
    assert "from the 1 fold both finished" in found.verdict
    assert "Interrupting (1 of 3 folds)" in str(found)
    assert "logistic regression (3 of" not in str(found)
    assert "* best" not in str(found)
    assert not any(found.best(column) for column in found.columns)  # only one model finished
    assert "INCOMPLETE" in found._repr_html_()


def test_ctrl_c_before_anything_is_finished(iris):
    Interrupting.fits = 0
    with pytest.raises(KeyboardInterrupt):
        compare(DummyClassifier(), *iris, baselines={"b": Interrupting()}, cv=2)


def test_no_verdict_on_what_did_not_run(iris):
    Interrupting.fits = 0
    found = compare(Interrupting(), *iris, baselines=LINEAR, cv=2, budget=1)
    assert found.verdicts[0].decision == "unfinished"
    assert "no fold is finished" in found.verdict


def test_a_model_that_fails_leaves_the_others(iris):
    with pytest.warns(FitFailedWarning, match="Failing failed: RuntimeError: out of <qubits>"):
        found = compare([Failing(), DummyClassifier()], *iris, baselines=LINEAR, cv=2, budget=1)
    assert not found.complete
    assert [verdict.decision for verdict in found.verdicts] == ["failed", "reject"]
    assert "No verdict on Failing: it failed with RuntimeError" in found.verdict
    assert "failed: Failing" in str(found)
    assert "out of &lt;qubits&gt;" in found._repr_html_()


def test_warnings_of_fits_are_kept_for_the_report(iris):
    found = compare(LogisticRegression(max_iter=1), *iris, baselines=LINEAR, cv=2, budget=1)
    assert "ConvergenceWarning" in found.of("LogisticRegression")[0].warnings[0]


def test_progress(iris, capsys):
    compare(DummyClassifier(), *iris, baselines=LINEAR, cv=2, budget=1, verbose=1)
    lines = capsys.readouterr().err.splitlines()
    assert lines[0].startswith("Rule: A model passes if")
    steps = [line for line in lines if line.startswith("[")]
    assert [line[:5] for line in steps] == ["[1/4]", "[2/4]", "[3/4]", "[4/4]"]
    assert "fold 2/2  DummyClassifier: accuracy 0.333" in steps[-1]
    assert "logistic regression 1 of 6" in " ".join(lines)


class Terminal(io.StringIO):
    def isatty(self):
        return True


@pytest.mark.parametrize("verbose", [None, 1])
def test_progress_on_a_terminal_rewrites_its_line_without_asking(verbose):
    stream = Terminal()
    progress = ProgressLine(verbose, stream)
    progress.step(1, 3, "first")
    progress.step(2, 3, "second", left=61.5)
    progress.step(3, 3, "third", left=0.0)
    progress.end()
    assert stream.getvalue().count("\r") == 3
    assert stream.getvalue().count("\n") == 1
    assert "about 62 s left  second" in stream.getvalue()
    assert stream.getvalue().count("left") == 1


def test_progress_elsewhere_is_silent_unless_asked_for():
    stream = io.StringIO()
    ProgressLine(None, stream).step(1, 2, "first")
    ProgressLine(0, Terminal()).step(1, 2, "first")
    assert not stream.getvalue()
    ProgressLine(1, stream).step(1, 2, "first")
    assert stream.getvalue().endswith("first\n")


def test_progress_in_a_notebook_rewrites_what_it_shows(monkeypatch):
    shown = []

    class Handle:
        update = staticmethod(shown.append)

    def display(line, display_id):
        assert display_id is True
        shown.append(line)
        return Handle()

    ipython = SimpleNamespace(get_ipython=lambda: SimpleNamespace(kernel=object()))
    monkeypatch.setitem(sys.modules, "IPython", ipython)
    monkeypatch.setitem(sys.modules, "IPython.display", SimpleNamespace(display=display))
    stream = io.StringIO()
    progress = ProgressLine(None, stream)
    progress.step(1, 2, "first", left=3.0)
    progress.step(2, 2, "second")
    progress.end()
    assert [repr(line)[-6:] for line in shown] == [" first", "second"]
    assert "about 3 s left" in shown[0]
    assert not stream.getvalue()
    ipython.get_ipython = lambda: SimpleNamespace()  # IPython in a terminal
    assert ProgressLine(None, stream).display is None


def test_the_time_that_is_left_is_told_after_the_first_fold():
    def done(model, *seconds):
        return [FoldResult(model, k, 9, 3, seconds=s) for k, s in enumerate(seconds)]

    assert time_left(done("a", 4.0), ["a", "b"], 5, 1) is None
    both = done("a", 4.0) + done("b", 1.0)
    assert time_left(both, ["a", "b"], 5, 1) == 4 * 4.0 + 4 * 1.0
    assert time_left(both, ["a", "b"], 5, 2) == 10
    assert time_left(both + done("b", 1.0, 3.0)[1:], ["b"], 5, 1) == 3 * 2.0
    assert time_left(done("a", 1, 1), ["a"], 2, 1) == 0


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"rule": 0.02}, TypeError, "give a DecisionRule"),
        ({"budget": 0}, ValueError, "budget=0"),
        ({"budget": 2.5}, ValueError, r"budget=2\.5"),
        ({"random_state": -1}, ValueError, "random_state=-1"),
        ({"random_state": np.random.default_rng()}, ValueError, "random_state="),
        ({"scoring": "acuracy"}, ValueError, "Did you mean 'accuracy'"),
        ({"scoring": 3}, TypeError, "scoring=3"),
        ({"cv": 1}, ValueError, "cv=1"),
        ({"task": "clustering"}, ValueError, "Unknown task 'clustering'"),
    ],
)
def test_bad_settings_cost_no_time(iris, arguments, error, message):
    with pytest.raises(error, match=message):
        compare(Failing(), *iris, **arguments)


def test_features_and_target_of_different_lengths(iris):
    X, y = iris
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        compare(Failing(), X, y[1:])
