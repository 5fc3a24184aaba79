import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from skquantum.metrics import expected_calibration_error, reliability_bins

STRATEGIES = ("uniform", "quantile")


@st.composite
def predictions(draw):
    """Labels and probabilities of 2 to 4 classes, every class there."""
    n_classes = draw(st.integers(2, 4))
    n = draw(st.integers(n_classes, 40))
    weights = draw(arrays(np.float64, (n, n_classes), elements=st.floats(0.01, 1)))
    labels = draw(arrays(np.int64, n, elements=st.integers(0, n_classes - 1)))
    labels[:n_classes] = np.arange(n_classes)
    return labels, weights / weights.sum(axis=1, keepdims=True)


@given(predictions(), st.integers(1, 30), st.sampled_from(STRATEGIES))
def test_is_between_0_and_1(sample, n_bins, strategy):
    y, prob = sample
    assert 0 <= expected_calibration_error(y, prob, n_bins=n_bins, strategy=strategy) <= 1


@given(predictions(), st.sampled_from(STRATEGIES), st.randoms(use_true_random=False))
def test_the_order_of_rows_does_not_matter(sample, strategy, random):
    y, prob = sample
    order = list(range(len(y)))
    random.shuffle(order)
    shuffled = expected_calibration_error(y[order], prob[order], strategy=strategy)
    assert shuffled == pytest.approx(expected_calibration_error(y, prob, strategy=strategy))


@given(predictions())
def test_one_bin_leaves_the_distance_of_the_means(sample):
    y, prob = sample
    accuracy = np.mean(prob.argmax(axis=1) == y)
    error = expected_calibration_error(y, prob, n_bins=1)
    assert error == pytest.approx(abs(accuracy - prob.max(axis=1).mean()))


@given(predictions(), st.integers(1, 30), st.sampled_from(STRATEGIES))
def test_bins_hold_every_row_once(sample, n_bins, strategy):
    y, prob = sample
    confidence, accuracy, count = reliability_bins(y, prob, n_bins=n_bins, strategy=strategy)
    assert count.sum() == len(y)
    assert len(count) <= n_bins
    assert np.all(np.diff(confidence) > 0)
    assert (count * accuracy).sum() == pytest.approx(np.sum(prob.argmax(axis=1) == y))


@given(predictions(), st.sampled_from(STRATEGIES))
def test_the_names_of_labels_do_not_matter(sample, strategy):
    y, prob = sample
    names = np.array(["a", "b", "c", "d"])[y]
    assert expected_calibration_error(names, prob, strategy=strategy) == (
        expected_calibration_error(y, prob, strategy=strategy)
    )


@given(st.integers(1, 9), st.integers(1, 5), st.sampled_from(STRATEGIES))
def test_perfect_calibration_has_no_error(tenths, repeats, strategy):
    """Of rows predicted with p = k/10, k in 10 are positive."""
    y = np.tile(np.arange(10) < tenths, repeats).astype(int)
    prob = np.full(len(y), tenths / 10)
    error = expected_calibration_error(y, prob, strategy=strategy)
    assert error == pytest.approx(0, abs=1e-12)


def test_certain_and_right_is_0_certain_and_wrong_is_1():
    assert expected_calibration_error([0, 1, 1], [0.0, 1.0, 1.0]) == 0
    assert expected_calibration_error([1, 0, 0], [0.0, 1.0, 1.0]) == 1


def test_against_a_sum_written_out():
    # Confidences .95 .85 .85 .55; right, right, wrong, wrong; ten bins.
    prob = [0.95, 0.15, 0.85, 0.55]
    by_hand = 0.25 * abs(1 - 0.95) + 0.5 * abs(0.5 - 0.85) + 0.25 * abs(0 - 0.55)
    assert expected_calibration_error([1, 0, 0, 0], prob, n_bins=10) == pytest.approx(by_hand)


@given(st.integers(2, 12), st.data())
def test_bins_are_closed_on_the_right(n_bins, data):
    """A confidence on an edge belongs to the bin below, the next number above to the next bin."""
    k = data.draw(st.integers((n_bins + 1) // 2, n_bins - 1))
    edge = k / n_bins
    prob = [edge, np.nextafter(edge, 1), (k - 0.5) / n_bins, (k + 0.5) / n_bins]
    prob = np.array([prob, 1 - np.array(prob)]).T
    prob = prob[prob.max(axis=1) == prob[:, 0]]  # near one half the other label is predicted
    below = prob[:, 0] <= edge
    _, _, count = reliability_bins(["a"] * len(prob), prob, n_bins=n_bins, labels=["a", "b"])
    assert count.tolist() == [n for n in (below.sum(), (~below).sum()) if n]


def test_quantile_bins_are_closed_on_the_right():
    # The median is one of the confidences, and belongs to the lower bin.
    _, _, count = reliability_bins([1, 1, 1], [0.6, 0.7, 0.9], n_bins=2, strategy="quantile")
    assert count.tolist() == [2, 1]


def test_a_vector_of_probabilities_is_about_the_greater_label():
    y, prob = np.array(["no", "yes", "yes"]), np.array([0.3, 0.9, 0.4])
    both = np.column_stack([1 - prob, prob])
    assert expected_calibration_error(y, prob) == expected_calibration_error(y, both)


def test_labels_that_the_rows_lack_can_be_named():
    prob = [[0.8, 0.1, 0.1], [0.2, 0.7, 0.1]]
    with pytest.raises(ValueError, match="about 3 classes, but there are 2 labels"):
        expected_calibration_error(["a", "b"], prob)
    error = expected_calibration_error(["a", "b"], prob, labels=["a", "b", "c"])
    assert error == pytest.approx(0.25)


@pytest.mark.parametrize(
    ("y", "prob", "options", "message"),
    [
        ([0, 1], [0.1, 1.2], {}, "from 0.1 to 1.2"),
        ([0, 1], [[0.5, 0.4], [0.5, 0.5]], {}, "do not sum to 1"),
        ([0, 1], [0.1, np.nan], {}, "NaN"),
        ([0, 1, 1], [0.1, 0.2], {}, "inconsistent numbers of samples"),
        ([0, 1], [0.1, 0.2], {"n_bins": 0}, "n_bins=0"),
        ([0, 1], [0.1, 0.2], {"strategy": "kmeans"}, "Choose from 'uniform', 'quantile'"),
        ([0, 7], [0.1, 0.2], {"labels": [0, 1]}, "not in labels"),
        (["b", "b"], [0.1, 0.2], {}, "name all of them"),
    ],
)
def test_bad_input(y, prob, options, message):
    with pytest.raises(ValueError, match=message):
        expected_calibration_error(y, prob, **options)
