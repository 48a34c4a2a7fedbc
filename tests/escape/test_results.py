"""Results, exceptions and output that are made to hurt whoever reads them."""

from __future__ import annotations

import logging
from typing import Any

import numpy as np
import pytest

from platform_base.plugins.errors import (
    EncodingError,
    MemoryLimitError,
    PluginError,
    PluginFailedError,
    PluginTimeoutError,
    ResourceLimitError,
    WireError,
    WorkerCrashedError,
)
from tests.escape.harness import Host
from tests.escape.outcomes import Behaviour, fails, returns

CONTROL = {
    chr(number) for number in (*range(9), *range(11, 32), *range(127, 160), 0x202A, 0x202B, 0x202D, 0x202E, 0x2066)
}


LARGE = {"limit": "max_result_mb"}


def _value(which: str, *errors: type[PluginError], check: Any = None, **facts: Any) -> Behaviour:
    name = f"results.value-{which}"
    if errors:
        return fails("results.value", *errors, name=name, inputs={"which": which}, **facts)
    return returns("results.value", check or (lambda value: True), name=name, inputs={"which": which}, **facts)


def _error(which: str, remote_type: str | None, *errors: type[PluginError], **facts: Any) -> Behaviour:
    attributes = {} if remote_type is None else {"remote_type": remote_type}
    kinds = errors or (PluginFailedError,)
    return fails(
        "results.error", *kinds, name=f"results.error-{which}", inputs={"which": which}, facts=attributes, **facts
    )


VALUES = (
    _value("object", EncodingError),
    _value("set", EncodingError),
    _value("deep", EncodingError),
    _value("endless", EncodingError),
    _value("nan", check=lambda value: value != value),
    _value("bigint", check=lambda value: value == 10**70),
    _value("hugeint", EncodingError, MemoryLimitError),
    _value("surrogate", check=lambda value: value == "\ud800"),
    _value("liar", EncodingError, PluginFailedError),
    _value("none", check=lambda value: value is None),
    _value("text subclass", EncodingError),
    _value("number subclass", EncodingError),
    _value("enumeration", EncodingError),
    _value("array subclass", EncodingError),
    _value("objects", EncodingError),
    _value("function", EncodingError),
    _value("module", EncodingError),
    _value("type", EncodingError),
    _value("generator", EncodingError),
    _value("decimal", EncodingError),
    _value("exception", EncodingError),
    _value("file", EncodingError),
    _value("odd keys", EncodingError),
    _value("control", check=lambda value: value == "\x1b[2J\x07\x00"),
    _value("time zone", check=lambda value: value.year == 2026),
    _value(
        "many empty arrays", check=lambda value: len(value) == 10_000 and all(array.shape == (0,) for array in value)
    ),
    _value("many items", EncodingError, MemoryLimitError),
    _value("wide integer dict", EncodingError, WireError),
    _value("long text", check=lambda value: value == "x" * (1 << 20)),
    _value("infinite shape", ResourceLimitError, facts=LARGE),
    _value("zero strides", ResourceLimitError, facts=LARGE),
    _value("forty dimensions", EncodingError),
    fails("results.too_large", ResourceLimitError, facts=LARGE, inputs={"bytes": (16 << 20) + 4096}),
    fails(
        "results.metadata",
        EncodingError,
        PluginFailedError,
        WireError,
        name="results.metadata-none",
        inputs={"which": "none"},
    ),
    fails(
        "results.metadata",
        EncodingError,
        PluginFailedError,
        WireError,
        name="results.metadata-object",
        inputs={"which": "object"},
    ),
    fails("results.nothing", PluginFailedError, EncodingError),
)

ERRORS = (
    _error("long", "ValueError"),
    _error("unprintable", "_Unprintable", says="its __str__ failed"),
    _error("endless", None, PluginTimeoutError, timeout_s=0.3),
    _error("fatal", None, PluginFailedError, WorkerCrashedError),
    _error("nonsense", "_Nonsense"),
    _error("disguised", None),
    _error("memory", None, MemoryLimitError, says="not really"),
    _error("exit", "SystemExit"),
    _error("keyboard", "KeyboardInterrupt"),
    _error("generator", "GeneratorExit"),
    _error("base", "BaseException"),
    _error("terminal", "ValueError"),
    _error("group", "ExceptionGroup"),
    _error("recursive", "ValueError"),
    _error("chain", "ValueError"),
    _error("long name", None),
    _error("terminal name", None),
    _error("surrogate", "ValueError"),
    _error("bytes", "ValueError"),
    _error("stop", "StopIteration"),
    _error("timeout", "TimeoutError"),
    _error("import", "ImportError"),
    fails("results.encoding_error", EncodingError, PluginFailedError, WorkerCrashedError),
)

OUTPUT = (
    returns("results.print_much", lambda value: value == "written", inputs={"megabytes": 50}),
    fails("results.print_for_ever", PluginTimeoutError, timeout_s=0.3, inputs={"stream": 0}),
    fails(
        "results.print_for_ever",
        PluginTimeoutError,
        timeout_s=0.3,
        inputs={"stream": 1},
        name="results.print_for_ever_to_errors",
    ),
    returns("results.print_lines", lambda value: value == "written", inputs={"lines": 500_000}),
    fails("results.print_half_a_line", WorkerCrashedError, facts={"exit_status": 0}),
    returns("results.print_after_answer", lambda value: value == "returned"),
    returns("results.close_output", lambda value: value == "closed"),
    fails("results.break_streams", PluginFailedError, facts={"remote_type": "RuntimeError"}),
)

BEHAVIOURS: tuple[Behaviour, ...] = (*VALUES, *ERRORS, *OUTPUT)


@pytest.mark.parametrize("behaviour", BEHAVIOURS, ids=lambda behaviour: behaviour.name)
def test_result_behaviour(host: Host, behaviour: Behaviour, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, "platform_base"):
        outcome = host.face(behaviour)
    if outcome.error is not None:
        _assert_bounded(outcome.error)
    assert not any(CONTROL & set(record.getMessage()) for record in caplog.records)
    assert len(caplog.records) < 50_000


def _assert_bounded(error: BaseException) -> None:
    texts = [str(error), *(str(value) for value in vars(error).values())]
    assert all(len(text) < 50_000 for text in texts)
    assert not any(CONTROL & set(text) for text in texts)


LINES = (
    b"\x1b[2J\x1b[1;31mERROR root: forged",
    b"first\nERROR root: second line",
    b"over\rwritten",
    b"\x9b31m\xc2\x9b31m",
    "turned \u202e round \u2066".encode(),
    b"\xff\xfe broken text",
    b"nul \x00 byte",
    b"bell \x07 and delete \x7f",
    b"\x0b\x0c\x85",
    "\u2028new line\u2029".encode(),
    b"%s %d %(name)s",
    b"{0.__class__}",
    b"x" * 200_000,
)


@pytest.mark.parametrize("text", LINES, ids=lambda text: ascii(text[:20]))
@pytest.mark.parametrize("do", ["print_text", "log_text"])
def test_what_a_plugin_prints_is_marked_and_harmless(
    host: Host, caplog: pytest.LogCaptureFixture, do: str, text: bytes
) -> None:
    """Each line bears the plugin's id, so that none can pass for a line of the host."""
    with caplog.at_level(logging.INFO, "platform_base"):
        host.attack(f"results.{do}", text=text, logger="platform_base.plugins.registry").result()
    lines = [record for record in caplog.records if record.name == "platform_base.plugins.output"]
    assert lines
    for record in lines:
        assert record.getMessage().startswith("enemy | ")
        assert not CONTROL & set(record.getMessage())
        assert "\n" not in record.getMessage()
        assert record.levelno <= logging.WARNING


def test_output_beyond_the_limit_is_counted(host: Host) -> None:
    outcome = host.attack("results.print_much", megabytes=3)
    assert outcome.execution is not None
    (warning,) = outcome.execution.warnings
    assert warning.startswith(f"{3 * (1 << 20) - (1 << 20)} bytes of output were dropped")


def test_a_traceback_shows_no_file_of_the_host(host: Host) -> None:
    """The source line of a frame is read in the worker, which cannot read it."""
    error = host.attack("results.traceback_of_source").error
    assert isinstance(error, PluginFailedError)
    assert "the secret of the host" not in error.remote_traceback


def test_results_of_a_hostile_plugin_belong_to_the_caller(host: Host) -> None:
    """Nothing that was returned is tied to the worker: it can be changed, and outlives it."""
    value = host.attack("results.value", which="many empty arrays").result()
    large = host.attack("speech.scribble", size=1 << 20).result()
    host.fresh()
    large[:] = 9
    assert (large == 9).all()
    value.append(np.zeros(1))
