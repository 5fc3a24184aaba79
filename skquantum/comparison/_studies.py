"""What a comparison can look into besides: labels, seeds, stages, and values of a parameter.

A study fits the same pipelines at one setting of each model, the one nearest to its own, which is
not tuned: what it shows is how scores move, and beside what spread.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator, clone
from sklearn.metrics import check_scoring
from sklearn.model_selection import ShuffleSplit, StratifiedShuffleSplit, cross_val_score
from sklearn.utils import _safe_indexing

from skquantum._paired import corrected_paired_test
from skquantum._validation import unknown
from skquantum.comparison._candidates import Candidate
from skquantum.comparison._device import DeviceTest, try_on_device
from skquantum.comparison._energy import by_energy, check_codecarbon
from skquantum.comparison._measure import Problem, one_thread
from skquantum.comparison._study import Study
from skquantum.inspection import ablation

REPEATS = 10  # draws of training rows, for each number of labels
LEAST_TEST_ROWS = 10


@dataclass(frozen=True)
class Plan:
    """Which studies are asked for.

    Attributes
    ----------
    labels : tuple of int
        Numbers of training rows.
    seeds : int
        How many seeds, 0 for none.
    ablate : bool
        Whether quantum models are taken apart.
    sweep : dict of str to list
        Values of one parameter of a model.
    energy : bool
        Whether the energy of fits and predictions is measured.
    devices : tuple of DeviceTest
        What fitted models are tried on, if there are several.
    """

    labels: tuple[int, ...] = ()
    seeds: int = 0
    ablate: bool = False
    sweep: dict[str, Any] = field(default_factory=dict)
    energy: bool = False
    devices: tuple[DeviceTest, ...] = ()

    @property
    def asked(self) -> dict[str, Any]:
        """What was asked for, as arguments of `compare`."""
        devices = list(self.devices)
        return {
            "device": devices if devices[1:] else devices[0] if devices else None,
            "labels": list(self.labels) or None,
            "seeds": self.seeds or None,
            "ablate": self.ablate or None,
            "sweep": self.sweep or None,
            "energy": self.energy or None,
        }

    def check(self, problem: Problem, candidates: Sequence[Candidate]) -> None:
        """Refuse what can't work, before anything is fitted."""
        if self.labels:
            _check_labels(self.labels, problem)
        if not isinstance(self.seeds, int | np.integer) or self.seeds < 0 or self.seeds == 1:
            raise ValueError(f"seeds={self.seeds!r} (--seeds): give at least 2 seeds, or 0.")
        if self.energy:
            check_codecarbon()
        if len(self.sweep) > 1:
            raise ValueError(
                f"sweep={self.sweep!r}: one parameter is swept over, and {len(self.sweep)} given."
            )
        for key, offered in self.sweep.items():
            if isinstance(offered, str) or not np.iterable(offered) or not len(list(offered)):
                raise ValueError(f"sweep: give a list of values for {key!r}, got {offered!r}.")
            if not any(_parameters_of(c).get(key) for c in candidates):
                known = [name for c in candidates for name in _parameters_of(c)]
                raise ValueError(f"sweep: {unknown('parameter', key, sorted(set(known)))}")

    def runs(
        self, problem: Problem, candidates: Sequence[Candidate], best: str | None
    ) -> list[tuple[str, Callable[[], Study]]]:
        """Return what is to be run, each with its title."""
        quantum = [c for c in candidates if not c.entrant.is_baseline]
        beside = [c for c in candidates if c.entrant.name == best]
        found: list[tuple[str, Callable[[], Study]]] = []
        if self.labels:
            found.append(("labels", partial(by_labels, problem, beside + quantum, self.labels)))
        if self.seeds:
            found.append(("seeds", partial(by_seeds, problem, beside + quantum, self.seeds)))
        if self.ablate:
            found += [("stages", partial(by_stages, problem, each)) for each in quantum]
        if len(self.devices) > 1:
            found.append(("devices", partial(by_devices, problem, quantum, self.devices)))
        if self.energy:
            device = self.devices[0] if self.devices else None
            found.append(("energy", partial(by_energy, problem, beside + quantum, device)))
        for key, offered in self.sweep.items():
            able = [c for c in quantum if _parameters_of(c).get(key)]
            found.append((key, partial(by_values, problem, able, key, list(offered))))
        return found


def _check_labels(labels: Sequence[Any], problem: Problem) -> None:
    n = len(problem.y)
    if problem.task == "series":
        raise ValueError("labels (--labels): a series has none; draw them for rows of a table.")
    for number in labels:
        if not isinstance(number, int | np.integer) or number < 2:
            raise ValueError(f"labels={number!r} (--labels): give numbers of rows, from 2 on.")
        if number > n - LEAST_TEST_ROWS:
            raise ValueError(
                f"labels={number} (--labels): of {n} rows at most {n - LEAST_TEST_ROWS} can be "
                f"learned from, so that {LEAST_TEST_ROWS} are left to measure on."
            )
    if problem.task == "classification":
        n_classes = len(np.unique(problem.y))
        if min(labels) < 2 * n_classes:
            raise ValueError(
                f"labels={min(labels)} (--labels): {n_classes} classes need at least "
                f"{2 * n_classes}."
            )


def _settled(candidate: Candidate) -> BaseEstimator:
    """Return a model's pipeline at the setting that is nearest to its own."""
    return clone(candidate.estimator).set_params(**candidate.settings[0])


def _parameters_of(candidate: Candidate) -> dict[str, str]:
    """Return the whole names of a model's parameters, by its own."""
    names = candidate.estimator.get_params()
    prefix = candidate.prefix
    return {name.removeprefix(prefix): name for name in names if name.startswith(prefix)}


def _scores(estimator: BaseEstimator, problem: Problem, splits: Any) -> np.ndarray:
    with one_thread():
        return cross_val_score(
            estimator,
            problem.X,
            problem.y,
            cv=splits,
            scoring=problem.scoring,
            error_score="raise",
        )


def _cell(scores: np.ndarray) -> str:
    return f"{scores.mean():.3f} ± {scores.std(ddof=1):.3f}"


def by_labels(problem: Problem, candidates: Sequence[Candidate], labels: Sequence[int]) -> Study:
    """Score models that learn from few rows, drawn ten times in the classes' proportions."""
    kind = StratifiedShuffleSplit if problem.task == "classification" else ShuffleSplit
    names = [c.entrant.name for c in candidates]
    values: dict[str, list[float]] = {}
    rows, said = [], []
    for n in labels:
        test = max(LEAST_TEST_ROWS, min(len(problem.y) - n, len(problem.y) // 2))
        draws = kind(REPEATS, train_size=int(n), test_size=test, random_state=problem.seed)
        splits = list(draws.split(problem.y[:, None], problem.y))
        scores = {c.entrant.name: _scores(_settled(c), problem, splits) for c in candidates}
        rows.append([str(n), *(_cell(scores[name]) for name in names)])
        values |= {f"{name}, {n} labels": found.tolist() for name, found in scores.items()}
        said += [_ahead(name, scores, names[0], n, test) for name in names[1:]]
    return Study(
        "How many labels does it take?",
        ["labels", *names],
        rows,
        " ".join(filter(None, said))
        or f"Nothing shows a difference from {names[0]} at any of these numbers of labels.",
        values,
    )


def _ahead(name: str, scores: dict[str, np.ndarray], other: str, n: int, n_test: int) -> str:
    differences = scores[name] - scores[other]
    test = corrected_paired_test(differences, n_test / n, n_test=n_test)
    low, high = test.interval
    if not (test.says("better") or test.says("worse")):
        return ""
    what = "better" if test.says("better") else "worse"
    return f"With {n} labels {name} is {what} than {other} ({low:+.3f} to {high:+.3f})."


def by_seeds(problem: Problem, candidates: Sequence[Candidate], n_seeds: int) -> Study:
    """Score models of several seeds on the same folds, to tell whether a score is luck."""
    values: dict[str, list[float]] = {}
    rows, lucky = [], []
    for candidate in candidates:
        name, estimator = candidate.entrant.name, _settled(candidate)
        keys = [k for k in estimator.get_params() if k.endswith("__random_state")]
        keys = [k for k in keys if "model" in k.split("__")]
        if not keys:
            rows.append([name, "takes no seed", "", ""])
            continue
        scores = np.array(
            [
                _scores(
                    clone(estimator).set_params(**dict.fromkeys(keys, s)), problem, problem.splits
                )
                for s in range(n_seeds)
            ]
        )
        of_seeds, of_folds = scores.mean(axis=1), scores.mean(axis=0)
        spread, folds = of_seeds.std(ddof=1), of_folds.std(ddof=1)
        rows.append([name, f"{scores.mean():.3f}", f"{spread:.3f}", f"{folds:.3f}"])
        values |= {f"{name}, seed {s}": scores[s].tolist() for s in range(n_seeds)}
        if spread > folds:
            lucky.append(name)
    said = (
        f"Seeds move the score of {', '.join(lucky)} more than folds do: one run of it is luck."
        if lucky
        else "No model's score moves more from seed to seed than from fold to fold."
    )
    head = ["model", f"mean of {n_seeds} seeds", "spread over seeds", "spread over folds"]
    return Study("Stable, or lucky?", head, rows, said, values)


def by_stages(problem: Problem, candidate: Candidate) -> Study:
    """Score a model without one of its stages, on the same folds."""
    name, estimator = candidate.entrant.name, _settled(candidate)
    with one_thread():
        found = ablation(
            estimator,
            problem.X,
            problem.y,
            cv=problem.splits,
            scoring=problem.scoring,
            n_features=_width(estimator, problem),
        )
    rows = []
    for variant, scores in found.scores.items():
        test = found.tests.get(variant)
        interval, verdict = "", "" if test is None else found.verdict(variant)
        if test is not None and test.possible:
            interval = f"{test.interval[0]:+.3f} to {test.interval[1]:+.3f}"
        rows.append([variant, _cell(scores), interval, verdict])
    head = ["variant", "score", "the model minus the variant", "what it lacks"]
    values = {variant: scores.tolist() for variant, scores in found.scores.items()}
    return Study(f"Which stage of {name} helps?", head, rows, found.sentence, values)


def _width(estimator: BaseEstimator, problem: Problem) -> int:
    """Return how many features reach the model, behind its preprocessing."""
    inner = getattr(estimator, "regressor", estimator)
    steps = dict(getattr(inner, "steps", []))
    if "preprocessing" not in steps:
        return int(np.shape(problem.X)[-1])
    return int(clone(steps["preprocessing"]).fit_transform(problem.X, problem.y).shape[1])


def by_devices(
    problem: Problem, candidates: Sequence[Candidate], devices: Sequence[DeviceTest]
) -> Study:
    """Score the same fitted models exactly and on each device, on the same folds."""
    labels = [device.label for device in devices]
    values: dict[str, list[float]] = {}
    rows, said = [], []
    for candidate in candidates:
        name = candidate.entrant.name
        scores: dict[str, list[float]] = {key: [] for key in ("exact", *labels)}
        for train, test in problem.splits:
            there = [(_safe_indexing(problem.X, i), problem.y[i]) for i in (train, test)]
            with one_thread():
                fitted = _settled(candidate).fit(*there[0])
                scores["exact"].append(check_scoring(fitted, problem.scoring)(fitted, *there[1]))
                for device, label in zip(devices, labels, strict=True):
                    found = try_on_device(device, fitted, problem.scoring, problem.seed, *there)
                    if found.error is not None:
                        raise ValueError(f"{name} on {label}: {found.error}")
                    scores[label].append(found.score)
        rows.append([name, *(_cell(np.array(each)) for each in scores.values())])
        values |= {f"{name}, {key}": each for key, each in scores.items()}
        means = [float(np.mean(scores[label])) for label in labels]
        said.append(
            f"{name} scores from {min(means):.3f} to {max(means):.3f} on these devices, which is "
            f"what a change of device, or of its calibration, does to it."
        )
    head = ["model", "exact", *labels]
    return Study("The same models on several devices", head, rows, " ".join(said), values)


def by_values(
    problem: Problem, candidates: Sequence[Candidate], key: str, offered: Sequence[Any]
) -> Study:
    """Score models at several values of a parameter, on the same folds."""
    names = [c.entrant.name for c in candidates]
    values: dict[str, list[float]] = {}
    rows = []
    for value in offered:
        scores = {}
        for candidate in candidates:
            whole = _parameters_of(candidate)[key]
            estimator = _settled(candidate).set_params(**{whole: value})
            scores[candidate.entrant.name] = _scores(estimator, problem, problem.splits)
        rows.append([f"{value!r}", *(_cell(found) for found in scores.values())])
        values |= {f"{name}, {key}={value!r}": s.tolist() for name, s in scores.items()}
    best = []
    for name in names:
        means = [np.mean(values[f"{name}, {key}={value!r}"]) for value in offered]
        best.append(f"{name} is best at {rows[int(np.argmax(means))][0]}")
    said = f"{'; '.join(best)}: chosen on the rows that it is measured on, and flattered by that."
    return Study(f"What does {key} do?", [key, *names], rows, said, values)
