"""Losses as objects: those of the package, one's own, and what is told of one that is wrong."""

import cirq
import numpy as np
import pytest
from numpy.testing import assert_allclose
from sklearn.base import clone
from sklearn.datasets import make_moons
from sklearn.model_selection import GridSearchCV
from skops import io as skops

from skquantum import VariationalClassifier, VariationalRegressor
from skquantum.estimators import (
    FidelityLoss,
    Loss,
    WeightedFidelityLoss,
    label_observables,
)
from skquantum.estimators._head import HeadObjective, QuantumHead
from skquantum.estimators._losses import CLASSIFICATION_LOSSES, REGRESSION_LOSSES
from skquantum.estimators._rows import TrainingRows
from skquantum.execution import DenseBackend
from skquantum.layers import QuantumLayer
from skquantum.saving import trusted_types
from skquantum.testing import check_loss

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

X, Y = make_moons(60, noise=0.1, random_state=0)
VALUES = np.sin(2 * X[:, 0])
SHORT = {"n_layers": 1, "max_iter": 5, "random_state": 0}
FIDELITIES = {"n_qubits": 1, "embedding": None, "observables": label_observables(2)}


class Huber(Loss):
    def __init__(self, delta=1.0):
        self.delta = delta

    def value(self, y, raw):
        error = abs(raw - y)
        small = error < self.delta
        return np.where(small, error**2 / 2, self.delta * (error - self.delta / 2)).sum(axis=1)

    def slope(self, y, raw):
        return np.clip(raw - y, -self.delta, self.delta)


class Focal(Loss):
    """For labels, with a weight of rows that are not known yet."""

    def value(self, y, raw):
        return -((1 - self._proba(y, raw)) ** 2) * np.log(self._proba(y, raw))

    def slope(self, y, raw):
        p = self._proba(y, raw)
        by_p = 2 * (1 - p) * np.log(p) - (1 - p) ** 2 / p
        softmax = np.exp(raw) / np.exp(raw).sum(axis=1, keepdims=True)
        return (by_p * p)[:, None] * (y - softmax)

    def _proba(self, y, raw):
        return (np.exp(raw) * y).sum(axis=1) / np.exp(raw).sum(axis=1)


@pytest.mark.parametrize("loss", [Huber(), Huber(0.3), Focal()], ids=repr)
def test_own_losses_keep_the_laws(loss):
    check_loss(loss)


@pytest.mark.parametrize("readout", ["linear", "scaled", None])
@pytest.mark.parametrize("loss", [Huber(0.5), WeightedFidelityLoss(), FidelityLoss()], ids=repr)
def test_the_gradient_is_the_derivative(loss, readout):
    layer = QuantumLayer(
        "angle", "strongly_entangling", label_observables(2), DenseBackend(), n_features=2
    )
    head = QuantumHead(layer, n_features=2, n_outputs=2, embedding=True, readout=readout)
    rows = TrainingRows(X, np.eye(2)[Y], np.linspace(0.5, 2, len(X)))
    objective = HeadObjective(
        head, lambda raw, y: (loss.value(y, raw), loss.slope(y, raw)), 0.3, rows, None, None
    )
    theta = np.random.default_rng(0).normal(size=head.layout.size)
    value, grad = objective.loss_and_grad(theta, slice(None))
    assert value == pytest.approx(objective.loss(theta, slice(None)))
    step = 1e-6
    ends = [
        [objective.loss(theta + s * e, slice(None)) for s in (step, -step)]
        for e in np.eye(len(theta))
    ]
    want = np.diff(ends, axis=1)[:, 0] / (-2 * step)
    assert_allclose(grad, want, rtol=0, atol=1e-7)


@pytest.mark.parametrize("solver", ["adam", "lbfgs", "spsa"])
def test_a_loss_of_ones_own_trains(solver):
    model = VariationalRegressor(
        loss=Huber(0.5), solver=solver, max_iter=100, random_state=0, n_layers=2
    )
    model.fit(X, VALUES)
    assert model.best_loss_ < 0.5 * model.loss_curve_[0]
    labels = VariationalClassifier(loss=Focal(), solver=solver, max_iter=100, random_state=0)
    labels.fit(X, Y)
    assert labels.best_loss_ < 0.9 * labels.loss_curve_[0]
    assert labels.score(X, Y) > 0.8 or solver == "spsa"


def test_weights_of_rows_are_repetitions():
    weight = np.where(np.arange(len(X)) % 3 == 0, 2, 1)
    model = VariationalRegressor(loss=Huber(0.5), solver="lbfgs", **SHORT)
    twice = clone(model).fit(np.repeat(X, weight, axis=0), np.repeat(VALUES, weight))
    weighted = model.fit(X, VALUES, sample_weight=weight)
    assert_allclose(weighted.predict(X), twice.predict(X), atol=1e-4)


def test_a_loss_is_a_parameter_like_others():
    model = VariationalRegressor(loss=Huber(0.5), **SHORT)
    assert model.get_params()["loss__delta"] == 0.5
    copy = clone(model)
    assert copy.loss is not model.loss
    assert copy.loss.delta == 0.5
    search = GridSearchCV(model, {"loss__delta": [0.1, 2.0]}, cv=2).fit(X, VALUES)
    assert search.best_estimator_.loss.delta in (0.1, 2.0)
    assert model.loss.delta == 0.5


@pytest.mark.parametrize("overlaps", [None, [[1.0, 0.2], [0.2, 1.0]]])
def test_saving(overlaps):
    loss = WeightedFidelityLoss(overlaps)
    model = VariationalClassifier(loss=loss, readout="scaled", **FIDELITIES, **SHORT).fit(X, Y)
    again = skops.loads(skops.dumps(model), trusted=trusted_types())
    assert repr(again) == repr(model)
    assert_allclose(again.predict_proba(X), model.predict_proba(X), atol=1e-6)
    assert again.loss.overlaps == overlaps
    again.fit(X, Y)
    assert_allclose(again.predict_proba(X), model.predict_proba(X), atol=1e-6)


@pytest.mark.parametrize("n_classes", [2, 3, 4, 6])
def test_states_of_labels(n_classes):
    projectors = [p.matrix([cirq.LineQubit(0)]) for p in label_observables(n_classes)]
    overlaps = np.array([[np.trace(a @ b).real for b in projectors] for a in projectors])
    for projector in projectors:
        assert_allclose(projector @ projector, projector, atol=1e-12)
        assert np.trace(projector) == pytest.approx(1)
    # As far apart as can be: no two states are closer than all have to be.
    closest = {2: 0, 3: 1 / 4, 4: 1 / 3, 6: 1 / 2}[n_classes]
    assert (overlaps - np.eye(n_classes)).max() == pytest.approx(closest)
    assert_allclose(np.diag(overlaps), 1)
    y = np.eye(n_classes)
    # A row in the state of its class has those overlaps, so it costs nothing.
    assert_allclose(WeightedFidelityLoss().value(y, overlaps), 0, atol=1e-12)
    assert_allclose(FidelityLoss().value(y, overlaps), 0, atol=1e-12)
    with pytest.raises(ValueError, match="States of 5 classes"):
        label_observables(5)


def test_fidelities_are_what_is_learned():
    model = VariationalClassifier(
        loss=FidelityLoss(), readout=None, solver="lbfgs", random_state=0, n_layers=4, **FIDELITIES
    )
    model.fit(X, Y)
    fidelity = model.layer_.forward(X, model.weights_)
    assert_allclose(fidelity.sum(axis=1), 1, atol=1e-5)
    loss = 1 - fidelity[np.arange(len(X)), Y].mean()
    assert loss == pytest.approx(model.best_loss_, abs=1e-5)
    assert (model.predict(X) == fidelity.argmax(axis=1)).all()
    assert not hasattr(model, "readout_coef_")
    with pytest.raises(ValueError, match=r"readout='linear'; set readout=None"):
        model.set_params(readout="linear").fit(X, Y)


def test_factors_on_fidelities():
    params = {"readout": "scaled", "alpha": 0, "solver": "lbfgs", "max_iter": 50}
    model = VariationalClassifier(
        loss=WeightedFidelityLoss(), **FIDELITIES, **{**SHORT, **params}
    ).fit(X, Y)
    outputs = model.layer_.forward(X, model.weights_) * model.readout_coef_
    loss = ((outputs - np.eye(2)[Y]) ** 2).sum(axis=1).mean() / 2
    assert loss == pytest.approx(model.best_loss_, abs=1e-5)
    assert abs(model.readout_coef_ - 1).max() > 0.01
    assert not hasattr(model, "readout_intercept_")


@pytest.mark.parametrize("readout", ["scaled", None])
def test_values_without_a_linear_readout(readout):
    model = VariationalRegressor(
        n_qubits=1, observables="Z", readout=readout, solver="lbfgs", alpha=0, random_state=0
    )
    y = 3 * np.cos(X[:, 0]) + 5
    model.fit(X[:, :1], y)
    observed = model.layer_.forward(X[:, :1], model.weights_)[:, 0]
    coef = model.readout_coef_[0] if readout else y.std()
    assert_allclose(model.predict(X[:, :1]), coef * observed + y.mean(), atol=1e-3)
    batch = VariationalRegressor(n_qubits=1, observables="Z", readout=readout)
    batch.partial_fit(X[:, :1], y).partial_fit(X[:, :1], y)
    with pytest.raises(ValueError, match="y has 2 outputs; there were 1"):
        batch.partial_fit(X[:, :1], np.column_stack([y, y]))


def test_a_readout_of_expectation_values_needs_one_for_each_output():
    model = VariationalClassifier(readout=None, observables="Z", **SHORT)
    three = np.arange(len(X)) % 3
    with pytest.raises(ValueError, match="there are 2 of these for 3 outputs: set observables"):
        model.fit(X, three)
    with pytest.raises(ValueError, match="'readout' parameter"):
        VariationalClassifier(readout="none", **SHORT).fit(X, Y)


# What is wrong, told at the first step.


class Squared(Loss):
    def value(self, y, raw):
        return ((raw - y) ** 2).sum(axis=1) / 2

    def slope(self, y, raw):
        return raw - y


class OneNumber(Squared):
    def value(self, y, raw):
        return super().value(y, raw).sum()


class Complex(Squared):
    def value(self, y, raw):
        return super().value(y, raw) + 0j


class Endless(Squared):
    def value(self, y, raw):
        return super().value(y, raw) + np.inf


class NoNumber(Squared):
    def slope(self, y, raw):
        return np.full(raw.shape, np.nan)


class NarrowSlope(Squared):
    def slope(self, y, raw):
        return (raw - y).sum(axis=1)


class Greedy(Squared):
    def value(self, y, raw):
        raw -= y
        return (raw**2).sum(axis=1)


@pytest.mark.parametrize("solver", ["adam", "lbfgs", "spsa", "Nelder-Mead"])
@pytest.mark.parametrize(
    ("loss", "message"),
    [
        (OneNumber(), r"OneNumber\(\): value must return one number for each row.*\(60,\)"),
        (Complex(), "value must return.*complex"),
        (Endless(), "value must be finite, got inf"),
        (NoNumber(), "slope must be finite, got nan"),
        (NarrowSlope(), r"slope must return one number for each output.*got shape \(60,\)"),
        (Greedy(), "read-only"),
    ],
    ids=repr,
)
def test_what_is_wrong_is_told_at_the_first_step(loss, message, solver):
    model = VariationalClassifier(solver=solver, loss=loss, **SHORT)
    with pytest.raises(ValueError, match=message):
        model.fit(X, Y)
    assert not hasattr(model, "weights_")


class WrongSlope(Squared):
    def slope(self, y, raw):
        return 0.7 * (raw - y)


def test_a_slope_that_is_not_the_derivative():
    with pytest.warns(UserWarning, match=r"slope is not the derivative.*in \d+ of 60 rows"):
        VariationalClassifier(loss=WrongSlope(), **SHORT).fit(X, Y)


class Hinge(Loss):
    """Its kink is where outputs start."""

    def value(self, y, raw):
        return np.maximum(0, raw - y).sum(axis=1)

    def slope(self, y, raw):
        return np.where(raw > y, 1.0, 0.0)


def test_a_kink_is_no_wrong_slope():
    same = np.ones(60)
    same[0] = 0
    model = VariationalRegressor(loss=Hinge(), readout=None, observables="Z", n_qubits=1, **SHORT)
    model.set_params(normalize_y=False, init=np.zeros(3), reupload=False)
    model.fit(np.arange(60.0)[:, None] * 1e-9, same)


@pytest.mark.parametrize(
    ("loss", "message"),
    [
        (WeightedFidelityLoss(np.eye(3)), "overlaps must be 2 x 2"),
        (WeightedFidelityLoss(np.full((2, 2), np.nan)), "overlaps must be 2 x 2 finite"),
        (WeightedFidelityLoss(3), "'overlaps' parameter"),
        (Squared, "'loss' parameter"),
        (lambda raw, y: raw, "'loss' parameter"),
        ("fidelity", "Unknown loss 'fidelity'.*a Loss of your own works too"),
    ],
    ids=range(6),
)
def test_what_a_loss_may_be(loss, message):
    with pytest.raises(ValueError, match=message):
        VariationalClassifier(loss=loss, readout="scaled", **FIDELITIES, **SHORT).fit(X, Y)


def test_fidelities_are_for_labels():
    model = VariationalRegressor(
        loss=WeightedFidelityLoss(), readout="scaled", **FIDELITIES, **SHORT
    )
    with pytest.raises(ValueError, match="about the states of classes"):
        model.fit(X, np.column_stack([VALUES, VALUES]))


@pytest.mark.parametrize(
    "function", [*CLASSIFICATION_LOSSES.values(), *REGRESSION_LOSSES.values()]
)
def test_slopes_of_named_losses(function):
    y, raw = np.eye(2)[Y[:9]], np.random.default_rng(0).normal(size=(9, 2))
    step = 1e-6
    for direction in np.eye(2):
        ends = [function(raw + s * direction, y)[0] for s in (step, -step)]
        want = (ends[0] - ends[1]) / (2 * step)
        assert_allclose(function(raw, y)[1] @ direction, want, atol=1e-8)
