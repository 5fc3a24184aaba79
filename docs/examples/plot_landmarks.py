"""
How many landmarks a kernel needs
=================================

With m landmarks the features of :class:`~skquantum.QuantumNystroem` stand for a kernel matrix of
all rows. How many are enough depends on the kernel, and on how they are chosen: at random, far
from one another, or by a randomly pivoted Cholesky decomposition, which looks at the kernel
itself [1]_.

.. [1] Y. Chen, E. N. Epperly, J. A. Tropp and R. J. Webber (2025). Randomly pivoted Cholesky:
   practical approximation of a kernel matrix with few entry evaluations. Communications on Pure
   and Applied Mathematics 78, 995. :arxiv:`2207.06503`
"""

# %%
# The error, on rows that are no landmarks
# ----------------------------------------
# Each fit estimates it: ``approximation_error_``, with its spread over groups of rows.

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import make_moons

from skquantum import QuantumKernelClassifier, QuantumNystroem
from skquantum.circuits import ReuploadingEncoding
from skquantum.kernels import FidelityKernel

X, y = make_moons(6000, noise=0.15, random_state=0)
X_train, y_train, X_test, y_test = X[:4000], y[:4000], X[4000:], y[4000:]
kernel = FidelityKernel(ReuploadingEncoding(n_qubits=4, bandwidth=0.7))
numbers = np.array([2, 4, 8, 16, 32, 64])

fig, (left, right) = plt.subplots(1, 2, figsize=(9, 3.6), layout="constrained")
for landmarks in ("uniform", "kmeans", "rpcholesky"):
    fits = [
        QuantumNystroem(kernel=kernel, n_components=m, landmarks=landmarks, random_state=0).fit(
            X_train
        )
        for m in numbers
    ]
    errors = [fit.approximation_error_ for fit in fits]
    spread = [fit.approximation_error_std_ for fit in fits]
    left.errorbar(numbers, errors, spread, marker="o", label=landmarks)
left.set(xscale="log", yscale="log", xlabel="landmarks", ylabel="relative error of the kernel")
left.legend()

# %%
# The accuracy of a linear model on the features
# ----------------------------------------------
# It is as good as it gets long before the kernel is exact.

for landmarks in ("uniform", "kmeans", "rpcholesky"):
    scores = [
        QuantumKernelClassifier(kernel=kernel, n_components=m, landmarks=landmarks, random_state=0)
        .fit(X_train, y_train)
        .score(X_test, y_test)
        for m in numbers
    ]
    right.plot(numbers, scores, marker="o", label=landmarks)
right.set(xscale="log", xlabel="landmarks", ylabel="accuracy")
plt.show()
