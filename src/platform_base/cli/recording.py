"""A new plugin's first calls, in its sandbox: its self-tests, or where it has none one that is recorded."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from platform_base.cli.function_plugin import Draft

_LENGTH = 64
_FILE = "data/recorded.npy"
NAME = "as when it was made; recorded, not known to be right"


def first_calls(place: Path, draft: Draft) -> Iterator[str]:
    """Try a plugin that was just made from a function; yield what its author should know.

    Args:
        place: The plugin's directory.
        draft: What it was made of.
    """
    from platform_base.plugins.manifest import Manifest

    if Manifest.from_file(place / "manifest.json").self_test:
        for fault in carry_out_self_tests(place):
            yield f"the plugin does not work yet: {fault}"
        return
    lack = record_self_test(place, [name for name in draft.required if draft.inputs[name].kind != "table"])
    if lack:
        yield f"no self-test could be recorded: {lack}; add one to {place / 'manifest.json'}"
    else:
        yield "the docstring has no example with a result, so the self-test holds what the function computes now"


def record_self_test(place: Path, inputs: list[str]) -> str:
    """Run a plugin once with its default parameters, and put its result into the manifest as a self-test.

    Args:
        place: The plugin's directory.
        inputs: Its inputs that are arrays.

    Returns:
        Why there is no self-test; empty: there is one.
    """
    import numpy as np

    from platform_base.plugins.errors import PluginError
    from platform_base.plugins.generators import Generator, generate
    from platform_base.plugins.registry import PluginRegistry

    recipes = {
        name: {"name": "sine", "length": _LENGTH, "period": 16.0 + number, "offset": 2.0, "noise": 0.1, "seed": number}
        for number, name in enumerate(inputs, start=1)
    }
    file = place / "manifest.json"
    manifest = json.loads(file.read_text(encoding="utf-8"))
    with PluginRegistry() as registry:
        registry.discover_plugins(place)
        data = {name: generate(Generator.model_validate(recipe)) for name, recipe in recipes.items()}
        try:
            values = registry.execute_plugin(manifest["plugin_id"], data).values
        except PluginError as error:
            return str(error)
    expected: dict[str, Any]
    if isinstance(values, np.ndarray) and values.dtype.kind in "biufc":
        (place / "data").mkdir(exist_ok=True)
        np.save(place / _FILE, values, allow_pickle=False)
        expected = {"file": _FILE, "rtol": 1e-9, "atol": 1e-12}
    else:
        try:
            expected = {"value": json.loads(json.dumps(values, allow_nan=False)), "rtol": 1e-9}
        except (TypeError, ValueError):
            return f"its result, a {type(values).__name__}, cannot be written into a manifest"
    manifest["self_test"] = [
        {
            "name": NAME,
            "inputs": {name: {"generator": recipe} for name, recipe in recipes.items()},
            "expected": {"values": expected},
        }
    ]
    file.write_text(json.dumps(manifest, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    return ""


def carry_out_self_tests(place: Path) -> list[str]:
    """Carry out the self-tests of a plugin and return what is wrong.

    Args:
        place: The plugin's directory.
    """
    from platform_base.plugins.errors import PluginError
    from platform_base.plugins.registry import PluginRegistry

    with PluginRegistry() as registry:
        registry.discover_plugins(place)
        (plugin_id,) = (info["id"] for info in registry.list_plugins())
        try:
            registry.load_plugin(plugin_id)
        except PluginError as error:
            return [str(error)]
        return [
            f"{trial['name']}: {finding}"
            for trial in registry.run_self_test(plugin_id)
            for finding in trial["findings"]
        ]
