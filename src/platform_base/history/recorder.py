"""Writing the history behind the caller's back.

A call leaves a few facts in a queue and goes on; one thread, started by the first of them, gathers what comes within a
tenth of a second and writes it in one transaction. Whatever goes wrong there is said once in the log, and no call
notices::

    calls ──► queue (bounded) ──► thread ──► Store ──► history.db

What is lost when the process is killed: what came in the last moments, at most `_MOST_WAITING` calls.
"""

from __future__ import annotations

import atexit
import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from platform_base.history.run import Line, Run, Trim

if TYPE_CHECKING:
    from platform_base.history.store import Store

logger = logging.getLogger("platform_base.history")

Note = Callable[[], Sequence[Run | Line | Trim]]
"""Makes what is to be written, in the thread that writes."""

_GATHER_S = 0.1
_MOST_WAITING = 10_000
_MOST_AT_ONCE = 1_000
_SILENT_S = 600.0
"""A disk that is full again and again is said to be so once in this time."""

_FLUSH_S = 10.0
"""How long somebody waits for what he has noted to be written; it takes milliseconds, or the disk does not answer."""


class Recorder:
    """The history of one registry. Thread-safe."""

    def __init__(self, path: Path, *, max_rows: int, max_bytes: int) -> None:
        """Begin; no file is touched before there is something to write.

        Args:
            path: The history file.
            max_rows: See `Store`.
            max_bytes: See `Store`.
        """
        self.path = path
        self.lost = 0
        self._limits = (max_rows, max_bytes)
        self._waiting: deque[Note | threading.Event] = deque()
        self._awake = False
        self._changed = threading.Lock()
        self._wake = threading.Event()
        self._hurry = threading.Event()
        self._closed = False
        self._broken = False
        self._warned = float("-inf")
        self._thread: threading.Thread | None = None
        self._store: Store | None = None

    def note(self, make: Note) -> None:
        """Have something written soon. Returns at once; with a full queue it is lost, and counted in `lost`."""
        if len(self._waiting) >= _MOST_WAITING:
            self._lose(1, f"{_MOST_WAITING} runs wait to be written: the disk is slower than the calls")
            return
        self._waiting.append(make)
        if not self._awake:
            self._rouse()

    def flush(self) -> None:
        """Wait until what was noted so far is written, or given up; at most a few seconds."""
        if (self._waiting or self._awake) and not self._closed:
            written = threading.Event()
            self._waiting.append(written)
            self._hurry.set()
            self._rouse()
            written.wait(_FLUSH_S)

    def close(self) -> None:
        """Write what was noted and let go of the file. Safe to call twice."""
        with self._changed:
            self._closed = True
            thread = self._thread
        self._hurry.set()
        self._wake.set()
        if thread is not None:
            thread.join(_FLUSH_S)
            atexit.unregister(self.close)

    def _rouse(self) -> None:
        self._awake = True
        with self._changed:
            if self._thread is None and not self._closed:
                atexit.register(self.close)
                self._thread = threading.Thread(target=self._run, name="platform_base-history", daemon=True)
                self._thread.start()
        self._wake.set()

    def _run(self) -> None:
        while True:
            self._wake.wait()
            self._wake.clear()
            if not self._closed:
                self._hurry.wait(_GATHER_S)
            self._hurry.clear()
            while self._waiting:
                self._write_some()
            self._awake = False
            if self._closed and not self._waiting:
                break
            if self._waiting or self._closed:  # One came while `_awake` said that nobody need be roused.
                self._wake.set()
        if self._store is not None:
            self._store.close()

    def _write_some(self) -> None:
        notes: list[Note] = []
        events: list[threading.Event] = []
        while self._waiting and len(notes) < _MOST_AT_ONCE:
            each = self._waiting.popleft()
            if isinstance(each, threading.Event):
                events.append(each)
                break
            notes.append(each)
        if notes:
            self._write(notes)
        for event in events:
            event.set()

    def _write(self, notes: Sequence[Note]) -> None:
        try:
            entries = [entry for note in notes for entry in note()]
            self._open().add(entries)
        except Exception as error:  # noqa: BLE001  the disk, the file, a value: none of it may end the thread
            self._drop_store()
            self._lose(len(notes), str(error) or type(error).__name__)
            return
        if self._broken:
            self._broken = False
            logger.info("the history %s is written again; %d entries were lost", self.path, self.lost)

    def _open(self) -> Store:
        """Return the open file, opening it anew where somebody has deleted it."""
        # Here, because SQLite need not be loaded where nothing is written, nor by whoever waits for a first result.
        from platform_base.history.store import Store

        if self._store is not None and not self._store.in_place:
            self._drop_store()
        if self._store is None:
            max_rows, max_bytes = self._limits
            self._store = Store(self.path, max_rows=max_rows, max_bytes=max_bytes)
        return self._store

    def _drop_store(self) -> None:
        store, self._store = self._store, None
        if store is not None:
            store.close()

    def _lose(self, count: int, why: str) -> None:
        now = time.monotonic()
        with self._changed:
            self.lost += count
            self._broken = True
            due = now - self._warned > _SILENT_S
            if due:
                self._warned = now
        if due:
            logger.warning(
                "the history %s cannot be written: %s; calls go on and are not remembered (history.enabled: false "
                "switches it off; deleting the file begins anew)",
                self.path,
                why,
            )
