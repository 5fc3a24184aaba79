"""What the benchmarks of this package against other libraries share.

A benchmark has a module of peers, which runs in the environment of each library, and a `Task`,
which holds what only the driver needs: the oracle and how far a result may be from it. Each peer
is a process of its own (`worker.py`). First each result is compared with the oracle; then all
peers are measured in turn, round by round, so that a disturbance of the machine hits all of them.

A module of peers offers ``CASES``, ``PEERS``, ``prepare(peer, case, threads) -> call`` and
``inputs(peer, case, seed) -> tuple``: the worker times ``call(*inputs)``.
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
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np

HERE = Path(__file__).resolve().parent
SETTLE = 0.25  # seconds; OpenBLAS's threads spin for a tenth of one after their last product
THREAD_VARIABLES = (
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "QULACS_NUM_THREADS",
    "RAYON_NUM_THREADS",
    "TF_NUM_INTRAOP_THREADS",
    "TF_NUM_INTEROP_THREADS",
    "NPROC",
)


@dataclass(frozen=True)
class Peer:
    """One row of a table.

    Attributes
    ----------
    label : str
        The row's name.
    environment : str
        Which interpreter runs it: ``environments/<environment>.txt`` lists what it needs.
    prepare : callable
        The adapter.
    packages : tuple of str
        Distributions whose versions are reported.
    """

    label: str
    environment: str
    prepare: Callable[..., Any]
    packages: tuple[str, ...]


class PeerError(Exception):
    """A peer failed or took too long; the message goes into the table."""


class LateError(PeerError):
    """A peer took too long."""


class Task:
    """What a benchmark's driver knows beyond its module of peers.

    Attributes
    ----------
    module : str
        Name of the module of peers.
    peers, cases : dict
        Its ``PEERS`` and ``CASES``.
    tolerance : float
        A peer whose result deviates by more is not timed.
    rising : bool
        Whether the cases are in the order of their cost. A peer that is too slow for one case is
        then not tried on those that follow.
    """

    module: str
    peers: dict[str, Peer]
    cases: dict[str, Any]
    tolerance: float
    rising = False

    def exact(self, case):
        """Return the oracle's result for the checked inputs, those of seed 0."""
        raise NotImplementedError

    def deviation(self, peer, result, exact):
        """Return how far a result, a list of arrays, is from the oracle's."""
        raise NotImplementedError


def peer_environment(peer, threads):
    """Return the environment variables for a peer's process."""
    environment = dict(os.environ, **dict.fromkeys(THREAD_VARIABLES, str(threads)))
    if threads == 1:
        flags = "--xla_cpu_multi_thread_eigen=false"
        environment["XLA_FLAGS"] = f"{environment.get('XLA_FLAGS', '')} {flags}".strip()
    if peer.environment == "skquantum":
        paths = [str(HERE.parents[1]), environment.get("PYTHONPATH")]
        environment["PYTHONPATH"] = os.pathsep.join(filter(None, paths))
    else:
        environment.pop("PYTHONPATH", None)
    return environment


def peer_python(peer, pythons):
    """Return the interpreter of a peer's environment."""
    python = pythons.get(peer.environment)
    if python is None or shutil.which(python) is None:
        raise PeerError(f"no interpreter for {peer.environment!r}")
    return python


class Process:
    """A peer's process and the pipe to it."""

    def __init__(self, module, name, peer, python, threads, log):
        command = [python, str(HERE / "worker.py"), module, name, str(threads)]
        with open(log, "w") as errors:
            self.process = subprocess.Popen(
                command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
                text=True,
                env=peer_environment(peer, threads),
            )
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
            raise LateError(f"over {timeout:g} s, skipped") from None
        except BrokenPipeError:
            line = None
        if line is None:
            raise PeerError("the process ended")
        reply = json.loads(line)
        if "error" in reply:
            raise PeerError(reply["error"])
        return reply

    def runs(self):
        return self.process.poll() is None

    def stop(self):
        self.process.kill()
        self.process.wait()


class Benchmark:
    """All peers on all cases."""

    def __init__(self, task, options, pythons, scratch):
        self.task = task
        self.options = options
        self.pythons = pythons
        self.scratch = Path(scratch)
        self.processes = {}
        self.versions = {}
        self.late = {}
        self.seed = 1  # 0 is that of the checked inputs

    def start(self, name):
        """Start a peer's process if it does not run; a reply means that Python and NumPy do."""
        if name in self.processes and self.processes[name].runs():
            return self.processes[name]
        peer = self.task.peers[name]
        python = peer_python(peer, self.pythons)
        log = self.scratch / f"{name}.log"
        process = Process(self.task.module, name, peer, python, self.options.threads, log)
        self.processes[name] = process
        versions = process.ask(self.options.time_limit, "hello")["versions"]
        self.versions.setdefault(peer.environment, {}).update(versions)
        return process

    def call(self, name, case, n_calls, **extra):
        """Run a peer on inputs it has not seen yet and return the seconds of each call."""
        seeds = extra.pop("seeds", list(range(self.seed, self.seed + n_calls)))
        self.seed += n_calls
        limit = self.options.time_limit * n_calls
        return self.processes[name].ask(limit, "run", case=case, seeds=seeds, **extra)["seconds"]

    def check(self, name, case, exact):
        """Prepare a peer, time its first call and compare the result with the oracle."""
        if self.task.rising and name in self.late:
            raise PeerError(self.late[name])
        process = self.start(name)
        path = self.scratch / f"{name}.npz"
        prepare = process.ask(self.options.time_limit, "prepare", case=case)
        first = self.call(name, case, 1, seeds=[0], save=str(path))[0]
        with np.load(path) as stored:
            result = [stored[key] for key in stored.files]
        path.unlink()
        deviation = float(self.task.deviation(self.task.peers[name], result, exact))
        row = {"first_call": prepare["seconds"] + first, "deviation": deviation, "seconds": []}
        if not deviation < self.task.tolerance:
            row["error"] = f"wrong: differs by {deviation:.1e}"
            return row
        # The first call may have compiled: the next one says what a call costs.
        row["estimate"] = self.call(name, case, 1)[0]
        if row["estimate"] > self.options.budget:
            row["seconds"].append(row["estimate"])  # there will be no other
        return row

    def measure(self, rows, case):
        """Go round all peers until each has its rounds, or has used its budget of time."""
        for _ in range(self.options.rounds):
            for name, row in rows.items():
                estimate = row.get("estimate")
                spent = sum(row["seconds"])
                if "error" in row or (spent and spent + estimate > self.options.budget):
                    continue
                warm, timed = calls_of_round(estimate)
                time.sleep(SETTLE)
                try:
                    seconds = self.call(name, case, warm + timed)
                except PeerError as error:
                    row["error"] = str(error)
                    continue
                row["seconds"] += seconds[warm:]
        for row in rows.values():
            if row["seconds"]:
                row["median"] = statistics.median(row["seconds"])

    def run_case(self, case):
        exact = self.task.exact(case)
        rows = {}
        for name in self.options.peers:
            try:
                rows[name] = self.check(name, case, exact)
                state = rows[name].get("error") or f"differs by {rows[name]['deviation']:.1e}"
            except PeerError as error:
                if isinstance(error, LateError):
                    self.late[name] = f"{error} (case {case})"
                rows[name] = {"error": str(error), "seconds": []}
                state = str(error)
            label = self.task.peers[name].label
            print(f"{case}: {label}: {state}", file=sys.stderr, flush=True)
        self.measure(rows, case)
        return rows

    def stop(self):
        for process in self.processes.values():
            process.stop()


def calls_of_round(estimate):
    """Return how many calls warm a peer up in a round, and how many are timed.

    The caches of a quick peer went cold while the others ran.
    """
    if estimate >= 0.2:
        return 0, 1
    timed = min(50, max(5, int(0.1 / estimate)))
    return max(2, timed // 5), timed


def machine():
    """Describe the machine in one line."""
    name = platform.processor() or platform.machine()
    info = Path("/proc/cpuinfo")
    if info.exists():
        lines = info.read_text().splitlines()
        models = (x.split(":", 1)[1].strip() for x in lines if x.startswith("model name"))
        name = next(models, name)
    return f"{name}, {os.cpu_count()} cores, {platform.system()}"


def find_pythons(arguments):
    """Return the interpreter of each environment that there is."""
    from setup_peers import ENVIRONMENTS, interpreter, named_paths

    pythons = {name: str(interpreter(name)) for name in ENVIRONMENTS if interpreter(name).exists()}
    pythons.setdefault("skquantum", sys.executable)
    return {**pythons, **named_paths(arguments)}


def names_of(text, known, parser, option):
    """Return the names in an option, all known ones by default."""
    names = text.split(",") if text else list(known)
    unknown = sorted(set(names) - set(known))
    if unknown:
        parser.error(f"{option}: unknown {', '.join(unknown)}; there are {', '.join(known)}")
    return names


def make_parser(description, peers, rounds):
    """Return a parser of the options that all benchmarks have."""
    from setup_peers import ENVIRONMENTS

    parser = argparse.ArgumentParser(
        description=description, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = parser.add_argument
    add(
        "--threads",
        type=int,
        default=os.cpu_count(),
        metavar="N",
        help="threads and processors each peer may use (default: all)",
    )
    add("--peers", metavar="A,B", help=f"of {', '.join(peers)}")
    add(
        "--python",
        action="append",
        default=[],
        metavar="NAME=PATH",
        help=f"interpreter of an environment ({', '.join(ENVIRONMENTS)})",
    )
    add(
        "--rounds",
        type=int,
        default=rounds,
        metavar="N",
        help=f"rounds through all peers (default: {rounds})",
    )
    add(
        "--time-limit",
        type=float,
        default=120,
        metavar="S",
        help="longest a single call may take (default: 120)",
    )
    add("--json", metavar="PATH", help="write all measured times there")
    add(
        "--update-readme",
        action="store_true",
        help="write the tables into benchmarks/README.md",
    )
    return parser


def parse(parser, peers):
    """Parse and check the options of `make_parser`."""
    options = parser.parse_args()
    options.peers = names_of(options.peers, peers, parser, "--peers")
    if min(options.threads, options.rounds) < 1:
        parser.error("--threads and --rounds must be at least 1")
    return options


def parse_task(task, description, rounds=15):
    """Return the options of a benchmark with cases."""
    parser = make_parser(description, task.peers, rounds)
    parser.add_argument("--cases", metavar="A,B", help=f"of {', '.join(task.cases)}")
    parser.add_argument(
        "--budget",
        type=float,
        default=30,
        metavar="S",
        help="seconds of measuring per peer and case (default: 30)",
    )
    options = parse(parser, task.peers)
    options.cases = names_of(options.cases, task.cases, parser, "--cases")
    return options


def start_results(options):
    """Return the head of a benchmark's results."""
    return {
        "date": date.today().isoformat(),
        "machine": machine(),
        "threads": options.threads,
        "versions": {},
        "cases": {},
    }


def save_results(options, results):
    """Write the results where the options say."""
    if options.json:
        Path(options.json).write_text(json.dumps(results, indent=1) + "\n")


def run(task, options):
    """Measure all cases; what is finished is kept when the user interrupts."""
    results = start_results(options)
    with tempfile.TemporaryDirectory() as scratch:
        benchmark = Benchmark(task, options, find_pythons(options.python), scratch)
        results["versions"] = benchmark.versions
        try:
            for case in options.cases:
                results["cases"][case] = benchmark.run_case(case)
                save_results(options, results)
        except KeyboardInterrupt:
            print("interrupted: the tables hold what was finished", file=sys.stderr)
        finally:
            benchmark.stop()
        for name in benchmark.processes:
            if any("error" in rows.get(name, ()) for rows in results["cases"].values()):
                log = (benchmark.scratch / f"{name}.log").read_text()
                print(f"--- {name}\n{log[-2000:]}", file=sys.stderr)
    return results
