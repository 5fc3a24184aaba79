r"""
A regression, and its frequencies
=================================

A circuit that loads a number :math:`L` times computes a Fourier series up to the frequency
:math:`L`. That is all it can do, and how it extrapolates. A noisy curve of two frequencies shows
both.
"""

# %%
# Loaded once, three times, five times
# ------------------------------------
# The target has the frequencies 1 and 3, in a unit of its own: a
# :class:`~sklearn.compose.TransformedTargetRegressor` brings it to zero and one, and back.

import matplotlib.pyplot as plt
import numpy as np
from sklearn.compose import TransformedTargetRegressor
from sklearn.kernel_ridge import KernelRidge
from sklearn.model_selection import GridSearchCV
from sklearn.preprocessing import StandardScaler

from skquantum import VariationalRegressor


def curve(t):
    """Return what is to be learned, in metres."""
    return 300 + 100 * np.sin(t) + 50 * np.cos(3 * t)


rng = np.random.default_rng(0)
t = rng.uniform(-3, 3, 80)[:, None]
metres = curve(t[:, 0]) + rng.normal(0, 10, len(t))
grid = np.linspace(-5, 5, 300)[:, None]
inside = abs(grid[:, 0]) <= 3

models = {
    f"circuit, loaded {n}x": TransformedTargetRegressor(
        VariationalRegressor(
            "angle",
            n_qubits=1,
            n_layers=n,
            reupload=True,
            solver="lbfgs",
            max_iter=300,
            random_state=0,
        ),
        transformer=StandardScaler(),
    )
    for n in (1, 3, 5)
}

# %%
# Next to a classical model
# -------------------------
# Kernel ridge regression with an RBF kernel, tuned by cross-validation, knows nothing of
# frequencies.

models["kernel ridge"] = TransformedTargetRegressor(
    GridSearchCV(KernelRidge(kernel="rbf"), {"alpha": [0.01, 0.1, 1], "gamma": [0.3, 1, 3]}),
    transformer=StandardScaler(),
)
fig, panels = plt.subplots(1, 4, figsize=(12, 3.4), layout="constrained", sharey=True)
for ax, (name, model) in zip(panels, models.items(), strict=True):
    predicted = model.fit(t, metres).predict(grid)
    error = np.sqrt(np.mean((predicted - curve(grid[:, 0]))[inside] ** 2))
    beyond = np.sqrt(np.mean((predicted - curve(grid[:, 0]))[~inside] ** 2))
    print(f"{name:19} error {error:5.1f} m where there are data, {beyond:5.1f} m beyond")
    ax.plot(grid, curve(grid[:, 0]), color="0.6", label="truth")
    ax.plot(grid, predicted, label="model")
    ax.scatter(t, metres, s=6, color="k")
    ax.set(title=f"{name}\nerror {error:.0f} m", ylim=(100, 500), xlabel="t")
panels[0].set(ylabel="metres")
panels[0].legend()
plt.show()

# %%
# A circuit that is too short misses what lies above its highest frequency, however long it is
# trained. One that is long enough goes on periodically where there are no data: right here, where
# the truth is periodic, and wrong wherever it is not.
