"""The one search for fitted models inside fitted models: models of models, reports, backends."""

import numpy as np
import pytest
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import ColumnTransformer, TransformedTargetRegressor
from sklearn.datasets import load_iris
from sklearn.ensemble import BaggingClassifier, StackingClassifier, VotingClassifier
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.multiclass import OneVsOneClassifier, OneVsRestClassifier
from sklearn.pipeline import make_pipeline, make_union
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC, SVR

from skquantum import QuantumFeatureTransformer, QuantumKernelSVC, QuantumKernelSVR, compare
from skquantum.execution import QsimBackend
from skquantum.inspection import fitted_attribute, fitted_parts, with_backend

X, y = load_iris(return_X_y=True)
X, y = StandardScaler().fit_transform(X)[::6], y[::6]
# Of fidelities: noise changes them so much that labels change, which is all that bagging shows.
SVM = QuantumKernelSVC("angle", kernel="fidelity")
FEATURES = QuantumFeatureTransformer("angle")
MODELS = {
    "itself": SVM,
    "pipeline": make_pipeline(StandardScaler(), SVM),
    "search": GridSearchCV(SVM, {"C": [1.0]}, cv=2),
    "calibrated": CalibratedClassifierCV(SVM, cv=2),
    "calibrated together": CalibratedClassifierCV(SVM, cv=2, ensemble=False),
    "frozen": CalibratedClassifierCV(FrozenEstimator(SVM)),
    "one against the rest": OneVsRestClassifier(SVM),
    "one against one": OneVsOneClassifier(SVM),
    "bagging": BaggingClassifier(SVM, n_estimators=2, random_state=0),
    "voting": VotingClassifier(
        [
            ("quantum", QuantumKernelSVC("angle", probability=True, random_state=0)),
            ("linear", LogisticRegression()),
        ],
        voting="soft",  # a hard vote of two need not change where one of them does
    ),
    "stacking": StackingClassifier([("linear", LogisticRegression())], SVM, cv=2),
    "columns": make_pipeline(ColumnTransformer([("some", FEATURES, [0, 1])]), SVC()),
    "union": make_pipeline(make_union(StandardScaler(), FEATURES), SVC()),
    "target": TransformedTargetRegressor(QuantumKernelSVR("angle")),
    "deep": GridSearchCV(
        make_pipeline(StandardScaler(), OneVsRestClassifier(CalibratedClassifierCV(SVM, cv=2))),
        {"onevsrestclassifier__estimator__cv": [2]},
        cv=2,
    ),
}


def fitted(name):
    if name == "frozen":
        return CalibratedClassifierCV(FrozenEstimator(SVM.fit(X, y))).fit(X, y)
    return MODELS[name].fit(X, y)


@pytest.mark.parametrize("name", MODELS)
def test_what_runs_circuits_is_found_by_all(name):
    model = fitted(name)
    assert fitted_attribute(model, "resources_")["n_qubits"] in (2, 3, 4)
    assert fitted_attribute(model, "circuit_") is not None
    parts = list(fitted_parts(model))
    assert parts[0] is model
    assert len({id(part) for part in parts}) == len(parts)
    moved = with_backend(model, QsimBackend(noise=0.3))
    method = "decision_function" if hasattr(model, "decision_function") else "predict"
    method = "predict_proba" if hasattr(model, "predict_proba") else method
    before, after = getattr(model, method)(X), getattr(moved, method)(X)
    assert not np.array_equal(before, after)
    assert np.array_equal(before, getattr(model, method)(X))


def test_a_classical_model_has_no_circuit():
    model = make_pipeline(StandardScaler(), SVR()).fit(X, y)
    assert fitted_attribute(model, "circuit_") is None
    assert len(list(fitted_parts(model))) == 3


def test_a_report_has_the_resources_of_models_of_models():
    models = {"rest": MODELS["one against the rest"], "calibrated": MODELS["calibrated"]}
    comparison = compare(models, X, y, baselines=["logistic regression"], cv=2)
    for name in models:
        assert comparison.resources(name)["qubits"] == "4"
