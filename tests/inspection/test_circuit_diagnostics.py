"""Expressibility, entanglement and Fourier spectra against published and closed-form numbers."""

import cirq
import matplotlib.pyplot as plt
import numpy as np
import pytest
import sympy
from scipy.stats import unitary_group

from skquantum.circuits import AngleEncoding, ReuploadingEncoding, StronglyEntangling
from skquantum.execution import ReferenceBackend
from skquantum.inspection import entangling_capability, expressibility, fourier_spectrum
from skquantum.inspection._circuit_diagnostics import _haar_log_shares, _meyer_wallach
from skquantum.layers import QuantumLayer

Q = cirq.LineQubit(0)
A, B = sympy.symbols("a b")


@pytest.mark.parametrize(
    ("circuit", "published"),
    [
        (cirq.Circuit(cirq.I(Q)), 4.32),
        (cirq.Circuit(cirq.H(Q), cirq.rz(A)(Q)), 0.20),
        (cirq.Circuit(cirq.H(Q), cirq.rz(A)(Q), cirq.rx(B)(Q)), 0.02),
    ],
    ids=["idle", "H-RZ", "H-RZ-RX"],
)
def test_published_expressibilities(circuit, published):
    """Sim et al. 2019, figure 1: 75 bins and 5,000 pairs, to the two digits given.

    With so few pairs chance adds .007, which the published numbers hold; twenty runs take its
    spread away.
    """
    runs = [expressibility(circuit, random_state=seed).divergence for seed in range(20)]
    assert np.mean(runs) == pytest.approx(published, abs=0.0075)


def test_haar_random_states_have_no_divergence():
    states = unitary_group.rvs(8, size=4000, random_state=0)[:, :, 0]
    fidelities = np.abs((states[::2].conj() * states[1::2]).sum(axis=1)) ** 2
    edges = np.linspace(0, 1, 11)
    shares = np.exp(_haar_log_shares(edges, 3))
    assert shares.sum() == pytest.approx(1.0)
    np.testing.assert_allclose(np.histogram(fidelities, edges)[0] / 2000, shares, atol=0.04)
    # The mean of the measure of Meyer and Wallach over these states is known.
    assert _meyer_wallach(states).mean() == pytest.approx((8 - 2) / (8 + 1), abs=0.01)


def test_wide_registers_have_finite_divergences():
    found = expressibility("real_amplitudes", 12, n_samples=20, random_state=0)
    assert np.isfinite(found.divergence)
    # Without a gate, all pairs have fidelity 1, where hardly any of the random pairs are.
    idle = expressibility(cirq.Circuit(cirq.I.on_each(*cirq.LineQubit.range(12))), n_samples=10)
    assert idle.divergence == pytest.approx((2**12 - 1) * np.log(75), rel=1e-6)


@pytest.mark.parametrize("n", [2, 3, 5])
def test_entanglement_of_known_states(n):
    qubits = cirq.LineQubit.range(n)
    ghz = cirq.Circuit(cirq.H(qubits[0]), (cirq.CNOT(qubits[0], q) for q in qubits[1:]))
    assert entangling_capability(ghz, n_samples=3).mean == pytest.approx(1.0, abs=1e-6)
    product = cirq.Circuit(cirq.ry(sympy.Symbol(f"a_{q.x}"))(q) for q in qubits)
    found = entangling_capability(product, n_samples=30, random_state=0)
    np.testing.assert_allclose(found.values, 0.0, atol=1e-5)


def test_entanglement_of_one_angle_is_known():
    """RY(a) and CNOT make cos(a/2)|00> + sin(a/2)|11>, whose measure is sin(a)^2."""
    a, b = cirq.LineQubit.range(2)
    circuit = cirq.Circuit(cirq.ry(A)(a), cirq.CNOT(a, b))
    found = entangling_capability(circuit, n_samples=4000, random_state=0)
    assert found.mean == pytest.approx(0.5, abs=0.02)
    # The measure stays what it is when qubits are told apart by other names.
    renamed = circuit.transform_qubits({a: cirq.NamedQubit("z"), b: cirq.NamedQubit("y")})
    assert entangling_capability(renamed, n_samples=4000, random_state=0).mean == pytest.approx(
        found.mean, abs=1e-6
    )


def test_backends_agree_and_results_repeat():
    one = expressibility("real_amplitudes", 2, n_samples=30, random_state=3)
    two = expressibility(
        "real_amplitudes", 2, n_samples=30, random_state=3, backend=ReferenceBackend()
    )
    np.testing.assert_allclose(one.fidelities, two.fidelities, atol=1e-5)


@pytest.mark.parametrize("reps", [1, 2, 4])
def test_frequencies_are_those_of_the_loading_gates(reps):
    """Schuld, Sweke and Meyer 2021: a rotation that loads x adds a frequency."""
    x = sympy.Symbol("x_0")
    symbols = sympy.symbols(f"w_:{2 * reps + 2}")
    weights = iter(symbols)
    gates = [cirq.rz(next(weights))(Q), cirq.ry(next(weights))(Q)]
    for _ in range(reps):
        gates += [cirq.rx(x)(Q), cirq.rz(next(weights))(Q), cirq.ry(next(weights))(Q)]
    layer = QuantumLayer.from_circuit(cirq.Circuit(gates), [x], symbols)
    found = fourier_spectrum(layer, 6, n_samples=40, random_state=0)
    np.testing.assert_array_equal(found.reached(), np.arange(reps + 1))
    assert found.remainder < 1e-6


def test_coefficients_of_a_cosine():
    """One rotation and Z: cos(x + b), whose coefficients are exp(i b) / 2."""
    x = sympy.Symbol("x_0")
    layer = QuantumLayer.from_circuit(cirq.Circuit(cirq.ry(x)(Q), cirq.ry(A)(Q)), [x], [A])
    found = fourier_spectrum(layer, 2, n_samples=10, random_state=0)
    np.testing.assert_allclose(np.abs(found.coefficients[:, :, 0]), [[0, 0.5, 0]] * 10, atol=1e-5)


def test_frequencies_above_the_highest_are_not_hidden():
    encoding = ReuploadingEncoding(reps=3, bandwidth=1.0)
    layer = QuantumLayer(encoding, StronglyEntangling(2), n_features=1)
    assert fourier_spectrum(layer, 1, n_samples=10, random_state=0).remainder > 1e-3
    # A bandwidth that is no whole number has no period of 2 pi.
    layer = QuantumLayer(AngleEncoding(bandwidth=0.3), StronglyEntangling(1), n_features=1)
    assert fourier_spectrum(layer, 8, n_samples=10, random_state=0).remainder > 1e-5


def test_they_draw_themselves_and_say_what_they_are():
    layer = QuantumLayer("angle", StronglyEntangling(1), n_features=1)
    results = (
        expressibility("real_amplitudes", 2, n_samples=30, random_state=0),
        entangling_capability("real_amplitudes", 2, n_samples=30, random_state=0),
        fourier_spectrum(layer, 2, n_samples=5, random_state=0),
    )
    for result in results:
        assert result.plot().get_xlabel()
        _, ax = plt.subplots()
        assert result.plot(ax) is ax
    assert repr(results[0]).startswith("Expressibility(divergence=")
    assert repr(results[1]).startswith("EntanglingCapability(mean=")
    plt.close("all")


def test_bad_input():
    with pytest.raises(ValueError, match="n_qubits must be given for an ansatz"):
        expressibility("real_amplitudes")
    with pytest.raises(ValueError, match="n_qubits=2 was given beside a circuit"):
        entangling_capability(cirq.Circuit(cirq.H(Q)), 2)
    with pytest.raises(ValueError, match="circuit has no qubits"):
        expressibility(cirq.Circuit())
    with pytest.raises(ValueError, match="n_bins must be at least 1, got 0"):
        expressibility("real_amplitudes", 2, n_bins=0)
    with pytest.raises(ValueError, match="Unknown ansatz"):
        expressibility("real_amplitude", 2)
    with pytest.raises(ValueError, match="one feature"):
        fourier_spectrum(QuantumLayer("angle", "real_amplitudes", n_features=2))
    with pytest.raises(ValueError, match="n_frequencies must be at least 1"):
        fourier_spectrum(QuantumLayer("angle", "real_amplitudes", n_features=1), 0)
