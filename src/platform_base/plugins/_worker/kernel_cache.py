"""Where Numba keeps compiled kernels, in a worker whose warden has imported Numba already.

Numba reads its environment variables when it is imported. The warden has none of them: each release has a directory of
its own, which its workers alone may read.
"""

from __future__ import annotations

import os
import sys
from typing import Any

READY_KERNELS = "platform_base.kernels.readiness"
"""The module that a warden imports so that kernels are soon ready in its workers."""

CODE_PLACES = "platform_base.kernels.code_files.CodePlace,ZipCacheLocator"
"""How Numba's files are written in workers, by the variable ``NUMBA_CACHE_LOCATOR_CLASSES``."""


def find_kernel_cache() -> None:
    """Tell Numba what this process's environment variables say, if it was imported; only code of the warden runs."""
    ready = sys.modules.get(READY_KERNELS)
    config: Any = sys.modules.get("numba.core.config")
    if ready is not None:
        ready.look_for_kernels()
    elif config is not None:
        # Those that differ; reading all of them anew takes longer than a tenth of a worker's start.
        config.CACHE_DIR = os.environ.get("NUMBA_CACHE_DIR", "")
        config.CACHE_LOCATOR_CLASSES = os.environ.get("NUMBA_CACHE_LOCATOR_CLASSES", "")
        config.NUMBA_NUM_THREADS = int(os.environ.get("NUMBA_NUM_THREADS", "1"))
