"""What learning a kernel brings: by alignment, and by the marginal likelihood. Some minutes.

python benchmarks/evidence/learned_kernels.py
"""

import warnings

import numpy as np
from scipy.stats import norm
from sklearn.base import clone
from sklearn.datasets import (
    load_breast_cancer,
    load_diabetes,
    make_circles,
    make_friedman1,
    make_moons,
)
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.gaussian_process.kernels import RBF, ConstantKernel, WhiteKernel
from sklearn.model_selection import KFold, RepeatedStratifiedKFold, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

from skquantum import QuantumKernelSVC
from skquantum.circuits import HardwareEfficient, ReuploadingEncoding, TrainableEncoding
from skquantum.datasets import make_ad_hoc, make_hidden_manifold
from skquantum.kernels import AlignedKernel, GaussianProcessKernel


def make_xor(n_samples, seed):
    X = np.random.default_rng(seed).normal(size=(n_samples, 2))
    return X, (X[:, 0] * X[:, 1] > 0).astype(int)


CLASSES = {
    "moons": make_moons(100, noise=0.2, random_state=0),
    "circles": make_circles(100, noise=0.1, factor=0.5, random_state=0),
    "xor": make_xor(100, 0),
    "hidden manifold": tuple(a[:100] for a in make_hidden_manifold(random_state=0)),
    "ad hoc": make_ad_hoc(50, gap=0.3, random_state=0),
    "breast cancer": tuple(a[::6] for a in load_breast_cancer(return_X_y=True)),
}
TRAINABLE = TrainableEncoding("angle", HardwareEfficient(n_layers=3))
MACHINES = {
    "SVC": SVC(),
    "default": QuantumKernelSVC(),
    "re-uploading, fidelity": QuantumKernelSVC(kernel="fidelity"),
    "the same, aligned": QuantumKernelSVC(kernel="aligned"),
    "the same, rows set aside": QuantumKernelSVC(
        kernel=AlignedKernel(early_stopping=True, random_state=0)
    ),
    "trained layers, aligned": QuantumKernelSVC(kernel=AlignedKernel(TRAINABLE, random_state=0)),
    "trained layers, rows set aside": QuantumKernelSVC(
        kernel=AlignedKernel(TRAINABLE, early_stopping=True, random_state=0)
    ),
}


def classification():
    folds = RepeatedStratifiedKFold(n_splits=5, n_repeats=2, random_state=0)
    print(("{:16}" + "{:>26}" * len(MACHINES)).format("accuracy", *MACHINES))
    for name, (X, y) in CLASSES.items():
        cells = []
        for label, machine in MACHINES.items():
            if "trained" in label and X.shape[1] > 8:
                cells.append("-")
                continue
            model = make_pipeline(StandardScaler(), clone(machine).set_params(C=10.0))
            scores = cross_val_score(model, X, y, cv=folds)
            cells.append(f"{scores.mean():.3f} ± {scores.std():.3f}")
        print(("{:16}" + "{:>26}" * len(cells)).format(name, *cells), flush=True)


REGRESSIONS = {
    "friedman1": make_friedman1(200, n_features=5, noise=1.0, random_state=0),
    "diabetes": tuple(a[:200] for a in load_diabetes(return_X_y=True)),
}


def gaussian_processes():
    print(f"\n{'':12}{'kernel':24}{'R2':>16}{'in 90 % intervals':>20}{'log density':>16}")
    for name, (X, y) in REGRESSIONS.items():
        d = X.shape[1]
        encoding = ReuploadingEncoding(n_qubits=min(d, 8), bandwidth=1.0)
        kernels = {
            "RBF": RBF(1.0),
            "RBF, one a feature": RBF(np.ones(d)),
            "quantum": GaussianProcessKernel(encoding, 0.3),
            "quantum, one a feature": GaussianProcessKernel(encoding, np.full(d, 0.3)),
        }
        for label, kernel in kernels.items():
            found = []
            for train, test in KFold(5, shuffle=True, random_state=0).split(X):
                scaler = StandardScaler().fit(X[train])
                model = GaussianProcessRegressor(
                    ConstantKernel() * kernel + WhiteKernel(), normalize_y=True
                )
                model.fit(scaler.transform(X[train]), y[train])
                mean, spread = model.predict(scaler.transform(X[test]), return_std=True)
                inside = np.abs(y[test] - mean) < 1.645 * spread
                density = norm.logpdf(y[test], mean, spread).mean()
                r2 = 1 - ((y[test] - mean) ** 2).mean() / y[test].var()
                found.append((r2, inside.mean(), density))
            means, spreads = np.mean(found, axis=0), np.std(found, axis=0)
            cells = [f"{m:.3f} ± {s:.3f}" for m, s in zip(means, spreads, strict=True)]
            print(f"{name:12}{label:24}{cells[0]:>16}{cells[1]:>20}{cells[2]:>16}", flush=True)


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    classification()
    gaussian_processes()
