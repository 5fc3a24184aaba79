"""On which qubits an encoding and an ansatz meet: the user's own stay, others follow."""

from collections.abc import Sequence

import cirq
import sympy

from skquantum.circuits._ansatz import Ansatz
from skquantum.circuits._base import Encoding


def ansatz_qubits(ansatz: Ansatz, n_qubits: int) -> list[cirq.Qid]:
    """Return the qubits that the circuit of an ansatz is written for.

    Parameters
    ----------
    ansatz : Ansatz
    n_qubits : int
        The number of them.

    Returns
    -------
    list of cirq.Qid
        ``cirq.LineQubit.range(n_qubits)`` where it uses no others, else those that it uses.

    Raises
    ------
    ValueError
        If it uses others, and not `n_qubits` of them.
    """
    line: list[cirq.Qid] = [*cirq.LineQubit.range(n_qubits)]
    used = ansatz.compiled(n_qubits)[0].all_qubits()
    if used <= set(line):
        return line
    if len(used) != n_qubits:
        raise ValueError(
            f"{type(ansatz).__name__} acts on {len(used)} qubits "
            f"({', '.join(map(str, sorted(used)))}), but n_qubits is {n_qubits}. It has to act on "
            "as many, or on cirq.LineQubits from 0 on."
        )
    return sorted(used)


def register(encoding: Encoding, ansatz: Ansatz, n_features: int) -> list[cirq.Qid]:
    """Return the qubits of the whole circuit, sorted: those of the encoding.

    Only where those are a line that stands for any qubits, and the ansatz has the user's own, are
    they those of the ansatz.

    Parameters
    ----------
    encoding : Encoding
    ansatz : Ansatz
    n_features : int

    Returns
    -------
    list of cirq.Qid
    """
    qubits = sorted(encoding.compiled(n_features)[0].all_qubits())
    nobodys = not encoding.has_own_qubits and qubits == cirq.LineQubit.range(len(qubits))
    if nobodys and ansatz.has_own_qubits:
        return ansatz_qubits(ansatz, len(qubits))
    return qubits


def placed(
    circuit: cirq.AbstractCircuit, qubits: Sequence[cirq.Qid], places: Sequence[cirq.Qid]
) -> cirq.Circuit:
    """Return the circuit with its qubits renamed, the first one to the first place and so on."""
    return circuit.unfreeze().transform_qubits(dict(zip(qubits, places, strict=True)))


def on_the_line(
    ansatz: Ansatz, n_qubits: int
) -> tuple[cirq.FrozenCircuit, tuple[sympy.Symbol, ...]]:
    """Return the circuit of an ansatz on ``cirq.LineQubit.range(n_qubits)``, and its symbols."""
    circuit, symbols = ansatz.compiled(n_qubits)
    line = cirq.LineQubit.range(n_qubits)
    return placed(circuit, ansatz_qubits(ansatz, n_qubits), line).freeze(), symbols
