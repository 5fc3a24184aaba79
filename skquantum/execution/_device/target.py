"""Circuits for the qubits, the connections and the gates that a device has."""

from __future__ import annotations

import hashlib
import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache, partial
from itertools import combinations, islice
from math import gcd
from typing import Any

import cirq
import networkx as nx  # type: ignore[import-untyped]
import numpy as np

from skquantum._validation import install_hint, unknown
from skquantum.execution._device.marks import KEEP_MARKS, original_and_instead, run_marks
from skquantum.execution._engine import qsim

KEY = "measured"  # the measurement's, in every circuit that a sampler gets
ERRORS = ("pauli_error_per_gate", "pauli_error_per_cycle", "p00_error", "p11_error")
MAX_EMBEDDINGS = 5000  # compared with one another
MAX_STEPS = 50_000  # of the search for them
SHARES = (0.2, 0.4, 0.6, 0.8)  # of the connections, in which they are searched one after another
DENSE_MACHINE_QUBITS = 8  # up to which a density matrix is faster than trajectories

Interactions = frozenset[tuple[tuple[cirq.Qid, cirq.Qid], int]]
Place = dict[cirq.Qid, cirq.Qid]


class Target:
    """A device that circuits are compiled for.

    Parameters
    ----------
    device : cirq.Device
        With metadata: its qubits and connections and, if it restricts them, its gates.
    calibration : mapping, default=None
        Metrics as in `cirq_google.Calibration`: for each name a mapping from qubits to a list
        with one number. With it, qubits of small error are preferred.
    label : str
        The device's name in messages.
    """

    def __init__(
        self, device: cirq.Device, calibration: Mapping[str, Any] | None, label: str
    ) -> None:
        if not isinstance(device, cirq.Device) or device.metadata is None:
            raise ValueError(
                f"device={device!r} does not say which qubits it has; pass a cirq.Device with "
                "metadata, the name of one of Google's, or None."
            )
        self.device, self.label = device, label
        self.graph = _connections(device)
        self.gateset = _own_gateset(device)
        self._errors = _errors(calibration or {})
        self._places: dict[tuple[tuple[cirq.Qid, ...], Interactions], tuple[Place, bool]] = {}

    def check(self, n_qubits: int) -> None:
        """Raise a ValueError if the device has too few connected qubits."""
        most = max(map(len, nx.connected_components(self.graph)), default=0)
        if n_qubits > most:
            raise ValueError(
                f"The circuit has {n_qubits} qubits, and device {self.label!r} has no more than "
                f"{most} that are connected. Use fewer qubits (n_qubits of the encoding, or PCA "
                "before it), or a larger device."
            )

    def compile(
        self, circuit: cirq.AbstractCircuit, qubits: Sequence[cirq.Qid]
    ) -> cirq.FrozenCircuit:
        """Return a circuit for the device, ending in a measurement of all qubits.

        Parameters
        ----------
        circuit : cirq.AbstractCircuit
            Unitary operations without symbols.
        qubits : sequence of cirq.Qid
            The circuit's qubits in the order of the bits to be measured.

        Returns
        -------
        cirq.FrozenCircuit
        """
        circuit, instead = original_and_instead(circuit)
        small = cirq.decompose(circuit, keep=_is_small, on_stuck_raise=_stuck)
        flat = cirq.Circuit(op for op in small if op.qubits)
        place, fits = self.place(tuple(qubits), interactions(flat))
        if fits:
            routed, last = flat.transform_qubits(place), place
        else:
            router = cirq.RouteCQC(self.graph.subgraph(place.values()))
            swapped, _, moved = router.route_circuit(
                flat, initial_mapper=cirq.HardCodedInitialMapper(place)
            )
            routed = swapped.unfreeze()
            last = {q: moved[where] for q, where in place.items()}
        if instead:
            routed = cirq.Circuit(op.transform_qubits(last) for op in instead)
        routed = routed + cirq.measure(*(last[q] for q in qubits), key=KEY)
        if self.gateset is not None:
            routed = cirq.optimize_for_target_gateset(
                routed, gateset=self.gateset, ignore_failures=False, context=KEEP_MARKS
            )
        return self._valid(run_marks(routed))

    def _valid(self, circuit: cirq.FrozenCircuit) -> cirq.FrozenCircuit:
        """Return the circuit as the device takes it: gate by gate, if it does nothing at once."""
        try:
            self.device.validate_circuit(circuit)
        except ValueError:
            one_by_one = cirq.FrozenCircuit(map(cirq.Moment, circuit.all_operations()))
            try:
                self.device.validate_circuit(one_by_one)
            except ValueError:
                pass  # the first error says more
            else:
                return one_by_one
            raise
        return circuit

    def place(
        self, qubits: tuple[cirq.Qid, ...], interactions: Interactions
    ) -> tuple[Place, bool]:
        """Return a qubit of the device for each qubit, and whether all interactions fit.

        They are searched among the connections of least error first, and of the places found
        there the one of least error is taken. If they fit nowhere, it is a connected patch of
        small error, in which qubits have to be swapped. A circuit on qubits of the device, all of
        whose interactions are connections, was placed by the user and stays.
        """
        if self._is_placed(qubits, interactions):
            return {q: q for q in qubits}, True
        if (qubits, interactions) not in self._places:
            embedded = self._embedded(qubits, interactions)
            self._places[qubits, interactions] = (
                (embedded, True) if embedded else (self._patch(qubits), False)
            )
        return self._places[qubits, interactions]

    def _is_placed(self, qubits: tuple[cirq.Qid, ...], interactions: Interactions) -> bool:
        pairs = (pair for pair, _ in interactions)
        return all(q in self.graph for q in qubits) and all(
            self.graph.has_edge(*pair) for pair in pairs
        )

    def _embedded(self, qubits: tuple[cirq.Qid, ...], interactions: Interactions) -> Place | None:
        pattern = nx.Graph()
        pattern.add_edges_from(pair for pair, _ in interactions)

        def cost(place: Place) -> float:
            total = sum(self._error(where) for where in place.values())
            return total + sum(n * self._error(place[a], place[b]) for (a, b), n in interactions)

        found = None
        for graph in self._best_parts():
            found = min(_embeddings(graph, pattern), key=cost, default=None)
            if found is not None:
                break
        if found is None:
            return None
        free = sorted(set(self.graph) - set(found.values()), key=lambda q: (self._error(q), q))
        return found | dict(zip((q for q in qubits if q not in found), free, strict=False))

    def _best_parts(self) -> list[nx.Graph]:
        """Return growing parts of the device, the connections of least error first."""
        if not self._errors:
            return [self.graph]

        def error(pair: Sequence[cirq.Qid]) -> float:
            return self._error(*pair) + self._error(pair[0]) + self._error(pair[1])

        pairs = sorted(map(sorted, self.graph.edges), key=lambda pair: (error(pair), pair))
        sizes = [math.ceil(share * len(pairs)) for share in SHARES]
        return [*(nx.Graph(pairs[:size]) for size in sizes), self.graph]

    def _patch(self, qubits: tuple[cirq.Qid, ...]) -> Place:
        """Return a connected patch, grown from each qubit by the best neighbour."""
        best: tuple[float, list[cirq.Qid]] = (np.inf, [])
        for seed in sorted(self.graph):
            patch, total = [seed], self._error(seed)
            while len(patch) < len(qubits):
                rim = [
                    (self._error(q) + self._error(p, q), q)
                    for p in patch
                    for q in self.graph[p]
                    if q not in patch
                ]
                if not rim:
                    break
                error, chosen = min(rim)
                patch.append(chosen)
                total += error
            if len(patch) == len(qubits) and total < best[0]:
                best = total, patch
        return dict(zip(qubits, best[1], strict=True))

    def _error(self, *where: cirq.Qid) -> float:
        sizes = self._errors.get(len(where), {})
        # What was not calibrated is taken for as bad as the worst.
        return sizes.get(tuple(sorted(where)), max(sizes.values(), default=0.0))


def _own_gateset(device: cirq.Device) -> cirq.CompilationTargetGateset | None:
    """Return the gates that a device has, in the form that circuits are compiled to.

    Google's devices list several such sets, others have one for their gates.
    """
    listed = getattr(device.metadata, "compilation_target_gatesets", ())
    own = [getattr(holder, "gateset", None) for holder in (device.metadata, device)]
    found = (each for each in (*listed, *own) if isinstance(each, cirq.CompilationTargetGateset))
    return next(found, None)


# Of these every device has one.
_TWO_QUBIT_GATES = (cirq.CZ, cirq.SQRT_ISWAP, cirq.ISWAP, cirq.CX, cirq.XX**0.5)


def _connections(device: cirq.Device) -> nx.Graph:
    """Return the device's qubits, and which of them a gate can act on together.

    Some devices connect all qubits in their metadata and refuse gates on those too far apart.
    """
    assert device.metadata is not None
    graph = nx.Graph(device.metadata.nx_graph)
    graph.add_nodes_from(device.metadata.qubit_set)
    allowed = {pair for pair in graph.edges if _takes(device, pair)}
    if allowed:  # else its gates are others than those tried
        graph.remove_edges_from(set(graph.edges) - allowed)
    return graph


def _takes(device: cirq.Device, pair: tuple[cirq.Qid, cirq.Qid]) -> bool:
    for gate in _TWO_QUBIT_GATES:
        try:
            device.validate_operation(gate(*pair))
        except (ValueError, TypeError):
            continue
        return True
    return False


def _embeddings(graph: nx.Graph, pattern: nx.Graph) -> list[Place]:
    """Return places for the nodes of a pattern so that its edges are edges of the graph."""
    if not pattern:
        return [{}]
    if nx.is_bipartite(graph) and not nx.is_bipartite(pattern):
        return []  # as with triangles on a square grid: no need to search
    steps = iter(range(MAX_STEPS))

    class Matcher(nx.algorithms.isomorphism.GraphMatcher):
        def syntactic_feasibility(self, node: Any, other: Any) -> bool:
            if next(steps, None) is None:
                raise TimeoutError
            return super().syntactic_feasibility(node, other)

    out: list[Place] = []
    try:
        for match in islice(Matcher(graph, pattern).subgraph_monomorphisms_iter(), MAX_EMBEDDINGS):
            out.append({q: where for where, q in match.items()})
    except TimeoutError:
        pass  # with what was found so far
    return out


def interactions(circuit: cirq.AbstractCircuit) -> Interactions:
    """Return which pairs of qubits meet, and how often compared with one another.

    A circuit that is run several times over, as error mitigation does, stays in its place.
    """
    small = cirq.decompose(circuit, keep=lambda op: len(op.qubits) <= 2, on_stuck_raise=None)
    pairs = Counter(p for op in small for p in combinations(sorted(op.qubits), 2))
    often = gcd(*pairs.values())
    return frozenset((pair, n // often) for pair, n in pairs.items())


def _errors(calibration: Mapping[str, Any]) -> dict[int, dict[tuple[cirq.Qid, ...], float]]:
    """Return the sum of the errors of gates and read-out for each qubit and each pair."""
    out: dict[int, dict[tuple[cirq.Qid, ...], float]] = {}
    for name, metric in calibration.items():
        if not name.endswith(
            ("pauli_error_per_gate", "pauli_error_per_cycle", "p00_error", "p11_error")
        ):
            continue
        for where, values in metric.items():
            sums = out.setdefault(len(where), {})
            key = tuple(sorted(where))
            sums[key] = sums.get(key, 0.0) + float(values[0])
    return out


def _is_small(op: cirq.Operation) -> bool:
    composite = isinstance(op.untagged, cirq.CircuitOperation)
    return len(op.qubits) <= 2 and cirq.has_unitary(op) and not composite


def _stuck(op: cirq.Operation) -> Exception:
    return ValueError(
        f"{op!r} can't be decomposed into gates on one and two qubits, which devices have. Give "
        "its gate a _decompose_."
    )


class Same:
    """A key by identity, for objects without a hash."""

    def __init__(self, value: Any) -> None:
        self.value = value

    def __hash__(self) -> int:
        return id(self.value)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Same) and self.value is other.value


def device_target(device: cirq.Device | str, calibration: Mapping[str, Any] | None) -> Target:
    """Return what circuits are compiled for, remembered while it is in use."""
    if isinstance(device, str):
        return _named_target(device, Same(calibration))
    return _target(Same(device), Same(calibration))


@lru_cache(maxsize=8)
def _target(device: Same, calibration: Same) -> Target:
    return Target(device.value, calibration.value, type(device.value).__name__)


@lru_cache(maxsize=8)
def _named_target(name: str, calibration: Same) -> Target:
    engine = google_engine(name)
    metrics = calibration.value
    if metrics is None and name in engine.virtual_engine_factory.MEDIAN_CALIBRATIONS:
        metrics = engine.load_median_device_calibration(name)
    return Target(engine.create_device_from_processor_id(name), metrics, name)


def google_engine(name: str) -> Any:
    """Return the module `cirq_google.engine`, if it knows a device of this name."""
    try:
        import cirq_google.engine as engine
    except ImportError as error:
        raise ImportError(
            f"device={name!r} is one of Google's, which need cirq-google: "
            f"{install_hint('google')}."
        ) from error
    names = engine.list_virtual_processors()
    if name not in names:
        raise ValueError(unknown("device", name, names, "a cirq.Device works too"))
    return engine


class _Repeatable(cirq.Sampler):
    """A noisy simulator whose draws depend on a seed and on the circuit, and on nothing else."""

    def __init__(self, simulator: Any, seed: int, noise: cirq.NoiseModel) -> None:
        self._simulator, self._seed, self._noise = simulator, seed, noise

    def run_sweep(
        self, program: cirq.AbstractCircuit, params: cirq.Sweepable, repetitions: int = 1
    ) -> Sequence[cirq.Result]:
        """Sample a circuit."""
        text = f"{self._seed} {cirq.to_json(program)} {params!r}"
        seed = int.from_bytes(hashlib.sha256(text.encode()).digest()[:4], "big") % 2**31
        simulator = self._simulator(noise=self._noise, seed=seed)
        return simulator.run_sweep(program, params, repetitions)


@lru_cache(maxsize=8)
def _virtual_machine(name: str, dense: bool, seed: int | None) -> cirq.Sampler:
    simulator: Any = cirq.DensityMatrixSimulator if dense else qsim.qsimcirq.QSimSimulator  # type: ignore[attr-defined]
    if seed is not None:
        simulator = partial(_Repeatable, simulator, seed)
    machine = google_engine(name).create_default_noisy_quantum_virtual_machine(name, simulator)
    return machine.get_processor(name).get_sampler()


def virtual_machine(name: str, n_qubits: int, seed: int | None) -> cirq.Sampler:
    """Return the sampler of Google's quantum virtual machine of this name."""
    return _virtual_machine(name, n_qubits <= DENSE_MACHINE_QUBITS, seed)


def measured(circuit: cirq.AbstractCircuit, qubits: Iterable[cirq.Qid]) -> cirq.FrozenCircuit:
    """Return a circuit with a measurement of all qubits at its end."""
    return cirq.FrozenCircuit(*circuit.moments, cirq.Moment(cirq.measure(*qubits, key=KEY)))
