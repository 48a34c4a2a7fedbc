"""The order of messages: what may be said when, and nothing else."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from platform_base.plugins._wire.messages import (
    MAX_TEXT,
    PROTOCOL_VERSION,
    Allocate,
    Connect,
    Done,
    Execute,
    Failed,
    Grant,
    Load,
    Loaded,
    LoadFailed,
    Location,
    Progress,
    Ready,
    Refused,
    ToWorker,
    Usage,
)
from platform_base.plugins._wire.session import ProtocolError, Session, State

USAGE = Usage(cpu_seconds=0.0, peak_memory_bytes=0)
LOAD = Load(directory="/d", package="d", module="m", class_name="C", plugin_id="p", version="1.0.0")


def frame(message: object) -> bytes:
    return msgspec.msgpack.encode(message)


def to_worker(data: bytes) -> object:
    return msgspec.msgpack.decode(data, type=ToWorker)


def idle() -> Session:
    session = Session(max_result_bytes=1000)
    session.receive(frame(Ready(protocol=PROTOCOL_VERSION, protections=("process",))))
    session.load(LOAD)
    session.receive(frame(Loaded(usage=USAGE)))
    return session


def executing() -> tuple[Session, bytes]:
    session = idle()
    message = to_worker(session.execute(b"x", arena_size=0))
    assert isinstance(message, Execute)
    return session, message.call


def failed(call: bytes, kind: str = "raised", text: str = "no") -> Failed:
    return Failed(call=call, kind=kind, error_type="ValueError", message=text, traceback="", usage=USAGE)


def test_a_whole_conversation():
    session, call = executing()
    session.receive(frame(Progress(call=call, fraction=0.5, message="half")))
    session.receive(frame(Allocate(call=call, size=1000)))
    grant = to_worker(session.grant(1000, keep=True))
    assert grant == Grant(call=call, size=1000, keep=True)
    done = Done(call=call, body=Location(offset=900, size=100), used=1000, usage=USAGE)
    assert session.receive(frame(done)) == done
    assert session.state is State.IDLE


def test_every_call_has_a_number_of_its_own():
    session, first = executing()
    session.receive(frame(failed(first)))
    second = to_worker(session.execute(b"x", arena_size=0))
    assert isinstance(second, Execute)
    assert second.call != first


@pytest.mark.parametrize(
    "message",
    [
        Loaded(usage=USAGE),
        Done(call=bytes(16), body=b"", used=0, usage=USAGE),
        Ready(protocol=PROTOCOL_VERSION + 1, protections=()),
        Progress(call=bytes(16), fraction=1.0, message=""),
    ],
)
def test_before_ready_nothing_else_is_said(message):
    with pytest.raises(ProtocolError):
        Session(max_result_bytes=1).receive(frame(message))


@pytest.mark.parametrize("message", [Loaded(usage=USAGE), Ready(protocol=1, protections=())])
def test_a_ready_worker_stays_silent_until_it_is_asked(message):
    session = Session(max_result_bytes=1)
    session.receive(frame(Ready(protocol=PROTOCOL_VERSION, protections=())))
    with pytest.raises(ProtocolError, match="may not be said while ready"):
        session.receive(frame(message))


def test_a_refusal_ends_the_conversation():
    session = Session(max_result_bytes=1)
    session.receive(frame(Refused(protection="landlock", reason="none", remedy="get one")))
    assert session.state is State.ENDED
    with pytest.raises(ProtocolError):
        session.load(LOAD)


def test_a_failed_load_ends_the_conversation():
    session = Session(max_result_bytes=1)
    session.receive(frame(Ready(protocol=PROTOCOL_VERSION, protections=())))
    session.load(LOAD)
    session.receive(frame(LoadFailed(error_type="SyntaxError", message="", traceback="")))
    assert session.state is State.ENDED


def test_an_answer_to_no_call_is_refused():
    session, _ = executing()
    with pytest.raises(ProtocolError, match="nobody made"):
        session.receive(frame(failed(bytes(16))))


def test_an_answer_cannot_be_given_twice():
    session, call = executing()
    session.receive(frame(failed(call)))
    with pytest.raises(ProtocolError):
        session.receive(frame(failed(call)))


@pytest.mark.parametrize("size", [0, -1, 1001, 2**62])
def test_an_arena_outside_the_limit_is_refused(size):
    session, call = executing()
    with pytest.raises(ProtocolError, match="result arena"):
        session.receive(frame(Allocate(call=call, size=size)))


def test_a_third_arena_is_refused():
    session, call = executing()
    for _ in range(2):
        session.receive(frame(Allocate(call=call, size=10)))
        session.grant(10, keep=False)
    with pytest.raises(ProtocolError, match="more than 2 result arenas"):
        session.receive(frame(Allocate(call=call, size=10)))


@pytest.mark.parametrize(("offset", "size"), [(0, 11), (-1, 5), (11, 1), (5, 6), (0, 0), (0, -3), (2**62, 2**62)])
def test_a_body_outside_the_arena_is_refused(offset, size):
    session, call = executing()
    session.receive(frame(Allocate(call=call, size=10)))
    session.grant(10, keep=False)
    with pytest.raises(ProtocolError, match="outside the arena"):
        session.receive(frame(Done(call=call, body=Location(offset=offset, size=size), used=10, usage=USAGE)))


def test_a_body_in_no_arena_is_refused():
    session, call = executing()
    with pytest.raises(ProtocolError, match="outside the arena"):
        session.receive(frame(Done(call=call, body=Location(offset=0, size=1), used=0, usage=USAGE)))


@pytest.mark.parametrize("used", [-1, 11, 2**62])
def test_more_than_the_arena_holds_cannot_be_used(used):
    session, call = executing()
    session.receive(frame(Allocate(call=call, size=10)))
    session.grant(10, keep=True)
    with pytest.raises(ProtocolError, match="bytes of a result arena"):
        session.receive(frame(Done(call=call, body=b"", used=used, usage=USAGE)))


@pytest.mark.parametrize(("keep", "allowed"), [(True, True), (False, False)])
def test_only_an_arena_that_may_be_kept_serves_the_next_call(keep, allowed):
    session, call = executing()
    session.receive(frame(Allocate(call=call, size=10)))
    session.grant(10, keep=keep)
    session.receive(frame(Done(call=call, body=b"", used=10, usage=USAGE)))
    following = to_worker(session.execute(b"x", arena_size=0))
    assert isinstance(following, Execute)
    done = frame(Done(call=following.call, body=b"", used=10, usage=USAGE))
    if allowed:
        session.receive(done)
    else:
        with pytest.raises(ProtocolError, match="bytes of a result arena"):
            session.receive(done)


def test_an_unknown_kind_of_failure_is_refused():
    session, call = executing()
    with pytest.raises(ProtocolError, match="unknown kind"):
        session.receive(frame(failed(call, kind="whatever")))


def test_long_text_is_refused():
    session, call = executing()
    with pytest.raises(ProtocolError, match="characters long"):
        session.receive(frame(failed(call, text="x" * (MAX_TEXT + 1))))


@given(st.binary(max_size=300))
def test_random_bytes_are_refused(data):
    session, _ = executing()
    with pytest.raises(ProtocolError):
        session.receive(data)


@given(st.data())
def test_mutated_messages_are_a_message_or_refused(data):
    session, call = executing()
    original = bytearray(
        frame(
            data.draw(
                st.sampled_from(
                    [
                        failed(call),
                        Allocate(call=call, size=9),
                        Progress(call=call, fraction=0.1, message="m"),
                    ]
                )
            )
        )
    )
    for _ in range(data.draw(st.integers(1, 4))):
        original[data.draw(st.integers(0, len(original) - 1))] = data.draw(st.integers(0, 255))
    try:
        message = session.receive(bytes(original))
    except ProtocolError:
        return
    assert isinstance(message, Failed | Allocate | Progress | Done)
    assert message.call == call


@pytest.mark.parametrize(
    "usage", [(float("nan"), 0), (float("inf"), 0), (-1.0, 0), (0.0, -1), (0.0, 2**60), (1e300, 0)]
)
def test_figures_that_cannot_be_are_refused(usage):
    session, call = executing()
    done = Done(call=call, body=b"", used=0, usage=Usage(cpu_seconds=usage[0], peak_memory_bytes=usage[1]))
    with pytest.raises(ProtocolError, match="cannot be"):
        session.receive(frame(done))


def test_connections_are_counted():
    session, call = executing()
    for _ in range(100):
        session.receive(frame(Connect(call=call, host="a", port=1)))
    with pytest.raises(ProtocolError, match="connections"):
        session.receive(frame(Connect(call=call, host="a", port=1)))


def test_room_to_grow_is_no_room_for_larger_results():
    session, call = executing()
    session.receive(frame(Allocate(call=call, size=1000)))
    session.grant(1250, keep=True)
    with pytest.raises(ProtocolError, match="1000 may be used"):
        session.receive(frame(Done(call=call, body=b"", used=1001, usage=USAGE)))
