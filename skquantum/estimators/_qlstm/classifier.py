"""Long short-term memory with quantum circuits as gates, for labels of sequences."""

from __future__ import annotations

import os
from functools import partial
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import ArrayLike
from sklearn.base import _fit_context
from sklearn.callback import with_callbacks
from sklearn.utils import Tags
from sklearn.utils.metaestimators import available_if

from skquantum._lazy import in_memory
from skquantum._validation import all_or_nothing
from skquantum.circuits import Ansatz, Encoding
from skquantum.estimators._labels import LabelsMixin
from skquantum.estimators._learning import can_partial_fit
from skquantum.estimators._losses import CLASSIFICATION_LOSSES, RowLoss, resolve_loss
from skquantum.estimators._qlstm.base import RecurrentEstimator
from skquantum.estimators._rows import TrainingRows, callback_data
from skquantum.execution import Backend


class QLSTMClassifier(LabelsMixin, RecurrentEstimator):
    """Classifier of sequences: a long short-term memory whose gates are small quantum circuits.

    The cells are those of :class:`QLSTMRegressor` [1]_ [2]_. A linear map of the last hidden
    state gives a logit for each class, and their softmax the probabilities. All of it is trained
    together, by gradients through time and circuits.

    Compare with a classifier that is made for series, such as MiniRocket, with nearest
    neighbours, with a linear model on the same rows, and with ``cell="lstm"``, the same model
    with classical gates, before believing in the circuits. Features should be of about unit
    size. Equal rows are merged into one with their total weight before training.

    Parameters
    ----------
    cell, hidden_size, n_qubits, n_layers, encoding, ansatz, entangler
        The cell, as in :class:`QLSTMRegressor`.
    n_channels : int, default=1
        Values of a time step.
    data_format : {"channels_last", "channels_first"}, default="channels_last"
        Order of the axes of `X`: (n_samples, n_timesteps, n_channels), or
        (n_samples, n_channels, n_timesteps) as in aeon and sktime. Rows of a matrix are such
        arrays reshaped.
    head : {"linear", "quantum"}, default="linear"
        What comes before the linear read-out: nothing, or a further circuit.
    loss : {"log_loss", "brier"}, default="log_loss"
        Cross-entropy, or the Brier score, which a few wrong labels disturb less.
    solver, learning_rate, max_iter, batch_size, shuffle, alpha, gradient_clip, tol, \
n_iter_no_change, early_stopping, validation_fraction, warm_start, init, gradient, backend, verbose
        Training, as in :class:`QLSTMRegressor`, but for smaller steps, 0.03, and a larger `tol`,
        1e-4: where classes can be told apart, the loss falls without end. The score of
        `early_stopping` is the accuracy; equal shares of all classes are set aside.
    class_weight : dict or "balanced", default=None
        Weights of the classes.
    random_state : int, RandomState instance or None, default=None
        First weights, mini-batches, the rows set aside, directions of "spsa".
    n_cells : int, default=1
        Cells on top of each other, as in :class:`QLSTMRegressor`.
    checkpoint : str or path-like, default=None
        File that `fit` goes on from after a kill, as in :class:`QLSTMRegressor`.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        Labels.
    readout_coef_, readout_intercept_ : ndarray of shape (n_classes, n_read) and (n_classes,)
        The read-out.
    loss_curve_ : list of float
        For each epoch the mean loss and the penalty.
    weights_, input_coef_, input_intercept_, gate_coef_, gate_intercept_, n_timesteps_, \
gradient_norms_, circuit_, resources_, run_records_, n_features_in_, feature_names_in_
        As in :class:`QLSTMRegressor`.
    best_loss_, validation_scores_, best_validation_score_, n_iter_
        As in :class:`VariationalClassifier`.

    See Also
    --------
    QLSTMRegressor : The same for numbers, with forecasts.
    VariationalClassifier : One circuit for the whole row.

    References
    ----------
    .. [1] S. Y.-C. Chen, S. Yoo and Y.-L. L. Fang, "Quantum long short-term memory", ICASSP 2022,
       https://arxiv.org/abs/2009.01783
    .. [2] Y. Cao, X. Zhou, X. Fei, H. Zhao, W. Liu and J. Zhao, "Linear-layer-enhanced quantum
       long short-term memory for carbon price forecasting", Quantum Machine Intelligence 5, 26
       (2023), https://doi.org/10.1007/s42484-023-00115-2

    Examples
    --------
    Does a noisy sine go forward, or backward?

    >>> import numpy as np
    >>> from skquantum import QLSTMClassifier
    >>> rng = np.random.default_rng(0)
    >>> start, y = rng.uniform(0, 2 * np.pi, 80), np.repeat(["up", "down"], 40)
    >>> angle = start[:, None] + np.where(y == "up", 1, -1)[:, None] * np.arange(6)
    >>> X = np.stack([np.cos(angle), np.sin(angle)], axis=2) + rng.normal(0, 0.3, (80, 6, 2))
    >>> model = QLSTMClassifier(n_channels=2, tol=0.01, random_state=0)
    >>> print(f"{model.fit(X[::2], y[::2]).score(X[1::2], y[1::2]):.2f}")
    1.00
    """

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        **RecurrentEstimator._parameter_constraints,
        **LabelsMixin._parameter_constraints,
        "loss": [str],
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
        head: str = "linear",
        loss: str = "log_loss",
        solver: str = "adam",
        learning_rate: float = 0.03,
        max_iter: int = 500,
        batch_size: int | str = "auto",
        shuffle: bool = True,
        alpha: float = 0.0,
        gradient_clip: float | None = None,
        tol: float = 1e-4,
        n_iter_no_change: int = 20,
        early_stopping: bool = False,
        validation_fraction: float = 0.1,
        warm_start: bool = False,
        init: str | ArrayLike = "small_normal",
        gradient: str = "auto",
        backend: Backend | None = None,
        class_weight: dict | str | None = None,
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
        self.loss = loss
        self.class_weight = class_weight

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.classifier_tags.poor_score = self._is_poor()
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
            Sequences, the oldest time step first; with ``data_format="channels_first"`` the last
            two axes are the other way round.
        y : array-like of shape (n_samples,)
            A label for each sequence, of at least two classes.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights of the rows in the loss.

        Returns
        -------
        self : QLSTMClassifier
            Fitted estimator. After an interruption by the keyboard, too: it has the best
            weights so far.

        Raises
        ------
        ValueError
            If a parameter, the data or the labels do not fit, before any training: a row is not
            a whole number of time steps, or there is one class only. If the loss is not finite
            from the start.

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
        rows_X, labels = self._validated(X, y, first=not self._resumes())
        rows, codes = self._settle_classes(rows_X, labels, sample_weight, resume=self._resumes())
        self._build_for(rows)
        self._learn(rows, stratify=codes, data=data)
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
        classes: ArrayLike | None = None,
    ) -> Self:
        """Go once over some sequences, from the weights that there are.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_timesteps * n_channels) or \
(n_samples, n_timesteps, n_channels)
            Sequences, as in `fit`.
        y : array-like
            Labels, as in `fit`.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights of the rows in the loss.
        classes : array-like of shape (n_classes,), default=None
            All classes that there will ever be; needed in the first call only.

        Returns
        -------
        self : QLSTMClassifier
            Trained estimator.

        Raises
        ------
        ValueError
            If no row of the first call has a positive weight (later, such a batch changes
            nothing), if `y` has labels that are not among `classes`; and as in `fit`.
        """
        self._check_partial()
        first = not hasattr(self, "weights_")
        rows = self._batch(X, y, sample_weight, classes, first=first)
        self._learn_batch(rows, first=partial(self._build_for, rows) if first else None)
        return self

    def _checked_rows(
        self, X: ArrayLike, y: ArrayLike, *, first: bool
    ) -> tuple[np.ndarray, np.ndarray]:
        return self._validated(X, y, first=first)

    def _build_for(self, rows: TrainingRows) -> None:
        n_classes = len(self.classes_)
        self._build(rows, np.zeros(n_classes), np.ones(n_classes))

    def _check_named(self) -> None:
        super()._check_named()
        self._loss()

    def _loss(self) -> RowLoss:
        return resolve_loss(self.loss, CLASSIFICATION_LOSSES)
