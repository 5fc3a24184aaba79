"""The tables against their formulas, each computed another way."""

import cirq
import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import KNeighborsClassifier

from skquantum import QuantumKernelSVC
from skquantum.circuits import ZZEncoding
from skquantum.datasets import (
    make_ad_hoc,
    make_bars_and_stripes,
    make_hidden_manifold,
    make_hyperplanes,
    make_linearly_separable,
    make_spin_chain,
    make_two_curves,
)
from skquantum.datasets._tables import _hadamards, _signs, _zz_phases
from skquantum.kernels import FidelityKernel

TABLES = [
    make_ad_hoc,
    make_bars_and_stripes,
    make_hidden_manifold,
    make_hyperplanes,
    make_linearly_separable,
    make_spin_chain,
    make_two_curves,
]


@pytest.mark.parametrize("make", TABLES)
def test_every_table_is_a_function_of_its_seed(make):
    X, y = make(31, random_state=3)
    again, other = make(31, random_state=3), make(31, random_state=4)
    np.testing.assert_array_equal(X, again[0])
    np.testing.assert_array_equal(y, again[1])
    assert not np.array_equal(X, other[0])
    assert X.shape[0] == len(y) == 31 and np.isfinite(X).all()
    assert set(y) == {0, 1}
    if make not in (make_bars_and_stripes, make_spin_chain):
        assert abs(2 * y.sum() - 31) == 1


@pytest.mark.parametrize("n_features", [1, 2, 3])
def test_ad_hoc_states_are_those_of_the_zz_map(n_features):
    X, _ = make_ad_hoc(20, n_features=n_features, random_state=0)
    phases = np.exp(1j * _zz_phases(X, _signs(n_features)))
    states = _hadamards(phases / 2 ** (n_features / 2)) * phases
    kernel = FidelityKernel(ZZEncoding(bandwidth=1.0, entanglement="full"))
    np.testing.assert_allclose(np.abs(states @ states.conj().T) ** 2, kernel(X), atol=2e-6)


@pytest.mark.parametrize("seed", range(3))
def test_the_published_map_separates_ad_hoc_data(seed):
    X, y = make_ad_hoc(160, random_state=seed)
    model = QuantumKernelSVC(ZZEncoding(bandwidth=1.0), kernel="fidelity", C=1000)
    model.fit(X[:100], y[:100])
    assert model.score(X[100:], y[100:]) > 0.95


def test_a_gap_that_hardly_any_row_has_is_refused():
    with pytest.raises(ValueError, match=r"gap=0\.99999"):
        make_ad_hoc(20, n_features=6, gap=0.99999, random_state=0)
    with pytest.raises(ValueError, match=r"margin=100"):
        make_linearly_separable(20, margin=100.0)


def test_linearly_separable_tables_are():
    X, y = make_linearly_separable(n_features=4, random_state=0)
    np.testing.assert_array_equal(y, X.sum(axis=1) > 0)
    assert np.abs(X.sum(axis=1)).min() >= 0.08


def test_the_hidden_manifold_has_its_dimension():
    X, _ = make_hidden_manifold(400, n_features=8, manifold_dimension=2, random_state=0)
    # Undoing the curve leaves a plane, moved by the offsets.
    flat = np.arctanh(X)
    flat -= flat.mean(axis=0)
    assert (np.linalg.svd(flat, compute_uv=False) > 1e-9).sum() == 2


def test_curves_without_noise_are_curves():
    X, y = make_two_curves(2000, noise=0.0, offset=0.5, degree=2, random_state=0)
    assert KNeighborsClassifier(1).fit(X[::2], y[::2]).score(X[1::2], y[1::2]) == 1.0


def test_parity_of_one_hyperplane_is_a_linear_task_and_of_two_is_not():
    one, two = (make_hyperplanes(600, n_hyperplanes=n, random_state=0) for n in (1, 2))
    assert LogisticRegression(C=1e4).fit(*one).score(*one) > 0.98
    assert LogisticRegression(C=1e4).fit(*two).score(*two) < 0.9


def test_bars_and_stripes_without_noise():
    X, y = make_bars_and_stripes(200, height=3, width=5, noise=0.0, random_state=0)
    images = X.reshape(200, 3, 5)
    assert (images[y == 1] == images[y == 1][:, :, :1]).all()
    assert (images[y == 0] == images[y == 0][:, :1]).all()


@pytest.mark.parametrize("model", ["ising", "cluster"])
def test_spin_chains_against_cirqs_matrices(model):
    X, y = make_spin_chain(6, n_spins=4, model=model, random_state=1)
    qubits = cirq.LineQubit.range(4)
    fields = np.random.RandomState(1).uniform(0, 2, size=6)
    for state, field, label in zip(X, fields, y, strict=True):
        terms = [-field * cirq.X(q) for q in qubits]
        for i in range(4):
            before, here, after = qubits[i - 1], qubits[i], qubits[(i + 1) % 4]
            if model == "ising":
                terms.append(-1.0 * cirq.Z(here) * cirq.Z(after))
            else:
                terms.append(-1.0 * cirq.Z(before) * cirq.X(here) * cirq.Z(after))
        matrix = cirq.PauliSum.from_pauli_strings(terms).matrix(qubits)
        lowest = np.linalg.eigvalsh(matrix)[0]
        np.testing.assert_allclose((state @ matrix @ state).real, lowest, atol=1e-9)
        assert label == (field > 1)


@pytest.mark.parametrize(
    ("make", "arguments", "name"),
    [
        (make_ad_hoc, {"n_features": 11}, "n_features"),
        (make_ad_hoc, {"gap": 1.0}, "gap"),
        (make_ad_hoc, {"n_samples": 1}, "n_samples"),
        (make_spin_chain, {"n_spins": 13}, "n_spins"),
        (make_spin_chain, {"model": "xxz"}, "model"),
        (make_spin_chain, {"strongest": 0.5}, "strongest"),
        (make_two_curves, {"degree": 0}, "degree"),
        (make_hyperplanes, {"n_hyperplanes": 1.5}, "n_hyperplanes"),
        (make_bars_and_stripes, {"noise": -1}, "noise"),
        (make_hidden_manifold, {"manifold_dimension": 0}, "manifold_dimension"),
        (make_linearly_separable, {"margin": "wide"}, "margin"),
    ],
)
def test_what_does_not_go_is_said(make, arguments, name):
    with pytest.raises(ValueError, match=f"'{name}' parameter"):
        make(**arguments)
