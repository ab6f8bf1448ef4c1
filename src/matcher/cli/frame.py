"""What surrounds every verb: errors become one message and an exit code."""

from __future__ import annotations

import functools
import inspect
import platform
import sys
import time
import traceback
import typing
from collections.abc import Callable
from typing import Annotated, Any, Final

import typer
from typer.core import TyperGroup

from matcher import __version__
from matcher.cli.output import is_verbose, note, print_error, set_quiet, set_verbose
from matcher.errors import DataError, MatcherError, UsageError

FAILED: Final = 1
WRONG_USE: Final = 2
DATA_INVALID: Final = 3
INTERRUPTED: Final = 130

Quiet = Annotated[
    bool, typer.Option("--quiet", "-q", help="No progress, no notes; only results and errors.")
]
Verbose = Annotated[
    bool, typer.Option("--verbose", "-v", help="Show where an error arose, and what it took.")
]


def exit_code(error: MatcherError) -> int:
    """Exit code of an error that was raised on purpose.

    Parameters
    ----------
    error : MatcherError
        The error.

    Returns
    -------
    int
        3 for invalid data, 2 for wrong use, 1 for all else.

    Examples
    --------
    >>> from matcher.errors import BundleError, ConfigError, SchemaError
    >>> [exit_code(kind("...")) for kind in (BundleError, ConfigError, SchemaError)]
    [1, 2, 3]
    """
    if isinstance(error, DataError):
        return DATA_INVALID
    return WRONG_USE if isinstance(error, UsageError) else FAILED


def report_interrupt() -> None:
    """Say on stderr that the user ended the command."""
    typer.echo("matcher: interrupted; no half-written output was left", err=True)


class VerbGroup(TyperGroup):
    """Verbs whose errors end in one message on stderr instead of a traceback."""

    def invoke(self, ctx: Any) -> Any:
        """Run the chosen verb.

        Parameters
        ----------
        ctx : click.Context
            Parsed command line.

        Returns
        -------
        Any
            What the verb returns.

        Raises
        ------
        typer.Exit
            With the exit code, when the verb failed in a way that it can explain.
        """
        began = time.monotonic()
        try:
            found = super().invoke(ctx)
            if is_verbose():
                note(_tell_costs(time.monotonic() - began))
            return found
        except KeyboardInterrupt as error:
            report_interrupt()
            raise typer.Exit(INTERRUPTED) from error
        except MatcherError as error:
            _explain(error, verbose=is_verbose())
            raise typer.Exit(exit_code(error)) from error
        except BrokenPipeError:
            raise
        except OSError as error:
            _explain(error, verbose=is_verbose())
            raise typer.Exit(FAILED) from error


def talkative(verb: Callable[..., None]) -> Callable[..., None]:
    """A verb that takes ``--quiet`` and ``--verbose`` behind it too, not only before it.

    Parameters
    ----------
    verb : callable
        The verb.

    Returns
    -------
    callable
        The same verb with two options more.
    """
    hints = typing.get_type_hints(verb, include_extras=True)
    added = {"quiet": Quiet, "verbose": Verbose}

    @functools.wraps(verb)
    def run(*, quiet: bool = False, verbose: bool = False, **options: Any) -> None:
        # What was asked for before the verb stays.
        if quiet:
            set_quiet(True)
        if verbose:
            set_verbose(True)
        verb(**options)

    parameters = [
        parameter.replace(annotation=hints[name], kind=inspect.Parameter.KEYWORD_ONLY)
        for name, parameter in inspect.signature(verb).parameters.items()
    ]
    parameters += [
        inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=False, annotation=kind)
        for name, kind in added.items()
    ]
    run.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    run.__annotations__ = {**hints, **added}
    return run


def _tell_costs(seconds: float) -> str:
    peak = ""
    if sys.platform != "win32":
        import resource

        # Kibibytes on Linux, bytes on macOS.
        unit = 2**30 if sys.platform == "darwin" else 2**20
        size = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / unit
        peak = f", peak memory {size:.1f} GiB"
    python = platform.python_version()
    return f"took {seconds:.1f} s{peak}; matcher {__version__}, Python {python}"


def _explain(error: Exception, *, verbose: bool) -> None:
    if verbose:
        print_error("".join(traceback.format_exception(error)).rstrip())
    print_error(f"matcher: {error}")
