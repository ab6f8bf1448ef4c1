"""Options for a floor under the share of each group in lists."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from matcher.cli.complete import complete_words

if TYPE_CHECKING:
    from matcher.ranking.exposure import ExposureRule

_WORDS = ("tier", "platform", "gender", "language")

ExposureBy = Annotated[
    str | None,
    typer.Option(
        "--exposure",
        metavar="WORD",
        autocompletion=complete_words(*_WORDS),
        help="Give every group of tier, platform, gender (as declared) or language a share of the "
        "first places near that of its supply, and say what that costs.",
    ),
]
ExposureFloor = Annotated[
    float | None,
    typer.Option(
        "--exposure-floor",
        metavar="R",
        help="With --exposure: least share of places over share of supply, up to 1; default 0.8.",
    ),
]


def exposure_rule(by: str | None, floor: float | None) -> ExposureRule | None:
    """Floor that the command line asks for.

    Parameters
    ----------
    by : str or None
        Word of ``--exposure``.
    floor : float or None
        Number of ``--exposure-floor``.

    Returns
    -------
    ExposureRule or None
        None where none is asked for.

    Raises
    ------
    UsageError
        If a floor is given without groups, or one of both is outside its range.
    """
    from matcher.cli.output import check_word
    from matcher.errors import UsageError
    from matcher.ranking.exposure import ExposureRule

    if by is None:
        if floor is not None:
            raise UsageError("--exposure-floor: is a floor of --exposure; give it too")
        return None
    check_word("--exposure", by, _WORDS)
    return ExposureRule(by) if floor is None else ExposureRule(by, floor)
