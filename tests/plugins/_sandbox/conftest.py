"""A cell: fork, be somebody, confine, run a function, report through a pipe."""

from __future__ import annotations

import ctypes
import encodings.idna  # noqa: F401 - as below
import gc
import itertools
import json
import mmap
import os
import resource
import shutil
import signal
import socket
import stat
import struct
import tempfile
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import pytest

from platform_base.plugins._sandbox.confine import confine, prepare, read_baseline
from platform_base.plugins._sandbox.identity import choose_uid
from platform_base.plugins._sandbox.landlock import system_read_paths
from platform_base.plugins._sandbox.policy import Policy

ROOT = os.geteuid() == 0
ORDINARY_UID = 54321
LAYERS = ("rlimits", "identity", "no_new_privs", "landlock", "seccomp")

# An interpreter below /root cannot be read by the ordinary user that a test becomes: what the attacks need
# must be loaded before the fork.
PRELOADED = (ctypes, mmap, resource, socket, stat, struct, threading)


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """How a child ended: a value, or an exception, or a signal."""

    value: Any = None
    error: str = ""
    errno: int | None = None
    text: str = ""
    signal: str = ""


def describe(error: BaseException) -> dict[str, Any]:
    code = error.errno if isinstance(error, OSError) else None
    return {"error": type(error).__name__, "errno": code, "text": traceback.format_exc()[-3000:]}


def _await_single_thread() -> None:
    """Let threads end that hooks of other libraries have started behind the fork; a warden has no such libraries."""
    deadline = time.monotonic() + 5
    while len(os.listdir("/proc/self/task")) > 1 and time.monotonic() < deadline:
        time.sleep(0.001)


class Cell:
    """Where one test confines its children.

    Attributes:
        who: ``"root"`` (each worker has a user id of its own) or ``"ordinary"``.
        place: A directory that everybody may enter, with `scratch`, `own` and `secret` in it.
    """

    def __init__(self, who: str, place: Path, sequence: Iterator[int]) -> None:
        self.who = who
        self.system = system_read_paths()
        self.place = place
        self.scratch = place / "scratch"
        self.own = place / "own"
        self.secret = place / "secret"
        self.open_directory = place / "everybody"
        uids = {
            "root": choose_uid(os.getpid() * 64 + next(sequence)),
            "ordinary": ORDINARY_UID if ROOT else None,
        }
        self.uid = uids[who]
        place.chmod(0o711)
        for directory, mode in ((self.scratch, 0o700), (self.own, 0o755), (self.open_directory, 0o777)):
            directory.mkdir()
            directory.chmod(mode)
            if self.uid is not None:
                os.chown(directory, self.uid, self.uid)
        self.secret.write_text("secret")
        self.secret.chmod(0o666)
        (self.own / "data").write_text("own data")
        (self.own / "data").chmod(0o666)

    @property
    def can_import(self) -> bool:
        """Whether the confined process can read the interpreter's files."""
        return self.who == "root" or not ROOT or self.fork(lambda: os.access(os.__file__, os.R_OK)).value

    def policy(self, **changes: Any) -> Policy:
        reads = (str(self.own), *self.system)
        usual: dict[str, Any] = {"read_paths": reads, "scratch": str(self.scratch)}
        if self.who == "root":
            usual["uid"] = self.uid
        return Policy(**(usual | changes))

    def only(self, *layers: str, **changes: Any) -> Policy:
        """A policy under which nothing but `layers` confines."""
        return self.policy(switched_off=tuple(name for name in LAYERS if name not in layers), **changes)

    def fork(self, function: Callable[[], Any]) -> Report:
        """Run `function` in a child that is not confined; as `who` is ordinary, an ordinary user."""
        receive, send = os.pipe()
        pid = os.fork()
        if pid == 0:
            os.close(receive)
            _await_single_thread()
            self._report(send, function)
        os.close(send)
        try:
            with open(receive, "rb") as stream:
                answer = stream.read()
        finally:
            status = os.waitpid(pid, 0)[1]
        if os.WIFSIGNALED(status) and not answer:
            return Report(signal=signal.Signals(os.WTERMSIG(status)).name)
        return Report(**json.loads(answer))

    def run(self, function: Callable[[], Any], policy: Policy | None = None) -> Report:
        """Run `function` under a policy, the usual one if none is given."""
        policy = policy or self.policy()
        prepare()
        gc.collect()  # garbage of other tests, collected behind the fork, would be memory to spare
        baseline = read_baseline()

        def confined() -> Any:
            confine(self.readable(policy), baseline)
            return function()

        return self.fork(confined)

    def names(self, policy: Policy | None = None) -> Report:
        """Confine and report the protections in force."""
        policy = policy or self.policy()
        baseline = read_baseline()
        return self.fork(lambda: list(confine(self.readable(policy), baseline)))

    def readable(self, policy: Policy) -> Policy:
        """The policy without the system paths that the user this process has become cannot reach."""
        if self.who == "root" or not ROOT:
            return policy
        hidden = {path for path in self.system if not os.access(path, os.R_OK)}
        reads = tuple(path for path in policy.read_paths if path not in hidden)
        return msgspec.structs.replace(policy, read_paths=reads)

    def _report(self, send: int, function: Callable[[], Any]) -> None:
        try:
            if self.who == "ordinary" and ROOT:
                os.setgroups([])
                os.setresgid(ORDINARY_UID, ORDINARY_UID, ORDINARY_UID)
                os.setresuid(ORDINARY_UID, ORDINARY_UID, ORDINARY_UID)
            answer = {"value": function()}
        except BaseException as error:
            answer = describe(error)
        try:
            os.write(send, json.dumps(answer).encode())
        finally:
            os._exit(0)


@pytest.fixture(scope="session")
def sequence() -> Iterator[int]:
    return itertools.count()


@contextmanager
def opened(who: str, sequence: Iterator[int]) -> Iterator[Cell]:
    if who == "root" and not ROOT:
        pytest.skip("needs to start as root")
    place = Path(tempfile.mkdtemp(prefix="cell-"))
    try:
        yield Cell(who, place, sequence)
    finally:
        shutil.rmtree(place)


@pytest.fixture(params=["root", "ordinary"])
def cell(request: pytest.FixtureRequest, sequence: Iterator[int]) -> Iterator[Cell]:
    with opened(request.param, sequence) as made:
        yield made


@pytest.fixture
def root_cell(sequence: Iterator[int]) -> Iterator[Cell]:
    with opened("root", sequence) as made:
        yield made


@pytest.fixture
def ordinary_cell(sequence: Iterator[int]) -> Iterator[Cell]:
    with opened("ordinary", sequence) as made:
        yield made
