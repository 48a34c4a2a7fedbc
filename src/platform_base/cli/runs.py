"""`platform-base runs`: what ran, how it ended, what it used."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Annotated, Any

import typer

from platform_base.cli.amounts import show_memory, show_seconds
from platform_base.cli.errors import UsageError
from platform_base.cli.moments import read_since, show_ago, show_moment
from platform_base.cli.options import ConfigOption, JsonOption, open_history, read_settings

if TYPE_CHECKING:
    from platform_base.history.history import History
    from platform_base.history.run import InputFact, Run

OUTCOMES = ("success", "failure", "cancelled", "refused")
SHOWN_DIGITS = 16
"""Of a run id in tables: its time and sixteen random bits; the beginning of an id is enough everywhere."""

_LAST_LINES = 5
EXAMPLES = """Examples:

  platform-base runs --outcome failure --since 1d

  platform-base runs show 019ab3c4d5e6

  platform-base runs compare 019ab3c4d5e6 019ab3c4d700
"""

app = typer.Typer(
    name="runs",
    help="What ran, how it ended, what it used.",
    epilog=EXAMPLES,
    invoke_without_command=True,
    rich_markup_mode=None,
)
_RunArgument = Annotated[str, typer.Argument(metavar="RUN_ID", help="The run; the beginning of its id suffices.")]


@app.callback()
def list_runs(
    context: typer.Context,
    plugin: Annotated[str | None, typer.Option("--plugin", metavar="ID", help="Of this plugin.")] = None,
    outcome: Annotated[
        str | None, typer.Option("--outcome", metavar="WORD", help="success, failure, cancelled or refused.")
    ] = None,
    cause: Annotated[
        str | None, typer.Option("--cause", metavar="TEXT", help="Such as deadline, 'signal SIGSEGV', ParameterError.")
    ] = None,
    since: Annotated[
        str | None, typer.Option("--since", metavar="TIME", help="So long ago, such as 2h or 7d, or a date.")
    ] = None,
    limit: Annotated[int, typer.Option("--limit", "-n", metavar="N", min=1, help="At most so many.")] = 20,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """List runs, the latest first."""
    from platform_base.cli import render

    if context.invoked_subcommand is not None:
        return
    if outcome is not None and outcome not in OUTCOMES:
        raise UsageError(f"--outcome: expected one of {', '.join(OUTCOMES)}, got {outcome!r}")
    history = open_history(config)
    found = history.runs(plugin, outcome, cause, read_since(since), limit)
    if as_json:
        render.print_json({"history": str(history.path), "runs": list(map(describe_run, found))})
    elif found:
        headings = ["run", "when", "plugin", "outcome", "cause", "time", "CPU", "peak memory"]
        render.print_table(headings, list(map(_row, found)), fixed=(0, 1, 2, 3, 4, 5, 6, 7))
    else:
        print(describe_nothing(history, plugin, "runs"))


def describe_nothing(history: History, plugin_id: str | None, what: str) -> str:
    """Say that nothing of that kind was found, and which plugin may have been meant."""
    from platform_base.plugins.documents.spelling import did_you_mean

    text = f"no such {what} in {history.path}"
    known = [each["plugin_id"] for each in history.summary()] if plugin_id is not None else []
    hint = did_you_mean(plugin_id, known) if plugin_id is not None and plugin_id not in known else ""
    return f"{text}; {hint}" if hint else text


@app.command("show")
def show_run(
    run_id: Annotated[
        str | None,
        typer.Argument(metavar="RUN_ID", help="The run; the beginning of its id suffices. Without it: the latest."),
    ] = None,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show everything about one run: which release, why it ended, what it used, how to run it again."""
    from platform_base.cli import render
    from platform_base.plugins.errors import HistoryError
    from platform_base.plugins.replays import Replays

    history = open_history(config)
    if run_id is None:
        latest = history.runs(limit=1)
        if not latest:
            raise HistoryError(f"no run is remembered in {history.path}", run="latest")
        run_id = latest[0].run_id
    attempts = history.attempts(run_id)
    run, lines = attempts[-1], [line.text for line in history.lines(run_id)]
    kept = run.run_id in Replays(read_settings(config).replay).ids()
    if as_json:
        earlier = [describe_run(each) for each in attempts[:-1]]
        render.print_json({"run": describe_run(run), "earlier_attempts": earlier, "lines": lines, "kept": kept})
        return
    render.print_facts(_facts(run, attempts[:-1], lines, kept=kept))
    if run.traceback:
        render.print_heading("traceback inside the plugin")
        print(render.visible(run.traceback.rstrip()))


@app.command("compare")
def compare_runs(
    one: _RunArgument,
    other: _RunArgument,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Compare two runs: release, parameters, inputs, limits, end, times."""
    from platform_base.cli import render

    history = open_history(config)
    first, second = history.run(one), history.run(other)
    rows = _compare(first, second)
    if as_json:
        keys = ("fact", "a", "b", "verdict")
        render.print_json(
            {
                "a": describe_run(first),
                "b": describe_run(second),
                "comparison": [dict(zip(keys, row, strict=True)) for row in rows],
            }
        )
        return
    headings = ["", first.run_id[:SHOWN_DIGITS], second.run_id[:SHOWN_DIGITS], ""]
    render.print_table(headings, rows, fixed=(0, 3))


def describe_run(run: Run) -> dict[str, Any]:
    """Return a run as a JSON object: the attributes of `platform_base.history.run.Run`."""
    return dataclasses.asdict(run)


def _row(run: Run) -> list[str]:
    return [
        run.run_id[:SHOWN_DIGITS],
        show_moment(run.began),
        f"{run.plugin_id} {run.version}".rstrip(),
        run.outcome,
        run.cause,
        show_seconds(run.wall_seconds or None),
        show_seconds(run.cpu_seconds),
        show_memory(run.peak_memory_bytes),
    ]


def _facts(run: Run, earlier: list[Run], lines: list[str], *, kept: bool) -> dict[str, str]:
    waited = f", after {show_seconds(run.queue_seconds)} for a worker" if run.queue_seconds >= 0.001 else ""
    facts = {
        "run": run.run_id,
        "plugin": f"{run.plugin_id} {run.version}".rstrip(),
        "digest": run.digest,
        "made": f"{show_moment(run.began)}, {show_ago(run.began)}, by process {run.pid} on {run.host}",
        "outcome": f"{run.outcome}: {run.cause}" if run.cause else run.outcome,
        "error": f"{run.error_type}: {run.error}" if run.error_type else "",
        "time": f"{show_seconds(run.wall_seconds)}, CPU {show_seconds(run.cpu_seconds)}{waited}",
        "peak memory": show_memory(run.peak_memory_bytes),
        "limits": _limits(run),
        "parameters": ", ".join(f"{name}={_word(value)}" for name, value in run.parameters.items()),
    }
    for fact in run.inputs:
        facts[f"input {fact.name}"] = _show_input(fact)
    facts["protections"] = ", ".join(run.protections)
    facts["warnings"] = "\n".join(run.warnings)
    more = f"\n(of {len(lines)} lines; see: platform-base logs --run {run.run_id})" if len(lines) > _LAST_LINES else ""
    facts["it printed"] = "\n".join(lines[-_LAST_LINES:]) + more
    facts["before that"] = "\n".join(f"attempt {each.attempt} ended in {each.cause}" for each in earlier)
    if run.outcome == "failure":
        how = "its inputs were not kept; with the setting replay: on_failure they are"
        facts["run again"] = f"platform-base replay {run.run_id}" if kept else how
    return {name: value for name, value in facts.items() if value}


def _limits(run: Run) -> str:
    if not run.limits:
        return ""
    memory, cpu, seconds = (run.limits.get(name) for name in ("memory_bytes", "cpu_percent", "call_seconds"))
    return ", ".join(
        (
            f"{show_memory(memory)} beyond what a worker starts with" if memory is not None else "any memory",
            f"{cpu:g} % of a core" if cpu is not None else "any share of the cores",
            f"{seconds:g} s" if seconds is not None else "any time",
        )
    )


def _show_input(fact: InputFact) -> str:
    shape = f" {' x '.join(map(str, fact.shape))}" if fact.shape else ""
    digest = f", sha256 {fact.sha256[:16]}" if fact.sha256 else ""
    return f"{fact.type}{shape}{f' {fact.dtype}' if fact.dtype else ''}{digest}"


def _word(value: object) -> str:
    import json

    from platform_base.cli.render import shorten

    return shorten(json.dumps(value, ensure_ascii=False), 100)


def _compare(a: Run, b: Run) -> list[tuple[str, str, str, str]]:
    rows = [
        _equality("plugin", a.plugin_id, b.plugin_id),
        _equality("version", a.version, b.version),
        _equality("digest", a.digest[:19], b.digest[:19]),
        _equality("outcome", a.outcome, b.outcome),
        _equality("cause", a.cause, b.cause),
    ]
    names = dict.fromkeys([*a.parameters, *b.parameters])
    rows += [_equality(f"parameter {name}", _given(a, name), _given(b, name)) for name in names]
    rows += _compare_inputs(a, b)
    rows += [
        _equality("limits", _limits(a), _limits(b)),
        _compare_protections(a, b),
        _ratio("time", show_seconds, a.wall_seconds, b.wall_seconds),
        _ratio("waiting", show_seconds, a.queue_seconds, b.queue_seconds),
        _ratio("CPU", show_seconds, a.cpu_seconds, b.cpu_seconds),
        _ratio("peak memory", show_memory, a.peak_memory_bytes, b.peak_memory_bytes),
        _equality("host", a.host, b.host),
    ]
    return rows


def _equality(fact: str, a: str, b: str) -> tuple[str, str, str, str]:
    return fact, a, b, "same" if a == b else "DIFFERENT"


def _given(run: Run, name: str) -> str:
    return _word(run.parameters[name]) if name in run.parameters else ""


def _compare_inputs(a: Run, b: Run) -> list[tuple[str, str, str, str]]:
    ones, others = ({fact.name: fact for fact in run.inputs} for run in (a, b))
    rows = []
    for name in dict.fromkeys([*ones, *others]):
        one, other = ones.get(name), others.get(name)
        shown = [_show_input(fact) if fact is not None else "" for fact in (one, other)]
        verdict = "DIFFERENT" if one != other else "same"
        if one is not None and one == other and not one.sha256:
            verdict = "unknown: no digest was kept"
        rows.append((f"input {name}", shown[0], shown[1], verdict))
    return rows


def _compare_protections(a: Run, b: Run) -> tuple[str, str, str, str]:
    """Name those that only one has had; how many there were otherwise."""
    if set(a.protections) == set(b.protections):
        return _equality("protections", f"{len(a.protections)} in force", f"{len(b.protections)} in force")
    ones, others = (
        ", ".join(name for name in run.protections if name not in other.protections) or "no others"
        for run, other in ((a, b), (b, a))
    )
    return "protections", ones, others, "DIFFERENT"


def _ratio(fact: str, show: Any, a: float | None, b: float | None) -> tuple[str, str, str, str]:
    verdict = f"{b / a:.2f} x" if a and b else ""
    return fact, show(a), show(b), verdict
