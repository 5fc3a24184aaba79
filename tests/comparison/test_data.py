import builtins

import numpy as np
import pandas as pd
import pytest
from scipy import sparse
from sklearn.model_selection import GroupKFold, TimeSeriesSplit

from skquantum.comparison._data import (
    BUILT_IN,
    check_features,
    check_target,
    load_data,
    make_splits,
    subsample,
)


@pytest.fixture
def frame():
    rng = np.random.default_rng(0)
    return pd.DataFrame(
        {"a": rng.normal(size=30), "b": rng.integers(9, size=30), "kind": ["x", "y", "z"] * 10}
    )


@pytest.mark.parametrize("name", BUILT_IN)
def test_built_in_data_pass_the_checks(name):
    data = load_data(name)
    X, y = check_features(data.X), check_target(data.y, data.task)
    assert len(X) == len(y)
    assert make_splits(5, X, y, data.task, 0)


@pytest.mark.parametrize("suffix", ["csv", "parquet"])
def test_files(frame, tmp_path, suffix):
    path = tmp_path / f"data.{suffix}"
    getattr(frame, f"to_{suffix}")(path, index=False)
    data = load_data(str(path), "kind")
    assert (data.name, data.task) == (path.name, "auto")
    assert list(data.X) == ["a", "b"]
    assert np.array_equal(check_target(data.y, "classification"), frame["kind"].to_numpy(str))
    np.testing.assert_allclose(check_features(data.X), frame[["a", "b"]])


@pytest.mark.parametrize("start", [0, 1])
def test_an_index_that_pandas_wrote_is_left_out(frame, tmp_path, start):
    frame.index += start
    frame.to_csv(tmp_path / "data.csv")
    data = load_data(str(tmp_path / "data.csv"), "kind")
    assert list(data.X) == ["a", "b"]
    assert "counts the rows" in data.notes[0]


def test_a_first_column_that_does_not_count_is_kept(frame, tmp_path):
    frame.index *= 2
    frame.to_csv(tmp_path / "data.csv")
    data = load_data(str(tmp_path / "data.csv"), "kind")
    assert (list(data.X), data.notes) == (["column 1", "a", "b"], ())


@pytest.mark.parametrize("decimal", [".", ","])
def test_semicolons(frame, tmp_path, decimal):
    frame.to_csv(tmp_path / "data.csv", index=False, sep=";", decimal=decimal)
    data = load_data(str(tmp_path / "data.csv"), "kind")
    np.testing.assert_allclose(check_features(data.X), frame[["a", "b"]])
    assert "semicolons" in data.notes[0]


def test_a_column_called_target_needs_no_naming(frame, tmp_path):
    frame.rename(columns={"kind": "target"}).to_csv(tmp_path / "data.csv", index=False)
    assert list(load_data(str(tmp_path / "data.csv")).X) == ["a", "b"]


@pytest.mark.parametrize(
    ("source", "target", "message"),
    [
        ("iris2", None, "Unknown built-in data set 'iris2'. Did you mean 'iris'?"),
        ("iris", "a", "its target cannot be chosen"),
        ("nowhere.csv", None, "There is no file 'nowhere.csv'"),
        ("{file}", None, "Name it with --target, one of: a, b, kind"),
        ("{file}", "kinds", "Unknown column 'kinds'. Did you mean 'kind'?"),
        ("{gaps}", "kind", "The target 'kind' is missing in all rows"),
        ("{empty}", "kind", "could not be read: it is empty"),
        ("{header}", "kind", "has no rows"),
    ],
)
def test_files_that_cannot_be_used(frame, tmp_path, source, target, message):
    files = {name: tmp_path / f"{name}.csv" for name in ("file", "gaps", "empty", "header")}
    frame.to_csv(files["file"], index=False)
    frame.assign(kind=None).to_csv(files["gaps"], index=False)
    frame[:0].to_csv(files["header"], index=False)
    files["empty"].touch()
    with pytest.raises(ValueError, match=message.replace("?", r"\?")):
        load_data(source.format(**files), target)


def test_a_file_without_pandas(frame, tmp_path, monkeypatch):
    frame.to_csv(tmp_path / "data.csv", index=False)
    real = builtins.__import__

    def without_pandas(name, *args, **kwargs):
        if name == "pandas":
            raise ImportError
        return real(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", without_pandas)
    with pytest.raises(ImportError, match=r"in a clone .* pip install '\.\[data\]'"):
        load_data(str(tmp_path / "data.csv"), "kind")


def test_text_columns_are_named(frame):
    with pytest.raises(ValueError, match="not numeric: kind. Encode or drop them"):
        check_features(frame)
    with pytest.raises(ValueError, match="not numeric: when"):
        check_features(frame[["a"]].assign(when=pd.Timestamp("2020-01-01")))


def test_gaps_are_named(frame):
    frame.loc[:1, "a"] = np.nan
    frame["b"] = frame["b"].astype("Int64")
    frame.loc[3, "b"] = pd.NA
    with pytest.raises(ValueError, match=r"infinite values \(rows\): a \(2\), b \(1\)"):
        check_features(frame[["a", "b"]])


def test_nullable_and_boolean_columns_are_numbers(frame):
    wide = frame[["a"]].assign(n=frame["b"].astype("Int64"), flag=frame["a"] > 0)
    assert check_features(wide).dtype == np.float64


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_arrays_with_gaps(bad):
    with pytest.raises(ValueError, match="Input X contains"):
        check_features([[1.0, bad], [2.0, 3.0]])


def test_sparse_features():
    with pytest.raises(TypeError, match="[Ss]parse"):
        check_features(sparse.eye_array(4).tocsr())


@pytest.mark.parametrize(
    ("y", "task", "message"),
    [
        (np.arange(100), "classification", "100 distinct values in 100 rows.*task='regression'"),
        ([f"id{i}" for i in range(100)], "classification", "tells rows apart"),
        (["a"] * 10, "classification", "one class, a"),
        ([1.0, np.nan, 2.0], "classification", "NaN"),
        ([1.0, np.nan, 2.0], "regression", "NaN"),
        (["a", "b"], "regression", "must be numeric, but it holds text such as 'a'"),
        ([2.0, 2.0], "regression", "is 2 in all rows"),
        ([[1, 2], [3, 4]], "regression", "1d array"),
    ],
)
def test_targets_that_cannot_be_predicted(y, task, message):
    with pytest.raises(ValueError, match=message):
        check_target(y, task)


def test_folds_are_stratified_shuffled_and_seeded():
    y = np.repeat([0, 1], [40, 10])
    X = np.zeros((50, 1))
    splits = make_splits(5, X, y, "classification", 0)
    assert all(np.bincount(y[test]).tolist() == [8, 2] for _, test in splits)
    again, other = (make_splits(5, X, y, "classification", seed) for seed in (0, 1))
    assert np.array_equal(splits[0][1], again[0][1])
    assert not np.array_equal(splits[0][1], other[0][1])


@pytest.mark.parametrize("cv", [2, 3, 5, 10])
def test_the_fewest_rows_asked_for_do_suffice(cv):
    X, rare = np.zeros((200, 1)), 1
    while True:
        y = np.repeat(["many", "few"], [200 - rare, rare])
        try:
            splits = make_splits(cv, X, y, "classification", 0)
            break
        except ValueError as error:
            assert f"Class 'few' has {rare} rows" in str(error)  # noqa: PT017
            rare += 1
    assert all(np.sum(y[train] == "few") >= 3 for train, _ in splits)
    assert rare == max(cv, {2: 6, 3: 5}.get(cv, 5))


def test_splitters_and_lists_of_splits():
    X, y = np.zeros((24, 1)), np.tile([0, 1], 12)
    assert len(make_splits(TimeSeriesSplit(3), X, y, "classification", 0)) == 3
    groups = np.repeat(np.arange(4), 6)
    listed = list(GroupKFold(4).split(X, y, groups))
    assert len(make_splits(listed, X, y, "classification", 0)) == 4


@pytest.mark.parametrize(
    ("cv", "y", "task", "error", "message"),
    [
        (1, [0, 1] * 9, "classification", ValueError, "cv=1: give at least 2"),
        ([], [0, 1] * 9, "classification", ValueError, "no folds"),
        ("five", [0, 1] * 9, "classification", TypeError, "cv='five'"),
        (5.0, [0, 1] * 9, "classification", TypeError, r"cv=5\.0"),
        (5, [0] * 15 + [1] * 3, "classification", ValueError, "Class '1' has 3 rows: cv=5"),
        (TimeSeriesSplit(2), [0] * 9 + [1] * 9, "classification", ValueError, "Fold 1 has fewer"),
        (12, list(range(10)), "regression", ValueError, "10 rows are too few"),
        (TimeSeriesSplit(9), list(range(10)), "regression", ValueError, "Fold 1 has only 1"),
    ],
)
def test_folds_that_cannot_be_made(cv, y, task, error, message):
    with pytest.raises(error, match=message):
        make_splits(cv, np.zeros((len(y), 1)), np.array(y), task, 0)


def test_subsamples_keep_the_proportions():
    y = np.repeat(["a", "b"], [60, 30])
    X, y = subsample(np.arange(90).reshape(-1, 1), y, 30, "classification", 0)
    assert np.unique(y, return_counts=True)[1].tolist() == [20, 10]
    assert len(X) == 30


@pytest.mark.parametrize("n", [0, 1, 91])
def test_subsamples_that_cannot_be_drawn(n):
    with pytest.raises(ValueError, match="the data have 90 rows"):
        subsample(np.zeros((90, 1)), np.arange(90) % 2, n, "classification", 0)


def test_a_subsample_without_room_for_every_class():
    with pytest.raises(ValueError, match="A subsample of 2 rows cannot keep every class"):
        subsample(np.zeros((90, 1)), np.arange(90) % 3, 2, "classification", 0)
