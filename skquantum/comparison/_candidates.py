"""From what the user names to models that can be fitted on equal terms."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator, clone, is_classifier, is_regressor
from sklearn.compose import TransformedTargetRegressor
from sklearn.model_selection import ParameterGrid
from sklearn.multioutput import MultiOutputRegressor
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils import check_random_state, get_tags

from skquantum._validation import did_you_mean, unknown
from skquantum.comparison._models import (
    BASELINES,
    MODELS,
    TASKS,
    Grid,
    ModelEntry,
    entry_of,
    find_model,
    models_for,
)
from skquantum.comparison._naive import Persistence, SeasonalNaive
from skquantum.comparison._series import Windowing

# Whole numbers are classes if there are no more of them, each in so many rows on average.
FEW_CLASSES, ROWS_PER_VALUE = 10, 5


@dataclass(frozen=True)
class Entrant:
    """What a report tells of a model before it ran: plain data, that pickle anywhere.

    Attributes
    ----------
    name : str
        How it is called.
    is_baseline : bool
        Whether it is one of those that the others are measured against.
    pipeline : str
        Its whole pipeline, as text.
    grid : dict of str to str
        What it may be tuned over.
    n_settings, n_offered : int
        How many settings are tried on each fold, and how many the grid has.
    is_naive : bool
        Whether it copies values of a series and has nothing to tune.
    """

    name: str
    is_baseline: bool
    pipeline: str
    grid: dict[str, str]
    n_settings: int
    n_offered: int
    is_naive: bool = False


@dataclass(frozen=True)
class Candidate:
    """One model to compare: a whole pipeline, and the settings to try on it.

    Attributes
    ----------
    estimator : estimator
        The pipeline, preprocessing included.
    settings : list of dict
        What to try, by the pipeline's parameter names; one empty dict for no tuning.
    entrant : Entrant
        What the report tells of it.
    prefix : str
        What stands before the model's own parameters in those of the pipeline.
    """

    estimator: BaseEstimator
    settings: list[dict[str, Any]]
    entrant: Entrant
    prefix: str

    def shown(self, setting: Mapping[str, Any]) -> dict[str, str]:
        """Return a setting as text, by the model's own names."""
        return {key.removeprefix(self.prefix): repr(value) for key, value in setting.items()}


Named = list[tuple[str, BaseEstimator, Grid]]


def named_models(models: Any, task: str) -> Named:
    """Resolve the `models` argument of `compare`."""
    if isinstance(models, Mapping) and models:
        return [(str(name), *_with_grid(value, task)) for name, value in models.items()]
    if isinstance(models, str) or hasattr(models, "fit"):
        models = [models]
    if not isinstance(models, list | Mapping):
        raise TypeError(
            f"models={models!r}: give a name, an estimator, a list of these, or a dict of name to "
            "estimator or to (estimator, grid)."
        )
    found: Named = []
    for model in models:
        name = model if isinstance(model, str) else type(model).__name__
        estimator, grid = _with_grid(model, task)
        found.append((_unused(name, [other for other, _, _ in found]), estimator, grid))
    if not found:
        raise ValueError("models is empty: name at least one model to compare.")
    return found


def named_baselines(baselines: Any, task: str) -> Named:
    """Resolve the `baselines` argument of `compare`."""
    known = BASELINES[task]
    if isinstance(baselines, str) and baselines == "default":
        baselines = list(known)
    found: Named = []
    if isinstance(baselines, Mapping):
        found = [(str(name), *_with_grid(value, task)) for name, value in baselines.items()]
    else:
        for name in [baselines] if isinstance(baselines, str) else list(baselines or []):
            if name not in known:
                others = "others go into a dict of name to estimator"
                raise ValueError(unknown(f"baseline for {task}", name, known, others))
            found.append((name, known[name].make(), known[name].grid))
    if not found:
        raise ValueError(
            "baselines is empty: without a classical model there is nothing to compare with."
        )
    return found


def for_series(named: Named, windows: Windowing) -> Named:
    """Fit models to how a series is cut: to its season, and to several steps at once."""
    found = []
    for name, estimator, grid in named:
        if isinstance(estimator, SeasonalNaive) and estimator.season is None:
            estimator = SeasonalNaive(windows.season)
        if windows.horizon > 1 and not get_tags(estimator).target_tags.multi_output:
            # One model for each step.
            estimator = MultiOutputRegressor(estimator)
            grid = {f"estimator__{key}": values for key, values in grid.items()}
        found.append((name, estimator, grid))
    return found


def make_candidates(
    models: Named,
    baselines: Named,
    *,
    task: str,
    preprocessing: BaseEstimator,
    budget: int,
    seed: int,
) -> list[Candidate]:
    """Put every model behind the same preprocessing, on the same budget. Baselines come first."""
    names = [name for name, _, _ in [*baselines, *models]]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise ValueError(f"A model and a baseline are both called {twice[0]!r}: rename one.")
    found = []
    for is_baseline, named in ((True, baselines), (False, models)):
        for name, estimator, grid in named:
            pipeline, prefix = _pipeline(estimator, preprocessing, task, seed)
            _check_grid(name, estimator, grid)
            settings, n_offered = _settings(estimator, grid, prefix, budget, seed)
            shown = {key: repr(list(values)) for key, values in grid.items()}
            entrant = Entrant(
                name,
                is_baseline,
                _one_line(pipeline),
                shown,
                len(settings),
                n_offered,
                _is_naive(estimator),
            )
            found.append(Candidate(pipeline, settings, entrant, prefix))
    return found


def _is_naive(estimator: BaseEstimator) -> bool:
    return isinstance(estimator, Persistence | SeasonalNaive)


def _check_grid(name: str, estimator: BaseEstimator, grid: Grid) -> None:
    """Try every value of a grid on the estimator, so that a typing error shows at once."""
    for key, values in grid.items():
        if isinstance(values, str) or not np.iterable(values) or not len(list(values)):
            raise ValueError(f"The grid of {name} needs a list of values for {key!r}.")
        for value in values:
            try:
                clone(estimator).set_params(**{key: value})
            except (ValueError, AttributeError) as error:
                known = estimator.get_params()
                raise ValueError(
                    f"The grid of {name} sets {key!r}, which {type(estimator).__name__} does not "
                    f"take.{did_you_mean(key, known)}"
                ) from error


def _with_grid(value: Any, task: str) -> tuple[BaseEstimator, Grid]:
    """Return an estimator and its grid, from any way to name them."""
    if isinstance(value, str):
        entry = find_model(value, task)
        if task not in entry.tasks:
            raise ValueError(_wrong_task(value, task))
        return entry.make(), entry.grid
    grid: Grid | None = None
    if isinstance(value, tuple) and len(value) == 2:
        value, grid = value
    if not (hasattr(value, "fit") and hasattr(value, "get_params")) or isinstance(value, type):
        raise TypeError(
            f"{value!r} is neither the name of a model nor a scikit-learn estimator (an instance, "
            "not a class)."
        )
    does = is_classifier if task == "classification" else is_regressor
    if not does(value):
        raise ValueError(f"{type(value).__name__} does no {task}, which is the task here.")
    if grid is None:
        registered = entry_of(value)
        grid = {} if registered is None else _untouched(registered, value)
    return value, grid


def _wrong_task(name: str, task: str) -> str:
    others = models_for(task)
    there_is = f"These do: {', '.join(others)}." if others else f"No registered model does {task}."
    return f"{name} does no {task}, which is the task here. {there_is}"


def _untouched(entry: ModelEntry, estimator: BaseEstimator) -> Grid:
    """Keep of a registered grid what the user has not set to a value of their own."""
    default, given = entry.make().get_params(), estimator.get_params()

    def untouched(key: str) -> bool:
        # For a nested parameter the description that holds it must be the default, too.
        top = key.split("__")[0]
        return repr(default[top]) == repr(given[top])

    return {key: values for key, values in entry.grid.items() if untouched(key)}


def _pipeline(
    estimator: BaseEstimator, preprocessing: BaseEstimator, task: str, seed: int
) -> tuple[BaseEstimator, str]:
    """Return the pipeline around an estimator, and the prefix of the estimator's parameters."""
    if _is_naive(estimator):
        # What copies values of a window forecasts in the window's unit.
        return Pipeline([("model", clone(estimator))]), "model__"
    estimator = clone(estimator)
    unset = {
        key: seed
        for key, value in estimator.get_params().items()
        if value is None and (key == "random_state" or key.endswith("__random_state"))
    }
    pipeline = Pipeline(
        [("preprocessing", clone(preprocessing)), ("model", estimator.set_params(**unset))]
    )
    if task == "classification":
        return pipeline, "model__"
    # Networks and support vectors need a target of unit size; the others do not mind.
    scaled = TransformedTargetRegressor(regressor=pipeline, transformer=StandardScaler())
    return scaled, "regressor__model__"


def _settings(
    estimator: BaseEstimator, grid: Grid, prefix: str, budget: int, seed: int
) -> tuple[list[dict[str, Any]], int]:
    """Return the settings to try, and how many the grid has.

    Where these are more than the budget, the one nearest to the estimator's own comes first, so
    that no model is left with bad luck only; the others are drawn.
    """
    values = {key: list(offered) for key, offered in grid.items()}
    # Places in the lists stand for the values, which need not be comparable.
    places = list(ParameterGrid({key: range(len(offered)) for key, offered in values.items()}))
    n_offered = len(places)
    if n_offered > budget:
        given = estimator.get_params()
        own = {key: _nearest(given.get(key), offered) for key, offered in values.items()}
        places.remove(own)
        drawn = check_random_state(seed).permutation(len(places))[: budget - 1]
        places = [own, *(places[i] for i in drawn)]
    settings = [{prefix + key: values[key][i] for key, i in place.items()} for place in places]
    return settings, n_offered


def _nearest(own: Any, offered: list[Any]) -> int:
    """Return the place of a parameter's own value, or of the nearest number, else the first."""
    for i, value in enumerate(offered):
        if type(value) is type(own) and repr(value) == repr(own):
            return i
    numbers = {i: value for i, value in enumerate(offered) if _is_number(value)}
    if not numbers or not _is_number(own):
        return 0
    if own > 0 and min(numbers.values()) > 0:  # such grids are spaced by factors
        return min(numbers, key=lambda i: abs(np.log(numbers[i] / own)))
    return min(numbers, key=lambda i: abs(numbers[i] - own))


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float | np.number) and not isinstance(value, bool)


def _unused(name: str, taken: list[str]) -> str:
    free = (f"{name}-{i}" if i > 1 else name for i in range(1, len(taken) + 2))
    return next(candidate for candidate in free if candidate not in taken)


def _one_line(estimator: BaseEstimator) -> str:
    return " ".join(repr(estimator).split())


def infer_task(task: str, models: Any, y: np.ndarray | None) -> str:
    """Return the task: a series has no target; else from the models, or from the target."""
    if task != "auto":
        if task not in TASKS:
            raise ValueError(unknown("task", task, ("auto", *TASKS)))
        if (task == "series") != (y is None):
            raise TypeError(
                "A series is its own target: compare(models, series, task='series'), without y."
                if y is not None
                else f"y is missing: {task} needs a target. Only a series has none."
            )
        return task
    if y is None:
        return "series"
    if isinstance(models, Mapping):
        models = list(models.values())
    for model in models if isinstance(models, list) else [models]:
        estimator = model[0] if isinstance(model, tuple) and model else model
        if not hasattr(estimator, "fit") and not isinstance(estimator, str):
            continue  # which is reported later, among all models
        if isinstance(estimator, str):
            # A name that is unknown is reported later, among the models that do the task.
            known = MODELS[estimator].tasks if estimator in MODELS else ()
            if len(tasks := [task for task in known if task != "series"]) == 1:
                return tasks[0]
        elif is_regressor(estimator):
            return "regression"
        elif is_classifier(estimator):
            return "classification"
    return guess_task(y)[0]


def guess_task(y: np.ndarray) -> tuple[str, str]:
    """Return the task that a target looks like, and why, "" where there is no doubt.

    Text, yes or no, and few distinct whole numbers are classes; all other numbers, such as
    counts, prices and ages, are quantities.
    """
    if y.dtype.kind not in "iuf" or not np.array_equal(y, np.round(y)):
        return ("regression" if y.dtype.kind in "iuf" else "classification"), ""
    n = len(np.unique(y))
    if n <= 2 or (n <= FEW_CLASSES and n * ROWS_PER_VALUE <= len(y)):
        return "classification", f"{n} distinct values"
    return "regression", f"{n:,} distinct numbers"


def why_task(y: np.ndarray) -> str:
    """Say why a task was guessed and what changes it, "" where there is no doubt."""
    task, why = guess_task(y)
    other = "regression" if task == "classification" else "classification"
    return why and f"by the target's {why}; --task {other} changes it"
