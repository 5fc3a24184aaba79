"""A trainable circuit between linear maps, for numbers."""

from __future__ import annotations

import os
from functools import partial
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import ArrayLike
from sklearn.base import RegressorMixin, _fit_context
from sklearn.callback import with_callbacks
from sklearn.utils import Tags, assert_all_finite
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import validate_data

from skquantum._lazy import Output, by_blocks, in_memory
from skquantum._validation import all_or_nothing
from skquantum.circuits import Ansatz, Encoding
from skquantum.estimators._base import mean_and_unit
from skquantum.estimators._learning import can_partial_fit, r2
from skquantum.estimators._losses import REGRESSION_LOSSES, Loss
from skquantum.estimators._rows import TrainingRows, callback_data, distinct_rows
from skquantum.estimators._variational.base import (
    N_LAYERS,
    Observables,
    VariationalEstimator,
)
from skquantum.execution import Backend


class VariationalRegressor(RegressorMixin, VariationalEstimator):
    """Regressor with a trainable circuit between linear maps: a quantum head.

    The counterpart of :class:`VariationalClassifier` for one or several numbers: the read-out
    gives the values themselves. Targets may have any unit: it has no influence on the fit, unless
    ``normalize_y=False``.

    Parameters
    ----------
    encoding, ansatz, n_layers, n_qubits, reupload, embedding, activation, observables, readout
        The model, as in :class:`VariationalClassifier`.
    loss : {"squared_error", "absolute_error"} or Loss, default="squared_error"
        Half the squared error, or the absolute one, which outliers disturb less; summed over
        outputs. Or an instance of a loss of your own (:class:`skquantum.estimators.Loss`).
    alpha, solver, learning_rate, max_iter, batch_size, tol, n_iter_no_change, \
early_stopping, validation_fraction, warm_start, init, gradient, backend, random_state, verbose
        Training, as in :class:`VariationalClassifier`. The score of `early_stopping` is R².
    normalize_y : bool, default=True
        Whether training brings targets to mean zero and variance one (those of the first batch,
        in `partial_fit`), and predictions back. Losses are in that unit then, attributes of the
        read-out are in that of `y`.
    checkpoint : str or path-like, default=None
        File that `fit` goes on from after a kill, as in :class:`VariationalClassifier`.

    Attributes
    ----------
    weights_ : ndarray of shape (n_weights,)
        Angles of the circuit, in radians; with ``reupload="trainable"`` the factors follow.
    readout_coef_ : ndarray of shape (n_outputs, n_observables)
        Coefficients of the read-out; the factors, (n_outputs,), of ``readout="scaled"``.
    readout_intercept_ : ndarray of shape (n_outputs,)
        Its intercepts, if it is linear.
    factors_, embedding_coef_, embedding_intercept_, loss_curve_, best_loss_, validation_scores_, \
best_validation_score_, n_iter_, layer_, circuit_, resources_, run_records_, n_features_in_, \
feature_names_in_
        As in :class:`VariationalClassifier`.

    See Also
    --------
    VariationalClassifier : The same for labels, with the literature.

    Examples
    --------
    >>> import numpy as np
    >>> from skquantum import VariationalRegressor
    >>> X = np.linspace(-3, 3, 40).reshape(-1, 1)
    >>> y = np.column_stack([np.sin(X), np.cos(2 * X)])
    >>> model = VariationalRegressor(n_qubits=2, solver="lbfgs", alpha=1e-4, random_state=0)
    >>> model.fit(X, y).predict(X).shape, bool(model.score(X, y) > 0.99)
    ((40, 2), True)
    """

    _losses = REGRESSION_LOSSES
    _mean: np.ndarray
    _unit: np.ndarray
    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        **VariationalEstimator._parameter_constraints,
        "normalize_y": ["boolean"],
    }

    def __init__(
        self,
        encoding: str | Encoding = "angle",
        ansatz: str | Ansatz = "strongly_entangling",
        n_layers: int = N_LAYERS,
        n_qubits: int | None = None,
        reupload: bool | str = True,
        embedding: str | None = "auto",
        activation: str = "identity",
        observables: Observables | None = "XYZ",
        readout: str | None = "linear",
        loss: str | Loss = "squared_error",
        alpha: float = 0.3,
        solver: str = "adam",
        learning_rate: float = 0.05,
        max_iter: int = 200,
        batch_size: int | str = "auto",
        tol: float = 1e-3,
        n_iter_no_change: int = 10,
        early_stopping: bool = False,
        validation_fraction: float = 0.1,
        warm_start: bool = False,
        init: str | ArrayLike = "small_normal",
        gradient: str = "auto",
        backend: Backend | None = None,
        random_state: Any = None,
        verbose: bool | int = False,
        normalize_y: bool = True,
        checkpoint: str | os.PathLike[str] | None = None,
    ) -> None:
        super().__init__(
            encoding=encoding,
            ansatz=ansatz,
            n_layers=n_layers,
            n_qubits=n_qubits,
            reupload=reupload,
            embedding=embedding,
            activation=activation,
            observables=observables,
            readout=readout,
            loss=loss,
            alpha=alpha,
            solver=solver,
            learning_rate=learning_rate,
            max_iter=max_iter,
            batch_size=batch_size,
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
            checkpoint=checkpoint,
        )
        self.normalize_y = normalize_y

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = True
        return tags

    @in_memory
    @all_or_nothing
    @with_callbacks
    @_fit_context(prefer_skip_nested_validation=True)
    def fit(self, X: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None = None) -> Self:
        """Train the model.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Training rows.
        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
            Targets.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights of the rows in the loss.

        Returns
        -------
        self : VariationalRegressor
            Fitted estimator. After an interruption by the keyboard, too: it has the best
            weights so far.

        Raises
        ------
        ValueError
            If a parameter or the data do not fit: before any training. If the loss is not finite
            from the start.

        Warns
        -----
        ConvergenceWarning
            If `max_iter` was reached, or the loss became infinite or no number at some step.
        """
        self._check_named()
        data = callback_data(X, y, sample_weight)
        rows = self._rows(X, y, sample_weight, first=not self._resumes())
        rows = self._normalized(rows, first=not self._resumes())
        self._build(rows)
        self._learn(rows, data=data)
        return self

    @available_if(can_partial_fit)
    @in_memory
    @all_or_nothing
    @_fit_context(prefer_skip_nested_validation=True)
    def partial_fit(
        self, X: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None = None
    ) -> Self:
        """Go once over some rows, from the weights that there are.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Training rows.
        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
            Targets.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights of the rows in the loss.

        Returns
        -------
        self : VariationalRegressor
            Trained estimator.

        Raises
        ------
        ValueError
            If `y` has another number of outputs than before; if no row of the first call has a
            positive weight (later, such a batch changes nothing); and as in `fit`.
        """
        self._check_partial()
        first = not hasattr(self, "weights_")
        rows = self._rows(X, y, sample_weight, first=first, allow_none=True)
        n_outputs = rows.targets.shape[1]
        if not first and n_outputs != (before := len(self._unit)):
            raise ValueError(f"y has {n_outputs} outputs; there were {before} before.")
        rows = self._normalized(rows, first=first)
        self._learn_batch(rows, first=partial(self._build, rows) if first else None)
        return self

    def _normalized(self, rows: TrainingRows, *, first: bool) -> TrainingRows:
        """Return rows with targets in the unit that the model is trained in; the first set it."""
        n_outputs = rows.targets.shape[1]
        if first or len(self._unit) != n_outputs:
            self._mean, self._unit = np.zeros(n_outputs), np.ones(n_outputs)
            if self.normalize_y and len(rows.X):
                self._mean, self._unit = mean_and_unit(rows.targets, rows.weight)
        return TrainingRows(rows.X, (rows.targets - self._mean) / self._unit, rows.weight)

    def _learned(self, theta: np.ndarray) -> dict[str, np.ndarray]:
        learned = super()._learned(theta)
        if self.readout == "linear":
            learned["readout_coef_"] = learned["readout_coef_"] * self._unit[:, None]
            learned["readout_intercept_"] = learned["readout_intercept_"] * self._unit + self._mean
        elif self.readout == "scaled":
            learned["readout_coef_"] = learned["readout_coef_"] * self._unit
        return learned

    def _rows(
        self,
        X: ArrayLike,
        y: ArrayLike,
        sample_weight: Any,
        *,
        first: bool,
        allow_none: bool = False,
    ) -> TrainingRows:
        rows_X, targets = validate_data(
            self, X, y, dtype=np.float64, multi_output=True, y_numeric=True, reset=first
        )
        self._flat = targets.ndim == 1
        targets = targets.reshape(len(targets), -1).astype(np.float64)
        assert_all_finite(targets, input_name="y")  # None among objects is NaN only now
        return distinct_rows(rows_X, targets, sample_weight, allow_none=allow_none)

    def _first_intercept(self, rows: TrainingRows) -> np.ndarray:
        return np.average(rows.targets, axis=0, weights=rows.weight)

    _score = staticmethod(r2)

    @by_blocks(lambda model, dtype: Output(None if model._flat else len(model._unit)))
    def predict(self, X: ArrayLike) -> np.ndarray:
        """Predict values.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Rows, scaled as in `fit`.

        Returns
        -------
        ndarray of shape (n_samples,) or (n_samples, n_outputs)
            Predictions, of the dimension of `y` in `fit`.
        """
        outputs = self._outputs(X) * self._unit + self._mean
        return outputs[:, 0] if self._flat else outputs
