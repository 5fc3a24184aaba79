"""
One quantum kernel, four machines: anomalies, clusters, components, values
==========================================================================

:class:`~skquantum.QuantumKernelTransformer` turns rows into values of a quantum kernel, which
every model of scikit-learn with ``kernel="precomputed"`` takes. Here are four, each beside what
one would use without it. None of them is shown to be better with a quantum kernel: these sets are
small, and not quantum.
"""

# %%
# Anomalies
# ---------
# Benign tumours are usual, and 10 malignant ones among 150 rows are to be found. The machine
# learns from usual rows only. Accuracy says nothing where so few rows matter: average precision
# does, .067 by chance.

import numpy as np
from sklearn.cluster import SpectralClustering
from sklearn.datasets import load_breast_cancer, load_diabetes, make_moons
from sklearn.decomposition import KernelPCA
from sklearn.ensemble import IsolationForest
from sklearn.kernel_ridge import KernelRidge
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.metrics import adjusted_rand_score, average_precision_score
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import OneClassSVM

from skquantum import QuantumKernelTransformer
from skquantum.kernels import ProjectedKernel

X, y = load_breast_cancer(return_X_y=True)
benign, malignant = X[y == 1], X[y == 0]
detectors = {
    "projected quantum kernel": make_pipeline(
        StandardScaler(),
        QuantumKernelTransformer("reuploading", kernel="projected"),
        OneClassSVM(kernel="precomputed", nu=0.1),
    ),
    "fidelity, ZZ map": make_pipeline(
        StandardScaler(),
        QuantumKernelTransformer("zz"),
        OneClassSVM(kernel="precomputed", nu=0.1),
    ),
    "Gaussian kernel": make_pipeline(StandardScaler(), OneClassSVM(nu=0.1)),
    "isolation forest": IsolationForest(random_state=0),
}
found = {name: [] for name in detectors}
for seed in range(10):
    rng = np.random.default_rng(seed)
    usual, rare = rng.permutation(benign), rng.permutation(malignant)
    rows = np.vstack([usual[200:340], rare[:10]])
    is_rare = np.repeat([0, 1], [140, 10])
    for name, detector in detectors.items():
        scores = -detector.fit(usual[:200]).score_samples(rows)
        found[name].append(average_precision_score(is_rare, scores))
for name, values in found.items():
    print(f"{name:25} {np.mean(values):.2f} ± {np.std(values):.2f}")

# %%
# Clusters
# --------
# Two moons, without their labels. Agreement with the labels is 1 at best and 0 by chance. Clusters
# need narrow kernels, whichever they are.

moons, label = make_moons(200, noise=0.08, random_state=0)
moons = StandardScaler().fit_transform(moons)
narrow = ProjectedKernel("reuploading", gamma=10)
for name, kernel in {
    "projected quantum kernel": QuantumKernelTransformer(kernel=narrow),
    "fidelity, ZZ map": QuantumKernelTransformer("zz"),
}.items():
    K = np.clip(kernel.fit_transform(moons), 0, None)
    clusters = SpectralClustering(2, affinity="precomputed", random_state=0).fit_predict(K)
    print(f"{name:25} {adjusted_rand_score(label, clusters):.2f}")
clusters = SpectralClustering(2, gamma=10, random_state=0).fit_predict(moons)
print(f"{'Gaussian kernel':25} {adjusted_rand_score(label, clusters):.2f}")

# %%
# Components
# ----------
# A linear model of two components of the kernel, five folds.

for name, components in {
    "projected quantum kernel": make_pipeline(
        QuantumKernelTransformer("reuploading", kernel="projected"),
        KernelPCA(2, kernel="precomputed"),
    ),
    "Gaussian kernel": KernelPCA(2, kernel="rbf"),
    "linear": KernelPCA(2),
}.items():
    model = make_pipeline(StandardScaler(), components, StandardScaler(), LogisticRegression())
    scores = cross_val_score(model, X, y)
    print(f"{name:25} {scores.mean():.3f} ± {scores.std():.3f}")

# %%
# Values
# ------
# Kernel ridge regression, whose penalty is searched.

X, y = load_diabetes(return_X_y=True)
penalties = {"kernelridge__alpha": [0.03, 0.1, 0.3, 1, 3]}
y = (y - y.mean()) / y.std()
regressors = {
    "projected quantum kernel": GridSearchCV(
        make_pipeline(
            StandardScaler(),
            QuantumKernelTransformer("reuploading", kernel="projected"),
            KernelRidge(kernel="precomputed"),
        ),
        penalties,
    ),
    "Gaussian kernel": GridSearchCV(
        make_pipeline(StandardScaler(), KernelRidge(kernel="rbf", gamma=0.01)), penalties
    ),
    "ridge regression": make_pipeline(StandardScaler(), Ridge()),
}
for name, model in regressors.items():
    scores = cross_val_score(model, X, y)
    print(f"{name:25} {scores.mean():.3f} ± {scores.std():.3f}")
