"""A path that a document gives, and that may not lead out of the directory the document lies in."""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import Annotated, TypeAlias

from pydantic import AfterValidator

from platform_base.plugins.documents.document import show
from platform_base.plugins.documents.model import Fault, fault


def _check_inside(value: str) -> str:
    path = PurePosixPath(value)
    if value and not path.is_absolute() and ".." not in path.parts and "\\" not in value and "\0" not in value:
        return value
    raise fault(Fault(expected="a path inside the plugin's directory, with /", got=show(value)))


InsidePath: TypeAlias = Annotated[str, AfterValidator(_check_inside)]
"""Relative, with ``/``, without ``..``."""
