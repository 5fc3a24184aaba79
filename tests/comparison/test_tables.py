"""Files as people have them: read as they are meant, or refused, never wrong in silence."""

import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from skquantum import compare
from skquantum.cli import main
from skquantum.comparison._candidates import guess_task, why_task
from skquantum.comparison._data import load_data
from skquantum.comparison._prepare import gives_away, named_target, prepare
from skquantum.comparison._series import load_series, times_of
from skquantum.comparison._table import TableEncoder, plan, tidy
from skquantum.comparison._values import Hints, parse_column, parse_number
from tests.comparison.tables import TABLES, write


@pytest.fixture
def load(tmp_path):
    def load(content, target="target", suffix="csv", **options):
        path = tmp_path / f"table.{suffix}"
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return load_data(str(path), target, **options)

    return load


def prepared(data, task="classification", **options):
    options = {"features": None, "drop": None, "encode": True, "seed": 0} | options
    return prepare(data.table_of(data.X), data.y, task=task, **options)


# --- the twelve files and some more -------------------------------------------------------------


@pytest.mark.parametrize("name", TABLES)
def test_files_that_people_have(name, tmp_path, monkeypatch, capsys):
    # A cheap model stands for the quantum ones, so that what is tried is the table.
    path, target = write(name, tmp_path)
    data = load_data(str(path), target)
    task = guess_task(data.y)[0]
    cheap = {"classification": "logistic regression", "regression": "ridge regression"}[task]
    from skquantum.comparison import _commands

    def quick(models, X, y, **options):
        from sklearn.neighbors import KNeighborsClassifier, KNeighborsRegressor

        mine = {"classification": KNeighborsClassifier, "regression": KNeighborsRegressor}[task]
        return compare({"mine": mine()}, X, y, baselines=[cheap], **options)

    monkeypatch.setattr(_commands, "compare", quick)
    n = min(120, len(data.y))
    arguments = ["--target", target, "--cv", "2", "--budget", "1", "--subsample", str(n)]
    assert main(["compare", str(path), *arguments]) == 0
    out, err = capsys.readouterr()
    assert "Verdict" in out
    assert "mine" in out
    assert task in out.splitlines()[0]


EXPECTED = {
    "penguins": ("classification", {"sex": "2 categories, a column for each; 11 gaps"}),
    "penguins_raw": (
        "classification",
        {
            "Region": "left out: the same in all rows",
            "Clutch Completion": "yes is 1, no 0",
            "Individual ID": "left out: it tells rows apart",
            "Date Egg": "date, as year",
        },
    ),
    "titanic": (
        "classification",
        {
            "PassengerId": "left out",
            "Name": "text, as 4 numbers",
            "Sex": "2 categories: male is 1, female 0",
            "Age": "number; ",
        },
    ),
    "seattle_temps": ("regression", {"date": "date, as year"}),
    "flights": ("regression", {"origin": "16 categories, each as the mean of its target"}),
    "biopsy": ("classification", {"ID": "left out: it tells rows apart, by its name"}),
    "credit": (
        "classification",
        {"column 6": "yes is 1, no 0", "column 7": "codes with leading zeros"},
    ),
    "randhie": ("regression", {"lncoins": "number"}),
    "fair": ("regression", {"age": "number"}),
    "longley": ("regression", {"YEAR": "number"}),
    "star98": ("regression", {"LOWINC": "number"}),
    "heart": ("regression", {"age": "number"}),
    "european": (
        "regression",
        {
            "Nr.": "left out: it counts the rows",
            "Fläche (m²)": "number (with decimal commas)",
            "Anteil": "percentages",
            "Balkon": "yes is 1, no 0",
            "Verkauft am": "date, as year",
        },
    ),
}


@pytest.mark.parametrize("name", EXPECTED)
def test_what_is_done_to_the_columns_of_these_files(name, tmp_path):
    path, target = write(name, tmp_path)
    data = load_data(str(path), target)
    task, said = EXPECTED[name]
    assert guess_task(data.y)[0] == task
    found = dict(prepared(data, task).table)
    for column, what in said.items():
        assert what in found[column]


# --- separators, encodings, quotes --------------------------------------------------------------

FIELDS = st.lists(
    st.tuples(
        st.floats(-1e6, 1e6).map(lambda x: round(x, 2)),
        st.text(st.characters(blacklist_categories=["C", "Z"]), min_size=2, max_size=8).map(
            lambda t: f"w{t}"
        ),
        st.integers(0, 1),
    ),
    min_size=4,
    max_size=12,
)


@given(rows=FIELDS, separator=st.sampled_from(",;\t|"), commas=st.booleans())
def test_what_pandas_writes_is_read(tmp_path_factory, rows, separator, commas):
    path = tmp_path_factory.mktemp("t") / "table.csv"
    frame = pd.DataFrame(rows, columns=["a", "b", "target"])
    decimal = "," if commas else "."
    frame.to_csv(path, sep=separator, decimal=decimal, index=False)
    data = load_data(str(path), decimal=decimal)
    np.testing.assert_array_equal(data.X["a"], frame["a"])
    assert [str(v) for v in data.X["b"]] == list(frame["b"])
    np.testing.assert_array_equal(data.y, frame["target"])


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be"])
@pytest.mark.parametrize("suffix", ["csv", "tsv", "txt"])
def test_encodings(load, encoding, suffix):
    text = "größe\ttarget\n1,5\tä\n2,25\tß\n"
    data = load(text.encode(encoding), suffix=suffix)
    assert list(data.X) == ["größe"]
    assert data.X["größe"].tolist() == [1.5, 2.25]
    assert data.y.tolist() == ["ä", "ß"]


@pytest.mark.parametrize("encoding", ["latin-1", "cp1252"])
def test_what_is_not_unicode_is_read_and_said(load, encoding):
    data = load("größe;target\n1,5;ä\n2;ß\n".encode(encoding))
    assert data.y.tolist() == ["ä", "ß"]
    assert "not UTF-8" in data.notes[0]


@pytest.mark.parametrize("suffix", ["parquet", "feather", "xlsx"])
def test_typed_files(tmp_path, suffix):
    frame = pd.DataFrame(
        {
            "n": [1, 2, 3],
            "x": [0.5, None, 2.5],
            "flag": [True, False, True],
            "when": pd.to_datetime(["2020-01-01", "2020-01-02", "2020-01-03"]),
            "text": ["a", None, "1,5"],
            "target": ["u", "v", "u"],
        }
    )
    path = tmp_path / f"table.{suffix}"
    writer = frame.to_excel if suffix == "xlsx" else getattr(frame, f"to_{suffix}")
    writer(path, **({"index": False} if suffix == "xlsx" else {}))
    data = load_data(str(path))
    kinds = [data.X[name].dtype.kind for name in ("n", "x", "flag", "when", "text")]
    assert kinds == ["f", "f", "b", "M", "O"]
    np.testing.assert_array_equal(data.X["x"], frame["x"])
    assert data.y.tolist() == ["u", "v", "u"]


def test_several_sheets_and_names_that_stand_twice(tmp_path):
    path = tmp_path / "book.xlsx"
    with pd.ExcelWriter(path) as book:
        cells = pd.DataFrame([["x", "target", "target"], [1, 0, 0], [2, 1, 1]])
        cells.to_excel(book, sheet_name="one", header=False, index=False)
        cells.to_excel(book, sheet_name="two", header=False, index=False)
    with pytest.raises(ValueError, match="two columns called 'target'"):
        load_data(str(path))
    data = load_data(str(path), "x")
    assert "Of 2 sheets the first, 'one', is read." in data.notes
    assert list(data.X) == ["target", "target.1"]


@pytest.mark.parametrize(
    ("text", "rows", "said"),
    [
        (" a , target \n 1 , x \n 2 , y \n", [1, 2], None),
        ('a,target\n1,"x\nx"\n2,y\n', [1, 2], None),
        ('"a\nb",target\n1,x\n2,y\n', [1, 2], None),
        ("a,target\r\n1,x\r\n2,y\r\n\r\n,,\r\n", [1, 2], None),
        ("a,target,\n1,x,\n2,y,\n", [1, 2], None),
        ("# by\n# me\na,target\n1,x\n# and\n2,y\n", [1, 2], "between the rows"),
        ("#a,target\n1,0\n2,1\n", [1, 2], "taken for the header"),
        ("Title\n\na,target\n1,x\n2,y\n", [1, 2], "Left out above the header: 1 line"),
        ("sep=;\na;target\n1;x\n2,5;y\n", [1, 2.5], "semicolons"),
        ("a,target\n1,x\na,target\n2,y\n", [1, 2], "The header is repeated"),
        ("a|target\n1|x, y\n2|z\n", [1, 2], "vertical bars"),
    ],
)
def test_shapes_of_files(load, text, rows, said):
    data = load(text)
    assert data.X.shape == (2, 1)
    assert data.X.iloc[:, 0].tolist() == rows
    assert len(data.y) == 2
    assert said is None or any(said in note for note in data.notes)


@pytest.mark.parametrize(
    ("text", "target", "first"),
    [
        ("5.1,3.5,setosa\n4.9,3.0,virginica\n", "column 3", [5.1, 4.9]),
        ("1,2,0\n3,5,1\n4,1,0\n", "column 3", [1, 3, 4]),
        ("b,?,1.5,+\na,2,2.5,-\nb,3,0.5,+\n", "column 4", ["b", "a", "b"]),
    ],
)
def test_a_file_without_a_header_loses_no_row(load, text, target, first):
    data = load(text, target)
    assert data.X["column 1"].tolist() == first
    assert any("no header" in note for note in data.notes)


def test_years_are_names(load):
    data = load("land,1990,1991,target\nA,1,2,0\nB,2,3,1\n")
    assert list(data.X) == ["land", "1990", "1991"]
    assert any("taken for the names" in note for note in data.notes)


# --- never wrong in silence ---------------------------------------------------------------------


@settings(max_examples=60, deadline=None)
@given(
    n_names=st.integers(2, 5),
    widths=st.lists(st.integers(1, 8), min_size=3, max_size=8),
    data=st.data(),
)
def test_no_field_is_lost_in_silence(tmp_path_factory, n_names, widths, data):
    """Every field of a file is found again, or something is said, or the file is refused."""
    path = tmp_path_factory.mktemp("t") / "table.csv"
    value = st.integers(100, 999)
    rows = [[str(data.draw(value)) for _ in range(width)] for width in widths]
    names = [*(f"name{i}" for i in range(n_names - 1)), "target"]
    path.write_text("\n".join(",".join(row) for row in [names, *rows]) + "\n")
    try:
        found = load_data(str(path))
    except ValueError:
        return
    fields = sorted(float(v) for row in rows for v in row)
    read = sorted([*found.X.to_numpy().ravel().tolist(), *found.y.tolist()])
    assert found.notes or read == fields


def test_surplus_fields_are_refused_and_shown(load):
    with pytest.raises(ValueError, match="1 row of 2 have more fields; the first is row 2"):
        load("a,target\n1,0\n2,1,7\n")


def test_names_of_rows_are_said(load):
    data = load("a,target\nx1,1,0\nx2,2,1\n")
    assert list(data.X) == ["row", "a"]
    assert "names of the rows" in data.notes[0]


def test_two_columns_of_one_name(load):
    with pytest.raises(ValueError, match="two columns called 'target'"):
        load("a,target,target\n1,0,0\n2,1,1\n")
    data = load("a,a,a.1,target\n1,2,3,0\n4,5,6,1\n")
    assert data.X.to_dict("list") == {"a": [1, 4], "a.2": [2, 5], "a.1": [3, 6]}
    assert "Two columns are called 'a'" in data.notes[0]


def test_a_quotation_mark_that_is_not_closed(load):
    with pytest.raises(ValueError, match="opened and not closed"):
        load('a,target\n"1,0\n2,1\n3,1\n')


def test_something_binary(load):
    with pytest.raises(ValueError, match="something binary"):
        load(b"\x89PNG\x00\x00\x01\x00")


def test_rows_without_a_target_are_left_out_and_said(load):
    data = load("a,target\n1,x\n2,\n3,NA\n4,y\n")
    assert data.X["a"].tolist() == [1, 4]
    assert data.y.tolist() == ["x", "y"]
    assert "missing in 2 of 4 rows" in data.notes[0]


def test_a_column_that_copies_the_target_is_said_and_not_hidden():
    rng = np.random.default_rng(0)
    y = np.repeat([0, 1], 20)
    frame = pd.DataFrame(
        {
            "noise": rng.normal(size=40),
            "copy": np.where(y, "b", "a"),
            "limits": y + 0.1 * rng.random(40),
            "nearly": np.where(rng.random(40) < 0.1, 1 - y, y) * 1.0,
        }
    )
    data = prepare(
        tidy(frame), y, task="classification", features=None, drop=None, encode=True, seed=0
    )
    said = gives_away(data.X, y, "classification", data.table)
    assert [text.split("'")[1] for text in said] == ["copy", "limits"]
    assert "copy" in data.X
    amounts = rng.normal(size=40)
    frame = frame.assign(
        twice=3 * amounts - 2, ranks=np.exp(amounts), near=amounts + 0.1 * rng.normal(size=40)
    )
    said = gives_away(tidy(frame).frame, amounts, "regression", [(name, "") for name in frame])
    assert [text.split("'")[1] for text in said] == ["twice", "ranks"]


# --- numbers, dates, gaps -----------------------------------------------------------------------


@given(
    x=st.floats(-1e9, 1e9), digits=st.integers(0, 6), decimal=st.sampled_from(".,"), data=st.data()
)
def test_numbers_are_read_as_they_are_written(x, digits, decimal, data):
    mark = data.draw(
        st.sampled_from({".": ["", ",", " ", "'", "\u202f"], ",": ["", ".", " ", "'"]}[decimal])
    )
    text = f"{x:,.{digits}f}"
    written = "".join({",": mark, ".": decimal}.get(c, c) for c in text)
    assert parse_number(written, decimal) == float(text.replace(",", ""))


@pytest.mark.parametrize(
    "text", ["1,23,456", "1.2.3", "12,34.5", "1 2", "0,123.4", "", "-", "1e", "0x1"]
)
@pytest.mark.parametrize("decimal", [".", ","])
def test_what_is_no_number(text, decimal):
    assert parse_number(text, decimal) is None


@pytest.mark.parametrize(
    ("cells", "values", "said"),
    [
        (["1,5", "2,5"], [1.5, 2.5], "with decimal commas"),
        (["1", "2,5", "3"], [1, 2.5, 3], "with decimal commas"),
        (["1.5", "2,5"], [1.5, 2.5], "some with decimal points, some with commas"),
        (["1.234,5", "2"], [1234.5, 2], "with decimal commas"),
        (["1,234.5", "12,345"], [1234.5, 12345], None),
        (["0.123", "1.234"], [0.123, 1.234], None),
        (["1.234", "5.678"], [1.234, 5.678], "1.234 is read as 1.234 (--decimal"),
        (["1 234,5", "12 345"], [1234.5, 12345], "with decimal commas"),
        (["5 %", "12%"], [5, 12], "percentages"),
        (["$1,200.50", "-$3"], [1200.5, -3], "in $"),
        (["1.200,50 €", "3 €"], [1200.5, 3], "in €"),
        (["(12.5)", "3"], [-12.5, 3], None),
        (["−5", "3"], [-5, 3], None),
        (["-", "3", "NA", "?", "4"], [None, 3, None, None, 4], None),
        (["1"] * 19 + ["broken"], [1] * 19 + [None], "1 that are no numbers ('broken')"),
        (["1,5"] * 19 + ["<0,5"], [1.5] * 19 + [0.5], "such as '<0,5' (1) read as their number"),
        (["1,5"] * 3 + ["<0,5"] * 2, [1.5] * 3 + [0.5] * 2, "limits such as '<0,5' (2)"),
        (["1"] * 19 + ["k.A."], [1] * 19 + [None], None),
        (["12:30", "01:15"], [12.5, 1.25], "times, in hours"),
    ],
)  # fmt: skip
def test_columns_of_numbers(cells, values, said):
    found = parse_column("x", cells, Hints())
    assert found.kind == "numbers"
    assert found.values == values
    assert said is None or any(said in text for text in found.done)


def test_what_the_rest_of_a_file_says_of_decimal_marks(load):
    assert load("a;b;target\n1.234;2,5;0\n2.345;3;1\n").X["a"].tolist() == [1234, 2345]
    assert load("a;b;target\n1.234;2.5;0\n2.345;3;1\n").X["a"].tolist() == [1.234, 2.345]
    assert load('a,target\n"1,234",0\n"2,345",1\n').X["a"].tolist() == [1234, 2345]
    assert load("a;target\n1,234;0\n2,345;1\n").X["a"].tolist() == [1.234, 2.345]
    assert load("a;target\n1,234;0\n2,345;1\n", decimal=".").X["a"].tolist() == [1234, 2345]


@pytest.mark.parametrize(
    ("cells", "said"),
    [
        (["00501", "10001"], "leading zeros"),
        (["12345678901234567890", "12345678901234567891"], "too long to be exact"),
        (["+", "-", "+"], None),
        (["31/01/2020", "02/13/2020"], "some with the month first"),
        (["A12", "B7", "12"], None),
    ],
)
def test_columns_of_text(cells, said):
    found = parse_column("x", cells, Hints())
    assert found.kind == "text"
    assert found.values == cells
    assert said is None or any(said in text for text in found.done)


@pytest.mark.parametrize(
    "form",
    ["%Y-%m-%d", "%d.%m.%Y", "%m/%d/%Y", "%d/%m/%Y", "%Y/%m/%d %H:%M", "%b %d %Y"]
    + ["%d %B %Y", "%Y-%m-%dT%H:%M:%SZ", "%d-%b-%y"],
)  # fmt: skip
def test_dates(form):
    days = pd.date_range("2019-12-20", periods=40)
    found = parse_column("x", [*days.strftime(form), ""], Hints())
    assert found.kind == "dates"
    assert pd.to_datetime(found.values[:-1]).tolist() == days.tolist()
    assert found.values[-1] is None


def test_dates_that_may_be_read_both_ways(load):
    data = load("d,target\n01/02/2020,0\n03/04/2020,1\n")
    assert "which is a guess" in data.read.done["d"][0]
    sure = load("d,target\n01/02/2020,0\n02/02/2020,1\n01/03/2020,1\n")  # one order is sorted
    assert sure.X["d"].is_monotonic_increasing


def test_whole_numbers_that_are_dates_by_name(load):
    data = load("date,n,target\n20200131,20200131,0\n20200201,20200132,1\n")
    assert [data.X[name].dtype.kind for name in ("date", "n")] == ["M", "f"]


def test_infinite_values_are_gaps_and_said():
    table = tidy(pd.DataFrame({"a": [1.0, np.inf, -np.inf], "b": ["inf", "1", "2"]}))
    assert table.frame.isna().sum().tolist() == [2, 1]
    assert table.done["a"] == ("infinite in 2 rows, taken for gaps",)


def test_columns_of_objects():
    frame = pd.DataFrame({"l": [[1], [2]], "i": [1, 2**60], "m": [1, "2,5"], "c": [1j, 2]})
    frame["cat"] = pd.Categorical([1, 2])
    table = tidy(frame)
    assert list(table.frame) == ["i", "m", "cat"]
    assert table.frame["i"].tolist() == ["1", str(2**60)]
    assert table.frame["m"].tolist() == [1, 2.5]
    assert "left out" in table.done["l"][0]
    assert "left out" in table.done["c"][0]


def test_columns_of_every_dtype_of_pandas():
    frame = pd.DataFrame(
        {
            0: [1, 2, 3] * 10,
            "sparse": pd.arrays.SparseArray([0.0, 1, 2] * 10),
            "duration": pd.to_timedelta(range(30), unit="h"),
            "zone": pd.date_range("2020", periods=30, tz="Europe/Paris"),
            "Int": pd.array([1, None, 3] * 10, dtype="Int64"),
            "boolean": pd.array([True, None, False] * 10, dtype="boolean"),
            "string": pd.array(["a", "b", None] * 10, dtype="string"),
            "period": pd.period_range("2020-01", periods=30, freq="M"),
            "interval": pd.interval_range(0, 30),
            "target": pd.Categorical(["u", "v", None] * 10),
        },
        index=[7] * 30,
    )
    table = tidy(frame)
    assert "".join(table.frame.dtypes.map(lambda d: d.kind)) == "fffMffOMOO"
    features, y = named_target(frame, "target")
    assert y.tolist() == ["u", "v"] * 10
    assert features.frame.shape == (20, 9)


def test_series_out_of_files(tmp_path):
    path = tmp_path / "level.csv"
    path.write_text("when;level\n03.01.2020;2,5\n01.01.2020;1\n02.01.2020;1.000,5\n")
    data = load_series(str(path))
    assert data.X.tolist() == [1, 1000.5, 2.5]
    assert "sorted by their dates" in " ".join(data.notes)
    assert times_of(data.X) == ["2020-01-01", "2020-01-02", "2020-01-03"]
    path.write_text("when;level\n2020-01;2\n2020-02;1\n2020-03;3\n")
    data = load_series(str(path))
    assert times_of(data.X) == ["2020-01-01", "2020-02-01", "2020-03-01"]
    assert "sorted" not in " ".join(data.notes)
    path.write_text("level\n2\n1\n3\n")
    assert times_of(load_series(str(path)).X) is None


def test_two_values_of_one_date_are_no_series(tmp_path):
    path = tmp_path / "level.csv"
    path.write_text("when;level\n2020-01-01;2\n2020-01-01;1\n2020-01-02;3\n")
    with pytest.raises(ValueError, match="1 dates in column 'when' stand twice, such as 2020"):
        load_series(str(path))


# --- classes or quantities ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("y", "task", "flag"),
    [
        (np.array(["a", "b"] * 9), "classification", False),
        (np.array([True, False] * 9), "classification", False),
        (np.arange(18) % 3, "classification", True),
        (np.arange(18) % 2, "classification", True),
        (np.arange(100) % 10, "classification", True),
        (np.arange(100.0) % 10, "classification", True),
        (np.arange(16) + 60_323, "regression", True),
        (np.arange(500) % 59, "regression", True),
        (np.arange(18) / 4, "regression", False),
        (np.arange(30) % 9, "regression", True),
    ],
)
def test_the_task_is_guessed(y, task, flag):
    assert guess_task(y)[0] == task
    other = {"classification": "regression", "regression": "classification"}[task]
    assert (f"--task {other} changes it" in why_task(y)) == flag


# --- the encoder --------------------------------------------------------------------------------


def mixed(n=60, seed=0):
    rng = np.random.default_rng(seed)
    y = rng.integers(2, size=n)
    frame = pd.DataFrame(
        {
            "number": np.where(rng.random(n) < 0.1, np.nan, rng.normal(size=n)),
            "flag": rng.random(n) < 0.5,
            "colour": rng.choice(["red", "green", "blue", None], n),
            "town": rng.choice([f"town{i}" for i in range(15)], n),
            "note": [f"{rng.choice(['good', 'bad'])} thing number {i}" for i in range(n)],
            "when": pd.date_range("2020-01-01", periods=n, freq="7h"),
            "part": np.where(rng.random(n) < 0.5, 3.0, np.nan),
        }
    )
    return tidy(frame).frame, y


def test_every_kind_becomes_finite_numbers_of_one_width():
    X, y = mixed()
    encoder = TableEncoder()
    found = encoder.fit_transform(X[:40], y[:40])
    other = encoder.transform(X[40:])
    assert found.dtype == other.dtype == np.float64
    assert found.shape[1] == other.shape[1]
    assert np.isfinite(found).all()
    assert np.isfinite(other).all()
    kinds = {name: part.kind for name, part in encoder.plans_.items()}
    assert set(kinds.values()) == {
        "number", "categories", "many categories", "text", "date", "gap or not",
    }  # fmt: skip


def test_what_is_learned_is_learned_from_training_rows():
    X, y = mixed()
    one, other = TableEncoder(), TableEncoder()
    changed = X.copy()
    changed.loc[40:, "number"] = 1e6
    changed.loc[40:, "colour"] = "violet"
    changed.loc[40:, "town"] = "elsewhere"
    changed.loc[40:, "note"] = "other words altogether"
    one.fit(X[:40], y[:40])
    other.fit(changed[:40], y[:40])
    np.testing.assert_array_equal(one.transform(X[:40]), other.transform(X[:40]))
    assert np.isfinite(other.transform(changed[40:])).all()  # categories that are new


@pytest.mark.parametrize("classes", [True, False])
def test_targets_of_a_category_come_from_other_rows(classes):
    rng = np.random.default_rng(0)
    X = pd.DataFrame({"town": [f"t{i}" for i in rng.integers(40, size=160)]}, dtype=object)
    y = rng.integers(3, size=160) if classes else rng.normal(size=160)
    encoder = TableEncoder(classes=classes)
    found = encoder.fit_transform(X, y)
    assert found.shape[1] == (3 if classes else 1)
    target = (y == 0) if classes else y
    # Noise encoded by its own target would correlate with it.
    assert abs(np.corrcoef(found[:, 0], target)[0, 1]) < 0.25
    assert np.corrcoef(encoder.transform(X)[:, 0], target)[0, 1] > 0.3


@pytest.mark.parametrize(
    ("name", "values", "what"),
    [
        ("x", [None] * 30, "left out: empty"),
        ("x", ["same"] * 30, "left out: the same in all rows"),
        ("x", [2.0] * 15 + [np.nan] * 15, "1 where it is a gap"),
        ("x", ["yes"] * 15 + [None] * 15, "2 categories: yes is 1, (gap) 0"),
        ("x", np.arange(30.0), "left out: it counts the rows"),
        ("x", np.arange(1947.0, 1977.0), "number"),
        ("customer_id", np.arange(30.0) * 77 + 1e6, "left out: it tells rows apart, by its name"),
        ("customerId", np.arange(30.0) * 77 + 1e6, "left out: it tells rows apart, by its name"),
        ("humid", np.arange(30.0) * 77 + 1e6, "number"),
        ("x", [f"k{i}" for i in range(30)], "left out: it tells rows apart, or nearly"),
        ("x", [f"some words {i}" for i in range(30)], "text, as 4 numbers"),
        ("x", ["a", "b", "c"] * 10, "3 categories, a column for each"),
    ],
)
def test_what_a_column_is_taken_for(name, values, what):
    column = pd.Series(
        values,
        dtype=object
        if isinstance(values, list) and (None in values or isinstance(values[0], str))
        else float,
    )
    assert what in plan(name, column).said
    if "apart" in what or "counts" in what:
        assert plan(name, column, keep=True).kind != "left out"


def test_compare_a_frame():
    X, y = mixed(80)
    frame = X.assign(number_id=np.arange(80), label=np.where(y, "yes", "no"))
    frame["label"] = frame["label"].astype(object).where(np.arange(80) > 1, None)
    comparison = compare(
        "QuantumKernelSVC", frame, "label", baselines=["logistic regression"], cv=2, budget=1,
        drop=["note", "town"], features=None,
    )  # fmt: skip
    assert comparison.complete
    table = dict(comparison.table)
    assert table["number_id"].startswith("left out")
    assert table["note"] == "left out, as asked"
    assert "a category of their own" in table["colour"]
    assert any("missing in 2 of 80 rows" in note for note in comparison.notes)
    assert "TableEncoder" in comparison.entrants[-1].pipeline


def test_a_frame_of_numbers_needs_no_encoder():
    X, y = mixed(60)
    frame = pd.DataFrame(
        {"a": X["when"].dt.hour * 1.5, "b": np.random.default_rng(0).normal(size=60)}
    )
    comparison = compare(
        {"mine": "QuantumKernelSVC"}, frame, y, baselines=["RBF SVM"], cv=2, budget=1
    )
    assert "TableEncoder" not in comparison.entrants[0].pipeline
    assert comparison.table == [("a", "number"), ("b", "number")]


def test_bad_calls():
    X, y = mixed(60)
    for options, error, message in (
        ({"y": "lable"}, ValueError, "y='lable': Unknown column 'lable'"),
        ({"y": y, "drop": "nothing"}, ValueError, "--drop: Unknown column 'nothing'"),
        ({"y": y, "encode": False}, ValueError, "not numeric: colour"),
        ({"X": X.to_numpy(), "y": "label"}, TypeError, "X is no data frame"),
        ({"X": [[1.0], [2.0]], "y": [0, 1], "drop": "a"}, TypeError, "names columns"),
        ({"y": y, "models": None}, TypeError, "models=None: give a name"),
        ({"y": y, "n_jobs": 0}, ValueError, "n_jobs=0"),
    ):
        call = {"models": "QuantumKernelSVC", "X": X} | options
        with pytest.raises(error, match=message):
            compare(call.pop("models"), call.pop("X"), call.pop("y"), **call)


def test_too_many_rows_for_a_kernel_machine():
    X = np.random.default_rng(0).normal(size=(20_000, 2))
    with pytest.raises(ValueError, match=r"20,000 rows are 3\.2 GB.*--subsample"):
        compare("QuantumKernelSVC", X, X[:, 0] > 0)


def test_every_value_of_gaps_is_one():
    assert math.isnan(tidy(pd.DataFrame({"a": ["1", "2", "#N/A"]})).frame["a"][2])


def test_spellings_that_differ_in_case_are_told():
    read = parse_column("c", ["Ja", "ja", "vielleicht", "nein"], Hints())
    assert read.done == ("'Ja' and 'ja' are not the same",)
    assert parse_column("c", ["Ja", "nein", "ja"], Hints()).kind == "yes or no"
