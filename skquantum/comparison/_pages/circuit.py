"""Circuits: drawn small, in full on demand; and what they would cost on hardware."""

from collections.abc import Sequence
from html import escape

import numpy as np

from skquantum.comparison._device import PUBLIC_PRICES, SHOTS, DeviceTest
from skquantum.comparison._findings import Findings
from skquantum.comparison._summary import duration, in_words

# Of an outline: pixels from one gate to the next and from wire to wire, and most gates in a row.
STEP, WIRE, MOST_STEPS = 14, 16, 160

Outline = Sequence[Sequence[tuple[Sequence[int], bool]]]


def circuits_html(findings: Findings) -> str:
    """Return the circuit of each model, "" if none has one."""
    drawings = []
    for name in findings.models:
        drawn = next((r for r in findings.of(name) if r.circuit), None)
        if drawn is None or drawn.circuit is None:
            continue
        small = "" if drawn.outline is None else _scrolling(outline_svg(drawn.outline, name))
        drawings.append(
            f"<h3>{escape(name)}</h3>{small}<details><summary>The circuit in full</summary>"
            f"<pre>{escape(drawn.circuit)}</pre></details>"
        )
    if not drawings:
        return ""
    legend = (
        '<p class="skq-small">A line is a qubit, read from left to right. Filled: gates whose '
        "angle depends on the data; open: fixed or trained; joined dots: gates on several "
        "qubits.</p>"
    )
    return "<h2>Circuit</h2>" + legend + "".join(drawings)


def outline_svg(outline: Outline, name: str) -> str:
    """Draw a circuit in outline."""
    n_qubits = 1 + max(
        (q for moment in outline for qubits, _ in moment for q in qubits), default=0
    )
    gates, steps, left_out = [], 0, 0
    for moment in outline:
        if steps >= MOST_STEPS:
            left_out += 1
            continue
        places, width = _places(moment)
        for (qubits, is_data), place in zip(moment, places, strict=True):
            gates.append(_gate(qubits, is_data, STEP * (steps + place + 1)))
        steps += width
    width, height = STEP * (steps + 1), WIRE * n_qubits
    wires = "".join(f'<path class="skq-wire" d="M0 {_y(q):g}H{width}"/>' for q in range(n_qubits))
    more = f'<p class="skq-small">And {left_out} more moments.</p>' if left_out else ""
    return (
        f'<svg class="skq-outline" viewBox="0 0 {width} {height}" '
        f'style="max-width:{width}px;min-width:min(20rem,{width}px)" '
        f'role="img" aria-label="Outline of the circuit of {escape(name)}">{wires}'
        f"{''.join(gates)}</svg>{more}"
    )


def _places(moment: Sequence[tuple[Sequence[int], bool]]) -> tuple[list[int], int]:
    """Return the column of each gate of a moment, so that lines don't cross; and their number."""
    taken: list[set[int]] = []
    places = []
    for qubits, _ in moment:
        span = set(range(min(qubits), max(qubits) + 1)) if qubits else set()
        place = next((i for i, other in enumerate(taken) if not other & span), len(taken))
        if place == len(taken):
            taken.append(set())
        taken[place] |= span
        places.append(place)
    return places, max(len(taken), 1)


def _gate(qubits: Sequence[int], is_data: bool, x: float) -> str:
    kind = "skq-data" if is_data else "skq-fixed"
    if not qubits:
        return ""
    if len(qubits) == 1:
        return (
            f'<rect class="{kind}" x="{x - 4.5:g}" y="{_y(qubits[0]) - 4.5:g}" width="9" '
            'height="9" rx="1.5"/>'
        )
    ys = [_y(q) for q in qubits]
    dots = "".join(f'<circle class="{kind}" cx="{x:g}" cy="{y:g}" r="3.2"/>' for y in ys)
    return f'<path class="{kind}-line" d="M{x:g} {min(ys):g}V{max(ys):g}"/>{dots}'


def _y(qubit: int) -> float:
    return WIRE * (qubit + 0.5)


def _scrolling(drawing: str) -> str:
    return f'<div class="skq-scroll">{drawing}</div>'


# --- what hardware would cost -------------------------------------------------------------------


def time_on(device: DeviceTest | None, n_circuits: float) -> str:
    """Return how long a device would be busy."""
    if not np.isfinite(n_circuits):
        return "–"
    return in_words((device or DeviceTest()).busy(n_circuits))


def price_on(device: DeviceTest | None, n_circuits: float) -> str:
    """Return what a device would ask for, by its own prices or by public price lists."""
    if not np.isfinite(n_circuits):
        return "–"
    if device is not None and device.has_prices:
        return f"{device.cost(n_circuits):,.2f}"
    low, high = (_rounded(n_circuits * price) for price in PUBLIC_PRICES)
    return f"{low} to {high} USD"


def assumptions(device: DeviceTest | None) -> str:
    """Say what times and prices rest on."""
    device = device or DeviceTest()
    asked = f"{PUBLIC_PRICES[0]:g} to {PUBLIC_PRICES[1]:g} USD, as public price lists ask"
    if device.has_prices:
        parts = [(device.price_per_circuit, "a circuit"), (device.price_per_shot, "a shot")]
        asked = " and ".join(f"{price:g} {what}" for price, what in parts if price)
    return (
        f"Assumed: a circuit of {device.shots or SHOTS:,} shots takes {duration(device.busy(1))} "
        f"and costs {asked}. Waiting in queues comes on top."
    )


def hardware_sentence(findings: Findings, name: str) -> str:
    """Say what one fit would take on hardware, "" if the model doesn't tell."""
    told = [r.resources.get("n_circuits") for r in findings.of(name) if r.resources]
    counts = [n for n in told if n is not None and np.isfinite(n)]
    if not counts:
        return ""
    n = float(np.mean(counts))
    return (
        f"One fit of {name} on hardware would keep it busy for about "
        f"{time_on(findings.device, n)} and cost {price_on(findings.device, n)} "
        f"({n:,.0f} circuits)."
    )


def _rounded(amount: float) -> str:
    """Return an amount of money in two digits, more would claim too much."""
    if amount < 1:
        return f"{amount:.2g}"
    digits = max(0, int(np.floor(np.log10(amount))) - 1)
    return f"{round(amount, -digits):,.0f}"
