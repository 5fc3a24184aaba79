"""
A curve with an interval around it
==================================

A Gaussian process predicts a value and says how sure it is. With
:class:`~skquantum.kernels.GaussianProcessKernel` a quantum kernel is one of scikit-learn's, whose
bandwidth the marginal likelihood finds, beside the noise and the amplitude.
"""

# %%
# A damped pendulum, measured with noise, with a gap in the middle and an end that nobody has seen.

import matplotlib.pyplot as plt
import numpy as np
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.gaussian_process.kernels import RBF, ConstantKernel, WhiteKernel

from skquantum.circuits import AngleEncoding, ReuploadingEncoding
from skquantum.kernels import GaussianProcessKernel


def pendulum(t):
    """Return the angle at a time."""
    return np.exp(-0.15 * t) * np.cos(2 * t)


rng = np.random.default_rng(0)
t = np.sort(np.concatenate([rng.uniform(0, 4, 25), rng.uniform(6, 9, 20)]))
y = pendulum(t) + 0.05 * rng.normal(size=len(t))
grid = np.linspace(0, 11, 300)

# %%
# One rotation, a circuit that loads the time three times, the Gaussian kernel, and the product of
# the first and the last, by scikit-learn's algebra.

kernels = {
    "one rotation": GaussianProcessKernel(AngleEncoding()),
    "re-uploading, 3 times": GaussianProcessKernel(ReuploadingEncoding(n_qubits=2, reps=3), 0.3),
    "RBF": RBF(1.0),
    "one rotation times RBF": GaussianProcessKernel(AngleEncoding(), 2.0) * RBF(5.0),
}
figure, axes = plt.subplots(1, 4, figsize=(13, 3.2), sharey=True, layout="constrained")
new = np.sort(rng.uniform(0, 9, 300))
measured = pendulum(new) + 0.05 * rng.normal(size=300)
for (name, kernel), ax in zip(kernels.items(), axes, strict=True):
    model = GaussianProcessRegressor(
        ConstantKernel() * kernel + WhiteKernel(0.01, (1e-4, 1.0)),
        n_restarts_optimizer=2,
        random_state=0,
    ).fit(t[:, None], y)
    mean, spread = model.predict(grid[:, None], return_std=True)
    ax.plot(grid, pendulum(grid), "k--", lw=1, label="truth")
    ax.plot(t, y, ".", color="C1", label="measured")
    ax.plot(grid, mean, color="C0", label="predicted")
    ax.fill_between(grid, mean - 1.645 * spread, mean + 1.645 * spread, alpha=0.25)
    ax.set(title=name, xlabel="time", ylim=(-1.6, 1.6))
    at_new, around = model.predict(new[:, None], return_std=True)
    inside = (np.abs(measured - at_new) < 1.645 * around).mean()
    print(f"{name}: log likelihood {model.log_marginal_likelihood_value_:.1f}, ", end="")
    print(f"{100 * inside:.0f} % of new points inside the 90 % interval")
axes[0].legend(loc="lower left", fontsize="small")

# %%
# One rotation knows one frequency and no damping: it takes the swings for noise. Loaded three
# times, the circuit repeats itself, and fills the gap with what is not there: its intervals hold
# two thirds of the points where they promise nine tenths. The Gaussian kernel knows that it knows
# nothing in the gap. The product, a frequency that fades, has the highest likelihood and the
# narrowest intervals that are right. No quantum computer is needed for it: the kernel of one
# rotation is the square of a cosine. The likelihoods say all this before a new point is measured.

plt.show()
