"""The user's own circuit as an encoding or an ansatz."""

from collections.abc import Sequence
from typing import Any, ClassVar

import cirq
import sympy

from skquantum._symbols import names_of, symbols_of
from skquantum.circuits._ansatz import Ansatz
from skquantum.circuits._base import Encoding, natural_symbols


class CircuitEncoding(Encoding):
    """The user's own Cirq circuit as an encoding.

    Its symbols receive the features of a row, as they are; expressions of the symbols
    (``2 * x``, ``x * y``) belong in the circuit. What can't serve as an encoding is refused when
    it is used: a circuit with measurements, without symbols, or with symbols that are not data or
    have assumptions, and rows with another number of features than there are data symbols.

    Parameters
    ----------
    circuit : cirq.Circuit or cirq.FrozenCircuit
        Circuit without measurements, of any gates and on any qubits, which stay as they are. An
        ansatz after it is placed on them, in their sorted order.
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
    has_own_qubits: ClassVar[bool] = True

    def __init__(
        self,
        circuit: cirq.AbstractCircuit,
        data_symbols: Sequence[str | sympy.Symbol] | None = None,
    ) -> None:
        self.circuit = circuit
        self.data_symbols = data_symbols

    def build(self, n_features: int) -> cirq.Circuit:
        self.symbols(n_features)
        return _usable(self.circuit, "CircuitEncoding", "an encoding prepares a state")

    def symbols(self, n_features: int) -> tuple[sympy.Symbol, ...]:
        n_features = self._check_size(n_features, "n_features")
        symbols = _select(
            self.circuit, self.data_symbols, "CircuitEncoding", "data_symbols", "feature"
        )
        if len(symbols) != n_features:
            raise ValueError(
                f"CircuitEncoding has {len(symbols)} data symbols ({_names(symbols)}), but the "
                f"data has {n_features} features. It needs one symbol for each feature."
            )
        return symbols

    def n_inputs(self, n_qubits: int) -> int:
        """Return the number of data symbols, see :meth:`Encoding.n_inputs`."""
        return len(symbols_of(self.circuit)) or 1  # `build` says what is wrong with none


class CircuitAnsatz(Ansatz):
    """The user's own Cirq circuit as an ansatz of one layer.

    Its symbols receive the weights, as they are, and keep their names; expressions of the
    symbols (``w / pi``, ``v * w``) belong in the circuit. What can't serve as an ansatz is refused
    when it is used: a circuit with measurements, without symbols, or with symbols that are not
    weights or have assumptions, and a register of another size than the circuit's.

    Parameters
    ----------
    circuit : cirq.Circuit or cirq.FrozenCircuit
        Circuit without measurements, of any gates and on any qubits. After a
        :class:`CircuitEncoding` it is placed on that one's qubits, in sorted order; after other
        encodings its qubits stay, and the encoding is placed on them.
    weight_symbols : sequence of str or sympy.Symbol, or None, default=None
        Which symbol receives which weight: the first symbol gets the first weight. None
        means all symbols of the circuit in natural order, ``w2`` before ``w10``.

    Examples
    --------
    >>> import cirq
    >>> import sympy
    >>> from skquantum.circuits import CircuitAnsatz
    >>> a, b = cirq.LineQubit.range(2)
    >>> v, w = sympy.symbols("v w")
    >>> circuit = cirq.Circuit(cirq.ry(v)(a), cirq.ry(w)(b), cirq.ISWAP(a, b) ** (v * w))
    >>> CircuitAnsatz(circuit).symbols(2)
    (v, w)
    >>> CircuitAnsatz(circuit, weight_symbols=["w", "v"]).symbols(2)
    (w, v)
    """

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        "circuit": [cirq.AbstractCircuit],
        "weight_symbols": ["array-like", None],
    }
    has_own_qubits: ClassVar[bool] = True

    def __init__(
        self,
        circuit: cirq.AbstractCircuit,
        weight_symbols: Sequence[str | sympy.Symbol] | None = None,
    ) -> None:
        self.circuit = circuit
        self.weight_symbols = weight_symbols

    def layers(self, n_qubits: int) -> list[cirq.Circuit]:
        self.symbols(n_qubits)
        return [_usable(self.circuit, "CircuitAnsatz", "an ansatz only transforms a state")]

    def symbols(self, n_qubits: int) -> tuple[sympy.Symbol, ...]:
        n_qubits = self._check_size(n_qubits, "n_qubits")
        symbols = _select(
            self.circuit, self.weight_symbols, "CircuitAnsatz", "weight_symbols", "weight"
        )
        qubits = sorted(self.circuit.all_qubits())
        if len(qubits) != n_qubits:
            raise ValueError(
                f"The circuit of CircuitAnsatz acts on {len(qubits)} qubits "
                f"({', '.join(map(str, qubits))}), but n_qubits is {n_qubits}. It has to act on "
                "as many qubits as it is built for."
            )
        return symbols


def _select(
    circuit: cirq.AbstractCircuit,
    chosen: Sequence[str | sympy.Symbol] | None,
    owner: str,
    param: str,
    item: str,
) -> tuple[sympy.Symbol, ...]:
    """Return the chosen symbols of a circuit, or all in natural order."""
    found = natural_symbols(circuit)
    symbols = found
    if chosen is not None:
        symbols = tuple(sympy.Symbol(str(symbol)) for symbol in chosen)
        _check_choice(symbols, found, owner, param, item)
    if not symbols:
        raise ValueError(
            f"The circuit of {owner} has no symbols to receive {item}s. Put sympy symbols where "
            f"the {item}s belong, for instance cirq.rx(sympy.Symbol('x'))."
        )
    return symbols


def _check_choice(
    symbols: tuple[sympy.Symbol, ...],
    found: tuple[sympy.Symbol, ...],
    owner: str,
    param: str,
    item: str,
) -> None:
    absent = [symbol for symbol in symbols if symbol not in found]
    if absent:
        raise ValueError(
            f"{param} of {owner} names {_names(absent)}, which the circuit does not "
            f"have. Its symbols are: {_names(found) or 'none'}."
        )
    if len(set(symbols)) < len(symbols):
        raise ValueError(
            f"{param} of {owner} names a symbol twice: {_names(symbols)}. Use one "
            f"symbol for each {item}, as often as needed in the circuit."
        )
    unbound = [symbol for symbol in found if symbol not in symbols]
    if unbound:
        raise ValueError(
            f"The circuit of {owner} has unbound symbols: {_names(unbound)}. Name them "
            f"in {param}, or give them values with cirq.resolve_parameters first."
        )


def _usable(circuit: cirq.AbstractCircuit, owner: str, purpose: str) -> cirq.Circuit:
    """Return the circuit, or say why it can't serve."""
    if circuit.has_measurements():
        where = "at the end" if circuit.are_all_measurements_terminal() else "in the middle"
        raise ValueError(
            f"The circuit of {owner} has measurements {where} (keys "
            f"{', '.join(sorted(circuit.all_measurement_key_names()))}), but {purpose}. Remove "
            "them, for instance with cirq.drop_terminal_measurements or by deferring them."
        )
    assumed = names_of(s for s in symbols_of(circuit) if s != sympy.Symbol(s.name))
    if assumed:
        raise ValueError(
            f"Cirq can't give values to the symbols {', '.join(assumed)} of {owner}'s "
            "circuit because they were made with assumptions such as real=True. Make them with "
            "a name alone, sympy.Symbol('x')."
        )
    return circuit.unfreeze(copy=True)


def _names(symbols: Sequence[sympy.Symbol]) -> str:
    return ", ".join(symbol.name for symbol in symbols)
