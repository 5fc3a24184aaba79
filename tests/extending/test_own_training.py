"""An estimator that trains a layer by itself. docs/extending.rst shows its source."""

import numpy as np
import scipy.optimize
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.utils import check_random_state
from sklearn.utils.estimator_checks import parametrize_with_checks
from sklearn.utils.validation import check_is_fitted, validate_data

from skquantum.layers import QuantumLayer
from skquantum.testing import check_layer


# [estimator]
class CircuitRegressor(RegressorMixin, BaseEstimator):
    """The mean of a circuit's outputs, times the targets' scale, by least squares."""

    def __init__(self, encoding="angle", ansatz="real_amplitudes", max_iter=50, random_state=None):
        self.encoding = encoding
        self.ansatz = ansatz
        self.max_iter = max_iter
        self.random_state = random_state

    def fit(self, X, y):
        X, y = validate_data(self, X, y, dtype=np.float64, y_numeric=True)
        rng = check_random_state(self.random_state)
        self.layer_ = QuantumLayer(self.encoding, self.ansatz, n_features=X.shape[1])
        self.offset_, self.scale_ = y.mean(), np.ptp(y) / 2 or 1.0

        def loss(weights):
            outputs, pullback = self.layer_.forward_vjp(X, weights, data_gradient=False)
            residuals = self.scale_ * outputs.mean(axis=1) + self.offset_ - y
            slopes = 2 * self.scale_ / outputs.size * residuals
            _, gradient = pullback(np.repeat(slopes[:, None], outputs.shape[1], axis=1))
            return np.mean(residuals**2), gradient

        start = rng.uniform(0, 2 * np.pi, self.layer_.n_weights)
        found = scipy.optimize.minimize(
            loss, start, jac=True, method="L-BFGS-B", options={"maxiter": self.max_iter}
        )
        self.weights_, self.n_iter_ = found.x, max(1, found.nit)
        return self

    def predict(self, X):
        check_is_fitted(self)
        X = validate_data(self, X, dtype=np.float64, reset=False)
        return self.scale_ * self.layer_.forward(X, self.weights_).mean(axis=1) + self.offset_


# [end]


def test_its_layer_keeps_the_laws():
    check_layer(QuantumLayer("angle", "real_amplitudes", n_features=3))


def test_it_learns():
    X = np.linspace(-1.5, 1.5, 40)[:, None]
    y = 3 + np.sin(X[:, 0])
    assert CircuitRegressor(random_state=0).fit(X, y).score(X, y) > 0.9


@parametrize_with_checks(
    [CircuitRegressor(max_iter=2, random_state=0)],
    expected_failed_checks=lambda _: {"check_regressors_train": "two iterations fit little"},
)
def test_it_is_a_scikit_learn_estimator(estimator, check):
    check(estimator)
