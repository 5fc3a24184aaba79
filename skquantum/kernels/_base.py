"""What a kernel is, and how a name stands for one."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any, ClassVar

import numpy as np
from numpy.typing import ArrayLike
from sklearn.base import BaseEstimator
from sklearn.utils import check_array

from skquantum._validation import validate_description
from skquantum.circuits import Encoding, resolve_encoding
from skquantum.execution import Backend, resolve_backend


class Kernel(BaseEstimator, ABC):
    """Base class of quantum kernels, which say how alike two rows are.

    A kernel is a callable description. It works wherever scikit-learn takes a callable
    (``SVC(kernel=...)``) and, through the matrix it returns, wherever it takes
    ``"precomputed"``. A subclass writes `_matrix`, which receives checked rows.

    Parameters
    ----------
    encoding : str or Encoding, default="zz"
        Circuit that encodes a row, or the name of one with its defaults.
    backend : Backend, default=None
        How the circuit is run; None means ``QsimBackend()``.
    """

    # The parts are checked where they are resolved, which says what would work.
    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {}

    def __init__(self, encoding: str | Encoding = "zz", backend: Backend | None = None) -> None:
        self.encoding = encoding
        self.backend = backend

    def __call__(self, X: ArrayLike, Y: ArrayLike | None = None) -> np.ndarray:
        """Return the kernel matrix.

        Parameters
        ----------
        X : array-like of shape (n_samples_X, n_features)
            Rows; how they are scaled matters, see the encoding.
        Y : array-like of shape (n_samples_Y, n_features), default=None
            Other rows; None (or `X` itself) gives the symmetric matrix of `X`.

        Returns
        -------
        ndarray of float64, shape (n_samples_X, n_samples_Y)
            Kernel values.

        Raises
        ------
        ValueError
            If a parameter is not valid, or if rows are not finite, differ in width, do not suit
            the encoding, or would need
            more memory than the backend allows.
        """
        validate_description(self)
        left = check_array(X, dtype=np.float64, input_name="X")
        if Y is None or Y is X:
            return self._matrix(left, None)
        right = check_array(Y, dtype=np.float64, input_name="Y")
        if left.shape[1] != right.shape[1]:
            raise ValueError(
                f"X and Y must have the same number of features, got {left.shape[1]} and "
                f"{right.shape[1]}."
            )
        return self._matrix(left, right)

    @abstractmethod
    def _matrix(self, X: np.ndarray, Y: np.ndarray | None) -> np.ndarray: ...

    def _parts(self) -> tuple[Encoding, Backend]:
        """Return the encoding and the backend that the parameters stand for."""
        return resolve_encoding(self.encoding), resolve_backend(self.backend)
