"""The command `platform-base`.

Verbs import what they need when they are called: the help stays quick, and a verb that needs no NumPy loads
none.
"""

from __future__ import annotations

import logging
import sys
from typing import Annotated

import typer

from platform_base.cli import (
    bench,
    cache,
    demo,
    doctor,
    env,
    info,
    logs,
    memory,
    new,
    pack,
    profile,
    replay,
    runs,
    schema,
    stats,
    top,
    validate,
    warmup,
    watch,
)
from platform_base.cli import list as list_verb
from platform_base.cli import run as run_verb
from platform_base.cli import test as test_verb
from platform_base.cli import web as web_verb
from platform_base.cli.errors import (
    FAILED,
    INTERRUPTED,
    WRONG_QUESTION,
    CommandError,
    SeriesFileError,
    UsageError,
    exit_status,
)
from platform_base.cli.render import print_error

app = typer.Typer(
    name="platform-base",
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)

# Typer may carry its own copy of Click; this is the base class of whatever copy's errors.
_CLICK_ERROR: type[Exception] = typer.BadParameter.__mro__[2]


def _print_version(wanted: bool) -> None:
    if wanted:
        import importlib.metadata

        print(f"platform-base {importlib.metadata.version('platform-base')}")
        raise typer.Exit


@app.callback()
def main(
    version: Annotated[
        bool,
        typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version and end."),
    ] = False,
    verbose: Annotated[
        bool, typer.Option("--verbose", "-v", help="Print the plugin system's log, and what plugins print.")
    ] = False,
    log_json: Annotated[
        bool, typer.Option("--log-json", help="Like --verbose, each record as one JSON object on a line.")
    ] = False,
) -> None:
    """Find, check and run scientific plugins, each in its own confined process."""
    logger = logging.getLogger("platform_base")
    # Every error reaches the user through its exception: the log would say it twice.
    handler: logging.Handler = logging.StreamHandler() if verbose or log_json else logging.NullHandler()
    if log_json:
        from platform_base.monitoring.json_log import JsonFormatter

        handler.setFormatter(JsonFormatter())
    else:
        handler.setFormatter(logging.Formatter("%(levelname)s %(name)s: %(message)s"))
    logger.handlers[:] = [handler]
    logger.propagate = False
    if verbose or log_json:
        logger.setLevel(logging.DEBUG)


app.command("list")(list_verb.list_plugins)
app.command("info")(info.show_plugin)
app.command("run")(run_verb.run_plugin)
app.command("replay")(replay.replay)
app.command("validate", epilog=validate.EXAMPLES)(validate.validate_plugin)
app.command("bench")(bench.bench_plugin)
app.command("profile")(profile.profile_plugin)
app.command("memory")(memory.trace_memory)
app.command("watch")(watch.watch_plugin)
app.command("pack")(pack.pack_plugin)
app.command("new", epilog=new.EXAMPLES)(new.create_plugin)
app.command("test", epilog=test_verb.EXAMPLES)(test_verb.try_plugin)
app.command("doctor")(doctor.examine)
app.command("warmup")(warmup.warm_up)
app.command("web", epilog=web_verb.EXAMPLES)(web_verb.open_page)
app.command("schema")(schema.print_schema)
app.command("demo")(demo.demonstrate)
app.add_typer(runs.app)
app.command("stats", epilog=stats.EXAMPLES)(stats.print_stats)
app.command("logs", epilog=logs.EXAMPLES)(logs.print_logs)
app.command("top", epilog=top.EXAMPLES)(top.watch_workers)
app.add_typer(cache.app)
app.add_typer(env.app)


def call(arguments: list[str]) -> int:
    """Carry out one command line and return its exit status; errors are printed, never raised.

    Args:
        arguments: The words after ``platform-base``.
    """
    from platform_base.plugins.errors import PluginError

    as_json = "--json" in arguments
    try:
        answer = app(args=arguments, prog_name="platform-base", standalone_mode=False)
    except (CommandError, SeriesFileError, PluginError) as error:
        print_error(error, as_json=as_json)
        return exit_status(error)
    except (typer.Abort, KeyboardInterrupt):
        answer = INTERRUPTED
    except OSError as error:
        print_error(error, as_json=as_json)
        return FAILED
    except _CLICK_ERROR as error:
        return _report_usage(error, as_json=as_json)
    if answer == INTERRUPTED:  # newer versions of Typer return it, older ones raise
        print("interrupted", file=sys.stderr)
    return answer if isinstance(answer, int) else 0


def _report_usage(error: Exception, *, as_json: bool) -> int:
    if type(error).__name__ == "NoArgsIsHelpError":
        print(error, file=sys.stderr)
        return WRONG_QUESTION
    text: str = error.format_message() if hasattr(error, "format_message") else str(error)
    text = text.replace("Value error, ", "").rstrip(".")
    context = getattr(error, "ctx", None)
    path = context.command_path if context is not None else "platform-base"
    print_error(UsageError(f"{text}{_suggest_option(error, text)}; see: {path} --help"), as_json=as_json)
    return WRONG_QUESTION


def _suggest_option(error: Exception, text: str) -> str:
    """Return a hint for NAME=VALUE without the option that it belongs to."""
    context = getattr(error, "ctx", None)
    known = {name for each in context.command.params for name in each.opts} if context is not None else set()
    word = text.rpartition("(")[2].partition(")")[0]
    if "extra argument" not in text or "=" not in word or not {"--input", "--param"} <= known:
        return ""
    return f"; inputs are given with --input {word.split()[0]}, parameters with --param NAME=VALUE"


def run() -> None:
    """Carry out the command line of this process and end it; the entry point of ``platform-base``."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")  # a terminal without UTF-8 is no reason to fail
    sys.exit(call(sys.argv[1:]))


if __name__ == "__main__":
    run()
