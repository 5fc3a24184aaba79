"""Data re-uploading on one qubit: the circle of Perez-Salinas et al. (arXiv:1907.02085).

    python benchmarks/evidence/published/circles.py

200 rows to train on and 4,000 to test, from the square around a circle of half its area, seed 30.
Each layer loads both features by rotations about Y and Z with factors of its own, and turns by
three angles. L-BFGS from five starts; the score is that of the start with the lowest loss. The
figures beside ours are an earlier evaluation's, of the same seed. With cross-entropy and a linear
read-out, for comparison.
"""

import warnings

import cirq
import numpy as np
import sympy
from report import report
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from sklearn.svm import SVC

from skquantum import VariationalClassifier
from skquantum.circuits import CircuitEncoding
from skquantum.estimators import FidelityLoss, WeightedFidelityLoss, label_observables

warnings.simplefilter("ignore", ConvergenceWarning)
QUBIT, X_0, X_1 = cirq.LineQubit(0), *sympy.symbols("x_0 x_1")
ENCODING = CircuitEncoding(cirq.Circuit(cirq.ry(X_0)(QUBIT), cirq.rz(X_1)(QUBIT)))
LOSSES = {
    "fidelity": {"loss": FidelityLoss(), "readout": None},
    "weighted fidelity": {"loss": WeightedFidelityLoss(), "readout": "scaled"},
    "log_loss": {"loss": "log_loss", "readout": "linear"},
}

rng = np.random.RandomState(30)
X = 2 * rng.rand(4200, 2) - 1
y = (np.hypot(*X.T) < np.sqrt(2 / np.pi)).astype(int)
train, test = slice(200), slice(200, None)


def score(n_layers, options):
    """Return the accuracy on test rows of the start whose loss on training rows is lowest."""
    models = [
        VariationalClassifier(
            ENCODING,
            n_layers=n_layers,
            reupload="trainable",
            observables=label_observables(2),
            alpha=0,
            solver="lbfgs",
            init="uniform",
            tol=1e-5,
            max_iter=500,
            random_state=seed,
            **options,
        ).fit(X[train], y[train])
        for seed in range(5)
    ]
    scores = [model.score(X[test], y[test]) for model in models]
    print(" ".join(f"{s:.3f}" for s in scores), end="; ", flush=True)
    return scores[int(np.argmin([model.best_loss_ for model in models]))]


found = {}
for name, options in LOSSES.items():
    for n_layers in (2, 4, 5, 6):
        found[name, n_layers] = score(n_layers, options)
        print(f"{name}, {n_layers} layers: {found[name, n_layers]:.3f}", flush=True)
for model in (SVC(), LogisticRegression()):
    accuracy = model.fit(X[train], y[train]).score(X[test], y[test])
    print(f"{type(model).__name__}: {accuracy:.3f}")
report(
    [
        ("fidelity, 2 layers", 0.851, found["fidelity", 2], 0.05),
        ("fidelity, 4 layers", 0.896, found["fidelity", 4], 0.05),
        ("fidelity, 6 layers", 0.935, found["fidelity", 6], 0.05),
        ("errors with weighted fidelity, 5 layers", 0.07, 1 - found["weighted fidelity", 5], None),
    ]
)
