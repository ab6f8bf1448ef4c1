"""What commands would do: every input checked, everything counted, nothing written."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from matcher.cli.output import print_json, print_result

if TYPE_CHECKING:
    from pathlib import Path

    import pandas as pd

    from matcher.config import Settings
    from matcher.features.data import MarketData
    from matcher.market.market import Market

DryRun = Annotated[
    bool,
    typer.Option("--dry-run", help="Check everything, say what would be done, write nothing."),
]


def print_plan(plan: dict[str, Any], *, as_json: bool) -> None:
    """Write to stdout what would be done.

    Parameters
    ----------
    plan : dict of str to Any
        What is done, and to what, by name; JSON values. ``would`` is a sentence.
    as_json : bool
        Whether machines will read it.
    """
    if as_json:
        print_json({"dry_run": True, **plan})
        return
    facts = {name: value for name, value in plan.items() if name != "would"}
    width = max((len(name) for name in facts), default=0)
    lines = [f"dry run, nothing written: would {plan['would']}"]
    for name, value in facts.items():
        rows = value if isinstance(value, list) else [value]
        shown = [_shown(row) for row in rows] or ["none"]
        lines += [f"  {name if not n else '':<{width}}  {text}" for n, text in enumerate(shown)]
    print_result("\n".join(lines))


def _shown(value: Any) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{key} {_shown(one)}" for key, one in value.items())
    return f"{value:,}" if type(value) is int else str(value)


def count_market(market: Market) -> dict[str, Any]:
    """What a market holds.

    Parameters
    ----------
    market : Market
        Market.

    Returns
    -------
    dict of str to Any
        Hash, rows of the tables that hold any, and entries in quarantine.
    """
    tables = {name: len(table) for name, table in market.tables.items() if len(table)}
    return {"data": market.data_hash, "rows": tables, "quarantined": len(market.quarantine)}


def plan_training(
    data: MarketData,
    settings: Settings,
    until: pd.Timestamp | None,
    *,
    evaluate: bool,
    tune: int | None = None,
) -> dict[str, Any]:
    """What a training would learn from.

    Parameters
    ----------
    data : MarketData
        Market.
    settings : Settings
        Settings.
    until : pandas.Timestamp or None
        Instant before which facts count; None for all.
    evaluate : bool
        Whether it would walk forward first.
    tune : int, optional
        Settings that it would try first.

    Returns
    -------
    dict of str to Any
        Counts; an encoder that is taken from disk is opened to see that it is there.

    Raises
    ------
    DataError
        If there are hires to learn from, but no brands.
    SupportError
        If settings are to be tuned without history.
    """
    from matcher.ranking.candidates import training_campaigns
    from matcher.ranking.relevance import hired_pairs
    from matcher.ranking.stated import FALLBACK
    from matcher.training import check_history

    instant = data.market.all_known_at if until is None else until
    lacking = check_history(data.market, instant, tune=tune)
    campaigns = [] if lacking else training_campaigns(data.market, instant)
    hires = hired_pairs(data.market)
    known = hires[hires["campaign_id"].isin(campaigns) & (hires["status_at"] < instant)]
    return {
        "market": count_market(data.market),
        "trained until": instant.isoformat(),
        "learns from": {"campaigns": len(campaigns), "hires": len(known)},
        **({"fallback": f"{FALLBACK}: {lacking}"} if lacking else {}),
        "encoder": check_encoder(settings),
        "config": settings.hash,
        "evaluation": "walks forward first" if evaluate and not lacking else "none",
    }


def plan_tuning(
    data: MarketData, settings: Settings, until: pd.Timestamp | None, n_trials: int
) -> dict[str, Any]:
    """What a tuning would be judged on.

    Parameters
    ----------
    data : MarketData
        Market.
    settings : Settings
        Settings as they are.
    until : pandas.Timestamp or None
        Instant before which facts count; None for all.
    n_trials : int
        Trials beside the settings as they are.

    Returns
    -------
    dict of str to Any
        Numbers of trials, folds and judged campaigns, and the days of their decisions.

    Raises
    ------
    SupportError
        If there is too little history for two folds.
    """
    from matcher.features.data import MarketData
    from matcher.tuning.folds import plan_folds

    instant = data.market.all_known_at if until is None else until
    known = data if until is None else MarketData(data.market.as_of(instant))
    folds = plan_folds(known, instant, settings)
    return {
        "trials": n_trials,
        "folds": len(folds),
        "judging campaigns": sum(len(fold.campaign_ids) for fold in folds),
        "decided": f"{folds[0].first_decided_at:%Y-%m-%d} to {folds[-1].last_decided_at:%Y-%m-%d}",
    }


def check_encoder(settings: Settings) -> str:
    """Encoder of some settings, opened if it is not fitted on the market.

    Parameters
    ----------
    settings : Settings
        Settings.

    Returns
    -------
    str
        Its name, for people.
    """
    from matcher.text.encoder import load_encoder

    name = settings.encoder.name
    if name in ("builtin", "random"):
        return f"{name}, {settings.encoder.dim} dimensions, fitted on the market"
    identity = load_encoder(settings.encoder).identity
    return f"{name} ({identity.revision or identity.digest[:12]}), {identity.dim} dimensions"


def count_texts(market: Market) -> dict[str, int]:
    """Texts that `embed` would look at.

    Parameters
    ----------
    market : Market
        Market.

    Returns
    -------
    dict of str to int
        Texts with content, by kind.
    """
    columns = {
        "posts": market["posts"]["text"],
        "bios": market["influencers"]["bio"],
        "brands": market["brands"]["description"],
        "briefs": market["campaigns"]["title"].fillna("") + market["campaigns"]["brief"].fillna(""),
    }
    return {name: int((held.fillna("") != "").sum()) for name, held in columns.items()}


def check_cache(folder: Path) -> str:
    """Place of an embedding cache, refused if it could not be written.

    Parameters
    ----------
    folder : pathlib.Path
        Folder of the cache.

    Returns
    -------
    str
        The folder, for people.
    """
    from matcher.files import check_writable

    check_writable(folder / "any")
    return str(folder)
