"""Calls that failed can be run again, and nobody else can read them."""

from __future__ import annotations

import json
import os
import shutil
import stat
import subprocess
import sys

import numpy as np
import pandas
import pytest
from tests.conftest import OPEN_IMPORTS, SAMPLES

from platform_base.cli.main import call as command
from platform_base.plugins.cache import prune_cache
from platform_base.plugins.errors import (
    EncodingError,
    InvalidInputsError,
    MemoryLimitError,
    ParameterError,
    PluginFailedError,
    PluginTimeoutError,
    ReplayError,
    WorkerCrashedError,
)
from platform_base.plugins.registry import PluginRegistry
from platform_base.plugins.settings import CacheSettings


@pytest.fixture
def kept(tmp_path):
    return tmp_path / "replays"


@pytest.fixture
def registry(kept, nothing_left):
    with make(kept) as made:
        yield made


def make(kept, **given):
    registry = PluginRegistry({**OPEN_IMPORTS, "replay": {"keep": "on_failure", "directory": str(kept), **given}})
    registry.discover_plugins(SAMPLES)
    return registry


def fail(registry, error=PluginFailedError, *, timeout=None, params=None, **inputs):
    with pytest.raises(error) as caught:
        registry.execute_plugin("behaviours", inputs, params, timeout=timeout)
    return caught.value.run_id


def correct(directory, method):
    """Copy the sample plugin and let `raise_error` do what another method does."""
    corrected = directory / "corrected"
    shutil.copytree(SAMPLES / "behaviours", corrected)
    source = corrected / "behaviours.py"
    text = source.read_text().replace("def raise_error(", "def unused(")
    source.write_text(text.replace(f"def {method}(", "def raise_error("))
    return corrected


class TestKeeping:
    @pytest.mark.parametrize(
        ("error", "call"),
        [
            (PluginFailedError, {"do": "raise_error"}),
            (InvalidInputsError, {"refuse": True}),
            (WorkerCrashedError, {"do": "crash"}),
            (PluginTimeoutError, {"do": "hang", "timeout": 0.2}),
            (MemoryLimitError, {"do": "allocate", "bytes": 1 << 40}),
            (EncodingError, {"do": "return_unsendable"}),
        ],
    )
    def test_every_way_to_fail(self, registry, error, call):
        run_id = fail(registry, error, **call)
        (found,) = registry.kept_calls()
        assert (found.run_id, found.plugin_id, found.error_type) == (run_id, "behaviours", error.__name__)
        assert found.timeout_s == call.get("timeout", 30.0)
        assert found.security["max_memory_mb"] == 512
        assert found.policy["max_memory_bytes"] == 512 << 20
        with pytest.raises(error) as again:
            registry.replay_run(run_id)
        assert str(again.value) == found.error.partition("\nTraceback")[0]

    def test_what_is_not_a_failure_of_the_plugin(self, registry):
        registry.execute_plugin("behaviours", {"do": "process"})
        fail(registry, ParameterError, params={"unknown": 1})
        future = registry.submit_plugin("behaviours", {"do": "sleep", "seconds": 30})
        future.cancel()
        with pytest.raises(EncodingError):
            registry.execute_plugin("behaviours", {"value": object()})
        assert [call.error_type for call in registry.kept_calls()] in ([], ["EncodingError"])

    def test_nothing_is_kept_unless_it_was_asked_for(self, kept, nothing_left):
        with make(kept, keep="never") as registry:
            fail(registry, do="raise_error")
            assert registry.kept_calls() == []
        assert not kept.exists()

    def test_inputs_of_every_kind_come_back(self, registry):
        table = pandas.DataFrame({"t": [1, 2], "v": [0.5, np.nan]})
        inputs = {
            "do": "raise_error",
            "large": np.arange(200_000.0).reshape(-1, 2),
            "small": np.array([1, 2], dtype="i2"),
            "masked": np.ma.array([1.0, 2.0], mask=[True, False]),
            "table": table,
            "nested": {"list": [1, "two", None, 3.5], "bytes": b"\0\xff"},
        }
        run_id = fail(registry, params={"factor": np.float64(2.5)}, **inputs)
        back = registry.kept_inputs(run_id)
        np.testing.assert_array_equal(back["large"], inputs["large"])
        assert back["small"].dtype == np.dtype("i2")
        assert back["masked"].mask.tolist() == [True, False]
        pandas.testing.assert_frame_equal(back["table"], table)
        assert (back["nested"], back["do"]) == (inputs["nested"], "raise_error")

    def test_only_the_owner_can_read_them(self, registry, kept):
        kept.mkdir(mode=0o755)
        run_id = fail(registry, do="raise_error", series=np.arange(10_000.0))
        assert stat.S_IMODE(kept.stat().st_mode) == 0o700
        assert stat.S_IMODE((kept / run_id).stat().st_mode) == 0o700
        files = sorted((kept / run_id).iterdir())
        assert [path.name for path in files] == ["call.json", "inputs.blocks", "inputs.body"]
        assert {stat.S_IMODE(path.stat().st_mode) for path in files} == {0o600}
        assert {path.stat().st_uid for path in files} == {os.geteuid()}

    def test_a_link_is_not_followed(self, registry, kept, tmp_path, caplog):
        (tmp_path / "elsewhere").mkdir()
        kept.symlink_to(tmp_path / "elsewhere")
        fail(registry, do="raise_error")
        assert "could not be kept" in caplog.text
        assert list((tmp_path / "elsewhere").iterdir()) == []

    def test_there_are_never_too_many_and_the_oldest_go(self, kept, nothing_left):
        with make(kept, max_calls=3) as registry:
            ids = [fail(registry, do="raise_error") for _ in range(5)]
            assert [call.run_id for call in registry.kept_calls()] == ids[-3:]

    def test_they_are_never_too_large(self, kept, nothing_left, caplog):
        with make(kept, max_mb=1) as registry:
            small = [fail(registry, do="raise_error", series=np.zeros(40_000)) for _ in range(4)]
            assert [call.run_id for call in registry.kept_calls()] == small[-3:]
            fail(registry, do="raise_error", series=np.zeros(140_000))
            assert "larger than replay.max_mb" in caplog.text
            assert [call.run_id for call in registry.kept_calls()] == small[-3:]


class TestReplaying:
    def test_the_files_of_then_run_even_if_they_are_gone(self, kept, nothing_left, tmp_path):
        directory = tmp_path / "plugins" / "behaviours"
        shutil.copytree(SAMPLES / "behaviours", directory)
        with make(kept) as registry:
            registry.discover_plugins(directory.parent)
            run_id = fail(registry, do="raise_error")
        shutil.rmtree(directory)
        other = PluginRegistry({"replay": {"directory": str(kept)}})
        with other, pytest.raises(PluginFailedError, match="with a second line"):
            other.replay_run(run_id)

    def test_the_permissions_of_then_hold_not_those_of_now(self, registry, kept):
        run_id = fail(registry, do="raise_error")
        # The sample plugin imports what these settings forbid; then they did not.
        strict = PluginRegistry({"replay": {"directory": str(kept)}})
        with strict, pytest.raises(PluginFailedError):
            strict.replay_run(run_id)

    def test_a_corrected_plugin(self, registry, tmp_path):
        run_id = fail(registry, do="raise_error", value=7, params={"label": "x"})
        corrected = tmp_path / "corrected"
        shutil.copytree(SAMPLES / "behaviours", corrected)
        source = corrected / "behaviours.py"
        source.write_text(
            source.read_text().replace("def raise_error(", "def unused(").replace("def echo(", "def raise_error(")
        )
        result = registry.replay_run(run_id, release=corrected)
        assert result.values == 7
        assert result.metadata["params"]["label"] == "x"
        assert result.execution.run_id == run_id

    def test_inline_runs_in_this_process_and_keeps_the_cause(self, registry):
        run_id = fail(registry, do="raise_error")
        with pytest.raises(PluginFailedError) as caught:
            registry.replay_run(run_id, inline=True)
        assert isinstance(caught.value.__cause__, ValueError)
        frames = caught.value.__cause__.__traceback__
        while frames.tb_next:
            frames = frames.tb_next
        assert frames.tb_frame.f_code.co_name == "raise_error"

    def test_what_is_not_there(self, registry, kept):
        with pytest.raises(ReplayError, match="replay: on_failure"):
            registry.replay_run("0" * 32)
        with pytest.raises(ReplayError):
            registry.replay_run("../../etc")
        run_id = fail(registry, do="raise_error")
        (kept / run_id / "call.json").write_text("{}")
        with pytest.raises(ReplayError, match="expected a kept call"):
            registry.replay_run(run_id)
        assert registry.kept_calls() == []

    def test_damaged_inputs_run_nothing(self, registry, kept):
        run_id = fail(registry, do="raise_error", series=np.arange(10_000.0))
        (kept / run_id / "inputs.blocks").write_bytes(b"short")
        with pytest.raises(ReplayError, match="expected the inputs"):
            registry.replay_run(run_id)

    def test_the_cache_keeps_what_a_kept_call_needs(self, kept, nothing_left, tmp_path, monkeypatch):
        monkeypatch.setenv("PLATFORM_BASE_CACHE_DIR", str(tmp_path / "cache"))
        with make(kept) as registry:
            run_id = fail(registry, do="raise_error")
        monkeypatch.setenv("PLATFORM_BASE_CACHE__MAX_AGE_DAYS", "0")
        monkeypatch.setenv("PLATFORM_BASE_REPLAY__DIRECTORY", str(kept))
        assert command(["cache", "prune"]) == 0
        with make(kept) as registry, pytest.raises(PluginFailedError):
            registry.replay_run(run_id)
        prune_cache(CacheSettings(max_age_days=0.0))
        with make(kept) as registry, pytest.raises(ReplayError, match="name a directory"):
            registry.replay_run(run_id)


class TestCommand:
    @pytest.fixture
    def run_id(self, registry, kept, monkeypatch):
        monkeypatch.setenv("PLATFORM_BASE_REPLAY__DIRECTORY", str(kept))
        return fail(registry, do="raise_error", series=[1.0])

    def test_list_run_and_correct(self, run_id, tmp_path, capsys):
        assert command(["replay", "--json"]) == 0
        assert [each["run_id"] for each in json.loads(capsys.readouterr().out)["calls"]] == [run_id]
        assert command(["replay"]) == 0
        assert run_id in capsys.readouterr().out
        assert command(["replay", run_id]) == 1
        assert "raised ValueError" in capsys.readouterr().err
        assert command(["replay", "f" * 32]) == 2
        corrected = tmp_path / "corrected"
        shutil.copytree(SAMPLES / "behaviours", corrected)
        source = corrected / "behaviours.py"
        source.write_text(
            source.read_text().replace("def raise_error(", "def unused(").replace("def scale(", "def raise_error(")
        )
        assert command(["replay", run_id, "--release", str(corrected), "--json"]) == 0
        assert json.loads(capsys.readouterr().out)["result"]["shape"] == [1]

    def test_the_debugger_stands_where_it_failed(self, run_id):
        ended = subprocess.run(
            [sys.executable, "-m", "platform_base.cli.main", "replay", run_id, "--pdb"],
            input="p 'here:', inputs['do']\nquit\n",
            capture_output=True,
            text=True,
            check=False,
        )
        assert "('here:', 'raise_error')" in ended.stdout, ended.stderr
        assert ended.returncode == 1
