"""The template: a description of a circuit, and the cache of what it compiles to."""

import operator
import re
from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, ClassVar

import cirq
import numpy as np
import sympy
from sklearn.base import BaseEstimator
from sklearn.utils import check_array

from skquantum._named_parts import NamedPartsMixin
from skquantum._symbols import names_of, symbols_of
from skquantum.circuits._bloch import BlochVectors


class Template(NamedPartsMixin, ABC):
    """Description of a family of circuits with ordered symbols.

    A template answers one question: which circuit? Its symbols receive data (an
    :class:`Encoding`) or weights (an ansatz). It is a :class:`sklearn.base.BaseEstimator`
    whose ``__init__`` only stores its arguments, so parameters, cloning, ``repr``, pickling
    and nested grid search come from scikit-learn. Parameters are validated when a circuit is
    built, by the ``_parameter_constraints`` of the class.

    A subclass has to write :meth:`build` only.

    Attributes
    ----------
    has_own_qubits : bool
        Whether its qubits mean something to the user and stay, as in :class:`CircuitEncoding`.
        By default they are ``cirq.LineQubit.range(width)``, which stand for any qubits.
    """

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {}
    has_own_qubits: ClassVar[bool] = False

    @abstractmethod
    def build(self, size: int, /) -> cirq.Circuit:
        """Build the circuit for a problem of the given size.

        Parameters
        ----------
        size : int
            What the circuit has to make room for: the number of features for an encoding.

        Returns
        -------
        circuit : cirq.Circuit
            Circuit with free symbols, on ``cirq.LineQubit.range(width)`` unless it has qubits of
            its own.
        """

    def symbols(self, size: int, /) -> tuple[sympy.Symbol, ...]:
        """Return the symbols of the circuit, in the order in which they receive values.

        Parameters
        ----------
        size : int
            As for :meth:`build`.

        Returns
        -------
        symbols : tuple of sympy.Symbol
            By default all symbols of the circuit in natural order (``x_2`` before ``x_10``).
        """
        return natural_symbols(self.build(size))

    def width(self, size: int, /) -> int:
        """Return the number of qubits of the circuit.

        Parameters
        ----------
        size : int
            As for :meth:`build`.

        Returns
        -------
        n_qubits : int
            Number of qubits.
        """
        circuit, _ = self.compiled(size)
        return cirq.num_qubits(circuit)

    def compiled(self, size: int, /) -> tuple[cirq.FrozenCircuit, tuple[sympy.Symbol, ...]]:
        """Return the circuit, frozen, and its symbols.

        Templates of one class with equal parameters share one result: asking again returns the
        same objects, so whatever is derived from the circuit can be cached on its identity.

        Parameters
        ----------
        size : int
            As for :meth:`build`.

        Returns
        -------
        circuit : cirq.FrozenCircuit
            What :meth:`build` returns, frozen.
        symbols : tuple of sympy.Symbol
            What :meth:`symbols` returns.

        Raises
        ------
        ValueError
            If a parameter is not valid, or the circuit has symbols that :meth:`symbols` does
            not list.
        """
        # Here as well as in `build`: an invalid value may equal a valid one (2.0 == 2) and
        # would otherwise be let through by a cache hit.
        self._validate_params()
        size = operator.index(size)
        request = _Request((*_frozen(self), size), self, size)
        try:
            hash(request)
        except TypeError:  # a third party's parameter that can't be compared: don't cache
            return _compile.__wrapped__(request)
        return _compile(request)

    def _check_size(self, size: int, name: str) -> int:
        """Validate the parameters and the problem's size, the first step of every `build`."""
        self._validate_params()
        size = operator.index(size)
        if size < 1:
            raise ValueError(f"{name} must be at least 1 for {type(self).__name__}, got {size}.")
        return size


class Encoding(Template):
    """Template whose symbols receive the features of a row.

    A subclass has to write :meth:`build` only, with the symbols ``x_0``, ``x_1``, ... for the
    features. One whose symbols receive something else than the features themselves also writes
    :meth:`symbols` and :meth:`encode`; one whose qubits do not read one feature each,
    :meth:`n_inputs`.
    """

    @property
    def accepts(self) -> str:
        """Which rows the encoding takes: "numbers", "bits" or "directions".

        Any numbers, as by default; zeros and ones; or numbers of which only the direction counts,
        so that rows of zeros are refused. An attribute of the class will do.
        """
        return "numbers"

    @abstractmethod
    def build(self, n_features: int) -> cirq.Circuit:
        """Build the circuit that encodes one row.

        Parameters
        ----------
        n_features : int
            Number of features of a row.

        Returns
        -------
        circuit : cirq.Circuit
            Circuit with data symbols, on ``cirq.LineQubit.range(width(n_features))`` unless it
            has qubits of its own.
        """

    def symbols(self, n_features: int) -> tuple[sympy.Symbol, ...]:
        """Return the data symbols, in the order of the columns that :meth:`encode` returns.

        Parameters
        ----------
        n_features : int
            Number of features of a row.

        Returns
        -------
        symbols : tuple of sympy.Symbol
            By default ``x_0``, ``x_1``, ..., one for each feature.
        """
        return data_symbols(n_features)

    def n_inputs(self, n_qubits: int) -> int:
        """Return how many features fill a register.

        Estimators that learn what the encoding reads, by a linear map before the circuit, make
        so many numbers.

        Parameters
        ----------
        n_qubits : int
            Size of the register.

        Returns
        -------
        n_features : int
            By default `n_qubits`, one feature for each qubit. An encoding of fixed width
            returns its number of features, whatever the register.
        """
        return n_qubits

    def check(self, X: Any) -> np.ndarray:
        """Return the data as an array, or say what does not suit the encoding.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            The data.

        Returns
        -------
        ndarray of shape (n_samples, n_features), dtype float64
            Not copied when it needs no conversion.

        Raises
        ------
        ValueError
            If `X` is not a two-dimensional array of finite numbers.
        """
        # Estimators have validated their data already; the full check is for everybody else.
        if _is_finite_matrix(X):
            return X
        return check_array(X, dtype=np.float64, ensure_min_samples=0, input_name="X")

    def encode(self, X: Any) -> np.ndarray:
        """Return the values that the symbols receive, for each row.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            The data.

        Returns
        -------
        values : ndarray of shape (n_samples, n_symbols), dtype float64
            By default the data itself (not copied when it needs no conversion).

        Raises
        ------
        ValueError
            As :meth:`check`.
        """
        return self.check(X)

    def states(self, X: Any) -> np.ndarray | None:
        """Return the states that the circuit prepares, where a formula is quicker than a run.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            The data.

        Returns
        -------
        ndarray of shape (n_samples, 2**n_qubits), or None
            One state for each row, up to a phase. None, as by default: run the circuit.

        Raises
        ------
        ValueError
            As :meth:`encode`.
        """
        return None

    def bloch_vectors(self, n_features: int) -> BlochVectors | None:
        """Return the Bloch vectors of the qubits, where the state is a product of theirs.

        Parameters
        ----------
        n_features : int
            Number of features of a row.

        Returns
        -------
        BlochVectors or None
            Functions of the features. None, as by default: run the circuit.
        """
        return None

    def fitted(
        self, X: np.ndarray, weight: np.ndarray | None = None, n_together: int | None = None
    ) -> "Encoding":
        """Return the encoding with everything settled that depends on the training rows.

        Estimators ask for it in `fit`, and keep what it returns.

        Parameters
        ----------
        X : ndarray of shape (n_samples, n_features)
            Training rows.
        weight : ndarray of shape (n_samples,), default=None
            How often each row counts; None means once.
        n_together : int, default=None
            How many features' differences add up in what is computed from a state; None means
            all that are loaded into it.

        Returns
        -------
        Encoding
            By default the encoding itself.
        """
        return self

    @property
    def block(self) -> "Encoding":
        """The encoding of one block of features: by default the encoding itself."""
        return self

    def blocks(self, n_features: int) -> np.ndarray:
        """Return which features each block holds: by default there is one, of all features.

        Parameters
        ----------
        n_features : int
            Number of features of a row.

        Returns
        -------
        index : ndarray of int, shape (n_blocks, n_features of a block)
            Columns of the data.
        """
        return np.arange(n_features)[None]

    def encode_vjp(self, X: np.ndarray, gradient: np.ndarray) -> np.ndarray:
        """Return the gradient for the rows from the one for what the symbols receive.

        Parameters
        ----------
        X : ndarray of shape (n_samples, n_features)
            The data.
        gradient : ndarray of shape (n_samples, n_symbols)
            Derivatives of a loss with respect to what :meth:`encode` returns.

        Returns
        -------
        ndarray of shape (n_samples, n_features)
            Derivatives of the loss with respect to `X`.

        Raises
        ------
        NotImplementedError
            If the class changes :meth:`encode` without saying how that differentiates.
        """
        if type(self).encode is not Encoding.encode:
            raise NotImplementedError(
                f"{type(self).__name__} overrides encode; it needs an encode_vjp as well before "
                "gradients can reach the features."
            )
        return gradient


def _is_finite_matrix(X: Any) -> bool:
    is_matrix = type(X) is np.ndarray and X.dtype == np.float64 and X.ndim == 2 and X.shape[1] > 0
    return is_matrix and bool(np.isfinite(X).all())


def data_symbols(n_features: int) -> tuple[sympy.Symbol, ...]:
    """Return the symbols ``x_0``, ..., one for each feature."""
    return tuple(sympy.Symbol(f"x_{i}") for i in range(n_features))


def natural_symbols(circuit: cirq.AbstractCircuit) -> tuple[sympy.Symbol, ...]:
    """Return the symbols of a circuit, with the numbers in their names in numeric order."""
    return tuple(sorted(symbols_of(circuit), key=lambda symbol: _natural_key(symbol.name)))


def _natural_key(name: str) -> tuple[list[tuple[int, str]], str]:
    parts = re.findall(r"\d+|\D+", name)
    return [(int(p), "") if p.isdecimal() else (-1, p) for p in parts], name


@dataclass(frozen=True)
class _Request:
    """Argument of the compile cache: compared by value, carrying what is needed to build."""

    key: tuple[Any, ...]
    template: Template = field(compare=False)
    size: int = field(compare=False)


@lru_cache(maxsize=256)
def _compile(request: _Request) -> tuple[cirq.FrozenCircuit, tuple[sympy.Symbol, ...]]:
    template, size = request.template, request.size
    circuit, symbols = template.build(size).freeze(), template.symbols(size)
    unbound = names_of(symbols_of(circuit) - set(symbols))
    if unbound:
        raise ValueError(
            f"{type(template).__name__} built a circuit with symbols that receive no value: "
            f"{', '.join(sorted(unbound, key=_natural_key))}. Its symbols() must list them all."
        )
    return circuit, symbols


def _frozen(value: Any) -> Any:
    """Return a hashable stand-in that compares like the parameter's value."""
    if isinstance(value, BaseEstimator):
        params = value.get_params(deep=False).items()
        return type(value), tuple((name, _frozen(v)) for name, v in params)
    if isinstance(value, cirq.AbstractCircuit):
        return value.freeze()
    if isinstance(value, np.ndarray):
        return value.dtype.str, value.shape, tuple(_frozen(v) for v in value.ravel().tolist())
    if isinstance(value, list | tuple):
        return type(value), tuple(_frozen(v) for v in value)
    if isinstance(value, dict):
        return tuple((name, _frozen(v)) for name, v in value.items())
    return value
