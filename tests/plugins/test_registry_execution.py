"""Running plugins: results, every way a call can end, and that the next call works."""

from __future__ import annotations

import concurrent.futures
import logging
import os
import select
import signal
import threading
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
from tests.conftest import OPEN_IMPORTS, SAMPLES, eventually, workers

from platform_base.plugins.errors import (
    EncodingError,
    ExecutionError,
    InvalidInputsError,
    MemoryLimitError,
    ParameterError,
    PluginFailedError,
    PluginNotFoundError,
    PluginTimeoutError,
    RegistryClosedError,
    ResourceLimitError,
    WireError,
    WorkerCrashedError,
)
from platform_base.plugins.registry import PluginRegistry

SERIES = np.arange(5.0)


def run(registry, do, timeout=None, **inputs):
    return registry.execute_plugin("behaviours", {"do": do, **inputs}, timeout=timeout)


def kill_and_wait(process):
    watched = os.pidfd_open(process)
    signal.pidfd_send_signal(watched, signal.SIGKILL)
    assert select.select([watched], [], [], 10)[0]
    os.close(watched)


def scale_works(registry):
    return run(registry, "scale", series=SERIES).values.tolist() == [0.0, 2.0, 4.0, 6.0, 8.0]


class TestResults:
    def test_values_and_execution(self, registry):
        result = registry.execute_plugin("behaviours", {"series": SERIES}, {"factor": 3})
        np.testing.assert_array_equal(result.values, SERIES * 3)
        execution = result.execution
        assert execution.plugin_id == "behaviours"
        assert execution.version == "1.0.0"
        assert execution.digest.startswith("sha256:")
        assert execution.parameters == {"factor": 3.0, "label": None}
        assert execution.wall_seconds > 0
        assert execution.cpu_seconds > 0
        assert execution.peak_memory_bytes > 1 << 20
        assert execution.engine == "local"
        assert {"process", "landlock", "seccomp", "no_new_privs"} <= set(execution.protections)

    @pytest.mark.parametrize("size", [0, 1, 100, 10_000, 1_000_000])
    def test_arrays_of_any_size_come_back_writable(self, registry, size):
        series = np.random.default_rng(0).random(size)
        result = run(registry, "scale", series=series).values
        np.testing.assert_array_equal(result, series * 2)
        result[:] = 0

    def test_results_stay_valid_after_later_calls_and_after_closing(self):
        series = np.random.default_rng(0).random(500_000)
        with PluginRegistry(OPEN_IMPORTS) as registry:
            registry.discover_plugins(SAMPLES)
            first = run(registry, "scale", series=series).values
            run(registry, "scale", series=np.zeros(500_000))
        np.testing.assert_array_equal(first, series * 2)

    @pytest.mark.parametrize(
        "value",
        [
            None,
            True,
            2**100,
            1.5,
            2 - 3j,
            "text",
            b"bytes",
            [1, [2.0, "x"]],
            (1, (2,)),
            {"a": {"b": [1]}},
            datetime(2026, 1, 2, 3, tzinfo=UTC),
            list(range(100_000)),
            ["text"] * 50_000,
        ],
        ids=lambda value: type(value).__name__,
    )
    def test_plain_values_make_the_round_trip(self, registry, value):
        result = run(registry, "echo", value=value).values
        assert result == value
        assert type(result) is type(value)

    def test_sizes_that_grow_and_shrink_from_call_to_call(self, registry):
        generator = np.random.default_rng(0)
        kept = []
        for size in [10, 100_000, 50, 400_000, 399_999, 3, 0, 1_000_000, 20_000]:
            series = generator.random(size)
            kept.append((series, run(registry, "scale", series=series).values))
        for series, result in kept:
            np.testing.assert_array_equal(result, series * 2)

    def test_results_too_large_to_copy_are_handed_over(self, nothing_left):
        settings = {"security": {**OPEN_IMPORTS["security"], "max_memory_mb": 1024, "max_cpu_percent": None}}
        series = np.arange(20_000_000, dtype=np.float64)
        with PluginRegistry(settings) as registry:
            registry.discover_plugins(SAMPLES)
            for _ in range(3):
                result = run(registry, "scale", series=series).values
                assert np.array_equal(result, series * 2)
                result[0] = 1.0
            assert scale_works(registry)

    def test_many_arrays_in_one_call(self, registry):
        value = {str(index): np.full((index, 3), index, dtype=">i4") for index in range(50)}
        result = run(registry, "echo", value=value).values
        assert list(result) == list(value)
        for key, array in value.items():
            np.testing.assert_array_equal(result[key], array)
            assert result[key].dtype == array.dtype

    def test_parameters_reach_the_plugin_resolved(self, registry):
        result = registry.execute_plugin(
            "behaviours", {"do": "echo", "value": 1, "params": {"label": "x"}}, {"factor": 1}
        )
        assert result.metadata["params"] == {"factor": 1.0, "label": "x"}

    def test_progress_arrives_in_order(self, registry):
        seen = []
        registry.execute_plugin(
            "behaviours", {"do": "report"}, progress=lambda fraction, text: seen.append((fraction, text))
        )
        assert [text for _, text in seen] == ["step 1", "step 2", "step 3"]
        assert seen[-1][0] == 1.0

    def test_a_failing_progress_callback_ends_the_call_and_harms_nothing(self, registry):
        def fail(fraction, text):
            raise ZeroDivisionError

        with pytest.raises(ZeroDivisionError):
            registry.execute_plugin("behaviours", {"do": "report"}, progress=fail)
        assert scale_works(registry)


class TestFailures:
    def test_an_exception_arrives_with_type_message_and_traceback(self, registry):
        with pytest.raises(PluginFailedError) as caught:
            run(registry, "raise_error")
        assert caught.value.remote_type == "ValueError"
        assert caught.value.remote_message == "the \\x1b[2J message\nwith a second line"
        assert str(SAMPLES / "behaviours" / "behaviours.py") in caught.value.remote_traceback
        assert "in raise_error" in caught.value.remote_traceback
        assert "\x1b" not in str(caught.value) + caught.value.remote_traceback
        assert scale_works(registry)

    def test_an_exception_that_cannot_be_printed(self, registry):
        with pytest.raises(PluginFailedError, match="its __str__ failed"):
            run(registry, "raise_unprintable")
        assert scale_works(registry)

    def test_a_plugin_cannot_end_its_worker_by_sys_exit(self, registry):
        process = run(registry, "process").values
        with pytest.raises(PluginFailedError, match="SystemExit"):
            run(registry, "exit_system")
        assert run(registry, "process").values == process

    def test_an_exit_status_is_told(self, registry):
        with pytest.raises(WorkerCrashedError) as caught:
            run(registry, "exit_at_once")
        assert caught.value.exit_status == 7
        assert scale_works(registry)

    @pytest.mark.parametrize(("do", "name"), [("crash", "SIGSEGV"), ("kill_itself", "SIGKILL")])
    def test_a_signal_is_told_by_name(self, nothing_left, do, name):
        with PluginRegistry({"security": {**OPEN_IMPORTS["security"], "namespaces": "off"}}) as registry:
            registry.discover_plugins(SAMPLES)
            with pytest.raises(WorkerCrashedError) as caught:
                run(registry, do)
            assert caught.value.signal == name
            assert scale_works(registry)

    @pytest.mark.parametrize("do", ["hang", "sleep"])
    def test_a_deadline_ends_the_call_whatever_the_plugin_does(self, registry, do):
        with pytest.raises(PluginTimeoutError) as caught:
            run(registry, do, timeout=0.2, seconds=60)
        assert caught.value.timeout_s == 0.2
        assert isinstance(caught.value, TimeoutError)
        assert scale_works(registry)

    def test_memory_runs_out_cleanly(self, nothing_left):
        settings = {**OPEN_IMPORTS, "plugins": {"behaviours": {"max_memory_mb": 64}}}
        with PluginRegistry(settings) as registry:
            registry.discover_plugins(SAMPLES)
            assert run(registry, "allocate", bytes=1 << 20).values == 1 << 17
            before = run(registry, "process").values
            with pytest.raises(MemoryLimitError, match="64 MB") as caught:
                run(registry, "allocate", bytes=1 << 28)
            assert caught.value.limit == "max_memory_mb"
            assert isinstance(caught.value, MemoryError)
            assert run(registry, "process").values != before
            assert scale_works(registry)

    def test_inputs_larger_than_the_memory_limit_are_not_counted(self, nothing_left):
        settings = {**OPEN_IMPORTS, "plugins": {"behaviours": {"max_memory_mb": 64}}}
        with PluginRegistry(settings) as registry:
            registry.discover_plugins(SAMPLES)
            value = np.ones(20_000_000)
            result = run(registry, "echo", value=value)
            assert result.values.sum() == value.sum()

    def test_inputs_that_a_plugin_keeps_are_never_written_again(self, registry):
        for number in range(4):
            result = run(registry, "keep_input", series=np.full(50_000, float(number)))
            assert result.values == [float(earlier) for earlier in range(number + 1)]

    def test_a_result_beyond_its_limit_names_the_setting(self, nothing_left):
        settings = {**OPEN_IMPORTS, "plugins": {"behaviours": {"max_result_mb": 1}}}
        with PluginRegistry(settings) as registry:
            registry.discover_plugins(SAMPLES)
            assert run(registry, "scale", series=np.zeros(100_000)).values.size == 100_000
            with pytest.raises(ResourceLimitError, match="max_result_mb") as caught:
                run(registry, "scale", series=np.zeros(200_000))
            assert caught.value.limit == "max_result_mb"
            assert scale_works(registry)

    def test_every_started_worker_is_counted(self, registry):
        for _ in range(2):
            with pytest.raises(WorkerCrashedError):
                run(registry, "exit_at_once")
        assert scale_works(registry)
        stats = registry.get_plugin_stats("behaviours")
        assert stats["cold_starts"] == 3
        assert stats["load_seconds"] > 0
        assert stats["failures"] == {"WorkerCrashedError": 2}
        assert sum(stats["causes"].values()) == 2

    def test_refused_inputs_say_what_was_given(self, registry):
        with pytest.raises(InvalidInputsError) as caught:
            run(registry, "scale", refuse=1, series=SERIES, name="abc")
        message = str(caught.value)
        assert "series: ndarray (5,) float64" in message
        assert "name: str of length 3" in message
        assert message.endswith("; compare that with the inputs that its README lists")

    def test_a_result_that_is_none(self, registry):
        with pytest.raises(PluginFailedError, match="must return a ProcessingResult, got NoneType"):
            run(registry, "return_nothing")

    def test_a_result_that_cannot_be_sent_names_path_and_type(self, registry):
        with pytest.raises(EncodingError, match=r'metadata\["model"\].*object') as caught:
            run(registry, "return_unsendable")
        assert caught.value.path == 'metadata["model"]'
        assert scale_works(registry)

    def test_an_input_that_cannot_be_sent_names_path_and_type(self, registry):
        with pytest.raises(EncodingError, match=r'inputs\["value"\]\[1\].*set'):
            run(registry, "echo", value=[1, {2}])
        assert scale_works(registry)

    def test_inputs_are_read_only(self, registry):
        with pytest.raises(PluginFailedError, match="read-only"):
            run(registry, "write_input", series=np.zeros(100_000))

    @pytest.mark.parametrize("size", [10, 100_000])
    def test_inputs_cannot_be_made_writable(self, registry, size):
        with pytest.raises(PluginFailedError, match="cannot set WRITEABLE"):
            run(registry, "unlock_input", series=np.zeros(size))

    def test_inputs_are_read_only_for_the_kernel_too(self, registry):
        series = np.zeros(100_000)
        with pytest.raises(WorkerCrashedError) as caught:
            run(registry, "force_write_input", series=series)
        assert caught.value.signal == "SIGSEGV"
        assert not series.any()

    @pytest.mark.parametrize("do", ["garbage", "close_channel"])
    def test_a_worker_that_breaks_the_protocol_is_stopped(self, registry, do):
        with pytest.raises(WireError, match="broke the protocol"):
            run(registry, do)
        assert scale_works(registry)

    def test_an_unknown_plugin_is_named_with_the_nearest(self, registry):
        with pytest.raises(PluginNotFoundError, match="behaviours"):
            registry.execute_plugin("behaviour", {})

    def test_an_unknown_parameter_is_named_with_the_nearest(self, registry):
        with pytest.raises(ParameterError, match="factor"):
            registry.execute_plugin("behaviours", {"series": SERIES}, {"facter": 2.0})

    def test_a_parameter_through_both_doors(self, registry):
        with pytest.raises(ParameterError, match="one value"):
            registry.execute_plugin("behaviours", {"series": SERIES, "params": {"factor": 1.0}}, {"factor": 2.0})

    @pytest.mark.parametrize("inputs", [None, [1, 2], SERIES])
    def test_inputs_that_are_no_mapping(self, registry, inputs):
        with pytest.raises(InvalidInputsError, match="expected a mapping"):
            registry.execute_plugin("behaviours", inputs)

    @pytest.mark.parametrize("timeout", [0, -1, "10", True, float("nan")])
    def test_a_timeout_that_is_none(self, registry, timeout):
        with pytest.raises(ParameterError, match="timeout"):
            registry.execute_plugin("behaviours", {"series": SERIES}, timeout=timeout)


class TestOutput:
    def test_what_a_plugin_prints_goes_to_the_log_of_its_call(self, registry, caplog):
        with caplog.at_level(logging.INFO, "platform_base.plugins"):
            run(registry, "print_lines", text="first\n\x1b[31msecond")
        lines = [record.getMessage() for record in caplog.records if record.name.endswith("output")]
        assert "behaviours | first" in lines
        assert "behaviours | \\x1b[31msecond" in lines
        assert "behaviours | on standard error" in lines
        assert "behaviours | written past Python" in lines

    def test_output_beyond_the_limit_is_dropped_with_a_warning(self, registry):
        result = run(registry, "print_much", kilobytes=4096)
        assert result.values == "done"
        assert "bytes of output were dropped" in result.execution.warnings[0]
        assert run(registry, "process").execution.warnings == ()


class TestWorkers:
    def test_a_warm_worker_serves_the_next_call(self, registry):
        assert run(registry, "process").values == run(registry, "process").values

    def test_a_worker_that_died_while_idle_is_replaced_unnoticed(self, registry):
        before = run(registry, "sleep", seconds=0).values
        (process,) = workers(registry)
        kill_and_wait(process)
        assert run(registry, "process").values != before

    def test_each_worker_has_its_own_random_stream(self, registry):
        with concurrent.futures.ThreadPoolExecutor(2) as executor:
            draws = list(executor.map(lambda _: tuple(run(registry, "random").values), range(8)))
        assert len(set(draws)) == len(draws)

    def test_scratch_is_private_and_vanishes(self, registry):
        first = run(registry, "scratch")
        assert first.values == []
        assert os.path.isdir(first.metadata["directory"])
        assert run(registry, "scratch").values == ["left behind"]
        registry.unload_plugin("behaviours")
        assert not os.path.exists(first.metadata["directory"])
        assert run(registry, "scratch").values == []

    def test_no_variable_of_the_host_is_visible(self, registry, monkeypatch):
        monkeypatch.setenv("A_SECRET_OF_THE_HOST", "1")
        result = run(registry, "environment")
        assert "A_SECRET_OF_THE_HOST" not in result.values
        assert set(result.values) <= {
            "PATH", "LANG", "HOME", "TMPDIR", "OPENBLAS_NUM_THREADS", "OPENBLAS_THREAD_TIMEOUT", "OMP_NUM_THREADS",
            "MKL_NUM_THREADS", "NUMEXPR_NUM_THREADS", "NUMBA_NUM_THREADS", "NUMBA_CACHE_DIR",
            "NUMBA_CACHE_LOCATOR_CLASSES",
        }  # fmt: skip
        assert result.metadata["argv"] == ["behaviours"]

    def test_no_descriptor_of_the_host_is_open(self, registry):
        assert run(registry, "descriptors").values == [0, 1, 2, 3, 4]

    def test_threads_work(self, registry):
        assert run(registry, "nested_thread").values == [1]

    def test_the_warden_may_die(self, registry):
        assert scale_works(registry)
        (process,) = workers(registry)
        status = Path(f"/proc/{process}/status").read_text()
        (parent,) = (int(line.split()[1]) for line in status.splitlines() if line.startswith("PPid:"))
        kill_and_wait(parent)
        assert scale_works(registry)


class TestBackground:
    def test_a_submitted_call(self, registry):
        future = registry.submit_plugin("behaviours", {"series": SERIES})
        assert future.result(10).values.tolist() == (SERIES * 2).tolist()
        assert future.done()
        assert not future.cancel()

    def test_an_error_is_kept_for_the_result(self, registry):
        future = registry.submit_plugin("behaviours", {"do": "raise_error"})
        assert isinstance(future.exception(10), PluginFailedError)

    def test_cancel_stops_the_work(self, registry):
        begun = threading.Event()
        future = registry.submit_plugin("behaviours", {"do": "report"}, progress=lambda *_: begun.set())
        other = registry.submit_plugin("behaviours", {"do": "sleep", "seconds": 60})
        assert begun.wait(10)
        assert future.cancel()
        assert future.cancelled()
        assert other.cancel()
        assert concurrent.futures.wait([future, other], 10).not_done == set()
        assert scale_works(registry)

    def test_map_keeps_the_order(self, registry):
        results = registry.map_plugin("behaviours", ({"series": [float(i)]} for i in range(40)), {"factor": 1})
        assert [result.values[0] for result in results] == list(range(40))

    def test_map_is_lazy(self, registry):
        taken = []

        def endless():
            while True:
                taken.append(1)
                yield {"series": SERIES}

        results = registry.map_plugin("behaviours", endless())
        next(results)
        results.close()
        # A few groups ahead of the first result, each at most eight times as large as the one before: 1, 8, 64, 512.
        assert len(taken) <= 585

    def test_map_raises_where_it_failed(self, registry):
        items = [{"series": SERIES}, {"do": "raise_error"}, {"series": SERIES}]
        results = registry.map_plugin("behaviours", items)
        next(results)
        with pytest.raises(PluginFailedError):
            next(results)


@pytest.mark.parametrize(
    ("do", "cause"),
    [
        ("exit_at_once", "exit status 7"),
        ("crash", "signal SIGSEGV"),
        ("raise_error", "exception ValueError"),
        ("hang", "deadline"),
        ("close_channel", "broken protocol"),
    ],
)
def test_what_ended_a_call_is_said_and_counted(registry, do, cause):
    with pytest.raises(ExecutionError) as ended:
        registry.execute_plugin("behaviours", {"do": do}, timeout=0.5 if do == "hang" else None)
    assert ended.value.cause == cause
    assert registry.get_plugin_stats("behaviours")["causes"] == {cause: 1}


class TestClosing:
    def test_a_closed_registry_says_so(self, registry):
        registry.close()
        registry.close()
        with pytest.raises(RegistryClosedError, match="closed"):
            registry.execute_plugin("behaviours", {"series": SERIES})

    def test_closing_ends_running_calls(self, registry):
        begun = threading.Event()
        errors = []

        def call():
            try:
                registry.execute_plugin("behaviours", {"do": "report"}, progress=lambda *_: begun.set())
                registry.execute_plugin("behaviours", {"do": "sleep", "seconds": 60})
            except RegistryClosedError as error:
                errors.append(error)

        thread = threading.Thread(target=call)
        thread.start()
        assert begun.wait(10)
        registry.close()
        thread.join(10)
        assert len(errors) == 1

    def test_two_registries_live_side_by_side(self, registry):
        with PluginRegistry(OPEN_IMPORTS) as other:
            other.discover_plugins(SAMPLES)
            assert run(other, "process").values != run(registry, "process").values

    def test_a_forked_child_is_told_to_make_its_own(self, registry):
        assert scale_works(registry)
        reading, writing = os.pipe()
        child = os.fork()
        if child == 0:
            try:
                scale_works(registry)
            except RegistryClosedError as error:
                os.write(writing, str(error).encode())
            finally:
                registry.close()
                os._exit(0)
        os.waitpid(child, 0)
        os.close(writing)
        with os.fdopen(reading, "rb") as pipe:
            assert b"after the fork" in pipe.read()
        assert scale_works(registry)


class TestLeftovers:
    def test_a_worker_that_goes_on_computing_is_not_used_again(self, registry):
        assert scale_works(registry)
        (process,) = workers(registry)
        run(registry, "leave_thread")
        assert eventually(lambda: not Path(f"/proc/{process}").exists())
        assert scale_works(registry)

    def test_names_that_look_like_those_of_the_clean_up(self, registry):
        directory = run(registry, "odd_scratch").metadata["directory"]
        registry.unload_plugin("behaviours")
        assert not os.path.exists(directory)
        assert scale_works(registry)

    def test_a_worker_that_was_given_much_memory_is_replaced(self, nothing_left):
        with PluginRegistry({"security": {**OPEN_IMPORTS["security"], "max_cpu_percent": None}}) as registry:
            registry.discover_plugins(SAMPLES)
            first = run(registry, "process").values
            for size in (10_000_000, 20_000_000, 40_000_000, 60_000_000, 80_000_000):
                run(registry, "length", series=np.zeros(size))
            assert run(registry, "process").values != first

    def test_a_million_lines_are_not_a_million_records(self, registry, caplog):
        with caplog.at_level(logging.INFO, "platform_base.plugins"):
            run(registry, "print_lines", text="\n".join("x" * 10_000))
        records = [record for record in caplog.records if record.name.endswith("output")]
        assert len(records) < 2100
        assert "more lines are not logged" in records[-1].getMessage()
