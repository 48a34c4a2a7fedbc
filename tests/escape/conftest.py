"""One host for each module of tests: workers are cheap, hosts are not."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.escape.harness import Host


@pytest.fixture(scope="module")
def shared_host() -> Iterator[Host]:
    """A host with every layer; gone without a trace when the module is done."""
    host = Host()
    try:
        yield host
    finally:
        host.close()


@pytest.fixture
def host(shared_host: Host) -> Iterator[Host]:
    """The module's host, with an enemy in a fresh process; unharmed after each test."""
    shared_host.fresh()
    yield shared_host
    shared_host.assert_unharmed()
