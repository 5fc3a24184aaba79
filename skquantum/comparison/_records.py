"""A comparison as JSON: everything that was found, for machines and for later.

The file is one object. ``format`` and ``version`` say what it is; the other keys are the
attributes of :class:`Comparison`: ``rule`` and ``device`` with their parameters, ``entrants`` and
``results`` as lists of objects with the attributes of `Entrant` and `FoldResult`. Where JSON has
no such value there is an object in its place: ``{"$float": "nan"}`` for numbers that are not
finite, ``{"$array": [...], "$dtype": "<f8"}`` for arrays, ``{"$tuple": [...]}`` for tuples.
"""

from __future__ import annotations

import json
from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np

from skquantum.comparison._candidates import Entrant
from skquantum.comparison._device import DeviceResult, DeviceTest
from skquantum.comparison._findings import Findings
from skquantum.comparison._measure import FoldResult
from skquantum.comparison._rule import DecisionRule
from skquantum.comparison._study import Study

FORMAT, VERSION = "skquantum comparison", 1
_PLAIN = str | int | bool | None


def dumps(findings: Findings) -> str:
    """Return a comparison as JSON."""
    content = {f.name: _encoded(getattr(findings, f.name), f.name) for f in fields(Findings)}
    return json.dumps({"format": FORMAT, "version": VERSION} | content, indent=1, allow_nan=False)


def loads(text: str, source: str) -> dict[str, Any]:
    """Return the attributes of a comparison from JSON.

    Raises
    ------
    ValueError
        If it is no JSON, of something else, of a version to come, or damaged; the error names
        the source.
    """
    try:
        content = json.loads(text)
    except json.JSONDecodeError as error:
        raise ValueError(f"{source} is not JSON: {error}.") from error
    if not isinstance(content, dict) or content.get("format") != FORMAT:
        raise ValueError(f"{source} holds no comparison: Comparison.to_json and --json write one.")
    if content.get("version") != VERSION:
        raise ValueError(
            f"{source} is of version {content.get('version')!r} of its format, and this is a "
            f"skquantum that reads version {VERSION}: use the one that wrote it, or a newer one."
        )
    try:
        content.setdefault("studies", [])  # files of before have none
        found = {f.name: _decoded(content[f.name]) for f in fields(Findings)}
        found["rule"] = DecisionRule(**found["rule"])
        found["entrants"] = [Entrant(**entrant) for entrant in found["entrants"]]
        found["results"] = [_result(result) for result in found["results"]]
        found["studies"] = [Study(**study) for study in found["studies"]]
        found["table"] = [(name, done) for name, done in found["table"]]
        if found["device"] is not None:
            found["device"] = DeviceTest(**found["device"])
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        said = f"it lacks {error}" if isinstance(error, KeyError) else str(error)
        raise ValueError(f"{source} is damaged: {said}.") from error
    return found


def _result(values: dict[str, Any]) -> FoldResult:
    device = values.get("device")
    return FoldResult(**values | {"device": None if device is None else DeviceResult(**device)})


def read(source: str | Path) -> dict[str, Any]:
    """Return the attributes of a comparison from a file, or from JSON itself."""
    if isinstance(source, str) and source.lstrip().startswith("{"):
        return loads(source, "The text")
    return loads(Path(source).read_text(encoding="utf-8"), str(source))


def _encoded(value: Any, name: str) -> Any:
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, float):
        return value if np.isfinite(value) else {"$float": repr(value)}
    if isinstance(value, _PLAIN):
        return value
    if isinstance(value, np.ndarray):
        kind = "object" if value.dtype == object else value.dtype.str
        return {"$array": _encoded(value.tolist(), name), "$dtype": kind}
    if isinstance(value, tuple):
        return {"$tuple": [_encoded(item, name) for item in value]}
    if isinstance(value, list):
        return [_encoded(item, name) for item in value]
    if isinstance(value, dict):
        return {str(key): _encoded(item, f"{name}[{key!r}]") for key, item in value.items()}
    if isinstance(value, DecisionRule | DeviceTest | DeviceResult | Entrant | FoldResult | Study):
        return {f.name: _encoded(getattr(value, f.name), f.name) for f in fields(value)}
    raise ValueError(
        f"{name} holds a {type(value).__name__}, which JSON has no place for: {value!r}. A device "
        "by its name, or noise of a strength, can be written."
    )


def _decoded(value: Any) -> Any:
    if isinstance(value, list):
        return [_decoded(item) for item in value]
    if not isinstance(value, dict):
        return value
    if "$float" in value:
        return float(value["$float"])
    if "$tuple" in value:
        return tuple(_decoded(item) for item in value["$tuple"])
    if "$array" in value:
        return np.array(_decoded(value["$array"]), dtype=np.dtype(value["$dtype"]))
    return {key: _decoded(item) for key, item in value.items()}


def difference(one: Findings, other: Findings, names: tuple[str, str]) -> str:
    """Say in words how two comparisons differ: what was run, the scores, the verdicts.

    Parameters
    ----------
    one, other : Findings
    names : (str, str)
        What to call them.
    """
    lines = [f"{names[0]} and {names[1]}"]
    for key in dict.fromkeys([*one.run, *other.run]):
        before, after = (c.run.get(key, "not told") for c in (one, other))
        if before != after:
            lines.append(f"  {key}: {before} -> {after}")
    if str(one.rule) != str(other.rule):
        lines.append(f"  rule: {one.rule} -> {other.rule}")
    if one.metric != other.metric:
        lines.append(f"  The scores are of two kinds, {one.metric} and {other.metric}.")
        return "\n".join(lines)
    width = max(map(len, [*one.models, *other.models]))
    lines.append(f"\n  {'mean score':{width}}  {'before':>8}  {'after':>8}  {'change':>8}")
    for model in dict.fromkeys([*one.models, *other.models]):
        means = [_mean(comparison, model) for comparison in (one, other)]
        cells = ["   –    " if np.isnan(m) else f"{m:8.4f}" for m in (*means, means[1] - means[0])]
        lines.append(f"  {model:{width}}  {'  '.join(cells)}")
    lines.append("\n" + _same_or_not(one, other))
    if one.verdict != other.verdict:
        lines.append(f"Verdict before: {one.headline}\nVerdict after:  {other.headline}")
    return "\n".join(lines)


def _mean(findings: Findings, model: str) -> float:
    return findings.mean(model, "score")[0] if findings.of(model) else np.nan


def _same_or_not(one: Findings, other: Findings) -> str:
    """Say whether the scores of all folds are the same."""
    before, after = (
        {(r.model, r.fold): r.metrics.get("score") for r in c.results} for c in (one, other)
    )
    if before == after:
        return "All models have the same score on every fold."
    both = [key for key in before if key in after]
    changed = sorted({model for model, fold in both if before[model, fold] != after[model, fold]})
    if not changed:
        return "The models that are in both have the same score on every fold."
    return f"Other scores on some fold: {', '.join(changed)}."
