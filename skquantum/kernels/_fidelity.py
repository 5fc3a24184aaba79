"""The fidelity kernel."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import ClassVar

import numpy as np

from skquantum.kernels._base import Kernel


class FidelityKernel(Kernel):
    """Fidelity of the states that two rows are encoded in.

    ``K(x, y) = |<phi(x)|phi(y)>|^2``, with the state ``|phi(x)>`` that the encoding circuit
    prepares [1]_. N rows cost N state simulations and one matrix product; on hardware,
    one compute-uncompute circuit for each pair of rows, a row with itself included. The matrix of
    a set of rows with itself is exactly symmetric, has ones on its diagonal and is positive
    semi-definite up to rounding (about 1e-6).

    Parameters
    ----------
    encoding : str or Encoding, default="zz"
        Circuit that encodes a row, or the name of one with its defaults.
    backend : Backend, default=None
        How the circuit is run; None means ``QsimBackend()``.
    n_jobs : int, default=None
        Jobs that tiles of a matrix are shared among, through joblib: ``joblib.parallel_config``
        names where they run (processes, dask, ray). None means 1.

    References
    ----------
    .. [1] V. Havlicek et al., "Supervised learning with quantum-enhanced feature spaces",
       Nature 567, 209 (2019), https://arxiv.org/abs/1804.11326

    Examples
    --------
    >>> from skquantum.kernels import FidelityKernel
    >>> FidelityKernel("angle")([[0.0], [1.5707963267948966]]).round(4)
    array([[1. , 0.5],
           [0.5, 1. ]])
    >>> from sklearn.svm import SVC
    >>> SVC(kernel=FidelityKernel("angle")).fit([[0.0], [0.2], [1.4], [1.5]], [0, 0, 1, 1])
    SVC(kernel=FidelityKernel(encoding='angle'))
    """

    mitigations: ClassVar = ("depolarizing",)

    def n_circuits(self, n_rows: int) -> int:
        return n_rows * (n_rows + 1) // 2

    def fitted(self, X: np.ndarray, weight: np.ndarray | None = None) -> Kernel:
        """Return the kernel with what depends on the training rows settled; see `Kernel.fitted`.

        Differences of all features add up in a fidelity, whatever blocks they are in.
        """
        return self._with_encoding(X, weight, n_together=X.shape[1])

    def _matrix(self, X: np.ndarray, Y: np.ndarray | None) -> np.ndarray:
        encoding, backend = self._parts()
        index, block = encoding.blocks(X.shape[1]), encoding.block
        circuit, symbols = block.compiled(index.shape[1])
        matrix: np.ndarray | float = 1.0
        for columns in index:  # the state is the product of the blocks' states
            left = block.encode(X[:, columns])
            right = None if Y is None else block.encode(Y[:, columns])
            matrix = matrix * backend.overlaps(circuit, symbols, left, right)
        return np.asarray(matrix)

    def _against(self, Y: np.ndarray) -> Callable[[np.ndarray], np.ndarray]:
        encoding, backend = self._parts()
        index, block = encoding.blocks(Y.shape[1]), encoding.block
        circuit, symbols = block.compiled(index.shape[1])
        prepared = [
            (columns, backend.overlaps_with(circuit, symbols, block.encode(Y[:, columns])))
            for columns in index
        ]

        def values(X: np.ndarray) -> np.ndarray:
            each = (overlaps(block.encode(X[:, columns])) for columns, overlaps in prepared)
            return _product(each)

        return values

    def _diagonal(self, X: np.ndarray) -> np.ndarray:
        encoding, backend = self._parts()
        index, block = encoding.blocks(X.shape[1]), encoding.block
        circuit, symbols = block.compiled(index.shape[1])
        return _product(
            backend.self_overlaps(circuit, symbols, block.encode(X[:, columns]))
            for columns in index
        )


def _product(arrays: Iterable[np.ndarray]) -> np.ndarray:
    """Return the product of a few arrays, one of which is made at a time."""
    iterator = iter(arrays)
    product = next(iterator)
    for array in iterator:
        product *= array
    return product
