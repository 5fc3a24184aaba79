"""Laws of repaired Gram matrices, and of the machines that are fitted on them."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from sklearn.base import clone
from sklearn.datasets import load_iris
from sklearn.model_selection import cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

from skquantum import QuantumKernelSVC, QuantumKernelSVR
from skquantum.circuits import ZZEncoding
from skquantum.execution import QsimBackend
from skquantum.kernels import FidelityKernel, GramRepair, ProjectedKernel
from skquantum.kernels._psd import PSD, ROUNDING

X, Y = load_iris(return_X_y=True)
X = StandardScaler().fit_transform(X)[::3]
Y = Y[::3]
ENCODING = ZZEncoding(bandwidth=0.03)


def machine(kind=QuantumKernelSVC, **params):
    """Return a machine of fidelities, which noise and shots bend."""
    return kind(ENCODING, kernel="fidelity", **params)


@st.composite
def bent(draw):
    """Return a Gram matrix with ones on its diagonal, bent by symmetric noise."""
    n, width = draw(st.integers(2, 12)), draw(st.integers(1, 4))
    rows = draw(arrays(float, (n, width), elements=st.floats(-2, 2)))
    noise = draw(arrays(float, (n, n), elements=st.floats(-0.3, 0.3)))
    gram = np.exp(-((rows[:, None] - rows[None]) ** 2).sum(-1)) + (noise + noise.T) / 2
    np.fill_diagonal(gram, 1.0)
    return gram


def is_psd(matrix):
    values = np.linalg.eigvalsh(matrix)
    return values[0] >= -ROUNDING * values[-1]


@pytest.mark.parametrize("psd", PSD)
@given(gram=bent())
def test_what_is_repaired_is_psd_and_symmetric(psd, gram):
    repair = GramRepair(psd)
    repaired = repair.fit_transform(gram)
    np.testing.assert_array_equal(repaired, repaired.T)
    assert is_psd(repaired)
    assert repair.report_["change"] == pytest.approx(np.linalg.norm(repaired - gram))
    least = np.linalg.eigvalsh(gram)[0]
    assert repair.report_["min_eigenvalue"] == pytest.approx(least, abs=1e-9)


@pytest.mark.parametrize("psd", PSD)
@given(gram=bent())
def test_a_psd_matrix_stays_what_it_is(psd, gram):
    good = GramRepair("clip").fit_transform(gram)
    repair = GramRepair(psd)
    np.testing.assert_array_equal(repair.fit_transform(good), good)
    np.testing.assert_array_equal(repair.transform(gram[:1]), gram[:1])
    assert repair.report_["change"] == 0
    assert repair.report_["n_negative"] == 0


@pytest.mark.parametrize("psd", PSD)
@given(gram=bent())
def test_training_rows_met_again_get_their_rows_of_the_repaired_matrix(psd, gram):
    repair = GramRepair(psd)
    repaired = repair.fit_transform(gram)
    again = repair.transform(gram)
    if psd == "clip":
        np.testing.assert_allclose(again, repaired, atol=1e-9)
    elif psd == "shift":
        off = ~np.eye(len(gram), dtype=bool)
        np.testing.assert_array_equal(again[off], repaired[off])
    elif repair.projection_ is not None:
        # What is missing is a diagonal matrix before the projection, D P: its rows are multiples
        # of those of P.
        missing, projection = repaired - again, repair.projection_
        factors = np.diag(missing @ projection) / np.diag(projection)
        np.testing.assert_allclose(missing, factors[:, None] * projection, atol=1e-8)


@given(gram=bent(), rows=arrays(float, (5, 12), elements=st.floats(0, 1)))
def test_a_row_is_treated_alike_whatever_comes_with_it(gram, rows):
    repair = GramRepair("clip").fit(gram)
    block = rows[:, : len(gram)]
    together = repair.transform(block)
    alone = np.vstack([repair.transform(block[i : i + 1]) for i in range(len(block))])
    np.testing.assert_allclose(together, alone, atol=1e-12)


@given(gram=bent())
def test_clip_is_the_nearest_of_all_psd_matrices(gram):
    changes = {psd: GramRepair(psd).fit(gram).report_["change"] for psd in PSD}
    assert changes["clip"] <= changes["nearest"] + 1e-6
    assert changes["clip"] <= changes["shift"] + 1e-12


def higham(matrix, n_steps):
    """Return the nearest matrix with the same diagonal, by alternating projections."""
    diagonal = np.diag(matrix)
    corrected, nearest = np.zeros_like(matrix), matrix.copy()
    for _ in range(n_steps):
        moved = nearest - corrected
        values, vectors = np.linalg.eigh(moved)
        positive = (vectors * np.maximum(values, 0)) @ vectors.T
        corrected = positive - moved
        nearest = positive.copy()
        np.fill_diagonal(nearest, diagonal)
    return nearest


@pytest.mark.parametrize("seed", range(5))
def test_nearest_is_what_alternating_projections_find(seed):
    rng = np.random.default_rng(seed)
    matrix = rng.uniform(-1, 1, (8, 8))
    matrix = (matrix + matrix.T) / 2
    np.fill_diagonal(matrix, rng.uniform(0.5, 1.5, 8))
    repaired = GramRepair("nearest").fit_transform(matrix)
    np.testing.assert_allclose(np.diag(repaired), np.diag(matrix), atol=1e-7)
    np.testing.assert_allclose(repaired, higham(matrix, 3000), atol=1e-5)


def test_nearest_against_a_published_example():
    # Higham (2002), section 4: nearest correlation matrix of a tridiagonal one.
    matrix = np.array([[1.0, 1, 0], [1, 1, 1], [0, 1, 1]])
    repaired = GramRepair("nearest").fit_transform(matrix)
    expected = [[1.0, 0.7607, 0.1573], [0.7607, 1, 0.7607], [0.1573, 0.7607, 1]]
    np.testing.assert_allclose(repaired, expected, atol=5e-5)


@given(gram=bent(), rate=st.floats(0.3, 1.0), n_qubits=st.integers(1, 6))
def test_depolarising_is_undone_exactly(gram, rate, n_qubits):
    noisy = rate**2 * gram + (1 - rate**2) / 2**n_qubits
    repair = GramRepair(mitigation="depolarizing", n_qubits=n_qubits)
    np.testing.assert_allclose(repair.fit_transform(noisy), gram, atol=1e-9)
    np.testing.assert_allclose(repair.transform(noisy[:2]), gram[:2], atol=1e-9)
    assert repair.report_["survival_rate"] == pytest.approx(rate)
    np.testing.assert_allclose(repair.report_["survival_rates"], rate)


def test_it_is_a_step_of_a_pipeline_that_cross_validation_cuts_rightly():
    gram = FidelityKernel(ENCODING)(X)
    rng = np.random.default_rng(0)
    noise = 0.05 * rng.normal(size=gram.shape)
    model = make_pipeline(GramRepair("clip"), SVC(kernel="precomputed"))
    scores = cross_val_score(model, gram + (noise + noise.T) / 2, Y, cv=3)
    assert scores.mean() > 0.6
    assert clone(model[0]).get_params() == model[0].get_params()


class ShakenBackend(QsimBackend):
    """Add to each fidelity a number that depends on the two rows alone."""

    def __init__(self, scale=0.05, keep=1.0, n_threads=None, max_memory="4GiB"):
        super().__init__(n_threads=n_threads, max_memory=max_memory)
        self.scale = scale
        self.keep = keep

    def _overlaps(self, circuit, symbols, X, Y):
        exact = super()._overlaps(circuit, symbols, X, Y)
        one, other = X.sum(1), (X if Y is None else Y).sum(1)
        shaken = self.keep * exact + (1 - self.keep) / 2 ** len(circuit.all_qubits())
        return shaken + self.scale * np.sin(1e4 * one[:, None] * other[None])


@pytest.mark.parametrize("psd", PSD)
def test_machines_are_fitted_on_the_repaired_matrix(psd):
    backend = ShakenBackend()
    rows, labels = np.unique(X, axis=0, return_index=True)
    model = machine(backend=backend, psd=psd).fit(rows, Y[labels])
    measured = FidelityKernel(ENCODING, backend)(rows)
    repair = GramRepair(psd)
    repaired = repair.fit_transform(measured)
    svc = SVC(kernel="precomputed", break_ties=True).fit(repaired, Y[labels])
    test = repair.transform(FidelityKernel(ENCODING, backend)(X[:20] + 0.1, rows))
    np.testing.assert_allclose(
        model.decision_function(X[:20] + 0.1), svc.decision_function(test), atol=1e-6
    )
    assert model.kernel_repair_["min_eigenvalue"] < -0.01
    assert model.kernel_repair_["change"] == pytest.approx(repair.report_["change"])
    np.testing.assert_allclose(model.kernel_matrix_, measured, atol=1e-12)
    regressor = machine(QuantumKernelSVR, backend=backend, psd=psd).fit(rows, rows[:, 0])
    assert regressor.kernel_repair_ == model.kernel_repair_
    assert np.isfinite(regressor.predict(X)).all()


def test_depolarised_machines_predict_as_exact_ones():
    depolarised = machine(backend=ShakenBackend(0.0, keep=0.5), mitigation="depolarizing")
    exact = machine().fit(X, Y)
    np.testing.assert_allclose(
        depolarised.fit(X, Y).decision_function(X), exact.decision_function(X), atol=1e-2
    )
    assert depolarised.kernel_repair_["survival_rate"] == pytest.approx(0.5**0.5)
    assert exact.kernel_repair_ is None


@pytest.mark.parametrize("psd", PSD)
def test_a_row_of_weight_zero_is_no_row(psd):
    weight = np.ones(len(X))
    weight[::4] = 0
    # To the end: rounding of the matrix leads the solver another way, within its tolerance.
    options = {"backend": ShakenBackend(), "psd": psd, "tol": 1e-12}
    one = machine(**options).fit(X, Y, sample_weight=weight)
    two = machine(**options).fit(X[weight > 0], Y[weight > 0])
    np.testing.assert_allclose(one.decision_function(X), two.decision_function(X), atol=1e-9)


def test_probabilities_come_from_the_repaired_matrix():
    model = machine(backend=ShakenBackend(), psd="clip", probability=True, random_state=0)
    model.fit(X, Y)
    probabilities = model.predict_proba(X)
    np.testing.assert_allclose(probabilities.sum(axis=1), 1)
    assert (model.classes_[probabilities.argmax(axis=1)] == Y).mean() > 0.8


@pytest.mark.parametrize(
    ("repair", "K", "message"),
    [
        (GramRepair("clipped"), np.eye(2), "'psd' .*'clipped'.*Did you mean 'clip'"),
        (GramRepair(mitigation="zne"), np.eye(2), "'mitigation' .* Got 'zne'"),
        (GramRepair(mitigation="depolarizing"), np.eye(2), "needs n_qubits"),
        (GramRepair(mitigation="depolarizing", n_qubits=1), np.eye(2) / 2, "no signal"),
        (GramRepair(3), np.eye(2), "'psd' .* Got 3 instead"),
        (GramRepair(mitigation=1.5), np.eye(2), "'mitigation' .* Got 1.5"),
        (GramRepair(n_qubits=-1), np.eye(2), "'n_qubits' .* Got -1"),
        (GramRepair(n_qubits=0), np.eye(2), "'n_qubits' .* Got 0"),
        (GramRepair(n_qubits=True), np.eye(2), "'n_qubits' .* must not be True"),
        (GramRepair(n_qubits=1.5), np.eye(2), "'n_qubits' .* Got 1.5"),
        (GramRepair(n_qubits="2"), np.eye(2), "'n_qubits' .* Got '2'"),
        (
            GramRepair(mitigation="depolarizing", n_qubits=1001),
            np.eye(2),
            "'n_qubits' .* Got 1001",
        ),
        (GramRepair("clip"), np.ones((2, 3)), r"square.*\(2, 3\)"),
        (GramRepair("clip"), [[1.0, 0.2], [0.4, 1.0]], "differs from its transpose by up to 0.2"),
        (GramRepair("clip"), [[1.0, np.nan], [np.nan, 1.0]], "NaN"),
        (GramRepair("nearest"), [[1.0, 0.5], [0.5, 0.0]], "must be positive; its least"),
    ],
)
def test_bad_matrices(repair, K, message):
    with pytest.raises(ValueError, match=message):
        repair.fit(K)


def test_bad_blocks_and_parameters():
    with pytest.raises(ValueError, match="X has 2 features, but GramRepair is expecting 3"):
        GramRepair("clip").fit(np.eye(3)).transform(np.ones((1, 2)))
    with pytest.raises(ValueError, match="'psd' parameter"):
        QuantumKernelSVC(psd="flip").fit(X, Y)
    for kernel in ("projected", ProjectedKernel()):
        with pytest.raises(ValueError, match="mitigation='depolarizing' is for fidelities"):
            QuantumKernelSVC(kernel=kernel, mitigation="depolarizing").fit(X, Y)


@pytest.mark.parametrize("psd", [None, "clip", "shift", "nearest"])
def test_single_precision_in_single_precision_out(psd):
    bent = np.array([[1.0, 0.9, 0.2], [0.9, 1.0, 0.9], [0.2, 0.9, 1.0]], dtype=np.float32)
    repair = GramRepair(psd, "depolarizing", n_qubits=2)
    repaired = repair.fit_transform(bent)
    assert repaired.dtype == repair.transform(bent).dtype == np.float32
    double = GramRepair(psd, "depolarizing", n_qubits=2).fit_transform(bent.astype(float))
    assert double.dtype == np.float64
    np.testing.assert_array_equal(repaired, double.astype(np.float32))
