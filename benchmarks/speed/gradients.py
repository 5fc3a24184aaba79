"""Measure the loss and the gradient of a trainable circuit against other libraries.

    python benchmarks/speed/setup_peers.py      # once: one environment per group of peers
    python benchmarks/speed/gradients.py        # measure, print the tables
    python benchmarks/speed/gradients.py --update-readme

A call is one training step without its optimiser: 100 rows, mean squared error of every Z, the
gradient for all weights. `gradient_peers.py` says how each library is used, `README.md` how to
read the tables, `profile.md` where this package's time goes.
"""

import numpy as np
from gradient_peers import CASES, PEERS, inputs, oracle_forward, oracle_gradient
from harness import Task, parse_task, run
from tables import Report, update_readme


class Gradients(Task):
    """The oracle of `gradient_peers` and how far a peer may be from it."""

    module = "gradient_peers"
    peers = PEERS
    cases = CASES
    # Of the largest derivative. Single precision leaves about 1e-6, but TensorFlow Quantum takes
    # the derivatives of gates by finite differences, which leaves 1e-4.
    tolerance = 5e-4
    rising = True

    def exact(self, case):
        size = CASES[case]
        X, targets, weights = inputs(None, case, 0)
        outputs, states = oracle_forward(size, X, weights)
        residuals = outputs - targets
        cotangent = 2 / residuals.size * residuals
        gradient = oracle_gradient(size, X, weights, states, cotangent)
        # The oracle itself, against the definition of a derivative.
        step = 1e-5 * np.random.default_rng(0).normal(size=weights.shape)
        ahead, behind = (
            np.mean((oracle_forward(size, X, weights + sign * step)[0] - targets) ** 2)
            for sign in (1, -1)
        )
        if not np.isclose((ahead - behind) / 2, np.vdot(step, gradient), rtol=1e-5, atol=0):
            raise AssertionError("the oracle's gradient is not that of its loss")
        return np.mean(residuals**2), gradient

    def deviation(self, peer, result, exact):
        loss, gradient = result
        differences = np.abs(gradient.ravel() - exact[1].ravel())
        return max(abs(loss - exact[0]) / exact[0], differences.max() / np.abs(exact[1]).max())


def main():
    options = parse_task(Gradients(), __doc__)
    results = run(Gradients(), options)
    report = Report(PEERS, lambda case: f"({case}) {CASES[case].title}")
    print(report.console(results))
    if options.update_readme:
        update_readme("gradients.py", report.readme(results))


if __name__ == "__main__":
    main()
