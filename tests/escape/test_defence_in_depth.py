"""With a single layer left out, another one must still hold; and the published table must name every behaviour."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.escape.configurations import CONFIGURATIONS, REFUSED, Configuration, make_host
from tests.escape.harness import Host
from tests.escape.outcomes import Behaviour
from tests.escape.table import ALL_CHAPTERS, PAGE, describe, split

PAIRS = [
    pytest.param(configuration, behaviour, id=f"{configuration.name}-{behaviour.name}")
    for configuration in CONFIGURATIONS[1:]
    for behaviour in REFUSED
    if configuration.must_hold(behaviour) and configuration.tries(behaviour)
]


@pytest.fixture(scope="module")
def hosts() -> Iterator[dict[str, Host | str]]:
    """One host for each configuration, started when it is asked for."""
    made: dict[str, Host | str] = {}
    yield made
    for host in reversed(made.values()):
        if isinstance(host, Host):
            host.close()


@pytest.mark.parametrize(("configuration", "behaviour"), PAIRS)
def test_another_layer_still_holds(
    hosts: dict[str, Host | str], configuration: Configuration, behaviour: Behaviour
) -> None:
    host = hosts.get(configuration.name)
    if host is None:
        host = hosts[configuration.name] = make_host(configuration)
    if isinstance(host, str):
        pytest.skip(host)
    assert not set(configuration.switched_off) & set(host.protections)
    outcome = host.attack(behaviour.do, timeout_s=behaviour.timeout_s, special=behaviour.special, **behaviour.inputs)
    assert describe(outcome) != "**open**", outcome.value
    assert outcome.error is None
    host.assert_unharmed()


@pytest.mark.parametrize("who", ["root", "an ordinary user"])
def test_the_published_table_names_every_behaviour(who: str) -> None:
    """Written by ``python -m tests.escape.table``; behaviours come and go with the code."""
    rows = dict(_rows(split(PAGE.read_text(encoding="utf-8"))[who]))
    assert set(rows) >= {behaviour.name for behaviour in REFUSED}, "run python -m tests.escape.table"
    for name, cells in rows.items():
        assert cells[0] != "**open**", f"{name} gets through all layers"


def test_the_page_lists_what_the_border_stops() -> None:
    page = PAGE.read_text(encoding="utf-8")
    for chapter in ALL_CHAPTERS:
        for behaviour in chapter.BEHAVIOURS:
            assert ascii(behaviour.name)[1:-1] in page, f"{behaviour.name} is missing: run python -m tests.escape.table"


def _rows(table: str) -> Iterator[tuple[str, list[str]]]:
    for line in table.splitlines():
        if line.startswith("| ") and not line.startswith("| behaviour"):
            name, *cells = (part.strip() for part in line.strip("|").split(" | "))
            yield name, cells
