"""Expectation values of a circuit as features."""

from __future__ import annotations

from math import comb
from typing import Any, ClassVar, Self

import cirq
import numpy as np
from numpy.typing import ArrayLike
from sklearn.base import BaseEstimator, _fit_context
from sklearn.utils import check_random_state
from sklearn.utils.validation import _check_feature_names_in, check_is_fitted, validate_data

from skquantum._lazy import by_blocks, in_memory, transformed
from skquantum._named_parts import NamedPartsMixin
from skquantum._validation import all_or_nothing
from skquantum.circuits import (
    Ansatz,
    Encoding,
    StronglyEntangling,
    resolve_ansatz,
    resolve_encoding,
)
from skquantum.estimators._base import FLOATS, FloatTransformerMixin
from skquantum.estimators._blocks import WindowLayer, block_layer, fitted_encoding
from skquantum.estimators._head import with_weights
from skquantum.estimators._variational.base import Observables
from skquantum.execution import Backend, circuit_resources, pauli_strings, resolve_backend
from skquantum.layers import QuantumLayer, initial_weights

# Along fewer qubits a feature is loaded too seldom for high frequencies.
LEAST_QUBITS = 4
ALL_PAULIS = "pauli"
MOST_STRINGS = 2**16


class _NoAnsatz(Ansatz):
    def layers(self, n_qubits: int) -> list[cirq.Circuit]:
        return []


def _resolve_ansatz(ansatz: str | Ansatz | None) -> Ansatz:
    return _NoAnsatz() if ansatz is None else resolve_ansatz(ansatz)


def named_observables(observables: Observables, n_qubits: int) -> tuple[list[str], Observables]:
    """Return names of observables, and the observables as a layer takes them."""
    if not isinstance(observables, str):
        return [f"observable{i}" for i in range(len(observables))], observables
    if not observables.startswith(ALL_PAULIS):
        return [f"{letter}{q}" for q in range(n_qubits) for letter in observables], observables
    weight = _weight(observables, n_qubits)
    strings = pauli_strings(cirq.LineQubit.range(n_qubits), weight)
    return list(strings), list(strings.values())


def _weight(observables: str, n_qubits: int) -> int:
    """Return on how many qubits at most "pauli2" or "pauli" acts."""
    number = observables.removeprefix(ALL_PAULIS)
    if number and not (number.isdecimal() and int(number) > 0):
        raise ValueError(
            f"observables={observables!r}: after {ALL_PAULIS!r} comes the number of qubits that a "
            "string acts on at most, as in 'pauli2', or nothing for all strings."
        )
    weight = min(int(number or n_qubits), n_qubits)
    n_strings = sum(comb(n_qubits, size) * 3**size for size in range(1, weight + 1))
    if n_strings > MOST_STRINGS:
        raise ValueError(
            f"observables={observables!r} are {n_strings:,} Pauli strings on {n_qubits} qubits, "
            f"more than {MOST_STRINGS:,}. Use 'pauli2', fewer qubits, or FidelityKernel, which is "
            "the inner product of all of them and computes none."
        )
    return weight


class QuantumFeatureTransformer(FloatTransformerMixin, NamedPartsMixin):
    """Expectation values of a circuit as features for any model.

    Each row is encoded in a state, a circuit of fixed weights may follow, and what is measured
    are the new features. Nothing is trained. For the circuit of a fitted
    :class:`VariationalClassifier` or the like, whose encoding takes features as they are, set
    ``encoding=CircuitEncoding(model.circuit_)``.

    Most encodings turn features into angles in radians: scale in a `Pipeline` before.

    Parameters
    ----------
    encoding : str or Encoding, default="reuploading"
        Circuit that loads a row. If it leaves its register open (``n_qubits=None``), that has at
        least four qubits, along which fewer features repeat; more than 8 features come in blocks
        of two, each on a register of its own, as in :class:`skquantum.circuits.BlockEncoding`.
    ansatz : str, Ansatz or None, default=None
        Circuit that follows, of constant weights. Observables of single qubits after "angle" see
        one feature each; an ansatz mixes features.
    observables : str or list of cirq.PauliSum, default="pauli2"
        "pauli2" for the Paulis X, Y and Z of each qubit and their products on each pair of qubits,
        all that one can know of pairs; another number for strings on so many qubits at most;
        "pauli" for all ``4**n_qubits`` strings, the identity included, whose inner products are
        fidelities times ``2**n_qubits``; letters of "XYZ" for these Paulis of each qubit; or sums
        of Pauli strings on ``cirq.LineQubit.range(n_qubits)`` or the qubits of a circuit of your
        own. Of each block, if there are several.
    weights : array-like of shape (n_weights,) or None, default=None
        Weights of the ansatz, in radians. None means uniform ones in [0, 2 pi).
    backend : Backend, default=None
        How circuits are run; None means ``QsimBackend()``.
    random_state : int, RandomState instance or None, default=None
        Random weights.

    Attributes
    ----------
    weights_ : ndarray of shape (n_weights,)
        Weights of the ansatz.
    encoding_ : Encoding
        The encoding as it was used, with a number for ``bandwidth="scale"``.
    circuit_ : cirq.Circuit
        The circuit with its weights bound; the symbols left receive a row, or a block of it.
    resources_ : dict
        Qubits, depth and gates of the circuit. Fitting runs none: ``n_circuits`` and
        ``n_simulations`` are zero.
    run_records_ : list of dict
        Empty: fitting runs no circuit.
    n_features_in_ : int
        Number of features.
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Names of the features, if `X` had any.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.linear_model import LogisticRegression
    >>> from sklearn.pipeline import make_pipeline
    >>> from sklearn.preprocessing import StandardScaler
    >>> from skquantum import QuantumFeatureTransformer
    >>> X, y = load_iris(return_X_y=True)
    >>> features = QuantumFeatureTransformer(ansatz="hardware_efficient", random_state=0)
    >>> features.fit(X).get_feature_names_out()[:4]
    array(['X0', 'Y0', 'Z0', 'X1'], dtype=object)
    >>> model = make_pipeline(StandardScaler(), features, LogisticRegression()).fit(X, y)
    >>> print(f"{model.score(X, y):.2f}")
    0.97
    """

    _named_parts: ClassVar = {
        "encoding": resolve_encoding,
        "ansatz": _resolve_ansatz,
        "backend": resolve_backend,
    }
    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        "encoding": [str, Encoding],
        "ansatz": [str, Ansatz, None],
        "observables": [str, list, tuple],
        "weights": ["array-like", None],
        "backend": [Backend, None],
        "random_state": ["random_state"],
    }

    def __init__(
        self,
        encoding: str | Encoding = "reuploading",
        ansatz: str | Ansatz | None = None,
        observables: Observables = "pauli2",
        weights: ArrayLike | None = None,
        backend: Backend | None = None,
        random_state: Any = None,
    ) -> None:
        self.encoding = encoding
        self.ansatz = ansatz
        self.observables = observables
        self.weights = weights
        self.backend = backend
        self.random_state = random_state

    def _resolve_part(self, part: str, value: Any, params: dict[str, Any]) -> BaseEstimator:
        if part == "ansatz" and value is None:
            return StronglyEntangling(n_layers=0)  # which ansatz__n_layers makes one
        return super()._resolve_part(part, value, params)

    weights_: np.ndarray
    layer_: QuantumLayer
    encoding_: Encoding
    _blocks: WindowLayer

    @in_memory
    @all_or_nothing
    @_fit_context(prefer_skip_nested_validation=True)
    def fit(self, X: ArrayLike, y: Any = None) -> Self:
        """Settle the circuit; nothing is run.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Rows.
        y : object, default=None
            Not used.

        Returns
        -------
        self : QuantumFeatureTransformer
            Fitted transformer.

        Raises
        ------
        ValueError
            If the parts of the circuit do not go together, or the weights are not as many as
            those of the ansatz.
        """
        rows = validate_data(self, X, dtype=np.float64)
        self.encoding_, index = fitted_encoding(self.encoding, rows, least=LEAST_QUBITS)
        ansatz = _resolve_ansatz(self.ansatz)
        n_qubits = self.encoding_.block.width(index.shape[1])
        self._output_names, observables = named_observables(self.observables, n_qubits)
        self.layer_ = QuantumLayer(
            self.encoding_.block, ansatz, observables, self.backend, n_features=index.shape[1]
        )
        self._blocks = block_layer(self.layer_, index)
        self._has_identity = isinstance(observables, list) and self.observables == ALL_PAULIS
        if self._has_identity:
            self._output_names.insert(0, "I")
        if len(index) > 1:
            self._output_names = [
                f"block{i}_{name}" for i in range(len(index)) for name in self._output_names
            ]
        rng = check_random_state(self.random_state)
        weights = "uniform" if self.weights is None else self.weights
        self.weights_ = initial_weights(weights, self.layer_, ansatz, rng, name="weights")
        return self

    @by_blocks(transformed)
    def transform(self, X: ArrayLike) -> np.ndarray:
        """Return the expectation values.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Rows, scaled as in `fit`.

        Returns
        -------
        ndarray of shape (n_samples, n_observables)
            Values between -1 and 1 for single Paulis; qubit by qubit.
        """
        check_is_fitted(self)
        rows = validate_data(self, X, dtype=FLOATS, reset=False)
        values = self._blocks.forward(rows.astype(np.float64, copy=False), self.weights_)
        if self._has_identity:  # no backend measures it
            blocks = values.reshape(len(rows), self._blocks.n_windows, -1)
            values = np.insert(blocks, 0, 1.0, axis=2).reshape(len(rows), -1)
        return values.astype(rows.dtype, copy=False)

    def get_feature_names_out(self, input_features: ArrayLike | None = None) -> np.ndarray:
        """Return the names of the outputs: the Pauli and its qubit.

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
        return np.asarray(self._output_names, dtype=object)

    @property
    def circuit_(self) -> cirq.Circuit:
        """The circuit: weights are bound, data symbols are free."""
        check_is_fitted(self)
        return with_weights(self.layer_.circuit, self.layer_, self.weights_)

    @property
    def resources_(self) -> dict[str, int]:
        """Qubits, depth and gates of the circuit."""
        return circuit_resources(self.circuit_) | {"n_circuits": 0, "n_simulations": 0}
