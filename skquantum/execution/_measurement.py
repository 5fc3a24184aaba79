"""From observables and overlaps to circuits that end in a measurement, and back from counts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache

import cirq
import numpy as np
import sympy

from skquantum._symbols import resolve, symbols_of

# Rotations that take a Pauli's eigenvectors to those of Z.
_TO_Z = {"X": cirq.Y**-0.5, "Y": cirq.X**0.5}


@dataclass(frozen=True, eq=False)
class MeasurementSetting:
    """One way to measure all qubits, and the Pauli strings whose values it gives.

    Attributes
    ----------
    qubits : tuple of cirq.Qid
        All qubits of the circuit, in its order; the first is the most significant bit.
    basis : dict of cirq.Qid to {"X", "Y", "Z"}
        The Pauli that is measured on each qubit that matters; others are measured in Z.
    terms : tuple of (int, float, tuple of int)
        For each Pauli string the observable that it belongs to, its coefficient, and the
        positions of its qubits.
    n_observables : int
        Number of all observables, also those without a term here.
    """

    qubits: tuple[cirq.Qid, ...]
    basis: dict[cirq.Qid, str]
    terms: tuple[tuple[int, float, tuple[int, ...]], ...]
    n_observables: int

    def rotations(self) -> list[cirq.Operation]:
        """Return the operations that come before a measurement of all qubits in Z."""
        return [_TO_Z[self.basis[q]](q) for q in self.qubits if self.basis.get(q) in _TO_Z]

    def values(self, bits: np.ndarray, counts: np.ndarray | None = None) -> np.ndarray:
        """Return what the terms contribute to the expectation values, from measured bits.

        Parameters
        ----------
        bits : ndarray of int, shape (..., n_outcomes, n_qubits)
            Outcomes, qubits in the order of `qubits`.
        counts : ndarray, shape (..., n_outcomes), default=None
            How often each outcome was seen; None means once.

        Returns
        -------
        ndarray of float64, shape (..., n_observables)
            Means over the outcomes, without the observables' constants (`offsets`).
        """
        bits = np.asarray(bits)
        weights = np.ones(bits.shape[:-1]) if counts is None else np.asarray(counts, dtype=float)
        weights = weights / weights.sum(axis=-1, keepdims=True)
        out = np.zeros((*bits.shape[:-2], self.n_observables))
        for observable, coefficient, where in self.terms:
            signs = 1.0 - 2.0 * (bits[..., where].sum(axis=-1) % 2)  # bits may be unsigned
            out[..., observable] += coefficient * (signs * weights).sum(axis=-1)
        return out

    @cached_property
    def table(self) -> np.ndarray:
        """Value of the terms for each basis state, shape (2 ** n_qubits, n_observables)."""
        n = len(self.qubits)
        states = np.arange(2**n)
        out = np.zeros((2**n, self.n_observables))
        for observable, coefficient, where in self.terms:
            parity = np.zeros(2**n, dtype=int)
            for k in where:
                parity ^= states >> (n - 1 - k) & 1
            out[:, observable] += coefficient * (1 - 2 * parity)
        return out


def measurement_settings(
    observables: Sequence[cirq.PauliSum], qubits: Sequence[cirq.Qid]
) -> list[MeasurementSetting]:
    """Group the Pauli strings of all observables into settings that measure them together.

    Strings that agree on every qubit that they share (they *commute qubit-wise*) are measured
    by one circuit. Long strings come first, each into the first setting that it agrees with;
    that is not always the fewest settings, which are NP-hard to find [1]_.

    Parameters
    ----------
    observables : sequence of cirq.PauliSum
        Hermitian observables on the qubits.
    qubits : sequence of cirq.Qid
        All qubits of the circuit, in its order.

    Returns
    -------
    list of MeasurementSetting
        Empty if all observables are constants, which `offsets` gives.

    References
    ----------
    .. [1] V. Verteletskyi et al., "Measurement optimization in the variational quantum
       eigensolver using a minimum clique cover", Journal of Chemical Physics 152, 124114
       (2020), https://arxiv.org/abs/1907.03358

    Examples
    --------
    >>> import cirq
    >>> from skquantum.execution import measurement_settings
    >>> a, b = cirq.LineQubit.range(2)
    >>> sums = [cirq.PauliSum.wrap(cirq.Z(a)), cirq.X(a) * cirq.X(b) + cirq.Z(a) * cirq.Z(b)]
    >>> for setting in measurement_settings(sums, [a, b]):
    ...     print({str(qubit): pauli for qubit, pauli in setting.basis.items()})
    {'q(0)': 'X', 'q(1)': 'X'}
    {'q(0)': 'Z', 'q(1)': 'Z'}
    """
    position = {q: i for i, q in enumerate(qubits)}
    # A sum keeps its strings as sets, whose order changes from one process to the next.
    strings = [
        (row, float(string.coefficient.real), {q: str(string[q]) for q in qubits if q in string})
        for row, total in enumerate(observables)
        for string in total
        if len(string)
    ]
    bases: list[dict[cirq.Qid, str]] = []
    terms: list[list[tuple[int, float, tuple[int, ...]]]] = []
    for row, coefficient, paulis in sorted(strings, key=lambda s: -len(s[2])):
        for place, basis in enumerate(bases):  # noqa: B007
            if all(basis.get(q, pauli) == pauli for q, pauli in paulis.items()):
                break
        else:
            place = len(bases)
            bases.append({})
            terms.append([])
        bases[place].update(paulis)
        terms[place].append((row, coefficient, tuple(position[q] for q in paulis)))
    return [
        MeasurementSetting(
            tuple(qubits),
            {q: basis[q] for q in qubits if q in basis},
            tuple(group),
            len(observables),
        )
        for basis, group in zip(bases, terms, strict=True)
    ]


def offsets(observables: Sequence[cirq.PauliSum]) -> np.ndarray:
    """Return the constant part of each observable, which needs no measurement.

    Parameters
    ----------
    observables : sequence of cirq.PauliSum

    Returns
    -------
    ndarray of float64, shape (n_observables,)
    """
    return np.array(
        [sum(s.coefficient.real for s in total if not len(s)) for total in observables], float
    )


@lru_cache(maxsize=32)
def compute_uncompute(
    circuit: cirq.FrozenCircuit, symbols: tuple[sympy.Symbol, ...]
) -> tuple[cirq.FrozenCircuit, tuple[sympy.Symbol, ...], tuple[sympy.Symbol, ...]]:
    """Return the circuit whose all-zeros probability is the fidelity of two states.

    It prepares the state for one row and undoes the preparation for another, ``U(y)^-1 U(x)``
    [1]_.

    Parameters
    ----------
    circuit : cirq.FrozenCircuit
        A circuit U of unitary gates.
    symbols : tuple of sympy.Symbol
        Its symbols.

    Returns
    -------
    both : cirq.FrozenCircuit
        On the same qubits.
    left, right : tuple of sympy.Symbol
        The symbols for x, which are `symbols`, and those for y.

    Raises
    ------
    ValueError
        If the circuit has no inverse.

    References
    ----------
    .. [1] V. Havlicek et al., "Supervised learning with quantum-enhanced feature spaces",
       Nature 567, 209 (2019), https://arxiv.org/abs/1804.11326
    """
    taken = {s.name for s in (*symbols, *symbols_of(circuit))}
    suffix = "_right"
    while any(name + suffix in taken for name in taken):
        suffix += "_"
    right = tuple(sympy.Symbol(s.name + suffix) for s in symbols)
    try:
        undone = circuit**-1
    except TypeError as error:
        raise ValueError(
            f"The circuit has no inverse, which overlaps by measurement need: {error}"
        ) from error
    inverse = resolve(undone, dict(zip(symbols, right, strict=True)))
    return cirq.FrozenCircuit(*circuit.moments, *inverse.moments), tuple(symbols), right
