"""Reading, changing and finding files."""

from __future__ import annotations

import ctypes
import errno
import mmap
import os
import shutil
import stat
import tempfile

from platform_base.plugins.base import get_context

from .kernel import call
from .native import attempt, open_and_close

_OWN = os.path.dirname(__file__)
_AT_FDCWD = -100


def scratch(name=""):
    return os.path.join(get_context().scratch, name)


def _fresh(name, content=b"x"):
    path = scratch(name)
    with open(path, "wb") as file:
        file.write(content)
    return path


def read_accounts(inputs):
    return [attempt(path, lambda path=path: open_and_close(path)) for path in ("/etc/passwd", "/etc/shadow")]


def read_secret(inputs):
    return [attempt("read", lambda: open(inputs["secret"]).read())]


def read_secret_raw(inputs):
    """The system call itself, both ways."""
    name = os.fsencode(inputs["secret"])
    return [
        attempt("open", lambda: call("open", name, 0, 0)),
        attempt("openat", lambda: call("openat", _AT_FDCWD, name, 0, 0)),
        attempt("creat", lambda: call("creat", name, 0o600)),
    ]


def read_by_openat2(inputs):
    how = ctypes.create_string_buffer(24)
    return [attempt("openat2", lambda: call("openat2", _AT_FDCWD, os.fsencode(inputs["secret"]), how, 24))]


def map_secret(inputs):
    def read():
        with open(inputs["secret"], "rb") as file:
            return bytes(mmap.mmap(file.fileno(), 0, prot=mmap.PROT_READ))

    return [attempt("mmap", read)]


def read_by_path_descriptor(inputs):
    """An O_PATH descriptor is not checked by Landlock; what can be done with it is."""
    rows = []
    found = []
    rows.append(attempt("O_PATH", lambda: found.append(os.open(inputs["secret"], os.O_PATH)) or "opened"))
    if not found:
        return rows
    rows = [
        attempt("read", lambda: os.read(found[0], 10)),
        attempt("reopen", lambda: open_and_close(f"/proc/self/fd/{found[0]}")),
        attempt("link", lambda: call("linkat", found[0], b"", _AT_FDCWD, os.fsencode(scratch("stolen")), 0x1000)),
        attempt("fchmod", lambda: os.fchmod(found[0], 0o777)),
    ]
    os.close(found[0])
    return rows


def write_packages(inputs):
    import numpy

    return [attempt("append", lambda: open_and_close(numpy.__file__, os.O_WRONLY | os.O_APPEND))]


def write_own_directory(inputs):
    return [
        attempt("append", lambda: open_and_close(__file__, os.O_WRONLY | os.O_APPEND)),
        attempt("create", lambda: open_and_close(os.path.join(_OWN, "new.py"), os.O_WRONLY | os.O_CREAT)),
        attempt("replace", lambda: os.rename(_fresh("files.py"), __file__)),
        attempt("unlink", lambda: os.unlink(os.path.join(_OWN, "manifest.json"))),
    ]


def write_runtime(inputs):
    from platform_base.core import models

    return [attempt("append", lambda: open_and_close(models.__file__, os.O_WRONLY | os.O_APPEND))]


def plant_bytecode(inputs):
    return [
        attempt("directory", lambda: os.mkdir(os.path.join(_OWN, "__pycache__"))),
        attempt("file", lambda: open_and_close(__file__ + "c", os.O_WRONLY | os.O_CREAT)),
    ]


def write_victim(inputs):
    return [
        attempt("write", lambda: open_and_close(inputs["victim"], os.O_WRONLY)),
        attempt("read and write", lambda: open_and_close(inputs["victim"], os.O_RDWR)),
        attempt("append", lambda: open_and_close(inputs["victim"], os.O_WRONLY | os.O_APPEND)),
    ]


def symbolic_link(inputs):
    os.symlink(inputs["secret"], scratch("link"))
    try:
        return [attempt("read through it", lambda: open(scratch("link")).read())]
    finally:
        os.unlink(scratch("link"))


def directory_link(inputs):
    os.symlink(inputs["open_directory"], scratch("way"))
    try:
        return [attempt("write through it", lambda: open_and_close(scratch("way/new"), os.O_WRONLY | os.O_CREAT))]
    finally:
        os.unlink(scratch("way"))


def hard_link(inputs):
    return [attempt("link", lambda: os.link(inputs["victim"], scratch("linked")))]


def hard_link_out(inputs):
    return [attempt("link", lambda: os.link(_fresh("mine"), os.path.join(inputs["open_directory"], "mine")))]


def rename_in(inputs):
    return [attempt("rename", lambda: os.rename(inputs["victim"], scratch("stolen")))]


def rename_out(inputs):
    return [attempt("rename", lambda: os.rename(_fresh("mine"), os.path.join(inputs["open_directory"], "mine")))]


def exchange(inputs):
    mine, theirs = os.fsencode(_fresh("mine")), os.fsencode(inputs["victim"])
    return [attempt("exchange", lambda: call("renameat2", _AT_FDCWD, mine, _AT_FDCWD, theirs, 2))]


def make_outside(inputs):
    place = inputs["open_directory"]
    return [
        attempt("mkdir", lambda: os.mkdir(os.path.join(place, "made"))),
        attempt("symlink", lambda: os.symlink("/", os.path.join(place, "link"))),
        attempt("create", lambda: open_and_close(os.path.join(place, "new"), os.O_WRONLY | os.O_CREAT)),
    ]


def unnamed_outside(inputs):
    flags = os.O_WRONLY | os.O_TMPFILE
    places = (inputs["open_directory"], "/tmp", "/dev/shm", "/var/tmp")
    return [attempt(place, lambda place=place: open_and_close(place, flags)) for place in places]


def delete_outside(inputs):
    return [
        attempt("unlink", lambda: os.unlink(inputs["victim"])),
        attempt("rmdir", lambda: os.rmdir(inputs["empty_directory"])),
    ]


def dots(inputs):
    path = scratch("../" * 20 + inputs["secret"].lstrip("/"))
    return [attempt("read", lambda: open(path).read())]


def change_directory(inputs):
    """Going there is allowed where the path can be seen; reading there is not."""
    before = os.getcwd()
    try:
        return [
            attempt("read", lambda: (os.chdir(inputs["place"]), open("secret.txt").read())),
            attempt("list", lambda: (os.chdir(inputs["place"]), os.listdir("."))),
        ]
    finally:
        os.chdir(before)


def roots_in_proc(inputs):
    pids = ("self", "1", str(inputs["host_pid"]), str(inputs["warden_pid"]), str(inputs["bystander_pid"]))
    return [attempt(pid, lambda pid=pid: open(f"/proc/{pid}/root{inputs['secret']}").read()) for pid in pids]


def cut_by_opening(inputs):
    return [attempt("O_TRUNC", lambda: open_and_close(inputs["victim"], os.O_RDONLY | os.O_TRUNC))]


def cut_own_by_opening(inputs):
    return [attempt("O_TRUNC", lambda: open_and_close(__file__, os.O_RDONLY | os.O_TRUNC))]


def cut(inputs):
    return [attempt("truncate", lambda: os.truncate(inputs["victim"], 0))]


def cut_own(inputs):
    return [attempt("truncate", lambda: os.truncate(os.path.join(_OWN, "manifest.json"), 0))]


def change_mode(inputs):
    name = os.fsencode(inputs["victim"])
    return [
        attempt("chmod", lambda: os.chmod(inputs["victim"], 0)),
        attempt("fchmodat", lambda: call("fchmodat", _AT_FDCWD, name, 0)),
        attempt("fchmodat2", lambda: call("fchmodat2", _AT_FDCWD, name, 0, 0)),
    ]


def change_mode_of_open(inputs):
    with open(__file__, "rb") as own:
        return [attempt("fchmod", lambda: os.fchmod(own.fileno(), 0o777))]


def change_times(inputs):
    return [attempt("utime", lambda: os.utime(inputs["victim"], (0, 0)))]


def change_attributes(inputs):
    return [
        attempt("setxattr", lambda: os.setxattr(inputs["victim"], "user.enemy", b"x")),
        attempt("removexattr", lambda: os.removexattr(inputs["victim"], "user.enemy")),
    ]


def read_attributes(inputs):
    return [
        attempt("getxattr", lambda: os.getxattr(inputs["victim"], "user.note")),
        attempt("listxattr", lambda: os.listxattr(inputs["victim"])),
    ]


def change_owner(inputs):
    me = os.getuid(), os.getgid()
    return [
        attempt("chown", lambda: os.chown(inputs["victim"], *me)),
        attempt("lchown", lambda: os.lchown(inputs["victim"], *me)),
    ]


def make_set_user_id(inputs):
    path = _fresh("program")
    return [attempt("chmod u+s", lambda: os.chmod(path, 0o4755)), attempt("execute", lambda: os.execv(path, ["x"]))]


def devices(inputs):
    names = (
        "mem",
        "kmem",
        "kmsg",
        "port",
        "sda",
        "vda",
        "tty",
        "ptmx",
        "fuse",
        "kvm",
        "full",
        "net/tun",
        "shm",
        "pts",
        "dri",
        "nvidia0",
    )
    return [
        attempt(name, lambda name=name: open_and_close(f"/dev/{name}", os.O_RDONLY | os.O_NOCTTY)) for name in names
    ]


def write_devices(inputs):
    return [
        attempt(name, lambda name=name: open_and_close(f"/dev/{name}", os.O_WRONLY | os.O_NOCTTY))
        for name in ("zero", "urandom", "random", "full", "tty")
    ]


def make_devices(inputs):
    return [
        attempt("block", lambda: os.mknod(scratch("disk"), stat.S_IFBLK | 0o600, os.makedev(8, 0))),
        attempt("character", lambda: os.mknod(scratch("memory"), stat.S_IFCHR | 0o600, os.makedev(1, 1))),
        attempt("pipe", lambda: os.mkfifo(scratch("pipe"))),
    ]


def fill_one_file(inputs):
    path = scratch("large")
    try:
        with open(path, "wb", buffering=0) as file:
            block = b"x" * (1 << 20)
            return [attempt("write", lambda: [file.write(block) for _ in range(inputs["megabytes"])][-1])]
    finally:
        os.unlink(path)


def fill_one_file_by_reserving(inputs):
    path = scratch("reserved")
    try:
        with open(path, "wb") as file:
            return [
                attempt("fallocate", lambda: os.posix_fallocate(file.fileno(), 0, inputs["megabytes"] << 20)),
                attempt("ftruncate", lambda: os.ftruncate(file.fileno(), inputs["megabytes"] << 20)),
            ]
    finally:
        os.unlink(path)


def fill_many_files(inputs):
    """Write more than the quota in files that are each allowed; never return before the warden had time to look."""
    written = 0
    rows = []
    for number in range(inputs["files"]):
        rows = [attempt("write", lambda number=number: len(_fresh(f"part-{number}", b"x" * (1 << 20))))]
        if rows[0][1]:
            break
        written += 1
    if not rows[0][1]:
        _spin_until_killed()
    return [[rows[0][0], rows[0][1], f"{written} MB"]]


def many_names(inputs):
    rows = []
    for number in range(inputs["files"]):
        rows = [
            attempt("create", lambda number=number: open_and_close(scratch(f"n{number}"), os.O_WRONLY | os.O_CREAT))
        ]
        if rows[0][1]:
            return rows
    _spin_until_killed()
    return rows


def _spin_until_killed():
    for _ in range(3_000_000):
        os.getpid()


def deep_directories(inputs):
    before = os.getcwd()
    os.chdir(scratch())
    try:
        for _ in range(inputs["depth"]):
            os.mkdir("d")
            os.chdir("d")
    finally:
        os.chdir(before)
    return inputs["depth"]


def odd_names(inputs):
    for name in (b"new\nline", b"\xff\xfe", b"n" * 255, b"-rf", b" ", b"\x1b[31m", b"..."):
        with open(os.path.join(os.fsencode(scratch()), name), "wb"):
            pass
    os.mkdir(scratch("closed"), 0)
    os.makedirs(scratch("outer/inner"))
    os.umask(0o777)
    os.mkdir(scratch("mode 0"))
    os.mkdir(scratch("outer/mode 0"))
    os.umask(0o077)
    return "made"


def names_of_the_wiper(inputs):
    """Directories that bear the names under which the clean-up moves directories around."""
    for number in range(1, 30):
        os.makedirs(scratch(f".lifted-{number}/inner/deeper"))
    os.makedirs(scratch("a/b/c/d"))
    return "made"


def loops(inputs):
    os.symlink(scratch("one"), scratch("two"))
    os.symlink(scratch("two"), scratch("one"))
    os.symlink("/", scratch("root"))
    os.symlink(inputs["place"], scratch("place"))
    os.mkdir(scratch("holds links"))
    os.symlink(inputs["open_directory"], scratch("holds links/open"))
    return "made"


def look_at(inputs):
    return [attempt("stat", lambda: os.stat(inputs["secret"]).st_size)]


def list_places(inputs):
    places = (
        "/",
        "/tmp",
        "/home",
        "/root",
        "/etc",
        "/var",
        "/run",
        "/proc",
        "/sys",
        "/dev",
        inputs["place"],
        inputs["home"],
    )
    return [attempt(place, lambda place=place: os.listdir(place)) for place in places]


def by_handle(inputs):
    handle = ctypes.create_string_buffer(b"\x08\0\0\0" + b"\0" * 200)
    mount = ctypes.c_int()
    return [
        attempt(
            "name_to_handle_at", lambda: call("name_to_handle_at", _AT_FDCWD, b"/", handle, ctypes.byref(mount), 0)
        ),
        attempt("open_by_handle_at", lambda: call("open_by_handle_at", 3, handle, 0)),
    ]


def change_root(inputs):
    return [
        attempt("chroot", lambda: os.chroot(scratch())),
        attempt("pivot_root", lambda: call("pivot_root", b".", b".")),
    ]


def mounting(inputs):
    place = os.fsencode(scratch())
    return [
        attempt("mount", lambda: call("mount", b"none", place, b"tmpfs", 0, None)),
        attempt("bind", lambda: call("mount", b"/", place, None, 4096, None)),
        attempt("umount2", lambda: call("umount2", place, 2)),
        attempt("fsopen", lambda: call("fsopen", b"tmpfs", 0)),
        attempt("open_tree", lambda: call("open_tree", _AT_FDCWD, place, 1)),
        attempt("move_mount", lambda: call("move_mount", -1, b"", _AT_FDCWD, place, 0)),
        attempt("mount_setattr", lambda: call("mount_setattr", _AT_FDCWD, place, 0, None, 0)),
    ]


def open_descriptors(inputs):
    def is_open(number):
        try:
            os.fstat(number)
        except OSError as error:
            if error.errno != errno.EBADF:
                raise
            return False
        return True

    return [number for number in range(4096) if is_open(number)]


def climb_from_descriptors(inputs):
    """Use an inherited descriptor as a place to start from."""
    return [
        attempt(f"openat({number}, ..)", lambda number=number: os.close(os.open("..", os.O_RDONLY, dir_fd=number)))
        for number in range(5)
    ]


def execute_scratch(inputs):
    path = _fresh("script", b"#!/bin/sh\ntrue\n")
    return [
        attempt("execv", lambda: os.execv(path, [path])),
        attempt("spawn", lambda: os.posix_spawn(path, [path], {})),
    ]


def leave_something(inputs):
    before = sorted(os.listdir(scratch()))
    _fresh("left behind")
    return before


def touch_root(inputs):
    return [attempt("chmod /", lambda: os.chmod("/", stat.S_IMODE(os.stat("/").st_mode)))]


def sibling_mode(inputs):
    return [attempt("chmod", lambda: os.chmod(inputs["bystander_scratch"], 0o700))]


def sibling_scratch(inputs):
    place = inputs["bystander_scratch"]
    return [
        attempt("list", lambda: os.listdir(place)),
        attempt("read", lambda: open(f"{place}/diary.txt").read()),
        attempt("write", lambda: open_and_close(f"{place}/new", os.O_WRONLY | os.O_CREAT)),
        attempt("delete", lambda: os.unlink(f"{place}/diary.txt")),
    ]


def sibling_release(inputs):
    place = inputs["bystander_release"]
    return [
        attempt("list", lambda: os.listdir(place)),
        attempt("read", lambda: open(f"{place}/bystander.py").read()),
        attempt("write", lambda: open_and_close(f"{place}/bystander.py", os.O_WRONLY)),
    ]


def sibling_kernels(inputs):
    """The compiled kernels of another plugin are code that it will run."""
    place = inputs["bystander_kernels"]
    return [
        attempt("list", lambda: os.listdir(place)),
        attempt("plant", lambda: open_and_close(f"{place}/planted.nbi", os.O_WRONLY | os.O_CREAT)),
    ]


def scratch_parent(inputs):
    parent = os.path.dirname(scratch().rstrip("/"))
    return [
        attempt("list", lambda: os.listdir(parent)),
        attempt("create", lambda: os.mkdir(f"{parent}/mine")),
        attempt("rename itself", lambda: os.rename(scratch().rstrip("/"), f"{parent}/mine")),
        attempt("remove itself", lambda: os.rmdir(scratch().rstrip("/"))),
    ]


def watch(inputs):
    return [
        attempt("inotify", lambda: call("inotify_init1", 0)),
        attempt("fanotify", lambda: call("fanotify_init", 0, 0)),
        attempt("fanotify mark", lambda: call("fanotify_mark", 3, 1, 1, _AT_FDCWD, b"/")),
    ]


def lease(inputs):
    import fcntl

    with open(__file__, "rb") as own:
        return [
            attempt("F_SETLEASE", lambda: fcntl.fcntl(own, 1024, fcntl.F_RDLCK)),
            attempt("F_NOTIFY", lambda: fcntl.fcntl(own, 1026, 1)),
        ]


def shared_write_map(inputs):
    with open(__file__, "rb") as own:
        return [attempt("map", lambda: mmap.mmap(own.fileno(), 0, prot=mmap.PROT_READ | mmap.PROT_WRITE))]


def works(inputs):
    """What an honest plugin does with files."""
    path = _fresh("file", b"abc")
    copied = scratch("copied")
    shutil.copyfile(path, copied)
    os.replace(copied, scratch("moved"))
    os.makedirs(scratch("a/b"))
    with tempfile.TemporaryFile() as file:
        file.write(b"abc")
    with tempfile.NamedTemporaryFile() as file:
        file.write(b"abc")
    shutil.rmtree(scratch("a"))
    return [open(scratch("moved"), "rb").read(), open(__file__, encoding="utf-8").readline()]
