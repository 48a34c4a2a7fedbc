"""Network for plugins: only what settings and manifest both name, connected by the host."""

from __future__ import annotations

import json
import socket
import threading

import pytest

from platform_base.plugins.errors import PluginFailedError, PluginLoadError
from platform_base.plugins.registry import PluginRegistry

CODE = """
from platform_base.core.models import ProcessingResult
from platform_base.plugins.base import get_context

class Caller:
    def execute(self, inputs):
        with get_context().connect(inputs["host"], inputs["port"]) as line:
            line.sendall(b"question")
            return ProcessingResult(values=line.recv(100))

    def validate_inputs(self, inputs):
        return True

    def get_manifest(self):
        return {}
"""


def write_caller(directory, destinations):
    """Write a plugin that asks for connections to `destinations`."""
    directory.mkdir()
    manifest = {
        "plugin_id": "caller",
        "version": "1.0.0",
        "entry_point": "caller.Caller",
        "permissions": {"network": {"tcp": destinations}},
    }
    (directory / "manifest.json").write_text(json.dumps(manifest))
    (directory / "caller.py").write_text(CODE)


@pytest.fixture
def served():
    """The port of a service on loopback that answers every question until the test ends."""
    listening = socket.create_server(("127.0.0.1", 0))
    port = listening.getsockname()[1]

    def answer() -> None:
        while True:
            line, _ = listening.accept()
            with line:
                question = line.recv(100)
                if question == b"end":
                    return
                line.sendall(b"answer to " + question)

    thread = threading.Thread(target=answer, daemon=True)
    thread.start()
    yield port
    with socket.create_connection(("127.0.0.1", port)) as line:
        line.sendall(b"end")
    thread.join()
    listening.close()


@pytest.fixture
def closed():
    """A port that is taken, and where nobody listens."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        yield taken.getsockname()[1]


@pytest.fixture
def registry(nothing_left, tmp_path, served, closed):
    allowed = [f"127.0.0.1:{served}", f"localhost:{served}", f"127.0.0.1:{closed}"]
    write_caller(tmp_path / "caller", allowed)
    with PluginRegistry({"security": {"network": {"tcp": allowed}}}) as made:
        made.discover_plugins(tmp_path)
        yield made


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "LOCALHOST"])
def test_a_named_destination_is_reached(registry, served, host):
    assert registry.execute_plugin("caller", {"host": host, "port": served}).values == b"answer to question"


@pytest.mark.parametrize("host", ["127.0.0.2", "0.0.0.0", "", "localhost\x1b[2J", "localhost."])
def test_another_host_is_refused(registry, served, host):
    with pytest.raises(PluginFailedError, match="is not allowed") as caught:
        registry.execute_plugin("caller", {"host": host, "port": served})
    assert caught.value.remote_type == "PermissionError"


@pytest.mark.parametrize("port", [0, 22, -1, 70_000, 2**40])
def test_another_port_is_refused(registry, port):
    with pytest.raises(PluginFailedError, match="is not allowed"):
        registry.execute_plugin("caller", {"host": "127.0.0.1", "port": port})


def test_a_destination_where_nobody_listens(registry, closed):
    with pytest.raises(PluginFailedError) as caught:
        registry.execute_plugin("caller", {"host": "127.0.0.1", "port": closed})
    assert caught.value.remote_type == "ConnectionError"


def test_a_plugin_that_asks_for_more_than_it_is_given_does_not_load(tmp_path, nothing_left):
    write_caller(tmp_path / "caller", ["localhost:1", "127.0.0.1:1"])
    with PluginRegistry({"security": {"network": {"tcp": ["localhost:1"]}}}) as registry:
        registry.discover_plugins(tmp_path)
        with pytest.raises(PluginLoadError, match=r"asks for 127\.0\.0\.1:1, security\.network gives localhost:1"):
            registry.execute_plugin("caller", {})
