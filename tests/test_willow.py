"""Google's quantum virtual machine and its noise: the same pipelines as in the exact run."""

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.datasets import load_iris
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skquantum import QuantumKernelSVC, VariationalClassifier
from skquantum.comparison import DeviceTest, compare
from skquantum.execution import MitigatedBackend, QsimBackend, SamplerBackend
from skquantum.inspection import noise_sweep, with_backend

pytest.importorskip("cirq_google")

X, Y = load_iris(return_X_y=True)
X, Y = X[:100:8], Y[:100:8]  # two species that are easy to tell apart, 13 rows
KERNEL = make_pipeline(StandardScaler(), QuantumKernelSVC("angle", kernel="fidelity", C=10))
CIRCUIT = make_pipeline(
    StandardScaler(),
    VariationalClassifier(n_layers=1, learning_rate=0.2, max_iter=300, random_state=0),
)
NOISY = QsimBackend(noise="willow_pink")


def deviation(model, exact):
    change = model[-1].kernel_matrix_ - exact[-1].kernel_matrix_
    return np.linalg.norm(change) / np.linalg.norm(exact[-1].kernel_matrix_)


@pytest.fixture(scope="module")
def exact():
    return clone(KERNEL).fit(X, Y)


def test_a_kernel_on_the_virtual_machine(exact):
    machine = SamplerBackend(device="willow_pink", repetitions=400, seed=0)
    model = clone(KERNEL).set_params(quantumkernelsvc__backend=machine).fit(X, Y)
    # Each entry has a standard error of at most 0.025.
    assert 0.001 < deviation(model, exact) < 0.06
    assert 0.95 < np.diag(model[-1].kernel_matrix_).mean() < 1
    assert model.score(X[::4], Y[::4]) == exact.score(X[::4], Y[::4]) == 1


def test_the_same_noise_in_batches_and_mitigated(exact):
    found = []
    for backend in (NOISY, MitigatedBackend(NOISY)):
        model = clone(KERNEL).set_params(quantumkernelsvc__backend=backend).fit(X, Y)
        found.append(deviation(model, exact))
        assert model.score(X, Y) == 1
    assert 0.001 < found[0] < 0.05
    assert found[1] < 0.5 * found[0]


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_a_variational_classifier_there():
    trained = clone(CIRCUIT).fit(X, Y)
    machine = SamplerBackend(device="willow_pink", repetitions=400, seed=0)
    there, noisy = (with_backend(trained, b) for b in (machine, NOISY))
    exact = trained.predict_proba(X)
    assert trained.score(X, Y) == there.score(X, Y) == 1
    assert 1e-4 < np.abs(noisy.predict_proba(X) - exact).max() < 0.2
    assert np.abs(there.predict_proba(X) - exact).max() < 0.3
    model = clone(CIRCUIT).set_params(
        variationalclassifier__backend=NOISY, variationalclassifier__max_iter=60
    )
    assert model.fit(X, Y).score(X, Y) > 0.9


def test_mitigated_expectation_values_are_nearer():
    trained = clone(CIRCUIT).set_params(variationalclassifier__max_iter=2)
    with pytest.warns(match="Maximum number of iterations"):
        trained.fit(X, Y)
    outputs = [
        with_backend(trained, backend).predict_proba(X)
        for backend in (QsimBackend(), NOISY, MitigatedBackend(NOISY, extrapolation="richardson"))
    ]
    raw, mitigated = (np.abs(found - outputs[0]).max() for found in outputs[1:])
    assert mitigated < 0.5 * raw


@pytest.mark.filterwarnings("ignore:The best baseline:UserWarning")
def test_the_sweep_and_the_comparison_take_the_name():
    sweep = noise_sweep(KERNEL, X, Y, noise=[None, "willow_pink"], cv=2, random_state=0)
    assert sweep.to_frame()["noise"].tolist() == ["none", "willow_pink"]
    comparison = compare(
        {"kernel": QuantumKernelSVC("angle", kernel="fidelity")},
        X,
        Y,
        baselines=["logistic regression"],
        cv=2,
        budget=1,
        device=DeviceTest(shots=200),
    )
    assert "(willow_pink, 200 shots; simulated)" in str(comparison)
    assert comparison.of("kernel")[0].device.kernel_deviation < 0.1
    with pytest.raises(ValueError, match="Unknown device 'willow'"):
        DeviceTest("willow").check()
