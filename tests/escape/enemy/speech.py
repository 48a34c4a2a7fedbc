"""Saying to the host what may not be said: raw bytes and forged messages on the channel."""

from __future__ import annotations

import array
import gc
import mmap
import os
import pickle
import socket
import sys
import time

import msgspec
import numpy as np

from .native import attempt

CHANNEL = 3
_encode = msgspec.msgpack.Encoder().encode
_KEPT = []


def call_number():
    """The number of the running call, found in the frames of the worker's own loop."""
    frame = sys._getframe()
    while frame is not None:
        server = frame.f_locals.get("self")
        if hasattr(server, "_call") and hasattr(server, "_line"):
            return server._call
        frame = frame.f_back
    for found in gc.get_objects():
        if type(found).__name__ == "Server" and hasattr(found, "_call"):
            return found._call
    raise RuntimeError("the call's number was not found")


def say(**message):
    os.write(CHANNEL, _encode(message))


def done(body, **changes):
    say(**{"type": "done", "call": call_number(), "body": body, "used": 0, "usage": [0.0, 0], **changes})


def wait(inputs=None):
    time.sleep(3600)


def send_bytes(inputs):
    """Whatever bytes the test gives, as one datagram."""
    os.write(CHANNEL, inputs["frame"])
    wait()


def send_message(inputs):
    """A message of fields that the test gives; the call's number is filled in where it asks for it."""
    message = {key: call_number() if value == "the call" else value for key, value in inputs["message"].items()}
    os.write(CHANNEL, _encode(message))
    serve_on()


def send_too_long(inputs):
    frame = b"x" * inputs["size"]
    row = attempt("write", lambda: os.write(CHANNEL, frame))
    if not row[1]:
        wait()
    return [row]


def flood(inputs):
    while True:
        os.write(CHANNEL, _encode({"type": "nonsense"}))


def flood_of_progress(inputs):
    """Valid messages, as fast as the socket takes them."""
    frame = _encode(
        {"type": "progress", "call": call_number(), "fraction": float(inputs["fraction"]), "message": inputs["text"]}
    )
    while True:
        os.write(CHANNEL, frame)


def some_progress(inputs):
    """Odd but valid progress, then an honest end."""
    for fraction in (float("nan"), float("inf"), float("-inf"), 1e308, -1.0):
        say(type="progress", call=call_number(), fraction=fraction, message="\x1b[2J\nERROR root: forged")
    return "ended"


def twice(inputs):
    """Two answers to one call: the second must not become the answer to the next."""
    body = _encode({"values": "forged", "metadata": {}})
    done(body)
    done(body)
    serve_on()


def answer_in_advance(inputs):
    """An answer that waits in the socket for the next call."""
    import threading

    body = _encode({"values": "forged", "metadata": {}})
    number = call_number()

    def later():
        while call_number_of_server() == number:
            time.sleep(0.001)
        for _ in range(3):
            say(type="done", call=number, body=body, used=0, usage=[0.0, 0])

    threading.Thread(target=later, daemon=True).start()
    return "honest"


def call_number_of_server():
    for found in gc.get_objects():
        if type(found).__name__ == "Server" and hasattr(found, "_call"):
            return found._call
    return b""


def close_channel(inputs):
    os.close(CHANNEL)
    wait()


def replace_channel(inputs):
    """Put another file where the channel was."""
    null = os.open("/dev/null", os.O_RDWR)
    os.dup2(null, CHANNEL)
    wait()


def shut_channel(inputs):
    with socket.socket(fileno=os.dup(CHANNEL)) as channel:
        channel.shutdown(socket.SHUT_RDWR)
    wait()


def half_shut_channel(inputs):
    with socket.socket(fileno=os.dup(CHANNEL)) as channel:
        channel.shutdown(socket.SHUT_RD)
    return "ended"


def shrink_buffers(inputs):
    with socket.socket(fileno=os.dup(CHANNEL)) as channel:
        channel.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1)
        channel.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1)
    return "x" * 100


def send_pickle(inputs):
    class Evil:
        def __reduce__(self):
            return os.system, ("true",)

    os.write(CHANNEL, pickle.dumps(Evil()))
    wait()


def pickle_in_result(inputs):
    """A pickle where a value belongs."""
    done(pickle.dumps({"values": 1}))
    serve_on()


def exit_with(inputs):
    os._exit(inputs["status"])


# -- result arenas -------------------------------------------------------------------------------------------------


def _ask(size):
    """Ask for an arena and return its descriptor."""
    say(type="allocate", call=call_number(), size=size)
    with socket.socket(fileno=os.dup(CHANNEL)) as channel:
        _, ancillary, _, _ = channel.recvmsg(1 << 16, socket.CMSG_SPACE(64))
    descriptors = array.array("i")
    for _, _, data in ancillary:
        descriptors.frombytes(data)
    return descriptors[0]


def describe(inputs):
    """End the call with an array whose description the test made; the arena has 4096 bytes."""
    descriptor = _ask(4096)
    memory = mmap.mmap(descriptor, 4096)
    memory[:] = inputs.get("filling", b"\x01") * 4096
    memory.close()
    body = _encode({"values": msgspec.msgpack.Ext(inputs["code"], inputs["payload"]), "metadata": {}})
    done(body, used=inputs.get("used", 4096))
    serve_on()


def describe_without_arena(inputs):
    done(_encode({"values": msgspec.msgpack.Ext(inputs["code"], inputs["payload"]), "metadata": {}}))
    serve_on()


def body_of(inputs):
    """End the call with a body that the test made."""
    done(inputs["body"])
    serve_on()


def body_spilled(inputs):
    """A long body travels in the arena."""
    size = len(inputs["body"])
    memory = mmap.mmap(_ask(size), size)
    memory[:] = inputs["body"]
    memory.close()
    done([0, size], used=size)
    serve_on()


def body_in_arena(inputs):
    """The body stands in the arena, at a place that the test chose."""
    descriptor = _ask(4096)
    memory = mmap.mmap(descriptor, 4096)
    memory[: len(inputs["body"])] = inputs["body"]
    memory.close()
    done([inputs["offset"], inputs["size"]], used=4096)
    serve_on()


def ask_for(inputs):
    say(type="allocate", call=call_number(), size=inputs["size"])
    wait()


def ask_again_and_again(inputs):
    for _ in range(inputs["count"]):
        say(type="allocate", call=call_number(), size=1 << 20)
    wait()


def cut_arena(inputs):
    """Cutting it under the host's mapping would be a bus error there."""
    descriptor = _ask(1 << 20)
    return [
        attempt("to nothing", lambda: os.ftruncate(descriptor, 0)),
        attempt("to more", lambda: os.ftruncate(descriptor, 1 << 30)),
        attempt("fallocate", lambda: os.posix_fallocate(descriptor, 0, 1 << 30)),
    ]


def seal_arena(inputs):
    import fcntl

    descriptor = _ask(1 << 20)
    return [
        attempt("F_ADD_SEALS", lambda: fcntl.fcntl(descriptor, 1033, 0x1F)),
        attempt("fchmod", lambda: os.fchmod(descriptor, 0)),
    ]


def scribble(inputs):
    """Keep the arena mapped, answer, and go on writing from a thread."""
    import threading

    size = inputs["size"]
    memory = mmap.mmap(_ask(size), size)
    numbers = np.frombuffer(memory, np.uint8)
    numbers[:] = 1
    payload = _encode(("|u1", [size], False, 0))
    body = _encode({"values": msgspec.msgpack.Ext(32, payload), "metadata": {}})

    def write():
        for value in range(2, 250):
            numbers[:] = value
        while True:
            numbers[:] = 255

    threading.Thread(target=write, daemon=True).start()
    _KEPT.append((memory, numbers))
    done(body, used=size)
    serve_on()


def punch_arena(inputs):
    """Give pages back after the answer: the host must read zeros or its copy, never fault."""
    import ctypes

    from .kernel import call

    size = 1 << 20
    descriptor = _ask(size)
    memory = mmap.mmap(descriptor, size)
    memory[:] = b"\x01" * size
    call("fallocate", descriptor, 3, 0, size)
    memory.close()
    ctypes.set_errno(0)
    done(_encode({"values": msgspec.msgpack.Ext(32, _encode(("|u1", [size], False, 0))), "metadata": {}}), used=size)
    serve_on()


def hoard_arenas(inputs):
    """Fill an arena, unmap it and keep its descriptor: memory that no figure of this process shows."""
    size = inputs["size"]
    descriptor = _ask(size)
    memory = mmap.mmap(descriptor, size)
    memory[::4096] = b"\x01" * len(range(0, size, 4096))
    memory.close()
    _KEPT.append(descriptor)
    done(_encode({"values": len(_KEPT), "metadata": {}}))
    serve_on()


def serve_on():
    """Go back into the worker's loop as if nothing had happened."""
    for found in gc.get_objects():
        if type(found).__name__ == "Server" and hasattr(found, "_line"):
            found._call = b""
            found.serve()
            os._exit(0)


def write_input(inputs):
    series = inputs["series"]

    def unlock():
        series.flags.writeable = True
        series[0] = 1

    return [attempt("item", lambda: series.__setitem__(0, 1)), attempt("flag", unlock)]


def write_input_memory(inputs):
    import ctypes

    ctypes.memset(inputs["series"].__array_interface__["data"][0], 255, 8)
    return "written"


def remap_input(inputs):
    import ctypes

    libc = ctypes.CDLL(None, use_errno=True)
    libc.mprotect.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int]
    address = inputs["series"].__array_interface__["data"][0] // 4096 * 4096

    def protect():
        if libc.mprotect(address, 4096, 3):
            raise OSError(ctypes.get_errno(), "mprotect")
        return "writable"

    return [attempt("mprotect", protect)]


def system_v(inputs):
    from .kernel import call

    return [
        attempt("shmget", lambda: call("shmget", 0x7062, 4096, 0o1600)),
        attempt("semget", lambda: call("semget", 0x7062, 1, 0o1600)),
        attempt("msgget", lambda: call("msgget", 0x7062, 0o1600)),
        attempt("shmat", lambda: call("shmat", 0, 0, 0)),
    ]


def posix_shared(inputs):
    from multiprocessing import shared_memory

    return [
        attempt(
            "shm_open",
            lambda: shared_memory.SharedMemory(
                "pb-escape",
                create=True,
                size=4096,
            ),
        )
    ]


def message_queue(inputs):
    from .kernel import call

    return [attempt("mq_open", lambda: call("mq_open", b"pb-escape", 0o102, 0o600, None))]
