"""What a program lets its own user see of its workers: a socket that answers one question and takes none.

Each registry that offers a live view listens on a Unix socket in a directory that is its user's alone. Whoever connects
gets one JSON document and the end of the stream; nothing is ever read from him. Plugins cannot connect: they may open
no socket.
"""

from __future__ import annotations

import contextlib
import logging
import os
import secrets
import select
import socket
import struct
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import platformdirs

from platform_base.core.owner_only import make_owner_only

logger = logging.getLogger("platform_base.monitoring")

SUFFIX = ".sock"
_SEND_S = 1.0
"""Whoever asks and does not read is left after this time."""


def beacon_directory() -> Path:
    """Return where the sockets lie: ``live`` in the user's state directory."""
    return platformdirs.user_state_path("platform-base", appauthor=False) / "live"


class Beacon:
    """Answers whoever of the same user connects. Without a place for its socket it says so in the log and is silent."""

    def __init__(self, describe: Callable[[], Any]) -> None:
        """Begin silent.

        Args:
            describe: Returns what is to be told, plain values; called in the beacon's own thread.
        """
        self._describe = describe
        self._path = beacon_directory() / f"{os.getpid()}-{secrets.token_hex(4)}{SUFFIX}"
        self._listener: socket.socket | None = None
        self._stop = -1
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Begin to answer; once is enough."""
        if self._thread is not None:
            return
        try:
            self._listener = _listen(self._path)
        except OSError as error:
            logger.warning("no live view, %s cannot be made: %s", self._path, error)
            return
        self._stop = os.eventfd(0, os.EFD_CLOEXEC)
        self._thread = threading.Thread(target=self._serve, name="platform_base-beacon", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Stop answering and remove the socket."""
        thread, self._thread = self._thread, None
        if thread is None or self._listener is None:
            return
        os.eventfd_write(self._stop, 1)
        thread.join()
        self._listener.close()
        os.close(self._stop)
        with contextlib.suppress(OSError):  # whoever looked may have been faster
            self._path.unlink()

    def _serve(self) -> None:
        assert self._listener is not None
        poll = select.poll()
        poll.register(self._listener, select.POLLIN)
        poll.register(self._stop, select.POLLIN)
        while True:
            ready = {descriptor for descriptor, _ in poll.poll()}
            if self._stop in ready:
                return
            try:
                asker, _ = self._listener.accept()
            except OSError as error:
                logger.debug("somebody who asked has gone: %s", error)
                continue
            with asker:
                self._answer(asker)

    def _answer(self, asker: socket.socket) -> None:
        if peer_user(asker) not in (os.geteuid(), 0):
            return
        try:
            asker.settimeout(_SEND_S)
            asker.sendall(msgspec.json.encode(self._describe()))
        except OSError as error:
            logger.debug("somebody who asked does not listen: %s", error)


def peer_user(connected: socket.socket) -> int:
    """Return the user id at the other end; see unix(7)."""
    credentials = connected.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i"))
    user: int = struct.unpack("3i", credentials)[1]
    return user


def address_of(directory: int, name: str) -> str:
    """Return an address for a socket below an open directory: a path itself may be longer than 108 bytes."""
    return f"/proc/self/fd/{directory}/{name}"


def _listen(path: Path) -> socket.socket:
    make_owner_only(path.parent)
    directory = os.open(path.parent, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_CLOEXEC)
    try:
        listener.bind(address_of(directory, path.name))
        path.chmod(0o600)
        listener.listen(8)
    except BaseException:
        listener.close()
        raise
    finally:
        os.close(directory)
    return listener
