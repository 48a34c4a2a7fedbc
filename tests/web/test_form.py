"""What a manifest's configuration becomes, and what comes back from it."""

from __future__ import annotations

import html
import re

import pytest

from platform_base.plugins.manifest import Parameter
from platform_base.web.forms import make_fields, read_parameters

CONFIGURATION = {
    "rate": Parameter(type="float", exclusive_minimum=0, unit="Hz"),
    "order": Parameter(type="integer", default=4, minimum=1),
    "window": Parameter(type="integer", default=None, nullable=True),
    "kind": Parameter(type="string", default="low", options=["low", "high"]),
    "flag": Parameter(type="boolean", default=True),
    "maybe": Parameter(type="boolean", default=None, nullable=True),
    "levels": Parameter(type="array", items="float", default=[0.5, 1.0]),
    "word": Parameter(type="string", default="x"),
}


def read(**given: str):
    return read_parameters("p", CONFIGURATION, {f"p.{name}": text for name, text in given.items()})


def test_each_type_has_its_own_kind_of_field() -> None:
    kinds = {field.name: field.kind for field in make_fields(CONFIGURATION, {}, {})}
    assert kinds == {
        "rate": "number", "order": "number", "window": "number", "kind": "select", "flag": "checkbox",
        "maybe": "select", "levels": "text", "word": "text",
    }  # fmt: skip


def test_what_a_browser_sends_becomes_typed_values() -> None:
    values, _, errors = read(rate=" 2.5 ", order="3", window="", kind="high", maybe="false", levels="[1, 2.5]", word="")
    assert errors == {}
    assert values == {
        "rate": 2.5, "order": 3, "window": None, "kind": "high", "flag": False, "maybe": False,
        "levels": [1, 2.5], "word": "",
    }  # fmt: skip


def test_the_untouched_form_gives_the_defaults() -> None:
    texts = {field.name: field.text for field in make_fields(CONFIGURATION, {}, {})}
    texts["rate"] = "1"
    values, _, errors = read(**texts)
    assert errors == {}
    assert {name: values[name] for name in ("order", "window", "kind", "flag", "maybe", "levels", "word")} == {
        name: CONFIGURATION[name].default for name in ("order", "window", "kind", "flag", "maybe", "levels", "word")
    }


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"rate": "0"}, r"rate: expected float > 0 in Hz, got 0\.0"),
        ({"rate": ""}, "rate: expected float > 0 in Hz, got nothing"),
        ({"rate": "1", "order": "1.5"}, r"order: expected integer >= 1, got '1\.5'"),
        ({"rate": "1", "kind": "lo"}, "kind: expected string out of .*did you mean 'low'"),
        ({"rate": "1", "levels": "1, 2"}, "levels: expected array of float, got '1, 2'"),
        ({"rate": "1", "levels": '["a"]'}, "levels: expected float, got"),
    ],
)
def test_what_does_not_fit_is_said_at_its_field(given: dict[str, str], message: str) -> None:
    _, texts, errors = read(**given)
    assert re.search(message, "\n".join(f"{name}: {text}" for name, text in errors.items()))
    assert texts["rate"] == given["rate"]


def test_every_fault_is_said_at_once() -> None:
    assert set(read(rate="-1", order="0", kind="none", levels="[")[2]) == {"rate", "order", "kind", "levels"}


def test_the_page_marks_the_fields_and_keeps_what_was_entered(reader) -> None:
    fields = {"p.factor": "11", "p.count": "0", "p.word": "kept", "s.series": "example:0", "timeout": "-1"}
    answer = reader.post("/plugins/hostile/run", data=fields)
    assert answer.status_code == 422
    text = html.unescape(answer.text)
    for name in ("factor", "count"):
        tag = re.search(rf'<input[^>]*id="p-{name}"[^>]*>', text)[0]
        assert 'aria-invalid="true"' in tag
        assert f"p-{name}-error" in tag
    assert 'id="p-factor-error">expected float >= 0.0 and <= 10.0 in V<sub>, got 11.0<' in text
    assert 'value="kept"' in text
    assert 'id="timeout-error"' in text
    assert 'role="alert"' in text


def test_ranges_units_options_and_defaults_stand_in_the_page(reader) -> None:
    text = reader.get("/plugins/custom_filters").text
    assert re.search(r'<input type="number" id="p-order"[^>]*value="4"[^>]*step="1"[^>]*min="1"', text)
    assert re.search(r'<option value="butterworth" selected>', text)
    assert '<span class="unit">samples</span>' in text
