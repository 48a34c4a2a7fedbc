"""The order of messages between the host and one worker, as the host sees it. Pure: bytes in, messages out.

::

    BOOTING ──Ready──► READY ──load()──► LOADING ──Loaded──► IDLE ◄──────────────┐
       │ Refused         (nothing may              │ LoadFailed   │ execute()    │ Done, Failed
       ▼                  arrive here)             ▼              ▼              │
     ENDED                                       ENDED        EXECUTING ─────────┘
                                      Progress, Connect → connected(), at most two Allocate → grant()

Every message of a call carries the random number that the host gave it, so an answer sent in advance, or twice, is
refused. Anything that does not fit is a `ProtocolError`, after which the worker is killed: there is no way back.
"""

from __future__ import annotations

import enum
import secrets
from collections.abc import Callable, Iterator

import msgspec

from platform_base.plugins._wire.messages import (
    CALL_BYTES,
    MAX_TEXT,
    PROTOCOL_VERSION,
    Allocate,
    Connect,
    Connected,
    Done,
    Execute,
    Failed,
    FromWorker,
    Grant,
    Load,
    Loaded,
    LoadFailed,
    Location,
    Progress,
    Ready,
    Refused,
    Usage,
)

_encode = msgspec.msgpack.Encoder().encode
_CALLS_AT_ONCE = 256
"""Random numbers that are drawn together: the system call costs more than the rest of a message."""
_MOST_ARENAS = 2
"""One to write the result in place, and one for a result that has turned out not to lie there."""

_MOST_CONNECTIONS = 100
_MOST_CPU_S = 1e9
_MOST_MEMORY_BYTES = 1 << 50
FAILURE_KINDS = frozenset({"raised", "invalid_inputs", "encoding", "memory", "result_size"})
# Tuples: building a union for each message takes longer than the check itself.
_OF_A_CALL = (Progress, Allocate, Connect, Done, Failed)
_WITH_USAGE = (Loaded, Done, Failed)
_WITHOUT_TEXT = (Done, Allocate, Loaded)


class ProtocolError(Exception):
    """The worker said something that it may not say now, or that is no message at all."""


class State(enum.Enum):
    """Where the conversation stands."""

    BOOTING = "booting"
    READY = "ready"
    LOADING = "loading"
    IDLE = "idle"
    EXECUTING = "executing"
    ENDED = "ended"


class Session:
    """The host's side of one conversation."""

    def __init__(self, *, max_result_bytes: int) -> None:
        """Begin.

        Args:
            max_result_bytes: The largest arena that the worker may ask for.
        """
        self.state = State.BOOTING
        self._max_result_bytes = max_result_bytes
        self._call = b""
        self._numbers: Iterator[bytes] = iter(())
        self._capacity = 0
        self._kept_capacity = 0
        self._arenas = 0
        self._connections = 0
        self._decode: Callable[[bytes], FromWorker] = msgspec.msgpack.Decoder(FromWorker).decode

    def load(self, message: Load) -> bytes:
        """Return the frame that asks the worker to load a plugin."""
        self._expect(State.READY)
        self.state = State.LOADING
        return _encode(message)

    def execute(
        self,
        body: bytes | Location,
        *,
        arena_size: int,
        has_new_arena: bool = False,
        granted_size: int = 0,
        lent_sizes: tuple[int, ...] = (),
        count: int = 0,
        linger: bool = False,
    ) -> bytes:
        """Return the frame that begins a call."""
        self._expect(State.IDLE)
        self._call = self._next_number()
        # What is given for this call alone is used for its result, whatever else there is.
        self._capacity = granted_size or self._kept_capacity
        self._arenas = 0
        self._connections = 0
        self.state = State.EXECUTING
        return _encode(
            Execute(
                call=self._call,
                body=body,
                arena_size=arena_size,
                has_new_arena=has_new_arena,
                granted_size=granted_size,
                lent_sizes=lent_sizes,
                count=count,
                linger=linger,
            )
        )

    def _next_number(self) -> bytes:
        number = next(self._numbers, b"")
        if number:
            return number
        drawn = secrets.token_bytes(CALL_BYTES * _CALLS_AT_ONCE)
        self._numbers = (drawn[at : at + CALL_BYTES] for at in range(0, len(drawn), CALL_BYTES))
        return next(self._numbers)

    def grant(self, size: int, *, keep: bool) -> bytes:
        """Return the frame that goes with the result arena."""
        self._expect(State.EXECUTING)
        self._capacity = size
        if keep:
            self._kept_capacity = size
        return _encode(Grant(call=self._call, size=size, keep=keep))

    def connected(self, error: str, *, allowed: bool) -> bytes:
        """Return the frame that goes with a connected socket, or that says why there is none."""
        self._expect(State.EXECUTING)
        return _encode(Connected(call=self._call, error=error, allowed=allowed))

    def receive(self, frame: bytes) -> FromWorker:
        """Check one message of the worker and move on.

        Raises:
            ProtocolError: It may not be said now, or is no message.
        """
        try:
            message = self._decode(frame)
        except (msgspec.MsgspecError, RecursionError, ValueError) as error:
            raise ProtocolError(f"not a message: {error}") from None
        if self.state is State.EXECUTING and isinstance(message, _OF_A_CALL):
            self._check_call_message(message)
        elif self.state is State.BOOTING and isinstance(message, (Ready, Refused)):
            if isinstance(message, Ready) and message.protocol != PROTOCOL_VERSION:
                raise ProtocolError(f"protocol {PROTOCOL_VERSION} was expected, the worker speaks {message.protocol}")
            self.state = State.READY if isinstance(message, Ready) else State.ENDED
        elif self.state is State.LOADING and isinstance(message, (Loaded, LoadFailed)):
            self.state = State.IDLE if isinstance(message, Loaded) else State.ENDED
        else:
            raise ProtocolError(f"{type(message).__name__} may not be said while {self.state.value}")
        if not isinstance(message, _WITHOUT_TEXT):
            _check_texts(message)
        if isinstance(message, _WITH_USAGE):
            _check_usage(message.usage)
        return message

    def _expect(self, state: State) -> None:
        if self.state is not state:
            raise ProtocolError(f"the host tried to speak while {self.state.value}, not {state.value}")

    def _check_call_message(self, message: Progress | Allocate | Connect | Done | Failed) -> None:
        if not secrets.compare_digest(message.call, self._call):
            raise ProtocolError("an answer to a call that nobody made")
        if isinstance(message, Allocate):
            self._arenas += 1
            if self._arenas > _MOST_ARENAS:
                raise ProtocolError(f"more than {_MOST_ARENAS} result arenas were asked for in one call")
            if not 0 < message.size <= self._max_result_bytes:
                raise ProtocolError(
                    f"a result arena of {message.size} bytes was asked for, 1 to {self._max_result_bytes} are allowed"
                )
        elif isinstance(message, Connect):
            self._connections += 1
            if self._connections > _MOST_CONNECTIONS:
                raise ProtocolError(f"more than {_MOST_CONNECTIONS} connections were asked for in one call")
        elif isinstance(message, Done):
            most = min(self._capacity, self._max_result_bytes)
            if not 0 <= message.used <= most:
                raise ProtocolError(f"{message.used} bytes of a result arena, {most} may be used")
            if isinstance(message.body, Location):
                offset, size = message.body.offset, message.body.size
                if not (0 <= offset <= message.used and 0 < size <= message.used - offset):
                    raise ProtocolError("the body lies outside the arena that was granted")
            self.state = State.IDLE
        elif isinstance(message, Failed):
            if message.kind not in FAILURE_KINDS:
                raise ProtocolError(f"unknown kind of failure {message.kind[:40]!r}")
            self.state = State.IDLE


def _check_usage(usage: Usage) -> None:
    """Refuse figures that no process can have: one NaN would stay in the statistics for ever."""
    if not (0 <= usage.cpu_seconds < _MOST_CPU_S and 0 <= usage.peak_memory_bytes < _MOST_MEMORY_BYTES):
        raise ProtocolError("a use of CPU time or memory that cannot be")


def _check_texts(message: FromWorker) -> None:
    """Bound what ends up in errors and logs: a frame is small, but a log line should be smaller."""
    for name in message.__struct_fields__:
        text = getattr(message, name)
        if isinstance(text, str) and len(text) > MAX_TEXT:
            raise ProtocolError(
                f"{type(message).__name__}.{name} is {len(text)} characters long, {MAX_TEXT} are allowed"
            )
