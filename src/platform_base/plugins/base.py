"""What a plugin author imports: the protocol to implement, and the context of the running call."""

from __future__ import annotations

import logging
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

import numpy as np
from numpy.typing import DTypeLike, NDArray

from platform_base.core.models import ProcessingResult


@runtime_checkable
class PluginProtocol(Protocol):
    """What every plugin implements.

    A class may inherit from it or merely have the three methods. It is constructed once per worker, without
    arguments, and may serve many calls: keep nothing in it that must not outlive a call.
    """

    def execute(self, inputs: dict[str, Any]) -> ProcessingResult:
        """Do the work.

        Args:
            inputs: The caller's data by name. Arrays are read-only. ``inputs["params"]`` holds every declared
                parameter, checked and with defaults filled in.

        Returns:
            The result; values and metadata may hold what `docs/plugins/concepts/wire.md` lists.
        """
        ...

    def validate_inputs(self, inputs: dict[str, Any]) -> bool:
        """Say whether `inputs` can be worked on; ``False`` becomes an `InvalidInputsError` at the caller."""
        ...

    def get_manifest(self) -> dict[str, Any]:
        """Return the plugin's metadata; ``plugin_id`` and ``version`` must equal those of `manifest.json`."""
        ...


def _discard(fraction: float, message: str) -> None:
    """Take a progress report from code that runs outside a worker, such as a unit test."""


def _connect_directly(host: str, port: int) -> socket.socket:
    """Connect from code that runs outside a worker, such as a unit test."""
    return socket.create_connection((host, port))


def _empty(shape: int | tuple[int, ...], dtype: DTypeLike = np.float64) -> NDArray[Any]:
    """Return an ordinary array, for code that runs outside a worker."""
    return np.empty(shape, dtype)


class EmptyArray(Protocol):
    """Makes arrays for results: see `PluginContext.empty`."""

    def __call__(self, shape: int | tuple[int, ...], dtype: DTypeLike = np.float64) -> NDArray[Any]:
        """Return an array of unspecified content."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class PluginContext:
    """What a running call may use besides its inputs.

    Attributes:
        scratch: A private directory that vanishes with the worker; ``None`` where there is none.
        log: A logger whose records reach the host's log, marked with the plugin's id.
        connect: Ask the host for a TCP connection, by host and port; it must be in the operator's settings *and* in the
            manifest's ``permissions``. Raises `PermissionError` where it is not, `ConnectionError` if nobody answers.
        report_progress: Tell the caller how far the work is: fraction from 0 to 1, and a short text.
        empty: Make an array for the result, as `numpy.empty` does (by default of float64). One of a megabyte or more
            that is then returned reaches the caller without any copy, and the worker needs memory for it only once.
    """

    scratch: Path | None = None
    log: logging.Logger = field(default_factory=lambda: logging.getLogger("plugin"))
    connect: Callable[[str, int], socket.socket] = _connect_directly
    report_progress: Callable[[float, str], None] = _discard
    empty: EmptyArray = _empty


# It holds nothing that changes: making one anew takes longer than many a plugin's kernel.
_OUTSIDE = PluginContext()

_current: ContextVar[PluginContext | None] = ContextVar("platform_base_plugin_context", default=None)


def get_context() -> PluginContext:
    """Return the context of the call that runs now; outside a worker, one whose reports go nowhere.

    Example:
        >>> get_context().report_progress(0.5, "half of the rows")
    """
    return _current.get() or _OUTSIDE


@contextmanager
def enter_context(context: PluginContext) -> Iterator[None]:
    """Make `context` the one that `get_context` returns inside the block; for hosts and for authors' tests."""
    token = _current.set(context)
    try:
        yield
    finally:
        _current.reset(token)
