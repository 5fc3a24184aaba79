"""Kernels for many rows: landmarks, features, kernel values as features, thin models."""

import pickle

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone
from sklearn.cluster import SpectralClustering
from sklearn.decomposition import KernelPCA
from sklearn.exceptions import ConvergenceWarning, NotFittedError
from sklearn.kernel_ridge import KernelRidge
from sklearn.linear_model import Ridge
from sklearn.metrics.pairwise import rbf_kernel
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.svm import SVC, OneClassSVM

from skquantum import (
    QuantumFeatureTransformer,
    QuantumKernelClassifier,
    QuantumKernelRegressor,
    QuantumKernelSVC,
    QuantumKernelSVR,
    QuantumKernelTransformer,
    QuantumNystroem,
)
from skquantum.circuits import AngleEncoding, ZZEncoding, resolve_encoding
from skquantum.estimators._kernel import kept
from skquantum.estimators._kernel.landmarks import inverse_root, rpcholesky_landmarks
from skquantum.estimators._kernel.nystroem import Reservoir
from skquantum.execution import QsimBackend, ReferenceBackend
from skquantum.kernels import FidelityKernel, Kernel, ProjectedKernel

LANDMARKS = ("uniform", "kmeans", "rpcholesky")
ANGLE = FidelityKernel(AngleEncoding(entanglement="linear", bandwidth=1.0))


def rows(n, n_features=3, seed=0):
    return np.random.default_rng(seed).normal(size=(n, n_features))


class Gaussian(Kernel):
    """A kernel that takes no time."""

    def _matrix(self, X, Y):
        return rbf_kernel(X, Y)


class TestLandmarks:
    @pytest.mark.parametrize("landmarks", LANDMARKS)
    @settings(max_examples=10, deadline=None)
    @given(seed=st.integers(0, 10**6), n=st.integers(5, 40))
    def test_components_are_distinct_training_rows(self, landmarks, seed, n):
        X = np.concatenate([rows(n, 2, seed), rows(n, 2, seed)[: n // 2]])  # some come twice
        fitted = QuantumNystroem(
            kernel=ANGLE, n_components=4, landmarks=landmarks, random_state=seed
        ).fit(X)
        assert_array_equal(fitted.components_, X[fitted.component_indices_])
        assert len(np.unique(fitted.components_, axis=0)) == len(fitted.components_) <= 4

    @pytest.mark.parametrize("landmarks", LANDMARKS)
    def test_all_rows_as_landmarks_give_the_kernel(self, landmarks):
        X = rows(30)
        features = QuantumNystroem(
            kernel=ANGLE, n_components=30, landmarks=landmarks, random_state=0
        ).fit_transform(X)
        assert_allclose(features @ features.T, ANGLE(X), atol=2e-4)

    def test_what_is_approximated_is_never_above_the_kernel(self):
        # The error of landmarks is a Schur complement: positive semi-definite.
        X = rows(50)
        features = QuantumNystroem(kernel=ANGLE, n_components=8, random_state=0).fit_transform(X)
        assert np.linalg.eigvalsh(ANGLE(X) - features @ features.T).min() > -1e-4

    def test_pivots_are_drawn_as_the_plain_algorithm_draws_them(self):
        # Accelerated by blocks of proposals with rejection: the same distribution as one pivot
        # at a time, here of the first two out of three rows.
        X, kernel = np.array([[0.0], [0.8], [2.5]]), Gaussian()
        matrix, counts, n = kernel(X), np.zeros((3, 3)), 1500
        for seed in range(n):
            rng = np.random.RandomState(seed)
            first, second = rpcholesky_landmarks(kernel, X, 2, 0.0, rng)[0]
            counts[first, second] += 1
        left = np.diag(matrix)[None] - matrix**2 / np.diag(matrix)[:, None]
        expected = left / left.sum(axis=1, keepdims=True) / 3
        assert_allclose(counts / n, expected, atol=4 * 0.5 / np.sqrt(n))

    def test_a_tolerance_is_kept(self):
        X = rows(300)
        fitted = QuantumNystroem(
            kernel=ANGLE, n_components=0.05, landmarks="rpcholesky", random_state=0
        ).fit(X)
        features = fitted.transform(X)
        assert (1 - (features**2).sum(axis=1)).mean() <= 0.05 + 1e-5
        assert len(fitted.components_) < 64  # all that three qubits have room for

    def test_a_tolerance_out_of_reach_is_said(self, monkeypatch):
        monkeypatch.setattr("skquantum.estimators._kernel.nystroem.MOST_COMPONENTS", 3)
        model = QuantumNystroem(kernel=ANGLE, n_components=0.01, landmarks="rpcholesky")
        with pytest.warns(ConvergenceWarning, match=r"3 landmarks leave"):
            model.fit(rows(50))

    def test_nothing_left_is_the_end(self):
        # Two rows, again and again: two landmarks hold all there is.
        X = np.repeat(rows(2), 40, axis=0) + 1e-9 * rows(80)
        model = QuantumNystroem(kernel=ANGLE, n_components=20, landmarks="rpcholesky")
        assert len(model.fit(X).components_) == 2

    @pytest.mark.parametrize("landmarks", LANDMARKS)
    def test_rows_that_coincide(self, landmarks):
        X = np.repeat(rows(5), 10, axis=0)
        model = QuantumNystroem(kernel=ANGLE, n_components=7, landmarks=landmarks)
        with pytest.warns(UserWarning, match="n_components=7 is more than the 5 distinct rows"):
            model.fit(X)
        features = model.transform(X)
        assert_allclose(features @ features.T, ANGLE(X), atol=1e-4)

    def test_a_matrix_that_noise_has_made_indefinite(self):
        noisy = FidelityKernel(ANGLE.encoding, QsimBackend(shots=50, seed=0))
        X = rows(40)
        fitted = QuantumNystroem(kernel=noisy, n_components=20, random_state=0).fit(X)
        assert np.linalg.eigvalsh(noisy(fitted.components_)).min() < 0
        # No direction is blown up that could as well be noise.
        features = fitted.transform(X)
        assert np.abs(features @ features.T - ANGLE(X)).mean() < 0.1
        assert fitted.approximation_error_ > 0.01

    def test_a_matrix_of_noise_alone(self):
        with pytest.raises(ValueError, match="noise has left nothing of the kernel"):
            inverse_root(np.array([[0.0, 0.5], [0.5, 0.0]]))

    def test_the_inverse_root_leaves_out_what_is_as_small_as_the_negative(self):
        vectors = np.linalg.qr(rows(4, 4))[0]
        matrix = vectors @ np.diag([2.0, 0.5, 0.01, -0.02]) @ vectors.T
        root = inverse_root(matrix)
        assert_allclose(np.sort(np.linalg.eigvalsh(root)), [0, 0, 2**-0.5, 2**0.5], atol=1e-7)


class TestNystroem:
    def test_the_error_is_that_of_rows_not_used(self):
        X = rows(600)
        fitted = QuantumNystroem(kernel=ANGLE, n_components=12, random_state=0).fit(X)
        others = rows(400, seed=1)
        features, exact = fitted.transform(others), ANGLE(others)
        error = np.linalg.norm(features @ features.T - exact) / np.linalg.norm(exact)
        assert abs(error - fitted.approximation_error_) < 5 * fitted.approximation_error_std_

    def test_no_rows_for_the_error(self):
        fitted = QuantumNystroem(kernel=ANGLE, n_components=5, n_error_rows=0).fit(rows(20))
        assert np.isnan(fitted.approximation_error_)

    @pytest.mark.parametrize("dtype", [np.float32, np.float64])
    def test_precision_and_names(self, dtype):
        X = rows(20).astype(dtype)
        model = QuantumNystroem(kernel=ANGLE, n_components=3, random_state=0).fit(X)
        assert model.transform(X).dtype == dtype
        assert_array_equal(
            model.get_feature_names_out(), [f"quantumnystroem{i}" for i in range(3)]
        )
        frame = model.set_output(transform="pandas").transform(X)
        assert list(frame.columns) == list(model.get_feature_names_out())

    def test_blocks_and_jobs_change_nothing(self, monkeypatch):
        X = rows(60)
        model = QuantumNystroem(kernel=ANGLE, n_components=10, random_state=0).fit(X)
        whole = model.transform(X)
        monkeypatch.setattr(kept, "BLOCK", 70)
        assert_allclose(model.transform(X), whole, atol=1e-6)
        model.n_jobs = 2
        assert_allclose(model.transform(X), whole, atol=1e-6)

    def test_a_stream_keeps_rows_of_all_its_blocks(self):
        X = rows(3000)
        model = QuantumNystroem(kernel=ANGLE, n_components=100, n_candidates=300, random_state=0)
        for block in np.split(X, 6):
            model.partial_fit(block)
        assert model.n_samples_seen_ == 3000
        assert_array_equal(model.components_, X[model.component_indices_])
        counts = np.histogram(model._reservoir[1], 6, (0, 3000))[0]
        assert counts.min() > 20

    def test_a_saved_stream_goes_on_alike(self):
        X = rows(200)
        model = QuantumNystroem(kernel=ANGLE, n_components=9, n_candidates=50, random_state=0)
        model.partial_fit(X[:100])
        again = pickle.loads(pickle.dumps(model)).partial_fit(X[100:])
        model.partial_fit(X[100:])
        assert_array_equal(again.component_indices_, model.component_indices_)

    @settings(max_examples=20, deadline=None)
    @given(sizes=st.lists(st.integers(1, 30), min_size=1, max_size=5), size=st.integers(1, 40))
    def test_a_reservoir_holds_distinct_places_of_the_stream(self, sizes, size):
        X = np.arange(float(sum(sizes)))[:, None]
        reservoir, rng = Reservoir(X[:0], np.empty(0, dtype=int), 0), np.random.RandomState(0)
        for block in np.split(X, np.cumsum(sizes)[:-1]):
            reservoir = reservoir.extended(block, size, rng)
        assert reservoir.n_seen == len(X)
        assert len(reservoir.rows) == min(size, len(X))
        assert_array_equal(reservoir.rows[:, 0], reservoir.indices)
        assert len(set(reservoir.indices)) == len(reservoir.indices)

    def test_a_reservoir_is_uniform(self):
        counts = np.zeros(20)
        for seed in range(3000):
            rng = np.random.RandomState(seed)
            reservoir = Reservoir(np.empty((0, 1)), np.empty(0, dtype=int), 0)
            for block in (np.zeros((3, 1)), np.zeros((7, 1)), np.zeros((10, 1))):
                reservoir = reservoir.extended(block, 5, rng)
            counts[reservoir.indices] += 1
        assert_allclose(counts / 3000, 0.25, atol=5 * np.sqrt(0.25 * 0.75 / 3000))

    @pytest.mark.parametrize(
        ("parameters", "message"),
        [
            ({"n_components": 0.1}, "n_components=0.1 is a tolerance"),
            ({"n_components": 50, "n_candidates": 20}, "Raise n_candidates"),
            ({"n_components": 0}, "n_components"),
            ({"landmarks": "random"}, "landmarks"),
        ],
    )
    def test_refused_parameters_change_nothing(self, parameters, message):
        X = rows(60)
        model = QuantumNystroem(kernel=ANGLE, n_components=5, random_state=0).fit(X)
        before = model.transform(X)
        with pytest.raises(ValueError, match=message):
            model.set_params(**parameters).fit(X)
        assert_array_equal(model.transform(X), before)

    def test_rows_of_another_width(self):
        model = QuantumNystroem(kernel=ANGLE, n_components=5, random_state=0).fit(rows(30))
        with pytest.raises(ValueError, match="features"):
            model.transform(rows(3, 4))
        with pytest.raises(ValueError, match="features"):
            model.partial_fit(rows(3, 4))
        assert model.n_samples_seen_ == 30


class TestTransformer:
    def pipe(self, model, **parameters):
        return make_pipeline(QuantumKernelTransformer("zz", "fidelity", **parameters), model)

    def test_values_are_those_of_the_kernel(self):
        X, new = rows(20), rows(7, seed=1)
        model = QuantumKernelTransformer(kernel=ANGLE)
        matrix = model.fit_transform(X)
        assert_array_equal(matrix, matrix.T)
        assert_allclose(matrix, ANGLE(X), atol=1e-6)
        assert_allclose(model.transform(new), ANGLE(new, X), atol=1e-6)
        assert_allclose(clone(model).set_params(n_jobs=2).fit_transform(X), matrix, atol=1e-6)

    def test_landmarks(self):
        X, landmarks = rows(20), rows(4, seed=1)
        model = QuantumKernelTransformer(kernel=ANGLE, landmarks=landmarks)
        assert_allclose(model.fit_transform(X), ANGLE(X, landmarks), atol=1e-6)
        with pytest.raises(ValueError, match="landmarks has 2 features, but X has 3"):
            model.set_params(landmarks=landmarks[:, :2]).fit(X)

    @pytest.mark.parametrize(
        "model",
        [SVC(kernel="precomputed"), KernelRidge(kernel="precomputed")],
        ids=lambda m: type(m).__name__,
    )
    def test_cross_validation_and_search_over_the_circuit(self, model):
        X = rows(40)
        y = (X[:, 0] > 0).astype(int)
        grid = {"quantumkerneltransformer__encoding__bandwidth": [0.1, 0.3]}
        search = GridSearchCV(self.pipe(model), grid, cv=3).fit(X, y)
        assert search.predict(X).shape == (40,)
        bandwidth = search.best_params_["quantumkerneltransformer__encoding__bandwidth"]
        kernel = FidelityKernel(ZZEncoding(bandwidth=bandwidth))
        direct = clone(model).fit(kernel(X), y).predict(kernel(X))
        assert_allclose(search.predict(X), direct, atol=1e-3)
        assert np.isfinite(cross_val_score(self.pipe(model), X, y, cv=3)).all()

    def test_models_without_targets(self):
        X = rows(30)
        assert self.pipe(KernelPCA(2, kernel="precomputed")).fit_transform(X).shape == (30, 2)
        outliers = self.pipe(OneClassSVM(kernel="precomputed")).fit(X)
        assert set(outliers.predict(X)) <= {-1, 1}
        groups = SpectralClustering(2, affinity="precomputed", random_state=0)
        assert set(self.pipe(groups).fit_predict(X)) == {0, 1}


class TestModels:
    def classifier(self, **parameters):
        return QuantumKernelClassifier(kernel=ANGLE, n_components=20, random_state=0, **parameters)

    def problem(self, n=400):
        X = rows(n)
        return X, np.array(["no", "yes"])[(X[:, 0] * X[:, 1] > 0).astype(int)]

    def test_classes_and_probabilities(self):
        X, y = self.problem()
        model = self.classifier().fit(X, y)
        assert model.score(X, y) > 0.85
        chances = model.predict_proba(X)
        assert_allclose(chances.sum(axis=1), 1)
        assert_array_equal(model.classes_[chances.argmax(axis=1)], model.predict(X))

    def test_several_classes(self):
        X = rows(400)
        y = (X[:, 0] > 0.5).astype(int) + (X[:, 0] > -0.5)
        model = self.classifier().fit(X, y)
        assert model.decision_function(X).shape == model.predict_proba(X).shape == (400, 3)
        assert model.score(X, y) > 0.85

    def test_rows_by_blocks_are_learned_as_well(self, monkeypatch):
        X, y = self.problem(1000)
        order = np.argsort(y)  # sorted by class: passes are in random order
        whole = self.classifier().fit(X[order], y[order]).score(X, y)
        monkeypatch.setattr("skquantum.estimators._kernel.linear.KEPT_BYTES", 10_000)
        monkeypatch.setattr("skquantum.estimators._kernel.linear.ENOUGH_STEPS", 30_000)
        assert self.classifier().fit(X[order], y[order]).score(X, y) > whole - 0.03

    def test_a_stream(self):
        X, y = self.problem(2000)
        model = self.classifier()
        for block in np.array_split(np.arange(2000), 8):
            model.partial_fit(X[block], y[block], classes=["no", "yes"])
        assert model.n_samples_seen_ == 2000
        assert model.score(X, y) > 0.85

    def test_a_refused_part_of_a_stream_changes_nothing(self):
        X, y = self.problem()
        model = self.classifier()
        with pytest.raises(ValueError, match="needs classes"):
            model.partial_fit(X, y)
        with pytest.raises(NotFittedError):
            model.predict(X)
        model.partial_fit(X, y, classes=["no", "yes"])
        before = model.decision_function(X)
        with pytest.raises(ValueError, match="maybe"):
            model.partial_fit(X[:1], ["maybe"])
        with pytest.raises(ValueError, match="not those of the first call"):
            model.partial_fit(X[:1], ["no"], classes=["maybe", "no"])
        with pytest.raises(ValueError, match="features"):
            model.partial_fit(X[:, :2], y)
        assert_array_equal(model.decision_function(X), before)

    def test_one_class(self):
        with pytest.raises(ValueError, match="at least two classes"):
            self.classifier().fit(rows(30), np.zeros(30))

    def test_ridge_on_the_features(self):
        X = rows(300)
        y = np.column_stack([np.sin(X[:, 0]), 100 + X[:, 1] * X[:, 2]])
        model = QuantumKernelRegressor(kernel=ANGLE, n_components=25, alpha=0.3, random_state=0)
        model.fit(X, y)
        features = model.nystroem_.transform(X)
        ridge = Ridge(alpha=0.3).fit(features, y)
        assert_allclose(model.predict(X), ridge.predict(features), atol=1e-6)
        assert_allclose(model.coef_, ridge.coef_, atol=1e-4)
        flat = clone(model).fit(X, y[:, 1])
        assert flat.predict(X).shape == (300,)
        assert_allclose(flat.predict(X), model.predict(X)[:, 1], atol=1e-6)

    def test_a_stream_of_targets_is_as_good_as_all_at_once(self):
        X = rows(300)
        y = np.sin(X[:, 0]) + 1e4
        model = QuantumKernelRegressor(kernel=ANGLE, n_components=10, random_state=0)
        for block in np.split(np.arange(300), 3):
            model.partial_fit(X[block], y[block])
        features = model.nystroem_.transform(X)
        ridge = Ridge(alpha=0.1).fit(features, y)
        assert_allclose(model.predict(X), ridge.predict(features), atol=1e-5)
        with pytest.raises(ValueError, match="y has 2 outputs; there were 1 before"):
            model.partial_fit(X, np.column_stack([y, y]))


class TestAllPaulis:
    @pytest.mark.parametrize("n_qubits", [1, 2, 3])
    @settings(max_examples=5, deadline=None)
    @given(seed=st.integers(0, 10**6), name=st.sampled_from(["zz", "reuploading", "iqp"]))
    def test_their_inner_products_are_fidelities(self, n_qubits, seed, name):
        encoding = resolve_encoding(name).set_params(n_qubits=n_qubits)
        X = rows(8, n_qubits, seed)
        model = QuantumFeatureTransformer(encoding, observables="pauli").fit(X)
        features = model.transform(X)
        assert features.shape == (8, 4**n_qubits)
        assert len(set(model.get_feature_names_out())) == 4**n_qubits
        fidelities = FidelityKernel(model.encoding_)(X)
        assert_allclose(features @ features.T / 2**n_qubits, fidelities, atol=1e-5)

    @pytest.mark.parametrize(("weight", "number"), [(1, 9), (2, 36), (3, 63), (7, 63)])
    def test_up_to_a_weight(self, weight, number):
        encoding = AngleEncoding(n_qubits=3)
        model = QuantumFeatureTransformer(encoding, observables=f"pauli{weight}").fit(rows(5))
        names = list(model.get_feature_names_out())
        assert len(names) == model.transform(rows(2)).shape[1] == number
        assert names[:4] == ["X0", "Y0", "Z0", "X1"]

    @pytest.mark.parametrize(
        ("observables", "n_qubits", "message"),
        [
            ("pauli0", 2, "'pauli0': after 'pauli' comes the number of qubits"),
            ("paulix", 2, "'paulix': after 'pauli' comes the number of qubits"),
            ("pauli", 9, "262,143 Pauli strings on 9 qubits"),
        ],
    )
    def test_refused(self, observables, n_qubits, message):
        model = QuantumFeatureTransformer(
            AngleEncoding(n_qubits=n_qubits), observables=observables
        )
        with pytest.raises(ValueError, match=message):
            model.fit(rows(5))


@pytest.mark.parametrize("kernel", ["fidelity", "projected"])
def test_wide_rows_are_settled_as_a_kernel_machine_settles_them(kernel):
    X = rows(40, 12)
    machine = QuantumKernelSVR(kernel=kernel).fit(X, X[:, 0])
    transformer = QuantumKernelTransformer(kernel=kernel).fit(X)
    nystroem = QuantumNystroem(kernel=kernel, n_components=5).fit(X)
    assert repr(transformer.kernel_) == repr(nystroem.kernel_) == repr(machine.kernel_)
    assert_allclose(transformer.transform(X), machine.kernel_matrix_, atol=1e-5)


@pytest.mark.parametrize(
    ("model", "instead"),
    [(QuantumKernelSVC, "QuantumKernelClassifier"), (QuantumKernelSVR, "QuantumKernelRegressor")],
)
def test_too_many_rows_for_a_machine_name_what_takes_them(model, instead):
    X = rows(60)
    with pytest.raises(ValueError, match=f"max_memory='20kB'.*{instead} keeps no matrix"):
        model(backend=QsimBackend(max_memory="20kB")).fit(X, X[:, 0] > 0)


class TestKept:
    def count(self, monkeypatch):
        calls = []
        against = Kernel.against
        monkeypatch.setattr(Kernel, "against", lambda k, Y: calls.append(1) or against(k, Y))
        return calls

    @pytest.mark.parametrize(
        "model", [QuantumKernelSVC(kernel=ANGLE), QuantumKernelSVR(kernel=ANGLE)]
    )
    def test_support_rows_are_prepared_once(self, model, monkeypatch):
        X = rows(40)
        model = clone(model).fit(X, (X[:, 0] > 0).astype(int))
        calls, state = self.count(monkeypatch), set(vars(model))
        first = model.predict(X[:1])
        for _ in range(3):
            assert_array_equal(model.predict(X[:1]), first)
        assert len(calls) == 1
        assert set(vars(model)) == state  # and nothing of it is saved
        assert_array_equal(pickle.loads(pickle.dumps(model)).predict(X[:1]), first)
        assert len(calls) == 2

    def test_what_changes_is_prepared_again(self):
        X = rows(40)
        model = QuantumKernelSVR(
            kernel=FidelityKernel(AngleEncoding(bandwidth=1.0), QsimBackend())
        )
        model.fit(X, X[:, 0])
        before = model.predict(X)
        model.kernel_.backend.noise = 0.05  # a backend is shared with whoever gave it
        noisy = model.predict(X)
        assert np.abs(noisy - before).max() > 1e-3
        model.kernel_.backend.noise = None
        assert_allclose(model.predict(X), before, atol=1e-6)
        model.fit(X, -X[:, 0])
        assert_allclose(model.predict(X), -before, atol=1e-2)

    @pytest.mark.parametrize(
        "kernel",
        [
            ANGLE,
            ProjectedKernel(ANGLE.encoding),
            FidelityKernel(ANGLE.encoding, ReferenceBackend()),
            FidelityKernel(ANGLE.encoding, QsimBackend(noise=0.01)),
            FidelityKernel(ANGLE.encoding, QsimBackend(shots=20, seed=1)),
            FidelityKernel(ANGLE.encoding, QsimBackend(max_memory=8000)),  # no room to keep states
        ],
        ids=repr,
    )
    def test_values_with_rows_that_stay(self, kernel):
        X, Y = rows(6), rows(4, seed=1)
        values = kernel.against(Y)
        for block in (X, X[:1], X[2:5]):
            assert_allclose(values(block), kernel(block, Y), atol=1e-6)
        assert_allclose(kernel.diag(X), np.diag(kernel(X)), atol=1e-6)
        with pytest.raises(ValueError, match="same number of features, got 2 and 3"):
            values(X[:, :2])
        with pytest.raises(ValueError, match="NaN"):
            values(np.full((1, 3), np.nan))

    def test_memory_is_kept_to(self):
        kernel = FidelityKernel(ANGLE.encoding, QsimBackend(max_memory=20_000))
        values = kernel.against(rows(20))
        with pytest.raises(ValueError, match="max_memory"):
            values(rows(500))
