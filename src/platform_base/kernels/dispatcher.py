"""What a kernel is to Numba: code for other kernels and, apart from that, code for Python where Python calls it too.

Most kernels are only ever called by others. The way from Python into compiled code takes every argument out of its
object and puts the result into a new one, field by field for a named tuple of arrays: it made up a third of what was
compiled for the first call of a plugin. So it is compiled when Python calls, and for what Python calls.
"""

from __future__ import annotations

import contextlib
import functools
from typing import Any

from numba import types
from numba.core import sigutils
from numba.core.caching import CompileResultCacheImpl
from numba.core.ccallback import CFunc
from numba.core.registry import CPUDispatcher

from platform_base.kernels.code_files import KernelCache

# Options that hold for what kernels call.
_OF_KERNELS = frozenset({"nopython", "no_cpython_wrapper", "inline"})


class _InnerCacheImpl(CompileResultCacheImpl):
    def get_filename_base(self, fullname: str, abiflags: str) -> str:
        # Files apart from those of what is compiled for Python: Numba takes either for the other, but a function
        # without a way in must not be called from Python.
        name: str = super().get_filename_base(f"{fullname}-inner", abiflags)
        return name


class _InnerCache(KernelCache):
    _impl_class = _InnerCacheImpl


class KernelDispatcher(CPUDispatcher):
    """A function that is compiled for the kernels that call it, and once more for Python if that does."""

    def __call__(self, *arguments: Any, **named: Any) -> Any:
        """Call the function from Python."""
        return self.for_python(*arguments, **named)

    @functools.cached_property
    def for_python(self) -> Any:
        """What Python calls: Numba's own dispatcher of the same function."""
        options = {name: value for name, value in self.targetoptions.items() if name not in _OF_KERNELS}
        return make_outer(self.py_func, options)

    def enable_caching(self) -> None:
        """Keep machine code in Numba's cache directory.

        Raises:
            RuntimeError: If Numba finds no directory to write to.
        """
        self._cache = _InnerCache(self.py_func)

    def get_call_template(self, args: Any, kws: Any) -> Any:
        """Say to Numba what a call with arguments of these types calls.

        A number that stands in the source is one like any other: Numba would compile the function anew for each.
        """
        plain = tuple(types.unliteral(kind) for kind in args)
        return super().get_call_template(plain, {name: types.unliteral(kind) for name, kind in kws.items()})


class OuterDispatcher(CPUDispatcher):
    """A function that Python calls."""

    def enable_caching(self) -> None:
        """Do what `KernelDispatcher.enable_caching` does."""
        self._cache = KernelCache(self.py_func)


class AddressedFunction(CFunc):
    """A function that is called by its address."""

    def enable_caching(self) -> None:
        """Do what `KernelDispatcher.enable_caching` does."""
        self._cache = KernelCache(self.__wrapped__)


def make_kernel(function: Any, options: dict[str, Any], *, inline: bool = False) -> KernelDispatcher:
    """Return a function as kernels call it.

    Args:
        function: What to compile.
        options: Of `numba.njit`.
        inline: Whether it becomes a part of every kernel that calls it, before that is compiled.
    """
    inner = {**options, "nopython": True, "no_cpython_wrapper": True, "inline": "always" if inline else "never"}
    dispatcher = KernelDispatcher(py_func=function, targetoptions=inner)
    keep_machine_code(dispatcher)
    return dispatcher


def make_outer(function: Any, options: dict[str, Any]) -> OuterDispatcher:
    """Return a function as Python calls it, with these options of `numba.njit`."""
    dispatcher = OuterDispatcher(py_func=function, targetoptions={**options, "nopython": True})
    keep_machine_code(dispatcher)
    return dispatcher


def make_addressed(function: Any, signature: Any, options: dict[str, Any]) -> AddressedFunction:
    """Return a function, compiled for types of C, with these options of `numba.cfunc`."""
    made = AddressedFunction(function, sigutils.normalize_signature(signature), locals={}, options=options)
    keep_machine_code(made)
    made.compile()
    return made


def keep_machine_code(function: Any) -> None:
    """Have Numba keep what is compiled; without a directory to write to every process compiles for itself."""
    with contextlib.suppress(RuntimeError):
        function.enable_caching()
