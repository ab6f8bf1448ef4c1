"""The one brief that a command is about, named as a file or as a campaign."""

from __future__ import annotations

from typing import TYPE_CHECKING

from matcher.errors import UsageError

if TYPE_CHECKING:
    from pathlib import Path

    from matcher.market.brief import Brief
    from matcher.market.market import Market

__all__ = ["check_one_brief", "named_brief"]


def check_one_brief(brief: Path | None, campaign: str | None, what: str) -> None:
    """Refuse no brief, and two, before any work.

    Parameters
    ----------
    brief : pathlib.Path or None
        File that is named.
    campaign : str or None
        Campaign that is named.
    what : str
        What is done with it, such as ``explained``.

    Raises
    ------
    UsageError
        Saying which options there are.
    """
    if (brief is None) == (campaign is None):
        raise UsageError(f"one brief is {what}; give either --brief FILE or --campaign ID")


def named_brief(market: Market, brief: Path | None, campaign: str | None) -> Brief:
    """The brief of a file or of a campaign, of which one is given.

    Parameters
    ----------
    market : Market
        Market that holds the campaign.
    brief : pathlib.Path or None
        File.
    campaign : str or None
        Campaign.

    Returns
    -------
    Brief
        The brief.
    """
    from matcher.market.brief import Brief, read_brief

    return read_brief(brief) if brief is not None else Brief.from_campaign(market, str(campaign))
