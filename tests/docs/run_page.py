"""Carry out one document from top to bottom, as a reader would; a program of its own.

Called as ``python run_page.py PAGE`` in a copy of the repository. Python blocks share one namespace, shell blocks are
run by bash, blocks with a title are written to that file, and output is compared where the page shows it.
"""

from __future__ import annotations

import contextlib
import doctest
import io
import subprocess
import sys
from pathlib import Path
from typing import Any

from pages import Block, read_blocks

_SHELLS = ("bash", "console")
_CHECKER = doctest.OutputChecker()


class PageError(Exception):
    """A block does not do what the page says."""


def run_page(page: Path) -> None:
    """Carry out every block of a page.

    Raises:
        PageError: A command fails, or what is shown as output is not what came.
        Exception: Whatever a Python block raises.
    """
    names: dict[str, Any] = {"__name__": "__main__"}
    printed = ""
    for block in read_blocks(page):
        if "title" in block.options:
            target = Path(block.options["title"])
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(block.text, encoding="utf-8")
        elif block.language == "text" and "output" in block.options:
            _compare(page, block, printed)
        elif "no-run" in block.options:
            if block.language == "python":
                _compile(page, block)
        elif block.language == "python":
            printed = _run_python(page, block, names)
        elif block.language == "bash":
            printed = _run_shell(page, block.line, block.text)
        elif block.language == "console":
            _run_session(page, block)


def _compile(page: Path, block: Block) -> Any:
    return compile("\n" * (block.line - 1) + block.text, str(page), "exec")


def _run_python(page: Path, block: Block, names: dict[str, Any]) -> str:
    output = io.StringIO()
    with contextlib.redirect_stdout(output):
        exec(_compile(page, block), names)
    return output.getvalue()


def _run_shell(page: Path, line: int, script: str) -> str:
    ended = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", script],
        capture_output=True,
        text=True,
        check=False,
        stdin=subprocess.DEVNULL,
    )
    if ended.returncode:
        raise PageError(f"{page}:{line}: exit status {ended.returncode}\n{script}{ended.stdout}{ended.stderr}")
    return ended.stdout


def _run_session(page: Path, block: Block) -> None:
    """Run each ``$ command`` of a console block and compare what it prints with what stands below it."""
    for part in f"\n{block.text}".split("\n$ ")[1:]:
        command, _, expected = part.partition("\n")
        printed = _run_shell(page, block.line, f"{command}\n")
        _compare(page, Block(language="text", text=expected.rstrip("\n") + "\n", line=block.line), printed)


def _compare(page: Path, block: Block, printed: str) -> None:
    flags = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
    if not _CHECKER.check_output(block.text, printed, flags):
        raise PageError(f"{page}:{block.line}: expected\n{block.text}\ngot\n{printed}")


if __name__ == "__main__":
    # Modules are found where the reader stands, not beside this program.
    sys.path[0] = ""
    run_page(Path(sys.argv[1]))
