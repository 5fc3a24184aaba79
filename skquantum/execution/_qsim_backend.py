"""The exact simulator as a backend."""

from __future__ import annotations

import os
import re
from functools import lru_cache
from typing import Any

import cirq
import joblib
import numpy as np
import sympy

from skquantum.execution._base import Backend, Evaluator
from skquantum.execution._threads import one_blas_thread
from skquantum.execution.evaluator import AdjointEvaluator
from skquantum.execution.observables import PauliMatrix
from skquantum.execution.overlaps import cross_fidelities, gram_fidelities
from skquantum.execution.program import compile_program
from skquantum.execution.qsim import fewest_columns, run


def resolve_backend(backend: Backend | None) -> Backend:
    """Return the backend that a parameter stands for: None is ``QsimBackend()``."""
    if backend is None:
        return QsimBackend()
    if isinstance(backend, Backend):
        return backend
    raise TypeError(f"backend must be None or a Backend such as QsimBackend(), got {backend!r}.")


class QsimBackend(Backend):
    """Simulate whole batches exactly with qsim.

    A circuit is compiled once (and remembered) into segments: gates that are the same for all
    rows go through qsim with the batch as extra qubits, gates whose angle differs from row to
    row become elementwise phases. Any Cirq circuit made of `cirq.EigenGate` with sympy
    expressions, their controlled forms, diagonal gates and constant unitaries runs this way.

    Parameters
    ----------
    n_threads : int, default=None
        Threads for qsim. None means all cores the process may use, or what
        ``OMP_NUM_THREADS`` says (joblib's workers set it).
    max_memory : str or int, default="4GiB"
        Refuse to hold states that need more, as bytes or with a unit (kB, MB, GB, KiB, MiB,
        GiB).

    Notes
    -----
    qsim computes in single precision: amplitudes are good to about 1e-6.

    References
    ----------
    .. [1] Quantum AI team and collaborators, "qsim" (2020), https://doi.org/10.5281/zenodo.4023103

    Examples
    --------
    >>> import cirq, numpy as np, sympy
    >>> from skquantum.execution import QsimBackend
    >>> q, x = cirq.LineQubit(0), sympy.Symbol("x")
    >>> circuit = cirq.Circuit(cirq.rx(x)(q))
    >>> z = QsimBackend().expectations(circuit, [x], [[0.0], [np.pi]], [cirq.Z(q)])
    >>> z.round(6)
    array([[ 1.],
           [-1.]])
    """

    def __init__(self, n_threads: int | None = None, max_memory: str | int = "4GiB") -> None:
        self.n_threads = n_threads
        self.max_memory = max_memory

    def check_matrix(self, n_rows: int, n_columns: int) -> None:
        """Raise a ValueError if a matrix of float64 would exceed `max_memory`."""
        needed = 8 * n_rows * n_columns
        if needed > self._memory():
            raise ValueError(
                f"The matrix of {n_rows} by {n_columns} rows needs {_readable(needed)}, more than "
                f"max_memory={self.max_memory!r}. Use fewer rows, or raise max_memory of the "
                "backend."
            )

    def _states(
        self, circuit: cirq.FrozenCircuit, symbols: tuple[sympy.Symbol, ...], values: np.ndarray
    ) -> np.ndarray:
        return self._columns(circuit, symbols, values).T

    def _expectations(
        self,
        circuit: cirq.FrozenCircuit,
        symbols: tuple[sympy.Symbol, ...],
        values: np.ndarray,
        observables: list[cirq.PauliSum],
    ) -> np.ndarray:
        extra = PauliMatrix.n_bytes(observables, sorted(circuit.all_qubits()))
        self._check_memory(circuit, 0, extra)
        program = compile_program(circuit, symbols)
        matrix = PauliMatrix(observables, sorted(circuit.all_qubits()))
        out = np.empty((len(values), len(observables)))
        with one_blas_thread(len(values) * len(program.start)):
            for rows, psi in run(program, values, self._threads()):
                out[rows] = matrix.expectations(psi)
        return out

    def _overlaps(
        self,
        circuit: cirq.FrozenCircuit,
        symbols: tuple[sympy.Symbol, ...],
        X: np.ndarray,
        Y: np.ndarray | None,
    ) -> np.ndarray:
        n_columns = len(X) + (0 if Y is None else len(Y))
        self.check_matrix(len(X), len(X if Y is None else Y))
        per_state = 8 * 2 ** cirq.num_qubits(circuit)
        if n_columns * per_state <= self._memory():
            left = self._columns(circuit, symbols, X)
            if Y is None:
                return gram_fidelities(left)
            return cross_fidelities(left, self._columns(circuit, symbols, Y))
        return self._tiled_overlaps(circuit, symbols, X, Y, self._memory() // per_state // 2)

    def _adjoint(
        self,
        circuit: cirq.FrozenCircuit,
        data: tuple[sympy.Symbol, ...],
        weights: tuple[sympy.Symbol, ...],
        observables: list[cirq.PauliSum],
    ) -> Evaluator:
        # Backwards there are psi and lam and what is made of them: twice the columns.
        extra = PauliMatrix.n_bytes(observables, sorted(circuit.all_qubits()))
        extra += 32 * 2 ** cirq.num_qubits(circuit) * fewest_columns(cirq.num_qubits(circuit))
        self._check_memory(circuit, 0, extra)
        program = compile_program(circuit, data, weights)
        matrix = PauliMatrix(observables, sorted(circuit.all_qubits()))
        return AdjointEvaluator(program, matrix, self._threads())

    def _tiled_overlaps(
        self, circuit: Any, symbols: Any, X: np.ndarray, Y: np.ndarray | None, tile: int
    ) -> np.ndarray:
        """Compute the matrix by tiles, two blocks of states at a time."""
        self._check_memory(circuit, 2)
        right = X if Y is None else Y
        out = np.empty((len(X), len(right)))
        for i in range(0, len(X), tile):
            block = self._columns(circuit, symbols, X[i : i + tile])
            if Y is None:
                out[i : i + tile, i : i + tile] = gram_fidelities(block)
            for j in range(i + tile if Y is None else 0, len(right), tile):
                other = self._columns(circuit, symbols, right[j : j + tile])
                fidelities = cross_fidelities(block, other)
                out[i : i + tile, j : j + tile] = fidelities
                if Y is None:
                    out[j : j + tile, i : i + tile] = fidelities.T
        return out

    def _columns(self, circuit: Any, symbols: Any, values: np.ndarray) -> np.ndarray:
        self._check_memory(circuit, len(values))
        program = compile_program(circuit, symbols)
        out = np.empty((2**program.n_qubits, len(values)), dtype=np.complex64)
        for rows, psi in run(program, values, self._threads()):
            out[:, rows] = psi
        return out

    def _check_memory(self, circuit: cirq.FrozenCircuit, n_states: int, extra: int = 0) -> None:
        n_qubits = cirq.num_qubits(circuit)
        # Besides the states kept, a chunk and its temporaries.
        needed = 8 * 2**n_qubits * (n_states + 4 * fewest_columns(n_qubits)) + extra
        if needed > self._memory():
            raise ValueError(
                f"{n_states or 'The'} states of {n_qubits} qubits need {_readable(needed)}, more "
                f"than max_memory={self.max_memory!r}. Use fewer qubits (n_qubits of the "
                "encoding, or PCA before it) or fewer rows at a time, or raise max_memory of the "
                "backend."
            )

    def _memory(self) -> int:
        return parse_bytes(self.max_memory)

    def _threads(self) -> int:
        n = self.n_threads
        if n is None:
            limit = os.environ.get("OMP_NUM_THREADS", "")
            return min(_cores(), max(1, int(limit)) if limit.isdigit() else _cores())
        if isinstance(n, bool) or not isinstance(n, int | np.integer) or n < 1:
            raise ValueError(f"n_threads must be None or an int of at least 1, got {n!r}.")
        return int(n)


@lru_cache(maxsize=1)
def _cores() -> int:
    return joblib.cpu_count()  # it asks the operating system and takes its time


_UNITS = {"": 1, "B": 1, "KB": 1e3, "MB": 1e6, "GB": 1e9, "TB": 1e12} | {
    f"{prefix}IB": 2.0 ** (10 * (i + 1)) for i, prefix in enumerate("KMGT")
}


def parse_bytes(size: str | int) -> int:
    """Return a number of bytes from 1024, "512MB" or "4GiB"."""
    if isinstance(size, int | np.integer) and not isinstance(size, bool) and size > 0:
        return int(size)
    text = size.strip() if isinstance(size, str) else ""
    match = re.fullmatch(r"(\d+(?:\.\d*)?)\s*([A-Za-z]*)", text)
    if match is None or match[2].upper() not in _UNITS:
        raise ValueError(
            f"max_memory must be a positive number of bytes or a text such as '4GiB' or '500MB', "
            f"got {size!r}."
        )
    return int(float(match[1]) * _UNITS[match[2].upper()])


def _readable(n_bytes: float) -> str:
    for unit in ("B", "KiB", "MiB", "GiB"):
        if n_bytes < 1024:
            return f"{n_bytes:.3g} {unit}"
        n_bytes /= 1024
    return f"{n_bytes:.3g} TiB"
