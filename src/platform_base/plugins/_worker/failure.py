"""Turning an exception of plugin code into text that is bounded, printable and safe to send."""

from __future__ import annotations

import traceback
from pathlib import Path

_MESSAGE_CHARACTERS = 2_000
_TRACEBACK_CHARACTERS = 10_000
_OWN_FILES = str(Path(__file__).parent)


def describe(error: BaseException) -> tuple[str, str, str]:
    """Return the type's name, the message and the traceback, without the frames of the worker itself."""
    try:
        message = str(error)
    except Exception:  # noqa: BLE001  the plugin wrote that __str__
        message = "<no message: its __str__ failed>"
    frames = error.__traceback__
    while frames is not None and frames.tb_frame.f_code.co_filename.startswith(_OWN_FILES):
        frames = frames.tb_next
    if isinstance(error, SyntaxError):
        frames = None  # it names file and line itself; the frames are those of Python's parser
    text = "".join(traceback.format_exception(type(error), error, frames, limit=-32))
    return (
        _sendable(type(error).__name__, 200),
        _sendable(message, _MESSAGE_CHARACTERS),
        _sendable(text, _TRACEBACK_CHARACTERS),
    )


def _sendable(text: str, limit: int) -> str:
    """Cut out the middle of long text, and make lone surrogates visible: UTF-8 has no place for them."""
    if len(text) > limit:
        half = limit // 2 - 20
        text = f"{text[:half]}\n... {len(text) - 2 * half} characters left out ...\n{text[-half:]}"
    return text.encode("utf-8", "backslashreplace").decode("utf-8")
