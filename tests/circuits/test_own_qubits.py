"""The user's own qubits stay, wherever a circuit of the user's goes."""

from functools import partial

import cirq
import numpy as np
import pytest
import sympy
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone

from skquantum import (
    QLSTMRegressor,
    QuantumFeatureTransformer,
    QuantumKernelSVC,
    QuantumPoolingTransformer,
    VariationalClassifier,
    VariationalRegressor,
)
from skquantum.circuits import (
    Ansatz,
    CircuitAnsatz,
    CircuitEncoding,
    PoolingNetwork,
    StronglyEntangling,
    TreeTensor,
)
from skquantum.execution import QsimBackend, SamplerBackend
from skquantum.kernels import FidelityKernel, ProjectedKernel
from skquantum.layers import QuantumLayer
from skquantum.testing import check_ansatz, check_encoding

# Each in an order that is not the sorted one.
QUBITS = {
    "grid": [cirq.GridQubit(2, 0), cirq.GridQubit(0, 1), cirq.GridQubit(0, 0)],
    "named": [cirq.NamedQubit("q10"), cirq.NamedQubit("q2"), cirq.NamedQubit("a")],
    "line": cirq.LineQubit.range(5, 8),
    "overlapping line": [cirq.LineQubit(2), cirq.LineQubit(1), cirq.LineQubit(-1)],
    "plain line": cirq.LineQubit.range(3),
    "mixed": [cirq.NamedQubit("b"), cirq.LineQubit(1), cirq.GridQubit(3, 3)],
}
# Circuits are compared here, not training.
pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
every_kind = pytest.mark.parametrize("kind", QUBITS)
DATA = sympy.symbols("x0:3")
WEIGHTS = sympy.symbols("v0:4")
RNG = np.random.default_rng(0)
X = RNG.uniform(-1, 1, (6, 3))
LABELS = np.array([0, 1, 0, 1, 0, 1])
W = RNG.uniform(-1, 1, 4)
LINE = cirq.LineQubit.range(3)


def encoder(qubits):
    a, b, c = qubits
    x, y, z = DATA
    return cirq.Circuit(
        cirq.ry(x)(a), cirq.rx(y)(b), cirq.ry(z)(c), cirq.CX(a, b), cirq.CZ(b, c) ** (x * y)
    )


def weighted(qubits):
    a, b, c = qubits
    s, t, u, v = WEIGHTS
    return cirq.Circuit(cirq.ry(s)(a), cirq.rx(t)(b), cirq.ISWAP(b, c) ** u, cirq.ry(v)(c))


def places(qubits):
    """Return the map of the qubits to a line, in sorted order."""
    return dict(zip(sorted(qubits), LINE, strict=True))


def on_line(circuit, qubits):
    return circuit.transform_qubits(places(qubits))


def paulis_on(qubits):
    a, b, c = qubits
    return [cirq.Z(a) * cirq.X(c) + 0.5 * cirq.Y(b), 1.0 * cirq.Z(b)]


def values(circuit, row, weights, observables):
    """Return what Cirq alone gives for a row."""
    bound = cirq.resolve_parameters(
        circuit, dict(zip((*DATA, *WEIGHTS), (*row, *weights), strict=True))
    )
    simulator = cirq.Simulator(dtype=np.complex128)
    return np.real(simulator.simulate_expectation_values(bound, observables))


@every_kind
def test_templates_keep_the_qubits_of_the_circuit(kind):
    qubits = QUBITS[kind]
    encoding, ansatz = CircuitEncoding(encoder(qubits)), CircuitAnsatz(weighted(qubits))
    assert encoding.build(3) == encoder(qubits)
    assert ansatz.layers(3) == [weighted(qubits)]
    check_encoding(encoding, n_features=3)
    check_ansatz(ansatz, n_qubits=3)


@every_kind
def test_what_is_built_can_be_changed_and_the_circuit_stays(kind):
    own = encoder(QUBITS[kind])
    encoding = CircuitEncoding(own)
    encoding.build(3).append(cirq.X(QUBITS[kind][0]))
    assert own == encoder(QUBITS[kind]) == encoding.build(3)


@every_kind
def test_a_layer_measures_observables_on_the_users_qubits(kind):
    qubits = QUBITS[kind]
    layer = QuantumLayer(
        CircuitEncoding(encoder(qubits)),
        CircuitAnsatz(weighted(qubits)),
        paulis_on(qubits),
        n_features=3,
    )
    assert layer.qubits == tuple(sorted(qubits))
    assert layer.circuit.all_qubits() == set(qubits)
    whole = encoder(qubits) + weighted(qubits)
    expected = [values(whole, row, W, paulis_on(qubits)) for row in X]
    assert_allclose(layer.forward(X, W), expected, atol=1e-5)
    from_circuit = QuantumLayer.from_circuit(whole, DATA, WEIGHTS, paulis_on(qubits))
    assert from_circuit.circuit == whole
    assert_allclose(from_circuit.forward(X, W), expected, atol=1e-5)


@every_kind
@pytest.mark.parametrize("options", [{}, {"reupload": True}, {"identity_blocks": True}])
@pytest.mark.parametrize(
    "ansatz", [StronglyEntangling(n_layers=2), TreeTensor(), PoolingNetwork("u2")], ids=str
)
def test_an_ansatz_is_placed_on_the_qubits_in_sorted_order(kind, ansatz, options):
    qubits = QUBITS[kind]
    own = QuantumLayer(CircuitEncoding(encoder(qubits)), ansatz, "XZ", n_features=3, **options)
    line = QuantumLayer(
        CircuitEncoding(on_line(encoder(qubits), qubits)), ansatz, "XZ", n_features=3, **options
    )
    if not options.get("identity_blocks"):  # whose inverses hold circuits with a map of qubits
        assert on_line(own.circuit, qubits) == line.circuit
    theirs = [
        cirq.PauliSum.from_pauli_strings([s.map_qubits(places(qubits)) for s in total])
        for total in own.observables
    ]
    assert theirs == line.observables  # letters go by sorted qubits
    weights = RNG.uniform(0, 6, own.n_weights)
    assert_array_equal(own.forward(X, weights), line.forward(X, weights))
    for mine, other in zip(
        own.vjp(X, weights, np.ones((6, 6))), line.vjp(X, weights, np.ones((6, 6))), strict=True
    ):
        assert_array_equal(mine, other)


@every_kind
@pytest.mark.parametrize("other", QUBITS)
def test_after_an_own_encoding_an_own_ansatz_moves_to_its_qubits(kind, other):
    qubits, others = QUBITS[kind], QUBITS[other]
    layer = QuantumLayer(
        CircuitEncoding(encoder(qubits)), CircuitAnsatz(weighted(others)), n_features=3
    )
    moved = dict(zip(sorted(others), sorted(qubits), strict=True))
    assert layer.circuit == cirq.Circuit(
        *encoder(qubits).moments, *weighted(others).transform_qubits(moved).moments
    )


@every_kind
def test_an_encoding_by_name_moves_to_the_qubits_of_an_own_ansatz(kind):
    qubits = QUBITS[kind]
    ansatz = CircuitAnsatz(weighted(qubits))
    layer = QuantumLayer("angle", ansatz, paulis_on(qubits), n_features=3)
    assert layer.qubits == tuple(sorted(qubits))
    line = QuantumLayer("angle", CircuitAnsatz(on_line(weighted(qubits), qubits)), n_features=3)
    assert on_line(layer.circuit, qubits) == line.circuit


@pytest.mark.parametrize("observable", [cirq.Z(LINE[0]), cirq.Z(cirq.GridQubit(7, 7))], ids=str)
def test_observables_on_qubits_that_the_circuit_lacks_are_refused(observable):
    encoding = CircuitEncoding(encoder(QUBITS["grid"]))
    with pytest.raises(ValueError, match=r"which the circuit lacks.*GridQubit\(0, 0\)"):
        QuantumLayer(encoding, "real_amplitudes", [observable], n_features=3)


def test_a_third_partys_ansatz_on_some_of_its_qubits_is_refused():
    class OnTwo(Ansatz):
        def layers(self, n_qubits):
            w = sympy.Symbol("w")
            return [cirq.Circuit(cirq.ISWAP(*QUBITS["grid"][:2]) ** w)]

    with pytest.raises(ValueError, match=r"OnTwo acts on 2 qubits .* n_qubits is 3"):
        QuantumLayer("angle", OnTwo(), n_features=3)


@every_kind
@pytest.mark.parametrize("kernel", [FidelityKernel, ProjectedKernel])
def test_kernels_take_circuits_on_any_qubits(kind, kernel):
    qubits = QUBITS[kind]
    own = kernel(CircuitEncoding(encoder(qubits)))
    line = kernel(CircuitEncoding(on_line(encoder(qubits), qubits)))
    assert_array_equal(own(X), line(X))
    model = QuantumKernelSVC(CircuitEncoding(encoder(qubits))).fit(X, LABELS)
    assert model.circuit_.all_qubits() == set(qubits)


@every_kind
@pytest.mark.parametrize("estimator", [VariationalClassifier, VariationalRegressor])
def test_variational_models_train_on_any_qubits(kind, estimator):
    qubits = QUBITS[kind]
    model = estimator(
        CircuitEncoding(encoder(qubits)),
        observables=paulis_on(qubits),
        max_iter=3,
        tol=0.0,
        random_state=0,
    ).fit(X, LABELS)
    assert model.circuit_.all_qubits() == set(qubits)
    numbers = places(qubits)
    line = estimator(
        CircuitEncoding(on_line(encoder(qubits), qubits)),
        observables=[
            cirq.PauliSum.from_pauli_strings([s.map_qubits(numbers) for s in 1.0 * total])
            if isinstance(total, cirq.PauliSum)
            else total.map_qubits(numbers)
            for total in paulis_on(qubits)
        ],
        max_iter=3,
        tol=0.0,
        random_state=0,
    ).fit(X, LABELS)
    assert_array_equal(model.predict(X), line.predict(X))
    assert_array_equal(clone(model).fit(X, LABELS).predict(X), model.predict(X))


@every_kind
def test_a_feature_transformer_measures_on_any_qubits(kind):
    qubits = QUBITS[kind]
    model = QuantumFeatureTransformer(
        CircuitEncoding(encoder(qubits)),
        CircuitAnsatz(weighted(qubits)),
        paulis_on(qubits),
        weights=W,
    ).fit(X)
    expected = [values(encoder(qubits) + weighted(qubits), row, W, paulis_on(qubits)) for row in X]
    assert_allclose(model.transform(X), expected, atol=1e-5)
    assert model.circuit_.all_qubits() == set(qubits)
    again = QuantumFeatureTransformer(CircuitEncoding(model.circuit_), observables="Z").fit(X)
    assert again.circuit_.all_qubits() == set(qubits)


@every_kind
@pytest.mark.parametrize("pooling", ["controlled", "measured"])
def test_pooling_keeps_the_first_of_the_sorted_qubits(kind, pooling):
    qubits = QUBITS[kind]
    kept = sorted(qubits)[0]

    def fitted(observables):
        return QuantumPoolingTransformer(
            pool_size=3,
            encoding=CircuitEncoding(encoder(qubits)),
            pooling=pooling,
            observables=observables,
            max_iter=2,
            tol=0.0,
            random_state=0,
        ).fit(X, LABELS)

    by_letter, own = fitted("Z"), fitted([cirq.Z(kept)])
    assert_array_equal(by_letter.transform(X), own.transform(X))
    assert own.circuit_.all_qubits() == set(qubits)
    with pytest.raises(ValueError, match="which the circuit lacks"):
        fitted([cirq.Z(sorted(qubits)[1])])


def test_a_recurrent_cell_takes_a_circuit_on_any_qubits():
    qubits = QUBITS["grid"][:2]
    x, y = DATA[:2]
    own = cirq.Circuit(cirq.ry(x)(qubits[0]), cirq.ry(y)(qubits[1]), cirq.CZ(*qubits) ** (x * y))
    line = own.transform_qubits(dict(zip(sorted(qubits), LINE[:2], strict=True)))
    series = np.sin(np.arange(24)).reshape(6, 4)
    found = [
        QLSTMRegressor(
            encoding=CircuitEncoding(circuit), hidden_size=1, max_iter=2, tol=0.0, random_state=0
        )
        .fit(series, series[:, 0])
        .predict(series)
        for circuit in (own, line)
    ]
    assert_allclose(*found, atol=1e-6)


@every_kind
@pytest.mark.parametrize(
    "backend",
    [
        QsimBackend(noise=0.05),
        QsimBackend(shots=4000, seed=0),
        SamplerBackend(partial(cirq.Simulator, seed=0), repetitions=4000),
    ],
    ids=["noise", "shots", "sampler"],
)
def test_backends_give_the_same_on_any_qubits(kind, backend):
    qubits = QUBITS[kind]
    layer = QuantumLayer(
        CircuitEncoding(encoder(qubits)),
        CircuitAnsatz(weighted(qubits)),
        paulis_on(qubits),
        clone(backend),
        n_features=3,
    )
    numbers = places(qubits)
    line = QuantumLayer.from_circuit(
        on_line(layer.circuit, qubits),
        DATA,
        WEIGHTS,
        [
            cirq.PauliSum.from_pauli_strings([s.map_qubits(numbers) for s in total])
            for total in layer.observables
        ],
        clone(backend),
    )
    drawn = 0.0 if isinstance(backend, QsimBackend) and backend.noise else 0.15
    assert_allclose(layer.forward(X, W), line.forward(X, W), atol=1e-6 + drawn)


@every_kind
def test_a_device_finds_a_place_for_any_qubits(kind):
    pytest.importorskip("cirq_google")
    qubits = QUBITS[kind]
    encoding = CircuitEncoding(encoder(qubits))
    exact = FidelityKernel(encoding)(X[:3])
    noisy = FidelityKernel(encoding, QsimBackend(noise="willow_pink"))(X[:3])
    assert_allclose(noisy, exact, atol=0.25)
    assert abs(noisy - exact).max() > 0.01


def test_noise_finds_the_users_qubits():
    class OneIsBroken(cirq.NoiseModel):
        def noisy_operation(self, operation):
            broken = QUBITS["grid"][0] in operation.qubits and len(operation.qubits) == 1
            return [operation, cirq.bit_flip(0.5)(QUBITS["grid"][0])] if broken else operation

    qubits = QUBITS["grid"]
    circuit = cirq.Circuit(cirq.ry(x)(q) for x, q in zip(DATA, qubits, strict=True))
    layer = QuantumLayer(
        CircuitEncoding(circuit),
        CircuitAnsatz(
            cirq.Circuit(cirq.CZ(qubits[1], qubits[2]) ** WEIGHTS[0], cirq.I(qubits[0]))
        ),
        [cirq.Z(q) for q in qubits],
        QsimBackend(noise=OneIsBroken()),
        n_features=3,
    )
    found = layer.forward(X, np.zeros(1))
    assert_allclose(found[:, 0], 0, atol=1e-5)
    assert_allclose(found[:, 1:], np.cos(X[:, 1:]), atol=1e-5)


def test_a_circuit_on_qubits_of_the_device_stays_there():
    pytest.importorskip("cirq_google")
    from skquantum.execution._device.target import device_target

    target = device_target("willow_pink", None)
    first, second = sorted(target.graph.edges)[0]
    third = next(q for q in sorted(target.graph[second]) if q != first)
    chosen = first, second, third
    compiled = target.compile(
        cirq.Circuit(cirq.H(first), cirq.CZ(first, second), cirq.CZ(second, third)), chosen
    )
    assert compiled.all_qubits() == set(chosen)
    crossed = cirq.Circuit(cirq.CZ(first, second), cirq.CZ(first, third))
    assert not target.graph.has_edge(first, third)
    elsewhere = target.compile(crossed, chosen)  # not connected there: placed anew
    assert elsewhere.all_qubits() <= set(target.graph)


@every_kind
def test_a_saved_model_has_the_users_qubits(kind):
    from skops.io import dumps, loads

    from skquantum.saving import trusted_types

    qubits = QUBITS[kind]
    model = VariationalClassifier(
        CircuitEncoding(encoder(qubits)),
        observables=paulis_on(qubits),
        max_iter=2,
        tol=0.0,
        random_state=0,
    ).fit(X, LABELS)
    loaded = loads(dumps(model), trusted=trusted_types())
    assert loaded.circuit_ == model.circuit_
    assert_array_equal(loaded.predict_proba(X), model.predict_proba(X))
