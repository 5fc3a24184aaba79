"""The layer: what a trainable circuit outputs, and its gradient."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cached_property
from itertools import zip_longest
from typing import Any, Self, cast, final

import cirq
import numpy as np
import sympy
from sklearn.utils import gen_batches

from skquantum._portable import PortableMixin
from skquantum._records import running
from skquantum._symbols import resolve, symbols_of
from skquantum._validation import unknown
from skquantum.circuits import (
    AngleEncoding,
    Ansatz,
    Encoding,
    ansatz_qubits,
    placed,
    register,
    resolve_ansatz,
    resolve_encoding,
)
from skquantum.execution import (
    Backend,
    Evaluator,
    Pullback,
    as_symbols,
    measurement_settings,
    resolve_backend,
    resolve_observables,
)

Prepare = Callable[[np.ndarray], np.ndarray]
TRAINABLE = "trainable"
METRIC_NUMBERS = 2**22  # amplitudes of derivatives at a time
# What a layer holds for its backend alone.
COMPILED = ("_evaluator", "_trunk_evaluator", "_row_evaluator")
NO_WEIGHTS = np.empty(0)


@final
class QuantumLayer(PortableMixin):
    """Encoding, ansatz and observables as one differentiable function.

    The rows' features enter through the encoding and the weights through the ansatz; the
    outputs are expectation values. Gradients are those for the weights *and* for the features,
    which a classical layer in front needs.

    Parameters
    ----------
    encoding : str or Encoding
        Circuit that encodes a row, or its name.
    ansatz : str or Ansatz
        Circuit whose symbols are the weights, or its name.
    observables : None, str or sequence of cirq.PauliSum or cirq.PauliString, default=None
        What is measured, on the qubits of the circuit: ``cirq.LineQubit.range(n_qubits)``, or
        the user's own. None stands for "Z", the Z of each qubit; letters of "XYZ" for these
        Paulis of each qubit, qubit by qubit in sorted order.
    backend : Backend, default=None
        How the circuit is run; None means ``QsimBackend()``.
    n_features : int
        Number of features of a row.
    reupload : bool or "trainable", default=False
        Repeat the encoding before each layer of the ansatz [1]_. With "trainable" each of these
        copies has a factor of its own on what each data symbol receives, for most encodings on
        each feature: further weights, which follow those of the ansatz, copy by copy.
    identity_blocks : bool, default=False
        Follow each layer of the ansatz by its inverse, with weights of its own: with equal
        weights in both halves every pair is the identity, a start without barren plateaus [2]_.
    gradient : {"auto", "adjoint", "parameter-shift", "spsa"}, default="auto"
        How gradients are computed; "auto" is what suits the backend, its `default_gradient`.
    random_state : int, RandomState instance or None, default=None
        Directions of "spsa".

    Attributes
    ----------
    circuit : cirq.Circuit
        With the data symbols and the weight symbols free. A :class:`CircuitEncoding
        <skquantum.circuits.CircuitEncoding>` keeps its qubits, and the ansatz is placed on them
        in sorted order; where only the ansatz has qubits of the user's, all is on those.
    qubits : tuple of cirq.Qid
        The qubits of the circuit, sorted.
    data_symbols, weight_symbols : tuple of sympy.Symbol
        In the order of features (or what the encoding makes of them) and weights.
    observables : list of cirq.PauliSum
        What is measured.
    gradient : str
        How gradients are computed, without "auto".
    n_features, n_qubits, n_weights, n_outputs : int
        Sizes.
    n_factors : int
        How many of the weights, the last ones, are factors on the data.

    References
    ----------
    .. [1] A. Perez-Salinas et al., "Data re-uploading for a universal quantum classifier",
       Quantum 4, 226 (2020), https://arxiv.org/abs/1907.02085
    .. [2] E. Grant et al., "An initialization strategy for addressing barren plateaus in
       parametrized quantum circuits", Quantum 3, 214 (2019), https://arxiv.org/abs/1903.05076

    Examples
    --------
    >>> import numpy as np
    >>> from skquantum.layers import QuantumLayer
    >>> layer = QuantumLayer("angle", "strongly_entangling", n_features=2)
    >>> layer.n_weights, layer.n_outputs
    (18, 2)
    >>> X, weights = np.array([[0.1, 0.2], [0.3, 0.4]]), np.zeros(layer.n_weights)
    >>> layer.forward(X, weights).shape
    (2, 2)
    >>> grad_X, grad_weights = layer.vjp(X, weights, np.ones((2, 2)))
    >>> grad_X.shape, grad_weights.shape
    ((2, 2), (18,))

    Factors on the data, which start at one where estimators draw the weights:

    >>> layer = QuantumLayer("angle", "real_amplitudes", n_features=1, reupload="trainable")
    >>> print(layer.circuit[:2])
    0: ───Y^(f_0*x_0/pi)───Y^(w_0/pi)───
    >>> layer.n_weights, layer.n_factors
    (7, 3)

    A circuit of one's own, in which data and weights meet:

    >>> import cirq, sympy
    >>> x, w, b = sympy.symbols("x w b")
    >>> circuit = cirq.Circuit(cirq.ry(w * x + b)(cirq.LineQubit(0)))
    >>> layer = QuantumLayer.from_circuit(circuit, [x], [w, b])
    >>> layer.vjp(np.array([[1.0]]), np.zeros(2) + 0.5, np.ones((1, 1)))[1].round(4)
    array([-0.8415, -0.8415])
    """

    def __init__(
        self,
        encoding: str | Encoding,
        ansatz: str | Ansatz,
        observables: str | Sequence[cirq.PauliSum | cirq.PauliString] | None = None,
        backend: Backend | None = None,
        *,
        n_features: int,
        reupload: bool | str = False,
        identity_blocks: bool = False,
        gradient: str = "auto",
        random_state: Any = None,
    ) -> None:
        encoding = resolve_encoding(encoding)
        ansatz = resolve_ansatz(ansatz)
        if reupload not in (False, True, TRAINABLE):
            hint = "True and False work too"
            raise ValueError(unknown("reupload", reupload, [TRAINABLE], hint))
        qubits = register(encoding, ansatz, n_features)
        encoder, data = encoding.compiled(n_features)
        encoder = placed(encoder, sorted(encoder.all_qubits()), qubits).freeze()
        layers, weights = _layers(ansatz, qubits, identity_blocks)
        loaded: list[cirq.AbstractCircuit] = [encoder] * (len(layers) if reupload else 1)
        if reupload == TRAINABLE:
            loaded, factors = _with_factors(encoder, data, len(layers))
            if taken := sorted({str(s) for s in factors} & {str(s) for s in (*data, *weights)}):
                raise ValueError(
                    f"reupload='trainable' calls the factors on the data {taken}, and so does "
                    "encoding or ansatz its symbols; rename those."
                )
            weights, self.n_factors = (*weights, *factors), len(factors)
        clash = sorted({str(s) for s in data} & {str(s) for s in weights})
        if clash:
            raise ValueError(
                f"Encoding and ansatz both use the symbols {clash}; rename those of one of them, "
                "or, if they are meant to be the same, use QuantumLayer.from_circuit."
            )
        # The first copy alone, or each copy before its layer.
        pairs = zip_longest(loaded, layers)
        pieces = [piece for pair in pairs for piece in pair if piece is not None]
        circuit = cirq.Circuit(moment for piece in pieces for moment in piece)
        self._trunk = None if reupload else cirq.Circuit(m for layer in layers for m in layer)
        self.n_features = n_features
        self._build(encoding, circuit, data, weights, observables, backend, gradient, random_state)

    @classmethod
    def from_circuit(
        cls,
        circuit: cirq.AbstractCircuit,
        data_symbols: Sequence[str | sympy.Symbol],
        weight_symbols: Sequence[str | sympy.Symbol],
        observables: str | Sequence[cirq.PauliSum | cirq.PauliString] | None = None,
        backend: Backend | None = None,
        *,
        gradient: str = "auto",
        random_state: Any = None,
    ) -> Self:
        """Make a layer of one circuit, which may mix data and weights in its expressions.

        Parameters
        ----------
        circuit : cirq.Circuit or cirq.FrozenCircuit
            Circuit without measurements, on any qubits, which stay as they are.
        data_symbols : sequence of str or sympy.Symbol
            The symbols that receive the features, in their order.
        weight_symbols : sequence of str or sympy.Symbol
            The symbols that receive the weights, in their order.
        observables, backend, gradient, random_state
            As for `QuantumLayer`.

        Returns
        -------
        QuantumLayer

        Raises
        ------
        ValueError
            If the circuit has other symbols, or can't be run or differentiated.
        """
        data, weights = as_symbols(data_symbols), as_symbols(weight_symbols)
        layer = cls.__new__(cls)
        layer.n_features = len(data)
        layer._trunk = None
        layer._build(
            AngleEncoding(),  # whose encode gives rows to the symbols as they are
            circuit.unfreeze(copy=True),
            data,
            weights,
            observables,
            backend,
            gradient,
            random_state,
        )
        return layer

    _trunk: cirq.Circuit | None
    n_factors: int = 0

    def _build(
        self,
        encoding: Encoding,
        circuit: cirq.Circuit,
        data: tuple[sympy.Symbol, ...],
        weights: tuple[sympy.Symbol, ...],
        observables: str | Sequence[cirq.PauliSum | cirq.PauliString] | None,
        backend: Backend | None,
        gradient: str,
        random_state: Any,
    ) -> None:
        self._encoding, self._backend = encoding, resolve_backend(backend)
        self.gradient = self._backend.default_gradient if gradient == "auto" else gradient
        self._random_state = random_state
        self.circuit = circuit
        self.n_qubits = cirq.num_qubits(circuit)
        self.data_symbols, self.weight_symbols = data, weights
        self.observables = resolve_observables(observables, self.qubits)
        self._evaluator  # noqa: B018  (refuse now what could not run)

    @property
    def qubits(self) -> tuple[cirq.Qid, ...]:
        """The qubits of the circuit, sorted."""
        return tuple(sorted(self.circuit.all_qubits()))

    @property
    def backend(self) -> Backend:
        """How the circuit is run; `move_to` changes it."""
        return self._backend

    @property
    def n_weights(self) -> int:
        """Number of weights."""
        return len(self.weight_symbols)

    @property
    def n_outputs(self) -> int:
        """Number of outputs."""
        return len(self.observables)

    @cached_property
    def _evaluator(self) -> Evaluator:
        return self._backend.evaluator(
            self.circuit,
            self.data_symbols,
            self.weight_symbols,
            self.observables,
            self.gradient,
            self._random_state,
        )

    @cached_property
    def _trunk_evaluator(self) -> Evaluator | None:
        """What comes after the encoding, for states that it gives without being run."""
        trunk = self._trunk
        if self.gradient != "adjoint" or trunk is None or cirq.num_qubits(trunk) < self.n_qubits:
            return None
        prepare = self._encoding.states
        if prepare(np.ones((1, self.n_features))) is None:
            return None
        return self._backend.state_evaluator(
            trunk, self.weight_symbols, self.observables, cast(Prepare, prepare)
        )

    @cached_property
    def _row_evaluator(self) -> Evaluator:
        """What takes the weights for data: each row has its own, and its own derivatives."""
        return self._backend.evaluator(
            self.circuit,
            (*self.data_symbols, *self.weight_symbols),
            (),
            self.observables,
            self.gradient,
            self._random_state,
        )

    def move_to(self, backend: Backend | None) -> None:
        """Run on another backend from now on, with the gradient that suits it.

        Parameters
        ----------
        backend : Backend or None
            None means ``QsimBackend()``.

        Raises
        ------
        ValueError
            If the circuit can't be run there.
        """
        self._backend = resolve_backend(backend)
        self.gradient = self._backend.default_gradient
        for compiled in COMPILED:
            vars(self).pop(compiled, None)
        self._evaluator  # noqa: B018  (refuse now what could not run)

    def _kept_state(self) -> dict[str, Any]:
        # A compiled circuit does not pickle; it is compiled again when needed.
        return {name: value for name, value in vars(self).items() if name not in COMPILED}

    def forward(self, X: np.ndarray, weights: np.ndarray) -> np.ndarray:
        """Return the outputs.

        Parameters
        ----------
        X : ndarray of shape (n_samples, n_features)
            Rows.
        weights : ndarray of shape (n_weights,)
            Weights, in radians for the ansätze of this package.

        Returns
        -------
        ndarray of float64, shape (n_samples, n_outputs)
            Expectation values.

        Raises
        ------
        ValueError
            If rows or weights have another length than the layer, or do not suit the encoding.
        """
        evaluator, values, weights = self._checked(X, weights)
        with running(self.backend.run_facts, "expectations", len(values)):
            return evaluator.forward(values, weights)

    def forward_vjp(
        self, X: np.ndarray, weights: np.ndarray, *, data_gradient: bool = True
    ) -> tuple[np.ndarray, Pullback]:
        """Return the outputs, and the function that gives gradients for them.

        Parameters
        ----------
        X, weights
            As in `forward`.
        data_gradient : bool, default=True
            Whether the gradient for the rows is wanted. Without it dL/dX is zero, and what it
            alone needs is not computed.

        Returns
        -------
        outputs : ndarray of float64, shape (n_samples, n_outputs)
            As from `forward`.
        pullback : callable
            Takes dL/d(outputs), shape (n_samples, n_outputs), and returns dL/dX, shape
            (n_samples, n_features), and dL/dweights, shape (n_weights,).
        """
        evaluator, values, weights = self._checked(X, weights, data_gradient)
        facts = self.backend.run_facts
        with running(facts, "gradients", len(values)):
            outputs, inner = evaluator.forward_vjp(values, weights, data_gradient=data_gradient)

        def pullback(cotangent: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
            cotangent = np.asarray(cotangent, dtype=float)
            if cotangent.shape != outputs.shape:
                raise ValueError(
                    f"cotangent must have the outputs' shape {outputs.shape}, got "
                    f"{cotangent.shape}."
                )
            with running(facts, "gradients", 0, jobs=0):
                grad_values, grad_weights = inner(cotangent)
            if not data_gradient:
                return np.zeros((len(outputs), self.n_features)), grad_weights
            return self._encoding.encode_vjp(X, grad_values), grad_weights

        return outputs, pullback

    def metric(
        self, X: np.ndarray, weights: np.ndarray, row_weight: np.ndarray | None = None
    ) -> np.ndarray:
        """Return the Fubini-Study metric of the weights, the mean over rows.

        That of each row is :func:`~skquantum.layers.fubini_study_metric`. How far states move when
        weights change: natural gradients are gradients divided by it. It is the whole matrix of
        Stokes et al. [1]_, not its blocks for each layer alone.

        Parameters
        ----------
        X, weights
            As in `forward`.
        row_weight : ndarray of shape (n_samples,), default=None
            How much each row counts; None means equally.

        Returns
        -------
        ndarray of float64, shape (n_weights, n_weights)
            Symmetric, with eigenvalues of zero or more; 1/4 on the diagonal for a rotation that
            moves the state as far as it can.

        Raises
        ------
        ValueError
            As in `forward`; if the backend has no derivatives of states, as with noise and on
            devices, or the register is too wide for them.

        References
        ----------
        .. [1] J. Stokes, J. Izaac, N. Killoran and G. Carleo, "Quantum natural gradient",
           Quantum 4, 269 (2020), https://arxiv.org/abs/1909.02108
        """
        count = np.ones(len(X)) if row_weight is None else np.asarray(row_weight, dtype=float)
        n_weights = self.n_weights
        metric = np.zeros((n_weights, n_weights))
        step = max(1, METRIC_NUMBERS // (2**self.n_qubits * (1 + n_weights)))
        for rows in gen_batches(len(X), step):
            states, moved = self.states_jacobian(X[rows], weights)
            root = np.sqrt(count[rows] / count.sum())
            # What moves along the state itself is a phase.
            phase = np.einsum("ri,rik->rk", states.conj(), moved) * root[:, None]
            flat = (moved * root[:, None, None]).reshape(-1, n_weights)
            metric += (flat.conj().T @ flat - phase.conj().T @ phase).real
        return metric

    def count_circuits(
        self, n_forward: int, n_backward: int, *, data_gradient: bool = True
    ) -> int:
        """Count the circuits that a training would run on a device.

        Parameters
        ----------
        n_forward, n_backward : int
            Rows to be run without and with a gradient.
        data_gradient : bool, default=True
            As in `forward_vjp`.

        Returns
        -------
        int
            Zero where gradients are not measured, but computed from states.
        """
        shifted = self._evaluator.n_circuits(data_gradient=data_gradient)
        if shifted is None:
            return 0
        settings = len(measurement_settings(self.observables, self.qubits))
        return settings * (n_forward + n_backward * (1 + shifted))

    def check_budget(self, n_forward: int, n_backward: int, *, data_gradient: bool = True) -> None:
        """Raise an error if a training would exceed what the backend may cost.

        Parameters
        ----------
        n_forward, n_backward, data_gradient
            As in `count_circuits`.

        Raises
        ------
        ValueError
            If the backend has a budget (``SamplerBackend(max_circuits=...)``) that is less.
        """
        if self._backend.has_budget:
            needed = self.count_circuits(n_forward, n_backward, data_gradient=data_gradient)
            self._backend.check_budget(needed)

    def vjp(
        self, X: np.ndarray, weights: np.ndarray, cotangent: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return the gradients of ``sum(cotangent * outputs)``.

        Parameters
        ----------
        X, weights
            As in `forward`.
        cotangent : ndarray of shape (n_samples, n_outputs)
            Derivatives of a loss with respect to the outputs.

        Returns
        -------
        grad_X : ndarray of shape (n_samples, n_features)
            Gradient for the rows.
        grad_weights : ndarray of shape (n_weights,)
            Gradient for the weights.
        """
        return self.forward_vjp(X, weights)[1](cotangent)

    def jacobian(self, X: np.ndarray, weights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return the outputs, and the derivatives of each row's for the weights.

        `vjp` sums over the rows; here each row has its own derivatives, as a Gauss-Newton step
        or the Fisher information needs them. The work is that of one gradient for each output.

        Parameters
        ----------
        X : ndarray of shape (n_samples, n_features)
            Rows.
        weights : ndarray of shape (n_weights,) or (n_samples, n_weights)
            Weights for all rows, or for each.

        Returns
        -------
        outputs : ndarray of float64, shape (n_samples, n_outputs)
            As from `forward`.
        derivatives : ndarray of float64, shape (n_samples, n_outputs, n_weights)
            Of the outputs for the weights. With ``gradient="spsa"`` they are random estimates.

        Raises
        ------
        ValueError
            As in `forward`, or if the backend has a budget (`check_budget`) that is less than
            this takes.
        """
        values = self._all_values(X, weights)
        self.check_budget(len(values), self.n_outputs * len(values))
        with running(self.backend.run_facts, "gradients", len(values)):
            outputs, pullback = self._row_evaluator.forward_vjp(values, NO_WEIGHTS)
            derivatives = np.empty((*outputs.shape, self.n_weights))
            for k in range(self.n_outputs):
                one = np.zeros(outputs.shape)
                one[:, k] = 1.0
                derivatives[:, k] = pullback(one)[0][:, len(self.data_symbols) :]
        return outputs, derivatives

    def states_jacobian(self, X: np.ndarray, weights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return the circuit's states, and their derivatives for the weights.

        Parameters
        ----------
        X, weights
            As in `jacobian`.

        Returns
        -------
        states : ndarray of complex128, shape (n_samples, 2 ** n_qubits)
            State vectors.
        derivatives : ndarray of complex128, shape (n_samples, 2 ** n_qubits, n_weights)
            Of the states for the weights.

        Raises
        ------
        ValueError
            As in `forward`; if the backend has no exact derivatives of states, or the register
            is too wide for them (:meth:`Backend.states_jvp
            <skquantum.execution.Backend.states_jvp>`).
        """
        values = self._all_values(X, weights)
        n_data, n_weights = len(self.data_symbols), self.n_weights
        along = np.vstack([np.zeros((n_data, n_weights)), np.eye(n_weights)])
        return self._backend.states_jvp(
            self.circuit,
            (*self.data_symbols, *self.weight_symbols),
            values,
            np.broadcast_to(along, (len(values), *along.shape)),
        )

    def _all_values(self, X: np.ndarray, weights: np.ndarray) -> np.ndarray:
        """Return what the symbols of data and of weights receive, a row for each row."""
        weights = np.asarray(weights, dtype=float)
        if weights.ndim == 2 and weights.shape == (np.shape(X)[0], self.n_weights):
            self._check_finite(weights.ravel())
            _, values, _ = self._checked(X, np.zeros(self.n_weights), data_gradient=True)
        else:
            _, values, weights = self._checked(X, weights, data_gradient=True)
        return np.hstack([values, np.broadcast_to(weights, (len(values), self.n_weights))])

    def _check_finite(self, weights: np.ndarray) -> None:
        if not np.isfinite(weights).all():
            place = int(np.flatnonzero(~np.isfinite(weights))[0])
            number = place % self.n_weights
            raise ValueError(
                f"weights must be finite, got {weights[place]} for {self.weight_symbols[number]}, "
                f"number {number}."
            )

    def _checked(
        self, X: np.ndarray, weights: np.ndarray, data_gradient: bool = False
    ) -> tuple[Evaluator, np.ndarray, np.ndarray]:
        """Return what runs the rows, what it takes for them, and the weights."""
        weights = np.asarray(weights, dtype=float)
        if weights.shape != (self.n_weights,):
            raise ValueError(
                f"weights must have shape ({self.n_weights},), one for each weight of the "
                f"ansatz, got {weights.shape}."
            )
        self._check_finite(weights)
        if np.ndim(X) == 2 and np.shape(X)[1] != self.n_features:
            raise ValueError(
                f"X must have {self.n_features} features, the n_features of the layer, got "
                f"{np.shape(X)[1]}."
            )
        if not data_gradient and self._trunk_evaluator is not None:
            return self._trunk_evaluator, self._encoding.check(X), weights
        if not self.n_features:  # scikit-learn's checks refuse what the caller means here
            return self._evaluator, _without_columns(X), weights
        return self._evaluator, self._encoding.encode(X), weights


def _without_columns(X: np.ndarray) -> np.ndarray:
    values = np.asarray(X, dtype=float)
    if values.ndim != 2:
        raise ValueError(
            f"X must have shape (n_samples, 0) for a circuit without data, got {values.shape}."
        )
    return values


def _with_factors(
    encoder: cirq.FrozenCircuit, data: Sequence[sympy.Symbol], n_copies: int
) -> tuple[list[cirq.AbstractCircuit], tuple[sympy.Symbol, ...]]:
    """Return copies of an encoding with a factor on each data symbol, and the factors."""
    factors = [sympy.Symbol(f"f_{i}") for i in range(n_copies * len(data))]
    copies: list[cirq.AbstractCircuit] = []
    for start in range(0, len(factors), len(data)):
        own = factors[start : start + len(data)]
        copies.append(resolve(encoder, {s: f * s for s, f in zip(data, own, strict=True)}))
    return copies, tuple(factors)


def _layers(
    ansatz: Ansatz, qubits: Sequence[cirq.Qid], identity_blocks: bool
) -> tuple[list[cirq.AbstractCircuit], tuple[sympy.Symbol, ...]]:
    """Return the layers of the ansatz and their symbols, with inverses if asked for."""
    n_qubits = len(qubits)
    theirs = ansatz_qubits(ansatz, n_qubits)
    layers = [placed(layer, theirs, qubits) for layer in ansatz.layers(n_qubits)]
    _, symbols = ansatz.compiled(n_qubits)
    if not identity_blocks:
        return list(layers), symbols
    out: list[cirq.AbstractCircuit] = []
    count = 0
    for layer in layers:
        found = symbols_of(layer)
        own = [s for s in symbols if s in found]
        block = cirq.Circuit()
        for half in (layer, cirq.inverse(layer)):
            fresh = {s: sympy.Symbol(f"w_{count + i}") for i, s in enumerate(own)}
            block += resolve(half, fresh)
            count += len(own)
        out.append(block)
    return out, tuple(sympy.Symbol(f"w_{i}") for i in range(count))
