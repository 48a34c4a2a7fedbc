"""From the fork to the first request: descriptors, environment, confinement, proof, ready.

Everything here runs before any byte of plugin code is read, so what the worker reports as its protections cannot have
been forged by the plugin.
"""

from __future__ import annotations

import fcntl
import os
import signal
import sys
from collections.abc import Collection, Mapping

import msgspec

from platform_base.plugins._sandbox.base import Baseline, ConfinementError
from platform_base.plugins._sandbox.confine import confine
from platform_base.plugins._sandbox.descriptors import close_all_except
from platform_base.plugins._sandbox.namespaces import Surroundings
from platform_base.plugins._sandbox.policy import Policy
from platform_base.plugins._sandbox.prove import prove
from platform_base.plugins._wire.messages import PROTOCOL_VERSION, Ready, Refused
from platform_base.plugins._wire.unix_socket import FrameSocket
from platform_base.plugins._worker.heap import keep_freed_memory
from platform_base.plugins._worker.kernel_cache import find_kernel_cache
from platform_base.plugins._worker.serve import Server
from platform_base.plugins._worker.threads import use_threads
from platform_base.plugins._worker.usage import UsageMeter, open_clear_refs

_encode = msgspec.msgpack.Encoder().encode

CONTROL = 3
CLEAR_REFS = 4
_PROC = 5


def run(
    policy: Policy,
    environment: Mapping[str, str],
    *,
    control: int,
    output: int,
    baseline: Baseline,
    surroundings: Surroundings,
) -> None:
    """Be a worker; return when the host closes the line."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    wanted = {1: output, 2: output, CONTROL: control, CLEAR_REFS: open_clear_refs(surroundings.proc)}
    if policy.max_processes:
        wanted[_PROC] = surroundings.proc
        os.register_at_fork(after_in_child=_leave_host_alone)
    opened = _arrange_descriptors(wanted)
    os.environ.clear()
    os.environ.update(environment)
    line = FrameSocket.adopt(CONTROL)
    try:
        policy, around = surroundings.settle(policy, _PROC if _PROC in opened else -1)
        protections = (*confine(policy, baseline), *around)
        prove(policy, protections)
    except ConfinementError as error:
        line.send(_encode(Refused(protection=error.protection, reason=error.reason, remedy=error.remedy)))
        return
    keep_freed_memory(policy.max_memory_bytes)
    use_threads(policy.blas_threads)  # Only now: threads that exist already could not be confined.
    find_kernel_cache()
    line.send(_encode(Ready(protocol=PROTOCOL_VERSION, protections=protections)))
    Server(line, policy, UsageMeter(CLEAR_REFS if CLEAR_REFS in opened else -1)).serve()


def open_standard_streams() -> None:
    """Make text streams as workers have them: line by line, and never failing on what a plugin prints.

    For the process that forks workers: theirs are ready then, for whatever stands at the descriptors.
    """
    sys.stdin = open(0, encoding="utf-8", closefd=False)  # noqa: SIM115
    sys.stdout = open(1, "w", buffering=1, encoding="utf-8", errors="backslashreplace", closefd=False)  # noqa: SIM115
    sys.stderr = open(2, "w", buffering=1, encoding="utf-8", errors="backslashreplace", closefd=False)  # noqa: SIM115


def _leave_host_alone() -> None:
    """Give up, in a process that the worker has started, what only the worker itself uses to speak with the host."""
    for descriptor in (CONTROL, CLEAR_REFS):
        os.dup2(0, descriptor, inheritable=False)  # not closed: the number would be given to the next file


def _arrange_descriptors(wanted: Mapping[int, int]) -> Collection[int]:
    """Put every descriptor in its place and close the rest, the warden's own socket above all.

    Args:
        wanted: Descriptors by their place; -1 is left out.

    Returns:
        The places that are taken now.
    """
    places = {
        0: os.open("/dev/null", os.O_RDONLY),
        **{place: source for place, source in wanted.items() if source >= 0},
    }
    # First out of the way, then into place: a source may sit where another one belongs.
    parked = {place: fcntl.fcntl(source, fcntl.F_DUPFD_CLOEXEC, _PROC + 1) for place, source in places.items()}
    for place, source in parked.items():
        os.dup2(source, place, inheritable=False)
    close_all_except(places)
    return places
