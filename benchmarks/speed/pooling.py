"""Measure the loss and gradient of quantum pooling against other libraries.

    python benchmarks/speed/setup_peers.py skquantum peers   # once
    python benchmarks/speed/pooling.py
    python benchmarks/speed/pooling.py --cases qcnn --rounds 5 --python peers=/path/to/python

Every peer is a process of its own, in the environment of its library. First each result is
compared with an oracle in complex128; then all peers are measured in turn, round by round, each
time on other rows and weights. The first call, which compiles, is a column of its own. At the end,
a million windows of four values are pooled.
"""

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
from pooling_peers import CASES, PEERS, make_data, oracle
from setup_peers import ENVIRONMENTS, interpreter, named_paths

HERE = Path(__file__).resolve().parent
TOLERANCE = 2e-4  # single precision, summed over up to 30000 windows; relative to the gradient
MILLION = """
import time, numpy as np
from skquantum import QuantumPoolingTransformer
X = np.random.default_rng(0).uniform(0, 1.5, (62500, 64))
pooling = QuantumPoolingTransformer((8, 8), objective="random", random_state=0).fit(X[:100])
begin = time.perf_counter()
pooling.transform(X)
print(f"a million windows of 2x2: {time.perf_counter() - begin:.2f} s")
"""


class Peer:
    """A library's process."""

    def __init__(self, name, python):
        environment = dict(os.environ)
        if PEERS[name][1] == "skquantum":
            paths = [str(HERE.parents[1]), environment.get("PYTHONPATH")]
            environment["PYTHONPATH"] = os.pathsep.join(filter(None, paths))
        else:
            environment.pop("PYTHONPATH", None)
        self.process = subprocess.Popen(
            [python, str(HERE / "pooling_peers.py"), name],
            env=environment,
            text=True,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )

    def ask(self, **request):
        try:
            self.process.stdin.write(json.dumps(request) + "\n")
            self.process.stdin.flush()
        except BrokenPipeError:
            return {"error": "the process ended"}
        line = self.process.stdout.readline()
        return json.loads(line) if line else {"error": "the process ended"}

    def stop(self):
        self.process.kill()
        self.process.wait()


def check(peer, case):
    """Time the first call, and compare its result with the oracle."""
    begin = time.perf_counter()
    prepared = peer.ask(case=case)
    reply = prepared if "error" in prepared else peer.ask(seed=0)
    if "error" in reply:
        return reply
    row = {
        "first": time.perf_counter() - begin,
        "seconds": [],
        "rows": reply["rows"],
        "version": prepared["version"],
    }
    X, targets, weights = make_data(CASES[case], 0)
    rows = slice(reply["rows"])
    loss, grad = oracle(CASES[case], X[rows], targets[rows], weights)
    found = np.array([reply["loss"], *reply["grad"]])
    exact = np.array([loss, *grad])
    row["deviation"] = float(np.abs(found - exact).max() / np.abs(exact).max())
    if not row["deviation"] < TOLERANCE:
        return row | {"error": f"wrong: differs by {row['deviation']:.1e}"}
    return row


def run_case(case, peers, rounds):
    """Return a row of results for each peer."""
    found = {name: check(peer, case) for name, peer in peers.items()}
    seed = 0
    for _ in range(rounds):
        for name, row in found.items():
            if "error" in row:
                continue
            # A quick peer's caches went cold while the others ran.
            for timed in (False, True, True):
                seed += 1
                reply = peers[name].ask(seed=seed)
                if timed and "seconds" in reply:
                    row["seconds"].append(reply["seconds"])
    return found


def report(case, found):
    """Print a case's table."""
    ours = statistics.median(found.get("skquantum", {}).get("seconds") or [np.nan])
    print(f"\n{CASES[case].title}: {CASES[case].n_rows} windows, {CASES[case].n_weights} weights")
    print(f"{'':32}{'milliseconds':>14}{'times':>8}{'first call, s':>15}{'deviation':>11}")
    for name, row in found.items():
        if "error" in row:
            print(f"{name:32}{row['error']}")
            continue
        median = statistics.median(row["seconds"])
        scaled = "" if row["rows"] == CASES[case].n_rows else f"   scaled from {row['rows']} rows"
        print(
            f"{name:32}{median * 1e3:14.2f}{median / ours:8.1f}{row['first']:15.2f}"
            f"{row['deviation']:11.0e}{scaled}",
            flush=True,
        )


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--cases", default=",".join(CASES), metavar="A,B")
    parser.add_argument("--peers", default=",".join(PEERS), metavar="A,B")
    parser.add_argument("--rounds", type=int, default=7, metavar="N")
    parser.add_argument(
        "--python",
        action="append",
        default=[],
        metavar="NAME=PATH",
        help="interpreter of an environment (skquantum, peers)",
    )
    options = parser.parse_args()
    unknown = set(options.cases.split(",")) - set(CASES)
    unknown |= set(options.peers.split(",")) - set(PEERS)
    if unknown:
        parser.error(
            f"unknown {', '.join(sorted(unknown))}; there are the cases "
            f"{', '.join(CASES)} and the peers {', '.join(PEERS)}"
        )
    pythons = {name: str(interpreter(name)) for name in ENVIRONMENTS}
    if not Path(pythons["skquantum"]).exists():
        pythons["skquantum"] = sys.executable
    pythons |= named_paths(options.python)
    for case in options.cases.split(","):
        peers = {
            name: Peer(name, pythons[environment])
            for name, (_, environment, _, _) in PEERS.items()
            if name in options.peers.split(",") and shutil.which(pythons[environment])
        }
        try:
            report(case, run_case(case, peers, options.rounds))
        finally:
            for peer in peers.values():
                peer.stop()
    paths = os.pathsep.join(filter(None, [str(HERE.parents[1]), os.environ.get("PYTHONPATH")]))
    subprocess.run(
        [pythons["skquantum"], "-c", MILLION], check=True, env=dict(os.environ, PYTHONPATH=paths)
    )


if __name__ == "__main__":
    main()
