"""Threads of numerical libraries: as many as the worker has cores, and one where it has less than two.

More threads than cores only wait for each other, and beyond its share the warden stops the worker anyway.
"""

from __future__ import annotations

import ctypes
import os
import sys
from pathlib import Path

_OPENBLAS_SETTERS = (
    "scipy_openblas_set_num_threads64_",
    "scipy_openblas_set_num_threads",
    "openblas_set_num_threads64_",
    "openblas_set_num_threads",
)


def use_threads(count: int) -> None:
    """Let NumPy's OpenBLAS use so many threads.

    Libraries that are loaded later read their environment variables. OpenBLAS came with the warden, which must have a
    single thread to be forked, and has read its own by then. NumPy built on another library stays with one thread.
    """
    numpy = sys.modules.get("numpy")
    if count < 2 or numpy is None or numpy.__file__ is None:
        return
    for path in (Path(numpy.__file__).parent.parent / "numpy.libs").glob("*openblas*"):
        library = ctypes.CDLL(str(path), mode=os.RTLD_NOLOAD | os.RTLD_NOW)
        for name in _OPENBLAS_SETTERS:
            setter = getattr(library, name, None)
            if setter is not None:
                setter(ctypes.c_int(count))
                return
