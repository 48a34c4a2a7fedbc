"""The command: it says where the page is, serves it, and leaves nothing behind."""

from __future__ import annotations

import json
import re
import signal
import socket
import subprocess
import sys
import urllib.parse
import urllib.request
from http.cookiejar import CookieJar
from pathlib import Path

import pytest

from tests.conftest import REPOSITORY, eventually

COMMAND = [sys.executable, "-m", "platform_base.cli.main", "web"]


@pytest.fixture
def command(tmp_path: Path) -> list[str]:
    """The command with a history of its own."""
    settings = tmp_path / "plugins.yaml"
    settings.write_text(f"history: {{enabled: true, path: {tmp_path}/runs.db}}\n")
    plugins = REPOSITORY / "tests" / "web" / "plugins"
    return [*COMMAND, "--port", "0", "--json", "--plugins", str(plugins), "--config", str(settings)]


def open_page(address: str) -> str:
    opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(CookieJar()))
    with opener.open(address, timeout=20) as answer:
        return answer.read().decode()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_address_that_is_printed_opens_the_page_and_a_signal_ends_it(
    command: list[str], number: signal.Signals
) -> None:
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            address = json.loads("".join(iter(process.stdout.readline, "}\n")) + "}")["address"]
            assert address.startswith("http://127.0.0.1:")
            assert "hostile" in open_page(address)
            below = _descendants(process.pid)
            process.send_signal(number)
            assert process.wait(timeout=20) == 0
            assert process.stderr is not None
            assert process.stderr.read() == ""
            assert eventually(lambda: not any(map(_is_there, below)))
        finally:
            process.kill()


def test_a_run_that_is_under_way_ends_with_the_page(command: list[str]) -> None:
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            address = json.loads("".join(iter(process.stdout.readline, "}\n")) + "}")["address"]
            origin = address.partition("/?")[0]
            opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(CookieJar()))
            with opener.open(address, timeout=20) as answer:
                csrf = re.search(r'"X-CSRF-Token": "([0-9a-f]+)"', answer.read().decode())[1]
            form = urllib.parse.urlencode({"p.factor": "1", "p.act": "hang", "s.series": "example:0", "timeout": "300"})
            request = urllib.request.Request(
                f"{origin}/plugins/hostile/run?csrf={csrf}", data=form.encode(), headers={"Origin": origin}
            )
            with opener.open(request, timeout=60) as answer:
                assert "state-running" in answer.read().decode()
            below = _descendants(process.pid)
            assert below
            process.send_signal(signal.SIGINT)
            assert process.wait(timeout=30) == 0
            assert eventually(lambda: not any(map(_is_there, below)))
        finally:
            process.kill()


def _descendants(pid: int) -> list[str]:
    """Return the processes below one, as far as this process sees them."""
    tasks = list(Path(f"/proc/{pid}/task").iterdir())  # each thread has children of its own
    children = [child for task in tasks for child in (task / "children").read_text().split()]
    return [*children, *(each for child in children for each in _descendants(int(child)))]


def _is_there(pid: str) -> bool:
    return Path(f"/proc/{pid}").exists()


def test_a_port_that_is_taken_is_a_clear_error() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        finished = subprocess.run(
            [*COMMAND, "--port", str(port)], capture_output=True, text=True, timeout=60, check=False
        )
    assert finished.returncode == 2
    assert f"--port {port}: expected a port that is free" in finished.stderr
