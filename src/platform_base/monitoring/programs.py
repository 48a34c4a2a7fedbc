"""The programs of this user that let themselves be looked at."""

from __future__ import annotations

import contextlib
import os
import socket
import time
from pathlib import Path
from typing import TypedDict

import msgspec

from platform_base.monitoring.beacon import SUFFIX, address_of, beacon_directory, peer_user
from platform_base.plugins.worker_info import WorkerInfo

_ANSWER_S = 2.0
"""For a whole answer, however small the pieces that it comes in."""
_MOST_BYTES = 64 << 20


class ProgramInfo(TypedDict):
    """One registry of one program. ``program`` is its command, ``waiting`` counts calls that wait for a worker."""

    pid: int
    program: str
    waiting: dict[str, int]
    workers: list[WorkerInfo]


_decode = msgspec.json.Decoder(ProgramInfo).decode


def look_around() -> list[ProgramInfo]:
    """Return what every registry with a live view says of itself, by process id; remove what dead ones left."""
    directory = beacon_directory()
    try:
        names = sorted(entry.name for entry in os.scandir(directory) if entry.name.endswith(SUFFIX))
        opened = os.open(directory, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    except FileNotFoundError:
        return []
    try:
        answers = [_ask(opened, directory / name) for name in names]
    finally:
        os.close(opened)
    return sorted((answer for answer in answers if answer is not None), key=lambda program: program["pid"])


def _ask(directory: int, path: Path) -> ProgramInfo | None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_CLOEXEC) as asker:
        asker.settimeout(_ANSWER_S)
        try:
            asker.connect(address_of(directory, path.name))
            if peer_user(asker) not in (os.geteuid(), 0):
                return None
            return _decode(_read(asker))
        except (ConnectionRefusedError, FileNotFoundError):
            _remove(path)
        except (OSError, ValueError, RecursionError):
            # It is busy, or was forked from one that has died and holds its socket; or it ends just now. Or it is no
            # socket of ours, or says what is no answer: nobody may keep the others from being seen.
            if not _lives(path):
                _remove(path)
    return None


def _read(asker: socket.socket) -> bytes:
    answer = bytearray()
    until = time.monotonic() + _ANSWER_S
    while len(answer) < _MOST_BYTES and (part := asker.recv(1 << 16)):
        answer += part
        remaining_s = until - time.monotonic()
        if remaining_s <= 0:
            raise TimeoutError
        asker.settimeout(remaining_s)
    return bytes(answer)


def _lives(path: Path) -> bool:
    pid = path.name.partition("-")[0]
    return pid.isdecimal() and Path(f"/proc/{pid}").exists()


def _remove(path: Path) -> None:
    with contextlib.suppress(OSError):  # another one who looks was faster
        path.unlink()
