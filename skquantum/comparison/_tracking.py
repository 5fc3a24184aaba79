"""Comparisons and advice in MLflow: settings, scores of folds, losses, and the report."""

from __future__ import annotations

import math
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from skquantum._validation import install_hint
from skquantum.comparison._findings import Findings

LONGEST = 500  # letters of a parameter


def log_comparison(
    findings: Findings, name: str | None, write: Mapping[str, Callable[[Path], Any]]
) -> str:
    """Log a comparison: a run for the whole, and one inside it for each model.

    Parameters
    ----------
    findings : Findings
    name : str or None
        Of the run; None for that of the data.
    write : mapping of str to callable
        What writes a file of this name, for the run's artifacts.

    Returns
    -------
    run_id : str
    """
    mlflow = _mlflow()
    with mlflow.start_run(run_name=name or findings.run.get("name", "comparison")) as run:
        mlflow.set_tags({"skquantum.kind": "comparison", "skquantum.headline": findings.headline})
        mlflow.log_params(_short({"task": findings.task, "metric": findings.metric}))
        mlflow.log_params(_short({"rule": findings.rule_text, **findings.run}))
        _artifacts(mlflow, write)
        for entrant in findings.entrants:
            with mlflow.start_run(run_name=entrant.name, nested=True):
                kind = "baseline" if entrant.is_baseline else "compared"
                mlflow.set_tag("skquantum.kind", kind)
                mlflow.log_params(_short({"pipeline": entrant.pipeline}))
                _log_folds(mlflow, findings, entrant.name)
    return str(run.info.run_id)


def _log_folds(mlflow: Any, findings: Findings, name: str) -> None:
    """Log means, and the scores of each fold as steps."""
    results = [result for result in findings.of(name) if result.error is None]
    for result in results:
        _metrics(mlflow, {f"fold {key}": v for key, v in result.metrics.items()}, result.fold)
        times = {"fold fit_time": result.fit_time, "fold predict_time": result.predict_time}
        _metrics(mlflow, times, result.fold)
    for column in findings.columns:
        mean, spread = findings.mean(name, column.key)
        _metrics(mlflow, {column.key: mean, f"{column.key} spread": spread})
    if results:
        last = results[-1]
        mlflow.log_params(_short(last.parameters))
        _metrics(mlflow, {key: v for key, v in (last.resources or {}).items() if v is not None})
        for step, loss in enumerate(last.loss_curve or []):
            _metrics(mlflow, {"loss": loss}, step)


def log_advice(
    content: dict[str, Any], name: str, write: Mapping[str, Callable[[Path], Any]]
) -> str:
    """Log advice: its numbers, its decision, its page.

    Parameters
    ----------
    content : dict
        All numbers of the advice, at any depth.
    name : str
        Of the run.
    write : mapping of str to callable
        What writes a file of this name, for the run's artifacts.

    Returns
    -------
    run_id : str
    """
    mlflow = _mlflow()
    flat = _flat(content)
    numbers = {k: v for k, v in flat.items() if isinstance(v, int | float)}
    with mlflow.start_run(run_name=name) as run:
        mlflow.set_tag("skquantum.kind", "advice")
        mlflow.log_params(_short({k: v for k, v in flat.items() if k not in numbers}))
        _metrics(mlflow, numbers)
        _artifacts(mlflow, write)
    return str(run.info.run_id)


def _flat(value: Any, path: str = "") -> dict[str, Any]:
    if isinstance(value, dict):
        items: Any = value.items()
    elif isinstance(value, list | tuple):
        items = enumerate(value)
    else:
        return {path: value}
    found: dict[str, Any] = {}
    for key, item in items:
        found |= _flat(item, f"{path}.{key}" if path else str(key))
    return found


def _allowed(key: str) -> str:
    """Return a key of the letters that MLflow takes."""
    return "".join(c if c.isascii() and (c.isalnum() or c in "_-. /") else "_" for c in key)


def _short(params: dict[str, Any]) -> dict[str, str]:
    return {_allowed(key): str(value)[:LONGEST] for key, value in params.items()}


def _metrics(mlflow: Any, values: dict[str, Any], step: int | None = None) -> None:
    finite = {_allowed(k): float(v) for k, v in values.items() if math.isfinite(v)}
    mlflow.log_metrics(finite, step=step)


def _artifacts(mlflow: Any, write: Mapping[str, Callable[[Path], Any]]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        for name, write_to in write.items():
            write_to(Path(folder, name))
        mlflow.log_artifacts(folder)


def _mlflow() -> Any:
    try:
        import mlflow
    except ImportError:
        raise ImportError(f"Logging needs MLflow: {install_hint('mlflow')}.") from None
    return mlflow
