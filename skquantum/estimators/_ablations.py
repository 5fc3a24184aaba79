"""What an estimator is without one of its stages: parts of the answer to "which one helps?"."""

from __future__ import annotations

from functools import singledispatch
from typing import Any

from sklearn.base import BaseEstimator, clone, is_classifier
from sklearn.kernel_approximation import Nystroem
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.svm import SVC, SVR

from skquantum.circuits import (
    Ansatz,
    UnentangledAnsatz,
    resolve_ansatz,
    resolve_encoding,
    unentangled,
)
from skquantum.estimators._features import QuantumFeatureTransformer
from skquantum.estimators._kernel.classifier import QuantumKernelSVC
from skquantum.estimators._kernel.nystroem import QuantumNystroem
from skquantum.estimators._kernel.parts import KernelPartsMixin
from skquantum.estimators._kernel.regressor import QuantumKernelSVR
from skquantum.estimators._pooling.classical import ClassicalPoolingTransformer
from skquantum.estimators._pooling.transformer import QuantumPoolingTransformer
from skquantum.estimators._qlstm.base import RecurrentEstimator
from skquantum.estimators._qlstm.build import DEFAULTS, cell_ansatz
from skquantum.estimators._qlstm.regressor import QLSTMRegressor
from skquantum.estimators._variational.base import N_LAYERS, VariationalEstimator, with_layers

UNENTANGLED, RANDOM, ALONE = "no entangling gates", "random weights", "encoding alone"
LINEAR, NETWORK, NOTHING = "linear model", "small neural network", "nothing in its place"
MOST_QUBITS = 8  # of a register that is left open
# Parameters of recurrent networks that are about circuits.
OF_CIRCUITS = ("ansatz", "encoding", "n_layers", "entangler", "n_qubits", "init", "head")

Variants = dict[str, Any]


@singledispatch
def ablations(estimator: Any, n_features: int) -> Variants:
    """Return variants of an estimator in which one stage is missing or replaced.

    An estimator of your own says its variants by a method ``ablations(n_features)``.

    Parameters
    ----------
    estimator : estimator
    n_features : int
        Number of features of a row.

    Returns
    -------
    variants : dict of str to estimator or "passthrough"
        What takes the estimator's place, by what it is.

    Raises
    ------
    TypeError
        If no variants are known.
    """
    own = getattr(estimator, "ablations", None)
    if own is None:
        raise TypeError(f"{type(estimator).__name__} does not say what it is made of.")
    return dict(own(n_features))


def _linear(estimator: Any) -> BaseEstimator:
    return LogisticRegression(max_iter=1000) if is_classifier(estimator) else Ridge()


def _network(estimator: Any, n_inputs: int, n_weights: int) -> BaseEstimator:
    """Return a network with one hidden layer that has about so many weights."""
    n_hidden = max(1, round(n_weights / (n_inputs + 1)))
    kind = MLPClassifier if is_classifier(estimator) else MLPRegressor
    return kind(hidden_layer_sizes=(n_hidden,), solver="lbfgs", max_iter=2000, random_state=0)


def _without_entanglers(
    estimator: Any, encoding: str, ansatz: Ansatz | None = None, **params: Any
) -> Variants:
    """Return the estimator whose parts have no entangling gates, if its encoding can do without.

    `encoding` is the name of the parameter that holds it, `ansatz` the ansatz itself.
    """
    part = unentangled(resolve_encoding(estimator.get_params()[encoding]))
    if part is None:
        return {}
    params[encoding] = part
    if ansatz is not None:
        params["ansatz"] = UnentangledAnsatz(clone(ansatz))
    return {UNENTANGLED: clone(estimator).set_params(**params)}


@ablations.register
def _of_kernels(estimator: KernelPartsMixin, n_features: int) -> Variants:
    name = "encoding" if isinstance(estimator.kernel, str) else "kernel__encoding"
    variants = _without_entanglers(estimator, name) if name in estimator.get_params() else {}
    return variants | _classical(estimator)


@singledispatch
def _classical(estimator: Any) -> Variants:
    """Return classical models in the place of one with a quantum kernel."""
    return {}


@_classical.register
def _of_svc(estimator: QuantumKernelSVC) -> Variants:
    common = {"C": estimator.C, "class_weight": estimator.class_weight}
    return {"RBF kernel": SVC(**common), "linear kernel": SVC(kernel="linear", **common)}


@_classical.register
def _of_svr(estimator: QuantumKernelSVR) -> Variants:
    common = {"C": estimator.C, "epsilon": estimator.epsilon}
    return {"RBF kernel": SVR(**common), "linear kernel": SVR(kernel="linear", **common)}


@_classical.register
def _of_nystroem(estimator: QuantumNystroem) -> Variants:
    number = max(1, int(estimator.n_components))
    return {"RBF kernel": Nystroem(n_components=number, random_state=0), NOTHING: "passthrough"}


@ablations.register
def _of_heads(estimator: VariationalEstimator, n_features: int) -> Variants:
    ansatz = with_layers(estimator.ansatz, estimator.n_layers)
    n_qubits = estimator.n_qubits or min(n_features, MOST_QUBITS)
    encoding = resolve_encoding(estimator.encoding)
    observables = "Z" if estimator.observables is None else estimator.observables

    def untrained(layers: Ansatz | None) -> BaseEstimator:
        parts = clone(encoding), layers, observables, None, estimator.backend
        return make_pipeline(QuantumFeatureTransformer(*parts, random_state=0), _linear(estimator))

    variants = _without_entanglers(estimator, "encoding", ansatz, n_layers=N_LAYERS)
    variants |= {RANDOM: untrained(clone(ansatz)), ALONE: untrained(None)}
    if estimator.embedding == "linear":
        variants["no embedding"] = clone(estimator).set_params(
            embedding=None, activation="identity"
        )
    n_weights = len(ansatz.compiled(n_qubits)[1])
    if estimator.reupload == "trainable":
        n_weights += len(list(ansatz.layers(n_qubits))) * n_features
    variants[NETWORK] = _network(estimator, n_features, n_weights)
    return variants | {LINEAR: _linear(estimator)}


@ablations.register
def _of_features(estimator: QuantumFeatureTransformer, n_features: int) -> Variants:
    ansatz = None if estimator.ansatz is None else resolve_ansatz(estimator.ansatz)
    variants = _without_entanglers(estimator, "encoding", ansatz)
    if ansatz is not None:
        variants[ALONE] = clone(estimator).set_params(ansatz=None, weights=None)
    return variants | {NOTHING: "passthrough"}


@ablations.register
def _of_pooling(estimator: QuantumPoolingTransformer, n_features: int) -> Variants:
    names = "input_shape", "pool_size", "stride", "padding"
    window = {name: getattr(estimator, name) for name in names}
    return {
        RANDOM: clone(estimator).set_params(objective="random"),
        "mean pooling": ClassicalPoolingTransformer(kind="mean", **window),
        "max pooling": ClassicalPoolingTransformer(kind="max", **window),
        NOTHING: "passthrough",
    }


@ablations.register
def _of_recurrent_cells(estimator: RecurrentEstimator, n_features: int) -> Variants:
    variants: Variants = {}
    if estimator.cell != "lstm":
        ansatz = cell_ansatz(estimator.ansatz, estimator.n_layers, estimator.entangler)
        variants = _without_entanglers(estimator, "encoding", ansatz, **DEFAULTS)
        plain = QLSTMRegressor().get_params(deep=False)
        kept = {name: plain[name] for name in OF_CIRCUITS}
        variants["classical cell"] = clone(estimator).set_params(cell="lstm", **kept)
    name = LINEAR if is_classifier(estimator) else "linear autoregression"
    return variants | {name: _linear(estimator)}
