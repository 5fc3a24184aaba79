"""Circuits as modules of PyTorch: gradients, types, copies, training, errors."""

import copy
import io

import cirq
import numpy as np
import pytest
import sympy
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.datasets import load_iris, make_moons
from sklearn.preprocessing import StandardScaler

from skquantum import VariationalClassifier
from skquantum.circuits import AngleEncoding
from skquantum.execution import DenseBackend, QsimBackend, ReferenceBackend
from skquantum.layers import QuantumLayer

torch = pytest.importorskip("torch")
from skquantum.torch import QuantumModule  # noqa: E402  (needs torch)

RNG = np.random.default_rng(0)


def module(n_features=3, **options):
    options = {"observables": "XZ", "random_state": 0} | options
    return QuantumModule("angle", "strongly_entangling", n_features=n_features, **options)


def rows(n=5, n_features=3, dtype=torch.float64, **options):
    return torch.tensor(RNG.normal(size=(n, n_features)), dtype=dtype, **options)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_outputs_are_those_of_the_layer(dtype):
    circuit, X = module().to(dtype), rows(dtype=dtype)
    layer = QuantumLayer("angle", "strongly_entangling", "XZ", ReferenceBackend(), n_features=3)
    want = layer.forward(X.double().numpy(), circuit.weights.detach().double().numpy())
    found = circuit(X)
    assert found.dtype == dtype
    assert found.shape == (5, circuit.out_features) == (5, 6)
    atol = 1e-12 if dtype == torch.float64 else 1e-6
    assert_allclose(found.detach().numpy(), want, rtol=0, atol=atol)


@pytest.mark.parametrize(
    "options", [{}, {"reupload": True}, {"reupload": "trainable"}, {"init": "identity_blocks"}]
)
def test_gradcheck(options):
    circuit = module(**options).double()
    assert torch.autograd.gradcheck(circuit, rows(requires_grad=True))
    own = QuantumModule.from_circuit(*own_circuit(), "XYZ", random_state=1).double()
    assert torch.autograd.gradcheck(own, rows(4, 1, requires_grad=True))

    def by_weights(weights):
        return torch.func.functional_call(circuit, {"weights": weights}, (X,))

    X = rows()
    assert torch.autograd.gradcheck(by_weights, circuit.weights)


def test_gradcheck_on_a_backend_of_ones_own():
    circuit = module(backend=DenseBackend()).double()
    assert torch.autograd.gradcheck(circuit, rows(2, requires_grad=True))
    measured = module(backend=QsimBackend()).double()  # as chosen: in single precision
    assert torch.autograd.gradcheck(
        measured, rows(2, requires_grad=True), eps=1e-2, atol=1e-3, rtol=1e-3
    )


def own_circuit():
    x, w, b = sympy.symbols("x w b")
    q = cirq.LineQubit.range(2)
    circuit = cirq.Circuit(cirq.ry(w * x + b)(q[0]), cirq.CNOT(*q), cirq.rx(w)(q[1]))
    return circuit, [x], [w, b]


def test_gradients_reach_the_layers_in_front_and_those_behind():
    net = torch.nn.Sequential(
        torch.nn.Linear(2, 3), torch.nn.Tanh(), module(), torch.nn.Linear(6, 2)
    )
    net(rows(7, 2, torch.float32)).square().sum().backward()
    for parameter in net.parameters():
        assert parameter.grad is not None
        assert parameter.grad.abs().max() > 0


def test_only_what_is_asked_for_is_computed(monkeypatch):
    asked = []
    forward_vjp = QuantumLayer.forward_vjp

    def recorded(self, X, weights, *, data_gradient=True):
        asked.append(data_gradient)
        return forward_vjp(self, X, weights, data_gradient=data_gradient)

    monkeypatch.setattr(QuantumLayer, "forward_vjp", recorded)
    circuit = module()
    circuit(rows(dtype=torch.float32)).sum().backward()
    circuit(rows(dtype=torch.float32, requires_grad=True)).sum().backward()
    with torch.no_grad():
        circuit(rows(dtype=torch.float32))
    assert asked == [False, True]


def test_any_number_of_axes_and_of_rows():
    circuit, X = module(), rows(12, dtype=torch.float32)
    whole = circuit(X)
    assert_allclose(
        circuit(X.reshape(3, 2, 2, 3)).reshape(12, 6).detach(), whole.detach(), atol=1e-6
    )
    assert circuit(X[0]).shape == (6,)
    empty = circuit(X[:0])
    assert empty.shape == (0, 6)
    empty.sum().backward()
    assert not circuit.weights.grad.any()


def test_saved_and_copied(tmp_path):
    circuit, X = module(), rows(dtype=torch.float32)
    other = module(random_state=1)
    assert not torch.equal(other(X), circuit(X))
    other.load_state_dict(circuit.state_dict())
    assert torch.equal(other(X), circuit(X))
    assert list(circuit.state_dict()) == ["weights"]
    copied = copy.deepcopy(circuit)
    assert torch.equal(copied(X), circuit(X))
    with torch.no_grad():
        copied.weights += 1
    assert not torch.equal(copied(X), circuit(X))
    file = io.BytesIO()
    torch.save(circuit.double(), file)
    file.seek(0)
    loaded = torch.load(file, weights_only=False)
    assert torch.equal(loaded(X.double()), circuit(X.double()))


def test_the_seed_is_torchs():
    torch.manual_seed(3)
    one = module(random_state=None).weights
    torch.manual_seed(3)
    assert torch.equal(module(random_state=None).weights, one)
    assert not torch.equal(module(random_state=None).weights, one)


def test_in_the_workers_of_a_loader():
    circuit, X = module().requires_grad_(False), rows(6, dtype=torch.float32)
    loader = torch.utils.data.DataLoader(
        X,
        batch_size=None,
        sampler=[[0, 1, 2], [3, 4, 5]],
        collate_fn=circuit,
        num_workers=2,
        multiprocessing_context="spawn",
    )
    assert_allclose(torch.cat(list(loader)), circuit(X), rtol=0, atol=1e-6)


def test_it_learns_as_part_of_a_network():
    torch.manual_seed(0)
    X, y = make_moons(120, noise=0.1, random_state=0)
    X = torch.tensor(StandardScaler().fit_transform(X), dtype=torch.float32)
    y = torch.tensor(y)
    circuit = QuantumModule(
        AngleEncoding(bandwidth=1.0), "strongly_entangling", "XYZ", n_features=2, reupload=True
    )
    net = torch.nn.Sequential(circuit, torch.nn.Linear(6, 2))
    optimizer = torch.optim.Adam(net.parameters(), lr=0.1)
    for _ in range(60):
        optimizer.zero_grad()
        loss = torch.nn.functional.cross_entropy(net(X), y)
        loss.backward()
        optimizer.step()
    assert (net(X).argmax(1) == y).float().mean() > 0.95


def test_from_a_fitted_classifier_and_back():
    X, y = load_iris(return_X_y=True)
    X = StandardScaler().fit_transform(X)
    options = {"embedding": None, "n_layers": 1, "random_state": 0}
    fitted = VariationalClassifier(max_iter=5, **options)
    with pytest.warns(Warning, match="max_iter"):
        fitted.fit(X, y)
    circuit = QuantumModule.from_layer(fitted.layer_, fitted.weights_).double()
    want = fitted.layer_.forward(X, fitted.weights_)
    assert_allclose(circuit(torch.tensor(X)).detach(), want, rtol=0, atol=1e-6)
    with torch.no_grad():
        circuit.weights += 0.1
    weights = circuit.weights.detach().numpy()
    again = VariationalClassifier(max_iter=1, learning_rate=1e-12, init=weights, **options)
    with pytest.warns(Warning, match="max_iter"):
        again.fit(X, y)
    assert_allclose(again.weights_, weights, rtol=0, atol=1e-9)


def test_second_derivatives_are_refused():
    circuit, X = module(), rows(dtype=torch.float32, requires_grad=True)
    (slope,) = torch.autograd.grad(circuit(X).sum(), X, create_graph=True)
    with pytest.raises(NotImplementedError, match="first derivatives only"):
        slope.square().sum().backward()


def test_errors_name_what_is_wrong():
    circuit = module()
    with pytest.raises(ValueError, match=r"must have 3 features on the last axis.*\(5, 2\)"):
        circuit(torch.zeros(5, 2))
    with pytest.raises(ValueError, match="must have 3 features"):
        circuit(torch.tensor(1.0))
    with pytest.raises(TypeError, match=r"floating-point numbers, got torch.int64"):
        circuit(torch.zeros(5, 3, dtype=torch.int64))
    with pytest.raises(TypeError, match="inputs must be a tensor"):
        circuit(np.zeros((5, 3)))
    with pytest.raises(ValueError, match="NaN"):
        circuit(torch.full((2, 3), torch.nan))
    with pytest.raises(ValueError, match="Unknown init 'unifrom'. Did you mean 'uniform'"):
        module(init="unifrom")
    with pytest.raises(ValueError, match="has shape"):
        QuantumModule.from_layer(circuit.layer, np.zeros(3))
    with pytest.raises(ValueError, match="Unknown init"):
        QuantumModule.from_circuit(*own_circuit(), init="small_normal")


def test_its_representation():
    assert repr(module()) == (
        "QuantumModule(in_features=3, out_features=6, n_qubits=3, n_weights=27)"
    )
    assert_array_equal(module(init=np.arange(27.0)).weights.detach(), np.arange(27))
