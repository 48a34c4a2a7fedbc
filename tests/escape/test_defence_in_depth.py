"""With a single layer left out, another one must still hold; and the published table must name every behaviour."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

import pytest

from tests.escape.configurations import CONFIGURATIONS, REFUSED, Configuration, make_host
from tests.escape.conftest import HostKeeper
from tests.escape.outcomes import Behaviour
from tests.escape.table import ALL_CHAPTERS, PAGE, describe, split


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Pair each configuration with what it must stop, so that all its tests come one after the other."""
    if "behaviour" in metafunc.fixturenames:
        configuration: Configuration = metafunc.cls.configuration
        tried = [each for each in REFUSED if configuration.must_hold(each) and configuration.tries(each)]
        metafunc.parametrize("behaviour", tried, ids=[each.name for each in tried])


@pytest.fixture(scope="class")
def weaker(request: pytest.FixtureRequest) -> Iterator[HostKeeper]:
    """The host of one configuration, which is without some layers."""
    configuration: Configuration = request.cls.configuration
    made = HostKeeper(lambda: make_host(configuration))
    yield made
    made.close()


class Matrix:
    """With these layers left out, what must still hold; one subclass for each configuration."""

    configuration: ClassVar[Configuration]

    def test_another_layer_still_holds(self, weaker: HostKeeper, behaviour: Behaviour) -> None:
        host = weaker.get()
        try:
            outcome = host.attack(
                behaviour.do, timeout_s=behaviour.timeout_s, special=behaviour.special, **behaviour.inputs
            )
            assert describe(outcome) != "**open**", outcome.value
            assert outcome.error is None
            host.assert_unharmed()
        except BaseException:
            weaker.give_up()
            raise
        host.dirty = False


def _subclass(configuration: Configuration) -> type[Matrix]:
    name = "Test" + "".join(word.capitalize() for word in configuration.name.replace(",", "").split())
    return type(name, (Matrix,), {"configuration": configuration, "__module__": __name__})


# Classes, because tests of one class stay together also when they are run in random order.
for _configuration in CONFIGURATIONS[1:]:
    _made = _subclass(_configuration)
    globals()[_made.__name__] = _made


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
