"""Run one peer of the kernel benchmark; `kernels.py` starts this, nobody else needs to.

Usage: ``python kernel_worker.py PEER THREADS``. Requests come as JSON lines on standard input,
replies go as JSON lines to what was standard output when the process started.
"""

import importlib
import json
import os
import platform
import sys
import time
import traceback
from importlib import metadata

import numpy as np
from kernel_peers import PEERS, make_data


def version(package):
    """Return a distribution's version; a package run from its sources says it itself."""
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return getattr(importlib.import_module(package), "__version__", "unknown")


class Worker:
    """Answer the driver's requests for one peer."""

    def __init__(self, peer, threads):
        self.peer = peer
        self.threads = threads
        self.gram = None

    def hello(self):
        names = ("numpy", *self.peer.packages)
        versions = {name: version(name) for name in names}
        return {"versions": {"python": platform.python_version(), **versions}}

    def prepare(self, n_qubits):
        self.gram = None  # free the previous case first
        start = time.perf_counter()
        self.gram = self.peer.prepare(n_qubits, self.threads)
        return {"seconds": time.perf_counter() - start}

    def run(self, seeds, n_samples, n_qubits, save=None):
        """Time one call per seed; every call gets other rows, so that no cache can answer."""
        seconds = []
        for seed in seeds:
            argument = self.peer.ready(make_data(seed, n_samples, n_qubits))
            start = time.perf_counter()
            result = self.gram(argument)
            seconds.append(time.perf_counter() - start)
        if save is not None:
            np.save(save, result)
        return {"seconds": seconds}


def main():
    # Libraries print to standard output: keep the real one for replies only.
    replies = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)
    threads = int(sys.argv[2])
    if hasattr(os, "sched_setaffinity"):
        # XLA and others size their pools by the processors they may use, not by a variable.
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:threads])
    worker = Worker(PEERS[sys.argv[1]], threads)
    for line in sys.stdin:
        request = json.loads(line)
        try:
            reply = getattr(worker, request.pop("do"))(**request)
        except Exception as error:  # whatever a library throws is told to the driver
            traceback.print_exc()
            reply = {"error": f"{type(error).__name__}: {error}"[:500]}
        replies.write(json.dumps(reply) + "\n")


if __name__ == "__main__":
    main()
