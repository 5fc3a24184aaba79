"""From checked rows to learned attributes: one way for everything that is trained."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from numbers import Integral, Real
from typing import Any, ClassVar, NamedTuple

import numpy as np
from sklearn.callback import CallbackSupportMixin
from sklearn.metrics import r2_score
from sklearn.utils._param_validation import Interval, Options, StrOptions
from sklearn.utils.class_weight import compute_class_weight

from skquantum.estimators._checkpoint import Checkpoint, identity
from skquantum.estimators._head import HeadObjective
from skquantum.estimators._rows import TrainingRows
from skquantum.estimators._solvers import is_stochastic, resolve_solver
from skquantum.estimators._training import (
    Layout,
    Progress,
    Settings,
    Tasks,
    planned_rows,
    split_validation,
    train,
)
from skquantum.execution import Backend, ReferenceBackend, measurement_settings, resolve_backend
from skquantum.layers import QuantumLayer


class Circuits(NamedTuple):
    """The circuits of one layer that a model runs for each row.

    Attributes
    ----------
    layer : QuantumLayer
        The layer.
    per_row : int
        How many circuits of it a row takes.
    data_gradient : bool
        Whether training asks for gradients of what is loaded.
    """

    layer: QuantumLayer
    per_row: int
    data_gradient: bool


class TrainedMixin(CallbackSupportMixin):
    """What trainable estimators share: the parameters of training, and all of the training itself.

    An estimator builds its model in `fit`, calls `_start` with the parameters to start from and
    `_learn` with its rows, and says by three methods what is particular to it: `_circuits`,
    `_objective` and `_learned`. Its `fit` is decorated by
    :func:`skquantum._validation.all_or_nothing`, so nothing has to be put back on the way out.
    """

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        "solver": [str],
        "learning_rate": [Interval(Real, 0, None, closed="neither")],
        "max_iter": [Interval(Integral, 1, None, closed="left")],
        "batch_size": [StrOptions({"auto"}), Interval(Integral, 1, None, closed="left")],
        "tol": [Interval(Real, 0, None, closed="left")],
        "n_iter_no_change": [
            Interval(Integral, 1, None, closed="left"),
            Options(Real, {np.inf}),
        ],
        "early_stopping": ["boolean"],
        "validation_fraction": [Interval(Real, 0, 1, closed="neither")],
        "warm_start": ["boolean"],
        "random_state": ["random_state"],
        "verbose": ["verbose"],
        "checkpoint": [str, os.PathLike, None],
    }

    backend: Backend | None
    checkpoint: str | os.PathLike[str] | None
    solver: str
    _more_solvers: ClassVar[tuple[str, ...]] = ()  # beside those of all estimators
    early_stopping: bool
    validation_fraction: float
    warm_start: bool
    shuffle: bool = True  # a parameter where the order of rows means something
    _theta: np.ndarray
    _progress: Progress
    _rows_run: tuple[int, int]  # forward alone, and with a gradient
    _learned_names: tuple[str, ...]

    def _circuits(self) -> Sequence[Circuits]:
        """Return what a row runs."""
        raise NotImplementedError

    def _objective(self, rows: TrainingRows, aside: TrainingRows | None) -> HeadObjective:
        """Return the loss on the rows to train on, and the score on those set aside."""
        raise NotImplementedError

    def _learned(self, theta: np.ndarray) -> dict[str, np.ndarray]:
        """Return the learned attributes for some parameters, by their names."""
        raise NotImplementedError

    def _check_named(self) -> None:
        """Check the names among the parameters, before any computation."""
        raise NotImplementedError

    def _check_partial(self) -> None:
        """Check what does not go with `partial_fit`, and the names among the parameters."""
        self._check_named()
        if self.early_stopping:
            raise ValueError(
                "early_stopping=True sets rows of a whole fit aside and does not go with "
                "partial_fit; set it to False."
            )

    def _learn_batch(self, rows: TrainingRows, *, first: Callable[[], None] | None) -> None:
        """Go once over a batch; one without rows of positive weight changes nothing.

        Parameters
        ----------
        rows : TrainingRows
            Distinct rows of positive weight.
        first : callable or None
            Builds the model, in the first call.
        """
        if first is not None:
            if not len(rows.X):
                raise ValueError(
                    "The first call of partial_fit needs at least one row of positive weight (its "
                    "sample_weight times the weight of its class)."
                )
            first()
        if not len(rows.X):
            return
        self._progress = self._progress.copy()
        rng = self._progress.rng  # shared with the circuit, where gradients are random
        state = rng.get_state()
        try:
            self._learn(rows, data=None)
        except BaseException:
            rng.set_state(state)
            raise

    def _settings(self) -> Settings:
        names = Settings.__dataclass_fields__
        settings = {name: getattr(self, name) for name in names}
        return Settings(**settings | {"solver": self._solver()})

    def _solver(self) -> str:
        """Return the solver by the name that it is known by, or raise an error."""
        return resolve_solver(self.solver, self._more_solvers)

    def _start(
        self,
        theta: np.ndarray | None,
        rng: np.random.RandomState,
        layout: Layout,
        learned: Layout | None = None,
    ) -> None:
        """Start from given parameters; with `warm_start`, from those that were learned.

        Parameters
        ----------
        theta : ndarray or None
            Parameters; not used with `learned`.
        rng : RandomState
            Order of the mini-batches, rows set aside, directions of "spsa".
        layout, learned : Layout
            Of the parameters now, and of those of the last fit, if it is to go on from them.
        """
        if learned is None:
            assert theta is not None
            self._progress, self._rows_run = Progress(theta, rng), (0, 0)
            return
        shapes, before = layout.shapes, learned.shapes
        if shapes != before:
            name = next(n for n in shapes | before if shapes.get(n) != before.get(n))
            raise ValueError(
                f"warm_start=True goes on from the last fit, whose {name}_ has shape "
                f"{before.get(name)}; with the parameters and data of now its shape is "
                f"{shapes.get(name)}. Set warm_start=False, or leave the model as it was."
            )
        self._progress = Progress(self._theta.copy(), rng)

    def _learn(
        self,
        rows: TrainingRows,
        *,
        stratify: np.ndarray | None = None,
        data: dict[str, Any] | None,
    ) -> None:
        """Train on distinct rows, from where `_progress` is, and learn what comes of it.

        Parameters
        ----------
        rows : TrainingRows
            Distinct rows of positive weight.
        stratify : ndarray of shape (n_rows,), default=None
            Classes, of which `early_stopping` sets equal shares aside.
        data : dict or None
            "X", "y" and "metadata" as `fit` got them, for scikit-learn's callbacks. None means
            one epoch, of `partial_fit`.
        """
        aside = None
        if self.early_stopping:
            kept, others = split_validation(
                len(rows.X), self.validation_fraction, self._progress.rng, stratify
            )
            if not self.shuffle:
                kept = np.sort(kept)
            rows, aside = rows[kept], rows[others]
        self._check_budget(rows, aside, one_epoch=data is None)
        objective = self._objective(rows, aside)
        checkpoint = None if data is None else self._checkpoint(rows, aside)
        self._train(objective, data, checkpoint)
        forward, backward = self._rows_run
        self._rows_run = forward + objective.n_forward, backward + objective.n_backward

    def _check_budget(
        self, rows: TrainingRows, aside: TrainingRows | None, *, one_epoch: bool
    ) -> None:
        """Refuse a training that would cost more circuits than the backend allows."""
        backend = resolve_backend(self.backend)
        if not backend.has_budget:
            return
        n_aside = 0 if aside is None else len(aside.X)
        plan = planned_rows(self._settings(), len(rows.X), n_aside, one_epoch=one_epoch)
        needed = 0
        for layer, per_row, data_gradient in self._circuits():
            forward, backward = (per_row * n for n in plan)
            needed += layer.count_circuits(forward, backward, data_gradient=data_gradient)
        backend.check_budget(needed)

    def _checkpoint(self, rows: TrainingRows, aside: TrainingRows | None) -> Checkpoint | None:
        """Return the file that the training goes on from, if it has one."""
        if self.checkpoint is None:
            return None
        if self.warm_start:
            raise ValueError(
                f"checkpoint={str(self.checkpoint)!r} and warm_start=True both say where a fit "
                "goes on from: set warm_start=False, or checkpoint=None."
            )
        solver = self._solver()
        if not is_stochastic(solver):
            raise ValueError(
                f"checkpoint={str(self.checkpoint)!r} needs a solver that goes step by step, such "
                f"as 'adam': solver={self.solver!r} keeps its memory to itself."
            )
        parts = [part for part in (rows, aside) if part is not None]
        arrays = (array for part in parts for array in (part.X, part.targets, part.weight))
        return Checkpoint(self.checkpoint, identity(self, solver, *arrays))

    def _train(
        self,
        objective: HeadObjective,
        data: dict[str, Any] | None,
        checkpoint: Checkpoint | None,
    ) -> None:
        settings, tasks = self._settings(), None
        if data is not None:
            epochs = settings.max_iter if is_stochastic(settings.solver) else None
            context = self._init_callback_context(max_subtasks=epochs)
            context.call_on_fit_task_begin(estimator=self, **data)
            tasks = Tasks(self, context, data, self._learned)
        one_epoch = data is None
        theta = train(objective, self._progress, settings, tasks, checkpoint, one_epoch=one_epoch)
        self._take(self._learned(theta))
        if tasks is not None:
            tasks.context.call_on_fit_task_end(
                estimator=self, **tasks.data, reconstruction_attributes={}
            )

    def _take(self, learned: dict[str, Any]) -> None:
        """Set what was learned and how; what an earlier fit had learned besides goes."""
        for name in set(getattr(self, "_learned_names", ())) - learned.keys():
            self.__dict__.pop(name, None)
        self._learned_names = tuple(learned)
        self.__dict__.update(learned)
        progress = self._progress
        validated = bool(progress.validation_scores)
        self.loss_curve_ = list(progress.loss_curve)
        self.validation_scores_ = list(progress.validation_scores) if validated else None
        self.best_validation_score_ = progress.best_score if validated else None
        self.best_loss_ = None if validated or not self.loss_curve_ else progress.best_loss
        self.n_iter_ = len(progress.loss_curve)

    def _cost(self) -> dict[str, int]:
        """Count what the fits cost so far: circuits on hardware, and simulations here."""
        cost = {"n_circuits": 0, "n_simulations": 0}
        for layer, per_row, data_gradient in self._circuits():
            forward, backward = (per_row * n for n in self._rows_run)
            for key, n in _training_cost(layer, forward, backward, data_gradient).items():
                cost[key] += n
        return cost


def _training_cost(
    layer: QuantumLayer, forward: int, backward: int, data_gradient: bool
) -> dict[str, int]:
    """Count what rows cost, run forward alone and with a gradient: on hardware, and here."""
    evaluator = ReferenceBackend().evaluator(
        layer.circuit,
        layer.data_symbols,
        layer.weight_symbols,
        layer.observables,
        gradient="parameter-shift",
    )
    shifts = evaluator.n_circuits(data_gradient=data_gradient) or 0
    settings = len(measurement_settings(layer.observables, layer.qubits))
    # With the adjoint method: the state, and its adjoint on the way back.
    per_gradient = {"adjoint": 2, "parameter-shift": 1 + shifts, "spsa": 3}[layer.gradient]
    return {
        "n_circuits": settings * (forward + backward * (1 + shifts)),
        "n_simulations": forward + backward * per_gradient,
    }


def can_partial_fit(estimator: TrainedMixin) -> bool:
    """Whether the solver goes step by step; else an error that says so."""
    if not is_stochastic(estimator._solver()):
        raise AttributeError(
            "partial_fit needs a solver that takes one step at a time, 'adam', 'rmsprop', "
            f"'sgd', 'natural' or 'spsa'; solver={estimator.solver!r} is not one."
        )
    return True


def accuracy(outputs: np.ndarray, rows: TrainingRows) -> float:
    """Return the share of rows whose largest output is that of their class."""
    right = outputs.argmax(axis=1) == rows.targets.argmax(axis=1)
    return float(np.average(right, weights=rows.weight))


def r2(outputs: np.ndarray, rows: TrainingRows) -> float:
    """Return the coefficient of determination, the mean over targets."""
    return float(r2_score(rows.targets, outputs, sample_weight=rows.weight))


def class_factors(class_weight: Any, labels: np.ndarray, sample_weight: np.ndarray) -> np.ndarray:
    """Return what `class_weight` multiplies the weight of each row by.

    Parameters
    ----------
    class_weight : dict, "balanced" or None
        As in scikit-learn.
    labels : ndarray of shape (n_rows,)
        The class of each row.
    sample_weight : ndarray of shape (n_rows,)
        Weights of the rows: for "balanced", a row counts as often as its weight says.
    """
    classes, codes = np.unique(labels, return_inverse=True)
    factors = compute_class_weight(
        class_weight, classes=classes, y=labels, sample_weight=sample_weight
    )
    return factors[codes]
