"""The bundled plugins as plugins: manifests, entry points, the plugin protocol, and life without Numba."""

from __future__ import annotations

import ast
import doctest
import importlib
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from plugins.advanced_sync.dtw_plugin import DTWPlugin
from plugins.custom_filters.filters_plugin import FiltersPlugin
from plugins.template import scaling
from plugins.template.plugin_template import PluginTemplate
from plugins.time_elastic.twed_plugin import TWEDPlugin

from platform_base.core.models import ProcessingResult
from platform_base.kernels import inputs as known_inputs
from platform_base.plugins.base import PluginProtocol

ROOT = Path(__file__).resolve().parents[2]
DIRECTORIES = ("template", "advanced_sync", "time_elastic", "custom_filters")
WAVE = np.sin(np.arange(60) / 5.0)
CALLS: dict[str, tuple[type[PluginProtocol], dict[str, Any]]] = {
    "template": (PluginTemplate, {"series": WAVE}),
    "advanced_sync": (DTWPlugin, {"reference": WAVE, "target": WAVE[:50]}),
    "time_elastic": (TWEDPlugin, {"series1": WAVE, "series2": WAVE[:50]}),
    "custom_filters": (FiltersPlugin, {"series": WAVE}),
}

# Parameters that belong to another choice than the default one.
OWNERS = {
    "gap_value": {"distance": "erp"},
    "epsilon": {"distance": "edr"},
    "cost": {"distance": "msm"},
    "independent": {"distance": "msm"},
    "steepness": {"distance": "wdtw"},
    "warp_penalty": {"distance": "adtw"},
    "minkowski_p": {"distance_metric": "minkowski"},
    "itakura_max_slope": {"window_type": "itakura"},
    "shape_reach": {"representation": "shape"},
    "open_begin": {"step_pattern": "asymmetric"},
    "cutoff_high": {"btype": "bandpass"},
    "btype": {"cutoff_high": 0.5},
    "axis": {"axis": -1},
}


def manifest_of(directory: str) -> dict[str, Any]:
    manifest: dict[str, Any] = json.loads((ROOT / "plugins" / directory / "manifest.json").read_text("utf-8"))
    return manifest


def other_value(declared: dict[str, Any]) -> Any:
    """A valid value that is not the default, to show that the parameter arrives."""
    if "options" in declared:
        return declared["options"][-1]
    fraction = declared.get("minimum", 0.0) + 0.25
    return {"integer": 13, "float": fraction, "boolean": not declared["default"]}[declared["type"]]


@pytest.mark.parametrize("directory", DIRECTORIES)
def test_manifest_describes_what_is_there(directory: str) -> None:
    manifest = manifest_of(directory)
    home = ROOT / "plugins" / directory
    module, name = manifest["entry_point"].split(".")
    assert (home / f"{module}.py").is_file()
    plugin = getattr(importlib.import_module(f"plugins.{directory}.{module}"), name)()
    assert isinstance(plugin, PluginProtocol)
    assert plugin.get_manifest()["plugin_id"] == manifest["plugin_id"]
    assert plugin.get_manifest()["version"] == manifest["version"]
    for file in (manifest["documentation"]["readme"], *manifest["documentation"]["examples"]):
        assert (home / file).is_file()


@pytest.mark.parametrize("directory", DIRECTORIES)
def test_readme_names_every_parameter(directory: str) -> None:
    text = (ROOT / "plugins" / directory / "README.md").read_text("utf-8")
    for name in manifest_of(directory)["configuration"]:
        assert f"`{name}`" in text


@pytest.mark.parametrize("directory", DIRECTORIES)
def test_declared_defaults_are_those_of_the_kernel(directory: str) -> None:
    plugin, inputs = CALLS[directory]
    defaults = {name: declared["default"] for name, declared in manifest_of(directory)["configuration"].items()}
    bare = plugin().execute(inputs)
    filled = plugin().execute({**inputs, "params": defaults})
    assert isinstance(bare, ProcessingResult)
    assert np.array_equal(bare.values, filled.values)
    assert bare.metadata.keys() == filled.metadata.keys()


@pytest.mark.parametrize(
    ("directory", "name"),
    [(directory, name) for directory in DIRECTORIES for name in manifest_of(directory)["configuration"]],
)
def test_every_declared_parameter_is_taken(directory: str, name: str) -> None:
    plugin, inputs = CALLS[directory]
    params = {name: other_value(manifest_of(directory)["configuration"][name]), **OWNERS.get(name, {})}
    if name == "window_duration":
        inputs = {**inputs, "reference_times": np.arange(60) * 0.01, "target_times": np.arange(50) * 0.01}
    assert isinstance(plugin().execute({**inputs, "params": params}), ProcessingResult)


@pytest.mark.parametrize("directory", DIRECTORIES)
def test_validation_asks_for_every_input(directory: str) -> None:
    plugin, inputs = CALLS[directory]
    assert plugin().validate_inputs(inputs) is True
    assert plugin().validate_inputs({**inputs, "params": {}}) is True
    assert plugin().validate_inputs({}) is False
    for name in inputs:
        assert plugin().validate_inputs({k: v for k, v in inputs.items() if k != name}) is False
        assert plugin().validate_inputs({**inputs, name: None}) is False


@pytest.mark.parametrize(
    ("directory", "name", "meant"),
    [
        ("advanced_sync", "refrence_times", "reference_times"),
        ("time_elastic", "times_1", "times1"),
        ("custom_filters", "time", "times"),
    ],
)
def test_an_unknown_input_is_refused(directory: str, name: str, meant: str) -> None:
    plugin, inputs = CALLS[directory]
    with pytest.raises(ValueError, match=f"inputs: expected .*{meant}.*, got '{name}'; did you mean '{meant}'"):
        plugin().execute({**inputs, name: np.arange(60.0)})
    with pytest.raises(ValueError, match=r"inputs: expected .*, got .q.; leave it out"):
        plugin().execute({**inputs, "q": 1})
    assert doctest.testmod(known_inputs) == (0, 1)


FAMILY = ("twed", "erp", "edr", "lcss", "msm", "wdtw", "adtw")
# What defines something, and what refers to a definition.
DEFINING = (
    "advanced_sync.dtw.dtw_distance",
    "advanced_sync.averaging.dtw_barycenter",
    "advanced_sync.soft_dtw.soft_dtw",
    "custom_filters.filters.filter_series",
    *(f"time_elastic.{name}.{name}_distance" for name in FAMILY),
)
REFERRING = (
    *(f"advanced_sync.dtw.dtw_{question}" for question in ("path", "align", "matrices")),
    "advanced_sync.pairwise.dtw_pairwise",
    "advanced_sync.nearest.dtw_nearest",
    "advanced_sync.soft_dtw.soft_dtw_gradient",
    *(f"time_elastic.{name}.{name}_{question}" for name in FAMILY for question in ("matrix", "path", "pairwise")),
)


@pytest.mark.parametrize("path", [*DEFINING, *REFERRING])
def test_kernels_are_documented(path: str) -> None:
    module, _, name = path.rpartition(".")
    text = getattr(importlib.import_module(f"plugins.{module}"), name).__doc__
    assert all(f"\n    {section}:\n" in text for section in ("Returns", "Raises", "Example"))
    assert ">>> " in text
    assert "Time O(" in text or "time and memory are those of `dtw_path`" in text
    if path in DEFINING:
        assert "doi" in text or "arXiv" in text
        assert "``" in text
        assert "(n, channels)" in text
    else:
        assert "dtw_" in text or f"`{name.partition('_')[0]}_distance`" in text


@pytest.mark.parametrize("directory", DIRECTORIES)
def test_plugins_import_only_what_they_may(directory: str) -> None:
    allowed = {"numpy", "scipy", "numba", "platform_base.core.models", "platform_base.plugins.base"}
    refused = {"os", "subprocess", "socket", "ctypes", "multiprocessing", "pickle"}
    for file in (ROOT / "plugins" / directory).glob("*.py"):
        for node in ast.walk(ast.parse(file.read_text("utf-8"))):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom) and node.level == 0:
                names = [node.module or ""]
            for name in names:
                top = name.partition(".")[0]
                assert top not in refused, f"{file.name} imports {name}"
                known = top in sys.stdlib_module_names or name in allowed or top in allowed
                assert known or name.startswith("platform_base.kernels."), f"{file.name}: {name}"


def test_dtw_plugin() -> None:
    result = DTWPlugin().execute(
        {
            "reference": WAVE,
            "target": WAVE[:50],
            "params": {"distance_metric": "euclidean", "window_size": 100, "step_pattern": "symmetric"},
        }
    )
    assert result.values.shape == WAVE.shape
    assert result.metadata["step_pattern"] == "symmetric2"
    assert result.metadata["window_size"] == 100
    assert result.metadata["distance_metric"] == "euclidean"
    assert result.metadata["path"][-1].tolist() == [59, 49]
    assert result.metadata["normalized_distance"] == result.metadata["distance"] / 110
    assert result.metadata["kernel"] == "numba"


def test_twed_plugin_with_and_without_matrix() -> None:
    inputs = {"series1": WAVE, "series2": WAVE[:50], "times1": np.arange(60), "times2": np.arange(50)}
    parameters = {"nu": 0.5, "lambda": 0.25, "degree": 2.0}
    full = TWEDPlugin().execute({**inputs, "params": {**parameters, "cost_matrix": True}})
    lean = TWEDPlugin().execute({**inputs, "params": {**parameters, "cost_matrix": False}})
    assert isinstance(full.values, float)
    assert full.values == lean.values == full.metadata["distance"] == full.metadata["cost_matrix"][-1, -1]
    assert full.metadata["cost_matrix"].shape == (60, 50)
    assert lean.metadata["cost_matrix"] is None


def test_filters_plugin_joins_the_edges_of_a_band() -> None:
    parameters = {"btype": "band", "cutoff": 5.0, "cutoff_high": 20.0, "sampling_rate": 100.0, "order": 2}
    result = FiltersPlugin().execute({"series": WAVE, "params": parameters})
    assert result.metadata["sos"].shape == (2, 6)
    assert result.metadata["btype"] == "bandpass"
    assert result.metadata["freq_unit"] == "Hz"
    assert result.metadata["freqs"][-1] == 50.0
    assert len(result.metadata["freqs"]) == len(result.metadata["magnitude_db"]) == len(result.metadata["phase"])
    median = FiltersPlugin().execute({"series": WAVE, "params": {"filter_type": "median"}})
    assert [median.metadata[key] for key in ("sos", "freqs", "magnitude_db", "phase")] == [None] * 4


def test_template_plugin() -> None:
    result = PluginTemplate().execute({"series": [1, 2, 3, 4]})
    assert result.values.tolist() == [2, 4, 6, 8]
    shifted = PluginTemplate().execute({"series": [[1.0], [2.0]], "params": {"multiplier": -1, "offset": 0.5}})
    assert shifted.values.tolist() == [[-0.5], [-1.5]]
    assert doctest.testmod(scaling) == (0, 1)
    for series, error, message in [
        ([], ValueError, "at least one value"),
        ([1.0, np.inf], ValueError, "got inf at position 1"),
        (["a"], TypeError, "real numbers"),
        ([[1], [2, 3]], ValueError, "ragged"),
    ]:
        with pytest.raises(error, match=message):
            PluginTemplate().execute({"series": series})


WITHOUT_NUMBA = """
import sys
sys.modules["numba"] = None
import json
import numpy as np
from plugins.advanced_sync.dtw_plugin import DTWPlugin
from plugins.time_elastic.twed_plugin import TWEDPlugin
wave = np.sin(np.arange(60) / 5.0)
aligned = DTWPlugin().execute({"reference": wave, "target": wave[:50]})
apart = TWEDPlugin().execute({"series1": wave, "series2": wave[:50]})
from plugins.advanced_sync.dtw import dtw_distance
try:
    dtw_distance(wave, wave, kernel="numba")
except ImportError as error:
    refusal = str(error)
print(json.dumps({
    "kernels": [aligned.metadata["kernel"], apart.metadata["kernel"]],
    "aligned": aligned.values.tolist(), "distance": aligned.metadata["distance"],
    "path": aligned.metadata["path"].tolist(), "apart": apart.values, "refusal": refusal,
}))
"""


def test_without_numba_the_results_are_the_same() -> None:
    process = subprocess.run(
        [sys.executable, "-c", WITHOUT_NUMBA], cwd=ROOT, capture_output=True, text=True, check=True
    )
    got = json.loads(process.stdout)
    aligned = DTWPlugin().execute(CALLS["advanced_sync"][1])
    assert got["kernels"] == ["numpy", "numpy"]
    assert got["aligned"] == aligned.values.tolist()
    assert got["distance"] == aligned.metadata["distance"]
    assert got["path"] == aligned.metadata["path"].tolist()
    assert got["apart"] == TWEDPlugin().execute(CALLS["time_elastic"][1]).values
    assert "install numba" in got["refusal"]


LAZY = """
import sys
import plugins.advanced_sync.dtw_plugin
import plugins.custom_filters.filters_plugin
import plugins.time_elastic.twed_plugin
print([name for name in ("scipy", "numba", "pandas") if name in sys.modules])
"""


def test_loading_the_plugins_loads_neither_scipy_nor_numba() -> None:
    process = subprocess.run([sys.executable, "-c", LAZY], cwd=ROOT, capture_output=True, text=True, check=True)
    assert process.stdout.strip() == "[]"


@pytest.mark.parametrize(
    ("file", "columns", "rows", "gaps"),
    [
        ("sunspots.csv", "year,sunspots", 309, 0),
        ("elnino.csv", "month,sst", 732, 0),
        ("co2.csv", "week,co2", 2284, 59),
    ],
)
def test_recordings_are_what_their_readme_says(file: str, columns: str, rows: int, gaps: int) -> None:
    lines = (ROOT / "examples" / "data" / file).read_text("utf-8").splitlines()
    assert lines[0] == columns
    assert len(lines) - 1 == rows
    assert sum(line.endswith(",") for line in lines) == gaps
