"""Whether stated effects are true, where the world can be asked what a change would cause.

``python benchmarks/bench_effects.py --world default --seeds 10`` simulates markets and asks what
terms of a hire cause: a fee per post, more posts, formats, a budget. The truth is what the expected
engagement of the same hires would be with and without the change, on the same weights. In
``confounded`` a fame that no table shows raises both the fee that is paid and what a hire brings.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from matcher.config import Settings
from matcher.evaluation.effects.answer import EffectAnswer, answer_effect
from matcher.evaluation.effects.hires import Hires, look_at_hires
from matcher.features.context import MarketData
from matcher.market.load import load_market
from matcher.world.knobs import WORLDS
from matcher.world.simulate import simulate_market
from matcher.world.truth import Intervention, Truth, read_truth

if TYPE_CHECKING:
    from numpy.typing import NDArray

_SMALL = {"encoder": {"dim": 64, "epochs": 1}}
_ASKED = (
    "fee_per_post",
    "n_posts",
    "budget_per_creator",
    "format:short_video",
    "format:image",
    "format:story",
    "format:video",
)


def true_effect(truth: Truth, hires: Hires, answer: EffectAnswer) -> float:
    """What the change would cause in the hires that the answer rests on."""
    name, outcome = answer.treatment, hires.outcome_name
    if answer.estimate is None:
        return np.nan
    weights = answer.estimate.weights
    rows = np.flatnonzero(weights > 0)
    frame = hires.frame.iloc[rows]
    pairs = frame["campaign_id"].tolist(), frame["account_id"].tolist()

    def logs(change: Intervention) -> NDArray[np.float64]:
        return np.log(truth.expected(*pairs, change)[outcome].to_numpy())

    share = weights[rows] / weights[rows].sum()
    if name == "fee_per_post":
        moved = logs(Intervention(fee_ratio=2.0)) - logs(Intervention(fee_ratio=1.0))
    elif name == "n_posts":
        moved = logs(Intervention(n_posts=2)) - logs(Intervention(n_posts=1))
    elif name == "budget_per_creator":
        # A budget decides who is hired and for which fee; it does not reach what a hire brings.
        moved = np.zeros(len(rows))
    else:
        moved = format_effect(truth, hires, rows, name.partition(":")[2])
    return float(share @ moved)


def format_effect(
    truth: Truth, hires: Hires, rows: NDArray[np.int64], form: str
) -> NDArray[np.float64]:
    """Log outcome in a format less that in the others, as often as hires of the platform have."""
    frame = hires.frame.iloc[rows].reset_index(drop=True)
    moved = np.zeros(len(frame))
    for platform, part in frame.groupby("platform"):
        pairs = part["campaign_id"].tolist(), part["account_id"].tolist()
        own = hires.frame[hires.frame["platform"] == platform]["format"]
        mix = own[own != form].value_counts(normalize=True)

        def logs(one: str, asked: tuple[list[str], list[str]] = pairs) -> NDArray[np.float64]:
            change = Intervention(format=one)
            return np.log(truth.expected(*asked, change)[hires.outcome_name].to_numpy())

        others = sum(share * logs(str(one)) for one, share in mix.items())
        moved[part.index] = logs(form) - others
    return moved


def judge_seed(seed: int, options: argparse.Namespace) -> list[dict[str, object]]:
    """Answers for one market and what is true."""
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch) / "market"
        size = {"n_influencers": options.influencers, "n_campaigns": options.campaigns}
        simulate_market(folder, **size, seed=seed, world=options.world)
        settings = Settings.model_validate(_SMALL)
        data = MarketData(load_market(folder, settings.market))
        hires = look_at_hires(data, settings, outcome=options.outcome)
        truth = read_truth(folder)
        found = []
        for name in _ASKED:
            answer = answer_effect(hires, name, seed=seed)
            true = true_effect(truth, hires, answer)
            found.append(told(seed, answer, true))
            if options.verbose:
                print(answer.verdict("en"), f"(truth {true:+.3f})", file=sys.stderr)
        return found


def told(seed: int, answer: EffectAnswer, true: float) -> dict[str, object]:
    """One row of figures; effects are changes of the logarithm."""
    row: dict[str, object] = {"seed": seed, "treatment": answer.treatment, "truth": true}
    row["declined"] = answer.is_declined
    row["n"] = answer.n_hires
    for name in ("naive", "pooled", "effect"):
        one = getattr(answer, name)
        row[name] = np.nan if one is None else one.value
        row[f"{name}_holds"] = np.nan if one is None else float(one.low <= true <= one.high)
    row["width"] = np.nan if answer.effect is None else answer.effect.high - answer.effect.low
    row["bound_holds"] = (
        np.nan if answer.bound is None else float(answer.bound[0] <= true <= answer.bound[1])
    )
    row["bound_width"] = np.nan if answer.bound is None else answer.bound[1] - answer.bound[0]
    row["claimed"] = answer.is_claimed
    row["wrong_claim"] = answer.is_claimed and np.sign(row["effect"]) != np.sign(round(true, 6))
    row["hidden"] = answer.hidden_in_accounts
    return row


def main() -> None:
    """Print one line per treatment, over seeds."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--world", default="default", choices=sorted(WORLDS))
    parser.add_argument("--outcome", default="engagements")
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--first-seed", type=int, default=1_001)
    parser.add_argument("--influencers", type=int, default=1_000)
    parser.add_argument("--campaigns", type=int, default=300)
    parser.add_argument("--verbose", action="store_true", help="Print every verdict.")
    options = parser.parse_args()
    rows: list[dict[str, object]] = []
    for seed in range(options.first_seed, options.first_seed + options.seeds):
        started = time.monotonic()
        rows += judge_seed(seed, options)
        print(f"seed {seed}: {time.monotonic() - started:.0f} s", file=sys.stderr)
    table = pd.DataFrame(rows)
    print(
        f"world {options.world}, {options.seeds} seeds, {options.outcome}; changes of the log, "
        "means over seeds; share of seeds in which interval (95 %) and bound hold the truth"
    )
    head = ("hires", "declined", "truth", "naive", "pooled", "adjusted", "bias", "width")
    head = (*head, "pooled in", "inside", "bound in", "bound w.", "claimed", "wrong", "hidden")
    print(f"{'treatment':<20}" + "".join(f"{name:>10}" for name in head))
    for name, part in table.groupby("treatment", sort=False):
        kept = part[~part["declined"].astype(bool)]
        cells = [f"{part['n'].mean():,.0f}", f"{int(part['declined'].sum())}/{len(part)}"]
        cells += [f"{kept[one].mean():+.3f}" for one in ("truth", "naive", "pooled", "effect")]
        cells.append(f"{(kept['effect'] - kept['truth']).mean():+.3f}")
        cells.append(f"{kept['width'].mean():.3f}")
        cells += [f"{kept[one].mean():.2f}" for one in ("pooled_holds", "effect_holds")]
        cells += [f"{kept['bound_holds'].mean():.2f}", f"{kept['bound_width'].median():.2f}"]
        cells += [str(int(kept[one].sum())) for one in ("claimed", "wrong_claim", "hidden")]
        print(f"{name:<20}" + "".join(f"{cell:>10}" for cell in cells))


if __name__ == "__main__":
    main()
