"""Which stage of a model helps: the same model without one of them, on the same folds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike
from sklearn.base import BaseEstimator, clone, is_classifier
from sklearn.metrics import check_scoring
from sklearn.model_selection import check_cv, cross_val_score
from sklearn.utils import indexable

from skquantum._paired import PairedTest, corrected_paired_test
from skquantum._validation import install_hint, shown
from skquantum.estimators import ablations

if TYPE_CHECKING:
    from matplotlib.figure import Figure

WHOLE = "as it is"


@dataclass(frozen=True)
class Ablation:
    """What a model scores as it is, and without one of its stages.

    Attributes
    ----------
    scores : dict of str to ndarray of shape (n_folds,)
        Scores of the folds, the model as it is first.
    tests : dict of str to PairedTest
        Of each variant, the model's scores minus the variant's, fold by fold: ``difference``,
        ``interval``, ``p_value``; corrected for folds that share training rows [1]_.
    metric : str
        Name of the score.

    References
    ----------
    .. [1] C. Nadeau and Y. Bengio, "Inference for the generalization error", Machine Learning
       52, 239 (2003)
    """

    scores: dict[str, np.ndarray]
    tests: dict[str, PairedTest]
    metric: str

    def verdict(self, variant: str) -> str:
        """Say what a variant shows of the stage that it lacks.

        Parameters
        ----------
        variant : str
            A key of `tests`.

        Returns
        -------
        {"helps", "hurts", "no difference shown"}
            What the model has and the variant has not helps, if the interval of the difference is
            above zero; it hurts, if it is below.
        """
        test = self.tests[variant]
        if test.says("better"):
            return "helps"
        return "hurts" if test.says("worse") else "no difference shown"

    @property
    def sentence(self) -> str:
        """What the folds show, in one sentence for each kind of result."""
        found: dict[str, list[str]] = {}
        for variant in self.tests:
            found.setdefault(self.verdict(variant), []).append(variant)
        told = {
            "helps": "The model is better than",
            "hurts": "The model is worse than",
            "no difference shown": "These folds show no difference from",
        }
        return " ".join(
            f"{told[verdict]}: {', '.join(found[verdict])}."
            for verdict in told
            if verdict in found
        )

    def to_frame(self) -> Any:
        """Return a pandas data frame with a row for the model and each variant.

        Returns
        -------
        frame : pandas.DataFrame
            Columns ``score`` and ``spread`` (mean and standard deviation over folds),
            ``difference`` (the model's score minus the variant's), ``low`` and ``high`` (its
            interval) and ``verdict``.

        Raises
        ------
        ImportError
            If pandas is not installed.
        """
        try:
            import pandas as pd
        except ImportError:
            raise ImportError(
                f"to_frame needs pandas: {install_hint('data')}. Without it, `scores` and `tests` "
                "hold the same numbers."
            ) from None
        rows = {}
        for name, scores in self.scores.items():
            rows[name] = {"score": scores.mean(), "spread": scores.std()}
            if name in self.tests:
                test = self.tests[name]
                low, high = test.interval
                rows[name] |= {"difference": test.difference, "low": low, "high": high}
                rows[name]["verdict"] = self.verdict(name)
        return pd.DataFrame.from_dict(rows, orient="index")

    def plot(self, ax: Any = None) -> Figure:
        """Draw the differences and their intervals.

        Parameters
        ----------
        ax : matplotlib.axes.Axes, default=None
            Where to draw; by default, a new figure.

        Returns
        -------
        figure : matplotlib.figure.Figure
        """
        from matplotlib.figure import Figure

        if ax is None:
            figure = Figure(figsize=(6, 1 + 0.4 * len(self.tests)), layout="constrained")
            ax = figure.add_subplot()
        names = list(self.tests)
        for place, test in enumerate(self.tests.values()):
            low, high = test.interval
            if test.possible:
                ax.plot([low, high], [place, place], color="tab:blue", alpha=0.5)
            ax.plot(test.difference, place, "o", color="tab:blue")
        ax.axvline(0, color="black", linewidth=0.8)
        ax.set_yticks(range(len(names)), names)
        ax.invert_yaxis()
        ax.set_xlabel(f"{self.metric}: the model as it is, minus the variant")
        return ax.figure

    def __str__(self) -> str:
        width = max(map(len, self.scores))
        lines = [f"{self.metric}, mean over {len(self.scores[WHOLE])} folds"]
        for name, scores in self.scores.items():
            line = f"  {name:{width}}  {scores.mean():7.3f} +- {scores.std():.3f}"
            if name in self.tests and self.tests[name].possible:
                low, high = self.tests[name].interval
                line += f"  difference {low:+.3f} to {high:+.3f}: {self.verdict(name)}"
            lines.append(line)
        return "\n".join([*lines, self.sentence])


def ablation(
    estimator: BaseEstimator,
    X: ArrayLike,
    y: ArrayLike,
    *,
    cv: Any = 5,
    scoring: Any = None,
    n_jobs: int | None = None,
    n_features: int | None = None,
) -> Ablation:
    """Fit a model as it is and without one of its stages, on the same folds.

    What is left out is the entangling gates, the training of the weights, the circuit as a whole
    (with a linear model or a small network of as many weights in its place), the embedding. A
    model that does as well without its entangling gates could be simulated by anybody: Bowles et
    al. found that of many published ones [1]_.

    Parameters
    ----------
    estimator : estimator
        A quantum model of this package, alone or anywhere inside a pipeline; of several the last
        is taken apart. A model of your own says what it is made of by a method
        ``ablations(n_features)``.
    X : array-like of shape (n_samples, n_features)
        Rows.
    y : array-like of shape (n_samples,)
        Targets.
    cv : int, splitter or iterable, default=5
        Folds, as in :func:`sklearn.model_selection.cross_val_score`.
    scoring : str or callable, default=None
        Score; None means the estimator's own.
    n_jobs : int, default=None
        Jobs that the folds are shared among.
    n_features : int, default=None
        Features that reach the model, which networks in its place are sized by; None means those
        of `X`. Give it where steps before the model change their number.

    Returns
    -------
    Ablation
        With ``to_frame()``, ``plot()``, and ``sentence``; it prints as a table.

    Raises
    ------
    TypeError
        If nothing in the estimator says what it is made of.
    ValueError
        If the scores of the model as it is are not finite.

    References
    ----------
    .. [1] J. Bowles, S. Ahmed and M. Schuld, "Better than classical? The subtle art of
       benchmarking quantum machine learning models" (2024), https://arxiv.org/abs/2403.07059

    Examples
    --------
    >>> from sklearn.datasets import make_moons
    >>> from skquantum import QuantumKernelSVC
    >>> from skquantum.inspection import ablation
    >>> X, y = make_moons(100, noise=0.2, random_state=0)
    >>> found = ablation(QuantumKernelSVC(), X, y)
    >>> list(found.scores)
    ['as it is', 'no entangling gates', 'RBF kernel', 'linear kernel']
    >>> print(found.sentence)
    These folds show no difference from: no entangling gates, RBF kernel, linear kernel.
    """
    X, y = indexable(X, y)
    splits = list(check_cv(cv, y, classifier=is_classifier(estimator)).split(X, y))
    scorer = check_scoring(estimator, scoring)
    models = {WHOLE: clone(estimator)} | _variants(
        estimator, np.shape(X)[-1] if n_features is None else n_features
    )
    scores = {
        name: cross_val_score(model, X, y, cv=splits, scoring=scorer, n_jobs=n_jobs)
        for name, model in models.items()
    }
    if not np.isfinite(scores[WHOLE]).all():
        raise ValueError(f"The scores of the model as it is are not finite: {scores[WHOLE]}.")
    n_train, n_test = (float(np.mean([len(fold[k]) for fold in splits])) for k in (0, 1))
    own = "accuracy" if is_classifier(estimator) else "r2"
    metric = scoring if isinstance(scoring, str) else own if scoring is None else "score"
    tests = {
        name: corrected_paired_test(
            scores[WHOLE] - found, n_test / n_train, metric=metric, n_test=n_test
        )
        for name, found in scores.items()
        if name != WHOLE
    }
    return Ablation(scores, tests, metric)


def _variants(estimator: BaseEstimator, n_features: int) -> dict[str, BaseEstimator]:
    """Return whole models, each with another part in the place of the one taken apart."""
    path, variants = _taken_apart(estimator, n_features)
    if not path:
        return {name: v for name, v in variants.items() if not isinstance(v, str)}
    return {name: clone(estimator).set_params(**{path: v}) for name, v in variants.items()}


def _taken_apart(estimator: BaseEstimator, n_features: int) -> tuple[str, dict[str, Any]]:
    """Return where the part that can be taken apart is, and its variants."""
    candidates = {"": estimator} | {
        name: value
        for name, value in estimator.get_params().items()
        if hasattr(value, "fit") and not isinstance(value, type)
    }
    for path, part in reversed(sorted(candidates.items(), key=lambda item: item[0].count("__"))):
        try:
            return path, ablations(part, n_features)
        except TypeError:
            continue
    raise TypeError(
        f"{shown(estimator)} holds no model that says what it is made of: a quantum model of this "
        "package, or one with a method ablations(n_features)."
    )
