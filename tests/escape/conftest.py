"""One host for each module of tests: workers are cheap, hosts are not."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from tests.escape.harness import Host


class HostKeeper:
    """Keeps one host; after a test that left it harmed, the next test gets another one."""

    def __init__(self, make: Callable[[], Host | str] = Host) -> None:
        """Begin without one.

        Args:
            make: Makes a host, or says why there can be none here.
        """
        self._make = make
        self._host: Host | None = None

    def get(self) -> Host:
        """Return the host, with an enemy in a process to which nothing has happened."""
        if self._host is None:
            made = self._make()
            if isinstance(made, str):
                pytest.skip(made)
            self._host = made
        if self._host.dirty:
            self._host.fresh()
        return self._host

    def give_up(self) -> None:
        """End a host that is harmed, whatever it still holds."""
        assert self._host is not None
        self._host.abandon()
        self._host = None

    def close(self) -> None:
        """End the host, and see that it is gone without a trace."""
        if self._host is not None:
            self._host.close()


@pytest.fixture(scope="module")
def keeper() -> Iterator[HostKeeper]:
    """The host of this module of tests."""
    made = HostKeeper()
    yield made
    made.close()


@pytest.fixture
def host(keeper: HostKeeper) -> Iterator[Host]:
    """A host with every layer; unharmed after each test."""
    found = keeper.get()
    yield found
    try:
        found.assert_unharmed()
    except BaseException:
        keeper.give_up()
        raise
