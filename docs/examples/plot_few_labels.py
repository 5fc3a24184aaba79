"""
Are tens of labels enough?
==========================

It is said that quantum kernels need fewer labels. Scikit-learn's
:func:`~sklearn.model_selection.learning_curve` tells whether that holds on data of yours: the
models are scikit-learn models. Here on two sets, each with 20 random splits in the classes'
proportions: tumours, and labels that a quantum circuit made, the best case there is.
"""

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_breast_cancer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedShuffleSplit, learning_curve
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler
from sklearn.svm import SVC

from skquantum import QuantumKernelSVC
from skquantum.circuits import ZZEncoding
from skquantum.datasets import make_ad_hoc

published = ZZEncoding(bandwidth=1.0, entanglement="full")
classical = {
    "Gaussian SVM": make_pipeline(StandardScaler(), SVC(C=10)),
    "logistic regression": make_pipeline(StandardScaler(), LogisticRegression()),
}
tasks = {
    "breast cancer": (
        load_breast_cancer(return_X_y=True),
        {"quantum kernel": make_pipeline(StandardScaler(), QuantumKernelSVC(C=10)), **classical},
    ),
    "labels of a circuit": (
        make_ad_hoc(200, gap=0.3, random_state=0),
        {
            "quantum kernel": make_pipeline(
                FunctionTransformer(), QuantumKernelSVC(published, kernel="fidelity", C=10)
            ),
            **classical,
        },
    ),
}
sizes = [10, 20, 50, 100]
splits = StratifiedShuffleSplit(20, train_size=100, test_size=100, random_state=0)

_, axes = plt.subplots(1, 2, figsize=(10, 4), sharey=True, layout="constrained")
for ax, (title, ((X, y), models)) in zip(axes, tasks.items(), strict=True):
    print(title)
    scores = {}
    for name, model in models.items():
        curve = learning_curve(
            model, X, y, train_sizes=sizes, cv=splits, shuffle=True, random_state=0
        )
        scores[name] = curve[2]
        mean, spread = curve[2].mean(axis=1), curve[2].std(axis=1)
        ax.errorbar(sizes, mean, spread, capsize=3, marker="o", label=name)
        told = "  ".join(f"{m:.3f} ± {s:.3f}" for m, s in zip(mean, spread, strict=True))
        print(f"  {name:20} {told}")
    gain = scores["quantum kernel"] - np.maximum(*(scores[name] for name in classical))
    wins = (gain > 0).sum(axis=1)
    print(f"  splits where the quantum kernel is best, of 20: {', '.join(map(str, wins))}")
    ax.set(title=title, xlabel="labels", ylabel="accuracy", xscale="log")
    ax.set_xticks(sizes, map(str, sizes))
    ax.legend()
plt.show()

# %%
# On tumours logistic regression has the best mean with any number of labels. Where a circuit made
# the labels, the kernel of that circuit needs a fraction of them. Few labels are a reason to try a
# quantum kernel only if there is a reason to think that it fits the data.
