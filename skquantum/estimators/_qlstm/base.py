"""What the recurrent classifier and regressor share: a network, its rows, and its training."""

from __future__ import annotations

import os
from collections.abc import Callable
from numbers import Real
from typing import Any, ClassVar

import cirq
import numpy as np
from numpy.typing import ArrayLike
from sklearn.base import BaseEstimator
from sklearn.utils import Tags, check_random_state
from sklearn.utils._param_validation import Interval, StrOptions
from sklearn.utils.validation import check_is_fitted, validate_data

from skquantum._named_parts import NamedPartsMixin
from skquantum.circuits import Ansatz, Encoding, resolve_ansatz, resolve_encoding
from skquantum.estimators._head import with_weights
from skquantum.estimators._learning import Circuits, TrainedMixin
from skquantum.estimators._losses import RowLoss
from skquantum.estimators._qlstm.build import (
    CELL_INITS,
    CELLS,
    build_network,
    cell_ansatz,
    first_weights,
    warn_of_size,
)
from skquantum.estimators._qlstm.network import RecurrentNetwork, RecurrentObjective
from skquantum.estimators._rows import TrainingRows
from skquantum.estimators._sequences import AXES, POSITIVE, as_matrix, by_step, check_whole_steps
from skquantum.estimators._solvers import resolve_solver
from skquantum.execution import GRADIENTS, Backend, circuit_resources, resolve_backend
from skquantum.layers import check_init


class RecurrentEstimator(TrainedMixin, NamedPartsMixin):
    """What classifier and regressor share: a recurrent network, and how it is trained."""

    _named_parts: ClassVar = {
        "encoding": resolve_encoding,
        "ansatz": resolve_ansatz,
        "backend": resolve_backend,
    }
    _shared: ClassVar = {"ansatz": ("n_layers", "entangler")}
    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        **TrainedMixin._parameter_constraints,
        "cell": [StrOptions(set(CELLS))],
        "hidden_size": [POSITIVE],
        "n_cells": [POSITIVE],
        "n_qubits": [POSITIVE, None],
        "n_layers": [POSITIVE],
        "encoding": [str, Encoding],
        "ansatz": [str, Ansatz],
        "entangler": [StrOptions({"alternate", "both"})],
        **AXES,
        "head": [StrOptions({"linear", "quantum"})],
        "shuffle": ["boolean"],
        "alpha": [Interval(Real, 0, None, closed="left")],
        "gradient_clip": [Interval(Real, 0, None, closed="neither"), None],
        "init": [str, "array-like"],
        "gradient": [StrOptions(set(GRADIENTS))],
        "backend": [Backend, None],
    }

    def __init__(
        self,
        cell: str,
        hidden_size: int,
        n_qubits: int | None,
        n_layers: int,
        encoding: str | Encoding,
        ansatz: str | Ansatz,
        entangler: str,
        n_channels: int,
        data_format: str,
        head: str,
        solver: str,
        learning_rate: float,
        max_iter: int,
        batch_size: int | str,
        shuffle: bool,
        alpha: float,
        gradient_clip: float | None,
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
        n_cells: int,
        checkpoint: str | os.PathLike[str] | None,
    ) -> None:
        self.cell = cell
        self.hidden_size = hidden_size
        self.n_qubits = n_qubits
        self.n_layers = n_layers
        self.encoding = encoding
        self.ansatz = ansatz
        self.entangler = entangler
        self.n_channels = n_channels
        self.data_format = data_format
        self.head = head
        self.solver = solver
        self.learning_rate = learning_rate
        self.max_iter = max_iter
        self.batch_size = batch_size
        self.shuffle = shuffle
        self.alpha = alpha
        self.gradient_clip = gradient_clip
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
        self.n_cells = n_cells
        self.checkpoint = checkpoint

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.input_tags.three_d_array = True
        return tags

    weights_: np.ndarray
    output: str = "last"  # a parameter where time steps may have outputs of their own
    _network: RecurrentNetwork
    _data_format: str
    _score: Callable[[np.ndarray, TrainingRows], float]  # on rows set aside

    def _is_poor(self) -> bool:
        """Whether the cell leaks: expectation values bound the gates of these."""
        return self.cell in ("chen", "chen6")

    def _resumes(self) -> bool:
        """Whether `fit` goes on from the last one."""
        return self.warm_start and hasattr(self, "weights_")

    def _check_named(self) -> None:
        """Check the names among the parameters, before any computation."""
        resolve_solver(self.solver)
        check_init(self.init, CELL_INITS)

    def _validated(
        self, X: ArrayLike, y: ArrayLike, *, first: bool, **options: Any
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return rows to train on, time step by time step, and what belongs to them.

        The first ones settle how many features there are.
        """
        X = as_matrix(X, self.n_channels, self.data_format)
        rows, targets = validate_data(self, X, y, dtype=np.float64, reset=first, **options)
        check_whole_steps(rows.shape[1], self.n_channels)
        self._data_format = self.data_format
        return by_step(rows, self.n_channels, self.data_format), targets

    def _build(self, rows: TrainingRows, mean: np.ndarray, scale: np.ndarray) -> None:
        """Build the network and choose its parameters, or go on from those that were learned.

        `mean` and `scale` are those of the targets of one time step.
        """
        if self.cell != "lstm":
            warn_of_size(rows.X)
        learned = self._network if self._resumes() else None
        rng = check_random_state(self.random_state)
        n_steps = rows.X.shape[1] // self.n_channels
        if learned is not None and len(scale) == len(learned.scale):
            scale = learned.scale  # the unit of what was learned
        self._network = network = build_network(self, n_steps, scale, rng)
        self.n_timesteps_ = n_steps
        if learned is None:
            weights = first_weights(self.init, network, self._cell_ansatz(), rng)
            self._start(network.start(rng, weights, mean), rng, network.layout)
        else:
            self._start(None, rng, network.layout, learned.layout)

    def _loss(self) -> RowLoss:
        """Return the loss of a row's outputs."""
        raise NotImplementedError

    def _circuits(self) -> list[Circuits]:
        network = self._network
        return [
            Circuits(bank.layer, bank.n_circuits * network.runs(name), data_gradient=True)
            for name, bank in network.banks.items()
        ]

    def _objective(self, rows: TrainingRows, aside: TrainingRows | None) -> RecurrentObjective:
        objective = RecurrentObjective(
            self._network, self._loss(), self.alpha, rows, aside, self._score, self.gradient_clip
        )
        self.gradient_norms_ = objective.norms  # each epoch adds its own
        return objective

    def _learned(self, theta: np.ndarray) -> dict[str, np.ndarray]:
        parts = self._network.arrays(theta)
        circuits = [parts.pop(name) for name in self._network.banks]
        weights = np.concatenate(circuits) if circuits else np.empty((0, 0))
        learned = {f"{name}_": array for name, array in parts.items()}
        return learned | {"_theta": theta, "weights_": weights}

    def _cell_ansatz(self) -> Ansatz:
        return cell_ansatz(self.ansatz, self.n_layers, self.entangler)

    def _resolve_part(self, part: str, value: Any, params: dict[str, Any]) -> BaseEstimator:
        if part != "ansatz":
            return super()._resolve_part(part, value, params)
        n_layers = params.get("n_layers", self.n_layers)
        return cell_ansatz(value, n_layers, params.get("entangler", self.entangler))

    def _outputs(self, X: ArrayLike) -> np.ndarray:
        check_is_fitted(self, "weights_")
        axes = self._network.n_channels, self._data_format
        rows = validate_data(self, as_matrix(X, *axes), dtype=np.float64, reset=False)
        return self._network.outputs(self._theta, by_step(rows, *axes))

    @property
    def circuit_(self) -> cirq.Circuit:
        """The forget gate's circuit: weights are bound, data symbols are free."""
        check_is_fitted(self, "weights_")
        if not self._network.banks:
            raise AttributeError("cell='lstm' has linear maps in place of circuits.")
        layer = next(iter(self._network.banks.values())).layer
        return with_weights(layer.circuit, layer, self.weights_[0])

    @property
    def resources_(self) -> dict[str, int]:
        """Qubits, depth and gates of a gate's circuit, and what the fits cost so far."""
        check_is_fitted(self, "weights_")
        network = self._network
        out = {"n_cell_circuits": sum(bank.n_circuits for bank in network.banks.values())}
        if network.banks:
            first = next(iter(network.banks.values()))
            out |= circuit_resources(first.layer.circuit)
        return out | {"n_parameters": network.layout.size} | self._cost()
