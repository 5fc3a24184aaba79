"""Support vector machines on a kernel matrix, and probabilities from their decision values."""

from __future__ import annotations

from typing import TypeVar

import numpy as np
from scipy.special import expit
from sklearn.calibration import _SigmoidCalibration
from sklearn.model_selection import BaseCrossValidator
from sklearn.svm import SVC, SVR

Machine = TypeVar("Machine", SVC, SVR)


def fit_machine(
    machine: Machine, matrix: np.ndarray, y: np.ndarray, weight: np.ndarray
) -> Machine:
    """Fit one of scikit-learn's support vector machines as a part of a model, not as a model.

    Tools that log what a user fits put their own `fit` on scikit-learn's public classes, and would
    take this machine for the user's model. The same `fit` is reached past the class, where it is
    inherited from.
    """
    return super(type(machine), machine).fit(matrix, y, sample_weight=weight)


def fit_sigmoids(
    machine: SVC,
    matrix: np.ndarray,
    labels: np.ndarray,
    weight: np.ndarray,
    folds: BaseCrossValidator,
) -> np.ndarray:
    """Fit a sigmoid of held-out decision values for each class, one in all for two classes.

    What :class:`sklearn.calibration.CalibratedClassifierCV` does with ``ensemble=False``, on a
    kernel matrix that is there already.

    Returns
    -------
    ndarray of shape (n_sigmoids, 2)
        Slopes and offsets, of ``1 / (1 + exp(slope * decision + offset))``.
    """
    classes = np.unique(labels)
    decisions = np.empty((len(labels), 1 if len(classes) == 2 else len(classes)))
    for train, test in folds.split(matrix, labels):
        square = matrix[np.ix_(train, train)]
        fold = fit_machine(SVC(**machine.get_params()), square, labels[train], weight[train])
        held_out = fold.decision_function(matrix[np.ix_(test, train)])
        decisions[test] = held_out.reshape(len(test), -1)
    positive = classes[1:] if len(classes) == 2 else classes
    fits = [
        _SigmoidCalibration().fit(column, (labels == label).astype(int), weight)
        for column, label in zip(decisions.T, positive, strict=True)
    ]
    return np.array([[fit.a_, fit.b_] for fit in fits])


def probabilities(decisions: np.ndarray, sigmoids: np.ndarray) -> np.ndarray:
    """Return probabilities of the classes, shape (n_rows, n_classes), from decision values."""
    slopes, offsets = sigmoids.T
    each = expit(-(slopes * decisions.reshape(len(decisions), -1) + offsets))
    if len(sigmoids) == 1:
        return np.hstack([1 - each, each])
    total = each.sum(axis=1, keepdims=True)
    even = np.full_like(each, 1 / each.shape[1])  # where no class has any probability
    return np.divide(each, total, out=even, where=total != 0)
