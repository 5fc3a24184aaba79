"""What classifiers that are trained on one output for each class share."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

import numpy as np
from numpy.typing import ArrayLike
from sklearn.base import ClassifierMixin
from sklearn.utils._param_validation import StrOptions
from sklearn.utils.multiclass import _check_partial_fit_first_call, check_classification_targets

from skquantum._lazy import by_blocks, chances, decisions, labels
from skquantum.estimators._learning import accuracy, class_factors
from skquantum.estimators._losses import softmax
from skquantum.estimators._rows import TrainingRows, distinct_rows


class LabelsMixin(ClassifierMixin):
    """Labels to train on, and what outputs say of them: logits, probabilities, labels.

    An estimator has `_outputs`, a logit for each class, and takes the parameter `class_weight`.
    """

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        "class_weight": [StrOptions({"balanced"}), dict, None],
    }

    classes_: np.ndarray
    class_weight: dict | str | None
    shuffle: bool
    _outputs: Callable[[ArrayLike], np.ndarray]
    _score = staticmethod(accuracy)

    def _settle_classes(
        self, X: np.ndarray, labels: np.ndarray, sample_weight: Any, *, resume: bool
    ) -> tuple[TrainingRows, np.ndarray]:
        """Learn the classes of checked rows; return distinct rows and the codes of their classes.

        With `resume` the classes have to be those of the last fit.
        """
        check_classification_targets(labels)
        classes = np.unique(labels)
        rows, codes = self._rows(X, labels, classes, sample_weight)
        if not (resume and np.array_equal(classes, self.classes_)):
            # Rows of weight zero are no rows, their classes no classes.
            present = np.unique(codes)
            classes = classes[present]
            rows = TrainingRows(rows.X, rows.targets[:, present], rows.weight)
        if resume and not np.array_equal(classes, self.classes_):
            raise ValueError(
                "warm_start=True goes on from the last fit and needs the same classes: they were "
                f"{self.classes_}, and y has {classes}."
            )
        if len(classes) < 2:
            of_weight = " of positive weight" * (len(classes) < len(np.unique(labels)))
            found = (
                f"one class{of_weight}, {classes.tolist()[0]!r}"
                if len(classes)
                else (f"no class{of_weight}")
            )
            raise ValueError(f"{type(self).__name__} needs at least two classes; y has {found}.")
        self.classes_ = classes
        return rows, codes

    def _batch(
        self, X: ArrayLike, y: ArrayLike, sample_weight: Any, classes: Any, *, first: bool
    ) -> TrainingRows:
        """Return the distinct rows of a batch of `partial_fit`, whose classes are known."""
        if self.class_weight == "balanced":
            raise ValueError(
                "class_weight='balanced' needs all rows at once and does not go with partial_fit; "
                "give a dict of weights."
            )
        _check_partial_fit_first_call(self, classes)
        rows_X, labels = self._checked_rows(X, y, first=first)
        check_classification_targets(labels)
        if len(self.classes_) < 2:
            raise ValueError(
                f"{type(self).__name__} needs at least two classes; classes has "
                f"{len(self.classes_)} class."
            )
        unknown = np.setdiff1d(labels, self.classes_)
        if len(unknown):
            raise ValueError(
                f"y has labels {unknown} that are not in classes {self.classes_}, which the first "
                "call of partial_fit has to name in full."
            )
        return self._rows(rows_X, labels, self.classes_, sample_weight, allow_none=True)[0]

    def _checked_rows(
        self, X: ArrayLike, y: ArrayLike, *, first: bool
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return checked rows and labels; the first ones settle the number of features."""
        raise NotImplementedError

    def _rows(
        self,
        X: np.ndarray,
        y: np.ndarray,
        classes: np.ndarray,
        sample_weight: Any,
        *,
        allow_none: bool = False,
    ) -> tuple[TrainingRows, np.ndarray]:
        """Return the distinct rows of positive weight, and the codes of their classes."""
        codes = np.searchsorted(classes, y)
        rows = distinct_rows(
            X, codes, sample_weight, allow_none=allow_none, in_order=not self.shuffle
        )
        codes, weight = rows.targets, rows.weight
        if self.class_weight is not None and len(codes):
            weight = weight * class_factors(self.class_weight, classes[codes], weight)
        rows = TrainingRows(rows.X, np.eye(len(classes))[codes], weight)
        used = weight > 0
        return rows[used], codes[used]

    @by_blocks(decisions)
    def decision_function(self, X: ArrayLike) -> np.ndarray:
        """Return logits.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Rows of the shape that `fit` had, scaled in the same way.

        Returns
        -------
        ndarray of shape (n_samples,) or (n_samples, n_classes)
            With two classes the log-odds of ``classes_[1]``; with more, a logit for each class.
        """
        logits = self._outputs(X)
        return logits[:, 1] - logits[:, 0] if logits.shape[1] == 2 else logits

    @by_blocks(chances)
    def predict_proba(self, X: ArrayLike) -> np.ndarray:
        """Return probabilities of the classes.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Rows of the shape that `fit` had, scaled in the same way.

        Returns
        -------
        ndarray of shape (n_samples, n_classes)
            Probabilities, in the order of `classes_`.
        """
        return softmax(self._outputs(X))

    @by_blocks(labels)
    def predict(self, X: ArrayLike) -> np.ndarray:
        """Predict labels.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Rows of the shape that `fit` had, scaled in the same way.

        Returns
        -------
        ndarray of shape (n_samples,)
            The most probable label of each row.
        """
        best = self._outputs(X).argmax(axis=1)
        return self.classes_[best]
