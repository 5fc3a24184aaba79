"""Run one peer of a benchmark; `harness.py` starts this, nobody else needs to.

Usage: ``python worker.py MODULE PEER THREADS``. Requests come as JSON lines on standard input,
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


def version(package):
    """Return a distribution's version; a package run from its sources says it itself."""
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return getattr(importlib.import_module(package), "__version__", "unknown")


def versions(peer):
    """Return the versions of Python and of a peer's packages."""
    numbers = {name: version(name) for name in ("numpy", *peer.packages)}
    return {"python": platform.python_version(), **numbers}


def limit_processors(threads):
    """Leave as many processors as threads: XLA and others size their pools by them."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:threads])


class Worker:
    """Answer the driver's requests for one peer."""

    def __init__(self, module, peer, threads):
        self.module = module
        self.peer = peer
        self.threads = threads
        self.call = None

    def hello(self):
        return {"versions": versions(self.peer)}

    def prepare(self, case):
        self.call = None  # free the previous case first
        start = time.perf_counter()
        self.call = self.module.prepare(self.peer, case, self.threads)
        return {"seconds": time.perf_counter() - start}

    def run(self, case, seeds, save=None):
        """Time one call per seed; every call gets other inputs, so that no cache can answer."""
        seconds = []
        for seed in seeds:
            arguments = self.module.inputs(self.peer, case, seed)
            start = time.perf_counter()
            result = self.call(*arguments)
            seconds.append(time.perf_counter() - start)
        if save is not None:
            np.savez(save, *(result if isinstance(result, tuple) else (result,)))
        return {"seconds": seconds}


def main():
    # Libraries print to standard output: keep the real one for replies only.
    replies = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)
    threads = int(sys.argv[3])
    limit_processors(threads)
    module = importlib.import_module(sys.argv[1])
    worker = Worker(module, module.PEERS[sys.argv[2]], threads)
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
