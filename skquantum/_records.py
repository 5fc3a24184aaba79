"""Records of what backends ran, in one form for all of them."""

from __future__ import annotations

import platform
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any, NamedTuple, Self

from skquantum._version import __version__

SUMMED = ("jobs", "seconds", "compile_seconds", "circuits", "from_cache", "run", "attempts")
MILLISECONDS = 3


class Facts(NamedTuple):
    """What records say of a backend; those that agree in it, and in the work, are told as one.

    The last three are None where there are none: an exact simulator has no repetitions.
    """

    backend: str
    sampler: str | None = None
    device: str | None = None
    repetitions: int | None = None


class RunLog:
    """What was run while it was open, one record for each kind of work."""

    def __init__(self) -> None:
        self.n_added = 0
        self.compiling = 0  # how deep in compiling
        self.compiled = 0.0  # seconds of compiling in all
        self._told = 0.0  # of these, those in records
        self._merged: dict[tuple[Facts, str], dict[str, Any]] = {}

    def add(self, record: Mapping[str, Any]) -> None:
        """Add a record, to one of the same kind if there is any."""
        self.n_added += 1
        new = {"jobs": 1, **record}
        new["compile_seconds"] = new.get("compile_seconds", 0.0) + self.compiled - self._told
        self._told = self.compiled
        key = Facts(*(new[name] for name in Facts._fields)), new["work"]
        old = self._merged.get(key)
        if old is None:
            self._merged[key] = {**new, "errors": list(new["errors"])}
            return
        for name in SUMMED:
            old[name] += new[name]
        old["errors"] += new["errors"]
        old["complete"] &= new["complete"]

    def count(self, facts: Facts, work: str, jobs: int, seconds: float, n_circuits: int) -> None:
        """Add a job that went well; one of a kind that was seen before is summed up at once."""
        old = self._merged.get((facts, work))
        if old is None:
            self.add(_record(facts, work, jobs, seconds, n_circuits))
            return
        self.n_added += 1
        old["jobs"] += jobs
        old["attempts"] += jobs
        old["seconds"] += seconds
        old["compile_seconds"] += self.compiled - self._told
        old["circuits"] += n_circuits
        old["run"] += n_circuits
        self._told = self.compiled

    def exact_records(self) -> list[dict[str, Any]]:
        """Return the records with seconds that are not rounded."""
        return list(self._merged.values())

    def records(self) -> list[dict[str, Any]]:
        """Return the records, in the order in which kinds of work began."""
        return [
            record
            | {name: round(record[name], MILLISECONDS) for name in ("seconds", "compile_seconds")}
            for record in self._merged.values()
        ]


_OPEN: ContextVar[tuple[RunLog, ...]] = ContextVar("skquantum_open_logs", default=())


@contextmanager
def recording(*, alone: bool = False) -> Iterator[RunLog]:
    """Collect records of everything that backends run inside, in this thread.

    Parameters
    ----------
    alone : bool, default=False
        Keep the records from logs that are open outside; whoever does so hands them on.
    """
    log = RunLog()
    token = _OPEN.set((log,) if alone else (*_OPEN.get(), log))
    try:
        yield log
    finally:
        _OPEN.reset(token)


def note(record: Mapping[str, Any]) -> None:
    """Add a record to all open logs."""
    for log in _OPEN.get():
        log.add(record)


class running:
    """Record what is run inside, unless it leaves records of its own.

    So a backend that hands its circuits to another one is not counted beside it. A context manager
    without a generator: a step of a training passes it twice.

    Parameters
    ----------
    facts : Facts or None
        Of the backend. None if it leaves records itself, or lets another one run its circuits.
    work : str
        What is computed, such as "states".
    n_circuits : int
        Circuits, with all their values; it may turn out at the end only.
    jobs : int, default=1
        0 for the second half of a job, such as the way back of a gradient.
    """

    __slots__ = (
        "_begin",
        "_compiled",
        "_facts",
        "_jobs",
        "_logs",
        "_n_added",
        "_work",
        "n_circuits",
    )

    def __init__(self, facts: Facts | None, work: str, n_circuits: int, jobs: int = 1) -> None:
        self._logs = () if facts is None else _OPEN.get()
        self._facts, self._work, self.n_circuits, self._jobs = facts, work, n_circuits, jobs

    def __enter__(self) -> Self:
        if self._logs:
            log = self._logs[-1]  # the innermost one has seen all that is run in here
            self._n_added, self._compiled = log.n_added, log.compiled
            self._begin = time.perf_counter()
        return self

    def __exit__(self, kind: object, *_: object) -> None:
        if kind is not None or self._facts is None or (self._jobs and not self.n_circuits):
            return
        if not self._logs:
            return
        log = self._logs[-1]
        if log.n_added > self._n_added:
            return
        seconds = time.perf_counter() - self._begin - (log.compiled - self._compiled)
        for each in self._logs:
            each.count(self._facts, self._work, self._jobs, max(seconds, 0.0), self.n_circuits)


def _record(facts: Facts, work: str, jobs: int, seconds: float, n_circuits: int) -> dict[str, Any]:
    started = datetime.now(UTC) - timedelta(seconds=seconds)
    return {
        **facts._asdict(),
        "work": work,
        "started": started.isoformat(timespec="seconds"),
        "jobs": jobs,
        "seconds": seconds,
        "circuits": n_circuits,
        "from_cache": 0,
        "run": n_circuits,
        "attempts": jobs,
        "errors": [],
        "complete": True,
        "versions": versions(),
    }


@contextmanager
def compiling() -> Iterator[None]:
    """Count what is done inside as compiling."""
    logs, begin = _OPEN.get(), time.perf_counter()
    for log in logs:
        log.compiling += 1
    try:
        yield
    finally:
        for log in logs:
            log.compiling -= 1
            if not log.compiling:
                log.compiled += time.perf_counter() - begin


def versions() -> dict[str, str]:
    """Return the versions of Python, of this package and of what it runs circuits with."""
    return dict(_versions())


@lru_cache(maxsize=1)
def _versions() -> dict[str, str]:
    from importlib.metadata import PackageNotFoundError, version

    out = {"python": platform.python_version(), "skquantum": __version__}
    for package, module in (
        ("cirq-core", "cirq"),
        ("cirq-google", "cirq_google"),
        ("qsimcirq", "qsimcirq"),
        ("numpy", "numpy"),
    ):
        if module in sys.modules:
            try:
                out[package] = version(package)
            except PackageNotFoundError:
                out[package] = "unknown"
    return out
