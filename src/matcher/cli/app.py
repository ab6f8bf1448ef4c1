"""The command `matcher` and its verbs.

A verb lives in the file of its group and is registered here. It imports the rooms that it needs
inside its function, since `matcher --help` must not wait for them.
"""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from matcher import __version__
from matcher.cli import (
    about,
    compare,
    data,
    demo,
    explain,
    models,
    recommend,
    similar,
    text,
    world,
)
from matcher.cli.frame import INTERRUPTED, VerbGroup, report_interrupt
from matcher.cli.output import set_quiet
from matcher.cli.signals import watch_signals

app = typer.Typer(
    name="matcher",
    cls=VerbGroup,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="Exit codes: 0 done, 1 failed, 2 wrong use, 3 data invalid, 130 interrupted. "
    "Results go to stdout or --out, everything else to stderr.",
)

app.command("schema")(data.schema)
app.command("validate")(data.validate)
app.command("simulate")(world.simulate)
app.command("embed")(text.embed)
app.command("train")(models.train)
app.command("evaluate")(models.evaluate)
app.command("recommend")(recommend.recommend)
app.command("explain")(explain.explain)
app.command("similar")(similar.similar)
app.command("diff")(compare.diff)
app.command("config")(about.config)
app.command("doctor")(about.doctor)
app.command("demo")(demo.demo)


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"matcher {__version__}")
        raise typer.Exit


@app.callback()
def start(
    verbose: Annotated[  # noqa: ARG001 - read by VerbGroup when something fails
        bool, typer.Option("--verbose", "-v", help="Show where in the code an error arose.")
    ] = False,
    quiet: Annotated[
        bool, typer.Option("--quiet", "-q", help="No progress, no notes; only results and errors.")
    ] = False,
    version: Annotated[  # noqa: ARG001 - handled by its callback
        bool,
        typer.Option("--version", callback=_print_version, is_eager=True, help="Show the version."),
    ] = False,
) -> None:
    """Rank influencers for a brand's campaign brief, offline, on your own data.

    These options stand before the command: matcher -v validate MARKET.
    """
    set_quiet(quiet)


def main() -> None:
    """Run the command line and end the process with its exit code."""
    watch_signals()
    try:
        app()
    except KeyboardInterrupt:
        # Outside a verb: while arguments are read or modules imported.
        report_interrupt()
        sys.exit(INTERRUPTED)
