"""Circuits that share their input: three ways to run them, and finite differences."""

import pickle

import cirq
import numpy as np
import pytest
import sympy
from numpy.testing import assert_allclose

from skquantum.circuits import (
    ANSATZE,
    AmplitudeEncoding,
    AngleEncoding,
    ArctanEncoding,
    CircuitAnsatz,
    CircuitEncoding,
    EntanglingRings,
    HardwareEfficient,
    ReuploadingEncoding,
    SimplifiedTwoDesign,
    StronglyEntangling,
    TreeTensor,
    ZZEncoding,
)
from skquantum.execution import QsimBackend, ReferenceBackend
from skquantum.layers._banks.bank import CircuitBank
from skquantum.layers._banks.bound import LayerBank
from skquantum.layers._banks.products import ProductBank
from skquantum.layers._banks.states import EncodedBank

N_STEPS, N_ROWS = 3, 4


def make_bank(encoding=None, ansatz=None, **options):
    defaults = {
        "n_features": 3,
        "n_circuits": 2,
        "n_observed": None,
        "gradient": "auto",
        "backend": None,
        "random_state": 0,
    }
    encoding = ArctanEncoding() if encoding is None else encoding
    ansatz = EntanglingRings() if ansatz is None else ansatz
    return CircuitBank(encoding, ansatz, **defaults | options)


def problem(bank, n_values=None, seed=0):
    """Return weights, read-out or None, values and cotangents at each time step."""
    rng = np.random.default_rng(seed)
    weights = rng.normal(size=bank.shape)
    read = ()
    if n_values is not None:
        read = (
            rng.normal(size=(bank.n_circuits, n_values, bank.n_outputs)),
            rng.normal(size=(bank.n_circuits, n_values)),
        )
    values = rng.normal(size=(N_STEPS, bank.n_features, N_ROWS))
    width = bank.n_circuits * (bank.n_outputs if n_values is None else n_values)
    return weights, read, values, rng.normal(size=(N_STEPS, width, N_ROWS))


def run(bound, values, cotangents):
    """Return values, their gradients, and the gradients of the parameters."""
    bound.begin(N_STEPS, N_ROWS)
    out = np.array([bound.forward(t, values[t]) for t in range(N_STEPS)])
    buffer = np.empty_like(cotangents[0])  # cells use one for all steps
    back = []
    for t in reversed(range(N_STEPS)):
        buffer[:] = cotangents[t]
        back.append(bound.backward(t, buffer))
    return out, np.array(back[::-1]), bound.gradient()


A, B = cirq.LineQubit.range(2)
X_0, X_1, X_2 = sympy.symbols("x_0:3")


def diagonal_first():
    """Return an ansatz that begins and ends with gates that commute with a diagonal one."""
    a, b, c = cirq.LineQubit.range(3)
    v, w = sympy.symbols("v w")
    return CircuitAnsatz(
        cirq.Circuit(cirq.CZ(a, b), cirq.ZZ(b, c) ** v, cirq.rx(w)(a), cirq.CZ(a, c) ** w)
    )


FAST = {
    "rings": make_bank(),
    "both": make_bank(ansatz=EntanglingRings(entangler="both", gate="cz"), n_circuits=4),
    "one qubit": make_bank(n_features=1),
    "two of two": make_bank(n_features=2, n_observed=2),
    "repeated": make_bank(ArctanEncoding(n_qubits=4), n_features=2),
    "one of four": make_bank(n_features=4, n_observed=1),
    "five": make_bank(n_features=5, n_circuits=1),
    "bandwidth": make_bank(ArctanEncoding(bandwidth=0.3)),
    "strongly": make_bank(ansatz=StronglyEntangling(1)),
    "hardware": make_bank(ansatz=HardwareEfficient(n_layers=1)),
    "two design": make_bank(ansatz=SimplifiedTwoDesign(1)),
    "tree": make_bank(ansatz=TreeTensor(), n_features=4),
    "diagonal": make_bank(ansatz=diagonal_first()),
}
ENCODED = {
    "angle": make_bank(AngleEncoding()),
    "angle of one qubit": make_bank(AngleEncoding(), n_features=1),
    "folded": make_bank(ArctanEncoding(n_qubits=2)),
    "repetitions": make_bank(ArctanEncoding(reps=2), n_observed=2),
    "zz": make_bank(ZZEncoding(), diagonal_first()),
    "reuploading": make_bank(ReuploadingEncoding(n_qubits=4), n_circuits=4),
    "amplitude": make_bank(AmplitudeEncoding(), n_features=4),
    "own": make_bank(
        CircuitEncoding(
            cirq.Circuit(cirq.rx(X_0 * X_1)(A), cirq.ISWAP(A, B) ** X_2, cirq.X(B) ** 0.3)
        )
    ),
}
GENERAL = {
    "oracle": make_bank(ansatz=EntanglingRings(1), n_features=1, backend=ReferenceBackend()),
    "noise": make_bank(
        AngleEncoding(n_qubits=2),
        backend=QsimBackend(noise=cirq.ConstantQubitNoiseModel(cirq.depolarize(0.01))),
    ),
    "six qubits": make_bank(ArctanEncoding(n_qubits=6), HardwareEfficient(n_layers=1)),
}
BANKS = {"product": FAST, "encoded": ENCODED, "layer": GENERAL}
KINDS = {"product": ProductBank, "encoded": EncodedBank, "layer": LayerBank}
READ_OUTS = pytest.mark.parametrize("n_values", [None, 1, 4])


@pytest.mark.parametrize("bank", (FAST | ENCODED).values(), ids=FAST | ENCODED)
@READ_OUTS
def test_every_way_gives_the_same_numbers(bank, n_values):
    weights, read, values, cotangents = problem(bank, n_values)
    fast = run(bank.bind(weights, *read), values, cotangents)
    general = run(make_layer_bank(bank, weights, read), values, cotangents)
    for one, other in zip(fast[:2], general[:2], strict=True):
        assert_allclose(one, other, atol=5e-6)
    assert fast[2].keys() == general[2].keys()
    for name in fast[2]:
        assert_allclose(fast[2][name], general[2][name], atol=1e-5)


def make_layer_bank(bank, weights, read):
    coef, intercept = read or (None, None)
    return LayerBank(bank.layer, weights, coef, intercept)


@pytest.mark.parametrize(
    ("bank", "step", "atol"),
    [(bank, 1e-5, 1e-8) for bank in (FAST | ENCODED).values()]
    + [(bank, 1e-3, 1e-3) for bank in GENERAL.values()],
    ids=[*FAST, *ENCODED, *GENERAL],
)
@pytest.mark.parametrize("n_values", [None, 2])
def test_gradients_are_those_of_finite_differences(bank, step, atol, n_values):
    weights, read, values, cotangents = problem(bank, n_values, seed=1)

    def loss(weights, read, values):
        bound = bank.bind(weights, *read)
        bound.begin(N_STEPS, N_ROWS)
        out = [bound.forward(t, values[t], keep=False) for t in range(N_STEPS)]
        return float((np.array(out) * cotangents).sum())

    _, by_value, gradient = run(bank.bind(weights, *read), values, cotangents)
    rng = np.random.default_rng(2)
    # Along a random direction of each kind of parameter.
    pairs = [(weights, gradient["weights"]), (values, by_value)]
    pairs += [(r, gradient[n]) for r, n in zip(read, ("coef", "intercept"), strict=False)]
    for k, (array, grad) in enumerate(pairs):
        direction = rng.normal(size=array.shape)
        found = []
        for sign in (1, -1):
            moved = [array + sign * step * direction if j == k else a for j, (a, _) in
                     enumerate(pairs)]  # fmt: skip
            found.append(loss(moved[0], tuple(moved[2:]), moved[1]))
        assert_allclose((found[0] - found[1]) / (2 * step), (grad * direction).sum(), atol=atol)


@pytest.mark.parametrize(
    "bank", [FAST["rings"], ENCODED["folded"], GENERAL["six qubits"]], ids=KINDS
)
def test_to_skip_the_values_changes_no_gradient(bank):
    weights, read, values, cotangents = problem(bank)
    _, _, wanted = run(bank.bind(weights), values, cotangents)
    bound = bank.bind(weights)
    bound.begin(N_STEPS, N_ROWS)
    for t in range(N_STEPS):
        bound.forward(t, values[t])
    for t in reversed(range(1, N_STEPS)):
        bound.backward(t, cotangents[t])
    bound.skip(0, cotangents[0])
    assert_allclose(bound.gradient()["weights"], wanted["weights"], atol=1e-12)


@pytest.mark.parametrize(
    ("kind", "bank"),
    [(kind, bank) for kind, banks in BANKS.items() for bank in banks.values()],
    ids=[f"{kind}-{name}" for kind, banks in BANKS.items() for name in banks],
)
def test_each_bank_goes_the_fastest_way_that_applies(kind, bank):
    assert type(bank.bind(np.zeros(bank.shape))) is KINDS[kind]


def test_another_backend_is_noticed():
    bank = make_bank()
    assert bank.prepared is not None
    bank.layer.move_to(ReferenceBackend())
    assert bank.prepared is None
    bank.layer.move_to(QsimBackend())
    assert bank.prepared is not None


def test_a_bank_pickles():
    bank = make_bank()
    weights, read, values, cotangents = problem(bank)
    wanted = run(bank.bind(weights), values, cotangents)[0]
    copy = pickle.loads(pickle.dumps(bank))
    assert_allclose(run(copy.bind(weights), values, cotangents)[0], wanted, atol=1e-15)


def test_every_named_ansatz_is_separated_from_the_next():
    for name, ansatz in ANSATZE.items():
        bank = make_bank(ansatz=ansatz(), n_features=2)
        weights, read, values, cotangents = problem(bank)
        fast = run(bank.bind(weights), values, cotangents)
        general = run(LayerBank(bank.layer, weights, None, None), values, cotangents)
        assert_allclose(fast[0], general[0], atol=5e-6, err_msg=name)
        assert_allclose(fast[2]["weights"], general[2]["weights"], atol=1e-5, err_msg=name)
