"""Repairs of Gram matrices that noise or a finite number of shots has bent."""

from __future__ import annotations

from numbers import Integral
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import ArrayLike
from scipy.linalg import eigh
from scipy.optimize import minimize
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils._param_validation import Interval, StrOptions
from sklearn.utils.validation import check_is_fitted, validate_data

from skquantum._documentation import DocumentedMixin
from skquantum._lazy import Output, by_blocks, in_memory, precision
from skquantum._validation import all_or_nothing, validate_description

PSD = ("clip", "shift", "nearest")
MITIGATIONS = ("depolarizing",)
MAX_QUBITS = 1000  # 2 ** -n_qubits has to be a number
# Single precision in, single precision out, as scikit-learn's transformers have it.
FLOATS = (np.float64, np.float32)
# Eigenvalues that are negative by no more than this share of the largest come from rounding: an
# exact simulator works in single precision, too.
ROUNDING = 1e-6


class GramRepair(TransformerMixin, DocumentedMixin, BaseEstimator):
    r"""Make the Gram matrix of training rows a kernel's again, and treat test rows alike.

    Entries measured with noise or a finite number of shots form a matrix that may have negative
    eigenvalues: no support vector machine's problem is convex on it. What is done about them is
    learned from the training block alone, and applied to blocks of test rows as it is.

    With `mitigation`, global depolarising noise is undone first [1]_. Where each run of the
    circuit survives with probability :math:`\lambda`, an entry is measured as
    :math:`\lambda^2 K + (1 - \lambda^2)\,2^{-n}`. The diagonal, which would be one, tells
    :math:`\lambda^2`, here by its mean over the rows. All entries are then scaled back, those of
    test rows by the same numbers, and the diagonal is set to one.

    Then, with :math:`K = V \Lambda V^\top` and :math:`V_+` the eigenvectors of the positive
    eigenvalues, `psd` stands for:

    "clip"
        Negative eigenvalues become zero, :math:`K' = V_+ \Lambda_+ V_+^\top = K P` with the
        projection :math:`P = V_+ V_+^\top`: the nearest positive semi-definite matrix in the
        Frobenius norm. A test row's kernel values :math:`k` become :math:`k P` [2]_, so that a
        training row is treated alike wherever it is met.
    "shift"
        :math:`K' = K + s I`, with the least :math:`s` that does it. It adds to the similarity of
        a row to itself alone, so kernel values of test rows stay as they are.
    "nearest"
        The nearest positive semi-definite matrix with the same diagonal [3]_. By duality it is
        :math:`K' = (K + D)_+`, with a diagonal matrix :math:`D` that a convex problem of as many
        unknowns as rows gives [4]_. So it is a shift of each row's similarity to itself, which
        does not reach test rows, and a clip, which does: :math:`k` becomes :math:`k P`, with the
        projection onto the positive eigenvectors of :math:`K + D`.

    A matrix without negative eigenvalues stays what it is, under each of them.

    Parameters
    ----------
    psd : {"clip", "shift", "nearest"}, default=None
        How negative eigenvalues are removed; None leaves them.
    mitigation : {"depolarizing"}, default=None
        What is undone before; None for nothing. For fidelities only.
    n_qubits : int, default=None
        Width of the circuit, which `mitigation` needs: fully depolarised, an entry is
        ``2 ** -n_qubits``.

    Attributes
    ----------
    report_ : dict
        ``min_eigenvalue``, the least of the matrix before `psd` was applied; ``n_negative``, how
        many count as negative; ``change``, the Frobenius norm of all that was changed; and
        ``survival_rates``, :math:`\lambda` of each row by its own diagonal entry, with their
        ``survival_rate`` in the middle, or None without `mitigation`.
    projection_ : ndarray of shape (n_samples, n_samples) or None
        :math:`P`; None if it is the identity.
    n_features_in_ : int
        Number of training rows.
    feature_names_in_ : ndarray of shape (n_samples,)
        Names of the columns, if the matrix had any.

    References
    ----------
    .. [1] T. Hubregtsen et al., "Training quantum embedding kernels on near-term quantum
       computers", Physical Review A 106, 042431 (2022), https://arxiv.org/abs/2105.02276
    .. [2] Y. Chen, E. K. Garcia, M. R. Gupta, A. Rahimi and L. Cazzanti, "Similarity-based
       classification: concepts and algorithms", Journal of Machine Learning Research 10, 747
       (2009)
    .. [3] N. J. Higham, "Computing the nearest correlation matrix: a problem from finance", IMA
       Journal of Numerical Analysis 22, 329 (2002)
    .. [4] J. Malick, "A dual approach to semidefinite least-squares problems", SIAM Journal on
       Matrix Analysis and Applications 26, 272 (2004)

    Examples
    --------
    >>> import numpy as np
    >>> from skquantum.kernels import GramRepair
    >>> measured = np.array([[1.0, 0.9, 0.2], [0.9, 1.0, 0.9], [0.2, 0.9, 1.0]])
    >>> repair = GramRepair("nearest")
    >>> repair.fit_transform(measured).round(3)
    array([[1.   , 0.796, 0.266],
           [0.796, 1.   , 0.796],
           [0.266, 0.796, 1.   ]])
    >>> round(repair.report_["min_eigenvalue"], 3)
    -0.177

    Between kernel values and a model, as any step of a pipeline:

    >>> from sklearn.pipeline import make_pipeline
    >>> from sklearn.svm import SVC
    >>> model = make_pipeline(GramRepair("clip"), SVC(kernel="precomputed", C=10))
    >>> model.fit(measured, [0, 0, 1]).predict(measured).tolist()
    [0, 0, 1]
    """

    _mixed: float | None  # an entry of a fully depolarised state, with `mitigation`
    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        "psd": [StrOptions(set(PSD)), None],
        "mitigation": [StrOptions(set(MITIGATIONS)), None],
        "n_qubits": [Interval(Integral, 1, MAX_QUBITS, closed="both"), None],
    }

    def __init__(
        self,
        psd: str | None = None,
        mitigation: str | None = None,
        n_qubits: int | None = None,
    ) -> None:
        self.psd = psd
        self.mitigation = mitigation
        self.n_qubits = n_qubits

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.pairwise = True
        tags.transformer_tags.preserves_dtype = [np.dtype(kind).name for kind in FLOATS]
        return tags

    @in_memory
    def fit(self, K: ArrayLike, y: Any = None) -> Self:
        """Learn the repair from the Gram matrix of the training rows.

        Parameters
        ----------
        K : array-like of shape (n_samples, n_samples)
            Symmetric, up to rounding.
        y : ignored

        Returns
        -------
        self : GramRepair

        Raises
        ------
        ValueError
            If the matrix is not finite, not symmetric, or holds nothing that could be undone; if
            `mitigation` comes without `n_qubits`.
        """
        self.fit_transform(K)
        return self

    @in_memory
    @all_or_nothing
    def fit_transform(self, K: ArrayLike, y: Any = None) -> np.ndarray:
        """Learn the repair from the Gram matrix of the training rows, and return it repaired.

        Parameters
        ----------
        K : array-like of shape (n_samples, n_samples)
            As in `fit`.
        y : ignored

        Returns
        -------
        ndarray of shape (n_samples, n_samples)
            Exactly symmetric.
        """
        validate_description(self)
        given = validate_data(self, K, dtype=FLOATS)
        measured = _check_gram(given.astype(np.float64, copy=False))
        repaired = self._mitigate(measured)
        before = eigh(repaired, eigvals_only=True)
        negative = before < -ROUNDING * max(abs(before[0]), before[-1])
        self.projection_ = None
        if self.psd is not None and negative.any():
            repaired = self._make_psd(repaired, float(-before[0]))
        self.report_ |= {
            "min_eigenvalue": float(before[0]),
            "n_negative": int(negative.sum()),
            "change": float(np.linalg.norm(repaired - measured)),
        }
        return repaired.astype(given.dtype, copy=False)

    @by_blocks(lambda model, dtype: Output(model.n_features_in_, precision(dtype)))
    def transform(self, K: ArrayLike) -> np.ndarray:
        """Apply what was learned to kernel values of other rows with the training rows.

        Parameters
        ----------
        K : array-like of shape (n_rows, n_samples)
            Kernel values.

        Returns
        -------
        ndarray of shape (n_rows, n_samples)
            For a training row, the row of the repaired matrix, except for what "shift" and
            "nearest" add to the diagonal and `mitigation` makes of it.
        """
        check_is_fitted(self)
        block = validate_data(self, K, dtype=FLOATS, reset=False)
        kind, block = block.dtype, block.astype(np.float64, copy=False)
        if self._mixed is not None:
            block = _unmixed(block, self._mixed, self.report_["survival_rate"])
        if self.projection_ is not None:
            block = block @ self.projection_
        return block.astype(kind, copy=False)

    @property
    def needs_all_rows(self) -> bool:
        """Whether test rows need their kernel values with all training rows, after `fit`."""
        check_is_fitted(self)
        return self.projection_ is not None

    def _mitigate(self, K: np.ndarray) -> np.ndarray:
        """Return the matrix as it would be without depolarising noise."""
        self.report_: dict[str, Any] = {"survival_rate": None, "survival_rates": None}
        self._mixed = None
        if self.mitigation is None:
            return K
        if self.n_qubits is None:
            raise ValueError("mitigation='depolarizing' needs n_qubits, the circuit's width.")
        self._mixed = mixed = 2.0**-self.n_qubits
        squares = (np.diag(K) - mixed) / (1 - mixed)
        # The mean of the squares is not biased by shots, unlike that of the roots.
        if not squares.mean() > 0:
            raise ValueError(
                f"mitigation='depolarizing' finds no signal: the kernel matrix has the mean "
                f"{np.diag(K).mean():.3g} on its diagonal, and a fully depolarised state of "
                f"{self.n_qubits} qubits would give {mixed:.3g}. Use a shorter circuit, less "
                "noise or more shots."
            )
        self.report_["survival_rate"] = rate = float(np.sqrt(squares.mean()))
        self.report_["survival_rates"] = np.sqrt(np.maximum(squares, 0))
        repaired = _unmixed(K, mixed, rate)
        np.fill_diagonal(repaired, 1.0)
        return repaired

    def _make_psd(self, K: np.ndarray, shift: float) -> np.ndarray:
        if self.psd == "shift":
            return K + shift * np.eye(len(K))
        if self.psd == "nearest":
            K = K + np.diag(_dual_shift(K))
        values, vectors = eigh(K)
        kept = vectors[:, values > 0]
        self.projection_ = kept @ kept.T
        return _symmetric((kept * values[values > 0]) @ kept.T)


def _unmixed(K: np.ndarray, mixed: float, rate: float) -> np.ndarray:
    """Return fidelities as they would be if no run of the circuit had been lost."""
    return (K - mixed) / rate**2 + mixed


def _check_gram(matrix: np.ndarray) -> np.ndarray:
    if matrix.shape[0] != matrix.shape[1]:
        raise ValueError(
            f"K must be the square Gram matrix of the training rows, got shape {matrix.shape}."
        )
    worst = np.abs(matrix - matrix.T).max()
    if worst > 1e-5 * np.abs(matrix).max():
        raise ValueError(
            f"K must be symmetric; it differs from its transpose by up to {worst:.3g}. Measure "
            "each pair of training rows once, or give (K + K.T) / 2."
        )
    return _symmetric(matrix)


def _symmetric(matrix: np.ndarray) -> np.ndarray:
    return (matrix + matrix.T) / 2


def _dual_shift(K: np.ndarray) -> np.ndarray:
    """Return the y with which the positive part of ``K + diag(y)`` has the diagonal of K.

    It minimises a convex function with a continuous gradient, half the squared norm of that part
    less the product of y with the diagonal.
    """
    diagonal = np.diag(K)
    if not (diagonal > 0).all():
        raise ValueError(
            f"psd='nearest' keeps the diagonal, which must be positive; its least entry is "
            f"{diagonal.min():.3g}. Use psd='clip' or 'shift', or more shots."
        )

    def dual(y: np.ndarray) -> tuple[float, np.ndarray]:
        values, vectors = eigh(K + np.diag(y))
        values = np.maximum(values, 0)
        gradient = (vectors**2 @ values) - diagonal
        return float(values @ values / 2 - y @ diagonal), gradient

    settings = {"ftol": 0.0, "gtol": 1e-8 * diagonal.max(), "maxiter": 500, "maxfun": 2000}
    found = minimize(dual, np.zeros(len(K)), jac=True, method="L-BFGS-B", options=settings)
    # Rounding of the function ends the line search a little before the gradient is zero.
    worst = np.abs(dual(found.x)[1]).max()
    if worst > 1e-5 * diagonal.max():
        raise ValueError(
            f"psd='nearest' did not converge: the diagonal is still off by {worst:.3g} after "
            f"{found.nit} iterations. Use psd='clip'."
        )
    return found.x
