"""`platform-base demo`: the bundled plugins at work on recorded data."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from platform_base.cli.errors import InputError, OutputError
from platform_base.cli.options import ConfigOption, JsonOption, open_registry

if TYPE_CHECKING:
    from platform_base.core.models import ProcessingResult
    from platform_base.plots.figure import Labels
    from platform_base.plugins.registry import PluginRegistry

RECORDING = "elnino.csv"
FIRST_YEAR = 1950
MONTHS = 12
# Four years around each of the two strongest events of the record.
EVENTS = {"reference": 1981, "target": 1996}
YEARS = 4
_TIMEOUT_S = 120.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One call of the demonstration.

    Attributes:
        title: What was done.
        finding: What came out, in words.
        result: What the plugin returned.
    """

    title: str
    finding: str
    result: ProcessingResult


def demonstrate(
    out: Annotated[Path, typer.Option("--out", metavar="DIR", help="Where the pictures go; made if missing.")] = Path(
        "demo"
    ),
    data: Annotated[
        Path | None, typer.Option("--data", metavar="DIR", help="Where elnino.csv is; default: what comes along.")
    ] = None,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Filter, align and draw a recorded signal."""
    from platform_base.cli import render
    from platform_base.cli.pictures import check_matplotlib
    from platform_base.cli.progress import show_progress
    from platform_base.cli.series.source import load_input
    from platform_base.core.description import summarize_value

    recording = find_recording(data)
    check_matplotlib()
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"{out}: cannot be made: {error.strerror or error}") from error
    temperature = load_input(f"{recording}:sst").values
    with open_registry(config, None) as registry, show_progress("demo", wanted=not as_json) as report:
        steps = _take_steps(registry, temperature, report)
    files = _draw(out, temperature, steps)
    if as_json:
        described = [
            {
                "step": each.title,
                "plugin": _plugin(each),
                "finding": each.finding,
                "result": summarize_value(each.result.values),
            }
            for each in steps
        ]
        render.print_json({"recording": str(recording), "steps": described, "files": files})
        return
    print(f"Sea-surface temperature of the eastern Pacific (Niño 1+2), {len(temperature)} months from {recording}")
    render.print_table(["step", "plugin", "finding", "time", "peak memory"], [_row(each) for each in steps])
    for file in files:
        print(f"wrote {file}")


def find_recording(data: Path | None) -> Path:
    """Return the recorded data: in `data`, else what comes along.

    Raises:
        InputError: It is not there.
    """
    from platform_base.series import recordings

    path = data / RECORDING if data is not None else recordings.find_recording(RECORDING)
    if path is None or not path.is_file():
        raise InputError(
            f"{path or RECORDING}: expected the recorded data, got nothing; it comes with the repository and with the "
            "wheel: leave out --data, or name the repository's examples/data with it"
        )
    return path


def _take_steps(registry: PluginRegistry, temperature: Any, report: Any) -> list[Step]:
    import numpy as np

    filtered = registry.execute_plugin(
        "custom_filters",
        {"series": temperature},
        {"filter_type": "butterworth", "btype": "low", "cutoff": 0.6, "sampling_rate": float(MONTHS), "order": 4},
        _TIMEOUT_S,
        progress=report,
    )
    swing = float(np.std(temperature - filtered.values))
    one, other = (_event(filtered.values, name) for name in EVENTS)
    aligned = registry.execute_plugin(
        "dtw_align",
        {"reference": one, "target": other},
        {"distance_metric": "euclidean", "window_size": 18},
        _TIMEOUT_S,
        progress=report,
    )
    before, after = np.corrcoef(one, other)[0, 1], np.corrcoef(one, aligned.values)[0, 1]
    months = np.arange(float(len(one)))
    distance = registry.execute_plugin(
        "twed_distance",
        {"series1": one, "series2": other, "times1": months, "times2": months},
        {"nu": 0.05, "lambda": 0.5},
        _TIMEOUT_S,
        progress=report,
    )
    return [
        Step(
            title="filter the record",
            finding=f"seasons of {swing:.2f} °C (standard deviation) removed",
            result=filtered,
        ),
        Step(
            title=f"align {_years('target')} with {_years('reference')}",
            finding=f"correlation {before:.3f} month by month, {after:.3f} aligned",
            result=aligned,
        ),
        Step(
            title="distance of the two",
            finding=f"TWED {distance.values:.2f} °C",
            result=distance,
        ),
    ]


def _event(series: Any, name: str) -> Any:
    start = (EVENTS[name] - FIRST_YEAR) * MONTHS
    return series[start : start + YEARS * MONTHS]


def _years(name: str) -> str:
    return f"{EVENTS[name]}-{EVENTS[name] + YEARS - 1}"


def _draw(out: Path, temperature: Any, steps: list[Step]) -> list[str]:
    from platform_base.cli.pictures import save_figure
    from platform_base.plots.figure import Labels
    from platform_base.plots.plots import draw_result

    filtered, aligned = steps[0].result, steps[1].result
    pictures: dict[str, tuple[ProcessingResult, dict[str, Any], Labels]] = {
        "filter.png": (
            filtered,
            {"series": temperature},
            Labels(
                title="Sea-surface temperature, Niño 1+2",
                value="temperature (°C)",
                time="year",
                frequency_unit="cycles per year",
                start=FIRST_YEAR,
                names={"before": "recorded each month", "after": "low-pass filtered"},
            ),
        ),
        "alignment.png": (
            aligned,
            {name: _event(filtered.values, name) for name in EVENTS},
            Labels(
                title="Two El Niño events, aligned",
                value="temperature (°C)",
                time="month",
                names={name: _years(name) for name in EVENTS},
            ),
        ),
    }
    for name, (result, inputs, labels) in pictures.items():
        save_figure(out / name, partial(draw_result, result=result, inputs=inputs, labels=labels))
    return [str(out / name) for name in pictures]


def _plugin(step: Step) -> str:
    assert step.result.execution is not None
    return step.result.execution.plugin_id


def _row(step: Step) -> list[str]:
    execution = step.result.execution
    assert execution is not None
    memory = f"{execution.peak_memory_bytes / (1 << 20):.0f} MiB"
    return [step.title, execution.plugin_id, step.finding, f"{execution.wall_seconds:.3f} s", memory]
