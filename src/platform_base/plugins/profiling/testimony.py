"""What a worker says it measured, taken apart without believing any of it.

The values arrive decoded, so they are plain data; but their keys, types, lengths and order are the worker's choice, and
a plugin that wants to can write all of it. What leaves this file has the type, the length and the range that was asked
for, and text that is safe to print.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from platform_base.plugins.errors import WireError

MOST_TEXT = 500


class Testimony:
    """The table of one measurement."""

    def __init__(self, said: Any, plugin_id: str, show: Callable[[str], str]) -> None:
        """Begin.

        Args:
            said: What the worker sent.
            plugin_id: Whose worker it is, for errors.
            show: Makes text of the worker safe to print.

        Raises:
            WireError: It is no table.
        """
        self._plugin_id = plugin_id
        self._show = show
        if type(said) is not dict:
            raise self.broken("a table of figures was expected")
        self._said: Mapping[Any, Any] = said

    def broken(self, what: str) -> WireError:
        """Return the error for something that is not as it must be."""
        return WireError(
            f"plugin {self._plugin_id!r}: its worker measured something that cannot be: {what}",
            plugin_id=self._plugin_id,
        )

    def number(self, name: str) -> float:
        """Return a finite number that is not negative.

        Raises:
            WireError: It is something else.
        """
        return self._number(self._said.get(name), name)

    def integers(self, name: str, *, most: int, below: int, least: int = 0) -> NDArray[np.int64]:
        """Return ``(n,)`` int64.

        Args:
            name: The key.
            most: Largest length.
            below: Every number is less than this.
            least: Smallest number.

        Raises:
            WireError: It is something else.
        """
        array = self._array(name, np.int64, most)
        if array.size and not (array.min() >= least and array.max() < below):
            raise self.broken(f"{name}: every number must be from {least} to {below - 1}")
        return array

    def numbers(self, name: str, *, most: int) -> NDArray[np.float64]:
        """Return ``(n,)`` float64, finite and not negative; raises `WireError` where it is something else."""
        array = self._array(name, np.float64, most)
        if not (np.isfinite(array).all() and (array >= 0).all()):
            raise self.broken(f"{name}: every number must be finite and not negative")
        return array

    def rows(self, name: str, *, most: int) -> list[list[Any]]:
        """Return a list of at most so many lists; raises `WireError` where it is something else."""
        rows = self._said.get(name)
        if type(rows) is not list or len(rows) > most or any(type(row) is not list for row in rows):
            raise self.broken(f"{name}: a list of at most {most} lists was expected")
        return rows

    def place(self, row: list[Any]) -> tuple[str, int]:
        """Return file and line of a row of two; raises `WireError` where it is something else."""
        if type(row) is not list or len(row) != 2:
            raise self.broken("a place is a file and a line")
        return self.text(row[0]), int(self._number(row[1], "line"))

    def text(self, value: Any) -> str:
        """Return text that is safe to print, of bounded length; raises `WireError` where it is something else."""
        if type(value) is not str:
            raise self.broken("a text was expected")
        return self._show(value[:MOST_TEXT]).replace("\n", "\\n")

    def count(self, value: Any) -> int:
        """Return a number of bytes or of things; raises `WireError` where it is something else."""
        return int(self._number(value, "count"))

    def _number(self, value: Any, name: str) -> float:
        if type(value) not in (int, float) or not 0 <= value < 1 << 62:
            raise self.broken(f"{name}: a finite number that is not negative was expected")
        return float(value)

    def _array(self, name: str, dtype: Any, most: int) -> NDArray[Any]:
        array = self._said.get(name)
        if type(array) is not np.ndarray or array.dtype != dtype or array.ndim != 1 or len(array) > most:
            raise self.broken(f"{name}: at most {most} numbers were expected")
        return np.ascontiguousarray(array)
