"""Hardware, and whatever else follows Cirq's interface for it, as a backend."""

from __future__ import annotations

import os
import time
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import lru_cache
from numbers import Integral, Real
from typing import Any, ClassVar, Self

import cirq
import numpy as np
import sympy
from sklearn.base import clone
from sklearn.utils._param_validation import Interval

from skquantum._records import note, versions
from skquantum._symbols import resolve
from skquantum.execution._backend import Backend
from skquantum.execution._device.identity import (
    calibration_identity,
    device_identity,
    sampler_identity,
)
from skquantum.execution._device.result_cache import (
    CacheWriteError,
    Counts,
    ResultCache,
    circuit_digest,
    request_key,
)
from skquantum.execution._device.runner import Runner, Tally
from skquantum.execution._device.target import (
    Same,
    Target,
    device_target,
    measured,
    virtual_machine,
)
from skquantum.execution._engine.observables import check_observables
from skquantum.execution._measurement import compute_uncompute, measurement_settings, offsets

BATCH = 20  # circuits in a call, where a call for one circuit would cost as much


class SamplerBackend(Backend):
    """Run circuits on any `cirq.Sampler`: a processor, a virtual machine or a simulator.

    Each row of values is one circuit or, for expectation values, one for each *setting*: a
    choice of X, Y or Z for each qubit, in which all observables that agree with it are measured
    together. Kernel values are all-zeros frequencies of the circuit that prepares one row's
    state and undoes the preparation for the other. Gradients come from parameter shifts.

    A backend like any other, it goes in where `QsimBackend` was, and nothing else changes.

    Parameters
    ----------
    sampler : cirq.Sampler or callable, default=None
        What runs circuits, or a function (or class) without arguments that makes it, for
        samplers that do not pickle. Clones share it: it stands for a machine. None stands for
        the virtual machine of the device named by `device`.
    repetitions : int, default=1000
        Shots for each circuit.
    device : cirq.Device or str, default=None
        Compile circuits for the qubits, connections and gates of this device; a name such as
        "willow_pink" is one of Google's, with the extra ``google``. None hands circuits over as
        they are.
    calibration : mapping, default=None
        Metrics as in :class:`cirq_google.Calibration`, by which qubits of small error are
        preferred. None stands for the stored calibration if `device` is a name, else for none.
    seed : int, default=None
        Makes the virtual machine of a named device repeatable: its draws are then determined by
        the seed and the circuit. It has no influence on a sampler of your own.
    retries : int, default=3
        How often a failed call is repeated before the job is given up. See Notes for the errors
        that are taken as passing.
    backoff : float, default=1.0
        Seconds to wait after a first failure; they double with each failure in a row.
    timeout : float, default=None
        Seconds after which a call without an answer counts as failed. None waits for ever.
    retry_on : tuple of exception classes, default=()
        Further errors that are taken as passing.
    batch_size : int, default=None
        Circuits in one call of the sampler's ``run_batch``. When a process dies or a call
        fails, the results of that one call are lost. None stands for 1 if the sampler has no
        ``run_batch`` of its own, which then costs nothing, and for 20 otherwise.
    cache : str or path-like, default=None
        Folder that keeps the counts of every finished circuit. A request whose counts are in it
        is not run again: an interrupted fit goes on where it stopped. None keeps nothing, and
        a job that fails loses what it had.
    name : str, default=None
        Under which results are kept in the cache, for samplers that it can't tell apart itself.
    draw : int, default=0
        Number of the draw: results that were kept under one number are not used under another.
        With a cache, change it for an independent repetition.
    max_circuits : int, default=None
        Refuse a job that would bring the circuits that this object has run above this number.

    Attributes
    ----------
    run_records_ : list of dict
        A record of each job: time, sampler, device, repetitions, the circuits that it needed,
        those that it took from the cache (or that were equal to others) and those that it ran,
        seconds of running and of compiling, attempts, errors and software versions. It exists
        after the first job, belongs to this object, and is neither cloned nor pickled; the
        cache's folder has the same records in ``runs.jsonl``.

    Notes
    -----
    *Reuse.* In a cache, results are found by circuit, values, measured basis, repetitions,
    device, sampler and `draw`. A request that is made twice gets the same counts: with a cache
    the backend is a function, whatever the sampler. Without one each request is a new draw.

    *Passing errors* are timeouts, errors of the connection and of the operating system (unless
    about files), results of too few circuits or repetitions, the retryable errors of
    google.api_core, and `retry_on`. Others end the job at once. What had finished is kept.

    *Diagonal.* ``overlaps(X)`` measures each pair once, and each row with itself too: the
    diagonal is not one where there is noise, and says how much.

    References
    ----------
    .. [1] V. Havlicek et al., "Supervised learning with quantum-enhanced feature spaces",
       Nature 567, 209 (2019), https://arxiv.org/abs/1804.11326
    .. [2] M. Schuld et al., "Evaluating analytic gradients on quantum hardware", Physical
       Review A 99, 032331 (2019), https://arxiv.org/abs/1811.11184

    Examples
    --------
    >>> import cirq, numpy as np, sympy
    >>> from skquantum.execution import SamplerBackend
    >>> q, x = cirq.LineQubit(0), sympy.Symbol("x")
    >>> circuit = cirq.Circuit(cirq.rx(x)(q))
    >>> backend = SamplerBackend(cirq.Simulator(seed=0), repetitions=100)
    >>> backend.expectations(circuit, [x], [[0.0], [np.pi]], [cirq.Z(q)])
    array([[ 1.],
           [-1.]])
    >>> backend.run_records_[0]["circuits"]
    2
    """

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        "sampler": [cirq.Sampler, callable, None],
        "repetitions": [Interval(Integral, 1, None, closed="left")],
        "device": [cirq.Device, str, None],
        "calibration": [Mapping, None],
        "seed": [Interval(Integral, 0, None, closed="left"), None],
        "retries": [Interval(Integral, 0, None, closed="left")],
        "backoff": [Interval(Real, 0, None, closed="left")],
        "timeout": [Interval(Real, 0, None, closed="neither"), None],
        "retry_on": [tuple],
        "batch_size": [Interval(Integral, 1, None, closed="left"), None],
        "cache": [str, os.PathLike, None],
        "name": [str, None],
        "draw": [Interval(Integral, 0, None, closed="left")],
        "max_circuits": [Interval(Integral, 0, None, closed="left"), None],
    }

    def __init__(
        self,
        sampler: cirq.Sampler | Callable[[], cirq.Sampler] | None = None,
        repetitions: int = 1000,
        device: cirq.Device | str | None = None,
        calibration: Mapping[str, Any] | None = None,
        seed: int | None = None,
        retries: int = 3,
        backoff: float = 1.0,
        timeout: float | None = None,
        retry_on: tuple[type[BaseException], ...] = (),
        batch_size: int | None = None,
        cache: str | os.PathLike[str] | None = None,
        name: str | None = None,
        draw: int = 0,
        max_circuits: int | None = None,
    ) -> None:
        self.sampler = sampler
        self.repetitions = repetitions
        self.device = device
        self.calibration = calibration
        self.seed = seed
        self.retries = retries
        self.backoff = backoff
        self.timeout = timeout
        self.retry_on = retry_on
        self.batch_size = batch_size
        self.cache = cache
        self.name = name
        self.draw = draw
        self.max_circuits = max_circuits

    run_records_: list[dict[str, Any]]

    def __sklearn_clone__(self) -> Self:
        # A sampler stands for a machine: a copy would be another one, if it could be made.
        shared = ("sampler", "device", "calibration", "retry_on")
        params = self.get_params(deep=False)
        return type(self)(
            **{k: v if k in shared else clone(v, safe=False) for k, v in params.items()}
        )

    def _kept_state(self) -> dict[str, Any]:
        return {k: v for k, v in super()._kept_state().items() if k != "run_records_"}

    @property
    def run_facts(self) -> None:
        """None: each job leaves its own record."""
        return None

    @property
    def runs_marks(self) -> bool:
        """Whether circuits may come with marks: if they are compiled for a device."""
        return self.device is not None

    def _states(
        self, circuit: cirq.FrozenCircuit, symbols: tuple[sympy.Symbol, ...], values: np.ndarray
    ) -> np.ndarray:
        raise ValueError(
            "A sampler has no state vectors; ask for expectations or overlaps, or use "
            "QsimBackend()."
        )

    def _expectations(
        self,
        circuit: cirq.FrozenCircuit,
        symbols: tuple[sympy.Symbol, ...],
        values: np.ndarray,
        observables: list[cirq.PauliSum],
    ) -> np.ndarray:
        settings = measurement_settings(observables, sorted(circuit.all_qubits()))
        circuits = [
            cirq.FrozenCircuit(*circuit.moments, *cirq.Circuit(s.rotations())) for s in settings
        ]
        counts = self._measure(circuits, symbols, values, _EXPECTATIONS_ADVICE)
        out = np.tile(offsets(observables), (len(values), 1))
        for setting, by_row in zip(settings, counts, strict=True):
            for row, c in zip(out, by_row, strict=True):
                row += setting.values(c.bits, c.counts)
        return out

    def _overlaps(
        self,
        circuit: cirq.FrozenCircuit,
        symbols: tuple[sympy.Symbol, ...],
        X: np.ndarray,
        Y: np.ndarray | None,
    ) -> np.ndarray:
        both, left, right = compute_uncompute(circuit, symbols)
        others = X if Y is None else Y
        shape = len(X), len(others)
        rows, columns = np.triu_indices(len(X)) if Y is None else np.indices(shape).reshape(2, -1)
        values = np.hstack([X[rows], others[columns]])
        (counts,) = self._measure([both], (*left, *right), values, _OVERLAPS_ADVICE)
        zeros = [c.counts[~c.bits.any(axis=1)].sum() / c.counts.sum() for c in counts]
        out = np.zeros(shape)
        out[rows, columns] = zeros
        if Y is None:
            out[columns, rows] = zeros
        return out

    def circuits_of(
        self,
        circuit: cirq.AbstractCircuit,
        n_rows: int,
        observables: Sequence[cirq.PauliSum] | None = None,
        n_pairs: int | None = None,
    ) -> int:
        """Return how many circuits a job would run, see `Backend`; those in the cache as well."""
        if n_pairs is not None:
            return n_pairs
        if observables is None:
            return n_rows
        qubits = sorted(circuit.all_qubits())
        return n_rows * len(measurement_settings(check_observables(observables, qubits), qubits))

    @property
    def shots_per_circuit(self) -> int:
        """How often each circuit is measured."""
        return self.repetitions

    def _measure(
        self,
        circuits: list[cirq.FrozenCircuit],
        symbols: tuple[sympy.Symbol, ...],
        values: np.ndarray,
        advice: str,
    ) -> list[list[Counts]]:
        """Return the counts of each circuit for each row of values."""
        self._check_retry_on()
        if not circuits or not len(values):
            return [[] for _ in circuits]
        qubits = sorted(circuits[0].all_qubits())
        target = self._target(len(qubits))
        sampler = self._sampler(len(qubits))
        store = None if self.cache is None else ResultCache(self.cache)
        n_rows = len(values)
        keys: list[Any] = list(range(len(circuits) * n_rows))  # without a cache all are distinct
        found: dict[Any, Counts] = {}
        if store is not None:
            keys = self._keys(circuits, symbols, values, sampler)
            for key in dict.fromkeys(keys):
                if (counts := store.load(key, self.repetitions, len(qubits))) is not None:
                    found[key] = counts
        missing = {key: i for i, key in enumerate(keys) if key not in found}
        places = list(missing.values())
        if self._exceeds(len(places)):
            cached = f", besides {len(keys) - len(places)} in the cache" if store else ""
            raise self._refusal(f"The job needs {len(places)} circuits{cached}", advice)
        if store is not None and places:
            store.check_writable()

        def build(i: int) -> cirq.FrozenCircuit:
            begin = time.perf_counter()
            row = dict(zip(symbols, values[i % n_rows].tolist(), strict=True))
            resolved = resolve(circuits[i // n_rows], row)
            built = target.compile(resolved, qubits) if target else measured(resolved, qubits)
            tally.compile_seconds += time.perf_counter() - begin
            return built

        with self._recorded(sampler, target, len(keys), len(keys) - len(places), store) as tally:
            for i, counts in self._runner(sampler).run(places, build, len(qubits), tally):
                found[keys[i]] = self._kept(store, keys[i], counts, len(qubits))
        return [
            [found[key] for key in keys[start : start + n_rows]]
            for start in range(0, len(keys), n_rows)
        ]

    def _kept(self, store: ResultCache | None, key: str, counts: Counts, n_qubits: int) -> Counts:
        """Return what the cache holds for a circuit that was measured, or what was measured."""
        if store is None:
            return counts
        try:
            return store.save(key, counts, self.repetitions, n_qubits)
        except CacheWriteError as error:
            # What a machine has measured is worth more than its copy.
            warnings.warn(str(error), RuntimeWarning, stacklevel=2)
            return counts

    def _check_retry_on(self) -> None:
        for kind in self.retry_on:
            if not (isinstance(kind, type) and issubclass(kind, Exception)):
                raise ValueError(
                    f"retry_on has to be a tuple of exception classes, got {self.retry_on!r}."
                )

    def _target(self, n_qubits: int) -> Target | None:
        if self.device is None:
            return None
        target = device_target(self.device, self.calibration)
        target.check(n_qubits)
        return target

    def _sampler(self, n_qubits: int) -> cirq.Sampler:
        if isinstance(self.sampler, cirq.Sampler):
            return self.sampler
        if self.sampler is not None:
            return _made_by(Same(self.sampler))
        if isinstance(self.device, str):
            return virtual_machine(self.device, n_qubits, self.seed)
        raise ValueError(
            "sampler=None stands for the virtual machine of a device that is given by its name, "
            "such as device='willow_pink'; otherwise pass a cirq.Sampler."
        )

    def _runner(self, sampler: cirq.Sampler) -> Runner:
        own = {"run_batch", "run_batch_async"} & {
            name
            for kind in type(sampler).__mro__
            if kind is not cirq.Sampler
            for name in vars(kind)
        }
        allowed = None if self.max_circuits is None else self.max_circuits - self._n_run()
        return Runner(
            sampler=sampler,
            repetitions=self.repetitions,
            retries=self.retries,
            backoff=self.backoff,
            timeout=self.timeout,
            retry_on=self.retry_on,
            batch_size=self.batch_size or (BATCH if own else 1),
            allowed=allowed,
        )

    def _keys(
        self,
        circuits: list[cirq.FrozenCircuit],
        symbols: tuple[sympy.Symbol, ...],
        values: np.ndarray,
        sampler: cirq.Sampler,
    ) -> list[str]:
        """Return the name in the cache of each circuit for each row of values."""
        machine = self.name
        if machine is None and self.sampler is None:
            machine = f"virtual machine {self.device} with seed {self.seed}"
        if machine is None:
            machine = sampler_identity(sampler)
        device = device_identity(self.device)
        if device is not None and self.calibration is not None:  # it chooses the qubits
            device = f"{device} by {calibration_identity(self.calibration)}"
        names = tuple(s.name for s in symbols)
        return [
            request_key(digest, row, self.repetitions, device, machine, self.draw)
            for digest in [circuit_digest(circuit, names) for circuit in circuits]
            for row in values
        ]

    def _n_run(self) -> int:
        return sum(record["run"] for record in vars(self).get("run_records_", []))

    @property
    def has_budget(self) -> bool:
        return self.max_circuits is not None

    # What is in the cache is not known beforehand, and counts.
    def check_budget(self, n_circuits: int) -> None:
        if self._exceeds(n_circuits):
            what = f"To its last iteration, the training needs {n_circuits} circuits"
            raise self._refusal(what, _TRAINING_ADVICE)

    def _exceeds(self, n_circuits: int) -> bool:
        return self.max_circuits is not None and self._n_run() + n_circuits > self.max_circuits

    def _refusal(self, what: str, advice: str) -> ValueError:
        assert self.max_circuits is not None
        return ValueError(
            f"{what}, of {self.repetitions} repetitions each; max_circuits={self.max_circuits} "
            f"leaves {self.max_circuits - self._n_run()}. None of them was run. {advice} Or raise "
            "max_circuits."
        )

    @contextmanager
    def _recorded(
        self,
        sampler: cirq.Sampler,
        target: Target | None,
        n_circuits: int,
        n_cached: int,
        store: ResultCache | None,
    ) -> Iterator[Tally]:
        """Count what a job costs, and add a record of it, also if it fails."""
        tally, begin = Tally(0, 0, []), time.perf_counter()
        record: dict[str, Any] = {
            "backend": type(self).__name__,
            "sampler": f"{type(sampler).__module__}.{type(sampler).__qualname__}",
            "device": target and target.label,
            "repetitions": int(self.repetitions),
            "work": "measurements",
            "started": datetime.now(UTC).isoformat(timespec="seconds"),
        }
        complete = False
        try:
            yield tally
            complete = True
        finally:
            record |= {
                "seconds": round(time.perf_counter() - begin - tally.compile_seconds, 3),
                "circuits": n_circuits,
                "from_cache": n_cached,
                **vars(tally),
                "compile_seconds": round(tally.compile_seconds, 3),
                "complete": complete,
                "versions": versions(),
            }
            self.__dict__.setdefault("run_records_", []).append(record)
            note(record)
            if store is not None:
                try:
                    store.note(record)
                except CacheWriteError as error:
                    warnings.warn(str(error), RuntimeWarning, stacklevel=2)


_TRAINING_ADVICE = (
    "A smaller max_iter, fewer rows, layers, qubits or observables need fewer circuits; "
    "gradient='spsa' needs two for each row instead of two for each angle."
)
_EXPECTATIONS_ADVICE = (
    "Fewer rows, observables or weights need fewer circuits, and gradient='spsa' needs two for "
    "each row instead of two for each angle; a cache saves those that are asked for again."
)
_OVERLAPS_ADVICE = (
    "n rows need n (n + 1) / 2 circuits, and m new rows m times the number of support rows; "
    "fewer rows need fewer, and kernel='projected' needs 3 for each row; a cache saves those "
    "that are asked for again."
)


@lru_cache(maxsize=8)
def _made_by(same: Same) -> cirq.Sampler:
    factory = same.value
    sampler = factory()
    if not isinstance(sampler, cirq.Sampler):
        raise TypeError(
            f"sampler has to be a cirq.Sampler or to return one when called; {factory!r} "
            f"returned {type(sampler).__name__}."
        )
    return sampler
