"""Running circuits on a sampler that may fail, stall or return less than it was asked for."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import cirq
import numpy as np

from skquantum._validation import shown
from skquantum.execution._device.result_cache import Counts
from skquantum.execution._device.target import KEY

# Names, as google.api_core is not always there.
PASSING_GOOGLE = {
    "Aborted",
    "BadGateway",
    "GatewayTimeout",
    "InternalServerError",
    "RetryError",
    "ServiceUnavailable",
    "TooManyRequests",
    "Unknown",
}
# Operating-system errors are mostly about the network; these are not, and do not pass.
LASTING = (FileExistsError, FileNotFoundError, IsADirectoryError, NotADirectoryError)


class ShortResultError(RuntimeError):
    """A sampler returned less than it was asked for."""


def passes(error: BaseException, others: tuple[type[BaseException], ...] = ()) -> bool:
    """Whether an error may be gone at the next attempt.

    These are timeouts, errors of the connection and others of the operating system except those
    about files, short results, the errors of google.api_core that its documentation calls
    retryable, and `others`.
    """
    if isinstance(error, (TimeoutError, ConnectionError, ShortResultError, *others)):
        return True
    if isinstance(error, OSError):
        return not isinstance(error, (*LASTING, PermissionError))
    return any(
        base.__module__.startswith("google.api_core") and base.__name__ in PASSING_GOOGLE
        for base in type(error).__mro__
    )


@dataclass
class Tally:
    """What a job has cost so far.

    Attributes
    ----------
    run : int
        Circuits that came back, the incomplete ones among them.
    attempts : int
        Calls of the sampler.
    errors : list of str
        Why attempts were repeated.
    compile_seconds : float
        Time that went into building and compiling the circuits.
    """

    run: int
    attempts: int
    errors: list[str]
    compile_seconds: float = 0.0


@dataclass(frozen=True)
class Runner:
    """How circuits are handed to a sampler.

    Attributes
    ----------
    sampler : cirq.Sampler
    repetitions, retries, backoff, timeout, retry_on, batch_size
        As in `SamplerBackend`.
    allowed : int or None
        How many circuits may be run at most.
    """

    sampler: cirq.Sampler
    repetitions: int
    retries: int
    backoff: float
    timeout: float | None
    retry_on: tuple[type[BaseException], ...]
    batch_size: int
    allowed: int | None

    def run(
        self,
        requests: Sequence[int],
        build: Callable[[int], cirq.FrozenCircuit],
        n_qubits: int,
        tally: Tally,
    ) -> Iterator[tuple[int, Counts]]:
        """Run circuits, and yield each one's counts as soon as they are there."""
        for start in range(0, len(requests), self.batch_size):
            circuits = {i: build(i) for i in requests[start : start + self.batch_size]}
            failures = 0
            while circuits:
                results, problem = self._call(list(circuits.values()), tally)
                wrong = None
                for i, result in zip(list(circuits), results, strict=False):
                    try:
                        counts = self._counts(result, n_qubits)
                    except ShortResultError as error:
                        problem = error
                    except ValueError as error:
                        wrong = error  # to be raised when what was good has been kept
                    else:
                        yield i, counts
                        del circuits[i]
                if wrong is not None:
                    raise wrong
                if circuits:
                    failures += 1
                    self._wait(failures, problem, tally)

    def _call(
        self, circuits: list[cirq.FrozenCircuit], tally: Tally
    ) -> tuple[Sequence[Any], Exception]:
        """Return what the sampler returns, and what is to be said if that is not all."""
        self._check_allowed(len(circuits), tally)
        tally.attempts += 1
        try:
            results = _within(self.timeout, lambda: self._run_batch(circuits))
        except Exception as error:
            if not passes(error, self.retry_on):
                raise
            return [], error
        if not isinstance(results, Sequence):
            raise ValueError(
                f"The sampler's run_batch returned {shown(results)}; a list with a list "
                "of results for each circuit was expected."
            )
        if len(results) > len(circuits):
            raise ValueError(
                f"The sampler returned {len(results)} results for {len(circuits)} circuits, so "
                "which is whose can't be told."
            )
        tally.run += len(results)
        return results, ShortResultError("the sampler returned fewer results than circuits")

    def _run_batch(self, circuits: list[cirq.FrozenCircuit]) -> Sequence[Sequence[cirq.Result]]:
        return self.sampler.run_batch(circuits, repetitions=self.repetitions)

    def _check_allowed(self, n_circuits: int, tally: Tally) -> None:
        if self.allowed is not None and tally.run + n_circuits > self.allowed:
            raise RuntimeError(
                f"Repeating {n_circuits} circuits with incomplete results would exceed "
                f"max_circuits. So far: {'; '.join(tally.errors)}."
            )

    def _wait(self, failures: int, problem: Exception, tally: Tally) -> None:
        """Wait longer after each failure in a row, or give up."""
        tally.errors.append(f"{type(problem).__name__}: {problem}")
        if failures > self.retries:
            raise RuntimeError(
                f"The sampler failed {failures} times in a row, the last time with "
                f"{tally.errors[-1]}. Until then {tally.run} circuits of this job were run; if "
                "there is a cache, the same call goes on from there."
            ) from problem
        time.sleep(self.backoff * 2 ** (failures - 1))

    def _counts(self, results: Sequence[cirq.Result], n_qubits: int) -> Counts:
        """Check the results of one circuit, and count its outcomes."""
        if not isinstance(results, Sequence) or isinstance(results, str):
            raise ValueError(
                f"The sampler returned {shown(results)} for a circuit; a list with one "
                "cirq.Result was expected."
            )
        if len(results) != 1:
            raise ShortResultError(f"the sampler returned {len(results)} results for a circuit")
        measurements = getattr(results[0], "measurements", None)
        if not isinstance(measurements, Mapping):
            raise ValueError(
                f"The sampler returned {shown(results[0])} as the result of a circuit; a "
                "cirq.Result with measurements was expected."
            )
        if set(measurements) != {KEY}:
            raise ValueError(
                f"The sampler returned the measurement keys {sorted(map(str, measurements))}; the "
                f"circuit has {KEY!r} alone."
            )
        try:
            bits = np.asarray(measurements[KEY])
        except ValueError:  # lists of different lengths
            bits = np.empty(0)
        if bits.ndim != 2 or bits.shape[1] != n_qubits or not np.isin(bits, (0, 1)).all():
            raise ValueError(
                f"The sampler returned an array of shape {bits.shape} and type {bits.dtype}; "
                f"{self.repetitions} repetitions of {n_qubits} bits, 0 or 1, were asked for."
            )
        if len(bits) < self.repetitions:
            raise ShortResultError(
                f"the sampler returned {len(bits)} repetitions of {self.repetitions}"
            )
        if len(bits) > self.repetitions:
            raise ValueError(
                f"The sampler returned {len(bits)} repetitions of {self.repetitions} asked for."
            )
        return Counts(*np.unique(bits.astype(np.uint8), axis=0, return_counts=True))


def _within(timeout: float | None, call: Callable[[], Any]) -> Any:
    """Return what a call returns, or raise a TimeoutError if it takes longer.

    A call can't be stopped: it is left behind, and whatever it returns later is not used.
    """
    if timeout is None:
        return call()
    outcome: list[tuple[Any, BaseException | None]] = []

    def work() -> None:
        try:
            outcome.append((call(), None))
        except BaseException as error:
            outcome.append((None, error))

    thread = threading.Thread(target=work, daemon=True)  # so that it can't hold up an exit
    thread.start()
    thread.join(timeout)
    if not outcome:
        raise TimeoutError(f"no answer from the sampler within timeout={timeout} s")
    result, error = outcome[0]
    if error is not None:
        raise error
    return result
