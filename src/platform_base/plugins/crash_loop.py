"""Leaving a plugin alone for a while whose workers die again and again.

A breaker has three states. *Closed*: calls go through, deaths are counted. *Open*: calls are refused until the back-off
is over. Then one call goes through on *trial*: if its worker lives the breaker closes, if it dies the back-off doubles.
The counts belong to the plugin id, so they outlive reloads: who saves a file ten times a minute gains nothing.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

from platform_base.plugins.errors import (
    InvalidInputsError,
    PluginDisabledError,
    PluginFailedError,
    PluginLoadError,
    Problem,
    SandboxViolationError,
    WireError,
    WorkerCrashedError,
)
from platform_base.plugins.settings import CrashLoopSettings

logger = logging.getLogger("platform_base.plugins")

_DEATHS = (WorkerCrashedError, SandboxViolationError, WireError)
"""What a plugin does to its own worker. Deadlines and limits are the host's doing and count for nothing here."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """Why a call does not go through.

    Attributes:
        cause: The death that opened the breaker, in words.
        retry_after_s: When the next call may go through, seconds from now.
    """

    cause: str
    retry_after_s: float


class Breaker:
    """The breaker of one plugin: pure, told the time in seconds."""

    def __init__(self, settings: CrashLoopSettings) -> None:
        self._settings = settings
        self._deaths: deque[float] = deque()
        self._early = 0
        self._open_until: float | None = None
        self._times_opened = 0
        self._on_trial = False
        self._last_death = float("-inf")
        self.cause = ""

    def admit(self, now: float) -> Refusal | None:
        """Let a call through, or say why not. One that is let through must be followed by one of the `record` calls."""
        if self._open_until is None:
            return None
        if now < self._open_until or self._on_trial:
            return Refusal(cause=self.cause, retry_after_s=max(0.0, self._open_until - now))
        self._on_trial = True
        return None

    def look(self, now: float) -> Refusal | None:
        """Say whether calls are refused, without letting one through."""
        if self._open_until is None or (now >= self._open_until and not self._on_trial):
            return None
        return Refusal(cause=self.cause, retry_after_s=max(0.0, self._open_until - now))

    def record_life(self) -> bool:
        """Note that a worker has lived through a call; return whether that closed the breaker."""
        self._early = 0
        closed = self._on_trial
        if closed:
            self._open_until, self._on_trial = None, False
        return closed

    def record_nothing(self) -> None:
        """Note that a call ended in a way that says nothing about the plugin."""
        self._on_trial = False

    def record_death(self, now: float, cause: str, age_s: float) -> float | None:
        """Note that a worker died.

        Args:
            now: Seconds.
            cause: What it died of, in words.
            age_s: How long it had been there.

        Returns:
            For how many seconds the breaker is open now; None: it stays closed.
        """
        settings = self._settings
        if now - self._last_death >= settings.stable_seconds:
            self._times_opened = 0
        self._last_death = now
        self._deaths.append(now)
        while self._deaths[0] <= now - 60 * settings.window_minutes:
            self._deaths.popleft()
        self._early = self._early + 1 if age_s < settings.early_seconds else 0
        early = settings.early_deaths is not None and self._early >= settings.early_deaths
        often = settings.deaths is not None and len(self._deaths) >= settings.deaths
        if not (early or often or self._on_trial):
            return None
        backoff_s = min(settings.backoff_seconds * 2.0**self._times_opened, settings.max_backoff_seconds)
        self.cause, self._open_until = cause, now + backoff_s
        self._times_opened = min(self._times_opened + 1, 64)
        self._deaths.clear()
        self._early, self._on_trial = 0, False
        return backoff_s


class Breakers:
    """The breakers of all plugins. Thread-safe."""

    def __init__(self, settings: CrashLoopSettings, clock: Callable[[], float] = time.monotonic) -> None:
        self._settings = settings
        self._clock = clock
        self._lock = threading.Lock()
        self._breakers: dict[str, Breaker] = {}

    def watches(self, plugin_id: str) -> bool:
        """Whether calls of a plugin must be admitted one by one; False: none of its workers has died."""
        return plugin_id in self._breakers

    def admit(self, plugin_id: str) -> None:
        """Let one call through; it must be followed by `learn`.

        Raises:
            PluginDisabledError: The plugin's workers died too often.
        """
        breaker = self._breakers.get(plugin_id)
        if breaker is None:
            return  # No worker of this plugin has died: the path of nearly every call.
        with self._lock:
            refusal = breaker.admit(self._clock())
        if refusal is not None:
            raise _disabled(plugin_id, refusal)

    def learn(self, plugin_id: str, error: BaseException | None) -> None:
        """Note how a call that was let through has ended; None: with a result."""
        if error is None and plugin_id not in self._breakers:
            return
        death = error.__cause__ if isinstance(error, PluginLoadError) else error
        backoff_s, closed = None, False
        with self._lock:
            breaker = self._breakers.setdefault(plugin_id, Breaker(self._settings))
            if isinstance(death, _DEATHS):
                # A worker that died before it had loaded has no age.
                age_s = death.worker_seconds if death.worker_seconds is not None else 0.0
                backoff_s = breaker.record_death(self._clock(), str(death), age_s)
            elif error is None or isinstance(error, PluginFailedError | InvalidInputsError):
                closed = breaker.record_life()
            else:
                breaker.record_nothing()
        if backoff_s is not None:
            about = {"plugin_id": plugin_id, "run_id": getattr(error, "run_id", "")}
            logger.error("%s is disabled for %.0f s, its workers die: %s", plugin_id, backoff_s, death, extra=about)
        if closed:
            logger.info("%s is enabled again: its worker lived through a call", plugin_id)

    def enable(self, plugin_id: str) -> None:
        """Forget every death of a plugin."""
        with self._lock:
            self._breakers.pop(plugin_id, None)

    def refusal(self, plugin_id: str) -> Refusal | None:
        """Return why calls of a plugin are refused now, or None."""
        with self._lock:
            breaker = self._breakers.get(plugin_id)
            return None if breaker is None else breaker.look(self._clock())

    def problems(self) -> list[Problem]:
        """Return the plugins that are disabled now."""
        with self._lock:
            names = list(self._breakers)
        found = [(name, self.refusal(name)) for name in names]
        return [
            Problem(
                key=name,
                expected="workers that live",
                got=refusal.cause,
                hint=f"disabled; it is tried again in {refusal.retry_after_s:.0f} s, or call enable_plugin",
            )
            for name, refusal in found
            if refusal is not None
        ]


def _disabled(plugin_id: str, refusal: Refusal) -> PluginDisabledError:
    return PluginDisabledError(
        f"plugin {plugin_id!r} is disabled because its workers die: {refusal.cause}; it is tried again in "
        f"{refusal.retry_after_s:.1f} s, or call enable_plugin({plugin_id!r})",
        plugin_id=plugin_id,
        cause=refusal.cause,
        retry_after_s=refusal.retry_after_s,
    )
