"""The exact simulator as a backend."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Sequence
from functools import lru_cache
from numbers import Integral, Real
from typing import Any, ClassVar

import cirq
import joblib
import numpy as np
import sympy
from sklearn.utils._param_validation import Interval, StrOptions

from skquantum._records import Facts
from skquantum._validation import class_hint, shown
from skquantum.execution._backend import Backend
from skquantum.execution._compiler.compile import compile_program
from skquantum.execution._dense_backend import dense_jvp
from skquantum.execution._engine.evaluator import AdjointEvaluator
from skquantum.execution._engine.observables import PauliMatrix, check_observables
from skquantum.execution._engine.overlaps import cross_fidelities, gram_fidelities, n_bytes
from skquantum.execution._engine.qsim import fewest_columns, run
from skquantum.execution._engine.threads import one_blas_thread
from skquantum.execution._evaluation import Evaluator
from skquantum.execution._noise.resolve import advice, resolve_noise
from skquantum.execution._noise.run import NoisyRunner

METHODS = ("auto", "density", "trajectories")
SELF_ROWS = 16  # of which all pairs are computed for the sake of the diagonal


def resolve_backend(backend: Backend | None) -> Backend:
    """Return the backend that a parameter stands for: None is ``QsimBackend()``."""
    if backend is None:
        return QsimBackend()
    if isinstance(backend, Backend):
        return backend
    raise TypeError(
        "backend must be None or a Backend such as QsimBackend(), got "
        f"{shown(backend)}.{class_hint(backend, Backend)}"
    )


class QsimBackend(Backend):
    """Simulate whole batches with qsim: exactly, with noise, or with a finite number of shots.

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
    noise : None, float, str or cirq.NoiseModel, default=None
        A number is the strength of a depolarizing channel on every qubit after every moment.
        A model of Cirq's adds what it adds to the circuit as it is, moment by moment; what it
        puts before a measurement is the error of reading out. The name of a Google device, for
        instance "willow_pink", stands for its calibrated noise: the circuit is compiled to its
        gates and placed on its qubits (this needs cirq-google: in a
        clone, ``pip install '.[google]'``).
    shots : int, default=None
        How often each circuit is measured, for each setting of the observables; None means
        exact expectation values.
    method : {"auto", "density", "trajectories"}, default="auto"
        How noise is simulated: exactly, by density matrices [2]_, or by the mean of random
        trajectories [3]_. "auto" takes density matrices up to 10 qubits, if `max_memory` allows.
        Without noise it does not matter.
    n_trajectories : int, default=500
        Number of trajectories, at least 2 (rounded up to a multiple of 20 from there on).
    seed : int, default=None
        Where shots and trajectories come from. With an int they depend on the circuit, what is
        measured and the values of a row, and on nothing else: a call is reproducible, and a row
        has the same result in any company. None draws anew in each call.

    Notes
    -----
    qsim computes in single precision: amplitudes are good to about 1e-6.

    With noise the fidelity of two rows becomes what a device would measure, the probability of
    reading only zeros after the circuit of one row and the inverse of the other's, as the mean
    over both orders of the two. It is less than one for a row with itself, too.

    Rotations into the basis of a measurement are free of noise; reading out is not.

    References
    ----------
    .. [1] Quantum AI team and collaborators, "qsim" (2020), https://doi.org/10.5281/zenodo.4023103
    .. [2] C. J. Wood, J. D. Biamonte and D. G. Cory, "Tensor networks and graphical calculus for
       open quantum systems", Quantum Information and Computation 15, 759 (2015),
       https://arxiv.org/abs/1111.6950
    .. [3] S. V. Isakov et al., "Simulations of quantum circuits with approximate noise using
       qsim and Cirq" (2021), https://arxiv.org/abs/2111.02396

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
    >>> noisy = QsimBackend(noise=0.03)
    >>> noisy.expectations(circuit, [x], [[0.0], [np.pi]], [cirq.Z(q)]).round(6)
    array([[ 0.96],
           [-0.96]])
    """

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        "n_threads": [Interval(Integral, 1, None, closed="left"), None],
        "max_memory": [str, Interval(Integral, 1, None, closed="left")],
        "noise": [Real, str, cirq.NoiseModel, None],
        "shots": [Interval(Integral, 1, None, closed="left"), None],
        "method": [StrOptions(set(METHODS))],
        "n_trajectories": [Interval(Integral, 2, None, closed="left")],
        "seed": [Interval(Integral, 0, None, closed="left"), None],
    }

    def __init__(
        self,
        n_threads: int | None = None,
        max_memory: str | int = "4GiB",
        noise: float | str | cirq.NoiseModel | None = None,
        shots: int | None = None,
        method: str = "auto",
        n_trajectories: int = 500,
        seed: int | None = None,
    ) -> None:
        self.n_threads = n_threads
        self.max_memory = max_memory
        self.noise = noise
        self.shots = shots
        self.method = method
        self.n_trajectories = n_trajectories
        self.seed = seed

    @property
    def default_gradient(self) -> str:
        """What ``gradient="auto"`` stands for: "adjoint" where results are exact."""
        by_chance = self.shots is not None or (
            self.noise is not None and self.method == "trajectories"
        )
        return "parameter-shift" if by_chance else "adjoint"

    @property
    def shots_per_circuit(self) -> int:
        """How often each circuit is measured, 0 if results are exact."""
        return self.shots or 0

    @property
    def runs_marks(self) -> bool:
        """Whether circuits may come with marks: if they are compiled for a named device."""
        return isinstance(self.noise, str)

    def expectations_with_error(
        self,
        circuit: cirq.AbstractCircuit,
        symbols: Sequence[sympy.Symbol],
        values: np.ndarray,
        observables: Sequence[cirq.PauliSum | cirq.PauliString],
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return expectation values and their standard errors.

        Parameters
        ----------
        circuit, symbols, values, observables
            As in `expectations`.

        Returns
        -------
        means, errors : ndarray of float64, shape (n_samples, n_observables)
            The means are those of `expectations`. The errors are estimated from the shots or
            the trajectories, and zero where results are exact.
        """
        frozen, order, array = self._checked(circuit, symbols, values)
        sums = check_observables(observables, sorted(frozen.all_qubits()))
        noisy = self._noisy()
        if noisy is not None:
            return noisy.estimate(frozen, order, array, sums)
        means = self._expectations(frozen, order, array, sums)
        return means, np.zeros_like(means)

    def density_matrices(
        self,
        circuit: cirq.AbstractCircuit,
        symbols: Sequence[sympy.Symbol],
        values: np.ndarray,
    ) -> np.ndarray:
        """Return the density matrix for each row of symbol values.

        The error of reading out is not part of it.

        Parameters
        ----------
        circuit, symbols, values
            As in `states`.

        Returns
        -------
        ndarray of complex64, shape (n_samples, 2 ** n_qubits, 2 ** n_qubits)
            Density matrices.

        Raises
        ------
        ValueError
            As from `states`, or if noise is simulated by trajectories.
        """
        frozen, order, array = self._checked(circuit, symbols, values)
        noisy = self._noisy()
        if noisy is None or noisy.noise is None:
            states = self._columns(frozen, order, array).T
            return states[:, :, None] * states[:, None, :].conj()
        if noisy.uses_trajectories(cirq.num_qubits(frozen)):
            raise ValueError(
                f"Trajectories of {cirq.num_qubits(frozen)} qubits have no density matrix. Use "
                "method='density', if it fits into max_memory, or expectations()."
            )
        return noisy.density_matrices(frozen, order, array)

    def check_matrix(self, n_rows: int, n_columns: int) -> None:
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
        if self._noisy() is not None:
            raise ValueError(
                f"There are no state vectors with noise={shown(self.noise)} and "
                f"shots={self.shots!r}. Use expectations(), overlaps(), density_matrices(), or "
                "QsimBackend() for states."
            )
        return self._columns(circuit, symbols, values).T

    def _expectations(
        self,
        circuit: cirq.FrozenCircuit,
        symbols: tuple[sympy.Symbol, ...],
        values: np.ndarray,
        observables: list[cirq.PauliSum],
    ) -> np.ndarray:
        noisy = self._noisy()
        if noisy is not None:
            return noisy.estimate(circuit, symbols, values, observables)[0]
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
        self.check_matrix(len(X), len(X if Y is None else Y))
        noisy = self._noisy()
        if noisy is not None:
            return noisy.overlaps(circuit, symbols, X, Y)
        return self._fidelities(circuit, symbols, X, Y)

    def _fidelities(
        self, circuit: Any, symbols: Any, X: np.ndarray, Y: np.ndarray | None
    ) -> np.ndarray:
        """Return overlaps without noise and shots."""
        dim = 2 ** cirq.num_qubits(circuit)
        if n_bytes(len(X), None if Y is None else len(Y), dim) > self._memory():
            return self._tiled_overlaps(circuit, symbols, X, Y)
        left = self._run_columns(circuit, symbols, X)
        if Y is None:
            return gram_fidelities(left)
        return cross_fidelities(left, self._run_columns(circuit, symbols, Y))

    def _overlaps_with(
        self, circuit: cirq.FrozenCircuit, symbols: tuple[sympy.Symbol, ...], Y: np.ndarray
    ) -> Callable[[np.ndarray], np.ndarray]:
        # What is kept lives as long as its model: never more than half of the memory.
        too_many = 2 * len(Y) * 8 * 2 ** cirq.num_qubits(circuit) > self._memory()
        if self._noisy() is not None or too_many or not self._compares_states():
            return super()._overlaps_with(circuit, symbols, Y)
        kept = self._columns(circuit, symbols, Y)
        program = compile_program(circuit, symbols)

        def overlaps(X: np.ndarray) -> np.ndarray:
            self._check_memory(circuit, len(Y), 8 * len(X) * len(Y))
            out = np.empty((len(X), len(Y)))
            for rows, psi in run(program, X, self._threads()):
                cross_fidelities(psi, kept, out[rows])
            return out

        return overlaps

    @property
    def run_facts(self) -> Facts | None:
        """What records say of this backend, see `Backend`: its shots are the repetitions."""
        return Facts(type(self).__name__, repetitions=self.shots)

    def _compares_states(self) -> bool:
        """Whether overlaps are those of this class: a subclass may have its own."""
        return type(self)._overlaps is QsimBackend._overlaps

    def _self_overlaps(
        self, circuit: cirq.FrozenCircuit, symbols: tuple[sympy.Symbol, ...], X: np.ndarray
    ) -> np.ndarray:
        if not self._compares_states():
            return super()._self_overlaps(circuit, symbols, X)
        if self._noisy() is None:
            return np.ones(len(X))
        blocks = [X[i : i + SELF_ROWS] for i in range(0, len(X), SELF_ROWS)]
        found = [np.diag(self._overlaps(circuit, symbols, rows, None)) for rows in blocks]
        return np.concatenate(found) if found else np.empty(0)

    def _gradient_for(self, circuit: cirq.FrozenCircuit) -> str:
        noisy = self._noisy()
        by_chance = noisy is not None and noisy.is_random(cirq.num_qubits(circuit))
        return "parameter-shift" if by_chance else self.default_gradient

    def _states_jvp(
        self,
        circuit: cirq.FrozenCircuit,
        symbols: tuple[sympy.Symbol, ...],
        values: np.ndarray,
        tangents: np.ndarray,
    ) -> tuple[np.ndarray, np.ndarray]:
        if self._noisy() is not None:
            return super()._states_jvp(circuit, symbols, values, tangents)
        return dense_jvp(circuit, symbols, values, tangents)

    def _adjoint(
        self,
        circuit: cirq.FrozenCircuit,
        data: tuple[sympy.Symbol, ...],
        weights: tuple[sympy.Symbol, ...],
        observables: list[cirq.PauliSum],
    ) -> Evaluator:
        noisy = self._noisy()
        if noisy is not None:
            if noisy.is_random(cirq.num_qubits(circuit)):
                raise ValueError(
                    "gradient='adjoint' needs exact results, without shots or trajectories (which "
                    "method='auto' takes for wide circuits). Use gradient='parameter-shift', "
                    "which measures gradients, or fewer qubits."
                )
            return noisy.adjoint(circuit, data, weights, observables)
        # Backwards there are psi and lam and what is made of them: twice the columns.
        extra = PauliMatrix.n_bytes(observables, sorted(circuit.all_qubits()))
        extra += 32 * 2 ** cirq.num_qubits(circuit) * fewest_columns(cirq.num_qubits(circuit))
        self._check_memory(circuit, 0, extra)
        program = compile_program(circuit, data, weights)
        matrix = PauliMatrix(observables, sorted(circuit.all_qubits()))
        return AdjointEvaluator(program, matrix, self._threads())

    def _state_evaluator(
        self,
        circuit: cirq.FrozenCircuit,
        weights: tuple[sympy.Symbol, ...],
        observables: list[cirq.PauliSum],
        prepare: Callable[[np.ndarray], np.ndarray],
    ) -> Evaluator | None:
        if self._noisy() is not None:
            return None  # preparing the states makes noise, too
        qubits = sorted(circuit.all_qubits())
        self._check_memory(circuit, 0, PauliMatrix.n_bytes(observables, qubits))
        program = compile_program(circuit, (), weights, from_zero=False)
        matrix = PauliMatrix(observables, qubits)
        return AdjointEvaluator(program, matrix, self._threads(), prepare)

    def _tiled_overlaps(
        self, circuit: Any, symbols: Any, X: np.ndarray, Y: np.ndarray | None
    ) -> np.ndarray:
        """Compute the matrix by tiles, two blocks of states at a time, down to two states."""
        right = X if Y is None else Y
        n_qubits, matrix = cirq.num_qubits(circuit), 8 * len(X) * len(right)
        two_states = 2 * 8 * 2**n_qubits
        tile = (self._memory() - matrix) // two_states
        if tile < 1:
            raise ValueError(
                f"The matrix of {len(X)} by {len(right)} rows, and two states of {n_qubits} "
                f"qubits to compute it from, need {_readable(matrix + two_states)}, more than "
                f"max_memory={self.max_memory!r}. Use fewer rows or qubits, or raise max_memory "
                "of the backend."
            )
        out = np.empty((len(X), len(right)))
        for i in range(0, len(X), tile):
            block = self._run_columns(circuit, symbols, X[i : i + tile])
            if Y is None:
                gram_fidelities(block, out[i : i + tile, i : i + tile])
            for j in range(i + tile if Y is None else 0, len(right), tile):
                other = self._run_columns(circuit, symbols, right[j : j + tile])
                part = cross_fidelities(block, other, out[i : i + tile, j : j + tile])
                if Y is None:
                    out[j : j + tile, i : i + tile] = part.T
        return out

    def _columns(self, circuit: Any, symbols: Any, values: np.ndarray) -> np.ndarray:
        self._check_memory(circuit, len(values))
        return self._run_columns(circuit, symbols, values)

    def _run_columns(self, circuit: Any, symbols: Any, values: np.ndarray) -> np.ndarray:
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
                f"than max_memory={self.max_memory!r}. Use fewer qubits (a lower n_qubits, "
                "or PCA before the model) or fewer rows at a time, or raise max_memory of the "
                "backend."
            )

    def _advice(self, error: str) -> str:
        return advice(self.noise) if "The 'noise' parameter" in error else ""

    def _noisy(self) -> NoisyRunner | None:
        """Return how to run with noise or shots; None without either."""
        if self.noise is None and self.shots is None:
            return None
        noise = resolve_noise(self.noise)
        if noise is None and self.shots is None:
            return None
        return NoisyRunner(
            noise,
            self.shots,
            self.method,
            self.n_trajectories,
            self.seed,
            self._memory(),
            self._threads(),
            self._fidelities,
        )

    def _memory(self) -> int:
        return parse_bytes(self.max_memory)

    def _threads(self) -> int:
        n = self.n_threads
        if n is None:
            limit = os.environ.get("OMP_NUM_THREADS", "")
            return min(_cores(), max(1, int(limit)) if limit.isdigit() else _cores())
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
