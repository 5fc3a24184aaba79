"""The report: one HTML file that needs no other, readable on light and dark screens."""

import io
import re
from collections.abc import Callable
from html import escape
from typing import Any

import numpy as np

from skquantum.comparison._findings import Findings
from skquantum.comparison._pages.appendix import (
    data_html,
    folds_html,
    run_html,
    tuning_html,
    warnings_html,
)
from skquantum.comparison._pages.circuit import assumptions, circuits_html, hardware_sentence
from skquantum.comparison._pages.device import device_html
from skquantum.comparison._pages.plots import (
    colours,
    draw_calibration,
    draw_forecasts,
    draw_intervals,
    draw_scores,
    draw_training,
)
from skquantum.comparison._pages.style import CSS, document
from skquantum.comparison._pages.text import folds_done, incomplete
from skquantum.comparison._study import Study

# A colour that no plot uses: it stands for the page's own text colour.
INK = "#010203"
# Of more classes no matrix of confusions is drawn, but the most frequent ones listed.
MOST_CLASSES, MOST_CONFUSIONS = 12, 10

PASSES = {
    "use": "passes the rule",
    "either": "passes the rule",
    "reject": "does not pass the rule",
    "failed": "failed",
    "unfinished": "unfinished",
}
GLOSSARY = {
    "baseline": "A classical model that the others are measured against, tuned like them.",
    "fold": "One of several ways to split the rows: models learn from one part and are measured "
    "on the other, which they have not seen.",
    "tuning": "Trying settings of a model on parts of the training rows, to choose the best.",
    "interval": "Where the true difference of the mean scores lies, as far as these folds tell. "
    "If it holds 0, they don't show which model is better.",
    "p": "How probable a difference as large as this one were, if the models were equally good.",
    "better, worse": "The interval lies on one side of 0.",
    "as good": "The interval reaches no further below 0 than the rule allows.",
    "not shown to be worse": "The interval holds 0, but reaches further down than the rule "
    "allows: more data would tell.",
    "qubit, gate, depth": "A circuit acts on qubits by gates, one after another; depth is how "
    "many follow each other.",
    "shot": "One run of a circuit on hardware. A number comes from many.",
}


def page(findings: Findings) -> str:
    """Return the report as a page of its own."""
    title = f"Model comparison: {findings.run.get('name', findings.task)}"
    sections = [
        f"<header><h1>{escape(title)}</h1>{_about(findings)}</header>",
        _answer(findings),
        _rule(findings),
        _table(findings),
        _glossary(findings),
        _verdicts(findings),
        _plots(findings),
        _confusions(findings),
        *map(_study, findings.studies),
        _resources(findings),
        device_html(findings),
        circuits_html(findings),
        data_html(findings.table, findings.notes),
        folds_html(findings),
        tuning_html(findings),
        warnings_html(findings),
        run_html(findings),
    ]
    return document(title, sections)


def fragment(findings: Findings) -> str:
    """Return the findings as part of a page, for notebooks."""
    parts = (_answer, _rule, _table, _verdicts, _plots)
    body = "\n".join(filter(None, (part(findings) for part in parts)))
    return f'<style>{CSS}</style><div class="skq skq-notebook">{body}</div>'


def _about(findings: Findings) -> str:
    """Say in a line what was compared, when, and with what."""
    run = findings.run
    version = f"skquantum {run['skquantum']}" if "skquantum" in run else ""
    parts = [run.get("data", ""), run.get("date", ""), version]
    return f'<p class="skq-small">{escape(" · ".join(filter(None, parts)))}</p>'


def _answer(findings: Findings) -> str:
    """Open with one sentence for somebody who decides."""
    decisions = [verdict.decision for verdict in findings.verdicts]
    kinds = ("use", "either", "reject", "failed", "unfinished")
    kind = next((kind for kind in kinds if kind in decisions), "unfinished")
    missing = ""
    if not findings.complete:
        missing = f'<p class="skq-note"><b>{escape(incomplete(findings))}</b></p>'
    return f'{missing}<p class="skq-answer skq-{kind}">{escape(findings.headline)}</p>'


def _rule(findings: Findings) -> str:
    rule = escape(findings.rule_text)
    return f'<p class="skq-rule"><b>The rule, fixed before the run.</b> {rule}</p>'


def _verdicts(findings: Findings) -> str:
    """Give the reasons for what was said first."""
    parts = []
    for verdict in findings.verdicts:
        stamp = PASSES[verdict.decision]
        if verdict.decision in ("use", "either", "reject"):
            stamp += f", {verdict.finding}"
        reasons = verdict.text.removeprefix(verdict.advice).strip()
        parts.append(
            f'<div class="skq-verdict skq-{verdict.decision}">'
            f'<p class="skq-stamp">{escape(verdict.model)}: {stamp}</p>'
            f'<p class="skq-advice">{escape(verdict.advice)}</p>'
            f"<p>{escape(reasons)}</p></div>"
        )
    parts += [f'<p class="skq-note">{escape(caution)}</p>' for caution in findings.cautions]
    return "<h2>Why</h2>" + "\n".join(parts)


def _table(findings: Findings) -> str:
    shown = findings.columns
    best = {column.key: findings.best(column) for column in shown}
    head = "".join(
        f'<th scope="col">{_explained(column.title, column.help)}&nbsp;{column.arrow}</th>'
        for column in shown
    )
    palette = colours(findings)
    rows = []
    for name in findings.models:
        cells = []
        for column in shown:
            mean, spread, unit = column.parts(*findings.mean(name, column.key))
            below = f"<small>{spread}</small>" if spread else ""
            mark = ' class="skq-best"' if name in best[column.key] else ""
            cells.append(f"<td{mark}>{mean} {unit}{below}</td>")
        kind = "baseline" if name in findings.baselines else "compared"
        rows.append(
            f'<tr class="skq-{kind}"><th scope="row"><i style="background:{palette[name]}"></i>'
            f"{escape(name)}<small>{kind}{folds_done(findings, name)}</small></th>"
            f"{''.join(cells)}</tr>"
        )
    return (
        "<h2>Scores</h2>\n"
        '<div class="skq-scroll"><table><thead><tr><th></th>'
        f"{head}</tr></thead><tbody>{''.join(rows)}</tbody></table></div>\n"
        f'<p class="skq-small">Mean ± standard deviation over {findings.n_folds} outer folds; '
        "the best of each column, ties included, is marked (↑ higher, ↓ lower is better)."
        f"{_most_frequent(findings)}{_calibration(findings)}</p>"
    )


def _study(study: Study) -> str:
    head = "".join(f'<th scope="col">{escape(title)}</th>' for title in study.head)
    rows = "".join(
        f'<tr><th scope="row">{escape(row[0])}</th>'
        + "".join(f"<td>{escape(cell)}</td>" for cell in row[1:])
        + "</tr>"
        for row in study.rows
    )
    return (
        f'<h2>{escape(study.title)}</h2>\n<div class="skq-scroll"><table><thead><tr>{head}</tr>'
        f"</thead><tbody>{rows}</tbody></table></div>\n<p>{escape(study.said)}</p>"
    )


def _most_frequent(findings: Findings) -> str:
    chance = findings.run.get("most frequent class")
    return "" if chance is None else f" The most frequent class: {escape(chance)}."


def _explained(title: str, text: str) -> str:
    """Return a term that explains itself on hover."""
    if not text:
        return escape(title)
    return f'<abbr title="{escape(text)}">{escape(title)}</abbr>'


def _glossary(findings: Findings) -> str:
    """Explain the words, for those who can't hover, too."""
    terms = {column.title: column.help for column in findings.columns if column.help} | GLOSSARY
    items = "".join(f"<dt>{escape(t)}</dt><dd>{escape(text)}</dd>" for t, text in terms.items())
    return (
        "<details><summary>What the words mean</summary>"
        f'<dl class="skq-run">{items}</dl></details>'
    )


def _calibration(findings: Findings) -> str:
    """Say where probabilities come from, for tasks that have any."""
    if findings.task != "classification":
        return ""
    return (
        " Models without probabilities of their own are calibrated with a sigmoid, for the "
        "measures of probabilities only."
    )


def _plots(findings: Findings) -> str:
    drawn = [("Score of each fold", draw_scores)]
    if any(np.isfinite(verdict.interval).all() for verdict in findings.verdicts):
        drawn.append(("Difference from the best baseline", draw_intervals))
    if findings.task == "classification":
        drawn.append(("Calibration", draw_calibration))
    if findings.task == "series":
        drawn.append(("Forecasts of the last fold", draw_forecasts))
    # A network among the baselines is no reason for a plot of its own; next to a model it is.
    compared = [name for name in findings.models if name not in findings.baselines]
    if any(result.loss_curve for name in compared for result in findings.of(name)):
        drawn.append(("Training", draw_training))
    figures = [
        f"<figure><figcaption>{title}</figcaption>{_svg(draw, findings, title)}</figure>"
        for title, draw in drawn
    ]
    note = (
        '<p class="skq-small">Calibration: on the dashed line, a model that is 80 % sure is right '
        "in 80 % of the cases. All folds together, in bins of at "
        "least 10 rows; larger dots hold more.</p>"
    )
    with_note = note if findings.task == "classification" else ""
    second = {"classification": " and calibration", "series": " and forecasts"}
    return (
        f"<h2>Spread{second.get(findings.task, '')}</h2>"
        f'<div class="skq-plots">{"".join(figures)}</div>{with_note}'
    )


def _svg(draw: Callable[[Findings, Any], None], findings: Findings, title: str) -> str:
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
        draw(findings, figure.subplots())
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


def _confusions(findings: Findings) -> str:
    """Show which classes are taken for which: by the best baseline and the models compared."""
    names = [name for name in findings.models if name not in findings.baselines]
    if findings.best_baseline is not None:
        names.insert(0, findings.best_baseline)
    drawn = []
    for name in names:
        done = [r for r in findings.of(name) if r.confusion is not None]
        if not done or done[0].classes is None:
            continue
        labels = [str(label) for label in done[0].classes]
        counts = np.sum([np.asarray(r.confusion) for r in done], axis=0)
        table = _matrix if len(labels) <= MOST_CLASSES else _most_confused
        drawn.append(
            f"<figure><figcaption>{escape(name)}</figcaption>"
            f'<div class="skq-scroll">{table(labels, counts)}</div></figure>'
        )
    if not drawn:
        return ""
    return (
        "<h2>Confusions</h2>"
        '<p class="skq-small">Test rows of all folds: a line for each true class, a column for '
        f'what it was taken for.</p><div class="skq-plots">{"".join(drawn)}</div>'
    )


def _matrix(labels: list[str], counts: np.ndarray) -> str:
    head = "".join(f'<th scope="col">{escape(label)}</th>' for label in labels)
    rows = []
    for i, label in enumerate(labels):
        share = counts[i] / max(counts[i].sum(), 1)
        cells = "".join(
            f'<td class="skq-{"right" if i == j else "wrong"}" style="--share:{share[j]:.3f}">'
            f"{counts[i, j]:,}</td>"
            for j in range(len(labels))
        )
        rows.append(f'<tr><th scope="row">{escape(label)}</th>{cells}</tr>')
    return (
        f'<table class="skq-matrix"><thead><tr><th>true, taken for</th>{head}</tr></thead>'
        f"<tbody>{''.join(rows)}</tbody></table>"
    )


def _most_confused(labels: list[str], counts: np.ndarray) -> str:
    wrong = counts - np.diag(np.diag(counts))
    order = np.argsort(wrong, axis=None, kind="stable")[::-1][:MOST_CONFUSIONS]
    pairs = [np.unravel_index(place, wrong.shape) for place in order]
    rows = "".join(
        f'<tr><th scope="row">{escape(labels[i])}</th><td>{escape(labels[j])}</td>'
        f"<td>{wrong[i, j]:,}</td></tr>"
        for i, j in pairs
        if wrong[i, j]
    )
    return (
        '<table><thead><tr><th scope="col">true</th><th scope="col">taken for</th>'
        f'<th scope="col">rows</th></tr></thead><tbody>{rows}</tbody></table>'
    )


def _resources(findings: Findings) -> str:
    found = {name: findings.resources(name) for name in findings.models}
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
    said = "".join(
        f"<p>{escape(sentence)}</p>"
        for name in found
        if (sentence := hardware_sentence(findings, name))
    )
    assumed = f'<p class="skq-small">{escape(assumptions(findings.device))}</p>' if said else ""
    return (
        f"<h2>What the quantum part costs</h2>{said}{assumed}"
        '<div class="skq-scroll"><table>'
        f"<thead><tr><th></th>{head}</tr></thead><tbody>{rows}</tbody></table></div>"
        '<p class="skq-small">For one fit on one outer fold, with the settings chosen there. '
        "Simulated circuits are exact: there is no noise and there are no shots.</p>"
    )
