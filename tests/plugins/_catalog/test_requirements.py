"""Requirements against what is installed in this environment."""

from __future__ import annotations

import shlex
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import pytest

from platform_base.plugins._catalog.requirements import check_requirements, install_command
from platform_base.plugins.errors import MissingDependencyError


def refusal(*requires: str) -> MissingDependencyError:
    with pytest.raises(MissingDependencyError) as caught:
        check_requirements(requires, plugin_id="p")
    return caught.value


@pytest.mark.parametrize(
    "requirement",
    [
        "numpy",
        "NumPy>=1.0",
        f"numpy=={version('numpy')}",
        "no-such-distribution-here; python_version < '3'",
        "numpy[no-such-extra]",
        "numpy @ https://example.org/numpy.whl",
        "platform-base",
    ],
)
def test_satisfied(requirement: str) -> None:
    assert check_requirements([requirement], plugin_id="p") is None


def test_every_missing_and_conflicting_one_and_the_command() -> None:
    error = refusal("numpy", "no-such-distribution-here>=1", "numpy>=999", "another-missing-one; python_version > '3'")

    assert error.missing == ("no-such-distribution-here>=1", "another-missing-one")
    assert error.conflicting == ("numpy>=999",)
    assert f"numpy>=999, got {version('numpy')}" in str(error)
    quoted = '"no-such-distribution-here>=1" "numpy>=999" "another-missing-one"'
    assert str(error).endswith(f"install them with: python -m pip install {quoted}")


@pytest.mark.parametrize(
    ("import_name", "distribution"),
    [("cv2", "opencv-python"), ("skimage", "scikit-image"), ("mypyc", "mypy")],
)
def test_import_name_instead_of_a_distribution(import_name: str, distribution: str) -> None:
    assert f"{import_name} is an import name: write {distribution} in requires" in str(refusal(import_name))


def make_distribution(site: Path, name: str, release: str, *requires: str) -> None:
    metadata = site / f"{name}-{release}.dist-info"
    metadata.mkdir(parents=True)
    lines = ["Metadata-Version: 2.1", f"Name: {name}", f"Version: {release}", "Provides-Extra: fast"]
    lines += [f"Requires-Dist: {each}" for each in requires]
    (metadata / "METADATA").write_text("\n".join(lines) + "\n")


@pytest.mark.parametrize(
    ("requirement", "expected"),
    [
        ("madeup>=1.0", ""),
        ("madeup>=2.0", "madeup>=2.0, got 2.0rc1"),
        ("madeup[fast]", "missing-extra-part>1 (for madeup[fast]), got nothing of that name"),
        ("madeup[slow]", ""),
        ("strange", ""),
        ("strange>1", "strange>1, got not a version"),
    ],
)
def test_prereleases_extras_and_broken_metadata(tmp_path: Path, requirement: str, expected: str) -> None:
    make_distribution(tmp_path, "madeup", "2.0rc1", "missing-extra-part>1; extra == 'fast'", "missing-always")
    make_distribution(tmp_path, "strange", "not a version")
    program = f"""
import sys
sys.path.insert(0, {str(tmp_path)!r})
from platform_base.plugins._catalog.requirements import check_requirements
from platform_base.plugins.errors import MissingDependencyError
try:
    check_requirements([{requirement!r}], plugin_id="p")
except MissingDependencyError as error:
    print(error)
"""
    result = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)

    assert (expected in result.stdout) if expected else (result.stdout == "")


@pytest.mark.parametrize(
    "hostile", ["x @ https://e.org/$(id)", "x @ https://e.org/`id`", 'x @ https://e.org/"', "x!=1"]
)
def test_command_is_safe_to_paste(hostile: str) -> None:
    command = install_command(["scipy>=1.11", hostile])
    result = subprocess.run(
        ["bash", "-c", command.replace("python -m pip install", "printf '%s\\n'")],
        capture_output=True,
        text=True,
        check=True,
    )

    assert result.stdout.splitlines() == ["scipy>=1.11", hostile]
    assert shlex.split(command)[4:] == ["scipy>=1.11", hostile]
