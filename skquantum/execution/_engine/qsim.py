"""The batched simulator, and the only file that touches qsim's binding.

The batch axis is extra qubits: ``B = 2**b`` states of n qubits, stored as an array of shape
``(2**n, B)``, are one state vector of n+b qubits for qsim, and a gate on the n high qubits acts
on all columns at once. The batch is the *last* axis (qsim's low qubits): gates then never
shuffle within a vector register, and phases that depend on few qubits broadcast over
contiguous rows.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from typing import Any

import cirq
import numpy as np
import qsimcirq

from skquantum.execution._compiler.program import Fixed, Phases, PhaseTable, Program
from skquantum.execution._engine.derived import derived

CHUNK_AMPLITUDES = 2**18  # what stays in a core's second-level cache, with its temporaries
ANGLE_ROWS = 2**16
MIN_COLUMNS = 16  # below it, qsim's vector code takes another path, with other rounding


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
    # Angles are worth computing for many chunks at a time, but not for millions of rows.
    for begin in range(0, len(values), ANGLE_ROWS):
        angles = program.row_angles(values[begin : begin + ANGLE_ROWS])
        for rows, n_columns in chunks(angles.shape[1], 2**program.n_qubits, CHUNK_AMPLITUDES):
            psi = _run_chunk(program, padded(angles[:, rows], n_columns), n_columns, n_threads)
            yield slice(begin + rows.start, begin + rows.stop), psi[:, : rows.stop - rows.start]


def chunks(n_rows: int, dim: int, amplitudes: int) -> Iterator[tuple[slice, int]]:
    """Split rows into chunks of about so many amplitudes.

    Yields
    ------
    rows : slice
    n_columns : int
        The power of two that the chunk is padded to.
    """
    fewest = fewest_columns(dim.bit_length() - 1)
    most = max(fewest, amplitudes // dim)
    for begin in range(0, n_rows, most):
        stop = min(begin + most, n_rows)
        yield slice(begin, stop), max(fewest, 1 << (stop - begin - 1).bit_length())


def fewest_columns(n_qubits: int) -> int:
    """Return the fewest columns of a chunk."""
    # The floor of 16 columns gives way where it alone would fill the memory.
    return MIN_COLUMNS if n_qubits <= 20 else 1


def padded(angles: np.ndarray, n_columns: int) -> np.ndarray:
    """Fill angles of shape (n_angles, n_rows) up with zeros to so many columns."""
    if angles.shape[1] == n_columns:
        return angles
    out = np.zeros((len(angles), n_columns), dtype=angles.dtype)
    out[:, : angles.shape[1]] = angles
    return out


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


# (time, matrix, qubits), sorted; of a matrix real and imaginary parts in turn, row by row
GateList = Iterable[tuple[int, list[float], tuple[int, ...]]]


def apply_fixed(segment: Fixed, psi: np.ndarray, n_threads: int = 1) -> np.ndarray:
    """Apply constant gates to all columns.

    Parameters
    ----------
    segment : Fixed
    psi : ndarray of complex64, shape (2 ** n_qubits, n_columns)
        The number of columns is a power of two.
    n_threads : int, default=1

    Returns
    -------
    ndarray of the same shape
    """
    n_qubits, n_batch = (size.bit_length() - 1 for size in psi.shape)
    if not binding_works():
        return _apply_by_simulator(segment.gates, psi)
    total = psi.size.bit_length() - 1
    return _simulate(_fixed_circuit(segment, n_qubits, n_batch, total), psi, n_threads)


def apply_matrices(
    matrices: np.ndarray, where: Sequence[tuple[int, ...]], psi: np.ndarray, n_threads: int = 1
) -> np.ndarray:
    """Apply matrices on disjoint qubits to all columns, as `apply_fixed` does.

    Parameters
    ----------
    matrices : ndarray of complex, shape (n_gates, 2, 2) or (n_gates, 4, 4)
    where : sequence of tuple of int
        The qubits of each.
    psi : ndarray of complex64, shape (2 ** n_qubits, n_columns)
    n_threads : int, default=1

    Returns
    -------
    ndarray of the shape of `psi`
    """
    n_qubits, n_batch = (size.bit_length() - 1 for size in psi.shape)
    if not binding_works():
        return _apply_by_simulator(list(zip(matrices, where, strict=True)), psi)
    flat = np.ascontiguousarray(matrices, dtype=np.complex64).reshape(len(matrices), -1)
    gates = ((0, m, q) for m, q in zip(flat.view(np.float32).tolist(), where, strict=True))
    total = psi.size.bit_length() - 1
    return _simulate(_circuit(gates, n_qubits, n_batch, total), psi, n_threads)


def _simulate(circuit: Any, psi: np.ndarray, n_threads: int) -> np.ndarray:
    total = psi.size.bit_length() - 1
    options = {"c": circuit, "s": 0, **_options(total, n_threads)}
    flat = np.ascontiguousarray(psi).reshape(-1).view(np.float32)
    out = qsimcirq.qsim.qsim_simulate_fullstate(options, flat)
    return out.view(np.complex64).reshape(psi.shape)


@lru_cache(maxsize=64)
def _options(total: int, n_threads: int) -> dict[str, Any]:
    options: dict[str, Any] = qsimcirq.QSimOptions(
        # Fusing to three or more qubits pays only where memory, not arithmetic, is the limit.
        max_fused_gate_size=2 if total < 22 else 3,
        # qsim's idle threads keep their cores busy for a while, which slows the products that
        # follow by more than they gain on small states.
        cpu_threads=n_threads if total >= 20 else 1,
    ).as_dict()
    return options


@derived
def _fixed_circuit(segment: Fixed, n_qubits: int, n_batch: int, total: int) -> Any:
    times = [0] * n_qubits
    gates = []
    for matrix, qubits in segment.gates:
        time = max(times[q] for q in qubits)
        for q in qubits:
            times[q] = time + 1
        gates.append((time, matrix.astype(np.complex64).ravel().view(np.float32).tolist(), qubits))
    return _circuit(sorted(gates, key=lambda gate: gate[0]), n_qubits, n_batch, total)


def _circuit(gates: GateList, n_qubits: int, n_batch: int, total: int) -> Any:
    qsim = qsimcirq.qsim
    circuit = qsim.Circuit()
    circuit.num_qubits = total
    circuit.gates = []
    last = n_batch + n_qubits - 1
    for time, matrix, qubits in gates:
        # qsim counts qubits from the least significant, Cirq from the most significant.
        qsim.add_matrix_gate(time, [last - q for q in qubits], matrix, circuit)
    return circuit


def _apply_by_simulator(
    gates: Iterable[tuple[np.ndarray, tuple[int, ...]]], psi: np.ndarray
) -> np.ndarray:
    total = psi.size.bit_length() - 1
    line = cirq.LineQubit.range(total)
    circuit = cirq.Circuit(
        cirq.MatrixGate(matrix, unitary_check=False)(*(line[q] for q in qubits))
        for matrix, qubits in gates
    )
    _, out, _ = qsimcirq.QSimSimulator().simulate_into_1d_array(
        circuit, qubit_order=line, initial_state=np.ascontiguousarray(psi).reshape(-1)
    )
    return out.reshape(psi.shape)


@derived
def inverse(segment: Fixed) -> Fixed:
    """Return the adjoint of constant gates: their inverse, if they are unitary."""
    return Fixed(tuple((matrix.conj().T, qubits) for matrix, qubits in reversed(segment.gates)))


@derived
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


# ------------------------------------------------------------------ trajectories


def trajectory_means(
    circuit: cirq.Circuit,
    observables: list[cirq.PauliSum],
    qubits: Sequence[cirq.Qid],
    n_batches: int,
    n_trajectories: int,
    seed: int,
    n_threads: int = 1,
) -> np.ndarray:
    """Return expectation values of a noisy circuit, means over batches of trajectories.

    Parameters
    ----------
    circuit : cirq.Circuit
        Without symbols, with its channels.
    observables : list of cirq.PauliSum
    qubits : sequence of cirq.Qid
    n_batches, n_trajectories : int
        Number of batches, and of trajectories in each of them.
    seed : int
    n_threads : int, default=1

    Returns
    -------
    ndarray of float64, shape (n_batches, n_observables)
    """
    options = qsimcirq.QSimOptions(cpu_threads=n_threads, ev_noisy_repetitions=n_trajectories)
    simulator = qsimcirq.QSimSimulator(options, seed=seed)
    batches = simulator.simulate_expectation_values_sweep(
        circuit, list(observables), [cirq.ParamResolver()] * n_batches, qubit_order=qubits
    )
    return np.array(batches).real


def trajectory_bits(
    circuit: cirq.Circuit, qubits: Sequence[cirq.Qid], repetitions: int, seed: int
) -> np.ndarray:
    """Return the bits of all qubits, measured at the end of so many runs of a noisy circuit.

    Returns
    -------
    ndarray of int, shape (repetitions, n_qubits)
    """
    measured = circuit + cirq.Moment(cirq.measure(*qubits, key="bits"))
    result = qsimcirq.QSimSimulator(seed=seed).run(measured, repetitions=repetitions)
    return result.measurements["bits"]
