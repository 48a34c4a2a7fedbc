"""Results as files: however large, however many at once, and nothing is left of them."""

from __future__ import annotations

import io
import tempfile
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from numpy.testing import assert_array_equal

FIELDS = {"p.factor": "2", "s.series": "example:0"}


@pytest.fixture(scope="module")
def long() -> np.ndarray:
    return np.random.default_rng(7).normal(size=300_000)


@pytest.fixture
def run(reader, long) -> str:
    stream = io.BytesIO()
    np.save(stream, long)
    upload = reader.upload("long.npy", stream.getvalue())
    return reader.run("hostile", **{"p.factor": "1", "s.series": f"upload:{upload}", "c.series": "values"})


def test_a_long_result_as_json(reader, run: str, long) -> None:
    answer = reader.get(f"{run}/download/json")
    assert int(answer.headers["content-length"]) == len(answer.content)
    assert_array_equal(answer.json()["values"], long)


def test_no_room_for_a_file_is_said(reader, run: str, tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "gone"))
    answer = reader.get(f"{run}/download/csv")
    assert answer.status_code == 507
    assert "expected room for a temporary file" in answer.text


def test_pictures_that_are_drawn_at_once_leave_the_style_as_it_was(reader) -> None:
    matplotlib = pytest.importorskip("matplotlib")
    run = reader.run("hostile", **FIELDS)
    reader.get(f"{run}/download/png")
    before = dict(matplotlib.rcParams)
    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(lambda _: reader.get(f"{run}/download/png"), range(8)))
    assert {answer.status_code for answer in answers} == {200}
    assert len({answer.content for answer in answers}) == 1
    assert dict(matplotlib.rcParams) == before
