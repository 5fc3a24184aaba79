"""The training loop on objectives without circuits: what it keeps, when it stops, what it says."""

import warnings

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.exceptions import ConvergenceWarning
from sklearn.neural_network._stochastic_optimizers import AdamOptimizer, SGDOptimizer

from skquantum._steps import STEP_RULES, adam, rmsprop, sgd
from skquantum.estimators._losses import (
    CLASSIFICATION_LOSSES,
    REGRESSION_LOSSES,
    resolve_loss,
    softmax,
)
from skquantum.estimators._solvers import (
    WITH_GRADIENT,
    WITHOUT_GRADIENT,
    resolve_solver,
    spsa_probe,
)
from skquantum.estimators._training import (
    Layout,
    Objective,
    Progress,
    Settings,
    split_validation,
    train,
)


class Bowl(Objective):
    """Mean squared distance of theta from the rows: the minimum is their mean."""

    curvature = np.array([1.0, 2.0, 5.0])

    def __init__(self, n_rows=40, size=3, seed=0):
        self.rows = np.random.default_rng(seed).normal(1, 1, (n_rows, size))
        self.n_rows = n_rows
        self.seen = []

    @property
    def minimum(self):
        return self.rows.mean(axis=0)

    def loss(self, theta, rows):
        error = theta - self.rows[rows]
        return float((error**2 @ self.curvature).mean() / 2)

    def loss_and_grad(self, theta, rows):
        self.seen.append(self.rows[rows])
        grad = self.curvature * (theta - self.rows[rows]).mean(axis=0)
        return self.loss(theta, rows), grad

    def validation_score(self, theta):
        return -self.loss(theta, slice(None))


def settings(**changes):
    defaults = {
        "solver": "adam",
        "learning_rate": 0.1,
        "max_iter": 200,
        "batch_size": "auto",
        "tol": 1e-4,
        "n_iter_no_change": 10,
        "early_stopping": False,
        "verbose": False,
    }
    merged = defaults | changes
    return Settings(**merged | {"solver": resolve_solver(merged["solver"])})


def start(size=3):
    return Progress(np.zeros(size), np.random.RandomState(0))


@pytest.mark.parametrize(
    "solver", ["adam", "rmsprop", "sgd", "spsa", "lbfgs", *WITH_GRADIENT, *WITHOUT_GRADIENT]
)
def test_every_solver_finds_the_minimum(solver):
    bowl, progress = Bowl(), start()
    patient = settings(solver=solver, max_iter=1000, tol=1e-4, n_iter_no_change=50)
    theta = train(bowl, progress, patient)
    np.testing.assert_allclose(theta, bowl.minimum, atol=0.02)
    # The state kept is the best one that was ever evaluated.
    assert progress.best_loss <= min(progress.loss_curve) + 1e-12
    if solver != "spsa":
        assert bowl.loss(theta, slice(None)) == pytest.approx(progress.best_loss, abs=1e-12)


@pytest.mark.parametrize("solver", ["adam", "lbfgs", "SLSQP", "TNC", "COBYLA", "Nelder-Mead"])
def test_an_interruption_keeps_the_best_state(solver):
    class Interrupted(Bowl):
        n = 0

        def loss(self, theta, rows):
            self.n += 1
            if self.n > 4:
                raise KeyboardInterrupt
            return super().loss(theta, rows)

    bowl, progress = Interrupted(), start()
    with pytest.warns(UserWarning, match="interrupted after .* best weights so far are kept"):
        theta = train(bowl, progress, settings(solver=solver))
    bowl.n = -1000
    assert bowl.loss(theta, slice(None)) == pytest.approx(progress.best_loss, abs=1e-12)
    assert progress.best_loss < bowl.loss(np.zeros(3), slice(None))


@pytest.mark.parametrize("batch_size", ["auto", 10])
@pytest.mark.parametrize("spoilt", ["loss", "gradient"])
@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_a_loss_that_is_no_number_stops_training(batch_size, spoilt, value):
    class Broken(Bowl):
        n = 0

        def loss_and_grad(self, theta, rows):
            self.n += 1
            loss, grad = super().loss_and_grad(theta, rows)
            if self.n < 7:
                return loss, grad
            return (value, grad) if spoilt == "loss" else (loss, grad * value)

    bowl, progress = Broken(), start()
    epoch = 7 if batch_size == "auto" else 2
    message = f"{spoilt}.* became .* in epoch {epoch}, step 7.*last good weights are kept"
    with pytest.warns(ConvergenceWarning, match=message):
        theta = train(bowl, progress, settings(batch_size=batch_size))
    assert np.isfinite(theta).all()
    assert bowl.loss(theta, slice(None)) < bowl.loss(np.zeros(3), slice(None))
    assert len(progress.loss_curve) == epoch - 1


def test_a_resumed_call_that_fails_at_once_keeps_where_it_started():
    class Fragile(Bowl):
        broken = False

        def loss(self, theta, rows):
            return np.nan if self.broken else super().loss(theta, rows)

    bowl, progress = Fragile(), start()
    before = train(bowl, progress, settings(), one_epoch=True)
    assert (before != 0).all()
    bowl.broken = True
    with pytest.warns(ConvergenceWarning, match="last good weights are kept"):
        after = train(bowl, progress, settings(), one_epoch=True)
    np.testing.assert_array_equal(after, before)


@pytest.mark.parametrize("solver", ["adam", "spsa", "lbfgs", "Powell"])
def test_a_loss_that_never_was_a_number_is_an_error(solver):
    class Hopeless(Bowl):
        def loss(self, theta, rows):
            return np.nan

    with pytest.raises(ValueError, match="became nan in epoch 1, step 1. There are no good"):
        train(Hopeless(), start(), settings(solver=solver))


@pytest.mark.parametrize(
    ("solver", "max_iter"),
    [("adam", 2), ("spsa", 2), ("lbfgs", 1), ("CG", 1), ("Nelder-Mead", 2), ("COBYLA", 6)],
)
def test_running_out_of_iterations_warns(solver, max_iter):
    with pytest.warns(ConvergenceWarning, match="Increase max_iter"):
        train(Bowl(), start(), settings(solver=solver, max_iter=max_iter, tol=1e-9))


def test_one_full_batch_step_moves():
    bowl, progress = Bowl(), start()
    with pytest.warns(ConvergenceWarning):
        theta = train(bowl, progress, settings(max_iter=1))
    np.testing.assert_allclose(theta, 0.1, rtol=1e-6)
    assert progress.loss_curve == [bowl.loss(np.zeros(3), slice(None))]
    assert progress.best_loss < progress.loss_curve[0]


def test_mini_batches_go_over_all_rows_in_a_new_order():
    bowl = Bowl(n_rows=25)
    with pytest.warns(ConvergenceWarning):
        train(bowl, start(), settings(batch_size=10, max_iter=2))
    assert [len(batch) for batch in bowl.seen] == [10, 10, 5, 10, 10, 5]
    first, second = np.vstack(bowl.seen[:3]), np.vstack(bowl.seen[3:])
    assert not np.array_equal(first, second)
    np.testing.assert_array_equal(*(np.sort(rows, axis=0) for rows in (first, second)))


def test_auto_batches_are_those_of_the_mlp():
    bowl = Bowl(n_rows=450)
    with pytest.warns(ConvergenceWarning):
        train(bowl, start(), settings(max_iter=1))
    assert [len(batch) for batch in bowl.seen] == [200, 200, 50]


def test_patience():
    bowl, progress = Bowl(), start()
    train(bowl, progress, settings(max_iter=2000, n_iter_no_change=5, tol=1e-3))
    curve = np.array(progress.loss_curve)
    best = np.minimum.accumulate(curve)
    # Six epochs in a row without an improvement by tol, and never so before.
    stale = curve[1:] > best[:-1] - 1e-3
    assert stale[-6:].all()
    assert not any(stale[i : i + 6].all() for i in range(len(stale) - 6))


def test_early_stopping_keeps_the_state_of_the_best_score():
    class Overfitting(Bowl):
        def validation_score(self, theta):
            return -((theta.mean() - self.minimum.mean() / 2) ** 2)

    bowl, progress = Overfitting(), start()
    theta = train(bowl, progress, settings(early_stopping=True, learning_rate=0.02))
    assert bowl.validation_score(theta) == max(progress.validation_scores) == progress.best_score
    assert len(progress.validation_scores) == len(progress.loss_curve) < 200
    assert theta.mean() == pytest.approx(bowl.minimum.mean() / 2, abs=0.02)
    stopped = start()
    train(bowl, stopped, settings(solver="lbfgs", early_stopping=True, n_iter_no_change=1))
    assert len(stopped.validation_scores) == len(stopped.loss_curve)


def test_one_epoch_keeps_the_last_state_and_goes_on():
    bowl, progress = Bowl(), start()
    for _ in range(5):
        theta = train(bowl, progress, settings(batch_size=20), one_epoch=True)
    np.testing.assert_array_equal(theta, progress.theta)
    assert progress.n_steps == 10
    assert len(progress.loss_curve) == 5
    # The same steps as in one go.
    other = start()
    with pytest.warns(ConvergenceWarning):
        train(bowl, other, settings(batch_size=20, max_iter=5))
    np.testing.assert_allclose(other.loss_curve, progress.loss_curve)


def test_verbose(capsys):
    train(Bowl(), start(), settings(verbose=True, early_stopping=True))
    out = capsys.readouterr().out
    assert "Iteration 1, loss = " in out
    assert "Validation score: " in out
    assert "Validation score did not improve more than tol=0.000100 for 10" in out


def test_adam_is_that_of_scikit_learn():
    rng = np.random.default_rng(0)
    theta, slots = rng.normal(size=5), {}
    theirs = [theta.copy()]
    optimizer = AdamOptimizer(theirs, 0.05)
    for step in range(1, 20):
        grad = rng.normal(size=5)
        adam(theta, grad, slots, step, 0.05)
        optimizer.update_params(theirs, [grad])
        np.testing.assert_allclose(theta, theirs[0], rtol=1e-12)


def test_spsa_has_the_gains_of_spall():
    """Spall 1998: a / (A + k + 1) ** 0.602, A a tenth of all steps, and c / (k + 1) ** 0.101."""
    theta, horizon, probes = np.array([0.3, -0.2]), 50, []

    def loss(at):
        probes.append(at - theta)
        return float(at @ [2.0, 3.0])

    for step in (0, 1, 7, 49):
        mean, grad, rate = spsa_probe(loss, theta, step, horizon, 0.5, np.random.RandomState(step))
        ahead, behind = probes[-2:]
        np.testing.assert_allclose(ahead, -behind)
        np.testing.assert_allclose(np.abs(ahead), 0.1 / (step + 1) ** 0.101)
        assert rate == pytest.approx(0.5 * ((1 + 5) / (step + 1 + 5)) ** 0.602)
        sign = np.sign(ahead)
        np.testing.assert_allclose(grad, (sign @ [2.0, 3.0]) * sign)
        assert mean == pytest.approx(theta @ [2.0, 3.0])


def test_spsa_spreads_its_steps_over_all_mini_batches(monkeypatch):
    seen = []

    def probe(loss, theta, step, horizon, rate, rng):
        seen.append((step, horizon, rate))
        return loss(theta), np.ones_like(theta), 0.25

    monkeypatch.setattr("skquantum.estimators._training.spsa_probe", probe)
    progress = start()
    with pytest.warns(ConvergenceWarning):
        train(Bowl(25), progress, settings(solver="spsa", batch_size=10, max_iter=2, tol=0))
    assert seen == [(i, 6, 0.1) for i in range(6)]
    np.testing.assert_allclose(progress.best_theta, -0.25 * 3)  # the first epoch was the better


def test_solver_names():
    assert resolve_solver("lbfgs") == resolve_solver("L-BFGS-B") == "L-BFGS-B"
    assert resolve_solver("nelder-mead") == "Nelder-Mead"
    assert set(STEP_RULES) == {"adam", "rmsprop", "sgd"}
    with pytest.raises(ValueError, match="Unknown solver 'adma'. Did you mean 'adam'"):
        resolve_solver("adma")
    with pytest.raises(ValueError, match="needs second derivatives"):
        resolve_solver("trust-ncg")


class Valley(Bowl):
    """Of Rosenbrock, which takes many iterations."""

    def loss(self, theta, rows):
        return float((1 - theta[0]) ** 2 + 10 * (theta[1] - theta[0] ** 2) ** 2)

    def gradient(self, theta):
        inner = 20 * (theta[1] - theta[0] ** 2)
        return np.array([-2 * (1 - theta[0]) - 2 * theta[0] * inner, inner])

    def loss_and_grad(self, theta, rows):
        self.seen.append(np.abs(self.gradient(theta)).max())
        return self.loss(theta, rows), self.gradient(theta)


@pytest.mark.parametrize("tol", [1.0, 0.3, 1e-2, 1e-4])
def test_lbfgs_goes_on_until_the_gradient_is_within_tol(tol):
    valley, progress = Valley(), start(2)
    progress.theta[:] = -1.2, 1.0
    train(valley, progress, settings(solver="lbfgs", tol=tol))
    assert np.abs(valley.gradient(progress.theta)).max() <= tol
    assert valley.seen[-1] <= tol
    assert min(valley.seen[:-1]) > tol  # and no longer


def test_rmsprop_takes_the_steps_of_its_definition():
    rng = np.random.default_rng(0)
    theta, square, slots = rng.normal(size=4), np.zeros(4), {}
    wanted = theta.copy()
    for step, grad in enumerate(rng.normal(size=(5, 4)), start=1):
        rmsprop(theta, grad, slots, step, 0.01)
        square = 0.99 * square + 0.01 * grad**2
        wanted -= 0.01 * grad / (np.sqrt(square) + 1e-8)
    np.testing.assert_allclose(theta, wanted, rtol=1e-12)


def test_sgd_takes_the_steps_of_scikit_learns_networks():
    rng = np.random.default_rng(0)
    theta, slots = rng.normal(size=4), {}
    wanted = [theta.copy()]
    theirs = SGDOptimizer(wanted, 0.01, momentum=0.9, nesterov=True)
    for step, grad in enumerate(rng.normal(size=(5, 4)), start=1):
        sgd(theta, grad, slots, step, 0.01)
        theirs.update_params(wanted, [grad])
    np.testing.assert_allclose(theta, wanted[0], rtol=1e-12)


@given(st.lists(st.lists(st.integers(0, 4), max_size=3), min_size=1, max_size=5), st.data())
def test_layouts_pack_and_unpack(shapes, data):
    shapes = {f"part_{i}": tuple(shape) for i, shape in enumerate(shapes)}
    layout = Layout(**shapes)
    theta = np.arange(layout.size, dtype=float)
    parts = layout.unpack(theta)
    assert {name: part.shape for name, part in parts.items()} == shapes
    np.testing.assert_array_equal(layout.pack(**parts), theta)
    assert all(np.shares_memory(part, theta) for part in parts.values() if part.size)


@pytest.mark.parametrize("name", [*CLASSIFICATION_LOSSES, *REGRESSION_LOSSES])
def test_gradients_of_losses(name):
    loss = (CLASSIFICATION_LOSSES | REGRESSION_LOSSES)[name]
    rng = np.random.default_rng(0)
    outputs, targets = rng.normal(size=(6, 3)), np.eye(3)[rng.integers(0, 3, 6)]
    _, grad = loss(outputs, targets)
    for column in range(3):
        step = np.zeros((1, 3))
        step[0, column] = 1e-6
        slope = (loss(outputs + step, targets)[0] - loss(outputs - step, targets)[0]) / 2e-6
        np.testing.assert_allclose(grad[:, column], slope, atol=1e-8)


def test_probabilities_of_huge_logits():
    logits = np.array([[1e300, -1e300], [-1e5, 1e5], [700.0, 0.0]])
    with np.errstate(all="raise", under="ignore"):
        np.testing.assert_allclose(softmax(logits).sum(axis=1), 1)
        loss, _ = CLASSIFICATION_LOSSES["log_loss"](logits[1:], np.array([[0.0, 1], [1, 0]]))
    np.testing.assert_allclose(loss, 0, atol=1e-300)


def test_loss_names():
    with pytest.raises(ValueError, match="Unknown loss 'logloss'. Did you mean 'log_loss'"):
        resolve_loss("logloss", CLASSIFICATION_LOSSES)


def test_validation_rows_are_stratified_and_not_too_few():
    codes = np.repeat([0, 1], [80, 20])
    kept, aside = split_validation(100, 0.1, np.random.RandomState(0), codes)
    assert np.bincount(codes[aside]).tolist() == [8, 2]
    assert sorted([*kept, *aside]) == list(range(100))
    for n_rows, fraction, stratify in ((8, 0.1, None), (100, 0.01, codes), (5, 0.8, None)):
        with pytest.raises(ValueError, match=f"validation_fraction={fraction} sets .* aside"):
            split_validation(n_rows, fraction, np.random.RandomState(0), stratify)


def test_the_share_set_aside_is_rounded_up():
    kept, aside = split_validation(15, 0.1, np.random.RandomState(0), None)
    assert (len(kept), len(aside)) == (13, 2)


class Scripted(Objective):
    """Losses and scores that are written down."""

    def __init__(self, losses, scores=(), n_rows=25):
        self.losses, self.scores, self.n_rows = iter(losses), iter(scores), n_rows

    def loss(self, theta, rows):
        return next(self.losses)

    def loss_and_grad(self, theta, rows):
        return next(self.losses), np.zeros_like(theta)

    def validation_score(self, theta):
        return next(self.scores)


def test_less_than_tol_is_no_improvement():
    losses = [1.0, 0.95, 0.92, 0.91, 0.7, 0.69, 0.68, 0.67]
    progress, patient = start(), settings(tol=0.1, n_iter_no_change=2)
    train(Scripted([*losses, 1.0]), progress, patient)
    assert progress.loss_curve == losses[:4]
    scores = [0.0, 0.1, 0.15, 0.18, 0.19, 0.9]
    progress, patient = start(), settings(tol=0.1, n_iter_no_change=2, early_stopping=True)
    train(Scripted([1.0] * 9, scores), progress, patient)
    assert progress.validation_scores == scores[:5]
    assert progress.best_score == 0.19


def test_the_loss_of_an_epoch_weighs_its_mini_batches_by_their_rows():
    progress = start()
    with pytest.warns(ConvergenceWarning):
        train(Scripted([1.0, 2.0, 4.0]), progress, settings(batch_size=10, max_iter=1))
    assert progress.loss_curve == [pytest.approx(0.4 * 1 + 0.4 * 2 + 0.2 * 4)]


def test_training_does_not_warn_on_its_own():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        train(Bowl(), start(), settings(max_iter=1000))
