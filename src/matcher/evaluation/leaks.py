"""The leak linter: alter all that was not known yet, do everything again, see what moves."""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pandas as pd

from matcher.errors import SupportError
from matcher.evaluation.leak_report import KINDS, N_NAMED, LeakReport, Move
from matcher.evaluation.perturb import perturb_after
from matcher.evaluation.scorers import baseline_scores, missingness_features
from matcher.evaluation.splits import walk_forward_blocks
from matcher.evaluation.steps import Steps
from matcher.evaluation.terms import TERMS
from matcher.evaluation.truth import list_campaigns
from matcher.features.context import MarketData
from matcher.market.market import build_market
from matcher.ranking import fit as fitting
from matcher.ranking.fit import candidate_pairs
from matcher.text.encoder import Encoder

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from matcher.config import Settings
    from matcher.evaluation.blocks import Block
    from matcher.evaluation.steps import Tell
    from matcher.features.context import Embed, FeatureContext
    from matcher.market.market import Market
    from matcher.ranking.model import Model

__all__ = ["check_leaks"]

_NOT_FITTED: Final = ("data_hash", "facts", "settings", "trained_until")
"""Fields of a model that describe it; the hash of an altered market is another one."""

_Tables = dict[str, pd.DataFrame]
_Values = dict[str, "NDArray[Any]"]


def check_leaks(
    data: MarketData,
    settings: Settings,
    *,
    embed: Embed | None = None,
    tell: Tell = lambda _task, _done, _total: None,
) -> LeakReport:
    """Alter what was not known yet at each decision, compute and refit, and compare.

    For each campaign that walking forward evaluates, everything known at or after its
    `decided_at` is altered, all other campaigns among it; its candidates, features and scores are
    computed again under the model of its block. At the first decision of each block, where its
    model is closed, that model is fitted again as well.

    Parameters
    ----------
    data : MarketData
        Market.
    settings : Settings
        Settings of the evaluation.
    embed : callable, optional
        ``embed(encoder, texts, role)``, for an embedding cache.
    tell : callable, optional
        Told the task, its finished steps and all its steps.

    Returns
    -------
    LeakReport
        What moved. A leak raises nothing here; see `LeakReport.raise_if_leaky`.

    Raises
    ------
    SupportError
        If no campaign can be evaluated.
    """
    chosen = settings.evaluation
    table, counts, _ = list_campaigns(data, settings)
    blocks = walk_forward_blocks(
        table, counts, n_blocks=chosen.n_blocks, min_earlier_hired=chosen.min_earlier_hired
    ).blocks
    if not blocks:
        raise SupportError(
            f"leak check: none of {len(table)} campaigns can be evaluated; lower "
            f"`evaluation.min_earlier_hired` (now {chosen.min_earlier_hired}) or "
            f"`retrieval.min_posts` (now {settings.retrieval.min_posts}), or give more history"
        )
    total = sum(len(block.campaign_ids) for block in blocks) + 2 * len(blocks)
    linter = _Linter(data, settings, _Memory(embed), Steps(tell, "checking leaks", total=total))
    for block in blocks:
        linter.check(block, encoder_until=blocks[0].trained_until)
    linter.steps.finish()
    return linter.report()


class _Memory:
    """Embeddings by text, so that an altered market costs only its new texts."""

    def __init__(self, embed: Embed | None) -> None:
        self._embed = embed
        self._known: dict[tuple[str, str], dict[str, NDArray[np.float16]]] = {}

    def __call__(self, encoder: Encoder, texts: Sequence[str], role: str) -> NDArray[np.float16]:
        known = self._known.setdefault((encoder.identity.digest, role), {})
        new = list(dict.fromkeys(text for text in texts if text not in known))
        if new:
            made = (
                encoder.encode(new, role=role)  # type: ignore[arg-type]
                if self._embed is None
                else self._embed(encoder, new, role)
            )
            known.update(zip(new, made, strict=True))
        empty = np.empty((0, encoder.identity.dim), dtype=np.float16)
        return np.stack([known[text] for text in texts]) if len(texts) else empty

    def forget(self) -> None:
        self._known.clear()


@dataclass(frozen=True)
class _Seen:
    """What a model makes of one campaign: values by kind and name, rows by account."""

    account_ids: pd.Index[Any]
    values: Mapping[str, _Values]


@dataclass
class _Linter:
    data: MarketData
    settings: Settings
    memory: _Memory
    steps: Steps
    moved: list[Move] = field(default_factory=list)
    instants: set[pd.Timestamp] = field(default_factory=set)
    features: set[str] = field(default_factory=set)
    n_campaigns: int = 0
    n_refits: int = 0
    n_compared: Counter[str] = field(default_factory=Counter)

    def check(self, block: Block, *, encoder_until: pd.Timestamp) -> None:
        self.memory.forget()
        until = encoder_until if self.settings.evaluation.keep_encoder else block.trained_until
        self.steps()
        model = self._fit(self.data, block, until)
        context = model.context(self.data, self.memory)
        for number, campaign_id in enumerate(block.campaign_ids):
            self.steps()
            before = self._look(model, context, campaign_id)
            tables = self._altered(campaign_id)
            altered = self._market(tables)
            self.n_campaigns += 1
            for market in (altered, *self._without_own_posts(tables, campaign_id)):
                after = self._look(model, model.context(market, self.memory), campaign_id)
                self._compare(campaign_id, before, after)
            if not number:  # the model was closed at this very decision
                self.steps()
                self._refit(altered, block, until, model, before)

    def _fit(self, data: MarketData, block: Block, until: pd.Timestamp) -> Model:
        # Looked up at call time, so that a replaced step is the one that is checked.
        encoder = fitting.fit_encoder(data, until, self.settings)
        model, _, _ = fitting.fit_model(
            data, block.trained_until, self.settings, encoder=encoder, embed=self.memory
        )
        return model

    def _market(self, tables: _Tables) -> MarketData:
        return MarketData(build_market(tables, self.data.market.settings))

    def _altered(self, campaign_id: str) -> _Tables:
        """Tables with another future from a campaign's decision on; its brief stays.

        Which earlier posts are its own stays as well: features may not see those posts, for which
        they have to know them.
        """
        market = self.data.market
        decided = market.tables["campaigns"].set_index("campaign_id")["decided_at"]
        instant = decided[campaign_id]
        self.instants.add(instant)
        tables = perturb_after(
            {name: market.tables[name] for name in market.present},
            instant,
            rng=np.random.default_rng([self.settings.evaluation.seed, self.n_campaigns]),
            keep_campaigns={campaign_id},
            settings=market.settings,
        )
        if "campaign_posts" in tables:
            own = _own_links(market.tables, campaign_id, instant)
            drawn = _own_links(tables, campaign_id, instant)
            links = [
                tables["campaign_posts"].drop(index=drawn.index),
                market.tables["campaign_posts"].loc[own.index],
            ]
            tables["campaign_posts"] = pd.concat(links, ignore_index=True)
        return tables

    def _without_own_posts(self, tables: _Tables, campaign_id: str) -> list[MarketData]:
        """The same without the campaign's own earlier posts, where there are any.

        Posts that serve another campaign too stay, since they are part of its history.
        """
        if "campaign_posts" not in tables:
            return []
        links = tables["campaign_posts"]
        mine = links["campaign_id"] == campaign_id
        shared = links.loc[~mine, "post_id"]
        decided = tables["campaigns"].set_index("campaign_id")["decided_at"]
        own = _own_links(tables, campaign_id, decided[campaign_id])["post_id"]
        own = own[~own.isin(shared)]
        if own.empty:
            return []
        fewer: _Tables = {
            name: tables[name][~tables[name]["post_id"].isin(own)].reset_index(drop=True)
            for name in tables
            if name in ("posts", "post_metrics", "campaign_posts")
        }
        return [self._market({**tables, **fewer})]

    def _look(self, model: Model, context: FeatureContext, campaign_id: str) -> _Seen:
        pairs = candidate_pairs(context.data, [campaign_id], self.settings)
        matrix = model.features(context, pairs)
        own = model.score(matrix)
        gaps = missingness_features(context, pairs)
        scores = {f"model.{name}": own[name].to_numpy(np.float64) for name in own}
        simple = baseline_scores(context, matrix, self.settings.evaluation.seed)
        return _Seen(
            pd.Index(pairs.account_ids),
            {
                "feature": dict(zip(matrix.names, matrix.values.T, strict=True)),
                "control": dict(zip(gaps.names, gaps.values.T, strict=True)),
                "score": {**scores, **simple},
            },
        )

    def _compare(
        self, campaign_id: str, before: _Seen, after: _Seen, *, is_refitted: bool = False
    ) -> None:
        ids = before.account_ids
        other = ids.symmetric_difference(after.account_ids)
        n_either = len(ids.union(after.account_ids))
        if len(other):
            named = tuple(str(name) for name in other[:N_NAMED])
            self.moved.append(
                Move("candidates", campaign_id, "candidates", len(other), n_either, named,
                     is_refitted)
            )  # fmt: skip
        both = ids.intersection(after.account_ids, sort=True)
        here, there = ids.get_indexer(both), after.account_ids.get_indexer(both)
        self.features.update(before.values["feature"])
        for what, columns in before.values.items():
            self.n_compared[what] += len(both) * len(columns)
            for name, old in columns.items():
                new = after.values[what].get(name, np.full(len(after.account_ids), np.nan))
                rows = np.flatnonzero(_differs(old[here], new[there]))
                if len(rows):
                    named = tuple(str(account) for account in both[rows[:N_NAMED]])
                    self.moved.append(
                        Move(what, campaign_id, name, len(rows), len(both), named, is_refitted)
                    )

    def _refit(
        self, altered: MarketData, block: Block, until: pd.Timestamp, model: Model, before: _Seen
    ) -> None:
        campaign_id = block.campaign_ids[0]
        self.n_refits += 1
        try:
            again = self._fit(altered, block, until)
        except SupportError as error:
            self.moved.append(Move("fit", campaign_id, str(error), 1, 1, is_refitted=True))
            return
        old, new = dict(_fitted_parts(model)), dict(_fitted_parts(again))
        nothing = np.empty(0)
        for column in dict.fromkeys((*old, *new)):
            what = column.partition(".")[0]
            one, other = old.get(column, nothing), new.get(column, nothing)
            if what == "prior":
                self.n_compared[what] += len(one)
            n_moved = int(_differs(one, other).sum())
            if n_moved:
                kind = what if what in KINDS else "ranker"
                self.moved.append(
                    Move(kind, campaign_id, column, n_moved, max(len(one), len(other)),
                         is_refitted=True)
                )  # fmt: skip
        after = self._look(again, again.context(altered, self.memory), campaign_id)
        self._compare(campaign_id, before, after, is_refitted=True)

    def report(self) -> LeakReport:
        order = {kind: place for place, kind in enumerate(KINDS)}
        return LeakReport(
            n_campaigns=self.n_campaigns,
            n_instants=len(self.instants),
            n_refits=self.n_refits,
            n_features=len(self.features),
            n_feature_values=self.n_compared["feature"] + self.n_compared["control"],
            n_priors=self.n_compared["prior"],
            n_scores=self.n_compared["score"],
            moved=tuple(sorted(self.moved, key=lambda move: order[move.what])),
            assumed_timeless=self.data.market.timeless_columns,
            assumed_planned=_planned(self.data.market),
        )


def _planned(market: Market) -> tuple[str, ...]:
    """What was taken for known ahead: flights, and terms as far as they touch them."""
    if market.settings.flights_planned and market.tables["campaigns"]["ends_on"].notna().any():
        columns: tuple[str, ...] = ("campaigns.starts_on", "campaigns.ends_on")
    else:
        columns = ()
    terms = () if market.settings.strict_time else TERMS
    return (*columns, *(name for name in terms if len(market.tables[name])))


def _own_links(
    tables: Mapping[str, pd.DataFrame], campaign_id: str, instant: pd.Timestamp
) -> pd.DataFrame:
    """Links of a campaign to posts published before an instant."""
    posts, links = tables["posts"], tables["campaign_posts"]
    earlier = posts.loc[posts["published_at"] < instant, "post_id"]
    mine = links[links["campaign_id"] == campaign_id]
    return mine[mine["post_id"].isin(earlier)]


def _differs(one: NDArray[Any], other: NDArray[Any]) -> NDArray[np.bool_]:
    """Where two arrays are not the same bit for bit; everywhere when their lengths differ."""
    if len(one) != len(other):
        return np.ones(max(len(one), len(other)), dtype=bool)
    if one.dtype == other.dtype == np.float64:
        bits = np.ascontiguousarray(one).view(np.int64) != np.ascontiguousarray(other).view(
            np.int64
        )
        return np.asarray(bits & ~(np.isnan(one) & np.isnan(other)))
    cells = zip(one, other, strict=True)
    # What is missing differs from itself.
    return np.array([a != b and (a == a or b == b) for a, b in cells], dtype=bool)


def _fitted_parts(model: Model) -> Iterator[tuple[str, NDArray[Any]]]:
    """Everything fitted that a model holds, whatever fields it has, as flat arrays by name."""
    for name in (one.name for one in dataclasses.fields(model)):
        if name not in _NOT_FITTED:
            yield from _parts(getattr(model, name), name)


def _parts(thing: Any, name: str) -> Iterator[tuple[str, NDArray[Any]]]:
    if isinstance(thing, Encoder):
        yield from _parts(thing.identity, name)
    elif dataclasses.is_dataclass(thing):
        for one in dataclasses.fields(thing):
            yield from _parts(getattr(thing, one.name), f"{name}.{one.name}")
    elif isinstance(thing, pd.DataFrame):
        for column in thing:
            yield f"{name}.{column}", thing[column].to_numpy()
    elif isinstance(thing, Mapping):
        for key, value in thing.items():
            yield from _parts(value, f"{name}.{key}")
    elif isinstance(thing, np.ndarray):
        yield name, thing.ravel()
    else:
        cells = thing if isinstance(thing, tuple | list) else (thing,)
        array = np.empty(len(cells), dtype=object)
        array[:] = cells
        yield name, array
