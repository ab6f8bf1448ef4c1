"""What public functions say to common mistakes: an error of errors.py that names the mistake."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import matcher
from matcher.arguments import (
    check_choice,
    check_count,
    check_instances,
    check_number,
    check_type,
    to_instant,
)
from matcher.config import read_settings
from matcher.errors import BundleError, ConfigError, UsageError

DATA = Path(__file__).parents[1] / "data"


@pytest.fixture(scope="module")
def data() -> matcher.MarketData:
    return matcher.MarketData(matcher.load_market(DATA / "tiny_market"))


@pytest.mark.parametrize("folder", ["no-such-folder", None, 3, ""])
def test_a_market_that_is_not_there(folder):
    with pytest.raises(UsageError, match=r"does not exist|expected a path"):
        matcher.load_market(folder)


def test_one_thing_given_for_another(data):
    with pytest.raises(UsageError, match="of `Settings` it is the part `market`"):
        matcher.load_market(DATA / "tiny_market", matcher.Settings())
    with pytest.raises(UsageError, match="got str; expected Market; give what `load_market`"):
        matcher.MarketData(str(DATA))
    with pytest.raises(UsageError, match=r"wrap it: MarketData\(market\)"):
        matcher.train_model(data.market, matcher.Settings(), folder="m", market_name="m")
    with pytest.raises(UsageError, match="settings: got dict; expected Settings"):
        matcher.walk_forward(data, {})
    with pytest.raises(UsageError, match="got MarketData; expected Market; give its `market`"):
        matcher.select_open_briefs(data, data.market.all_known_at)
    with pytest.raises(UsageError, match="got int; expected str"):
        matcher.Brief.from_campaign(data.market, 3)
    with pytest.raises(UsageError, match="got 'campaign'; expected one of influencers"):
        data.market["campaign"]
    with pytest.raises(UsageError, match="got 'cold'; expected one of time, brands"):
        matcher.walk_forward(data, matcher.Settings(), protocol="cold")
    with pytest.raises(UsageError, match="exposure: got str; expected ExposureRule"):
        matcher.walk_forward(data, matcher.Settings(), exposure="tier")


def test_a_model_that_is_not_there(tmp_path):
    with pytest.raises(BundleError, match="no-such-model"):
        matcher.read_model(str(tmp_path / "no-such-model"))
    with pytest.raises(UsageError, match="got None; expected a path"):
        matcher.read_model(None)


def test_a_place_is_refused_before_anything_is_trained(data, tmp_path):
    (tmp_path / "mine.txt").write_text("notes", encoding="utf-8")
    with pytest.raises(UsageError, match=r"holds no manifest\.json, so it is not replaced"):
        matcher.train_model(data, matcher.Settings(), folder=str(tmp_path), market_name="m")


def test_typed_values_say_what_is_wrong_whichever_way_they_are_made():
    with pytest.raises(ConfigError, match="unknown key `platfroms`; did you mean `platforms`"):
        matcher.Brief(brief_id="b", platfroms=("tiktok",))
    with pytest.raises(ConfigError, match="unknown key `budgt`; did you mean `budget`"):
        matcher.Brief.model_validate({"brief_id": "b", "budgt": 3})
    with pytest.raises(ConfigError, match=r"unknown key `encoder.dims`; did you mean `dim`"):
        matcher.Settings.model_validate({"encoder": {"dims": 3}})
    with pytest.raises(ConfigError, match="2 problem"):
        matcher.Settings.model_validate({"encoder": {"dim": "many"}, "ranker": {"n_trees": 0}})
    with pytest.raises(ConfigError, match="no such file"):
        read_settings("no-such-file.yaml")


def test_lone_values_and_what_is_read_but_once_are_no_lists():
    check_instances([], int, where="here")
    check_instances((1, 2), int, where="here")
    with pytest.raises(UsageError, match="here: got str; expected a list of str"):
        check_instances("abc", str, where="here")
    with pytest.raises(UsageError, match=r"here\[1\]: got str; expected int"):
        check_instances([1, "2"], int, where="here")
    with pytest.raises(UsageError, match="read but once"):
        check_instances((one for one in "ab"), int, where="here")
    with pytest.raises(UsageError, match="got int; expected a list of str"):
        check_instances(7, str, where="here")


def test_words_counts_and_types():
    check_type(True, int, where="here")
    check_choice("en", ("en", "vi"), where="here")
    check_count(1, where="here")
    for wrong in (0, -1, 2.0, "3", True, None):
        with pytest.raises(UsageError, match="expected a whole number from 1 on"):
            check_count(wrong, where="here")
    with pytest.raises(UsageError, match="got 'fr'; expected one of en, vi"):
        check_choice("fr", ("en", "vi"), where="here")


def test_instants_have_a_zone():
    expected = pd.Timestamp("2025-01-01T00:00:00Z")
    for given in ("2025-01-01T07:00:00+07:00", expected, expected.to_pydatetime()):
        assert to_instant(given, where="here") == expected
    for wrong in ("soon", pd.NaT, None, [1], "2025-01-01"):
        with pytest.raises(UsageError, match="expected an instant with its offset"):
            to_instant(wrong, where="here")


def test_a_number_is_neither_text_nor_a_truth_value() -> None:
    for right in (60, 0.5, np.float64(2.0), np.int64(3)):
        check_number(right, where="here")
    for wrong in ("60", True, None, [1.0]):
        with pytest.raises(UsageError, match="here: got .*; expected a number"):
            check_number(wrong, where="here")
