"""Templates: descriptions of circuits whose symbols receive data or weights."""

from skquantum.circuits._amplitude import AmplitudeEncoding
from skquantum.circuits._angle import AngleEncoding, ReuploadingEncoding
from skquantum.circuits._base import Encoding, Template
from skquantum.circuits._basis import BasisEncoding
from skquantum.circuits._custom import CircuitEncoding
from skquantum.circuits._multiplexed import MultiplexedRy
from skquantum.circuits._phase import IQPEncoding, ZZEncoding
from skquantum.circuits._resolve import ENCODINGS, resolve_encoding

__all__ = [
    "ENCODINGS",
    "AmplitudeEncoding",
    "AngleEncoding",
    "BasisEncoding",
    "CircuitEncoding",
    "Encoding",
    "IQPEncoding",
    "MultiplexedRy",
    "ReuploadingEncoding",
    "Template",
    "ZZEncoding",
    "resolve_encoding",
]
