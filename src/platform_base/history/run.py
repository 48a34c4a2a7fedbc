"""One run, as it is remembered."""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

Outcome = Literal["success", "failure", "cancelled", "refused"]


@dataclass(frozen=True, slots=True, kw_only=True)
class InputFact:
    """What is remembered of one input: never its content.

    Attributes:
        name: Its name in ``inputs``.
        type: Its Python type, such as ``"ndarray"``.
        shape: Its lengths; of a list, text or mapping its length; empty for a number.
        dtype: Of an array, such as ``"float64"``; else empty.
        size_bytes: Of an array; 0 for what has no such size.
        sha256: Of an array's elements in C order, hexadecimal; of anything else, of its encoding. Empty: not computed.
    """

    name: str
    type: str
    shape: tuple[int, ...] = ()
    dtype: str = ""
    size_bytes: int = 0
    sha256: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One call of a plugin. Times in seconds, memory in bytes.

    Attributes:
        run_id: Name of the call, as in `Execution.run_id` and in errors.
        plugin_id: What ran.
        version: Its version; empty where no release was chosen.
        digest: SHA-256 over its files, ``"sha256:..."``; likewise.
        began: When the call was made, UTC.
        outcome: ``"success"``; ``"failure"``; ``"cancelled"`` by the caller; ``"refused"``: it was not begun.
        cause: What ended it, as `ExecutionError.cause` says, such as ``"signal SIGSEGV"``; empty on success.
        error_type: Class of the error; empty on success.
        error: Its message.
        traceback: The one inside the plugin, if there is one.
        queue_seconds: Waiting for a worker, starting one included.
        wall_seconds: From handing it to a worker until its end.
        cpu_seconds: CPU time of the worker during the call; None: not known.
        peak_memory_bytes: Largest resident memory of the worker during the call; None: not known.
        parameters: Every declared parameter with the value that was used.
        inputs: What is known of each input.
        limits: What held for it: ``memory_bytes``, ``cpu_percent``, ``call_seconds``; None: no limit.
        protections: Names of the protections in force.
        warnings: Such as output that was cut.
        engine: Where it ran.
        host: Name of the machine.
        pid: Process that made the call.
        attempt: 1, or more where the call was tried again after its worker had died.
    """

    run_id: str
    plugin_id: str
    began: datetime.datetime
    outcome: Outcome
    version: str = ""
    digest: str = ""
    cause: str = ""
    error_type: str = ""
    error: str = ""
    traceback: str = ""
    queue_seconds: float = 0.0
    wall_seconds: float = 0.0
    cpu_seconds: float | None = None
    peak_memory_bytes: int | None = None
    parameters: Mapping[str, Any] = field(default_factory=dict)
    inputs: tuple[InputFact, ...] = ()
    limits: Mapping[str, float | None] = field(default_factory=dict)
    protections: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    engine: str = ""
    host: str = ""
    pid: int = 0
    attempt: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One line that a plugin printed or logged.

    Attributes:
        run_id: During this call.
        plugin_id: This plugin.
        written: When the host read it, which is at the end of the call at the latest; UTC.
        text: The line, control characters made visible.
    """

    run_id: str
    plugin_id: str
    written: datetime.datetime
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Trim:
    """That of the lines of one call only the last ones stay.

    Attributes:
        run_id: Of this call.
        keep: So many; 1 or more.
        text: What the first of these becomes: it says that others are missing.
    """

    run_id: str
    keep: int
    text: str


def time_of(run_id: str) -> datetime.datetime:
    """Return when a call was made, UTC, to the millisecond: a run id begins with it.

    Example:
        >>> time_of("019abcdef012" + 20 * "0").isoformat()
        '2025-11-25T21:15:18.418000+00:00'
    """
    return datetime.datetime.fromtimestamp(int(run_id[:12], 16) / 1000, datetime.UTC)
