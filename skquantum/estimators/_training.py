"""The training loop, one for all trainable estimators.

An estimator writes an `Objective` (its loss as a function of one flat vector of parameters) and
calls `train`. Mini-batches, stopping, the best state so far, callbacks, interruption and a loss
that is no number any more are dealt with here. Where an optimiser exists in
`scipy.optimize.minimize` it is used by its name; only stochastic ones are written out, in
`_solvers`.
"""

from __future__ import annotations

import warnings
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any, Self

import numpy as np
from scipy.optimize import minimize
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import train_test_split
from sklearn.utils import gen_batches

from skquantum._steps import STEP_RULES
from skquantum.estimators._checkpoint import Checkpoint
from skquantum.estimators._solvers import (
    NATURAL,
    is_stochastic,
    natural,
    scipy_options,
    spsa_probe,
    uses_gradient,
)

Rows = slice | np.ndarray
ALL_ROWS = slice(None)


class Objective(ABC):
    """What training minimises: a loss over rows, as a function of one flat vector.

    Attributes
    ----------
    n_rows : int
        Number of training rows.
    n_forward, n_backward : int
        How many rows were run so far, forward alone and with a gradient.
    """

    n_rows: int
    n_forward: int = 0
    n_backward: int = 0

    @abstractmethod
    def loss(self, theta: np.ndarray, rows: Rows) -> float:
        """Return the mean loss over some rows, penalties included."""

    @abstractmethod
    def loss_and_grad(self, theta: np.ndarray, rows: Rows) -> tuple[float, np.ndarray]:
        """Return the same loss and its gradient, of the shape of `theta`."""

    def metric(self, theta: np.ndarray, rows: Rows) -> tuple[slice, np.ndarray]:
        """Return where the weights of a circuit are in `theta`, and the metric of its states."""
        raise NotImplementedError

    def validation_score(self, theta: np.ndarray) -> float:
        """Return the score on the rows set aside, the higher the better."""
        raise NotImplementedError

    def end_epoch(self) -> None:  # noqa: B027  (nothing to do is a fine default)
        """Take note that an epoch is over."""


class Layout:
    """Named arrays in one flat vector: the one place that packs and unpacks parameters.

    Parameters
    ----------
    **shapes : tuple of int
        Shape of each array, in the order in which they follow one another.

    Examples
    --------
    >>> import numpy as np
    >>> from skquantum.estimators._training import Layout
    >>> layout = Layout(coef=(2, 3), intercept=(2,))
    >>> theta = layout.pack(coef=np.ones((2, 3)), intercept=np.zeros(2))
    >>> theta.shape, layout.unpack(theta)["coef"].shape
    ((8,), (2, 3))
    """

    def __init__(self, **shapes: tuple[int, ...]) -> None:
        self.shapes = shapes
        self.slices: dict[str, slice] = {}
        start = 0
        for name, shape in shapes.items():
            self.slices[name] = slice(start, start + int(np.prod(shape)))
            start = self.slices[name].stop
        self.size = start

    def pack(self, **arrays: np.ndarray) -> np.ndarray:
        """Return a new flat vector of the arrays, each of its shape."""
        theta = np.empty(self.size)
        for name, view in self.unpack(theta).items():
            view[...] = arrays[name]
        return theta

    def unpack(self, theta: np.ndarray) -> dict[str, np.ndarray]:
        """Return the arrays by name, as views of a flat vector."""
        return {name: theta[self.slices[name]].reshape(s) for name, s in self.shapes.items()}


@dataclass(frozen=True)
class Settings:
    """How to train: the parameters of an estimator that the loop reads."""

    solver: str
    learning_rate: float
    max_iter: int
    batch_size: int | str
    tol: float
    n_iter_no_change: float
    early_stopping: bool
    verbose: bool | int
    shuffle: bool = True


@dataclass
class Progress:
    """What training has come to. Given back to `train`, it continues from there.

    Attributes
    ----------
    theta : ndarray
        Parameters.
    rng : RandomState
        Order of the mini-batches, and directions of "spsa".
    loss_curve, validation_scores : list of float
        For each epoch.
    best_loss, best_score : float
        Of the best state; the score only with early stopping.
    n_steps : int
        Steps of a stochastic solver.
    slots : dict of str to ndarray
        Memory of the step rule.
    """

    theta: np.ndarray
    rng: np.random.RandomState
    loss_curve: list[float] = field(default_factory=list)
    validation_scores: list[float] = field(default_factory=list)
    best_loss: float = np.inf
    best_score: float = -np.inf
    best_theta: np.ndarray | None = None
    good_theta: np.ndarray | None = None
    n_steps: int = 0
    no_improvement: int = 0
    slots: dict[str, np.ndarray] = field(default_factory=dict)

    def copy(self) -> Self:
        """Return what can go on without changing this; both draw from one generator."""
        return replace(
            self,
            theta=self.theta.copy(),
            loss_curve=list(self.loss_curve),
            validation_scores=list(self.validation_scores),
            slots={name: array.copy() for name, array in self.slots.items()},
        )


class Tasks:
    """The epochs of a fit, as tasks of scikit-learn's callbacks.

    Parameters
    ----------
    estimator : estimator
        The estimator in fit, with all its learned attributes but those of `learned`.
    context : CallbackContext
        The root of the fit.
    data : dict
        "X", "y" and "metadata" for the callbacks.
    learned : callable
        ``learned(theta)`` returns the learned attributes for some parameters.
    """

    def __init__(
        self,
        estimator: Any,
        context: Any,
        data: dict[str, Any],
        learned: Callable[[np.ndarray], dict[str, Any]],
    ) -> None:
        self.estimator, self.context, self.data, self.learned = estimator, context, data, learned
        self.current: Any = None

    def begin(self) -> None:
        """Begin an epoch, unless one has begun."""
        if self.current is None:
            self.current = self.context.subcontext(task_name="epoch")
            self.current.call_on_fit_task_begin(estimator=self.estimator, **self.data)

    def end(self, theta: np.ndarray) -> bool:
        """End the epoch; true if a callback asks to stop."""
        self.begin()  # a solver may report an iteration that needed no evaluation
        task, self.current = self.current, None
        return task.call_on_fit_task_end(
            estimator=self.estimator,
            **self.data,
            reconstruction_attributes=lambda: self.learned(theta.copy()),
        )

    def close(self, theta: np.ndarray) -> None:
        """End an epoch that did not come to its end, if there is one."""
        if self.current is not None:
            self.end(theta)


class _Stop(Exception):
    """Training ends here, as planned."""


class _Diverged(Exception):
    """The loss or its gradient is not finite any more."""


def train(
    objective: Objective,
    progress: Progress,
    settings: Settings,
    tasks: Tasks | None = None,
    checkpoint: Checkpoint | None = None,
    *,
    one_epoch: bool = False,
) -> np.ndarray:
    """Minimise an objective.

    Parameters
    ----------
    objective : Objective
        The loss.
    progress : Progress
        Where to start; changed in place.
    settings : Settings
        How to train.
    tasks : Tasks or None, default=None
        Where to report epochs, for scikit-learn's callbacks.
    checkpoint : Checkpoint or None, default=None
        Where to go on from, and to write what the epochs come to.
    one_epoch : bool, default=False
        Go once over the rows and keep the last state, as `partial_fit` does.

    Returns
    -------
    ndarray
        The best parameters: of all epochs those of lowest loss or, with early stopping, of
        highest validation score.

    Raises
    ------
    ValueError
        If the loss is not finite from the start.
    KeyboardInterrupt
        If it comes before the first evaluation.
    """
    monitor = _Monitor(objective, progress, settings, tasks, one_epoch, checkpoint)
    if progress.good_theta is not None:  # what an earlier call came to, its last step included
        progress.good_theta = progress.theta.copy()
    run = _run_stochastic if is_stochastic(settings.solver) else _run_scipy
    kept = progress.theta if one_epoch else None
    try:
        # An overflow on the way shows as a loss that is not finite, with a better message.
        with np.errstate(over="ignore", invalid="ignore"):
            monitor.resume()
            run(monitor)
    except KeyboardInterrupt:
        if progress.good_theta is None:  # nothing was evaluated, so there is nothing to keep
            raise
        warnings.warn(
            f"Training was interrupted after {len(progress.loss_curve)} epochs; the best weights "
            "so far are kept.",
            stacklevel=4,
        )
    except _Diverged as error:
        if progress.good_theta is None:
            raise ValueError(
                f"{error} There are no good weights to keep: check the scale of X and y."
            ) from None
        kept = progress.good_theta if one_epoch else None
        warnings.warn(
            f"{error} Training stopped there and the last good weights are kept; a lower "
            "learning_rate or scaled data may help.",
            ConvergenceWarning,
            stacklevel=4,
        )
    finally:
        if checkpoint is not None:
            checkpoint.write()
    if tasks is not None:
        tasks.close(progress.theta)
    candidates = (kept, progress.best_theta, progress.good_theta, progress.theta)
    progress.theta = next(theta for theta in candidates if theta is not None).copy()
    return progress.theta.copy()


class _Monitor:
    """Book-keeping of one call of `train`: curves, the best state, and when to stop."""

    def __init__(
        self,
        objective: Objective,
        progress: Progress,
        settings: Settings,
        tasks: Tasks | None,
        one_epoch: bool,
        checkpoint: Checkpoint | None,
    ) -> None:
        self.objective, self.progress = objective, progress
        self.settings, self.tasks, self.one_epoch = settings, tasks, one_epoch
        self.checkpoint = checkpoint
        self.iteration, self.ended = 0, False

    def resume(self) -> None:
        """Go on from the checkpoint, if there is any."""
        if self.checkpoint is None:
            return
        self.ended, counts = self.checkpoint.resume(self.progress)
        self.objective.n_forward, self.objective.n_backward = counts
        self.iteration = len(self.progress.loss_curve)

    def begin(self) -> None:
        if self.tasks is not None:
            self.tasks.begin()

    def saw(self, theta: np.ndarray, loss: float, grad: np.ndarray | None, whole: bool) -> None:
        """Note an evaluation; `whole` if it was over all rows."""
        progress = self.progress
        if not (np.isfinite(loss) and (grad is None or np.isfinite(grad @ grad))):
            what = "loss" if not np.isfinite(loss) else "gradient of the loss"
            value = "" if not np.isfinite(loss) else " not finite"
            step = f"epoch {self.iteration + 1}, step {progress.n_steps + 1}"
            raise _Diverged(f"The {what} became{value or f' {loss}'} in {step}.")
        progress.good_theta = theta.copy()
        if whole and loss < progress.best_loss:
            self._keep(theta, loss)

    def end(self, theta: np.ndarray, loss: float, whole: bool) -> bool:
        """Note the end of an epoch; true if it was the last."""
        progress, settings = self.progress, self.settings
        self.iteration += 1
        self.objective.end_epoch()
        best_before = min(progress.loss_curve, default=np.inf)
        progress.loss_curve.append(float(loss))
        if settings.verbose:
            print(f"Iteration {len(progress.loss_curve)}, loss = {loss:.8f}")
        if self.one_epoch:
            return True
        if settings.early_stopping:
            improved = self._validate(theta)
        else:
            improved = loss <= best_before - settings.tol
            if not whole and loss < progress.best_loss:
                self._keep(theta, loss)
        progress.no_improvement = 0 if improved else progress.no_improvement + 1
        asked = self.tasks is not None and self.tasks.end(theta)
        over = asked or self._patience_is_over()
        if self.checkpoint is not None:
            counts = self.objective.n_forward, self.objective.n_backward
            self.checkpoint.note(progress, counts, over)
        return over

    def _patience_is_over(self) -> bool:
        settings = self.settings
        # A deterministic solver knows itself when its loss has converged.
        watched = settings.early_stopping or is_stochastic(settings.solver)
        if not watched or self.progress.no_improvement <= settings.n_iter_no_change:
            return False
        if settings.verbose:
            what = "Validation score" if settings.early_stopping else "Training loss"
            print(
                f"{what} did not improve more than tol={settings.tol:f} for "
                f"{settings.n_iter_no_change} consecutive epochs. Stopping."
            )
        return True

    def _validate(self, theta: np.ndarray) -> bool:
        progress = self.progress
        score = float(self.objective.validation_score(theta))
        improved = score >= progress.best_score + self.settings.tol
        progress.validation_scores.append(score)
        if self.settings.verbose:
            print(f"Validation score: {score:f}")
        if score > progress.best_score or progress.best_theta is None:
            progress.best_score = score
            progress.best_theta = theta.copy()
        return improved

    def _keep(self, theta: np.ndarray, loss: float) -> None:
        self.progress.best_loss = float(loss)
        if not self.settings.early_stopping:
            self.progress.best_theta = theta.copy()

    def ran_out(self, message: str) -> None:
        warnings.warn(message, ConvergenceWarning, stacklevel=5)


def _run_stochastic(monitor: _Monitor) -> None:
    objective, progress, settings = monitor.objective, monitor.progress, monitor.settings
    size = n_batch(settings.batch_size, objective.n_rows)
    whole = size == objective.n_rows
    step = _spsa_step if settings.solver == "spsa" else _gradient_step
    rng = progress.rng if settings.shuffle else None
    for _ in range(monitor.iteration, settings.max_iter):
        if monitor.ended:  # as its checkpoint says
            break
        monitor.begin()
        loss = 0.0
        for rows, share in _batches(objective.n_rows, size, rng):
            loss += share * step(monitor, rows, whole)
        monitor.ended = monitor.end(progress.theta, loss, whole)
    if not monitor.ended:
        monitor.ran_out(
            f"Maximum number of iterations ({settings.max_iter}) reached and the training hasn't "
            "converged yet. Increase max_iter or learning_rate, or tol if it is good enough."
        )
    if whole and not monitor.one_epoch:
        # So far each loss was that of the weights before a step.
        monitor.saw(progress.theta, objective.loss(progress.theta, ALL_ROWS), None, whole)


def _gradient_step(monitor: _Monitor, rows: Rows, whole: bool) -> float:
    progress, settings = monitor.progress, monitor.settings
    loss, grad = monitor.objective.loss_and_grad(progress.theta, rows)
    monitor.saw(progress.theta, loss, grad, whole)
    progress.n_steps += 1
    if settings.solver == NATURAL:
        part, metric = monitor.objective.metric(progress.theta, rows)
        rule: Callable[..., None] = partial(natural, part=part, metric=metric)
    else:
        rule = STEP_RULES[settings.solver]
    rule(progress.theta, grad, progress.slots, progress.n_steps, settings.learning_rate)
    return loss


def _spsa_step(monitor: _Monitor, rows: Rows, whole: bool) -> float:
    objective, progress, settings = monitor.objective, monitor.progress, monitor.settings
    size = n_batch(settings.batch_size, objective.n_rows)
    loss, grad, rate = spsa_probe(
        lambda theta: objective.loss(theta, rows),
        progress.theta,
        progress.n_steps,
        settings.max_iter * -(-objective.n_rows // size),
        settings.learning_rate,
        progress.rng,
    )
    monitor.saw(progress.theta, loss, grad, whole)
    progress.n_steps += 1
    progress.theta -= rate * grad
    return loss


def n_batch(batch_size: int | str, n_rows: int) -> int:
    """Return the number of rows of a mini-batch; "auto" is at most 200, as in MLPClassifier."""
    return min(200 if batch_size == "auto" else int(batch_size), n_rows)


def _batches(
    n_rows: int, size: int, rng: np.random.RandomState | None
) -> Iterator[tuple[Rows, float]]:
    """Yield the rows of each mini-batch, and their share of all rows; without `rng` in order."""
    if size == n_rows:  # the order does not matter, and a slice copies nothing
        yield ALL_ROWS, 1.0
        return
    order = np.arange(n_rows) if rng is None else rng.permutation(n_rows)
    for batch in gen_batches(n_rows, size):
        yield order[batch], (batch.stop - batch.start) / n_rows


def _run_scipy(monitor: _Monitor) -> None:
    objective, progress, settings = monitor.objective, monitor.progress, monitor.settings
    with_gradient = uses_gradient(settings.solver)
    losses: dict[bytes, float] = {}

    def evaluate(theta: np.ndarray) -> Any:
        monitor.begin()
        if with_gradient:
            loss, grad = objective.loss_and_grad(theta, ALL_ROWS)
        else:
            loss, grad = objective.loss(theta, ALL_ROWS), None
        monitor.saw(theta, loss, grad, whole=True)
        progress.n_steps += 1
        losses[theta.tobytes()] = loss
        return loss if grad is None else (loss, grad)

    def iteration_ends(theta: np.ndarray, state: Any = None) -> None:
        progress.theta[:] = theta
        # Some methods report a point that they evaluated long ago: the best one.
        loss = losses.get(theta.tobytes(), progress.best_loss)
        losses.clear()
        if monitor.end(progress.theta, loss, whole=True):
            raise _Stop

    try:
        result = minimize(
            evaluate,
            progress.theta.copy(),
            method=settings.solver,
            jac=True if with_gradient else None,
            callback=iteration_ends,
            **scipy_options(settings.solver, settings.max_iter, settings.tol),
        )
        if losses and not progress.loss_curve:  # it ended before its first iteration did
            iteration_ends(result.x)
    except _Stop:
        return
    if not result.success:
        monitor.ran_out(
            f"{settings.solver} stopped after {monitor.iteration} iterations: {result.message} "
            "Increase max_iter or tol, or scale the data."
        )


def planned_rows(
    settings: Settings, n_rows: int, n_aside: int, *, one_epoch: bool
) -> tuple[int, int]:
    """Return how many rows a training runs without and with a gradient, if all goes on to its end.

    A solver of scipy's may need more than one evaluation in an iteration, which is not known
    beforehand.
    """
    stochastic = is_stochastic(settings.solver)
    epochs = 1 if one_epoch and stochastic else settings.max_iter
    forward = epochs * n_aside
    if stochastic and not one_epoch and n_batch(settings.batch_size, n_rows) == n_rows:
        forward += n_rows  # the loss at the end
    if uses_gradient(settings.solver):
        return forward, epochs * n_rows
    return forward + (2 if stochastic else 1) * epochs * n_rows, 0


def split_validation(
    n_rows: int, fraction: float, rng: np.random.RandomState, stratify: np.ndarray | None
) -> tuple[np.ndarray, np.ndarray]:
    """Return the rows to train on and those to validate on, both in their given order."""
    n_aside = int(np.ceil(fraction * n_rows))
    n_needed = max(2, 0 if stratify is None else len(np.unique(stratify)))
    if not n_needed <= n_aside <= n_rows - n_needed:
        raise ValueError(
            f"early_stopping with validation_fraction={fraction} sets {n_aside} of {n_rows} "
            f"distinct rows aside; at least {n_needed} rows are needed on both sides. Change "
            "validation_fraction, or use more rows."
        )
    train_rows, validation_rows = train_test_split(
        np.arange(n_rows), test_size=n_aside, random_state=rng, stratify=stratify
    )
    return np.sort(train_rows), np.sort(validation_rows)
