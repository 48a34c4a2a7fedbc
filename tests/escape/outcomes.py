"""How a behaviour may end, and which of these ends is the right one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from platform_base.core.models import Execution
from platform_base.plugins.errors import PluginError

HIDDEN = frozenset({"ENOENT", "EROFS", "EXDEV", "EACCES"})
"""What a file of the host is where a private root hides it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """How a behaviour ended.

    Attributes:
        value: What it returned.
        error: What the host raised instead.
        protections: Those that were in force.
    """

    value: Any = None
    metadata: Any = None
    execution: Execution | None = None
    error: BaseException | None = None
    protections: tuple[str, ...] = ()

    def result(self) -> Any:
        """Return the value; raise the error if there is none."""
        if self.error is not None:
            raise self.error
        return self.value


@dataclass(frozen=True, slots=True, kw_only=True)
class Denied:
    """Every attempt is refused inside the plugin, and the worker stays usable.

    Attributes:
        codes: Error names that the refusal may have.
        hidden: A private root may refuse it too, by hiding what it is about.
    """

    codes: frozenset[str]
    hidden: bool = False

    def judge(self, outcome: Outcome) -> None:
        """Assert that the outcome is this one."""
        assert outcome.error is None, f"expected a refusal inside the plugin, got {outcome.error!r}"
        codes = self.codes | (HIDDEN if self.hidden and "mount_namespace" in outcome.protections else frozenset())
        assert outcome.value, "nothing was attempted"
        through = [row for row in outcome.value if not row[1]]
        assert not through, f"got through: {through}"
        odd = [row for row in outcome.value if row[1] not in codes]
        assert not odd, f"expected {sorted(codes)}, got {odd}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Value:
    """The call brings a result that passes a check."""

    check: Callable[[Any], bool] = field(default=lambda value: True)

    def judge(self, outcome: Outcome) -> None:
        """Assert that the outcome is this one."""
        assert outcome.error is None, f"expected a result, got {outcome.error!r}"
        assert self.check(outcome.value), f"got {outcome.value!r:.500}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """The host raises a typed error with these facts.

    Attributes:
        errors: Classes, one of which it is exactly.
        facts: Attributes and their values.
        says: What the message has in it.
    """

    errors: tuple[type[PluginError], ...]
    facts: dict[str, Any] = field(default_factory=dict)
    says: str = ""

    def judge(self, outcome: Outcome) -> None:
        """Assert that the outcome is this one."""
        names = [kind.__name__ for kind in self.errors]
        assert outcome.error is not None, f"expected {names}, got the value {outcome.value!r:.500}"
        assert type(outcome.error) in self.errors, f"expected {names}, got {outcome.error!r}"
        for name, wanted in self.facts.items():
            got = getattr(outcome.error, name)
            assert got == wanted, f"expected {name} {wanted!r}, got {got!r}: {outcome.error}"
        assert self.says in str(outcome.error)
        assert getattr(outcome.error, "plugin_id", "enemy") == "enemy"
        assert not _CONTROL & set(str(outcome.error)), "control characters in a message"


@dataclass(frozen=True, slots=True, kw_only=True)
class AnyOf:
    """One of several ends: which one depends on who looks first."""

    ends: tuple[Denied | Value | Fault, ...]

    def judge(self, outcome: Outcome) -> None:
        """Assert that the outcome is one of these."""
        said = []
        for end in self.ends:
            try:
                end.judge(outcome)
            except AssertionError as error:
                said.append(str(error))
        assert len(said) < len(self.ends), "; ".join(said)


_CONTROL = {chr(number) for number in (*range(9), *range(11, 32), 127, 0x9B, 0x202E)}
Expected = Denied | Value | Fault | AnyOf


@dataclass(frozen=True, slots=True, kw_only=True)
class Behaviour:
    """One thing that a hostile plugin does.

    Attributes:
        do: Module and function in the enemy.
        expects: How it must end.
        stops: The layers that stop it, each by itself; empty where it is the process border or the host.
        in_pid_namespace: How it must end where the worker is the first process of a namespace.
        in_mount_namespace: How it must end where the worker has a root of its own.
        identity_counts: The first layers hold only where the worker is a user of its own.
        risky: It would do harm where nothing stops it, so it is not tried there.
        timeout_s: The deadline of the call, seconds.
        special: Which settings.
    """

    name: str
    do: str
    expects: Expected
    stops: tuple[str, ...] = ()
    in_pid_namespace: Expected | None = None
    in_mount_namespace: Expected | None = None
    risky: bool = False
    timeout_s: float = 20.0
    special: str = "default"
    inputs: dict[str, Any] = field(default_factory=dict)

    def expected(self, protections: tuple[str, ...]) -> Expected:
        """Return the right end under these protections."""
        if self.in_pid_namespace is not None and "pid_namespace" in protections:
            return self.in_pid_namespace
        if self.in_mount_namespace is not None and "mount_namespace" in protections:
            return self.in_mount_namespace
        return self.expects


def denied(do: str, codes: str, stops: str, *, hidden: bool = False, **facts: Any) -> Behaviour:
    """Describe a behaviour that is refused; `codes` and `stops` are words."""
    expects = Denied(codes=frozenset(codes.split()), hidden=hidden)
    return Behaviour(name=facts.pop("name", do), do=do, expects=expects, stops=tuple(stops.split()), **facts)


def returns(do: str, check: Callable[[Any], bool] = lambda value: True, **facts: Any) -> Behaviour:
    """Describe a behaviour whose call brings a result."""
    return Behaviour(name=facts.pop("name", do), do=do, expects=Value(check=check), **facts)


def fails(
    do: str, *errors: type[PluginError], says: str = "", facts: dict[str, Any] | None = None, **more: Any
) -> Behaviour:
    """Describe a behaviour that the host answers with an error."""
    return Behaviour(
        name=more.pop("name", do), do=do, expects=Fault(errors=errors, facts=facts or {}, says=says), **more
    )
