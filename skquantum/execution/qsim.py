"""The batched simulator, and the only file that touches qsim's binding.

The batch axis is extra qubits: ``B = 2**b`` states of n qubits, stored as an array of shape
``(2**n, B)``, are one state vector of n+b qubits for qsim, and a gate on the n high qubits acts
on all columns at once. The batch is the *last* axis (qsim's low qubits): gates then never
shuffle within a vector register, and phases that depend on few qubits broadcast over
contiguous rows.
"""

from __future__ import annotations

import os
import re
import warnings
from collections.abc import Iterator
from functools import lru_cache
from typing import Any

import cirq
import joblib
import numpy as np
import qsimcirq
import sympy

from skquantum.execution._base import Backend
from skquantum.execution.observables import PauliMatrix
from skquantum.execution.overlaps import cross_fidelities, gram_fidelities
from skquantum.execution.program import Phases, PhaseTable, Program, Shared, compile_program

CHUNK_AMPLITUDES = 2**17  # what stays in a core's second-level cache, with its temporaries
MIN_COLUMNS = 16  # below it, qsim's vector code takes another path, with other rounding


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
        self._check_memory(circuit, 0)
        program = compile_program(circuit, symbols)
        matrix = PauliMatrix(observables, sorted(circuit.all_qubits()))
        out = np.empty((len(values), len(observables)))
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
        result = 8 * len(X) * len(X if Y is None else Y)
        if result > self._memory():
            raise ValueError(
                f"The matrix of {len(X)} by {len(X if Y is None else Y)} overlaps needs "
                f"{_readable(result)}, more than max_memory={self.max_memory!r}. Use fewer rows, "
                "or raise max_memory of the backend."
            )
        per_state = 8 * 2 ** cirq.num_qubits(circuit)
        if n_columns * per_state <= self._memory():
            left = self._columns(circuit, symbols, X)
            if Y is None:
                return gram_fidelities(left)
            return cross_fidelities(left, self._columns(circuit, symbols, Y))
        return self._tiled_overlaps(circuit, symbols, X, Y, self._memory() // per_state // 2)

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

    def _check_memory(self, circuit: cirq.FrozenCircuit, n_states: int) -> None:
        n_qubits = cirq.num_qubits(circuit)
        # Besides the states kept, a chunk of a few columns and its temporaries.
        needed = 8 * 2**n_qubits * (n_states + 4)
        if needed > self._memory():
            raise ValueError(
                f"{n_states} states of {n_qubits} qubits need {_readable(needed)}, more than "
                f"max_memory={self.max_memory!r}. Use fewer qubits (n_qubits of the encoding, or "
                "PCA before it) or fewer rows at a time, or raise max_memory of the backend."
            )

    def _memory(self) -> int:
        return parse_bytes(self.max_memory)

    def _threads(self) -> int:
        n = self.n_threads
        if n is None:
            limit = os.environ.get("OMP_NUM_THREADS", "")
            return min(joblib.cpu_count(), int(limit) if limit.isdigit() else 2**10) or 1
        if isinstance(n, bool) or not isinstance(n, int | np.integer) or n < 1:
            raise ValueError(f"n_threads must be None or an int of at least 1, got {n!r}.")
        return int(n)


_UNITS = {"": 1, "B": 1, "KB": 1e3, "MB": 1e6, "GB": 1e9, "TB": 1e12} | {
    f"{prefix}IB": 2.0 ** (10 * (i + 1)) for i, prefix in enumerate("KMGT")
}


def parse_bytes(size: str | int) -> int:
    """Return a number of bytes from 1024, "512MB" or "4GiB"."""
    if isinstance(size, int | np.integer) and not isinstance(size, bool) and size > 0:
        return int(size)
    text = size.strip() if isinstance(size, str) else ""
    match = re.fullmatch(r"([\d.]+)\s*([A-Za-z]*)", text)
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


def run(
    program: Program, values: np.ndarray, n_threads: int = 1
) -> Iterator[tuple[slice, np.ndarray]]:
    """Run a program in chunks that stay in cache.

    Parameters
    ----------
    program : Program
    values : ndarray of shape (n_samples, n_symbols)
    n_threads : int, default=1

    Yields
    ------
    rows : slice
        The rows of `values` that the chunk holds.
    psi : ndarray of complex64, shape (2 ** n_qubits, n_rows)
        Their states, one column each.
    """
    dim = 2**program.n_qubits
    # The floor of 16 columns gives way where it alone would fill the memory.
    fewest = MIN_COLUMNS if dim <= 2**20 else 1
    most = max(fewest, CHUNK_AMPLITUDES // dim)
    for begin in range(0, len(values), most):
        rows = slice(begin, min(begin + most, len(values)))
        n_rows = rows.stop - rows.start
        n_columns = max(fewest, 1 << (n_rows - 1).bit_length())
        angles = program.angles(values[rows])
        if n_rows < n_columns:
            angles = np.pad(angles, ((0, 0), (0, n_columns - n_rows)))
        yield rows, _run_chunk(program, angles, n_columns, n_threads)[:, :n_rows]


def _run_chunk(program: Program, angles: np.ndarray, n_columns: int, n_threads: int) -> np.ndarray:
    psi: np.ndarray = program.start.astype(np.complex64)[:, None]  # one column until they differ
    for segment in program.segments:
        if isinstance(segment, Phases):
            psi = _apply_phases(segment, psi, angles)
        else:
            psi = apply_shared(segment, psi, n_threads)
    return psi if psi.shape[1] == n_columns else np.repeat(psi, n_columns, axis=1)


def _apply_phases(segment: Phases, psi: np.ndarray, angles: np.ndarray) -> np.ndarray:
    n_columns = angles.shape[1]
    tables = [phase_table(table, angles) for table in segment.tables]
    if psi.shape[1] == 1 and n_columns > 1:
        if (psi == psi[0]).all():  # the uniform state of a layer of Hadamards
            tables[0] *= psi[0, 0]
        else:
            tables.insert(0, psi.reshape((2,) * (tables[0].ndim - 1) + (1,)))
        shape = np.broadcast_shapes(*(t.shape for t in tables), (2,) * (tables[0].ndim - 1) + (1,))
        out = np.empty(shape, dtype=np.complex64)
        np.multiply(tables[0], tables[1] if len(tables) > 1 else np.complex64(1), out=out)
        tables = tables[2:]
    else:
        out = psi.reshape((2,) * (tables[0].ndim - 1) + (n_columns,))
    for table in tables:
        np.multiply(out, table, out=out)
    return out.reshape(-1, n_columns)


def phase_table(table: PhaseTable, angles: np.ndarray) -> np.ndarray:
    """Return the phases of a table for every column, shape ``table.shape + (n_columns,)``."""
    # Exponents in double precision and reduced to one turn: only then is single precision
    # enough for sine and cosine, whatever the scale of the data.
    exponents = table.spectra @ angles[table.terms]
    turns = exponents * (0.5 / np.pi)
    exponents -= 2 * np.pi * np.rint(turns, out=turns)
    reduced = exponents.astype(np.float32)
    phases = np.empty(reduced.shape, dtype=np.complex64)
    np.cos(reduced, out=phases.real)
    np.sin(reduced, out=phases.imag)
    return phases.reshape(table.shape + (angles.shape[1],))


# ------------------------------------------------------------------ qsim's binding
#
# `qsimcirq.qsim` is the compiled module for this machine's instruction set. Its functions are
# not a documented interface: they are used below, in `_qsim_circuit` and `apply_shared`, and
# nowhere else. `binding_works` checks them once; `QSimSimulator` serves if they ever change.


def apply_shared(segment: Shared, psi: np.ndarray, n_threads: int = 1) -> np.ndarray:
    """Apply fixed gates to all columns, shape (2 ** n_qubits, n_columns) in and out."""
    n_batch = psi.shape[1].bit_length() - 1
    n_qubits = psi.shape[0].bit_length() - 1
    if not binding_works():
        return _apply_by_simulator(segment, psi, n_qubits, n_batch)
    total = n_qubits + n_batch
    options = {
        "c": _qsim_circuit(segment, n_qubits, n_batch),
        "s": 0,
        # Fusing to three or more qubits pays only where memory, not arithmetic, is the limit.
        **qsimcirq.QSimOptions(
            max_fused_gate_size=2 if total < 20 else 3,
            cpu_threads=n_threads if total > 14 else 1,
        ).as_dict(),
    }
    flat = np.ascontiguousarray(psi).reshape(-1).view(np.float32)
    out = qsimcirq.qsim.qsim_simulate_fullstate(options, flat)
    return out.view(np.complex64).reshape(psi.shape)


@lru_cache(maxsize=1024)
def _qsim_circuit(segment: Shared, n_qubits: int, n_batch: int) -> Any:
    qsim = qsimcirq.qsim
    circuit = qsim.Circuit()
    circuit.num_qubits = n_qubits + n_batch
    circuit.gates = []
    times = [0] * n_qubits
    gates = []
    for matrix, qubits in segment.gates:
        time = max(times[q] for q in qubits)
        for q in qubits:
            times[q] = time + 1
        gates.append((time, matrix, qubits))
    for time, matrix, qubits in sorted(gates, key=lambda gate: gate[0]):  # qsim wants it sorted
        # qsim counts qubits from the least significant, Cirq from the most significant.
        where = [n_batch + n_qubits - 1 - q for q in qubits]
        flat = matrix.astype(np.complex64).ravel().view(np.float32)
        qsim.add_matrix_gate(time, where, flat.tolist(), circuit)
    return circuit


def _apply_by_simulator(
    segment: Shared, psi: np.ndarray, n_qubits: int, n_batch: int
) -> np.ndarray:
    line = cirq.LineQubit.range(n_qubits + n_batch)
    circuit = cirq.Circuit(
        cirq.MatrixGate(matrix, unitary_check=False)(*(line[q] for q in qubits))
        for matrix, qubits in segment.gates
    )
    _, out, _ = qsimcirq.QSimSimulator().simulate_into_1d_array(
        circuit, qubit_order=line, initial_state=np.ascontiguousarray(psi).reshape(-1)
    )
    return out.reshape(psi.shape)


@lru_cache(maxsize=1)
def binding_works() -> bool:
    """Check qsim's binding once, on two gates with a known result."""
    shared = Shared(((np.diag([1, 1j]), (1,)), (np.eye(4)[[0, 1, 3, 2]], (0, 1))))
    psi = np.arange(1, 5, dtype=np.complex64)[:, None]
    try:
        circuit = _qsim_circuit(shared, 2, 0)
        options = {"c": circuit, "s": 0, **qsimcirq.QSimOptions().as_dict()}
        out = qsimcirq.qsim.qsim_simulate_fullstate(options, psi.reshape(-1).view(np.float32))
        works = np.allclose(out.view(np.complex64), [1, 2j, 4j, 3])
    except (AttributeError, TypeError, RuntimeError):
        works = False
    if not works:
        warnings.warn(
            f"qsimcirq {qsimcirq.__version__} has another binding than the one skquantum was "
            "written for; simulation goes through QSimSimulator, correct but slower.",
            RuntimeWarning,
            stacklevel=2,
        )
    return works
