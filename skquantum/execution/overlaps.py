"""Squared overlaps of states that are held as columns.

Small problems are widened to double precision, where the cost does not matter and results
for a row then do not depend on the rows beside it to 1e-7. Where the product dominates, it is
computed in single precision: its error is about 1e-6.
"""

from __future__ import annotations

import numpy as np
from scipy.linalg import blas

DOUBLE_PRECISION_WORK = 2**23  # multiplications up to which double precision costs nothing
COPIED_BYTES = 2**26  # states up to this size are copied for a faster product
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
    if n * n * len(states) <= DOUBLE_PRECISION_WORK:
        states = states.astype(complex)
    product = _real_gram if states.nbytes <= COPIED_BYTES else _herk
    out = product(states).astype(float, copy=False)
    np.fill_diagonal(out, 1.0)  # states are unit vectors: any other value is rounding
    return out


def _real_gram(states: np.ndarray) -> np.ndarray:
    """Return the fidelities by real products: as much work, and better tuned than complex ones."""
    parts = np.stack([states.real, states.imag])
    flat = parts.reshape(-1, states.shape[1])
    real = flat.T @ flat  # of one array with itself: NumPy computes one triangle
    half = parts[1].T @ parts[0]
    imaginary = half - half.T
    real *= real
    imaginary *= imaginary
    real += imaginary
    return real


def _herk(states: np.ndarray) -> np.ndarray:
    """Return the fidelities by one complex product, without a copy of the states."""
    (herk,) = blas.get_blas_funcs(("herk",), dtype=states.dtype)
    # BLAS wants Fortran order: it sees every array transposed, and gives one triangle.
    square = np.triu(_square(herk(1.0, states.T, lower=1).T))
    return square + np.triu(square, 1).T


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
