"""Laws that parts of every kind keep, for parts of your own.

Each function runs one part through the laws of its kind, and raises an AssertionError that says
which law failed, on what. They are those that the parts of this package are tested by.
"""

from __future__ import annotations

import pickle
import re
from collections.abc import Callable
from typing import Any

import cirq
import numpy as np
import sympy
from numpy.typing import ArrayLike
from sklearn.base import BaseEstimator, clone

from skquantum.circuits import Ansatz, Encoding, ansatz_qubits
from skquantum.estimators import Loss
from skquantum.execution import Backend, Evaluator, ReferenceBackend
from skquantum.kernels import Kernel
from skquantum.layers import QuantumLayer

__all__ = [
    "check_ansatz",
    "check_backend",
    "check_encoding",
    "check_evaluator",
    "check_kernel",
    "check_layer",
    "check_loss",
]


def _law(holds: Any, law: str, part: Any, found: str = "") -> None:
    """Raise an AssertionError unless a law holds."""
    if not holds:
        name = part if isinstance(part, BaseEstimator) else type(part).__name__
        raise AssertionError(f"{name} breaks a law: {law}." + (f" {found}" if found else ""))


def _close(found: ArrayLike, expected: ArrayLike, tolerance: float, law: str, part: Any) -> None:
    """Raise an AssertionError unless two arrays agree."""
    found, expected = np.asarray(found), np.asarray(expected)
    shapes = f"Shapes are {found.shape} and {expected.shape}."
    _law(found.shape == expected.shape, law, part, shapes)
    error = float(np.abs(found - expected).max(initial=0.0))
    _law(error <= tolerance, law, part, f"They differ by {error:.2g}, more than {tolerance:.2g}.")


def _written(part: BaseEstimator) -> str:
    """Return a part's repr, without addresses of objects that have none of their own."""
    return re.sub("0x[0-9a-f]+", "", repr(part))


def _check_description(part: BaseEstimator) -> None:
    """Check what holds for all parts: their constructor only stores its arguments."""
    parameters = part.get_params(deep=False)
    fresh = type(part)(**parameters)
    for name, value in parameters.items():
        _law(getattr(fresh, name) is value, f"its constructor stores {name} as it came", part)
    _law(
        vars(fresh).keys() == parameters.keys(),
        "its constructor stores its parameters and nothing else",
        part,
        f"It also holds {sorted(vars(fresh).keys() - parameters.keys())}.",
    )
    copy = clone(part)
    _law(type(copy) is type(part), "clone gives the same class", part)
    _law(repr(copy) == repr(part), "a clone has the same repr", part)
    unpickled = pickle.loads(pickle.dumps(part))
    law = "it survives pickling with the same class and parameters"
    _law(_written(unpickled) == _written(part), law, part)


def _check_template(
    template: Encoding | Ansatz, size: int, symbols: tuple[sympy.Symbol, ...]
) -> cirq.FrozenCircuit:
    """Check the circuit of a template, and return it."""
    before = dict(vars(template))
    circuit = template.build(size)
    _law(isinstance(circuit, cirq.Circuit), "build returns a cirq.Circuit", template)
    names = cirq.parameter_names(circuit)
    _law(
        len(set(symbols)) == len(symbols) and {str(s) for s in symbols} == names,
        "symbols() lists each symbol of the circuit once",
        template,
        f"It lists {[str(s) for s in symbols]}; the circuit has {sorted(names)}.",
    )
    _law(not cirq.is_measurement(circuit), "the circuit has no measurement", template)
    compiled, order = template.compiled(size)
    _law(compiled == circuit.freeze(), "compiled() is the circuit of build()", template)
    _law(order == symbols, "compiled() gives the symbols of symbols()", template)
    again = clone(template).compiled(size)[0]
    _law(again == compiled, "equal descriptions have equal circuits", template)
    _law(vars(template) == before, "building stores nothing on the description", template)
    return compiled


def check_encoding(encoding: Encoding, n_features: int = 3, *, X: ArrayLike | None = None) -> None:
    """Check that an encoding keeps the laws of encodings.

    Parameters
    ----------
    encoding : Encoding
        An instance.
    n_features : int, default=3
        The width of the data to try it on.
    X : array-like of shape (n_samples, n_features), default=None
        Rows that the encoding takes; None means rows of zeros and ones, none of them all zeros.

    Raises
    ------
    AssertionError
        If a law does not hold; it says which, and on what.

    Examples
    --------
    >>> from skquantum.circuits import ZZEncoding
    >>> from skquantum.testing import check_encoding
    >>> check_encoding(ZZEncoding(reps=1))
    """
    _check_description(encoding)
    symbols = encoding.symbols(n_features)
    circuit = _check_template(encoding, n_features, symbols)
    qubits, line = sorted(circuit.all_qubits()), cirq.LineQubit.range(encoding.width(n_features))
    _law(
        qubits == line or (encoding.has_own_qubits and len(qubits) == len(line)),
        "its qubits are cirq.LineQubit.range(width(n_features)), unless it has_own_qubits",
        encoding,
        f"They are {qubits}.",
    )
    _check_inputs(encoding, n_features)
    bits = np.random.default_rng(0).integers(0, 2, (5, n_features))
    bits[:, 0] = 1
    rows = np.array(bits if X is None else X, dtype=float)
    kept = rows.copy()
    values = encoding.encode(rows)
    _close(rows, kept, 0, "encode leaves its rows as they are", encoding)
    shape = (len(rows), len(symbols))
    _law(values.shape == shape, "encode gives a value for each symbol", encoding)
    _close(encoding.encode(rows[1:2]), values[1:2], 0, "rows are encoded one by one", encoding)
    states = ReferenceBackend().states(circuit, symbols, values)
    known = encoding.states(rows)
    if known is not None:
        fidelities = np.abs(np.einsum("nz,nz->n", known.conj(), states)) ** 2
        law = "states() gives the states of the circuit, up to a phase"
        _close(fidelities, np.ones(len(rows)), 1e-5, law, encoding)
    # Where all is smooth: at zero, angles of amplitudes have no derivative.
    smooth = np.random.default_rng(1).uniform(0.2, 1.2, rows.shape) if X is None else rows
    _check_encode_vjp(encoding, smooth, values.shape)
    _check_bloch_vectors(encoding, smooth)


def _check_inputs(encoding: Encoding, n_features: int) -> None:
    """Check what an encoding says of the rows that it takes."""
    kinds = ("numbers", "bits", "directions")
    law = f"accepts is one of {', '.join(map(repr, kinds))}"
    _law(encoding.accepts in kinds, law, encoding, f"It is {encoding.accepts!r}.")
    n_qubits = encoding.width(n_features)
    n_inputs = encoding.n_inputs(n_qubits)
    width = encoding.width(n_inputs)
    _law(
        width == n_qubits,
        "n_inputs(n_qubits) features make a circuit of n_qubits qubits",
        encoding,
        f"n_inputs({n_qubits}) is {n_inputs}, and width({n_inputs}) is {width}.",
    )


def _check_bloch_vectors(encoding: Encoding, X: np.ndarray) -> None:
    """Check the Bloch vectors of an encoding that knows them, and their derivatives."""
    vectors = encoding.bloch_vectors(X.shape[1])
    if vectors is None:
        return
    circuit, symbols = encoding.compiled(X.shape[1])
    paulis = [pauli(q) for q in sorted(circuit.all_qubits()) for pauli in (cirq.X, cirq.Y, cirq.Z)]
    measured = ReferenceBackend().expectations(circuit, symbols, encoding.encode(X), paulis)
    measured = measured.T.reshape(-1, 3, len(X))

    def written(values: np.ndarray) -> np.ndarray:
        out = np.empty((len(values), 3, len(X)))
        vectors.write(values, out)
        return out

    values, step = X.T[vectors.source], 1e-6
    found = written(values)
    _close(found, measured, 1e-6, "bloch_vectors() gives those of the circuit", encoding)
    lengths = np.linalg.norm(measured, axis=1)
    law = "an encoding with bloch_vectors() prepares product states"
    _close(lengths, np.ones_like(lengths), 1e-6, law, encoding)
    expected = (written(values + step) - written(values - step)) / (2 * step)
    law = "the slopes of bloch_vectors() are their derivatives"
    _close(vectors.slopes(values, found), expected, 1e-5, law, encoding)


def _check_encode_vjp(encoding: Encoding, X: np.ndarray, shape: tuple[int, ...]) -> None:
    """Check the derivative of `encode`, where small steps are data too."""
    rng, step = np.random.default_rng(1), 1e-6
    direction = step * rng.normal(size=X.shape)
    try:
        ahead, behind = encoding.encode(X + direction), encoding.encode(X - direction)
    except ValueError:  # bits have no neighbours
        return
    cotangent = rng.normal(size=shape)
    expected = np.sum((ahead - behind) / 2 * cotangent) / step
    found = np.sum(encoding.encode_vjp(X, cotangent) * direction) / step
    scale = 1e-5 * max(1.0, abs(expected))
    _close(found, expected, scale, "encode_vjp is the derivative of encode", encoding)


def check_ansatz(ansatz: Ansatz, n_qubits: int = 3) -> None:
    """Check that an ansatz keeps the laws of ansätze.

    Parameters
    ----------
    ansatz : Ansatz
        An instance.
    n_qubits : int, default=3
        The size of the register to try it on.

    Raises
    ------
    AssertionError
        If a law does not hold; it says which, and on what.

    Examples
    --------
    >>> from skquantum.circuits import RealAmplitudes
    >>> from skquantum.testing import check_ansatz
    >>> check_ansatz(RealAmplitudes(n_layers=1))
    """
    _check_description(ansatz)
    symbols = ansatz.symbols(n_qubits)
    circuit = _check_template(ansatz, n_qubits, symbols)
    used, line = circuit.all_qubits(), cirq.LineQubit.range(n_qubits)
    _law(
        used <= set(line) or (ansatz.has_own_qubits and len(used) == n_qubits),
        "its qubits are among cirq.LineQubit.range(n_qubits), unless it has_own_qubits",
        ansatz,
    )
    qubits = ansatz_qubits(ansatz, n_qubits)
    layers = ansatz.layers(n_qubits)
    whole = cirq.Circuit(moment for layer in layers for moment in layer)
    values = dict(zip(symbols, np.random.default_rng(0).normal(size=len(symbols)), strict=True))
    found, expected = (
        cirq.resolve_parameters(one, values).unitary(qubits_that_should_be_present=qubits)
        for one in (whole, circuit)
    )
    _close(found, expected, 1e-6, "its layers, one after another, are the circuit", ansatz)
    names = [name for layer in layers for name in cirq.parameter_names(layer)]
    _law(len(set(names)) == len(symbols), "its layers have the symbols of the circuit", ansatz)


def _probe() -> tuple[cirq.FrozenCircuit, tuple[sympy.Symbol, ...], list[cirq.PauliSum]]:
    """Return a circuit with all that a backend meets: expressions, shared symbols, wide gates."""
    a, b, c = cirq.LineQubit.range(3)
    x, y = symbols = sympy.symbols("x y")
    circuit = cirq.FrozenCircuit(
        cirq.H(a), cirq.ry(x)(b), cirq.rx(0.5 * y + 1)(c), cirq.CX(a, b),
        cirq.ZZ(b, c) ** (x * y), cirq.ISWAP(a, c) ** y, cirq.CCX(a, b, c),
        cirq.MatrixGate(cirq.unitary(cirq.QuantumFourierTransformGate(2)))(c, a), cirq.rz(x)(a),
    )  # fmt: skip
    z, xx, mixed = cirq.Z(a), cirq.X(b) * cirq.X(c), 0.5 * cirq.Y(c) + 0.25
    return circuit, symbols, [cirq.PauliSum.wrap(z), cirq.PauliSum.wrap(xx), mixed]


def check_backend(
    backend: Backend,
    *,
    tolerance: float = 1e-5,
    states: bool = True,
    oracle: Backend | None = None,
) -> None:
    """Check that a backend keeps the laws of backends.

    Parameters
    ----------
    backend : Backend
        An instance.
    tolerance : float, default=1e-5
        How far results may be from the oracle's. With a finite number of shots a few times
        ``shots ** -0.5``.
    states : bool, default=True
        Whether the backend has state vectors.
    oracle : Backend, default=None
        What results are compared with; None means `ReferenceBackend`.

    Raises
    ------
    AssertionError
        If a law does not hold; it says which, and on what.

    Examples
    --------
    >>> from skquantum.execution import QsimBackend
    >>> from skquantum.testing import check_backend
    >>> check_backend(QsimBackend())
    """
    _check_description(backend)
    oracle = ReferenceBackend() if oracle is None else oracle
    circuit, symbols, observables = _probe()
    X = np.random.default_rng(0).normal(size=(4, 2))
    expected = oracle.expectations(circuit, symbols, X, observables)
    found = backend.expectations(circuit, symbols, X, observables)
    _close(found, expected, tolerance, "expectations are the oracle's", backend)
    for rows in (slice(1, 2), slice(0, 0)):
        part = backend.expectations(circuit, symbols, X[rows], observables)
        law = "a row's expectations do not depend on the other rows"
        _close(part, found[rows], tolerance, law, backend)
    gram = backend.overlaps(circuit, symbols, X)
    _close(gram, oracle.overlaps(circuit, symbols, X), tolerance, "overlaps are right", backend)
    _close(gram, gram.T, 0, "overlaps of rows with themselves are exactly symmetric", backend)
    block = backend.overlaps(circuit, symbols, X[:1], X[1:])
    _close(block, gram[:1, 1:], tolerance, "a block of overlaps is that of the whole", backend)
    kept = backend.overlaps_with(circuit, symbols, X[1:])(X[:1])
    _close(kept, block, tolerance, "overlaps with rows that stay are the same", backend)
    own = backend.self_overlaps(circuit, symbols, X)
    _close(own, np.diag(gram), tolerance, "self_overlaps is the diagonal of overlaps", backend)
    if states:
        law = "states are the oracle's, qubits in sorted order, the first the most significant"
        psi = backend.states(circuit, symbols, X)
        _close(psi, oracle.states(circuit, symbols, X), tolerance, law, backend)
    _refused(backend, lambda: backend.expectations(circuit, symbols[:1], X[:, :1], observables))
    _refused(backend, lambda: backend.expectations(circuit, symbols, X * np.nan, observables))


def _refused(backend: Backend, call: Callable[[], Any]) -> None:
    try:
        call()
    except ValueError:
        return
    _law(False, "a circuit with a symbol without a number is refused by a ValueError", backend)


def check_evaluator(
    evaluator: Evaluator,
    X: ArrayLike,
    weights: ArrayLike,
    *,
    tolerance: float = 1e-4,
    step: float = 1e-2,
) -> None:
    """Check that an evaluator's gradients are the derivatives of its values.

    Parameters
    ----------
    evaluator : Evaluator
        An instance, for one circuit.
    X : array-like of shape (n_samples, n_data)
        Rows, at least one.
    weights : array-like of shape (n_weights,)
        Weights.
    tolerance : float, default=1e-4
        How far gradients may be from differences of values, of the largest or of one.
    step : float, default=1e-2
        Of the differences, in the units of rows and weights. Larger than in double precision,
        where values are of single precision.

    Raises
    ------
    AssertionError
        If a law does not hold; it says which, and on what.

    Examples
    --------
    >>> import cirq, sympy
    >>> from skquantum.execution import QsimBackend
    >>> from skquantum.testing import check_evaluator
    >>> q, (x, w) = cirq.LineQubit(0), sympy.symbols("x w")
    >>> circuit = cirq.Circuit(cirq.ry(x * w)(q))
    >>> check_evaluator(QsimBackend().evaluator(circuit, [x], [w], [cirq.Z(q)]), [[0.5]], [0.3])
    """
    X, weights = np.asarray(X, dtype=float), np.asarray(weights, dtype=float)
    _check_gradients(evaluator, X, weights, tolerance, step)
    count = evaluator.n_circuits()
    law = "n_circuits is a number of circuits, or None"
    _law(count is None or (isinstance(count, int) and count >= 0), law, evaluator)


def _check_gradients(part: Any, X: np.ndarray, weights: np.ndarray, tol: float, h: float) -> None:
    """Check ``forward`` and ``forward_vjp`` against differences of fourth order."""
    values = part.forward(X, weights)
    again, pullback = part.forward_vjp(X, weights)
    _close(again, values, tol, "forward_vjp gives the values of forward", part)
    rng = np.random.default_rng(0)
    cotangent = rng.normal(size=values.shape)
    by_row, by_weight = pullback(cotangent)
    _law(by_row.shape == X.shape, "dL/dX has the shape of X", part)
    _law(by_weight.shape == weights.shape, "dL/dweights has the shape of weights", part)

    def slope(dX: np.ndarray, dw: np.ndarray) -> float:
        near, far = (
            np.sum(
                (
                    part.forward(X + t * dX, weights + t * dw)
                    - part.forward(X - t * dX, weights - t * dw)
                )
                * cotangent
            )
            for t in (h, 2 * h)
        )
        return float((8 * near - far) / (12 * h))

    scale = tol * max(1.0, float(np.abs(np.append(by_row, by_weight)).max(initial=0.0)))
    none = np.zeros_like(weights)
    dX = rng.normal(size=X.shape)
    found = np.sum(by_row * dX)
    _close(found, slope(dX, none), scale, "dL/dX is the derivative of the values", part)
    for k, direction in enumerate(np.eye(len(weights))):
        law = f"dL/dweights is the derivative of the values (weight {k})"
        _close(by_weight[k], slope(0 * X, direction), scale, law, part)
    _, without = part.forward_vjp(X, weights, data_gradient=False)
    law = "data_gradient=False leaves dL/dweights as it is"
    _close(without(cotangent)[1], by_weight, scale, law, part)


def check_layer(layer: QuantumLayer, *, tolerance: float = 1e-4, random_state: int = 0) -> None:
    """Check that a layer's gradients are the derivatives of its outputs.

    Parameters
    ----------
    layer : QuantumLayer
        An instance, for one circuit; its encoding takes numbers.
    tolerance : float, default=1e-4
        As for `check_evaluator`.
    random_state : int, default=0
        Where rows and weights come from.

    Raises
    ------
    AssertionError
        If a law does not hold; it says which, and on what.

    Examples
    --------
    >>> from skquantum.layers import QuantumLayer
    >>> from skquantum.testing import check_layer
    >>> check_layer(QuantumLayer("angle", "real_amplitudes", n_features=2))
    """
    rng = np.random.default_rng(random_state)
    X = rng.uniform(0.2, 1.2, (3, layer.n_features))
    weights = rng.uniform(0, 2 * np.pi, layer.n_weights)
    _check_gradients(layer, X, weights, tolerance, 1e-2)
    outputs = layer.forward(X, weights)
    _law(outputs.shape == (3, layer.n_outputs), "it has a column for each observable", layer)
    copy = pickle.loads(pickle.dumps(layer))
    _close(copy.forward(X, weights), outputs, 0, "a pickled layer gives the same outputs", layer)


def check_kernel(kernel: Kernel, X: ArrayLike | None = None, *, tolerance: float = 1e-5) -> None:
    """Check that a kernel keeps the laws of kernels.

    Parameters
    ----------
    kernel : Kernel
        An instance.
    X : array-like of shape (n_samples, n_features), default=None
        At least three rows; None means some of three features.
    tolerance : float, default=1e-5
        Of rounding.

    Raises
    ------
    AssertionError
        If a law does not hold; it says which, and on what.

    Examples
    --------
    >>> from skquantum.kernels import FidelityKernel
    >>> from skquantum.testing import check_kernel
    >>> check_kernel(FidelityKernel("zz"))
    """
    _check_description(kernel)
    rows = np.random.default_rng(0).normal(size=(5, 3)) if X is None else np.array(X, dtype=float)
    gram = kernel(rows)
    _law(gram.shape == (len(rows),) * 2, "the Gram matrix has a row for each row", kernel)
    _close(gram, gram.T, 0, "the Gram matrix is exactly symmetric", kernel)
    least = float(np.linalg.eigvalsh(gram).min())
    law = "the Gram matrix is positive semidefinite"
    bound = -tolerance * len(rows) * max(1.0, float(np.abs(gram).max()))
    _law(least >= bound, law, kernel, f"Its least eigenvalue is {least:.2g}.")
    _close(kernel(rows, rows.copy()), gram, tolerance, "kernel(X, X) is kernel(X)", kernel)
    block = kernel(rows[:2], rows[2:])
    _close(block, gram[:2, 2:], tolerance, "a block is that of the whole matrix", kernel)
    _close(kernel(rows[2:], rows[:2]), block.T, tolerance, "k(y, x) is k(x, y)", kernel)
    law = "values with rows that stay are the same"
    _close(kernel.against(rows[2:])(rows[:2]), block, tolerance, law, kernel)
    _close(kernel.diag(rows), np.diag(gram), tolerance, "diag is the matrix's diagonal", kernel)


def check_loss(loss: Loss, y: ArrayLike | None = None, raw: ArrayLike | None = None) -> None:
    """Check that a loss keeps the laws of losses.

    Parameters
    ----------
    loss : Loss
        An instance.
    y : array-like of shape (n_rows, n_outputs), default=None
        Targets, at least two rows; None means rows of three classes.
    raw : array-like of shape (n_rows, n_outputs), default=None
        Outputs of the model, at none of which the loss has a kink; None means random ones.

    Raises
    ------
    AssertionError
        If a law is broken.

    Examples
    --------
    >>> from skquantum.estimators import WeightedFidelityLoss
    >>> from skquantum.testing import check_loss
    >>> check_loss(WeightedFidelityLoss())
    """
    _check_description(loss)
    rng, step = np.random.default_rng(0), 1e-6
    targets = np.eye(3)[[0, 1, 2, 1, 0]] if y is None else np.asarray(y, dtype=float)
    outputs = rng.uniform(size=targets.shape) if raw is None else np.asarray(raw, dtype=float)
    before = targets.copy(), outputs.copy()
    value, slope = loss.value(targets, outputs), loss.slope(targets, outputs)
    unchanged = (targets == before[0]).all() and (outputs == before[1]).all()
    _law(unchanged, "it changes no array that it is given", loss)
    _law(np.shape(value) == (len(targets),), "value has one number for each row", loss)
    _law(np.shape(slope) == outputs.shape, "slope has the shape of the outputs", loss)
    _law(np.isfinite(value).all() and np.isfinite(slope).all(), "it is finite", loss)
    few = slice(1, 2)
    law = "a row's loss does not depend on the rows beside it"
    _close(loss.value(targets[few], outputs[few]), value[few], 1e-12, law, loss)
    _close(loss.slope(targets[few], outputs[few]), slope[few], 1e-12, law, loss)
    along = rng.normal(size=outputs.shape)
    ahead, behind = (loss.value(targets, outputs + s * along) for s in (step, -step))
    expected = (np.asarray(slope) * along).sum(axis=1)
    scale = max(1.0, float(np.abs(expected).max()))
    law = "slope is the derivative of value"
    _close((ahead - behind) / (2 * step) / scale, expected / scale, 1e-5, law, loss)
