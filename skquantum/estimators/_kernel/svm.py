"""Support vector machines with a quantum kernel."""

from __future__ import annotations

from collections.abc import Callable
from numbers import Integral, Real
from typing import Any, ClassVar, Self

import cirq
import numpy as np
from numpy.typing import ArrayLike
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin, _fit_context
from sklearn.model_selection import StratifiedKFold
from sklearn.svm import SVC, SVR
from sklearn.utils._param_validation import Interval, StrOptions
from sklearn.utils.metaestimators import available_if
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import _check_sample_weight, check_is_fitted, validate_data

from skquantum._named_parts import NamedPartsMixin, is_same
from skquantum._validation import all_or_nothing, class_hint, did_you_mean, shown
from skquantum.circuits import Encoding, resolve_encoding
from skquantum.estimators._base import settled
from skquantum.estimators._calibration import fit_machine, fit_sigmoids, probabilities
from skquantum.estimators._learning import class_factors
from skquantum.estimators._rows import merge_equal_rows
from skquantum.execution import Backend, circuit_resources, resolve_backend
from skquantum.kernels import (
    MITIGATIONS,
    PSD,
    FidelityKernel,
    GramRepair,
    Kernel,
    ProjectedKernel,
)

KERNELS: dict[str, type[Kernel]] = {"fidelity": FidelityKernel, "projected": ProjectedKernel}
# Kernel values of one block of predictions: 32 MiB.
BLOCK = 2**22


def resolve_kernel(
    kernel: str | Kernel, encoding: str | Encoding = "zz", backend: Backend | None = None
) -> Kernel:
    """Return the kernel that a parameter stands for: a name uses the encoding and backend.

    Raises
    ------
    ValueError
        If the name is unknown, or an instance comes with an encoding or a backend that it does
        not have: they would not be used.
    """
    if isinstance(kernel, Kernel):
        own = kernel.get_params(deep=False)
        for name, value, default in (("encoding", encoding, "zz"), ("backend", backend, None)):
            if is_same(value, default) or (name in own and is_same(value, own[name])):
                continue
            brings, remedy = f"has no parameter {name}", "Leave"
            if name in own:
                brings = f"brings its own {name}, {own[name]!r}"
                remedy = f"Set kernel__{name} and leave"
            raise ValueError(
                f"{name}={value!r} would not be used: kernel={kernel!r} {brings}. {remedy} "
                f"{name}={default!r}, or give the kernel by its name."
            )
        return kernel
    if isinstance(kernel, str) and kernel in KERNELS:
        return KERNELS[kernel](encoding=encoding, backend=backend)
    if isinstance(kernel, str):
        raise ValueError(
            f"Unknown kernel {kernel!r}.{did_you_mean(kernel, KERNELS)} Names are "
            f"{', '.join(map(repr, KERNELS))}; a Kernel instance works too."
        )
    hint = class_hint(kernel, Kernel)
    if isinstance(kernel, cirq.AbstractCircuit):
        hint = " Make it the encoding: encoding=CircuitEncoding(circuit)."
    raise TypeError(
        f"kernel must be a Kernel instance or one of {', '.join(map(repr, KERNELS))}; got "
        f"{shown(kernel)}.{hint}"
    )


class _QuantumKernelSVM(NamedPartsMixin):
    """What classifier and regressor share: a libsvm model on the quantum kernel matrix."""

    _named_parts: ClassVar = {
        "encoding": resolve_encoding,
        "backend": resolve_backend,
        "kernel": resolve_kernel,  # the last: it uses the others
    }
    _shared: ClassVar = {"kernel": ("encoding", "backend")}
    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        "encoding": [str, Encoding],
        "kernel": [str, Kernel],
        "C": [Interval(Real, 0, None, closed="neither")],
        "backend": [Backend, None],
        "psd": [StrOptions(set(PSD)), None],
        "mitigation": [StrOptions(set(MITIGATIONS)), None],
        "cache_size": [Interval(Real, 0, None, closed="neither")],
        "tol": [Interval(Real, 0, None, closed="neither")],
        "max_iter": [Interval(Integral, -1, None, closed="left")],
    }

    encoding: str | Encoding
    kernel: str | Kernel
    backend: Backend | None
    psd: str | None
    mitigation: str | None

    def _resolve_part(self, part: str, value: Any, params: dict[str, Any]) -> BaseEstimator:
        if part != "kernel":
            return super()._resolve_part(part, value, params)
        encoding, backend = (params.get(p, getattr(self, p)) for p in ("encoding", "backend"))
        return resolve_kernel(value, encoding, backend)

    def _fit_svm(self, X: Any, y: Any, sample_weight: Any) -> None:
        """Fit on the distinct rows: y holds numbers, for a classifier those of the classes."""
        weight = _check_sample_weight(sample_weight, X, dtype=np.float64, ensure_non_negative=True)
        kernel = resolve_kernel(self.kernel, self.encoding, self.backend)
        # Building the circuit checks the encoding before anything is simulated.
        circuits = kernel.circuits(X.shape[1])
        self._check_mitigation(kernel, circuits)
        first, self._place, weight = merge_equal_rows(X, y, weight)
        used = np.flatnonzero(weight)
        self._check_distinct(y[first[used]])
        self._matrix = matrix = kernel(X[first])
        if len(used) < len(first):
            matrix = matrix[np.ix_(used, used)]
        n_qubits = max(map(cirq.num_qubits, circuits), default=None)
        matrix = self._repaired(matrix, X[first[used]], n_qubits)
        self._fit_matrix(matrix, y[first[used]], weight[used])
        self.kernel_ = settled(kernel)
        self.support_ = first[used][self.svm_.support_]
        self.support_vectors_ = X[self.support_]
        self.dual_coef_ = self.svm_.dual_coef_
        self.intercept_ = self.svm_.intercept_
        self.n_iter_ = self.svm_.n_iter_
        self.resources_ = _resources(circuits) | {
            "n_circuits": kernel.n_circuits(len(first)),
            "n_simulations": len(first) * len(circuits),  # one state for each row
        }

    @property
    def circuit_(self) -> cirq.Circuit:
        """The encoding circuit, with one symbol for each feature."""
        check_is_fitted(self, "kernel_")
        circuits = self.kernel_.circuits(self.n_features_in_)
        if len(circuits) != 1:
            raise AttributeError(
                f"{self.kernel_!r} runs {len(circuits)} circuits, not one; "
                "kernel_.circuits(n_features_in_) returns them."
            )
        return circuits[0].unfreeze()

    def _check_mitigation(self, kernel: Kernel, circuits: tuple[cirq.FrozenCircuit, ...]) -> None:
        if self.mitigation is None:
            return
        if self.mitigation not in kernel.mitigations:
            raise ValueError(
                f"mitigation={self.mitigation!r} is for fidelities, whose diagonal shows how much "
                f"noise there is, and {kernel!r} does not say that its matrix holds them: its "
                f"mitigations are {kernel.mitigations!r}. Set mitigation=None, or mitigate its "
                "expectation values with skquantum.execution.MitigatedBackend."
            )
        if len(circuits) != 1:
            raise ValueError(
                f"mitigation={self.mitigation!r} needs the width of the circuit, and {kernel!r} "
                f"runs {len(circuits)} circuits. Set mitigation=None."
            )

    def _repaired(self, matrix: np.ndarray, rows: np.ndarray, n_qubits: int | None) -> np.ndarray:
        """Return the Gram matrix of the training rows as `psd` and `mitigation` want it."""
        self._repair, self._rows, self.kernel_repair_ = None, None, None
        if self.psd is None and self.mitigation is None:
            return matrix
        repair = GramRepair(self.psd, self.mitigation, n_qubits)
        matrix = repair.fit_transform(matrix)
        self._repair, self.kernel_repair_ = repair, repair.report_
        if repair.needs_all_rows:
            self._rows = rows
        return matrix

    def _check_distinct(self, y: np.ndarray) -> None:
        """Check the targets of the distinct rows of positive weight, before any simulation."""

    def _fit_matrix(self, matrix: np.ndarray, y: np.ndarray, weight: np.ndarray) -> None:
        raise NotImplementedError

    @property
    def kernel_matrix_(self) -> np.ndarray:
        """Kernel matrix of the training rows as it was computed, before `psd` and `mitigation`.

        Shape (n_samples, n_samples).
        """
        check_is_fitted(self)
        return self._matrix[np.ix_(self._place, self._place)]

    def _by_blocks(self, X: ArrayLike, method: Callable[[np.ndarray], np.ndarray]) -> np.ndarray:
        """Return what a method makes of the kernel values of new rows, a block at a time."""
        check_is_fitted(self)
        rows = validate_data(self, X, dtype=np.float64, reset=False)
        # Each block simulates the support rows again. One of as many rows as there are training
        # rows at most doubles the work, and is no larger than the matrix of the fit was.
        n_train = self.svm_.shape_fit_[0]
        step = max(BLOCK // n_train, n_train)
        blocks = (rows[start : start + step] for start in range(0, len(rows), step))
        return np.concatenate([method(self._kernel_rows(block)) for block in blocks])

    def _kernel_rows(self, rows: np.ndarray) -> np.ndarray:
        """Return kernel values of new rows with the training rows.

        Only those of the support rows matter, unless `psd` mixes them with the others.
        """
        if self._repair is not None and self._rows is not None:
            return self._repair.transform(self.kernel_(rows, self._rows))
        matrix = np.zeros((len(rows), self.svm_.shape_fit_[0]))
        if len(self.support_):
            matrix[:, self.svm_.support_] = self.kernel_(rows, self.support_vectors_)
        return matrix if self._repair is None else self._repair.transform(matrix)

    def predict(self, X: ArrayLike) -> np.ndarray:
        """Predict labels or values.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Rows, scaled as in `fit`.

        Returns
        -------
        ndarray of shape (n_samples,)
            Predictions.
        """
        return self._by_blocks(X, lambda matrix: self.svm_.predict(matrix))


def _resources(circuits: tuple[cirq.FrozenCircuit, ...]) -> dict[str, int | None]:
    """Return qubits, depth and gates of the circuit; of several, the largest of each."""
    each = [circuit_resources(circuit) for circuit in circuits]
    return {name: max(one[name] for one in each) for name in (each[0] if each else ())}


def _wants_probability(estimator: QuantumKernelSVC) -> bool:
    if not estimator.probability:
        raise AttributeError(
            "predict_proba is not available when probability=False; set probability=True "
            "before fitting."
        )
    return True


class QuantumKernelSVC(ClassifierMixin, _QuantumKernelSVM):
    """Support vector classifier with a quantum kernel.

    The training rows are encoded in the states of a circuit, all of them simulated as one
    batch, and :class:`sklearn.svm.SVC` is fitted on the matrix of their overlaps.

    Parameters
    ----------
    encoding : str or Encoding, default="zz"
        Circuit that encodes a row: "zz", "iqp", "angle", "reuploading", "amplitude", "basis",
        or an instance. Its parameters take part in a grid search (``encoding__reps``). Most
        encodings turn features into angles in radians: scale them in a `Pipeline` before.
    kernel : {"fidelity", "projected"} or Kernel, default="fidelity"
        How alike two rows are. A name stands for a kernel of `encoding` and `backend`, and its
        parameters take part in a grid search, too (``kernel__gamma``). An instance brings an
        encoding and a backend of its own: leave `encoding` and `backend` at their defaults, and
        tune ``kernel__encoding__reps``.
    C : float, default=1.0
        Inverse strength of the regularisation, positive.
    class_weight : dict or "balanced", default=None
        Weights of the classes, as in :class:`sklearn.svm.SVC`.
    probability : bool, default=False
        Fit a sigmoid to decision values (five-fold, on the one kernel matrix), so that
        `predict_proba` is available. It is what
        :class:`sklearn.calibration.CalibratedClassifierCV` does with ``ensemble=False``, which
        scikit-learn recommends in place of SVC's own option.
    backend : Backend, default=None
        How circuits are run; None means ``QsimBackend()``.
    psd : {"clip", "shift", "nearest"}, default=None
        How negative eigenvalues of the training rows' matrix, which noise and shots bring about,
        are removed; :class:`skquantum.kernels.GramRepair` says what each does to new rows. With
        "clip" and "nearest", prediction takes all training rows if there were any.
    mitigation : {"depolarizing"}, default=None
        Undo global depolarising noise of fidelities before that, by what the diagonal of the
        training rows' matrix tells of it.
    cache_size : float, default=200
        Size of libsvm's cache in MB.
    tol : float, default=1e-3
        Tolerance of libsvm's stopping criterion.
    max_iter : int, default=-1
        Limit on libsvm's iterations; -1 means none.
    random_state : int, RandomState instance or None, default=None
        Shuffles the folds of the probabilities. Nothing else is random.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        Labels.
    kernel_ : Kernel
        The kernel as it was used.
    kernel_repair_ : dict or None
        What `psd` and `mitigation` found and changed, as ``report_`` of
        :class:`skquantum.kernels.GramRepair`; None without them.
    support_ : ndarray of shape (n_support,)
        Indices of the support rows (of equal rows, the first).
    support_vectors_ : ndarray of shape (n_support, n_features)
        The support rows; prediction simulates these and no other training row, except as `psd`
        says.
    n_support_ : ndarray of shape (n_classes,)
        Support rows for each class.
    dual_coef_, intercept_ : ndarray
        As in :class:`sklearn.svm.SVC`.
    svm_ : sklearn.svm.SVC
        The model fitted on the kernel matrix.
    sigmoids_ : ndarray of shape (1, 2) or (n_classes, 2)
        Slopes and offsets of the sigmoids, with `probability`.
    n_iter_ : ndarray
        Iterations of libsvm for each of its binary problems.
    circuit_ : cirq.Circuit
        The encoding circuit, with one symbol for each feature. A kernel made of kernels may run
        several: ``kernel_.circuits(n_features_in_)``.
    resources_ : dict
        Qubits, depth and gates of the circuit (of several, the largest of each); ``n_circuits``
        that the kernel matrix would cost on hardware, None if the kernel does not say, and
        ``n_simulations`` that it did cost.
    n_features_in_ : int
        Number of features.
    feature_names_in_ : ndarray of shape (n_features,)
        Names of the features, if `X` had any.

    References
    ----------
    .. [1] V. Havlicek et al., "Supervised learning with quantum-enhanced feature spaces",
       Nature 567, 209 (2019), https://arxiv.org/abs/1804.11326
    .. [2] R. Shaydulin and S. M. Wild, "Importance of kernel bandwidth in quantum machine
       learning", Physical Review A 106, 042407 (2022), https://arxiv.org/abs/2111.05451

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.model_selection import cross_val_score
    >>> from sklearn.pipeline import make_pipeline
    >>> from sklearn.preprocessing import StandardScaler
    >>> from skquantum import QuantumKernelSVC
    >>> X, y = load_iris(return_X_y=True)
    >>> model = make_pipeline(StandardScaler(), QuantumKernelSVC())
    >>> print(f"{cross_val_score(model, X, y).mean():.1f}")
    0.9
    """

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        **_QuantumKernelSVM._parameter_constraints,
        "class_weight": [StrOptions({"balanced"}), dict, None],
        "probability": ["boolean"],
        "random_state": ["random_state"],
    }

    def __init__(
        self,
        encoding: str | Encoding = "zz",
        kernel: str | Kernel = "fidelity",
        C: float = 1.0,
        class_weight: dict | str | None = None,
        probability: bool = False,
        backend: Backend | None = None,
        psd: str | None = None,
        mitigation: str | None = None,
        cache_size: float = 200,
        tol: float = 1e-3,
        max_iter: int = -1,
        random_state: Any = None,
    ) -> None:
        self.encoding = encoding
        self.kernel = kernel
        self.C = C
        self.class_weight = class_weight
        self.probability = probability
        self.backend = backend
        self.psd = psd
        self.mitigation = mitigation
        self.cache_size = cache_size
        self.tol = tol
        self.max_iter = max_iter
        self.random_state = random_state

    @all_or_nothing
    @_fit_context(prefer_skip_nested_validation=True)
    def fit(self, X: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None = None) -> Self:
        """Fit the model.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Training rows.
        y : array-like of shape (n_samples,)
            Labels, of at least two classes.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights that multiply C for each row.

        Returns
        -------
        self : QuantumKernelSVC
            Fitted estimator.

        Raises
        ------
        ValueError
            If the data is not finite or not numeric, has one class, or does not suit the
            encoding; if the circuit or its states do not fit the backend; if `encoding` or
            `backend` would not be used, since `kernel` is an instance.
        """
        X, y = validate_data(self, X, y, dtype=np.float64)
        check_classification_targets(y)
        self.classes_, codes = np.unique(y, return_inverse=True)
        if len(self.classes_) < 2:
            raise ValueError(
                f"{type(self).__name__} needs at least two classes; y has one class, "
                f"{self.classes_.tolist()[0]!r}."
            )
        self._fit_svm(X, codes, sample_weight)
        return self

    def _check_distinct(self, y: np.ndarray) -> None:
        codes, counts = np.unique(y, return_counts=True)
        self.classes_ = self.classes_[codes]
        if len(codes) < 2:
            raise ValueError(
                f"{type(self).__name__} needs at least two classes; without rows of weight zero "
                f"y has one class, {self.classes_.tolist()[0]!r}."
            )
        if self.probability and counts.min() < 2:
            raise ValueError(
                "probability=True needs at least two distinct rows of each class; class "
                f"{self.classes_.tolist()[counts.argmin()]!r} has one. Set probability=False."
            )

    def _fit_matrix(self, matrix: np.ndarray, y: np.ndarray, weight: np.ndarray) -> None:
        _, codes, counts = np.unique(y, return_inverse=True, return_counts=True)
        labels = self.classes_[codes]
        weight = weight * class_factors(self.class_weight, labels, weight)
        self.svm_ = fit_machine(self._make_svm(), matrix, labels, weight)
        self.n_support_ = self.svm_.n_support_
        self.__dict__.pop("sigmoids_", None)  # of an earlier fit
        if self.probability:
            # Stratified folds of the kernel matrix: nothing is simulated again.
            folds = StratifiedKFold(
                int(min(5, counts.min())), shuffle=True, random_state=self.random_state
            )
            self.sigmoids_ = fit_sigmoids(self._make_svm(), matrix, labels, weight, folds)

    def _make_svm(self) -> SVC:
        return SVC(
            C=self.C,
            kernel="precomputed",
            cache_size=self.cache_size,
            tol=self.tol,
            max_iter=self.max_iter,
            break_ties=True,  # so that predict is the largest decision value
        )

    def decision_function(self, X: ArrayLike) -> np.ndarray:
        """Return signed distances to the separating hyperplanes.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Rows, scaled as in `fit`.

        Returns
        -------
        ndarray of shape (n_samples,) or (n_samples, n_classes)
            Positive for ``classes_[1]`` with two classes; with more, one column for each class
            ("ovr" in :class:`sklearn.svm.SVC`).
        """
        return self._by_blocks(X, lambda matrix: self.svm_.decision_function(matrix))

    @available_if(_wants_probability)
    def predict_proba(self, X: ArrayLike) -> np.ndarray:
        """Return probabilities of the classes.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Rows, scaled as in `fit`.

        Returns
        -------
        ndarray of shape (n_samples, n_classes)
            Probabilities, in the order of `classes_`. Their largest need not be the class that
            `predict` returns, as in :class:`sklearn.svm.SVC`.
        """
        check_is_fitted(self, "sigmoids_")
        return probabilities(self.decision_function(X), self.sigmoids_)


class QuantumKernelSVR(RegressorMixin, _QuantumKernelSVM):
    """Support vector regressor with a quantum kernel.

    The counterpart of :class:`QuantumKernelSVC` for numbers: :class:`sklearn.svm.SVR` on the
    kernel matrix.

    Parameters
    ----------
    encoding : str or Encoding, default="zz"
        Circuit that encodes a row, as in :class:`QuantumKernelSVC`.
    kernel : {"fidelity", "projected"} or Kernel, default="fidelity"
        How alike two rows are, as in :class:`QuantumKernelSVC`: an instance brings an encoding
        and a backend of its own.
    C : float, default=1.0
        Inverse strength of the regularisation, positive, in units of `y`.
    epsilon : float, default=0.1
        Half width of the tube in which errors cost nothing, in units of `y`.
    backend : Backend, default=None
        How circuits are run; None means ``QsimBackend()``.
    psd : {"clip", "shift", "nearest"}, default=None
        How negative eigenvalues are removed, as in :class:`QuantumKernelSVC`.
    mitigation : {"depolarizing"}, default=None
        Undo depolarising noise before that, as in :class:`QuantumKernelSVC`.
    cache_size : float, default=200
        Size of libsvm's cache in MB.
    tol : float, default=1e-3
        Tolerance of libsvm's stopping criterion.
    max_iter : int, default=-1
        Limit on libsvm's iterations; -1 means none.

    Attributes
    ----------
    kernel_, kernel_matrix_, kernel_repair_, support_, support_vectors_, dual_coef_, intercept_, \
svm_, n_iter_, circuit_, resources_, n_features_in_, feature_names_in_
        As in :class:`QuantumKernelSVC`.

    Examples
    --------
    >>> import numpy as np
    >>> from skquantum import QuantumKernelSVR
    >>> X = np.linspace(0, 3, 30).reshape(-1, 1)
    >>> model = QuantumKernelSVR("angle", C=10, epsilon=0.01).fit(X, np.cos(X).ravel())
    >>> print(f"{model.score(X, np.cos(X).ravel()):.3f}")
    1.000
    """

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        **_QuantumKernelSVM._parameter_constraints,
        "epsilon": [Interval(Real, 0, None, closed="left")],
    }

    def __init__(
        self,
        encoding: str | Encoding = "zz",
        kernel: str | Kernel = "fidelity",
        C: float = 1.0,
        epsilon: float = 0.1,
        backend: Backend | None = None,
        psd: str | None = None,
        mitigation: str | None = None,
        cache_size: float = 200,
        tol: float = 1e-3,
        max_iter: int = -1,
    ) -> None:
        self.encoding = encoding
        self.kernel = kernel
        self.C = C
        self.epsilon = epsilon
        self.backend = backend
        self.psd = psd
        self.mitigation = mitigation
        self.cache_size = cache_size
        self.tol = tol
        self.max_iter = max_iter

    @all_or_nothing
    @_fit_context(prefer_skip_nested_validation=True)
    def fit(self, X: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None = None) -> Self:
        """Fit the model.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Training rows.
        y : array-like of shape (n_samples,)
            Targets.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights that multiply C for each row.

        Returns
        -------
        self : QuantumKernelSVR
            Fitted estimator.

        Raises
        ------
        ValueError
            If the data is not finite or not numeric, or does not suit the encoding; if the
            circuit or its states do not fit the backend; if `encoding` or `backend` would not be
            used, since `kernel` is an instance.
        """
        X, y = validate_data(self, X, y, dtype=np.float64, y_numeric=True)
        self._fit_svm(X, y, sample_weight)
        return self

    def _fit_matrix(self, matrix: np.ndarray, y: np.ndarray, weight: np.ndarray) -> None:
        self.svm_ = fit_machine(self._make_svm(), matrix, y, weight)

    def _make_svm(self) -> SVR:
        return SVR(
            C=self.C,
            epsilon=self.epsilon,
            kernel="precomputed",
            cache_size=self.cache_size,
            tol=self.tol,
            max_iter=self.max_iter,
        )
