"""Models for many rows: landmarks of a quantum kernel, and a linear model on their features."""

from __future__ import annotations

import warnings
from copy import deepcopy
from numbers import Integral, Real
from typing import Any, ClassVar, Self

import cirq
import numpy as np
from numpy.typing import ArrayLike
from scipy.linalg import solve
from scipy.special import expit
from sklearn.base import ClassifierMixin, RegressorMixin, _fit_context
from sklearn.linear_model import SGDClassifier
from sklearn.utils import Tags, check_random_state
from sklearn.utils._param_validation import Interval, StrOptions
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted, validate_data

from skquantum._lazy import Output, by_blocks, chances, decisions, in_memory, labels
from skquantum._validation import all_or_nothing
from skquantum.circuits import Encoding
from skquantum.estimators._kernel.kept import values_by_blocks
from skquantum.estimators._kernel.landmarks import LANDMARKS
from skquantum.estimators._kernel.nystroem import QuantumNystroem, feature_blocks
from skquantum.estimators._kernel.parts import KernelPartsMixin
from skquantum.estimators._kernel.resolve import ENCODING, KERNEL
from skquantum.execution import Backend, circuit_resources
from skquantum.kernels import Kernel

# Features of all rows up to this size are kept between passes over them.
KEPT_BYTES = 2**28
# Steps of stochastic gradient descent that are enough, by scikit-learn's guide.
ENOUGH_STEPS = 10**6
# Directions in which features vary less than this share of all count as if they varied so much.
FLOOR = 1e-4


class _LinearOnLandmarks(KernelPartsMixin):
    """What both models share: landmarks, and values that are linear in the kernel's with them."""

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        **KernelPartsMixin._parameter_constraints,
        "n_components": QuantumNystroem._parameter_constraints["n_components"],
        "landmarks": [StrOptions(set(LANDMARKS))],
        "alpha": [Interval(Real, 0, None, closed="neither")],
        "n_jobs": [Integral, None],
        "random_state": ["random_state"],
    }

    n_components: int | float
    landmarks: str
    alpha: float
    n_jobs: int | None
    random_state: Any
    nystroem_: QuantumNystroem
    n_samples_seen_: int
    _dual: np.ndarray  # coefficients of the kernel values with the landmarks, (n_landmarks, k)
    _offset: np.ndarray

    def _fit_landmarks(self, X: np.ndarray, rng: np.random.RandomState) -> None:
        names = ("encoding", "kernel", "n_components", "landmarks", "backend", "n_jobs")
        shared = {name: getattr(self, name) for name in names}
        landmarks = QuantumNystroem(**shared, random_state=rng.randint(2**31))
        with warnings.catch_warnings():  # of few rows all are landmarks, which is as good
            warnings.filterwarnings("ignore", "n_components")
            self.nystroem_ = landmarks.fit(X)
        self.n_samples_seen_ = 0

    def _linear(self, X: ArrayLike) -> np.ndarray:
        """Return what is linear in the kernel values, shape (n_samples, k)."""
        check_is_fitted(self)
        rows = validate_data(self, X, dtype=np.float64, reset=False)
        out = np.empty((len(rows), self._dual.shape[1]))
        fitted = self.nystroem_
        parts = fitted, fitted.kernel_, fitted.components_
        for block, values in values_by_blocks(*parts, rows, self.n_jobs):
            out[block] = values @ self._dual
        return out + self._offset

    @property
    def circuit_(self) -> cirq.Circuit:
        """The encoding circuit, with one symbol for each feature."""
        check_is_fitted(self)
        return self.nystroem_.kernel_.circuits(self.n_features_in_)[0].unfreeze()

    @property
    def resources_(self) -> dict[str, int | None]:
        """Qubits, depth and gates of the circuit."""
        n_blocks = self.nystroem_.kernel_.n_blocks(self.n_features_in_)
        n_states = n_blocks * (self.n_samples_seen_ + len(self.nystroem_.components_))
        # On hardware kernel values cost what their kernel says of whole matrices only.
        return circuit_resources(self.circuit_) | {"n_circuits": None, "n_simulations": n_states}


class QuantumKernelClassifier(ClassifierMixin, _LinearOnLandmarks):
    """Classifier with a quantum kernel for many rows.

    Logistic regression, by stochastic gradient descent, on the features of
    :class:`QuantumNystroem`. Rows are taken a block at a time: time grows with their number and
    memory does not. Up to some thousand rows :class:`QuantumKernelSVC` is as fast and exact.

    Features are rotated and scaled so that all directions vary alike, which descent needs;
    directions with less than 1e-4 of all variance are scaled as if they had so much. Models of
    several classes are one against the rest.

    Parameters
    ----------
    encoding : str or Encoding, default="reuploading"
        Circuit that encodes a row, as for :class:`QuantumKernelSVC`.
    kernel : {"fidelity", "projected"} or Kernel, default="projected"
        How alike two rows are, as for :class:`QuantumKernelSVC`.
    n_components : int or float, default=100
        How many landmarks (of fewer distinct rows, all), or a tolerance, as for
        :class:`QuantumNystroem`.
    landmarks : {"uniform", "kmeans", "rpcholesky"}, default="uniform"
        How landmarks are chosen, as for :class:`QuantumNystroem`.
    alpha : float, default=1e-5
        Strength of the L2 penalty beside the mean loss, as in
        :class:`sklearn.linear_model.SGDClassifier`.
    backend : Backend, default=None
        How circuits are run; None means ``QsimBackend()``.
    n_jobs : int, default=None
        Jobs that blocks of rows are shared among, through joblib; None means 1.
    random_state : int, RandomState instance or None, default=None
        Draws landmarks and the order of the rows.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        Labels.
    nystroem_ : QuantumNystroem
        Landmarks, with ``approximation_error_``.
    linear_ : sklearn.linear_model.SGDClassifier
        The linear model on rotated and scaled features.
    n_samples_seen_ : int
        Rows learned from, each counted once for `fit` and for each call of `partial_fit`.
    circuit_ : cirq.Circuit
        The encoding circuit, with one symbol for each feature.
    resources_ : dict
        Qubits, depth and gates of the circuit; ``n_simulations`` of a pass over the rows;
        ``n_circuits`` is None, not known.
    run_records_ : list of dict
        What the last `fit` or `partial_fit` ran, see :ref:`records`.
    n_features_in_ : int
        Number of features.
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Names of the features, if `X` had any.

    Examples
    --------
    >>> from sklearn.datasets import make_moons
    >>> from skquantum import QuantumKernelClassifier
    >>> X, y = make_moons(2000, noise=0.1, random_state=0)
    >>> model = QuantumKernelClassifier("reuploading", random_state=0).fit(X, y)
    >>> print(f"{model.score(X, y):.2f}")
    1.00
    """

    def __init__(
        self,
        encoding: str | Encoding = ENCODING,
        kernel: str | Kernel = KERNEL,
        n_components: int | float = 100,
        landmarks: str = "uniform",
        alpha: float = 1e-5,
        backend: Backend | None = None,
        n_jobs: int | None = None,
        random_state: Any = None,
    ) -> None:
        self.encoding = encoding
        self.kernel = kernel
        self.n_components = n_components
        self.landmarks = landmarks
        self.alpha = alpha
        self.backend = backend
        self.n_jobs = n_jobs
        self.random_state = random_state

    linear_: SGDClassifier
    _scaling: np.ndarray  # from kernel values to what the linear model sees

    @in_memory
    @all_or_nothing
    @_fit_context(prefer_skip_nested_validation=True)
    def fit(self, X: ArrayLike, y: ArrayLike) -> Self:
        """Choose landmarks and fit the linear model.

        Features of all rows are kept if they take less than 256 MiB; otherwise they are computed
        again for each of ``ceil(10**6 / n_samples)`` passes.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Training rows.
        y : array-like of shape (n_samples,)
            Labels, of at least two classes.

        Returns
        -------
        self : QuantumKernelClassifier
            Fitted estimator.

        Raises
        ------
        ValueError
            As from :class:`QuantumNystroem`, or if there is one class.
        """
        rows, labels = validate_data(self, X, y, dtype=np.float64)
        check_classification_targets(labels)
        rng = check_random_state(self.random_state)
        self._start(rows, np.unique(labels), rng)
        if 4 * len(rows) * len(self._scaling) <= KEPT_BYTES:
            self.linear_.fit(self._scaled_rows(rows), labels)
        else:
            for _ in range(-(-ENOUGH_STEPS // len(rows))):
                self._pass(rows, labels, rng.permutation(len(rows)))
        self._finish(len(rows))
        return self

    @in_memory
    @all_or_nothing
    @_fit_context(prefer_skip_nested_validation=True)
    def partial_fit(self, X: ArrayLike, y: ArrayLike, classes: ArrayLike | None = None) -> Self:
        """Learn from more rows, in one pass.

        The first call, if `fit` was not called, chooses landmarks among its rows.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Rows, better shuffled and many at a time.
        y : array-like of shape (n_samples,)
            Labels.
        classes : array-like of shape (n_classes,), default=None
            All labels that will come; needed in the first call.

        Returns
        -------
        self : QuantumKernelClassifier
            Fitted estimator.

        Raises
        ------
        ValueError
            As from `fit`; if labels come that are not among `classes`, or other `classes` than
            in the first call.
        """
        first = not hasattr(self, "linear_")
        rows, targets = validate_data(self, X, y, dtype=np.float64, reset=first)
        check_classification_targets(targets)
        if first and classes is None:
            raise ValueError("The first call of partial_fit needs classes, all labels to come.")
        labels = self.classes_ if classes is None else np.unique(classes)
        if not first and not np.array_equal(labels, self.classes_):
            raise ValueError(f"classes={labels} are not those of the first call: {self.classes_}.")
        unknown = np.setdiff1d(targets, labels)
        if len(unknown):
            raise ValueError(f"y has {unknown.tolist()}, not among the classes {labels.tolist()}.")
        if first:
            self._start(rows, labels, check_random_state(self.random_state))
        else:
            self.linear_ = deepcopy(self.linear_)  # which a pass changes in place
        self._pass(rows, targets, np.arange(len(rows)))
        self._finish(len(rows))
        return self

    def _start(self, X: np.ndarray, labels: np.ndarray, rng: np.random.RandomState) -> None:
        if len(labels) < 2:
            raise ValueError(
                f"{type(self).__name__} needs at least two classes; y has one class, "
                f"{labels.tolist()[0]!r}."
            )
        self.classes_ = labels
        self._fit_landmarks(X, rng)
        some = X[rng.permutation(len(X))[: self.nystroem_.n_candidates]]
        self._scaling = _equal_spread(self.nystroem_, some)
        self.linear_ = SGDClassifier(
            "log_loss", alpha=self.alpha, average=True, random_state=rng.randint(2**31)
        )

    def _scaled_rows(self, X: np.ndarray) -> np.ndarray:
        out = np.empty((len(X), len(self._scaling)), dtype=np.float32)
        fitted = self.nystroem_
        parts = fitted, fitted.kernel_, fitted.components_
        for block, values in values_by_blocks(*parts, X, self.n_jobs):
            out[block] = values.astype(np.float32) @ self._scaling
        return out

    def _pass(self, X: np.ndarray, y: np.ndarray, order: np.ndarray) -> None:
        """Learn from each row once, in an order, a block at a time."""
        n_rows = max(1, KEPT_BYTES // 8 // len(self._scaling))
        for begin in range(0, len(X), n_rows):
            rows = order[begin : begin + n_rows]
            self.linear_.partial_fit(self._scaled_rows(X[rows]), y[rows], self.classes_)

    def _finish(self, n_rows: int) -> None:
        self.n_samples_seen_ += n_rows
        self._dual = self._scaling.astype(float) @ self.linear_.coef_.T
        self._offset = self.linear_.intercept_

    @by_blocks(decisions)
    def decision_function(self, X: ArrayLike) -> np.ndarray:
        """Return the linear model's values.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Rows, scaled as in `fit`.

        Returns
        -------
        ndarray of shape (n_samples,) or (n_samples, n_classes)
            Positive for ``classes_[1]`` with two classes; with more, one column for each class
            against the rest.
        """
        values = self._linear(X)
        return values.ravel() if values.shape[1] == 1 else values

    @by_blocks(labels)
    def predict(self, X: ArrayLike) -> np.ndarray:
        """Predict labels.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Rows, scaled as in `fit`.

        Returns
        -------
        ndarray of shape (n_samples,)
            Labels.
        """
        values = self.decision_function(X)
        codes = values > 0 if values.ndim == 1 else values.argmax(axis=1)
        return self.classes_[codes.astype(np.intp)]

    @by_blocks(chances)
    def predict_proba(self, X: ArrayLike) -> np.ndarray:
        """Return probabilities of the classes.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Rows, scaled as in `fit`.

        Returns
        -------
        ndarray of shape (n_samples, n_classes)
            In the order of `classes_`: logistic functions of the decision values, brought to the
            sum 1.
        """
        chances = expit(self.decision_function(X))
        if chances.ndim == 1:
            return np.column_stack([1 - chances, chances])
        total = chances.sum(axis=1, keepdims=True)
        chances[total[:, 0] == 0] = 1.0  # all are far on the other side: nothing is known
        return chances / chances.sum(axis=1, keepdims=True)


class QuantumKernelRegressor(RegressorMixin, _LinearOnLandmarks):
    """Regressor with a quantum kernel for many rows.

    Ridge regression on the features of :class:`QuantumNystroem`, by its normal equations, which
    are summed up a block of rows at a time: time grows with the number of rows and memory does
    not. Given the landmarks, the result does not depend on how rows are divided into calls of
    `partial_fit`.

    Parameters
    ----------
    encoding, kernel, n_components, landmarks, backend, n_jobs
        As for :class:`QuantumKernelClassifier`.
    alpha : float, default=0.1
        Strength of the L2 penalty, as in :class:`sklearn.linear_model.Ridge`.
    random_state : int, RandomState instance or None, default=None
        Draws landmarks.

    Attributes
    ----------
    coef_ : ndarray of shape (n_landmarks,) or (n_outputs, n_landmarks)
        Coefficients of the features.
    intercept_ : float or ndarray of shape (n_outputs,)
        Constant; it is not penalised.
    nystroem_, n_samples_seen_, circuit_, resources_, run_records_, n_features_in_, \
feature_names_in_
        As in :class:`QuantumKernelClassifier`.

    Examples
    --------
    >>> import numpy as np
    >>> from skquantum import QuantumKernelRegressor
    >>> X = np.linspace(0, 3, 500).reshape(-1, 1)
    >>> model = QuantumKernelRegressor("angle", n_components=20, random_state=0)
    >>> print(f"{model.fit(X, np.cos(X).ravel()).score(X, np.cos(X).ravel()):.2f}")
    1.00
    """

    def __init__(
        self,
        encoding: str | Encoding = ENCODING,
        kernel: str | Kernel = KERNEL,
        n_components: int | float = 100,
        landmarks: str = "uniform",
        alpha: float = 0.1,
        backend: Backend | None = None,
        n_jobs: int | None = None,
        random_state: Any = None,
    ) -> None:
        self.encoding = encoding
        self.kernel = kernel
        self.n_components = n_components
        self.landmarks = landmarks
        self.alpha = alpha
        self.backend = backend
        self.n_jobs = n_jobs
        self.random_state = random_state

    coef_: np.ndarray
    intercept_: np.ndarray | float
    _sums: tuple[np.ndarray, np.ndarray]

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.target_tags.single_output = True
        tags.target_tags.multi_output = True
        return tags

    @in_memory
    @all_or_nothing
    @_fit_context(prefer_skip_nested_validation=True)
    def fit(self, X: ArrayLike, y: ArrayLike) -> Self:
        """Choose landmarks and fit the linear model.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Training rows.
        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
            Targets.

        Returns
        -------
        self : QuantumKernelRegressor
            Fitted estimator.

        Raises
        ------
        ValueError
            As from :class:`QuantumNystroem`.
        """
        self._learn(X, y, first=True)
        return self

    @in_memory
    @all_or_nothing
    @_fit_context(prefer_skip_nested_validation=True)
    def partial_fit(self, X: ArrayLike, y: ArrayLike) -> Self:
        """Learn from more rows.

        The first call, if `fit` was not called, chooses landmarks among its rows.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            More rows.
        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
            Targets, as many as before.

        Returns
        -------
        self : QuantumKernelRegressor
            Fitted estimator.

        Raises
        ------
        ValueError
            As from `fit`, and if rows or targets are of another width than those before.
        """
        self._learn(X, y, first=not hasattr(self, "nystroem_"))
        return self

    def _learn(self, X: ArrayLike, y: ArrayLike, *, first: bool) -> None:
        kinds = {"dtype": np.float64, "multi_output": True, "y_numeric": True}
        rows, y = validate_data(self, X, y, **kinds, reset=first)
        targets = np.asarray(y, dtype=float).reshape(len(rows), -1)
        if first:
            self._fit_landmarks(rows, check_random_state(self.random_state))
        elif targets.shape[1] != self._dual.shape[1]:
            raise ValueError(
                f"y has {targets.shape[1]} outputs; there were {self._dual.shape[1]} before."
            )
        squares, products = (np.zeros(()), np.zeros(())) if first else self._sums
        fitted = self.nystroem_
        parts = fitted, fitted.kernel_, fitted.components_
        for block, values in values_by_blocks(*parts, rows, self.n_jobs):
            # A column of ones, so that sums are among the products.
            values = np.column_stack([values, np.ones(len(values))])
            squares = squares + values.T @ values
            products = products + values.T @ targets[block]
        self._sums = squares, products
        self.n_samples_seen_ += len(rows)
        self._solve(is_flat=np.ndim(y) == 1)

    def _solve(self, *, is_flat: bool) -> None:
        """Solve the normal equations of centred features."""
        squares, products = self._sums
        root = self.nystroem_.normalization_
        means, target_means = squares[-1, :-1] / squares[-1, -1], products[-1] / squares[-1, -1]
        centred = squares[:-1, :-1] - squares[-1, -1] * np.outer(means, means)
        right = products[:-1] - np.outer(means, products[-1])
        left = root @ centred @ root
        left.flat[:: len(left) + 1] += self.alpha
        coef = solve((left + left.T) / 2, root @ right, assume_a="pos")
        self._dual = root @ coef
        self._offset = target_means - means @ self._dual
        self.coef_ = coef[:, 0] if is_flat else coef.T
        self.intercept_ = float(self._offset[0]) if is_flat else self._offset

    @by_blocks(lambda model, dtype: Output(None if model.coef_.ndim == 1 else len(model.coef_)))
    def predict(self, X: ArrayLike) -> np.ndarray:
        """Predict values.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Rows, scaled as in `fit`.

        Returns
        -------
        ndarray of shape (n_samples,) or (n_samples, n_outputs)
            Predictions.
        """
        values = self._linear(X)
        return values[:, 0] if self.coef_.ndim == 1 else values


def _equal_spread(fitted: QuantumNystroem, rows: np.ndarray) -> np.ndarray:
    """Return what brings kernel values with the landmarks to features of equal spread.

    Shape (n_landmarks, n_landmarks), float32. Rows of the features have a norm of about one, as
    the steps of stochastic gradient descent expect it.
    """
    n_landmarks = len(fitted.components_)
    squares = np.zeros((n_landmarks, n_landmarks))
    for _, features in feature_blocks(fitted, rows):
        squares += features.T @ features
    values, vectors = np.linalg.eigh(squares / len(rows))
    spread = np.sqrt(np.maximum(values, 0) + FLOOR * max(np.trace(squares) / len(rows), 1e-300))
    scaling = fitted.normalization_ @ (vectors / (spread * np.sqrt(n_landmarks)))
    return scaling.astype(np.float32)
