"""Product states, as the Bloch vectors of their qubits."""

from abc import ABC, abstractmethod

import numpy as np


class BlochVectors(ABC):
    """Bloch vectors of a product state, each a function of one feature.

    What :meth:`Encoding.bloch_vectors` returns: with it, cells of recurrent networks need not
    run the encoding's circuit.

    Parameters
    ----------
    source : array-like of int, shape (n_qubits,)
        Which feature each qubit reads.
    """

    def __init__(self, source: np.ndarray) -> None:
        self.source = np.asarray(source)

    @abstractmethod
    def write(self, values: np.ndarray, out: np.ndarray) -> None:
        """Write the Bloch vectors.

        Parameters
        ----------
        values : ndarray of shape (n_qubits, n_samples)
            What each qubit reads: columns ``source`` of the rows.
        out : ndarray of shape (n_qubits, 3, n_samples)
            Receives the expectation values of X, Y and Z of each qubit.
        """

    @abstractmethod
    def slopes(self, values: np.ndarray, vectors: np.ndarray) -> np.ndarray:
        """Return the derivatives of the Bloch vectors for what the qubits read.

        Parameters
        ----------
        values : ndarray of shape (..., n_qubits, n_samples)
            As in `write`.
        vectors : ndarray of shape (..., n_qubits, 3, n_samples)
            What `write` wrote for them.

        Returns
        -------
        ndarray of shape (..., n_qubits, 3, n_samples)
            Derivatives.
        """
