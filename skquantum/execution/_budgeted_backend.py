"""What a backend may spend: circuits, seconds, money."""

from __future__ import annotations

import json
import multiprocessing
import os
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from numbers import Integral, Real
from pathlib import Path
from typing import Any, ClassVar, Self

import cirq
import numpy as np
import sympy
from sklearn.base import clone
from sklearn.utils._param_validation import Interval

from skquantum._records import recording, running
from skquantum.execution._around import TransparentBackend, by_strips
from skquantum.execution._backend import Backend
from skquantum.execution._evaluation import Evaluator, Pullback

STRIP = 32  # rows of a kernel matrix between two looks at the clock
SPENT = ("circuits", "seconds", "cost")
ADVICE = (
    "Fewer rows, observables, weights or iterations need less; what a CachedBackend has kept "
    "costs nothing. Or raise the limit."
)


class BudgetedBackend(TransparentBackend):
    """Limit what another backend may spend: circuits, seconds, money.

    Before each job it is asked how many circuits that takes, and a job that would go beyond
    `max_circuits` or `max_cost` is refused before any of them is run; so is a training whose last
    iteration would. How long circuits take is known only afterwards: no job begins once
    `max_seconds` have been spent. A kernel matrix is computed by blocks of rows, a training step by
    step, so that this is soon.

    Parameters
    ----------
    backend : Backend, default=None
        What runs the circuits; None stands for `QsimBackend()`.
    max_circuits : int, default=None
        Limit of the circuits; None for no limit. Repetitions of failed calls count.
    max_seconds : float, default=None
        Limit of the seconds in which circuits are compiled and run, as records have them.
    max_cost : float, default=None
        Limit of the money, in whatever currency the prices have.
    price_per_circuit, price_per_shot : float, default=0.0
        What a circuit costs, and each of its repetitions besides.
    ledger : str or path-like, default=None
        File that keeps what was spent: later programs go on from there, and processes share it.
        Without, that belongs to this object and its clones, those of a grid search too, and other
        processes are refused: each would have the whole budget.

    Attributes
    ----------
    spent : dict
        ``"circuits"``, ``"seconds"`` and ``"cost"`` so far.

    See Also
    --------
    CachedBackend : Keeps what was computed.
    SamplerBackend : Its ``max_circuits`` does not count what is in its cache.

    Examples
    --------
    >>> import cirq
    >>> from sklearn.datasets import make_moons
    >>> from skquantum import QuantumKernelSVC
    >>> from skquantum.execution import BudgetedBackend, SamplerBackend
    >>> sampler = SamplerBackend(cirq.Simulator(seed=0), repetitions=100)
    >>> backend = BudgetedBackend(sampler, max_cost=5.0, price_per_circuit=0.03, price_per_shot=0.0001)
    >>> X, y = make_moons(10, random_state=0)
    >>> model = QuantumKernelSVC("angle", kernel="fidelity", backend=backend).fit(X, y)
    >>> print(f"{backend.spent['circuits']} circuits for {backend.spent['cost']:.2f}")
    55 circuits for 2.20
    >>> model.predict(X)
    Traceback (most recent call last):
    ValueError: The job needs 100 circuits, which cost 4; max_cost=5.0 leaves 2.8. None of them was ...
    """  # noqa: E501

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        "max_circuits": [Interval(Integral, 0, None, closed="left"), None],
        "max_seconds": [Interval(Real, 0, None, closed="left"), None],
        "max_cost": [Interval(Real, 0, None, closed="left"), None],
        "price_per_circuit": [Interval(Real, 0, None, closed="left")],
        "price_per_shot": [Interval(Real, 0, None, closed="left")],
        "ledger": [str, os.PathLike, None],
    }

    def __init__(
        self,
        backend: Backend | None = None,
        max_circuits: int | None = None,
        max_seconds: float | None = None,
        max_cost: float | None = None,
        price_per_circuit: float = 0.0,
        price_per_shot: float = 0.0,
        ledger: str | os.PathLike[str] | None = None,
    ) -> None:
        self.backend = backend
        self.max_circuits = max_circuits
        self.max_seconds = max_seconds
        self.max_cost = max_cost
        self.price_per_circuit = price_per_circuit
        self.price_per_shot = price_per_shot
        self.ledger = ledger

    @property
    def spent(self) -> dict[str, float]:
        """Circuits, seconds and money that were spent so far."""
        return dict(self._total())

    def __sklearn_clone__(self) -> Self:
        params = self.get_params(deep=False)
        copy = type(self)(**{key: clone(value, safe=False) for key, value in params.items()})
        copy._own = self._own_total()
        return copy

    def _kept_state(self) -> dict[str, Any]:
        return {key: value for key, value in super()._kept_state().items() if key != "_own"}

    def _own_total(self) -> dict[str, float]:
        """Return what this object and its clones have spent, the same dict for all of them."""
        return self.__dict__.setdefault("_own", dict.fromkeys(SPENT, 0))

    def _total(self) -> dict[str, float]:
        if self.ledger is not None:
            return _read_ledger(Path(self.ledger))
        if multiprocessing.parent_process() is not None and "_own" not in vars(self):
            raise ValueError(
                "A budget is counted in one process, and this is another one, which would have "
                "all of it again: give BudgetedBackend(ledger='spent.jsonl'), a file that "
                "processes share, or n_jobs=1."
            )
        return self._own_total()

    def _add(self, records: list[dict[str, Any]]) -> None:
        new = dict.fromkeys(SPENT, 0.0)
        for record in records:
            price = self.price_per_circuit + self.price_per_shot * (record["repetitions"] or 0)
            new["circuits"] += record["run"]
            new["seconds"] += record["seconds"] + record["compile_seconds"]
            new["cost"] += record["run"] * price
        new["circuits"] = int(new["circuits"])
        if self.ledger is not None:
            _append(Path(self.ledger), new)
            return
        own = self._own_total()
        for key in SPENT:
            own[key] += new[key]

    @property
    def has_budget(self) -> bool:
        """Whether `check_budget` may refuse: with any limit."""
        limits = (self.max_circuits, self.max_seconds, self.max_cost)
        return any(limit is not None for limit in limits) or self._inner().has_budget

    def check_budget(self, n_circuits: int) -> None:
        self._check(n_circuits, "To its last iteration, the training needs")
        self._inner().check_budget(n_circuits)

    def _check(self, n_circuits: int, what: str = "The job needs") -> None:
        """Refuse a job that would cost too much."""
        if self.ledger is not None:
            _check_writable(Path(self.ledger))
        spent = self._total()
        if self.max_seconds is not None and spent["seconds"] >= self.max_seconds:
            raise ValueError(
                f"max_seconds={self.max_seconds} are spent ({spent['seconds']:.1f} s): nothing "
                f"more is run. {ADVICE}"
            )
        price = self.price_per_circuit + self.price_per_shot * self._inner().shots_per_circuit
        needed = {"circuits": n_circuits, "cost": n_circuits * price}
        for key, limit in (("circuits", self.max_circuits), ("cost", self.max_cost)):
            # Sums of prices are rounded.
            if limit is not None and spent[key] + needed[key] > limit * (1 + 1e-12):
                cost = f", which cost {needed['cost']:.6g}" if price else ""
                raise ValueError(
                    f"{what} {n_circuits} circuits{cost}; max_{key}={limit} leaves "
                    f"{max(limit - spent[key], 0):.6g}. None of them was run. {ADVICE}"
                )

    @contextmanager
    def paid(self, n_circuits: int) -> Iterator[None]:
        """Refuse what would cost too much, and count what is run inside.

        Parameters
        ----------
        n_circuits : int
            How many circuits that may be.
        """
        self._check(n_circuits)
        try:
            with recording() as log:
                yield
        finally:
            self._add(log.exact_records())

    def _states(
        self, circuit: cirq.FrozenCircuit, symbols: tuple[sympy.Symbol, ...], values: np.ndarray
    ) -> np.ndarray:
        with self.paid(self.circuits_of(circuit, len(values))):
            return super()._states(circuit, symbols, values)

    def _expectations(
        self,
        circuit: cirq.FrozenCircuit,
        symbols: tuple[sympy.Symbol, ...],
        values: np.ndarray,
        observables: list[cirq.PauliSum],
    ) -> np.ndarray:
        with self.paid(self.circuits_of(circuit, len(values), observables)):
            return super()._expectations(circuit, symbols, values, observables)

    def _overlaps(
        self,
        circuit: cirq.FrozenCircuit,
        symbols: tuple[sympy.Symbol, ...],
        X: np.ndarray,
        Y: np.ndarray | None,
    ) -> np.ndarray:
        def part(X: np.ndarray, Y: np.ndarray | None) -> np.ndarray:
            with self.paid(_of_pairs(self, circuit, X, Y)):
                return self._inner().overlaps(circuit, symbols, X, Y)

        if self.max_seconds is None:
            return part(X, Y)
        self._check(_of_pairs(self, circuit, X, Y))
        return by_strips(part, X, Y, STRIP)

    def _self_overlaps(
        self, circuit: cirq.FrozenCircuit, symbols: tuple[sympy.Symbol, ...], X: np.ndarray
    ) -> np.ndarray:
        with self.paid(self.circuits_of(circuit, len(X), n_pairs=len(X))):
            return super()._self_overlaps(circuit, symbols, X)

    def _states_jvp(
        self,
        circuit: cirq.FrozenCircuit,
        symbols: tuple[sympy.Symbol, ...],
        values: np.ndarray,
        tangents: np.ndarray,
    ) -> tuple[np.ndarray, np.ndarray]:
        with self.paid(self.circuits_of(circuit, len(values))):
            return super()._states_jvp(circuit, symbols, values, tangents)

    def _adjoint(
        self,
        circuit: cirq.FrozenCircuit,
        data: tuple[sympy.Symbol, ...],
        weights: tuple[sympy.Symbol, ...],
        observables: list[cirq.PauliSum],
    ) -> Evaluator:
        return _BudgetedEvaluator(super()._adjoint(circuit, data, weights, observables), self)

    def _state_evaluator(
        self,
        circuit: cirq.FrozenCircuit,
        weights: tuple[sympy.Symbol, ...],
        observables: list[cirq.PauliSum],
        prepare: Callable[[np.ndarray], np.ndarray],
    ) -> Evaluator | None:
        inner = super()._state_evaluator(circuit, weights, observables, prepare)
        return None if inner is None else _BudgetedEvaluator(inner, self)


class _BudgetedEvaluator(Evaluator):
    """An evaluator whose steps are counted, and refused when the budget is spent.

    Parameters
    ----------
    inner : Evaluator
        What runs the circuits.
    budget : BudgetedBackend
        What counts.
    """

    def __init__(self, inner: Evaluator, budget: BudgetedBackend) -> None:
        self.inner = inner
        self.budget = budget

    def forward_vjp(
        self, X: np.ndarray, weights: np.ndarray, *, data_gradient: bool = True
    ) -> tuple[np.ndarray, Pullback]:
        facts = self.budget.run_facts
        with self.budget.paid(len(X)), running(facts, "gradients", len(X)):
            values, pullback = self.inner.forward_vjp(X, weights, data_gradient=data_gradient)

        def counted(cotangent: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
            with self.budget.paid(0), running(facts, "gradients", 0, jobs=0):
                return pullback(cotangent)

        return values, counted

    def forward(self, X: np.ndarray, weights: np.ndarray) -> np.ndarray:
        facts = self.budget.run_facts
        with self.budget.paid(len(X)), running(facts, "expectations", len(X)):
            return self.inner.forward(X, weights)

    def n_circuits(self, *, data_gradient: bool = True) -> int | None:
        return self.inner.n_circuits(data_gradient=data_gradient)

    # `n_state_qubits` stays None, so that nothing goes past the evaluator to its states.


def _of_pairs(
    backend: Backend, circuit: cirq.FrozenCircuit, X: np.ndarray, Y: np.ndarray | None
) -> int:
    n, m = len(X), 0 if Y is None else len(Y)
    return backend.circuits_of(circuit, n + m, n_pairs=n * (n + 1) // 2 if Y is None else n * m)


def _read_ledger(path: Path) -> dict[str, float]:
    """Return the sums of a file with a line for each job."""
    total: dict[str, float] = dict.fromkeys(SPENT, 0)
    if not path.exists():
        return total
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        try:
            entry = json.loads(line)
            for key in SPENT:
                total[key] += entry[key]
        except (ValueError, TypeError, KeyError) as error:
            raise ValueError(
                f"ledger={str(path)!r} is damaged in line {number}, and what was spent can't be "
                "told: mend the line, or take another file."
            ) from error
    return total


def _append(path: Path, spent: dict[str, float]) -> None:
    try:
        with path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(spent) + "\n")
    except OSError as error:
        warnings.warn(
            f"ledger={str(path)!r} can't be written to ({error.strerror or error}): {spent} are "
            "not in it. Results are not affected.",
            RuntimeWarning,
            stacklevel=2,
        )


def _check_writable(path: Path) -> None:
    try:
        path.open("a", encoding="utf-8").close()
    except OSError as error:
        raise ValueError(
            f"ledger={str(path)!r} is no file that can be written to ({error.strerror or error}). "
            "Nothing was run."
        ) from error
