"""Encoding into the amplitudes of a state."""

from collections.abc import Iterator
from typing import Any

import cirq
import numpy as np
import sympy

from skquantum.circuits._base import Encoding
from skquantum.circuits._multiplexed import MultiplexedRy


class AmplitudeEncoding(Encoding):
    """State whose amplitudes are the row itself, normalised.

    A row of `n_features` values, padded with zeros to ``2**n_qubits`` and divided by its norm,
    becomes the state's amplitudes, signs included. The circuit is a binary tree of multiplexed
    rotations about Y [1]_; its symbols ``theta_0``, ``theta_1``, ... are the angles of that
    tree from the root down, ``2**n_qubits - 1`` in number, which :meth:`encode` computes from the
    data, in radians. The number of qubits is the base-2 logarithm of `n_features`, rounded up, and
    at least 1.

    The length of a row is lost, its direction is what counts; rows of zeros have none, and are
    refused. Where both amplitudes of a pair are zero the angle between them is not defined, and
    its gradient is taken to be zero. The fidelity of two rows is the square of their cosine
    similarity.

    References
    ----------
    .. [1] M. Möttönen et al. (2004). Transformation of quantum states using uniformly
       controlled rotations. :arxiv:`quant-ph/0407010`

    Examples
    --------
    >>> import numpy as np
    >>> from skquantum.circuits import AmplitudeEncoding
    >>> print(AmplitudeEncoding().build(4))
    0: ───Ry(theta_0)───◇──────────────────────
                        │
    1: ─────────────────Ry(theta_1, theta_2)───
    >>> AmplitudeEncoding().encode([[1.0, 1.0, 0.0, 0.0]]) / np.pi
    array([[0. , 0.5, 0. ]])
    """

    accepts = "directions"

    def build(self, n_features: int) -> cirq.Circuit:
        angles = self.symbols(n_features)
        qubits = cirq.LineQubit.range(self.width(n_features))
        return cirq.Circuit(
            MultiplexedRy(angles[2**level - 1 : 2 ** (level + 1) - 1])(*qubits[: level + 1])
            for level in range(len(qubits))
        )

    def symbols(self, n_features: int) -> tuple[sympy.Symbol, ...]:
        return tuple(sympy.Symbol(f"theta_{i}") for i in range(2 ** self.width(n_features) - 1))

    def width(self, n_features: int) -> int:
        return max(1, (self._check_size(n_features, "n_features") - 1).bit_length())

    def n_inputs(self, n_qubits: int) -> int:
        """Return the number of amplitudes of a register, see :meth:`Encoding.n_inputs`."""
        return 2**n_qubits

    def check(self, X: Any) -> np.ndarray:
        X = super().check(X)
        _refuse_zero_rows(X)
        return X

    def encode(self, X: Any) -> np.ndarray:
        return np.hstack(list(_angles_from_root(self._padded(self.check(X)))))

    def states(self, X: Any) -> np.ndarray:
        X = self.check(X)
        # Columns are states for the simulator.
        states = np.zeros((2 ** max(1, (X.shape[1] - 1).bit_length()), len(X)))
        states[: X.shape[1]] = X.T
        # By the largest entry first: squares could overflow.
        states /= np.abs(states).max(axis=0)
        states /= np.sqrt(np.einsum("zk,zk->k", states, states))
        return states.T

    def encode_vjp(self, X: np.ndarray, gradient: np.ndarray) -> np.ndarray:
        return _gradient_from_root(self._padded(X), gradient)[:, : X.shape[1]]

    def _padded(self, X: np.ndarray) -> np.ndarray:
        missing = 2 ** self.width(X.shape[1]) - X.shape[1]
        return np.pad(X, ((0, 0), (0, missing)))


def _angles_from_root(amplitudes: np.ndarray) -> Iterator[np.ndarray]:
    """Yield the angles of each level, an array of shape (n_samples, 2**level)."""
    left, right = amplitudes[:, 0::2], amplitudes[:, 1::2]
    if left.shape[1] > 1:
        # The levels above split norms, which have no sign; the signs are in the leaves.
        yield from _angles_from_root(np.hypot(left, right))
    yield 2 * np.arctan2(right, left)


def _gradient_from_root(amplitudes: np.ndarray, gradient: np.ndarray) -> np.ndarray:
    """Return the gradient for the amplitudes from the one for the angles of all levels."""
    left, right = amplitudes[:, 0::2], amplitudes[:, 1::2]
    norm = np.hypot(left, right)
    safe = np.where(norm > 0, norm, 1.0)
    width = left.shape[1]
    angle = 2 * gradient[:, -width:] / safe / safe  # its square could underflow
    out = np.empty_like(amplitudes, dtype=float)
    out[:, 0::2], out[:, 1::2] = -angle * right, angle * left
    if width > 1:
        above = _gradient_from_root(norm, gradient[:, :-width]) / safe
        out[:, 0::2] += above * left
        out[:, 1::2] += above * right
    return out


def _refuse_zero_rows(X: np.ndarray) -> None:
    with np.errstate(over="ignore"):  # a sum may be infinite; it must only not be zero
        rows = np.flatnonzero(np.abs(X) @ np.ones(X.shape[1]) == 0)
    if len(rows):
        shown = ", ".join(map(str, rows[:10])) + (", ..." if len(rows) > 10 else "")
        raise ValueError(
            f"AmplitudeEncoding can't normalise rows of zeros: X has {len(rows)} of them among "
            f"{len(X)} rows (index {shown}). Drop them, or add a column of ones first, for "
            "instance with sklearn.preprocessing.PolynomialFeatures(degree=1)."
        )
