"""A model card: what a fitted model is, what it was measured on, and where its limits are."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
from sklearn.base import is_classifier
from sklearn.dummy import DummyClassifier, DummyRegressor
from sklearn.utils import check_consistent_length
from sklearn.utils.validation import check_is_fitted

from skquantum.comparison._measure import (
    label_metrics,
    probability_metrics,
    regression_metrics,
)
from skquantum.comparison._provenance import made_with
from skquantum.comparison._table_model import TableModel
from skquantum.inspection import fitted_attribute, fitted_parts
from skquantum.metrics import reliability_bins

TITLES = {
    "accuracy": "accuracy",
    "balanced_accuracy": "balanced accuracy",
    "f1_macro": "macro F1",
    "roc_auc": "area under the ROC curve",
    "brier": "Brier score",
    "ece": "expected calibration error",
    "log_loss": "log loss",
    "r2": "R2",
    "rmse": "root mean squared error",
    "mae": "mean absolute error",
}
BINS = 5
MOST_QUBITS, MOST_LINES = 12, 60  # of a circuit that is drawn
FEW_ROWS = 100


def model_card(
    model: Any,
    X: Any,
    y: Any,
    *,
    name: str | None = None,
    purpose: str = "",
    limits: str | Iterable[str] = (),
) -> str:
    """Describe a fitted model in Markdown, with its scores on rows that it has not seen.

    The sections are those that model cards have [1]_, with the circuit and what it costs beside
    them. What a card can not know is asked for: the purpose, and limits that you know of.

    Parameters
    ----------
    model : fitted estimator, pipeline, search or TableModel
        What is described.
    X : array-like or data frame of shape (n_samples, n_features)
        Rows that were held out: scores on rows of the fit would mean nothing.
    y : array-like of shape (n_samples,)
        Their labels or values.
    name : str, default=None
        Title; by default the classes of the model's parts.
    purpose : str, default=""
        What the model is to be used for.
    limits : str or list of str, default=()
        What it is not to be used for, and what else is known to go wrong.

    Returns
    -------
    card : str
        Markdown.

    Raises
    ------
    NotFittedError
        If the model is not fitted.
    ValueError
        If `X` and `y` have different numbers of rows, or `y` holds a class that the model does not
        know.

    References
    ----------
    .. [1] M. Mitchell et al., "Model cards for model reporting", FAT* 2019,
       https://arxiv.org/abs/1810.03993

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.model_selection import train_test_split
    >>> from skquantum import QuantumKernelSVC
    >>> from skquantum.comparison import model_card
    >>> X, Z, y, z = train_test_split(*load_iris(return_X_y=True), random_state=0)
    >>> card = model_card(QuantumKernelSVC().fit(X, y), Z, z, name="Irises")
    >>> print(card.partition("## Data")[0])  # doctest: +ELLIPSIS
    # Irises
    <BLANKLINE>
    QuantumKernelSVC, for classes.
    <BLANKLINE>
    ## Purpose
    <BLANKLINE>
    Not stated.
    <BLANKLINE>
    ## Scores
    <BLANKLINE>
    On 38 rows, which are meant to be rows that it has not seen.
    <BLANKLINE>
    | score | model | the most frequent class |
    | --- | --- | --- |
    | accuracy | 0.9... | 0.4211 |
    ...
    """
    estimator = model.pipeline if isinstance(model, TableModel) else model
    check_is_fitted(estimator)
    y = np.asarray(y)
    check_consistent_length(X, y)
    classes = is_classifier(estimator)
    kind = model.model if isinstance(model, TableModel) else _kind(estimator)
    sections = [
        f"# {name or kind}",
        f"{kind}, for {'classes' if classes else 'numbers'}.",
        f"## Purpose\n\n{purpose or 'Not stated.'}",
        f"## Scores\n\n{_scores(model, estimator, X, y, classes)}",
        f"## Data\n\n{_data(model, X, y)}",
        f"## Circuit\n\n{_circuit(estimator)}",
        f"## Limits\n\n{_limits(limits, len(y), estimator)}",
        f"## Settings\n\n```\n{estimator!r}\n```",
        "## Versions\n\n" + _list(f"{key}: {value}" for key, value in made_with().items()),
    ]
    return "\n\n".join(sections) + "\n"


def _kind(estimator: Any) -> str:
    """Return the class of the part that has a circuit, else of the one that was fitted last."""
    parts = list(fitted_parts(estimator))
    leaves = [part for part in parts if len(list(fitted_parts(part))) == 1]
    found = [part for part in parts if hasattr(part, "circuit_")] or leaves[-1:] or parts
    return type(found[0]).__name__


def _list(items: Iterable[str]) -> str:
    return "\n".join(f"- {item}" for item in items)


def _table(header: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    lines = [list(header), *map(list, rows)]
    lines.insert(1, ["---"] * len(lines[0]))
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def _scores(model: Any, estimator: Any, X: Any, y: np.ndarray, classes: bool) -> str:
    """Return the scores on the rows, beside those of a model that has learned nothing."""
    said = f"On {len(y):,} rows, which are meant to be rows that it has not seen."
    if isinstance(model, TableModel) and model.has_seen(X, y):
        said = f"**On the {len(y):,} rows that it was fitted to: these scores mean nothing.**"
    if classes and (unknown := sorted(set(y.tolist()) - set(estimator.classes_.tolist()))):
        raise ValueError(
            f"y holds the class {unknown[0]!r}, which the model does not know: it knows "
            f"{', '.join(map(repr, estimator.classes_.tolist()))}."
        )
    naive = DummyClassifier() if classes else DummyRegressor()
    naive_y = naive.fit(np.zeros((len(y), 1)), y).predict(np.zeros((len(y), 1)))
    predicted = model.predict(X)
    measure = label_metrics if classes else regression_metrics
    beside = measure(y, naive_y)
    rows = [
        (TITLES[key], f"{value:.4g}", f"{beside[key]:.4g}")
        for key, value in measure(y, predicted).items()
    ]
    other = "the most frequent class" if classes else "the mean"
    text = [said]
    shares = _probabilities(model, X) if classes else None
    if shares is not None:
        measured = probability_metrics(y, shares, estimator.classes_)
        rows += [(TITLES[key], f"{value:.4g}", "") for key, value in measured.items()]
    text.append(_table(["score", "model", other], rows))
    if shares is not None:
        text.append(_calibration(y, shares, estimator.classes_))
        differ = (estimator.classes_[shares.argmax(axis=1)] != predicted).mean()
        if differ:
            text.append(
                f"In {differ:.0%} of the rows the predicted class is not the one of the highest "
                "probability: the first table is of the model's own classes, the second of "
                "calibrated probabilities."
            )
    return "\n\n".join(text)


def _probabilities(model: Any, X: Any) -> np.ndarray | None:
    return model.predict_proba(X) if hasattr(model, "predict_proba") else None


def _calibration(y: np.ndarray, shares: np.ndarray, classes: np.ndarray) -> str:
    confidence, accuracy, count = reliability_bins(y, shares, n_bins=BINS, labels=classes)
    rows = [
        (f"{c:.2f}", f"{a:.2f}", f"{int(n)}")
        for c, a, n in zip(confidence, accuracy, count, strict=True)
        if n
    ]
    return "How sure it is, and how often it is right then:\n\n" + _table(
        ["mean confidence", "accuracy", "rows"], rows
    )


def _data(model: Any, X: Any, y: np.ndarray) -> str:
    is_table = isinstance(model, TableModel)
    names = [str(name) for name in (model.columns if is_table else getattr(X, "columns", []))]
    listed = ", ".join(names[:20]) + (f" and {len(names) - 20} more" if len(names) > 20 else "")
    found = [
        f"rows measured on: {len(y):,}",
        f"features: {listed or np.shape(X)[1]}",
    ]
    if isinstance(model, TableModel):
        found.append(f"target: {model.target}")
        print_of = model.run["data fingerprint"]
        found.append(f"learned from: {model.run['rows']} rows, fingerprint {print_of}")
        found += [f"{name}: {done}" for name, done in model.table]
    return _list(found)


def _circuit(estimator: Any) -> str:
    circuit = fitted_attribute(estimator, "circuit_")
    if circuit is None:
        return "None: this is a classical model."
    found = fitted_attribute(estimator, "resources_") or {}
    counted = {key: value for key, value in found.items() if value is not None}
    said = _list(f"{key}: {value:,}" for key, value in counted.items())
    drawn = str(circuit)
    if found.get("n_qubits", 0) > MOST_QUBITS or drawn.count("\n") > MOST_LINES:
        return said
    return f"{said}\n\n```\n{drawn}\n```"


def _limits(limits: str | Iterable[str], n_rows: int, estimator: Any) -> str:
    found = [limits] if isinstance(limits, str) else list(limits)
    if n_rows < FEW_ROWS:
        found.append(f"The scores stand on {n_rows} rows: expect others to differ.")
    resources = fitted_attribute(estimator, "resources_") or {}
    if resources.get("n_circuits") is not None:
        found.append(
            f"Simulated. On hardware the fit would have run {resources['n_circuits']:,} circuits, "
            "with noise and a finite number of shots, which these scores do not have unless the "
            "backend among the settings does."
        )
    return _list(found) if found else "None stated."
