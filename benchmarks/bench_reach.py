"""How many people sets of accounts reach together: estimates against simulated markets' truth.

``python benchmarks/bench_reach.py --first-seed 4001 --seeds 3``

For each seed and world a market is simulated, and sets of 5, 10 and 20 accounts of different people
are drawn: at random, of one topic, among the accounts of most reach, and of one topic among these.
Each account reaches what the truth expects of `--posts` posts. The truth knows who sees whom, and
so how many people see at least one, two and three of a set. Beside it stand: what the market's
audience tables give (accounts without a table are taken to be like others), as `matcher plan`
counts; what a panel of drawn people gives; Sainsbury's formula over the people of the home country;
and the plain sum. Errors are relative to the truth; of two and three times only where at least 1 %
of the people reached are.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pandas as pd

from matcher.config import Settings
from matcher.features.context import MarketData
from matcher.market.load import load_market
from matcher.plan.audience import read_audiences
from matcher.plan.cells import EVENNESS, build_crowd, sainsbury, usual_people
from matcher.plan.panel import parse_panel
from matcher.world.simulate import simulate_market
from matcher.world.truth import Truth, read_truth

_SIZES = (5, 10, 20)
_KINDS = ("random", "one topic", "most reach", "one topic, most reach")
_LATE = 1 << 60
"""An instant after all others, in microseconds."""
_MOST = 0.9
"""Share of an account's followers that it reaches at most, as a panel of followers must know."""


class Case:
    """One simulated market with what its accounts reach."""

    def __init__(self, folder: Path, *, posts: int) -> None:
        self.data = MarketData(load_market(folder, Settings().market))
        self.truth: Truth = read_truth(folder)
        self.ids = np.array(self.truth.account_ids, dtype=object)
        self.codes = self.data.index.account_codes(self.ids)
        index = self.data.index
        self.platforms = index.accounts["platform"].to_numpy(object)[self.codes]
        self.persons = index.person_of[self.codes]
        lists = index.influencers["categories"].to_numpy(object)[self.codes]
        self.topics = np.array(
            [one[0] if isinstance(one, tuple) and one else "" for one in lists], dtype=object
        )
        campaign = self.truth.campaign_ids[len(self.truth.campaign_ids) // 2]
        found = self.truth.expected([campaign] * len(self.ids), self.ids.tolist())
        each = found["reach"].to_numpy(np.float64)
        n_posts = float(self.truth.market.campaigns.n_posts[len(self.truth.campaign_ids) // 2])
        size = self.truth.audience.profiles.size
        self.reach = np.clip(each / n_posts * posts, 1.0, _MOST * size)

    def draw(self, kind: str, size: int, rng: np.random.Generator) -> np.ndarray | None:
        """Accounts of different people; None where a topic has too few."""
        n = len(self.ids)
        best = np.argsort(-self.reach)
        pool = {"random": np.arange(n), "most reach": best[: n // 10]}.get(kind)
        if pool is None:
            among = np.arange(n) if kind == "one topic" else best[: n // 3]
            counts = pd.Series(self.topics[among]).value_counts()
            known = sorted(counts[counts >= size].index)
            if not known:
                return None
            pool = among[self.topics[among] == rng.choice(known)]
        pool = rng.permutation(pool)
        _, first = np.unique(self.persons[pool], return_index=True)
        chosen = pool[np.sort(first)][:size]
        return np.sort(chosen) if len(chosen) == size else None


def estimate(case: Case, chosen: np.ndarray, evenness: float) -> np.ndarray:
    """People reached at least 1, 2 and 3 times, from the audience tables."""
    wanted = case.reach[chosen]
    held = read_audiences(case.data, case.codes[chosen], _LATE)
    crowd = build_crowd(held, case.platforms[chosen], wanted, evenness=evenness)
    reach, _ = crowd.reach(wanted)
    return reach.people_reached_often(np.arange(len(chosen)))


def open_panel(case: Case, chosen: np.ndarray, n_people: int, seed: int) -> pd.DataFrame:
    """Panel of drawn people, as a user would hand it in."""
    drawn = case.truth.audience.membership(chosen, n_people, seed=seed)
    pairs = drawn.follows.tocoo()
    return pd.DataFrame(
        {
            "person": pairs.row,
            "account_id": case.ids[chosen[pairs.col]],
            "weight": drawn.weight[pairs.row],
        }
    )


def judge_case(case: Case, world: str, seed: int, options: argparse.Namespace) -> list[dict]:
    """Errors of each set."""
    rng = np.random.default_rng(seed)
    sets = [
        (kind, found)
        for kind in _KINDS
        for number in range(options.sets)
        if (found := case.draw(kind, _SIZES[number % len(_SIZES)], rng)) is not None
    ]
    everyone = np.unique(np.concatenate([found for _, found in sets]))
    frame = open_panel(case, everyone, options.people, seed)
    panel = parse_panel(frame, case.data.index.account_ids, where="panel")
    home = usual_people().count("VN")
    rows = []
    for kind, chosen in sets:
        wanted = case.reach[chosen]
        true = [case.truth.audience.union(chosen, wanted, at_least=n) for n in (1, 2, 3)]
        began = time.perf_counter()
        found = estimate(case, chosen, options.evenness)
        took = time.perf_counter() - began
        known = panel.is_known[case.codes[chosen]]
        by_panel, _ = panel.select(case.codes[chosen][known]).reach(wanted[known])
        seen = by_panel.people_reached_often(np.arange(int(known.sum())))
        seen = seen + wanted[~known].sum() * np.array([1, 0, 0])
        row = {"world": world, "kind": kind, "seed": seed, "seconds": took}
        row["overlap"] = 1.0 - true[0] / wanted.sum()
        for n in range(3):
            is_told = n == 0 or true[n] >= 0.01 * true[0]
            row[f"tables {n + 1}+"] = found[n] / true[n] - 1 if is_told else np.nan
            row[f"panel {n + 1}+"] = seen[n] / true[n] - 1 if is_told else np.nan
        row["Sainsbury"] = sainsbury(wanted, home) / true[0] - 1
        row["sum"] = wanted.sum() / true[0] - 1
        rows.append(row)
    return rows


def main() -> None:
    """Judge all seeds and print mean absolute errors by kind of set."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--worlds", nargs="+", default=["default", "vietnamese", "drift"])
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--first-seed", type=int, default=1_001)
    parser.add_argument("--influencers", type=int, default=1_000)
    parser.add_argument("--sets", type=int, default=12, help="Sets of each kind per market.")
    parser.add_argument("--posts", type=int, default=3)
    parser.add_argument("--people", type=int, default=20_000, help="People of the panel.")
    parser.add_argument("--evenness", type=float, default=EVENNESS)
    options = parser.parse_args()
    rows: list[dict] = []
    for world in options.worlds:
        for seed in range(options.first_seed, options.first_seed + options.seeds):
            with tempfile.TemporaryDirectory() as scratch:
                folder = Path(scratch) / "market"
                simulate_market(
                    folder, n_influencers=options.influencers, n_campaigns=40, seed=seed,
                    world=world,
                )  # fmt: skip
                case = Case(folder, posts=options.posts)
                rows += judge_case(case, world, seed, options)
        print(f"{world}: done", file=sys.stderr)
    print_errors(pd.DataFrame(rows), options)


def print_errors(table: pd.DataFrame, options: argparse.Namespace) -> None:
    """Print mean absolute errors, the worst one, and the mean signed error of the tables."""
    print(
        f"{options.seeds} seeds from {options.first_seed}, {options.posts} posts each, panel of "
        f"{options.people:,} people, evenness {options.evenness:g}; mean absolute relative error"
    )
    head = ["overlap", "tables 1+", "panel 1+", "Sainsbury", "sum", "tables 2+", "panel 2+",
            "tables 3+", "panel 3+"]  # fmt: skip
    print(f"{'world':<12}{'sets':<24}{'n':>5}" + "".join(f"{name:>11}" for name in head)
          + f"{'worst':>9}{'bias':>9}")  # fmt: skip
    everything = table.assign(world="all", kind="all")
    parts = [table, table.assign(world="all"), everything]
    for part in parts:
        for (world, kind), held in part.groupby(["world", "kind"], sort=False):
            cells = "".join(f"{held[name].abs().mean():>11.4f}" for name in head)
            worst, bias = held["tables 1+"].abs().max(), held["tables 1+"].mean()
            print(f"{world:<12}{kind:<24}{len(held):>5}{cells}{worst:>9.3f}{bias:>+9.4f}")
    print(f"tables: {1000 * table['seconds'].median():.0f} ms per set")


if __name__ == "__main__":
    main()
