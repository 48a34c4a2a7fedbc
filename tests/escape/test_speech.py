"""Saying to the host what may not be said."""

from __future__ import annotations

from typing import Any

import msgspec
import numpy as np
import pytest

from platform_base.plugins._wire.messages import PROTOCOL_VERSION
from platform_base.plugins.errors import PluginTimeoutError, WireError, WorkerCrashedError
from tests.escape.harness import Host
from tests.escape.outcomes import Behaviour, denied, fails, returns

pack = msgspec.msgpack.encode
Ext = msgspec.msgpack.Ext
THE_CALL = "the call"
USAGE = [0.0, 0]
FINE = pack({"values": 1, "metadata": {}})
ARRAY, MASKED = 32, 33


def _raw(name: str, frame: bytes, **facts: Any) -> Behaviour:
    return fails("speech.send_bytes", WireError, name=f"speech.bytes-{name}", inputs={"frame": frame}, **facts)


def _message(name: str, **message: Any) -> Behaviour:
    return fails("speech.send_message", WireError, name=f"speech.message-{name}", inputs={"message": message})


def _done(name: str, **changes: Any) -> Behaviour:
    return _message(name, **{"type": "done", "call": THE_CALL, "body": FINE, "used": 0, "usage": USAGE, **changes})


def _described(
    name: str, dtype: Any, shape: Any, place: Any = 0, *, fortran: Any = False, code: int = ARRAY, **facts: Any
) -> Behaviour:
    payload = pack((dtype, shape, fortran, place))
    return fails(
        "speech.describe", WireError, name=f"speech.array-{name}", inputs={"code": code, "payload": payload, **facts}
    )


def _body(name: str, body: bytes) -> Behaviour:
    return fails("speech.body_of", WireError, name=f"speech.body-{name}", inputs={"body": body})


def _in_arena(name: str, offset: int, size: int) -> Behaviour:
    return fails(
        "speech.body_in_arena",
        WireError,
        name=f"speech.place-{name}",
        inputs={"body": FINE, "offset": offset, "size": size},
    )


FRAMES = (
    _raw("random", bytes(range(256)) * 4),
    _raw("nul", b"\0"),
    _raw("bad text", b"\xa5\xff\xff\xff\xff\xff"),
    _raw("deep", b"\x91" * 30_000 + b"\xc0"),
    _raw("deep map", b"\x81\xa4type" * 5_000),
    _raw("list", pack([1, 2])),
    _raw("number", pack(7)),
    _raw("cut", pack({"type": "done"})[:-2]),
    _raw("two at once", pack({"type": "progress"}) * 2),
    _raw("huge list", b"\xdd\xff\xff\xff\xff"),
    _raw("huge map", b"\xdf\xff\xff\xff\xff"),
    _raw("huge text", b"\xdb\xff\xff\xff\xff"),
    _raw("huge extension", b"\xc9\xff\xff\xff\xff\x01"),
    _raw("reserved byte", b"\xc1"),
    _raw("json", b'{"type": "done"}'),
    _raw("empty", b""),
    _raw("full frame", b"\xc0" * 65_536),
    _raw("timestamp", b"\xd6\xff\0\0\0\0"),
    fails("speech.send_pickle", WireError),
    fails("speech.send_too_long", WireError, inputs={"size": 130 << 10}),
    denied("speech.send_too_long", "EMSGSIZE", "process", name="speech.send_far_too_long", inputs={"size": 2 << 20}),
)

MESSAGES = (
    _message("no type", call=THE_CALL),
    _message("unknown type", type="nonsense"),
    _message("type is a number", type=7),
    _message("type is a list", type=["done"]),
    _message("ready", type="ready", protocol=PROTOCOL_VERSION, protections=["everything"]),
    _message("refused", type="refused", protection="x", reason="x", remedy="x"),
    _message("loaded", type="loaded", usage=USAGE),
    _message("load_failed", type="load_failed", error_type="x", message="x", traceback="x"),
    _message("to worker", type="execute", call=THE_CALL, body=FINE, arena_size=0),
    _message("of the warden", type="exited", status=0, cpu_seconds=0.0, killed_for=""),
    _message("forked", type="forked", pid=1),
    _message("other call", type="progress", call=b"\0" * 16, fraction=0.5, message=""),
    _message("empty call", type="progress", call=b"", fraction=0.5, message=""),
    _message("long call", type="progress", call=b"\0" * 40_000, fraction=0.5, message=""),
    _message("call is text", type="progress", call="x", fraction=0.5, message=""),
    _message("fraction is text", type="progress", call=THE_CALL, fraction="0.5", message=""),
    _message("message is bytes", type="progress", call=THE_CALL, fraction=0.5, message=b"x"),
    _message("long message", type="progress", call=THE_CALL, fraction=0.5, message="x" * 20_000),
    _message(
        "unknown failure", type="failed", call=THE_CALL, kind="x", error_type="", message="", traceback="", usage=USAGE
    ),
    _message(
        "kind is a list", type="failed", call=THE_CALL, kind=[], error_type="", message="", traceback="", usage=USAGE
    ),
    _message(
        "message is a map",
        type="failed",
        call=THE_CALL,
        kind="raised",
        error_type="",
        message={},
        traceback="",
        usage=USAGE,
    ),
    _message(
        "long traceback",
        type="failed",
        call=THE_CALL,
        kind="raised",
        error_type="",
        message="",
        traceback="x" * 20_000,
        usage=USAGE,
    ),
    _message(
        "usage is short",
        type="failed",
        call=THE_CALL,
        kind="raised",
        error_type="",
        message="",
        traceback="",
        usage=[0.0],
    ),
    _message(
        "usage is a map", type="failed", call=THE_CALL, kind="raised", error_type="", message="", traceback="", usage={}
    ),
    _message("connect is cut", type="connect", call=THE_CALL, host="x"),
    _message("connect to a list", type="connect", call=THE_CALL, host=["x"], port=1),
    _message("connect to a real port", type="connect", call=THE_CALL, host="x", port=1.5),
    _message("connect to a long name", type="connect", call=THE_CALL, host="x" * 20_000, port=1),
)

ENDS = (
    _done("body missing", body=None),
    _done("body is text", body="x"),
    _done("body is empty", body=b""),
    _done("body is a list", body=[1]),
    _done("body is cut", body=FINE[:-1]),
    _done("body goes on", body=FINE + FINE),
    _done("body is nowhere", body=[0, 10]),
    _done("used without an arena", used=1),
    _done("used is negative", used=-1),
    _done("used is huge", used=2**63 - 1),
    _done("used is text", used="1"),
    _done("call is another", call=b"\0" * 16),
    _done("inputs_kept is a number", inputs_kept=1),
    _body("number", pack(1)),
    _body("list", pack([1])),
    _body("without metadata", pack({"values": 1})),
    _body("with more", pack({"values": 1, "metadata": {}, "execution": 1})),
    _body("metadata is a list", pack({"values": 1, "metadata": []})),
    _body("metadata is an array", pack({"values": 1, "metadata": Ext(ARRAY, pack(("<f8", [1], False, b"\0" * 8)))})),
    _body("unknown extension", pack({"values": Ext(99, b"x"), "metadata": {}})),
    _body("negative extension", b"\x82\xa6values\xd4\x80\x00\xa8metadata\x80"),
    _body("deep", b"\x82\xa6values" + b"\x91" * 5000),
    _body("deep tuples", b"\x82\xa6values" + b"\x91" * 3000 + b"\xc0\xa8metadata\x80"),
    _body("bad text", b"\x82\xa6values\xa2\xff\xff\xa8metadata\x80"),
    _body("mapping of nothing", pack({"values": Ext(18, pack(1)), "metadata": {}})),
    _body("numbers that are none", pack({"values": Ext(16, pack(("<f8", [2, 2], False, b"\0" * 32))), "metadata": {}})),
    _body("tuple of nothing", pack({"values": Ext(17, b""), "metadata": {}})),
    _body("tuple that is a map", pack({"values": Ext(17, pack({})), "metadata": {}})),
    _body("mapping with an odd number", pack({"values": Ext(18, pack([1])), "metadata": {}})),
    _body("mapping with a list for a key", pack({"values": Ext(18, pack([[], 1])), "metadata": {}})),
    _body("complex of one byte", pack({"values": Ext(5, b"x"), "metadata": {}})),
    _body("scalar of two", pack({"values": Ext(6, pack(["<f8", b"\0" * 16])), "metadata": {}})),
    _body("scalar of an object", pack({"values": Ext(6, pack(["|O8", b"\0" * 8])), "metadata": {}})),
    fails("speech.pickle_in_result", WireError),
    fails(
        "speech.describe_without_arena",
        WireError,
        inputs={"code": ARRAY, "payload": pack(("<f8", [1 << 16], False, 0))},
    ),
)

ARRAYS = (
    _described("bigger", "<f8", [4096]),
    _described("bigger than used", "<f8", [512], used=64),
    _described("behind", "<f8", [10], 4096),
    _described("far behind", "<f8", [10], 2**62),
    _described("negative place", "<f8", [10], -64),
    _described("odd place", "<f8", [10], 3),
    _described("negative", "<f8", [-1]),
    _described("both negative", "<f8", [-2, -2]),
    _described("overflow", "<f8", [2**62, 4]),
    _described("overflow to nothing", "<f8", [2**32, 2**32]),
    _described("overflow of bytes", "|u1", [2**63 - 1]),
    _described("beyond 64 bits", "<f8", [2**64 - 1]),
    _described("zero and huge", "<f8", [0, 2**63 - 1]),
    _described("object", "|O", [1]),
    _described("object of eight", "|O8", [1]),
    _described("python", "O", [1]),
    _described("struct", "i4,f8", [1]),
    _described("fields with an object", ["fields", ["a"], ["|O8"], [0], 8], [1]),
    _described("fields outside", ["fields", ["a"], ["<f8"], [2**30], 8], [1]),
    _described("fields negative", ["fields", ["a"], ["<f8"], [-8], 8], [1]),
    _described("fields that overlap the end", ["fields", ["a"], ["<f8"], [4], 8], [1]),
    _described("fields of other numbers", ["fields", ["a", "b"], ["<f8"], [0], 8], [1]),
    _described("fields of one name", ["fields", ["a", "a"], ["<f8", "<f8"], [0, 8], 16], [1]),
    _described("fields without text", ["fields", [1], ["<f8"], [0], 8], [1]),
    _described("many fields", ["fields", [str(n) for n in range(2000)], ["|u1"] * 2000, list(range(2000)), 2000], [1]),
    _described(
        "deep fields",
        [
            "array",
            ["array", ["array", ["array", ["array", ["array", ["array", "<f8", [1]], [1]], [1]], [1]], [1]], [1]],
            [1],
        ],
        [1],
    ),
    _described("inner array huge", ["array", "<f8", [2**31, 2**31]], [1]),
    _described("inner array negative", ["array", "<f8", [-1]], [1]),
    _described("void that is huge", "|V9999999999", [1]),
    _described("text that is huge", "<U2147483647", [1]),
    _described("no width, many", "|V0", [2**62]),
    _described("no width, many texts", "<U0", [10**9]),
    _described("unknown unit", "<M8[eon]", [1]),
    _described("unit of millions", "<M8[99999999999s]", [1]),
    _described("spelling that calls", "__import__('os')", [1]),
    _described("spelling with a newline", "<f8\n", [1]),
    _described("spelling in other digits", "<f\u0668", [1]),
    _described("spelling is a number", 8, [1]),
    _described("spelling is nothing", None, [1]),
    _described("shape is a number", "<f8", 3),
    _described("shape is text", "<f8", "3"),
    _described("shape of truths", "<f8", [True]),
    _described("shape of reals", "<f8", [1.0]),
    _described("shape of nothing", "<f8", [None]),
    _described("too many dimensions", "<f8", [1] * 65),
    _described("order is a number", "<f8", [1], fortran=1),
    _described("place is nothing", "<f8", [1], None),
    _described("place is real", "<f8", [1], 0.0),
    _described("inline too short", "<f8", [2], b"\0" * 8),
    _described("inline too long", "<f8", [1], b"\0" * 64),
    _described("text beyond Unicode", "<U16", [16], filling=b"\xff"),
    fails(
        "speech.describe",
        WireError,
        name="speech.array-is a dict",
        inputs={"code": ARRAY, "payload": pack({"dtype": "<f8"})},
    ),
    fails("speech.describe", WireError, name="speech.array-is nothing", inputs={"code": ARRAY, "payload": pack(None)}),
    fails("speech.describe", WireError, name="speech.array-is empty", inputs={"code": ARRAY, "payload": b""}),
    fails(
        "speech.describe",
        WireError,
        name="speech.array-is code",
        inputs={"code": ARRAY, "payload": b"cos\nsystem\n(S'true'\ntR."},
    ),
    fails(
        "speech.describe",
        WireError,
        name="speech.array-goes on",
        inputs={"code": ARRAY, "payload": pack(("<f8", [1], False, 0)) * 2},
    ),
    fails(
        "speech.describe",
        WireError,
        name="speech.array-too many facts",
        inputs={"code": ARRAY, "payload": pack(("<f8", [1], False, 0, 0))},
    ),
)

PLACES = (
    _in_arena("behind", 4096, 10),
    _in_arena("across the end", 4090, 10),
    _in_arena("negative", -1, 10),
    _in_arena("nothing", 0, 0),
    _in_arena("negative size", 0, -1),
    _in_arena("overflow", 2**63 - 1, 10),
    fails("speech.ask_for", WireError, name="speech.ask-huge", inputs={"size": 1 << 40}),
    fails("speech.ask_for", WireError, name="speech.ask-just too much", inputs={"size": (16 << 20) + 1}),
    fails("speech.ask_for", WireError, name="speech.ask-nothing", inputs={"size": 0}),
    fails("speech.ask_for", WireError, name="speech.ask-negative", inputs={"size": -1}),
    fails("speech.ask_for", WireError, name="speech.ask-largest", inputs={"size": 2**63 - 1}),
    fails("speech.ask_for", WireError, name="speech.ask-beyond 64 bits", inputs={"size": 2**64 - 1}),
    fails("speech.ask_for", WireError, name="speech.ask-real", inputs={"size": 1.0}),
    fails("speech.ask_for", WireError, name="speech.ask-text", inputs={"size": "1"}),
    fails("speech.ask_for", WireError, name="speech.ask-truth", inputs={"size": True}),
    fails("speech.ask_again_and_again", WireError, inputs={"count": 1000}),
    fails("speech.ask_again_and_again", WireError, name="speech.ask_thrice", inputs={"count": 3}),
    denied("speech.cut_arena", "EPERM EFBIG", "process"),
    denied("speech.seal_arena", "EPERM", "seccomp"),
    denied("speech.write_input", "ValueError", "process", inputs={"series": np.zeros(100_000)}),
    denied("speech.remap_input", "EACCES EPERM", "process", inputs={"series": np.zeros(100_000)}),
    fails(
        "speech.write_input_memory",
        WorkerCrashedError,
        facts={"signal": "SIGSEGV"},
        inputs={"series": np.zeros(100_000)},
    ),
    denied("speech.system_v", "EPERM", "seccomp", risky=True),
    denied("speech.posix_shared", "EACCES ENOENT", "landlock", hidden=True, risky=True),
    denied("speech.message_queue", "EPERM", "seccomp", risky=True),
)

CONDUCT = (
    fails("speech.flood", WireError),
    fails("speech.flood_of_progress", PluginTimeoutError, timeout_s=0.3, inputs={"fraction": 0.5, "text": "x" * 1000}),
    returns("speech.some_progress", lambda value: value == "ended"),
    fails("speech.close_channel", WireError, timeout_s=3),
    fails("speech.replace_channel", WireError, timeout_s=3),
    fails("speech.shut_channel", WireError, timeout_s=3),
    returns("speech.half_shut_channel", lambda value: value == "ended"),
    returns("speech.shrink_buffers", lambda value: value == "x" * 100),
    fails("speech.wait", PluginTimeoutError, timeout_s=0.2),
    fails(
        "speech.exit_with",
        WorkerCrashedError,
        facts={"exit_status": 0, "signal": None},
        name="speech.exit-0",
        inputs={"status": 0},
    ),
    fails(
        "speech.exit_with",
        WorkerCrashedError,
        facts={"exit_status": 7, "signal": None},
        name="speech.exit-7",
        inputs={"status": 7},
    ),
    fails(
        "speech.exit_with",
        WorkerCrashedError,
        facts={"exit_status": 70, "signal": None},
        name="speech.exit-70",
        inputs={"status": 70},
    ),
)

BEHAVIOURS: tuple[Behaviour, ...] = (*FRAMES, *MESSAGES, *ENDS, *ARRAYS, *PLACES, *CONDUCT)


@pytest.mark.parametrize("behaviour", BEHAVIOURS, ids=lambda behaviour: behaviour.name)
def test_speech_behaviour(host: Host, behaviour: Behaviour) -> None:
    host.face(behaviour)


def test_a_second_answer_is_not_the_answer_to_the_next_call(host: Host) -> None:
    assert host.attack("speech.twice").result() == "forged"
    outcome = host.attack("enemy.answer")
    assert outcome.value == 42 or isinstance(outcome.error, WireError)


def test_an_answer_in_advance_is_not_the_answer_to_the_next_call(host: Host) -> None:
    assert host.attack("speech.answer_in_advance").result() == "honest"
    for _ in range(5):
        outcome = host.attack("enemy.answer")
        assert outcome.value == 42 or isinstance(outcome.error, WireError)


@pytest.mark.parametrize("size", [4 << 20, 16 << 20])
def test_a_result_does_not_change_after_it_was_handed_out(host: Host, size: int) -> None:
    """The worker keeps its arena mapped and writes into it all the time."""
    result = host.attack("speech.scribble", size=size).result()
    before = result.copy()
    assert result.shape == (size,)
    for _ in range(20):
        assert host.bystander()["kept"]
        np.testing.assert_array_equal(result, before)


def test_pages_given_back_after_the_answer_read_as_zero(host: Host) -> None:
    result = host.attack("speech.punch_arena").result()
    assert set(np.unique(result)) <= {0, 1}


def test_truth_values_are_zero_or_one(host: Host) -> None:
    """NumPy counts bytes: another value would make it write out of bounds."""
    payload = pack(("|b1", [4096], False, 0))
    result = host.attack("speech.describe", code=ARRAY, payload=payload, filling=b"\xff").result()
    assert set(result.view(np.uint8).tolist()) <= {0, 1}


def test_text_of_a_broken_protocol_is_safe_to_print(host: Host) -> None:
    error = host.attack("speech.send_message", message={"type": "\x1b[2J\x9b\u202e\nERROR forged"}).error
    assert isinstance(error, WireError)
    assert not any(mark in str(error) for mark in ("\x1b", "\x9b", "\u202e"))


@pytest.mark.parametrize("keys", [4_000, 65_000])
def test_keys_that_collide_do_not_hold_up_the_host(host: Host, keys: int) -> None:
    """All multiples of 2**61 - 1 have the hash 0: a dict of n of them takes n**2 steps to build."""
    items: list[Any] = []
    for number in range(1, keys + 1):
        key = number * (2**61 - 1)
        items += [key if key < 2**63 else Ext(1, key.to_bytes(key.bit_length() // 8 + 1, "little", signed=True)), 0]
    body = pack({"values": Ext(18, pack(items)), "metadata": {}})
    outcome = host.attack("speech.body_spilled", body=body, timeout_s=5)
    assert isinstance(outcome.error, WireError)
    assert "hash" in str(outcome.error)


def test_statistics_of_a_liar_are_numbers(host: Host) -> None:
    """What a worker says that it used is for statistics only; not-a-number would spoil the sum for ever."""
    for cpu, peak in ((float("nan"), 0), (float("inf"), 2**63 - 1), (-1e308, -1)):
        outcome = host.attack(
            "speech.send_message",
            message={"type": "done", "call": THE_CALL, "body": FINE, "used": 0, "usage": [cpu, peak]},
        )
        if outcome.error is None:
            assert outcome.execution is not None
            assert np.isfinite(outcome.execution.cpu_seconds)
            assert outcome.execution.cpu_seconds >= 0
            assert 0 <= outcome.execution.peak_memory_bytes < 1 << 50
        else:
            assert isinstance(outcome.error, WireError)


@pytest.mark.parametrize("seed", range(3))
def test_random_bodies_never_reach_the_caller_as_another_error(host: Host, seed: int) -> None:
    dice = np.random.default_rng(seed)
    whole = pack({"values": [1, "x", Ext(ARRAY, pack(("<f8", [2], False, b"\0" * 16)))], "metadata": {"a": 1}})
    for _ in range(15):
        body = bytearray(whole)
        for _ in range(int(dice.integers(1, 4))):
            body[int(dice.integers(len(body)))] = int(dice.integers(256))
        outcome = host.attack("speech.body_of", body=bytes(body), timeout_s=2)
        assert outcome.error is None or isinstance(outcome.error, WireError), (bytes(body), outcome.error)
