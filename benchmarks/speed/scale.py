"""Measure quantum kernels on a thousand to a million rows, beside scikit-learn's kernel features.

    python benchmarks/speed/scale.py                 # measure, print the tables
    python benchmarks/speed/scale.py --rows 1000 10000 --qubits 4 --update-readme

Each measurement is a process of its own, so that its peak memory is its own. `README.md` says
what is measured and how to read the tables.
"""

import argparse
import json
import resource
import subprocess
import sys
import time
from pathlib import Path

import cirq
import numpy as np
import qsimcirq
from harness import machine
from scipy.special import expit
from sklearn.kernel_approximation import Nystroem, RBFSampler
from sklearn.linear_model import SGDClassifier
from tables import update_readme

from skquantum import QuantumKernelClassifier
from skquantum.circuits import ReuploadingEncoding
from skquantum.execution import QsimBackend, ReferenceBackend
from skquantum.kernels import FidelityKernel

ROWS, QUBITS, LANDMARKS = (1_000, 10_000, 100_000, 1_000_000), (4, 8), (100, 500)
N_TEST = 20_000
BLOCK = 8192
# The Gaussian's is the best of four on other rows; the encoding's bandwidth is its default.
GAMMA = {4: 0.1, 8: 0.02}
METHODS = {
    "skquantum": "QuantumKernelClassifier",
    "nystroem": "Nystroem, RBF",
    "sampler": "RBFSampler",
    "sweep": "states by simulate_sweep, extrapolated",
}


def make_rows(n_rows, n_features, seed):
    """Return rows, labels drawn from known probabilities, and these probabilities."""
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n_rows, n_features))
    logit = 4 * (np.sin(1.5 * X[:, 0]) + X[:, 1] * X[:, 2] - np.cos(X[:, 3] + X[:, -1]))
    chance = expit(logit)
    return X, (rng.random(n_rows) < chance).astype(int), chance


def kernel(backend=None):
    return FidelityKernel(ReuploadingEncoding(), backend)


class OnFeatures:
    """The linear model of `QuantumKernelClassifier`, on features of scikit-learn's."""

    def __init__(self, features):
        self.features = features

    def fit(self, X, y):
        rng = np.random.default_rng(0)
        some = X[rng.permutation(len(X))[:20_000]]
        values = self.features.fit(some).transform(some)
        spread, vectors = np.linalg.eigh(values.T @ values / len(values))
        spread = np.sqrt(spread.clip(0) + 1e-4 * spread.sum())
        self.scaling = vectors / (spread * np.sqrt(len(spread)))
        self.linear = SGDClassifier("log_loss", alpha=1e-5, average=True, random_state=0)
        if 4 * len(X) * len(spread) <= 2**28:
            self.linear.fit(np.concatenate([self.scaled(rows) for rows in blocks(X)]), y)
            return self
        for _ in range(-(-(10**6) // len(X))):
            order = rng.permutation(len(X))
            for rows in blocks(order):
                self.linear.partial_fit(self.scaled(X[rows]), y[rows], [0, 1])
        return self

    def scaled(self, X):
        return (self.features.transform(X) @ self.scaling).astype(np.float32)

    def predict(self, X):
        return np.concatenate([self.linear.predict(self.scaled(rows)) for rows in blocks(X)])


def blocks(rows):
    return (rows[i : i + BLOCK] for i in range(0, len(rows), BLOCK))


def make_model(method, n_qubits, n_landmarks):
    if method == "skquantum":
        return QuantumKernelClassifier(kernel=kernel(), n_components=n_landmarks, random_state=0)
    gamma = GAMMA[n_qubits]
    if method == "nystroem":
        return OnFeatures(Nystroem(gamma=gamma, n_components=n_landmarks, random_state=0))
    return OnFeatures(RBFSampler(gamma=gamma, n_components=n_landmarks, random_state=0))


def check(n_qubits):
    """Compare kernel values with those of a simulation row by row in complex128."""
    X = make_rows(40, n_qubits, 2)[0]
    exact = kernel(ReferenceBackend()).fitted(X)(X[:20], X[20:])
    deviation = np.abs(kernel().fitted(X).against(X[20:])(X[:20]) - exact).max()
    assert deviation < 2e-5, deviation
    return float(deviation)


def sweep(n_rows, n_qubits, n_landmarks):
    """Time 100 states by `simulate_sweep` and their overlaps, and scale both up to all rows."""
    n_some = 100
    X = make_rows(n_some, n_qubits, 0)[0]
    encoding = ReuploadingEncoding().fitted(X)
    circuit, symbols = encoding.compiled(n_qubits)
    values = encoding.encode(X)
    simulator = qsimcirq.QSimSimulator()
    landmarks = QsimBackend().states(
        circuit, symbols, encoding.encode(make_rows(n_landmarks, n_qubits, 1)[0])
    )
    wall, cpu = time.perf_counter(), time.process_time()
    sweeps = [cirq.ParamResolver(dict(zip(map(str, symbols), row, strict=True))) for row in values]
    results = simulator.simulate_sweep(cirq.Circuit(circuit), sweeps)
    states = np.array([result.final_state_vector for result in results])
    np.abs(states.conj() @ landmarks.T) ** 2
    factor = n_rows / n_some
    return {
        "wall": factor * (time.perf_counter() - wall),
        "cpu": factor * (time.process_time() - cpu),
    }


def measure(method, n_rows, n_qubits, n_landmarks):
    if method == "sweep":
        return sweep(n_rows, n_qubits, n_landmarks)
    X, y, _ = make_rows(n_rows, n_qubits, 0)
    X_test, y_test, chance = make_rows(N_TEST, n_qubits, 1)
    deviation = check(n_qubits) if method == "skquantum" else None
    wall, cpu = time.perf_counter(), time.process_time()
    model = make_model(method, n_qubits, n_landmarks).fit(X, y)
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    return {
        "wall": wall,
        "cpu": cpu,
        "peak": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20,
        "accuracy": float((model.predict(X_test) == y_test).mean()),
        "best": float(np.maximum(chance, 1 - chance).mean()),
        "deviation": deviation,
    }


def table(results):
    """Return one table for each register and number of landmarks."""
    lines = []
    for n_qubits, n_landmarks in dict.fromkeys((r["qubits"], r["landmarks"]) for r in results):
        lines += [
            f"#### {n_qubits} features, {n_landmarks} landmarks",
            "",
            "| rows | | time (s) | CPU time (s) | peak memory (GiB) | accuracy |",
            "|---:|---|---:|---:|---:|---:|",
        ]
        for r in results:
            if (r["qubits"], r["landmarks"]) == (n_qubits, n_landmarks):
                rest = f"{r['peak']:.2f} | {r['accuracy']:.3f}" if "peak" in r else "– | –"
                lines.append(
                    f"| {r['rows']:,} | {METHODS[r['method']]} | {r['wall']:.3g} | "
                    f"{r['cpu']:.3g} | {rest} |"
                )
        lines.append("")
    best = {r["qubits"]: r["best"] for r in results if "best" in r}
    deviations = [r["deviation"] for r in results if r.get("deviation") is not None]
    known = ", ".join(f"{value:.3f} with {n} features" for n, value in best.items())
    lines.append(f"The best accuracy that any model could have is {known}.")
    if deviations:
        lines.append(f"Largest deviation of kernel values from complex128: {max(deviations):.1e}.")
    return "\n".join(lines)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--rows", type=int, nargs="+", default=ROWS)
    parser.add_argument("--qubits", type=int, nargs="+", choices=QUBITS, default=QUBITS)
    parser.add_argument("--landmarks", type=int, nargs="+", default=LANDMARKS)
    parser.add_argument("--methods", nargs="+", choices=METHODS, default=list(METHODS))
    parser.add_argument("--save", type=Path, help="file to which results are added as JSON lines")
    parser.add_argument("--load", type=Path, help="print the tables of results saved before")
    parser.add_argument("--update-readme", action="store_true")
    parser.add_argument("--one", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    cases = [
        {"method": method, "rows": n_rows, "qubits": n_qubits, "landmarks": n_landmarks}
        for n_qubits in options.qubits
        for n_landmarks in options.landmarks
        for n_rows in options.rows
        for method in options.methods
    ]
    if options.one:
        case = cases[0]
        print(json.dumps(measure(case["method"], case["rows"], case["qubits"], case["landmarks"])))
        return
    results = []
    if options.load:
        results, cases = [json.loads(line) for line in options.load.read_text().splitlines()], []
    for case in cases:
        arguments = [f"--{name}={case[name]}" for name in ("rows", "qubits", "landmarks")]
        command = [sys.executable, __file__, "--one", f"--methods={case['method']}", *arguments]
        output = subprocess.run(command, check=True, capture_output=True, text=True).stdout
        results.append(case | json.loads(output))
        print(json.dumps(results[-1]), flush=True)
        if options.save:
            with options.save.open("a") as file:
                print(json.dumps(results[-1]), file=file)
    print(table(results))
    if options.update_readme:
        update_readme("scale.py", [machine(), table(results)])


if __name__ == "__main__":
    main()
