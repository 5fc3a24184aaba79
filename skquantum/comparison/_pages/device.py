"""The section on the device: what was tried there, and what it would cost."""

from collections.abc import Iterator
from html import escape

import numpy as np

from skquantum.comparison._device import DeviceResult
from skquantum.comparison._findings import Findings
from skquantum.comparison._pages.circuit import assumptions, price_on, time_on

TITLE = "Would it survive a device?"


def _rows(comparison: Findings) -> Iterator[tuple[str, list[DeviceResult], list[float]]]:
    """Yield each model that was tried, what it did, and its exact scores on the same folds."""
    for name in comparison.models:
        tried = [r for r in comparison.of(name) if r.device is not None and r.device.error is None]
        if tried:
            yield name, [r.device for r in tried if r.device], [r.metrics["score"] for r in tried]


def _score(comparison: Findings) -> str:
    """Return what the deciding score is called where it is shown."""
    column = comparison.columns[0]
    return column.title if column.is_log_error else comparison.metric.replace("_", " ")


def _errors(comparison: Findings) -> dict[str, str]:
    return {
        r.model: r.device.error
        for r in comparison.results
        if r.device is not None and r.device.error is not None
    }


def _cells(comparison: Findings) -> Iterator[tuple[str, list[str]]]:
    """Yield the table's rows: name, and what is in the columns of `_titles`."""
    test, column = comparison.device, comparison.columns[0]
    for name, results, exact in _rows(comparison):
        means = {
            key: float(np.mean([getattr(r, key) for r in results]))
            for key in DeviceResult.__dataclass_fields__
            if key != "error"
        }
        cells = [
            *(
                column.shown(score)
                for score in (float(np.mean(exact)), means["score"], means["trained_score"])
            ),
            _number(means["kernel_deviation"]),
        ]
        for n_circuits in (means["fit_circuits"], 1000 * means["row_circuits"]):
            cells.append(_count(n_circuits))
            cells += [time_on(test, n_circuits), price_on(test, n_circuits)]
        yield name, cells


def _titles(comparison: Findings) -> list[str]:
    metric = _score(comparison)
    titles = [f"{metric}, exact", "on the device", "trained there, too", "kernel deviation"]
    for what in ("a fit", "1,000 rows"):
        titles.append(f"circuits, {what}")
        titles += [f"time, {what}", f"cost, {what}"]
    return titles


def sentences(comparison: Findings) -> list[str]:
    """Say of each model whether it survives: by the drop in score that the rule allows."""
    found = []
    allowed, column = comparison.rule.max_score_drop, comparison.columns[0]
    for name, results, exact in _rows(comparison):
        before, after = float(np.mean(exact)), float(np.mean([r.score for r in results]))
        there = float(np.mean([r.trained_score for r in results]))
        best = max(after, there) if np.isfinite(there) else after
        how = " if it is trained there, too" if best > after and before - after > allowed else ""
        verdict = f"survives{how}" if before - best <= allowed else "does not survive"
        found.append(
            f"{name} {verdict}: {_score(comparison)} {column.shown(before)} becomes "
            f"{column.shown(best if how else after)}, and the rule allows a drop of {allowed:g}"
            f"{' of its logarithm' if column.is_log_error else ''}."
        )
    found += [f"{name} could not be tried: {error}" for name, error in _errors(comparison).items()]
    return found


NOTE = (
    "The device is simulated. Means over folds. On the device: trained exactly, predicting there. "
    "Trained there, too: for kernels, on the same rows. Kernel deviation: of the training rows' "
    "matrix from the exact one, relative, in the Frobenius norm. Circuits: as a sampler would run "
    "them, one for each pair of rows (fidelities) or for each row and measurement setting; of a "
    "fit, with gradients by parameter shifts."
)


def device_paragraphs(comparison: Findings) -> list[tuple[str, str]]:
    """Return the section as labels and paragraphs, none if no device was asked for."""
    if comparison.device is None:
        return []
    titles = _titles(comparison)
    found = [(f"{TITLE} ", f"({comparison.device.label}; simulated)")]
    for name, cells in _cells(comparison):
        listed = zip(titles, cells, strict=True)
        found.append((f"{name}: ", "; ".join(f"{t} {cell}" for t, cell in listed if cell != "–")))
    found.append(("", assumptions(comparison.device)))
    return found + [("Device: ", sentence) for sentence in sentences(comparison)]


def device_html(comparison: Findings) -> str:
    """Return the section as HTML, "" if no device was asked for."""
    if comparison.device is None:
        return ""
    head = "".join(f'<th scope="col">{escape(title)}</th>' for title in _titles(comparison))
    rows = "".join(
        f'<tr><th scope="row">{escape(name)}</th>'
        + "".join(f"<td>{escape(cell)}</td>" for cell in cells)
        + "</tr>"
        for name, cells in _cells(comparison)
    )
    said = "".join(f"<p>{escape(sentence)}</p>" for sentence in sentences(comparison))
    table = (
        f'<div class="skq-scroll"><table><thead><tr><th></th>{head}</tr></thead>'
        f"<tbody>{rows}</tbody></table></div>"
        if rows
        else ""
    )
    return (
        f"<h2>{TITLE}</h2><p>{escape(comparison.device.label)}.</p>{said}{table}"
        f'<p class="skq-small">{escape(NOTE)} {escape(assumptions(comparison.device))}</p>'
    )


def _number(value: float, form: str = "{:.3f}") -> str:
    return form.format(value) if np.isfinite(value) else "–"


def _count(value: float) -> str:
    return f"{value:,.0f}" if np.isfinite(value) else "–"
