"""A comparison as plain text, for terminals."""

import textwrap
from collections.abc import Sequence

from skquantum.comparison._findings import Findings
from skquantum.comparison._pages.circuit import assumptions, hardware_sentence
from skquantum.comparison._pages.device import device_paragraphs
from skquantum.comparison._summary import Column

WIDTH = 99
COLUMNS_A_TABLE = 5


def text(comparison: Findings) -> str:
    """Return rule, tables and verdict."""
    return f"{wrap('Rule: ', comparison.rule_text)}\n\n{findings(comparison)}"


def findings(comparison: Findings) -> str:
    """Return tables and verdict, without the rule that was printed first."""
    parts = []
    if not comparison.complete:
        parts.append(wrap("", incomplete(comparison)))
    shown = comparison.columns
    for start in range(0, len(shown), COLUMNS_A_TABLE):
        parts.append(_table(comparison, shown[start : start + COLUMNS_A_TABLE]))
    starred = any(comparison.best(column) for column in shown)
    legend = "* best in its column, ties included. " if starred else ""
    over = f"{comparison.n_folds} folds" if comparison.complete else "the finished folds"
    chance = comparison.run.get("most frequent class")
    guess = "" if chance is None else f" The most frequent class: {chance}."
    parts.append(wrap("", f"{legend}Mean ± standard deviation over {over}.{guess}"))
    costly = []
    for name in comparison.models:
        if costs := comparison.resources(name):
            listed = ", ".join(f"{key} {value}" for key, value in costs.items())
            parts.append(wrap(f"{name}: ", listed))
            costly.append(hardware_sentence(comparison, name))
    if sentences := " ".join(filter(None, costly)):
        parts.append(wrap("Hardware: ", f"{sentences} {assumptions(comparison.device)}"))
    parts += [wrap(label, said) for label, said in device_paragraphs(comparison)]
    for study in comparison.studies:
        parts.append(f"{study.title}\n{aligned([study.head, *study.rows])}")
        parts.append(wrap("", study.said))
    parts += [wrap("Note: ", caution) for caution in comparison.cautions]
    parts += [wrap("Verdict: ", verdict.text) for verdict in comparison.verdicts]
    return "\n\n".join(parts)


def incomplete(comparison: Findings) -> str:
    """Say how much of the run is missing."""
    total = len(comparison.entrants) * comparison.n_folds
    failed = f"; failed: {', '.join(comparison.failures)}" if comparison.failures else ""
    return (
        f"INCOMPLETE: {len(comparison.results)} of {total} fits on outer folds were "
        f"finished{failed}. What follows is from those."
    )


def folds_done(comparison: Findings, name: str) -> str:
    """Return how many folds a model finished, "" if all."""
    done = comparison.n_finished(name)
    return "" if done == comparison.n_folds else f" ({done} of {comparison.n_folds} folds)"


def wrap(label: str, paragraph: str) -> str:
    """Wrap a paragraph behind a label."""
    return textwrap.fill(label + paragraph, WIDTH, subsequent_indent=" " * min(len(label), 9))


def aligned(rows: Sequence[Sequence[str]]) -> str:
    """Return a table whose first row is its head: names to the left, cells to the right."""
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    lines = [
        "  ".join(
            cell.ljust(width) if i == 0 else cell.rjust(width)
            for i, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    ]
    return "\n".join([lines[0], "-" * max(map(len, lines)), *lines[1:]])


def _table(comparison: Findings, shown: Sequence[Column]) -> str:
    rows = [["", *(column.title for column in shown)]]
    best = {column.key: comparison.best(column) for column in shown}
    for name in comparison.models:
        cells = [
            column.shown(*comparison.mean(name, column.key))
            + ("*" if name in best[column.key] else " ")
            for column in shown
        ]
        rows.append([name + folds_done(comparison, name), *cells])
    return aligned(rows)
