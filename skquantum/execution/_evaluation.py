"""What an evaluator is: expectation values and their gradients, of one circuit on one backend."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable

import numpy as np

Pullback = Callable[[np.ndarray], tuple[np.ndarray, np.ndarray]]


class Evaluator(ABC):
    """A circuit with its observables, ready to be run for data and weights.

    A subclass writes `forward_vjp`; the rest has defaults made from it.
    """

    @abstractmethod
    def forward_vjp(
        self, X: np.ndarray, weights: np.ndarray, *, data_gradient: bool = True
    ) -> tuple[np.ndarray, Pullback]:
        """Return expectation values, and the function that gives gradients for them.

        Parameters
        ----------
        X : ndarray of shape (n_samples, n_data)
            Values of the data symbols.
        weights : ndarray of shape (n_weights,)
            Values of the weights.
        data_gradient : bool, default=True
            Whether the gradient for the rows is needed. Without, it may be left at zero.

        Returns
        -------
        values : ndarray of shape (n_samples, n_observables)
            Expectation values.
        pullback : callable
            Takes dL/d(values), of the shape of `values`, and returns dL/dX and dL/dweights.
        """

    def forward(self, X: np.ndarray, weights: np.ndarray) -> np.ndarray:
        """Return expectation values, shape (n_samples, n_observables)."""
        return self.forward_vjp(X, weights, data_gradient=False)[0]

    def n_circuits(self, *, data_gradient: bool = True) -> int | None:
        """Return how many circuits the gradient of one row costs, besides the row's own.

        Parameters
        ----------
        data_gradient : bool, default=True
            As in `forward_vjp`.

        Returns
        -------
        int or None
            For each setting of the observables. None, as by default: gradients do not come from
            circuits that are run.
        """
        return None

    @property
    def n_state_qubits(self) -> int | None:
        """Number of qubits of the exact state vectors that it runs, None if it runs no such."""
        return None
