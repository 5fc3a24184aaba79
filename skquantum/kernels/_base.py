"""What a kernel is, and what is made of kernels."""

from __future__ import annotations

import warnings
from abc import ABC, abstractmethod
from collections.abc import Callable
from copy import copy
from functools import partial
from numbers import Integral, Real
from typing import Any, ClassVar, Self

import cirq
import numpy as np
from numpy.typing import ArrayLike
from sklearn.base import clone
from sklearn.exceptions import EfficiencyWarning
from sklearn.gaussian_process import kernels as gaussian_process
from sklearn.utils import check_array
from sklearn.utils._param_validation import Interval

from skquantum._lazy import in_memory
from skquantum._named_parts import NamedPartsMixin
from skquantum._validation import validate_description
from skquantum.circuits import Encoding, in_blocks, resolve_encoding
from skquantum.execution import Backend, resolve_backend
from skquantum.kernels._tiles import matrix_by_tiles


class FixedHyperparameters:
    """What scikit-learn's Gaussian processes ask of a kernel, for one that they do not tune.

    Its parameters are left to a grid search; ``ConstantKernel() * kernel + WhiteKernel()`` tunes
    those of scikit-learn's kernels around it.
    """

    requires_vector_input = True
    hyperparameters: ClassVar[list[Any]] = []
    n_dims = 0

    @property
    def theta(self) -> np.ndarray:
        """Logarithms of the hyperparameters that are tuned: none."""
        return np.empty(0)

    @theta.setter
    def theta(self, theta: ArrayLike) -> None:
        if np.size(theta):
            raise ValueError(f"{self!r} has no hyperparameters to be set, got theta={theta!r}.")

    @property
    def bounds(self) -> np.ndarray:
        """Their bounds, shape (0, 2)."""
        return np.empty((0, 2))

    def clone_with_theta(self, theta: ArrayLike) -> Self:
        """Return a clone with other hyperparameters, of which there are none."""
        copy = clone(self)
        copy.theta = theta
        return copy

    def is_stationary(self) -> bool:
        """Whether the kernel depends on differences of rows only; not in general."""
        return False


class Kernel(FixedHyperparameters, NamedPartsMixin, ABC):
    """Base class of quantum kernels, which say how alike two rows are.

    A kernel is a callable description. It works wherever scikit-learn takes a callable
    (``SVC(kernel=...)``), in its Gaussian processes and, through the matrix that it returns,
    wherever it takes ``"precomputed"``. A subclass writes `_matrix`, which receives checked rows,
    and, where it can keep something of rows that stay, `_against`; with `_jvp` it can learn.
    So that :class:`skquantum.QuantumKernelSVC` knows what a fit costs on hardware, it writes
    `n_circuits`, too.

    Parameters
    ----------
    encoding : str or Encoding, default="zz"
        Circuit that encodes a row, or the name of one with its defaults.
    backend : Backend, default=None
        How the circuit is run; None means ``QsimBackend()``.
    n_jobs : int, default=None
        Jobs that tiles of a matrix are shared among, through joblib: ``joblib.parallel_config``
        names where they run. None means 1.
    """

    _named_parts: ClassVar = {"encoding": resolve_encoding, "backend": resolve_backend}
    #: Names of the mitigations of :class:`GramRepair` that suit the matrix.
    mitigations: ClassVar[tuple[str, ...]] = ()
    # The parts are checked where they are resolved, which says what would work.
    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {"n_jobs": [Integral, None]}

    n_jobs: int | None = None

    def __init__(
        self,
        encoding: str | Encoding = "zz",
        backend: Backend | None = None,
        n_jobs: int | None = None,
    ) -> None:
        self.encoding = encoding
        self.backend = backend
        self.n_jobs = n_jobs

    @in_memory
    def __call__(
        self,
        X: ArrayLike,
        Y: ArrayLike | None = None,
        eval_gradient: bool = False,
        *,
        gamma: float = 1.0,
    ) -> Any:
        """Return the kernel matrix, or the kernel value of two rows.

        Parameters
        ----------
        X : array-like of shape (n_samples_X, n_features) or (n_features,)
            Rows; how they are scaled matters, see the encoding. One row, if `Y` is one.
        Y : array-like of shape (n_samples_Y, n_features) or (n_features,), default=None
            Other rows; None (or `X` itself) gives the symmetric matrix of `X`.
        eval_gradient : bool, default=False
            Whether to return, as scikit-learn's Gaussian processes want it, the gradient for the
            hyperparameters as well, of which there are none.
        gamma : float, default=1.0
            What :func:`sklearn.gaussian_process.kernels.PairwiseKernel` hands to a callable;
            nothing but 1 has a meaning here.

        Returns
        -------
        ndarray of float64, shape (n_samples_X, n_samples_Y)
            Kernel values; for two single rows one number, a float. With `eval_gradient` a tuple
            of these and of an array of shape (n_samples_X, n_samples_X, 0).

        Raises
        ------
        ValueError
            If a parameter is not valid, or if rows are not finite, differ in width, do not suit
            the encoding, or would need more memory than the backend allows; if `eval_gradient`
            comes with `Y`.

        Warns
        -----
        EfficiencyWarning
            Once in a process, for two single rows: a matrix is much faster than its entries.
        """
        validate_description(self)
        if gamma != 1.0:
            raise ValueError(
                f"gamma={gamma!r} would not be used: give {type(self).__name__} to the model "
                "itself in place of PairwiseKernel, or set gamma=1.0 and optimizer=None there."
            )
        if eval_gradient and Y is not None:
            raise ValueError("eval_gradient=True is for the matrix of X alone, with Y=None.")
        if Y is not None and np.ndim(X) == np.ndim(Y) == 1:
            _say_that_pairs_are_slow(self)
            return float(self(np.reshape(X, (1, -1)), np.reshape(Y, (1, -1)))[0, 0])
        left = check_array(X, dtype=np.float64, input_name="X")
        if Y is None or Y is X:
            matrix = matrix_by_tiles(self._matrix, left, None, self.n_jobs)
            return (matrix, np.empty((*matrix.shape, 0))) if eval_gradient else matrix
        right = check_array(Y, dtype=np.float64, input_name="Y")
        _check_same_width(left, right)
        return matrix_by_tiles(self._matrix, left, right, self.n_jobs)

    @abstractmethod
    def _matrix(self, X: np.ndarray, Y: np.ndarray | None) -> np.ndarray: ...

    def __add__(self, other: Any) -> Any:
        return SumKernel(self, other) if _is_member(other) else NotImplemented

    def __radd__(self, other: Any) -> Any:
        return SumKernel(other, self) if _is_member(other) else NotImplemented

    def __mul__(self, other: Any) -> Any:
        return ProductKernel(self, other) if _is_member(other) else NotImplemented

    def __rmul__(self, other: Any) -> Any:
        return ProductKernel(other, self) if _is_member(other) else NotImplemented

    def jvp(self, X: ArrayLike, tangents: ArrayLike) -> tuple[np.ndarray, np.ndarray]:
        """Return the kernel matrix, and its derivatives along directions of the rows.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Rows.
        tangents : array-like of shape (n_samples, n_features, n_directions)
            How fast each row changes along each direction.

        Returns
        -------
        matrix : ndarray of shape (n_samples, n_samples)
            Kernel values.
        derivatives : ndarray of shape (n_samples, n_samples, n_directions)
            Of the kernel values, all rows moving at once.

        Raises
        ------
        ValueError
            As from the kernel itself; if the kernel, its encoding or its backend has no
            derivatives.
        """
        validate_description(self)
        rows = check_array(X, dtype=np.float64, input_name="X")
        along = np.asarray(tangents, dtype=np.float64)
        if along.ndim != 3 or along.shape[:2] != rows.shape:
            raise ValueError(
                f"tangents must have shape {(*rows.shape, 'n_directions')}, got {along.shape}."
            )
        try:
            return self._jvp(rows, along)
        except NotImplementedError as error:  # of an encoding that does not say
            raise ValueError(str(error)) from error

    def _jvp(self, X: np.ndarray, tangents: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        raise ValueError(f"{type(self).__name__} has no derivatives: it writes no _jvp.")

    @in_memory
    def against(self, Y: ArrayLike) -> Callable[[ArrayLike], np.ndarray]:
        """Prepare kernel values of any rows with rows that stay the same.

        Parameters
        ----------
        Y : array-like of shape (n_samples_Y, n_features)
            The rows that stay: training rows, support vectors, landmarks.

        Returns
        -------
        callable
            Takes `X`, of shape (n_samples_X, n_features), and returns what ``kernel(X, Y)`` does.
            What can be kept of `Y`, such as its states, is not computed again at each call.

        Raises
        ------
        ValueError
            As from the kernel itself, at once for `Y` and at each call for `X`.
        """
        validate_description(self)
        right = check_array(Y, dtype=np.float64, input_name="Y")
        prepared = self._against(right)

        def values(X: ArrayLike) -> np.ndarray:
            left = _checked_rows(X)
            _check_same_width(left, right)
            return prepared(left)

        return values

    def _against(self, Y: np.ndarray) -> Callable[[np.ndarray], np.ndarray]:
        return lambda X: self._matrix(X, Y)

    @in_memory
    def diag(self, X: ArrayLike) -> np.ndarray:
        """Return the kernel values of rows with themselves.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Rows.

        Returns
        -------
        ndarray of float64, shape (n_samples,)
            The diagonal of the matrix of `X`, without the rest of it.
        """
        validate_description(self)
        return self._diagonal(check_array(X, dtype=np.float64, input_name="X"))

    def _diagonal(self, X: np.ndarray) -> np.ndarray:
        return np.array([self._matrix(row[None], None)[0, 0] for row in X])

    def n_circuits(self, n_rows: int) -> int | None:
        """Return how many circuits the matrix of some rows costs on hardware.

        Parameters
        ----------
        n_rows : int
            Number of rows.

        Returns
        -------
        int or None
            For a kernel made of kernels, by default, what those cost together. None if it is
            not known: a subclass that does not say.
        """
        counts = [kernel.n_circuits(n_rows) for kernel in self._kernels()]
        if not counts or None in counts:
            return None
        return sum(count for count in counts if count is not None)

    def circuits(self, n_features: int) -> tuple[cirq.FrozenCircuit, ...]:
        """Return the circuits that encode a row.

        Parameters
        ----------
        n_features : int
            Number of features of a row.

        Returns
        -------
        circuits : tuple of cirq.FrozenCircuit
            One, that of the encoding; for a kernel made of kernels those of all of them, without
            repetitions; none for a kernel without an encoding.

        Raises
        ------
        ValueError
            If an encoding's parameter is not valid or it does not suit so many features.
        """
        found = [circuit for kernel in self._kernels() for circuit in kernel.circuits(n_features)]
        if "encoding" in self.get_params(deep=False):
            found.insert(0, resolve_encoding(self.encoding).compiled(n_features)[0])
        distinct: list[cirq.FrozenCircuit] = []
        for circuit in found:  # not by hash: not every gate has one
            if circuit not in distinct:
                distinct.append(circuit)
        return tuple(distinct)

    def fitted(self, X: np.ndarray, weight: np.ndarray | None = None) -> Kernel:
        """Return the kernel with everything settled that depends on the training rows.

        Estimators ask for it in `fit`, and keep what it returns.

        Parameters
        ----------
        X : ndarray of shape (n_samples, n_features)
            Training rows.
        weight : ndarray of shape (n_samples,), default=None
            How often each row counts; None means once.

        Returns
        -------
        Kernel
            A copy, with the encoding that suits these rows: wide ones in blocks, if it leaves its
            register open, and with a number for ``bandwidth="scale"``. Kernels among its
            parameters are fitted likewise.
        """
        return self._with_encoding(X, weight)

    def fitted_to(self, X: np.ndarray, y: np.ndarray, weight: np.ndarray | None = None) -> Kernel:
        """Return the kernel with everything settled that depends on training rows and targets.

        Estimators that have targets ask for it in `fit`.

        Parameters
        ----------
        X : ndarray of shape (n_samples, n_features)
            Training rows.
        y : ndarray of shape (n_samples,)
            Labels as whole numbers, or values as floats.
        weight : ndarray of shape (n_samples,), default=None
            How often each row counts; None means once.

        Returns
        -------
        Kernel
            By default what :meth:`fitted` returns: targets have no influence.
        """
        return self.fitted(X, weight)

    def _with_encoding(
        self, X: np.ndarray, weight: np.ndarray | None, n_together: int | None = None
    ) -> Any:
        own = copy(self)
        for name, value in self.get_params(deep=False).items():
            if isinstance(value, Kernel):
                setattr(own, name, value.fitted(X, weight))
            elif isinstance(value, list | tuple):
                kind = type(value)
                setattr(
                    own,
                    name,
                    kind(k.fitted(X, weight) if isinstance(k, Kernel) else k for k in value),
                )
            elif name == "encoding":
                encoding = in_blocks(resolve_encoding(value), X.shape[1])
                own.encoding = encoding.fitted(X, weight, n_together)
        return own

    def n_blocks(self, n_features: int) -> int:
        """Return in how many blocks, each a circuit of its own, a row is run."""
        counts = [kernel.n_blocks(n_features) for kernel in self._kernels()]
        if "encoding" in self.get_params(deep=False):
            counts.append(len(resolve_encoding(self.encoding).blocks(n_features)))
        return max(counts, default=1)

    def _kernels(self) -> list[Kernel]:
        """Return the kernels among the parameters, also in lists."""
        found: list[Kernel] = []
        for value in self.get_params(deep=False).values():
            values = value if isinstance(value, list | tuple) else [value]
            found += [kernel for kernel in values if isinstance(kernel, Kernel)]
        return found

    def _parts(self) -> tuple[Encoding, Backend]:
        """Return the encoding and the backend that the parameters stand for."""
        return resolve_encoding(self.encoding), resolve_backend(self.backend)


def _checked_rows(X: ArrayLike) -> np.ndarray:
    """Return rows as `check_array` does, which takes long for a single one."""
    is_plain = type(X) is np.ndarray and X.ndim == 2 and X.dtype == np.float64 and X.size > 0
    if is_plain and np.isfinite(X).all():
        return X  # type: ignore[return-value]
    return check_array(X, dtype=np.float64, input_name="X")


def _check_same_width(X: np.ndarray, Y: np.ndarray) -> None:
    if X.shape[1] != Y.shape[1]:
        raise ValueError(
            f"X and Y must have the same number of features, got {X.shape[1]} and {Y.shape[1]}."
        )


def _is_member(value: Any) -> bool:
    """Whether an operator makes a kernel of ours; with scikit-learn's it makes one of theirs."""
    return isinstance(value, Kernel) or (isinstance(value, Real) and not isinstance(value, bool))


class _ComposedKernel(Kernel):
    """A kernel made of two members: kernels, scikit-learn's kernels, or numbers."""

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        name: [gaussian_process.Kernel, Interval(Real, 0, None, closed="left")]
        for name in ("k1", "k2")
    }

    def __init__(self, k1: Any, k2: Any) -> None:
        self.k1 = k1
        self.k2 = k2

    @staticmethod
    @abstractmethod
    def _combined(one: Any, other: Any) -> Any: ...

    def _members_jvp(
        self, X: np.ndarray, tangents: np.ndarray
    ) -> list[tuple[np.ndarray | float, np.ndarray | float]]:
        """Return value and derivatives of both members."""
        found: list[tuple[np.ndarray | float, np.ndarray | float]] = []
        for member in (self.k1, self.k2):
            if isinstance(member, Real):
                found.append((float(member), 0.0))
            elif isinstance(member, Kernel):
                found.append(member.jvp(X, tangents))
            else:
                raise ValueError(
                    f"{member!r}, a member of {type(self).__name__}, has no derivatives for the "
                    "rows. Combine it with GaussianProcessKernel(...) by scikit-learn's + and *."
                )
        return found

    def _matrix(self, X: np.ndarray, Y: np.ndarray | None) -> np.ndarray:
        return self._computed((len(X), len(X if Y is None else Y)), lambda k: k(X, Y))

    def _diagonal(self, X: np.ndarray) -> np.ndarray:
        return self._computed((len(X),), lambda k: k.diag(X))

    def _against(self, Y: np.ndarray) -> Callable[[np.ndarray], np.ndarray]:
        kept = {
            id(k): k.against(Y) if isinstance(k, Kernel) else partial(k, Y=Y)
            for k in (self.k1, self.k2)
            if not isinstance(k, Real)
        }
        return lambda X: self._computed((len(X), len(Y)), lambda k: kept[id(k)](X))

    def _computed(
        self, shape: tuple[int, ...], compute: Callable[[Any], np.ndarray]
    ) -> np.ndarray:
        members = (k if isinstance(k, Real) else compute(k) for k in (self.k1, self.k2))
        return np.array(np.broadcast_to(self._combined(*members), shape), dtype=float)


class SumKernel(_ComposedKernel):
    """Sum of two kernels: ``kernel1 + kernel2``.

    Rows are alike if they are by either. A sum of kernels is a kernel, and so is one with a
    constant that is not negative.

    Parameters
    ----------
    k1, k2 : Kernel, kernel of scikit-learn's or float
        Members: quantum kernels, classical ones of :mod:`sklearn.gaussian_process.kernels`, or
        constants of at least 0. Their parameters are nested: ``k1__encoding__bandwidth``.

    See Also
    --------
    ProductKernel : ``kernel1 * kernel2`` and ``0.3 * kernel``.

    Notes
    -----
    ``kernel + RBF()``, with one of scikit-learn's kernels, is a kernel of scikit-learn's, for its
    Gaussian processes, which then tune what is theirs. For all other models write
    ``SumKernel(kernel, RBF())``, whose parameters are left to a grid search.

    Examples
    --------
    >>> from skquantum.kernels import FidelityKernel, ProjectedKernel
    >>> kernel = 0.5 * FidelityKernel("angle") + 0.5 * ProjectedKernel("angle")
    >>> kernel([[0.0], [1.0]]).round(2)
    array([[1. , 0.7],
           [0.7, 1. ]])
    >>> kernel.get_params()["k1__k2__encoding__bandwidth"]
    'scale'
    """

    @staticmethod
    def _combined(one: Any, other: Any) -> Any:
        return one + other

    def _jvp(self, X: np.ndarray, tangents: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        (one, moved), (other, other_moved) = self._members_jvp(X, tangents)
        return np.asarray(one + other), np.asarray(moved + other_moved)


class ProductKernel(_ComposedKernel):
    """Product of two kernels, or of a number and a kernel: ``kernel1 * kernel2``.

    Rows are alike if they are by both. By Schur's theorem a product of kernels is a kernel.

    Parameters
    ----------
    k1, k2 : Kernel, kernel of scikit-learn's or float
        As in :class:`SumKernel`.

    Examples
    --------
    >>> from sklearn.gaussian_process.kernels import RBF
    >>> from skquantum.kernels import FidelityKernel, ProductKernel
    >>> kernel = ProductKernel(FidelityKernel("angle"), RBF(length_scale=2.0))
    >>> kernel([[0.0], [1.0]]).round(2)
    array([[1.  , 0.68],
           [0.68, 1.  ]])
    """

    @staticmethod
    def _combined(one: Any, other: Any) -> Any:
        return one * other

    def _jvp(self, X: np.ndarray, tangents: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        (one, moved), (other, other_moved) = self._members_jvp(X, tangents)
        factors = np.asarray(one)[..., None], np.asarray(other)[..., None]
        return np.asarray(one * other), moved * factors[1] + factors[0] * other_moved


# Gaussian processes ask for a kernel of scikit-learn's class, and need what a `Kernel` has.
gaussian_process.Kernel.register(Kernel)

_said_that_pairs_are_slow = False


def _say_that_pairs_are_slow(kernel: Kernel) -> None:
    global _said_that_pairs_are_slow  # noqa: PLW0603  (once in a process, whatever the filters)
    if _said_that_pairs_are_slow:
        return
    _said_that_pairs_are_slow = True
    name = type(kernel).__name__
    warnings.warn(
        f"{name} is asked for one pair of rows at a time, which is many times slower than a "
        f"whole matrix. Give the model kernel='precomputed' (metric or affinity likewise) and "
        f"matrices: fit({name}(...)(X), y), predict({name}(...)(X_new, X)).",
        EfficiencyWarning,
        stacklevel=4,
    )
