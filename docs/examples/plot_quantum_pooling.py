"""
Pooling of images by a trained circuit
======================================

Windows of 2x2 pixels go into a circuit of four qubits that keeps one value of each. What does
it keep, next to maximum and mean?
"""

# %%
# The windows
# -----------
# Pixels become angles of up to a quarter turn. All images and all windows are one batch, and
# the circuit has eight weights, trained together with a linear read-out.

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_digits
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skquantum import ClassicalPoolingTransformer, QuantumPoolingTransformer

X, y = load_digits(return_X_y=True)
X = X / 16 * np.pi / 2
X_train, X_test, y_train, y_test = train_test_split(X, y, stratify=y, random_state=0)
maps = {
    "quantum, labels": QuantumPoolingTransformer(
        (8, 8), observables="Z", tol=0.005, random_state=0
    ),
    "quantum, reconstruction": QuantumPoolingTransformer(
        (8, 8), observables="Z", objective="reconstruction", tol=1e-4, random_state=0
    ),
    "maximum": ClassicalPoolingTransformer((8, 8)),
    "mean": ClassicalPoolingTransformer((8, 8), kind="mean"),
}
scores = {}
for name, pooling in maps.items():
    model = make_pipeline(pooling, StandardScaler(), LogisticRegression(max_iter=1000))
    scores[name] = model.fit(X_train, y_train).score(X_test, y_test)
    print(f"{name:24} accuracy {scores[name]:.3f}")

# %%
# What is left of an image
# ------------------------
# A linear classifier behind the mean does as well or better: digits of 8x8 pixels are blurred
# already, and the mean of a window is what matters. The user guide has the same comparison over
# folds, other data, and more outputs.

digits = [0, 1, 2, 3]
fig, axes = plt.subplots(len(digits), len(maps) + 1, figsize=(9, 7.5), layout="constrained")
for row, image in zip(axes, X_test[digits], strict=True):
    row[0].imshow(image.reshape(8, 8), cmap="gray")
    for ax, pooling in zip(row[1:], maps.values(), strict=True):
        ax.imshow(pooling.transform([image]).reshape(pooling.output_shape_), cmap="gray")
for ax, name in zip(axes[0], ["image", *maps], strict=True):
    ax.set_title(name if name == "image" else f"{name}\n{scores[name]:.3f}", fontsize=9)
for ax in axes.ravel():
    ax.set_axis_off()
plt.show()

# %%
# The circuit, and what it costs:

pooling = maps["quantum, labels"]
print(pooling.circuit_)
print(pooling.resources_)
