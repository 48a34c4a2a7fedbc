"""Stands between a worker and the plugin that it runs, and takes notes; never imported by the host.

This file is put into a copy of the plugin, whose manifest names `Observer` as its entry point and the real one in
``x-observed``. So the plugin runs in its own sandbox, with its own permissions. What is noted comes from Python's audit
events (PEP 578) inside the plugin's own process: a plugin that wants to can hide from them, and what compiled code does
by itself raises none. The notes are good for advice, not for proof.
"""

from __future__ import annotations

import ast
import copy
import importlib
import json
import resource
import sys
import threading
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from platform_base.core.models import ProcessingResult
from platform_base.plugins.base import PluginProtocol, enter_context, get_context

ASKED = "platform_base_observer"
"""The input that asks for the notes instead of a call."""

_MOST_NOTES = 5_000
_ACCESS_MODE = 3
_CREATE = 0o100
_CHANGES = frozenset(
    ("os.mkdir", "os.remove", "os.rename", "os.rmdir", "os.link", "os.symlink", "os.truncate", "os.chmod", "os.utime")
)
_LISTS = frozenset(("os.listdir", "os.scandir"))
_PROCESSES = frozenset(("subprocess.Popen", "os.fork", "os.forkpty", "os.posix_spawn", "os.exec", "os.system"))
_CONNECTIONS = frozenset(("socket.connect", "socket.getaddrinfo"))


class Notes:
    """What audit events have told."""

    def __init__(self) -> None:
        self.read: dict[str, int] = {}
        self.written: dict[str, int] = {}
        self.connections: dict[str, int] = {}
        self.processes: dict[str, int] = {}
        self.libraries: dict[str, int] = {}
        self.threads = 0

    def take(self, event: str, arguments: tuple[Any, ...]) -> None:
        """Take note of an audit event; called by the interpreter for every one, so it must be quick and not fail."""
        if event == "open":
            flags = arguments[2] if isinstance(arguments[2], int) else 0
            writes = flags & _ACCESS_MODE or flags & _CREATE
            self._add(self.written if writes else self.read, arguments[0])
        elif event in _CHANGES:
            self._add(self.written, arguments[0])
        elif event in _LISTS:
            self._add(self.read, arguments[0])
        elif event in _PROCESSES:
            self._add(self.processes, arguments[0] if event == "subprocess.Popen" else event)
        elif event in _CONNECTIONS:
            self._add(self.connections, arguments[1] if event == "socket.connect" else arguments[:2])
        elif event == "ctypes.dlopen":
            self._add(self.libraries, arguments[0])

    def _add(self, notes: dict[str, int], what: Any) -> None:
        if isinstance(what, int) or what is None:  # a descriptor that is open already
            return
        text = str(what.decode("utf-8", "replace") if isinstance(what, bytes) else what)
        if text in notes or len(notes) < _MOST_NOTES:
            notes[text] = notes.get(text, 0) + 1

    def count_threads(self) -> None:
        """Count the threads that Python code starts from now on: before Python 3.12 no audit event tells of them."""
        start = threading.Thread.start

        def counted(thread: threading.Thread) -> None:
            self.threads += 1
            start(thread)

        threading.Thread.start = counted  # type: ignore[assignment,method-assign]

    def connect(self, host: str, port: int) -> None:
        """Take note of a connection that the plugin asks the host for."""
        self._add(self.connections, f"{host}:{port}")

    def describe(self) -> dict[str, Any]:
        """Return the notes of now."""
        kinds = ("read", "written", "connections", "processes", "libraries")
        return {**{kind: dict(getattr(self, kind)) for kind in kinds}, "threads": self.threads}


class Observer(PluginProtocol):
    """Loads the plugin, passes every call on, and says what it saw."""

    def __init__(self) -> None:
        self._here = Path(__file__).parent
        module, _, name = json.loads((self._here / "manifest.json").read_text())["x-observed"].rpartition(".")
        self._before: Any = None
        self._notes = Notes()
        self._known = frozenset(sys.modules)
        began, cpu = time.perf_counter(), time.process_time()
        sys.addaudithook(self._notes.take)
        self._notes.count_threads()
        self._plugin: PluginProtocol = getattr(importlib.import_module(f"{__package__}.{module}"), name)()
        self._loaded = {
            "seconds": time.perf_counter() - began,
            "cpu_seconds": time.process_time() - cpu,
            "peak_memory_bytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss << 10,
            "modules": self._modules(),
            "import_path": sys.path,
            "directory": str(self._here),
            "scratch": str(get_context().scratch or ""),
            **self._notes.describe(),
        }

    def execute(self, inputs: dict[str, Any]) -> ProcessingResult:
        """Pass the call on, and say in what it changed its inputs; or return the notes."""
        if ASKED in inputs:
            total = {**self._notes.describe(), "modules": self._modules()}
            return ProcessingResult(values={"loading": self._loaded, "total": total})
        context = get_context()

        def connect(host: str, port: int) -> Any:
            self._notes.connect(host, port)
            return context.connect(host, port)

        with enter_context(replace(context, connect=connect)):
            self._plugin.execute(inputs)
        return ProcessingResult(values=find_change(self._before, inputs, "inputs"))

    def validate_inputs(self, inputs: dict[str, Any]) -> bool:
        """Pass the question on; called before `execute` with the same inputs."""
        if ASKED in inputs:
            return True
        self._before = copy.deepcopy(inputs)
        return self._plugin.validate_inputs(inputs)

    def get_manifest(self) -> dict[str, Any]:
        """Pass the question on."""
        return self._plugin.get_manifest()

    def _modules(self) -> dict[str, list[str]]:
        """Sort what was imported: the plugin's own, other packages by name, and the standard library.

        What the process had before, NumPy above all, counts where the plugin's own files name it.
        """
        package = f"{__package__}."
        new = [name for name in sys.modules if name not in self._known]
        own = sorted(name.removeprefix(package) for name in new if name.startswith(package) and name != __name__)
        plain = {name.partition(".")[0] for name in own}
        plain.add("platform_base")
        rest = [name for name in new if not name.startswith(package) and name.partition(".")[0] not in plain]
        standard = sorted(name for name in rest if name.partition(".")[0] in sys.stdlib_module_names)
        others = sorted(name for name in rest if name.partition(".")[0] not in sys.stdlib_module_names)
        stated = {name for name in self._stated() if name not in plain}
        return {"own": own, "packages": others, "standard_library": standard, "stated": sorted(stated)}

    def _stated(self) -> set[str]:
        """Return the top-level names of what the plugin's loaded files import, but for what they can do without."""
        found: set[str] = set()
        for module in [module for name, module in sys.modules.items() if name.startswith(f"{__package__}.")]:
            file = getattr(module, "__file__", None)
            if module.__name__ != __name__ and file and file.endswith(".py"):
                found |= find_imports(ast.parse(Path(file).read_text(encoding="utf-8")))
        return found


def find_imports(tree: ast.AST) -> set[str]:
    """Return the top-level names that code imports, but for those whose absence it handles."""
    found: set[str] = set()
    waiting = [tree]
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.Import):
            found |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            found.add(node.module.partition(".")[0])
        elif isinstance(node, ast.Try) and any("ImportError" in ast.dump(handler) for handler in node.handlers):
            waiting += [*node.handlers, *node.orelse, *node.finalbody]
            continue
        waiting += ast.iter_child_nodes(node)
    return found


def find_change(before: Any, after: Any, place: str) -> str:
    """Say what differs between two values of inputs; the empty string: nothing."""
    if type(before) is not type(after):
        return f"{place} was a {type(before).__name__} and became a {type(after).__name__}"
    if isinstance(before, dict):
        if list(before) != list(after):
            return f"{place} had the keys {', '.join(map(str, before))} and has {', '.join(map(str, after))}"
        return next(filter(None, (find_change(before[key], after[key], f'{place}["{key}"]') for key in before)), "")
    if isinstance(before, list | tuple):
        if len(before) != len(after):
            return f"{place} had {len(before)} elements and has {len(after)}"
        pairs = enumerate(zip(before, after, strict=True))
        return next(filter(None, (find_change(a, b, f"{place}[{index}]") for index, (a, b) in pairs)), "")
    if isinstance(before, np.ndarray):
        same = before.shape == after.shape and before.dtype == after.dtype and before.tobytes() == after.tobytes()
    elif hasattr(before, "equals"):  # tables
        same = bool(before.equals(after))
    else:
        same = bool(before == after or (before != before and after != after))
    return "" if same else f"{place} was changed"
