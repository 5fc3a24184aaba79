"""Measure the fidelity-kernel Gram matrix of the ZZ feature map against other libraries.

    python benchmarks/speed/setup_peers.py      # once: one environment per group of peers
    python benchmarks/speed/kernels.py          # measure, print the tables
    python benchmarks/speed/kernels.py --update-readme

Every peer is a process of its own, in the environment of its library. First each Gram matrix is
compared with an oracle in complex128; then all peers are loaded and measured in turn, round by
round, so that a disturbance of the machine hits all of them. `kernel_peers.py` says how each
library is used, `README.md` how to read the tables.
"""

import numpy as np
from harness import Task, parse_task, run
from kernel_peers import CASES, PEERS, make_data, oracle_gram
from tables import Report, factor, update_readme

BOUND = "cherk"
SWEEP = "qsim"


class Kernels(Task):
    """The oracle of `kernel_peers` and how far a peer may be from it."""

    module = "kernel_peers"
    peers = PEERS
    cases = CASES
    tolerance = 2e-5  # complex64 states: about 1e-6 is expected

    def exact(self, case):
        return oracle_gram(make_data(0, *CASES[case]))

    def deviation(self, peer, result, exact):
        (gram,) = result
        if peer.bound:  # one triangle of overlaps rather than fidelities
            gram, exact = np.triu(np.abs(gram) ** 2), np.triu(exact)
        return np.abs(gram - exact).max()


def title(case):
    n_samples, n_qubits = CASES[case]
    return f"N = {n_samples}, {n_qubits} qubits"


def note(rows):
    """Compare this package with the sweep and with the bare product."""
    parts = []
    if "median" in rows.get(SWEEP, {}):
        parts.append(f"{factor(rows, SWEEP):.3g} times as fast as {PEERS[SWEEP].label}")
    if "median" in rows.get(BOUND, {}):
        parts.append(f"{1 / factor(rows, BOUND):.2f} times the bare product's time")
    return parts


def main():
    options = parse_task(Kernels(), __doc__)
    results = run(Kernels(), options)
    report = Report(PEERS, title, note)
    print(report.console(results))
    if options.update_readme:
        update_readme("kernels.py", report.readme(results))


if __name__ == "__main__":
    main()
