"""The command `matcher` and its verbs.

A verb lives in the file of its group and is registered here. It imports the rooms that it needs
inside its function, since `matcher --help` must not wait for them.
"""

from __future__ import annotations

import atexit
import os
import sys
from typing import Annotated, NoReturn

import typer

from matcher import __version__
from matcher.cli import (
    about,
    compare,
    data,
    demo,
    explain,
    models,
    plan,
    recommend,
    registry,
    similar,
    text,
    whatif,
    world,
)
from matcher.cli.frame import (
    INTERRUPTED,
    Quiet,
    VerbGroup,
    Verbose,
    report_interrupt,
    talkative,
)
from matcher.cli.output import set_quiet, set_verbose
from matcher.cli.signals import watch_signals

app = typer.Typer(
    name="matcher",
    cls=VerbGroup,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="Exit codes: 0 done, 1 failed, 2 wrong use, 3 data invalid, 130 interrupted. "
    "Results go to stdout or --out, everything else to stderr.",
)

app.command("schema")(talkative(data.schema))
app.command("validate")(talkative(data.validate))
app.command("simulate")(talkative(world.simulate))
app.command("embed")(talkative(text.embed))
app.command("train")(talkative(models.train))
app.command("evaluate")(talkative(models.evaluate))
app.command("recommend")(talkative(recommend.recommend))
app.command("plan")(talkative(plan.plan))
app.command("explain")(talkative(explain.explain))
app.command("similar")(talkative(similar.similar))
app.command("diff")(talkative(compare.diff))
app.command("whatif")(talkative(whatif.whatif))
app.add_typer(registry.app)
app.command("config")(talkative(about.config))
app.command("doctor")(talkative(about.doctor))
app.command("demo")(talkative(demo.demo))


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"matcher {__version__}")
        raise typer.Exit


@app.callback()
def start(
    verbose: Verbose = False,
    quiet: Quiet = False,
    version: Annotated[  # noqa: ARG001 - handled by its callback
        bool,
        typer.Option("--version", callback=_print_version, is_eager=True, help="Show the version."),
    ] = False,
) -> None:
    """Rank influencers for a brand's campaign brief, offline, on your own data.

    -q and -v stand before the command or behind it: matcher validate MARKET -v.
    """
    set_quiet(quiet)
    set_verbose(verbose)


def main() -> None:
    """Run the command line and end the process with its exit code."""
    watch_signals()
    code: int | str | None = 0
    try:
        app(prog_name="matcher")
    except KeyboardInterrupt:
        # Outside a verb: while arguments are read or modules imported.
        report_interrupt()
        code = INTERRUPTED
    except SystemExit as end:
        code = end.code
    _end(code)


def _end(code: int | str | None) -> NoReturn:
    """End the process at once: what is done is done, and nothing is left to be cut short.

    Taking libraries apart costs a second or two after the last word was said.
    """
    atexit._run_exitfuncs()
    try:
        sys.stdout.flush()
        sys.stderr.flush()
    except OSError:
        # Nobody listens any more; the usual way out knows what to make of it.
        sys.exit(code)
    if code is None or isinstance(code, int):
        os._exit(code or 0)
    sys.exit(code)
