"""How fast gradients vanish as the register grows: barren plateaus."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import cirq
import numpy as np
from sklearn.utils import check_random_state

from skquantum._symbols import resolve
from skquantum.circuits import Ansatz, resolve_ansatz
from skquantum.execution import QsimBackend
from skquantum.inspection._plots import draw_decay, log_slopes
from skquantum.layers import QuantumLayer, check_init, initializer

if TYPE_CHECKING:
    from matplotlib.axes import Axes

# The angle that every qubit is encoded with: a state on which neither the observable nor a
# circuit near the identity is stationary.
FEATURE = np.pi / 4


@dataclass(frozen=True)
class GradientVariance:
    """Variances of gradients over registers and initialisations.

    Attributes
    ----------
    n_qubits : ndarray of int, shape (n_registers,)
        Sizes of the register.
    inits : tuple of str
        Names of the initialisations; ``"normal, 0.1"`` stands for a standard deviation.
    variances : ndarray of shape (n_inits, n_registers)
        Variance of the derivative over random starts, the mean over all weights or that of one.
    """

    n_qubits: np.ndarray
    inits: tuple[str, ...]
    variances: np.ndarray

    def slopes(self) -> dict[str, float]:
        """Return the slope of the logarithm of the variance for each initialisation.

        Returns
        -------
        dict of str to float
            Of a straight line through the natural logarithms: what a further qubit adds. Clearly
            below zero, the variance decays exponentially with the register.
        """
        return log_slopes(self.n_qubits, self.variances, self.inits)

    def plot(self, ax: Axes | None = None) -> Axes:
        """Draw the variances against the number of qubits, on a logarithmic scale.

        Parameters
        ----------
        ax : matplotlib.axes.Axes, default=None
            Where to draw; None makes a new figure.

        Returns
        -------
        matplotlib.axes.Axes
        """
        ax = draw_decay(ax, self.n_qubits, self.variances, self.inits)
        ax.set(xlabel="qubits", ylabel="variance of the gradient")
        ax.legend(title="init")
        return ax


def gradient_variance(
    ansatz: str | Ansatz = "strongly_entangling",
    n_qubits: int | Sequence[int] = (2, 4, 6, 8),
    *,
    init: str | float | Sequence[str | float] = ("uniform", "small_normal", "identity_blocks"),
    weight: int | None = None,
    n_samples: int = 100,
    n_layers: int | None = None,
    backend: QsimBackend | None = None,
    random_state: Any = None,
) -> GradientVariance:
    """Measure the variance of gradients over random starts, for growing registers.

    Where it decays exponentially with the number of qubits, training can't start: a barren
    plateau [1]_. Every qubit is first turned by pi/4 about Y; the observable is the product of Z
    on the first two qubits (Z, for one qubit).

    Parameters
    ----------
    ansatz : str or Ansatz, default="strongly_entangling"
        The circuit, or its name.
    n_qubits : int or sequence of int, default=(2, 4, 6, 8)
        Sizes of the register.
    init : str, float or sequence, default=("uniform", "small_normal", "identity_blocks")
        Initialisations, as in :class:`skquantum.VariationalClassifier`, or standard deviations in
        radians of normal starts around 0. "identity_blocks" puts the inverse of each layer after
        it, as the classifier does, so its circuit has twice the layers.
    weight : int, default=None
        The weight whose derivative is looked at, negative from the end; None for the mean over
        all.
    n_samples : int, default=100
        Random starts for each; all of them run as one batch.
    n_layers : int, default=None
        Layers of the ansatz, if it has that parameter. None means as many as qubits, the
        regime in which plateaus show.
    backend : QsimBackend, default=None
        How circuits are run; None means ``QsimBackend()``.
    random_state : int, RandomState instance or None, default=None
        Where random starts come from.

    Returns
    -------
    GradientVariance
        With the variances, ``plot()`` and ``slopes()``.

    Raises
    ------
    ValueError
        If a name is unknown or a number is not positive.

    References
    ----------
    .. [1] J. R. McClean et al., "Barren plateaus in quantum neural network training
       landscapes", Nature Communications 9, 4812 (2018), https://arxiv.org/abs/1803.11173

    Examples
    --------
    >>> from skquantum.inspection import gradient_variance
    >>> result = gradient_variance(n_qubits=(2, 4, 6), n_samples=200, random_state=0)
    >>> {init: round(slope, 1) for init, slope in result.slopes().items()}
    {'uniform': -0.5, 'small_normal': -0.2, 'identity_blocks': -0.2}
    """
    if n_samples < 2:
        raise ValueError(f"n_samples must be at least 2 for a variance, got {n_samples}.")
    sizes = (n_qubits,) if isinstance(n_qubits, int) else tuple(n_qubits)
    inits = (init,) if isinstance(init, str | float | int) else tuple(init)
    for one in inits:
        if isinstance(one, str):
            check_init(one)
        elif not 0 < one < np.inf:
            raise ValueError(f"init={one!r}: give a standard deviation above 0, in radians.")
    rng = check_random_state(random_state)
    variances = [
        [_variance(ansatz, n, one, weight, n_samples, n_layers, backend, rng) for n in sizes]
        for one in inits
    ]
    names = tuple(one if isinstance(one, str) else f"normal, {one:g}" for one in inits)
    return GradientVariance(np.array(sizes), names, np.array(variances))


def _variance(
    ansatz: str | Ansatz,
    n_qubits: int,
    init: str | float,
    weight: int | None,
    n_samples: int,
    n_layers: int | None,
    backend: QsimBackend | None,
    rng: np.random.RandomState,
) -> float:
    ansatz = resolve_ansatz(ansatz)
    layers = n_qubits if n_layers is None else n_layers
    if "n_layers" in ansatz.get_params(deep=False):
        ansatz = type(ansatz)(**ansatz.get_params(deep=False) | {"n_layers": layers})
    observable: cirq.PauliString = cirq.PauliString(
        cirq.Z(q) for q in cirq.LineQubit.range(min(n_qubits, 2))
    )
    layer = QuantumLayer(
        "angle",
        ansatz,
        [observable],
        n_features=n_qubits,
        identity_blocks=init == "identity_blocks",
    )
    # The weights take the place of the data: all random starts are the rows of one batch.
    circuit = resolve(layer.circuit, dict.fromkeys(layer.data_symbols, FEATURE))
    n_weights = layer.n_weights
    if weight is not None and not -n_weights <= weight < n_weights:
        raise ValueError(
            f"weight={weight}: {ansatz} on {n_qubits} qubits has {n_weights} weights."
        )
    if isinstance(init, str):
        draw = initializer(init, layer, ansatz)
        starts = np.array([draw(rng) for _ in range(n_samples)])
    else:
        starts = rng.normal(0.0, init, (n_samples, n_weights))
    run = (backend or QsimBackend()).evaluator(circuit, layer.weight_symbols, (), [observable])
    gradients, _ = run.forward_vjp(starts, np.empty(0))[1](np.ones((n_samples, 1)))
    variances = gradients.var(axis=0, ddof=1)
    return float(variances.mean() if weight is None else variances[weight])
