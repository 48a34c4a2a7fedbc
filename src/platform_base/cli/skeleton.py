"""The files that a new plugin begins with: copied from a template, renamed, complete or not there at all."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from types import MappingProxyType

import platform_base
from platform_base.cli.errors import OutputError

TEMPLATE_ID = "plugin_template"
_TEMPLATE_CLASS = "PluginTemplate"
_TEXT = (".py", ".json", ".md", ".toml", ".txt", ".yaml", ".yml", ".csv")
SCHEMA_FILE = "manifest.schema.json"


def class_name(name: str) -> str:
    """Return the name of the class of a plugin.

    Example:
        >>> class_name("band_power")
        'BandPower'
    """
    return "".join(part[:1].upper() + part[1:] for part in name.split("_"))


def template_directory(kind: str) -> Path:
    """Return where the template of a kind lies."""
    return Path(__file__).parent / "templates" / kind


def bundled_template() -> Path:
    """Return the directory of the bundled template: in the wheel, or beside the sources.

    A registry would find it as well, but also somebody's copy of it that still has its id.

    Raises:
        OutputError: There is none.
    """
    package = Path(platform_base.__file__).resolve().parent
    places = (package / "_bundled_plugins" / "template", package.parents[1] / "plugins" / "template")
    for place in places:
        if (place / "manifest.json").is_file():
            return place
    raise OutputError(f"expected the bundled template in {places[0]}, got nothing there; install platform-base again")


def make_files(place: Path, fill: Callable[[Path], None]) -> list[str]:
    """Make a directory that is complete as soon as it is there; return its files, relative to it.

    Args:
        place: What to make; its parents are made as well.
        fill: Writes the files into the directory that it is given.

    Raises:
        OutputError: There is something of that name, or it cannot be made.
    """
    if place.exists() or place.is_symlink():
        raise OutputError(f"{place}: expected no such directory, got an existing one; choose another name")
    partial = place.with_name(f".{place.name}.partial")
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        partial.mkdir()
        try:
            fill(partial)
            partial.rename(place)
        except BaseException:
            shutil.rmtree(partial, ignore_errors=True)
            raise
    except OSError as error:
        raise OutputError(f"{place}: cannot be made: {error.strerror or error}") from error
    return sorted(str(path.relative_to(place)) for path in place.rglob("*") if path.is_file())


def copy_templates(
    templates: Iterable[Path], target: Path, name: str, further: Mapping[str, str] = MappingProxyType({})
) -> None:
    """Copy templates over each other, the template's names replaced.

    Args:
        templates: Directories; files of later ones take the place of those of earlier ones.
        target: Where to.
        name: The plugin's id.
        further: Other words of the templates, and what is written in their place.
    """
    for template in templates:
        words = {**_words(name, template.name), **further}
        for source in sorted(template.rglob("*")):
            relative = source.relative_to(template)
            if source.is_dir() or any(part.startswith((".", "__pycache__")) for part in relative.parts):
                continue
            copy = target / _replace(str(relative), words)
            copy.parent.mkdir(parents=True, exist_ok=True)
            if source.suffix in _TEXT:
                copy.write_text(_replace(source.read_text(encoding="utf-8"), words), encoding="utf-8")
            else:
                shutil.copyfile(source, copy)
    write_schema(target)


def write_schema(target: Path) -> None:
    """Write the manifest's JSON Schema beside it, where editors find it without a network."""
    from platform_base.plugins.manifest_schema import manifest_schema

    (target / SCHEMA_FILE).write_text(json.dumps(manifest_schema(), indent=1) + "\n", encoding="utf-8")


def _words(name: str, template: str) -> Mapping[str, str]:
    """Return what is written in place of the template's own words."""
    return {
        f"plugins/{template}/": f"plugins/{name}/",
        f"plugins.{template}.": f"plugins.{name}.",
        TEMPLATE_ID: name,
        _TEMPLATE_CLASS: class_name(name),
        "template_example": f"{name}_example",
    }


def _replace(text: str, words: Mapping[str, str]) -> str:
    # All words at once: a name such as my_template_example must not be replaced a second time.
    pattern = "|".join(map(re.escape, words))
    return re.sub(pattern, lambda match: words[match[0]], text)
