"""Finding what should never be published: keys, tokens and passwords, by name, by shape, and by what they are called.

A net against mistakes, not against malice: whoever wants to hide a password can.
"""

from __future__ import annotations

import codecs
import fnmatch
import math
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice

_NAMES = (
    *(".env", ".env.*", ".netrc", ".pypirc", ".npmrc", ".git-credentials", ".htpasswd", ".dockercfg", ".pgpass"),
    *(
        "id_rsa",
        "id_dsa",
        "id_ecdsa",
        "id_ed25519",
        "*.key",
        "*.ppk",
        "*.p12",
        "*.pfx",
        "*.jks",
        "*.keystore",
        "*.kdbx",
    ),
    *("credentials", "credentials.json", "service[-_]account*.json", "secrets.json", "secrets.y*ml", "secrets.toml"),
)
_HARMLESS_NAMES = (".env.example", ".env.sample", ".env.template")

_SHAPES = (
    ("private key", rb"-----BEGIN (?:[A-Z0-9]{1,20} ){0,3}PRIVATE KEY(?: BLOCK)?-----"),
    ("AWS access key", rb"\b(?:AKIA|ASIA)[A-Z2-7]{16}\b"),
    ("GitHub token", rb"\b(?:gh[pousr]_[A-Za-z0-9]{36,255}|github_pat_[A-Za-z0-9_]{60,255})"),
    ("GitLab token", rb"\bgl(?:pat|ptt|rt)-[A-Za-z0-9_-]{20,100}"),
    ("Slack token", rb"\bxox[abeoprs]-[A-Za-z0-9-]{10,200}"),
    ("Slack webhook", rb"hooks\.slack\.com/services/T[A-Z0-9]{6,20}/B[A-Z0-9]{6,20}/[A-Za-z0-9]{16,40}"),
    ("Google API key", rb"\bAIza[A-Za-z0-9_-]{35}"),
    ("Stripe key", rb"\b[rs]k_live_[A-Za-z0-9]{16,200}"),
    ("PyPI token", rb"\bpypi-AgE[A-Za-z0-9_-]{50,400}"),
    ("npm token", rb"\bnpm_[A-Za-z0-9]{36}\b"),
    ("Hugging Face token", rb"\bhf_[A-Za-z0-9]{30,60}\b"),
    ("OpenAI or Anthropic key", rb"\bsk-(?:ant-|proj-)?[A-Za-z0-9_-]{32,250}"),
    ("SendGrid key", rb"\bSG\.[A-Za-z0-9_-]{16,40}\.[A-Za-z0-9_-]{30,60}"),
    ("JSON web token", rb"\beyJ[A-Za-z0-9_-]{10,2000}\.eyJ[A-Za-z0-9_-]{10,2000}\.[A-Za-z0-9_-]{10,1000}"),
    (
        "password in an address",
        rb"\b[a-z][a-z0-9+.-]{1,20}://[^\s:/@'\"<>{}$]{1,60}:[^\s:/@'\"<>{}$]{3,80}@[A-Za-z0-9]",
    ),
)
_ASSIGNED = re.compile(
    rb"""(?P<name>passw(?:or)?d|passphrase|secret|token|api_?-?key|access_?-?key|auth_?-?key|private_?-?key|credential)"""
    rb"""[\w.-]{0,30}["']?[ \t]{0,8}(?:=|:|=>)[ \t]{0,8}(?P<quote>["']?)(?P<value>[!-&(-~]{12,200})(?P=quote)""",
    re.IGNORECASE,
)
_PLACEHOLDER = re.compile(
    rb"example|changeme|change_me|dummy|placeholder|redacted|xxxx|\*\*\*|your|<|\$\{|\{\{|%\(", re.IGNORECASE
)
_PROSE = (".ini", ".cfg", ".yaml", ".yml", ".toml", ".properties", ".conf", ".txt", ".sh", ".env")
"""Endings of files where values stand without quotes."""
_UTF_16_MARKS = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
_MOST_OF_A_KIND = 20
_MOST_ASSIGNED = 2_000
_LEAST_ENTROPY = 3.5
"""Bits per character: words and repeated characters have less, random letters and digits more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """Something that looks like a secret.

    Attributes:
        file: Relative to the plugin's directory, with ``/``.
        line: From 1; 0: the file as a whole.
        kind: What it looks like.
        shown: Its beginning, and how long it is; never all of it.
    """

    file: str
    line: int
    kind: str
    shown: str


def find_credentials(name: str, content: bytes) -> Iterator[Finding]:
    """Yield what looks like a secret in one file.

    Args:
        name: Of the file, relative, with ``/``.
        content: All of it.
    """
    content = _as_utf8(content)
    last = name.rpartition("/")[2]
    if last.lower() not in _HARMLESS_NAMES and any(fnmatch.fnmatchcase(last.lower(), each) for each in _NAMES):
        yield Finding(file=name, line=0, kind="a file for secrets, by its name", shown=last)
    seen: set[int] = set()
    for kind, shape in _SHAPES:
        for match in islice(re.finditer(shape, content), _MOST_OF_A_KIND):
            line = _line(content, match.start())
            seen.add(line)
            yield Finding(file=name, line=line, kind=kind, shown=_mask(match[0]))
    for match in islice(_ASSIGNED.finditer(content), _MOST_ASSIGNED):
        line = _line(content, match.start())
        if line not in seen and _is_random(match, last):
            seen.add(line)
            kind = f"a value called {match['name'].decode('ascii').lower()}"
            yield Finding(file=name, line=line, kind=kind, shown=_mask(match["value"]))


def _as_utf8(content: bytes) -> bytes:
    """Recode text in UTF-16, as shells and editors on Windows write it, and leave everything else as it is."""
    if content.startswith(_UTF_16_MARKS):
        return content.decode("utf-16", "replace").encode("utf-8", "replace")
    return content


def entropy(value: bytes) -> float:
    """Return Shannon's entropy of the characters of a text, bits per character.

    Example:
        >>> entropy(b"aabb"), entropy(b"aaaa")
        (1.0, 0.0)
    """
    return abs(sum(count / len(value) * math.log2(count / len(value)) for count in Counter(value).values()))


def _is_random(match: re.Match[bytes], file_name: str) -> bool:
    value = match["value"]
    if not match["quote"] and not file_name.lower().endswith(_PROSE):
        return False  # code: what stands there is an expression
    mixed = re.search(rb"[0-9]", value) and re.search(rb"[A-Za-z]", value)
    return bool(mixed) and not _PLACEHOLDER.search(value) and entropy(value) >= _LEAST_ENTROPY


def _line(content: bytes, at: int) -> int:
    return content.count(b"\n", 0, at) + 1


def _mask(value: bytes) -> str:
    text = value.decode("ascii", "replace")
    return f"{text[:4]}... ({len(text)} characters)"
