"""Measure kernel matrices and features on one worker and two: of dask, of loky, of ray.

    python benchmarks/speed/workers.py                   # measure, print the table
    python benchmarks/speed/workers.py --backends dask --update-readme

Every worker is a process with one thread. What workers return is first compared with what one
process computes. `README.md` says what is measured and how to read the table.
"""

import os

ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
os.environ.update(ONE_THREAD)

import argparse  # noqa: E402
import statistics  # noqa: E402
import time  # noqa: E402
from contextlib import contextmanager  # noqa: E402
from importlib.util import find_spec  # noqa: E402
from pathlib import Path  # noqa: E402

import joblib  # noqa: E402
import numpy as np  # noqa: E402
from harness import machine  # noqa: E402
from tables import duration, markdown, update_readme  # noqa: E402

from skquantum import QuantumFeatureTransformer, QuantumNystroem  # noqa: E402
from skquantum.circuits import ReuploadingEncoding  # noqa: E402
from skquantum.kernels import FidelityKernel  # noqa: E402

N_QUBITS, GRAM_ROWS, ROWS, BLOCK = 8, 2_000, 100_000, 5_000
ROUNDS = 3
BACKENDS = ("dask", "dask-defaults", "loky", "ray")
PACKAGES = {"dask": "distributed", "dask-defaults": "distributed", "loky": "joblib", "ray": "ray"}
# dask's workers give every large array back to the operating system at once; not so with these.
MALLOC = {
    "distributed.nanny.pre-spawn-environ": {
        "MALLOC_TRIM_THRESHOLD_": 2**28,
        "MALLOC_MMAP_THRESHOLD_": 2**28,
        **ONE_THREAD,
    }
}
# Rows come in other blocks, and qsim's numbers in single precision.
TOLERANCE = 2e-5


def make_rows(n_rows, seed=0):
    return np.random.default_rng(seed).normal(size=(n_rows, N_QUBITS))


def fitted_kernel():
    return FidelityKernel(ReuploadingEncoding()).fitted(make_rows(GRAM_ROWS))


class Gram:
    """A kernel matrix, by tiles."""

    lazy = False

    def __init__(self, name, n_rows):
        self.name, self.rows, self.kernel = name, make_rows(n_rows), fitted_kernel()

    def alone(self):
        return self.kernel(self.rows)

    def shared(self, n_jobs):
        self.kernel.n_jobs = n_jobs
        try:
            return self.kernel(self.rows)
        finally:
            self.kernel.n_jobs = None


class Features:
    """Features of rows in blocks, and their sums: what leaves the workers is small."""

    lazy = True

    def __init__(self, name, model):
        self.name, self.rows = name, make_rows(ROWS)
        self.model = model.fit(self.rows[:BLOCK])

    def alone(self):
        return sum(
            self.model.transform(self.rows[begin : begin + BLOCK]).sum(axis=0)
            for begin in range(0, ROWS, BLOCK)
        ) / len(self.rows)

    def shared(self, n_jobs):
        import dask.array as da

        lazy = self.model.transform(da.from_array(self.rows, chunks=(BLOCK, N_QUBITS)))
        return lazy.mean(axis=0).compute()


def make_tasks():
    return [
        Gram(f"Gram matrix, {GRAM_ROWS:,} rows", GRAM_ROWS),
        Features(f"`QuantumNystroem`, {ROWS:,} rows", QuantumNystroem(random_state=0)),
        Features(f"`QuantumFeatureTransformer`, {ROWS:,} rows", QuantumFeatureTransformer()),
    ]


@contextmanager
def workers(backend, number):
    """Yield with so many workers, which have imported what they need."""
    if backend.startswith("dask"):
        import dask
        from distributed import Client, LocalCluster

        local = {"threads_per_worker": 1, "dashboard_address": ":0"}
        for name in MALLOC["distributed.nanny.pre-spawn-environ"].keys() - ONE_THREAD.keys():
            os.environ.pop(name, None)  # which a cluster before has left here
        with (
            dask.config.set(MALLOC if backend == "dask" else {}),
            LocalCluster(n_workers=number, **local) as cluster,
            Client(cluster) as client,
        ):
            client.run(_warm_up)
            with joblib.parallel_config(backend="dask"):
                yield
        return
    if backend == "ray":
        import ray
        from ray.util.joblib import register_ray

        register_ray()
        ray.init(num_cpus=number, include_dashboard=False, runtime_env={"env_vars": ONE_THREAD})
        try:
            with joblib.parallel_config(backend="ray"):
                yield
        finally:
            ray.shutdown()
        return
    with joblib.parallel_config(backend=backend):
        yield


def _warm_up():
    fitted_kernel()(make_rows(20))


def timed(compute):
    """Return the median time, the fastest and the slowest."""
    compute()
    times = []
    for _ in range(ROUNDS):
        start = time.perf_counter()
        compute()
        times.append(time.perf_counter() - start)
    return statistics.median(times), min(times), max(times)


def cell(times, alone=None):
    median, least, most = times
    text = f"{duration(median)} ({duration(least)} to {duration(most)})"
    return text if alone is None else f"{text}, x{alone / median:.2f}"


def measure(backends):
    body = []
    for task in make_tasks():
        expected, alone = task.alone(), timed(task.alone)
        for backend in backends:
            if task.lazy and not backend.startswith("dask"):
                continue
            cells = []
            for number in (1, 2):
                if not backend.startswith("dask") and number == 1:
                    cells.append("–")  # joblib runs a single job in this process
                    continue
                with workers(backend, number):
                    deviation = np.abs(task.shared(number) - expected).max()
                    assert deviation < TOLERANCE, (task.name, backend, deviation)
                    cells.append(cell(timed(lambda task=task, n=number: task.shared(n)), alone[0]))
            body.append([task.name, backend, cell(alone), *cells])
            print(body[-1], flush=True)
    return markdown(["8 qubits", "workers of", "no workers", "one worker", "two workers"], body)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    there = [backend for backend in BACKENDS if find_spec(PACKAGES[backend])]
    parser.add_argument("--backends", nargs="+", choices=BACKENDS, default=there)
    parser.add_argument("--update-readme", action="store_true")
    options = parser.parse_args()
    table = measure(options.backends)
    print(table)
    if options.update_readme:
        flags = Path("/proc/cpuinfo").read_text() if Path("/proc/cpuinfo").exists() else ""
        sets = next((s for f, s in SETS.items() if f in flags), "")
        update_readme("workers.py", [machine() + sets, table])


SETS = {"avx512f": ", AVX-512", "avx2": ", AVX2"}

if __name__ == "__main__":
    main()
