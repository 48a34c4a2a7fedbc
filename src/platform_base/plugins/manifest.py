"""`manifest.json`: what a plugin says about itself, version 1.0 of the document."""

from __future__ import annotations

import keyword
import re
from pathlib import Path
from typing import Annotated, Any, Literal, Self, TypeAlias

import semver
from packaging.requirements import InvalidRequirement, Requirement
from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    ValidationError,
    ValidationInfo,
    field_validator,
)

from platform_base.plugins.declaration import Parameter
from platform_base.plugins.documents.document import show
from platform_base.plugins.documents.inside_path import InsidePath
from platform_base.plugins.documents.json_document import read_json
from platform_base.plugins.documents.model import (
    DocumentModel,
    Fault,
    fault,
    problems_in,
    without_annotations,
)
from platform_base.plugins.errors import ManifestError
from platform_base.plugins.permissions import Permissions
from platform_base.plugins.product import Product
from platform_base.plugins.self_test import SelfTest

__all__ = ["MANIFEST_NAME", "Documentation", "Manifest", "Parameter", "Permissions", "Product", "SelfTest"]

MANIFEST_NAME = "manifest.json"
PLUGIN_ID_PATTERN = "^[a-z][a-z0-9_]{0,63}$"
PARAMETER_NAME_PATTERN = "^[A-Za-z_][A-Za-z0-9_]{0,63}$"
ENTRY_POINT_PATTERN = r"^[A-Za-z_][A-Za-z0-9_]*(\.[A-Za-z_][A-Za-z0-9_]*)+$"
# semver.org, "Is there a suggested regular expression": the official one, in the syntax of JSON Schema.
VERSION_PATTERN = (
    r"^(0|[1-9][0-9]*)\.(0|[1-9][0-9]*)\.(0|[1-9][0-9]*)"
    r"(-(0|[1-9][0-9]*|[0-9]*[A-Za-z-][0-9A-Za-z-]*)(\.(0|[1-9][0-9]*|[0-9]*[A-Za-z-][0-9A-Za-z-]*))*)?"
    r"(\+[0-9A-Za-z-]+(\.[0-9A-Za-z-]+)*)?$"
)
_MAX_VERSION_LENGTH = 128
MAX_SELF_TESTS = 50


def check_plugin_id(value: str) -> str:
    """Return `value` when it is a plugin id; raises pydantic's custom error otherwise."""
    if re.fullmatch(PLUGIN_ID_PATTERN, value):
        return value
    better = re.sub(r"[^a-z0-9_]+", "_", value.casefold()).strip("_")
    hint = f"for example '{better}'" if re.fullmatch(PLUGIN_ID_PATTERN, better) else ""
    expected = "a lower-case letter, then at most 63 of a-z, 0-9 and _"
    raise fault(Fault(expected=expected, got=show(value), hint=hint))


def _check_version(value: str) -> str:
    try:
        if len(value) <= _MAX_VERSION_LENGTH:
            semver.Version.parse(value)
            return value
    except ValueError:
        numbers = value.removeprefix("v").split(".")
        padded = ".".join([*numbers, "0", "0"][:3])
        hint = f"write '{padded}'" if semver.Version.is_valid(padded) else "see https://semver.org"
        raise fault(Fault(expected="a semantic version x.y.z", got=show(value), hint=hint)) from None
    raise fault(Fault(expected=f"a version of at most {_MAX_VERSION_LENGTH} characters", got=show(value)))


def _check_entry_point(value: str) -> str:
    if re.fullmatch(ENTRY_POINT_PATTERN, value) and not any(map(keyword.iskeyword, value.split("."))):
        return value
    hint = "name the file without .py, a dot, and the class: 'dtw_plugin.DTWPlugin'"
    raise fault(Fault(expected="module.Class", got=show(value), hint=hint))


def _check_requirement(value: str) -> str:
    try:
        Requirement(value)
    except InvalidRequirement as error:
        reason = str(error).splitlines()[0]
        expected = "a requirement as in PEP 508, such as 'numpy>=1.26'"
        raise fault(Fault(expected=expected, got=show(value), hint=reason)) from None
    return value


def _check_parameter_name(value: str) -> str:
    if re.fullmatch(PARAMETER_NAME_PATTERN, value):
        return value
    raise fault(Fault(expected="a name of at most 64 letters, digits and _", got=show(value)))


SemanticVersion: TypeAlias = Annotated[
    str, AfterValidator(_check_version), Field(json_schema_extra={"pattern": VERSION_PATTERN})
]
PluginId: TypeAlias = Annotated[
    str, AfterValidator(check_plugin_id), Field(json_schema_extra={"pattern": PLUGIN_ID_PATTERN})
]
Words: TypeAlias = Annotated[tuple[str, ...], Field(strict=False)]


class Documentation(DocumentModel):
    """Where a plugin is described; paths inside its directory.

    Attributes:
        readme: Path of the description, inside the plugin's directory.
        examples: Paths of programs that show its use.
    """

    readme: InsidePath | None = None
    examples: Annotated[tuple[InsidePath, ...], Field(strict=False)] = ()


class Manifest(DocumentModel):
    """What a plugin says about itself.

    Attributes:
        plugin_id: Name in calls and settings: a lower-case letter, then at most 63 of a-z, 0-9 and _.
        version: Semantic version of the plugin, ``x.y.z``, at most 128 characters.
        core_min_version: Oldest platform_base that it works with, inclusive; None: any.
        core_max_version: Newest platform_base that it works with, inclusive; None: any.
        requires: Distributions that it needs, as in PEP 508; compared with what is installed before loading.
        produces: Kinds of result: words for people, or promises that can be checked.
        entry_point: ``module.Class``, the module being a file or package in the plugin's directory.
        description: What it does, one sentence.
        author: Who wrote it.
        license: SPDX identifier of its licence.
        tags: Words to find it by.
        documentation: Where it is described.
        configuration: Its parameters by name.
        permissions: What it needs beyond computing.
        reuse: ``worker``: a worker may serve call after call; ``call``: each call wants a process that nobody has used,
            because calls leave something behind. The setting ``workers.reuse`` overrules it.
        self_test: Calls whose results are known, at most 50, tried before a release answers in the place of another
            one.
    """

    plugin_id: PluginId
    version: SemanticVersion
    core_min_version: SemanticVersion | None = None
    core_max_version: SemanticVersion | None = None
    requires: Annotated[tuple[Annotated[str, AfterValidator(_check_requirement)], ...], Field(strict=False)] = ()
    produces: Annotated[tuple[Product, ...], Field(strict=False)] = ()
    entry_point: Annotated[
        str, AfterValidator(_check_entry_point), Field(json_schema_extra={"pattern": ENTRY_POINT_PATTERN})
    ]
    description: str = ""
    author: str = ""
    license: str = ""
    tags: Words = ()
    documentation: Documentation = Documentation()
    configuration: Annotated[
        dict[Annotated[str, AfterValidator(_check_parameter_name)], Parameter],
        BeforeValidator(without_annotations),
    ] = Field(default_factory=dict)
    permissions: Permissions = Permissions()
    reuse: Literal["worker", "call"] = "worker"
    self_test: Annotated[tuple[SelfTest, ...], Field(strict=False, max_length=MAX_SELF_TESTS)] = ()

    @property
    def module_name(self) -> str:
        """The module of the entry point, dotted."""
        return self.entry_point.rpartition(".")[0]

    @property
    def class_name(self) -> str:
        """The class of the entry point."""
        return self.entry_point.rpartition(".")[2]

    @classmethod
    def from_file(cls, path: str | Path) -> Self:
        """Read and check a manifest.

        Args:
            path: The file, usually called ``manifest.json``; a regular file of at most 1 MiB.

        Raises:
            ManifestError: With every problem, each with its line.
        """
        document = read_json(path, error=ManifestError)
        try:
            return cls.model_validate(document.data)
        except ValidationError as error:
            raise ManifestError(problems_in(error, document, cls)) from error

    @field_validator("core_max_version")
    @classmethod
    def _not_below_minimum(cls, value: str | None, info: ValidationInfo) -> str | None:
        lowest: Any = info.data.get("core_min_version")
        if value is not None and lowest is not None and semver.Version.parse(value) < lowest:
            raise fault(Fault(expected=f"at least core_min_version {lowest}", got=show(value)))
        return value

    @field_validator("self_test")
    @classmethod
    def _named_once(cls, value: tuple[SelfTest, ...]) -> tuple[SelfTest, ...]:
        names = [each.name for each in value]
        twice = [
            Fault(at=(index, "name"), expected="a name of its own", got=show(name))
            for index, name in enumerate(names)
            if name in names[:index]
        ]
        if twice:
            raise fault(*twice)
        return value
