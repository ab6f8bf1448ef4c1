"""All tasks for all encoders, with intervals and paired differences from TF-IDF."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pandas as pd

from matcher.errors import SupportError, UsageError
from matcher.evaluation.bootstrap import bootstrap_means
from matcher.evaluation.encoders.contestants import LEXICAL, TOGETHER, Contestants, TaskValues
from matcher.evaluation.encoders.on_market import (
    HIRED,
    LEAST_CLUSTERS,
    POST_TO_POST,
    choose_cut,
    judge_briefs,
    judge_posts,
)
from matcher.evaluation.encoders.on_public import (
    PUBLIC_SETS,
    TOPICS,
    find_public_sets,
    judge_public,
)
from matcher.ranking.fit import fit_text
from matcher.ranking.relevance import hired_pairs

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from matcher.config import Settings
    from matcher.features.context import Embed, MarketData
    from matcher.text.encoder import Encoder

__all__ = ["EncoderBench", "EncoderFigure", "bench_encoders"]

BUILTIN: Final = "builtin"
_PROMISED: Final = (("market", HIRED, "all"), ("sib200", TOPICS, "vi"))
"""Tasks on which the built-in encoder has to beat TF-IDF to be relied on alone."""
_THAN: Final = {"better": "better than", "level": "no different from", "worse": "worse than"}


@dataclass(frozen=True)
class EncoderFigure:
    """What one contestant reached on one task.

    Parameters
    ----------
    data, task, languages, measure, encoder : str
        Where, what, in which languages, how measured, and who.
    value, low, high : float or None
        Mean over queries with its 95 % interval; None without an interval.
    difference, difference_low, difference_high : float or None
        Mean difference from TF-IDF with its paired interval; None for TF-IDF itself.
    verdict : str
        ``better`` or ``worse`` than TF-IDF where the paired interval leaves out 0, else ``level``;
        empty for TF-IDF itself.
    n, n_clusters : int
        Queries, and clusters that the interval is taken over.
    clustered_by : str
        What a cluster is.
    """

    data: str
    task: str
    languages: str
    measure: str
    encoder: str
    value: float | None
    low: float | None
    high: float | None
    difference: float | None
    difference_low: float | None
    difference_high: float | None
    verdict: str
    n: int
    n_clusters: int
    clustered_by: str


@dataclass(frozen=True)
class EncoderBench:
    """Figures of every task, and what they rest on.

    Parameters
    ----------
    figures : tuple of EncoderFigure
        By task, TF-IDF first.
    cut : pandas.Timestamp
        Encoders were fitted before it, the market's pairs judged after it.
    encoders : dict of str to dict
        Identity of each encoder, by the name it was asked for.
    remarks : tuple of str
        What was left out and what follows, for people.
    """

    figures: tuple[EncoderFigure, ...]
    cut: pd.Timestamp
    encoders: dict[str, dict[str, Any]]
    remarks: tuple[str, ...]

    def frame(self) -> pd.DataFrame:
        """Figures as a table.

        Returns
        -------
        pandas.DataFrame
            One row per figure, the fields of `EncoderFigure` as columns.
        """
        return pd.DataFrame([asdict(figure) for figure in self.figures])

    def as_dict(self) -> dict[str, Any]:
        """JSON values.

        Returns
        -------
        dict
            ``cut``, ``encoders``, ``figures`` and ``remarks``.
        """
        return {
            "cut": self.cut.isoformat(),
            "encoders": self.encoders,
            "figures": [asdict(figure) for figure in self.figures],
            "remarks": list(self.remarks),
        }

    def lines(self) -> list[str]:
        """Table and remarks as text.

        Returns
        -------
        list of str
            A paragraph per task.
        """
        width = max((len(figure.encoder) for figure in self.figures), default=0)
        lines: list[str] = []
        before: tuple[str, ...] = ()
        for one in self.figures:
            task = (one.data, one.task, one.languages, one.measure)
            if task != before:
                counts = f"{one.n:,} queries, intervals over {one.n_clusters:,} {one.clustered_by}"
                lines += ["", f"{one.data}: {one.task}, {one.languages}, {one.measure} ({counts})"]
                before = task
            text = f"  {one.encoder:<{width}}  {_shown(one.value, one.low, one.high)}"
            if one.verdict:
                gap = _shown(one.difference, one.difference_low, one.difference_high, sign="+")
                text += f"  against {LEXICAL} {gap} {one.verdict}"
            lines.append(text)
        return [*lines[1:], *([""] if self.remarks else []), *self.remarks]


def _shown(value: float | None, low: float | None, high: float | None, *, sign: str = "") -> str:
    if value is None:
        return "undefined"
    if low is None or high is None:
        return f"{value:{sign}.3f} (no interval)"
    return f"{value:{sign}.3f} ({low:{sign}.3f} to {high:{sign}.3f})"


def bench_encoders(
    data: MarketData,
    settings: Settings,
    *,
    names: Sequence[str] = (),
    cut: pd.Timestamp | None = None,
    public: Path | None = None,
    embed: Embed | None = None,
    tell: Callable[[str, int, int], None] | None = None,
) -> EncoderBench:
    """Compare the built-in encoder and others with TF-IDF.

    Parameters
    ----------
    data : MarketData
        Market.
    settings : Settings
        Settings; those of the encoder hold for the built-in one.
    names : sequence of str
        Further encoders: hub ids, paths, or ``random``.
    cut : pandas.Timestamp, optional
        The built-in encoder and TF-IDF are fitted on what was known before it, and the market's
        pairs judged after it; by default a third of the campaigns comes after it.
    public : pathlib.Path, optional
        Folder of public sets; see `matcher.evaluation.encoders.on_public`.
    embed : callable, optional
        ``embed(encoder, texts, role)``, for an embedding cache.
    tell : callable, optional
        Told the name of each step, and steps done and in all.

    Returns
    -------
    EncoderBench
        Figures.

    Raises
    ------
    LeakageError
        If an encoder was trained on texts from after `cut`.
    SupportError
        If nothing can be judged.
    UsageError
        If an encoder is named twice, or `public` holds none of the sets.
    """
    if len({BUILTIN, *names}) != len(names) + (BUILTIN not in names):
        raise UsageError(f"encoders: got {', '.join(names)}; expected each one once")
    held = [] if public is None else _sets_in(public)
    cut = cut if cut is not None else _default_cut(data)
    asked = tuple(dict.fromkeys((BUILTIN, *names)))
    n_steps = len(asked) + 2 + (public is not None)
    done = 0

    def step() -> None:
        # Told after each step, so that what is shown is what is done.
        nonlocal done
        done += 1
        if tell is not None:
            tell("encoders", done, n_steps)

    contexts = {}
    for name in asked:
        chosen = settings.encoder
        if name != chosen.name:
            chosen = chosen.model_copy(update={"name": name, "revision": None})
        contexts[name] = fit_text(
            data, cut, settings.model_copy(update={"encoder": chosen}), embed=embed
        )
        step()
    context = contexts[BUILTIN]
    encoders = {name: found.encoder for name, found in contexts.items()}
    contestants = Contestants(encoders, context.lexicon, context.embed)
    tasks = list(judge_posts(contestants, context, cut, seed=settings.evaluation.seed))
    step()
    tasks += judge_briefs(contestants, context, cut, settings)
    step()
    if public is not None:
        tasks += judge_public(contestants, public)
        step()
    if not tasks:
        raise SupportError(
            f"encoders: no pair can be judged after {cut}: no language has five accounts with two "
            "posts, and no five brands have a campaign with a hired candidate; give an earlier cut "
            "or the folder of the public sets"
        )
    figures = tuple(figure for task in tasks for figure in _figures(task, settings))
    remarks = [
        f"fitted on what was known before {cut}, the market's pairs judged after it; languages of "
        f"fewer than {LEAST_CLUSTERS} accounts or brands are left out"
    ]
    judged = {task.task for task in tasks}
    remarks += [
        f"{name}: not judged, fewer than {LEAST_CLUSTERS} {what} after the cut"
        for name, what in ((POST_TO_POST, "accounts with two posts"), (HIRED, "brands that hired"))
        if name not in judged
    ]
    missing = [name for name in PUBLIC_SETS if name not in held]
    if missing:
        remarks.append(f"not there, so not judged: {', '.join(missing)}")
    remarks += _conclusions(figures, encoders)
    identities = {name: encoder.identity.as_dict() for name, encoder in encoders.items()}
    return EncoderBench(figures, cut, identities, tuple(remarks))


def _sets_in(public: Path) -> list[str]:
    held = find_public_sets(public)
    if not held:
        wanted = ", ".join(file for files, _ in PUBLIC_SETS.values() for file in files)
        raise UsageError(f"{public}: holds none of the public sets; expected some of {wanted}")
    return held


def _default_cut(data: MarketData) -> pd.Timestamp:
    tables = data.market.tables
    campaigns = tables["campaigns"]
    hired = campaigns["campaign_id"].isin(hired_pairs(data.market)["campaign_id"])
    cut = choose_cut(campaigns.loc[hired, "decided_at"], tables["posts"]["published_at"])
    if cut is None:
        raise SupportError("encoders: the market has no dated campaign and no dated post")
    return cut


def _figures(task: TaskValues, settings: Settings) -> list[EncoderFigure]:
    names = list(task.values)
    values = np.stack([task.values[name] for name in names], axis=1)
    gaps = values - values[:, [names.index(LEXICAL)]]
    found = bootstrap_means(
        np.hstack([values, gaps]),
        task.clusters,
        n_resamples=settings.evaluation.n_bootstrap,
        seed=settings.evaluation.seed,
    )
    ends = np.stack([found.value, found.low, found.high], axis=1)
    figures = []
    for place, name in enumerate(names):
        own, gap = ends[place], ends[len(names) + place]
        is_base = name == LEXICAL
        figures.append(
            EncoderFigure(
                data=task.data,
                task=task.task,
                languages=task.languages,
                measure=task.measure,
                encoder=name,
                value=_finite(own[0]),
                low=_finite(own[1]),
                high=_finite(own[2]),
                difference=None if is_base else _finite(gap[0]),
                difference_low=None if is_base else _finite(gap[1]),
                difference_high=None if is_base else _finite(gap[2]),
                verdict="" if is_base else _verdict(gap, more_is_better=task.more_is_better),
                n=int(found.n[place]),
                n_clusters=int(found.n_brands[place]),
                clustered_by=task.clustered_by,
            )
        )
    return figures


def _finite(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None


def _verdict(gap: np.ndarray[Any, Any], *, more_is_better: bool) -> str:
    low, high = (gap[1], gap[2]) if more_is_better else (-gap[2], -gap[1])
    return "better" if low > 0 else "worse" if high < 0 else "level"


def _conclusions(figures: Sequence[EncoderFigure], encoders: dict[str, Encoder]) -> list[str]:
    """Whether the built-in encoder may be relied on alone, task by task."""
    said = []
    place = {(one.data, one.task, one.languages, one.encoder): one for one in figures}
    if encoders[BUILTIN].identity.name != BUILTIN:
        said.append("the market has no text before the cut: builtin stands for random vectors")
    for key in _PROMISED:
        alone, both = place.get((*key, BUILTIN)), place.get((*key, BUILTIN + TOGETHER))
        if alone is None or both is None:
            continue
        where = f"{alone.task} ({alone.data}, {alone.languages})"
        if alone.verdict == "better":
            said.append(f"{where}: the built-in encoder beats {LEXICAL}")
            continue
        said.append(
            f"{where}: the built-in encoder does not beat {LEXICAL}, so it is not to be relied on "
            f"alone; the product's default is both, which the rankers have as features. The mean "
            f"of both cosines is {_THAN[both.verdict]} {LEXICAL} here"
        )
    return said
