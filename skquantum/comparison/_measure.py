"""One model on one fold: tune, fit, predict, and measure all of it."""

import os
import resource
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import cirq
import numpy as np
from sklearn.base import BaseEstimator, clone
from sklearn.calibration import CalibratedClassifierCV
from sklearn.metrics import (
    accuracy_score,
    balanced_accuracy_score,
    brier_score_loss,
    check_scoring,
    confusion_matrix,
    f1_score,
    log_loss,
    mean_absolute_error,
    mean_squared_error,
    r2_score,
    roc_auc_score,
    root_mean_squared_error,
)
from sklearn.model_selection import BaseCrossValidator, GridSearchCV
from sklearn.utils import _safe_indexing
from threadpoolctl import threadpool_limits

from skquantum._symbols import is_symbolic
from skquantum.comparison._candidates import Candidate
from skquantum.comparison._data import Splits, inner_cv
from skquantum.comparison._device import DeviceResult, DeviceTest, try_on_device
from skquantum.comparison._naive import SeasonalNaive
from skquantum.comparison._series import Windowing, neg_log_rmse
from skquantum.inspection import fitted_attribute
from skquantum.metrics import expected_calibration_error

# Prediction is repeated until its time stands above the clock's and the scheduler's noise.
MIN_REPEATS, MAX_REPEATS, ENOUGH_SECONDS = 3, 20, 0.1


@dataclass(frozen=True)
class Problem:
    """What is the same for all models: the data, the folds, and how to score."""

    X: Any
    y: np.ndarray
    task: str
    splits: Splits
    scoring: Any
    seed: int
    windows: Windowing | None = None  # of a series
    device: DeviceTest | None = None  # to try quantum models on
    times: list[str] | None = None  # of a series with dates: what each window's last step is of


@dataclass(frozen=True)
class FoldResult:
    """What one model did on one outer fold.

    Attributes
    ----------
    model : str
        Its name.
    fold : int
        Number of the fold, from 0.
    n_train, n_test : int
        Rows it learned from and was measured on.
    metrics : dict of str to float
        Score and further metrics on the test rows.
    parameters : dict of str to str
        The settings chosen by the inner folds.
    fit_time, calibration_time, search_time : float
        Seconds for one fit with those settings, for calibrating probabilities where the model
        has none, and for the inner search.
    predict_time : float
        Seconds per test row: the test fold as one batch, best of several runs.
    n_fits : int
        Fits that all this took.
    classes, y_true, probabilities : ndarray or None
        What a calibration curve is drawn from; probabilities of shape (n_test, n_classes).
    confusion : ndarray of shape (n_classes, n_classes) or None
        Test rows by true class (row) and predicted class (column).
    y_pred, test : ndarray or None
        Of a series, the forecasts; and the numbers of the test rows or windows.
    resources : dict or None
        Of a quantum model.
    circuit : str or None
        Its circuit, drawn as text.
    outline : list of list or None
        Its circuit in outline: for each moment, the gates as ``(qubits, depends_on_data)``, the
        qubits by number.
    loss_curve : list of float or None
        Training loss of each epoch, of a model that trains in epochs.
    warnings : tuple of str
        What the fits warned of.
    device : DeviceResult or None
        What it did on the device that was asked for.
    error : str or None
        Why it failed, if it did; there are no metrics then.
    seconds : float
        That all this took.
    """

    model: str
    fold: int
    n_train: int
    n_test: int
    metrics: dict[str, float] = field(default_factory=dict)
    parameters: dict[str, str] = field(default_factory=dict)
    fit_time: float = np.nan
    calibration_time: float = 0.0
    search_time: float = np.nan
    predict_time: float = np.nan
    n_fits: int = 0
    classes: np.ndarray | None = None
    y_true: np.ndarray | None = None
    probabilities: np.ndarray | None = None
    confusion: np.ndarray | None = None
    y_pred: np.ndarray | None = None
    test: np.ndarray | None = None
    resources: dict[str, Any] | None = None
    circuit: str | None = None
    outline: list[list[tuple[tuple[int, ...], bool]]] | None = None
    loss_curve: list[float] | None = None
    warnings: tuple[str, ...] = ()
    device: DeviceResult | None = None
    error: str | None = None
    seconds: float = np.nan


def evaluate(candidate: Candidate, problem: Problem, fold: int) -> FoldResult:
    """Tune, fit and measure a model on one fold; a failure is a result, too."""
    train, test = problem.splits[fold]
    known: dict[str, Any] = {
        "model": candidate.entrant.name,
        "fold": fold,
        "n_train": len(train),
        "n_test": len(test),
    }
    start = time.perf_counter()
    # What the fits warn of belongs in the report, not between the lines of progress.
    with warnings.catch_warnings(record=True) as caught, one_thread():
        warnings.simplefilter("always")
        try:
            measured = _measure(candidate, problem, train, test)
        except Exception as error:  # a model of the user's own may raise anything
            measured = {"error": f"{type(error).__name__}: {error}"}
    messages = [f"{w.category.__name__}: {w.message}" for w in caught]
    return FoldResult(
        **known,
        **measured,
        warnings=tuple(dict.fromkeys(messages)),
        seconds=time.perf_counter() - start,
    )


@contextmanager
def one_thread() -> Iterator[None]:
    """Run every model on one thread.

    Times of different models can then be compared, and small matrices are not slowed down by
    threads that wait for one another.
    """
    name = "OMP_NUM_THREADS"  # what qsim goes by; the other libraries have read it long ago
    before = os.environ.get(name)
    os.environ[name] = "1"
    try:
        with threadpool_limits(1):
            yield
    finally:
        if before is None:
            del os.environ[name]
        else:
            os.environ[name] = before


def _measure(
    candidate: Candidate, problem: Problem, train: np.ndarray, test: np.ndarray
) -> dict[str, Any]:
    X, y = problem.X, problem.y
    X_train, X_test = _safe_indexing(X, train), _safe_indexing(X, test)
    fitted, found = _tune(candidate, problem, X_train, y[train])
    circuit = fitted_attribute(fitted, "circuit_")
    found |= {
        "predict_time": _predict_time(fitted, X_test) / len(test),
        "resources": fitted_attribute(fitted, "resources_"),
        "circuit": None if circuit is None else str(circuit),
        "outline": outline(circuit) if isinstance(circuit, cirq.AbstractCircuit) else None,
        "loss_curve": fitted_attribute(fitted, "loss_curve_"),
        "y_true": y[test],
    }
    rows = (X_train, y[train]), (X_test, y[test])
    score = float(check_scoring(fitted, problem.scoring)(fitted, *rows[1]))
    if problem.device is not None and not candidate.entrant.is_baseline:
        found["device"] = try_on_device(
            problem.device, fitted, problem.scoring, problem.seed, *rows
        )
    metrics = {"classification": _classes, "regression": _numbers, "series": _forecasts}
    measured = metrics[problem.task](problem, fitted, found, *rows)
    return found | {"metrics": {"score": score, **measured}, "test": test}


def _forecasts(
    problem: Problem, fitted: BaseEstimator, found: dict[str, Any], train: Any, held_out: Any
) -> dict[str, float]:
    """Measure forecasts, next to the seasonal naive ones, and keep them."""
    X, y = held_out
    found["y_pred"] = fitted.predict(X)
    season = problem.windows.season if problem.windows else None
    naive = SeasonalNaive(season).fit(*train).predict(X)
    # Over all steps ahead at once, as the score takes it.
    mse = float(mean_squared_error(y, found["y_pred"]))
    rmse, theirs = np.sqrt(mse), np.sqrt(mean_squared_error(y, naive))
    return {
        **regression_metrics(y, found["y_pred"]),
        "neg_log_rmse": neg_log_rmse(fitted, X, y),
        "mse": mse,
        "rmse": float(rmse),
        "skill": float(1 - rmse / theirs) if theirs > 0 else np.nan,
    }


def _numbers(
    problem: Problem, fitted: BaseEstimator, found: dict[str, Any], train: Any, held_out: Any
) -> dict[str, float]:
    """Measure predicted numbers."""
    return regression_metrics(held_out[1], fitted.predict(held_out[0]))


def _classes(
    problem: Problem, fitted: BaseEstimator, found: dict[str, Any], train: Any, held_out: Any
) -> dict[str, float]:
    """Measure predicted classes and probabilities, calibrated where there are none."""
    (X, y), classes = held_out, fitted.classes_
    with_probabilities = fitted
    if not hasattr(fitted, "predict_proba"):
        start = time.perf_counter()
        inner = inner_cv(problem.task, problem.seed)
        with_probabilities = CalibratedClassifierCV(clone(fitted), ensemble=False, cv=inner)
        with_probabilities.fit(*train)
        found["calibration_time"] = time.perf_counter() - start
        found["n_fits"] += inner.get_n_splits() + 1
    probabilities = with_probabilities.predict_proba(X)
    predicted = fitted.predict(X)
    confusion = confusion_matrix(y, predicted, labels=classes)
    found |= {"classes": classes, "probabilities": probabilities, "confusion": confusion}
    return {
        **label_metrics(y, predicted),
        "false_positive_rate": false_positive_rate(confusion),
        **probability_metrics(y, probabilities, classes),
    }


def _tune(
    candidate: Candidate, problem: Problem, X: Any, y: np.ndarray
) -> tuple[BaseEstimator, dict[str, Any]]:
    """Fit with the settings that do best on the inner folds."""
    settings = candidate.settings
    start = time.perf_counter()
    if len(settings) == 1:  # nothing to choose from
        fitted = clone(candidate.estimator).set_params(**settings[0]).fit(X, y)
        fit_time, search_time, n_fits = time.perf_counter() - start, 0.0, 1
        chosen = settings[0]
    else:
        gap = problem.windows.gap if problem.windows else 0
        inner = inner_cv(problem.task, problem.seed, gap)
        search = search_of(candidate, problem.scoring, inner).fit(X, y)
        fitted, fit_time, chosen = search.best_estimator_, search.refit_time_, search.best_params_
        search_time = time.perf_counter() - start - fit_time
        n_fits = len(settings) * inner.get_n_splits() + 1
    season = fitted_attribute(fitted, "season_")
    return fitted, {
        "fit_time": fit_time,
        "search_time": search_time,
        "n_fits": n_fits,
        "parameters": candidate.shown(chosen)
        | ({} if season is None else {"season_": str(season)}),
    }


def search_of(candidate: Candidate, scoring: Any, inner: BaseCrossValidator) -> GridSearchCV:
    """Return the search among a candidate's settings."""
    settings = [{key: [value] for key, value in setting.items()} for setting in candidate.settings]
    return GridSearchCV(
        candidate.estimator, settings, scoring=scoring, cv=inner, error_score="raise"
    )


def _predict_time(fitted: BaseEstimator, X: Any) -> float:
    """Return the seconds of `predict` on the whole batch, the best of several runs.

    What is slower than the best is due to whatever else the machine was doing.
    """
    times: list[float] = []
    while len(times) < MIN_REPEATS or (len(times) < MAX_REPEATS and sum(times) < ENOUGH_SECONDS):
        times.append(_seconds(lambda: fitted.predict(X)))
    return min(times)


def _seconds(call: Callable[[], Any]) -> float:
    """Return how long a call takes, but for the time that the machine gave to other processes.

    What never waited, for a device or a thread of its own, took the processor's time; the rest of
    the clock's belongs to whoever had the processor meanwhile.
    """
    waits = resource.getrusage(resource.RUSAGE_SELF).ru_nvcsw
    clock, processor = time.perf_counter(), time.process_time()
    call()
    clock, processor = time.perf_counter() - clock, time.process_time() - processor
    waited = resource.getrusage(resource.RUSAGE_SELF).ru_nvcsw > waits
    return clock if waited else min(clock, processor)


def label_metrics(y_true: np.ndarray, y_pred: np.ndarray) -> dict[str, float]:
    return {
        "accuracy": accuracy_score(y_true, y_pred),
        "balanced_accuracy": balanced_accuracy_score(y_true, y_pred),
        "f1_macro": f1_score(y_true, y_pred, average="macro"),
    }


def probability_metrics(
    y_true: np.ndarray, probabilities: np.ndarray, classes: np.ndarray
) -> dict[str, float]:
    has_all = len(np.unique(y_true)) == len(classes)
    if not has_all:  # the area is not defined for a class without test rows
        area = np.nan
    elif len(classes) == 2:
        area = roc_auc_score(y_true == classes[1], probabilities[:, 1])
    else:
        area = roc_auc_score(y_true, probabilities, multi_class="ovr", labels=classes)
    return {
        "roc_auc": float(area),
        "brier": float(brier_score_loss(y_true, probabilities, labels=classes)),
        "ece": expected_calibration_error(y_true, probabilities, labels=classes),
        "log_loss": float(log_loss(y_true, probabilities, labels=classes)),
    }


def regression_metrics(y_true: np.ndarray, y_pred: np.ndarray) -> dict[str, float]:
    return {
        "r2": float(r2_score(y_true, y_pred)),
        "rmse": float(root_mean_squared_error(y_true, y_pred)),
        "mae": float(mean_absolute_error(y_true, y_pred)),
    }


def false_positive_rate(confusion: np.ndarray) -> float:
    """Return the share of rows that are not of a class, but taken for it.

    Of two classes, the second one counts, as in scikit-learn; of more, the mean over all classes
    that have other rows.

    Parameters
    ----------
    confusion : ndarray of shape (n_classes, n_classes)
        Rows by true class (row) and predicted class (column).
    """
    others = confusion.sum() - confusion.sum(axis=1)
    taken = confusion.sum(axis=0) - np.diag(confusion)
    rates = np.divide(taken, others, out=np.full(len(others), np.nan), where=others > 0)
    if len(rates) == 2:
        return float(rates[1])
    return float(np.nanmean(rates)) if np.isfinite(rates).any() else float("nan")


def outline(circuit: cirq.AbstractCircuit) -> list[list[tuple[tuple[int, ...], bool]]]:
    """Return a circuit in outline, moment by moment."""
    number = {qubit: i for i, qubit in enumerate(sorted(circuit.all_qubits()))}
    return [
        [(tuple(number[q] for q in op.qubits), is_symbolic(op)) for op in moment]
        for moment in circuit
    ]
