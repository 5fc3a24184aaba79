"""`compare`: every model on every fold, the baselines first."""

import time
import warnings
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from joblib import effective_n_jobs
from sklearn.base import BaseEstimator
from sklearn.exceptions import FitFailedWarning
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils import check_consistent_length
from sklearn.utils.parallel import Parallel, delayed

from skquantum._paired import LOG_ERROR
from skquantum.comparison._candidates import (
    Candidate,
    Named,
    for_series,
    infer_task,
    make_candidates,
    named_baselines,
    named_models,
    why_task,
)
from skquantum.comparison._data import check_features, check_target, make_splits
from skquantum.comparison._device import DeviceTest
from skquantum.comparison._measure import FoldResult, Problem, evaluate
from skquantum.comparison._pages import wrap
from skquantum.comparison._prepare import (
    check_jobs,
    check_rows,
    check_score,
    checked_budget,
    described,
    gives_away,
    name_of,
    named_target,
    prepare,
    scoring_of,
    seed_of,
)
from skquantum.comparison._progress import Interrupted, ProgressLine, interruptible, time_left
from skquantum.comparison._provenance import provenance
from skquantum.comparison._result import Comparison
from skquantum.comparison._rule import (
    DecisionRule,
    poor_idea_after_baselines,
    poor_ideas_at_first_sight,
)
from skquantum.comparison._series import (
    Windowing,
    cautions_of_series,
    cut,
    forward_splits,
    make_windowing,
    times_of,
)
from skquantum.comparison._studies import Plan


def compare(
    models: Any,
    X: Any,
    y: Any = None,
    *,
    baselines: Any = "default",
    task: str = "auto",
    features: Any = None,
    drop: Any = None,
    encode: bool = True,
    window: int | None = None,
    horizon: int | None = None,
    season: int | None = None,
    cv: Any = 5,
    scoring: Any = None,
    rule: DecisionRule | None = None,
    preprocessing: BaseEstimator | None = None,
    budget: int = 6,
    device: DeviceTest | Sequence[DeviceTest] | None = None,
    labels: Sequence[int] | None = None,
    seeds: int = 0,
    ablate: bool = False,
    sweep: Mapping[str, Sequence[Any]] | None = None,
    energy: bool = False,
    random_state: int | None = 0,
    n_jobs: int | None = None,
    verbose: int | None = None,
) -> Comparison:
    """Compare models with tuned classical baselines, under a rule fixed before the run.

    Nested cross-validation: on each outer fold, every model is tuned over its own grid by three
    inner folds, then measured on rows it has not seen. All models share the folds, the first
    steps of their pipelines and the number of settings they may try. The baselines run first.

    Parameters
    ----------
    models : str, estimator, list of these, or dict
        What to compare with the baselines: names out of ``skquantum models``, estimators, or a
        dict of name to estimator or to ``(estimator, grid)``, the grid by the estimator's own
        parameter names. An estimator without a grid is tuned over the registered grid of its
        class, except for parameters set by you; of a class that is not registered, it is taken
        as it is.
    X : array-like or data frame of shape (n_samples, n_features), or a series (n_timesteps,)
        Features: an array is numeric and finite, unless `preprocessing` makes it so; a data frame
        may hold text, categories, dates and gaps. Or one series, its values in the order of time
        and at equal distances.
    y : array-like of shape (n_samples,) or str, default=None
        Target, or the column of `X` that holds it; rows without a value there are left out. None
        for a series.
    baselines : "default", list of str, or dict, default="default"
        The models to measure against: a linear model, a random forest, gradient boosting, an SVM
        with Gaussian kernel and a small neural network, for a series persistence, seasonal
        naive, ridge autoregression, gradient boosting and a small neural network; some of these
        by name; or your own, like `models`.
    task : {"auto", "classification", "regression", "series"}, default="auto"
        By default, what the models do or, if they are given by name, what the target looks like;
        "series" if there is no `y`. Text, yes or no, and few distinct whole numbers are taken
        for classes, other numbers for quantities.
    features, drop : str or list of str, default=None
        Columns of a data frame to learn from, and to leave out. What `features` names is kept
        even if it seems to tell rows apart, as numbers of customers do.
    encode : bool, default=True
        Whether columns of a data frame that are no numbers without gaps are made so, by the first
        step of each pipeline, from training rows alone; ``comparison.table`` says how. With False
        they are an error. No effect with `preprocessing` of your own.
    window, horizon : int, default=None
        Of a series, how many values a model sees and how many of those that follow it forecasts.
        By default 12 and 1.
    season : int, default=None
        Of a series, the steps of a season for the seasonal naive forecast, at most `window`. By
        default it is found in the training windows.
    cv : int, splitter or list of (train, test), default=5
        Outer folds. A number stands for shuffled folds, stratified for classification; for a
        series, for folds forward in time (`TimeSeriesSplit`), each learned from all before it.
    scoring : str or callable, default=None
        The score that models are tuned and judged by, the greater the better, as in
        scikit-learn. By default "accuracy" or "r2", and for a series minus the logarithm of the
        root mean squared error: 0.02 of it is about 2 % of error.
    rule : DecisionRule, default=None
        By default ``DecisionRule()``.
    preprocessing : transformer, default=None
        First step of every model's pipeline, fitted on training rows only. By default
        `StandardScaler`. With one of your own, `X` may hold whatever it accepts.
    budget : int, default=6
        Most settings that any model may try on a fold. Of a larger grid these are the setting
        nearest to the model's own, and others drawn at random.
    device : DeviceTest or list of them, default=None
        Noise and shots that the quantum models are tried with besides, on the same folds: would
        they survive a device, and what would it cost? It has no say in the verdict. Of several,
        the same fitted models are scored on each, and costs are those of the first.
    labels : list of int, default=None
        Numbers of training rows at which the models and the best baseline are scored besides, on
        ten draws in the classes' proportions: how many labels does it take?
    seeds : int, default=0
        How many seeds to fit each model with besides, on the same folds: is its score stable?
    ablate : bool, default=False
        Whether to score the models without one of their stages as well, on the same folds, as
        :func:`skquantum.inspection.ablation` does.
    sweep : dict of str to list, default=None
        Values of one parameter to score the models at besides, on the same folds. Like the three
        before, it fits each model at one setting, not tuned, and has no say in the verdict.
    energy : bool, default=False
        Whether to measure the energy of a fit and of predictions, by codecarbon (extra
        ``energy``), and to reckon what a fit takes on `device`.
    random_state : int or None, default=0
        Seed of folds, samples and of every estimator that has no seed of its own. None draws
        one, which the result then tells.
    n_jobs : int or None, default=None
        Processes, over models and folds, -1 for as many as there are cores; each runs its models
        on one thread. They are started after the first seconds, if the run is not over then. All
        numbers are the same but for the times, which get less reliable: models then compete for
        memory.
    verbose : int or None, default=None
        By default a line tells the progress, and after the first fold how long the rest will
        take, on a terminal and in a notebook. 0 is silent. 1 tells the rule, the progress and
        warnings on stderr, wherever that goes; else warnings are Python's.

    Returns
    -------
    comparison : Comparison
        With ``.verdict``, ``.to_frame()``, ``.plot()`` and ``.to_html(path)``. After Ctrl-C it
        holds the folds that are finished, and ``.complete`` is False.

    Raises
    ------
    ValueError, TypeError
        If the data, a name, a grid or a setting cannot work; before anything is fitted.

    Warns
    -----
    UserWarning
        If a quantum model is a poor idea: the best baseline scores above 0.98, the data have
        more than a million rows, or hardware must answer within 100 ms.
    FitFailedWarning
        If a model raised an error on a fold; the error is in the result.

    See Also
    --------
    DecisionRule : What decides.

    Notes
    -----
    Models without `predict_proba` get probabilities from `CalibratedClassifierCV` with
    ``ensemble=False`` around the tuned model; labels remain the model's own. Prediction time is
    that of `predict` on the test fold as one batch, best of several runs, divided by its rows.
    BLAS, OpenMP and qsim have one thread for every model.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.svm import SVC
    >>> from skquantum import compare
    >>> X, y = load_iris(return_X_y=True)
    >>> comparison = compare(
    ...     {"my SVM": (SVC(), {"C": [1, 10]})}, X, y, baselines=["logistic regression"], cv=3
    ... )
    >>> comparison.models
    ['logistic regression', 'my SVM']

    A series needs no target:

    >>> from sklearn.linear_model import LinearRegression
    >>> from skquantum.datasets import make_damped_pendulum
    >>> comparison = compare(
    ...     {"AR(4)": LinearRegression()},
    ...     make_damped_pendulum(),
    ...     window=4,
    ...     baselines=["persistence"],
    ... )
    >>> for model in ("AR(4)", "persistence"):
    ...     print(f"{model}: {comparison.mean(model, 'mse')[0]:.5f}")
    AR(4): 0.00000
    persistence: 0.06437
    """
    rule, seed = DecisionRule() if rule is None else rule, seed_of(random_state)
    asked_for = tuple(labels or ()), seeds, bool(ablate), dict(sweep or {}), bool(energy)
    studies = Plan(*asked_for, _devices(device))
    device = studies.devices[0] if studies.devices else None
    _check_settings(rule, n_jobs)
    budget = checked_budget(budget)
    X, y = named_target(X, y, read=preprocessing is None)
    asked = {"models": models, "baselines": baselines, "task": task, "cv": cv, "rule": rule}
    asked |= {"features": features, "drop": drop, "encode": None if encode else False}
    guessed = task == "auto" and y is not None
    task = infer_task(task, models, None if y is None else np.asarray(y))
    asked |= {"task": task, "window": window, "horizon": horizon, "season": season}
    asked |= {"scoring": scoring, "preprocessing": preprocessing, "budget": budget}
    asked |= studies.asked
    data = prepare(X, y, task=task, features=features, drop=drop, encode=encode, seed=seed)
    if guessed and (why := why_task(np.asarray(y))):
        data.notes.append(f"The task is {task}, {why}.")
    windows = _windows(task, window, horizon, season)
    named, known = _named(models, baselines, task, windows)
    first = StandardScaler() if preprocessing is None else preprocessing
    candidates = make_candidates(
        named,
        known,
        task=task,
        preprocessing=first if data.encoder is None else make_pipeline(data.encoder, first),
        budget=budget,
        seed=seed,
    )
    checked = preprocessing is not None or data.encoder is not None
    problem = _problem(data.X, data.y, task, cv, scoring, checked, seed, windows)
    check_rows(named, len(problem.y))
    check_score(problem.scoring, task, problem.y, candidates)
    problem = replace(problem, device=device)
    studies.check(problem, candidates)
    comparison = Comparison(
        rule=rule,
        task=task,
        metric=name_of(problem.scoring),
        entrants=[candidate.entrant for candidate in candidates],
        n_folds=len(problem.splits),
        device=device,
        run=provenance(problem, _call(asked, seed)),
        times=problem.times,
        table=data.table,
        notes=data.notes,
    )
    run = _Run(comparison, candidates, problem, n_jobs, verbose, studies)
    run.go(gives_away(data.X, problem.y, task, data.table))
    return comparison


def _named(
    models: Any, baselines: Any, task: str, windows: Windowing | None
) -> tuple[Named, Named]:
    """Return the models and the baselines, by name, with their grids."""
    named, known = named_models(models, task), named_baselines(baselines, task)
    if windows is None:
        return named, known
    return for_series(named, windows), for_series(known, windows)


def _devices(device: Any) -> tuple[DeviceTest, ...]:
    """Return the devices to try, after checking that there are such and that they differ."""
    given = device if isinstance(device, list | tuple) else [device]
    found = () if device is None else tuple(given)
    for each in found:
        if not isinstance(each, DeviceTest):
            raise TypeError(f"device={each!r}: give a skquantum.comparison.DeviceTest.")
        each.check()
    labels = [each.label for each in found]
    twice = sorted({label for label in labels if labels.count(label) > 1})
    if twice:
        raise ValueError(f"device: {twice[0]} is given twice.")
    return found


def _check_settings(rule: Any, n_jobs: Any) -> None:
    if not isinstance(rule, DecisionRule):
        raise TypeError(f"rule={rule!r}: give a DecisionRule.")
    check_jobs(n_jobs)


# Seconds before a run is shared with other processes, which need some to start.
ALONE = 5.0


class _Run:
    """Fill a comparison, fold by fold."""

    def __init__(
        self,
        comparison: Comparison,
        candidates: list[Candidate],
        problem: Problem,
        n_jobs: int | None,
        verbose: int | None,
        studies: Plan,
    ) -> None:
        self.studies = studies
        self.comparison = comparison
        self.candidates = candidates
        self.problem = problem
        self.n_jobs = n_jobs
        self.verbose = verbose
        self.progress = ProgressLine(verbose)

    def go(self, cautions: list[str]) -> None:
        """Run the baselines, say what they show, run the rest; stop on Ctrl-C."""
        comparison, start = self.comparison, time.perf_counter()
        for line in described(comparison.table, comparison.notes):
            self.progress.say(line)
        self.progress.say(wrap("Rule: ", comparison.rule_text))
        self.caution(cautions)
        self.caution(poor_ideas_at_first_sight(len(self.problem.y), comparison.rule))
        if self.problem.windows is not None:
            self.caution(cautions_of_series(self.problem.y, self.problem.splits))
        self.caution(_unequal_budgets(comparison))
        if sampled := _sampled_grids(comparison):
            self.progress.say(wrap("Note: ", sampled))
        try:
            with interruptible(), warnings.catch_warnings():
                # Interrupted, joblib warns of the folds that it has to give up.
                warnings.filterwarnings("ignore", ".*tasks which were still being processed")
                self.run([c for c in self.candidates if c.entrant.is_baseline])
                if (best := comparison.best_baseline) is not None:
                    # The score of a series has no end; its share of explained variance has.
                    key = "r2" if comparison.metric == LOG_ERROR else "score"
                    metric = "r2" if comparison.metric == LOG_ERROR else comparison.metric
                    score = comparison.mean(best, key)[0]
                    self.caution(poor_idea_after_baselines(best, score, metric))
                self.run([c for c in self.candidates if not c.entrant.is_baseline])
                self.study()
        except (Interrupted, KeyboardInterrupt):
            if not comparison.results:
                raise KeyboardInterrupt from None
            self.progress.say("Interrupted.")
        self.progress.end()
        comparison.elapsed = time.perf_counter() - start
        for name, error in comparison.failures.items():
            message = f"{name} failed: {error}"
            if self.verbose:
                self.progress.say(message)
            else:
                self.progress.clear()
                warnings.warn(message, FitFailedWarning, stacklevel=3)

    def run(self, candidates: list[Candidate]) -> None:
        """Run some models on all folds; fold by fold, so that all have got equally far."""
        results = self.comparison.results
        n_folds, names = self.comparison.n_folds, [c.entrant.name for c in candidates]
        total, n_jobs = len(self.candidates) * n_folds, effective_n_jobs(self.n_jobs)
        for result in self.results_of(candidates, n_jobs):
            results.append(result)
            left = time_left(results, names, n_folds, n_jobs)
            self.progress.step(len(results), total, self.describe(result), left)

    def study(self) -> None:
        """Look into what was asked for besides."""
        best = self.comparison.best_baseline
        for title, run in self.studies.runs(self.problem, self.candidates, best):
            self.progress.say(f"Besides: {title}")
            try:
                self.comparison.studies.append(run())
            except Exception as error:  # a model of the user's own may raise anything
                said = " ".join(str(error).split())
                self.caution([f"There is no study of {title}: {said}"])

    def results_of(self, candidates: list[Candidate], n_jobs: int) -> Iterator[FoldResult]:
        """Yield results as they are finished.

        The first seconds are spent in this process: others take about as long to start, so that
        a short run is over before they were ready.
        """
        folds = range(self.comparison.n_folds)
        jobs = deque((candidate, fold) for fold in folds for candidate in candidates)
        while jobs and (n_jobs == 1 or self.progress.seconds < ALONE):
            candidate, fold = jobs.popleft()
            yield evaluate(candidate, self.problem, fold)
        if jobs:
            shared = (delayed(evaluate)(candidate, self.problem, fold) for candidate, fold in jobs)
            yield from Parallel(n_jobs=self.n_jobs, return_as="generator_unordered")(shared)

    def describe(self, result: FoldResult) -> str:
        """Return what is worth telling of a finished fold."""
        done = f"fold {result.fold + 1}/{self.comparison.n_folds}  {result.model}"
        if result.error is not None:
            return f"{done}: failed"
        column = self.comparison.columns[0]
        title = column.title if column.is_log_error else self.comparison.metric
        return f"{done}: {title} {column.shown(result.metrics['score'])}"

    def caution(self, cautions: list[str]) -> None:
        """Keep what is to be read with care, and say it now."""
        for text in cautions:
            self.comparison.cautions.append(text)
            if self.verbose:
                self.progress.say(wrap("Note: ", text))
            else:
                self.progress.clear()
                warnings.warn(text, UserWarning, stacklevel=4)


def _windows(task: str, window: Any, horizon: Any, season: Any) -> Windowing | None:
    """Return how a series is to be cut, None if the task is another."""
    if task == "series":
        return make_windowing(window, horizon, season)
    given = {"window": window, "horizon": horizon, "season": season}
    for name, value in given.items():
        if value is not None:
            raise ValueError(
                f"{name}={value!r} is for a series, but the task is {task}: give task='series' "
                "(--task series) and no target of its own, or leave it out."
            )
    return None


def _problem(
    X: Any,
    y: Any,
    task: str,
    cv: Any,
    scoring: Any,
    checked: bool,
    seed: int,
    windows: Windowing | None,
) -> Problem:
    """Check the data, the folds and the score."""
    if windows is not None:
        times = times_of(X)
        X, y = cut(X, windows, cv)
        times = times if times is None else times[-len(y) :]
        splits = forward_splits(cv, X, windows.gap)
    else:
        times = None
        check_consistent_length(X, y)
        y = check_target(y, task)
        X = X if checked else check_features(X)
        splits = make_splits(cv, X, y, task, seed)
    return Problem(X, y, task, splits, scoring_of(scoring, task), seed, windows, times=times)


def _call(asked: dict[str, Any], seed: int) -> str:
    """Write the call that was made."""
    data = ("series",) if asked["task"] == "series" else ("X", "y")
    arguments = {"models": asked.pop("models"), **dict.fromkeys(data), **asked}
    arguments["random_state"] = seed
    shown = [
        key if key in data else " ".join(f"{key}={value!r}".split())
        for key, value in arguments.items()
        if value is not None or key in data
    ]
    shown[0] = shown[0].removeprefix("models=")
    return f"compare({', '.join(shown)})"


def _sampled_grids(comparison: Comparison) -> str:
    """Say which models try only a part of their grids, "" if none does."""
    parts = [
        f"{e.name} {e.n_settings} of {e.n_offered}"
        for e in comparison.entrants
        if e.n_settings < e.n_offered
    ]
    if not parts:
        return ""
    return (
        "The budget leaves some settings untried. Each model tries the one nearest to its "
        f"own and others drawn at random: {', '.join(parts)}."
    )


def _unequal_budgets(comparison: Comparison) -> list[str]:
    """Say where a model is tuned over more settings than the baselines."""
    tuned = [e.n_settings for e in comparison.entrants if e.is_baseline and not e.is_naive]
    if not tuned:
        return []
    least = min(tuned)
    return [
        f"{e.name} is tuned over {e.n_settings} settings, a baseline only over {least}: the "
        "comparison favours it."
        for e in comparison.entrants
        if not e.is_baseline and e.n_settings > least
    ]
