"""Circuits as jobs of a service: submit, leave, collect."""

import inspect
import itertools
import json
import os
import pickle
import signal
import subprocess
import sys
import textwrap
import time
from types import SimpleNamespace

import cirq
import numpy as np
import pytest
import sympy
from numpy.testing import assert_allclose, assert_array_equal

from skquantum import QuantumKernelSVC
from skquantum.execution import JobSampler, JobsPending, SamplerBackend
from skquantum.kernels import FidelityKernel

cirq_ionq = pytest.importorskip("cirq_ionq")

X = np.random.default_rng(0).normal(size=(5, 2))
Y = np.array([0, 1, 0, 1, 1])
SHOTS = 2000
NEAR = 4 * 0.5 / np.sqrt(SHOTS)  # four standard errors
Q = cirq.LineQubit.range(2)


class Server:
    """What is behind IonQ's client: it keeps jobs in a folder, and needs some time for them.

    Circuits come in IonQ's JSON, and what goes back is IonQ's: shares by the number of a state,
    its bits in reversed order.
    """

    def __init__(self, folder, ready=True):
        self.folder, self.ready, self.failing = folder, ready, False
        folder.mkdir(exist_ok=True)

    @property
    def n_submitted(self):
        return len(list(self.folder.glob("*.json")))

    def create_job(self, serialized_program, repetitions, **_):
        job_id = f"job-{self.n_submitted}"
        entry = {"program": serialized_program.input, "repetitions": repetitions}
        entry["metadata"] = {**serialized_program.metadata, "shots": str(repetitions)}
        (self.folder / f"{job_id}.json").write_text(json.dumps(entry))
        return {"id": job_id}

    def get_job(self, job_id):
        entry = json.loads((self.folder / f"{job_id}.json").read_text())
        status = "failed" if self.failing else "completed" if self.ready else "submitted"
        qubits = str(entry["program"]["qubits"])
        known = {"id": job_id, "status": status, "backend": "qpu"}
        return known | {"stats": {"qubits": qubits}, "metadata": entry["metadata"]}

    def get_results(self, job_id, **_):
        entry = json.loads((self.folder / f"{job_id}.json").read_text())
        n = entry["program"]["qubits"]
        qubits = cirq.LineQubit.range(n)
        circuit = cirq.Circuit(cirq.I.on_each(*qubits))
        for op in entry["program"]["circuit"]:
            circuit.append(_gate(op)(*(qubits[i] for i in _wires(op))))
        shots = cirq.Circuit(circuit, cirq.measure(*qubits, key="m"))
        result = cirq.Simulator(seed=0).run(shots, repetitions=entry["repetitions"])
        found = result.histogram(key="m", fold_func=lambda bits: int(bits @ 2 ** np.arange(n)))
        return {str(state): count / entry["repetitions"] for state, count in found.items()}


def _wires(op):
    return [op["control"], op["target"]] if "control" in op else op["targets"]


def _gate(op):
    turns = op.get("rotation", 0.0) / np.pi
    powers = {
        "rx": cirq.X,
        "ry": cirq.Y,
        "rz": cirq.Z,
        "xx": cirq.XX,
        "yy": cirq.YY,
        "zz": cirq.ZZ,
    }
    if op["gate"] in powers:
        return powers[op["gate"]] ** turns
    roots = {"v": cirq.X**0.5, "vi": cirq.X**-0.5, "s": cirq.S, "si": cirq.S**-1, "t": cirq.T}
    others = {"h": cirq.H, "x": cirq.X, "y": cirq.Y, "z": cirq.Z, "ti": cirq.T**-1}
    return (roots | others | {"cnot": cirq.CNOT, "swap": cirq.SWAP})[op["gate"]]


def ionq(server):
    service = cirq_ionq.Service("http://example.com", "key", default_target="qpu")
    service._client = server
    return service


class AzureLike:
    """A service with Azure's names: results are Cirq's own, and so is the order of arguments."""

    def __init__(self):
        self.jobs, self.ready = {}, True

    def create_job(self, program, repetitions, name="cirq-job", target=None):
        job_id = str(len(self.jobs))
        job = SimpleNamespace(
            job_id=lambda: job_id,
            status=lambda: "Succeeded" if self.ready else "Waiting",
            results=lambda: cirq.Simulator(seed=0).run(program, repetitions=repetitions),
        )
        self.jobs[job_id] = job
        return job

    def get_job(self, job_id):
        return self.jobs[job_id]


def backend(sampler, **options):
    device = cirq_ionq.IonQAPIDevice(4)
    return SamplerBackend(sampler, device=device, repetitions=SHOTS, name="fake", **options)


@pytest.mark.parametrize("encoding", ["angle", "zz", "reuploading"])
def test_ionqs_own_client_gives_the_kernel(encoding, tmp_path):
    server = Server(tmp_path / "server")
    sampler = JobSampler(ionq(server), tmp_path / "jobs")
    found = FidelityKernel(encoding, backend=backend(sampler))(X)
    assert_allclose(found, FidelityKernel(encoding)(X), atol=NEAR)
    assert server.n_submitted == 15
    assert not list((tmp_path / "jobs").glob("*.json"))  # all were collected


def test_ionqs_own_sampler_needs_no_glue(tmp_path):
    sampler = ionq(Server(tmp_path / "server")).sampler()
    found = FidelityKernel("zz", backend=backend(sampler))(X)
    assert_allclose(found, FidelityKernel("zz")(X), atol=NEAR)


def test_azures_names(tmp_path):
    found = FidelityKernel("zz", backend=backend(JobSampler(AzureLike(), tmp_path)))(X)
    assert_allclose(found, FidelityKernel("zz")(X), atol=NEAR)


def test_submit_leave_collect(tmp_path):
    server = Server(tmp_path / "server", ready=False)

    def fit():
        sampler = JobSampler(ionq(server), tmp_path / "jobs", wait=0)
        runs = backend(sampler, cache=tmp_path / "runs", batch_size=100)
        return QuantumKernelSVC("angle", kernel="fidelity", backend=runs).fit(X, Y)

    for _ in range(2):
        with pytest.raises(JobsPending, match="15 of 15 jobs are not finished"):
            fit()
    assert server.n_submitted == 15
    server.ready = True
    first = fit()
    assert_array_equal(fit().kernel_matrix_, first.kernel_matrix_)
    assert server.n_submitted == 15


def test_it_waits_as_long_as_is_wanted(tmp_path):
    service = AzureLike()
    service.ready = False
    sampler = JobSampler(service, tmp_path, wait=0.2, poll=0.01)
    circuit = cirq.Circuit(cirq.H(Q[0]), cirq.measure(Q[0], key="m"))
    begin = time.monotonic()
    with pytest.raises(JobsPending):
        sampler.run(circuit, repetitions=5)
    assert 0.2 <= time.monotonic() - begin < 5
    service.ready = True
    assert sampler.run(circuit, repetitions=5).measurements["m"].shape == (5, 1)
    assert len(service.jobs) == 1


def test_equal_circuits_are_jobs_of_their_own(tmp_path):
    service = AzureLike()
    circuit = cirq.Circuit(cirq.H(Q[0]), cirq.measure(Q[0], key="m"))
    results = JobSampler(service, tmp_path).run_batch([circuit, circuit], repetitions=5)
    assert len(results) == len(service.jobs) == 2


def test_sweeps(tmp_path):
    s = sympy.Symbol("s")
    circuit = cirq.Circuit(cirq.X(Q[0]) ** s, cirq.measure(Q[0], key="m"))
    results = JobSampler(AzureLike(), tmp_path).run_sweep(circuit, cirq.Points(s, [0, 1]), 3)
    assert [result.params["s"] for result in results] == [0, 1]
    assert [int(result.measurements["m"].sum()) for result in results] == [0, 3]


def test_a_job_that_failed_is_submitted_again(tmp_path):
    server = Server(tmp_path / "server")
    sampler = JobSampler(ionq(server), tmp_path / "jobs")
    circuit = cirq.Circuit(cirq.H(Q[0]), cirq.measure(Q[0], key="m"))
    server.failing = True
    with pytest.raises(RuntimeError, match="failed"):
        sampler.run(circuit, repetitions=5)
    server.failing = False
    sampler.run(circuit, repetitions=5)
    assert server.n_submitted == 2


def test_an_error_of_the_connection_forgets_no_job(tmp_path):
    server = Server(tmp_path / "server")
    sampler = JobSampler(ionq(server), tmp_path / "jobs")
    works, calls = server.get_results, itertools.count()

    def sometimes(job_id, **options):
        if next(calls) == 0:
            raise ConnectionError("reset")
        return works(job_id, **options)

    server.get_results = sometimes
    runs = backend(sampler, backoff=0.0)
    assert_allclose(
        FidelityKernel("angle", backend=runs)(X), FidelityKernel("angle")(X), atol=NEAR
    )
    assert server.n_submitted == 15
    assert runs.run_records_[0]["errors"] == ["ConnectionError: reset"]


class SlowService:
    """Jobs in a folder, that come to their end when there is a file "ready"."""

    def __init__(self, folder):
        self.folder = folder

    def create_job(self, circuit, repetitions, target):
        number = len(list(self.folder.glob("*.job")))
        path = self.folder / f"{number}.job"
        path.write_bytes(pickle.dumps((circuit, repetitions)))
        return self.get_job(number)

    def get_job(self, number):
        circuit, repetitions = pickle.loads((self.folder / f"{number}.job").read_bytes())
        return SimpleNamespace(
            job_id=lambda: number,
            status=lambda: "completed" if (self.folder / "ready").exists() else "ready",
            results=lambda: cirq.Simulator(seed=0).run(circuit, repetitions=repetitions),
        )


@pytest.mark.skipif(os.name == "nt", reason="no such signal")
def test_a_killed_process_finds_its_jobs_again(tmp_path):
    source = textwrap.dedent("""
        import pickle, sys
        from types import SimpleNamespace
        import cirq
        from pathlib import Path
        from skquantum.execution import JobSampler
    """)
    source += inspect.getsource(SlowService)
    source += textwrap.dedent("""
        circuits = [
            cirq.Circuit(cirq.X(cirq.q(0)) ** (i / 5), cirq.measure(cirq.q(0), key="m"))
            for i in range(6)
        ]
        folder = Path(sys.argv[1])
        sampler = JobSampler(SlowService(folder), folder / "jobs", wait=60, poll=0.05)
        for (result,) in sampler.run_batch(circuits, repetitions=50):
            print(int(result.measurements["m"].sum()))
    """)
    arguments = [sys.executable, "-c", source, str(tmp_path)]
    with subprocess.Popen(arguments, stdout=subprocess.PIPE) as child:
        while len(list((tmp_path / "jobs").glob("*.json"))) < 6:
            assert child.poll() is None
            time.sleep(0.05)
        child.send_signal(signal.SIGKILL)
    (tmp_path / "ready").touch()
    found = subprocess.run(arguments, capture_output=True, text=True, check=True).stdout.split()
    assert len(list(tmp_path.glob("*.job"))) == 6  # none was submitted twice
    assert found[0] == "0"
    assert found[5] == "50"


def test_bad_input(tmp_path):
    with pytest.raises(TypeError, match=r"Simulator has no create_job\(\)"):
        JobSampler(cirq.Simulator(), tmp_path)
    circuit = cirq.Circuit(cirq.H(Q[0]), cirq.measure(Q[0], key="m"))
    (tmp_path / "file").touch()
    service = AzureLike()
    with pytest.raises(ValueError, match="Nothing was submitted"):
        JobSampler(service, tmp_path / "file").run(circuit)
    assert not service.jobs
    service.ready = False
    sampler = JobSampler(service, tmp_path / "jobs", wait=0)
    with pytest.raises(JobsPending):
        sampler.run(circuit)
    (note,) = (tmp_path / "jobs").glob("*.json")
    note.write_text("{")
    with pytest.raises(ValueError, match="note .* of a job is damaged"):
        sampler.run(circuit)
