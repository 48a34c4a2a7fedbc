"""The columns of a file as a form offers them: not more of them than anybody reads."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice

from platform_base.web.uploads import Upload

MAX_OFFERED = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class ColumnChoice:
    """What there is to tick.

    Attributes:
        offered: Names and shapes: what is chosen, then what matches, in the order of the file.
        chosen: Names of those that are ticked.
        find: A part of the name that was asked for; empty: none.
        matching: How many columns have it in their name.
        total: How many columns the file has.
    """

    offered: tuple[tuple[str, tuple[int, ...]], ...] = ()
    chosen: frozenset[str] = frozenset()
    find: str = ""
    matching: int = 0
    total: int = 0

    @property
    def is_searched(self) -> bool:
        """Whether there are more columns than are offered at once."""
        return self.total > MAX_OFFERED


def choose_from(upload: Upload | None, wanted: Sequence[str], find: str, place: int | None) -> ColumnChoice:
    """Return what to offer of a file.

    Args:
        upload: The file; None: there is none, and nothing to offer.
        wanted: Names that are ticked; those that the file does not have are left out. Without any, the column at
            `place` is ticked.
        find: Part of a name, in capitals or not.
        place: Of the input among those of the plugin; None: nothing is ticked but what is wanted.
    """
    if upload is None or not upload.columns:
        return ColumnChoice()
    names = list(upload.columns)
    chosen = dict.fromkeys(name for name in wanted if name in upload.columns)
    if not chosen and place is not None:
        chosen = {names[min(place, len(names) - 1)]: None}
    part = find.strip().casefold()
    matching = [name for name in names if part in name.casefold()]
    if len(names) <= MAX_OFFERED:
        offered = names
    else:
        others = (name for name in matching if name not in chosen)
        offered = [*chosen, *islice(others, max(0, MAX_OFFERED - len(chosen)))]
    return ColumnChoice(
        offered=tuple((name, upload.columns[name].shape) for name in offered),
        chosen=frozenset(chosen),
        find=find.strip(),
        matching=len(matching),
        total=len(names),
    )
