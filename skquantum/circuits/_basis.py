"""Encoding of binary features into basis states."""

from typing import Any

import cirq
import numpy as np

from skquantum.circuits._base import Encoding, data_symbols

# One qubit for each feature: 2**20 amplitudes a row are the most that is still of any use.
MAX_FEATURES = 20


class BasisEncoding(Encoding):
    """Basis state whose bits are the features.

    Each binary feature is a qubit: 1 flips it; there are at most 20. Different rows have
    orthogonal states, so it is useful in front of a trainable circuit, not in a fidelity kernel.

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
        qubits = cirq.LineQubit.range(self.width(n_features))
        symbols = data_symbols(n_features)
        return cirq.Circuit(
            cirq.X(qubit) ** symbol for qubit, symbol in zip(qubits, symbols, strict=True)
        )

    def width(self, n_features: int) -> int:
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
