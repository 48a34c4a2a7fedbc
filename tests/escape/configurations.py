"""The host with single layers left out, to see which others still hold."""

from __future__ import annotations

import os
from dataclasses import dataclass

from platform_base.plugins.errors import PluginLoadError
from tests.escape import test_files, test_kernel, test_memory, test_network, test_processes, test_speech
from tests.escape.harness import Host
from tests.escape.outcomes import Behaviour, Denied

ROOT = os.geteuid() == 0

#: Where the interpreter lies below a directory that other users may not enter, only Landlock's presence lets a worker
#: of root read it. Without Landlock, what the enemy imports must be there before the fork.
PRELOADED = (
    "asyncio",
    "ctypes",
    "encodings.idna",
    "fcntl",
    "importlib.machinery",
    "mmap",
    "multiprocessing.pool",
    "multiprocessing.popen_fork",
    "multiprocessing.shared_memory",
    "pickle",
    "resource",
    "shutil",
    "socket",
    "subprocess",
    "tempfile",
    "termios",
    "urllib.request",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Configuration:
    """Which layers are left out.

    Attributes:
        name: In a table's head.
        switched_off: As `Policy.switched_off` takes them.
        namespaces: As the setting takes it.
        lacks: Words of `Behaviour.stops` that do not count here.
        needs_root: It is another one only where the host is root.
    """

    name: str
    switched_off: tuple[str, ...] = ()
    namespaces: str = "auto"
    lacks: frozenset[str] = frozenset()
    needs_root: bool = False

    def must_hold(self, behaviour: Behaviour) -> bool:
        """Whether a layer is left that stops the behaviour by itself."""
        counted = set(behaviour.stops) - self.lacks - (set() if ROOT else {"identity"})
        return bool(counted) or "process" in behaviour.stops

    def tries(self, behaviour: Behaviour) -> bool:
        """Whether it is tried at all: what may do harm is tried only where its layers are in force."""
        return not behaviour.risky or not self.lacks & set(behaviour.stops)


_NEW_LANDLOCK = ("landlock_truncate", "landlock_tcp", "landlock_scope")

CONFIGURATIONS = (
    Configuration(name="all layers"),
    Configuration(name="no Landlock", switched_off=("landlock",), lacks=frozenset({"landlock"})),
    Configuration(name="no seccomp", switched_off=("seccomp",), lacks=frozenset({"seccomp"})),
    Configuration(name="no own user", switched_off=("identity",), lacks=frozenset({"identity"}), needs_root=True),
    Configuration(name="core", namespaces="off", lacks=frozenset({"namespaces"})),
    Configuration(
        name="core, no Landlock",
        namespaces="off",
        switched_off=("landlock",),
        lacks=frozenset({"landlock", "namespaces"}),
    ),
    Configuration(
        name="core, no seccomp", namespaces="off", switched_off=("seccomp",), lacks=frozenset({"seccomp", "namespaces"})
    ),
    Configuration(
        name="core, Landlock ABI 2",
        namespaces="off",
        switched_off=_NEW_LANDLOCK,
        lacks=frozenset({"new landlock", "namespaces"}),
    ),
)

CHAPTERS = (test_files, test_network, test_processes, test_kernel, test_memory, test_speech)

REFUSED: tuple[Behaviour, ...] = tuple(
    behaviour
    for chapter in CHAPTERS
    for behaviour in chapter.BEHAVIOURS
    if isinstance(behaviour.expects, Denied) and behaviour.stops
)
"""What is refused inside the worker; only there do the layers make a difference."""


def make_host(configuration: Configuration) -> Host | str:
    """Return a host without these layers, or why there can be none here."""
    if configuration.needs_root and not ROOT:
        return "only root can give each worker a user of its own"
    try:
        return Host(
            switched_off=configuration.switched_off,
            security={"namespaces": configuration.namespaces},
            preload=PRELOADED,
        )
    except PluginLoadError as error:
        if "Permission" in str(error) and ROOT:
            return (
                "the interpreter lies where only root can read it, and Landlock, which would bound that right, is off"
            )
        raise
