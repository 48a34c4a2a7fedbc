"""The specification, walked literally: its files, its snippets and its calls, in a copy of the repository.

The constants are the specification's own text. They are executed as they stand, comments included.
"""

from __future__ import annotations

import inspect
import json
import logging
import os
import re
import select
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

from platform_base.core.models import ProcessingResult
from platform_base.plugins.base import PluginProtocol
from platform_base.plugins.errors import PluginNotFoundError
from platform_base.plugins.registry import PluginRegistry
from tests.conftest import REPOSITORY

DEADLINE_S = 30.0

PROTOCOL = '''
from platform_base.plugins.base import PluginProtocol
from platform_base.core.models import ProcessingResult

class MyPlugin(PluginProtocol):
    def execute(self, inputs: dict) -> ProcessingResult:
        """Executa processamento principal do plugin"""
        pass
    
    def validate_inputs(self, inputs: dict) -> bool:
        """Valida entradas antes da execução"""
        pass
    
    def get_manifest(self) -> dict:
        """Retorna metadados do plugin"""
        pass
'''  # noqa: W293 - as the specification has it

TREE = """
README.md
template/manifest.json
template/plugin_template.py
template/README.md
advanced_sync/manifest.json
advanced_sync/dtw_plugin.py
advanced_sync/README.md
advanced_sync/examples/dtw_example.py
custom_filters/manifest.json
custom_filters/filters_plugin.py
custom_filters/README.md
"""

STEP_1 = """
# Copiar template
cp -r plugins/template plugins/meu_plugin

# Renomear arquivos
mv plugins/meu_plugin/plugin_template.py plugins/meu_plugin/meu_plugin.py
"""

STEP_2 = '''
from platform_base.plugins.base import PluginProtocol
from platform_base.core.models import ProcessingResult
import numpy as np

class MeuPlugin(PluginProtocol):
    def __init__(self):
        self.config = {}
    
    def execute(self, inputs: dict) -> ProcessingResult:
        """Implementa a lógica principal"""
        series = inputs["series"]
        params = inputs.get("params", {})
        
        # Seu processamento aqui
        result = self._processar(series, params)
        
        return ProcessingResult(
            values=result,
            metadata={"plugin": "meu_plugin"}
        )
    
    def validate_inputs(self, inputs: dict) -> bool:
        """Valida entradas"""
        required = ["series"]
        return all(key in inputs for key in required)
    
    def get_manifest(self) -> dict:
        """Retorna metadados"""
        return {
            "plugin_id": "meu_plugin",
            "version": "1.0.0",
            "description": "Meu plugin customizado"
        }
    
    def _processar(self, series, params):
        """Lógica de processamento interna"""
        return np.array(series) * 2  # Exemplo simples
'''  # noqa: W293 - as the specification has it

STEP_3 = """
{
  "plugin_id": "meu_plugin",
  "version": "1.0.0",
  "core_min_version": "2.0.0",
  "requires": ["numpy"],
  "produces": ["processed_series"],
  "entry_point": "meu_plugin.MeuPlugin",
  "description": "Plugin de exemplo que dobra os valores",
  "author": "Seu Nome",
  "configuration": {
    "multiplier": {
      "type": "float",
      "default": 2.0,
      "description": "Fator de multiplicação"
    }
  }
}
"""

STEP_4 = """
# tests/test_meu_plugin.py
import pytest
from plugins.meu_plugin.meu_plugin import MeuPlugin

def test_plugin_execution():
    plugin = MeuPlugin()
    inputs = {"series": [1, 2, 3, 4]}
    
    result = plugin.execute(inputs)
    
    assert result.values.tolist() == [2, 4, 6, 8]

def test_plugin_validation():
    plugin = MeuPlugin()
    
    assert plugin.validate_inputs({"series": [1, 2, 3]}) == True
    assert plugin.validate_inputs({"other": [1, 2, 3]}) == False
"""  # noqa: W293 - as the specification has it

LOADING = """
from platform_base.plugins.registry import PluginRegistry

registry = PluginRegistry()
registry.discover_plugins("plugins/")
registry.load_all()

# Listar plugins disponíveis
plugins = registry.list_plugins()
for plugin_info in plugins:
    print(f"{plugin_info['id']}: {plugin_info['description']}")
"""

EXECUTION = """
# Executar plugin com isolamento
result = registry.execute_plugin(
    plugin_id="dtw_align",
    inputs={
        "reference": ref_series,
        "target": target_series
    },
    params={
        "distance_metric": "euclidean",
        "window_size": 100
    },
    timeout=30  # Timeout em segundos
)
"""

SETTINGS = """
# config/plugins.yaml
security:
  enable_sandboxing: true
  default_timeout: 30
  max_memory_mb: 512
  max_cpu_percent: 50
  allowed_modules:
    - numpy
    - scipy
    - pandas
  blocked_modules:
    - os
    - subprocess
    - socket
"""

HOT_RELOAD = """
# Registry suporta hot-reload automaticamente
registry.enable_hot_reload()

# Modificar plugin no disco
# -> Reload automático detectado
# -> Plugin recarregado sem restart
"""

LOAD_VERSION = """
# Carregar versão específica
registry.load_plugin("dtw_align", version="1.0.0")
"""

UPDATE_VERSION = """
# Atualizar para nova versão
registry.update_plugin("dtw_align", version="1.1.0")
"""

DTW = """
inputs = {
    "reference": reference_series,
    "target": target_series
}
params = {
    "distance_metric": "euclidean",
    "window_size": 100,
    "step_pattern": "symmetric"
}
"""

TWED = """
inputs = {
    "series1": first_series,
    "series2": second_series
}
params = {
    "nu": 1.0,
    "lambda": 1.0
}
"""

FILTERS = """
inputs = {
    "series": input_series
}
params = {
    "filter_type": "butterworth",
    "cutoff": 0.1,
    "order": 4
}
"""

LOGS = """
import logging
logging.getLogger('platform_base.plugins').setLevel(logging.DEBUG)

# Logs incluem:
# - Plugin loading/unloading
# - Execution times
# - Memory usage
# - Error stacktraces
"""

STATS = """
# Registry coleta métricas automaticamente
stats = registry.get_plugin_stats("dtw_align")
print(f"Execuções: {stats['execution_count']}")
print(f"Tempo médio: {stats['avg_execution_time']:.3f}s")
print(f"Uso de memória: {stats['memory_usage_mb']:.1f}MB")
"""

TIME = np.arange(300)
REFERENCE = np.exp(-(((TIME - 120) / 15) ** 2))
TARGET = np.exp(-(((TIME - 160) / 15) ** 2))


@pytest.fixture(scope="session")
def compiled(cache: Path) -> None:
    """Kernels as `platform-base warmup` leaves them: a busy machine needs more than the deadline of the snippet."""
    with PluginRegistry({"security": {"max_cpu_percent": None}}) as registry:
        registry.discover_plugins(REPOSITORY / "plugins")
        inputs = {"reference": REFERENCE, "target": TARGET}
        registry.execute_plugin("dtw_align", inputs, {"window_size": 100}, timeout=600)


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the repository, which is then the current directory."""
    root = tmp_path / "platform-base"
    caches = shutil.ignore_patterns(".*", "__pycache__", "*.egg-info", "out", "build", "dist", "*.nb[ci]")
    shutil.copytree(REPOSITORY, root, ignore=caches)
    monkeypatch.chdir(root)
    return root


def run_snippet(text: str, names: dict[str, Any]) -> dict[str, Any]:
    """Execute a snippet of the specification; the names it makes are added to `names`."""
    exec(compile(text, "<specification>", "exec"), names)
    return names


def write_meu_plugin(root: Path) -> Path:
    """Do the development steps 1 to 4; return the plugin's file."""
    subprocess.run(["/bin/sh", "-e", "-c", STEP_1], cwd=root, check=True)
    directory = root / "plugins" / "meu_plugin"
    source = directory / "meu_plugin.py"
    assert source.is_file()
    assert not (directory / "plugin_template.py").exists()
    source.write_text(STEP_2, encoding="utf-8")
    (directory / "manifest.json").write_text(STEP_3, encoding="utf-8")
    (root / "tests" / "test_meu_plugin.py").write_text(STEP_4, encoding="utf-8")
    return source


class TestFiles:
    @pytest.mark.parametrize("name", TREE.split())
    def test_directory_structure(self, name):
        assert (REPOSITORY / "plugins" / name).is_file()

    def test_documentation_folder(self):
        assert (REPOSITORY / "docs" / "plugins" / "README.md").is_file()

    def test_the_manifest_schema_lists_every_field_of_the_specification(self):
        schema = json.loads((REPOSITORY / "docs/plugins/reference/manifest.schema.json").read_text("utf-8"))
        fields = {"plugin_id", "version", "core_min_version", "core_max_version", "requires", "produces"}
        fields |= {"entry_point", "description", "author", "license", "tags", "documentation", "configuration"}
        assert fields <= set(schema["properties"])
        parameter = schema["$defs"]["Parameter"]["properties"]
        assert {"type", "default", "options", "description"} <= set(parameter)
        assert {"readme", "examples"} <= set(schema["$defs"]["Documentation"]["properties"])


class TestGuide:
    """The guide in `plugins/README.md` says in its own words what the specification says."""

    TEXT = (REPOSITORY / "plugins" / "README.md").read_text(encoding="utf-8")

    @pytest.mark.parametrize(
        "snippet",
        [PROTOCOL, STEP_1, STEP_2, STEP_4, LOADING, EXECUTION, HOT_RELOAD, LOAD_VERSION, UPDATE_VERSION, LOGS, STATS],
    )
    def test_every_import_and_call(self, snippet):
        spoken = r"^(?:from .+|import .+|cp .+|mv .+)$|registry\.\w+\(|stats\['\w+'\]|getLogger\(.+\)|def \w+"
        wanted = set(re.findall(spoken, snippet, re.MULTILINE)) - {"def _processar"}
        assert {each for each in wanted if each not in self.TEXT} == set()

    @pytest.mark.parametrize("snippet", [EXECUTION, DTW, TWED, FILTERS])
    def test_every_input_and_parameter(self, snippet):
        for pair in re.findall(r'"\w+": [^,{\s]+', snippet):
            assert pair in self.TEXT

    def test_every_key(self):
        keys = {*json.loads(STEP_3), *yaml.safe_load(SETTINGS)["security"]}
        keys |= {"core_max_version", "license", "tags", "documentation", "readme", "examples", "options"}
        assert {key for key in keys if key not in self.TEXT} == set()

    @pytest.mark.parametrize("name", sorted({Path(name).name for name in TREE.split()}))
    def test_every_file(self, name):
        assert name in self.TEXT


class TestDevelopment:
    def test_the_four_steps_and_a_run(self, checkout, nothing_left):
        write_meu_plugin(checkout)

        tests = subprocess.run(
            [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-q", "tests/test_meu_plugin.py"],
            cwd=checkout,
            env={**os.environ, "PYTEST_ADDOPTS": "", "PYTHONDONTWRITEBYTECODE": "1"},
            capture_output=True,
            text=True,
            check=False,
        )
        assert tests.returncode == 0, tests.stdout + tests.stderr
        assert "2 passed" in tests.stdout

        with PluginRegistry() as registry:
            registry.discover_plugins("plugins/")
            registry.load_all()
            result = registry.execute_plugin("meu_plugin", {"series": [1, 2, 3, 4]})
            assert registry.problems == ()
        assert result.values.tolist() == [2, 4, 6, 8]
        assert result.metadata == {"plugin": "meu_plugin"}
        assert result.execution.parameters == {"multiplier": 2.0}

    def test_the_pytest_command_also_finds_the_plugin(self, checkout):
        write_meu_plugin(checkout)
        program = Path(sys.executable).with_name("pytest")
        command = [str(program)] if program.exists() else [sys.executable, "-m", "pytest"]
        tests = subprocess.run(
            [*command, "-p", "no:cacheprovider", "-q", "tests/test_meu_plugin.py"],
            cwd=checkout,
            env={**os.environ, "PYTEST_ADDOPTS": "", "PYTHONDONTWRITEBYTECODE": "1"},
            capture_output=True,
            text=True,
            check=False,
        )
        assert tests.returncode == 0, tests.stdout + tests.stderr


class TestRegistry:
    def test_loading_and_listing(self, checkout, nothing_left, capsys):
        names = run_snippet(LOADING, {})
        names["registry"].close()
        lines = capsys.readouterr().out.splitlines()
        for plugin_id in ("custom_filters", "dtw_align", "plugin_template", "twed_distance"):
            assert any(line.startswith(f"{plugin_id}: ") and len(line) > 30 for line in lines)
        assert all(type(row) is dict and row["loaded"] for row in names["plugins"])

    def test_isolated_execution(self, compiled, checkout, nothing_left):
        names = run_snippet(LOADING, {"ref_series": REFERENCE, "target_series": TARGET})
        with names["registry"]:
            run_snippet(EXECUTION, names)
        result = names["result"]
        assert isinstance(result, ProcessingResult)
        assert result.values.argmax() == REFERENCE.argmax()
        assert result.execution.engine == "local"
        assert {"process", "landlock", "seccomp"} <= set(result.execution.protections)
        assert result.execution.parameters["window_size"] == 100

    @pytest.mark.parametrize(
        ("plugin_id", "snippet", "check"),
        [
            ("dtw_align", DTW, lambda r: r.values.argmax() == 120 and r.metadata["path"].shape[1] == 2),
            (
                "twed_distance",
                TWED,
                lambda r: r.values > 0 and r.metadata["cost_matrix"][-1, -1] == pytest.approx(r.values),
            ),
            ("custom_filters", FILTERS, lambda r: 0.5 < r.values.max() < 1 and r.values.shape == (300,)),
        ],
    )
    def test_bundled_plugins(self, checkout, nothing_left, plugin_id, snippet, check):
        series = {
            "reference_series": REFERENCE,
            "target_series": TARGET,
            "first_series": REFERENCE,
            "second_series": TARGET,
            "input_series": REFERENCE,
        }
        names = run_snippet(snippet, series)
        with PluginRegistry() as registry:
            registry.discover_plugins("plugins/")
            result = registry.execute_plugin(plugin_id, names["inputs"], names["params"])
        assert check(result)

    def test_the_settings_as_written(self, checkout, nothing_left):
        (checkout / "config" / "plugins.yaml").write_text(SETTINGS, encoding="utf-8")
        with PluginRegistry() as registry:
            security = registry.settings.security
            assert registry.settings.source == "config/plugins.yaml"
            assert security.enable_sandboxing is True
            assert (security.default_timeout, security.max_memory_mb) == (30, 512)
            assert security.max_cpu_percent == 50
            assert security.allowed_modules == ("numpy", "scipy", "pandas")
            assert security.blocked_modules == ("os", "subprocess", "socket")
            registry.discover_plugins("plugins/")
            registry.load_all()
            assert registry.problems == ()
            result = registry.execute_plugin("dtw_align", {"reference": REFERENCE, "target": TARGET})
        assert result.metadata["kernel"] == "numpy"  # these settings leave numba out

    def test_versions(self, checkout, nothing_left):
        with PluginRegistry() as registry:
            registry.discover_plugins("plugins/")
            run_snippet(LOAD_VERSION, {"registry": registry})
            drop_version(checkout, "1.1.0")
            inputs = {"reference": REFERENCE, "target": TARGET}
            before = registry.execute_plugin("dtw_align", inputs)
            run_snippet(UPDATE_VERSION, {"registry": registry})
            after = registry.execute_plugin("dtw_align", inputs)
            with pytest.raises(PluginNotFoundError, match=r"1\.0\.0, 1\.1\.0"):
                registry.load_plugin("dtw_align", version="3.0.0")
        assert before.execution.version == "1.0.0"
        assert after.execution.version == "1.1.0"
        np.testing.assert_array_equal(before.values, after.values)

    def test_hot_reload(self, checkout, nothing_left):
        source = write_meu_plugin(checkout)
        with PluginRegistry() as registry:
            registry.discover_plugins("plugins/")
            run_snippet(HOT_RELOAD, {"registry": registry})

            def answer() -> list[int]:
                values: list[int] = registry.execute_plugin("meu_plugin", {"series": [1, 2]}).values.tolist()
                return values

            assert answer() == [2, 4]
            source.write_text(STEP_2.replace("* 2", "* 3"), encoding="utf-8")
            deadline = time.monotonic() + DEADLINE_S
            while answer() == [2, 4] and time.monotonic() < deadline:
                continue
            assert answer() == [3, 6]

    def test_logs(self, checkout, nothing_left, caplog):
        logger = logging.getLogger("platform_base.plugins")
        level = logger.level
        source = write_meu_plugin(checkout)
        source.write_text(STEP_2.replace("np.array(series)", "series[9]"), encoding="utf-8")
        try:
            run_snippet(LOGS, {})
            with PluginRegistry() as registry:
                registry.discover_plugins("plugins/")
                registry.execute_plugin("plugin_template", {"series": [1.0]})
                with pytest.raises(Exception, match="IndexError"):
                    registry.execute_plugin("meu_plugin", {"series": [1.0]})
                registry.unload_plugin("plugin_template")
        finally:
            logger.setLevel(level)
        assert "loaded plugin_template 1.0.0" in caplog.text
        assert "unloaded plugin_template 1.0.0" in caplog.text
        assert "plugin_template 1.0.0 took 0." in caplog.text
        assert "MB" in caplog.text
        assert "Traceback" in caplog.text
        assert str(source) in caplog.text

    def test_stats(self, checkout, nothing_left, capsys):
        with PluginRegistry() as registry:
            registry.discover_plugins("plugins/")
            for _ in range(2):
                registry.execute_plugin("dtw_align", {"reference": REFERENCE, "target": TARGET})
            names = run_snippet(STATS, {"registry": registry})
        first, second, third = capsys.readouterr().out.splitlines()
        assert first == "Execuções: 2"
        assert float(second.removeprefix("Tempo médio: ").removesuffix("s")) == pytest.approx(
            names["stats"]["avg_execution_time"], abs=1e-3
        )
        assert float(third.removeprefix("Uso de memória: ").removesuffix("MB")) > 10

    def test_unload_and_run_again(self, checkout, nothing_left):
        with PluginRegistry() as registry:
            registry.discover_plugins("plugins/")
            registry.load_plugin("plugin_template")
            registry.unload_plugin("plugin_template")
            assert [row["id"] for row in registry.list_plugins() if row["loaded"]] == []
            assert registry.execute_plugin("plugin_template", {"series": [1.0]}).values.tolist() == [2.0]

    def test_a_program_that_never_closes_its_registry_leaves_nothing(self, checkout):
        temporary = checkout.parent / "temporary"
        temporary.mkdir(mode=0o755)
        program = LOADING + "\nprint(*(warden.pid for warden, _ in registry._engine._workshop._wardens.values()))\n"
        ended = subprocess.Popen(
            [sys.executable, "-c", program],
            env={**os.environ, "TMPDIR": str(temporary)},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        output, errors = ended.communicate(timeout=DEADLINE_S)
        assert ended.returncode == 0, errors
        for pid in map(int, output.splitlines()[-1].split()):
            wait_for_end(pid)
        assert list(temporary.iterdir()) == []


class TestSignatures:
    def test_protocol(self):
        names = run_snippet(PROTOCOL, {})
        assert isinstance(names["MyPlugin"](), PluginProtocol)
        for method, arguments in (("execute", ({},)), ("validate_inputs", ({},)), ("get_manifest", ())):
            inspect.signature(getattr(PluginProtocol, method)).bind(None, *arguments)

    @pytest.mark.parametrize(
        ("method", "arguments", "keywords"),
        [
            ("discover_plugins", ("plugins/",), {}),
            ("discover_plugins", (), {"path": "plugins/"}),
            ("load_all", (), {}),
            ("load_plugin", ("dtw_align",), {}),
            ("load_plugin", (), {"plugin_id": "dtw_align", "version": None}),
            ("update_plugin", ("dtw_align",), {"version": "1.1.0"}),
            ("execute_plugin", ("dtw_align", {}), {}),
            ("execute_plugin", ("dtw_align", {}, None), {}),
            ("execute_plugin", (), {"plugin_id": "a", "inputs": {}, "params": {}, "timeout": 30}),
            ("list_plugins", (), {}),
            ("unload_plugin", ("dtw_align",), {}),
            ("unload_plugin", (), {"plugin_id": "dtw_align"}),
            ("enable_hot_reload", (), {}),
            ("get_plugin_stats", ("dtw_align",), {}),
        ],
    )
    def test_registry(self, method, arguments, keywords):
        inspect.signature(getattr(PluginRegistry, method)).bind(None, *arguments, **keywords)

    def test_results_are_built_as_the_specification_builds_them(self):
        result = ProcessingResult(values=[1], metadata={"plugin": "meu_plugin"})
        assert (result.values, result.metadata, result.execution) == ([1], {"plugin": "meu_plugin"}, None)


def test_the_registry_is_light_to_import():
    heavy = "scipy numba pandas polars pyarrow matplotlib"
    program = f"""
import sys
import platform_base.plugins.registry
print(*sorted(set({heavy.split()!r}) & set(sys.modules)))
"""
    loaded = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert loaded.stdout.split() == []


def drop_version(root: Path, version: str) -> None:
    """Put a copy of dtw_align beside the original, as another version."""
    directory = root / "plugins" / "advanced_sync_next"
    shutil.copytree(root / "plugins" / "advanced_sync", directory)
    for name in ("manifest.json", "dtw_plugin.py"):
        file = directory / name
        text = file.read_text(encoding="utf-8")
        assert '"version": "1.0.0"' in text
        file.write_text(text.replace('"version": "1.0.0"', f'"version": "{version}"'), encoding="utf-8")


def wait_for_end(process: int) -> None:
    """Wait until a process that is not ours has ended."""
    try:
        watched = os.pidfd_open(process)
    except ProcessLookupError:
        return
    try:
        assert select.select([watched], [], [], DEADLINE_S)[0], "the warden outlived its host"
    finally:
        os.close(watched)
