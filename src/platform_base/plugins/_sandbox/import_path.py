"""Where workers import from: what is installed, never the caller's own directory."""

from __future__ import annotations

import sys
from pathlib import Path

import platform_base


def import_path() -> tuple[str, ...]:
    """Return the directories that the warden puts on its path although ``python -I`` leaves them out.

    These are the directory of this package (an editable install has it elsewhere) and every ``site-packages`` that this
    process imports from, such as the user's own or one that a ``.pth`` file adds.
    """
    package = str(Path(platform_base.__file__).resolve().parent.parent)
    installed = [entry for entry in sys.path if entry.endswith(("site-packages", "dist-packages"))]
    return tuple(dict.fromkeys([package, *installed]))
