"""An answer that is first written to a nameless file: no size of it fills the memory, or holds up other requests."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Iterator, Mapping
from typing import IO, Self

from starlette.concurrency import iterate_in_threadpool, run_in_threadpool
from starlette.responses import StreamingResponse
from starlette.types import Receive, Scope, Send

_CHUNK = 1 << 18


class WrittenResponse(StreamingResponse):
    """The content of a file, which is gone when it has been sent, or when nobody wants it any more."""

    def __init__(self, file: IO[bytes], *, media_type: str, headers: Mapping[str, str]) -> None:
        """Answer with a file, from its beginning.

        Args:
            file: Complete; it is closed in the end.
            media_type: What it holds.
            headers: Further ones.
        """
        size = file.seek(0, os.SEEK_END)
        file.seek(0)
        content = iterate_in_threadpool(_read(file))
        super().__init__(content, media_type=media_type, headers={**headers, "Content-Length": str(size)})
        self._file = file

    @classmethod
    async def make(cls, write: Callable[[IO[bytes]], object], *, media_type: str, headers: Mapping[str, str]) -> Self:
        """Have a thread write the file.

        Args:
            write: Writes the content to the open file that it is given; what it raises is raised here.
            media_type: What it is.
            headers: Further ones.

        Raises:
            OSError: There is no room for it.
        """
        return cls(await run_in_threadpool(_write, write), media_type=media_type, headers=headers)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send it."""
        with self._file:
            await super().__call__(scope, receive, send)


def _write(write: Callable[[IO[bytes]], object]) -> IO[bytes]:
    file = tempfile.TemporaryFile()  # noqa: SIM115  the answer closes it
    try:
        write(file)
    except BaseException:
        file.close()
        raise
    return file


def _read(file: IO[bytes]) -> Iterator[bytes]:
    while content := file.read(_CHUNK):
        yield content
