"""Datagrams: whole or refused, and no descriptors from the side that may not send any."""

from __future__ import annotations

import os

import pytest

from platform_base.plugins._wire.messages import MAX_FRAME
from platform_base.plugins._wire.unix_socket import BrokenFrameError, FrameSocket, close_descriptors


@pytest.fixture
def pair():
    one, other = FrameSocket.pair()
    yield one, other
    one.close()
    other.close()


def test_the_largest_frame_passes(pair):
    one, other = pair
    one.send(b"x" * MAX_FRAME)
    assert len(other.receive()) == MAX_FRAME


def test_a_larger_frame_is_refused_before_it_is_sent(pair):
    with pytest.raises(BrokenFrameError, match="at most"):
        pair[0].send(b"x" * (MAX_FRAME + 1))


def test_a_larger_frame_is_refused_when_it_arrives(pair):
    one, other = pair
    os.write(one.fileno(), b"x" * (MAX_FRAME + 1))
    with pytest.raises(BrokenFrameError, match="arrived"):
        other.receive()


def test_descriptors_are_refused_and_not_kept(pair):
    one, other = pair
    before = len(os.listdir("/proc/self/fd"))
    one.send(b"x", (one.fileno(), one.fileno()))
    with pytest.raises(BrokenFrameError, match="descriptors"):
        other.receive()
    assert len(os.listdir("/proc/self/fd")) == before


def test_descriptors_arrive_closed_on_exec(pair):
    one, other = pair
    one.send(b"x", (one.fileno(),))
    frame, descriptors = other.receive_with_descriptors()
    assert frame == b"x"
    assert not os.get_inheritable(descriptors[0])
    close_descriptors(descriptors)


def test_a_closed_end_reads_as_nothing(pair):
    one, other = pair
    one.close()
    assert other.receive() == b""
    with pytest.raises(OSError, match="pipe"):
        other.send(b"x")


def test_nothing_there_is_told_apart_from_the_end(pair):
    with pytest.raises(BlockingIOError):
        pair[0].receive(wait=False)
