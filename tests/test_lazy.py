"""dask's arrays and data frames: every method of rows stays lazy, and is what it is in memory."""

import inspect
import subprocess
import sys
import warnings

import dask
import dask.array as da
import dask.dataframe as dd
import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone, is_classifier
from sklearn.exceptions import NotFittedError

from skquantum import (
    QLSTMRegressor,
    QuantumFeatureTransformer,
    QuantumKernelClassifier,
    QuantumKernelRegressor,
    QuantumKernelSVC,
    QuantumNystroem,
    QuantumPoolingTransformer,
    VariationalClassifier,
    VariationalRegressor,
)
from skquantum.execution import SamplerBackend
from skquantum.kernels import FidelityKernel, GramRepair
from tests.test_common import ESTIMATORS

# Wider than rounding of qsim's single precision, which depends on the company of a row.
CLOSE = {"rtol": 0, "atol": 1e-5}
METHODS = ("transform", "predict", "predict_proba", "decision_function")
RNG = np.random.default_rng(0)
X = RNG.normal(size=(20, 4))
LAZY = da.from_array(X, chunks=(7, 4))


def name_of(estimator):
    return type(estimator).__name__


def numbers(array):
    """Return what can be compared to a tolerance: labels as numbers."""
    return array if array.dtype.kind == "f" else np.unique(array, return_inverse=True)[1]


def fitted(estimator, rows=X):
    estimator = clone(estimator)
    if "random_state" in estimator.get_params():
        estimator.set_params(random_state=0)
    if "max_iter" in estimator.get_params() and not name_of(estimator).startswith("QuantumKernel"):
        estimator.set_params(max_iter=2)
    if isinstance(estimator, GramRepair):
        rows = rows @ rows.T
    y = np.where(rows[:, 0] > 0, "yes", "no") if is_classifier(estimator) else rows[:, 0]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a training of few epochs has not converged
        return estimator.fit(rows, y), rows


def never(block):
    raise AssertionError("a block was computed")


def unknown(lazy):
    """Return the same array with blocks of unknown length, one of them empty."""
    parts = [*lazy.blocks, lazy[:0]]
    unsized = [
        da.from_delayed(
            part.to_delayed().ravel()[0], shape=(np.nan, lazy.shape[1]), dtype=lazy.dtype
        )
        for part in parts
    ]
    return da.concatenate(unsized, allow_unknown_chunksizes=True)


@pytest.mark.filterwarnings("ignore:X does not have valid feature names")
@pytest.mark.parametrize("estimator", ESTIMATORS, ids=name_of)
def test_every_method_of_rows_is_lazy_and_right(estimator):
    model, rows = fitted(estimator)
    lazy = da.from_array(rows, chunks=(7, rows.shape[1]))
    methods = [name for name in METHODS if hasattr(model, name)]
    assert methods
    for name in methods:
        method = getattr(model, name)
        expected = method(rows)
        for blocks in (lazy, unknown(lazy)):
            unrun = method(blocks.map_blocks(never, meta=np.empty((0, 0))))
            assert isinstance(unrun, da.Array)
            result = method(blocks)
            assert result.dtype == result._meta.dtype == expected.dtype
            assert result.ndim == expected.ndim
            assert result.shape[1:] == expected.shape[1:]
            np.testing.assert_equal(result.chunks[0], blocks.chunks[0])
            values = result.compute(scheduler="sync")
            assert values.dtype == expected.dtype
            assert_allclose(numbers(values), numbers(expected), **CLOSE)
        with pytest.raises(ValueError, match=r"X has 3 features, but \w+ is expecting"):
            method(lazy[:, :3].map_blocks(never, meta=np.empty((0, 0))))


@pytest.mark.parametrize(
    "estimator", [e for e in ESTIMATORS if not isinstance(e, QuantumNystroem)], ids=name_of
)
def test_what_needs_all_rows_refuses_lazy_ones(estimator):
    y = da.from_array(X[:, 0], chunks=7)
    names = [name for name in ("fit", "partial_fit", "fit_transform") if hasattr(estimator, name)]
    for name in names:
        model = clone(estimator)
        has_y = "y" in inspect.signature(getattr(model, name)).parameters
        given = (LAZY, y) if has_y else (LAZY,)
        before = dict(vars(model))
        with pytest.raises(TypeError, match="needs all rows in memory.*X.compute()"):
            getattr(model, name)(*given)
        assert vars(model) == before


@pytest.mark.parametrize("method", ["__call__", "against", "diag"])
def test_kernels_refuse_lazy_rows(method):
    with pytest.raises(TypeError, match=rf"FidelityKernel\.{method} needs all rows in memory"):
        getattr(FidelityKernel("angle"), method)(LAZY)


@pytest.mark.parametrize("kind", [np.float32, np.float64, np.int64])
def test_single_precision_stays(kind):
    rows = (3 * X).astype(kind)
    model = QuantumFeatureTransformer("angle").fit(rows)
    lazy = model.transform(da.from_array(rows, chunks=(7, 4)))
    expected = model.transform(rows)
    assert lazy.dtype == lazy.compute().dtype == expected.dtype
    assert_allclose(lazy.compute(), expected, **CLOSE)


class TestSeveralOutputs:
    Y = np.column_stack([X[:, 0], X[:, 1]])

    @pytest.mark.parametrize(
        "model",
        [
            QuantumKernelRegressor(random_state=0),
            VariationalRegressor(max_iter=2, random_state=0),
            QLSTMRegressor(cell="lstm", max_iter=2, random_state=0),
            QLSTMRegressor(cell="lstm", output="sequence", n_channels=2, max_iter=2),
        ],
        ids=repr,
    )
    @pytest.mark.filterwarnings("ignore")
    def test_of_a_regressor(self, model):
        model.fit(X, self.Y)
        lazy = model.predict(LAZY)
        assert lazy.shape == (20, 2)
        assert_allclose(lazy.compute(), model.predict(X), **CLOSE)

    @pytest.mark.parametrize(
        "model",
        [
            QuantumKernelSVC(probability=True, random_state=0),
            QuantumKernelClassifier(random_state=0),
            VariationalClassifier(max_iter=2, random_state=0),
        ],
        ids=name_of,
    )
    @pytest.mark.filterwarnings("ignore")
    def test_of_a_classifier(self, model):
        y = np.digitize(X[:, 0], [-0.4, 0.4])
        model.fit(X, y)
        for name in ("predict_proba", "decision_function"):
            lazy = getattr(model, name)(LAZY)
            assert lazy.shape == (20, 3)
            assert_allclose(lazy.compute(), getattr(model, name)(X), **CLOSE)


@pytest.mark.parametrize(
    "model",
    [
        QuantumPoolingTransformer(input_shape=(4, 2), objective="random", random_state=0),
        QLSTMRegressor(cell="lstm", n_channels=2, max_iter=2, random_state=0),
    ],
    ids=name_of,
)
@pytest.mark.filterwarnings("ignore")
def test_rows_of_several_axes(model):
    rows = RNG.normal(size=(20, 4, 2))
    model.fit(rows, rows[:, 0, 0])
    method = model.predict if hasattr(model, "predict") else model.transform
    lazy = da.from_array(rows, chunks=(6, 4, 2))
    assert_allclose(method(lazy).compute(), method(rows), **CLOSE)
    with pytest.raises(ValueError, match=r"X has rows of shape \(3, 2\), but"):
        method(lazy[:, :3])
    with pytest.raises(ValueError, match=r"X\.rechunk\(\{1: -1, 2: -1\}\)"):
        method(lazy.rechunk((6, 2, 2)))


class TestNystroem:
    def model(self, **parameters):
        return QuantumNystroem(n_components=6, n_candidates=30, random_state=0, **parameters)

    def lazy(self, rows, size=17):
        return da.from_array(rows, chunks=(size, rows.shape[1]))

    @pytest.mark.parametrize("n_rows", [12, 30, 100])
    def test_landmarks_are_those_of_rows_in_memory(self, n_rows):
        rows = RNG.normal(size=(n_rows, 4))
        expected = self.model().fit(rows)
        for X in (self.lazy(rows), unknown(self.lazy(rows)), self.lazy(rows, n_rows)):
            model = self.model().fit(X)
            assert_array_equal(model.components_, expected.components_)
            assert_array_equal(model.component_indices_, expected.component_indices_)
            assert model.approximation_error_ == expected.approximation_error_
            assert model.n_samples_seen_ == n_rows
            assert model.n_features_in_ == 4

    def test_a_stream_of_lazy_parts(self):
        first, second = RNG.normal(size=(100, 4)), RNG.normal(size=(50, 4))
        expected = self.model().partial_fit(first).partial_fit(second)
        model = self.model().partial_fit(self.lazy(first)).partial_fit(self.lazy(second))
        assert_array_equal(model.components_, expected.components_)
        with pytest.raises(ValueError, match="X has 3 features"):
            model.partial_fit(unknown(self.lazy(second)[:, :3].map_blocks(never, meta=X[:0])))
        assert model.n_samples_seen_ == 150

    def test_only_blocks_with_drawn_rows_are_computed(self):
        rows = RNG.normal(size=(1000, 4))
        seen = []

        def see(block):
            seen.append(len(block))
            return block

        lazy = self.lazy(rows, 5).map_blocks(see, meta=rows[:0])
        with dask.config.set(scheduler="sync"):
            self.model().fit(lazy)
        assert 0 < len(seen) <= 30 < lazy.numblocks[0]

    def test_a_whole_stream_of_random_numbers_is_drawn_alike(self, monkeypatch):
        rows = RNG.normal(size=(500, 4))
        expected = self.model().fit(rows).components_
        monkeypatch.setattr("skquantum.estimators._kernel.nystroem.DRAWN", 64)
        assert_array_equal(self.model().fit(rows).components_, expected)

    def test_refused(self):
        model = self.model().fit(X)
        before = dict(vars(model))
        with pytest.raises(ValueError, match="NaN"):
            model.fit(self.lazy(np.full((40, 4), np.nan)))
        with pytest.raises(ValueError, match=r"X\.rechunk\(\{1: -1\}\)"):
            model.fit(LAZY.rechunk((7, 2)))
        with pytest.raises(ValueError, match="0 sample"):
            model.fit(LAZY[:0])
        wrong = clone(model).set_params(encoding="zzz")
        with pytest.raises(ValueError, match="Unknown encoding"):
            wrong.fit(unknown(LAZY.map_blocks(never, meta=X[:0])))
        assert vars(model) == before


class TestFrames:
    FRAME = pd.DataFrame(X, columns=["a", "b", "c", "d"])
    LAZY = dd.from_pandas(FRAME, npartitions=3)

    def test_names_are_checked_once_and_blocks_are_partitions(self):
        model = QuantumNystroem(n_components=5, random_state=0).fit(self.LAZY)
        assert list(model.feature_names_in_) == ["a", "b", "c", "d"]
        lazy = model.transform(self.LAZY)
        assert lazy.numblocks == (3, 1)
        assert_allclose(lazy.compute(), model.transform(self.FRAME), **CLOSE)
        with pytest.raises(ValueError, match="feature names should match"):
            model.transform(self.LAZY.rename(columns={"a": "z"}))
        with pytest.raises(ValueError, match="feature names should match"):
            model.transform(self.LAZY[["b", "a", "c", "d"]])
        with pytest.warns(UserWarning, match="X does not have valid feature names"):
            model.transform(LAZY)

    def test_a_part_that_a_filter_empties(self):
        model = QuantumKernelSVC().fit(self.FRAME, X[:, 0] > 0)
        some = self.LAZY[self.LAZY["a"] > 0.5]
        expected = model.predict(self.FRAME[self.FRAME["a"] > 0.5])
        assert_array_equal(model.predict(some).compute(), expected)

    def test_from_parquet(self, tmp_path):
        self.FRAME.to_parquet(tmp_path / "one.parquet")
        self.FRAME.to_parquet(tmp_path / "two.parquet")
        table = dd.read_parquet(tmp_path)
        model = QuantumKernelSVC().fit(self.FRAME, X[:, 0] > 0)
        out = model.predict(table).compute()
        assert_array_equal(out, np.tile(model.predict(self.FRAME), 2))


class TestRefusals:
    MODEL = QuantumNystroem(n_components=5, random_state=0).fit(X)

    def test_features_in_several_blocks(self):
        with pytest.raises(ValueError, match=r"features in 2 blocks.*X\.rechunk\(\{1: -1\}\)"):
            self.MODEL.transform(LAZY.rechunk((7, 2)))

    @pytest.mark.parametrize(
        "given", [LAZY[:, 0], LAZY[:, :, None], dask.delayed(X), TestFrames.LAZY["a"]], ids=name_of
    )
    def test_what_is_no_table(self, given):
        with pytest.raises(ValueError, match="Expected 2D array, got the dask"):
            self.MODEL.transform(given)

    def test_not_fitted(self):
        with pytest.raises(NotFittedError):
            QuantumNystroem().transform(LAZY)

    def test_a_container_that_would_pull_all_rows(self):
        model = clone(self.MODEL).set_output(transform="pandas").fit(X)
        with pytest.raises(ValueError, match=r"set_output\(transform='default'\)"):
            model.transform(LAZY)

    def test_a_budget_that_workers_cannot_share(self):
        model = QuantumFeatureTransformer("angle", backend=SamplerBackend(max_circuits=10)).fit(X)
        with pytest.raises(ValueError, match="budget of circuits, which workers can't share"):
            model.transform(LAZY)

    def test_a_block_that_is_no_number(self):
        spoilt = da.concatenate([LAZY[:7], da.full((3, 4), np.nan, chunks=(3, 4))])
        lazy = self.MODEL.transform(spoilt)  # nothing is known of it yet
        with pytest.raises(ValueError, match="Input X contains NaN"):
            lazy.compute()


def test_a_later_fit_has_no_influence():
    model = QuantumKernelSVC().fit(X, X[:, 0] > 0)
    lazy, expected = model.predict(LAZY), model.predict(X)
    model.fit(X, X[:, 1] > 0)
    assert_array_equal(lazy.compute(), expected)


def test_a_method_that_calls_the_one_it_overrides():
    class Doubled(QuantumNystroem):
        def transform(self, X):
            return 2 * super().transform(X)

    model = Doubled(n_components=5, random_state=0).fit(X)
    assert_allclose(model.transform(LAZY).compute(), model.transform(X), **CLOSE)


def test_scores():
    y = np.where(X[:, 0] > 0, "yes", "no")
    model = QuantumKernelSVC().fit(X, y)
    assert model.score(LAZY, da.from_array(y, chunks=7)) == model.score(X, y)


def test_dask_is_imported_for_its_own_collections_only():
    code = (
        "import sys, numpy as np, skquantum\n"
        "X = np.zeros((3, 2))\n"
        "skquantum.QuantumFeatureTransformer('angle').fit(X).transform(X)\n"
        "assert not {'dask', 'distributed'} & set(sys.modules)\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
