"""What a comparison looks into besides: labels, seeds, stages, values of a parameter."""

import json

import numpy as np
import pytest
from numpy.testing import assert_allclose
from sklearn.datasets import load_diabetes, make_moons
from sklearn.model_selection import StratifiedKFold, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skquantum import Comparison, QuantumKernelSVC, VariationalClassifier, compare
from skquantum.cli import main
from skquantum.comparison import DeviceTest
from skquantum.inspection import ablation

X, y = make_moons(80, noise=0.25, random_state=0)
MODEL = VariationalClassifier(n_layers=1, max_iter=5, tol=1.0)
pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


@pytest.fixture(scope="module")
def found():
    return compare(
        {"kernel": (QuantumKernelSVC("angle"), {}), "trained": (MODEL, {})},
        X,
        y,
        baselines=["logistic regression"],
        cv=3,
        budget=1,
        labels=[10, 40],
        seeds=3,
        ablate=True,
        sweep={"encoding__bandwidth": ["scale", 0.1]},
        verbose=0,
    )


def test_titles(found):
    assert [study.title for study in found.studies] == [
        "How many labels does it take?",
        "Stable, or lucky?",
        "Which stage of kernel helps?",
        "Which stage of trained helps?",
        "What does encoding__bandwidth do?",
    ]


def test_labels(found):
    study = found.studies[0]
    assert study.head == ["labels", "logistic regression", "kernel", "trained"]
    assert [row[0] for row in study.rows] == ["10", "40"]
    scores = np.array(study.values["kernel, 40 labels"])
    assert scores.shape == (10,)
    assert study.rows[1][2] == f"{scores.mean():.3f} ± {scores.std(ddof=1):.3f}"
    few = np.mean(study.values["kernel, 10 labels"])
    assert few < scores.mean()


def test_seeds(found):
    study = found.studies[1]
    folds = StratifiedKFold(3, shuffle=True, random_state=0)
    for seed in range(3):
        model = make_pipeline(StandardScaler(), VariationalClassifier(**params(seed)))
        expected = cross_val_score(model, X, y, cv=folds)
        assert_allclose(study.values[f"trained, seed {seed}"], expected)
    means = [np.mean(study.values[f"trained, seed {seed}"]) for seed in range(3)]
    assert study.rows[2][2] == f"{np.std(means, ddof=1):.3f}"
    assert study.rows[1][2] == "0.000"  # the kernel machine draws nothing here


def params(seed):
    return MODEL.get_params(deep=False) | {"random_state": seed}


def test_stages_are_those_of_ablation(found):
    folds = StratifiedKFold(3, shuffle=True, random_state=0)
    model = make_pipeline(StandardScaler(), QuantumKernelSVC("angle"))
    alone = ablation(model, X, y, cv=folds)
    study = found.studies[2]
    assert list(study.values) == list(alone.scores)
    for variant, scores in alone.scores.items():
        assert_allclose(study.values[variant], scores)
    assert study.said == alone.sentence


def test_sweep(found):
    study = found.studies[4]
    assert study.head == ["encoding__bandwidth", "kernel", "trained"]
    assert [row[0] for row in study.rows] == ["'scale'", "0.1"]
    assert "flattered" in study.said
    own = [r.metrics["score"] for r in found.results if r.model == "kernel"]
    assert_allclose(study.values["kernel, encoding__bandwidth='scale'"], own)


def test_pages_and_files_hold_them(found, tmp_path):
    again = Comparison.from_json(found.to_json())
    assert again.studies == found.studies
    assert str(again) == str(found)
    page = found.to_html()
    for study in found.studies:
        assert study.title in page
        assert study.said in str(found).replace("\n", " ")
    content = json.loads(found.to_json())
    del content["studies"]  # as files of before
    assert Comparison.from_json(json.dumps(content)).studies == []


def test_numbers_and_encoded_tables():
    frame = load_diabetes(as_frame=True).frame.iloc[:90]
    frame["sex"] = np.where(frame["sex"] > 0, "m", "f")
    found = compare(
        "QuantumKernelSVR", frame, "target", baselines=["ridge regression"], cv=3, budget=1,
        labels=[20], ablate=True, seeds=2, verbose=0,
    )  # fmt: skip
    assert len(found.studies) == 3
    assert found.cautions == []


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"labels": [3]}, "2 classes need at least 4"),
        ({"labels": [75]}, "at most 70"),
        ({"labels": [1.5]}, "labels=1.5"),
        ({"seeds": 1}, "at least 2 seeds"),
        ({"seeds": -1}, "at least 2 seeds"),
        ({"sweep": {"encoding__bandwith": [1]}}, "Did you mean 'encoding__bandwidth'"),
        ({"sweep": {"encoding__bandwidth": "scale"}}, "give a list of values"),
        ({"sweep": {"encoding": ["zz"], "kernel": ["fidelity"]}}, "one parameter is swept"),
    ],
)
def test_bad_input_before_anything_is_fitted(options, said, monkeypatch):
    monkeypatch.setattr(QuantumKernelSVC, "fit", lambda *_: pytest.fail("fitted"))
    with pytest.raises(ValueError, match=said):
        compare("QuantumKernelSVC", X, y, cv=2, budget=1, verbose=0, **options)


def test_series_have_no_labels():
    with pytest.raises(ValueError, match="a series has none"):
        compare("QLSTMRegressor", np.sin(np.arange(99.0)), task="series", labels=[10], verbose=0)


def test_a_study_that_fails_costs_nothing_else():
    with pytest.warns(UserWarning, match="There is no study of C"):
        found = compare(
            {"mine": (QuantumKernelSVC("angle"), {})}, X, y, baselines=["logistic regression"],
            cv=2, budget=1, sweep={"C": [1.0, -1.0]}, ablate=True, verbose=0,
        )  # fmt: skip
    assert [study.title for study in found.studies] == ["Which stage of mine helps?"]
    assert "There is no study of C" in found.cautions[-1]
    assert found.complete


def test_on_the_command_line(capsys):
    flags = "--cv 2 --budget 1 --model QuantumKernelSVC --subsample 60 --labels 12 --sweep C=1,10"
    assert main(["compare", "iris", *flags.split()]) == 0
    out = capsys.readouterr().out
    assert "How many labels does it take?" in out
    assert "What does C do?" in out
    for flags, said in (("--labels ten", "whole numbers"), ("--sweep C", "n_layers=1,2,4")):
        assert main(["compare", "iris", *flags.split()]) == 2
        assert said in capsys.readouterr().err


def test_the_same_models_on_several_devices(capsys):
    devices = [DeviceTest(0.2, shots=100), DeviceTest(0.0, shots=None)]
    found = compare(
        {"kernel": (QuantumKernelSVC("angle"), {})}, X, y, baselines=["logistic regression"],
        cv=2, budget=1, device=devices, verbose=0,
    )  # fmt: skip
    assert found.device == devices[0]
    study = found.studies[0]
    assert study.head == ["model", "exact", devices[0].label, devices[1].label]
    exact = study.values["kernel, exact"]
    assert exact == [r.metrics["score"] for r in found.results if r.model == "kernel"]
    assert study.values[f"kernel, {devices[1].label}"] == exact
    there = [r.device.score for r in found.results if r.model == "kernel"]
    assert study.values[f"kernel, {devices[0].label}"] == there
    with pytest.raises(ValueError, match="given twice"):
        compare("QuantumKernelSVC", X, y, device=[devices[0]] * 2, verbose=0)
    with pytest.raises(TypeError, match="DeviceTest"):
        compare("QuantumKernelSVC", X, y, device=["willow_pink"], verbose=0)
    assert main(["advise", "iris", "--device", "0.1", "--device", "0.2"]) == 2
    assert "advice is on one device" in capsys.readouterr().err


def test_energy_is_measured_here_and_reckoned_for_a_device(tmp_path):
    pytest.importorskip("codecarbon")
    device = DeviceTest(noise=0.01, shots=100, seconds_per_shot=1e-3, power=20_000.0)
    found = compare(
        {"kernel": (QuantumKernelSVC("angle", kernel="fidelity"), {})},
        X,
        y,
        baselines=["logistic regression"],
        cv=3,
        budget=1,
        device=device,
        energy=True,
        verbose=0,
    )
    (study,) = found.studies
    assert study.title == "How much energy?"
    assert [row[0] for row in study.rows] == ["logistic regression", "kernel"]
    fit, predict, there = study.values["kernel"]
    # A fit takes milliseconds, and a processor less than a kilowatt.
    assert 1e-6 < fit < 100
    assert 1e-6 < predict < 100
    assert there == pytest.approx(80 * 81 / 2 * 100 * 1e-3 * 20_000.0)
    assert study.rows[1][3] == "1.8 kWh"
    assert study.rows[0][3] == "–"
    assert "assumed to draw 20 kW" in study.said
    again = Comparison.from_json(found.to_json(tmp_path / "found.json"))
    assert again.studies[0].rows == study.rows


def test_a_longer_fit_takes_more():
    pytest.importorskip("codecarbon")
    import time

    from skquantum.comparison._energy import Meter

    def busy(seconds):
        end = time.perf_counter() + seconds
        while time.perf_counter() < end:
            pass

    meter = Meter()
    short, long = (meter.joules(lambda seconds=s: busy(seconds)) for s in (0.05, 1.5))
    assert 10 < long / short < 90  # thirty times as long


def test_energy_without_codecarbon_says_what_to_install(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "codecarbon", None)
    with pytest.raises(ImportError, match=r"Energy needs codecarbon: .*\[energy\]"):
        compare(MODEL, X, y, energy=True, verbose=0)


@pytest.mark.parametrize("power", [-1, np.inf, "much"])
def test_a_power_is_checked(power):
    with pytest.raises(ValueError, match=r"power=.*a power in watts"):
        DeviceTest(power=power)
