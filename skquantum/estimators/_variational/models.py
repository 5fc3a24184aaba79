"""Trainable circuits between linear maps: a classifier and a regressor."""

from __future__ import annotations

from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import ArrayLike
from sklearn.base import ClassifierMixin, RegressorMixin, _fit_context
from sklearn.callback import with_callbacks
from sklearn.utils import Tags, assert_all_finite
from sklearn.utils._param_validation import StrOptions
from sklearn.utils.metaestimators import available_if
from sklearn.utils.multiclass import _check_partial_fit_first_call, check_classification_targets
from sklearn.utils.validation import validate_data

from skquantum._validation import all_or_nothing
from skquantum.circuits import Ansatz, Encoding
from skquantum.estimators._base import mean_and_unit
from skquantum.estimators._learning import accuracy, class_factors, r2
from skquantum.estimators._losses import CLASSIFICATION_LOSSES, REGRESSION_LOSSES, softmax
from skquantum.estimators._rows import TrainingRows, callback_data, distinct_rows
from skquantum.estimators._variational.base import (
    N_LAYERS,
    Observables,
    VariationalEstimator,
    can_partial_fit,
)
from skquantum.execution import Backend


class VariationalClassifier(ClassifierMixin, VariationalEstimator):
    """Classifier with a trainable circuit between linear maps: a quantum head.

    A row goes into the angles of a circuit, directly or through a trainable linear map
    (``embedding="linear"``, the dressed circuit of Mari et al. [1]_). The circuit has trainable
    angles of its own, and by default loads the data again before each of its layers [2]_. A
    trainable linear read-out turns the expectation values of its observables into a logit for
    each class, and their softmax into probabilities. All of it is trained together, on whole
    batches, by gradients through the circuit.

    Angles are in radians: scale features in a `Pipeline`, for instance with
    :class:`sklearn.preprocessing.StandardScaler`. More than eight features come in blocks of two,
    each of which goes through the same circuit; the read-out sees all of them.

    Equal rows are merged into one with their total weight before training.

    Parameters
    ----------
    encoding : str or Encoding, default="angle"
        Circuit that loads a row: "angle", "zz", "iqp", "amplitude", "basis", "reuploading",
        or an instance. Its parameters take part in a grid search (``encoding__bandwidth``).
    ansatz : str or Ansatz, default="strongly_entangling"
        Circuit of the trainable angles: "strongly_entangling", "hardware_efficient",
        "real_amplitudes", "simplified_two_design", "tree_tensor", or an instance.
    n_layers : int, default=3
        Layers of an ansatz that is given by its name. An instance brings its own number,
        ``ansatz__n_layers``; any other number here than that and the default is an error.
    n_qubits : int, default=None
        Size of the register. None leaves it to the encoding: usually one qubit for each
        feature, at most 8; with ``embedding="linear"``, at most 4.
    reupload : bool, default=True
        Whether the data is loaded again before each layer of the ansatz. It gives the model
        higher frequencies in the features [3]_.
    embedding : {"auto", "linear"} or None, default="auto"
        How features become angles. "auto": as they are, more than 8 in blocks of two, each through
        the circuit, with outputs side by side, if `n_qubits` is not given. "linear": through a
        trainable linear map to one angle for each qubit (for each symbol of a
        :class:`~skquantum.circuits.CircuitEncoding`), or to ``2**n_qubits`` amplitudes. It
        brings wide data to few qubits. The encoding "basis" takes bits and does not go with it.
        None: as they are, in one circuit, onto whose register wide rows fold.
    activation : {"identity", "tanh"}, default="identity"
        What comes between a linear embedding and the circuit. "tanh" is pi/2 tanh, as in the
        dressed circuit [1]_: angles stay within half a turn.
    observables : {"Z", "XYZ"} or list of cirq.PauliSum, default="XYZ"
        What is measured: Z of each qubit ("Z" and None), or X, Y and Z of each, or sums of Pauli
        strings on ``cirq.LineQubit.range(n_qubits)`` or the qubits of a circuit of your own.
    loss : {"log_loss", "brier"}, default="log_loss"
        Cross-entropy, or the Brier score, which a few wrong labels disturb less. Both are
        proper scoring rules: their minimum is at the true probabilities.
    alpha : float, default=0.3
        Strength of the L2 penalty on the coefficients of the linear maps (those of the
        embedding times the root of their number), divided by the number of rows as in
        :class:`sklearn.neural_network.MLPClassifier`. Angles are not penalised.
    solver : str, default="adam"
        "adam"; "rmsprop"; "sgd", with Nesterov's momentum of 0.9; "spsa", which needs two
        evaluations a step and no gradient [4]_; "lbfgs"; or the name of any other method of
        :func:`scipy.optimize.minimize` that needs no second derivatives. Only the first four go
        through mini-batches.
    learning_rate : float, default=0.05
        Size of the steps of these four, constant but for "spsa".
    max_iter : int, default=200
        Limit on epochs, or on the iterations of a solver of SciPy.
    batch_size : int or "auto", default="auto"
        Rows of a mini-batch; "auto" is at most 200.
    tol : float, default=1e-3
        Training stops when the loss (with `early_stopping` the score) did not get better by
        `tol` for more than `n_iter_no_change` epochs. SciPy's solvers have criteria of their
        own, which get `tol`.
    n_iter_no_change : int, default=10
        See `tol`.
    early_stopping : bool, default=False
        Whether to set part of the rows aside and to stop when the accuracy on them does not get
        better. The weights kept are those of the best score.
    validation_fraction : float, default=0.1
        Part of the distinct rows that `early_stopping` sets aside.
    warm_start : bool, default=False
        Whether `fit` starts from the weights of the last one.
    init : {"small_normal", "identity_blocks", "uniform"} or array-like of shape (n_weights,), \
default="small_normal"
        Angles to start from: normal ones whose variance falls with the depth [5]_; blocks, each
        followed by its inverse with angles of its own, that begin as the identity [6]_ (twice as
        many gates); uniform in [0, 2 pi), where deep and wide circuits have barren plateaus;
        or an array.
    gradient : {"auto", "adjoint", "parameter-shift", "spsa"}, default="auto"
        How the gradient through the circuit is found; "auto" is what suits the backend.
    backend : Backend, default=None
        How circuits are run; None means ``QsimBackend()``.
    class_weight : dict or "balanced", default=None
        Weights of the classes.
    random_state : int, RandomState instance or None, default=None
        First weights, mini-batches, the rows set aside, directions of "spsa".
    verbose : bool, default=False
        Whether to print the loss of each epoch.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        Labels.
    weights_ : ndarray of shape (n_weights,)
        Angles of the circuit, in radians.
    readout_coef_ : ndarray of shape (n_classes, n_observables)
        Coefficients of the read-out.
    readout_intercept_ : ndarray of shape (n_classes,)
        Its intercepts.
    embedding_coef_, embedding_intercept_ : ndarray of shape (n_angles, n_features) and (n_angles,)
        The embedding, if there is one.
    loss_curve_ : list of float
        Loss of each epoch: the mean over its batches, each before its step.
    best_loss_ : float or None
        The lowest loss, that of the weights kept; None with `early_stopping`.
    validation_scores_ : list of float or None
        Accuracy on the rows set aside after each epoch, with `early_stopping`.
    best_validation_score_ : float or None
        The highest of them, that of the weights kept.
    n_iter_ : int
        Number of epochs or iterations.
    encoding_ : Encoding
        The encoding as it was used, with a number for ``bandwidth="scale"``.
    layer_ : QuantumLayer
        The circuit (of a block, if there are several), its observables and its gradient.
    circuit_ : cirq.Circuit
        The circuit with its weights bound; the symbols that are left receive a row.
    resources_, run_records_ : dict and list of dict
        Qubits, depth and gates of the circuit, ``n_circuits`` that the fits so far would have
        cost on hardware by parameter shifts, and ``n_simulations`` that they did cost, forward
        and backward; and what the last `fit` or `partial_fit` ran, see :ref:`records`.
    n_features_in_ : int
        Number of features.
    feature_names_in_ : ndarray of shape (n_features,)
        Names of the features, if `X` had any.

    See Also
    --------
    VariationalRegressor : The same for numbers.
    QuantumKernelSVC : A convex problem in place of training.

    References
    ----------
    .. [1] A. Mari et al., "Transfer learning in hybrid classical-quantum neural networks",
       Quantum 4, 340 (2020), https://arxiv.org/abs/1912.08278
    .. [2] A. Pérez-Salinas et al., "Data re-uploading for a universal quantum classifier",
       Quantum 4, 226 (2020), https://arxiv.org/abs/1907.02085
    .. [3] M. Schuld, R. Sweke and J. J. Meyer, "Effect of data encoding on the expressive power
       of variational quantum machine learning models", Physical Review A 103, 032430 (2021),
       https://arxiv.org/abs/2008.08605
    .. [4] J. C. Spall, "Implementation of the simultaneous perturbation algorithm for
       stochastic optimization", IEEE Transactions on Aerospace and Electronic Systems 34, 817
       (1998)
    .. [5] K. Zhang et al., "Escaping from the barren plateau via Gaussian initializations in deep
       variational quantum circuits", NeurIPS 2022, https://arxiv.org/abs/2203.09376
    .. [6] E. Grant et al., "An initialization strategy for addressing barren plateaus in
       parametrized quantum circuits", Quantum 3, 214 (2019), https://arxiv.org/abs/1903.05076

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.model_selection import cross_val_score
    >>> from sklearn.pipeline import make_pipeline
    >>> from sklearn.preprocessing import StandardScaler
    >>> from skquantum import VariationalClassifier
    >>> X, y = load_iris(return_X_y=True)
    >>> model = make_pipeline(StandardScaler(), VariationalClassifier(tol=1e-3, random_state=0))
    >>> print(f"{cross_val_score(model, X, y, cv=3).mean():.1f}")
    0.9
    """

    classes_: np.ndarray
    _losses = CLASSIFICATION_LOSSES
    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        **VariationalEstimator._parameter_constraints,
        "class_weight": [StrOptions({"balanced"}), dict, None],
    }

    def __init__(
        self,
        encoding: str | Encoding = "angle",
        ansatz: str | Ansatz = "strongly_entangling",
        n_layers: int = N_LAYERS,
        n_qubits: int | None = None,
        reupload: bool = True,
        embedding: str | None = "auto",
        activation: str = "identity",
        observables: Observables | None = "XYZ",
        loss: str = "log_loss",
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
        class_weight: dict | str | None = None,
        random_state: Any = None,
        verbose: bool | int = False,
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
        )
        self.class_weight = class_weight

    @all_or_nothing
    @with_callbacks
    @_fit_context(prefer_skip_nested_validation=True)
    def fit(self, X: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None = None) -> Self:
        """Train the model.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Training rows.
        y : array-like of shape (n_samples,)
            Labels, of at least two classes.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights of the rows in the loss.

        Returns
        -------
        self : VariationalClassifier
            Fitted estimator. After an interruption by the keyboard, too: it has the best
            weights so far.

        Raises
        ------
        ValueError
            If a parameter, the data or the labels do not fit: before any training. If the loss
            is not finite from the start.

        Warns
        -----
        ConvergenceWarning
            If `max_iter` was reached, or the loss became infinite or no number at some step.
        """
        self._check_named()
        data = callback_data(X, y, sample_weight)
        resume = self._resumes()
        rows_X, labels = validate_data(self, X, y, dtype=np.float64, reset=not resume)
        check_classification_targets(labels)
        classes = np.unique(labels)
        rows, codes = self._rows(rows_X, labels, classes, sample_weight)
        if not (resume and np.array_equal(classes, self.classes_)):
            # Rows of weight zero are no rows, their classes no classes.
            present = np.unique(codes)
            classes = classes[present]
            rows = TrainingRows(rows.X, rows.targets[:, present], rows.weight)
        if resume and not np.array_equal(classes, self.classes_):
            raise ValueError(
                "warm_start=True goes on from the last fit and needs the same classes: they were "
                f"{self.classes_}, and y has {classes}."
            )
        if len(classes) < 2:
            of_weight = " of positive weight" * (len(classes) < len(np.unique(labels)))
            found = (
                f"one class{of_weight}, {classes.tolist()[0]!r}"
                if len(classes)
                else (f"no class{of_weight}")
            )
            raise ValueError(f"{type(self).__name__} needs at least two classes; y has {found}.")
        self.classes_ = classes
        self._build(rows)
        self._learn(rows, stratify=codes, data=data)
        return self

    @available_if(can_partial_fit)
    @all_or_nothing
    @_fit_context(prefer_skip_nested_validation=True)
    def partial_fit(
        self,
        X: ArrayLike,
        y: ArrayLike,
        sample_weight: ArrayLike | None = None,
        classes: ArrayLike | None = None,
    ) -> Self:
        """Go once over some rows, from the weights that there are.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Training rows.
        y : array-like of shape (n_samples,)
            Labels.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights of the rows in the loss.
        classes : array-like of shape (n_classes,), default=None
            All classes that there will ever be; needed in the first call only.

        Returns
        -------
        self : VariationalClassifier
            Trained estimator.

        Raises
        ------
        ValueError
            If `y` has labels that are not among `classes`; if no row of the first call has a
            positive weight (later, such a batch changes nothing); and as in `fit`.
        """
        self._check_partial()
        if self.class_weight == "balanced":
            raise ValueError(
                "class_weight='balanced' needs all rows at once and does not go with partial_fit; "
                "give a dict of weights."
            )
        first = not hasattr(self, "weights_")
        _check_partial_fit_first_call(self, classes)
        rows_X, labels = validate_data(self, X, y, dtype=np.float64, reset=first)
        check_classification_targets(labels)
        if len(self.classes_) < 2:
            raise ValueError(
                f"{type(self).__name__} needs at least two classes; classes has "
                f"{len(self.classes_)} class."
            )
        unknown = np.setdiff1d(labels, self.classes_)
        if len(unknown):
            raise ValueError(
                f"y has labels {unknown} that are not in classes {self.classes_}, which the first "
                "call of partial_fit has to name in full."
            )
        rows, _ = self._rows(rows_X, labels, self.classes_, sample_weight, allow_none=True)
        self._learn_batch(rows, first=first)
        return self

    def _rows(
        self,
        X: np.ndarray,
        y: np.ndarray,
        classes: np.ndarray,
        sample_weight: Any,
        *,
        allow_none: bool = False,
    ) -> tuple[TrainingRows, np.ndarray]:
        """Return the distinct rows of positive weight, and the codes of their classes."""
        codes = np.searchsorted(classes, y)
        rows = distinct_rows(X, codes, sample_weight, allow_none=allow_none)
        codes, weight = rows.targets, rows.weight
        if self.class_weight is not None and len(codes):
            weight = weight * class_factors(self.class_weight, classes[codes], weight)
        rows = TrainingRows(rows.X, np.eye(len(classes))[codes], weight)
        used = weight > 0
        return rows[used], codes[used]

    def _first_intercept(self, rows: TrainingRows) -> np.ndarray:
        return np.zeros(rows.targets.shape[1])

    _score = staticmethod(accuracy)

    def decision_function(self, X: ArrayLike) -> np.ndarray:
        """Return logits.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Rows, scaled as in `fit`.

        Returns
        -------
        ndarray of shape (n_samples,) or (n_samples, n_classes)
            With two classes the log-odds of ``classes_[1]``; with more, a logit for each class.
        """
        logits = self._outputs(X)
        return logits[:, 1] - logits[:, 0] if logits.shape[1] == 2 else logits

    def predict_proba(self, X: ArrayLike) -> np.ndarray:
        """Return probabilities of the classes.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Rows, scaled as in `fit`.

        Returns
        -------
        ndarray of shape (n_samples, n_classes)
            Probabilities, in the order of `classes_`.
        """
        return softmax(self._outputs(X))

    def predict(self, X: ArrayLike) -> np.ndarray:
        """Predict labels.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Rows, scaled as in `fit`.

        Returns
        -------
        ndarray of shape (n_samples,)
            The most probable label of each row.
        """
        best = self._outputs(X).argmax(axis=1)
        return self.classes_[best]


class VariationalRegressor(RegressorMixin, VariationalEstimator):
    """Regressor with a trainable circuit between linear maps: a quantum head.

    The counterpart of :class:`VariationalClassifier` for one or several numbers: the read-out
    gives the values themselves. Targets may have any unit: it has no influence on the fit, unless
    ``normalize_y=False``.

    Parameters
    ----------
    encoding, ansatz, n_layers, n_qubits, reupload, embedding, activation, observables
        The circuit, as in :class:`VariationalClassifier`.
    loss : {"squared_error", "absolute_error"}, default="squared_error"
        Half the squared error, or the absolute one, which outliers disturb less; summed over
        outputs.
    alpha, solver, learning_rate, max_iter, batch_size, tol, n_iter_no_change, \
early_stopping, validation_fraction, warm_start, init, gradient, backend, random_state, verbose
        Training, as in :class:`VariationalClassifier`. The score of `early_stopping` is R².
    normalize_y : bool, default=True
        Whether training brings targets to mean zero and variance one (those of the first batch,
        in `partial_fit`), and predictions back. Losses are in that unit then, attributes of the
        read-out are in that of `y`.

    Attributes
    ----------
    weights_ : ndarray of shape (n_weights,)
        Angles of the circuit, in radians.
    readout_coef_ : ndarray of shape (n_outputs, n_observables)
        Coefficients of the read-out; readout_intercept_, of shape (n_outputs,), its intercepts.
    embedding_coef_, embedding_intercept_, loss_curve_, best_loss_, validation_scores_, n_iter_, \
best_validation_score_, layer_, circuit_, resources_, run_records_, n_features_in_, \
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
        reupload: bool = True,
        embedding: str | None = "auto",
        activation: str = "identity",
        observables: Observables | None = "XYZ",
        loss: str = "squared_error",
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
        )
        self.normalize_y = normalize_y

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = True
        return tags

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
        if not first and n_outputs != (before := len(self.readout_intercept_)):
            raise ValueError(f"y has {n_outputs} outputs; there were {before} before.")
        self._learn_batch(self._normalized(rows, first=first), first=first)
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
        learned["readout_coef_"] = learned["readout_coef_"] * self._unit[:, None]
        learned["readout_intercept_"] = learned["readout_intercept_"] * self._unit + self._mean
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
