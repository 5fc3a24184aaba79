"""Features whose inner products approximate a quantum kernel."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from numbers import Integral, Real
from typing import Any, ClassVar, NamedTuple, Self

import numpy as np
from numpy.typing import ArrayLike
from sklearn.base import ClassNamePrefixFeaturesOutMixin, _fit_context
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils import check_random_state
from sklearn.utils._param_validation import Interval, StrOptions
from sklearn.utils.validation import check_is_fitted, validate_data

from skquantum._lazy import LazyRows, by_blocks, is_lazy, transformed
from skquantum._validation import all_or_nothing
from skquantum.circuits import Encoding
from skquantum.estimators._base import FLOATS, FloatTransformerMixin, settled
from skquantum.estimators._kernel.kept import values_by_blocks
from skquantum.estimators._kernel.landmarks import (
    LANDMARKS,
    inverse_root,
    kmeans_landmarks,
    rpcholesky_landmarks,
)
from skquantum.estimators._kernel.parts import KernelPartsMixin
from skquantum.estimators._kernel.resolve import ENCODING, KERNEL, resolve_kernel
from skquantum.execution import Backend
from skquantum.kernels import Kernel

MOST_COMPONENTS = 1000  # that a tolerance may ask for
ERROR_GROUPS = 4
DRAWN = 2**20  # random numbers at a time


class Reservoir(NamedTuple):
    """Rows of a stream, each kept with the same probability.

    Parameters
    ----------
    rows : ndarray of shape (n_kept, n_features)
    indices : ndarray of int, shape (n_kept,)
        Their places in the stream.
    n_seen : int
        Rows of the stream so far.
    """

    rows: np.ndarray
    indices: np.ndarray
    n_seen: int

    def extended(
        self, X: np.ndarray | LazyRows, size: int, rng: np.random.RandomState
    ) -> Reservoir:
        """Return the reservoir of at most so many rows after more rows of the stream.

        Which rows are kept depends on their number alone, so that only these need be taken.
        """
        n_free = min(max(size - self.n_seen, 0), len(X))
        # For each place of the reservoir, which of the coming rows it gets.
        gets = np.concatenate([np.full(len(self.rows), -1), np.arange(n_free)])
        for begin in range(n_free, len(X), DRAWN):
            coming = np.arange(begin, min(begin + DRAWN, len(X)))
            # A row takes a random place among all so far, if that is one of the reservoir's; of
            # several rows for one place the last stays.
            place = rng.random_sample(len(coming)) * (self.n_seen + coming + 1)
            place = place.astype(np.intp)
            winners = dict(zip(place[place < size], coming[place < size], strict=True))
            gets[list(winners)] = list(winners.values())
        new = np.flatnonzero(gets >= 0)
        rows = np.concatenate([self.rows, np.empty((n_free, self.rows.shape[1]))])
        indices = np.concatenate([self.indices, np.empty(n_free, dtype=np.intp)])
        rows[new], indices[new] = X[gets[new]], self.n_seen + gets[new]
        return Reservoir(rows, indices, self.n_seen + len(X))


class QuantumNystroem(ClassNamePrefixFeaturesOutMixin, FloatTransformerMixin, KernelPartsMixin):
    """Features of few landmarks whose inner products approximate a quantum kernel.

    With m landmarks, chosen among the training rows, the kernel matrix K is approximated by
    ``K[:, m] @ pinv(K[m, m]) @ K[m, :]`` [1]_, the inner products of the features that `transform`
    returns. A linear model on them stands for a kernel machine, at a cost that grows with the
    number of rows, not with its square.

    Most encodings turn features into angles in radians: scale in a `Pipeline` before.

    Parameters
    ----------
    encoding : str or Encoding, default="reuploading"
        Circuit that encodes a row, as for :class:`QuantumKernelSVC`.
    kernel : {"fidelity", "projected"} or Kernel, default="projected"
        How alike two rows are, as for :class:`QuantumKernelSVC`.
    n_components : int or float, default=100
        How many landmarks. A number below 1 is a tolerance: "rpcholesky" chooses landmarks, at
        most 1000, until what they leave of the kernel's diagonal has this share of the whole.
        More landmarks than distinct rows become as many as there are, with a warning.
    landmarks : {"uniform", "kmeans", "rpcholesky"}, default="uniform"
        How landmarks are chosen: at random; far from one another, by the seeding of k-means; or by
        a randomly pivoted Cholesky decomposition of the kernel matrix [2]_, which looks at the
        kernel itself and needs some `n_components` columns of it. It may end with fewer landmarks,
        if these leave nothing of the kernel but rounding.
    backend : Backend, default=None
        How circuits are run; None means ``QsimBackend()``.
    n_jobs : int, default=None
        Jobs that blocks of rows are shared among, through joblib: ``joblib.parallel_config``
        names where they run. None means 1.
    random_state : int, RandomState instance or None, default=None
        Draws candidates and landmarks.
    n_candidates : int, default=20000
        Among so many rows, drawn at random, landmarks are chosen. They are kept with the model,
        for `partial_fit`: each of all rows that it has seen with the same probability [3]_.
    n_error_rows : int, default=200
        `approximation_error_` is estimated on so many candidates that are no landmarks; 0 for no
        estimate, which saves circuits on a device.

    Attributes
    ----------
    components_ : ndarray of shape (n_landmarks, n_features)
        The landmarks.
    component_indices_ : ndarray of int, shape (n_landmarks,)
        Their places among the training rows (after `partial_fit`, among all rows it was given).
    normalization_ : ndarray of shape (n_landmarks, n_landmarks)
        Pseudo-inverse of the root of the landmarks' kernel matrix. Directions that are rounding or
        noise, with an eigenvalue not above the size of the most negative one, are left out.
    approximation_error_ : float
        Estimated error of kernel values of rows that are no landmarks, as a share: the Frobenius
        norm of the difference by that of the kernel, mean over four groups of rows. nan where
        too few rows are left for it.
    approximation_error_std_ : float
        Its standard deviation over the groups.
    kernel_ : Kernel
        The kernel as it was used, with numbers for ``"scale"``.
    n_samples_seen_ : int
        Rows that `fit`, and `partial_fit` since, were given.
    run_records_ : list of dict
        What the last `fit` or `partial_fit` ran, see :ref:`records`.
    n_features_in_ : int
        Number of features.
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Names of the features, if `X` had any.

    See Also
    --------
    QuantumKernelClassifier, QuantumKernelRegressor : With a linear model, for many rows.
    QuantumKernelTransformer : Kernel values with all training rows.

    References
    ----------
    .. [1] C. K. I. Williams and M. Seeger, "Using the Nystroem method to speed up kernel
       machines", Advances in Neural Information Processing Systems 13 (2000)
    .. [2] Y. Chen, E. N. Epperly, J. A. Tropp and R. J. Webber, "Randomly pivoted Cholesky:
       practical approximation of a kernel matrix with few entry evaluations", Communications on
       Pure and Applied Mathematics 78, 995 (2025), https://arxiv.org/abs/2207.06503
    .. [3] J. S. Vitter, "Random sampling with a reservoir", ACM Transactions on Mathematical
       Software 11, 37 (1985)

    Examples
    --------
    >>> from sklearn.datasets import make_moons
    >>> from sklearn.linear_model import LogisticRegression
    >>> from sklearn.pipeline import make_pipeline
    >>> from skquantum import QuantumNystroem
    >>> X, y = make_moons(2000, noise=0.1, random_state=0)
    >>> features = QuantumNystroem("reuploading", n_components=50, random_state=0)
    >>> model = make_pipeline(features, LogisticRegression(C=100)).fit(X, y)
    >>> print(f"accuracy {model.score(X, y):.2f}")
    accuracy 1.00
    """

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        **KernelPartsMixin._parameter_constraints,
        "n_components": [
            Interval(Integral, 1, None, closed="left"),
            Interval(Real, 0, 1, closed="neither"),
        ],
        "landmarks": [StrOptions(set(LANDMARKS))],
        "n_candidates": [Interval(Integral, 1, None, closed="left")],
        "n_error_rows": [Interval(Integral, 0, None, closed="left")],
        "n_jobs": [Integral, None],
        "random_state": ["random_state"],
    }

    def __init__(
        self,
        encoding: str | Encoding = ENCODING,
        kernel: str | Kernel = KERNEL,
        n_components: int | float = 100,
        landmarks: str = "uniform",
        backend: Backend | None = None,
        n_jobs: int | None = None,
        random_state: Any = None,
        n_candidates: int = 20000,
        n_error_rows: int = 200,
    ) -> None:
        self.encoding = encoding
        self.kernel = kernel
        self.n_components = n_components
        self.landmarks = landmarks
        self.n_candidates = n_candidates
        self.n_error_rows = n_error_rows
        self.backend = backend
        self.n_jobs = n_jobs
        self.random_state = random_state

    components_: np.ndarray
    normalization_: np.ndarray
    kernel_: Kernel
    n_samples_seen_: int
    _reservoir: tuple[np.ndarray, np.ndarray]

    @all_or_nothing
    @_fit_context(prefer_skip_nested_validation=True)
    def fit(self, X: ArrayLike, y: Any = None) -> Self:
        """Choose landmarks among some rows.

        Parameters
        ----------
        X : array-like or dask collection of shape (n_samples, n_features)
            Training rows. Of a dask array or data frame, `n_candidates` rows at most are drawn
            and pulled into memory, the same ones as of an array in memory, and only these are
            checked. Blocks of unknown length are computed once more, to count their rows.
        y : object, default=None
            Not used.

        Returns
        -------
        self : QuantumNystroem
            Fitted transformer.

        Raises
        ------
        ValueError
            If the rows do not suit the encoding or the backend, if parameters do not go together,
            or if noise has left nothing of the kernel.

        Warns
        -----
        UserWarning
            If there are fewer distinct rows than `n_components`.
        ConvergenceWarning
            If 1000 landmarks leave more than a tolerance allows.
        """
        self._learn(X, first=True)
        return self

    @all_or_nothing
    @_fit_context(prefer_skip_nested_validation=True)
    def partial_fit(self, X: ArrayLike, y: Any = None) -> Self:
        """Choose landmarks again, among the rows of a stream so far.

        `n_candidates` of them are kept. Features change with the landmarks: give a whole stream to
        this transformer before a model learns from its features, or let
        :class:`QuantumKernelClassifier` and :class:`QuantumKernelRegressor` do both.

        Parameters
        ----------
        X : array-like or dask collection of shape (n_samples, n_features)
            More rows, as in `fit`.
        y : object, default=None
            Not used.

        Returns
        -------
        self : QuantumNystroem
            Fitted transformer.

        Raises
        ------
        ValueError
            As from `fit`, and if the rows are of another width than those before.
        """
        self._learn(X, first=not hasattr(self, "kernel_"))
        return self

    def _learn(self, X: ArrayLike, *, first: bool) -> None:
        coming: np.ndarray | LazyRows
        if is_lazy(X):
            coming = LazyRows(X, self, first=first)
        else:
            coming = validate_data(self, X, dtype=np.float64, reset=first)
        kernel = resolve_kernel(self.kernel, self.encoding, self.backend)
        # Building the circuit checks the encoding before anything is simulated.
        kernel.circuits(coming.shape[1])
        self._check_together()
        if first:
            self._seed = int(check_random_state(self.random_state).randint(2**31))
            before = Reservoir(np.empty((0, coming.shape[1])), np.empty(0, dtype=np.intp), 0)
        else:
            before = Reservoir(*self._reservoir, self.n_samples_seen_)
        # So a stream in the same blocks gives the same landmarks, also after it was saved.
        rng = np.random.RandomState([self._seed, before.n_seen % 2**32])
        kept = before.extended(coming, self.n_candidates, rng)
        self._reservoir, self.n_samples_seen_ = (kept.rows, kept.indices), kept.n_seen
        self.kernel_ = kernel = settled(kernel.fitted(kept.rows))
        chosen = self._choose(kept.rows, rng)
        self.components_ = kept.rows[chosen]
        self.component_indices_ = kept.indices[chosen]
        self.normalization_ = inverse_root(kernel(self.components_))
        others = np.setdiff1d(np.arange(len(kept.rows)), chosen)
        self._estimate_error(kept.rows[rng.permutation(others)[: self.n_error_rows]])

    def _check_together(self) -> None:
        if self.n_components < 1 and self.landmarks != "rpcholesky":
            raise ValueError(
                f"n_components={self.n_components!r} is a tolerance, which is for "
                f"landmarks='rpcholesky'; landmarks={self.landmarks!r} needs a number of them."
            )
        if self.n_components > self.n_candidates:
            raise ValueError(
                f"n_components={self.n_components!r} landmarks can't be chosen among "
                f"n_candidates={self.n_candidates!r} rows. Raise n_candidates."
            )

    def _choose(self, rows: np.ndarray, rng: np.random.RandomState) -> np.ndarray:
        """Return the indices of the landmarks, distinct ones."""
        _, distinct = np.unique(rows, axis=0, return_index=True)
        distinct = rng.permutation(np.sort(distinct))
        by_tolerance = self.n_components < 1
        wanted = MOST_COMPONENTS if by_tolerance else int(self.n_components)
        if wanted > len(distinct) and not by_tolerance:
            warnings.warn(
                f"n_components={self.n_components!r} is more than the {len(distinct)} distinct "
                "rows there are to choose from: each of them is a landmark.",
                UserWarning,
                stacklevel=6,
            )
        wanted = min(wanted, len(distinct))
        if self.landmarks == "uniform":
            return distinct[:wanted]
        if self.landmarks == "kmeans":
            return distinct[kmeans_landmarks(rows[distinct], wanted, rng)]
        tolerance = float(self.n_components) if by_tolerance else 0.0
        chosen, left = rpcholesky_landmarks(self.kernel_, rows[distinct], wanted, tolerance, rng)
        if left > tolerance > 0:
            warnings.warn(
                f"{wanted} landmarks leave {left:.2g} of the kernel's diagonal, more than the "
                f"tolerance n_components={tolerance!r}. Their number can be set instead, or the "
                "kernel be made wider by a smaller bandwidth.",
                ConvergenceWarning,
                stacklevel=6,
            )
        return distinct[chosen]

    def _estimate_error(self, rows: np.ndarray) -> None:
        n_groups = min(ERROR_GROUPS, len(rows) // 2)
        errors = []
        for group in np.array_split(rows, n_groups) if n_groups else []:
            exact = self.kernel_(group)
            features = self._features(group)
            errors.append(np.linalg.norm(features @ features.T - exact) / np.linalg.norm(exact))
        self.approximation_error_ = float(np.mean(errors)) if errors else np.nan
        spread = np.std(errors, ddof=1) if len(errors) > 1 else np.nan
        self.approximation_error_std_ = float(spread)

    def _features(self, rows: np.ndarray) -> np.ndarray:
        return self.kernel_(rows, self.components_) @ self.normalization_

    @by_blocks(transformed)
    def transform(self, X: ArrayLike) -> np.ndarray:
        """Return the features.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Rows, scaled as in `fit`.

        Returns
        -------
        ndarray of shape (n_samples, n_landmarks)
            Their inner products approximate kernel values.
        """
        check_is_fitted(self)
        rows = validate_data(self, X, dtype=FLOATS, reset=False)
        out = np.empty((len(rows), len(self.components_)), dtype=rows.dtype)
        for block, features in feature_blocks(self, rows):
            out[block] = features
        return out

    @property
    def _n_features_out(self) -> int:
        return len(self.components_)


def feature_blocks(
    fitted: QuantumNystroem, rows: np.ndarray
) -> Iterator[tuple[slice, np.ndarray]]:
    """Yield the features of checked rows in float64, a block at a time: rows and features."""
    parts = fitted, fitted.kernel_, fitted.components_
    for block, values in values_by_blocks(*parts, rows, fitted.n_jobs):
        yield block, values @ fitted.normalization_
