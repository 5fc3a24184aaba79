"""Basis encoding."""

from itertools import product

import numpy as np
import pytest
from numpy.testing import assert_allclose

from skquantum.circuits import BasisEncoding


def test_each_row_is_its_basis_state(states):
    X = np.array(list(product([0, 1], repeat=3)))
    assert_allclose(states(BasisEncoding(), X), np.eye(8), atol=1e-12)
    assert_allclose(states(BasisEncoding(), X.astype(bool)), np.eye(8), atol=1e-12)


def test_other_values_are_named():
    X = np.array([[0, 1, 1], [1, 0.5, 0], [2, 0, 0]])
    with pytest.raises(ValueError, match="column 1 has the value 0.5 in row 1.*Binarizer"):
        BasisEncoding().encode(X)


def test_too_many_features_are_refused():
    assert BasisEncoding().width(20) == 20
    with pytest.raises(ValueError, match="at most 20; got n_features=21.*SelectKBest"):
        BasisEncoding().build(21)
