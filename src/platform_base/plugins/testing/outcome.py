"""How a call ended, and whether a user could live with it: a value, a clear error, or a fault of the plugin."""

from __future__ import annotations

import builtins
from dataclasses import dataclass

from platform_base.core.models import ProcessingResult
from platform_base.plugins.errors import InvalidInputsError, PluginError, PluginFailedError

_MAX_WORDS = 160
_OWN_MODULES = "plugins."


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """The end of one call: a result or an error.

    Attributes:
        result: What came back; None where the call ended in an error.
        error: What it ended in instead.
    """

    result: ProcessingResult | None = None
    error: PluginError | None = None

    @property
    def words(self) -> str:
        """What it is, on one line."""
        if self.error is None:
            return "a value"
        if isinstance(self.error, PluginFailedError):
            return _one_line(f"{self.error.remote_type}: {self.error.remote_message}")
        if isinstance(self.error, InvalidInputsError):
            return "refused by validate_inputs"
        return _one_line(f"{type(self.error).__name__}: {self.error}")

    @property
    def fault(self) -> str:
        """What is wrong with this end of a call on inputs that nobody promised to take; empty: nothing."""
        if self.error is None or isinstance(self.error, InvalidInputsError):
            return ""
        if not isinstance(self.error, PluginFailedError):
            return f"expected a value or a clear error, got {self.words}"
        if not self.error.remote_message.strip():
            return f"expected an error that says what is wrong, got a bare {self.error.remote_type}"
        if self.error.remote_type in _clear_types() or _qualified_type(self.error).startswith(_OWN_MODULES):
            return ""
        return f"expected a value, or a ValueError or TypeError that says what is wrong; got {self.words}"


def _clear_types() -> frozenset[str]:
    """Names of `ValueError`, `TypeError` and the built-in classes below them."""
    kinds = [kind for kind in vars(builtins).values() if isinstance(kind, type)]
    return frozenset(kind.__name__ for kind in kinds if issubclass(kind, ValueError | TypeError))


def _qualified_type(error: PluginFailedError) -> str:
    """Return the dotted name of an exception's class, which the last part of the traceback begins with."""
    for line in reversed(error.remote_traceback.splitlines()):
        name, _, _ = line.partition(":")
        if name.rpartition(".")[2] == error.remote_type:
            return name
    return error.remote_type


def _one_line(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= _MAX_WORDS else f"{line[: _MAX_WORDS - 3]}..."
