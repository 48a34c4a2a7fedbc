from __future__ import annotations

import numpy as np
import pytest

numba = pytest.importorskip("numba")

from platform_base.kernels.compilation import kernel  # noqa: E402
from platform_base.kernels.vectors import (  # noqa: E402
    absolute,
    add_twice,
    constant_by_element,
    get_lane,
    get_last,
    get_last_lanes,
    lane_numbers,
    load,
    load_acquire,
    maximum,
    minimum,
    reduce_maximum,
    reduce_minimum,
    reduce_sum,
    select,
    shift_in_first,
    shift_in_last,
    smaller_cost,
    splat,
    square_root,
    store,
    store_mask,
    store_release,
    transpose_lanes,
    transpose_tile,
)

LANES = 16


@kernel
def _arithmetic(a, b, out):
    x, y = load(a, 0, LANES), load(b, 3, LANES)
    store(out, 0 * LANES, x + y)
    store(out, 1 * LANES, x - y)
    store(out, 2 * LANES, x * y)
    store(out, 3 * LANES, x / y)
    store(out, 4 * LANES, minimum(x, y))
    store(out, 5 * LANES, maximum(x, y))
    store(out, 6 * LANES, absolute(x))
    store(out, 7 * LANES, square_root(absolute(x)))
    store(out, 8 * LANES, select((x < y) & (y > x) | (x >= y) & (x <= y), x, y))


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_arithmetic_is_that_of_numpy_bit_for_bit(dtype):
    rng = np.random.default_rng(3)
    a = rng.normal(size=LANES).astype(dtype)
    b = rng.normal(size=LANES + 3).astype(dtype)
    a[2] = b[5] = 0.5
    out = np.empty(9 * LANES, dtype)
    _arithmetic(a, b, out)
    y = b[3:]
    smaller = np.minimum(a, y)
    expected = [a + y, a - y, a * y, a / y, smaller, np.maximum(a, y), np.abs(a), np.sqrt(np.abs(a)), smaller]
    np.testing.assert_array_equal(out.reshape(9, LANES), np.array(expected))


@kernel
def _with_scalars(a, scalar, out):
    x = load(a, 0, LANES)
    store(out, 0 * LANES, x + scalar)
    store(out, 1 * LANES, scalar - x)
    store(out, 2 * LANES, select(x < scalar, splat(scalar, LANES), lane_numbers(LANES)))


def test_a_scalar_operand_fills_every_lane():
    a = np.linspace(-1, 1, LANES)
    out = np.empty(3 * LANES)
    _with_scalars(a, 0.25, out)
    expected = [a + 0.25, 0.25 - a, np.where(a < 0.25, 0.25, np.arange(LANES))]
    np.testing.assert_array_equal(out.reshape(3, LANES), np.array(expected))


@kernel
def _lanes(a, lane, out):
    x = load(a, 0, LANES)
    store(out, 0 * LANES, shift_in_first(x, -1.0))
    store(out, 1 * LANES, shift_in_last(x, -2.0))
    return get_lane(x, lane), get_last(x), reduce_minimum(x), reduce_maximum(x), reduce_sum(x)


_lanes_of = constant_by_element(lambda itemsize: 64 // itemsize)


@kernel
def _double(a, out):
    lanes = _lanes_of(a)
    store(out, 0, load(a, 0, lanes) + load(a, 0, lanes))
    return lanes


@pytest.mark.parametrize(("dtype", "lanes"), [(np.float64, 8), (np.float32, 16)])
def test_a_kernel_has_as_many_lanes_as_the_elements_of_its_array_want(dtype, lanes):
    a, out = np.arange(16, dtype=dtype), np.zeros(16, dtype)
    assert _double(a, out) == lanes
    np.testing.assert_array_equal(out, np.where(np.arange(16) < lanes, 2 * a, 0))


@pytest.mark.parametrize("lane", [0, 7, LANES - 1])
def test_lanes_are_moved_and_read(lane):
    a = np.random.default_rng(lane).permutation(LANES).astype(float)
    out = np.empty(2 * LANES)
    assert _lanes(a, lane, out) == (a[lane], a[-1], 0.0, LANES - 1.0, LANES * (LANES - 1) / 2)
    np.testing.assert_array_equal(out[:LANES], [-1.0, *a[:-1]])
    np.testing.assert_array_equal(out[LANES:], [*a[1:], -2.0])


@kernel
def _several_lanes(a, b, out):
    x, y = load(a, 0, LANES), load(b, 0, 4)
    store(out, 0 * LANES, shift_in_first(x, y))
    store(out, 1 * LANES, shift_in_first(x, get_last_lanes(x, 8)))
    store(out, 2 * LANES, transpose_lanes(x, 8))
    store(out, 3 * LANES, transpose_lanes(x, 2))


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_several_lanes_are_moved_at_once(dtype):
    a, b = np.random.default_rng(2).normal(size=(2, LANES)).astype(dtype)
    out = np.empty(4 * LANES, dtype)
    _several_lanes(a, b, out)
    rotated, columns, rows = np.roll(a, 8), a.reshape(8, -1).T.ravel(), a.reshape(2, -1).T.ravel()
    expected = [np.concatenate([b[:4], a[:-4]]), rotated, columns, rows]
    np.testing.assert_array_equal(out.reshape(4, LANES), np.array(expected))


@kernel
def _twice(a, b, out):
    store(out, 0, add_twice(load(a, 0, LANES), load(b, 0, LANES)))


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_twice_a_number_is_added_and_rounded_once(dtype):
    rng = np.random.default_rng(5)
    a, b = np.exp(rng.normal(size=(2, LANES)) * 20).astype(dtype)
    b[0], a[1], b[2] = np.inf, np.inf, np.finfo(dtype).max
    out = np.empty(LANES, dtype)
    _twice(a, b, out)
    with np.errstate(over="ignore"):
        np.testing.assert_array_equal(out, a + (b + b))


@kernel
def _bits(a, limit, out):
    store_mask(out, 1, load(a, 0, LANES) < limit)


def test_a_mask_is_stored_lane_zero_first():
    a = np.random.default_rng(1).normal(size=LANES)
    out = np.full(LANES // 8 + 2, 0xAA, np.uint8)
    _bits(a, 0.1, out)
    np.testing.assert_array_equal(np.unpackbits(out[1:-1], bitorder="little"), a < 0.1)
    assert out[0] == out[-1] == 0xAA


@kernel
def _transpose(source, target):
    transpose_tile(source, 2, 11, target, 1, 13, 8)


def test_a_tile_is_transposed_between_strides():
    source = np.arange(100.0)
    target = np.full(110, np.nan)
    _transpose(source, target)
    rows = np.array([source[2 + 11 * row : 10 + 11 * row] for row in range(8)])
    columns = np.array([target[1 + 13 * column : 9 + 13 * column] for column in range(8)])
    np.testing.assert_array_equal(columns, rows.T)
    assert np.isnan(target).sum() == 110 - 64


@kernel
def _count_up(flags, index, value):
    store_release(flags, index, load_acquire(flags, index) + value)


def test_numbers_between_threads():
    flags = np.arange(4)
    _count_up(flags, 2, 40)
    assert flags.tolist() == [0, 1, 42, 3]


def test_what_is_no_vector_is_refused():
    @numba.njit
    def mixes_widths(a):
        return get_last(load(a, 0, 8) + load(a, 0, 16))

    with pytest.raises(numba.TypingError):
        mixes_widths(np.zeros(16))


@kernel
def _smaller_costs(a, b, out):
    store(out, 0, smaller_cost(load(a, 0, LANES), load(b, 0, LANES)))


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_the_smaller_cost_is_the_minimum(dtype):
    rng = np.random.default_rng(9)
    a, b = (rng.exponential(size=(2, LANES)) * 10.0 ** rng.integers(-30, 30, (2, LANES))).astype(dtype)
    a[:5] = 0.0, np.inf, np.finfo(dtype).smallest_subnormal, -3.0, 7.0
    b[:5] = np.inf, np.inf, 0.0, 2.0, 7.0
    out = np.empty(LANES, dtype)
    _smaller_costs(a, b, out)
    np.testing.assert_array_equal(out, np.minimum(a, b))
