"""Limits: exact where the kernel counts, never above what the host has, not to be raised again."""

from __future__ import annotations

import ctypes
import errno
import mmap
import os
import resource
import threading
from pathlib import Path

import numpy as np
import pytest

from platform_base.plugins._sandbox.base import Baseline, ConfinementError
from platform_base.plugins._sandbox.confine import read_baseline
from platform_base.plugins._sandbox.policy import Policy
from platform_base.plugins._sandbox.rlimits import Rlimits, limits

BASELINE = Baseline(vm_data_bytes=100, vm_size_bytes=1000, rss_anon_bytes=10)
MIB = 1 << 20


def test_memory_counts_from_the_warden():
    found = limits(Policy(max_memory_bytes=64 * MIB), BASELINE, own_user=False)

    assert found[resource.RLIMIT_DATA] == (100 + 64 * MIB,) * 2
    assert found[resource.RLIMIT_AS] == (1000 + 4 * 64 * MIB + (1 << 30),) * 2


def test_unlimited_memory_sets_neither():
    found = limits(Policy(max_memory_bytes=None), BASELINE, own_user=False)

    assert {resource.RLIMIT_DATA, resource.RLIMIT_AS}.isdisjoint(found)


def test_threads_are_limited_only_for_a_user_of_its_own():
    assert resource.RLIMIT_NPROC not in limits(Policy(), BASELINE, own_user=False)
    assert limits(Policy(max_threads=7), BASELINE, own_user=True)[resource.RLIMIT_NPROC] == (7, 7)


def test_cpu_seconds_warn_one_second_before_they_kill():
    assert limits(Policy(max_cpu_seconds=3), BASELINE, own_user=False)[resource.RLIMIT_CPU] == (3, 4)
    assert resource.RLIMIT_CPU not in limits(Policy(), BASELINE, own_user=False)


@pytest.mark.parametrize("mebibytes", [200, 1000, 100_000])
def test_too_much_memory_is_an_error_and_the_worker_lives_on(cell, mebibytes):
    def allocate():
        try:
            np.ones(mebibytes * MIB, np.uint8)
        except MemoryError:
            return float(np.ones(10 * MIB // 8).sum()) / MIB
        return "no limit"

    assert cell.run(allocate, cell.only("rlimits", max_memory_bytes=100 * MIB)).value == 10 / 8


def test_memory_below_the_limit_is_given(cell):
    def allocate():
        return float(np.ones(80 * MIB // 8).sum())

    assert cell.run(allocate, cell.only("rlimits", max_memory_bytes=100 * MIB)).value == 80 * MIB / 8


def test_many_small_objects_end_in_a_memory_error(cell):
    def hoard():
        kept = []
        while True:
            kept.append(bytes(64 << 10))

    assert cell.run(hoard, cell.only("rlimits", max_memory_bytes=50 * MIB)).error == "MemoryError"


def test_read_only_pages_do_not_escape_the_address_space_limit(cell):
    def hide():
        kept = []
        while True:
            kept.append(mmap.mmap(-1, 1 << 30, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS, mmap.PROT_READ))

    assert cell.run(hide, cell.only("rlimits", max_memory_bytes=50 * MIB)).errno == errno.ENOMEM


def test_one_file_is_bounded(cell):
    def fill():
        with open("big", "wb", buffering=0) as file:
            while file.write(bytes(MIB)):
                pass

    report = cell.run(fill, cell.only("rlimits", max_scratch_bytes=2 * MIB))

    assert report.errno == errno.EFBIG
    assert (cell.scratch / "big").stat().st_size == 2 * MIB


def test_open_files_are_bounded(cell):
    def hoard():
        kept = []
        while True:
            kept.append(os.open("/dev/null", os.O_RDONLY))

    assert cell.run(hoard, cell.only("rlimits", max_open_files=40)).errno == errno.EMFILE


def test_no_core_dump(cell):
    report = cell.run(lambda: resource.getrlimit(resource.RLIMIT_CORE), cell.only("rlimits"))

    assert report.value == [0, 0]


def test_an_ordinary_user_cannot_raise_a_limit(ordinary_cell):
    def raise_it():
        resource.setrlimit(resource.RLIMIT_NOFILE, (1000, 1000))

    assert ordinary_cell.run(raise_it, ordinary_cell.only("rlimits")).error == "ValueError"


def test_a_limit_of_the_host_is_never_raised(cell):
    def confined_twice():
        resource.setrlimit(resource.RLIMIT_NOFILE, (30, 30))
        Rlimits().apply(cell.policy(max_open_files=60, uid=None), BASELINE)
        return resource.getrlimit(resource.RLIMIT_NOFILE)

    assert cell.fork(confined_twice).value == [30, 30]


def test_threads_of_a_worker_with_its_own_user_are_bounded(root_cell):
    def bomb():
        stop = threading.Event()
        started = []
        try:
            for _ in range(1000):
                thread = threading.Thread(target=stop.wait, daemon=True)
                thread.start()
                started.append(thread)
        except RuntimeError:
            return len(started)
        finally:
            stop.set()
        return "no limit"

    report = root_cell.run(bomb, root_cell.policy(max_threads=9))

    assert report.value == 8, report
    assert "rlimit_threads" in root_cell.names().value


def test_an_ordinary_user_is_told_that_the_kernel_does_not_count_threads(ordinary_cell):
    assert "rlimit_threads" not in ordinary_cell.names().value
    assert ordinary_cell.fork(lambda: list(Rlimits().probe().lacks)).value == ["rlimit_threads"]


def test_cpu_seconds_end_in_a_signal(cell):
    def burn():
        while True:
            pass

    assert cell.run(burn, cell.only("rlimits", max_cpu_seconds=1)).signal == "SIGXCPU"


def test_baseline_of_the_test_process_is_plausible():
    found = read_baseline()

    assert 0 < found.rss_anon_bytes < found.vm_size_bytes
    assert 0 < found.vm_data_bytes < found.vm_size_bytes


@pytest.mark.parametrize("text", ["", "VmData: x kB\nVmSize: 1 kB\nRssAnon: 1 kB", "VmData:\nVmSize: 1 kB"])
def test_a_status_file_without_the_numbers_is_a_clear_error(tmp_path, text):
    status = tmp_path / "status"
    status.write_text(text)
    with pytest.raises(ConfinementError, match="expected VmData, VmSize and RssAnon"):
        read_baseline(status)
    with pytest.raises(ConfinementError, match="No such file"):
        read_baseline(Path(tmp_path / "gone"))


def test_pages_made_read_only_leave_the_count_but_not_the_address_space(cell):
    """The known hole of RLIMIT_DATA: the warden's look at resident memory closes it, RLIMIT_AS bounds it."""
    libc = ctypes.CDLL(None, use_errno=True)
    libc.mprotect.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int]
    size = 40 * MIB
    before = read_baseline().vm_size_bytes

    def hide():
        kept = []
        spare = max(0, before - read_baseline().vm_size_bytes)  # what the fork itself has freed, stacks of threads
        try:
            while True:
                kept.append(mmap.mmap(-1, size, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS))
                address = ctypes.addressof(ctypes.c_char.from_buffer(kept[-1]))
                assert libc.mprotect(address, size, mmap.PROT_READ) == 0
        except OSError:
            return len(kept) * size - spare

    reserved = cell.run(hide, cell.only("rlimits", max_memory_bytes=50 * MIB)).value

    assert 50 * MIB < reserved <= 4 * 50 * MIB + (1 << 30)
