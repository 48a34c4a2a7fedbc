"""Importing a plugin: the only place where plugin code enters a process of its own.

The directory is imported as the package ``plugins.<directory>``, so the relative imports that work in the author's
tests work here; its files can also import each other by plain name.
"""

from __future__ import annotations

import importlib
import os
import sys
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import ModuleType

from platform_base.plugins._sandbox.import_guard import ImportGuard
from platform_base.plugins._sandbox.policy import Policy
from platform_base.plugins._wire.messages import Load
from platform_base.plugins.base import PluginProtocol

_NAMESPACE = "plugins"
_METHODS = ("execute", "validate_inputs", "get_manifest")


class UnfitPluginError(Exception):
    """The module was imported, but what it holds is not the plugin that the manifest describes."""


def load_plugin(message: Load, policy: Policy) -> PluginProtocol:
    """Import the plugin's module, construct its class and check that it is what the manifest says.

    Raises:
        UnfitPluginError: The class is missing, lacks a method, or says that it is another plugin.
        Exception: Whatever the plugin's own code raises.
    """
    sys.dont_write_bytecode = True
    sys.argv[:] = [message.plugin_id]
    if message.packages:
        sys.path.append(message.packages)
    sys.path.append(message.directory)
    package = f"{_NAMESPACE}.{message.package}"
    _add_package(_NAMESPACE, [])
    _add_package(package, [message.directory])
    if policy.enabled:
        _guard(message.directory, policy, scan=message.scan)
    module = importlib.import_module(f"{package}.{message.module}")
    plugin = _construct(module, message)
    _compare_manifest(plugin, message)
    return plugin


def _add_package(name: str, path: list[str]) -> None:
    spec = ModuleSpec(name, loader=None, is_package=True)
    spec.submodule_search_locations = path
    module = ModuleType(name)
    module.__path__ = path
    module.__package__ = name
    module.__spec__ = spec
    sys.modules[name] = module
    parent, _, child = name.rpartition(".")
    if parent:
        setattr(sys.modules[parent], child, module)


def _guard(directory: str, policy: Policy, *, scan: bool) -> None:
    """Check the plugin's sources, then watch its imports. A lint with a clear message; the kernel is the boundary.

    The sources are parsed here, in the confined process, because a parser can be made to use up memory, stack and time.
    No plugin code has run yet, and none will if an import is refused: so whoever hears that the plugin has loaded
    knows, whatever the plugin itself may have said, that its sources were in order.
    """
    own = {_NAMESPACE, *(os.path.splitext(name)[0] for name in os.listdir(directory))}  # noqa: PTH122 - in every worker
    guard = ImportGuard(policy.allowed_modules, policy.blocked_modules, own=own)
    if scan:
        top = Path(directory)
        for path in sorted(top.rglob("*.py")):
            if not {"tests", "examples"} & set(path.relative_to(top).parts):
                guard.scan(path.read_text(encoding="utf-8"), str(path))
    guard.install()


def _construct(module: ModuleType, message: Load) -> PluginProtocol:
    plugin_class = getattr(module, message.class_name, None)
    if plugin_class is None:
        defined = sorted(
            name
            for name, value in vars(module).items()
            if isinstance(value, type) and value.__module__ == module.__name__
        )
        raise UnfitPluginError(
            f"entry_point: {message.module}.{message.class_name} does not exist; classes defined there: "
            f"{', '.join(defined) or 'none'}"
        )
    if not isinstance(plugin_class, type):
        raise UnfitPluginError(f"entry_point: {message.module}.{message.class_name} is no class")
    missing = [name for name in _METHODS if not _implements(plugin_class, name)]
    if missing:
        raise UnfitPluginError(
            f"{message.class_name} lacks {', '.join(missing)}; a plugin implements {', '.join(_METHODS)}"
        )
    plugin: PluginProtocol = plugin_class()
    return plugin


def _implements(plugin_class: type, name: str) -> bool:
    """Whether a class has a method of its own; what it inherits from the protocol does nothing."""
    method = getattr(plugin_class, name, None)
    return callable(method) and method is not getattr(PluginProtocol, name)


def _compare_manifest(plugin: PluginProtocol, message: Load) -> None:
    """`manifest.json` is the truth; a class that says otherwise is most likely a copy that was not finished."""
    said = plugin.get_manifest()
    if not isinstance(said, dict):
        raise UnfitPluginError(f"get_manifest() must return a dict, got {type(said).__name__}")
    for key, expected in (("plugin_id", message.plugin_id), ("version", message.version)):
        if key in said and said[key] != expected:
            raise UnfitPluginError(
                f"get_manifest()[{key!r}] is {said[key]!r}, manifest.json says {expected!r}; make them equal"
            )
