"""What the page about the simulated market says in words."""

from __future__ import annotations

from typing import Final

__all__ = ["CANNOT_TELL", "EDGES", "GRAPH", "NODES", "PURPOSE", "REJECTED"]

PURPOSE: Final = """\
No public data set holds briefs, prices, the odds of being chosen, and outcomes together. The
simulated market does: `matcher simulate` writes the tables of the [contract](tables.md) as an
export would look, and beside them, in `truth/`, what no export holds: latent traits, the expected
and the drawn outcome of any pair of campaign and account under any change, and the probability with
which each account was invited. The demo runs on it, the tests measure quality against it, and only
there can the answer to a what-if question be checked.

It is synthetic. Its figures test the code and the method; they say nothing about what a campaign
would earn on a real market.
"""

NODES: Final[dict[str, tuple[str, float, float, bool]]] = {
    "person": ("person: interests, tone,\nlanguage, level, trend", 0.0, 3.0, True),
    "account": ("account: platform, followers,\nfake share, pod, ad load", 0.0, 1.5, True),
    "audience": ("audience: place, age,\ngender, interest", 0.0, 0.0, True),
    "text": ("texts of posts and bios", 1.35, 3.65, False),
    "snapshots": ("followers over time,\naudience tables", 1.35, -0.6, False),
    "posts": ("posts and\ntheir counters", -0.75, 0.75, False),
    "price": ("prices", 1.35, 2.4, False),
    "brand": ("brand: niche, rivals,\npartners", 4.3, 3.0, True),
    "campaign": ("campaign: sub-topic, tone,\ntarget, objective, budget", 4.3, 2.25, True),
    "brief": ("brief", 4.3, 1.5, False),
    "fit": ("fit of person\nand campaign", 2.9, 3.0, True),
    "hire": ("invitation (known odds)\nand answer", 2.35, 1.5, False),
    "outcome": ("outcome: reach, interactions,\nclicks, orders, revenue", 3.1, 0.0, False),
    "shock": ("shocks of post, pair\nand campaign", 4.3, 0.0, True),
}
"""Nodes of the causal graph: words, place, and whether it is latent."""
EDGES: Final = (
    ("person", "account"),
    ("person", "text"),
    ("person", "fit"),
    ("person", "hire"),
    ("person", "outcome"),
    ("account", "audience"),
    ("account", "posts"),
    ("account", "snapshots"),
    ("account", "price"),
    ("audience", "snapshots"),
    ("person", "price"),
    ("brand", "campaign"),
    ("brand", "hire"),
    ("campaign", "brief"),
    ("campaign", "fit"),
    ("account", "hire"),
    ("audience", "hire"),
    ("price", "hire"),
    ("fit", "hire"),
    ("campaign", "hire"),
    ("campaign", "outcome"),
    ("hire", "outcome"),
    ("fit", "outcome"),
    ("account", "outcome"),
    ("audience", "outcome"),
    ("shock", "outcome"),
)
"""Arrows of the causal graph."""

GRAPH: Final = """\
![Causal graph of the simulated market](world/graph.svg)

Filled boxes are latent and stand in `truth/` only; the others are what an export shows. In words:

- A **person** has interests in sub-topics, a tone, a language and an engagement level with a trend;
  their **texts** carry interests and tone, which no other column does as finely.
- An **account** has followers (authentic and bought), growth, an advertising load; it earns
  counters around one shock per post, from which all counters follow. Fake followers reach nobody.
- An **audience** follows from interest, place, age and gender, so that audience tables, shared
  followers and de-duplicated reach agree.
- A **price** follows followers, platform, format, niche, market, season, and partly the level.
- A **brand** writes briefs from its niche, objective, target, tone and budget. A **buyer** weighs
  fit, relation, price, audience, engagement, reliability, language, rivalry and load, and draws
  with known probabilities; the invited accept or decline.
- An **outcome** is the account's usual exposure, changed by fit (an inverted U), advertising
  fatigue, the account's own gap of sponsored posts, repetition and pay, times shocks of post, pair
  and campaign. Clicks follow from it, more where fit, kind of influencer, target audience and
  comments favour them; leads, orders and revenue follow from clicks. All is read with delay.
- Given the logged probabilities nothing links choice and outcome further in `default`. Given the
  other tables alone level and fit still do, of which posts and texts show a part. In `confounded`
  fame does, which no table shows and the logged probabilities leave out.
"""

REJECTED: Final = (
    (
        "Instagram engagement rate by tier",
        "organicmediabuying 2025, Statista, HypeAuditor 2023, Captiv8 (by impressions), iidb 2026, "
        "CreatorLedger; HypeAuditor 2018 (flat above 20k)",
        "they differ by a factor of two to five; one table with ranges for every tier is followed",
    ),
    (
        "TikTok engagement rate by tier",
        "organicmediabuying 2025 (mixed denominators), HypeAuditor 2023 (by followers), Captiv8 "
        "(no decay), Socialinsider 3.70 % and Buffer 4.86 % (all accounts)",
        "by views with ranges for every tier is followed",
    ),
    (
        "Instagram engagement of all accounts",
        "Rival IQ 0.47 %, Socialinsider 0.48 % (by followers), Buffer 1.16 % (by impressions)",
        "brand pages, far below any creator table",
    ),
    (
        "Instagram reach by followers",
        "The Cirqle 2024 (15.7 % at 10-50k, 3.2 % at 500k-1M), Bazaarvoice 2021, planning rates of "
        "sponsorrate and Stellar",
        "one table with ranges for every tier is followed",
    ),
    (
        "Carousel over image",
        "creatorsjet 2025: 1.38 % over 0.72 % (1.9)",
        "engagement rates by an unnamed denominator; a range is followed",
    ),
    (
        "Instagram likes per impression, saves per like",
        "3.5 % and 70 % of one education creator",
        "of one creator; contradicts the tables by tier",
    ),
    (
        "Instagram correlations across posts of many accounts",
        "groupbuyseotools: saves 0.55, comments 0.16 with impressions",
        "across accounts and without n; within one creator with n is followed",
    ),
    (
        "Spread between accounts",
        "0.91 and 1.00 on Instagram, 0.56 (views) and 0.58 (likes) on TikTok, of lists of the "
        "largest accounts",
        "selected lists; assumed instead",
    ),
    (
        "TikTok views by followers",
        "exponent 0.10: Tian, Dew and Iyengar, JMR 2024, and the top-1000 list of 2022",
        "what one account gains by more followers, and a list selected on views; neither is the "
        "slope over accounts, which is assumed",
    ),
    (
        "Bought followers",
        "27 % of accounts, 33 % at 5-20k: Singapore 2019",
        "no n beside the figures; shown as assumed",
    ),
    (
        "YouTube views per subscriber",
        "1.9 % on the top-1000 list",
        "a list selected on subscribers",
    ),
    (
        "Fraud by tier",
        "5-20k up to 71 %, macro 56 %, mega about 60 %; low-quality audience of micro above 50 % "
        "(2018)",
        "single figures of different years that contradict each other in direction",
    ),
    ("Pods", "9.9 %, Singapore 2019", "no n beside the figure; counted within fraud overall"),
    (
        "Prices in dollars",
        "iidb 2026, and CPM tables of six vendors",
        "other units or higher by a factor of five; one table for three platforms is followed",
    ),
    (
        "Video over feed price",
        "iidb 2026: +30-60 %",
        "for any video; a range for reels is followed",
    ),
    (
        "Clicks per impression",
        "0.3-1.0 % in the feed (judgement)",
        "shown as assumed; a published range is followed, which its source calls optimistic",
    ),
    (
        "Users of Facebook in Viet Nam",
        "66.2 M",
        "the figure of 2023",
    ),
    (
        "Zalo, LinkedIn, X, Threads, Snapchat by tier",
        "–",
        "no usable public benchmark was found",
    ),
)
"""Quantity, sources not followed, and why."""

CANNOT_TELL: Final = """\
- **How much a campaign earns on a real market.** The numbers are synthetic; they test the code and
  the method, not market lift. A model that is better here need not be better there.
- **Whether the effects exist.** Fit, fatigue, repetition and pay change outcomes because the world
  was written so; their sizes are from the literature or assumed. What-if answers are checked
  against these effects and against no others.
- **What lies outside the graph.** No word of mouth between accounts, no paid boosting, no brand
  campaigns elsewhere, no news, no scandals, no change of taste but the trend of a person.
- **That other seeds keep to every range.** Constants were chosen at seed 0, with a look at 1 and 2.
  Of markets of the same size, `--check` says no at seeds 1, 2 and 3. All three miss the log-sd of
  Instagram comments within an account, as seed 0 does (.67, .65 and .66; .50 to .64, held out);
  seeds 1 and 3 also revenue per follower, nano over macro (4.3 and 4.8; 5 to 114, held out), which
  leaves 14 of 16; seed 2 also Facebook shares per like (.1692; .1695 to .1911, calibrated), which
  leaves 71 of 72. Revenue per follower rests on few hires of large accounts: on 33 at seed 1, where
  its 95 % interval is 1.9 to 13.6 and its expectation by the truth 6.5.
- **How it fares on figures nobody had seen.** The held-out moments were set aside before the first
  measurement, but their sources were known: spreads of counters follow from the log-sds and ratios
  that one page and one creator published, those of held-out moments among them, less counting
  noise. They check the derivation, and do not stand for figures never seen.
- **What was put in.** Users of platforms, TikTok's use by the young, and the shares of accounts
  with bought followers, of those in pods and of followers that are fake are constants, each set
  inside the range that it is then held against. That these eight moments hold says that nothing in
  between distorts them, and no more.
- **What a late post loses.** Posts for a campaign earn as of a planned day, 19 days after the
  decision, whenever they are published, so that any pair can be asked about alike.
- **What single figures hide.** Several ranges come from one page or one creator, some from vendors
  whose tables differ by a factor of five. A moment that holds says that the world is not unlike
  that source, not that the source is right. Accounts like that page or creator are those whose
  median counters are within a factor of two of theirs, some of which are from memory.
- **How a learner that knew the generator would do.** The generator is a latent-factor model with
  thresholds and saturation, written without regard to any learner; a model that came close to what
  the observables allow in every world would be a warning and not a success.
- **Texts of real people.** Captions are made from phrases. Paraphrases that no training world holds
  show whether a model learned more than the phrases, not whether it reads real captions.
- **Rare events.** Medians, spreads and correlations are matched; extremes are what the drawn
  distributions make of them.
"""
