"""The table of confinement backends, in the order in which a worker applies them."""

from __future__ import annotations

from platform_base.plugins._sandbox.base import Backend
from platform_base.plugins._sandbox.identity import Identity
from platform_base.plugins._sandbox.landlock import Landlock
from platform_base.plugins._sandbox.no_new_privs import NoNewPrivs
from platform_base.plugins._sandbox.rlimits import Rlimits
from platform_base.plugins._sandbox.seccomp import Seccomp

BACKENDS: tuple[Backend, ...] = (Rlimits(), Identity(), NoNewPrivs(), Landlock(), Seccomp())
"""Limits and identity need rights that the later ones take away; seccomp takes away all, so it is last."""
