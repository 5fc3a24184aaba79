"""Squared overlaps of states that are held as columns.

Small problems are widened to double precision, where the cost does not matter and results
for a row then do not depend on the rows beside it to 1e-7. Where the product dominates, it is
computed in single precision: its error is about 1e-6.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from scipy.linalg import blas

DOUBLE_PRECISION_WORK = 2**23  # multiplications up to which double precision costs nothing
COPIED_BYTES = 2**26  # states up to this size are copied for a faster product
SMALL = 2**19  # values of a block of a matrix
ONE_PIECE = 2**20  # values of a Gram matrix that is made in one piece
LONG = 16  # states longer than this many times their number take far more memory than their matrix
TILE = 256  # rows at a time: the complex product is squared while it is still in cache
FEWEST_ROWS = 16  # at a time, whatever they take


def n_bytes(n_rows: int, n_columns: int | None, dim: int) -> int:
    """Return the memory that a matrix of fidelities takes, with its states and their copies.

    Parameters
    ----------
    n_rows : int
    n_columns : int or None
        None for a Gram matrix.
    dim : int
        Length of a state.
    """
    if n_columns is None:
        states = 8 * dim * n_rows
        return 8 * n_rows * n_rows + states + min(states, COPIED_BYTES)
    return 8 * n_rows * n_columns + 8 * dim * (n_rows + n_columns)


def row_blocks(n_rows: int, n_columns: int, dim: int = 1) -> Iterator[slice]:
    """Split the rows of a matrix so that what is made of a block takes little memory."""
    rows = max(1, min(TILE, SMALL // max(n_columns, 1)))
    rows = min(rows, max(FEWEST_ROWS, 2 * SMALL // dim))
    for begin in range(0, n_rows, rows):
        yield slice(begin, min(begin + rows, n_rows))


def gram_fidelities(states: np.ndarray, out: np.ndarray | None = None) -> np.ndarray:
    """Return the fidelities of all pairs of columns: exactly symmetric, with a unit diagonal.

    Parameters
    ----------
    states : ndarray of complex64, shape (dim, n_states)
    out : ndarray of float64, shape (n_states, n_states), default=None
        Where to put them.

    Returns
    -------
    ndarray of float64, shape (n_states, n_states)
    """
    n = states.shape[1]
    if n * n * len(states) <= DOUBLE_PRECISION_WORK:
        states = states.astype(complex)
    copied = states.nbytes <= COPIED_BYTES
    if (n * n <= ONE_PIECE) if copied else (n * LONG <= len(states)):
        found = (_real_gram if copied else _herk)(states).astype(float, copy=False)
        if out is None:
            out = found
        else:
            out[:] = found
    else:
        out = np.empty((n, n)) if out is None else out
        _gram_by_blocks(states, out)
    np.fill_diagonal(out, 1.0)  # states are unit vectors: any other value is rounding
    return out


def _real_gram(states: np.ndarray) -> np.ndarray:
    """Return the fidelities by real products: as much work, and better tuned than complex ones."""
    parts = np.stack([states.real, states.imag])
    flat = parts.reshape(2 * len(states), -1)  # there may be no columns
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


def _gram_by_blocks(states: np.ndarray, out: np.ndarray) -> None:
    """Compute the fidelities, block by block of the upper triangle."""
    n = states.shape[1]
    parts = None
    if states.nbytes <= COPIED_BYTES:
        parts = np.stack([states.real, states.imag]).reshape(-1, n)
    for rows in row_blocks(n, n, len(states)):
        if parts is None:
            block = _square(states[:, rows].conj().T @ states[:, rows.start :])
        else:
            block = _squared_real(parts, rows)
        corner = block[:, : len(block)]
        corner += corner.T.copy()
        corner /= 2
        out[rows, rows.start :] = block
        out[rows.start :, rows] = block.T


def _squared_real(parts: np.ndarray, rows: slice) -> np.ndarray:
    """Return the fidelities of columns with themselves and those after them."""
    dim = len(parts) // 2
    others = parts[:, rows.start :]
    real = parts[:, rows].T @ others
    imaginary = parts[:dim, rows].T @ others[dim:]
    imaginary -= parts[dim:, rows].T @ others[:dim]
    real *= real
    imaginary *= imaginary
    real += imaginary
    return real


def cross_fidelities(
    left: np.ndarray, right: np.ndarray, out: np.ndarray | None = None
) -> np.ndarray:
    """Return the fidelities of the columns of one array with those of another.

    Parameters
    ----------
    left : ndarray of complex64, shape (dim, n_left)
    right : ndarray of complex64, shape (dim, n_right)
    out : ndarray of float64, shape (n_left, n_right), default=None
        Where to put them.

    Returns
    -------
    ndarray of float64, shape (n_left, n_right)
    """
    if out is None:
        out = np.empty((left.shape[1], right.shape[1]))
    if out.size == 0:
        return out
    # Copies in double precision are made of as many columns as a block has rows.
    wide = out.size * len(left) <= DOUBLE_PRECISION_WORK
    step = max(FEWEST_ROWS, 2 * SMALL // len(left)) if wide else len(right.T)
    for begin in range(0, right.shape[1], step):
        columns = slice(begin, min(begin + step, right.shape[1]))
        block = right[:, columns].astype(complex) if wide else right
        for rows in row_blocks(len(out), block.shape[1], len(left)):
            part = left[:, rows].astype(complex) if wide else left[:, rows]
            out[rows, columns] = _square(_product(part, block))
    return out


def _product(left: np.ndarray, right: np.ndarray) -> np.ndarray:
    (gemm,) = blas.get_blas_funcs(("gemm",), dtype=left.dtype)
    return gemm(1.0, right.T, left.T, trans_b=2).T


def _square(product: np.ndarray) -> np.ndarray:
    return product.real**2 + product.imag**2
