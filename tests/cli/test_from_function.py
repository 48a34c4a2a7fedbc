"""`platform-base new --from-function`: what is derived of a function, what cannot be, and that nothing is imported."""

from __future__ import annotations

import ast
import json
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.cli.conftest import Command

from platform_base.cli.annotation import UnderivableError, derive, literal
from platform_base.cli.docstring import read_arguments, read_examples, read_summary
from platform_base.cli.function_source import FunctionSource
from platform_base.plugins.registry import PluginRegistry
from platform_base.plugins.testing import check_plugin

MODULE = '''
from __future__ import annotations

import enum
from typing import Annotated, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

WIDTH = 5


class Ge:
    def __init__(self, bound):
        self.bound = bound


class Edge(enum.Enum):
    NEAREST = "edge"
    MIRROR = "reflect"


def smooth(
    series: ArrayLike,
    weights: ArrayLike | None = None,
    *,
    width: Annotated[int, Ge(1)] = WIDTH,
    gain: float = 1,
    edge: Edge = Edge.NEAREST,
    kind: Literal["mean", "median"] = "mean",
    limit: float | None = None,
) -> NDArray[np.float64]:
    """Smooth a "series" with a moving \\\\ window.

    Args:
        series: ``(n,)`` samples | any unit.
        width: Samples in
            the window.
        kind (str): Which average.

    Example:
        >>> smooth([1, 2, 6], width=1).tolist()
        [1.0, 2.0, 6.0]
        >>> smooth([0.0, 3.0, 0.0], width=3, edge=unknown)
        0
    """
    if np.ndim(series) != 1 or not np.size(series):
        raise ValueError(f"series: expected samples in one dimension, got shape {np.shape(series)}")
    values = np.pad(np.asarray(series, dtype=float), width // 2, mode=edge.value)
    windows = np.lib.stride_tricks.sliding_window_view(values, width)
    out = gain * (windows.mean(axis=1) if kind == "mean" else np.median(windows, axis=1))
    return out if limit is None else np.minimum(out, limit)


def total(x: list[float], k=3):
    return sum(x) * k


def bad(a, b: complex, *rest, c: float = np.pi, d: ArrayLike = 3, **others):
    pass


def positional(x: ArrayLike, /):
    pass


async def later(x: ArrayLike):
    pass


def number(order: int = 3):
    return order
'''


@pytest.fixture
def module(tmp_path: Path) -> Path:
    """A module of somebody's; it leaves a trace where it is imported."""
    file = tmp_path / "lab.py"
    trap = "import pathlib\npathlib.Path('IMPORTED').touch()\n"
    file.write_text(MODULE.replace("WIDTH = 5", f"WIDTH = 5\n{trap}"))
    return file


def make(command: Command, *words: str, status: int = 0) -> dict[str, Any]:
    done = command("new", *words, "--json")
    assert done.returncode == status, done.stdout + done.stderr
    document: dict[str, Any] = json.loads(done.stdout)
    return document


@pytest.mark.parametrize("spec", ["lab:smooth", "lab.py:smooth"])
def test_a_plugin_from_a_function(command: Command, tmp_path: Path, spec: str, nothing_left: None) -> None:
    (tmp_path / "lab.py").write_text(MODULE)
    made = make(command, "smoother", "--from-function", spec)
    assert made["inputs"] == ["series", "weights"]
    assert made["notes"] == []
    assert made["parameters"] == {
        "width": {"type": "integer", "minimum": 1, "default": 5, "description": "Samples in the window"},
        "gain": {"type": "float", "default": 1.0},
        "edge": {"type": "string", "options": ["edge", "reflect"], "default": "edge"},
        "kind": {"type": "string", "options": ["mean", "median"], "default": "mean", "description": "Which average"},
        "limit": {"type": "float", "default": None},
    }
    place = tmp_path / "plugins" / "smoother"
    manifest = json.loads((place / "manifest.json").read_text())
    assert manifest["produces"] == [{"name": "smooth", "at": "values", "type": "array", "dtype": "float64"}]
    assert manifest["requires"] == ["numpy>=1.26"]
    (test,) = manifest["self_test"]
    assert test["inputs"] == {"series": {"value": [1, 2, 6]}}
    assert (test["parameters"], test["expected"]) == ({"width": 1}, {"values": {"value": [1.0, 2.0, 6.0]}})
    assert (place / "lab.py").read_text() == MODULE
    with PluginRegistry() as registry:
        registry.discover_plugins(place)
        result = registry.execute_plugin("smoother", {"series": [0, 3, 0]}, {"width": 3, "edge": "reflect"})
    np.testing.assert_allclose(result.values, [2.0, 1.0, 2.0])
    check_plugin(place).require()
    help_text = ast.get_docstring(ast.parse((place / "smoother.py").read_text()).body[-1])  # type: ignore[arg-type]
    assert help_text == 'Smooth a "series" with a moving \\ window.'


def test_the_module_is_never_imported(command: Command, module: Path, tmp_path: Path) -> None:
    make(command, "smoother", "--from-function", "lab:smooth")
    assert not (tmp_path / "IMPORTED").exists()


def test_a_self_test_is_recorded_where_the_docstring_has_none(command: Command, tmp_path: Path) -> None:
    (tmp_path / "lab.py").write_text(MODULE)
    made = make(command, "adder", "--from-function", "lab:total")
    assert (made["inputs"], made["parameters"]) == (["x"], {"k": {"type": "integer", "default": 3}})
    assert "the self-test holds what the function computes now" in made["notes"][0]
    place = tmp_path / "plugins" / "adder"
    (test,) = json.loads((place / "manifest.json").read_text())["self_test"]
    assert "not known to be right" in test["name"]
    assert check_plugin(place, only=["self_tests"]).passed


def test_what_does_not_work_yet_is_said(command: Command, tmp_path: Path) -> None:
    (tmp_path / "lab.py").write_text("import os\nimport numpy as np\n\ndef f(x: np.ndarray):\n    return x\n")
    made = make(command, "copied", "--from-function", "lab:f")
    assert "security.blocked_modules" in made["notes"][0]
    assert (tmp_path / "plugins" / "copied" / "manifest.json").is_file()


def test_every_fault_has_its_line(command: Command, tmp_path: Path) -> None:
    (tmp_path / "lab.py").write_text(MODULE)
    line = MODULE[: MODULE.index("def bad")].count("\n") + 1
    problems = make(command, "x", "--from-function", "lab:bad", status=2)["error"]["problems"]
    assert {problem["key"] for problem in problems} == {"a", "b", "c", "d", "rest", "others"}
    assert {problem["line"] for problem in problems} == {line}
    done = command("new", "x", "--from-function", "lab:bad")
    assert f"lab.py:{line} c: expected a literal, or a constant of the same module, got np.pi" in done.stderr
    assert not (tmp_path / "plugins").exists()


@pytest.mark.parametrize(
    ("spec", "said"),
    [
        ("lab:positional", "remove the /"),
        ("lab:later", "expected a plain function, got a coroutine or generator"),
        ("lab:number", "at least one argument that is an array"),
        ("lab:smoth", "did you mean 'smooth'?"),
        ("lab", "expected MODULE:FUNCTION"),
        ("nowhere:f", "expected a module that is here or installed"),
        ("no/such.py:f", "expected a file, got nothing"),
        ("broken.py:f", "broken.py:1 f: expected Python source"),
        ("latin.py:f", "latin.py f: expected Python source"),
        ("half.py:f", "expected text that UTF-8 can hold, got '\\udfff'"),
        ("beside.py:f", "expected a module that stands alone, got the import of lab"),
        ("relative.py:f", "expected a module that stands alone, got the import of .lab"),
    ],
)
def test_what_cannot_be_made(command: Command, tmp_path: Path, spec: str, said: str) -> None:
    (tmp_path / "lab.py").write_text(MODULE)
    (tmp_path / "broken.py").write_text("def f(:\n")
    (tmp_path / "latin.py").write_bytes(b"# \xe9\ndef f(x: ArrayLike): ...\n")
    (tmp_path / "half.py").write_text('def f(x: ArrayLike, a: str = "\\udfff"):\n    """A \\ud800."""\n')
    (tmp_path / "beside.py").write_text("import lab\n\ndef f(x: ArrayLike):\n    return lab.total(x)\n")
    (tmp_path / "relative.py").write_text("from .lab import total\n\ndef f(x: ArrayLike):\n    return total(x)\n")
    done = command("new", "x", "--from-function", spec)
    assert done.returncode == 2
    assert said in done.stderr


def test_two_answers_to_one_question(command: Command) -> None:
    assert "expected one of them" in command("new", "x", "--kind", "pair", "--from-function", "a:b").stderr


def source_of(text: str) -> FunctionSource:
    tree = ast.parse(textwrap.dedent(text) + "\ndef f(): pass\n")
    node = tree.body[-1]
    assert isinstance(node, ast.FunctionDef)
    return FunctionSource(path=Path("lab.py"), text=text, tree=tree, node=node)


@pytest.mark.parametrize(
    ("annotation", "kind", "keys", "nullable"),
    [
        ("np.ndarray", "array", {}, False),
        ("npt.NDArray[np.float32]", "array", {"dtype": "float32"}, False),
        ("'NDArray[np.floating]'", "array", {"dtype": "floating"}, False),
        ("Optional[ArrayLike]", "array", {}, True),
        ("pd.DataFrame", "table", {}, False),
        ("int | float", "scalar", {"type": "float"}, False),
        ("Union[str, None]", "scalar", {"type": "string"}, True),
        ("Literal[1, 2, None]", "scalar", {"type": "integer", "options": [1, 2]}, True),
        ("list[float]", "list", {"type": "array", "items": "float"}, False),
        ("tuple[int, ...]", "list", {"type": "array", "items": "integer"}, False),
        ("Sequence[Literal['a', 'b']]", "list", {"type": "array", "items": "string", "options": ["a", "b"]}, False),
        ("Share", "scalar", {"type": "float", "minimum": 0, "exclusive_maximum": 1}, False),
        ("Annotated[float, Gt(0), Le(TOP), 'in Hz']", "scalar",
         {"type": "float", "exclusive_minimum": 0, "maximum": 9, "description": "in Hz"}, False),
        ("Annotated[int, Field(ge=-1, description='a shift')]", "scalar",
         {"type": "integer", "minimum": -1, "description": "a shift"}, False),
        ("Mode", "scalar", {"type": "string", "options": ["fast", "slow"]}, False),
    ],
)  # fmt: skip
def test_annotations(annotation: str, kind: str, keys: dict[str, Any], nullable: bool) -> None:
    source = source_of(
        """
        TOP = 9
        Share = Annotated[float, Interval(ge=0, lt=1)]
        class Mode(StrEnum):
            FAST = auto()
            SLOW = "slow"
        """
    )
    derived = derive(ast.parse(annotation, mode="eval").body, source)
    assert (derived.kind, derived.keys, derived.nullable) == (kind, keys, nullable)
    assert derived.conversion == {"Mode": "Mode", "tuple[int, ...]": "tuple"}.get(annotation, "")


@pytest.mark.parametrize("annotation", ["complex", "int | str", "Literal[1, 'a']", "list[np.ndarray]", "Unknown", "3"])
def test_annotations_without_counterpart(annotation: str) -> None:
    with pytest.raises(UnderivableError):
        derive(ast.parse(annotation, mode="eval").body, source_of(""))


def test_what_says_nothing_is_noted() -> None:
    derived = derive(ast.parse("Annotated[float, Unit(1)]", mode="eval").body, source_of(""))
    assert derived.keys == {"type": "float"}
    assert derived.notes == ["Unit(1) says nothing that a manifest can hold; it is left out"]


@pytest.mark.parametrize("text", ["np.pi", "f(1)", "float('nan')", "1e999", "[x for x in y]"])
def test_values_that_are_no_literals(text: str) -> None:
    with pytest.raises(UnderivableError):
        literal(ast.parse(text, mode="eval").body, source_of(""))


NUMPY_STYLE = """Filter it.

Parameters
----------
series : array_like
    The samples,
    evenly spaced.
low, high : float
    Edges of the band.

Returns
-------
series : ndarray
    Something else.
"""


def test_docstrings() -> None:
    assert read_summary("One\nline.\n\nMore.") == "One line"
    assert read_arguments(NUMPY_STYLE) == {
        "series": "The samples, evenly spaced",
        "low": "Edges of the band",
        "high": "Edges of the band",
    }
    google = (
        "Do it.\n\nArgs:\n    a: First\n        thing.\n    b (int): Second: thing.\n\nReturns:\n    c: No argument.\n"
    )
    assert read_arguments(google) == {"a": "First thing", "b": "Second: thing"}
    text = """
    >>> round(f([1, 2], k=3), 2)
    1.33
    >>> float(f([1]))
    1.0
    >>> f(np.ones(3))
    3.0
    >>> g([1])
    1
    """
    first, second = read_examples(text, "f", ["x", "k"])
    assert (first.arguments, first.result, first.digits) == ({"x": [1, 2], "k": 3}, 1.33, 2)
    assert (second.arguments, second.result, second.digits) == ({"x": [1]}, 1.0, None)


def test_what_is_made_is_tidy(command: Command, tmp_path: Path) -> None:
    (tmp_path / "lab.py").write_text(MODULE)
    make(command, "smoother", "--from-function", "lab:smooth")
    place = tmp_path / "plugins" / "smoother"
    words = [
        sys.executable,
        "-m",
        "ruff",
        "check",
        "--isolated",
        "--no-cache",
        "--line-length",
        "120",
        place / "smoother.py",
    ]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout
    assert "samples \\| any unit" in (place / "README.md").read_text()
