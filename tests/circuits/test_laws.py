"""Laws that every encoding keeps, over a list of instances; the first are the public ones."""

import cirq
import numpy as np
import pytest
import scipy.sparse
import sympy
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import BaseEstimator, clone
from sklearn.utils import estimator_html_repr

from skquantum import circuits
from skquantum._named_parts import is_same
from skquantum.circuits import (
    ENCODINGS,
    AmplitudeEncoding,
    AngleEncoding,
    ArctanEncoding,
    BasisEncoding,
    BlockEncoding,
    CircuitEncoding,
    Encoding,
    IQPEncoding,
    RealAmplitudes,
    ReuploadingEncoding,
    TrainableEncoding,
    ZZEncoding,
)
from skquantum.testing import check_encoding

X_0, X_1, X_2 = sympy.symbols("x_0:3")
A, B = cirq.LineQubit.range(2)
OWN = cirq.Circuit(cirq.ry(X_0)(A), cirq.CZ(A, B) ** X_1, cirq.rx(X_0 * X_2 + 1)(B))

FOLDED = [
    ZZEncoding(),
    ZZEncoding(n_qubits=2, reps=1, entanglement="circular", bandwidth=0.3),
    ZZEncoding(n_qubits=3, entanglement="full", bandwidth=1.0),
    IQPEncoding(),
    IQPEncoding(n_qubits=2, reps=3, entanglement="full", bandwidth=0.5),
    AngleEncoding(),
    AngleEncoding(rotation="X", n_qubits=2, entanglement="circular"),
    AngleEncoding(rotation="Z", n_qubits=1, reps=2),
    AngleEncoding(n_qubits=5, reps=2, entanglement="full", bandwidth=2),
    ReuploadingEncoding(),
    ReuploadingEncoding(n_qubits=2, reps=3, entanglement="full", bandwidth=0.7),
    ArctanEncoding(),
    ArctanEncoding(n_qubits=2, bandwidth=0.7),
]
INSTANCES = [
    *FOLDED,
    AmplitudeEncoding(),
    BasisEncoding(),
    BlockEncoding(),
    BlockEncoding(AmplitudeEncoding(), size=3),
    TrainableEncoding(),
    TrainableEncoding(IQPEncoding(n_qubits=2), RealAmplitudes(n_layers=2), [0.3] * 6),
    CircuitEncoding(OWN),
    CircuitEncoding(OWN.freeze(), data_symbols=["x_2", X_0, "x_1"]),
]
N_FEATURES = 3  # what the user's own circuit takes


def name_of(encoding):
    params = encoding.get_params(deep=False).values()
    return "-".join([type(encoding).__name__, *(str(p) for p in params if np.isscalar(p))])


every_encoding = pytest.mark.parametrize("encoding", INSTANCES, ids=name_of)
every_folded = pytest.mark.parametrize("encoding", FOLDED, ids=name_of)


@pytest.fixture
def X():
    # Binary, without rows of zeros: data that every encoding takes.
    return np.array([[1.0, 0, 0], [0, 1, 1], [1, 1, 1], [1, 0, 1]])


class Holder(BaseEstimator):
    def __init__(self, encoding=None):
        self.encoding = encoding


def test_every_public_encoding_is_under_the_laws():
    names = [getattr(circuits, name) for name in circuits.__all__]
    public = {c for c in names if isinstance(c, type) and issubclass(c, Encoding)} - {Encoding}
    assert {type(encoding) for encoding in INSTANCES} == public
    assert set(ENCODINGS.values()) == public - {CircuitEncoding, BlockEncoding, TrainableEncoding}


@every_encoding
def test_the_laws_that_are_public(encoding):
    check_encoding(encoding)


@every_encoding
def test_repr_round_trip(encoding):
    copy = clone(encoding)
    if not isinstance(encoding, CircuitEncoding):
        copy = eval(repr(encoding), vars(circuits))
    assert type(copy) is type(encoding)
    assert is_same(copy, encoding)
    assert type(encoding).__name__ in estimator_html_repr(encoding)


@every_encoding
def test_parameters_nest(encoding):
    holder = Holder(encoding)
    nested = {f"encoding__{name}": value for name, value in encoding.get_params().items()}
    assert holder.get_params() == {"encoding": encoding, **nested}
    assert clone(holder).set_params(**nested).encoding.get_params() == encoding.get_params()


@every_encoding
def test_equal_descriptions_compile_to_one_object(encoding):
    circuit, symbols = encoding.compiled(N_FEATURES)
    assert isinstance(circuit, cirq.FrozenCircuit)
    assert circuit == encoding.build(N_FEATURES).freeze()
    assert symbols == encoding.symbols(N_FEATURES)
    for same in (encoding, clone(encoding)):
        assert same.compiled(np.int64(N_FEATURES))[0] is circuit


@every_folded
@pytest.mark.parametrize(
    "change", [{"bandwidth": 0.123}, {"reps": 4}, {"n_qubits": 2, "reps": 5}], ids=str
)
def test_other_parameters_compile_to_another_circuit(encoding, change):
    encoding = clone(encoding)
    circuit, _ = encoding.compiled(N_FEATURES)
    assert encoding.set_params(**change).compiled(N_FEATURES)[0] != circuit


@every_encoding
def test_encode_gives_a_value_for_each_symbol(encoding, X):
    X.setflags(write=False)
    values = encoding.encode(X)
    assert values.shape == (len(X), len(encoding.symbols(N_FEATURES)))
    assert values.dtype == np.float64
    assert_array_equal(encoding.encode(X.tolist()), values)
    assert_array_equal(encoding.encode(X.astype(np.float32)), values)
    assert_array_equal(encoding.encode(X[1:2]), values[1:2])
    assert encoding.encode(X[:0]).shape == values[:0].shape


@every_encoding
@pytest.mark.parametrize(
    ("bad", "message"),
    [
        ([[1.0, np.nan, 0.0]], "X contains NaN"),
        ([[1.0, np.inf, 0.0]], "X contains infinity"),
        ([1.0, 0.0, 0.0], "Expected 2D array"),
        ([["a", "b", "c"]], "could not convert string"),
        (np.empty((2, 0)), "0 feature"),
    ],
    ids=["nan", "inf", "1d", "text", "no-features"],
)
def test_encode_refuses_bad_data(encoding, bad, message):
    with pytest.raises(ValueError, match=message):
        encoding.encode(bad)


@every_encoding
def test_encode_refuses_sparse_data(encoding):
    with pytest.raises(TypeError, match="[Ss]parse data"):
        encoding.encode(scipy.sparse.csr_array(np.eye(3)))


@every_encoding
def test_states_are_normalised_and_rows_independent(encoding, X, states):
    every_row = states(encoding, X)
    assert_allclose(np.linalg.norm(every_row, axis=1), 1, rtol=1e-12)
    # Up to a rounding: Cirq multiplies the states of qubits that never met in the order of a set.
    assert_allclose(states(encoding, X[2]), every_row[2:3], rtol=0, atol=1e-15)


@pytest.mark.parametrize("n_features", [2, 3, 9])
@pytest.mark.parametrize("encoding", [*INSTANCES, AngleEncoding(rotation="X")], ids=name_of)
def test_states_in_closed_form_are_those_of_the_circuit(encoding, n_features, states):
    if isinstance(encoding, CircuitEncoding) and n_features != N_FEATURES:
        return
    X = np.random.default_rng(0).normal(size=(4, n_features)) * [[1], [30], [1e-200], [5]]
    if isinstance(encoding, BasisEncoding):
        X = (X > 0) + 0.0
    found = encoding.states(X)
    if found is not None:
        fidelities = np.abs(np.einsum("nz,nz->n", found.conj(), states(encoding, X))) ** 2
        assert_allclose(fidelities, 1, atol=2e-6)
        assert_allclose(np.linalg.norm(found, axis=1), 1, atol=2e-6)
    # One layer of rotations about X or Y, and amplitudes, are known without a run.
    known = isinstance(encoding, AmplitudeEncoding)
    known |= n_features <= 8 and repr(encoding) in (
        "AngleEncoding()",
        "AngleEncoding(rotation='X')",
    )
    assert (found is not None) == known


@every_encoding
def test_size_must_be_a_positive_integer(encoding):
    for method in (encoding.build, encoding.width, encoding.compiled):
        with pytest.raises(ValueError, match="n_features must be at least 1 for .*got 0"):
            method(0)
        with pytest.raises(TypeError, match="integer"):
            method(2.5)


@every_folded
def test_wide_data_folds_onto_the_register(encoding, states):
    assert encoding.width(10_000) == (encoding.n_qubits or 8)
    wide = encoding.build(200)
    assert cirq.num_qubits(wide) == encoding.width(200)
    assert len(cirq.parameter_names(wide)) == 200


def test_wide_data_takes_a_logarithm_of_amplitudes():
    assert [AmplitudeEncoding().width(n) for n in (1, 2, 3, 4, 5, 784)] == [1, 1, 2, 2, 3, 10]


@every_folded
@pytest.mark.parametrize("n_qubits", [1, 2, 3])
@pytest.mark.parametrize("others", ["random", "zero"])
def test_features_that_share_a_qubit_do_not_just_add_up(encoding, n_qubits, others, states):
    encoding = clone(encoding).set_params(n_qubits=n_qubits, bandwidth=1.0)
    x = np.random.default_rng(0).uniform(0.3, 1.2, size=2 * n_qubits + 1)
    if others == "zero":
        x[np.arange(len(x)) % n_qubits != 0] = 0.0
    shift = np.zeros_like(x)
    shift[[0, n_qubits]] = 0.4, -0.4
    # Several shifts, as a qubit has few directions and one shift may come back by chance.
    psi, *shifted = states(encoding, [x + t * shift for t in (0.0, -1.0, -0.5, 0.5, 1.0)])
    assert min(abs(np.vdot(psi, other)) ** 2 for other in shifted) < 0.999


@every_folded
@pytest.mark.parametrize("n_features", [3, 5])
def test_each_feature_moves_the_state_in_a_direction_of_its_own(encoding, n_features, states):
    encoding = clone(encoding).set_params(n_qubits=3)
    x = np.random.default_rng(1).uniform(0.2, 1.5, size=n_features)
    step = 1e-5 * np.eye(n_features)
    psi = states(encoding, x)[0]
    tangents = (states(encoding, x + step) - states(encoding, x - step)) / 2e-5
    tangents -= np.outer(tangents @ psi.conj(), psi)  # a global phase is no direction
    metric = np.linalg.eigvalsh((tangents.conj() @ tangents.T).real)
    assert metric.min() > 1e-3 * metric.max()


@every_folded
def test_bandwidth_is_a_factor_on_the_data(encoding, states):
    encoding = clone(encoding)
    X = np.random.default_rng(0).normal(size=(3, 4))
    expected = states(encoding.set_params(bandwidth=1.0), 0.37 * X)
    assert_allclose(states(encoding.set_params(bandwidth=0.37), X), expected, atol=1e-12)


@every_folded
@pytest.mark.parametrize(
    ("bad", "message"),
    [
        ({"n_qubits": 0}, "'n_qubits' parameter of .* must be an int in the range"),
        ({"reps": 0}, "'reps' parameter .* Got 0"),
        ({"reps": 2.0}, "'reps' parameter .* Got 2.0"),
        ({"entanglement": "ring"}, "'entanglement' parameter .* a str among .* Got 'ring'"),
        ({"bandwidth": 0}, "'bandwidth' parameter .* Got 0"),
        ({"bandwidth": np.nan}, "'bandwidth' parameter .* Got nan"),
        ({"bandwidth": np.inf}, "'bandwidth' parameter .* Got inf"),
    ],
    ids=str,
)
def test_bad_parameters_are_refused_when_a_circuit_is_asked_for(encoding, bad, message):
    encoding = clone(encoding).set_params(reps=2)
    encoding.compiled(N_FEATURES)  # 2.0 equals 2: what is in the cache must not let it through
    encoding.set_params(**bad)
    for method in (encoding.build, encoding.width, encoding.compiled):
        with pytest.raises(ValueError, match=message):
            method(N_FEATURES)
