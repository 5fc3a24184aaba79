"""Landmarks: few rows whose kernel values stand for those of all."""

from __future__ import annotations

import numpy as np
from scipy.linalg import cholesky, solve_triangular
from sklearn.cluster import kmeans_plusplus

from skquantum.kernels import Kernel

LANDMARKS = ("uniform", "kmeans", "rpcholesky")
# Pivots proposed at a time: one block of kernel values for many landmarks.
PROPOSALS = 64
# Kernel values come from single precision, good to a few 1e-6: what is left of a diagonal below
# this share is rounding.
EXHAUSTED = 1e-5
# Eigenvalues below this share of the largest are rounding likewise.
ROUNDING = 1e-6


def kmeans_landmarks(X: np.ndarray, n_landmarks: int, rng: np.random.RandomState) -> np.ndarray:
    """Return the indices of rows that are far from one another, by the seeding of k-means."""
    _, indices = kmeans_plusplus(X, n_landmarks, random_state=rng)
    return indices


def rpcholesky_landmarks(
    kernel: Kernel,
    X: np.ndarray,
    n_landmarks: int,
    tolerance: float,
    rng: np.random.RandomState,
) -> tuple[np.ndarray, float]:
    """Choose landmarks by a randomly pivoted Cholesky decomposition.

    A row is chosen with a probability in proportion to what the rows chosen so far leave of its
    diagonal entry [1]_. Pivots are proposed a block at a time, and those that the block's own
    members have made unlikely are rejected, which gives the same distribution [2]_.

    Parameters
    ----------
    kernel : Kernel
    X : ndarray of shape (n_samples, n_features)
        The rows to choose from.
    n_landmarks : int
        How many to choose at most.
    tolerance : float
        Stop where the diagonal that is left has this share of the whole.
    rng : RandomState

    Returns
    -------
    chosen : ndarray of int, shape (n_chosen,)
        In the order in which they were chosen; fewer than `n_landmarks` if they leave nothing.
    left : float
        The share of the diagonal that they leave.

    References
    ----------
    .. [1] Y. Chen, E. N. Epperly, J. A. Tropp and R. J. Webber, "Randomly pivoted Cholesky:
       practical approximation of a kernel matrix with few entry evaluations", Communications on
       Pure and Applied Mathematics 78, 995 (2025), https://arxiv.org/abs/2207.06503
    .. [2] E. N. Epperly, J. A. Tropp and R. J. Webber, "Embrace rejection: kernel matrix
       approximation by accelerated randomly pivoted Cholesky" (2024),
       https://arxiv.org/abs/2410.03969
    """
    left = np.maximum(kernel.diag(X), 0.0)
    whole, floor = left.sum(), EXHAUSTED * left.max(initial=0.0)
    factor = np.empty((len(X), n_landmarks))
    chosen: list[int] = []
    while len(chosen) < n_landmarks and left.sum() > tolerance * whole:
        drawn = rng.choice(len(X), size=PROPOSALS, p=left / left.sum())
        proposed, place = np.unique(drawn, return_inverse=True)
        known = factor[proposed, : len(chosen)]
        residual = kernel(X[proposed]) - known @ known.T
        kept = _accepted(residual, left[proposed], place, floor, rng)
        kept = kept[: n_landmarks - len(chosen)]
        # As it was just computed: where that is rounding, the row is never proposed again.
        left[proposed] = np.where(np.diag(residual) > floor, np.diag(residual), 0.0)
        if not kept:
            continue
        block = proposed[kept]
        lower = cholesky(residual[np.ix_(kept, kept)], lower=True)
        values = kernel.against(X[block])(X) - factor[:, : len(chosen)] @ known[kept].T
        new = solve_triangular(lower, values.T, lower=True).T
        factor[:, len(chosen) : len(chosen) + len(kept)] = new
        chosen.extend(block.tolist())
        left -= (new**2).sum(axis=1)
        left[left <= floor] = 0.0
        left[chosen] = 0.0
    return np.array(chosen, dtype=np.intp), float(left.sum() / whole) if whole else 0.0


def _accepted(
    residual: np.ndarray,
    before: np.ndarray,
    drawn: np.ndarray,
    floor: float,
    rng: np.random.RandomState,
) -> list[int]:
    """Return which proposed pivots are kept: those that the ones before them have left likely."""
    work, kept = residual.copy(), []
    for i, chance in zip(drawn, rng.uniform(size=len(drawn)), strict=True):
        if i not in kept and work[i, i] > floor and chance * before[i] < work[i, i]:
            column = work[:, i] / np.sqrt(work[i, i])
            work -= np.outer(column, column)
            kept.append(int(i))
    return kept


def inverse_root(matrix: np.ndarray) -> np.ndarray:
    """Return the pseudo-inverse of the square root of a kernel matrix.

    Directions are left out whose eigenvalue is rounding, or not above the size of the most
    negative one: that is what noise and shots bring about, as often upwards as downwards.

    Parameters
    ----------
    matrix : ndarray of shape (n, n)
        Symmetric; positive semi-definite but for rounding and noise.

    Returns
    -------
    ndarray of shape (n, n)
        Symmetric.

    Raises
    ------
    ValueError
        If nothing is left.
    """
    values, vectors = np.linalg.eigh(matrix)
    kept = values > max(ROUNDING * values[-1], -values[0], 0.0)
    if not kept.any():
        raise ValueError(
            f"The kernel matrix of the landmarks has eigenvalues from {values[0]:.3g} to "
            f"{values[-1]:.3g}: noise has left nothing of the kernel. Use more shots, less noise "
            "or a shorter circuit."
        )
    return (vectors[:, kept] / np.sqrt(values[kept])) @ vectors[:, kept].T
