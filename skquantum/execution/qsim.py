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
from collections.abc import Iterable, Iterator
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
from skquantum.execution.program import Fixed, Phases, PhaseTable, Program, compile_program

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
        angles = program.row_angles(values[rows])
        if n_rows < n_columns:
            angles = np.pad(angles, ((0, 0), (0, n_columns - n_rows)))
        yield rows, _run_chunk(program, angles, n_columns, n_threads)[:, :n_rows]


def _run_chunk(program: Program, angles: np.ndarray, n_columns: int, n_threads: int) -> np.ndarray:
    psi: np.ndarray = program.start.astype(np.complex64)[:, None]  # one column until they differ
    for segment in program.segments:
        if isinstance(segment, Phases):
            psi = multiply_tables(psi, [phase_table(t, angles) for t in segment.tables], n_columns)
        else:
            assert isinstance(segment, Fixed)  # without weights there is no other kind
            psi = apply_fixed(segment, psi, n_threads)
    return psi if psi.shape[1] == n_columns else np.repeat(psi, n_columns, axis=1)


def multiply_tables(psi: np.ndarray, tables: list[np.ndarray], n_columns: int) -> np.ndarray:
    """Multiply states by phases.

    Parameters
    ----------
    psi : ndarray of complex, shape (dim, n_columns) or (dim, 1)
        With several columns it may be overwritten; one column stands for equal columns.
    tables : list of ndarray, shape (2 or 1, ..., n_columns)
    n_columns : int

    Returns
    -------
    ndarray of shape (dim, n_columns)
    """
    n_qubits = tables[0].ndim - 1
    if psi.shape[1] == n_columns:
        out = psi.reshape((2,) * n_qubits + (n_columns,))
    else:
        tables = list(tables)
        if (psi == psi[0]).all():  # the uniform state of a layer of Hadamards
            tables[0] = tables[0] * psi[0, 0]
        else:
            tables.insert(0, psi.reshape((2,) * n_qubits + (1,)))
        out = np.empty((2,) * n_qubits + (n_columns,), dtype=psi.dtype)
        np.multiply(tables[0], tables[1] if len(tables) > 1 else psi.dtype.type(1), out=out)
        tables = tables[2:]
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
# not a documented interface: they are used below, in `_circuit` and `_simulate`, and
# nowhere else. `binding_works` checks them once; `QSimSimulator` serves if they ever change.


Gates = Iterable[tuple[int, np.ndarray, tuple[int, ...]]]  # (time, matrix, qubits), sorted


def apply_fixed(segment: Fixed, psi: np.ndarray, n_threads: int = 1) -> np.ndarray:
    """Apply constant gates to all columns.

    Parameters
    ----------
    segment : Fixed
    psi : ndarray of complex64, shape (2 ** n_qubits, n_columns) or (2, 2 ** n_qubits, n_columns)
        The number of columns is a power of two.
    n_threads : int, default=1

    Returns
    -------
    ndarray of the same shape
    """
    n_batch, n_qubits = (size.bit_length() - 1 for size in psi.shape[:-3:-1])
    if not binding_works():
        return _apply_by_simulator(segment.gates, psi)
    total = psi.size.bit_length() - 1
    return _simulate(_fixed_circuit(segment, n_qubits, n_batch, total), psi, n_threads)


def apply_local(matrices: np.ndarray, psi: np.ndarray, n_threads: int = 1) -> np.ndarray:
    """Apply one 2x2 matrix for each qubit, shape (n_qubits, 2, 2), to all columns."""
    n_batch, n_qubits = (size.bit_length() - 1 for size in psi.shape[:-3:-1])
    if not binding_works():
        return _apply_by_simulator([(m, (q,)) for q, m in enumerate(matrices)], psi)
    gates = ((0, matrix, (q,)) for q, matrix in enumerate(matrices))
    total = psi.size.bit_length() - 1
    return _simulate(_circuit(gates, n_qubits, n_batch, total), psi, n_threads)


def _simulate(circuit: Any, psi: np.ndarray, n_threads: int) -> np.ndarray:
    total = psi.size.bit_length() - 1
    options = {
        "c": circuit,
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
def _fixed_circuit(segment: Fixed, n_qubits: int, n_batch: int, total: int) -> Any:
    times = [0] * n_qubits
    gates = []
    for matrix, qubits in segment.gates:
        time = max(times[q] for q in qubits)
        for q in qubits:
            times[q] = time + 1
        gates.append((time, matrix, qubits))
    return _circuit(sorted(gates, key=lambda gate: gate[0]), n_qubits, n_batch, total)


def _circuit(gates: Gates, n_qubits: int, n_batch: int, total: int) -> Any:
    qsim = qsimcirq.qsim
    circuit = qsim.Circuit()
    circuit.num_qubits = total
    circuit.gates = []
    for time, matrix, qubits in gates:
        # qsim counts qubits from the least significant, Cirq from the most significant.
        where = [n_batch + n_qubits - 1 - q for q in qubits]
        flat = matrix.astype(np.complex64).ravel().view(np.float32)
        qsim.add_matrix_gate(time, where, flat.tolist(), circuit)
    return circuit


def _apply_by_simulator(
    gates: Iterable[tuple[np.ndarray, tuple[int, ...]]], psi: np.ndarray
) -> np.ndarray:
    total, skip = psi.size.bit_length() - 1, psi.ndim - 2
    line = cirq.LineQubit.range(total)
    circuit = cirq.Circuit(
        cirq.MatrixGate(matrix, unitary_check=False)(*(line[skip + q] for q in qubits))
        for matrix, qubits in gates
    )
    _, out, _ = qsimcirq.QSimSimulator().simulate_into_1d_array(
        circuit, qubit_order=line, initial_state=np.ascontiguousarray(psi).reshape(-1)
    )
    return out.reshape(psi.shape)


@lru_cache(maxsize=1024)
def inverse(segment: Fixed) -> Fixed:
    """Return the inverse of constant gates."""
    return Fixed(tuple((matrix.conj().T, qubits) for matrix, qubits in reversed(segment.gates)))


@lru_cache(maxsize=1024)
def monomial(segment: Fixed, n_qubits: int) -> tuple[np.ndarray, np.ndarray | None] | None:
    """Return constant gates that permute basis states, up to phases, as indices and phases.

    CX, CZ, SWAP, X and their like only move amplitudes, which costs less than multiplying
    matrices. The amplitudes become ``phases[:, None] * psi[source]``; phases that are all one
    are None, and the result is None if some gate mixes amplitudes.
    """
    source = np.arange(2**n_qubits).reshape((2,) * n_qubits)
    phases = np.ones((2,) * n_qubits, dtype=complex)
    for matrix, qubits in segment.gates:
        entries = np.abs(matrix) > 1e-12
        if not ((entries.sum(axis=0) == 1).all() and (entries.sum(axis=1) == 1).all()):
            return None
        column = entries.argmax(axis=1)
        shape, axes = (len(matrix), -1), range(len(qubits))
        moved = [np.moveaxis(a, qubits, axes) for a in (source, phases)]
        values = matrix[np.arange(len(matrix)), column][:, None]
        source, phases = (
            np.moveaxis(a.reshape(moved[0].shape), axes, qubits)
            for a in (
                moved[0].reshape(shape)[column],
                moved[1].reshape(shape)[column] * values,
            )
        )
    flat = phases.reshape(-1)
    ones = None if np.allclose(flat, 1, rtol=0, atol=1e-15) else flat[:, None].astype(np.complex64)
    return source.reshape(-1), ones


@lru_cache(maxsize=1)
def binding_works() -> bool:
    """Check qsim's binding once, on two gates with a known result."""
    fixed = Fixed(((np.diag([1, 1j]), (1,)), (np.eye(4)[[0, 1, 3, 2]], (0, 1))))
    psi = np.arange(1, 5, dtype=np.complex64)[:, None]
    try:
        circuit = _fixed_circuit(fixed, 2, 0, 2)
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
