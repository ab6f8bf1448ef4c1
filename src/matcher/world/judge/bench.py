"""What predictions are judged against: a truth, and the public facts that name its parts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Protocol

import numpy as np
import pandas as pd

from matcher.columns import TRUST_PROXY
from matcher.config import Objectives
from matcher.errors import DataError
from matcher.market.load import find_tables
from matcher.market.tiers import assign_tier
from matcher.world.truth import Intervention, read_truth

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

__all__ = ["OUTCOME_OF", "Bench", "KnownTruth", "open_bench"]

OUTCOME_OF: Final = {
    objective: "trust" if names[0] == TRUST_PROXY else names[0]
    for objective, names in Objectives().outcomes().items()
}
"""Column of the truth that each objective is judged by: the first that the product names."""
_NO_OBJECTIVE: Final = "engagement"
"""How the product reads a campaign without an objective."""


class KnownTruth(Protocol):
    """What a truth offers; see `matcher.world.truth.Truth`."""

    @property
    def record(self) -> Mapping[str, Any]:
        """World, version, seed and knobs."""

    @property
    def campaign_ids(self) -> Sequence[str]:
        """All campaigns."""

    @property
    def account_ids(self) -> Sequence[str]:
        """All accounts."""

    def expected(
        self, campaign_ids: Any, account_ids: Any, intervention: Intervention = ...
    ) -> pd.DataFrame:
        """Expected outcomes of pairs, all noise integrated out.

        Parameters
        ----------
        campaign_ids, account_ids : sequence of str
            Pairs.
        intervention : Intervention
            A change of the world.
        """

    def draw(
        self,
        campaign_ids: Any,
        account_ids: Any,
        intervention: Intervention = ...,
        *,
        draw: int = 0,
    ) -> pd.DataFrame:
        """One draw of the outcomes of pairs.

        Parameters
        ----------
        campaign_ids, account_ids : sequence of str
            Pairs.
        intervention : Intervention
            A change of the world.
        draw : int
            Number of the draw; 0 is the logged one.
        """

    def pairs(self) -> pd.DataFrame:
        """Longlisted pairs with utility, inclusion probability and choice."""


@dataclass(frozen=True, eq=False)
class Bench:
    """A truth with the public facts that metrics need.

    Parameters
    ----------
    truth : KnownTruth
        The truth.
    campaigns : pandas.DataFrame
        By campaign id: ``objective, budget, currency, n_creators``.
    accounts : pandas.DataFrame
        By account id: ``platform, tier``.
    folder : pathlib.Path, optional
        The market, where it lies on disk.
    """

    truth: KnownTruth
    campaigns: pd.DataFrame
    accounts: pd.DataFrame
    folder: Path | None = None

    @property
    def name(self) -> str:
        """Name of the market for messages."""
        return "the market" if self.folder is None else str(self.folder)

    @property
    def stamp(self) -> dict[str, Any]:
        """World, version and seed, which stand in every row."""
        return {name: self.truth.record[name] for name in ("world", "version", "seed")}

    @cached_property
    def longlist(self) -> pd.DataFrame:
        """What the truth says of longlisted pairs."""
        return self.truth.pairs()

    def outcome_names(self, campaign_ids: Sequence[str] | pd.Series) -> NDArray[np.object_]:
        """Outcome by which each campaign is judged.

        Parameters
        ----------
        campaign_ids : sequence of str
            Campaigns.

        Returns
        -------
        numpy.ndarray of object
            Columns of the truth.
        """
        objective = self.campaigns["objective"].fillna(_NO_OBJECTIVE)
        found = objective.map(OUTCOME_OF).reindex(pd.Index(campaign_ids))
        return found.to_numpy(object)

    def pick(self, outcomes: pd.DataFrame, names: NDArray[np.object_]) -> NDArray[np.float64]:
        """One outcome of each row.

        Parameters
        ----------
        outcomes : pandas.DataFrame
            What the truth gave.
        names : numpy.ndarray of object, shape (n_rows,)
            Column to take from each row.

        Returns
        -------
        numpy.ndarray of float64
            Values.

        Raises
        ------
        DataError
            If the truth has no such column.
        """
        strange = sorted({str(name) for name in names} - set(outcomes.columns))
        if strange:
            raise DataError(
                f"`outcome`: got {', '.join(strange[:5])}; expected one of "
                f"{', '.join(outcomes.columns)}"
            )
        result = np.full(len(outcomes), np.nan)
        for name in pd.unique(names):
            rows = names == name
            result[rows] = outcomes[name].to_numpy(np.float64, na_value=np.nan)[rows]
        return result

    def values(self, pairs: pd.DataFrame) -> NDArray[np.float64]:
        """True expected outcome of pairs under the objectives of their campaigns.

        Parameters
        ----------
        pairs : pandas.DataFrame
            ``campaign_id, account_id``.

        Returns
        -------
        numpy.ndarray of float64
            Counts, money or a rate; comparable within a campaign.
        """
        found = self.truth.expected(pairs["campaign_id"].tolist(), pairs["account_id"].tolist())
        return self.pick(found, self.outcome_names(pairs["campaign_id"]))

    def number(self, campaign_id: str, name: str) -> float:
        """A number that a brief states.

        Parameters
        ----------
        campaign_id : str
            Campaign.
        name : {"budget", "n_creators"}
            Which.

        Returns
        -------
        float
            NaN where it states none.
        """
        value: Any = self.campaigns.loc[campaign_id, name]
        return np.nan if pd.isna(value) else float(value)

    def check_ids(self, frame: pd.DataFrame, where: str) -> None:
        """Refuse ids that the market does not hold.

        Parameters
        ----------
        frame : pandas.DataFrame
            Predictions; missing accounts are let pass.
        where : str
            File that the message names.

        Raises
        ------
        DataError
            How many, and the first five.
        """
        for column, known in (
            ("campaign_id", self.truth.campaign_ids),
            ("account_id", self.truth.account_ids),
        ):
            given = frame[column].dropna().unique()
            strange = [str(one) for one in given if one not in set(known)] if len(given) else []
            if strange:
                raise DataError(
                    f"{where}: {len(strange)} of {len(given)} values of `{column}` are not in "
                    f"{self.name}: {', '.join(strange[:5])}{' ...' if strange[5:] else ''}; judge "
                    "predictions with the market they were made for"
                )


def open_bench(folder: Path) -> Bench:
    """Bench of a simulated market.

    Parameters
    ----------
    folder : pathlib.Path
        Folder that `matcher simulate` made.

    Returns
    -------
    Bench
        Its truth and public facts.

    Raises
    ------
    DataError
        If the folder holds no truth, or that of another version of the world.
    """
    truth = read_truth(folder)
    tables, _ = find_tables(folder)
    wanted = ["campaign_id", "objective", "budget", "currency", "n_creators"]
    campaigns = pd.read_parquet(tables["campaigns"], columns=wanted)
    accounts = pd.read_parquet(tables["accounts"], columns=["account_id", "platform"])
    snapshots = pd.read_parquet(
        tables["account_snapshots"], columns=["account_id", "as_of", "n_followers"]
    )
    newest = snapshots.sort_values("as_of").drop_duplicates("account_id", keep="last")
    followers = newest.set_index("account_id")["n_followers"].reindex(accounts["account_id"])
    accounts["tier"] = assign_tier(followers.reset_index(drop=True))
    return Bench(
        truth,
        campaigns.set_index("campaign_id"),
        accounts.set_index("account_id"),
        folder,
    )
