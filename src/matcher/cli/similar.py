"""Verb that finds accounts like one of the market."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from matcher.cli.complete import complete_accounts, complete_language, complete_words
from matcher.cli.data import AsJson, Force, MarketFolder
from matcher.cli.models import (
    LateSnapshots,
    ModelAddress,
    TrackingUri,
    embedder,
    load_data,
    parse_instant,
)
from matcher.cli.output import check_word, note, print_json, print_result, progress
from matcher.cli.text import CacheFolder
from matcher.files import TABLE_SUFFIXES, check_output, write_table
from matcher.plain import one_line

if TYPE_CHECKING:
    from matcher.recommend.similar import SimilarAccounts
    from matcher.recommend.wording import Language

_ALL = ("content", "audience", "engagement")


def similar(
    market: MarketFolder,
    account: Annotated[
        str,
        typer.Argument(
            metavar="ACCOUNT", autocompletion=complete_accounts, help="Id of the account."
        ),
    ],
    model: ModelAddress,
    top: Annotated[int, typer.Option("--top", metavar="K", min=1, help="Accounts to show.")] = 10,
    by: Annotated[
        str,
        typer.Option(
            "--by",
            autocompletion=complete_words(*_ALL, "all"),
            help="content, audience, engagement, or all of them.",
        ),
    ] = "all",
    as_of: Annotated[
        str | None,
        typer.Option("--as-of", metavar="T", help="Use only what was known before; default all."),
    ] = None,
    same_platform: Annotated[
        bool, typer.Option("--same-platform", help="Compare with accounts of its platform.")
    ] = False,
    same_tier: Annotated[
        bool, typer.Option("--same-tier", help="Compare with accounts of its follower tier.")
    ] = False,
    all_accounts: Annotated[
        bool,
        typer.Option("--all-accounts", help="Also its owner's others; not only one per person."),
    ] = False,
    lang: Annotated[
        str,
        typer.Option(
            "--lang",
            autocompletion=complete_language,
            help="Language of reasons: en or vi.",
        ),
    ] = "en",
    out: Annotated[
        Path | None,
        typer.Option("--out", metavar="FILE", help="List as .parquet, .csv or .jsonl."),
    ] = None,
    cache: CacheFolder = None,
    tracking_uri: TrackingUri = None,
    allow_late_snapshots: LateSnapshots = False,
    as_json: AsJson = False,
    force: Force = False,
) -> None:
    """Find accounts like one of the market in content, audience and engagement, with the reasons.

    Each part is the share of the compared accounts that are less alike; parts that are known of
    both accounts are combined. Pairs of values belong to ACCOUNT and to the other one.

    Example: matcher similar my-market a1 --model models/mine --by content --top 5
    """
    from matcher.ranking.store import read_model
    from matcher.recommend.similar import find_similar
    from matcher.tracking.models import find_model

    check_word("--by", by, (*_ALL, "all"))
    check_word("--lang", lang, ("en", "vi"))
    if out is not None:
        check_output(out, force=force, suffixes=TABLE_SUFFIXES)
    loaded, bundle = read_model(find_model(model, tracking_uri=tracking_uri).folder)
    data, settings = load_data(market, loaded.settings, late_snapshots=allow_late_snapshots)
    with progress() as tell:
        tell("comparing", 0, 1)
        found = find_similar(
            loaded,
            data,
            account,
            as_of=None if as_of is None else parse_instant(as_of),
            settings=settings,
            by=_ALL if by == "all" else (by,),
            top_k=top,
            language=lang,  # type: ignore[arg-type]
            one_per_person=not all_accounts,
            same_platform=same_platform,
            same_tier=same_tier,
            model_id=bundle.model_id,
            context=loaded.context(data, embedder(settings, cache)),
        )
        tell("comparing", 1, 1)
    for text in (*data.market.assumptions, *found.notes):
        note(one_line(text))
    if out is not None:
        write_table(out, found.frame, force=force)
        note(f"{out}: {len(found)} accounts written")
    if as_json:
        print_json(
            {
                "account_id": found.account_id,
                "as_of": found.as_of.isoformat(),
                "by": list(found.by),
                "n_compared": found.n_compared,
                "audit": dict(found.audit),
                "accounts": json.loads(found.frame.to_json(orient="records", date_format="iso")),
                "notes": list(found.notes),
            }
        )
    else:
        print_result(_as_text(found, lang))  # type: ignore[arg-type]


_WORDS: Final = {
    "en": {
        "head": "like {account} by {parts} as of {as_of}, among {n} accounts "
        "(values: {account} | the other one)",
        "likeness": "likeness",
        "posts": "{own} beside {other} (cosine {cosine}): {own_text} | {other_text}",
    },
    "vi": {
        "head": "giống {account} về {parts}, tính đến {as_of}, trong {n} tài khoản "
        "(giá trị: {account} | tài khoản kia)",
        "likeness": "độ giống",
        "posts": "{own} bên cạnh {other} (cosine {cosine}): {own_text} | {other_text}",
    },
}


def _as_text(found: SimilarAccounts, language: Language) -> str:
    from matcher.recommend.alike import PART_NAMES
    from matcher.recommend.wording import format_number

    words = _WORDS[language]
    names = {part: PART_NAMES[part][language].lower() for part in found.by}
    lines = [
        words["head"].format(
            account=one_line(found.account_id),
            parts=", ".join(names.values()),
            as_of=found.as_of,
            n=format_number(found.n_compared, language),
        )
    ]
    for row in found.frame.to_dict("records"):
        name = row["handle"] if isinstance(row["handle"], str) else row["account_id"]
        parts = ", ".join(
            f"{names[part]} {int(100 * row[part])} %" for part in found.by if row[part] == row[part]
        )
        lines += [
            "",
            f"{row['rank']}. {one_line(name)} ({one_line(row['account_id'])}, {row['platform']}, "
            f"{row['tier']}): {words['likeness']} "
            f"{format_number(row['likeness'], language, digits=3)} ({parts})",
            *(f"   {one_line(row[f'why_{part}'])}" for part in found.by),
        ]
        if isinstance(row["post_id"], str):
            told = words["posts"].format(
                own=_post(row["own_post_id"], row["own_post_url"]),
                other=_post(row["post_id"], row["post_url"]),
                cosine=format_number(row["post_similarity"], language, digits=2),
                own_text=row["own_post_text"],
                other_text=row["post_text"],
            )
            lines.append(f"   {one_line(told)}")
    return "\n".join(lines)


def _post(name: str, url: object) -> str:
    return url if isinstance(url, str) else name
