"""Where Numba keeps compiled kernels, in a worker whose warden has imported Numba already.

Numba reads its environment variables when it is imported. The warden has none of them: each release has a directory of
its own, which its workers alone may read.
"""

from __future__ import annotations

import sys

READY_KERNELS = "platform_base.kernels.readiness"
"""The module that a warden imports so that kernels are soon ready in its workers."""


def find_kernel_cache() -> None:
    """Let Numba read this process's environment variables, if it has been imported; only code of the warden runs."""
    ready = sys.modules.get(READY_KERNELS)
    config = sys.modules.get("numba.core.config")
    if ready is not None:
        ready.look_for_kernels()
    elif config is not None:
        config.reload_config()
