"""Backends around a backend: what they hand on as it is."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import ClassVar

import cirq
import numpy as np
import sympy

from skquantum._records import Facts
from skquantum.execution._backend import Backend
from skquantum.execution._evaluation import Evaluator
from skquantum.execution._qsim_backend import resolve_backend


class BackendAround(Backend):
    """Base class of backends that let another one, their `backend`, run the circuits."""

    _named_parts: ClassVar = {"backend": resolve_backend}
    backend: Backend | None

    def _inner(self) -> Backend:
        return resolve_backend(self.backend)

    @property
    def default_gradient(self) -> str:
        """What ``gradient="auto"`` stands for: what it does for the inner backend."""
        return self._inner().default_gradient

    @property
    def run_facts(self) -> Facts | None:
        """None: the inner backend runs the circuits, and leaves the records."""
        return None

    @property
    def shots_per_circuit(self) -> int:
        """How often each circuit is measured: as often as by the inner backend."""
        return self._inner().shots_per_circuit

    @property
    def has_budget(self) -> bool:
        return self._inner().has_budget

    def check_budget(self, n_circuits: int) -> None:
        self._inner().check_budget(n_circuits)

    def check_matrix(self, n_rows: int, n_columns: int) -> None:
        self._inner().check_matrix(n_rows, n_columns)


class TransparentBackend(BackendAround):
    """Base class of backends around one that change nothing of what it computes."""

    @property
    def run_facts(self) -> Facts | None:
        """What records say: what they say of the inner backend."""
        return self._inner().run_facts

    @property
    def runs_marks(self) -> bool:
        """Whether circuits may come with marks: whether they may in the inner backend."""
        return self._inner().runs_marks

    def _gradient_for(self, circuit: cirq.FrozenCircuit) -> str:
        return self._inner()._gradient_for(circuit)

    def circuits_of(
        self,
        circuit: cirq.AbstractCircuit,
        n_rows: int,
        observables: Sequence[cirq.PauliSum] | None = None,
        n_pairs: int | None = None,
    ) -> int:
        """Return how many circuits a job would run: as many as the inner backend's."""
        return self._inner().circuits_of(circuit, n_rows, observables, n_pairs)

    def _states(
        self, circuit: cirq.FrozenCircuit, symbols: tuple[sympy.Symbol, ...], values: np.ndarray
    ) -> np.ndarray:
        return self._inner().states(circuit, symbols, values)

    def _expectations(
        self,
        circuit: cirq.FrozenCircuit,
        symbols: tuple[sympy.Symbol, ...],
        values: np.ndarray,
        observables: list[cirq.PauliSum],
    ) -> np.ndarray:
        return self._inner().expectations(circuit, symbols, values, observables)

    def _overlaps(
        self,
        circuit: cirq.FrozenCircuit,
        symbols: tuple[sympy.Symbol, ...],
        X: np.ndarray,
        Y: np.ndarray | None,
    ) -> np.ndarray:
        return self._inner().overlaps(circuit, symbols, X, Y)

    def _self_overlaps(
        self, circuit: cirq.FrozenCircuit, symbols: tuple[sympy.Symbol, ...], X: np.ndarray
    ) -> np.ndarray:
        return self._inner().self_overlaps(circuit, symbols, X)

    def _states_jvp(
        self,
        circuit: cirq.FrozenCircuit,
        symbols: tuple[sympy.Symbol, ...],
        values: np.ndarray,
        tangents: np.ndarray,
    ) -> tuple[np.ndarray, np.ndarray]:
        return self._inner().states_jvp(circuit, symbols, values, tangents)

    def _adjoint(
        self,
        circuit: cirq.FrozenCircuit,
        data: tuple[sympy.Symbol, ...],
        weights: tuple[sympy.Symbol, ...],
        observables: list[cirq.PauliSum],
    ) -> Evaluator:
        return self._inner().evaluator(circuit, data, weights, observables, "adjoint")

    def _state_evaluator(
        self,
        circuit: cirq.FrozenCircuit,
        weights: tuple[sympy.Symbol, ...],
        observables: list[cirq.PauliSum],
        prepare: Callable[[np.ndarray], np.ndarray],
    ) -> Evaluator | None:
        return self._inner().state_evaluator(circuit, weights, observables, prepare)


def by_strips(
    overlaps: Callable[[np.ndarray, np.ndarray | None], np.ndarray],
    X: np.ndarray,
    Y: np.ndarray | None,
    n_rows: int,
) -> np.ndarray:
    """Compute a matrix of fidelities some rows at a time, each pair once.

    Parameters
    ----------
    overlaps : callable
        As `Backend.overlaps`, of a circuit.
    X, Y : ndarray
        As in `Backend.overlaps`.
    n_rows : int
        Rows at a time.

    Returns
    -------
    ndarray of float64, shape (len(X), len(X if Y is None else Y))
    """
    out = np.empty((len(X), len(X if Y is None else Y)))
    for i in range(0, len(X), n_rows):
        j = i + n_rows
        if Y is not None:
            out[i:j] = overlaps(X[i:j], Y)
            continue
        out[i:j, i:j] = overlaps(X[i:j], None)
        if j < len(X):
            out[i:j, j:] = overlaps(X[i:j], X[j:])
            out[j:, i:j] = out[i:j, j:].T
    return out
