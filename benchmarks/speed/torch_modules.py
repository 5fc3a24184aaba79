"""Measure a training step of a circuit as a module of PyTorch against other libraries' modules.

    python benchmarks/speed/setup_peers.py      # once: one environment per group of peers
    python benchmarks/speed/torch_modules.py    # measure, print the tables
    python benchmarks/speed/torch_modules.py --update-readme

Every loss and both gradients are compared with an oracle in complex128 first. `torch_peers.py`
says how each library is used, `README.md` how to read the tables.
"""

import numpy as np
from gradient_peers import oracle_forward, oracle_gradient
from harness import Task, parse_task, run
from tables import Report, update_readme
from torch_peers import CASES, PEERS, inputs, oracle_row_gradient


class Modules(Task):
    """The oracle, and how far a peer may be from it."""

    module = "torch_peers"
    peers = PEERS
    cases = {name: CASES[name] for name in ("a", "b", "d")}
    tolerance = 5e-5  # of the largest derivative: single precision leaves about 1e-6
    rising = True

    def exact(self, case):
        size = CASES[case]
        X, targets, weights = inputs(None, case, 0)
        outputs, states = oracle_forward(size, X, weights)
        residuals = outputs - targets
        parts = size, X, weights, states, 2 / residuals.size * residuals
        rows = oracle_row_gradient(*parts)
        step = 1e-5 * np.random.default_rng(0).normal(size=X.shape)
        ahead, behind = (
            np.mean((oracle_forward(size, X + sign * step, weights)[0] - targets) ** 2)
            for sign in (1, -1)
        )
        if not np.isclose((ahead - behind) / 2, np.vdot(step, rows), rtol=1e-5, atol=0):
            raise AssertionError("the oracle's gradient for the rows is not that of its loss")
        return np.mean(residuals**2), oracle_gradient(*parts), rows

    def deviation(self, peer, result, exact):
        loss, *gradients = result
        relative = [
            np.abs(found.ravel() - want.ravel()).max() / np.abs(want).max()
            for found, want in zip(gradients, exact[1:], strict=True)
        ]
        return max(abs(loss - exact[0]) / exact[0], *relative)


def main():
    options = parse_task(Modules(), __doc__)
    results = run(Modules(), options)
    report = Report(PEERS, lambda case: f"({case}) {CASES[case].title}")
    print(report.console(results))
    if options.update_readme:
        update_readme("torch_modules.py", report.readme(results))


if __name__ == "__main__":
    main()
