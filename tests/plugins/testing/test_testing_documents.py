"""The pages on testing name every property, every fixture, and every key of the reports."""

from __future__ import annotations

import dataclasses
import inspect
import re

import pytest
from tests.conftest import REPOSITORY
from tests.docs.pages import read_table

from platform_base.plugins.testing import PluginReport, Verdict, check_plugin, fixtures
from platform_base.plugins.testing.probe import Probe
from platform_base.plugins.testing.properties import PROPERTIES

DOCUMENTS = REPOSITORY / "docs" / "plugins"
REFERENCE = DOCUMENTS / "reference" / "testing.md"


def words_in(text: str) -> set[str]:
    return set(re.findall(r"`(\w+)(?:\(\))?`", text))


def test_every_property_is_explained() -> None:
    rows = (DOCUMENTS / "guides" / "test.md").read_text().partition("## What is tried")[2].partition("\n## ")[0]
    named = {word for line in rows.splitlines() if line.startswith("| `") for word in words_in(line.split("|")[1])}
    assert named == {each.name for each in PROPERTIES}


def test_every_fixture_is_explained() -> None:
    defined = {
        name
        for name, value in vars(fixtures).items()
        if type(value).__name__ == "FixtureFunctionDefinition" or hasattr(value, "_pytestfixturefunction")
    }
    assert set(read_table(REFERENCE, "Fixtures")) == defined


@pytest.mark.parametrize(("heading", "model"), [("PluginReport", PluginReport), ("Verdict", Verdict)])
def test_every_attribute_is_explained(heading: str, model: type) -> None:
    section = REFERENCE.read_text().partition(f"\n## {heading}\n")[2].partition("\n## ")[0]
    named = {word for line in section.splitlines() if line.startswith("| `") for word in words_in(line.split("|")[1])}
    public = {name for name, _ in inspect.getmembers(model) if not name.startswith("_")}
    assert named == public | {each.name for each in dataclasses.fields(model)}


def test_every_argument_and_every_key_is_explained() -> None:
    section = REFERENCE.read_text().partition("## `check_plugin`")[2].partition("\n## ")[0]
    assert set(inspect.signature(check_plugin).parameters) <= words_in(section)
    page = (DOCUMENTS / "reference" / "command-line.md").read_text()
    validate = page.partition("\n## `validate`")[2].partition("\n## ")[0]
    assert {each.name for each in dataclasses.fields(Probe)} <= words_in(validate)
