"""What every test may use: a cache of its own, the sample plugins, and a check that nothing is left behind."""

from __future__ import annotations

import gc
import os
import shutil
import signal
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from platform_base.plugins.registry import PluginRegistry

SAMPLES = Path(__file__).parent / "sample_plugins"
REPOSITORY = Path(__file__).parent.parent

#: The sample plugins crash, print and exit on purpose, for which they need what plugins may not import.
OPEN_IMPORTS = {
    "security": {"allowed_modules": None, "blocked_modules": []},
    "crash_loop": {"early_deaths": None, "deaths": None},
}


def pytest_collection_finish() -> None:
    """Keep ten thousand collected tests out of garbage collections: each would look at half a million objects."""
    gc.collect()
    gc.freeze()


@pytest.fixture(scope="session", autouse=True)
def interruptible() -> None:
    """Let Ctrl-C interrupt this process and its children, also where a shell started the tests in the background."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session", autouse=True)
def cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A cache directory, and one for the history and failed calls, that the tests do not share with the user."""
    # Processes of one run share it, as programs of one user do: kernels are compiled once.
    run = tmp_path_factory.getbasetemp()
    directory = (run.parent if "PYTEST_XDIST_WORKER" in os.environ else run) / "cache"
    directory.mkdir(mode=0o700, exist_ok=True)
    own = {"PLATFORM_BASE_CACHE_DIR": str(directory), "XDG_STATE_HOME": str(tmp_path_factory.mktemp("state"))}
    before = {name: os.environ.get(name) for name in own}
    os.environ.update(own)
    yield directory
    for name, value in before.items():
        if value is None:
            del os.environ[name]
        else:
            os.environ[name] = value


def eventually(condition: Callable[[], object], *, seconds: float = 10) -> bool:
    """Ask again until it holds; the event comes from the kernel through another thread."""
    deadline = time.monotonic() + seconds
    pause = threading.Event()
    while not condition():
        if time.monotonic() > deadline:
            return False
        pause.wait(0.01)
    return True


def children() -> set[int]:
    """Processes that this process started and that are still there, zombies included."""
    found = set()
    for task in Path("/proc/self/task").iterdir():
        try:
            found |= {int(pid) for pid in (task / "children").read_text().split()}
        except FileNotFoundError:
            continue  # That thread has just ended.
    return found


def workers(registry: PluginRegistry) -> list[int]:
    """Process ids of a registry's workers, as this process sees them: below the wardens, the leaders of sessions."""
    found = []
    waiting = [(warden.pid, 1) for warden, _ in registry._engine._workshop._wardens.values()]
    while waiting:
        pid, depth = waiting.pop()
        try:
            session = int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[3])
            listing = Path(f"/proc/{pid}/task/{pid}/children").read_text()
        except (FileNotFoundError, ProcessLookupError):
            continue
        waiting += [(int(child), depth + 1) for child in listing.split()]
        if depth > 1 and session == pid:
            found.append(pid)
    return found


def descriptors() -> dict[int, str]:
    """What this process holds open, but for the listing itself."""
    found = {}
    for name in os.listdir("/proc/self/fd"):
        try:
            found[int(name)] = os.readlink(f"/proc/self/fd/{name}")
        except FileNotFoundError:
            continue
    return found


def left_open(before: dict[int, str]) -> dict[int, str]:
    """Descriptors that were not open before."""
    return {number: target for number, target in descriptors().items() if before.get(number) != target}


@pytest.fixture
def nothing_left(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Fail the test when a process, a descriptor, a thread or a temporary file is left behind."""
    scratch = tmp_path / "temporary"
    scratch.mkdir(mode=0o755)
    monkeypatch.setattr("tempfile.tempdir", str(scratch))
    processes, files = children(), descriptors()
    yield
    assert children() - processes == set()
    # A file watcher's thread closes its descriptors a moment after it was told to stop.
    deadline = time.monotonic() + 5
    while (left := left_open(files)) and time.monotonic() < deadline:
        gc.collect()
    assert left == {}
    assert [thread.name for thread in threading.enumerate() if thread.name.startswith("platform_base")] == []
    assert list(scratch.iterdir()) == []


@pytest.fixture
def registry(nothing_left: None) -> Iterator[PluginRegistry]:
    """A registry with the sample plugins, which may import what they like."""
    with PluginRegistry(OPEN_IMPORTS) as made:
        made.discover_plugins(SAMPLES)
        yield made


@pytest.fixture
def plugin_directory(tmp_path: Path) -> Path:
    """A directory that holds a copy of the sample plugins, free to be changed."""
    directory = tmp_path / "plugins"
    shutil.copytree(SAMPLES, directory)
    return directory
