"""What any caller may expect of any plugin, property by property."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from platform_base.core.models import ProcessingResult
from platform_base.plugins._reload.self_test import find_faults
from platform_base.plugins.errors import PluginError, SandboxUnavailableError
from platform_base.plugins.self_test import SelfTest
from platform_base.plugins.testing.identity import find_difference
from platform_base.plugins.testing.outcome import Outcome
from platform_base.plugins.testing.promises import broken_promises
from platform_base.plugins.testing.report import Finding
from platform_base.plugins.testing.variations import VARIATIONS, Variation
from platform_base.plugins.testing.witness import is_changeable, witness_calls
from platform_base.plugins.testing.workbench import Workbench

_MOST_BASES = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Base:
    """A self-test that gives a result, from which variations begin.

    Attributes:
        case: The self-test.
        inputs: Its inputs.
        result: What came of it in a fresh process.
    """

    case: SelfTest
    inputs: dict[str, Any]
    result: ProcessingResult


@dataclass(slots=True, kw_only=True)
class Subject:
    """The plugin that is tried, and what is known of it so far.

    Attributes:
        workbench: Where it is called.
        bases: Its self-tests that give a result, at most five.
        ends: How the calls of these self-tests ended, by their names.
        results: Every call that gave a result: what it was, its inputs and the result.
        protections: What was in force.
    """

    workbench: Workbench
    bases: list[Base] = field(default_factory=list)
    ends: dict[str, Outcome] = field(default_factory=dict)
    results: list[tuple[str, dict[str, Any], ProcessingResult]] = field(default_factory=list)
    protections: tuple[str, ...] = ()

    def begin(self) -> None:
        """Make the calls of the self-tests that variations begin from.

        Raises:
            ManifestError: A file does not hold the array that it should.
        """
        for case in self.workbench.manifest.self_test[:_MOST_BASES]:
            inputs = self.workbench.inputs_of(case)
            outcome = self.ends[case.name] = self.call(case.name, case, inputs, fresh=True)
            if outcome.result is not None:
                self.bases.append(Base(case=case, inputs=inputs, result=outcome.result))

    def call(self, label: str, case: SelfTest, inputs: dict[str, Any], *, fresh: bool = False) -> Outcome:
        """Make a call and remember its result."""
        outcome = self.workbench.call(case, inputs, fresh=fresh)
        if outcome.result is not None:
            self.results.append((label, inputs, outcome.result))
            if outcome.result.execution is not None:
                self.protections = outcome.result.execution.protections
        return outcome


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """What trying a property has shown: what was found, and in a few words how much was tried."""

    findings: Sequence[Finding]
    detail: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Property:
    """One property.

    Attributes:
        name: What it is called.
        title: It in words; ends the sentence "a plugin where ...".
        attempt: Tries it, or says why it does not apply.
    """

    name: str
    title: str
    attempt: Callable[[Subject], Attempt | str]


def _loads(subject: Subject) -> Attempt:
    """Load the plugin; what comes after needs it."""
    manifest = subject.workbench.manifest
    label = manifest.entry_point
    try:
        subject.workbench.load()
    except SandboxUnavailableError:
        raise
    except PluginError as error:
        trace = getattr(error, "remote_traceback", "")
        text = f"{error}\n{trace}".rstrip()
        return Attempt(findings=[Finding(case=label, outcome="does not load", fault=text)], detail="")
    seconds = subject.workbench.registry.get_plugin_stats(manifest.plugin_id)["load_seconds"]
    return Attempt(findings=[Finding(case=label, outcome="loads")], detail=f"in {seconds:.2f} s")


def _self_tests(subject: Subject) -> Attempt:
    """Compare the results of the self-tests with those that the manifest knows."""
    workbench = subject.workbench
    findings = []
    for case in workbench.manifest.self_test:
        outcome = subject.ends.get(case.name) or subject.call(case.name, case, workbench.inputs_of(case), fresh=True)
        fault = outcome.words
        if outcome.result is not None:
            fault = "; ".join(find_faults(workbench.release.directory, case, outcome.result))
        findings.append(Finding(case=case.name, outcome=outcome.words, fault=fault))
    if not findings:
        fault = 'the manifest names none; add "self_test" with a call whose result you know'
        return Attempt(findings=[Finding(case="self_test", outcome="nothing", fault=fault)], detail="")
    good = sum(not finding.fault for finding in findings)
    return Attempt(findings=findings, detail=f"{good} of {len(findings)} as expected")


def _deterministic(subject: Subject) -> Attempt:
    findings = []
    for base in subject.bases:
        outcome = subject.call(base.case.name, base.case, base.inputs, fresh=True)
        findings.append(Finding(case=base.case.name, outcome=outcome.words, fault=_differs(base, outcome)))
    return Attempt(findings=findings, detail=f"{_calls(len(findings))} repeated in a fresh process")


def _stateless(subject: Subject) -> Attempt:
    """Repeat calls in the process that has served all the others."""
    findings = []
    for base in subject.bases:
        outcome = subject.call(base.case.name, base.case, base.inputs)
        findings.append(Finding(case=base.case.name, outcome=outcome.words, fault=_differs(base, outcome)))
    return Attempt(findings=findings, detail=f"{_calls(len(findings))} repeated after {len(subject.results)} others")


def _inputs_unmodified(subject: Subject) -> Attempt | str:
    findings = []
    calls = [(base.case, base.inputs) for base in subject.bases]
    try:
        changes = list(witness_calls(subject.workbench, calls))
    except PluginError as error:
        return f"an observer cannot be loaded: {error}".partition("\n")[0]
    for (case, _), changed in zip(calls, changes, strict=True):
        findings.append(Finding(case=case.name, outcome="unchanged" if not changed else "changed", fault=changed))
    watched = sum(is_changeable(inputs) for _, inputs in calls)
    detail = f"{watched} of {_calls(len(calls))} watched; arrays are read-only in a worker anyway"
    return Attempt(findings=findings, detail=detail)


def _produces(subject: Subject) -> Attempt | str:
    products = [product for product in subject.workbench.manifest.produces if product.at is not None]
    if not products:
        return 'the manifest promises nothing: "produces" holds no object'
    findings = []
    for label, inputs, result in subject.results:
        broken = "; ".join(broken_promises(products, result, inputs))
        findings.append(Finding(case=label, outcome="kept" if not broken else "broken", fault=broken))
    return Attempt(findings=findings, detail=f"{_count(len(products), 'promise')}, {_count(len(findings), 'result')}")


def _copes(subject: Subject, variation: Variation) -> Attempt | str:
    """Try a variation at every place where it applies."""
    findings = list(_vary(subject, variation))
    if not findings:
        return "no self-test has an input to which it applies"
    values = sum(finding.outcome == "a value" for finding in findings)
    return Attempt(findings=findings, detail=f"{_calls(len(findings))}, {values} gave a value")


def _vary(subject: Subject, variation: Variation) -> Iterator[Finding]:
    tried = set()
    for base in subject.bases:
        for words, inputs in variation.vary(base.inputs):
            label = f"{base.case.name}: {words}"
            if label in tried:
                continue
            tried.add(label)
            outcome = subject.call(label, base.case, inputs)
            fault = _differs(base, outcome) if variation.same else outcome.fault
            yield Finding(case=label, outcome=outcome.words, fault=fault)


def _differs(base: Base, outcome: Outcome) -> str:
    """Say where a result is not the one of the first call, bit for bit."""
    if outcome.result is None:
        return f"expected the result of the first call, got {outcome.words}"
    found = find_difference(base.result.values, outcome.result.values, "values")
    found = found or find_difference(base.result.metadata, outcome.result.metadata, "metadata")
    return f"expected the same bits as in the first call; {found}" if found else ""


def _calls(count: int) -> str:
    return _count(count, "call")


def _count(count: int, what: str) -> str:
    return f"{count} {what}{'s' * (count != 1)}"


PROPERTIES = (
    Property(name="loads", title="the code loads in its sandbox", attempt=_loads),
    Property(name="self_tests", title="the manifest's self-tests give the results that it names", attempt=_self_tests),
    Property(
        name="deterministic", title="the same call in a fresh process gives the same bits", attempt=_deterministic
    ),
    Property(name="inputs_unmodified", title="a call leaves its inputs as they are", attempt=_inputs_unmodified),
    *(
        Property(name=variation.name, title=variation.title, attempt=partial(_copes, variation=variation))
        for variation in VARIATIONS
    ),
    Property(name="stateless", title="a call gives the same bits whatever was called before", attempt=_stateless),
    Property(name="produces", title="every result is what the manifest promises", attempt=_produces),
)
"""Every property, in the order in which they are tried."""
