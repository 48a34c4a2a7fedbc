"""`platform-base new`: a plugin to start from, a renamed copy of the bundled template."""

from __future__ import annotations

import keyword
import re
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

import typer

from platform_base.cli.errors import OutputError, UsageError
from platform_base.cli.options import JsonOption

TEMPLATE_ID = "plugin_template"
_TEMPLATE_CLASS = "PluginTemplate"
_TEXT = (".py", ".json", ".md", ".toml", ".txt", ".yaml", ".yml")


def create_plugin(
    name: Annotated[str, typer.Argument(metavar="NAME", help="Its id: lower-case letters, digits and _.")],
    directory: Annotated[
        Path, typer.Option("--directory", metavar="DIR", help="Where to make it; DIR/NAME must not exist.")
    ] = Path("plugins"),
    as_json: JsonOption = False,
) -> None:
    """Make a new plugin that validates and runs at once."""
    from platform_base.cli import render

    _check_name(name)
    place = directory / name
    if place.exists() or place.is_symlink():
        raise OutputError(f"{place}: expected no such directory, got an existing one; choose another name")
    template = _find_template()
    words = _words(name, template.name)
    files = _copy(template, place, words)
    if as_json:
        render.print_json({"plugin": name, "directory": str(place), "files": files})
        return
    print(f"made {place}:")
    for file in files:
        print(f"  {file}")
    print(
        f"\nNext:\n"
        f"  1. put your work into {place / f'{name}.py'} and describe it in {place / 'manifest.json'}\n"
        f"  2. platform-base validate {place}\n"
        f"  3. platform-base run {name} --plugins {directory} --input 'series=json:[1, 2, 3]'"
    )


def _check_name(name: str) -> None:
    from platform_base.plugins.manifest import PLUGIN_ID_PATTERN

    if not re.fullmatch(PLUGIN_ID_PATTERN, name) or name.endswith("\n"):
        better = re.sub(r"[^a-z0-9_]+", "_", name.casefold()).strip("_")
        hint = f"; for example {better}" if re.fullmatch(PLUGIN_ID_PATTERN, better) else ""
        raise UsageError(f"NAME: expected a lower-case letter, then at most 63 of a-z, 0-9 and _; got {name!r}{hint}")
    if keyword.iskeyword(name):
        raise UsageError(f"NAME: expected a name for a Python module, got the keyword {name!r}; try {name}_plugin")


def _find_template() -> Path:
    """Return the directory of the bundled template, wherever this installation keeps it."""
    from platform_base.plugins.registry import PluginRegistry

    with PluginRegistry({}) as registry:
        registry.discover_plugins()
        for info in registry.list_plugins():
            if info["id"] == TEMPLATE_ID:
                return Path(info["directory"])
    raise OutputError(f"expected the bundled plugin {TEMPLATE_ID!r}, got none; install platform-base again")


def _words(name: str, template_directory: str) -> Mapping[str, str]:
    """Return what is written in place of the template's own words."""
    camel = "".join(part[:1].upper() + part[1:] for part in name.split("_"))
    return {
        f"plugins/{template_directory}/": f"plugins/{name}/",
        f"plugins.{template_directory}.": f"plugins.{name}.",
        TEMPLATE_ID: name,
        _TEMPLATE_CLASS: camel,
        "template_example": f"{name}_example",
    }


def _copy(template: Path, place: Path, words: Mapping[str, str]) -> list[str]:
    """Copy the template completely or not at all; return the files, relative to `place`."""
    partial = place.with_name(f".{place.name}.partial")
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        partial.mkdir()
        for source in sorted(template.rglob("*")):
            relative = source.relative_to(template)
            if source.is_dir() or any(part.startswith((".", "__pycache__")) for part in relative.parts):
                continue
            target = partial / _replace(str(relative), words)
            target.parent.mkdir(parents=True, exist_ok=True)
            if source.suffix in _TEXT:
                target.write_text(_replace(source.read_text(encoding="utf-8"), words), encoding="utf-8")
            else:
                shutil.copyfile(source, target)
        partial.rename(place)
    except OSError as error:
        shutil.rmtree(partial, ignore_errors=True)
        raise OutputError(f"{place}: cannot be made: {error.strerror or error}") from error
    return sorted(str(path.relative_to(place)) for path in place.rglob("*") if path.is_file())


def _replace(text: str, words: Mapping[str, str]) -> str:
    # All words at once: a name such as my_template_example must not be replaced a second time.
    pattern = "|".join(map(re.escape, words))
    return re.sub(pattern, lambda match: words[match[0]], text)
