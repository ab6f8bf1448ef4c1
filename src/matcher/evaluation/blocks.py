"""Blocks of campaigns for evaluation, checked when built: ordered in time and disjoint."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import pandas as pd

from matcher.errors import DataError, LeakageError

__all__ = ["Block", "BrandBlock", "BrandSplit", "WalkForward", "keep_later"]


@dataclass(frozen=True)
class Block:
    """Campaigns that are scored by what was fitted before the first of them.

    Parameters
    ----------
    trained_until : pandas.Timestamp
        UTC instant; only what was known strictly before it may be fitted on. It is the first
        `decided_at` of the block.
    last_decided_at : pandas.Timestamp
        Last `decided_at` of the block.
    campaign_ids : tuple of str
        Campaigns by `decided_at`, then id; at least one.

    Raises
    ------
    LeakageError
        If the block ends before it begins.
    DataError
        If it has no campaign, names one twice, or an instant has no time zone.
    """

    trained_until: pd.Timestamp
    last_decided_at: pd.Timestamp
    campaign_ids: tuple[str, ...]

    def __post_init__(self) -> None:
        if self.trained_until.tz is None or self.last_decided_at.tz is None:
            raise DataError(f"block from {self.trained_until}: expected UTC instants with a zone")
        if self.last_decided_at < self.trained_until:
            raise LeakageError(
                f"block: its last campaign was decided at {self.last_decided_at}, before its "
                f"`trained_until` {self.trained_until}; expected no earlier campaign"
            )
        if not self.campaign_ids or len(set(self.campaign_ids)) < len(self.campaign_ids):
            raise DataError(
                f"block from {self.trained_until}: got {len(self.campaign_ids)} campaigns, "
                f"{len(set(self.campaign_ids))} of them different; expected one or more, each once"
            )


def keep_later(
    blocks: Sequence[Block | BrandBlock], campaigns: pd.DataFrame, since: pd.Timestamp
) -> tuple[list[Block | BrandBlock], dict[str, str]]:
    """Blocks with the campaigns decided from an instant on; what they are trained on stays.

    Parameters
    ----------
    blocks : sequence of Block or BrandBlock
        Blocks.
    campaigns : pandas.DataFrame
        ``campaign_id, decided_at``.
    since : pandas.Timestamp
        Aware instant.

    Returns
    -------
    blocks : list of Block or BrandBlock
        Those that keep a campaign.
    skipped : dict of str to str
        Reason of each campaign left out.
    """
    decided = campaigns.set_index("campaign_id")["decided_at"]
    kept: list[Block | BrandBlock] = []
    skipped: dict[str, str] = {}
    for block in blocks:
        later = tuple(name for name in block.campaign_ids if decided[name] >= since)
        skipped |= {
            name: "decided before those that are judged"
            for name in block.campaign_ids
            if name not in later
        }
        if later:
            kept.append(replace(block, campaign_ids=later))
    return kept, skipped


@dataclass(frozen=True)
class WalkForward:
    """Blocks in the order of time, and the campaigns that are not evaluated.

    Parameters
    ----------
    blocks : tuple of Block
        Each begins after the one before it has ended; empty when nothing can be evaluated.
    skipped : mapping of str to str
        Reason by campaign that is not evaluated, in the order of `decided_at`, then id.

    Raises
    ------
    LeakageError
        If blocks overlap in time.
    DataError
        If a campaign stands twice.
    """

    blocks: tuple[Block, ...]
    skipped: Mapping[str, str]

    def __post_init__(self) -> None:
        for earlier, later in zip(self.blocks, self.blocks[1:], strict=False):
            if later.trained_until <= earlier.last_decided_at:
                raise LeakageError(
                    f"walk forward: a block begins at {later.trained_until}, the one before it "
                    f"ends at {earlier.last_decided_at}; expected blocks one after the other"
                )
        _check_once([*self.campaign_ids, *self.skipped], "walk forward")

    def __iter__(self) -> Iterator[Block]:
        return iter(self.blocks)

    def __len__(self) -> int:
        return len(self.blocks)

    @property
    def campaign_ids(self) -> tuple[str, ...]:
        """Evaluated campaigns, by `decided_at`, then id."""
        return tuple(name for block in self.blocks for name in block.campaign_ids)


@dataclass(frozen=True)
class BrandBlock:
    """Campaigns of brands that what scores them has never been trained on.

    Parameters
    ----------
    fold : int
        Fold of the brands, from 0.
    trained_until : pandas.Timestamp
        UTC instant; training campaigns were decided strictly before it, the others at or after.
    campaign_ids : tuple of str
        Campaigns to score, by `decided_at`, then id.
    brand_ids : tuple of str
        Brands of the fold, sorted; none of their campaigns may be trained on.
    train_campaign_ids : tuple of str
        Campaigns to train on, by `decided_at`, then id.

    Raises
    ------
    LeakageError
        If a campaign is both trained on and scored.
    DataError
        If there is nothing to score.
    """

    fold: int
    trained_until: pd.Timestamp
    campaign_ids: tuple[str, ...]
    brand_ids: tuple[str, ...]
    train_campaign_ids: tuple[str, ...]

    def __post_init__(self) -> None:
        both = sorted(set(self.campaign_ids) & set(self.train_campaign_ids))
        if both:
            raise LeakageError(
                f"fold {self.fold}: {len(both)} campaigns are trained on and scored ({both[:5]}); "
                "expected none"
            )
        if not self.campaign_ids:
            raise DataError(f"fold {self.fold}: no campaign to score; expected one or more")


@dataclass(frozen=True)
class BrandSplit:
    """Folds of brands in blocks of time, and the campaigns that are not evaluated.

    Parameters
    ----------
    blocks : tuple of BrandBlock
        By time, then fold; every evaluated campaign stands in one of them.
    skipped : mapping of str to str
        Reason by campaign that is not evaluated, in the order of `decided_at`, then id.

    Raises
    ------
    LeakageError
        If a brand is in two folds.
    DataError
        If a campaign is scored twice.
    """

    blocks: tuple[BrandBlock, ...]
    skipped: Mapping[str, str]

    def __post_init__(self) -> None:
        fold_of = {brand: block.fold for block in self.blocks for brand in block.brand_ids}
        for block in self.blocks:
            moved = [brand for brand in block.brand_ids if fold_of[brand] != block.fold]
            if moved:
                raise LeakageError(
                    f"brand folds: {len(moved)} brands stand in two folds ({moved[:5]})"
                )
        _check_once([*self.campaign_ids, *self.skipped], "brand folds")

    def __iter__(self) -> Iterator[BrandBlock]:
        return iter(self.blocks)

    def __len__(self) -> int:
        return len(self.blocks)

    @property
    def campaign_ids(self) -> tuple[str, ...]:
        """Evaluated campaigns, block by block."""
        return tuple(name for block in self.blocks for name in block.campaign_ids)


def _check_once(campaign_ids: list[str], where: str) -> None:
    twice = sorted(name for name, count in Counter(campaign_ids).items() if count > 1)
    if twice:
        raise DataError(
            f"{where}: {len(twice)} campaigns stand in two places ({twice[:5]}); expected each once"
        )
