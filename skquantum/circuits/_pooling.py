"""The network of convolutions and poolings: a register that halves from stage to stage."""

import itertools
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import cirq
import sympy
from sklearn.utils._param_validation import StrOptions

from skquantum._symbols import resolve
from skquantum._validation import class_hint, shown, unknown
from skquantum.circuits._angle import rotations
from skquantum.circuits._ansatz import Ansatz, RepeatedAnsatz, weight_symbols
from skquantum.circuits._folding import POSITIVE_INTEGER
from skquantum.circuits._qubits import ansatz_qubits, placed

Weights = Sequence[sympy.Symbol]
Block = Callable[[cirq.LineQubit, cirq.LineQubit, Weights], Iterator[cirq.OP_TREE]]


def _su4(a: cirq.LineQubit, b: cirq.LineQubit, w: Weights) -> Iterator[cirq.OP_TREE]:
    yield (rotations(axis, [a], w[i:]) for i, axis in enumerate("ZYZ"))
    yield (rotations(axis, [b], w[3 + i :]) for i, axis in enumerate("ZYZ"))
    yield cirq.CX(a, b), rotations("Y", [a], w[6:]), rotations("Z", [b], w[7:])
    yield cirq.CX(b, a), rotations("Y", [a], w[8:]), cirq.CX(a, b)
    yield (rotations(axis, [a], w[9 + i :]) for i, axis in enumerate("ZYZ"))
    yield (rotations(axis, [b], w[12 + i :]) for i, axis in enumerate("ZYZ"))


def _so4(a: cirq.LineQubit, b: cirq.LineQubit, w: Weights) -> Iterator[cirq.OP_TREE]:
    yield rotations("Y", [a, b], w[0:]), cirq.CX(a, b)
    yield rotations("Y", [a, b], w[2:]), cirq.CX(a, b)
    yield rotations("Y", [a, b], w[4:])


def _u2(a: cirq.LineQubit, b: cirq.LineQubit, w: Weights) -> Iterator[cirq.OP_TREE]:
    yield rotations("Y", [a, b], w), cirq.CX(a, b)


#: Two-qubit blocks by name, with their numbers of weights.
BLOCKS: dict[str, tuple[Block, int]] = {"su4": (_su4, 15), "so4": (_so4, 6), "u2": (_u2, 2)}


class ConvolutionBlock(RepeatedAnsatz):
    """The two-qubit block of a :class:`PoolingNetwork`, once or several times.

    On two qubits, as in the network, a layer is one block. On more of them, a layer has a block
    of its own weights on each pair of neighbours; a single qubit gets a rotation about Y.

    Parameters
    ----------
    block : {"su4", "so4", "u2"}, default="su4"
        The block; :class:`PoolingNetwork` says what each is.
    n_layers : int, default=1
        How often it is repeated, with new weights.

    Examples
    --------
    >>> from skquantum.circuits import ConvolutionBlock
    >>> print(ConvolutionBlock("u2").build(2))
    0: ───Y^(w_0/pi)───@───
                       │
    1: ───Y^(w_1/pi)───X───
    """

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        **RepeatedAnsatz._parameter_constraints,
        "block": [StrOptions(set(BLOCKS))],
    }

    def __init__(self, block: str = "su4", n_layers: int = 1) -> None:
        self.block = block
        self.n_layers = n_layers

    def _layer(
        self, layer: int, qubits: list[cirq.LineQubit], weights: Iterator[sympy.Symbol]
    ) -> Iterator[cirq.OP_TREE]:
        if len(qubits) == 1:
            yield rotations("Y", qubits, weights)
        gates, n_weights = BLOCKS[self.block]
        pairs = list(itertools.pairwise(qubits))
        for pair in pairs[0::2] + pairs[1::2]:
            yield gates(*pair, list(itertools.islice(weights, n_weights)))


def resolve_convolution(convolution: str | Ansatz) -> Ansatz:
    """Return the ansatz on two qubits that a parameter stands for.

    Raises
    ------
    ValueError
        If the name is unknown.
    TypeError
        If it is neither a name nor an ansatz.
    """
    if isinstance(convolution, str) and convolution in BLOCKS:
        return ConvolutionBlock(convolution)
    resolve_block(convolution)
    assert isinstance(convolution, Ansatz)
    return convolution


def resolve_block(convolution: str | Ansatz) -> tuple[Block, int]:
    """Return a two-qubit block, and its number of weights, from its name or an ansatz.

    Raises
    ------
    ValueError
        If the name is unknown.
    TypeError
        If it is neither a name nor an ansatz.
    """
    if isinstance(convolution, Ansatz):
        return _block_of(convolution)
    names = ", ".join(map(repr, BLOCKS))
    if isinstance(convolution, str):
        if convolution in BLOCKS:
            return BLOCKS[convolution]
        own = "an Ansatz instance, which is used on two qubits, works too"
        raise ValueError(unknown("convolution", convolution, BLOCKS, own))
    is_circuit = isinstance(convolution, cirq.AbstractCircuit)
    hint = " Wrap it: CircuitAnsatz(circuit)." if is_circuit else class_hint(convolution, Ansatz)
    raise TypeError(
        f"convolution must be an Ansatz instance or one of {names}; got {shown(convolution)}."
        f"{hint}"
    )


def _block_of(ansatz: Ansatz) -> tuple[Block, int]:
    circuit, symbols = ansatz.build(2), ansatz.symbols(2)
    qubits = ansatz_qubits(ansatz, 2)

    def block(a: cirq.LineQubit, b: cirq.LineQubit, w: Weights) -> Iterator[cirq.OP_TREE]:
        fresh = dict(zip(symbols, w, strict=True))
        renamed = resolve(circuit, fresh)
        yield placed(renamed, qubits, [a, b]).all_operations()

    return block, len(symbols)


def _controlled(
    kept: cirq.LineQubit, discarded: cirq.LineQubit, w: Weights
) -> Iterator[cirq.OP_TREE]:
    turn, flip = _turn_and_flip(kept, w)
    yield turn.controlled_by(discarded), cirq.X(discarded), flip.controlled_by(discarded)


def _modular(
    kept: cirq.LineQubit, discarded: cirq.LineQubit, w: Weights
) -> Iterator[cirq.OP_TREE]:
    choose = cirq.Circuit(rotations(axis, [kept], w[i:]) for i, axis in enumerate("XYZ"))
    yield choose.all_operations()
    yield (rotations(axis, [discarded], w[3 + i :]) for i, axis in enumerate("XYZ"))
    yield cirq.CX(discarded, kept)
    yield cirq.inverse(choose).all_operations()


def _select(kept: cirq.LineQubit, discarded: cirq.LineQubit, w: Weights) -> Iterator[cirq.OP_TREE]:
    return iter(())


#: Pooling gates by name, with their numbers of weights. "measured" is simulated as "controlled".
POOLINGS: dict[str, tuple[Block, int]] = {
    "controlled": (_controlled, 2),
    "measured": (_controlled, 2),
    "modular": (_modular, 6),
    "select": (_select, 0),
}


def _turn_and_flip(kept: cirq.LineQubit, w: Weights) -> tuple[cirq.Operation, cirq.Operation]:
    """Return what happens to a kept qubit if its partner is 1, and if it is 0."""
    (turn,), (flip,) = rotations("Z", [kept], w), rotations("X", [kept], w[1:])
    return turn, flip


def _measured(
    kept: cirq.LineQubit, discarded: cirq.LineQubit, w: Weights
) -> Iterator[cirq.OP_TREE]:
    turn, flip = _turn_and_flip(kept, w)
    key = f"m_{discarded.x}"
    yield cirq.measure(discarded, key=key)
    yield turn.with_classical_controls(key)
    yield flip.with_classical_controls(sympy.Eq(sympy.Symbol(key), 0))


@dataclass(frozen=True)
class _Stage:
    """The active qubits of a stage, and which of them are kept at the cost of which."""

    active: tuple[cirq.LineQubit, ...]
    pooled: tuple[tuple[cirq.LineQubit, cirq.LineQubit], ...]

    @property
    def kept(self) -> tuple[cirq.LineQubit, ...]:
        discarded = {q for _, q in self.pooled}
        return tuple(q for q in self.active if q not in discarded)

    def neighbours(self) -> list[tuple[cirq.LineQubit, cirq.LineQubit]]:
        """Return the pairs of a ring, in the order of Hur et al."""
        qubits = self.active
        chain = list(zip(qubits[:-1], qubits[1:], strict=True))
        # On two qubits the way round would be a second block on the same pair.
        ring = [(qubits[0], qubits[-1])] if len(qubits) > 2 else []
        return [*ring, *chain[0::2], *chain[1::2]]


class PoolingNetwork(Ansatz):
    """Quantum convolutional network: blocks on neighbours, then pooling, stage after stage.

    A stage of the network [1]_ has two layers. *Convolution*: a two-qubit block acts on all
    pairs of neighbours in the ring of active qubits. *Pooling*: of each pair of active qubits
    the first is kept, changed according to the second, which is discarded. So the register
    halves, the number of stages grows with the logarithm of the number of qubits, and, where
    the blocks of a stage share their weights, so does the number of weights. Gradients of such a
    network do not vanish exponentially with its width [2]_. An odd qubit out is kept. A
    single qubit gets a rotation about Y.

    The result is in the kept qubits, which :meth:`kept` names; nothing acts on the others any
    more, and an observable on the kept ones leaves them out.

    Parameters
    ----------
    convolution : {"su4", "so4", "u2"} or Ansatz, default="su4"
        The two-qubit block, of those that Hur et al. compare [3]_. "su4" is any unitary, by 15
        weights and 3 CX gates; "so4" any real rotation of the four amplitudes, by 6 weights and
        2 CX gates; "u2", of 2 weights, a rotation about Y of each qubit and one CX gate, as in a
        tree tensor network (the two stands for the weights: it is no general unitary). An
        ansatz is used as it is on two qubits.
    pooling : {"controlled", "measured", "modular", "select"}, default="controlled"
        How a kept qubit learns of the discarded one: the four families that Monnet et al.
        compare [4]_, with gates that are not always theirs.
        "controlled": a rotation about Z if the discarded qubit is 1, about X if it is 0 (the
        gates CRZ, X, CRX of Hur et al., 2 weights; the discarded qubit itself is the control,
        where Monnet et al. add ancilla qubits). "measured": the same with a measurement of
        the discarded qubit and rotations that depend on its outcome, which is how a device does
        without long-lived qubits; on average it is equal to "controlled" and it is simulated as
        such, :meth:`measured_form` is what a device runs. "modular": the block of TensorFlow
        Quantum's tutorial on these networks [5]_: rotations about X, Y and Z choose the bases of
        both qubits, a CX gate joins them, and the kept qubit is turned back (6 weights).
        "select": nothing, the other qubits are just not read out.
    n_outputs : int, default=1
        Qubits to be read out.
    n_stages : int, default=None
        Number of stages. None means as many as it takes to have no more than `n_outputs`
        qubits left. With fewer, the first of the active qubits are read out.
    share_weights : bool, default=True
        Whether all blocks of a stage have the same weights, and all its poolings.

    References
    ----------
    .. [1] I. Cong, S. Choi and M. D. Lukin (2019). Quantum convolutional neural networks. Nature
       Physics 15, 1273-1278. :arxiv:`1810.03787`
    .. [2] A. Pesah et al. (2021). Absence of barren plateaus in quantum convolutional neural
       networks. Physical Review X 11, 041011. :arxiv:`2011.02966`
    .. [3] T. Hur, L. Kim and D. K. Park (2022). Quantum convolutional neural network for
       classical data classification. Quantum Machine Intelligence 4, 3. :arxiv:`2108.00661`
    .. [4] M. Monnet et al. (2023). Pooling techniques in hybrid quantum-classical convolutional
       neural networks. IEEE International Conference on Quantum Computing and Engineering.
       :arxiv:`2305.05603`
    .. [5] TensorFlow Quantum, "Quantum Convolutional Neural Network",
       https://www.tensorflow.org/quantum/tutorials/qcnn

    Examples
    --------
    >>> from skquantum.circuits import PoolingNetwork
    >>> network = PoolingNetwork("u2")
    >>> print(network.build(2))
    0: ───Y^(w_0/pi)───@───Z^(w_2/pi)───────X^(w_3/pi)───
                       │   │                │
    1: ───Y^(w_1/pi)───X───@────────────X───@────────────
    >>> network.kept(8)
    (cirq.LineQubit(0),)
    >>> len(PoolingNetwork("su4").symbols(8))  # three stages of 15 + 2
    51
    """

    _named_parts: ClassVar = {"convolution": resolve_convolution}
    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        "convolution": [StrOptions(set(BLOCKS)), Ansatz],
        "pooling": [StrOptions(set(POOLINGS))],
        "n_outputs": [POSITIVE_INTEGER],
        "n_stages": [POSITIVE_INTEGER, None],
        "share_weights": ["boolean"],
    }

    def __init__(
        self,
        convolution: str | Ansatz = "su4",
        pooling: str = "controlled",
        n_outputs: int = 1,
        n_stages: int | None = None,
        share_weights: bool = True,
    ) -> None:
        self.convolution = convolution
        self.pooling = pooling
        self.n_outputs = n_outputs
        self.n_stages = n_stages
        self.share_weights = share_weights

    def layers(self, n_qubits: int) -> list[cirq.Circuit]:
        return self._circuits(n_qubits, *POOLINGS.get(self.pooling, (_select, 0)))

    def kept(self, n_qubits: int) -> tuple[cirq.LineQubit, ...]:
        """Return the qubits that are read out.

        Parameters
        ----------
        n_qubits : int
            Number of qubits to act on.

        Returns
        -------
        qubits : tuple of cirq.LineQubit
            `n_outputs` qubits.
        """
        return self._stages(n_qubits)[-1].kept[: self.n_outputs]

    def measured_form(self, n_qubits: int) -> cirq.Circuit:
        """Build the network with measurements in place of controls.

        Parameters
        ----------
        n_qubits : int
            Number of qubits to act on.

        Returns
        -------
        circuit : cirq.Circuit
            Each discarded qubit is measured, and the rotations of the kept one depend on the
            outcome. Expectation values on the kept qubits are those of :meth:`build`.

        Raises
        ------
        ValueError
            If the pooling is neither "measured" nor "controlled", and as for :meth:`build`.
        """
        self._check_size(n_qubits, "n_qubits")
        if self.pooling not in ("controlled", "measured"):
            raise ValueError(
                f"pooling={self.pooling!r} has no form with measurements; 'measured' and "
                "'controlled' have one."
            )
        return sum(self._circuits(n_qubits, _measured, 2), cirq.Circuit())

    def _circuits(self, n_qubits: int, pool: Block, n_pooling: int) -> list[cirq.Circuit]:
        stages = self._stages(n_qubits)
        weights = weight_symbols()
        block, n_block = resolve_block(self.convolution)
        circuits = []
        for stage in stages:
            circuit = cirq.Circuit()
            if len(stage.active) == 1:
                circuit.append(rotations("Y", stage.active, weights))
            parts = (block, n_block, stage.neighbours()), (pool, n_pooling, stage.pooled)
            for gates, n_weights, pairs in parts:
                shared = [next(weights) for _ in range(n_weights)] if pairs else []
                for i, pair in enumerate(pairs):
                    if i and not self.share_weights:
                        shared = [next(weights) for _ in range(n_weights)]
                    circuit.append(gates(*pair, shared))
            circuits.append(circuit)
        return circuits

    def _stages(self, n_qubits: int) -> list[_Stage]:
        n_qubits = self._check_size(n_qubits, "n_qubits")
        if self.n_outputs > n_qubits:
            raise ValueError(
                f"n_outputs={self.n_outputs} qubits can't be read out of {n_qubits}; lower it."
            )
        stages: list[_Stage] = []
        active = tuple(cirq.LineQubit.range(n_qubits))
        # At least one, which does no more than convolve if all qubits are read out.
        while not stages or len(active) > self.n_outputs:
            n_pooled = min(len(active) // 2, len(active) - self.n_outputs)
            pairs = list(zip(active[0::2], active[1::2], strict=False))[:n_pooled]
            stages.append(_Stage(active, tuple(pairs)))
            active = stages[-1].kept
        if self.n_stages is not None and self.n_stages > len(stages):
            raise ValueError(
                f"n_stages={self.n_stages} is too many: {n_qubits} qubits come down to n_outputs="
                f"{self.n_outputs} in {len(stages)}. Lower it, or leave n_stages=None."
            )
        return stages[: self.n_stages]
