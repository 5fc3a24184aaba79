"""
Forecasting with a quantum LSTM
===============================

A recurrent network whose gates are circuits learns the damped pendulum, and goes on from the end
of it. Next to it: the same network with classical gates, and a linear autoregression.
"""

# %%
# Windows of a series
# -------------------
# Four values go in, the next one comes out. The first two thirds are for training.

import matplotlib.pyplot as plt
import numpy as np
from sklearn.linear_model import LinearRegression

from skquantum import QLSTMRegressor, compare
from skquantum.datasets import make_damped_pendulum, make_narma, make_windows

series = make_damped_pendulum()
series = series / np.abs(series).max()
X, y = make_windows(series, window=4)
n_train = 158

models = {
    "circuits": QLSTMRegressor(batch_size=8, random_state=0),
    "classical gates": QLSTMRegressor("lstm", batch_size=8, random_state=0),
    "linear autoregression": LinearRegression(),
}
for name, model in models.items():
    model.fit(X[:n_train], y[:n_train])
    error = np.mean((model.predict(X[n_train:]) - y[n_train:]) ** 2)
    print(f"{name:22} mean squared error of one step {error:.1e}")

# %%
# The circuit of a gate, with its weights bound: a rotation for each number, then entangling rings.

print(models["circuits"].circuit_)

# %%
# Further than one step
# ---------------------
# :meth:`~skquantum.QLSTMRegressor.forecast` takes its predictions for values. Small errors of one
# step add up.


def forecast(model, history, steps):
    """Go on from a history, with any model of the next value."""
    values = list(history)
    for _ in range(steps):
        values.append(model.predict([values[-4:]])[0])
    return np.array(values[len(history) :])


times = np.arange(len(series))
history, rest = series[: n_train + 4], times[n_train + 4 :]
fig, ax = plt.subplots(figsize=(8, 3.6), layout="constrained")
ax.plot(times, series, color="0.75", lw=4, label="pendulum")
ax.plot(rest, models["circuits"].forecast(history, len(rest)), label="circuits")
ax.plot(rest, models["classical gates"].forecast(history, len(rest)), label="classical gates")
linear = forecast(models["linear autoregression"], history, len(rest))
ax.plot(rest, linear, "k:", label="linear autoregression")
ax.axvline(rest[0], color="0.5", lw=0.8)
ax.set(xlabel="time step", ylabel="angular velocity, scaled")
ax.legend(ncols=4, fontsize="small", loc="upper right")
plt.show()

# %%
# Training
# --------
# Loss and gradient norm of each epoch.

fig, axes = plt.subplots(1, 2, figsize=(8, 3.2), layout="constrained")
for name in ("circuits", "classical gates"):
    axes[0].plot(models[name].loss_curve_, label=name)
    axes[1].plot(models[name].gradient_norms_, label=name)
for ax, title in zip(axes, ("training loss", "norm of the gradient"), strict=True):
    ax.set(xlabel="epoch", ylabel=title, yscale="log")
axes[0].legend()
plt.show()

# %%
# Was it worth it?
# ----------------
# Another series, NARMA5. All models are tuned on the same folds, which go forward in time; the
# rule was fixed before. The warning comes as soon as the baselines have run.

comparison = compare(
    {"quantum LSTM": QLSTMRegressor(max_iter=40, tol=1e-4, random_state=0)},
    make_narma(200, order=5, random_state=0),
    window=6,
    cv=3,
    budget=2,
)
print(comparison.verdict)
comparison.plot()
plt.show()
