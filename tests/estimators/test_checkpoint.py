"""Trainings in a file: after a kill they go on, and come to the same result."""

import os
import signal
import subprocess
import sys
import textwrap
import time

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.datasets import make_moons

from skquantum import (
    QLSTMClassifier,
    QLSTMRegressor,
    QuantumPoolingTransformer,
    VariationalClassifier,
    VariationalRegressor,
)
from skquantum.estimators import _checkpoint

X, LABELS = make_moons(24, noise=0.2, random_state=0)
VALUES = X[:, 0] ** 2 + X[:, 1]
SHORT = {"max_iter": 6, "tol": 0.0, "random_state": 0, "batch_size": 10}
MODELS = {
    "classifier": (VariationalClassifier(n_layers=1, **SHORT), LABELS),
    "regressor": (VariationalRegressor(n_layers=1, solver="adam", **SHORT), VALUES),
    "pooling": (QuantumPoolingTransformer(solver="adam", **SHORT), LABELS),
    "recurrent": (QLSTMRegressor(hidden_size=2, solver="rmsprop", **SHORT), VALUES),
    "labels of sequences": (QLSTMClassifier(hidden_size=2, **SHORT), LABELS),
}
pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


class Killed(Exception):
    """As good as a kill: nothing of the process is left but the file."""


def interrupted(model, y, after, monkeypatch):
    """Fit until so many epochs are in the file."""
    note, seen = _checkpoint.Checkpoint.note, []

    def noted(self, *arguments):
        note(self, *arguments)
        seen.append(None)
        if len(seen) == after:
            self.write()
            raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(_checkpoint.Checkpoint, "note", noted)
        with pytest.raises(Killed):
            model.fit(X, y)


def same(one, other):
    assert one.loss_curve_ == other.loss_curve_
    assert_array_equal(one.weights_, other.weights_)
    assert one.resources_ == other.resources_


@pytest.mark.parametrize("name", MODELS)
@pytest.mark.parametrize("options", [{}, {"early_stopping": True}], ids=str)
def test_what_was_killed_comes_to_the_same_result(name, options, tmp_path, monkeypatch):
    model, y = MODELS[name]
    model = type(model)(**model.get_params(deep=False) | options)
    expected = type(model)(**model.get_params(deep=False)).fit(X, y)
    model.set_params(checkpoint=tmp_path / "training.npz")
    interrupted(model, y, 3, monkeypatch)
    assert not hasattr(model, "loss_curve_")  # a fit that failed has learned nothing
    same(model.fit(X, y), expected)


@pytest.mark.parametrize("solver", ["adam", "rmsprop", "sgd", "spsa", "natural"])
@pytest.mark.parametrize("batch_size", [7, "auto"])
def test_solvers(solver, batch_size, tmp_path, monkeypatch):
    options = {**SHORT, "n_layers": 1, "solver": solver, "batch_size": batch_size}
    expected = VariationalClassifier(**options).fit(X, LABELS)
    model = VariationalClassifier(checkpoint=tmp_path / "training.npz", **options)
    for after in (2, 1):  # killed twice
        interrupted(model, LABELS, after, monkeypatch)
    same(model.fit(X, LABELS), expected)


def test_a_finished_training_is_there_at_once_and_may_go_on(tmp_path):
    options = {**SHORT, "n_layers": 1, "checkpoint": tmp_path / "training.npz"}
    first = VariationalClassifier(**options).fit(X, LABELS)
    again = VariationalClassifier(**options).fit(X, LABELS)
    same(again, first)
    longer = VariationalClassifier(**options | {"max_iter": 9}).fit(X, LABELS)
    same(longer, VariationalClassifier(**{**SHORT, "n_layers": 1, "max_iter": 9}).fit(X, LABELS))
    assert longer.loss_curve_[:6] == first.loss_curve_


def test_a_training_that_converged_has_ended(tmp_path, monkeypatch):
    options = {**SHORT, "max_iter": 50, "tol": 1.0, "n_iter_no_change": 2, "n_layers": 1}
    expected = VariationalClassifier(**options).fit(X, LABELS)
    model = VariationalClassifier(checkpoint=tmp_path / "training.npz", **options)
    same(model.fit(X, LABELS), expected)
    assert len(expected.loss_curve_) < 10

    def never(*arguments):
        raise AssertionError("a step was taken")

    monkeypatch.setattr("skquantum.estimators._training._gradient_step", never)
    same(model.fit(X, LABELS), expected)


CHILD = """
    import sys
    from sklearn.datasets import make_moons
    from skquantum import VariationalClassifier
    from skquantum.estimators import _checkpoint

    _checkpoint.EVERY = 0.0
    X, y = make_moons(24, noise=0.2, random_state=0)
    model = VariationalClassifier(
        n_layers=1, max_iter=int(sys.argv[2]), tol=0.0, n_iter_no_change=10**6, random_state=0,
        batch_size=10, checkpoint=sys.argv[1], verbose=True,
    )
    model.fit(X, y)
"""


@pytest.mark.skipif(os.name == "nt", reason="no such signal")
def test_a_process_that_was_killed(tmp_path):
    path = tmp_path / "training.npz"
    arguments = [sys.executable, "-u", "-c", textwrap.dedent(CHILD), str(path), "100000"]
    with subprocess.Popen(arguments, stdout=subprocess.PIPE, text=True) as child:
        for _ in range(30):
            child.stdout.readline()
        child.send_signal(signal.SIGKILL)
    with np.load(path) as found:
        n_done = str(found["state"]).count(",")
    assert n_done > 20
    options = {**SHORT, "n_layers": 1, "n_iter_no_change": 10**6, "max_iter": 400}
    model = VariationalClassifier(checkpoint=path, **options).fit(X, LABELS)
    expected = VariationalClassifier(**options).fit(X, LABELS)
    same(model, expected)


def test_files_are_written_now_and_then(tmp_path, monkeypatch):
    written = []
    monkeypatch.setattr(_checkpoint.os, "replace", lambda *a: written.append(a))
    begin = time.monotonic()
    VariationalClassifier(n_layers=1, checkpoint=tmp_path / "t.npz", **SHORT).fit(X, LABELS)
    assert 1 <= len(written) <= 3 + time.monotonic() - begin


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"learning_rate": 0.02}, r"learning_rate \(it was 0.05, and is 0.02\)"),
        ({"n_layers": 2}, r"n_layers \(it was 1, and is 2\)"),
        ({"encoding": "zz"}, "encoding"),
        ({"random_state": 1}, r"random_state"),
    ],
    ids=str,
)
def test_the_file_of_another_training_is_refused(change, said, tmp_path):
    path = tmp_path / "training.npz"
    options = {**SHORT, "n_layers": 1, "learning_rate": 0.05, "checkpoint": path}
    VariationalClassifier(**options).fit(X, LABELS)
    before = path.read_bytes()
    with pytest.raises(ValueError, match=f"of another training: .*{said}"):
        VariationalClassifier(**options | change).fit(X, LABELS)
    assert path.read_bytes() == before


def test_the_file_of_other_data_or_another_model_is_refused(tmp_path):
    path = tmp_path / "training.npz"
    options = {**SHORT, "n_layers": 1, "checkpoint": path}
    VariationalClassifier(**options).fit(X, LABELS)
    with pytest.raises(ValueError, match=r"data \(it was .*remove the file"):
        VariationalClassifier(**options).fit(X + 1e-9, LABELS)
    with pytest.raises(ValueError, match="estimator .it was VariationalClassifier"):
        VariationalRegressor(solver="adam", **options).fit(X, VALUES)


@pytest.mark.parametrize("content", [b"", b"no archive", None], ids=repr)
def test_a_damaged_file_is_refused(content, tmp_path):
    path = tmp_path / "training.npz"
    model = VariationalClassifier(n_layers=1, checkpoint=path, **SHORT)
    if content is None:
        model.fit(X, LABELS)
        content = path.read_bytes()[:-400]
    path.write_bytes(content)
    with pytest.raises(ValueError, match="could not be read .*remove the file"):
        model.fit(X, LABELS)


def test_a_file_of_another_version_is_refused(tmp_path, monkeypatch):
    path = tmp_path / "training.npz"
    model = VariationalClassifier(n_layers=1, checkpoint=path, **SHORT).fit(X, LABELS)
    monkeypatch.setattr(_checkpoint, "FORMAT", 2)
    with pytest.raises(ValueError, match="version 1 of its format"):
        model.fit(X, LABELS)


@pytest.mark.parametrize("name", [".", "missing/training.npz"])
def test_a_path_that_cannot_be_written_is_told_before(name, tmp_path):
    model = VariationalClassifier(n_layers=1, checkpoint=tmp_path / name, **SHORT)
    with pytest.raises(ValueError, match="no file in a folder that can be written to"):
        model.fit(X, LABELS)


def test_solvers_of_scipy_have_no_file(tmp_path):
    model = VariationalClassifier(solver="lbfgs", checkpoint=tmp_path / "t.npz")
    with pytest.raises(ValueError, match="needs a solver that goes step by step"):
        model.fit(X, LABELS)


def test_partial_fit_writes_nothing(tmp_path):
    path = tmp_path / "training.npz"
    model = VariationalClassifier(n_layers=1, checkpoint=path, **SHORT)
    model.partial_fit(X, LABELS, classes=[0, 1])
    assert not path.exists()


def test_predictions(tmp_path, monkeypatch):
    options = {**SHORT, "n_layers": 1}
    model = VariationalClassifier(checkpoint=tmp_path / "t.npz", **options)
    interrupted(model, LABELS, 4, monkeypatch)
    found = model.fit(X, LABELS).predict_proba(X)
    assert_allclose(found, VariationalClassifier(**options).fit(X, LABELS).predict_proba(X))


def test_a_warm_start_and_a_file_are_two_answers(tmp_path):
    model = VariationalClassifier(warm_start=True, checkpoint=tmp_path / "t.npz")
    with pytest.raises(ValueError, match="both say where a fit goes on from"):
        model.fit(X, LABELS)


def test_what_cannot_be_written_stops_no_training(tmp_path, monkeypatch):
    def full(*arguments):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(_checkpoint.os, "replace", full)
    options = {**SHORT, "n_layers": 1}
    with pytest.warns(RuntimeWarning, match="could not be written .No space left"):
        found = VariationalClassifier(checkpoint=tmp_path / "t.npz", **options).fit(X, LABELS)
    same(found, VariationalClassifier(**options).fit(X, LABELS))
    assert not list(tmp_path.iterdir())
