"""Squared overlaps of states that are held as columns.

Small problems are widened to double precision, where the cost does not matter and results
for a row then do not depend on the rows beside it to 1e-7. Where the product dominates, it is
computed in single precision: its error is about 1e-6.
"""

from __future__ import annotations

import numpy as np
from scipy.linalg import blas

DOUBLE_PRECISION_WORK = 2**23  # multiplications up to which double precision costs nothing
TILE = 256  # columns at a time: the complex product is squared while it is still in cache


def gram_fidelities(states: np.ndarray) -> np.ndarray:
    """Return the fidelities of all pairs of columns: exactly symmetric, with a unit diagonal.

    Parameters
    ----------
    states : ndarray of complex64, shape (dim, n_states)

    Returns
    -------
    ndarray of float64, shape (n_states, n_states)
    """
    n = states.shape[1]
    out = np.empty((n, n))
    if n * n * len(states) <= DOUBLE_PRECISION_WORK:
        states = states.astype(complex)
    (herk,) = blas.get_blas_funcs(("herk",), dtype=states.dtype)
    # A tile copies its columns: worth it only where the result is larger than the states.
    tile = TILE if len(states) < n else max(n, 1)
    for begin in range(0, n, tile):
        stop = min(begin + tile, n)
        # BLAS wants Fortran order: it sees every array transposed, and gives one triangle.
        corner = np.triu(_square(herk(1.0, states[:, begin:stop].T, lower=1).T), 1)
        out[begin:stop, begin:stop] = corner + corner.T
        if stop < n:
            beside = _square(_product(states[:, begin:stop], states[:, stop:]))
            out[begin:stop, stop:] = beside
            out[stop:, begin:stop] = beside.T
    np.fill_diagonal(out, 1.0)  # states are unit vectors: any other value is rounding
    return out


def cross_fidelities(left: np.ndarray, right: np.ndarray) -> np.ndarray:
    """Return the fidelities of the columns of one array with those of another.

    Parameters
    ----------
    left : ndarray of complex64, shape (dim, n_left)
    right : ndarray of complex64, shape (dim, n_right)

    Returns
    -------
    ndarray of float64, shape (n_left, n_right)
    """
    out = np.empty((left.shape[1], right.shape[1]))
    if out.size * len(left) <= DOUBLE_PRECISION_WORK:
        left, right = left.astype(complex), right.astype(complex)
    if right.shape[1]:
        for begin in range(0, len(out), TILE):
            rows = slice(begin, begin + TILE)
            out[rows] = _square(_product(left[:, rows], right))
    return out


def _product(left: np.ndarray, right: np.ndarray) -> np.ndarray:
    (gemm,) = blas.get_blas_funcs(("gemm",), dtype=left.dtype)
    return gemm(1.0, right.T, left.T, trans_b=2).T


def _square(product: np.ndarray) -> np.ndarray:
    return product.real**2 + product.imag**2
