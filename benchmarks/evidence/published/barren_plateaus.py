"""Barren plateaus of random circuits (McClean et al., arXiv:1803.11173), 2 to 8 qubits.

    python benchmarks/evidence/published/barren_plateaus.py

The circuits of the paper: each qubit turned by pi/4 about Y, then layers of rotations about random
axes and CZ on neighbours in a line; the derivative of Z Z on the first two qubits for the first
weight. Where what follows the first gate is a 2-design, its variance is d / (3 (d^2 - 1)) with
d = 2^n, as follows from the paper's integrals; in wide registers a qubit halves it, the paper's
rate. As the angles go to 0 it goes to 1/18 for any number of qubits: a slope of 0.

Slopes are those of natural logarithms; divided by log(2) they are those of binary ones, -1 in wide
registers. Ten layers for each qubit; what fewer give, and the circuits of this package with one
layer for each qubit, is printed, and belongs to no published number.
"""

import numpy as np
from report import report

from skquantum.inspection import gradient_variance

QUBITS = np.arange(2, 9)
DIMENSIONS = 2.0**QUBITS


def variances(layers, init, n_samples=1000):
    """Return variances for the first weight, with so many layers for each qubit."""
    found = [
        gradient_variance(
            "random",
            int(n),
            init=init,
            weight=0,
            n_layers=int(layers * n),
            n_samples=n_samples,
            random_state=0,
        ).variances[0, 0]
        for n in QUBITS
    ]
    return np.array(found)


def slope(values):
    """Return the slope of the natural logarithm."""
    return float(np.polyfit(QUBITS, np.log(values), 1)[0])


for layers in (1, 2, 5):
    shallow = slope(variances(layers, "uniform"))
    print(f"random circuits, {layers} n layers: {shallow:.2f}, binary {shallow / np.log(2):.2f}")
others = gradient_variance(
    ("real_amplitudes", "strongly_entangling", "hardware_efficient"),
    tuple(map(int, QUBITS)),
    init=("uniform", "small_normal"),
    n_samples=300,
    random_state=0,
)
for name, value in others.slopes().items():
    print(f"{name}, all weights, n layers: {value:.2f}, binary {value / np.log(2):.2f}")

uniform, small = variances(10, "uniform"), variances(10, 0.1)
exact = DIMENSIONS / (3 * (DIMENSIONS**2 - 1))
print(
    "random circuits, 10 n layers, variances by those of a 2-design:", (uniform / exact).round(2)
)
print(f"binary logarithm: {slope(uniform) / np.log(2):.2f}")
report(
    [
        ("uniform starts", slope(exact), slope(uniform), 0.05),
        ("normal starts, 0.1", 0.0, slope(small), 0.05),
    ]
)
