"""`check_plugin`: the self-tests of a plugin, and what any caller may expect of it, tried in its sandbox."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Collection, Iterator
from dataclasses import replace
from pathlib import Path

from platform_base.plugins.testing.properties import PROPERTIES, Property, Subject
from platform_base.plugins.testing.report import PluginReport, Verdict
from platform_base.plugins.testing.workbench import Config, Workbench

ReportVerdict = Callable[[Verdict], None]


def check_plugin(
    directory: str | os.PathLike[str],
    *,
    config: Config = None,
    only: Collection[str] = (),
    on_verdict: ReportVerdict = lambda verdict: None,
) -> PluginReport:
    """Carry out the self-tests of a plugin and try its properties, in confined processes as in production.

    Everything begins with the calls in the manifest's ``self_test``: their inputs are the examples that are changed.
    The code of the plugin is never imported here.

    Args:
        directory: The plugin's, with ``manifest.json``.
        config: Settings, as for `PluginRegistry`; None: those that apply in the current directory.
        only: Names of the properties to try; empty: all.
        on_verdict: Told of each verdict as soon as it is there.

    Returns:
        A verdict for each property; `PluginReport.passed` says whether all is well.

    Raises:
        ManifestError: The directory holds no plugin that can be read.
        SettingsError: The settings cannot be used.
        SandboxUnavailableError: A protection that the settings ask for cannot be given.
        ValueError: `only` names a property that there is not.

    Example:
        >>> report = check_plugin("plugins/my_plugin")  # doctest: +SKIP
        >>> report.passed  # doctest: +SKIP
        True
    """
    unknown = set(only) - {each.name for each in PROPERTIES}
    if unknown:
        names = ", ".join(each.name for each in PROPERTIES)
        raise ValueError(f"only: expected names out of {names}; got {', '.join(sorted(unknown))}")
    began = time.monotonic()
    verdicts = []
    with Workbench(directory, config) as workbench:
        subject = Subject(workbench=workbench)
        for verdict in _try_all(subject, [each for each in PROPERTIES if not only or each.name in only]):
            verdicts.append(verdict)
            on_verdict(verdict)
    return PluginReport(
        directory=str(Path(directory)),
        plugin_id=workbench.manifest.plugin_id,
        version=workbench.manifest.version,
        digest=workbench.release.digest,
        verdicts=tuple(verdicts),
        protections=subject.protections,
        seconds=time.monotonic() - began,
    )


def _try_all(subject: Subject, wanted: Collection[Property]) -> Iterator[Verdict]:
    """Yield the verdicts; what keeps all properties from being tried fails once, not once for each."""
    obstacle = ""
    for each in PROPERTIES:
        began = time.monotonic()
        if each.name == "loads":
            verdict = _try(each, subject)
            obstacle = "it does not load" if verdict.state == "failed" else ""
            if not obstacle:
                subject.begin()
        elif each not in wanted and not (each.name == "self_tests" and not subject.bases and not obstacle):
            continue
        elif obstacle:
            verdict = Verdict(name=each.name, title=each.title, state="skipped", detail=obstacle)
        else:
            verdict = _try(each, subject)
        if not obstacle and each.name == "self_tests" and not subject.bases:
            obstacle = "no self-test gives a result to begin with"
        if each in wanted or verdict.state == "failed":
            yield replace(verdict, seconds=time.monotonic() - began)


def _try(each: Property, subject: Subject) -> Verdict:
    found = each.attempt(subject)
    if isinstance(found, str):
        return Verdict(name=each.name, title=each.title, state="skipped", detail=found)
    faults = [finding for finding in found.findings if finding.fault]
    return Verdict(
        name=each.name,
        title=each.title,
        state="failed" if faults else "passed",
        detail=found.detail,
        findings=tuple(found.findings),
    )
