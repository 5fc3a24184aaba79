"""Measure the fidelity-kernel Gram matrix of the ZZ feature map against other libraries.

    python benchmarks/setup_peers.py      # once: one environment per group of peers
    python benchmarks/kernels.py          # measure, print the tables
    python benchmarks/kernels.py --update-readme

Every peer is a process of its own, in the environment of its library. First each Gram matrix is
compared with an oracle in complex128; then all peers are loaded and measured in turn, round by
round, so that a disturbance of the machine hits all of them. `kernel_peers.py` says how each
library is used, `README.md` how to read the tables.
"""

import argparse
import json
import os
import platform
import queue
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from datetime import date
from pathlib import Path

import numpy as np
from kernel_peers import PEERS, make_data, oracle_gram
from kernel_report import render_console, render_readme
from setup_peers import ENVIRONMENTS, interpreter, named_paths

HERE = Path(__file__).resolve().parent
CASES = {"200x8": (200, 8), "1000x8": (1000, 8), "200x12": (200, 12), "500x16": (500, 16)}
TOLERANCE = 2e-5  # complex64 states: about 1e-6 is expected
SETTLE = 0.25  # seconds; OpenBLAS's threads spin for a tenth of one after their last product
THREAD_VARIABLES = (
    "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "QULACS_NUM_THREADS",
    "RAYON_NUM_THREADS", "TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS", "NPROC",
)


class PeerError(Exception):
    """A peer failed or took too long; the message goes into the table."""


class Worker:
    """A peer's process and the pipe to it."""

    def __init__(self, name, python, threads, log):
        self.name = name
        environment = dict(os.environ, **dict.fromkeys(THREAD_VARIABLES, str(threads)))
        if threads == 1:
            flags = "--xla_cpu_multi_thread_eigen=false"
            environment["XLA_FLAGS"] = f"{environment.get('XLA_FLAGS', '')} {flags}".strip()
        if PEERS[name].environment == "skquantum":
            paths = [str(HERE.parent), environment.get("PYTHONPATH")]
            environment["PYTHONPATH"] = os.pathsep.join(filter(None, paths))
        else:
            environment.pop("PYTHONPATH", None)
        with open(log, "w") as errors:
            self.process = subprocess.Popen(
                [python, str(HERE / "kernel_worker.py"), name, str(threads)],
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors, text=True,
                env=environment)
        self.replies = queue.Queue()
        threading.Thread(target=self._listen, daemon=True).start()

    def _listen(self):
        for line in self.process.stdout:
            self.replies.put(line)
        self.replies.put(None)

    def ask(self, timeout, do, **request):
        """Send a request and return the reply; a peer that fails or is late is stopped."""
        try:
            self.process.stdin.write(json.dumps({"do": do, **request}) + "\n")
            self.process.stdin.flush()
            line = self.replies.get(timeout=timeout)
        except queue.Empty:
            self.stop()
            raise PeerError(f"over {timeout:g} s, skipped") from None
        except BrokenPipeError:
            line = None
        if line is None:
            raise PeerError("the process ended")
        reply = json.loads(line)
        if "error" in reply:
            raise PeerError(reply["error"])
        return reply

    def stop(self):
        self.process.kill()
        self.process.wait()


class Benchmark:
    """All peers on all cases."""

    def __init__(self, options, pythons, scratch):
        self.options = options
        self.pythons = pythons
        self.scratch = Path(scratch)
        self.workers = {}
        self.versions = {}
        self.seed = 1  # 0 is the checked data set

    def start(self, name):
        """Start a peer's process if it does not run; a reply means that Python and NumPy do."""
        if name in self.workers and self.workers[name].process.poll() is None:
            return self.workers[name]
        python = self.pythons.get(PEERS[name].environment)
        if python is None or shutil.which(python) is None:
            raise PeerError(f"no interpreter for {PEERS[name].environment!r}")
        log = self.scratch / f"{name}.log"
        self.workers[name] = worker = Worker(name, python, self.options.threads, log)
        versions = worker.ask(self.options.time_limit, "hello")["versions"]
        self.versions.setdefault(PEERS[name].environment, {}).update(versions)
        return worker

    def call(self, worker, case, n_calls, **extra):
        """Run a peer on rows it has not seen yet and return the seconds of each call."""
        n_samples, n_qubits = CASES[case]
        seeds = extra.pop("seeds", list(range(self.seed, self.seed + n_calls)))
        self.seed += n_calls
        limit = self.options.time_limit * n_calls
        return worker.ask(limit, "run", seeds=seeds, n_samples=n_samples, n_qubits=n_qubits,
                          **extra)["seconds"]

    def check(self, name, case, exact):
        """Prepare a peer, time its first call and compare the result with the oracle."""
        worker = self.start(name)
        path = self.scratch / f"{name}.npy"
        prepare = worker.ask(self.options.time_limit, "prepare", n_qubits=CASES[case][1])
        first = self.call(worker, case, 1, seeds=[0], save=str(path))[0]
        result = np.load(path)
        path.unlink()
        if PEERS[name].bound:  # one triangle of overlaps rather than fidelities
            result, exact = np.triu(np.abs(result) ** 2), np.triu(exact)
        deviation = float(np.abs(result - exact).max())
        row = {"first_call": prepare["seconds"] + first, "deviation": deviation, "seconds": []}
        if not deviation < TOLERANCE:
            row["error"] = f"wrong: differs by {deviation:.1e}"
        # The first call may have compiled: the next one says what a call costs.
        elif first < self.options.budget:
            row["estimate"] = self.call(worker, case, 1)[0]
        else:
            row["estimate"] = first
        return row

    def measure(self, rows, case):
        """Go round all peers until each has its rounds, or has used its budget of time."""
        for done in range(self.options.rounds):
            for name, row in rows.items():
                estimate = row.get("estimate")
                spent = sum(row["seconds"])
                if "error" in row or (done and spent + estimate > self.options.budget):
                    continue
                # A quick peer's caches went cold while the others ran: its first calls of a
                # round warm up and do not count.
                warm, timed = (2, 5) if estimate < 0.2 else (0, 1)
                time.sleep(SETTLE)
                try:
                    seconds = self.call(self.workers[name], case, warm + timed)
                except PeerError as error:
                    row["error"] = str(error)
                    continue
                row["seconds"] += seconds[warm:]
        for row in rows.values():
            if row["seconds"]:
                row["median"] = statistics.median(row["seconds"])

    def run_case(self, case):
        exact = oracle_gram(make_data(0, *CASES[case]))
        rows = {}
        for name in self.options.peers:
            try:
                rows[name] = self.check(name, case, exact)
                state = rows[name].get("error") or f"differs by {rows[name]['deviation']:.1e}"
            except PeerError as error:
                rows[name] = {"error": str(error), "seconds": []}
                state = str(error)
            print(f"{case}: {PEERS[name].label}: {state}", file=sys.stderr, flush=True)
        self.measure(rows, case)
        return rows

    def stop(self):
        for worker in self.workers.values():
            worker.stop()


def machine():
    """Describe the machine in one line."""
    name = platform.processor() or platform.machine()
    info = Path("/proc/cpuinfo")
    if info.exists():
        lines = info.read_text().splitlines()
        name = next((x.split(":", 1)[1].strip() for x in lines if x.startswith("model name")),
                    name)
    return f"{name}, {os.cpu_count()} cores, {platform.system()}"


def find_pythons(arguments):
    """Return the interpreter of each environment that there is."""
    pythons = {name: str(interpreter(name)) for name in ENVIRONMENTS if interpreter(name).exists()}
    pythons.setdefault("skquantum", sys.executable)
    return {**pythons, **named_paths(arguments.python)}


def names_of(text, known, parser, option):
    names = text.split(",") if text else list(known)
    unknown = sorted(set(names) - set(known))
    if unknown:
        parser.error(f"{option}: unknown {', '.join(unknown)}; there are {', '.join(known)}")
    return names


def parse():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--threads", type=int, default=os.cpu_count(), metavar="N",
                        help="threads and processors each peer may use (default: all)")
    parser.add_argument("--cases", metavar="A,B", help=f"of {', '.join(CASES)}")
    parser.add_argument("--peers", metavar="A,B", help=f"of {', '.join(PEERS)}")
    parser.add_argument("--python", action="append", default=[], metavar="NAME=PATH",
                        help=f"interpreter of an environment ({', '.join(ENVIRONMENTS)})")
    parser.add_argument("--rounds", type=int, default=15, metavar="N",
                        help="rounds through all peers (default: 15)")
    parser.add_argument("--budget", type=float, default=30, metavar="S",
                        help="seconds of measuring per peer and case (default: 30)")
    parser.add_argument("--time-limit", type=float, default=120, metavar="S",
                        help="longest a single call may take (default: 120)")
    parser.add_argument("--json", metavar="PATH", help="write all measured times there")
    parser.add_argument("--update-readme", action="store_true",
                        help="write the tables into benchmarks/README.md")
    options = parser.parse_args()
    options.cases = names_of(options.cases, CASES, parser, "--cases")
    options.peers = names_of(options.peers, PEERS, parser, "--peers")
    if min(options.threads, options.rounds) < 1:
        parser.error("--threads and --rounds must be at least 1")
    return options


def run(options):
    """Measure all cases; what is finished is kept when the user interrupts."""
    results = {"date": date.today().isoformat(), "machine": machine(),
               "threads": options.threads, "cases": {}}
    with tempfile.TemporaryDirectory() as scratch:
        benchmark = Benchmark(options, find_pythons(options), scratch)
        results["versions"] = benchmark.versions
        try:
            for case in options.cases:
                results["cases"][case] = benchmark.run_case(case)
                if options.json:
                    Path(options.json).write_text(json.dumps(results, indent=1) + "\n")
        except KeyboardInterrupt:
            print("interrupted: the tables hold what was finished", file=sys.stderr)
        finally:
            benchmark.stop()
        for name in benchmark.workers:
            if any("error" in rows[name] for rows in results["cases"].values()):
                log = (benchmark.scratch / f"{name}.log").read_text()
                print(f"--- {name}\n{log[-2000:]}", file=sys.stderr)
    return results


def main():
    options = parse()
    results = run(options)
    print(render_console(results))
    if options.update_readme:
        readme = HERE / "README.md"
        readme.write_text(render_readme(readme.read_text(), results))


if __name__ == "__main__":
    main()
