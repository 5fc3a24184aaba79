"""A small circuit of data alone, in double precision, and its gradient for the data."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cirq
import numpy as np
import sympy

from skquantum.execution._compiler.compile import compile_program
from skquantum.execution._compiler.program import PhaseTable
from skquantum.execution._engine.adjoint import bind, row_gradient

NO_WEIGHTS = np.empty(0)


@dataclass(frozen=True, eq=False)
class Tape:
    """What a forward pass keeps for the way back: values, states after the phases, and these."""

    values: np.ndarray
    after: list[np.ndarray]
    tables: list[list[np.ndarray]]


class SmallCircuit:
    """A circuit on a few qubits: constant matrices, and phases that differ from row to row.

    Parameters
    ----------
    circuit : cirq.FrozenCircuit
    symbols : sequence of sympy.Symbol
        Its data, in order.
    """

    def __init__(self, circuit: cirq.FrozenCircuit, symbols: Sequence[sympy.Symbol]) -> None:
        self._program = compile_program(circuit, tuple(symbols))
        prepared = bind(self._program, NO_WEIGHTS)
        # One before, between and after the phases.
        self._constants = prepared.dense_blocks().unitaries
        self._phases = prepared.plan.by_row
        self.n_qubits = cirq.num_qubits(circuit)
        self.n_steps = len(self._phases)

    def forward(self, values: np.ndarray) -> tuple[np.ndarray, Tape]:
        """Return the states of rows, shape (2 ** n_qubits, n_rows), and what `backward` needs.

        Parameters
        ----------
        values : ndarray of shape (n_rows, n_symbols)
        """
        angles = self._program.row_angles(values, NO_WEIGHTS)
        psi = np.repeat(self._program.start[:, None], len(values), axis=1)
        tape = Tape(values, [], [])
        for k, constant in enumerate(self._constants):
            if constant is not None:
                psi = constant @ psi
            if k < len(self._phases):
                tape.tables.append([_table(t, angles) for t in self._phases[k].tables])
                psi = _multiply(psi, tape.tables[-1])
                tape.after.append(psi)
        return psi, tape

    def forward_tangents(
        self, values: np.ndarray, tangents: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return the states of rows, and their derivatives along directions of the values.

        Parameters
        ----------
        values : ndarray of shape (n_rows, n_symbols)
        tangents : ndarray of shape (n_rows, n_symbols, n_directions)

        Returns
        -------
        psi : ndarray of complex, shape (2 ** n_qubits, n_rows)
        moved : ndarray of complex, shape (2 ** n_qubits, n_rows, n_directions)
        """
        angles = self._program.row_angles(values, NO_WEIGHTS)
        turned = np.einsum("ars,rsp->arp", self._angle_slopes(values), tangents)
        psi = np.repeat(self._program.start[:, None], len(values), axis=1)
        moved = np.zeros((len(psi), len(values), tangents.shape[2]), dtype=complex)
        for k, constant in enumerate(self._constants):
            if constant is not None:
                psi = constant @ psi
                moved = (constant @ moved.reshape(len(psi), -1)).reshape(moved.shape)
            if k < len(self._phases):
                for table in self._phases[k].tables:
                    phases = _table(table, angles)
                    slopes = np.tensordot(table.spectra, turned[table.terms], 1)
                    slopes = slopes.reshape(*table.shape, *turned.shape[1:])
                    psi = _multiply(psi, [phases])
                    view = (*(2,) * self.n_qubits, *turned.shape[1:])
                    own = psi.reshape(*view[:-1], 1)
                    moved = moved.reshape(view) * phases[..., None] + 1j * slopes * own
                    moved = moved.reshape(len(psi), *turned.shape[1:])
        return psi, moved

    def _angle_slopes(self, values: np.ndarray) -> np.ndarray:
        """Return derivatives of the angles for the values, (n_angles, n_rows, n_symbols)."""
        n_angles = len(self._program.row_angles.expressions)
        found = np.empty((n_angles, *values.shape))
        for angle in range(n_angles):
            one = np.zeros((n_angles, len(values)))
            one[angle] = 1.0
            found[angle], _ = self._program.row_angles.pullback(values, NO_WEIGHTS, one)
        return found

    def backward(self, tape: Tape, lam: np.ndarray) -> np.ndarray:
        """Return the gradient for the values from ``dL/dpsi*``, shape (n_rows, n_symbols)."""
        by_angle = np.zeros((len(self._program.row_angles.expressions), len(tape.values)))
        for k in range(len(self._phases), 0, -1):
            constant = self._constants[k]
            if constant is not None:
                lam = constant.conj().T @ lam
            row_gradient(self._phases[k - 1], tape.after[k - 1], lam, by_angle)
            lam = _multiply(lam, [table.conj() for table in tape.tables[k - 1]])
        by_value, _ = self._program.row_angles.pullback(tape.values, NO_WEIGHTS, by_angle)
        return by_value


def _table(table: PhaseTable, angles: np.ndarray) -> np.ndarray:
    """Return a table of phases for all rows, in double precision."""
    exponents = table.spectra @ angles[table.terms]
    return np.exp(1j * exponents).reshape(*table.shape, -1)


def _multiply(psi: np.ndarray, tables: list[np.ndarray]) -> np.ndarray:
    """Return a state times tables of phases."""
    out = psi
    for table in tables:
        n_qubits = table.ndim - 1
        out = (out.reshape((2,) * n_qubits + (-1,)) * table).reshape(psi.shape)
    return out
