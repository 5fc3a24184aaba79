"""From the parameters of a recurrent estimator to its network."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from skquantum._validation import shown
from skquantum.circuits import (
    Ansatz,
    Encoding,
    ScaleWarning,
    resolve_ansatz,
    resolve_encoding,
)
from skquantum.estimators._base import settled
from skquantum.estimators._qlstm.gates import CircuitGates, EnhancedGates, LinearGates
from skquantum.estimators._qlstm.network import Cell, RecurrentNetwork
from skquantum.estimators._rows import TrainingRows
from skquantum.layers import CircuitBank, check_angles, initial_weights

CELLS = ("linear_enhanced", "chen", "chen6", "lstm")
CELL_INITS = ("small_normal", "uniform")
# Between linear maps the register is free; four qubits are those of the paper's experiments.
ENHANCED_QUBITS = 4
DEFAULTS = {"n_layers": 2, "entangler": "alternate"}

# A size of inputs from which on most of them lie where sigmoids and arctangents are flat.
LARGE = 5.0


def warn_of_size(X: np.ndarray) -> None:
    """Warn if the numbers that go into a cell are far from unit size."""
    unit = np.abs(X).max() or 1.0  # whose multiples have squares that do not overflow
    size = unit * np.sqrt(np.square(X / unit).mean())
    if size > LARGE:
        warnings.warn(
            f"The values of X are of size {size:.3g}; the arctangents and sigmoids of a cell tell "
            "numbers of about unit size apart, and larger ones look alike. Put a scaler in front: "
            "make_pipeline(StandardScaler(), ...).",
            ScaleWarning,
            stacklevel=4,
        )


def cell_ansatz(ansatz: str | Ansatz, n_layers: int, entangler: str) -> Ansatz:
    """Return the ansatz that a parameter stands for: a name gets the layers and the entangler.

    Raises
    ------
    ValueError
        If one of these is not the default and would not be used.
    """
    resolved = resolve_ansatz(ansatz)
    own = resolved.get_params(deep=False)
    for name, value in {"n_layers": n_layers, "entangler": entangler}.items():
        # An entangler of other ansätze is something else.
        known = name in own and (name != "entangler" or own[name] in ("alternate", "both"))
        if known and resolved is not ansatz:
            resolved.set_params(**{name: value})
        elif value != DEFAULTS[name] and not (known and own[name] == value):
            raise ValueError(
                f"{name}={value!r} would not be used: ansatz={shown(ansatz)} "
                + (
                    f"has {name}={own[name]!r}. Set ansatz__{name}"
                    if known
                    else f"has no {name}. Leave it out"
                )
                + ", or give an ansatz that takes it by its name, such as 'rings'."
            )
    return resolved


def build_network(
    estimator: Any, n_steps: int, scale: np.ndarray, rng: np.random.RandomState
) -> RecurrentNetwork:
    """Build the network of an estimator for data of a size known only now.

    `scale` is that of the targets of one time step, see `RecurrentNetwork`.
    """
    cells: list[Cell] = []
    n_read = estimator.n_channels
    for number in range(1, estimator.n_cells + 1):
        prefix = f"cell{number}_" if number > 1 else ""
        cells.append(_cell(estimator, n_read, prefix, rng))
        n_read = cells[-1].size
    outputs, width = {}, cells[-1].size
    if estimator.cell == "chen6":
        outputs["output_weights"] = bank = _bank(estimator, rng, width, 1, None)
        width = bank.n_outputs
    if estimator.head == "quantum":
        outputs["head_weights"] = _bank(estimator, rng, width, 1, None)
    return RecurrentNetwork(
        cells,
        outputs,
        n_steps=n_steps,
        n_channels=estimator.n_channels,
        n_outputs=len(scale),
        sequence=estimator.output == "sequence",
        scale=scale,
    )


def _cell(estimator: Any, n_read: int, prefix: str, rng: np.random.RandomState) -> Cell:
    """Build a cell that reads so many numbers at each time step."""
    size = estimator.hidden_size
    if estimator.cell == "lstm":
        return Cell(LinearGates(size, n_read), None, size, prefix)
    if estimator.cell == "linear_enhanced":
        bank = _bank(estimator, rng, _n_read(estimator), 4, None)
        return Cell(EnhancedGates(bank, size, n_read), None, size, prefix)
    six = estimator.cell == "chen6"
    bank = _bank(estimator, rng, size + n_read, 4, None if six else size)
    gates = CircuitGates(bank, size, n_read)
    if not six:
        return Cell(gates, None, size, prefix)
    state = _bank(estimator, rng, bank.n_outputs, 1, size)
    return Cell(gates, state, bank.n_outputs, prefix)


def _n_read(estimator: Any) -> int:
    """Return how many numbers the linear map makes for the circuits of "linear_enhanced"."""
    encoding = resolve_encoding(estimator.encoding)
    own = encoding.get_params(deep=False).get("n_qubits")
    return encoding.n_inputs(estimator.n_qubits or own or ENHANCED_QUBITS)


def _bank(
    estimator: Any,
    rng: np.random.RandomState,
    n_features: int,
    n_circuits: int,
    n_observed: int | None,
) -> CircuitBank:
    """Build circuits that read so many numbers; Z of the first `n_observed` qubits is measured."""
    encoding = _encoding(estimator, n_features)
    width = encoding.width(n_features)
    if n_observed is not None and n_observed > width:
        raise ValueError(
            f"cell={estimator.cell!r} measures a qubit for each of hidden_size={n_observed} "
            f"numbers, but its circuits have {width} qubits. Set n_qubits to at least "
            f"{n_observed}, or use cell='linear_enhanced'."
        )
    return CircuitBank(
        encoding,
        settled(cell_ansatz(estimator.ansatz, estimator.n_layers, estimator.entangler)),
        n_features=n_features,
        n_circuits=n_circuits,
        n_observed=n_observed,
        gradient=estimator.gradient,
        backend=estimator.backend,
        random_state=rng,
    )


def _encoding(estimator: Any, n_features: int) -> Encoding:
    """Return the encoding on the register of the cell."""
    encoding = settled(resolve_encoding(estimator.encoding))
    if encoding.accepts == "bits":
        raise ValueError(
            f"encoding={encoding} takes bits, but the circuits of a cell read real numbers; use "
            "another encoding, such as 'arctan'."
        )
    own = encoding.get_params(deep=False)
    wanted = estimator.n_qubits
    if "n_qubits" in own and own["n_qubits"] is None:
        if wanted is None:
            enhanced = estimator.cell == "linear_enhanced"
            size = estimator.hidden_size + estimator.n_channels
            wanted = ENHANCED_QUBITS if enhanced else size
        return encoding.set_params(n_qubits=wanted)
    if wanted is not None and encoding.width(n_features) != wanted:
        raise ValueError(
            f"n_qubits={wanted}, but encoding={encoding} takes {n_features} numbers to "
            f"{encoding.width(n_features)} qubits; leave n_qubits=None, or take another encoding."
        )
    return encoding


def target_statistics(
    rows: TrainingRows, n_steps: int, sequence: bool
) -> tuple[np.ndarray, np.ndarray]:
    """Return mean and standard deviation of the targets of one time step; for constants 1."""
    targets = rows.targets.reshape(len(rows.targets), n_steps if sequence else 1, -1)
    weight = np.repeat(rows.weight[:, None], targets.shape[1], axis=1)
    mean = np.average(targets, axis=(0, 1), weights=weight)
    distance = targets - mean
    unit = abs(distance).max(axis=(0, 1))  # squares of what is huge, or tiny, are no numbers
    unit[unit == 0] = 1
    variance = np.average((distance / unit) ** 2, axis=(0, 1), weights=weight)
    return mean, np.where(variance > 0, unit * variance**0.5, 1.0)


def first_weights(
    init: str | ArrayLike,
    network: RecurrentNetwork,
    ansatz: Ansatz,
    rng: np.random.RandomState,
) -> dict[str, np.ndarray]:
    """Return weights to start from, for each bank of circuits.

    Raises
    ------
    ValueError
        If an array is not of the shape of the weights, or not finite.
    """
    counts = {name: bank.shape for name, bank in network.banks.items()}
    if isinstance(init, str):
        return {
            name: np.array(
                [initial_weights(init, bank.layer, ansatz, rng) for _ in range(bank.n_circuits)]
            )
            for name, bank in network.banks.items()
        }
    weights = np.asarray(init, dtype=float)
    n_circuits = sum(shape[0] for shape in counts.values())
    n_weights = max((shape[1] for shape in counts.values()), default=0)
    if weights.shape != (n_circuits, n_weights):
        raise ValueError(
            f"init has shape {weights.shape}, but the model has {n_circuits} circuits with "
            f"{n_weights} weights each: give an array of shape ({n_circuits}, {n_weights})."
        )
    check_angles(weights, "init")
    ends = np.cumsum([shape[0] for shape in counts.values()])[:-1]
    return dict(zip(counts, np.split(weights.copy(), ends), strict=True))
