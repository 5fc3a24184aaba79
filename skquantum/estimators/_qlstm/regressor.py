"""Long short-term memory with quantum circuits as gates, for sequences and time series."""

from __future__ import annotations

import os
from functools import partial
from numbers import Integral
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import ArrayLike
from sklearn.base import RegressorMixin, _fit_context
from sklearn.callback import with_callbacks
from sklearn.utils import Tags, check_array
from sklearn.utils._param_validation import StrOptions
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import check_is_fitted

from skquantum._lazy import Output, by_blocks, in_memory
from skquantum._validation import all_or_nothing
from skquantum.circuits import Ansatz, Encoding
from skquantum.estimators._learning import can_partial_fit, r2
from skquantum.estimators._losses import RowLoss, in_units, squared_error
from skquantum.estimators._qlstm.base import RecurrentEstimator
from skquantum.estimators._qlstm.build import target_statistics
from skquantum.estimators._rows import TrainingRows, callback_data, distinct_rows
from skquantum.execution import Backend


class QLSTMRegressor(RegressorMixin, RecurrentEstimator):
    """Long short-term memory whose gates are small quantum circuits (Q-LSTM).

    A cell goes along a sequence with a hidden state h and a cell state c. At each time step,
    circuits of hidden state and input, v = [h, x], take the place of the linear maps of an
    ordinary LSTM [1]_: with their expectation values f, i, g and o,
    ``c = sigmoid(f) c + sigmoid(i) tanh(g)`` and ``h = sigmoid(o) tanh(c)``. A linear map of the
    last hidden state, or of every one, is the prediction. The weights are trained by gradients
    through time and circuits.

    Smooth series are easy: compare with a linear autoregression, for instance
    :class:`sklearn.linear_model.Ridge` on the same windows, before believing in the circuits,
    and with ``cell="lstm"``, the same model with classical gates. Features should be of about
    unit size; targets may have any unit. Equal rows are merged into one with their total weight
    before training.

    Parameters
    ----------
    cell : {"linear_enhanced", "chen", "chen6", "lstm"}, default="linear_enhanced"
        "chen": four circuits on h and x side by side, of which the first `hidden_size` qubits
        are measured [1]_. "chen6": two more circuits after the output gate, one that makes the
        next hidden state and one for the read-out; all qubits of the gates are measured, so c is
        of their number. "linear_enhanced": a trainable linear map
        brings h and x to `n_qubits` numbers, and one for each gate brings the expectation values
        to `hidden_size` [2]_, so that these two are independent. "lstm": linear maps in place of
        circuits, as a classical control; parameters of circuits have no effect then.
    hidden_size : int, default=4
        Length of h and, but for "chen6", of c.
    n_qubits : int or None, default=None
        Qubits of each circuit. None means 4 for "linear_enhanced", else one for each number of
        h and x; fewer (at least `hidden_size`) fold them onto the register, which is slower.
    n_layers : int, default=2
        Layers of an ansatz that is given by its name.
    encoding : str or Encoding, default="arctan"
        Circuit that loads the numbers; see :class:`skquantum.circuits.ArctanEncoding`. With
        exact states on qsim and up to five qubits training is fast, and fastest with the default
        unless it folds.
    ansatz : str or Ansatz, default="rings"
        Circuit of the weights; see :class:`skquantum.circuits.EntanglingRings`.
    entangler : {"alternate", "both"}, default="alternate"
        With ``ansatz="rings"``, whether rings of CX gates of stride 2 and 1 take turns from
        layer to layer, or each layer has both, as in [1]_ and with more gates.
    n_channels : int, default=1
        Values of a time step.
    data_format : {"channels_last", "channels_first"}, default="channels_last"
        Order of the axes of `X`: (n_samples, n_timesteps, n_channels), or
        (n_samples, n_channels, n_timesteps) as in aeon and sktime. Rows of a matrix are such
        arrays reshaped.
    output : {"last", "sequence"}, default="last"
        Whether `y` belongs to the last time step, or has values for each time step: then its
        columns are those of the first step, of the second, and so on.
    head : {"linear", "quantum"}, default="linear"
        What comes before the linear read-out: nothing, or a further circuit.
    solver : str, default="adam"
        "adam", "rmsprop", "sgd" (with Nesterov's momentum), "spsa", "lbfgs" or another method of
        :func:`scipy.optimize.minimize` that needs no second derivatives.
    learning_rate : float, default=0.1
        Size of the steps of "adam", "rmsprop", "sgd" and "spsa".
    max_iter : int, default=500
        Limit on epochs, or on the iterations of a solver of SciPy.
    batch_size : int or "auto", default="auto"
        Rows of a mini-batch; "auto" is at most 200.
    shuffle : bool, default=True
        Whether each epoch puts the rows into mini-batches at random, or in the order in which
        they were given, as programs of the literature do. Windows of a series are then seen from
        the oldest to the newest, and the last steps of training are about the newest.
    alpha : float, default=0.0
        Strength of the L2 penalty on the coefficients of linear maps, divided by the number of
        rows as in :class:`sklearn.neural_network.MLPRegressor`. Angles are not penalised.
    gradient_clip : float or None, default=None
        Largest norm of a step's gradient; a longer one is shortened to it. None means any.
    tol : float, default=1e-6
        Training stops when the loss (with `early_stopping` the score) did not get better by
        `tol` for more than `n_iter_no_change` epochs.
    n_iter_no_change : int, default=20
        See `tol`.
    early_stopping : bool, default=False
        Whether to set random rows aside and to keep the weights of the best R² on them.
    validation_fraction : float, default=0.1
        Part of the distinct rows that `early_stopping` sets aside.
    warm_start : bool, default=False
        Whether `fit` starts from the weights of the last one.
    init : {"small_normal", "uniform"} or array-like of shape (n_circuits, n_weights), \
default="small_normal"
        Angles to start from: normal and small, uniform in [0, 2 pi), or an array.
    gradient : {"auto", "adjoint", "parameter-shift", "spsa"}, default="auto"
        How the gradient through a circuit is found; "auto" is what suits the backend.
    backend : Backend, default=None
        How circuits are run; None means ``QsimBackend()``.
    random_state : int, RandomState instance or None, default=None
        First weights, mini-batches, the rows set aside, directions of "spsa".
    verbose : bool, default=False
        Whether to print the loss of each epoch.
    n_cells : int, default=1
        Cells on top of each other: each reads at every time step what the one below it has as
        its states, and has circuits and maps of its own, whose attributes begin with
        ``cell2_`` and so on. Circuits of "chen" and "chen6" that read more numbers than they have
        qubits fold them; a larger `n_qubits` avoids that.
    checkpoint : str or path-like, default=None
        File that `fit` writes after its epochs, about once a second, with the optimiser's memory.
        A `fit` that was killed goes on from there and comes to the same result, if
        `random_state` is an integer and the backend draws nothing. The file of another training
        is refused; that of a finished one gives its result at once, or goes on with a larger
        `max_iter`. For solvers that go step by step, not those of scipy.

    Attributes
    ----------
    weights_ : ndarray of shape (n_circuits, n_weights)
        Angles of the circuits, in radians: those of forget gate, input gate, candidate and
        output gate; with "chen6" those for the hidden state and the read-out; that of a quantum
        head. No rows for "lstm".
    readout_coef_, readout_intercept_ : ndarray of shape (n_outputs, n_read) and (n_outputs,)
        The read-out, for one time step.
    input_coef_, input_intercept_, gate_coef_, gate_intercept_ : ndarray
        Linear maps into the circuits and out of them, with "linear_enhanced"; the latter two
        are the gates themselves with "lstm".
    n_timesteps_ : int
        Length of a row's sequence.
    loss_curve_ : list of float
        For each epoch half the mean squared error, summed over outputs, in units of the targets'
        mean variance, and the penalty.
    best_loss_, validation_scores_, best_validation_score_, n_iter_
        As in :class:`VariationalClassifier`.
    gradient_norms_ : list of float
        For each epoch the mean norm of the gradient before `gradient_clip`; empty for solvers
        without gradients.
    circuit_ : cirq.Circuit
        The circuit of the forget gate with its weights bound; the symbols left receive h and x,
        or what the linear map makes of them.
    resources_ : dict
        Qubits, depth and gates of one gate's circuit; ``n_cell_circuits``, the circuits of a
        cell; ``n_parameters``; ``n_circuits`` that the fits would have cost on hardware, and
        ``n_simulations`` that they did cost.
    run_records_ : list of dict
        What the last fit ran, see :ref:`records`.
    n_features_in_ : int
        Number of values of a row.
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Names of the features, if `X` had any.

    See Also
    --------
    QLSTMClassifier : The same for labels.
    skquantum.datasets.make_windows : Rows and targets from a series.
    VariationalRegressor : One circuit for the whole window.

    References
    ----------
    .. [1] S. Y.-C. Chen, S. Yoo and Y.-L. L. Fang, "Quantum long short-term memory", ICASSP 2022,
       https://arxiv.org/abs/2009.01783
    .. [2] Y. Cao, X. Zhou, X. Fei, H. Zhao, W. Liu and J. Zhao, "Linear-layer-enhanced quantum
       long short-term memory for carbon price forecasting", Quantum Machine Intelligence 5, 26
       (2023), https://doi.org/10.1007/s42484-023-00115-2

    Examples
    --------
    >>> from skquantum import QLSTMRegressor
    >>> from skquantum.datasets import make_damped_pendulum, make_windows
    >>> series = make_damped_pendulum() / 3
    >>> X, y = make_windows(series, window=4)
    >>> model = QLSTMRegressor(random_state=0).fit(X[:160], y[:160])
    >>> print(f"{model.score(X[160:], y[160:]):.2f}")
    1.00
    >>> model.forecast(series, steps=3).shape
    (3,)
    """

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        **RecurrentEstimator._parameter_constraints,
        "output": [StrOptions({"last", "sequence"})],
    }

    def __init__(
        self,
        cell: str = "linear_enhanced",
        hidden_size: int = 4,
        n_qubits: int | None = None,
        n_layers: int = 2,
        encoding: str | Encoding = "arctan",
        ansatz: str | Ansatz = "rings",
        entangler: str = "alternate",
        n_channels: int = 1,
        data_format: str = "channels_last",
        output: str = "last",
        head: str = "linear",
        solver: str = "adam",
        learning_rate: float = 0.1,
        max_iter: int = 500,
        batch_size: int | str = "auto",
        shuffle: bool = True,
        alpha: float = 0.0,
        gradient_clip: float | None = None,
        tol: float = 1e-6,
        n_iter_no_change: int = 20,
        early_stopping: bool = False,
        validation_fraction: float = 0.1,
        warm_start: bool = False,
        init: str | ArrayLike = "small_normal",
        gradient: str = "auto",
        backend: Backend | None = None,
        random_state: Any = None,
        verbose: bool | int = False,
        n_cells: int = 1,
        checkpoint: str | os.PathLike[str] | None = None,
    ) -> None:
        super().__init__(
            cell=cell,
            hidden_size=hidden_size,
            n_qubits=n_qubits,
            n_layers=n_layers,
            encoding=encoding,
            ansatz=ansatz,
            entangler=entangler,
            n_channels=n_channels,
            data_format=data_format,
            head=head,
            solver=solver,
            learning_rate=learning_rate,
            max_iter=max_iter,
            batch_size=batch_size,
            shuffle=shuffle,
            alpha=alpha,
            gradient_clip=gradient_clip,
            tol=tol,
            n_iter_no_change=n_iter_no_change,
            early_stopping=early_stopping,
            validation_fraction=validation_fraction,
            warm_start=warm_start,
            init=init,
            gradient=gradient,
            backend=backend,
            random_state=random_state,
            verbose=verbose,
            n_cells=n_cells,
            checkpoint=checkpoint,
        )
        self.output = output

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = True
        tags.regressor_tags.poor_score = self._is_poor()
        return tags

    @in_memory
    @all_or_nothing
    @with_callbacks
    @_fit_context(prefer_skip_nested_validation=True)
    def fit(self, X: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None = None) -> Self:
        """Train the model.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_timesteps * n_channels) or \
(n_samples, n_timesteps, n_channels)
            Sequences, the oldest time step first, all channels of a step side by side; with
            ``data_format="channels_first"`` the last two axes are the other way round.
        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
            Targets: one or several numbers, for instance the next values. With
            ``output="sequence"`` as many for each time step, time step by time step.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights of the rows in the loss.

        Returns
        -------
        self : QLSTMRegressor
            Fitted estimator. After an interruption by the keyboard, too: it has the best
            weights so far.

        Raises
        ------
        ValueError
            If a parameter or the data do not fit, before any training: a row is not a whole
            number of time steps, or `y` is not one for each of them where it has to be. If the
            loss is not finite from the start.

        Warns
        -----
        ConvergenceWarning
            If `max_iter` was reached, or the loss became infinite or no number at some step;
            then the last good weights are kept.
        ScaleWarning
            If the values of `X` are much larger than one.
        """
        self._check_named()
        data = callback_data(X, y, sample_weight)
        rows = self._rows(X, y, sample_weight, first=not self._resumes())
        self._build_for(rows)
        self._learn(rows, data=data)
        return self

    @available_if(can_partial_fit)
    @in_memory
    @all_or_nothing
    @_fit_context(prefer_skip_nested_validation=True)
    def partial_fit(
        self,
        X: ArrayLike,
        y: ArrayLike,
        sample_weight: ArrayLike | None = None,
    ) -> Self:
        """Go once over some sequences, from the weights that there are.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_timesteps * n_channels) or \
(n_samples, n_timesteps, n_channels)
            Sequences, as in `fit`.
        y : array-like
            Targets, as in `fit`.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights of the rows in the loss.

        Returns
        -------
        self : QLSTMRegressor
            Trained estimator.

        Raises
        ------
        ValueError
            If no row of the first call has a positive weight (later, such a batch changes
            nothing), if `y` has another number of outputs than before; and as in `fit`.
        """
        self._check_partial()
        first = not hasattr(self, "weights_")
        rows = self._rows(X, y, sample_weight, first=first, allow_none=True)
        if not first and rows.targets.shape[1] != (before := self._n_targets()):
            raise ValueError(f"y has {rows.targets.shape[1]} outputs; there were {before} before.")
        self._learn_batch(rows, first=partial(self._build_for, rows) if first else None)
        return self

    def _rows(
        self,
        X: ArrayLike,
        y: ArrayLike,
        sample_weight: Any,
        *,
        first: bool,
        allow_none: bool = False,
    ) -> TrainingRows:
        """Return distinct rows of positive weight."""
        options = {"multi_output": True, "y_numeric": True}
        rows, targets = self._validated(X, y, first=first, **options)
        self._check_outputs(rows, targets)
        self._flat = targets.ndim == 1
        targets = targets.reshape(len(targets), -1).astype(np.float64)
        return distinct_rows(
            rows, targets, sample_weight, allow_none=allow_none, in_order=not self.shuffle
        )

    def _build_for(self, rows: TrainingRows) -> None:
        n_steps = rows.X.shape[1] // self.n_channels
        self._build(rows, *target_statistics(rows, n_steps, self.output == "sequence"))

    def _n_targets(self) -> int:
        network = self._network
        return network.n_outputs * (network.n_steps if network.sequence else 1)

    def _check_outputs(self, X: np.ndarray, y: np.ndarray) -> None:
        n_steps, n_columns = X.shape[1] // self.n_channels, 1 if y.ndim == 1 else y.shape[1]
        if self.output == "sequence" and n_columns % n_steps:
            raise ValueError(
                f"output='sequence' needs targets for each of {n_steps} time steps, but y has "
                f"{n_columns} columns; give a multiple of {n_steps}, or set output='last'."
            )

    def _loss(self) -> RowLoss:
        # Solvers, `tol` and the limit on the gradient mean the same for targets of any unit.
        return in_units(squared_error, float(np.mean(self._network.scale**2)) ** 0.5)

    _score = staticmethod(r2)

    @by_blocks(lambda model, dtype: model._output())
    def predict(self, X: ArrayLike) -> np.ndarray:
        """Predict values.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_timesteps * n_channels) or \
(n_samples, n_timesteps, n_channels)
            Sequences as in `fit`, scaled in the same way.

        Returns
        -------
        ndarray of shape (n_samples,) or (n_samples, n_outputs)
            Predictions, of the shape of `y` in `fit`.
        """
        outputs = self._outputs(X)
        return outputs[:, 0] if self._flat else outputs

    def _output(self) -> Output:
        return Output(None if self._flat else self._n_targets())

    @in_memory
    def forecast(self, history: ArrayLike, steps: int) -> np.ndarray:
        """Predict a series further and further, from its predictions.

        It is meant for a model of the next values: `y` in `fit` were the values that follow the
        window, all channels of one or several time steps (with ``output="sequence"``, that
        follow each time step).

        Parameters
        ----------
        history : array-like of shape (n_timesteps,) or (n_timesteps, n_channels)
            The series so far, scaled as in `fit`; at least a window of it. What came before the
            last window has no influence.
        steps : int
            Number of time steps to predict.

        Returns
        -------
        ndarray of shape (steps,) or (steps, n_channels)
            Predictions; one-dimensional if `history` is.

        Raises
        ------
        ValueError
            If the history is shorter than a window or not finite, `steps` is not a positive
            integer, or the outputs are not whole time steps.
        """
        check_is_fitted(self, "weights_")
        values = check_array(history, dtype=np.float64, ensure_2d=False, input_name="history")
        self._check_forecast(values, steps)
        n_channels, n_steps = self._network.n_channels, self.n_timesteps_
        n_ahead = self._network.n_outputs // n_channels
        series = list(values.reshape(-1, n_channels)[-n_steps:])
        for _ in range(0, steps, n_ahead):
            row = np.concatenate(series[-n_steps:])[None]
            ahead = self._network.outputs(self._theta, row)[0, -self._network.n_outputs :]
            series.extend(ahead.reshape(n_ahead, n_channels))
        out = np.array(series[n_steps : n_steps + steps])
        return out[:, 0] if values.ndim == 1 else out

    def _check_forecast(self, history: np.ndarray, steps: int) -> None:
        n_channels, n_outputs = self._network.n_channels, self._network.n_outputs
        if not isinstance(steps, Integral) or isinstance(steps, bool) or steps < 1:
            raise ValueError(f"steps must be a positive integer, got {steps!r}.")
        if n_outputs % n_channels:
            raise ValueError(
                f"forecast needs a model of whole time steps of {n_channels} channels, but it has "
                f"{n_outputs} outputs; fit it to the next values of all channels."
            )
        width = 1 if history.ndim == 1 else history.shape[1]
        if history.ndim > 2 or width != n_channels:
            raise ValueError(
                f"history must have shape (n_timesteps, {n_channels})"
                + (" or (n_timesteps,)" if n_channels == 1 else "")
                + f", got {history.shape}."
            )
        if len(history) < self.n_timesteps_:
            raise ValueError(
                f"history has {len(history)} time steps, too few for the window of "
                f"{self.n_timesteps_} that the model was fitted with."
            )
