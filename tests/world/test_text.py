"""What captions, bios and briefs say, and what they must not say."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from matcher.errors import UsageError
from matcher.world import simulate_market
from matcher.world.captions import build_captions
from matcher.world.drafts import CaptionPlan
from matcher.world.knobs import find_world
from matcher.world.latents import Market, draw_market
from matcher.world.phrases import MARKS, SPELLINGS, language_of, read_phrases, respell
from matcher.world.places import CITY_WORDS, home_cities, life_stage
from matcher.world.posts import PostBlock, simulate_posts
from matcher.world.seasons import SEASON_NAMES, season_of
from matcher.world.streams import stream
from matcher.world.vocabulary import fold, read_vocabulary

FAMILIES = ("training", "held_out")
DAY_0 = pd.Timestamp("2023-07-02")


def write_posts(world: str, n_influencers: int) -> tuple[Market, PostBlock, pd.Series]:
    market, _ = draw_market(
        n_influencers, 120, find_world(world), seed=21, progress=lambda *_: None
    )
    block = simulate_posts(market, 0, market.people.n_accounts, stream(21, "block", 0))
    return market, block, pd.Series(block.text.to_pylist(), dtype=object)


@pytest.fixture(scope="module")
def default() -> tuple[Market, PostBlock, pd.Series]:
    return write_posts("default", 2_000)


@pytest.fixture(scope="module")
def no_text() -> tuple[Market, PostBlock, pd.Series]:
    return write_posts("no-text", 1_200)


@pytest.fixture(scope="module")
def families(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[str]]:
    """Every text of a market of each family."""
    found = {}
    for family, world in (("training", "default"), ("held_out", "paraphrased")):
        folder = tmp_path_factory.mktemp("families") / "market"
        simulate_market(folder, n_influencers=500, n_campaigns=60, seed=6, world=world)
        columns = (("posts", "text"), ("influencers", "bio"), ("brands", "description"))
        columns += (("campaigns", "brief"), ("campaigns", "title"))
        found[family] = [
            text
            for table, column in columns
            for text in pd.read_parquet(folder / f"{table}.parquet")[column].dropna()
        ]
    return found


def texts_of(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    else:
        for item in value.values() if isinstance(value, dict) else value:
            yield from texts_of(item)


def templates(family: str) -> list[str]:
    return [
        text
        for name in ("captions_vi", "captions_en", "briefs")
        for text in texts_of(read_phrases(name, family))
    ]


def tokens(text: str) -> tuple[str, ...]:
    return tuple(re.findall(r"\w+", text.casefold()))


def runs(texts: list[str], longest: int) -> set[tuple[str, ...]]:
    """All runs of up to so many words between two signs."""
    found: set[tuple[str, ...]] = set()
    for part in (part for text in texts for part in re.split(r"[^\w ]", text)):
        words = tokens(part)
        for size in range(1, longest + 1):
            found.update(zip(*(words[k:] for k in range(size)), strict=False))
    return found


def other(family: str) -> str:
    return FAMILIES[1 - FAMILIES.index(family)]


# ---------------------------------------------------------------------------- vocabulary


def test_every_sub_topic_has_twelve_different_phrases_in_each_language() -> None:
    training, held_out = (read_vocabulary(99, family) for family in FAMILIES)
    assert training.sub_topics == held_out.sub_topics
    assert len(training.categories) == 35
    assert np.bincount(training.category_of).min() >= 4
    for language in ("vi", "en"):
        for s in range(training.n_sub):
            phrases = {
                *training.words[language][7 * s : 7 * s + 7],
                *held_out.words[language][5 * s : 5 * s + 5],
            }
            assert len(phrases) == 12, training.sub_topics[s]


def test_fewer_categories_are_the_first_ones() -> None:
    few, many = read_vocabulary(6), read_vocabulary(24)
    assert few.categories == many.categories[:6]
    assert few.words["vi"] == many.words["vi"][: len(few.words["vi"])]


def test_unknown_family_is_refused() -> None:
    with pytest.raises(UsageError, match="expected one of training, held_out"):
        read_vocabulary(6, "testing")


@pytest.mark.parametrize("family", FAMILIES)
def test_no_text_of_a_family_is_written_of_the_words_of_the_other(family: str) -> None:
    vocabulary = read_vocabulary(99, other(family))
    mine = read_vocabulary(99, family)
    products = [*mine.products["vi"], *mine.products["en"]]
    written = runs([re.sub(r"\{\w+\}", " / ", t) for t in templates(family)] + products, 7)
    words = {tokens(w) for language in ("vi", "en") for w in vocabulary.words[language]}
    assert not words & written
    assert not set(templates(family)) & set(templates(other(family)))


@pytest.mark.parametrize("family", FAMILIES)
def test_a_market_holds_no_phrase_of_the_other_family(
    family: str, families: dict[str, list[str]]
) -> None:
    vocabulary = read_vocabulary(24, other(family))
    words = [tokens(w) for language in ("vi", "en") for w in vocabulary.words[language]]
    # Without diacritics a short word of one language may be another one in the other.
    telling = {w for w in words if len(w) > 1 or len(w[0]) >= 6 or not w[0].isascii()}
    assert len(telling) > 0.7 * len(words)
    assert sorted(telling & runs(families[family], 7)) == []


@pytest.mark.parametrize("family", FAMILIES)
def test_a_market_holds_no_template_of_the_other_family(
    family: str, families: dict[str, list[str]]
) -> None:
    joined = "\n".join(" ".join(tokens(text)) for text in families[family])
    pieces = {
        " ".join(tokens(piece))
        for template in templates(other(family))
        for piece in re.split(r"\{\w+\}|\n", template)
    }
    telling = {piece for piece in pieces if len(piece) >= 20}
    assert len(telling) > 150
    assert not {piece for piece in telling if piece in joined}


@pytest.mark.parametrize("family", FAMILIES)
def test_hashtags_are_of_one_family(family: str, families: dict[str, list[str]]) -> None:
    found = {fold(tag).lower() for text in families[family] for tag in re.findall(r"#\w+", text)}
    vocabulary = read_vocabulary(24, other(family))
    foreign = {
        "#" + fold(word).replace(" ", "").lower()
        for language in ("vi", "en")
        for word in (*vocabulary.words[language], *vocabulary.tags[language])
    }
    assert not found & foreign


# ---------------------------------------------------------------------------- captions


def test_captions_of_a_plan_are_the_same_twice() -> None:
    vocabulary = read_vocabulary(6)
    n = 500
    rng = np.random.default_rng(4)
    plan = CaptionPlan(
        sub=rng.integers(-1, vocabulary.n_sub, n),
        tone=rng.integers(0, 4, n),
        style=rng.integers(0, 5, n),
        word_shift=rng.integers(0, 5, n),
        brand=rng.integers(-1, 2, n),
        is_paid=rng.random(n) < 0.5,
        is_disclosed=np.zeros(n, dtype=bool),
        pitch=rng.integers(0, 3, n),
        is_switching=rng.random(n) < 0.5,
        day=rng.uniform(0, 730, n),
        stage=rng.integers(0, 4, n),
        city=rng.integers(0, 9, n),
    )
    written = [
        build_captions(plan, vocabulary, ("An Hòa", "Glenora"), np.random.default_rng(1))
        for _ in range(2)
    ]
    assert written[0].equals(written[1])
    assert 0 < written[0].null_count < 0.06 * n
    assert all(text.strip() == text and text for text in written[0].to_pylist() if text is not None)


def test_captions_with_a_topic_are_hardly_ever_the_same(default) -> None:
    _, block, texts = default
    about = texts[(block.sub >= 0) & texts.notna().to_numpy()]
    assert about.duplicated(keep=False).mean() < 0.02


@pytest.mark.parametrize(("world", "n_influencers"), [("default", 2_000), ("paraphrased", 800)])
def test_no_template_makes_up_more_than_three_percent(world: str, n_influencers: int) -> None:
    market, _, texts = write_posts(world, n_influencers)
    sample = texts.dropna().sample(8_000, random_state=1)
    family = market.vocabulary.phrases
    shares = {}
    for language in ("vi", "en"):
        for template in texts_of(read_phrases(f"captions_{language}", family)):
            pieces = [p.strip(" .,?:") for p in re.split(r"\{\w+\}", template)]
            longest = max(pieces, key=len)
            if len(longest) < 12:
                continue
            spelt = {respell(longest, s) for s in SPELLINGS if language_of(s) == language}
            shares[template] = sum(sample.str.contains(form, regex=False).mean() for form in spelt)
    assert len(shares) > 150
    assert max(shares.values()) < 0.03, max(shares, key=shares.__getitem__)


def test_captions_are_short_and_long_with_tags_emoji_and_every_way_of_writing(default) -> None:
    _, _, texts = default
    known = texts.dropna()
    length = known.str.len()
    assert 0.1 < (length < 45).mean() < 0.5
    assert 0.02 < (length > 180).mean() < 0.25
    assert length.max() < 700
    n_tags = known.str.count("#")
    assert 0.2 < (n_tags == 0).mean() < 0.7
    assert 0.01 < (n_tags >= 4).mean() < 0.15
    assert known[~known.str.contains(r"\w")].str.len().max() < 12
    assert 0.001 < (~known.str.contains(r"\w")).mean() < 0.03
    for sign in (" mn ", " ko ", "moi nguoi", "quáaaa", "sooo", "siêu xinh luôn", "🔍"):
        assert known.str.contains(sign, regex=False).any(), sign
    repeated = known.str.findall(r"#\w+").map(lambda tags: len(tags) != len(set(tags)))
    assert repeated.mean() < 0.005


def test_seasons_come_at_their_time(default) -> None:
    _, block, texts = default
    date = DAY_0 + pd.to_timedelta(np.floor(block.day), unit="D")
    known = texts.fillna("")
    tet = known.str.contains("Chúc cả nhà năm mới|Tết này mọi người về quê|đón Tết")
    assert tet.sum() > 20
    assert set(date[tet].month) == {1, 2}
    assert set(date[known.str.contains("11.11", regex=False)].month) == {11}
    assert set(date[known.str.contains("(?i)back to school|tựu trường")].month) == {8, 9}
    assert set(date[known.str.contains("(?i)merry christmas")].month) == {12}
    mid_autumn = date[known.str.contains("(?i)trung thu")]
    assert mid_autumn.max().date() <= pd.Timestamp("2024-09-17").date()


def test_the_calendar_knows_the_moon_and_the_days_without_a_season() -> None:
    days = ["2023-07-15", "2024-02-10", "2025-01-29", "2024-09-17", "2024-05-20", "2024-11-11"]
    day = np.array([(pd.Timestamp(d) - DAY_0).days for d in days], dtype=float)
    vi = season_of(day, np.ones(6, dtype=bool))
    en = season_of(day, np.zeros(6, dtype=bool))
    names = [SEASON_NAMES[k] if k >= 0 else None for k in vi]
    assert names == ["summer", "tet", "tet", "mid_autumn", None, "11_11"]
    assert SEASON_NAMES[en[1]] == "lunar_new_year"
    assert SEASON_NAMES[en[3]] != "mid_autumn" if en[3] >= 0 else True


def test_disclosed_posts_say_so_and_others_do_not(default) -> None:
    _, block, texts = default
    labels = [
        r"(?<!\w)" + re.escape(respell(text.split("{")[0].strip(), spelling))
        for language in ("vi", "en")
        for text in read_phrases(f"captions_{language}", "training")["labelled"]
        for spelling in SPELLINGS
        if language_of(spelling) == language
    ]
    marks = [rf"{tag}\b" for tags in MARKS.values() for tag in tags]
    says_so = texts.str.contains("|".join(marks + labels)).fillna(False).to_numpy(dtype=bool)
    known = texts.notna().to_numpy()
    assert says_so[block.is_disclosed & known].all()
    assert not says_so[~block.is_sponsored].any()


def test_codes_come_with_paid_posts_only_and_with_all_of_a_sales_campaign(default) -> None:
    market, block, texts = default
    known = texts.notna().to_numpy()
    has_code = texts.str.contains(r"\b[A-Z]{2,8}(?:10|15|20|50K|VIP|NEW)\b").fillna(False)
    has_code = has_code.to_numpy(dtype=bool)
    assert not has_code[~block.is_sponsored].any()
    campaign = market.deals.campaign[np.maximum(block.deal, 0)]
    is_sales = (block.deal >= 0) & (market.campaigns.objective[campaign] == 4)
    assert is_sales.sum() > 30
    # Casual writers type the code in small letters with the rest only by hand; codes stay whole.
    assert has_code[is_sales & known].all()


def test_paid_and_unpaid_brands_are_named(default) -> None:
    market, block, texts = default
    known = texts.notna().to_numpy()
    names = np.array([fold(n).lower().replace(" ", "") for n in market.brands.names])
    plain = texts.fillna("").map(lambda t: fold(t).lower().replace(" ", ""))
    rows = np.flatnonzero(known & (block.brand >= 0))[:3_000]
    assert all(names[block.brand[r]] in plain[r] for r in rows)
    unpaid = texts[~block.is_sponsored].fillna("")
    assert unpaid.str.contains("không phải quảng cáo đâu|not an advert").any()


# ---------------------------------------------------------------------------- what text carries


def share_by(market: Market, block: PostBlock, said: np.ndarray, group: np.ndarray) -> np.ndarray:
    who = market.people.person[block.account]
    return np.array([said[group[who] == g].mean() for g in np.unique(group)])


def says_any(texts: pd.Series, lines: list[str]) -> np.ndarray:
    forms = {re.escape(respell(line, s)) for line in lines for s in SPELLINGS}
    return texts.str.contains("|".join(forms)).fillna(False).to_numpy(dtype=bool)


def test_captions_tell_home_and_time_of_life(default) -> None:
    market, block, texts = default
    stage = life_stage(market.people)
    who = market.people.person[block.account]
    for k in range(4):
        lines = [
            line
            for x in ("vi", "en")
            for line in read_phrases(f"captions_{x}", "training")["life"][k]
        ]
        said = says_any(texts, lines)
        assert said.sum() > 30
        assert set(stage[who[said]]) == {k}
    city = home_cities(market.people, market.seed)
    said = texts.str.contains("Hội Hà Nội đâu rồi|Where are my Hanoi").fillna(False)
    assert {CITY_WORDS["vi"][c] for c in city[who[said.to_numpy(dtype=bool)]]} == {"Hà Nội"}


def own_topic(market: Market, block: PostBlock, texts: pd.Series) -> float:
    """Share of captions with a hashtag of the author's main sub-topic."""
    vocabulary = market.vocabulary
    n_words = vocabulary.n_words
    who = market.people.person[block.account]
    hits = []
    for s in range(0, vocabulary.n_sub, 7):
        tags = {
            "#" + fold(w).replace(" ", "").lower()
            for language in ("vi", "en")
            for w in vocabulary.words[language][n_words * s : n_words * s + n_words]
        }
        mine = texts[market.people.main_sub[who] == s].dropna()
        hits += [bool(tags & set(re.findall(r"#\w+", fold(t).lower()))) for t in mine]
    return float(np.mean(hits))


def test_without_text_captions_bios_and_briefs_say_nothing_of_anyone(default, no_text) -> None:
    assert own_topic(*default) > 0.15
    market, block, texts = no_text
    assert own_topic(market, block, texts) < 0.02
    stage = life_stage(market.people)
    lines = read_phrases("captions_vi", "training")["life"][2]
    shares = share_by(market, block, says_any(texts, lines), stage)
    assert shares.max() - shares.min() < 0.012
    tone = market.people.tone.argmax(axis=1)
    jokes = read_phrases("captions_vi", "training")["extras"][0]
    shares = share_by(market, block, says_any(texts, jokes), tone)
    assert shares.max() - shares.min() < 0.025
    names = "|".join(re.escape(name) for name in market.brands.names)
    assert not texts.str.contains(names).fillna(False).any()


def test_without_text_briefs_and_brands_are_about_anything(tmp_path: Path) -> None:
    found = {}
    for world in ("default", "no-text"):
        folder = tmp_path / world
        simulate_market(folder, n_influencers=60, n_campaigns=150, seed=8, world=world)
        campaigns = pd.read_parquet(folder / "campaigns.parquet")
        brands = pd.read_parquet(folder / "brands.parquet").set_index("brand_id")["category"]
        vocabulary = read_vocabulary(24)
        words: dict[str, set[str]] = {}
        for s, name in enumerate(vocabulary.sub_topics):
            own = {*vocabulary.words["vi"][7 * s : 7 * s + 7]}
            own |= {*vocabulary.words["en"][7 * s : 7 * s + 7]}
            words.setdefault(name.split("/")[0], set()).update(own)
        hits = [
            any(
                word.lower() in row.brief.lower()
                for word in words[brands[row.brand_id]]
                if len(word) > 5
            )
            for row in campaigns.itertuples()
        ]
        found[world] = np.mean(hits)
    assert found["default"] > 0.9
    assert found["no-text"] < 0.5 * found["default"]


# ---------------------------------------------------------------------------- bios and briefs


def test_bios_come_in_many_forms_with_example_addresses_only(world) -> None:
    people = world.table("influencers")
    bios = people["bio"].dropna()
    assert 0.05 < people["bio"].isna().mean() < 0.2
    assert bios.nunique() > 0.98 * len(bios)
    addresses = bios.str.extractall(r"@([\w.]+)")[0]
    assert len(addresses) > 50
    assert addresses.str.endswith(".example").all()
    assert not bios.str.contains(r"https?://(?!\S*example)").any()
    assert bios.str.contains("📍").mean() > 0.2
    assert bios.str.contains("Zalo inbox").any()
    vietnamese = people[people["languages"].map(lambda x: x is not None and list(x) == ["vi"])]
    assert 0.01 < vietnamese["bio"].dropna().str.contains(
        "Sharing|All about|Obsessed with|A small corner|Plain talk|Learning a little"
    ).mean() < 0.12  # fmt: skip


def read_money(brief: str, budget: float) -> bool:
    """Whether some amount of a brief is the budget, in any of the forms in use."""
    found = []
    for text, unit in re.findall(r"([\d.,]*\d)\s*(triệu|tr|tỷ|million|M VND|k\b|đ|USD)?", brief):
        scale = {"triệu": 1e6, "tr": 1e6, "tỷ": 1e9, "million": 1e6, "M VND": 1e6, "k": 1e3}
        number = text.replace(",", ".") if unit == "tỷ" else text.replace(",", "")
        if number.count(".") > 1 or (re.fullmatch(r"\d+\.\d{3}", number) and unit == "đ"):
            number = number.replace(".", "")
        if number.count(".") <= 1:
            found.append(float(number) * scale.get(unit, 1))
    return any(abs(value - budget) < 0.5 for value in found)


@pytest.mark.parametrize("world_name", ["default", "paraphrased"])
def test_briefs_agree_with_the_table(world_name: str, tmp_path: Path) -> None:
    folder = tmp_path / "market"
    simulate_market(folder, n_influencers=40, n_campaigns=400, seed=9, world=world_name)
    campaigns = pd.read_parquet(folder / "campaigns.parquet")
    brands = pd.read_parquet(folder / "brands.parquet").set_index("brand_id")["name"]
    assert campaigns["brief"].nunique() == len(campaigns)
    assert campaigns["brief"].str.count("\n").gt(5).mean() > 0.1
    assert campaigns["brief"].str.len().lt(250).mean() > 0.1
    for row in campaigns.itertuples():
        product = row.title.split(" - ", 1)[1]
        assert brands[row.brand_id] in row.brief
        assert product.lower() in row.brief.lower()
        assert re.search(rf"\b{row.n_creators}\b", row.brief)
        assert read_money(row.brief, row.budget), (row.budget, row.brief)
        low, high = row.audience_age[0].split("-")[0].rstrip("+"), row.audience_age[-1]
        assert low in row.brief
        assert (f"{low}+" if high == "55+" else high.split("-")[-1]) in row.brief
        dates = re.findall(r"\b(\d{1,2})/(\d{1,2})/(\d{4})\b", row.brief)
        known = {str(row.starts_on), str(row.ends_on)}
        assert {f"{y}-{int(m):02d}-{int(d):02d}" for d, m, y in dates} <= known
        shown = {p for p in ("Facebook", "Instagram", "TikTok", "YouTube") if p in row.brief}
        if shown:
            expected = {p for p in ("Facebook", "Instagram", "TikTok", "YouTube")
                        if p.lower() in row.platforms}  # fmt: skip
            assert shown == expected


def test_briefs_have_eight_templates_and_more_per_language_and_family() -> None:
    for family in FAMILIES:
        texts = read_phrases("briefs", family)
        for language in ("vi", "en", "mul"):
            assert len(set(texts[language]["templates"])) >= 8
            assert [len(x) > 1 for x in texts[language]["tones"]] == [True] * 4
            assert [len(x) > 1 for x in texts[language]["asks"]] == [True] * 6


def test_the_home_that_people_name_is_where_more_of_their_followers_are(world) -> None:
    people = world.table("influencers")[["influencer_id", "city", "country"]]
    accounts = world.table("accounts")[["account_id", "influencer_id"]].merge(people)
    shares = world.table("audiences").query("dimension == 'city'").merge(accounts)
    shares = shares[(shares["country"] == "VN") & shares["city"].notna()]
    ratios = [
        part.loc[part["city"] == city, "share"].mean()
        / part.loc[part["city"] != city, "share"].mean()
        for city, part in shares.groupby("bucket")
        if city in {"Hồ Chí Minh", "Hà Nội", "Đà Nẵng"}
    ]
    assert len(ratios) == 3
    assert np.mean(ratios) > 1.03
