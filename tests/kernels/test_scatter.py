import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes

from tinyscout import kernels
from tinyscout.kernels.scatter import gather_add_twin, scatter_add_twin


@settings(max_examples=60)
@given(
    shape=array_shapes(min_dims=1, max_dims=2, min_side=0, max_side=40),
    width=st.integers(1, 40),
    size=st.integers(1, 30),
    valued=st.booleans(),
    seed=st.integers(0, 2**32 - 1),
)
def test_equals_twin(shape, width, size, valued, seed):
    rng = np.random.default_rng(seed)
    ids = rng.integers(0, size, shape).astype(np.int32)
    rows = rng.standard_normal((*shape, width)).astype(np.float32)
    values = (rng.standard_normal(shape) * (rng.random(shape) < 0.5)).astype(np.float32) if valued else None
    got = kernels.scatter_add(ids, rows, size, values=values)
    np.testing.assert_allclose(got, scatter_add_twin(ids, rows, size, values=values), rtol=1e-5, atol=1e-5, strict=True)
    table = rng.standard_normal((size, width)).astype(np.float32)
    wanted = gather_add_twin(rows, table, ids, values=values)
    np.testing.assert_allclose(
        kernels.gather_add(rows, table, ids, values=values), wanted, rtol=1e-5, atol=1e-6, strict=True
    )
    assert kernels.gather_add(rows, table, ids, values=values, out=rows) is rows
    np.testing.assert_allclose(rows, wanted, rtol=1e-5, atol=1e-6)


def test_twin_by_hand():
    rows = np.array([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]])
    table = scatter_add_twin(np.array([1, 0, 1]), rows, 3, values=np.array([1.0, 2.0, -1.0]))
    assert table.tolist() == [[6, 8], [-4, -4], [0, 0]]


def test_ids_out_of_range_are_refused():
    rows = np.zeros((2, 3), np.float32)
    for ids in ([0, 5], [-1, 0]):
        with pytest.raises(ValueError, match=r"need \[0, 5\)"):
            kernels.scatter_add(np.array(ids), rows, 5)
        with pytest.raises(ValueError, match=r"need \[0, 5\)"):
            kernels.gather_add(rows, np.zeros((5, 3), np.float32), np.array(ids))
    with pytest.raises(ValueError, match=r"as wide as the table's \(5, 4\)"):
        kernels.gather_add(rows, np.zeros((5, 4), np.float32), np.array([0, 1]))
    with pytest.raises(ValueError, match="must have the shape of ids"):
        kernels.scatter_add(np.array([0, 1, 2]), rows, 5)


def test_views_that_are_not_contiguous_give_the_same():
    rng = np.random.default_rng(0)
    ids, rows = rng.integers(0, 9, (5, 4)), rng.standard_normal((4, 5, 6)).astype(np.float32)
    view = rows.transpose(1, 0, 2)
    np.testing.assert_array_equal(
        kernels.scatter_add(ids, view, 9), kernels.scatter_add(ids, np.ascontiguousarray(view), 9)
    )


def test_nan_reaches_its_row_only():
    rows = np.ones((3, 20), np.float32)
    rows[1, 4] = np.nan
    table = kernels.scatter_add(np.array([2, 0, 2]), rows, 3)
    assert np.isnan(table[0, 4]) and np.isfinite(table[1:]).all()
