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
SMALL = 2**19  # values of a block of a matrix
FEW = 512  # states whose products are made at once
STRIP = 64  # rows of a Gram matrix that are made, or squared and mirrored, at a time
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
        products = 8 * n_rows * (n_rows if _in_one_piece(n_rows, dim) else STRIP)
        return 8 * n_rows * n_rows + 8 * dim * n_rows + products
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
    out = np.empty((n, n)) if out is None else out
    if _in_one_piece(n, len(states)):
        if n:
            _gram_in_one_piece(states, out)
    else:
        _gram_by_strips(states, out)
    np.fill_diagonal(out, 1.0)  # states are unit vectors: any other value is rounding
    return out


def _in_one_piece(n: int, dim: int) -> bool:
    """Whether all products are made at once: few of them, or few beside the states."""
    return n <= FEW or 2 * n <= dim


def _gram_in_one_piece(states: np.ndarray, out: np.ndarray) -> None:
    """Compute the fidelities by one product, of which BLAS makes one triangle."""
    (herk,) = blas.get_blas_funcs(("herk",), dtype=states.dtype)
    # BLAS wants Fortran order: it sees every array transposed, and gives its lower triangle.
    products = herk(1.0, states.T, lower=1).T
    for begin in range(0, len(out), STRIP):
        _mirror(products[begin : begin + STRIP, begin:], begin, out)


def _gram_by_strips(states: np.ndarray, out: np.ndarray) -> None:
    """Compute the fidelities some rows at a time, in memory that is used again."""
    n = len(out)
    memory = np.empty(STRIP * n, dtype=states.dtype)
    for begin in range(0, n, STRIP):
        rows = states[:, begin : begin + STRIP]
        products = memory[: rows.shape[1] * (n - begin)].reshape(rows.shape[1], n - begin)
        np.matmul(rows.conj().T, states[:, begin:], out=products)
        _mirror(products, begin, out)


def _mirror(products: np.ndarray, begin: int, out: np.ndarray) -> None:
    """Put squares of products of some rows with themselves, and those after them, into a matrix.

    Of products with themselves the upper triangle is taken.
    """
    strip = _square(products)
    n_rows = len(strip)
    corner = np.triu(strip[:, :n_rows])
    strip[:, :n_rows] = corner + np.triu(corner, 1).T
    out[begin : begin + n_rows, begin:] = strip
    out[begin + n_rows :, begin : begin + n_rows] = strip[:, n_rows:].T


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
