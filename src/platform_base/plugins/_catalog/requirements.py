"""Whether the distributions that a release requires are installed."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib.metadata import Distribution, PackageNotFoundError, distribution, packages_distributions

from packaging.requirements import InvalidRequirement, Requirement
from packaging.version import InvalidVersion

from platform_base.plugins.errors import MissingDependencyError

_SAFE_IN_DOUBLE_QUOTES = re.compile(r"[A-Za-z0-9 ._,;:<>=~@/\[\]()*+#-]+")
_KNOWN_IMPORT_NAMES = {
    "attr": "attrs",
    "bs4": "beautifulsoup4",
    "cv2": "opencv-python",
    "dateutil": "python-dateutil",
    "fitz": "PyMuPDF",
    "netcdf4": "netCDF4",
    "pil": "Pillow",
    "pywt": "PyWavelets",
    "serial": "pyserial",
    "skimage": "scikit-image",
    "sklearn": "scikit-learn",
    "yaml": "PyYAML",
    "zmq": "pyzmq",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Lack:
    requirement: Requirement
    found: str | None
    wanted_by: str = ""


def check_requirements(requires: Sequence[str], *, plugin_id: str) -> None:
    """Compare a manifest's ``requires`` with what is installed here.

    Args:
        requires: Requirements as in PEP 508. Those whose marker does not hold here are skipped; extras bring
            the requirements that they add; installed prereleases count. Of a requirement with a URL, only
            that the distribution is there.
        plugin_id: For messages.

    Raises:
        MissingDependencyError: Lists every requirement that is missing or has the wrong version, and the
            command that installs them.
    """
    lacks: list[_Lack] = []
    for text in requires:
        requirement = Requirement(text)
        if requirement.marker is None or requirement.marker.evaluate():
            lacks.extend(_lacks(requirement))
    if not lacks:
        return
    lines = [f"{plugin_id}: expected these distributions:"]
    lines += [f"  {_describe(lack)}" for lack in lacks]
    lines.append(f"install them with: {install_command([_bare(lack.requirement) for lack in lacks])}")
    raise MissingDependencyError(
        "\n".join(lines),
        missing=[_bare(lack.requirement) for lack in lacks if lack.found is None],
        conflicting=[_bare(lack.requirement) for lack in lacks if lack.found is not None],
    )


def install_command(requirements: Sequence[str]) -> str:
    """Return the command for a shell that installs the requirements.

    Example:
        >>> install_command(["scipy>=1.11", "numba"])
        'python -m pip install "scipy>=1.11" "numba"'
    """
    quoted = (
        # A manifest is not trusted: $(...) inside double quotes would run when somebody pastes the line.
        f'"{text}"' if _SAFE_IN_DOUBLE_QUOTES.fullmatch(text) else shlex.quote(text)
        for text in dict.fromkeys(requirements)
    )
    return f"python -m pip install {' '.join(quoted)}"


def _lacks(requirement: Requirement) -> Iterator[_Lack]:
    installed = _installed(requirement.name)
    if installed is None:
        yield _Lack(requirement=requirement, found=None)
        return
    if not _satisfied(requirement, installed):
        yield _Lack(requirement=requirement, found=installed.version or "unknown version")
    for extra in sorted(requirement.extras):
        for text in installed.requires or ():
            added = _added_by(text, extra)
            if added is None:
                continue
            present = _installed(added.name)
            if present is None or not _satisfied(added, present):
                found = (present.version or "unknown version") if present is not None else None
                yield _Lack(requirement=added, found=found, wanted_by=f"{requirement.name}[{extra}]")


def _installed(name: str) -> Distribution | None:
    try:
        return distribution(name)
    except (PackageNotFoundError, ValueError):
        return None


def _satisfied(requirement: Requirement, installed: Distribution) -> bool:
    if requirement.url is not None or not requirement.specifier:
        return True
    try:
        return requirement.specifier.contains(installed.version, prereleases=True)
    except (InvalidVersion, TypeError):  # broken metadata: a version that is none, or no version
        return False


def _added_by(text: str, extra: str) -> Requirement | None:
    """Return a distribution's requirement if it holds with the extra and not without."""
    try:
        requirement = Requirement(text)
    except InvalidRequirement:  # metadata of somebody else's old package
        return None
    marker = requirement.marker
    if marker is None or not marker.evaluate({"extra": extra}) or marker.evaluate({"extra": ""}):
        return None
    return requirement


def _bare(requirement: Requirement) -> str:
    copy = Requirement(str(requirement))
    copy.marker = None
    return str(copy)


def _describe(lack: _Lack) -> str:
    text = _bare(lack.requirement)
    text += f" (for {lack.wanted_by})" if lack.wanted_by else ""
    text += f", got {lack.found}" if lack.found is not None else ", got nothing of that name"
    other = _distribution_of(lack.requirement.name) if lack.found is None else None
    return f"{text}; {lack.requirement.name} is an import name: write {other} in requires" if other else text


def _distribution_of(import_name: str) -> str | None:
    """Return the distribution that a known import name belongs to, when the name is no distribution."""
    known = _KNOWN_IMPORT_NAMES.get(import_name.casefold())
    if known is not None:
        return known
    owners = packages_distributions().get(import_name, [])
    return owners[0] if owners else None
