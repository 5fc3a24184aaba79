"""Samplers whose circuits are jobs of a service: submit, leave, collect."""

from __future__ import annotations

import json
import os
import time
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import cirq
import numpy as np

from skquantum.execution._device.result_cache import circuit_digest, request_key

DONE = {"completed", "succeeded"}
UNSUCCESSFUL = {"canceled", "cancelled", "failed", "deleted"}


class JobsPending(RuntimeError):
    """Jobs are submitted and not finished: the same call collects their results later."""


class JobSampler(cirq.Sampler):
    """Run circuits as jobs of a service, and find them again after the process has ended.

    Services that hand out jobs are ``cirq_ionq.Service`` and
    ``azure.quantum.cirq.AzureQuantumService``, and any other one with ``create_job(circuit,
    repetitions=..., target=...)`` and ``get_job(job_id)``, whose jobs have ``job_id()``,
    ``status()`` and ``results()``. All circuits of a call are submitted before the first result is
    waited for, and each job's id is written to a folder at once. A process that died, or that did
    not want to wait, makes the same call again: what was submitted is not submitted a second time.

    Parameters
    ----------
    service : object
        The service.
    jobs : str or path-like
        Folder for the ids of jobs whose results were not collected yet; made if it does not
        exist. One for each program: two that ask for the same circuit would share its job.
    target : str, default=None
        Which machine of the service; None stands for its default.
    wait : float, default=None
        Seconds to wait for results before `JobsPending` is raised; 0 leaves at once, None waits
        as long as the service's own ``results()`` does.
    poll : float, default=1.0
        Seconds between two questions for a job's status.

    Notes
    -----
    :class:`SamplerBackend` hands over 20 circuits in a call; with ``batch_size=1000`` a whole
    kernel matrix is submitted before it leaves. With ``cache`` what was collected is kept.

    Examples
    --------
    .. code-block:: python

       service = cirq_ionq.Service(api_key=...)
       sampler = JobSampler(service, "jobs", target="qpu.aria-1", wait=0)
       device = cirq_ionq.IonQAPIDevice(25)
       backend = SamplerBackend(
           sampler, device=device, cache="runs", name="aria-1", batch_size=1000
       )
       QuantumKernelSVC(kernel="fidelity", backend=backend).fit(X, y)  # JobsPending
    """

    def __init__(
        self,
        service: Any,
        jobs: str | os.PathLike[str],
        target: str | None = None,
        wait: float | None = None,
        poll: float = 1.0,
    ) -> None:
        for method in ("create_job", "get_job"):
            if not callable(getattr(service, method, None)):
                raise TypeError(
                    f"service={type(service).__name__} has no {method}(): give a service that "
                    "hands out jobs, such as cirq_ionq.Service, or its sampler to SamplerBackend."
                )
        self.service, self.target, self.wait, self.poll = service, target, wait, poll
        self.folder = Path(jobs).expanduser()

    def run_sweep(
        self, program: cirq.AbstractCircuit, params: cirq.Sweepable, repetitions: int = 1
    ) -> Sequence[cirq.Result]:
        """Run a circuit for each setting of its symbols, see `cirq.Sampler`."""
        resolvers = list(cirq.to_resolvers(params))
        circuits = [cirq.resolve_parameters(program, resolver) for resolver in resolvers]
        results = self.run_batch(circuits, repetitions=repetitions)
        return [
            cirq.ResultDict(params=resolver, records=result.records)
            for resolver, (result,) in zip(resolvers, results, strict=True)
        ]

    def run_batch(
        self,
        programs: Sequence[cirq.AbstractCircuit],
        params_list: Sequence[cirq.Sweepable] | None = None,
        repetitions: int | Sequence[int] = 1,
    ) -> Sequence[Sequence[cirq.Result]]:
        """Run circuits, see `cirq.Sampler`; all are submitted before any result is waited for.

        Raises
        ------
        JobsPending
            If results are not there after `wait` seconds.
        ValueError
            If the folder can't be written to; before anything is submitted.
        """
        if params_list is not None or not isinstance(repetitions, int):
            return super().run_batch(programs, params_list, repetitions)
        self._check_writable()
        notes = self._notes(programs, repetitions)
        jobs = [
            self._job(circuit, repetitions, note)
            for circuit, note in zip(programs, notes, strict=True)
        ]
        self._await(jobs)
        results = [self._result(job, note) for job, note in zip(jobs, notes, strict=True)]
        for note in notes:
            note.unlink(missing_ok=True)
        return [[result] for result in results]

    def _check_writable(self) -> None:
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            (self.folder / ".writable").touch()
        except OSError as error:
            raise ValueError(
                f"jobs={str(self.folder)!r} is not a folder that can be written to "
                f"({error.strerror or error}). Nothing was submitted."
            ) from error

    def _notes(self, circuits: Sequence[cirq.AbstractCircuit], repetitions: int) -> list[Path]:
        """Return the file for each circuit; equal ones have a file each."""
        seen: Counter[str] = Counter()
        notes = []
        for circuit in circuits:
            digest = circuit_digest(circuit.freeze(), ())
            key = request_key(digest, np.empty(0), repetitions, self.target, seen[digest])
            seen[digest] += 1
            notes.append(self.folder / f"{key}.json")
        return notes

    def _job(self, circuit: cirq.AbstractCircuit, repetitions: int, note: Path) -> Any:
        """Return the job of a circuit: the one that was noted, else a new one."""
        if note.exists():
            try:
                job_id = json.loads(note.read_text(encoding="utf-8"))["job"]
            except (ValueError, TypeError, KeyError) as error:
                raise ValueError(
                    f"The note {note} of a job is damaged. Look for the job at the service, or "
                    "delete the note, and the circuit is submitted again."
                ) from error
            return self.service.get_job(job_id)
        # By position: services call the circuit by different names.
        job = self.service.create_job(circuit, repetitions=repetitions, target=self.target)
        partial = note.with_suffix(".partial")
        entry = {"job": job.job_id(), "repetitions": repetitions, "target": self.target}
        partial.write_text(json.dumps(entry), encoding="utf-8")
        partial.replace(note)
        return job

    def _await(self, jobs: Sequence[Any]) -> None:
        """Wait as long as is wanted."""
        if self.wait is None:
            return
        end = time.monotonic() + self.wait
        while waiting := [job for job in jobs if _status(job) not in DONE | UNSUCCESSFUL]:
            if time.monotonic() >= end:
                raise JobsPending(
                    f"{len(waiting)} of {len(jobs)} jobs are not finished. Their ids are in "
                    f"{self.folder}: make the same call later, and it collects their results."
                )
            time.sleep(min(self.poll, max(end - time.monotonic(), 0)))

    def _result(self, job: Any, note: Path) -> cirq.Result:
        try:
            result = job.results()
        except Exception:
            with suppress(Exception):  # of asking; the first error is the one to be told
                if _status(job) in UNSUCCESSFUL:
                    note.unlink(missing_ok=True)  # so that the next call submits it again
            raise
        if isinstance(result, list):
            (result,) = result
        return result.to_cirq_result() if hasattr(result, "to_cirq_result") else result


def _status(job: Any) -> str:
    status = job.status
    text = str(status() if callable(status) else status).lower()
    return text.partition(":")[0]  # Azure adds why a job failed
