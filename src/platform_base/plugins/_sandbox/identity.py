"""identity: no capability survives, and under a host that is root each worker is a user of its own.

An interpreter below a home directory of mode 0700 (as version managers make for root) cannot be read by that user.
One capability, ``CAP_DAC_READ_SEARCH``, is then kept, and only where Landlock bounds what it can read.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Iterable
from pathlib import Path

from platform_base.plugins._sandbox import linux
from platform_base.plugins._sandbox.base import Availability, Baseline, ConfinementError
from platform_base.plugins._sandbox.landlock import landlock_abi
from platform_base.plugins._sandbox.policy import Policy

# Above everything that systemd, containers and login.defs hand out (systemd.io/UIDS-GIDS), below 2**31.
_FIRST_FREE_ID = 0x70000000
_FREE_IDS = 0x10000
# In a container that maps fewer ids: the upper end of what it maps, without nobody (65534) and what is below
# 1000.
_FIRST_ORDINARY_ID = 1000
_LAST_ORDINARY_ID = 65533

# NOROOT, NO_SETUID_FIXUP and NO_CAP_AMBIENT_RAISE set; they and KEEP_CAPS locked.
_SECUREBITS = 0xEF

_CAN_CHANGE_USER = 1 << linux.CAP_SETUID | 1 << linux.CAP_SETGID
_REMEDY = (
    "run the host as an ordinary user, or give it CAP_SETUID, CAP_SETGID and CAP_SETPCAP, "
    "or accept it with security.accept_missing: [identity]"
)


def _extents(path: Path) -> list[tuple[int, int]]:
    """First and last id of each line of a ``uid_map`` or ``gid_map``; all ids without such a file."""
    try:
        rows = [line.split() for line in path.read_text(encoding="ascii").splitlines()]
    except FileNotFoundError:  # a kernel without user namespaces
        return [(0, 0xFFFFFFFE)]
    return [(int(first), int(first) + int(count) - 1) for first, _, count in rows]


def _shared(left: Iterable[tuple[int, int]], right: Iterable[tuple[int, int]]) -> list[tuple[int, int]]:
    pairs = [(max(a, c), min(b, d)) for a, b in left for c, d in right]
    return [(first, last) for first, last in pairs if first <= last]


def pick_uid(sequence: int, extents: Iterable[tuple[int, int]]) -> int | None:
    """Pick an unprivileged id out of those that exist.

    Args:
        sequence: Number of the worker, from 0; numbers close to each other get different ids.
        extents: First and last id of every range that is mapped.

    Returns:
        An id, or ``None`` where no unprivileged one is mapped.
    """
    ranges = list(extents)
    for low, high in (
        (_FIRST_FREE_ID, _FIRST_FREE_ID + _FREE_IDS - 1),
        (_FIRST_ORDINARY_ID, _LAST_ORDINARY_ID),
    ):
        mapped = _shared(ranges, [(low, high)])
        if mapped:
            first, last = max(mapped, key=lambda extent: (extent[1] - extent[0], extent[1]))
            return last - sequence % (last - first + 1)
    return None


def choose_uid(sequence: int, proc: Path = Path("/proc/self")) -> int | None:
    """Choose the user id, and group id, of the n-th worker.

    Args:
        sequence: Number of the worker, from 0.
        proc: Directory with the ``uid_map`` and ``gid_map`` of the user namespace that the workers will be
        in.

    Returns:
        A distinct unprivileged id, or ``None`` where the calling process is not root or no such id is mapped.

    Raises:
        OSError: The maps cannot be read.
    """
    if os.geteuid() != 0:
        return None
    return pick_uid(sequence, _shared(_extents(proc / "uid_map"), _extents(proc / "gid_map")))


def choose_group(digest: str, proc: Path = Path("/proc/self")) -> int | None:
    """Choose the group that the workers of one release share.

    Args:
        digest: The release's, ``"sha256:..."``.
        proc: Directory with the ``gid_map`` of the user namespace that the workers will be in.

    Returns:
        An id that nobody else is given, or ``None`` where the calling process is not root or no such id is mapped.

    Raises:
        OSError: The map cannot be read.
    """
    if os.geteuid() != 0:
        return None
    first = _FIRST_FREE_ID + _FREE_IDS
    group = first + int(digest.rpartition(":")[2][:12], 16) % _FREE_IDS
    return group if _shared(_extents(proc / "gid_map"), [(group, group)]) else None


def drop_bounding_set() -> None:
    """Make sure that no program could ever bring a capability back; the warden does so once, for all its workers.

    The bounding set counts only where a program is executed or an inheritable capability added, so the warden keeps
    what it has. The locked bits are inherited, and tell a worker that this is done.

    Raises:
        OSError: The kernel refused.
    """
    if not linux.capget()[1] & 1 << linux.CAP_SETPCAP or linux.prctl(linux.PR_GET_SECUREBITS) == _SECUREBITS:
        return
    for capability in range(64):
        try:
            linux.prctl(linux.PR_CAPBSET_DROP, capability)
        except OSError as error:
            if error.errno == errno.EINVAL:  # past the last one that this kernel knows
                break
            raise
    linux.prctl(linux.PR_SET_SECUREBITS, _SECUREBITS)


def _first_unreadable(paths: Iterable[str]) -> str | None:
    """Try to open each path as the kernel sees this process now; modes alone would miss access lists."""
    for path in paths:
        if os.access(path, os.R_OK):  # one call where opening takes two; a no has to be looked into
            continue
        try:
            os.close(os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK))
        except FileNotFoundError:
            continue
        except PermissionError:
            return path
    return None


def _become(uid: int, group: int | None) -> None:
    os.setgroups([] if group is None else [group])
    os.setresgid(uid, uid, uid)
    os.setresuid(uid, uid, uid)


class Identity:
    """The backend. It gives ``capabilities`` always, and ``identity`` where the user id changes."""

    name = "identity"

    def probe(self) -> Availability:
        """See who this process is, and whether it could become somebody else."""
        if os.geteuid() != 0:
            return Availability(available=True, detail=f"ordinary user {os.geteuid()}, shared by all workers")
        if linux.capget()[0] & _CAN_CHANGE_USER != _CAN_CHANGE_USER:
            return Availability(available=False, reason="root without CAP_SETUID or CAP_SETGID", remedy=_REMEDY)
        uid = choose_uid(0)
        if uid is None:
            reason = "no unprivileged user id is mapped in this user namespace"
            return Availability(available=False, reason=reason, remedy=_REMEDY)
        return Availability(available=True, detail=f"root; each worker gets a user id of its own, such as {uid}")

    def apply(self, policy: Policy, baseline: Baseline) -> tuple[str, ...]:
        """Drop every capability, and become `policy.uid` where the process is root.

        Raises:
            ConfinementError: The process is root and has no other user to become, or may not; or that user
            could
                not read what the policy lets it read.
        """
        root = os.geteuid() == 0
        if not root and policy.uid is not None and policy.uid != os.geteuid():
            reason = f"expected to start as root to become user {policy.uid}, got user {os.geteuid()}"
            raise ConfinementError(self.name, reason, "leave the user id out of the policy")
        if root and not policy.uid and self.name not in policy.accept_missing:
            raise ConfinementError(self.name, "the worker would run as root", _REMEDY)
        changes = root and bool(policy.uid)
        try:
            self._drop(policy, changes=changes)
        except OSError as error:
            raise ConfinementError(self.name, f"{error.strerror}", _REMEDY) from error
        return (self.name, "capabilities") if changes else ("capabilities",)

    def _drop(self, policy: Policy, *, changes: bool) -> None:
        drop_bounding_set()
        linux.prctl(linux.PR_CAP_AMBIENT, linux.PR_CAP_AMBIENT_CLEAR_ALL)
        if changes and policy.uid:
            _become(policy.uid, policy.group)
        # The locked bits keep the uid change from clearing capabilities, so one of them can still be chosen.
        readable = linux.capget()[1] & 1 << linux.CAP_DAC_READ_SEARCH
        linux.capset(effective=0, permitted=readable)
        blocked = _first_unreadable(policy.read_paths) if changes else None
        if blocked is None or "landlock" in policy.switched_off:
            linux.capset(effective=0, permitted=0)
        elif readable and landlock_abi() > 0:
            linux.capset(effective=readable, permitted=readable)
        else:
            reason = f"user {policy.uid} cannot read {blocked}, and nothing else would bound that right"
            raise ConfinementError(self.name, reason, "install Python where every user can read it")
