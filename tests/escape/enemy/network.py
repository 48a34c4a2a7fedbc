"""Reaching others over sockets."""

from __future__ import annotations

import array
import asyncio
import os
import socket
import urllib.request

from .kernel import call
from .native import attempt


def _connect(family, kind, address):
    with socket.socket(family, kind) as found:
        found.settimeout(1)
        found.connect(address)
        return "connected"


def tcp(inputs):
    return [attempt("connect", lambda: _connect(socket.AF_INET, socket.SOCK_STREAM, ("127.0.0.1", inputs["tcp_port"])))]


def tcp6(inputs):
    return [attempt("connect", lambda: _connect(socket.AF_INET6, socket.SOCK_STREAM, ("::1", inputs["tcp_port"])))]


def tcp_fast_open(inputs):
    """A connection made by sendto, which no connect() rule sees."""

    def send():
        with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as found:
            return found.sendto(b"x", 0x20000000, ("127.0.0.1", inputs["tcp_port"]))

    return [attempt("MSG_FASTOPEN", send)]


def metadata_service(inputs):
    return [attempt("connect", lambda: _connect(socket.AF_INET, socket.SOCK_STREAM, ("169.254.169.254", 80)))]


def udp(inputs):
    def send():
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as found:
            return found.sendto(b"x", ("127.0.0.1", inputs["udp_port"]))

    return [attempt("sendto", send)]


def families(inputs):
    wanted = {
        "inet6": 10,
        "packet": 17,
        "netlink": 16,
        "vsock": 40,
        "alg": 38,
        "bluetooth": 31,
        "can": 29,
        "xdp": 44,
        "tipc": 30,
        "key": 15,
        "rds": 21,
        "smc": 43,
        "qrtr": 42,
        "nfc": 39,
    }
    return [attempt(name, lambda n=number: os.close(call("socket", n, 3, 0))) for name, number in wanted.items()]


def raw(inputs):
    return [
        attempt("raw", lambda: os.close(call("socket", socket.AF_INET, socket.SOCK_RAW, 1))),
        attempt("ping", lambda: os.close(call("socket", socket.AF_INET, socket.SOCK_DGRAM, 1))),
    ]


def unix_path(inputs):
    return [attempt("connect", lambda: _connect(socket.AF_UNIX, socket.SOCK_STREAM, inputs["unix_path"]))]


def unix_abstract(inputs):
    return [attempt("connect", lambda: _connect(socket.AF_UNIX, socket.SOCK_STREAM, inputs["unix_abstract"]))]


def unix_datagram_from_pair(inputs):
    """A datagram socket of a pair may be pointed at another address by sendto and connect."""
    mine, other = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
    with mine, other:
        return [
            attempt("sendto", lambda: mine.sendto(b"x", inputs["unix_datagram"])),
            attempt("connect", lambda: mine.connect(inputs["unix_datagram"])),
            attempt("bind", lambda: mine.bind("\0enemy")),
        ]


def pairs_of_other_families(inputs):
    return [
        attempt(name, lambda n=number: call("socketpair", n, 1, 0, b"\0" * 8))
        for name, number in {"inet": 2, "tipc": 30, "netlink": 16}.items()
    ]


def names(inputs):
    return [attempt("getaddrinfo", lambda: socket.getaddrinfo("localhost.example.org", 80))]


def listen(inputs):
    def serve():
        with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as found:
            found.bind(("127.0.0.1", 0))
            found.listen()
            return "listens"

    return [
        attempt("listen", serve),
        attempt("listen on the channel", lambda: call("listen", 3, 1)),
        attempt("accept on the channel", lambda: call("accept4", 3, None, None, 0)),
    ]


def proxy(inputs):
    def fetch():
        opener = urllib.request.build_opener(
            urllib.request.ProxyHandler({"http": f"http://127.0.0.1:{inputs['tcp_port']}"})
        )
        return opener.open("http://example.org/", timeout=1).status

    return [attempt("urllib", fetch)]


def send_descriptors(inputs):
    channel = socket.socket(fileno=os.dup(3))
    rights = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [1] * 20))]
    with channel:
        return [attempt("sendmsg", lambda: channel.sendmsg([b"x"], rights))]


def send_many(inputs):
    return [attempt("sendmmsg", lambda: call("sendmmsg", 3, b"\0" * 64, 1, 0))]


def socket_options(inputs):
    """Options that reach beyond the own socket."""
    with socket.socket(fileno=os.dup(3)) as channel:
        return [
            attempt("SO_PASSCRED", lambda: channel.setsockopt(socket.SOL_SOCKET, 16, 1)),
            attempt("SO_SNDBUFFORCE", lambda: channel.setsockopt(socket.SOL_SOCKET, 32, 1 << 30)),
            attempt("SO_ATTACH_FILTER", lambda: channel.setsockopt(socket.SOL_SOCKET, 26, b"\0" * 16)),
            attempt("SO_PEERPIDFD", lambda: channel.getsockopt(socket.SOL_SOCKET, 77)),
            attempt("SO_PEERCRED", lambda: channel.getsockopt(socket.SOL_SOCKET, 17, 12)),
        ]


def works(inputs):
    """What asyncio needs."""
    one, other = socket.socketpair()
    with one, other:
        one.sendall(b"x")
        received = other.recv(1)

    async def double():
        await asyncio.sleep(0)
        return await asyncio.get_running_loop().run_in_executor(None, lambda: 21 * 2)

    return [received, asyncio.run(double())]


def ask_broker(inputs):
    from platform_base.plugins.base import get_context

    return repr(get_context().connect(inputs["host"], inputs["port"]))
