"""VariationalClassifier and VariationalRegressor beyond scikit-learn's checks."""

import pickle

import cirq
import numpy as np
import pandas as pd
import pytest
import sympy
from scipy.special import logsumexp
from sklearn.base import clone
from sklearn.calibration import CalibratedClassifierCV
from sklearn.callback import ProgressBar, ScoringMonitor
from sklearn.compose import TransformedTargetRegressor
from sklearn.datasets import load_breast_cancer, load_iris, load_wine, make_circles, make_moons
from sklearn.decomposition import PCA
from sklearn.exceptions import ConvergenceWarning
from sklearn.feature_selection import RFE
from sklearn.metrics import brier_score_loss
from sklearn.model_selection import GridSearchCV, cross_val_score, train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skquantum import VariationalClassifier, VariationalRegressor
from skquantum.circuits import (
    ANSATZE,
    ENCODINGS,
    AngleEncoding,
    CircuitAnsatz,
    CircuitEncoding,
    StronglyEntangling,
)
from skquantum.estimators._head import (
    HeadObjective,
    QuantumHead,
)
from skquantum.estimators._losses import log_loss
from skquantum.estimators._rows import TrainingRows
from skquantum.execution import QsimBackend, ReferenceBackend
from skquantum.layers import QuantumLayer
from skquantum.layers._initial import initial_weights
from skquantum.metrics import expected_calibration_error

X, Y = load_iris(return_X_y=True)
X = StandardScaler().fit_transform(X)
NAMES = load_iris().target_names[Y]
Q = cirq.LineQubit.range(4)
OWN = cirq.Circuit(cirq.ry(sympy.Symbol("a"))(Q[0]))
CALM = AngleEncoding(bandwidth=0.5)
PLAIN = {"observables": "Z", "alpha": 1e-4, "random_state": 0}

ignore_unconverged = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


def quick(**changes):
    """Return a classifier that converges within some ten milliseconds."""
    return VariationalClassifier(**PLAIN | {"encoding": CALM, "tol": 0.02} | changes)


def quick_regressor(**changes):
    defaults = {"encoding": CALM, "tol": 0.005, "random_state": 0}
    return VariationalRegressor(**PLAIN | {"normalize_y": False} | defaults | changes)


# The model.


@pytest.mark.parametrize(
    ("embedding", "activation"), [(False, "identity"), (True, "identity"), (True, "tanh")]
)
def test_gradient_of_the_whole_model(embedding, activation):
    layer = QuantumLayer("angle", StronglyEntangling(2), n_features=3, reupload=True)
    head = QuantumHead(
        layer,
        n_features=5 if embedding else 3,
        n_outputs=4,
        embedding=embedding,
        activation=activation,
    )
    rng = np.random.RandomState(0)
    rows = TrainingRows(
        rng.normal(size=(7, 5 if embedding else 3)),
        np.eye(4)[rng.randint(4, size=7)],
        rng.uniform(0.5, 2, 7),
    )
    objective = HeadObjective(head, log_loss, 0.3, rows, None, None)
    theta = head.start(rng, rng.normal(size=layer.n_weights), rng.normal(size=4))
    value, grad = objective.loss_and_grad(theta, slice(None))
    assert value == pytest.approx(objective.loss(theta, slice(None)), abs=1e-7)
    for direction in rng.normal(size=(5, len(theta))):
        ends = [objective.loss(theta + h * direction, slice(None)) for h in (1e-2, -1e-2)]
        more = [objective.loss(theta + h * direction, slice(None)) for h in (2e-2, -2e-2)]
        slope = (8 * (ends[0] - ends[1]) - (more[0] - more[1])) / 12e-2
        assert grad @ direction == pytest.approx(slope, abs=2e-4)


@pytest.mark.parametrize("activation", ["identity", "tanh"])
def test_the_model_is_what_its_attributes_say(activation):
    model = quick(embedding="linear", activation=activation, observables="XYZ").fit(X, NAMES)
    angles = X @ model.embedding_coef_.T + model.embedding_intercept_
    if activation == "tanh":
        angles = np.pi / 2 * np.tanh(angles)
    observed = ReferenceBackend().expectations(
        model.circuit_, model.layer_.data_symbols, angles[:5], model.layer_.observables
    )
    logits = observed @ model.readout_coef_.T + model.readout_intercept_
    np.testing.assert_allclose(model.decision_function(X[:5]), logits, atol=2e-5)
    log_proba = logits - logsumexp(logits, axis=1, keepdims=True)
    np.testing.assert_allclose(model.predict_proba(X[:5]), np.exp(log_proba), atol=2e-5)
    assert model.predict(X[:5]).tolist() == model.classes_[logits.argmax(axis=1)].tolist()
    assert model.circuit_.all_qubits() == set(Q)
    assert cirq.parameter_names(model.circuit_) == {"x_0", "x_1", "x_2", "x_3"}


def test_shapes():
    model = quick(embedding="linear", n_qubits=2, observables="XYZ").fit(X, NAMES)
    assert model.embedding_coef_.shape == (2, 4)
    assert model.embedding_intercept_.shape == (2,)
    assert model.weights_.shape == (3 * 2 * 3,)
    assert model.readout_coef_.shape == (3, 6)
    assert model.readout_intercept_.shape == (3,)
    assert model.n_iter_ == len(model.loss_curve_)
    assert model.validation_scores_ is None
    assert model.best_validation_score_ is None
    assert model.best_loss_ <= min(model.loss_curve_)
    assert not hasattr(quick().fit(X, Y), "embedding_coef_")


def test_one_code_path_for_two_and_more_classes():
    two = Y < 2
    model = quick().fit(X[two], NAMES[two])
    assert model.readout_coef_.shape[0] == 2
    scores, proba = model.decision_function(X), model.predict_proba(X)
    assert scores.shape == (150,)
    np.testing.assert_allclose(proba[:, 1], 1 / (1 + np.exp(-scores)), atol=1e-12)
    np.testing.assert_array_equal(model.predict(X) == "versicolor", scores > 0)


def test_multi_output_regression():
    targets = np.column_stack([X[:, 0], X[:, 1] ** 2])
    model = quick_regressor(solver="lbfgs", tol=1e-2).fit(X, targets)
    assert model.predict(X).shape == (150, 2)
    assert model.readout_coef_.shape == (2, 4)
    assert model.score(X, targets) > 0.8
    assert quick_regressor().fit(X, targets[:, :1]).predict(X).shape == (150, 1)
    assert quick_regressor().fit(X, targets[:, 0]).predict(X).shape == (150,)


def test_scaled_targets():
    y = 150 + 80 * X[:, 0]
    model = TransformedTargetRegressor(quick_regressor(), transformer=StandardScaler())
    assert model.fit(X, y).score(X, y) > 0.8
    # Unscaled, training starts from the mean and does no worse than that.
    with pytest.warns(ConvergenceWarning):
        assert quick_regressor(max_iter=5).fit(X, y).score(X, y) > 0


# Options.


@pytest.mark.parametrize("solver", ["spsa", "lbfgs", "CG", "SLSQP"])
@ignore_unconverged
def test_solvers(solver):
    rate = 0.3 if solver == "spsa" else 0.05
    model = quick(
        solver=solver, max_iter=60, tol=1e-3, embedding="linear", learning_rate=rate
    ).fit(X, NAMES)
    assert model.loss_curve_[-1] < 0.8 * model.loss_curve_[0]
    assert model.n_iter_ <= 60


@ignore_unconverged
def test_a_solver_without_gradient_asks_for_none(monkeypatch):
    monkeypatch.setattr(QuantumLayer, "forward_vjp", None)
    for solver in ("COBYLA", "spsa", "Nelder-Mead"):
        model = quick(solver=solver, max_iter=60, n_layers=1).fit(X[:, :2], Y)
        assert model.best_loss_ < model.loss_curve_[0] or solver == "COBYLA"


@pytest.mark.parametrize("loss", ["log_loss", "brier"])
def test_losses_of_the_classifier(loss):
    assert quick(loss=loss, tol=1e-3).fit(X, Y).score(X, Y) > 0.85


def test_losses_of_the_regressor():
    rng = np.random.default_rng(0)
    y = np.where(rng.random(150) < 0.1, 10, 0) + X[:, 0]
    squared = quick_regressor(tol=0.01, learning_rate=0.1).fit(X, y).predict(X)
    absolute = quick_regressor(loss="absolute_error", learning_rate=0.1).fit(X, y).predict(X)
    assert np.median(np.abs(absolute - X[:, 0])) < np.median(np.abs(squared - X[:, 0]))


@pytest.mark.parametrize("ansatz", [*ANSATZE])
def test_ansatze_by_name(ansatz):
    model = quick(ansatz=ansatz).fit(X, Y)
    assert model.score(X, Y) > 0.6


def test_the_trained_circuit_is_readable():
    model = quick(max_iter=1).partial_fit(X, Y, classes=[0, 1, 2])
    assert cirq.parameter_names(model.circuit_) == {f"x_{i}" for i in range(X.shape[1])}
    assert "x_0/pi" in str(model.circuit_)


def test_n_layers_is_for_names_and_an_instance_brings_its_own():
    def n_weights(**params):
        return len(
            quick(max_iter=1).set_params(**params).partial_fit(X, Y, classes=[0, 1, 2]).weights_
        )

    assert n_weights() == 3 * 12
    assert n_weights(n_layers=2) == 2 * 12
    assert n_weights(ansatz=StronglyEntangling(1)) == 12
    assert n_weights(ansatz=StronglyEntangling(2), n_layers=2) == 2 * 12
    assert n_weights(ansatz__n_layers=1) == 12
    # A name that becomes an instance keeps its number of layers.
    assert n_weights(n_layers=2, ansatz="hardware_efficient", ansatz__entanglement="full") == 3 * 8


@pytest.mark.parametrize(
    ("ansatz", "message"),
    [
        (StronglyEntangling(1), "has n_layers=1. Instead, set ansatz__n_layers"),
        ("tree_tensor", "ansatz='tree_tensor' has no n_layers. Instead, leave it out"),
        (CircuitAnsatz(cirq.Circuit(cirq.ry(sympy.Symbol("w"))(Q[0]))), "has no n_layers"),
    ],
    ids=["instance", "name without layers", "circuit"],
)
def test_layers_that_would_not_be_used(ansatz, message):
    with pytest.raises(ValueError, match=f"n_layers=5 would not be used: .*{message}"):
        quick(ansatz=ansatz, n_layers=5).fit(X, Y)


def test_layers_in_a_grid_search():
    grid = {"n_layers": [1, 2], "ansatz__entanglement": ["linear", "full"]}
    model = quick(ansatz="hardware_efficient", tol=0.1)
    search = GridSearchCV(model, grid, cv=2, error_score="raise").fit(X, Y)
    n_layers = search.best_params_["n_layers"]
    assert len(search.best_estimator_.weights_) == 8 * (n_layers + 1)


def test_a_circuit_of_ones_own():
    a, b = Q[:2]
    x, y, v, w = sympy.symbols("x y v w")
    encoding = CircuitEncoding(cirq.Circuit(cirq.ry(x)(a), cirq.rx(y)(b)))
    ansatz = CircuitAnsatz(cirq.Circuit(cirq.ISWAP(a, b) ** v, cirq.ry(w)(a), cirq.rx(v * w)(b)))
    observables = [cirq.Z(a) * cirq.Z(b), cirq.X(a) + 0.5 * cirq.Y(b)]
    model = quick(encoding=encoding, ansatz=ansatz, observables=observables, n_qubits=2)
    model.fit(X[:, 2:], Y)
    assert model.weights_.shape == (2,)
    assert model.readout_coef_.shape == (3, 2)
    assert pickle.loads(pickle.dumps(model)).predict(X[:, 2:]).shape == (150,)


def test_wide_data_on_few_qubits():
    A, b = load_breast_cancer(return_X_y=True)
    model = make_pipeline(StandardScaler(), quick(embedding="linear")).fit(A, b)
    assert model[-1].resources_["n_qubits"] == 4
    assert model.score(A, b) > 0.95
    assert quick(embedding="linear", n_qubits=2).fit(A, b).layer_.n_qubits == 2
    own = quick(encoding=AngleEncoding(n_qubits=3), embedding="linear").fit(X, Y)
    assert own.layer_.n_qubits == 3


@ignore_unconverged
def test_many_angles_need_a_small_bandwidth_or_an_embedding():
    # The guide's advice on wide data: 13 features, each standardised.
    A, b = load_wine(return_X_y=True)
    A, A_test, b, b_test = train_test_split(A, b, stratify=b, test_size=0.3, random_state=0)

    def score(**params):
        model = make_pipeline(StandardScaler(), quick(max_iter=50, **params))
        return model.fit(A, b).score(A_test, b_test)

    assert score(encoding=AngleEncoding(bandwidth=1.0), embedding=None) < 0.7
    assert score(encoding=AngleEncoding(bandwidth=13**-0.5), embedding=None) > 0.9
    assert score(encoding="angle", embedding="linear") > 0.9
    assert score(encoding="angle") > 0.9


@pytest.mark.parametrize("name", sorted(set(ENCODINGS) - {"amplitude", "basis"}))
def test_an_embedding_for_every_encoding_of_angles(name):
    model = quick(encoding=name, embedding="linear", tol=0.1).fit(X[:, [0, 1, 2, 3, 3]], Y)
    assert model.embedding_coef_.shape == (4, 5)
    assert model.layer_.n_qubits == 4


@ignore_unconverged
@pytest.mark.parametrize(("n_qubits", "expected"), [(None, 3), (2, 2)])
def test_an_embedding_learns_amplitudes(n_qubits, expected):
    A = X[:, [0, 1, 2, 3, 3]]
    model = quick(
        encoding="amplitude", embedding="linear", n_qubits=n_qubits, reupload=False, max_iter=40
    ).fit(A, Y)
    assert model.embedding_coef_.shape == (2**expected, 5)
    assert model.layer_.n_qubits == expected
    assert model.loss_curve_[-1] < 0.7 * model.loss_curve_[0]
    # What is in front of the circuit learned, too.
    start = clone(model).set_params(max_iter=1).fit(A, Y)
    assert np.abs(model.embedding_coef_ - start.embedding_coef_).max() > 0.01


@pytest.mark.parametrize("reupload", [True, False])
def test_an_embedding_gives_an_angle_to_each_symbol_of_a_circuit(reupload):
    circuit = cirq.Circuit(
        [cirq.ry(sympy.Symbol(f"a{i}"))(Q[i % 2]) for i in range(3)], cirq.CZ(*Q[:2])
    )
    model = quick(
        encoding=CircuitEncoding(circuit), embedding="linear", tol=0.1, reupload=reupload
    ).fit(X, Y)
    assert model.embedding_coef_.shape == (3, 4)
    assert model.layer_.n_qubits == 2
    assert clone(model).set_params(n_qubits=2).fit(X, Y).score(X, Y) == model.score(X, Y)
    with pytest.raises(ValueError, match="takes 3 features to 2 qubits"):
        clone(model).set_params(n_qubits=3).fit(X, Y)


def test_n_qubits():
    assert quick(n_qubits=2).fit(X, Y).layer_.n_qubits == 2
    assert quick(encoding="angle", n_qubits=5).fit(X, Y).layer_.n_qubits == 5
    assert quick(encoding="amplitude", n_qubits=2).fit(X, Y).layer_.n_qubits == 2


def test_initial_weights():
    def weights(init, layer, seed=0):
        return initial_weights(init, layer, ansatz, np.random.RandomState(seed))

    ansatz = StronglyEntangling(6)
    layer = QuantumLayer("angle", ansatz, n_features=8)
    # Zhang et al.: variance 1 / (4 S (L + 2)) for L layers, observables on S qubits.
    assert weights("small_normal", layer).std() == pytest.approx((4 * 8) ** -0.5, rel=0.15)
    pairs = [cirq.Z(Q[0]) * cirq.Z(Q[1])]
    local = QuantumLayer("angle", ansatz, pairs, n_features=8)
    assert weights("small_normal", local).std() == pytest.approx((4 * 2 * 8) ** -0.5, rel=0.15)
    uniform = weights("uniform", layer)
    assert 0 <= uniform.min() < 0.3 and 6 < uniform.max() < 2 * np.pi
    given = np.arange(layer.n_weights)
    np.testing.assert_array_equal(weights(given, layer), given)


@pytest.mark.parametrize("reupload", [False, True])
def test_identity_blocks_begin_as_the_identity(reupload):
    options = {"init": "identity_blocks", "max_iter": 1, "learning_rate": 1e-12}
    with pytest.warns(ConvergenceWarning):
        model = quick(reupload=reupload, **options).fit(X, Y)
    assert len(model.weights_) == 2 * 36
    expected = ReferenceBackend().expectations(
        sum([CALM.build(4)] * (3 if reupload else 1), cirq.Circuit()),
        model.layer_.data_symbols,
        X[:4],
        model.layer_.observables,
    )
    np.testing.assert_allclose(model.layer_.forward(X[:4], model.weights_), expected, atol=1e-5)


@pytest.mark.parametrize("gradient", ["adjoint", "parameter-shift"])
def test_gradients_agree(gradient):
    options = {"max_iter": 3, "n_layers": 1, "n_qubits": 2}
    with pytest.warns(ConvergenceWarning):
        expected = quick(**options).fit(X[::10], Y[::10])
    backend = ReferenceBackend() if gradient == "parameter-shift" else None
    with pytest.warns(ConvergenceWarning):
        model = quick(gradient=gradient, backend=backend, **options).fit(X[::10], Y[::10])
    np.testing.assert_allclose(model.loss_curve_, expected.loss_curve_, atol=1e-5)
    # One row costs its circuit, and two shifts for each weight.
    n = len(np.unique(X[::10], axis=0))
    hardware = 3 * n * (1 + 2 * 6) + n
    assert model.resources_["n_circuits"] == hardware
    simulated = {"adjoint": 2, "parameter-shift": 1 + 2 * 6}[gradient]
    assert model.resources_["n_simulations"] == 3 * n * simulated + n


@ignore_unconverged
def test_spsa_gradients_repeat_with_a_seed():
    one, two = (quick(gradient="spsa", max_iter=20).fit(X, Y) for _ in range(2))
    np.testing.assert_array_equal(one.weights_, two.weights_)
    assert one.resources_["n_simulations"] == 20 * 3 * 149 + 149


def test_resources():
    model = quick(observables="XYZ").fit(X, Y)
    resources = model.resources_
    assert resources | {"n_circuits": 0, "n_simulations": 0, "depth": 0} == {
        "n_qubits": 4,
        "depth": 0,
        "n_one_qubit_gates": 3 * 16,
        "n_two_qubit_gates": 12,
        "n_circuits": 0,
        "n_simulations": 0,
    }
    rows = 149  # distinct
    assert resources["n_simulations"] == 2 * rows * model.n_iter_ + rows
    # Three settings to measure X, Y and Z in.
    assert resources["n_circuits"] == 3 * (rows * model.n_iter_ * (1 + 2 * 36) + rows)


# Training.


def test_seeds_repeat_and_differ():
    one, two, other = (quick(random_state=s).fit(X, Y) for s in (3, 3, 4))
    np.testing.assert_array_equal(one.predict_proba(X), two.predict_proba(X))
    assert not np.allclose(one.weights_, other.weights_)


@pytest.mark.parametrize("batch_size", ["auto", 20])
def test_weights_are_repetitions_in_any_order(batch_size):
    rng = np.random.default_rng(0)
    weight = rng.integers(0, 4, len(X))
    repeated = np.repeat(np.arange(len(X)), weight)
    order = rng.permutation(len(X))
    for class_weight in (None, "balanced", {"setosa": 2.0, "versicolor": 1.0, "virginica": 0.5}):
        model = quick(class_weight=class_weight, batch_size=batch_size, tol=0.05)
        one = clone(model).fit(X, NAMES, sample_weight=weight)
        two = clone(model).fit(X[repeated], NAMES[repeated])
        three = clone(model).fit(X[order], NAMES[order], sample_weight=weight[order])
        expected = one.decision_function(X)
        np.testing.assert_array_equal(two.decision_function(X), expected)
        np.testing.assert_array_equal(three.decision_function(X), expected)


def test_rows_of_weight_zero_are_no_rows():
    model = quick().fit(X, NAMES, sample_weight=Y < 2)
    assert model.classes_.tolist() == ["setosa", "versicolor"]
    np.testing.assert_array_equal(
        model.predict_proba(X), quick().fit(X[Y < 2], NAMES[Y < 2]).predict_proba(X)
    )


def test_balanced_class_weight_helps_the_rare_class():
    rng = np.random.default_rng(0)
    A = np.vstack([rng.normal(0, 1, (180, 2)), rng.normal(1.2, 1, (20, 2))])
    b = np.repeat([0, 1], [180, 20])
    plain, balanced = (quick(class_weight=w).fit(A, b) for w in (None, "balanced"))
    assert (balanced.predict(A) == 1).sum() > (plain.predict(A) == 1).sum()


def test_alpha_shrinks_the_linear_maps_only():
    weak, strong = (quick(alpha=a, tol=1e-3, embedding="linear").fit(X, Y) for a in (0, 100))
    assert np.abs(strong.readout_coef_).mean() < 0.5 * np.abs(weak.readout_coef_).mean()
    assert np.abs(strong.embedding_coef_).mean() < np.abs(weak.embedding_coef_).mean()


def test_early_stopping():
    model = quick(early_stopping=True, validation_fraction=0.3, tol=1e-4, n_iter_no_change=20)
    model.fit(X, NAMES)
    assert len(model.validation_scores_) == model.n_iter_ < 200
    assert model.best_validation_score_ == max(model.validation_scores_) > 0.8
    assert model.best_loss_ is None
    regressor = quick_regressor(early_stopping=True).fit(X, X[:, 0])
    assert regressor.best_validation_score_ == max(regressor.validation_scores_)


def test_warm_start_goes_on():
    model = quick(warm_start=True, tol=0.1).fit(X, NAMES)
    before = model.loss_curve_
    rows = model.resources_["n_simulations"]
    model.fit(X, NAMES)
    assert model.loss_curve_[0] == pytest.approx(min(before[-1], model.loss_curve_[0]))
    assert model.loss_curve_[0] < before[0]
    assert model.resources_["n_simulations"] > rows
    cold = quick(tol=0.1).fit(X, NAMES)
    assert cold.fit(X, NAMES).loss_curve_ == before


def test_warm_start_needs_the_same_model():
    model = quick(warm_start=True).fit(X, NAMES)
    before = model.predict(X)
    with pytest.raises(ValueError, match=r"weights_ has shape \(36,\).* shape is \(24,\)"):
        model.set_params(n_layers=2).fit(X, NAMES)
    with pytest.raises(ValueError, match="embedding_coef_ has shape None"):
        model.set_params(n_layers=3, embedding="linear").fit(X, NAMES)
    with pytest.raises(ValueError, match="needs the same classes"):
        model.set_params(embedding=None).fit(X[Y < 2], NAMES[Y < 2])
    np.testing.assert_array_equal(model.predict(X), before)


def test_partial_fit():
    model = quick(encoding="angle", batch_size=25, learning_rate=0.1)
    order = np.random.default_rng(0).permutation(len(X))
    for _ in range(12):
        for rows in np.array_split(order, 3):
            model.partial_fit(X[rows], NAMES[rows], classes=np.unique(NAMES))
    assert model.score(X, NAMES) > 0.85
    assert model.n_iter_ == len(model.loss_curve_) == 36
    assert model.classes_.tolist() == ["setosa", "versicolor", "virginica"]
    # A batch may lack classes, and a fit may come before.
    model.partial_fit(X[:10], NAMES[:10])
    fitted = quick().fit(X, NAMES)
    epochs = fitted.n_iter_
    assert fitted.partial_fit(X, NAMES).n_iter_ == epochs + 1
    assert fitted.score(X, NAMES) > 0.8


def test_warm_start_with_a_class_of_weight_zero():
    model = quick(warm_start=True, tol=0.1)
    for _ in range(2):
        model.fit(X, NAMES, sample_weight=Y < 2)
        assert model.classes_.tolist() == ["setosa", "versicolor"]
    # A class that was there from the start stays, whether or not its rows have weight now.
    three = quick(warm_start=True, tol=0.1).fit(X, NAMES).fit(X, NAMES, sample_weight=Y < 2)
    assert three.predict_proba(X).shape == (150, 3)


@pytest.mark.parametrize(
    ("make", "y", "weight", "options"),
    [
        (quick, Y, np.zeros(50), {"classes": [0, 1, 2]}),
        (lambda: quick(class_weight={0: 0.0}), Y, np.ones(50), {"classes": [0, 1, 2]}),
        (quick_regressor, X[:, 0], np.zeros(50), {}),
    ],
)
def test_partial_fit_without_a_row_of_positive_weight(make, y, weight, options):
    model = make()
    with pytest.raises(ValueError, match="at least one row of positive weight"):
        model.partial_fit(X[:50], y[:50], weight, **options)
    model.partial_fit(X, y, **options)
    before, cost = model.predict(X), model.resources_
    assert model.partial_fit(X[:50], y[:50], weight) is model
    np.testing.assert_array_equal(model.predict(X), before)
    assert model.n_iter_ == 1
    assert model.resources_ == cost


def test_partial_fit_of_the_regressor():
    model = quick_regressor(learning_rate=0.1)
    for _ in range(30):
        model.partial_fit(X, X[:, 0] * X[:, 1])
    assert model.score(X, X[:, 0] * X[:, 1]) > 0.3
    with pytest.raises(ValueError, match="y has 2 outputs; there were 1 before"):
        model.partial_fit(X, X[:, :2])


def test_partial_fit_is_for_stochastic_solvers():
    assert not hasattr(quick(solver="lbfgs"), "partial_fit")
    assert hasattr(quick(solver="spsa"), "partial_fit")


def test_an_interruption_keeps_the_best_weights(monkeypatch):
    forward_vjp, calls = QuantumLayer.forward_vjp, []

    def interrupted(self, A, weights, **options):
        calls.append(1)
        if len(calls) > 25:
            raise KeyboardInterrupt
        return forward_vjp(self, A, weights, **options)

    monkeypatch.setattr(QuantumLayer, "forward_vjp", interrupted)
    model = quick(tol=1e-4)
    with pytest.warns(UserWarning, match="interrupted after 25 epochs"):
        assert model.fit(X, NAMES) is model
    assert model.best_loss_ == min(model.loss_curve_)
    assert model.n_iter_ == 25
    assert model.score(X, NAMES) > 0.6


def test_a_loss_that_becomes_nan(monkeypatch):
    forward_vjp, calls = QuantumLayer.forward_vjp, []

    def broken(self, A, weights, **options):
        calls.append(1)
        outputs, pullback = forward_vjp(self, A, weights, **options)
        return (outputs * np.nan if len(calls) > 25 else outputs), pullback

    monkeypatch.setattr(QuantumLayer, "forward_vjp", broken)
    model = quick(tol=1e-4)
    with pytest.warns(ConvergenceWarning, match="became nan in epoch 26, step 26"):
        model.fit(X, NAMES)
    assert np.isfinite(model.predict_proba(X)).all()
    assert model.best_loss_ == min(model.loss_curve_)


@pytest.mark.parametrize("solver", ["adam", "spsa"])
@pytest.mark.parametrize(
    ("embedding", "rate"), [(None, 1e160), ("linear", 1e14), ("linear", 1e160), ("linear", 1e307)]
)
def test_a_learning_rate_that_is_far_too_high(embedding, rate, solver):
    model = quick_regressor(learning_rate=rate, embedding=embedding, solver=solver)
    with pytest.warns(ConvergenceWarning, match=r"in epoch \d+, step .* last good weights"):
        model.fit(X, X[:, 0])
    assert np.isfinite(model.predict(X)).all()


@pytest.mark.parametrize("embedding", [None, "linear"])
def test_features_too_large_to_be_angles(embedding):
    model = quick(embedding=embedding)
    with pytest.raises(ValueError, match="Scale the data|check the scale of X"):
        model.fit(1e300 * X, Y)
    model.fit(X, Y)
    with pytest.raises(ValueError, match="Scale the data|scale X"):
        model.predict(1e300 * X)


def test_running_out_of_epochs():
    with pytest.warns(ConvergenceWarning, match=r"Maximum number of iterations \(5\) reached"):
        quick(max_iter=5).fit(X, Y)


def test_verbose(capsys):
    model = quick(verbose=True).fit(X, Y)
    assert f"Iteration {model.n_iter_}, loss = " in capsys.readouterr().out


# scikit-learn's callbacks.


class Recorder:
    """A callback that writes down what it gets, and asks to stop after some epochs."""

    def __init__(self, last=np.inf):
        self.last, self.events = last, []

    def setup(self, estimator, context):
        self.events.append("setup")

    def teardown(self, estimator, context):
        self.events.append("teardown")

    def on_fit_task_begin(self, estimator, context, *, X=None, metadata=None):
        self.events.append(("begin", context.task_name, context.task_id))

    def on_fit_task_end(self, estimator, context, *, X=None, y=None, fitted_estimator=None):
        self.events.append(("end", context.task_name, context.task_id))
        if fitted_estimator is not None:
            self.score = fitted_estimator.score(X, y)
        return context.task_name == "epoch" and context.task_id + 1 >= self.last


@pytest.mark.parametrize("solver", ["adam", "lbfgs", "spsa"])
@ignore_unconverged
def test_callbacks_see_every_epoch_and_can_stop(solver):
    recorder = Recorder(last=3)
    model = quick(solver=solver, max_iter=6).set_callbacks(recorder).fit(X, NAMES)
    epochs = [(kind, "epoch", i) for i in range(3) for kind in ("begin", "end")]
    assert recorder.events == [
        "setup", ("begin", "fit", 0), *epochs, ("end", "fit", 0), "teardown"
    ]  # fmt: skip
    assert model.n_iter_ == 3
    assert recorder.score == model.score(X, NAMES)


@ignore_unconverged
def test_scoring_monitor():
    monitor = ScoringMonitor(scoring=["accuracy", "neg_log_loss"])
    frame = pd.DataFrame(X, columns=list("abcd"))
    weight = np.linspace(1, 2, 150)
    model = quick(max_iter=4, alpha=0, batch_size=150).set_callbacks(monitor)
    model.fit(frame, NAMES, sample_weight=weight)
    log = monitor.get_logs().data_as_pandas
    epochs = log[log["task_name"] == "epoch"]
    assert len(epochs) == model.n_iter_ == 4
    # The score after an epoch is the loss before the next.
    np.testing.assert_allclose(-epochs["neg_log_loss"][:-1], model.loss_curve_[1:], atol=1e-5)


@ignore_unconverged
def test_progress_bar(capsys):
    pytest.importorskip("rich")
    quick(max_iter=4).set_callbacks(ProgressBar()).fit(X, Y)
    out = capsys.readouterr().out
    assert "VariationalClassifier - fit" in out
    assert "100%" in out


@ignore_unconverged
def test_callbacks_through_a_search():
    recorder = Recorder()
    recorder.max_propagation_depth = None
    search = GridSearchCV(quick(max_iter=2), {"alpha": [0, 1]}, cv=2).set_callbacks(recorder)
    search.fit(X, NAMES)
    assert sum(event[:2] == ("end", "epoch") for event in recorder.events) == 2 * (2 * 2 + 1)


# As a part of scikit-learn.


@pytest.mark.parametrize(
    "model",
    [
        quick(),
        quick(embedding="linear", solver="lbfgs"),
        quick(observables=[cirq.Z(Q[0]) + cirq.X(Q[1])], early_stopping=True),
        quick(init="identity_blocks", ansatz="real_amplitudes"),
        quick_regressor(),
    ],
    ids=repr,
)
@ignore_unconverged
def test_fitted_models_pickle_and_clone(model):
    model = clone(model).fit(X, Y)
    copy = pickle.loads(pickle.dumps(model))
    np.testing.assert_array_equal(copy.predict(X), model.predict(X))
    assert copy.circuit_ == model.circuit_
    assert repr(clone(model)) == repr(model)
    if hasattr(model, "partial_fit") and not model.early_stopping:
        np.testing.assert_array_equal(
            copy.partial_fit(X, Y).weights_, model.partial_fit(X, Y).weights_
        )


def test_parameters_set_after_fit_change_nothing():
    model = quick().fit(X, Y)
    before = model.predict_proba(X)
    model.set_params(n_layers=1, encoding="zz", embedding="linear", gradient="spsa")
    np.testing.assert_array_equal(model.predict_proba(X), before)
    assert model.resources_["n_two_qubit_gates"] == 12


def test_coefficients_are_not_taken_for_those_of_features():
    # `coef_` would be: recursive elimination ranks features by it, whatever it stands for.
    with pytest.raises(ValueError, match="coef_"):
        RFE(quick(), n_features_to_select=2).fit(X, Y)


def test_data_frames():
    frame = pd.DataFrame(X, columns=["a", "b", "c", "d"])
    model = quick().fit(frame, pd.Series(NAMES))
    assert model.feature_names_in_.tolist() == ["a", "b", "c", "d"]
    np.testing.assert_array_equal(model.predict(frame), quick().fit(X, NAMES).predict(X))


def test_named_parts_in_a_grid_search():
    grid = {"encoding__bandwidth": [0.3, 0.6], "ansatz__n_layers": [1, 2]}
    model = VariationalClassifier(tol=0.02, random_state=0)
    search = GridSearchCV(model, grid, cv=2).fit(X, NAMES)
    assert search.best_score_ > 0.8
    best = search.best_estimator_
    assert best.n_layers == search.best_params_["ansatz__n_layers"]  # one parameter, two names
    assert model.set_params(backend__n_threads=1).backend.n_threads == 1


# Evidence.


def test_moons_and_circles():
    # Data re-uploading, Perez-Salinas et al.: neither is linearly separable.
    for A, b in (
        make_moons(200, noise=0.2, random_state=0),
        make_circles(200, noise=0.15, factor=0.5, random_state=0),
    ):
        model = make_pipeline(
            StandardScaler(), VariationalClassifier(tol=1e-3, random_state=0, max_iter=400)
        )
        assert cross_val_score(model, A, b, cv=3).mean() > 0.9


def test_probabilities_on_held_out_data():
    # The numbers of the user guide's example.
    A, b = load_breast_cancer(return_X_y=True)
    train, test, y_train, y_test = train_test_split(A, b, stratify=b, random_state=0)
    model = make_pipeline(
        StandardScaler(),
        PCA(4, whiten=True),
        VariationalClassifier(AngleEncoding(bandwidth=0.5), tol=1e-3, random_state=0),
    ).fit(train, y_train)
    proba = model.predict_proba(test)
    assert brier_score_loss(y_test, proba) < 0.06
    assert expected_calibration_error(y_test, proba) < 0.08
    calibrated = CalibratedClassifierCV(model, method="temperature", cv=3).fit(train, y_train)
    scaled = calibrated.predict_proba(test)
    assert brier_score_loss(y_test, scaled) < 0.06
    assert expected_calibration_error(y_test, scaled) < 0.08


# Bad input.


@pytest.mark.parametrize(
    ("params", "error", "message"),
    [
        ({"max_iter": 0}, ValueError, "'max_iter' parameter"),
        ({"learning_rate": "constant"}, ValueError, "'learning_rate' parameter"),
        ({"validation_fraction": 1.0}, ValueError, "'validation_fraction' parameter"),
        ({"embedding": "mlp"}, ValueError, "'embedding' parameter"),
        ({"activation": "relu"}, ValueError, "'activation' parameter"),
        ({"activation": "tanh"}, ValueError, "set embedding='linear', or activation='identity'"),
        ({"solver": "adamw"}, ValueError, "Unknown solver 'adamw'. Did you mean 'adam'"),
        ({"solver": "dogleg"}, ValueError, "second derivatives"),
        ({"loss": "hinge"}, ValueError, "Unknown loss 'hinge'"),
        ({"gradient": "finite"}, ValueError, "gradient"),
        ({"encoding": "angel"}, ValueError, "Did you mean 'angle'"),
        ({"ansatz": "real"}, ValueError, "Unknown ansatz"),
        ({"encoding": AngleEncoding}, TypeError, r"Did you mean AngleEncoding\(\)\?"),
        ({"encoding": OWN}, TypeError, r"class Circuit. Wrap it: CircuitEncoding\(circuit\)"),
        ({"ansatz": OWN}, TypeError, r"class Circuit. Wrap it: CircuitAnsatz\(circuit\)"),
        ({"backend": "qsim"}, TypeError, r"None or a Backend such as QsimBackend\(\), got 'qsim'"),
        ({"backend": QsimBackend}, TypeError, r"Did you mean QsimBackend\(\)\?"),
        ({"init": "identity"}, ValueError, "Unknown init 'identity'. Did you mean"),
        ({"init": np.zeros(5)}, ValueError, r"init has shape \(5,\).* has 36 weights"),
        ({"init": np.full(36, np.nan)}, ValueError, "init must be finite"),
        ({"observables": "ZQ"}, ValueError, "observables"),
        ({"observables": [cirq.Z(cirq.q(9))]}, ValueError, "which the circuit lacks"),
        ({"backend": ReferenceBackend(), "gradient": "adjoint"}, ValueError, "adjoint"),
        (
            {"encoding": AngleEncoding(n_qubits=3), "n_qubits": 4},
            ValueError,
            "set one of them only",
        ),
        ({"encoding": "amplitude", "n_qubits": 3}, ValueError, "4 features to 2 qubits"),
        ({"encoding": "basis", "embedding": "linear"}, ValueError, "takes bits"),
        ({"class_weight": {0: 0, 1: 0, 2: 0}}, ValueError, "y has no class of positive weight"),
        ({"n_qubits": 40}, ValueError, "states of 40 qubits need .*a lower n_qubits"),
        (
            {"early_stopping": True, "validation_fraction": 0.01},
            ValueError,
            "validation_fraction",
        ),
    ],
)
def test_bad_parameters(params, error, message, monkeypatch):
    # Each is refused before anything is trained.
    monkeypatch.setattr(QuantumLayer, "forward_vjp", None)
    with pytest.raises(error, match=message):
        quick(**{"encoding": "angle"} | params).fit(X, Y)


@pytest.mark.parametrize(
    ("y", "weight", "message"),
    [
        (np.zeros(150), None, "at least two classes"),
        (np.linspace(0, 1, 150), None, "Unknown label type|continuous"),
        (Y, np.zeros(150), "non-zero"),
        (Y, np.where(Y == 1, 1.0, 0.0), "one class of positive weight, 1"),
        (Y, -np.ones(150), "[Nn]egative"),
    ],
)
def test_bad_targets_and_weights(y, weight, message):
    with pytest.raises(ValueError, match=message):
        quick().fit(X, y, sample_weight=weight)


def test_bad_calls_of_partial_fit():
    with pytest.raises(ValueError, match="classes must be passed"):
        quick().partial_fit(X, Y)
    model = quick().partial_fit(X[:50], Y[:50], classes=[0, 1])
    with pytest.raises(ValueError, match=r"y has labels \[2\] that are not in classes \[0 1\]"):
        model.partial_fit(X, Y)
    with pytest.raises(ValueError, match="at least two classes"):
        quick().partial_fit(X[:50], Y[:50], classes=[0])
    with pytest.raises(ValueError, match="early_stopping=True"):
        quick(early_stopping=True).partial_fit(X, Y, classes=[0, 1, 2])
    with pytest.raises(ValueError, match="class_weight='balanced'"):
        quick(class_weight="balanced").partial_fit(X, Y, classes=[0, 1, 2])


class Opaque(cirq.Gate):
    """A gate with a symbol that says nothing about how it depends on it."""

    def __init__(self, angle):
        self.angle = angle

    def _num_qubits_(self):
        return 1

    def _parameter_names_(self):
        return cirq.parameter_names(self.angle)

    def _is_parameterized_(self):
        return cirq.is_parameterized(self.angle)

    def _resolve_parameters_(self, resolver, recursive):
        return Opaque(resolver.value_of(self.angle, recursive))

    def _unitary_(self):
        return None if self._is_parameterized_() else cirq.unitary(cirq.rx(self.angle))


def test_a_circuit_that_is_not_differentiable():
    circuit = cirq.Circuit(Opaque(sympy.Symbol("w"))(Q[0]), cirq.CZ(*Q[:2]))
    model = quick(ansatz=CircuitAnsatz(circuit))
    with pytest.raises(ValueError, match="Opaque"):
        model.fit(X[:, :2], Y)


def test_rows_that_do_not_suit_the_encoding():
    with pytest.raises(ValueError, match="0 or 1"):
        quick(encoding="basis").fit(X, Y)
