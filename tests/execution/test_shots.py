"""Laws of shots: their distribution is the exact one, and draws depend on nothing but the row."""

import cirq
import numpy as np
import pytest
from scipy import stats

from skquantum.execution import QsimBackend
from skquantum.execution._engine import qsim
from skquantum.execution._noise.shots import (
    binomial,
    circuit_label,
    multinomial,
    pair_keys,
    row_keys,
    uniform,
)
from skquantum.layers import QuantumLayer
from tests.execution.strategies import SYMBOLS, values
from tests.execution.test_qsim import layered

Q = cirq.LineQubit.range(3)
SUMS = [
    cirq.Z(Q[0]) * 1.0,
    cirq.Z(Q[0]) * cirq.Z(Q[1]) + 0.5 * cirq.X(Q[2]) - 0.3,
    cirq.Y(Q[1]) - cirq.X(Q[0]) * cirq.X(Q[1]),
]
BACKENDS = {
    "pure": {},
    "noisy": {"noise": 0.05},
    "read-out": {"noise": cirq.ConstantQubitNoiseModel(cirq.bit_flip(0.1), prepend=True)},
}


def means(rows, shots, seed=0, circuit=None, **options):
    backend = QsimBackend(shots=shots, seed=seed, n_threads=1, **options)
    return backend.expectations(circuit or layered(), SYMBOLS, rows, SUMS)


# ---------------------------------------------------------------- numbers


def test_uniform_numbers_are_uniform_and_independent():
    keys = row_keys(0, "", np.arange(2000.0)[:, None])
    numbers = uniform(keys[:, None], np.arange(50))
    assert numbers.min() >= 0 and numbers.max() < 1
    for sample in (numbers.ravel(), numbers[:, 0], numbers[0]):
        assert stats.kstest(sample, "uniform").pvalue > 1e-4
    # Neighbours in both directions, in a table of 10 x 10.
    for left, right in ((numbers[1:], numbers[:-1]), (numbers[:, 1:], numbers[:, :-1])):
        table, *_ = np.histogram2d(left.ravel(), right.ravel(), 10, [[0, 1], [0, 1]])
        assert stats.chisquare(table.ravel()).pvalue > 1e-4


@pytest.mark.parametrize("p", [0.0, 1e-4, 0.3, 0.5, 0.999, 1.0])
@pytest.mark.parametrize("n", [1, 7, 1000])
def test_binomial_numbers(n, p):
    numbers = binomial(n, np.full(20000, p), uniform(row_keys(1, "", np.arange(2e4)[:, None])))
    assert numbers.min() >= 0 and numbers.max() <= n
    deviation = np.sqrt(n * p * (1 - p))
    assert abs(numbers.mean() - n * p) <= 4.5 * deviation / np.sqrt(20000)
    seen = np.bincount(numbers, minlength=n + 1)
    expected = stats.binom.pmf(np.arange(n + 1), n, p) * 20000
    likely = expected > 5
    distance = np.sum((seen - expected)[likely] ** 2 / expected[likely])
    assert stats.chi2.sf(distance, max(likely.sum() - 1, 1)) > 1e-4


def test_multinomial_numbers_have_the_right_mean_and_covariance():
    p = np.random.default_rng(0).dirichlet(np.ones(8))
    p[3] = 0
    p /= p.sum()
    n, rows = 50, 20000
    counts = multinomial(row_keys(2, "", np.arange(rows)[:, None] + 0.0), n, np.tile(p, (rows, 1)))
    assert (counts.sum(axis=1) == n).all()
    assert (counts >= 0).all() and not counts[:, 3].any()
    error = np.sqrt(n * p * (1 - p) / rows)
    assert (np.abs(counts.mean(axis=0) - n * p) <= 4.5 * error).all()
    covariance = n * (np.diag(p) - np.outer(p, p))
    # An estimated covariance has a variance of at most about 2 n^2 / rows.
    np.testing.assert_allclose(np.cov(counts.T), covariance, atol=4.5 * n / np.sqrt(rows) / 4)


def test_keys():
    rows = values(10)
    keys = row_keys(0, "a", rows)
    assert len({*keys, *row_keys(1, "a", rows), *row_keys(0, "b", rows)}) == 30
    np.testing.assert_array_equal(row_keys(0, "a", rows[3:5]), keys[3:5])
    assert row_keys(0, "", np.array([[0.0]])) == row_keys(0, "", np.array([[-0.0]]))
    assert row_keys(0, "", np.array([[1.0, 2.0]])) != row_keys(0, "", np.array([[2.0, 1.0]]))
    assert (row_keys(None, "a", rows) != row_keys(None, "a", rows)).all()
    pairs = pair_keys(keys, keys)
    np.testing.assert_array_equal(pairs, pairs.T)
    assert len(np.unique(pairs)) == 55


def test_labels_do_not_depend_on_the_process():
    class Mute(cirq.Gate):
        def _num_qubits_(self):
            return 1

    first, second = (cirq.FrozenCircuit(Mute()(Q[0])) for _ in range(2))
    assert circuit_label(first) == circuit_label(second)
    assert circuit_label(layered(2).freeze()) != circuit_label(layered(3).freeze())


# ---------------------------------------------------------------- expectation values


@pytest.mark.parametrize("name", BACKENDS)
def test_means_and_their_errors_follow_theory(name):
    options, shots, n_seeds = BACKENDS[name], 400, 60
    X = values(4)
    exact = QsimBackend(**options).expectations(layered(), SYMBOLS, X, SUMS)
    draws, errors = [], []
    for seed in range(n_seeds):
        backend = QsimBackend(shots=shots, seed=seed, **options)
        mean, error = backend.expectations_with_error(layered(), SYMBOLS, X, SUMS)
        np.testing.assert_array_equal(mean, backend.expectations(layered(), SYMBOLS, X, SUMS))
        draws.append(mean)
        errors.append(error)
    spread = np.std(draws, axis=0, ddof=1)
    # 12 numbers, each of them normal: none is beyond four standard errors.
    assert (np.abs(np.mean(draws, axis=0) - exact) <= 4 * spread / np.sqrt(n_seeds)).all()
    # The first observable has eigenvalues 1 and -1, hence a binomial variance.
    theory = np.sqrt((1 - exact[:, 0] ** 2) / shots)
    np.testing.assert_allclose(np.mean(errors, axis=0)[:, 0], theory, rtol=0.05)
    # A standard deviation of 60 numbers is good to 9 %.
    np.testing.assert_allclose(np.mean(errors, axis=0), spread, rtol=0.4)


@pytest.mark.parametrize("name", BACKENDS)
def test_draws_depend_on_the_row_alone(name, monkeypatch):
    X = values(50)
    whole = means(X, 100, **BACKENDS[name])
    np.testing.assert_array_equal(means(X, 100, **BACKENDS[name]), whole)
    order = np.random.default_rng(0).permutation(50)
    np.testing.assert_array_equal(means(X[order], 100, **BACKENDS[name]), whole[order])
    np.testing.assert_array_equal(means(X[7:9], 100, **BACKENDS[name]), whole[7:9])
    monkeypatch.setattr(qsim, "CHUNK_AMPLITUDES", 64 * 16)
    np.testing.assert_array_equal(means(X, 100, **BACKENDS[name]), whole)


def test_equal_rows_have_equal_draws_and_others_have_not():
    X = np.repeat(values(2), 3, axis=0)
    out = means(X, 1000)
    np.testing.assert_array_equal(out[0], out[2])
    assert (means(values(1), 1000, seed=1) != means(values(1), 1000, seed=2)).any()
    assert (means(values(1), 1000, seed=None) != means(values(1), 1000, seed=None)).any()


def test_one_shot_gives_eigenvalues():
    out = means(values(40), 1)[:, 0]
    assert set(out) == {-1.0, 1.0}


def test_errors_are_zero_where_results_are_exact():
    for options in ({}, {"noise": 0.1}):
        backend = QsimBackend(**options)
        mean, error = backend.expectations_with_error(layered(), SYMBOLS, values(3), SUMS)
        assert not error.any()
        np.testing.assert_array_equal(
            mean, backend.expectations(layered(), SYMBOLS, values(3), SUMS)
        )


# ---------------------------------------------------------------- overlaps


@pytest.mark.parametrize("name", BACKENDS)
def test_overlaps_are_shares_of_shots(name):
    X, Y, shots = values(30, 1), values(12, 2), 500
    exact = QsimBackend(**BACKENDS[name])
    backend = QsimBackend(shots=shots, seed=5, **BACKENDS[name])
    gram = backend.overlaps(layered(), SYMBOLS, X)
    np.testing.assert_array_equal(gram, gram.T)
    np.testing.assert_array_equal(gram * shots, np.rint(gram * shots))
    p = exact.overlaps(layered(), SYMBOLS, X)
    upper = np.triu_indices(30, 1)
    scores = (gram - p)[upper] / np.sqrt(np.maximum(p * (1 - p), 1e-4) / shots)[upper]
    assert np.abs(scores).max() < 5
    assert abs(scores.mean()) < 4 / np.sqrt(len(scores))
    assert abs(scores.std() - 1) < 0.2
    # Without noise a row returns to zeros for certain, with noise it does not.
    assert (np.diag(gram) == 1).all() == (name == "pure")
    cross = backend.overlaps(layered(), SYMBOLS, X, Y)
    np.testing.assert_array_equal(backend.overlaps(layered(), SYMBOLS, Y, X), cross.T)
    np.testing.assert_array_equal(backend.overlaps(layered(), SYMBOLS, X, X[:4]), gram[:, :4])
    order = np.random.default_rng(0).permutation(30)
    np.testing.assert_array_equal(
        backend.overlaps(layered(), SYMBOLS, X[order]), gram[np.ix_(order, order)]
    )


# ---------------------------------------------------------------- gradients


def test_gradients_by_shots_are_those_of_the_mean():
    def layer(shots, seed):
        backend = QsimBackend(shots=shots, seed=seed)
        return QuantumLayer("angle", "real_amplitudes", n_features=2, backend=backend)

    assert layer(10, 0).gradient == "parameter-shift"
    exact = QuantumLayer("angle", "real_amplitudes", n_features=2)
    X, weights = values(3)[:, :2], np.linspace(0.1, 2, exact.n_weights)
    cotangent = np.ones((3, 2))
    expected = exact.vjp(X, weights, cotangent)[1]
    draws = [layer(2000, seed).vjp(X, weights, cotangent)[1] for seed in range(15)]
    error = np.std(draws, axis=0, ddof=1) / np.sqrt(15)
    assert (np.abs(np.mean(draws, axis=0) - expected) < 5 * error).all()


# ---------------------------------------------------------------- bad input


@pytest.mark.parametrize("shots", [0, -3, 1.5, "many", True, np.nan])
def test_bad_shots_are_refused(shots):
    backend = QsimBackend(shots=shots)
    with pytest.raises(ValueError, match="The 'shots' parameter of QsimBackend"):
        backend.expectations(layered(), SYMBOLS, values(1), SUMS)
    with pytest.raises(ValueError, match="The 'shots' parameter of QsimBackend"):
        backend.overlaps(layered(), SYMBOLS, values(1))


def test_adjoint_gradients_of_shots_are_refused():
    with pytest.raises(ValueError, match="gradient='adjoint' needs exact results"):
        QsimBackend(shots=10).evaluator(layered(), SYMBOLS, (), SUMS, gradient="adjoint")
