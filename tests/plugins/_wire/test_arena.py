"""Shared memory that the other side can neither cut nor change after it was checked."""

from __future__ import annotations

import fcntl
import mmap
import os

import numpy as np
import pytest

from platform_base.plugins._wire.arena import (
    F_ADD_SEALS,
    F_SEAL_SEAL,
    Arena,
    map_inputs,
    map_result,
)


@pytest.fixture
def arena():
    made = Arena(10_000)
    yield made
    made.close()


def fill(arena: Arena, value: int) -> None:
    with arena.map_writable() as memory:
        memory[: arena.size] = bytes([value]) * arena.size


def test_inputs_are_read_only_for_whoever_maps_them(arena):
    fill(arena, 7)
    arena.seal_inputs()
    view = map_inputs(arena.fileno(), arena.size)
    assert view.readonly
    assert bytes(view) == b"\x07" * arena.size
    with pytest.raises(PermissionError):
        mmap.mmap(arena.fileno(), arena.size)
    with pytest.raises(PermissionError):
        os.write(arena.fileno(), b"x")


def test_an_arena_can_be_neither_cut_nor_grown(arena):
    for size in (0, 4096, 1 << 20):
        with pytest.raises(PermissionError):
            os.ftruncate(arena.fileno(), size)


def test_a_released_result_is_handed_out_without_a_copy_and_cannot_change(arena):
    worker = map_result(arena.fileno(), arena.size)
    worker[:4] = b"done"
    worker.close()
    result = arena.take_result()
    assert bytes(result[:4]) == b"done"
    with pytest.raises(PermissionError):
        os.pwrite(arena.fileno(), b"evil", 0)
    with pytest.raises(PermissionError):
        mmap.mmap(arena.fileno(), arena.size)


def test_a_result_belongs_to_the_caller_who_may_write_to_it(arena):
    result = arena.take_result()
    array = np.frombuffer(result, dtype=np.uint8)
    array[0] = 255
    assert array[0] == 255
    with mmap.mmap(arena.fileno(), arena.size, prot=mmap.PROT_READ) as shared:
        assert shared[0] == 0


def test_a_worker_that_keeps_writing_changes_nothing_that_was_taken(arena):
    worker = map_result(arena.fileno(), arena.size)
    worker[:4] = b"good"
    result = arena.take_result()
    worker[:4] = b"evil"
    assert bytes(result[:4]) == b"good"
    worker.close()


def test_a_worker_that_forbids_further_seals_is_copied_from(arena):
    fcntl.fcntl(arena.fileno(), F_ADD_SEALS, F_SEAL_SEAL)
    os.pwrite(arena.fileno(), b"good", 0)
    result = arena.take_result()
    os.pwrite(arena.fileno(), b"evil", 0)
    assert bytes(result[:4]) == b"good"


def test_results_outlive_their_arena():
    arena = Arena(4)
    os.pwrite(arena.fileno(), b"live", 0)
    result = arena.take_result()
    arena.close()
    arena.close()
    assert bytes(result) == b"live"
