"""The paired test over folds that the verdict rests on."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy import stats

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


# Scores that move in steps of a row: a smaller spread comes from folds of unequal size only.
SCORES_BY_ROWS = UNIT_SCORES - {"roc_auc"}


@dataclass(frozen=True)
class PairedTest:
    """Result of `corrected_paired_test`."""

    difference: float
    interval: tuple[float, float]
    p_value: float
    n_folds: int

    @property
    def possible(self) -> bool:
        """Whether there were folds and spread enough for a test."""
        return bool(np.isfinite(self.interval).all())

    def says(self, what: str) -> bool:
        """Tell whether "better" or "worse" is shown; two folds show nothing."""
        low, high = self.interval
        return self.n_folds > 2 and (low > 0 if what == "better" else high < 0)


def corrected_paired_test(
    differences: ArrayLike,
    test_to_train: float,
    *,
    alpha: float = 0.05,
    metric: str = "",
    n_test: float = np.inf,
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
    metric : str, default=""
        Name of the score: scores between 0 and 1 bound the interval, and scores that count rows
        tell nothing by a spread of less than a row.
    n_test : float, default=inf
        Test rows of a fold.

    Returns
    -------
    test : PairedTest
        Mean difference, confidence interval, and two-sided p-value. With a single fold, and
        without spread between the folds, no test is possible: the interval is infinite and the
        p-value 1.

    References
    ----------
    C. Nadeau and Y. Bengio, "Inference for the generalization error", Machine Learning 52,
    239-281 (2003).

    Examples
    --------
    >>> from skquantum._paired import corrected_paired_test
    >>> round(corrected_paired_test([0.01, 0.02, 0.03], 0.5).p_value, 2)
    0.16
    """
    d = np.asarray(differences, dtype=np.float64)
    mean = float(d.mean())
    if not _varies(d, metric, n_test):
        return PairedTest(mean, (-np.inf, np.inf), 1.0, len(d))
    error = float(np.sqrt((1 / len(d) + test_to_train) * d.var(ddof=1)))
    reach = float(stats.t.ppf(1 - alpha / 2, len(d) - 1)) * error
    p_value = float(2 * stats.t.sf(abs(mean) / error, len(d) - 1))
    low, high = mean - reach, mean + reach
    if metric in UNIT_SCORES:
        low, high = max(low, -1.0), min(high, 1.0)
    return PairedTest(mean, (low, high), p_value, len(d))


def _varies(d: np.ndarray, metric: str, n_test: float) -> bool:
    """Tell whether differences spread by more than rounding, and than folds of unequal size."""
    if len(d) < 2:
        return False
    smallest = 1e-12 * max(1.0, float(np.abs(d).max()))
    if metric in SCORES_BY_ROWS:
        smallest = max(smallest, (1 - 1e-9) / n_test)
    return bool(np.ptp(d) >= smallest)
