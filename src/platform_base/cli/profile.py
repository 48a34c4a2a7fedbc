"""`platform-base profile`: where the time of a call goes, measured in the plugin's own confined process."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from platform_base.cli.errors import MissingExtraError
from platform_base.cli.options import (
    ColdOption,
    ConfigOption,
    InputsOption,
    JsonOption,
    ParamsFileOption,
    ParamsOption,
    PluginArgument,
    PluginsOption,
    open_registry,
)
from platform_base.cli.run import load_inputs

if TYPE_CHECKING:
    from platform_base.plugins.profiling.time_profile import TimeProfile

_FEW = 100
"""With fewer samples than this the shares are guesses."""
_MOST_FUNCTIONS = 10


def profile_plugin(
    plugin_id: PluginArgument,
    inputs: InputsOption = None,
    params: ParamsOption = None,
    params_file: ParamsFileOption = None,
    timeout: Annotated[
        float | None, typer.Option("--timeout", metavar="SECONDS", help="Deadline for all calls together.")
    ] = None,
    calls: Annotated[int, typer.Option("--calls", metavar="N", help="Call it N times: for short calls.")] = 1,
    interval: Annotated[float, typer.Option("--interval", metavar="SECONDS", help="Time between two samples.")] = 0.001,
    cold: ColdOption = False,
    html: Annotated[
        Path | None, typer.Option("--html", metavar="FILE", help="Write a page: flame graph, tree.")
    ] = None,
    speedscope: Annotated[
        Path | None, typer.Option("--speedscope", metavar="FILE", help="Write a .json file for the viewer speedscope.")
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Overwrite files that exist.")] = False,
    plugins: PluginsOption = None,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show where a plugin spends its time.

    Example: platform-base profile custom_filters -i series=data.csv:x -p cutoff=0.1 --calls 50 --html profile.html
    """
    from platform_base.cli import render
    from platform_base.cli.assignments import read_parameters
    from platform_base.cli.profiles.time_text import describe_time
    from platform_base.plugins.errors import MissingDependencyError

    _check_files(html, speedscope, force=force)
    with open_registry(config, plugins) as registry:
        parameters = read_parameters(params or [], params_file, registry.get_manifest(plugin_id).configuration)
        values = {name: each.values for name, each in load_inputs(inputs or []).items()}
        try:
            profile = registry.profile_plugin(
                plugin_id, values, parameters, timeout, interval_s=interval, calls=calls, warm=not cold
            )
        except MissingDependencyError as error:
            if error.missing != ("pyinstrument",):
                raise
            raise MissingExtraError("profile", extra="profile", missing="pyinstrument") from error
    facts = _list_facts(profile, interval, cold=cold)
    files = _write_files(profile, facts, html, speedscope)
    if as_json:
        render.print_json({**describe_time(profile), "files": files})
        return
    _print_profile(profile, {**facts, **files})


def _check_files(html: Path | None, speedscope: Path | None, *, force: bool) -> None:
    from platform_base.cli.result_files import check_output

    for path, suffixes in ((html, (".html",)), (speedscope, (".json",))):
        if path is not None:
            check_output(path, suffixes, force=force)


def _list_facts(profile: TimeProfile, interval: float, *, cold: bool) -> dict[str, str]:
    calls = f"{profile.calls}" + (", the first one included" if cold else ", after one that was not measured")
    facts = {
        "plugin": f"{profile.plugin_id} {profile.version}",
        "digest": profile.digest,
        "calls": calls,
        "time": f"{sum(root.seconds for root in profile.roots):.4f} s in the plugin, of {profile.seconds:.4f} s",
        "samples": f"{profile.samples}, at most one in {interval * 1e3:g} ms",
    }
    if profile.samples < _FEW:
        facts["note"] = f"fewer than {_FEW} samples show little; take more with --calls or a smaller --interval"
    return facts


def _write_files(
    profile: TimeProfile, facts: dict[str, str], html: Path | None, speedscope: Path | None
) -> dict[str, str]:
    from platform_base.cli.render import to_json
    from platform_base.cli.result_files import replace_file

    files = {}
    if html is not None:
        from platform_base.cli.profiles.time_page import make_time_page

        page = make_time_page(profile, facts).encode()
        replace_file(html, lambda stream: stream.write(page))
        files["html"] = str(html)
    if speedscope is not None:
        from platform_base.cli.profiles.speedscope import make_speedscope

        document = to_json(make_speedscope(profile)).encode()
        replace_file(speedscope, lambda stream: stream.write(document))
        files["speedscope"] = str(speedscope)
    return files


def _print_profile(profile: TimeProfile, facts: dict[str, str]) -> None:
    from platform_base.cli import render
    from platform_base.cli.profiles.time_page import show_place
    from platform_base.cli.profiles.time_text import draw_tree
    from platform_base.plugins.profiling.time_profile import list_hot

    render.print_facts(facts)
    if not profile.roots:
        return
    render.print_heading("  seconds  share  call")
    for line in draw_tree(profile):
        print(line)
    total = sum(root.seconds for root in profile.roots) or 1.0
    hot = [(callee, seconds) for callee, seconds in list_hot(profile)[:_MOST_FUNCTIONS] if seconds >= 0.005 * total]
    render.print_heading("  alone  share  function")
    for callee, seconds in hot:
        place = show_place(callee, profile.directory)
        print(f"{seconds:9.4f} {seconds / total:6.1%}  {render.shorten(callee.name)}  {render.visible(place)}")
