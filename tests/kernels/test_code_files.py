"""Files of compiled code: many processes at once, torn files, no room; and Numba does use them."""

from __future__ import annotations

import logging
import os
import shutil
import subprocess
import sys
import textwrap

import pytest

pytest.importorskip("numba", "0.62")

from platform_base.kernels.code_files import CodeFiles

KEY = (("float64",), ("x86_64",), ("ab", "cd"))


class Alike:
    """A type that is told from another one only by what it is."""

    def __init__(self, number):
        self.number = number

    def __repr__(self):
        return "alike"

    def __eq__(self, other):
        return self.number == other.number

    __hash__ = None


@pytest.fixture
def files(tmp_path):
    return CodeFiles(str(tmp_path), "module.function-3.py311", "stamp")


def test_what_was_saved_is_found_under_its_key_alone(files, tmp_path):
    files.save(KEY, b"code")
    assert files.load(KEY) == b"code"
    assert files.load((("float32",), *KEY[1:])) is None
    assert CodeFiles(str(tmp_path), "module.function-3.py311", "another stamp").load(KEY) is None
    assert CodeFiles(str(tmp_path), "module.other-9.py311", "stamp").load(KEY) is None


def test_two_who_save_at_once_for_different_types_do_not_mix_them_up(files, tmp_path):
    other = CodeFiles(str(tmp_path), "module.function-3.py311", "stamp")
    narrow = (("float32",), *KEY[1:])
    assert files.load(KEY) is None
    assert other.load(narrow) is None  # both have looked, neither has written
    other.save(narrow, b"narrow")
    files.save(KEY, b"wide")
    assert (files.load(narrow), other.load(KEY)) == (b"narrow", b"wide")


def test_types_with_one_name_push_each_other_out_but_are_never_taken_for_each_other(files):
    files.save(Alike(1), b"one")
    files.save(Alike(2), b"two")
    assert files.load(Alike(1)) is None
    assert files.load(Alike(2)) == b"two"


def test_a_torn_file_counts_as_missing_and_is_replaced(files, tmp_path):
    files.save(KEY, b"code" * 10)
    (path,) = tmp_path.iterdir()
    whole = path.read_bytes()
    torn = [whole[:size] for size in range(0, len(whole), 7)]
    torn += [whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :] for at in range(0, len(whole), 7)]
    for content in [*torn, bytes(len(whole)), whole + b"x"]:
        path.write_bytes(content)
        assert files.load(KEY) is None
    files.save(KEY, b"code")
    assert files.load(KEY) == b"code"
    assert list(tmp_path.iterdir()) == [path]


def test_flushing_forgets_one_function_alone(files, tmp_path):
    other = CodeFiles(str(tmp_path), "module.function-33.py311", "stamp")
    for each in (files, other):
        each.save(KEY, b"code")
    files.flush()
    assert (files.load(KEY), other.load(KEY)) == (None, b"code")


@pytest.mark.parametrize("hindrance", ["missing", "a file", "a loop"])
def test_where_nothing_can_be_kept_one_line_says_so(tmp_path, caplog, hindrance):
    place = tmp_path / "place"
    if hindrance == "a file":
        place.write_bytes(b"")
    elif hindrance == "a loop":
        place.symlink_to(place)
    files = CodeFiles(str(place), "f", "stamp")
    with caplog.at_level(logging.WARNING):
        files.save(KEY, b"code")
    assert len(caplog.messages) == 1
    assert f"compiled code is not kept in {place}: " in caplog.messages[0]
    assert files.load(KEY) is None


SUMS = """
    import numba

    @numba.njit(cache=True)
    def add_up(series):
        total = 0.0
        for value in series:
            total += value
        return total
"""
PROGRAM = """
    import resource, sys
    import numpy as np
    from sums import add_up

    if "full" in sys.argv:
        resource.setrlimit(resource.RLIMIT_FSIZE, (64, 64))  # each further byte is refused, as by a full disk
    print(*(int(add_up(np.arange(1000, dtype=dtype))) for dtype in sys.argv[1].split()))
    print(sum(add_up.stats.cache_hits.values()))
"""


def test_numba_uses_them_in_a_process_that_is_told_to(tmp_path):
    """What two processes that compile at once leave is what each leaves alone, in one directory."""
    (tmp_path / "sums.py").write_text(textwrap.dedent(SUMS))
    (tmp_path / "program.py").write_text(textwrap.dedent(PROGRAM))
    cache = tmp_path / "cache"
    environment = {
        **os.environ,
        "NUMBA_CACHE_DIR": str(cache),
        "NUMBA_CACHE_LOCATOR_CLASSES": "platform_base.kernels.code_files.CodePlace",
    }

    def run(*arguments):
        command = [sys.executable, str(tmp_path / "program.py"), *arguments]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
        return done.stdout.split(), done.stderr

    answer, complaint = run("float64", "full")
    assert answer == ["499500", "0"]
    assert complaint.count("compiled code is not kept") == 1
    assert [path for path in cache.rglob("*") if path.is_file()] == []
    assert run("float64") == (["499500", "0"], "")
    assert run("float32") == (["499500", "0"], "")
    assert run("float64 float32") == (["499500", "499500", "2"], "")


KERNELS = """
    import sys
    import numpy as np
    from platform_base.kernels.builtin import Entry
    from platform_base.kernels.short import enter_distance

    for name in sys.argv[1:]:
        dtype = np.dtype(name)
        compare = Entry(enter_distance, dtype, (-1, True, False)).bind(None, *[lambda *_: "handed on"] * 2)
        print(compare(np.array([1, 2, 4], dtype), np.array([1, 3], dtype)))
"""


def test_kernels_use_them_in_every_process(tmp_path):
    """Nobody asks code that is called by its address for which types it is: other code would compute nonsense."""
    program = tmp_path / "program.py"
    program.write_text(textwrap.dedent(KERNELS))
    environment = {name: value for name, value in os.environ.items() if name != "NUMBA_CACHE_LOCATOR_CLASSES"}

    def run(cache, *names):
        command = [sys.executable, str(program), *names]
        settings = {**environment, "NUMBA_CACHE_DIR": str(cache)}
        return subprocess.run(command, env=settings, capture_output=True, text=True, check=True).stdout.split()

    assert run(tmp_path / "one", "float64") == ["2.0"]
    assert run(tmp_path / "other", "float32") == ["2.0"]
    # What two processes leave that compile at the same moment.
    shutil.copytree(tmp_path / "other", tmp_path / "one", dirs_exist_ok=True)
    kept = sorted((tmp_path / "one").rglob("*.nbc"))
    assert run(tmp_path / "one", "float64", "float32") == ["2.0", "2.0"]
    assert sorted((tmp_path / "one").rglob("*.nbc")) == kept
