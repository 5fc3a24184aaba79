import json
import os
import subprocess
import sys
from pathlib import Path

import cirq
import numpy as np
import pytest
import qsimcirq
import sympy
from numpy.testing import assert_array_equal

from skquantum.circuits import AmplitudeEncoding
from skquantum.execution._identity import device_identity, sampler_identity
from skquantum.execution._result_cache import Counts, ResultCache, circuit_digest, request_key

A, B = cirq.LineQubit.range(2)
X, Y = sympy.symbols("x y")
COUNTS = Counts(np.array([[0, 1], [1, 1]], np.uint8), np.array([7, 3]))
KEY = request_key("circuit", np.array([0.1]))


@pytest.fixture
def cache(tmp_path):
    return ResultCache(tmp_path / "new" / "folder")


def path_of(cache):
    (path,) = cache.folder.glob("??/*")
    return path


def test_what_was_saved_is_loaded(cache):
    assert cache.load(KEY, 10, 2) is None
    cache.save(KEY, COUNTS, 10, 2)
    loaded = ResultCache(cache.folder).load(KEY, 10, 2)
    assert_array_equal(loaded.bits, COUNTS.bits)
    assert_array_equal(loaded.counts, COUNTS.counts)
    assert loaded.bits.dtype == np.uint8


def test_files_appear_whole(cache, monkeypatch):
    def die(*args):
        raise KeyboardInterrupt

    monkeypatch.setattr("skquantum.execution._result_cache.os.link", die)
    with pytest.raises(KeyboardInterrupt):
        cache.save(KEY, COUNTS, 10, 2)
    assert cache.load(KEY, 10, 2) is None
    monkeypatch.undo()
    cache.save(KEY, COUNTS, 10, 2)
    assert cache.load(KEY, 10, 2) is not None


def change(**entries):
    return lambda text: json.dumps(json.loads(text) | entries)


@pytest.mark.parametrize(
    "damage",
    [
        lambda text: "",
        lambda text: text[: len(text) // 2],
        lambda text: text.replace("7", "8"),
        lambda text: "[]",
        lambda text: "{}",
        change(key="0" * 64),
        change(counts={"01": 10}),
        change(counts=[7, 3]),
        change(checksum="0"),
    ],
)
def test_damage_is_seen(cache, damage):
    cache.save(KEY, COUNTS, 10, 2)
    path = path_of(cache)
    path.write_text(damage(path.read_text()))
    with pytest.warns(RuntimeWarning, match=r"corrupted\. Its circuit is measured again"):
        assert cache.load(KEY, 10, 2) is None
    cache.save(KEY, COUNTS, 10, 2)
    assert cache.load(KEY, 10, 2) is not None


@pytest.mark.parametrize(("repetitions", "n_qubits"), [(11, 2), (10, 3)])
def test_counts_of_another_job_are_not_taken(cache, repetitions, n_qubits):
    cache.save(KEY, COUNTS, 10, 2)
    with pytest.warns(RuntimeWarning, match="corrupted"):
        assert cache.load(KEY, repetitions, n_qubits) is None


def test_a_folder_that_cannot_be_made_is_refused(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(ValueError, match="cache=.*can be written to.*Nothing was run"):
        ResultCache(tmp_path / "file")


def test_keys_tell_requests_apart():
    requests = [
        ("a", [0.1], 10),
        ("b", [0.1], 10),
        ("a", [np.nextafter(0.1, 1)], 10),
        ("a", [0.1, 0.0], 10),
        ("a", [0.1], 11),
        ("a", [0.1], 10, "device"),
    ]
    assert len({request_key(c, np.array(v), *rest) for c, v, *rest in requests}) == len(requests)
    assert request_key("a", np.array([-0.0])) == request_key("a", np.array([0.0]))


def test_digests_tell_circuits_apart():
    circuits = [
        cirq.Circuit(cirq.rx(X)(A), cirq.rx(Y)(B)),
        cirq.Circuit(cirq.rx(Y)(A), cirq.rx(X)(B)),
        cirq.Circuit(cirq.ry(X)(A), cirq.rx(Y)(B)),
        cirq.Circuit(cirq.rx(X)(A), cirq.rx(2 * Y)(B)),
        cirq.Circuit(cirq.rx(X)(A)),
        cirq.Circuit(cirq.rx(X)(A), cirq.I(B)),
        cirq.Circuit([cirq.Moment(cirq.rx(X)(A)), cirq.Moment(cirq.rx(Y)(B))]),
    ]
    digests = {circuit_digest(c.freeze(), ("x", "y")) for c in circuits}
    digests.add(circuit_digest(circuits[0].freeze(), ("y", "x")))
    assert len(digests) == len(circuits) + 1


class Nameless(cirq.Gate):
    def __init__(self, parts=()):
        self.parts = parts

    def _num_qubits_(self):
        return 1

    def _unitary_(self):
        return np.eye(2)

    def _decompose_(self, qubits):
        return [gate(*qubits) for gate in self.parts] or NotImplemented


def test_gates_without_json_are_decomposed():
    circuit, _ = AmplitudeEncoding().compiled(4)
    assert circuit_digest(circuit.freeze(), ("a",))
    digests = [
        circuit_digest(cirq.FrozenCircuit(Nameless(parts)(A)), ())
        for parts in ([cirq.X], [cirq.Y], [cirq.X])
    ]
    assert digests[0] == digests[2] != digests[1]
    with pytest.raises(ValueError, match="neither a JSON form"):
        circuit_digest(cirq.FrozenCircuit(Nameless()(A)), ())


def noisy(p):
    return cirq.DensityMatrixSimulator(noise=cirq.depolarize(p))


def test_simulators_are_told_apart_by_class_and_noise():
    hadamard = cirq.KrausChannel([cirq.unitary(cirq.H)])
    samplers = [
        cirq.Simulator(seed=1),
        cirq.DensityMatrixSimulator(),
        noisy(0.1),
        noisy(0.2),
        qsimcirq.QSimSimulator(),
        qsimcirq.QSimSimulator(noise=cirq.depolarize(0.1)),
        cirq.Simulator(noise=hadamard),
        cirq.Simulator(noise=cirq.KrausChannel([cirq.unitary(cirq.X)])),
        cirq.Simulator(noise=cirq.KrausChannel([np.eye(2)])),
    ]
    assert len({sampler_identity(sampler) for sampler in samplers}) == len(samplers)
    assert sampler_identity(cirq.Simulator(seed=2)) == sampler_identity(samplers[0])


def test_a_sampler_that_cannot_be_told_apart_needs_a_name():
    class OwnNoise(cirq.NoiseModel):
        def noisy_operation(self, operation):
            return operation

    for sampler in (cirq.ZerosSampler(), cirq.Simulator(noise=OwnNoise())):
        with pytest.raises(ValueError, match="name='...'"):
            sampler_identity(sampler)


def test_a_device_that_cannot_be_told_apart_is_refused():
    class Metadata:
        pass

    class Device(cirq.Device):
        metadata = Metadata()

    with pytest.raises(ValueError, match="device Device"):
        device_identity(Device())


IDENTITIES = """
import cirq, sympy
from skquantum.circuits import ZZEncoding
from skquantum.execution._identity import device_identity, sampler_identity
from skquantum.execution._result_cache import circuit_digest
circuit, symbols = ZZEncoding().compiled(3)
print(circuit_digest(circuit.freeze(), tuple(map(str, symbols))))
print(sampler_identity(cirq.Simulator(noise=cirq.depolarize(0.1))))
try:
    import cirq_google.engine as engine
except ImportError:
    pass
else:
    import cirq_google
    print(device_identity(engine.create_device_from_processor_id("willow_pink")))
    noise = cirq_google.NoiseModelFromGoogleNoiseProperties(
        engine.load_device_noise_properties("willow_pink")
    )
    print(sampler_identity(cirq.Simulator(noise=noise)))
"""


def test_identities_are_the_same_in_every_process():
    root = str(Path(__file__).parents[2])
    path = os.pathsep.join(filter(None, [root, os.environ.get("PYTHONPATH")]))
    outputs = {
        subprocess.run(
            [sys.executable, "-c", IDENTITIES],
            capture_output=True,
            text=True,
            check=True,
            env={**os.environ, "PYTHONPATH": path, "PYTHONHASHSEED": seed},
        ).stdout
        for seed in "12"
    }
    assert len(outputs) == 1
