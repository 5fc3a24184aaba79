"""What probabilities tell of a model's weights: Fisher information, effective dimension."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import logsumexp, softmax
from sklearn.base import BaseEstimator, is_classifier, is_regressor
from sklearn.utils import _safe_indexing, check_random_state, gen_batches
from sklearn.utils.validation import _num_samples, check_is_fitted

from skquantum._validation import unknown
from skquantum.inspection._plots import axes_or_new
from skquantum.layers import QuantumLayer

if TYPE_CHECKING:
    from matplotlib.axes import Axes

# Derivatives that are held at a time are at most so many numbers.
NUMBERS = 2**22
OUTCOMES = ("basis", "parity")
# Amplitudes below have no phase in double precision: what they stand for is impossible.
IMPOSSIBLE = 1e-9

# From rows and the weights of each to the roots of what outcomes add to the information,
# shape (n_samples, n_outcomes, n_weights).
Roots = Callable[[Any, np.ndarray], np.ndarray]


@dataclass(frozen=True, eq=False)
class FisherInformation:
    """Fisher information matrices of a model, for several draws of its weights.

    Attributes
    ----------
    matrices : ndarray of shape (n_draws, n_weights, n_weights)
        The Fisher information of each draw, its mean over the rows.
    weights : ndarray of shape (n_draws, n_weights)
        The draws, in radians.
    """

    matrices: np.ndarray
    weights: np.ndarray

    def __repr__(self) -> str:
        """Show what it is of."""
        n_draws, n_weights = self.weights.shape
        return f"FisherInformation(n_weights={n_weights}, n_draws={n_draws})"

    @property
    def normalized(self) -> np.ndarray:
        """The matrices by a common factor, so that their mean trace is the number of weights.

        Shape (n_draws, n_weights, n_weights).

        Raises
        ------
        ValueError
            If all matrices are zero.
        """
        trace = np.einsum("kii->k", self.matrices).mean()
        if not trace > IMPOSSIBLE**2:
            raise ValueError(
                "The probabilities do not depend on the weights: all Fisher matrices are zero, "
                "and there is nothing to normalise by. Measure what the weights change."
            )
        return self.matrices * (self.matrices.shape[1] / trace)

    def eigenvalues(self) -> np.ndarray:
        """Return the eigenvalues of the normalised matrices, in ascending order.

        Returns
        -------
        ndarray of shape (n_draws, n_weights)
            Not negative. Their mean is 1; a flat landscape has most of them near 0.
        """
        return np.maximum(np.linalg.eigvalsh(self.normalized), 0.0)

    def ranks(self, tol: float = 1e-6) -> np.ndarray:
        """Return how many directions of the weights change the probabilities, for each draw.

        Parameters
        ----------
        tol : float, default=1e-6
            What an eigenvalue of a normalised matrix has to exceed.

        Returns
        -------
        ndarray of int, shape (n_draws,)
        """
        return (self.eigenvalues() > tol).sum(axis=1)

    def effective_dimension(
        self, n_samples: ArrayLike, *, gamma: float = 1.0, normalize: bool = True
    ) -> float | np.ndarray:
        """Return the effective dimension of the model at a number of samples.

        With the normalised matrices F and k = gamma n / (2 pi log n), for n samples, it is
        2 log(mean of sqrt(det(1 + k F))) / log k, where the mean is over the draws [1]_.

        Parameters
        ----------
        n_samples : int or array-like of int
            Samples that a training would have: the more, the finer the differences between
            models that count.
        gamma : float, default=1.0
            Constant of the definition, above 0 and at most 1.
        normalize : bool, default=True
            Divide by the number of weights.

        Returns
        -------
        float or ndarray of the shape of `n_samples`
            With all directions alike, log(1 + k) / log k for each weight: a little above 1 for
            small k. One matrix for all draws, of rank r, tends to r of n_weights.

        Raises
        ------
        ValueError
            If `gamma` is out of its range, if there are so few samples that k is not above 1, or
            if all matrices are zero.

        References
        ----------
        .. [1] A. Abbas et al., "The power of quantum neural networks", Nature Computational
           Science 1, 403 (2021), https://arxiv.org/abs/2011.00027
        """
        if not 0 < gamma <= 1:
            raise ValueError(f"gamma={gamma!r} must be above 0 and at most 1.")
        n = np.asarray(n_samples, dtype=float)
        if not np.isfinite(n).all():
            raise ValueError(f"n_samples={n_samples!r} must be finite.")
        # Below e, n / log n grows as n falls, which is not what is meant.
        scale = gamma * n / (2 * np.pi * np.log(np.maximum(n, math.e)))
        if not (scale > 1).all():
            raise ValueError(
                f"n_samples={n_samples!r} with gamma={gamma:g}: gamma * n / (2 pi log n) has to "
                f"be above 1, and is {scale.min():.3g}. Give more samples."
            )
        halves = np.log1p(scale[..., None, None] * self.eigenvalues()).sum(axis=-1) / 2
        logs = logsumexp(halves, axis=-1) - np.log(len(self.matrices))
        found = 2 * logs / np.log(scale) / (self.weights.shape[1] if normalize else 1)
        return float(found) if found.ndim == 0 else found

    def plot(self, ax: Axes | None = None) -> Axes:
        """Draw how the eigenvalues of the normalised matrices are distributed.

        Parameters
        ----------
        ax : matplotlib.axes.Axes, default=None
            Where to draw; None makes a new figure.

        Returns
        -------
        matplotlib.axes.Axes
        """
        ax = axes_or_new(ax)
        values = self.eigenvalues().ravel()
        ax.hist(values, bins=40, weights=np.full(len(values), 1 / len(values)))
        ax.set(xlabel="eigenvalue of the normalised Fisher information", ylabel="share")
        ax.set_yscale("log")
        return ax


def fisher_information(
    model: QuantumLayer | BaseEstimator,
    X: Any = None,
    *,
    weights: int | ArrayLike = 100,
    outcomes: str | None = None,
    random_state: Any = None,
) -> FisherInformation:
    """Compute the Fisher information of a model's weights, for draws of the weights.

    The information of weights w is the mean over rows x and outcomes y of the products of
    derivatives of log p(y | x; w). What p is depends on the model:

    - for a :class:`~skquantum.layers.QuantumLayer`, the probabilities of measuring its circuit:
      of all basis states, or of the parity of the bits, as the models of [1]_ have it. The
      layer's observables have no part in it;
    - for a fitted classifier, its ``predict_proba``;
    - for a fitted regressor, the normal distribution of variance 1 around its prediction, in
      the unit of its training. Another variance would be a factor, which normalisation removes.

    Of a fitted model only the weights of the circuit are drawn; its linear maps stay as they
    were learned. All rows and draws run as batches, with exact derivatives. An outcome of
    probability zero adds nothing.

    Parameters
    ----------
    model : QuantumLayer or estimator
        A layer whose backend has derivatives of states (without noise, at most 8 qubits), or a
        fitted :class:`skquantum.VariationalClassifier` or :class:`skquantum.VariationalRegressor`.
        Of a `Pipeline`, take the last step, and the rows that it sees.
    X : array-like of shape (n_samples, n_features), default=None
        Rows. None for a layer without features.
    weights : int or array-like of shape (n_draws, n_weights), default=100
        Number of draws, uniform in [0, 2 pi), or the weights themselves, in radians:
        ``[model.weights_]`` gives the information where a training ended.
    outcomes : {"basis", "parity"}, default=None
        What is told apart when the circuit of a layer is measured; None means "basis". An
        estimator has its own.
    random_state : int, RandomState instance or None, default=None
        Where draws come from.

    Returns
    -------
    FisherInformation
        With ``matrices``, ``normalized``, ``eigenvalues()``, ``ranks()``,
        ``effective_dimension(n_samples)`` and ``plot()``.

    Raises
    ------
    ValueError
        If a name is unknown, weights are none or do not fit the circuit, or rows do not fit.
    TypeError
        If the model is neither a layer nor a trained circuit.

    References
    ----------
    .. [1] A. Abbas et al., "The power of quantum neural networks", Nature Computational Science
       1, 403 (2021), https://arxiv.org/abs/2011.00027

    Examples
    --------
    Of two rotations about the same axis, one is redundant:

    >>> import cirq, sympy
    >>> from skquantum.inspection import fisher_information
    >>> from skquantum.layers import QuantumLayer
    >>> a, b, q = *sympy.symbols("a b"), cirq.LineQubit(0)
    >>> redundant = cirq.Circuit(cirq.ry(a)(q), cirq.ry(b)(q))
    >>> found = fisher_information(
    ...     QuantumLayer.from_circuit(redundant, [], [a, b]), weights=10, random_state=0
    ... )
    >>> found.matrices[0].round(6)
    array([[1., 1.],
           [1., 1.]])
    >>> found.ranks().max(), round(found.effective_dimension(1000), 2)
    (np.int64(1), 0.6)
    """
    is_layer = hasattr(model, "states_jacobian")
    roots, n_weights, size = _roots(model, outcomes)
    if not n_weights:
        raise ValueError("The circuit has no weights, so there is no information on any.")
    drawn = _draws(weights, n_weights, random_state)
    if X is None:
        if not is_layer or model.n_features:
            raise ValueError("X=None is for layers without features; give rows.")
        X = np.empty((1, 0))
    rows = np.asarray(X, dtype=float) if is_layer else X
    if not _num_samples(rows):
        raise ValueError("X has no rows; the Fisher information is a mean over rows.")
    return FisherInformation(_matrices(roots, rows, drawn, NUMBERS // (size * n_weights)), drawn)


def _draws(weights: int | ArrayLike, n_weights: int, random_state: Any) -> np.ndarray:
    if np.ndim(weights) == 0:
        if not (isinstance(weights, int | np.integer) and weights >= 1):
            raise ValueError(
                f"weights={weights!r}: give the number of draws, at least 1, or an array of shape "
                f"(n_draws, {n_weights})."
            )
        return check_random_state(random_state).uniform(0, 2 * np.pi, (int(weights), n_weights))
    drawn = np.asarray(weights, dtype=float)
    if drawn.ndim != 2 or drawn.shape[1] != n_weights or not len(drawn):
        raise ValueError(
            f"weights has shape {drawn.shape}: the circuit has {n_weights} weights, so give "
            f"shape (n_draws, {n_weights})."
        )
    return drawn


def _roots(model: Any, outcomes: str | None) -> tuple[Roots, int, int]:
    """Return what takes rows and weights to roots, the number of weights, and numbers a root."""
    if hasattr(model, "states_jacobian"):
        kind = "basis" if outcomes is None else outcomes
        if kind not in OUTCOMES:
            raise ValueError(unknown("outcomes", outcomes, OUTCOMES))
        of = _basis if kind == "basis" else _parity
        return _through(of, model.states_jacobian), model.n_weights, 2**model.n_qubits
    if not hasattr(model, "output_jacobian"):
        raise TypeError(
            f"model must be a QuantumLayer, a VariationalClassifier or a VariationalRegressor, "
            f"got {type(model).__name__}; of a pipeline, take the last step: model[-1]."
        )
    if outcomes is not None:
        raise ValueError(
            f"outcomes={outcomes!r} is for layers: what {type(model).__name__} tells apart are "
            "its own outputs. Leave it out."
        )
    check_is_fitted(model, "weights_")
    if is_classifier(model):
        return _through(_classes, model.output_jacobian), len(model.weights_), _width(model)
    if is_regressor(model):
        return _through(_numbers, model.output_jacobian), len(model.weights_), _width(model)
    raise TypeError(f"{type(model).__name__} is neither a classifier nor a regressor.")


def _through(of: Callable[..., np.ndarray], jacobian: Callable[..., Any]) -> Roots:
    return lambda X, weights: of(*jacobian(X, weights))


def _width(model: Any) -> int:
    """Return how many numbers a row of a fitted model is measured to."""
    coef = getattr(model, "readout_coef_", None)  # none without a read-out
    return 1 if coef is None else coef.shape[-1]


def _matrices(roots: Roots, X: Any, weights: np.ndarray, at_once: int) -> np.ndarray:
    """Return the mean information of the rows, for each draw, in batches of rows and draws."""
    n_rows, (n_draws, n_weights) = _num_samples(X), weights.shape
    out = np.zeros((n_draws, n_weights, n_weights))
    for draws in gen_batches(n_draws, max(1, at_once // n_rows)):
        own = weights[draws]
        for rows in gen_batches(n_rows, max(1, at_once)):
            index = np.arange(n_rows)[rows]
            each = np.repeat(own, len(index), axis=0)
            found = roots(_safe_indexing(X, np.tile(index, len(own))), each)
            found = found.reshape(len(own), -1, n_weights)
            out[draws] += found.swapaxes(1, 2) @ found
    return out / n_rows


def _basis(states: np.ndarray, derivatives: np.ndarray) -> np.ndarray:
    """Return derivatives of twice the absolute values of amplitudes: of roots of probabilities."""
    sizes = np.abs(states)
    possible = sizes > IMPOSSIBLE
    phases = np.divide(states.conj(), sizes, out=np.zeros_like(states), where=possible)
    return 2 * (phases[..., None] * derivatives).real


def _parity(states: np.ndarray, derivatives: np.ndarray) -> np.ndarray:
    odd = np.bitwise_count(np.arange(states.shape[1])) % 2 == 1
    signs = np.stack([~odd, odd]).astype(float)
    proba = np.abs(states) ** 2 @ signs.T
    slopes = signs @ (2 * (states.conj()[..., None] * derivatives).real)
    possible = proba > IMPOSSIBLE**2
    roots = np.sqrt(np.where(possible, proba, 1.0))
    return slopes * (possible / roots)[..., None]


def _classes(logits: np.ndarray, derivatives: np.ndarray) -> np.ndarray:
    proba = softmax(logits, axis=1)
    mean = np.einsum("nk,nkw->nw", proba, derivatives)
    return np.sqrt(proba)[..., None] * (derivatives - mean[:, None])


def _numbers(outputs: np.ndarray, derivatives: np.ndarray) -> np.ndarray:
    return derivatives
