"""Models of one's own in a comparison. docs/extending.rst shows this source."""

from sklearn.datasets import load_iris
from sklearn.ensemble import ExtraTreesClassifier
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler

from skquantum import QuantumKernelSVC, compare
from skquantum.circuits import AngleEncoding
from skquantum.comparison import MODELS, ModelEntry


def test_models_and_baselines_of_ones_own():
    X, y = load_iris(return_X_y=True)
    # [compare]
    angle = make_pipeline(MinMaxScaler((0, 1)), QuantumKernelSVC(encoding=AngleEncoding()))
    comparison = compare(
        {"angle kernel": (angle, {"quantumkernelsvc__C": [1, 10]})},
        X,
        y,
        baselines={
            "neighbours": (KNeighborsClassifier(), {"n_neighbors": [3, 10]}),
            "extra trees": (ExtraTreesClassifier(), {"min_samples_leaf": [1, 5]}),
        },
        cv=3,
    )
    print(comparison.verdict)
    # [end]
    assert set(comparison.models) == {"angle kernel", "neighbours", "extra trees"}


def test_a_registered_model_is_known_by_name(monkeypatch):
    monkeypatch.setitem(MODELS, "AngleKernelSVC", None)  # undone after the test
    X, y = load_iris(return_X_y=True)
    # [register]
    MODELS["AngleKernelSVC"] = ModelEntry(
        make=lambda: QuantumKernelSVC(encoding=AngleEncoding()),
        grid={"C": [1, 10], "encoding__bandwidth": [0.3, 1]},
        description="support vector classifier on product states",
    )
    # [end of register]
    comparison = compare("AngleKernelSVC", X, y, baselines=["logistic regression"], cv=2)
    assert "AngleKernelSVC" in comparison.models
