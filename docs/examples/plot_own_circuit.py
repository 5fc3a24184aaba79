"""
A circuit of your own
=====================

Any Cirq circuit is an encoding: here one on four qubits of a grid, drawn by hand. It becomes a
kernel, and its qubits stay what they are.
"""

# %%
# The circuit
# -----------
# Two features, each on two qubits, and their product between neighbours.

import cirq
import matplotlib.pyplot as plt
import numpy as np
import sympy
from sklearn.datasets import make_circles, make_moons
from sklearn.inspection import DecisionBoundaryDisplay
from sklearn.model_selection import GridSearchCV, train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

from skquantum import QuantumFeatureTransformer, QuantumKernelSVC
from skquantum.circuits import CircuitEncoding

a, b, c, d = qubits = cirq.GridQubit.square(2)
x, y = sympy.symbols("x y")
circuit = cirq.Circuit(
    [cirq.ry(x)(a), cirq.ry(y)(b), cirq.ry(2 * y)(c), cirq.ry(2 * x)(d)],
    [cirq.CZ(a, b) ** (x * y / 4), cirq.CZ(c, d) ** (x * y / 4)],
    [cirq.CNOT(a, c), cirq.CNOT(b, d)],
)
print(circuit)

# %%
# As a kernel
# -----------
# It is tuned and scored like any other. Next to it the usual support vector machine.

data = {
    "moons": make_moons(160, noise=0.25, random_state=0),
    "circles": make_circles(160, noise=0.15, factor=0.5, random_state=0),
}
models = {
    "own circuit": GridSearchCV(
        make_pipeline(StandardScaler(), QuantumKernelSVC(CircuitEncoding(circuit))),
        {"quantumkernelsvc__C": [0.1, 1, 10]},
    ),
    "RBF kernel": GridSearchCV(make_pipeline(StandardScaler(), SVC()), {"svc__C": [0.1, 1, 10]}),
}
fig, axes = plt.subplots(2, 2, figsize=(8, 7.5), layout="constrained")
for row, (title, (X, labels)) in zip(axes, data.items(), strict=True):
    X_train, X_test, y_train, y_test = train_test_split(X, labels, random_state=0)
    for ax, (name, model) in zip(row, models.items(), strict=True):
        score = model.fit(X_train, y_train).score(X_test, y_test)
        print(f"{title:8} {name:12} accuracy {score:.2f}")
        DecisionBoundaryDisplay.from_estimator(
            model,
            X,
            ax=ax,
            grid_resolution=50,
            cmap="RdBu",
            alpha=0.6,
            response_method="decision_function",
        )
        ax.scatter(*X_test.T, c=y_test, cmap="RdBu", edgecolor="k", s=25)
        ax.set(title=f"{title}, {name}\naccuracy {score:.2f}")
plt.show()

# %%
# What is on which qubit
# ----------------------
# Observables are written for the circuit's own qubits. Along a line through the plane:

angles = np.linspace(-np.pi, np.pi, 200)
features = QuantumFeatureTransformer(
    CircuitEncoding(circuit), observables=[cirq.Z(q) for q in qubits]
)
values = features.fit_transform(np.column_stack([angles, 0.5 * angles]))
print(sorted(features.circuit_.all_qubits()))
fig, ax = plt.subplots(figsize=(7, 3), layout="constrained")
ax.plot(angles, values, label=[str(q) for q in qubits])
ax.set(xlabel="x = 2 y, in radians", ylabel="Z")
ax.legend()
plt.show()
