"""Warnings about a recommended account: what to check before acting on its place in the list."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from matcher.market.instants import to_microseconds
from matcher.recommend.bonds import describe_bonds
from matcher.recommend.bounds import describe_extrapolation
from matcher.recommend.wording import format_number
from matcher.retrieval.facts import account_facts, primary_language

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from matcher.features.context import MarketData
    from matcher.features.pair_features import FeatureMatrix
    from matcher.market.brief import Brief
    from matcher.ranking.seen import SeenRanges
    from matcher.recommend.wording import Language

__all__ = ["CAUTIONS", "Caution", "build_cautions"]

FEW_POSTS: Final = 5
"""Fewer earlier posts than this say little about content and engagement."""
STALE_DAYS: Final = 60
"""Days without a post after which an account may no longer be what its figures say."""
HIGH_AD_LOAD: Final = 0.5
"""Share of sponsored posts beyond which half of what followers see is paid."""
MASS_FOLLOWING: Final = 1_500
"""Followed accounts beyond which HypeAuditor speaks of mass followers (its help pages)."""
HIGH_FOLLOWING_SHARE: Final = 0.5
"""Followed accounts per follower from which mass following bears on the number of followers."""
FEW_VIEWS_PER_FOLLOWER: Final = 0.01
"""Views of the median post per follower below which most followers cannot be watching.

Of 434 accounts of a Vietnamese TikTok market none lies below, half have more views than followers.
Both signs mark accounts with more bought followers in simulated markets, whose truth is known."""
LEAST_AUDIENCE_SHARE: Final = 0.3
"""Share of the audience in the countries of the brief below which most of it is elsewhere."""
LEAST_LANGUAGE_SHARE: Final = 0.5
"""Share of posts in a language of the brief below which the languages differ."""

_DAY_US: Final = 86_400_000_000

CAUTIONS: Final = {
    "cold_account": {
        "en": "No earlier hire of this person is known.",
        "vi": "Chưa biết lần hợp tác nào trước đây của người này.",
    },
    "few_posts": {
        "en": "Only {value} earlier post(s) are known.",
        "vi": "Chỉ biết {value} bài đăng trước đây.",
    },
    "no_close_post": {
        "en": "None of its posts is as near to the brief as the best post of a typical candidate.",
        "vi": "Không có bài đăng nào gần với brief bằng bài tốt nhất của một ứng viên bình thường.",
    },
    "stale": {
        "en": "No post for {value} days.",
        "vi": "Không có bài đăng nào trong {value} ngày qua.",
    },
    "language_mismatch": {
        "en": "Its language differs from that of the brief.",
        "vi": "Ngôn ngữ khác với ngôn ngữ của brief.",
    },
    "no_followers": {
        "en": "The number of followers was not known in time.",
        "vi": "Chưa biết số người theo dõi tại thời điểm xét.",
    },
    "late_followers": {
        "en": "The number of followers was read later and is taken as a constant.",
        "vi": "Số người theo dõi được đọc sau thời điểm xét và coi như không đổi.",
    },
    "ad_load_high": {
        "en": "{value} % of its posts of the last 90 days are sponsored.",
        "vi": "{value} % bài đăng trong 90 ngày qua là bài tài trợ.",
    },
    "ad_load_always_high": {
        "en": "{value} % of its earlier posts are sponsored.",
        "vi": "{value} % bài đăng trước đây là bài tài trợ.",
    },
    "rival_contact": {
        "en": "It worked with a rival of the brand.",
        "vi": "Từng làm việc với đối thủ của nhãn hàng.",
    },
    "exclusivity": {
        "en": "This person is bound exclusively {value}.",
        "vi": "Người này đang có cam kết độc quyền {value}.",
    },
    "mass_following": {
        "en": "It follows {value} accounts, at least half as many as follow it: its followers may "
        "have been won by following them.",
        "vi": "Tài khoản này theo dõi {value} tài khoản khác, ít nhất bằng một nửa số người theo "
        "dõi mình: người theo dõi có thể đến từ việc theo dõi chéo.",
    },
    "idle_followers": {
        "en": "Its posts have {value} views at the median for every 1,000 followers: many of these "
        "may be bought or idle.",
        "vi": "Cứ 1.000 người theo dõi, mỗi bài đăng chỉ có {value} lượt xem (trung vị): nhiều "
        "người theo dõi có thể là mua hoặc không còn hoạt động.",
    },
    "audience_elsewhere": {
        "en": "Only {value} % of its audience is in the countries of the brief.",
        "vi": "Chỉ {value} % khán giả ở những quốc gia mà brief nhắm tới.",
    },
    "extrapolation": {
        "en": "Far outside what the model learnt from: {value}.",
        "vi": "Nằm xa ngoài phạm vi mà mô hình đã học: {value}.",
    },
    "price_above_share": {
        "en": "One post costs more than the budget divided by the number of creators.",
        "vi": "Giá một bài cao hơn ngân sách chia cho số người cần thuê.",
    },
}
"""Sentence of each warning by language."""


@dataclass(frozen=True)
class Caution:
    """One warning.

    Parameters
    ----------
    id : str
        Key of `CAUTIONS`.
    text : str
        Its sentence.
    """

    id: str
    text: str


@dataclass(frozen=True)
class _Case:
    """Chosen accounts of a brief."""

    data: MarketData
    brief: Brief
    codes: NDArray[np.int64]
    instant: int
    matrix: FeatureMatrix
    n_close: NDArray[np.int64]
    language: Language
    seen: SeenRanges | None
    names: Sequence[str]

    @property
    def n_recent(self) -> NDArray[np.float64]:
        """Posts of the last 90 days."""
        return np.nan_to_num(np.expm1(self.feature("posts_90d"))).round()

    def feature(self, name: str) -> NDArray[np.float64]:
        return np.asarray(self.matrix.columns([name])[:, 0])


def _cold(case: _Case) -> NDArray[np.float64]:
    known_at, accounts, _ = account_facts(case.data).hires
    seen = accounts[: int(np.searchsorted(known_at, case.instant))]
    person_of = case.data.index.person_of
    return np.where(np.isin(person_of[case.codes], person_of[seen]), np.nan, 0.0)


def _few_posts(case: _Case) -> NDArray[np.float64]:
    counts = account_facts(case.data).count_posts(case.brief, case.instant)[case.codes]
    return np.where(counts < FEW_POSTS, counts, np.nan)


def _no_close_post(case: _Case) -> NDArray[np.float64]:
    compared = np.isfinite(case.feature("content_best"))
    return np.where(compared & (case.n_close == 0), 0.0, np.nan)


def _stale(case: _Case) -> NDArray[np.float64]:
    index = case.data.index
    starts, ends = index.posts_before(case.codes, case.instant)
    days = np.full(len(case.codes), np.nan)
    posted = ends > starts
    newest = index.post_published[ends[posted] - 1]
    days[posted] = (case.instant - newest) // _DAY_US
    return np.where(days > STALE_DAYS, days, np.nan)


def _language(case: _Case) -> NDArray[np.float64]:
    share = case.feature("language_share")
    differs = share < LEAST_LANGUAGE_SHARE
    wanted = case.brief.creator_languages
    if not wanted and case.brief.brief_language not in (None, "mul", "und"):
        wanted = (str(case.brief.brief_language),)
    if wanted:
        facts = account_facts(case.data)
        names, spoken = facts.languages
        known = spoken[case.codes].any(axis=1) & (facts.described_at[case.codes] < case.instant)
        shared = np.isin(names, [primary_language(tag) for tag in wanted])
        strange = known & ~spoken[case.codes][:, shared].any(axis=1)
        differs = np.where(np.isnan(share), strange, differs)
    return np.where(differs, 0.0, np.nan)


def _no_followers(case: _Case) -> NDArray[np.float64]:
    return np.where(np.isnan(case.feature("followers_log")), 0.0, np.nan)


def _late_followers(case: _Case) -> NDArray[np.float64]:
    if not case.data.market.settings.allow_late_snapshots:
        return np.full(len(case.codes), np.nan)
    table = case.data.market.tables["account_snapshots"]
    in_time = (to_microseconds(table["as_of"]) < case.instant) & table["n_followers"].notna()
    known = np.isin(case.codes, case.data.index.account_codes(table["account_id"][in_time]))
    shown = ~np.isnan(case.feature("followers_log"))
    return np.where(shown & ~known, 0.0, np.nan)


def _ad_load(case: _Case) -> NDArray[np.float64]:
    load = case.feature("ad_load_90d")
    is_high = (case.n_recent >= FEW_POSTS) & (load > HIGH_AD_LOAD)
    return np.where(is_high, np.floor(100 * load), np.nan)


def _ad_load_always(case: _Case) -> NDArray[np.float64]:
    """Share over all earlier posts, where too few are recent and enough are known."""
    counts = account_facts(case.data).count_posts(case.brief, case.instant)[case.codes]
    load = case.feature("ad_load")
    is_high = (case.n_recent < FEW_POSTS) & (counts >= FEW_POSTS) & (load > HIGH_AD_LOAD)
    return np.where(is_high, np.floor(100 * load), np.nan)


def _rival(case: _Case) -> NDArray[np.float64]:
    return np.where(case.feature("rival_contacts") > 0, 0.0, np.nan)


def _price(case: _Case) -> NDArray[np.float64]:
    return np.where(case.feature("price_share_of_budget") > np.log(2.0), 0.0, np.nan)


def _mass_following(case: _Case) -> NDArray[np.float64]:
    share = case.feature("following_per_follower")
    followed = np.round(share * np.expm1(case.feature("followers_log")))
    is_mass = (followed > MASS_FOLLOWING) & (share >= HIGH_FOLLOWING_SHARE)
    return np.where(is_mass, followed, np.nan)


def _idle_followers(case: _Case) -> NDArray[np.float64]:
    counts = account_facts(case.data).count_posts(case.brief, case.instant)[case.codes]
    views = case.feature("views_per_follower")
    is_low = (views < FEW_VIEWS_PER_FOLLOWER) & (counts >= FEW_POSTS)
    return np.where(is_low, np.floor(1_000 * views), np.nan)


def _audience(case: _Case) -> NDArray[np.float64]:
    share = case.feature("audience_country")
    return np.where(share < LEAST_AUDIENCE_SHARE, np.floor(100 * share), np.nan)


def _exclusivity(case: _Case) -> list[str | None]:
    return describe_bonds(case.data, case.brief, case.codes, case.instant, language=case.language)


def _extrapolation(case: _Case) -> list[str | None]:
    return describe_extrapolation(case.seen, case.names, case.matrix, case.language)


_CHECKS: Final[dict[str, Callable[[_Case], NDArray[np.float64] | list[str | None]]]] = {
    "cold_account": _cold,
    "few_posts": _few_posts,
    "no_close_post": _no_close_post,
    "stale": _stale,
    "language_mismatch": _language,
    "no_followers": _no_followers,
    "late_followers": _late_followers,
    "ad_load_high": _ad_load,
    "ad_load_always_high": _ad_load_always,
    "rival_contact": _rival,
    "exclusivity": _exclusivity,
    "mass_following": _mass_following,
    "idle_followers": _idle_followers,
    "audience_elsewhere": _audience,
    "extrapolation": _extrapolation,
    "price_above_share": _price,
}
"""What each warning finds of accounts: a number or words, NaN or None where it does not hold."""


def build_cautions(
    data: MarketData,
    brief: Brief,
    codes: NDArray[np.int64],
    instant: int,
    matrix: FeatureMatrix,
    *,
    n_close: NDArray[np.int64],
    language: Language,
    seen: SeenRanges | None = None,
    names: Sequence[str] = (),
) -> list[tuple[Caution, ...]]:
    """Warnings about the chosen accounts of a brief, from what was known before an instant.

    Parameters
    ----------
    data : MarketData
        Market.
    brief : Brief
        Brief.
    codes : numpy.ndarray of int64, shape (n,)
        Account codes.
    instant : int
        Microseconds since 1970.
    matrix : FeatureMatrix
        Raw features of these accounts, in the same order.
    n_close : numpy.ndarray of int64, shape (n,)
        Earlier posts of each that are close to the brief.
    language : {"en", "vi"}
        Language of the sentences.
    seen : SeenRanges, optional
        In which range the model saw each feature; nothing is said of it when None.
    names : sequence of str
        Features whose range counts: those that the explained ranker uses.

    Returns
    -------
    list of tuple of Caution, length n
        In the order of `CAUTIONS`.
    """
    case = _Case(data, brief, codes, instant, matrix, n_close, language, seen, names)
    found: list[list[Caution]] = [[] for _ in codes]
    for name, check in _CHECKS.items():
        for row, value in enumerate(check(case)):
            if value is None or (not isinstance(value, str) and np.isnan(value)):
                continue
            shown = value if isinstance(value, str) else format_number(float(value), language)
            found[row].append(Caution(name, CAUTIONS[name][language].format(value=shown)))
    return [tuple(one) for one in found]
