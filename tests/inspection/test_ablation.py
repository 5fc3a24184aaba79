"""Which stage helps: variants of every model, on the same folds."""

import cirq
import numpy as np
import pytest
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.datasets import make_moons
from sklearn.dummy import DummyClassifier
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.model_selection import GridSearchCV, StratifiedKFold, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

from skquantum import (
    QLSTMClassifier,
    QLSTMRegressor,
    QuantumFeatureTransformer,
    QuantumKernelClassifier,
    QuantumKernelSVC,
    QuantumKernelSVR,
    QuantumNystroem,
    QuantumPoolingTransformer,
    VariationalClassifier,
    VariationalRegressor,
)
from skquantum.circuits import (
    ANSATZE,
    AmplitudeEncoding,
    AngleEncoding,
    BlockEncoding,
    CircuitEncoding,
    IQPEncoding,
    ReuploadingEncoding,
    UnentangledAnsatz,
    ZZEncoding,
    resolve_ansatz,
    unentangled,
)
from skquantum.inspection import ablation
from skquantum.kernels import FidelityKernel

X, Y = make_moons(60, noise=0.2, random_state=0)
FEW = {"max_iter": 3, "random_state": 0}
quickly = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
BARE = "no entangling gates"

MODELS = {
    "svc": (QuantumKernelSVC(), {BARE, "RBF kernel", "linear kernel"}),
    "svc, kernel": (
        QuantumKernelSVC(kernel=FidelityKernel("zz")), {BARE, "RBF kernel", "linear kernel"}
    ),
    "svc, amplitudes": (
        QuantumKernelSVC(AmplitudeEncoding(), kernel="fidelity"), {"RBF kernel", "linear kernel"}
    ),
    "svr": (QuantumKernelSVR("angle"), {BARE, "RBF kernel", "linear kernel"}),
    "classifier": (
        make_pipeline(StandardScaler(), VariationalClassifier(**FEW)),
        {BARE, "random weights", "encoding alone", "small neural network", "linear model"},
    ),
    "regressor": (
        VariationalRegressor(embedding="linear", n_qubits=2, **FEW),
        {BARE, "random weights", "encoding alone", "no embedding", "small neural network",
         "linear model"},
    ),
    "features": (
        make_pipeline(QuantumFeatureTransformer(ansatz="rings"), LogisticRegression()),
        {BARE, "encoding alone", "nothing in its place"},
    ),
    "pooling": (
        make_pipeline(QuantumPoolingTransformer(**FEW), LogisticRegression()),
        {"random weights", "mean pooling", "max pooling", "nothing in its place"},
    ),
    "landmarks": (
        make_pipeline(QuantumNystroem(n_components=9), LogisticRegression()),
        {BARE, "RBF kernel", "nothing in its place"},
    ),
    "many rows": (QuantumKernelClassifier(n_components=9, random_state=0), {BARE}),
    "cell": (
        QLSTMRegressor("chen", 1, **FEW), {BARE, "classical cell", "linear autoregression"}
    ),
    "labels of sequences": (
        QLSTMClassifier("chen", 1, **FEW), {BARE, "classical cell", "linear model"}
    ),
    "search": (
        GridSearchCV(make_pipeline(StandardScaler(), QuantumKernelSVC()), {}, cv=2),
        {BARE, "RBF kernel", "linear kernel"},
    ),
}  # fmt: skip


@quickly
@pytest.mark.parametrize("name", MODELS)
def test_the_variants_of_each_model(name):
    model, variants = MODELS[name]
    found = ablation(model, X, Y, cv=2)
    assert set(found.scores) == {"as it is"} | variants
    assert all(np.isfinite(scores).all() for scores in found.scores.values())
    assert found.tests.keys() == variants


def test_scores_and_differences_are_those_of_the_folds():
    cv = StratifiedKFold(4, shuffle=True, random_state=0)
    found = ablation(QuantumKernelSVC(C=3), X, Y, cv=cv, scoring="roc_auc")
    for name, model in (("as it is", QuantumKernelSVC(C=3)), ("RBF kernel", SVC(C=3))):
        want = cross_val_score(model, X, Y, cv=cv, scoring="roc_auc")
        np.testing.assert_allclose(found.scores[name], want, rtol=0, atol=1e-9)
    frame = found.to_frame()
    assert list(frame.index) == list(found.scores)
    difference = found.scores["as it is"] - found.scores["RBF kernel"]
    assert frame.loc["RBF kernel", "difference"] == pytest.approx(difference.mean())
    assert np.isnan(frame.loc["as it is", "difference"])
    assert found.metric == "roc_auc"


def test_what_helps_is_told():
    rng = np.random.default_rng(0)
    rows = rng.uniform(-1, 1, (120, 2))
    found = ablation(QuantumKernelSVC(C=10), rows, (rows.prod(axis=1) > 0).astype(int))
    assert found.verdict("linear kernel") == "helps"  # of products no line knows anything
    assert found.verdict("RBF kernel") == "no difference shown"
    assert found.sentence.startswith("The model is better than: linear kernel")
    assert "linear kernel" in str(found)
    axes = found.plot().axes[0]
    assert [label.get_text() for label in axes.get_yticklabels()] == list(found.tests)


def test_a_model_of_ones_own_says_its_variants():
    class Own(ClassifierMixin, BaseEstimator):
        def fit(self, X, y):
            self.model_ = LogisticRegression().fit(X, y)
            self.classes_ = self.model_.classes_
            return self

        def predict(self, X):
            return self.model_.predict(X)

        def ablations(self, n_features):
            assert n_features == 2
            return {"nothing learned": DummyClassifier()}

    found = ablation(make_pipeline(StandardScaler(), Own()), X, Y)
    assert list(found.scores) == ["as it is", "nothing learned"]
    assert found.verdict("nothing learned") == "helps"


def test_nothing_to_take_apart():
    with pytest.raises(TypeError, match="Pipeline.* holds no model that says what it is made of"):
        ablation(make_pipeline(StandardScaler(), Ridge()), X, Y)


@pytest.mark.parametrize("name", ANSATZE)
def test_an_ansatz_without_entangling_gates(name):
    circuit, symbols = UnentangledAnsatz(name).compiled(4)
    whole, _ = resolve_ansatz(name).compiled(4)
    assert circuit.all_qubits() == whole.all_qubits()
    assert all(len(op.qubits) == 1 for op in circuit.all_operations())
    assert set(symbols) == {
        s for op in circuit.all_operations() for s in map(cirq.parameter_symbols, [op]) for s in s
    }


@pytest.mark.parametrize(
    "encoding",
    [
        AngleEncoding(reps=2),
        ReuploadingEncoding(n_qubits=3),
        ZZEncoding(),
        IQPEncoding(entanglement="full"),
        BlockEncoding(ZZEncoding(), size=3),
    ],
    ids=str,
)
def test_an_encoding_without_entangling_gates(encoding):
    bare = unentangled(encoding)
    assert all(len(op.qubits) == 1 for op in bare.build(3).all_operations())
    assert any(len(op.qubits) == 2 for op in encoding.build(3).all_operations())
    assert bare.build(3).all_qubits() == encoding.build(3).all_qubits()


def test_encodings_that_can_not_do_without():
    circuit = cirq.Circuit(cirq.rx(cirq.LineQubit(0).x)(cirq.LineQubit(0)))
    assert unentangled(AmplitudeEncoding()) is None
    assert unentangled(CircuitEncoding(circuit)) is None
