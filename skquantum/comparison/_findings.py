"""What a comparison found, as plain data and figures; how it is shown is no concern of it."""

from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from skquantum._paired import LOG_ERROR
from skquantum._validation import install_hint
from skquantum.comparison._candidates import Entrant
from skquantum.comparison._device import DeviceTest
from skquantum.comparison._measure import FoldResult
from skquantum.comparison._rule import DecisionRule, Rival, Verdict, best_of, decide
from skquantum.comparison._study import Study
from skquantum.comparison._summary import (
    TIMES,
    Column,
    columns,
    mean_and_spread,
    resources,
    values,
)
from skquantum.comparison._wording import headline, worded


@dataclass
class Findings:
    """What every model did on every fold, and what the rule says of it.

    Attributes
    ----------
    rule : DecisionRule
        As fixed before the run.
    task : {"classification", "regression", "series"}
        What was predicted.
    metric : str
        Name of the score that models were tuned and judged by.
    entrants : list of Entrant
        The models as they entered, baselines first.
    n_folds : int
        Number of outer folds.
    device : DeviceTest or None
        What the quantum models were tried on besides, if anything.
    results : list of FoldResult
        One for each model and finished fold.
    cautions : list of str
        Why a quantum model is a poor idea here, if it is one, and what to read with care.
    run : dict of str to str
        What was run: data, seed, call, versions, machine.
    elapsed : float
        Seconds that it took.
    table : list of (str, str)
        What was done to each column of a file, in its order.
    notes : list of str
        What is to know about the table as a whole.
    times : list of str or None
        Of a series with dates, the date of the last step that each window forecasts.
    studies : list of Study
        What was looked into besides: labels, seeds, stages, values of a parameter.
    """

    rule: DecisionRule
    task: str
    metric: str
    entrants: list[Entrant]
    n_folds: int
    device: DeviceTest | None = None
    results: list[FoldResult] = field(default_factory=list)
    cautions: list[str] = field(default_factory=list)
    run: dict[str, str] = field(default_factory=dict)
    elapsed: float = 0.0
    table: list[tuple[str, str]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    times: list[str] | None = None
    studies: list[Study] = field(default_factory=list)

    @property
    def models(self) -> list[str]:
        """Names of all models, baselines first."""
        return [entrant.name for entrant in self.entrants]

    @property
    def baselines(self) -> list[str]:
        """Names of the baselines."""
        return [entrant.name for entrant in self.entrants if entrant.is_baseline]

    @property
    def rule_text(self) -> str:
        """The rule in words, and the unit of the score where it needs saying."""
        if self.metric != LOG_ERROR:
            return str(self.rule)
        return (
            f"{self.rule} The score is minus the logarithm of the root mean squared error: "
            f"{self.rule.max_score_drop:g} below is an error "
            f"{100 * np.expm1(self.rule.max_score_drop):.2g} % larger."
        )

    @property
    def columns(self) -> tuple[Column, ...]:
        """What the tables show, the deciding score first."""
        known = next((r.classes for r in self.results if r.classes is not None), None)
        return columns(self.task, self.metric, () if known is None else known.tolist())

    @property
    def complete(self) -> bool:
        """Whether all models finished all folds."""
        return len(self.results) == len(self.entrants) * self.n_folds and not self.failures

    @property
    def failures(self) -> dict[str, str]:
        """The first error of each model that raised one."""
        return {r.model: r.error for r in reversed(self.results) if r.error is not None}

    @property
    def best_baseline(self) -> str | None:
        """The baseline with the best mean score, None while none has finished a fold.

        Of baselines with the same score it is the one with the cheapest prediction.
        """
        rivals = self._rivals([])
        return best_of(rivals).name if rivals else None

    @property
    def verdicts(self) -> list[Verdict]:
        """What the rule says of each model that is no baseline."""
        return [self._verdict(name) for name in self.models if name not in self.baselines]

    @property
    def verdict(self) -> str:
        """What the rule says, in plain words."""
        return "\n".join(verdict.text for verdict in self.verdicts)

    @property
    def headline(self) -> str:
        """What to do, in one sentence for somebody who decides."""
        said = self.verdicts
        return headline(said, {v.model: self.mean(v.model, "score")[0] for v in said})

    def of(self, model: str) -> list[FoldResult]:
        """Return the finished folds of a model, in order."""
        return sorted((r for r in self.results if r.model == model), key=lambda r: r.fold)

    def mean(self, model: str, key: str) -> tuple[float, float]:
        """Return mean and spread over folds of "score", another metric or a time."""
        return mean_and_spread(self.of(model), key)

    def resources(self, model: str) -> dict[str, str]:
        """Return qubits, depth, gates, circuits and simulations of a quantum model."""
        return resources(self.of(model))

    def n_finished(self, model: str) -> int:
        """Return how many folds a model finished without an error."""
        return sum(result.error is None for result in self.of(model))

    def best(self, column: Column) -> list[str]:
        """Return the models with the best mean in a column, to the digits that are shown.

        Only models that finished all folds count, and one alone is not the best of any.
        """
        finished = [name for name in self.models if self.n_finished(name) == self.n_folds]
        means = {name: self.mean(name, column.key)[0] for name in finished}
        means = {name: mean for name, mean in means.items() if np.isfinite(mean)}
        if len(finished) < 2 or not means:
            return []
        best = (max if column.higher_is_better else min)(means.values())
        shown = column.shown(best, np.nan)
        return [name for name, mean in means.items() if column.shown(mean, np.nan) == shown]

    def to_frame(self, *, per_fold: bool = False) -> Any:
        """Return the measurements as a pandas data frame.

        Parameters
        ----------
        per_fold : bool, default=False
            One row for each model and fold, instead of means and standard deviations with one
            row for each model.

        Returns
        -------
        frame : pandas.DataFrame
            Times in seconds.

        Raises
        ------
        ImportError
            If pandas is not installed.
        """
        try:
            import pandas as pd
        except ImportError:
            raise ImportError(
                f"to_frame needs pandas: {install_hint('data')}. Without it, str(comparison) and "
                "comparison.results hold the same numbers."
            ) from None
        if per_fold:
            return pd.DataFrame(
                [self._fold_record(r) for name in self.models for r in self.of(name)]
            )
        records = {name: self._record(name) for name in self.models}
        return pd.DataFrame.from_dict(records, orient="index").rename_axis("model")

    def _record(self, name: str) -> dict[str, Any]:
        record: dict[str, Any] = {"baseline": name in self.baselines, "folds": len(self.of(name))}
        for column in self.columns:
            record[column.key], record[f"{column.key}_std"] = self.mean(name, column.key)
        for key in dict.fromkeys(key for r in self.of(name) for key in r.metrics):
            if key not in record and (key, self.metric) != ("score", self.columns[0].key):
                record[key], record[f"{key}_std"] = self.mean(name, key)
        return record | self.resources(name)

    def _fold_record(self, result: FoldResult) -> dict[str, Any]:
        shown = {"model": result.model, "fold": result.fold, **result.metrics}
        shown |= {key: getattr(result, key) for key in TIMES}
        return shown | {"parameters": result.parameters, "error": result.error}

    def _rivals(self, against: list[FoldResult]) -> list[Rival]:
        """Return the baselines that have finished a fold, next to the results of a model."""
        found = []
        for name in self.baselines:
            mean = self.mean(name, "score")[0]
            if not np.isfinite(mean):
                continue
            scores = {r.fold: r.metrics["score"] for r in self.of(name) if r.error is None}
            differences = [
                r.metrics["score"] - scores[r.fold] for r in against if r.fold in scores
            ]
            time = self.mean(name, "predict_time")[0]
            found.append(Rival(name, mean, time, np.array(differences)))
        return found

    def _verdict(self, model: str) -> Verdict:
        if model in self.failures:
            said = f"No verdict on {model}: it failed with {self.failures[model]}."
            return Verdict(model, self.best_baseline or "", "failed", advice=said, text=said)
        mine = [r for r in self.of(model) if r.error is None]
        rivals = [rival for rival in self._rivals(mine) if len(rival.differences)]
        if not rivals:
            said = f"No verdict on {model}: no fold is finished."
            return Verdict(model, self.best_baseline or "", "unfinished", advice=said, text=said)
        verdict = decide(
            self.rule,
            model=model,
            predict_time=float(values(mine, "predict_time").mean()),
            rivals=rivals,
            test_to_train=float(np.mean([r.n_test / r.n_train for r in mine])),
            n_test=float(np.max([r.n_test for r in mine])),
            metric=self.metric,
        )
        verdict = worded(verdict, self.rule, self.metric)
        if verdict.n_folds == self.n_folds:
            return verdict
        folds = "1 fold" if verdict.n_folds == 1 else f"{verdict.n_folds} folds"
        return replace(
            verdict,
            advice=f"So far: {verdict.advice}",
            text=f"So far: {verdict.text} This is from the {folds} both finished.",
        )
