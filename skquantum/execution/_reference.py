"""A slow and obvious backend, the oracle that every other backend is tested against."""

from __future__ import annotations

import cirq
import numpy as np
import sympy

from skquantum._symbols import resolve
from skquantum.execution._backend import Backend


class ReferenceBackend(Backend):
    """Simulate row by row with `cirq.Simulator` in double precision.

    It resolves the symbols and simulates the circuit once for each row, as a reader of Cirq's
    documentation would. Use it to check results, not to work.

    Examples
    --------
    >>> import cirq, sympy
    >>> from skquantum.execution import ReferenceBackend
    >>> q, x = cirq.LineQubit(0), sympy.Symbol("x")
    >>> circuit = cirq.Circuit(cirq.rx(x)(q))
    >>> ReferenceBackend().expectations(circuit, [x], [[0.0], [3.141592653589793]], [cirq.Z(q)])
    array([[ 1.],
           [-1.]])
    """

    def _states(
        self, circuit: cirq.FrozenCircuit, symbols: tuple[sympy.Symbol, ...], values: np.ndarray
    ) -> np.ndarray:
        simulator = cirq.Simulator(dtype=np.complex128)
        states = np.empty((len(values), 2 ** cirq.num_qubits(circuit)), dtype=complex)
        for state, row in zip(states, values, strict=True):
            resolved = resolve(circuit, dict(zip(symbols, row, strict=True)))
            state[:] = simulator.simulate(resolved).final_state_vector
        return states

    def _expectations(
        self,
        circuit: cirq.FrozenCircuit,
        symbols: tuple[sympy.Symbol, ...],
        values: np.ndarray,
        observables: list[cirq.PauliSum],
    ) -> np.ndarray:
        qubits = {q: i for i, q in enumerate(sorted(circuit.all_qubits()))}
        out = np.empty((len(values), len(observables)))
        for expectations, state in zip(out, self._states(circuit, symbols, values), strict=True):
            expectations[:] = [
                o.expectation_from_state_vector(state, qubits).real for o in observables
            ]
        return out
