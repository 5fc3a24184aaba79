"""Templates: descriptions of circuits whose symbols receive data or weights."""

from skquantum._rooms import hand_out
from skquantum.circuits._amplitude import AmplitudeEncoding
from skquantum.circuits._angle import AngleEncoding, ReuploadingEncoding
from skquantum.circuits._ansatz import Ansatz
from skquantum.circuits._arctan import ArctanEncoding, EntanglingRings
from skquantum.circuits._bandwidth import FEW, ScaleWarning, factors_of
from skquantum.circuits._base import Encoding, Template
from skquantum.circuits._basis import BasisEncoding
from skquantum.circuits._bloch import BlochVectors
from skquantum.circuits._blocks import BlockEncoding, in_blocks
from skquantum.circuits._custom import CircuitAnsatz, CircuitEncoding
from skquantum.circuits._layered import (
    HardwareEfficient,
    RealAmplitudes,
    SimplifiedTwoDesign,
    StronglyEntangling,
)
from skquantum.circuits._multiplexed import MultiplexedRy
from skquantum.circuits._phase import IQPEncoding, ZZEncoding
from skquantum.circuits._pooling import ConvolutionBlock, PoolingNetwork, resolve_convolution
from skquantum.circuits._qubits import ansatz_qubits as ansatz_qubits
from skquantum.circuits._qubits import on_the_line as on_the_line
from skquantum.circuits._qubits import placed as placed
from skquantum.circuits._qubits import register as register
from skquantum.circuits._resolve import ANSATZE, ENCODINGS, resolve_ansatz, resolve_encoding
from skquantum.circuits._trainable import TrainableEncoding
from skquantum.circuits._tree import TreeTensor
from skquantum.circuits._unentangled import UnentangledAnsatz
from skquantum.circuits._unentangled import unentangled as unentangled

__all__ = [
    "ANSATZE",
    "ENCODINGS",
    "AmplitudeEncoding",
    "FEW",
    "AngleEncoding",
    "Ansatz",
    "ArctanEncoding",
    "BasisEncoding",
    "BlockEncoding",
    "BlochVectors",
    "CircuitAnsatz",
    "CircuitEncoding",
    "ConvolutionBlock",
    "Encoding",
    "EntanglingRings",
    "HardwareEfficient",
    "IQPEncoding",
    "MultiplexedRy",
    "PoolingNetwork",
    "RealAmplitudes",
    "ReuploadingEncoding",
    "ScaleWarning",
    "SimplifiedTwoDesign",
    "StronglyEntangling",
    "Template",
    "TrainableEncoding",
    "TreeTensor",
    "UnentangledAnsatz",
    "ZZEncoding",
    "factors_of",
    "in_blocks",
    "resolve_ansatz",
    "resolve_convolution",
    "resolve_encoding",
]

hand_out(globals())
