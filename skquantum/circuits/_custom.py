"""The user's own circuit as an encoding."""

from collections.abc import Sequence
from typing import Any, ClassVar

import cirq
import sympy

from skquantum.circuits._base import Encoding, natural_symbols


class CircuitEncoding(Encoding):
    """The user's own Cirq circuit as an encoding.

    Its symbols receive the features of a row, as they are; expressions of the symbols
    (``2 * x``, ``x * y``) belong in the circuit.

    Parameters
    ----------
    circuit : cirq.Circuit or cirq.FrozenCircuit
        Circuit without measurements, of any gates and on any qubits. The qubits are
        renamed to ``cirq.LineQubit.range(n_qubits)`` in their sorted order.
    data_symbols : sequence of str or sympy.Symbol, or None, default=None
        Which symbol receives which feature: the first symbol gets the first column. None
        means all symbols of the circuit in natural order, ``x2`` before ``x10``.

    Examples
    --------
    >>> import cirq
    >>> import sympy
    >>> from skquantum.circuits import CircuitEncoding
    >>> a, b = cirq.LineQubit.range(2)
    >>> x, y = sympy.symbols("x y")
    >>> circuit = cirq.Circuit(cirq.H(a), cirq.X(b) ** x, cirq.CZ(a, b) ** (x * y))
    >>> CircuitEncoding(circuit).symbols(2)
    (x, y)
    >>> CircuitEncoding(circuit, data_symbols=["y", "x"]).symbols(2)
    (y, x)
    """

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        "circuit": [cirq.AbstractCircuit],
        "data_symbols": ["array-like", None],
    }

    def __init__(
        self,
        circuit: cirq.AbstractCircuit,
        data_symbols: Sequence[str | sympy.Symbol] | None = None,
    ) -> None:
        self.circuit = circuit
        self.data_symbols = data_symbols

    def build(self, n_features: int) -> cirq.Circuit:
        """Build the circuit that encodes one row.

        Parameters
        ----------
        n_features : int
            Number of features of a row: the number of data symbols.

        Returns
        -------
        circuit : cirq.Circuit
            The circuit on ``cirq.LineQubit.range(n_qubits)``.

        Raises
        ------
        ValueError
            If the circuit can't serve as an encoding: it has measurements, no symbols,
            symbols that are not data, or symbols with assumptions; or if
            `data_symbols` has repeated or unknown symbols, or is not `n_features` long.
        """
        self.symbols(n_features)
        _refuse_unusable(self.circuit)
        qubits = sorted(self.circuit.all_qubits())
        line = cirq.LineQubit.range(len(qubits))
        return self.circuit.unfreeze().transform_qubits(dict(zip(qubits, line, strict=True)))

    def symbols(self, n_features: int) -> tuple[sympy.Symbol, ...]:
        """Return the data symbols, in the order of the features.

        Parameters
        ----------
        n_features : int
            Number of features of a row.

        Returns
        -------
        symbols : tuple of sympy.Symbol
            `data_symbols`, or all symbols in natural order when that is None.
        """
        n_features = self._check_size(n_features, "n_features")
        found = natural_symbols(self.circuit)
        if self.data_symbols is None:
            symbols = found
        else:
            symbols = tuple(sympy.Symbol(str(symbol)) for symbol in self.data_symbols)
            _check_choice(symbols, found)
        if not symbols:
            raise ValueError(
                "The circuit of CircuitEncoding has no symbols to receive data. Put sympy "
                "symbols where the features belong, for instance cirq.rx(sympy.Symbol('x'))."
            )
        if len(symbols) != n_features:
            raise ValueError(
                f"CircuitEncoding has {len(symbols)} data symbols ({_names(symbols)}), but the "
                f"data has {n_features} features. It needs one symbol for each feature."
            )
        return symbols


def _check_choice(symbols: tuple[sympy.Symbol, ...], found: tuple[sympy.Symbol, ...]) -> None:
    absent = [symbol for symbol in symbols if symbol not in found]
    if absent:
        raise ValueError(
            f"data_symbols of CircuitEncoding names {_names(absent)}, which the circuit does not "
            f"have. Its symbols are: {_names(found) or 'none'}."
        )
    if len(set(symbols)) < len(symbols):
        raise ValueError(
            f"data_symbols of CircuitEncoding names a symbol twice: {_names(symbols)}. Use one "
            "symbol for each feature, as often as needed in the circuit."
        )
    unbound = [symbol for symbol in found if symbol not in symbols]
    if unbound:
        raise ValueError(
            f"The circuit of CircuitEncoding has unbound symbols: {_names(unbound)}. Name them "
            "in data_symbols, or give them values with cirq.resolve_parameters first."
        )


def _refuse_unusable(circuit: cirq.AbstractCircuit) -> None:
    if circuit.has_measurements():
        where = "at the end" if circuit.are_all_measurements_terminal() else "in the middle"
        raise ValueError(
            f"The circuit of CircuitEncoding has measurements {where} (keys "
            f"{', '.join(sorted(circuit.all_measurement_key_names()))}), but an encoding prepares "
            "a state. Remove them, for instance with cirq.drop_terminal_measurements or by "
            "deferring them."
        )
    # Cirq finds symbols by name, and inside formulas misses those with assumptions.
    names = cirq.parameter_names(circuit)
    bound = cirq.resolve_parameters(circuit, {name: sympy.Symbol(f"{name}'") for name in names})
    missed = sorted(names & cirq.parameter_names(bound))
    if missed:
        raise ValueError(
            f"Cirq can't give values to the symbols {', '.join(missed)} of CircuitEncoding's "
            "circuit because they were made with assumptions such as real=True. Make them with "
            "a name alone, sympy.Symbol('x')."
        )


def _names(symbols: Sequence[sympy.Symbol]) -> str:
    return ", ".join(symbol.name for symbol in symbols)
