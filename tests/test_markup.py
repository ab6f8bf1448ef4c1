from __future__ import annotations

import numpy as np
import pandas as pd

import matcher
from matcher.market.market import build_market
from matcher.markup import html_facts, html_table

HOSTILE = "<img src=x onerror=alert(1)>&\"'"


def test_tables_are_escaped_cut_and_say_so():
    frame = pd.DataFrame({HOSTILE: [HOSTILE] * 25, "n": range(1_000, 1_025)})
    html = html_table(frame, title=HOSTILE, notes=[HOSTILE])
    assert "<img" not in html
    assert html.count("<tr>") == 21
    assert "20 of 25 rows" in html
    assert "1,000" in html


def test_what_is_unknown_is_empty():
    frame = pd.DataFrame({"a": [np.nan, 0.5], "b": [pd.NaT, pd.Timestamp("2025-01-01")]})
    html = html_table(frame.assign(c=pd.Series([pd.NA, 3], dtype="Int64"), d=[None, ("x", "y")]))
    assert html.count("<td></td>") == 4
    assert "<td>0.500</td>" in html
    assert "<td>60,000,000</td>" in html_table(pd.DataFrame({"budget": [6e7]}))
    assert "<td>x, y</td>" in html
    assert html_facts({"a": None, "b": "", "c": ()}) == "<table><tbody></tbody></table>"


def test_markets_and_briefs_are_shown_escaped():
    tables = {
        "accounts": pd.DataFrame(
            {"account_id": ["a"], "influencer_id": ["p"], "platform": ["tiktok"]}
        ),
        "posts": pd.DataFrame(
            {"post_id": ["x", "x"], "account_id": ["a", HOSTILE],
             "published_at": pd.Timestamp("2025-01-01T00:00Z"), "text": [HOSTILE, "b"]}
        ),
    }  # fmt: skip
    market = build_market(tables)
    for html in (market._repr_html_(), matcher.MarketData(market)._repr_html_()):
        assert market.data_hash in html
        assert "entries in quarantine" in html
        assert "<img" not in html
    brief = matcher.Brief(
        brief_id=HOSTILE, brief=f"{HOSTILE} " * 900, audience_interests=("tea", HOSTILE)
    )
    html = brief._repr_html_()
    assert "<img" not in html
    assert len(html) < 3_000
    assert "audience_age" not in html
