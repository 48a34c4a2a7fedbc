"""One datagram, one message: the stream below every conversation.

``SOCK_SEQPACKET`` keeps message borders in the kernel, so there is no length prefix to lie about, and a message that
does not fit is visibly cut.
"""

from __future__ import annotations

import array
import os
import socket
from collections.abc import Sequence

from platform_base.plugins._wire.messages import MAX_FRAME

_SEND_BUFFER = 4 * MAX_FRAME
_MAX_DESCRIPTORS = 64
_SPACE = socket.CMSG_SPACE(4 * _MAX_DESCRIPTORS)
# Plain numbers: Python's flag types cost more than the system call.
_NO_WAIT = int(socket.MSG_DONTWAIT)
_NO_SIGNAL = int(socket.MSG_NOSIGNAL)
_CLOSE_ON_EXEC = int(socket.MSG_CMSG_CLOEXEC)
_CUT = int(socket.MSG_TRUNC)
_CUT_DESCRIPTORS = int(socket.MSG_CTRUNC)


class BrokenFrameError(Exception):
    """A message was cut, or carried descriptors where none are allowed."""


class FrameSocket:
    """One end of a pair. `receive` never accepts descriptors; `receive_with_descriptors` does.

    The host reads a worker only through `receive`: what the worker attaches is closed by the kernel.
    """

    def __init__(self, end: socket.socket) -> None:
        self._socket = end
        # The kernel refuses a message larger than the send buffer, so it must exceed the largest frame.
        end.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _SEND_BUFFER)

    @classmethod
    def pair(cls) -> tuple[FrameSocket, FrameSocket]:
        """Return the two ends of a new line, both closed on exec."""
        one, other = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        return cls(one), cls(other)

    @classmethod
    def adopt(cls, descriptor: int) -> FrameSocket:
        """Take over an inherited descriptor."""
        return cls(socket.socket(fileno=descriptor))

    def fileno(self) -> int:
        """Return the descriptor, -1 once closed."""
        return self._socket.fileno()

    def send(self, frame: bytes, descriptors: Sequence[int] = (), *, wait: bool = True) -> None:
        """Send one message.

        Raises:
            BrokenFrameError: The message is longer than `MAX_FRAME`.
            BlockingIOError: The other end does not read, and `wait` is false.
            OSError: The other end is gone.
        """
        if len(frame) > MAX_FRAME:
            raise BrokenFrameError(f"a message of {len(frame)} bytes was to be sent; at most {MAX_FRAME} fit")
        flags = _NO_SIGNAL if wait else _NO_SIGNAL | _NO_WAIT
        if descriptors:
            rights = array.array("i", descriptors)
            self._socket.sendmsg([frame], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, rights)], flags)
        else:
            self._socket.send(frame, flags)

    def receive(self, *, wait: bool = True) -> bytes:
        """Receive one message; ``b""`` when the other end is closed.

        Raises:
            BrokenFrameError: The message was longer than `MAX_FRAME`, or descriptors were attached.
            BlockingIOError: Nothing is there, and `wait` is false.
        """
        try:
            frame, _, flags, _ = self._socket.recvmsg(MAX_FRAME, 0, 0 if wait else _NO_WAIT)
        except ConnectionResetError:
            return b""
        if flags & _CUT:
            raise BrokenFrameError(f"a message of more than {MAX_FRAME} bytes arrived")
        if flags & _CUT_DESCRIPTORS:
            raise BrokenFrameError("descriptors arrived from a side that may not send any")
        return frame

    def receive_with_descriptors(self, *, wait: bool = True) -> tuple[bytes, list[int]]:
        """Receive one message from the trusted side, with what it attached; the caller closes the descriptors."""
        flags = _CLOSE_ON_EXEC if wait else _CLOSE_ON_EXEC | _NO_WAIT
        try:
            frame, ancillary, _, _ = self._socket.recvmsg(MAX_FRAME, _SPACE, flags)
        except ConnectionResetError:
            return b"", []
        descriptors: list[int] = []
        for level, kind, data in ancillary:
            if level == socket.SOL_SOCKET and kind == socket.SCM_RIGHTS:
                rights = array.array("i")
                rights.frombytes(data[: len(data) - len(data) % rights.itemsize])
                descriptors.extend(rights)
        return frame, descriptors

    def close(self) -> None:
        """Close this end; safe to call twice."""
        self._socket.close()


def close_descriptors(descriptors: Sequence[int]) -> None:
    """Close every descriptor of a received message."""
    for descriptor in descriptors:
        os.close(descriptor)
