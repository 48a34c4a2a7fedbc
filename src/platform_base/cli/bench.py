"""`platform-base bench`: time and memory against the size of the inputs, and limits that follow from them."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from platform_base.cli.errors import UsageError
from platform_base.cli.options import (
    ConfigOption,
    JsonOption,
    ParamsOption,
    PluginArgument,
    PluginsOption,
    open_registry,
)

if TYPE_CHECKING:
    from platform_base.plugins.registry import PluginRegistry
    from platform_base.plugins.scaling.measurement import Measurement, Plan
    from platform_base.plugins.scaling.resizing import Sizes
    from platform_base.plugins.settings import Settings

_INPUT_HELP = (
    "What to make an input from: NAME=FILE, NAME=FILE:PART, NAME=json:VALUE or NAME=generator:sine,period=50; "
    "default: the first self-test."
)


def bench_plugin(
    plugin_id: PluginArgument,
    inputs: Annotated[list[str] | None, typer.Option("--input", "-i", metavar="NAME=SOURCE", help=_INPUT_HELP)] = None,
    params: ParamsOption = None,
    fixed: Annotated[
        list[str] | None, typer.Option("--fixed", metavar="NAME", help="Leave this input as it is; may be repeated.")
    ] = None,
    smallest: Annotated[int, typer.Option("--min-size", metavar="N", min=2, help="Samples to begin with.")] = 256,
    largest: Annotated[int, typer.Option("--max-size", metavar="N", min=2, help="No larger size.")] = 1_048_576,
    budget: Annotated[float, typer.Option("--budget", metavar="SECONDS", min=0.1, help="Time for everything.")] = 20.0,
    timeout: Annotated[float | None, typer.Option("--timeout", metavar="SECONDS", help="Deadline of a call.")] = None,
    compare: Annotated[
        str | None, typer.Option("--compare", metavar="VERSION", help="Measure this version as well, in turns.")
    ] = None,
    plot: Annotated[Path | None, typer.Option("--plot", metavar="FILE", help="Draw it: .png .svg .pdf.")] = None,
    force: Annotated[bool, typer.Option("--force", help="Overwrite a file that exists.")] = False,
    plugins: PluginsOption = None,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Measure how time and memory grow with the inputs.

    Example: platform-base bench custom_filters -i series=generator:sine,noise=0.1 -p cutoff=0.1 --plot bench.png
    """
    from platform_base.cli import render
    from platform_base.cli.bench_report import describe_bench, print_bench
    from platform_base.cli.progress import show_progress
    from platform_base.plugins.scaling.measurement import Plan, measure

    if smallest > largest:
        raise UsageError(f"--min-size {smallest} --max-size {largest}: expected the first not to be the larger one")
    if plot is not None:
        from platform_base.cli.pictures import check_matplotlib
        from platform_base.cli.result_files import check_output
        from platform_base.plots.figure import SUFFIXES

        check_output(plot, SUFFIXES, force=force)
        check_matplotlib()
    with contextlib.ExitStack() as stack:
        registries = [stack.enter_context(open_registry(config, plugins, remember=False))]
        if compare is not None:
            registries.append(stack.enter_context(open_registry(config, plugins, remember=False)))
            registries[1].load_plugin(plugin_id, compare)
        sizes, parameters, origin = _find_inputs(registries[0], plugin_id, inputs or [], params or [], fixed or [])
        plan = Plan(
            sizes=sizes,
            parameters=parameters,
            smallest=smallest,
            largest=largest,
            budget_s=budget,
            timeout_s=timeout,
        )
        with show_progress(plugin_id, wanted=not as_json) as report:
            measured = measure(registries, plugin_id, plan, report)
        settings = registries[0].settings
    described = describe_bench(measured, plan, origin)
    described["limits"]["fault"] = _try_limits(settings, plugins, plan, measured[0])
    files = _draw(plot, measured)
    if as_json:
        render.print_json({**described, "files": files})
        return
    print_bench(described, cpu_percent=settings.security_for(plugin_id).max_cpu_percent, files=files)


def _find_inputs(
    registry: PluginRegistry, plugin_id: str, inputs: list[str], params: list[str], fixed: list[str]
) -> tuple[Sizes, dict[str, Any], str]:
    """Return what inputs of any size are made from, the parameters, and where both come from."""
    from platform_base.cli.assignments import read_parameters
    from platform_base.cli.bench_inputs import find_sources
    from platform_base.plugins.scaling.resizing import Sizes

    manifest = registry.get_manifest(plugin_id)
    directory = next(info["directory"] for info in registry.list_plugins() if info["id"] == plugin_id)
    sources, parameters, origin = find_sources(inputs, manifest, Path(directory))
    for name in fixed:
        if name not in sources:
            raise UsageError(f"--fixed {name}: expected an input, one of {', '.join(sources) or 'none'}")
    sizes = Sizes(sources, fixed=tuple(fixed))
    if not sizes.base:
        raise UsageError(f"{origin}: expected a series of numbers that can be made longer, got none; use --input")
    return sizes, parameters | read_parameters(params, None, manifest.configuration), origin


def _try_limits(settings: Settings, plugins: PluginsOption, plan: Plan, measured: Measurement) -> str:
    """Make the largest call once more under the suggested limits; return why it failed, or nothing."""
    from platform_base.plugins.errors import PluginError
    from platform_base.plugins.scaling.limits import impose, suggest_limits

    limits = suggest_limits(measured)
    with open_registry(impose(settings, measured.plugin_id, limits), plugins, remember=False) as registry:
        try:
            registry.load_plugin(measured.plugin_id, measured.version)
            registry.execute_plugin(measured.plugin_id, plan.sizes.make(limits.size), plan.parameters)
        except PluginError as error:
            return str(error)
    return ""


def _draw(plot: Path | None, measured: list[Measurement]) -> dict[str, Any]:
    if plot is None:
        return {}
    from platform_base.cli.bench_report import make_curves
    from platform_base.cli.pictures import save_figure
    from platform_base.plots.growth import draw_growth

    times, memory = make_curves(measured)
    save_figure(plot, lambda figure: draw_growth(figure, measured[0].plugin_id, times, memory))
    return {"plot": str(plot)}
