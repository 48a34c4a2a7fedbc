"""The lint on a plugin's own imports: in its sources, and while it runs."""

from __future__ import annotations

import sys
import textwrap

import pytest

from platform_base.plugins._sandbox.import_guard import ImportGuard, ModuleBlockedError

GUARD = ImportGuard(("numpy", "scipy"), ("os", "subprocess", "urllib.request", "scipy.io"), {"mine"})


def lines(error):
    return [problem.split(": ", 1)[0] for problem in error.value.problems]


@pytest.mark.parametrize(
    "source",
    [
        "import math, json, collections.abc",
        "import numpy as np; from numpy.linalg import norm",
        "from scipy.signal import butter",
        "from . import kernels; from .kernels import fast; from .. import up",
        "import mine; from mine.kernels import fast",
        "from __future__ import annotations",
        "from platform_base.core.models import ProcessingResult",
        "from platform_base.plugins.base import PluginProtocol",
        "from platform_base.plugins import base",
        "from platform_base import core",
        "import urllib.parse",
        "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import pandas, os",
        "import typing\nif typing.TYPE_CHECKING:\n    import pandas",
        "try:\n    import numba\nexcept ImportError:\n    numba = None",
        "try:\n    import numba\nexcept (ValueError, ModuleNotFoundError):\n    pass",
        "osmosis = 'os'",
        "__import__('math')",
        "name = 'x'\n__import__(name)",
    ],
)
def test_lets_pass(source):
    GUARD.scan(source, "plugin.py")


@pytest.mark.parametrize(
    ("source", "module"),
    [
        ("import os", "os"),
        ("import os.path as p", "os.path"),
        ("from os import path", "os"),
        ("from os.path import join", "os.path"),
        ("import math, subprocess", "subprocess"),
        ("def f():\n    import os", "os"),
        ("class A:\n    def f(self):\n        from subprocess import run", "subprocess"),
        ("from urllib import request", "urllib"),
        ("import urllib.request", "urllib.request"),
        ("from scipy import io", "scipy"),
        ("import pandas", "pandas"),
        ("from sklearn.linear_model import Lasso", "sklearn.linear_model"),
        ("import platform_base", "platform_base"),
        ("from platform_base.plugins.registry import PluginRegistry", "platform_base.plugins.registry"),
        ("from platform_base.plugins import base, registry", "platform_base.plugins"),
        ("__import__('os')", "os"),
        ("import importlib\nimportlib.import_module('subprocess')", "subprocess"),
        ("try:\n    import os\nexcept ImportError:\n    pass", "os"),
        ("try:\n    pass\nexcept ImportError:\n    import pandas", "pandas"),
        ("if TYPE_CHECKING:\n    pass\nelse:\n    import pandas", "pandas"),
        ("with open('x') as f:\n    import os", "os"),
        ("[__import__('os') for _ in ()]", "os"),
    ],
)
def test_refuses(source, module):
    with pytest.raises(ModuleBlockedError) as error:
        GUARD.scan(source, "plugin.py")

    assert error.value.name == module
    assert len(error.value.problems) == 1


def test_says_every_place_and_what_to_do():
    source = "import math\nimport os\n\nimport pandas\nimport subprocess\n"
    with pytest.raises(ModuleBlockedError) as error:
        GUARD.scan(source, "plugins/evil/evil.py")

    assert lines(error) == [f"plugins/evil/evil.py:{line}" for line in (2, 4, 5)]
    assert "module 'os' is in security.blocked_modules" in str(error.value)
    assert "module 'pandas' is not in security.allowed_modules (numpy, scipy); add it there" in str(error.value)


def test_any_third_party_module_where_none_are_listed():
    ImportGuard(None, ()).scan("import pandas, os, something_else", "plugin.py")


def test_nothing_third_party_where_the_list_is_empty():
    with pytest.raises(ModuleBlockedError, match=r"security.allowed_modules \(nothing\)"):
        ImportGuard((), ()).scan("import numpy", "plugin.py")


def test_a_syntax_error_keeps_its_place():
    with pytest.raises(SyntaxError) as error:
        GUARD.scan("x = 1\nif:\n", "plugins/typo.py")

    assert (error.value.filename, error.value.lineno) == ("plugins/typo.py", 2)


@pytest.fixture
def package(tmp_path):
    """Run code as the module ``mine.plugin`` in a child with the guard on; report its ``result``."""

    def run(source, guard=GUARD, package=""):
        folder = tmp_path / "mine"
        folder.mkdir()
        (folder / "__init__.py").write_text("")
        (folder / "other.py").write_text("value = 3")
        (folder / "plugin.py").write_text(textwrap.dedent(source))

        def act():
            import importlib

            sys.path.insert(0, str(tmp_path))
            guard.install(package)
            return importlib.import_module("mine.plugin").result

        return fork_as_self(act)

    return run


def fork_as_self(act):
    """As `Cell.fork`, but without becoming another user: tmp_path is this user's."""
    import json
    import os

    receive, send = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            answer = ["value", act()]
        except BaseException as error:
            answer = [type(error).__name__, str(error)]
        os.write(send, json.dumps(answer).encode())
        os._exit(0)
    os.close(send)
    with open(receive) as stream:
        answer = json.loads(stream.read())
    os.waitpid(pid, 0)
    return answer


@pytest.mark.parametrize(
    "statement",
    [
        "import os",
        "from os import path",
        "__import__('os')",
        "__import__('o' + 's')",
        "exec('import os')",
        "import importlib; importlib.import_module('o' + 's')",
        "from urllib import request",
        "import pandas",
        "from platform_base.plugins import registry",
    ],
)
def test_refuses_at_run_time(package, statement):
    kind, text = package(f"{statement}\nresult = 1")

    assert kind == "ModuleBlockedError"
    assert "security." in text or "not for plugins" in text


def test_a_caught_refusal_is_an_import_error(package):
    source = """
    try:
        import pandas
    except ImportError:
        pandas = None
    result = pandas is None
    """
    assert package(source) == ["value", True]


def test_libraries_go_on_importing_what_they_need(package):
    """tempfile imports os; time.strptime imports through C, in the frame of the caller."""
    source = """
    import tempfile, time, json
    from . import other
    import mine.other
    import numpy as np
    year = time.strptime("2024", "%Y").tm_year
    result = [year, other.value, mine.other.value, len(tempfile.gettempprefix())]
    """
    assert package(source, ImportGuard(("numpy",), ("os", "_strptime"), {"mine"})) == [
        "value",
        [2024, 3, 3, 3],
    ]


def test_the_package_is_judged_besides_the_own_names(package):
    guard = ImportGuard((), ("os",), set())

    assert package("import os\nresult = 1", guard, "mine")[0] == "ModuleBlockedError"


def test_without_the_package_nothing_is_judged(package):
    assert package("import os\nresult = 1", ImportGuard((), ("os",), set())) == ["value", 1]


def test_an_own_file_with_a_standard_name_does_not_bring_that_module_under_the_guard(package):
    source = """
    import sys
    sys.modules.pop("tempfile", None)
    import tempfile
    result = 1
    """
    assert package(source, ImportGuard((), ("os", "shutil"), {"mine", "tempfile"})) == ["value", 1]


def test_the_guard_can_be_taken_away():
    import builtins
    import importlib

    before = builtins.__import__, importlib.import_module
    remove = GUARD.install()
    try:
        assert builtins.__import__ is not before[0]
        import fractions

        assert fractions.Fraction(1, 2) + fractions.Fraction(1, 2) == 1
    finally:
        remove()

    assert (builtins.__import__, importlib.import_module) == before
