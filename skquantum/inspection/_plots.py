"""What several results draw and reckon alike."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def axes_or_new(ax: Axes | None) -> Axes:
    """Return axes to draw on: those given, or those of a new figure."""
    import matplotlib.pyplot as plt

    return plt.subplots()[1] if ax is None else ax


def log_slopes(sizes: np.ndarray, variances: np.ndarray, names: Sequence[str]) -> dict[str, float]:
    """Return the slopes of straight lines through the natural logarithms of variances."""
    logs = np.log(np.maximum(variances, np.finfo(float).tiny))
    return {
        name: float(np.polyfit(sizes, row, 1)[0]) for name, row in zip(names, logs, strict=True)
    }


def draw_decay(
    ax: Axes | None, sizes: np.ndarray, variances: np.ndarray, names: Sequence[str]
) -> Axes:
    """Draw variances against sizes, on a logarithmic scale."""
    ax = axes_or_new(ax)
    for name, row in zip(names, variances, strict=True):
        ax.semilogy(sizes, row, marker="o", label=name)
    ax.set_xticks(sizes)
    return ax
