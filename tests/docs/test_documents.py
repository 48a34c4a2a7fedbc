"""The documents are true: their programs run, their commands exist, their links lead somewhere, nothing is left out."""

from __future__ import annotations

import ast
import dataclasses
import inspect
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import typer
import yaml
from tests.conftest import REPOSITORY
from tests.docs.pages import (
    find_anchors,
    find_commands,
    find_links,
    find_pages,
    read_blocks,
    read_prose,
    read_table,
)

from platform_base.cli.main import app
from platform_base.core.models import Execution, ProcessingResult
from platform_base.plugins import errors
from platform_base.plugins.declaration import Parameter
from platform_base.plugins.errors import PluginError
from platform_base.plugins.generators import Generator
from platform_base.plugins.life_cycle import PluginChange, PluginUpdate, SelfTestInfo, ShadowReport
from platform_base.plugins.manifest import Documentation, Manifest
from platform_base.plugins.permissions import Filesystem, Network, Permissions
from platform_base.plugins.product import Product
from platform_base.plugins.profiling.memory_profile import MemoryProfile
from platform_base.plugins.profiling.time_profile import TimeProfile
from platform_base.plugins.registry import PluginInfo, PluginRegistry
from platform_base.plugins.replays import KeptCall
from platform_base.plugins.self_test import Expectation, SelfTest, Source
from platform_base.plugins.settings import (
    CacheSettings,
    CrashLoopSettings,
    HistorySettings,
    PluginWorkerSettings,
    ReplaySettings,
    SecuritySettings,
    Settings,
    WorkerSettings,
)
from platform_base.plugins.stats import PluginStats
from platform_base.plugins.worker_info import WorkerInfo

PAGES = find_pages(REPOSITORY)
BLOCKS = {page: read_blocks(REPOSITORY / page) for page in PAGES}
SHELLS = ("bash", "console")
RUNNER = Path(__file__).with_name("run_page.py")
REFERENCE = REPOSITORY / "docs" / "plugins" / "reference"
LANGUAGES = {"python", "bash", "console", "json", "yaml", "toml", "text", "{eval-rst}"}
RUNNABLE = [
    page
    for page, blocks in BLOCKS.items()
    if any(block.language in ("python", *SHELLS) and "no-run" not in block.options for block in blocks)
]
ERRORS = {
    name: value for name, value in vars(errors).items() if isinstance(value, type) and issubclass(value, PluginError)
}
FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
EACH_PAGE = pytest.mark.parametrize("page", PAGES, ids=str)


def describe_signature(function):
    """Arguments with their order, kinds and defaults, and the result's type without the module that it comes from."""
    for argument in ast.walk(function.args):
        if isinstance(argument, ast.arg):
            argument.annotation = None  # aliases are written out on the page
    text = f"{ast.unparse(function.args)} -> {ast.unparse(function.returns)}"
    return re.sub(r"\b\w+\.(?=[A-Za-z])", "", text).replace("NDArray[Any]", "NDArray")


def blocks_in(*languages):
    """Every block in one of these languages, with its page, ready to be a test's parameter."""
    return [
        pytest.param(block, id=f"{page}:{block.line}")
        for page, blocks in BLOCKS.items()
        for block in blocks
        if block.language in languages
    ]


@pytest.mark.timeout(400)  # a page may be the first to compile kernels, on a machine that does other things as well
@pytest.mark.parametrize("page", RUNNABLE, ids=str)
def test_every_program_of_the_page_runs(page, tmp_path):
    for name in ("plugins", "config", "examples", "docs"):
        shutil.copytree(REPOSITORY / name, tmp_path / name)  # with what was compiled: it is found by its content
    for name in ("README.md", "README.pt-BR.md", "CONTRIBUTING.md", "SECURITY.md"):
        shutil.copy(REPOSITORY / name, tmp_path / name)
    temporary = tmp_path / "temporary"
    temporary.mkdir(mode=0o755)
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PLATFORM_BASE_")}
    environment |= {
        "PLATFORM_BASE_CACHE_DIR": os.environ["PLATFORM_BASE_CACHE_DIR"],
        # Kernels are compiled anew in each test session, which half a core would make most of its time.
        "PLATFORM_BASE_SECURITY__MAX_CPU_PERCENT": "100",
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "XDG_STATE_HOME": str(tmp_path / "state"),
        "TMPDIR": str(temporary),
        "MPLBACKEND": "Agg",
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTEST_ADDOPTS": "-p no:cacheprovider",
    }
    ended = subprocess.run(
        [sys.executable, str(RUNNER), str(page)],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr


@EACH_PAGE
def test_blocks_say_what_they_are(page):
    for block in BLOCKS[page]:
        assert block.language in LANGUAGES, f"{page}:{block.line}"
        assert block.options.keys() <= {"title", "no-run", "output"}, f"{page}:{block.line}"
        assert block.options.get("no-run", "a reason"), f"{page}:{block.line}: say why it is not run"


@pytest.mark.parametrize("block", blocks_in("python"))
def test_python_is_python(block):
    compile(block.text, "<block>", "exec")


@pytest.mark.parametrize("block", blocks_in("json"))
def test_json_is_json_and_manifests_are_manifests(block, tmp_path):
    value = json.loads(block.text)
    if isinstance(value, dict) and "plugin_id" in value:
        file = tmp_path / "manifest.json"
        file.write_text(block.text, encoding="utf-8")
        assert Manifest.from_file(file).plugin_id == value["plugin_id"]


@pytest.mark.parametrize("block", blocks_in("toml"))
def test_toml_is_toml(block):
    assert tomllib.loads(block.text)


@pytest.mark.parametrize("block", blocks_in("yaml"))
def test_yaml_is_settings(block, tmp_path):
    file = tmp_path / "plugins.yaml"
    file.write_text(block.text, encoding="utf-8")
    assert set(yaml.safe_load(block.text)) <= set(Settings.model_fields)
    assert Settings.load(file, environ={}).source == str(file)


@pytest.mark.parametrize("block", blocks_in(*SHELLS))
def test_commands_have_the_verbs_and_options_that_are_shown(block):
    for words in find_commands(block, "platform-base"):
        check_command(words)


@EACH_PAGE
def test_commands_named_in_the_text_have_these_verbs_and_options(page):
    for line in read_prose(REPOSITORY / page):
        for shown in re.findall(r"`platform-base ([^`]+)`", line):
            check_command(shlex.split(shown.replace("...", "")))


def test_every_verb_is_shown_in_a_guide():
    shown = set()
    for page, blocks in BLOCKS.items():
        if page.parent == Path("docs/plugins/guides"):
            commands = [
                words for block in blocks if block.language in SHELLS for words in find_commands(block, "platform-base")
            ]
            shown |= {word for words in commands for word in words[:1]}
    assert set(typer.main.get_command(app).commands) <= shown


def check_command(words):
    """Look up the verb and every option in the parser itself."""
    verbs = typer.main.get_command(app).commands
    named = [word for word in words if not word.startswith("-")]
    if named[:1] == ["VERB"]:
        return
    assert not named or named[0] in verbs, words
    known = {"--help", "-h", "--version", "--verbose", "-v", "--log-json"}
    if named:
        verb = verbs[named[0]]
        inner = getattr(verb, "commands", {}).get(named[1]) if len(named) > 1 else None
        known |= {spelling for option in (inner or verb).params for spelling in option.opts}
    assert {word.partition("=")[0] for word in words if word.startswith("-")} <= known, words


@EACH_PAGE
def test_links_lead_somewhere(page):
    for target in find_links(REPOSITORY / page):
        if re.match(r"[a-z]+:", target):
            continue
        path, _, anchor = target.partition("#")
        file = (REPOSITORY / page).parent / path if path else REPOSITORY / page
        assert file.exists(), f"{page}: {target}"
        if anchor:
            assert anchor in find_anchors(file), f"{page}: {target}"


@EACH_PAGE
def test_pages_are_clean(page):
    lines = read_prose(REPOSITORY / page)
    headings = [line for line in lines if line.startswith("# ")]
    assert len(headings) == 1, f"{page}: expected one title"
    assert not any(re.search(r"\b(TODO|TBD|FIXME)\b", line) for line in lines)


def test_the_index_names_every_page():
    index = REPOSITORY / "docs" / "plugins" / "README.md"
    linked = {(index.parent / target.partition("#")[0]).resolve() for target in find_links(index)}
    pages = {(REPOSITORY / page).resolve() for page in PAGES if page.parts[0] == "docs" and REPOSITORY / page != index}
    assert pages - linked == set()


def test_architecture_is_short():
    assert len((REPOSITORY / "ARCHITECTURE.md").read_text(encoding="utf-8").splitlines()) <= 200


def test_both_readmes_have_the_same_parts():
    english, portuguese = BLOCKS[Path("README.md")], BLOCKS[Path("README.pt-BR.md")]
    assert [block.language for block in english] == [block.language for block in portuguese]
    titles = [
        [line for line in read_prose(REPOSITORY / name) if line.startswith("#")]
        for name in ("README.md", "README.pt-BR.md")
    ]
    assert [title.count("#") for title in titles[0]] == [title.count("#") for title in titles[1]]


@pytest.mark.parametrize("name", ["README.md", "README.pt-BR.md"])
def test_both_readmes_name_every_verb(name):
    (rows,) = re.findall(
        r"(?:^\|.*`list`.*\n|^\|.*`(?:new|doctor)`.*\n)+", (REPOSITORY / name).read_text("utf-8"), re.MULTILINE
    )
    assert set(re.findall(r"`([a-z]+)`", rows)) == set(typer.main.get_command(app).commands)


class TestSettingsReference:
    PAGE = REFERENCE / "settings.md"

    @pytest.mark.parametrize(
        ("heading", "model"),
        [
            ("The document", Settings),
            ("security", SecuritySettings),
            ("security.filesystem", Filesystem),
            ("security.network", Network),
            ("workers", WorkerSettings),
            ("crash_loop", CrashLoopSettings),
            ("cache", CacheSettings),
            ("replay", ReplaySettings),
            ("history", HistorySettings),
        ],
    )
    def test_every_key_with_its_default(self, heading, model):
        rows = read_table(self.PAGE, heading)
        assert set(rows) == set(model.model_fields)
        defaults = model().model_dump(mode="json")
        for key, cells in rows.items():
            if isinstance(defaults[key], dict):
                continue
            assert yaml.safe_load(cells[1].strip("`")) == defaults[key], key

    def test_keys_of_one_plugin(self):
        assert set(read_table(self.PAGE, "plugins.ID.workers")) == set(PluginWorkerSettings.model_fields)

    def test_every_environment_variable(self):
        rows = read_table(self.PAGE, "Environment variables")
        assert {"PLATFORM_BASE_CONFIG", "PLATFORM_BASE_PLUGIN_PATH", "PLATFORM_BASE_CACHE_DIR"} <= set(rows)


class TestManifestReference:
    PAGE = REFERENCE / "manifest.md"

    @pytest.mark.parametrize(
        ("heading", "model"),
        [
            ("The document", Manifest),
            ("documentation", Documentation),
            ("produces", Product),
            ("configuration", Parameter),
            ("permissions", Permissions),
            ("permissions.filesystem", Filesystem),
            ("self_test", SelfTest),
            ("self_test.inputs", Source),
            ("self_test.expected", Expectation),
            ("self_test generators", Generator),
        ],
    )
    def test_every_key(self, heading, model):
        rows = read_table(self.PAGE, heading)
        assert set(rows) == set(model.model_fields)
        for key, cells in rows.items():
            assert ("required" in cells[1]) == model.model_fields[key].is_required(), key


class TestErrorsReference:
    PAGE = REFERENCE / "errors.md"

    def test_every_class(self):
        rows = read_table(self.PAGE, "Every class")
        assert set(rows) == set(ERRORS)
        for name, cells in rows.items():
            base = ERRORS[name].__bases__[0].__name__
            assert base in cells[0], name

    def test_every_attribute(self):
        rows = read_table(self.PAGE, "Every class")
        for name, value in ERRORS.items():
            arguments = set(inspect.signature(value.__init__).parameters) - {"self", "message", "args", "kwargs"}
            assert set(re.findall(r"`\.(\w+)`", rows[name][1])) == arguments, name

    def test_every_fact_of_a_problem(self):
        facts = {each.name for each in dataclasses.fields(errors.Problem)}
        assert set(read_table(self.PAGE, "Problem")) == facts


class TestRegistryReference:
    PAGE = REFERENCE / "registry.md"

    def test_every_method(self):
        public = {name for name in vars(PluginRegistry) if not name.startswith("_")}
        titles = {line.lstrip("# ").strip("`") for line in read_prose(self.PAGE) if line.startswith("### ")}
        assert titles == public

    def test_every_signature(self):
        shown = {}
        for block in BLOCKS[self.PAGE.relative_to(REPOSITORY)]:
            if block.options.get("no-run") == "a signature":
                functions = [node for node in ast.walk(ast.parse(block.text)) if isinstance(node, FUNCTIONS)]
                shown |= {function.name: describe_signature(function) for function in functions}
        for name, method in inspect.getmembers(PluginRegistry, inspect.isfunction):
            if not name.startswith("_") or name == "__init__":
                wrapped = re.sub(r"<class ([\w.]+)>", r"\1", str(inspect.signature(method)).replace("'", ""))
                (written,) = ast.parse(f"def {name}{wrapped}: ...").body
                assert shown[name] == describe_signature(written), name

    def test_every_argument(self):
        text = self.PAGE.read_text(encoding="utf-8")
        for name, method in inspect.getmembers(PluginRegistry, inspect.isfunction):
            if not name.startswith("_"):
                section = text.partition(f"### `{name}`")[2].partition("\n### ")[0]
                for argument in set(inspect.signature(method).parameters) - {"self"}:
                    assert f"`{argument}`" in section or f"{argument}:" in section, f"{name}: {argument}"

    @pytest.mark.parametrize(
        ("heading", "keys"),
        [
            ("PluginInfo", set(PluginInfo.__annotations__)),
            ("PluginStats", set(PluginStats.__annotations__)),
            ("WorkerInfo", set(WorkerInfo.__annotations__)),
            ("TimeProfile", {each.name for each in dataclasses.fields(TimeProfile)}),
            ("MemoryProfile", {each.name for each in dataclasses.fields(MemoryProfile)}),
            ("PluginChange", set(PluginChange.__annotations__)),
            ("PluginUpdate", set(PluginUpdate.__annotations__)),
            ("KeptCall", {each.name for each in dataclasses.fields(KeptCall)}),
            ("ShadowReport", set(ShadowReport.__annotations__)),
            ("SelfTestInfo", set(SelfTestInfo.__annotations__)),
            ("Execution", set(Execution.__struct_fields__)),
            ("ProcessingResult", set(ProcessingResult.__struct_fields__)),
        ],
    )
    def test_every_key(self, heading, keys):
        assert set(read_table(self.PAGE, heading)) == keys
