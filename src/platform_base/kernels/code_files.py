"""Files of compiled code that many processes write and read at once, and that nobody has to repair.

Numba keeps, for each function, an index of numbered files. Two processes that compile one function for different types
at the same moment both take the next number: the index then leads to code for other types, for every process from then
on (https://github.com/numba/numba/issues/10128). A file that was torn by a crash keeps raising, too, until somebody
deletes it. Here a file is named after what it is compiled for, there is no index, what has been torn counts as missing,
and code that cannot be kept is used all the same.

Kernels have this wherever they run, by `KernelCache`: one that is called by its address asks nobody whether its code is
for these types, and computes nonsense with other code. A process has it for all that Numba compiles by
``NUMBA_CACHE_LOCATOR_CLASSES``, as workers do; versions of Numba before 0.62 do not look at it.
"""

from __future__ import annotations

import contextlib
import hashlib
import logging
import os
import secrets
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numba
from numba.core import caching

logger = logging.getLogger(__name__)

_ENDING = ".nbc"
_CHECKSUM_BYTES = hashlib.sha256().digest_size


class CodeFiles(caching.IndexDataCacheFile):
    """The compiled code of one function, a file for each combination of types, processor and content.

    What stands in a file, Numba writes and reads, as it does all compiled code; a checksum follows it.
    """

    def __init__(self, cache_path: str, filename_base: str, source_stamp: Any) -> None:
        """Begin with what lies there.

        Args:
            cache_path: The directory.
            filename_base: How names begin.
            source_stamp: Of the function's source; code that was compiled from another one counts as missing.
        """
        super().__init__(cache_path, filename_base, source_stamp)
        self._directory = Path(cache_path)
        self._base = filename_base
        self._stamp = source_stamp

    def load(self, key: Any) -> Any:
        """Return what was saved under a key; None where it is missing, torn or out of date."""
        path = self._path(key)
        try:
            content = path.read_bytes()
            kept, checksum = content[:-_CHECKSUM_BYTES], content[-_CHECKSUM_BYTES:]
            if hashlib.sha256(kept).digest() != checksum:
                return None
            # Another process may have put another file in its place since, but whole and under the same name.
            stamp, found, code = self._load_data(path.name)
        except OSError:
            return None
        return code if stamp == self._stamp and found == key else None

    def save(self, key: Any, data: Any) -> None:
        """Keep code under a key; where that is not possible, say so and go on."""
        kept = self._dump((self._stamp, key, data))
        path = self._path(key)
        partial = path.with_name(f"{path.name}.{secrets.token_hex(8)}")
        try:
            partial.write_bytes(kept + hashlib.sha256(kept).digest())
            partial.replace(path)
        except OSError as error:
            logger.warning("compiled code is not kept in %s: %s", self._directory, error.strerror)
            with contextlib.suppress(OSError):
                partial.unlink()

    def flush(self) -> None:
        """Delete what was saved."""
        for path in self._directory.glob(f"{self._base}.*{_ENDING}"):
            path.unlink(missing_ok=True)

    def _path(self, key: Any) -> Path:
        # Types whose names are alike share a file, and push each other out: `load` compares what they are.
        name = hashlib.sha256(f"{numba.__version__} {key!r}".encode()).hexdigest()[:24]
        return self._directory / f"{self._base}.{name}{_ENDING}"


class KernelCache(caching.FunctionCache):
    """Numba's cache of one function, kept in `CodeFiles`."""

    def __init__(self, py_func: Callable[..., Any]) -> None:
        """Find the directory.

        Raises:
            RuntimeError: If Numba finds none to write to.
        """
        super().__init__(py_func)
        self._cache_file = CodeFiles(self.cache_path, self._impl.filename_base, self._impl.locator.get_source_stamp())


class CodePlace(caching.UserProvidedCacheLocator):
    """Where a function's code is kept: below ``NUMBA_CACHE_DIR``, in `CodeFiles`."""

    @classmethod
    def from_function(cls, py_func: Callable[..., Any], py_file: str) -> CodePlace | None:
        """Return the place of a function; None where it has none."""
        # Whoever asks for a place makes its files next. A process that asks this class has been told to.
        caching.IndexDataCacheFile = CodeFiles
        found: CodePlace | None = super().from_function(py_func, py_file)
        return found

    def ensure_cache_path(self) -> None:
        """Make the directory, if that is possible; a function is compiled where nothing can be kept, too."""
        try:
            os.makedirs(self.get_cache_path(), exist_ok=True)  # noqa: PTH103 - asked for each function
        except OSError as error:
            logger.debug("%s: %s", self.get_cache_path(), error.strerror)  # `save` warns
