"""Verb that explains one account for one brief."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from matcher.cli.briefs import check_one_brief, named_brief
from matcher.cli.complete import (
    complete_accounts,
    complete_campaigns,
    complete_language,
    complete_words,
)
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
from matcher.files import check_output
from matcher.plain import one_line

if TYPE_CHECKING:
    from matcher.recommend.explain import Explanation
    from matcher.recommend.wording import Language

_MOST_FEATURES = 12


def explain(
    market: MarketFolder,
    model: ModelAddress,
    account: Annotated[
        str,
        typer.Option(
            "--account", autocompletion=complete_accounts, metavar="ID", help="Account to explain."
        ),
    ],
    against: Annotated[
        str | None,
        typer.Option(
            "--against",
            autocompletion=complete_accounts,
            metavar="ID",
            help="Account to compare it with.",
        ),
    ] = None,
    brief: Annotated[
        Path | None, typer.Option("--brief", metavar="FILE", help="Brief as YAML or JSON.")
    ] = None,
    campaign: Annotated[
        str | None,
        typer.Option(
            "--campaign",
            autocompletion=complete_campaigns,
            metavar="ID",
            help="Campaign of the market.",
        ),
    ] = None,
    as_of: Annotated[
        str | None,
        typer.Option("--as-of", metavar="T", help="Use only what was known before; default all."),
    ] = None,
    order: Annotated[
        str,
        typer.Option(
            autocompletion=complete_words("objective", "fit", "deliver", "outcome"),
            help="Score to explain: objective (that of the list), fit, deliver or outcome.",
        ),
    ] = "objective",
    lang: Annotated[
        str,
        typer.Option("--lang", autocompletion=complete_language, help="Language: en or vi."),
    ] = "en",
    out: Annotated[
        Path | None, typer.Option("--out", metavar="FILE", help="Picture: .png or .svg.")
    ] = None,
    cache: CacheFolder = None,
    tracking_uri: TrackingUri = None,
    allow_late_snapshots: LateSnapshots = False,
    as_json: AsJson = False,
    force: Force = False,
) -> None:
    """Say what the score of an account is made of, or why it stands above another one.

    Example: matcher explain my-market --model models/mine --brief b.yaml --account a1 --against a2
    """
    from matcher.ranking.store import read_model
    from matcher.recommend.explain import explain as build
    from matcher.recommend.orders import EXPLAINABLE
    from matcher.report.pictures import PICTURE_SUFFIXES, draw_explanation
    from matcher.tracking.models import find_model

    check_word("--order", order, EXPLAINABLE)
    check_word("--lang", lang, ("en", "vi"))
    check_one_brief(brief, campaign, "explained")
    if out is not None:
        check_output(out, force=force, suffixes=PICTURE_SUFFIXES)
    where = find_model(model, tracking_uri=tracking_uri)
    loaded, bundle = read_model(where.folder)
    data, settings = load_data(market, loaded.settings, late_snapshots=allow_late_snapshots)
    with progress() as tell:
        tell("explaining", 0, 1)
        found = build(
            loaded,
            data,
            named_brief(data.market, brief, campaign),
            account,
            against=against,
            as_of=None if as_of is None else parse_instant(as_of),
            settings=settings,
            order=order,  # type: ignore[arg-type]
            language=lang,  # type: ignore[arg-type]
            context=loaded.context(data, embedder(settings, cache)),
        )
        tell("explaining", 1, 1)
    for text in found.notes:
        note(one_line(text))
    if out is not None:
        draw_explanation(found, out, language=lang, force=force)  # type: ignore[arg-type]
        note(f"{out}: written")
    if as_json:
        print_json(
            {
                "brief_id": found.brief_id,
                "as_of": found.as_of.isoformat(),
                "model_id": bundle.model_id,
                "model_version": where.version,
                "explained": found.explained,
                "base": found.base,
                "n_candidates": found.n_candidates,
                "accounts": json.loads(found.accounts.to_json(orient="records")),
                "groups": json.loads(found.groups().to_json()),
                "features": json.loads(found.features.to_json(orient="records")),
                "notes": list(found.notes),
            }
        )
    else:
        print_result(_as_text(found, lang))  # type: ignore[arg-type]


_WORDS: Final = {
    "en": {
        "fit": "fit",
        "deliver": "deliver",
        "outcome": "expected outcome",
        "head": "{name} ({account}): {what} for {brief} as of {as_of}: rank {rank} of {n} "
        "candidates, above {share} of the eligible",
        "score": "score",
        "base": "a typical account",
        "moved": "what moved it most (candidates and peers with less):",
        "feature": "{label}: {value} ({pool} of candidates, {peers} of {n} peers)",
        "minus": "{first} minus {second}",
        "apart": "what sets them apart most ({first} | {second}):",
    },
    "vi": {
        "fit": "độ phù hợp",
        "deliver": "kết quả mang lại",
        "outcome": "kết quả dự kiến",
        "head": "{name} ({account}): {what} với {brief}, tính đến {as_of}: hạng {rank} trong {n} "
        "ứng viên, cao hơn {share} số tài khoản đủ điều kiện",
        "score": "điểm",
        "base": "tài khoản thông thường",
        "moved": "điều ảnh hưởng nhiều nhất (tỷ lệ ứng viên và tài khoản cùng nhóm thấp hơn):",
        "feature": "{label}: {value} ({pool} ứng viên, {peers} của {n} tài khoản cùng nhóm)",
        "minus": "{first} trừ {second}",
        "apart": "điều khác nhau nhiều nhất ({first} | {second}):",
    },
}


def _as_text(found: Explanation, language: Language) -> str:
    from matcher.recommend.wording import GROUP_NAMES, format_number

    words = _WORDS[language]
    names = found.accounts["handle"].fillna(found.accounts["account_id"])
    lines = [
        words["head"].format(
            name=one_line(name),
            account=one_line(account["account_id"]),
            what=words[found.explained],
            brief=one_line(found.brief_id),
            as_of=found.as_of,
            rank=account["rank"],
            n=format_number(found.n_candidates, language),
            share=format_number(100 * account["percentile"], language, digits=1) + " %",
        )
        for name, account in zip(names, found.accounts.to_dict("records"), strict=True)
    ]
    if len(found.accounts) == 1:
        return "\n".join([*lines, "", *_single(found, language)])
    first, second = map(one_line, names)
    gap = found.accounts["score"].iloc[0] - found.accounts["score"].iloc[1]
    groups = found.groups()
    gaps = groups.iloc[:, 0] - groups.iloc[:, 1]
    lines += ["", f"{words['minus'].format(first=first, second=second):<24}{gap:>+8.3f}"]
    for group, value in gaps[gaps != 0].sort_values(key=abs, ascending=False).items():
        lines.append(f"{GROUP_NAMES[str(group)][language]:<24}{value:>+8.3f}")
    lines += ["", words["apart"].format(first=first, second=second)]
    for row in found.difference().head(_MOST_FEATURES).to_dict("records"):
        lines.append(
            f"{row['difference']:>+8.3f}  {row['label']}: {_plain(row['first'])} | "
            f"{_plain(row['second'])}"
        )
    return "\n".join(lines)


def _single(found: Explanation, language: Language) -> list[str]:
    """What the score of one account is made of."""
    from matcher.recommend.wording import GROUP_NAMES, format_number

    words = _WORDS[language]
    lines = [f"{words['score']:<24}{found.accounts['score'].iloc[0]:>8.3f}"]
    lines.append(f"{words['base']:<24}{found.base:>8.3f}")
    sums = found.groups().iloc[:, 0]
    for group, value in sums[sums != 0].sort_values(key=abs, ascending=False).items():
        lines.append(f"{GROUP_NAMES[str(group)][language]:<24}{value:>+8.3f}")
    table = found.features.sort_values("contribution", key=abs, ascending=False)
    lines += ["", words["moved"]]
    for row in table.head(_MOST_FEATURES).to_dict("records"):
        told = words["feature"].format(
            label=row["label"],
            value=_plain(row["shown"]),
            pool=_share(row["pool_percentile"], language),
            peers=_share(row["peer_percentile"], language),
            n=format_number(found.accounts["n_peers"].iloc[0], language),
        )
        lines.append(f"{row['contribution']:>+8.3f}  {told}")
    return lines


def _plain(shown: object) -> str:
    return shown if isinstance(shown, str) else "–"


def _share(value: float, language: Language) -> str:
    from matcher.recommend.wording import format_number

    return "–" if value != value else format_number(100 * value, language) + " %"
