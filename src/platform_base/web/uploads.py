"""Files that people have uploaded: their columns, for a while and up to a size."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from numpy.typing import NDArray

MAX_FILE_BYTES = 256 << 20
MAX_FILES = 32
MAX_BYTES = 1 << 30
MAX_AGE_S = 4 * 3600.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Upload:
    """One file.

    Attributes:
        upload_id: Its name in addresses.
        name: What it was called; a stranger's word.
        columns: ``(n,)`` or ``(n, channels)`` arrays of numbers, by name.
        left_out: Why other columns are not there, by name.
        remark: What else is known, such as a sampling rate.
        added_s: When it came, on the clock of the store.
    """

    upload_id: str
    name: str
    columns: dict[str, NDArray[Any]]
    left_out: dict[str, str]
    remark: str
    added_s: float

    @property
    def nbytes(self) -> int:
        """Memory of the columns, bytes."""
        return sum(column.nbytes for column in self.columns.values())


class Uploads:
    """The files that are kept; the oldest go first. Used by one event loop."""

    def __init__(
        self,
        *,
        max_files: int = MAX_FILES,
        max_bytes: int = MAX_BYTES,
        max_age_s: float = MAX_AGE_S,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._max_files, self._max_bytes, self._max_age_s = max_files, max_bytes, max_age_s
        self._clock = clock
        self._kept: dict[str, Upload] = {}

    def add(self, name: str, columns: dict[str, NDArray[Any]], left_out: dict[str, str], remark: str) -> Upload:
        """Keep a file, at the cost of the oldest ones."""
        upload = Upload(
            upload_id=secrets.token_hex(8),
            name=name,
            columns=columns,
            left_out=left_out,
            remark=remark,
            added_s=self._clock(),
        )
        self._kept[upload.upload_id] = upload
        self._prune()
        return upload

    def get(self, upload_id: str) -> Upload | None:
        """Return a file; None where there is none any more."""
        self._prune()
        return self._kept.get(upload_id)

    def remove(self, upload_id: str) -> None:
        """Forget a file; no error where it is gone already."""
        self._kept.pop(upload_id, None)

    def all(self) -> list[Upload]:
        """Return the files, the latest first."""
        self._prune()
        return list(reversed(self._kept.values()))

    def _prune(self) -> None:
        now = self._clock()
        for upload in list(self._kept.values()):
            crowded = len(self._kept) > self._max_files or sum(map(_nbytes, self._kept.values())) > self._max_bytes
            # The newest one stays, whatever its size: somebody has just chosen it.
            if (crowded and len(self._kept) > 1) or now - upload.added_s > self._max_age_s:
                del self._kept[upload.upload_id]


def _nbytes(upload: Upload) -> int:
    return upload.nbytes
