"""What the estimators share."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from skquantum.estimators._rows import merge_equal_rows

# Few values, so that rows repeat; the two zeros are equal.
TABLES = arrays(
    float,
    st.tuples(st.integers(1, 20), st.integers(1, 3)),
    elements=st.sampled_from([-1.5, -0.0, 0.0, 1e-300, 2.0]),
)


@given(X=TABLES, data=st.data())
def test_merged_rows_are_those_of_unique(X, data):
    n_outputs = data.draw(st.sampled_from([None, 1, 2]))
    shape = (len(X),) if n_outputs is None else (len(X), n_outputs)
    y = data.draw(arrays(int, shape, elements=st.integers(-1, 1)))
    weight = data.draw(arrays(float, len(X), elements=st.floats(0, 3)))
    first, place, total = merge_equal_rows(X, y, weight)
    _, expected, inverse = np.unique(
        np.column_stack([X, y]), axis=0, return_index=True, return_inverse=True
    )
    np.testing.assert_array_equal(first, expected)
    np.testing.assert_array_equal(place, inverse)
    np.testing.assert_array_equal(total, np.bincount(inverse, weights=weight))
