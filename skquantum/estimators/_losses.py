"""Losses of the trainable estimators, each with its gradient, over a whole batch of rows."""

from __future__ import annotations

import warnings
from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any, ClassVar

import cirq
import numpy as np

from skquantum._named_parts import NamedPartsMixin
from skquantum._validation import shown, unknown

# outputs and targets, of shape (n_rows, n_outputs), to the loss of each row and its gradient
RowLoss = Callable[[np.ndarray, np.ndarray], tuple[np.ndarray, np.ndarray]]

# How a slope is compared with differences: a point beside the outputs, a step, and what is alike.
BESIDE, STEP, ALIKE = 1e-3, 1e-6, 1e-3


def softmax(logits: np.ndarray) -> np.ndarray:
    """Return probabilities, one row for each row of logits."""
    # scipy.special's takes longer than the rest of a training step on a small batch.
    proba = np.exp(logits - logits.max(axis=1, keepdims=True))
    proba /= proba.sum(axis=1, keepdims=True)
    return proba


def log_loss(logits: np.ndarray, targets: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Cross-entropy of the softmax of logits; targets hold a one in the column of the class."""
    shifted = logits - logits.max(axis=1, keepdims=True)
    proba = np.exp(shifted)
    total = proba.sum(axis=1)
    loss = np.log(total) - np.einsum("ij,ij->i", targets, shifted)
    return loss, proba / total[:, None] - targets


def brier(logits: np.ndarray, targets: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Brier score: the squared distance of the softmax of logits from the targets."""
    proba = softmax(logits)
    error = proba - targets
    slope = 2 * proba * (error - np.einsum("ij,ij->i", error, proba)[:, None])
    return np.einsum("ij,ij->i", error, error), slope


def squared_error(values: np.ndarray, targets: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Half the squared distance, as in MLPRegressor; summed over outputs."""
    error = values - targets
    return np.einsum("ij,ij->i", error, error) / 2, error


def absolute_error(values: np.ndarray, targets: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Sum of absolute errors over outputs; outliers count less."""
    error = values - targets
    return np.abs(error).sum(axis=1), np.sign(error)


def in_units(loss: RowLoss, unit: float) -> RowLoss:
    """Return a loss of values and targets that are divided by a unit."""

    def scaled(values: np.ndarray, targets: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        row_loss, slope = loss(values / unit, targets / unit)
        return row_loss, slope / unit

    return scaled


CLASSIFICATION_LOSSES: dict[str, RowLoss] = {"log_loss": log_loss, "brier": brier}
REGRESSION_LOSSES: dict[str, RowLoss] = {
    "squared_error": squared_error,
    "absolute_error": absolute_error,
}


class Loss(NamedPartsMixin, ABC):
    """Base class of losses of your own: a value and a slope for each row.

    A loss is a description, as other parts are: its constructor only stores arguments, so it
    clones, is saved and takes part in a grid search (``loss__delta``). A subclass writes `value`
    and `slope`; weights of rows, means over batches, and what follows for the weights of the
    circuit are not its business.

    Attributes
    ----------
    readouts : tuple
        The values of `readout` that it goes with: by default all.

    Examples
    --------
    >>> import numpy as np
    >>> from skquantum import VariationalRegressor
    >>> from skquantum.estimators import Loss
    >>> class Quantile(Loss):
    ...     def value(self, y, raw):
    ...         return np.maximum(0.9 * (y - raw), 0.1 * (raw - y)).sum(axis=1)
    ...     def slope(self, y, raw):
    ...         return np.where(raw < y, -0.9, 0.1)
    >>> X = np.linspace(-2, 2, 60).reshape(-1, 1)
    >>> y = X.ravel() + np.random.default_rng(0).normal(size=60)
    >>> model = VariationalRegressor(loss=Quantile(), max_iter=500, random_state=0).fit(X, y)
    >>> print(f"{np.mean(y < model.predict(X)):.1f} of the targets are below")
    0.9 of the targets are below
    """

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {}
    readouts: ClassVar[tuple[str | None, ...]] = ("linear", "scaled", None)

    @abstractmethod
    def value(self, y: np.ndarray, raw: np.ndarray) -> np.ndarray:
        """Return the loss of each row.

        Parameters
        ----------
        y : ndarray of shape (n_rows, n_outputs)
            Targets: for labels a one in the column of the class, zeros elsewhere; for numbers in
            the unit that training goes on in, with mean zero and variance one unless
            ``normalize_y=False``.
        raw : ndarray of shape (n_rows, n_outputs)
            Outputs of the model, before any softmax.

        Returns
        -------
        ndarray of shape (n_rows,)
        """

    @abstractmethod
    def slope(self, y: np.ndarray, raw: np.ndarray) -> np.ndarray:
        """Return the derivatives of each row's loss with respect to its outputs.

        Parameters
        ----------
        y, raw : ndarray of shape (n_rows, n_outputs)
            As for `value`.

        Returns
        -------
        ndarray of shape (n_rows, n_outputs)
        """


class FidelityLoss(Loss):
    """One minus the fidelity with the state of the row's class.

    The cost of data re-uploading [1]_. The outputs have to be fidelities: `observables` are
    projectors on a state for each class, such as those of :func:`label_observables`, and
    ``readout=None`` leaves them as they are.

    References
    ----------
    .. [1] A. Perez-Salinas et al., "Data re-uploading for a universal quantum classifier",
       Quantum 4, 226 (2020), https://arxiv.org/abs/1907.02085

    Examples
    --------
    >>> from sklearn.datasets import make_circles
    >>> from skquantum import VariationalClassifier
    >>> from skquantum.estimators import FidelityLoss, label_observables
    >>> X, y = make_circles(100, factor=0.4, random_state=0)
    >>> model = VariationalClassifier(
    ...     n_qubits=1,
    ...     reupload="trainable",
    ...     observables=label_observables(2),
    ...     readout=None,
    ...     loss=FidelityLoss(),
    ...     solver="lbfgs",
    ...     random_state=0,
    ... )
    >>> print(f"{model.fit(X, y).score(X, y):.1f}")
    1.0
    """

    readouts: ClassVar = (None,)

    def value(self, y: np.ndarray, raw: np.ndarray) -> np.ndarray:
        """Return the infidelity of each row; see :meth:`Loss.value`."""
        _check_labels(self, y)
        return 1 - np.einsum("ij,ij->i", y, raw)

    def slope(self, y: np.ndarray, raw: np.ndarray) -> np.ndarray:
        """Return its derivatives; see :meth:`Loss.slope`."""
        return -y


class WeightedFidelityLoss(Loss):
    """Half the squared distance of weighted fidelities from those of the class's own state.

    The weighted cost of data re-uploading [1]_: the state of a row shall have with the states of
    all classes the fidelities that the state of its class has with them. Fidelities are
    the outputs of :func:`label_observables`; with ``readout="scaled"`` each has a trained weight,
    as published (set ``alpha=0``: there is no penalty on these).

    Parameters
    ----------
    overlaps : array-like of shape (n_classes, n_classes), default=None
        Fidelities of the states of the classes. None means those of :func:`label_observables`.

    References
    ----------
    .. [1] A. Perez-Salinas et al., "Data re-uploading for a universal quantum classifier",
       Quantum 4, 226 (2020), https://arxiv.org/abs/1907.02085

    Examples
    --------
    >>> import numpy as np
    >>> from skquantum.estimators import WeightedFidelityLoss
    >>> loss, y = WeightedFidelityLoss(), np.eye(3)
    >>> loss.value(y, np.full((3, 3), 0.5))
    array([0.1875, 0.1875, 0.1875])
    """

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {"overlaps": ["array-like", None]}

    def __init__(self, overlaps: Any = None) -> None:
        self.overlaps = overlaps

    def value(self, y: np.ndarray, raw: np.ndarray) -> np.ndarray:
        """Return the distance of each row; see :meth:`Loss.value`."""
        _check_labels(self, y)
        error = self.slope(y, raw)
        return np.einsum("ij,ij->i", error, error) / 2

    def slope(self, y: np.ndarray, raw: np.ndarray) -> np.ndarray:
        """Return its derivatives; see :meth:`Loss.slope`."""
        return raw - y @ self._expected(y.shape[1])

    def _expected(self, n_classes: int) -> np.ndarray:
        if self.overlaps is None:
            directions = _label_directions(n_classes)
            return (1 + directions @ directions.T) / 2
        overlaps = np.asarray(self.overlaps, dtype=float)
        if overlaps.shape != (n_classes, n_classes) or not np.isfinite(overlaps).all():
            raise ValueError(
                f"overlaps must be {n_classes} x {n_classes} finite numbers, one for each pair of "
                f"the {n_classes} classes, got {shown(self.overlaps)}."
            )
        return overlaps


def _check_labels(loss: Loss, y: np.ndarray) -> None:
    if not (((y == 0) | (y == 1)).all() and (y.sum(axis=1) == 1).all()):
        raise ValueError(f"loss={loss} is about the states of classes; targets are numbers.")


def _label_directions(n_classes: int) -> np.ndarray:
    """Return points on the Bloch sphere as far apart as can be, the first at the top."""
    turns = 2 * np.pi / 3 * np.arange(3)
    ring = [[8**0.5 / 3 * np.cos(t), 8**0.5 / 3 * np.sin(t), -1 / 3] for t in turns]
    known = {
        2: [[0, 0, 1], [0, 0, -1]],
        3: [[np.sin(t), 0, np.cos(t)] for t in turns],
        4: [[0, 0, 1], *ring],
        6: [[0, 0, 1], [0, 0, -1], [1, 0, 0], [-1, 0, 0], [0, 1, 0], [0, -1, 0]],
    }
    if n_classes not in known:
        raise ValueError(
            f"States of {n_classes} classes on the Bloch sphere are not known here, those of "
            f"{', '.join(map(str, known))} are: give projectors as observables and, for "
            "WeightedFidelityLoss, their overlaps."
        )
    return np.array(known[n_classes], dtype=float)


def label_observables(n_classes: int, qubit: cirq.Qid | None = None) -> list[cirq.PauliSum]:
    """Return projectors on a state for each class, as far apart on the Bloch sphere as can be.

    Parameters
    ----------
    n_classes : {2, 3, 4, 6}
        Number of classes: poles, triangle, tetrahedron or octahedron.
    qubit : cirq.Qid, default=None
        The qubit; None means ``cirq.LineQubit(0)``.

    Returns
    -------
    list of cirq.PauliSum
        Their expectation values are fidelities with the states.

    Raises
    ------
    ValueError
        If the number of classes is another one.

    References
    ----------
    .. [1] A. Perez-Salinas et al., "Data re-uploading for a universal quantum classifier",
       Quantum 4, 226 (2020), https://arxiv.org/abs/1907.02085

    Examples
    --------
    >>> from skquantum.estimators import label_observables
    >>> for projector in label_observables(2):
    ...     print(projector)
    0.500*I+0.500*Z(q(0))
    0.500*I-0.500*Z(q(0))
    """
    qubit = cirq.LineQubit(0) if qubit is None else qubit
    paulis = cirq.X(qubit), cirq.Y(qubit), cirq.Z(qubit)
    return [
        sum((float(a) / 2 * p for a, p in zip(point, paulis, strict=True) if a), start=half)
        for point in _label_directions(n_classes)
        for half in [cirq.PauliSum.from_pauli_strings(cirq.PauliString(coefficient=0.5))]
    ]


def _read_only(array: np.ndarray) -> np.ndarray:
    view = array.view()
    view.flags.writeable = False
    return view


class CheckedLoss:
    """A user's loss as training calls it: what it returns is checked, at the first step in full.

    Parameters
    ----------
    loss : Loss
        The loss.
    """

    def __init__(self, loss: Loss) -> None:
        self._loss, self._is_known = loss, False

    def __call__(self, raw: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        raw, y = _read_only(raw), _read_only(y)
        value = self._array("value", y, raw, (len(raw),), "one number for each row")
        slope = self._array("slope", y, raw, raw.shape, "one number for each output of a row")
        if not self._is_known and np.isfinite(raw).all():
            self._check_finite("value", value, raw)
            self._check_finite("slope", slope, raw)
            self._compare(y, raw)
            self._is_known = True
        return value, slope

    def _array(
        self, name: str, y: np.ndarray, raw: np.ndarray, shape: tuple[int, ...], what: str
    ) -> np.ndarray:
        found = getattr(self._loss, name)(y, raw)
        array = np.asarray(found)
        if array.dtype.kind not in "fiub" or array.shape != shape:
            kind = "" if array.dtype.kind in "fiub" else f" of {array.dtype}"
            raise ValueError(
                f"loss={self._loss}: {name} must return {what}, an array of real numbers of shape "
                f"{shape}, got shape {array.shape}{kind}."
            )
        return array.astype(float, copy=False)

    def _check_finite(self, name: str, array: np.ndarray, raw: np.ndarray) -> None:
        wrong = np.argwhere(~np.isfinite(array))
        if len(wrong):
            row = int(wrong[0][0])
            raise ValueError(
                f"loss={self._loss}: {name} must be finite, got {array[tuple(wrong[0])]} for a "
                f"row with outputs {raw[row]}, at the first step."
            )

    def _compare(self, y: np.ndarray, raw: np.ndarray) -> None:
        """Warn where the slope is not the derivative of the value, beside the outputs.

        Beside them, as a loss may have a kink right there; few rows at a kink do not count.
        """
        rng = np.random.default_rng(0)
        at = raw + BESIDE * rng.normal(size=raw.shape)
        along = rng.normal(size=raw.shape)
        with np.errstate(all="ignore"):
            ahead, behind = (
                np.asarray(self._loss.value(y, at + step * along)) for step in (STEP, -STEP)
            )
            found = (ahead - behind) / (2 * STEP)
            expected = np.einsum("ij,ij->i", np.asarray(self._loss.slope(y, at)), along)
        known = np.isfinite(found) & np.isfinite(expected)
        off = abs(found - expected) > ALIKE * np.maximum(1, np.maximum(abs(found), abs(expected)))
        if (off & known).sum() > known.sum() / 2:
            warnings.warn(
                f"loss={self._loss}: slope is not the derivative of value, which differs from it "
                f"in {(off & known).sum()} of {known.sum()} rows. Training follows the slope, and "
                "stops by the value.",
                stacklevel=2,
            )


def resolve_loss(
    loss: str | Loss, losses: dict[str, RowLoss], readout: str | None = "linear"
) -> RowLoss:
    """Return the loss that a parameter stands for.

    Raises
    ------
    ValueError
        If a name is not known, or a loss does not go with the read-out or has parameters that
        are not valid.
    """
    if not isinstance(loss, str):
        loss._validate_params()
        if readout not in loss.readouts:
            fitting = " or ".join(f"readout={each!r}" for each in loss.readouts)
            raise ValueError(
                f"loss={loss} does not go with readout={readout!r}; set {fitting}, with one "
                "observable for each output."
            )
        return CheckedLoss(loss)
    if loss not in losses:
        hint = "a Loss of your own works too"
        raise ValueError(unknown("loss", loss, losses, hint))
    return losses[loss]
