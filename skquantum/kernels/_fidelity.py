"""The fidelity kernel."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import ClassVar

import numpy as np

from skquantum.circuits import Encoding
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

    def _jvp(self, X: np.ndarray, tangents: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        encoding, backend = self._parts()
        index, block = encoding.blocks(X.shape[1]), encoding.block
        circuit, symbols = block.compiled(index.shape[1])
        matrix = np.ones((len(X), len(X)))
        derivatives = np.zeros((*matrix.shape, tangents.shape[2]))
        for columns in index:
            rows, along = encoded_tangents(block, X[:, columns], tangents[:, columns])
            states, moved = backend.states_jvp(circuit, symbols, rows, along)
            overlaps = states.conj() @ states.T
            own = np.abs(overlaps) ** 2
            derivatives *= own[..., None]
            for p in range(tangents.shape[2]):
                part = moved[..., p].conj() @ states.T  # <d psi_i|psi_j>
                slopes = 2 * (overlaps.conj() * (part + part.conj().T)).real
                derivatives[..., p] += matrix * slopes
            matrix *= own
        np.fill_diagonal(matrix, 1.0)
        return (matrix + matrix.T) / 2, derivatives

    def _diagonal(self, X: np.ndarray) -> np.ndarray:
        encoding, backend = self._parts()
        index, block = encoding.blocks(X.shape[1]), encoding.block
        circuit, symbols = block.compiled(index.shape[1])
        return _product(
            backend.self_overlaps(circuit, symbols, block.encode(X[:, columns]))
            for columns in index
        )


def encoded_tangents(
    encoding: Encoding, X: np.ndarray, tangents: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return what the symbols receive, and how fast it changes along each direction."""
    rows = encoding.encode(X)
    if type(encoding).encode is Encoding.encode:
        return rows, tangents
    along = np.empty((*rows.shape, tangents.shape[2]))
    for symbol in range(rows.shape[1]):
        one = np.zeros(rows.shape)
        one[:, symbol] = 1.0
        slopes = encoding.encode_vjp(X, one)
        along[:, symbol] = np.einsum("rf,rfp->rp", slopes, tangents)
    return rows, along


def _product(arrays: Iterable[np.ndarray]) -> np.ndarray:
    """Return the product of a few arrays, one of which is made at a time."""
    iterator = iter(arrays)
    product = next(iterator)
    for array in iterator:
        product *= array
    return product
