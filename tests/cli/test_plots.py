from __future__ import annotations

import struct
import sys
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from platform_base.cli.errors import MissingExtraError
from platform_base.cli.pictures import save_figure
from platform_base.core.models import Execution, ProcessingResult
from platform_base.plots.figure import BLUE, ORANGE, Labels, UndrawableError
from platform_base.plots.plots import draw_result

figure_module = pytest.importorskip("matplotlib.figure")

SERIES = np.sin(np.arange(50) / 5)
PATH = np.column_stack([np.arange(50), np.arange(50)])
FREQS = np.linspace(0, 1, 64)
GAIN = -60 * FREQS


def execution(**parameters: Any) -> Execution:
    return Execution(
        plugin_id="p",
        version="1.0.0",
        digest="",
        parameters=parameters,
        wall_seconds=1.0,
        cpu_seconds=1.0,
        peak_memory_bytes=1,
        protections=(),
        engine="local",
    )


def draw(values: Any, inputs: dict[str, Any], labels: Labels | None = None, **metadata: Any) -> Any:
    figure = figure_module.Figure()
    result = ProcessingResult(values=values, metadata=metadata, execution=execution(cutoff=0.2, cutoff_high=None))
    draw_result(figure, result, inputs, labels)
    return figure


def titles(figure: Any) -> list[str]:
    return [axes.get_title(loc="center") or axes.get_title(loc="left") for axes in figure.axes]


def test_an_alignment_shows_both_series_their_connectors_and_the_path() -> None:
    figure = draw(
        SERIES, {"reference": SERIES, "target": SERIES + 1}, path=PATH, window_size=7, normalized_distance=0.5
    )
    left, right = figure.axes
    upper, lower = left.get_lines()[:2]
    assert (upper.get_color(), lower.get_color()) == (BLUE, ORANGE)
    assert upper.get_ydata().min() > lower.get_ydata().max()
    (connectors,) = left.collections
    assert len(connectors.get_segments()) == len(PATH)
    np.testing.assert_allclose(connectors.get_segments()[3], [[3, SERIES[3]], [3, lower.get_ydata()[3]]])
    assert [line.get_label() for line in right.get_lines()] == ["no warping", "path"]
    assert [text.get_text() for text in right.texts] == ["normalized distance 0.5"]


def test_long_alignments_show_a_share_of_the_connectors() -> None:
    long = np.arange(5000.0)
    figure = draw(long, {"reference": long, "target": long}, path=np.column_stack([np.arange(5000)] * 2))
    assert len(figure.axes[0].collections[0].get_segments()) <= 90
    assert any("1 in 56" in text.get_text() for text in figure.axes[0].get_legend().get_texts())


@pytest.mark.parametrize(
    "path",
    [
        None,
        [[0, 0]],
        np.zeros((0, 2), dtype=int),
        np.array([[0, 50]]),
        np.array([[-1, 0]]),
        np.array([[0.0, 1.0]]),
        np.array([0, 1]),
    ],
)
def test_a_path_that_is_none_is_not_drawn_as_one(path: Any) -> None:
    figure = draw(SERIES, {"reference": SERIES, "target": SERIES}, path=path)
    assert titles(figure)[0] == "Inputs"


def test_a_filter_shows_before_after_and_the_response() -> None:
    figure = draw(SERIES * 0.5, {"series": SERIES}, freqs=FREQS, magnitude_db=GAIN, btype="low", sampling_rate=None)
    upper, lower = figure.axes
    assert [line.get_label() for line in upper.get_lines()] == ["before", "after"]
    assert lower.get_xscale() == "linear"
    assert [text.get_text() for text in lower.texts] == ["cutoff 0.2\n-12.0 dB"]


def test_frequencies_in_hertz_are_logarithmic() -> None:
    figure = draw(SERIES, {"series": SERIES}, freqs=FREQS, magnitude_db=GAIN, btype="low", sampling_rate=2.0)
    assert figure.axes[1].get_xscale() == "log"
    assert figure.axes[1].get_xlabel() == "frequency (Hz)"
    assert figure.axes[0].get_xlabel() == "time (s)"
    assert figure.axes[0].get_lines()[0].get_xdata()[-1] == 24.5


def test_a_filter_without_a_response() -> None:
    assert len(draw(SERIES, {"series": SERIES}, freqs=None, magnitude_db=None, btype=None).axes) == 1


def test_other_results() -> None:
    assert titles(draw(SERIES * 2, {"series": SERIES})) == ["Inputs", "Result"]
    assert titles(draw(3.5, {"a": SERIES, "b": SERIES, "name": "x"})) == ["p: 3.5"]
    assert titles(draw(1.0, {"a": SERIES}, cost_matrix=np.eye(4)))[:2] == ["p: 1", "cost matrix"]
    assert "result" in titles(draw(np.eye(20), {}))
    assert len(draw("text", {}).axes) == 1


@pytest.mark.parametrize("series", [np.array([1.0]), np.full(5, 3.0), np.array([np.nan, 1.0, 2.0]), np.ones((9, 3))])
def test_awkward_series_are_drawn(tmp_path: Path, series: np.ndarray[Any, Any]) -> None:
    result = ProcessingResult(values=series, metadata={"path": np.array([[0, 0]])}, execution=execution())
    for inputs in ({"reference": series, "target": series}, {"series": series}):
        save_figure(tmp_path / "a.png", partial(draw_result, result=result, inputs=inputs))
        assert (tmp_path / "a.png").stat().st_size > 1000


@pytest.mark.parametrize(("name", "magic"), [("a.png", b"\x89PNG"), ("a.svg", b"<?xml"), ("a.pdf", b"%PDF")])
def test_files_are_of_the_format_that_their_name_says(tmp_path: Path, name: str, magic: bytes) -> None:
    save_figure(tmp_path / name, lambda figure: figure.subplots().plot([1, 2]))
    assert (tmp_path / name).read_bytes().startswith(magic)
    assert [path.name for path in tmp_path.iterdir()] == [name]


def test_pictures_are_large_enough_to_read(tmp_path: Path) -> None:
    result = ProcessingResult(values=SERIES, metadata={"path": PATH}, execution=execution())
    inputs = {"reference": SERIES, "target": SERIES}
    save_figure(tmp_path / "a.png", partial(draw_result, result=result, inputs=inputs))
    width, height = struct.unpack(">II", (tmp_path / "a.png").read_bytes()[16:24])
    assert width >= 1600
    assert height >= 700


def test_without_the_extra_the_command_that_installs_it_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(MissingExtraError, match=r'pip install "platform-base\[plot\]"'):
        save_figure(tmp_path / "a.png", lambda figure: None)


LARGE = np.array([0.0, -1e305, np.nan, 1.0])


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize(
    ("name", "values", "inputs", "metadata"),
    [
        ("result", LARGE, {}, {}),
        ("x", 1.0, {"x": LARGE}, {}),
        ("plane", 1.0, {}, {"plane": np.full((3, 3), 1e301)}),
        ("target", 1.0, {"reference": SERIES, "target": SERIES * 1e306}, {"path": PATH}),
        ("before", LARGE * 0, {"series": LARGE}, {"magnitude_db": GAIN, "freqs": FREQS}),
        ("magnitude_db", SERIES, {"series": SERIES}, {"magnitude_db": GAIN * 1e301, "freqs": FREQS}),
    ],
)
def test_a_number_that_no_axis_can_show_is_said_before_anything_is_drawn(
    name: str, values: Any, inputs: dict[str, Any], metadata: dict[str, Any]
) -> None:
    with pytest.raises(
        UndrawableError, match=rf"^{name}: expected numbers that Matplotlib can draw, up to 1e\+300, got"
    ):
        draw(values, inputs, **metadata)


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("kind", ["png", "svg"])
def test_the_largest_numbers_that_are_let_through_are_drawn(tmp_path: Path, kind: str) -> None:
    edge = np.array([1e300, -1e300, np.nan, np.inf, 0.0])
    result = ProcessingResult(values=edge, metadata={"plane": np.outer([1.0, -1.0, 0.5], [1e300, 1e290, 1.0])})
    save_figure(tmp_path / f"a.{kind}", partial(draw_result, result=result, inputs={"x": edge}))
    assert (tmp_path / f"a.{kind}").stat().st_size > 1000
    series = edge[[0, 1, 4, 0, 1]]
    path = np.column_stack([np.arange(5), np.arange(5)])
    aligned = ProcessingResult(values=0.0, metadata={"path": path})
    inputs = {"reference": series, "target": -series}
    save_figure(tmp_path / f"b.{kind}", partial(draw_result, result=aligned, inputs=inputs))
    assert (tmp_path / f"b.{kind}").stat().st_size > 1000
