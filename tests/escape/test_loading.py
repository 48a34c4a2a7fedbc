"""Hostile code that runs while it is imported, and classes that are not what they seem."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from platform_base.plugins._catalog.discovery import read_release
from platform_base.plugins._engines.base import Deployment
from platform_base.plugins._wire.messages import PROTOCOL_VERSION
from platform_base.plugins.errors import PluginError, PluginLoadError, SandboxUnavailableError
from tests.escape.harness import Host

MANIFEST = {
    "plugin_id": "candidate",
    "version": "1.0.0",
    "core_min_version": "2.0.0",
    "requires": [],
    "produces": [],
    "entry_point": "candidate.Candidate",
    "description": "Loaded, or not",
    "configuration": {},
}
HONEST = """
from platform_base.core.models import ProcessingResult

class Candidate:
    def execute(self, inputs):
        return ProcessingResult(values=1)

    def validate_inputs(self, inputs):
        return True

    def get_manifest(self):
        return {"plugin_id": "candidate", "version": "1.0.0"}
"""
READY = r"""
import msgspec
import os
os.write(3, msgspec.msgpack.encode({"type": "ready", "protocol": VERSION, "protections": ["everything"]}))
""".replace("VERSION", str(PROTOCOL_VERSION))
LOADED = r"""
import msgspec
import os
import time
os.write(3, msgspec.msgpack.encode({"type": "loaded", "usage": [0.0, 0]}))
"""

Load = Callable[..., Exception | None]


@pytest.fixture
def load(host: Host, tmp_path: Path) -> Load:
    """Try to load a plugin; return the error, or None when it was loaded."""

    def try_it(
        source: str, *, files: dict[str, bytes] | None = None, seconds: float = 5.0, **security: Any
    ) -> Exception | None:
        directory = tmp_path / "candidate"
        directory.mkdir()
        (directory / "manifest.json").write_text(json.dumps(MANIFEST))
        (directory / "candidate.py").write_text(source)
        for name, content in (files or {}).items():
            (directory / name).parent.mkdir(exist_ok=True)
            (directory / name).write_bytes(content)
        settings = host.settings_with(**{**host.security, **security})
        workers = settings.workers.model_copy(update={"load_timeout": seconds})
        deployment = Deployment(release=read_release(directory), security=settings.security, workers=workers)
        try:
            host.engine.load(deployment)
        except PluginError as error:
            return error
        finally:
            host.engine.retire(deployment.release)
        return None

    return try_it


def test_an_honest_plugin_loads(load: Load) -> None:
    assert load(HONEST) is None


BROKEN: dict[str, tuple[str, str]] = {
    "endless loop": ("while True: pass", "did not load within 0.5 s"),
    "sleep": ("import time; time.sleep(3600)", "did not load within 0.5 s"),
    "syntax": ("def broken(:\n", "SyntaxError"),
    "null characters": ("x = 1\n\0", ""),
    "wrong encoding": ("# -*- coding: no-such-encoding -*-\n", ""),
    "exit": ("import os; os._exit(0)", "exit status 0"),
    "exit politely": ("raise SystemExit", "SystemExit"),
    "raise": ("raise BaseException('b')", "BaseException"),
    "keyboard": ("raise KeyboardInterrupt", "KeyboardInterrupt"),
    "crash": ("import ctypes; ctypes.string_at(0)", "SIGSEGV"),
    "killed": ("import os, signal, time; os.kill(os.getpid(), signal.SIGKILL); time.sleep(60)", ""),
    "memory": ("kept = [bytes(1 << 20) for _ in range(10_000)]", ""),
    "recursion": ("def deeper():\n    deeper()\ndeeper()", "RecursionError"),
    "deep source": ("x = " + "(" * 5000 + ")" * 5000, ""),
    "deep operators": ("x = " + "-" * 50_000 + "1", ""),
    "deep attributes": ("x = y" + ".a" * 50_000, ""),
    "garbage": ("import os, time; os.write(3, b'\\xff' * 100); time.sleep(60)", "broke the protocol"),
    "forged ready": (READY, "broke the protocol"),
    "close channel": ("import os, time; os.close(3); time.sleep(60)", "closed its channel"),
    "fork": ("import os; os.fork()", "PermissionError"),
    "read": ("open('/etc/passwd')", "Error"),
    "output for ever": ("import os\nwhile True:\n    os.write(1, b'x' * 65536)", "did not load within 0.5 s"),
    "no class": ("x = 1", "does not exist"),
    "class is a function": ("def Candidate(): pass", "is no class"),
    "class is a module": ("import json as Candidate", "is no class"),
    "no methods": ("class Candidate: pass", "lacks"),
    "no work": (
        "from platform_base.plugins.base import PluginProtocol\n"
        + HONEST.replace("class Candidate:", "class Candidate(PluginProtocol):").replace(
            "def execute(", "def perform("
        ),
        "lacks execute",
    ),
    "constructor raises": (HONEST + "\n    def __init__(self):\n        raise OSError('no')", "OSError"),
    "constructor loops": (HONEST + "\n    def __init__(self):\n        while True: pass", "did not load within 0.5 s"),
    "constructor wants more": (HONEST + "\n    def __init__(self, more):\n        pass", "TypeError"),
    "metaclass loops": (
        "class Meta(type):\n    def __getattribute__(self, name):\n        while True: pass\n"
        "class Candidate(metaclass=Meta): pass",
        "did not load within 0.5 s",
    ),
    "manifest of another": (HONEST.replace('"candidate"', '"bystander"'), "bystander"),
    "manifest of another version": (HONEST.replace('"1.0.0"', '"9.9.9"'), "9.9.9"),
    "manifest is a list": (
        HONEST.replace('{"plugin_id": "candidate", "version": "1.0.0"}', "[1]"),
        "must return a dict",
    ),
    "manifest raises": (
        HONEST.replace('return {"plugin_id": "candidate", "version": "1.0.0"}', "1 / 0"),
        "ZeroDivisionError",
    ),
    "manifest loops": (
        HONEST.replace('return {"plugin_id": "candidate", "version": "1.0.0"}', "\n        while True: pass"),
        "did not load within 0.5 s",
    ),
    "terminal": ("raise ValueError('\\x1b[2J\\nERROR root: forged')", "\\x1b[2J"),
    "imports the runtime": ("import platform_base.plugins.registry", "is not for plugins"),
    "imports the sandbox": ("from platform_base.plugins._sandbox import confine", "is not for plugins"),
}


@pytest.mark.parametrize("what", BROKEN)
def test_code_that_does_harm_at_import_does_not_load(load: Load, what: str) -> None:
    source, says = BROKEN[what]
    error = load(source, seconds=0.5 if "within 0.5" in says or what == "killed" else 5.0)
    assert isinstance(error, PluginLoadError), f"expected PluginLoadError, got {error!r}"
    assert error.plugin_id == "candidate"
    assert says in str(error)
    assert "\x1b" not in str(error) + error.remote_traceback
    assert len(str(error)) < 50_000


def test_a_forged_report_of_success_deceives_nobody_for_long(load: Load, host: Host) -> None:
    """It says that it has loaded, and goes on loading: its later words come out of turn."""
    load(LOADED + "time.sleep(0.2)\n" + HONEST)
    assert host.attack("enemy.answer").result() == 42


GUARDED = {"allowed_modules": ["numpy"], "blocked_modules": ["os", "subprocess", "socket"]}
IMPORTS: dict[str, str] = {
    "import os": "os",
    "import os.path": "os",
    "from os import path": "os",
    "import numpy, socket": "socket",
    "def later():\n    import subprocess": "subprocess",
    "try:\n    import os\nexcept ImportError:\n    pass": "os",
    "__import__('socket')": "socket",
    "import importlib\nimportlib.import_module('subprocess')": "subprocess",
    "import importlib\nname = 'subpro' + 'cess'\nimportlib.import_module(name)": "subprocess",
    "name = 'o' + 's'\n__import__(name)": "os",
    "exec('import socket')": "socket",
    "import scipy": "scipy",
}


@pytest.mark.parametrize("statement", IMPORTS)
def test_blocked_imports_are_named(load: Load, statement: str) -> None:
    """A lint with a clear message, with file and line where the import stands in the source; not the boundary."""
    error = load(f"{statement}\n{HONEST}", **GUARDED)
    assert isinstance(error, PluginLoadError)
    assert f"'{IMPORTS[statement]}" in str(error)
    assert "security." in str(error)
    if not any(word in statement for word in ("exec", "name =")):
        assert "candidate.py:" in str(error)


@pytest.mark.parametrize(
    "name", ["os", "json", "numpy", "socket", "platform_base", "sitecustomize", "encodings", "plugins"]
)
def test_a_file_that_bears_the_name_of_a_module_replaces_nothing(load: Load, host: Host, name: str) -> None:
    """The plugin's directory stands last on the path: the worker's own imports go where they went before."""
    poison = b"raise RuntimeError('poisoned')\n"
    error = load(HONEST, files={f"{name}.py": poison})
    assert error is None or isinstance(error, PluginLoadError)
    assert host.attack("enemy.answer").result() == 42


def test_a_package_beside_the_plugin_replaces_nothing(load: Load) -> None:
    files = {
        "numpy/__init__.py": b"raise RuntimeError('poisoned')",
        "msgspec/__init__.py": b"raise RuntimeError('poisoned')",
    }
    assert load("import numpy\nassert numpy.ones(1)\n" + HONEST, files=files) is None


def test_bytecode_beside_the_source_is_not_run(load: Load) -> None:
    files = {"__pycache__/candidate.cpython-311.pyc": b"\xa7\r\r\n" + b"\0" * 100, "candidate.pyc": b"\0" * 100}
    assert load(HONEST, files=files) is None


def test_nothing_is_run_where_a_protection_cannot_be_given(tmp_path: Path) -> None:
    """The host says which protection, why, and which setting accepts less."""
    host = Host()
    try:
        mark = tmp_path / "mark"
        host.amended["write_paths"] = (str(tmp_path / "not there"),)
        host.forget_recipes()
        with pytest.raises(SandboxUnavailableError) as caught:
            host.call("enemy", {"do": "enemy.answer"})
        assert caught.value.protection in ("landlock", "mount_namespace")
        assert "security." in str(caught.value)
        assert not mark.exists()
        host.amended.clear()
        host.forget_recipes()
        assert host.call("enemy", {"do": "enemy.answer"}).values == 42
    finally:
        host.close()
