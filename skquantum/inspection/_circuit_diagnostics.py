"""What a circuit can reach: expressibility, entanglement, and the frequencies of a model."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import cirq
import numpy as np
from sklearn.utils import check_random_state

from skquantum._symbols import symbols_of
from skquantum.circuits import Ansatz, resolve_ansatz
from skquantum.execution import Backend, resolve_backend
from skquantum.inspection._plots import axes_or_new
from skquantum.layers import QuantumLayer

if TYPE_CHECKING:
    from matplotlib.axes import Axes

# States that are held at a time have at most this many amplitudes.
AMPLITUDES = 2**22


@dataclass(frozen=True, eq=False)
class Expressibility:
    """How far the states of a circuit are from states that are drawn evenly.

    Attributes
    ----------
    divergence : float
        Kullback-Leibler divergence, in natural units, of the circuit's fidelities from those of
        Haar-random states: 0 for a circuit that reaches all states evenly.
    fidelities : ndarray of shape (n_samples,)
        Fidelities of pairs of states with random angles.
    n_qubits : int
        Qubits of the circuit.
    n_bins : int
        Bins of the histograms.
    """

    divergence: float
    fidelities: np.ndarray
    n_qubits: int
    n_bins: int

    def __repr__(self) -> str:
        """Show the divergence and what it rests on."""
        return (
            f"Expressibility(divergence={self.divergence:.3g}, n_qubits={self.n_qubits}, "
            f"n_bins={self.n_bins}, n_samples={len(self.fidelities)})"
        )

    def plot(self, ax: Axes | None = None) -> Axes:
        """Draw the circuit's fidelities beside those of Haar-random states.

        Parameters
        ----------
        ax : matplotlib.axes.Axes, default=None
            Where to draw; None makes a new figure.

        Returns
        -------
        matplotlib.axes.Axes
        """
        ax = axes_or_new(ax)
        edges = np.linspace(0, 1, self.n_bins + 1)
        seen = np.histogram(self.fidelities, edges)[0] / len(self.fidelities)
        ax.stairs(seen, edges, fill=True, alpha=0.5, label="circuit")
        ax.stairs(np.exp(_haar_log_shares(edges, self.n_qubits)), edges, label="Haar-random")
        ax.set(xlabel="fidelity of two states", ylabel="share of pairs")
        ax.set_title(f"divergence {self.divergence:.3g}")
        ax.legend()
        return ax


@dataclass(frozen=True, eq=False)
class EntanglingCapability:
    """How entangled the states of a circuit are.

    Attributes
    ----------
    mean : float
        Mean Meyer-Wallach measure over random angles: 0 for products, at most 1.
    values : ndarray of shape (n_samples,)
        The measure of each state.
    n_qubits : int
        Qubits of the circuit.
    """

    mean: float
    values: np.ndarray
    n_qubits: int

    def __repr__(self) -> str:
        """Show the mean and what it rests on."""
        return (
            f"EntanglingCapability(mean={self.mean:.3g}, n_qubits={self.n_qubits}, "
            f"n_samples={len(self.values)})"
        )

    def plot(self, ax: Axes | None = None) -> Axes:
        """Draw the measure of the states, and the mean of Haar-random ones.

        Parameters
        ----------
        ax : matplotlib.axes.Axes, default=None
            Where to draw; None makes a new figure.

        Returns
        -------
        matplotlib.axes.Axes
        """
        ax = axes_or_new(ax)
        ax.hist(self.values, bins=40, range=(0, 1))
        dimension = 2.0**self.n_qubits
        ax.axvline((dimension - 2) / (dimension + 1), ls="--", color="k", label="Haar-random mean")
        ax.set(xlabel="Meyer-Wallach measure", ylabel="states", title=f"mean {self.mean:.3g}")
        ax.legend()
        return ax


@dataclass(frozen=True, eq=False)
class FourierSpectrum:
    """The Fourier coefficients of a model in one feature, for random weights.

    Attributes
    ----------
    coefficients : ndarray of complex, shape (n_samples, n_frequencies + 1, n_outputs)
        Of the frequencies 0, 1, ..., for each draw of the weights. Those of negative frequencies
        are their complex conjugates.
    remainder : float
        Largest share of a model's variance that lies outside these frequencies. Above some 1e-6,
        there are higher ones, or the model is not periodic in 2 pi.
    """

    coefficients: np.ndarray
    remainder: float

    def reached(self, tol: float = 1e-4) -> np.ndarray:
        """Return the frequencies that any draw of the weights uses.

        Parameters
        ----------
        tol : float, default=1e-4
            What a coefficient has to exceed in absolute value.

        Returns
        -------
        ndarray of int
        """
        return np.flatnonzero(np.abs(self.coefficients).max(axis=(0, 2)) > tol)

    def plot(self, ax: Axes | None = None) -> Axes:
        """Draw the absolute values of the coefficients, a box for each frequency.

        Parameters
        ----------
        ax : matplotlib.axes.Axes, default=None
            Where to draw; None makes a new figure.

        Returns
        -------
        matplotlib.axes.Axes
        """
        ax = axes_or_new(ax)
        sizes = np.abs(self.coefficients).transpose(1, 0, 2).reshape(len(self.coefficients[0]), -1)
        ax.boxplot(list(sizes), positions=range(len(sizes)))
        ax.set(xlabel="frequency", ylabel="absolute value of the coefficient")
        return ax


def expressibility(
    circuit: str | Ansatz | cirq.AbstractCircuit,
    n_qubits: int | None = None,
    *,
    n_samples: int = 5000,
    n_bins: int = 75,
    backend: Backend | None = None,
    random_state: Any = None,
) -> Expressibility:
    """Measure how evenly the states of a circuit cover all states.

    All angles are drawn uniformly from [0, 2 pi), and the fidelities of pairs of states are
    compared with those of Haar-random states [1]_. Expressive circuits can represent more, and
    their gradients vanish sooner (:func:`gradient_variance`).

    Parameters
    ----------
    circuit : str, Ansatz or cirq.AbstractCircuit
        An ansatz or its name, or a circuit whose symbols are angles in radians.
    n_qubits : int, default=None
        Qubits of an ansatz; None for a circuit, which has its own.
    n_samples : int, default=5000
        Pairs of states. Chance adds about ``n_bins / (2 * n_samples)`` to the divergence, and a
        spread of about .01.
    n_bins : int, default=75
        Bins between 0 and 1. The divergence depends on it; 75 are the published choice.
    backend : Backend, default=None
        How circuits are run; it has to give states. None means ``QsimBackend()``.
    random_state : int, RandomState instance or None, default=None
        Where angles come from.

    Returns
    -------
    Expressibility
        With ``divergence`` and ``plot()``.

    Raises
    ------
    ValueError
        If a number is not positive, or `n_qubits` is missing or given beside a circuit.

    References
    ----------
    .. [1] S. Sim, P. D. Johnson and A. Aspuru-Guzik, "Expressibility and entangling capability
       of parameterized quantum circuits for hybrid quantum-classical algorithms", Advanced
       Quantum Technologies 2, 1900070 (2019), https://arxiv.org/abs/1905.10876

    Examples
    --------
    >>> from skquantum.inspection import expressibility
    >>> shallow = expressibility("real_amplitudes", 3, n_samples=1000, random_state=0)
    >>> deep = expressibility("strongly_entangling", 3, n_samples=1000, random_state=0)
    >>> shallow.divergence > deep.divergence
    True
    """
    frozen = _checked_circuit(circuit, n_qubits)
    _check_counts(n_samples=n_samples, n_bins=n_bins)
    n = cirq.num_qubits(frozen)
    fidelities = np.concatenate(
        [
            np.abs(np.einsum("ij,ij->i", states[::2].conj(), states[1::2])) ** 2
            for states in _random_states(frozen, 2 * n_samples, backend, random_state)
        ]
    )
    # Single precision leaves fidelities a rounding error above 1.
    fidelities = np.clip(fidelities, 0.0, 1.0)
    edges = np.linspace(0, 1, n_bins + 1)
    seen = np.histogram(fidelities, edges)[0] / n_samples
    some = seen > 0
    divergence = seen[some] @ (np.log(seen[some]) - _haar_log_shares(edges, n)[some])
    return Expressibility(float(divergence), fidelities, n, n_bins)


def entangling_capability(
    circuit: str | Ansatz | cirq.AbstractCircuit,
    n_qubits: int | None = None,
    *,
    n_samples: int = 1000,
    backend: Backend | None = None,
    random_state: Any = None,
) -> EntanglingCapability:
    """Measure how entangled the states of a circuit are, on average.

    The measure of Meyer and Wallach [1]_ is twice one minus the mean purity of the qubits; its
    mean over angles drawn uniformly from [0, 2 pi) is the entangling capability of Sim et al.
    [2]_. Haar-random states of n qubits have a mean of (2^n - 2) / (2^n + 1).

    Parameters
    ----------
    circuit : str, Ansatz or cirq.AbstractCircuit
        An ansatz or its name, or a circuit whose symbols are angles in radians.
    n_qubits : int, default=None
        Qubits of an ansatz; None for a circuit, which has its own.
    n_samples : int, default=1000
        States.
    backend : Backend, default=None
        How circuits are run; it has to give states. None means ``QsimBackend()``.
    random_state : int, RandomState instance or None, default=None
        Where angles come from.

    Returns
    -------
    EntanglingCapability
        With ``mean``, ``values`` and ``plot()``.

    Raises
    ------
    ValueError
        If a number is not positive, or `n_qubits` is missing or given beside a circuit.

    References
    ----------
    .. [1] D. A. Meyer and N. R. Wallach, "Global entanglement in multiparticle systems", Journal
       of Mathematical Physics 43, 4273 (2002), https://arxiv.org/abs/quant-ph/0108104
    .. [2] S. Sim, P. D. Johnson and A. Aspuru-Guzik, "Expressibility and entangling capability
       of parameterized quantum circuits for hybrid quantum-classical algorithms", Advanced
       Quantum Technologies 2, 1900070 (2019), https://arxiv.org/abs/1905.10876

    Examples
    --------
    >>> import cirq
    >>> from skquantum.inspection import entangling_capability
    >>> a, b = cirq.LineQubit.range(2)
    >>> round(entangling_capability(cirq.Circuit(cirq.H(a), cirq.CNOT(a, b))).mean, 3)
    1.0
    """
    frozen = _checked_circuit(circuit, n_qubits)
    _check_counts(n_samples=n_samples)
    states = _random_states(frozen, n_samples, backend, random_state)
    values = np.concatenate([_meyer_wallach(some) for some in states])
    return EntanglingCapability(float(values.mean()), values, cirq.num_qubits(frozen))


def fourier_spectrum(
    layer: QuantumLayer,
    n_frequencies: int = 8,
    *,
    n_samples: int = 100,
    random_state: Any = None,
) -> FourierSpectrum:
    """Find the frequencies that a layer of one feature can use.

    A circuit that loads a feature by rotations is a Fourier series in it: the loading gates say
    which frequencies there are, the other gates which coefficients can be had [1]_. Weights are
    drawn uniformly from [0, 2 pi).

    Parameters
    ----------
    layer : QuantumLayer
        A layer of one feature.
    n_frequencies : int, default=8
        Highest frequency.
    n_samples : int, default=100
        Draws of the weights.
    random_state : int, RandomState instance or None, default=None
        Where weights come from.

    Returns
    -------
    FourierSpectrum
        With ``coefficients``, ``remainder``, ``reached()`` and ``plot()``.

    Raises
    ------
    ValueError
        If the layer has another number of features, or a number is not positive.

    References
    ----------
    .. [1] M. Schuld, R. Sweke and J. J. Meyer, "Effect of data encoding on the expressive power
       of variational quantum-machine-learning models", Physical Review A 103, 032430 (2021),
       https://arxiv.org/abs/2008.08605

    Examples
    --------
    >>> from skquantum.circuits import ReuploadingEncoding
    >>> from skquantum.inspection import fourier_spectrum
    >>> from skquantum.layers import QuantumLayer
    >>> encoding = ReuploadingEncoding(reps=2, bandwidth=1.0)
    >>> layer = QuantumLayer(encoding, "strongly_entangling", n_features=1)
    >>> found = fourier_spectrum(layer, n_samples=20, random_state=0)
    >>> found.reached().tolist()
    [0, 1, 2]
    """
    if layer.n_features != 1:
        raise ValueError(
            f"layer must have one feature to be a series in, got n_features={layer.n_features}; "
            "fix the others by a circuit of your own."
        )
    _check_counts(n_frequencies=n_frequencies, n_samples=n_samples)
    rng = check_random_state(random_state)
    # Twice the points that the frequencies need: what lies above them is seen.
    n_points = 4 * n_frequencies + 2
    grid = 2 * np.pi * np.arange(n_points)[:, None] / n_points
    weights = rng.uniform(0, 2 * np.pi, (n_samples, layer.n_weights))
    values = np.stack([layer.forward(grid, row) for row in weights])
    spectrum = np.fft.rfft(values, axis=1) / n_points
    power = np.abs(spectrum) ** 2
    total = power[:, 1:].sum(axis=1)
    above = power[:, n_frequencies + 1 :].sum(axis=1)
    varies = total > np.finfo(np.float32).eps ** 2
    shares = above[varies] / total[varies]
    return FourierSpectrum(spectrum[:, : n_frequencies + 1], float(shares.max(initial=0.0)))


def _checked_circuit(
    circuit: str | Ansatz | cirq.AbstractCircuit, n_qubits: int | None
) -> cirq.FrozenCircuit:
    if isinstance(circuit, cirq.AbstractCircuit):
        if n_qubits is not None:
            raise ValueError(
                f"n_qubits={n_qubits!r} was given beside a circuit, which has qubits of its own; "
                "leave it out."
            )
        if not circuit.all_qubits():
            raise ValueError("circuit has no qubits; cirq.I(qubit) makes one that is left alone.")
        return circuit.freeze()
    ansatz = resolve_ansatz(circuit)
    if n_qubits is None:
        raise ValueError(f"n_qubits must be given for an ansatz, {ansatz!r}; got None.")
    return ansatz.compiled(n_qubits)[0]


def _check_counts(**counts: int) -> None:
    for name, value in counts.items():
        if value < 1:
            raise ValueError(f"{name} must be at least 1, got {value}.")


def _random_states(
    circuit: cirq.FrozenCircuit, n_states: int, backend: Backend | None, random_state: Any
) -> Iterator[np.ndarray]:
    """Yield states for random angles, an even number of them at a time where there are two."""
    rng = check_random_state(random_state)
    backend = resolve_backend(backend)
    symbols = tuple(sorted(symbols_of(circuit), key=str))
    angles = rng.uniform(0, 2 * np.pi, (n_states, len(symbols)))
    at_once = max(2, (AMPLITUDES >> cirq.num_qubits(circuit)) & ~1)
    for start in range(0, n_states, at_once):
        rows = angles[start : start + at_once]
        yield backend.states(circuit, symbols, rows).astype(np.complex128)


def _haar_log_shares(edges: np.ndarray, n_qubits: int) -> np.ndarray:
    """Return logarithms of the shares of the fidelities of Haar-random states in bins."""
    power = 2.0**n_qubits - 1
    left, right = 1 - edges[:-1], 1 - edges[1:]
    return power * np.log(left) + np.log1p(-((right / left) ** power))


def _meyer_wallach(states: np.ndarray) -> np.ndarray:
    n = states.shape[1].bit_length() - 1
    purities = np.zeros(len(states))
    for k in range(n):
        parts = states.reshape(len(states), 2**k, 2, -1)
        reduced = np.einsum("baic,bajc->bij", parts, parts.conj())
        purities += (np.abs(reduced) ** 2).sum(axis=(1, 2))
    return 2 * (1 - purities / n)
