"""Compare this package with the fastest peers everywhere, in one table of ratios.

    python benchmarks/speed/setup_peers.py skquantum peers    # once
    python benchmarks/speed/run.py --quick                    # in under ten minutes
    python benchmarks/speed/run.py --quick --threads 1 --update-readme

Runs the scripts of the hot paths (kernels, gradients, recurrent cells, noise) with the peers of
the environment `peers` that were fastest anywhere. A ratio is the median of the fastest peer by
that of this package, in the same run; equality is checked first, as each script does.
Without --quick each script measures as long as it does by itself.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from harness import machine
from tables import OWN, duration, factor, markdown, plain, ranked, update_readme

HERE = Path(__file__).resolve().parent
TARGET = 1.5
SCRIPTS = {
    "kernels": ("tensorcircuit", "tensorcircuit_blas"),
    "gradients": ("pennylane_jax", "tensorcircuit_cotengra"),
    "qlstm": ("pennylane_jax",),
    "noise": ("pennylane_jax", "pennylane_broadcast"),
}
CASES = {"qlstm": ("chen", "wide", "folded")}
QUICK = ("--rounds", "3", "--budget", "3")


def measure(script, threads, quick, scratch):
    """Run a script and return its results by case."""
    path = Path(scratch) / f"{script}{threads}.json"
    command = [sys.executable, str(HERE / f"{script}.py"), "--threads", str(threads)]
    command += ["--peers", ",".join([OWN, *SCRIPTS[script]]), "--json", str(path)]
    if script in CASES:
        command += ["--cases", ",".join(CASES[script])]
    subprocess.run(command + list(QUICK if quick else ()), check=True, stdout=subprocess.DEVNULL)
    return json.loads(path.read_text())["cases"]


def row(script, case, found):
    """Return a line of the table: times of this package, and ratios to the fastest peer."""
    cells = [script, case]
    own = []
    for results in found:
        rows = results.get(case, {})
        peers = [name for name in ranked(rows) if name != OWN and "median" in rows[name]]
        if not peers or "median" not in rows.get(OWN, {}):
            cells += ["–", "–"]
            own.append(None)
            continue
        ratio = factor(rows, peers[0])
        own.append(rows[OWN]["median"])
        mark = "" if ratio >= TARGET else " behind" if ratio < 1 else " *"
        cells += [duration(own[-1]), f"{ratio:.2f}{mark} ({peers[0]})"]
    if len(own) > 1:
        cells.append(f"{own[0] / own[-1]:.2f}" if None not in own else "–")
    return cells


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--quick", action="store_true", help="three rounds, three seconds a peer")
    parser.add_argument(
        "--threads",
        type=int,
        nargs="+",
        default=sorted({1, os.cpu_count()}),
        help="numbers of threads (default: one, and as many as there are cores)",
    )
    parser.add_argument("--scripts", nargs="+", choices=SCRIPTS, default=list(SCRIPTS))
    parser.add_argument("--update-readme", action="store_true")
    options = parser.parse_args()
    head = ["", "case"]
    for threads in options.threads:
        head += [f"{threads} threads" if threads > 1 else "1 thread", "fastest peer / ours"]
    if len(options.threads) > 1:
        head.append(f"{options.threads[-1]} threads against {options.threads[0]}")
    body = []
    with tempfile.TemporaryDirectory() as scratch:
        for script in options.scripts:
            found = [measure(script, n, options.quick, scratch) for n in options.threads]
            body += [row(script, case, found) for case in found[0]]
            print(plain(head, body), end="\n\n", flush=True)
    if options.update_readme:
        update_readme("run.py", [machine(), markdown(head, body)])


if __name__ == "__main__":
    main()
