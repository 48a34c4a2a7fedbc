"""What is remembered of the inputs of a call: names, types, shapes and digests, never the values."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from platform_base.history.run import InputFact
from platform_base.plugins._wire.codec import encode
from platform_base.plugins.errors import EncodingError

_LONG_BYTES = 1 << 20


def look_at(inputs: Mapping[str, Any], *, digest: bool) -> tuple[InputFact, ...]:
    """Return what is remembered of each input of a call; its parameters are none.

    Args:
        inputs: By name.
        digest: Compute SHA-256 over the content; half a millisecond for each megabyte.
    """
    return tuple(_look(name, value, digest=digest) for name, value in inputs.items() if name != "params")


def takes_long(inputs: Mapping[str, Any]) -> bool:
    """Whether digests of these inputs would keep an event loop waiting."""
    return sum(getattr(value, "nbytes", 0) for value in inputs.values()) > _LONG_BYTES


def _look(name: str, value: Any, *, digest: bool) -> InputFact:
    if type(value) is np.ndarray:
        return InputFact(
            name=name,
            type="ndarray",
            shape=value.shape,
            dtype=str(value.dtype),
            size_bytes=value.nbytes,
            sha256=_digest_array(value) if digest else "",
        )
    return InputFact(
        name=str(name),
        type=type(value).__name__,
        shape=_shape(value),
        dtype=str(value.dtype) if isinstance(value, np.ndarray | np.generic) else "",
        size_bytes=value.nbytes if isinstance(value, np.ndarray | np.generic) else 0,
        sha256=_digest(value) if digest else "",
    )


def _shape(value: Any) -> tuple[int, ...]:
    shape = getattr(value, "shape", None)
    if isinstance(shape, tuple) and all(isinstance(length, int) for length in shape):
        return shape
    return (len(value),) if isinstance(value, list | tuple | dict | str | bytes) else ()


def _digest_array(array: NDArray[Any]) -> str:
    """Return SHA-256 over the elements in C order: what ``hashlib.sha256(array.tobytes())`` gives, without the copy."""
    if array.dtype.hasobject:
        return ""
    return hashlib.sha256(_bytes_of(array)).hexdigest()


def _digest(value: Any) -> str:
    """Return SHA-256 over a value as it crosses to a worker; empty where it cannot."""
    try:
        encoded = encode(value, root="")
    except EncodingError:
        return ""
    content = hashlib.sha256(encoded.body)
    for part in _contents(source for block in encoded.blocks for source in block.sources):
        content.update(part)
    return content.hexdigest()


def _contents(arrays: Iterable[NDArray[Any]]) -> Iterable[memoryview]:
    return (_bytes_of(np.asarray(array)) for array in arrays)


def _bytes_of(array: NDArray[Any]) -> memoryview:
    return np.ascontiguousarray(array).reshape(-1).view(np.uint8).data
