"""Which energy models take, measured by codecarbon, and what a device would."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator, clone

from skquantum._validation import install_hint
from skquantum.comparison._device import SHOTS, DeviceTest
from skquantum.comparison._measure import Problem, one_thread
from skquantum.comparison._study import Study
from skquantum.inspection import fitted_attribute

AT_LEAST = 1.0  # seconds that a measurement goes on, by repeating what is short
N_ROWS = 1000  # predicted
JOULES = 3.6e6  # in a kWh
UNITS = (("kWh", 3.6e6), ("Wh", 3.6e3), ("J", 1.0))


def check_codecarbon() -> Any:
    """Return the class that measures, or say what is missing."""
    try:
        from codecarbon import OfflineEmissionsTracker
    except ImportError:
        raise ImportError(f"Energy needs codecarbon: {install_hint('energy')}.") from None
    return OfflineEmissionsTracker


class Meter:
    """Measures the energy of this process, offline."""

    def __init__(self) -> None:
        kind = check_codecarbon()
        # Emissions, which depend on the country, are not looked at.
        self._tracker = kind(
            country_iso_code="USA",
            tracking_mode="process",
            measure_power_secs=3600,
            output_methods=[],
            allow_multiple_runs=True,
            log_level="critical",
        )
        with self._task():  # the first one takes longer
            pass
        self.method = "; ".join(sorted(str(part) for part in self._tracker._hardware))

    @contextmanager
    def _task(self) -> Iterator[list[float]]:
        found: list[float] = []
        self._tracker.start_task()
        try:
            yield found
        finally:
            found.append(self._tracker.stop_task().energy_consumed * JOULES)

    def joules(self, work: Callable[[], Any]) -> float:
        """Return the energy of one call, as the mean of as many as take a second.

        Parameters
        ----------
        work : callable
            What is measured.
        """
        n_calls, begin = 0, time.perf_counter()
        with self._task() as found:
            while not n_calls or time.perf_counter() - begin < AT_LEAST:
                work()
                n_calls += 1
        return found[0] / n_calls


def by_energy(problem: Problem, candidates: Sequence[Any], device: DeviceTest | None) -> Study:
    """Measure the energy of a fit and of predictions, and reckon that of a device.

    Parameters
    ----------
    problem : Problem
    candidates : sequence of Candidate
        The best baseline comes first.
    device : DeviceTest or None
        What hardware is reckoned with; None stands for the default one.
    """
    meter, device = Meter(), device or DeviceTest()
    rows, values = [], {}
    for candidate in candidates:
        name = candidate.entrant.name
        estimator = clone(candidate.estimator).set_params(**candidate.settings[0])
        with one_thread():
            fitted = clone(estimator).fit(problem.X, problem.y)
            fit = meter.joules(partial(_fit, estimator, problem))
            predict = meter.joules(partial(fitted.predict, problem.X))
        predict *= N_ROWS / len(problem.y)
        n_circuits = (fitted_attribute(fitted, "resources_") or {}).get("n_circuits")
        there = np.nan if n_circuits is None else device.energy(n_circuits)
        rows.append([name, *map(_shown, (fit, predict, there))])
        values[name] = [fit, predict, there]
    first = candidates[0].entrant.name
    ratios = [
        f"{name} takes {values[name][0] / values[first][0]:.2g} times the energy of {first} to fit"
        for name in list(values)[1:]
    ]
    shots = f"{device.shots or SHOTS:,} shots a circuit"
    said = (
        f"{'; '.join(ratios)}. Here: one fit at the setting nearest to the model's own, on "
        f"{len(problem.y):,} rows, by codecarbon ({meter.method}), an estimate from the load and "
        f"the kind of processor where it has no meter. On a device: assumed to draw "
        f"{device.power / 1000:g} kW, refrigerator and all, for {device.seconds_per_shot:g} s a "
        f"shot, {shots}; queues apart."
    )
    head = ["model", "a fit, here", f"{N_ROWS:,} rows, here", "a fit, on a device"]
    return Study("How much energy?", head, rows, said, values)


def _fit(estimator: BaseEstimator, problem: Problem) -> None:
    clone(estimator).fit(problem.X, problem.y)


def _shown(joules: float) -> str:
    if not np.isfinite(joules):
        return "–"
    unit, size = next(((unit, size) for unit, size in UNITS if joules >= size), ("mJ", 1e-3))
    return f"{float(f'{joules / size:.2g}'):g} {unit}"  # two digits, more would claim too much
