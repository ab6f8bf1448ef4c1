from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from matcher.errors import ConfigError, UsageError
from matcher.market.brief import Brief
from matcher.market.brief_table import BRIEF_COLUMNS, briefs_of_table
from matcher.market.load import load_market

TINY = Path(__file__).parents[2] / "data" / "tiny_market"


@pytest.fixture(scope="module")
def market():
    return load_market(TINY)


def test_campaigns_are_read_as_the_market_itself_reads_them(market):
    campaigns = market.tables["campaigns"]
    table = campaigns[[name for name in campaigns if name in {*BRIEF_COLUMNS, "campaign_id"}]]
    found = briefs_of_table(table)
    own = [name for name in BRIEF_COLUMNS if name in table]
    assert len(own) > 15
    for brief in found:
        other = Brief.from_campaign(market, brief.brief_id)
        assert {name: getattr(brief, name) for name in own} == {
            name: getattr(other, name) for name in own
        }


def test_what_json_holds_of_a_brief_gives_it_back(market):
    ids = market.tables["campaigns"]["campaign_id"]
    briefs = tuple(Brief.from_campaign(market, name) for name in ids)
    assert briefs_of_table([brief.model_dump(mode="json") for brief in briefs]) == briefs
    assert briefs_of_table(pd.DataFrame([brief.model_dump() for brief in briefs])) == briefs
    assert briefs_of_table(briefs[0].model_dump(mode="json")) == briefs[:1]


@pytest.mark.parametrize("missing", [None, np.nan, pd.NA, pd.NaT])
def test_a_missing_cell_says_nothing(missing):
    row = dict.fromkeys(BRIEF_COLUMNS, missing)
    assert briefs_of_table([{**row, "brief_id": "b"}]) == (Brief(brief_id="b"),)


def test_lists_and_numbers_come_as_files_hold_them():
    table = pd.DataFrame(
        {
            "brief_id": ["csv", "parquet", "word"],
            "platforms": ["tiktok|youtube", np.array(["tiktok", "youtube"]), "tiktok"],
            "n_creators": [3.0, 3.0, np.nan],
            "starts_on": pd.to_datetime(["2025-03-01", "2025-03-01", None]),
        }
    )
    csv, parquet, word = briefs_of_table(table)
    assert csv.model_copy(update={"brief_id": "parquet"}) == parquet
    assert parquet.platforms == ("tiktok", "youtube")
    assert (parquet.n_creators, str(parquet.starts_on)) == (3, "2025-03-01")
    assert (word.platforms, word.n_creators, word.starts_on) == (("tiktok",), None, None)


def test_unknown_columns_are_named_with_the_nearest():
    with pytest.raises(ConfigError, match=r"1 unknown column\(s\): `plattforms` \(did you mean "):
        briefs_of_table(pd.DataFrame({"brief_id": ["b"], "plattforms": ["tiktok"]}))


def test_every_bad_row_is_named():
    rows = [{"brief_id": f"b{number}", "title": number} for number in range(7)]
    rows[0]["title"] = "fine"
    with pytest.raises(ConfigError, match=r"6 of 7 row\(s\).*row 2: .*`title`: got 1.*1 more row"):
        briefs_of_table(rows)
    with pytest.raises(ConfigError, match=r"row 1: .*`brief_id`.*[Rr]equired"):
        briefs_of_table([{"brief": "x"}])
    with pytest.raises(ConfigError, match="row 1: `budget` has no `currency`"):
        briefs_of_table([{"brief_id": "b", "budget": 5}])


@pytest.mark.parametrize("table", ["text", 5, np.zeros(3), [1, 2], b"bytes"])
def test_what_is_no_table_is_refused(table):
    with pytest.raises(UsageError, match="expected a table or a list of objects"):
        briefs_of_table(table)


@pytest.mark.parametrize("table", [[], pd.DataFrame({"brief_id": []})])
def test_a_table_without_rows_is_refused(table):
    with pytest.raises(UsageError, match="holds no row"):
        briefs_of_table(table)
