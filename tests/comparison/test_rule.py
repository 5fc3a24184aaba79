import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from skquantum._paired import SCORES_BY_ROWS, corrected_paired_test
from skquantum.comparison import DecisionRule
from skquantum.comparison._rule import (
    Rival,
    decide,
    poor_idea_after_baselines,
    poor_ideas_at_first_sight,
)
from skquantum.comparison._wording import worded

BASELINE = np.array([0.90, 0.92, 0.88, 0.91, 0.89])
NOISE = np.array([0.001, -0.001, 0.002, -0.002, 0.0])
STRICT = DecisionRule(latency_floor=0)
RANKS = {"reject": 0, "either": 1, "use": 2}


def judge(model_scores, baselines, predict_time=1e-4, rule=STRICT, metric="accuracy", n_test=1000):
    """Judge a model next to baselines, given as name to (scores, seconds a row)."""
    rivals = [
        Rival(name, float(np.mean(scores)), seconds, np.subtract(model_scores, scores))
        for name, (scores, seconds) in baselines.items()
    ]
    verdict = decide(
        rule, model="Q", predict_time=predict_time, rivals=rivals, test_to_train=0.25,
        n_test=n_test, metric=metric,
    )  # fmt: skip
    return worded(verdict, rule, metric)


def verdict(model_scores, cost_ratio=1.0, rule=STRICT, **others):
    baselines = {"B": (BASELINE[: len(model_scores)], 6.4e-6)}
    return judge(model_scores, baselines, cost_ratio * 6.4e-6, rule, **others)


def test_a_better_model_is_to_be_used():
    found = verdict(BASELINE + 0.03 + NOISE)
    assert found.decision == "use"
    assert found.text.startswith("Use Q: it is better than the best baseline, B.")
    assert "0.030 above" in found.text
    assert found.p_value < 0.05 < found.interval[1] + 0.05


def test_better_is_what_is_better_than_all_that_are_as_good_as_the_best():
    scores = BASELINE + 0.03 + NOISE
    noisy = BASELINE - 0.001 + np.resize([0.1, -0.1], len(BASELINE))
    noisy += BASELINE.mean() - 0.001 - noisy.mean()
    alone = judge(scores, {"B": (BASELINE, 1e-5)}, 1e-5)
    beside = judge(scores, {"B": (BASELINE, 1e-5), "noisy": (noisy, 1e-5)}, 1e-5)
    assert alone.decision == "use"
    assert beside.baseline == "B"
    assert beside.decision == "either"


def test_a_worse_model_is_rejected_for_the_classical_one():
    found = verdict(BASELINE - 0.05 + NOISE)
    assert found.decision == "reject"
    assert found.text.startswith("Use the classical model, B: Q is worse.")
    assert "0.050 below that of B, more than the 0.02 allowed" in found.text
    assert "within the 1.5 allowed" in found.text


def test_a_better_model_that_costs_too_much_is_rejected():
    found = verdict(BASELINE + 0.03 + NOISE, cost_ratio=1234.5)
    assert found.decision == "reject"
    assert found.text.startswith(
        "Use the classical model, B: Q is better but predicts too slowly."
    )
    assert "costs 1,234 times what it costs with B (7.90 ms against 6.40 µs a row)" in found.text


def test_a_model_with_both_faults_hears_of_both():
    text = verdict(BASELINE - 0.05 + NOISE, cost_ratio=2).text
    assert "Q is worse and predicts too slowly." in text


def test_a_model_that_only_keeps_up_leaves_the_choice_and_says_so():
    for scores in (BASELINE, BASELINE + 10 * NOISE, BASELINE - 0.01 + NOISE):
        found = verdict(scores)
        assert found.decision == "either"
        assert "use the classical model unless there is another reason" in found.text
    assert "have the same mean accuracy" in verdict(BASELINE).text


def test_a_model_that_is_shown_to_be_worse_hears_so_within_the_limit_too():
    worse = verdict(BASELINE - 0.015 + NOISE)
    assert worse.decision == "either" and worse.p_value < 0.05
    assert "passes the rule, but is worse than B, by less than the limit: use" in worse.text
    assert "is as good as B, not shown to be better" in verdict(BASELINE + 5 * NOISE).text


def test_limits_belong_to_what_is_allowed():
    assert verdict(BASELINE - 0.02).decision == "either"
    assert verdict(BASELINE, cost_ratio=1.5).decision == "either"
    assert verdict(BASELINE - 0.021).decision == "reject"
    assert verdict(BASELINE, cost_ratio=1.51).decision == "reject"


def test_digits_show_on_which_side_of_the_limit_a_number_is():
    text = verdict(BASELINE, cost_ratio=1.504).text
    assert "costs 1.504 times" in text
    assert "(9.63 against 6.40 µs a row), more than the 1.5 allowed" in text
    assert "1.51 times" in verdict(BASELINE, cost_ratio=1.51).text
    assert "0.0203 below" in verdict(BASELINE - 0.0203).text


def test_two_folds_are_hardly_any_evidence():
    found = verdict(BASELINE[:2] + [0.1, -0.3])
    assert found.interval == (-1, 1)
    assert "2 folds: hardly any evidence" in found.text
    assert "hardly any evidence" not in verdict(BASELINE[:3]).text
    almost_the_same = verdict(BASELINE[:2] + [0.1, 0.101])
    assert almost_the_same.decision == "either"
    assert almost_the_same.finding == "as good"
    assert "p <" not in almost_the_same.text


def test_one_fold_allows_no_test():
    found = verdict(BASELINE[:1] + 0.05)
    assert found.decision == "either"
    assert found.p_value == 1
    assert "no test is possible" in found.text


def test_corrected_test_against_numbers_written_out():
    # d = 1, 2, 3: mean 2, variance 1; (1/3 + 1/2) gives a standard error of sqrt(5/6).
    found = corrected_paired_test([1.0, 2.0, 3.0], 0.5)
    error = 0.9128709291752769
    assert found.difference == 2
    # With 2 degrees of freedom p = 1 - t / sqrt(2 + t^2), and t^2 = 4 / (5/6) = 4.8.
    assert found.p_value == pytest.approx(1 - (4.8 / 6.8) ** 0.5)
    # 4.302653 is the 97.5 % point of t with 2 degrees of freedom.
    assert found.interval == pytest.approx((2 - 4.302653 * error, 2 + 4.302653 * error), abs=1e-6)


@pytest.mark.parametrize("k", [2, 3, 5])
@pytest.mark.parametrize("drop", [0, 0.01, -0.01, 0.1, -0.1])
def test_without_spread_there_is_no_test(k, drop):
    found = corrected_paired_test([drop] * k, 0.25)
    assert (found.p_value, found.interval) == (1, (-np.inf, np.inf))
    said = verdict(BASELINE[:k] + drop)
    assert said.finding == "not tested"
    assert said.decision == ("reject" if drop < -0.05 else "either")
    assert "no spread between the folds: no test is possible" in said.text
    assert "p <" not in said.text and "p =" not in said.text


@pytest.mark.parametrize("metric", sorted(SCORES_BY_ROWS))
def test_folds_of_unequal_size_are_no_spread(metric):
    d = [3 / 114, 3 / 114, 3 / 113]  # three rows each
    assert not corrected_paired_test(d, 0.5, metric=metric, n_test=114).possible
    assert corrected_paired_test(d, 0.5, metric="r2", n_test=114).possible
    one_row_more = [3 / 114, 4 / 114, 3 / 114]
    assert corrected_paired_test(one_row_more, 0.5, metric=metric, n_test=114).possible


@pytest.mark.parametrize(
    ("shift", "spread", "finding", "decision"),
    [
        (0.03, 1, "better", "use"),
        (0.001, 1, "as good", "either"),
        (-0.001, 30, "not shown to be worse", "either"),
        (-0.015, 1, "worse", "either"),
        (-0.05, 1, "worse", "reject"),
        (-0.021, 10, "not shown to be worse", "reject"),
    ],
)
def test_the_words_are_those_of_the_interval(shift, spread, finding, decision):
    found = verdict(BASELINE + shift + spread * NOISE)
    assert (found.finding, found.decision) == (finding, decision)
    low, high = found.interval
    assert {
        "better": low > 0,
        "worse": high < 0,
        "as good": -0.02 <= low <= 0 <= high,
        "not shown to be worse": low < -0.02 and high >= 0,
    }[finding]
    assert ("is worse" in found.advice) == (finding == "worse")
    assert "scores too low" not in found.text


def test_what_is_below_the_limit_by_a_hair_is_not_called_worse():
    found = verdict(BASELINE - 0.021 + 10 * NOISE)
    assert found.advice == (
        "Use the classical model, B: Q falls behind by more than allowed, though it is not shown "
        "to be worse."
    )
    assert "0.021 below that of B, more than the 0.02 allowed (95 % interval" in found.text


# --- cost ---------------------------------------------------------------------------------------


def test_microseconds_do_not_count():
    found = judge(BASELINE, {"B": (BASELINE, 1e-6)}, predict_time=9e-4, rule=DecisionRule())
    assert found.decision == "either"
    assert found.cost_ratio == pytest.approx(900)
    assert "takes 900 µs a row, within the 1 ms that count as cheap" in found.text
    slow = judge(BASELINE, {"B": (BASELINE, 1e-6)}, predict_time=1.1e-3, rule=DecisionRule())
    assert slow.decision == "reject"
    assert "1,100 times what it costs with B" in slow.text
    patient = DecisionRule(latency_floor=0.01)
    assert judge(BASELINE, {"B": (BASELINE, 1e-6)}, 1.1e-3, patient).decision == "either"


def test_the_cost_is_judged_next_to_the_cheapest_baseline_that_is_as_good():
    baselines = {
        "leader": (BASELINE + 0.005, 1e-2),
        "cheap": (BASELINE, 1e-3),
        "cheaper, but worse": (BASELINE - 0.1, 1e-6),
    }
    found = judge(BASELINE, baselines, predict_time=1.4e-3)
    assert (found.baseline, found.cost_baseline) == ("leader", "cheap")
    assert found.affordable
    assert not judge(BASELINE, baselines, predict_time=1.6e-3).affordable


scores = st.lists(st.integers(0, 1000).map(lambda n: n / 1000), min_size=5, max_size=5).map(
    np.array
)
seconds = st.floats(1e-7, 1e-1)
rules = st.builds(
    DecisionRule,
    max_score_drop=st.sampled_from([0, 0.02, 0.1]),
    max_cost_ratio=st.sampled_from([1, 1.5, 10]),
    latency_floor=st.sampled_from([0, 1e-3]),
)


@given(scores, scores, scores, seconds, seconds, seconds, rules, st.floats(0, 1), st.floats(0, 1))
def test_a_better_or_cheaper_model_is_never_judged_worse(q, a, b, tq, ta, tb, rule, gain, factor):
    baselines = {"A": (a, ta), "B": (b, tb)}
    before = judge(q, baselines, tq, rule)
    for after in (judge(q + gain, baselines, tq, rule), judge(q, baselines, factor * tq, rule)):
        assert RANKS[after.decision] >= RANKS[before.decision]


@given(scores, scores, scores, st.lists(seconds, min_size=4, max_size=4), rules, st.data())
def test_baselines_that_are_as_good_as_each_other_may_change_places(q, a, c, times, rule, data):
    """Leading by .001 decides nothing: neither the score nor the cost that is asked for."""
    hair = np.array(data.draw(st.lists(st.sampled_from([0, 0.001, -0.001, 0.002]), min_size=5,
                                       max_size=5)))  # fmt: skip
    b = a + hair
    if abs(b.mean() - a.mean()) > max(rule.max_score_drop, 1e-12):
        return
    top = max(a.mean(), b.mean())
    if c.mean() > top:
        c = c - (c.mean() - top) - 0.001
    one = judge(q, {"A": (a, times[0]), "B": (b, times[1]), "C": (c, times[2])}, times[3], rule)
    other = judge(q, {"A": (b, times[0]), "B": (a, times[1]), "C": (c, times[2])}, times[3], rule)
    assert one.decision == other.decision
    assert one.cost_ratio == other.cost_ratio
    assert one.difference == pytest.approx(other.difference, abs=1e-12)


@given(scores, st.floats(-0.3, 0.3), st.integers(1, 9), rules)
def test_there_is_no_claim_without_spread(b, shift, k, rule):
    found = judge(b[:k] + shift, {"B": (b[:k], 1e-5)}, 1e-5, rule, metric="r2")
    assert found.finding == "not tested"
    assert found.decision != "use"
    assert found.p_value == 1


differences = st.lists(st.floats(-1, 1), min_size=2, max_size=12)


@given(differences, st.floats(0.05, 1))
def test_swapping_the_models_mirrors_the_test(d, ratio):
    found, mirrored = corrected_paired_test(d, ratio), corrected_paired_test(-np.array(d), ratio)
    assert mirrored.p_value == pytest.approx(found.p_value)
    assert mirrored.interval == pytest.approx((-found.interval[1], -found.interval[0]))


@given(differences, st.floats(0.05, 1))
def test_the_correction_never_makes_the_test_more_certain(d, ratio):
    corrected, plain = corrected_paired_test(d, ratio), corrected_paired_test(d, 0.0)
    assert corrected.p_value >= plain.p_value - 1e-12
    assert corrected.interval[0] <= plain.interval[0] + 1e-12


@given(differences, st.floats(0.05, 1), st.floats(0.01, 0.2))
def test_interval_and_p_value_agree(d, ratio, alpha):
    found = corrected_paired_test(d, ratio, alpha=alpha)
    if abs(found.p_value - alpha) > 1e-6 and found.possible:
        assert (found.p_value < alpha) == (found.interval[0] > 0 or found.interval[1] < 0)


def test_poor_ideas():
    rule = DecisionRule()
    assert poor_ideas_at_first_sight(1_000_000, rule) == []
    assert "1,000,001 rows" in poor_ideas_at_first_sight(1_000_001, rule)[0]
    fast = DecisionRule(hardware_latency=0.05)
    assert "within 50 ms" in poor_ideas_at_first_sight(100, fast)[0]
    assert poor_ideas_at_first_sight(100, DecisionRule(hardware_latency=0.1)) == []
    assert "0.990" in poor_idea_after_baselines("B", 0.99, "accuracy")[0]
    assert poor_idea_after_baselines("B", 0.98, "accuracy") == []
    assert poor_idea_after_baselines("B", 12.0, "a score without an upper end") == []


@pytest.mark.parametrize(
    "wrong",
    [
        {"max_score_drop": -0.1},
        {"max_cost_ratio": 0},
        {"latency_floor": -1e-3},
        {"latency_floor": float("nan")},
        {"alpha": 1},
        {"alpha": float("nan")},
        {"hardware_latency": 0},
    ],
)
def test_a_rule_that_cannot_be_applied(wrong):
    with pytest.raises(ValueError, match=f"{next(iter(wrong))}="):
        DecisionRule(**wrong)
