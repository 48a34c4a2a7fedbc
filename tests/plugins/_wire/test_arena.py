"""Arenas against a worker that tries everything a descriptor allows."""

from __future__ import annotations

import fcntl
import mmap
import os
import socket

import numpy as np
import pytest

from platform_base.plugins._wire.arena import (
    F_ADD_SEALS,
    F_SEAL_FUTURE_WRITE,
    F_SEAL_SEAL,
    LARGE_PAGE,
    Arena,
    InputMapping,
    map_results,
    replace_by_private_copy,
)


@pytest.fixture
def arena():
    made = Arena(10_000)
    yield made
    made.close()


@pytest.fixture
def reading(arena):
    descriptor = arena.open_for_reading()
    yield descriptor
    os.close(descriptor)


@pytest.fixture
def writing(arena):
    descriptor = arena.open_for_writing()
    yield descriptor
    os.close(descriptor)


def test_inputs_are_read_only_for_whoever_maps_them(arena, reading):
    arena.memory[:5] = b"hello"
    theirs = InputMapping(reading, arena.size).lend()
    assert bytes(theirs[:5]) == b"hello"
    arena.memory[:5] = b"HELLO"
    assert bytes(theirs[:5]) == b"HELLO"
    with pytest.raises(TypeError):
        theirs[0] = 0
    with pytest.raises(PermissionError):
        mmap.mmap(reading, arena.size)
    with pytest.raises(OSError, match="Bad file descriptor"):
        os.pwrite(reading, b"x", 0)


def test_inputs_opened_anew_for_writing_cannot_be_written_to(arena, reading):
    writing = os.open(f"/proc/self/fd/{reading}", os.O_RDWR)
    try:
        with pytest.raises(PermissionError):
            mmap.mmap(writing, arena.size)
        with pytest.raises(PermissionError):
            os.pwrite(writing, b"x", 0)
    finally:
        os.close(writing)


def test_whoever_keeps_a_view_of_inputs_is_noticed_and_can_go_on_reading(arena, reading):
    arena.memory[:4] = b"once"
    mapping = InputMapping(reading, arena.size)
    array = np.frombuffer(mapping.lend(), dtype=np.uint8)[:4]
    assert mapping.lent
    kept = array.tobytes()
    del array
    assert kept == b"once"
    assert not mapping.lent


def test_memory_that_was_given_back_can_be_lent_again(arena, reading):
    mapping = InputMapping(reading, arena.size)
    for byte in (1, 2, 3):
        arena.memory[0] = byte
        assert np.frombuffer(mapping.lend(), dtype=np.uint8)[0] == byte
        assert not mapping.lent


@pytest.mark.parametrize("size", [1, 1 << 30])
def test_an_arena_can_be_neither_cut_nor_grown(arena, writing, size):
    with pytest.raises(PermissionError):
        os.ftruncate(writing, size)


class TestPrivacy:
    """The kernel's word that nobody else holds the memory."""

    def test_what_nobody_was_given_is_private(self, arena):
        assert arena.is_private

    def test_an_open_descriptor_is_noticed(self, arena):
        for give in (arena.open_for_reading, arena.open_for_writing):
            other = Arena(100) if give == arena.open_for_writing else arena
            descriptor = other.open_for_writing() if other is not arena else give()
            assert not other.is_private
            os.close(descriptor)
            assert other.is_private
            if other is not arena:
                other.close()

    def test_a_mapping_is_noticed(self, arena):
        descriptor = arena.open_for_writing()
        theirs = map_results(descriptor, arena.size)
        os.close(descriptor)
        assert not arena.is_private
        del theirs
        assert arena.is_private

    def test_a_descriptor_on_its_way_is_noticed(self, arena):
        one, other = socket.socketpair()
        descriptor = arena.open_for_reading()
        socket.send_fds(one, [b"x"], [descriptor])
        os.close(descriptor)
        assert not arena.is_private
        one.close()
        other.close()
        assert arena.is_private

    def test_a_descriptor_opened_anew_is_noticed(self, arena):
        given = arena.open_for_reading()
        anew = os.open(f"/proc/self/fd/{given}", os.O_RDONLY)
        os.close(given)
        assert not arena.is_private
        os.close(anew)
        assert arena.is_private

    def test_a_mapping_in_another_process_is_noticed_until_it_dies(self, arena):
        descriptor = arena.open_for_reading()
        ready, told = os.pipe()
        held, release = os.pipe()
        child = os.fork()
        if child == 0:
            mapping = InputMapping(descriptor, arena.size).lend()
            os.close(descriptor)
            arena.close()
            os.write(told, b"x")
            os.close(release)
            os.read(held, 1)
            os._exit(mapping[0])
        os.close(descriptor)
        os.read(ready, 1)
        assert not arena.is_private
        os.close(release)
        assert os.waitpid(child, 0)[1] == 0
        assert arena.is_private
        for end in (ready, told, held):
            os.close(end)


def test_seals_that_a_worker_adds_are_noticed(arena, writing):
    assert arena.is_writable_for_others
    fcntl.fcntl(writing, F_ADD_SEALS, F_SEAL_FUTURE_WRITE | F_SEAL_SEAL)
    assert not arena.is_writable_for_others


def test_what_a_worker_has_sealed_against_seals_is_not_lent(arena, writing):
    fcntl.fcntl(writing, F_ADD_SEALS, F_SEAL_SEAL)
    with pytest.raises(PermissionError):
        arena.open_for_reading()


def test_memory_outlives_its_arena_and_holds_no_descriptor():
    before = sorted(os.listdir("/proc/self/fd"))
    arena = Arena(4)
    os.close(arena.open_for_writing())
    memory = arena.memory
    memory[:4] = b"live"
    arena.close()
    arena.close()
    assert sorted(os.listdir("/proc/self/fd")) == before
    del arena
    assert bytes(memory[:4]) == b"live"


@pytest.mark.parametrize("size", [1, 4096, 4097, 1 << 20, (1 << 21) - 1, 1 << 21, (1 << 21) + 1, 5_000_000])
def test_every_size_is_rounded_up_and_mapped_where_large_pages_can_be(size):
    arena = Arena(size)
    assert size <= arena.size == len(arena.memory)
    assert arena.size < size + LARGE_PAGE
    address = np.frombuffer(arena.memory, dtype=np.uint8).__array_interface__["data"][0]
    assert address % (LARGE_PAGE if arena.size >= LARGE_PAGE else mmap.PAGESIZE) == 0
    assert not any(arena.memory[:: max(1, size // 1000)])
    descriptor = arena.open_for_writing()
    theirs = map_results(descriptor, arena.size)
    theirs[size - 1] = 7
    assert arena.memory[size - 1] == 7
    os.close(descriptor)
    arena.close()


def test_no_memory_is_an_error_and_leaves_nothing():
    before = sorted(os.listdir("/proc/self/fd"))
    with pytest.raises(OSError, match=r"memory|large"):
        Arena(1 << 50)
    assert sorted(os.listdir("/proc/self/fd")) == before


def test_a_private_copy_takes_the_place_of_shared_memory(arena, writing):
    arena.memory[:3] = b"old"
    replace_by_private_copy(arena.memory)
    os.pwrite(writing, b"new", 0)
    assert bytes(arena.memory[:3]) == b"old"
    arena.memory[:3] = b"own"
    assert os.pread(writing, 3, 0) == b"new"
