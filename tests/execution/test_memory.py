"""Peak memory of matrices, measured in a process of their own, against `max_memory`."""

import os
import subprocess
import sys
from pathlib import Path

import cirq
import numpy as np
import pytest
import sympy

from skquantum.circuits import ZZEncoding
from skquantum.execution import QsimBackend, ReferenceBackend
from skquantum.execution._engine.qsim import CHUNK_AMPLITUDES

MIB = 2**20
# A chunk's states, with what its phases are computed from and what qsim makes of it.
CHUNK = 6 * 8 * CHUNK_AMPLITUDES

SCRIPT = """
import sys
import numpy as np
from skquantum.circuits import ZZEncoding
from skquantum.execution import QsimBackend
from skquantum.kernels import FidelityKernel, ProjectedKernel

kind, n_qubits, n_rows, limit = sys.argv[1], *map(int, sys.argv[2:])
backend = QsimBackend(max_memory=limit, **({"shots": 10, "seed": 0} if kind == "shots" else {}))
kernel = (ProjectedKernel if kind == "projected" else FidelityKernel)("zz", backend=backend)
X = np.random.default_rng(0).normal(size=(n_rows, n_qubits))
Y = X[: n_rows // 2] + 0.1 if kind == "cross" else None
kernel(X[:2], None if Y is None else Y[:2])  # imports, and the compiled program

def status(name):
    with open("/proc/self/status") as file:
        return 1024 * next(int(line.split()[1]) for line in file if line.startswith(name))

with open("/proc/self/clear_refs", "w") as file:
    file.write("5")  # the peak begins anew
before = status("VmRSS")
matrix = kernel(X, Y)
print(status("VmHWM") - before, matrix.nbytes)
"""


MODELS = """
import sys
import numpy as np
from skquantum import QuantumPoolingTransformer, VariationalClassifier
from skquantum.execution import QsimBackend

kind, n_qubits, n_rows, limit = sys.argv[1], *map(int, sys.argv[2:])
backend, n_windows = QsimBackend(max_memory=limit), 10 if kind == "pooled" else 1
X = np.random.default_rng(0).normal(size=(n_rows // n_windows, n_qubits * n_windows))
if kind == "pooled":
    model = QuantumPoolingTransformer(
        pool_size=n_qubits, objective="random", backend=backend, random_state=0)
    run = model.fit(X[:20]).transform
else:
    model = VariationalClassifier("zz", n_layers=1, solver="spsa", max_iter=1, tol=1e9,
                                  n_iter_no_change=1, backend=backend, random_state=0)
    run = model.fit(X[:20], np.arange(20) % 2).predict
run(X[:20])

def status(name):
    with open("/proc/self/status") as file:
        return 1024 * next(int(line.split()[1]) for line in file if line.startswith(name))

with open("/proc/self/clear_refs", "w") as file:
    file.write("5")  # the peak begins anew
before = status("VmRSS")
out = run(X)
print(status("VmHWM") - before, out.nbytes)
"""


def peak_and_result(script, *args):
    """Return by how much the peak of a process of its own exceeds what it had, and its result."""
    root = str(Path(__file__).parents[2])
    path = os.pathsep.join(filter(None, [root, os.environ.get("PYTHONPATH")]))
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", script, *map(str, args)],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "PYTHONPATH": path, "OMP_NUM_THREADS": "1"},
    )
    return map(int, done.stdout.split())


@pytest.mark.skipif(not os.path.exists("/proc/self/clear_refs"), reason="needs Linux")
@pytest.mark.parametrize(
    ("kind", "n_qubits", "n_rows"),
    [("variational", 8, 12000), ("variational", 14, 200), ("pooled", 8, 12000)],
)
def test_predictions_stay_within_the_limit(kind, n_qubits, n_rows):
    limit = 8 * MIB
    assert n_rows * 8 * 2**n_qubits > 1.1 * limit + CHUNK  # states of all rows do not fit
    peak, result = peak_and_result(MODELS, kind, n_qubits, n_rows, limit)
    assert result <= peak <= 1.1 * limit + CHUNK


@pytest.mark.skipif(not os.path.exists("/proc/self/clear_refs"), reason="needs Linux")
@pytest.mark.parametrize(
    ("kind", "n_qubits", "n_rows", "limit"),
    [
        ("gram", 4, 2800, 64 * MIB),
        ("gram", 8, 2700, 64 * MIB),  # by tiles
        ("gram", 14, 260, 16 * MIB),  # by tiles of 60 states
        ("cross", 8, 3500, 64 * MIB),
        ("projected", 8, 2800, 64 * MIB),
        ("shots", 4, 2800, 64 * MIB),
    ],
)
def test_peak_memory_is_within_the_limit(kind, n_qubits, n_rows, limit):
    peak, matrix = peak_and_result(SCRIPT, kind, n_qubits, n_rows, limit)
    assert matrix <= peak <= 1.1 * limit + CHUNK


X = sympy.Symbol("x")


@pytest.mark.parametrize("tile", [1, 2, 7, 128])
@pytest.mark.parametrize("other", [None, 23])
def test_tiles_serve_down_to_two_states_at_a_time(tile, other, monkeypatch):
    circuit, symbols = ZZEncoding().compiled(3)
    rng = np.random.default_rng(0)
    rows = rng.normal(size=(31, 3))
    columns = None if other is None else rng.normal(size=(other, 3))
    matrix = 8 * 31 * (other or 31)
    small = QsimBackend(max_memory=matrix + 2 * 8 * 2**3 * tile)
    tiles = []
    run = QsimBackend._tiled_overlaps
    monkeypatch.setattr(QsimBackend, "_tiled_overlaps", lambda *a: (tiles.append(a), run(*a))[1])
    found = small.overlaps(circuit, symbols, rows, columns)
    assert len(tiles) == (tile < 128)
    want = ReferenceBackend().overlaps(circuit, symbols, rows, columns)
    np.testing.assert_allclose(found, want, rtol=0, atol=1e-6)
    if other is None:
        np.testing.assert_array_equal(found, found.T)
        np.testing.assert_array_equal(np.diag(found), 1)


def test_less_than_two_states_is_refused_with_what_is_needed():
    circuit, symbols = ZZEncoding().compiled(3)
    rows = np.zeros((4, 3))
    small = QsimBackend(max_memory=8 * 16 + 2 * 8 * 8 - 1)
    with pytest.raises(ValueError, match=r"4 by 4 rows, and two states of 3 qubits .*256 B"):
        small.overlaps(circuit, symbols, rows)


def test_empty_batches_with_everything():
    circuit, empty, one = cirq.Circuit(cirq.rx(X)(cirq.q(0))), np.empty((0, 1)), np.ones((1, 1))
    for backend in (QsimBackend(), QsimBackend(noise=0.1), QsimBackend(shots=5, seed=0)):
        assert backend.expectations(circuit, [X], empty, [cirq.Z(cirq.q(0))]).shape == (0, 1)
        for left, right in ((empty, None), (empty, one), (one, empty), (empty, empty)):
            shape = len(left), len(left if right is None else right)
            assert backend.overlaps(circuit, [X], left, right).shape == shape
