"""Measure a whole fit, from the first import to the fitted model, against other libraries.

    python benchmarks/speed/setup_peers.py      # once: one environment per group of peers
    python benchmarks/speed/training.py         # measure, print the table
    python benchmarks/speed/training.py --update-readme

Every measurement is a new process: it imports its library, builds the model, compiles what it
compiles, and trains; then it trains once more on other data. All peers are measured in turn, round
by round. All start from the same parameters; the loss at every step is compared with an oracle's
in complex128. `training_peers.py` says how each library is used.
"""

import json
import statistics
import subprocess
import sys

import numpy as np
import training_peers
from harness import (
    HERE,
    PeerError,
    find_pythons,
    make_parser,
    parse,
    peer_environment,
    peer_python,
    save_results,
    start_results,
)
from tables import OWN, conditions, duration, markdown, plain, ranked, reason, update_readme

TOLERANCE = 1e-3  # of the loss, at any step; single precision leaves about 1e-5


def fit(module, name, python, options):
    """Fit a peer in a new process and return its reply."""
    worker = [str(HERE / "training_worker.py"), module.__name__, name, str(options.threads)]
    try:
        done = subprocess.run(
            [python, *worker],
            capture_output=True,
            text=True,
            timeout=options.time_limit,
            env=peer_environment(module.PEERS[name], options.threads),
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise PeerError(f"over {options.time_limit:g} s, skipped") from None
    if done.returncode:
        print(f"--- {name}\n{done.stderr[-2000:]}", file=sys.stderr)
        raise PeerError((done.stderr.strip().splitlines() or ["failed"])[-1])
    return json.loads(done.stdout)


def measure(module, name, row, python, options, exact):
    """Add a measurement to a peer's row."""
    reply = fit(module, name, python, options)
    row["deviation"] = float(np.abs(np.subtract(reply["losses"], exact)).max())
    if not row["deviation"] < TOLERANCE:
        raise PeerError(f"wrong: differs by {row['deviation']:.1e}")
    row["seconds"].append(reply["total"])
    for key in ("import", "first", "second"):
        if reply[key] is not None:
            row[key].append(reply[key])
    return reply["versions"]


def run(module, options):
    """Go round all peers of a module of fits; a slow one gets fewer rounds."""
    results = start_results(options)
    pythons = find_pythons(options.python)
    exact = module.oracle(module.make_problem(0))
    rows = {
        name: {"seconds": [], "import": [], "first": [], "second": []} for name in options.peers
    }
    results["cases"]["fit"] = rows
    for done in range(options.rounds):
        for name, row in rows.items():
            spent = sum(row["seconds"] + row["second"])
            if "error" in row or (done > 1 and spent * (1 + 1 / done) > options.budget):
                continue
            try:
                peer = module.PEERS[name]
                python = peer_python(peer, pythons)
                versions = measure(module, name, row, python, options, exact)
                results["versions"].setdefault(peer.environment, {}).update(versions)
            except PeerError as error:
                row["error"] = str(error)
            state = row.get("error") or duration(row["seconds"][-1])
            label = module.PEERS[name].label
            print(f"round {done + 1}: {label}: {state}", file=sys.stderr, flush=True)
        save_results(options, results)
    for row in rows.values():
        if row["seconds"] and "error" not in row:
            row["median"] = statistics.median(row["seconds"])
    save_results(options, results)
    return results


def table(peers, rows):
    """Return header and body of the table as lists of strings."""
    head = [
        "",
        "first import to fitted model",
        "of it imports",
        "of it the fit",
        "second fit",
        "processes",
        "loss differs from oracle by",
    ]
    body = []
    for name in ranked(rows):
        row = rows[name]
        cells = [reason(row), "", "", "", ""]
        if "median" in row:
            cells = [compared(rows, name, key) for key in ("seconds", "import", "first", "second")]
            cells.append(str(len(row["seconds"])))
        deviation = f"{row['deviation']:.0e}" if "deviation" in row else ""
        body.append([peers[name].label, *cells, deviation])
    return head, body


def compared(rows, name, key):
    """Return a peer's median time, and how many times this package's it is."""
    if not rows[name][key]:
        return ""
    own, seconds = (rows.get(n, {}).get(key) for n in (OWN, name))
    median = statistics.median(seconds)
    ratio = f" (x{median / statistics.median(own):.3g})" if own else ""
    return duration(median) + ratio


def main():
    peers = training_peers.PEERS
    parser = make_parser(__doc__, peers, rounds=5)
    parser.add_argument(
        "--budget",
        type=float,
        default=120,
        metavar="S",
        help="seconds of measuring per peer, after two rounds (default: 120)",
    )
    options = parse(parser, peers)
    results = run(training_peers, options)
    head, body = table(peers, results["cases"]["fit"])
    print(f"{conditions(results)}\n\n{plain(head, body)}")
    if options.update_readme:
        update_readme("training.py", [conditions(results), markdown(head, body)])


if __name__ == "__main__":
    main()
