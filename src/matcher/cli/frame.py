"""What surrounds every verb: errors become one message and an exit code."""

from __future__ import annotations

import traceback
from typing import Any, Final

import typer
from typer.core import TyperGroup

from matcher.cli.output import print_error
from matcher.errors import DataError, MatcherError, UsageError

FAILED: Final = 1
WRONG_USE: Final = 2
DATA_INVALID: Final = 3
INTERRUPTED: Final = 130


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
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt as error:
            report_interrupt()
            raise typer.Exit(INTERRUPTED) from error
        except MatcherError as error:
            _explain(error, verbose=bool(ctx.params.get("verbose")))
            raise typer.Exit(exit_code(error)) from error
        except BrokenPipeError:
            raise
        except OSError as error:
            _explain(error, verbose=bool(ctx.params.get("verbose")))
            raise typer.Exit(FAILED) from error


def _explain(error: Exception, *, verbose: bool) -> None:
    if verbose:
        print_error("".join(traceback.format_exception(error)).rstrip())
    print_error(f"matcher: {error}")
