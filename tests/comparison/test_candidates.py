import numpy as np
import pytest
from sklearn.decomposition import PCA
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

from skquantum import QuantumKernelSVC
from skquantum.circuits import AngleEncoding
from skquantum.comparison import BASELINES, MODELS
from skquantum.comparison._candidates import (
    infer_task,
    make_candidates,
    named_baselines,
    named_models,
)
from skquantum.comparison._models import TASKS

MANY = {"C": list(np.logspace(-3, 3, 20))}


def candidates(models, baselines="default", task="classification", budget=6, seed=0):
    return make_candidates(
        named_models(models, task),
        named_baselines(baselines, task),
        task=task,
        preprocessing=StandardScaler(),
        budget=budget,
        seed=seed,
    )


@pytest.mark.parametrize(
    "models",
    [
        "QuantumKernelSVC",
        ["QuantumKernelSVC"],
        QuantumKernelSVC(),
        [QuantumKernelSVC()],
        {"QuantumKernelSVC": QuantumKernelSVC()},
        {"QuantumKernelSVC": "QuantumKernelSVC"},
        {"QuantumKernelSVC": (QuantumKernelSVC(), MODELS["QuantumKernelSVC"].grid)},
    ],
)
def test_all_ways_to_name_a_model_mean_the_same(models):
    found = candidates(models)[-1].entrant
    assert found == candidates("QuantumKernelSVC")[-1].entrant


@pytest.mark.parametrize("task", TASKS)
def test_everybody_registered_has_the_same_budget_and_preprocessing(task):
    models = [name for name, entry in MODELS.items() if task in entry.tasks]
    found = candidates(models, task=task)
    naive = {"persistence", "seasonal naive"}  # which have nothing to tune or to scale
    found = [candidate for candidate in found if candidate.entrant.name not in naive]
    assert {candidate.entrant.n_settings for candidate in found} == {6}
    assert {candidate.entrant.n_offered for candidate in found} == {6}
    for candidate in found:
        pipeline = getattr(candidate.estimator, "regressor", candidate.estimator)
        assert isinstance(pipeline.steps[0][1], StandardScaler)
    assert len(BASELINES[task]) >= 4


def test_baselines_come_first():
    assert [c.entrant.is_baseline for c in candidates("QuantumKernelSVC")] == [True] * 5 + [False]


@pytest.mark.parametrize("task", TASKS)
def test_gradient_boosting_is_among_the_baselines(task):
    names = [name for name, _, _ in named_baselines("default", task)]
    assert "gradient boosting" in names
    assert "small MLP" in names


def test_what_the_user_has_set_is_not_tuned():
    found = candidates([QuantumKernelSVC(C=3), QuantumKernelSVC(AngleEncoding(reps=2))])
    assert list(found[-2].entrant.grid) == ["encoding__bandwidth"]
    assert list(found[-1].entrant.grid) == ["C"]
    assert found[-1].entrant.name == "QuantumKernelSVC-2"


def test_a_class_that_is_not_registered_is_taken_as_it_is():
    assert candidates(SVC(C=7))[-1].settings == [{}]


def test_a_grid_beyond_the_budget_is_sampled():
    first, again, other = (
        candidates({"mine": (SVC(), MANY)}, budget=5, seed=seed)[-1] for seed in (0, 0, 1)
    )
    assert (first.entrant.n_settings, first.entrant.n_offered) == (5, 20)
    assert first.settings == again.settings != other.settings
    assert {setting["model__C"] for setting in first.settings} <= set(MANY["C"])


def test_a_sampled_grid_starts_at_the_models_own_setting():
    def first(models, budget=1, **options):
        found = candidates(models, budget=budget, **options)
        assert all(len({str(s) for s in c.settings}) == len(c.settings) for c in found)
        return {c.entrant.name: c.settings[0] for c in found}

    for budget in (1, 4):
        found = first(
            {"mine": (SVC(C=7), {"C": [0.1, 5, 100], "shrinking": [True, False]})}, budget
        )
        assert found["mine"] == {"model__C": 5, "model__shrinking": True}
        assert found["logistic regression"] == {"model__C": 1.0}
        assert found["RBF SVM"] == {"model__C": 1.0, "model__gamma": "scale"}
    # Neither a parameter of a part not made yet nor a value that is no number has a nearest one.
    found = first(["VariationalClassifier", "QuantumKernelSVC"])
    assert found["VariationalClassifier"]["model__embedding"] == "linear"
    assert found["QuantumKernelSVC"] == {"model__C": 1.0, "model__encoding__bandwidth": "scale"}


def test_seeds_are_set_where_the_user_has_none():
    found = candidates(
        {"a": LogisticRegression(), "b": LogisticRegression(random_state=7)}, seed=3
    )
    seeds = [candidate.estimator.get_params()["model__random_state"] for candidate in found[-2:]]
    assert seeds == [3, 7]


def test_what_the_user_gives_is_not_changed():
    mine = LogisticRegression()
    candidates({"mine": (mine, {"C": [1, 2]})}, seed=3)
    assert mine.random_state is None


@pytest.mark.parametrize(
    ("models", "error", "message"),
    [
        ("QuantumKernelSVM", ValueError, "'QuantumKernelSVC'.*; these do classification"),
        ("QuantumKernelSVR", ValueError, "does no classification.*These do: QuantumKernelSVC"),
        ([], ValueError, "models is empty"),
        ({}, ValueError, "models is empty"),
        (SVC, TypeError, "an instance, not a class"),
        (3, TypeError, "models=3"),
        ([3], TypeError, "3 is neither the name of a model"),
        (Ridge(), ValueError, "Ridge does no classification"),
        (PCA(), ValueError, "PCA does no classification"),
        ({"RBF SVM": SVC()}, ValueError, "both called 'RBF SVM'"),
        ({"a": (SVC(), {"c": [1]})}, ValueError, "sets 'c', which SVC does not take"),
        ({"a": (SVC(), {"gama": [1]})}, ValueError, "Did you mean 'gamma'"),
        ({"a": (SVC(), {"C": 1})}, ValueError, "needs a list of values for 'C'"),
        ({"a": (SVC(), {"C": []})}, ValueError, "needs a list of values for 'C'"),
    ],
)
def test_models_that_cannot_be_compared(models, error, message):
    with pytest.raises(error, match=message):
        candidates(models)


@pytest.mark.parametrize(
    ("baselines", "message"),
    [
        ([], "baselines is empty"),
        (None, "baselines is empty"),
        ({}, "baselines is empty"),
        (["RBF SVC"], "'RBF SVC'. Did you mean 'RBF SVM'"),
        ("random forrest", "Did you mean 'random forest'"),
    ],
)
def test_baselines_that_there_are_not(baselines, message):
    with pytest.raises(ValueError, match=message):
        candidates("QuantumKernelSVC", baselines)


@pytest.mark.parametrize(
    ("task", "models", "y", "expected"),
    [
        ("auto", "QuantumKernelSVC", [0.5, 1.5], "classification"),
        ("auto", Ridge(), [0, 1], "regression"),
        ("auto", {"a": (SVC(), {})}, [0.5, 1.5], "classification"),
        ("auto", [], ["a", "b"], "classification"),
        ("auto", [], [0.5, 1.5], "regression"),
        ("auto", [], [0.0, 1.0], "classification"),
        ("regression", [], [0, 1], "regression"),
    ],
)
def test_the_task(task, models, y, expected):
    assert infer_task(task, models, np.array(y)) == expected


def test_an_unknown_task():
    with pytest.raises(ValueError, match="Did you mean 'classification'"):
        infer_task("classifcation", [], np.array([0, 1]))
