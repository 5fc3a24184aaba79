"""Symbolic exponents as vectorised functions of data and weights, with their derivatives."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import Any

import numpy as np
import sympy

from skquantum._symbols import NotANumber, number, undefined_functions
from skquantum.execution._compiler.formulas import Formulas, NotDifferentiable, derivative

# Radians. Beyond this, neighbouring numbers of double precision are further apart than 1e-4.
LARGEST = 1e12


class AngleError(ValueError):
    """A gate's exponent is no angle: not a finite real number, or too large."""


class Angles:
    """The exponents of a program's gates, for all rows at a time.

    Parameters
    ----------
    expressions : sequence of sympy.Expr or float
        Exponents in half turns.
    data, weights : tuple of sympy.Symbol
        Symbols that receive one value per row, and one value for all rows.
    """

    def __init__(
        self,
        expressions: Sequence[Any],
        data: tuple[sympy.Symbol, ...],
        weights: tuple[sympy.Symbol, ...] = (),
    ) -> None:
        self.expressions = list(expressions)
        self._data, self._weights = data, weights
        self._columns = _columns(len(data) + len(weights))
        rename = dict(zip((*data, *weights), self._columns, strict=True))
        self._renamed = [sympy.sympify(e).xreplace(rename) for e in self.expressions]
        for expression, renamed in zip(self.expressions, self._renamed, strict=True):
            others = sorted(map(str, renamed.free_symbols - set(self._columns)))
            if others:
                raise ValueError(
                    f"The gate exponent {expression} has symbols {others} that are not those to "
                    "receive values. Symbols made with assumptions (real=True) differ from plain "
                    "ones of the same name; make them with a name alone."
                )
            check_exponent(renamed, expression)
        self._affine = self._affine_map()
        if self._affine is None:
            self._formulas = Formulas(self._renamed, self._columns)

    def _affine_map(self) -> tuple[np.ndarray, np.ndarray] | None:
        """Return (matrix, offset) in radians if every expression is affine with numbers."""
        matrix = np.zeros((len(self._renamed), len(self._columns)))
        offset = np.zeros(len(self._renamed))
        place: dict[Any, int] = {symbol: i for i, symbol in enumerate(self._columns)}
        for row, expression in enumerate(self._renamed):
            terms = _affine_terms(expression)
            if terms is None:
                return None
            for symbol, factor in terms.items():
                if symbol is None:
                    offset[row] = factor
                else:
                    matrix[row, place[symbol]] = factor
        return matrix * np.pi, offset * np.pi

    @cached_property
    def has_weights(self) -> bool:
        """Whether any expression depends on a weight."""
        weights = set(self._columns[len(self._data) :])
        return any(e.free_symbols & weights for e in self._renamed)

    @cached_property
    def _have_data(self) -> list[bool]:
        """Which expressions depend on data."""
        data = set(self._columns[: len(self._data)])
        return [bool(e.free_symbols & data) for e in self._renamed]

    def __call__(self, X: np.ndarray, weights: np.ndarray | None = None) -> np.ndarray:
        """Return angles in radians, shape (n_expressions, n_samples).

        Parameters
        ----------
        X : ndarray of shape (n_samples, n_data)
        weights : ndarray of shape (n_weights,), default=None

        Raises
        ------
        AngleError
            If an angle is not a finite real number, or one of data is so large that its rest
            modulo a turn is rounding alone.
        """
        if self._affine is not None:
            matrix, offset = self._affine
            n_data = len(self._data)
            if weights is not None and self._weights:
                offset = offset + matrix[:, n_data:] @ weights
            with np.errstate(all="ignore"):
                return self._finite(matrix[:, :n_data] @ X.T + offset[:, None], X)
        out = self._formulas(self._values(X, weights), len(X), stop=True)
        with np.errstate(all="ignore"):  # what goes wrong is said below
            out *= np.pi
            return self._finite(out, X)

    def _values(self, X: np.ndarray, weights: np.ndarray | None) -> list[Any]:
        shared = [np.nan] * len(self._weights) if weights is None else list(weights)
        return [*np.ascontiguousarray(X.T)[: len(self._data)], *shared]

    def _finite(self, out: np.ndarray, X: np.ndarray) -> np.ndarray:
        # The fastest test that lets all usual angles pass, and neither NaN nor infinity.
        if np.vdot(out, out) <= LARGEST**2:
            return out
        # Weights may grow without limit: it is the training that watches them.
        limits = np.where(self._have_data, LARGEST, np.finfo(float).max)[:, None]
        wrong = np.argwhere(~(np.abs(out) <= limits))
        if len(wrong) == 0:
            return out
        term, sample = wrong[0]
        is_large = np.isfinite(out[term, sample])
        problem = "too large to be an angle" if is_large else "not a finite real number"
        remedy = " Scale the data." if is_large else ""
        raise AngleError(
            f"The gate exponent {self.expressions[term]} is {problem} for row {sample} of the "
            f"batch, with values {X[sample]}.{remedy}"
        )

    def pullback(
        self, X: np.ndarray, weights: np.ndarray, gradient: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return the gradients for data and weights from the one for the angles.

        Parameters
        ----------
        X, weights
            As in the call.
        gradient : ndarray of shape (n_expressions, n_samples)

        Returns
        -------
        grad_X : ndarray of shape (n_samples, n_data)
        grad_weights : ndarray of shape (n_weights,)
        """
        n_data = len(self._data)
        if self._affine is not None:
            matrix, _ = self._affine
            return gradient.T @ matrix[:, :n_data], gradient.sum(axis=1) @ matrix[:, n_data:]
        grad_X = np.zeros(X.shape)
        grad_weights = np.zeros(len(weights))
        slopes = self._slopes(self._values(X, weights), len(X))
        for (row, column), slope in zip(self._pairs, slopes, strict=True):
            part = gradient[row] * (np.pi * slope)
            if column < n_data:
                grad_X[:, column] += part
            else:
                grad_weights[column - n_data] += part.sum()
        return grad_X, grad_weights

    @cached_property
    def _pairs(self) -> list[tuple[int, int]]:
        """Pairs of an expression and a symbol that it contains."""
        return [
            (row, column)
            for row, expression in enumerate(self._renamed)
            for column, symbol in enumerate(self._columns)
            if symbol in expression.free_symbols
        ]

    def check_differentiable(self) -> None:
        """Raise a ValueError that names an expression without a derivative."""
        if self._affine is None:
            self._slopes  # noqa: B018  (differentiates)

    @cached_property
    def _slopes(self) -> Formulas:
        """The derivatives of `_pairs`, differentiated once."""
        return Formulas(self._derivatives, self._columns)

    @cached_property
    def _derivatives(self) -> list[sympy.Expr]:
        return [self._derivative(row, column) for row, column in self._pairs]

    def _derivative(self, row: int, column: int) -> sympy.Expr:
        try:
            return derivative(self._renamed[row], self._columns[column])
        except NotDifferentiable as error:
            raise ValueError(
                f"The gate exponent {self.expressions[row]} is not differentiable: sympy knows no "
                f"derivative of {error}. gradient='spsa' needs values alone."
            ) from error


_COLUMNS: list[sympy.Symbol] = []


def _columns(count: int) -> list[sympy.Symbol]:
    """Return real symbols, always the same ones: sympy keeps what it knows of expressions."""
    while len(_COLUMNS) < count:
        _COLUMNS.append(sympy.Dummy(f"column_{len(_COLUMNS)}", real=True))
    return _COLUMNS[:count]


def check_exponent(renamed: Any, shown: Any) -> None:
    """Raise a ValueError for an exponent that can never be a number.

    Parameters
    ----------
    renamed : sympy.Expr
        The exponent.
    shown : object
        What the message shows.
    """
    functions = undefined_functions(renamed)
    if functions:
        raise ValueError(
            f"The gate exponent {shown} has undefined functions: {', '.join(functions)}. They "
            "have a name and no values; replace them by expressions of functions that sympy knows."
        )
    if not renamed.free_symbols:
        try:
            value = number(renamed)
        except NotANumber as error:
            raise AngleError(f"The gate exponent {shown} is not a finite real number.") from error
        if isinstance(value, complex):
            raise AngleError(f"The gate exponent {shown} is not a finite real number: {value}.")
    elif _is_never_finite(renamed):
        raise AngleError(f"The gate exponent {shown} is never a finite real number.")


def _is_never_finite(expression: Any) -> bool:
    if isinstance(expression, sympy.Add | sympy.Mul):
        return any(_is_never_finite(part) for part in expression.args)
    return bool(expression.is_Number or expression is sympy.zoo) and not expression.is_finite


def _affine_terms(expression: Any) -> dict[Any, float] | None:
    """Return the factors of a polynomial of degree one at most, the constant's under None.

    Only sums, and products with numbers, are taken for one; anything else gives None.
    """
    if not expression.free_symbols:
        value = number(expression)
        return {None: value} if isinstance(value, float) else None
    if expression.is_Symbol:
        return {expression: 1.0}
    if isinstance(expression, sympy.Add):
        total: dict[Any, float] = {}
        for part in expression.args:
            terms = _affine_terms(part)
            if terms is None:
                return None
            for symbol, factor in terms.items():
                total[symbol] = total.get(symbol, 0.0) + factor
        return total
    if isinstance(expression, sympy.Mul):
        variable = [part for part in expression.args if part.free_symbols]
        inner = _affine_terms(variable[0]) if len(variable) == 1 else None
        if inner is not None:
            rest = number(sympy.Mul(*(p for p in expression.args if not p.free_symbols)))
            if isinstance(rest, float):
                return {symbol: rest * factor for symbol, factor in inner.items()}
    return None
