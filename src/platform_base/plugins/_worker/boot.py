"""From the fork to the first request: descriptors, environment, confinement, proof, ready.

Everything here runs before any byte of plugin code is read, so what the worker reports as its protections cannot have
been forged by the plugin.
"""

from __future__ import annotations

import fcntl
import os
import signal
import sys
from collections.abc import Mapping

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
from platform_base.plugins._worker.serve import Server
from platform_base.plugins._worker.usage import UsageMeter, open_clear_refs

_encode = msgspec.msgpack.Encoder().encode

CONTROL = 3
CLEAR_REFS = 4


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
    clear_refs = _arrange_descriptors(control, output, open_clear_refs(surroundings.proc))
    os.environ.clear()
    os.environ.update(environment)
    _reopen_standard_streams()
    line = FrameSocket.adopt(CONTROL)
    try:
        around = surroundings.settle(policy)
        protections = (*confine(policy, baseline), *around)
        prove(policy, protections)
    except ConfinementError as error:
        line.send(_encode(Refused(protection=error.protection, reason=error.reason, remedy=error.remedy)))
        return
    _reseed()
    keep_freed_memory(policy.max_memory_bytes)
    line.send(_encode(Ready(protocol=PROTOCOL_VERSION, protections=protections)))
    Server(line, policy, UsageMeter(clear_refs)).serve()


def _arrange_descriptors(control: int, output: int, clear_refs: int) -> int:
    """Put every descriptor in its place and close the rest, the warden's own socket above all.

    Returns:
        The place of ``/proc/self/clear_refs``, -1 where there is none.
    """
    null = os.open("/dev/null", os.O_RDONLY)
    places = {0: null, 1: output, 2: output, CONTROL: control}
    if clear_refs >= 0:
        places[CLEAR_REFS] = clear_refs
    # First out of the way, then into place: a source may sit where another one belongs.
    parked = {place: fcntl.fcntl(source, fcntl.F_DUPFD_CLOEXEC, CLEAR_REFS + 1) for place, source in places.items()}
    for place, source in parked.items():
        os.dup2(source, place, inheritable=False)
    close_all_except(places)
    return CLEAR_REFS if clear_refs >= 0 else -1


def _reopen_standard_streams() -> None:
    """Text streams of this process: line by line, and never failing on what a plugin prints."""
    sys.stdin = open(0, encoding="utf-8", closefd=False)  # noqa: SIM115
    sys.stdout = open(1, "w", buffering=1, encoding="utf-8", errors="backslashreplace", closefd=False)  # noqa: SIM115
    sys.stderr = open(2, "w", buffering=1, encoding="utf-8", errors="backslashreplace", closefd=False)  # noqa: SIM115


def _reseed() -> None:
    """Forks share the generators of their parent: without this, siblings draw the same numbers."""
    random = sys.modules.get("random")
    if random is not None:
        random.seed()
    numpy = sys.modules.get("numpy")
    if numpy is not None:
        numpy.random.seed(None)
