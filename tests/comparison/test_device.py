"""Would a model survive a device? What is measured, counted and said."""

import cirq
import numpy as np
import pytest
from sklearn.datasets import load_iris
from sklearn.svm import SVC

from skquantum import QuantumKernelSVC, QuantumKernelSVR, VariationalClassifier
from skquantum.circuits import AngleEncoding
from skquantum.cli import SHOTS, main
from skquantum.comparison import DecisionRule, DeviceTest, compare
from skquantum.comparison._pages.circuit import assumptions, price_on, time_on
from skquantum.execution import ReferenceBackend

X, Y = load_iris(return_X_y=True)
X, Y = X[::3], Y[::3]
LINEAR = {"baselines": ["logistic regression"], "cv": 2, "budget": 1}
KERNEL = {"kernel": QuantumKernelSVC(AngleEncoding(), C=10)}


def run(device, models=KERNEL, X=X, y=Y, **params):
    return compare(models, X, y, **{**LINEAR, "device": device, **params})


def test_models_are_tried_with_noise_and_shots():
    comparison = run(DeviceTest(0.3, shots=50))
    results = [r.device for r in comparison.of("kernel")]
    exact = [r.metrics["score"] for r in comparison.of("kernel")]
    for result, before in zip(results, exact, strict=True):
        assert result.error is None
        assert result.score < before  # so much noise leaves nothing
        assert result.kernel_deviation > 0.3
        assert 0 <= result.trained_score <= 1
    assert all(r.device is None for r in comparison.of("logistic regression"))
    (sentence,) = [p for label, p in _paragraphs(comparison) if label == "Device: "]
    assert sentence.startswith("kernel does not survive: accuracy 0.")
    assert "the rule allows a drop of 0.02" in sentence


def _paragraphs(comparison):
    from skquantum.comparison._pages.device import device_paragraphs

    return device_paragraphs(comparison)


def test_without_noise_nothing_changes():
    comparison = run(DeviceTest(None, shots=None))
    for result in comparison.of("kernel"):
        assert result.device.score == result.metrics["score"]
        assert result.device.trained_score == result.metrics["score"]
        assert result.device.kernel_deviation < 1e-5
    assert "kernel survives: accuracy" in str(comparison)
    assert "shots, a fit" not in str(comparison)


def test_circuits_are_counted_as_a_device_would_run_them():
    models = {
        **KERNEL,
        "projected": QuantumKernelSVC(AngleEncoding(), "projected"),
        "variational": VariationalClassifier(n_layers=1, max_iter=3, random_state=0),
    }
    comparison = run(DeviceTest(None, shots=10), models)
    by_name = {name: comparison.of(name)[0] for name in models}
    kernel = by_name["kernel"]
    n_train = kernel.n_train
    assert kernel.device.fit_circuits == kernel.resources["n_circuits"]
    assert kernel.device.fit_circuits <= n_train * (n_train + 1) / 2
    assert 0 < kernel.device.row_circuits <= n_train  # one for each support row
    # X, Y and Z for the row itself, and for the support rows once.
    rows = by_name["projected"].n_test
    assert 3 < by_name["projected"].device.row_circuits <= 3 * (1 + n_train / rows)
    assert by_name["variational"].device.row_circuits == 3  # X, Y and Z of all qubits
    assert np.isnan(by_name["variational"].device.trained_score)


def test_costs():
    test = DeviceTest(0.1, shots=100, price_per_shot=0.01, price_per_circuit=0.5)
    assert test.cost(10) == pytest.approx(10 * (0.5 + 1))
    comparison = run(test)
    (cells,) = [p for label, p in _paragraphs(comparison) if label == "kernel: "]
    n_circuits = np.mean([r.device.fit_circuits for r in comparison.of("kernel")])
    assert f"circuits, a fit {n_circuits:,.0f}" in cells
    assert f"cost, a fit {test.cost(n_circuits):,.2f}" in cells


def test_hours_and_money_rest_on_what_is_said_beside_them():
    own = DeviceTest(None, shots=2000, price_per_circuit=0.5, seconds_per_shot=0.01)
    assert own.busy(360) == 7200
    assert time_on(own, 360) == "2.0 hours"
    assert price_on(own, 360) == "180.00"
    assert assumptions(own) == (
        "Assumed: a circuit of 2,000 shots takes 20 s and costs 0.5 a circuit. Waiting in queues "
        "comes on top."
    )
    assert time_on(None, 103740) == "2.9 hours"
    assert price_on(None, 103740) == "3,600 to 16,000 USD"
    assert price_on(None, 1) == "0.035 to 0.15 USD"
    assert time_on(None, np.nan) == price_on(None, np.nan) == "–"


def test_the_rule_says_how_much_may_be_lost():
    lax = run(DeviceTest(0.3, shots=50), rule=DecisionRule(max_score_drop=0.9))
    assert "kernel survives: accuracy" in str(lax)


def test_reports_have_a_section_if_it_was_asked_for():
    html = run(DeviceTest(0.01, shots=100)).to_html()
    assert "<h2>Would it survive a device?</h2>" in html
    assert "depolarizing noise of 0.01, 100 shots" in html
    assert "Would it survive" not in run(None).to_html()


def test_regression_and_its_wrapper():
    comparison = run(
        DeviceTest(0.05, shots=200),
        {"kernel": QuantumKernelSVR(AngleEncoding())},
        X[:, :3],
        X[:, 3],
        baselines=["ridge regression"],
    )
    assert "kernel " in str(comparison)
    assert all(np.isfinite(r.device.score) for r in comparison.of("kernel"))


def test_what_cannot_be_tried_is_said_and_spoils_nothing():
    models = {"no circuits": SVC(), "other": QuantumKernelSVC(backend=ReferenceBackend())}
    comparison = run(DeviceTest(0.1, shots=10), models)
    text = " ".join(str(comparison).split())
    assert "no circuits could not be tried: ValueError: Pipeline has no fitted part" in text
    assert comparison.complete
    assert comparison.of("other")[0].device.error is None  # it moves to the device, too


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda: DeviceTest(price_per_shot=-1), ValueError, "price_per_shot=-1"),
        (lambda: DeviceTest(seconds_per_shot=-1), ValueError, "give a time of at least 0"),
        (lambda: DeviceTest(shots=None, price_per_shot=1), ValueError, "finite number of shots"),
        (lambda: run("willow_pink"), TypeError, "give a skquantum.comparison.DeviceTest"),
        (lambda: run(DeviceTest(1.5)), ValueError, "noise=1.5 is no probability"),
        (lambda: run(DeviceTest(0.1, shots=0)), ValueError, "shots"),
        (lambda: run(DeviceTest(cirq.X)), TypeError, "The 'noise' parameter"),
    ],
)
def test_bad_input_shows_before_anything_runs(make, error, message):
    with pytest.raises(error, match=message):
        make()


def test_the_command_line(tmp_path, capsys):
    report = tmp_path / "report.html"
    arguments = "compare iris --subsample 30 --cv 2 --budget 1 --device 0.01 --shots 50"
    arguments += f" --price-per-circuit 0.1 --report {report}"
    assert main(arguments.split()) == 0
    printed = capsys.readouterr().out
    assert (
        "Would it survive a device? (depolarizing noise of 0.01, 50 shots; simulated)" in printed
    )
    assert "cost, a fit" in printed
    assert "Would it survive a device?" in report.read_text(encoding="utf-8")
    assert DeviceTest().shots == SHOTS


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ("--shots 100", "--shots needs --device"),
        ("--price-per-shot 1", "--price-per-shot needs --device"),
        ("--device 2", "noise=2.0 is no probability"),
    ],
)
def test_bad_options(arguments, message, capsys):
    assert main(["compare", "iris", *arguments.split()]) == 2
    assert message in capsys.readouterr().err
