"""The end of the report: the table that came in, tuning, warnings, and how to repeat the run."""

from collections.abc import Iterable, Sequence
from html import escape

import numpy as np

from skquantum.comparison._data import INNER_SPLITS
from skquantum.comparison._findings import Findings

# From more columns on, what was done to them is folded away.
MANY_COLUMNS = 12


def data_html(table: Sequence[tuple[str, str]], notes: Sequence[str]) -> str:
    """Say what was done to each column of a table, "" if it was taken as it is."""
    if not table and not notes:
        return ""
    said = "".join(f"<p>{escape(note)}</p>" for note in notes)
    if not table:
        return f"<h2>The data</h2>{said}"
    rows = "".join(
        f'<tr><th scope="row">{escape(column)}</th><td>{escape(done)}</td></tr>'
        for column, done in table
    )
    shown = (
        '<div class="skq-scroll skq-prose"><table><thead><tr><th scope="col">column</th>'
        f'<th scope="col">what was done</th></tr></thead><tbody>{rows}</tbody></table></div>'
    )
    if len(table) > MANY_COLUMNS:
        shown = (
            f"<details><summary>What was done to each of {len(table)} columns</summary>"
            f"{shown}</details>"
        )
    return f"<h2>The table</h2>{said}{shown}"


def folds_html(findings: Findings) -> str:
    """Say which times the folds of a series are of, "" for other tasks."""
    if findings.task != "series":
        return ""
    spans = {}
    for result in findings.results:
        if result.test is not None and len(result.test):
            first, last = int(result.test[0]), int(result.test[-1])
            spans[result.fold] = (result.n_train, _when(findings, first), _when(findings, last))
    rows = "".join(
        f'<tr><th scope="row">fold {fold + 1}</th><td>{n:,}</td><td>{first}</td>'
        f"<td>{last}</td></tr>"
        for fold, (n, first, last) in sorted(spans.items())
    )
    if not rows:
        return ""
    return (
        "<h2>The folds in time</h2>"
        '<div class="skq-scroll"><table><thead><tr><th></th><th scope="col">windows learned from'
        '</th><th scope="col">forecasts from</th><th scope="col">to</th></tr></thead>'
        f"<tbody>{rows}</tbody></table></div>"
    )


def _when(findings: Findings, window: int) -> str:
    return f"window {window:,}" if findings.times is None else escape(findings.times[window])


def _more_fits(findings: Findings) -> str:
    if findings.task != "classification":
        return ""
    return (
        f"A model without probabilities of its own then takes {INNER_SPLITS + 1} more fits to "
        "calibrate them. "
    )


def tuning_html(findings: Findings) -> str:
    rows = []
    for entrant in findings.entrants:
        results = [r for r in findings.of(entrant.name) if r.error is None]
        grid = "; ".join(f"{key} in {value}" for key, value in entrant.grid.items())
        sampled = (
            f" ({entrant.n_settings} of {entrant.n_offered}: nearest to its own, rest at random)"
            if entrant.n_settings < entrant.n_offered
            else ""
        )
        chosen = "<br>".join(
            f"fold {r.fold + 1}: " + escape(", ".join(f"{k}={v}" for k, v in r.parameters.items()))
            for r in results
            if r.parameters
        )
        cells = (
            escape(grid or "not tuned") + sampled,
            str(entrant.n_settings),
            str(sum(r.n_fits for r in results)),
            _total_seconds(r.search_time + r.fit_time + r.calibration_time for r in results),
            chosen or "–",
        )
        body = "".join(f"<td>{cell}</td>" for cell in cells)
        rows.append(f'<tr><th scope="row">{escape(entrant.name)}</th>{body}</tr>')
    head = "".join(
        f'<th scope="col">{title}</th>'
        for title in ("", "grid", "settings", "fits in all", "seconds in all", "chosen")
    )
    return (
        "<h2>Tuning and its budget</h2>"
        f"<p>On each of {findings.n_folds} outer folds, every setting is fitted on "
        f"{INNER_SPLITS} inner folds, and the best once more on all training rows. "
        f"{_more_fits(findings)}All models meet the same folds and the same preprocessing"
        f"{', but for forecasts that copy values' if findings.task == 'series' else ''}.</p>"
        '<div class="skq-scroll skq-prose skq-tuning"><table><thead><tr>'
        f"{head}</tr></thead><tbody>{''.join(rows)}</tbody></table></div>"
        "<details><summary>The pipelines</summary><dl>"
        + "".join(
            f"<dt>{escape(e.name)}</dt><dd><code>{escape(e.pipeline)}</code></dd>"
            for e in findings.entrants
        )
        + "</dl></details>"
    )


def _total_seconds(seconds: Iterable[float]) -> str:
    return f"{np.sum(list(seconds)):.1f}"


def warnings_html(findings: Findings) -> str:
    counts: dict[tuple[str, str], int] = {}
    for result in findings.results:
        for text in result.warnings:
            counts[result.model, text] = counts.get((result.model, text), 0) + 1
    if not counts:
        return ""
    items = "".join(
        f"<li><b>{escape(model)}</b> (on {n} of {findings.n_folds} folds): {escape(text)}</li>"
        for (model, text), n in counts.items()
    )
    return (
        f"<details><summary>Warnings of the fits ({len(counts)})</summary>"
        f"<ul>{items}</ul></details>"
    )


def run_html(findings: Findings) -> str:
    """Say what was run, and how to repeat it."""
    run = {**findings.run, "time": f"{findings.elapsed:.1f} s"}
    items = "".join(
        f"<dt>{escape(key)}</dt><dd>{escape(value)}</dd>"
        for key, value in run.items()
        if key not in ("call", "command")
    )
    again = run.get("command", run.get("call", ""))
    return (
        f'<h2>What was run</h2><p>To repeat it:</p><pre class="skq-command">{escape(again)}</pre>'
        f'<dl class="skq-run">{items}</dl>'
    )
