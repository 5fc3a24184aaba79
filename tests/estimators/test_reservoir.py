"""The quantum reservoir, against Cirq's density matrices, and as a transformer."""

import cirq
import numpy as np
import pytest
import sympy
from numpy.testing import assert_allclose, assert_array_equal
from scipy.linalg import expm
from sklearn.base import clone
from sklearn.linear_model import LinearRegression
from sklearn.model_selection import TimeSeriesSplit, cross_val_score
from sklearn.pipeline import make_pipeline

from skquantum import QuantumReservoirTransformer
from skquantum.circuits import AngleEncoding, CircuitAnsatz, CircuitEncoding, RealAmplitudes
from skquantum.datasets import make_narma, make_windows

X = np.random.default_rng(0).normal(size=(7, 6))
PAIRS = X.reshape(7, 3, 2)


def quick(n_qubits=3, n_virtual_nodes=2, **params):
    return QuantumReservoirTransformer(n_qubits, n_virtual_nodes, **{"random_state": 0} | params)


def by_hand(model, steps, observables):
    """Return the features of one sequence, one row for each time step, by Cirq."""
    qubits = cirq.LineQubit.range(model.n_qubits)
    simulator = cirq.DensityMatrixSimulator(dtype=np.complex128)
    rho = np.zeros((2**model.n_qubits,) * 2, dtype=complex)
    rho[0, 0] = 1
    found = []
    for step in steps:
        encoder = model.encoding_.build(len(step))
        symbols = model.encoding_.compiled(len(step))[1]
        values = dict(zip(symbols, model.encoding_.encode(step[None])[0], strict=True))
        inputs = sorted(encoder.all_qubits())
        circuit = cirq.Circuit(cirq.reset_each(*inputs), cirq.resolve_parameters(encoder, values))
        found.append([])
        for node in range(model.n_virtual_nodes):
            evolve = cirq.Circuit(cirq.MatrixGate(model.unitary_)(*qubits))
            whole = evolve if node else circuit + evolve
            result = simulator.simulate(whole, qubit_order=qubits, initial_state=rho)
            rho = result.final_density_matrix
            places = {q: i for i, q in enumerate(qubits)}
            found[-1] += [
                cirq.PauliSum.wrap(o).expectation_from_density_matrix(rho, places).real
                for o in observables
            ]
    return np.array(found)


CASES = {
    "defaults": ({}, X[:, :, None]),
    "observables": ({"observables": "XY", "n_virtual_nodes": 1}, X[:, :, None]),
    "two channels": ({"n_channels": 2}, PAIRS),
    "an entangled input": ({"n_channels": 2, "encoding": "zz", "n_qubits": 4}, PAIRS),
    "two qubits for a value": ({"encoding": AngleEncoding(n_qubits=2)}, X[:, :, None]),
    "a circuit": ({"ansatz": RealAmplitudes(n_layers=2)}, X[:, :, None]),
    "a circuit by its name": ({"ansatz": "rings"}, X[:, :, None]),
}


@pytest.mark.parametrize("name", CASES)
def test_features_are_those_of_density_matrices(name):
    params, steps = CASES[name]
    model = quick(output="sequence", **params)
    found = model.fit_transform(X)
    qubits = cirq.LineQubit.range(model.n_qubits)
    observables = {
        "Z": [cirq.Z(q) for q in qubits],
        "XY": [o(q) for q in qubits for o in (cirq.X, cirq.Y)],
    }[model.observables]
    for row in (0, 4):
        wanted = by_hand(model, steps[row], observables)
        assert_allclose(found[row].reshape(len(wanted), -1), wanted, atol=1e-9)


def test_circuits_of_the_users_on_qubits_of_their_own():
    grid = cirq.GridQubit.rect(1, 3)
    x, w = sympy.symbols("x w")
    enter = cirq.Circuit(cirq.ry(x)(grid[2]))
    trunk = cirq.Circuit(cirq.rx(w)(grid[0]), cirq.CX(grid[0], grid[2]), cirq.CZ(*grid[1:]))
    found = quick(encoding=CircuitEncoding(enter), ansatz=CircuitAnsatz(trunk)).fit(X)
    assert found.weights_.shape == (1,)
    line = dict(zip(grid, cirq.LineQubit.range(3), strict=True))
    moved = CircuitAnsatz(trunk.transform_qubits(line))
    same = quick(encoding=AngleEncoding(bandwidth=1.0), ansatz=moved).fit(X)
    assert_allclose(found.transform(X), same.transform(X), atol=1e-9)


def test_the_evolution_is_that_of_the_hamiltonian():
    model = quick(3, 4, field=0.7, coupling=2.0, evolution_time=3.0).fit(X)
    qubits = cirq.LineQubit.range(3)
    total = 0.7 * sum(cirq.Z(q) for q in qubits)
    for i, j in ((0, 1), (0, 2), (1, 2)):
        total += model.couplings_[i, j] * cirq.X(qubits[i]) * cirq.X(qubits[j])
    assert_allclose(model.unitary_, expm(-0.75j * total.matrix(qubits)), atol=1e-12)
    assert np.count_nonzero(model.couplings_) == 3
    assert abs(model.couplings_).max() <= 1.0
    half = quick(3, 4, coupling=1.0).fit(X)
    assert_allclose(model.couplings_, 2 * half.couplings_)


def test_virtual_nodes_divide_a_time_step():
    once, often = quick(n_virtual_nodes=1).fit(X), quick(n_virtual_nodes=4).fit(X)
    assert_allclose(often.transform(X)[:, -3:], once.transform(X), atol=1e-9)


def test_the_last_step_and_every_step():
    whole = quick(output="sequence").fit(X)
    last = quick().fit(X)
    assert whole.transform(X).shape == (7, 6 * 6)
    assert_allclose(whole.transform(X)[:, -6:], last.transform(X), atol=1e-12)
    later = quick(output="sequence", washout=4).fit(X)
    assert_allclose(later.transform(X), whole.transform(X)[:, 4 * 6 :], atol=1e-12)
    assert list(last.get_feature_names_out()[[0, -1]]) == ["Z0_node0", "Z2_node1"]
    assert list(later.get_feature_names_out()[[0, -1]]) == ["step4_Z0_node0", "step5_Z2_node1"]
    assert list(whole.get_feature_names_out()[-12:]) == list(later.get_feature_names_out())
    plain = quick(n_virtual_nodes=1, observables="pauli2").fit(X)
    assert plain.get_feature_names_out()[-1] == "Z1Z2"
    assert plain.transform(X).shape == (7, 9 + 27)


def test_all_pauli_strings_are_the_purity():
    model = quick(n_virtual_nodes=1, observables="pauli").fit(X)
    values = model.transform(X)
    assert values.shape == (7, 63) == (7, len(model.get_feature_names_out()))
    purity = (1 + (values**2).sum(axis=1)) / 8
    assert ((purity > 1 / 8) & (purity < 1)).all()  # what is thrown away leaves mixed states
    one_step = quick(n_virtual_nodes=1, observables="pauli").fit_transform(X[:, :1])
    assert_allclose((1 + (one_step**2).sum(axis=1)) / 8, 1, atol=1e-12)


def test_the_start_is_forgotten():
    drive = np.random.default_rng(1).uniform(-1, 1, (2, 80))
    drive[1, 10:] = drive[0, 10:]
    model = quick(4, output="sequence").fit(drive)
    one, other = model.transform(drive).reshape(2, 80, -1)
    distance = abs(one - other).max(axis=1)
    assert distance[8] > 0.1
    assert distance[-1] < 1e-3


def test_rows_do_not_depend_on_one_another(monkeypatch):
    model = quick(output="sequence").fit(X)
    whole = model.transform(X)
    assert_allclose(model.transform(X[3:4]), whole[3:4], atol=1e-12)
    monkeypatch.setattr("skquantum.estimators._reservoir.CHUNK", 2 * 64)
    assert_allclose(model.transform(X), whole, atol=1e-12)


def test_the_order_of_the_axes():
    last = quick(n_channels=2).fit(PAIRS)
    first = quick(n_channels=2, data_format="channels_first").fit(PAIRS.swapaxes(1, 2))
    assert_array_equal(first.transform(PAIRS.swapaxes(1, 2)), last.transform(PAIRS))
    assert_array_equal(last.transform(PAIRS.reshape(7, 6)), last.transform(PAIRS))
    assert last.n_timesteps_ == 3


def test_single_precision_stays():
    out = (
        quick()
        .fit(PAIRS[:, :, :1].astype(np.float32))
        .transform(PAIRS[:, :, :1].astype(np.float32))
    )
    assert out.dtype == np.float32


def test_z_sees_a_single_value_through_z():
    # As documented: under a turn by pi about Z all is even, and the turn negates an angle.
    one = np.abs(X[:, :1])
    angle = quick(encoding="angle").fit(one)
    assert_allclose(angle.transform(-one), angle.transform(one), atol=1e-9)
    arctan = quick().fit(one)
    assert abs(arctan.transform(-one) - arctan.transform(one)).max() > 0.1


def test_a_linear_model_behind_it_learns_what_lags_do_not_say():
    y, u = make_narma(400, order=2, return_drive=True)
    windows, _ = make_windows(10 * u - 1, window=12)
    model = make_pipeline(QuantumReservoirTransformer(random_state=0), LinearRegression())
    cv = TimeSeriesSplit(2)
    score = cross_val_score(model, windows, y[12:], cv=cv).mean()
    assert score > 0.9
    assert cross_val_score(LinearRegression(), windows, y[12:], cv=cv).mean() < score


def test_randomness_is_of_the_seed():
    one = quick().fit(X).transform(X)
    assert_array_equal(quick().fit(X).transform(X), one)
    assert_array_equal(clone(quick()).fit(X).transform(X), one)
    assert abs(quick(random_state=1).fit(X).transform(X) - one).max() > 0.01


@pytest.mark.parametrize(
    ("params", "rows", "message"),
    [
        ({"n_channels": 4}, X[:, :4], "no qubit is left to remember. Set n_qubits to at least 5"),
        ({"n_channels": 4}, X, "6 features, which is no whole number of time steps"),
        ({"n_channels": 3}, PAIRS, "or data_format='channels_first'"),
        ({"washout": 2}, X, "washout=2 would not be used: output='last'"),
        ({"washout": 6, "output": "sequence"}, X, "leaves none of the 6 time steps"),
        ({"ansatz": "rings", "field": 1.0}, X, "field=1.0 would not be used: ansatz='rings'"),
        ({"ansatz": "rngs"}, X, "Did you mean 'rings'"),
        ({"encoding": "arctn"}, X, "Did you mean 'arctan'"),
        ({"observables": "Q"}, X, "distinct letters of 'XYZ'"),
        ({"observables": [cirq.Z(cirq.q(5))]}, X, "which the circuit lacks"),
        ({"n_qubits": 11}, X, "'n_qubits' parameter"),
        ({"n_qubits": 1}, X, "'n_qubits' parameter"),
        ({"n_qubits": 10, "observables": "pauli2"}, X, "435 observables at n_virtual_nodes=2"),
        ({"n_virtual_nodes": 0}, X, "'n_virtual_nodes' parameter"),
    ],
)  # fmt: skip
def test_what_does_not_go_is_said_before_it_runs(params, rows, message):
    with pytest.raises(ValueError, match=message):
        quick(**params).fit(rows)


def test_a_refused_fit_changes_nothing():
    model = quick().fit(X)
    before = model.transform(X)
    with pytest.raises(ValueError, match="would not be used"):
        model.set_params(ansatz="rings", field=2.0).fit(X[:, :2])
    assert_array_equal(model.transform(X), before)
    model.set_params(field=0.5).fit(X)
    assert not hasattr(model, "couplings_")
    assert model.weights_.shape == (18,)
