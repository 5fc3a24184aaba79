"""A trainable circuit between linear maps, for labels."""

from __future__ import annotations

import os
from functools import partial
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import ArrayLike
from sklearn.base import _fit_context
from sklearn.callback import with_callbacks
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import validate_data

from skquantum._lazy import in_memory
from skquantum._validation import all_or_nothing
from skquantum.circuits import Ansatz, Encoding
from skquantum.estimators._labels import LabelsMixin
from skquantum.estimators._learning import can_partial_fit
from skquantum.estimators._losses import CLASSIFICATION_LOSSES, Loss
from skquantum.estimators._rows import TrainingRows, callback_data
from skquantum.estimators._variational.base import (
    N_LAYERS,
    Observables,
    VariationalEstimator,
)
from skquantum.execution import Backend


class VariationalClassifier(LabelsMixin, VariationalEstimator):
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
    reupload : bool or "trainable", default=True
        Whether the data is loaded again before each layer of the ansatz. It gives the model
        higher frequencies in the features [3]_. With "trainable" each layer's copy of the
        encoding has a factor of its own on each feature (on what each symbol receives, for
        encodings that do not load the features as they are), which is trained with the angles
        and starts at one [2]_. Blocks of a wide row share their factors, as their angles.
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
    readout : {"linear", "scaled"} or None, default="linear"
        What makes logits of expectation values: a trainable linear map; with as many observables
        as classes a trainable factor on each, "scaled", or nothing, None. With fidelities as
        observables (:func:`skquantum.estimators.label_observables`) these are the read-outs of
        [2]_.
    loss : {"log_loss", "brier"} or Loss, default="log_loss"
        Cross-entropy, or the Brier score, which a few wrong labels disturb less. Both are
        proper scoring rules: their minimum is at the true probabilities. Or an instance:
        :class:`skquantum.estimators.FidelityLoss` and
        :class:`skquantum.estimators.WeightedFidelityLoss`, the costs of [2]_, or a loss of your
        own (:class:`skquantum.estimators.Loss`). Probabilities are the softmax of the outputs
        whatever the loss; only after the first two they are meant as such.
    alpha : float, default=0.3
        Strength of the L2 penalty on the coefficients of the linear maps (those of the
        embedding times the root of their number), divided by the number of rows as in
        :class:`sklearn.neural_network.MLPClassifier`. Angles are not penalised.
    solver : str, default="adam"
        "adam"; "rmsprop"; "sgd", with Nesterov's momentum of 0.9; "spsa", which needs two
        evaluations a step and no gradient [4]_; "natural", whose steps in the angles are gradients
        divided by the metric of the states, damped by 0.01, and Adam's in the linear maps [7]_;
        "lbfgs"; or the name of any other method of :func:`scipy.optimize.minimize` that needs no
        second derivatives. Only the first five go through mini-batches.
    learning_rate : float, default=0.05
        Size of the steps of these five, constant but for "spsa".
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
    checkpoint : str or path-like, default=None
        File that `fit` writes after its epochs, about once a second, with the optimiser's memory.
        A `fit` that was killed goes on from there and comes to the same result, if
        `random_state` is an integer and the backend draws nothing. The file of another training
        is refused; that of a finished one gives its result at once, or goes on with a larger
        `max_iter`. For solvers that go step by step, not those of scipy.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        Labels.
    weights_ : ndarray of shape (n_weights,)
        Angles of the circuit, in radians; with ``reupload="trainable"`` the factors follow.
    factors_ : ndarray of shape (n_layers, n_symbols)
        With ``reupload="trainable"`` the factors on the data, for each layer.
    readout_coef_ : ndarray of shape (n_classes, n_observables)
        Coefficients of the read-out; the factors, (n_classes,), of ``readout="scaled"``.
    readout_intercept_ : ndarray of shape (n_classes,)
        Its intercepts, if it is linear.
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
    .. [7] J. Stokes, J. Izaac, N. Killoran and G. Carleo, "Quantum natural gradient", Quantum 4,
       269 (2020), https://arxiv.org/abs/1909.02108

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

    _losses = CLASSIFICATION_LOSSES
    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        **VariationalEstimator._parameter_constraints,
        **LabelsMixin._parameter_constraints,
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
        loss: str | Loss = "log_loss",
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
        self.class_weight = class_weight

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
        rows, codes = self._settle_classes(rows_X, labels, sample_weight, resume=resume)
        self._build(rows)
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
        first = not hasattr(self, "weights_")
        rows = self._batch(X, y, sample_weight, classes, first=first)
        self._learn_batch(rows, first=partial(self._build, rows) if first else None)
        return self

    def _checked_rows(
        self, X: ArrayLike, y: ArrayLike, *, first: bool
    ) -> tuple[np.ndarray, np.ndarray]:
        return validate_data(self, X, y, dtype=np.float64, reset=first)

    def _first_intercept(self, rows: TrainingRows) -> np.ndarray:
        return np.zeros(rows.targets.shape[1])
