"""The support vector regressor with a quantum kernel."""

from __future__ import annotations

from numbers import Real
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import ArrayLike
from sklearn.base import RegressorMixin, _fit_context
from sklearn.svm import SVR
from sklearn.utils._param_validation import Interval
from sklearn.utils.validation import validate_data

from skquantum._lazy import Output, by_blocks, in_memory
from skquantum._validation import all_or_nothing
from skquantum.circuits import Encoding
from skquantum.estimators._base import mean_and_unit
from skquantum.estimators._calibration import fit_machine
from skquantum.estimators._kernel.base import QuantumKernelSVM
from skquantum.estimators._kernel.resolve import ENCODING, KERNEL
from skquantum.execution import Backend
from skquantum.kernels import (
    Kernel,
)


class QuantumKernelSVR(RegressorMixin, QuantumKernelSVM):
    """Support vector regressor with a quantum kernel.

    The counterpart of :class:`QuantumKernelSVC` for numbers: :class:`sklearn.svm.SVR` on the
    kernel matrix.

    Parameters
    ----------
    encoding : str or Encoding, default="reuploading"
        Circuit that encodes a row, as in :class:`QuantumKernelSVC`.
    kernel : {"fidelity", "projected", "aligned"} or Kernel, default="projected"
        How alike two rows are, as in :class:`QuantumKernelSVC`: an instance brings an encoding
        and a backend of its own.
    C : float, default=1.0
        Inverse strength of the regularisation, positive.
    epsilon : float, default=0.1
        Half width of the tube in which errors cost nothing.
    normalize_y : bool, default=True
        Whether `C` and `epsilon` are for targets of mean zero and variance one, to which `y` is
        brought and from which predictions are brought back, so that its unit has no influence;
        else they are in units of `y`, as in :class:`sklearn.svm.SVR`.
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
svm_, n_iter_, circuit_, resources_, run_records_, n_features_in_, feature_names_in_
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

    _for_many_rows: ClassVar = "QuantumKernelRegressor"
    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        **QuantumKernelSVM._parameter_constraints,
        "epsilon": [Interval(Real, 0, None, closed="left")],
        "normalize_y": ["boolean"],
    }

    def __init__(
        self,
        encoding: str | Encoding = ENCODING,
        kernel: str | Kernel = KERNEL,
        C: float = 1.0,
        epsilon: float = 0.1,
        normalize_y: bool = True,
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
        self.normalize_y = normalize_y
        self.backend = backend
        self.psd = psd
        self.mitigation = mitigation
        self.cache_size = cache_size
        self.tol = tol
        self.max_iter = max_iter

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
        self.dual_coef_ = self.dual_coef_ * self._unit
        self.intercept_ = self.intercept_ * self._unit + self._mean
        return self

    @by_blocks(lambda model, dtype: Output(None))
    def predict(self, X: ArrayLike) -> np.ndarray:
        """Predict values.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Rows, scaled as in `fit`.

        Returns
        -------
        ndarray of shape (n_samples,)
            Predictions, in units of `y`.
        """
        return super().predict(X) * self._unit + self._mean

    def _fit_matrix(self, matrix: np.ndarray, y: np.ndarray, weight: np.ndarray) -> None:
        self._mean, self._unit = 0.0, 1.0
        if self.normalize_y:
            self._mean, self._unit = map(float, mean_and_unit(y, weight))
        y = (y - self._mean) / self._unit
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
