"""Epochs to a loss by natural gradients and others, and where factors on the data end.

    python benchmarks/evidence/training.py

The figures of docs/guide/variational.rst. Gradient descent is the natural gradient with the same
metric in all directions: 1, or 1/4, that of a rotation that moves a state as far as it can.
"""

import warnings

import numpy as np
from sklearn.datasets import make_moons
from sklearn.exceptions import ConvergenceWarning

from skquantum import VariationalClassifier
from skquantum.estimators import FidelityLoss, label_observables
from skquantum.layers import QuantumLayer

warnings.simplefilter("ignore", ConvergenceWarning)
X, y = make_moons(60, noise=0.1, random_state=0)
TARGET, SEEDS = 0.22, range(6)
fubini_study = QuantumLayer.metric


def epochs(solver, seed):
    """Return the epochs to the target, with steps of 0.05."""
    model = VariationalClassifier(
        n_qubits=1,
        observables=label_observables(2),
        readout=None,
        loss=FidelityLoss(),
        solver=solver,
        max_iter=300,
        tol=0,
        random_state=seed,
    ).fit(X, y)
    reached = np.flatnonzero(np.array(model.loss_curve_) < TARGET)
    return int(reached[0]) if len(reached) else 300


def show(name, solver):
    found = sorted(epochs(solver, seed) for seed in SEEDS)
    print(f"{name}: {found[0]} to {found[-1]}, median {np.median(found):g}", flush=True)


for solver in ("natural", "sgd", "adam"):
    show(solver, solver)
for size in (1, 1 / 4):
    QuantumLayer.metric = lambda layer, X, w, _, size=size: size * np.eye(len(w))
    show(f"gradient descent, rate {0.05 / size:g}", "natural")
QuantumLayer.metric = fubini_study

for reupload in ("trainable", True):
    model = VariationalClassifier(reupload=reupload, n_layers=2)
    losses = [model.set_params(random_state=seed).fit(X, y).best_loss_ for seed in range(4)]
    print(f"reupload={reupload!r}, losses of four starts:", *(f"{loss:.2f}" for loss in losses))
