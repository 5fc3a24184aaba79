"""A verdict in plain words."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from skquantum._paired import LOG_ERROR
from skquantum.comparison._rule import DecisionRule, Verdict
from skquantum.comparison._summary import duration, time_against

# What the interval shows of a model that passes the rule, "{0}" being the best baseline.
PASSES = {
    "as good": "is as good as {0}, not shown to be better",
    "not shown to be worse": "is neither shown to be as good as {0} nor to be worse",
    "worse": "is worse than {0}, by less than the limit",
    "not tested": "is not shown to be better than {0}, as no test is possible",
}
# Of a model whose mean score is too low.
FALLS_BEHIND = {
    "worse": "is worse",
    "not shown to be worse": "falls behind by more than allowed, though it is not shown to be "
    "worse",
    "not tested": "falls behind by more than allowed",
}


def worded(verdict: Verdict, rule: DecisionRule, metric: str) -> Verdict:
    """Return the verdict with its advice, and the reasons for it."""
    said = _advice(verdict)
    reasons = f"{_about_score(verdict, rule, metric)} {_about_cost(verdict, rule)}"
    return replace(verdict, advice=said, text=f"{said} {reasons}")


def headline(verdicts: Sequence[Verdict], means: Mapping[str, float]) -> str:
    """Say in one sentence what to do, for somebody who decides.

    Parameters
    ----------
    verdicts : sequence of Verdict
        On all models compared.
    means : dict of str to float
        Their mean scores.
    """
    if len(verdicts) == 1:
        return verdicts[0].advice
    by_decision = {
        decision: [verdict for verdict in verdicts if verdict.decision == decision]
        for decision in ("use", "either", "reject", "failed", "unfinished")
    }
    if good := by_decision["use"]:
        best = max(good, key=lambda verdict: means[verdict.model])
        others = len(verdicts) - 1
        return f"{best.advice.rstrip('.')}, and the best of the {others + 1} models compared."
    judged = [v for v in verdicts if v.decision in ("either", "reject")]
    if not judged:
        return f"There is no verdict on any of the {len(verdicts)} models compared."
    classical = f"Use the classical model, {judged[0].baseline}"
    if passing := by_decision["either"]:
        names = listed([verdict.model for verdict in passing])
        does = "passes the rule, but is" if len(passing) == 1 else "pass the rule, but are"
        return (
            f"{classical}, unless there is another reason: of the {len(verdicts)} models "
            f"compared, {names} {does} not shown to be better."
        )
    return f"{classical}: none of the {len(verdicts)} models compared passes the rule."


def listed(names: Sequence[str]) -> str:
    """Return names as a list in a sentence."""
    return " and ".join(filter(None, [", ".join(names[:-1]), names[-1]]))


def _advice(verdict: Verdict) -> str:
    model, baseline = verdict.model, verdict.baseline
    if verdict.decision == "use":
        return f"Use {model}: it is better than the best baseline, {baseline}."
    if verdict.decision == "either":
        return (
            f"{model} passes the rule, but {PASSES[verdict.finding].format(baseline)}: use the "
            "classical model unless there is another reason."
        )
    faults = [] if verdict.keeps_up else [FALLS_BEHIND[verdict.finding]]
    if not verdict.affordable:
        but = "is better but " if verdict.finding == "better" else ""
        faults.append(f"{but}predicts too slowly")
    return f"Use the classical model, {baseline}: {model} {' and '.join(faults)}."


def _about_score(verdict: Verdict, rule: DecisionRule, metric: str) -> str:
    if metric == LOG_ERROR:
        claim, low, high = _ratio_of_errors(verdict, rule)
        return claim + _evidence(verdict, rule, f"ratio {low} to {high}")
    model, baseline, metric = verdict.model, verdict.baseline, metric.replace("_", " ")
    size = f"{abs(verdict.difference):.3f}"
    if not verdict.keeps_up:
        size = _beside_limit(abs(verdict.difference), rule.max_score_drop, False, ".3f")
    if size == "0.000":
        claim = f"{model} and {baseline} have the same mean {metric}"
    else:
        side = "above" if verdict.difference > 0 else "below"
        claim = f"The mean {metric} of {model} is {size} {side} that of {baseline}"
    if not verdict.keeps_up:
        claim += f", more than the {rule.max_score_drop:g} allowed"
    low, high = (f"{end:+.3f}" for end in verdict.interval)
    return claim + _evidence(verdict, rule, f"difference {low} to {high}")


def _ratio_of_errors(verdict: Verdict, rule: DecisionRule) -> tuple[str, str, str]:
    """Say how errors compare, and return the ends of the interval of their ratio."""
    ratio, limit = np.exp(-verdict.difference), np.exp(rule.max_score_drop)
    model, baseline = verdict.model, verdict.baseline
    size = f"{ratio:.3g}" if verdict.keeps_up else _beside_limit(ratio, limit, False, ".3g")
    claim = f"The error (RMSE) of {model} is {size} times that of {baseline}"
    if size == "1":
        claim = f"{model} and {baseline} have the same error (RMSE)"
    if not verdict.keeps_up:
        claim += f", more than the {limit:.4g} times allowed"
    low, high = (f"{np.exp(-end):.3g}" for end in verdict.interval[::-1])
    return claim, low, high


def _evidence(verdict: Verdict, rule: DecisionRule, interval: str) -> str:
    """Say in brackets what the test found."""
    if verdict.n_folds == 1:
        return " (one fold: no test is possible)."
    if not np.isfinite(verdict.interval).all():
        return " (no spread between the folds: no test is possible)."
    p_value = "p < 0.001" if verdict.p_value < 0.001 else f"p = {verdict.p_value:.2g}"
    if verdict.n_folds == 2:
        p_value = "2 folds: hardly any evidence"
    return f" ({100 * (1 - rule.alpha):g} % interval of the {interval}, {p_value})."


def _about_cost(verdict: Verdict, rule: DecisionRule) -> str:
    taken = f"A prediction takes {duration(verdict.predict_time)} a row"
    if verdict.predict_time <= rule.latency_floor:
        return f"{taken}, within the {duration(rule.latency_floor)} that count as cheap."
    ratio = verdict.cost_ratio
    limit = "within" if verdict.affordable else "more than"
    spec = ".0f" if ratio >= 10 else ".2g"
    size = _beside_limit(ratio, rule.max_cost_ratio, verdict.affordable, spec)
    times = time_against(verdict.predict_time, verdict.predict_time / ratio)
    return (
        f"A prediction costs {size} times what it costs with {verdict.cost_baseline} "
        f"({times} a row), {limit} the {rule.max_cost_ratio:g} allowed."
    )


def _beside_limit(value: float, limit: float, within: bool, spec: str) -> str:
    """Write a number with as many digits as it takes to see on which side of a limit it is."""
    digits, kind = int(spec[1:-1]), spec[-1]
    for more in range(6):
        text = f"{value:,.{digits + more}{kind}}"
        if (float(text.replace(",", "")) <= limit) == within:
            break
    return text
