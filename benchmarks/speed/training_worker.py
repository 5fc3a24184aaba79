"""Fit one peer of the training benchmark in a new process; `training.py` starts this.

Usage: ``python training_worker.py MODULE PEER THREADS``. The reply is a line of JSON on standard
output.
"""

import time

START = time.perf_counter()  # before anything is imported, NumPy included

import importlib  # noqa: E402
import json  # noqa: E402
import os  # noqa: E402
import sys  # noqa: E402

from worker import limit_processors, versions  # noqa: E402

LONG = 20  # seconds of a fit beyond which it is not repeated


def main():
    # Libraries print to standard output: keep the real one for the reply only.
    reply = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    threads = int(sys.argv[3])
    limit_processors(threads)
    module = importlib.import_module(sys.argv[1])
    peer = module.PEERS[sys.argv[2]]
    fit = peer.prepare(threads)
    imported = time.perf_counter()
    losses = fit(module.make_problem(0))
    fitted = time.perf_counter()
    second = None
    if fitted - imported < LONG:
        other = module.make_problem(1)
        begin = time.perf_counter()
        fit(other)
        second = time.perf_counter() - begin
    result = {
        "total": fitted - START,
        "import": imported - START,
        "first": fitted - imported,
        "second": second,
        "losses": losses,
        "versions": versions(peer),
    }
    reply.write(json.dumps(result) + "\n")


if __name__ == "__main__":
    main()
