"""What a circuit costs: its width, its depth and its gates."""

from __future__ import annotations

import cirq


def circuit_resources(circuit: cirq.AbstractCircuit) -> dict[str, int]:
    """Count qubits, depth and gates of a circuit.

    Gates on three or more qubits and composite operations are decomposed first, so that the
    numbers are those of a circuit of one- and two-qubit gates. Identities and global phases do
    not count.

    Parameters
    ----------
    circuit : cirq.Circuit or cirq.FrozenCircuit
        Symbols may be unbound.

    Returns
    -------
    dict
        With keys ``n_qubits``, ``depth``, ``n_one_qubit_gates`` and ``n_two_qubit_gates``.

    Examples
    --------
    >>> import cirq
    >>> from skquantum.execution import circuit_resources
    >>> a, b = cirq.LineQubit.range(2)
    >>> circuit_resources(cirq.Circuit(cirq.H(a), cirq.CX(a, b)))
    {'n_qubits': 2, 'depth': 2, 'n_one_qubit_gates': 1, 'n_two_qubit_gates': 1}
    """
    operations = cirq.decompose(circuit, keep=_is_elementary, on_stuck_raise=None)
    counted = [op for op in operations if op.qubits and not isinstance(op.gate, cirq.IdentityGate)]
    return {
        "n_qubits": cirq.num_qubits(circuit),
        "depth": len(cirq.Circuit(counted)),
        "n_one_qubit_gates": sum(len(op.qubits) == 1 for op in counted),
        "n_two_qubit_gates": sum(len(op.qubits) >= 2 for op in counted),
    }


def _is_elementary(op: cirq.Operation) -> bool:
    # A class that brings its rotation form is one gate for the simulator, not for a device.
    composite = isinstance(op.untagged, cirq.CircuitOperation) or hasattr(
        op.gate, "_rotation_form_"
    )
    return len(op.qubits) <= 2 and not composite
