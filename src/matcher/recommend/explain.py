"""One account for one brief: what its score is made of, and what sets it apart from another."""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Literal

import numpy as np
import pandas as pd

from matcher.arguments import check_choice, check_type
from matcher.columns import REASON_GROUPS
from matcher.errors import DataError, MatcherError
from matcher.features.context import PairView
from matcher.features.data import MarketData
from matcher.features.pairs import build_pairs
from matcher.market.brief import Brief
from matcher.markup import html_table
from matcher.ranking.stated import describe_fallback
from matcher.recommend.orders import (
    EXPLAINABLE,
    EXPLAINED,
    GROUPS_OF,
    feature_values,
    pool_values,
    score_contributions,
)
from matcher.recommend.recommend import score_brief
from matcher.recommend.wording import LANGUAGES, feature_label, format_value

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from matcher.config import Settings
    from matcher.features.context import FeatureContext
    from matcher.ranking.model import Model
    from matcher.recommend.rows import Scored
    from matcher.recommend.wording import Language

__all__ = ["Explanation", "check_accounts", "explain"]

_MOST_PEERS: Final = 1_000
"""Peers drawn where there are more; a percentile is then within about 3 points."""


@dataclass(frozen=True, eq=False)
class Explanation:
    """Exact contributions to the score of one account, or of two side by side.

    Parameters
    ----------
    brief_id : str
        The brief.
    as_of : pandas.Timestamp
        Instant from which it is seen.
    explained : {"fit", "deliver", "outcome"}
        The score.
    base : float
        Mean score of the typical candidates of the brief.
    accounts : pandas.DataFrame
        One row per account, the asked one first: ``account_id, handle, platform, tier, country,
        score, percentile`` (share of the eligible accounts that stand lower), ``rank, n_peers``.
    features : pandas.DataFrame
        One row per account and feature: ``account_id, feature, group, label, value, shown,
        contribution, pool_percentile`` and ``peer_percentile`` (shares of the candidates, and of
        the peers, that have less, ties counting half; NaN where the value is unknown). The
        contributions of an account and the base add up to its score.
    n_candidates : int
        Candidates of the brief, to which all values are relative.
    notes : tuple of str
        Hard rules against an account, and what else is to be known.
    """

    brief_id: str
    as_of: pd.Timestamp
    explained: Literal["fit", "deliver", "outcome"]
    base: float
    accounts: pd.DataFrame
    features: pd.DataFrame
    n_candidates: int
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Check that the contributions add up to the scores."""
        sums = self.features.groupby("account_id")["contribution"].sum()
        total = self.base + sums[self.accounts["account_id"]].to_numpy()
        worst = float(np.abs(total - self.accounts["score"].to_numpy()).max())
        if not worst <= 1e-9:
            raise MatcherError(
                f"explain: contributions miss the score by up to {worst:.3g}; expected 1e-9 at most"
            )

    def _repr_html_(self) -> str:
        """Reason groups and the features that say most, for notebooks; every text escaped."""
        names = ["account_id", "handle", "platform", "tier", "score", "percentile", "rank"]
        title = f"{self.explained} for {self.brief_id} as of {self.as_of}"
        groups = self.groups().rename_axis("group").reset_index()
        if len(self.accounts) > 1:
            most = self.difference()
        else:
            order = np.argsort(-self.features["contribution"].abs().to_numpy(), kind="stable")
            most = self.features.iloc[order][["feature", "label", "shown", "contribution"]]
        return (
            html_table(self.accounts[names], title=title, notes=self.notes)
            + html_table(groups[(groups.drop(columns="group") != 0).any(axis=1)])
            + html_table(most, n_rows=10)
        )

    def groups(self) -> pd.DataFrame:
        """Contribution of each reason group.

        Returns
        -------
        pandas.DataFrame
            One row per reason group in the order of `matcher.columns.REASON_GROUPS`, one column
            per account.
        """
        sums = {
            name: rows.groupby("group")["contribution"].sum()
            for name, rows in self.features.groupby("account_id")
        }
        table = pd.DataFrame(
            {name: sums[name] for name in self.accounts["account_id"]}, index=list(REASON_GROUPS)
        )
        return table.fillna(0.0)

    def difference(self) -> pd.DataFrame:
        """Why the first account stands above the second, or below it.

        Returns
        -------
        pandas.DataFrame
            One row per feature, the largest difference first: ``feature, group, label, first,
            second`` (values as shown) and ``difference`` of the contributions; these add up to the
            difference of the scores.

        Raises
        ------
        DataError
            If one account alone was explained.
        """
        if len(self.accounts) < 2:
            raise DataError("explain: one account was explained; name another one to compare with")
        first, second = (
            self.features[self.features["account_id"] == name].reset_index(drop=True)
            for name in self.accounts["account_id"]
        )
        table: pd.DataFrame = first[["feature", "group", "label"]].copy()
        table["first"], table["second"] = first["shown"], second["shown"]
        table["difference"] = first["contribution"] - second["contribution"]
        order = np.argsort(-np.abs(table["difference"].to_numpy()), kind="stable")
        return table.iloc[order].reset_index(drop=True)


def explain(
    model: Model,
    data: MarketData,
    brief: Brief,
    account_id: str,
    *,
    against: str | None = None,
    as_of: pd.Timestamp | None = None,
    settings: Settings | None = None,
    order: Literal["objective", "fit", "deliver", "outcome"] = "objective",
    language: Language = "en",
    context: FeatureContext | None = None,
) -> Explanation:
    """What the score of an account for a brief is made of.

    An account that the hard rules remove, or that retrieval leaves out, is explained as if the
    brief insisted on it, and the rules are named.

    Parameters
    ----------
    model : Model
        Model, closed at or before the instant.
    data : MarketData
        Market.
    brief : Brief
        Brief.
    account_id : str
        Account to explain.
    against : str, optional
        Account to compare it with.
    as_of : pandas.Timestamp, optional
        As in `matcher.recommend.recommend.recommend`.
    settings : Settings, optional
        Settings of retrieval; the model's own when None.
    order : {"objective", "fit", "deliver", "outcome"}
        Score to explain; that of the brief's own list where it is ``objective``.
    language : {"en", "vi"}
        Language of labels and values.
    context : FeatureContext, optional
        What ``model.context(data)`` gives.

    Returns
    -------
    Explanation
        Contributions and values.

    Raises
    ------
    DataError
        If the market does not hold an account.
    LeakageError
        If the model was closed after the instant.
    SupportError
        If the model lacks the ranker.

    Examples
    --------
    >>> from matcher import MarketData, load_market, read_brief, read_model
    >>> data = MarketData(load_market("data/tiny_market"))
    >>> model, _ = read_model("models/tiny")
    >>> brief = read_brief("data/brief-vi.yaml")
    >>> why = explain(model, data, brief, "acc_000027", against="acc_000053")
    >>> why.groups().columns.tolist(), why.difference().columns.tolist()[-1]
    (['acc_000027', 'acc_000053'], 'difference')
    """
    check_type(brief, Brief, where="explain: brief")
    check_choice(order, EXPLAINABLE, where="explain: order")
    check_choice(language, LANGUAGES, where="explain: language")
    check_type(data, MarketData, where="explain: data", hint="wrap it: MarketData(market)")
    asked = [account_id] if against in (None, account_id) else [account_id, str(against)]
    check_accounts(data, asked)
    insisting = brief.model_copy(
        update={
            "must_have": tuple(dict.fromkeys([*brief.must_have, *asked])),
            "never": tuple(one for one in brief.never if one not in asked),
        }
    )
    context = model.context(data) if context is None else context
    ranked = score_brief(
        model, data, insisting, as_of=as_of, settings=settings, order=order, context=context
    )
    question = ranked.question
    ids = ranked.candidates.account_ids
    rows = np.array([int(np.flatnonzero(ids == one)[0]) for one in asked])
    columns, contributions = score_contributions(model, ranked, question, rows)
    names, pool = list(columns), pool_values(model, ranked, columns)
    accounts = _describe_accounts(context, ranked, rows, question)
    parts = []
    for place, row in enumerate(rows):
        peers = _peer_values(model, context, ranked, int(row), accounts.iloc[place], names)
        accounts.loc[place, "n_peers"] = len(peers)
        parts.append(
            _describe_features(
                asked[place], names, contributions[place], pool, int(row),
                peers, language,
            )
        )  # fmt: skip
    rules = _notes(brief, ranked, asked, rows)
    notes = (describe_fallback(model.facts), *rules, ranked.order_note)
    return Explanation(
        brief_id=brief.brief_id,
        as_of=ranked.as_of,
        explained=EXPLAINED[question],
        base=float(contributions[0, -1]),
        accounts=accounts.astype({"n_peers": "int64"}),
        features=pd.concat(parts, ignore_index=True),
        n_candidates=len(ids),
        notes=tuple(filter(None, notes)),
    )


def check_accounts(data: MarketData, asked: Sequence[str]) -> None:
    """Refuse accounts that the market does not hold.

    Parameters
    ----------
    data : MarketData
        Market.
    asked : sequence of str
        Account ids.

    Raises
    ------
    DataError
        Naming the account that was probably meant by a handle or a misspelt id.
    """
    known = data.index.account_ids
    for one in asked:
        check_type(one, str, where="account_id")
        if one not in known:
            handles = data.index.accounts["handle"].to_numpy(object)
            same = known[handles == one].tolist()
            near = same or difflib.get_close_matches(one, known.tolist(), n=1)
            hint = f"did you mean {near[0]!r}?" if near else f"known, first five: {list(known[:5])}"
            raise DataError(f"accounts: got account_id {one!r}; {hint}")


def _notes(
    brief: Brief, ranked: Scored, asked: Sequence[str], rows: NDArray[np.int64]
) -> tuple[str, ...]:
    against = ranked.candidates.eligible.kept_against
    notes = []
    for name, code in zip(asked, ranked.candidates.codes[rows], strict=True):
        # The brief is read without its refusals here, which is why they are looked up in it.
        rules = [rule for rule, codes in against.items() if code in codes]
        rules += ["blocklist"] if name in brief.never else []
        if rules:
            notes.append(
                f"{name} is no candidate by the rule(s) {', '.join(rules)}; explained all the same"
            )
    return tuple(notes)


def _describe_accounts(
    context: FeatureContext, ranked: Scored, rows: NDArray[np.int64], ranker: str
) -> pd.DataFrame:
    index = context.index
    codes = ranked.candidates.codes[rows]
    scores = ranked.scores[ranker].to_numpy(np.float64)
    tiers = PairView(context, ranked.matrix.pairs).tiers
    return pd.DataFrame(
        {
            "account_id": index.account_ids.to_numpy(object)[codes],
            "handle": index.accounts["handle"].to_numpy(object)[codes],
            "platform": index.accounts["platform"].to_numpy(object)[codes],
            "tier": tiers[rows],
            "country": index.influencers["country"].to_numpy(object)[codes],
            "score": scores[rows],
            "percentile": ranked.percentiles(ranker)[rows],
            "rank": [int((scores > scores[row]).sum()) + 1 for row in rows],
            "n_peers": 0,
        }
    )


def _peer_values(
    model: Model,
    context: FeatureContext,
    ranked: Scored,
    row: int,
    account: pd.Series,
    names: Sequence[str],
) -> NDArray[np.float64]:
    """Features of the other accounts of the same tier, platform and country, eligible or not."""
    index = context.index
    platform = index.accounts["platform"].to_numpy(object)
    country = index.influencers["country"].to_numpy(object)
    is_near = platform == account["platform"]
    if isinstance(account["country"], str):
        is_near &= country == account["country"]
    near = index.account_ids.to_numpy(object)[is_near]
    near = near[near != account["account_id"]]
    brief, instant = ranked.brief, {ranked.brief.brief_id: ranked.as_of}

    def pairs_of(ids: NDArray[np.object_]) -> Any:
        return build_pairs([brief], {brief.brief_id: ids}, instants=instant)

    tiers = PairView(context, pairs_of(near)).tiers if len(near) else np.empty(0, dtype=object)
    peers = near[tiers == account["tier"]]
    if len(peers) > _MOST_PEERS:
        rng = np.random.default_rng(row)
        peers = np.sort(rng.choice(peers, _MOST_PEERS, replace=False).astype(str)).astype(object)
    if not len(peers):
        return np.empty((0, len(names)))
    return feature_values(model.features(context, pairs_of(peers)), names)


def _describe_features(
    account_id: str,
    names: Sequence[str],
    contributions: NDArray[np.float64],
    pool: NDArray[np.float64],
    row: int,
    peers: NDArray[np.float64],
    language: Language,
) -> pd.DataFrame:
    rows = []
    for place, name in enumerate(names):
        label, value = feature_label(name), float(pool[row, place])
        shown = format_value(label.kind, value, language) if np.isfinite(value) else None
        rows.append(
            {
                "account_id": account_id,
                "feature": name,
                "group": GROUPS_OF[name],
                "label": label.words[language],
                "value": value,
                "shown": shown,
                "contribution": float(contributions[place]),
                "pool_percentile": _percentile(value, pool[:, place]),
                "peer_percentile": _percentile(value, peers[:, place]),
            }
        )
    frame = pd.DataFrame(rows)
    return frame.astype({"shown": "str", "label": "str", "group": "str"})


def _percentile(value: float, others: NDArray[np.float64]) -> float:
    known = others[np.isfinite(others)]
    if not len(known) or not np.isfinite(value):
        return float("nan")
    return float((known < value).mean() + (known == value).mean() / 2)
