"""Shared memory that the other side can neither cut nor change after it was checked."""

from __future__ import annotations

import fcntl
import gc
import mmap
import os
import weakref

import numpy as np
import pytest

from platform_base.plugins._wire.arena import F_ADD_SEALS, F_SEAL_SEAL, Arena, InputMapping, map_results


@pytest.fixture
def arena():
    made = Arena(10_000)
    yield made
    made.close()


def test_inputs_are_read_only_for_whoever_maps_them(arena):
    ours = arena.map_for_inputs()
    mapping = InputMapping(arena.fileno(), arena.size)
    theirs = mapping.lend()
    ours[:5] = b"first"
    assert bytes(theirs[:5]) == b"first"
    with pytest.raises(TypeError):
        theirs[0] = 1
    with pytest.raises(PermissionError):
        mmap.mmap(arena.fileno(), arena.size)
    with pytest.raises(PermissionError):
        os.pwrite(arena.fileno(), b"x", 0)
    ours[:6] = b"second"
    assert bytes(theirs[:6]) == b"second"


def test_whoever_keeps_a_view_of_inputs_is_noticed_and_can_go_on_reading(arena):
    ours = arena.map_for_inputs()
    ours[:4] = b"kept"
    mapping = InputMapping(arena.fileno(), arena.size)
    array = np.frombuffer(mapping.lend(), dtype=np.uint8)[:4]
    assert mapping.lent
    del mapping
    gc.collect()
    assert array.tobytes() == b"kept"


def test_memory_that_was_given_back_can_be_lent_again(arena):
    ours = arena.map_for_inputs()
    mapping = InputMapping(arena.fileno(), arena.size)
    for byte in b"abc":
        ours[0] = byte
        assert np.frombuffer(mapping.lend(), dtype=np.uint8)[0] == byte
        assert not mapping.lent


def test_an_arena_can_be_neither_cut_nor_grown(arena):
    for size in (0, 4096, 1 << 20):
        with pytest.raises(PermissionError):
            os.ftruncate(arena.fileno(), size)


def test_a_view_for_results_follows_the_worker_and_cannot_write(arena):
    ours = arena.map_for_results()
    theirs = map_results(arena.fileno(), arena.size)
    theirs[:4] = b"done"
    assert bytes(ours[:4]) == b"done"
    with pytest.raises(TypeError):
        ours[0] = 1


def test_a_released_result_is_handed_out_without_a_copy_and_cannot_change(arena):
    worker = map_results(arena.fileno(), arena.size)
    worker[:4] = b"done"
    worker.close()
    result = arena.take()
    assert bytes(result[:4]) == b"done"
    with pytest.raises(PermissionError):
        os.pwrite(arena.fileno(), b"evil", 0)
    with pytest.raises(PermissionError):
        mmap.mmap(arena.fileno(), arena.size)


def test_a_result_belongs_to_the_caller_who_may_write_to_it(arena):
    array = np.frombuffer(arena.take(), dtype=np.uint8)
    array[0] = 255
    assert array[0] == 255
    with mmap.mmap(arena.fileno(), arena.size, prot=mmap.PROT_READ) as shared:
        assert shared[0] == 0


def test_a_worker_that_keeps_writing_changes_nothing_that_was_taken(arena):
    worker = map_results(arena.fileno(), arena.size)
    worker[:4] = b"good"
    result = arena.take()
    worker[:4] = b"evil"
    assert bytes(result[:4]) == b"good"
    worker.close()


def test_a_worker_that_forbids_further_seals_is_copied_from(arena):
    fcntl.fcntl(arena.fileno(), F_ADD_SEALS, F_SEAL_SEAL)
    os.pwrite(arena.fileno(), b"good", 0)
    result = arena.take()
    os.pwrite(arena.fileno(), b"evil", 0)
    assert bytes(result[:4]) == b"good"


def test_results_outlive_their_arena_and_hold_no_descriptor():
    before = len(os.listdir("/proc/self/fd"))
    arena = Arena(4)
    os.pwrite(arena.fileno(), b"live", 0)
    result = arena.take()
    arena.close()
    arena.close()
    assert len(os.listdir("/proc/self/fd")) == before
    assert bytes(result[:4]) == b"live"


def test_a_mapping_ends_with_the_last_view_of_it():
    arena = Arena(1 << 20)
    result = arena.take()
    arena.close()
    address = np.frombuffer(result, dtype=np.uint8).__array_interface__["data"][0]
    array = np.frombuffer(result[100:200], dtype=np.uint8)
    gone = weakref.ref(array)
    del result
    assert mapped(address)
    del array
    gc.collect()
    assert gone() is None
    assert not mapped(address)


def mapped(address: int) -> bool:
    with open("/proc/self/maps") as maps:
        return any(int(line.split("-")[0], 16) == address for line in maps)
