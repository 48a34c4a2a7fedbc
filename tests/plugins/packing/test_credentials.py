"""What looks like a secret is found; what a plugin is full of anyway is not."""

from __future__ import annotations

import math
from pathlib import Path

import pytest

from platform_base.plugins.packing.credentials import entropy, find_credentials

REPOSITORY = Path(__file__).parents[3]
RANDOM = "q9Xb2LsT7wZr4KpV8nYc1MdF6hJg3QaE5uRt"

#: Put together here, so that no scanner of repositories takes this file for a leak.
TOKENS = {
    "private key": "-----BEGIN " + "RSA PRIVATE KEY-----",
    "AWS access key": "AK" + "IAQ4XJ7LMNP2RSTUVW",
    "GitHub token": "gh" + f"p_{RANDOM}",
    "GitLab token": "gl" + f"pat-{RANDOM[:20]}",
    "Slack token": "xo" + f"xb-123456789012-{RANDOM[:24]}",
    "Google API key": "AI" + f"za{RANDOM[:35]}",
    "Stripe key": "sk" + f"_live_{RANDOM[:24]}",
    "PyPI token": "py" + f"pi-AgEIcHlwaS5vcmc{RANDOM * 2}",
    "npm token": "np" + f"m_{RANDOM}",
    "Hugging Face token": "h" + f"f_{RANDOM[:34]}",
    "OpenAI or Anthropic key": "sk" + f"-ant-{RANDOM}",
    "SendGrid key": "S" + f"G.{RANDOM[:22]}.{RANDOM}",
    "JSON web token": "ey" + f"J{RANDOM}.ey" + f"J{RANDOM}.{RANDOM}",
    "password in an address": "postgresql://me:" + f"{RANDOM[:9]}@db.internal/x",
}


def found(name: str, text: str) -> list[tuple[int, str]]:
    return [(each.line, each.kind) for each in find_credentials(name, text.encode())]


@pytest.mark.parametrize("kind", TOKENS)
@pytest.mark.parametrize("name", ["code.py", "README.md", "data.bin"])
def test_shapes(kind: str, name: str) -> None:
    token = TOKENS[kind]
    text = f"\x00\n# a line\nkeep = '{token}'\n"
    assert (3, kind) in found(name, text)
    (finding, *_) = [each for each in find_credentials(name, text.encode()) if each.kind == kind]
    assert token not in finding.shown
    assert finding.shown.startswith(token[:4])


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("code.py", f'API_KEY = "{RANDOM}"'),
        ("code.py", f"config = {{'db_password': '{RANDOM[:14]}'}}"),
        ("conf.yaml", f"auth:\n  client_secret: {RANDOM}"),
        ("conf.ini", f"token={RANDOM}"),
        ("data.json", f'{{"accessKey": "{RANDOM}"}}'),
    ],
)
def test_values_called_secrets(name: str, text: str) -> None:
    ((line, kind),) = found(name, text)
    assert line == len(text.splitlines())
    assert kind.startswith("a value called ")


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("code.py", "token = tokenizer.next_token_value1(Kx92ab)"),
        ("code.py", 'password = "your-password-goes-here-1"'),
        ("code.py", 'secret = "aaaaaaaaaaaaaaaaaaaaaaa1"'),
        ("code.py", 'token = "<paste your 32 characters>"'),
        ("code.py", 'key = "customers/orders/2024-01-01"'),
        ("conf.yaml", "password: ${DB_PASSWORD_2}"),
        ("README.md", "see https://example.org:8080/path@2x.png"),
        ("manifest.json", '"digest": "sha256:7bc9d574a841b76e3e41a8e236691e38f6a3e35158691bf9b6a726cc5cfc1e2a"'),
    ],
)
def test_what_is_none(name: str, text: str) -> None:
    assert found(name, text) == []


@pytest.mark.parametrize(
    "name", [".env", "deploy/.env.production", "id_ed25519", "keys/server.key", ".netrc", "credentials.json", "ID_RSA"]
)
def test_files_for_secrets(name: str) -> None:
    assert found(name, "") == [(0, "a file for secrets, by its name")]


@pytest.mark.parametrize("name", [".env.example", "keyboard.py", "environment.py", "monkey.npz", "secrets.py"])
def test_files_with_harmless_names(name: str) -> None:
    assert found(name, "") == []


def test_one_finding_for_each_line_of_a_kind() -> None:
    text = f"token = '{TOKENS['GitHub token']}'\n\n\npassword = '{RANDOM}'\n"
    assert found("code.py", text) == [(1, "GitHub token"), (4, "a value called password")]


def test_the_bundled_plugins_hold_none() -> None:
    for path in (REPOSITORY / "plugins").rglob("*"):
        if path.is_file() and "__pycache__" not in path.parts:
            assert list(find_credentials(path.name, path.read_bytes())) == [], path


def test_entropy() -> None:
    assert entropy(b"0123456789abcdef") == 4.0
    assert entropy(b"aaab") == pytest.approx(-(0.75 * math.log2(0.75) + 0.25 * math.log2(0.25)))


def test_hostile_content_takes_no_time_to_speak_of() -> None:
    """Patterns that go back and forth would need hours for these; the test's own time limit is the judge."""
    for piece in (
        b"token" * 200_000,
        b"a" * 1_000_000,
        b"eyJ" + b"a" * 500_000,
        b"password=" + b"'" * 500_000,
        b"x://" * 250_000,
    ):
        list(find_credentials("data.yaml", piece))


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be"])
def test_text_that_was_written_on_windows(encoding: str) -> None:
    content = f"\ufeff# keys\r\n{TOKENS['GitHub token']}\r\n".encode(encoding)
    assert [(each.line, each.kind) for each in find_credentials("notes.txt", content)] == [(2, "GitHub token")]
