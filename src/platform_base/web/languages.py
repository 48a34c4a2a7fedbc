"""The words of the page, in each language that it speaks."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files

DEFAULT = "en"
NAMES = {"en": "English", "pt": "Português"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Language:
    """One language.

    Attributes:
        code: BCP 47 code, for ``lang``.
        words: Texts by key; ``{name}`` in them is filled in.
    """

    code: str
    words: Mapping[str, str]

    def say(self, key: str, **values: object) -> str:
        """Return a text.

        Raises:
            KeyError: There is none of that key, or a value is missing.
        """
        text = self.words[key]
        return text.format(**values) if values else text


def load_languages() -> dict[str, Language]:
    """Read the catalogues."""
    languages = {}
    for code, tag in (("en", "en"), ("pt", "pt-BR")):
        text = files("platform_base.web").joinpath(f"languages/{code}.toml").read_text(encoding="utf-8")
        words = {
            f"{section}.{key}": value
            for section, entries in tomllib.loads(text).items()
            for key, value in entries.items()
        }
        languages[code] = Language(code=tag, words=words)
    return languages


def choose_language(chosen: str | None, accepted: str, known: Mapping[str, Language]) -> str:
    """Return the code of the language to speak.

    Args:
        chosen: What the reader has switched to, if anything.
        accepted: The header ``Accept-Language`` (RFC 9110, 12.5.4).
        known: What there is.

    Example:
        >>> choose_language(None, "de, pt-BR;q=0.9, en;q=0.5", {"en": None, "pt": None})
        'pt'
    """
    if chosen in known:
        return str(chosen)
    wishes: list[tuple[float, int, str]] = []
    for place, part in enumerate(accepted.split(",")):
        tag, _, quality = part.strip().partition(";q=")
        try:
            weight = float(quality) if quality else 1.0
        except ValueError:
            continue
        wishes.append((-weight, place, tag.strip().casefold().partition("-")[0]))
    return next((tag for weight, _, tag in sorted(wishes) if weight < 0 and tag in known), DEFAULT)
