"""`advise`: in seconds, whether a comparison with quantum models is worth running."""

from __future__ import annotations

import warnings
from dataclasses import replace
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator, clone
from sklearn.exceptions import ConvergenceWarning
from sklearn.metrics import check_scoring
from sklearn.metrics.pairwise import rbf_kernel
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler
from sklearn.utils import check_consistent_length
from threadpoolctl import threadpool_limits

from skquantum.circuits import ScaleWarning, ZZEncoding
from skquantum.comparison._advice import Advice, KernelOutlook
from skquantum.comparison._candidates import (
    Candidate,
    Named,
    infer_task,
    make_candidates,
    named_baselines,
    why_task,
)
from skquantum.comparison._data import (
    check_features,
    check_target,
    inner_cv,
    make_splits,
    subsample,
)
from skquantum.comparison._device import CountingBackend, DeviceTest
from skquantum.comparison._prepare import Prepared, gives_away, named_target, prepare
from skquantum.estimators import QuantumKernelSVC, QuantumKernelSVR
from skquantum.execution import QsimBackend
from skquantum.inspection import (
    geometric_difference,
    kernel_alignment,
    model_complexity,
    with_backend,
)

BASELINES = {
    "classification": ["logistic regression", "gradient boosting", "RBF SVM"],
    "regression": ["ridge regression", "gradient boosting", "RBF SVM"],
}
C = {"C": [1.0, 10.0, 100.0]}
# Settings that a model may try on a fold: those that are slow, and the others.
FEW_SETTINGS, MANY_SETTINGS = 3, 100
WIDTHS = (0.1, 0.3, 1.0, 3.0, 10.0)  # of Gaussian kernels, in units of gamma="scale"
RIDGE = 0.01  # as much noise in the labels as rows of unit kernel have
FEWEST_ROWS = 30


def advise(
    X: Any,
    y: Any = None,
    *,
    task: str = "auto",
    features: Any = None,
    drop: Any = None,
    device: DeviceTest | str | float | None = None,
    latency: float | None = None,
    price: float | None = None,
    max_rows: int = 300,
    random_state: int = 0,
) -> Advice:
    """Say in seconds whether quantum models are worth a comparison on some data.

    A linear model, boosting, a Gaussian support vector machine and two or three quantum kernel
    machines are tuned over a few settings each, on five folds of a sample. Beside the scores stand
    the geometric difference of the quantum kernels from Gaussian ones with the complexities of
    the labels [1]_, the spread of the kernels' values [2]_, and what hardware would take. The rule
    that makes a decision of these is fixed; the guide tells it.

    Parameters
    ----------
    X : array-like or data frame of shape (n_samples, n_features)
        Features, as for :func:`skquantum.compare`.
    y : array-like of shape (n_samples,) or str
        Target, or the column of `X` that holds it.
    task : {"auto", "classification", "regression"}, default="auto"
        By default what the target looks like.
    features, drop : str or list of str, default=None
        Columns of a data frame to learn from, and to leave out.
    device : DeviceTest, str or float, default=None
        What hardware is reckoned with; by default 1,000 shots a circuit at public prices. A name
        stands for a Google device, a number for depolarizing noise of this strength.
    latency : float, default=None
        Seconds within which hardware would have to answer.
    price : float, default=None
        What is asked for a circuit, in any currency; by default what `device` says.
    max_rows : int, default=300
        Rows of the sample, at least 30.
    random_state : int, default=0
        Seed of the sample, the folds and the models.

    Returns
    -------
    Advice
        With ``decision``, ``sentence``, ``reasons()``, ``to_dict()`` and ``to_html(path)``.

    Raises
    ------
    ValueError, TypeError
        If the data or a setting cannot work; before anything is fitted.

    See Also
    --------
    compare : The comparison itself, on all rows.

    References
    ----------
    .. [1] H.-Y. Huang et al., "Power of data in quantum machine learning", Nature Communications
       12, 2631 (2021), https://arxiv.org/abs/2011.01938
    .. [2] S. Thanasilp et al., "Exponential concentration in quantum kernel methods", Nature
       Communications 15, 5200 (2024), https://arxiv.org/abs/2208.11060

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from skquantum import advise
    >>> X, y = load_iris(return_X_y=True)
    >>> advice = advise(X, y)
    >>> advice.decision
    'no'
    """
    _check_settings(latency, max_rows)
    tested = _device(device, price)
    data, task = _checked(X, y, task, features, drop, random_state)
    n_rows = len(data.y)
    classes = _counted(data.y) if task == "classification" else {}
    X, y = subsample(data.X, data.y, min(max_rows, n_rows), task, random_state)
    first: BaseEstimator = StandardScaler()
    if data.encoder is not None:
        first = make_pipeline(data.encoder, first)
    with threadpool_limits(1), warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # of settings that are not chosen
        warnings.simplefilter("ignore", ScaleWarning)  # of rows that are angles, taken as such
        rows = np.asarray(clone(first).fit_transform(X, y), dtype=float)
        if not rows.any():
            raise ValueError("No feature changes from row to row: there is nothing to learn from.")
        quantum = _quantum(task, first, X)
        widths = [width / (rows.shape[1] * rows.var()) for width in WIDTHS]
        candidates = _candidates(quantum, first, task, random_state, widths)
        targets = _targets(y, task)
        splits = make_splits(5, X, y, task, random_state)
        scores = {
            candidate.entrant.name: _scores(candidate, X, y, splits, task, random_state)
            for candidate in candidates
        }
        gaussian = [rbf_kernel(rows, gamma=gamma) for gamma in widths]
        kernels = tuple(
            _outlook(name, model, rows if before is first else X, gaussian, y, targets, n_rows)
            for name, (model, before) in quantum.items()
        )
    return Advice(
        task=task,
        metric="accuracy" if task == "classification" else "r2",
        n_rows=n_rows,
        n_used=len(y),
        n_features=rows.shape[1],
        classes=classes,
        scores=scores,
        baselines=tuple(BASELINES[task]),
        kernels=kernels,
        device=tested,
        latency=latency,
        two_qubit_error=None if device is None else tested.two_qubit_error,
        test_to_train=float(np.mean([len(test) / len(train) for train, test in splits])),
        table=tuple(data.table),
        notes=tuple(data.notes),
    )


def _device(device: Any, price: Any) -> DeviceTest:
    if device is None:
        device = DeviceTest()
    else:
        if isinstance(device, str | float | int) and not isinstance(device, bool):
            device = DeviceTest(device)
        if not isinstance(device, DeviceTest):
            raise TypeError(
                f"device={device!r}: give a skquantum.comparison.DeviceTest, the name of a Google "
                "device, or the strength of depolarizing noise."
            )
        device.check()
    return device if price is None else replace(device, price_per_shot=0, price_per_circuit=price)


def _check_settings(latency: Any, max_rows: Any) -> None:
    if latency is not None and not latency > 0:
        raise ValueError(f"latency={latency!r}: give seconds above 0.")
    if max_rows < FEWEST_ROWS:
        raise ValueError(
            f"max_rows={max_rows!r}: give a number of rows of at least {FEWEST_ROWS}."
        )


def _checked(
    X: Any, y: Any, task: str, features: Any, drop: Any, seed: int
) -> tuple[Prepared, str]:
    """Return features and target as models may have them, and the task."""
    X, y = named_target(X, y)
    if y is None or task == "series":
        raise ValueError(
            "Advice is given on rows with a target; y is missing, or the task is a series. For a "
            "series run skquantum.compare, which takes it as it is."
        )
    guessed = task == "auto"
    task = infer_task(task, [], np.asarray(y))
    data = prepare(X, y, task=task, features=features, drop=drop, encode=True, seed=seed)
    check_consistent_length(data.X, data.y)
    data.y = check_target(data.y, task)
    if data.encoder is None:
        data.X = check_features(data.X)
    if len(data.y) < FEWEST_ROWS:
        raise ValueError(f"{len(data.y)} rows are too few for advice: {FEWEST_ROWS} are needed.")
    if guessed and (why := why_task(np.asarray(y))):
        data.notes.append(f"The task is {task}, {why}.")
    data.notes += gives_away(data.X, data.y, task, data.table)
    return data, task


def _counted(y: np.ndarray) -> dict[str, int]:
    classes, counts = np.unique(y, return_counts=True)
    return {str(label): int(count) for label, count in zip(classes, counts, strict=True)}


def _quantum(
    task: str, first: BaseEstimator, X: Any
) -> dict[str, tuple[BaseEstimator, BaseEstimator]]:
    """Return quantum kernel machines by name, each with what comes before it."""
    make = QuantumKernelSVC if task == "classification" else QuantumKernelSVR
    name = make.__name__
    found: dict[str, tuple[BaseEstimator, BaseEstimator]] = {
        f"{name}()": (make(), first),
        f'{name}("zz", kernel="fidelity")': (make("zz", kernel="fidelity"), first),
    }
    if _are_angles(X):
        # The published map, on rows as they are: what a bandwidth and a scaler would undo.
        encoding = ZZEncoding(bandwidth=1.0, entanglement="full")
        label = f'{name}(ZZEncoding(bandwidth=1.0, entanglement="full"), kernel="fidelity")'
        found[label] = (make(encoding, kernel="fidelity"), FunctionTransformer())
    return found


def _are_angles(X: Any) -> bool:
    """Whether all features keep within one turn, and use half of it at least."""
    if not isinstance(X, np.ndarray) or X.shape[1] > 8:
        return False
    low, high = X.min(axis=0), X.max(axis=0)
    within = (low >= 0) & (high <= 2 * np.pi) | (low >= -np.pi) & (high <= np.pi)
    return bool((within & (high - low >= np.pi)).all())


def _candidates(
    quantum: dict[str, tuple[BaseEstimator, BaseEstimator]],
    first: BaseEstimator,
    task: str,
    seed: int,
    widths: list[float],
) -> list[Candidate]:
    """Return all candidates, the classical ones first."""
    settings: dict[str, Any] = {"task": task, "seed": seed}
    found = []
    for name, model, grid in named_baselines(BASELINES[task], task):
        budget = FEW_SETTINGS if name == "gradient boosting" else MANY_SETTINGS
        if name == "RBF SVM":  # in every width that the quantum kernels are measured against
            grid = C | {"gamma": widths}
        named: Named = [(name, model, grid)]
        found += make_candidates([], named, preprocessing=first, budget=budget, **settings)
    for name, (model, before) in quantum.items():
        named = [(name, model, C)]
        found += make_candidates(named, [], preprocessing=before, budget=len(C["C"]), **settings)
    return found


def _scores(
    candidate: Candidate, X: Any, y: np.ndarray, splits: Any, task: str, seed: int
) -> np.ndarray:
    """Return the score on each fold, tuned inside of it."""
    grid = [{key: [value] for key, value in one.items()} for one in candidate.settings]
    search = GridSearchCV(candidate.estimator, grid, cv=inner_cv(task, seed))
    take = X.iloc.__getitem__ if hasattr(X, "iloc") else X.__getitem__
    found = []
    for train, test in splits:
        fitted = clone(search).fit(take(train), y[train])
        found.append(check_scoring(fitted)(fitted, take(test), y[test]))
    return np.array(found)


def _outlook(
    name: str,
    model: BaseEstimator,
    rows: np.ndarray,
    gaussian: list[np.ndarray],
    y: np.ndarray,
    targets: list[np.ndarray],
    n_rows: int,
) -> KernelOutlook:
    """Measure a kernel on rows as it gets them, beside the matrices of Gaussian kernels."""
    fitted = clone(model).fit(rows, y)
    K = fitted.kernel_(rows)
    known = targets[0] if len(targets) == 1 else np.unique(y, return_inverse=True)[1]
    n_circuits = fitted.kernel_.n_circuits(n_rows)
    return KernelOutlook(
        name=name,
        geometric_difference=min(
            geometric_difference(G, K, regularization=RIDGE) for G in gaussian
        ),
        complexity=_complexity(K, targets),
        classical_complexity=min(_complexity(G, targets) for G in gaussian),
        alignment=kernel_alignment(K, known),
        spread=float(K[np.triu_indices(len(K), 1)].std()),
        n_two_qubit_gates=int(fitted.resources_["n_two_qubit_gates"]),
        fit_circuits=float(np.nan if n_circuits is None else n_circuits),
        row_circuits=np.nan if n_circuits is None else _circuits_for_a_row(fitted, rows),
    )


def _circuits_for_a_row(fitted: Any, rows: np.ndarray) -> float:
    """Return the circuits that one more predicted row takes."""
    counted = []
    for n_rows in (1, 2):
        counting = CountingBackend(QsimBackend())
        with_backend(fitted, counting).predict(rows[:n_rows])
        counted.append(counting.n_circuits)
    return float(counted[1] - counted[0])


def _targets(y: np.ndarray, task: str) -> list[np.ndarray]:
    """Return what a machine learns: a class against the others, or the centred values."""
    if task == "regression":
        return [(y - y.mean()) / y.std()]
    classes = np.unique(y)
    return [y == label for label in (classes[1:] if len(classes) == 2 else classes)]


def _complexity(K: np.ndarray, targets: list[np.ndarray]) -> float:
    found = [model_complexity(K, target, regularization=RIDGE) for target in targets]
    return float(np.mean(found))
