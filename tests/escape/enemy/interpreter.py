"""What Python itself allows, which is everything: the walls stand elsewhere."""

from __future__ import annotations

import ctypes
import gc
import importlib
import os
import signal
import sys

from .native import attempt


def find_os(inputs):
    """Modules past the import guard; what they can do is what counts."""
    found = sys.modules["os"]
    return [attempt("fork", found.fork), attempt("read", lambda: found.open("/etc/passwd", 0))]


def import_by_name(inputs):
    module = importlib.import_module("subprocess")
    return [attempt("run", lambda: module.run(["/bin/true"]))]


def import_by_loader(inputs):
    from importlib.machinery import BuiltinImporter

    posix = BuiltinImporter.load_module("posix") if hasattr(BuiltinImporter, "load_module") else sys.modules["posix"]
    return [attempt("fork", posix.fork)]


def search_garbage(inputs):
    found = [item for item in gc.get_objects() if isinstance(item, dict) and item.get("__name__") == "os"]
    return [attempt("fork", found[0]["fork"])] if found else [["not found", "EPERM", ""]]


def climb_classes(inputs):
    for kind in ().__class__.__base__.__subclasses__():
        scope = getattr(getattr(kind.__init__, "__globals__", None), "get", lambda _: None)("sys")
        if scope is not None:
            return [attempt("fork", scope.modules["os"].fork)]
    return [["not found", "EPERM", ""]]


def climb_frames(inputs):
    frame = sys._getframe()
    while frame.f_back is not None:
        frame = frame.f_back
    found = frame.f_globals.get("os") or sys.modules["os"]
    return [attempt("fork", found.fork), attempt("ptrace", lambda: found.kill(inputs["host_pid"], 0))]


def warden_objects(inputs):
    """The fork copied the warden's objects; their sockets are closed."""
    found = [item for item in gc.get_objects() if type(item).__name__ in ("Warden", "Child")]
    rows = []
    for item in found:
        line = getattr(item, "_host", None) or getattr(item, "line", None)
        rows.append(attempt(f"send as {type(item).__name__}", lambda line=line: line.send(b"x")))
    return rows or [["not found", "EBADF", ""]]


def patch_encoder(inputs):
    """Lie about itself: the messages of this worker, not those of another."""
    import msgspec

    msgspec.msgpack.Encoder = None
    for found in gc.get_objects():
        if type(found).__name__ == "Server":
            found._place_result = None
    return "patched"


def patch_worker(inputs):
    """Replace the protections' names that this worker reports."""
    import platform_base.core.models as models

    models.ProcessingResult = dict
    return "patched"


def null_pointer(inputs):
    ctypes.string_at(0)


def abort(inputs):
    os.abort()


def bad_bytecode(inputs):
    def victim():
        return 1

    victim.__code__ = victim.__code__.replace(co_code=b"\xff\x00" * 50, co_stacksize=1)
    return victim()


def kill_itself(inputs):
    os.kill(os.getpid(), inputs["signal"])
    signal.pause()


def mutate_constants(inputs):
    """Make 7 another number in this interpreter."""
    ctypes.memmove(id(7) + 24, ctypes.c_int(8).value.to_bytes(4, "little"), 4)
    return os.getpid()


def double_free(inputs):
    libc = ctypes.CDLL(None)
    libc.malloc.restype = ctypes.c_void_p
    block = libc.malloc(4000)
    libc.free(ctypes.c_void_p(block))
    libc.free(ctypes.c_void_p(block))
    libc.free(ctypes.c_void_p(block + 8))
    os.abort()


def drop_references(inputs):
    for _ in range(100):
        ctypes.pythonapi.Py_DecRef(ctypes.py_object(None.__class__))
        ctypes.pythonapi.Py_DecRef(ctypes.py_object(inputs))
    gc.collect()
    del inputs
    return [object() for _ in range(1000)]


def search_memory(inputs):
    """Look through every page for a word of the host; it is given in two halves so that the request does not count."""
    word = inputs["halves"][0] + inputs["halves"][1]
    hits = 0
    for item in gc.get_objects():
        if isinstance(item, dict):
            hits += sum(
                1 for value in list(item.values()) if isinstance(value, str) and value == word and value is not word
            )
    variables = " ".join(f"{key}={value}" for key, value in os.environ.items())
    return hits + variables.count(word) + " ".join(map(str, sys.orig_argv)).count(word)


def environment(inputs):
    return dict(os.environ)


def native_environment(inputs):
    """The environment that the kernel gave the warden, in the memory that the fork copied."""
    found = []
    environ = ctypes.POINTER(ctypes.c_char_p).in_dll(ctypes.CDLL(None), "environ")
    position = 0
    while environ[position]:
        found.append(environ[position].decode("utf-8", "replace"))
        position += 1
    return found


def arguments(inputs):
    return [list(sys.argv), list(sys.orig_argv)]


def working_directory(inputs):
    return os.getcwd()


def blocked_import(inputs):
    import subprocess  # noqa: F401

    return "imported"


def trace_function(inputs):
    """Watch the worker's own code run."""
    seen = []
    sys.settrace(lambda frame, event, _: seen.append(frame.f_code.co_name))
    sys.settrace(None)
    sys.setprofile(None)
    return len(seen) >= 0


def exit_handlers(inputs):
    import atexit

    atexit.register(os.abort)
    return "registered"


def faults_ignored(inputs):
    """Catch the crash, and crash again in the handler."""
    signal.signal(signal.SIGSEGV, signal.SIG_IGN)
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGSEGV})
    ctypes.string_at(0)


def alarm(inputs):
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    signal.setitimer(signal.ITIMER_REAL, 0.01)
    while True:
        signal.pause()
