"""Measure quantum LSTM cells against other libraries: one training step, and a whole fit.

    python benchmarks/speed/setup_peers.py      # once: one environment per group of peers
    python benchmarks/speed/qlstm.py            # measure, print the tables
    python benchmarks/speed/qlstm.py --cases fit --rounds 3
    python benchmarks/speed/qlstm.py --update-readme

A step is the loss and its gradient for all parameters, without the optimiser. The case "fit" is a
new process for each measurement, from the first import to the model trained for 100 epochs.
`qlstm_peers.py` and `qlstm_training_peers.py` say how each library is used, `README.md` how to
read the tables.
"""

import copy

import numpy as np
import qlstm_training_peers
import training
from harness import Task, parse_task, run
from qlstm_peers import CASES, PEERS, inputs, oracle
from tables import Report, conditions, markdown, plain, update_readme

FIT = "fit"
FITS = 5  # most processes for each peer


class Steps(Task):
    """The oracle of `qlstm_peers` and how far a peer may be from it."""

    module = "qlstm_peers"
    peers = PEERS
    cases = {**CASES, FIT: None}
    tolerance = 1e-4  # of the largest derivative; single precision leaves about 1e-6

    def exact(self, case):
        size = CASES[case]
        X, targets, *parameters = inputs(None, case, 0)
        loss, *gradients = oracle(size, X, targets, *parameters)
        # The oracle itself, against the definition of a derivative.
        rng = np.random.default_rng(0)
        steps = [1e-5 * rng.normal(size=array.shape) for array in parameters]
        ahead, behind = (
            oracle(
                size, X, targets, *(p + sign * s for p, s in zip(parameters, steps, strict=True))
            )[0]
            for sign in (1, -1)
        )
        slope = sum(np.vdot(s, g) for s, g in zip(steps, gradients, strict=True))
        if not np.isclose((ahead - behind) / 2, slope, rtol=1e-5, atol=0):
            raise AssertionError("the oracle's gradient is not that of its loss")
        return loss, *gradients

    def deviation(self, peer, result, exact):
        loss, *gradients = result
        largest = max(np.abs(array).max() for array in exact[1:])
        differences = (np.abs(a - b).max() for a, b in zip(gradients, exact[1:], strict=True))
        return max(abs(loss - exact[0]) / exact[0], max(differences) / largest)


def run_fits(options):
    """Measure the whole fit of the peers that have one."""
    options = copy.copy(options)
    options.peers = [name for name in options.peers if name in qlstm_training_peers.PEERS]
    options.rounds = min(options.rounds, FITS)
    options.json = None
    return training.run(qlstm_training_peers, options)


def main():
    task = Steps()
    options = parse_task(task, __doc__)
    report = Report(PEERS, lambda case: f"({case}) {CASES[case].title}")
    parts = []
    with_fits = FIT in options.cases
    options.cases = [case for case in options.cases if case != FIT]
    if options.cases:
        results = run(task, options)
        print(report.console(results))
        parts += report.readme(results)
    if with_fits:
        results = run_fits(options)
        head, body = training.table(qlstm_training_peers.PEERS, results["cases"]["fit"])
        title = "(fit) The pendulum, 100 epochs, in a new process"
        print(f"\n{title}\n{conditions(results)}\n\n{plain(head, body)}")
        parts += [f"#### {title}", conditions(results), markdown(head, body)]
    if options.update_readme:
        update_readme("qlstm.py", parts)


if __name__ == "__main__":
    main()
