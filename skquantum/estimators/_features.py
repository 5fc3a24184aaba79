"""Expectation values of a circuit as features."""

from __future__ import annotations

from typing import Any, ClassVar, Self

import cirq
import numpy as np
from numpy.typing import ArrayLike
from sklearn.base import BaseEstimator, _fit_context
from sklearn.utils import check_random_state
from sklearn.utils.validation import _check_feature_names_in, check_is_fitted, validate_data

from skquantum._named_parts import NamedPartsMixin
from skquantum._validation import all_or_nothing
from skquantum.circuits import (
    Ansatz,
    Encoding,
    StronglyEntangling,
    resolve_ansatz,
    resolve_encoding,
)
from skquantum.estimators._base import FLOATS, FloatTransformerMixin, settled
from skquantum.estimators._head import with_weights
from skquantum.estimators._variational.base import Observables
from skquantum.execution import Backend, circuit_resources, resolve_backend
from skquantum.layers import QuantumLayer, initial_weights


class _NoAnsatz(Ansatz):
    def layers(self, n_qubits: int) -> list[cirq.Circuit]:
        return []


def _resolve_ansatz(ansatz: str | Ansatz | None) -> Ansatz:
    return _NoAnsatz() if ansatz is None else resolve_ansatz(ansatz)


class QuantumFeatureTransformer(FloatTransformerMixin, NamedPartsMixin):
    """Expectation values of a circuit as features for any model.

    Each row is encoded in a state, a circuit of fixed weights may follow, and what is measured
    are the new features. Nothing is trained. For the circuit of a fitted
    :class:`VariationalClassifier` or the like, whose encoding takes features as they are, set
    ``encoding=CircuitEncoding(model.circuit_)``.

    Most encodings turn features into angles in radians: scale in a `Pipeline` before.

    Parameters
    ----------
    encoding : str or Encoding, default="angle"
        Circuit that loads a row.
    ansatz : str, Ansatz or None, default=None
        Circuit that follows, of constant weights. Observables of single qubits after "angle" see
        one feature each; an ansatz mixes features.
    observables : str or list of cirq.PauliSum, default="XYZ"
        Letters of "XYZ" for these Paulis of each qubit, or sums of Pauli strings on
        ``cirq.LineQubit.range(n_qubits)`` or the qubits of a circuit of your own.
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
    circuit_ : cirq.Circuit
        The circuit with its weights bound; the symbols left receive a row.
    resources_ : dict
        Qubits, depth and gates of the circuit. Fitting runs none: ``n_circuits`` and
        ``n_simulations`` are zero.
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
        encoding: str | Encoding = "angle",
        ansatz: str | Ansatz | None = None,
        observables: Observables = "XYZ",
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
        encoding = settled(resolve_encoding(self.encoding))
        ansatz = _resolve_ansatz(self.ansatz)
        self.layer_ = QuantumLayer(
            encoding, ansatz, self.observables, self.backend, n_features=rows.shape[1]
        )
        rng = check_random_state(self.random_state)
        weights = "uniform" if self.weights is None else self.weights
        self.weights_ = initial_weights(weights, self.layer_, ansatz, rng, name="weights")
        if isinstance(self.observables, str):
            qubits = range(self.layer_.n_qubits)
            self._output_names = [f"{letter}{q}" for q in qubits for letter in self.observables]
        else:
            self._output_names = [f"observable{i}" for i in range(len(self.observables))]
        return self

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
        values = self.layer_.forward(rows.astype(np.float64, copy=False), self.weights_)
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
