"""`platform-base run`: one call of one plugin."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from platform_base.cli.errors import UsageError
from platform_base.cli.options import (
    ConfigOption,
    InputsOption,
    JsonOption,
    ParamsFileOption,
    ParamsOption,
    PluginArgument,
    PluginsOption,
    open_registry,
)

if TYPE_CHECKING:
    from platform_base.cli.series.source import LoadedInput
    from platform_base.core.models import ProcessingResult


def run_plugin(
    plugin_id: PluginArgument,
    inputs: InputsOption = None,
    params: ParamsOption = None,
    params_file: ParamsFileOption = None,
    timeout: Annotated[
        float | None, typer.Option("--timeout", metavar="SECONDS", help="Deadline; default: what the settings say.")
    ] = None,
    out: Annotated[
        Path | None, typer.Option("--out", "-o", metavar="FILE", help="Write the result: .npz .json .npy .csv.")
    ] = None,
    plot: Annotated[
        Path | None, typer.Option("--plot", metavar="FILE", help="Draw the result: .png .svg .pdf.")
    ] = None,
    show_policy: Annotated[
        bool, typer.Option("--show-policy", help="Print what the plugin may do, and run nothing.")
    ] = False,
    force: Annotated[bool, typer.Option("--force", help="Overwrite files that exist.")] = False,
    no_history: Annotated[
        bool, typer.Option("--no-history", help="Do not remember this run; see `platform-base runs`.")
    ] = False,
    plugins: PluginsOption = None,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Run a plugin on data from files."""
    from platform_base.cli import render
    from platform_base.cli.assignments import read_parameters
    from platform_base.cli.progress import show_progress
    from platform_base.cli.summary import summarize_for_people, summarize_run

    if show_policy:
        _print_policy(plugin_id, plugins, config, as_json=as_json)
        return
    _check_files(out, plot, force=force)
    with open_registry(config, plugins, remember=not no_history) as registry:
        parameters = read_parameters(params or [], params_file, registry.get_manifest(plugin_id).configuration)
        loaded = load_inputs(inputs or [])
        values = {name: each.values for name, each in loaded.items()}
        with show_progress(plugin_id, wanted=not as_json) as report:
            result = registry.execute_plugin(plugin_id, values, parameters, timeout, progress=report)
    files = _write_files(result, values, out, plot)
    if as_json:
        render.print_json(summarize_run(result, loaded, files))
        return
    render.print_facts(summarize_for_people(result, loaded, files))


def _print_policy(plugin_id: str, plugins: PluginsOption, config: ConfigOption, *, as_json: bool) -> None:
    """Print the policy that the settings and the manifest give together."""
    from platform_base.cli import render

    with open_registry(config, plugins) as registry:
        policy = registry.get_policy(plugin_id)
    if as_json:
        render.print_json(policy)
        return
    shown = {key: value for key, value in policy.items() if key not in ("scratch", "uid", "group", "switched_off")}
    render.print_facts(
        {
            key: "\n".join(map(str, value)) or "none"
            if isinstance(value, list)
            else "no limit"
            if value is None
            else value
            for key, value in shown.items()
        }
    )


def _check_files(out: Path | None, plot: Path | None, *, force: bool) -> None:
    """Find out before the work is done whether its result can be kept."""
    if out is not None:
        from platform_base.cli.result_files import RESULT_WRITERS, check_output

        check_output(out, tuple(RESULT_WRITERS), force=force)
    if plot is not None:
        from platform_base.cli.pictures import check_matplotlib
        from platform_base.cli.result_files import check_output
        from platform_base.plots.figure import SUFFIXES

        check_output(plot, SUFFIXES, force=force)
        check_matplotlib()


def load_inputs(words: list[str]) -> dict[str, LoadedInput]:
    """Read the inputs that stand behind ``--input``.

    Raises:
        CommandError: A word is no assignment, or an input cannot be read.
    """
    from platform_base.cli.assignments import split_assignments
    from platform_base.cli.series.source import load_input

    sources = split_assignments(words, "--input")
    if "params" in sources:
        raise UsageError("--input params=...: expected the name of an input; give parameters with --param NAME=VALUE")
    return {name: load_input(source) for name, source in sources.items()}


def _write_files(
    result: ProcessingResult, inputs: Mapping[str, Any], out: Path | None, plot: Path | None
) -> dict[str, str]:
    files: dict[str, str] = {}
    if out is not None:
        from platform_base.cli.result_files import write_result

        write_result(out, result)
        files["out"] = str(out)
    if plot is not None:
        from platform_base.cli.pictures import save_figure
        from platform_base.plots.plots import draw_result

        save_figure(plot, lambda figure: draw_result(figure, result, inputs))
        files["plot"] = str(plot)
    return files
