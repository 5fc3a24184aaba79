"""Gaussian processes with a quantum kernel: scikit-learn's, with the kernel put together."""

from __future__ import annotations

import warnings
from numbers import Integral
from typing import Any, ClassVar, Self

import cirq
import numpy as np
from numpy.typing import ArrayLike
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin, _fit_context
from sklearn.gaussian_process import GaussianProcessClassifier, GaussianProcessRegressor
from sklearn.gaussian_process.kernels import ConstantKernel, WhiteKernel
from sklearn.gaussian_process.kernels import Kernel as GaussianProcessBase
from sklearn.utils._param_validation import Interval, StrOptions
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted, validate_data

from skquantum._lazy import Output, by_blocks, chances, in_memory, labels
from skquantum._validation import all_or_nothing
from skquantum.circuits import Encoding
from skquantum.estimators._base import settled
from skquantum.estimators._kernel.parts import KernelPartsMixin
from skquantum.estimators._kernel.resolve import ENCODING, KERNEL
from skquantum.execution import Backend, DenseBackend, circuit_resources, resolve_backend
from skquantum.kernels import GaussianProcessKernel, Kernel

BOUNDS = (0.05, 20.0)  # on the bandwidth, times that of the encoding
NOISE = (1e-6, 10.0)  # variance, times that of the targets
SIZE = (1e-4, 1e4)  # of the process


def in_double(backend: Backend | None) -> Backend:
    """Return the backend that a parameter stands for, None for double precision."""
    return DenseBackend() if backend is None else resolve_backend(backend)


class _GaussianProcess(KernelPartsMixin):
    """What both models share: the kernel that scikit-learn's processes tune."""

    _named_parts: ClassVar = {**KernelPartsMixin._named_parts, "backend": in_double}
    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        **KernelPartsMixin._parameter_constraints,
        "bandwidth_per_feature": ["boolean"],
        "bandwidth_bounds": [StrOptions({"fixed"}), tuple, list, np.ndarray],
        "n_restarts_optimizer": [Interval(Integral, 0, None, closed="left")],
        "random_state": ["random_state"],
    }

    bandwidth_per_feature: bool
    bandwidth_bounds: Any
    gp_: Any
    quantum_kernel_: Kernel

    def _resolve_part(self, part: str, value: Any, params: dict[str, Any]) -> BaseEstimator:
        if part == "kernel" and isinstance(value, str):
            params = {**params, "backend": in_double(params.get("backend", self.backend))}
        return super()._resolve_part(part, value, params)

    def _prior(self, X: np.ndarray, y: np.ndarray) -> GaussianProcessBase:
        """Return the kernel to be tuned, and settle the quantum kernel by the rows."""
        kernel = self._resolve_part("kernel", self.kernel, {})
        # Building the circuit checks the encoding before anything is simulated.
        kernel.circuits(X.shape[1])
        self.quantum_kernel_ = settled(kernel.fitted_to(X, y, np.ones(len(X))))
        factors = np.ones(X.shape[1]) if self.bandwidth_per_feature else 1.0
        tuned = GaussianProcessKernel(self.quantum_kernel_, factors, self.bandwidth_bounds)
        return ConstantKernel(1.0, SIZE) * tuned

    def _tune(self, process: Any, X: np.ndarray, y: np.ndarray) -> None:
        with warnings.catch_warnings():
            # Bounds are where useless features and clean targets lead; `kernel_` shows them.
            warnings.filterwarnings("ignore", ".*close to the specified .* bound")
            self.gp_ = process.fit(X, y)

    @property
    def circuit_(self) -> cirq.Circuit:
        """The encoding circuit, with one symbol for each feature."""
        check_is_fitted(self, "gp_")
        return self.quantum_kernel_.circuits(self.n_features_in_)[0].unfreeze()

    @property
    def resources_(self) -> dict[str, int | None]:
        """Qubits, depth and gates of the circuit."""
        # Each step of the search takes a matrix and its derivatives: not counted.
        return circuit_resources(self.circuit_) | {"n_circuits": None}

    def _new_rows(self, X: ArrayLike) -> np.ndarray:
        check_is_fitted(self, "gp_")
        return validate_data(self, X, dtype=np.float64, reset=False)

    @property
    def kernel_(self) -> GaussianProcessBase:
        """The kernel of the process, with its hyperparameters tuned."""
        check_is_fitted(self, "gp_")
        return self.gp_.kernel_

    @property
    def log_marginal_likelihood_value_(self) -> float:
        """Logarithm of the marginal likelihood at these hyperparameters."""
        check_is_fitted(self, "gp_")
        return float(self.gp_.log_marginal_likelihood_value_)


class QuantumGaussianProcessRegressor(RegressorMixin, _GaussianProcess):
    """Gaussian process regression with a quantum kernel, and its own estimate of its errors.

    :class:`sklearn.gaussian_process.GaussianProcessRegressor` with the kernel ``ConstantKernel() *
    GaussianProcessKernel(kernel) + WhiteKernel()``: size, bandwidth and noise maximise the
    marginal likelihood [1]_. Targets are normalised. For kernels put together otherwise use
    :class:`skquantum.kernels.GaussianProcessKernel` itself. Time grows with the cube of the number
    of rows: some hundred to some thousand rows.

    Parameters
    ----------
    encoding : str or Encoding, default="reuploading"
        Circuit that encodes a row, as for :class:`QuantumKernelSVC`.
    kernel : {"fidelity", "projected"} or Kernel, default="projected"
        How alike two rows are, as for :class:`QuantumKernelSVC`: an instance brings an encoding
        and a backend of its own.
    bandwidth_per_feature : bool, default=False
        Whether each feature gets a bandwidth of its own (automatic relevance determination).
    bandwidth_bounds : pair of floats > 0 or "fixed", default=(0.05, 20.0)
        Bounds on the factor that bandwidths are tuned by, 1 being the encoding's own; "fixed"
        leaves them as they are, which backends without derivatives need.
    n_restarts_optimizer : int, default=2
        How often the search for hyperparameters begins anew, from random ones: with a periodic
        kernel the likelihood has several maxima.
    backend : Backend, default=None
        How circuits are run; None means ``DenseBackend()``, in double precision on up to 8 qubits.
    random_state : int, RandomState instance or None, default=None
        Draws the restarts.

    Attributes
    ----------
    gp_ : sklearn.gaussian_process.GaussianProcessRegressor
        The fitted process.
    kernel_ : sklearn.gaussian_process.kernels.Kernel
        Its kernel, with tuned hyperparameters.
    log_marginal_likelihood_value_ : float
        Logarithm of the marginal likelihood.
    quantum_kernel_ : Kernel
        The quantum kernel before the tuned factor, as settled by the rows.
    circuit_ : cirq.Circuit
        The encoding circuit, with one symbol for each feature.
    resources_ : dict
        Qubits, depth and gates of the circuit; ``n_circuits`` is None, not known: each step of the
        search takes a matrix and its derivatives.
    run_records_ : list of dict
        What the fit ran, see :ref:`records`.
    n_features_in_ : int
        Number of features.
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Names of the features, if `X` had any.

    See Also
    --------
    skquantum.kernels.GaussianProcessKernel : The kernel, for processes of your own.

    References
    ----------
    .. [1] C. E. Rasmussen and C. K. I. Williams, "Gaussian Processes for Machine Learning",
       section 5.4, MIT Press (2006), https://gaussianprocess.org/gpml/

    Examples
    --------
    >>> import numpy as np
    >>> from skquantum import QuantumGaussianProcessRegressor
    >>> rng = np.random.default_rng(0)
    >>> X = rng.uniform(0, 6, (30, 1))
    >>> y = np.sin(X[:, 0]) + 0.1 * rng.normal(size=30)
    >>> model = QuantumGaussianProcessRegressor(random_state=0).fit(X, y)
    >>> mean, deviation = model.predict([[1.0], [5.0]], return_std=True)
    >>> print(abs(mean - np.sin([1.0, 5.0])) < 2 * deviation)
    [ True  True]
    """

    def __init__(
        self,
        encoding: str | Encoding = ENCODING,
        kernel: str | Kernel = KERNEL,
        bandwidth_per_feature: bool = False,
        bandwidth_bounds: Any = BOUNDS,
        n_restarts_optimizer: int = 2,
        backend: Backend | None = None,
        random_state: Any = None,
    ) -> None:
        self.encoding = encoding
        self.kernel = kernel
        self.bandwidth_per_feature = bandwidth_per_feature
        self.bandwidth_bounds = bandwidth_bounds
        self.n_restarts_optimizer = n_restarts_optimizer
        self.backend = backend
        self.random_state = random_state

    @in_memory
    @all_or_nothing
    @_fit_context(prefer_skip_nested_validation=True)
    def fit(self, X: ArrayLike, y: ArrayLike) -> Self:
        """Tune the kernel and fit the process.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Training rows, best of zero mean and unit variance.
        y : array-like of shape (n_samples,)
            Targets.

        Returns
        -------
        self : QuantumGaussianProcessRegressor
            Fitted estimator.

        Raises
        ------
        ValueError
            If the rows do not suit the encoding, or the kernel has no derivatives to tune by.
        """
        rows, targets = validate_data(self, X, y, dtype=np.float64, y_numeric=True)
        kernel = self._prior(rows, targets) + WhiteKernel(0.1, NOISE)
        process = GaussianProcessRegressor(
            kernel,
            normalize_y=True,
            n_restarts_optimizer=self.n_restarts_optimizer,
            random_state=self.random_state,
        )
        self._tune(process, rows, targets)
        return self

    def predict(self, X: ArrayLike, return_std: bool = False, return_cov: bool = False) -> Any:
        """Predict means, and how far targets may lie from them.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Rows, scaled as in `fit`.
        return_std : bool, default=False
            Whether to return the standard deviation of targets, noise included.
        return_cov : bool, default=False
            Whether to return their covariance instead.

        Returns
        -------
        mean : ndarray of shape (n_samples,)
            Predictions.
        std : ndarray of shape (n_samples,)
            With `return_std`.
        cov : ndarray of shape (n_samples, n_samples)
            With `return_cov`.
        """
        if return_std or return_cov:
            return self._with_spread(X, return_std, return_cov)
        return self._means(X)

    @by_blocks(lambda model, dtype: Output(None))
    def _means(self, X: ArrayLike) -> np.ndarray:
        rows = self._new_rows(X)
        return self.gp_.predict(rows)

    @in_memory
    def _with_spread(self, X: ArrayLike, return_std: bool, return_cov: bool) -> Any:
        rows = self._new_rows(X)
        return self.gp_.predict(rows, return_std, return_cov)

    @in_memory
    def sample_y(self, X: ArrayLike, n_samples: int = 1, random_state: Any = 0) -> np.ndarray:
        """Draw targets from the posterior.

        Parameters
        ----------
        X : array-like of shape (n_rows, n_features)
            Rows, scaled as in `fit`.
        n_samples : int, default=1
            How many to draw for all rows together.
        random_state : int, RandomState instance or None, default=0
            Draws them.

        Returns
        -------
        ndarray of shape (n_rows, n_samples)
        """
        rows = self._new_rows(X)
        return self.gp_.sample_y(rows, n_samples, random_state)


class QuantumGaussianProcessClassifier(ClassifierMixin, _GaussianProcess):
    """Gaussian process classification with a quantum kernel: probabilities without calibration.

    :class:`sklearn.gaussian_process.GaussianProcessClassifier`, a logistic link with Laplace's
    approximation [1]_, with the kernel ``ConstantKernel() * GaussianProcessKernel(kernel)``.
    Several classes are one against the rest, each with its own hyperparameters.

    Parameters
    ----------
    encoding, kernel, bandwidth_per_feature, bandwidth_bounds, n_restarts_optimizer, backend, \
random_state
        As for :class:`QuantumGaussianProcessRegressor`, but for ``n_restarts_optimizer=0``.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        Labels.
    gp_, kernel_, log_marginal_likelihood_value_, quantum_kernel_, circuit_, resources_, \
run_records_, n_features_in_, feature_names_in_
        As for :class:`QuantumGaussianProcessRegressor`; the likelihood of several classes is the
        mean of theirs.

    References
    ----------
    .. [1] C. E. Rasmussen and C. K. I. Williams, "Gaussian Processes for Machine Learning",
       section 3.4, MIT Press (2006), https://gaussianprocess.org/gpml/

    Examples
    --------
    >>> from sklearn.datasets import make_moons
    >>> from skquantum import QuantumGaussianProcessClassifier
    >>> X, y = make_moons(60, noise=0.1, random_state=0)
    >>> model = QuantumGaussianProcessClassifier("angle").fit(X, y)
    >>> model.predict_proba(X[:2]).shape
    (2, 2)
    """

    def __init__(
        self,
        encoding: str | Encoding = ENCODING,
        kernel: str | Kernel = KERNEL,
        bandwidth_per_feature: bool = False,
        bandwidth_bounds: Any = BOUNDS,
        n_restarts_optimizer: int = 0,
        backend: Backend | None = None,
        random_state: Any = None,
    ) -> None:
        self.encoding = encoding
        self.kernel = kernel
        self.bandwidth_per_feature = bandwidth_per_feature
        self.bandwidth_bounds = bandwidth_bounds
        self.n_restarts_optimizer = n_restarts_optimizer
        self.backend = backend
        self.random_state = random_state

    classes_: np.ndarray

    @in_memory
    @all_or_nothing
    @_fit_context(prefer_skip_nested_validation=True)
    def fit(self, X: ArrayLike, y: ArrayLike) -> Self:
        """Tune the kernel and fit the process.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Training rows, best of zero mean and unit variance.
        y : array-like of shape (n_samples,)
            Labels, of at least two classes.

        Returns
        -------
        self : QuantumGaussianProcessClassifier
            Fitted estimator.

        Raises
        ------
        ValueError
            If the rows do not suit the encoding, the kernel has no derivatives to tune by, or
            there is one class.
        """
        rows, labels = validate_data(self, X, y, dtype=np.float64)
        check_classification_targets(labels)
        self.classes_, codes = np.unique(labels, return_inverse=True)
        if len(self.classes_) < 2:
            raise ValueError(
                f"{type(self).__name__} needs at least two classes; y has one class, "
                f"{self.classes_.tolist()[0]!r}."
            )
        process = GaussianProcessClassifier(
            self._prior(rows, labels),
            n_restarts_optimizer=self.n_restarts_optimizer,
            random_state=self.random_state,
        )
        self._tune(process, rows, codes)
        return self

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
        rows = self._new_rows(X)
        return self.classes_[self.gp_.predict(rows)]

    @by_blocks(chances)
    def predict_proba(self, X: ArrayLike) -> np.ndarray:
        """Return the probabilities of the classes.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Rows, scaled as in `fit`.

        Returns
        -------
        ndarray of shape (n_samples, n_classes)
            Positive, rows sum to one.
        """
        rows = self._new_rows(X)
        return self.gp_.predict_proba(rows)
