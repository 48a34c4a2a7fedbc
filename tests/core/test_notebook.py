"""Results and registries as a notebook shows them."""

from __future__ import annotations

import subprocess
import sys
from html.parser import HTMLParser

import numpy as np
import pytest
from tests.conftest import OPEN_IMPORTS, SAMPLES

from platform_base.core.models import ProcessingResult
from platform_base.plugins.registry import PluginRegistry

MARKUP = "<img src=x onerror=alert(1)>\x1b[31m"


class Reader(HTMLParser):
    """What a browser would make of a text: tags, and what stands between them."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.opened: list[str] = []
        self.words = ""
        self.feed(text)
        assert self.opened == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        assert not [name for name, _ in attrs if name.startswith("on") or name in ("src", "href", "style")]
        self.opened.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.opened.pop() == tag

    def handle_data(self, data: str) -> None:
        self.words += data


def test_a_result_shows_its_values_its_extras_and_a_small_picture(registry) -> None:
    result = registry.execute_plugin("behaviours", {"do": "scale", "series": np.arange(5.0)})
    read = Reader(result._repr_html_())
    assert "behaviours 1.0.0" in read.words
    assert "5 float64, from 0 to 8" in read.words
    assert result.execution.digest in read.words
    assert {"svg", "polyline", "details", "table"} <= set(read.tags)


def test_everything_that_a_plugin_says_is_text() -> None:
    read = Reader(ProcessingResult(values=MARKUP, metadata={MARKUP: MARKUP})._repr_html_())
    assert "img" not in read.tags
    assert "<img src=x onerror=alert(1)>\\x1b[31m" in read.words


@pytest.mark.parametrize(
    "values",
    [np.array([np.nan, np.nan]), np.array([1.0]), np.zeros((3, 3)), np.array([]), np.array(["a"]), None, 1.5, [1, 2]],
)
def test_what_is_no_series_has_no_picture(values) -> None:
    assert "svg" not in Reader(ProcessingResult(values=values)._repr_html_()).tags


def test_the_small_picture_keeps_a_peak_among_a_million() -> None:
    values = np.zeros(1_000_000)
    values[123_456] = 1.0
    text = ProcessingResult(values=values)._repr_html_()
    points = text.split('points="')[1].split('"')[0].split()
    assert len(points) <= 400
    heights = [float(point.split(",")[1]) for point in points]
    assert heights.count(min(heights)) == 1
    assert len(text) < 10_000


def test_a_thousand_extras_are_cut() -> None:
    read = Reader(ProcessingResult(values=1, metadata={f"k{index}": index for index in range(1000)})._repr_html_())
    assert read.tags.count("tr") == 41
    assert "960 more" in read.words


def test_a_registry_shows_its_plugins_and_their_figures(nothing_left) -> None:
    with PluginRegistry(OPEN_IMPORTS) as made:
        assert "no plugins found" in Reader(made._repr_html_()).words
        made.discover_plugins(SAMPLES)
        assert "ready" in Reader(made._repr_html_()).words
        made.execute_plugin("behaviours", {"do": "echo", "value": 1})
        words = Reader(made._repr_html_()).words
    assert "loaded" in words
    assert "behaviours" in words
    assert "closed" in made._repr_html_()


def test_a_registry_shows_what_cannot_be_used(tmp_path) -> None:
    (tmp_path / "bad").mkdir()
    (tmp_path / "bad" / "manifest.json").write_text('{"plugin_id": "<b>"}')
    with PluginRegistry() as made:
        made.discover_plugins(tmp_path)
        read = Reader(made._repr_html_())
    assert "that cannot be used" in read.words
    assert "b" not in read.tags


def test_workers_load_nothing_of_it() -> None:
    program = "import platform_base.core.models, sys; print(*[name for name in sys.modules if 'platform_base' in name])"
    loaded = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout.split()
    assert sorted(loaded) == ["platform_base", "platform_base.core", "platform_base.core.models"]


def test_plot_returns_axes_that_can_be_changed() -> None:
    matplotlib = pytest.importorskip("matplotlib")
    matplotlib.use("agg")
    from matplotlib import pyplot
    from matplotlib.figure import Figure

    reference, path = np.sin(np.arange(20) / 3), np.column_stack([np.arange(20), np.arange(20)])
    result = ProcessingResult(values=reference, metadata={"path": path})
    inputs = {"reference": reference, "target": reference + 1}
    left, right = result.plot(inputs)
    assert right.get_title(loc="left") == "Warping path"
    left.set_ylabel("level (m)")
    assert pyplot.get_fignums() == [left.figure.number]
    pyplot.close(left.figure)
    figure = Figure()
    assert result.plot(figure=figure) == list(figure.axes)
    assert pyplot.get_fignums() == []


def test_plot_without_matplotlib_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(ImportError, match=r'pip install "platform-base\[plot\]"'):
        ProcessingResult(values=[1.0]).plot()
