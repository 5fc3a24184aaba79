"""
What noise and shots do to a model
==================================

A model that was developed on an exact simulator meets two things on a device: noise, and a finite
number of shots. Here both are swept, and then part of the noise is undone again.
"""

# %%
# Three models
# ------------
# A kernel of fidelities compares pairs of states, by a circuit that is twice as long as the
# encoding. A projected kernel [1]_ and a variational model measure single qubits after one
# circuit.
#
# .. [1] H.-Y. Huang et al. (2021). Power of data in quantum machine learning. Nature
#    Communications 12, 2631. :arxiv:`2011.01938`

import matplotlib.pyplot as plt
import numpy as np
from sklearn.base import clone
from sklearn.datasets import load_iris
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skquantum import QuantumFeatureTransformer, QuantumKernelSVC
from skquantum.circuits import ZZEncoding
from skquantum.execution import MitigatedBackend, QsimBackend
from skquantum.inspection import noise_sweep, with_backend

X, y = load_iris(return_X_y=True)
X, y = X[::2], y[::2]
encoding = ZZEncoding(bandwidth=0.1)
svc = QuantumKernelSVC(encoding, kernel="fidelity", C=10, probability=True, random_state=0)
models = {
    "fidelity kernel": svc,
    "projected kernel": clone(svc).set_params(kernel="projected"),
    "expectation values": make_pipeline(
        QuantumFeatureTransformer("angle", ansatz="hardware_efficient", random_state=0),
        LogisticRegression(C=10),
    ),
}
noise, shots = [0, 0.001, 0.003, 0.01, 0.03, 0.1], [None, 1000, 100]
sweeps = {
    name: noise_sweep(
        make_pipeline(StandardScaler(), model), X, y, noise=noise, shots=shots, random_state=0
    )
    for name, model in models.items()
}

# %%
# Scores
# ------
# The noise is depolarising, of this strength on every qubit after every moment. Bars are standard
# deviations over three folds.

fig, axes = plt.subplots(1, 3, figsize=(12, 3.6), layout="constrained", sharey=True)
for ax, (name, sweep) in zip(axes, sweeps.items(), strict=True):
    for j, n in enumerate(shots):
        score = sweep.measures["score"][:, j]
        label = "exact" if n is None else f"{n} shots"
        ax.errorbar(range(len(noise)), score.mean(-1), score.std(-1), fmt="o-", label=label)
    ax.set_xticks(range(len(noise)), map(str, noise))
    ax.set(title=name, xlabel="noise")
axes[0].set_ylabel("accuracy")
axes[0].legend()
plt.show()

# %%
# The kernel concentrates
# -----------------------
# The sweep of one model draws itself: score, calibration error, and the spread of the kernel's
# values off the diagonal. With noise all of them approach one number, and the differences that
# the machine lives on go below what shots resolve.

sweeps["fidelity kernel"].plot()
plt.show()
print(sweeps["fidelity kernel"].to_frame().round(3).to_string(index=False))

# %%
# Undoing a part of it
# --------------------
# ``MitigatedBackend`` goes around the noisy backend; the pipeline stays what it is. Here a model
# that was trained exactly predicts with noise, and with noise mitigated. Where the noise is so
# strong that a circuit of five times the length is nothing but noise, there is nothing to
# extrapolate.

exact = make_pipeline(StandardScaler(), QuantumKernelSVC(encoding, kernel="fidelity", C=10)).fit(
    X[::2], y[::2]
)
X_test, y_test = X[1::2], y[1::2]
outputs = exact.decision_function(X_test)
print(f"exact: accuracy {exact.score(X_test, y_test):.2f}")
for strength in (0.001, 0.003, 0.01):
    noisy = QsimBackend(noise=strength)
    for name, backend in [
        ("noisy", noisy),
        ("mitigated", MitigatedBackend(noisy, readout=False, extrapolation="exponential")),
    ]:
        moved = with_backend(exact, backend)
        off = np.abs(moved.decision_function(X_test) - outputs).mean()
        score = moved.score(X_test, y_test)
        print(
            f"noise {strength}, {name:9}: accuracy {score:.2f}, decision values off by {off:.3f}"
        )
