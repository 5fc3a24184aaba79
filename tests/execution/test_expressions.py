"""Laws of symbolic exponents: values and derivatives of whatever sympy can write down."""

import warnings

import cirq
import numpy as np
import pytest
import sympy
from hypothesis import given, reject, settings
from hypothesis import strategies as st
from sympy import I, Rational, S, pi

from skquantum._symbols import NotANumber, number
from skquantum.circuits import CircuitEncoding
from skquantum.execution import QsimBackend, ReferenceBackend, SamplerBackend
from skquantum.execution._compiler.angles import Angles
from skquantum.execution._compiler.formulas import (
    _FUNCTIONS,
    Formulas,
)
from skquantum.kernels import FidelityKernel

x, y, w = SYMBOLS = sympy.symbols("x y w")
Q = cirq.LineQubit(0)
Z = [cirq.Z(Q)]
FAST, SLOW = QsimBackend(), ReferenceBackend()
BACKENDS = [
    FAST,
    SLOW,
    QsimBackend(noise=1e-9),
    QsimBackend(noise=1e-9, method="trajectories", n_trajectories=20, seed=0),
    SamplerBackend(cirq.Simulator(seed=0), repetitions=400),
]

ONE = [  # functions of one argument
    sympy.sin, sympy.cos, sympy.tan, sympy.sec, sympy.csc, sympy.cot, sympy.asin, sympy.acos,
    sympy.atan, sympy.acot, sympy.asec, sympy.acsc, sympy.sinh, sympy.cosh, sympy.tanh, sympy.sech,
    sympy.csch, sympy.coth, sympy.asinh, sympy.acosh, sympy.atanh, sympy.acoth, sympy.asech,
    sympy.acsch, sympy.exp, sympy.log, sympy.sqrt, sympy.cbrt, sympy.Abs, sympy.sign, sympy.floor,
    sympy.ceiling, sympy.frac, sympy.Heaviside, sympy.arg, sympy.re, sympy.im, sympy.conjugate,
    sympy.sinc, sympy.erf, sympy.erfc, sympy.erfi, sympy.gamma, sympy.loggamma, sympy.digamma,
    sympy.trigamma, sympy.factorial, sympy.LambertW, sympy.zeta, sympy.Si, sympy.Ci, sympy.Shi,
    sympy.Chi, sympy.Ei, sympy.fresnels, sympy.fresnelc, sympy.airyai, sympy.airybi,
    sympy.airyaiprime, sympy.airybiprime, sympy.elliptic_k, sympy.li, sympy.dirichlet_eta,
    lambda u: sympy.besselj(1, u), lambda u: sympy.bessely(0, u), lambda u: sympy.besseli(1, u),
    lambda u: sympy.besselk(0, u), lambda u: sympy.legendre(3, u), lambda u: u**3, lambda u: 1 / u,
    lambda u: 2**u, lambda u: u ** Rational(2, 3), lambda u: sympy.uppergamma(2, u),
    lambda u: sympy.Abs(u + I), lambda u: sympy.arg(u + I), lambda u: sympy.re(sympy.exp(I * u)),
    lambda u: sympy.Piecewise((pi, u > Rational(1, 2)), (0, True)),
    lambda u: sympy.Piecewise((u, u < Rational(1, 2)), (u - Rational(1, 2), True)),
    lambda u: sympy.Piecewise((1, sympy.Interval(-1, 1).contains(u)), (u**2, True)),
    lambda u: sympy.KroneckerDelta(sympy.ceiling(u), 1), lambda u: sympy.atan(sympy.tan(u)),
    lambda u: sympy.sign(u).rewrite(sympy.Piecewise),
]  # fmt: skip
TWO = [
    sympy.Add, sympy.Mul, sympy.Max, sympy.Min, sympy.atan2, sympy.Pow,
    lambda u, v: u - v, lambda u, v: u / v, lambda u, v: sympy.Mod(u, v),
    lambda u, v: sympy.Piecewise((u, u > v), (v**2, True)),
    lambda u, v: sympy.Piecewise((u, sympy.And(u > 0, v < 1)), (v, sympy.Or(u < -1, v > 0)),
                                 (u * v, True)),
    lambda u, v: sympy.Abs(u + I * v),
]  # fmt: skip


@st.composite
def expressions(draw, depth=3):
    """An expression over the whole range of sympy's functions."""
    if depth == 0 or draw(st.integers(0, 4)) == 0:
        constant = draw(st.sampled_from([2, Rational(1, 2), -1, 0.7, -0.3, pi]))
        return draw(st.sampled_from([x, y, x, y, sympy.sympify(constant)]))
    unary = draw(st.booleans())
    function = draw(st.sampled_from(ONE if unary else TWO))
    arguments = [draw(expressions(depth - 1)) for _ in range(1 if unary else 2)]
    try:
        return sympy.sympify(function(*arguments))
    except (TypeError, ValueError, ArithmeticError):
        reject()  # sympy can't write it down


def sympys(expression, point):
    """The value by sympy's own arithmetic, None if it is no finite real number."""
    given_values = {s: sympy.Float(v, 30) for s, v in zip((x, y), point, strict=True)}
    try:
        value = complex(expression.subs(given_values).evalf(30))
    except (TypeError, ValueError, ArithmeticError, AttributeError, NotImplementedError):
        return None
    if not np.isfinite(value) or abs(value.imag) > 1e-13 * max(1, abs(value.real)):
        return None
    return value.real


@settings(max_examples=150, deadline=None)
@given(expressions(), st.integers(0, 2**32 - 1))
def test_values_are_those_of_sympy_and_slopes_those_of_finite_differences(expression, seed):
    rng = np.random.default_rng(seed)
    point = rng.uniform(-2.5, 2.5, 2)
    want = sympys(expression, point)
    try:
        angles = Angles([expression], (x, y))
        got = angles(point[None])[0, 0] / np.pi
    except ValueError as error:
        assert "finite real number" in str(error) or "too large" in str(error)
        assert want is None or abs(want) > 1e11
        return
    assert want is not None
    np.testing.assert_allclose(got, want, rtol=1e-9, atol=1e-9)
    direction = rng.normal(size=2)

    def slope(step):
        up, down = (sympys(expression, point + sign * step * direction) for sign in (1, -1))
        return None if up is None or down is None else (up - down) / (2 * step)

    whole, half = slope(1e-4), slope(5e-5)
    if whole is None or half is None or abs(whole - half) > 1e-5 * (1 + abs(half)):
        return  # beside a jump, or the edge of where it is real
    try:
        angles.check_differentiable()
    except ValueError as error:
        assert "sympy knows no derivative" in str(error)
        return
    grad, _ = angles.pullback(point[None], np.empty(0), np.full((1, 1), 1 / np.pi))
    np.testing.assert_allclose(grad[0] @ direction, half, rtol=1e-4, atol=1e-4)


@settings(max_examples=30, deadline=None)
@given(expressions(2), st.integers(0, 2**32 - 1))
def test_both_gradients_are_those_of_finite_differences(expression, seed):
    rng = np.random.default_rng(seed)
    circuit = cirq.Circuit(cirq.H(Q), cirq.rx(expression + w / 3)(Q), cirq.Z(Q) ** (w * x))
    point = rng.uniform(-2, 2, 3)
    direction = rng.normal(size=3)

    def at(step):
        return SLOW.expectations(circuit, SYMBOLS, (point + step * direction)[None], Z)[0, 0]

    try:
        whole, half = ((at(h) - at(-h)) / (2 * h) for h in (1e-4, 5e-5))
        runs = [
            FAST.evaluator(circuit, (x, y), (w,), Z, kind)
            for kind in ("adjoint", "parameter-shift")
        ]
    except ValueError:
        return  # not real there, or without a derivative
    if abs(whole - half) > 1e-5 * (1 + abs(half)):
        return
    for run in runs:
        values, pullback = run.forward_vjp(point[None, :2], point[2:])
        np.testing.assert_allclose(values[0, 0], at(0), atol=1e-5)
        grad_X, grad_w = pullback(np.ones((1, 1)))
        slope = grad_X[0] @ direction[:2] + grad_w @ direction[2:]
        np.testing.assert_allclose(slope, half, rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize("function", [f for f in ONE if f not in (sympy.sqrt, sympy.cbrt)])
def test_each_function_on_a_batch(function):
    expression = sympy.sympify(function(x))
    points = np.array([-1.7, -0.6, 0.3, 0.8, 1.3, 2.6])
    want = [sympys(expression, (p, 0)) for p in points]
    for point, value in zip(points, want, strict=True):
        angles = Angles([expression, y + expression], (x, y))
        if value is None:
            with pytest.raises(ValueError, match="not a finite real number for row 0"):
                angles(np.array([[point, 0.0]]))
    good = [k for k, value in enumerate(want) if value is not None]
    assert good
    X = np.stack([points[good], np.ones(len(good))], axis=1)
    out = angles(X) / np.pi
    np.testing.assert_allclose(out[0], [want[k] for k in good], rtol=1e-11, atol=1e-12)
    np.testing.assert_allclose(out[1], out[0] + 1, atol=1e-9)


N_ARGUMENTS = {
    sympy.Piecewise: 2, sympy.Pow: 2, sympy.atan2: 2, sympy.Mod: 2, sympy.KroneckerDelta: 2,
    sympy.besselj: 2, sympy.bessely: 2, sympy.besseli: 2, sympy.besselk: 2, sympy.polygamma: 2,
    sympy.Add: 2, sympy.Mul: 2, sympy.Max: 2, sympy.Min: 2, sympy.And: 2, sympy.Or: 2,
    **dict.fromkeys((sympy.Eq, sympy.Ne, sympy.Gt, sympy.Ge, sympy.Lt, sympy.Le), 2),
}  # fmt: skip


@pytest.mark.parametrize("kind", list(_FUNCTIONS))
def test_what_is_not_real_stays_so(kind):
    # NaN stands for it; a function that lost it would give a number where there is none.
    count = N_ARGUMENTS.get(kind, 1)
    for place in range(count):
        args = [np.array([0.0, 1.0, 0.5]) for _ in range(count)]
        args[place] = np.full(3, np.nan)
        if kind is sympy.Piecewise and place == 0:
            args[1] = np.ones(3)  # the piece that counts
        with np.errstate(all="ignore"):
            assert np.isnan(_FUNCTIONS[kind](*args)).all()


def test_only_the_piece_that_counts_has_to_be_real():
    expression = sympy.Piecewise((sympy.log(x), x > 0), (sympy.sqrt(-x), True))
    out = Angles([expression], (x,))(np.array([[2.0], [-4.0]])) / np.pi
    np.testing.assert_allclose(out, [[np.log(2), 2.0]])


def test_rows_that_numpy_has_no_value_for_go_through_sympy():
    big = sympy.exp(x) / (1 + sympy.exp(x))
    complex_within = sympy.re(sympy.sqrt(x) * sympy.sqrt(y))
    X = np.array([[1000.0, 1.0], [-4.0, -9.0], [0.0, 2.0]])
    out = Angles([big, complex_within], (x, y))(X) / np.pi
    np.testing.assert_allclose(out[0], [1, 1 / (1 + np.exp(4)), 0.5], atol=1e-12)
    np.testing.assert_allclose(out[1], [np.sqrt(1000), -6, 0], atol=1e-12)


def test_steps_are_shared_and_forgotten():
    inner = sympy.exp(x)
    formulas = Formulas([sympy.sin(inner), sympy.cos(inner), x + 1], [x])
    assert len(formulas._steps) == 4
    out = formulas([np.array([0.0, 1.0])], 2)
    np.testing.assert_allclose(out[0], np.sin(np.exp([0, 1])))
    np.testing.assert_allclose(out[2], [1, 2])


@pytest.mark.parametrize("step", [sympy.Piecewise((1, x > 0.5), (0, True)), sympy.floor(2 * x)])
@pytest.mark.parametrize("backend", BACKENDS)
def test_every_backend_takes_steps_as_they_are(backend, step):
    circuit = cirq.Circuit(cirq.X(Q) ** step)
    out = backend.expectations(circuit, [x], [[0.2], [0.8]], Z)
    np.testing.assert_allclose(out[:, 0], [1, -1], atol=1e-5)
    kernel = FidelityKernel(CircuitEncoding(circuit), backend=backend)
    np.testing.assert_allclose(kernel(np.array([[0.2], [0.8]])), np.eye(2), atol=1e-5)


SCREAM = "print(1/0)"


def test_a_comparison_of_what_is_not_real_is_refused():
    circuit = cirq.Circuit(cirq.X(Q) ** sympy.Piecewise((x, x > x**x), (x**2, True)))
    for backend in (FAST, SLOW):
        with pytest.raises(ValueError, match="not a finite real number"):
            backend.states(circuit, [x], [[-0.6]])


@pytest.mark.parametrize("backend", BACKENDS)
def test_names_are_never_run(backend, recwarn):
    warnings.simplefilter("error")
    evil = sympy.Symbol(SCREAM)
    circuit = cirq.Circuit(cirq.X(Q) ** (1 + 0 * x + sympy.floor(evil)))
    np.testing.assert_allclose(backend.expectations(circuit, [evil], [[0.5]], Z), -1, atol=1e-5)
    bound = sympy.Sum(x * evil**0, (evil, 1, 3)) / 3
    circuit = cirq.Circuit(cirq.X(Q) ** bound)
    np.testing.assert_allclose(backend.expectations(circuit, [x], [[1.0]], Z), -1, atol=1e-5)
    for name in (SCREAM, "f"):
        undefined = cirq.Circuit(cirq.rx(sympy.Function(name)(x) + x)(Q))
        with pytest.raises(ValueError, match="undefined functions"):
            backend.expectations(undefined, [x], [[0.5]], Z)


@pytest.mark.parametrize(
    "bad", [S.NaN, S.ComplexInfinity, S.Infinity, -S.Infinity, I, x + S.NaN, x + S.ComplexInfinity,
            2 * (x + S.Infinity), sympy.log(-1), sympy.gamma(0), float("nan"), float("inf")],
)  # fmt: skip
@pytest.mark.parametrize("make", [cirq.rx, lambda t: cirq.X**t, lambda t: cirq.CZ**t])
def test_an_exponent_that_is_no_number_is_refused(bad, make):
    try:
        gate = make(bad)
    except (TypeError, ValueError):
        return  # Cirq refuses it
    circuit = cirq.Circuit(cirq.ry(x)(Q), gate.on(*cirq.LineQubit.range(gate.num_qubits())))
    for backend in BACKENDS:
        with pytest.raises(ValueError, match="finite|real number"):
            backend.expectations(circuit, [x], [[0.5]], Z)


def test_numbers():
    assert number(Rational(1, 3)) == 1 / 3
    assert number(sympy.true) == 1.0
    assert number(sympy.sqrt(-4)) == 2j
    assert isinstance(number(sympy.sin(1)), float)
    for bad in (S.NaN, S.ComplexInfinity, sympy.Function("f")(1)):
        with pytest.raises(NotANumber):
            number(bad)
