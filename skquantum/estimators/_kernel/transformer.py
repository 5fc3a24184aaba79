"""Kernel values as features, in front of models that take a precomputed kernel."""

from __future__ import annotations

from numbers import Integral
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import ArrayLike
from sklearn.base import ClassNamePrefixFeaturesOutMixin, _fit_context
from sklearn.utils import check_array
from sklearn.utils.validation import check_is_fitted, validate_data

from skquantum._lazy import by_blocks, in_memory, transformed
from skquantum._validation import all_or_nothing
from skquantum.circuits import Encoding
from skquantum.estimators._base import FLOATS, FloatTransformerMixin, settled
from skquantum.estimators._kernel.kept import values_by_blocks
from skquantum.estimators._kernel.parts import KernelPartsMixin
from skquantum.estimators._kernel.resolve import ENCODING, KERNEL, resolve_kernel
from skquantum.execution import Backend
from skquantum.kernels import Kernel, matrix_by_tiles


class QuantumKernelTransformer(
    ClassNamePrefixFeaturesOutMixin, FloatTransformerMixin, KernelPartsMixin
):
    """Kernel values of rows with the training rows, or with landmarks, as features.

    In a `Pipeline` it gives a quantum kernel to every model that takes ``kernel="precomputed"``
    (``affinity`` or ``metric`` likewise): :class:`sklearn.kernel_ridge.KernelRidge`,
    :class:`sklearn.decomposition.KernelPCA`, :class:`sklearn.cluster.SpectralClustering`,
    :class:`sklearn.svm.OneClassSVM`, :class:`sklearn.svm.SVC`. The pipeline takes rows, so
    cross-validation and grid searches over the circuit's parameters are as for any other.

    Most encodings turn features into angles in radians: scale in the `Pipeline` before.

    Parameters
    ----------
    encoding : str or Encoding, default="reuploading"
        Circuit that encodes a row, as for :class:`QuantumKernelSVC`.
    kernel : {"fidelity", "projected"} or Kernel, default="projected"
        How alike two rows are, as for :class:`QuantumKernelSVC`.
    landmarks : array-like of shape (n_landmarks, n_features), default=None
        Rows to compare with; None means the training rows, which models with
        ``kernel="precomputed"`` need. With landmarks the values are features for any model.
    backend : Backend, default=None
        How circuits are run; None means ``QsimBackend()``.
    n_jobs : int, default=None
        Jobs that tiles of the matrix are shared among, through joblib: ``joblib.parallel_config``
        names where they run. None means 1.

    Attributes
    ----------
    components_ : ndarray of shape (n_landmarks, n_features)
        The rows to compare with.
    kernel_ : Kernel
        The kernel as it was used, with numbers for ``"scale"``.
    run_records_ : list of dict
        What the last fit ran, see :ref:`records`.
    n_features_in_ : int
        Number of features.
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Names of the features, if `X` had any.

    See Also
    --------
    QuantumNystroem : Features whose number does not grow with that of the rows.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.model_selection import GridSearchCV
    >>> from sklearn.pipeline import make_pipeline
    >>> from sklearn.preprocessing import StandardScaler
    >>> from sklearn.svm import SVC
    >>> from skquantum import QuantumKernelTransformer
    >>> X, y = load_iris(return_X_y=True)
    >>> model = make_pipeline(
    ...     StandardScaler(), QuantumKernelTransformer(), SVC(kernel="precomputed")
    ... )
    >>> grid = {"quantumkerneltransformer__encoding__bandwidth": ["scale", 0.3]}
    >>> print(f"{GridSearchCV(model, grid).fit(X, y).best_score_:.1f}")
    1.0
    """

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        **KernelPartsMixin._parameter_constraints,
        "landmarks": ["array-like", None],
        "n_jobs": [Integral, None],
    }

    def __init__(
        self,
        encoding: str | Encoding = ENCODING,
        kernel: str | Kernel = KERNEL,
        landmarks: ArrayLike | None = None,
        backend: Backend | None = None,
        n_jobs: int | None = None,
    ) -> None:
        self.encoding = encoding
        self.kernel = kernel
        self.landmarks = landmarks
        self.backend = backend
        self.n_jobs = n_jobs

    components_: np.ndarray
    kernel_: Kernel

    @in_memory
    @all_or_nothing
    @_fit_context(prefer_skip_nested_validation=True)
    def fit(self, X: ArrayLike, y: Any = None) -> Self:
        """Settle the kernel by the rows, and keep those to compare with.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Training rows.
        y : object, default=None
            Not used.

        Returns
        -------
        self : QuantumKernelTransformer
            Fitted transformer.

        Raises
        ------
        ValueError
            If the rows do not suit the encoding, or landmarks have another width.
        """
        self._settle(validate_data(self, X, dtype=np.float64))
        return self

    def _settle(self, rows: np.ndarray) -> None:
        kernel = resolve_kernel(self.kernel, self.encoding, self.backend)
        # Building the circuit checks the encoding before anything is simulated.
        kernel.circuits(rows.shape[1])
        self.components_ = rows.copy()
        if self.landmarks is not None:
            landmarks = check_array(self.landmarks, dtype=np.float64, input_name="landmarks")
            if landmarks.shape[1] != rows.shape[1]:
                raise ValueError(
                    f"landmarks has {landmarks.shape[1]} features, but X has {rows.shape[1]}."
                )
            self.components_ = landmarks.copy()
        self.kernel_ = settled(kernel.fitted(rows))

    @all_or_nothing
    @_fit_context(prefer_skip_nested_validation=True)
    def _fit_rows(self, X: ArrayLike) -> np.ndarray:
        rows = validate_data(self, X, dtype=FLOATS)
        self._settle(rows.astype(np.float64, copy=False))
        return rows

    @in_memory
    def fit_transform(self, X: ArrayLike, y: Any = None) -> np.ndarray:
        """Keep the rows to compare with and return the kernel values of the training rows.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Training rows.
        y : object, default=None
            Not used.

        Returns
        -------
        ndarray of shape (n_samples, n_landmarks)
            Without landmarks, the matrix of the rows with themselves: exactly symmetric.
        """
        rows = self._fit_rows(X)
        if self.landmarks is not None:
            return self._values(rows)
        matrix = matrix_by_tiles(self.kernel_, self.components_, None, self.n_jobs)
        return matrix.astype(rows.dtype, copy=False)

    @by_blocks(transformed)
    def transform(self, X: ArrayLike) -> np.ndarray:
        """Return kernel values.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Rows, scaled as in `fit`.

        Returns
        -------
        ndarray of shape (n_samples, n_landmarks)
            Kernel values with `components_`.
        """
        check_is_fitted(self)
        return self._values(validate_data(self, X, dtype=FLOATS, reset=False))

    def _values(self, rows: np.ndarray) -> np.ndarray:
        out = np.empty((len(rows), len(self.components_)), dtype=rows.dtype)
        parts = self, self.kernel_, self.components_
        for block, values in values_by_blocks(*parts, rows, self.n_jobs):
            out[block] = values
        return out

    @property
    def _n_features_out(self) -> int:
        return len(self.components_)
