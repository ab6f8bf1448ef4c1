"""What only the world knows: latent traits, and the outcome of any pair under any change."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from functools import cached_property
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa

from matcher.columns import OUTCOMES
from matcher.errors import DataError, UsageError
from matcher.world.arrow import account_ids, campaign_ids
from matcher.world.audience import Audience
from matcher.world.audience_tables import audience_truth, market_audience
from matcher.world.buyers import Brands, Campaigns
from matcher.world.channels import Channels
from matcher.world.deals import Deals, Schedule
from matcher.world.engagement import fit_of_campaign
from matcher.world.hiring import Hiring, sample_fixed_size
from matcher.world.interventions import Intervention, Pairs
from matcher.world.knobs import WORLD_VERSION, WorldKnobs
from matcher.world.latents import Market
from matcher.world.outcomes import draw_outcomes, expected_outcomes
from matcher.world.people import FX_VND, People
from matcher.world.stored import read_arrays, table_of_arrays, table_of_pairs
from matcher.world.vocabulary import read_vocabulary

__all__ = ["RECORD", "Intervention", "Truth", "read_truth", "truth_tables"]

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

RECORD: Final = "truth/world.json"
"""What tells a simulated market from any other folder."""
_MONEY: Final = ("revenue", "fee")


def truth_tables(market: Market, hiring: Hiring) -> dict[str, pa.Table | Iterable[pa.Table]]:
    """Tables of the truth folder: every latent array as it was drawn.

    Parameters
    ----------
    market : Market
        What was drawn.
    hiring : Hiring
        Longlists and probabilities.

    Returns
    -------
    dict of str to pyarrow.Table or iterable of pyarrow.Table
        ``people``, ``accounts``, ``brands``, ``rivals``, ``campaigns``, ``deals``,
        ``decisions`` (in pieces), ``partnerships``, ``population`` and ``audience_profiles``.
    """
    people = market.people
    accounts = {"account_id": account_ids(np.arange(people.n_accounts))}
    campaigns = {"campaign_id": campaign_ids(np.arange(market.campaigns.n))}
    return {
        "people": table_of_arrays(people, length=people.n, but=_OF_ACCOUNTS),
        "accounts": table_of_arrays(people, only=_OF_ACCOUNTS, ids=accounts),
        "brands": table_of_arrays(market.brands, but=("rivals",)),
        "rivals": table_of_pairs(market.brands.rivals, ("brand", "rival")),
        "campaigns": table_of_arrays(market.campaigns, ids=campaigns),
        "deals": table_of_arrays(market.deals),
        "decisions": map(_decisions, hiring.pieces()),
        "partnerships": pa.table(
            {"person": market.partnerships[:, 0], "brand": market.partnerships[:, 1]}
        ),
        **audience_truth(market),
    }


_OF_ACCOUNTS: Final = tuple(entry.name for entry in fields(Channels))


def _decisions(piece: Hiring) -> pa.Table:
    ids = {"campaign_id": campaign_ids(piece.campaign), "account_id": account_ids(piece.account)}
    return table_of_arrays(piece, but=("deals",), ids=ids)


@dataclass(frozen=True, eq=False)
class Truth:
    """The truth of one simulated market.

    Parameters
    ----------
    record : mapping
        What ``truth/world.json`` says: world, version, seed, sizes, knobs.
    market : Market
        Latent traits, without the schedule of posts.
    hiring : Hiring
        Every decision.
    """

    record: Mapping[str, Any]
    market: Market
    hiring: Hiring
    campaign_ids: list[str] = field(init=False)
    account_ids: list[str] = field(init=False)

    def __post_init__(self) -> None:
        """Name campaigns and accounts."""
        n_campaigns, n_accounts = self.market.campaigns.n, self.market.people.n_accounts
        object.__setattr__(self, "campaign_ids", campaign_ids(np.arange(n_campaigns)).to_pylist())
        object.__setattr__(self, "account_ids", account_ids(np.arange(n_accounts)).to_pylist())

    @cached_property
    def _campaign_number(self) -> pd.Index:
        return pd.Index(self.campaign_ids)

    @cached_property
    def _account_number(self) -> pd.Index:
        return pd.Index(self.account_ids)

    @cached_property
    def audience(self) -> Audience:
        """Who follows whom, in probability."""
        return market_audience(self.market)

    def pairs(self) -> pd.DataFrame:
        """Every longlisted pair, with what settled its fate.

        Returns
        -------
        pandas.DataFrame
            ``campaign_id``, ``account_id``, ``is_open``, ``fit`` (0..1), ``utility``,
            ``inclusion_probability`` (true one; NaN for open campaigns), ``recorded_probability``
            (what the log says), ``chosen``, ``acceptance_probability``, ``accepted``, ``repeats``.
        """
        hiring = self.hiring
        return pd.DataFrame(
            {
                "campaign_id": campaign_ids(hiring.campaign).to_pandas(),
                "account_id": account_ids(hiring.account).to_pandas(),
                "is_open": self.market.campaigns.is_open[hiring.campaign],
                "fit": hiring.fit,
                "utility": hiring.utility,
                "inclusion_probability": hiring.probability,
                "recorded_probability": hiring.recorded,
                "chosen": hiring.chosen,
                "acceptance_probability": hiring.willing,
                "accepted": hiring.accepted,
                "repeats": hiring.repeats,
            }
        )

    def expected(
        self,
        campaign_ids: Sequence[str],
        account_ids: Sequence[str],
        intervention: Intervention | None = None,
    ) -> pd.DataFrame:
        """Expected outcomes of pairs, given the latent traits and a hire.

        Parameters
        ----------
        campaign_ids, account_ids : sequence of str, length n
            Pairs, hired or not.
        intervention : Intervention, optional
            A change of the world.

        Returns
        -------
        pandas.DataFrame
            One row per pair, in order: `OUTCOMES`, ``trust`` (comments, shares and saves per
            person reached) and ``fee``; money in the campaign's currency. All shocks and the
            format are integrated out.

        Raises
        ------
        UsageError
            If an id or a name in the intervention is unknown.
        """
        pairs, changed = self._pairs_of(campaign_ids, account_ids, intervention)
        return self._frame(pairs, expected_outcomes(self.market, pairs, changed))

    def draw(
        self,
        campaign_ids: Sequence[str],
        account_ids: Sequence[str],
        intervention: Intervention | None = None,
        *,
        draw: int = 0,
    ) -> pd.DataFrame:
        """One draw of the outcomes of pairs, with common random numbers.

        Parameters
        ----------
        campaign_ids, account_ids : sequence of str, length n
            Pairs, hired or not.
        intervention : Intervention, optional
            A change of the world; the shocks stay the same.
        draw : int
            Number of the draw; draw 0 without intervention is what was logged for hired pairs.

        Returns
        -------
        pandas.DataFrame
            One row per pair, in order: `OUTCOMES` and ``trust``; money in the campaign's
            currency; views are NaN where the agreed format has none.

        Raises
        ------
        UsageError
            If an id or a name in the intervention is unknown.
        """
        pairs, changed = self._pairs_of(campaign_ids, account_ids, intervention)
        return self._frame(pairs, draw_outcomes(self.market, pairs, changed, draw=draw))

    def redraw_decisions(self, n_draws: int, seed: int) -> npt.NDArray[np.bool_]:
        """Draw who is invited again and again, by the true inclusion probabilities.

        Parameters
        ----------
        n_draws : int
            Draws, 1 or more.
        seed : int
            Seed of the draws.

        Returns
        -------
        ndarray of bool, shape (n_draws, n_pairs)
            Choices in the order of `pairs`; nobody in open campaigns.
        """
        chosen = np.zeros((n_draws, len(self.hiring.campaign)), dtype=bool)
        rng = np.random.default_rng(seed)
        for campaign in np.unique(self.hiring.campaign):
            rows = np.flatnonzero(self.hiring.campaign == campaign)
            probability = self.hiring.probability[rows]
            if np.isnan(probability).any():
                continue
            for k in range(n_draws):
                chosen[k, rows] = sample_fixed_size(probability, rng)
        return chosen

    def _pairs_of(
        self,
        campaigns: Sequence[str],
        accounts: Sequence[str],
        intervention: Intervention | None,
    ) -> tuple[Pairs, Intervention]:
        if len(campaigns) != len(accounts):
            raise UsageError(
                f"truth: got {len(campaigns)} campaigns for {len(accounts)} accounts; expected "
                "one of each per pair"
            )
        campaign = _numbers(self._campaign_number, campaigns, "campaign")
        account = _numbers(self._account_number, accounts, "account")
        changed = intervention or Intervention()
        fit = self._fit(campaign, account, changed.sub_topic)
        return Pairs(campaign, account, fit, self._repeats(campaign, account)), changed

    def _fit(self, campaign: Ints, account: Ints, sub_topic: str | None) -> Floats:
        market = self.market
        subs = market.vocabulary.sub_topics
        if sub_topic is not None and sub_topic not in subs:
            near = ", ".join(subs[:5])
            raise UsageError(
                f"intervention: sub_topic `{sub_topic}`; expected `category/sub_topic` of this "
                f"world, e.g. {near}"
            )
        fit = np.empty(len(campaign))
        person = market.people.person[account]
        for c in np.unique(campaign).tolist():
            rows = np.flatnonzero(campaign == c)
            first = int(market.campaigns.sub[c])
            if sub_topic is not None:
                first = subs.index(sub_topic)
            second = int(market.campaigns.second_sub[c])
            found = fit_of_campaign(first, second, market.people, market.vocabulary)
            fit[rows] = found[person[rows]]
        return fit

    def _repeats(self, campaign: Ints, account: Ints) -> Floats:
        """Earlier hires of each person by each campaign's brand, partnerships included."""
        market, hiring = self.market, self.hiring
        who, brand_of = market.people.person, market.campaigns.brand
        rows = np.flatnonzero(hiring.accepted)
        earlier = pd.DataFrame(
            {
                "person": who[hiring.account[rows]],
                "brand": brand_of[hiring.campaign[rows]],
                "campaign": hiring.campaign[rows],
            }
        ).drop_duplicates()
        wanted = pd.DataFrame(
            {"person": who[account], "brand": brand_of[campaign], "asked": campaign}
        )
        wanted["row"] = np.arange(len(wanted))
        met = wanted.merge(earlier, on=["person", "brand"])
        met = met[met["campaign"] < met["asked"]]
        count = np.bincount(met["row"], minlength=len(wanted)).astype(np.float64)
        partners = pd.DataFrame(market.partnerships, columns=["person", "brand"])
        known = wanted.merge(partners.assign(is_partner=1.0), how="left", on=["person", "brand"])
        return np.asarray(count + known["is_partner"].fillna(0.0).to_numpy())

    def _frame(self, pairs: Pairs, found: Mapping[str, Floats]) -> pd.DataFrame:
        in_dong = self.market.brands.in_vietnam[self.market.campaigns.brand[pairs.campaign]]
        money = np.where(in_dong, 1.0, 1 / FX_VND)
        columns = {
            name: found[name] * money if name in _MONEY else found[name]
            for name in (*OUTCOMES, *(["fee"] if "fee" in found else []))
        }
        deep = found["comments"] + found["shares"] + found["saves"]
        reach = found["reach"]
        columns["trust"] = np.divide(deep, reach, out=np.zeros(len(deep)), where=reach > 0)
        return pd.DataFrame(columns)


def _numbers(known: pd.Index, wanted: Sequence[str], what: str) -> Ints:
    found = known.get_indexer(pd.Index(list(wanted), dtype=object))
    missing = sorted({str(name) for name, k in zip(wanted, found.tolist(), strict=True) if k < 0})
    if missing:
        raise UsageError(
            f"truth: {len(missing)} {what}s are not of this market, e.g. "
            f"{', '.join(missing[:5])}; expected ids like {known[0] if len(known) else '(none)'}"
        )
    return np.asarray(found, dtype=np.int64)


def read_truth(folder: Path | str) -> Truth:
    """Open the truth of a simulated market.

    Parameters
    ----------
    folder : pathlib.Path or str
        The market's folder, which holds ``truth/``.

    Returns
    -------
    Truth
        Its latent traits and decisions.

    Raises
    ------
    DataError
        If there is no truth, or another version of the generator wrote it.
    """
    path = Path(folder) / RECORD
    if not path.is_file():
        raise DataError(
            f"{folder}: no {RECORD}; expected a market written by `matcher simulate`, the only "
            "kind whose truth is known"
        )
    record = json.loads(path.read_text(encoding="utf-8"))
    if record.get("version") != WORLD_VERSION:
        raise DataError(
            f"{path}: written by version {record.get('version')} of the generator; expected "
            f"{WORLD_VERSION}; simulate the market again with seed {record.get('seed')}"
        )
    truth = Path(folder) / "truth"
    knobs = WorldKnobs(**record["knobs"])
    partnerships = pd.read_parquet(truth / "partnerships.parquet").to_numpy(dtype=np.int64)
    rivals = pd.read_parquet(truth / "rivals.parquet").to_numpy(dtype=np.int64)
    brand_arrays = read_arrays(Brands, truth / "brands.parquet")
    is_rival = np.zeros((len(brand_arrays["category"]),) * 2, dtype=bool)
    is_rival[rivals[:, 0], rivals[:, 1]] = True
    brand_arrays["names"] = tuple(brand_arrays["names"].tolist())
    people = People(
        **read_arrays(People, truth / "people.parquet"),
        **read_arrays(People, truth / "accounts.parquet"),
    )
    market = Market(
        people=people,
        brands=Brands(**brand_arrays, rivals=is_rival),
        campaigns=Campaigns(**read_arrays(Campaigns, truth / "campaigns.parquet")),
        deals=Deals(**read_arrays(Deals, truth / "deals.parquet")),
        schedule=_NO_SCHEDULE,
        partnerships=partnerships,
        vocabulary=read_vocabulary(knobs.n_categories, knobs.phrases),
        knobs=knobs,
        seed=int(record["seed"]),
    )
    hiring = Hiring(**read_arrays(Hiring, truth / "decisions.parquet"), deals=partnerships)
    return Truth(record=record, market=market, hiring=hiring)


_NO_SCHEDULE: Final = Schedule(
    np.zeros(0, np.int64), np.zeros(0), np.zeros(0, np.int64), np.zeros(0, np.int64)
)
