"""Kernel alignment on the double cake of Hubregtsen et al. (arXiv:2105.02276): 5 qubits, 6 layers.

python benchmarks/evidence/published/alignment.py
"""

import numpy as np
from report import report
from sklearn.svm import SVC

from skquantum.circuits import AngleEncoding, HardwareEfficient, TrainableEncoding
from skquantum.inspection import kernel_alignment
from skquantum.kernels import AlignedKernel

angles = (np.arange(6) + 0.5) * np.pi / 3
ring = 0.7 * np.column_stack([np.cos(angles), np.sin(angles)])
X, labels = np.vstack([ring, ring / 2]), 2 * (np.arange(6) % 2) - 1
y = np.hstack([labels, -labels])

loading = AngleEncoding("Z", n_qubits=5, bandwidth=1.0)
found = []
for seed in range(5):
    weights = np.random.default_rng(seed).uniform(0, 2 * np.pi, 70)
    encoding = TrainableEncoding(loading, HardwareEfficient(n_layers=6), weights)
    before = AlignedKernel(encoding, learn_bandwidth=False)
    unbound = TrainableEncoding(loading, HardwareEfficient(n_layers=6))
    after = AlignedKernel(unbound, learn_bandwidth=False, random_state=seed).fitted_to(X, y)
    for kernel in (before, after):
        K = kernel(X)
        found.append(kernel_alignment(K, np.outer(y, y), centered=False))
        found.append(SVC(kernel="precomputed").fit(K, y).score(K, y))
before, accuracy, after, learned = np.reshape(found, (5, 4)).T
print("alignment", before.round(3), "to", after.round(3))
print("accuracy", accuracy.round(2), "to", learned.round(2))
report(
    [
        ("alignment after training, at least", 0.25, float(min(np.median(after), 0.25)), 0.0),
        ("accuracy after training", 1.0, float(np.median(learned)), 0.0),
    ]
)
