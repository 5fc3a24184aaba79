"""Comparisons as JSON: the same table, verdict and report again, and what differs."""

import json
import re

import cirq
import numpy as np
import pytest
from sklearn.datasets import load_iris, make_friedman1
from sklearn.dummy import DummyClassifier, DummyRegressor
from sklearn.exceptions import FitFailedWarning
from sklearn.linear_model import LogisticRegression, Ridge

from skquantum import QuantumKernelSVC, compare
from skquantum.cli import main
from skquantum.comparison import Comparison, DeviceTest
from skquantum.datasets import make_damped_pendulum

X, Y = load_iris(return_X_y=True)


@pytest.fixture(scope="module")
def made():
    """Return a comparison of each task, and one with a device and a failure."""
    with pytest.warns(FitFailedWarning, match="broken failed"):
        classes = compare(
            {"kernel": QuantumKernelSVC("angle"), "broken": LogisticRegression(C=-1)},
            X[::3],
            np.array(["a", "b", "c"])[Y[::3]],
            baselines={"dummy": DummyClassifier(), "linear": LogisticRegression(max_iter=1000)},
            device=DeviceTest(noise=0.01, shots=50, price_per_circuit=0.05),
            cv=2,
            budget=1,
            random_state=0,
        )
    numbers = compare(
        {"ridge": Ridge()},
        *make_friedman1(60, random_state=0),
        baselines={"dummy": DummyRegressor()},
        cv=2,
        budget=1,
    )
    series = compare(
        {"ridge": Ridge()}, make_damped_pendulum()[:120], task="series", cv=2, budget=1,
        baselines={"dummy": DummyRegressor()},
    )  # fmt: skip
    return {"classes": classes, "numbers": numbers, "series": series}


@pytest.mark.parametrize("task", ["classes", "numbers", "series"])
def test_a_comparison_comes_back_the_same(made, task, tmp_path):
    comparison = made[task]
    path = comparison.to_json(tmp_path / "out.json")
    for source in (path, str(path), comparison.to_json()):
        again = Comparison.from_json(source)
        assert str(again) == str(comparison)
        assert repr(again) == repr(comparison)
        assert again.verdict == comparison.verdict
        assert again.to_html() == comparison.to_html()
        assert again.to_json() == comparison.to_json()
    assert len(again.plot().axes) == len(comparison.plot().axes)


def test_it_is_json_that_any_reader_takes(made):
    def refuse(name):
        raise AssertionError(name)

    for comparison in made.values():
        content = json.loads(comparison.to_json(), parse_constant=refuse)
        assert content["format"] == "skquantum comparison"
        assert content["version"] == 1
        assert {entrant["name"] for entrant in content["entrants"]} == set(comparison.models)


def test_files_that_are_none(made, tmp_path):
    text = made["numbers"].to_json()
    path = tmp_path / "out.json"
    cases = {
        "": "not JSON",
        text[:-30]: "not JSON",
        "[1, 2]": "holds no comparison",
        '{"format": "other"}': "holds no comparison",
        text.replace('"version": 1', '"version": 2'): "version 2 of its format",
        text.replace('"entrants"', '"entrance"', 1): "is damaged: it lacks 'entrants'",
        text.replace('"max_score_drop": 0.02', '"max_score_drop": -1'): "damaged: max_score_drop",
        text.replace('"fold": 0', '"fold": 0, "surplus": 1', 1): "damaged: .*surplus",
        re.sub(r'"elapsed": [0-9.e-]+', '"elapsed": {"$float": "none"}', text): "is damaged",
    }
    assert len(cases) == 9
    for content, message in cases.items():
        assert content != text, message
        path.write_text(content)
        with pytest.raises(ValueError, match=message):
            Comparison.from_json(path)
    with pytest.raises(FileNotFoundError):
        Comparison.from_json(tmp_path / "none.json")


def test_noise_that_has_no_name_can_not_be_written(made):
    comparison = Comparison.from_json(made["classes"].to_json())
    comparison.device = DeviceTest(noise=cirq.ConstantQubitNoiseModel(cirq.depolarize(0.1)))
    with pytest.raises(ValueError, match="noise holds a ConstantQubitNoiseModel.*by its name"):
        comparison.to_json()


def test_what_differs(made):
    comparison = made["classes"]
    again = Comparison.from_json(comparison.to_json())
    assert "All models have the same score on every fold." in comparison.difference(again)
    again.run["numpy"] = "1.0"
    result = next(r for r in again.results if r.model == "kernel")
    result.metrics["score"] -= 0.5
    told = comparison.difference(again)
    assert re.search(r"numpy: \S+ -> 1.0", told)
    assert "Other scores on some fold: kernel." in told
    assert re.search(r"kernel +0\.\d{4} +0\.\d{4} +-0\.2500", told)
    assert "of two kinds, accuracy and r2" in comparison.difference(made["numbers"])


def test_the_commands(tmp_path, capsys):
    path, again = tmp_path / "a.json", tmp_path / "b.json"
    arguments = ["compare", "iris", "--cv", "2", "--budget", "1", "--subsample", "60"]
    assert main([*arguments, "--n-jobs", "1", "--json", str(path)]) == 0
    printed = capsys.readouterr().out
    assert f"Results: {path}" in printed
    report = tmp_path / "report.html"
    assert main(["show", str(path), "--report", str(report)]) == 0
    shown = capsys.readouterr().out
    assert shown.splitlines()[0] in printed
    assert "<html" in report.read_text()
    assert main(["rerun", str(path), "--json", str(again)]) == 0
    assert "All models have the same score on every fold." in capsys.readouterr().out
    assert main(["diff", str(path), str(again)]) == 0
    assert "same score on every fold" in capsys.readouterr().out


def test_commands_refuse(made, tmp_path, capsys):
    path = made["numbers"].to_json(tmp_path / "python.json")
    for arguments, message in (
        (["rerun", str(path)], "was not made by the command line"),
        (["show", str(tmp_path / "none.json")], "No such file"),
        (["show", str(path), "--report", str(tmp_path)], "--report"),
        (["compare", "iris", "--json", str(tmp_path / "no" / "a.json")], "--json"),
    ):
        assert main(arguments) == 2
        assert message in capsys.readouterr().err
