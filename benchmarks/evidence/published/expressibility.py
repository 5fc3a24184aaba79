"""Expressibility of the one-qubit circuits of Sim et al. (arXiv:1905.10876), 75 bins.

python benchmarks/evidence/published/expressibility.py
"""

import cirq
import numpy as np
import sympy
from report import report

from skquantum.inspection import expressibility

q, (a, b) = cirq.LineQubit(0), sympy.symbols("a b")
PUBLISHED = {
    "idle": (cirq.Circuit(cirq.I(q)), 4.32),
    "H, RZ": (cirq.Circuit(cirq.H(q), cirq.rz(a)(q)), 0.20),
    "H, RZ, RX": (cirq.Circuit(cirq.H(q), cirq.rz(a)(q), cirq.rx(b)(q)), 0.02),
}

rows = []
for name, (circuit, published) in PUBLISHED.items():
    runs = [expressibility(circuit, random_state=seed).divergence for seed in range(20)]
    print(f"{name}: mean of 20 runs {np.mean(runs):.4f}, standard deviation {np.std(runs):.4f}")
    rows.append((name, published, float(np.mean(runs)), 0.0075))
report(rows)
