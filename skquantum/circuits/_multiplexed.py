"""The multiplexed rotation: an angle for each value of the control qubits."""

from collections.abc import Iterator, Sequence
from typing import Any

import cirq
import numpy as np
import sympy
from scipy.linalg import hadamard

from skquantum._portable import JSON_TYPES

# Columns: the eigenvectors of Y for +1 and -1. One array for all gates, so that the bases of
# neighbouring gates cancel exactly.
_Y_BASIS = np.array([[1, 1], [1j, -1j]]) / np.sqrt(2)
_Y_BASIS.setflags(write=False)


@cirq.value_equality
class MultiplexedRy(cirq.Gate):
    """Rotation about Y by an angle that the state of the control qubits selects.

    Its matrix is block diagonal: ``Ry(angles[j])`` where the controls, read as a big-endian
    number, are in state ``j``. The controls come first, then the target.

    Parameters
    ----------
    angles : sequence of float or sympy.Expr, of length 2**n_controls
        Angles in radians.

    Raises
    ------
    ValueError
        If the number of angles is not a power of two.

    References
    ----------
    .. [1] M. Möttönen et al. (2004). Transformation of quantum states using uniformly
       controlled rotations. :arxiv:`quant-ph/0407010`

    Examples
    --------
    >>> import cirq
    >>> from skquantum.circuits import MultiplexedRy
    >>> print(cirq.Circuit(MultiplexedRy([0.5, 1.5])(*cirq.LineQubit.range(2))))
    0: ───◇────────────────────
          │
    1: ───Ry(0.159π, 0.477π)───
    """

    def __init__(self, angles: Sequence[float | sympy.Expr]) -> None:
        self.angles = tuple(angles)
        count = len(self.angles)
        if count == 0 or count & (count - 1):
            raise ValueError(f"angles must be 1, 2, 4, 8, ... values; got {count} of them.")

    def _num_qubits_(self) -> int:
        return len(self.angles).bit_length()

    @classmethod
    def _json_namespace_(cls) -> str:
        return "skquantum"

    def _json_dict_(self) -> dict[str, Any]:
        return {"angles": list(self.angles)}

    def _value_equality_values_(self) -> Any:
        return self.angles

    def __repr__(self) -> str:
        return f"skquantum.circuits.MultiplexedRy({list(self.angles)})"

    def __pow__(self, exponent: float | sympy.Expr) -> "MultiplexedRy":
        return MultiplexedRy([angle * exponent for angle in self.angles])

    def _is_parameterized_(self) -> bool:
        return any(cirq.is_parameterized(angle) for angle in self.angles)

    def _parameter_names_(self) -> set[str]:
        return {name for angle in self.angles for name in cirq.parameter_names(angle)}

    def _resolve_parameters_(
        self, resolver: cirq.ParamResolver, recursive: bool
    ) -> "MultiplexedRy":
        return MultiplexedRy([resolver.value_of(angle, recursive) for angle in self.angles])

    def _has_unitary_(self) -> bool:
        return not self._is_parameterized_()

    def _apply_unitary_(self, args: cirq.ApplyUnitaryArgs) -> Any:
        if self._is_parameterized_():
            return NotImplemented
        n_controls = len(args.axes) - 1
        old, new = (
            np.moveaxis(tensor, args.axes, range(n_controls + 1))
            for tensor in (args.target_tensor, args.available_buffer)
        )
        half = np.array(self.angles, dtype=np.float64) / 2
        half = half.reshape((2,) * n_controls + (1,) * (old.ndim - n_controls - 1))
        zero, one = ((slice(None),) * n_controls + (value,) for value in (0, 1))
        new[zero] = np.cos(half) * old[zero] - np.sin(half) * old[one]
        new[one] = np.sin(half) * old[zero] + np.cos(half) * old[one]
        return args.available_buffer

    def _decompose_(self, qubits: Sequence[cirq.Qid]) -> Iterator[cirq.OP_TREE]:
        *controls, target = qubits
        weights = self._walsh_hadamard()
        for i in range(len(weights)):
            # Walking along a Gray code, one CX is enough to flip the right signs.
            gray = i ^ (i >> 1)
            yield cirq.ry(weights[gray])(target)
            if controls:
                following = (i + 1) % len(weights)
                flipped = gray ^ following ^ (following >> 1)
                yield cirq.CX(controls[-flipped.bit_length()], target)

    def _walsh_hadamard(self) -> Sequence[float | sympy.Expr]:
        """Return 2**-k * sum_j (-1)**popcount(j & m) * angles[j] for each m."""
        signs = hadamard(len(self.angles))
        if not self._is_parameterized_():
            return signs @ np.array(self.angles, dtype=np.float64) / len(self.angles)
        plus = [angle / len(self.angles) for angle in self.angles]
        minus = [-angle for angle in plus]
        # Unevaluated, because sorting the terms of every sum takes seconds for 512 angles.
        return [sympy.Add(*np.where(row > 0, plus, minus), evaluate=False) for row in signs]

    def _rotation_form_(
        self,
    ) -> tuple[list[tuple[np.ndarray, tuple[int, ...]]], list[tuple[Any, np.ndarray]]]:
        """Return the gate as ``V exp(i pi sum_k t_k diag(s_k)) V^-1``, V free of the angles.

        Returns
        -------
        basis : list of (matrix, qubit indices)
            The factors of V, each with the positions of the gate's qubits that it acts on.
        terms : list of (t, s)
            Expressions t and real spectra s of shape (2**n_qubits,), big-endian over the
            gate's qubits.
        """
        count = len(self.angles)
        spectra = np.zeros((count, count, 2))
        spectra[range(count), range(count)] = (-0.5, 0.5)
        terms = [
            (angle / (sympy.pi if cirq.is_parameterized(angle) else np.pi), spectrum.ravel())
            for angle, spectrum in zip(self.angles, spectra, strict=True)
        ]
        return [(_Y_BASIS, (self.num_qubits() - 1,))], terms

    def _circuit_diagram_info_(self, args: cirq.CircuitDiagramInfoArgs) -> tuple[str, ...]:
        shown = [args.format_radians(angle) for angle in self.angles]
        label = ", ".join(shown) if len(shown) <= 2 else f"{shown[0]}, ..., {shown[-1]}"
        control = "◇" if args.use_unicode_characters else "<>"
        return (*[control] * (self.num_qubits() - 1), f"Ry({label})")


JSON_TYPES["skquantum.MultiplexedRy"] = MultiplexedRy
