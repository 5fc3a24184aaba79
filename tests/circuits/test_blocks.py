"""Encodings in blocks: the state of a row is the product of those of its blocks."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from skquantum.circuits import (
    AmplitudeEncoding,
    AngleEncoding,
    BlockEncoding,
    ReuploadingEncoding,
    ZZEncoding,
    in_blocks,
)
from skquantum.kernels import FidelityKernel, ProjectedKernel

INNER = [ReuploadingEncoding(), ZZEncoding(), AngleEncoding(n_qubits=3), AmplitudeEncoding()]


@pytest.mark.parametrize("inner", INNER, ids=str)
@pytest.mark.parametrize("size", [1, 2, 3])
def test_the_state_is_a_product(inner, size, states):
    encoding, x = BlockEncoding(inner, size), np.array([0.3, -0.4, 0.9, 1.1])
    expected = np.ones(1)
    for columns in encoding.blocks(4):
        expected = np.kron(expected, states(inner, x[columns])[0])
    found = states(encoding, x)[0]
    assert_allclose(abs(np.vdot(found, expected)), 1, atol=1e-9)


class _Whole(BlockEncoding):
    """The same circuit, as one."""

    @property
    def block(self):
        return self

    def blocks(self, n_features):
        return np.arange(n_features)[None]

    def build(self, n_features):
        return BlockEncoding(self.encoding, self.size).build(n_features)

    def symbols(self, n_features):
        return BlockEncoding(self.encoding, self.size).symbols(n_features)

    def encode(self, X):
        return BlockEncoding(self.encoding, self.size).encode(X)


@pytest.mark.parametrize("kernel", [FidelityKernel, ProjectedKernel])
@pytest.mark.parametrize("inner", INNER[:2], ids=str)
def test_kernels_by_blocks_are_those_of_the_whole_circuit(kernel, inner):
    X = np.random.default_rng(0).normal(size=(6, 5))
    by_blocks = kernel(BlockEncoding(inner))(X)
    assert_allclose(by_blocks, kernel(_Whole(inner))(X), rtol=0, atol=3e-6)
    assert_allclose(kernel(BlockEncoding(inner))(X[:2], X), by_blocks[:2], rtol=0, atol=1e-5)


def test_only_wide_rows_and_open_registers_are_cut():
    assert isinstance(in_blocks(AngleEncoding(), 8), AngleEncoding)
    assert isinstance(in_blocks(AngleEncoding(), 9), BlockEncoding)
    assert isinstance(in_blocks(AngleEncoding(n_qubits=8), 9), AngleEncoding)
    assert isinstance(in_blocks(AmplitudeEncoding(), 9), AmplitudeEncoding)
    assert_array_equal(BlockEncoding(size=4).blocks(9), [[0, 1, 2], [3, 4, 5], [6, 7, 8]])


@pytest.mark.parametrize("bad", [[1.0], [1.0, -1.0], [1.0, np.nan], "wide"])
def test_bad_bandwidths_are_refused(bad):
    with pytest.raises(ValueError, match="bandwidth"):
        AngleEncoding(bandwidth=bad).build(2)


@pytest.mark.parametrize("kind", [AngleEncoding, ReuploadingEncoding, ZZEncoding])
def test_an_array_is_a_factor_for_each_feature(kind, states):
    X, factors = np.random.default_rng(0).normal(size=(3, 4)), np.array([1.0, 0.5, 2.0, 0.1])
    expected = states(kind(bandwidth=1.0), X * factors)
    assert_allclose(states(kind(bandwidth=factors), X), expected, atol=1e-12)
    formula = kind(bandwidth=factors).states(X)
    assert formula is None or abs(abs(np.vdot(formula[0], expected[0])) - 1) < 1e-5
