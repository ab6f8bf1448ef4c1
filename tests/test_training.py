"""What may stand where a model is to go, and what becomes of it when the store breaks down."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from matcher.config import Settings
from matcher.errors import OutputExistsError, TrackingError
from matcher.features.context import MarketData
from matcher.market.load import load_market
from matcher.ranking.bundle import read_bundle, write_bundle
from matcher.tracking import runs
from matcher.tracking.store import Store
from matcher.training import claim_training, train_model

MARKET = Path(__file__).parents[1] / "data" / "tiny_market"
SETTINGS = Settings.model_validate(
    {
        "encoder": {"dim": 8, "epochs": 1},
        "ranker": {"n_trees": 5, "n_draws": 1},
        "outcome": {"n_trees": 5, "n_periods": 1},
        "retrieval": {"min_posts": 1},
    }
)
HOLDER = """
import sys, time
from pathlib import Path
from matcher.config import Settings
from matcher.features.context import MarketData
from matcher.market.load import load_market
from matcher.training import claim_training

data = MarketData(load_market(sys.argv[1]))
settings = Settings.model_validate_json(sys.argv[2])
with claim_training(data, settings, folder=Path(sys.argv[3]), market_name="tiny"):
    print("at work", flush=True)
    time.sleep(60)
"""


@pytest.fixture(scope="module")
def data() -> MarketData:
    return MarketData(load_market(MARKET))


def claim(data: MarketData, folder: Path, **options: Any) -> Any:
    return claim_training(
        data, options.pop("settings", SETTINGS), folder=folder, market_name="tiny", **options
    )


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such locks")
def test_only_the_same_training_replaces_what_it_wrote_before_it_was_killed(
    data: MarketData, tmp_path: Path
) -> None:
    folder = tmp_path / "model"
    process = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(MARKET), SETTINGS.model_dump_json(), str(folder)],
        stdout=subprocess.PIPE,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == b"at work\n"
    process.send_signal(signal.SIGKILL)
    process.communicate()
    own = {"data_hash": data.market.data_hash, "config_hash": SETTINGS.hash, "market": "tiny"}
    left = (tmp_path / ".model.claim").read_bytes()
    tuned = {"config_hash": "another", "tuning": {"asked_config_hash": SETTINGS.hash}}
    cases = [
        (own, {}, True),
        ({**own, **tuned}, {}, True),
        ({**own, "data_hash": "another"}, {}, False),
        ({**own, "config_hash": "another"}, {}, False),
        ({**own, "market": "another"}, {}, False),
        (own, {"settings": Settings()}, False),
        (own, {"evaluate": False}, False),
        (own, {"tune": 2}, False),
    ]
    for manifest, options, may_replace in cases:
        (tmp_path / ".model.claim").write_bytes(left)
        write_bundle(folder, {}, manifest, force=True)
        if may_replace:
            with claim(data, folder, **options) as found:
                assert found
            continue
        with (
            pytest.raises(OutputExistsError, match="stands there already; give --force"),
            claim(data, folder, **options),
        ):
            pytest.fail("taken over")
    # Nobody was killed over it any more.
    write_bundle(folder, {}, own, force=True)
    with pytest.raises(OutputExistsError, match="give --force"), claim(data, folder):
        pytest.fail("taken over")
    with claim(data, folder, force=True) as found:
        assert found


def test_a_store_that_breaks_down_at_the_end_costs_no_training(
    data: MarketData, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = Store.open(str(tmp_path / "store"))

    def broken(*_: object) -> None:
        raise OSError("the disk of the store is full")

    monkeypatch.setattr(runs, "log_datasets", broken)
    message = "disk of the store is full.*not logged in full, but the model bundle stands at"
    with pytest.raises(TrackingError, match=message):
        train_model(
            data, SETTINGS, folder=tmp_path / "model", market_name="tiny", store=store,
            evaluate=False,
        )  # fmt: skip
    assert read_bundle(tmp_path / "model").manifest["market"] == "tiny"
    assert {path.name for path in tmp_path.iterdir()} == {"model", "store"}
