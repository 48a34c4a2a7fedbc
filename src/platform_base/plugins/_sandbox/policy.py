"""What one worker may do: plain numbers and paths, made in the host, obeyed in the warden and the worker."""

from __future__ import annotations

import msgspec


class Policy(msgspec.Struct, frozen=True, kw_only=True):
    """Limits and permissions of one worker.

    Paths are absolute and resolved. ``None`` for a number means that it is not limited.

    Attributes:
        enabled: False only with ``enable_sandboxing: false``; then nothing but the process border holds.
        read_paths: Files and directory trees that may be read.
        write_paths: Directory trees that may be read and written, besides the scratch directory.
        scratch: The worker's private directory; the empty string where there is none.
        kernel_cache: That of `write_paths` which outlives the worker, for compiled kernels; empty: there is none.
        network: Destinations ``("host", port)`` that the broker may connect to; empty: none.
        max_memory_bytes: Private memory beyond what the warden had at the fork.
        max_cpu_percent: Share of one core, 100 is one core.
        max_cpu_seconds: CPU time in the worker's whole life.
        max_threads: Threads, the first one included.
        blas_threads: Threads that numerical libraries are told to use.
        max_processes: Processes that the worker may have besides itself; 0: it cannot start any.
        max_open_files: Open descriptors.
        max_scratch_bytes: Bytes in the scratch directory, and the size of any one file.
        max_result_bytes: Bytes of one result.
        max_output_bytes: Bytes of standard output and error that are kept for one call.
        allowed_modules: Third-party top-level modules that the plugin's own files may import; None: any.
        blocked_modules: Modules that the plugin's own files may not import.
        namespaces: ``"auto"``: those that the system gives; ``"require"``: all of them; ``"off"``: none.
        cgroup: Directory of the cgroup hierarchy in which the worker gets its own; empty: none.
        accept_missing: Names of protections whose absence is accepted.
        uid: User id to change to; None: stay. Set only when the host runs as root.
        group: Supplementary group that the workers of one release share, so that they can share the kernels that one
            of them compiled. Set only when the host runs as root.
        switched_off: Names of backends that are left out. Only the escape tests set it, to show that another
            layer still holds.
    """

    enabled: bool = True
    read_paths: tuple[str, ...] = ()
    write_paths: tuple[str, ...] = ()
    scratch: str = ""
    kernel_cache: str = ""
    network: tuple[tuple[str, int], ...] = ()
    max_memory_bytes: int | None = 512 << 20
    max_cpu_percent: float | None = 50.0
    max_cpu_seconds: int | None = None
    max_threads: int = 32
    blas_threads: int = 1
    max_processes: int = 0
    max_open_files: int = 64
    max_scratch_bytes: int = 64 << 20
    max_result_bytes: int = 256 << 20
    max_output_bytes: int = 1 << 20
    allowed_modules: tuple[str, ...] | None = None
    blocked_modules: tuple[str, ...] = ()
    namespaces: str = "auto"
    cgroup: str = ""
    accept_missing: tuple[str, ...] = ()
    uid: int | None = None
    group: int | None = None
    switched_off: tuple[str, ...] = ()
