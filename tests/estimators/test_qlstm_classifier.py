"""The quantum LSTM for labels, and the order of the axes of sequences."""

import warnings

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy.special import softmax
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import brier_score_loss, log_loss
from sklearn.model_selection import GridSearchCV, cross_val_score

from skquantum import QLSTMClassifier, QLSTMRegressor
from skquantum.circuits import ArctanEncoding, EntanglingRings
from skquantum.estimators._qlstm.network import RecurrentObjective
from skquantum.execution import ReferenceBackend
from skquantum.inspection import with_backend
from tests.estimators.test_qlstm import by_hand

CELLS = ["chen", "chen6", "linear_enhanced", "lstm"]
RNG = np.random.default_rng(0)
KINDS = np.array(["backward", "forward", "still"])


def turning(n):
    """Return sequences of noisy points on a circle, entered anywhere, and how they turn."""
    y = KINDS[np.arange(n) % 3]
    turn = np.array([-1, 1, 0])[np.arange(n) % 3]
    angles = RNG.uniform(0, 2 * np.pi, n)[:, None] + turn[:, None] * np.arange(5)
    points = np.stack([np.cos(angles), np.sin(angles)], axis=2)
    return points + RNG.normal(0, 0.1, points.shape), y


CUBE, Y = turning(60)
FLAT = CUBE.reshape(60, -1)
FIRST = CUBE.swapaxes(1, 2)


@pytest.fixture(autouse=True)
def unconverged_is_fine():
    """Few epochs are enough for most of what is asked here."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", category=ConvergenceWarning, message="Maximum|L-BFGS-B")
        yield


def quick(kind=QLSTMClassifier, **params):
    defaults = {"hidden_size": 2, "n_channels": 2, "max_iter": 3, "random_state": 0}
    return kind(**defaults | params)


@pytest.mark.parametrize("cell", CELLS[:3])
def test_probabilities_are_those_of_the_equations(cell):
    model = quick(cell=cell, n_qubits=4).fit(CUBE, Y)
    encoding, ansatz = ArctanEncoding(n_qubits=4), EntanglingRings(2)
    logits = np.array([by_hand(model, row, encoding, ansatz, 2) for row in FLAT[:2]])
    assert_allclose(model.decision_function(CUBE[:2]), logits, atol=1e-6)
    assert_allclose(model.predict_proba(CUBE[:2]), softmax(logits, axis=1), atol=1e-6)
    assert_array_equal(model.predict(CUBE[:2]), model.classes_[logits.argmax(axis=1)])


def test_two_classes_have_log_odds():
    two = Y != "still"
    model = quick().fit(CUBE[two], Y[two])
    proba = model.predict_proba(CUBE)
    odds = model.decision_function(CUBE)
    assert odds.shape == (60,)
    assert_allclose(odds, np.log(proba[:, 1] / proba[:, 0]), atol=1e-9)
    assert_array_equal(model.predict(CUBE), np.where(odds > 0, "forward", "backward"))


@pytest.mark.parametrize("cell", CELLS)
@pytest.mark.parametrize("loss", ["log_loss", "brier"])
def test_gradients_are_those_of_finite_differences(monkeypatch, cell, loss):
    seen = []
    init = RecurrentObjective.__init__

    def watched(self, *args):
        init(self, *args)
        seen.append(self)

    monkeypatch.setattr(RecurrentObjective, "__init__", watched)
    weight = np.linspace(1, 2, 9)
    model = quick(cell=cell, loss=loss, alpha=0.1, n_qubits=None).fit(CUBE[:9], Y[:9], weight)
    (objective,) = seen
    theta = model._theta.copy()
    value, grad = objective.loss_and_grad(theta, slice(None))
    found = [
        (objective.loss(theta + step, slice(None)) - objective.loss(theta - step, slice(None)))
        / 2e-5
        for step in 1e-5 * np.eye(len(theta))
    ]
    assert_allclose(grad, found, atol=1e-8)
    # Without its penalty it is the loss that scikit-learn knows.
    objective.alpha = 0
    value, proba = objective.loss(theta, slice(None)), model.predict_proba(CUBE[:9])
    metric = log_loss if loss == "log_loss" else brier_score_loss
    kwargs = {} if loss == "log_loss" else {"scale_by_half": False}
    assert value == pytest.approx(metric(Y[:9], proba, sample_weight=weight, **kwargs))


@pytest.mark.parametrize("cell", ["linear_enhanced", "lstm"])  # "chen" leaks
def test_it_learns_what_no_single_step_says(cell):
    rows, labels = turning(240)
    model = quick(cell=cell, hidden_size=4, learning_rate=0.1, max_iter=100, tol=1e-3)
    model.fit(rows[:120], labels[:120])
    assert model.score(rows[120:], labels[120:]) > 0.9
    step = LogisticRegression().fit(rows[:120, 2], labels[:120])
    assert step.score(rows[120:, 2], labels[120:]) < 0.5


# The order of the axes.


@pytest.mark.parametrize("kind", [QLSTMClassifier, QLSTMRegressor])
def test_the_order_of_the_axes_is_said_once(kind):
    y = Y if kind is QLSTMClassifier else CUBE[:, -1, 0]
    last = quick(kind).fit(CUBE, y)
    first = quick(kind, data_format="channels_first").fit(FIRST, y)
    wanted = last.predict(CUBE)
    assert_array_equal(last.predict(FLAT), wanted)
    assert_array_equal(first.predict(FIRST), wanted)
    assert_array_equal(first.predict(FIRST.tolist()), wanted)
    assert_array_equal(first.predict(FIRST.reshape(60, -1)), wanted)
    assert first.n_timesteps_ == 5
    # What was learned counts, not what was set since.
    assert_array_equal(first.set_params(data_format="channels_last").predict(FIRST), wanted)


def test_forecasts_have_histories_of_one_order():
    y = CUBE[:, -1]
    last = quick(QLSTMRegressor).fit(CUBE[:, :-1], y)
    first = quick(QLSTMRegressor, data_format="channels_first").fit(FIRST[:, :, :-1], y)
    assert_array_equal(first.forecast(CUBE[0], 3), last.forecast(CUBE[0], 3))


@pytest.mark.parametrize(
    ("data_format", "rows", "message"),
    [
        ("channels_last", FIRST, r"\(60, 2, 5\); set n_channels .*, or data_format='channels_f"),
        ("channels_first", CUBE, r"n_channels, n_timesteps\) .*, or data_format='channels_last'"),
        ("channels_first", CUBE[:, :, :1], r"got \(60, 5, 1\); set n_channels to the number"),
        ("channels_last", FLAT[:, :9], "9 features, which is no whole number of time steps"),
        ("nct", CUBE, "'data_format' parameter"),
    ],
)
def test_axes_that_do_not_fit(data_format, rows, message):
    with pytest.raises(ValueError, match=message):
        quick(data_format=data_format).fit(rows, Y)


# Weights, and training.


def test_weights_and_repetitions_are_the_same():
    weight = RNG.integers(0, 3, 60)
    repeated = quick().fit(np.repeat(CUBE, weight, axis=0), np.repeat(Y, weight))
    weighted = quick().fit(CUBE, Y, sample_weight=weight)
    assert_allclose(repeated.predict_proba(CUBE), weighted.predict_proba(CUBE), atol=1e-12)


def test_class_weights_multiply_sample_weights():
    factors = {"backward": 3.0, "forward": 1.0, "still": 0.5}
    by_class = quick(class_weight=factors).fit(CUBE, Y)
    by_row = quick().fit(CUBE, Y, sample_weight=[factors[label] for label in Y])
    assert_allclose(by_class.predict_proba(CUBE), by_row.predict_proba(CUBE), atol=1e-12)
    few = np.r_[0:30, 30:60:3]
    balanced = quick(class_weight="balanced").fit(CUBE[few], Y[few])
    counts = {kind: np.sum(Y[few] == kind) for kind in KINDS}
    weight = [len(few) / (3 * counts[label]) for label in Y[few]]
    by_row = quick().fit(CUBE[few], Y[few], sample_weight=weight)
    assert_allclose(balanced.predict_proba(CUBE), by_row.predict_proba(CUBE), atol=1e-12)


def test_mini_batches_in_the_order_of_the_rows(monkeypatch):
    seen = []
    loss_and_grad = RecurrentObjective.loss_and_grad

    def watched(self, theta, rows):
        seen.append(self.rows[rows].X)
        return loss_and_grad(self, theta, rows)

    monkeypatch.setattr(RecurrentObjective, "loss_and_grad", watched)
    quick(cell="lstm", batch_size=10, max_iter=1, shuffle=False).fit(CUBE, Y)
    assert_array_equal(np.concatenate(seen), FLAT)


@pytest.mark.parametrize("solver", ["adam", "sgd", "rmsprop", "spsa", "lbfgs"])
def test_every_kind_of_solver(solver):
    model = quick(solver=solver, max_iter=40, learning_rate=0.03).fit(CUBE, Y)
    assert model.best_loss_ < model.loss_curve_[0]


def test_early_stopping_keeps_the_best_accuracy():
    model = quick(early_stopping=True, validation_fraction=0.3, max_iter=15).fit(CUBE, Y)
    assert model.best_validation_score_ == max(model.validation_scores_)
    assert set(np.round(np.array(model.validation_scores_) * 18)) <= set(range(19))


def test_warm_start_goes_on_with_the_same_classes():
    model = quick(warm_start=True, max_iter=20).fit(CUBE, Y)
    first = model.best_loss_
    assert model.fit(CUBE, Y).loss_curve_[0] == pytest.approx(first, rel=1e-9)
    with pytest.raises(ValueError, match="needs the same classes: they were .*'still'"):
        model.fit(CUBE, np.where(Y == "still", "other", Y))
    assert_array_equal(model.classes_, KINDS)


@pytest.mark.parametrize(
    ("params", "y", "message"),
    [
        ({}, ["a"] * 60, "QLSTMClassifier needs at least two classes; y has one class, 'a'"),
        ({}, np.linspace(0, 1, 60), "Unknown label type"),
        ({"loss": "logloss"}, Y, "Unknown loss 'logloss'. Did you mean 'log_loss'"),
        ({"solver": "adma"}, Y, "Unknown solver 'adma'. Did you mean 'adam'"),
        ({"class_weight": "even"}, Y, "'class_weight' parameter"),
        ({"cell": "chen", "n_qubits": 1}, Y, "Set n_qubits to at least 2"),
    ],
)
def test_what_does_not_go_is_said_before_training(params, y, message):
    with pytest.raises(ValueError, match=message):
        quick(**params).fit(CUBE, y)


# As a part of scikit-learn.


def test_cubes_go_through_folds_and_searches():
    scores = cross_val_score(quick(), CUBE, Y, cv=3)
    assert np.isfinite(scores).all()
    grid = {"hidden_size": [1, 2], "ansatz__n_layers": [1, 2]}
    search = GridSearchCV(quick(), grid, cv=2).fit(CUBE, Y)
    assert search.predict(CUBE).shape == (60,)


def test_a_trained_model_moves_to_another_backend():
    model = quick(n_qubits=2).fit(CUBE, Y)
    same = with_backend(model, ReferenceBackend())
    assert_allclose(same.predict_proba(CUBE[:3]), model.predict_proba(CUBE[:3]), atol=1e-6)
    assert_array_equal(clone(model).fit(CUBE, Y).predict(CUBE), model.predict(CUBE))


def test_classes_come_batch_by_batch():
    rng = np.random.default_rng(0)
    X = np.cumsum(rng.normal(size=(60, 5)), axis=1)
    y = np.where(X[:, -1] > 0, "up", "down")
    order = np.argsort(y)  # all of one class first
    model = QLSTMClassifier(cell="lstm", hidden_size=3, random_state=0)
    for _ in range(40):
        for rows in (order[::2], order[1::2]):
            model.partial_fit(X[rows], y[rows], classes=["down", "flat", "up"])
    assert model.classes_.tolist() == ["down", "flat", "up"]
    assert model.score(X, y) > 0.9
    with pytest.raises(ValueError, match="not in classes"):
        model.partial_fit(X, np.full(60, "new"))
    with pytest.raises(ValueError, match="classes must be passed on the first call"):
        QLSTMClassifier().partial_fit(X, y)
    with pytest.raises(ValueError, match="class_weight='balanced'"):
        QLSTMClassifier(class_weight="balanced").partial_fit(X, y, classes=["down", "up"])
