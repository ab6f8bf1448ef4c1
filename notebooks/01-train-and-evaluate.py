# ---
# jupyter:
#   jupytext:
#     formats: py:percent
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Train and evaluate
#
# A market folder goes in; an honest comparison, a model and ranked lists with reasons come out. The
# command line does the same; here every step gives a frame to look at. Run it from the repository's
# root or from this folder. The market is tiny and invented: its figures show the form of
# things and nothing else.

# %%
import tempfile
from pathlib import Path

import pandas as pd

from matcher.columns import REASON_GROUPS
from matcher.config import Settings
from matcher.evaluation.protocol import walk_forward
from matcher.features.context import MarketData
from matcher.market.brief import Brief, read_brief
from matcher.market.load import load_market
from matcher.recommend.recommend import recommend, select_open_briefs
from matcher.recommend.write import write_recommendations
from matcher.training import feature_table, train_model

DATA = next(path for path in (Path("data"), Path("../data")) if path.is_dir())
pd.set_option("display.max_columns", 20)

# %% [markdown]
# ## The market
# Everything is checked in one pass. What breaks the contract is set aside and named, never mended
# in silence.

# %%
market = load_market(DATA / "tiny_market")
pd.Series({name: len(table) for name, table in market.tables.items()}, name="rows").to_frame()

# %%
market.quarantine.head()

# %%
market.tables["campaigns"][["campaign_id", "brand_id", "title", "decided_at"]].head()

# %% [markdown]
# `as_of` gives the market as it was known strictly before an instant. Without it there is no honest
# training: counters grow, hires become known late.

# %%
middle = market.tables["campaigns"]["decided_at"].dropna().sort_values().iloc[10]
earlier = market.as_of(middle)
pd.DataFrame(
    {
        "now": {name: len(table) for name, table in market.tables.items()},
        f"known before {middle:%Y-%m-%d}": {
            name: len(table) for name, table in earlier.tables.items()
        },
    }
).loc[["posts", "post_metrics", "collaborations"]]

# %% [markdown]
# ## Settings
# The defaults suit a market of thousands of accounts. This one has a few dozen, so it learns with
# less, and campaigns count from three earlier hires on.

# %%
settings = Settings.model_validate(
    {
        "encoder": {"dim": 32, "epochs": 1},
        "ranker": {"n_trees": 20, "n_draws": 1},
        "retrieval": {"min_posts": 1},
        "evaluation": {
            "n_blocks": 2,
            "min_earlier_hired": 3,
            "n_bootstrap": 100,
            "n_permutations": 2,
        },
    }
)
data = MarketData(market)

# %% [markdown]
# ## Is it better, than what, how surely?
# Walking forward, each campaign is scored by a model that was closed before it. Two questions are
# kept apart: who was *hired*, and what the hired *delivered*. Baselines and controls stand beside
# the model.

# %%
result = walk_forward(data, settings)
result

# %%
figures = result.to_frame()
main = figures[(figures["question"] == "hired") & (figures["slice"] == "all")]
main.pivot_table(index="scorer", columns="metric", values="value", sort=False, observed=True)[
    ["auc", "ndcg_at_10", "recall_at_20"]
].round(2)

# %% [markdown]
# A difference whose interval holds 0 shows nothing.

# %%
result.paired[result.paired["metric"] == "auc"][
    ["question", "baseline", "difference", "low", "high", "includes_zero", "n"]
].round(2)

# %%
result.audit["skipped_campaigns"]

# %% [markdown]
# ## The model
# It is a folder of plain files with a manifest. Pass an opened `matcher.tracking.store.Store` as
# `store` to keep the run in MLflow, as the command line does.

# %%
work = Path(tempfile.mkdtemp())
trained = train_model(data, settings, folder=work / "model", market_name="tiny", evaluate=False)
trained.model_id, trained.model.trained_until, dict(trained.model.facts)

# %% [markdown]
# What it may know of a pair, in reason groups:

# %%
feature_table().groupby("group").agg(n=("name", "size"), first=("name", "first"))

# %% [markdown]
# ## Lists with reasons
# For the campaigns that are still open, and for a brief from a file.

# %%
now = market.all_known_at
briefs: list[Brief] = [*select_open_briefs(market, now), read_brief(DATA / "brief-vi.yaml")]
lists = recommend(
    trained.model, data, briefs, as_of=now, settings=settings, top_k=10, model_id=trained.model_id
)
lists

# %%
best = lists.brief("brief-vi")
best[["rank", "handle", "fit_percentile", "why_1", "warning_text"]].head()

# %% [markdown]
# The contributions of the reason groups add up to the score.

# %%
reasons = [f"reason_{group}" for group in REASON_GROUPS]
gap = (best["base"] + best[reasons].sum(axis=1) - best["outcome_score"]).abs().max()
assert gap < 1e-9
best.set_index("handle")[reasons].head().round(2).T

# %% [markdown]
# What was eligible, and what each hard rule removed:

# %%
lists.pools.set_index("brief_id").T

# %%
write_recommendations(lists, work / "lists.csv")
