"""The page over real plugins, asked as a browser asks."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

pytest.importorskip("starlette")

from starlette.testclient import TestClient

from platform_base.plugins.registry import PluginRegistry
from platform_base.web.application import make_application
from tests.conftest import OPEN_IMPORTS, REPOSITORY, eventually

TOKEN = "a-token-for-tests"
BASE = "http://127.0.0.1:8420"


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PluginRegistry]:
    path = tmp_path_factory.mktemp("history") / "runs.db"
    with PluginRegistry({**OPEN_IMPORTS, "history": {"enabled": True, "path": str(path)}}) as made:
        made.discover_plugins(REPOSITORY / "plugins")
        made.discover_plugins(Path(__file__).parent / "plugins")
        yield made


@pytest.fixture(scope="module")
def stranger(registry: PluginRegistry) -> Iterator[TestClient]:
    """Somebody without the token; one event loop for all requests of a module."""
    with TestClient(make_application(registry, token=TOKEN), base_url=BASE, follow_redirects=False) as client:
        yield client


class Reader:
    """Somebody who has opened the address that was printed, and sends forms as the page does."""

    def __init__(self, client: TestClient) -> None:
        self.client = client
        answer = client.get(f"/?token={TOKEN}")
        self.cookies = {"Cookie": answer.headers["set-cookie"].split(";")[0]}
        self.csrf = re.search(r'"X-CSRF-Token": "([0-9a-f]+)"', self.get("/").text)[1]

    def get(self, path: str, **headers: str):
        return self.client.get(path, headers={**self.cookies, **headers})

    def post(self, path: str, data=None, files=None, **headers: str):
        mark = "&" if "?" in path else "?"
        sent = {**self.cookies, "Origin": BASE, **headers}
        return self.client.post(f"{path}{mark}csrf={self.csrf}", data=data, files=files, headers=sent)

    def run(self, plugin_id: str, **fields):
        """Send the form of a plugin, wait for the end, and return the address of the run."""
        run = self.start(plugin_id, **fields)
        assert eventually(lambda: "state-running" not in self.get(run).text, seconds=90)
        return run

    def start(self, plugin_id: str, **fields):
        """Send the form of a plugin and return the address of the run, which may still work."""
        answer = self.post(f"/plugins/{plugin_id}/run", data=fields)
        assert answer.status_code == 303, answer.text
        return answer.headers["location"]

    def upload(self, name: str, content: bytes) -> str:
        """Upload a file and return its id."""
        answer = self.post("/uploads?plugin=plugin_template", files={"file": (name, content)})
        assert answer.status_code == 303, answer.text
        return re.search(r"upload=([0-9a-f]+)", answer.headers["location"])[1]


@pytest.fixture
def reader(stranger: TestClient) -> Reader:
    stranger.cookies.clear()
    made = Reader(stranger)
    stranger.cookies.clear()
    return made


@pytest.fixture(scope="session")
def elnino() -> bytes:
    return Path(REPOSITORY / "examples" / "data" / "elnino.csv").read_bytes()
