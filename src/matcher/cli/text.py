"""Verb that embeds a market's texts ahead of training and recommending."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from matcher.cli import encoders
from matcher.cli.data import AsJson, ConfigFile, Force, MarketFolder
from matcher.cli.dry import (
    DryRun,
    check_cache,
    check_encoder,
    count_market,
    count_texts,
    print_plan,
)
from matcher.cli.output import Tell, print_json, print_result, progress

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    from numpy.typing import NDArray

    from matcher.config import Settings
    from matcher.market.market import Market
    from matcher.text.cache import EmbedCounts, EmbeddingCache
    from matcher.text.encoder import Encoder, Role

EncoderName = Annotated[
    str | None,
    typer.Option("--encoder", metavar="NAME", help="builtin, random, a hub id or a path."),
]
EncoderNames = Annotated[
    list[str] | None,
    typer.Option(
        "--encoder", metavar="NAME", help="builtin, random, a hub id or a path; --bench takes many."
    ),
]
CacheFolder = Annotated[
    Path | None,
    typer.Option("--cache", metavar="DIR", help="Embedding cache; default under MATCHER_HOME."),
]


def embed(
    market: MarketFolder,
    encoder: EncoderNames = None,
    cache: CacheFolder = None,
    config: ConfigFile = None,
    bench: encoders.Bench = False,
    public: encoders.Public = None,
    train: encoders.Tune = False,
    base: encoders.From = None,
    out: encoders.Out = None,
    until: encoders.Until = None,
    epochs: encoders.Epochs = None,
    batch_size: encoders.BatchSize = None,
    learning_rate: encoders.LearningRate = None,
    seed: encoders.Seed = None,
    dry_run: DryRun = False,
    as_json: AsJson = False,
    force: Force = False,
) -> None:
    """Embed a market's posts, bios, brands and briefs into the cache.

    Texts that are there already are not embedded again, also after an interruption.
    Another encoder is taken from this machine only; nothing is downloaded.
    Later commands find its vectors by themselves; those of the built-in encoder, which is
    faster than most disks, only where they are given the same --cache.

    With --bench the built-in encoder, TF-IDF and each --encoder are compared on the
    market's own pairs after a cut (--until) and on public sets (--public).
    With --train a sentence transformer (--from) is tuned on the market's own pairs as of
    a cut (--until), and written to a folder (--out) that --encoder takes.

    Example: matcher embed my-market --encoder intfloat/multilingual-e5-small
    """
    from matcher.market.load import load_market

    named = encoder or []
    how = {"epochs": epochs, "batch_size": batch_size, "learning_rate": learning_rate, "seed": seed}
    given: dict[str, Any] = {
        "--encoder": named,
        "--cache": cache,
        "--public": public,
        "--from": base,
    }
    given |= {"--out": out, "--until": until, "--force": force}
    given |= {f"--{name.replace('_', '-')}": value for name, value in how.items()}
    encoders.check_use(given, bench=bench, train=train)
    if bench or train:
        from matcher.cli.models import load_data, parse_instant

        shared: dict[str, Any] = {"out": out, "force": force, "dry_run": dry_run}
        shared |= {"cut": None if until is None else parse_instant(until), "as_json": as_json}
        data, settings = load_data(market, settings_with(config))
        if train:
            encoders.tune(data, settings, base=base, how=how, **shared)
        else:
            folder = cache_folder(cache)
            encoders.bench(data, settings, named=named, public=public, cache=folder, **shared)
        return
    settings = settings_with(config, encoder=named[0] if named else None)
    _embed(
        load_market(market, settings.market),
        market,
        settings,
        cache_folder(cache),
        dry_run=dry_run,
        as_json=as_json,
    )


def _embed(
    loaded: Market, market: Path, settings: Settings, folder: Path, *, dry_run: bool, as_json: bool
) -> None:
    from matcher.text.cache import EmbeddingCache

    if dry_run:
        plan = {"would": f"embed the texts of {market}", "into": check_cache(folder)}
        texts = {"texts": count_texts(loaded), "encoder": check_encoder(settings)}
        print_plan({**plan, "market": count_market(loaded), **texts}, as_json=as_json)
        return
    with progress() as tell:
        fitted, counts = _fill(loaded, settings, EmbeddingCache(folder), tell)
    if as_json:
        print_json(
            {
                "market": str(market),
                "data_hash": loaded.data_hash,
                "encoder": fitted.identity.as_dict(),
                "cache": str(folder),
                "texts": {name: asdict(count) for name, count in counts.items()},
            }
        )
        return
    lines = [
        f"{market}: embedded by {fitted.identity.name} into {folder} (data {loaded.data_hash})"
    ]
    for name, count in counts.items():
        lines.append(
            f"  {name:<10}{count.n_texts:>12,} texts: {count.n_new:,} new, "
            f"{count.n_cached:,} there or repeated, {count.n_empty:,} empty"
        )
    print_result("\n".join(lines))


def cache_folder(given: Path | None) -> Path:
    """Folder of the embedding cache.

    Parameters
    ----------
    given : pathlib.Path or None
        What the user named.

    Returns
    -------
    pathlib.Path
        That, or ``embeddings`` in Matcher's own data folder.
    """
    if given is not None:
        return given
    from matcher.tracking.store import data_home

    return data_home() / "embeddings"


def settings_with(config: Path | None, *, encoder: str | None = None) -> Settings:
    """Settings of a file, with what the command line names on top.

    Parameters
    ----------
    config : pathlib.Path or None
        File; None gives the defaults.
    encoder : str or None
        Encoder to use instead of the file's.

    Returns
    -------
    Settings
        Resolved settings.
    """
    from matcher.config import read_settings

    settings = read_settings(config)
    if encoder is None or encoder == settings.encoder.name:
        return settings
    # The revision in the file is that of the file's encoder.
    chosen = settings.encoder.model_copy(update={"name": encoder, "revision": None})
    return settings.model_copy(update={"encoder": chosen})


def _fill(
    market: Market, settings: Settings, cache: EmbeddingCache, tell: Tell
) -> tuple[Encoder, dict[str, EmbedCounts]]:
    import numpy as np

    from matcher.features.context import MarketData
    from matcher.market.brief import Brief
    from matcher.ranking.fit import fit_encoder, fit_text

    data = MarketData(market)
    tell("encoder", 0, 1)
    encoder = fit_encoder(data, market.all_known_at, settings)
    tell("encoder", 1, 1)
    counts: dict[str, EmbedCounts] = {}
    step = ""

    def fill(encoder: Encoder, texts: Sequence[str], role: Any) -> NDArray[np.float16]:
        counts[step] = cache.fill(encoder, texts, role=_role(role), progress=show)
        # The context only hands vectors on, and here nobody takes them: none are read back.
        return np.zeros((0, encoder.identity.dim), dtype=np.float16)

    def show(n_done: int, n_total: int) -> None:
        tell(step, n_done, n_total)

    context = fit_text(data, market.all_known_at, settings, encoder=encoder, embed=fill)
    briefs = [Brief.from_campaign(market, key) for key in market.tables["campaigns"]["campaign_id"]]
    steps: dict[str, Any] = {
        "posts": lambda: context.post_embeddings,
        "hashtags": lambda: context.hashtag_embeddings,
        "bios": lambda: context.bio_embeddings,
        "brands": lambda: context.brand_embeddings,
        "briefs": lambda: context.embed_briefs(briefs),
    }
    for name, run in steps.items():
        step = name
        run()
    return encoder, counts


def _role(role: str) -> Role:
    return "brief" if role == "brief" else "content"
