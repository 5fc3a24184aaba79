"""Samplers for tests: one whose draws depend on the circuit alone, and one that goes wrong."""

import hashlib
import time
from pathlib import Path

import cirq
import numpy as np


class RepeatableSampler(cirq.Sampler):
    """Exact simulation; the draws are determined by the circuit. It has no state."""

    def __repr__(self):
        return f"{type(self).__name__}()"  # names of tests must not differ between processes

    def run_sweep(self, program, params, repetitions=1):
        seed = int.from_bytes(hashlib.sha256(cirq.to_json(program).encode()).digest()[:4], "big")
        return cirq.Simulator(seed=seed).run_sweep(program, params, repetitions)


class FaultySampler(RepeatableSampler):
    """Do what the script says, call by call, and then work.

    A script's items are exceptions to raise, or functions of the right results.
    """

    def __init__(self, script=()):
        self.script = list(script)
        self.n_calls = 0
        self.n_circuits = 0

    def run_batch(self, programs, params_list=None, repetitions=1):
        self.n_calls += 1
        step = self.script.pop(0) if self.script else None
        if isinstance(step, BaseException):
            raise step
        results = [self.run_sweep(p, None, repetitions) for p in programs]
        self.n_circuits += len(results)
        return results if step is None else step(results)


class CountingSampler(RepeatableSampler):
    """Write a line to a file for each circuit that was run, and die before one of them."""

    def __init__(self, log, dies_at=None):
        self.log, self.dies_at = Path(log), dies_at

    def run_sweep(self, program, params, repetitions=1):
        import os
        import signal

        n_run = len(self.log.read_text().splitlines()) if self.log.exists() else 0
        if n_run == self.dies_at:
            os.kill(os.getpid(), signal.SIGKILL)
        with self.log.open("a") as file:
            file.write("run\n")
        return super().run_sweep(program, params, repetitions)


def shorter(results):
    """Leave out the last circuit."""
    return results[:-1]


def fewer_repetitions(results):
    """Leave out half of the last circuit's repetitions."""
    bits = results[-1][0].measurements["measured"]
    return [*results[:-1], [cirq.ResultDict(measurements={"measured": bits[: len(bits) // 2]})]]


def wrong_key(results):
    """Return the measurements under another key."""
    bits = results[-1][0].measurements["measured"]
    return [*results[:-1], [cirq.ResultDict(measurements={"other": bits})]]


def too_narrow(results):
    """Leave out a qubit."""
    bits = results[-1][0].measurements["measured"]
    return [*results[:-1], [cirq.ResultDict(measurements={"measured": bits[:, :-1]})]]


def stalls(seconds):
    """Return a step that answers late."""

    def step(results):
        time.sleep(seconds)
        return results

    return step


def hoeffding(n_shots, n_values, width=2.0, risk=1e-6):
    """Bound on all errors of so many means of shots in an interval, but for a risk."""
    return width * np.sqrt(np.log(2 * n_values / risk) / (2 * n_shots))
