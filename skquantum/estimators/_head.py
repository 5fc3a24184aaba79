"""The quantum head: an optional linear embedding, a trainable circuit, a read-out."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Protocol, cast

import cirq
import numpy as np
from sklearn.base import clone

from skquantum._symbols import resolve_operation, symbols_of
from skquantum.circuits import Ansatz, Encoding
from skquantum.estimators._losses import RowLoss
from skquantum.estimators._rows import TrainingRows
from skquantum.estimators._training import Layout, Objective, Rows
from skquantum.execution import AngleError, Pullback
from skquantum.layers import QuantumLayer

# An embedding exists to make data narrow: four qubits, as in the dressed circuits of its paper.
EMBEDDED = 4


def half_turn_tanh(z: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return pi/2 tanh(z), and its slope (Mari et al. 2020, arXiv:1912.08278)."""
    squashed = np.tanh(z)
    return np.pi / 2 * squashed, np.pi / 2 * (1 - squashed * squashed)


#: What comes between the embedding and the circuit: a value and a slope, None for nothing.
ACTIVATIONS: dict[str, Callable[[np.ndarray], tuple[np.ndarray, np.ndarray]] | None] = {
    "identity": None,
    "tanh": half_turn_tanh,
}


class Layer(Protocol):
    """What a head needs of its circuit, as `QuantumLayer` has it."""

    n_features: int

    @property
    def n_weights(self) -> int: ...

    @property
    def n_outputs(self) -> int: ...

    def forward(self, X: np.ndarray, weights: np.ndarray) -> np.ndarray: ...

    def forward_vjp(
        self, X: np.ndarray, weights: np.ndarray, *, data_gradient: bool = True
    ) -> tuple[np.ndarray, Pullback]: ...

    def jacobian(self, X: np.ndarray, weights: np.ndarray) -> tuple[np.ndarray, np.ndarray]: ...

    def metric(self, X: np.ndarray, weights: np.ndarray, row_weight: np.ndarray) -> np.ndarray: ...


class QuantumHead:
    """A trainable model of three parts, all its parameters in one flat vector.

    Parameters
    ----------
    layer : Layer
        The circuit.
    n_features, n_outputs : int
        Width of the data and of the outputs.
    embedding : bool
        Whether a linear map of the data comes before the circuit.
    activation : {"identity", "tanh"}, default="identity"
        What comes between that map and the circuit.
    readout : {"linear", "scaled"} or None, default="linear"
        What makes outputs of expectation values: a linear map, a factor on each, or nothing.

    Raises
    ------
    ValueError
        If there are not as many observables as outputs, without a linear read-out.
    """

    def __init__(
        self,
        layer: Layer,
        *,
        n_features: int,
        n_outputs: int,
        embedding: bool,
        activation: str = "identity",
        readout: str | None = "linear",
    ) -> None:
        self.layer = layer
        self.readout = readout
        if readout != "linear" and n_outputs != layer.n_outputs:
            raise ValueError(
                f"readout={readout!r} makes one output of each expectation value, and there are "
                f"{layer.n_outputs} of these for {n_outputs} outputs: set observables to a list "
                f"of {n_outputs}, for data that goes into one circuit, or readout='linear'."
            )
        self.embedding = embedding
        self.activation = activation
        # Parameters of the embedding are its coefficients times the root of their number. A step
        # of given size in each of them then moves the angles of wide data not much more than
        # those of narrow data.
        self._scale = n_features**-0.5
        shapes: dict[str, tuple[int, ...]] = {"weights": (layer.n_weights,)}
        if readout == "linear":
            shapes |= {
                "readout_coef": (n_outputs, layer.n_outputs),
                "readout_intercept": (n_outputs,),
            }
        elif readout == "scaled":
            shapes |= {"readout_coef": (n_outputs,)}
        if embedding:
            n_inputs = layer.n_features
            shapes |= {
                "embedding_coef": (n_inputs, n_features),
                "embedding_intercept": (n_inputs,),
            }
        self.layout = Layout(**shapes)

    def start(
        self, rng: np.random.RandomState, weights: np.ndarray, intercept: np.ndarray
    ) -> np.ndarray:
        """Return parameters to start from: given weights of the circuit, random linear maps."""
        shapes = self.layout.shapes
        arrays = {"weights": weights}
        if self.readout == "linear":
            # Glorot and Bengio's width, as in MLPClassifier.
            bound = (6 / sum(shapes["readout_coef"])) ** 0.5
            arrays["readout_coef"] = rng.uniform(-bound, bound, shapes["readout_coef"])
            arrays["readout_intercept"] = intercept
        elif self.readout == "scaled":
            arrays["readout_coef"] = np.ones(shapes["readout_coef"])
        if self.embedding:
            # Standardised features become angles of about one radian.
            arrays["embedding_coef"] = rng.normal(size=shapes["embedding_coef"])
            arrays["embedding_intercept"] = np.zeros(shapes["embedding_intercept"])
        return self.layout.pack(**arrays)

    def arrays(self, theta: np.ndarray) -> dict[str, np.ndarray]:
        """Return the parameters by name, as the model is written down: angles are X coef^T + b."""
        part = self.layout.unpack(theta)
        if self.embedding:
            part["embedding_coef"] = part["embedding_coef"] * self._scale
        return part

    def outputs(self, theta: np.ndarray, X: np.ndarray) -> np.ndarray:
        """Return the outputs, shape (n_rows, n_outputs)."""
        part = self.layout.unpack(theta)
        angles, _ = self._angles(part, X)
        return self._read(part, self.layer.forward(angles, part["weights"]))

    def _read(self, part: Mapping[str, np.ndarray], observed: np.ndarray) -> np.ndarray:
        if self.readout == "linear":
            return observed @ part["readout_coef"].T + part["readout_intercept"]
        return observed if self.readout is None else observed * part["readout_coef"]

    def _read_back(
        self,
        part: Mapping[str, np.ndarray],
        observed: np.ndarray,
        cotangent: np.ndarray,
        into: Mapping[str, np.ndarray],
    ) -> np.ndarray:
        """Return the cotangent of what was observed, with the read-out's gradient in its place."""
        if self.readout == "linear":
            np.matmul(cotangent.T, observed, out=into["readout_coef"])
            cotangent.sum(axis=0, out=into["readout_intercept"])
            return cotangent @ part["readout_coef"]
        if self.readout is None:
            return cotangent
        np.einsum("ij,ij->j", cotangent, observed, out=into["readout_coef"])
        return cotangent * part["readout_coef"]

    def outputs_and_pullback(
        self, theta: np.ndarray, X: np.ndarray
    ) -> tuple[np.ndarray, Callable[[np.ndarray], np.ndarray]]:
        """Return the outputs, and what turns their cotangent into the gradient of `theta`."""
        part = self.layout.unpack(theta)
        angles, slope = self._angles(part, X)
        observed, layer_pullback = self.layer.forward_vjp(
            angles, part["weights"], data_gradient=self.embedding
        )

        def pullback(cotangent: np.ndarray) -> np.ndarray:
            grad = np.empty_like(theta)
            into = self.layout.unpack(grad)
            behind = self._read_back(part, observed, cotangent, into)
            grad_angles, into["weights"][:] = layer_pullback(behind)
            if slope is not None:
                grad_angles = grad_angles * slope
            if self.embedding:
                np.matmul(grad_angles.T * self._scale, X, out=into["embedding_coef"])
                grad_angles.sum(axis=0, out=into["embedding_intercept"])
            return grad

        return self._read(part, observed), pullback

    def jacobian(
        self, theta: np.ndarray, X: np.ndarray, weights: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return the outputs with other weights of the circuit, and each row's derivatives."""
        part = self.layout.unpack(theta)
        angles, _ = self._angles(part, X)
        observed, derivatives = self.layer.jacobian(angles, weights)
        if self.readout == "linear":
            derivatives = part["readout_coef"] @ derivatives
        elif self.readout == "scaled":
            derivatives = part["readout_coef"][:, None] * derivatives
        return self._read(part, observed), derivatives

    def _angles(
        self, part: Mapping[str, np.ndarray], X: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray | None]:
        """Return the angles, and their slope in what the embedding gives, None for 1."""
        if not self.embedding:
            return X, None
        angles = X @ (part["embedding_coef"].T * self._scale) + part["embedding_intercept"]
        if not np.isfinite(angles).all():
            raise AngleError("embedding='linear' leads to angles that are not finite: scale X.")
        activation = ACTIVATIONS[self.activation]
        return (angles, None) if activation is None else activation(angles)

    def metric(
        self, theta: np.ndarray, X: np.ndarray, row_weight: np.ndarray
    ) -> tuple[slice, np.ndarray]:
        """Return where the circuit's weights are, and their Fubini-Study metric."""
        part = self.layout.unpack(theta)
        angles, _ = self._angles(part, X)
        return self.layout.slices["weights"], self.layer.metric(
            angles, part["weights"], row_weight
        )

    def penalised(self) -> list[slice]:
        """Return where the coefficients of linear maps are: an L2 penalty is on these only."""
        return [s for name, s in self.layout.slices.items() if name.endswith("_coef")]


def make_layer(
    n_features: int,
    *,
    encoding: Encoding,
    ansatz: Ansatz,
    n_qubits: int | None,
    embedding: bool,
    **options: Any,
) -> QuantumLayer:
    """Build the circuit between the linear maps, for data of a width known only now.

    Raises
    ------
    ValueError
        If `n_qubits` and the encoding do not agree, or the encoding takes bits, which an
        embedding cannot learn.
    """
    own = encoding.get_params(deep=False)
    if embedding:
        if encoding.accepts == "bits":
            raise ValueError(
                f"embedding='linear' learns numbers, but encoding={encoding} takes bits; use "
                "another encoding, such as 'angle', or embedding=None."
            )
        register = n_qubits or own.get("n_qubits") or _embedded_register(encoding, n_features)
        n_features = encoding.n_inputs(register)
        if "n_qubits" in own:
            n_qubits = n_qubits or register
    if n_qubits is not None:
        if own.get("n_qubits", n_qubits) not in (None, n_qubits):
            raise ValueError(
                f"n_qubits={n_qubits}, but encoding={encoding} has n_qubits={own['n_qubits']}; "
                "set one of them only."
            )
        if "n_qubits" in own:
            encoding = clone(encoding).set_params(n_qubits=n_qubits)
        elif encoding.width(n_features) != n_qubits:
            raise ValueError(
                f"n_qubits={n_qubits}, but encoding={encoding} takes {n_features} features to "
                f"{encoding.width(n_features)} qubits; leave n_qubits=None, or take another "
                "encoding."
            )
    return QuantumLayer(encoding, ansatz, n_features=n_features, **options)


def _embedded_register(encoding: Encoding, n_features: int) -> int:
    """Return the size of the register after an embedding: the smallest for all features, if any.

    Not more than `EMBEDDED` qubits, which an embedding is for.
    """
    sizes = range(1, EMBEDDED)
    return next((n for n in sizes if encoding.n_inputs(n) >= n_features), EMBEDDED)


class Trainable(Protocol):
    """What an objective needs of a model, as `QuantumHead` has it."""

    def outputs(self, theta: np.ndarray, X: np.ndarray) -> np.ndarray: ...

    def outputs_and_pullback(
        self, theta: np.ndarray, X: np.ndarray
    ) -> tuple[np.ndarray, Callable[[np.ndarray], np.ndarray]]: ...

    def penalised(self) -> list[slice]: ...


class HeadObjective(Objective):
    """Weighted mean loss of a head on training rows, with an L2 penalty on linear maps.

    The penalty is divided by the total weight of the rows at hand, as in MLPClassifier.
    """

    def __init__(
        self,
        head: Trainable,
        loss: RowLoss,
        alpha: float,
        rows: TrainingRows,
        aside: TrainingRows | None,
        score: Callable[[np.ndarray, TrainingRows], float],
    ) -> None:
        self.head, self.row_loss, self.alpha = head, loss, alpha
        self.rows, self.aside, self.score = rows, aside, score
        self.n_rows = len(rows.X)
        self._penalised = head.penalised()

    def loss(self, theta: np.ndarray, rows: Rows) -> float:
        at = self.rows[rows]
        try:
            outputs = self._outputs(theta, at)
        except AngleError:
            return self._lost()
        row_loss, _ = self.row_loss(outputs, at.targets)
        total = at.weight.sum()
        return float(row_loss @ at.weight / total + self._penalty(theta, total))

    def loss_and_grad(self, theta: np.ndarray, rows: Rows) -> tuple[float, np.ndarray]:
        at = self.rows[rows]
        self.n_backward += len(at.X)
        try:
            outputs, pullback = self.head.outputs_and_pullback(theta, at.X)
        except AngleError:
            return self._lost(), np.full_like(theta, np.nan)
        row_loss, slope = self.row_loss(outputs, at.targets)
        total = at.weight.sum()
        grad = pullback(slope * (at.weight / total)[:, None])
        for part in self._penalised:
            grad[part] += self.alpha / total * theta[part]
        return float(row_loss @ at.weight / total + self._penalty(theta, total)), grad

    def metric(self, theta: np.ndarray, rows: Rows) -> tuple[slice, np.ndarray]:
        at = self.rows[rows]
        return cast(QuantumHead, self.head).metric(theta, at.X, at.weight)

    def _lost(self) -> float:
        """Return the loss of angles that are none: learned ones have diverged, given ones are bad.

        To be called while their error is handled.
        """
        if not getattr(self.head, "embedding", True):  # a recurrent network learns its angles
            raise
        return np.nan

    def validation_score(self, theta: np.ndarray) -> float:
        assert self.aside is not None
        try:
            outputs = self._outputs(theta, self.aside)
        except AngleError:
            return self._lost()
        return self.score(outputs, self.aside) if np.isfinite(outputs).all() else np.nan

    def _outputs(self, theta: np.ndarray, rows: TrainingRows) -> np.ndarray:
        self.n_forward += len(rows.X)
        return self.head.outputs(theta, rows.X)

    def _penalty(self, theta: np.ndarray, total: float) -> float:
        return self.alpha / (2 * total) * sum(theta[p] @ theta[p] for p in self._penalised)


def with_weights(circuit: cirq.Circuit, layer: QuantumLayer, weights: np.ndarray) -> cirq.Circuit:
    """Return a circuit with the symbols of a layer's weights bound."""
    values = dict(zip(layer.weight_symbols, map(float, weights), strict=True))

    def bound(op: cirq.Operation, _: int) -> cirq.Operation:
        # Other operations are left alone: resolving would write 0.318... for 1/pi.
        return resolve_operation(op, values) if values.keys() & symbols_of(op) else op

    return cirq.map_operations(circuit, bound)
