"""Windows against their definitions cell by cell, dtw-python, and the smallest size that leaves a path."""

from __future__ import annotations

import math
import re
import warnings

import numpy as np
import pytest
import recordings
from dtw import dtw as r_dtw
from dtw import itakuraWindow
from hypothesis import given, settings
from hypothesis import strategies as st
from plugins.advanced_sync.dtw import dtw_align, dtw_distance, dtw_matrices, dtw_path
from plugins.advanced_sync.windows import itakura_band, sakoe_chiba_band, slanted_band

KERNELS = ("numba", "numpy")


def series(n: int, m: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    generator = np.random.default_rng(seed)
    return generator.normal(size=n).cumsum(), generator.normal(size=m).cumsum()


def inside(allowed: np.ndarray) -> np.ndarray:
    """First and last allowed column of every row of a mask whose rows are in one piece."""
    first = allowed.argmax(axis=1)
    last = allowed.shape[1] - 1 - allowed[:, ::-1].argmax(axis=1)
    assert (allowed.sum(axis=1) == last - first + 1).all()
    return np.stack([first, last], axis=1)


@pytest.mark.parametrize("pattern", ["symmetric1", "symmetric2", "asymmetric", "symmetricP1", "typeIVc"])
@pytest.mark.parametrize(("n", "m"), [(30, 30), (30, 26), (27, 30)])
def test_bands_equal_those_of_r(n: int, m: int, pattern: str) -> None:
    # Two channels, because differences of one add up to equal sums on different paths.
    x, y = (np.stack(pair, axis=1) for pair in zip(series(n, m, seed=n + m), series(n, m, seed=1), strict=True))
    windows = [("sakoe_chiba", "sakoechiba", 4), ("sakoe_chiba", "sakoechiba", 9), ("slanted_band", "slantedband", 3)]
    for ours, theirs, size in windows:
        expected = r_dtw(
            x, y, step_pattern=pattern, window_type=theirs, window_args={"window_size": size}, keep_internals=True
        )
        for kernel in KERNELS:
            got = dtw_align(
                x, y, step_pattern=pattern, window_type=ours, window_size=size, matrices=True, kernel=kernel
            )
            assert got.distance == pytest.approx(expected.distance, rel=1e-12)
            assert got.path.tolist() == np.stack([expected.index1, expected.index2], axis=1).tolist()
            accumulated = np.where(np.isnan(expected.costMatrix), np.inf, expected.costMatrix)
            np.testing.assert_allclose(got.matrices.accumulated, accumulated, rtol=1e-12)
            assert got.distance == dtw_distance(
                x, y, step_pattern=pattern, window_type=ours, window_size=size, kernel=kernel
            )


@pytest.mark.parametrize("kernel", KERNELS)
def test_any_band_of_r_can_be_given(kernel: str) -> None:
    x, y = series(30, 34)
    rows, columns = np.indices((30, 34))
    allowed = itakuraWindow(rows, columns, 30, 34)
    # Theirs leaves single rows empty; the band that holds the rest is monotone.
    first = np.maximum.accumulate(np.where(allowed.any(axis=1), allowed.argmax(axis=1), 0))
    last = np.where(allowed.any(axis=1), 33 - allowed[:, ::-1].argmax(axis=1), first)
    band = np.stack([first, np.maximum.accumulate(np.maximum(first, last))], axis=1)

    def window(iw: np.ndarray, jw: np.ndarray, **_: int) -> np.ndarray:
        return (jw >= band[iw, 0]) & (jw <= band[iw, 1])

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        expected = r_dtw(x, y, window_type=window)
    path, distance = dtw_path(x, y, band=band, kernel=kernel)
    assert distance == pytest.approx(expected.distance, rel=1e-12)
    assert path.tolist() == np.stack([expected.index1, expected.index2], axis=1).tolist()


@settings(deadline=None)
@given(n=st.integers(1, 12), m=st.integers(1, 12), radius=st.integers(0, 14), slope=st.floats(1, 6), data=st.data())
def test_bands_are_what_their_definitions_say(n: int, m: int, radius: int, slope: float, data: st.DataObject) -> None:
    steps = st.floats(0.01, 3)
    u = np.cumsum(data.draw(st.lists(steps, min_size=n, max_size=n)))
    v = np.cumsum(data.draw(st.lists(steps, min_size=m, max_size=m)))
    p = (u - u[0]) / (u[-1] - u[0]) if n > 1 else np.zeros(1)
    q = (v - v[0]) / (v[-1] - v[0]) if m > 1 else np.zeros(1)
    line = np.interp(p, q, np.arange(m))
    rooms = [
        (sakoe_chiba_band(u, v, radius), lambda i, j: radius - abs(u[i] - v[j])),
        (slanted_band(p, q, radius), lambda i, j: radius - abs(j - line[i])),
        (
            itakura_band(p, q, slope),
            lambda i, j: min(
                slope * p[i] - q[j],
                q[j] - p[i] / slope,
                slope * (1 - p[i]) - (1 - q[j]),
                (1 - q[j]) - (1 - p[i]) / slope,
            ),
        ),
    ]
    for band, room in rooms:
        for i in range(n):
            clearly = {j for j in range(m) if room(i, j) > 1e-6}
            perhaps = {j for j in range(m) if room(i, j) > -1e-6}
            if band is None:
                continue
            got = set(range(band.first[i], band.last[i] + 1))
            assert clearly <= got <= perhaps
        if band is None:
            assert any(all(room(i, j) <= 1e-6 for j in range(m)) for i in range(n))


@pytest.mark.parametrize("kernel", KERNELS)
@pytest.mark.parametrize("window_type", ["sakoe_chiba", "slanted_band"])
def test_fraction_is_of_the_longer_series(window_type: str, kernel: str) -> None:
    x, y = series(40, 36)
    for fraction, radius in [(0.1, 4), (0.25, 10), (0.149, 5), (1.0, 40)]:
        expected = dtw_distance(x, y, window_type=window_type, window_size=radius, kernel=kernel)
        assert dtw_distance(x, y, window_type=window_type, window_fraction=fraction, kernel=kernel) == expected
    assert dtw_distance(x, y, window_fraction=1.0) == dtw_distance(x, y)


def test_duration_is_in_the_unit_of_the_time_stamps() -> None:
    x, y = series(40, 40)
    even = {"reference_times": np.arange(40) * 0.5, "target_times": np.arange(40) * 0.5}
    assert dtw_distance(x, y, window_duration=2.5, **even) == dtw_distance(x, y, window_size=5)
    generator = np.random.default_rng(3)
    times = [np.sort(generator.uniform(0, 40, 40)) for _ in range(2)]
    band = inside(np.abs(times[0][:, np.newaxis] - times[1]) <= 6.0)
    got = dtw_distance(x, y, window_duration=6.0, reference_times=times[0], target_times=times[1])
    assert got == dtw_distance(x, y, band=band)


def test_slanted_and_itakura_windows_follow_the_time_stamps() -> None:
    x, y = series(30, 30)
    for options in ({"window_type": "itakura"}, {"window_type": "slanted_band", "window_size": 4}):
        even = {"reference_times": np.arange(30) * 7.0 + 3, "target_times": np.arange(30) * 0.1}
        assert dtw_distance(x, y, **options, **even) == dtw_distance(x, y, **options)
    slow_start = np.arange(30.0) ** 2
    uneven = {"reference_times": slow_start, "target_times": np.arange(30.0)}
    path, _ = dtw_path(x, y, window_type="slanted_band", window_size=1, **uneven)
    assert np.abs(path[:, 1] - slow_start[path[:, 0]] / 29).max() <= 1 + 1e-9


@pytest.mark.parametrize("kernel", KERNELS)
def test_wider_windows_never_cost_more(kernel: str) -> None:
    x, y = series(35, 30, seed=8)
    sweeps = [
        [{"window_size": size} for size in range(5, 35)],
        [{"window_type": "slanted_band", "window_size": size} for size in range(1, 30)],
        [{"window_type": "itakura", "itakura_max_slope": slope} for slope in np.linspace(1.3, 9, 20)],
    ]
    for sweep in sweeps:
        distances = [dtw_distance(x, y, kernel=kernel, **options) for options in sweep]
        assert distances == sorted(distances, reverse=True)
        assert distances[0] >= dtw_distance(x, y)


@pytest.mark.parametrize("pattern", ["symmetric2", "asymmetric", "symmetricP1", "symmetricP2", "typeIVc"])
@pytest.mark.parametrize(("n", "m"), [(20, 20), (20, 25), (24, 19)])
def test_error_names_the_smallest_size_that_leaves_a_path(pattern: str, n: int, m: int) -> None:
    x, y = series(n, m)
    times = {"reference_times": np.arange(n) * 0.25, "target_times": np.arange(m) * 0.25}
    for tight in (
        {"window_size": 0},
        {"window_fraction": 0.0},
        {"window_duration": 0.0, **times},
        {"window_type": "slanted_band", "window_size": 0},
        {"window_type": "slanted_band", "window_fraction": 0.01},
        {"window_type": "itakura", "itakura_max_slope": 1.0},
    ):
        options = {"step_pattern": pattern, **tight}
        try:
            dtw_distance(x, y, **options)
        except ValueError as error:
            name, size = re.search(r"give (\w+)=([\d.]+) or more", str(error)).groups()
        else:
            assert n == m  # only then the narrowest window holds a path
            continue
        step = {"window_size": 1, "window_fraction": 1 / max(n, m), "window_duration": 0.01, "itakura_max_slope": 0.01}
        value = int(size) if name == "window_size" else float(size)
        assert np.isfinite(dtw_distance(x, y, **{**options, name: value}))
        below = value - step[name]
        if below >= (1 if name == "itakura_max_slope" else 0):
            with pytest.raises(ValueError, match=f"give {name}={re.escape(size)} or more"):
                dtw_distance(x, y, **{**options, name: below})


def test_steep_window_that_no_slope_opens() -> None:
    x, y = series(2, 5)
    with pytest.raises(ValueError, match=r"itakura_max_slope: .*no value leaves any for 2 reference and 5 target"):
        dtw_distance(x, y, window_type="itakura")


def test_one_sample_has_no_slope() -> None:
    assert dtw_distance([2.0], [1.0, 2.0, 4.0], window_type="itakura") == 3.0


BAND = np.stack([np.arange(6), np.arange(6)], axis=1)


def changed(row: int, values: list[int]) -> np.ndarray:
    band = BAND.copy()
    band[row] = values
    return band


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"window_type": "parallelogram"}, ValueError, "window_type: expected one of sakoe_chiba, .*'parallelogram'"),
        ({"window_type": "slanted_band"}, ValueError, "needs its radius; give window_size or window_fraction"),
        ({"window_size": 3, "window_fraction": 0.5}, ValueError, "window_fraction: expected none beside window_size"),
        ({"window_type": "itakura", "window_size": 3}, ValueError, "window_size: expected null beside window_type=ita"),
        ({"window_type": "itakura", "itakura_max_slope": 0.5}, ValueError, "itakura_max_slope: .*at least 1, got 0.5"),
        ({"window_type": "itakura", "itakura_max_slope": math.nan}, ValueError, "itakura_max_slope: .*got nan"),
        ({"window_fraction": 1.5}, ValueError, "window_fraction: expected a finite number, 0 to 1, got 1.5"),
        ({"window_fraction": "a"}, TypeError, "window_fraction: expected a number, got 'a'"),
        ({"window_duration": 3.0}, ValueError, "window_duration: expected reference_times and target_times"),
        ({"window_type": "slanted_band", "window_duration": 3.0}, ValueError, "window_duration: expected null"),
        ({"band": BAND, "window_size": 2}, ValueError, "window_size: expected null beside band"),
        ({"band": BAND[:5]}, ValueError, r"band: expected shape \(6, 2\).*got \(5, 2\)"),
        ({"band": BAND + 0.5}, TypeError, "band: expected integers, got dtype float64"),
        ({"band": changed(2, [1, 6])}, ValueError, r"band\[2\]: expected first <= last, both from 0 to 5"),
        ({"band": changed(2, [3, 2])}, ValueError, r"band\[2\]: expected first <= last"),
        ({"band": changed(2, [0, 2])}, ValueError, r"band\[2\]: expected at least \[1, 1\] as in the row above"),
        ({"band": changed(0, [1, 1])}, ValueError, "none gets beyond reference sample -1"),
        ({"band": np.delete(BAND, 2, axis=0)[[0, 1, 2, 3, 4, 4]]}, ValueError, "none gets beyond reference sample 1"),
    ],
)
def test_bad_windows_get_a_clear_error(options: dict, error: type[Exception], message: str) -> None:
    x, y = series(6, 6)
    with pytest.raises(error, match=message):
        dtw_distance(x, y, **options)


def test_matrices_are_infinite_outside_the_window() -> None:
    x, y = series(10, 10)
    accumulated = dtw_matrices(x, y, window_size=2).accumulated
    rows, columns = np.indices((10, 10))
    assert (np.isinf(accumulated) == (np.abs(rows - columns) > 2)).all()


@settings(deadline=None, max_examples=50)
@given(seed=st.integers(0, 1 << 16), n=st.integers(1, 15), m=st.integers(1, 15), data=st.data())
def test_both_kernels_agree_in_any_band(seed: int, n: int, m: int, data: st.DataObject) -> None:
    bounds = st.lists(st.integers(0, m - 1), min_size=n, max_size=n)
    first, last = (np.sort(data.draw(bounds)) for _ in range(2))
    first[0], last[-1] = 0, m - 1
    # Rows that touch the row above, so that a path exists.
    last = np.maximum(last, first)
    last[:-1] = np.maximum(last[:-1], first[1:] - 1)
    x, y = series(n, m, seed)
    band = np.stack([first, last], axis=1)
    compiled, plain = (dtw_align(x, y, band=band, kernel=kernel, matrices=True) for kernel in KERNELS)
    assert compiled.distance == plain.distance
    assert np.array_equal(compiled.path, plain.path)
    assert np.array_equal(compiled.matrices.accumulated, plain.matrices.accumulated)
    assert (compiled.path[:, 1] >= first[compiled.path[:, 0]]).all()
    assert (compiled.path[:, 1] <= last[compiled.path[:, 0]]).all()


def recorded_pairs() -> list[tuple[np.ndarray, np.ndarray]]:
    """Sea temperature and sunspots, alone and together; two gestures of unequal lengths; motions of six channels."""
    groups = recordings.series()
    one, _, spots, _ = groups["univariate"]
    pairs = [tuple(groups[name][:2]) for name in ("univariate", "multivariate", "gun", "motions")]
    return [*pairs, (one, spots), tuple(gesture[::2] for gesture in groups["gesture"])]


@pytest.mark.parametrize("pair", range(6))
def test_recordings_are_aligned_as_r_aligns_them(pair: int) -> None:
    x, y = recorded_pairs()[pair]
    slanted = {"window_type": "slanted_band", "window_size": 30}
    theirs = {"window_type": "slantedband", "window_args": {"window_size": 30}}
    for pattern in ("symmetric1", "symmetric2", "asymmetric", "symmetricP05", "typeIVc"):
        for window, their_window in (({}, {}), (slanted, theirs)):
            expected = r_dtw(x, y, dist_method="sqeuclidean", step_pattern=pattern, **their_window)
            for kernel in KERNELS:
                options = {"step_pattern": pattern, "distance_metric": "sqeuclidean", "kernel": kernel, **window}
                got = dtw_align(x, y, **options)
                assert got.distance == pytest.approx(expected.distance, rel=1e-12)
                if pattern != "symmetric1":
                    assert got.normalized_distance == pytest.approx(expected.normalizedDistance, rel=1e-12)
                assert dtw_distance(x, y, **options) == got.distance
                if len(np.unique(x, axis=0)) == len(x) and len(np.unique(y, axis=0)) == len(y):
                    # Where samples repeat there are paths of equal cost.
                    assert got.path.tolist() == np.stack([expected.index1, expected.index2], axis=1).tolist()
