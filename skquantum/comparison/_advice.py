"""What can be said before a comparison is run: figures, and the rule that makes advice of them."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from skquantum._paired import UNIT_SCORES, PairedTest, corrected_paired_test
from skquantum.comparison._device import DeviceTest
from skquantum.comparison._pages import (
    advice_page,
    aligned,
    assumptions,
    price_on,
    time_on,
    wrap,
)
from skquantum.comparison._prepare import described
from skquantum.comparison._provenance import most_frequent
from skquantum.comparison._rule import HARDWARE_LATENCY, NO_ROOM_ABOVE, TOO_MANY_ROWS
from skquantum.comparison._tracking import log_advice

# Two-qubit gates above which noise takes over on devices of today, and nothing else is left.
MANY_GATES, TOO_MANY_GATES = 30, 100
# Of a named device: the share of runs without an error below which gates are many, and too many.
MOST_LEFT, HALF_LEFT = 0.8, 0.5
MAX_DROP = 0.02  # below the best baseline that still counts as equally good
DECISIONS = {
    "no": "Not worth trying",
    "if": "Worth it if",
    "yes": "Worth an experiment",
}


@dataclass(frozen=True)
class KernelOutlook:
    """What is measured of one quantum kernel.

    Attributes
    ----------
    name : str
        The call that makes the model.
    geometric_difference : float
        From the Gaussian kernel that comes nearest to it, as
        :func:`skquantum.inspection.geometric_difference` has it.
    complexity, classical_complexity : float
        Of the labels, for this kernel and for the best Gaussian one.
    alignment : float
        With the labels, centred.
    spread : float
        Standard deviation of the kernel's values for different rows.
    n_two_qubit_gates : int
        Of its largest circuit.
    fit_circuits, row_circuits : float
        Circuits of a fit on all rows, and of one predicted row; NaN if the kernel does not tell.
    """

    name: str
    geometric_difference: float
    complexity: float
    classical_complexity: float
    alignment: float
    spread: float
    n_two_qubit_gates: int
    fit_circuits: float
    row_circuits: float


@dataclass(frozen=True, eq=False, repr=False)
class Advice:
    """Whether quantum models are worth a comparison on some data, and why.

    ``print(advice)`` tells all of it.

    Attributes
    ----------
    task, metric : str
        Task and score.
    n_rows, n_used, n_features : int
        Rows, those that were used, and features after preprocessing.
    classes : dict of str to int
        Rows of each class; empty for a regression.
    scores : dict of str to ndarray of shape (n_folds,)
        Scores of the classical models and the quantum kernel machines on the same folds.
    baselines : tuple of str
        Which of them are classical.
    kernels : tuple of KernelOutlook
        What is measured of the quantum kernels.
    device : DeviceTest
        What hardware is reckoned with.
    latency : float or None
        Seconds within which hardware would have to answer.
    test_to_train : float
        Rows that a fold tests on for each that it learns from.
    two_qubit_error : float or None
        Median error of the two-qubit gates of the device, if one was named.
    table : tuple of (str, str)
        Columns of a data frame, and what was done to each.
    notes : tuple of str
        What else is to be said of the data.
    name : str
        Of the data.
    """

    task: str
    metric: str
    n_rows: int
    n_used: int
    n_features: int
    classes: dict[str, int]
    scores: dict[str, np.ndarray]
    baselines: tuple[str, ...]
    kernels: tuple[KernelOutlook, ...]
    device: DeviceTest
    latency: float | None
    test_to_train: float
    two_qubit_error: float | None = None
    table: tuple[tuple[str, str], ...] = ()
    notes: tuple[str, ...] = ()
    name: str = "your data"

    def __repr__(self) -> str:
        return f"Advice({self.decision!r}, start_with={self.start_with!r})"

    @property
    def decision(self) -> str:
        """What the rule says: "no", "if" or "yes"."""
        return self._outcome[0]

    @property
    def sentence(self) -> str:
        """The decision and its reason in words."""
        return f"{DECISIONS[self.decision]}{self._outcome[1]}"

    @property
    def best_baseline(self) -> str:
        """The classical model with the highest mean score."""
        return max(self.baselines, key=lambda name: self.scores[name].mean())

    @property
    def start_with(self) -> str:
        """The quantum model with the highest mean score."""
        return max((k.name for k in self.kernels), key=lambda name: self.scores[name].mean())

    def difference(self, name: str) -> PairedTest:
        """Test a quantum model's scores against those of the best classical one.

        Parameters
        ----------
        name : str
            One of the quantum models in `scores`.

        Returns
        -------
        PairedTest
            With ``difference``, ``interval`` and ``p_value``.
        """
        differences = self.scores[name] - self.scores[self.best_baseline]
        n_test = self.n_used * self.test_to_train / (1 + self.test_to_train)
        return corrected_paired_test(
            differences, self.test_to_train, metric=self.metric, n_test=n_test
        )

    def reasons(self) -> list[str]:
        """Return what else speaks for or against it, a sentence each.

        Returns
        -------
        list of str
        """
        chosen = next(kernel for kernel in self.kernels if kernel.name == self.start_with)
        return [
            *self._about_rows(),
            self._about_geometry(chosen),
            *self._about_concentration(chosen),
            *self._about_hardware(chosen),
        ]

    def to_dict(self) -> dict[str, Any]:
        """Return all of it as numbers and text, for JSON.

        Returns
        -------
        dict
        """
        return {
            "name": self.name,
            "decision": self.decision,
            "sentence": self.sentence,
            "start_with": self.start_with,
            "best_baseline": self.best_baseline,
            "reasons": self.reasons(),
            "task": self.task,
            "metric": self.metric,
            "n_rows": self.n_rows,
            "n_used": self.n_used,
            "n_features": self.n_features,
            "classes": dict(self.classes),
            "scores": {name: [float(s) for s in folds] for name, folds in self.scores.items()},
            "kernels": [_plain(asdict(kernel)) for kernel in self.kernels],
            "latency": self.latency,
            "two_qubit_error": self.two_qubit_error,
            "table": dict(self.table),
            "notes": list(self.notes),
        }

    def log_to_mlflow(self, run_name: str | None = None) -> str:
        """Log all of it to MLflow, where :func:`mlflow.set_tracking_uri` says.

        Numbers become metrics, all else parameters; the page and the JSON are artifacts.

        Parameters
        ----------
        run_name : str, default=None
            What to call the run; None takes the name of the data.

        Returns
        -------
        run_id : str
            Of the run.

        Raises
        ------
        ImportError
            If MLflow is not installed.
        """
        content = self.to_dict()
        text = json.dumps(content, indent=1)
        write = {
            "advice.html": self.to_html,
            "advice.json": lambda path: path.write_text(text, encoding="utf-8"),
        }
        return log_advice(content, run_name or self.name or "advice", write)

    def to_html(self, path: str | Path) -> Path:
        """Write it as a page.

        Parameters
        ----------
        path : str or Path
            The file; it needs no other.

        Returns
        -------
        Path
        """
        path = Path(path)
        kind = {"yes": "use", "if": "either", "no": "reject"}[self.decision]
        title = f"Advice: {self.name}"
        data = (self.table, self.notes)
        page = advice_page(title, kind, self.sentence, self._tables(), self._said(), data)
        path.write_text(page, encoding="utf-8")
        return path

    def __str__(self) -> str:
        """Say it all, for a terminal."""
        data = described(self.table, self.notes)
        parts = ["\n".join(data)] if data else []
        parts += [wrap("", self.sentence)]
        parts += [f"{title}:\n{aligned(rows)}" for title, rows in self._tables()]
        parts += [wrap("- ", text) for text in self._said()]
        return "\n\n".join(parts)

    def _said(self) -> list[str]:
        return [*self.reasons(), assumptions(self.device)]

    @cached_property
    def _outcome(self) -> tuple[str, str]:
        """Apply the rule; docs/guide/advice.rst tells it in words."""
        baseline, start = self.best_baseline, self.start_with
        best = self.scores[baseline].mean()
        if (self.metric in UNIT_SCORES or self.metric == "r2") and best > NO_ROOM_ABOVE:
            return "no", (
                f": {baseline} already has a mean {self.metric} of {best:.3f}; above "
                f"{NO_ROOM_ABOVE:g} there is hardly anything left to gain."
            )
        if self.n_rows > TOO_MANY_ROWS:
            return "no", f": {self.n_rows:,} rows; classical models gain more from so many."
        test = self.difference(start)
        gap = self._in_words(start, test)
        kernel = next(kernel for kernel in self.kernels if kernel.name == start)
        if test.says("better"):
            if not self._is_in_time(kernel):
                return "if", (
                    f" a simulator may answer, as hardware would be too late: start with {start}. "
                    f"{gap}"
                )
            return "yes", f": start with {start}. {gap}"
        if test.difference < -MAX_DROP:
            return "no", f": {gap}"
        simpler = kernel.complexity < kernel.classical_complexity
        sizes = f"complexity {kernel.complexity:.0f} against {kernel.classical_complexity:.0f}"
        if not simpler and test.difference <= MAX_DROP:
            return "no", (
                f": {gap} Nor are the labels simpler for a quantum kernel than for a Gaussian one "
                f"({sizes}), which promises as much from as few rows."
            )
        why = f"The labels are simpler for this kernel than for a Gaussian one ({sizes})."
        return "if", (
            f" a gain of at most {max(test.interval[1], 0.0):.3f} would matter: {gap} "
            f"{why if simpler else 'These folds do not show it.'} A comparison on all rows tells."
        )

    def _in_words(self, name: str, test: PairedTest) -> str:
        low, high = test.interval
        return (
            f"The best quantum kernel machine, {name}, has a mean {self.metric} of "
            f"{self.scores[name].mean():.3f}, {self.best_baseline} of "
            f"{self.scores[self.best_baseline].mean():.3f} (difference {test.difference:+.3f}, "
            f"interval {low:+.3f} to {high:+.3f})."
        )

    def _about_rows(self) -> list[str]:
        found = []
        if self.classes:
            names, counts = list(self.classes), list(self.classes.values())
            found.append(f"The most frequent class: {most_frequent(names, counts)}.")
        if self.n_used < self.n_rows:
            found.append(f"Measured on {self.n_used:,} of {self.n_rows:,} rows.")
        if self.classes and min(self.classes.values()) < 10:
            rarest = min(self.classes, key=lambda label: self.classes[label])
            found.append(
                f"Class {rarest} has {self.classes[rarest]} rows: too few to judge it by."
            )
        return found

    def _about_geometry(self, kernel: KernelOutlook) -> str:
        much = np.sqrt(self.n_used)
        differs = (
            f"{kernel.name} differs from the nearest Gaussian kernel by "
            f"{kernel.geometric_difference:.2f}, where {much:.1f} is much"
        )
        if kernel.geometric_difference < 0.1 * much:
            return f"{differs}: that one does about as well, whatever the labels are."
        yours = "are" if kernel.complexity < kernel.classical_complexity else "are not"
        return (
            f"{differs}: some labels are learned better by the quantum kernel; these {yours} such "
            f"(complexity {kernel.complexity:.0f} against {kernel.classical_complexity:.0f})."
        )

    def _about_concentration(self, kernel: KernelOutlook) -> list[str]:
        shots = self.device.shots
        if shots is None or kernel.spread > 3 * 0.5 / np.sqrt(shots):
            return []
        return [
            f"The values of its kernel spread by {kernel.spread:.3f} only, and {shots:,} shots "
            f"tell them to {0.5 / np.sqrt(shots):.3f}: on a device they would drown in chance."
        ]

    def _about_hardware(self, kernel: KernelOutlook) -> list[str]:
        found = []
        if np.isfinite(kernel.fit_circuits):
            found.append(
                f"A fit on all rows would take {kernel.fit_circuits:,.0f} circuits: about "
                f"{time_on(self.device, kernel.fit_circuits)} and "
                f"{price_on(self.device, kernel.fit_circuits)}."
            )
        found += self._about_gates(kernel.n_two_qubit_gates)
        if self.latency is not None:
            found.append(self._about_latency(kernel, self.latency))
        return found

    def _about_gates(self, gates: int) -> list[str]:
        """Judge the gates by the device's own calibration if it was named, else by a rule."""
        error = self.two_qubit_error
        if error is None:
            if gates <= MANY_GATES:
                return []
            much = "far too many" if gates > TOO_MANY_GATES else "many"
            return [
                f"Its circuit has {gates} two-qubit gates: {much} for devices of today, where "
                f"noise takes over above some {MANY_GATES} and nothing is left above "
                f"{TOO_MANY_GATES}."
            ]
        left = (1 - error) ** gates
        if left >= MOST_LEFT:
            return []
        much = "far too many" if left < HALF_LEFT else "many"
        return [
            f"Its circuit has {gates} two-qubit gates: {much} for {self.device.noise}, whose "
            f"median error of {100 * error:.2g} % (its calibration in cirq-google) leaves "
            f"{100 * left:.0f} % of the runs without one, before any swaps."
        ]

    def _is_in_time(self, kernel: KernelOutlook) -> bool:
        """Whether hardware could answer within the latency asked for, where it can be told."""
        if self.latency is None:
            return True
        seconds = self.device.busy(kernel.row_circuits)
        return self.latency >= HARDWARE_LATENCY and not seconds > self.latency

    def _about_latency(self, kernel: KernelOutlook, latency: float) -> str:
        asked = f"An answer within {1000 * latency:g} ms is asked for"
        seconds = self.device.busy(kernel.row_circuits)
        shots = "an unknown time" if np.isnan(seconds) else f"{1000 * seconds:,.0f} ms"
        if not self._is_in_time(kernel):
            return (
                f"{asked}: hardware can't, whose shots for a row take {shots}, with a queue "
                "before them; a simulator can."
            )
        return f"{asked}: the shots for a row take {shots}, queues apart."

    def _tables(self) -> list[tuple[str, list[list[str]]]]:
        scores = [["", f"mean {self.metric}", "spread"]]
        scores += [
            [name + ("" if name in self.baselines else " (quantum)"), f"{folds.mean():.3f}"]
            + [f"{folds.std(ddof=1):.3f}"]
            for name, folds in self.scores.items()
        ]
        titles = [
            "",
            "difference",
            "complexity",
            "Gaussian",
            "alignment",
            "spread",
            "2-qubit gates",
        ]
        kernels = [titles] + [
            [
                k.name,
                f"{k.geometric_difference:.2f}",
                f"{k.complexity:.0f}",
                f"{k.classical_complexity:.0f}",
                f"{k.alignment:.2f}",
                f"{k.spread:.3f}",
                f"{k.n_two_qubit_gates}",
            ]
            for k in self.kernels
        ]
        return [("Scores", scores), ("Quantum kernels", kernels)]


def _plain(record: dict[str, Any]) -> dict[str, Any]:
    """Return a record whose numbers are JSON's, None for what is unknown."""
    return {
        key: None if isinstance(value, float) and not np.isfinite(value) else value
        for key, value in record.items()
    }
