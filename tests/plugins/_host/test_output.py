"""What a worker prints, from the pipe to whoever is told."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator, Sequence

import pytest

from platform_base.plugins._host.output import Output


class Told:
    """Everything that a listener was told."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.times = 0

    def __call__(self, plugin_id: str, run_id: str, lines: Sequence[str], before: int) -> None:
        assert (plugin_id, run_id) == ("p", "run")
        assert before == len(self.lines)
        self.lines += lines
        self.times += 1


@pytest.fixture
def pipe() -> Iterator[tuple[Output, int, Told]]:
    reading, writing = os.pipe()
    output, told = Output(reading, max_bytes=100_000), Told()
    output.plugin_id, output.listener = "p", told
    yield output, writing, told
    output.close()
    os.close(writing)


def test_whole_lines_are_told_while_a_call_runs_and_the_rest_at_its_end(pipe) -> None:
    output, writing, told = pipe
    output.run_id = "run"
    os.write(writing, b"first\nsecond\r\nthi")
    output.drain()
    assert told.lines == ["first", "second"]
    os.write(writing, b"rd")
    output.drain()
    assert told.times == 1
    assert output.log_call("p", "run") == ()
    assert told.lines == ["first", "second", "third"]
    assert output.log_call("p", "run") == ()
    assert told.times == 2


def test_what_comes_between_calls_waits(pipe) -> None:
    output, writing, told = pipe
    os.write(writing, b"idle\n")
    output.drain()
    assert told.lines == []
    output.run_id = "run"
    os.write(writing, b"in a call\n")
    output.drain()
    assert told.lines == ["idle", "in a call"]


def test_a_flood_of_lines_is_told_in_few_parts(pipe) -> None:
    output, writing, told = pipe
    output.run_id = "run"
    for number in range(1000):
        os.write(writing, f"{number}\n".encode())
        output.drain()
    assert told.times < 500
    output.log_call("p", "run")
    assert told.lines == [str(number) for number in range(1000)]


def test_the_limit_is_that_of_the_call_and_not_of_its_parts(pipe) -> None:
    output, writing, told = pipe
    for _ in range(2):
        told.lines.clear()
        output.run_id = "run"
        for _ in range(30):
            os.write(writing, b"x" * 4999 + b"\n")
            output.drain()
        (warning,) = output.log_call("p", "run")
        assert warning.startswith("50000 bytes of output were dropped")
        assert len(told.lines) == 20


def test_no_more_records_are_logged_than_for_one_part(pipe, caplog) -> None:
    output, writing, told = pipe
    output.run_id = "run"
    with caplog.at_level(logging.INFO, "platform_base.plugins.output"):
        for _ in range(6):
            os.write(writing, b"x\n" * 500)
            output.drain()
        output.log_call("p", "run")
    assert len(told.lines) == 3000
    assert len(caplog.records) == 2001
    assert "1000 more lines are not logged" in caplog.records[-1].getMessage()
