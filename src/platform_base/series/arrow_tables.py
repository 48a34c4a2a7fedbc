"""Columns of Parquet, Feather and Arrow files; needs the extra `io`."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from platform_base.series.base import Contents, NamesApart, Selection, SeriesFile, find_column, part_needed, split_names
from platform_base.series.errors import InputError, MissingExtraError


class ArrowReader:
    """Reads ``.parquet`` and ``.feather``; the selector names columns."""

    suffixes: tuple[str, ...] = (".parquet", ".pq", ".feather", ".arrow")

    def read(self, path: SeriesFile, selector: str) -> Selection:
        """Read one column, or several as channels; see `base.Reader`."""
        table = _load(path)
        names = list(table.column_names)
        columns = _choose(path, table, selector, names)
        channels = [_to_array(path, names[index], table.column(index)) for index in columns]
        chosen = ", ".join(repr(names[index]) for index in columns)
        return Selection(
            values=channels[0] if len(channels) == 1 else np.column_stack(channels),
            name=f"column{'s' * (len(columns) > 1)} {chosen}",
        )

    def read_all(self, path: SeriesFile) -> Contents:
        """Read every column of numbers; see `base.Reader`."""
        table = _load(path)
        contents, names = Contents(columns={}), NamesApart()
        for index, name in enumerate(table.column_names):
            free = names.take(name)
            try:
                contents.columns[free] = _to_array(path, name, table.column(index))
            except InputError as error:
                contents.left_out[free] = str(error)
        return contents


def _load(path: SeriesFile) -> Any:
    try:
        import pyarrow as pa
        from pyarrow import feather, parquet
    except ImportError as error:
        raise MissingExtraError(str(path), extra="io", missing="pyarrow") from error
    is_parquet = path.suffix in (".parquet", ".pq")
    with path.open() as stream:
        try:
            return parquet.ParquetFile(stream).read() if is_parquet else feather.read_table(stream)
        except (pa.ArrowException, OSError, ValueError) as error:
            kind = "Parquet" if is_parquet else "Feather"
            raise InputError(f"{path}: expected a {kind} file, got {error}") from error


def _choose(path: SeriesFile, table: Any, selector: str, names: list[str]) -> list[int]:
    import pyarrow.types as types

    if selector:
        return [find_column(path, name, names) for name in split_names(selector, names)]
    numeric = [
        index
        for index, field in enumerate(table.schema)
        if types.is_integer(field.type) or types.is_floating(field.type)
    ]
    if len(numeric) == 1:
        return numeric
    raise part_needed(path, "column", names) if names else InputError(f"{path}: expected columns, got none")


def _to_array(path: SeriesFile, name: str, column: Any) -> NDArray[Any]:
    import pyarrow as pa
    import pyarrow.types as types

    kind = column.type
    if not (types.is_integer(kind) or types.is_floating(kind) or types.is_boolean(kind)):
        raise InputError(f"{path}: column {name!r}: expected numbers, got {kind}; choose another column")
    if column.null_count:
        column = column.cast(pa.float64())  # only floats can say that a value is missing
    return np.asarray(column.to_numpy())
