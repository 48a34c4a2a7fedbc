"""Landlock alone, as root with every capability and as an ordinary user: what it refuses, what works."""

from __future__ import annotations

import ctypes
import errno
import os
import socket
import sys
import tempfile
from pathlib import Path

import pytest

from platform_base.plugins._sandbox import linux
from platform_base.plugins._sandbox.landlock import (
    Landlock,
    handled_rights,
    landlock_abi,
    open_step_by_step,
    open_without_links,
    system_read_paths,
)

ABI = landlock_abi()
pytestmark = pytest.mark.skipif(ABI < 1, reason="this kernel has no Landlock")


def since(abi):
    return pytest.mark.skipif(abi > ABI, reason=f"needs Landlock ABI {abi}")


def write(path, flags=os.O_WRONLY):
    descriptor = os.open(path, flags, 0o600)
    os.write(descriptor, b"x")
    os.close(descriptor)


def exec_script(cell):
    script = cell.scratch / "script"
    script.write_text("#!/bin/sh\n")
    script.chmod(0o700)
    os.execv(script, [str(script)])


def through_link(cell):
    os.symlink(cell.secret, cell.scratch / "link")
    return (cell.scratch / "link").read_text()


ATTACKS = {
    "read a world-readable file": lambda cell: cell.secret.read_text(),
    "read /etc/passwd": lambda cell: Path("/etc/passwd").read_text(),
    "list /": lambda cell: os.listdir("/"),
    "list the parent of scratch": lambda cell: os.listdir(cell.place),
    "list /proc": lambda cell: os.listdir("/proc"),
    "read own status": lambda cell: Path("/proc/self/status").read_text(),
    "open the parent's memory": lambda cell: os.open(f"/proc/{os.getppid()}/mem", os.O_RDONLY),
    "read through /proc/self/root": lambda cell: Path(f"/proc/self/root{cell.secret}").read_text(),
    "read through ..": lambda cell: (cell.own / ".." / "secret").read_text(),
    "read through a symbolic link": through_link,
    "write a world-writable file": lambda cell: write(cell.secret),
    "append to own code": lambda cell: write(cell.own / "data", os.O_WRONLY | os.O_APPEND),
    "create beside own code": lambda cell: write(cell.own / "new", os.O_WRONLY | os.O_CREAT),
    "unnamed file outside": lambda cell: write(cell.open_directory, os.O_WRONLY | os.O_TMPFILE),
    "write a package": lambda cell: write(os.__file__, os.O_WRONLY | os.O_APPEND),
    "hard link into scratch": lambda cell: os.link(cell.secret, cell.scratch / "hard"),
    "rename into scratch": lambda cell: os.rename(cell.open_directory / "victim", cell.scratch / "victim"),
    "rename out of scratch": lambda cell: os.rename(cell.scratch / "mine", cell.open_directory / "mine"),
    "mkdir outside": lambda cell: os.mkdir(cell.open_directory / "new"),
    "unlink outside": lambda cell: os.unlink(cell.open_directory / "victim"),
    "rmdir outside": lambda cell: os.rmdir(cell.open_directory / "folder"),
    "symbolic link outside": lambda cell: os.symlink("/", cell.open_directory / "link"),
    "fifo in scratch": lambda cell: os.mkfifo(cell.scratch / "fifo"),
    "socket in scratch": lambda cell: socket.socket(socket.AF_UNIX).bind(str(cell.scratch / "socket")),
    "execute a script in scratch": exec_script,
    "execute a program": lambda cell: os.execv("/bin/true", ["true"]),
    "write a device": lambda cell: write("/dev/full"),
    "write /dev/zero": lambda cell: write("/dev/zero", os.O_RDWR),
    "open the terminal": lambda cell: os.open("/dev/tty", os.O_RDWR),
    "shared memory by name": lambda cell: write("/dev/shm/segment-of-a-cell", os.O_RDWR | os.O_CREAT),
}


@pytest.mark.parametrize("attack", ATTACKS.values(), ids=ATTACKS.keys())
def test_refuses(cell, attack):
    (cell.open_directory / "victim").write_text("x")
    (cell.open_directory / "folder").mkdir()
    before = cell.secret.read_bytes(), (cell.own / "data").read_bytes()

    def act():
        (cell.scratch / "mine").write_text("x")
        return attack(cell)

    report = cell.run(act, cell.only("landlock"))

    assert report.errno in (errno.EACCES, errno.EXDEV, errno.EPERM), report
    assert (cell.secret.read_bytes(), (cell.own / "data").read_bytes()) == before
    assert sorted(os.listdir(cell.open_directory)) == ["folder", "victim"]
    assert os.listdir(cell.own) == ["data"]


@since(3)
def test_refuses_to_empty_a_readable_file(cell):
    data = cell.own / "data"

    assert cell.run(lambda: os.truncate(data, 0), cell.only("landlock")).errno == errno.EACCES
    assert cell.run(lambda: os.open(data, os.O_RDONLY | os.O_TRUNC), cell.only("landlock")).errno == errno.EACCES
    assert data.read_text() == "own data"


@since(4)
def test_refuses_tcp(cell):
    with socket.create_server(("127.0.0.1", 0)) as server:
        address = server.getsockname()

        def connect():
            socket.socket().connect(address)

        assert cell.run(connect, cell.only("landlock")).errno == errno.EACCES
        assert cell.run(lambda: socket.socket().bind(("127.0.0.1", 0)), cell.only("landlock")).errno == errno.EACCES


@since(6)
def test_refuses_signals_and_abstract_sockets_outside(cell):
    me = os.getpid()
    with socket.socket(socket.AF_UNIX) as server:
        server.bind("")  # the kernel chooses an abstract name
        server.listen()
        name = server.getsockname()

        assert cell.run(lambda: os.kill(me, 0), cell.only("landlock")).errno == errno.EPERM
        assert cell.run(lambda: socket.socket(socket.AF_UNIX).connect(name), cell.only("landlock")).errno == errno.EPERM
        # The same acts where only this part is off: the refusals above were Landlock's.
        off = (*cell.only("landlock").switched_off, "landlock_scope")
        free = cell.policy(switched_off=off)
        assert cell.run(lambda: socket.socket(socket.AF_UNIX).connect(name), free).error == ""


def test_lets_scratch_and_own_files_be_used(cell):
    def work():
        os.mkdir("folder")
        Path("folder/file").write_text("text")
        os.rename("folder/file", "moved")
        os.truncate("moved", 2)
        os.symlink("moved", "link")
        os.link("moved", "hard")
        with tempfile.TemporaryFile(dir=".") as unnamed:
            unnamed.write(b"x")
        text = Path("link").read_text()
        for name in ("link", "hard", "moved"):
            os.unlink(name)
        os.rmdir("folder")
        write("/dev/null")
        return [
            text,
            (cell.own / "data").read_text(),
            os.getcwd(),
            len(os.urandom(3)),
            len(open("/dev/urandom", "rb").read(2)),
        ]

    report = cell.run(work, cell.only("landlock"))

    assert report.value == ["te", "own data", str(cell.scratch), 3, 2], report


def test_lets_a_granted_directory_be_written(cell):
    granted = cell.only("landlock", write_paths=(str(cell.open_directory),))

    assert cell.run(lambda: write(cell.open_directory / "new", os.O_WRONLY | os.O_CREAT), granted).error == ""
    assert (cell.open_directory / "new").read_text() == "x"


def test_lets_nothing_be_written_without_scratch(cell):
    policy = cell.only("landlock", scratch="")

    assert cell.run(lambda: write(cell.scratch / "new", os.O_WRONLY | os.O_CREAT), policy).errno == errno.EACCES
    assert cell.run(os.getcwd, policy).value == "/"


def test_a_readable_path_that_never_existed_is_left_out(cell):
    policy = cell.only("landlock", read_paths=("/nonexistent/nowhere", str(cell.own)))

    assert cell.run((cell.own / "data").read_text, policy).value == "own data"


def test_a_broken_link_is_a_fault(cell):
    link = cell.place / "link"
    link.symlink_to(cell.place / "gone")

    report = cell.run(os.getpid, cell.only("landlock", read_paths=(str(link),)))

    assert report.error == "ConfinementError"
    assert str(link) in report.text


@pytest.mark.parametrize("swapped", ["granted", "granted/below"])
@pytest.mark.parametrize("right", ["read_paths", "write_paths"])
def test_a_path_that_has_become_a_link_gives_nothing(cell, right, swapped):
    """A plugin that may write there could have made the link, to be granted what it leads to."""
    (cell.place / "granted" / "below" / "deep").mkdir(parents=True)
    policy = cell.only("landlock", **{right: (str(cell.place / "granted" / "below" / "deep"),)})
    assert cell.run(os.getpid, policy).error == ""

    (cell.place / swapped).rename(cell.place / "moved")
    (cell.place / swapped).symlink_to(cell.place / "moved")
    report = cell.run(os.getpid, policy)

    assert report.error == "ConfinementError"
    assert "with a link in it" in report.text


@pytest.mark.parametrize("opens", [open_without_links, open_step_by_step])
def test_opens_what_has_no_link_in_it(tmp_path, opens):
    place = tmp_path.resolve()
    (place / "a" / "b").mkdir(parents=True)
    (place / "a" / "b" / "file").write_text("x")
    (place / "link").symlink_to("a")
    for good in (place, place / "a" / "b", place / "a" / "b" / "file", Path("/"), Path("/dev/null")):
        descriptor = opens(str(good))
        assert os.path.samestat(os.fstat(descriptor), good.stat())
        os.close(descriptor)
    for bad, number in (
        ("link", errno.ELOOP),
        ("link/b", errno.ELOOP),
        ("gone", errno.ENOENT),
        ("a/b/file/x", errno.ENOTDIR),
    ):
        with pytest.raises(OSError, match=bad) as caught:
            opens(str(place / bad))
        assert caught.value.errno == number


@pytest.mark.parametrize("field", ["scratch", "write_paths"])
def test_a_missing_writable_path_is_a_fault(cell, field):
    gone = str(cell.place / "gone")
    report = cell.run(os.getpid, cell.only("landlock", **{field: gone if field == "scratch" else (gone,)}))

    assert report.error == "ConfinementError"
    assert gone in report.text


def test_a_path_inside_a_file_is_a_fault(cell):
    report = cell.run(os.getpid, cell.only("landlock", read_paths=(f"{cell.secret}/below",)))

    assert report.error == "ConfinementError"


def test_no_right_can_be_taken_back(cell):
    def widen():
        attributes = ctypes.create_string_buffer((1 << 2).to_bytes(8, sys.byteorder), 8)
        ruleset = linux.syscall("landlock_create_ruleset", attributes, 8, 0)
        descriptor = os.open("/", os.O_PATH)
        rule = ctypes.create_string_buffer(
            (1 << 2).to_bytes(8, sys.byteorder) + descriptor.to_bytes(4, sys.byteorder), 12
        )
        linux.syscall("landlock_add_rule", ruleset, 1, rule, 0)
        linux.syscall("landlock_restrict_self", ruleset, 0)
        return cell.secret.read_text()

    assert cell.run(widen, cell.only("landlock")).errno == errno.EACCES


@since(6)
def test_reports_the_parts_of_this_kernel(cell):
    names = cell.names(cell.only("landlock")).value
    older = cell.names(cell.policy(switched_off=("seccomp", "landlock_tcp", "landlock_scope"))).value

    assert {"landlock", "landlock_truncate", "landlock_tcp", "landlock_scope"} <= set(names)
    assert {"landlock_tcp", "landlock_scope"}.isdisjoint(older)


def test_probe_changes_nothing_and_tells_the_version():
    found = Landlock().probe()

    assert found.available
    assert found.detail == f"ABI {ABI}"
    assert os.listdir("/")


@pytest.mark.parametrize(
    ("abi", "files", "network", "scope"),
    [
        (1, 0x1FFF, 0, 0),
        (2, 0x3FFF, 0, 0),
        (3, 0x7FFF, 0, 0),
        (4, 0x7FFF, 3, 0),
        (5, 0xFFFF, 3, 0),
        (6, 0xFFFF, 3, 3),
        (7, 0xFFFF, 3, 3),
        (99, 0xFFFF, 3, 3),
    ],
)
def test_handles_what_each_version_knows(abi, files, network, scope):
    assert handled_rights(abi) == (files, network, scope)


def test_system_paths_hold_python_and_not_the_system():
    paths = system_read_paths()

    def readable(path):
        return any(Path(path).resolve().is_relative_to(granted) for granted in paths)

    assert all(os.path.isabs(path) and os.path.realpath(path) == path for path in paths)
    assert not any(Path(a).is_relative_to(b) for a in paths for b in paths if a != b)
    assert readable(os.__file__)
    assert readable(__import__("numpy").__file__)
    assert readable(__import__("platform_base.core.models", fromlist=["x"]).__file__)
    for secret in (
        "/etc/passwd",
        "/etc/shadow",
        "/proc/self/environ",
        "/sys",
        "/usr/bin/env",
        "/dev/shm",
        "/tmp",
    ):
        assert not readable(secret), secret
    assert not readable(Path.home() / ".ssh")
