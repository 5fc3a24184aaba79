"""Effective dimension (Abbas et al., arXiv:2011.00027) of three qubits, six weights, parity.

    python benchmarks/evidence/published/effective_dimension.py

The published figures are those of Qiskit Machine Learning's tutorial on effective dimensions
(version 0.5): its ZFeatureMap and RealAmplitudes, one repetition each, and the ten rows and ten
draws of the weights that numpy's generator with seed 42 gives there.
"""

import cirq
import numpy as np
import sympy
from report import report

from skquantum.inspection import fisher_information
from skquantum.layers import QuantumLayer

q, x, w = cirq.LineQubit.range(3), sympy.symbols("x_:3"), sympy.symbols("w_:6")
circuit = cirq.Circuit(
    cirq.H.on_each(*q),
    (cirq.ZPowGate(exponent=2 * x[i] / sympy.pi)(q[i]) for i in range(3)),
    (cirq.ry(w[i])(q[i]) for i in range(3)),
    cirq.CNOT(q[1], q[2]),
    cirq.CNOT(q[0], q[1]),
    (cirq.ry(w[3 + i])(q[i]) for i in range(3)),
)
layer = QuantumLayer.from_circuit(circuit, x, w)

rng = np.random.default_rng(42)
rng.uniform(0, 1, (10, 6))  # the tutorial draws twice, and uses the second draw
rng.normal(0, 1, (10, 3))
rows, weights = rng.normal(0, 1, (10, 3)), rng.uniform(0, 1, (10, 6))
found = fisher_information(layer, rows, weights=weights, outcomes="parity")
report(
    [
        (f"{n} samples", published, found.effective_dimension(n, normalize=False), 1e-4)
        for n, published in ((5000, 4.6657), (100000, 5.0028), (1000000, 5.2135))
    ]
)
