"""
What the bandwidth does
=======================

A fidelity kernel compares two states in a space of :math:`2^n` dimensions. With wide angles
nearly all pairs of states are nearly orthogonal: the Gram matrix approaches the identity, and a
support vector machine on it remembers its training rows and nothing else. The bandwidth, a factor
on the data inside the circuit, brings rows together again [1]_.

.. [1] R. Shaydulin and S. M. Wild (2022). Importance of kernel bandwidth in quantum machine
   learning. Physical Review A 106, 042407. :arxiv:`2111.05451`
"""

# %%
# One row of the figure below for each bandwidth
# ----------------------------------------------

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_breast_cancer
from sklearn.decomposition import PCA
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import cross_validate
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skquantum import QuantumKernelSVC
from skquantum.circuits import ZZEncoding
from skquantum.kernels import FidelityKernel

X, y = load_breast_cancer(return_X_y=True)
reduce = make_pipeline(StandardScaler(), PCA(8), StandardScaler())
bandwidths = np.geomspace(0.003, 1, 8)

# %%
# The spread of the kernel's values
# ---------------------------------
# Off the diagonal, the entries of the Gram matrix go from all ones (nothing tells two rows apart)
# to all zeros (nothing brings two rows together).

Z = reduce.fit_transform(X)
off_diagonal = [
    FidelityKernel(ZZEncoding(bandwidth=b))(Z)[np.triu_indices(len(Z), 1)] for b in bandwidths
]

# %%
# Scores on training rows and on rows left out
# --------------------------------------------
# The gap between the two curves is what the concentration of the kernel does to a model.

results = [
    cross_validate(
        make_pipeline(reduce, QuantumKernelSVC(ZZEncoding(bandwidth=b), kernel="fidelity", C=10)),
        X,
        y,
        cv=5,
        return_train_score=True,
    )
    for b in bandwidths
]
linear = cross_validate(make_pipeline(reduce, LogisticRegression()), X, y, cv=5)["test_score"]

fig, (left, right) = plt.subplots(1, 2, figsize=(10, 4), layout="constrained")
low, middle, high = np.quantile(off_diagonal, [0.05, 0.5, 0.95], axis=1)
left.fill_between(bandwidths, low, high, alpha=0.3, label="5 % to 95 % of the pairs")
left.plot(bandwidths, middle, "o-", label="median")
left.set(xscale="log", xlabel="bandwidth", ylabel="fidelity of two rows", ylim=(-0.02, 1.02))
left.legend()
for key, label in [("train_score", "training rows"), ("test_score", "rows left out")]:
    score = np.array([result[key] for result in results])
    right.errorbar(bandwidths, score.mean(axis=1), score.std(axis=1), fmt="o-", label=label)
right.axhline(linear.mean(), color="k", ls="--", label="logistic regression, rows left out")
right.set(xscale="log", xlabel="bandwidth", ylabel="accuracy")
right.legend()
plt.show()

# %%
# Numbers
# -------

print("bandwidth  median fidelity  training rows  rows left out")
for b, m, result in zip(bandwidths, middle, results, strict=True):
    train, test = result["train_score"].mean(), result["test_score"].mean()
    print(f"{b:9.3f}  {m:15.3f}  {train:13.3f}  {test:13.3f}")
print(f"logistic regression, rows left out: {linear.mean():.3f} +- {linear.std():.3f}")

# %%
# A small bandwidth makes the kernel smooth, and its best score is then that of a smooth classical
# kernel or of a linear model; a wide one makes it hard to simulate classically, and useless here.
# So tune the bandwidth, as the grid of ``skquantum compare`` does, and keep the classical score in
# sight.
