"""`platform-base pack`: a plugin as one file, the same bytes wherever it is packed, without secrets."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from platform_base.cli.amounts import write_count
from platform_base.cli.errors import FAILED, UsageError
from platform_base.cli.options import ConfigOption, JsonOption

if TYPE_CHECKING:
    from platform_base.plugins.packing.archive import Parcel
    from platform_base.plugins.packing.credentials import Finding


def pack_plugin(
    directory: Annotated[Path, typer.Argument(metavar="DIR", help="The plugin's directory, with manifest.json.")],
    out: Annotated[
        Path | None,
        typer.Option(
            "--out", "-o", metavar="FILE", help="The archive, or a directory for it; default: ID-VERSION.pbplugin."
        ),
    ] = None,
    allow_secret: Annotated[
        list[str] | None,
        typer.Option(
            "--allow-secret", metavar="NAME", help="Pack this one file whatever it looks like; may be repeated."
        ),
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Check and list, but write nothing.")] = False,
    force: Annotated[bool, typer.Option("--force", help="Overwrite an archive that exists.")] = False,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Check a plugin, and put its files into one archive.

    Example: platform-base pack plugins/my_plugin --out dist/
    """
    from platform_base.cli import render
    from platform_base.cli.plugin_directory import check_directory
    from platform_base.cli.result_files import replace_file
    from platform_base.plugins.packing.archive import Parcel, compute_sha256

    check_directory(directory, "a plugin's directory")
    parcel = Parcel(directory)
    refused = _find_refused(parcel, allow_secret or ())
    described = _describe(parcel, refused)
    if refused:
        _print_refusal(described, refused, as_json=as_json)
        raise typer.Exit(FAILED)
    path = _choose_path(parcel, out, force=force or dry_run)
    described["self_tests"] = _validate(parcel, config)
    if not dry_run:
        replace_file(path, parcel.write)
        described |= {
            "packed": True,
            "archive": str(path),
            "bytes": path.stat().st_size,
            "sha256": compute_sha256(path),
        }
    if as_json:
        render.print_json(described)
        return
    _print_listing(parcel)
    _print_outcome(described)


def _find_refused(parcel: Parcel, allowed: Collection[str]) -> list[Finding]:
    names = {each.name for each in parcel.files}
    for name in allowed:
        if name not in names:
            raise UsageError(
                f"--allow-secret {name}: expected the name of a file that is packed, as it is listed; see --dry-run"
            )
    return [finding for finding in parcel.findings if finding.file not in allowed]


def _choose_path(parcel: Parcel, out: Path | None, *, force: bool) -> Path:
    from platform_base.cli.result_files import check_output
    from platform_base.plugins.packing.archive import SUFFIX

    path = out if out is not None else Path()
    if path.is_dir():
        path = path / parcel.file_name
    if path.resolve().is_relative_to(parcel.directory):
        raise UsageError(
            f"{path}: expected a place outside of the plugin, where the next pack does not find it; use --out"
        )
    check_output(path, (SUFFIX,), force=force)
    return path


def _validate(parcel: Parcel, config: Path | None) -> int:
    """Load the plugin in a confined worker and carry out its self-tests; return how many passed."""
    from platform_base.plugins.registry import PluginRegistry

    with PluginRegistry(config) as registry:
        registry.discover_plugins(parcel.directory)
        registry.load_plugin(parcel.plugin_id, parcel.version)
        return len(registry.get_manifest(parcel.plugin_id).self_test)


def _describe(parcel: Parcel, refused: list[Finding]) -> dict[str, Any]:
    return {
        "packed": False,
        "archive": None,
        "bytes": None,
        "sha256": None,
        "plugin": parcel.plugin_id,
        "version": parcel.version,
        "digest": parcel.digest,
        "self_tests": None,
        "files": [{"name": each.name, "bytes": each.bytes} for each in parcel.files],
        "secrets": [
            {
                "file": each.file,
                "line": each.line,
                "kind": each.kind,
                "shown": each.shown,
                "allowed": each not in refused,
            }
            for each in parcel.findings
        ],
    }


def _print_refusal(described: dict[str, Any], refused: list[Finding], *, as_json: bool) -> None:
    from platform_base.cli import render

    if as_json:
        render.print_json(described)
        return
    print(f"{described['plugin']} {described['version']} is NOT packed: it holds what looks like secrets")
    for each in refused:
        place = f"{each.file}:{each.line}" if each.line else each.file
        print(render.visible(f"  {place}  {each.kind}: {each.shown}"))
    names = " ".join(dict.fromkeys(f"--allow-secret {each.file}" for each in refused))
    print(render.visible(f"Take them out, and make them invalid if they were ever shared. If it is none: {names}"))


def _print_listing(parcel: Parcel) -> None:
    from platform_base.cli import render

    sizes = [f"{each.bytes:,}" for each in parcel.files]
    width = max(map(len, sizes), default=0)
    for size, each in zip(sizes, parcel.files, strict=True):
        print(f"{size:>{width}}  {render.visible(each.name)}")
    print()


def _print_outcome(described: dict[str, Any]) -> None:
    from platform_base.cli import render

    total = sum(each["bytes"] for each in described["files"])
    count = described["self_tests"]
    tested = f"{write_count(count, 'self-test')} passed" if count else "it has no self-test"
    facts = {
        "plugin": f"{described['plugin']} {described['version']}",
        "files": f"{len(described['files'])}, {total:,} bytes",
        "checked": f"loads in a confined process; {tested}",
        "digest": described["digest"],
    }
    allowed = sorted({each["file"] for each in described["secrets"]})
    if allowed:
        facts["allowed"] = f"{', '.join(allowed)}, in spite of what looks like secrets"
    if described["packed"]:
        facts |= {"packed": f"{described['archive']}, {described['bytes']:,} bytes", "sha256": described["sha256"]}
    else:
        facts["packed"] = "nothing: --dry-run"
    render.print_facts(facts)
