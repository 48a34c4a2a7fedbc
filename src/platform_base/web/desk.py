"""Everything that the page works with, in one place; handed to each request."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field

from jinja2 import Environment
from starlette.requests import Request

from platform_base.plugins.registry import PluginRegistry
from platform_base.series.recordings import find_recording
from platform_base.web.languages import Language
from platform_base.web.reading import READER_ID, read_upload
from platform_base.web.runs import Runs
from platform_base.web.sources import SourceError
from platform_base.web.uploads import Upload, Uploads


@dataclass(slots=True, kw_only=True)
class Desk:
    """What one page has.

    Attributes:
        registry: Knows and runs plugins.
        uploads: Files that people brought.
        runs: Calls that were made here.
        languages: Words, by code.
        templates: Pages.
        recordings: Recorded data that somebody has used, by the name of the file.
        drawing: Held while Matplotlib draws: its style belongs to the process, not to a picture.
    """

    registry: PluginRegistry
    uploads: Uploads
    runs: Runs
    languages: Mapping[str, Language]
    templates: Environment
    recordings: dict[str, Upload] = field(default_factory=dict)
    drawing: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def recording(self, name: str) -> Upload:
        """Return recorded data, read by a worker as any file is.

        Raises:
            SourceError: There is none of that name.
        """
        if name not in self.recordings:
            path = find_recording(name)
            if path is None:
                raise SourceError(f"expected recorded data, got {name[:60]!r}")
            with path.open("rb") as stream:
                columns, left_out, remark = await read_upload(self.registry, name, stream, path.stat().st_size)
            self.recordings[name] = Upload(
                upload_id="", name=name, columns=columns, left_out=left_out, remark=remark, added_s=0.0
            )
        return self.recordings[name]

    def plugin_ids(self) -> list[str]:
        """Return the plugins that are shown; the reader of files is not one of them."""
        return [info["id"] for info in self.registry.list_plugins() if info["id"] != READER_ID]


def desk_of(request: Request) -> Desk:
    """Return what a request works with."""
    desk = request.app.state.desk
    assert isinstance(desk, Desk)
    return desk
