"""What `matcher embed` does besides filling the cache: comparing encoders, and tuning one."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from matcher.cli.dry import check_encoder, print_plan
from matcher.cli.output import note, print_json, print_result, progress
from matcher.errors import EncoderError, UsageError
from matcher.files import TABLE_SUFFIXES, check_folder, check_output, write_folder, write_table

if TYPE_CHECKING:
    import pandas as pd

    from matcher.config import Settings
    from matcher.features.data import MarketData

__all__ = [
    "BatchSize",
    "Bench",
    "Epochs",
    "From",
    "LearningRate",
    "Out",
    "Public",
    "Seed",
    "Tune",
    "Until",
    "bench",
    "check_use",
    "tune",
]

PUBLIC_SETS: Final = Path("../shared/data/embedding")
"""Where the public sets are looked for unless named."""

Bench = Annotated[
    bool,
    typer.Option("--bench", help="Compare the built-in encoder, TF-IDF and any --encoder."),
]
Public = Annotated[
    Path | None,
    typer.Option(
        "--public",
        metavar="DIR",
        help=f"Public sets that --bench judges on too; {PUBLIC_SETS} where that is there.",
    ),
]
Tune = Annotated[
    bool, typer.Option("--train", help="Tune the encoder --from on the market's own pairs.")
]
From = Annotated[
    str | None,
    typer.Option("--from", metavar="PATH", help="Encoder that --train begins with; also a hub id."),
]
Out = Annotated[
    Path | None,
    typer.Option(
        "--out", metavar="PLACE", help="Folder that --train makes; table that --bench writes."
    ),
]
Until = Annotated[
    str | None,
    typer.Option(
        "--until", metavar="T", help="Learn only from what was known before this instant."
    ),
]
Epochs = Annotated[
    int | None, typer.Option("--epochs", min=1, help="Passes of --train over the pairs; default 1.")
]
BatchSize = Annotated[
    int | None,
    typer.Option("--batch-size", min=2, help="Pairs that --train tells apart at once; default 32."),
]
LearningRate = Annotated[
    float | None,
    typer.Option("--learning-rate", help="Highest learning rate of --train; default 2e-5."),
]
Seed = Annotated[
    int | None, typer.Option("--seed", min=0, help="Order of the pairs of --train; default 0.")
]


_FITTING: Final = {
    "embed": {"--encoder", "--cache"},
    "embed --bench": {"--encoder", "--cache", "--public", "--out", "--until", "--force"},
    "embed --train": {
        "--from", "--out", "--until", "--force", "--epochs", "--batch-size", "--learning-rate",
        "--seed",
    },
}  # fmt: skip
"""Options that each use of the verb looks at, besides those of all uses."""


def check_use(given: dict[str, Any], *, bench: bool, train: bool) -> None:
    """Refuse options that the use of the verb at hand would not look at.

    Parameters
    ----------
    given : dict of str to Any
        Value of each option; None, False or an empty list where it was not given.
    bench, train : bool
        Which use was asked for.

    Raises
    ------
    UsageError
        If one does not fit, or both uses were asked for.
    """
    if bench and train:
        raise UsageError("embed: got --bench and --train; expected one of them")
    use = "embed --bench" if bench else "embed --train" if train else "embed"
    present = [
        name
        for name, value in given.items()
        if value is not None and value is not False and value != []
    ]
    odd = [name for name in present if name not in _FITTING[use]]
    if odd:
        others = [name for name, fitting in _FITTING.items() if odd[0] in fitting]
        raise UsageError(
            f"{use}: got {odd[0]}, which is an option of `{'` and `'.join(others)}` only"
        )
    if use == "embed" and len(given["--encoder"]) > 1:
        raise UsageError(
            f"embed: got {len(given['--encoder'])} encoders; expected one (--bench compares many)"
        )


def bench(
    data: MarketData,
    settings: Settings,
    *,
    named: list[str],
    cut: pd.Timestamp | None,
    public: Path | None,
    out: Path | None,
    force: bool,
    cache: Path,
    dry_run: bool,
    as_json: bool,
) -> None:
    """Compare encoders and print the figures.

    Parameters
    ----------
    data : MarketData
        Market.
    settings : Settings
        Settings.
    named : list of str
        Encoders besides the built-in one; that of the settings where none is named.
    cut : pandas.Timestamp or None
        Instant before which is learnt, and after which is judged.
    public : pathlib.Path or None
        Folder of public sets.
    out : pathlib.Path or None
        Table to write.
    force : bool
        Replace a table that stands there.
    cache : pathlib.Path
        Folder of the cache of vectors of encoders that are not built in.
    dry_run : bool
        Check everything and write nothing.
    as_json : bool
        Whether machines will read it.
    """
    from matcher.evaluation.encoders.bench import bench_encoders
    from matcher.evaluation.encoders.on_public import find_public_sets
    from matcher.text.cache import EmbeddingCache

    if out is not None:
        check_output(out, force=force, suffixes=TABLE_SUFFIXES, make=not dry_run)
    if public is None and find_public_sets(PUBLIC_SETS):
        public = PUBLIC_SETS
    chosen = [name for name in named or [settings.encoder.name] if name != "builtin"]
    if dry_run:
        opened = [check_encoder(_with_name(settings, name)) for name in ("builtin", *chosen)]
        plan = {"would": "compare encoders with TF-IDF", "encoders": "; ".join(opened)}
        plan["public sets"] = "none" if public is None else str(public)
        plan["cut"] = "a third of the campaigns comes after it" if cut is None else str(cut)
        print_plan(plan, as_json=as_json)
        return
    if public is None:
        note(f"no public sets in {PUBLIC_SETS}; --public DIR names their folder")

    store = EmbeddingCache(cache)

    def embed(encoder: Any, texts: Any, role: Any) -> Any:
        # The built-in encoder and random vectors are faster than the disk.
        name = encoder.identity.name
        if name == "builtin" or name.startswith("random:"):
            return encoder.encode(texts, role=role)
        return store.encode(encoder, texts, role=role)

    with progress() as tell:
        found = bench_encoders(
            data, settings, names=chosen, cut=cut, public=public, embed=embed, tell=tell
        )
    if out is not None:
        write_table(out, found.frame(), force=force)
        note(f"figures written to {out}")
    if as_json:
        print_json({"data_hash": data.market.data_hash, **found.as_dict()})
        return
    print_result("\n".join(found.lines()))


def _with_name(settings: Settings, name: str) -> Settings:
    if name == settings.encoder.name:
        return settings
    chosen = settings.encoder.model_copy(update={"name": name, "revision": None})
    return settings.model_copy(update={"encoder": chosen})


def tune(
    data: MarketData,
    settings: Settings,
    *,
    base: str | None,
    out: Path | None,
    cut: pd.Timestamp | None,
    how: dict[str, Any],
    force: bool,
    dry_run: bool,
    as_json: bool,
) -> None:
    """Tune an encoder on a market's pairs and write it as a folder.

    Parameters
    ----------
    data : MarketData
        Market.
    settings : Settings
        Settings.
    base : str or None
        Encoder to begin with.
    out : pathlib.Path or None
        Folder to make.
    cut : pandas.Timestamp or None
        Instant before which is learnt; all of the market when None.
    how : dict of str to Any
        Settings of the tuning by name; None leaves the default.
    force : bool
        Replace a tuned encoder that stands there.
    dry_run : bool
        Check everything and write nothing.
    as_json : bool
        Whether machines will read it.

    Raises
    ------
    UsageError
        If the encoder or the folder is not named, or the encoder is one that cannot be tuned.
    """
    from matcher.ranking.text_pairs import market_text_pairs
    from matcher.text.tuned import TUNING_FILE, read_tuning
    from matcher.text.tuning import TuneRecipe, tune_encoder

    if base is None or out is None:
        missing = "--from PATH" if base is None else "--out DIR"
        raise UsageError(f"embed --train: {missing} is missing; expected --from PATH and --out DIR")
    if base in ("builtin", "random"):
        raise UsageError(
            f"embed --train: got --from {base}; expected the folder or hub id of a sentence "
            "transformer (the built-in encoder is fitted on the market by `matcher train`)"
        )
    check_folder(out, force=force, marker=TUNING_FILE, make=not dry_run)
    recipe = TuneRecipe(**{name: value for name, value in how.items() if value is not None})
    until = cut if cut is not None else data.market.all_known_at
    chosen = _with_name(settings, base).encoder
    pairs = market_text_pairs(data, until, seed=recipe.seed)
    counts = {one.kind: len(one) for one in pairs}
    if dry_run:
        plan = {
            "would": f"tune an encoder into {out}",
            "from": check_encoder(_with_name(settings, base)),
        }
        print_plan({**plan, "until": until.isoformat(), "pairs": counts}, as_json=as_json)
        return
    with progress() as tell:
        fill = partial(
            tune_encoder,
            chosen,
            pairs,
            trained_until=until,
            data_hash=data.market.data_hash,
            recipe=recipe,
            progress=tell,
        )
        write_folder(out, fill, force=force, marker=TUNING_FILE)
    record = read_tuning(out)
    if record is None:
        raise EncoderError(f"{out}: was taken away while it was being written; tune it again")
    if as_json:
        print_json({"encoder": str(out), **record.as_dict()})
        return
    lines = [f"{out}: tuned from {record.base} on what was known before {until}"]
    lines += [f"  {count:>9,} pairs: {kind}" for kind, count in counts.items()]
    lines += [
        f"  loss of epoch {number}: {loss:.4f}" for number, loss in enumerate(record.losses, 1)
    ]
    lines.append(f"  licence of the base: {record.licence}")
    lines.append(f"use it by --encoder {out}; campaigns decided before then are refused")
    print_result("\n".join(lines))
