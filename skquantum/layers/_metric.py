"""The geometry of a layer's states: how far a change of the weights moves them."""

from __future__ import annotations

import numpy as np
from sklearn.utils import gen_batches

from skquantum.layers._layer import QuantumLayer

# Derivatives of states that are held at a time have at most this many amplitudes.
AMPLITUDES = 2**22


def fubini_study_metric(layer: QuantumLayer, X: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Return the Fubini-Study metric of the weights, for each row.

    A small change ``d`` of the weights takes a state to one whose fidelity with it is
    ``1 - d @ g @ d``, with the metric ``g``: the real part of the quantum geometric tensor.
    Four times ``g`` is the quantum Fisher information, which bounds the Fisher information of
    every measurement, that of :func:`~skquantum.inspection.fisher_information` included. The
    natural gradient [1]_ solves with the mean of ``g`` over the rows.

    Parameters
    ----------
    layer : QuantumLayer
        The circuit, on a backend that has derivatives of states.
    X : ndarray of shape (n_samples, n_features)
        Rows.
    weights : ndarray of shape (n_weights,) or (n_samples, n_weights)
        Weights in radians for all rows, or for each.

    Returns
    -------
    ndarray of float64, shape (n_samples, n_weights, n_weights)
        Symmetric and positive semidefinite up to rounding.

    Raises
    ------
    ValueError
        If rows or weights do not fit the layer, or it has no derivatives of states: on a device,
        with noise, or on more than 8 qubits.

    References
    ----------
    .. [1] J. Stokes, J. Izaac, N. Killoran and G. Carleo, "Quantum natural gradient", Quantum 4,
       269 (2020), https://arxiv.org/abs/1909.02108

    Examples
    --------
    RY turns all states by as much, RZ those on the equator most:

    >>> import cirq, numpy as np, sympy
    >>> from skquantum.layers import QuantumLayer, fubini_study_metric
    >>> a, b = sympy.symbols("a b")
    >>> circuit = cirq.Circuit(cirq.ry(a)(cirq.q(0)), cirq.rz(b)(cirq.q(0)))
    >>> layer = QuantumLayer.from_circuit(circuit, [], [a, b])
    >>> fubini_study_metric(layer, np.empty((1, 0)), np.array([np.pi / 2, 0.3])).round(6) + 0.0
    array([[[0.25, 0.  ],
            [0.  , 0.25]]])
    """
    weights = np.asarray(weights, dtype=float)
    at_once = max(1, AMPLITUDES // (max(layer.n_weights, 1) << layer.n_qubits))
    if len(X) <= at_once:
        return _metric(*layer.states_jacobian(X, weights))
    out = np.empty((len(X), layer.n_weights, layer.n_weights))
    for rows in gen_batches(len(X), at_once):
        own = weights[rows] if weights.shape == (len(X), layer.n_weights) else weights
        out[rows] = _metric(*layer.states_jacobian(X[rows], own))
    return out


def _metric(states: np.ndarray, derivatives: np.ndarray) -> np.ndarray:
    adjoints = derivatives.conj().swapaxes(1, 2)
    along = (adjoints @ states[..., None])[..., 0]  # what only turns the phase of the state
    return (adjoints @ derivatives - along[:, :, None] * along[:, None].conj()).real
