"""Network for plugins: only what settings and manifest both name, connected by the host."""

from __future__ import annotations

import socket
import threading

import pytest

from platform_base.plugins.errors import PluginFailedError, PluginLoadError
from platform_base.plugins.registry import PluginRegistry
from tests.conftest import SAMPLES

SERVED, CLOSED = 47811, 47812


@pytest.fixture
def service():
    """A service on loopback that answers one question and ends."""
    with socket.create_server(("127.0.0.1", SERVED), reuse_port=True) as listening:

        def answer() -> None:
            line, _ = listening.accept()
            with line:
                line.sendall(b"answer to " + line.recv(100))

        thread = threading.Thread(target=answer, daemon=True)
        thread.start()
        yield
        if thread.is_alive():
            socket.create_connection(("127.0.0.1", SERVED)).close()
            thread.join()


@pytest.fixture
def registry(nothing_left):
    allowed = [f"127.0.0.1:{SERVED}", f"localhost:{SERVED}", f"127.0.0.1:{CLOSED}"]
    with PluginRegistry({"security": {"network": {"tcp": allowed}}}) as made:
        made.discover_plugins(SAMPLES)
        yield made


@pytest.mark.xdist_group("loopback")
class TestBroker:
    @pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "LOCALHOST"])
    def test_a_named_destination_is_reached(self, registry, service, host):
        result = registry.execute_plugin("caller", {"host": host, "port": SERVED})
        assert result.values == b"answer to question"

    @pytest.mark.parametrize(
        ("host", "port"),
        [("127.0.0.1", 22), ("127.0.0.2", SERVED), ("0.0.0.0", SERVED), ("", SERVED), ("localhost\x1b[2J", SERVED)],
    )
    def test_anything_else_is_refused_by_the_host(self, registry, host, port):
        with pytest.raises(PluginFailedError, match="is not allowed") as caught:
            registry.execute_plugin("caller", {"host": host, "port": port})
        assert caught.value.remote_type == "PermissionError"

    def test_a_destination_where_nobody_listens(self, registry):
        with pytest.raises(PluginFailedError) as caught:
            registry.execute_plugin("caller", {"host": "127.0.0.1", "port": CLOSED})
        assert caught.value.remote_type == "ConnectionError"


def test_a_plugin_that_asks_for_more_than_it_is_given_does_not_load():
    with PluginRegistry({"security": {"network": {"tcp": [f"localhost:{SERVED}"]}}}) as registry:
        registry.discover_plugins(SAMPLES)
        with pytest.raises(PluginLoadError, match=r"asks for 127\.0\.0\.1:47811, security\.network gives localhost"):
            registry.execute_plugin("caller", {})
