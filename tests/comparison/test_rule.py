import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from skquantum.comparison import DecisionRule
from skquantum.comparison._rule import (
    corrected_paired_test,
    decide,
    poor_idea_after_baselines,
    poor_ideas_at_first_sight,
)

BASELINE = np.array([0.90, 0.92, 0.88, 0.91, 0.89])
NOISE = np.array([0.001, -0.001, 0.002, -0.002, 0.0])


def verdict(model_scores, cost_ratio=1.0, rule=None):
    return decide(
        rule or DecisionRule(),
        model="Q",
        baseline="B",
        model_scores=model_scores,
        baseline_scores=BASELINE[: len(model_scores)],
        test_to_train=0.25,
        predict_times=(cost_ratio * 6.4e-6, 6.4e-6),
        metric="accuracy",
    )


def test_a_better_model_is_to_be_used():
    found = verdict(BASELINE + 0.03 + NOISE)
    assert found.decision == "use"
    assert found.text.startswith("Use Q: it is better than the best baseline, B.")
    assert "0.030 above" in found.text
    assert found.p_value < 0.05 < found.interval[1] + 0.05


def test_a_worse_model_is_rejected_for_the_classical_one():
    found = verdict(BASELINE - 0.05 + NOISE)
    assert found.decision == "reject"
    assert found.text.startswith("Use the classical model, B: Q scores too low.")
    assert "0.050 below that of B, more than the 0.02 allowed" in found.text
    assert "within the 1.5 allowed" in found.text


def test_a_better_model_that_costs_too_much_is_rejected():
    found = verdict(BASELINE + 0.03 + NOISE, cost_ratio=1234.5)
    assert found.decision == "reject"
    assert found.text.startswith("Use the classical model, B: Q predicts too slowly.")
    assert "costs 1,234 times what it costs with B (7.90 ms against 6.40 µs a row)" in found.text


def test_a_model_with_both_faults_hears_of_both():
    text = verdict(BASELINE - 0.05 + NOISE, cost_ratio=2).text
    assert "Q scores too low and predicts too slowly." in text


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
    assert "is not shown to be better than B" in verdict(BASELINE - 0.001 + 10 * NOISE).text


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


def test_identical_differences_are_certain():
    assert corrected_paired_test([0.0] * 5, 0.25).p_value == 1
    same = corrected_paired_test([0.1] * 5, 0.25)
    assert same.p_value == 0
    assert same.interval == pytest.approx((0.1, 0.1))


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
    if abs(found.p_value - alpha) > 1e-6 and found.interval[0] < found.interval[1]:
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
        {"alpha": 1},
        {"alpha": float("nan")},
        {"hardware_latency": 0},
    ],
)
def test_a_rule_that_cannot_be_applied(wrong):
    with pytest.raises(ValueError, match=f"{next(iter(wrong))}="):
        DecisionRule(**wrong)
