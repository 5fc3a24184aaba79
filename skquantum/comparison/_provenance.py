"""What was run, with which versions and seeds: enough to repeat it."""

import os
import platform
from collections.abc import Sequence
from datetime import datetime
from importlib.metadata import PackageNotFoundError, version
from typing import Any

import joblib
import numpy as np

from skquantum._version import __version__
from skquantum.comparison._measure import Problem

PACKAGES = ("scikit-learn", "cirq-core", "qsimcirq", "numpy", "scipy")


def provenance(problem: Problem, call: str) -> dict[str, str]:
    """Describe data, folds, software and machine."""
    y = problem.y
    found = {"data": f"{len(y):,} rows, {_n_features(problem.X)} features"}
    if problem.windows is not None:
        found = {"data": f"{len(y):,} {problem.windows}"}
    if problem.times is not None:
        found["forecast"] = f"{problem.times[0]} to {problem.times[-1]}"
    if problem.task == "classification":
        classes, counts = np.unique(y, return_counts=True)
        listed = ", ".join(f"{c} ({n})" for c, n in zip(classes[:20], counts[:20], strict=True))
        more = f" and {len(classes) - 20} more" if len(classes) > 20 else ""
        found["classes (rows)"] = listed + more
        found["most frequent class"] = most_frequent(list(classes), counts)
    else:
        found["target"] = f"{y.min():g} to {y.max():g}, standard deviation {y.std():g}"
    train, test = problem.splits[0]
    return found | {
        "data fingerprint": fingerprint(problem.X, y),
        "outer folds": f"{len(problem.splits)}, the first with {len(train)} training rows and "
        f"{len(test)} test rows",
        "seed": str(problem.seed),
        "call": call,
        **made_with(),
        "machine": f"{platform.system()} {platform.machine()}, {os.cpu_count()} CPUs",
    }


def fingerprint(X: Any, y: np.ndarray) -> str:
    """Return what tells whether data are the same."""
    return str(joblib.hash((np.asarray(X), y)))


def made_with() -> dict[str, str]:
    """Return today's date and the versions of all that computes."""
    return {
        "date": datetime.now().astimezone().isoformat(" ", "minutes"),
        "skquantum": __version__,
        "Python": platform.python_version(),
        **{name: _version(name) for name in PACKAGES},
    }


def most_frequent(classes: Sequence[Any], counts: Sequence[int] | np.ndarray) -> str:
    """Say what a model would score that knows nothing but the classes' sizes."""
    most = int(np.argmax(counts))
    return f"{classes[most]}, {100 * counts[most] / np.sum(counts):.1f} % of the rows"


def _n_features(X: Any) -> int:
    return np.shape(X)[1] if len(np.shape(X)) > 1 else 1


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "not installed"
