"""The decision rule, and what it decides of a model next to the baselines."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from skquantum._paired import UNIT_SCORES, PairedTest, corrected_paired_test
from skquantum.comparison._summary import duration

# Why a quantum model would be a poor idea, whatever the folds say.
NO_ROOM_ABOVE = 0.98
TOO_MANY_ROWS = 1_000_000
HARDWARE_LATENCY = 0.1  # seconds


@dataclass(frozen=True, kw_only=True)
class DecisionRule:
    """What a model must achieve to be chosen over the best baseline; fixed before the run.

    A model passes if its mean score is at most `max_score_drop` below the best baseline's and
    its prediction is affordable: at most `max_cost_ratio` times as slow as with the cheapest
    baseline that is itself within `max_score_drop` of the best, or no slower than
    `latency_floor`, below which nobody would notice. Of a model that passes, a corrected paired
    test over the folds then says whether it is better than all these baselines.

    Parameters
    ----------
    max_score_drop : float, default=0.02
        Largest tolerated drop of the mean score below the best baseline's, in the score's own
        unit (0.02 of accuracy is 2 percentage points; of a series' default score it is 2 % of
        error).
    max_cost_ratio : float, default=1.5
        Largest tolerated prediction time per row, relative to that of the cheapest baseline that
        is as good as the best: within `max_score_drop` of it.
    latency_floor : float, default=0.001
        Seconds per row up to which a prediction is affordable whatever a baseline takes; 0 lets
        the ratio alone count.
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
    costs at most 3 times as much as with the cheapest baseline that is itself within 0.02 of the
    best, or takes no longer than 1 ms a row; it is better if a corrected paired t-test says so at
    the 0.05 level.
    """

    max_score_drop: float = 0.02
    max_cost_ratio: float = 1.5
    latency_floor: float = 0.001
    alpha: float = 0.05
    hardware_latency: float | None = None

    def __post_init__(self) -> None:
        if not self.max_score_drop >= 0:
            raise ValueError(f"max_score_drop={self.max_score_drop!r}: give 0 or more.")
        if not self.max_cost_ratio > 0:
            raise ValueError(f"max_cost_ratio={self.max_cost_ratio!r}: give more than 0.")
        if not self.latency_floor >= 0:
            raise ValueError(
                f"latency_floor={self.latency_floor!r}: give seconds per row, 0 or more."
            )
        if not 0 < self.alpha < 1:
            raise ValueError(f"alpha={self.alpha!r}: give a level between 0 and 1.")
        if self.hardware_latency is not None and not self.hardware_latency > 0:
            raise ValueError(
                f"hardware_latency={self.hardware_latency!r}: give seconds above 0, or None."
            )

    def __str__(self) -> str:
        cheap = f", or takes no longer than {duration(self.latency_floor)} a row"
        return (
            f"A model passes if its mean score is at most {self.max_score_drop:g} below the best "
            f"baseline's and its prediction costs at most {self.max_cost_ratio:g} times as much "
            f"as with the cheapest baseline that is itself within {self.max_score_drop:g} of the "
            f"best{cheap if self.latency_floor else ''}; it is better if a corrected paired "
            f"t-test says so at the {self.alpha:g} level."
        )


@dataclass(frozen=True)
class Verdict:
    """What the rule says about one model.

    Attributes
    ----------
    model, baseline : str
        The model, and the baseline with the best mean score.
    decision : {"use", "either", "reject", "failed", "unfinished"}
        The model passes and is better; it passes but is not shown to be; it does not pass; there
        is nothing to judge.
    finding : {"better", "as good", "not shown to be worse", "worse", "not tested"}
        What the interval says of the model next to the baseline. Better and worse: it lies on one
        side of 0. As good: it reaches no further below 0 than the rule allows. Not shown to be
        worse: it does, but holds 0. Not tested: one fold, or folds without spread.
    difference : float
        Mean score minus the baseline's.
    interval : tuple of (float, float)
        Confidence interval of the difference.
    p_value : float
        Of the corrected paired t-test; 1 where none is possible.
    n_folds : int
        Folds that both have finished.
    keeps_up, affordable : bool
        Whether the mean score, and the cost of a prediction, are what the rule asks for.
    predict_time : float
        Seconds per row.
    cost_baseline : str
        The cheapest baseline that is as good as the best.
    cost_ratio : float
        Prediction time per row relative to that baseline's.
    advice : str
        What to do, in one sentence.
    text : str
        The same, with the reasons.
    """

    model: str
    baseline: str
    decision: str
    finding: str = "not tested"
    difference: float = np.nan
    interval: tuple[float, float] = (np.nan, np.nan)
    p_value: float = np.nan
    n_folds: int = 0
    keeps_up: bool = False
    affordable: bool = False
    predict_time: float = np.nan
    cost_baseline: str = ""
    cost_ratio: float = np.nan
    advice: str = ""
    text: str = ""


@dataclass(frozen=True)
class Rival:
    """A baseline next to the model that is judged.

    Attributes
    ----------
    name : str
    mean : float
        Mean score over all its folds.
    predict_time : float
        Seconds per row.
    differences : ndarray of shape (n_folds,)
        Scores of the model minus its own, on the folds that both have finished.
    """

    name: str
    mean: float
    predict_time: float
    differences: np.ndarray


def best_of(rivals: Sequence[Rival]) -> Rival:
    """Return the baseline with the best mean, of several with the same the cheapest."""
    return max(rivals, key=lambda rival: (round(rival.mean, 9), -rival.predict_time))


def decide(
    rule: DecisionRule,
    *,
    model: str,
    predict_time: float,
    rivals: Sequence[Rival],
    test_to_train: float,
    n_test: float,
    metric: str,
) -> Verdict:
    """Apply the rule to a model next to the baselines.

    It doesn't matter which of several baselines that are as good as one another leads by a hair:
    the cost is judged next to the cheapest of them, and better is what is better than all.

    Parameters
    ----------
    rule : DecisionRule
    model : str
        Its name.
    predict_time : float
        Seconds per row.
    rivals : sequence of Rival
        The baselines, one at least.
    test_to_train : float
        Test rows for each training row.
    n_test : float
        Test rows of a fold.
    metric : str
        Name of the score.
    """
    best = best_of(rivals)
    # A drop of exactly the limit must not fail by rounding.
    limit = rule.max_score_drop + 1e-12
    as_good = [rival for rival in rivals if rival.mean >= best.mean - limit]
    cheapest = min(as_good, key=lambda rival: rival.predict_time)

    def test(rival: Rival) -> PairedTest:
        return corrected_paired_test(
            rival.differences, test_to_train, alpha=rule.alpha, metric=metric, n_test=n_test
        )

    found = test(best)
    ratio = predict_time / cheapest.predict_time
    affordable = ratio <= rule.max_cost_ratio or predict_time <= rule.latency_floor
    keeps_up = found.difference >= -limit
    better = all(test(rival).says("better") for rival in as_good)
    passes = keeps_up and affordable
    return Verdict(
        model=model,
        baseline=best.name,
        decision="reject" if not passes else "use" if better else "either",
        finding=_finding(found, limit, better),
        difference=found.difference,
        interval=found.interval,
        p_value=found.p_value,
        n_folds=found.n_folds,
        keeps_up=keeps_up,
        affordable=affordable,
        predict_time=predict_time,
        cost_baseline=cheapest.name,
        cost_ratio=ratio,
    )


def _finding(test: PairedTest, limit: float, better: bool) -> str:
    """Say what the interval of the difference from the best baseline shows."""
    if not test.possible:
        return "not tested"
    if better:
        return "better"
    if test.says("worse"):
        return "worse"
    return "as good" if test.interval[0] >= -limit else "not shown to be worse"


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
