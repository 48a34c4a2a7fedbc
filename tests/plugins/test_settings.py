"""Settings: strict YAML, defaults in one place, overrides for plugins and from the environment."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from platform_base.plugins.documents.yaml_document import parse_yaml
from platform_base.plugins.errors import Problem, SettingsError
from platform_base.plugins.settings import (
    CacheSettings,
    CrashLoopSettings,
    HistorySettings,
    PluginSettings,
    ReplaySettings,
    SecuritySettings,
    Settings,
    WorkerSettings,
)

REPOSITORY = Path(__file__).resolve().parents[2]
SPECIFICATION = """\
# config/plugins.yaml
security:
  enable_sandboxing: true
  default_timeout: 30
  max_memory_mb: 512
  max_cpu_percent: 50
  allowed_modules:
    - numpy
    - scipy
    - pandas
  blocked_modules:
    - os
    - subprocess
    - socket
"""


def load(config: Any = None, **variables: str) -> Settings:
    return Settings.load({} if config is None else config, variables)


def problems_of(config: Any, **variables: str) -> tuple[Problem, ...]:
    with pytest.raises(SettingsError) as caught:
        Settings.load(config, variables)
    return caught.value.problems


def write(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "plugins.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def yaml_of(text: str) -> Any:
    return parse_yaml(text, file="f.yaml", error=SettingsError).data


def test_specification_is_read(tmp_path: Path) -> None:
    security = load(write(tmp_path, SPECIFICATION)).security

    assert security.enable_sandboxing is True
    assert (security.default_timeout, security.max_memory_mb, security.max_cpu_percent) == (30.0, 512, 50.0)
    assert security.allowed_modules == ("numpy", "scipy", "pandas")
    assert security.blocked_modules == ("os", "subprocess", "socket")


def test_shipped_file_equals_the_defaults_and_names_every_key() -> None:
    shipped = REPOSITORY / "config/plugins.yaml"
    settings = load(shipped)
    data = yaml_of(shipped.read_text(encoding="utf-8"))

    assert settings.model_dump() == Settings().model_dump()
    assert set(data) == set(Settings.model_fields)
    assert set(data["security"]) == set(SecuritySettings.model_fields)
    assert set(data["workers"]) == set(WorkerSettings.model_fields)


def test_shipped_file_comments_every_key() -> None:
    lines = (REPOSITORY / "config/plugins.yaml").read_text(encoding="utf-8").splitlines()
    keys = [number for number, line in enumerate(lines) if re.match(r" +[a-z_]+:", line)]

    sections = (SecuritySettings, WorkerSettings, CrashLoopSettings, CacheSettings, ReplaySettings, HistorySettings)
    assert len(keys) == sum(len(section.model_fields) for section in sections) + 2
    assert [lines[number] for number in keys if "#" not in lines[number - 1]] == []


def test_source_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write(tmp_path, SPECIFICATION)
    monkeypatch.chdir(tmp_path)

    assert load({}).source == "a mapping"
    assert load(path).source == str(path)
    assert load(str(path)).source == str(path)
    assert Settings.load(None, {}).source == "the built-in defaults"
    assert Settings.load(None, {"PLATFORM_BASE_CONFIG": str(path)}).source == f"{path} (named by PLATFORM_BASE_CONFIG)"
    (tmp_path / "config").mkdir()
    path.rename(tmp_path / "config" / "plugins.yaml")
    assert Settings.load(None, {}).source == "config/plugins.yaml"
    assert Settings.load(None, {"PLATFORM_BASE_WORKERS__MAX": "2"}).source == (
        "config/plugins.yaml, changed by PLATFORM_BASE_WORKERS__MAX"
    )


def test_missing_file_is_an_error(tmp_path: Path) -> None:
    missing = tmp_path / "missing.yaml"

    assert problems_of(missing)[0].file == str(missing)
    assert problems_of(None, PLATFORM_BASE_CONFIG=str(missing))[0].got == "No such file or directory"


@pytest.mark.parametrize("text", ["", "# nothing\n", "---\n", "security:\n  filesystem: {}\n"])
def test_file_that_says_nothing_gives_the_defaults(tmp_path: Path, text: str) -> None:
    assert load(write(tmp_path, text)).model_dump() == Settings().model_dump()


def test_null_is_no_limit() -> None:
    unlimited = {
        "max_memory_mb": None,
        "max_cpu_percent": None,
        "default_timeout": None,
        "allowed_modules": None,
    }
    security = load({"security": unlimited}).security

    assert security.model_dump(include=set(unlimited)) == unlimited


def test_every_problem_with_file_line_and_hint(tmp_path: Path) -> None:
    path = write(
        tmp_path,
        """security:
  max_memroy_mb: 3
  default_timeout: NO
  allowed_modules: numpy
  filesystem:
    read: [data]
worker: {}
plugins:
  Dtw: {}
  dtw_align:
    workers: {total: 3}
    max_threads: 0
""",
    )
    found = {problem.key: problem for problem in problems_of(path)}

    assert {key: problem.line for key, problem in found.items()} == {
        "security.max_memroy_mb": 2,
        "security.default_timeout": 3,
        "security.allowed_modules": 4,
        "security.filesystem.read[0]": 6,
        "worker": 7,
        "plugins.Dtw": 9,
        "plugins.dtw_align.workers.total": 11,
        "plugins.dtw_align.max_threads": 12,
    }
    assert all(problem.file == str(path) for problem in found.values())
    assert found["security.max_memroy_mb"].hint == "did you mean 'max_memory_mb'?"
    assert found["security.default_timeout"].expected == "number or null"
    assert found["worker"].hint == "did you mean 'workers'?"


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("enable_sandboxing", 1),
        ("enable_sandboxing", "yes"),
        ("default_timeout", 0),
        ("default_timeout", True),
        ("default_timeout", float("inf")),
        ("max_memory_mb", 1.5),
        ("max_memory_mb", 0),
        ("max_memory_mb", 1 << 60),
        ("max_cpu_percent", -1),
        ("max_open_files", 3),
        ("max_processes", -1),
        ("allowed_modules", ["a b"]),
        ("allowed_modules", [1]),
        ("blocked_modules", None),
        ("network", None),
        ("network", True),
        ("network", {"udp": []}),
        ("network", {"tcp": ["example.org"]}),
        ("network", {"tcp": ["example.org:99999"]}),
        ("network", {"tcp": ["http://example.org:80"]}),
        ("filesystem", {"write": ["relative"]}),
        ("accept_missing", "landlock"),
    ],
)
def test_value_that_does_not_fit_is_refused(key: str, value: Any) -> None:
    problems = problems_of({"security": {key: value}})

    assert all(problem.key.startswith(f"security.{key}") and problem.expected for problem in problems)


def test_worker_numbers_agree() -> None:
    assert problems_of({"workers": {"min": 3, "max": 2}})[0].key == "workers.min"
    joined = problems_of({"workers": {"max": 2}, "plugins": {"a": {"workers": {"min": 3}}}})
    assert joined[0].key == "plugins.a.workers"
    assert load({"workers": {"min": 3}}).workers.max is None


def test_plugin_settings_replace_only_what_they_name() -> None:
    settings = load(
        {
            "security": {
                "max_threads": 8,
                "network": {"tcp": ["example.org:443"]},
                "filesystem": {"read": ["/data"], "write": ["/out"]},
            },
            "workers": {"idle_seconds": 10, "total": 5, "preload": ["scipy.signal"]},
            "plugins": {
                "dtw_align": {
                    "max_memory_mb": 2048,
                    "network": "none",
                    "filesystem": {"read": ["/more"]},
                    "workers": {"max": 1},
                }
            },
        }
    )
    own = settings.security_for("dtw_align")

    assert type(own) is SecuritySettings
    assert (own.max_memory_mb, own.max_threads) == (2048, 8)
    assert own.network.destinations == ()
    assert (own.filesystem.read, own.filesystem.write) == (("/more",), ("/out",))
    assert settings.security_for("other") is settings.security
    assert settings.security.network.destinations == (("example.org", 443),)
    assert settings.workers_for("dtw_align") == WorkerSettings(
        max=1, idle_seconds=10.0, total=5, preload=("scipy.signal",)
    )
    assert settings.workers_for("other") is settings.workers


def test_mapping_may_hold_paths_and_tuples() -> None:
    settings = load({"security": {"allowed_modules": ("numpy",), "filesystem": {"read": [Path("/data")]}}})

    assert settings.security.allowed_modules == ("numpy",)
    assert settings.security.filesystem.read == ("/data",)


@pytest.mark.parametrize("config", [5, ["a"], b"path", object()])
def test_config_of_another_type(config: Any) -> None:
    assert problems_of(config)[0].expected == "None, a path or a mapping"


def test_environment_has_the_last_word(tmp_path: Path) -> None:
    settings = load(
        write(tmp_path, "security: {max_memory_mb: 1}\nplugins: {dtw_align: {max_threads: 3}}\n"),
        PLATFORM_BASE_SECURITY__MAX_MEMORY_MB="1024",
        PLATFORM_BASE_SECURITY__MAX_CPU_PERCENT="null",
        PLATFORM_BASE_SECURITY__BLOCKED_MODULES="[os, ctypes]",
        PLATFORM_BASE_SECURITY__FILESYSTEM__READ="[/data]",
        PLATFORM_BASE_WORKERS__MAX="2",
        PLATFORM_BASE_PLUGINS__DTW_ALIGN__MAX_MEMORY_MB="2048",
        PLATFORM_BASE_PLUGINS__A__B__WORKERS__MAX="1",
        PLATFORM_BASE_CONFIG="ignored.yaml",
        PLATFORM_BASE_PLUGIN_PATH="/somewhere",
        PLATFORM_BASE_CACHE_DIR="/somewhere",
        HOME="/root",
    )

    assert (settings.security.max_memory_mb, settings.security.max_cpu_percent) == (1024, None)
    assert settings.security.blocked_modules == ("os", "ctypes")
    assert settings.security.filesystem.read == ("/data",)
    assert settings.workers.max == 2
    own = settings.plugins["dtw_align"]
    assert (own.max_memory_mb, own.max_threads) == (2048, 3)
    assert settings.workers_for("a__b").max == 1


@pytest.mark.parametrize("key", sorted(SecuritySettings.model_fields))
def test_every_security_key_can_be_set_in_the_environment(key: str) -> None:
    default = getattr(SecuritySettings(), key)
    value = {bool: "false", float: "7.5", int: "77", type(None): "77"}.get(type(default), "[]")
    value = {"network": "{tcp: ['h:1']}", "filesystem": "{read: [/x]}", "namespaces": "off", "cgroup": "/x"}.get(
        key, value
    )
    settings = load({}, **{f"PLATFORM_BASE_SECURITY__{key.upper()}": value})

    assert getattr(settings.security, key) != default or default == ()


def test_environment_names_and_values_that_do_not_fit() -> None:
    problems = problems_of(
        {},
        PLATFORM_BASE_SECURTY__MAX_MEMORY_MB="1",
        PLATFORM_BASE_PLUGINPATH="x",
        PLATFORM_BASE_WORKERS__MAX="",
        PLATFORM_BASE_WORKERS__MIN="[1",
    )
    texts = [str(problem) for problem in problems]

    assert len(problems) == 4
    assert any("PLATFORM_BASE_SECURTY__MAX_MEMORY_MB" in text and "'SECURITY'" in text for text in texts)
    assert any("PLATFORM_BASE_PLUGINPATH" in text and "'PLUGIN_PATH'" in text for text in texts)
    assert any("PLATFORM_BASE_WORKERS__MAX" in text and "got nothing" in text for text in texts)
    assert any("PLATFORM_BASE_WORKERS__MIN" in text and "expected YAML" in text for text in texts)


def test_environment_value_is_checked_like_one_in_the_file(tmp_path: Path) -> None:
    path = write(tmp_path, "security: {max_threads: 0}\n")
    found = {
        problem.key: problem.file
        for problem in problems_of(
            path, PLATFORM_BASE_SECURITY__MAX_MEMROY_MB="3", PLATFORM_BASE_PLUGINS__A__MAX_THREADS="NO"
        )
    }

    assert found == {
        "security.max_threads": str(path),
        "security.max_memroy_mb": "PLATFORM_BASE_SECURITY__MAX_MEMROY_MB",
        "plugins.a.max_threads": "PLATFORM_BASE_PLUGINS__A__MAX_THREADS",
    }


def test_plugin_settings_have_every_security_key() -> None:
    assert set(PluginSettings.model_fields) == {*SecuritySettings.model_fields, "workers", "environments"}
