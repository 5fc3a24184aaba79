"""Pooling of windows by a small circuit, and its classical counterpart."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, ClassVar, Self

import cirq
import numpy as np
from numpy.typing import ArrayLike
from sklearn.base import _fit_context
from sklearn.callback import with_callbacks
from sklearn.utils import check_random_state
from sklearn.utils._param_validation import StrOptions
from sklearn.utils.validation import check_is_fitted

from skquantum._lazy import by_blocks, in_memory, transformed
from skquantum._named_parts import NamedPartsMixin
from skquantum._validation import all_or_nothing
from skquantum.circuits import (
    Ansatz,
    Encoding,
    PoolingNetwork,
    placed,
    register,
    resolve_convolution,
    resolve_encoding,
)
from skquantum.estimators._base import settled
from skquantum.estimators._blocks import WindowLayer
from skquantum.estimators._head import HeadObjective, QuantumHead, with_weights
from skquantum.estimators._learning import Circuits, TrainedMixin, accuracy, r2
from skquantum.estimators._losses import log_loss, squared_error
from skquantum.estimators._pooling.targets import (
    OBJECTIVES,
    reconstruction_rows,
    resolve_objective,
    supervised_rows,
)
from skquantum.estimators._pooling.windows import WindowedTransformer
from skquantum.estimators._rows import TrainingRows, callback_data, distinct_rows
from skquantum.estimators._solvers import resolve_solver
from skquantum.estimators._training import Layout, Settings, n_batch
from skquantum.estimators._variational.base import Observables
from skquantum.execution import (
    GRADIENTS,
    Backend,
    circuit_resources,
    resolve_backend,
    resolve_observables,
)
from skquantum.layers import QuantumLayer, check_init, initial_weights

# Each row costs a state of this many qubits at most: there are many windows.
MAX_REGISTER = 12
MANY_ROWS = 2**31
# As in MLPClassifier: it keeps the read-out of separable classes finite.
ALPHA = 1e-4


class QuantumPoolingTransformer(TrainedMixin, NamedPartsMixin, WindowedTransformer):
    """Trainable pooling of windows of images, sequences or feature vectors by a small circuit.

    Each window goes into a circuit that alternates convolutions, two-qubit blocks on
    neighbouring qubits, and poolings, in which a kept qubit is rotated according to a
    discarded one, until few qubits are left [1]_ [2]_. Their expectation values are the values
    that the window is pooled to. All windows of all rows are one batch and share the weights,
    which are trained by gradients through the circuit: with a target, jointly with a linear
    read-out of all windows; without one, to tell the window from the outputs.

    Most encodings turn values into angles in radians: scale before. For images, where pixels
    should keep their proportions, one factor for all of them is better than standardised
    columns.

    Parameters
    ----------
    input_shape : tuple of int, "auto" or None, default=None
        What a row of a two-dimensional `X` stands for: ``(T,)`` or ``(T, C)`` for a sequence,
        ``(H, W)`` or ``(H, W, C)`` for an image, with C channels. Two numbers mean an image,
        unless `pool_size` is a tuple of one. None means one sequence of all features; "auto"
        a square image if their number is a square and at least 16, else a sequence. An `X` that
        has these axes already needs no `input_shape`.
    pool_size : int or tuple of int, default=2
        Extent of windows along each axis. All channels of a place are in its window.
    stride : int, tuple of int or None, default=None
        Distance of windows along each axis; None means `pool_size`.
    padding : {"same", "valid"}, default="same"
        Whether windows may stick out, over zeros, if they do not divide the input, or that
        is an error.
    encoding : str or Encoding, default="reuploading"
        Circuit that loads a window, on at most 12 qubits: "reuploading" and "angle" have a qubit
        for each of up to 12 values and fold more of them onto 8 qubits; "amplitude" needs the
        logarithm of their number only. With "amplitude", of which only directions count, windows
        of zeros are taken for constant ones.
    convolution : {"su4", "so4", "u2"} or Ansatz, default="u2"
        Two-qubit block; see :class:`skquantum.circuits.PoolingNetwork`.
    pooling : {"controlled", "measured", "modular", "select"}, default="controlled"
        How a kept qubit learns of the discarded one; see there. "measured" is "controlled" with
        a `circuit_` that has measurements.
    n_outputs : int, default=1
        Qubits kept of each window; with the default `observables` each gives three values.
    observables : str or list of cirq.PauliSum, default="XYZ"
        Letters of "XYZ" for these Paulis of each kept qubit, or sums of Pauli strings on
        ``cirq.LineQubit.range(n_outputs)``, which stand for the kept qubits; with a
        :class:`~skquantum.circuits.CircuitEncoding` on the kept ones of its own qubits.
    n_stages : int or None, default=None
        Number of convolutions and poolings; None means as many as it takes.
    share_weights : bool, default=True
        Whether the blocks of a stage share their weights. Windows always do.
    objective : {"auto", "supervised", "classification", "regression", "reconstruction", \
"random"}, default="auto"
        What the weights are trained for. "auto" is "supervised" if there is a `y`, else
        "reconstruction". "supervised" is "classification" if `y` holds labels (strings or whole
        numbers), else "regression". "reconstruction" is the squared error of the window's values
        as a linear function of its outputs. "random" leaves the initial weights.
    solver : str, default="adam"
        "adam", "rmsprop", "sgd" (with Nesterov's momentum), "spsa", "lbfgs" or another method of
        :func:`scipy.optimize.minimize` that needs no second derivatives.
    learning_rate : float, default=0.1
        Size of the steps of "adam", "rmsprop", "sgd" and "spsa".
    max_iter : int, default=300
        Limit on epochs, or on the iterations of a solver of SciPy.
    batch_size : int or "auto", default="auto"
        Rows of a mini-batch, each with all its windows; "auto" is at most 200.
    tol : float, default=1e-3
        Training stops when the loss (with `early_stopping` the score) did not get better by
        `tol` for more than `n_iter_no_change` epochs.
    n_iter_no_change : int, default=5
        See `tol`.
    early_stopping : bool, default=False
        Whether to set part of the rows aside and to keep the weights of the best score on them:
        accuracy, or R².
    validation_fraction : float, default=0.1
        Part of the distinct rows that `early_stopping` sets aside.
    init : {"small_normal", "uniform"} or array-like of shape (n_weights,), default="small_normal"
        Weights to start from: normal and small, uniform in [0, 2 pi), or an array.
    gradient : {"auto", "adjoint", "parameter-shift", "spsa"}, default="auto"
        How the gradient through the circuit is found; "auto" is what suits the backend.
    backend : Backend, default=None
        How circuits are run; None means ``QsimBackend()``.
    random_state : int, RandomState instance or None, default=None
        First weights, mini-batches, the rows set aside, directions of "spsa".
    verbose : bool, default=False
        Whether to print the loss of each epoch.
    warm_start : bool, default=False
        Whether `fit` goes on from the weights of the last one.
    checkpoint : str or path-like, default=None
        File that `fit` writes after its epochs, about once a second, with the optimiser's memory.
        A `fit` that was killed goes on from there and comes to the same result, if
        `random_state` is an integer and the backend draws nothing. The file of another training
        is refused; that of a finished one gives its result at once, or goes on with a larger
        `max_iter`. For solvers that go step by step, not those of scipy.

    Attributes
    ----------
    objective_ : str
        "classification", "regression", "reconstruction" or "random".
    weights_ : ndarray of shape (n_weights,)
        Angles of the circuit, in radians.
    readout_coef_, readout_intercept_ : ndarray
        The read-out that the weights were trained with: of all outputs to classes or values, or
        of a window's outputs to its values; for values in units of their standard deviation, and
        from their mean. None for "random". It is meant to be replaced by the
        model that comes after.
    input_shape_, output_shape_ : tuple of int
        Shape of a row, and of a transformed one: places of windows along each axis and, if
        there are several, outputs. The latter is the `input_shape` for a second pooling (with
        a `pool_size` of as many axes, where a sequence has got channels).
    loss_curve_, best_loss_, validation_scores_, best_validation_score_, n_iter_
        As in :class:`VariationalClassifier`.
    encoding_ : Encoding
        The encoding as it was used, with a number for ``bandwidth="scale"``.
    layer_ : QuantumLayer
        The circuit of a window, its observables and its gradient.
    circuit_ : cirq.Circuit
        The circuit of a window with its weights bound; the symbols left receive the window.
    resources_ : dict
        Qubits, depth and gates of that circuit; ``n_circuits`` that the fit would have cost on
        hardware, and ``n_simulations`` that it did cost, over all windows.
    run_records_ : list of dict
        What the last fit ran, see :ref:`records`.
    n_features_in_ : int
        Number of values of a row.
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Names of the features, if `X` had any.

    See Also
    --------
    ClassicalPoolingTransformer : Maximum or mean of the same windows.
    QuantumFeatureTransformer : Expectation values of whole rows, without training.

    References
    ----------
    .. [1] I. Cong, S. Choi and M. D. Lukin, "Quantum convolutional neural networks", Nature
       Physics 15, 1273 (2019), https://arxiv.org/abs/1810.03787
    .. [2] T. Hur, L. Kim and D. K. Park, "Quantum convolutional neural network for classical data
       classification", Quantum Machine Intelligence 4, 3 (2022),
       https://arxiv.org/abs/2108.00661

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from skquantum import QuantumPoolingTransformer
    >>> X, y = load_digits(n_class=3, return_X_y=True)
    >>> X = X / 16 * 1.57  # from 0 to 16, to angles of up to a quarter turn
    >>> pooling = QuantumPoolingTransformer(input_shape=(8, 8), tol=0.01, random_state=0)
    >>> pooling.fit_transform(X, y).shape
    (537, 48)
    >>> pooling.output_shape_  # 4 x 4 windows, X, Y and Z of each
    (4, 4, 3)
    >>> pooling.get_feature_names_out()[:2]
    array(['window_0_0_X', 'window_0_0_Y'], dtype=object)
    """

    _named_parts: ClassVar = {
        "encoding": resolve_encoding,
        "convolution": resolve_convolution,
        "backend": resolve_backend,
    }
    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        **WindowedTransformer._parameter_constraints,
        **TrainedMixin._parameter_constraints,
        **PoolingNetwork._parameter_constraints,
        "encoding": [str, Encoding],
        "observables": [str, list, tuple],
        "objective": [StrOptions(set(OBJECTIVES))],
        "init": [str, "array-like"],
        "gradient": [StrOptions(set(GRADIENTS))],
        "backend": [Backend, None],
    }

    def __init__(
        self,
        input_shape: Sequence[int] | str | None = None,
        pool_size: int | Sequence[int] = 2,
        stride: int | Sequence[int] | None = None,
        padding: str = "same",
        encoding: str | Encoding = "reuploading",
        convolution: str | Ansatz = "u2",
        pooling: str = "controlled",
        n_outputs: int = 1,
        observables: Observables = "XYZ",
        n_stages: int | None = None,
        share_weights: bool = True,
        objective: str = "auto",
        solver: str = "adam",
        learning_rate: float = 0.1,
        max_iter: int = 300,
        batch_size: int | str = "auto",
        tol: float = 1e-3,
        n_iter_no_change: int = 5,
        early_stopping: bool = False,
        validation_fraction: float = 0.1,
        init: str | ArrayLike = "small_normal",
        gradient: str = "auto",
        backend: Backend | None = None,
        random_state: Any = None,
        verbose: bool | int = False,
        warm_start: bool = False,
        checkpoint: str | os.PathLike[str] | None = None,
    ) -> None:
        self.input_shape = input_shape
        self.pool_size = pool_size
        self.stride = stride
        self.padding = padding
        self.encoding = encoding
        self.convolution = convolution
        self.pooling = pooling
        self.n_outputs = n_outputs
        self.observables = observables
        self.n_stages = n_stages
        self.share_weights = share_weights
        self.objective = objective
        self.solver = solver
        self.learning_rate = learning_rate
        self.max_iter = max_iter
        self.batch_size = batch_size
        self.tol = tol
        self.n_iter_no_change = n_iter_no_change
        self.early_stopping = early_stopping
        self.validation_fraction = validation_fraction
        self.init = init
        self.gradient = gradient
        self.backend = backend
        self.random_state = random_state
        self.verbose = verbose
        self.warm_start = warm_start
        self.checkpoint = checkpoint

    weights_: np.ndarray
    encoding_: Encoding
    layer_: QuantumLayer
    objective_: str

    @in_memory
    @all_or_nothing
    @with_callbacks
    @_fit_context(prefer_skip_nested_validation=True)
    def fit(
        self,
        X: ArrayLike,
        y: ArrayLike | None = None,
        sample_weight: ArrayLike | None = None,
    ) -> Self:
        """Train the circuit.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features) or (n_samples, ...)
            Training rows, flat or with the axes of `input_shape`.
        y : array-like of shape (n_samples,) or (n_samples, n_targets), default=None
            Labels or values, if there are any.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights of the rows in the loss.

        Returns
        -------
        self : QuantumPoolingTransformer
            Fitted transformer. After an interruption by the keyboard, too: it has the best
            weights so far.

        Raises
        ------
        ValueError
            If the windows do not fit the rows, the register or the parameters; if `y` is missing
            or of the wrong kind for the objective; before any training.

        Warns
        -----
        ConvergenceWarning
            If `max_iter` was reached, or the loss became infinite or no number at some step.
        """
        resolve_solver(self.solver)
        self._check_init()
        data = callback_data(X, y, sample_weight)
        rows_X = self._fit_windows(X)
        self.objective_ = resolve_objective(self.objective, y)
        rng = check_random_state(self.random_state)
        self.encoding_ = self._fitted_encoding(rows_X, sample_weight)
        self._build(rng)
        weights = initial_weights(self.init, self.layer_, self._ansatz, rng)
        if self.objective_ == "random":
            self._start(weights, rng, Layout(weights=weights.shape))
            self._take({"weights_": weights, "readout_coef_": None, "readout_intercept_": None})
            return self
        pool, rows, codes, intercept = self._supervise(rows_X, y, sample_weight)
        self._per_row = pool.n_windows
        learned = self._head.layout if self.warm_start and hasattr(self, "_theta") else None
        self._head = QuantumHead(
            pool, n_features=rows_X.shape[1], n_outputs=rows.targets.shape[1], embedding=False
        )
        start = self._head.start(rng, weights, intercept)
        self._start(start, rng, self._head.layout, learned)
        self._learn(rows, stratify=codes, data=data)
        return self

    @by_blocks(transformed)
    def transform(self, X: ArrayLike) -> np.ndarray:
        """Pool all windows.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features) or (n_samples, ...)
            Rows, flat or with the axes of `input_shape_`, scaled as in `fit`.

        Returns
        -------
        ndarray of shape (n_samples, n_windows * n_observables)
            Expectation values, window by window, in the order of the names out.
        """
        rows = self._rows(X)
        pooled = self._pool.forward(rows.astype(np.float64, copy=False), self.weights_)
        return pooled.astype(rows.dtype, copy=False)

    @property
    def circuit_(self) -> cirq.Circuit:
        """The circuit of a window: weights are bound, data symbols are free."""
        check_is_fitted(self)
        circuit = self.layer_.circuit
        if self._ansatz.pooling == "measured":
            encoder, _ = self.encoding_.compiled(self._windows.size)
            network = self._ansatz.measured_form(self.layer_.n_qubits)
            line = cirq.LineQubit.range(self.layer_.n_qubits)
            circuit = encoder.unfreeze() + placed(network, line, self.layer_.qubits)
        return with_weights(circuit, self.layer_, self.weights_)

    @property
    def resources_(self) -> dict[str, int]:
        """Qubits, depth and gates of the circuit, and what the fit cost."""
        check_is_fitted(self)
        return circuit_resources(self.circuit_) | self._cost()

    def _check_init(self) -> None:
        check_init(self.init)
        if isinstance(self.init, str) and self.init == "identity_blocks":
            raise ValueError(
                "init='identity_blocks' would undo each pooling; use 'uniform' or 'small_normal'."
            )

    def _network(self) -> PoolingNetwork:
        names = PoolingNetwork._parameter_constraints
        return settled(PoolingNetwork(**{name: getattr(self, name) for name in names}))

    def _resolved_encoding(self) -> Encoding:
        encoding, size = settled(resolve_encoding(self.encoding)), self._windows.size
        if encoding.get_params(deep=False).get("n_qubits", 0) is None and size <= MAX_REGISTER:
            encoding.set_params(n_qubits=size)
        n_qubits = encoding.width(size)
        if n_qubits > MAX_REGISTER:
            raise ValueError(
                f"A window of {size} values takes {n_qubits} qubits with encoding={encoding}, "
                f"more than the {MAX_REGISTER} of a register for pooling. Make pool_size smaller, "
                "or use encoding='amplitude' or AngleEncoding(n_qubits=8)."
            )
        return encoding

    def _fitted_encoding(self, X: np.ndarray, sample_weight: Any) -> Encoding:
        """Return the encoding with what is settled by the windows of the rows."""
        rows = distinct_rows(X, np.zeros(len(X)), sample_weight)
        windows = self._windows(rows.X)
        weight = np.repeat(rows.weight, windows.shape[1])
        return self._resolved_encoding().fitted(windows.reshape(len(weight), -1), weight)

    def _build(self, rng: np.random.RandomState) -> None:
        """Build the circuit of a window, and what takes all windows through it."""
        self._ansatz = self._network()
        size = self._windows.size
        qubits = register(self.encoding_, self._ansatz, size)
        kept = [qubits[q.x] for q in self._ansatz.kept(len(qubits))]
        self.layer_ = QuantumLayer(
            self.encoding_,
            self._ansatz,
            observables_on(kept, self.observables, numbered=not self.encoding_.has_own_qubits),
            self.backend,
            n_features=size,
            gradient=self.gradient,
            random_state=rng,
        )
        self._pool = WindowLayer(
            self.layer_,
            self._windows,
            len(self._windows.index),
            self.encoding_.accepts == "directions",
        )
        self._per_row = self._pool.n_windows
        self._output_names = self._named_outputs()

    def _named_outputs(self) -> list[str]:
        if not isinstance(self.observables, str):
            return [f"observable{i}" for i in range(len(self.observables))]
        if self.n_outputs == 1:
            return list(self.observables)
        return [f"{letter}{i}" for i in range(self.n_outputs) for letter in self.observables]

    def _settings(self) -> Settings:
        settings = super()._settings()
        if self.objective_ != "reconstruction":
            return settings
        # Each window is a row of its own then.
        n_rows = n_batch(settings.batch_size, MANY_ROWS)
        return replace(settings, batch_size=n_rows * self._pool.n_windows)

    def _supervise(
        self, X: np.ndarray, y: Any, sample_weight: Any
    ) -> tuple[WindowLayer, TrainingRows, np.ndarray | None, np.ndarray]:
        """Return what is trained, its rows and their classes, and where its read-out starts."""
        if self.objective_ != "reconstruction":
            return self._pool, *supervised_rows(X, y, sample_weight, self.objective_)
        task = reconstruction_rows(self._windows(X), sample_weight)
        return WindowLayer(self.layer_, None, 1, self._pool.fill_blank), *task

    _pool: WindowLayer
    _head: QuantumHead
    _encoding: Encoding
    _ansatz: PoolingNetwork
    _per_row: int  # circuits, while it was trained

    def _circuits(self) -> list[Circuits]:
        return [Circuits(self.layer_, self._per_row, data_gradient=False)]

    def _objective(self, rows: TrainingRows, aside: TrainingRows | None) -> HeadObjective:
        is_labels = self.objective_ == "classification"
        loss, score = (log_loss, accuracy) if is_labels else (squared_error, r2)
        return HeadObjective(self._head, loss, ALPHA, rows, aside, score)

    def _learned(self, theta: np.ndarray) -> dict[str, Any]:
        parts = self._head.layout.unpack(theta)
        return {f"{name}_": array for name, array in parts.items()} | {"_theta": theta}


def observables_on(
    kept: Sequence[cirq.Qid], observables: Observables, numbered: bool
) -> list[cirq.PauliSum]:
    """Return observables of the kept qubits, maybe given as those of as many qubits from zero."""
    given: Sequence[cirq.Qid] = cirq.LineQubit.range(len(kept)) if numbered else kept
    places = dict(zip(given, kept, strict=True))
    sums = resolve_observables(observables, given)
    return [
        cirq.PauliSum.from_pauli_strings([string.map_qubits(places) for string in total])
        for total in sums
    ]
