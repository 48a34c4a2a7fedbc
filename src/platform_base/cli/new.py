"""`platform-base new`: a plugin that works at once, to put one's own work into."""

from __future__ import annotations

import keyword
import re
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from platform_base.cli.errors import UsageError
from platform_base.cli.options import JsonOption
from platform_base.cli.skeleton import bundled_template, copy_templates, make_files, template_directory


class Kind(StrEnum):
    """What kind of plugin to begin with."""

    SERIES = "series"
    PAIR = "pair"
    FILTER = "filter"


_KIND_HELP = (
    "series: one series in, figures and a transformed series out; pair: a reference and a target; "
    "filter: a series and a cutoff, a series of the same length out. Without it: a copy of the template."
)
_FUNCTION_HELP = (
    "Make it from a function with annotations: arrays become inputs, the rest parameters. Also FILE.py:FUNCTION. "
    "The module is read and copied, not imported."
)
_EXAMPLE_INPUTS = {
    Kind.SERIES: "-i series={place}/data/self_test.csv:series",
    Kind.PAIR: "-i reference={place}/data/self_test.csv:reference -i target={place}/data/self_test.csv:target",
    Kind.FILTER: "-i series={place}/data/self_test.csv:series -p cutoff=5 -p sampling_rate=100",
    None: "-i 'series=json:[1, 2, 3]'",
}
_WORK = {Kind.SERIES: "standardizing.py", Kind.PAIR: "lagging.py", Kind.FILTER: "lowpass.py", None: "scaling.py"}
EXAMPLES = """Examples:

  platform-base new my_plugin

  platform-base new my_filter --kind filter --directory plugins

  platform-base new smoother --from-function lab:smooth
"""


def create_plugin(
    name: Annotated[str, typer.Argument(metavar="NAME", help="Its id: lower-case letters, digits and _.")],
    kind: Annotated[Kind | None, typer.Option("--kind", metavar="KIND", help=_KIND_HELP)] = None,
    function: Annotated[
        str | None,
        typer.Option("--from-function", metavar="MODULE:FUNCTION", help=_FUNCTION_HELP),
    ] = None,
    directory: Annotated[
        Path, typer.Option("--directory", metavar="DIR", help="Where to make it; DIR/NAME must not exist.")
    ] = Path("plugins"),
    as_json: JsonOption = False,
) -> None:
    """Make a new plugin that validates, passes its tests and runs at once."""
    from platform_base.cli import render

    _check_name(name)
    place = directory / name
    if function is not None:
        if kind is not None:
            raise UsageError("--kind and --from-function: expected one of them; a function decides the kind itself")
        _create_from_function(name, function, place, as_json=as_json)
        return
    # The bundled template is what people copy by hand, so it comes without tests of what it computes.
    templates = [template_directory(kind)] if kind is not None else [bundled_template(), template_directory("plain")]
    files = make_files(place, lambda partial: copy_templates(templates, partial, name))
    if as_json:
        render.print_json({"plugin": name, "directory": str(place), "kind": kind, "files": files})
        return
    print(f"made {place}:")
    for file in files:
        print(f"  {file}")
    print(
        f"\nNext:\n"
        f"  1. platform-base test {place}\n"
        f"  2. platform-base run {name} --plugins {directory} {_EXAMPLE_INPUTS[kind].format(place=place)}\n"
        f"  3. put your work into {place / _WORK[kind]} and describe it in {place / 'manifest.json'}\n"
        f"  4. platform-base validate {place}"
    )


def _create_from_function(name: str, function: str, place: Path, *, as_json: bool) -> None:
    from platform_base.cli import render
    from platform_base.cli.function_plugin import draft_plugin, write_plugin
    from platform_base.cli.function_source import read_function
    from platform_base.cli.recording import first_calls
    from platform_base.plugins.manifest import Manifest

    draft = draft_plugin(read_function(function, Path.cwd()))

    def fill(partial: Path) -> None:
        write_plugin(draft, partial, name)
        Manifest.from_file(partial / "manifest.json")

    make_files(place, fill)
    notes = [*draft.notes, *first_calls(place, draft)]
    files = sorted(str(path.relative_to(place)) for path in place.rglob("*") if path.is_file())
    if as_json:
        render.print_json(
            {
                "plugin": name,
                "directory": str(place),
                "kind": None,
                "files": files,
                "inputs": list(draft.inputs),
                "parameters": draft.configuration,
                "notes": notes,
            }
        )
        return
    print(f"made {place} from {draft.source.path}:{draft.source.node.lineno} {draft.source.node.name}:")
    print(f"  inputs      {', '.join(draft.inputs)}")
    print(f"  parameters  {', '.join(draft.configuration) or 'none'}")
    for file in files:
        print(f"  {file}")
    for note in notes:
        print(f"note: {render.visible(note)}")
    print(f"\nNext:\n  1. platform-base test {place}\n  2. platform-base info {name} --plugins {place.parent}")


def _check_name(name: str) -> None:
    from platform_base.plugins.manifest import PLUGIN_ID_PATTERN

    if not re.fullmatch(PLUGIN_ID_PATTERN, name) or name.endswith("\n"):
        better = re.sub(r"[^a-z0-9_]+", "_", name.casefold()).strip("_")
        hint = f"; for example {better}" if re.fullmatch(PLUGIN_ID_PATTERN, better) else ""
        raise UsageError(f"NAME: expected a lower-case letter, then at most 63 of a-z, 0-9 and _; got {name!r}{hint}")
    if keyword.iskeyword(name):
        raise UsageError(f"NAME: expected a name for a Python module, got the keyword {name!r}; try {name}_plugin")
