"""Encoding of binary features into basis states."""

from typing import Any

import cirq
import numpy as np

from skquantum.circuits._base import Encoding, data_symbols

# One qubit for each feature: 2**20 amplitudes a row are the most that is still of any use.
MAX_FEATURES = 20


class BasisEncoding(Encoding):
    """Basis state whose bits are the features.

    Each binary feature is a qubit: 1 flips it. Different rows have orthogonal states, so it is
    useful in front of a trainable circuit, not in a fidelity kernel.

    References
    ----------
    .. [1] M. Schuld and F. Petruccione (2018). Supervised Learning with Quantum Computers,
       section 5.1. Springer.

    Examples
    --------
    >>> from skquantum.circuits import BasisEncoding
    >>> print(BasisEncoding().build(2))
    0: ───X^x_0───
    <BLANKLINE>
    1: ───X^x_1───
    """

    accepts = "bits"

    def build(self, n_features: int) -> cirq.Circuit:
        """Build the circuit that encodes one row.

        Parameters
        ----------
        n_features : int
            Number of features of a row.

        Returns
        -------
        circuit : cirq.Circuit
            Circuit on ``cirq.LineQubit.range(n_features)``, with the symbols ``x_0``,
            ``x_1``, ...

        Raises
        ------
        ValueError
            If `n_features` is less than 1 or more than 20.
        """
        qubits = cirq.LineQubit.range(self.width(n_features))
        symbols = data_symbols(n_features)
        return cirq.Circuit(
            cirq.X(qubit) ** symbol for qubit, symbol in zip(qubits, symbols, strict=True)
        )

    def width(self, n_features: int) -> int:
        """Return the number of qubits of the circuit.

        Parameters
        ----------
        n_features : int
            Number of features of a row.

        Returns
        -------
        n_qubits : int
            `n_features`.
        """
        n_features = self._check_size(n_features, "n_features")
        if n_features > MAX_FEATURES:
            raise ValueError(
                f"BasisEncoding needs a qubit for each feature and takes at most {MAX_FEATURES}; "
                f"got n_features={n_features}. Select features first, for instance with "
                f"sklearn.feature_selection.SelectKBest(k={MAX_FEATURES}), or use AngleEncoding, "
                "which folds features onto a register of fixed size."
            )
        return n_features

    def encode(self, X: Any) -> np.ndarray:
        """Return the values that the symbols receive, for each row.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            The data: 0 or 1.

        Returns
        -------
        values : ndarray of shape (n_samples, n_features), dtype float64
            The data itself.

        Raises
        ------
        ValueError
            If `X` is not a two-dimensional array of zeros and ones.
        """
        X = super().encode(X)
        others = (X != 0) & (X != 1)
        if others.any():
            row, column = np.argwhere(others)[0]
            raise ValueError(
                f"BasisEncoding takes features that are 0 or 1; column {column} has the value "
                f"{X[row, column]:g} in row {row}. Make the features binary first, for instance "
                "with sklearn.preprocessing.Binarizer or KBinsDiscretizer(encode='onehot-dense')."
            )
        return X
