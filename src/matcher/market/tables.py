"""The tables of the data contract, as instances of the types in `matcher.market.spec`."""

from __future__ import annotations

from typing import Any, Final

from matcher.columns import (
    AGE_BUCKETS,
    DIMENSIONS,
    FORMATS,
    GENDER_BUCKETS,
    KINDS,
    OBJECTIVES,
    PLATFORMS,
    STATUSES,
)
from matcher.market.spec import MAX_TEXT_CHARACTERS, ColumnSpec, TableSpec

__all__ = ["TABLES"]

MAX_COUNT: Final = 1e12
"""No counter of a post or a campaign is larger; a larger one is an error of the export."""
MAX_FOLLOWERS: Final = 1e10
"""More than the people on Earth."""
MAX_MONEY: Final = 1e15
"""Covers the largest budgets in dong; a larger amount is an error of the export."""
MAX_DURATION_S: Final = 30 * 86_400.0

LANGUAGE: Final = r"^[A-Za-z]{2,8}(-[A-Za-z0-9]{1,8})*$"
COUNTRY: Final = r"^[A-Z]{2}$"
CURRENCY: Final = r"^[A-Z]{3}$"


def _id(name: str, description: str, **options: Any) -> ColumnSpec:
    return ColumnSpec(name, "str", description, **{"nullable": False, **options})


def _word(name: str, description: str, **options: Any) -> ColumnSpec:
    return ColumnSpec(name, "str", description, **options)


def _text(name: str, description: str, **options: Any) -> ColumnSpec:
    return ColumnSpec(name, "str", description, max_characters=MAX_TEXT_CHARACTERS, **options)


def _list(name: str, description: str, **options: Any) -> ColumnSpec:
    return ColumnSpec(name, "list", description, on_dangling="value", **options)


def _instant(name: str, description: str, **options: Any) -> ColumnSpec:
    return ColumnSpec(name, "instant", description, unit="UTC instant", **options)


def _day(name: str, description: str, **options: Any) -> ColumnSpec:
    return ColumnSpec(name, "day", description, **{"unit": "day", "may_be_future": True, **options})


def _number(name: str, description: str, high: float | None, unit: str, **o: Any) -> ColumnSpec:
    return ColumnSpec(name, "float", description, minimum=0.0, maximum=high, unit=unit, **o)


def _count(name: str, description: str, **options: Any) -> ColumnSpec:
    return _number(name, description, MAX_COUNT, "count", **options)


def _flag(name: str, description: str, **options: Any) -> ColumnSpec:
    return ColumnSpec(name, "bool", description, **options)


def _readings() -> tuple[ColumnSpec, ...]:
    known = {"known_at": "reading"}
    return (
        _count("impressions", "Times shown, repeats counted.", **known),
        _count("reach", "Distinct accounts that saw it.", **known),
        _count("views", "Views as the platform counts them; see `view_definition`.", **known),
        _text("view_definition", "What the platform counts as one view.", **known),
        _count("likes", "Likes or other reactions.", **known),
        _count("comments", "Comments and replies.", **known),
        _count("shares", "Shares, reposts and sends.", **known),
        _count("saves", "Saves, bookmarks and collects.", **known),
        _count("link_clicks", "Clicks on the post's link.", **known),
        _number("watch_time_s", "Watch time summed over viewers.", 1e14, "second", **known),
        _number("completion_rate", "Share of views that reach the end.", 1.0, "share", **known),
        _count("screenshots", "Screenshots taken.", **known),
        _count("profile_visits", "Visits to the profile from the post.", **known),
        _count("follows", "New followers from the post.", **known),
    )


_INFLUENCERS = TableSpec(
    "influencers",
    ("influencer_id",),
    (
        _id("influencer_id", "The person."),
        _text("display_name", "Name as shown.", known_at="timeless"),
        _text("bio", "The person's own description.", known_at="timeless"),
        _list("languages", "Languages spoken, BCP 47.", known_at="timeless", pattern=LANGUAGE),
        _word("country", "ISO 3166 alpha-2.", known_at="timeless", pattern=COUNTRY),
        _text("city", "City of residence.", known_at="timeless"),
        _word("gender", "Only as declared.", known_at="timeless", allowed=GENDER_BUCKETS),
        _list("categories", "Taxonomy ids.", known_at="timeless", is_taxonomy=True),
        _word("kind", "Kind of influencer.", known_at="timeless", allowed=KINDS),
        _instant("as_of", "When the row's description was read.", known_at="timeless"),
    ),
    "One row per influencer, a person.",
    "optional; without it one is made per account",
    extra_known_at="timeless",
)

_ACCOUNTS = TableSpec(
    "accounts",
    ("account_id",),
    (
        _id("account_id", "An influencer's channel on one platform; what is ranked and hired."),
        _id("influencer_id", "Its owner.", reference="influencers.influencer_id"),
        _id("platform", "Its platform.", allowed=PLATFORMS),
        _text("handle", "Handle on the platform.", known_at="timeless"),
        _text("url", "Address of the profile.", known_at="timeless"),
        _instant("created_at", "When the account was opened.", known_at="timeless"),
        _flag("is_verified", "Whether the platform verified it.", known_at="timeless"),
        _instant("as_of", "When the row's description was read.", known_at="timeless"),
    ),
    "One row per account.",
    "required",
    extra_known_at="timeless",
)

_SNAPSHOTS = TableSpec(
    "account_snapshots",
    ("account_id", "as_of"),
    (
        _id("account_id", "The account.", reference="accounts.account_id"),
        _instant("as_of", "When it was read.", nullable=False),
        _number("n_followers", "Followers.", MAX_FOLLOWERS, "count"),
        _number("n_following", "Accounts followed.", MAX_FOLLOWERS, "count"),
        _number("n_posts", "Posts on the account.", 1e9, "count"),
    ),
    "One reading of an account's size.",
    "`posts` or `account_snapshots` is required",
    known_at="as_of",
)

_POSTS = TableSpec(
    "posts",
    ("post_id",),
    (
        _id("post_id", "The post."),
        _id("account_id", "Its account.", reference="accounts.account_id"),
        _instant("published_at", "When it was published.", nullable=False),
        _word("format", "Format of the post.", allowed=FORMATS),
        _text("text", "Caption, transcript or article."),
        _word("language", "BCP 47.", pattern=LANGUAGE),
        _number("duration_s", "Length of the clip.", MAX_DURATION_S, "second"),
        _flag("is_sponsored", "Whether it is paid."),
        _word("sponsor_brand_id", "Who paid.", reference="brands.brand_id", on_dangling="value"),
        _flag("is_disclosed", "Whether the payment is disclosed."),
        _instant("observed_at", "When the counters here were read.", known_at="reading"),
        *_readings(),
    ),
    "One row per post; what never changes, and at most one reading of its counters.",
    "`posts` or `account_snapshots` is required",
    known_at="published_at",
    sort=("account_id", "published_at", "post_id"),
)

_METRICS = TableSpec(
    "post_metrics",
    ("post_id", "observed_at"),
    (
        _id("post_id", "The post.", reference="posts.post_id"),
        _instant("observed_at", "When it was read; null counts as unknown."),
        *_readings(),
    ),
    "One reading of a post's counters; append-only.",
    known_at="observed_at",
)

_CAMPAIGN_POSTS = TableSpec(
    "campaign_posts",
    ("campaign_id", "post_id"),
    (
        _id("campaign_id", "The campaign.", reference="campaigns.campaign_id"),
        _id("post_id", "A post made for it.", reference="posts.post_id"),
    ),
    "One post made for a campaign; never visible to that campaign's features.",
)

_AUDIENCES = TableSpec(
    "audiences",
    ("account_id", "as_of", "dimension", "bucket"),
    (
        _id("account_id", "The account.", reference="accounts.account_id"),
        _instant("as_of", "When it was read.", nullable=False),
        _id("dimension", "What the audience is split by.", allowed=DIMENSIONS),
        _id("bucket", "One part of it; closed for `age` and `gender`."),
        _number("share", "Part of the audience.", 1.0, "share", nullable=False),
    ),
    "One share of an account's audience; shares sum to at most 1 in a dimension.",
    known_at="as_of",
)

_RATES = TableSpec(
    "rates",
    ("account_id", "as_of", "format"),
    (
        _id("account_id", "The account.", reference="accounts.account_id"),
        _instant("as_of", "From when the price is quoted.", nullable=False),
        _word("format", "Format it buys; null buys any.", allowed=FORMATS),
        _number("price", "Price.", MAX_MONEY, "currency", nullable=False),
        _id("currency", "ISO 4217.", pattern=CURRENCY),
        _number("n_posts", "Posts it buys.", 1e6, "count"),
        _instant(
            "valid_until",
            "Until when it holds; a plain day is read as its end.",
            accepts_day=True,
            may_be_future=True,
        ),
    ),
    "One quoted price.",
    known_at="as_of",
)

_AVAILABILITY = TableSpec(
    "availability",
    ("account_id", "from_on", "to_on"),
    (
        _id("account_id", "The account.", reference="accounts.account_id"),
        _day("from_on", "First day.", nullable=False, known_at="term"),
        _day("to_on", "Last day; null is open.", known_at="term"),
        _text("reason", "Why.", known_at="term"),
    ),
    "One span of days in which an account cannot be hired.",
)

_EXCLUSIVITIES = TableSpec(
    "exclusivities",
    ("influencer_id", "brand_id", "category", "from_on", "to_on"),
    (
        _id("influencer_id", "The influencer bound.", reference="influencers.influencer_id"),
        _word("brand_id", "Brand bound to.", known_at="term", reference="brands.brand_id"),
        _word("category", "Category bound in.", known_at="term", is_taxonomy=True),
        _day("from_on", "First day.", nullable=False, known_at="term"),
        _day("to_on", "Last day; null is open.", known_at="term"),
    ),
    "One span of days in which an influencer is bound to a brand or in a category.",
)

_BRANDS = TableSpec(
    "brands",
    ("brand_id",),
    (
        _id("brand_id", "The brand."),
        _text("name", "Name.", known_at="timeless"),
        _word("category", "Taxonomy id.", known_at="timeless", is_taxonomy=True),
        _text("description", "What it sells.", known_at="timeless"),
        _word("country", "ISO 3166 alpha-2.", known_at="timeless", pattern=COUNTRY),
        _list("competitor_ids", "Rivals.", known_at="timeless", reference="brands.brand_id"),
        _instant("as_of", "When the row was read.", known_at="timeless"),
    ),
    "One row per brand.",
    "to learn from hires",
    extra_known_at="timeless",
)

_CAMPAIGNS = TableSpec(
    "campaigns",
    ("campaign_id",),
    (
        _id("campaign_id", "The campaign."),
        _id("brand_id", "Whose it is.", reference="brands.brand_id"),
        _text("title", "Title."),
        _text("brief", "The brief, free text."),
        _word("brief_language", "BCP 47; `mul` when mixed.", pattern=LANGUAGE),
        _word("objective", "What it is for.", allowed=OBJECTIVES),
        _text("kpi", "Name of the figure it is measured by."),
        _number("kpi_goal", "Goal of that figure.", MAX_MONEY, "unit of the kpi"),
        _list("platforms", "Where it runs.", allowed=PLATFORMS),
        _list("formats", "Formats it asks for.", allowed=FORMATS),
        _list("countries", "Markets, ISO 3166 alpha-2.", pattern=COUNTRY),
        _list("creator_languages", "Languages asked for, BCP 47.", pattern=LANGUAGE),
        ColumnSpec(
            "n_creators", "float", "Accounts to hire.", minimum=1.0, maximum=1e6, unit="count"
        ),
        _list("audience_age", "Ages aimed at.", allowed=AGE_BUCKETS),
        _list("audience_interests", "Interests aimed at."),
        _word("audience_gender", "Gender aimed at.", allowed=GENDER_BUCKETS),
        _number("budget", "Budget.", MAX_MONEY, "currency"),
        _word("currency", "ISO 4217.", pattern=CURRENCY),
        _word("timezone", "IANA zone of its days."),
        _list("must_have", "Accounts that have to be hired.", reference="accounts.account_id"),
        _list("never", "Accounts that may not be hired.", reference="accounts.account_id"),
        _instant("decided_at", "The decision instant; null while open.", may_be_future=True),
        _day("starts_on", "First day of the flight, as planned."),
        _day("ends_on", "Last day of the flight, as planned."),
    ),
    "One row per campaign, with its brief.",
    "to learn from hires",
    known_at="decided_at",
)


def _outcome(name: str, description: str) -> ColumnSpec:
    return _count(name, description, known_at="outcome_at")


_COLLABORATIONS = TableSpec(
    "collaborations",
    ("collaboration_id",),
    (
        _id("collaboration_id", "The collaboration."),
        _id("campaign_id", "The campaign.", reference="campaigns.campaign_id"),
        _id("account_id", "The account.", reference="accounts.account_id"),
        _id("status", "How far it went.", allowed=STATUSES),
        _instant("status_at", "From when existence and status are known; null is never."),
        _word("format", "Format agreed.", allowed=FORMATS),
        _number("n_posts_agreed", "Posts agreed.", 1e6, "count"),
        _number("n_posts_delivered", "Posts delivered.", 1e6, "count", known_at="outcome_at"),
        _number("fee", "Fee agreed.", MAX_MONEY, "currency"),
        _word("currency", "ISO 4217.", pattern=CURRENCY),
        _instant("outcome_at", "From when the outcome is known.", known_at="outcome_at"),
        _outcome("impressions", "Times shown, repeats counted."),
        _outcome("reach", "Distinct accounts reached."),
        _outcome("views", "Views; see `view_definition`."),
        _text("view_definition", "What counts as one view.", known_at="outcome_at"),
        _outcome("engagements", "Likes + comments + shares + saves."),
        _text("engagements_parts", "What was summed when a part misses.", known_at="outcome_at"),
        _outcome("link_clicks", "Clicks on the link."),
        _outcome("leads", "Leads."),
        _outcome("conversions", "Sales or sign-ups."),
        _number("revenue", "Revenue.", MAX_MONEY, "currency", known_at="outcome_at"),
    ),
    "One account asked or hired for a campaign, with its outcome.",
    "to learn from hires",
    known_at="status_at",
    extra_known_at="outcome_at",
)

_DECISIONS = TableSpec(
    "decisions",
    ("campaign_id", "account_id", "policy_id"),
    (
        _id("campaign_id", "The campaign.", reference="campaigns.campaign_id"),
        _id("account_id", "An eligible account.", reference="accounts.account_id"),
        _id("policy_id", "The policy that decided."),
        _instant("logged_at", "When it decided.", nullable=False),
        ColumnSpec("score", "float", "Score that the policy gave."),
        _number("inclusion_probability", "Chance of choice.", 1.0, "share", nullable=False),
        _flag("chosen", "Whether it was chosen.", nullable=False),
    ),
    "The log that off-policy evaluation needs: one row per eligible account.",
    known_at="logged_at",
)

_EXCHANGE_RATES = TableSpec(
    "exchange_rates",
    ("from", "to", "on"),
    (
        _id("from", "Currency converted.", pattern=CURRENCY),
        _id("to", "Currency it becomes.", pattern=CURRENCY),
        _day("on", "Day of the rate.", nullable=False, may_be_future=False),
        ColumnSpec(
            "rate",
            "float",
            "One unit of `from` in `to`.",
            nullable=False,
            minimum=1e-12,
            maximum=1e12,
            unit="`to` per `from`",
        ),
    ),
    "One dated rate of exchange; the newest before the instant counts.",
    known_at="on",
)

TABLES: Final[dict[str, TableSpec]] = {
    spec.name: spec
    for spec in (
        _INFLUENCERS,
        _ACCOUNTS,
        _BRANDS,
        _SNAPSHOTS,
        _POSTS,
        _METRICS,
        _CAMPAIGNS,
        _CAMPAIGN_POSTS,
        _AUDIENCES,
        _RATES,
        _AVAILABILITY,
        _EXCLUSIVITIES,
        _COLLABORATIONS,
        _DECISIONS,
        _EXCHANGE_RATES,
    )
}
"""All tables, parents before children."""
