"""Layers: trainable circuits with their gradients, alone and in banks."""

from skquantum._rooms import hand_out
from skquantum.layers._banks.bank import CircuitBank as CircuitBank
from skquantum.layers._initial import block_initializer as block_initializer
from skquantum.layers._initial import check_angles as check_angles
from skquantum.layers._initial import check_init as check_init
from skquantum.layers._initial import initial_weights as initial_weights
from skquantum.layers._initial import initializer as initializer
from skquantum.layers._layer import QuantumLayer
from skquantum.layers._metric import fubini_study_metric

__all__ = ["QuantumLayer", "fubini_study_metric"]

hand_out(globals(), CircuitBank)
