"""
A real file with gaps
=====================

The Palmer penguins: text columns, numbers, and gaps, as a CSV file. Are males and females told
apart better by a quantum kernel than by a classical model?
"""

# %%
# The file
# --------
# It comes with a package, and is read from disk like any other.

from importlib.resources import files

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from sklearn.decomposition import PCA
from sklearn.inspection import permutation_importance
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skquantum import QuantumKernelSVC, compare
from skquantum.circuits import AngleEncoding

path = files("palmerpenguins") / "data" / "penguins.csv"
frame = pd.read_csv(path)
print(frame.head(4).to_string())
print("gaps:", frame.isna().sum().to_dict())

# %%
# What is done to it
# ------------------
# A comparison takes the frame as it is: text becomes columns of zeros and ones, gaps are filled
# with what the training rows of a fold say, and rows without a target are left out. The kernel has
# an encoding and a bandwidth of its own, and both sides are tuned over two settings.

model = make_pipeline(
    StandardScaler(), QuantumKernelSVC(AngleEncoding(bandwidth=0.5, n_qubits=8), probability=False)
)
comparison = compare(
    {"quantum kernel": (model, {"quantumkernelsvc__C": [1, 10]})},
    frame,
    "sex",
    baselines=["logistic regression", "RBF SVM"],
    cv=3,
    budget=2,
    verbose=0,
)
for column, treatment in comparison.table:
    print(f"{column}: {treatment}")

# %%
# The verdict
# -----------

print(comparison.to_frame()["accuracy"].round(3).to_string())
print(comparison.verdict)

# %%
# Where they fail
# ---------------
# The two longest axes of the numbers: the sexes overlap within each species.

numbers = frame.dropna().select_dtypes("number")
sex = frame.dropna()["sex"]
train, test, y_train, y_test = train_test_split(numbers, sex, random_state=0)
fitted = model.fit(train, y_train)
axes = PCA(2).fit(StandardScaler().fit_transform(train))
shown = axes.transform(StandardScaler().fit(train).transform(test))
wrong = np.asarray(fitted.predict(test) != y_test)
fig, (left, right) = plt.subplots(1, 2, figsize=(9, 3.8), layout="constrained")
for label, color in (("female", "tab:orange"), ("male", "tab:blue")):
    left.scatter(*shown[y_test == label].T, color=color, label=label, s=25)
left.scatter(*shown[wrong].T, s=90, facecolor="none", edgecolor="k", label="wrong")
left.set(title=f"{wrong.sum()} of {len(wrong)} wrong", xlabel="axis 1", ylabel="axis 2")
left.legend()
importance = permutation_importance(fitted, test, y_test, n_repeats=5, random_state=0)
right.barh(numbers.columns, importance.importances_mean, xerr=importance.importances_std)
right.set(title="accuracy lost when a column is shuffled")
plt.show()
