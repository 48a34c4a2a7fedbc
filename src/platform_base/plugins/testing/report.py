"""What trying a plugin has shown: a verdict for each property, and what every single call came to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

State = Literal["passed", "failed", "skipped"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing that was tried.

    Attributes:
        case: What: the self-test that it began with, and what was changed.
        outcome: What came of it, such as ``a value`` or ``ValueError: series: expected ...``.
        fault: What is wrong with that; empty: nothing.
    """

    case: str
    outcome: str
    fault: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """Whether a plugin has one property.

    Attributes:
        name: Of the property, such as ``deterministic``.
        title: The property in words.
        state: ``passed``, ``failed`` or ``skipped``.
        detail: Why it was skipped, or what was found, in a few words.
        findings: What was tried.
        seconds: What that took.
    """

    name: str
    title: str
    state: State
    detail: str = ""
    findings: tuple[Finding, ...] = ()
    seconds: float = 0.0

    @property
    def faults(self) -> tuple[Finding, ...]:
        """What was tried and went wrong."""
        return tuple(finding for finding in self.findings if finding.fault)

    def require(self) -> None:
        """Return if the plugin has the property, or if it does not apply.

        Raises:
            AssertionError: It has not; the message has a line for each fault.
        """
        if self.state == "failed":
            lines = [f"{self.name}: expected a plugin where {self.title}"]
            lines += [f"  {finding.case}: {finding.fault}" for finding in self.faults]
            raise AssertionError("\n".join(lines if self.faults else [*lines, f"  {self.detail}"]))


@dataclass(frozen=True, slots=True, kw_only=True)
class PluginReport:
    """What `check_plugin` has found.

    Attributes:
        directory: Of the plugin.
        plugin_id: What it is called.
        version: Its version.
        digest: Of its files, ``"sha256:..."``.
        verdicts: One for each property, in the order in which they were tried.
        protections: What was in force; empty: nothing was run.
        seconds: What all of it took.
    """

    directory: str
    plugin_id: str
    version: str
    digest: str
    verdicts: tuple[Verdict, ...]
    protections: tuple[str, ...] = ()
    seconds: float = 0.0

    @property
    def passed(self) -> bool:
        """Whether nothing failed."""
        return not self.failures

    @property
    def failures(self) -> tuple[Verdict, ...]:
        """The properties that the plugin has not."""
        return tuple(verdict for verdict in self.verdicts if verdict.state == "failed")

    def __getitem__(self, name: str) -> Verdict:
        """Return the verdict on one property.

        Raises:
            KeyError: It was not tried.
        """
        for verdict in self.verdicts:
            if verdict.name == name:
                return verdict
        raise KeyError(f"{name}: expected one of {', '.join(verdict.name for verdict in self.verdicts)}")

    def require(self) -> None:
        """Return if nothing failed.

        Raises:
            AssertionError: Something did; the message has a line for each fault.
        """
        failures = []
        for verdict in self.failures:
            try:
                verdict.require()
            except AssertionError as error:
                failures.append(str(error))
        if failures:
            raise AssertionError("\n".join([f"{self.plugin_id} {self.version} ({self.directory})", *failures]))

    def describe(self) -> Mapping[str, Any]:
        """Return the report as JSON objects, for programs; its keys stay."""
        return {
            "passed": self.passed,
            "directory": self.directory,
            "plugin": self.plugin_id,
            "version": self.version,
            "digest": self.digest,
            "protections": list(self.protections),
            "seconds": self.seconds,
            "properties": [
                {
                    "name": verdict.name,
                    "title": verdict.title,
                    "state": verdict.state,
                    "detail": verdict.detail,
                    "seconds": verdict.seconds,
                    "findings": [
                        {"case": each.case, "outcome": each.outcome, "fault": each.fault} for each in verdict.findings
                    ],
                }
                for verdict in self.verdicts
            ],
        }
