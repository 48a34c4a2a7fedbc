"""The command: it says where the page is, serves it, and leaves nothing behind."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import sys
import urllib.request
from http.cookiejar import CookieJar

import pytest

from tests.conftest import REPOSITORY, eventually

COMMAND = [sys.executable, "-m", "platform_base.cli.main", "web"]


def open_page(address: str) -> str:
    opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(CookieJar()))
    with opener.open(address, timeout=20) as answer:
        return answer.read().decode()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_address_that_is_printed_opens_the_page_and_a_signal_ends_it(number: signal.Signals) -> None:
    command = [*COMMAND, "--port", "0", "--json", "--plugins", str(REPOSITORY / "tests" / "web" / "plugins")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            address = json.loads("".join(iter(process.stdout.readline, "}\n")) + "}")["address"]
            assert address.startswith("http://127.0.0.1:")
            assert "hostile" in open_page(address)
            session = subprocess.run(
                ["ps", "-o", "pid=", "--ppid", str(process.pid)], capture_output=True, text=True, check=False
            ).stdout.split()
            process.send_signal(number)
            assert process.wait(timeout=20) == 0
            assert process.stderr is not None
            assert process.stderr.read() == ""
            assert eventually(lambda: not any(_is_there(pid) for pid in session))
        finally:
            process.kill()


def _is_there(pid: str) -> bool:
    return subprocess.run(["ps", "-p", pid], capture_output=True, check=False).returncode == 0


def test_a_port_that_is_taken_is_a_clear_error() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        finished = subprocess.run(
            [*COMMAND, "--port", str(port)], capture_output=True, text=True, timeout=60, check=False
        )
    assert finished.returncode == 2
    assert f"--port {port}: expected a port that is free" in finished.stderr
