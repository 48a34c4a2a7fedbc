"""The host's side of the warden: start it, ask it for workers, let it end."""

from __future__ import annotations

import logging
import os
import select
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path

import msgspec

from platform_base.plugins._host.visible import make_visible
from platform_base.plugins._sandbox.import_path import import_path
from platform_base.plugins._sandbox.policy import Policy
from platform_base.plugins._sandbox.private_root import is_within
from platform_base.plugins._wire.messages import (
    PROTOCOL_VERSION,
    Allow,
    FromWarden,
    Spawn,
    Start,
    Up,
)
from platform_base.plugins._wire.unix_socket import FrameSocket
from platform_base.plugins.errors import SandboxUnavailableError

logger = logging.getLogger(__name__)

_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(FromWarden).decode

# Only its own package directory is put in front; `-I` keeps the caller's directory and PYTHON* variables out.
_PROGRAM = (
    "import sys; sys.path[:0] = sys.argv[3:]; "
    "from platform_base.plugins._warden.__main__ import run; run(int(sys.argv[1]), int(sys.argv[2]))"
)

THREAD_VARIABLES = (
    "OPENBLAS_NUM_THREADS",
    "OMP_NUM_THREADS",
    "MKL_NUM_THREADS",
    "NUMEXPR_NUM_THREADS",
    "NUMBA_NUM_THREADS",
)
WARDEN_ENVIRONMENT = {
    "PATH": "/usr/bin:/bin",
    "LANG": "C.UTF-8",
    # A fork copies one thread only: a pool of threads in the warden would leave its locks held for ever in workers.
    **dict.fromkeys(THREAD_VARIABLES, "1"),
    # A worker's threads of OpenBLAS spin for 2**26 cycles after their work by default, after the call that is: an idle
    # worker that computes is ended. 2**4 is the least that OpenBLAS takes.
    "OPENBLAS_THREAD_TIMEOUT": "4",
}


class WardenLostError(Exception):
    """The warden is gone; every worker died with it."""


class WardenClient:
    """One warden process. Thread-safe."""

    def __init__(
        self,
        *,
        preload: Sequence[str],
        runtime: Path,
        namespaces: bool = False,
        import_from: Sequence[str] | None = None,
        roots: Sequence[str] = (),
        shelves: Sequence[str] = (),
    ) -> None:
        """Start a warden and wait until it can fork.

        Args:
            preload: Modules to import once, before the first fork.
            runtime: Directory of this host's scratch directories; the warden removes it when it ends.
            namespaces: Enter those that the system gives.
            import_from: Directories of an environment to import from, and nothing else but the standard library; None:
                what this process imports from.
            roots: Files and trees that every worker may see where there is a private root.
            shelves: Files and trees that a worker may see there if its policy names them.

        Raises:
            SandboxUnavailableError: It did not start.
        """
        ours, theirs = FrameSocket.pair()
        self._line = ours
        self._lock = threading.Lock()
        command = [
            sys.executable,
            "-I",
            # Without `site`: it would run the .pth files of the installation.
            *(("-S",) if import_from is not None else ()),
            "-X",
            "utf8",
            "-c",
            _PROGRAM,
            str(theirs.fileno()),
            str(os.getpid()),
            *(import_path() if import_from is None else import_from),
        ]
        self._process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            env=WARDEN_ENVIRONMENT,
            pass_fds=(theirs.fileno(),),
            start_new_session=True,
        )
        theirs.close()
        start = Start(
            preload=tuple(preload),
            runtime=str(runtime),
            namespaces=namespaces,
            roots=tuple(roots),
            shelves=tuple(shelves),
        )
        self._lost = False
        frame = self._exchange(_encode(start))
        if not frame:
            raise SandboxUnavailableError(
                f"the warden process did not start: {self._last_words()}; run `platform-base doctor`",
                protection="process",
            )
        up = _decode(frame)
        if not isinstance(up, Up) or up.protocol != PROTOCOL_VERSION:
            self.close()
            raise SandboxUnavailableError(
                f"the warden speaks another protocol than this host ({PROTOCOL_VERSION}); "
                "an update was installed while this program ran: restart it",
                protection="process",
            )
        if up.threads != 1:
            self.close()
            raise SandboxUnavailableError(
                f"the warden has {up.threads} threads after importing {', '.join(preload)}; it cannot be forked: "
                "take the module that starts them out of workers.preload",
                protection="process",
            )
        self.skipped: Mapping[str, str] = up.skipped
        self.missing: Mapping[str, str] = up.missing
        self.pid = self._process.pid
        self._visible = up.visible

    def _exchange(self, start: bytes) -> bytes:
        """Send what the warden begins with, and return its answer; nothing if it died meanwhile."""
        try:
            self._line.send(start)
            return self._line.receive()
        except (BrokenPipeError, ConnectionResetError):
            return b""

    @property
    def alive(self) -> bool:
        """Whether the process still runs."""
        # It says nothing after its first message, so the line is readable only once its end is closed.
        if self._lost:
            return False
        line = select.poll()
        line.register(self._line, select.POLLIN)
        return not line.poll(0)

    def check_visible(self, policy: Policy) -> None:
        """Make sure that workers of this warden can see what a policy lets them use.

        A path to read that does not exist is left out everywhere, so it is no fault here either.

        Raises:
            SandboxUnavailableError: A path came into being after the private root was made.
        """
        if self._visible is None:
            return
        for path in (*policy.read_paths, *policy.write_paths):
            if not any(is_within(path, seen) for seen in self._visible) and Path(path).exists():
                raise SandboxUnavailableError(
                    f"{path} did not exist when the private root of the workers was made; close the registry and make "
                    "a new one, or set security.namespaces: off",
                    protection="mount_namespace",
                )

    def spawn(
        self,
        worker: int,
        policy: Policy,
        environment: Mapping[str, str],
        *,
        control: int,
        output: int,
        line: int,
    ) -> None:
        """Ask for a worker; what becomes of it is told on `line`.

        Raises:
            WardenLostError: There is no warden any more.
        """
        self._send(
            _encode(Spawn(worker=worker, policy=msgspec.Raw(_encode(policy)), environment=dict(environment))),
            (control, output, line),
        )

    def allow(self, worker: int, shared_bytes: int) -> None:
        """Leave so much shared memory of a worker out of its memory limit."""
        self._send(_encode(Allow(worker=worker, shared_bytes=shared_bytes)), ())

    def _send(self, frame: bytes, descriptors: Sequence[int]) -> None:
        with self._lock:
            try:
                self._line.send(frame, descriptors)
            except OSError as error:
                self._lost = True
                raise WardenLostError(str(error)) from None

    def close(self) -> None:
        """End the warden, and with it every worker; returns when it is reaped."""
        with self._lock:
            self._lost = True
            self._line.close()
        try:
            _, errors = self._process.communicate(timeout=10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            _, errors = self._process.communicate()
        if errors:
            logger.error("the warden said before it ended: %s", make_visible(errors.decode("utf-8", "replace")))

    def _last_words(self) -> str:
        _, errors = self._process.communicate()
        self._line.close()
        lines = errors.decode("utf-8", "replace").strip().splitlines()
        return lines[-1] if lines else f"exit status {self._process.returncode}"
