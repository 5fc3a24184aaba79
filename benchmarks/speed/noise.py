"""Measure expectation values under noise against other libraries.

    python benchmarks/speed/setup_peers.py      # once: one environment per group of peers
    python benchmarks/speed/noise.py            # measure, print the tables
    python benchmarks/speed/noise.py --update-readme

A call is every Z of 100 rows under depolarizing noise, exactly. `noise_peers.py` says how each
library is used, `README.md` how to read the tables.
"""

import numpy as np
from harness import Task, parse_task, run
from noise_peers import CASES, PEERS, STANDARD_ERROR, inputs, oracle
from tables import Report, update_readme


class Noise(Task):
    """The oracle of `noise_peers` and how far a peer may be from it."""

    module = "noise_peers"
    peers = PEERS
    cases = CASES
    tolerance = 2e-5
    rising = True

    def exact(self, case):
        return oracle(CASES[case], *inputs(None, case, 0))

    def deviation(self, peer, result, exact):
        worst = np.abs(result[0] - exact).max()
        # What chance explains is no error: none of some hundred numbers is beyond six sigma.
        return max(0, worst - 6 * STANDARD_ERROR) if peer is PEERS["trajectories"] else worst


def main():
    options = parse_task(Noise(), __doc__)
    results = run(Noise(), options)
    report = Report(PEERS, lambda case: f"({case}) {CASES[case].title}")
    print(report.console(results))
    if options.update_readme:
        update_readme("noise.py", report.readme(results))


if __name__ == "__main__":
    main()
