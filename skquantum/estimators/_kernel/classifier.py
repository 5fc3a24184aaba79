"""The support vector classifier with a quantum kernel."""

from __future__ import annotations

from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import ArrayLike
from sklearn.base import ClassifierMixin, _fit_context
from sklearn.model_selection import StratifiedKFold
from sklearn.svm import SVC
from sklearn.utils._param_validation import StrOptions
from sklearn.utils.metaestimators import available_if
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted, validate_data

from skquantum._lazy import by_blocks, chances, decisions, in_memory
from skquantum._validation import all_or_nothing
from skquantum.circuits import Encoding
from skquantum.estimators._calibration import fit_machine, fit_sigmoids, probabilities
from skquantum.estimators._kernel.base import QuantumKernelSVM
from skquantum.estimators._kernel.resolve import ENCODING, KERNEL
from skquantum.estimators._learning import class_factors
from skquantum.execution import Backend
from skquantum.kernels import (
    Kernel,
)


def _wants_probability(estimator: QuantumKernelSVC) -> bool:
    if not estimator.probability:
        raise AttributeError(
            "predict_proba is not available when probability=False; set probability=True "
            "before fitting."
        )
    return True


class QuantumKernelSVC(ClassifierMixin, QuantumKernelSVM):
    """Support vector classifier with a quantum kernel.

    The training rows are encoded in the states of a circuit, all of them simulated as one
    batch, and :class:`sklearn.svm.SVC` is fitted on the matrix of their overlaps. For more rows
    than such a matrix has room for there is :class:`QuantumKernelClassifier`.

    Parameters
    ----------
    encoding : str or Encoding, default="reuploading"
        Circuit that encodes a row: "zz", "iqp", "angle", "reuploading", "amplitude", "basis",
        or an instance. Its parameters take part in a grid search (``encoding__reps``). Most
        encodings turn features into angles in radians: scale them in a `Pipeline` before. One
        that leaves its register open (``n_qubits=None``) takes more than 8 features in blocks,
        as :class:`skquantum.circuits.BlockEncoding` has them.
    kernel : {"fidelity", "projected", "aligned"} or Kernel, default="projected"
        How alike two rows are. A name stands for a kernel of `encoding` and `backend`, and its
        parameters take part in a grid search, too (``kernel__gamma``). An instance brings an
        encoding and a backend of its own: leave `encoding` and `backend` at their defaults, and
        tune ``kernel__encoding__reps``. "aligned" learns a factor on each feature from the labels
        (:class:`~skquantum.kernels.AlignedKernel`).
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
        The kernel as it was used, with numbers for ``"scale"`` in ``kernel_.encoding.bandwidth``
        and ``kernel_.gamma``.
    kernel_repair_ : dict or None
        What `psd` and `mitigation` found and changed, as ``report_`` of
        :class:`skquantum.kernels.GramRepair`; None without them.
    support_ : ndarray of shape (n_support,)
        Indices of the support rows (of equal rows, the first).
    support_vectors_ : ndarray of shape (n_support, n_features)
        The support rows; prediction compares new rows with these and no other training row,
        except as `psd` says. Their states are kept, in memory only, from the first prediction on.
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
    run_records_ : list of dict
        What the last fit ran, see :ref:`records`.
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
    >>> print(f"{cross_val_score(model, X, y).mean():.2f}")
    0.96
    """

    _for_many_rows: ClassVar = "QuantumKernelClassifier"
    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        **QuantumKernelSVM._parameter_constraints,
        "class_weight": [StrOptions({"balanced"}), dict, None],
        "probability": ["boolean"],
        "random_state": ["random_state"],
    }

    def __init__(
        self,
        encoding: str | Encoding = ENCODING,
        kernel: str | Kernel = KERNEL,
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

    @in_memory
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

    @by_blocks(decisions)
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
            Probabilities, in the order of `classes_`. Their largest need not be the class that
            `predict` returns, as in :class:`sklearn.svm.SVC`.
        """
        check_is_fitted(self, "sigmoids_")
        return probabilities(self.decision_function(X), self.sigmoids_)
