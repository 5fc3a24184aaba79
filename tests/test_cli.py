import re
import signal
import subprocess
import sys
import time

import numpy as np
import pandas as pd
import pytest
from sklearn.datasets import load_iris

from skquantum import __version__, cli
from skquantum.cli import main
from skquantum.comparison import MODELS, DecisionRule, _commands, _models, _series
from skquantum.comparison import _runner as runner


@pytest.fixture
def flowers(tmp_path):
    """Return a CSV file of 45 irises."""
    frame = load_iris(as_frame=True).frame.groupby("target").head(15)
    path = tmp_path / "flowers.csv"
    frame.to_csv(path, index=False)
    return path


def test_compare_a_file(flowers, tmp_path, capsys):
    report = tmp_path / "report.html"
    arguments = [str(flowers), "--target", "target", "--cv", "2", "--report", str(report)]
    arguments += ["--budget", "2"]
    assert main(["compare", *arguments, "--seed", "3"]) == 0
    out, err = capsys.readouterr()
    assert out.startswith("flowers.csv: 45 rows, 4 features, classification")
    assert "Verdict: " in out
    assert out.index("Rule: ") < out.index("* best in its column")
    assert f"Report: {report}" in out
    assert err.startswith("Rule: ")
    assert "[12/12]" in err
    page = report.read_text(encoding="utf-8")
    assert "Model comparison: flowers.csv" in page
    assert f"skquantum compare {flowers} --target target --cv 2" in page


def test_options_reach_the_comparison(monkeypatch, capsys):
    seen = {}

    def compare(models, X, y, **options):
        seen.update(options, models=models, n=len(y))
        raise KeyboardInterrupt

    monkeypatch.setattr(_commands, "compare", compare)
    options = "--model QuantumKernelSVC --subsample 90 --scoring f1_macro --n-jobs 2"
    rule = "--max-score-drop 0.1 --max-cost-ratio 9 --alpha 0.1 --hardware-latency 3 --latency 0.5"
    assert main(["compare", "iris", *options.split(), *rule.split()]) == 130
    assert "interrupted before anything was finished" in capsys.readouterr().err
    assert (seen["models"], seen["n"]) == (["QuantumKernelSVC"], 90)
    assert (seen["scoring"], seen["n_jobs"], seen["task"]) == ("f1_macro", 2, "classification")
    rule = seen["rule"]
    assert (rule.max_score_drop, rule.max_cost_ratio, rule.alpha) == (0.1, 9, 0.1)
    assert (rule.hardware_latency, rule.latency_floor) == (3, 0.5)
    main(["compare", "iris"])
    assert seen["n_jobs"] == -1


def test_several_models_and_data_behind_them(monkeypatch):
    def compare(models, X, y, **options):
        seen.append((models, len(y)))
        raise KeyboardInterrupt

    seen, both = [], ["QuantumKernelSVC", "VariationalClassifier"]
    monkeypatch.setattr(_commands, "compare", compare)
    main(["compare", "--model", "QuantumKernelSVC", "iris"])
    main(["compare", "--model", *both, "iris"])
    main(["compare", "iris", "--model", *both])
    main(["compare", "iris", "--model", both[0], "--model", both[1]])
    assert seen == [(["QuantumKernelSVC"], 150), (both, 150), (both, 150), (both, 150)]
    main(["compare", "iris", "--model", ",".join(both)])
    main(["compare", "--model", ",".join(both), "iris"])
    assert seen[4:] == [(both, 150), (both, 150)]
    with pytest.raises(SystemExit, match="2"):
        main(["compare", "--model", "QuantumKernelSVC"])


@pytest.mark.parametrize(
    ("data", "model"), [("wine", "QuantumKernelSVC"), ("diabetes", "QuantumKernelSVR")]
)
def test_the_default_model_does_the_task(monkeypatch, data, model):
    def compare(models, X, y, **options):
        assert models == [model]
        raise KeyboardInterrupt

    monkeypatch.setattr(_commands, "compare", compare)
    assert main(["compare", data]) == 130


def test_ctrl_c_prints_and_writes_what_is_finished(monkeypatch, flowers, tmp_path, capsys):
    real, calls = runner.evaluate, []

    def evaluate(*arguments):
        calls.append(arguments)
        if len(calls) > 11:
            raise KeyboardInterrupt
        return real(*arguments)

    monkeypatch.setattr(runner, "evaluate", evaluate)
    report = tmp_path / "report.html"
    assert (
        main(
            ["compare", str(flowers), "--cv", "2", "--budget", "1", "--n-jobs", "1"]
            + ["--report", str(report)]
        )
        == 130
    )
    assert "INCOMPLETE: 11 of 12" in capsys.readouterr().out
    assert "INCOMPLETE: 11 of 12" in report.read_text(encoding="utf-8")


def test_models(capsys):
    assert main(["models"]) == 0
    out = capsys.readouterr().out
    for name in (*MODELS, "logistic regression", "ridge regression", "breast_cancer"):
        assert name in out


@pytest.mark.parametrize("arguments", [["--help"], ["compare", "--help"], ["models", "--help"]])
def test_help(arguments, capsys):
    with pytest.raises(SystemExit, match="0"):
        main(arguments)
    assert "usage: skquantum" in capsys.readouterr().out


def test_version_and_module():
    found = subprocess.run(
        [sys.executable, "-m", "skquantum", "--version"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert found.stdout.strip() == f"skquantum {__version__}"


def test_defaults_are_those_of_the_comparison():
    rule = DecisionRule()
    limits = (cli.MAX_SCORE_DROP, cli.MAX_COST_RATIO, cli.LATENCY, cli.ALPHA)
    fields = (rule.max_score_drop, rule.max_cost_ratio, rule.latency_floor, rule.alpha)
    assert limits == fields
    assert (cli.WINDOW, cli.HORIZON) == (_series.WINDOW, _series.HORIZON)
    assert cli.TASKS == _models.TASKS


@pytest.mark.parametrize("arguments", [["--help"], ["compare", "--help"], ["compare"], ["compar"]])
def test_help_and_errors_in_arguments_do_not_import_what_takes_long(arguments):
    code = (
        "import sys\nfrom skquantum.cli import main\n"
        "try:\n    main(sys.argv[1:])\nfinally:\n    print(*sys.modules)"
    )
    found = subprocess.run(
        [sys.executable, "-c", code, *arguments], capture_output=True, text=True
    )
    assert "usage: skquantum" in found.stdout + found.stderr
    modules = {name.split(".")[0] for name in found.stdout.split()}
    assert "argparse" in modules
    assert not modules & {"cirq", "numpy", "scipy", "sklearn", "sympy"}


@pytest.mark.skipif(sys.platform == "win32", reason="no SIGINT for a child process")
@pytest.mark.parametrize("seconds", [0.2, 0.6, 1.2])
def test_ctrl_c_in_the_first_seconds_shows_no_traceback(seconds):
    # The program says that it has begun, so that the interpreter's own start is not interrupted.
    code = "from skquantum.cli import main\nprint('begun', flush=True)\nraise SystemExit(main())"
    child = subprocess.Popen(
        [sys.executable, "-c", code, "compare", "digits"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert child.stdout.readline() == "begun\n"
    time.sleep(seconds)
    child.send_signal(signal.SIGINT)
    _, err = child.communicate(timeout=60)
    # An interrupt inside an import can also make the interpreter end by the signal itself.
    assert child.returncode in (130, -signal.SIGINT)
    assert re.search("interrupted", err, re.IGNORECASE)
    assert "Traceback" not in err


def write(tmp_path, **columns):
    path = tmp_path / "data.csv"
    base = {"a": np.random.default_rng(0).normal(size=60), "kind": ["x", "y"] * 30}
    pd.DataFrame(base | columns).to_csv(path, index=False)
    return str(path)


@pytest.mark.parametrize(
    ("columns", "arguments", "message"),
    [
        ({}, [], "Name it with --target, one of: a, kind"),
        ({}, ["--target", "knd"], "Unknown column 'knd'. Did you mean 'kind'?"),
        ({"kind": [None] * 60}, ["--target", "kind"], "is missing in all rows"),
        ({"b": ["u", "v"] * 30}, ["--target", "kind", "--no-encode"], "not numeric: b"),
        ({"b": [1.0, None] * 30}, ["--target", "kind", "--no-encode"], "b (30)"),
        ({}, ["--target", "kind", "--drop", "A"], "--drop: Unknown column 'A'. Did you mean"),
        ({}, ["--target", "kind", "--drop", "a"], "No column is left to learn from: a: left out"),
        ({}, ["--target", "kind", "--features", "a,kind"], "Unknown column 'kind'"),
        ({"b": range(60)}, ["--target", "b", "--task", "classification"], "too many for classes"),
        ({"kind": ["x"] * 60}, ["--target", "kind"], "one class, x"),
        ({"kind": ["x"] * 57 + ["y"] * 3}, ["--target", "kind"], "Class 'y' has 3 rows"),
        (
            {"kind": [1] * 57 + [2] * 3},
            ["--target", "kind"],
            "say so with task='regression' (--task",
        ),
        ({}, ["--target", "kind", "--model", "QSVC"], "Unknown model 'QSVC'"),
        ({}, ["--target", "kind", "--model", "QuantumKernelSVR"], "must be numeric"),
        ({}, ["--target", "kind", "--cv", "1"], "cv=1"),
        ({}, ["--target", "kind", "--budget", "0"], "budget=0"),
        ({}, ["--target", "kind", "--subsample", "99"], "the data have 60 rows"),
        ({}, ["--target", "kind", "--scoring", "accuracie"], "Did you mean 'accuracy'?"),
        ({}, ["--target", "kind", "--scoring", "acc"], "Did you mean 'accuracy'?"),
        ({}, ["--target", "kind", "--scoring", "r2"], "is a score for numbers"),
        ({}, ["--target", "kind", "--scoring", "f1"], "Give f1_macro or accuracy"),
        ({}, ["--target", "kind", "--scoring", "neg_log_loss"], "needs probabilities"),
        (
            {},
            ["--target", "a", "--scoring", "f1_macro", "--features", "kind"],
            "score for numbers,",
        ),
        ({}, ["--target", "kind", "--n-jobs", "0"], "n_jobs=0 (--n-jobs): give a number"),
        ({}, ["--target", "kind", "--device", "wilow"], "Did you mean 'willow_pink'? Choose from"),
        ({}, ["--target", "kind", "--report", f"{'x' * 300}.html"], "Name another file"),
        ({}, ["--target", "kind", "--alpha", "2"], "alpha=2.0"),
        ({}, ["--target", "kind", "--seed", "-1"], "random_state=-1"),
        ({}, ["--target", "kind", "--report", "no/such/report.html"], "folder that exists"),
    ],
)
def test_bad_input_is_one_line_and_exit_code_2(tmp_path, capsys, columns, arguments, message):
    assert main(["compare", write(tmp_path, **columns), *arguments]) == 2
    err = capsys.readouterr().err
    assert err.startswith("skquantum: error: ")
    assert err.count("\n") == 1
    assert message in err


def test_a_wrong_flag_shows_the_usage_of_its_command(capsys):
    with pytest.raises(SystemExit, match="2"):
        main(["compare", "iris", "--targe-column", "a"])
    err = capsys.readouterr().err
    assert err.startswith("usage: skquantum compare ")
    assert "unrecognized arguments: --targe-column a. Did you mean '--target'?" in err
    with pytest.raises(SystemExit, match="2"):
        main(["compare", "iris", "--metric", "f1"])
    assert "Did you mean '--scoring'?" in capsys.readouterr().err


def test_a_refused_run_leaves_no_report(tmp_path, capsys):
    report, old = tmp_path / "new.html", tmp_path / "old.html"
    old.write_text("as it was")
    for path in (report, old):
        arguments = ["--target", "kind", "--scoring", "r2", "--report", str(path)]
        assert main(["compare", write(tmp_path), *arguments]) == 2
    assert not report.exists()
    assert old.read_text() == "as it was"


def test_no_terminal_escapes_out_of_a_file(tmp_path, capsys):
    path = tmp_path / "data.csv"
    path.write_text("\x1b[31mred,a\x1b]0;title\x07,target\n1,2,\x1b[2Jx\n2,3,y\n" * 1)
    for arguments in ([], ["--target", "b"], ["--target", "target"], ["--target", "a"]):
        assert main(["compare", str(path), *arguments]) == 2
    found = capsys.readouterr()
    assert "\x1b" not in found.out + found.err
    assert "\\x1b[31mred" in found.err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["compare", "breast_cancr"], "Did you mean 'breast_cancer'?"),
        (["compare", "missing.csv"], "There is no file"),
        (["compare", "iris", "--target", "a"], "its target cannot be chosen"),
    ],
)
def test_unknown_data(arguments, message, capsys):
    assert main(arguments) == 2
    assert message in capsys.readouterr().err


def test_a_failing_model_is_exit_code_1(monkeypatch, flowers, capsys):
    def fail(self, X, y, sample_weight=None):
        raise RuntimeError("no qubits")

    monkeypatch.setattr(MODELS["QuantumKernelSVC"].make, "fit", fail)
    assert main(["compare", str(flowers), "--cv", "2", "--budget", "1", "--n-jobs", "1"]) == 1
    assert "QuantumKernelSVC failed: RuntimeError: no qubits" in capsys.readouterr().err
