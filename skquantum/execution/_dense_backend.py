"""An exact backend in double precision for small registers."""

from __future__ import annotations

from functools import lru_cache
from typing import ClassVar

import cirq
import numpy as np
import sympy

from skquantum.execution._backend import Backend
from skquantum.execution._engine.observables import PauliMatrix
from skquantum.execution._engine.small import SmallCircuit
from skquantum.execution._evaluation import Evaluator, Pullback

AMPLITUDES = 2**22  # of all steps of a circuit that are kept at a time: 64 MiB

small_circuit = lru_cache(maxsize=16)(SmallCircuit)


class DenseBackend(Backend):
    """Compute states in double precision, for registers of up to 8 qubits.

    Batched as :class:`QsimBackend` is, by NumPy, with adjoint gradients. It is slower, and its
    results are good to 1e-12 rather than 1e-6: for gradients that are checked by differences, for
    solvers that go on where single precision ends, and to see whether rounding matters.

    Examples
    --------
    >>> import cirq, sympy
    >>> from skquantum.execution import DenseBackend
    >>> q, x = cirq.LineQubit(0), sympy.Symbol("x")
    >>> circuit = cirq.Circuit(cirq.rx(x)(q))
    >>> DenseBackend().expectations(circuit, [x], [[0.0], [3.141592653589793]], [cirq.Z(q)])
    array([[ 1.],
           [-1.]])
    """

    #: The widest register: matrices of ``2 ** n`` rows and columns stand between the angles.
    most_qubits: ClassVar[int] = 8

    @property
    def default_gradient(self) -> str:
        """What ``gradient="auto"`` stands for: "adjoint"."""
        return "adjoint"

    def _states(
        self, circuit: cirq.FrozenCircuit, symbols: tuple[sympy.Symbol, ...], values: np.ndarray
    ) -> np.ndarray:
        _check_width(circuit)
        small = small_circuit(circuit, symbols)
        states = np.empty((len(values), 2 ** cirq.num_qubits(circuit)), dtype=complex)
        for rows in _chunks(small, len(values)):
            states[rows] = small.forward(values[rows])[0].T
        return states

    def _states_jvp(
        self,
        circuit: cirq.FrozenCircuit,
        symbols: tuple[sympy.Symbol, ...],
        values: np.ndarray,
        tangents: np.ndarray,
    ) -> tuple[np.ndarray, np.ndarray]:
        return dense_jvp(circuit, symbols, values, tangents)

    def _adjoint(
        self,
        circuit: cirq.FrozenCircuit,
        data: tuple[sympy.Symbol, ...],
        weights: tuple[sympy.Symbol, ...],
        observables: list[cirq.PauliSum],
    ) -> Evaluator:
        _check_width(circuit)
        matrix = PauliMatrix(observables, sorted(circuit.all_qubits()))
        return DenseEvaluator(small_circuit(circuit, (*data, *weights)), matrix)


class DenseEvaluator(Evaluator):
    """Expectation values and adjoint gradients in double precision.

    Parameters
    ----------
    circuit : SmallCircuit
        Its symbols are the data and then the weights, which are repeated for each row.
    matrix : PauliMatrix
        The observables.
    """

    def __init__(self, circuit: SmallCircuit, matrix: PauliMatrix) -> None:
        self._circuit, self._matrix = circuit, matrix

    def forward(self, X: np.ndarray, weights: np.ndarray) -> np.ndarray:
        out = np.empty((len(X), self._matrix.n_observables))
        for rows in _chunks(self._circuit, len(X)):
            psi, _ = self._circuit.forward(_beside(X[rows], weights))
            out[rows] = self._matrix.expectations(psi)
        return out

    def forward_vjp(
        self, X: np.ndarray, weights: np.ndarray, *, data_gradient: bool = True
    ) -> tuple[np.ndarray, Pullback]:
        def pullback(cotangent: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
            # States of the way are computed again, so that memory does not grow with the rows.
            grad_X, grad_weights = np.empty_like(X), np.zeros(len(weights))
            for rows in _chunks(self._circuit, len(X)):
                psi, tape = self._circuit.forward(_beside(X[rows], weights))
                lam = self._matrix.apply(psi, cotangent[rows])
                by_value = self._circuit.backward(tape, lam)
                grad_X[rows] = by_value[:, : X.shape[1]]
                grad_weights += by_value[:, X.shape[1] :].sum(axis=0)
            return grad_X, grad_weights

        return self.forward(X, weights), pullback

    @property
    def n_state_qubits(self) -> int | None:
        return self._circuit.n_qubits


def dense_jvp(
    circuit: cirq.FrozenCircuit,
    symbols: tuple[sympy.Symbol, ...],
    values: np.ndarray,
    tangents: np.ndarray,
) -> tuple[np.ndarray, np.ndarray]:
    """Return states and their derivatives along directions, as `Backend.states_jvp` does."""
    n_qubits, most = cirq.num_qubits(circuit), DenseBackend.most_qubits
    if n_qubits > most:
        raise ValueError(
            f"Derivatives of states are for circuits of at most {most} qubits, got {n_qubits}. "
            f"Set the encoding's n_qubits={most} or put the features into blocks."
        )
    small = small_circuit(circuit, symbols)
    states = np.empty((len(values), 2**n_qubits), dtype=complex)
    moved = np.empty((*states.shape, tangents.shape[2]), dtype=complex)
    for rows in _chunks(small, len(values), 1 + tangents.shape[2]):
        psi, along = small.forward_tangents(values[rows], tangents[rows])
        states[rows], moved[rows] = psi.T, along.swapaxes(0, 1)
    return states, moved


def _check_width(circuit: cirq.FrozenCircuit) -> None:
    n_qubits, most = cirq.num_qubits(circuit), DenseBackend.most_qubits
    if n_qubits > most:
        raise ValueError(
            f"DenseBackend runs circuits of at most {most} qubits, got {n_qubits}. Use "
            "QsimBackend, whose results are good to 1e-6."
        )


def _beside(X: np.ndarray, weights: np.ndarray) -> np.ndarray:
    return np.hstack([X, np.broadcast_to(weights, (len(X), len(weights)))])


def _chunks(circuit: SmallCircuit, n_rows: int, n_kept: int | None = None) -> list[slice]:
    """Split rows, of each of which so many states are kept: by default those of all steps."""
    n_kept = circuit.n_steps + 1 if n_kept is None else n_kept
    step = max(1, AMPLITUDES // (2**circuit.n_qubits * n_kept))
    return [slice(begin, begin + step) for begin in range(0, n_rows, step)]
