"""Accounts like one of the market in content, audience and engagement, with the reasons."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from matcher.arguments import check_choice, check_count, check_type, to_instant
from matcher.errors import LeakageError, SupportError, UsageError
from matcher.features.data import MarketData
from matcher.market.instants import instant_microseconds
from matcher.ranking.model import Model
from matcher.recommend.alike import Teller, hashtag_shares, main_language, shared_hashtags
from matcher.recommend.compared import PARTS, Compared
from matcher.recommend.evidence import nearest_posts
from matcher.recommend.explain import check_accounts
from matcher.recommend.lookalikes import SIMILAR_COLUMNS, SimilarAccounts
from matcher.recommend.recommend import identify_model, list_assumptions
from matcher.recommend.wording import LANGUAGES

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from matcher.config import Settings
    from matcher.features.context import FeatureContext
    from matcher.features.index import MarketIndex
    from matcher.recommend.wording import Language

__all__ = ["SIMILAR_COLUMNS", "SimilarAccounts", "find_similar"]


def find_similar(
    model: Model,
    data: MarketData,
    account_id: str,
    *,
    as_of: pd.Timestamp | None = None,
    settings: Settings | None = None,
    by: Sequence[str] = PARTS,
    top_k: int = 10,
    language: Language = "en",
    one_per_person: bool = True,
    same_platform: bool = False,
    same_tier: bool = False,
    model_id: str | None = None,
    context: FeatureContext | None = None,
) -> SimilarAccounts:
    """Accounts like one of the market in content, audience and engagement.

    Content is the cosine of the mean directions of what both posted; audience the overlap of both
    audiences by dimension; engagement the distance in level relative to tier and platform, rate,
    cadence, growth and format mix. Each part becomes the share of the compared accounts that are
    less alike, and the parts that are known of both are combined by their sum. A part that is not
    known is said to be so and never filled.

    Parameters
    ----------
    model : Model
        Model whose encoder and usual levels are used, closed at or before the instant.
    data : MarketData
        Market.
    account_id : str
        The account.
    as_of : pandas.Timestamp, optional
        Aware instant; one from which all of the market is known when None. Only what was known
        strictly before it is used.
    settings : Settings, optional
        ``retrieval.min_posts`` is the fewest earlier posts of an account that is compared; the
        model's own settings when None.
    by : sequence of {"content", "audience", "engagement"}
        Parts to compare; an account of which none is known is left out.
    top_k : int, default 10
        Accounts at most.
    language : {"en", "vi"}
        Language of the reasons.
    one_per_person : bool, default True
        Leave out other accounts of the same person, and show the nearest account alone of
        everybody else.
    same_platform, same_tier : bool, default False
        Compare only accounts of its platform, or of its tier.
    model_id : str, optional
        Name of the model in the audit; a digest of it when None.
    context : FeatureContext, optional
        What ``model.context(data)`` gives.

    Returns
    -------
    SimilarAccounts
        By likeness, ties by account id.

    Raises
    ------
    UsageError
        If a part is unknown, `top_k` is not positive, or the instant has no timezone.
    DataError
        If the market does not hold the account.
    LeakageError
        If the model was closed after the instant.
    SupportError
        If nothing of the account, or no other account, was known by then.

    Examples
    --------
    >>> from matcher import MarketData, find_similar, load_market, read_model
    >>> data = MarketData(load_market("data/tiny_market"))
    >>> model, _ = read_model("models/tiny")
    >>> found = find_similar(model, data, "acc_000001", top_k=3)
    >>> found.frame["rank"].tolist(), bool(found.frame["likeness"].between(0, 1).all())
    ([1, 2, 3], True)
    """
    by, as_of = _check_request(model, data, by, top_k, as_of)
    check_accounts(data, [account_id])
    check_choice(language, LANGUAGES, where="similar: language")
    settings = model.settings if settings is None else settings
    context = model.context(data) if context is None else context
    index, instant = data.index, instant_microseconds(as_of)
    code = int(index.account_codes(np.array([account_id], dtype=object))[0])
    min_posts = settings.retrieval.min_posts
    everyone = Compared.of(context, model.prior, code, instant, min_posts=min_posts, parts=by)
    keep, notes = _choose(
        index, everyone, one_per_person, same_platform=same_platform, same_tier=same_tier
    )
    if everyone.n_few:
        few = f"{everyone.n_few:,} account(s) with fewer than {min_posts} earlier posts"
        notes.append(f"{few} are not compared")
    compared = everyone.select(keep)
    nearness = compared.nearness(by)
    likeness = nearness["likeness"].to_numpy(np.float64)
    n_known = int(np.isfinite(likeness).sum())
    if not n_known:
        unknown = [part for part in by if not compared.known_of_own[part]]
        whose = account_id if len(unknown) == len(by) else f"{account_id} and another account"
        raise SupportError(
            f"similar: {', '.join(by)} of {whose} was not known before {as_of}; compare by other "
            "parts, with more accounts, or as of a later instant"
        )
    notes += _describe_gaps(account_id, compared, by, nearness)
    order = np.lexsort((compared.codes, -np.nan_to_num(likeness, nan=-1.0)))[:n_known]
    persons = index.person_of[compared.codes]
    if one_per_person:
        _, first = np.unique(persons[order], return_index=True)
        order = order[np.sort(first)]
    chosen = order[:top_k]
    audit = {
        "model_id": identify_model(model) if model_id is None else model_id,
        "data_hash": data.market.data_hash,
        "assumed_timeless": "|".join(list_assumptions(data.market)),
    }
    columns: dict[str, Any] = {
        **_identity(index, compared, chosen),
        **{str(name): values for name, values in nearness.iloc[chosen].to_dict("list").items()},
        **_reasons(context, compared, nearness, chosen, by, instant, language),
        **_posts(context, code, compared.codes[chosen], instant, by),
        "is_same_person": persons[chosen] == index.person_of[code],
    }
    frame = pd.DataFrame(columns).assign(like=account_id, as_of=as_of, **audit)
    frame["rank"] = np.arange(1, len(frame) + 1)
    frame = frame[list(SIMILAR_COLUMNS)].astype(dict(SIMILAR_COLUMNS))
    audit["as_of"] = as_of.isoformat()
    return SimilarAccounts(account_id, as_of, by, frame, n_known, tuple(notes), audit)


def _check_request(
    model: Model, data: MarketData, by: Sequence[str], top_k: int, as_of: pd.Timestamp | None
) -> tuple[tuple[str, ...], pd.Timestamp]:
    asked = (by,) if isinstance(by, str) or not isinstance(by, Iterable) else tuple(by)
    if not asked or not set(asked) <= set(PARTS):
        raise UsageError(f"similar: got by {asked!r}; expected some of {', '.join(PARTS)}")
    check_type(model, Model, where="similar: model", hint="`read_model` returns it first")
    check_type(data, MarketData, where="similar: data", hint="wrap it: MarketData(market)")
    check_count(top_k, where="similar: top_k")
    instant = data.market.all_known_at if as_of is None else as_of
    instant = to_instant(instant, where="similar: as_of")
    if instant < model.trained_until:
        raise LeakageError(
            f"the model was trained until {model.trained_until} but accounts are compared as of "
            f"{instant}; take a model closed before, or a later instant"
        )
    cut = data.market.cut_at
    if cut is not None and instant > cut:
        raise LeakageError(
            f"similar: accounts are compared as of {instant} but the market is cut at {cut}; "
            "cut it at or after that"
        )
    return tuple(part for part in PARTS if part in asked), instant


def _choose(
    index: MarketIndex,
    compared: Compared,
    one_per_person: bool,
    *,
    same_platform: bool,
    same_tier: bool,
) -> tuple[NDArray[np.bool_], list[str]]:
    """Which of the others are compared, and what is to be said of it."""
    keep, notes = np.ones(len(compared.codes), dtype=bool), []
    platforms = index.accounts["platform"].to_numpy(object)
    tiers = compared.profile.tiers
    for wanted, values, own, what in (
        (same_platform, platforms[compared.codes], platforms[compared.code], "platform"),
        (same_tier, tiers[1:], tiers[0], "tier"),
    ):
        if wanted:
            keep &= values == own
            notes.append(f"compared with accounts of its {what}, {own}, alone")
    is_own = index.person_of[compared.codes] == index.person_of[compared.code]
    if one_per_person and is_own.any():
        keep &= ~is_own
        ids = ", ".join(index.account_ids[compared.codes[is_own]])
        notes.append(f"other accounts of the same person are left out: {ids}")
    return keep, notes


def _describe_gaps(
    account_id: str, compared: Compared, by: Sequence[str], nearness: pd.DataFrame
) -> list[str]:
    n, counts = len(nearness), nearness[list(by)].notna().sum()
    notes = [
        f"{part} is known of {counts[part]:,} of {n:,} accounts"
        for part in by
        if 0 < counts[part] < n
    ]
    known = compared.known_of_own
    for part in by:
        if not counts[part]:
            whose = "any other account" if known[part] else account_id
            notes.append(f"{part} is not known of {whose}, and not compared")
    return notes


def _posts(
    context: FeatureContext,
    code: int,
    codes: NDArray[np.int64],
    instant: int,
    by: Sequence[str],
) -> dict[str, Any]:
    if "content" in by:
        return nearest_posts(context, code, codes, instant)
    # Posts are not embedded for other parts.
    names = [name for name in SIMILAR_COLUMNS if name.startswith(("own_post_", "post_"))]
    return {name: [None] * len(codes) for name in names}


def _identity(index: MarketIndex, compared: Compared, chosen: NDArray[np.int64]) -> dict[str, Any]:
    codes = compared.codes[chosen]
    accounts = index.accounts.iloc[codes]
    return {
        "account_id": accounts["account_id"].to_numpy(object),
        "influencer_id": accounts["influencer_id"].to_numpy(object),
        "display_name": index.influencers["display_name"].to_numpy(object)[codes],
        "handle": accounts["handle"].to_numpy(object),
        "platform": accounts["platform"].to_numpy(object),
        "tier": compared.profile.tiers[1:][chosen],
        "url": accounts["url"].to_numpy(object),
        "cosine": compared.cosines[chosen],
    }


def _reasons(
    context: FeatureContext,
    compared: Compared,
    nearness: pd.DataFrame,
    chosen: NDArray[np.int64],
    by: Sequence[str],
    instant: int,
    language: Language,
) -> dict[str, list[str | None]]:
    known = nearness.notna()
    teller = Teller(
        language,
        n_compared={part: int(known[part].sum()) for part in by},
        known_of_own=compared.known_of_own,
    )
    audience = compared.shares.groupby("code")
    nobody = compared.shares.iloc[:0]
    own_shares, own_tags = (
        audience.get_group(compared.code) if compared.code in audience.groups else nobody,
        hashtag_shares(context, compared.code, instant),
    )
    aligned = context.encoder.identity.is_aligned
    spoken = None if aligned else main_language(context, compared.code, instant)
    columns: dict[str, list[str | None]] = {f"why_{part}": [] for part in PARTS}
    columns["shared_hashtags"] = []
    for row in chosen.tolist():
        code = int(compared.codes[row])
        tags = hashtag_shares(context, code, instant)
        shared = shared_hashtags(context, own_tags, tags)
        overlaps = {name: float(values[row]) for name, values in compared.overlaps.items()}
        theirs = audience.get_group(code) if code in audience.groups else nobody
        pieces = {
            "content": [
                *teller.content(float(compared.cosines[row]), shared, (own_tags, tags)),
                *teller.languages(spoken, main_language(context, code, instant)),
                *teller.categories(_shared_categories(context.index, compared.code, code, instant)),
            ],
            "audience": teller.audience(overlaps, own_shares, theirs),
            "engagement": teller.engagement(compared.profile, 0, row + 1),
        }
        for part in PARTS:
            nearer = float(nearness[part].iloc[row])
            said = teller.say(part, nearer, pieces[part]) if part in by else None
            columns[f"why_{part}"].append(said)
        columns["shared_hashtags"].append(" ".join(f"#{tag}" for tag in shared) or None)
    return columns


def _shared_categories(index: MarketIndex, first: int, second: int, instant: int) -> list[str]:
    if (index.influencer_described_at[[first, second]] >= instant).any():
        return []
    held = index.influencers["categories"].to_numpy(object)
    lists = [held[code] if isinstance(held[code], tuple) else () for code in (first, second)]
    return [one for one in lists[0] if one in lists[1]]
