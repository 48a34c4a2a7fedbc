"""Reports as JUnit XML, which continuous integration shows: a test suite with one test case for each property."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from pathlib import Path
from typing import TYPE_CHECKING

from platform_base.cli.errors import OutputError
from platform_base.cli.render import visible

if TYPE_CHECKING:
    from platform_base.plugins.testing.report import PluginReport, Verdict


def write_junit(report: PluginReport, path: Path) -> None:
    """Write a report; an existing file is replaced.

    Raises:
        OutputError: It cannot be written.
    """
    suite = ET.Element(
        "testsuite",
        name=f"{report.plugin_id} {report.version}",
        tests=str(len(report.verdicts)),
        failures=str(len(report.failures)),
        errors="0",
        skipped=str(sum(verdict.state == "skipped" for verdict in report.verdicts)),
        time=f"{report.seconds:.3f}",
    )
    for verdict in report.verdicts:
        suite.append(_case(report, verdict))
    root = ET.Element("testsuites")
    root.append(suite)
    try:
        ET.ElementTree(root).write(path, encoding="utf-8", xml_declaration=True)
    except OSError as error:
        raise OutputError(f"{path}: cannot be written: {error.strerror or error}") from error


def _case(report: PluginReport, verdict: Verdict) -> ET.Element:
    case = ET.Element(
        "testcase", classname=f"platform_base.{report.plugin_id}", name=verdict.name, time=f"{verdict.seconds:.3f}"
    )
    if verdict.state == "failed":
        failure = ET.SubElement(case, "failure", message=visible(f"expected a plugin where {verdict.title}"))
        failure.text = visible("\n".join(f"{finding.case}: {finding.fault}" for finding in verdict.faults))
    elif verdict.state == "skipped":
        ET.SubElement(case, "skipped", message=visible(verdict.detail))
    else:
        ET.SubElement(case, "system-out").text = visible(
            "\n".join(f"{finding.case}: {finding.outcome}" for finding in verdict.findings)
        )
    return case
