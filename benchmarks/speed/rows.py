"""Time predictions of one row and of a few, as services, explainers and conformal methods ask for.

    python benchmarks/speed/rows.py
    python benchmarks/speed/rows.py --update-readme

Models of 8 features on 8 qubits, fitted to 200 rows. Every call gets other rows; medians of a
thousand calls. Beside them scikit-learn's `SVC`.
"""

import argparse
import os

os.environ.update(dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "1"))

import statistics  # noqa: E402
import time  # noqa: E402
import warnings  # noqa: E402

import numpy as np  # noqa: E402
from harness import machine  # noqa: E402
from sklearn.svm import SVC  # noqa: E402
from tables import duration, markdown, update_readme  # noqa: E402

from skquantum import (  # noqa: E402
    QuantumFeatureTransformer,
    QuantumKernelClassifier,
    QuantumKernelSVC,
    VariationalClassifier,
)

CALLS, SIZES = 1000, (1, 5, 40)
MODELS = {
    "`SVC`": (SVC(), "predict"),
    "`QuantumKernelSVC`, projected": (QuantumKernelSVC(), "predict"),
    "`QuantumKernelSVC`, fidelity": (QuantumKernelSVC("angle", kernel="fidelity"), "predict"),
    "`QuantumKernelClassifier`": (QuantumKernelClassifier(random_state=0), "predict_proba"),
    "`VariationalClassifier`": (VariationalClassifier(random_state=0), "predict_proba"),
    "`QuantumFeatureTransformer`": (QuantumFeatureTransformer(), "transform"),
}


def measure(call, rows, size):
    """Return the median time of a call for so many rows."""
    times = []
    for i in range(CALLS):
        part = rows[i % (len(rows) - size) :][:size]
        begin = time.perf_counter()
        call(part)
        times.append(time.perf_counter() - begin)
    return statistics.median(times)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--update-readme", action="store_true")
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    rng = np.random.default_rng(0)
    X = rng.normal(size=(200, 8))
    y = (X[:, 0] * X[:, 1] + 0.3 * rng.normal(size=200) > 0).astype(int)
    rows = rng.normal(size=(300, 8))
    body = []
    for name, (model, method) in MODELS.items():
        call = getattr(model.fit(X, y), method)
        call(rows[:1])
        kept = getattr(model, "support_", ())
        note = f", {len(kept)} support rows" if len(kept) else ""
        times = (duration(measure(call, rows, size)) for size in SIZES)
        body.append([f"{name}, `{method}`{note}", *times])
    table = markdown(["8 qubits", *(f"{n} row{'s' * (n > 1)}" for n in SIZES)], body)
    print(table)
    if options.update_readme:
        update_readme("rows.py", [machine(), table])


if __name__ == "__main__":
    main()
