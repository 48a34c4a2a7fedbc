"""The table of peers: one line for each, with what must be installed for it."""

from __future__ import annotations

import importlib
import importlib.metadata
from dataclasses import dataclass

from peers.base import Peer


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One row of the table.

    Attributes:
        module: Below `peers`.
        class_name: The adapter.
        distribution: What must be installed; empty: nothing.
        ours: Whether it is this project.
        shared: Whether inputs already lie in shared memory before the call: compared in the cases for that only.
    """

    module: str
    class_name: str
    distribution: str = ""
    ours: bool = False
    shared: bool = False

    @property
    def version(self) -> str | None:
        """The version that is installed; empty for the standard library, None where it is missing."""
        if not self.distribution:
            return ""
        try:
            return importlib.metadata.version(self.distribution)
        except importlib.metadata.PackageNotFoundError:
            return None

    def load(self) -> type[Peer]:
        """Import the adapter, and so the library."""
        adapter: type[Peer] = getattr(importlib.import_module(f"peers.{self.module}"), self.class_name)
        return adapter


OURS = "platform_base"
OURS_SHARED = "platform_base, empty()"
OURS_PRELOADED = "platform_base, SciPy and numba preloaded"
REFERENCE = "in process"

PEERS = {
    OURS: Entry(module="platform_base", class_name="PlatformBase", ours=True),
    OURS_SHARED: Entry(module="platform_base", class_name="SharedMemory", ours=True, shared=True),
    "platform_base, half a core": Entry(module="platform_base", class_name="DefaultShare", ours=True),
    OURS_PRELOADED: Entry(module="platform_base", class_name="Preloaded", ours=True),
    REFERENCE: Entry(module="in_process", class_name="InProcess"),
    "multiprocessing.Pool": Entry(module="mp_pool", class_name="MultiprocessingPool"),
    "ProcessPoolExecutor": Entry(module="process_pool", class_name="ProcessPool"),
    "loky": Entry(module="loky_executor", class_name="Loky", distribution="loky"),
    "Pebble": Entry(module="pebble_pool", class_name="Pebble", distribution="pebble"),
    "joblib": Entry(module="joblib_parallel", class_name="Joblib", distribution="joblib"),
    "MPIRE": Entry(module="mpire_pool", class_name="Mpire", distribution="mpire"),
    "Appose": Entry(module="appose_service", class_name="Appose", distribution="appose"),
    "Appose, kept arrays": Entry(module="appose_service", class_name="KeptArrays", distribution="appose", shared=True),
    "Ray": Entry(module="ray_tasks", class_name="Ray", distribution="ray"),
    "Ray, stored inputs": Entry(module="ray_tasks", class_name="StoredInputs", distribution="ray", shared=True),
    "Dask distributed": Entry(module="dask_cluster", class_name="Dask", distribution="distributed"),
}
