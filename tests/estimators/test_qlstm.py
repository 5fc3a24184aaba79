"""The quantum LSTM: its cells, its gradients, and its life as a scikit-learn regressor."""

import pickle
import re
import warnings
from concurrent.futures import ThreadPoolExecutor

import cirq
import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy.special import expit
from sklearn.base import clone
from sklearn.callback import ProgressBar
from sklearn.compose import TransformedTargetRegressor
from sklearn.exceptions import ConvergenceWarning, NotFittedError
from sklearn.linear_model import LinearRegression
from sklearn.model_selection import GridSearchCV, TimeSeriesSplit, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler, StandardScaler

from skquantum import QLSTMRegressor
from skquantum.circuits import ArctanEncoding, BasisEncoding, EntanglingRings, ScaleWarning
from skquantum.datasets import make_bessel, make_damped_pendulum, make_narma, make_windows
from skquantum.estimators._qlstm.network import (
    RecurrentNetwork,
    RecurrentObjective,
)
from skquantum.estimators._rows import TrainingRows
from skquantum.execution import QsimBackend, ReferenceBackend
from skquantum.inspection import with_backend
from skquantum.layers._banks.bank import CircuitBank

ignore_unconverged = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
CELLS = ["chen", "chen6", "linear_enhanced", "lstm"]
X, Y = make_windows(make_damped_pendulum(60) / 3, window=3)
TWO = make_windows(np.column_stack([make_bessel(50), make_bessel(50, order=1)]), 3)


def quick(**params):
    defaults = {"hidden_size": 2, "n_qubits": 3, "max_iter": 3, "random_state": 0}
    return QLSTMRegressor(**defaults | params)


@pytest.fixture(autouse=True)
def unconverged_is_fine():
    """Few epochs are enough for most of what is asked here."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", category=ConvergenceWarning, message="Maximum|L-BFGS-B")
        yield


def fitted(model, n_columns=1):
    """Return a model fitted to targets of so many columns."""
    y = np.random.default_rng(1).normal(size=(len(X), n_columns))
    return model.fit(X, y), y


# The cells, against the equations of the paper written down row by row.


def expectations(circuit, symbols, values, n_observed):
    bound = cirq.resolve_parameters(circuit, dict(zip(symbols, values, strict=True)))
    qubits = cirq.LineQubit.range(n_observed)
    out = cirq.Simulator(dtype=np.complex128).simulate_expectation_values(
        bound, [cirq.Z(q) for q in qubits], qubit_order=sorted(bound.all_qubits())
    )
    return np.real(out)


def by_hand(model, row, encoding, ansatz, size):
    """Return the outputs of a model of circuits for one row, step by step."""
    width = model.circuit_.all_qubits()
    n_qubits = len(width)
    circuit, weight_symbols = ansatz.compiled(n_qubits)

    def observed(weights, values, n_observed):
        encoder, symbols = encoding.compiled(len(values))
        whole = encoder.unfreeze() + circuit.unfreeze()
        return expectations(whole, (*symbols, *weight_symbols), [*values, *weights], n_observed)

    def gate(k, v):
        if model.cell == "linear_enhanced":
            v = model.input_coef_ @ v + model.input_intercept_
            inner = observed(model.weights_[k], v, n_qubits)
            return model.gate_coef_[k] @ inner + model.gate_intercept_[k]
        return observed(model.weights_[k], v, cell_size)

    cell_size = n_qubits if model.cell == "chen6" else size
    h, c = np.zeros(size), np.zeros(cell_size)
    for x in row.reshape(-1, model.n_channels):
        v = np.concatenate([h, x])
        c = expit(gate(0, v)) * c + expit(gate(1, v)) * np.tanh(gate(2, v))
        s = h = expit(gate(3, v)) * np.tanh(c)
        if model.cell == "chen6":
            h = observed(model.weights_[4], s, size)
    read = observed(model.weights_[5], s, n_qubits) if model.cell == "chen6" else h
    if model.head == "quantum":
        read = observed(model.weights_[-1], read, n_qubits)
    return model.readout_coef_ @ read + model.readout_intercept_


@pytest.mark.parametrize("cell", CELLS[:3])
@pytest.mark.parametrize("head", ["linear", "quantum"])
def test_predictions_are_those_of_the_equations(cell, head):
    model, _ = fitted(quick(cell=cell, head=head, max_iter=1), 2)
    outputs = model.predict(X[:2])
    for row, found in zip(X[:2], outputs, strict=True):
        encoding, ansatz = ArctanEncoding(n_qubits=3), EntanglingRings(2)
        assert_allclose(found, by_hand(model, row, encoding, ansatz, 2), atol=1e-6)


def test_two_channels_go_in_side_by_side():
    model = quick(cell="chen", n_channels=2, n_qubits=4, max_iter=1).fit(*TWO)
    row = TWO[0][0]
    wanted = by_hand(model, row, ArctanEncoding(n_qubits=4), EntanglingRings(2), 2)
    assert_allclose(model.predict(row[None])[0], wanted, atol=1e-6)


def test_the_classical_cell_is_an_lstm():
    model, _ = fitted(quick(cell="lstm"), 2)
    h, c = np.zeros(2), np.zeros(2)
    for x in X[5]:
        v = np.append(h, x)
        f, i, g, o = (
            w @ v + b for w, b in zip(model.gate_coef_, model.gate_intercept_, strict=True)
        )
        c = expit(f) * c + expit(i) * np.tanh(g)
        h = expit(o) * np.tanh(c)
    wanted = model.readout_coef_ @ h + model.readout_intercept_
    assert_allclose(model.predict(X[5:6])[0], wanted, atol=1e-12)


def stacked_by_hand(model, row, size):
    """Return the outputs of a stack of cells for one row, cell by cell and step by step."""
    encoding, (circuit, symbols) = ArctanEncoding(n_qubits=3), EntanglingRings(2).compiled(3)
    six = model.cell == "chen6"

    def observed(weights, values, n_observed):
        encoder, data = encoding.compiled(len(values))
        whole = encoder.unfreeze() + circuit.unfreeze()
        loaded = encoding.encode(np.asarray(values)[None])[0]
        return expectations(whole, (*data, *symbols), [*loaded, *weights], n_observed)

    sequence = row.reshape(-1, model.n_channels)
    for number in range(model.n_cells):
        prefix = f"cell{number + 1}_" if number else ""
        own = {
            name: getattr(model, f"{prefix}{name}_", None)
            for name in ("input_coef", "input_intercept", "gate_coef", "gate_intercept")
        }
        weights = model.weights_[number * (4 + six) :]

        def gate(k, v, own=own, weights=weights):
            if model.cell == "chen" or six:
                return observed(weights[k], v, 3 if six else size)
            if model.cell == "linear_enhanced":
                v = observed(weights[k], own["input_coef"] @ v + own["input_intercept"], 3)
            return own["gate_coef"][k] @ v + own["gate_intercept"][k]

        h, c, states = np.zeros(size), np.zeros(3 if six else size), []
        for x in sequence:
            v = np.concatenate([h, x])
            c = expit(gate(0, v)) * c + expit(gate(1, v)) * np.tanh(gate(2, v))
            h = expit(gate(3, v)) * np.tanh(c)
            states.append(h)
            h = observed(weights[4], h, size) if six else h
        sequence = np.array(states)
    read = observed(model.weights_[-1], sequence[-1], 3) if six else sequence[-1]
    return model.readout_coef_ @ read + model.readout_intercept_


@pytest.mark.parametrize("cell", CELLS)
@pytest.mark.parametrize("n_cells", [2, 3])
def test_stacked_cells_read_the_states_of_those_below(cell, n_cells):
    model, _ = fitted(quick(cell=cell, n_cells=n_cells, max_iter=1), 2)
    wanted = [stacked_by_hand(model, row, 2) for row in X[:2]]
    assert_allclose(model.predict(X[:2]), wanted, atol=1e-6)


def test_stacked_cells_count_their_circuits():
    model, _ = fitted(quick(cell="linear_enhanced", n_cells=2, max_iter=2, tol=0), 2)
    one, _ = fitted(quick(cell="linear_enhanced", max_iter=2, tol=0), 2)
    assert model.weights_.shape == (8, one.weights_.shape[1])
    for name in ("n_cell_circuits", "n_circuits", "n_simulations"):
        assert model.resources_[name] == 2 * one.resources_[name]


@pytest.mark.parametrize("n_cells", [0, 1.5, None])
def test_a_number_of_cells_is_checked(n_cells):
    with pytest.raises(ValueError, match="n_cells"):
        quick(n_cells=n_cells).fit(X, Y)


def test_a_warm_start_with_another_number_of_cells_is_refused():
    model = quick(cell="lstm", warm_start=True).fit(X, Y)
    with pytest.raises(ValueError, match="cell2_gate_coef_ has shape None"):
        model.set_params(n_cells=2).fit(X, Y)


def test_a_sequence_is_read_out_at_each_step():
    whole, _ = fitted(quick(output="sequence", cell="linear_enhanced"), 6)
    # Without its last step, a sequence has the outputs that it had before.
    short = clone(whole).set_params(max_iter=1).fit(X[:, :2], np.zeros((len(X), 4)))
    short._theta, short._network.scale = whole._theta, whole._network.scale
    assert_allclose(short.predict(X[:, :2]), whole.predict(X)[:, :4], atol=1e-12)
    last = quick(output="last", cell="linear_enhanced", max_iter=1).fit(X, np.zeros((len(X), 2)))
    last._theta, last._network.scale = whole._theta, whole._network.scale
    assert_allclose(last.predict(X), whole.predict(X)[:, 4:], atol=1e-12)


# Gradients.


def objective(model, y, rows=5, alpha=0.1):
    at = TrainingRows(X[:rows], y[:rows], np.linspace(1, 2, rows))
    return RecurrentObjective(model._network, model._loss(), alpha, at, None, None, None)


@pytest.mark.parametrize("cell", CELLS)
@pytest.mark.parametrize("output", ["last", "sequence"])
@pytest.mark.parametrize(
    ("head", "n_cells"), [("linear", 1), ("quantum", 1), ("linear", 3), ("quantum", 2)]
)
def test_gradients_are_those_of_finite_differences(cell, output, head, n_cells):
    model, y = fitted(quick(cell=cell, output=output, head=head, n_cells=n_cells), 6)
    loss = objective(model, y)
    theta = model._theta.copy()
    _, grad = loss.loss_and_grad(theta, slice(None))
    found = [
        (loss.loss(theta + step, slice(None)) - loss.loss(theta - step, slice(None))) / 2e-5
        for step in 1e-5 * np.eye(len(theta))
    ]
    assert_allclose(grad, found, atol=1e-8)


@pytest.mark.parametrize(
    "params",
    [
        {"encoding": "angle"},
        {"encoding": "zz", "cell": "chen"},
        {"n_qubits": 2, "cell": "chen"},  # folded
        {"ansatz": "strongly_entangling", "cell": "chen6"},
        {"ansatz": "hardware_efficient", "gradient": "parameter-shift"},
        {"backend": ReferenceBackend(), "n_qubits": 1, "hidden_size": 1},
        {"n_qubits": 6, "cell": "chen"},
        {"encoding": "amplitude", "n_qubits": 2},
    ],
    ids=str,
)
def test_any_encoding_ansatz_and_backend(params):
    model = quick(**{"max_iter": 1, "n_layers": 1} | params).fit(X[:4], Y[:4])
    loss = objective(model, Y[:, None], rows=2)
    theta = model._theta.copy()
    value, grad = loss.loss_and_grad(theta, slice(None))
    assert value == pytest.approx(loss.loss(theta, slice(None)), abs=1e-6)
    direction = np.random.default_rng(0).normal(size=len(theta))
    ahead, behind = (loss.loss(theta + sign * 1e-3 * direction, slice(None)) for sign in (1, -1))
    assert (ahead - behind) / 2e-3 == pytest.approx(grad @ direction, abs=2e-3)


@pytest.mark.parametrize("cell", CELLS[:3])
def test_the_fast_way_and_the_general_way_agree(cell, monkeypatch):
    model, y = fitted(quick(cell=cell))
    loss, theta = objective(model, y), model._theta.copy()
    fast = loss.loss_and_grad(theta, slice(None))
    assert all(bank.prepared is not None for bank in model._network.banks.values())
    monkeypatch.setattr(CircuitBank, "prepared", None)
    general = loss.loss_and_grad(theta, slice(None))
    assert fast[0] == pytest.approx(general[0], abs=1e-6)
    assert_allclose(fast[1], general[1], atol=1e-5)


@pytest.mark.parametrize("cell", CELLS)
def test_many_rows_go_block_by_block(cell):
    model, y = fitted(quick(cell=cell, output="sequence"), 3)
    loss, theta = objective(model, y, rows=9), model._theta.copy()
    whole = loss.loss_and_grad(theta, slice(None))
    model._network.cells[0].gates.n_rows = lambda n_steps: 4
    blocks = loss.loss_and_grad(theta, slice(None))
    assert blocks[0] == pytest.approx(whole[0], rel=1e-12)
    assert_allclose(blocks[1], whole[1], atol=1e-12)


def test_rows_do_not_depend_on_one_another():
    model, _ = fitted(quick())
    assert_allclose(model.predict(X)[7:9], model.predict(X[7:9]), atol=1e-12)


def test_threads_may_share_a_model():
    model, _ = fitted(quick())
    wanted = model.predict(X)
    with ThreadPoolExecutor(4) as pool:
        for found in pool.map(model.predict, [X] * 40):
            assert_array_equal(found, wanted)


def test_a_long_gradient_is_shortened():
    model, y = fitted(quick())
    loss, theta = objective(model, y), model._theta.copy()
    _, grad = loss.loss_and_grad(theta, slice(None))
    loss.end_epoch()
    norm = np.linalg.norm(grad)
    for limit, wanted in ((norm / 2, grad / 2), (2 * norm, grad), (None, grad)):
        loss.gradient_clip, loss.norms = limit, []
        assert_allclose(loss.loss_and_grad(theta, slice(None))[1], wanted, rtol=1e-12)
        loss.end_epoch()
        assert loss.norms == [pytest.approx(norm)]  # before it was shortened


# What it learns.


def paper(series):
    """Return the set-up of the paper: windows of four, min-max scaled, two thirds to train."""
    n_train = int(0.67 * len(series))
    scaler = MinMaxScaler((-1, 1)).fit(series[:n_train, None])
    windows, y = make_windows(scaler.transform(series[:, None])[:, 0], 4)
    n_train = int(0.67 * len(y))
    return windows[:n_train], y[:n_train], windows[n_train:], y[n_train:]


@pytest.mark.parametrize(
    ("cell", "limit"), [("chen", 6e-4), ("chen6", 3e-4), ("linear_enhanced", 3e-4)]
)
def test_the_pendulum_of_the_paper(cell, limit):
    train, y, test, wanted = paper(make_damped_pendulum())
    errors = []
    for seed in range(3):
        model = QLSTMRegressor(
            cell, 3, learning_rate=0.1, max_iter=100, batch_size=32, random_state=seed
        ).fit(train, y)
        errors.append(np.mean((model.predict(test) - wanted) ** 2))
    assert np.median(errors) <= limit
    linear = LinearRegression().fit(train, y)
    assert np.mean((linear.predict(test) - wanted) ** 2) < np.median(errors)  # as documented


@pytest.mark.parametrize("shuffle", [False, True])
def test_mini_batches_in_the_order_of_the_rows(monkeypatch, shuffle):
    seen = []
    loss_and_grad = RecurrentObjective.loss_and_grad

    def watched(self, theta, rows):
        seen.append(self.rows[rows].X)
        return loss_and_grad(self, theta, rows)

    monkeypatch.setattr(RecurrentObjective, "loss_and_grad", watched)
    # A row that comes again is merged into the first; one without weight is none.
    again = np.concatenate([X[5:6], X, X[:3]])
    targets = np.concatenate([Y[5:6], Y, Y[:3]])
    weight = np.ones(len(again))
    weight[0] = 0
    model = quick(cell="lstm", batch_size=10, max_iter=2, shuffle=shuffle)
    model.fit(again, targets, weight)
    epochs = np.concatenate(seen).reshape(2, *X.shape)
    assert [np.array_equal(epoch, X) for epoch in epochs] == 2 * [not shuffle]
    assert_array_equal(np.sort(epochs[0], axis=0), np.sort(X, axis=0))

    seen.clear()
    model.set_params(early_stopping=True, max_iter=1).fit(X, Y)
    kept = np.concatenate(seen)
    places = [int(np.flatnonzero((row == X).all(axis=1))[0]) for row in kept]
    assert len(places) < len(X)
    assert (places == sorted(places)) is not shuffle


def test_a_sequence_to_a_sequence():
    y, u = make_narma(300, order=2, return_drive=True)
    inputs, targets = u[:-1].reshape(-1, 13), y[1:].reshape(-1, 13)
    model = QLSTMRegressor(output="sequence", max_iter=200, random_state=0)
    model.fit(10 * inputs - 1, targets)
    assert model.predict(10 * inputs - 1).shape == targets.shape
    assert model.score(10 * inputs - 1, targets) > 0.8


@pytest.mark.parametrize("factor", [1e-150, 1e-3, 50.0, 1e150])
def test_the_unit_of_the_targets_does_not_matter(factor):
    model = quick(max_iter=20, tol=0)
    wanted = model.fit(X, Y).predict(X)
    found = clone(model).fit(X, factor * (Y + 7)).predict(X)
    assert_allclose(found / factor - 7, wanted, atol=1e-6)


def test_constant_targets():
    model = quick(max_iter=20).fit(X, np.full(len(X), 3.0))
    assert_allclose(model.predict(X), 3, atol=0.5)


@pytest.mark.parametrize("solver", ["adam", "rmsprop", "spsa", "lbfgs"])
def test_every_kind_of_solver(solver):
    model = quick(solver=solver, max_iter=40, learning_rate=0.03).fit(X, Y)
    assert model.best_loss_ < model.loss_curve_[0]
    assert len(model.loss_curve_) == model.n_iter_
    norms = model.gradient_norms_
    assert len(norms) == (0 if solver == "spsa" else model.n_iter_)
    assert all(np.isfinite(norms))


def test_mini_batches_share_an_epoch():
    model = quick(batch_size=10, max_iter=4).fit(X, Y)
    assert len(model.gradient_norms_) == model.n_iter_ == 4


def test_weights_and_repetitions_are_the_same():
    weight = np.random.default_rng(0).integers(0, 3, len(X))
    repeated = quick().fit(np.repeat(X, weight, axis=0), np.repeat(Y, weight))
    weighted = quick().fit(X, Y, sample_weight=weight)
    assert_allclose(repeated.predict(X), weighted.predict(X), atol=1e-12)


def test_early_stopping_keeps_the_best_score():
    model = quick(early_stopping=True, validation_fraction=0.3, max_iter=15).fit(X, Y)
    assert model.best_validation_score_ == max(model.validation_scores_)
    assert model.best_loss_ is None


# Parameters.


@pytest.mark.parametrize("cell", CELLS[:3])
@pytest.mark.parametrize("head", ["linear", "quantum"])
def test_weights_can_be_given(cell, head):
    n_circuits = 4 + 2 * (cell == "chen6") + (head == "quantum")
    init = np.random.default_rng(0).normal(size=(n_circuits, 18))
    model = quick(cell=cell, head=head, init=init, learning_rate=1e-12, max_iter=1).fit(X, Y)
    assert_allclose(model.weights_, init, atol=1e-9)


def test_the_learned_parts_are_the_parameters():
    model = quick(cell="linear_enhanced", head="quantum").fit(X, 5 * Y)
    shapes = {
        "weights_": (5, 18),
        "input_coef_": (3, 3),
        "input_intercept_": (3,),
        "gate_coef_": (4, 2, 3),
        "gate_intercept_": (4, 2),
        "readout_coef_": (1, 3),
        "readout_intercept_": (1,),
    }
    assert {name: getattr(model, name).shape for name in shapes} == shapes
    assert sum(np.prod(s) for s in shapes.values()) == model.resources_["n_parameters"]
    part = model._network.layout.unpack(model._theta)
    assert_array_equal(model._network.layout.pack(**part), model._theta)


def test_a_circuit_has_less_than_thirty_gates():
    model = QLSTMRegressor(max_iter=1, random_state=0).fit(X, Y)
    resources = model.resources_
    assert resources["n_one_qubit_gates"] + resources["n_two_qubit_gates"] == 28
    assert resources["n_qubits"] == 4
    assert resources["n_cell_circuits"] == 4
    assert cirq.is_parameterized(model.circuit_)
    assert len(cirq.parameter_names(model.circuit_)) == 4


def test_costs_count_every_circuit_and_step():
    model = quick(cell="chen6", max_iter=1, tol=0).fit(X, Y)
    per_row = 4 * 3 + 2 + 1  # gates at each step; the hidden state between steps; the read-out
    # One epoch: with a gradient, and the loss of what came of it.
    assert model.resources_["n_simulations"] == len(X) * per_row * (2 + 1)
    classical = quick(cell="lstm").fit(X, Y)
    assert classical.resources_ == {
        "n_cell_circuits": 0, "n_parameters": 35, "n_circuits": 0, "n_simulations": 0
    }  # fmt: skip
    with pytest.raises(AttributeError, match="'lstm' has linear maps"):
        classical.circuit_  # noqa: B018


def test_the_paper_has_both_rings_in_a_layer():
    model = quick(cell="chen", hidden_size=3, n_qubits=None, entangler="both").fit(X, Y)
    assert model.resources_["n_two_qubit_gates"] == 16
    model.set_params(ansatz__gate="cz").fit(X, Y)
    assert model.ansatz == EntanglingRings(2, "both", "cz") or "cz" in repr(model.ansatz)
    assert model.resources_["n_two_qubit_gates"] == 12


# Sequences, in and out.


def test_sequences_may_have_three_axes():
    flat = quick(n_channels=2, n_qubits=None).fit(*TWO)
    cube = TWO[0].reshape(-1, 3, 2)
    deep = quick(n_channels=2, n_qubits=None).fit(cube, TWO[1])
    assert_array_equal(deep.predict(cube), flat.predict(TWO[0]))
    assert_array_equal(deep.predict(cube.tolist()), flat.predict(TWO[0]))
    assert deep.n_timesteps_ == 3


def test_forecasts_feed_on_themselves():
    model = quick(max_iter=10).fit(X, Y)
    history, row = X[-1], X[-1]
    found = model.forecast(np.append([9.0, 9.0], history), 4)
    for value in found:
        assert value == pytest.approx(model.predict(row[None])[0], abs=1e-12)
        row = np.append(row[1:], value)


def test_forecasts_of_several_steps_at_a_time():
    windows, y = make_windows(make_damped_pendulum(60), 3, horizon=2)
    model = quick(max_iter=5).fit(windows, y)
    history = windows[0]
    first = model.predict(history[None])[0]
    second = model.predict(np.append(history, first)[None, -3:])[0]
    assert_allclose(model.forecast(history, 3), [*first, second[0]], atol=1e-12)


@pytest.mark.parametrize("output", ["last", "sequence"])
def test_forecasts_of_several_channels(output):
    windows, y = TWO
    if output == "sequence":
        y = np.hstack([windows[:, 2:], y])
    model = quick(n_channels=2, n_qubits=None, output=output).fit(windows, y)
    history = windows[0].reshape(3, 2)
    found = model.forecast(history, 2)
    assert found.shape == (2, 2)
    assert_allclose(found[0], model.predict(windows[:1])[0, -2:], atol=1e-12)
    moved = np.vstack([history[1:], found[:1]]).ravel()
    assert_allclose(found[1], model.predict(moved[None])[0, -2:], atol=1e-12)


@pytest.mark.parametrize(
    ("history", "steps", "message"),
    [
        ([1.0, 2.0], 1, "history has 2 time steps, too few for the window of 3"),
        ([1.0, 2.0, 3.0], 0, "steps must be a positive integer, got 0"),
        ([1.0, 2.0, 3.0], 2.5, "steps must be a positive integer, got 2.5"),
        ([1.0, np.nan, 3.0], 1, "history contains NaN"),
        (np.zeros((5, 2)), 1, r"history must have shape \(n_timesteps, 1\) or"),
    ],
)
def test_forecasts_that_cannot_be_made(history, steps, message):
    model = quick(max_iter=1).fit(X, Y)
    with pytest.raises(ValueError, match=message):
        model.forecast(history, steps)


def test_a_forecast_needs_whole_time_steps():
    model = quick(n_channels=2, n_qubits=None, max_iter=1).fit(TWO[0], TWO[1][:, 0])
    with pytest.raises(ValueError, match="whole time steps of 2 channels, but it has 1 outputs"):
        model.forecast(np.zeros((3, 2)), 1)
    with pytest.raises(NotFittedError):
        quick().forecast([1.0, 2.0], 1)


# Bad input.


@pytest.mark.parametrize(
    ("params", "data", "message"),
    [
        ({"n_channels": 2}, (X, Y), "3 features, which is no whole number of time steps"),
        ({"n_channels": 2}, (X[:, :, None], Y), r"n_channels=2, got \(57, 3, 1\)"),
        ({}, (np.zeros((4, 2, 2, 2)), np.zeros(4)), "must have shape"),
        ({"output": "sequence"}, (X, Y), "3 time steps, but y has 1 columns"),
        ({"output": "sequence"}, (X, np.zeros((57, 4))), "give a multiple of 3"),
        ({}, (np.full_like(X, np.nan), Y), "Input X contains NaN"),
        ({}, (X, np.full_like(Y, np.inf)), "y contains infinity"),
        ({"cell": "gru"}, (X, Y), "'cell' parameter"),
        ({"cell": "chen", "n_qubits": 1}, (X, Y), "Set n_qubits to at least 2"),
        (
            {"init": "smal_normal"},
            (X, Y),
            "Unknown init 'smal_normal'. Did you mean 'small_normal'",
        ),
        ({"init": np.zeros((4, 3))}, (X, Y), r"give an array of shape \(4, 18\)"),
        ({"init": np.full((4, 18), np.nan)}, (X, Y), "init must be finite"),
        ({"solver": "adma"}, (X, Y), "Unknown solver 'adma'. Did you mean 'adam'"),
        ({"encoding": "arctn"}, (X, Y), "Did you mean 'arctan'"),
        ({"encoding": BasisEncoding()}, (X, Y), "takes bits, but the circuits of a cell"),
        ({"encoding": ArctanEncoding(n_qubits=2)}, (X, Y), "leave n_qubits=None"),
        ({"ansatz": "real_amplitudes", "entangler": "both"}, (X, Y), "entangler='both' would"),
        ({"ansatz": EntanglingRings(1), "n_layers": 3}, (X, Y), "Set ansatz__n_layers"),
        ({"ansatz": "tree_tensor", "n_layers": 3}, (X, Y), "n_layers=3 would not be used"),
        ({"gradient_clip": 0}, (X, Y), "'gradient_clip' parameter"),
        ({"hidden_size": 0}, (X, Y), "'hidden_size' parameter"),
    ],
)
def test_what_does_not_go_is_said_before_training(params, data, message):
    with pytest.raises(ValueError, match=message):
        quick(**params).fit(*data)


def test_an_exploding_loss_ends_training():
    model = quick(learning_rate=1e200, max_iter=50)
    with pytest.warns(ConvergenceWarning, match=r"in epoch \d+, step \d+.*last good weights"):
        model.fit(X, Y)
    assert np.isfinite(model.predict(X)).all()
    assert model.n_iter_ < 50


def test_a_loss_that_is_not_finite_from_the_start():
    told = re.escape(f"The values of X are of size {1e200 * np.sqrt((X**2).mean()):.3g};")
    with (
        pytest.warns(ScaleWarning, match=told),
        pytest.raises(ValueError, match="no good weights to keep: check the scale of X and y"),
    ):
        quick().fit(1e200 * X, Y)


@pytest.mark.parametrize("size", [5.1, 23])
def test_values_far_from_zero_are_warned_of(size):
    with pytest.warns(ScaleWarning, match=f"are of size {size:.3g};.*make_pipeline"):
        quick(max_iter=1, tol=1.0).fit(np.full_like(X, size), Y)


@pytest.mark.parametrize("factor", [1e-300, 1e-3, 0, 0.9])
def test_a_spread_of_unit_size_is_not_warned_of(factor):
    assert np.isfinite(quick().fit(factor * X, Y).predict(factor * X)).all()


# Interruption and callbacks.


def test_an_interruption_keeps_the_best_state(monkeypatch):
    run, calls = RecurrentNetwork.outputs_and_pullback, []

    def interrupted(self, theta, rows):
        calls.append(1)
        if len(calls) > 12:
            raise KeyboardInterrupt
        return run(self, theta, rows)

    monkeypatch.setattr(RecurrentNetwork, "outputs_and_pullback", interrupted)
    with pytest.warns(UserWarning, match="interrupted after 12 epochs; the best weights"):
        model = quick(max_iter=50).fit(X, Y)
    assert model.n_iter_ == len(model.gradient_norms_) == 12
    assert model.best_loss_ == min(model.loss_curve_)
    assert np.mean((model.predict(X) - Y) ** 2) / Y.var() / 2 == pytest.approx(model.best_loss_)


class Recorder:
    """A callback that scores every epoch, and asks to stop after some."""

    def __init__(self, last):
        self.last, self.scores = last, []

    def setup(self, estimator, context):
        pass

    def teardown(self, estimator, context):
        pass

    def on_fit_task_begin(self, estimator, context, *, X=None, metadata=None):
        pass

    def on_fit_task_end(self, estimator, context, *, X=None, y=None, fitted_estimator=None):
        if context.task_name == "epoch":
            self.scores.append(fitted_estimator.score(X, y))
        return context.task_name == "epoch" and context.task_id + 1 >= self.last


@pytest.mark.parametrize("solver", ["adam", "lbfgs"])
def test_callbacks_see_every_epoch_and_can_stop(solver):
    recorder = Recorder(4)
    model = quick(solver=solver, max_iter=20).set_callbacks(recorder).fit(X, Y)
    assert model.n_iter_ == len(recorder.scores) == 4
    assert recorder.scores[-1] > recorder.scores[0]


def test_progress_bar(capsys):
    pytest.importorskip("rich")
    quick().set_callbacks(ProgressBar()).fit(X, Y)
    assert "QLSTMRegressor - fit" in capsys.readouterr().out


# As a part of scikit-learn.


def test_warm_start_goes_on():
    model = quick(warm_start=True, max_iter=20).fit(X, Y)
    first = model.best_loss_
    assert model.fit(X, Y).loss_curve_[0] == pytest.approx(first, rel=1e-9)
    assert model.best_loss_ < first
    with pytest.raises(ValueError, match="warm_start=True goes on .* whose weights_ has shape"):
        model.set_params(n_layers=1).fit(X, Y)
    assert np.isfinite(model.predict(X)).all()


@pytest.mark.parametrize("cell", CELLS)
def test_fitted_models_pickle(cell):
    model = quick(cell=cell, head="quantum").fit(X, Y)
    copy = pickle.loads(pickle.dumps(model))
    assert_array_equal(copy.predict(X), model.predict(X))
    assert_array_equal(clone(model).fit(X, Y).predict(X), model.predict(X))


def test_a_trained_model_moves_to_another_backend():
    model = quick(cell="chen6").fit(X, Y)
    same = with_backend(model, ReferenceBackend())
    assert_allclose(same.predict(X[:3]), model.predict(X[:3]), atol=1e-6)
    noise = QsimBackend(noise=cirq.ConstantQubitNoiseModel(cirq.depolarize(0.1)))
    noisy = with_backend(model, noise).predict(X[:3])
    assert abs(noisy - model.predict(X[:3])).min() > 1e-4


def test_time_series_practice():
    model = make_pipeline(
        StandardScaler(),
        TransformedTargetRegressor(quick(max_iter=30), transformer=StandardScaler()),
    )
    scores = cross_val_score(model, X, Y, cv=TimeSeriesSplit(3))
    assert scores.shape == (3,)
    assert np.isfinite(scores).all()


def test_grid_search_over_the_size():
    grid = {"hidden_size": [1, 2], "n_layers": [1, 2], "encoding__bandwidth": [0.5, 1.0]}
    search = GridSearchCV(quick(), grid, cv=TimeSeriesSplit(2)).fit(X, Y)
    assert set(search.best_params_) == set(grid)
    best = search.best_estimator_
    assert best.weights_.shape == (4, 9 * best.n_layers)


@ignore_unconverged
def test_nested_parameters_keep_the_others():
    model = quick(n_layers=1, entangler="both").set_params(ansatz__gate="cz")
    assert model.ansatz.get_params() == {"n_layers": 1, "entangler": "both", "gate": "cz"}
    model.fit(X, Y)


# One batch after another.


def test_partial_fit_is_an_epoch_of_fit():
    options = {"cell": "lstm", "tol": 0.0, "batch_size": 7}
    whole = quick(max_iter=1, **options).fit(X, Y)
    model = quick(**options)
    model.partial_fit(X, Y)
    # A fit of one epoch keeps the best state, a batch the last one: of one epoch the same.
    assert_array_equal(model.gate_coef_, whole.gate_coef_)
    assert_array_equal(model.predict(X), whole.predict(X))
    for _ in range(20):
        model.partial_fit(X, Y)
    assert len(model.loss_curve_) == 21
    assert model.loss_curve_[-1] < model.loss_curve_[0]


@pytest.mark.parametrize("output", ["last", "sequence"])
def test_batches_of_another_shape_are_refused(output):
    y = np.random.default_rng(0).normal(size=(len(X), 3))
    model = quick(cell="lstm", output=output).partial_fit(X, y)
    before = model.predict(X)
    with pytest.raises(ValueError, match="y has 6 outputs; there were 3 before"):
        model.partial_fit(X, np.hstack([y, y]))
    with pytest.raises(ValueError, match="features"):
        model.partial_fit(X[:, :2], y[:, :2])
    assert_array_equal(model.predict(X), before)
    model.partial_fit(X, y, sample_weight=np.zeros(len(X)))  # changes nothing
    assert_array_equal(model.predict(X), before)


def test_partial_fit_needs_a_solver_of_steps():
    with pytest.raises(AttributeError, match="partial_fit"):
        quick(solver="lbfgs").partial_fit(X, Y)
    with pytest.raises(ValueError, match="early_stopping=True"):
        quick(early_stopping=True).partial_fit(X, Y)
    with pytest.raises(ValueError, match="at least one row of positive weight"):
        quick().partial_fit(X, Y, sample_weight=np.zeros(len(X)))
