"""Random circuits of every gate family, against Cirq in double precision.

    SYMPY_CACHE_SIZE=100000 python tests/fuzz/circuits.py --count 100000 --seed 0

Not part of the test suite. For each circuit: states, a Gram entry and expectation values; two of
three come with the gradient along a random direction, by the adjoint method or by parameter
shifts. The
oracle knows nothing of the package: it computes exponents with plain numbers, takes the matrix of
every gate of plain numbers from Cirq, multiplies complex128 states by it, and differentiates by
finite differences at two steps. Where these disagree there is a jump, and the gradient is not
compared. Expressions and Cirq's matrices come from pools, for most of the time would go into
making them. Failures are printed with the seed of their circuit:
``--seed SEED --count 1`` repeats one.
"""

from __future__ import annotations

import argparse
import cmath
import dataclasses
import math
import sys
import time
import traceback
import warnings
from collections import Counter
from collections.abc import Callable
from functools import cached_property, lru_cache
from typing import Any

import cirq
import mpmath
import numpy as np
import sympy

from skquantum.execution import QsimBackend

TOLERANCE = 2e-5  # of single precision, for quantities of order one
STEP = 1e-3
STEEPEST = 1e4  # slopes of exponents beyond which finite differences tell nothing
POOL = 1500  # expressions
SYMBOLS = sympy.symbols("x y w")
BACKEND = QsimBackend(n_threads=1)


# ---------------------------------------------------------------- expressions


class Numbers:
    """The functions of sympy that are used here, of plain numbers, without sympy."""

    I, pi, true = 1j, math.pi, True  # noqa: E741

    def __getattr__(self, name: str) -> Callable[..., Any]:
        return getattr(mpmath.fp, name)

    Abs, Max, Min, floor, ceiling = abs, max, min, math.floor, math.ceil
    frac = staticmethod(lambda u: u - math.floor(u))
    Mod = staticmethod(lambda u, v: u - v * math.floor(u / v))
    sign = staticmethod(lambda u: (u > 0) - (u < 0))
    Heaviside = staticmethod(lambda u: (u > 0) + 0.5 * (u == 0))
    KroneckerDelta = staticmethod(lambda u, v: int(u == v))
    And = staticmethod(lambda *conditions: all(conditions))
    Or = staticmethod(lambda *conditions: any(conditions))
    Piecewise = staticmethod(lambda *pairs: next(v() for v, c in pairs if c))
    arg = staticmethod(lambda z: cmath.phase(z))
    re, im = staticmethod(lambda z: z.real), staticmethod(lambda z: z.imag)
    sinc = staticmethod(lambda u: math.sin(u) / u)
    acot = staticmethod(lambda u: math.atan(1 / u))
    fresnels = staticmethod(lambda u: float(mpmath.mp.fresnels(u)))  # that of fp is inexact
    LambertW, Si = mpmath.fp.lambertw, mpmath.fp.si
    polygamma = staticmethod(lambda n, u: mpmath.fp.psi(n, u))
    chebyshevt = staticmethod(lambda n, u: 4 * u**3 - 3 * u)
    exp = staticmethod(lambda u: cmath.exp(u) if isinstance(u, complex) else math.exp(u))
    sin, cos, tan, atan, tanh = math.sin, math.cos, math.tan, math.atan, math.tanh
    sinh, cosh, asinh, erf, loggamma = math.sinh, math.cosh, math.asinh, math.erf, math.lgamma
    sqrt, log, asin, acos, acosh = math.sqrt, math.log, math.asin, math.acos, math.acosh


class Expressions:
    """The same functions of sympy."""

    def __getattr__(self, name: str) -> Any:
        return getattr(sympy, name)

    def Piecewise(self, *pairs: Any) -> Any:  # noqa: N802
        return sympy.Piecewise(*((value(), condition) for value, condition in pairs))


NUMBERS, EXPRESSIONS = Numbers(), Expressions()
# Each takes the functions, an argument and a constant.
Template = Callable[[Any, Any, float], Any]
SMOOTH: list[Template] = [
    lambda m, u, a: u, lambda m, u, a: a * u, lambda m, u, a: u + a, lambda m, u, a: a - u,
    lambda m, u, a: u / m.pi, lambda m, u, a: u**2, lambda m, u, a: a * u**3,
    lambda m, u, a: m.sin(u), lambda m, u, a: m.cos(a * u), lambda m, u, a: m.tan(u / 4),
    lambda m, u, a: m.atan(u), lambda m, u, a: m.exp(-(u**2)), lambda m, u, a: m.exp(u / 2),
    lambda m, u, a: m.tanh(u), lambda m, u, a: m.sinh(u / 2), lambda m, u, a: m.cosh(u / 3),
    lambda m, u, a: m.asinh(u), lambda m, u, a: m.sqrt(1 + u**2), lambda m, u, a: m.log(2 + u**2),
    lambda m, u, a: 1 / (2 + u**2), lambda m, u, a: m.sech(u), lambda m, u, a: m.erf(u),
    lambda m, u, a: m.besselj(0, u), lambda m, u, a: m.besselj(1, u), lambda m, u, a: m.Si(u),
    lambda m, u, a: m.sinc(u), lambda m, u, a: m.LambertW(1 + u**2),
    lambda m, u, a: m.gamma(2 + u**2 / 9), lambda m, u, a: m.loggamma(1 + u**2),
    lambda m, u, a: m.fresnels(u), lambda m, u, a: m.airyai(u), lambda m, u, a: 2 ** (u / 2),
    lambda m, u, a: m.re(m.exp(m.I * u)), lambda m, u, a: m.im(m.exp(m.I * u)),
    lambda m, u, a: m.chebyshevt(3, u / 2), lambda m, u, a: m.Abs(u + m.I),
    lambda m, u, a: m.arg(1 + m.I * u), lambda m, u, a: m.polygamma(0, 1 + u**2),
]  # fmt: skip
BROKEN: list[Template] = [
    lambda m, u, a: m.Abs(u), lambda m, u, a: m.sign(u) / 3, lambda m, u, a: m.floor(2 * u) / 5,
    lambda m, u, a: m.ceiling(u) / 3, lambda m, u, a: m.frac(u), lambda m, u, a: m.Mod(u, 0.7),
    lambda m, u, a: m.Max(u, a), lambda m, u, a: m.Min(u, a, 0.1), lambda m, u, a: m.arg(u),
    lambda m, u, a: m.Heaviside(u - a), lambda m, u, a: m.atan(m.tan(u)),
    lambda m, u, a: m.KroneckerDelta(m.ceiling(u), 1) * a,
    lambda m, u, a: m.Piecewise((lambda: m.pi, u > a), (lambda: 0, m.true)),
    lambda m, u, a: m.Piecewise((lambda: u, u < a), (lambda: u - 0.5, m.true)),
    lambda m, u, a: m.Piecewise(
        (lambda: a, m.And(u > 0, u < 1)), (lambda: u**2, u < 0), (lambda: 1, m.true)),
    lambda m, u, a: m.acot(u), lambda m, u, a: m.asin(m.sin(u)),
    lambda m, u, a: m.sqrt(u**2), lambda m, u, a: m.acos(m.cos(u)),
    lambda m, u, a: m.Piecewise((lambda: a * u, m.Or(u < -1, u > 1)), (lambda: u**3, m.true)),
]  # fmt: skip
PARTIAL: list[Template] = [  # without a real value somewhere
    lambda m, u, a: m.sqrt(u), lambda m, u, a: m.log(u), lambda m, u, a: m.acosh(1 + u),
    lambda m, u, a: m.asin(u / 2), lambda m, u, a: m.LambertW(u), lambda m, u, a: u**0.3,
    lambda m, u, a: m.Piecewise((lambda: m.log(u), u > 0), (lambda: 0, m.true)),
]  # fmt: skip
ARGUMENTS: list[Callable[..., Any]] = [
    lambda x, y, w: x, lambda x, y, w: y, lambda x, y, w: w, lambda x, y, w: x + w,
    lambda x, y, w: x * y, lambda x, y, w: 2 * w - y, lambda x, y, w: x * w,
    lambda x, y, w: 3 - x,
]  # fmt: skip


@dataclasses.dataclass(frozen=True, eq=False)
class Exponent:
    """A random expression, for sympy and for numbers."""

    argument: Callable[..., Any]
    inner: Template
    outer: Template | None
    extra: Callable[..., Any] | None
    a: float

    @classmethod
    def draw(cls, rng: np.random.Generator, plain: bool) -> Exponent:
        """Return a random one, a plain one without functions that sympy thinks long about."""
        kind = rng.uniform()
        if plain:
            a = round(float(rng.uniform(-2, 2)), 2)
            return cls(ARGUMENTS[rng.integers(3)], SMOOTH[rng.integers(4)], None, None, a)
        pool = SMOOTH[:4] if kind < 0.35 else SMOOTH if kind < 0.7 else BROKEN
        pool = PARTIAL if kind > 0.97 else pool
        inner = pool[rng.integers(len(pool))]
        outer = [*SMOOTH[:12], *BROKEN[:8]][rng.integers(20)] if rng.uniform() < 0.15 else None
        extra = ARGUMENTS[rng.integers(3)] if rng.uniform() < 0.1 else None
        a = round(float(rng.uniform(-2, 2)), 2)
        return cls(ARGUMENTS[rng.integers(len(ARGUMENTS))], inner, outer, extra, a)

    def _of(self, functions: Any, symbols: Any) -> Any:
        out = self.inner(functions, self.argument(*symbols), self.a)
        if self.outer is not None:
            out = self.outer(functions, out, self.a)
        return out if self.extra is None else out + self.a * self.extra(*symbols)

    @cached_property
    def expression(self) -> Any:
        """It for sympy."""
        return sympy.sympify(self._of(EXPRESSIONS, SYMBOLS))

    def value(self, point: list[float]) -> float:
        """Return its value, NaN if that is no finite real number."""
        try:
            value = complex(self._of(NUMBERS, point))
        except (TypeError, ValueError, ArithmeticError):
            return np.nan
        real = abs(value.imag) < 1e-12 and np.isfinite(value.real)
        return value.real if real else np.nan


# ---------------------------------------------------------------- gates


class Decomposed(cirq.Gate):
    """Says nothing but how it decomposes."""

    def __init__(self, *angles: Any) -> None:
        self.angles = angles

    def _num_qubits_(self) -> int:
        return 2

    def _decompose_(self, qubits: Any) -> Any:
        first, second = self.angles
        return [cirq.ry(first)(qubits[0]), cirq.CZ(*qubits) ** second, cirq.H(qubits[1])]


class Declared(Decomposed):
    """Says that it has symbols, but not which: Cirq controls no others."""

    def _is_parameterized_(self) -> bool:
        return any(map(cirq.is_parameterized, self.angles))

    def _has_unitary_(self) -> bool:
        return not self._is_parameterized_()


@dataclasses.dataclass
class WithoutHash(cirq.Gate):
    """A plain data class."""

    angle: Any

    def _num_qubits_(self) -> int:
        return 1

    def _decompose_(self, qubits: Any) -> Any:
        return [cirq.rx(self.angle)(qubits[0]), cirq.S(qubits[0])]


@dataclasses.dataclass
class UnitaryOnly(cirq.Gate):
    """A plain data class with a matrix."""

    seed: int

    def _num_qubits_(self) -> int:
        return 2

    def _unitary_(self) -> np.ndarray:
        return cirq.testing.random_unitary(4, random_state=self.seed)


class OwnEigenGate(cirq.EigenGate):
    """An eigenvalue of one third."""

    def _num_qubits_(self) -> int:
        return 1

    def _eigen_components(self) -> Any:
        plus = np.full((2, 2), 0.5)
        return [(0, plus), (1 / 3, np.eye(2) - plus)]


def _controlled(gate: Any, **options: Any) -> Any:
    return cirq.ControlledGate(gate, **options)


def _phase(t: Any) -> cirq.Gate:
    number = not isinstance(t, sympy.Basic)
    return cirq.GlobalPhaseGate(np.exp(1j * t) if number else sympy.exp(sympy.I * t))


def _turned(gate: Any, t: Any) -> Any:
    return gate**t


Family = tuple[str, int, int, Callable[..., Any]]  # name, qubits, exponents, maker
FAMILIES: list[Family] = [
    ("rx", 1, 1, cirq.rx), ("ry", 1, 1, cirq.ry), ("rz", 1, 1, cirq.rz),
    ("X", 1, 1, lambda t: cirq.X**t), ("Y", 1, 1, lambda t: cirq.Y**t),
    ("Z", 1, 1, lambda t: cirq.Z**t), ("H", 1, 1, lambda t: cirq.H**t),
    ("XPow", 1, 1, lambda t: cirq.XPowGate(exponent=t, global_shift=0.3)),
    ("ZPow", 1, 1, lambda t: cirq.ZPowGate(exponent=t, global_shift=-0.7)),
    ("PhasedX", 1, 2, lambda t, p: cirq.PhasedXPowGate(exponent=t, phase_exponent=p)),
    ("PhasedX fixed", 1, 1, lambda t: cirq.PhasedXPowGate(exponent=t, phase_exponent=0.2)),
    ("PhasedXZ", 1, 3, lambda a, b, c: cirq.PhasedXZGate(
        x_exponent=a, z_exponent=b, axis_phase_exponent=c)),
    ("CZ", 2, 1, lambda t: cirq.CZ**t), ("CX", 2, 1, lambda t: cirq.CX**t),
    ("CY", 2, 1, lambda t: _controlled(cirq.Y**t)),
    ("SWAP", 2, 1, lambda t: cirq.SWAP**t), ("ISWAP", 2, 1, lambda t: cirq.ISWAP**t),
    ("XX", 2, 1, lambda t: cirq.XX**t), ("YY", 2, 1, lambda t: cirq.YY**t),
    ("ZZ", 2, 1, lambda t: cirq.ZZ**t), ("cphase", 2, 1, cirq.cphase),
    ("givens", 2, 1, cirq.givens), ("ms", 2, 1, cirq.ms), ("riswap", 2, 1, cirq.riswap),
    ("FSim", 2, 2, cirq.FSimGate), ("PhasedFSim", 2, 5, cirq.PhasedFSimGate),
    ("PhasedISwap", 2, 2, lambda t, p: cirq.PhasedISwapPowGate(exponent=t, phase_exponent=p)),
    ("PhasedISwap fixed", 2, 1, lambda t: cirq.PhasedISwapPowGate(
        exponent=t, phase_exponent=0.25)),
    ("2-diagonal", 2, 2, lambda s, t: cirq.TwoQubitDiagonalGate([0.1, s, t, 0.4])),
    ("3-diagonal", 3, 2, lambda s, t: cirq.ThreeQubitDiagonalGate([0, s, 1, 2, t, 3, s, 0.5])),
    ("diagonal", 2, 2, lambda s, t: cirq.DiagonalGate([s, 0.3, t, s])),
    ("PauliInteraction", 2, 1, lambda t: cirq.PauliInteractionGate(
        cirq.X, True, cirq.Y, False, exponent=t)),
    ("controlled ry", 2, 1, lambda t: _controlled(cirq.ry(t))),
    ("controlled on 0", 2, 1, lambda t: _controlled(cirq.rz(t), control_values=[0])),
    ("controlled on any", 2, 1, lambda t: _controlled(cirq.rx(t), control_values=[(0, 1)])),
    ("controlled ISWAP", 3, 1, lambda t: _controlled(cirq.ISWAP**t)),
    ("two controls", 3, 1, lambda t: _controlled(
        cirq.ry(t), num_controls=2, control_values=[1, 0])),
    ("sum of products", 3, 1, lambda t: _controlled(cirq.rx(t), control_values=(
        cirq.SumOfProducts([(0, 1), (1, 0)])))),
    ("controlled PhasedXZ", 2, 3, lambda a, b, c: _controlled(cirq.PhasedXZGate(
        x_exponent=a, z_exponent=b, axis_phase_exponent=c))),
    ("controlled FSim", 3, 2, lambda a, b: _controlled(cirq.FSimGate(a, b))),
    ("controlled PhasedFSim", 3, 5, lambda *t: _controlled(cirq.PhasedFSimGate(*t))),
    ("CCZ", 3, 1, lambda t: cirq.CCZ**t), ("CCX", 3, 1, lambda t: cirq.CCX**t),
    ("CSWAP", 3, 0, lambda: cirq.CSWAP),
    ("global phase", 0, 1, _phase), ("controlled phase", 1, 1, lambda t: _controlled(_phase(t))),
    ("parallel", 2, 1, lambda t: cirq.ParallelGate(cirq.X**t, 2)),
    ("PhaseGradient", 2, 1, lambda t: cirq.PhaseGradientGate(num_qubits=2, exponent=t)),
    ("BooleanHamiltonian", 2, 1, lambda t: cirq.BooleanHamiltonianGate(
        ["a", "b"], ["a ^ b", "a & b"], t)),
    ("PauliStringPhasor", 2, 2, lambda s, t: cirq.PauliStringPhasorGate(
        cirq.DensePauliString("XY"), exponent_neg=s, exponent_pos=t)),
    ("QFT", 2, 0, lambda: cirq.QuantumFourierTransformGate(2, without_reverse=False)),
    ("QFT 3", 3, 0, lambda: cirq.QuantumFourierTransformGate(3, without_reverse=True)),
    ("UniformSuperposition", 2, 0, lambda: cirq.UniformSuperpositionGate(3, 2)),
    ("permutation", 3, 0, lambda: cirq.QubitPermutationGate([2, 0, 1])),
    ("identity", 2, 0, lambda: cirq.IdentityGate(2)),
    ("Clifford", 1, 0, lambda: cirq.SingleQubitCliffordGate.X_sqrt),
    ("Clifford 2", 2, 0, lambda: cirq.CliffordGate.from_op_list(
        [cirq.H(cirq.q(0)), cirq.CX(cirq.q(0), cirq.q(1))], [cirq.q(0), cirq.q(1)])),
    ("Pauli string", 2, 0, lambda: cirq.DensePauliString("XZ", coefficient=1j)),
    ("matrix 1", 1, 0, lambda: cirq.MatrixGate(cirq.testing.random_unitary(2, random_state=1))),
    ("matrix 2", 2, 0, lambda: cirq.MatrixGate(cirq.testing.random_unitary(4, random_state=2))),
    ("matrix 3", 3, 0, lambda: cirq.MatrixGate(cirq.testing.random_unitary(8, random_state=3))),
    ("decomposed", 2, 2, Decomposed), ("controlled decomposed", 3, 2, lambda s, t: (
        _controlled(Declared(s, t)))),
    ("without hash", 1, 1, WithoutHash), ("unitary only", 2, 0, lambda: UnitaryOnly(4)),
    ("own eigengate", 1, 1, lambda t: OwnEigenGate(exponent=t)),
]  # fmt: skip
# So that states are not simple.
UNIVERSAL = [f for f in FAMILIES if f[0] in ("rx", "ry", "CZ", "ISWAP", "X", "controlled ry")]


# Cirq asks sympy whether the exponents of these are constant, which takes up to a second.
SLOW = ("PhasedX", "PhasedXZ", "PhasedISwap", "PauliStringPhasor")


@lru_cache(maxsize=2 * POOL)
def _drawn(seed: int, plain: bool) -> Exponent:
    return Exponent.draw(np.random.default_rng(seed), plain)


@dataclasses.dataclass(frozen=True, eq=False)
class Piece:
    """One operation of a circuit, as a function of its exponents."""

    family: str
    make: Callable[..., cirq.Gate]
    exponents: tuple[Any, ...]
    qubits: tuple[cirq.Qid, ...]
    wrap: str

    def symbolic(self) -> cirq.Operation:
        """Return the operation with its expressions."""
        return self.operation(
            *(e.expression if isinstance(e, Exponent) else e for e in self.exponents)
        )

    def operation(self, *values: Any) -> cirq.Operation:
        """Return the operation with the given exponents."""
        op = self.make(*values).on(*self.qubits)
        if self.wrap == "tag":
            return op.with_tags("a tag")
        if self.wrap == "inverse":
            return cirq.inverse(op)
        if self.wrap == "sub":
            return cirq.CircuitOperation(cirq.FrozenCircuit(op), repetitions=2)
        return op

    def matrix(self, values: tuple[float, ...]) -> np.ndarray:
        """Return Cirq's matrix of the operation with the given exponents."""
        return _matrix(self.make, self.wrap, values)


@lru_cache(maxsize=2000)
def _matrix(make: Callable[..., cirq.Gate], wrap: str, values: tuple[float, ...]) -> np.ndarray:
    gate = make(*values)
    matrix = np.array(cirq.unitary(gate), dtype=complex)
    if wrap == "inverse":
        return matrix.conj().T
    return matrix @ matrix if wrap == "sub" else matrix


def qubits_of(rng: np.random.Generator) -> list[cirq.Qid]:
    """Return a few qubits of a random kind."""
    n = int(rng.choice([1, 2, 3, 4], p=[0.25, 0.35, 0.3, 0.1]))
    kind = rng.integers(4)
    if kind == 1:
        return [cirq.NamedQubit(f"q{9 + k}") for k in range(n)]
    if kind == 2:
        return list(cirq.GridQubit.rect(1, n))
    if kind == 3:
        return [cirq.LineQubit(3 - k) for k in range(n)]
    return list(cirq.LineQubit.range(n))


def pieces(rng: np.random.Generator, qubits: list[cirq.Qid]) -> list[Piece]:
    """Return the operations of a random circuit."""
    out = []
    fitting = [f for f in FAMILIES if f[1] <= len(qubits)]
    for _ in range(int(rng.integers(1, 5))):
        family = fitting[rng.integers(len(fitting))]
        if rng.uniform() < 0.3:
            family = UNIVERSAL[rng.integers(len(UNIVERSAL))]
        name, n, n_exponents, make = family
        if n > len(qubits):
            continue
        slow = name.removeprefix("controlled ") in SLOW
        exponents = tuple(
            _drawn(int(rng.integers(100 if slow else POOL)), slow)
            if rng.uniform() < 0.8
            else round(float(rng.uniform(-2, 2)), 2)
            for _ in range(n_exponents)
        )
        where = tuple(qubits[i] for i in rng.permutation(len(qubits))[:n])
        wraps = ["", "", "", "", "tag", "sub" if n else "", "inverse"]
        wrap = wraps[rng.integers(len(wraps))]
        if wrap == "inverse" and cirq.inverse(make(*[0.5] * n_exponents), None) is None:
            wrap = ""
        out.append(Piece(name, make, exponents, where, wrap))
    return out


# ---------------------------------------------------------------- the oracle


class Oracle:
    """Cirq, one gate at a time, in double precision."""

    def __init__(self, parts: list[Piece], qubits: list[cirq.Qid], observable: Any) -> None:
        self.parts, self.qubits = parts, sorted(qubits)
        self.index = {q: i for i, q in enumerate(self.qubits)}
        self.matrix = observable.matrix(self.qubits)

    def exponents(self, point: np.ndarray) -> list[list[float]]:
        """Return the numbers that exponents have at a point."""
        return [
            [e.value(point.tolist()) if isinstance(e, Exponent) else e for e in p.exponents]
            for p in self.parts
        ]

    def state(self, point: np.ndarray) -> np.ndarray:
        """Return the state at a point, NaN if an exponent is no real number."""
        numbers = self.exponents(point)
        n = len(self.qubits)
        psi = np.zeros((2,) * n, dtype=complex)
        psi.flat[0] = 1
        if not all(math.isfinite(v) for values in numbers for v in values):
            return np.full(2**n, np.nan)
        for part, values in zip(self.parts, numbers, strict=True):
            psi = _applied(part.matrix(tuple(values)), psi, [self.index[q] for q in part.qubits])
        return psi.ravel()

    def expectation(self, point: np.ndarray) -> float:
        """Return the expectation value at a point."""
        psi = self.state(point)
        return float((psi.conj() @ self.matrix @ psi).real)

    def steepness(self, point: np.ndarray, direction: np.ndarray) -> float:
        """Return the largest slope of an exponent: rounding of values is multiplied by it."""
        up, down = (
            np.array([v for values in self.exponents(point + step * direction) for v in values])
            for step in (1e-6, -1e-6)
        )
        return float(np.abs(up - down).max(initial=0.0)) / 2e-6

    def slope(self, point: np.ndarray, direction: np.ndarray) -> tuple[float, float]:
        """Return the derivative along a direction, and how much its two estimates differ."""

        def at(step: float) -> float:
            up, down = (
                self.expectation(point + step * direction),
                self.expectation(point - step * direction),
            )
            return (up - down) / (2 * step)

        whole, half = at(STEP), at(STEP / 2)
        return (4 * half - whole) / 3, abs(whole - half)


def _applied(matrix: np.ndarray, psi: np.ndarray, axes: list[int]) -> np.ndarray:
    rest = [i for i in range(psi.ndim) if i not in axes]
    rows = psi.transpose(axes + rest)
    out = (matrix @ rows.reshape(len(matrix), -1)).reshape(rows.shape)
    return out.transpose(np.argsort(axes + rest))


# ---------------------------------------------------------------- comparing


class Tally:
    """Counts and worst errors."""

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()
        self.families: Counter[str] = Counter()
        self.worst: dict[str, tuple[float, int]] = {}
        self.failures = 0

    def compare(self, what: str, seed: int, error: float, scale: float = 1.0) -> bool:
        """Note an error; return whether it is small."""
        self.counts[what] += 1
        error = float(error) / scale
        if not error <= self.worst.get(what, (-1.0, 0))[0]:
            self.worst[what] = error, seed
        return error <= TOLERANCE

    def fail(self, seed: int, message: str, circuit: Any) -> None:
        """Print a failure."""
        self.failures += 1
        if self.failures <= 200:
            print(f"FAILED seed {seed}: {message}\n{circuit!r}\n", flush=True)

    def report(self) -> str:
        """Return counts and worst errors as lines."""
        lines = [f"failures: {self.failures}"]
        for what, count in sorted(self.counts.items()):
            worst = self.worst.get(what)
            where = "" if worst is None else f", worst error {worst[0]:.1e} (seed {worst[1]})"
            lines.append(f"{what}: {count}{where}")
        return "\n".join(lines)


def run(seed: int, tally: Tally) -> None:
    """Try one random circuit."""
    rng = np.random.default_rng(seed)
    qubits = qubits_of(rng)
    parts = pieces(rng, qubits)
    tally.families.update(p.family for p in parts)
    circuit = cirq.FrozenCircuit(cirq.I.on_each(*qubits), [p.symbolic() for p in parts])
    observable = _observable(rng, qubits)
    oracle = Oracle(parts, qubits, observable)
    points = rng.uniform(-2, 2, (2, 3))
    points[1, 2] = points[0, 2]  # a weight
    tally.counts["circuits"] += 1
    wanted = np.array([oracle.state(p) for p in points])
    if not np.isfinite(wanted).all():
        tally.counts["without a real value"] += 1
        try:
            BACKEND.states(circuit, SYMBOLS, points)
        except ValueError:
            return
        tally.fail(seed, "ran with an exponent that is no real number", circuit)
        return
    states = BACKEND.states(circuit, SYMBOLS, points)
    ok = tally.compare("states", seed, np.abs(states - wanted).max())
    gram = BACKEND.overlaps(circuit, SYMBOLS, points)
    ok &= tally.compare("Gram entries", seed, abs(gram[0, 1] - abs(np.vdot(*wanted)) ** 2))
    right = np.einsum("ri,ij,rj->r", wanted.conj(), oracle.matrix, wanted).real
    kind = ("none", "adjoint", "parameter-shift")[seed % 3]
    evaluator = None if kind == "none" else _evaluator(circuit, observable, kind)
    if evaluator is None:
        values = BACKEND.expectations(circuit, SYMBOLS, points, [observable])
        tally.counts["without a known derivative"] += kind != "none"
    else:
        values, pullback = evaluator.forward_vjp(points[:, :2], points[0, 2:])
        _gradients(rng, seed, tally, circuit, oracle, points, pullback, kind)
    ok &= tally.compare("expectation values", seed, np.abs(values[:, 0] - right).max())
    if not ok:
        tally.fail(seed, f"values: {np.abs(states - wanted).max():.2g}", circuit)


def _evaluator(circuit: cirq.FrozenCircuit, observable: cirq.PauliSum, kind: str) -> Any:
    """Return an evaluator, None without derivatives."""
    try:
        return BACKEND.evaluator(circuit, SYMBOLS[:2], SYMBOLS[2:], [observable], kind)
    except ValueError as error:
        if "derivative" not in str(error):
            raise
        return None


def _observable(rng: np.random.Generator, qubits: list[cirq.Qid]) -> cirq.PauliSum:
    total = cirq.PauliSum()
    for first in ("XYZ", "IXYZ"):  # not the identity alone
        letters = first[rng.integers(len(first))]
        letters += "".join("IXYZ"[k] for k in rng.integers(0, 4, len(qubits) - 1))
        total += float(rng.uniform(0.1, 1)) * cirq.DensePauliString(letters).on(*qubits)
    return total


def _gradients(
    rng: np.random.Generator,
    seed: int,
    tally: Tally,
    circuit: cirq.FrozenCircuit,
    oracle: Oracle,
    points: np.ndarray,
    pullback: Callable[[np.ndarray], tuple[np.ndarray, np.ndarray]],
    kind: str,
) -> None:
    """Compare the gradient at the first point, along a random direction."""
    direction = rng.normal(size=3)
    slope, doubt = oracle.slope(points[0], direction)
    grad_X, grad_w = pullback(np.array([[1.0], [0.0]]))
    got = float(grad_X[0] @ direction[:2] + grad_w @ direction[2:])
    scale = 1 + abs(slope)
    steep = oracle.steepness(points[0], direction)
    if not doubt <= 1e-5 * scale or not steep < STEEPEST:
        tally.counts["jumps, or too steep"] += 1
    elif not tally.compare(kind, seed, abs(got - slope), scale + steep):
        tally.fail(seed, f"{kind}: {got:.8g} for {slope:.8g} +- {doubt:.1g}", circuit)


def main() -> int:
    """Run the circuits, and print counts and worst errors."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--count", type=int, default=1000, help="how many circuits")
    parser.add_argument("--seed", type=int, default=0, help="the seed of the first circuit")
    options = parser.parse_args()
    warnings.simplefilter("error")
    tally, begin = Tally(), time.perf_counter()
    for seed in range(options.seed, options.seed + options.count):
        try:
            run(seed, tally)
        except Exception:
            tally.fail(seed, traceback.format_exc(limit=-6), "")
        if (seed - options.seed + 1) % 1000 == 0:
            passed = time.perf_counter() - begin
            print(f"[{passed:.0f} s]", tally.report().replace("\n", "; "), flush=True)
    print(tally.report())
    print("families:", dict(tally.families.most_common()))
    return int(tally.failures > 0)


if __name__ == "__main__":
    sys.exit(main())
