"""The elastic distances by the name under which callers ask for them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from typing import Any

from .adtw import Adtw
from .distance import ElasticDistance
from .edr import Edr
from .erp import Erp
from .lcss import Lcss
from .msm import Msm
from .twed import Twed
from .wdtw import Wdtw

DISTANCES: Mapping[str, type[ElasticDistance]] = {
    "twed": Twed,
    "erp": Erp,
    "edr": Edr,
    "lcss": Lcss,
    "msm": Msm,
    "wdtw": Wdtw,
    "adtw": Adtw,
}

# `lambda` is a reserved word in Python.
_ARGUMENTS = {"lambda": "lmbda"}


def make_distance(name: str, parameters: Mapping[str, Any]) -> ElasticDistance:
    """Return a distance with its parameters.

    Args:
        name: A key of `DISTANCES`.
        parameters: By the names of the manifest. ``None`` stands for the default, and so does a parameter of another
            distance that has its own default value, as where all defaults have been filled in.

    Raises:
        ValueError: If there is no such distance, or it has no such parameter, or the value is out of range.
        TypeError: If a value is no number.
    """
    if name not in DISTANCES:
        raise ValueError(f"distance: expected one of {', '.join(DISTANCES)}, got {name!r}")
    given = {_ARGUMENTS.get(key, key): value for key, value in parameters.items() if value is not None}
    own = _list_defaults(DISTANCES[name])
    for key in [key for key in given if key not in own]:
        _refuse_foreign(name, key, given.pop(key))
    return DISTANCES[name](**given)


def _list_defaults(kind: type[ElasticDistance]) -> dict[str, Any]:
    return {field.name: field.default for field in fields(kind)}  # type: ignore[arg-type]


def _refuse_foreign(name: str, key: str, value: Any) -> None:
    owners = {other: _list_defaults(kind)[key] for other, kind in DISTANCES.items() if key in _list_defaults(kind)}
    shown = next((public for public, argument in _ARGUMENTS.items() if argument == key), key)
    if not owners:
        raise ValueError(f"{shown}: no such parameter; {name} has {', '.join(_list_defaults(DISTANCES[name]))}")
    if value not in owners.values():
        raise ValueError(f"{shown}: is a parameter of {', '.join(owners)}, not of {name}, got {value}; leave it out")
