"""Advice: the rule, sets that are built to have an answer, the command, and bad input."""

import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from sklearn.datasets import load_breast_cancer, load_diabetes, load_iris, make_moons
from sklearn.preprocessing import StandardScaler

from skquantum import QuantumKernelSVC, advise
from skquantum.circuits import ZZEncoding
from skquantum.cli import main
from skquantum.comparison import Advice, DeviceTest, KernelOutlook
from skquantum.datasets import make_ad_hoc, make_linearly_separable, make_two_curves
from skquantum.kernels import FidelityKernel

PUBLISHED = 'QuantumKernelSVC(ZZEncoding(bandwidth=1.0, entanglement="full"), kernel="fidelity")'


def outlook(name="quantum", complexity=50.0, **changes):
    kernel = KernelOutlook(name, 5.0, complexity, 100.0, 0.3, 0.2, 10, 4950.0, 100.0)
    return replace(kernel, **changes)


def given(quantum, classical, kernel=None, **changes):
    """Return advice for the scores of one quantum and one classical model."""
    advice = {
        "task": "classification",
        "metric": "accuracy",
        "n_rows": 100,
        "n_used": 100,
        "n_features": 4,
        "classes": {"a": 50, "b": 50},
        "scores": {"classical": np.array(classical), "quantum": np.array(quantum)},
        "baselines": ("classical",),
        "kernels": (kernel or outlook(),),
        "device": DeviceTest(),
        "latency": None,
        "test_to_train": 0.25,
    }
    return Advice(**advice | changes)


LOW, HIGH = [0.70, 0.75, 0.70, 0.75, 0.70], [0.90, 0.90, 0.95, 0.90, 0.90]


@pytest.mark.parametrize(
    ("advice", "decision", "says"),
    [
        (given([1.0] * 5, [0.99] * 5), "no", "classical already has a mean accuracy of 0.990"),
        (given(HIGH, LOW, n_rows=2_000_000), "no", "2,000,000 rows"),
        (given(HIGH, LOW), "yes", "start with quantum"),
        (given(HIGH, LOW, latency=5.0), "if", "a simulator may answer"),
        (given(HIGH, LOW, latency=20.0), "yes", "start with quantum"),
        (given(LOW, HIGH), "no", "difference -0.190"),
        (given(LOW, LOW[::-1]), "if", "a gain of at most"),
        (given(LOW, LOW[::-1], outlook(complexity=120.0)), "no", "Nor are the labels simpler"),
        (given([0.6, 0.9, 0.9], [0.7, 0.7, 0.7], outlook(complexity=120.0)), "if", "do not show"),
    ],
    ids=[
        "no room",
        "rows",
        "better",
        "latency",
        "in time",
        "worse",
        "simpler",
        "not simpler",
        "unclear",
    ],
)
def test_the_rule(advice, decision, says):
    assert advice.decision == decision
    assert says in advice.sentence


def test_what_else_is_said():
    kernel = outlook(spread=0.01, n_two_qubit_gates=140)
    advice = given(LOW, HIGH, kernel, latency=0.05, n_rows=500, classes={"a": 495, "b": 5})
    said = " ".join(advice.reasons())
    for text in (
        "Measured on 100 of 500 rows.",
        "Class b has 5 rows",
        "140 two-qubit gates: far too many",
        "spread by 0.010 only",
        "hardware can't, whose shots for a row take 10,000 ms",
        "4,950 circuits",
    ):
        assert text in said
    assert "two-qubit" not in " ".join(given(LOW, HIGH).reasons())
    calibrated = given(LOW, HIGH, kernel, two_qubit_error=0.01)
    assert "140 two-qubit gates: far too many for willow_pink" in " ".join(calibrated.reasons())
    assert "leaves 24 % of the runs" in " ".join(calibrated.reasons())
    good = given(LOW, HIGH, kernel, two_qubit_error=0.001)
    assert "two-qubit" not in " ".join(good.reasons())
    exact = replace(DeviceTest(), shots=None)
    assert "drown" not in " ".join(given(LOW, HIGH, kernel, device=exact).reasons())


def test_a_kernel_that_does_not_tell_its_circuits():
    kernel = outlook(fit_circuits=np.nan, row_circuits=np.nan)
    advice = given(LOW, HIGH, kernel, latency=1.0)
    assert "take an unknown time" in " ".join(advice.reasons())
    record = json.loads(json.dumps(advice.to_dict(), allow_nan=False))
    assert record["kernels"][0]["fit_circuits"] is None
    assert record["scores"]["quantum"] == LOW


def test_yes_on_labels_that_a_quantum_kernel_made():
    advice = advise(*make_ad_hoc(100, gap=0.3, random_state=0))
    assert (advice.decision, advice.start_with) == ("yes", PUBLISHED)
    rng = np.random.default_rng(0)
    X = rng.uniform(0, 2 * np.pi, (200, 2))
    kernel = FidelityKernel(ZZEncoding(bandwidth=1.0, entanglement="full"))(X)
    values = kernel @ rng.normal(size=200)
    advice = advise(X, values > np.median(values))
    assert (advice.decision, advice.start_with) == ("yes", PUBLISHED)
    chosen = next(k for k in advice.kernels if k.name == PUBLISHED)
    assert chosen.complexity < 0.5 * chosen.classical_complexity


def test_no_on_labels_that_a_classical_model_made():
    advice = advise(*make_linearly_separable(200, random_state=0))
    assert advice.decision == "no"
    assert "already has" in advice.sentence
    rng = np.random.default_rng(0)
    X = rng.normal(size=(150, 6))
    advice = advise(X, X @ rng.normal(size=6) + 0.5 * rng.normal(size=150))
    assert (advice.task, advice.decision) == ("regression", "no")
    assert advice.best_baseline == "ridge regression"


def test_the_gaussian_machine_gets_every_width():
    """With two settings fewer it would lose on curves that it separates without an error."""
    advice = advise(*make_two_curves(random_state=0))
    assert advice.scores["RBF SVM"].mean() > 0.98
    assert advice.decision == "no"


def test_whole_numbers_are_taken_for_what_the_task_says():
    """Values that are whole numbers are no classes, and classes that are floats no values."""
    X, y = load_diabetes(return_X_y=True)
    X, y = X[:80], y[:80]
    moved = advise(X, y + 0.25)
    for kernel, other in zip(advise(X, y).kernels, moved.kernels, strict=True):
        assert kernel.alignment == pytest.approx(other.alignment)
        assert kernel.complexity == pytest.approx(other.complexity)
    X, y = load_iris(return_X_y=True)
    whole, floats = (advise(X, labels, task="classification") for labels in (y, y.astype(float)))
    for kernel, other in zip(whole.kernels, floats.kernels, strict=True):
        assert kernel.alignment == pytest.approx(other.alignment)
        assert kernel.complexity == pytest.approx(other.complexity)


def test_circuits_of_a_row():
    """One for each support row of a fidelity kernel, one setting for each basis of another."""
    X, y = make_moons(60, noise=0.3, random_state=0)
    fidelity = next(k for k in advise(X, y).kernels if "fidelity" in k.name)
    rows = StandardScaler().fit_transform(X)
    fitted = QuantumKernelSVC("zz", kernel="fidelity").fit(rows, y)
    assert fidelity.row_circuits == len(fitted.support_)


def test_the_device_by_name_and_the_price():
    X, y = make_moons(60, noise=0.3, random_state=0)
    advice = advise(X, y, device="willow_pink", price=2.0)
    assert advice.device == DeviceTest("willow_pink", price_per_circuit=2.0)
    assert advice.two_qubit_error == pytest.approx(0.0034, abs=1e-4)
    assert "costs 2 a circuit" in str(advice).replace("\n", " ")
    assert repr(advice) == f"Advice({advice.decision!r}, start_with={advice.start_with!r})"


def test_it_is_reproducible_and_takes_a_sample():
    X, y = load_breast_cancer(return_X_y=True)
    one, two = (advise(X, y, max_rows=80, random_state=1) for _ in range(2))
    assert (one.n_rows, one.n_used, one.n_features) == (569, 80, 30)
    assert one.to_dict() == two.to_dict()


def test_tables_of_all_sorts():
    X, y = make_moons(120, noise=0.3, random_state=0)
    frame = pd.DataFrame(X, columns=["a", "b"])
    frame["colour"] = np.where(X[:, 0] > 0, "red", "blue")
    frame.loc[3, "a"] = np.nan
    frame["label"] = np.array(["no", "yes"])[y]
    advice = advise(frame, "label", max_rows=60)
    assert advice.classes == {"no": 60, "yes": 60}
    assert advice.n_features >= 3
    assert dict(advice.table)["colour"].startswith("2 categories")
    assert "The most frequent class: no, 50.0 % of the rows." in advice.reasons()
    frame["copy"] = y
    assert any("'copy' alone tells" in note for note in advise(frame, "label").notes)
    del frame["copy"]
    left = advise(frame, "label", drop="colour", max_rows=60)
    assert left.n_features < advice.n_features


def test_the_command(tmp_path, capsys):
    page, record = tmp_path / "advice.html", tmp_path / "advice.json"
    flags = ["--max-rows", "60", "--report", str(page), "--json", str(record)]
    assert (
        main(["advise", "iris", *flags, "--hardware-latency", "0.01", "--device", "willow_pink"])
        == 0
    )
    out = capsys.readouterr().out
    assert "Quantum kernels:" in out
    assert "hardware can't" in " ".join(out.split())
    found = json.loads(record.read_text(encoding="utf-8"))
    assert found["name"] == "iris"
    assert " ".join(out.split()).startswith(found["sentence"])
    html = page.read_text(encoding="utf-8")
    assert "<title>Advice: iris</title>" in html
    assert html.count("<table>") == 2


def test_the_command_on_a_file(tmp_path, capsys):
    path = tmp_path / "table.csv"
    load_diabetes(as_frame=True).frame.head(80).to_csv(path, index=False)
    assert main(["advise", str(path), "--target", "target"]) == 0
    assert "mean r2" in capsys.readouterr().out
    assert main(["advise", str(path), "--target", "targt"]) == 2
    assert "Did you mean 'target'" in capsys.readouterr().err
    assert main(["advise", "sunspots"]) == 2
    assert "skquantum.compare" in capsys.readouterr().err


def test_bad_input():
    X, y = make_moons(60, random_state=0)
    with pytest.raises(ValueError, match="latency=0: give seconds above 0"):
        advise(X, y, latency=0)
    with pytest.raises(ValueError, match="max_rows=5: give a number of rows of at least 30"):
        advise(X, y, max_rows=5)
    with pytest.raises(TypeError, match=r"give a skquantum.comparison.DeviceTest, the name"):
        advise(X, y, device=[0.1])
    with pytest.raises(ValueError, match="willow"):
        advise(X, y, device="wilow_pink")
    with pytest.raises(ValueError, match="price_per_circuit=-1: give a price"):
        advise(X, y, price=-1)
    with pytest.raises(ValueError, match="y is missing"):
        advise(X)
    with pytest.raises(ValueError, match="20 rows are too few"):
        advise(X[:20], y[:20])
    with pytest.raises(ValueError, match="one class"):
        advise(X, np.zeros(60, dtype=int))
    with pytest.raises(ValueError, match="No feature changes"):
        advise(np.ones_like(X), y)
    with pytest.raises(ValueError, match="NaN"):
        advise(np.where(X > 1, np.nan, X), y)
    with pytest.raises(ValueError, match="Unknown task"):
        advise(X, y, task="clustering")
