"""
Training a circuit
==================

A variational classifier on two moons: what loading the data again does to the decision boundary,
how solvers compare, and whether the probabilities hold on rows that training has not seen.
"""

# %%
# Data again in each layer
# ------------------------
# With the data loaded once, an expectation value has one frequency in each feature, and more
# layers of weights do not change that. Loaded again before each layer, it gets higher ones.

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import make_moons
from sklearn.inspection import DecisionBoundaryDisplay
from sklearn.metrics import brier_score_loss
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skquantum import VariationalClassifier
from skquantum.metrics import expected_calibration_error, reliability_bins

X, y = make_moons(600, noise=0.25, random_state=0)
X_train, X_test, y_train, y_test = train_test_split(X, y, train_size=200, random_state=0)


def fitted(**parameters):
    """Return a pipeline fitted on the training rows."""
    head = VariationalClassifier(random_state=0, tol=1e-3, **parameters)
    return make_pipeline(StandardScaler(), head).fit(X_train, y_train)


models = {
    "loaded once": fitted(reupload=False),
    "loaded 2 times": fitted(n_layers=2),
    "loaded 4 times": fitted(n_layers=4),
}
fig, axes = plt.subplots(1, 3, figsize=(10, 3.6), layout="constrained")
for ax, (name, model) in zip(axes, models.items(), strict=True):
    DecisionBoundaryDisplay.from_estimator(
        model,
        X,
        ax=ax,
        grid_resolution=80,
        response_method="predict_proba",
        cmap="RdBu",
        alpha=0.7,
    )
    for label, color in enumerate(["tab:red", "tab:blue"]):
        ax.scatter(*X_train[y_train == label].T, color=color, edgecolor="w", s=20)
    ax.set(title=f"{name}\naccuracy {model.score(X_test, y_test):.3f}")
plt.show()

# %%
# The circuit of the last one, with its weights bound. What is left are the features, ``x_0`` and
# ``x_1``.

print(models["loaded 2 times"][-1].circuit_)

# %%
# Solvers
# -------
# "adam" and "lbfgs" follow exact gradients; "spsa" makes two evaluations a step, and is what a
# noisy device can afford. The number of circuits is what a device would have to run, each of them
# many times.

curves = {
    "adam": fitted(),
    "lbfgs": fitted(solver="lbfgs", max_iter=500),
    "spsa": fitted(solver="spsa", learning_rate=0.3, n_iter_no_change=100, max_iter=1000),
}
fig, ax = plt.subplots(figsize=(6, 4), layout="constrained")
for name, model in curves.items():
    ax.plot(model[-1].loss_curve_, label=name)
    print(f"{name:6} {model[-1].resources_['n_circuits']:>12,} circuits on a device")
ax.set(xlabel="epoch or iteration", ylabel="training loss", xscale="log", yscale="log")
ax.legend()
plt.show()

# %%
# Are the probabilities right?
# ----------------------------
# In bins of equal confidence, on the 400 test rows: a model on the dashed line is right as often
# as it says. A stronger penalty (``alpha``) makes the model less sure of itself.

fig, ax = plt.subplots(figsize=(4.5, 4.2), layout="constrained")
ax.plot([0.5, 1], [0.5, 1], "--", color="0.6")
for alpha in (1e-4, 1.0):
    proba = fitted(alpha=alpha).predict_proba(X_test)
    confidence, accuracy, count = reliability_bins(y_test, proba, n_bins=8)
    ax.plot(confidence, accuracy, label=f"alpha = {alpha:g}")
    ax.scatter(confidence, accuracy, s=200 * np.sqrt(count / count.sum()), alpha=0.6)
    brier, error = brier_score_loss(y_test, proba), expected_calibration_error(y_test, proba)
    print(f"alpha = {alpha:g}: Brier score {brier:.3f}, expected calibration error {error:.3f}")
ax.set(xlabel="confidence", ylabel="share of right predictions")
ax.legend()
plt.show()
