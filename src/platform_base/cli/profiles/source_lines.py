"""The lines of a plugin's own files, for showing beside figures."""

from __future__ import annotations

from pathlib import Path

_MOST_BYTES = 1 << 20


class SourceLines:
    """Reads only what lies in one directory: which file is asked for is the word of a worker."""

    def __init__(self, directory: str) -> None:
        top = Path(directory)
        self._files = {str(path): path for path in top.rglob("*.py") if path.is_file() and not path.is_symlink()}
        self._lines: dict[str, list[str]] = {}

    def find(self, file: str, line: int) -> str:
        """Return one line, or nothing where there is none."""
        path = self._files.get(file)
        if path is None:
            return ""
        if file not in self._lines:
            with path.open("rb") as stream:
                text = stream.read(_MOST_BYTES).decode("utf-8", "replace")
            self._lines[file] = text.splitlines()
        lines = self._lines[file]
        return lines[line - 1].strip() if 0 < line <= len(lines) else ""
