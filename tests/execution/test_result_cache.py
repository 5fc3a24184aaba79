import errno
import json
import os
import subprocess
import sys
import time
from pathlib import Path

import cirq
import numpy as np
import pytest
import qsimcirq
import sympy
from numpy.testing import assert_array_equal

from skquantum.circuits import AmplitudeEncoding
from skquantum.execution import SamplerBackend
from skquantum.execution._device import result_cache as _result_cache
from skquantum.execution._device.identity import (
    calibration_identity,
    device_identity,
    sampler_identity,
)
from skquantum.execution._device.result_cache import (
    Counts,
    ResultCache,
    circuit_digest,
    request_key,
)

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

    monkeypatch.setattr("skquantum.execution._device.result_cache.os.link", die)
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
    with pytest.raises(ValueError, match="neither one of Cirq's gates"):
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
from skquantum.execution._device.identity import device_identity, sampler_identity
from skquantum.execution._device.result_cache import circuit_digest
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


# --- what stands in an entry's place


def rewritten(counts):
    """Return damage that keeps the checksum right."""

    def damage(path):
        entry = json.loads(path.read_text())
        checksum = _result_cache._checksum(entry["key"], counts)
        path.write_text(json.dumps(entry | {"counts": counts, "checksum": checksum}))

    return damage


def replaced(make):
    def damage(path):
        path.unlink()
        make(path)

    return damage


def folder_with_a_file(path):
    path.mkdir()
    (path / "file").write_text("")


@pytest.mark.parametrize(
    "damage",
    [
        rewritten({"01": -3, "11": 13}),
        rewritten({"01": 0, "11": 10}),
        rewritten({"01": 7.0, "11": 3}),
        rewritten({"01": True, "11": 9}),
        rewritten({"01": "7", "11": 3}),
        rewritten({"01": None, "11": 10}),
        rewritten({"011": 7, "111": 3}),
        rewritten({"0": 7, "1": 3}),
        rewritten({"02": 7, "11": 3}),
        rewritten({"0²": 7, "11": 3}),
        rewritten({"01": 7, "11": 4}),
        rewritten({}),
        lambda path: path.write_text("[" * 100_000 + "]" * 100_000),
        lambda path: path.write_bytes(b"\xff\xfe\x00"),
        lambda path: path.write_text("null"),
        replaced(Path.mkdir),
        replaced(folder_with_a_file),
        replaced(lambda path: os.mkfifo(path)),
        replaced(lambda path: path.symlink_to(path.parent)),
    ],
)
def test_whatever_is_corrupted_is_measured_again(cache, damage):
    cache.save(KEY, COUNTS, 10, 2)
    damage(path_of(cache))
    with pytest.warns(RuntimeWarning, match=r"corrupted\. Its circuit is measured again"):
        assert cache.load(KEY, 10, 2) is None
    kept = cache.save(KEY, COUNTS, 10, 2)
    assert_array_equal(kept.counts, COUNTS.counts)
    assert_array_equal(cache.load(KEY, 10, 2).bits, COUNTS.bits)
    assert [path.suffix for path in cache.folder.glob("??/*")] == [".json"]


def test_a_link_that_leads_nowhere_is_replaced(cache):
    cache.save(KEY, COUNTS, 10, 2)
    path = path_of(cache)
    path.unlink()
    path.symlink_to(path.parent / "nothing")
    assert cache.load(KEY, 10, 2) is None
    cache.save(KEY, COUNTS, 10, 2)
    assert cache.load(KEY, 10, 2) is not None


# --- several processes


def test_the_first_writer_wins(cache):
    other = Counts(np.array([[0, 0]], np.uint8), np.array([10]))
    assert cache.save(KEY, COUNTS, 10, 2) is COUNTS
    assert_array_equal(cache.save(KEY, other, 10, 2).counts, COUNTS.counts)


RACE = """
import sys, time
import cirq, numpy as np, sympy
from skquantum.execution import SamplerBackend
x, q = sympy.Symbol("x"), cirq.q(0)
backend = SamplerBackend(cirq.Simulator(), repetitions=1000, cache=sys.argv[1])
while time.time() < float(sys.argv[2]):
    pass
rows = np.linspace(0.5, 2.5, 20)[:, None]
print(backend.expectations(cirq.Circuit(cirq.rx(x)(q)), [x], rows, [cirq.Z(q)]).tolist())
"""


def test_processes_with_one_cache_return_what_it_holds(tmp_path):
    start = str(time.time() + 5)
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", RACE, str(tmp_path), start],
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
        )
        for _ in range(3)
    ]
    outputs = {process.communicate()[0] for process in processes}
    later = subprocess.run(
        [sys.executable, "-c", RACE, str(tmp_path), "0"],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
    ).stdout
    assert outputs == {later}


# --- disks and links


def full(*args, **kwargs):
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


@pytest.mark.parametrize("place", ["json.dump", "os.link", "tempfile.mkstemp"])
def test_a_full_disk_costs_no_results(tmp_path, monkeypatch, place):
    backend = SamplerBackend(cirq.Simulator(), repetitions=10, cache=tmp_path)
    monkeypatch.setattr(f"skquantum.execution._device.result_cache.{place}", full)
    with pytest.warns(RuntimeWarning, match=r"cache=.*can't keep results.*No space left.*Free"):
        out = backend.expectations(cirq.Circuit(cirq.rx(X)(A)), [X], [[0.0]], [cirq.Z(A)])
    assert out == 1
    assert {path.name for path in tmp_path.rglob("*")} == {"runs.jsonl"}


def test_a_disk_that_is_full_from_the_start_is_refused_before_anything_is_run(
    tmp_path, monkeypatch
):
    backend = SamplerBackend(cirq.Simulator(), repetitions=10, cache=tmp_path)
    arguments = cirq.Circuit(cirq.rx(X)(A)), [X]
    backend.expectations(*arguments, [[0.0]], [cirq.Z(A)])
    monkeypatch.setattr("skquantum.execution._device.result_cache.tempfile.TemporaryFile", full)
    with pytest.raises(ValueError, match=r"cache=.*No space left.*Nothing was run"):
        backend.expectations(*arguments, [[0.0], [0.1]], [cirq.Z(A)])
    # What is in the cache needs no space.
    assert backend.expectations(*arguments, [[0.0]], [cirq.Z(A)]) == 1


@pytest.mark.parametrize("kind", ["link", "dangling", "folder", "pipe"])
def test_the_log_is_a_file_of_the_folder(tmp_path, kind):
    log, elsewhere = tmp_path / "cache" / "runs.jsonl", tmp_path / "elsewhere"
    log.parent.mkdir()
    if kind == "link":
        elsewhere.write_text("mine")
    {
        "link": lambda: log.symlink_to(elsewhere),
        "dangling": lambda: log.symlink_to(elsewhere),
        "folder": log.mkdir,
        "pipe": lambda: os.mkfifo(log),
    }[kind]()
    backend = SamplerBackend(cirq.Simulator(), repetitions=10, cache=log.parent)
    with pytest.warns(RuntimeWarning, match=r"log .*runs\.jsonl can't be written to"):
        out = backend.expectations(cirq.Circuit(cirq.rx(X)(A)), [X], [[0.0]], [cirq.Z(A)])
    assert out == 1
    assert not elsewhere.exists() or elsewhere.read_text() == "mine"


# --- who is who


class Lab(cirq.Simulator):
    """A user's simulator."""

    def __init__(self, flip, **kwargs):
        super().__init__(**kwargs)
        self.flip = flip


class OtherLab(Lab):
    """The same, with other code."""

    def run_sweep(self, program, params, repetitions=1):
        return [r for r in super().run_sweep(program, params, repetitions) if self.flip or r]


def test_subclasses_are_told_apart_by_code_and_by_what_they_hold():
    samplers = [
        cirq.Simulator(),
        Lab(False),
        Lab(True),
        Lab(True, noise=cirq.bit_flip(0.1)),
        Lab(np.array([1, 2])),
        OtherLab(True),
        cirq.Simulator(noise=cirq.ConstantQubitNoiseModel(cirq.bit_flip(0.1))),
        # Their JSON forms are the same.
        cirq.Simulator(noise=cirq.ConstantQubitNoiseModel(cirq.bit_flip(0.1), prepend=True)),
    ]
    assert len({sampler_identity(sampler) for sampler in samplers}) == len(samplers)
    assert sampler_identity(Lab(True, seed=1)) == sampler_identity(Lab(True, seed=2))


def test_what_cannot_be_told_apart_needs_a_name():
    class Unknown:
        pass

    class Bit(cirq.NoiseModel):
        def __init__(self, p):
            self.p = p

        def _json_dict_(self):
            return {}

        def noisy_operation(self, op):
            return [op, cirq.bit_flip(self.p)(*op.qubits)]

    settings = Unknown()

    class Closed(cirq.Simulator):
        def run_sweep(self, *args, **kwargs):
            return settings

    patched = cirq.Simulator()
    patched.run_sweep = lambda *args, **kwargs: []
    for sampler in (
        Lab(Unknown()),
        Lab(lambda: 1),
        Closed(),
        patched,
        cirq.DensityMatrixSimulator(noise=Bit(0.1)),
        cirq.DensityMatrixSimulator(noise=cirq.ConstantQubitNoiseModel(Opaque())),
    ):
        with pytest.raises(ValueError, match="name='...'"):
            sampler_identity(sampler)


class Opaque(cirq.Gate):
    """A channel of a user's class, whose JSON form leaves everything out."""

    def _num_qubits_(self):
        return 1

    def _json_dict_(self):
        return {}

    def _kraus_(self):
        return (np.eye(2),)


def test_gates_whose_json_leaves_something_out_are_told_apart():
    class Turn(cirq.Gate):
        def __init__(self, turns):
            self.turns = turns

        def _num_qubits_(self):
            return 1

        def _json_dict_(self):
            return {}

        def _decompose_(self, qubits):
            return [cirq.X(*qubits) ** self.turns]

    digests = {circuit_digest(cirq.FrozenCircuit(Turn(t)(A)), ()) for t in (0.1, 0.2, 0.1)}
    assert len(digests) == 2


def test_calibrations_are_told_apart():
    one = {"p00_error": {(A,): [0.1], (B,): [0.2]}}
    same = {"p00_error": {(B,): [0.2], (A,): [0.1]}}
    other = {"p00_error": {(A,): [0.1], (B,): [0.3]}}
    assert calibration_identity(one) == calibration_identity(same) != calibration_identity(other)
    assert calibration_identity(None) is None
    with pytest.raises(ValueError, match="calibration"):
        calibration_identity({"p00_error": 3})
