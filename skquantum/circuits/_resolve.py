"""From a name to an encoding or an ansatz with its defaults."""

from typing import Any, TypeVar

import cirq

from skquantum._validation import class_hint, shown, unknown
from skquantum.circuits._amplitude import AmplitudeEncoding
from skquantum.circuits._angle import AngleEncoding, ReuploadingEncoding
from skquantum.circuits._ansatz import Ansatz
from skquantum.circuits._arctan import ArctanEncoding, EntanglingRings
from skquantum.circuits._base import Encoding, Template
from skquantum.circuits._basis import BasisEncoding
from skquantum.circuits._custom import CircuitAnsatz, CircuitEncoding
from skquantum.circuits._layered import (
    HardwareEfficient,
    RealAmplitudes,
    SimplifiedTwoDesign,
    StronglyEntangling,
)
from skquantum.circuits._phase import IQPEncoding, ZZEncoding
from skquantum.circuits._pooling import PoolingNetwork
from skquantum.circuits._tree import TreeTensor

_T = TypeVar("_T", bound=Template)

#: The encodings that a string names.
ENCODINGS: dict[str, type[Encoding]] = {
    "angle": AngleEncoding,
    "zz": ZZEncoding,
    "iqp": IQPEncoding,
    "amplitude": AmplitudeEncoding,
    "basis": BasisEncoding,
    "reuploading": ReuploadingEncoding,
    "arctan": ArctanEncoding,
}

#: The ansätze that a string names.
ANSATZE: dict[str, type[Ansatz]] = {
    "strongly_entangling": StronglyEntangling,
    "hardware_efficient": HardwareEfficient,
    "real_amplitudes": RealAmplitudes,
    "simplified_two_design": SimplifiedTwoDesign,
    "tree_tensor": TreeTensor,
    "pooling": PoolingNetwork,
    "rings": EntanglingRings,
}


def resolve_encoding(encoding: str | Encoding, param: str = "encoding") -> Encoding:
    """Return the encoding that a parameter stands for.

    Parameters
    ----------
    encoding : str or Encoding
        A key of :data:`ENCODINGS`, which stands for the encoding with its defaults, or an
        encoding.
    param : str, default="encoding"
        Name of the parameter, for error messages.

    Returns
    -------
    encoding : Encoding
        A new instance for a string, else the argument itself.

    Raises
    ------
    ValueError
        If the name is unknown.
    TypeError
        If `encoding` is neither a string nor an encoding.

    Examples
    --------
    >>> from skquantum.circuits import resolve_encoding
    >>> resolve_encoding("zz")
    ZZEncoding()
    """
    return _resolve(encoding, Encoding, ENCODINGS, param)


def resolve_ansatz(ansatz: str | Ansatz, param: str = "ansatz") -> Ansatz:
    """Return the ansatz that a parameter stands for.

    Parameters
    ----------
    ansatz : str or Ansatz
        A key of :data:`ANSATZE`, which stands for the ansatz with its defaults, or an ansatz.
    param : str, default="ansatz"
        Name of the parameter, for error messages.

    Returns
    -------
    ansatz : Ansatz
        A new instance for a string, else the argument itself.

    Raises
    ------
    ValueError
        If the name is unknown.
    TypeError
        If `ansatz` is neither a string nor an ansatz.

    Examples
    --------
    >>> from skquantum.circuits import resolve_ansatz
    >>> resolve_ansatz("strongly_entangling")
    StronglyEntangling()
    """
    return _resolve(ansatz, Ansatz, ANSATZE, param)


def _resolve(value: Any, base: type[Any], names: dict[str, type[_T]], param: str) -> _T:
    if isinstance(value, base):
        return value
    listed = ", ".join(map(repr, names))
    if isinstance(value, str):
        if value in names:
            return names[value]()
        raise ValueError(unknown(param, value, names, f"an {base.__name__} instance works too"))
    hint = class_hint(value, base)
    if isinstance(value, cirq.AbstractCircuit):
        own = CircuitEncoding if base is Encoding else CircuitAnsatz
        hint = f" Wrap it: {own.__name__}(circuit)."
    raise TypeError(
        f"{param} must be an {base.__name__} instance or one of {listed}; got {shown(value)}."
        f"{hint}"
    )
