"""The host's half of `observer`: makes the copy that is observed, calls it, and reads the notes."""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from platform_base.plugins._catalog.digest import is_ignored
from platform_base.plugins.manifest import MANIFEST_NAME
from platform_base.plugins.self_test import SelfTest
from platform_base.plugins.testing.workbench import Workbench

OBSERVER = "platform_base_observer"
"""Module of the observer in the copy."""


@contextmanager
def observed(workbench: Workbench) -> Iterator[Workbench]:
    """Return a workbench on a copy of the plugin that an observer stands in front of.

    Raises:
        ManifestError: The files cannot be read any more.
    """
    source = workbench.release.directory
    with tempfile.TemporaryDirectory(prefix="platform_base-observed-") as temporary:
        # The directory's name is the name of the package that the plugin's modules are in.
        copy = Path(temporary) / source.name
        shutil.copytree(source, copy, ignore=lambda folder, names: [name for name in names if is_ignored(name)])
        document = json.loads((copy / MANIFEST_NAME).read_text(encoding="utf-8"))
        document |= {"entry_point": f"{OBSERVER}.Observer", "x-observed": workbench.manifest.entry_point}
        for parameter in document.get("configuration", {}).values():
            # The notes are asked for in a call that has no parameters.
            if isinstance(parameter, dict) and "default" not in parameter:
                parameter |= {"default": None, "nullable": True}
        (copy / MANIFEST_NAME).write_text(json.dumps(document), encoding="utf-8")
        shutil.copyfile(Path(__file__).with_name("observer.py"), copy / f"{OBSERVER}.py")
        with Workbench(copy, workbench.config) as inner:
            yield inner


def witness_calls(workbench: Workbench, calls: Sequence[tuple[SelfTest, dict[str, Any]]]) -> Iterator[str]:
    """Say for each call what it changed of its inputs; the empty string: nothing.

    Arrays are read-only in a worker: a call that gave a result has not written to any. So only those calls are watched
    that are given lists or objects.

    Raises:
        PluginError: The copy does not load: the settings may forbid what the observer imports.
    """
    if not any(map(is_changeable, (inputs for _, inputs in calls))):
        yield from ("" for _ in calls)
        return
    with observed(workbench) as inner:
        inner.load()
        for case, inputs in calls:
            if not is_changeable(inputs):
                yield ""
                continue
            outcome = inner.call(case, inputs, fresh=True)
            yield outcome.words if outcome.result is None else str(outcome.result.values)


def is_changeable(inputs: dict[str, Any]) -> bool:
    """Whether any input is of a kind that a plugin could change."""
    return any(isinstance(value, list | dict) or hasattr(value, "columns") for value in inputs.values())
