"""Score spread and calibration curves, drawn with matplotlib."""

from typing import Any

import numpy as np

from skquantum.comparison._findings import Findings
from skquantum.comparison._summary import values
from skquantum.metrics import reliability_bins

# Okabe and Ito's colours, which stay apart for colour-blind readers. The first two, the
# strongest, are for the models compared; baselines take the rest.
COMPARED = ("#d55e00", "#cc79a7", "#b8860b")
BASELINES = ("#0072b2", "#009e73", "#56b4e9", "#8c8c8c", "#6a51a3")
# More would not be told apart.
MOST_FORECASTS = 120
BINS = 10
# A bin with fewer rows says nothing.
FEWEST_ROWS = 10


def plot(comparison: Findings, axes: Any = None) -> Any:
    """Draw on given axes, or on a new figure."""
    if axes is None:
        import matplotlib.pyplot as plt

        n = 1 if comparison.task == "regression" else 2
        _, axes = plt.subplots(1, n, figsize=(5.5 * n, 4), layout="constrained")
    axes = np.atleast_1d(np.asarray(axes, dtype=object))
    draw_scores(comparison, axes[0])
    if comparison.task == "classification" and len(axes) > 1:
        draw_calibration(comparison, axes[1])
    if comparison.task == "series" and len(axes) > 1:
        draw_forecasts(comparison, axes[1])
    return axes[0].figure


def colours(comparison: Findings) -> dict[str, str]:
    """Return the colour of each model."""
    found: dict[str, str] = {}
    for names, palette in (
        (comparison.baselines, BASELINES),
        ([name for name in comparison.models if name not in comparison.baselines], COMPARED),
    ):
        found |= {name: palette[i % len(palette)] for i, name in enumerate(names)}
    return found


def _literal(name: str) -> str:
    """Keep matplotlib from reading dollars as mathematics."""
    return name.replace("$", r"\$")


def draw_scores(comparison: Findings, ax: Any) -> None:
    """Draw one dot for each fold, and a bar at the mean."""
    names, column = comparison.models[::-1], comparison.columns[0]  # the first comes on top
    for position, name in enumerate(names):
        scores = column.seen(values(comparison.of(name), "score"))
        if not len(scores):
            continue
        colour = colours(comparison)[name]
        offsets = position + np.linspace(-0.18, 0.18, len(scores))
        ax.plot(scores, offsets, "o", color=colour, alpha=0.55, markersize=5, mew=0)
        mean = column.seen(comparison.mean(name, "score")[0])
        ax.plot([mean] * 2, [position - 0.3, position + 0.3], color=colour, lw=2.5)
    ax.set_yticks(range(len(names)), [_literal(name) for name in names])
    ax.set_ylim(-0.6, len(names) - 0.4)
    title = column.title.replace("_", " ")
    ax.set_xlabel(f"{title} on each fold, and mean")
    ax.grid(axis="x", alpha=0.25, lw=0.6)
    for side in ("top", "right", "left"):
        ax.spines[side].set_visible(False)
    ax.tick_params(axis="y", length=0)


def draw_calibration(comparison: Findings, ax: Any) -> None:
    """Draw accuracy against confidence in the predicted class, all folds together."""
    ax.plot([0, 1], [0, 1], color="#999999", lw=1, ls=(0, (4, 3)))
    low = 1.0
    for name in comparison.models:
        done = [r for r in comparison.of(name) if r.probabilities is not None]
        if not done:
            continue
        confidence, accuracy, count = reliability_bins(
            np.concatenate([r.y_true for r in done]),
            np.concatenate([r.probabilities for r in done]),
            n_bins=BINS,
            labels=done[0].classes,
        )
        enough = count >= FEWEST_ROWS
        confidence, accuracy, count = confidence[enough], accuracy[enough], count[enough]
        is_baseline = name in comparison.baselines
        colour = colours(comparison)[name]
        ax.plot(
            confidence,
            accuracy,
            color=colour,
            lw=1.2 if is_baseline else 2.2,
            alpha=0.75 if is_baseline else 1,
            zorder=2 if is_baseline else 3,
            label=_literal(name),
        )
        sizes = 6 + 60 * count / max(count.sum(), 1)
        ax.scatter(confidence, accuracy, s=sizes, color=colour, zorder=3, linewidths=0)
        low = min([low, *confidence, *accuracy])
    low = max(0.0, low - 0.05)
    ax.set_xlim(low, 1.02)
    ax.set_ylim(low, 1.02)
    ax.set_xlabel("confidence in the predicted class")
    ax.set_ylabel("share of right predictions")
    _finish(ax, "best")


def draw_forecasts(comparison: Findings, ax: Any) -> None:
    """Draw truth and forecasts at the end of the last fold: the best baseline and the models.

    Of several steps at once these are the forecasts for the last of them.
    """
    names = [name for name in comparison.models if name not in comparison.baselines]
    if comparison.best_baseline is not None:
        names.insert(0, comparison.best_baseline)
    done = [r for name in names for r in comparison.of(name) if r.y_pred is not None]
    last = max((result.fold for result in done), default=0)
    steps = 1
    for result in done:
        if result.fold != last or result.test is None:
            continue
        name, place = result.model, _places(comparison, result.test[-MOST_FORECASTS:])
        true, forecast = (
            np.asarray(values).reshape(result.n_test, -1)[-MOST_FORECASTS:]
            for values in (result.y_true, result.y_pred)
        )
        steps = true.shape[1]
        if not ax.lines:
            ax.plot(place, true[:, -1], ".", color="#999999", ms=5, label="truth", zorder=4)
        ax.plot(
            place,
            forecast[:, -1],
            color=colours(comparison)[name],
            lw=1.2 if name in comparison.baselines else 1.8,
            alpha=0.85,
            label=_literal(name),
        )
    ax.set_xlabel("number of the window" if comparison.times is None else "")
    ax.tick_params(axis="x", labelsize="small")
    ax.set_ylabel("1 step ahead" if steps == 1 else f"{steps} steps ahead")
    _finish(ax, "best")


def _places(comparison: Findings, windows: np.ndarray) -> np.ndarray:
    """Return where forecasts are drawn: at their dates, or at the number of the window."""
    if comparison.times is None:
        return windows
    return np.array([comparison.times[i] for i in windows], dtype="datetime64[s]")


def draw_intervals(comparison: Findings, ax: Any) -> None:
    """Draw the interval of each model's difference from the best baseline, and what is allowed."""
    column, drop = comparison.columns[0], comparison.rule.max_score_drop
    # Of errors the ratio to the baseline's is drawn: the smaller, the better.
    none, limit = (1.0, np.exp(drop)) if column.is_log_error else (0.0, -drop)
    shown = [v for v in comparison.verdicts if np.isfinite(v.interval).all()][::-1]
    ax.axvspan(min(none, limit), max(none, limit), color="#8c8c8c", alpha=0.18, lw=0)
    ax.axvline(none, color="#8c8c8c", lw=1)
    for position, verdict in enumerate(shown):
        low, middle, high = (
            np.exp(-end) if column.is_log_error else end
            for end in (verdict.interval[0], verdict.difference, verdict.interval[1])
        )
        colour = colours(comparison)[verdict.model]
        ax.plot([low, high], [position] * 2, color=colour, lw=3, solid_capstyle="round")
        ax.plot([middle], [position], "o", color=colour, ms=9)
    ax.set_yticks(range(len(shown)), [_literal(verdict.model) for verdict in shown])
    ax.set_ylim(-0.8, len(shown) - 0.2)
    what = "error / baseline's error" if column.is_log_error else "difference"
    ax.set_xlabel(f"{what} (grey: worse, but allowed)")
    ax.grid(axis="x", alpha=0.25, lw=0.6)
    for side in ("top", "right", "left"):
        ax.spines[side].set_visible(False)
    ax.tick_params(axis="y", length=0)


def draw_training(comparison: Findings, ax: Any) -> None:
    """Draw the loss of each epoch, one line for each fold, of the models that have one."""
    for name in comparison.models:
        is_baseline = name in comparison.baselines
        curves = [r.loss_curve for r in comparison.of(name) if r.loss_curve]
        for k, curve in enumerate(curves):
            ax.plot(
                range(1, len(curve) + 1),
                curve,
                color=colours(comparison)[name],
                lw=0.9 if is_baseline else 1.4,
                alpha=0.7,
                zorder=2 if is_baseline else 3,
                label=None if k else name,
            )
    ax.set_yscale("log")
    ax.set_xlabel("epoch")
    ax.set_ylabel("training loss")
    _finish(ax, "upper right")


def _finish(ax: Any, place: str) -> None:
    """Draw what these plots have in common, a legend if there is anything to tell."""
    ax.grid(alpha=0.25, lw=0.6)
    if ax.get_legend_handles_labels()[0]:
        ax.legend(frameon=False, fontsize="small", loc=place)
    for side in ("top", "right"):
        ax.spines[side].set_visible(False)
