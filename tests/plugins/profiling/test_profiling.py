"""Calls that are measured in their confined worker, and workers that lie about it."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from platform_base.plugins.errors import ParameterError, PluginFailedError, SandboxUnavailableError, WireError
from platform_base.plugins.profiling.memory_profile import list_lines, read_memory_profile
from platform_base.plugins.profiling.time_profile import list_hot, read_time_profile
from platform_base.plugins.registry import PluginRegistry

CODE = '''
import numpy as np

from platform_base.core.models import ProcessingResult


def step(number):
    return number * number % 7


def often(count):
    return sum(step(number) for number in range(count))


def rarely(count):
    return often(count // 10)


class Worked:
    calls = 0

    def execute(self, inputs):
        mode = inputs["params"]["mode"]
        if mode == "fail":
            raise ValueError("no luck")
        if mode == "forge":
            forge(inputs["said"])
        if mode == "allocate":
            return self.allocate()
        if mode == "escape":
            return ProcessingResult(values=[attempt(*each) for each in inputs["attempts"]])
        self.calls += 1
        count = 20_000 if mode == "work" else 200
        often(count)
        rarely(count)
        return ProcessingResult(values=self.calls, metadata={"mode": mode})

    def allocate(self):
        kept = np.ones(1_000_000)  # kept
        for _ in range(3):
            passing = np.ones(2_000_000)  # passing
            kept[0] = passing.sum()
            del passing
        return ProcessingResult(values=kept[:3].copy(), metadata={})

    def validate_inputs(self, inputs):
        return True

    def get_manifest(self):
        return {}


def attempt(path, mode):
    """Try to open a file of the host, and say what came of it."""
    try:
        open(path, mode).close()
    except OSError as error:
        return type(error).__name__
    return "opened"


def forge(said):
    """What a hostile plugin can do: it shares its process with the probe."""
    modules = __builtins__["__import__"]("sys").modules
    for name in ("time_probe", "memory_probe"):
        probe = modules.get("platform_base.plugins._worker." + name)
        if probe is not None:
            probe._tabulate = lambda *_: said
            probe._list_traces = lambda *_: said["traces"]
'''

MANIFEST = {
    "plugin_id": "worked",
    "version": "1.0.0",
    "entry_point": "worked.Worked",
    "configuration": {
        "mode": {
            "type": "string",
            "default": "work",
            "options": ["work", "little", "fail", "forge", "allocate", "escape"],
        }
    },
}
OPEN = {"security": {"allowed_modules": None, "blocked_modules": [], "max_cpu_percent": 100}}


@pytest.fixture
def plugin(tmp_path: Path) -> Path:
    directory = tmp_path / "worked"
    directory.mkdir()
    (directory / "worked.py").write_text(CODE)
    (directory / "manifest.json").write_text(json.dumps(MANIFEST))
    return directory


@pytest.fixture
def registry(plugin: Path, nothing_left: None) -> Iterator[PluginRegistry]:
    with PluginRegistry(OPEN) as made:
        made.discover_plugins(plugin)
        yield made


def line_of(text: str) -> int:
    return 1 + next(at for at, line in enumerate(CODE.splitlines()) if line.endswith(text))


class TestTime:
    def test_the_tree_says_who_called_whom_and_for_how_long(self, registry: PluginRegistry, plugin: Path) -> None:
        profile = registry.profile_plugin("worked", {}, calls=6)
        assert (profile.plugin_id, profile.version, profile.calls) == ("worked", "1.0.0", 6)
        assert profile.digest == registry.list_plugins()[0]["digest"]
        assert (profile.values, profile.metadata) == (7, {"mode": "work"})  # one call was not measured
        (root,) = profile.roots
        assert root.callee.name == "Worked.execute"
        assert root.callee.file == str(plugin / "worked.py")
        assert root.callee.line == line_of("def execute(self, inputs):")
        inner = {call.callee.name: call for call in root.calls}
        # Ten times the work; what is claimed is only that it is more than twice the time.
        assert inner["often"].seconds > 2 * inner["rarely"].seconds > 0
        assert {call.callee.name for call in inner["rarely"].calls} == {"often"}
        for _, call in root.walk():
            assert call.seconds == pytest.approx(call.own_seconds + sum(each.seconds for each in call.calls))
        assert root.seconds == pytest.approx(sum(seconds for stack, seconds in profile.timeline if stack))
        assert sum(seconds for _, seconds in list_hot(profile)) == pytest.approx(root.seconds)
        assert root.seconds <= profile.seconds
        assert not any("importlib" in callee.file or "_worker" in callee.file for callee, _ in list_hot(profile))

    def test_a_cold_call_is_the_first(self, registry: PluginRegistry) -> None:
        assert registry.profile_plugin("worked", {}, warm=False).values == 1

    def test_it_is_confined_and_counted_nowhere(self, registry: PluginRegistry) -> None:
        registry.profile_plugin("worked", {})
        assert registry.get_plugin_stats("worked")["execution_count"] == 0

    def test_a_measured_call_is_as_confined_as_any_other(self, registry: PluginRegistry, tmp_path: Path) -> None:
        secret = tmp_path / "secret"
        secret.write_text("mine")
        attempts = [[str(secret), "r"], [str(tmp_path / "new"), "w"], [registry.list_plugins()[0]["directory"], "r"]]
        inputs, parameters = {"attempts": attempts}, {"mode": "escape"}
        usual = registry.execute_plugin("worked", inputs, parameters).values
        assert "opened" not in usual
        assert registry.profile_plugin("worked", inputs, parameters).values == usual
        assert registry.trace_memory("worked", inputs, parameters).values == usual
        assert not (tmp_path / "new").exists()

    def test_the_next_call_is_an_ordinary_one(self, registry: PluginRegistry) -> None:
        registry.profile_plugin("worked", {})
        result = registry.execute_plugin("worked", {})
        assert (result.values, result.metadata) == (1, {"mode": "work"})

    def test_a_failure_is_that_of_the_plugin(self, registry: PluginRegistry) -> None:
        with pytest.raises(PluginFailedError, match="no luck") as caught:
            registry.profile_plugin("worked", {}, {"mode": "fail"})
        assert "worked.py" in caught.value.remote_traceback
        assert "probe" not in caught.value.remote_traceback

    @pytest.mark.parametrize("wrong", [{"interval_s": 0}, {"calls": 0}, {"calls": True}, {"interval_s": float("nan")}])
    def test_numbers_out_of_range(self, registry: PluginRegistry, wrong: dict[str, Any]) -> None:
        with pytest.raises(ParameterError, match=next(iter(wrong))):
            registry.profile_plugin("worked", {}, **wrong)

    def test_not_without_a_worker(self, plugin: Path) -> None:
        settings = {"engine": "inline", "security": {"enable_sandboxing": False}}
        with PluginRegistry(settings) as registry:
            registry.discover_plugins(plugin)
            with pytest.raises(SandboxUnavailableError, match="engine: local"):
                registry.trace_memory("worked", {})


def test_an_environment_without_the_profiler_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    from platform_base.plugins._wire.messages import Load, Probe
    from platform_base.plugins._worker.probe import MissingProbeError, ProbedPlugin

    monkeypatch.setitem(sys.modules, "pyinstrument", None)  # what import finds where it is not installed
    monkeypatch.delitem(sys.modules, "platform_base.plugins._worker.time_probe", raising=False)
    load = Load(directory="", package="", module="", class_name="", plugin_id="", version="")
    with pytest.raises(MissingProbeError, match="no pyinstrument: add it to the manifest's requires"):
        ProbedPlugin(None, load, Probe(kind="time"))


class TestMemory:
    def test_the_peak_and_its_lines(self, registry: PluginRegistry, plugin: Path) -> None:
        profile = registry.trace_memory("worked", {}, {"mode": "allocate"})
        # 8 MB are kept while 16 MB pass; NumPy and Python add little.
        assert 24_000_000 <= profile.peak_bytes < 24_200_000
        assert 0.98 * profile.peak_bytes <= profile.shown_bytes <= profile.peak_bytes
        (first, second, *rest) = list_lines(profile)
        assert first[:2] == ((str(plugin / "worked.py"), line_of("# passing")), pytest.approx(16_000_000, rel=1e-3))
        assert second[:2] == ((str(plugin / "worked.py"), line_of("# kept")), pytest.approx(8_000_000, rel=1e-3))
        assert sum(size for _, size, _ in rest) < 200_000
        assert profile.sizes.max() >= 24_000_000
        assert (np.diff(profile.seconds) >= 0).all()
        assert profile.process_peak_bytes > profile.peak_bytes
        np.testing.assert_array_equal(profile.values, [2_000_000, 1, 1])

    def test_a_call_that_allocates_next_to_nothing(self, registry: PluginRegistry) -> None:
        profile = registry.trace_memory("worked", {}, {"mode": "little"})
        assert profile.peak_bytes < 200_000
        assert profile.metadata == {"mode": "little"}


TREE = {
    "functions": [["f", "file.py", 1], ["g", "file.py", 9]],
    "parents": np.array([-1, 0]),
    "callees": np.array([0, 1]),
    "samples": np.array([0, 1, 1]),
    "weights": np.array([0.5, 0.25, 0.25]),
    "seconds": 1.0,
    "calls": 1,
}
CURVE = {
    "peak_bytes": 10,
    "shown_bytes": 9,
    "seconds": np.array([0.0, 1.0]),
    "sizes": np.array([0, 10]),
    "traces": [[9, 1, [["file.py", 3]]]],
}
ABOUT: dict[str, Any] = {
    "plugin_id": "p", "version": "1.0.0", "digest": "sha256:0", "directory": "/d", "values": None, "metadata": {},
    "show": lambda text: text,
}  # fmt: skip


class TestLies:
    def test_what_is_in_order_is_read(self) -> None:
        profile = read_time_profile(TREE, **ABOUT)
        assert [(depth, call.callee.name, call.seconds) for depth, call in profile.roots[0].walk()] == [
            (0, "f", 1.0),
            (1, "g", 0.5),
        ]
        assert [(len(stack), seconds) for stack, seconds in profile.timeline] == [(1, 0.5), (2, 0.5)]
        assert read_memory_profile(CURVE, process_peak_bytes=1, **ABOUT).allocations[0].bytes == 9

    @pytest.mark.parametrize(
        "lie",
        [
            {"parents": np.array([-1, 1])},  # a ring
            {"parents": np.array([1, 0])},
            {"parents": np.array([-2, 0])},
            {"parents": np.array([-1])},
            {"parents": np.array([-1.0, 0.0])},
            {"callees": np.array([0, 2])},
            {"samples": np.array([0, 1, 2])},
            {"weights": np.array([0.5, np.nan, 0.25])},
            {"weights": np.array([0.5, -1.0, 0.25])},
            {"weights": np.array([0.5])},
            {"weights": "many"},
            {"functions": []},
            {"functions": [["f", "file.py"], ["g", "file.py", 9]]},
            {"functions": [[b"f", "file.py", 1], ["g", "file.py", 9]]},
            {"functions": [["f", "file.py", float("inf")], ["g", "file.py", 9]]},
            {"functions": [["f", "file.py", True], ["g", "file.py", 9]]},
            {"seconds": float("nan")},
            {"seconds": None},
            {"calls": -1},
            {"samples": np.zeros((3, 1), dtype=np.int64)},
            {"parents": np.arange(-1, 49_999), "callees": np.zeros(50_000, dtype=np.int64)},  # deeper than any stack
            {  # many deep ones: a small message that stands for millions of frames
                "parents": np.concatenate([np.arange(-1, 998), np.full(5_000, 998)]),
                "callees": np.zeros(5_999, dtype=np.int64),
            },
        ],
    )
    def test_times_that_cannot_be(self, lie: dict[str, Any]) -> None:
        with pytest.raises(WireError, match="cannot be"):
            read_time_profile({**TREE, **lie}, **ABOUT)

    @pytest.mark.parametrize(
        "lie",
        [
            {"sizes": np.array([0])},
            {"sizes": np.array([0, -1])},
            {"seconds": np.array([1.0, 0.0])},
            {"traces": [[9, 1, []]]},
            {"traces": [[9, 1, [["file.py"]]]]},
            {"traces": [[9, 1, [["file.py", 3]] * 13]]},
            {"traces": [[-9, 1, [["file.py", 3]]]]},
            {"traces": [[9, 1, [["file.py", 3]]]] * 201},
            {"traces": {"file.py": 3}},
            {"peak_bytes": "much"},
        ],
    )
    def test_sizes_that_cannot_be(self, lie: dict[str, Any]) -> None:
        with pytest.raises(WireError, match="cannot be"):
            read_memory_profile({**CURVE, **lie}, process_peak_bytes=1, **ABOUT)

    @pytest.mark.parametrize("said", [None, [], 3, "text"])
    def test_no_table_at_all(self, said: object) -> None:
        with pytest.raises(WireError):
            read_time_profile(said, **ABOUT)

    def test_text_is_made_safe_and_cut(self, registry: PluginRegistry) -> None:
        said = {**TREE, "functions": [["\x1b[2J" + "x" * 5000, "a\nb", 1], ["g", "file.py", 9]]}
        profile = registry.profile_plugin("worked", {"said": said}, {"mode": "forge"})
        callee = profile.roots[0].callee
        assert callee.name.startswith("\\x1b[2J")
        assert len(callee.name) < 600
        assert callee.file == "a\\nb"

    def test_a_forged_table_is_refused_in_a_real_call(self, registry: PluginRegistry) -> None:
        said = {**TREE, "parents": np.array([-1, 1]), "traces": [[1, 1, [["/etc/passwd", 1]] * 40]]}
        with pytest.raises(WireError, match="no tree"):
            registry.profile_plugin("worked", {"said": said}, {"mode": "forge"})
        with pytest.raises(WireError, match="1 to 12 frames"):
            registry.trace_memory("worked", {"said": said}, {"mode": "forge"})
        assert registry.execute_plugin("worked", {}).values == 1
