"""Sympy expressions as functions of arrays, and their derivatives.

An expression becomes a list of steps, each a function of NumPy or SciPy on what earlier steps
gave; equal subexpressions are computed once. No source text is generated, in which the name of a
function or a symbol would be run. Whatever has no real value within becomes NaN, and NaN spreads;
where the end is NaN, or a function has no step here, sympy's own arithmetic decides, row by row.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache, reduce
from typing import Any

import numpy as np
import scipy.special
import sympy

from skquantum._symbols import NotANumber, number

Array = Any  # an ndarray, or a number that all rows share


def _where(ok: Array, value: Array) -> Array:
    return np.where(ok, value, np.nan)


def _power(base: Array, exponent: Array) -> Array:
    # np.power(1, nan) and np.power(nan, 0) are 1.
    real = ~np.isnan(base) & ~np.isnan(exponent)
    return _where(real & ((base != 0) | (exponent >= 0)), np.power(base, exponent))


def _product(*factors: Array) -> Array:
    return reduce(np.multiply, factors)


def _sum(*terms: Array) -> Array:
    return reduce(np.add, terms)


def _proper(function: Callable[..., Array]) -> Callable[..., Array]:
    """Return a function that is NaN at its poles, where NumPy and SciPy give infinity."""

    def at(*args: Array) -> Array:
        out = function(*args)
        return _where(np.isfinite(out) | ~np.isfinite(args[-1]), out)

    return at


def _inverse(function: Callable[[Array], Array]) -> Callable[[Array], Array]:
    """Return the function of 1/x."""
    return lambda x: _where(x != 0, function(np.divide(1.0, x)))


def _reciprocal(function: Callable[[Array], Array]) -> Callable[[Array], Array]:
    return _proper(lambda x: np.divide(1.0, function(x)))


def _compare(function: Callable[[Array, Array], Array]) -> Callable[[Array, Array], Array]:
    """Return a comparison as 0, 1, or NaN where a side is no real number."""
    return lambda a, b: _where(~np.isnan(a) & ~np.isnan(b), np.where(function(a, b), 1.0, 0.0))


def _piecewise(*pairs: Array) -> Array:
    out: Array = np.nan
    for value, condition in zip(pairs[-2::-2], pairs[::-2], strict=True):
        out = np.where(condition == 1, value, np.where(np.isnan(condition), np.nan, out))
    return out


def _lambertw(x: Array, branch: Array = 0.0) -> Array:
    out = scipy.special.lambertw(x, np.asarray(branch).astype(int))
    return _where(out.imag == 0, out.real)


_GREATER, _EQUAL = _compare(np.greater), _compare(np.equal)
_FUNCTIONS: dict[Any, Callable[..., Array]] = {
    sympy.Add: _sum,
    sympy.Mul: _product,
    sympy.Pow: _power,
    sympy.exp: np.exp,
    sympy.log: _proper(np.log),
    sympy.sin: np.sin,
    sympy.cos: np.cos,
    sympy.tan: np.tan,
    sympy.sec: _reciprocal(np.cos),
    sympy.csc: _reciprocal(np.sin),
    sympy.cot: _reciprocal(np.tan),
    sympy.asin: np.arcsin,
    sympy.acos: np.arccos,
    sympy.atan: np.arctan,
    sympy.asec: _inverse(np.arccos),
    sympy.acsc: _inverse(np.arcsin),
    sympy.acot: _inverse(np.arctan),
    sympy.atan2: lambda y, x: _where((x != 0) | (y != 0), np.arctan2(y, x)),
    sympy.sinh: np.sinh,
    sympy.cosh: np.cosh,
    sympy.tanh: np.tanh,
    sympy.sech: _reciprocal(np.cosh),
    sympy.csch: _reciprocal(np.sinh),
    sympy.coth: _reciprocal(np.tanh),
    sympy.asinh: np.arcsinh,
    sympy.acosh: np.arccosh,
    sympy.atanh: _proper(np.arctanh),
    sympy.asech: _inverse(np.arccosh),
    sympy.acsch: _inverse(np.arcsinh),
    sympy.acoth: _inverse(_proper(np.arctanh)),
    sympy.sinc: lambda x: np.sinc(x / np.pi),
    sympy.Abs: np.abs,
    sympy.sign: np.sign,
    sympy.floor: np.floor,
    sympy.ceiling: np.ceil,
    sympy.frac: lambda x: x - np.floor(x),
    sympy.Mod: lambda a, b: _where(b != 0, np.mod(a, b)),
    sympy.Max: lambda *args: reduce(np.maximum, args),
    sympy.Min: lambda *args: reduce(np.minimum, args),
    sympy.Heaviside: lambda x, zero=0.5: np.heaviside(x, zero),
    sympy.KroneckerDelta: _EQUAL,
    # What is not NaN is real.
    sympy.re: lambda x: x,
    sympy.conjugate: lambda x: x,
    sympy.im: lambda x: 0.0 * x,
    sympy.arg: lambda x: np.where(x < 0, np.pi, _where(x > 0, 0.0)),
    sympy.Piecewise: _piecewise,
    sympy.StrictGreaterThan: _GREATER,
    sympy.GreaterThan: _compare(np.greater_equal),
    sympy.StrictLessThan: _compare(np.less),
    sympy.LessThan: _compare(np.less_equal),
    sympy.Eq: _EQUAL,
    sympy.Ne: _compare(np.not_equal),
    sympy.And: lambda *args: reduce(np.minimum, args),
    sympy.Or: lambda *args: reduce(np.maximum, args),
    sympy.Not: lambda x: 1.0 - x,
    sympy.erf: scipy.special.erf,
    sympy.erfc: scipy.special.erfc,
    sympy.erfi: scipy.special.erfi,
    sympy.erfinv: _proper(scipy.special.erfinv),
    sympy.erfcinv: _proper(scipy.special.erfcinv),
    sympy.gamma: _proper(scipy.special.gamma),
    sympy.loggamma: lambda x: _where(x > 0, scipy.special.gammaln(x)),
    sympy.factorial: _proper(lambda x: scipy.special.gamma(x + 1.0)),
    sympy.polygamma: lambda n, x: _where(
        (x > 0) & (n >= 0), scipy.special.polygamma(np.asarray(n).astype(int), x)
    ),
    sympy.besselj: scipy.special.jv,
    sympy.bessely: _proper(scipy.special.yv),
    sympy.besseli: scipy.special.iv,
    sympy.besselk: _proper(scipy.special.kv),
    sympy.airyai: lambda x: scipy.special.airy(x)[0],
    sympy.airyaiprime: lambda x: scipy.special.airy(x)[1],
    sympy.airybi: lambda x: scipy.special.airy(x)[2],
    sympy.airybiprime: lambda x: scipy.special.airy(x)[3],
    sympy.LambertW: _lambertw,
    sympy.zeta: lambda s, a=1.0: _where((s > 1) & (a > 0), scipy.special.zeta(s, a)),
    sympy.Si: lambda x: scipy.special.sici(x)[0],
    sympy.Ci: lambda x: _where(x > 0, scipy.special.sici(x)[1]),
    sympy.Shi: lambda x: scipy.special.shichi(x)[0],
    sympy.Chi: lambda x: _where(x > 0, scipy.special.shichi(x)[1]),
    sympy.Ei: lambda x: _where(x > 0, scipy.special.expi(x)),
    sympy.fresnels: lambda x: scipy.special.fresnel(x)[0],
    sympy.fresnelc: lambda x: scipy.special.fresnel(x)[1],
}
# Of two inputs, as most are: without a loop over the others.
_BINARY: dict[Any, Callable[..., Array]] = {sympy.Add: np.add, sympy.Mul: np.multiply}
_POWERS: dict[Any, Callable[[Array], Array]] = {
    sympy.Integer(2): np.square,
    sympy.Rational(1, 2): np.sqrt,
    sympy.Integer(-1): _proper(lambda x: np.divide(1.0, x)),
}


class Formulas:
    """Expressions of columns, for all rows at a time.

    Parameters
    ----------
    expressions : sequence of sympy.Expr
    columns : sequence of sympy.Symbol
        Real symbols, the only ones in the expressions.
    """

    def __init__(self, expressions: Sequence[sympy.Expr], columns: Sequence[sympy.Symbol]) -> None:
        self._expressions, self._columns = list(expressions), list(columns)
        self._constants: dict[int, float] = {}
        self._steps: list[tuple[int, Callable[..., Array], tuple[int, ...]]] = []
        self._places: dict[Any, int] = {c: i for i, c in enumerate(columns)}
        known: dict[Any, bool] = dict.fromkeys(columns, True)
        self._outputs = [self._place(e) if _has_steps(e, known) else None for e in expressions]
        self._drop = self._last_uses()

    def _place(self, node: Any) -> int:
        """Return where a node's value will be, after the steps that it needs."""
        place = self._places.get(node)
        if place is not None:
            return place
        if not node.free_symbols:
            place = self._next(node)
            self._constants[place] = _constant(node)
            return place
        args = node.args
        function = _FUNCTIONS.get(type(node))
        if isinstance(node, sympy.Pow) and node.exp in _POWERS:
            function, args = _POWERS[node.exp], (node.base,)
        elif isinstance(node, sympy.Piecewise):
            args = [part for pair in node.args for part in pair.args]
        elif isinstance(node, sympy.Add | sympy.Mul):
            args = _with_one_constant(node)
            function = _BINARY[type(node)] if len(args) == 2 else function
        inputs = tuple([self._place(a) for a in args])
        assert function is not None  # see _has_steps
        place = self._next(node)
        self._steps.append((place, function, inputs))
        return place

    def _next(self, node: Any) -> int:
        return self._places.setdefault(node, len(self._places))

    def _last_uses(self) -> list[list[int]]:
        """Return for each step the places that are not needed after it."""
        kept = {*self._constants, *range(len(self._columns))}
        kept.update(place for place in self._outputs if place is not None)
        drop: list[list[int]] = []
        for _, _, inputs in reversed(self._steps):
            drop.append([i for i in set(inputs) if i not in kept])
            kept |= set(inputs)
        return drop[::-1]

    def __call__(self, columns: Sequence[Array], n_rows: int, *, stop: bool = False) -> np.ndarray:
        """Return the values, shape (n_expressions, n_rows), NaN where there is no real one.

        Parameters
        ----------
        columns : sequence of ndarray of shape (n_rows,), or of float
            A number is shared by all rows.
        n_rows : int
        stop : bool, default=False
            Stop at the first value that is not real: all after it may be NaN as well.
        """
        out = np.empty((len(self._expressions), n_rows))
        values: list[Any] = [None] * len(self._places)
        values[: len(self._columns)] = columns
        at = values.__getitem__
        for place, constant in self._constants.items():
            values[place] = constant
        with np.errstate(all="ignore"):  # what goes wrong is seen at the end
            for (place, function, inputs), drop in zip(self._steps, self._drop, strict=True):
                values[place] = function(*map(at, inputs))
                for i in drop:
                    values[i] = None
            for row, output in zip(out, self._outputs, strict=True):
                row[:] = np.nan if output is None else values[output]
            if n_rows and not np.isfinite(out.sum()):
                self._mend(out, columns, stop)
        return out

    def _mend(self, out: np.ndarray, columns: Sequence[Array], stop: bool) -> None:
        """Ask sympy for what is not finite."""
        given = dict(zip(self._columns, columns, strict=True))
        for row, expression in zip(out, self._expressions, strict=True):
            own = [(c, given[c]) for c in self._columns if c in expression.free_symbols]
            known: dict[tuple[float, ...], float] = {}
            for i in np.flatnonzero(~np.isfinite(row)):
                key = tuple(float(v[i]) if np.ndim(v) else float(v) for _, v in own)
                if key not in known:
                    known[key] = _slowly(expression, [c for c, _ in own], key)
                row[i] = known[key]
                if stop and np.isnan(row[i]):
                    return


def _with_one_constant(node: Any) -> list[Any]:
    """Return the parts of a sum or product, the constant ones as one, for all rows at a time."""
    constant = [part for part in node.args if not part.free_symbols]
    variable = [part for part in node.args if part.free_symbols]
    if len(constant) < 2:
        return [*constant, *variable]
    return [node.func(*constant, evaluate=False), *variable]


def _slowly(
    expression: sympy.Expr, symbols: Sequence[sympy.Symbol], values: Sequence[float]
) -> float:
    if not np.isfinite(values).all():
        return np.nan
    exact = {s: sympy.Float(v, 25) for s, v in zip(symbols, values, strict=True)}
    try:
        return _constant(expression.xreplace(exact))
    except (TypeError, ValueError, ArithmeticError, NotImplementedError):
        return np.nan


def _constant(node: Any) -> float:
    try:
        value = number(node)
    except NotANumber:
        return np.nan
    return np.nan if isinstance(value, complex) else value


def _has_steps(node: Any, known: dict[Any, bool]) -> bool:
    answer = known.get(node)
    if answer is None:
        parts = (
            [part for pair in node.args for part in pair.args]
            if isinstance(node, sympy.Piecewise)
            else node.args
        )
        answer = not node.free_symbols or (
            type(node) in _FUNCTIONS and all([_has_steps(part, known) for part in parts])
        )
        known[node] = answer
    return answer


class NotDifferentiable(ValueError):
    """An expression has no derivative that is known."""


@lru_cache(maxsize=4096)
def derivative(expression: Any, symbol: sympy.Symbol) -> sympy.Expr:
    """Return the derivative of an expression wherever it has one, away from its jumps.

    Sympy's own has Dirac's delta in it, or gives up, where a function has jumps.

    Parameters
    ----------
    expression : sympy.Expr
    symbol : sympy.Symbol
        Real.

    Raises
    ------
    NotDifferentiable
        If sympy knows no derivative of a function in it.
    """
    if symbol not in expression.free_symbols:
        return sympy.Integer(0)
    if expression == symbol:
        return sympy.Integer(1)
    rule = _RULES.get(type(expression))
    if rule is not None:
        return rule(expression, symbol)
    if not isinstance(expression, sympy.Function):
        return _known(expression.diff(symbol), expression)
    total = sympy.Integer(0)
    for i, arg in enumerate(expression.args, 1):
        inner = derivative(arg, symbol)
        if inner != 0:
            try:
                outer = expression.fdiff(i)
            except Exception as error:  # whatever the function's author raises
                raise NotDifferentiable(str(expression.func)) from error
            total += _known(outer, expression) * inner
    return total


def _known(slope: sympy.Expr, expression: sympy.Expr) -> sympy.Expr:
    if slope.has(sympy.Derivative, sympy.Subs, sympy.DiracDelta):
        raise NotDifferentiable(str(expression.func))
    return slope


def _of_product(product: sympy.Mul, symbol: sympy.Symbol) -> sympy.Expr:
    factors = product.args
    return sympy.Add(
        *(
            sympy.Mul(derivative(f, symbol), *factors[:i], *factors[i + 1 :])
            for i, f in enumerate(factors)
            if symbol in f.free_symbols
        )
    )


def _of_power(power: sympy.Pow, symbol: sympy.Symbol) -> sympy.Expr:
    base, exponent = power.base, power.exp
    inner, outer = derivative(base, symbol), derivative(exponent, symbol)
    by_base = exponent * base ** (exponent - 1) * inner
    if outer == 0:
        return by_base
    # Zero to a positive power is zero, whatever the power.
    growth = power * sympy.log(base)
    if base.is_zero is not False:
        rest = (0, exponent > 0), (sympy.nan, True)
        growth = sympy.Piecewise((growth, sympy.Ne(base, 0)), *rest)
    return by_base + growth * outer


def _of_piecewise(pieces: sympy.Piecewise, symbol: sympy.Symbol) -> sympy.Expr:
    return sympy.Piecewise(*((derivative(e, symbol), c) for e, c in pieces.args))


def _of_extremum(extremum: sympy.Expr, symbol: sympy.Symbol) -> sympy.Expr:
    args = extremum.args
    wins = sympy.Ge if isinstance(extremum, sympy.Max) else sympy.Le
    return sympy.Piecewise(
        *(
            (derivative(a, symbol), sympy.And(*(wins(a, b) for b in args if b is not a)))
            for a in args
        )
    )


def _of_abs(absolute: sympy.Abs, symbol: sympy.Symbol) -> sympy.Expr:
    (arg,) = absolute.args
    inner = derivative(arg, symbol)
    if arg.is_extended_real:
        return sympy.sign(arg) * inner
    return sympy.re(sympy.conjugate(arg) * inner) / absolute


def _of_remainder(remainder: sympy.Mod, symbol: sympy.Symbol) -> sympy.Expr:
    a, b = remainder.args
    return derivative(a, symbol) - sympy.floor(a / b) * derivative(b, symbol)


def _of_phase(phase: sympy.arg, symbol: sympy.Symbol) -> sympy.Expr:
    (arg,) = phase.args
    if arg.is_extended_real:
        return sympy.Integer(0)
    return sympy.im(derivative(arg, symbol) / arg)


def _of_part(part: sympy.Expr, symbol: sympy.Symbol) -> sympy.Expr:
    return type(part)(derivative(part.args[0], symbol))


def _flat(step: sympy.Expr, symbol: sympy.Symbol) -> sympy.Expr:
    if isinstance(step, sympy.sign) and not step.args[0].is_extended_real:
        raise NotDifferentiable(str(step.func))
    return sympy.Integer(0)


_RULES: dict[Any, Callable[[Any, sympy.Symbol], sympy.Expr]] = {
    sympy.Add: lambda e, s: sympy.Add(*(derivative(a, s) for a in e.args)),
    sympy.Mul: _of_product,
    sympy.Pow: _of_power,
    sympy.Piecewise: _of_piecewise,
    sympy.Max: _of_extremum,
    sympy.Min: _of_extremum,
    sympy.Abs: _of_abs,
    sympy.Mod: _of_remainder,
    sympy.frac: lambda e, s: derivative(e.args[0], s),
    sympy.arg: _of_phase,
    **dict.fromkeys((sympy.re, sympy.im, sympy.conjugate), _of_part),
    **dict.fromkeys(
        (
            sympy.floor,
            sympy.ceiling,
            sympy.sign,
            sympy.Heaviside,
            sympy.KroneckerDelta,
            sympy.DiracDelta,
        ),
        _flat,
    ),
}
