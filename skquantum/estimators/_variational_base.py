"""What the trainable classifier and regressor share."""

from __future__ import annotations

from collections.abc import Sequence
from numbers import Integral, Real
from typing import Any, ClassVar

import cirq
import numpy as np
from numpy.typing import ArrayLike
from sklearn.base import BaseEstimator
from sklearn.utils import check_random_state
from sklearn.utils._param_validation import Interval, StrOptions
from sklearn.utils.validation import _check_sample_weight, check_is_fitted, validate_data

from skquantum._symbols import resolve_operation, symbols_of
from skquantum._validation import shown
from skquantum.circuits import Ansatz, Encoding, resolve_ansatz, resolve_encoding
from skquantum.estimators._base import NamedPartsMixin, merge_equal_rows
from skquantum.estimators._head import (
    HeadObjective,
    QuantumHead,
    TrainingRows,
    check_init,
    initial_weights,
    make_layer,
)
from skquantum.estimators._losses import Loss, resolve_loss
from skquantum.estimators._solvers import is_stochastic, resolve_solver
from skquantum.estimators._training import Progress, TrainedMixin, planned_rows, split_validation
from skquantum.execution import (
    GRADIENTS,
    Backend,
    ReferenceBackend,
    circuit_resources,
    resolve_backend,
)
from skquantum.execution.measurement import measurement_settings
from skquantum.execution.shifts import ParameterShiftEvaluator
from skquantum.layers import QuantumLayer

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
    _losses: ClassVar[dict[str, Loss]]
    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        **TrainedMixin._parameter_constraints,
        "encoding": [str, Encoding],
        "ansatz": [str, Ansatz],
        "n_layers": [Interval(Integral, 1, None, closed="left")],
        "n_qubits": [Interval(Integral, 1, None, closed="left"), None],
        "reupload": ["boolean"],
        "embedding": [StrOptions({"linear"}), None],
        "observables": [str, list, tuple, None],
        "loss": [str],
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
        reupload: bool,
        embedding: str | None,
        observables: Observables | None,
        loss: str,
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
    ) -> None:
        self.encoding = encoding
        self.ansatz = ansatz
        self.n_layers = n_layers
        self.n_qubits = n_qubits
        self.reupload = reupload
        self.embedding = embedding
        self.observables = observables
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

    weights_: np.ndarray
    layer_: QuantumLayer
    _head: QuantumHead
    _theta: np.ndarray
    _rows_run: tuple[int, int]  # forward alone, and with a gradient

    @property
    def circuit_(self) -> cirq.Circuit:
        """The trained circuit: weights are bound, data symbols are free."""
        check_is_fitted(self, "weights_")
        return with_weights(self.layer_.circuit, self.layer_, self.weights_)

    @property
    def resources_(self) -> dict[str, int]:
        """Qubits, depth and gates of the circuit, and what the fits cost so far."""
        check_is_fitted(self, "weights_")
        return circuit_resources(self.layer_.circuit) | training_cost(
            self.layer_, *self._rows_run, data_gradient=self._head.embedding
        )

    def _resolve_part(self, part: str, value: Any, params: dict[str, Any]) -> BaseEstimator:
        if part != "ansatz":
            return super()._resolve_part(part, value, params)
        return with_layers(value, params.get("n_layers", self.n_layers))

    def _check_named(self) -> None:
        """Check the names among the parameters, before any computation."""
        with_layers(self.ansatz, self.n_layers)
        resolve_solver(self.solver)
        resolve_loss(self.loss, self._losses)
        check_init(self.init)

    def _check_partial(self) -> None:
        """Check what does not go with `partial_fit`, and the names among the parameters."""
        self._check_named()
        if self.early_stopping:
            raise ValueError(
                "early_stopping=True sets rows of a whole fit aside and does not go with "
                "partial_fit; set it to False."
            )

    def _learn_batch(self, rows: TrainingRows, *, first: bool) -> None:
        """Go once over a batch; one without rows of positive weight changes nothing."""
        if len(rows.X):
            self._learn(rows, resume=not first)
        elif first:
            raise ValueError(
                "The first call of partial_fit needs at least one row of positive weight (its "
                "sample_weight times the weight of its class)."
            )

    def _learn(
        self,
        rows: TrainingRows,
        *,
        resume: bool,
        stratify: np.ndarray | None = None,
        data: dict[str, Any] | None = None,
    ) -> None:
        """Train on distinct rows, for one epoch if there is no `data` for callbacks."""
        if not resume:
            self._build(rows)
        elif data is not None:
            self._rebuild(rows)
        aside = None
        if self.early_stopping:
            kept, others = split_validation(
                len(rows.X), self.validation_fraction, self._progress.rng, stratify
            )
            rows, aside = rows[kept], rows[others]
        loss = resolve_loss(self.loss, self._losses)
        n_aside = 0 if aside is None else len(aside.X)
        self.layer_.check_budget(
            *planned_rows(self._settings(), len(rows.X), n_aside, one_epoch=data is None),
            data_gradient=self._head.embedding,
        )
        objective = HeadObjective(self._head, loss, self.alpha, rows, aside, self._score)
        try:
            self._train(objective, data)
        finally:
            forward, backward = self._rows_run
            self._rows_run = forward + objective.n_forward, backward + objective.n_backward

    def _build(self, rows: TrainingRows) -> None:
        """Build the circuit and choose the parameters to start from."""
        n_features, n_outputs = rows.X.shape[1], rows.targets.shape[1]
        embedding = self.embedding == "linear"
        ansatz = with_layers(self.ansatz, self.n_layers)
        rng = check_random_state(self.random_state)
        self.layer_ = make_layer(
            n_features,
            encoding=resolve_encoding(self.encoding),
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
        self._head = QuantumHead(
            self.layer_, n_features=n_features, n_outputs=n_outputs, embedding=embedding
        )
        weights = initial_weights(self.init, self.layer_, ansatz, rng)
        start = self._head.start(rng, weights, self._first_intercept(rows))
        self._progress = Progress(start, rng)
        self._rows_run = 0, 0

    def _rebuild(self, rows: TrainingRows) -> None:
        """Build the circuit again, as its parameters say now, and start from what was learned."""
        before = dict(vars(self))
        self._build(rows)
        shapes, learned = self._head.layout.shapes, before["_head"].layout.shapes
        if shapes != learned:
            self.__dict__.update(before)
            name = next(n for n in shapes | learned if shapes.get(n) != learned.get(n))
            raise ValueError(
                f"warm_start=True goes on from the last fit, whose {name}_ has shape "
                f"{learned.get(name)}; with the parameters and data of now its shape is "
                f"{shapes.get(name)}. Set warm_start=False, or leave the circuit as it was."
            )
        self._progress.theta[:] = before["_theta"]
        self._rows_run = before["_rows_run"]

    def _learned(self, theta: np.ndarray) -> dict[str, np.ndarray]:
        parts = self._head.arrays(theta)
        return {"_theta": theta} | {f"{name}_": array for name, array in parts.items()}

    def _outputs(self, X: ArrayLike) -> np.ndarray:
        check_is_fitted(self, "weights_")
        rows = validate_data(self, X, dtype=np.float64, reset=False)
        return self._head.outputs(self._theta, rows)

    def _first_intercept(self, rows: TrainingRows) -> np.ndarray:
        raise NotImplementedError

    def _score(self, outputs: np.ndarray, rows: TrainingRows) -> float:
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


def can_partial_fit(estimator: VariationalEstimator) -> bool:
    """Whether the solver goes step by step; else an error that says so."""
    if not is_stochastic(resolve_solver(estimator.solver)):
        raise AttributeError(
            "partial_fit needs a solver that takes one step at a time, 'adam', 'rmsprop' or "
            f"'spsa'; solver={estimator.solver!r} is not one."
        )
    return True


def with_weights(circuit: cirq.Circuit, layer: QuantumLayer, weights: np.ndarray) -> cirq.Circuit:
    """Return a circuit with the symbols of a layer's weights bound."""
    values = dict(zip(layer.weight_symbols, map(float, weights), strict=True))

    def bound(op: cirq.Operation, _: int) -> cirq.Operation:
        # Other operations are left alone: resolving would write 0.318... for 1/pi.
        return resolve_operation(op, values) if values.keys() & symbols_of(op) else op

    return cirq.map_operations(circuit, bound)


def training_cost(
    layer: QuantumLayer, forward: int, backward: int, *, data_gradient: bool
) -> dict[str, int]:
    """Count what rows cost, run forward alone and with a gradient: on hardware, and here."""
    shifts = shifted_circuits(layer, data_gradient=data_gradient)
    settings = len(measurement_settings(layer.observables, cirq.LineQubit.range(layer.n_qubits)))
    # With the adjoint method: the state, and its adjoint on the way back.
    per_gradient = {"adjoint": 2, "parameter-shift": 1 + shifts, "spsa": 3}[layer.gradient]
    return {
        "n_circuits": settings * (forward + backward * (1 + shifts)),
        "n_simulations": forward + backward * per_gradient,
    }


def shifted_circuits(layer: QuantumLayer, *, data_gradient: bool) -> int:
    """Count the circuits that the gradient of one row costs by the parameter-shift rule."""
    evaluator = ParameterShiftEvaluator(
        ReferenceBackend(),
        layer.circuit.freeze(),
        layer.data_symbols,
        layer.weight_symbols,
        layer.observables,
    )
    return evaluator.n_circuits(data_gradient=data_gradient)


def distinct_rows(
    X: np.ndarray, y: np.ndarray, sample_weight: Any, *, allow_none: bool = False
) -> TrainingRows:
    """Merge equal rows into one of their total weight; rows of weight zero are no rows.

    Unless it is allowed, an error says that none is left.
    """
    weight = _check_sample_weight(
        sample_weight,
        X,
        dtype=np.float64,
        ensure_non_negative=True,
        allow_all_zero_weights=allow_none,
    )
    first, _, weight = merge_equal_rows(X, y, weight)
    used = weight > 0
    return TrainingRows(X[first[used]], y[first[used]], weight[used])


def callback_data(X: Any, y: Any, sample_weight: Any) -> dict[str, Any]:
    """Return what scikit-learn's callbacks get: the data as the user gave it."""
    metadata = None if sample_weight is None else {"sample_weight": sample_weight}
    return {"X": X, "y": y, "metadata": metadata}
