"""Models of tables: the same rows give the same numbers, other tables are refused."""

import importlib
import zipfile

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.datasets import load_iris
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.metrics import accuracy_score, r2_score
from sklearn.svm import SVC
from skops import io

from skquantum import QuantumKernelSVC
from skquantum.cli import main
from skquantum.comparison import (
    BASELINES,
    MODELS,
    TableModel,
    fit_table,
    model_card,
)
from skquantum.comparison._data import load_data
from skquantum.saving import trusted_types
from tests.comparison.tables import TABLES, write


def customers(n=80):
    """Return a table as a spreadsheet in a country with decimal commas exports it."""
    rng = np.random.default_rng(7)
    calls, bill = rng.integers(0, 9, n), rng.normal(35, 12, n).clip(5)
    days = np.datetime64("2019-01-01") + rng.integers(0, 1500, n)
    frame = pd.DataFrame(
        {
            "Customer ID": [str(10_000 + 7 * i) for i in range(n)],
            "Town": rng.choice(["Köln", "Lyon", "Łódź", "n/a"], n),
            "Since": [day.item().strftime("%d.%m.%Y") for day in days],
            "Bill": [f"{value:.2f} €".replace(".", ",") for value in bill],
            "Calls": calls.astype(str),
            "Loud": rng.choice(["yes", "no"], n),
            "Left": np.where(calls + bill / 10 + rng.normal(size=n) > 7.5, "yes", "no"),
        }
    )
    frame.loc[::9, "Bill"] = ""
    return frame


FRAME = customers()


@pytest.fixture(scope="module")
def model():
    return fit_table("QuantumKernelSVC", FRAME, "Left", budget=1)


@pytest.mark.parametrize("name", [*BASELINES["classification"], *MODELS])
def test_every_model_is_the_same_after_saving(name, tmp_path):
    if name in MODELS and "classification" not in MODELS[name].tasks:
        pytest.skip("no classifier")
    fitted = fit_table(name, FRAME, "Left", budget=1)
    loaded = TableModel.load(fitted.save(tmp_path / "model.skops"))
    assert_array_equal(loaded.predict(FRAME), fitted.predict(FRAME))
    assert_array_equal(loaded.predict_proba(FRAME), fitted.predict_proba(FRAME))
    assert_allclose(loaded.predict_proba(FRAME).sum(axis=1), 1)
    assert loaded.columns == fitted.columns
    assert set(fitted.predict(FRAME)) <= {"no", "yes"}


@pytest.mark.parametrize("name", TABLES)
def test_the_known_files(name, tmp_path):
    path, target = write(name, tmp_path)
    data = load_data(str(path), target)
    task = "auto"
    linear = {"classification": "logistic regression", "regression": "ridge regression"}
    try:
        fitted = fit_table(linear["classification"], data.read, data.y, task=task, budget=1)
    except ValueError:
        fitted = fit_table(linear["regression"], data.read, data.y, task=task, budget=1)
    out = tmp_path / "predicted.csv"
    saved = fitted.save(tmp_path / "m.skops")
    assert main(["predict", str(saved), str(path), "--out", str(out)]) == 0
    assert len(pd.read_csv(out)) >= len(data.y)


@given(rows=st.lists(st.integers(0, len(FRAME) - 1), min_size=1, max_size=6))
@settings(max_examples=15, deadline=None)
def test_rows_are_read_as_in_training_however_few_they_are(model, rows):
    some = FRAME.iloc[rows]
    every = model.rows(FRAME)[0]
    found, notes = model.rows(some.iloc[:, ::-1])
    pd.testing.assert_frame_equal(found, every.iloc[rows], check_dtype=False)
    assert notes == []
    assert_array_equal(model.predict(some), model.predict(FRAME)[rows])


def test_the_schema_tells_what_is_done(model):
    assert list(model.columns) == ["Town", "Since", "Bill", "Calls", "Loud"]
    assert model.identifiers == ["Customer ID"]
    assert [c["kind"] for c in model.columns.values()] == [
        *("text", "dates", "numbers", "numbers", "numbers")
    ]
    assert model.columns["Town"]["categories"] == ["Köln", "Lyon", "Łódź"]
    assert "in €" in model.columns["Bill"]["done"]
    assert (model.task, model.target, model.score["metric"]) == (
        *("classification", "Left"),
        "accuracy",
    )
    assert "three inner folds" in model.summary
    assert repr(model) == "TableModel(QuantumKernelSVC: 'Left' from 5 columns, classification)"


def test_typed_columns_do_as_well(model):
    typed = model.rows(FRAME)[0].assign(Since=pd.to_datetime(FRAME["Since"], format="%d.%m.%Y"))
    typed["Loud"] = FRAME["Loud"] == "yes"
    assert_array_equal(model.predict(typed), model.predict(FRAME))


def test_what_is_odd_in_new_rows_is_told(model):
    odd = FRAME.iloc[:4].assign(
        Town=["Nice", "Köln", "Lyon", "?"],
        Bill=["abc", "12,5 €", "", "-"],
        Calls=["1", "", "2", "3"],
    )
    _, notes = model.rows(odd)
    assert notes == [
        "Town: 1 of 4 rows hold what no training row held ('Nice').",
        "Bill: 1 of 4 rows hold what is no number ('abc'), taken for gaps.",
        "Calls: gaps in 1 of 4 rows, and none in training.",
    ]
    with pytest.warns(UserWarning) as caught:
        assert len(model.predict(odd)) == 4
    assert [str(warning.message) for warning in caught] == notes


@pytest.mark.parametrize(
    ("frame", "said"),
    [
        (FRAME.drop(columns="Town"), "lacks the column 'Town'"),
        (FRAME.rename(columns={"Calls": "calls"}), "Did you mean 'calls'"),
        (FRAME.drop(columns=["Town", "Bill"]), "columns 'Town', 'Bill'"),
        (FRAME.assign(Since="hello"), "held dates .* holds text now, such as 'hello'"),
        (FRAME.assign(Calls="many"), "'Calls' held numbers .* such as 'many'"),
        (FRAME.assign(Calls=[[1]] * len(FRAME)), "no single values"),
        (FRAME.iloc[:0], "has no rows"),
        (FRAME.set_axis([*FRAME.columns[:-1], "Town"], axis=1), "Two columns are called 'Town'"),
    ],
)
def test_other_tables_are_refused(model, frame, said):
    with pytest.raises(ValueError, match=said):
        model.predict(frame)


def test_gaps_in_all_rows_are_no_other_kind(model):
    empty = FRAME.iloc[:2].assign(Bill="", Since="", Town="")
    with pytest.warns(UserWarning, match="gaps in 2 of 2 rows"):
        assert len(model.predict_proba(empty)) == 2


def test_arrays_are_no_tables(model):
    with pytest.raises(TypeError, match="data frame with the columns Town"):
        model.predict(np.zeros((2, 5)))
    with pytest.raises(TypeError, match="give a data frame"):
        fit_table("QuantumKernelSVC", np.zeros((9, 2)), np.zeros(9))


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"model": "ranom forest"}, "Did you mean 'random forest'"),
        ({"model": "QuantumKernelSVR"}, "must be numeric"),
        ({"model": "QuantumKernelSVR", "task": "classification"}, "Unknown model"),
        ({"budget": 0}, "budget=0"),
        ({"scoring": "r2"}, "score for numbers"),
        ({"y": None}, "needs a target"),
        ({"task": "series"}, "needs a target"),
        ({"model": [SVC(), LogisticRegression()]}, "One model is fitted"),
        ({"y": "Bil"}, "Did you mean 'Bill'"),
    ],
)
def test_what_cannot_work_is_refused(options, said):
    options = {"model": "QuantumKernelSVC", "X": FRAME, "y": "Left"} | options
    with pytest.raises(ValueError, match=said):
        fit_table(**options)


def test_numbers_have_no_probabilities():
    rows = FRAME[FRAME["Bill"] != ""]
    fitted = fit_table((Ridge(), {"alpha": [0.1, 1.0]}), rows, "Bill", features="Calls")
    assert list(fitted.columns) == ["Calls"]
    assert fitted.classes is None
    with pytest.raises(ValueError, match="is a number"):
        fitted.predict_proba(rows)
    assert "r2 on three inner folds" in fitted.summary
    assert "the best of 2 settings" in fitted.summary


def test_other_files_are_refused(model, tmp_path):
    path = tmp_path / "model.skops"
    with pytest.raises(ValueError, match="There is no file"):
        TableModel.load(path)
    path.write_text("none")
    with pytest.raises(ValueError, match="is no model that 'skquantum fit'"):
        TableModel.load(path)
    with zipfile.ZipFile(path, "w") as damaged:
        damaged.writestr("schema.json", "{")
    with pytest.raises(ValueError, match="could not be loaded"):
        TableModel.load(path)
    io.dump(LogisticRegression(), path)
    with pytest.raises(ValueError, match="holds a LogisticRegression"):
        TableModel.load(path)
    io.dump({"type": pytest.Item}, path)
    with pytest.raises(ValueError, match="not trusted"):
        TableModel.load(path)
    later = fit_table("logistic regression", FRAME, "Left", budget=1)
    later.format = 99
    later.save(path)
    with pytest.raises(ValueError, match="version 99"):
        TableModel.load(path)


def test_trusted_names_are_those_of_classes():
    for name in trusted_types():
        module, _, attribute = name.rpartition(".")
        if module.startswith("skquantum"):
            assert getattr(importlib.import_module(module), attribute).__module__ == module


# --- commands -----------------------------------------------------------------------------------


@pytest.fixture
def path(tmp_path):
    FRAME.to_csv(tmp_path / "customers.csv", sep=";", index=False)
    return tmp_path / "customers.csv"


def test_fit_and_predict_from_the_command_line(path, tmp_path, capsys):
    saved = tmp_path / "model.skops"
    arguments = ["--target", "Left", "--out", str(saved), "--budget", "1"]
    assert main(["fit", str(path), *arguments]) == 0
    out = capsys.readouterr().out
    assert "Columns (--drop and --features change what is done)" in out
    assert "QuantumKernelSVC (" in out or "QuantumKernelSVC," in out
    assert f"Saved: {saved}" in out
    new = tmp_path / "new.csv"
    FRAME.iloc[5:8].drop(columns="Left").to_csv(new, index=False)  # commas, and quotes
    assert main(["predict", str(saved), str(new)]) == 0
    out, err = capsys.readouterr()
    lines = out.splitlines()
    assert lines[0] == "Customer ID,Left,P(no),P(yes)"
    assert [line.split(",")[0] for line in lines[1:]] == list(FRAME["Customer ID"][5:8])
    assert err == ""
    model = TableModel.load(saved)
    assert [line.split(",")[1] for line in lines[1:]] == list(model.predict(FRAME.iloc[5:8]))


def test_predict_measures_where_it_can(path, tmp_path, capsys):
    saved, card, out = (tmp_path / name for name in ("m.skops", "card.md", "out.csv"))
    fit_table("random forest", FRAME, "Left", budget=1).save(saved)
    assert main(["predict", str(saved), str(path), "--out", str(out), "--card", str(card)]) == 0
    model, err = TableModel.load(saved), capsys.readouterr().err
    expected = accuracy_score(FRAME["Left"], model.predict(FRAME))
    assert f"accuracy {expected:.3f}" in err
    assert f"| accuracy | {expected:.4g} |" in card.read_text(encoding="utf-8")
    assert len(pd.read_csv(out)) == len(FRAME)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["fit", "iris", "--out", "m.skops"], "takes a file"),
        (["fit", "{path}", "--out", "{folder}/none/m.skops"], "folder that exists"),
        (["fit", "{path}", "--target", "Lef", "--out", "{folder}/m"], "Did you mean 'Left'"),
        (["predict", "none.skops", "{path}"], "There is no file 'none.skops'"),
        (["predict", "{saved}", "none.csv"], "There is no file 'none.csv'"),
        (["predict", "{saved}", "{short}"], "lacks the column"),
        (["predict", "{saved}", "{short}", "--card", "{folder}/c.md"], "--card needs the column"),
    ],
)
def test_commands_refuse(arguments, said, model, path, tmp_path, capsys):
    short, saved = tmp_path / "short.csv", tmp_path / "m.skops"
    FRAME[["Town", "Calls"]].to_csv(short, index=False)
    model.save(saved)
    places = {"path": path, "folder": tmp_path, "short": short, "saved": saved}
    assert main([text.format(**places) for text in arguments]) == 2
    assert said in capsys.readouterr().err


# --- cards --------------------------------------------------------------------------------------


def test_a_card_has_the_scores(model):
    card = model_card(model, FRAME, FRAME["Left"], purpose="To try.", limits="Towns of 2019.")
    accuracy = accuracy_score(FRAME["Left"], model.predict(FRAME))
    most = (FRAME["Left"] == FRAME["Left"].mode()[0]).mean()
    assert f"| accuracy | {accuracy:.4g} | {most:.4g} |" in card
    for text in (
        "# QuantumKernelSVC",
        "To try.",
        "- Towns of 2019.",
        "n_qubits",
        "- Bill: number",
    ):
        assert text in card
    assert "expected calibration error" in card
    assert "On hardware the fit would have run" in card


def test_a_card_of_a_classical_regressor():
    X, y = load_iris(return_X_y=True)
    fitted = Ridge().fit(X[:, :3], X[:, 3])
    card = model_card(fitted, X[:, :3], X[:, 3], name="Widths")
    assert card.startswith("# Widths\n\nRidge, for numbers.")
    assert f"| R2 | {r2_score(X[:, 3], fitted.predict(X[:, :3])):.4g} | 0 |" in card
    assert "None: this is a classical model." in card
    assert "None stated." in card


def test_cards_refuse():
    X, y = load_iris(return_X_y=True)
    with pytest.raises(NotFittedError):
        model_card(QuantumKernelSVC(), X, y)
    fitted = LogisticRegression(max_iter=500).fit(X[:100], y[:100])
    with pytest.raises(ValueError, match="inconsistent numbers"):
        model_card(fitted, X, y[:5])
    with pytest.raises(ValueError, match="y holds the class 2, which the model does not know"):
        model_card(fitted, X, y)


# --- what a fresh reader came upon --------------------------------------------------------------


@pytest.mark.parametrize(
    "arguments",
    [
        ["fit", "{path}", "--target", "Left", "--out", "{path}"],
        ["predict", "{saved}", "{path}", "--out", "{path}"],
        ["predict", "{saved}", "{path}", "--out", "{saved}"],
        ["predict", "{saved}", "{path}", "--card", "{path}"],
        ["advise", "{path}", "--target", "Left", "--report", "{path}"],
        ["compare", "{path}", "--target", "Left", "--json", "{path}"],
        ["compare", "{path}", "--target", "Left", "--json", "{other}", "--report", "{other}"],
    ],
)
def test_no_file_that_is_read_is_written_over(arguments, model, path, tmp_path, capsys):
    saved, other = tmp_path / "m.skops", tmp_path / "other"
    model.save(saved)
    before = path.read_bytes(), saved.read_bytes()
    places = {"path": path, "saved": saved, "other": other}
    assert main([text.format(**places) for text in arguments]) == 2
    assert "Name another file" in capsys.readouterr().err
    assert (path.read_bytes(), saved.read_bytes()) == before


def test_another_decimal_mark_is_given_or_refused(model, tmp_path, capsys):
    rows = FRAME.iloc[1:6]  # few beside those that the model remembers
    points = rows.assign(Bill=rows["Bill"].str.replace(",", "."))
    saved, table = tmp_path / "m.skops", tmp_path / "points.csv"
    model.save(saved)
    points.to_csv(table, index=False)
    assert main(["predict", str(saved), str(table)]) == 2
    assert "--decimal" in capsys.readouterr().err
    assert main(["predict", str(saved), str(table), "--decimal", "."]) == 0
    found = [line.split(",")[1] for line in capsys.readouterr().out.splitlines()[1:]]
    assert found == list(model.predict(rows))


def test_limits_of_detection_are_numbers():
    rng = np.random.default_rng(0)
    values = rng.gamma(2.0, size=60)
    crp = [f"{v:.2f}" if v > 1 else "<1" for v in values]  # more than a tenth are limits
    frame = pd.DataFrame({"crp": crp, "ill": np.where(values > 2, "yes", "no")})
    fitted = fit_table("logistic regression", frame, "ill", budget=1)
    assert fitted.columns["crp"]["kind"] == "numbers"
    assert "limits such as '<1' (17) read as their number" in fitted.columns["crp"]["done"]
    assert (fitted.predict(frame) == frame["ill"]).mean() > 0.9


def test_rows_of_the_fit_are_known(model, path, tmp_path, capsys):
    saved, part, card = tmp_path / "m.skops", tmp_path / "part.csv", tmp_path / "card.md"
    model.save(saved)
    assert model.has_seen(FRAME, FRAME["Left"])
    assert main(["predict", str(saved), str(path), "--card", str(card)]) == 0
    assert "which says nothing: the model was fitted to these rows" in capsys.readouterr().err
    assert "these scores mean nothing" in card.read_text(encoding="utf-8")
    FRAME.iloc[:30].to_csv(part, index=False)
    assert main(["predict", str(saved), str(part), "--card", str(card)]) == 0
    assert "says nothing" not in capsys.readouterr().err
    assert "Customer ID: left out" in card.read_text(encoding="utf-8")


def test_a_class_that_is_not_the_likeliest_is_told():
    fitted = fit_table("RBF SVM", FRAME, "Left", budget=1)
    frame, notes = fitted.predictions(FRAME)
    likely = np.where(frame["P(yes)"] > frame["P(no)"], "yes", "no")
    differ = int((likely != frame["Left"]).sum())
    assert any(f"In {differ} of {len(frame)} rows" in note for note in notes) == (differ > 0)


def test_an_unknown_label_costs_no_predictions(model, tmp_path, capsys):
    saved, table = tmp_path / "m.skops", tmp_path / "other.csv"
    model.save(saved)
    FRAME.iloc[:5].assign(Left="perhaps").to_csv(table, index=False)
    arguments = ["predict", str(saved), str(table), "--card", str(tmp_path / "card.md")]
    assert main(arguments) == 2
    out, err = capsys.readouterr()
    assert len(out.splitlines()) == 6
    assert "y holds the class 'perhaps'" in err
