"""Factors on the data, layer by layer: `reupload="trainable"`."""

import cirq
import numpy as np
import pytest
from sklearn.datasets import make_moons
from skops import io as skops

from skquantum import VariationalClassifier, VariationalRegressor
from skquantum.estimators._head import HeadObjective, QuantumHead
from skquantum.estimators._losses import log_loss
from skquantum.estimators._rows import TrainingRows
from skquantum.execution import DenseBackend
from skquantum.layers import QuantumLayer
from skquantum.saving import trusted_types

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

X, Y = make_moons(60, noise=0.1, random_state=0)


def quick(kind=VariationalClassifier, **params):
    defaults = {"reupload": "trainable", "n_layers": 2, "max_iter": 8, "random_state": 0}
    return kind(**defaults | params)


@pytest.mark.parametrize("embedding", [False, True])
def test_the_gradient_is_the_derivative(embedding):
    layer = QuantumLayer(
        "angle", "real_amplitudes", "XYZ", DenseBackend(), n_features=2, reupload="trainable"
    )
    head = QuantumHead(layer, n_features=2, n_outputs=2, embedding=embedding)
    rows = TrainingRows(X, np.eye(2)[Y], np.ones(len(X)))
    objective = HeadObjective(head, log_loss, 0.3, rows, None, None)
    theta = np.random.default_rng(0).normal(size=head.layout.size)
    _, grad = objective.loss_and_grad(theta, slice(None))
    step = 1e-6
    differences = [
        objective.loss(theta + step * e, slice(None))
        - objective.loss(theta - step * e, slice(None))
        for e in np.eye(len(theta))
    ]
    np.testing.assert_allclose(grad, np.array(differences) / (2 * step), rtol=0, atol=1e-8)


@pytest.mark.parametrize("init", ["small_normal", "uniform", "identity_blocks"])
def test_factors_start_at_one(init):
    # No step is large enough to be seen: what was learned is what training started from.
    model = quick(init=init, max_iter=1, learning_rate=1e-12).fit(X, Y)
    np.testing.assert_allclose(model.factors_, np.ones((2, 2)), atol=1e-9)
    plain = quick(init=init, max_iter=1, learning_rate=1e-12, reupload=True).fit(X, Y)
    np.testing.assert_allclose(model.predict_proba(X), plain.predict_proba(X), atol=1e-6)


@pytest.mark.parametrize("solver", ["adam", "lbfgs"])
def test_factors_are_learned_layer_by_layer(solver):
    model = quick(solver=solver, max_iter=30).fit(X, Y)
    assert model.factors_.shape == (2, 2)
    assert len(np.unique(model.factors_.round(3))) == 4
    assert abs(model.factors_ - 1).max() > 0.05
    np.testing.assert_array_equal(model.weights_[-4:], model.factors_.ravel())
    assert cirq.parameter_names(model.circuit_) == {"x_0", "x_1"}
    assert model.best_loss_ < 0.7 * model.loss_curve_[0]


def test_factors_go_where_a_later_fit_has_none():
    model = quick().fit(X, Y)
    assert hasattr(model, "factors_")
    model.set_params(reupload=True).fit(X, Y)
    assert not hasattr(model, "factors_")


def test_wide_rows_share_factors_among_blocks():
    wide = np.random.default_rng(0).normal(size=(40, 10))
    model = quick(VariationalRegressor).fit(wide, wide[:, 0])
    assert model.factors_.shape == (2, 2)


def test_training_goes_on_and_is_saved():
    model = quick(warm_start=True).fit(X, Y)
    before, loss = model.factors_.copy(), model.best_loss_
    model.fit(X, Y)
    assert model.best_loss_ < loss
    assert (model.factors_ != before).any()
    again = skops.loads(skops.dumps(model), trusted=trusted_types())
    np.testing.assert_array_equal(again.factors_, model.factors_)
    np.testing.assert_allclose(again.predict_proba(X), model.predict_proba(X), atol=1e-6)
    model.set_params(reupload=True)
    with pytest.raises(ValueError, match="whose weights_ has shape"):
        model.fit(X, Y)
    part = quick().partial_fit(X, Y, classes=[0, 1]).partial_fit(X, Y)
    assert part.n_iter_ == 2
    assert part.factors_.shape == (2, 2)


def test_given_weights_hold_factors_too():
    model = quick().fit(X, Y)
    given = quick(init=model.weights_, max_iter=1, learning_rate=1e-12).fit(X, Y)
    np.testing.assert_allclose(given.weights_, model.weights_, atol=1e-9)
    with pytest.raises(ValueError, match="give an array of shape"):
        quick(init=model.weights_[:-4]).fit(X, Y)


@pytest.mark.parametrize("wrong", ["trainabel", 1.5, None])
def test_what_reupload_may_be(wrong):
    with pytest.raises(ValueError, match="'reupload' parameter"):
        quick(reupload=wrong).fit(X, Y)
