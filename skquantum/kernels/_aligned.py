"""Kernels that learn: weights and bandwidths by the alignment of kernel and labels."""

from __future__ import annotations

from collections.abc import Callable
from copy import copy
from numbers import Integral, Real
from typing import Any, ClassVar

import cirq
import numpy as np
from scipy.optimize import minimize
from sklearn.model_selection import train_test_split
from sklearn.utils import check_array, check_consistent_length, check_random_state, column_or_1d
from sklearn.utils._param_validation import Interval

from skquantum._steps import adam
from skquantum._validation import validate_description
from skquantum.circuits import Encoding, TrainableEncoding
from skquantum.kernels._base import Kernel
from skquantum.kernels._gaussian_process import factors_on_rows, resolve_kernel

FACTORS = (0.01, 10.0)  # bounds on what is learned of a bandwidth


class AlignedKernel(Kernel):
    """A kernel that learns the bandwidths of features, and the weights of its encoding.

    Where labels are there, :meth:`fitted_to` maximises the centred alignment of the kernel matrix
    and that of the labels [1]_ [2]_, with exact gradients, in double precision: by L-BFGS on some
    of the rows, or by Adam on mini-batches of all of them. What is learned is a factor on each
    feature and, of a :class:`skquantum.circuits.TrainableEncoding`, its weights. Kernel machines
    do so in `fit`.

    Parameters
    ----------
    kernel : Kernel, Encoding or str, default="reuploading"
        Quantum kernel that can be differentiated (:meth:`jvp`); an encoding or its name stands for
        its fidelity kernel in double precision, of at most 8 qubits.
    bandwidth : float or array-like of shape (n_features,), default=1.0
        Positive factors on the features to start from; what :meth:`fitted_to` returns has those
        that were learned.
    learn_bandwidth : bool, default=True
        Whether to learn factors; otherwise only weights are.
    max_iter : int, default=100
        Iterations at most, or epochs; 0 takes the kernel as it is.
    batch_size : int, default=None
        Rows of a mini-batch, for Adam, which goes through all rows. None means L-BFGS on at most
        `max_rows` rows at once.
    learning_rate : float, default=0.05
        Size of Adam's steps, of weights in radians and of logarithms of factors.
    early_stopping : bool, default=False
        Whether to set rows aside, and to take what is best aligned on these: alignment overfits
        where rows are few for what is learned.
    validation_fraction : float, default=0.2
        Part of the rows that `early_stopping` sets aside.
    n_iter_no_change : int, default=10
        With `early_stopping`, iterations or epochs without a better alignment before it stops.
    n_restarts : int, default=2
        Further starts where weights are drawn; the highest alignment is taken. Some starts end
        in a low one.
    max_rows : int, default=200
        Rows at most to learn from by L-BFGS, drawn from the training rows: an iteration costs
        their square. So many at most are set aside as well.
    random_state : int, RandomState instance or None, default=None
        Which rows are drawn, and weights to start from, uniform in ``[0, 2 pi)``, for an encoding
        that has none.
    callback : callable, default=None
        Called as ``callback(kernel, alignment)`` after each iteration, or epoch, with what was
        learned so far as a kernel that can be used; returning True ends the run, of which there
        may be several (`n_restarts`).

    Attributes
    ----------
    alignment_curve_ : list of float
        Centred alignment at the start and after each iteration, or epoch, whose batches' mean it
        is; of what :meth:`fitted_to` returns.
    validation_curve_ : list of float or None
        The same of the rows set aside, with `early_stopping`.

    See Also
    --------
    GaussianProcessKernel : Bandwidths by the marginal likelihood.

    References
    ----------
    .. [1] T. Hubregtsen et al., "Training quantum embedding kernels on near-term quantum
       computers", Physical Review A 106, 042431 (2022), https://arxiv.org/abs/2105.02276
    .. [2] C. Cortes, M. Mohri and A. Rostamizadeh, "Algorithms for learning kernels based on
       centered alignment", JMLR 13, 795 (2012), https://jmlr.org/papers/v13/cortes12a.html

    Examples
    --------
    >>> import numpy as np
    >>> from skquantum.kernels import AlignedKernel
    >>> X = np.random.default_rng(0).normal(size=(60, 2))
    >>> y = X[:, 0] > 0  # the other feature is noise
    >>> kernel = AlignedKernel("angle").fitted_to(X, y)
    >>> kernel.bandwidth.round(1)
    array([1.2, 0. ])
    """

    _named_parts: ClassVar = {"kernel": resolve_kernel}
    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        "bandwidth": ["array-like", Interval(Real, 0, None, closed="neither")],
        "learn_bandwidth": ["boolean"],
        "max_iter": [Interval(Integral, 0, None, closed="left")],
        "batch_size": [Interval(Integral, 2, None, closed="left"), None],
        "learning_rate": [Interval(Real, 0, None, closed="neither")],
        "early_stopping": ["boolean"],
        "validation_fraction": [Interval(Real, 0, 1, closed="neither")],
        "n_iter_no_change": [Interval(Integral, 1, None, closed="left")],
        "n_restarts": [Interval(Integral, 0, None, closed="left")],
        "max_rows": [Interval(Integral, 2, None, closed="left")],
        "random_state": ["random_state"],
        "callback": [callable, None],
    }

    def __init__(
        self,
        kernel: Kernel | Encoding | str = "reuploading",
        bandwidth: Any = 1.0,
        learn_bandwidth: bool = True,
        max_iter: int = 100,
        n_restarts: int = 2,
        max_rows: int = 200,
        random_state: Any = None,
        batch_size: int | None = None,
        learning_rate: float = 0.05,
        early_stopping: bool = False,
        validation_fraction: float = 0.2,
        n_iter_no_change: int = 10,
        callback: Callable[[Kernel, float], Any] | None = None,
    ) -> None:
        self.kernel = kernel
        self.bandwidth = bandwidth
        self.learn_bandwidth = learn_bandwidth
        self.max_iter = max_iter
        self.n_restarts = n_restarts
        self.max_rows = max_rows
        self.random_state = random_state
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.early_stopping = early_stopping
        self.validation_fraction = validation_fraction
        self.n_iter_no_change = n_iter_no_change
        self.callback = callback

    validation_curve_: list[float] | None

    def fitted(self, X: np.ndarray, weight: np.ndarray | None = None) -> Kernel:
        """Return what was learned already; refuse where labels would be needed to learn."""
        if self.max_iter:
            raise ValueError(
                "AlignedKernel learns from labels, and this model gives none to its kernel. Learn "
                "first: kernel=AlignedKernel(...).fitted_to(X, y)."
            )
        return self._settled(X, weight)

    def _settled(self, X: np.ndarray, weight: np.ndarray | None) -> AlignedKernel:
        own = copy(self)
        own.kernel = self._inner().fitted(X, weight)
        return own

    def fitted_to(self, X: np.ndarray, y: np.ndarray, weight: np.ndarray | None = None) -> Kernel:
        """Return the kernel that was learned from rows and their labels.

        Parameters
        ----------
        X : ndarray of shape (n_samples, n_features)
            Rows.
        y : ndarray of shape (n_samples,)
            Labels; of a regression values, as floats.
        weight : ndarray of shape (n_samples,), default=None
            How often each row counts in what the kernel inside settles; the alignment counts
            each once.

        Returns
        -------
        AlignedKernel
            A copy with what was learned: `bandwidth`, and `kernel` with its weights. Its
            ``max_iter=0`` says that there is nothing left to learn.

        Raises
        ------
        ValueError
            If labels are all the same, the kernel has no derivatives, or there is nothing to
            learn.
        """
        validate_description(self)
        X = check_array(X, dtype=np.float64, input_name="X")
        y = column_or_1d(y)
        check_consistent_length(X, y)
        own = self._settled(X, weight)
        if not self.max_iter:
            return own
        rng = check_random_state(self.random_state)
        rows, aside = self._set_aside(y, rng)
        if self.batch_size is None and len(rows) > self.max_rows:
            rows = np.sort(rng.choice(rows, self.max_rows, replace=False))
        for part in (rows, *([aside] if len(aside) else [])):
            if not np.linalg.norm(_target(y[part])) > 0:
                raise ValueError(
                    "The labels to align with are all the same: there is nothing to learn."
                )
        problem = _Problem(own._inner(), X[rows], y[rows], self.learn_bandwidth)
        held_out = None
        if len(aside):
            held_out = _Problem(own._inner(), X[aside], y[aside], self.learn_bandwidth)
        own._learn(problem, held_out, rng)
        return own

    def _set_aside(
        self, y: np.ndarray, rng: np.random.RandomState
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return the rows to learn from, and those to stop by, in the classes' proportions."""
        rows = np.arange(len(y))
        if not self.early_stopping:
            return rows, rows[:0]
        size = min(self.validation_fraction, self.max_rows / len(y))
        try:
            learned, aside = train_test_split(
                rows,
                test_size=size,
                stratify=None if are_values(y) else y,
                random_state=rng.randint(2**31),
            )
        except ValueError as error:
            raise ValueError(
                f"early_stopping=True can't set validation_fraction={self.validation_fraction} of "
                f"{len(y)} rows aside: {error}"
            ) from error
        return np.sort(learned), np.sort(aside)

    def _learn(
        self, problem: _Problem, aside: _Problem | None, rng: np.random.RandomState
    ) -> None:
        factors = self._factors(problem.X.shape[1])
        starts = 1 + self.n_restarts if problem.draws else 1
        runs = []
        for _ in range(starts):
            theta = problem.start(factors, rng)
            judge = _Judge(aside, factors, self.n_iter_no_change)
            climb = self._climb if self.batch_size is None else self._descend
            last, curve = climb(problem, theta, judge, rng)
            runs.append((*judge.best(last, curve), curve, judge.curve))
        score, best, self.alignment_curve_, validation = max(runs, key=lambda run: run[0])
        self.validation_curve_ = None if aside is None else validation
        self._take(problem, best)

    def _take(self, problem: _Problem, theta: np.ndarray) -> None:
        """Become the kernel of some parameters, with nothing left to learn."""
        weights, factors = problem.parts(theta)
        if self.learn_bandwidth:
            self.bandwidth = factors
        if problem.trainable is not None:
            encoding = copy(problem.trainable)
            encoding.weights = weights
            self.kernel = copy(problem.given).set_params(encoding=encoding)
        self.max_iter = 0

    def _asks_to_stop(self, problem: _Problem, theta: np.ndarray, alignment: float) -> bool:
        """Tell the callback where a run is; true if it asks to stop."""
        if self.callback is None:
            return False
        kernel = copy(self)
        kernel._take(problem, theta)
        return bool(self.callback(kernel, alignment))

    def _descend(
        self, problem: _Problem, theta: np.ndarray, judge: _Judge, rng: np.random.RandomState
    ) -> tuple[np.ndarray, list[float]]:
        """Return the parameters that epochs of mini-batches come to, and mean alignments."""
        n, slots, step = len(problem.X), dict[str, np.ndarray](), 0
        low, high = (
            np.array([edge[k] if edge[k] is not None else side for edge in problem.bounds])
            for k, side in ((0, -np.inf), (1, np.inf))
        )
        theta, curve = theta.copy(), []
        n_batches = max(1, n // int(self.batch_size or n))
        judge.look(theta)
        for _ in range(self.max_iter):
            found = []
            for rows in np.array_split(rng.permutation(n), n_batches):
                alignment, slope = problem(theta, rows)
                step += 1
                adam(theta, -slope, slots, step, self.learning_rate)
                np.clip(theta, low, high, out=theta)
                found.append(alignment)
            curve.append(float(np.mean(found)))
            asked = self._asks_to_stop(problem, theta, curve[-1])
            if judge.look(theta) or asked:
                break
        return theta, curve

    def _climb(
        self, problem: _Problem, theta: np.ndarray, judge: _Judge, rng: np.random.RandomState
    ) -> tuple[np.ndarray, list[float]]:
        """Return the parameters that a run comes to, and its alignments."""
        curve: list[float] = []
        judge.look(theta)

        def note(intermediate_result: Any) -> None:
            curve.append(float(-intermediate_result.fun))
            theta = intermediate_result.x
            asked = self._asks_to_stop(problem, theta, curve[-1])
            if judge.look(theta) or asked:
                raise StopIteration

        found = minimize(
            lambda theta: tuple(-part for part in problem(theta)),
            theta,
            jac=True,
            method="L-BFGS-B",
            bounds=problem.bounds,
            options={"maxiter": self.max_iter},
            callback=note,
        )
        return found.x, [problem(theta)[0], *curve]

    def _factors(self, n_features: int) -> np.ndarray:
        return factors_on_rows(self.bandwidth, n_features)

    def _inner(self) -> Kernel:
        return resolve_kernel(self.kernel)

    def _matrix(self, X: np.ndarray, Y: np.ndarray | None) -> np.ndarray:
        factors = self._factors(X.shape[1])
        return self._inner()(X * factors, None if Y is None else Y * factors)

    def _diagonal(self, X: np.ndarray) -> np.ndarray:
        return self._inner().diag(X * self._factors(X.shape[1]))

    def _against(self, Y: np.ndarray) -> Callable[[np.ndarray], np.ndarray]:
        factors = self._factors(Y.shape[1])
        prepared = self._inner().against(Y * factors)
        return lambda X: prepared(X * factors)

    def _jvp(self, X: np.ndarray, tangents: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        factors = self._factors(X.shape[1])
        return self._inner().jvp(X * factors, tangents * factors[:, None])

    def n_circuits(self, n_rows: int) -> int | None:
        return self._inner().n_circuits(n_rows)

    def circuits(self, n_features: int) -> tuple[cirq.FrozenCircuit, ...]:
        return self._inner().circuits(n_features)

    def n_blocks(self, n_features: int) -> int:
        return self._inner().n_blocks(n_features)


class _Problem:
    """The alignment of a kernel with labels, and its gradient.

    The parameters are the weights of the encoding, if it has any, and logarithms of the factors on
    the features, if these are to be learned.
    """

    def __init__(
        self, kernel: Kernel, X: np.ndarray, y: np.ndarray, learn_bandwidth: bool
    ) -> None:
        self.X, self.y, self.learn_bandwidth = X, y, learn_bandwidth
        self.trainable = _trainable(kernel)
        self.given, self.kernel = kernel, copy(kernel)
        self.n_weights = 0
        if self.trainable is not None:
            self.n_weights = len(self.trainable.start(X.shape[1]))
            self.kernel.set_params(encoding=self.trainable.opened(X.shape[1]))
        if not self.n_weights and not learn_bandwidth:
            raise ValueError(
                f"{kernel!r} has nothing to learn: set learn_bandwidth=True, or give it a "
                "TrainableEncoding."
            )
        n_factors = X.shape[1] if learn_bandwidth else 0
        self.bounds = [(None, None)] * self.n_weights + [tuple(np.log(FACTORS))] * n_factors
        self.factors = np.ones(X.shape[1])

    @property
    def draws(self) -> bool:
        """Whether weights to start from are drawn."""
        return self.trainable is not None and self.trainable.weights is None

    def start(self, factors: np.ndarray, rng: np.random.RandomState) -> np.ndarray:
        """Return the parameters to start from."""
        self.factors = factors
        weights = np.empty(0)
        if self.trainable is not None:
            weights = self.trainable.start(self.X.shape[1])
            if self.draws:
                weights = rng.uniform(0, 2 * np.pi, len(weights))
        return np.concatenate([weights, np.log(factors) if self.learn_bandwidth else []])

    def parts(self, theta: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return weights and factors."""
        weights, logs = theta[: self.n_weights], theta[self.n_weights :]
        return weights, np.exp(logs) if self.learn_bandwidth else self.factors

    def alignment(self, theta: np.ndarray) -> float:
        """Return the centred alignment of all rows."""
        weights, factors = self.parts(theta)
        loaded = np.broadcast_to(weights, (len(self.X), len(weights)))
        centered = centred(self.kernel(np.hstack([self.X * factors, loaded])))
        target = _target(self.y)
        size = np.linalg.norm(centered) * np.linalg.norm(target)
        return float((centered * target).sum() / size) if size > 0 else 0.0

    def __call__(
        self, theta: np.ndarray, places: np.ndarray | None = None
    ) -> tuple[float, np.ndarray]:
        """Return the centred alignment of all rows, or of some, and its gradient."""
        weights, factors = self.parts(theta)
        X, y = (self.X, self.y) if places is None else (self.X[places], self.y[places])
        target = _target(y)
        n, d = X.shape
        rows = np.hstack([X * factors, np.broadcast_to(weights, (n, len(weights)))])
        tangents = np.zeros((n, rows.shape[1], len(theta)))
        for k in range(len(weights)):
            tangents[:, d + k, k] = 1.0
        if self.learn_bandwidth:  # d(factor x)/d(log factor) is the scaled feature itself
            for f in range(d):
                tangents[:, f, len(weights) + f] = rows[:, f]
        matrix, derivatives = self.kernel.jvp(rows, tangents)
        centered = centred(matrix)
        sizes = np.linalg.norm(centered), np.linalg.norm(target)
        if not min(sizes) > 0:  # all states are one, or all labels of the batch
            return 0.0, np.zeros(len(theta))
        alignment = float((centered * target).sum() / (sizes[0] * sizes[1]))
        slopes = (target / sizes[1] - alignment * centered / sizes[0]) / sizes[0]
        return alignment, np.einsum("ij,ijp->p", slopes, derivatives)


class _Judge:
    """What decides which parameters of a run are kept: the rows set aside, if there are any."""

    def __init__(self, aside: _Problem | None, factors: np.ndarray, patience: int) -> None:
        self.aside, self.patience = aside, patience
        if aside is not None:
            aside.factors = factors
        self.curve: list[float] = []
        self.kept: tuple[float, np.ndarray] | None = None

    def look(self, theta: np.ndarray) -> bool:
        """Score the parameters of an iteration; return whether it is time to stop."""
        if self.aside is None:
            return False
        self.curve.append(self.aside.alignment(theta))
        if self.kept is None or self.curve[-1] > self.kept[0]:
            self.kept = self.curve[-1], theta.copy()
        return len(self.curve) - 1 - int(np.argmax(self.curve)) >= self.patience

    def best(self, last: np.ndarray, curve: list[float]) -> tuple[float, np.ndarray]:
        """Return score and parameters of a run: the best set aside, else the last."""
        return (curve[-1], last) if self.kept is None else self.kept


def _trainable(kernel: Kernel) -> TrainableEncoding | None:
    """Return the encoding whose weights are learned, None if the kernel has no such."""
    own = kernel.get_params(deep=False).get("encoding")
    if hasattr(own, "opened"):
        return own
    hidden = [name for name, part in kernel.get_params().items() if hasattr(part, "opened")]
    if hidden:
        raise ValueError(
            f"The weights of {hidden[0]} are not learned inside of {type(kernel).__name__}: learn "
            "the member by an AlignedKernel of its own first."
        )
    return None


def _target(y: np.ndarray) -> np.ndarray:
    return centred(ideal_matrix(y))


def are_values(y: np.ndarray) -> bool:
    """Whether a target holds values; else labels of classes."""
    return y.dtype.kind == "f" and len(np.unique(y)) > 2


def ideal_matrix(y: np.ndarray) -> np.ndarray:
    """Return the kernel matrix that labels (1 for rows of one class) or values stand for."""
    return np.outer(y, y) if are_values(y) else (y[:, None] == y).astype(float)


def centred(matrix: np.ndarray) -> np.ndarray:
    """Return a matrix whose rows and columns have the mean zero."""
    means = matrix.mean(axis=0)
    return matrix - means - matrix.mean(axis=1, keepdims=True) + means.mean()
