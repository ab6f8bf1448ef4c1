"""What makes two accounts alike, in one plain sentence per part."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from matcher.columns import FORMATS
from matcher.market.taxonomy import read_taxonomy
from matcher.recommend.wording import format_number, format_value
from matcher.text.normalise import find_hashtags

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import pandas as pd
    from numpy.typing import NDArray

    from matcher.features.context import FeatureContext
    from matcher.recommend.engagement import EngagementProfile
    from matcher.recommend.wording import Language

__all__ = ["PART_NAMES", "Teller", "hashtag_shares", "main_language", "shared_hashtags"]

PART_NAMES: Final[Mapping[str, Mapping[str, str]]] = {
    "content": {"en": "Content", "vi": "Nội dung"},
    "audience": {"en": "Audience", "vi": "Khán giả"},
    "engagement": {"en": "Engagement", "vi": "Tương tác"},
}
"""Names of the parts."""

_MOST_TAGS: Final = 3
_MOST_COMMON: Final = 0.05
"""Share of all posts beyond which a hashtag says nothing of an account."""
_MOST_BUCKETS: Final = 2
_MOST_TAGGED_POSTS: Final = 1_000
"""Newest posts of an account whose hashtags are read."""

_WORDS: Final = {
    "en": {
        "nearer": "nearer than {share} % of {n}",
        "unknown_own": "{part}: not known of the account asked about.",
        "unknown_other": "{part}: not known of this account.",
        "cosine": "cosine {value}",
        "tags": "both use {items} of their posts",
        "tag": "#{tag} in {first} | {second}",
        "categories": "both are filed under {items}",
        "languages": "posts in {first} | {second}, which this encoder does not align",
        "overlap": "{items} in common",
        "by": "{value} by {name}",
        "most": "most in both: {items}",
        "bucket": "{name} ({first} | {second})",
        "level": "{first} | {second} times the usual engagements of tier and platform",
        "rate_by_views": "{first} | {second} engagements per view",
        "rate_by_followers": "{first} | {second} engagements per follower",
        "cadence": "{first} | {second} posts a week",
        "growth": "followers {first} | {second} in 30 days",
        "formats": "{name} {first} | {second} of posts",
    },
    "vi": {
        "nearer": "gần hơn {share} % trong {n}",
        "unknown_own": "{part}: chưa biết của tài khoản được hỏi.",
        "unknown_other": "{part}: chưa biết của tài khoản này.",
        "cosine": "cosine {value}",
        "tags": "cùng dùng {items} số bài",
        "tag": "#{tag} trong {first} | {second}",
        "categories": "cùng thuộc {items}",
        "languages": "đăng bằng {first} | {second}, mà bộ mã hoá này không đối chiếu được",
        "overlap": "trùng {items}",
        "by": "{value} theo {name}",
        "most": "đông nhất ở cả hai: {items}",
        "bucket": "{name} ({first} | {second})",
        "level": "tương tác gấp {first} | {second} lần mức thường của hạng và nền tảng",
        "rate_by_views": "{first} | {second} tương tác trên lượt xem",
        "rate_by_followers": "{first} | {second} tương tác trên người theo dõi",
        "cadence": "{first} | {second} bài mỗi tuần",
        "growth": "người theo dõi {first} | {second} trong 30 ngày",
        "formats": "{name} {first} | {second} số bài",
    },
}
_DIMENSIONS: Final = {
    "country": {"en": "country", "vi": "quốc gia"},
    "city": {"en": "city", "vi": "thành phố"},
    "age": {"en": "age", "vi": "độ tuổi"},
    "gender": {"en": "gender", "vi": "giới tính"},
    "language": {"en": "language", "vi": "ngôn ngữ"},
    "interest": {"en": "interest", "vi": "sở thích"},
}
_KINDS: Final = {
    "level": "log",
    "rate_by_views": "rate",
    "rate_by_followers": "rate",
    "cadence": "number",
    "growth": "change",
}


def hashtag_shares(context: FeatureContext, code: int, instant: int) -> dict[str, float]:
    """Share of an account's posts that carry each hashtag.

    Parameters
    ----------
    context : FeatureContext
        Market.
    code : int
        Account code.
    instant : int
        Microseconds since 1970; the newest 1,000 posts published strictly before it count.

    Returns
    -------
    dict of str to float
        0 to 1 by hashtag without the sign.
    """
    starts, ends = context.index.posts_before(np.array([code]), instant)
    first = max(int(starts[0]), int(ends[0]) - _MOST_TAGGED_POSTS)
    texts = context.index.post_texts
    counts: dict[str, int] = {}
    for post in range(first, int(ends[0])):
        for tag in set(find_hashtags(texts[post])):
            counts[tag] = counts.get(tag, 0) + 1
    return {tag: count / (int(ends[0]) - first) for tag, count in counts.items()}


def shared_hashtags(
    context: FeatureContext, first: Mapping[str, float], second: Mapping[str, float]
) -> list[str]:
    """Hashtags of both accounts, those first that both use often.

    Hashtags that more than 5 % of all posts carry say nothing of an account and are left out.

    Parameters
    ----------
    context : FeatureContext
        Market and lexicon.
    first, second : mapping of str to float
        Shares of posts by hashtag.

    Returns
    -------
    list of str
        At most three, by the smaller of both shares, then the rarer one.
    """
    lexicon = context.lexicon
    common = sorted(set(first) & set(second))
    columns = np.searchsorted(np.array(lexicon.terms, dtype=object), common)
    found = []
    for tag, column in zip(common, columns.tolist(), strict=True):
        is_known = column < len(lexicon.terms) and lexicon.terms[column] == tag
        share = lexicon.document_frequency[column] / lexicon.n_documents if is_known else 0.0
        if share <= _MOST_COMMON:
            found.append((-min(first[tag], second[tag]), float(share), tag))
    return [tag for _, _, tag in sorted(found)[:_MOST_TAGS]]


def main_language(context: FeatureContext, code: int, instant: int) -> str | None:
    """Language of most of an account's posts.

    Parameters
    ----------
    context : FeatureContext
        Market.
    code : int
        Account code.
    instant : int
        Microseconds since 1970; posts published strictly before it count.

    Returns
    -------
    str or None
        Primary subtag, the first in code-point order on a tie; None where no language is known.
    """
    starts, ends = context.index.posts_before(np.array([code]), instant)
    codes, names = context.index.post_languages
    spoken = codes[int(starts[0]) : int(ends[0])]
    counts: dict[str, int] = {}
    for place, count in zip(*np.unique(spoken[spoken >= 0], return_counts=True), strict=True):
        counts[names[int(place)]] = counts.get(names[int(place)], 0) + int(count)
    return min(counts, key=lambda name: (-counts[name], name)) if counts else None


@dataclass(frozen=True)
class Teller:
    """Says in one language how near accounts stand to the one asked about.

    Parameters
    ----------
    language : {"en", "vi"}
        Language.
    n_compared : mapping of str to int
        Accounts of which each part is known.
    known_of_own : mapping of str to bool
        Whether each part is known of the account asked about.
    """

    language: Language
    n_compared: Mapping[str, int]
    known_of_own: Mapping[str, bool]

    def say(self, part: str, nearness: float, pieces: Sequence[str]) -> str:
        """Sentence of one part.

        Parameters
        ----------
        part : str
            One of `matcher.recommend.compared.PARTS`.
        nearness : float
            Share of accounts that are less alike; NaN where the part is unknown.
        pieces : sequence of str
            What is alike, with the value of the account asked about first.

        Returns
        -------
        str
            Sentence.
        """
        words, name = _WORDS[self.language], PART_NAMES[part][self.language]
        if not np.isfinite(nearness):
            whose = "unknown_other" if self.known_of_own[part] else "unknown_own"
            return words[whose].format(part=name)
        n = format_number(self.n_compared[part], self.language)
        share = format_number(np.floor(100 * nearness), self.language)
        stand = words["nearer"].format(share=share, n=n)
        return f"{name} ({stand}): {'; '.join(pieces)}."

    def content(
        self, cosine: float, tags: Sequence[str], shares: Sequence[Mapping[str, float]]
    ) -> list[str]:
        """What is alike in content.

        Parameters
        ----------
        cosine : float
            Cosine of both mean directions.
        tags : sequence of str
            Hashtags of both.
        shares : sequence of mapping of str to float, length 2
            Share of posts by hashtag, of the account asked about and of the other one.

        Returns
        -------
        list of str
            Pieces of the sentence.
        """
        words = _WORDS[self.language]
        pieces = [words["cosine"].format(value=format_number(cosine, self.language, digits=2))]
        items = [
            words["tag"].format(
                tag=tag, first=self._percent(shares[0][tag]), second=self._percent(shares[1][tag])
            )
            for tag in tags
        ]
        return pieces + ([words["tags"].format(items=", ".join(items))] if items else [])

    def categories(self, shared: Sequence[str]) -> list[str]:
        """Categories under which both accounts are filed.

        Parameters
        ----------
        shared : sequence of str
            Taxonomy ids.

        Returns
        -------
        list of str
            One piece, none without categories.
        """
        taxonomy = read_taxonomy()
        names = [
            taxonomy[one].name(self.language) if one in taxonomy.categories else one
            for one in shared
        ]
        words = _WORDS[self.language]
        return [words["categories"].format(items=", ".join(names))] if names else []

    def languages(self, first: str | None, second: str | None) -> list[str]:
        """Languages of both accounts, where the encoder cannot compare them.

        Parameters
        ----------
        first, second : str or None
            Main language of the account asked about and of the other one.

        Returns
        -------
        list of str
            One piece where both are known and differ, else none.
        """
        if first is None or second is None or first == second:
            return []
        return [_WORDS[self.language]["languages"].format(first=first, second=second)]

    def audience(
        self, overlaps: Mapping[str, float], first: pd.DataFrame, second: pd.DataFrame
    ) -> list[str]:
        """What is alike in the audience.

        Parameters
        ----------
        overlaps : mapping of str to float
            Overlap by dimension, NaN where unknown.
        first, second : pandas.DataFrame
            Columns ``dimension, bucket, share`` of the account asked about and of the other one.

        Returns
        -------
        list of str
            Pieces of the sentence.
        """
        words = _WORDS[self.language]
        known = {name: value for name, value in overlaps.items() if np.isfinite(value)}
        items = [
            words["by"].format(
                value=self._percent(value), name=_DIMENSIONS.get(name, {}).get(self.language, name)
            )
            for name, value in known.items()
        ]
        both = first.merge(second, on=["dimension", "bucket"], suffixes=("", "_other"))
        both = both[both["dimension"].isin(list(known))]
        both = both.assign(common=np.minimum(both["share"], both["share_other"]))
        # What nearly everybody shares, such as the country, is said by the overlap already.
        both = both.sort_values(["common", "dimension", "bucket"], ascending=[False, True, True])
        largest = both.drop_duplicates("dimension").head(_MOST_BUCKETS).to_dict("records")
        buckets = [
            words["bucket"].format(
                name=row["bucket"],
                first=self._percent(row["share"]),
                second=self._percent(row["share_other"]),
            )
            for row in largest
        ]
        pieces = [words["overlap"].format(items=", ".join(items))]
        return pieces + ([words["most"].format(items=", ".join(buckets))] if buckets else [])

    def engagement(self, profile: EngagementProfile, first: int, second: int) -> list[str]:
        """What is alike in engagement.

        Parameters
        ----------
        profile : EngagementProfile
            Figures of all compared accounts.
        first, second : int
            Rows of the account asked about and of the other one.

        Returns
        -------
        list of str
            Pieces of the sentence; what is not known of both is left out.
        """
        words = _WORDS[self.language]
        rows = np.array([first, second])
        pair = {name: values[rows] for name, values in profile.measures.items()}
        if np.isfinite(pair["rate_by_views"]).all():
            del pair["rate_by_followers"]
        pieces = [
            words[name].format(first=self._shown(name, both[0]), second=self._shown(name, both[1]))
            for name, both in pair.items()
            if np.isfinite(both).all()
        ]
        mixes: NDArray[np.float64] = profile.formats[rows]
        if np.isfinite(mixes).all():
            most = int(mixes.min(axis=0).argmax())
            shares = [self._percent(value) for value in mixes[:, most].tolist()]
            name = FORMATS[most].replace("_", " ")
            pieces.append(words["formats"].format(name=name, first=shares[0], second=shares[1]))
        return pieces

    def _shown(self, name: str, value: Any) -> str:
        return str(format_value(_KINDS[name], float(value), self.language))

    def _percent(self, share: float) -> str:
        return str(format_value("share", float(share), self.language))
