"""Where the history lies."""

from __future__ import annotations

from pathlib import Path

import platformdirs


def history_path(chosen: str | Path | None = None) -> Path:
    """Return the chosen path, else that of ``history/runs.db`` in the user's state directory."""
    if chosen is not None:
        return Path(chosen).expanduser()
    return platformdirs.user_state_path("platform-base", appauthor=False) / "history" / "runs.db"
