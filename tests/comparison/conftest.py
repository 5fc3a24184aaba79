import pytest
from sklearn.datasets import load_iris

from skquantum.comparison import compare
from skquantum.comparison._data import subsample


@pytest.fixture(scope="session")
def iris():
    X, y = load_iris(return_X_y=True)
    return subsample(X, load_iris().target_names[y], 60, "classification", 0)


@pytest.fixture(scope="session")
def comparison(iris):
    """Return a small comparison: a quantum model and two baselines."""
    return compare(
        "QuantumKernelSVC", *iris, baselines=["logistic regression", "RBF SVM"], cv=3, budget=2
    )
