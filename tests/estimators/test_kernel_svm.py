"""QuantumKernelSVC and QuantumKernelSVR beyond scikit-learn's checks."""

import functools
import pickle

import cirq
import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.calibration import CalibratedClassifierCV
from sklearn.datasets import load_iris, make_classification
from sklearn.model_selection import GridSearchCV, StratifiedKFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC, SVR
from sklearn.utils import all_estimators
from sklearn.utils.class_weight import compute_class_weight

from skquantum import QuantumKernelSVC, QuantumKernelSVR, VariationalClassifier
from skquantum.circuits import AngleEncoding, ZZEncoding
from skquantum.execution import QsimBackend, ReferenceBackend
from skquantum.kernels import FidelityKernel, ProjectedKernel

X, Y = load_iris(return_X_y=True)
X = StandardScaler().fit_transform(X)
NAMES = load_iris().target_names[Y]
SMOOTH = ZZEncoding(bandwidth=0.2)


def test_it_is_an_svc_on_the_kernel_matrix():
    model = QuantumKernelSVC(SMOOTH, kernel="fidelity", C=3).fit(X[::2], NAMES[::2])
    kernel = FidelityKernel(SMOOTH)
    svc = SVC(kernel="precomputed", C=3, break_ties=True).fit(kernel(X[::2]), NAMES[::2])
    test = kernel(X[1::2], X[::2])
    np.testing.assert_array_equal(model.predict(X[1::2]), svc.predict(test))
    # libsvm stops within tol=1e-3, and here it met the rows in another order.
    np.testing.assert_allclose(
        model.decision_function(X[1::2]), svc.decision_function(test), atol=2e-2
    )
    np.testing.assert_allclose(model.kernel_matrix_, kernel(X[::2]), rtol=0, atol=1e-6)
    assert model.classes_.tolist() == ["setosa", "versicolor", "virginica"]


def test_it_is_an_svr_on_the_kernel_matrix():
    y = X[:, 0] * X[:, 1]
    model = QuantumKernelSVR(SMOOTH, kernel="fidelity", C=3, normalize_y=False).fit(X, y)
    svr = SVR(kernel="precomputed", C=3).fit(FidelityKernel(SMOOTH)(X), y)
    expected = svr.predict(FidelityKernel(SMOOTH)(X))
    np.testing.assert_allclose(model.predict(X), expected, atol=1e-2)


def test_prediction_simulates_support_rows_only_and_once(monkeypatch):
    model = QuantumKernelSVC(SMOOTH, kernel="fidelity").fit(X, Y)
    seen = []
    columns = QsimBackend._run_columns
    monkeypatch.setattr(
        QsimBackend,
        "_run_columns",
        lambda self, circuit, symbols, values: (
            seen.append(len(values)) or columns(self, circuit, symbols, values)
        ),
    )
    first = model.predict(X[:7])
    assert seen == [len(model.support_)]
    np.testing.assert_array_equal(model.predict(X[:7]), first)
    assert seen == [len(model.support_)]
    assert 0 < len(model.support_) < len(X)
    np.testing.assert_array_equal(model.support_vectors_, X[model.support_])


@pytest.mark.parametrize("kernel", ["fidelity", "projected"])
def test_predictions_come_in_blocks(kernel, monkeypatch):
    model = QuantumKernelSVC(SMOOTH, kernel=kernel, probability=True, random_state=0)
    model.fit(X[:100:4], Y[:100:4])
    svr = QuantumKernelSVR(SMOOTH, kernel=kernel).fit(X[:100:4], X[:100:4, 0])
    lengths = []
    against = type(model.kernel_)._against

    def recorded(self, rows):
        values = against(self, rows)
        return lambda A: lengths.append(len(A)) or values(A)

    monkeypatch.setattr(type(model.kernel_), "_against", recorded)
    methods = [model.predict, model.decision_function, model.predict_proba, svr.predict]
    whole = [method(X) for method in methods]
    assert lengths == [150] * 4
    monkeypatch.setattr("skquantum.estimators._kernel.kept.BLOCK", 1)
    for method, expected in zip(methods, whole, strict=True):
        lengths.clear()
        np.testing.assert_allclose(method(X), expected, rtol=0, atol=1e-6)
        assert lengths == [25] * 6  # no block is larger than the matrix of the fit was


def test_many_rows_need_no_more_memory_than_the_fit(monkeypatch):
    backend = QsimBackend(max_memory=8 * 150 * 150)
    model = QuantumKernelSVC(AngleEncoding(n_qubits=2), backend=backend).fit(X, Y)
    monkeypatch.setattr("skquantum.estimators._kernel.kept.BLOCK", 1)
    many = np.tile(X, (10, 1))
    np.testing.assert_array_equal(model.predict(many), np.tile(model.predict(X), 10))


def test_weights_are_repetitions_in_any_order():
    rng = np.random.default_rng(0)
    weight = rng.integers(0, 4, len(X))
    repeated = np.repeat(np.arange(len(X)), weight)
    order = rng.permutation(len(X))
    for class_weight in (None, "balanced", {0: 2.0, 1: 1.0, 2: 0.5}):
        model = QuantumKernelSVC(SMOOTH, class_weight=class_weight)
        one = clone(model).fit(X, Y, sample_weight=weight)
        two = clone(model).fit(X[repeated], Y[repeated])
        three = clone(model).fit(X[order], Y[order], sample_weight=weight[order])
        expected = one.decision_function(X)
        np.testing.assert_allclose(two.decision_function(X), expected, atol=1e-9)
        np.testing.assert_array_equal(three.decision_function(X), expected)
    assert two.resources_["n_simulations"] < len(repeated)
    assert two.kernel_matrix_.shape == (len(repeated), len(repeated))


def test_balanced_class_weight_helps_the_rare_class():
    A, b = make_classification(300, 4, weights=[0.93], class_sep=0.6, random_state=0)
    plain = QuantumKernelSVC(AngleEncoding()).fit(A, b)
    balanced = QuantumKernelSVC(AngleEncoding(), class_weight="balanced").fit(A, b)
    assert (balanced.predict(A) == 1).sum() > (plain.predict(A) == 1).sum()


def test_probabilities():
    model = QuantumKernelSVC(SMOOTH, probability=True, random_state=0).fit(X, NAMES)
    proba = model.predict_proba(X)
    assert proba.shape == (150, 3)
    np.testing.assert_allclose(proba.sum(axis=1), 1)
    assert (model.classes_[proba.argmax(axis=1)] == NAMES).mean() > 0.9
    again = QuantumKernelSVC(SMOOTH, probability=True, random_state=0).fit(X, NAMES)
    np.testing.assert_array_equal(again.predict_proba(X), proba)
    assert not hasattr(QuantumKernelSVC(), "predict_proba")


@pytest.mark.parametrize(
    "model",
    [
        QuantumKernelSVC(),
        QuantumKernelSVC("iqp", kernel="projected"),
        QuantumKernelSVC(kernel=ProjectedKernel("angle", gamma=0.5)),
        QuantumKernelSVC(AngleEncoding(n_qubits=2), backend=ReferenceBackend()),
    ],
    ids=repr,
)
def test_fitted_models_pickle_and_clone(model):
    model.fit(X[::3], NAMES[::3])
    copy = pickle.loads(pickle.dumps(model))
    np.testing.assert_array_equal(copy.predict(X), model.predict(X))
    assert repr(clone(model)) == repr(model)


def test_data_frames():
    frame = pd.DataFrame(X, columns=["a", "b", "c", "d"])
    model = QuantumKernelSVC().fit(frame, pd.Series(NAMES))
    assert model.feature_names_in_.tolist() == ["a", "b", "c", "d"]
    np.testing.assert_array_equal(
        model.predict(frame), QuantumKernelSVC().fit(X, NAMES).predict(X)
    )


def test_circuit_parameters_in_a_grid_search():
    # A template given by its name takes part, too.
    grid = {"encoding__reps": [1, 2], "encoding__bandwidth": [0.1, 0.3], "C": [1, 10]}
    search = GridSearchCV(QuantumKernelSVC(encoding="zz"), grid, cv=2, n_jobs=2).fit(X, NAMES)
    assert search.best_score_ > 0.9
    assert search.best_params_.keys() == grid.keys()
    assert isinstance(search.best_estimator_.encoding, ZZEncoding)
    pipeline = make_pipeline(StandardScaler(), QuantumKernelSVC("zz"))
    pipeline.set_params(quantumkernelsvc__encoding__n_qubits=3, quantumkernelsvc__C=2)
    assert pipeline.fit(X, Y)[-1].resources_["n_qubits"] == 3


def test_parameters_of_a_named_kernel_in_a_grid_search():
    grid = {"kernel__gamma": [0.5, 2.0], "encoding__reps": [1, 2]}
    model = QuantumKernelSVC("angle", kernel="projected", backend=QsimBackend(n_threads=1))
    search = GridSearchCV(model, grid, cv=2).fit(X, NAMES)
    kernel = search.best_estimator_.kernel_
    assert kernel.gamma == search.best_params_["kernel__gamma"]
    assert kernel.encoding.reps == search.best_params_["encoding__reps"]
    assert kernel.backend.n_threads == 1
    again = clone(search.best_estimator_).fit(X, NAMES)
    np.testing.assert_array_equal(again.predict(X), search.predict(X))
    named = QuantumKernelSVC().set_params(kernel="projected", kernel__gamma=0.5)
    assert repr(named.kernel) == "ProjectedKernel(encoding='reuploading', gamma=0.5)"
    with pytest.raises(ValueError, match="Invalid parameter 'gamma' for estimator FidelityKernel"):
        QuantumKernelSVC(kernel="fidelity").set_params(kernel__gamma=1.0)


@pytest.mark.parametrize(
    ("params", "name"),
    [
        ({"encoding": "angle"}, "encoding"),
        ({"encoding": ZZEncoding(reps=1)}, "encoding"),
        ({"encoding": "angle", "kernel": FidelityKernel(AngleEncoding())}, "encoding"),
        ({"backend": QsimBackend()}, "backend"),
        ({"backend": ReferenceBackend(), "kernel": FidelityKernel("angle")}, "backend"),
    ],
)
@pytest.mark.parametrize("estimator", [QuantumKernelSVC, QuantumKernelSVR])
def test_an_encoding_or_backend_that_a_kernel_instance_would_not_use(estimator, params, name):
    model = estimator(**{"kernel": FidelityKernel()} | params)
    with pytest.raises(ValueError, match=f"{name}=.* would not be used: .* kernel__{name}"):
        model.fit(X, Y)


def test_setting_a_nested_parameter_of_a_named_backend():
    model = QuantumKernelSVC().set_params(backend__n_threads=1)
    assert model.backend.n_threads == 1
    with pytest.raises(ValueError, match="Invalid parameter 'rep'"):
        QuantumKernelSVC().set_params(encoding__rep=1)


def test_resources_and_circuit():
    model = QuantumKernelSVC(ZZEncoding(reps=1), kernel="fidelity").fit(X, Y)
    n = len(np.unique(np.column_stack([X, Y]), axis=0))
    assert model.resources_ == {
        "n_qubits": 4,
        "depth": model.resources_["depth"],
        "n_one_qubit_gates": 8,
        "n_two_qubit_gates": 3,
        "n_circuits": n * (n + 1) // 2,
        "n_simulations": n,
    }
    assert len(model.circuit_.all_qubits()) == 4


@pytest.mark.parametrize(
    ("model", "error", "message"),
    [
        (QuantumKernelSVC("zzz"), ValueError, "Did you mean 'zz'"),
        (QuantumKernelSVC(kernel=FidelityKernel), TypeError, r"Did you mean FidelityKernel\(\)"),
        (QuantumKernelSVC(kernel=cirq.Circuit()), TypeError, "encoding=CircuitEncoding"),
        (QuantumKernelSVC(kernel="fidelty"), ValueError, "Did you mean 'fidelity'"),
        (QuantumKernelSVC(kernel=3), TypeError, "kernel must be a Kernel instance"),
        (QuantumKernelSVC(C=0), ValueError, "'C' parameter"),
        (QuantumKernelSVC(backend="qsim"), TypeError, "backend must be"),
        (QuantumKernelSVC(ZZEncoding(reps=0)), ValueError, "'reps' parameter"),
        (QuantumKernelSVC(ZZEncoding(n_qubits=40)), ValueError, "a lower n_qubits"),
        (QuantumKernelSVC("basis"), ValueError, "0 or 1"),
    ],
)
def test_bad_parameters(model, error, message):
    with pytest.raises(error, match=message):
        model.fit(X, Y)


@pytest.mark.parametrize(
    ("y", "weight", "message"),
    [
        (np.zeros(150), None, "at least two classes"),
        (np.linspace(0, 1, 150), None, "Unknown label type|continuous"),
        (Y, np.zeros(150), "non-zero"),
        (np.full(150, "a"), None, "one class, 'a'"),
        (Y, np.where(Y == 1, 1.0, 0.0), "without rows of weight zero y has one class, 1"),
        (Y, -np.ones(150), "[Nn]egative"),
    ],
)
def test_bad_targets_and_weights(y, weight, message, monkeypatch):
    monkeypatch.setattr(FidelityKernel, "__call__", None)  # refused before any simulation
    with pytest.raises(ValueError, match=message):
        QuantumKernelSVC().fit(X, y, sample_weight=weight)


def test_probabilities_need_two_rows_of_each_class(monkeypatch):
    monkeypatch.setattr(FidelityKernel, "__call__", None)
    with pytest.raises(ValueError, match="two distinct rows of each class; class 1 has one"):
        QuantumKernelSVC(probability=True).fit(X[[0, 1, 2, 60]], [0, 0, 0, 1])


@pytest.mark.parametrize("class_weight", ["balanced", {0: 3.0, 1: 0.5, 2: 1.0}])
@pytest.mark.parametrize(
    "make",
    [
        lambda **params: QuantumKernelSVC(
            # What is learned of the rows would see the weights, but not those of the classes.
            AngleEncoding(bandwidth=1.0),
            kernel="fidelity",
            probability=True,
            random_state=0,
            **params,
        ),
        lambda **params: VariationalClassifier(
            n_layers=1, max_iter=3, tol=0, random_state=0, **params
        ),
    ],
)
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_class_weights_see_weights_as_repetitions(make, class_weight):
    rng = np.random.default_rng(0)
    A, b = rng.normal(size=(20, 2)), np.repeat([0, 1, 2], [12, 5, 3])
    times = rng.integers(1, 4, 20)
    weighted = make(class_weight=class_weight).fit(A, b, sample_weight=times)
    repeated = make(class_weight=class_weight).fit(np.repeat(A, times, 0), np.repeat(b, times))
    np.testing.assert_allclose(weighted.predict_proba(A), repeated.predict_proba(A), atol=1e-9)
    # They are the weights of scikit-learn's own model.
    factors = compute_class_weight(class_weight, classes=np.arange(3), y=np.repeat(b, times))
    by_hand = make().fit(A, b, sample_weight=times * factors[b])
    np.testing.assert_allclose(weighted.predict_proba(A), by_hand.predict_proba(A), atol=1e-9)


@pytest.mark.parametrize("wrapped", [False, True])
def test_no_public_fit_of_another_estimator_runs_inside(monkeypatch, wrapped):
    # As tools that log what a user fits do: with a fit of their own on every public class.
    called = []

    def patched(name, original):
        def fit(self, *args, **kwargs):
            called.append(name)
            return original(self, *args, **kwargs)

        return functools.wraps(original)(fit) if wrapped else fit

    for name, kind in all_estimators():
        for method in ("fit", "fit_transform", "fit_predict"):
            if hasattr(kind, method):
                original = getattr(kind, method)
                monkeypatch.setattr(kind, method, patched(name, original), raising=False)
    rows, targets = X[::5], Y[::5]
    model = QuantumKernelSVC("angle", probability=True, psd="clip").fit(rows, targets)
    model.predict_proba(rows)
    QuantumKernelSVR("angle", psd="nearest").fit(rows, targets)
    assert called == []
    SVC().fit(rows, targets)
    assert called == ["SVC"]


def test_the_machines_and_probabilities_are_scikit_learns():
    rng = np.random.default_rng(0)
    for classes in ([0, 1, 2], [1, 2]):
        rows = np.unique(X[np.isin(Y, classes)], axis=0, return_index=True)[1]
        rows = np.flatnonzero(np.isin(Y, classes))[np.sort(rows)][::2]
        weight = rng.uniform(0.5, 2, len(rows))
        model = QuantumKernelSVC("angle", probability=True, random_state=0)
        model.fit(X[rows], Y[rows], weight)
        # In the order in which the model has its rows.
        order = np.lexsort([Y[rows], *X[rows].T[::-1]])
        matrix, labels = model.kernel_(X[rows][order]), Y[rows][order]
        machine = SVC(kernel="precomputed", break_ties=True)
        folds = StratifiedKFold(5, shuffle=True, random_state=0)
        calibrated = CalibratedClassifierCV(machine, ensemble=False, cv=folds)
        calibrated.fit(matrix, labels, sample_weight=weight[order])
        new = model.kernel_(X[:20], X[rows][order])
        np.testing.assert_allclose(
            model.predict_proba(X[:20]), calibrated.predict_proba(new), rtol=0, atol=1e-6
        )
        machine.fit(matrix, labels, sample_weight=weight[order])
        np.testing.assert_allclose(model.svm_.dual_coef_, machine.dual_coef_, rtol=0, atol=1e-6)
