"""The table of arguments and options of each verb, from the command line's own parser."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import typer

from platform_base.cli.main import app

from docs.generate.blocks import table

SHARED = ("--json", "--config", "--plugins")


def command_line_blocks() -> dict[str, str]:
    """Return the tables, by name of the block; a verb with verbs below it has one for each of those."""
    return {f"options {name}": _options(name, command) for name, command in _commands(typer.main.get_command(app), "")}


def place(text: str) -> str:
    """Give every verb that has a section, and no table yet, the two comments: before what it says about JSON.

    Args:
        text: The page; a section begins with the verb in backticks.
    """
    for name in command_line_blocks():
        title = re.search(rf"^## `{name.split()[1]}[` ].*$", text, re.MULTILINE)
        if title is None or f"<!-- {name}: begin -->" in text:
            continue
        end = text.find("\n## ", title.end())
        section = text[title.end() : end if end >= 0 else len(text)]
        before = re.search(r"^JSON: ", section, re.MULTILINE)
        at = title.end() + (before.start() if before else len(section))
        lines = f"<!-- {name}: begin -->\n<!-- {name}: end -->\n"
        text = f"{text[:at]}{lines}\n{text[at:]}" if before else f"{text[:at]}\n{lines}{text[at:]}"
    return text


def _commands(group: Any, prefix: str) -> Iterator[tuple[str, Any]]:
    for name, command in group.commands.items():
        if hasattr(command, "commands"):
            if command.invoke_without_command:
                yield f"{prefix}{name}", command
            yield from _commands(command, f"{prefix}{name} ")
        elif not command.hidden:
            yield f"{prefix}{name}", command


def _options(name: str, command: Any) -> str:
    own = [each for each in command.params if not getattr(each, "hidden", False)]
    shared = [each for each in own if each.opts[0] in SHARED]
    rows = [[_spelling(each), _meaning(each)] for each in own if each not in shared]
    parts = [table([f"`{name}`", "Meaning"], rows)] if rows else []
    if shared:
        listed = ", ".join(map(_spelling, shared))
        parts.append(f"`{name}` also has {listed}; see [above](#what-all-verbs-share).")
    return "\n\n".join(parts) or f"`{name}` has no options."


def _spelling(parameter: Any) -> str:
    # Names and texts only: what stands behind them differs between versions of Typer, which may carry its own Click.
    metavar = parameter.metavar or parameter.name.upper()
    if parameter.param_type_name == "argument":
        shown = f"{metavar}..." if parameter.nargs != 1 else metavar
        return f"`{shown}`" if parameter.required else f"`[{shown}]`"
    spellings = sorted([*parameter.opts, *parameter.secondary_opts], key=len, reverse=True)
    first = spellings[0] if parameter.is_flag else f"{spellings[0]} {metavar}"
    return ", ".join(f"`{each}`" for each in (first, *spellings[1:]))


def _meaning(parameter: Any) -> str:
    text: str = (parameter.help or "").removesuffix(".")
    default = parameter.default
    if parameter.param_type_name == "argument":
        return text
    if parameter.multiple and "repeated" not in text:
        text += "; may be repeated"
    if parameter.required:
        text += "; required"
    elif not parameter.is_flag and "default" not in text.lower() and isinstance(default, str | int | float):
        text += f"; default: `{default}`"
    return text
