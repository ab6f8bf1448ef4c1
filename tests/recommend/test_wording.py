from __future__ import annotations

import numpy as np
import pytest

from matcher.columns import REASON_GROUPS
from matcher.errors import MatcherError
from matcher.features.pair_features import FEATURES
from matcher.recommend.cautions import CAUTIONS
from matcher.recommend.evidence import EXCERPT_CHARACTERS, excerpt
from matcher.recommend.reasons import build_reasons, group_contributions, say_feature
from matcher.recommend.wording import GROUP_NAMES, feature_label, format_value


@pytest.mark.parametrize("language", ["en", "vi"])
def test_every_feature_group_and_warning_has_words(language):
    assert set(GROUP_NAMES) == set(REASON_GROUPS)
    for spec in FEATURES:
        assert not feature_label(spec.name).words[language].startswith("`"), spec.name
        format_value(feature_label(spec.name).kind, 0.5, language)
    assert all(caution[language].endswith(".") for caution in CAUTIONS.values())


@pytest.mark.parametrize(
    ("kind", "value", "en", "vi"),
    [
        ("count", np.log1p(12), "12", "12"),
        ("count", np.log1p(1_234_567), "1,234,567", "1.234.567"),
        ("count", np.log1p(2.5), "2.5", "2,5"),
        ("share", 0.034, "3.4 %", "3,4 %"),
        ("change", np.log(0.5), "-50 %", "-50 %"),
        ("change", np.log(1.5), "+50 %", "+50 %"),
        ("cosine", -0.0001, "0.00", "0,00"),
        ("number", 0.0123, "0.012", "0,012"),
        ("tier", 2.0, "mid", "mid"),
        ("yes", 1.0, "yes", "có"),
        ("log", np.log(4.0), "4", "4"),
        ("log_share", np.log1p(0.25), "25 %", "25 %"),
    ],
)
def test_values_as_people_read_them(kind, value, en, vi):
    assert format_value(kind, float(value), "en") == en
    assert format_value(kind, float(value), "vi") == vi


def test_sentences():
    pool = np.log1p(np.array([0.0, 1.0, 2.0, 12.0]))
    high = say_feature("expertise", "category_depth", pool[3], pool, "en")
    assert high == (
        "Expertise: the number of its earlier posts in the brief's category is 12, "
        "above 75 % of the candidates."
    )
    low = say_feature("expertise", "category_depth", pool[0], pool, "vi")
    assert low.endswith("là 0, thấp hơn 75 % ứng viên.")
    same = say_feature("expertise", "category_depth", 0.0, np.zeros(9), "en")
    assert same.endswith("is 0, as for most candidates.")
    alone = say_feature("expertise", "category_depth", 0.0, np.zeros(1), "en")
    assert alone.endswith("category is 0.")
    unknown = say_feature("reach", "followers_log", np.nan, np.zeros(3), "en")
    assert unknown == "Reach: the number of its followers is not known."


def test_reasons_take_the_feature_that_pushes_most():
    names = ("hires_all", "hires_brand", "ad_load")
    group_of = {"hires_all": "history", "hires_brand": "history", "ad_load": "conduct"}
    contributions = np.array([[0.1, 0.5, -0.2, 1.0], [0.3, -0.1, 0.0, 1.0]])
    values = np.array([[1.0, 2.0, 0.5], [1.0, 2.0, 0.5]])
    reasons = build_reasons(
        contributions,
        names,
        group_of,
        values=values,
        pool=np.array([[1.0, 2.0, 0.5], [0.0, 1.0, 0.1]]),
        n_close=np.array([0, 0]),
        language="en",
    )
    assert "by this brand" in reasons.speaks_for[0][0]
    assert "by anyone" in reasons.speaks_for[1][0]
    assert len(reasons.speaks_for[0]) == 1
    assert "sponsored" in (reasons.speaks_against[0] or "")
    assert reasons.speaks_against[1] is None
    total = reasons.groups.sum(axis=1) + reasons.base
    np.testing.assert_allclose(total, contributions.sum(axis=1), atol=1e-12)


def test_reasons_pass_over_what_most_candidates_share():
    names = ("hires_all", "hires_brand", "ad_load")
    group_of = {"hires_all": "history", "hires_brand": "history", "ad_load": "conduct"}
    pool = np.log1p([[3.0, 0.0, 0.2], [1.0, 0.0, 0.2], [0.0, 0.0, 0.2]])

    def say(contributions):
        return build_reasons(
            np.array([[*contributions, 1.0]]), names, group_of, values=pool[:1], pool=pool,
            n_close=np.array([0]), language="en",
        )  # fmt: skip

    within = say([0.1, 0.5, 0.9]).speaks_for[0]
    assert len(within) == 1
    assert "by anyone is 3, above 66 %" in within[0]
    nothing_else = say([-0.1, 0.5, 0.9]).speaks_for[0]
    assert len(nothing_else) == 1
    assert "as for most candidates" in nothing_else[0]


def test_a_feature_without_a_group_is_refused():
    with pytest.raises(MatcherError, match="without a reason group"):
        group_contributions(np.zeros((1, 2)), ("x",), {})


def test_small_values_are_not_rounded_to_nothing():
    assert format_value("count", float(np.log1p(0.034)), "en") == "0.03"
    assert format_value("share", 0.00042, "vi") == "0,04 %"
    assert format_value("share", 0.0, "en") == "0 %"


def test_a_yes_or_no_is_no_number():
    pool = np.array([1.0, 0.0, 0.0])
    sentence = say_feature("expertise", "category_declared", 1.0, pool, "en")
    assert sentence.endswith(": yes.")
    assert " is yes" not in sentence


def test_excerpts_are_short_and_on_one_line():
    assert excerpt("Phở\n\n24\u200b  giờ") == "Phở 24 giờ"
    long = excerpt("từ " * 1_000_000)
    assert len(long) <= EXCERPT_CHARACTERS
    assert long.endswith("…")
