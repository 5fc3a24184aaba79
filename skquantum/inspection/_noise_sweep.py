"""What noise and a finite number of shots do to a model."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from numbers import Real
from typing import TYPE_CHECKING, Any

import cirq
import numpy as np
from numpy.typing import ArrayLike
from sklearn.base import BaseEstimator, is_classifier
from sklearn.metrics import check_scoring
from sklearn.model_selection import check_cv
from sklearn.utils import _safe_indexing, check_random_state, indexable

from skquantum._validation import install_hint
from skquantum.inspection._backends import noisy, on_other_backend
from skquantum.inspection._fitted import fitted_attribute
from skquantum.metrics import expected_calibration_error

if TYPE_CHECKING:
    from matplotlib.figure import Figure

TITLES = {
    "score": "score",
    "calibration_error": "calibration error",
    "kernel_spread": "spread of kernel values",
}


@dataclass(frozen=True)
class NoiseSweep:
    """What a model did at each level of noise and each number of shots.

    Attributes
    ----------
    noise : tuple
        Levels of noise, as they were given.
    shots : tuple
        Numbers of shots; None stands for infinitely many.
    measures : dict of str to ndarray, each of shape (n_noise, n_shots, n_folds)
        ``score``; for classifiers with probabilities ``calibration_error``, the expected
        calibration error; for models with a kernel ``kernel_spread``, the standard deviation of
        the training rows' kernel values off the diagonal: a kernel that concentrates has none.
    """

    noise: tuple[Any, ...]
    shots: tuple[int | None, ...]
    measures: dict[str, np.ndarray]

    def to_frame(self, *, per_fold: bool = False) -> Any:
        """Return the measures as a pandas data frame.

        Parameters
        ----------
        per_fold : bool, default=False
            One row for each fold, instead of means and standard deviations over folds.

        Returns
        -------
        frame : pandas.DataFrame
            With a row for each level of noise and number of shots.

        Raises
        ------
        ImportError
            If pandas is not installed.
        """
        try:
            import pandas as pd
        except ImportError:
            raise ImportError(
                f"to_frame needs pandas: {install_hint('data')}. Without it, `measures` holds the "
                "same numbers."
            ) from None
        rows = []
        for i, level in enumerate(self.noise):
            for j, shots in enumerate(self.shots):
                row = {"noise": _of_frame(level), "shots": np.inf if shots is None else shots}
                folds = {key: values[i, j] for key, values in self.measures.items()}
                if per_fold:
                    n_folds = len(folds["score"])
                    rows += [
                        row | {"fold": f} | {key: v[f] for key, v in folds.items()}
                        for f in range(n_folds)
                    ]
                    continue
                for key, values in folds.items():
                    row |= {key: values.mean(), f"{key}_std": _spread(values)}
                rows.append(row)
        return pd.DataFrame(rows)

    def plot(self, axes: Any = None) -> Figure:
        """Draw each measure against the noise, with a line for each number of shots.

        Parameters
        ----------
        axes : sequence of matplotlib.axes.Axes, default=None
            Where to draw, one for each measure; None makes a new figure. Bars are standard
            deviations over folds.

        Returns
        -------
        matplotlib.figure.Figure
        """
        import matplotlib.pyplot as plt

        if axes is None:
            n = len(self.measures)
            _, axes = plt.subplots(1, n, figsize=(4 * n, 3.5), layout="constrained")
        places = np.arange(len(self.noise))
        for ax, (key, values) in zip(np.atleast_1d(axes), self.measures.items(), strict=True):
            for j, shots in enumerate(self.shots):
                label = "exact" if shots is None else f"{shots:,} shots"
                bars = [_spread(folds) for folds in values[:, j]]
                # Side by side, so that bars do not hide one another.
                shift = 0.06 * (j - (len(self.shots) - 1) / 2)
                ax.errorbar(
                    places + shift, values[:, j].mean(axis=-1), bars, fmt="o-", label=label
                )
            ax.set_xticks(places, [_name(level) for level in self.noise])
            ax.set(xlabel="noise", ylabel=TITLES[key])
        np.atleast_1d(axes)[0].legend()
        return np.atleast_1d(axes)[0].figure


def noise_sweep(
    estimator: BaseEstimator,
    X: ArrayLike,
    y: ArrayLike,
    *,
    noise: Sequence[Any] = (0.0, 0.001, 0.003, 0.01, 0.03),
    shots: Sequence[int | None] = (None,),
    cv: Any = 3,
    scoring: Any = None,
    random_state: Any = None,
) -> NoiseSweep:
    """Fit and score a model at each level of noise and number of shots, by cross-validation.

    The model is trained and tested with the noise. For one that is trained without, see
    `with_backend`.

    Parameters
    ----------
    estimator : estimator
        A quantum model, or a pipeline with one in it. Each of its parts that has a parameter
        `backend` gets one with noise and shots: a `QsimBackend` of its own keeps its other
        parameters, and a `MitigatedBackend` stays around its own.
    X : array-like of shape (n_samples, n_features)
        Rows.
    y : array-like of shape (n_samples,)
        Targets.
    noise : sequence of None, float, str or cirq.NoiseModel, \
default=(0.0, 0.001, 0.003, 0.01, 0.03)
        Levels of noise, each as for `QsimBackend`: as a number, the strength of depolarising
        noise after every moment; as text, a device of Google's.
    shots : sequence of int or None, default=(None,)
        Numbers of shots for each circuit; None stands for exact expectation values.
    cv : int, splitter or list of (train, test), default=3
        Folds, as in scikit-learn.
    scoring : str or callable, default=None
        The score; by default the estimator's own.
    random_state : int, RandomState instance or None, default=None
        Where shots come from. The seeds that the model itself has stay what they are.

    Returns
    -------
    NoiseSweep
        With ``measures``, ``to_frame()`` and ``plot()``.

    Raises
    ------
    ValueError
        If nothing in the model runs circuits, or its backend has no noise to set.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.pipeline import make_pipeline
    >>> from sklearn.preprocessing import StandardScaler
    >>> from skquantum import QuantumKernelSVC
    >>> from skquantum.inspection import noise_sweep
    >>> X, y = load_iris(return_X_y=True)
    >>> svc = QuantumKernelSVC("angle", kernel="fidelity", C=10)
    >>> model = make_pipeline(StandardScaler(), svc)
    >>> sweep = noise_sweep(
    ...     model, X[::3], y[::3], noise=[0, 0.05], shots=[None, 200], random_state=0
    ... )
    >>> sweep.measures["score"].shape
    (2, 2, 3)
    >>> sweep.measures["kernel_spread"].mean(axis=-1).round(2)
    array([[0.25, 0.26],
           [0.19, 0.19]])
    """
    noise, shots = tuple(noise), tuple(shots)
    if not noise or not shots:
        raise ValueError(f"Give at least one level: noise={noise!r}, shots={shots!r}.")
    X, y = indexable(X, y)
    splits = list(check_cv(cv, y, classifier=is_classifier(estimator)).split(X, y))
    seeds = check_random_state(random_state).randint(2**31, size=len(splits))
    # All are made first: what cannot be set shows before anything runs.
    models = [
        [[_changed(estimator, level, n, int(seed)) for seed in seeds] for n in shots]
        for level in noise
    ]
    scorer = check_scoring(estimator, scoring)
    found = [
        [
            [_measure(m, X, y, split, scorer) for m, split in zip(folds, splits, strict=True)]
            for folds in row
        ]
        for row in models
    ]
    keys = found[0][0][0]
    measures = {
        key: np.array([[[fold[key] for fold in folds] for folds in row] for row in found])
        for key in keys
    }
    return NoiseSweep(noise, shots, measures)


def _changed(estimator: BaseEstimator, noise: Any, shots: int | None, seed: int) -> BaseEstimator:
    return on_other_backend(estimator, lambda backend: noisy(backend, noise, shots, seed))


def _measure(
    model: Any, X: Any, y: Any, split: tuple[np.ndarray, np.ndarray], scorer: Any
) -> dict[str, float]:
    train, test = split
    X_test, y_test = _safe_indexing(X, test), _safe_indexing(y, test)
    model.fit(_safe_indexing(X, train), _safe_indexing(y, train))
    found = {"score": float(scorer(model, X_test, y_test))}
    if is_classifier(model) and hasattr(model, "predict_proba"):
        found["calibration_error"] = expected_calibration_error(
            y_test, model.predict_proba(X_test), labels=model.classes_
        )
    gram = fitted_attribute(model, "kernel_matrix_")
    if gram is not None:
        found["kernel_spread"] = float(gram[np.triu_indices(len(gram), 1)].std())
    return found


def _spread(values: np.ndarray) -> float:
    return float(values.std(ddof=1)) if len(values) > 1 else 0.0


def _of_frame(level: Any) -> float | str:
    return float(level) if isinstance(level, Real) else _name(level)


def _name(level: Any) -> str:
    """Return a level of noise as it stands in a table."""
    if level is None:
        return "none"
    return type(level).__name__ if isinstance(level, cirq.NoiseModel) else str(level)
