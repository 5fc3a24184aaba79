"""Finite numbers of shots, drawn from exact distributions for all rows at once.

Every draw is a function of the seed, the circuit, the measurement and the values of its row, and
of nothing else: not of the row's place, of its neighbours or of the size of a chunk. So a row
gives the same counts alone and in company, and results are reproducible. That takes random
numbers that are computed from a counter instead of one after another [1]_.

References
----------
.. [1] J. K. Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", Proceedings of SC11
   (2011), https://doi.org/10.1145/2063384.2063405
"""

from __future__ import annotations

import hashlib
import re
from functools import lru_cache
from typing import Any

import cirq
import numpy as np
from scipy.stats import binom

RESOLUTION = 2.0**30

# The finaliser and the increment of SplitMix64 (Steele, Lea and Flood, "Fast splittable
# pseudorandom number generators", OOPSLA 2014).
_INCREMENT = np.uint64(0x9E3779B97F4A7C15)
_FACTORS = np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB)
_SHIFTS = np.uint64(30), np.uint64(27), np.uint64(31)


def _mixed(words: np.ndarray) -> np.ndarray:
    """Return 64-bit words whose bits all depend on all bits of the given ones."""
    words = (words ^ (words >> _SHIFTS[0])) * _FACTORS[0]
    words = (words ^ (words >> _SHIFTS[1])) * _FACTORS[1]
    return words ^ (words >> _SHIFTS[2])


def row_keys(seed: int | None, label: str, values: np.ndarray) -> np.ndarray:
    """Return one key for each row of symbol values.

    Parameters
    ----------
    seed : int or None
        None takes fresh entropy from the operating system.
    label : str
        What else the draws depend on: circuit and measurement.
    values : ndarray of float64, shape (n_samples, n_symbols)
        Told apart to about 1e-9: what a model computes before the circuit may differ in its last
        digit from one batch to another.

    Returns
    -------
    ndarray of uint64, shape (n_samples,)
    """
    entropy = np.random.SeedSequence().entropy if seed is None else int(seed)
    digest = hashlib.blake2b(f"{entropy}|{label}".encode(), digest_size=8).digest()
    keys = np.full(len(values), np.frombuffer(digest, np.uint64)[0])
    steps = np.rint(values.T * RESOLUTION) + 0.0  # there are two zeros
    for column in np.ascontiguousarray(steps):
        keys = _mixed((keys ^ column.view(np.uint64)) + _INCREMENT)
    return keys


def pair_keys(left: np.ndarray, right: np.ndarray) -> np.ndarray:
    """Return one key for each pair of rows, the same in both orders.

    Parameters
    ----------
    left, right : ndarray of uint64, shape (n_left,) and (n_right,)

    Returns
    -------
    ndarray of uint64, shape (n_left, n_right)
    """
    low, high = np.minimum.outer(left, right), np.maximum.outer(left, right)
    return _mixed(_mixed(low + _INCREMENT) ^ high)


def uniform(keys: np.ndarray, counter: int | np.ndarray = 0) -> np.ndarray:
    """Return uniform numbers in [0, 1), one for each pair of key and counter."""
    steps = np.asarray(counter, dtype=np.uint64) + np.uint64(1)
    return (_mixed(keys + steps * _INCREMENT) >> np.uint64(11)) * 2.0**-53


def binomial(n: Any, p: np.ndarray, uniforms: np.ndarray) -> np.ndarray:
    """Return binomial numbers, by the inverse of their distribution function.

    Parameters
    ----------
    n : int or ndarray
        Numbers of trials.
    p : ndarray
        Probabilities of success.
    uniforms : ndarray
        From `uniform`.

    Returns
    -------
    ndarray of int64
    """
    n, p, uniforms = np.broadcast_arrays(n, p, uniforms)
    out = np.where(p >= 1, n, 0)
    open_ = (n > 0) & (p > 0) & (p < 1)
    # For a uniform number of zero it is one below the least value.
    out[open_] = np.maximum(binom.ppf(uniforms[open_], n[open_], p[open_]), 0)
    return out


def multinomial(keys: np.ndarray, shots: int, probabilities: np.ndarray) -> np.ndarray:
    """Return how often each outcome is seen in so many shots.

    The shots are split by the first bit of the outcome, each part by the second one, and so
    on: a binomial number each time, so that the work does not grow with the number of shots.

    Parameters
    ----------
    keys : ndarray of uint64, shape (n_samples,)
    shots : int
    probabilities : ndarray of shape (n_samples, 2 ** n_qubits)
        Non-negative up to rounding; normalised here.

    Returns
    -------
    ndarray of int64, shape (n_samples, 2 ** n_qubits)
    """
    n_rows, dim = probabilities.shape
    leaves = np.maximum(probabilities, 0.0)
    counts = np.full((n_rows, 1), shots)
    for level in range(dim.bit_length() - 1):
        halves = leaves.reshape(n_rows, 2**level, 2, -1).sum(axis=-1)
        mass = halves.sum(axis=-1)
        share = np.divide(halves[..., 0], mass, out=np.ones_like(mass), where=mass > 0)
        numbers = uniform(keys[:, None], 2**level + np.arange(2**level))
        first = binomial(counts, share, numbers)
        counts = np.stack([first, counts - first], axis=-1).reshape(n_rows, -1)
    return counts


@lru_cache(maxsize=64)
def circuit_label(circuit: cirq.FrozenCircuit) -> str:
    """Return a text that is the same for equal circuits, in every process."""
    text = re.sub(r" at 0x[0-9a-f]+", "", repr(circuit))  # of gates without a repr of their own
    return hashlib.blake2b(text.encode(), digest_size=16).hexdigest()
