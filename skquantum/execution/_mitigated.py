"""Error mitigation as a backend around a backend: readout correction and zero-noise values."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import product
from typing import Any, ClassVar

import cirq
import numpy as np
import sympy
from sklearn.base import clone
from sklearn.utils._param_validation import StrOptions

from skquantum._records import Facts, running
from skquantum._symbols import symbols_of
from skquantum._validation import shown, validate_description
from skquantum.execution._around import BackendAround
from skquantum.execution._backend import Backend
from skquantum.execution._device.marks import instead, marked, run_marks
from skquantum.execution._evaluation import Evaluator, Pullback
from skquantum.execution._measurement import compute_uncompute, offsets

EXTRAPOLATIONS = ("linear", "richardson", "exponential")
# The least share of a signal that is taken to survive the noise of the circuit as it is. Where
# less is left there is nothing to extrapolate, and a decay to be fitted is one of chance.
LEAST_SIGNAL = 1 / 3
# A Pauli string on w qubits is corrected by 2 ** w strings.
MAX_STRING = 12

Rates = Mapping[cirq.Qid, tuple[float, float]]


class MitigatedBackend(BackendAround):
    r"""Mitigate the errors of another backend; pipelines do not change.

    *Readout correction.* The probabilities :math:`p_0` and :math:`p_1` with which a qubit in
    :math:`|0\rangle` and in :math:`|1\rangle` is read wrongly turn its measured Z into
    :math:`\alpha Z + \beta`, with :math:`\alpha = 1 - p_0 - p_1` and :math:`\beta = p_1 - p_0`.
    So each Pauli P of an observable is replaced by :math:`(P - \beta) / \alpha` and the product
    multiplied out: the inverse of the qubits' confusion matrices, written for observables [1]_.
    It assumes that qubits are misread independently of one another. Kernel entries are the
    expectation values of the projector on all zeros after ``U(y)^-1 U(x)``.

    *Zero-noise extrapolation.* Each moment M of the circuit is also run as
    :math:`M (M^{-1} M)^k`, which does the same and is as noisy as a circuit of :math:`1 + 2k`
    times the length; values measured at several such factors are extrapolated to zero [2]_ [3]_.
    For a device these are moments of the compiled circuit, swaps included. Errors that are small
    rotations, always the same, add up in another way than random ones, and are not all undone.

    Parameters
    ----------
    backend : Backend
        What runs the circuits, noise and all.
    readout : bool or dict, default=True
        Whether readout errors are corrected. True measures them before each batch of circuits
        (once for each fit of a variational model), by two circuits. A dict of qubit to
        (p_0, p_1), as `calibrate` returns it, is used as it is.
    zne : sequence of int or None, default=(1, 3, 5)
        Factors of the noise, odd numbers in ascending order; None for no extrapolation. Each
        costs as many circuits again.
    extrapolation : {"linear", "richardson", "exponential"}, default="linear"
        A straight line; or the polynomial through all points, with less bias and more scatter
        from shots. They are not confined to what a state can have: a fidelity may come out above
        one, or below zero. Or an exponential that decays to the value of the fully mixed state,
        fitted to logarithms, which is the best where noise is depolarising and strong. Its rate
        is bounded, and it is confined, since values close to the mixed state's do not tell how
        they decay.

    Notes
    -----
    There are no states here. Gradients are those of the inner backend, at each factor of the
    noise, with the chain rule through the extrapolation; by the parameter-shift rule each of a
    gate's repetitions is shifted for itself, so that nine times as many circuits are run with
    the default factors. Kernel entries with ``readout=False`` are the inner backend's own
    overlaps.

    The package `mitiq` has more methods. Its version 1.1 needs ``cirq-core<1.7`` and
    ``numpy<2.3``, so it can't be installed next to current releases of those.

    References
    ----------
    .. [1] S. Bravyi et al., "Mitigating measurement errors in multiqubit experiments", Physical
       Review A 103, 042605 (2021), https://arxiv.org/abs/2006.14044
    .. [2] K. Temme, S. Bravyi and J. M. Gambetta, "Error mitigation for short-depth quantum
       circuits", Physical Review Letters 119, 180509 (2017), https://arxiv.org/abs/1612.02058
    .. [3] T. Giurgica-Tiron et al., "Digital zero noise extrapolation for quantum error
       mitigation", IEEE QCE (2020), https://arxiv.org/abs/2005.10921

    Examples
    --------
    >>> import cirq, numpy as np
    >>> from skquantum.execution import MitigatedBackend, QsimBackend
    >>> a, b = cirq.LineQubit.range(2)
    >>> circuit = cirq.Circuit(cirq.H(a), [cirq.CX(a, b)] * 5)
    >>> noisy = QsimBackend(noise=0.01)
    >>> backends = [QsimBackend(), noisy, MitigatedBackend(noisy, extrapolation="exponential")]
    >>> exact, with_noise, mitigated = (
    ...     backend.expectations(circuit, [], np.empty((1, 0)), [cirq.X(a) * cirq.X(b)])[0, 0]
    ...     for backend in backends
    ... )
    >>> print(f"{exact:.2f}, with noise {with_noise:.2f}, mitigated {mitigated:.2f}")
    1.00, with noise 0.89, mitigated 1.00
    """

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        "readout": [bool, Mapping],
        "zne": ["array-like", None],
        "extrapolation": [StrOptions(set(EXTRAPOLATIONS))],
    }

    def __init__(
        self,
        backend: Backend,
        readout: bool | Rates = True,
        zne: Sequence[int] | None = (1, 3, 5),
        extrapolation: str = "linear",
    ) -> None:
        self.backend = backend
        self.readout = readout
        self.zne = zne
        self.extrapolation = extrapolation

    def calibrate(self, circuit: cirq.AbstractCircuit) -> dict[cirq.Qid, tuple[float, float]]:
        """Measure how often each qubit of a circuit is read wrongly.

        Parameters
        ----------
        circuit : cirq.Circuit or cirq.FrozenCircuit
            Its qubits are prepared in 0, then in 1, at the places of a device where the circuit
            would run. An error of the gate that prepares 1 counts as one of the readout.

        Returns
        -------
        dict of cirq.Qid to (float, float)
            Probabilities of reading 1 for 0, and 0 for 1. `readout` takes it.

        Raises
        ------
        ValueError
            If a qubit's readout says nothing of its state.
        """
        symbols = sorted(symbols_of(circuit), key=str)
        frozen = self._checked_circuit(circuit, tuple(symbols))
        qubits = sorted(frozen.all_qubits())
        # The circuit is left out, but where it ends is where the qubits are read.
        flip = sympy.Symbol("flip_" + "_".join(map(str, symbols)))
        flips = self._to_inner(instead(frozen, (cirq.X**flip).on_each(*qubits)))
        known = {symbol: i for i, symbol in enumerate([*symbols, flip])}
        used = sorted(symbols_of(flips), key=known.__getitem__)
        values = np.zeros((2, len(used)))
        values[1, -1] = 1.0
        zero, one = self._inner().expectations(flips, used, values, [cirq.Z(q) for q in qubits])
        rates = {
            q: (float(1 - z) / 2, float(1 + o) / 2)
            for q, z, o in zip(qubits, zero, one, strict=True)
        }
        _check_rates(rates, qubits)
        return rates

    def circuits_of(
        self,
        circuit: cirq.AbstractCircuit,
        n_rows: int,
        observables: Sequence[cirq.PauliSum] | None = None,
        n_pairs: int | None = None,
    ) -> int:
        """Return how many circuits a job would run, see `Backend`: at each factor of the noise."""
        if n_pairs is not None and self.readout is not False:  # of one observable
            observables = [_projector(sorted(circuit.all_qubits()))]
            n_rows, n_pairs = n_pairs, None
        once = self._inner().circuits_of(circuit, n_rows, observables, n_pairs)
        return once * self._n_factors() + 2 * (self.readout is True)

    def _n_factors(self) -> int:
        return 1 if self.zne is None else len(self.zne)

    def check_budget(self, n_circuits: int) -> None:
        """Raise an error if a training must not cost so many circuits, see `Backend`.

        Every factor of the extrapolation runs all of them; the readout needs two more.
        """
        validate_description(self)
        self._inner().check_budget(n_circuits * self._n_factors() + 2 * (self.readout is True))

    def _evaluator(
        self,
        circuit: cirq.FrozenCircuit,
        data: tuple[sympy.Symbol, ...],
        weights: tuple[sympy.Symbol, ...],
        observables: list[cirq.PauliSum],
        gradient: str,
        random_state: Any,
    ) -> Evaluator:
        if gradient == "spsa":
            known = clone(self)
            if self.readout is True:  # measured once, here
                known.readout = self.calibrate(circuit)
            arguments = circuit, data, weights, observables, gradient, random_state
            return super(MitigatedBackend, known)._evaluator(*arguments)
        circuits, scales = self._folded(circuit)
        corrected = self._corrected(observables, circuit)
        inner = self._inner()
        parts = [inner.evaluator(c, data, weights, corrected, gradient) for c in circuits]
        return _ExtrapolatedEvaluator(
            parts,
            _Extrapolation.of_observables(self.extrapolation, scales, observables),
            inner.run_facts,
        )

    def _states(
        self, circuit: cirq.FrozenCircuit, symbols: tuple[sympy.Symbol, ...], values: np.ndarray
    ) -> np.ndarray:
        raise ValueError(
            "MitigatedBackend has no states, only expectation values and fidelities; use the "
            "backend that it wraps."
        )

    def _expectations(
        self,
        circuit: cirq.FrozenCircuit,
        symbols: tuple[sympy.Symbol, ...],
        values: np.ndarray,
        observables: list[cirq.PauliSum],
    ) -> np.ndarray:
        circuits, scales = self._folded(circuit)
        corrected = self._corrected(observables, circuit)
        inner = self._inner()
        measured = [inner.expectations(c, symbols, values, corrected) for c in circuits]
        return _Extrapolation.of_observables(self.extrapolation, scales, observables)(measured)[0]

    def _overlaps(
        self,
        circuit: cirq.FrozenCircuit,
        symbols: tuple[sympy.Symbol, ...],
        X: np.ndarray,
        Y: np.ndarray | None,
    ) -> np.ndarray:
        circuits, scales = self._folded(circuit)
        if self.readout is False:
            measured = [self._inner().overlaps(c, symbols, X, Y) for c in circuits]
        else:
            both, _, _ = compute_uncompute(circuit, symbols)
            (zeros,) = self._corrected([_projector(sorted(circuit.all_qubits()))], both)
            measured = [self._probabilities(c, symbols, X, Y, zeros) for c in circuits]
        mixed, low, high = (np.array(v) for v in (2.0 ** -cirq.num_qubits(circuit), 0.0, 1.0))
        return _Extrapolation(self.extrapolation, scales, mixed, low, high)(measured)[0]

    def _probabilities(
        self,
        circuit: cirq.FrozenCircuit,
        symbols: tuple[sympy.Symbol, ...],
        X: np.ndarray,
        Y: np.ndarray | None,
        observable: cirq.PauliSum,
    ) -> np.ndarray:
        """Return an observable after ``U(y)^-1 U(x)`` for all pairs of rows, each pair once."""
        both, left, right = compute_uncompute(circuit, symbols)
        n_rows, n_columns = len(X), len(X if Y is None else Y)
        self.check_matrix(n_rows, n_columns)
        if Y is None:
            i, j = np.triu_indices(n_rows)
        else:
            i, j = (where.ravel() for where in np.indices((n_rows, n_columns)))
        pairs = np.hstack([X[i], (X if Y is None else Y)[j]])
        found = self._inner().expectations(both, (*left, *right), pairs, [observable])[:, 0]
        matrix = np.empty((n_rows, n_columns))
        matrix[i, j] = found
        if Y is None:
            matrix[j, i] = found
        return matrix

    def _to_inner(self, circuit: cirq.FrozenCircuit) -> cirq.FrozenCircuit:
        """Return a circuit with marks as the inner backend takes it."""
        return circuit if self._inner().runs_marks else run_marks(circuit)

    def _folded(self, circuit: cirq.FrozenCircuit) -> tuple[list[cirq.FrozenCircuit], np.ndarray]:
        """Return the circuit at each factor of the noise, and the factors."""
        if self.zne is None:
            return [circuit], np.ones(1)
        try:
            factors = np.asarray(self.zne, dtype=float)
        except (TypeError, ValueError):
            factors = np.empty(0)  # no numbers
        if (
            factors.ndim != 1
            or len(factors) < 2
            or not ((factors >= 1) & (factors % 2 == 1)).all()
            or (np.diff(factors) <= 0).any()
        ):
            raise ValueError(
                f"zne={shown(self.zne)}: give at least two factors of the noise, odd numbers in "
                "ascending order, such as (1, 3, 5); or None for no extrapolation."
            )
        marks = (marked(circuit, int(f)) if f > 1 else circuit for f in factors)
        return [self._to_inner(c) for c in marks], factors

    def _corrected(
        self, observables: list[cirq.PauliSum], circuit: cirq.FrozenCircuit
    ) -> list[cirq.PauliSum]:
        """Return observables that have, misread, the expectation values of the given ones."""
        if self.readout is False:
            return observables
        rates = self.calibrate(circuit) if self.readout is True else self.readout
        _check_rates(rates, sorted(circuit.all_qubits()))
        return [_unread(observable, rates) for observable in observables]


class _Extrapolation:
    """From values at several factors of the noise to those at zero.

    Parameters
    ----------
    kind : {"linear", "richardson", "exponential"}
    scales : ndarray of shape (n_scales,)
        The factors.
    mixed : ndarray
        The values of the fully mixed state, to which exponentials decay.
    low, high : ndarray
        What values can be.
    """

    def __init__(
        self,
        kind: str,
        scales: np.ndarray,
        mixed: np.ndarray,
        low: np.ndarray,
        high: np.ndarray,
    ) -> None:
        self.is_exponential = kind == "exponential" and len(scales) > 1
        degree = len(scales) - 1 if kind == "richardson" else min(1, len(scales) - 1)
        # A fitted polynomial's value at zero is a sum of the values with these factors.
        self.factors = np.linalg.pinv(np.vander(scales, degree + 1, increasing=True))[0]
        self.scales, self.mixed, self.low, self.high = scales, mixed, low, high

    @classmethod
    def of_observables(
        cls, kind: str, scales: np.ndarray, observables: list[cirq.PauliSum]
    ) -> _Extrapolation:
        mixed = offsets(observables)
        reach = np.array([sum(abs(s.coefficient) for s in o if len(s)) for o in observables])
        return cls(kind, scales, mixed, mixed - reach, mixed + reach)

    def __call__(self, measured: list[np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
        """Return the values, and their derivatives by those at each factor, in the first axis."""
        values = np.stack(measured)
        line = np.tensordot(self.factors, values, axes=1)
        slopes = np.broadcast_to(self.factors.reshape(-1, *[1] * line.ndim), values.shape)
        if not self.is_exponential:
            return line, slopes
        return self._decay(values)

    def _decay(self, values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        above = values - self.mixed
        first = np.where(above[0] == 0, 1.0, above[0])
        ratios = np.where(above[0] == 0, 1.0, above / first)
        # A signal within reach of zero may cross it, or grow: no exponential does that.
        least = LEAST_SIGNAL ** (self.scales - self.scales[0]).reshape(-1, *[1] * first.ndim)
        free = (ratios > least) & (ratios < 1)
        ratios = np.clip(ratios, least, 1.0)
        # The factors sum to one, so this is the first signal times its growth down to zero noise.
        factors = self.factors.reshape(-1, *[1] * first.ndim)
        growth = np.exp((factors * np.log(ratios)).sum(axis=0))
        found = self.mixed + above[0] * growth
        inside = (found >= self.low) & (found <= self.high)
        slopes = np.where(free, factors * growth / ratios, 0.0)
        slopes[0] = growth * (1 - np.where(free, factors, 0.0)[1:].sum(axis=0))
        return np.clip(found, self.low, self.high), np.where(inside, slopes, 0.0)


class _ExtrapolatedEvaluator(Evaluator):
    """Extrapolated expectation values, with the chain rule through the extrapolation."""

    def __init__(
        self,
        parts: list[Evaluator],
        extrapolation: _Extrapolation,
        run_facts: Facts | None,
    ) -> None:
        self.parts, self.extrapolation, self.run_facts = parts, extrapolation, run_facts

    def forward(self, X: np.ndarray, weights: np.ndarray) -> np.ndarray:
        with running(self.run_facts, "expectations", len(X) * len(self.parts)):
            return self.extrapolation([part.forward(X, weights) for part in self.parts])[0]

    def forward_vjp(
        self, X: np.ndarray, weights: np.ndarray, *, data_gradient: bool = True
    ) -> tuple[np.ndarray, Pullback]:
        with running(self.run_facts, "gradients", len(X) * len(self.parts)):
            runs = [p.forward_vjp(X, weights, data_gradient=data_gradient) for p in self.parts]
        values, slopes = self.extrapolation([measured for measured, _ in runs])

        def pullback(cotangent: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
            with running(self.run_facts, "gradients", 0, jobs=0):
                gradients = [
                    back(cotangent * slope) for (_, back), slope in zip(runs, slopes, strict=True)
                ]
            return np.sum([g for g, _ in gradients], 0), np.sum([g for _, g in gradients], 0)

        return values, pullback

    def n_circuits(self, *, data_gradient: bool = True) -> int | None:
        """Return how many circuits the gradient of one row costs, at one factor of the noise.

        Their mean over the factors, since `MitigatedBackend.check_budget` counts each of them once
        for every factor. A folded circuit has as many gates to shift as it is longer.
        """
        counts = [part.n_circuits(data_gradient=data_gradient) for part in self.parts]
        known = [count for count in counts if count is not None]
        return -(-sum(known) // len(counts)) if len(known) == len(counts) else None


def _projector(qubits: Sequence[cirq.Qid]) -> cirq.PauliSum:
    """Return the projector on all zeros, the product of (1 + Z) / 2."""
    if len(qubits) > MAX_STRING:
        raise ValueError(
            f"readout=True on kernel entries of {len(qubits)} qubits would need 2 ** "
            f"{len(qubits)} Pauli strings; at most {MAX_STRING} qubits do. Set readout=False, or "
            "use fewer qubits."
        )
    share = 2.0 ** -len(qubits)
    strings: list[cirq.PauliString] = [
        cirq.PauliString(
            share, (cirq.Z(q) for q, taken in zip(qubits, bits, strict=True) if taken)
        )
        for bits in product((False, True), repeat=len(qubits))
    ]
    return cirq.PauliSum.from_pauli_strings(strings)


def _unread(observable: cirq.PauliSum, rates: Rates) -> cirq.PauliSum:
    """Replace every Pauli P by (P - beta) / alpha, and multiply out."""
    found: dict[tuple[tuple[cirq.Qid, Any], ...], complex] = {}
    for string in observable:
        if len(string) > MAX_STRING:
            raise ValueError(
                f"readout=True on a Pauli string of {len(string)} qubits would need 2 ** "
                f"{len(string)} strings; at most {MAX_STRING} qubits do. Set readout=False."
            )
        terms: dict[tuple[tuple[cirq.Qid, Any], ...], complex] = {(): string.coefficient}
        for qubit, pauli in sorted(string.items(), key=lambda item: item[0]):
            p_0, p_1 = rates[qubit]
            alpha, beta = 1 - p_0 - p_1, p_1 - p_0
            grown = {(*key, (qubit, pauli)): c / alpha for key, c in terms.items()}
            if beta:
                grown |= {key: -c * beta / alpha for key, c in terms.items()}
            terms = grown
        for key, c in terms.items():
            found[key] = found.get(key, 0) + c
    strings: list[cirq.PauliString] = [cirq.PauliString(c, dict(key)) for key, c in found.items()]
    return cirq.PauliSum.from_pauli_strings(strings)


def _rate(pair: Any, qubit: cirq.Qid) -> tuple[float, float]:
    """Return the two probabilities of a qubit, checked."""
    try:
        p_0, p_1 = (float(p) for p in pair)
    except (TypeError, ValueError):
        p_0 = p_1 = np.nan
    # Measured with few shots, a rate may come out a little below zero.
    if not (-1 <= p_0 <= 1 and -1 <= p_1 <= 1):
        raise ValueError(
            f"readout[{qubit!r}] = {shown(pair)}: give the two probabilities of reading 1 for 0, "
            "and 0 for 1, such as (0.01, 0.03)."
        )
    return p_0, p_1


def _check_rates(rates: Any, qubits: Sequence[cirq.Qid]) -> None:
    """Raise an error if readout errors are not known, or leave no signal."""
    if not isinstance(rates, Mapping):
        raise TypeError(f"readout must be True, False or a dict of qubit to rates, got {rates!r}.")
    for qubit in qubits:
        if qubit not in rates:
            raise ValueError(
                f"readout lacks {qubit!r}, a qubit of the circuit; it has "
                f"{', '.join(map(repr, rates))}. Measure them with calibrate(qubits)."
            )
        p_0, p_1 = _rate(rates[qubit], qubit)
        if not p_0 + p_1 < 0.95:
            raise ValueError(
                f"The readout of {qubit!r} says next to nothing of its state: with probability "
                f"{p_0:.3g} 1 is read for 0, with {p_1:.3g} 0 for 1. Use another qubit, more "
                "shots, or readout=False."
            )
