"""How fast gradients vanish as the register grows: barren plateaus."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import count
from numbers import Real
from typing import TYPE_CHECKING, Any, TypeGuard, cast

import cirq
import numpy as np
import sympy
from numpy.typing import ArrayLike
from sklearn.utils import check_random_state

from skquantum._symbols import resolve, symbols_of
from skquantum._validation import shown
from skquantum.circuits import Ansatz, resolve_ansatz
from skquantum.execution import QsimBackend
from skquantum.inspection._plots import draw_decay, log_slopes
from skquantum.layers import QuantumLayer, block_initializer, check_angles, check_init

if TYPE_CHECKING:
    from matplotlib.axes import Axes

# The angle that every qubit is encoded with: a state on which neither the observable nor a
# circuit near the identity is stationary.
FEATURE = np.pi / 4
RANDOM = "random"

Start = str | float | np.ndarray | Mapping[int, ArrayLike]


@dataclass(frozen=True)
class GradientVariance:
    """Variances of gradients over registers, initialisations and circuits.

    Attributes
    ----------
    n_qubits : ndarray of int, shape (n_registers,)
        Sizes of the register.
    inits : tuple of str
        Initialisation of each row; ``"normal, 0.1"`` stands for a standard deviation, ``"given"``
        for weights of one's own.
    variances : ndarray of shape (n_rows, n_registers)
        Variance of the derivative over random starts, the mean over all weights or that of one.
        With several circuits, all initialisations of the first come first.
    circuits : tuple of str
        Circuit of each row.
    """

    n_qubits: np.ndarray
    inits: tuple[str, ...]
    variances: np.ndarray
    circuits: tuple[str, ...]

    @property
    def names(self) -> tuple[str, ...]:
        """What tells rows apart: the initialisation, after the circuit if there are several."""
        if len(set(self.circuits)) == 1:
            return self.inits
        pairs = zip(self.circuits, self.inits, strict=True)
        return tuple(f"{circuit}, {init}" for circuit, init in pairs)

    def slopes(self) -> dict[str, float]:
        """Return the slope of the logarithm of the variance for each row, by its name.

        Returns
        -------
        dict of str to float
            Of a straight line through the natural logarithms: what a further qubit adds. Clearly
            below zero, the variance decays exponentially with the register. Random circuits that
            are deep enough have -log(2) in wide registers.
        """
        return log_slopes(self.n_qubits, self.variances, self.names)

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
        ax = draw_decay(ax, self.n_qubits, self.variances, self.names)
        ax.set(xlabel="qubits", ylabel="variance of the gradient")
        ax.legend(title="init" if self.names == self.inits else "circuit, init")
        return ax


def gradient_variance(
    ansatz: str | Ansatz | Sequence[str | Ansatz] = "strongly_entangling",
    n_qubits: int | Sequence[int] = (2, 4, 6, 8),
    *,
    init: Start | Sequence[Start] = ("uniform", "small_normal", "identity_blocks"),
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
    ansatz : str, Ansatz or sequence of these, default="strongly_entangling"
        The circuit, or its name; or several. "random" stands for the random circuits of [1]_:
        in each layer, a rotation of every qubit about X, Y or Z, then CZ on neighbours in a line.
        The axes are drawn anew for each start.
    n_qubits : int or sequence of int, default=(2, 4, 6, 8)
        Sizes of the register.
    init : str, float, array, dict or sequence, default=("uniform", "small_normal", \
"identity_blocks")
        Initialisations, as in :class:`skquantum.VariationalClassifier`; standard deviations in
        radians of normal starts around 0; or starts of one's own, an array of shape (n_starts,
        n_weights), in a dict by the number of qubits where there are several. "identity_blocks"
        puts the inverse of each layer after it, as the classifier does, so its circuit has twice
        the layers.
    weight : int, default=None
        The weight whose derivative is looked at, negative from the end; None for the mean over
        all.
    n_samples : int, default=100
        Random starts for each; all of them run as one batch. Arrays bring their own number.
    n_layers : int, default=None
        Layers of the circuit, if it has that parameter. None means as many as qubits, the
        regime in which plateaus show; random circuits are as flat as they get from some ten
        times as many on.
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
        If a name is unknown or given twice, a number is not positive, or starts do not fit the
        circuit.

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
    if n_layers is not None and n_layers < 1:
        raise ValueError(f"n_layers must be at least 1, got {n_layers}.")
    sizes = (n_qubits,) if isinstance(n_qubits, int) else tuple(map(int, n_qubits))
    circuits = _circuit_names((ansatz,) if isinstance(ansatz, str | Ansatz) else ansatz)
    inits = _init_names(_inits(init))
    rng = check_random_state(random_state)
    # All are built before any runs: what does not fit is refused at once.
    rows = [
        [(_register(one, n, n_layers, start), start) for n in sizes]
        for one in circuits.values()
        for start in inits.values()
    ]
    for row in rows:
        for register, start in row:
            register.check(weight, start)
    variances = [
        [_variance(register, start, weight, n_samples, backend, rng) for register, start in row]
        for row in rows
    ]
    pairs = [(circuit, start) for circuit in circuits for start in inits]
    return GradientVariance(
        np.array(sizes),
        tuple(start for _, start in pairs),
        np.array(variances),
        tuple(circuit for circuit, _ in pairs),
    )


@dataclass(frozen=True, eq=False)
class _Register:
    """A circuit on a register, and what its symbols are."""

    name: str
    n_qubits: int
    circuit: cirq.AbstractCircuit
    weights: tuple[sympy.Symbol, ...]
    blocks: list[int]  # weights of each layer, without its inverse
    axes: tuple[sympy.Symbol, ...] = ()  # two angles for each gate of a random circuit

    @property
    def observable(self) -> cirq.PauliString:
        """The product of Z on the first two qubits."""
        return _observable(self.n_qubits)

    def check(self, weight: int | None, start: Start) -> None:
        """Raise an error if a weight or starts are not of this circuit."""
        n_weights = len(self.weights)
        if weight is not None and not -n_weights <= weight < n_weights:
            raise ValueError(
                f"weight={weight}: {self.name} on {self.n_qubits} qubits has {n_weights} weights."
            )
        if not (isinstance(start, str) or _is_spread(start)):
            self.given(start)

    def given(self, start: ArrayLike | Mapping[int, ArrayLike]) -> np.ndarray:
        """Return the starts of this register."""
        if isinstance(start, Mapping):
            if self.n_qubits not in start:
                raise ValueError(
                    f"init has starts for {sorted(start)} qubits, and none for "
                    f"{self.n_qubits}; n_qubits asks for them."
                )
            start = start[self.n_qubits]
        starts = np.asarray(start, dtype=float)
        n_weights = len(self.weights)
        if starts.ndim != 2 or starts.shape[1] != n_weights or len(starts) < 2:
            raise ValueError(
                f"init has starts of shape {starts.shape}, but {self.name} on {self.n_qubits} "
                f"qubits has {n_weights} weights: give an array of shape (n_starts, {n_weights}) "
                "of at least 2 starts, in a dict by the number of qubits if there are several."
            )
        check_angles(starts, "init")
        return starts

    def starts(self, start: Start, n_samples: int, rng: np.random.RandomState) -> np.ndarray:
        """Return weights to start from, a row for each start."""
        if isinstance(start, str):
            locality = min(self.n_qubits, 2)
            draw = block_initializer(start, self.blocks, locality)
            return np.array([draw(rng) for _ in range(n_samples)])
        if _is_spread(start):
            return rng.normal(0.0, float(start), (n_samples, len(self.weights)))
        return self.given(start)


def _observable(n_qubits: int) -> cirq.PauliString:
    return cirq.PauliString(cirq.Z(q) for q in cirq.LineQubit.range(min(n_qubits, 2)))


def _circuit_names(circuits: Sequence[str | Ansatz]) -> dict[str, str | Ansatz]:
    named: dict[str, str | Ansatz] = {}
    for one in circuits:
        name = one if isinstance(one, str) else repr(one)
        if name in named:
            raise ValueError(f"ansatz has {name} twice.")
        if one != RANDOM:
            resolve_ansatz(one)
        named[name] = one
    if not named:
        raise ValueError("ansatz is an empty sequence; give a circuit, or its name.")
    return named


def _inits(init: Start | Sequence[Start]) -> tuple[Start, ...]:
    if isinstance(init, str | Mapping) or _is_spread(init):
        return (init,)
    if isinstance(init, np.ndarray) and init.ndim == 2:
        return (init,)
    inits = tuple(cast("Sequence[Start]", init))
    if not inits:
        raise ValueError("init is an empty sequence; give an initialisation.")
    return inits


def _is_spread(start: Any) -> TypeGuard[float]:
    return isinstance(start, Real)


def _init_names(inits: tuple[Start, ...]) -> dict[str, Start]:
    """Return the initialisations by the names of their rows; refuse what is none."""
    named: dict[str, Start] = {}
    n_given = sum(not (isinstance(one, str) or _is_spread(one)) for one in inits)
    numbers = count(1)
    for one in inits:
        if isinstance(one, str):
            check_init(one)
            name: str = one
        elif _is_spread(one):
            if not 0 < one < np.inf:
                raise ValueError(f"init={one!r}: give a standard deviation above 0, in radians.")
            name = f"normal, {one:g}"
        else:
            name = "given" if n_given == 1 else f"given {next(numbers)}"
        if name in named:
            raise ValueError(f"init has {shown(one)} twice.")
        named[name] = one
    return named


def _register(
    ansatz: str | Ansatz, n_qubits: int, n_layers: int | None, start: Start
) -> _Register:
    layers = n_qubits if n_layers is None else n_layers
    mirrored = isinstance(start, str) and start == "identity_blocks"
    if isinstance(ansatz, str) and ansatz == RANDOM:
        return _random_register(n_qubits, layers, mirrored)
    resolved = resolve_ansatz(ansatz)
    own = resolved.get_params(deep=False)
    if "n_layers" in own:
        resolved = type(resolved)(**own | {"n_layers": layers})
    layer = QuantumLayer(
        "angle",
        resolved,
        [_observable(n_qubits)],
        n_features=n_qubits,
        identity_blocks=mirrored,
    )
    # The weights take the place of the data: all random starts are the rows of one batch.
    circuit = resolve(layer.circuit, dict.fromkeys(layer.data_symbols, FEATURE))
    blocks = [len(symbols_of(block)) for block in resolved.layers(n_qubits)]
    return _Register(str(resolved), n_qubits, circuit, layer.weight_symbols, blocks)


def _random_register(n_qubits: int, n_layers: int, mirrored: bool) -> _Register:
    """Return all random circuits of a size as one: its axes are angles, and differ by the row.

    A rotation about the axis at the angle `tilt` from Z, `turn` from X, is one about Z between
    rotations that bring the axis there and back.
    """
    if n_qubits < 1:
        raise ValueError(f"n_qubits must be at least 1, got {n_qubits}.")
    qubits = cirq.LineQubit.range(n_qubits)
    ladder = [cirq.CZ(a, b) for a, b in zip(qubits, qubits[1:], strict=False)]
    weights, tilts, turns = (_symbols(letter) for letter in "wcb")
    used: list[sympy.Symbol] = []
    axes: list[sympy.Symbol] = []
    circuit = cirq.Circuit(cirq.ry(FEATURE).on_each(*qubits))
    for _ in range(n_layers):
        around = [(next(tilts), next(turns)) for _ in qubits]
        axes += [angle for pair in around for angle in pair]
        for half in range(1 + mirrored):
            angles = [next(weights) for _ in qubits]
            used += angles
            sign = -1 if half else 1
            turned = [
                _rotation(sign * w, tilt, turn, q)
                for w, (tilt, turn), q in zip(angles, around, qubits, strict=True)
            ]
            circuit += cirq.Circuit([ladder, turned] if half else [turned, ladder])
    return _Register(RANDOM, n_qubits, circuit, tuple(used), [n_qubits] * n_layers, tuple(axes))


def _symbols(letter: str) -> Iterator[sympy.Symbol]:
    return (sympy.Symbol(f"{letter}_{i}") for i in count())


def _rotation(
    angle: sympy.Expr, tilt: sympy.Symbol, turn: sympy.Symbol, qubit: cirq.Qid
) -> list[cirq.Operation]:
    there, back = [cirq.ry(tilt)(qubit), cirq.rz(turn)(qubit)], [cirq.rz(-turn), cirq.ry(-tilt)]
    return [*(gate(qubit) for gate in back), cirq.rz(angle)(qubit), *there]


def _random_axes(n_circuits: int, n_gates: int, rng: np.random.RandomState) -> np.ndarray:
    """Return angles to X, Y or Z for each gate, shape (n_circuits, 2 * n_gates)."""
    known = np.array([[np.pi / 2, 0.0], [np.pi / 2, np.pi / 2], [0.0, 0.0]])
    return known[rng.randint(0, 3, (n_circuits, n_gates))].reshape(n_circuits, -1)


def _variance(
    register: _Register,
    start: Start,
    weight: int | None,
    n_samples: int,
    backend: QsimBackend | None,
    rng: np.random.RandomState,
) -> float:
    rows = register.starts(start, n_samples, rng)
    axes = _random_axes(len(rows), len(register.axes) // 2, rng)
    run = (backend or QsimBackend()).evaluator(
        register.circuit, (*register.weights, *register.axes), (), [register.observable]
    )
    _, pullback = run.forward_vjp(np.hstack([rows, axes]), np.empty(0))
    gradients = pullback(np.ones((len(rows), 1)))[0][:, : len(register.weights)]
    variances = gradients.var(axis=0, ddof=1)
    return float(variances.mean() if weight is None else variances[weight])
