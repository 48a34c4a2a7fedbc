"""Every message that crosses a process border, as typed structures.

Three conversations use them::

    host  → warden   Start, Spawn, Allow              (and descriptors)
    warden → host    Up, then for each worker on its own line: Forked, ForkFailed, Exited
    host  → worker   Load, Execute, Grant, Connected   (and descriptors)
    worker → host    Ready, Refused, Loaded, LoadFailed, Progress, Allocate, Connect, Done, Failed   (never descriptors)

A message is one datagram of at most `MAX_FRAME` bytes; what is larger travels in an arena. Decoding is typed: a
message of another shape is refused before any of it is used.
"""

from __future__ import annotations

import msgspec

PROTOCOL_VERSION = 2
MAX_FRAME = 1 << 16
MAX_INLINE_BODY = 1 << 15
MAX_TEXT = 16_000
CALL_BYTES = 16


class Location(msgspec.Struct, frozen=True, array_like=True):
    """Where a body stands inside the arena of its message."""

    offset: int
    size: int


class Usage(msgspec.Struct, frozen=True, array_like=True):
    """What a worker says it used: for statistics only, never for decisions."""

    cpu_seconds: float
    peak_memory_bytes: int


class Start(msgspec.Struct, frozen=True, tag="start"):
    """The warden's first message.

    Attributes:
        preload: Modules to import before the first fork.
        runtime: Directory of the scratch directories, to be removed at the end.
        namespaces: Enter those that the system gives.
        roots: With a private root, files and trees that every worker sees, read-only.
        shelves: With a private root, files and trees that a worker sees if its policy names them.
    """

    preload: tuple[str, ...]
    runtime: str
    namespaces: bool = False
    roots: tuple[str, ...] = ()
    shelves: tuple[str, ...] = ()


class Spawn(msgspec.Struct, frozen=True, tag="spawn"):
    """Fork one worker. Descriptors: its control socket, its output pipe, its line to the host.

    Attributes:
        worker: The host's number for it.
        policy: A `Policy`, encoded: what it says is no business of the wire.
        environment: The worker's environment variables, all of them.
    """

    worker: int
    policy: msgspec.Raw
    environment: dict[str, str]


class Allow(msgspec.Struct, frozen=True, tag="allow"):
    """Do not count so many bytes of shared memory against a worker: the host itself gave them to it."""

    worker: int
    shared_bytes: int


class Up(msgspec.Struct, frozen=True, tag="up"):
    """The warden is ready to fork.

    Attributes:
        protocol: `PROTOCOL_VERSION` of the warden.
        threads: How many it has.
        skipped: Modules that could not be imported, with the reason.
        namespaces: Protections that every worker has because the warden has them.
        missing: Those that the system does not give, with the reason.
        visible: With a private root, all that a policy may name; None where workers see what the host sees.
    """

    protocol: int
    threads: int
    skipped: dict[str, str]
    namespaces: tuple[str, ...] = ()
    missing: dict[str, str] = {}
    visible: tuple[str, ...] | None = None


class Forked(msgspec.Struct, frozen=True, tag="forked"):
    """A worker exists. Descriptor: its pidfd."""

    pid: int


class ForkFailed(msgspec.Struct, frozen=True, tag="fork_failed"):
    """The kernel refused the fork."""

    reason: str


class Exited(msgspec.Struct, frozen=True, tag="exited"):
    """A worker is dead and reaped.

    Attributes:
        status: As `os.waitpid` gives it.
        cpu_seconds: User and system time of its whole life.
        killed_for: The limit for which the warden killed it, such as ``"max_memory_mb"``; empty otherwise.
        peak_memory_bytes: Largest resident memory since its last call began.
    """

    status: int
    cpu_seconds: float
    killed_for: str
    peak_memory_bytes: int


class Probe(msgspec.Struct, frozen=True, array_like=True):
    """What a worker measures in the calls that it serves.

    Attributes:
        kind: ``"time"`` or ``"memory"``.
        interval_s: For ``"time"``: between two samples, seconds.
        calls: For ``"time"``: how often each call is carried out.
        warm: Carry it out once before, so that what is imported and compiled on first use is not measured.
    """

    kind: str
    interval_s: float = 0.001
    calls: int = 1
    warm: bool = True


class Load(msgspec.Struct, frozen=True, tag="load"):
    """Import the plugin and construct it.

    Attributes:
        directory: The snapshot to import from.
        package: Name of the plugin's directory, as a Python identifier.
        module: Module inside the directory, dotted.
        class_name: The plugin class.
        plugin_id: What `get_manifest` must say.
        version: What `get_manifest` must say.
        scan: Check the imports that the sources state first; False: another worker has found them in order.
        packages: Directory of further distributions to import from; empty: none.
        probe: What to measure in every call; None: nothing.
    """

    directory: str
    package: str
    module: str
    class_name: str
    plugin_id: str
    version: str
    scan: bool = True
    packages: str = ""
    probe: Probe | None = None


class Execute(msgspec.Struct, frozen=True, tag="execute"):
    """Run one call. Descriptors: a new input arena, if the worker has none that will do; a result arena; the lent ones.

    Attributes:
        call: A random number; every message of the call carries it.
        body: The inputs, or where they stand in the input arena.
        arena_size: Bytes of the input arena in use; 0: none.
        has_new_arena: The first descriptor is a new input arena.
        granted_size: The next descriptor is a result arena of so many bytes, for this call only; 0: none is given yet.
        lent_sizes: Bytes of each arena that may be looked at during this call only.
        count: 0: the body is the inputs of one call; else it is a batch of so many, answered by a batch of outcomes.
        linger: There is a core to spare: look for the next call for a moment before sleeping.
    """

    call: bytes
    body: bytes | Location
    arena_size: int
    has_new_arena: bool = False
    granted_size: int = 0
    lent_sizes: tuple[int, ...] = ()
    count: int = 0
    linger: bool = False


class Grant(msgspec.Struct, frozen=True, tag="grant"):
    """The answer to `Allocate`. Descriptor: the result arena.

    Attributes:
        call: The call.
        size: Bytes of the arena.
        keep: Keep it mapped for later calls; else unmap it before the answer, so that it can be sealed.
    """

    call: bytes
    size: int
    keep: bool


class Connected(msgspec.Struct, frozen=True, tag="connected"):
    """The answer to `Connect`. Descriptor: the connected socket, unless `error` says why there is none."""

    call: bytes
    error: str
    allowed: bool


class Ready(msgspec.Struct, frozen=True, tag="ready"):
    """Confined, and proved to be; sent before the first byte of plugin code is read."""

    protocol: int
    protections: tuple[str, ...]


class Refused(msgspec.Struct, frozen=True, tag="refused"):
    """A protection that was asked for could not be given; the worker is about to exit."""

    protection: str
    reason: str
    remedy: str


class Loaded(msgspec.Struct, frozen=True, tag="loaded"):
    """The plugin is constructed."""

    usage: Usage


class LoadFailed(msgspec.Struct, frozen=True, tag="load_failed"):
    """The plugin could not be imported or constructed."""

    error_type: str
    message: str
    traceback: str


class Progress(msgspec.Struct, frozen=True, tag="progress"):
    """How far the call is; `fraction` is clamped to 0..1 by the host."""

    call: bytes
    fraction: float
    message: str


class Allocate(msgspec.Struct, frozen=True, tag="allocate"):
    """The result needs a larger arena, of `size` bytes; asked at most twice in a call."""

    call: bytes
    size: int


class Connect(msgspec.Struct, frozen=True, tag="connect"):
    """The plugin wants a TCP connection; the host decides, resolves the name and connects."""

    call: bytes
    host: str
    port: int


class Done(msgspec.Struct, frozen=True, tag="done"):
    """The call ended in a result.

    Attributes:
        call: The call.
        body: The result, or where it stands in the result arena.
        used: Bytes of the result arena in use, from its start.
        usage: What it took.
        inputs_kept: The plugin still holds arrays of its inputs: the host must not write there again.
    """

    call: bytes
    body: bytes | Location
    used: int
    usage: Usage
    inputs_kept: bool = False


class Failed(msgspec.Struct, frozen=True, tag="failed"):
    """The call ended without a result.

    Attributes:
        kind: ``"raised"``, ``"invalid_inputs"``, ``"encoding"``, ``"memory"`` or ``"result_size"``.
        path: For ``"encoding"``, the place of the value that cannot be sent.
    """

    call: bytes
    kind: str
    error_type: str
    message: str
    traceback: str
    usage: Usage
    path: str = ""
    inputs_kept: bool = False


ToWarden = Start | Spawn | Allow
FromWarden = Up | Forked | ForkFailed | Exited
ToWorker = Load | Execute | Grant | Connected
FromWorker = Ready | Refused | Loaded | LoadFailed | Progress | Allocate | Connect | Done | Failed
