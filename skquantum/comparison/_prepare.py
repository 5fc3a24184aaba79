"""What is settled about data, score and models before anything is fitted."""

import warnings
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.dummy import DummyRegressor
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.metrics import check_scoring, get_scorer_names
from sklearn.svm import LinearSVC

from skquantum._validation import did_you_mean, plain, unknown
from skquantum.comparison._candidates import Candidate, Named
from skquantum.comparison._data import split_target
from skquantum.comparison._models import entry_of
from skquantum.comparison._pages import wrap
from skquantum.comparison._series import neg_log_rmse
from skquantum.comparison._table import (
    Table,
    TableEncoder,
    check_encoders,
    plan,
    select,
    tell_all,
    tidy,
)

DEFAULT_SCORING = {"classification": "accuracy", "regression": "r2", "series": neg_log_rmse}
MOST_CLASSES = 10  # that a score is tried on
MAX_KERNEL_BYTES = 2e9  # of the matrix of all pairs of rows


@dataclass
class Prepared:
    """Features and target as the folds get them, and what is said of them.

    Attributes
    ----------
    X, y : array-like or DataFrame, ndarray
        Features, a tidy table where `encoder` is to encode them; target.
    encoder : TableEncoder or None
        First step of the models' preprocessing, where the table needs one.
    table : list of (str, str)
        Columns and what is done to them.
    notes : list of str
        Whole sentences.
    keep : tuple of str
        Columns that are not left out for telling rows apart.
    """

    X: Any
    y: Any
    encoder: TableEncoder | None = None
    table: list[tuple[str, str]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    keep: tuple[str, ...] = ()


def named_target(X: Any, y: Any, read: bool = True) -> tuple[Any, Any]:
    """Make a table of a data frame, and take the target out of it if `y` names a column.

    Without `read` the features stay as they are.
    """
    if hasattr(X, "to_pandas"):  # frames of other libraries
        X = X.to_pandas()
    is_name = isinstance(y, str)
    if isinstance(X, Table) or not hasattr(X, "iloc") or not hasattr(X, "columns"):
        if is_name:
            raise TypeError(f"y={y!r} names a column, but X is no data frame.")
        return X, y
    names = [plain(name) for name in X.columns]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise ValueError(f"Two columns of X are called {twice[0]!r}: rename one.")
    if y is None or not (read or is_name):
        return X, y
    X = X.set_axis(names, axis=1)
    table = tidy(X)
    if not is_name:
        return table, y
    if y not in names:
        raise ValueError(f"y={y!r}: {unknown('column', y, names)}")
    features, target = split_target(X, table, y)
    return (features if read else X.drop(columns=y)[X[y].notna()]), target


def prepare(
    table: Any, y: Any, *, task: str, features: Any, drop: Any, encode: bool, seed: int
) -> Prepared:
    """Choose columns, say what is done to each, and make the encoder if one is needed."""
    if not isinstance(table, Table):
        for option, given in (("features", features), ("drop", drop)):
            if given is not None:
                raise TypeError(
                    f"{option}={given!r} names columns of a data frame; X is none, or is left to "
                    "the preprocessing that you give."
                )
        return Prepared(table, y)
    columns = list(table.frame.columns)
    kept = columns if features is None else select(columns, features, "--features")
    dropped = [] if drop is None else select(columns, drop, "--drop")
    keep = () if features is None else tuple(kept)
    frame = table.frame[[name for name in kept if name not in dropped]]
    plans = {name: plan(name, frame[name], name in keep) for name in frame}
    said = {name: found.said for name, found in plans.items()}
    if not encode:
        said = dict.fromkeys(frame, "as it is")
        plans = {}
    rows = _described(table, said)
    used = [name for name, found in plans.items() if found.kind != "left out"]
    if encode and not used:
        raise ValueError(
            "No column is left to learn from: "
            + "; ".join(f"{name}: {what}" for name, what in rows)
            + ". --features NAME keeps a column."
        )
    check_encoders({name: found.kind for name, found in plans.items()})
    needs_encoder = any(found.said != "number" for found in plans.values())
    encoder = TableEncoder(keep, task == "classification", seed) if needs_encoder else None
    return Prepared(frame, y, encoder, rows, list(table.notes), keep)


def _described(table: Table, said: dict[str, str]) -> list[tuple[str, str]]:
    """List the columns in the table's order, and what was and is done to each."""
    rows = []
    for name in dict.fromkeys([*table.done, *table.frame.columns]):
        read = "; ".join(table.done.get(name, ()))
        if name in said:
            rows.append(
                (name, said[name] + (f" ({read})" if read not in ("", said[name]) else ""))
            )
        elif name in table.frame:
            rows.append((name, "left out, as asked"))
        elif read.startswith("left out"):
            rows.append((name, read))
    return rows


def described(
    table: Sequence[tuple[str, str]],
    notes: Sequence[str],
    flags: str = "--drop, --features and --no-encode",
) -> list[str]:
    """Return lines for a terminal: what is done to each column, and the notes."""
    lines = [wrap("Note: ", note) for note in notes]
    told = [(name, what) for name, what in table if what != "number"]
    if told:
        width = min(max(len(name) for name, _ in told), 24)
        lines.append(f"Columns ({flags} change what is done):")
        lines += [f"  {name:{width}}  {what}" for name, what in told]
        if others := len(table) - len(told):
            lines.append(f"  {others} other{'s' if others > 1 else ''}: numbers, as they are")
    return lines


def gives_away(X: Any, y: np.ndarray, task: str, table: list[tuple[str, str]]) -> list[str]:
    """Warn of columns of which each alone tells the target."""
    used = [name for name, what in table if not what.startswith("left out")]
    if not used or not hasattr(X, "columns"):
        return []
    found = tell_all(X[used], y, task)
    return [
        f"The column {name!r} alone tells the target in every row. If it is known only together "
        f"with the target, or is made from it, the scores mean nothing: leave it out (--drop "
        f"{name!r}, drop=[{name!r}])."
        for name in found
    ]


# --- what cannot work ---------------------------------------------------------------------------


def check_jobs(n_jobs: Any) -> None:
    """Refuse a number of processes that joblib would refuse after the first models are made."""
    if n_jobs is not None and (
        not isinstance(n_jobs, int | np.integer) or isinstance(n_jobs, bool) or n_jobs == 0
    ):
        raise ValueError(
            f"n_jobs={n_jobs!r} (--n-jobs): give a number of processes, or -1 for all cores."
        )


def checked_budget(budget: Any) -> int:
    """Return the number of settings that a model may try."""
    if isinstance(budget, int | np.integer) and budget >= 1:
        return int(budget)
    raise ValueError(f"budget={budget!r}: give a whole number of at least 1.")


def seed_of(random_state: Any) -> int:
    """Return a seed that can be told, and given again."""
    if random_state is None:
        return int(np.random.SeedSequence().generate_state(1)[0])
    if isinstance(random_state, int | np.integer) and 0 <= random_state < 2**32:
        return int(random_state)
    raise ValueError(f"random_state={random_state!r}: give a whole number from 0, or None.")


def scoring_of(scoring: Any, task: str) -> Any:
    """Return the score, by default that of the task."""
    metric = DEFAULT_SCORING[task] if scoring is None else scoring
    if not isinstance(metric, str) and not callable(metric):
        raise TypeError(f"scoring={scoring!r}: give the name of a score, or a scorer.")
    return metric


def name_of(scoring: Any) -> str:
    """Return the name of a score."""
    return scoring if isinstance(scoring, str) else getattr(scoring, "__name__", "score")


def check_rows(named: Named, n_rows: int) -> None:
    """Refuse more rows than a matrix of all their pairs can be kept of."""
    n_bytes = 8.0 * n_rows**2
    if n_bytes <= MAX_KERNEL_BYTES:
        return
    for name, estimator, _ in named:
        entry = entry_of(estimator)
        if entry is not None and entry.is_kernel_machine:
            instead = "Classifier" if "classification" in entry.tasks else "Regressor"
            raise ValueError(
                f"{name} keeps a matrix of all pairs of rows: {n_rows:,} rows are "
                f"{n_bytes / 1e9:.1f} GB, more than {MAX_KERNEL_BYTES / 1e9:g} GB. Compare on "
                "fewer rows (--subsample 2000; in Python sklearn.utils.resample), or take "
                f"QuantumKernel{instead}, which keeps none."
            )


def check_score(scoring: Any, task: str, y: np.ndarray, candidates: list[Candidate]) -> None:
    """Try a score on small models of the task, and say what would do instead."""
    if not isinstance(scoring, str):
        return
    if scoring not in get_scorer_names():
        raise ValueError(
            f"scoring={scoring!r} is no score of scikit-learn."
            f"{did_you_mean(scoring, get_scorer_names())}"
        )
    if task == "classification":
        _check_class_score(scoring, y, candidates)
    elif _fails(scoring, LinearRegression(), np.arange(6.0) ** 2 + 0.5):
        raise ValueError(
            f"scoring={scoring!r} is no score for numbers, and the task is {task}: give r2, "
            "neg_root_mean_squared_error or neg_mean_absolute_error, for instance."
        )


def _check_class_score(scoring: str, y: np.ndarray, candidates: list[Candidate]) -> None:
    text = np.array(["a", "b"] * 3)
    classes = np.repeat(np.unique(y)[:MOST_CLASSES], 2)
    on_numbers = not _fails(scoring, DummyRegressor(), np.arange(6.0) ** 2 + 0.5)
    if on_numbers and _fails(scoring, LogisticRegression(), text):
        raise ValueError(
            f"scoring={scoring!r} is a score for numbers, and the task is classification: give "
            "accuracy, balanced_accuracy, f1_macro or neg_log_loss, for instance."
            + ("" if y.dtype.kind in "US" else " If the target is a quantity: --task regression.")
        )
    if why := _fails(scoring, LogisticRegression(), classes):
        averaged = [f"{scoring}_{end}" for end in ("macro", "ovr")]
        instead = [name for name in averaged if name in get_scorer_names()]
        raise ValueError(
            f"scoring={scoring!r} does not do for these classes ({why}). Give "
            f"{' or '.join([*instead, 'accuracy'])}."
        )
    if _fails(scoring, LinearSVC(), classes):
        without = [c.entrant.name for c in candidates if not hasattr(c.estimator, "predict_proba")]
        if without:
            raise ValueError(
                f"scoring={scoring!r} needs probabilities (predict_proba), which "
                f"{', '.join(without)} do not give. Their Brier score and log loss are measured "
                "in any case; to judge by, give accuracy or roc_auc_ovr, for instance."
            )


def _fails(scoring: str, model: BaseEstimator, y: np.ndarray) -> str:
    """Return why a score fails on a model of a few rows, "" if it does not."""
    X = np.searchsorted(np.unique(y), y)[:, None] == np.arange(len(np.unique(y)))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        fitted = model.fit(X.astype(np.float64), y)
        try:
            check_scoring(fitted, scoring)(fitted, X.astype(np.float64), y)
        except Exception as error:  # each score raises its own
            return " ".join(str(error).split())[:120] or type(error).__name__
    return ""
