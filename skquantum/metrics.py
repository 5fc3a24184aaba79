"""Metrics that scikit-learn does not have."""

import numpy as np
from numpy.typing import ArrayLike
from sklearn.utils import check_array, check_consistent_length, column_or_1d

from skquantum._validation import unknown

__all__ = ["expected_calibration_error", "reliability_bins"]

STRATEGIES = ("uniform", "quantile")


def expected_calibration_error(
    y_true: ArrayLike,
    y_prob: ArrayLike,
    *,
    n_bins: int = 15,
    strategy: str = "uniform",
    labels: ArrayLike | None = None,
) -> float:
    r"""How far a classifier's confidence is from its accuracy.

    Predictions are put into bins by their confidence, the largest of their class
    probabilities. With :math:`B_m` the rows of bin `m`, the error is

    .. math:: \sum_m \frac{|B_m|}{n}\, \bigl|\mathrm{acc}(B_m) - \mathrm{conf}(B_m)\bigr|,

    the accuracy's mean distance from the mean confidence: 0 for a perfectly calibrated
    classifier, 1 for one that is always certain and always wrong.

    Parameters
    ----------
    y_true : array-like of shape (n_samples,)
        True labels.
    y_prob : array-like of shape (n_samples,) or (n_samples, n_classes)
        Predicted probabilities: of the greater of two labels, or of each label with columns in
        the sorted order of the labels, as `predict_proba` returns them.
    n_bins : int, default=15
        Number of bins.
    strategy : {"uniform", "quantile"}, default="uniform"
        Bins of the same width on [0, 1], closed on the right, or bins with the same number of
        rows (as far as ties allow).
    labels : array-like of shape (n_classes,), default=None
        The labels that `y_prob` is about. Needed only where `y_true` lacks some of them.

    Returns
    -------
    error : float
        The expected calibration error, in [0, 1]; the lower, the better.

    Raises
    ------
    ValueError
        If `y_prob` holds no probabilities, if the number of its columns and of the labels
        differ, or if `n_bins` or `strategy` is none of the above.

    References
    ----------
    C. Guo, G. Pleiss, Y. Sun and K. Q. Weinberger, "On calibration of modern neural
    networks", ICML 2017, arXiv:1706.04599.

    Examples
    --------
    Confident at 0.9 and right three times in four:

    >>> from skquantum.metrics import expected_calibration_error
    >>> round(expected_calibration_error([1, 1, 1, 0], [0.9, 0.9, 0.9, 0.9]), 6)
    0.15
    """
    confidence, accuracy, count = reliability_bins(
        y_true, y_prob, n_bins=n_bins, strategy=strategy, labels=labels
    )
    # Rounding may carry a mean a hair beyond 1.
    return float(min(np.average(np.abs(accuracy - confidence), weights=count), 1.0))


def reliability_bins(
    y_true: ArrayLike,
    y_prob: ArrayLike,
    *,
    n_bins: int = 15,
    strategy: str = "uniform",
    labels: ArrayLike | None = None,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Confidence and accuracy in bins of equal confidence: the points of a reliability diagram.

    Unlike `sklearn.calibration.calibration_curve`, which follows the probability of one class
    of two, this follows the confidence in the predicted class, for any number of classes.

    Parameters
    ----------
    y_true, y_prob, n_bins, strategy, labels
        As in `expected_calibration_error`, which is the distance of these points from the
        diagonal, weighted by `count`.

    Returns
    -------
    confidence : ndarray of shape (n_filled_bins,)
        Mean probability of the predicted class in each bin that is not empty.
    accuracy : ndarray of shape (n_filled_bins,)
        Share of right predictions in each.
    count : ndarray of shape (n_filled_bins,)
        Number of rows in each.

    Examples
    --------
    >>> from skquantum.metrics import reliability_bins
    >>> confidence, accuracy, count = reliability_bins(
    ...     ["a", "b", "b", "b"], [[0.9, 0.1], [0.9, 0.1], [0.4, 0.6], [0.4, 0.6]], n_bins=10
    ... )
    >>> confidence.tolist(), accuracy.tolist(), count.tolist()
    ([0.6, 0.9], [1.0, 0.5], [2, 2])
    """
    if not (isinstance(n_bins, int | np.integer) and n_bins >= 1):
        raise ValueError(f"n_bins={n_bins!r}: give a whole number of at least 1.")
    if strategy not in STRATEGIES:
        raise ValueError(unknown("strategy", strategy, STRATEGIES))
    confidence, correct = _top_label(y_true, y_prob, labels)
    if strategy == "uniform":
        inner_edges = np.arange(1, n_bins) / n_bins
    else:
        inner_edges = np.quantile(confidence, np.arange(1, n_bins) / n_bins)
    bins = np.searchsorted(inner_edges, confidence, side="left")  # closed on the right
    count = np.bincount(bins, minlength=n_bins)
    filled = count > 0
    count = count[filled]
    sums = [np.bincount(bins, weights=w, minlength=n_bins)[filled] for w in (confidence, correct)]
    return sums[0] / count, sums[1] / count, count


def _top_label(
    y_true: ArrayLike, y_prob: ArrayLike, labels: ArrayLike | None
) -> tuple[np.ndarray, np.ndarray]:
    """Return the confidence in the predicted label, and whether it is the true one."""
    y = column_or_1d(y_true)
    prob = check_array(y_prob, ensure_2d=False, dtype=np.float64, input_name="y_prob")
    check_consistent_length(y, prob)
    if prob.min() < 0 or prob.max() > 1:
        raise ValueError(
            f"y_prob has values from {prob.min():.4g} to {prob.max():.4g}: give probabilities "
            "between 0 and 1, not scores."
        )
    if prob.ndim == 1:
        prob = np.column_stack([1 - prob, prob])
    elif not np.allclose(prob.sum(axis=1), 1, atol=1e-3):
        raise ValueError("y_prob has rows that do not sum to 1: give one column for each class.")
    known = np.unique(y) if labels is None else np.unique(np.asarray(labels))
    if labels is None and prob.shape[1] == 2 and len(known) < 2 and set(known) <= {0, 1}:
        known = np.array([0, 1])
    if len(known) != prob.shape[1]:
        raise ValueError(
            f"y_prob is about {prob.shape[1]} classes, but there are {len(known)} labels: name "
            "all of them in labels=..., in case y_true lacks some."
        )
    if not np.isin(y, known).all():
        raise ValueError("y_true holds labels that are not in labels=....")
    predicted = prob.argmax(axis=1)
    return prob[np.arange(len(prob)), predicted], (known[predicted] == y).astype(np.float64)
