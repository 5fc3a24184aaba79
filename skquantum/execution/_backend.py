"""What a backend is: the narrow contract between circuits and everything that uses them."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from typing import Any, ClassVar

import cirq
import numpy as np
import sympy

from skquantum._named_parts import NamedPartsMixin
from skquantum._records import Facts, running
from skquantum._validation import unknown, validate_description
from skquantum.execution._compiler.gates import check_symbols
from skquantum.execution._compiler.hashing import hashable
from skquantum.execution._compiler.unitary import check_circuit
from skquantum.execution._engine.observables import (
    check_observables,
    check_trainable,
    state_expectations,
)
from skquantum.execution._evaluation import Evaluator
from skquantum.execution._gradients import ParameterShiftEvaluator, SPSAEvaluator

GRADIENTS = ("auto", "adjoint", "parameter-shift", "spsa")


class Backend(NamedPartsMixin, ABC):
    """Base class of all backends: runs one circuit for a batch of symbol values.

    A backend is a description, like every part of skquantum: its constructor only stores
    arguments, so it clones, pickles and takes part in a grid search (``backend__n_threads``).
    Simulators and compiled circuits are never kept on it.

    A subclass writes `_states` and, where it can do better than by the states, `_expectations`,
    `_overlaps`, `_overlaps_with`, `_evaluator` and `_state_evaluator`. They receive checked
    input: noise belongs to the backend, and a circuit with an operation that is not unitary is
    refused before. Qubits are ordered as ``sorted(circuit.all_qubits())``, the first one being the
    most significant bit, as in Cirq. Parameters are validated by the ``_parameter_constraints``
    of the class.
    """

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {}

    def states(
        self,
        circuit: cirq.AbstractCircuit,
        symbols: Sequence[sympy.Symbol],
        values: np.ndarray,
    ) -> np.ndarray:
        """Return the final state for each row of symbol values.

        Parameters
        ----------
        circuit : cirq.Circuit or cirq.FrozenCircuit
            A circuit of unitary gates, run on the all-zeros state.
        symbols : sequence of sympy.Symbol
            The circuit's symbols in the order of the columns of `values`.
        values : array-like of shape (n_samples, n_symbols)
            What the symbols receive, one row per run.

        Returns
        -------
        ndarray of complex, shape (n_samples, 2 ** n_qubits)
            State vectors.

        Raises
        ------
        ValueError
            If the values do not fit the symbols or are not finite, if the circuit has other
            symbols, an operation that is not unitary, or cannot be run, if the states need more
            memory than allowed, or if a parameter of the backend is not valid.
        """
        checked = self._checked(circuit, symbols, values)
        with running(self.run_facts, "states", len(checked[2])):
            return self._states(*checked)

    def expectations(
        self,
        circuit: cirq.AbstractCircuit,
        symbols: Sequence[sympy.Symbol],
        values: np.ndarray,
        observables: Sequence[cirq.PauliSum | cirq.PauliString],
    ) -> np.ndarray:
        """Return expectation values of observables for each row of symbol values.

        Parameters
        ----------
        circuit, symbols, values
            As in `states`.
        observables : sequence of cirq.PauliSum or cirq.PauliString
            Hermitian observables on qubits of the circuit.

        Returns
        -------
        ndarray of float64, shape (n_samples, n_observables)
            Expectation values.

        Raises
        ------
        ValueError
            As in `states`, or if an observable acts on a qubit that the circuit lacks or is
            not Hermitian.
        """
        frozen, order, array = self._checked(circuit, symbols, values)
        sums = check_observables(observables, sorted(frozen.all_qubits()))
        with running(self.run_facts, "expectations", len(array)):
            return self._expectations(frozen, order, array, sums)

    def overlaps(
        self,
        circuit: cirq.AbstractCircuit,
        symbols: Sequence[sympy.Symbol],
        X: np.ndarray,
        Y: np.ndarray | None = None,
    ) -> np.ndarray:
        """Return the fidelities of the states of all pairs of rows.

        Parameters
        ----------
        circuit, symbols
            As in `states`.
        X : array-like of shape (n_samples_X, n_symbols)
            Symbol values.
        Y : array-like of shape (n_samples_Y, n_symbols), default=None
            Symbol values; None stands for `X`, and gives an exactly symmetric matrix with ones
            on its diagonal.

        Returns
        -------
        ndarray of float64, shape (n_samples_X, n_samples_Y)
            Squared absolute values of the inner products.

        Raises
        ------
        ValueError
            As in `states`.
        """
        frozen, order, left = self._checked(circuit, symbols, X)
        right = None if Y is None else check_run(frozen, order, Y)[2]
        n_rows = len(left) + (0 if right is None else len(right))
        with running(self.run_facts, "overlaps", n_rows):
            return self._overlaps(frozen, order, left, right)

    def overlaps_with(
        self,
        circuit: cirq.AbstractCircuit,
        symbols: Sequence[sympy.Symbol],
        Y: np.ndarray,
    ) -> Callable[[np.ndarray], np.ndarray]:
        """Prepare the fidelities of any rows with rows that stay the same.

        Parameters
        ----------
        circuit, symbols
            As in `states`.
        Y : array-like of shape (n_samples_Y, n_symbols)
            Symbol values of the rows that stay, such as support vectors or landmarks.

        Returns
        -------
        callable
            Takes `X` and returns what ``overlaps(circuit, symbols, X, Y)`` does. What can be
            kept of `Y` (an exact simulator keeps the states) is not computed again at each call.

        Raises
        ------
        ValueError
            As in `states`, at once for `Y` and at each call for `X`.
        """
        frozen, order, right = self._checked(circuit, symbols, Y)
        kept = type(self)._overlaps_with is not Backend._overlaps_with
        with running(self.run_facts, "overlaps", len(right) if kept else 0):
            prepared = self._overlaps_with(frozen, order, right)

        def overlaps(X: np.ndarray) -> np.ndarray:
            left = check_values(order, X)
            n_rows = len(left) if kept else len(left) + len(right)
            with running(self.run_facts, "overlaps", n_rows):
                return prepared(left)

        return overlaps

    def self_overlaps(
        self,
        circuit: cirq.AbstractCircuit,
        symbols: Sequence[sympy.Symbol],
        X: np.ndarray,
    ) -> np.ndarray:
        """Return the fidelity of each row's state with itself.

        Parameters
        ----------
        circuit, symbols
            As in `states`.
        X : array-like of shape (n_samples, n_symbols)
            Symbol values.

        Returns
        -------
        ndarray of float64, shape (n_samples,)
            The diagonal of ``overlaps(circuit, symbols, X)``: ones where there are states, and
            less with noise.

        Raises
        ------
        ValueError
            As in `states`.
        """
        checked = self._checked(circuit, symbols, X)
        with running(self.run_facts, "overlaps", len(checked[2])) as job:
            found = self._self_overlaps(*checked)
            if (found == 1.0).all():  # of states, which need not be run for it
                job.n_circuits = 0
        return found

    def states_jvp(
        self,
        circuit: cirq.AbstractCircuit,
        symbols: Sequence[sympy.Symbol],
        values: np.ndarray,
        tangents: np.ndarray,
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return states in double precision, and their derivatives along directions.

        Parameters
        ----------
        circuit, symbols, values
            As in `states`.
        tangents : ndarray of shape (n_samples, n_symbols, n_directions)
            How fast the values of each row change along each direction.

        Returns
        -------
        states : ndarray of complex, shape (n_samples, 2 ** n_qubits)
            State vectors.
        derivatives : ndarray of complex, shape (n_samples, 2 ** n_qubits, n_directions)
            Of the states.

        Raises
        ------
        ValueError
            As in `states`; if the backend has no exact derivatives, or the register is too wide
            for them.
        """
        frozen, order, array = self._checked(circuit, symbols, values)
        if np.shape(tangents)[:2] != array.shape or np.ndim(tangents) != 3:
            raise ValueError(
                f"tangents must have shape {(*array.shape, 'n_directions')}, got "
                f"{np.shape(tangents)}."
            )
        with running(self.run_facts, "gradients", len(array)):
            return self._states_jvp(frozen, order, array, np.asarray(tangents, dtype=float))

    def _states_jvp(
        self,
        circuit: cirq.FrozenCircuit,
        symbols: tuple[sympy.Symbol, ...],
        values: np.ndarray,
        tangents: np.ndarray,
    ) -> tuple[np.ndarray, np.ndarray]:
        raise ValueError(
            f"{type(self).__name__} has no derivatives of states; use DenseBackend(), or "
            "QsimBackend() without noise and shots."
        )

    @property
    def default_gradient(self) -> str:
        """What ``gradient="auto"`` stands for: "adjoint" if the backend has it.

        Otherwise "parameter-shift", which asks for nothing but expectation values.
        """
        has_adjoint = type(self)._adjoint is not Backend._adjoint
        return "adjoint" if has_adjoint else "parameter-shift"

    @property
    def run_facts(self) -> Facts | None:
        """What records say of this backend.

        None for a backend that leaves records itself, or whose circuits another backend runs.
        """
        return Facts(type(self).__name__)

    @property
    def runs_marks(self) -> bool:
        """Whether circuits may come with marks, to be run after they were compiled.

        Error mitigation asks for moments to be repeated; a backend that compiles circuits for a
        device repeats those of the compiled circuit (`run_marks` of `_device/marks.py`).
        """
        return False

    def check_matrix(self, n_rows: int, n_columns: int) -> None:
        """Raise an error if there is no room for a matrix of kernel values.

        Parameters
        ----------
        n_rows, n_columns : int
            Shape of the matrix, of float64. Without a limit of its own a backend takes any.
        """

    def circuits_of(
        self,
        circuit: cirq.AbstractCircuit,
        n_rows: int,
        observables: Sequence[cirq.PauliSum] | None = None,
        n_pairs: int | None = None,
    ) -> int:
        """Return how many circuits a job would run.

        Parameters
        ----------
        circuit : cirq.Circuit or cirq.FrozenCircuit
            As in `states`.
        n_rows : int
            Rows of values, of both sides for fidelities.
        observables : sequence of cirq.PauliSum, default=None
            Whose expectation values are asked for; None: states, or fidelities.
        n_pairs : int, default=None
            Pairs of rows whose fidelities are asked for.

        Returns
        -------
        int
            One for each row by default, as simulators have it.
        """
        return n_rows

    @property
    def shots_per_circuit(self) -> int:
        """How often each circuit is measured; 0, as by default: it is not."""
        return 0

    @property
    def has_budget(self) -> bool:
        """Whether `check_budget` may refuse: without, nobody needs to count circuits for it."""
        return type(self).check_budget is not Backend.check_budget

    def check_budget(self, n_circuits: int) -> None:
        """Raise an error if a training must not cost so many circuits.

        Parameters
        ----------
        n_circuits : int
            How many circuits a training may need, if it goes on to its last iteration. Without
            a budget of its own a backend runs any number.
        """

    def evaluator(
        self,
        circuit: cirq.AbstractCircuit,
        data: Sequence[sympy.Symbol],
        weights: Sequence[sympy.Symbol],
        observables: Sequence[cirq.PauliSum | cirq.PauliString],
        gradient: str = "auto",
        random_state: Any = None,
    ) -> Evaluator:
        """Prepare expectation values and their gradients for a circuit with weights.

        Parameters
        ----------
        circuit : cirq.Circuit or cirq.FrozenCircuit
            A circuit of unitary gates, run on the all-zeros state.
        data, weights : sequence of sympy.Symbol
            Symbols that receive one value for each row, and one value for all rows.
        observables : sequence of cirq.PauliSum or cirq.PauliString
            As in `expectations`.
        gradient : {"auto", "adjoint", "parameter-shift", "spsa"}, default="auto"
            How gradients are computed. "adjoint" needs an exact simulator; "auto" stands for
            the backend's `default_gradient`, where it can be had for this circuit.
        random_state : int, RandomState instance or None, default=None
            Directions of "spsa".

        Returns
        -------
        Evaluator
            With ``forward(X, weights)``, which returns expectation values of shape
            (n_samples, n_observables), and ``forward_vjp(X, weights)``, which returns them with
            a function from dL/d(expectations) to (dL/dX, dL/dweights).

        Raises
        ------
        ValueError
            If the circuit or the observables do not suit the backend, or the backend has no
            such gradient.
        """
        if not (isinstance(gradient, str) and gradient in GRADIENTS):
            raise ValueError(unknown("gradient", gradient, GRADIENTS))
        data, weights = as_symbols(data), as_symbols(weights)
        frozen = self._checked_circuit(circuit, (*data, *weights))
        sums = check_observables(observables, sorted(frozen.all_qubits()))
        check_trainable(sums)
        if gradient == "auto":
            gradient = self._gradient_for(frozen)
        return self._evaluator(frozen, data, weights, sums, gradient, random_state)

    def _gradient_for(self, circuit: cirq.FrozenCircuit) -> str:
        """Return what ``gradient="auto"`` stands for with a circuit."""
        return self.default_gradient

    def _evaluator(
        self,
        circuit: cirq.FrozenCircuit,
        data: tuple[sympy.Symbol, ...],
        weights: tuple[sympy.Symbol, ...],
        observables: list[cirq.PauliSum],
        gradient: str,
        random_state: Any,
    ) -> Evaluator:
        parts = circuit, data, weights, observables
        if gradient == "parameter-shift":
            return ParameterShiftEvaluator(self.expectations, *parts)
        if gradient == "spsa":
            return SPSAEvaluator(self.expectations, *parts, random_state=random_state)
        return self._adjoint(*parts)

    def _adjoint(
        self,
        circuit: cirq.FrozenCircuit,
        data: tuple[sympy.Symbol, ...],
        weights: tuple[sympy.Symbol, ...],
        observables: list[cirq.PauliSum],
    ) -> Evaluator:
        raise ValueError(
            f"{type(self).__name__} has no gradient='adjoint'; use QsimBackend, or "
            "gradient='parameter-shift'."
        )

    def state_evaluator(
        self,
        circuit: cirq.AbstractCircuit,
        weights: Sequence[sympy.Symbol],
        observables: Sequence[cirq.PauliSum | cirq.PauliString],
        prepare: Callable[[np.ndarray], np.ndarray],
    ) -> Evaluator | None:
        """Prepare a circuit that starts from given states, if the backend can give it any.

        Parameters
        ----------
        circuit, weights, observables
            As in `evaluator`.
        prepare : callable
            Takes rows, and returns the states to start from, shape (n_samples, 2 ** n_qubits).

        Returns
        -------
        Evaluator or None
            It has no gradient for the rows. None, as by default: the backend starts from the
            all-zeros state only.
        """
        order = as_symbols(weights)
        frozen = self._checked_circuit(circuit, order)
        sums = check_observables(observables, sorted(frozen.all_qubits()))
        check_trainable(sums)
        return self._state_evaluator(frozen, order, sums, prepare)

    def _state_evaluator(
        self,
        circuit: cirq.FrozenCircuit,
        weights: tuple[sympy.Symbol, ...],
        observables: list[cirq.PauliSum],
        prepare: Callable[[np.ndarray], np.ndarray],
    ) -> Evaluator | None:
        return None

    def _checked(
        self,
        circuit: cirq.AbstractCircuit,
        symbols: Sequence[sympy.Symbol],
        values: np.ndarray,
    ) -> tuple[cirq.FrozenCircuit, tuple[sympy.Symbol, ...], np.ndarray]:
        """Return what is to be run, after all that every backend checks."""
        frozen, order, array = check_run(circuit, symbols, values)
        return self._checked_circuit(frozen, order), order, array

    def _checked_circuit(
        self, circuit: cirq.AbstractCircuit, symbols: tuple[sympy.Symbol, ...]
    ) -> cirq.FrozenCircuit:
        """Return a circuit, frozen; it and this backend's parameters have been checked."""
        validate_description(self)
        frozen = hashable(circuit)
        check_symbols(frozen, symbols)
        check_circuit(frozen)
        return frozen

    @abstractmethod
    def _states(
        self, circuit: cirq.FrozenCircuit, symbols: tuple[sympy.Symbol, ...], values: np.ndarray
    ) -> np.ndarray: ...

    def _expectations(
        self,
        circuit: cirq.FrozenCircuit,
        symbols: tuple[sympy.Symbol, ...],
        values: np.ndarray,
        observables: list[cirq.PauliSum],
    ) -> np.ndarray:
        states = self._states(circuit, symbols, values)
        return state_expectations(states, observables, sorted(circuit.all_qubits()))

    def _overlaps(
        self,
        circuit: cirq.FrozenCircuit,
        symbols: tuple[sympy.Symbol, ...],
        X: np.ndarray,
        Y: np.ndarray | None,
    ) -> np.ndarray:
        left = self._states(circuit, symbols, X).astype(complex)
        right = left if Y is None else self._states(circuit, symbols, Y).astype(complex)
        fidelities = np.abs(left.conj() @ right.T) ** 2
        if Y is None:
            fidelities = (fidelities + fidelities.T) / 2
            np.fill_diagonal(fidelities, 1.0)
        return fidelities

    def _overlaps_with(
        self, circuit: cirq.FrozenCircuit, symbols: tuple[sympy.Symbol, ...], Y: np.ndarray
    ) -> Callable[[np.ndarray], np.ndarray]:
        return lambda X: self._overlaps(circuit, symbols, X, Y)

    def _self_overlaps(
        self, circuit: cirq.FrozenCircuit, symbols: tuple[sympy.Symbol, ...], X: np.ndarray
    ) -> np.ndarray:
        if type(self)._overlaps is Backend._overlaps:
            return np.ones(len(X))  # of states, which are unit vectors
        rows = (X[i : i + 1] for i in range(len(X)))
        return np.array([self._overlaps(circuit, symbols, row, None)[0, 0] for row in rows])


def as_symbols(symbols: Sequence[str | sympy.Symbol]) -> tuple[sympy.Symbol, ...]:
    """Return symbols, given as such or by their names."""
    return tuple(sympy.Symbol(s) if isinstance(s, str) else s for s in symbols)


def check_run(
    circuit: cirq.AbstractCircuit, symbols: Sequence[sympy.Symbol], values: np.ndarray
) -> tuple[cirq.FrozenCircuit, tuple[sympy.Symbol, ...], np.ndarray]:
    """Return what a circuit is to be run with, checked: frozen, with a finite array of values."""
    if not isinstance(circuit, cirq.AbstractCircuit):
        raise TypeError(f"circuit must be a cirq.Circuit, got {type(circuit).__name__}.")
    order = as_symbols(symbols)
    if len(set(order)) != len(order):
        raise ValueError(f"symbols must be distinct, got {[str(s) for s in order]}.")
    return circuit.freeze(), order, check_values(order, values)


def check_values(order: tuple[sympy.Symbol, ...], values: np.ndarray) -> np.ndarray:
    """Return values of the symbols as a finite array of float64."""
    array = np.asarray(values, dtype=float)
    if array.ndim != 2 or array.shape[1] != len(order):
        raise ValueError(
            f"values must have shape (n_samples, {len(order)}), one column for each of the "
            f"circuit's symbols, got shape {array.shape}."
        )
    if not np.isfinite(array).all():
        row, column = np.argwhere(~np.isfinite(array))[0]
        raise ValueError(
            f"values must be finite, got {array[row, column]} for symbol {order[column]} in "
            f"row {row}."
        )
    return array
