"""Gradients from expectation values alone, as a device can measure them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import cirq
import numpy as np
import sympy
from sklearn.utils import check_random_state

from skquantum._symbols import is_symbolic
from skquantum.execution._compiler.angles import Angles
from skquantum.execution._compiler.gates import flatten
from skquantum.execution._compiler.rotations import RotationForm, as_operations, rotation_form
from skquantum.execution._evaluation import Evaluator, Pullback

# Takes a circuit, symbols, rows of their values and observables, as `Backend.expectations` does.
Expectations = Callable[..., np.ndarray]


class _ExpectationEvaluator(Evaluator):
    """What the two evaluators share: expectation values, and how to get them."""

    def __init__(
        self,
        expectations: Expectations,
        circuit: cirq.FrozenCircuit,
        data: tuple[sympy.Symbol, ...],
        weights: tuple[sympy.Symbol, ...],
        observables: Sequence[cirq.PauliSum],
    ) -> None:
        self.expectations = expectations
        self.circuit = circuit
        self.data, self.weights = data, weights
        self.observables = list(observables)

    def forward(self, X: np.ndarray, weights: np.ndarray) -> np.ndarray:
        values = np.hstack([X, np.broadcast_to(weights, (len(X), len(weights)))])
        symbols = (*self.data, *self.weights)
        return self.expectations(self.circuit, symbols, values, self.observables)


class ParameterShiftEvaluator(_ExpectationEvaluator):
    """Exact gradients by the general parameter-shift rule.

    As a function of one gate's angle an expectation value is a trigonometric polynomial, whose
    frequencies are the differences of the gate's eigenvalues. With R frequencies, 2R shifted
    evaluations give its derivative exactly [1]_. Every gate has an angle of its own here, so
    weights may be shared between gates; the chain rule adds their parts up.

    References
    ----------
    .. [1] D. Wierichs et al., "General parameter-shift rules for quantum gradients", Quantum 6,
       677 (2022), https://arxiv.org/abs/2107.12390
    """

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self._free, terms = _free_angles(self.circuit)
        self._symbols = tuple(sympy.Symbol(f"shift_{i}") for i in range(len(terms)))
        self._angles = Angles([t for t, _ in terms], self.data, self.weights)
        self._angles.check_differentiable()
        own = set(self.weights)
        self._trainable = [bool(getattr(t, "free_symbols", own) & own) for t, _ in terms]
        self._rules = [shift_rule(frequencies(spectrum)) for _, spectrum in terms]

    def n_circuits(self, *, data_gradient: bool = True) -> int:
        return sum(
            2 * len(shifts)
            for (shifts, _), trainable in zip(self._rules, self._trainable, strict=True)
            if data_gradient or trainable
        )

    def forward_vjp(
        self, X: np.ndarray, weights: np.ndarray, *, data_gradient: bool = True
    ) -> tuple[np.ndarray, Pullback]:
        def pullback(cotangent: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
            angles = self._angles(X, weights)
            gradient = np.zeros(angles.shape)
            for term, (shifts, factors) in enumerate(self._rules):
                if not (data_gradient or self._trainable[term]):
                    continue
                moved = np.repeat(angles[:, None, :], 2 * len(shifts), axis=1)
                moved[term] += np.concatenate([shifts, -shifts])[:, None]
                values = moved.reshape(len(angles), -1).T / np.pi
                out = self.expectations(
                    self._free, self._symbols, values, self.observables
                ).reshape(2, len(shifts), *cotangent.shape)
                gradient[term] = np.einsum("s,sno,no->n", factors, out[0] - out[1], cotangent)
            return self._angles.pullback(X, weights, gradient)

        return self.forward(X, weights), pullback


class SPSAEvaluator(_ExpectationEvaluator):
    """Stochastic gradients from two evaluations, whatever the number of weights.

    All weights and features are perturbed at once in random directions of plus and minus one
    [1]_. The estimate is unbiased up to the square of the step, and noisy.

    Parameters
    ----------
    *args
        As for the other evaluators.
    step : float, default=0.1
        Size of the perturbation, in radians.
    random_state : int, RandomState instance or None, default=None
        Where directions come from.

    References
    ----------
    .. [1] J. C. Spall, "Multivariate stochastic approximation using a simultaneous perturbation
       gradient approximation", IEEE Transactions on Automatic Control 37, 332 (1992)
    """

    def __init__(self, *args: Any, step: float = 0.1, random_state: Any = None) -> None:
        super().__init__(*args)
        self.step = step
        self._random = check_random_state(random_state)

    def n_circuits(self, *, data_gradient: bool = True) -> int:
        return 2

    def forward_vjp(
        self, X: np.ndarray, weights: np.ndarray, *, data_gradient: bool = True
    ) -> tuple[np.ndarray, Pullback]:
        """Return expectation values, and the function that estimates gradients for them.

        Without `data_gradient`, rows are not perturbed, which makes the estimate less noisy.
        """

        def pullback(cotangent: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
            rows = self._random.choice([-1.0, 1.0], X.shape) * data_gradient
            common = self._random.choice([-1.0, 1.0], len(weights))
            up = self.forward(X + self.step * rows, weights + self.step * common)
            down = self.forward(X - self.step * rows, weights - self.step * common)
            slope = ((up - down) * cotangent).sum(axis=1) / (2 * self.step)
            return slope[:, None] * rows, slope.sum() * common

        return self.forward(X, weights), pullback


def frequencies(spectrum: np.ndarray) -> np.ndarray:
    """Return the positive differences of eigenvalues, in ascending order."""
    differences = np.abs(np.subtract.outer(spectrum, spectrum)).ravel().round(9)
    return np.unique(differences[differences > 0])


def shift_rule(omegas: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return shifts and factors with ``f'(0) = sum_k factor_k (f(shift_k) - f(-shift_k))``.

    It holds for every trigonometric polynomial with the given frequencies.

    Parameters
    ----------
    omegas : ndarray of shape (n_frequencies,)
        Distinct positive frequencies.

    Returns
    -------
    shifts, factors : ndarray of shape (n_frequencies,)
        In radians.
    """
    count = len(omegas)
    if count == 0:
        return np.empty(0), np.empty(0)
    # Equidistant shifts over half a period of the slowest frequency are ideal for equidistant
    # frequencies. For others some scale of them is well-conditioned.
    unit = (2 * np.arange(count) + 1) * np.pi / (2 * count * omegas[0])
    sets = [scale * unit for scale in np.linspace(1, 0.3, 15)]
    shifts = min(sets, key=lambda s: np.linalg.cond(np.sin(np.outer(omegas, s))).round(6))
    factors = np.linalg.solve(2 * np.sin(np.outer(omegas, shifts)), omegas)
    return shifts, factors


def _free_angles(
    circuit: cirq.FrozenCircuit,
) -> tuple[cirq.FrozenCircuit, list[tuple[Any, np.ndarray]]]:
    """Give every symbolic exponent a symbol of its own, and leave moments as they are.

    A noise model adds noise by moments, so gates that have to be decomposed stay in theirs.
    """
    terms: list[tuple[Any, np.ndarray]] = []

    def fresh(exponent: Any, spectrum: np.ndarray) -> sympy.Symbol:
        terms.append((exponent, spectrum))
        return sympy.Symbol(f"shift_{len(terms) - 1}")

    def freed(whole: cirq.Operation) -> cirq.Operation:
        parts: list[cirq.Operation] = []
        for op in flatten(iter([whole]), _can_be_shifted):
            form = rotation_form(op.gate) if is_symbolic(op) else None
            if form is None or not form.symbols:
                parts.append(op)
            elif _has_free_angles(op.gate):
                parts.append(_with_free_angles(op.gate, form, fresh).on(*op.qubits))
            elif op.qubits:  # a global phase has none, and no effect
                free = tuple((fresh(t, s) if _is_free(t) else t, s) for t, s in form.terms)
                parts.extend(as_operations(RotationForm(form.basis, free), op.qubits))
        if len(parts) == 1 and set(parts[0].qubits) == set(whole.qubits):
            return parts[0]
        return cirq.CircuitOperation(cirq.FrozenCircuit(cirq.I.on_each(*whole.qubits), parts))

    moments = [cirq.Moment(freed(op) for op in moment if op.qubits) for moment in circuit]
    return cirq.FrozenCircuit(*moments), terms


def _can_be_shifted(op: cirq.Operation) -> bool:
    if not is_symbolic(op):
        return cirq.has_unitary(op)
    gate: Any = op.gate
    while isinstance(gate, cirq.ControlledGate):
        gate = gate.sub_gate
    if gate is None or rotation_form(gate) is None:
        return False
    # A class that brings its own form is one gate for the simulator, not for a device, and is
    # decomposed if it says how.
    return not hasattr(gate, "_rotation_form_") or (
        gate is op.gate and cirq.decompose_once(op, None) is None
    )


def _is_free(exponent: Any) -> bool:
    return cirq.is_parameterized(exponent)


def _has_free_angles(gate: Any) -> bool:
    """Whether a gate's angles can be replaced one by one."""
    while isinstance(gate, cirq.ControlledGate):
        gate = gate.sub_gate
    return not hasattr(gate, "_rotation_form_") and not isinstance(gate, cirq.GlobalPhaseGate)


def _with_free_angles(
    gate: Any, form: RotationForm, fresh: Callable[[Any, np.ndarray], sympy.Symbol]
) -> cirq.Gate:
    symbols = iter([fresh(t, s) for t, s in form.terms if _is_free(t)])

    def replace(gate: Any) -> Any:
        if isinstance(gate, cirq.ControlledGate):
            return cirq.ControlledGate(replace(gate.sub_gate), control_values=gate.control_values)
        if isinstance(gate, cirq.EigenGate):
            return gate._with_exponent(next(symbols))
        angles: Iterable[Any] = gate._diag_angles_radians
        return type(gate)([next(symbols) * sympy.pi if _is_free(a) else a for a in angles])

    return replace(gate)
