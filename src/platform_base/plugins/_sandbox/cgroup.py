"""cgroup v2: the kernel's own count of a worker and everything that it starts, in a directory that the operator gives.

Nothing is taken that was not given: ``security.cgroup`` names a directory of the cgroup hierarchy which is delegated to
this program, so that nobody else (systemd, a container engine) manages it. Each worker gets a cgroup in it. The host
moves the worker there before it sends it the first byte of plugin code; the worker itself never sees the hierarchy.

Every cgroup has ``cgroup.kill`` (Linux 5.14): one write ends all that is in it. What else there is depends on the
controllers that reach the directory. Source: Documentation/admin-guide/cgroup-v2.rst, cgroups(7).
"""

from __future__ import annotations

import errno
import os
import select
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from platform_base.plugins._sandbox.base import Availability, ConfinementError
from platform_base.plugins._sandbox.policy import Policy

NAME = "cgroup"
CONTROLLERS = ("memory", "pids", "cpu", "hugetlb")
_PREFIX = "platform_base-"
_MOUNTS = Path("/proc/self/mountinfo")
_PERIOD_US = 100_000
_KERNEL_BYTES = 32 << 20
"""Page tables, sockets and stacks of the kernel, which the memory controller counts as well."""
_EMPTY_S = 5.0
_REMEDY = (
    "name a directory of the cgroup v2 hierarchy that is delegated to this program, as systemd's Delegate= and "
    "DelegateSubgroup= give one, in security.cgroup; or take that setting out"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Cgroup:
    """The cgroup of one worker.

    Attributes:
        place: Its directory.
        controllers: Those that are in force in it.
    """

    place: Path
    controllers: tuple[str, ...]

    @property
    def protections(self) -> tuple[str, ...]:
        """Names of the protections that it gives."""
        return (NAME, *(f"{NAME}_{controller}" for controller in self.controllers))

    def add(self, pid: int) -> None:
        """Move a process here, with all its threads, and see that it is here.

        Raises:
            ConfinementError: The kernel refused, or says something else afterwards.
        """
        try:
            _write(self.place / "cgroup.procs", str(pid))
            members = (self.place / "cgroup.procs").read_text(encoding="ascii").split()
        except OSError as error:
            raise _refused(self.place, error) from error
        if str(pid) not in members:
            raise ConfinementError(
                NAME, f"{self.place}: expected process {pid} in it, got {members or 'none'}", _REMEDY
            )

    @property
    def ran_out_of_memory(self) -> bool:
        """Whether the kernel has killed something here for want of memory; false without the memory controller."""
        try:
            events = (self.place / "memory.events").read_text(encoding="ascii")
        except FileNotFoundError:
            return False
        return any(int(row.split()[1]) for row in events.splitlines() if row.startswith("oom_kill "))

    def remove(self) -> None:
        """Kill whatever is left here, and remove the cgroup; one that is gone already is fine.

        Raises:
            OSError: It could not be emptied.
        """
        try:
            _write(self.place / "cgroup.kill", "1")
            _wait_until_empty(self.place)
            self.place.rmdir()
        except FileNotFoundError:
            return


def probe(base: str | None, controllers: Iterable[str] = CONTROLLERS) -> Availability:
    """See whether workers can have cgroups in a directory, without changing anything.

    Args:
        base: What ``security.cgroup`` says; None: nothing.
        controllers: Those that are wanted.
    """
    if base is None:
        mounted = _mount_point()
        reason = "security.cgroup names none" if mounted else "no cgroup v2 hierarchy is mounted"
        return Availability(available=False, reason=reason, remedy=_REMEDY)
    place = Path(base)
    try:
        _check(place)
        there = _words(place / "cgroup.controllers")
    except ConfinementError as error:
        return Availability(available=False, reason=error.reason, remedy=error.remedy)
    except OSError as error:
        return Availability(available=False, reason=_refused(place, error).reason, remedy=_REMEDY)
    given = [name for name in controllers if name in there]
    lacks = tuple(f"{NAME}_{name}" for name in controllers if name not in there)
    detail = f"{place}: kill, {', '.join(given)}" if given else f"{place}: kill; no controller reaches it"
    remedy = "have the controllers delegated to that directory" if lacks else ""
    return Availability(available=True, detail=detail, remedy=remedy, lacks=lacks)


def make_cgroup(base: str, number: int, policy: Policy) -> Cgroup:
    """Make the cgroup of one worker, with the limits of its policy.

    Args:
        base: The directory that is delegated to this program.
        number: The worker's.
        policy: What the worker may do.

    Raises:
        ConfinementError: It cannot be made, or a limit cannot be set.
    """
    parent = Path(base)
    _check(parent)
    try:
        _sweep(parent)
        controllers = _enable(parent)
        place = parent / f"{_PREFIX}{os.getpid()}-{number}"
        place.mkdir(mode=0o755)
    except OSError as error:
        raise _refused(parent, error) from error
    made = Cgroup(place=place, controllers=controllers)
    try:
        for name, value in _limits(place, policy, controllers).items():
            _write(place / name, value)
    except OSError as error:
        made.remove()
        raise _refused(place, error) from error
    return made


def _limits(place: Path, policy: Policy, controllers: Iterable[str]) -> dict[str, str]:
    """Return what is to be written into which file; only what a controller that is in force has."""
    wanted: dict[str, str] = {}
    if "memory" in controllers and policy.max_memory_bytes is not None:
        most = policy.max_memory_bytes + policy.max_scratch_bytes + policy.max_result_bytes + _KERNEL_BYTES
        wanted |= {"memory.max": str(most), "memory.oom.group": "1"}
        if (place / "memory.swap.max").exists():  # not where the kernel has no swap accounting
            wanted["memory.swap.max"] = "0"
    if "pids" in controllers:
        wanted["pids.max"] = str(policy.max_threads + policy.max_processes)
    if "cpu" in controllers and policy.max_cpu_percent is not None:
        wanted["cpu.max"] = f"{max(1000, round(policy.max_cpu_percent * _PERIOD_US / 100))} {_PERIOD_US}"
    if "hugetlb" in controllers:
        # Huge pages come out of a pool of the whole machine.
        wanted |= {file.name: "0" for file in place.glob("hugetlb.*.max") if not file.name.endswith(".rsvd.max")}
    return wanted


def _enable(parent: Path) -> tuple[str, ...]:
    """Have the controllers that reach `parent` count what is in it; return those that do.

    One that the kernel does not hand on, such as memory where processes sit in `parent` itself, is left out.
    """
    there, enabled = _words(parent / "cgroup.controllers"), _words(parent / "cgroup.subtree_control")
    for name in CONTROLLERS:
        if name in there and name not in enabled:
            try:
                _write(parent / "cgroup.subtree_control", f"+{name}")
            except OSError as error:
                if error.errno not in (errno.EBUSY, errno.EACCES, errno.EPERM, errno.EOPNOTSUPP, errno.EINVAL):
                    raise
    enabled = _words(parent / "cgroup.subtree_control")
    return tuple(name for name in CONTROLLERS if name in enabled)


def _check(place: Path) -> None:
    """Make sure that a directory is a cgroup in which this program may make others."""
    for name in ("cgroup.controllers", "cgroup.procs", "cgroup.subtree_control"):
        if not (place / name).exists():
            raise ConfinementError(NAME, f"{place}: expected a cgroup v2 directory, got one without {name}", _REMEDY)
    if not os.access(place, os.W_OK) or not os.access(place / "cgroup.procs", os.W_OK):
        reason = f"{place}: expected a directory that user {os.geteuid()} may write to, got one that it may not"
        raise ConfinementError(NAME, reason, _REMEDY)


def _sweep(parent: Path) -> None:
    """Remove what hosts have left that are dead: their workers died with them, but a directory cannot die."""
    for entry in parent.glob(f"{_PREFIX}*-*"):
        pid = entry.name.removeprefix(_PREFIX).partition("-")[0]
        if pid.isdigit() and not Path("/proc", pid).exists():
            try:
                entry.rmdir()
            except OSError as error:
                if error.errno not in (errno.ENOENT, errno.EBUSY):
                    raise


def _wait_until_empty(place: Path) -> None:
    """Wait until no process is left, as the kernel tells by marking ``cgroup.events`` as changed."""
    with (place / "cgroup.events").open(encoding="ascii") as events:
        changed = select.poll()
        changed.register(events, select.POLLPRI)
        while "populated 1" in events.read():
            if not changed.poll(_EMPTY_S * 1000):
                raise OSError(errno.EBUSY, "processes are left although they were killed", str(place))
            events.seek(0)


def _mount_point() -> str:
    """Return where the hierarchy is mounted; empty where it is not."""
    for row in _MOUNTS.read_text(encoding="utf-8", errors="surrogateescape").splitlines():
        fields = row.split()
        if fields[fields.index("-") + 1] == "cgroup2":
            return fields[4]
    return ""


def _words(file: Path) -> list[str]:
    return file.read_text(encoding="ascii").split()


def _write(file: Path, text: str) -> None:
    # Never made where it is not there: a plain directory must not pass for a cgroup.
    descriptor = os.open(file, os.O_WRONLY | os.O_CLOEXEC)
    try:
        os.write(descriptor, text.encode("ascii"))
    finally:
        os.close(descriptor)


def _refused(place: Path, error: OSError) -> ConfinementError:
    return ConfinementError(NAME, f"{error.filename or place}: the kernel refused: {error.strerror}", _REMEDY)
