"""What a confinement backend is: one kernel mechanism, probed in the host, applied in the worker."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from platform_base.plugins._sandbox.policy import Policy


class ConfinementError(Exception):
    """A protection that the policy asks for cannot be given, or does not hold; no plugin code may run.

    Attributes:
        protection: Its name, as `Policy.accept_missing` takes it.
        reason: What the system answered.
        remedy: What the operator can do.
    """

    def __init__(self, protection: str, reason: str, remedy: str) -> None:
        self.protection = protection
        self.reason = reason
        self.remedy = remedy
        super().__init__(f"{protection}: {reason}; {remedy}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Availability:
    """Whether this system can give a backend's protections.

    Attributes:
        available: The backend can be applied.
        reason: Why not; empty where it can.
        detail: What exactly is there, such as ``"ABI 7"``.
        remedy: How to get what is missing; empty where nothing is.
        lacks: Names of the backend's protections that this system does not give although the backend can be
            applied, such as ``"landlock_tcp"``.
    """

    available: bool
    reason: str = ""
    detail: str = ""
    remedy: str = ""
    lacks: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Baseline:
    """Memory that the warden had when it forked; a worker's limits count from here. All in bytes.

    Attributes:
        vm_data_bytes: Writable private memory, what ``RLIMIT_DATA`` counts.
        vm_size_bytes: Address space, what ``RLIMIT_AS`` counts.
        rss_anon_bytes: Anonymous memory that is present.
    """

    vm_data_bytes: int
    vm_size_bytes: int
    rss_anon_bytes: int


class Backend(Protocol):
    """One mechanism. It holds no state: the same object is probed in the host and applied in every worker."""

    @property
    def name(self) -> str:
        """The word that users see in the report and write in ``accept_missing``."""
        ...

    def probe(self) -> Availability:
        """Ask the system whether the mechanism is there, without changing the calling process."""
        ...

    def apply(self, policy: Policy, baseline: Baseline) -> tuple[str, ...]:
        """Confine the calling process, for ever.

        Args:
            policy: What the worker may do.
            baseline: Memory of the warden at the fork.

        Returns:
            Names of the protections now in force.

        Raises:
            ConfinementError: The protection cannot be given.
        """
        ...
