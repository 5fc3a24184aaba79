"""The decision rule, the test behind it, and the verdict in plain words."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike
from scipy import stats

from skquantum.comparison._summary import time_against

# Why a quantum model would be a poor idea, whatever the folds say.
NO_ROOM_ABOVE = 0.98
TOO_MANY_ROWS = 1_000_000
HARDWARE_LATENCY = 0.1  # seconds
# The score of forecasts: its differences are logarithms of ratios of errors.
LOG_ERROR = "neg_log_rmse"
# Scores that lie between 0 and 1, so that differences lie between -1 and 1.
UNIT_SCORES = {
    "accuracy",
    "balanced_accuracy",
    "f1",
    "f1_macro",
    "f1_micro",
    "f1_weighted",
    "precision",
    "recall",
    "roc_auc",
}


@dataclass(frozen=True, kw_only=True)
class DecisionRule:
    """What a model must achieve to be chosen over the best baseline; fixed before the run.

    A model passes if its mean score is at most `max_score_drop` below the best baseline's and
    its prediction costs at most `max_cost_ratio` times as much. Of a model that passes, a
    corrected paired test over the folds then says whether it is better, or only as good.

    Parameters
    ----------
    max_score_drop : float, default=0.02
        Largest tolerated drop of the mean score below the best baseline's, in the score's own
        unit (0.02 of accuracy is 2 percentage points; of a series' default score it is 2 % of
        error).
    max_cost_ratio : float, default=1.5
        Largest tolerated prediction time per sample, relative to the best baseline's.
    alpha : float, default=0.05
        Level of the test; its confidence interval covers ``1 - alpha``.
    hardware_latency : float or None, default=None
        Seconds within which one prediction must be answered by quantum hardware, if that is
        the plan. It does not enter the verdict, but gets a warning below 0.1 s.

    Examples
    --------
    >>> from skquantum import DecisionRule
    >>> print(DecisionRule(max_cost_ratio=3))
    A model passes if its mean score is at most 0.02 below the best baseline's and its prediction
    costs at most 3 times as much; it is better if a corrected paired t-test says so at the 0.05
    level.
    """

    max_score_drop: float = 0.02
    max_cost_ratio: float = 1.5
    alpha: float = 0.05
    hardware_latency: float | None = None

    def __post_init__(self) -> None:
        if not self.max_score_drop >= 0:
            raise ValueError(f"max_score_drop={self.max_score_drop!r}: give 0 or more.")
        if not self.max_cost_ratio > 0:
            raise ValueError(f"max_cost_ratio={self.max_cost_ratio!r}: give more than 0.")
        if not 0 < self.alpha < 1:
            raise ValueError(f"alpha={self.alpha!r}: give a level between 0 and 1.")
        if self.hardware_latency is not None and not self.hardware_latency > 0:
            raise ValueError(
                f"hardware_latency={self.hardware_latency!r}: give seconds above 0, or None."
            )

    def __str__(self) -> str:
        return (
            f"A model passes if its mean score is at most {self.max_score_drop:g} below the best "
            f"baseline's and its prediction costs at most {self.max_cost_ratio:g} times as much; "
            "it is better if a corrected paired t-test says so at the "
            f"{self.alpha:g} level."
        )


@dataclass(frozen=True)
class PairedTest:
    """Result of `corrected_paired_test`."""

    difference: float
    interval: tuple[float, float]
    p_value: float


def corrected_paired_test(
    differences: ArrayLike, test_to_train: float, *, alpha: float = 0.05
) -> PairedTest:
    """Test paired score differences over folds, whose training sets overlap.

    The variance over folds is scaled by ``1/k + n_test/n_train`` instead of ``1/k``: scores of
    folds that share training rows are correlated, and the plain t-test finds far too many
    differences.

    Parameters
    ----------
    differences : array-like of shape (k,)
        Score differences, one for each fold.
    test_to_train : float
        Test rows for each training row (0.25 for five folds).
    alpha : float, default=0.05
        The interval covers ``1 - alpha``.

    Returns
    -------
    test : PairedTest
        Mean difference, confidence interval, and two-sided p-value. With a single fold the
        interval is infinite and the p-value 1.

    References
    ----------
    C. Nadeau and Y. Bengio, "Inference for the generalization error", Machine Learning 52,
    239-281 (2003).

    Examples
    --------
    >>> from skquantum.comparison._rule import corrected_paired_test
    >>> round(corrected_paired_test([0.01, 0.02, 0.03], 0.5).p_value, 2)
    0.16
    """
    d = np.asarray(differences, dtype=np.float64)
    mean = float(d.mean())
    if len(d) < 2:
        return PairedTest(mean, (-np.inf, np.inf), 1.0)
    error = float(np.sqrt((1 / len(d) + test_to_train) * d.var(ddof=1)))
    # Identical differences in all folds leave an error of rounding's size only.
    if error <= 1e-12 * max(1.0, abs(mean)):
        return PairedTest(mean, (mean, mean), 1.0 if abs(mean) < 1e-12 else 0.0)
    reach = float(stats.t.ppf(1 - alpha / 2, len(d) - 1)) * error
    p_value = float(2 * stats.t.sf(abs(mean) / error, len(d) - 1))
    return PairedTest(mean, (mean - reach, mean + reach), p_value)


@dataclass(frozen=True)
class Verdict:
    """What the rule says about one model.

    Attributes
    ----------
    model, baseline : str
        The model, and the baseline with the best mean score.
    decision : {"use", "either", "reject"}
        The model passes and is better; it passes but is not better; it does not pass.
    difference : float
        Mean score minus the baseline's.
    interval : tuple of (float, float)
        Confidence interval of the difference.
    p_value : float
        Of the corrected paired t-test.
    cost_ratio : float
        Prediction time per sample relative to the baseline's.
    text : str
        All that in plain words.
    """

    model: str
    baseline: str
    decision: str
    difference: float
    interval: tuple[float, float]
    p_value: float
    cost_ratio: float
    text: str


def decide(
    rule: DecisionRule,
    *,
    model: str,
    baseline: str,
    model_scores: ArrayLike,
    baseline_scores: ArrayLike,
    test_to_train: float,
    predict_times: tuple[float, float],
    metric: str,
) -> Verdict:
    """Apply the rule to the scores of a model and of the best baseline on the same folds.

    Prediction times are seconds for each row, the model's first.
    """
    differences = np.asarray(model_scores, dtype=np.float64) - np.asarray(baseline_scores)
    test = corrected_paired_test(differences, test_to_train, alpha=rule.alpha)
    if metric.replace(" ", "_") in UNIT_SCORES and np.isfinite(test.interval).all():
        low, high = np.clip(test.interval, -1.0, 1.0)
        test = replace(test, interval=(float(low), float(high)))
    cost_ratio = predict_times[0] / predict_times[1]
    # A drop of exactly the limit must not fail by rounding.
    keeps_up = test.difference >= -rule.max_score_drop - 1e-12
    affordable = cost_ratio <= rule.max_cost_ratio
    differs = test.p_value < rule.alpha
    better, worse = differs and test.difference > 0, differs and test.difference < 0
    passes = keeps_up and affordable
    decision = "reject" if not passes else "use" if better else "either"
    return Verdict(
        model=model,
        baseline=baseline,
        decision=decision,
        difference=test.difference,
        interval=test.interval,
        p_value=test.p_value,
        cost_ratio=cost_ratio,
        text=" ".join(
            [
                _advice(decision, model, baseline, keeps_up, affordable, worse),
                _about_score(rule, model, baseline, metric, test, keeps_up, len(differences)),
                _about_cost(rule, baseline, predict_times, affordable),
            ]
        ),
    )


def _advice(
    decision: str, model: str, baseline: str, keeps_up: bool, affordable: bool, worse: bool
) -> str:
    if decision == "use":
        return f"Use {model}: it is better than the best baseline, {baseline}."
    if decision == "either":
        finding = f"is not shown to be better than {baseline}"
        if worse:
            finding = f"is worse than {baseline}, by less than the limit"
        return (
            f"{model} passes the rule, but {finding}: use the classical model unless there is "
            "another reason."
        )
    faults = [] if keeps_up else ["scores too low"]
    faults += [] if affordable else ["predicts too slowly"]
    return f"Use the classical model, {baseline}: {model} {' and '.join(faults)}."


def _about_score(
    rule: DecisionRule,
    model: str,
    baseline: str,
    metric: str,
    test: PairedTest,
    keeps_up: bool,
    n_folds: int,
) -> str:
    if metric.replace(" ", "_") == LOG_ERROR:
        claim, low, high = _ratio_of_errors(rule, model, baseline, test, keeps_up)
        return claim + _evidence(rule, test, f"ratio {low} to {high}", n_folds)
    size = f"{abs(test.difference):.3f}"
    if not keeps_up:
        size = _beside_limit(abs(test.difference), rule.max_score_drop, False, ".3f")
    if size == "0.000":
        claim = f"{model} and {baseline} have the same mean {metric}"
    else:
        side = "above" if test.difference > 0 else "below"
        claim = f"The mean {metric} of {model} is {size} {side} that of {baseline}"
    if not keeps_up:
        claim += f", more than the {rule.max_score_drop:g} allowed"
    low, high = (f"{end:+.3f}" for end in test.interval)
    return claim + _evidence(rule, test, f"difference {low} to {high}", n_folds)


def _ratio_of_errors(
    rule: DecisionRule, model: str, baseline: str, test: PairedTest, keeps_up: bool
) -> tuple[str, str, str]:
    """Say how errors compare, and return the ends of the interval of their ratio."""
    ratio, limit = np.exp(-test.difference), np.exp(rule.max_score_drop)
    size = f"{ratio:.3g}" if keeps_up else _beside_limit(ratio, limit, False, ".3g")
    claim = f"The error (RMSE) of {model} is {size} times that of {baseline}"
    if size == "1":
        claim = f"{model} and {baseline} have the same error (RMSE)"
    if not keeps_up:
        claim += f", more than the {limit:.4g} times allowed"
    low, high = (f"{np.exp(-end):.3g}" for end in test.interval[::-1])
    return claim, low, high


def _evidence(rule: DecisionRule, test: PairedTest, interval: str, n_folds: int) -> str:
    """Say in brackets what the test found."""
    if not np.isfinite(test.interval[0]):
        return " (one fold: no test is possible)."
    p_value = "p < 0.001" if test.p_value < 0.001 else f"p = {test.p_value:.2g}"
    if n_folds == 2:
        p_value += "; 2 folds: hardly any evidence"
    return f" ({100 * (1 - rule.alpha):g} % interval of the {interval}, {p_value})."


def _beside_limit(value: float, limit: float, within: bool, spec: str) -> str:
    """Write a number with as many digits as it takes to see on which side of a limit it is."""
    digits, kind = int(spec[1:-1]), spec[-1]
    for more in range(6):
        text = f"{value:,.{digits + more}{kind}}"
        if (float(text.replace(",", "")) <= limit) == within:
            break
    return text


def _about_cost(
    rule: DecisionRule, baseline: str, times: tuple[float, float], affordable: bool
) -> str:
    ratio = times[0] / times[1]
    limit = f"{'within' if affordable else 'more than'} the {rule.max_cost_ratio:g} allowed"
    spec = ".0f" if ratio >= 10 else ".2g"
    size = _beside_limit(ratio, rule.max_cost_ratio, affordable, spec)
    return (
        f"A prediction costs {size} times what it costs with {baseline} "
        f"({time_against(*times)} a row), {limit}."
    )


def poor_ideas_at_first_sight(n_samples: int, rule: DecisionRule) -> list[str]:
    """Warnings that need no run."""
    found = []
    if n_samples > TOO_MANY_ROWS:
        found.append(
            f"The data have {n_samples:,} rows. Quantum models pay, if at all, on small data: "
            "above a million rows use a classical model, or compare on a subsample."
        )
    if rule.hardware_latency is not None and rule.hardware_latency < HARDWARE_LATENCY:
        found.append(
            f"An answer within {1000 * rule.hardware_latency:g} ms is asked for on hardware. "
            "Queues and repeated measurements take longer than 100 ms: use a classical model."
        )
    return found


def poor_idea_after_baselines(baseline: str, score: float, metric: str) -> list[str]:
    """Warning that the baselines' scores give, before any quantum model has run."""
    if metric not in UNIT_SCORES | {"r2"} or not score > NO_ROOM_ABOVE:
        return []
    return [
        f"The best baseline, {baseline}, already has a mean {metric} of {score:.3f}. Above "
        f"{NO_ROOM_ABOVE:g} there is hardly anything left for a quantum model to gain."
    ]
