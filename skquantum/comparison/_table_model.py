"""A model of a table as people have it: fitted, saved, loaded, asked about new rows."""

from __future__ import annotations

import warnings
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator, clone
from sklearn.calibration import CalibratedClassifierCV
from sklearn.metrics import accuracy_score, r2_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils import check_consistent_length

from skquantum._portable import PortableMixin
from skquantum._validation import did_you_mean, install_hint, plain, unknown
from skquantum.comparison._candidates import (
    Candidate,
    infer_task,
    make_candidates,
    named_baselines,
    named_models,
    why_task,
)
from skquantum.comparison._data import check_target, inner_cv
from skquantum.comparison._measure import search_of
from skquantum.comparison._models import BASELINES, models_for
from skquantum.comparison._prepare import (
    Prepared,
    check_rows,
    check_score,
    checked_budget,
    gives_away,
    name_of,
    named_target,
    prepare,
    scoring_of,
    seed_of,
)
from skquantum.comparison._provenance import fingerprint, made_with
from skquantum.comparison._table import Table, TableEncoder, tidy
from skquantum.comparison._values import DASHES, GAPS, Hints, decimal_commas

KINDS = {"f": "numbers", "b": "numbers", "M": "dates", "O": "text"}
FORMAT = 1  # of saved files
# Of the baselines: a forged tree may crash the process that loads it, but runs no code.
TREES = (
    "sklearn.ensemble._hist_gradient_boosting.predictor.TreePredictor",
    "sklearn.tree._tree.Tree",
)
SHOWN = 3


class TableModel(PortableMixin):
    """A fitted model with all that turns a table as people have it into its features.

    :func:`fit_table` and ``skquantum fit`` make it. It reads text, dates, decimal commas and gaps
    of new rows as it read those of the training rows, and refuses a table that lacks one of its
    columns or holds something else in it.

    Attributes
    ----------
    model : str
        Name of the model.
    pipeline : estimator
        The fitted pipeline, from tidy columns to predictions.
    calibrated : CalibratedClassifierCV or None
        What gives probabilities, for classes, where the model itself gives none.
    task : {"classification", "regression"}
        What it predicts.
    target : str
        Name of the predicted column.
    classes : ndarray of shape (n_classes,) or None
        Labels, in the order of the columns of `predict_proba`.
    columns : dict of str to dict
        The schema: for each column that the model learned from, its ``"kind"`` ("numbers",
        "dates" or "text"), what is done to it (``"done"``), ``"examples"``, texts that it was
        read from, and ``"categories"`` or None.
    parameters : dict of str to str
        The settings that were chosen.
    score : dict
        ``"metric"``, ``"mean"`` and ``"std"`` over the inner folds that the settings were chosen
        by: for several settings the best of them, and therefore a little too good.
    table : list of (str, str)
        Columns of the training rows, and what was done to each.
    identifiers : list of str
        Columns that were left out because they tell rows apart.
    notes : list of str
        What is to be said of the training rows.
    run : dict of str to str
        Rows, a fingerprint of the data, seed, date and versions.

    See Also
    --------
    fit_table : Make one.
    """

    model: str
    pipeline: BaseEstimator
    calibrated: CalibratedClassifierCV | None
    task: str
    target: str
    classes: np.ndarray | None
    columns: dict[str, dict[str, Any]]
    parameters: dict[str, str]
    score: dict[str, Any]
    table: list[tuple[str, str]]
    identifiers: list[str]
    notes: list[str]
    run: dict[str, str]
    hints: dict[str, Any]
    format: int

    def __repr__(self) -> str:
        return (
            f"TableModel({self.model}: {self.target!r} from {len(self.columns)} columns, "
            f"{self.task})"
        )

    def predict(self, X: Any) -> np.ndarray:
        """Predict the target of new rows.

        Parameters
        ----------
        X : data frame of shape (n_samples, n_columns)
            With the columns of :attr:`columns`, in any order; others are not looked at.

        Returns
        -------
        y : ndarray of shape (n_samples,)
            Labels or numbers.

        Raises
        ------
        ValueError
            If a column is missing or holds something else than in training.

        Warns
        -----
        UserWarning
            Of cells that are no numbers or dates where there were such, of gaps in columns that
            had none, and of categories that no training row had.
        """
        return self.pipeline.predict(self._told(X))

    def predict_proba(self, X: Any) -> np.ndarray:
        """Return the probabilities of the classes.

        Parameters
        ----------
        X : data frame of shape (n_samples, n_columns)
            As in :meth:`predict`.

        Returns
        -------
        probabilities : ndarray of shape (n_samples, n_classes)
            In the order of :attr:`classes`.

        Raises
        ------
        ValueError
            As :meth:`predict`, and if the target is no class.
        """
        if self.task != "classification":
            raise ValueError(
                f"{self.target!r} is a number: there are no probabilities of classes."
            )
        return self._proba(self._told(X))

    def _proba(self, rows: Any) -> np.ndarray:
        model = self.pipeline if self.calibrated is None else self.calibrated
        return model.predict_proba(rows)

    def _told(self, X: Any) -> Any:
        """Return new rows as the pipeline takes them, and warn of what is odd in them."""
        frame, notes = self.rows(X)
        for note in notes:
            warnings.warn(note, UserWarning, stacklevel=3)
        return frame

    def rows(self, X: Any, decimal: str | None = None) -> tuple[Any, list[str]]:
        """Return new rows as the pipeline takes them, and what is to be said of them.

        Parameters
        ----------
        X : data frame of shape (n_samples, n_columns)
            As in :meth:`predict`.
        decimal : {".", ","}, default=None
            Decimal mark of its numbers; None means that of the training rows.

        Returns
        -------
        frame : pandas.DataFrame
            Tidy columns.
        notes : list of str
            Gaps, cells that are no numbers or dates, categories that no training row had.
        """
        import pandas as pd

        X = self._chosen(X)
        hints = self._hints(X) if decimal is None else Hints(decimal)
        found, notes = {}, []
        for name, schema in self.columns.items():
            if decimal is not None and schema["kind"] == "numbers":
                schema = {**schema, "examples": []}  # which have another mark
            found[name] = _as_in_training(name, X[name], schema, hints)
            if said := _odd_cells(name, X[name], found[name], schema):
                notes.append(said)
        return pd.DataFrame(found, index=X.index), notes

    def predictions(self, X: Any, decimal: str | None = None) -> tuple[Any, list[str]]:
        """Return a table of predictions, and what is to be said of the rows.

        Parameters
        ----------
        X : data frame of shape (n_samples, n_columns)
            As in :meth:`predict`.
        decimal : {".", ","}, default=None
            Decimal mark of its numbers; None means that of the training rows.

        Returns
        -------
        frame : pandas.DataFrame
            The columns of `X` that tell its rows apart (else their numbers, from 1, as "row"), the
            prediction under the target's name, and for classes "P(label)", their probabilities.
        notes : list of str
            As of :meth:`rows`; nothing is warned of.
        """
        import pandas as pd

        rows, notes = self.rows(X, decimal)
        found: dict[str, Any] = {n: X[n].to_numpy() for n in self.identifiers if n in X}
        found = found or {"row": np.arange(1, len(rows) + 1)}
        found[self.target] = self.pipeline.predict(rows)
        if self.classes is not None:
            shares = self._proba(rows)
            likely = self.classes[shares.argmax(axis=1)]
            if differ := int((likely != found[self.target]).sum()):
                notes.append(
                    f"In {differ} of {len(rows)} rows the predicted class is not the one of the "
                    "highest probability: classes are the model's own, its probabilities were "
                    "calibrated on inner folds."
                )
            found |= {f"P({c})": shares[:, i].round(6) for i, c in enumerate(self.classes)}
        return pd.DataFrame(found), notes

    @property
    def summary(self) -> str:
        """What was fitted, in two sentences."""
        n, mean, std = (self.score[key] for key in ("n_settings", "mean", "std"))
        chosen = ", ".join(f"{key}={value}" for key, value in self.parameters.items())
        how = f"the best of {n} settings, which flatters it" if n > 1 else "one setting"
        return (
            f"{self.model}{f' ({chosen})' if chosen else ''}, fitted to {self.run['rows']} rows. "
            f"{self.score['metric']} on three inner folds: {mean:.3f} ± {std:.3f} ({how}; "
            "'skquantum compare' measures it beside classical models)."
        )

    def has_seen(self, X: Any, y: Any) -> bool:
        """Whether these are the rows that the model was fitted to.

        Parameters
        ----------
        X : data frame of shape (n_samples, n_columns)
            Rows.
        y : array-like of shape (n_samples,)
            Their targets.

        Returns
        -------
        bool
        """
        return _fingerprint(self.rows(X)[0], y) == self.run["data fingerprint"]

    def scored(self, X: Any, y: np.ndarray, predicted: Any) -> str:
        """Say how predictions of rows agree with what is known of them.

        Parameters
        ----------
        X : data frame of shape (n_samples, n_columns)
            Rows.
        y, predicted : array-like of shape (n_samples,)
            What is known, and what was predicted.

        Returns
        -------
        str
        """
        predicted = np.asarray(predicted)
        if self.task == "classification":
            name, value = "accuracy", accuracy_score(y.astype(str), predicted.astype(str))
        else:
            name, value = "r2", r2_score(np.asarray(y, dtype=np.float64), predicted)
        seen = ", which says nothing: the model was fitted to these rows"
        return (
            f"{self.target!r} is known in {len(y):,} rows: {name} {value:.3f}"
            f"{seen if self.has_seen(X, y) else ''}"
        )

    def _chosen(self, X: Any) -> Any:
        """Return the columns of the schema, or say which are missing."""
        if hasattr(X, "to_pandas"):
            X = X.to_pandas()
        if not hasattr(X, "iloc") or not hasattr(X, "columns"):
            raise TypeError(
                f"X is a {type(X).__name__}: give a data frame with the columns "
                f"{', '.join(self.columns)}."
            )
        names = [plain(name) for name in X.columns]
        missing = [name for name in self.columns if name not in names]
        if missing:
            hint = did_you_mean(missing[0], [name for name in names if name not in self.columns])
            raise ValueError(
                f"The table lacks {'the column' if len(missing) == 1 else 'the columns'} "
                f"{', '.join(map(repr, missing))}, which the model learned from.{hint}"
            )
        twice = [name for name in self.columns if names.count(name) > 1]
        if twice:
            raise ValueError(f"Two columns are called {twice[0]!r}: rename one.")
        if not len(X):
            raise ValueError("The table has no rows.")
        return X.set_axis(names, axis=1)[list(self.columns)]

    def _hints(self, X: Any) -> Hints:
        known = Hints(**self.hints)
        if known.commas is not None or known.decimal is not None:
            return known
        text = (X[name].to_numpy(dtype=object) for name in X)
        return Hints(None, decimal_commas(text), known.separated_by_commas)

    def save(self, path: str | Path) -> Path:
        """Save the model without pickle, by `skops`.

        Parameters
        ----------
        path : str or Path
            File to write, such as ``"model.skops"``.

        Returns
        -------
        path : Path
            The same.

        Raises
        ------
        TypeError
            If a part of the model, such as a gate of your own, can't be saved without pickle.
        """
        skops_io().dump(self, path)
        return Path(path)

    @staticmethod
    def load(path: str | Path) -> TableModel:
        """Load a saved model: nothing is run but what this package and scikit-learn are made of.

        Parameters
        ----------
        path : str or Path
            A file that :meth:`save` or ``skquantum fit`` wrote.

        Returns
        -------
        model : TableModel
            It predicts what it predicted before it was saved.

        Raises
        ------
        ValueError
            If the file is missing, damaged, of another kind or of a later format, or holds types
            that are not trusted.
        """
        from skquantum.saving import trusted_types

        io = skops_io()
        if not Path(path).is_file():
            raise ValueError(f"There is no file {str(path)!r}.")
        if not zipfile.is_zipfile(path):
            raise ValueError(
                f"{path} is no model that 'skquantum fit' or TableModel.save wrote. If it is the "
                "table: the model comes first, then the file."
            )
        try:
            trusted = [*trusted_types(), *TREES]
            other = sorted(set(io.get_untrusted_types(file=path)) - set(trusted))
            if other:
                raise ValueError(
                    f"it holds types that are not trusted: {', '.join(other)}. In Python "
                    "skops.io.load loads it, if you know them"
                )
            found = io.load(path, trusted=trusted)
        except Exception as error:  # zip, JSON, skops and numpy raise their own
            raise ValueError(f"{path} could not be loaded: {error}.") from error
        if not isinstance(found, TableModel):
            raise ValueError(
                f"{path} holds a {type(found).__name__}, not what 'skquantum fit' saves: load it "
                "with skops.io.load."
            )
        version = getattr(found, "format", None)
        if version != FORMAT:
            raise ValueError(
                f"{path} is of version {version!r} of its format, and this skquantum reads "
                f"version {FORMAT}: use the one that wrote it, or fit again."
            )
        return found


def fit_table(
    model: Any,
    X: Any,
    y: Any = None,
    *,
    task: str = "auto",
    features: Any = None,
    drop: Any = None,
    scoring: Any = None,
    budget: int = 6,
    random_state: int | None = 0,
) -> TableModel:
    """Tune and fit a model on all rows of a table, for new rows of the same columns.

    The model comes behind the same first steps, on the same grid and with the same choice among
    its settings as in :func:`skquantum.compare`, whose verdict it should have passed.

    Parameters
    ----------
    model : str, estimator, or (estimator, grid)
        A name out of ``skquantum models``, quantum model or baseline, or what
        :func:`skquantum.compare` takes.
    X : data frame of shape (n_samples, n_columns)
        Columns may hold numbers, text, categories, dates and gaps.
    y : str or array-like of shape (n_samples,)
        The column to predict, or its values.
    task : {"auto", "classification", "regression"}, default="auto"
        By default what the model does or the target looks like.
    features, drop : str or list of str, default=None
        Columns to learn from, and to leave out.
    scoring : str or callable, default=None
        What settings are chosen by; by default "accuracy" or "r2".
    budget : int, default=6
        Most settings that are tried.
    random_state : int or None, default=0
        Seed of inner folds, of the sample of settings and of the model.

    Returns
    -------
    model : TableModel
        With ``predict``, ``predict_proba``, ``save`` and the schema of its columns.

    Raises
    ------
    ValueError, TypeError
        If the data, a name or a setting cannot work; before anything is fitted.

    Examples
    --------
    >>> import pandas as pd
    >>> from skquantum.comparison import fit_table
    >>> frame = pd.DataFrame({"age": ["31,5", "44", "60,5", "29"] * 10, "plan": list("abab") * 10})
    >>> frame["left"] = ["no", "yes", "no", "yes"] * 10
    >>> model = fit_table("QuantumKernelSVC", frame, "left", budget=1)
    >>> model
    TableModel(QuantumKernelSVC: 'left' from 2 columns, classification)
    >>> model.predict(pd.DataFrame({"plan": ["b"], "age": ["43,5"]}))
    array(['yes'], dtype='<U3')
    """
    budget, seed = checked_budget(budget), seed_of(random_state)
    target = y if isinstance(y, str) else getattr(y, "name", None) or "target"
    if task == "series" or y is None:
        raise ValueError("A table model needs a target: y='column' or its values (no series).")
    X, y = named_target(X, y)
    if not isinstance(X, Table):
        raise TypeError(f"X is a {type(X).__name__}: give a data frame, whose columns have names.")
    y = np.asarray(y)
    check_consistent_length(X.frame, y)
    why = why_task(y) if task == "auto" else ""
    task = infer_task(task, [model], y)
    data = prepare(X, y, task=task, features=features, drop=drop, encode=True, seed=seed)
    if why:
        data.notes.append(f"The task is {task}, {why}.")
    y = check_target(y, task)
    metric = scoring_of(scoring, task)
    encoder = TableEncoder(data.keep, task == "classification", seed)
    candidate = _candidate(model, task, encoder, budget, seed, len(y))
    check_score(metric, task, y, [candidate])
    data.notes += gives_away(data.X, y, task, data.table)
    return _fitted(candidate, data, y, X, str(target), task, metric, seed)


def _candidate(
    model: Any, task: str, encoder: TableEncoder, budget: int, seed: int, n_rows: int
) -> Candidate:
    """Return the pipeline around a model, and what to try on it."""
    if isinstance(model, str) and model in BASELINES[task]:
        named = named_baselines([model], task)
    elif isinstance(model, str) and model not in models_for(task):
        known = [*models_for(task), *BASELINES[task]]
        raise ValueError(unknown("model", model, known, f"these do {task}"))
    else:
        named = named_models([model] if isinstance(model, tuple) else model, task)
    if len(named) > 1:
        raise ValueError(f"One model is fitted, and {len(named)} were given.")
    check_rows(named, n_rows)
    first = make_pipeline(encoder, StandardScaler())
    return make_candidates(named, [], task=task, preprocessing=first, budget=budget, seed=seed)[0]


def _fitted(
    candidate: Candidate,
    data: Prepared,
    y: np.ndarray,
    table: Table,
    target: str,
    task: str,
    metric: Any,
    seed: int,
) -> TableModel:
    inner = inner_cv(task, seed)
    search = search_of(candidate, metric, inner).fit(data.X, y)
    found, best = TableModel(), search.best_index_
    found.format = FORMAT
    found.model, found.task, found.target = candidate.entrant.name, task, target
    found.pipeline, found.calibrated = search.best_estimator_, None
    if task == "classification" and not hasattr(found.pipeline, "predict_proba"):
        found.calibrated = CalibratedClassifierCV(
            clone(found.pipeline), ensemble=False, cv=inner
        ).fit(data.X, y)
        found.pipeline = found.calibrated.calibrated_classifiers_[0].estimator
    found.classes = found.pipeline.classes_ if task == "classification" else None
    found.parameters = candidate.shown(search.best_params_)
    found.score = {
        "metric": name_of(metric),
        "mean": float(search.cv_results_["mean_test_score"][best]),
        "std": float(search.cv_results_["std_test_score"][best]),
        "n_settings": len(candidate.settings),
    }
    done = {name: what for name, what in data.table if not what.startswith("left out")}
    found.columns = {
        name: {
            "kind": KINDS[data.X[name].dtype.kind],
            "done": done[name],
            "examples": table.examples.get(name, []),
            "categories": sorted(data.X[name].dropna().unique())
            if "categories" in done[name]
            else None,
        }
        for name in data.X
        if name in done
    }
    apart = "left out: it tells rows apart"
    found.identifiers = [name for name, what in data.table if what.startswith(apart)]
    found.table, found.notes = data.table, data.notes
    found.hints = dict(vars(table.hints))
    found.run = {
        "rows": f"{len(y):,}",
        "data fingerprint": _fingerprint(data.X[list(found.columns)], y),
        "seed": str(seed),
        **made_with(),
    }
    return found


def _fingerprint(rows: Any, y: Any) -> str:
    return fingerprint(rows.reset_index(drop=True), np.asarray(y).astype(str))


def _as_in_training(name: str, column: Any, schema: dict[str, Any], hints: Hints) -> Any:
    """Read a column as that of the training rows was read, or say why that can't be."""
    import pandas as pd

    examples = schema["examples"]
    if examples and not _holds_text(column) and schema["kind"] == "text":
        column = column.map(str, na_action="ignore").astype(object)
    if examples and (column.dtype == object or isinstance(column.dtype, pd.StringDtype)):
        both = pd.concat([pd.Series(examples, dtype=object), column.astype(object)])
        both.index = range(len(both))
        read = tidy(both.to_frame(name), hints).frame
        read = read.iloc[len(examples) :] if name in read else read
    else:
        read = tidy(column.to_frame(name), hints).frame
    if name not in read:
        raise ValueError(f"The column {name!r} has cells that are no single values.")
    values = read[name].set_axis(column.index)
    if KINDS[values.dtype.kind] == schema["kind"]:
        return values
    given = values.dropna()
    if not len(given):  # gaps in all rows have no kind
        empty = {"numbers": np.nan, "dates": pd.NaT, "text": None}[schema["kind"]]
        kind = {"numbers": "float64", "dates": "datetime64[ns]", "text": object}[schema["kind"]]
        return pd.Series([empty] * len(values), index=values.index, dtype=kind)
    raise ValueError(
        f"The column {name!r} held {schema['kind']} when the model was fitted, and holds "
        f"{KINDS[values.dtype.kind]} now, such as {plain(str(given.iloc[0]))!r}."
    )


def _holds_text(column: Any) -> bool:
    return any(isinstance(value, str) for value in column.dropna())


def _odd_cells(name: str, raw: Any, read: Any, schema: dict[str, Any]) -> str:
    """Say which cells were taken for gaps, or are a category that training rows had not."""
    gaps = read.isna().to_numpy()
    lost = [
        plain(value)
        for value in raw[gaps].dropna()
        if isinstance(value, str) and value.strip().lower() not in GAPS | DASHES
    ]
    if len(lost) > len(raw.dropna()) / 2:
        raise ValueError(
            f"The column {name!r} held {schema['kind']} when the model was fitted, and "
            f"{len(lost)} of {len(raw)} rows hold none now, such as {lost[0]!r}. If numbers have "
            "another decimal mark than in training: --decimal (decimal=)."
        )
    if lost:
        return (
            f"{name}: {len(lost)} of {len(raw)} rows hold what is no {schema['kind'].rstrip('s')} "
            f"({', '.join(map(repr, dict.fromkeys(lost[:SHOWN])))}), taken for gaps."
        )
    if gaps.any() and "gap" not in schema["done"]:
        return f"{name}: gaps in {gaps.sum()} of {len(raw)} rows, and none in training."
    if schema["categories"] is None:
        return ""
    new = read[~read.isna() & ~read.isin(schema["categories"])]
    if not len(new):
        return ""
    listed = ", ".join(repr(plain(value)) for value in new.unique()[:SHOWN])
    return f"{name}: {len(new)} of {len(raw)} rows hold what no training row held ({listed})."


def skops_io() -> Any:
    """Return what saves models, or say what is missing."""
    try:
        from skops import io
    except ImportError:
        raise ImportError(f"Saved models need skops: {install_hint('data')}.") from None
    return io
