"""Log records as JSON: every line can be read, whatever a plugin prints."""

from __future__ import annotations

import datetime
import io
import json
import logging

import numpy as np
import pytest

from platform_base.cli.main import call as command
from platform_base.monitoring.json_log import JsonFormatter
from platform_base.plugins.errors import PluginError


@pytest.fixture
def lines():
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(JsonFormatter())
    logger = logging.getLogger("platform_base")
    level = logger.level
    logger.addHandler(handler)
    logger.setLevel(logging.DEBUG)
    yield lambda: [json.loads(line) for line in stream.getvalue().splitlines()]
    logger.removeHandler(handler)
    logger.setLevel(level)


def test_every_record_of_a_call(registry, lines):
    hostile = 'he said "x"}\n{"level": "ERROR"}\n\x1b[31m \u2028 \U0001f600'
    before = datetime.datetime.now(datetime.UTC)
    result = registry.execute_plugin("behaviours", {"do": "print_lines", "text": hostile})
    with pytest.raises(PluginError) as caught:
        registry.execute_plugin("behaviours", {"do": "raise_error"})
    found = lines()
    own = [line for line in found if line.get("run_id") == result.execution.run_id]
    assert {line["plugin_id"] for line in own} == {"behaviours"}
    printed = [line["message"] for line in own if line["logger"] == "platform_base.plugins.output"]
    assert 'behaviours | he said "x"}' in printed
    assert 'behaviours | {"level": "ERROR"}' in printed
    (failure,) = [line for line in found if line.get("run_id") == caught.value.run_id]
    assert failure["level"] == "ERROR"
    assert "behaviours.py" in failure["message"]
    assert before - datetime.timedelta(seconds=1) <= datetime.datetime.fromisoformat(failure["time"])


def test_what_json_does_not_know():
    try:
        raise LookupError("inside")
    except LookupError:
        record = logging.getLogger("x").makeRecord(
            "x", logging.ERROR, "file.py", 1, "%s of %d", ("one", 2), True, extra={"array": np.arange(2), "none": None}
        )
        import sys

        record.exc_info = sys.exc_info()
    facts = json.loads(JsonFormatter().format(record))
    assert (facts["message"], facts["array"], facts["none"]) == ("one of 2", "[0 1]", None)
    assert facts["exception"].endswith("LookupError: inside")


def test_what_a_caller_adds_cannot_replace_the_facts():
    record = logging.makeLogRecord({"msg": "true", "name": "x", "levelname": "INFO", "level": "false", "time": "false"})
    facts = json.loads(JsonFormatter().format(record))
    assert (facts["level"], facts["message"]) == ("INFO", "true")
    assert facts["time"] != "false"


def test_on_the_command_line(capsys, tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    logger = logging.getLogger("platform_base")
    state = logger.handlers[:], logger.propagate, logger.level
    try:
        assert command(["--log-json", "run", "plugin_template", "--input", "series=json:[1,2]", "--json"]) == 0
        said = capsys.readouterr()
        run_id = json.loads(said.out)["execution"]["run_id"]
        assert run_id in {json.loads(line).get("run_id") for line in said.err.splitlines()}
    finally:
        logger.handlers[:], logger.propagate = state[:2]
        logger.setLevel(state[2])
