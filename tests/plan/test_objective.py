from __future__ import annotations

import pytest

from matcher.columns import OBJECTIVES
from matcher.config import Objectives
from matcher.errors import SupportError, UsageError
from matcher.market.brief import Brief
from matcher.plan.objective import Objective, find_objective, missed_wishes, read_objective

USUAL = Objectives()


def test_a_mix_has_weights_and_a_lone_outcome_counts_one() -> None:
    assert dict(Objective.parse("reach").weights) == {"reach": 1.0}
    assert dict(Objective.parse(" reach=2, engagements ").weights) == {
        "reach": 2.0,
        "engagements": 1.0,
    }
    assert Objective.parse("reach=3").weights == {"reach": 1.0}
    assert Objective.parse("reach=1,views=2.5").name == "reach=1,views=2.5"
    assert Objective.parse("trust").needed == ("trust_proxy", "reach")
    assert Objective.parse("reach=1,trust=1").main is None


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("engagment", r"'engagment'; expected one of .*did you mean 'engagement'\?"),
        ("konversions", r"outcomes reach|engagements, .*sales.*did you mean 'conversions'\?"),
        ("reach,reach", "'reach' stands twice"),
        ("reach=many", "got the weight 'many' of reach"),
        ("reach=0", "expected numbers above 0"),
        ("reach=-1", "expected numbers above 0"),
        ("reach=inf", "expected numbers above 0"),
        ("", "expected one of"),
        ("trust_proxy", "expected one of"),
    ],
)
def test_what_is_typed_wrongly_is_named(text: str, told: str) -> None:
    with pytest.raises(UsageError, match=told):
        Objective.parse(text)


def test_the_objective_of_a_brief_takes_what_is_predicted() -> None:
    brief = Brief(brief_id="b", objective="traffic")
    assert find_objective(brief, ("engagements", "link_clicks"), USUAL).main == "link_clicks"
    assert find_objective(brief, ("engagements",), USUAL).main == "engagements"
    trust = Brief(brief_id="b", objective="trust")
    assert find_objective(trust, ("trust_proxy", "reach", "engagements"), USUAL).main == "trust"
    assert find_objective(trust, ("trust_proxy", "engagements"), USUAL).main == "engagements"


def test_what_is_not_predicted_cannot_be_asked_for() -> None:
    with pytest.raises(SupportError, match="does not predict leads; it predicts reach"):
        Objective.parse("leads").check(("reach",))
    with pytest.raises(SupportError, match="nothing that stands for the objective leads"):
        find_objective(Brief(brief_id="b", objective="leads"), ("reach",), USUAL, "too few hires")


ALL = (
    "engagements", "views", "reach", "impressions", "trust_proxy", "link_clicks", "leads",
    "conversions",
)  # fmt: skip


@pytest.mark.parametrize("name", OBJECTIVES)
def test_an_objective_that_is_typed_counts_as_that_of_a_brief(name: str) -> None:
    typed = read_objective(name, ALL, USUAL)
    assert typed.weights == find_objective(Brief(brief_id="b", objective=name), ALL, USUAL).weights
    assert not missed_wishes(name, ALL, USUAL)


def test_objectives_mix_with_outcomes() -> None:
    mixed = read_objective("awareness=1, sales=50, engagements=2", ALL, USUAL)
    assert mixed.weights == {"reach": 1.0, "conversions": 50.0, "engagements": 2.0}
    with pytest.raises(UsageError, match="two of 'reach,awareness' come to reach"):
        read_objective("reach,awareness", ALL, USUAL)
    with pytest.raises(UsageError, match=r"got 'saless'; .*did you mean 'sales'\?"):
        read_objective("saless", ALL, USUAL)


def test_what_stands_in_for_an_objective_is_known() -> None:
    few = ("engagements", "link_clicks", "reach")
    assert read_objective("sales", few, USUAL).main == "link_clicks"
    assert missed_wishes("sales=2,reach=1", few, USUAL) == {"sales": ("conversions", "link_clicks")}
    # Without people reached the rate of trust is of nothing that adds up.
    assert missed_wishes("trust", ("trust_proxy", "engagements"), USUAL) == {
        "trust": ("trust_proxy", "engagements")
    }
    # A word that is an outcome too is refused where it is not predicted.
    with pytest.raises(SupportError, match="does not predict leads"):
        read_objective("leads", few, USUAL)
    with pytest.raises(SupportError, match="nothing that stands for the objective sales"):
        read_objective("sales", ("reach",), USUAL)
