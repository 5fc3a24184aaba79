"""The report: one HTML file that needs no other, readable on light and dark screens."""

import io
import re
from collections.abc import Callable, Iterable
from html import escape
from typing import Any

import numpy as np

from skquantum.comparison._data import INNER_SPLITS
from skquantum.comparison._findings import Findings
from skquantum.comparison._pages._device import device_html
from skquantum.comparison._pages._plots import (
    colours,
    draw_calibration,
    draw_forecasts,
    draw_scores,
    draw_training,
)
from skquantum.comparison._pages._style import CSS
from skquantum.comparison._pages._text import folds_done, incomplete

# A colour that no plot uses: it stands for the page's own text colour.
INK = "#010203"

STAMPS = {
    "use": "passes the rule, better",
    "either": "passes the rule, not shown better",
    "reject": "does not pass the rule",
    "failed": "failed",
    "unfinished": "unfinished",
}


def page(comparison: Findings) -> str:
    """Return the report as a page of its own."""
    title = f"Model comparison: {comparison.run.get('name', comparison.task)}"
    sections = [
        f"<h1>{escape(title)}</h1>",
        _rule(comparison),
        _verdict(comparison),
        _table(comparison),
        _plots(comparison),
        _resources(comparison),
        device_html(comparison),
        _circuits(comparison),
        _tuning(comparison),
        _warnings(comparison),
        _run(comparison),
    ]
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{escape(title)}</title>\n<style>\n{CSS}</style>\n</head>\n"
        '<body class="skq-page"><main class="skq">\n'
        + "\n".join(filter(None, sections))
        + "\n</main></body>\n</html>\n"
    )


def fragment(comparison: Findings) -> str:
    """Return the findings as part of a page, for notebooks."""
    parts = (_rule, _verdict, _table, _plots)
    body = "\n".join(filter(None, (part(comparison) for part in parts)))
    return f'<style>{CSS}</style><div class="skq skq-notebook">{body}</div>'


def _rule(comparison: Findings) -> str:
    rule = escape(comparison.rule_text)
    return f'<p class="skq-rule"><b>The rule, fixed before the run.</b> {rule}</p>'


def _verdict(comparison: Findings) -> str:
    parts = []
    if not comparison.complete:
        parts.append(f'<p class="skq-note"><b>{escape(incomplete(comparison))}</b></p>')
    for verdict in comparison.verdicts:
        advice, _, reasons = verdict.text.partition(". ")
        parts.append(
            f'<div class="skq-verdict skq-{verdict.decision}">'
            f'<p class="skq-stamp">{escape(verdict.model)}: {STAMPS[verdict.decision]}</p>'
            f'<p class="skq-advice">{escape(advice.rstrip("."))}.</p>'
            f"<p>{escape(reasons)}</p></div>"
        )
    parts += [f'<p class="skq-note">{escape(caution)}</p>' for caution in comparison.cautions]
    return "\n".join(parts)


def _table(comparison: Findings) -> str:
    shown = comparison.columns
    best = {column.key: comparison.best(column) for column in shown}
    head = "".join(
        f'<th scope="col" title="{escape(column.help)}">{escape(column.title)}'
        f"&nbsp;{'↑' if column.higher_is_better else '↓'}</th>"
        for column in shown
    )
    palette = colours(comparison)
    rows = []
    for name in comparison.models:
        cells = []
        for column in shown:
            mean, spread, unit = column.parts(*comparison.mean(name, column.key))
            below = f"<small>{spread}</small>" if spread else ""
            mark = ' class="skq-best"' if name in best[column.key] else ""
            cells.append(f"<td{mark}>{mean} {unit}{below}</td>")
        kind = "baseline" if name in comparison.baselines else "compared"
        rows.append(
            f'<tr class="skq-{kind}"><th scope="row"><i style="background:{palette[name]}"></i>'
            f"{escape(name)}<small>{kind}{folds_done(comparison, name)}</small></th>"
            f"{''.join(cells)}</tr>"
        )
    return (
        "<h2>Scores</h2>\n"
        '<div class="skq-scroll"><table><thead><tr><th></th>'
        f"{head}</tr></thead><tbody>{''.join(rows)}</tbody></table></div>\n"
        f'<p class="skq-small">Mean ± standard deviation over {comparison.n_folds} outer folds; '
        "the best of each column, ties included, is marked (↑ higher, ↓ lower is better). "
        "Fit: once, with the chosen settings. Prediction: the test fold as one batch, divided by "
        f"its rows.{_calibration(comparison)}</p>"
    )


def _calibration(comparison: Findings) -> str:
    """Say where probabilities come from, for tasks that have any."""
    if comparison.task != "classification":
        return ""
    return (
        " Models without probabilities of their own are calibrated with a sigmoid, for the "
        "measures of probabilities only."
    )


def _more_fits(comparison: Findings) -> str:
    if comparison.task != "classification":
        return ""
    return (
        f"A model without probabilities of its own then takes {INNER_SPLITS + 1} more fits to "
        "calibrate them. "
    )


def _plots(comparison: Findings) -> str:
    drawn = [("Score of each fold", draw_scores)]
    if comparison.task == "classification":
        drawn.append(("Calibration", draw_calibration))
    if comparison.task == "series":
        drawn.append(("Forecasts of the last fold", draw_forecasts))
    # A network among the baselines is no reason for a plot of its own; next to a model it is.
    compared = [name for name in comparison.models if name not in comparison.baselines]
    if any(result.loss_curve for name in compared for result in comparison.of(name)):
        drawn.append(("Training", draw_training))
    figures = [
        f"<figure><figcaption>{title}</figcaption>{_svg(draw, comparison, title)}</figure>"
        for title, draw in drawn
    ]
    note = (
        '<p class="skq-small">Calibration: on the dashed line, a model that is 80 % sure is right '
        "in 80 % of the cases. All folds together, in bins of at "
        "least 10 rows; larger dots hold more.</p>"
    )
    with_note = note if comparison.task == "classification" else ""
    second = {"classification": " and calibration", "series": " and forecasts"}
    return (
        f"<h2>Spread{second.get(comparison.task, '')}</h2>"
        f'<div class="skq-plots">{"".join(figures)}</div>{with_note}'
    )


def _svg(draw: Callable[[Findings, Any], None], comparison: Findings, title: str) -> str:
    """Draw as inline SVG, in the page's own text colour."""
    import matplotlib as mpl
    from matplotlib.figure import Figure

    ink = {key: INK for key in ("text.color", "axes.labelcolor", "xtick.color", "ytick.color")}
    style: Any = ink | {
        "axes.edgecolor": INK,
        "svg.fonttype": "none",  # text remains text
        "svg.hashsalt": title,  # the same picture for the same numbers
        "font.size": 10,
    }
    buffer = io.StringIO()
    with mpl.rc_context(style):
        figure = Figure(figsize=(5.2, 3.9), layout="constrained")
        draw(comparison, figure.subplots())
        nothing = dict.fromkeys(("Creator", "Date", "Format", "Type"))
        figure.savefig(buffer, format="svg", transparent=True, metadata=nothing)
    svg = buffer.getvalue()
    svg = svg[svg.index("<svg") :]
    svg = re.sub(r"<metadata>.*?</metadata>", "", svg, flags=re.DOTALL)
    svg = re.sub(r'\sxmlns(:\w+)?="[^"]*"', "", svg).replace("xlink:href", "href")
    svg = re.sub(r'<svg([^>]*?)\swidth="[^"]*"', r"<svg\1", svg, count=1)
    svg = re.sub(r'<svg([^>]*?)\sheight="[^"]*"', r"<svg\1", svg, count=1)
    svg = svg.replace("<svg", f'<svg role="img" aria-label="{escape(title)}"', 1)
    return svg.replace(INK, "currentColor")


def _resources(comparison: Findings) -> str:
    found = {name: comparison.resources(name) for name in comparison.models}
    found = {name: costs for name, costs in found.items() if costs}
    if not found:
        return ""
    keys = list(dict.fromkeys(key for costs in found.values() for key in costs))
    head = "".join(f'<th scope="col">{escape(key)}</th>' for key in keys)
    rows = "".join(
        f'<tr><th scope="row">{escape(name)}</th>'
        + "".join(f"<td>{escape(costs.get(key, '–'))}</td>" for key in keys)
        + "</tr>"
        for name, costs in found.items()
    )
    return (
        '<h2>What the quantum part costs</h2><div class="skq-scroll"><table>'
        f"<thead><tr><th></th>{head}</tr></thead><tbody>{rows}</tbody></table></div>"
        '<p class="skq-small">For one fit on one outer fold, with the settings chosen there. '
        "Simulated circuits are exact: there is no noise and there are no shots.</p>"
    )


def _circuits(comparison: Findings) -> str:
    drawings = []
    for name in comparison.models:
        circuit = next((r.circuit for r in comparison.of(name) if r.circuit), None)
        if circuit is not None:
            drawings.append(f"<h3>{escape(name)}</h3><pre>{escape(circuit)}</pre>")
    return "<h2>Circuit</h2>" + "".join(drawings) if drawings else ""


def _tuning(comparison: Findings) -> str:
    rows = []
    for entrant in comparison.entrants:
        results = [r for r in comparison.of(entrant.name) if r.error is None]
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
        f"<p>On each of {comparison.n_folds} outer folds, every setting is fitted on "
        f"{INNER_SPLITS} inner folds, and the best once more on all training rows. "
        f"{_more_fits(comparison)}All models meet the same folds and the same preprocessing"
        f"{', but for forecasts that copy values' if comparison.task == 'series' else ''}.</p>"
        '<div class="skq-scroll skq-prose"><table><thead><tr>'
        f"{head}</tr></thead><tbody>{''.join(rows)}</tbody></table></div>"
        "<details><summary>The pipelines</summary><dl>"
        + "".join(
            f"<dt>{escape(e.name)}</dt><dd><code>{escape(e.pipeline)}</code></dd>"
            for e in comparison.entrants
        )
        + "</dl></details>"
    )


def _total_seconds(seconds: Iterable[float]) -> str:
    return f"{np.sum(list(seconds)):.1f}"


def _warnings(comparison: Findings) -> str:
    counts: dict[tuple[str, str], int] = {}
    for result in comparison.results:
        for text in result.warnings:
            counts[result.model, text] = counts.get((result.model, text), 0) + 1
    if not counts:
        return ""
    items = "".join(
        f"<li><b>{escape(model)}</b> (on {n} of {comparison.n_folds} folds): {escape(text)}</li>"
        for (model, text), n in counts.items()
    )
    return (
        f"<details><summary>Warnings of the fits ({len(counts)})</summary>"
        f"<ul>{items}</ul></details>"
    )


def _run(comparison: Findings) -> str:
    run = {**comparison.run, "time": f"{comparison.elapsed:.1f} s"}
    items = "".join(
        f"<dt>{escape(key)}</dt><dd>{escape(value)}</dd>"
        for key, value in run.items()
        if key not in ("call", "command")
    )
    again = run.get("command", run.get("call", ""))
    return (
        f"<h2>What was run</h2><p>To repeat it:</p><pre>{escape(again)}</pre>"
        f'<dl class="skq-run">{items}</dl>'
    )
