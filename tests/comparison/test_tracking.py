"""Comparisons and advice in a real MLflow, whose store is a folder."""

import sys

import numpy as np
import pytest
from sklearn.datasets import load_iris, make_moons
from sklearn.svm import SVC

from skquantum import Comparison, QuantumKernelSVC, VariationalClassifier, advise, compare

mlflow = pytest.importorskip("mlflow")
pytestmark = [
    pytest.mark.filterwarnings("ignore::FutureWarning"),
    pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning"),
]


@pytest.fixture(autouse=True)
def store(tmp_path, monkeypatch):
    monkeypatch.setenv("MLFLOW_ALLOW_FILE_STORE", "true")
    mlflow.set_tracking_uri(f"file:{tmp_path / 'runs'}")
    mlflow.set_experiment("here")
    yield
    mlflow.set_tracking_uri(None)


def test_a_comparison_is_logged_whole(tmp_path):
    X, y = make_moons(60, noise=0.2, random_state=0)
    models = {
        "kernel": (QuantumKernelSVC("angle"), {"C": [1.0, 10.0]}),
        "trained": (VariationalClassifier(n_layers=1, max_iter=4), {}),
        "a (strange) name": (SVC(), {}),
    }
    found = compare(models, X, y, baselines=["logistic regression"], cv=2, budget=2, verbose=0)
    client = mlflow.MlflowClient()
    run = client.get_run(found.log_to_mlflow("moons"))
    assert run.info.run_name == "moons"
    assert run.data.tags["skquantum.headline"] == found.headline
    assert run.data.params["seed"] == "0"
    folder = mlflow.artifacts.download_artifacts(run_id=run.info.run_id, dst_path=str(tmp_path))
    again = Comparison.from_json(f"{folder}/comparison.json")
    assert str(again) == str(found)
    inner = client.search_runs(
        [run.info.experiment_id], f"tags.mlflow.parentRunId = '{run.info.run_id}'"
    )
    by_name = {each.info.run_name: each for each in inner}
    assert set(by_name) == set(found.models)
    for name, each in by_name.items():
        assert each.data.metrics["accuracy"] == pytest.approx(found.mean(name, "accuracy")[0])
        folds = client.get_metric_history(each.info.run_id, "fold score")
        assert [fold.value for fold in folds] == [r.metrics["score"] for r in found.of(name)]
    assert by_name["kernel"].data.metrics["n_qubits"] == 2
    assert "C" in by_name["kernel"].data.params
    losses = client.get_metric_history(by_name["trained"].info.run_id, "loss")
    assert [loss.value for loss in losses] == list(found.of("trained")[-1].loss_curve)


def test_advice_is_logged(tmp_path):
    advice = advise(*load_iris(return_X_y=True), max_rows=60)
    run = mlflow.MlflowClient().get_run(advice.log_to_mlflow())
    assert run.data.params["decision"] == advice.decision
    key = f"scores.{advice.best_baseline}.0"
    assert run.data.metrics[key] == pytest.approx(float(advice.scores[advice.best_baseline][0]))
    folder = mlflow.artifacts.download_artifacts(run_id=run.info.run_id, dst_path=str(tmp_path))
    with open(f"{folder}/advice.html", encoding="utf-8") as page:
        assert advice.sentence[:40] in page.read()


def test_without_mlflow(monkeypatch):
    X, y = make_moons(40, random_state=0)
    found = compare({"m": (SVC(), {})}, X, y, baselines=["RBF SVM"], cv=2, budget=1, verbose=0)
    monkeypatch.setitem(sys.modules, "mlflow", None)
    with pytest.raises(ImportError, match=r"pip install '.\[mlflow\]'"):
        found.log_to_mlflow()
    assert np.isfinite(found.mean("m", "accuracy")[0])
