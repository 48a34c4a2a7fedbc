"""Reaching anything over a socket."""

from __future__ import annotations

import pytest

from platform_base.plugins.errors import PluginFailedError
from tests.escape.harness import Host
from tests.escape.outcomes import Behaviour, denied, fails, returns

BEHAVIOURS: tuple[Behaviour, ...] = (
    denied("network.tcp", "EPERM", "seccomp landlock"),
    denied("network.tcp6", "EPERM", "seccomp landlock"),
    denied("network.tcp_fast_open", "EPERM", "seccomp"),
    denied("network.metadata_service", "EPERM", "seccomp landlock"),
    denied("network.udp", "EPERM", "seccomp"),
    denied("network.families", "EPERM", "seccomp"),
    denied("network.raw", "EPERM", "seccomp identity"),
    denied("network.unix_path", "EPERM", "seccomp"),
    denied("network.unix_abstract", "EPERM", "seccomp landlock"),
    denied("network.unix_datagram_from_pair", "EPERM", "seccomp"),
    denied("network.pairs_of_other_families", "EPERM", "seccomp"),
    denied("network.names", "gaierror EAI_AGAIN EPERM", "seccomp"),
    denied("network.listen", "EPERM", "seccomp"),
    denied("network.proxy", "EPERM URLError", "seccomp landlock"),
    denied("network.send_descriptors", "EPERM", "seccomp"),
    denied("network.send_many", "EPERM", "seccomp"),
    denied("network.socket_options", "EPERM", "seccomp"),
    returns("network.works", lambda value: value == [b"x", 42]),
    fails(
        "network.ask_broker",
        PluginFailedError,
        facts={"remote_type": "PermissionError"},
        says="is not allowed",
        inputs={"host": "example.org", "port": 80},
    ),
    fails(
        "network.ask_broker",
        PluginFailedError,
        facts={"remote_type": "PermissionError"},
        name="network.ask_broker_for_host",
        says="is not allowed",
        inputs={"host": "127.0.0.1", "port": 22},
    ),
    fails(
        "network.ask_broker",
        PluginFailedError,
        facts={"remote_type": "PermissionError"},
        name="network.ask_broker_oddly",
        says="is not allowed",
        inputs={"host": "\x1b[2J\n@evil\u202e", "port": 2**31},
    ),
    fails(
        "network.ask_broker",
        PluginFailedError,
        facts={"remote_type": "PermissionError"},
        name="network.ask_broker_for_nothing",
        says="is not allowed",
        inputs={"host": "", "port": -1},
    ),
)


@pytest.mark.parametrize("behaviour", BEHAVIOURS, ids=lambda behaviour: behaviour.name)
def test_network_behaviour(host: Host, behaviour: Behaviour) -> None:
    host.face(behaviour)
