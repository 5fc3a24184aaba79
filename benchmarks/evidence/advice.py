"""Advice beside the full comparison: how often is it right? Some six minutes on one core.

python benchmarks/evidence/advice.py
"""

import warnings

import numpy as np
from sklearn.datasets import (
    load_breast_cancer,
    load_diabetes,
    load_wine,
    make_circles,
    make_friedman1,
    make_moons,
)
from sklearn.preprocessing import FunctionTransformer, StandardScaler

from skquantum import QuantumKernelSVC, QuantumKernelSVR, advise, compare
from skquantum.circuits import ZZEncoding
from skquantum.datasets import (
    make_ad_hoc,
    make_hidden_manifold,
    make_hyperplanes,
    make_two_curves,
)

ROW = "{:16} {:3}  {:>5} {:>5}  {:>5} {:>5}  {}"


def make_xor(n_samples, seed):
    X = np.random.default_rng(seed).normal(size=(n_samples, 2))
    return X, (X[:, 0] * X[:, 1] > 0).astype(int)


SETS = {
    "ad hoc, seed 0": make_ad_hoc(100, gap=0.3, random_state=0),
    "ad hoc, seed 1": make_ad_hoc(100, gap=0.3, random_state=1),
    "breast cancer": load_breast_cancer(return_X_y=True),
    "wine": load_wine(return_X_y=True),
    "diabetes": load_diabetes(return_X_y=True),
    "moons, seed 0": make_moons(200, noise=0.2, random_state=0),
    "moons, seed 1": make_moons(200, noise=0.2, random_state=1),
    "circles, seed 0": make_circles(200, noise=0.15, factor=0.5, random_state=0),
    "circles, seed 1": make_circles(200, noise=0.15, factor=0.5, random_state=1),
    "hidden manifold": make_hidden_manifold(random_state=0),
    "two curves": make_two_curves(random_state=0),
    "hyperplanes": make_hyperplanes(random_state=0),
    "xor": make_xor(200, 0),
    "friedman1": make_friedman1(200, noise=1.0, random_state=0),
}


def compared(advice, X, y):
    """Compare the model that the advice would start with, in the full protocol."""
    make = QuantumKernelSVC if advice.task == "classification" else QuantumKernelSVR
    model, before = make(), StandardScaler()
    if "ZZEncoding" in advice.start_with:
        encoding = ZZEncoding(bandwidth=1.0, entanglement="full")
        grid = {"C": [1.0, 10.0, 100.0]}
        model, before = (make(encoding, kernel="fidelity"), grid), FunctionTransformer()
    elif "zz" in advice.start_with:
        model = make("zz", kernel="fidelity")
    found = compare({"quantum": model}, X, y, preprocessing=before, verbose=0, n_jobs=1)
    best = found.best_baseline
    means = (found.mean(name, found.metric)[0] for name in ("quantum", best))
    return (*means, found.headline)


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    print(ROW.format("", "", "advice", "", "full", "", "headline of the comparison"))
    for name, (X, y) in SETS.items():
        advice = advise(X, y)
        sample = (advice.scores[m].mean() for m in (advice.start_with, advice.best_baseline))
        *means, headline = compared(advice, X, y)
        numbers = [f"{value:.3f}" for value in (*sample, *means)]
        print(ROW.format(name, advice.decision, *numbers, headline), flush=True)
