"""Quantum reservoir computing: a fixed circuit with a memory turns sequences into features."""

from __future__ import annotations

from numbers import Integral, Real
from typing import Any, ClassVar, Self

import cirq
import numpy as np
from numpy.typing import ArrayLike
from sklearn.base import BaseEstimator, _fit_context
from sklearn.utils import Tags, check_random_state
from sklearn.utils._param_validation import Interval, StrOptions
from sklearn.utils.validation import _check_feature_names_in, check_is_fitted, validate_data

from skquantum._lazy import by_blocks, in_memory, transformed
from skquantum._named_parts import NamedPartsMixin
from skquantum._symbols import resolve
from skquantum._validation import all_or_nothing
from skquantum.circuits import (
    Ansatz,
    Encoding,
    StronglyEntangling,
    on_the_line,
    resolve_ansatz,
    resolve_encoding,
)
from skquantum.estimators._base import FLOATS, FloatTransformerMixin, settled
from skquantum.estimators._features import named_observables
from skquantum.estimators._sequences import AXES, POSITIVE, as_matrix, by_step, check_whole_steps
from skquantum.estimators._variational.base import Observables
from skquantum.execution import DenseBackend, resolve_observables

MOST_QUBITS = 10  # a density matrix is 16 MiB then
READOUT_BYTES = 2**30  # of all observables at all virtual nodes
CHUNK = 2**20  # entries of the density matrices that are run at a time
# Of the evolution without an ansatz.
EVOLUTION = {"coupling": 1.0, "field": 0.5, "evolution_time": 4.0}


class QuantumReservoirTransformer(FloatTransformerMixin, NamedPartsMixin):
    r"""Features of sequences from a fixed quantum system that remembers: a quantum reservoir.

    At each time step the input qubits are thrown away and prepared anew in a state that encodes
    the values of the step, then all qubits evolve together; what is measured on the way are the
    features [1]_. The other qubits carry what they learned of earlier steps along, and forget it
    bit by bit. Nothing is trained: a linear model behind it is all that learns.

    By default the evolution is that of spins in a transverse field,
    :math:`H = \sum_{i<j} J_{ij} X_i X_j + h \sum_i Z_i` with random couplings. It is computed
    exactly, on density matrices in double precision, for all sequences at once.

    Compare with lagged values in a linear model and with an echo state network of as many nodes
    before believing in the circuit.

    Parameters
    ----------
    n_qubits : int, default=5
        Qubits of the reservoir, those of the input included; at most 10.
    n_virtual_nodes : int, default=5
        How often is measured during a time step (time multiplexing): the evolution is divided
        into so many equal parts, and the expectation values after each of them are features.
        With an `ansatz`, its circuit is run so many times.
    encoding : str or Encoding, default="arctan"
        Circuit that loads the values of one time step onto the first qubits, as many as it has.
        There must be others left. With the default, values of about unit size, or smaller ones,
        are told apart best. Evolution and observables are even under a turn by pi about Z: of a
        single value, Z sees what the encoding writes into Z, which is a sine of the default's
        angle, and the cosine for "angle", the same for x and -x.
    observables : str or list of cirq.PauliSum, default="Z"
        What is measured: letters of "XYZ" for these Paulis of each qubit; "pauli2", "pauli" or
        sums of Pauli strings as in :class:`QuantumFeatureTransformer`, on
        ``cirq.LineQubit.range(n_qubits)``.
    coupling : float, default=1.0
        Width of the distribution of the couplings: they are uniform in
        ``[-coupling / 2, coupling / 2]``.
    field : float, default=0.5
        Strength h of the transverse field.
    evolution_time : float, default=4.0
        Time between two inputs, in inverse units of coupling and field.
    ansatz : str, Ansatz or None, default=None
        Circuit with random weights that takes the place of this evolution. None means the spins.
    n_channels : int, default=1
        Values of a time step.
    data_format : {"channels_last", "channels_first"}, default="channels_last"
        Order of the axes of `X`: (n_samples, n_timesteps, n_channels), or
        (n_samples, n_channels, n_timesteps) as in aeon and sktime. Rows of a matrix are such
        arrays reshaped.
    output : {"last", "sequence"}, default="last"
        Whether features are those of the last time step, or those of every one side by side.
    washout : int, default=0
        With ``output="sequence"``, how many time steps are left out at the beginning, in which
        the reservoir still remembers its start, all qubits 0.
    random_state : int, RandomState instance or None, default=None
        Couplings, or weights of the ansatz.

    Attributes
    ----------
    couplings_ : ndarray of shape (n_qubits, n_qubits)
        The couplings, above the diagonal. Not there with an `ansatz`.
    weights_ : ndarray of shape (n_weights,)
        Weights of the ansatz, in radians, if there is one.
    unitary_ : ndarray of shape (2**n_qubits, 2**n_qubits)
        The evolution from one measurement to the next, of which a time step has
        `n_virtual_nodes`. The first qubit is the most significant one.
    encoding_ : Encoding
        The encoding as it was used, with a number for ``bandwidth="scale"``.
    n_timesteps_ : int
        Length of a row's sequence.
    n_features_in_ : int
        Number of values of a row.
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Names of the features, if `X` had any.

    See Also
    --------
    QLSTMRegressor : A recurrent network that is trained.
    QuantumFeatureTransformer : Features of rows without an order in time.
    skquantum.datasets.make_windows : Rows and targets from a series.

    References
    ----------
    .. [1] K. Fujii and K. Nakajima, "Harnessing disordered-ensemble quantum dynamics for machine
       learning", Physical Review Applied 8, 024030 (2017), https://arxiv.org/abs/1602.08159

    Examples
    --------
    >>> from sklearn.linear_model import LinearRegression
    >>> from sklearn.pipeline import make_pipeline
    >>> from skquantum import QuantumReservoirTransformer
    >>> from skquantum.datasets import make_narma, make_windows
    >>> y, u = make_narma(300, order=2, return_drive=True)
    >>> X, _ = make_windows(u, window=10)  # X[i, -1] is u[i + 9], which goes into y[i + 10]
    >>> y = y[10:]
    >>> reservoir = QuantumReservoirTransformer(random_state=0)
    >>> model = make_pipeline(reservoir, LinearRegression()).fit(X[:200], y[:200])
    >>> reservoir.get_feature_names_out()[:3]
    array(['Z0_node0', 'Z1_node0', 'Z2_node0'], dtype=object)
    >>> print(f"R2 {model.score(X[200:], y[200:]):.2f}")
    R2 1.00
    """

    _named_parts: ClassVar = {
        "encoding": resolve_encoding,
        "ansatz": lambda ansatz: None if ansatz is None else resolve_ansatz(ansatz),
    }
    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        "n_qubits": [Interval(Integral, 2, MOST_QUBITS, closed="both")],
        "n_virtual_nodes": [POSITIVE],
        "encoding": [str, Encoding],
        "observables": [str, list, tuple],
        "coupling": [Interval(Real, 0, None, closed="left")],
        "field": [Real],
        "evolution_time": [Interval(Real, 0, None, closed="neither")],
        "ansatz": [str, Ansatz, None],
        **AXES,
        "output": [StrOptions({"last", "sequence"})],
        "washout": [Interval(Integral, 0, None, closed="left")],
        "random_state": ["random_state"],
    }

    def __init__(
        self,
        n_qubits: int = 5,
        n_virtual_nodes: int = 5,
        encoding: str | Encoding = "arctan",
        observables: Observables = "Z",
        coupling: float = EVOLUTION["coupling"],
        field: float = EVOLUTION["field"],
        evolution_time: float = EVOLUTION["evolution_time"],
        ansatz: str | Ansatz | None = None,
        n_channels: int = 1,
        data_format: str = "channels_last",
        output: str = "last",
        washout: int = 0,
        random_state: Any = None,
    ) -> None:
        self.n_qubits = n_qubits
        self.n_virtual_nodes = n_virtual_nodes
        self.encoding = encoding
        self.observables = observables
        self.coupling = coupling
        self.field = field
        self.evolution_time = evolution_time
        self.ansatz = ansatz
        self.n_channels = n_channels
        self.data_format = data_format
        self.output = output
        self.washout = washout
        self.random_state = random_state

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.input_tags.three_d_array = True
        return tags

    def _resolve_part(self, part: str, value: Any, params: dict[str, Any]) -> BaseEstimator:
        if part == "ansatz" and value is None:
            return StronglyEntangling(n_layers=0)  # which ansatz__n_layers makes one
        return super()._resolve_part(part, value, params)

    unitary_: np.ndarray
    encoding_: Encoding
    n_timesteps_: int
    _sums: list[cirq.PauliSum]
    _names: list[str]

    @in_memory
    @all_or_nothing
    @_fit_context(prefer_skip_nested_validation=True)
    def fit(self, X: ArrayLike, y: Any = None) -> Self:
        """Settle the encoding and the evolution; nothing is run.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_timesteps * n_channels) or \
(n_samples, n_timesteps, n_channels)
            Sequences, the oldest time step first; with ``data_format="channels_first"`` the last
            two axes are the other way round.
        y : object, default=None
            Not used.

        Returns
        -------
        self : QuantumReservoirTransformer
            Fitted transformer.

        Raises
        ------
        ValueError
            If the parameters, or the data and they, do not go together.
        """
        self._axes = self.n_channels, self.data_format
        rows = validate_data(self, as_matrix(X, *self._axes), dtype=np.float64)
        check_whole_steps(rows.shape[1], self.n_channels)
        self.n_timesteps_ = rows.shape[1] // self.n_channels
        self._first = self._first_step()
        steps = by_step(rows, *self._axes).reshape(-1, self.n_channels)
        self.encoding_ = settled(resolve_encoding(self.encoding)).fitted(steps)
        self._check_register()
        names, observables = named_observables(self.observables, self.n_qubits)
        qubits = cirq.LineQubit.range(self.n_qubits)
        self._sums = resolve_observables(observables, qubits)
        if isinstance(observables, list) and len(names) > len(self._sums):
            names = names[-len(self._sums) :]
        self._check_memory(len(self._sums))
        many = self.n_virtual_nodes > 1
        self._names = [
            f"{name}_node{node}" if many else name
            for node in range(self.n_virtual_nodes)
            for name in names
        ]
        self._evolve(qubits)
        return self

    def _first_step(self) -> int:
        """Return the first time step that is measured."""
        if self.output == "last":
            if self.washout:
                raise ValueError(
                    f"washout={self.washout} would not be used: output='last' has the last time "
                    "step only. Leave it at 0, or set output='sequence'."
                )
            return self.n_timesteps_ - 1
        if self.washout >= self.n_timesteps_:
            raise ValueError(
                f"washout={self.washout} leaves none of the {self.n_timesteps_} time steps; set "
                f"it to less than {self.n_timesteps_}, or give longer sequences."
            )
        return self.washout

    def _check_register(self) -> None:
        n_inputs = self.encoding_.width(self.n_channels)
        if n_inputs >= self.n_qubits:
            raise ValueError(
                f"n_qubits={self.n_qubits}, but encoding={self.encoding_} puts n_channels="
                f"{self.n_channels} values of a time step on {n_inputs} qubits, and no qubit is "
                f"left to remember. Set n_qubits to at least {n_inputs + 1}."
            )

    def _check_memory(self, n_observables: int) -> None:
        needed = 16 * 4**self.n_qubits * n_observables * self.n_virtual_nodes
        if needed > READOUT_BYTES:
            raise ValueError(
                f"{n_observables} observables at n_virtual_nodes={self.n_virtual_nodes} on "
                f"n_qubits={self.n_qubits} take {needed:.3g} bytes, more than "
                f"{READOUT_BYTES:.3g}; take fewer of one of these."
            )

    def _evolve(self, qubits: list[cirq.LineQubit]) -> None:
        """Draw the evolution from one measurement to the next."""
        for name in ("couplings_", "weights_"):  # of an earlier fit
            self.__dict__.pop(name, None)
        rng = check_random_state(self.random_state)
        if self.ansatz is None:
            n_qubits = self.n_qubits
            self.couplings_ = np.triu(rng.uniform(-0.5, 0.5, (n_qubits, n_qubits)), 1)
            self.couplings_ *= self.coupling
            time = self.evolution_time / self.n_virtual_nodes
            self.unitary_ = evolution(self.couplings_, self.field, time)
            return
        for name, value in EVOLUTION.items():
            if getattr(self, name) != value:
                raise ValueError(
                    f"{name}={getattr(self, name)!r} would not be used: ansatz={self.ansatz!r} "
                    "takes the place of the evolution. Leave it out, or set ansatz=None."
                )
        circuit, symbols = on_the_line(settled(resolve_ansatz(self.ansatz)), self.n_qubits)
        self.weights_ = rng.uniform(0, 2 * np.pi, len(symbols))
        bound = resolve(circuit, dict(zip(symbols, self.weights_, strict=True)))
        self.unitary_ = bound.unitary(qubits)

    @by_blocks(transformed)
    def transform(self, X: ArrayLike) -> np.ndarray:
        """Return the expectation values.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_timesteps * n_channels) or \
(n_samples, n_timesteps, n_channels)
            Sequences as in `fit`, scaled in the same way.

        Returns
        -------
        ndarray of shape (n_samples, n_nodes) or (n_samples, n_measured_timesteps * n_nodes)
            Expectation values: for each virtual node those of all observables, with
            ``output="sequence"`` time step by time step.
            ``features.reshape(n_samples, -1, n_nodes)`` has the time steps apart.
        """
        check_is_fitted(self)
        rows = validate_data(self, as_matrix(X, *self._axes), dtype=FLOATS, reset=False)
        steps = by_step(rows.astype(np.float64, copy=False), *self._axes)
        inputs = self._inputs(steps.reshape(-1, self._axes[0])).reshape(
            len(rows), self.n_timesteps_, -1
        )
        qubits = cirq.LineQubit.range(len(self.unitary_).bit_length() - 1)
        matrices = np.array([total.matrix(qubits) for total in self._sums])
        run = Reservoir(self.unitary_, matrices, len(self._names) // len(self._sums))
        size = max(1, CHUNK // self.unitary_.size)
        out = [
            run.features(inputs[begin : begin + size], self._first)
            for begin in range(0, len(rows), size)
        ]
        return np.concatenate(out).astype(rows.dtype, copy=False)

    def _inputs(self, steps: np.ndarray) -> np.ndarray:
        """Return the states of the input qubits, one for each time step."""
        circuit, symbols = self.encoding_.compiled(steps.shape[1])
        return DenseBackend().states(circuit, symbols, self.encoding_.encode(steps))

    def get_feature_names_out(self, input_features: ArrayLike | None = None) -> np.ndarray:
        """Return the names of the outputs: the Pauli and its qubit, the virtual node, the step.

        Parameters
        ----------
        input_features : array-like of str or None, default=None
            Names of the features, checked against those of `fit` and not used.

        Returns
        -------
        ndarray of str objects
            Names, in the order of the columns.
        """
        check_is_fitted(self)
        _check_feature_names_in(self, input_features, generate_names=False)
        n_measured = self.n_timesteps_ - self._first
        if n_measured == 1:
            return np.asarray(self._names, dtype=object)
        steps = range(self._first, self.n_timesteps_)
        return np.asarray([f"step{t}_{name}" for t in steps for name in self._names], dtype=object)


def evolution(couplings: np.ndarray, field: float, time: float) -> np.ndarray:
    """Return the unitary of spins with couplings X X above the diagonal, in a field along Z."""
    n_qubits = len(couplings)
    basis = np.arange(2**n_qubits)
    bits = [1 << (n_qubits - 1 - q) for q in range(n_qubits)]
    hamiltonian = np.zeros((len(basis), len(basis)))
    hamiltonian[basis, basis] = field * sum(1.0 - 2.0 * (basis & bit > 0) for bit in bits)
    for i, j in zip(*np.triu_indices(n_qubits, 1), strict=True):
        hamiltonian[basis, basis ^ bits[i] ^ bits[j]] += couplings[i, j]
    energies, vectors = np.linalg.eigh(hamiltonian)
    return (vectors * np.exp(-1j * time * energies)) @ vectors.T


class Reservoir:
    """A register some qubits of which are prepared anew at each time step.

    Parameters
    ----------
    unitary : ndarray of shape (dim, dim)
        The evolution from one measurement to the next.
    matrices : ndarray of shape (n_observables, dim, dim)
        The observables.
    n_nodes : int
        Measurements of a time step.
    """

    def __init__(self, unitary: np.ndarray, matrices: np.ndarray, n_nodes: int) -> None:
        self.whole = np.linalg.matrix_power(unitary, n_nodes)
        # Observables run back to the beginning of the step, where all nodes see the same state.
        readout = []
        for _ in range(n_nodes):
            matrices = unitary.conj().T @ matrices @ unitary
            readout.append(matrices)
        flat = np.concatenate(readout).reshape(-1, unitary.size)
        # tr(O rho) of Hermitian matrices is a real product of real and imaginary parts.
        self.readout = np.ascontiguousarray(flat).view(float).T

    def features(self, inputs: np.ndarray, first: int) -> np.ndarray:
        """Return the expectation values of all measured time steps side by side.

        Parameters
        ----------
        inputs : ndarray of complex, shape (n_rows, n_timesteps, dim of the input qubits)
            States of the first qubits.
        first : int
            The first time step that is measured.

        Returns
        -------
        ndarray of float, shape (n_rows, n_measured * n_nodes * n_observables)
        """
        n_rows, n_steps, n_in = inputs.shape
        n_kept = len(self.whole) // n_in
        # Of the other qubits: all 0, as after a reset.
        kept: np.ndarray = np.zeros((n_rows, n_kept, n_kept), dtype=complex)
        kept[:, 0, 0] = 1
        blocks = self.whole.reshape(n_in, n_kept, n_in, n_kept).transpose(2, 0, 1, 3)
        by_input = blocks.reshape(n_in, -1)
        out = np.empty((n_rows, n_steps - first, self.readout.shape[1]))
        for step in range(n_steps):
            psi = inputs[:, step]
            if step >= first:
                pair = psi[:, :, None, None, None] * psi.conj()[:, None, None, :, None]
                rho = (pair * kept[:, None, :, None, :]).reshape(n_rows, -1)
                np.matmul(rho.view(float), self.readout, out=out[:, step - first])
            # The partial trace, as a sum over operators from the kept qubits to themselves.
            kraus = (psi @ by_input).reshape(n_rows, n_in, n_kept, n_kept)
            moved = (kraus @ kept[:, None]).swapaxes(1, 2)
            back = kraus.conj().swapaxes(2, 3).reshape(n_rows, -1, n_kept)
            kept = moved.reshape(n_rows, n_kept, -1) @ back
        return out.reshape(n_rows, -1)
