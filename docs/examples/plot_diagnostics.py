"""
Looking at circuits and kernels before training
===============================================

What theory says about circuits can be measured: how evenly they reach all states and how
entangled these are [1]_, which frequencies a model has [2]_, and how the values of a kernel draw
together as data get wider [3]_. :ref:`diagnostics` says what follows from each.

.. [1] S. Sim, P. D. Johnson and A. Aspuru-Guzik (2019). Expressibility and entangling capability
   of parameterized quantum circuits. Advanced Quantum Technologies 2, 1900070.
   :arxiv:`1905.10876`
.. [2] M. Schuld, R. Sweke and J. J. Meyer (2021). Effect of data encoding on the expressive power
   of variational quantum-machine-learning models. Physical Review A 103, 032430.
   :arxiv:`2008.08605`
.. [3] S. Thanasilp et al. (2024). Exponential concentration in quantum kernel methods. Nature
   Communications 15, 5200. :arxiv:`2208.11060`
"""

# %%
# How evenly a circuit reaches all states
# ---------------------------------------
# The three circuits of the paper on one qubit: left alone, turned about one axis, and about two.

import cirq
import matplotlib.pyplot as plt
import sympy

from skquantum.circuits import AngleEncoding, ReuploadingEncoding
from skquantum.execution import QsimBackend
from skquantum.inspection import (
    entangling_capability,
    expressibility,
    fourier_spectrum,
    kernel_concentration,
)
from skquantum.kernels import FidelityKernel, ProjectedKernel
from skquantum.layers import QuantumLayer

qubit = cirq.LineQubit(0)
a, b = sympy.symbols("a b")
circuits = {
    "idle": cirq.Circuit(cirq.I(qubit)),
    "H, RZ": cirq.Circuit(cirq.H(qubit), cirq.rz(a)(qubit)),
    "H, RZ, RX": cirq.Circuit(cirq.H(qubit), cirq.rz(a)(qubit), cirq.rx(b)(qubit)),
}
_, axes = plt.subplots(1, 3, figsize=(10, 3), sharey=True, layout="constrained")
for ax, (name, circuit) in zip(axes, circuits.items(), strict=True):
    found = expressibility(circuit, random_state=0)
    found.plot(ax)
    ax.set_title(f"{name}: {found.divergence:.2f}")

# %%
# Entanglement
# ------------
# Of the states of two ansätze on four qubits; the line is the mean of random states.

_, axes = plt.subplots(1, 2, figsize=(8, 3), sharey=True, layout="constrained")
for ax, name in zip(axes, ("real_amplitudes", "strongly_entangling"), strict=True):
    found = entangling_capability(name, 4, random_state=0)
    found.plot(ax)
    ax.set_title(f"{name}: {found.mean:.2f}")

# %%
# Frequencies
# -----------
# A feature that is loaded three times gives three frequencies, and the highest has the smallest
# coefficients.

encoding = ReuploadingEncoding(reps=3, bandwidth=1.0)
layer = QuantumLayer(encoding, "strongly_entangling", n_features=1)
spectrum = fourier_spectrum(layer, 6, random_state=0)
spectrum.plot()
print("frequencies:", spectrum.reached())

# %%
# Kernels of wide data
# --------------------
# Values of fidelity kernels concentrate exponentially with the number of features, and those of
# projected kernels do, too. A smaller bandwidth avoids it, by making the kernel one that classical
# kernels can match.

wide, narrow = AngleEncoding(bandwidth=1.0), AngleEncoding(bandwidth=0.2)
concentration = kernel_concentration(
    {
        "fidelity": FidelityKernel(wide),
        "fidelity, noise": FidelityKernel(wide, backend=QsimBackend(noise=0.02)),
        "fidelity, bandwidth 0.2": FidelityKernel(narrow),
        "projected": ProjectedKernel(wide),
    },
    (1, 2, 3, 4, 5, 6),
    random_state=0,
)
concentration.plot()
for name, slope in concentration.slopes().items():
    print(f"{name:25} {slope:6.2f} a feature")
plt.show()
