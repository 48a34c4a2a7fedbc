"""From a form to a result: inputs, progress, cancelling, pictures, downloads."""

from __future__ import annotations

import html
import io
import json
import re
import shutil
import zlib
from pathlib import Path

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from tests.conftest import eventually

BEGINNINGS = {
    "npz": b"PK", "npy": b"\x93NUMPY", "png": b"\x89PNG", "svg": b"<?xml", "json": b"{", "csv": b"value\n"
}  # fmt: skip
FIELDS = {"p.factor": "2", "s.series": "example:0"}


def test_a_run_shows_its_result_and_how_it_came_about(reader) -> None:
    text = reader.get(reader.run("hostile", **FIELDS)).text
    assert 'class="state state-done"' in text
    assert "8 float64, from 0 to 1.75" in text
    assert "landlock" in text or "none: sandboxing" in text
    assert re.search(r"sha256:[0-9a-f]{64}", text)


def test_an_uploaded_column_is_what_the_plugin_gets(reader, elnino) -> None:
    upload = reader.upload("elnino.csv", elnino)
    run = reader.run("hostile", **{"p.factor": "1", "s.series": f"upload:{upload}", "c.series": "sst"})
    values = np.genfromtxt(io.BytesIO(elnino), delimiter=",", skip_header=1, usecols=1)
    assert_allclose(np.load(io.BytesIO(reader.get(f"{run}/download/npy").content)), values)


def test_several_columns_become_channels(reader) -> None:
    upload = reader.upload("a.csv", b"x,y,z\n1,2,3\n4,5,6\n")
    run = reader.run("hostile", **{"p.factor": "1", "s.series": f"upload:{upload}", "c.series": ["z", "x"]})
    assert_array_equal(np.load(io.BytesIO(reader.get(f"{run}/download/npy").content)), [[3, 1], [6, 4]])


def test_typed_numbers_and_further_inputs(reader) -> None:
    fields = {"p.factor": "3", "s.series": "typed", "t.series": "1 2,5", "n.x1": "times", "s.x1": "generated:sine"}
    run = reader.run("hostile", **fields)
    document = json.loads(reader.get(f"{run}/download/json").content)
    assert document["values"] == [3.0, 6.0, 15.0]
    assert "times" in reader.get(run).text


def test_an_example_may_be_a_file_of_the_plugin(reader) -> None:
    assert re.search(r'<option value="example:1">[^<]*from a file', reader.get("/plugins/hostile?lang=en").text)
    run = reader.run("hostile", **{"p.factor": "2", "s.series": "example:1"})
    assert_array_equal(np.load(io.BytesIO(reader.get(f"{run}/download/npy").content)), [9.0, 4.5])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda file, _: file.unlink(), "levels.csv: No such file"),
        (lambda file, _: file.write_text("lower\n1\n"), "levels.csv: expected one column of"),
        (lambda file, secret: (file.unlink(), file.symlink_to(secret)), "a link that leads out of its directory"),
    ],
)
def test_an_example_whose_file_was_changed_is_said(reader, registry, tmp_path, change, message: str) -> None:
    plugin = tmp_path / "plugin"
    shutil.copytree(Path(__file__).parent / "plugins" / "hostile", plugin)
    secret = tmp_path / "secret.csv"
    secret.write_text("upper\n7\n")
    manifest = (plugin / "manifest.json").read_text()
    name = f"hostile_{zlib.crc32(message.encode())}"
    (plugin / "manifest.json").write_text(manifest.replace('"plugin_id": "hostile"', f'"plugin_id": "{name}"'))
    registry.discover_plugins(plugin)
    change(plugin / "levels.csv", secret)
    answer = reader.post(f"/plugins/{name}/run", data={"p.factor": "1", "s.series": "example:1"})
    assert answer.status_code == 422
    assert message in html.unescape(answer.text)


def test_a_recording_is_read_as_any_file_is(reader, elnino) -> None:
    run = reader.run("hostile", **{"p.factor": "1", "s.series": "recording:elnino.csv", "c.series": "sst"})
    lines = reader.get(f"{run}/download/csv").text.splitlines()
    assert len(lines) == len(elnino.splitlines())
    assert float(lines[1]) == 23.11


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"s.series": "upload:gone"}, "upload the file again"),
        ({"s.series": "typed", "t.series": "one"}, "expected numbers such as"),
        ({"s.series": "recording:../secret.csv"}, "expected recorded data"),
        ({"s.series": "example:99"}, "expected an example of this plugin"),
        ({"s.series": "example:0", "s.x1": "typed", "t.x1": "1"}, "expected the name of an input"),
        ({"s.series": "example:0", "n.x1": "params", "s.x1": "typed", "t.x1": "1"}, "expected the name of an input"),
    ],
)
def test_an_input_that_cannot_be_made_is_said(reader, fields, message: str) -> None:
    answer = reader.post("/plugins/hostile/run", data={"p.factor": "1", **fields})
    assert answer.status_code == 422
    assert message in answer.text


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.xlsx", b"PK", "ends in one of"),
        ("a.npy", b"\x93NUMPY", "expected a file that numpy.save wrote"),
        ("a.csv", b"day\nmon\n", "expected a column of numbers"),
        ("a.csv", b"", "expected a file of 1 byte"),
        ("a.parquet", b"PAR1", "a.parquet"),
    ],
)
def test_a_file_that_cannot_be_read_is_said_at_its_field(reader, name: str, content: bytes, message: str) -> None:
    answer = reader.post("/uploads?plugin=hostile", files={"file": (name, content)})
    assert answer.status_code == 422
    assert message in answer.text


def test_a_file_can_be_forgotten(reader) -> None:
    upload = reader.upload("a.csv", b"x\n1\n")
    assert reader.post(f"/uploads/{upload}/remove?plugin=hostile").status_code == 303
    assert reader.post(f"/uploads/{upload}/remove?plugin=hostile").status_code == 404


def test_a_failure_names_its_cause_and_shows_the_traceback(reader) -> None:
    text = reader.get(reader.run("hostile", **FIELDS, **{"p.act": "raise"})).text
    assert "PluginFailedError" in text
    assert "hostile.py" in text
    assert "exception ValueError" in reader.get("/").text
    assert "exception ValueError" in reader.get("/runs").text


def test_a_death_is_a_failure_with_its_signal(reader) -> None:
    run = reader.run("hostile", **FIELDS, **{"p.act": "die"})
    assert "SIGSEGV" in reader.get(run).text


def test_a_deadline_ends_a_run(reader) -> None:
    run = reader.run("hostile", **FIELDS, **{"p.act": "hang", "timeout": "0.2"})
    assert "PluginTimeoutError" in reader.get(run).text


def test_progress_is_told_and_a_run_can_be_cancelled(reader, registry) -> None:
    run = reader.start("hostile", **FIELDS, **{"p.act": "hang", "timeout": "100"})
    assert eventually(lambda: "25 percent" in reader.get(f"{run}/status").text)
    assert "HX-Refresh" not in reader.get(f"{run}/status").headers
    assert "busy" in reader.get("/workers").text
    assert reader.post(f"{run}/cancel").status_code == 303
    assert "its worker has ended" in reader.get(run).text
    assert reader.get(f"{run}/status").headers["HX-Refresh"] == "true"
    assert [each for each in registry.list_workers() if each["state"] in ("busy", "paused")] == []
    assert reader.post(f"{run}/cancel").status_code == 303


def test_a_run_can_be_changed_and_made_again(reader) -> None:
    run = reader.run("hostile", **FIELDS, **{"p.word": "again", "p.count": "7"})
    text = reader.get(f"/plugins/hostile?from={run.rpartition('/')[2]}").text
    assert re.search(r'id="p-count"[^>]*value="7"', text)
    assert re.search(r'id="p-word"[^>]*value="again"', text)


def test_a_run_that_is_not_kept_is_explained(reader) -> None:
    answer = reader.get("/runs/0000000000000000")
    assert answer.status_code == 404
    assert "only the latest ones are" in answer.text


@pytest.mark.parametrize("kind", BEGINNINGS)
def test_downloads(reader, kind: str) -> None:
    run = reader.run("hostile", **FIELDS)
    answer = reader.get(f"{run}/download/{kind}")
    assert answer.status_code == 200
    assert answer.headers["content-disposition"].startswith('attachment; filename="hostile-')
    beginnings = {
        "npz": b"PK",
        "npy": b"\x93NUMPY",
        "png": b"\x89PNG",
        "svg": b"<?xml",
        "json": b"{",
        "csv": b"value\n",
    }
    assert answer.content.startswith(beginnings[kind])


def test_a_format_that_does_not_fit_is_said(reader) -> None:
    run = reader.run("hostile", **FIELDS, **{"p.act": "matrix"})
    assert reader.get(f"{run}/download/exe").status_code == 404


def test_a_window_of_a_million_samples_keeps_its_peak(reader) -> None:
    series = np.zeros(1_000_000)
    series[777_777] = 9.0
    stream = io.BytesIO()
    np.save(stream, series)
    upload = reader.upload("long.npy", stream.getvalue())
    run = reader.run("hostile", **{"p.factor": "1", "s.series": f"upload:{upload}", "c.series": "values"})
    answer = reader.get(f"{run}/series?trace=values:0&width=500").json()
    assert len(answer["x"]) == len(answer["ys"][0]) == 1000
    assert max(answer["ys"][0]) == 9.0
    near = reader.get(f"{run}/series?trace=values:0&width=500&start=777700&stop=777800").json()
    assert near["ys"][0][near["x"].index(777_777)] == 9.0


def test_numbers_of_a_picture_are_asked_for_sensibly_or_refused(reader) -> None:
    run = reader.run("hostile", **FIELDS)
    assert reader.get(f"{run}/series?trace=values:9").status_code == 404
    assert reader.get(f"{run}/series?trace=metadata.nothing:0").status_code == 404
    assert reader.get(f"{run}/series?trace=values:0&start=-1").status_code == 422
    assert reader.get(f"{run}/series?trace=values:0&start=5&stop=999999999").json()["stop"] == 8
    assert reader.get(f"{run}/path").status_code == 404


def test_the_alignment_of_two_series_has_its_pictures(reader) -> None:
    fields = {"s.reference": "typed", "t.reference": "0 1 2 3 2 1", "s.target": "typed", "t.target": "0 1 3 1"}
    run = reader.run("aligner", **fields)
    text = reader.get(run).text
    for kind in ("alignment", "plane", "lines"):
        assert f"panel-{kind}" in text
    path = reader.get(f"{run}/path").json()
    assert (path["i"], path["j"]) == ([0, 1, 2, 3, 4, 5], [0, 0, 1, 1, 2, 3])
    connectors = reader.get(f"{run}/connectors").json()
    assert (connectors["i"], connectors["j"]) == (path["i"], path["j"])
    assert reader.get(f"{run}/matrix.png?name=costs&plane=1").content.startswith(b"\x89PNG")
    assert reader.get(f"{run}/matrix.png?name=distance").status_code == 404
