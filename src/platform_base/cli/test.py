"""`platform-base test`: the self-tests of a plugin, and what any caller may expect of it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from platform_base.cli.errors import FAILED, UsageError
from platform_base.cli.options import ConfigOption, JsonOption

if TYPE_CHECKING:
    from platform_base.plugins.testing.report import Finding, PluginReport, Verdict

_MOST_FAULTS = 5
EXAMPLES = """Examples:

  platform-base test plugins/my_plugin

  platform-base test plugins/my_plugin --only nan --only empty --all

  platform-base test plugins/my_plugin --junit report.xml --json
"""


def try_plugin(
    directory: Annotated[Path, typer.Argument(metavar="DIR", help="The plugin's directory, with manifest.json.")],
    only: Annotated[
        list[str] | None,
        typer.Option("--only", metavar="PROPERTY", help="Try this property; may be repeated. By default all."),
    ] = None,
    every_call: Annotated[bool, typer.Option("--all", help="Print every call and what came of it.")] = False,
    junit: Annotated[
        Path | None, typer.Option("--junit", metavar="FILE", help="Also write the report as JUnit XML.")
    ] = None,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Run a plugin's self-tests, then its examples with NaN, empty, constant and other inputs, in its sandbox."""
    from platform_base.cli import render
    from platform_base.cli.plugin_directory import find_manifest
    from platform_base.plugins.documents.spelling import did_you_mean
    from platform_base.plugins.testing.properties import PROPERTIES
    from platform_base.plugins.testing.suite import check_plugin

    find_manifest(directory)
    names = [each.name for each in PROPERTIES]
    if unknown := [name for name in only or [] if name not in names]:
        hint = did_you_mean(unknown[0], names)
        raise UsageError(f"--only {unknown[0]}: expected one of {', '.join(names)}; {hint}")
    report = check_plugin(
        directory,
        config=config,
        only=only or (),
        on_verdict=lambda verdict: None if as_json else _print_verdict(verdict, every_call=every_call),
    )
    if junit is not None:
        from platform_base.cli.junit import write_junit

        write_junit(report, junit)
    if as_json:
        render.print_json(report.describe())
    else:
        _print_summary(report)
    if not report.passed:
        raise typer.Exit(FAILED)


def _print_verdict(verdict: Verdict, *, every_call: bool) -> None:
    """Print the verdict on one property as soon as it is there."""
    from platform_base.cli.render import visible

    detail = verdict.detail if verdict.state != "failed" else _count_faults(verdict)
    print(visible(f"{verdict.state:<8} {verdict.name:<17} {detail}".rstrip()))
    shown = verdict.findings if every_call else verdict.faults[:_MOST_FAULTS]
    for finding in shown:
        _print_finding(finding)
    hidden = len(verdict.faults) - _MOST_FAULTS
    if hidden > 0 and not every_call:
        print(f"{'':<8} and {hidden} more; see them with --only {verdict.name} --all")


def _count_faults(verdict: Verdict) -> str:
    text = f"{len(verdict.faults)} of {len(verdict.findings)}: expected a plugin where {verdict.title}"
    return text if verdict.findings else verdict.detail


def _print_finding(finding: Finding) -> None:
    from platform_base.cli.render import visible

    # Where the fault says "expected ..., got OUTCOME", the line above has said what was expected.
    text = finding.outcome if finding.fault.endswith(finding.outcome) else finding.fault or finding.outcome
    first, *rest = visible(text).split("\n")
    print(f"{'':<8} {'!' if finding.fault else '-'} {visible(finding.case)}: {first}".rstrip())
    for line in rest:
        print(f"{'':<12} {line}".rstrip())


def _print_summary(report: PluginReport) -> None:
    from platform_base.cli.render import visible

    calls = sum(len(verdict.findings) for verdict in report.verdicts)
    tried = sum(verdict.state != "skipped" for verdict in report.verdicts)
    verdict = "is all right" if report.passed else "is NOT all right"
    failed = f", {len(report.failures)} failed" if report.failures else ""
    print(
        f"\n{visible(report.plugin_id)} {visible(report.version)} {verdict}: {tried} properties tried{failed}, "
        f"{calls} checks in {report.seconds:.1f} s, in confined processes"
    )
