"""What a plugin may ask for and an operator may give: network destinations, directories, amounts."""

from __future__ import annotations

import ipaddress
import re
from typing import Annotated, Any, TypeAlias

from pydantic import AfterValidator, Field, WithJsonSchema, model_validator

from platform_base.plugins.documents.document import show
from platform_base.plugins.documents.model import DocumentModel, Fault, fault

_DESTINATION = re.compile(r"(?P<host>\[[0-9A-Fa-f:.]+\]|[^\s:/\[\]@]+):(?P<port>[0-9]{1,5})")
_LABEL = re.compile(r"(?!-)[A-Za-z0-9_-]{1,63}(?<!-)")


def _check_destination(value: str) -> str:
    match = _DESTINATION.fullmatch(value)
    if match and 1 <= int(match["port"]) <= 65535 and _is_host(match["host"]):
        return value
    hint = "for example data.example.org:443 or [::1]:5432"
    raise fault(Fault(expected="host:port with a port from 1 to 65535", got=show(value), hint=hint))


def _is_host(host: str) -> bool:
    if host.startswith("["):
        try:
            ipaddress.IPv6Address(host[1:-1])
        except ValueError:
            return False
        return True
    return len(host) <= 253 and all(_LABEL.fullmatch(label) for label in host.rstrip(".").split("."))


def _check_path(value: str) -> str:
    absolute = value == "~" or value.startswith(("/", "~/"))
    if absolute and "\0" not in value and ".." not in value.split("/"):
        return value
    raise fault(Fault(expected="an absolute path without '..', or one that starts with ~/", got=show(value)))


Destination: TypeAlias = Annotated[str, AfterValidator(_check_destination)]
AbsolutePath: TypeAlias = Annotated[str, AfterValidator(_check_path)]

_NETWORK_SCHEMA = {
    "oneOf": [
        {"const": "none"},
        {
            "type": "object",
            "properties": {"tcp": {"type": "array", "items": {"type": "string"}}},
            "patternProperties": {"^x-": True},
            "additionalProperties": False,
        },
    ]
}


class Network(DocumentModel):
    """Where connections may go: the word ``none``, or ``{tcp: ["host:port", ...]}``.

    Attributes:
        tcp: Destinations ``host:port``; an IPv6 address stands in brackets.
    """

    tcp: Annotated[tuple[Destination, ...], Field(strict=False)] = ()

    @model_validator(mode="before")
    @classmethod
    def _read_none(cls, data: Any) -> Any:
        if data == "none":
            return {"tcp": []}  # written out, so that it replaces destinations given elsewhere
        if isinstance(data, dict | Network):
            return data
        hint = 'write none, or {tcp: ["data.example.org:443"]}'
        raise fault(Fault(expected="none or destinations", got=show(data), hint=hint))

    @property
    def destinations(self) -> tuple[tuple[str, int], ...]:
        """The same as pairs of host, without brackets, and port."""
        pairs = (entry.rpartition(":") for entry in self.tcp)
        return tuple((host.strip("[]"), int(port)) for host, _, port in pairs)


class Filesystem(DocumentModel):
    """Which files may be used, besides those that every plugin has.

    Attributes:
        read: Absolute paths of files and directory trees to read; ``~/`` is the home of the host's user.
        write: Absolute paths of directory trees to read and write.
    """

    read: Annotated[tuple[AbsolutePath, ...], Field(strict=False)] = ()
    write: Annotated[tuple[AbsolutePath, ...], Field(strict=False)] = ()


class Permissions(DocumentModel):
    """What a plugin asks for in its manifest; None: nothing is said about it.

    Attributes:
        network: Destinations that it connects to with ``get_context().connect(host, port)``; each must be written the
            same in ``security.network``.
        filesystem: Files that it uses outside its own directory and its scratch directory.
        processes: Processes that it has at once besides its worker; ``security.max_processes`` must give as many.
        threads: Threads that it runs, the first one included; at most ``security.max_threads``.
        memory_mb: Memory that it needs, MiB; at most ``security.max_memory_mb``, and then its limit.
        gpu: Whether it uses a graphics processor. This release gives none.
    """

    network: Annotated[Network | None, WithJsonSchema({"oneOf": [*_NETWORK_SCHEMA["oneOf"], {"type": "null"}]})] = None
    filesystem: Filesystem | None = None
    processes: Annotated[int, Field(ge=0, le=1_000_000)] | None = None
    threads: Annotated[int, Field(ge=1, le=1_000_000)] | None = None
    memory_mb: Annotated[int, Field(ge=1, le=1 << 40)] | None = None
    gpu: bool | None = None
