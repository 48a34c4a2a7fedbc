"""Making workers: snapshot, recipe, warden, fork; everything that happens before a worker can be given a call."""

from __future__ import annotations

import hashlib
import importlib.metadata
import logging
import os
import re
import tempfile
import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import msgspec

from platform_base.plugins._catalog.environments import Environment, Environments
from platform_base.plugins._catalog.release import Release
from platform_base.plugins._catalog.store import ReleaseStore
from platform_base.plugins._engines.base import Deployment, StartListener
from platform_base.plugins._host.leases import Leases
from platform_base.plugins._host.output import OutputListener
from platform_base.plugins._host.warden import WARDEN_ENVIRONMENT, WardenClient, WardenLostError
from platform_base.plugins._host.worker import Recipe, Worker, start_worker
from platform_base.plugins._sandbox.grant import common_read_paths, derive_policy, named_paths
from platform_base.plugins._sandbox.identity import choose_group
from platform_base.plugins._sandbox.policy import Policy
from platform_base.plugins._sandbox.scratch import wipe
from platform_base.plugins._wire.messages import Load
from platform_base.plugins._worker.kernel_cache import READY_KERNELS
from platform_base.plugins.errors import RegistryClosedError
from platform_base.plugins.settings import Settings

logger = logging.getLogger(__name__)

_ATTEMPTS = 2
"""How often a worker is asked for when the warden itself has died meanwhile."""


class Workshop:
    """Makes the workers of every deployment; owns the wardens that fork them. Thread-safe.

    There are two wardens only where the settings keep some plugins out of the namespaces that others run in, one more
    for each environment, and one that has imported Numba, for releases that have compiled kernels before.
    """

    def __init__(
        self,
        settings: Settings,
        store: ReleaseStore,
        leases: Leases,
        on_start: StartListener,
        on_output: OutputListener | None,
        amend: Callable[[Policy], Policy],
    ) -> None:
        """Begin without any process; the arguments are those of `LocalEngine`."""
        self._settings = settings
        self._leases = leases
        self._on_start = on_start
        self._on_output = on_output
        self._amend = amend
        self._store = store
        # Without links: workers are given what was there when their policy was derived, not what a name leads to later.
        self._releases = store.root.resolve()
        self._kernels = self._releases.parent / "kernels"
        self._vintage = _stamp_kernels()
        self._changed = threading.Lock()
        self._environments = Environments(store.root.parent)
        self._wardens: dict[tuple[bool, str, bool], tuple[WardenClient, Path]] = {}
        self._runtimes: list[Path] = []
        self._recipes: dict[tuple[str, ...], Recipe] = {}
        self._closed = False

    def start(self, deployment: Deployment) -> Worker:
        """Start a worker that has loaded its plugin.

        Raises:
            PluginLoadError: Its code did not load.
            SandboxUnavailableError: A protection cannot be given.
            RegistryClosedError: The workshop is closed.
        """
        recipe = self.recipe(deployment)
        namespaces = recipe.policy.enabled and recipe.policy.namespaces != "off"
        for attempt in range(1, _ATTEMPTS + 1):
            warden, runtime = self._ensure_warden(
                deployment.environment, namespaces=namespaces, kernels=_has_kernels(deployment, recipe)
            )
            try:
                worker = start_worker(warden, recipe, runtime, self._leases)
                worker.connection.output.plugin_id = deployment.release.plugin_id
                worker.connection.output.listener = self._on_output
                self._remember_scan(deployment, recipe)
                self._on_start(deployment.release.plugin_id, worker.load_seconds)
                return worker
            except WardenLostError:
                if attempt == _ATTEMPTS:
                    raise
                logger.warning("the warden process ended unexpectedly; another one is started")
        raise AssertionError("unreachable: every attempt returns or raises")

    def _remember_scan(self, deployment: Deployment, recipe: Recipe) -> None:
        """Let later workers of this release under these settings skip the check of the sources' imports.

        That this one has loaded is proof enough: a worker runs no plugin code before the check has passed.
        """
        if recipe.load.scan:
            with self._changed:
                self._recipes[deployment.key] = replace(recipe, load=msgspec.structs.replace(recipe.load, scan=False))

    def _ensure_warden(
        self, environment: Environment | None, *, namespaces: bool, kernels: bool
    ) -> tuple[WardenClient, Path]:
        place = (namespaces, environment.key if environment is not None else "", kernels)
        with self._changed:
            if self._closed:
                raise RegistryClosedError("the registry is closed")
            known = self._wardens.get(place)
            if known is not None and not known[0].alive:
                known[0].close()
                known = None
            if known is None:
                known = self._wardens[place] = self._start_warden(environment, namespaces=namespaces, kernels=kernels)
            return known

    def _start_warden(
        self, environment: Environment | None, *, namespaces: bool, kernels: bool
    ) -> tuple[WardenClient, Path]:
        # The warden of before removes its directory when it ends, so each has one of its own.
        runtime = Path(tempfile.mkdtemp(prefix="platform_base-")).resolve()
        runtime.chmod(0o711)
        self._runtimes.append(runtime)
        self._kernels.mkdir(mode=0o755, parents=True, exist_ok=True)
        # What a plugin requires must not run in the warden, which is not confined.
        preload = self._settings.workers.preload if environment is None else ()
        ready = (READY_KERNELS,) if kernels else ()
        own = (str(environment.directory.resolve()),) if environment is not None else ()
        warden = WardenClient(
            preload=("numpy", "numpy.random", *preload, *ready),
            runtime=runtime,
            namespaces=namespaces,
            import_from=environment.warden_path if environment is not None else None,
            roots=(*common_read_paths(), *own),
            shelves=(str(self._releases), str(self._kernels), *named_paths(self._settings)),
        )
        for module, reason in warden.skipped.items():
            logger.warning("workers.preload: %s could not be imported: %s", module, reason)
        for name, reason in warden.missing.items():
            logger.debug("this system does not give %s: %s", name, reason)
        return warden, runtime

    def recipe(self, deployment: Deployment) -> Recipe:
        """Return what is needed to start a worker, making the snapshot of the release the first time.

        Raises:
            PluginLoadError: The plugin asks for more than the settings give.
        """
        with self._changed:
            known = self._recipes.get(deployment.key)
        if known is not None:
            return known
        release, manifest = deployment.release, deployment.release.manifest
        snapshot = self._store.snapshot(release).resolve()
        group = choose_group(release.digest)
        kernels = _make_kernel_cache(self._kernels, release, self._vintage, group)
        read: tuple[Path, ...] = (snapshot,)
        packages = ""
        if deployment.environment is not None:
            self._environments.hold(deployment.environment)
            read, packages = (snapshot, deployment.environment.directory.resolve()), deployment.environment.site
        policy = derive_policy(deployment.security, manifest, read=read, write=(kernels,) if kernels else ())
        recipe = Recipe(
            load=Load(
                directory=str(snapshot),
                package=_package_name(release.directory),
                module=manifest.module_name,
                class_name=manifest.class_name,
                plugin_id=manifest.plugin_id,
                version=manifest.version,
                packages=packages,
                probe=deployment.probe,
            ),
            policy=self._amend(msgspec.structs.replace(policy, group=group, kernel_cache=str(kernels or ""))),
            environment=WARDEN_ENVIRONMENT,
            source=str(release.directory),
            load_timeout_s=deployment.workers.load_timeout,
        )
        with self._changed:
            self._recipes[deployment.key] = recipe
        return recipe

    def content(self, release: Release) -> Path:
        """Return the snapshot of a release; raises what `ReleaseStore.snapshot` does."""
        return self._store.snapshot(release)

    def forget(self, release: Release) -> None:
        """Forget how workers of a release are made, and let its snapshot be deleted."""
        with self._changed:
            identity = (release.plugin_id, release.version, release.digest)
            for key in [key for key in self._recipes if key[:3] == identity]:
                del self._recipes[key]
            shared = any(key[2] == release.digest for key in self._recipes)
        if not shared:
            self._store.release(release.digest)

    def close(self) -> None:
        """End the wardens, and with them every worker, and remove what they left."""
        with self._changed:
            self._closed = True
            for warden, _ in self._wardens.values():
                warden.close()
            self._wardens.clear()
            # A warden removes its directory when it ends, unless it was killed.
            while self._runtimes:
                wipe(self._runtimes.pop())
        self._store.close()
        self._environments.close()


def _has_kernels(deployment: Deployment, recipe: Recipe) -> bool:
    """Return whether workers of a release will look for compiled kernels, so that a warden with Numba pays.

    The release's cache says so, which its workers write: whatever they leave there, what is imported then is always
    the same module. In an environment Numba is what the manifest requires, and stays out of the warden.
    """
    place = recipe.policy.kernel_cache
    if deployment.environment is not None or not place:
        return False
    try:
        with os.scandir(place) as entries:
            return any(entries)
    except FileNotFoundError:
        return False  # deleted by hand; why no worker can start is said where one is


def _make_kernel_cache(root: Path, release: Release, vintage: str, group: int | None) -> Path | None:
    """Make the directory where the workers of one release keep compiled kernels; None where they cannot share one.

    Nobody but those workers ever reads it: what they leave there is code. They write nowhere above it, so they can put
    nothing else in its place.
    """
    if os.geteuid() == 0 and group is None:
        return None
    directory = root / release.digest.removeprefix("sha256:")
    _own(directory, group, 0o700 if group is None else 0o750)
    _own(directory / vintage, group, 0o700 if group is None else 0o2770)
    return directory / vintage


def _own(directory: Path, group: int | None, mode: int) -> None:
    """Make a directory, or make it one's own that is there already."""
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        if group is not None:
            os.fchown(descriptor, os.geteuid(), group)
        os.fchmod(descriptor, mode)
    finally:
        os.close(descriptor)


def _stamp_kernels() -> str:
    """Return a name that changes with what compiled kernels are made from, besides the release itself.

    Numba looks at the file of a function alone, not at those of the functions that were compiled into it; here that is
    the room of kernels. It tells processors apart by itself.
    """
    content = hashlib.sha256()
    for name in ("numba", "llvmlite", "numpy"):
        try:
            content.update(f"{name} {importlib.metadata.version(name)}\n".encode())
        except importlib.metadata.PackageNotFoundError:
            content.update(f"{name} missing\n".encode())
    for path in sorted((Path(__file__).parents[2] / "kernels").glob("*.py")):
        content.update(f"{path.name}\n".encode() + path.read_bytes())
    return content.hexdigest()[:16]


def _package_name(directory: Path) -> str:
    """Return the directory's name as a Python identifier."""
    name = re.sub(r"\W", "_", directory.name)
    return name if name.isidentifier() else f"_{name}"
