"""Angle and re-uploading encodings, gate by gate."""

import cirq
import numpy as np
import pytest
from numpy.testing import assert_allclose

from skquantum.circuits import AngleEncoding, ReuploadingEncoding

ROTATIONS = {"X": cirq.rx, "Y": cirq.ry, "Z": cirq.rz}


def run(*operations):
    return cirq.Circuit(operations).final_state_vector(dtype=np.complex128)


@pytest.mark.parametrize("rotation", ROTATIONS)
def test_one_layer_is_a_product_of_rotations(rotation, states):
    x = np.array([0.3, -1.2, 2.5])
    qubits = cirq.LineQubit.range(3)
    first = cirq.H.on_each(qubits) if rotation == "Z" else []
    turned = [ROTATIONS[rotation](angle)(q) for angle, q in zip(x, qubits, strict=True)]
    encoding = AngleEncoding(rotation=rotation)
    assert_allclose(states(encoding, x)[0], run(first, turned), atol=1e-12)
    assert all(len(op.qubits) == 1 for op in encoding.build(3).all_operations())


@pytest.mark.parametrize("rotation", ROTATIONS)
def test_further_layers_turn_the_axis_and_entangle(rotation, states):
    x = np.array([0.3, -1.2, 2.5])
    a, b = cirq.LineQubit.range(2)
    rotate = ROTATIONS[rotation]
    turn = cirq.H if rotation == "Z" else cirq.S
    expected = run(
        [cirq.H(a), cirq.H(b)] if rotation == "Z" else [],
        [rotate(x[0])(a), rotate(x[1])(b), cirq.CZ(a, b)],
        [turn(a), rotate(x[2])(a)],
    )
    assert_allclose(states(AngleEncoding(rotation, n_qubits=2), x)[0], expected, atol=1e-12)


def test_entanglement_follows_every_layer():
    def count(encoding, n_features=4):
        return sum(op.gate == cirq.CZ for op in encoding.build(n_features).all_operations())

    assert count(AngleEncoding()) == 0
    assert count(AngleEncoding(reps=2)) == 3
    assert count(AngleEncoding(entanglement="linear")) == 3
    assert count(AngleEncoding(entanglement="circular", reps=2)) == 8
    assert count(AngleEncoding(entanglement="full", n_qubits=2)) == 2


def test_reuploading_alternates_axes_between_entanglers(states):
    x = np.array([0.3, -1.2])
    a, b = cirq.LineQubit.range(2)
    expected = run(
        [cirq.ry(x[0])(a), cirq.ry(x[1])(b), cirq.CZ(a, b)],
        [cirq.rx(x[0])(a), cirq.rx(x[1])(b), cirq.CZ(a, b)],
        [cirq.ry(x[0])(a), cirq.ry(x[1])(b)],
    )
    assert_allclose(states(ReuploadingEncoding(reps=3), x)[0], expected, atol=1e-12)


@pytest.mark.parametrize("reps", [1, 2, 3])
def test_reuploading_reaches_one_frequency_per_repetition(reps, states):
    x = np.linspace(0, 2 * np.pi, 16, endpoint=False)[:, None]
    psi = states(ReuploadingEncoding(reps=reps), x)
    probabilities = abs(psi[:, 0]) ** 2
    spectrum = abs(np.fft.rfft(probabilities)) / len(x)
    assert spectrum[reps] > 1e-3
    assert_allclose(spectrum[reps + 1 :], 0, atol=1e-12)


def test_an_unknown_axis_is_refused():
    with pytest.raises(ValueError, match="'rotation' parameter of AngleEncoding .* Got 'y'"):
        AngleEncoding(rotation="y").build(2)
