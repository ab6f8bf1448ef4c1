"""The model card: what a model is for, what it learnt from, how well it does, where it fails."""

from __future__ import annotations

from collections import Counter
from pathlib import PurePath
from typing import TYPE_CHECKING, Any

from matcher import __version__
from matcher.ranking.model import GROUP_OF, describe_facts
from matcher.ranking.store import model_manifest
from matcher.recommend.wording import GROUP_NAMES
from matcher.report.card_calibration import (
    calibration_section,
    describe_misses,
    describe_outcomes,
)
from matcher.report.card_exposure import describe_shortfalls, exposure_section
from matcher.report.card_figures import describe_limits, figure_sections, headline
from matcher.report.data_card import find_licences, market_window
from matcher.report.markdown import as_bullets, as_code, as_text
from matcher.text.registry import find_known_encoder

if TYPE_CHECKING:
    from matcher.evaluation.results import EvaluationResult
    from matcher.market.market import Market
    from matcher.ranking.model import Model

__all__ = ["describe_run", "model_card"]

_USES = """\
For: ordering the accounts of this market for a campaign brief, so that a person who knows the \
brand can look at the best of them first; with reasons, evidence and warnings beside each.

Not for:
- deciding about people without a person: the list is a proposal, and its order is no judgement of \
anybody's worth;
- reading scores as probabilities (only `fit` and `acceptance` are), or comparing those of two \
briefs;
- telling how safe an account is for a brand, or what a hire will cost;
- other markets, platforms, languages or times than those below, without an evaluation there;
- briefs decided before the model was closed: scoring them is an error.
"""
_ALWAYS = (
    "*Hired* is what brands chose, not what was best. Accounts that were not chosen are "
    "unlabelled, not bad; what brands overlooked before, a model trained on it tends to overlook.",
    "What only hired accounts can show is learnt from hired accounts: the order by delivery says "
    "little of accounts that no brand would have chosen.",
    "The evaluation refits on earlier campaigns and judges later ones; the model in this folder "
    "was fitted once more on everything, and itself has been judged by nothing yet.",
)

_OF_FALLBACK = (
    "That likeness and level make the order was stated by people; nothing here shows that brands "
    "of this market choose so.",
    "Ranges of outcomes are those of public posts, and too narrow for hires: on simulated markets "
    "ranges of 80 % held 60 % of engagements and 67 % of reach. "
    "Once campaigns are closed, a model trained on them learns from hires instead.",
)


def model_card(
    model: Model,
    market: Market,
    name: str,
    result: EvaluationResult | None,
    *,
    unevaluated: str = "",
) -> str:
    """Card of a model in Markdown.

    Parameters
    ----------
    model : Model
        Model.
    market : Market
        What it was trained on, cut where the model was closed.
    name : str
        Name of the market for people.
    result : EvaluationResult or None
        How the same procedure fared walking forward.
    unevaluated : str, default ""
        Why there is no evaluation.

    Returns
    -------
    str
        Equal models and figures give equal cards: no clock and no path. Ends with a line break.
    """
    is_fallback = "fallback" in model.facts
    head = f"# Model card: {as_text(name)}\n\n{_summary(model)}"
    if result is None:
        said = (
            f"Not evaluated: {as_text(unevaluated, longest=1_000)}. Take it as unproven, and "
            f"{'train again' if is_fallback else 'run `matcher evaluate`'} before anybody relies "
            "on it."
        )
        figures = [("How well it does", said)]
        limits = list(_ALWAYS[:2])
    else:
        figures = [
            *figure_sections(result),
            *calibration_section(result.calibration),
            *exposure_section(result.exposure),
        ]
        limits = [
            *describe_limits(result),
            *describe_misses(result.calibration),
            *describe_shortfalls(result.exposure),
            *_ALWAYS,
        ]
    if is_fallback:
        limits = list(_OF_FALLBACK)
    unlearnt = describe_facts(model.facts)
    limits = [*(f"Not learnt: {as_text(text, longest=1_000)}." for text in unlearnt), *limits]
    sections = [
        ("What it is for, and what not", _USES.rstrip()),
        ("What it learnt from", as_bullets(_sources(model, market))),
        ("How it was trained", as_bullets(_training(model))),
        *figures,
        ("Known failures and limits", as_bullets(limits)),
        ("Assumptions", as_bullets(_assumptions(market))),
        ("Licences", as_bullets(_licences(model, market))),
        ("Versions", as_bullets(_versions(model))),
    ]
    return "\n\n".join([head, *(f"## {title}\n\n{body}" for title, body in sections)]) + "\n"


def describe_run(model: Model, result: EvaluationResult | None, *, unevaluated: str = "") -> str:
    """Start of a model's card, for the page of its run.

    Parameters
    ----------
    model : Model
        Model.
    result : EvaluationResult or None
        Figures.
    unevaluated : str, default ""
        Why there are none.

    Returns
    -------
    str
        Markdown of a few lines.
    """
    if result is None:
        figures = f"Not evaluated: {as_text(unevaluated)}."
    else:
        figures = "\n".join(f"- {line}" for line in headline(result))
    return f"{_summary(model)}\n\n{figures}\n\nThe cards and tables are among the artifacts."


def _summary(model: Model) -> str:
    facts = model.facts
    if "fallback" in facts:
        return (
            f"The fallback {as_code(facts['fallback'])}: ranks accounts for a brand's campaign "
            "brief by a stated rule and by what public posts tell, having learnt nothing from "
            f"hires. Trained until {model.trained_until:%Y-%m-%d %H:%M:%S} UTC."
        )
    return (
        "Ranks accounts for a brand's campaign brief, by who would be hired and by what a hire "
        f"would deliver. Trained until {model.trained_until:%Y-%m-%d %H:%M:%S} UTC on "
        f"{facts.get('n_campaigns', 0):,} campaigns with {facts.get('n_hired', 0):,} hires."
    )


def _sources(model: Model, market: Market) -> list[str]:
    facts = model.facts
    platforms = sorted(market["accounts"]["platform"].dropna().unique())
    languages = sorted(market["campaigns"]["brief_language"].dropna().unique())
    return [
        *market_window(market),
        f"Training rows: {facts.get('n_pairs', 0):,} pairs of a brief and an account, "
        f"{facts.get('n_hired', 0):,} of them hires, {facts.get('n_outcomes', 0):,} with a "
        "measured outcome.",
        f"Platforms: {', '.join(map(as_code, platforms)) or 'unknown'}. "
        f"Languages of briefs: {', '.join(map(as_code, languages)) or 'not given'}.",
        "More on the data, its gaps and what was set aside: `data_card.md` beside this page.",
    ]


def _training(model: Model) -> list[str]:
    identity, chosen = model.encoder.identity, model.settings.ranker
    encoder = f"Text encoder {_encoder_name(identity.name)}, {identity.dim} dimensions"
    if identity.revision:
        encoder += f", revision {as_code(identity.revision)}"
    if identity.trained_until is not None:
        encoder += ", trained on the market's own texts before the cut"
    aligned = "does" if identity.is_aligned else "does not"
    groups = Counter(GROUP_OF.get(name, "other") for name in model.feature_names("hire"))
    words = ", ".join(
        f"{GROUP_NAMES[group]['en'] if group in GROUP_NAMES else group} {n}"
        for group, n in groups.most_common()
    )
    left = ", ".join(map(as_code, chosen.leave_out))
    return [
        f"{encoder} (digest {as_code(identity.digest[:12])}). It {aligned} claim to bring "
        "Vietnamese and English texts of one meaning together.",
        f"{sum(groups.values())} features as of each decision, by reason group: {words}."
        + (f" Left out by the settings: {left}." if left else ""),
        "*Hired*: " + _hired(model) + ".",
        "*Fit* as a probability: " + _fit(model) + ".",
        "*Delivered*: " + _delivered(model) + ".",
        "*Outcomes* of a hire, with ranges: " + describe_outcomes(model) + ".",
        "*Acceptance* of an invitation: " + _acceptance(model) + ".",
        *(
            [f"Settings of the rankers, tuned on earlier campaigns: {facts}."]
            if (facts := model.facts.get("tuned"))
            else []
        ),
        f"All settings stand in `manifest.json` under `config` (hash "
        f"{as_code(model.settings.hash)}); equal data and settings give equal bytes.",
    ]


def _hired(model: Model) -> str:
    chosen = model.settings.ranker
    if "fallback" in model.facts:
        rule = as_text(model.facts["rule"], longest=1_000)
        return f"not learnt; {rule}, an unknown one counting as the middle"
    return (
        f"LightGBM, LambdaRank of hired over other eligible accounts; {chosen.n_draws} "
        f"draw{'s' * (chosen.n_draws > 1)} of {chosen.unlabelled_per_campaign} unlabelled "
        f"candidates a campaign, up to {chosen.n_trees} trees of {chosen.n_leaves} leaves each"
    )


def _fit(model: Model) -> str:
    held = model.calibration
    if held is None:
        reason = model.facts.get("no_fit_probability", "the model was trained without it")
        return f"not stated ({as_text(reason)})"
    return (
        "what places in the ranking meant in the latest third of the campaigns "
        f"({held.n_campaigns} with {held.n_hired:,} hires), ranked by a ranker fitted on the "
        f"others; {held.hires_per_campaign:.1f} hires are expected of a campaign that does not say "
        "how many creators it wants"
    )


def _acceptance(model: Model) -> str:
    held = model.acceptance
    if held is None:
        reason = model.facts.get("no_acceptance", "the model was trained without it")
        return f"not stated ({as_text(reason)})"
    how = "logistic regression" if held.linear is not None else "one rate for everybody"
    return f"{how}, from {as_text(held.description, longest=1_000)}"


def _delivered(model: Model) -> str:
    if model.deliver is None:
        return "no ranker; too little was known"
    if "deliver_from_posts_alone" in model.facts:
        return "a forecast from public posts alone"
    if "no_forecast" in model.facts:
        return "least squares on outcomes within each campaign"
    return "a forecast from public posts, then least squares on what outcomes add"


def _assumptions(market: Market) -> list[str]:
    said = [as_text(text[:1].upper() + text[1:], longest=5_000) for text in market.assumptions]
    return [
        *(f"{text}." for text in said),
        "A brief and its terms are known at its decision; accounts that the brief rules out are "
        "left out before anything is ranked.",
    ]


def _licences(model: Model, market: Market) -> list[str]:
    name = model.encoder.identity.name
    known = find_known_encoder(name)
    if model.settings.encoder.name in ("builtin", "random"):
        encoder = "made by Matcher from the market's texts, without weights from elsewhere"
    elif known is not None and known.licence:
        encoder = f"{known.licence} according to its family's publisher; check the copy in use"
    else:
        encoder = "not known to Matcher; its publisher says"
    said = find_licences(market)
    data = "not stated in the tables; whoever made the market answers for it" if not said else ""
    return [
        "Matcher: Apache-2.0. LightGBM: MIT.",
        f"Encoder {_encoder_name(name)}: {encoder}.",
        f"Data: {data}." if data else f"Data: {' '.join(said)}",
        "The model may hold words of the market's texts, so the data's terms bind who passes it "
        "on.",
    ]


def _versions(model: Model) -> list[str]:
    manifest: dict[str, Any] = model_manifest(model)
    packages = ", ".join(f"{name} {held}" for name, held in manifest["packages"].items())
    return [
        f"Matcher {__version__}; {packages}.",
        f"Data {as_code(model.data_hash)}, settings {as_code(model.settings.hash)}, encoder "
        f"{as_code(model.encoder.identity.digest)}.",
        "The model's id is the first 12 digits of `manifest_sha256` in `manifest.json`.",
    ]


def _encoder_name(name: str) -> str:
    """Name of an encoder; of one on disk the last folder alone."""
    path = PurePath(name)
    return as_code(path.name if path.is_absolute() or name.startswith((".", "~")) else name)
