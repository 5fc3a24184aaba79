"""What the trainable classifier and regressor share."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from numbers import Integral, Real
from typing import Any, ClassVar

import cirq
import numpy as np
from numpy.typing import ArrayLike
from sklearn.base import BaseEstimator
from sklearn.utils import check_random_state
from sklearn.utils._param_validation import Interval, StrOptions
from sklearn.utils.validation import check_is_fitted, validate_data

from skquantum._named_parts import NamedPartsMixin
from skquantum._validation import shown
from skquantum.circuits import Ansatz, Encoding, resolve_ansatz, resolve_encoding
from skquantum.estimators._base import settled
from skquantum.estimators._blocks import block_layer, fitted_encoding
from skquantum.estimators._head import (
    ACTIVATIONS,
    HeadObjective,
    QuantumHead,
    make_layer,
    with_weights,
)
from skquantum.estimators._learning import Circuits, TrainedMixin
from skquantum.estimators._losses import Loss, RowLoss, resolve_loss
from skquantum.estimators._rows import TrainingRows
from skquantum.estimators._solvers import NATURAL
from skquantum.execution import GRADIENTS, AngleError, Backend, circuit_resources, resolve_backend
from skquantum.layers import QuantumLayer, check_init, initial_weights

# The number of layers unless somebody sets another one.
N_LAYERS = 3

Observables = str | Sequence[cirq.PauliSum | cirq.PauliString]


class VariationalEstimator(TrainedMixin, NamedPartsMixin):
    """What classifier and regressor share: a quantum head, and how it is trained."""

    _named_parts: ClassVar = {
        "encoding": resolve_encoding,
        "ansatz": resolve_ansatz,
        "backend": resolve_backend,
    }
    _shared: ClassVar = {"ansatz": ("n_layers",)}
    _more_solvers: ClassVar = (NATURAL,)
    _losses: ClassVar[dict[str, RowLoss]]
    _score: Callable[[np.ndarray, TrainingRows], float]  # on rows set aside
    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        **TrainedMixin._parameter_constraints,
        "encoding": [str, Encoding],
        "ansatz": [str, Ansatz],
        "n_layers": [Interval(Integral, 1, None, closed="left")],
        "n_qubits": [Interval(Integral, 1, None, closed="left"), None],
        "reupload": ["boolean", StrOptions({"trainable"})],
        "embedding": [StrOptions({"auto", "linear"}), None],
        "activation": [StrOptions(set(ACTIVATIONS))],
        "observables": [str, list, tuple, None],
        "readout": [StrOptions({"linear", "scaled"}), None],
        "loss": [str, Loss],
        "alpha": [Interval(Real, 0, None, closed="left")],
        "init": [str, "array-like"],
        "gradient": [StrOptions(set(GRADIENTS))],
        "backend": [Backend, None],
    }

    def __init__(
        self,
        encoding: str | Encoding,
        ansatz: str | Ansatz,
        n_layers: int,
        n_qubits: int | None,
        reupload: bool | str,
        embedding: str | None,
        activation: str,
        observables: Observables | None,
        readout: str | None,
        loss: str | Loss,
        alpha: float,
        solver: str,
        learning_rate: float,
        max_iter: int,
        batch_size: int | str,
        tol: float,
        n_iter_no_change: int,
        early_stopping: bool,
        validation_fraction: float,
        warm_start: bool,
        init: str | ArrayLike,
        gradient: str,
        backend: Backend | None,
        random_state: Any,
        verbose: bool | int,
        checkpoint: str | os.PathLike[str] | None,
    ) -> None:
        self.encoding = encoding
        self.ansatz = ansatz
        self.n_layers = n_layers
        self.n_qubits = n_qubits
        self.reupload = reupload
        self.embedding = embedding
        self.activation = activation
        self.observables = observables
        self.readout = readout
        self.loss = loss
        self.alpha = alpha
        self.solver = solver
        self.learning_rate = learning_rate
        self.max_iter = max_iter
        self.batch_size = batch_size
        self.tol = tol
        self.n_iter_no_change = n_iter_no_change
        self.early_stopping = early_stopping
        self.validation_fraction = validation_fraction
        self.warm_start = warm_start
        self.init = init
        self.gradient = gradient
        self.backend = backend
        self.random_state = random_state
        self.verbose = verbose
        self.checkpoint = checkpoint

    weights_: np.ndarray
    encoding_: Encoding
    layer_: QuantumLayer
    _head: QuantumHead
    _n_blocks: int

    @property
    def circuit_(self) -> cirq.Circuit:
        """The trained circuit: weights are bound, data symbols are free."""
        check_is_fitted(self, "weights_")
        return with_weights(self.layer_.circuit, self.layer_, self.weights_)

    @property
    def resources_(self) -> dict[str, int]:
        """Qubits, depth and gates of the circuit, and what the fits cost so far."""
        check_is_fitted(self, "weights_")
        return circuit_resources(self.layer_.circuit) | self._cost()

    def output_jacobian(
        self, X: ArrayLike, weights: np.ndarray | None = None
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return the outputs, and the derivatives of each row's for the circuit's weights.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Rows, scaled as in `fit`.
        weights : ndarray of shape (n_weights,) or (n_samples, n_weights), default=None
            Weights of the circuit, in radians, for all rows or for each, in place of those that
            were learned (`weights_`), which None stands for. The linear maps stay as learned.

        Returns
        -------
        outputs : ndarray of shape (n_samples, n_outputs)
            Of a classifier, a logit for each class: their softmax are the probabilities. Of a
            regressor, the targets as it was trained on them: with ``normalize_y=True``, centred
            and divided by their spread.
        derivatives : ndarray of shape (n_samples, n_outputs, n_weights)
            Of the outputs for the weights.

        Raises
        ------
        ValueError
            If rows or weights have another length than in `fit`, or are not finite.
        """
        check_is_fitted(self, "weights_")
        rows = validate_data(self, X, dtype=np.float64, reset=False)
        chosen = self.weights_ if weights is None else weights
        return self._head.jacobian(self._theta, rows, chosen)

    def _resolve_part(self, part: str, value: Any, params: dict[str, Any]) -> BaseEstimator:
        if part != "ansatz":
            return super()._resolve_part(part, value, params)
        return with_layers(value, params.get("n_layers", self.n_layers))

    def _check_named(self) -> None:
        """Check the names among the parameters, before any computation."""
        with_layers(self.ansatz, self.n_layers)
        self._solver()
        resolve_loss(self.loss, self._losses, self.readout)
        check_init(self.init)

    def _resumes(self) -> bool:
        """Whether `fit` goes on from the last one."""
        return self.warm_start and hasattr(self, "weights_")

    def _build(self, rows: TrainingRows) -> None:
        """Build the circuit and choose the parameters to start from."""
        n_features, n_outputs = rows.X.shape[1], rows.targets.shape[1]
        learned = self._head.layout if self._resumes() else None
        embedding = self.embedding == "linear"
        if not embedding and self.activation != "identity":
            raise ValueError(
                f"activation={self.activation!r} comes after a linear embedding, and embedding="
                f"{self.embedding!r}: set embedding='linear', or activation='identity'."
            )
        self.encoding_, index = self._fitted_encoding(rows)
        ansatz = with_layers(self.ansatz, self.n_layers)
        rng = check_random_state(self.random_state)
        self.layer_ = make_layer(
            index.shape[1],
            encoding=self.encoding_.block,
            ansatz=ansatz,
            n_qubits=self.n_qubits,
            embedding=embedding,
            reupload=self.reupload,
            observables=self.observables,
            identity_blocks=isinstance(self.init, str) and self.init == "identity_blocks",
            gradient=self.gradient,
            backend=self.backend,
            random_state=rng,
        )
        self._n_blocks = len(index)
        layer = block_layer(self.layer_, index) if self._n_blocks > 1 else self.layer_
        self._head = QuantumHead(
            layer,
            n_features=n_features,
            n_outputs=n_outputs,
            embedding=embedding,
            activation=self.activation,
            readout=self.readout,
        )
        weights = initial_weights(self.init, self.layer_, ansatz, rng)
        start = self._head.start(rng, weights, self._first_intercept(rows))
        if self._solver() == NATURAL:
            self._check_metric(start, rows)
        self._start(start, rng, self._head.layout, learned)

    def _check_metric(self, theta: np.ndarray, rows: TrainingRows) -> None:
        """Raise an error now if natural gradients can't be had."""
        first = rows[slice(1)]
        try:
            self._head.metric(theta, first.X, first.weight)
        except AngleError:
            pass  # of learned angles: training tells what became of the loss
        except ValueError as error:
            raise ValueError(
                f"solver='natural' needs derivatives of states. {error} Or set another solver."
            ) from error

    def _fitted_encoding(self, rows: TrainingRows) -> tuple[Encoding, np.ndarray]:
        """Return the encoding as it suits the rows, and the features of each block."""
        encoding = settled(resolve_encoding(self.encoding))
        if self.embedding == "auto" and self.n_qubits is None:
            return fitted_encoding(encoding, rows.X, rows.weight)
        if self.embedding != "linear":  # which learns its factors
            encoding = encoding.fitted(rows.X, rows.weight)
        return encoding, encoding.blocks(rows.X.shape[1])

    def _circuits(self) -> list[Circuits]:
        return [Circuits(self.layer_, self._n_blocks, self._head.embedding)]

    def _objective(self, rows: TrainingRows, aside: TrainingRows | None) -> HeadObjective:
        loss = resolve_loss(self.loss, self._losses, self.readout)
        return HeadObjective(self._head, loss, self.alpha, rows, aside, self._score)

    def _learned(self, theta: np.ndarray) -> dict[str, np.ndarray]:
        parts = self._head.arrays(theta)
        learned = {"_theta": theta} | {f"{name}_": array for name, array in parts.items()}
        if n_factors := self.layer_.n_factors:
            n_symbols = len(self.layer_.data_symbols)
            learned["factors_"] = learned["weights_"][-n_factors:].reshape(-1, n_symbols)
        return learned

    def _outputs(self, X: ArrayLike) -> np.ndarray:
        check_is_fitted(self, "weights_")
        rows = validate_data(self, X, dtype=np.float64, reset=False)
        return self._head.outputs(self._theta, rows)

    def _first_intercept(self, rows: TrainingRows) -> np.ndarray:
        raise NotImplementedError


def with_layers(ansatz: str | Ansatz, n_layers: int) -> Ansatz:
    """Return the ansatz that a parameter stands for: a name gets the number of layers.

    Raises
    ------
    ValueError
        If the number is not the default and would not be used.
    """
    resolved = resolve_ansatz(ansatz)
    own = resolved.get_params(deep=False).get("n_layers")
    if ansatz is not resolved and own is not None:
        return resolved.set_params(n_layers=n_layers)
    if n_layers not in (N_LAYERS, own):
        brings = f"has n_layers={own}" if own is not None else "has no n_layers"
        remedy = "set ansatz__n_layers" if own is not None else "leave it out"
        raise ValueError(
            f"n_layers={n_layers} would not be used: ansatz={shown(ansatz)} {brings}. Instead, "
            f"{remedy}, or give an ansatz with layers by its name."
        )
    return resolved
