"""Results, exceptions and output that are made to hurt whoever reads them."""

from __future__ import annotations

import datetime
import decimal
import enum
import logging
import os
import sys

import numpy as np

from platform_base.core.models import ProcessingResult


def _deep(depth):
    nested = []
    for _ in range(depth):
        nested = [nested]
    return nested


def _loop():
    own = []
    own.append(own)
    return own


class _Text(str):
    def __str__(self):
        raise RuntimeError("no")


class _Number(float):
    __array_priority__ = 1e9


class _Colour(enum.IntEnum):
    RED = 1


class _Liar:
    @property
    def __class__(self):
        raise SystemError("evil")


class _Array(np.ndarray):
    def tobytes(self, *_):
        raise SystemError("evil")


_VALUES = {
    "object": object,
    "set": lambda: {1, 2},
    "deep": lambda: _deep(1000),
    "endless": _loop,
    "nan": lambda: float("nan"),
    "bigint": lambda: 10**70,
    "hugeint": lambda: 1 << (1 << 24),
    "surrogate": lambda: "\ud800",
    "liar": _Liar,
    "none": lambda: None,
    "text subclass": lambda: _Text("x"),
    "number subclass": lambda: _Number(1),
    "enumeration": lambda: _Colour.RED,
    "array subclass": lambda: np.ones(3).view(_Array),
    "objects": lambda: np.array([object()]),
    "function": lambda: lambda: None,
    "module": lambda: os,
    "type": lambda: int,
    "generator": lambda: (x for x in ()),
    "decimal": lambda: decimal.Decimal("1.5"),
    "exception": lambda: ValueError("x"),
    "file": lambda: sys.stdout,
    "odd keys": lambda: {(1, object()): 1},
    "control": lambda: "\x1b[2J\x07\x00",
    "time zone": lambda: datetime.datetime(2026, 1, 1, tzinfo=datetime.timezone(datetime.timedelta(seconds=1))),
    "many empty arrays": lambda: [np.empty(0) for _ in range(10_000)],
    "many items": lambda: [[] for _ in range(2_000_000)],
    "wide integer dict": lambda: {number * (2**61 - 1): 0 for number in range(3_000)},
    "long text": lambda: "x" * (1 << 20),
    "infinite shape": lambda: np.lib.stride_tricks.as_strided(np.ones(1), (1 << 40,), (0,)),
    "zero strides": lambda: np.broadcast_to(np.ones(1), (1 << 32,)),
    "forty dimensions": lambda: np.ones((1,) * 40),
}


def value(inputs):
    return _VALUES[inputs["which"]]()


def too_large(inputs):
    return np.zeros(inputs["bytes"], np.uint8)


def metadata(inputs):
    return ProcessingResult(values=1, metadata=_VALUES[inputs["which"]]())


def nothing(inputs):
    class Quiet(ProcessingResult):
        pass

    return Quiet.__new__(Quiet)


class _Unprintable(Exception):
    def __str__(self):
        raise RuntimeError("no")


class _Endless(Exception):
    def __str__(self):
        while True:
            pass


class _Fatal(Exception):
    def __str__(self):
        raise SystemExit(9)


class _Nonsense(Exception):
    def __str__(self):
        return 7


class _Disguised(Exception):
    @property
    def __class__(self):
        return SystemError


class _Named(Exception):
    pass


def _group():
    return ExceptionGroup("g", [ValueError(number) for number in range(1000)])


def _recursive():
    first, second = ValueError("a"), ValueError("b")
    first.__cause__, second.__cause__ = second, first
    return first


def _chain():
    error = ValueError(0)
    for number in range(5000):
        inner = ValueError(number)
        inner.__context__ = error
        error = inner
    return error


def _renamed(name):
    return type(name, (Exception,), {})("x")


_ERRORS = {
    "long": lambda: ValueError("x" * (10 << 20)),
    "unprintable": _Unprintable,
    "endless": _Endless,
    "fatal": _Fatal,
    "nonsense": _Nonsense,
    "disguised": _Disguised,
    "memory": lambda: MemoryError("not really"),
    "exit": lambda: SystemExit(3),
    "keyboard": KeyboardInterrupt,
    "generator": GeneratorExit,
    "base": lambda: BaseException("b"),
    "terminal": lambda: ValueError("\x1b[2J\x1b]0;owned\x07\nERROR root: forged log line\r\x9b31m\u202eabc"),
    "group": _group,
    "recursive": _recursive,
    "chain": _chain,
    "long name": lambda: _renamed("X" * 100_000),
    "terminal name": lambda: _renamed("\x1b[31mX\n"),
    "surrogate": lambda: ValueError("\ud800"),
    "bytes": lambda: ValueError(b"\xff"),
    "stop": StopIteration,
    "timeout": lambda: TimeoutError("not really"),
    "import": lambda: ImportError("no", name="numpy", path="/etc/passwd"),
}


def error(inputs):
    raise _ERRORS[inputs["which"]]()


def traceback_of_source(inputs):
    """Source lines in a traceback come from files that the plugin names."""
    code = compile("raise ValueError('x')", inputs["secret"], "exec")
    exec(code)


def encoding_error(inputs):
    """The error that the worker's own code raises, with facts that are none."""
    from platform_base.plugins.base import get_context

    kind = next(found for found in _subclasses(Exception) if found.__name__ == "EncodingError")
    made = kind("forged", path="p")
    made.path = get_context()
    raise made


def _subclasses(kind):
    for found in type.__subclasses__(kind):
        yield found
        yield from _subclasses(found)


# -- output --------------------------------------------------------------------------------------------------------


def print_much(inputs):
    block = b"x" * 65535 + b"\n"
    for _ in range(inputs["megabytes"] * 16):
        os.write(1, block)
    return "written"


def print_for_ever(inputs):
    block = b"x" * 65536
    while True:
        os.write(1 + inputs.get("stream", 0), block)


def print_lines(inputs):
    """As many lines as fit into what is kept."""
    sys.stdout.write("x\n" * inputs["lines"])
    return "written"


def print_text(inputs):
    os.write(1, inputs["text"])
    return "written"


def log_text(inputs):
    logging.getLogger(inputs["logger"]).critical(inputs["text"].decode("utf-8", "surrogateescape"))
    return "logged"


def print_half_a_line(inputs):
    os.write(1, b"no end of line")
    os._exit(0)


def print_after_answer(inputs):
    import threading

    go = threading.Event()

    def later():
        go.wait(0.05)
        os.write(1, b"said between two calls\n")

    threading.Thread(target=later, daemon=True).start()
    return "returned"


def close_output(inputs):
    for stream in (1, 2):
        os.close(stream)
    return "closed"


def break_streams(inputs):
    class Broken:
        def write(self, text):
            raise RuntimeError("no")

        flush = write

    sys.stdout = sys.stderr = Broken()
    print("nothing")
