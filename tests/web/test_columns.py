"""A file with more columns than anybody reads."""

from __future__ import annotations

import io
import re

import numpy as np
import pytest
from numpy.testing import assert_array_equal

WIDE = 20_000


@pytest.fixture(scope="module")
def wide() -> bytes:
    header = ",".join(f"sensor {number}" for number in range(WIDE))
    rows = [",".join(str(number + row) for number in range(WIDE)) for row in (0, 1)]
    return "\n".join([header, *rows, ""]).encode()


def ticked(text: str) -> list[str]:
    return re.findall(r'name="c.series" value="([^"]*)" checked', text)


def offered(text: str) -> list[str]:
    return re.findall(r'name="c.series" value="([^"]*)"', text)


def test_the_form_offers_some_columns_and_says_so(reader, wide) -> None:
    upload = reader.upload("wide.csv", wide)
    answer = reader.get(f"/plugins/hostile?upload={upload}&lang=en")
    assert len(answer.content) < 200_000
    assert offered(answer.text) == [f"sensor {number}" for number in range(200)]
    assert ticked(answer.text) == ["sensor 0"]
    assert "200 are shown; 20000 of 20000 columns match." in answer.text


def test_columns_are_found_by_a_part_of_their_name_and_what_is_ticked_stays(reader, wide) -> None:
    upload = reader.upload("wide.csv", wide)
    base = f"/plugins/hostile/source?key=series&s.series=upload:{upload}&lang=en"
    text = reader.get(f"{base}&f.series=SENSOR 1234&c.series=sensor 7&c.series=gone").text
    assert offered(text) == ["sensor 7", "sensor 1234", *(f"sensor 1234{digit}" for digit in range(10))]
    assert ticked(text) == ["sensor 7"]
    assert "12 are shown; 11 of 20000 columns match." in text
    # What was unticked is not ticked again.
    assert ticked(reader.get(f"{base}&f.series=1234").text) == []
    assert ticked(reader.get(base).text) == ["sensor 0"]


def test_a_column_that_was_not_offered_can_be_run_and_is_offered_again(reader, wide) -> None:
    upload = reader.upload("wide.csv", wide)
    fields = {"p.factor": "1", "s.series": f"upload:{upload}", "c.series": "sensor 19999"}
    run = reader.run("hostile", **fields)
    assert_array_equal(np.load(io.BytesIO(reader.get(f"{run}/download/npy").content)), [19999, 20000])
    text = reader.get(f"/plugins/hostile?from={run.rpartition('/')[2]}").text
    assert ticked(text) == ["sensor 19999"]
    assert len(offered(text)) == 200


def test_few_columns_are_all_offered_without_a_search(reader) -> None:
    upload = reader.upload("few.csv", b"x,y\n1,2\n")
    text = reader.get(f"/plugins/hostile?upload={upload}").text
    assert offered(text) == ["x", "y"]
    assert 'type="search"' not in text
