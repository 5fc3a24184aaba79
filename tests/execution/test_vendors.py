"""Devices and samplers of vendors beside Google, by their own packages and simulators."""

import cirq
import numpy as np
import pytest
from numpy.testing import assert_allclose

from skquantum import QuantumFeatureTransformer, VariationalClassifier
from skquantum.execution import SamplerBackend
from skquantum.kernels import FidelityKernel

X = np.random.default_rng(0).normal(size=(6, 3))
SHOTS = 2000
# Four standard errors of a kernel value and of an expectation value, the worst of many.
NEAR_KERNEL, NEAR_VALUE = 4 * 0.5 / np.sqrt(SHOTS), 4 / np.sqrt(SHOTS)


class MeasuresAll(cirq.Sampler):
    """AQT's samplers measure all qubits themselves, and call the result "m"."""

    def __init__(self, sampler):
        self.sampler = sampler

    def run_sweep(self, program, params, repetitions=1):
        *operations, last = program.all_operations()
        ions = dict(zip(last.qubits, cirq.LineQubit.range(len(last.qubits)), strict=True))
        idle = [cirq.Z(q) ** 0.0 for q in last.qubits]  # so that no ion is missing
        gates = cirq.Circuit(operations, idle).transform_qubits(ions)
        key = cirq.measurement_key_name(last)
        return [
            cirq.ResultDict(params=result.params, measurements={key: result.measurements["m"]})
            for result in self.sampler.run_sweep(gates, params, repetitions)
        ]


def aqt():
    pytest.importorskip("cirq_aqt")
    from cirq_aqt import AQTSamplerLocalSimulator, aqt_device

    device, _ = aqt_device.get_aqt_device(5)
    sampler = MeasuresAll(AQTSamplerLocalSimulator(simulate_ideal=True))
    return SamplerBackend(sampler, device=device, repetitions=SHOTS)


def pasqal():
    cirq_pasqal = pytest.importorskip("cirq_pasqal")
    atoms = [cirq_pasqal.TwoDQubit(i, 0) for i in range(5)]
    device = cirq_pasqal.PasqalVirtualDevice(control_radius=1.5, qubits=atoms)
    return SamplerBackend(cirq.Simulator(seed=0), device=device, repetitions=SHOTS)


@pytest.mark.parametrize("backend", [aqt, pasqal], ids=["aqt", "pasqal"])
def test_kernels_and_features_are_those_of_the_simulator(backend):
    backend = backend()
    assert_allclose(
        FidelityKernel("zz", backend=backend)(X), FidelityKernel("zz")(X), atol=NEAR_KERNEL
    )
    ours, exact = (
        QuantumFeatureTransformer("angle", observables="XYZ", backend=b).fit_transform(X)
        for b in (backend, None)
    )
    assert_allclose(ours, exact, atol=NEAR_VALUE)
    assert backend.run_records_


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_a_model_that_was_trained_exactly_moves_there():
    y = (X[:, 0] > 0).astype(int)
    model = VariationalClassifier(n_layers=1, max_iter=5, tol=1.0, random_state=0).fit(X, y)
    from skquantum.inspection import with_backend

    there = with_backend(model, pasqal())
    assert_allclose(there.predict_proba(X), model.predict_proba(X), atol=0.2)


def test_atoms_too_far_apart_are_not_connected():
    cirq_pasqal = pytest.importorskip("cirq_pasqal")
    from skquantum.execution._device.target import Target

    atoms = [cirq_pasqal.TwoDQubit(i, 0) for i in range(4)]
    device = cirq_pasqal.PasqalVirtualDevice(control_radius=1.5, qubits=atoms)
    graph = Target(device, None, "atoms").graph
    assert {frozenset(pair) for pair in graph.edges} == {
        frozenset(pair) for pair in zip(atoms, atoms[1:], strict=False)
    }
    a, b, c = cirq.LineQubit.range(3)
    far = cirq.Circuit(cirq.H(a), cirq.CZ(a, b), cirq.CZ(a, c), cirq.CZ(b, c))  # needs a swap
    compiled = Target(device, None, "atoms").compile(far, (a, b, c))
    device.validate_circuit(compiled)
    assert all(len(moment) == 1 for moment in compiled)


class Fussy(cirq.Device):
    """A device that refuses every circuit, for a reason of its own."""

    @property
    def metadata(self):
        import networkx as nx

        q = cirq.LineQubit.range(2)
        return cirq.DeviceMetadata(q, nx.Graph([q]))

    def validate_circuit(self, circuit):
        raise ValueError("not on Fridays")


def test_a_refusal_that_moments_do_not_mend_is_told():
    backend = SamplerBackend(cirq.Simulator(), device=Fussy(), repetitions=10)
    with pytest.raises(ValueError, match="not on Fridays"):
        FidelityKernel("angle", backend=backend)(X[:2, :2])
