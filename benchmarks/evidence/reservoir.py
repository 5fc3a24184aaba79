"""Error and memory of a quantum reservoir, next to an echo state network and to lagged values.

    python benchmarks/evidence/reservoir.py              # print the tables, some minutes
    python benchmarks/evidence/reservoir.py --only narma2 --seeds 2
    python benchmarks/evidence/reservoir.py --write      # into docs/guide/sequences.rst

One long series: 500 steps of washout, 2000 to train a linear read-out by least squares, 1500 to
test it. Each kind of reservoir is drawn `--seeds` times; for each draw its settings are those
with the lowest error on the last 500 training steps, of a read-out of the 1500 before.
"""

import argparse
from itertools import product

import numpy as np
from qlstm import table, write
from sklearn.linear_model import LinearRegression
from threadpoolctl import threadpool_limits

from skquantum import QuantumReservoirTransformer
from skquantum.datasets import make_narma

WASHOUT, TRAINING, TEST, VALIDATION = 500, 2000, 1500, 500
LENGTH = WASHOUT + TRAINING + TEST
DELAYS = 60


def quantum(drive, seed, n_qubits, n_virtual_nodes, evolution_time, field):
    reservoir = QuantumReservoirTransformer(
        n_qubits,
        n_virtual_nodes,
        field=field,
        evolution_time=evolution_time,
        output="sequence",
        random_state=seed,
    )
    return reservoir.fit_transform(drive[None]).reshape(len(drive), -1)


def echo_state(drive, seed, n_nodes, spectral_radius, input_scale):
    """Return the states of an echo state network (Jaeger 2001) with biases."""
    rng = np.random.default_rng(seed)
    inner = rng.normal(size=(n_nodes, n_nodes))
    inner *= spectral_radius / abs(np.linalg.eigvals(inner)).max()
    enter, bias = input_scale * rng.uniform(-1, 1, (2, n_nodes))
    states = np.zeros((len(drive) + 1, n_nodes))
    for t, value in enumerate(drive):
        states[t + 1] = np.tanh(inner @ states[t] + enter * value + bias)
    return states[1:]


def lagged(drive, seed, n_lags):
    padded = np.concatenate([np.zeros(n_lags - 1), drive])
    return np.lib.stride_tricks.sliding_window_view(padded, n_lags)


def models():
    """Return for each name a function, what it always gets, and the settings to choose from."""
    times = {"evolution_time": [1.0, 2.0, 4.0, 8.0], "field": [0.5, 1.0]}
    echoes = {"spectral_radius": [0.6, 0.8, 0.95, 1.1], "input_scale": [0.1, 0.3, 1.0]}
    found = {}
    for n_qubits, n_nodes in ((5, 5), (6, 10)):
        number = n_qubits * n_nodes
        size = {"n_qubits": n_qubits, "n_virtual_nodes": n_nodes}
        name = f"reservoir of {n_qubits} qubits, {n_nodes} virtual nodes"
        found[name] = number, quantum, size, times
        found[f"echo state network of {number}"] = number, echo_state, {"n_nodes": number}, echoes
        found[f"linear, {number} lags"] = number, lagged, {"n_lags": number}, {}
    return found


def nmse(values, targets):
    """Return the mean squared error in units of the targets' variance, summed over targets."""
    return (np.mean((values - targets) ** 2, axis=0) / targets.var(axis=0)).sum()


def fitted(states, targets, n_rows, n_test):
    """Return what a read-out of rows after the washout says of those that follow, and these."""
    begin, end = WASHOUT + n_rows, WASHOUT + n_rows + n_test
    line = LinearRegression().fit(states[WASHOUT:begin], targets[WASHOUT:begin])
    return line.predict(states[begin:end]), targets[begin:end]


def best_states(make, fixed, grid, drive, targets, seed):
    """Return the states with the settings that are best on the end of the training steps."""
    found = []
    for values in product(*grid.values()):
        settings = fixed | dict(zip(grid, values, strict=True))
        states = make(drive, seed, **settings)
        found.append((nmse(*fitted(states, targets, TRAINING - VALIDATION, VALIDATION)), states))
    return min(found, key=lambda pair: pair[0])[1]


def scores(drive, targets, options, score):
    """Yield the name of each model, its nodes, and its scores over seeds."""
    for name, (number, make, fixed, grid) in models().items():
        seeds = range(options.seeds if grid else 1)
        found = []
        for seed in seeds:
            states = best_states(make, fixed, grid, drive, targets, seed)
            found.append(score(*fitted(states, targets, TRAINING, TEST)))
        print(name, *(f"{value:.3g}" for value in found), flush=True)
        yield name, number, found


def narma_table(order, options):
    columns = {}
    for kind in ("sines", "uniform"):
        y, u = make_narma(LENGTH + 1, order=order, drive=kind, return_drive=True, random_state=0)
        drive = 2 * u[:-1] / u.max() - 1
        for name, number, found in scores(drive, y[1:, None], options, nmse):
            columns.setdefault((name, number), []).append(found)
    rows = [[name, number, *map(spread, found)] for (name, number), found in columns.items()]
    head = ["", "features", "error, driven by sines", "driven by random numbers"]
    return [table(head, rows, "40 12 24 24")]


def spread(found):
    mean = f"{np.mean(found):.2g}"
    return mean if len(found) == 1 else f"{mean} ({min(found):.2g} to {max(found):.2g})"


def capacity(values, targets):
    """Return the sum over delays of squared correlations (Jaeger 2001)."""
    pairs = zip(values.T, targets.T, strict=True)
    return sum(np.corrcoef(value, target)[0, 1] ** 2 for value, target in pairs)


def memory_table(options):
    drive = np.random.default_rng(0).uniform(-1, 1, LENGTH)
    targets = np.array([np.concatenate([np.zeros(k), drive[:-k]]) for k in range(1, DELAYS + 1)]).T
    rows = []
    for name, number, found in scores(drive, targets, options, capacity):
        beside = f" ± {np.std(found, ddof=1):.1f}" if len(found) > 1 else ""
        rows.append([name, number, f"{np.mean(found):.1f}{beside}"])
    return [table(["", "features", "short-term memory capacity"], rows, "46 18 36")]


TABLES = {
    "narma2": lambda options: narma_table(2, options),
    "narma5": lambda options: narma_table(5, options),
    "memory": memory_table,
}


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--only", default=",".join(TABLES), metavar="A,B")
    parser.add_argument("--seeds", type=int, default=10, help="draws of each reservoir")
    parser.add_argument("--write", action="store_true", help="write the tables into the guide")
    options = parser.parse_args()
    for name in options.only.split(","):
        print(f"--- {name}", flush=True)
        with threadpool_limits(1):  # the products are small
            parts = TABLES[name](options)
        print("\n\n".join(parts), flush=True)
        if options.write:
            write(name, parts, "reservoir.py")


if __name__ == "__main__":
    main()
