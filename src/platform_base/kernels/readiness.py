"""Importing this module leaves little for a process to do before its first compiled kernel runs.

It is for a process that is forked afterwards, as the warden is: what takes a third of a second here, its children have.
Where kernels are kept is asked for when they are decorated; `look_for_kernels` asks again, in the child.
"""

from __future__ import annotations

import importlib
import pkgutil
import sys

import numba
import numpy as np
from numba.core import config
from numba.core.dispatcher import Dispatcher

import platform_base.kernels as room

for _module in pkgutil.iter_modules(room.__path__):
    importlib.import_module(f"{room.__name__}.{_module.name}")

# Numba sets up its types and code generators when it first compiles something, whatever that is.
numba.njit(lambda series: series[0])(np.zeros(1))


def look_for_kernels() -> None:
    """Have Numba keep kernels, those that are decorated already too, where ``NUMBA_CACHE_DIR`` says now."""
    config.reload_config()
    modules = [module for name, module in sys.modules.items() if name.startswith(f"{room.__name__}.")]
    dispatchers = {value for module in modules for value in vars(module).values() if isinstance(value, Dispatcher)}
    for dispatcher in dispatchers:
        dispatcher.enable_caching()
