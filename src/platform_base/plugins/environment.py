"""Settings in environment variables: ``PLATFORM_BASE_<SECTION>__<KEY>``, the value written as in YAML."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from platform_base.plugins.documents.document import Document, KeyPath, show
from platform_base.plugins.documents.spelling import did_you_mean
from platform_base.plugins.documents.yaml_document import parse_yaml
from platform_base.plugins.errors import Problem, SettingsError

_PREFIX = "PLATFORM_BASE_"
_RESERVED = ("CONFIG", "PLUGIN_PATH", "CACHE_DIR")
_SECTIONS = (
    "security",
    "workers",
    "crash_loop",
    "cache",
    "replay",
    "history",
    "environments",
    "live_view",
    "spans",
    "plugins",
)


def with_environment(document: Document, environ: Mapping[str, str], *, plugin_keys: frozenset[str]) -> Document:
    """Return the document with the values that environment variables set.

    Args:
        document: Settings; its data is a dict.
        environ: The environment. Names that begin with ``PLATFORM_BASE_`` are settings, but for
            ``PLATFORM_BASE_CONFIG``, ``_PLUGIN_PATH`` and ``_CACHE_DIR``.
        plugin_keys: Keys that may be set for one plugin; a plugin id may contain ``__`` too.

    Raises:
        SettingsError: With every name that is no setting, and every value that is no YAML.
    """
    problems: list[Problem] = []
    data: dict[str, Any] = document.data
    origins: dict[KeyPath, str] = {}
    for variable in sorted(environ):
        name = variable.removeprefix(_PREFIX)
        if name == variable or name in _RESERVED:
            continue
        path = _path(name, plugin_keys)
        if path[0] not in _SECTIONS:
            problems.append(_unknown(variable, path))
            continue
        try:
            value = _parse(variable, environ[variable], path)
        except SettingsError as error:
            problems += error.problems
            continue
        data = _replaced(data, path, value)
        origins[path] = variable
    if problems:
        raise SettingsError(problems)
    return Document(file=document.file, data=data, locate=document.locate, origins=origins)


def _path(name: str, plugin_keys: frozenset[str]) -> tuple[str, ...]:
    parts = name.lower().split("__")
    if parts[0] != "plugins":
        return tuple(parts)
    for length in range(2, len(parts)):
        if parts[length] in plugin_keys:
            return ("plugins", "__".join(parts[1:length]), *parts[length:])
    return tuple(parts)


def _parse(variable: str, text: str, path: tuple[str, ...]) -> Any:
    if not text.strip():
        hint = "unset the variable, or write null where null is allowed"
        place = Document(file=variable, data=None)
        raise SettingsError([place.problem(path, expected="a value", got="nothing", hint=hint)])
    return parse_yaml(text, file=variable, error=SettingsError).data


def _replaced(data: Any, path: tuple[str, ...], value: Any) -> Any:
    """Return a copy of `data` in which `value` stands at `path`."""
    if not path:
        return value
    inner = data if isinstance(data, dict) else {}
    return {**inner, path[0]: _replaced(inner.get(path[0]), path[1:], value)}


def _unknown(variable: str, path: tuple[str, ...]) -> Problem:
    known = list(_names())
    hint = did_you_mean(path[0] if len(path) > 1 else variable.removeprefix(_PREFIX), known)
    expected = f"{_PREFIX}<SECTION>__<KEY>, or one of {', '.join(_PREFIX + name for name in _RESERVED)}"
    return Problem(file="environment", expected=expected, got=show(variable), hint=hint)


def _names() -> Iterator[str]:
    yield from _RESERVED
    yield from (section.upper() for section in _SECTIONS)
