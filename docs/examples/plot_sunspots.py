"""
A real series: sunspots
=======================

Yearly numbers of sunspots since 1700, which come with statsmodels. A recurrent network of quantum
circuits, a line through the last years, and "as last year" forecast the next one.
"""

# %%
# Windows
# -------
# Twelve years in, the next one out, and the last hundred years left out for the test. The square
# root makes small and large cycles alike; one factor scales all years of a window.

import matplotlib.pyplot as plt
import numpy as np
import statsmodels.api as sm
from sklearn.linear_model import Ridge

from skquantum import QLSTMRegressor
from skquantum.datasets import make_windows

table = sm.datasets.sunspots.load_pandas().data
years, spots = table["YEAR"].to_numpy(int), table["SUNACTIVITY"].to_numpy()
window, n_test = 12, 100
series = np.sqrt(spots) / 7 - 1
X, y = make_windows(series, window=window)
X_train, X_test, y_train, y_test = X[:-n_test], X[-n_test:], y[:-n_test], y[-n_test:]


def counts(values):
    """Return numbers of sunspots."""
    return (7 * (np.asarray(values) + 1)).clip(0) ** 2


# %%
# One year ahead
# --------------

network = QLSTMRegressor(hidden_size=3, tol=0.01, random_state=0)
models = {
    "quantum LSTM": network.fit(X_train, y_train).predict(X_test),
    "ridge": Ridge(0.1).fit(X_train, y_train).predict(X_test),
    "as last year": X_test[:, -1],
}
truth = counts(y_test)
for name, predicted in models.items():
    error = np.sqrt(np.mean((counts(predicted) - truth) ** 2))
    print(f"{name:13} error {error:5.1f} sunspots")
n_trained = sum(np.size(part) for part in (network.weights_, network.readout_coef_))
print(f"{n_trained} numbers in circuits and read-out; ridge has {window + 1}")

# %%
# The line, of thirteen numbers, is better than the network: most of what can be known of the next
# year is linear in the last ones.

fig, (above, below) = plt.subplots(2, 1, figsize=(9, 5.4), layout="constrained")
above.plot(years[-n_test:], truth, color="0.6", label="truth")
for name in ("quantum LSTM", "ridge"):
    above.plot(years[-n_test:], counts(models[name]), lw=1, label=name)
above.set(title="One year ahead", ylabel="sunspots")
above.legend()

# %%
# Several cycles ahead
# --------------------
# Here each forecast becomes the input of the next one, from 1980 on, and errors grow.

start = int(np.flatnonzero(years == 1980)[0])
horizon = len(series) - start
line, history = Ridge(0.1).fit(X_train, y_train), list(series[start - window : start])
for _ in range(horizon):
    history.append(line.predict(np.array(history[-window:])[None])[0])
below.plot(years[start - 30 :], spots[start - 30 :], color="0.6", label="truth")
below.plot(years[start:], counts(network.forecast(series[:start], horizon)), label="quantum LSTM")
below.plot(years[start:], counts(history[window:]), label="ridge")
below.set(title="From 1980 on", xlabel="year", ylabel="sunspots")
below.legend()
plt.show()
