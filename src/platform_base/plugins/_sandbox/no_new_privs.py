"""no_new_privs: no program that this process starts can have more rights than it has."""

from __future__ import annotations

from platform_base.plugins._sandbox import linux
from platform_base.plugins._sandbox.base import Availability, Baseline, ConfinementError
from platform_base.plugins._sandbox.policy import Policy

_REMEDY = "run on Linux 3.5 or newer"


def set_no_new_privs() -> None:
    """Give up, for ever, every gain of rights through set-user-id programs and file capabilities.

    Landlock and seccomp call it as well: the kernel takes neither from an ordinary process without it.

    Raises:
        OSError: The kernel refused.
    """
    linux.prctl(linux.PR_SET_NO_NEW_PRIVS, 1)


class NoNewPrivs:
    """The backend."""

    name = "no_new_privs"

    def probe(self) -> Availability:
        """Read the flag; the kernel answers ``EINVAL`` where it does not know it."""
        try:
            linux.prctl(linux.PR_GET_NO_NEW_PRIVS)
        except OSError as error:
            return Availability(available=False, reason=str(error.strerror), remedy=_REMEDY)
        return Availability(available=True, detail="prctl")

    def apply(self, policy: Policy, baseline: Baseline) -> tuple[str, ...]:
        """Set the flag.

        Raises:
            ConfinementError: The kernel refused.
        """
        try:
            set_no_new_privs()
        except OSError as error:
            raise ConfinementError(self.name, str(error.strerror), _REMEDY) from error
        return (self.name,)
