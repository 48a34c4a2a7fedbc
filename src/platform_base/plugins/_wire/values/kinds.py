"""The table of everything that can cross: to add a kind, write its module and name it here."""

from __future__ import annotations

from types import MappingProxyType

from platform_base.plugins._wire.values.arrays import ARRAYS
from platform_base.plugins._wire.values.containers import CONTAINERS
from platform_base.plugins._wire.values.frames import FRAMES
from platform_base.plugins._wire.values.masked import MASKED
from platform_base.plugins._wire.values.scalars import SCALARS
from platform_base.plugins._wire.values.tables import TABLES
from platform_base.plugins._wire.values.temporal import TEMPORAL

KINDS = (*SCALARS, *CONTAINERS, *TEMPORAL, *ARRAYS, *MASKED, *TABLES, *FRAMES)

BY_TYPE = MappingProxyType({kind_of: kind for kind in KINDS for kind_of in kind.types})
BY_NAME = MappingProxyType({name: kind for kind in KINDS for name in kind.foreign})
BY_CODE = MappingProxyType({kind.code: kind for kind in KINDS if kind.code is not None})
NESTED = frozenset(kind.code for kind in KINDS if kind.nested and kind.code is not None)
